// docs/expressions.md says what is so: every row of its tables is evaluated, every function is
// there.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "components/expression.hpp"

namespace reflow::components {
namespace {

std::string page() {
    std::ifstream file(REFLOW_SOURCE_DIR "/docs/expressions.md");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string trimmed(std::string text) {
    std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The cells of a row; \| is a bar inside a cell.
std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> all = {""};
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
            all.back() += line[++i];
        } else if (line[i] == '|') {
            all.emplace_back();
        } else {
            all.back() += line[i];
        }
    }
    for (std::string& cell : all) cell = trimmed(cell);
    return all;
}

// Text without the backquotes around it; empty if there are none.
std::string code(const std::string& cell) {
    bool quoted = cell.size() > 2 && cell.front() == '`' && cell.back() == '`';
    return quoted ? cell.substr(1, cell.size() - 2) : "";
}

std::string evaluate(const std::string& text, MessageRef input, MessageRef config) {
    Result<Expression> compiled = Expression::compile(text, {config}, {});
    if (!compiled.ok()) return "error: " + std::string(compiled.error().message);
    Result<Message> value = compiled.value().evaluate({input});
    if (!value.ok()) return "error: " + std::string(value.error().message);
    String json;
    Result<void> written = codec::write_json(json, value.value());
    EXPECT_TRUE(written.ok());
    return std::string(json);
}

TEST(ExpressionDocs, EveryRowIsSo) {
    std::string text = page();
    std::size_t begin = text.find("```json input\n");
    ASSERT_NE(begin, std::string::npos);
    begin += 14;
    Result<Message> input = codec::read_json(text.substr(begin, text.find("```", begin) - begin));
    ASSERT_TRUE(input.ok());
    Result<Message> config = codec::read_json(R"({"limit": 9})");
    std::istringstream lines(text);
    std::size_t rows = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] != '|') continue;
        std::vector<std::string> row = cells(line);
        if (row.size() < 3 || code(row[0]).empty()) continue;
        std::string expected = code(row[1]);
        if (expected.empty() && row[1].rfind("error: ", 0) == 0) expected = row[1];
        if (expected.empty()) continue;
        ++rows;
        EXPECT_EQ(evaluate(code(row[0]), input.value(), config.value()), expected) << line;
    }
    EXPECT_GT(rows, 85u);
}

TEST(ExpressionDocs, EveryFunctionIsThere) {
    std::string text = page();
    for (std::string_view signature : expression_function_signatures()) {
        std::string name(signature.substr(0, signature.find('(') + 1));
        EXPECT_NE(text.find("`" + name), std::string::npos) << signature;
    }
}

}  // namespace
}  // namespace reflow::components
