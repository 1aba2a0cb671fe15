// CsvScanner against a plain reading of RFC 4180 that has the whole text before it.
#include "components/csv_scanner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace {

using reflow::components::CsvScanner;
using reflow::components::CsvSyntax;

struct Row {
    std::size_t line;
    std::string raw;
    std::optional<std::vector<std::string>> fields;  // nothing: refused
    bool operator==(const Row&) const = default;
};

void PrintTo(const Row& row, std::ostream* out) {
    *out << row.line << ":" << ::testing::PrintToString(row.raw) << " ";
    if (row.fields) {
        *out << ::testing::PrintToString(*row.fields);
    } else {
        *out << "refused";
    }
}

// One row at the start of text: its fields and how many bytes it has without the line end.
std::optional<std::vector<std::string>> one_row(const std::string& text, const CsvSyntax& syntax,
                                                std::size_t& size) {
    std::vector<std::string> fields;
    std::size_t i = 0;
    for (;;) {
        std::string field;
        if (syntax.quoting && i < text.size() && text[i] == syntax.quote) {
            for (++i;; ++i) {
                if (i == text.size()) return std::nullopt;
                if (text[i] != syntax.quote) {
                    field += text[i];
                } else if (i + 1 < text.size() && text[i + 1] == syntax.quote) {
                    field += text[i++];
                } else {
                    break;
                }
            }
            ++i;
        } else {
            while (i < text.size() && text[i] != syntax.delimiter && text[i] != '\n' &&
                   text[i] != '\r') {
                if (syntax.quoting && text[i] == syntax.quote) return std::nullopt;
                field += text[i++];
            }
        }
        fields.push_back(field);
        bool end = i == text.size() || text[i] == '\n' || text[i] == '\r';
        if (!end && text[i] != syntax.delimiter) return std::nullopt;
        if (end) break;
        ++i;
    }
    if (fields.size() > syntax.max_columns) return std::nullopt;
    size = i;
    if (size > syntax.max_row_bytes || reflow::invalid_utf8(text.substr(0, size))) {
        return std::nullopt;
    }
    return fields;
}

std::vector<Row> expected_rows(std::string text, const CsvSyntax& syntax) {
    std::vector<Row> rows;
    std::size_t line = 1;
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    auto take_line_end = [&] {
        if (text.starts_with("\r\n")) {
            text.erase(0, 2);
        } else if (!text.empty()) {
            text.erase(0, 1);
        }
        ++line;
    };
    while (!text.empty()) {
        std::size_t size = std::string::npos;
        auto fields = one_row(text, syntax, size);
        // A row that is whole but not UTF-8 goes as a whole, any other refused one as a line.
        bool whole =
            fields.has_value() || (size != std::string::npos && size <= syntax.max_row_bytes &&
                                   reflow::invalid_utf8(text.substr(0, size)));
        if (!whole) size = std::min(text.find_first_of("\r\n"), text.size());
        std::string raw = text.substr(0, size);
        std::string shown = raw;
        if (raw.size() > syntax.max_row_bytes) {
            std::size_t cut = std::min<std::size_t>(1000, syntax.max_row_bytes);
            // Not in the middle of the one letter of the test that has two bytes.
            if (cut > 0 && raw[cut] == '\xA9') --cut;
            shown = raw.substr(0, cut);
        }
        rows.push_back({line, shown, fields});
        text.erase(0, size);
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (raw[i] == '\n' || (raw[i] == '\r' && (i + 1 == raw.size() || raw[i + 1] != '\n'))) {
                ++line;
            }
        }
        take_line_end();
    }
    return rows;
}

// piece: how many bytes are filled in at a time.
std::vector<Row> scanned_rows(std::string_view text, const CsvSyntax& syntax, std::size_t piece,
                              std::vector<std::string>* reasons = nullptr) {
    CsvScanner scanner(syntax);
    std::vector<Row> rows;
    for (;;) {
        switch (scanner.next()) {
            case CsvScanner::Step::row: {
                std::vector<std::string> fields;
                for (std::string_view field : scanner.fields()) fields.emplace_back(field);
                rows.push_back({scanner.line(), std::string(scanner.raw()), fields});
                break;
            }
            case CsvScanner::Step::refused:
                EXPECT_FALSE(scanner.reason().empty());
                if (reasons != nullptr) reasons->emplace_back(scanner.reason());
                rows.push_back({scanner.line(), std::string(scanner.raw()), std::nullopt});
                break;
            case CsvScanner::Step::more: {
                std::span<char> space = scanner.space();
                std::size_t count = std::min({piece, space.size(), text.size()});
                std::memcpy(space.data(), text.data(), count);
                text.remove_prefix(count);
                scanner.filled(count);
                break;
            }
            case CsvScanner::Step::end:
                return rows;
        }
    }
}

std::vector<std::string> reasons(std::string_view text, const CsvSyntax& syntax,
                                 std::size_t piece) {
    std::vector<std::string> all;
    (void)scanned_rows(text, syntax, piece, &all);
    return all;
}

std::vector<Row> scan(std::string_view text, const CsvSyntax& syntax = {}) {
    return scanned_rows(text, syntax, SIZE_MAX);
}

using Fields = std::vector<std::string>;

TEST(CsvScanner, PlainRows) {
    EXPECT_EQ(scan("a,b\n1,2\n"),
              (std::vector<Row>{{1, "a,b", Fields{"a", "b"}}, {2, "1,2", Fields{"1", "2"}}}));
    EXPECT_EQ(scan("a,b\r\n,\r\n"),
              (std::vector<Row>{{1, "a,b", Fields{"a", "b"}}, {2, ",", Fields{"", ""}}}));
    EXPECT_EQ(scan("a\rb"), (std::vector<Row>{{1, "a", Fields{"a"}}, {2, "b", Fields{"b"}}}));
    EXPECT_EQ(scan(""), std::vector<Row>{});
    EXPECT_EQ(scan("\n\n"), (std::vector<Row>{{1, "", Fields{""}}, {2, "", Fields{""}}}));
}

