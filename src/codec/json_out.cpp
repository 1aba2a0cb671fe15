// JSON text piece by piece.
// Neighbours: plain.hpp and tagged.cpp drive it. Thread: one.
#include "codec/json_out.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

#include "codec/json.hpp"
#include "codec/words.hpp"

namespace reflow::codec {

void JsonOut::put(std::string_view text) {
    if (buffer_bytes - used_ < text.size()) {
        flush();
        if (text.size() > buffer_bytes) {
            to_.append(text);
            return;
        }
    }
    std::memcpy(buffer_ + used_, text.data(), text.size());
    used_ += text.size();
}

void JsonOut::integer(std::int64_t value) {
    element();
    char* at = room(number_bytes);
    used_ += static_cast<std::size_t>(std::to_chars(at, at + number_bytes, value).ptr - at);
}

void JsonOut::unsigned_integer(std::uint64_t value) {
    element();
    char* at = room(number_bytes);
    used_ += static_cast<std::size_t>(std::to_chars(at, at + number_bytes, value).ptr - at);
}

void JsonOut::real(double value) {
    if (!std::isfinite(value)) return null();
    element();
    char* at = room(number_bytes);
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
    used_ += static_cast<std::size_t>(end - at);
}

void JsonOut::string(std::string_view text) {
    element();
    quoted(text);
}

void JsonOut::key(std::string_view name) {
    separate();
    quoted(name);
    put(':');
    if (indent_ != 0) put(' ');
    after_key_ = true;
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
    put('"');
    const char* at = text.data();
    const char* end = at + text.size();
    const char* start = at;
    for (;;) {
        // Runs of bytes that stand for themselves.
        while (end - at >= 8) {
            std::uint64_t special = special_bytes(load_word(at));
            if (special != 0) {
                at += first_marked(special);
                break;
            }
            at += 8;
        }
        while (at != end && !special_byte(*at)) ++at;
        put({start, static_cast<std::size_t>(at - start)});
        if (at == end) break;
        escaped(*at++);
        start = at;
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
