// Making and reading messages.
// Thread: any.
#include "message/message.hpp"

#include <cstring>
#include <new>

#include "base/limits.hpp"
#include "message/pool.hpp"

namespace reflow {
namespace {

using heap::FarText;
using heap::Head;
using heap::Text;
using heap::view;

Head* head_of(reflow_message raw) noexcept { return reinterpret_cast<Head*>(raw.payload); }

template <typename T>
const T* body(reflow_message raw) noexcept {
    return static_cast<const T*>(head_of(raw));
}

FarText* make_far(void* memory, std::string_view data) noexcept {
    auto* text = new (memory) FarText;
    text->form = heap::far_text;
    text->far_size = data.size();
    text->data = data.data() == nullptr ? "" : data.data();
    return text;
}

Text* make_text(reflow_kind kind, std::string_view data) {
    bool far = data.size() > UINT32_MAX;
    void* memory = allocate((far ? sizeof(FarText) : sizeof(Text)) + data.size() + 1);
    char* letters = static_cast<char*>(memory) + (far ? sizeof(FarText) : sizeof(Text));
    if (!data.empty()) std::memcpy(letters, data.data(), data.size());
    letters[data.size()] = '\0';
    Text* text = far ? make_far(memory, {letters, data.size()}) : new (memory) Text;
    text->kind = static_cast<std::uint8_t>(kind);
    if (!far) text->size = static_cast<std::uint32_t>(data.size());
    return text;
}

Message text_message(reflow_kind kind, std::string_view data) {
    return Message::adopt(counted_message(make_text(kind, data)));
}

Text* text_of(const Message& message) noexcept {
    return static_cast<Text*>(head_of(message.raw()));
}

bool is_wrap_kind(reflow_kind kind) noexcept {
    return kind == REFLOW_KIND_EVENT || kind == REFLOW_KIND_ANY ||
           kind == REFLOW_KIND_OPTIONAL || kind == REFLOW_KIND_NETWORK_EVENT;
}

Failure too_deep() { return container_failure(Made::too_deep, false); }

MessageRef number_at(const heap::Numbers* numbers, std::size_t index) noexcept {
    const char* at = static_cast<const char*>(numbers->data) +
                     index * heap::number_size(numbers->form);
    auto load = [at]<typename T>(T value) {
        std::memcpy(&value, at, sizeof value);
        return value;
    };
    switch (numbers->form) {
        case REFLOW_NUMBER_I8: return Message::integer(load(std::int8_t{}));
        case REFLOW_NUMBER_U8: return Message::integer(load(std::uint8_t{}));
        case REFLOW_NUMBER_I16: return Message::integer(load(std::int16_t{}));
        case REFLOW_NUMBER_U16: return Message::integer(load(std::uint16_t{}));
        case REFLOW_NUMBER_I32: return Message::integer(load(std::int32_t{}));
        case REFLOW_NUMBER_U32: return Message::integer(load(std::uint32_t{}));
        case REFLOW_NUMBER_I64: return Message::integer(load(std::int64_t{}));
        case REFLOW_NUMBER_F32: return Message::real(static_cast<double>(load(float{})));
        case REFLOW_NUMBER_F64: return Message::real(load(double{}));
        default: {
            // Unsigned 64 bits: beyond i64 the nearest double.
            std::uint64_t value = load(std::uint64_t{});
            if (value <= INT64_MAX) return Message::integer(static_cast<std::int64_t>(value));
            return Message::real(static_cast<double>(value));
        }
    }
}

// Position of a key, or the count of keys.
std::size_t find_key(const heap::Object* object, std::string_view key) noexcept {
    std::size_t slots = heap::table_slots(object->count);
    if (slots == 0) {
        for (std::size_t i = 0; i < object->count; ++i) {
            if (view(object->keys[i]) == key) return i;
        }
        return object->count;
    }
    const std::uint32_t* table = object->table();
    std::size_t mask = slots - 1;
    for (std::size_t at = heap::key_hash(key) & mask;; at = (at + 1) & mask) {
        if (table[at] == 0) return object->count;
        if (view(object->keys[table[at] - 1]) == key) return table[at] - 1;
    }
}

}  // namespace

// ---- readers

bool MessageRef::nothing() const noexcept {
    return kind() == REFLOW_KIND_NULL || (kind() == REFLOW_KIND_OPTIONAL && content().none());
}

[[gnu::cold]] std::string_view MessageRef::kind_name() const noexcept {
    switch (kind()) {
        case REFLOW_KIND_NONE: return "None";
        case REFLOW_KIND_NULL: return "Null";
        case REFLOW_KIND_FLOW: return "Flow";
        case REFLOW_KIND_BOOLEAN: return "Boolean";
        case REFLOW_KIND_INTEGER: return "Integer";
        case REFLOW_KIND_FLOAT: return "Float";
        case REFLOW_KIND_STRING: return "String";
        case REFLOW_KIND_BYTES: return "Bytes";
        case REFLOW_KIND_ARRAY: return "Array";
        case REFLOW_KIND_OBJECT: return "Object";
        case REFLOW_KIND_EVENT: return "Event";
        case REFLOW_KIND_ERROR: return "Error";
        case REFLOW_KIND_OPTIONAL: return "Optional";
        case REFLOW_KIND_ANY: return "Any";
        case REFLOW_KIND_ENCODED: return "Encoded";
        case REFLOW_KIND_STREAM: return "StreamHandle";
        case REFLOW_KIND_REMOTE: return "RemoteReference";
        case REFLOW_KIND_NETWORK_EVENT: return "NetworkEvent";
        default: return "unknown";
    }
}

std::uint32_t MessageRef::depth() const noexcept { return counted() ? head()->depth : 0; }

std::string_view MessageRef::text() const noexcept {
    bool text = kind() == REFLOW_KIND_STRING || kind() == REFLOW_KIND_ERROR;
    return text ? content_bytes() : std::string_view();
}

std::string_view MessageRef::bytes() const noexcept {
    return heap::is_text(kind()) ? content_bytes() : std::string_view();
}

std::size_t MessageRef::size() const noexcept {
    if (kind() == REFLOW_KIND_OBJECT) return body<heap::Object>(raw_)->count;
    if (kind() != REFLOW_KIND_ARRAY) return 0;
    if (head_of(raw_)->form != 0) return body<heap::Numbers>(raw_)->count;
    return body<heap::Array>(raw_)->count;
}

MessageRef MessageRef::at(std::size_t index) const noexcept {
    if (index >= size()) return {};
    if (kind() == REFLOW_KIND_OBJECT) {
        return MessageRef(body<heap::Object>(raw_)->values()[index]);
    }
    if (head_of(raw_)->form != 0) return number_at(body<heap::Numbers>(raw_), index);
    return MessageRef(body<heap::Array>(raw_)->elements()[index]);
}

std::string_view MessageRef::key_at(std::size_t index) const noexcept {
    if (kind() != REFLOW_KIND_OBJECT || index >= size()) return {};
    return view(body<heap::Object>(raw_)->keys[index]);
}

MessageRef MessageRef::key_message_at(std::size_t index) const noexcept {
    if (kind() != REFLOW_KIND_OBJECT || index >= size()) return {};
    return MessageRef(counted_message(body<heap::Object>(raw_)->keys[index]));
}

MessageRef MessageRef::get(std::string_view key) const noexcept {
    if (kind() != REFLOW_KIND_OBJECT) return {};
    auto* object = body<heap::Object>(raw_);
    std::size_t at = find_key(object, key);
    return at == object->count ? MessageRef() : MessageRef(object->values()[at]);
}

reflow_number MessageRef::numbers_type() const noexcept {
    return kind() == REFLOW_KIND_ARRAY ? head_of(raw_)->form : 0;
}

const void* MessageRef::numbers_data() const noexcept {
    return numbers_type() != 0 ? body<heap::Numbers>(raw_)->data : nullptr;
}

MessageRef MessageRef::content() const noexcept {
    return is_wrap_kind(kind()) ? MessageRef(body<heap::Wrap>(raw_)->content) : MessageRef();
}

std::string_view MessageRef::event_type() const noexcept {
    bool event = kind() == REFLOW_KIND_NETWORK_EVENT;
    return event ? view(body<heap::Wrap>(raw_)->type) : std::string_view();
}

[[gnu::cold]] MessageRef::Stream MessageRef::stream() const noexcept {
    if (kind() != REFLOW_KIND_STREAM) return {};
    auto* stream = body<heap::Stream>(raw_);
    return {stream->stream_id,          stream->size_hint,         stream->has_size_hint,
            view(stream->origin_actor), view(stream->origin_port), view(stream->content_type)};
}

heap::StreamClaim* MessageRef::stream_claim() const noexcept {
    return kind() == REFLOW_KIND_STREAM ? body<heap::Stream>(raw_)->claim : nullptr;
}

[[gnu::cold]] MessageRef::Remote MessageRef::remote() const noexcept {
    if (kind() != REFLOW_KIND_REMOTE) return {};
    auto* remote = body<heap::Remote>(raw_);
    return {view(remote->network_id), view(remote->actor_id), view(remote->port)};
}

// ---- makers

Message Message::string(std::string_view text) { return text_message(REFLOW_KIND_STRING, text); }
Message Message::bytes(std::string_view data) { return text_message(REFLOW_KIND_BYTES, data); }
Message Message::encoded(std::string_view data) { return text_message(REFLOW_KIND_ENCODED, data); }
Message Message::error(std::string_view text) { return text_message(REFLOW_KIND_ERROR, text); }

Result<Message> Message::checked_string(std::string_view text) {
    if (text.size() > limits::text_bytes) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("text of ", text.size(), " bytes is longer than ",
                              limits::text_bytes, " bytes"));
    }
    if (auto offset = invalid_utf8(text)) {
        return Failure(REFLOW_ERROR_INVALID_UTF8, concat("invalid UTF-8 at byte ", *offset))
            .at(0, 0, *offset);
    }
    return string(text);
}

