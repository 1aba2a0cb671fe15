/* The components of the benchmark, in a shared object of their own as those of a host are.
 * Neighbours: main.cpp builds graphs of them, actors.c has their callbacks. */
#ifndef BENCH_ACTORS_H
#define BENCH_ACTORS_H

#include <reflow.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a run is to do, and what it did. The library gives it to every callback as user data; actors
 * count in states of their own, which are added up here when the network ends. */
typedef struct bench_plan {
    int64_t n;        /* packets of each source; hops of each token; rounds of a latency run */
    int64_t expected; /* packets of each sink */
    uint32_t spin;    /* turns of work in a firing */
    uint32_t batch;   /* not 0: callbacks take and emit many packets at once */
    reflow_message payload;

    uint64_t first_ns; /* the first packet was emitted */
    uint64_t last_ns;  /* the last packet was received */
    int64_t count;
    int64_t sum;

    uint64_t sent_ns;  /* latency: when the packet that is on its way was emitted */
    uint64_t *samples; /* latency: one for each round */
    int64_t sampled;
    uint64_t woken_ns; /* idle wake: when the callback ran; sinks: when all had arrived; read and
                          written with atomics */
} bench_plan;

/* The size of a packet of BenchFreshSource. */
#define BENCH_FRESH_BYTES 1024

/* Registers all components; the plan has to outlive the runtime. */
REFLOW_API reflow_status bench_register(reflow_runtime *runtime, bench_plan *plan,
                                        reflow_error **error);

#ifdef __cplusplus
}
#endif

#endif
