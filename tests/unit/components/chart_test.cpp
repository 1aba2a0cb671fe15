// Axes and drawings of charts. How they look is for eyes; here is what can be said in numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "components/chart_scale.hpp"
#include "components/chart_svg.hpp"
#include "run_graph.hpp"

namespace {

using namespace reflow;
using namespace reflow::components;
using reflow::test::Folder;
using reflow::test::Lines;
using reflow::test::RunGraph;

std::string labels(const Vector<Tick>& ticks) {
    std::string text;
    for (const Tick& tick : ticks) {
        if (!text.empty()) text += " ";
        text += tick.label;
        if (!tick.second.empty()) text += "/" + std::string(tick.second);
    }
    return text;
}

TEST(NumberAxis, StepsAreNice) {
    EXPECT_EQ(labels(number_axis(-7.1, 35.6, 6).ticks), "\u221210 0 10 20 30 40");
    EXPECT_EQ(labels(number_axis(0, 1, 5).ticks), "0.0 0.2 0.4 0.6 0.8 1.0");
    EXPECT_EQ(labels(number_axis(0.001, 0.0042, 4).ticks), "0.001 0.002 0.003 0.004 0.005");
    EXPECT_EQ(labels(number_axis(12'000, 58'000, 5).ticks),
              "10,000 20,000 30,000 40,000 50,000 60,000");
    EXPECT_EQ(labels(number_axis(-2'000'000, 0, 2).ticks), "\u22122,000,000 \u22121,000,000 0");
    EXPECT_EQ(labels(number_axis(5, 5, 4).ticks), "2 4 6 8");
    EXPECT_EQ(labels(number_axis(0, 0, 2).ticks), "\u22121 0 1");
}

TEST(NumberAxis, CoversItsValues) {
    const double values[] = {0, 1, -1, 0.3, 1e-300, -1e-9, 7e8, 1e15, -1e300, 1e308, -1.7e308};
    for (double low : values) {
        for (double high : values) {
            NumberAxis axis = number_axis(low, high, 6);
            ASSERT_TRUE(std::isfinite(axis.low) && std::isfinite(axis.high)) << low << " " << high;
            EXPECT_LT(axis.low, axis.high) << low << " " << high;
            EXPECT_LE(axis.ticks.size(), 16u) << low << " " << high;
            if (axis.ticks.empty()) continue;  // more than numbers can hold
            // Less than a pixel may be outside.
            double slack = (axis.high / 2 - axis.low / 2) * 1e-6;
            EXPECT_LE(axis.low, std::min(low, high) + slack);
            EXPECT_GE(axis.high, std::max(low, high) - slack);
        }
    }
}

TEST(TimeAxis, ReadsDatesMonthsYears) {
    EXPECT_EQ(time_span("1970-01-02")->start, 1);
    EXPECT_EQ(time_span("1970/01/01 12:00")->end, 0.5);
    EXPECT_EQ(time_span("1970-01-01T12:00:00+06:00")->end, 0.25);
    EXPECT_EQ(time_span("2012-02")->end - time_span("2012-02")->start, 29);
    EXPECT_EQ(time_span("2013/02")->end - time_span("2013/02")->start, 28);
    EXPECT_EQ(time_span("2012")->end - time_span("2012")->start, 366);
    for (const char* text :
         {"", "01", "2012-13", "2012-1", "2012-02-30", "rain", "12.5", "20120101"}) {
        EXPECT_FALSE(time_span(text)) << text;
    }
}

TEST(TimeAxis, TicksOfTheCalendar) {
    double y2012 = time_span("2012-01-01")->start;
    EXPECT_EQ(labels(time_ticks(y2012, y2012 + 1461, 10)),
              "Jan/2012 Jul Jan/2013 Jul Jan/2014 Jul Jan/2015 Jul Jan/2016");
    EXPECT_EQ(labels(time_ticks(y2012, y2012 + 1461, 5)), "2012 2013 2014 2015 2016");
    EXPECT_EQ(labels(time_ticks(y2012 + 29, y2012 + 33, 6)), "30/Jan 2012 31 1/Feb 2012 2 3");
    EXPECT_EQ(labels(time_ticks(y2012, y2012 + 1, 4)), "00:00/1 Jan 06:00 12:00 18:00 00:00/2 Jan");
    for (double span : {1e-9, 0.1, 3.0, 50.0, 4000.0, 1e6, 3e6}) {
        for (std::size_t most : {2u, 5u, 11u}) {
            EXPECT_LE(time_ticks(y2012, y2012 + span, most).size(), most + 2) << span;
        }
    }
}

// Tags open and close in order and text is escaped: what a reader of XML wants.
bool well_formed(std::string_view text, std::string& problem) {
    std::vector<std::string> open;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '<') {
            std::size_t next = std::min(text.find('<', at), text.size());
            std::string_view words = text.substr(at, next - at);
            for (std::size_t i = 0; i < words.size(); ++i) {
                std::size_t end = words[i] == '&' ? words.find(';', i) : i;
                if (end == std::string_view::npos || end - i > 6) problem = "a bare &";
                if (static_cast<unsigned char>(words[i]) < 0x20 && words[i] != '\n') {
                    problem = "a control";
                }
            }
            at = next;
            continue;
        }
        std::size_t end = text.find('>', at);
        if (end == std::string_view::npos) problem = "an open tag";
        if (!problem.empty()) return false;
        std::string_view tag = text.substr(at + 1, end - at - 1);
        if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) problem = "an open quote";
        std::string name(tag.substr(0, tag.find_first_of(" /")));
        if (tag.starts_with('/')) {
            name = tag.substr(1);
            if (open.empty() || open.back() != name) problem = "closes " + name;
            if (!open.empty()) open.pop_back();
        } else if (!tag.ends_with('/')) {
            open.push_back(name);
        }
        at = end + 1;
    }
    if (!open.empty()) problem = "open " + open.back();
    return problem.empty();
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size())) {
        ++found;
    }
    return found;
}

