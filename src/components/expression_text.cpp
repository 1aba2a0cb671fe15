// Functions of expressions on text. Positions and lengths count code points.
// Neighbours: expression_functions.hpp. Thread: any.
#include <algorithm>

#include "components/expression_functions.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

using Arguments = std::span<Value>;

// The code point at the start of text, and its length in bytes.
struct CodePoint {
    std::uint32_t code;
    std::size_t size;
};
CodePoint first_code_point(std::string_view text) noexcept {
    auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::uint32_t first = byte(0);
    if (first < 0x80) return {first, 1};
    std::size_t size = first < 0xE0 ? 2 : (first < 0xF0 ? 3 : 4);
    std::uint32_t code = first & (0xFFu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) code = (code << 6) | (byte(i) & 0x3Fu);
    return {code, size};
}

bool between(std::uint32_t code, std::uint32_t low, std::uint32_t high) noexcept {
    return code >= low && code <= high;
}

// Latin Extended-A is in pairs, but for a few letters.
bool paired_latin(std::uint32_t code, bool& upper_is_odd) noexcept {
    upper_is_odd = between(code, 0x139, 0x148) || between(code, 0x179, 0x17E);
    bool alone = code == 0x130 || code == 0x131 || code == 0x138 || code == 0x149 ||
                 code == 0x178 || code == 0x17F;
    return between(code, 0x100, 0x17E) && !alone;
}

// The letters of Latin-1, Latin Extended-A, Greek without accents, Cyrillic.
std::uint32_t lower_case(std::uint32_t code) noexcept {
    bool plus_32 = between(code, 'A', 'Z') || (between(code, 0xC0, 0xDE) && code != 0xD7) ||
                   between(code, 0x391, 0x3A1) || between(code, 0x3A3, 0x3AB) ||
                   between(code, 0x410, 0x42F);
    if (plus_32) return code + 32;
    if (between(code, 0x400, 0x40F)) return code + 80;
    if (code == 0x178) return 0xFF;
    bool odd = false;
    if (paired_latin(code, odd) && (code % 2 == 1) == odd) return code + 1;
    return code;
}
std::uint32_t upper_case(std::uint32_t code) noexcept {
    bool minus_32 = between(code, 'a', 'z') || (between(code, 0xE0, 0xFE) && code != 0xF7) ||
                    between(code, 0x3B1, 0x3C1) || between(code, 0x3C3, 0x3CB) ||
                    between(code, 0x430, 0x44F);
    if (minus_32) return code - 32;
    if (between(code, 0x450, 0x45F)) return code - 80;
    if (code == 0xFF) return 0x178;
    bool odd = false;
    if (paired_latin(code, odd) && (code % 2 == 1) != odd) return code - 1;
    return code;
}

Result<Value> change_case(std::string_view name, Arguments arguments,
                          std::uint32_t (*change)(std::uint32_t) noexcept) {
    Result<std::string_view> text = text_argument(name, arguments, 0);
    if (!text.ok()) return text.take_error();
    String result;
    result.reserve(text.value().size());
    for (std::string_view rest = text.value(); !rest.empty();) {
        CodePoint point = first_code_point(rest);
        append_code_point(result, change(point.code));
        rest.remove_prefix(point.size);
    }
    return text_result(name, result);
}

Result<Value> lower(Arguments arguments) { return change_case("lower", arguments, lower_case); }
Result<Value> upper(Arguments arguments) { return change_case("upper", arguments, upper_case); }

Result<Value> trim_text(Arguments arguments) {
    Result<std::string_view> text = text_argument("trim", arguments, 0);
    if (!text.ok()) return text.take_error();
    return Value(Message::string(trim(text.value())));
}

Result<Value> substring(Arguments arguments) {
    Result<std::string_view> text = text_argument("substring", arguments, 0);
    if (!text.ok()) return text.take_error();
    Result<std::int64_t> start = integer_argument("substring", arguments, 1);
    if (!start.ok()) return start.take_error();
    std::int64_t length = INT64_MAX;
    if (arguments.size() == 3) {
        Result<std::int64_t> asked = integer_argument("substring", arguments, 2);
        if (!asked.ok()) return asked.take_error();
        length = asked.value();
    }
    if (length < 0) return Failure(REFLOW_ERROR_FAILED, "substring() of negative length");
    std::int64_t from = start.value();
    if (from < 0) {
        // From the end, as elements of arrays are counted.
        auto count = static_cast<std::int64_t>(count_code_points(text.value()));
        from = from < -count ? 0 : from + count;
    }
    std::string_view rest = text.value();
    rest.remove_prefix(code_point_offset(rest, static_cast<std::size_t>(from)));
    rest = rest.substr(0, code_point_offset(rest, static_cast<std::size_t>(length)));
    return Value(Message::string(rest));
}

struct TwoTexts {
    std::string_view a;
    std::string_view b;
};
Result<TwoTexts> two_texts(std::string_view name, Arguments arguments) {
    Result<std::string_view> a = text_argument(name, arguments, 0);
    if (!a.ok()) return a.take_error();
    Result<std::string_view> b = text_argument(name, arguments, 1);
    if (!b.ok()) return b.take_error();
    return TwoTexts{a.value(), b.value()};
}

