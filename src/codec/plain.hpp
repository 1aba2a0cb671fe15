// Walks through a message and shows it to a writer in the words of JSON, whatever its kinds are;
// no recursion. docs/messages.md has the table. Neighbours: the JSON and YAML writers.
// Thread: one.
#pragma once

#include <cmath>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "codec/raw_stack.hpp"
#include "message/message.hpp"

namespace reflow::codec {

// How many encoded messages may stand inside one another where they are decoded.
inline constexpr unsigned encoded_levels_count = 16;

// Shows the numbers of a packed array to out.integer, out.unsigned_integer and out.real.
template <typename Out>
void show_numbers(Out& out, MessageRef array) {
    auto each = [&]<typename T>(T) {
        const char* at = static_cast<const char*>(array.numbers_data());
        for (std::size_t left = array.size(); left > 0; --left, at += sizeof(T)) {
            T value;
            std::memcpy(&value, at, sizeof value);
            if constexpr (std::is_floating_point_v<T>) {
                out.real(static_cast<double>(value));
            } else if constexpr (std::is_unsigned_v<T>) {
                out.unsigned_integer(value);
            } else {
                out.integer(value);
            }
        }
    };
    switch (array.numbers_type()) {
        case REFLOW_NUMBER_I8:
            return each(std::int8_t{});
        case REFLOW_NUMBER_U8:
            return each(std::uint8_t{});
        case REFLOW_NUMBER_I16:
            return each(std::int16_t{});
        case REFLOW_NUMBER_U16:
            return each(std::uint16_t{});
        case REFLOW_NUMBER_I32:
            return each(std::int32_t{});
        case REFLOW_NUMBER_U32:
            return each(std::uint32_t{});
        case REFLOW_NUMBER_I64:
            return each(std::int64_t{});
        case REFLOW_NUMBER_U64:
            return each(std::uint64_t{});
        case REFLOW_NUMBER_F32:
            return each(float{});
        case REFLOW_NUMBER_F64:
            return each(double{});
        default:
            break;
    }
}

// Bytes as an array of numbers.
template <typename Out>
void show_bytes(Out& out, std::string_view bytes) {
    out.begin_numbers();
    for (char byte : bytes) out.unsigned_integer(static_cast<unsigned char>(byte));
    out.end_array();
}

// `number` writes what is a number of 64 bits without sign.
template <typename Out, typename Number>
[[gnu::cold]] void show_stream(Out& out, const MessageRef::Stream& stream, Number number) {
    out.begin_object();
    out.key("stream_id");
    number(stream.stream_id);
    out.key("origin_actor");
    out.string(stream.origin_actor);
    out.key("origin_port");
    out.string(stream.origin_port);
    out.key("content_type");
    stream.content_type.empty() ? out.null() : out.string(stream.content_type);
    out.key("size_hint");
    stream.has_size_hint ? number(stream.size_hint) : out.null();
    out.end_object();
}

template <typename Out>
[[gnu::cold]] void show_remote(Out& out, const MessageRef::Remote& remote) {
    out.begin_object();
    out.key("network_id");
    out.string(remote.network_id);
    out.key("actor_id");
    out.string(remote.actor_id);
    out.key("port");
    out.string(remote.port);
    out.end_object();
}

template <typename Out>
class PlainWalk {
public:
    explicit PlainWalk(Out& out) noexcept : out_(out) {}

    [[nodiscard]] Result<void> walk(MessageRef message) {
        bool shown = value(message);
        while (shown && open_.size() != 0) shown = next();
        if (!shown) return std::move(error_);
        return {};
    }

private:
    // A container that is being written, or the object around a network event's data. Without a
    // container it is the life of the last of decoded_, while its content is written.
    struct Open {
        MessageRef container;
        std::size_t next;
        std::size_t size;
    };

    void push(MessageRef container, std::size_t size) {
        open_.room(1);
        Open* open = open_.top();
        open->container = container;
        open->next = 0;
        open->size = size;
        open_.cut(open_.size() + 1);
    }

    static bool holds_elements(MessageRef message) noexcept {
        return message.is(REFLOW_KIND_OBJECT) || message.is(REFLOW_KIND_ARRAY);
    }

    bool next() {
        Open& open = open_.top()[-1];
        if (holds_elements(open.container)) return elements();
        if (open.next < open.size) {
            ++open.next;
            return value(open.container.none() ? decoded_.back() : open.container.content());
        }
        open.container.none() ? decoded_.pop_back() : out_.end_object();
        open_.cut(open_.size() - 1);
        return true;
    }

