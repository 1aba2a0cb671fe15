// What a scalar without quotes means in YAML.
// Neighbours: the YAML reader and writer. Thread: any.
#include "codec/yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace reflow::codec {
namespace {

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) noexcept {
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::size_t digits_at(std::string_view text, std::size_t at) noexcept {
    std::size_t count = 0;
    while (at + count < text.size() && digit(text[at + count])) ++count;
    return count;
}

// 0o17 and 0x1F. `digits` is what follows the mark.
Number based_integer(std::string_view digits, int base) {
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    auto [stop, fault] = std::from_chars(digits.data(), end, value, base);
    if (stop != end || fault == std::errc::invalid_argument) return {};
    if (fault != std::errc()) return {Message(), NumberFault::inexact};
    return unsigned_integer(value);
}

Number number_scalar(std::string_view text) {
    std::size_t at = text.front() == '-' || text.front() == '+' ? 1 : 0;
    bool negative = text.front() == '-';
    std::string_view rest = text.substr(at);
    if (one_of(rest, {".inf", ".Inf", ".INF"})) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return {Message::real(negative ? -infinity : infinity)};
    }
    if (rest.empty() || !(digit(rest[0]) || rest[0] == '.')) return {};
    std::size_t whole = digits_at(rest, 0);
    if (whole > 1 && rest[0] == '0') return {};
    if (whole == rest.size()) return decimal_integer(negative, rest);
    std::size_t used = whole;
    std::size_t fraction = 0;
    if (rest[used] == '.') {
        fraction = digits_at(rest, used + 1);
        used += 1 + fraction;
    }
    if (whole + fraction == 0) return {};
    if (used < rest.size() && (rest[used] == 'e' || rest[used] == 'E')) {
        ++used;
        if (used < rest.size() && (rest[used] == '-' || rest[used] == '+')) ++used;
        std::size_t exponent = digits_at(rest, used);
        if (exponent == 0) return {};
        used += exponent;
    }
    return used == rest.size() ? decimal_real(text) : Number();
}

}  // namespace

Number plain_scalar(std::string_view text) {
    if (text.empty()) return {Message::null()};
    switch (text.front()) {
        case '~':
        case 'n':
        case 'N':
            if (one_of(text, {"~", "null", "Null", "NULL"})) return {Message::null()};
            return {};
        case 't':
        case 'T':
            if (one_of(text, {"true", "True", "TRUE"})) return {Message::boolean(true)};
            return {};
        case 'f':
        case 'F':
            if (one_of(text, {"false", "False", "FALSE"})) return {Message::boolean(false)};
            return {};
        default:
            break;
    }
    if (one_of(text, {".nan", ".NaN", ".NAN"})) {
        return {Message::real(std::numeric_limits<double>::quiet_NaN())};
    }
    if (text.size() > 2 && text.starts_with("0o")) return based_integer(text.substr(2), 8);
    if (text.size() > 2 && text.starts_with("0x")) return based_integer(text.substr(2), 16);
    if (digit(text.front()) || text.front() == '-' || text.front() == '+' || text.front() == '.') {
        return number_scalar(text);
    }
    return {};
}

bool surely_string(std::string_view text) {
    if (text.empty()) return false;
    // Numbers and dates of every version begin so; ~ is null, = and << have a meaning in 1.1.
    if (digit(text.front()) || std::string_view("+-.~=<").find(text.front()) != text.npos) {
        return false;
    }
    constexpr std::size_t longest = 5;
    if (text.size() > longest) return true;
    char lower[longest] = {};
    std::transform(text.begin(), text.end(), lower, [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return !one_of({lower, text.size()},
                   {"null", "true", "false", "yes", "no", "on", "off", "y", "n"});
}

}  // namespace reflow::codec