Result<Value> contains(Arguments arguments) {
    Result<TwoTexts> texts = two_texts("contains", arguments);
    if (!texts.ok()) return texts.take_error();
    return Value(Message::boolean(texts.value().a.find(texts.value().b) != std::string_view::npos));
}
Result<Value> starts_with(Arguments arguments) {
    Result<TwoTexts> texts = two_texts("starts_with", arguments);
    if (!texts.ok()) return texts.take_error();
    return Value(Message::boolean(texts.value().a.starts_with(texts.value().b)));
}
Result<Value> ends_with(Arguments arguments) {
    Result<TwoTexts> texts = two_texts("ends_with", arguments);
    if (!texts.ok()) return texts.take_error();
    return Value(Message::boolean(texts.value().a.ends_with(texts.value().b)));
}
Result<Value> find(Arguments arguments) {
    Result<TwoTexts> texts = two_texts("find", arguments);
    if (!texts.ok()) return texts.take_error();
    std::size_t at = texts.value().a.find(texts.value().b);
    if (at == std::string_view::npos) return Value(Message::integer(-1));
    std::size_t points = count_code_points(texts.value().a.substr(0, at));
    return Value(Message::integer(static_cast<std::int64_t>(points)));
}

Result<Value> replace(Arguments arguments) {
    Result<TwoTexts> texts = two_texts("replace", arguments);
    if (!texts.ok()) return texts.take_error();
    Result<std::string_view> by = text_argument("replace", arguments, 2);
    if (!by.ok()) return by.take_error();
    auto [text, part] = texts.value();
    if (part.empty()) return Failure(REFLOW_ERROR_FAILED, "replace() of an empty text");
    String result;
    for (;;) {
        std::size_t at = text.find(part);
        append(result, text.substr(0, at));
        if (result.size() > expression_limits::result_bytes) return too_long("replace()");
        if (at == text.npos) break;
        append(result, by.value());
        text.remove_prefix(at + part.size());
    }
    return text_result("replace", result);
}

Result<Value> split(Arguments arguments) {
    Result<TwoTexts> texts = two_texts("split", arguments);
    if (!texts.ok()) return texts.take_error();
    auto [text, separator] = texts.value();
    if (separator.empty()) return Failure(REFLOW_ERROR_FAILED, "split() at an empty text");
    ArrayBuilder parts;
    for (;;) {
        if (parts.size() == expression_limits::result_elements) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("split() would make an array of more than ",
                                  expression_limits::result_elements, " elements"));
        }
        std::size_t at = text.find(separator);
        parts.append(Message::string(text.substr(0, at)));
        if (at == text.npos) break;
        text.remove_prefix(at + separator.size());
    }
    Result<Message> made = parts.finish();
    if (!made.ok()) return made.take_error();
    return Value(std::move(made).take());
}

Result<Value> join(Arguments arguments) {
    const Value& array = arguments[0];
    if (!array.is(REFLOW_KIND_ARRAY)) return wrong_argument("join", 0, "an array", array);
    Result<std::string_view> separator = text_argument("join", arguments, 1);
    if (!separator.ok()) return separator.take_error();
    String result;
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (i > 0) append(result, separator.value());
        Result<void> done = append_text(result, array.at(i));
        if (!done.ok()) return done.take_error();
        if (result.size() > expression_limits::result_bytes) return too_long("join()");
    }
    return text_result("join", result);
}

Result<Value> pad(std::string_view name, Arguments arguments, bool at_start) {
    String text;
    Result<void> done = append_text(text, arguments[0]);
    if (!done.ok()) return done.take_error();
    Result<std::int64_t> width = integer_argument(name, arguments, 1);
    if (!width.ok()) return width.take_error();
    std::string_view fill = " ";
    if (arguments.size() == 3) {
        Result<std::string_view> asked = text_argument(name, arguments, 2);
        if (!asked.ok()) return asked.take_error();
        fill = asked.value();
    }
    if (count_code_points(fill) != 1) {
        return Failure(REFLOW_ERROR_FAILED, concat(name, "() fills with one character"));
    }
    auto points = static_cast<std::int64_t>(count_code_points(text));
    if (width.value() <= points) return text_result(name, text);
    auto missing = static_cast<std::uint64_t>(width.value() - points);
    if (missing > expression_limits::result_bytes / fill.size()) {
        return too_long(concat(name, "()"));
    }
    String filling;
    for (std::uint64_t i = 0; i < missing; ++i) append(filling, fill);
    return text_result(name, at_start ? concat(filling, text) : concat(text, filling));
}
Result<Value> pad_start(Arguments arguments) { return pad("pad_start", arguments, true); }
Result<Value> pad_end(Arguments arguments) { return pad("pad_end", arguments, false); }

constexpr FunctionEntry table[] = {
    {"lower", "lower(text)", 1, 1, lower},
    {"upper", "upper(text)", 1, 1, upper},
    {"trim", "trim(text)", 1, 1, trim_text},
    {"substring", "substring(text, start, length)", 2, 3, substring},
    {"contains", "contains(text, part)", 2, 2, contains},
    {"starts_with", "starts_with(text, part)", 2, 2, starts_with},
    {"ends_with", "ends_with(text, part)", 2, 2, ends_with},
    {"find", "find(text, part)", 2, 2, find},
    {"replace", "replace(text, part, by)", 3, 3, replace},
    {"split", "split(text, separator)", 2, 2, split},
    {"join", "join(array, separator)", 2, 2, join},
    {"pad_start", "pad_start(value, width, fill)", 2, 3, pad_start},
    {"pad_end", "pad_end(value, width, fill)", 2, 3, pad_end},
};

}  // namespace

std::span<const FunctionEntry> text_functions() noexcept { return table; }

}  // namespace reflow::components
