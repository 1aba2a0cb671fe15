// Types of packets while a network runs, where that is asked for.
// Neighbours: context and actor_deferred (what is emitted), network/traffic (what hosts send).
// Thread: that of the turn; check_type(): any.
#include "base/text.hpp"
#include "runtime/actor.hpp"

namespace reflow::runtime {

Result<void> Actor::check_type(std::uint32_t inport, MessageRef message) const {
    const Port& port = component->inports[inport];
    if (port.type.any() || port.type.takes(message)) return {};
    return Failure(REFLOW_ERROR_TYPE, concat("the inport takes ", port.type.text(), ", and not ",
                                             PortType::of(message).text()))
        .node(id)
        .port(port.name);
}

Result<void> Actor::check_types(std::uint32_t outport, MessageRef message,
                                std::uint32_t index) const {
    if (!group.observer.checks_types() || outport >= outports.size()) return {};
    for (const Connection& to : outports[outport]) {
        bool matches =
            index == REFLOW_NO_INDEX || to.from_index == REFLOW_NO_INDEX || to.from_index == index;
        if (to.target == nullptr || !matches) continue;
        Result<void> fits = to.target->check_type(to.inport, message);
        if (fits.ok()) continue;
        std::unique_ptr<Error> error = fits.take_error();
        error->message = concat(error->message, ", which node '", id, "' sends from outport '",
                                outport_name(outport), "'");
        return error;
    }
    return {};
}

}  // namespace reflow::runtime

reflow_status reflow_context::refuse_type(std::uint32_t outport, reflow::MessageRef message,
                                          std::uint32_t index) {
    reflow::Result<void> fits = actor.check_types(outport, message, index);
    if (fits.ok()) return REFLOW_OK;
    error = fits.take_error();
    return error->status;
}
