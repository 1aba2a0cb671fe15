// Messages: 16-byte values, immutable and counted. MessageRef borrows, Message owns.
// The layout is that of reflow_message in reflow.h. Neighbours: base. Thread: any.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "message/heap.hpp"
#include "reflow.h"

namespace reflow {

class Message;

// Looks at a message that somebody else keeps alive. Readers never fail: asked for the wrong kind
// they give zero, the empty view or none, so ask for the kind first where it matters.
class MessageRef {
public:
    MessageRef() noexcept = default;
    explicit MessageRef(reflow_message raw) noexcept : raw_(raw) {}

    [[nodiscard]] reflow_message raw() const noexcept { return raw_; }
    [[nodiscard]] reflow_kind kind() const noexcept {
        return static_cast<reflow_kind>(raw_.tag & 0xff);
    }
    [[nodiscard]] bool is(reflow_kind kind_asked) const noexcept { return kind() == kind_asked; }
    [[nodiscard]] bool none() const noexcept { return raw_.tag == 0; }
    [[nodiscard]] bool counted() const noexcept { return (raw_.tag & heap::counted) != 0; }
    [[nodiscard]] bool number() const noexcept {
        return kind() == REFLOW_KIND_INTEGER || kind() == REFLOW_KIND_FLOAT;
    }
    // null, or an empty optional: what JSON calls null.
    [[nodiscard]] bool nothing() const noexcept;
    [[nodiscard]] std::string_view kind_name() const noexcept;
    // Levels of containers: 0 for scalars and text, 1 for a flat array.
    [[nodiscard]] std::uint32_t depth() const noexcept;

    [[nodiscard]] bool boolean() const noexcept {
        return kind() == REFLOW_KIND_BOOLEAN && raw_.payload != 0;
    }
    [[nodiscard]] std::int64_t integer() const noexcept {
        return kind() == REFLOW_KIND_INTEGER ? static_cast<std::int64_t>(raw_.payload) : 0;
    }
    // The value of an integer or float as a double.
    [[nodiscard]] double real() const noexcept {
        if (kind() == REFLOW_KIND_FLOAT) return std::bit_cast<double>(raw_.payload);
        return static_cast<double>(integer());
    }
    // The text of a string or error.
    [[nodiscard]] std::string_view text() const noexcept;
    // The content of bytes, encoded, string, error.
    [[nodiscard]] std::string_view bytes() const noexcept;
    // The same of what is known to be one of these, without a call.
    [[nodiscard]] std::string_view content_bytes() const noexcept {
        return heap::view(static_cast<const heap::Text*>(head()));
    }

    // So many copies more, for who adopts them: one step of the count for all.
    void copies(std::uint32_t more) const noexcept {
        if (counted()) heap::ref(head(), more);
    }

    // Elements of an array or keys of an object; 0 for others.
    [[nodiscard]] std::size_t size() const noexcept;
    // Element of an array (scalars for packed ones), value of an object by position.
    [[nodiscard]] MessageRef at(std::size_t index) const noexcept;
    [[nodiscard]] std::string_view key_at(std::size_t index) const noexcept;
    // The key of an object as a string message, to be shared with another object.
    [[nodiscard]] MessageRef key_message_at(std::size_t index) const noexcept;
    // Elements of an array that is not packed or values of an object, and the keys of an object, at
    // positions below size(), which are not checked.
    [[nodiscard]] MessageRef element(std::size_t index) const noexcept {
        if (kind() == REFLOW_KIND_OBJECT) {
            return MessageRef(static_cast<const heap::Object*>(head())->values()[index]);
        }
        return MessageRef(static_cast<const heap::Array*>(head())->elements()[index]);
    }
    [[nodiscard]] std::string_view key(std::size_t index) const noexcept {
        return heap::view(static_cast<const heap::Object*>(head())->keys[index]);
    }
    // Value of an object by key; none if there is no such key or it is no object.
    [[nodiscard]] MessageRef get(std::string_view key) const noexcept;
    [[nodiscard]] bool has(std::string_view key) const noexcept { return !get(key).none(); }

