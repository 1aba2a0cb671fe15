// The table of words of a graph.
// Thread: one at a time.
#include "graph/word_table.hpp"

#include <functional>

#include "base/text.hpp"

namespace reflow::graph {

namespace {

void enter(Vector<std::uint32_t>& slots, std::size_t at, std::uint32_t number) noexcept {
    while (slots[at] != 0) at = at + 1 == slots.size() ? 0 : at + 1;
    slots[at] = number;
}

}  // namespace

// The first slot to look at: the upper half of the hash, mixed, as a fraction of all.
std::size_t WordTable::place(std::string_view word) const noexcept {
    std::uint64_t hash = std::hash<std::string_view>{}(word) * 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>((hash >> 32) * slots_.size() >> 32);
}

std::uint32_t WordTable::find(std::string_view word) const noexcept {
    if (word.empty()) return 0;
    if (slots_.empty()) return nowhere;
    for (std::size_t at = place(word);; ++at) {
        if (at == slots_.size()) at = 0;
        std::uint32_t number = slots_[at];
        if (number == 0) return nowhere;
        if ((*this)[number] == word) return number;
    }
}

void WordTable::index(std::size_t slots) {
    Vector<std::uint32_t>(slots, 0).swap(slots_);
    for (std::uint32_t number = 1; number <= ends_.size(); ++number) {
        enter(slots_, place((*this)[number]), number);
    }
}

void WordTable::reserve(std::size_t count) {
    ends_.reserve(count);
    std::size_t slots = count + count / 3 + 1;
    if (slots > slots_.size()) index(slots);
}

std::uint32_t WordTable::intern(std::string_view word) {
    std::uint32_t found = find(word);
    if (found != nowhere) return found;
    std::size_t size = letters_.size() + word.size() + 1;
    if (size > UINT32_MAX || ends_.size() + 1 >= nowhere) {
        (void)Allocator<std::uint32_t>().allocate(SIZE_MAX);  // throws
    }
    if ((ends_.size() + 1) * 4 > slots_.size() * 3) index(slots_.size() + slots_.size() / 2 + 16);
    // A lack of memory behind the first of these takes it back.
    ends_.push_back(static_cast<std::uint32_t>(size));
    struct Undo {
        WordTable* table;
        ~Undo() {
            if (table == nullptr) return;
            table->ends_.pop_back();
            table->letters_.resize(table->ends_.empty() ? 0 : table->ends_.back());
        }
    } undo{this};
    append(letters_, word);
    letters_.push_back('\0');
    undo.table = nullptr;
    auto number = static_cast<std::uint32_t>(ends_.size());
    enter(slots_, place((*this)[number]), number);
    return number;
}

}  // namespace reflow::graph
