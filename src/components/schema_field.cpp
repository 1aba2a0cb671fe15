// What SchemaCheck wants of one field.
// Thread: that of the actor.
#include "components/schema_field.hpp"

#include <algorithm>
#include <cmath>

#include "components/date.hpp"
#include "components/expression.hpp"
#include "components/expression_functions.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

constexpr std::string_view type_names[] = {"any", "string", "integer", "number", "boolean", "date"};
constexpr std::string_view type_phrases[] = {"",         "a string",  "an integer",
                                             "a number", "a boolean", "a date"};

}  // namespace

FieldRule::FieldRule(std::string_view name, const Section& section, bool trim)
    : name_(Message::string(name)) {
    section.only({"type", "required", "minimum", "maximum", "enum", "min_length", "max_length",
                  "format", "trim", "default", "description"});
    type_ = static_cast<Type>(section.choice("type", type_names, 1));
    required_ = section.flag("required", !section.has("default"));
    trim_ = section.flag("trim", trim);
    default_ = section.find("default").own();
    if (required_ && !default_.none()) {
        section.fail("default", "a field with a default is not required");
    }
    if (section.has("format") && type_ != Type::date) {
        section.fail("format", "only fields of type 'date' have a format");
    }
    shown_pattern_ = section.text("format", "");
    pattern_ = date_pattern(shown_pattern_);
    if (String fault = check_date_pattern(pattern_); !fault.empty()) {
        section.fail("format", fault);
    }
    read_limits(section);
}

void FieldRule::read_limits(const Section& section) {
    minimum_ = read_limit(section, "minimum");
    maximum_ = read_limit(section, "maximum");
    if (!minimum_.none() && !maximum_.none() && compare(minimum_, maximum_) > 0) {
        section.fail({}, "'minimum' is above 'maximum'");
    }
    bool lengths = section.has("min_length") || section.has("max_length");
    if (lengths && type_ != Type::string) {
        section.fail({}, "only fields of type 'string' have a length");
    }
    min_length_ = static_cast<std::size_t>(section.integer("min_length", 0, 0));
    max_length_ = static_cast<std::size_t>(section.integer("max_length", INT64_MAX, 0));
    MessageRef allowed = section.find("enum");
    if (allowed.none()) return;
    if (!allowed.is(REFLOW_KIND_ARRAY) || allowed.size() == 0) {
        section.fail("enum", "expected an array of the values that are allowed");
        return;
    }
    for (std::size_t i = 0; i < allowed.size(); ++i) {
        Message value = convert(allowed.at(i));
        if (value.none()) {
            section.fail("enum", concat(quote(allowed.at(i)), " is not ",
                                        type_phrases[static_cast<std::size_t>(type_)]));
            return;
        }
        allowed_.push_back(std::move(value));
    }
}

Message FieldRule::read_limit(const Section& section, std::string_view key) const {
    MessageRef found = section.find(key);
    if (found.none()) return Message();
    bool ordered = type_ == Type::integer || type_ == Type::number || type_ == Type::date;
    if (!ordered) {
        section.fail(key, "only integers, numbers and dates have a range");
    } else if (type_ == Type::date ? convert(found).none() : !found.number()) {
        section.expected(key, type_ == Type::date ? "a date of the format" : "a number", found);
    } else {
        return found.own();
    }
    return Message();
}

std::optional<std::int64_t> FieldRule::instant(std::string_view text) const {
    std::optional<DateTime> date = pattern_.empty() ? parse_date(text) : parse_date(text, pattern_);
    if (!date) return std::nullopt;
    // In milliseconds, so that times of day count as well.
    std::int64_t seconds =
        days_from_civil(*date) * 86400 + date->hour * 3600 + date->minute * 60 + date->second;
    return (seconds - date->offset_minutes * 60) * 1000 + date->nanosecond / 1'000'000;
}

int FieldRule::compare(MessageRef value, MessageRef limit) const {
    if (type_ != Type::date) return compare_numbers(value, limit);
    std::int64_t a = instant(value.text()).value_or(0);
    std::int64_t b = instant(limit.text()).value_or(0);
    return a < b ? -1 : (a > b ? 1 : 0);
}

// ---- conversion

