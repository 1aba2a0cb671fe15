// Strings and numbers of the JSON reader.
// Neighbours: json_reader.cpp. Thread: one at a time.
#include <bit>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "codec/json_reader.hpp"
#include "codec/number.hpp"
#include "codec/wide_text.hpp"
#include "codec/words.hpp"

namespace reflow::codec {
namespace {

// Writes one character; there is room for four bytes.
char* put_utf8(char* to, unsigned code) noexcept {
    auto byte = [&](unsigned value) { *to++ = static_cast<char>(value); };
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
    return to;
}

static_assert(window_bytes == utf8_window_bytes);

// What may be looked at and copied of a window: an escape at its end and a window behind that.
constexpr std::ptrdiff_t most_read = 3 * window_bytes;

}  // namespace

// ---- strings

// Goes on where a byte stands that is not plain. Without escapes, the text is a piece of the input.
JsonReader::At JsonReader::string_rest(At start, At at, std::string_view* out) {
    while (at != end_ && static_cast<unsigned char>(*at) >= 0x80) {
        std::size_t length = 0;
        if (at - start >= most_read && end_ - at >= most_read && marked_window<false>(at) == 0) {
            length = whole_characters(at);
        }
        if (length == 0) length = utf8_length({at, static_cast<std::size_t>(end_ - at)});
        if (length == 0) return not_utf8(at);
        at += length;
        if (at == end_ || static_cast<unsigned char>(*at) < 0x80) at = skip_plain(at, end_);
    }
    if (at == end_ || *at != '"') return string_with_escapes(start, at, out);
    return end_string(start, at, {start, static_cast<std::size_t>(at - start)}, out);
}

JsonReader::At JsonReader::end_string(At start, At at, std::string_view text,
                                      std::string_view* out) {
    if (text.size() > limits::text_bytes) {
        return over_limit(start, concat("string of ", text.size(), " bytes is longer than ",
                                        limits::text_bytes, " bytes"));
    }
    *out = text;
    return at + 1;
}

inline JsonReader::At JsonReader::escape(At at, char** to) {
    if (end_ - at < 2) return ends_inside();
    if (char byte = simple_escapes[static_cast<unsigned char>(at[1])]) {
        *(*to)++ = byte;
        return at + 2;
    }
    if (at[1] == 'u') return escape_unicode(at, to);
    return unknown_escape(at);
}

JsonReader::At JsonReader::unknown_escape(At at) {
    return fail(at, concat("unknown escape of ", show_byte(at[1])));
}

JsonReader::At JsonReader::ends_inside() { return fail(end_, "the text ends inside a string"); }

JsonReader::At JsonReader::not_utf8(At at) { return fail(at, "invalid UTF-8"); }

// A long string, as long as there is room. Where it stops at once it is not asked for a while.
inline JsonReader::At JsonReader::wide_text(At at, unsigned* pause) {
    if (*pause != 0) {
        --*pause;
        return at;
    }
    WideText read = has_wide_text() ? read_wide_text(at, end_, scratch_.top(), scratch_.limit())
                                    : WideText{at, scratch_.top()};
    scratch_.cut(static_cast<std::size_t>(read.to - scratch_.data()));
    if (read.at == at) *pause = 8;
    return read.at;
}

// Copies the text to scratch_, in windows as long as there are, then byte by byte.
JsonReader::At JsonReader::string_with_escapes(At start, At at, std::string_view* out) {
    scratch_.cut(0);
    scratch_.append(start, static_cast<std::size_t>(at - start));
    bool ended = false;
    for (unsigned pause = options_.narrow ? ~0u : 0; end_ - at >= most_read;) {
        at = window(at, &ended);
        if (at == nullptr) return nullptr;
        if (ended) break;
        at = wide_text(at, &pause);
    }
    while (!ended) {
        if (at == end_) return ends_inside();
        scratch_.room(4);
        char* to = scratch_.top();
        auto byte = static_cast<unsigned char>(*at);
        if (byte == '"') break;
        if (byte == '\\') {
            at = escape(at, &to);
            if (at == nullptr) return nullptr;
        } else if (byte < 0x20) {
            return control_character(at);
        } else {
            std::size_t length = utf8_length({at, static_cast<std::size_t>(end_ - at)});
            if (length == 0) return not_utf8(at);
            for (; length > 0; --length) *to++ = *at++;
        }
        scratch_.cut(static_cast<std::size_t>(to - scratch_.data()));
    }
    return end_string(start, at, {scratch_.data(), scratch_.size()}, out);
}

// The next window of a string: returns the place behind it, or that of the quote that ended it.
// Where bytes are marked is found for all of them at once; then only those are visited.
JsonReader::At JsonReader::window(At at, bool* ended) {
    scratch_.room(most_read);
    char* to = scratch_.top();
    At run = at;  // from here on, what was looked at is not copied yet
    At behind = at + window_bytes;
    auto copy_to = [&](At stop) {
        copy_blocks(to, run, static_cast<std::size_t>(stop - run));
        to += stop - run;
    };
    std::uint64_t marked = marked_window<true>(at);
    for (unsigned characters = 0; marked != 0;) {
        At next = at + std::countr_zero(marked);
        auto byte = static_cast<unsigned char>(*next);
        if (byte >= 0x80) {
            if (++characters == 6 && whole_characters(next) != 0) {
                // All of this window, to whose end and three bytes more that reaches: it has bytes
                // enough behind the others.
                marked = marked_window<false>(at) & ~std::uint64_t{0} << (next - at);
                while ((*behind & 0xC0) == 0x80) ++behind;
                continue;
            }
            std::size_t length = utf8_length({next, static_cast<std::size_t>(end_ - next)});
            if (length == 0) return not_utf8(next);
            next += length;
        } else {
            copy_to(next);
            run = next;
            if (byte != '\\') {
                if (byte != '"') return control_character(next);
                *ended = true;
                behind = next;
                break;
            }
            next = run = escape(next, &to);
            if (next == nullptr) return nullptr;
        }
        if (next >= behind) {
            behind = next;
            break;
        }
        marked &= ~std::uint64_t{0} << (next - at);
    }
    copy_to(behind);
    scratch_.cut(static_cast<std::size_t>(to - scratch_.data()));
    return behind;
}

JsonReader::At JsonReader::control_character(At at) {
    return fail(at, concat("control character ", show_byte(*at), " in a string"),
                "write it as an escape, such as \\n or \\u001f");
}

JsonReader::At JsonReader::half_pair(At at) {
    return fail(at, concat("half of a surrogate pair: ", std::string_view(at, 6)));
}

JsonReader::At JsonReader::escape_unicode(At at, char** to) {
    At start = at;
    unsigned code = 0;
    at = hex4(at, &code);
    if (at == nullptr) return nullptr;
    if (code >= 0xDC00 && code <= 0xDFFF) return half_pair(start);
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (end_ - at < 2 || at[0] != '\\' || at[1] != 'u') return half_pair(start);
        unsigned low = 0;
        at = hex4(at, &low);
        if (at == nullptr) return nullptr;
        if (low < 0xDC00 || low > 0xDFFF) return half_pair(start);
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *to = put_utf8(*to, code);
    return at;
}

// \uXXXX.
JsonReader::At JsonReader::hex4(At at, unsigned* code) {
    unsigned value = 0;
    for (int i = 2; i < 6; ++i) {
        if (end_ - at <= i) return ends_inside();
        char c = at[i];
        unsigned digit_value = 0;
        if (digit(c)) {
            digit_value = static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit_value = static_cast<unsigned>(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit_value = static_cast<unsigned>(c - 'A') + 10;
        } else {
            return fail(at, "\\u needs four hexadecimal digits");
        }
        value = value << 4 | digit_value;
    }
    *code = value;
    return at + 6;
}

// ---- numbers

JsonReader::At JsonReader::long_integer(At start, At at, At digits) {
    Number number =
        decimal_integer(start != digits, {digits, static_cast<std::size_t>(at - digits)});
    std::string_view text(start, static_cast<std::size_t>(at - start));
    if (number.fault != NumberFault::none) {
        if (!options_.keep_digits) return fail(start, describe(number.fault, text));
        number.value = Message::encoded(text);
    } else if (options_.keep_digits && number.value.is(REFLOW_KIND_FLOAT)) {
        number.value = Message::encoded(text);
    }
    if (number.value.counted()) texts_.pool().mix();
    values_.push(number.value.leak());
    return at;
}

// The exponent of a number, whose letter `at` is on.
bool JsonReader::exponent(At* at, std::int64_t* power) {
    At now = *at + 1;
    bool minus = now != end_ && *now == '-';
    if (now != end_ && (*now == '-' || *now == '+')) ++now;
    At first = now;
    std::int64_t value = 0;
    for (; now != end_ && digit(*now); ++now) {
        if (value < 100'000) value = value * 10 + (*now - '0');
    }
    if (now == first) {
        unexpected(now, "a digit of the exponent");
        return false;
    }
    *at = now;
    *power = minus ? -value : value;
    return true;
}

// A number that takes more than one operation.
JsonReader::At JsonReader::long_real(At start, At at) {
    std::string_view text(start, static_cast<std::size_t>(at - start));
    Number number = decimal_real(text);
    if (number.fault != NumberFault::none) return fail(start, describe(number.fault, text));
    values_.push(number.value.leak());
    return at;
}

}  // namespace reflow::codec
