// What stands between the actors of a network and their components while it records or is replayed.
// Neighbours: build wraps components by it, recorder and replay say what it does. Thread: of turns.
#include <cstring>
#include <new>
#include <utility>

#include "codec/msgpack.hpp"
#include "message/envelope.hpp"
#include "network/record.hpp"
#include "runtime/actor.hpp"

namespace reflow::network {

using runtime::Component;
using runtime::Context;
using runtime::Packet;
using runtime::Phase;

// ---- digests

// One step of SplitMix64 for each word: see single_thread.cpp.
void Digest::number(std::uint64_t value) noexcept {
    std::uint64_t z = (value_ ^ value) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    value_ = z ^ (z >> 31);
}

void Digest::bytes(std::string_view data) noexcept {
    number(data.size());
    while (!data.empty()) {
        std::uint64_t word = 0;
        std::size_t size = std::min(data.size(), sizeof word);
        for (std::size_t i = 0; i < size; ++i) {
            word |= std::uint64_t{static_cast<unsigned char>(data[i])} << 8 * i;
        }
        number(word);
        data.remove_prefix(size);
    }
}

Result<void> Digest::message(MessageRef message, String& scratch) {
    scratch.clear();
    if (message.holds_stream()) return Failure(REFLOW_ERROR_UNSUPPORTED, "a stream");
    if (!message.none()) {
        if (Result<void> written = codec::write_msgpack(scratch, message); !written.ok()) {
            return written;
        }
    }
    bytes(scratch);
    return {};
}

// ---- what goes on with open firings

reflow_status Instrument::emit(runtime::Deferred& firing, std::uint32_t outport,
                               std::uint32_t index, reflow_message message) {
    return firing.home->emit(firing, outport, index, message, 0, this);
}
reflow_status Instrument::end(runtime::Deferred& firing, reflow_status status,
                              std::unique_ptr<Error> error) noexcept {
    return firing.home->end(firing, status, std::move(error), this);
}
reflow_status Instrument::set_envelope(runtime::Deferred& firing, Message envelope) {
    return firing.home->set_envelope(firing, std::move(envelope), this);
}

// ---- components that stand for others

namespace {

Instrumented& node_of(void* state) noexcept { return *static_cast<Instrumented*>(state); }

reflow_status create(reflow_context* context, void* user_data, void** state) {
    Instrumented& node = node_of(user_data);
    *state = &node;
    const Component& original = *node.original;
    node.state = original.user_data;
    if (node.plays || original.create == nullptr) return REFLOW_OK;
    reflow_status status = original.create(context, original.user_data, &node.state);
    node.created = status == REFLOW_OK;
    return status;
}

void destroy_state(void* state) {
    Instrumented& node = node_of(state);
    if (!std::exchange(node.created, false)) return;
    if (node.original->destroy_state != nullptr) node.original->destroy_state(node.state);
}

reflow_status setup(reflow_context* context, void* state) {
    Instrumented& node = node_of(state);
    if (node.plays || node.original->setup == nullptr) return REFLOW_OK;
    return node.original->setup(context, node.state);
}

void teardown(reflow_context* context, void* state) {
    Instrumented& node = node_of(state);
    if (node.plays || node.original->teardown == nullptr) return;
    node.original->teardown(context, node.state);
}

reflow_status run(reflow_context* context, void* state, reflow_packet* inputs, std::size_t count) {
    Instrumented& node = node_of(state);
    return node.instrument->call(node, *context, inputs, count);
}

reflow_status finish(reflow_context* context, void* state) {
    return run(context, state, nullptr, 0);
}

}  // namespace

reflow_status Instrumented::call(Context& context, Packet* inputs, std::size_t count) {
    try {
        if (context.phase == Phase::finish) return original->finish(&context, state);
        return original->run(&context, state, inputs, count);
    } catch (...) {
        return runtime::thrown(context);
    }
}

// A call has one firing, so that what one brings forth is known.
runtime::ComponentRef Instrument::wrap(const runtime::ComponentRef& component,
                                       std::uint32_t position) {
    std::unique_ptr<Instrumented> node(new Instrumented);
    node->original = component;
    node->instrument = Ref<Instrument>::share(this);
    node->position = position;
    node->plays = replays() && component->external;
    auto made = make_ref<Component>();
    made->id = component->id;
    made->title = component->title;
    made->category = component->category;
    made->config_schema = component->config_schema;
    made->inports = component->inports;
    made->outports = component->outports;
    made->await = component->await;
    made->max_concurrency = component->max_concurrency;
    made->timeout_ns = component->timeout_ns;
    made->ordered = component->ordered;
    made->source = component->source;
    made->blocking = component->blocking;
    made->rank = component->rank;
    made->external = component->external;
    made->private_state = true;  // it is not that of the component
    made->error_port = component->error_port;
    made->create = create;
    made->setup = setup;
    made->run = run;
    if (component->finish != nullptr) made->finish = finish;
    made->teardown = teardown;
    made->destroy_state = destroy_state;
    made->user_data = node.release();
    made->destroy = [](void* data) { delete static_cast<Instrumented*>(data); };
    return made;
}

// ---- one call

bool Instrument::see(std::span<const Packet> inputs) {
    Digest in;
    bool seen = true;
    for (const Packet& packet : inputs) {
        in.number(std::uint64_t{packet.port} << 32 | packet.index);
        seen = in.message(MessageRef(packet.message), scratch_).ok() && seen;
        if (packet.envelope != nullptr) in.bytes(envelope_at(packet.envelope).bytes());
    }
    seen_ = {in.value(), {}, 0};
    unseen_ = !seen;
    return seen;
}

void Instrument::emitted(std::uint32_t outport, std::uint32_t index, MessageRef message,
                         MessageRef envelope) noexcept {
    if (!inside_) return;  // the error of a firing that has failed: its call tells of it
    try {
        ++seen_.emits;
        seen_.out.number(std::uint64_t{outport} << 32 | index);
        unseen_ = !seen_.out.message(message, scratch_).ok() || unseen_;
        if (!envelope.none()) seen_.out.bytes(envelope.bytes());
        if (emits_ == nullptr) return;
        emits_->append(Message::integer(outport));
        emits_->append(Message::integer(index));
        emits_->append(message.own());
        emits_->append(envelope.none() ? Message::null() : save_envelope(envelope));
    } catch (const std::bad_alloc&) {
        unseen_ = true;
    }
}

void Instrument::see_captured(const Context& context) noexcept {
    runtime::DeferredFirings* firings = context.actor.deferred_firings();
    if (firings == nullptr || !firings->captures) return;
    Queue<runtime::Emitted>& captured = firings->captured();
    for (std::size_t i = 0; i < captured.size(); ++i) {
        MessageRef message(captured[i].message);
        emitted(captured[i].outport, captured[i].index, payload_of(message), envelope_of(message));
    }
}

void Instrument::see_result(const Context& context, reflow_status status) {
    seen_.out.number(static_cast<std::uint64_t>(std::int64_t{status}));
    seen_.out.number(context.again_asked ? 1 + context.advanced : 0);
    seen_.out.number(context.wake_asked ? 1 : 0);
    if (context.timers_asked) seen_.out.number(2);
    if (status != REFLOW_OK && context.error != nullptr) seen_.out.bytes(context.error->message);
}

}  // namespace reflow::network
