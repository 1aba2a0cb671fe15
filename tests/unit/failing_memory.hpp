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

// While it lives, one allocation fails: that which comes after `successes` others, on any thread.
class FailOnce {
public:
    explicit FailOnce(std::int64_t successes) noexcept;
    ~FailOnce();
    FailOnce(const FailOnce&) = delete;
    FailOnce& operator=(const FailOnce&) = delete;
    // Whether it has failed.
    [[nodiscard]] bool failed() const noexcept;
};

}  // namespace reflow::testing
