// A failed firing as a message.
// Thread: any.
#include "runtime/failed_message.hpp"

#include "message/envelope.hpp"

#include "base/text.hpp"
#include "runtime/actor.hpp"

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

}  // namespace reflow::runtime
