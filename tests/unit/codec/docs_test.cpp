// The examples of docs/messages.md are what the codecs do.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "codec/yaml.hpp"

namespace reflow {
namespace {

// The lines of a section, from its heading to the next one of two marks.
std::vector<std::string> section(const std::string& heading) {
    std::ifstream file(std::string(REFLOW_SOURCE_DIR) + "/docs/messages.md");
    std::vector<std::string> lines;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) inside = line == heading;
        if (inside) lines.push_back(line);
    }
    return lines;
}

// The cells of a row of a table, spaces and quotes of code removed.
std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> result;
    if (!line.starts_with("| ")) return result;
    for (std::size_t at = 1; at < line.size();) {
        std::size_t end = line.find(" |", at);
        if (end == std::string::npos) break;
        std::string cell = line.substr(at + 1, end - at - 1);
        if (cell.size() > 2 && cell.front() == '`') cell = cell.substr(1, cell.rfind('`') - 1);
        result.push_back(cell);
        at = end + 2;
    }
    return result;
}

TEST(MessagesDocument, TaggedJson) {
    int forms = 0;
    int escapes = 0;
    for (const std::string& line : section("## Tagged JSON")) {
        std::vector<std::string> row = cells(line);
        if (row.size() != 2) continue;
        std::string text = row[1];
        bool escape = text.starts_with("{\"$reflow\"");
        if (escape) {
            // Stands inside a container, as the bytes of its text.
            std::string bytes;
            for (char c : text) bytes += (bytes.empty() ? "" : ",") + std::to_string(c);
            text = "{\"type\":\"Array\",\"data\":[{\"data\":[34,34]},{\"data\":[" + bytes + "]}]}";
        } else if (!text.starts_with("{\"type\"")) {
            continue;
        }
        Result<Message> message = codec::read_tagged_json(text);
        ASSERT_TRUE(message.ok()) << row[1] << ": " << message.error().describe();
        String written;
        ASSERT_TRUE(codec::write_tagged_json(written, message.value()).ok());
        EXPECT_EQ(written, String(text)) << row[1];
        ++(escape ? escapes : forms);
    }
    EXPECT_EQ(forms, 21);
    EXPECT_EQ(escapes, 7);
}

TEST(MessagesDocument, PlainJson) {
    int errors = 0;
    for (const std::string& line : section("## Plain JSON")) {
        std::vector<std::string> row = cells(line);
        if (row.size() != 2 || !row[1].starts_with("line ")) continue;
        Result<Message> message = codec::read_json(row[0]);
        ASSERT_FALSE(message.ok()) << row[0];
        EXPECT_EQ(message.error().describe(), String(row[1]));
        ++errors;
    }
    EXPECT_EQ(errors, 3);
}

TEST(MessagesDocument, Msgpack) {
    int forms = 0;
    for (const std::string& line : section("## MessagePack")) {
        std::vector<std::string> row = cells(line);
        if (row.size() != 2 || row[0].find_first_not_of("0123456789abcdef ") != row[0].npos ||
            row[0].size() < 4) {
            continue;
        }
        std::string bytes;
        std::string digits;
        for (char c : row[0]) {
            if (c != ' ') digits.push_back(c);
        }
        for (std::size_t i = 0; i < digits.size(); i += 2) {
            bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
        }
        Result<Message> message = codec::read_msgpack(bytes);
        ASSERT_TRUE(message.ok()) << row[0] << ": " << message.error().describe();
        String written;
        ASSERT_TRUE(codec::write_msgpack(written, message.value()).ok());
        EXPECT_EQ(written, String(bytes)) << row[0];
        ++forms;
    }
    EXPECT_EQ(forms, 4);
}

TEST(MessagesDocument, YamlScalars) {
    const std::pair<const char*, reflow_kind> kinds[] = {{"Null", REFLOW_KIND_NULL},
                                                         {"Boolean", REFLOW_KIND_BOOLEAN},
                                                         {"Integer", REFLOW_KIND_INTEGER},
                                                         {"Float", REFLOW_KIND_FLOAT},
                                                         {"String", REFLOW_KIND_STRING}};
    int scalars = 0;
    for (const std::string& line : section("## YAML")) {
        if (!line.starts_with("| ")) continue;
        std::string kind = line.substr(line.find(" |", 2) + 3);
        for (auto [name, expected] : kinds) {
            if (!kind.starts_with(name)) continue;
            // Every piece of code in the first cell is a scalar.
            std::string cell = line.substr(0, line.find(" |", 2));
            for (std::size_t at = cell.find('`'); at != cell.npos; at = cell.find('`', at)) {
                std::size_t end = cell.find('`', at + 1);
                std::string text = cell.substr(at + 1, end - at - 1);
                Result<Message> message = codec::read_yaml(text);
                ASSERT_TRUE(message.ok()) << text;
                EXPECT_EQ(message.value().kind(), expected) << text;
                ++scalars;
                at = end + 1;
            }
        }
    }
    EXPECT_EQ(scalars, 28);
}

}  // namespace
}  // namespace reflow
