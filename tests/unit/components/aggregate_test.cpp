// GroupAggregate in running networks; numbers are compared with other ways to compute them.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "components/accumulator.hpp"
#include "harness.hpp"

namespace reflow::components::testing {
namespace {

Lines aggregate(std::string_view config, const Lines& packets) {
    Harness harness("GroupAggregate", config);
    if (!harness.error().empty()) return {"config: " + harness.error()};
    for (const std::string& packet : packets) harness.send("node", "in", from_json(packet));
    harness.finish();
    Lines out = harness.take("out");
    for (const std::string& error : harness.take("error")) out.push_back("error: " + error);
    return out;
}

TEST(GroupAggregate, Functions) {
    Lines packets = {R"({"k":"b","x":4,"w":"sun"})", R"({"k":"a","x":1.5,"w":"rain"})",
                     R"({"k":"b","x":2,"w":"rain"})", R"({"k":"b","x":9,"w":"sun"})",
                     R"({"k":"a","x":2,"w":"fog"})"};
    EXPECT_EQ(aggregate(R"({"by": "k", "aggregates": [
                  {"name": "n", "function": "count"},
                  {"name": "sum", "function": "sum", "field": "x"},
                  {"name": "mean", "function": "mean", "field": "x"},
                  {"name": "low", "function": "min", "field": "x"},
                  {"name": "high", "function": "max", "field": "x"},
                  {"name": "first", "function": "first", "field": "w"},
                  {"name": "last", "function": "last", "field": "w"},
                  {"name": "most", "function": "mode", "field": "w"},
                  {"name": "kinds", "function": "distinct", "field": "w"},
                  {"name": "middle", "function": "median", "field": "x"},
                  {"name": "double", "function": "sum", "expression": "x * 2"}]})",
                        packets),
              Lines({R"({"k":"a","n":2,"sum":3.5,"mean":1.75,"low":1.5,"high":2,"first":"rain",)"
                     R"("last":"fog","most":"fog","kinds":2,"middle":1.75,"double":7.0})",
                     R"({"k":"b","n":3,"sum":15,"mean":5.0,"low":2,"high":9,"first":"sun",)"
                     R"("last":"sun","most":"sun","kinds":2,"middle":4.0,"double":30})"}));
}

TEST(GroupAggregate, CompactForm) {
    EXPECT_EQ(aggregate(R"({"by": "date_format(date, '%Y-%m') ", "as": "month",
                            "aggregates": {"count": true, "columns": ["x", "y"],
                                           "functions": ["mean", "min", "max", "sum"], "mode": ["w"]}})",
                        {R"({"date":"2012/02/01","x":1,"y":1.5,"w":"sun"})",
                         R"({"date":"2012/01/31","x":2,"y":2.5,"w":"sun"})",
                         R"({"date":"2012/01/01","x":4,"y":0.5,"w":"rain"})"}),
              Lines({R"({"month":"2012-01","count":2,"x_mean":3.0,"x_min":2,"x_max":4,"x_sum":6,)"
                     R"("y_mean":1.5,"y_min":0.5,"y_max":2.5,"y_sum":3.0,"w_mode":"rain"})",
                     R"({"month":"2012-02","count":1,"x_mean":1.0,"x_min":1,"x_max":1,"x_sum":1,)"
                     R"("y_mean":1.5,"y_min":1.5,"y_max":1.5,"y_sum":1.5,"w_mode":"sun"})"}));
}

TEST(GroupAggregate, KeysAndOrder) {
    // Equal numbers are one key; null, booleans, numbers, strings in this order.
    Lines packets = {R"({"k":"10"})", R"({"k":10})",    R"({"k":10.0})",
                     R"({"k":9})",    R"({"k":null})",  R"({"k":true})",
                     R"({"k":"9"})",  R"({"k":false})", R"({"k":-0.5})"};
    EXPECT_EQ(
        aggregate(R"({"by": "k"})", packets),
        Lines({R"({"k":null,"count":1})", R"({"k":false,"count":1})", R"({"k":true,"count":1})",
               R"({"k":-0.5,"count":1})", R"({"k":9,"count":1})", R"({"k":10,"count":2})",
               R"({"k":"10","count":1})", R"({"k":"9","count":1})"}));
    EXPECT_EQ(
        aggregate(R"({"by": "k", "order": "first"})", {R"({"k":2})", R"({"k":1})", R"({"k":2})"}),
        Lines({R"({"k":2,"count":2})", R"({"k":1,"count":1})"}));
    EXPECT_EQ(aggregate(R"({"by": ["year(d) ", "s"], "as": ["year", "s"]
})",
                        {R"({"d":"2012-01-01","s":"b"})", R"({"d":"2011-01-01","s":"b"})",
                         R"({"d":"2012-01-01","s":"a"})", R"({"d":"2012-05-01","s":"a"})"}),
              Lines({R"({"year":2011,"s":"b","count":1})", R"({"year":2012,"s":"a","count":2})",
                     R"({"year":2012,"s":"b","count":1})"}));
    // Where one string ends and the next begins counts.
    EXPECT_EQ(aggregate(R"({"by": ["a", "b"]})", {R"({"a":"x","b":"yz"})", R"({"a":"xy","b":"z"})"})
                  .size(),
              2u);
    EXPECT_EQ(aggregate(R"({"aggregates": [{"name": "s", "function": "sum", "field": "x"}]})",
                        {R"({"x":1})", R"({"x":2})"}),
              Lines({R"({"s":3})"}));
    EXPECT_EQ(aggregate(R"({"by": "k"})", {}), Lines());
    EXPECT_EQ(aggregate(R"({"by": "k"})", {R"({"k":[1]})"}),
              Lines({"error: node 'node': key 'k': expected a number, a string, a boolean or null, "
                     "found an array"}));
}

