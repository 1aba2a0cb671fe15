// Messages to MessagePack, through msgpack-c's packer.
// Neighbours: msgpack_reader.cpp reads it back. Thread: any.
#include <msgpack.h>

#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "codec/gather.hpp"
#include "codec/msgpack.hpp"
#include "codec/msgpack_types.hpp"
#include "codec/words.hpp"
#include "message/pool.hpp"

namespace reflow::codec {
namespace {

// msgpack-c's functions for a buffer of ours, which they fill without a call for each piece. They
// give pieces of at most nine bytes here: what is longer is written by us.
inline int append(Gather& to, const void* piece, std::size_t size) {
    char* at = to.room(16);
    std::memcpy(at, piece, size);
    to.advance(at + size);
    return 0;
}

#define msgpack_pack_inline_func(name) [[maybe_unused]] inline int msgpack_pack##name
#define msgpack_pack_inline_func_cint(name) [[maybe_unused]] inline int msgpack_pack##name
#define msgpack_pack_inline_func_fixint(name) [[maybe_unused]] inline int msgpack_pack_fix##name
#define msgpack_pack_user Gather&
#define msgpack_pack_append_buffer(to, piece, size) return append(to, piece, size)
#include <msgpack/pack_template.h>

class MsgpackWriter {
public:
    explicit MsgpackWriter(String& to) noexcept : to_(to) {}

    [[nodiscard]] Result<void> write(MessageRef message) {
        bool written = value(message);
        while (written && open_.size() != 0) written = next();
        if (!written) return std::move(error_);
        to_.finish();
        return {};
    }

private:
    // An extension whose size is not known yet: where its header stands, and what was written before
    // its content.
    struct Extended {
        char* header;
        std::size_t before;
    };
    // A container or wrapped message of which `next` parts are written.
    struct Open {
        MessageRef container;
        std::size_t next;
        std::size_t size;
        Extended extended;
    };

    bool next();
    bool elements(Open& open);
    bool scalar(MessageRef message);
    bool value(MessageRef message);
    bool counted(MessageRef message);
    bool numbers(MessageRef message);
    bool stream(const MessageRef::Stream& stream);
    bool remote(const MessageRef::Remote& remote);
    bool extension(Extension type, std::string_view payload);
    Extended begin_extension(Extension type);
    bool end_extension(Extended extended);
    bool wrap(Extension type, MessageRef message);
    void text(std::string_view text);
    void open(MessageRef container, std::size_t size, Extended extended = {}) {
        open_.room(1);
        open_.push({container, 0, size, extended});
    }
    [[gnu::cold]] bool too_long(std::size_t size) {
        return fail(Failure(REFLOW_ERROR_LIMIT,
                            concat("a part of ", size, " bytes is longer than the ", UINT32_MAX,
                                   " bytes that MessagePack can count")));
    }
    [[gnu::cold]] bool fail(Failure&& failure) {
        error_ = std::move(failure).take();
        return false;
    }

