// A host of wires whose thread others may stand in for: who would sleep waits for packets instead,
// and does what follows itself (base/lookout.hpp, io/seat.hpp). Neighbours: capi. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/lookout.hpp"
#include "io/wire.hpp"

namespace reflow::io {

// step_ns: a thread that stands in may stay away for up to twice as long before the host's own goes
// on.
[[nodiscard]] Ref<Lookout> make_lookout(std::uint64_t step_ns = 1'000'000);
// place: from make_lookout(). One host at a time has it; another one that is given it goes without.
// The calls of handlers of wires then come on the thread of the host or on one that waits in the
// place, one at a time; those of ports, of timers and about a socket that broke on the thread of the
// host alone.
[[nodiscard]] Result<std::unique_ptr<WireHost>> make_host(WireHost::Options options,
                                                          Ref<Lookout> place);
// For what may take long, or wait for the threads that stand in: inside of a call on one of these
// it is called on the thread of the host, in the order of these calls and before any other call
// there. Elsewhere at once. host: of make_host().
void call_at_home(WireHost& host, std::function<void()> call);

}  // namespace reflow::io
