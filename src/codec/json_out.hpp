// JSON text piece by piece: commas, indentation, escapes, numbers.
// Neighbours: plain.hpp and tagged.cpp drive it. Thread: one.
#pragma once

#include <string_view>

#include "base/memory.hpp"

namespace reflow::codec {

// Collects text in a small buffer of its own and appends it to a String in large pieces, since
// appending to a String costs more than most tokens are long.
class JsonOut {
public:
    JsonOut(String& to, unsigned indent) noexcept : to_(to), indent_(indent) {}
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
    void finish() { flush(); }

private:
    static constexpr std::size_t buffer_bytes = 4096;
    static constexpr std::size_t number_bytes = 32;
    static constexpr std::size_t short_bytes = 16;

    void begin(char bracket);
    void end(char bracket);
    void line();
    void escaped(char byte);
    void quoted(std::string_view text);
    char* short_text(std::string_view text, bool comma);
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
    void put(char byte) {
        if (used_ == buffer_bytes) flush();
        buffer_[used_++] = byte;
    }
    void put(std::string_view text);
    char* room(std::size_t bytes) {
        if (buffer_bytes - used_ < bytes) flush();
        return buffer_ + used_;
    }
    void flush();

    String& to_;
    unsigned indent_;
    unsigned depth_ = 0;
    bool first_ = true;  // nothing stands in the innermost container yet
    bool after_key_ = false;
    std::size_t used_ = 0;
    char buffer_[buffer_bytes];
};

}  // namespace reflow::codec