TEST(GroupAggregate, Missing) {
    const char* config =
        R"({"aggregates": {"count": true, "columns": ["x"], "functions": ["count", "mean", "sum", "stddev", "mode"]}})";
    Harness harness("GroupAggregate", config);
    ASSERT_EQ(harness.error(), "");
    for (const char* packet : {R"({"x":null})", R"({})", R"({"x":3})"}) harness.send("in", packet);
    harness.finish();
    EXPECT_EQ(
        harness.take("out"),
        Lines({R"({"count":3,"x_count":1,"x_mean":3.0,"x_sum":3,"x_stddev":null,"x_mode":3})"}));
    EXPECT_EQ(harness.logged(), Lines({"warn node: 'x' was missing or null in 2 packets"}));
    EXPECT_EQ(
        aggregate(config, {"{}"}),
        Lines(
            {R"({"count":1,"x_count":0,"x_mean":null,"x_sum":null,"x_stddev":null,"x_mode":null})"}));
    EXPECT_EQ(
        aggregate(
            R"({"missing": "error", "aggregates": [{"name": "m", "function": "mean", "field": "x"}]})",
            {R"({"x":1})", "{}"}),
        Lines({R"({"m":1.0})", "error: node 'node': 'x' is missing or null"}));
}

// A packet that is refused leaves no trace, not even its group.
TEST(GroupAggregate, RefusedPackets) {
    EXPECT_EQ(
        aggregate(
            R"({"by": "k", "aggregates": {"count": true, "columns": ["x", "y"], "functions": ["sum"]}})",
            {R"({"k":1,"x":1,"y":1})", R"({"k":1,"x":1,"y":"one"})", R"({"k":2,"x":1,"y":[]})"}),
        Lines({R"({"k":1,"count":1,"x_sum":1,"y_sum":1})",
               "error: node 'node': 'y': expected a number, found 'one'",
               "error: node 'node': 'y': expected a number, found an array"}));
    EXPECT_EQ(
        aggregate(R"({"aggregates": [{"name": "m", "function": "min", "field": "x"}]})",
                  {R"({"x":"b"})", R"({"x":1})", R"({"x":"a"})"}),
        Lines({R"({"m":"a"})",
               "error: node 'node': 'x': expected a string as before in this group, found 1"}));
    EXPECT_EQ(
        aggregate(R"({"by": "k", "max_groups": 2})",
                  {R"({"k":1})", R"({"k":2})", R"({"k":3})", R"({"k":1})"}),
        Lines({R"({"k":1,"count":2})", R"({"k":2,"count":1})",
               "error: node 'node': more than 2 groups (raise 'max_groups', or group by something "
               "coarser)"}));
    EXPECT_EQ(
        aggregate(
            R"({"aggregates": [{"name": "d", "function": "distinct", "field": "x"}], "max_values": 2})",
            {R"({"x":1})", R"({"x":2})", R"({"x":3})"}),
        Lines({R"({"d":2})",
               "error: node 'node': more than 2 values to keep for mode, distinct and median "
               "(raise 'max_values')"}));
}

TEST(GroupAggregate, FlushEmitsAndBeginsAnew) {
    Harness harness("GroupAggregate", R"({"by": "k"})");
    ASSERT_EQ(harness.error(), "");
    harness.send("in", R"({"k":2})");
    harness.send("in", R"({"k":1})");
    EXPECT_EQ(harness.take("out"), Lines());
    harness.send("flush", "null");
    EXPECT_EQ(harness.take("out"), Lines({R"({"k":1,"count":1})", R"({"k":2,"count":1})"}));
    harness.send("flush", "null");
    EXPECT_EQ(harness.take("out"), Lines());
    harness.send("in", R"({"k":2})");
    harness.finish();
    EXPECT_EQ(harness.take("out"), Lines({R"({"k":2,"count":1})"}));
}

