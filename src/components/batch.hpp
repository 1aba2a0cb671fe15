// What actors that handle their inputs one by one share.
// Neighbours: transform, rules, schema, route and others. Thread: see runtime/context.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "components/actor.hpp"

namespace reflow::components {

// An emit that is refused (beyond REFLOW_MAX_EMITS in one call) as a failure.
[[nodiscard]] inline Result<void> emit(Context& context, std::uint32_t outport, Message message,
                                       std::uint32_t index = REFLOW_NO_INDEX) {
    reflow_status status = context.emit(outport, std::move(message), index);
    if (status == REFLOW_OK) return {};
    return Failure(status, concat("cannot emit on outport ", outport));
}

// Calls handle(packet) for each input, and completes each before the next, so that a failure hits
// its own input only and the ones behind it come again. Stops when one of the outports that it
// emits on is full, and asks for the rest again: then at most what one input makes is held
// beyond the room.
template <typename Handle>
[[nodiscard]] Result<void> for_each_input(Context& context, std::span<Packet> inputs,
                                          std::initializer_list<std::uint32_t> outports,
                                          Handle&& handle) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        for (std::uint32_t outport : outports) {
            if (i == 0 || context.room(outport) > 0) continue;
            (void)context.again();  // allowed in run, and there is no other way for it to fail
            return {};
        }
        if (Result<void> done = handle(inputs[i]); !done.ok()) return done;
        (void)context.advance(i + 1);  // within the batch, so it cannot fail
    }
    return {};
}

}  // namespace reflow::components
