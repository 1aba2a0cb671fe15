// How many streams of a runtime live, and the last number that one got.
// Neighbours: scheduler (owns it), stream. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/process.hpp"
#include "base/ref.hpp"

namespace reflow::runtime {

// The last of the streams ends it, or the runtime.
class StreamCount : public RefCounted<StreamCount> {
public:
    // relaxed, both: only the numbers matter.
    std::atomic<std::uint64_t> live{0};
    std::atomic<std::uint64_t> last_id{0};
    std::uint64_t most = UINT64_MAX;  // fixed before the runtime has a network, like life
    process::Life life = 0;           // of the process of the runtime
};

}  // namespace reflow::runtime