// Many groups through a small port: no more is emitted than fits, and none is lost or doubled.
TEST(GroupAggregate, EmitsAsRoomAllows) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        HarnessOptions options;
        options.simulated = true;
        options.seed = seed;
        options.port_capacity = 4;
        Harness harness(R"({
            "properties": {"name": "t"},
            "processes": {"g": {"component": "GroupAggregate", "metadata": {"by": "k"}},
                          "t": {"component": "Tee"}},
            "connections": [{"from": {"nodeId": "g", "portId": "out"}, "to": {"nodeId": "t", "portId": "in"}}],
            "inports": {"in": {"nodeId": "g", "portId": "in"}, "flush": {"nodeId": "g", "portId": "flush"}}})",
                        {{"t", "out"}, {"g", "error"}}, options);
        ASSERT_EQ(harness.error(), "");
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < 500; ++i) {
                std::string packet = "{\"k\":" + std::to_string(i % 250) + "}";
                harness.send("g", "in", from_json(packet));
            }
            // The packets are there before the flush overtakes them on its own port.
            harness.idle();
            if (round == 0) harness.send("g", "flush", Message::flow());
        }
        harness.finish();
        std::vector<Message> out = harness.messages("t", "out");
        ASSERT_EQ(out.size(), 500u);
        for (std::size_t i = 0; i < out.size(); ++i) {
            EXPECT_EQ(out[i].get("k").integer(), static_cast<std::int64_t>(i % 250));
            EXPECT_EQ(out[i].get("count").integer(), 2);
        }
        EXPECT_EQ(harness.take("g", "error"), Lines());
    }
}

TEST(GroupAggregate, Numbers) {
    // What plain summation loses.
    EXPECT_EQ(aggregate(R"({"aggregates": [{"name": "s", "function": "sum", "field": "x"}]})",
                        {R"({"x":1e16})", R"({"x":1.0})", R"({"x":1.0})", R"({"x":-1e16})"}),
              Lines({R"({"s":2.0})"}));
    // Integers stay exact through a sum beyond 64 bits, and become a float only if it ends there.
    EXPECT_EQ(aggregate(R"({"aggregates": [{"name": "s", "function": "sum", "field": "x"}]})",
                        {R"({"x":9223372036854775807})", R"({"x":5})", R"({"x":-6})"}),
              Lines({R"({"s":9223372036854775806})"}));
    EXPECT_EQ(aggregate(R"({"aggregates": [{"name": "s", "function": "sum", "field": "x"}]})",
                        {R"({"x":9223372036854775807})", R"({"x":1})"}),
              Lines({R"({"s":9223372036854775808.0})"}));
    // Large numbers with a small spread.
    EXPECT_EQ(aggregate(R"({"aggregates": [{"name": "s", "function": "stddev", "field": "x"}]})",
                        {R"({"x":1000000001})", R"({"x":1000000002})", R"({"x":1000000003})"}),
              Lines({R"({"s":1.0})"}));
}

TEST(GroupAggregate, RandomNumbersAgree) {
    std::mt19937 random(42);
    for (int round = 0; round < 20; ++round) {
        Lines packets;
        std::vector<long double> values;
        std::size_t count = 1 + random() % 400;
        for (std::size_t i = 0; i < count; ++i) {
            double value = (static_cast<double>(random()) - 2e9) / 1000.0;
            String text;
            append_float(text, value);
            packets.push_back("{\"x\":" + std::string(text) + "}");
            values.push_back(value);
        }
        long double sum = 0;
        for (long double value : values) sum += value;
        long double mean = sum / static_cast<long double>(count);
        long double squares = 0;
        for (long double value : values) squares += (value - mean) * (value - mean);
        std::sort(values.begin(), values.end());
        Lines out = aggregate(
            R"({"aggregates": {"columns": ["x"], "functions": ["sum", "mean", "stddev", "median"]}})",
            packets);
        ASSERT_EQ(out.size(), 1u);
        Message result = from_json(out[0]);
        auto near = [&](const char* key, long double expected) {
            double found = result.get(key).real();
            EXPECT_NEAR(found, static_cast<double>(expected),
                        1e-12 * (1 + std::abs(static_cast<double>(expected))))
                << key;
        };
        near("x_sum", sum);
        near("x_mean", mean);
        near("x_median", (values[(count - 1) / 2] + values[count / 2]) / 2);
        if (count > 1) near("x_stddev", std::sqrt(squares / static_cast<long double>(count - 1)));
    }
}