    // Elements of the innermost container and of those inside of it, and of those around it when it
    // ends, up to one that is neither a container nor a scalar.
    bool elements() {
        for (;;) {
            Open& open = open_.top()[-1];
            MessageRef container = open.container;
            bool object = container.is(REFLOW_KIND_OBJECT);
            std::size_t size = open.size;
            MessageRef element;
            std::size_t at = open.next;
            for (; at < size; ++at) {
                element = container.element(at);
                if (object) out_.key(container.key(at));
                if (element.is(REFLOW_KIND_STRING)) {
                    out_.string(element.content_bytes());
                } else if (!scalar(element)) {
                    break;
                }
            }
            if (at < size) {
                open.next = at + 1;  // what follows may move `open`
                if (!(holds_elements(element) ? contained(element) : value(element))) return false;
            } else {
                object ? out_.end_object() : out_.end_array();
                open_.cut(open_.size() - 1);
            }
            if (open_.size() == 0 || !holds_elements(open_.top()[-1].container)) return true;
        }
    }

    // Shows what is neither a container nor a wrapped message; false for others.
    bool scalar(MessageRef message) {
        switch (message.kind()) {
            case REFLOW_KIND_NULL:
                out_.null();
                return true;
            case REFLOW_KIND_FLOW:
                out_.string("flow");
                return true;
            case REFLOW_KIND_BOOLEAN:
                out_.boolean(message.boolean());
                return true;
            case REFLOW_KIND_INTEGER:
                out_.integer(message.integer());
                return true;
            case REFLOW_KIND_FLOAT:
                out_.real(message.real());
                return true;
            case REFLOW_KIND_STRING:
            case REFLOW_KIND_ERROR:
                out_.string(message.content_bytes());
                return true;
            case REFLOW_KIND_BYTES:
                show_bytes(out_, message.bytes());
                return true;
            case REFLOW_KIND_STREAM:
                show_stream(out_, message.stream(),
                            [this](std::uint64_t value) { out_.unsigned_integer(value); });
                return true;
            case REFLOW_KIND_REMOTE:
                show_remote(out_, message.remote());
                return true;
            default:
                return false;
        }
    }

    bool value(MessageRef message) {
        bool wrapped = true;
        while (wrapped) {
            wrapped = message.is(REFLOW_KIND_EVENT) || message.is(REFLOW_KIND_ANY) ||
                      message.is(REFLOW_KIND_OPTIONAL);
            if (wrapped && message.content().none()) {
                out_.null();
                return true;
            }
            if (wrapped) message = message.content();
        }
        if (holds_elements(message)) return contained(message);
        if (scalar(message)) return true;
        switch (message.kind()) {
            case REFLOW_KIND_NETWORK_EVENT:
                out_.begin_object();
                out_.key("event_type");
                out_.string(message.event_type());
                out_.key("data");
                push(message, 1);
                return true;
            case REFLOW_KIND_ENCODED:
                return encoded(message);
            default:
                return fail(Failure(
                    REFLOW_ERROR_INVALID_ARGUMENT,
                    concat("a message of kind ", message.kind_name(), " cannot be written")));
        }
    }

    bool contained(MessageRef message) {
        if (message.is(REFLOW_KIND_OBJECT)) {
            out_.begin_object();
            push(message, message.size());
        } else if (message.numbers_type() == 0) {
            out_.begin_array();
            push(message, message.size());
        } else {
            out_.begin_numbers();
            show_numbers(out_, message);
            out_.end_array();
        }
        return true;
    }

    [[gnu::cold]] bool encoded(MessageRef message) {
        // Each level holds a decoded copy of nearly the whole, so there are not to be many.
        if (decoded_.size() == encoded_levels_count) {
            return fail(Failure(REFLOW_ERROR_LIMIT,
                                concat("encoded messages inside one another, more than ",
                                       encoded_levels_count, " levels")));
        }
        Result<Message> decoded = read_msgpack(message.bytes());
        if (!decoded.ok()) {
            reflow_status status = decoded.error().status;
            return fail(Failure(status, "an encoded message cannot be decoded")
                            .because(decoded.take_error()));
        }
        decoded_.push_back(std::move(decoded).take());
        push(MessageRef(), 1);
        return true;
    }

    [[gnu::cold]] bool fail(Failure&& failure) {
        error_ = std::move(failure).take();
        return false;
    }

    Out& out_;
    RawStack<Open> open_;
    Vector<Message> decoded_;
    std::unique_ptr<Error> error_;
};

}  // namespace reflow::codec
