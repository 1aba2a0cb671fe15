// Memory of the library in unit tests: counted, checked, and made to fail on request.
// The hook is installed before main(), in failing_memory.cpp. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reflow::testing {

struct MemoryUse {
    std::size_t blocks = 0;
    std::size_t bytes = 0;
    bool operator==(const MemoryUse&) const = default;
};
// What the library holds now.
[[nodiscard]] MemoryUse memory_use() noexcept;

// While it lives, so many allocations in a row fail, on any thread: those which come after `successes` others.
class FailBurst {
public:
    static constexpr std::int64_t all = std::int64_t{1} << 60;
    FailBurst(std::int64_t successes, std::int64_t count) noexcept;
    ~FailBurst();
    FailBurst(const FailBurst&) = delete;
    FailBurst& operator=(const FailBurst&) = delete;
    // Whether one has failed.
    [[nodiscard]] bool failed() const noexcept;
};

// One of them.
class FailOnce : public FailBurst {
public:
    explicit FailOnce(std::int64_t successes) noexcept : FailBurst(successes, 1) {}
};

// How many fail in a row in tests that try all places: one, two, and all behind the first.
inline constexpr std::int64_t burst_sizes[] = {1, 2, FailBurst::all};

}  // namespace reflow::testing
