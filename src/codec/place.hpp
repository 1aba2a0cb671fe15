// Where things stand in a text: offset to line and column, and paths of values.
// Neighbours: the readers of this layer. Thread: a value belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "codec/json.hpp"

namespace reflow::codec {

// Line and column of offsets that are asked for in rising order, each byte looked at once.
// An offset below the last one starts again from the front.
class PlaceCounter {
public:
    explicit PlaceCounter(std::string_view text) noexcept : text_(text) {}
    [[nodiscard]] TextPlace at(std::uint64_t offset) noexcept;

private:
    std::string_view text_;
    std::size_t seen_ = 0;
    std::size_t line_start_ = 0;
    std::uint32_t line_ = 1;
};

// The path of the value that is being read: $.name, $["a name"], $[3]. Parts are removed by
// cutting back to a size that was noted before.
class Path {
public:
    void add_key(std::string_view key);
    void add_index(std::size_t index);
    void cut(std::size_t size) { text_.resize(size); }
    [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
    [[nodiscard]] const String& text() const noexcept { return text_; }

private:
    String text_{"$"};
};

// A byte for an error message: 'x', or byte 0x1F if it cannot be shown.
[[nodiscard]] String show_byte(char byte);

// The start of a piece of input for an error message, never longer than a line.
[[nodiscard]] String show_text(std::string_view text);

}  // namespace reflow::codec
