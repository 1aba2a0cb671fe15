// What goes with a packet and is none of its content, as an object of JavaScript and the other way round.
// Thread: JS; the struct itself: any.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>
#include <string>

namespace reflow_node {

// A copy of an envelope that owns its texts.
struct Envelope {
    Envelope() { view.struct_size = sizeof view; }
    explicit Envelope(const reflow_envelope& from);
    // Its own texts, with views that are good as long as it lives and stays where it is.
    [[nodiscard]] const reflow_envelope* get();

    reflow_envelope view{};
    std::string correlation, source_network, source_instance, source_actor, message_id;
};

// That of a context or a packet; none if it has none.
std::shared_ptr<Envelope> envelope_of(const reflow_context* context);

// {correlation, deadlineMs, traceId, spanId, sourceNetwork, sourceInstance, sourceActor, messageId}: those
// that are there. undefined for none.
Napi::Value envelope_to_js(Napi::Env env, const Envelope* envelope);
// none for undefined and null. Throws ERR_REFLOW_INVALID_ARGUMENT with the field, ERR_REFLOW_LIMIT.
std::shared_ptr<Envelope> envelope_from_js(Napi::Env env, Napi::Value value);

}  // namespace reflow_node