// The real data: its columns have one digit behind the point, so tenths are added as integers.
TEST(GroupAggregate, WeatherAgreesWithTenths) {
    std::ifstream file(REFLOW_SOURCE_DIR "/examples/weather/seattle-weather.csv");
    ASSERT_TRUE(file.good());
    struct Month {
        std::int64_t rows = 0;
        std::int64_t tenths = 0;
        std::int64_t most = INT64_MIN;
        std::map<std::string, int> weather;
    };
    std::map<std::string, Month> months;
    Lines packets;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::stringstream cells(line);
        std::vector<std::string> cell;
        for (std::string one; std::getline(cells, one, ',');) cell.push_back(one);
        ASSERT_EQ(cell.size(), 6u);
        packets.push_back("{\"date\":\"" + cell[0] + "\",\"t\":" + cell[2] + ",\"weather\":\"" +
                          cell[5] + "\"}");
        std::size_t point = cell[2].find('.');
        ASSERT_EQ(point + 2, cell[2].size());
        std::int64_t tenths = std::stoll(cell[2].substr(0, point) + cell[2].substr(point + 1));
        Month& month = months[cell[0].substr(0, 4) + "-" + cell[0].substr(5, 2)];
        ++month.rows;
        month.tenths += tenths;
        month.most = std::max(month.most, tenths);
        ++month.weather[cell[5]];
    }
    ASSERT_EQ(months.size(), 48u);
    Lines out = aggregate(R"({"by": "date_format(date, '%Y-%m') ", "as": "month", "aggregates":
        {"count": true, "columns": ["t"], "functions": ["sum", "mean", "max"], "mode": ["weather"]}})",
                          packets);
    ASSERT_EQ(out.size(), months.size());
    std::size_t at = 0;
    for (const auto& [name, month] : months) {
        Message result = from_json(out[at++]);
        EXPECT_EQ(result.get("month").text(), name);
        EXPECT_EQ(result.get("count").integer(), month.rows);
        double sum = static_cast<double>(month.tenths) / 10;
        EXPECT_DOUBLE_EQ(result.get("t_sum").real(), sum);
        EXPECT_DOUBLE_EQ(result.get("t_mean").real(),
                         static_cast<double>(month.tenths) / static_cast<double>(10 * month.rows));
        EXPECT_EQ(result.get("t_max").real(), static_cast<double>(month.most) / 10);
        auto best =
            std::max_element(month.weather.begin(), month.weather.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        EXPECT_EQ(result.get("weather_mode").text(), best->first);
    }
}

TEST(GroupAggregate, BadConfigurations) {
    auto has = [](std::string_view config, std::string_view part) {
        std::string found = Harness("GroupAggregate", config).error();
        EXPECT_NE(found.find(part), std::string::npos) << config << ": " << found;
    };
    has(R"({"by": ["k", "l +"]})", "several keys that are not plain names need names in 'as'");
    has(R"({"by": ["k", "l +"], "as": ["k", "l"]})", "found the end at column 4 at $.by[1]");
    has(R"({"by": ["k", "l"], "as": "k"})", "expected as many names as keys in 'by', 2, found 1");
    has(R"({"by": ["k", "k"]})", "two keys have the name 'k'");
    has(R"({"by": "count"})", "two results have the name 'count'");
    has(R"({"aggregates": {"columns": ["x"]}})", "'columns' and 'functions' need each other");
    has(R"({"aggregates": {"columns": ["x"], "functions": ["maen"]}})",
        "no function named 'maen' at $.aggregates.functions (did you mean 'mean'?)");
    has(R"({"aggregates": {}})", "expected something to compute");
    has(R"({"aggregates": [{"name": "a", "function": "sum"}]})",
        "expected either 'field' or 'expression'");
    has(R"({"aggregates": [{"name": "a"}]})",
        "missing configuration key 'function' at $.aggregates[0]");
    has(R"({"aggregates": [{"function": "count"}]})", "missing configuration key 'name'");
    has(R"({"max_groups": 0})", "max_groups");
    has(R"({"by": "k", "colums": 1})", "unknown configuration key 'colums'");
}

TEST(CompareScalars, IsATotalOrder) {
    std::vector<Message> values = {
        Message::null(),          Message::boolean(false), Message::boolean(true),
        Message::real(-HUGE_VAL), Message::integer(-1),    Message::real(0.5),
        Message::integer(1),      Message::real(1e300),    Message::real(NAN),
        Message::string(""),      Message::string("a"),    Message::string("ä")};
    for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::size_t j = 0; j < values.size(); ++j) {
            int order = compare_scalars(values[i], values[j]);
            EXPECT_EQ(order < 0, i < j) << i << " " << j;
            EXPECT_EQ(order > 0, i > j) << i << " " << j;
            String a;
            String b;
            ASSERT_TRUE(append_scalar_key(a, values[i]) && append_scalar_key(b, values[j]));
            EXPECT_EQ(a == b, i == j);
        }
    }
}

}  // namespace
}  // namespace reflow::components::testing
