// Small text tools: JSON strings, did-you-mean, numbers for people, columns.
// Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// Appends text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);

// A key in the path of a value: ".a", or "["a b"]" if it is no name.
std::string path_step(std::string_view key);

// Appends text for a terminal or a log: control characters become escapes such as \x1b, so that
// what comes from data cannot command the terminal. Line ends are kept if `lines` is set.
void append_safe(std::string& out, std::string_view text, bool lines = false);

// The candidate that was probably meant, or nothing.
std::string_view closest(std::string_view wrong, const std::vector<std::string_view>& candidates);

// "did you mean 'x'?", or nothing.
std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& candidates);

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);

// The reason behind an errno, such as "no such file or directory".
std::string system_reason(int number);

// Seconds as "0.012 s", "3.4 s", "2 min 05 s".
std::string duration(double seconds);

// How many terminal columns a UTF-8 text takes, taking each code point for one.
std::size_t columns(std::string_view text);

// At most so many code points of a text.
std::string_view cut(std::string_view text, std::size_t limit);

// Breaks text into lines of at most `width` columns at spaces; each but the first begins with
// `indent` spaces.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace cli
