// Where a thread runs, for the rows that measure a wake between two threads, and those of links.
#ifndef BENCH_PIN_HPP
#define BENCH_PIN_HPP

#include <sched.h>

#include "contender.hpp"

namespace bench {

// The number of a core that this process may use: the first, or the one after it; -1 if there is
// none.
inline int core(int index) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(static_cast<unsigned>(cpu), &set) && index-- == 0) return cpu;
    }
    return -1;
}

inline void pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    sched_setaffinity(0, sizeof set, &set);
}

// The two sides of a link, each on a core of its own: else the kernel puts both on one core or on two
// as it likes, and a row has two results. Small messages one way are left to it, since they have work
// for several threads on each side. Made before either side has begun; threads and processes that
// one of them makes afterwards stay with it.
class Sides {
public:
    explicit Sides(const Call& call)
        : pins_(call.shape.starts_with("link-rtt-") || call.size != 0) {}
    void be_client() const { be(first_); }
    void be_server() const { be(second_); }

private:
    void be(int cpu) const {
        if (pins_ && second_ >= 0) pin_thread(cpu);
    }
    bool pins_;
    int first_ = core(0), second_ = core(1);  // -1: there is one core
};

// How long the host leaves the other thread alone before each wake: it has gone to sleep by then.
inline constexpr long REST_NS = 200'000;

}  // namespace bench

#endif
