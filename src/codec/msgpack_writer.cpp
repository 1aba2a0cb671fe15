// Messages to MessagePack, through msgpack-c's packer.
// Neighbours: msgpack_reader.cpp reads it back. Thread: any.
#include <msgpack.h>

#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "codec/msgpack_types.hpp"

namespace reflow::codec {
namespace {

int append_bytes(void* to, const char* data, std::size_t size) {
    static_cast<String*>(to)->append(data, size);
    return 0;
}

class MsgpackWriter {
public:
    explicit MsgpackWriter(String& to) noexcept : to_(to) {
        msgpack_packer_init(&packer_, &to, append_bytes);
    }

    [[nodiscard]] Result<void> write(MessageRef message) {
        Result<void> written = value(message);
        while (written.ok() && !open_.empty()) written = next();
        return written;
    }

private:
    // A container or wrapped message of which `next` parts are written.
    struct Open {
        MessageRef container;
        std::size_t next = 0;
        std::size_t payload = 0;  // of an extension: where it begins
    };

    Result<void> next();
    Result<void> value(MessageRef message);
    Result<void> counted(MessageRef message);
    Result<void> array(MessageRef message);
    Result<void> numbers(MessageRef message);
    Result<void> stream(const MessageRef::Stream& stream);
    Result<void> remote(const MessageRef::Remote& remote);
    Result<void> extension(Extension type, std::string_view payload);
    std::size_t begin_extension(Extension type);
    Result<void> end_extension(std::size_t payload);
    void wrap(Extension type, MessageRef message);

    void text(std::string_view text) {
        msgpack_pack_str_with_body(&packer_, text.data(), text.size());
    }
    static Result<void> too_long(std::size_t size) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a part of ", size, " bytes is longer than the ",
                                                  UINT32_MAX, " bytes that MessagePack can count"));
    }

    String& to_;
    msgpack_packer packer_;
    Vector<Open> open_;
};

Result<void> MsgpackWriter::next() {
    Open& open = open_.back();
    MessageRef container = open.container;
    bool object = container.is(REFLOW_KIND_OBJECT);
    bool wraps = !object && !container.is(REFLOW_KIND_ARRAY);
    // A wrapped message is a container of one.
    std::size_t size = wraps ? (container.content().none() ? 0 : 1) : container.size();
    while (open.next < size) {
        std::size_t at = open.next++;
        if (object) text(container.key_at(at));
        MessageRef element = wraps ? container.content() : container.at(at);
        std::size_t levels = open_.size();
        Result<void> written = value(element);
        // `open` may have moved if one was added.
        if (!written.ok() || open_.size() != levels) return written;
    }
    std::size_t payload = open.payload;
    open_.pop_back();
    return wraps ? end_extension(payload) : Result<void>();
}

Result<void> MsgpackWriter::value(MessageRef message) {
    switch (message.kind()) {
        case REFLOW_KIND_NULL:
            msgpack_pack_nil(&packer_);
            return {};
        case REFLOW_KIND_BOOLEAN:
            message.boolean() ? msgpack_pack_true(&packer_) : msgpack_pack_false(&packer_);
            return {};
        case REFLOW_KIND_INTEGER:
            msgpack_pack_int64(&packer_, message.integer());
            return {};
        case REFLOW_KIND_FLOAT:
            msgpack_pack_double(&packer_, message.real());
            return {};
        case REFLOW_KIND_STRING:
            text(message.text());
            return {};
        case REFLOW_KIND_FLOW:
            return extension(Extension::flow, {});
        default:
            return counted(message);
    }
}

