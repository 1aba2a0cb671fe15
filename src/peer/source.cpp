// See source.hpp. Thread: any.
#include "peer/source.hpp"

#include <algorithm>
#include <span>

#include "base/text.hpp"
#include "io/secret.hpp"
#include "message/message.hpp"

namespace reflow::peer {
namespace {

int digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Exactly as many bytes as there is room for, in hexadecimal; hyphens are passed over.
bool read_hex(std::string_view text, std::span<std::uint8_t> to) noexcept {
    std::size_t digits = 0;
    for (char c : text) {
        if (c == '-') continue;
        int value = digit(c);
        if (value < 0 || digits == 2 * to.size()) return false;
        std::uint8_t& byte = to[digits / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
        ++digits;
    }
    return digits == 2 * to.size();
}

String uuid_of(std::span<const std::uint8_t> bytes) {
    String hex = io::to_hex(bytes);
    for (std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, 1, '-');
    return hex;
}

bool is_zero(std::span<const std::uint8_t> bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Message with_source(MessageRef packet, const Source& source) {
    reflow_envelope all = read_envelope(envelope_of(packet));
    all.source_network = to_view(source.from.network_id);
    all.source_instance = to_view(source.from.instance_id);
    all.source_actor = to_view(source.actor);
    all.message_id = to_view(source.message_id);
    return enveloped(payload_of(packet).own(), write_envelope(all));
}

Message envelope_of_trace(MessageRef trace) {
    reflow_envelope envelope{};
    if (!read_hex(trace.get("trace_id").text(), envelope.trace_id)) return {};
    std::uint8_t span[sizeof envelope.span_id] = {};
    if (read_hex(trace.get("parent_span_id").text(), span)) {
        std::copy(std::begin(span), std::end(span), envelope.span_id);
    }
    std::string_view flow = trace.get("flow_id").text();
    if (flow.size() <= REFLOW_MAX_CORRELATION_BYTES) envelope.correlation = to_view(flow);
    return write_envelope(envelope);
}

Message trace_of_envelope(MessageRef envelope) {
    if (envelope.none()) return Message::null();
    reflow_envelope from = read_envelope(envelope);
    if (is_zero(from.trace_id)) return Message::null();
    ObjectBuilder trace;
    trace.set("trace_id", Message::string(uuid_of(from.trace_id)));
    std::string_view flow = view_of(from.correlation);
    trace.set("flow_id", flow.empty() ? Message::null() : Message::string(flow));
    trace.set("parent_span_id", Message::string(io::to_hex(from.span_id)));
    trace.set("parent_event_id", Message::null());
    Result<Message> made = trace.finish();
    return made.ok() ? std::move(made).take() : Message::null();
}

}  // namespace reflow::peer
