// Types of ports: text form ("array<integer>"), JSON form, compatibility.
// Neighbours: graph and runtime. Thread: any.
#pragma once

#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow {

// A type is a chain of "array" and "option" that ends in a plain kind: array<option<integer>>.
class PortType {
public:
    enum class Kind : std::uint8_t {
        any, flow, event, boolean, integer, real, string, bytes, object, encoded, stream,
        array, option  // these two have an element type
    };

    PortType() = default;  // any

    // "any" (also empty), ..., "object<Order>", "array" (= array<any>), "option<T>".
    [[nodiscard]] static Result<PortType> parse(std::string_view text);
    // {"type":"array","value":{"type":"integer"}}; null and none are any.
    [[nodiscard]] static Result<PortType> from_message(MessageRef json);
    // What a message is: Integer -> integer, [1,2] -> array<integer>, mixed -> array<any>.
    [[nodiscard]] static PortType of(MessageRef message);

    [[nodiscard]] Kind kind() const noexcept { return chain_.empty() ? Kind::any : chain_.front(); }
    [[nodiscard]] String text() const;
    [[nodiscard]] Message to_message() const;
    [[nodiscard]] bool any() const noexcept { return kind() == Kind::any; }
    bool operator==(const PortType& other) const noexcept = default;

    // Whether packets of this type may go into a port of the other: any with anything; equal;
    // array<a> into array<b> if a into b; option<a> into b and a into option<b> if a into b;
    // integer into float; anything with stream or bytes; object with object<Name>.
    [[nodiscard]] bool flows_into(const PortType& target) const noexcept;
    // Whether a port of this type takes the message.
    [[nodiscard]] bool takes(MessageRef message) const;

private:
    Vector<Kind> chain_;  // outermost first; empty is any; at most REFLOW_MAX_DEPTH long
    String name_;         // of object<Name>
};

}  // namespace reflow
