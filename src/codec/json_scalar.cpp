// Strings and numbers of the JSON reader.
// Neighbours: json_reader.cpp. Thread: one at a time.
#include <cfloat>

#include "base/text.hpp"
#include "codec/json_reader.hpp"
#include "codec/number.hpp"
#include "codec/words.hpp"

namespace reflow::codec {
namespace {

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

// What stands for itself behind a backslash, or the byte it means; 0 for others.
char simple_escape(char c) noexcept {
    switch (c) {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return 0;
    }
}

void append_utf8(String& to, unsigned code) {
    auto byte = [&](unsigned value) { to.push_back(static_cast<char>(value)); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6);
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3F));
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

}  // namespace

// ---- strings

// The first byte from `at` on that ends a run of ordinary text.
inline const char* JsonReader::scan(const char* at) noexcept {
    std::uint64_t seen = 0;
    while (end_ - at >= 8) {
        std::uint64_t word = load_word(at);
        std::uint64_t special = special_bytes(word);
        if (special != 0) {
            unsigned before = first_marked(special);
            seen |= before == 0 ? 0 : word << (64 - 8 * before);
            not_ascii_ |= (seen & high_bits) != 0;
            return at + before;
        }
        seen |= word;
        at += 8;
    }
    not_ascii_ |= (seen & high_bits) != 0;
    for (; at != end_ && !special_byte(*at); ++at) {
        not_ascii_ |= static_cast<unsigned char>(*at) >= 0x80;
    }
    return at;
}

// A string; at_ is on its opening quote. The text is a piece of the input where there are no
// escapes and stays until the next string otherwise.
bool JsonReader::string(std::string_view* out) {
    const char* start = at_ + 1;
    not_ascii_ = false;
    at_ = scan(start);
    if (at_ != end_ && *at_ == '"') {
        *out = {start, static_cast<std::size_t>(at_ - start)};
        ++at_;
    } else if (!string_with_escapes(start, out)) {
        return false;
    }
    if (not_ascii_) {
        std::string_view raw(start, static_cast<std::size_t>(at_ - 1 - start));
        if (auto offset = invalid_utf8(raw)) return fail(start + *offset, "invalid UTF-8");
    }
    if (out->size() > limits::text_bytes) {
        return over_limit(start, concat("string of ", out->size(), " bytes is longer than ",
                                        limits::text_bytes, " bytes"));
    }
    return true;
}

bool JsonReader::string_with_escapes(const char* start, std::string_view* out) {
    scratch_.clear();
    for (;;) {
        scratch_.append(start, static_cast<std::size_t>(at_ - start));
        if (at_ == end_) return fail(at_, "the text ends inside a string");
        if (*at_ == '"') break;
        if (*at_ != '\\') {
            return fail(at_, concat("control character ", show_byte(*at_), " in a string"),
                        "write it as an escape, such as \\n or \\u001f");
        }
        if (!escape()) return false;
        start = at_;
        at_ = scan(at_);
    }
    ++at_;
    *out = scratch_;
    return true;
}

bool JsonReader::escape() {
    if (end_ - at_ < 2) return fail(end_, "the text ends inside a string");
    if (at_[1] == 'u') return escape_unicode();
    char byte = simple_escape(at_[1]);
    if (byte == 0) return fail(at_, concat("unknown escape of ", show_byte(at_[1])));
    scratch_.push_back(byte);
    at_ += 2;
    return true;
}

bool JsonReader::escape_unicode() {
    const char* start = at_;
    unsigned code = 0;
    if (!hex4(&code)) return false;
    auto lone = [&] {
        return fail(start, concat("half of a surrogate pair: ", std::string_view(start, 6)));
    };
    if (code >= 0xDC00 && code <= 0xDFFF) return lone();
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return lone();
        unsigned low = 0;
        if (!hex4(&low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return lone();
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(scratch_, code);
    return true;
}

// \uXXXX at at_.
bool JsonReader::hex4(unsigned* code) {
    unsigned value = 0;
    for (int i = 2; i < 6; ++i) {
        if (end_ - at_ <= i) return fail(end_, "the text ends inside a string");
        char c = at_[i];
        unsigned digit_value = 0;
        if (digit(c)) {
            digit_value = static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit_value = static_cast<unsigned>(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit_value = static_cast<unsigned>(c - 'A') + 10;
        } else {
            return fail(at_, "\\u needs four hexadecimal digits");
        }
        value = value << 4 | digit_value;
    }
    at_ += 6;
    *code = value;
    return true;
}

// ---- numbers

bool JsonReader::number() {
    const char* start = at_;
    bool negative = *at_ == '-';
    if (negative) ++at_;
    const char* digits = at_;
    if (at_ == end_ || !digit(*at_)) return unexpected("a digit");
    std::uint64_t mantissa = 0;
    if (*at_ == '0') {
        ++at_;
        if (at_ != end_ && digit(*at_)) {
            return fail(digits, "a number begins with a zero that means nothing");
        }
    } else {
        // Wraps around behind 19 digits; then it is not used.
        for (; at_ != end_ && digit(*at_); ++at_) {
            mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at_ - '0');
        }
    }
    auto count = static_cast<std::size_t>(at_ - digits);
    if (at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) {
        return real(start, count, mantissa, negative);
    }
    if (count <= 18) {
        auto value = static_cast<std::int64_t>(mantissa);
        value_ = Message::integer(negative ? -value : value);
        return true;
    }
    Number number = decimal_integer(negative, {digits, count});
    std::string_view text(start, static_cast<std::size_t>(at_ - start));
    if (number.fault != NumberFault::none) {
        if (!options_.keep_digits) return fail(start, describe(number.fault, text));
        number.value = Message::encoded(text);
    } else if (options_.keep_digits && number.value.is(REFLOW_KIND_FLOAT)) {
        number.value = Message::encoded(text);
    }
    value_ = std::move(number.value);
    return true;
}

// The rest of a number that has a point or an exponent.
bool JsonReader::real(const char* start, std::size_t count, std::uint64_t mantissa, bool negative) {
    std::size_t fraction = 0;
    if (*at_ == '.') {
        const char* point = ++at_;
        for (; at_ != end_ && digit(*at_); ++at_) {
            mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at_ - '0');
        }
        fraction = static_cast<std::size_t>(at_ - point);
        if (fraction == 0) return unexpected("a digit behind the point");
    }
    std::int64_t exponent = 0;
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
        ++at_;
        bool minus = at_ != end_ && *at_ == '-';
        if (at_ != end_ && (*at_ == '-' || *at_ == '+')) ++at_;
        const char* first = at_;
        for (; at_ != end_ && digit(*at_); ++at_) {
            if (exponent < 100'000) exponent = exponent * 10 + (*at_ - '0');
        }
        if (at_ == first) return unexpected("a digit of the exponent");
        if (minus) exponent = -exponent;
    }
    // Both the digits and the power of ten are exact as doubles, so one operation rounds once.
    if (FLT_EVAL_METHOD == 0 && count + fraction <= 19 && mantissa <= (std::uint64_t{1} << 53)) {
        static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        std::int64_t power = exponent - static_cast<std::int64_t>(fraction);
        if (power >= -22 && power <= 22) {
            auto value = static_cast<double>(mantissa);
            value = power < 0 ? value / powers[-power] : value * powers[power];
            value_ = Message::real(negative ? -value : value);
            return true;
        }
    }
    std::string_view text(start, static_cast<std::size_t>(at_ - start));
    Number number = decimal_real(text);
    if (number.fault != NumberFault::none) return fail(start, describe(number.fault, text));
    value_ = std::move(number.value);
    return true;
}

}  // namespace reflow::codec
