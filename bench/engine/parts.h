/* The components of the rows of parts.cpp: streams, and a network that a snapshot is taken of.
 * Neighbours: parts.c has their callbacks, actors.h the others. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include "actors.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the actors of a snapshot share with the host. All run on one worker; what the host reads
 * while they run goes with atomics. */
typedef struct bench_rest {
    uint64_t tick_ns; /* the last call of BenchTick */
    uint64_t gap_ns;  /* the longest time between two of them since the host wrote 0 here */
    uint64_t ticks;
    uint32_t stop; /* not 0: BenchTick does not go on */
    int64_t count; /* of BenchTotal */
    int64_t sum;
} bench_rest;

/* Registers BenchWriter (a stream of plan->n frames, each a copy of plan->payload) and
 * BenchReader. */
REFLOW_API reflow_status bench_register_streams(reflow_runtime *runtime, bench_plan *plan,
                                                reflow_error **error);

/* Registers BenchPartner (two inports, in and with: passes on what came to the first one),
 * BenchTick (sends a packet to itself) and BenchTotal (adds up). None has a state of its own to be
 * saved. */
REFLOW_API reflow_status bench_register_rest(reflow_runtime *runtime, bench_rest *rest,
                                             reflow_error **error);

#ifdef __cplusplus
}
#endif

#endif
