// Sections 8 and 11 of reflow.h: envelopes, in callbacks and of hosts.
// Thread: any; what has a context, that of the callback.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "message/envelope.hpp"
#include "runtime/actor.hpp"

using namespace reflow;
using namespace reflow::capi;

Result<Message> reflow::capi::envelope_argument(const reflow_envelope& given) {
    Result<reflow_envelope> read = read_options(&given, "reflow_envelope");
    if (!read.ok()) return read.take_error();
    for (std::size_t i = 0; i < std::size(envelope_texts); ++i) {
        Result<std::string_view> text =
            text_argument(read.value().*envelope_texts[i], "reflow_envelope");
        const std::size_t most = most_envelope_bytes(i);
        if (!text.ok()) return text.take_error();
        if (text.value().size() > most) {
            return Failure(REFLOW_ERROR_LIMIT, concat("a text of an envelope has ",
                                                      text.value().size(), " bytes, more than ",
                                                      most));
        }
    }
    return write_envelope(read.value());
}

namespace {

Failure bad_envelope_size() {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "struct_size of reflow_envelope is not its size");
}


reflow_status show(MessageRef envelope, reflow_envelope* to) noexcept {
    if (!fill_struct(to, read_envelope(envelope))) return REFLOW_ERROR_INVALID_ARGUMENT;
    return envelope.none() ? REFLOW_ERROR_NOT_FOUND : REFLOW_OK;
}

}  // namespace

extern "C" {

reflow_status reflow_packet_envelope(const reflow_packet* packet, reflow_envelope* envelope) {
    if (packet == nullptr || envelope == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return show(envelope_at(packet->envelope), envelope);
}

reflow_status reflow_context_envelope(const reflow_context* context, reflow_envelope* envelope) {
    if (context == nullptr || envelope == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return show(context->actor.envelope(), envelope);
}

reflow_status reflow_context_set_envelope(reflow_context* context,
                                          const reflow_envelope* envelope) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] {
        Message made;
        if (envelope != nullptr) {
            Result<Message> read = envelope_argument(*envelope);
            if (!read.ok()) return context->fail(read.take_error());
            made = std::move(read).take();
        }
        bool emits = context->phase == runtime::Phase::run ||
                     context->phase == runtime::Phase::finish;
        if (!emits) return reflow_status{REFLOW_ERROR_INVALID_STATE};
        if (context->actor.group.observer.carries()) context->actor.set_envelope(std::move(made));
        return reflow_status{REFLOW_OK};
    });
}

// ---- section 11: networks

reflow_status reflow_network_carry_envelopes(reflow_network* network, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->carry_envelopes();
    });
}

reflow_status reflow_network_send_enveloped(reflow_network* network, reflow_inport inport,
                                            reflow_message message,
                                            const reflow_envelope* envelope, int64_t timeout_ms,
                                            reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (envelope == nullptr) return null_argument("envelope");
        Result<Message> made = envelope_argument(*envelope);
        if (!made.ok()) return made.take_error();
        if (MessageRef(message).none()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the message is none");
        }
        if (!network_of(network)->carries_envelopes()) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "the network carries no envelopes")
                .hint("call reflow_network_carry_envelopes before its start");
        }
        // The host keeps its message if this fails.
        Message whole = enveloped(MessageRef(message).own(), made.value());
        std::size_t accepted = 0;
        reflow_message raw = whole.raw();
        Result<void> sent =
            network_of(network)->send(inport.id, {&raw, 1}, timeout_ms, accepted);
        if (accepted == 0) return sent;
        (void)whole.leak();
        (void)Message::adopt(message);
        return sent;
    });
}

reflow_status reflow_output_recv_enveloped(reflow_output* output, reflow_message* message,
                                           reflow_envelope* envelope, int64_t timeout_ms,
                                           reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (message == nullptr) return null_argument("message");
        *message = {};
        if (envelope == nullptr) return null_argument("envelope");
        if (!fill_struct(envelope, read_envelope({}))) return bad_envelope_size();
        if (Result<void> fine = usable(output); !fine.ok()) return fine;
        // A callback may end the handle; the reader ends before its network.
        Ref<network::Network> network = output->network;
        Ref<network::Output> reader = output->output;
        std::size_t count = 0;
        reflow_message raw{};
        reflow_status status = reader->recv_enveloped({&raw, 1}, timeout_ms, count);
        if (status != REFLOW_OK) return Failure(status, "no message of this output");
        Message taken = Message::adopt(raw);
        if (reader->unread.load(std::memory_order_relaxed)) {
            return Failure(REFLOW_ERROR_CLOSED, "the output was destroyed meanwhile");
        }
        output->last = std::move(taken);
        (void)fill_struct(envelope, read_envelope(envelope_of(output->last)));
        *message = payload_of(output->last).own().leak();
        return {};
    });
}

}  // extern "C"
