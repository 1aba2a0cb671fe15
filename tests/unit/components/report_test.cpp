// TablePrint in running graphs, and the widths of text in a terminal.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "components/table.hpp"
#include "components/text_width.hpp"
#include "run_graph.hpp"

namespace {

using namespace reflow;
using namespace reflow::components;
using reflow::test::Folder;
using reflow::test::Lines;
using reflow::test::one_node;
using reflow::test::RunGraph;

TEST(TextWidth, CountsColumns) {
    EXPECT_EQ(text_width("plain"), 5u);
    EXPECT_EQ(text_width(""), 0u);
    EXPECT_EQ(text_width("\u00e9"), 1u);
    EXPECT_EQ(text_width("e\u0301"), 1u);             // with a combining accent
    EXPECT_EQ(text_width("\u65e5\u672c"), 4u);        // two ideographs
    EXPECT_EQ(text_width("\uff21"), 2u);              // a full-width letter
    EXPECT_EQ(text_width("\U0001f600"), 2u);          // an emoji
    EXPECT_EQ(text_width("\u200b\u200d"), 0u);        // zero-width space and joiner
    EXPECT_EQ(text_width("\uac00"), 2u);              // a Hangul syllable
    EXPECT_EQ(text_width("\u2500\u2026\u20ac"), 3u);  // line, ellipsis, euro
    EXPECT_EQ(text_width("a\xFF\xC3"), 3u);           // what is no UTF-8 shows as a replacement
}

TEST(TextWidth, FitsWithoutCuttingLetters) {
    EXPECT_EQ(fitting("abc", 2), "ab");
    EXPECT_EQ(fitting("\u65e5\u672c", 3), "\u65e5");
    EXPECT_EQ(fitting("e\u0301x", 1), "e\u0301");
    EXPECT_EQ(fitting("abc", 9), "abc");
}

TEST(FixedNumber, RoundsAndHasNoNegativeZero) {
    EXPECT_EQ(fixed_number(1.005, 1), "1.0");
    EXPECT_EQ(fixed_number(2.25, 1), "2.2");  // exactly half: to even, as printf
    EXPECT_EQ(fixed_number(-0.04, 1), "0.0");
    EXPECT_EQ(fixed_number(-0.06, 1), "-0.1");
    EXPECT_EQ(fixed_number(1e300, 0).size(), 301u);
    EXPECT_EQ(fixed_number(std::nan(""), 2), "nan");
    EXPECT_EQ(fixed_number(-std::numeric_limits<double>::infinity(), 2), "-inf");
}

TEST(Table, Styles) {
    Vector<TableColumn> columns = {{"name", false}, {"n", true}};
    Vector<Vector<String>> rows = {{"\u65e5\u672c", "1.5"}, {"a|b", ""}};
    EXPECT_EQ(
        draw_table(TableStyle::box, columns, rows, 40),
        "\u250c\u2500\u2500\u2500\u2500\u2500\u2500\u252c\u2500\u2500\u2500\u2500\u2500\u2510\n"
        "\u2502 name \u2502   n \u2502\n"
        "\u251c\u2500\u2500\u2500\u2500\u2500\u2500\u253c\u2500\u2500\u2500\u2500\u2500\u2524\n"
        "\u2502 \u65e5\u672c \u2502 1.5 \u2502\n"
        "\u2502 a|b  \u2502     \u2502\n"
        "\u2514\u2500\u2500\u2500\u2500\u2500\u2500\u2534\u2500\u2500\u2500\u2500\u2500\u2518\n");
    EXPECT_EQ(draw_table(TableStyle::ascii, columns, rows, 40),
              "+------+-----+\n| name |   n |\n+------+-----+\n| \u65e5\u672c | 1.5 |\n"
              "| a|b  |     |\n+------+-----+\n");
    EXPECT_EQ(draw_table(TableStyle::plain, columns, rows, 40),
              "name    n\n----  ---\n\u65e5\u672c  1.5\na|b      \n");
    EXPECT_EQ(draw_table(TableStyle::markdown, columns, rows, 40),
              "| name |   n |\n|------|----:|\n| \u65e5\u672c | 1.5 |\n| a\\|b |     |\n");
}

TEST(Table, CellsAreCutAndStayOnOneLine) {
    Vector<TableColumn> columns = {{"x", false}};
    EXPECT_EQ(draw_table(TableStyle::ascii, columns, {{"abcdefghij"}, {"a\nb\tc"}}, 6),
              "+--------+\n| x      |\n+--------+\n| abc... |\n| a b c  |\n+--------+\n");
    // All lines of a box are equally wide, whatever is in it.
    String drawn = draw_table(TableStyle::box, columns,
                              {{"\u65e5\u672c\u65e5\u672c\u65e5"}, {"\xFF\x1b[31m"}, {""}}, 7);
    std::istringstream lines{std::string(drawn)};
    std::string line;
    while (std::getline(lines, line)) EXPECT_EQ(text_width(line), 11u) << line;
}

std::string table(const std::string& rows, const std::string& config) {
    Folder folder;
    std::string in = folder.put("in", rows);
    RunGraph graph(
        R"({"properties":{"name":"t"},"processes":{
        "read":{"component":"JsonlRead","metadata":{"path":")" +
        in + R"("}},"t":{"component":"TablePrint","metadata":)" + config +
        R"(}},"connections":[{"from":{"nodeId":"read","portId":"out"},"to":{"nodeId":"t","portId":"in"}}]})");
    EXPECT_TRUE(graph.run()) << graph.error;
    std::string printed = graph.printed;
    for (const std::string& log : graph.logs()) printed += log;
    return printed;
}

TEST(TablePrint, PrintsAtTheEnd) {
    EXPECT_EQ(table("{\"k\":\"a\",\"v\":1.25,\"n\":3}\n{\"k\":\"bb\",\"v\":null,\"n\":10}\n",
                    R"({"style":"ascii","title":"Two rows"})"),
              "Two rows\n+----+------+----+\n| k  |    v |  n |\n+----+------+----+\n"
              "| a  | 1.25 |  3 |\n| bb |      | 10 |\n+----+------+----+\n");
}

TEST(TablePrint, ColumnsTitlesDecimals) {
    EXPECT_EQ(table("{\"k\":\"a\",\"v\":1.26,\"w\":2.0}\n",
                    R"({"style":"plain","columns":["v","w","k","none"],"titles":{"v":"value"},)"
                    R"("decimals":{"v":1}})"),
              "value     w  k  none\n-----  ----  -  ----\n  1.3  2.00  a  \n");
    EXPECT_EQ(table("{\"v\":1.26}\n", R"({"style":"plain","decimals":0})"), "v\n-\n1\n");
    EXPECT_EQ(table("{\"v\":[1,{\"a\":true}]}\n", R"({"style":"plain"})"),
              "v\n--------------\n[1,{\"a\":true}]\n");
}

TEST(TablePrint, TellsWhatIsLeftOut) {
    EXPECT_EQ(table("{\"v\":1}\n{\"v\":2}\n{\"v\":3}\n", R"({"style":"plain","max_rows":1})"),
              "v\n-\n1\nand 2 more rows (max_rows 1)\n");
    EXPECT_EQ(table("", R"({"title":"Nothing"})"), "Nothing\nno rows\n");
}

TEST(TablePrint, RowsThatAreNoObjectsFail) {
    std::string printed = table("{\"v\":1}\n5\n{\"v\":2}\n", R"({"style":"plain"})");
    EXPECT_EQ(printed.substr(0, 8), "v\n-\n1\n2\n");
    EXPECT_NE(printed.find("expected a row as an object, found an integer"), std::string::npos);
}

}  // namespace
