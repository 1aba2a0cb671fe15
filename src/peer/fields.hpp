// The fields of a record of MessagePack, as they are read and checked.
// Neighbours: frame.cpp. Thread: any.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "base/text.hpp"
#include "message/message.hpp"
#include "peer/limits.hpp"

namespace reflow::peer {

inline Failure wrong(std::string_view record, std::string_view what) {
    return Failure(REFLOW_ERROR_PROTOCOL, concat("record ", record, ": ", what));
}

// The fields of a record, checked one after the other.
class Fields {
public:
    Fields(MessageRef record, std::string_view name) : record_(record), name_(name) {}
    [[nodiscard]] std::uint64_t number() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_INTEGER) || value.integer() < 0) {
            fail("is not a number");
            return 0;
        }
        return static_cast<std::uint64_t>(value.integer());
    }
    [[nodiscard]] std::string_view text() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_STRING)) {
            fail("is not a text");
        } else if (value.text().size() > limits::peer_name_bytes) {
            fail("is too long a text");
        }
        return value.text();
    }
    [[nodiscard]] bool boolean() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_BOOLEAN)) fail("is not true or false");
        return value.boolean();
    }
    [[nodiscard]] MessageRef array() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_ARRAY)) fail("is not an array");
        return value;
    }
    [[nodiscard]] std::int64_t integer() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_INTEGER)) fail("is not an integer");
        return value.integer();
    }
    // Exactly so many.
    void bytes(std::span<std::uint8_t> to) {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_BYTES) || value.bytes().size() != to.size()) {
            return fail(concat("is not ", to.size(), " bytes"));
        }
        std::memcpy(to.data(), value.bytes().data(), to.size());
    }
    [[nodiscard]] MessageRef data() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_BYTES)) fail("is not bytes");
        return value;
    }
    [[nodiscard]] MessageRef anything() { return next(); }
    [[nodiscard]] std::optional<std::uint64_t> number_or_nothing() {
        if (at_ < record_.size() && record_.at(at_).nothing()) {
            ++at_;
            return std::nullopt;
        }
        return number();
    }
    [[nodiscard]] bool fine() const noexcept { return problem_.empty(); }
    [[nodiscard]] Failure failure() const { return wrong(name_, problem_); }

private:
    MessageRef next() {
        if (at_ >= record_.size()) fail("is missing");
        return record_.at(at_++);
    }
    void fail(std::string_view what) {
        if (problem_.empty()) problem_ = concat("field ", at_, " ", what);
    }
    MessageRef record_;
    std::string_view name_;
    std::size_t at_ = 1;
    String problem_;
};

}  // namespace reflow::peer
