// What the tests of graphs share: reading JSON, loading, random choices from a seed.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "graph/load.hpp"

namespace reflow::graph::test {

inline Message json(std::string_view text) {
    auto read = codec::read_json(text);
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().describe()) << "\n" << text;
    return read.ok() ? std::move(read).take() : Message();
}

inline std::string text_of(MessageRef value) {
    String out;
    EXPECT_TRUE(codec::write_json(out, value).ok());
    return std::string(out);
}

inline Graph loaded(std::string_view text, std::string_view name = "test.json") {
    auto graph = load(text, REFLOW_FORMAT_AUTO, name);
    EXPECT_TRUE(graph.ok()) << (graph.ok() ? "" : graph.error().describe());
    return graph.ok() ? std::move(graph).take() : Graph("failed");
}

inline std::string saved(const Graph& graph, reflow_format format = REFLOW_FORMAT_JSON) {
    auto text = save(graph, format);
    EXPECT_TRUE(text.ok()) << (text.ok() ? "" : text.error().describe());
    return text.ok() ? std::string(text.value()) : std::string();
}

// The same numbers on every machine (splitmix64).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
    bool one_in(std::size_t count) { return below(count) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace reflow::graph::test