ChartPicture picture(std::size_t points, ChartKind kind) {
    ChartPicture chart;
    chart.title = "A <title> & \"more\"";
    chart.series.resize(2);
    for (ChartSeries& series : chart.series) series.kind = kind;
    chart.series[1].label = "x < y";
    for (std::size_t i = 0; i < points; ++i) {
        chart.x.push_back(concat(i));
        for (ChartSeries& series : chart.series) {
            series.values.push_back(static_cast<double>(i) - 3);
            series.lower.push_back(static_cast<double>(i) - 4);
        }
    }
    return chart;
}

TEST(ChartDrawing, IsWellFormed) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    for (ChartKind kind : {ChartKind::line, ChartKind::band, ChartKind::bar}) {
        for (std::size_t points : {0u, 1u, 2u, 50u, 2000u}) {
            ChartPicture chart = picture(points, kind);
            if (points > 1) {
                chart.series[0].values[1] = nan;
                chart.series[1].values[0] = std::numeric_limits<double>::infinity();
                chart.x[0] = "a\x01<&\"\xFF";
            }
            String drawn = draw_chart(chart);
            std::string problem;
            EXPECT_TRUE(well_formed(drawn, problem)) << problem << "\n" << drawn;
            EXPECT_EQ(drawn.find("nan"), String::npos);
            EXPECT_EQ(drawn.find("inf"), String::npos);
            EXPECT_EQ(drawn.find("http", 40), String::npos) << "something from outside";
        }
    }
}

TEST(ChartDrawing, GapsInterruptLines) {
    ChartPicture chart = picture(7, ChartKind::line);
    chart.series.resize(1);
    EXPECT_EQ(count(draw_chart(chart), "<path class=\"l s0\""), 1u);
    chart.series[0].values[3] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(count(draw_chart(chart), "<path class=\"l s0\""), 2u);
}

TEST(ChartDrawing, BarsStandOnZero) {
    ChartPicture chart;
    chart.series.resize(1);
    chart.series[0].kind = ChartKind::bar;
    chart.x = {"a", "b"};
    chart.series[0].values = {10, -10};
    std::string drawn(draw_chart(chart));
    // Both bars have the same height, and the second begins where the first ends.
    double y[2], height[2];
    std::size_t at = 0;
    for (int i = 0; i < 2; ++i) {
        at = drawn.find("<rect class=\" s0\"", at + 1);
        ASSERT_NE(at, std::string::npos);
        y[i] = std::stod(drawn.substr(drawn.find(" y=\"", at) + 4));
        height[i] = std::stod(drawn.substr(drawn.find(" height=\"", at) + 9));
    }
    EXPECT_NEAR(height[0], height[1], 0.02);
    EXPECT_NEAR(y[0] + height[0], y[1], 0.02);
}

std::string chart_graph(const std::string& in, const std::string& config) {
    return R"({"properties":{"name":"t"},"processes":{
        "read":{"component":"JsonlRead","metadata":{"path":")" +
           in + R"("}},"chart":{"component":"Chart","metadata":)" + config +
           R"(}},"connections":[{"from":{"nodeId":"read","portId":"out"},"to":{"nodeId":"chart","portId":"in"}}]})";
}

