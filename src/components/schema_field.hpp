// What SchemaCheck wants of one field: type, range, form; and the conversion of text to that type.
// Neighbours: schema.cpp. Thread: that of the actor.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "components/config.hpp"
#include "message/message.hpp"

namespace reflow::components {

class FieldRule {
public:
    // Reads the rule of a field from its section; problems go to the section.
    FieldRule(std::string_view name, const Section& section, bool trim);

    [[nodiscard]] std::string_view name() const noexcept { return name_.text(); }
    [[nodiscard]] const Message& key() const noexcept { return name_; }

    // A value as it came (none: the key is absent): its value of the type, or none if it is to be
    // left out. If it breaks the rule, says so in `reason`: "wind: 99.5 is above 60".
    [[nodiscard]] Message check(MessageRef value, String& reason) const;

private:
    enum class Type : std::uint8_t { any, string, integer, number, boolean, date };

    [[nodiscard]] static bool empty(MessageRef value, Type type) noexcept;
    // The value in the type of the field; none if it is none of it.
    [[nodiscard]] Message convert(MessageRef value) const;
    [[nodiscard]] Message convert_text(std::string_view text) const;
    // A date in the form of the field as a number that rises with time.
    [[nodiscard]] std::optional<std::int64_t> instant(std::string_view text) const;
    void read_limits(const Section& section);
    [[nodiscard]] Message read_limit(const Section& section, std::string_view key) const;
    // -1, 0, 1: the value is below, at, above the limit.
    [[nodiscard]] int compare(MessageRef value, MessageRef limit) const;
    [[nodiscard]] bool in_range(MessageRef value, String& reason) const;
    [[nodiscard]] bool in_form(MessageRef value, String& reason) const;

    Message name_;
    Type type_ = Type::string;
    bool required_ = true;
    bool trim_ = false;
    Message default_;
    Message minimum_;  // none: no limit
    Message maximum_;
    Vector<Message> allowed_;
    std::size_t min_length_ = 0;
    std::size_t max_length_ = SIZE_MAX;
    String pattern_;  // of a date; empty: the usual forms
    String shown_pattern_;
};

}  // namespace reflow::components
