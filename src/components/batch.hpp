// What actors that handle their inputs one by one share.
// Neighbours: transform, rules, schema, route and others. Thread: see runtime/context.
#pragma once

#include <algorithm>
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

// The room of the fullest of some outports.
[[nodiscard]] inline std::size_t room_of(const Context& context,
                                         std::initializer_list<std::uint32_t> outports) {
    std::size_t room = SIZE_MAX;
    for (std::uint32_t outport : outports) room = std::min(room, context.room(outport));
    return room;
}

// Calls handle(packet) for each input, and completes each before the next, so that a failure hits
// its own input only and the ones behind it come again. Stops when one of the outports that it
// emits on is full, and asks for the rest again: then at most what one batch makes beyond a
// packet for each input is held beyond the room.
template <typename Handle>
[[nodiscard]] Result<void> for_each_input(Context& context, std::span<Packet> inputs,
                                          std::initializer_list<std::uint32_t> outports,
                                          Handle&& handle) {
    // The first is always handled; how much room there is, is asked when it may have run out.
    std::size_t until = std::max<std::size_t>(room_of(context, outports), 1);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (i >= until) {
            std::size_t room = room_of(context, outports);
            if (room == 0) {
                (void)context.again();  // allowed in run, and cannot fail otherwise
                return {};
            }
            until = room > SIZE_MAX - i ? SIZE_MAX : i + room;
        }
        if (Result<void> done = handle(inputs[i]); !done.ok()) return done;
        (void)context.advance(i + 1);  // within the batch, so it cannot fail
    }
    return {};
}

}  // namespace reflow::components
