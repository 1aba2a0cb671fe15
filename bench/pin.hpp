// Where a thread runs, for the rows that measure a wake between two threads.
#ifndef BENCH_PIN_HPP
#define BENCH_PIN_HPP

#include <sched.h>

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

// How long the host leaves the other thread alone before each wake: it has gone to sleep by then.
inline constexpr long REST_NS = 200'000;

}  // namespace bench

#endif