TEST(Chart, DrawsRowsAtTheEnd) {
    Folder folder;
    std::string in = folder.put(
        "in",
        "{\"m\":\"2012-01\",\"v\":1,\"lo\":0,\"hi\":2.5}\n{\"m\":\"2012-02\",\"v\":null}\n"
        "{\"m\":\"2012-03\",\"v\":3,\"lo\":1,\"hi\":4}\n{\"m\":\"2012-04\",\"v\":\"x\"}\n");
    RunGraph graph(chart_graph(
        in,
        R"({"path":"sub/c.svg","folder":")" + (folder / "out") +
            R"(","x":"m","title":"T","series":[{"kind":"band","low":"lo","high":"hi","label":"range","palette":9},{"key":"v","color":"#123456"}]})"));
    ASSERT_TRUE(graph.run()) << graph.error;
    ASSERT_EQ(graph.logs().size(), 1u);
    EXPECT_NE(graph.logs()[0].find("expected a number as 'v', found a string"), std::string::npos);
    std::string drawn = folder.get("out/sub/c.svg");
    std::string problem;
    EXPECT_TRUE(well_formed(drawn, problem)) << problem;
    EXPECT_NE(drawn.find("<title>2012-01&#10;range: 0 to 2.5&#10;v: 1</title>"), std::string::npos);
    EXPECT_NE(drawn.find("<title>2012-02</title>"), std::string::npos);
    EXPECT_EQ(drawn.find("<title>2012-04"), std::string::npos);
    EXPECT_NE(drawn.find("stroke=\"#123456\""), std::string::npos);
    EXPECT_NE(drawn.find("class=\"b s2\""), std::string::npos);
    EXPECT_NE(drawn.find(">2012</text>"), std::string::npos);
}

TEST(Chart, WithoutRowsAndStoppedItIsStillAPicture) {
    Folder folder;
    std::string config =
        R"({"path":")" + (folder / "c.svg") + R"(","x":"x","series":[{"key":"y"}]})";
    RunGraph empty(chart_graph(folder.put("in", ""), config));
    ASSERT_TRUE(empty.run()) << empty.error;
    EXPECT_NE(folder.get("c.svg").find("no data"), std::string::npos);
    RunGraph stopped(reflow::test::one_node("Chart", config, "in"));
    ASSERT_TRUE(stopped.start()) << stopped.error;
    ASSERT_TRUE(stopped.send("n", "in", R"({"x":1,"y":2})"));
    ASSERT_TRUE(stopped.wait_idle());
    ASSERT_TRUE(stopped.stop());
    EXPECT_NE(folder.get("c.svg").find("<title>1&#10;y: 2</title>"), std::string::npos);
}

TEST(Chart, RowsBeyondTheLimitAreTold) {
    Folder folder;
    RunGraph graph(chart_graph(
        folder.put("in", "{\"x\":1,\"y\":1}\n{\"x\":2,\"y\":2}\n"),
        R"({"max_rows":1,"path":")" + (folder / "c.svg") + R"(","x":"x","series":[{"key":"y"}]})"));
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.logs(), Lines{"2 chart: 1 row is not in the chart (max_rows 1)"});
}

TEST(Chart, BadConfigurationAndPlacesStopTheStart) {
    for (const char* config :
         {R"({"path":"c.svg","x":"x"})", R"({"path":"c.svg","x":"x","series":[]})",
          R"({"path":"c.svg","x":"x","series":[{"kind":"band","key":"y"}]})",
          R"({"path":"c.svg","x":"x","series":[{"kind":"pie","key":"y"}]})",
          R"({"path":"c.svg","x":"x","series":[{"key":"y","color":"\"/><script>"}]})",
          R"({"path":"c.svg","series":[{"key":"y"}]})", R"({"x":"x","series":[{"key":"y"}]})"}) {
        RunGraph graph(reflow::test::one_node("Chart", config, "in"));
        EXPECT_NE(graph.status, REFLOW_OK) << config;
    }
    Folder folder;
    folder.put("plain", "x");
    RunGraph graph(reflow::test::one_node("Chart",
                                          R"({"path":"c.svg","folder":")" + (folder / "plain") +
                                              R"(","x":"x","series":[{"key":"y"}]})",
                                          "in"));
    EXPECT_FALSE(graph.start());
    EXPECT_EQ(graph.status, REFLOW_ERROR_IO);
    EXPECT_NE(graph.error.find("plain/c.svg"), std::string::npos) << graph.error;
}

}  // namespace
