// The corpora of tests/fuzz/corpus: y_* is read, n_* is refused, and i_* is as decided here.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "codec/yaml.hpp"

namespace reflow {
namespace {

using Reader = std::function<Result<Message>(std::string_view)>;

// Reads every file of a folder and says how many there were.
std::size_t check_corpus(const std::string& folder, const std::map<std::string, bool>& decided,
                         const Reader& reader) {
    std::size_t seen = 0;
    std::filesystem::path path = std::filesystem::path(REFLOW_SOURCE_DIR) / "tests/fuzz/corpus";
    for (const auto& entry : std::filesystem::directory_iterator(path / folder)) {
        std::string name = entry.path().stem().string();
        if (name.size() < 2 || name[1] != '_') continue;  // found by fuzzing, without a verdict
        std::ifstream file(entry.path(), std::ios::binary);
        std::vector<char> data{std::istreambuf_iterator<char>(file), {}};
        bool expected = name[0] == 'y';
        if (name[0] == 'i') {
            auto decision = decided.find(name);
            EXPECT_NE(decision, decided.end()) << name << " has no verdict";
            if (decision != decided.end()) expected = decision->second;
        }
        Result<Message> result = reader({data.data(), data.size()});
        EXPECT_EQ(result.ok(), expected) << name;
        if (!result.ok()) {
            bool known = result.error().status == REFLOW_ERROR_PARSE ||
                         result.error().status == REFLOW_ERROR_LIMIT;
            EXPECT_TRUE(known) << name;
            EXPECT_FALSE(result.error().message.empty()) << name;
        }
        ++seen;
    }
    return seen;
}

TEST(Corpus, Json) {
    const std::map<std::string, bool> decided = {
        {"i_number_uint64_most", false},            // not exact as a float
        {"i_number_inexact_integer", false},        // the same
        {"i_number_long_integer", false},           // the same
        {"i_number_long_exponent", false},          // infinite
        {"i_number_long_negative_exponent", true},  // zero
    };
    EXPECT_GT(
        check_corpus("json", decided, [](std::string_view text) { return codec::read_json(text); }),
        200u);
}

TEST(Corpus, Msgpack) {
    EXPECT_GT(check_corpus("msgpack", {},
                           [](std::string_view data) { return codec::read_msgpack(data); }),
              100u);
}

TEST(Corpus, Yaml) {
    EXPECT_GT(
        check_corpus("yaml", {}, [](std::string_view text) { return codec::read_yaml(text); }),
        60u);
}

}  // namespace
}  // namespace reflow