    Gather to_;
    RawStack<Open> open_;
    std::unique_ptr<Error> error_;
};

// Most texts are short: their form and their bytes go in one step.
inline void MsgpackWriter::text(std::string_view text) {
    constexpr std::size_t short_bytes = 31;
    if (text.size() > short_bytes) {
        msgpack_pack_str(to_, text.size());
        return to_.lend(text);
    }
    char* at = to_.room(short_bytes + 1);
    *at = static_cast<char>(0xA0 | text.size());
    copy_short(at + 1, text.data(), text.size());
    to_.advance(at + 1 + text.size());
}

bool MsgpackWriter::next() {
    Open& open = open_.top()[-1];
    if (open.next < open.size) {
        bool wraps = !open.container.is(REFLOW_KIND_OBJECT) && !open.container.is(REFLOW_KIND_ARRAY);
        if (!wraps) return elements(open);
        ++open.next;
        return value(open.container.content());
    }
    Extended extended = open.extended;
    open_.cut(open_.size() - 1);
    return extended.header == nullptr || end_extension(extended);
}

// As many elements as are no containers, and the first one that is.
bool MsgpackWriter::elements(Open& open) {
    MessageRef container = open.container;
    bool object = container.is(REFLOW_KIND_OBJECT);
    std::size_t size = open.size;
    for (std::size_t at = open.next; at < size; ++at) {
        if (object) text(container.key(at));
        MessageRef element = container.element(at);
        if (scalar(element)) continue;
        open.next = at + 1;  // value() may move `open`
        return counted(element);
    }
    open.next = size;
    return true;
}

// Writes what is neither a container nor an extension; false for others.
inline bool MsgpackWriter::scalar(MessageRef message) {
    switch (message.kind()) {
        case REFLOW_KIND_NULL:
            msgpack_pack_nil(to_);
            return true;
        case REFLOW_KIND_BOOLEAN:
            message.boolean() ? msgpack_pack_true(to_) : msgpack_pack_false(to_);
            return true;
        case REFLOW_KIND_INTEGER:
            msgpack_pack_int64(to_, message.integer());
            return true;
        case REFLOW_KIND_FLOAT:
            msgpack_pack_double(to_, message.real());
            return true;
        case REFLOW_KIND_STRING:
            text(message.content_bytes());
            return true;
        default:
            return false;
    }
}

bool MsgpackWriter::value(MessageRef message) { return scalar(message) || counted(message); }

bool MsgpackWriter::counted(MessageRef message) {
    switch (message.kind()) {
        case REFLOW_KIND_FLOW:
            return extension(Extension::flow, {});
        case REFLOW_KIND_BYTES: {
            std::string_view bytes = message.bytes();
            if (bytes.size() > UINT32_MAX) return too_long(bytes.size());
            msgpack_pack_bin(to_, bytes.size());
            to_.lend(bytes);
            return true;
        }
        case REFLOW_KIND_ARRAY:
            if (message.numbers_type() != 0) return numbers(message);
            msgpack_pack_array(to_, message.size());
            open(message, message.size());
            return true;
        case REFLOW_KIND_OBJECT:
            msgpack_pack_map(to_, message.size());
            open(message, message.size());
            return true;
        case REFLOW_KIND_ERROR:
            return extension(Extension::error, message.text());
        case REFLOW_KIND_ENCODED:
            return extension(Extension::encoded, message.bytes());
        case REFLOW_KIND_STREAM:
            return stream(message.stream());
        case REFLOW_KIND_REMOTE:
            return remote(message.remote());
        case REFLOW_KIND_EVENT:
            return wrap(Extension::event, message);
        case REFLOW_KIND_OPTIONAL:
            return wrap(Extension::optional, message);
        case REFLOW_KIND_ANY:
            return wrap(Extension::any, message);
        case REFLOW_KIND_NETWORK_EVENT:
            (void)wrap(Extension::network_event, message);
            text(message.event_type());
            return true;
        default:
            return fail(Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                                concat("a message of kind ", message.kind_name(),
                                       " cannot be written")));
    }
}

bool MsgpackWriter::numbers(MessageRef message) {
    std::size_t item = Message::number_size(message.numbers_type());
    std::size_t bytes = message.size() * item;
    if (bytes >= UINT32_MAX) return too_long(bytes);
    msgpack_pack_ext(to_, bytes + 1, static_cast<std::int8_t>(Extension::numbers));
    to_.put(static_cast<char>(message.numbers_type()));
    const char* data = static_cast<const char*>(message.numbers_data());
    if constexpr (std::endian::native == std::endian::little) {
        to_.lend({data, bytes});
    } else {
        for (std::size_t at = 0; at < bytes; at += item) {
            for (std::size_t i = item; i > 0; --i) to_.put(data[at + i - 1]);
        }
    }
    return true;
}

bool MsgpackWriter::stream(const MessageRef::Stream& stream) {
    Extended extended = begin_extension(Extension::stream);
    msgpack_pack_uint64(to_, stream.stream_id);
    stream.has_size_hint ? msgpack_pack_uint64(to_, stream.size_hint) : msgpack_pack_nil(to_);
    text(stream.origin_actor);
    text(stream.origin_port);
    if (stream.content_type.empty()) {
        msgpack_pack_nil(to_);
    } else {
        text(stream.content_type);
    }
    return end_extension(extended);
}

bool MsgpackWriter::remote(const MessageRef::Remote& remote) {
    Extended extended = begin_extension(Extension::remote);
    text(remote.network_id);
    text(remote.actor_id);
    text(remote.port);
    return end_extension(extended);
}

bool MsgpackWriter::extension(Extension type, std::string_view payload) {
    if (payload.size() > UINT32_MAX) return too_long(payload.size());
    msgpack_pack_ext(to_, payload.size(), static_cast<std::int8_t>(type));
    to_.lend(payload);
    return true;
}

// An extension whose size is known at its end: the longest form of header, filled in there.
MsgpackWriter::Extended MsgpackWriter::begin_extension(Extension type) {
    char* header = to_.room(16);
    msgpack_pack_ext(to_, UINT32_MAX, static_cast<std::int8_t>(type));
    return {header, to_.size()};
}

bool MsgpackWriter::end_extension(Extended extended) {
    std::size_t size = to_.size() - extended.before;
    if (size > UINT32_MAX) return too_long(size);
    // The header is a byte, four of the size with the highest first, and the type.
    char* at = extended.header + 1;
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(size >> shift & 0xFF);
    return true;
}

bool MsgpackWriter::wrap(Extension type, MessageRef message) {
    Extended extended = begin_extension(type);
    open(message, message.content().none() ? 0 : 1, extended);
    return true;
}

}  // namespace

Result<void> write_msgpack(String& to, MessageRef message) {
    return MsgpackWriter(to).write(message);
}

}  // namespace reflow::codec