Message Message::lend(reflow_kind kind, std::string_view data, reflow_release_fn release,
                      void* user_data) {
    FarText* text = make_far(allocate(sizeof(FarText)), data);
    text->kind = static_cast<std::uint8_t>(kind);
    text->lent = true;
    text->release_lent = release;
    text->user_data = user_data;
    return adopt(counted_message(text));
}

std::size_t Message::number_size(reflow_number type) noexcept { return heap::number_size(type); }

Message Message::numbers(reflow_number type, const void* data, std::size_t count) {
    std::size_t bytes = count * number_size(type);
    void* memory = allocate(heap::numbers_offset + bytes);
    auto* numbers = new (memory) heap::Numbers;
    numbers->kind = REFLOW_KIND_ARRAY;
    numbers->form = static_cast<std::uint8_t>(type);
    numbers->depth = 1;
    numbers->count = count;
    char* values = static_cast<char*>(memory) + heap::numbers_offset;
    if (bytes != 0) std::memcpy(values, data, bytes);
    numbers->data = values;
    return adopt(counted_message(numbers));
}

Message Message::lend_numbers(reflow_number type, const void* data, std::size_t count,
                              reflow_release_fn release, void* user_data) {
    auto* numbers = new (allocate(sizeof(heap::Numbers))) heap::Numbers;
    numbers->kind = REFLOW_KIND_ARRAY;
    numbers->form = static_cast<std::uint8_t>(type);
    numbers->depth = 1;
    numbers->count = count;
    numbers->data = data;
    numbers->lent = true;
    numbers->release_lent = release;
    numbers->user_data = user_data;
    return adopt(counted_message(numbers));
}

