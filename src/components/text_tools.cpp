// Text in the data components.
// Thread: any.
#include "components/text_tools.hpp"

#include <charconv>

#include "base/text.hpp"
#include "codec/number.hpp"
#include "components/config.hpp"

namespace reflow::components {
namespace {

bool continuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The number of digits at the start.
std::size_t digits(std::string_view text) noexcept {
    std::size_t count = 0;
    while (count < text.size() && digit(text[count])) ++count;
    return count;
}

std::string_view without_plus(std::string_view text) noexcept {
    return text.size() > 1 && text[0] == '+' && digit(text[1]) ? text.substr(1) : text;
}

// Whether the text is [-]digits[.digits][e[+-]digits].
bool real_form(std::string_view text) noexcept {
    if (text.starts_with('-')) text.remove_prefix(1);
    std::size_t whole = digits(text);
    if (whole == 0) return false;
    text.remove_prefix(whole);
    if (text.starts_with('.')) {
        std::size_t fraction = digits(text.substr(1));
        if (fraction == 0) return false;
        text.remove_prefix(1 + fraction);
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        std::size_t exponent = digits(text);
        if (exponent == 0) return false;
        text.remove_prefix(exponent);
    }
    return text.empty();
}

}  // namespace

String clip(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return String(text);
    while (bytes > 0 && continuation(text[bytes])) --bytes;
    return concat(text.substr(0, bytes), "...");
}

String quote(MessageRef value) {
    switch (value.kind()) {
        case REFLOW_KIND_INTEGER:
            return concat(value.integer());
        case REFLOW_KIND_FLOAT:
            return concat(value.real());
        case REFLOW_KIND_BOOLEAN:
            return String(value.boolean() ? "true" : "false");
        case REFLOW_KIND_STRING:
            return concat("'", clip(value.text()), "'");
        default:
            return String(kind_with_article(value));
    }
}

void append_code_point(String& to, std::uint32_t code) {
    auto byte = [&to](std::uint32_t value) { to += static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | (code >> 6));
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | (code >> 12));
        byte(0x80 | ((code >> 6) & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | (code >> 18));
        byte(0x80 | ((code >> 12) & 0x3F));
        byte(0x80 | ((code >> 6) & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

std::size_t count_code_points(std::string_view text) noexcept {
    std::size_t count = 0;
    for (char c : text) {
        if (!continuation(c)) ++count;
    }
    return count;
}

std::size_t code_point_offset(std::string_view text, std::size_t index) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (continuation(text[at])) continue;
        if (index == 0) return at;
        --index;
    }
    return text.size();
}

std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view spaces = " \t\r\n";
    std::size_t first = text.find_first_not_of(spaces);
    if (first == text.npos) return text.substr(text.size());
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

std::optional<std::int64_t> integer_in(std::string_view text) noexcept {
    text = without_plus(text);
    std::int64_t value = 0;
    auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> real_in(std::string_view text) {
    text = without_plus(text);
    if (!real_form(text)) return std::nullopt;
    codec::Number number = codec::decimal_real(text);
    if (number.fault != codec::NumberFault::none) return std::nullopt;
    return number.value.real();
}

}  // namespace reflow::components