Message FieldRule::convert_text(std::string_view text) const {
    switch (type_) {
        case Type::integer:
            if (auto value = integer_in(text)) return Message::integer(*value);
            return Message();
        case Type::number:
            if (auto value = real_in(text)) return Message::real(*value);
            return Message();
        case Type::boolean:
            if (text == "true" || text == "false") return Message::boolean(text == "true");
            return Message();
        case Type::date:
            return instant(text) ? Message::string(text) : Message();
        default:
            return Message::string(text);
    }
}

Message FieldRule::convert(MessageRef value) const {
    if (value.is(REFLOW_KIND_STRING)) {
        std::string_view text = trim_ ? trim(value.text()) : value.text();
        bool whole = text.size() == value.text().size();
        if (whole && (type_ == Type::any || type_ == Type::string)) return value.own();
        return convert_text(text);
    }
    switch (type_) {
        case Type::any:
            return value.own();
        case Type::integer: {
            if (value.is(REFLOW_KIND_INTEGER)) return value.own();
            double real = value.real();
            bool fits = value.is(REFLOW_KIND_FLOAT) && real == std::trunc(real) &&
                        real >= -9223372036854775808.0 && real < 9223372036854775808.0;
            return fits ? Message::integer(static_cast<std::int64_t>(real)) : Message();
        }
        case Type::number: {
            if (!value.number()) return Message();
            // All values of a column as floats, unless one would lose digits by it.
            bool exact =
                value.is(REFLOW_KIND_FLOAT) || compare_exactly(value.integer(), value.real()) == 0;
            return exact ? Message::real(value.real()) : value.own();
        }
        case Type::boolean:
            return value.is(REFLOW_KIND_BOOLEAN) ? value.own() : Message();
        default:
            return Message();
    }
}

// ---- checks

bool FieldRule::empty(MessageRef value, Type type) noexcept {
    if (value.none() || value.nothing()) return true;
    bool text = type == Type::string || type == Type::any;
    return !text && value.is(REFLOW_KIND_STRING) && trim(value.text()).empty();
}

Message FieldRule::check(MessageRef raw, String& reason) const {
    MessageRef value = plain_value(raw);
    if (empty(value, type_)) {
        if (required_) append(reason, concat(name(), ": missing"));
        if (required_ || !default_.none()) return default_;
        return value.none() ? Message() : Message::null();
    }
    Message converted = convert(value);
    if (converted.none()) {
        append(reason, concat(name(), ": ", quote(value), " is not ",
                              type_phrases[static_cast<std::size_t>(type_)]));
        if (!pattern_.empty()) append(reason, concat(" of the form '", shown_pattern_, "'"));
        return Message();
    }
    if (in_range(converted, reason) && in_form(converted, reason)) return converted;
    return Message();
}

bool FieldRule::in_range(MessageRef value, String& reason) const {
    auto shown = [](MessageRef one) {
        return one.is(REFLOW_KIND_STRING) ? clip(one.text()) : quote(one);
    };
    if (value.is(REFLOW_KIND_FLOAT) && !std::isfinite(value.real())) {
        append(reason, concat(name(), ": ", quote(value), " is not a number"));
        return false;
    }
    if (!minimum_.none() && compare(value, minimum_) < 0) {
        append(reason, concat(name(), ": ", shown(value), " is below ", shown(minimum_)));
        return false;
    }
    if (!maximum_.none() && compare(value, maximum_) > 0) {
        append(reason, concat(name(), ": ", shown(value), " is above ", shown(maximum_)));
        return false;
    }
    return true;
}

bool FieldRule::in_form(MessageRef value, String& reason) const {
    if (value.is(REFLOW_KIND_STRING) && (min_length_ > 0 || max_length_ < SIZE_MAX)) {
        std::size_t length = count_code_points(value.text());
        if (length < min_length_ || length > max_length_) {
            append(reason, concat(name(), ": ", quote(value), " has ", length,
                                  length < min_length_ ? " characters, fewer than "
                                                       : " characters, more than ",
                                  length < min_length_ ? min_length_ : max_length_));
            return false;
        }
    }
    if (allowed_.empty()) return true;
    for (const Message& one : allowed_) {
        if (same_value(one, value)) return true;
    }
    append(reason, concat(name(), ": ", quote(value), " is not one of "));
    for (std::size_t i = 0; i < allowed_.size(); ++i) {
        if (i > 0) append(reason, i + 1 == allowed_.size() ? " or " : ", ");
        append(reason, quote(allowed_[i]));
    }
    return false;
}

}  // namespace reflow::components
