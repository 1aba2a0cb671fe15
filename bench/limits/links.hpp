// What raw TCP does over the loopback, beside links. Neighbours: main.cpp. Main thread.
#ifndef BENCH_LINKS_HPP
#define BENCH_LINKS_HPP

#include "contender.hpp"

namespace bench {

int run_link(const Call& call);

}  // namespace bench

#endif
