/* The clock of the system is set while the engine runs, by a day forward and back: nothing that waits for a time
 * of its own notices, what follows the clock of the wall does, and events tell the new time. */
#define _GNU_SOURCE
#include "check.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"

#define DAY_S (24 * 3600)

/* In place of that of libc, for all of the process: only the clock of the wall can be set. */
static int64_t set_by_s;
int clock_gettime(clockid_t clock, struct timespec *time) {
    if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
    if (clock == CLOCK_REALTIME) time->tv_sec += __atomic_load_n(&set_by_s, __ATOMIC_SEQ_CST);
    return 0;
}
static void set_clock(int64_t seconds) { __atomic_store_n(&set_by_s, seconds, __ATOMIC_SEQ_CST); }
static int64_t wall_ms(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t ticks, seconds;

/* A source that fires each millisecond, and one each second of the wall clock. */
static reflow_status run_tick(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    (void)__atomic_add_fetch(&ticks, 1, __ATOMIC_SEQ_CST);
    return reflow_context_wake_after(context, 1000 * 1000);
}
static reflow_status run_second(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    if (reflow_context_timers(context) != 0) {
        (void)__atomic_add_fetch(&seconds, 1, __ATOMIC_SEQ_CST);
        return REFLOW_OK;
    }
    return reflow_context_set_cron(context, 0, text_of("* * * * * *"), text_of("UTC"), NULL);
}
/* What came, until it is more. */
static uint64_t more(const uint64_t *than) {
    const uint64_t before = __atomic_load_n(than, __ATOMIC_SEQ_CST);
    RIG_EVENTUALLY(100, __atomic_load_n(than, __ATOMIC_SEQ_CST) > before);
    return before;
}

int main(void) {
    check_time_limit(120);
    reflow_runtime *runtime = rig_runtime(&rig_own);
    rig_component component = {0};
    component.flags = REFLOW_COMPONENT_SOURCE;
    component.id = "Tick";
    component.run = run_tick;
    rig_register(runtime, &component);
    component.id = "Second";
    component.run = run_second;
    rig_register(runtime, &component);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "tick", "Tick");
    rig_node(graph, "second", "Second");
    rig_node(graph, "pass", "Pass");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_event_options options = rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_MESSAGE_RECEIVED);
    reflow_subscription *events;
    WORKS(reflow_network_subscribe(network, &options, &events, &e));
    WORKS(reflow_network_start(network, &e));
    static const int64_t jumps[] = {0, DAY_S, -DAY_S, 0, 400 * DAY_S};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; ++i) {
        set_clock(jumps[i]);
        const int64_t begin = wall_ms();
        (void)more(&ticks);
        FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 5, &e));
        CHECK(wall_ms() - begin < 100 * 1000);
        rig_send(network, rig_inport(network, "pass.a"), 1);
        reflow_event_batch *batch;
        WORKS(reflow_subscription_poll(events, 1, REFLOW_FOREVER, &batch, NULL, &e));
        reflow_event event = {0};
        event.struct_size = sizeof event;
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
        CHECK(event.timestamp_ms >= begin && event.timestamp_ms <= wall_ms());
        reflow_event_batch_destroy(batch);
        /* Not a day later, and not once for each second of it. */
        const uint64_t before = more(&seconds);
        CHECK(__atomic_load_n(&seconds, __ATOMIC_SEQ_CST) - before < 100);
    }
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    return 0;
}