TEST(CsvScanner, QuotedFields) {
    EXPECT_EQ(
        scan("\"a,\"\"b\"\"\",\"x\r\ny\",\"\"\nnext"),
        (std::vector<Row>{{1, "\"a,\"\"b\"\"\",\"x\r\ny\",\"\"", Fields{"a,\"b\"", "x\r\ny", ""}},
                          {3, "next", Fields{"next"}}}));
}

TEST(CsvScanner, ByteOrderMarkIsSkippedAtTheStartOnly) {
    EXPECT_EQ(
        scan("\xEF\xBB\xBFx\n\xEF\xBB\xBFy"),
        (std::vector<Row>{{1, "x", Fields{"x"}}, {2, "\xEF\xBB\xBFy", Fields{"\xEF\xBB\xBFy"}}}));
}

TEST(CsvScanner, RefusesOneLineAndGoesOn) {
    CsvScanner scanner({});
    std::string_view text = "ok\nx\"y\n\"open\n\"a\"b\nbad\xFF\nok\n\"never closed\nlast";
    std::memcpy(scanner.space().data(), text.data(), text.size());
    scanner.filled(text.size());
    std::vector<std::string> told;
    for (auto step = scanner.next(); step != CsvScanner::Step::end; step = scanner.next()) {
        if (step == CsvScanner::Step::more) scanner.filled(0);
        if (step == CsvScanner::Step::refused) {
            told.push_back(std::to_string(scanner.line()) + " " + std::string(scanner.reason()));
        }
        if (step == CsvScanner::Step::row) told.push_back(std::string(scanner.raw()));
    }
    EXPECT_EQ(told, (std::vector<std::string>{
                        "ok", "2 a quote inside of field 1, which does not begin with one",
                        "3 text behind the closing quote of field 1",
                        "4 text behind the closing quote of field 1", "5 invalid UTF-8 at byte 4",
                        "ok", "7 a quoted field is not closed", "last"}));
}

TEST(CsvScanner, LongRowsAreCutAndSkipped) {
    CsvSyntax syntax;
    syntax.max_row_bytes = 2000;
    std::string text = "a\n" + std::string(500'000, 'x') + "\nb\n\"" + std::string(3000, 'q') +
                       "\nc\n" + std::string(2000, 'y') + "\n";
    for (std::size_t piece : {std::size_t{1}, std::size_t{777}, std::size_t{SIZE_MAX}}) {
        auto rows = scanned_rows(text, syntax, piece);
        ASSERT_EQ(rows.size(), 6u);
        EXPECT_EQ(rows[1], (Row{2, std::string(1000, 'x'), std::nullopt}));
        EXPECT_EQ(rows[2], (Row{3, "b", Fields{"b"}}));
        EXPECT_EQ(rows[3], (Row{4, "\"" + std::string(999, 'q'), std::nullopt}));
        EXPECT_EQ(rows[4], (Row{5, "c", Fields{"c"}}));
        EXPECT_EQ(rows[5].fields, Fields{std::string(2000, 'y')});
    }
}

TEST(CsvScanner, TooManyFields) {
    CsvSyntax syntax;
    syntax.max_columns = 2;
    EXPECT_EQ(scan("1,2\n1,2,3\n,,,\n1,2\n", syntax),
              (std::vector<Row>{{1, "1,2", Fields{"1", "2"}},
                                {2, "1,2,3", std::nullopt},
                                {3, ",,,", std::nullopt},
                                {4, "1,2", Fields{"1", "2"}}}));
}

TEST(CsvScanner, OtherLetters) {
    CsvSyntax syntax;
    syntax.delimiter = '\t';
    syntax.quoting = false;
    EXPECT_EQ(scan("\"a\tb\"\n", syntax),
              (std::vector<Row>{{1, "\"a\tb\"", Fields{"\"a", "b\""}}}));
}

// Random texts of the letters that matter, in pieces of random size.
TEST(CsvScanner, AgreesWithThePlainReading) {
    const std::string_view letters[] = {"a",    ",",        "\"",   "\n", "\r",
                                        "\r\n", "\xC3\xA9", "\xFF", "\""};
    unsigned seed = 1;
    if (const char* given = std::getenv("REFLOW_TEST_SEED")) {
        seed = static_cast<unsigned>(std::atoi(given));
    }
    std::mt19937 random(seed);
    for (int round = 0; round < 10'000; ++round) {
        std::string text;
        if (random() % 10 == 0) text = "\xEF\xBB\xBF";
        for (std::size_t length = random() % 24; length > 0; --length) {
            text += letters[random() % std::size(letters)];
        }
        CsvSyntax syntax;
        if (random() % 2 == 0) syntax.max_row_bytes = 1 + random() % 12;
        if (random() % 2 == 0) syntax.max_columns = 1 + random() % 4;
        std::size_t piece = random() % 3 == 0 ? SIZE_MAX : 1 + random() % 7;
        ASSERT_EQ(scanned_rows(text, syntax, piece), expected_rows(text, syntax))
            << "seed " << seed << " round " << round << " text " << ::testing::PrintToString(text)
            << " max_row_bytes " << syntax.max_row_bytes << " max_columns " << syntax.max_columns
            << " piece " << piece;
        ASSERT_EQ(reasons(text, syntax, piece), reasons(text, syntax, SIZE_MAX))
            << "seed " << seed << " round " << round << " piece " << piece;
    }
}

}  // namespace