Result<void> MsgpackWriter::counted(MessageRef message) {
    switch (message.kind()) {
        case REFLOW_KIND_BYTES: {
            std::string_view bytes = message.bytes();
            if (bytes.size() > UINT32_MAX) return too_long(bytes.size());
            msgpack_pack_bin_with_body(&packer_, bytes.data(), bytes.size());
            return {};
        }
        case REFLOW_KIND_ARRAY:
            return array(message);
        case REFLOW_KIND_OBJECT:
            msgpack_pack_map(&packer_, message.size());
            open_.push_back({message});
            return {};
        case REFLOW_KIND_ERROR:
            return extension(Extension::error, message.text());
        case REFLOW_KIND_ENCODED:
            return extension(Extension::encoded, message.bytes());
        case REFLOW_KIND_STREAM:
            return stream(message.stream());
        case REFLOW_KIND_REMOTE:
            return remote(message.remote());
        case REFLOW_KIND_EVENT:
            wrap(Extension::event, message);
            return {};
        case REFLOW_KIND_OPTIONAL:
            wrap(Extension::optional, message);
            return {};
        case REFLOW_KIND_ANY:
            wrap(Extension::any, message);
            return {};
        case REFLOW_KIND_NETWORK_EVENT:
            wrap(Extension::network_event, message);
            text(message.event_type());
            return {};
        default:
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("a message of kind ", message.kind_name(), " cannot be written"));
    }
}

Result<void> MsgpackWriter::array(MessageRef message) {
    if (message.numbers_type() != 0) return numbers(message);
    msgpack_pack_array(&packer_, message.size());
    open_.push_back({message});
    return {};
}

Result<void> MsgpackWriter::numbers(MessageRef message) {
    std::size_t item = Message::number_size(message.numbers_type());
    std::size_t bytes = message.size() * item;
    if (bytes >= UINT32_MAX) return too_long(bytes);
    msgpack_pack_ext(&packer_, bytes + 1, static_cast<std::int8_t>(Extension::numbers));
    to_.push_back(static_cast<char>(message.numbers_type()));
    const char* data = static_cast<const char*>(message.numbers_data());
    if constexpr (std::endian::native == std::endian::little) {
        to_.append(data, bytes);
    } else {
        for (std::size_t at = 0; at < bytes; at += item) {
            for (std::size_t i = item; i > 0; --i) to_.push_back(data[at + i - 1]);
        }
    }
    return {};
}

Result<void> MsgpackWriter::stream(const MessageRef::Stream& stream) {
    std::size_t payload = begin_extension(Extension::stream);
    msgpack_pack_uint64(&packer_, stream.stream_id);
    stream.has_size_hint ? msgpack_pack_uint64(&packer_, stream.size_hint)
                         : msgpack_pack_nil(&packer_);
    text(stream.origin_actor);
    text(stream.origin_port);
    if (stream.content_type.empty()) {
        msgpack_pack_nil(&packer_);
    } else {
        text(stream.content_type);
    }
    return end_extension(payload);
}

Result<void> MsgpackWriter::remote(const MessageRef::Remote& remote) {
    std::size_t payload = begin_extension(Extension::remote);
    text(remote.network_id);
    text(remote.actor_id);
    text(remote.port);
    return end_extension(payload);
}

Result<void> MsgpackWriter::extension(Extension type, std::string_view payload) {
    if (payload.size() > UINT32_MAX) return too_long(payload.size());
    msgpack_pack_ext(&packer_, payload.size(), static_cast<std::int8_t>(type));
    to_.append(payload);
    return {};
}

// An extension whose size is known at its end: the longest form of header, filled in there.
std::size_t MsgpackWriter::begin_extension(Extension type) {
    msgpack_pack_ext(&packer_, UINT32_MAX, static_cast<std::int8_t>(type));
    return to_.size();
}

Result<void> MsgpackWriter::end_extension(std::size_t payload) {
    std::size_t size = to_.size() - payload;
    if (size > UINT32_MAX) return too_long(size);
    // The header is a byte, four of the size with the highest first, and the type.
    char* at = to_.data() + payload - 5;
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(size >> shift & 0xFF);
    return {};
}

void MsgpackWriter::wrap(Extension type, MessageRef message) {
    std::size_t payload = begin_extension(type);
    open_.push_back({message, 0, payload});
}

}  // namespace

Result<void> write_msgpack(String& to, MessageRef message) {
    std::size_t before = to.size();
    Result<void> written = MsgpackWriter(to).write(message);
    if (!written.ok()) to.resize(before);
    return written;
}

}  // namespace reflow::codec
