// Envelopes in the calls of an actor: taken off the inputs before the component sees them, and put
// around what it emits. Only actors of a network that carries them come here.
// Neighbours: actor, actor_deferred. Thread: that of the turn.
#include "runtime/envelopes.hpp"

#include <algorithm>

#include "message/envelope.hpp"
#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

// Memory first: nothing of the call has changed yet.
void Actor::make_carrier(const Context& context) {
    if (carrier() == nullptr) extras().carrier.reset(new Carrier);
    carrier()->wrappers.reserve(context.firings * firing_size_);
}

// The wrappers stay with the carrier while the component looks at what is in them.
void Actor::open_envelopes(const Context& context) noexcept {
    Carrier& own = *carrier();
    own.current = {};
    std::size_t count = context.firings * firing_size_;
    for (std::size_t i = 0; i < count; ++i) {
        Packet& packet = inputs_[i];
        MessageRef envelope = envelope_of(MessageRef(packet.message));
        if (envelope.none()) continue;
        Message content = payload_of(MessageRef(packet.message)).own();
        own.wrappers.push_back({Message::adopt(packet.message), i});
        packet.message = content.leak();
        packet.envelope = envelope_address(envelope);
        if (own.current.none()) own.current = envelope.own();
    }
}

// Until when the call is to be done: the envelope that it will have says so. False if that is over for
// one that has not begun.
bool Actor::in_time(Context& context) const noexcept {
    if (deferred() == nullptr) context.deadline = UINT64_MAX;
    MessageRef envelope;
    for (std::size_t i = 0; i < context.firings * firing_size_ && envelope.none(); ++i) {
        envelope = envelope_of(MessageRef(inputs_[i].message));
    }
    const std::int64_t until_ms = deadline_of(envelope);
    if (until_ms == 0) return true;
    const Clock& clock = group.scheduler.clock();
    const std::int64_t now_ms = clock.wall_ms();
    // Far more than any timeout, and its nanoseconds fit.
    constexpr std::int64_t most_ms = std::int64_t{1} << 43;
    const std::int64_t left_ms =
        until_ms <= now_ms ? 0 : std::min(until_ms - std::max<std::int64_t>(now_ms, 0), most_ms);
    context.deadline = std::min(
        context.deadline, clock.now_ns() + static_cast<std::uint64_t>(left_ms) * 1'000'000);
    return left_ms != 0 || (again_ && due_ != 0);
}

bool Actor::passed(MessageRef envelope) const noexcept {
    const std::int64_t until_ms = deadline_of(envelope);
    return until_ms != 0 && until_ms <= group.scheduler.clock().wall_ms();
}

reflow_status Actor::refuse_late(Context& context) noexcept try {
    context.refused = true;
    return context.fail(Failure(REFLOW_ERROR_TIMEOUT, "the deadline of its packet has passed"));
} catch (const std::bad_alloc&) {
    return REFLOW_ERROR_TIMEOUT;
}

// What the component has left as it was is as before; what it has taken or replaced loses its
// envelope, which went to what was emitted.
void Actor::close_envelopes() noexcept {
    if (carrier() == nullptr) return;
    for (Carrier::Wrapper& each : carrier()->wrappers) {
        Packet& packet = inputs_[each.place];
        packet.envelope = nullptr;
        reflow_message content = payload_of(each.message).raw();
        bool same = packet.message.tag == content.tag && packet.message.payload == content.payload;
        if (!same) continue;
        (void)Message::adopt(packet.message);  // the wrapper has another reference
        packet.message = each.message.leak();
    }
    carrier()->wrappers.clear();
}

// Emitted after a call, on behalf of a firing.
void Actor::set_envelope(Message envelope) {
    if (carrier() == nullptr) extras().carrier.reset(new Carrier);
    carrier()->current = std::move(envelope);
}

MessageRef Actor::envelope() const noexcept {
    return carrier() == nullptr ? MessageRef() : MessageRef(carrier()->current);
}

// Somebody hears of each message, or it gets its envelope here.
Message Actor::announce(std::uint32_t outport, std::uint32_t index, Message message) {
    group.observer.emitted(*this, outport, index, payload_of(message));
    return enveloped(std::move(message), envelope());
}

}  // namespace reflow::runtime
