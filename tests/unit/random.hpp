// Random choices of tests: SplitMix64, the same everywhere for one seed.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace reflow::testing {

class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
    bool one_in(std::uint64_t chances) noexcept { return below(chances) == 0; }

private:
    std::uint64_t state_;
};

// REFLOW_TEST_SEED is the only seed to try; REFLOW_TEST_SEEDS how many there are, and REFLOW_TEST_FIRST
// which one is the first.
struct Seeds {
    std::uint64_t first = 1;
    std::uint64_t count = 0;
};
inline Seeds seeds(std::uint64_t usual) {
    if (const char* only = std::getenv("REFLOW_TEST_SEED")) {
        return {std::strtoull(only, nullptr, 10), 1};
    }
    const char* count = std::getenv("REFLOW_TEST_SEEDS");
    const char* first = std::getenv("REFLOW_TEST_FIRST");
    return {first != nullptr ? std::strtoull(first, nullptr, 10) : 1,
            count != nullptr ? std::strtoull(count, nullptr, 10) : usual};
}

}  // namespace reflow::testing
