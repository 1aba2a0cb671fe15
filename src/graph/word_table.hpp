// Words that many elements share, such as names of ports: each is kept once and has a number.
// Neighbours: graph.hpp. Thread: one at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "graph/chain_index.hpp"

namespace reflow::graph {

class WordTable {
public:
    // 0 is the empty word, which takes no place.
    [[nodiscard]] std::string_view operator[](std::uint32_t number) const noexcept {
        return number == 0 ? std::string_view() : std::string_view(texts_[number - 1]);
    }
    // nowhere if it has none.
    [[nodiscard]] std::uint32_t find(std::string_view word) const noexcept;
    std::uint32_t intern(std::string_view word);

private:
    Vector<String> texts_;
    ChainIndex index_;
};

}  // namespace reflow::graph
