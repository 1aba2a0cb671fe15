// See envelope.hpp.
// Thread: any.
#include "message/envelope.hpp"

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "base/text.hpp"

namespace reflow {
namespace {

struct Fields {
    std::uint8_t trace_id[16];
    std::uint8_t span_id[8];
    std::int64_t deadline_ms;
    std::uint32_t ends[std::size(envelope_texts)];  // of the texts behind the fields
    std::uint32_t unused;  // so that nothing lies between: recordings compare the bytes
};
static_assert(std::has_unique_object_representations_v<Fields>);

heap::Wrap& wrap_of(MessageRef message) noexcept {
    return *reinterpret_cast<heap::Wrap*>(message.raw().payload);
}

}  // namespace

MessageRef envelope_of(MessageRef message) noexcept {
    if (!is_enveloped(message)) return {};
    return envelope_at(wrap_of(message).type);
}

const void* envelope_address(MessageRef envelope) noexcept {
    return reinterpret_cast<const void*>(envelope.raw().payload);
}

MessageRef envelope_at(const void* address) noexcept {
    if (address == nullptr) return {};
    return MessageRef({REFLOW_KIND_BYTES | heap::counted, reinterpret_cast<std::uint64_t>(address)});
}

MessageRef payload_of(MessageRef message) noexcept {
    return is_enveloped(message) ? MessageRef(wrap_of(message).content) : message;
}

Message take_payload(Message message) noexcept {
    if (!is_enveloped(message)) return message;
    return payload_of(message).own();
}

Message enveloped(Message message, MessageRef envelope) {
    if (envelope.none() || is_enveloped(message)) return message;
    auto* wrap = new (allocate(sizeof(heap::Wrap))) heap::Wrap;
    wrap->kind = static_cast<std::uint8_t>(enveloped_kind);
    wrap->depth = static_cast<std::uint16_t>(message.depth());
    wrap->type = reinterpret_cast<heap::Text*>(envelope.own().leak().payload);
    wrap->content = message.leak();
    return Message::adopt({static_cast<std::uint64_t>(enveloped_kind) | heap::counted,
                           reinterpret_cast<std::uint64_t>(wrap)});
}

Message write_envelope(const reflow_envelope& from) {
    Fields fields{};
    std::memcpy(fields.trace_id, from.trace_id, sizeof fields.trace_id);
    std::memcpy(fields.span_id, from.span_id, sizeof fields.span_id);
    fields.deadline_ms = from.deadline_ms;
    String bytes(sizeof fields, '\0');
    for (std::size_t i = 0; i < std::size(envelope_texts); ++i) {
        append(bytes, view_of(from.*envelope_texts[i]));
        fields.ends[i] = static_cast<std::uint32_t>(bytes.size());
    }
    std::memcpy(bytes.data(), &fields, sizeof fields);
    return Message::bytes(bytes);
}

reflow_envelope read_envelope(MessageRef envelope) noexcept {
    reflow_envelope to{};
    std::string_view bytes = envelope.bytes();
    Fields fields{};
    std::uint32_t begin = sizeof fields;
    if (bytes.size() >= sizeof fields) std::memcpy(&fields, bytes.data(), sizeof fields);
    for (std::size_t i = 0; i < std::size(envelope_texts); ++i) {
        bool some = fields.ends[i] > begin;
        to.*envelope_texts[i] =
            to_view(some ? bytes.substr(begin, fields.ends[i] - begin) : std::string_view());
        if (some) begin = fields.ends[i];
    }
    std::memcpy(to.trace_id, fields.trace_id, sizeof fields.trace_id);
    std::memcpy(to.span_id, fields.span_id, sizeof fields.span_id);
    to.deadline_ms = fields.deadline_ms;
    return to;
}

std::int64_t deadline_of(MessageRef envelope) noexcept {
    std::string_view bytes = envelope.bytes();
    std::int64_t deadline_ms = 0;
    if (bytes.size() < sizeof(Fields)) return deadline_ms;
    std::memcpy(&deadline_ms, bytes.data() + offsetof(Fields, deadline_ms), sizeof deadline_ms);
    return deadline_ms;
}

Message undated(MessageRef envelope) {
    reflow_envelope fields = read_envelope(envelope);
    if (fields.deadline_ms == 0) return envelope.own();
    fields.deadline_ms = 0;
    return write_envelope(fields);
}

Message undated_message(MessageRef message) {
    return enveloped(payload_of(message).own(), undated(envelope_of(message)));
}

Message save_envelope(MessageRef envelope) {
    const reflow_envelope from = read_envelope(envelope);
    ArrayBuilder to(3 + std::size(envelope_texts));
    auto bytes = [](const auto& id) {
        return Message::bytes({reinterpret_cast<const char*>(id), sizeof id});
    };
    to.append(bytes(from.trace_id));
    to.append(bytes(from.span_id));
    to.append(Message::integer(from.deadline_ms));
    for (auto field : envelope_texts) to.append(Message::string(view_of(from.*field)));
    return to.finish().take();
}

Result<Message> load_envelope(MessageRef from) {
    reflow_envelope to{};
    bool valid = from.is(REFLOW_KIND_ARRAY) && from.size() == 3 + std::size(envelope_texts) &&
                 from.at(0).bytes().size() == sizeof to.trace_id &&
                 from.at(1).bytes().size() == sizeof to.span_id &&
                 from.at(2).is(REFLOW_KIND_INTEGER);
    for (std::size_t i = 0; valid && i < std::size(envelope_texts); ++i) {
        MessageRef text = from.at(3 + i);
        valid = text.is(REFLOW_KIND_STRING) && text.text().size() <= most_envelope_bytes(i);
        to.*envelope_texts[i] = to_view(text.text());
    }
    if (!valid) return Failure(REFLOW_ERROR_PARSE, "an envelope is expected");
    std::memcpy(to.trace_id, from.at(0).bytes().data(), sizeof to.trace_id);
    std::memcpy(to.span_id, from.at(1).bytes().data(), sizeof to.span_id);
    to.deadline_ms = from.at(2).integer();
    return write_envelope(to);
}

}  // namespace reflow