    // Packed numbers: type 0 if it is not a packed array.
    [[nodiscard]] reflow_number numbers_type() const noexcept;
    [[nodiscard]] const void* numbers_data() const noexcept;

    // What event, any, optional, network event carry.
    [[nodiscard]] MessageRef content() const noexcept;
    [[nodiscard]] std::string_view event_type() const noexcept;

    // Fields of stream handles and remote references; empty for other kinds.
    struct Stream {
        std::uint64_t stream_id = 0;
        std::uint64_t size_hint = 0;
        bool has_size_hint = false;
        std::string_view origin_actor;
        std::string_view origin_port;
        std::string_view content_type;
    };
    struct Remote {
        std::string_view network_id;
        std::string_view actor_id;
        std::string_view port;
    };
    [[nodiscard]] Stream stream() const noexcept;
    [[nodiscard]] Remote remote() const noexcept;
    // What a stream handle leads to; NULL if to nothing.
    [[nodiscard]] heap::StreamClaim* stream_claim() const noexcept;
    // Whether it is a stream handle or has one inside.
    [[nodiscard]] bool holds_stream() const noexcept;

    // A reference of one's own.
    [[nodiscard]] Message own() const noexcept;

protected:
    [[nodiscard]] heap::Head* head() const noexcept {
        return reinterpret_cast<heap::Head*>(raw_.payload);
    }
    reflow_message raw_{};
};

// Same value, as reflow_message_equal says.
[[nodiscard]] bool equal(MessageRef a, MessageRef b);
// Bytes of payload, as reflow_message_payload_size says.
[[nodiscard]] std::uint64_t payload_size(MessageRef message) noexcept;

// Owns one reference.
class Message : public MessageRef {
public:
    Message() noexcept = default;
    // Takes over a reference.
    [[nodiscard]] static Message adopt(reflow_message raw) noexcept {
        Message result;
        result.raw_ = raw;
        return result;
    }
    Message(const Message& other) noexcept : MessageRef(other.raw_) { add(); }
    Message(Message&& other) noexcept : MessageRef(std::exchange(other.raw_, {})) {}
    Message& operator=(const Message& other) noexcept {
        Message copy(other);
        std::swap(raw_, copy.raw_);
        return *this;
    }
    Message& operator=(Message&& other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~Message() {
        if (counted()) heap::unref(head());
    }
    // Gives the reference to the caller.
    [[nodiscard]] reflow_message leak() noexcept { return std::exchange(raw_, {}); }

    [[nodiscard]] static Message null() noexcept { return scalar(REFLOW_KIND_NULL, 0); }
    [[nodiscard]] static Message flow() noexcept { return scalar(REFLOW_KIND_FLOW, 0); }
    [[nodiscard]] static Message boolean(bool value) noexcept {
        return scalar(REFLOW_KIND_BOOLEAN, value ? 1 : 0);
    }
    [[nodiscard]] static Message integer(std::int64_t value) noexcept {
        return scalar(REFLOW_KIND_INTEGER, static_cast<std::uint64_t>(value));
    }
    [[nodiscard]] static Message real(double value) noexcept {
        return scalar(REFLOW_KIND_FLOAT, std::bit_cast<std::uint64_t>(value));
    }
    using MessageRef::boolean;
    using MessageRef::integer;
    using MessageRef::real;
    using MessageRef::bytes;
    using MessageRef::stream;
    using MessageRef::remote;

    // Text that is known to be UTF-8 and at most 2^32-1 bytes: it is not checked here.
    [[nodiscard]] static Message string(std::string_view text);
    // Text from outside: REFLOW_ERROR_INVALID_UTF8 with the offset, REFLOW_ERROR_LIMIT.
    [[nodiscard]] static Result<Message> checked_string(std::string_view text);
    [[nodiscard]] static Message bytes(std::string_view data);
    [[nodiscard]] static Message encoded(std::string_view data);
    // UTF-8 as for string().
    [[nodiscard]] static Message error(std::string_view text);
    // Lent memory, not checked. release is called once by the last unref, and not if this throws.
    [[nodiscard]] static Message lend(reflow_kind kind, std::string_view data,
                                      reflow_release_fn release, void* user_data);

    // A part of a message of bytes, which looks into it and keeps it.
    [[nodiscard]] static Message part(MessageRef whole, std::size_t offset, std::size_t size);

    [[nodiscard]] static std::size_t number_size(reflow_number type) noexcept;  // 0: unknown type
    // Copies; the type is known and the size does not overflow.
    [[nodiscard]] static Message numbers(reflow_number type, const void* data, std::size_t count);
    [[nodiscard]] static Message lend_numbers(reflow_number type, const void* data,
                                              std::size_t count, reflow_release_fn release,
                                              void* user_data);
    [[nodiscard]] static Message numbers(std::span<const double> values) {
        return numbers(REFLOW_NUMBER_F64, values.data(), values.size());
    }
    [[nodiscard]] static Message numbers(std::span<const std::int64_t> values) {
        return numbers(REFLOW_NUMBER_I64, values.data(), values.size());
    }

    // event, any, optional. REFLOW_ERROR_LIMIT beyond REFLOW_MAX_DEPTH.
    [[nodiscard]] static Result<Message> wrap(reflow_kind kind, Message content);
    [[nodiscard]] static Result<Message> network_event(std::string_view type, Message data);
    // claim is taken over, unless this throws.
    [[nodiscard]] static Message stream(const MessageRef::Stream& fields,
                                        heap::StreamClaim* claim = nullptr);
    [[nodiscard]] static Message remote(std::string_view network_id, std::string_view actor_id,
                                        std::string_view port);

private:
    [[nodiscard]] static Message scalar(reflow_kind kind, std::uint64_t payload) noexcept {
        return adopt({static_cast<std::uint64_t>(kind), payload});
    }
    void add() const noexcept {
        if (counted()) heap::ref(head());
    }
};

static_assert(sizeof(Message) == 16);

inline Message MessageRef::own() const noexcept {
    if (counted()) heap::ref(head());
    return Message::adopt(raw_);
}

// Collects elements. An array of only integers or only floats becomes packed.
class ArrayBuilder : public Allocated {
public:
    explicit ArrayBuilder(std::size_t expected = 0) { elements_.reserve(expected); }
    void append(Message element) { elements_.push_back(std::move(element)); }
    [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
    // Makes the array and empties the builder. REFLOW_ERROR_LIMIT beyond REFLOW_MAX_DEPTH.
    [[nodiscard]] Result<Message> finish();

private:
    Vector<Message> elements_;
};

// Collects keys and values; a key set again gets the new value and keeps its place.
class ObjectBuilder : public Allocated {
public:
    explicit ObjectBuilder(std::size_t expected = 0);
    ~ObjectBuilder();
    ObjectBuilder(ObjectBuilder&&) noexcept = default;
    ObjectBuilder& operator=(ObjectBuilder&&) = delete;
    // The key is UTF-8 and at most 2^32-1 bytes.
    void set(std::string_view key, Message value);
    // The same with a string message as key, which is shared and not copied.
    void set(const Message& key, Message value);
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool has(std::string_view key) const noexcept;
    // Makes the object and empties the builder. REFLOW_ERROR_LIMIT beyond REFLOW_MAX_DEPTH.
    [[nodiscard]] Result<Message> finish();

private:
    struct Pair {
        Message key;
        Message value;
    };
    [[nodiscard]] std::size_t find(std::string_view key) const noexcept;
    Vector<Pair> entries_;
    // Positions by hash, kept once there are many keys; as in heap::Object.
    Vector<std::uint32_t> table_;
    void prepare_table();
    void enter(std::uint32_t position) noexcept;
    void add(Message key, Message value);
};

// A copy of an object with one key set (or removed, if value is none).
[[nodiscard]] Result<Message> with_key(MessageRef object, std::string_view key, Message value);

}  // namespace reflow
