// JSON text piece by piece.
// Neighbours: plain.hpp and tagged.cpp drive it. Thread: one.
#include "codec/json_out.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "codec/json.hpp"
#include "codec/words.hpp"

namespace reflow::codec {

void JsonOut::integer(std::int64_t value) {
    if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
    element();
    put('-');
    after_key_ = true;  // the digits belong to the sign
    unsigned_integer(0 - static_cast<std::uint64_t>(value));
}

void JsonOut::unsigned_integer(std::uint64_t value) {
    element();
    char* at = out_.room(number_bytes);
    out_.advance(std::to_chars(at, at + number_bytes, value).ptr);
}

void JsonOut::real(double value) {
    if (!std::isfinite(value)) return null();
    element();
    char* at = out_.room(number_bytes);
    char* end = std::to_chars(at, at + number_bytes - 2, value).ptr;
    bool integral = true;
    for (const char* c = at; c != end; ++c) {
        if (*c == '.' || *c == 'e') integral = false;
    }
    if (integral) {
        // It is to read back as a float.
        *end++ = '.';
        *end++ = '0';
    }
    out_.advance(end);
}

// A text of at most 16 bytes with its quotes, and its comma: most keys and many values. NULL if
// something has to be escaped; else the place behind it.
inline char* JsonOut::short_text(std::string_view text, bool comma) {
    char* to = out_.room(short_bytes + 4);
    if (comma) *to++ = ',';
    *to++ = '"';
    std::size_t size = text.size();
    std::uint64_t special = 0;
    if (size >= 8) {
        // The first and the last bytes, which may overlap.
        std::uint64_t front = load_word(text.data());
        std::uint64_t back = load_word(text.data() + size - 8);
        special = special_bytes(front) | special_bytes(back);
        std::memcpy(to, text.data(), 8);
        std::memcpy(to + size - 8, text.data() + size - 8, 8);
    } else if (size >= 4) {
        std::uint32_t front;
        std::uint32_t back;
        std::memcpy(&front, text.data(), 4);
        std::memcpy(&back, text.data() + size - 4, 4);
        special = special_bytes(std::uint64_t{front} << 32 | back);
        std::memcpy(to, &front, 4);
        std::memcpy(to + size - 4, &back, 4);
    } else {
        for (std::size_t i = 0; i < size; ++i) {
            to[i] = text[i];
            if (special_byte(text[i])) special = 1;
        }
    }
    if (special != 0) return nullptr;
    to[size] = '"';
    return to + size + 1;
}

void JsonOut::string(std::string_view text) {
    if (text.size() <= short_bytes && indent_ == 0) {
        if (char* behind = short_text(text, !after_key_ && !first_)) {
            out_.advance(behind);
            first_ = after_key_ = false;
            return;
        }
    }
    element();
    quoted(text);
}

void JsonOut::key(std::string_view name) {
    after_key_ = true;
    if (name.size() <= short_bytes && indent_ == 0) {
        if (char* behind = short_text(name, !first_)) {
            *behind++ = ':';
            out_.advance(behind);
            first_ = false;
            return;
        }
    }
    separate();
    quoted(name);
    put(':');
    if (indent_ != 0) put(' ');
}

void JsonOut::begin(char bracket) {
    element();
    put(bracket);
    ++depth_;
    first_ = true;
}

void JsonOut::end(char bracket) {
    --depth_;
    if (indent_ != 0 && !first_) line();
    put(bracket);
    first_ = false;
}

void JsonOut::line() {
    put('\n');
    for (std::uint64_t i = std::uint64_t{depth_} * indent_; i > 0; --i) put(' ');
}

void JsonOut::quoted(std::string_view text) {
    const char* at = text.data();
    const char* end = at + text.size();
    put('"');
    while (at != end) {
        // Bytes that stand for themselves are copied as they are looked at.
        char* to = out_.room(block_bytes);
        char* limit = out_.limit() - block_bytes;
        std::uint32_t special = 0;
        while (to <= limit && static_cast<std::size_t>(end - at) >= block_bytes) {
            std::memcpy(to, at, block_bytes);
            special = marked_bytes<false>(at);
            // A step of a size that is known does not wait for what was found.
            std::size_t passed = block_bytes;
            if (special != 0) passed = static_cast<std::size_t>(std::countr_zero(special));
            at += passed;
            to += passed;
            if (special != 0) break;
        }
        if (special == 0 && static_cast<std::size_t>(end - at) < block_bytes) {
            for (; to <= limit && at != end && !special_byte(*at); ++at) *to++ = *at;
            special = at != end && special_byte(*at) ? 1 : 0;
        }
        out_.advance(to);
        if (special != 0) escaped(*at++);
    }
    put('"');
}

void JsonOut::escaped(char byte) {
    put('\\');
    switch (byte) {
        case '"':
        case '\\':
            return put(byte);
        case '\b':
            return put('b');
        case '\f':
            return put('f');
        case '\n':
            return put('n');
        case '\r':
            return put('r');
        case '\t':
            return put('t');
        default:
            break;
    }
    constexpr char digits[] = "0123456789abcdef";
    auto code = static_cast<unsigned char>(byte);
    put("u00");
    put(digits[code >> 4]);
    put(digits[code & 15]);
}

void write_json_string(String& to, std::string_view text) {
    JsonOut out(to, 0);
    out.string(text);
    out.finish();
}

}  // namespace reflow::codec
