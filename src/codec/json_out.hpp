// JSON text piece by piece: commas, indentation, escapes, numbers.
// Neighbours: plain.hpp and tagged.cpp drive it. Thread: one.
#pragma once

#include <string_view>

#include "codec/gather.hpp"

namespace reflow::codec {

class JsonOut {
public:
    JsonOut(String& to, unsigned indent) noexcept : out_(to), indent_(indent) {}
    JsonOut(const JsonOut&) = delete;
    JsonOut& operator=(const JsonOut&) = delete;

    void null() { word("null"); }
    void boolean(bool value) { word(value ? "true" : "false"); }
    void integer(std::int64_t value);
    void unsigned_integer(std::uint64_t value);
    void real(double value);  // null for NaN and infinities
    void string(std::string_view text);
    void begin_array() { begin('['); }
    void begin_numbers() { begin('['); }  // an array that holds nothing but numbers
    void end_array() { end(']'); }
    void begin_object() { begin('{'); }
    void end_object() { end('}'); }
    void key(std::string_view name);
    // A piece of JSON that is a value.
    void word(std::string_view text) {
        element();
        put(text);
    }
    // Gives what is left to the String. Nothing may follow.
    void finish() { out_.finish(); }

private:
    static constexpr std::size_t number_bytes = 32;
    static constexpr std::size_t short_bytes = 16;

    void begin(char bracket);
    void end(char bracket);
    void line();
    void escaped(char byte);
    void quoted(std::string_view text);
    [[gnu::always_inline]] char* short_text(std::string_view text, bool comma);
    // What stands before a value: a comma, a line break, or nothing behind a key.
    void element() {
        if (after_key_) {
            after_key_ = false;
            return;
        }
        separate();
    }
    void separate() {
        if (!first_) put(',');
        if (indent_ != 0 && depth_ != 0) line();
        first_ = false;
    }
    void put(char byte) { out_.put(byte); }
    void put(std::string_view text) { out_.put(text); }

    Gather out_;
    unsigned indent_;
    unsigned depth_ = 0;
    bool first_ = true;  // nothing stands in the innermost container yet
    bool after_key_ = false;
};

}  // namespace reflow::codec