namespace {

Result<Message> make_wrap(reflow_kind kind, Text* type, Message content) {
    std::uint32_t depth = content.depth() + 1;
    auto* wrap = new (allocate(sizeof(heap::Wrap))) heap::Wrap;
    wrap->kind = static_cast<std::uint8_t>(kind);
    wrap->depth = static_cast<std::uint16_t>(depth);
    wrap->type = type;
    wrap->content = content.leak();
    return Message::adopt(counted_message(wrap));
}

}  // namespace

Result<Message> Message::wrap(reflow_kind kind, Message content) {
    if (content.depth() >= limits::depth_count) return too_deep();
    return make_wrap(kind, nullptr, std::move(content));
}

[[gnu::cold]] Result<Message> Message::network_event(std::string_view type, Message data) {
    if (data.depth() >= limits::depth_count) return too_deep();
    Message type_text = string(type);
    Result<Message> made =
        make_wrap(REFLOW_KIND_NETWORK_EVENT, text_of(type_text), std::move(data));
    (void)type_text.leak();  // the wrap has it now
    return made;
}

[[gnu::cold]] Message Message::stream(const MessageRef::Stream& fields, heap::StreamClaim* claim) {
    Message actor = string(fields.origin_actor);
    Message port = string(fields.origin_port);
    Message type = fields.content_type.empty() ? Message() : string(fields.content_type);
    auto* stream = new (allocate(sizeof(heap::Stream))) heap::Stream;
    stream->kind = REFLOW_KIND_STREAM;
    stream->depth = 1;
    stream->stream_id = fields.stream_id;
    stream->size_hint = fields.size_hint;
    stream->has_size_hint = fields.has_size_hint;
    stream->origin_actor = static_cast<Text*>(head_of(actor.leak()));
    stream->origin_port = static_cast<Text*>(head_of(port.leak()));
    stream->content_type = type.none() ? nullptr : static_cast<Text*>(head_of(type.leak()));
    stream->claim = claim;
    return adopt(counted_message(stream));
}

[[gnu::cold]] Message Message::remote(std::string_view network_id, std::string_view actor_id,
                        std::string_view port) {
    Message network = string(network_id);
    Message actor = string(actor_id);
    Message port_text = string(port);
    auto* remote = new (allocate(sizeof(heap::Remote))) heap::Remote;
    remote->kind = REFLOW_KIND_REMOTE;
    remote->depth = 1;
    remote->network_id = static_cast<Text*>(head_of(network.leak()));
    remote->actor_id = static_cast<Text*>(head_of(actor.leak()));
    remote->port = static_cast<Text*>(head_of(port_text.leak()));
    return adopt(counted_message(remote));
}

}  // namespace reflow
