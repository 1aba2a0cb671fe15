// A stall of a group as an observer is told of it.
// Neighbours: group (makes it), network (its event). Thread: one at a time.
#pragma once

#include <cstdint>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "message/message.hpp"
#include "reflow.h"
#include "runtime/actor.hpp"

namespace reflow::runtime {

struct Stall : Allocated {
    std::int32_t what = REFLOW_STALL_FAILED;
    bool tell = true;           // not if there were too many of late
    Ref<const Actor> target;    // whose port was relieved, or NULL
    std::uint32_t port = 0;     // of it
    std::uint64_t amount = 0;   // its new capacity, or packets that were dropped
    std::uint64_t bytes = 0;    // its new capacity in bytes, if it was full of these
    std::uint64_t number = 0;   // of the stall, from 1
    String text;                // for people
    String path;                // who waits for whom, in a circle; or empty
    Vector<Message> dropped{};  // ends after the locks
};

}  // namespace reflow::runtime
