// Places and paths, for errors and for checks that come after reading.
// Neighbours: the readers of this layer. Thread: as the values.
#include "codec/place.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace reflow::codec {

TextPlace PlaceCounter::at(std::uint64_t offset) noexcept {
    std::size_t to = static_cast<std::size_t>(std::min<std::uint64_t>(offset, text_.size()));
    if (to < seen_) {
        seen_ = 0;
        line_start_ = 0;
        line_ = 1;
    }
    while (seen_ < to) {
        const void* found = std::memchr(text_.data() + seen_, '\n', to - seen_);
        if (found == nullptr) break;
        seen_ = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data()) + 1;
        line_start_ = seen_;
        if (line_ != UINT32_MAX) ++line_;
    }
    seen_ = to;
    std::uint64_t column = to - line_start_ + 1;
    return {line_, static_cast<std::uint32_t>(std::min<std::uint64_t>(column, UINT32_MAX)), to};
}

namespace {

bool identifier(std::string_view key) noexcept {
    auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (key.empty() || !letter(key.front())) return false;
    return std::all_of(key.begin(), key.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

void Path::add_key(std::string_view key) {
    if (identifier(key)) {
        text_.push_back('.');
        text_.append(key);
        return;
    }
    text_.push_back('[');
    write_json_string(text_, key);
    text_.push_back(']');
}

void Path::add_index(std::size_t index) {
    text_.push_back('[');
    append_unsigned(text_, index);
    text_.push_back(']');
}

String show_byte(char byte) {
    unsigned code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code < 0x7F) return concat("'", byte, "'");
    constexpr char digits[] = "0123456789ABCDEF";
    return concat("byte 0x", digits[code >> 4], digits[code & 15]);
}

String show_text(std::string_view text) {
    constexpr std::size_t shown_bytes = 60;
    if (text.size() <= shown_bytes) return String(text);
    std::size_t cut = shown_bytes;
    // Never inside a character.
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    return concat(text.substr(0, cut), "...");
}

}  // namespace reflow::codec
