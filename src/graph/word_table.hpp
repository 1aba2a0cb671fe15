// Words that many elements share, such as names of ports, and ids of nodes: each is kept once and
// has a number. All letters stand in one block: a short word takes them and some eleven bytes.
// Neighbours: graph.hpp. Thread: one at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "graph/chain_index.hpp"

namespace reflow::graph {

class WordTable {
public:
    // 0 is the empty word, which takes no place. A view is valid until the next intern(), and has a
    // zero behind it, as hosts find it behind all texts.
    [[nodiscard]] std::string_view operator[](std::uint32_t number) const noexcept {
        if (number == 0) return "";
        std::uint32_t begin = number == 1 ? 0 : ends_[number - 2];
        return {letters_.data() + begin, ends_[number - 1] - begin - 1};
    }
    // nowhere if it has none.
    [[nodiscard]] std::uint32_t find(std::string_view word) const noexcept;
    // Numbers follow one another. Throws std::bad_alloc, and then nothing has changed; also beyond
    // 4 GiB of letters. The word may be a part of one that is there.
    std::uint32_t intern(std::string_view word);
    // Room for so many words in all, but not for their letters.
    void reserve(std::size_t count);

private:
    [[nodiscard]] std::size_t place(std::string_view word) const noexcept;
    void index(std::size_t slots);

    String letters_;
    Vector<std::uint32_t> ends_;  // in letters_, behind the zero, by number - 1
    // Numbers by the hashes of their words, one slot after the other; 0: free. At most three
    // quarters are taken.
    Vector<std::uint32_t> slots_;
};

}  // namespace reflow::graph
