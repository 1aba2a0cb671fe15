// What is told of a firing that has failed, and the firing as a message.
// Thread: any; what is of an actor, that of its turn.
#include "runtime/failed_message.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"
#include "runtime/actor.hpp"
#include "runtime/context.hpp"

namespace reflow::runtime {

void set_error(ObjectBuilder& to, const Error* error, reflow_status status) {
    to.set("status", Message::string(status_name(status)));
    to.set("message", Message::string(error == nullptr ? "out of memory" : error->message));
    to.set("hint", Message::string(error == nullptr ? std::string_view() : error->hint));
    to.set("trace", Message::string(error == nullptr ? std::string_view() : error->trace));
}

Message packets_message(const Component& component, std::span<const reflow_packet> packets) {
    ArrayBuilder all(packets.size());
    for (const reflow_packet& packet : packets) {
        MessageRef message = payload_of(MessageRef(packet.message));
        if (message.none()) continue;
        ObjectBuilder one(3);
        one.set("port", Message::string(component.inports[packet.port].name));
        if (packet.index != REFLOW_NO_INDEX) one.set("index", Message::integer(packet.index));
        // Four levels around it: this object, the packets, a letter, the list of letters.
        if (message.depth() + 4 > REFLOW_MAX_DEPTH) {
            one.set("too_deep", Message::boolean(true));
        } else {
            one.set("message", message.own());
        }
        all.append(one.finish().take());
    }
    return all.finish().take();
}

Message failed_message(const FailedFiring& firing, bool object) {
    if (!object) {
        return Message::error(firing.error == nullptr ? String("out of memory")
                                                      : firing.error->describe());
    }
    ObjectBuilder made(8);
    set_error(made, firing.error, firing.status);
    made.set("node", Message::string(firing.actor.id));
    made.set("component", Message::string(firing.actor.component->id));
    made.set("attempts", Message::integer(firing.attempts));
    made.set("inputs", packets_message(*firing.actor.component, firing.packets));
    return made.finish().take();
}

// Most components hand on what an emit has answered, and say nothing themselves.
[[gnu::cold]] std::unique_ptr<Error> Actor::error_of(Context& context,
                                                     reflow_status status) const {
    std::unique_ptr<Error> error = std::move(context.error);
    if (error == nullptr) {
        DeferredFirings* later = deferred();
        const bool captures = later != nullptr && later->captures;
        const std::size_t emitted = captures ? later->captured().size() : emitted_;
        static_assert(limits::emits_count == 1'000'000);
        const bool many = status == REFLOW_ERROR_LIMIT && emitted >= limits::emits_count;
        error = Failure(status, many ? "a call emits at most 1000000 messages, and this one has more"
                                : status == REFLOW_ERROR_OUT_OF_MEMORY ? "out of memory"
                                                                       : "the component failed")
                    .hint(many ? "emit the rest in further calls" : "")
                    .take();
    }
    error->status = failure_status(status);
    if (error->node.empty()) error->node = id;
    return error;
}

// Those of a failed call that are completed, unless they are still open. What waits for others before it tells by
// itself.
[[gnu::cold]] void Actor::tell_well(const Context& context, std::uint64_t ns) noexcept {
    if (!group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED)) return;
    if (deferred() != nullptr && deferred()->captures) return;
    // One has failed, also if all were completed.
    const std::size_t done = std::min(context.advanced, context.firings - 1);
    std::size_t well = done;
    for (const Deferred* open = context.deferred; open != nullptr; open = open->of_call) {
        if (open->firing < done) --well;
    }
    if (well != 0) group.observer.completed(*this, well, ns);
}

}  // namespace reflow::runtime
