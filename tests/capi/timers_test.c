/* Timers by number: order, periods, lateness, cancelling, idle, what ends them, snapshots; in every mode. */
#include "check.h"

#include "rig.h"

enum { MS = 1000000, MOST = 200 };

/* What the node saw in calls of timers. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t count;
    uint64_t bits[MOST];
    uint64_t now[MOST];
    uint64_t start;
    size_t others; /* calls without timers and packets */
    int fails;
} at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, {0}, {0}, 0, 0, 0};

static void note(reflow_context *context, size_t count) {
    uint64_t bits = reflow_context_timers(context);
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    if (bits != 0 && at.count < MOST) {
        at.bits[at.count] = bits;
        at.now[at.count++] = reflow_context_now_ns(context);
    }
    if (bits == 0 && count == 0) ++at.others;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

static void set(reflow_context *context, uint32_t id, uint64_t delay_ns) {
    WORKS(reflow_context_set_timer(context, id, delay_ns, &e));
}
static void set_periodic(reflow_context *context, uint32_t id, uint64_t first, uint64_t period) {
    WORKS(reflow_context_set_periodic(context, id, first, period, &e));
}
static void cancel(reflow_context *context, uint32_t id) {
    WORKS(reflow_context_cancel_timer(context, id, &e));
}

static reflow_network *network;
static reflow_runtime *runtime;

/* A network with the node "t" whose inport a has one packet. */
static reflow_graph *graph_of(const char *metadata) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("t"), text_of("Timed"),
                                metadata == NULL ? reflow_message_null() : json(metadata), &e));
    rig_initial(graph, "t.a", reflow_message_integer(0));
    return graph;
}

static void begin(const rig_mode *mode, const char *metadata, reflow_run_fn run, uint32_t flags) {
    runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Timed";
    component.inports = "a";
    component.outports = "o";
    component.run = run;
    component.flags = flags;
    rig_register(runtime, &component);
    reflow_graph *graph = graph_of(metadata);
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    at.count = at.others = 0;
    at.fails = 0;
    WORKS(reflow_network_start(network, &e));
}
static void end(void) {
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}
static void run_out(void) { WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e)); }
static bool simulated(const rig_mode *mode) { return mode->mode == REFLOW_MODE_SIMULATED; }

/* ---- several, once */

static reflow_status several(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (count == 0) return REFLOW_OK;
    for (uint32_t id = 0; id < REFLOW_MAX_TIMERS; ++id) {
        set(context, id, (uint64_t)(REFLOW_MAX_TIMERS - id) * MS / 10);
    }
    return REFLOW_OK;
}

static void test_several(const rig_mode *mode) {
    begin(mode, NULL, several, 0);
    run_out();
    uint64_t all = 0;
    for (size_t i = 0; i < at.count; ++i) {
        CHECK((all & at.bits[i]) == 0); /* each once */
        all |= at.bits[i];
        if (simulated(mode)) CHECK(at.bits[i] == UINT64_C(1) << (REFLOW_MAX_TIMERS - 1 - i));
    }
    CHECK(all == UINT64_MAX && at.others == 0);
    end();
}

/* ---- periodic */

static reflow_status periodic(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (count != 0) {
        at.start = reflow_context_now_ns(context);
        set_periodic(context, 7, MS / 2, MS);
        set_periodic(context, 8, 0, 3 * MS);
    }
    if (at.count >= 9) {
        cancel(context, 7);
        cancel(context, 8);
    }
    return REFLOW_OK;
}

static void test_periodic(const rig_mode *mode) {
    begin(mode, NULL, periodic, 0);
    run_out();
    CHECK(at.count == 9 && at.others == 0);
    uint64_t sevens = 0;
    for (size_t i = 0; i < at.count; ++i) {
        /* Never early, and on the grid that the first time has fixed. */
        uint64_t passed = at.now[i] - at.start;
        CHECK((at.bits[i] & ~UINT64_C(0x180)) == 0);
        if ((at.bits[i] & 0x80) != 0) {
            CHECK(passed >= MS / 2 + sevens * MS);
            ++sevens; /* a busy machine skips some */
            if (simulated(mode)) CHECK((passed - MS / 2) % MS < MS / 10);
        }
        if (simulated(mode) && (at.bits[i] & 0x100) != 0) CHECK(passed % (3 * MS) < MS / 10);
    }
    end();
}

/* ---- late: while it is paused its periods pass, and one call catches up */

static void test_late(void) {
    const rig_mode mode = {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0};
    begin(&mode, NULL, periodic, 0);
    bool more = true;
    while (at.count < 2) WORKS(reflow_runtime_run(runtime, 1, &more, &e));
    CHECK(at.bits[1] == 0x80);
    WORKS(reflow_network_pause(network, text_of("t"), REFLOW_FOREVER, &e));
    /* Another network lets the time of the runtime pass. */
    reflow_graph *graph = graph_of(NULL);
    reflow_network *paused = network;
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    size_t before = at.count;
    uint64_t start = at.start;
    WORKS(reflow_network_start(network, &e));
    while (at.count < 8) WORKS(reflow_runtime_run(runtime, 1, &more, &e));
    reflow_network_destroy(network);
    network = paused;
    uint64_t late = at.now[at.count - 1];
    at.count = before;
    at.start = start;
    WORKS(reflow_network_resume(network, text_of("t"), &e));
    while (at.count < 4) WORKS(reflow_runtime_run(runtime, 1, &more, &e));
    CHECK(at.bits[2] == 0x180 && at.now[2] >= late); /* both, once */
    CHECK(at.bits[3] == 0x80);
    CHECK((at.now[3] - at.start - MS / 2) % MS < MS / 10);
    CHECK(at.now[3] - at.now[2] < MS);
    end();
}

/* ---- cancelled, replaced, together with wake_after */

static reflow_status replaced(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (count == 0) return REFLOW_OK;
    set(context, 1, 0);
    cancel(context, 1);
    cancel(context, 9); /* was never set */
    set_periodic(context, 2, 0, 1);
    set(context, 2, MS);
    set(context, 3, UINT64_MAX);
    set(context, 3, 2 * MS);
    return reflow_context_wake_after(context, 3 * MS);
}

static void test_replaced(const rig_mode *mode) {
    begin(mode, NULL, replaced, 0);
    run_out();
    uint64_t all = 0;
    for (size_t i = 0; i < at.count; ++i) {
        CHECK((all & at.bits[i]) == 0);
        all |= at.bits[i];
    }
    CHECK(all == 0xc);
    /* A late machine may see the timer of wake_after together with another one. */
    CHECK(at.others <= 1 && (!simulated(mode) || at.others == 1));
    end();
}

/* ---- idle, stop */

static reflow_status far(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (count == 0) return REFLOW_OK;
    set(context, 0, (uint64_t)3600000 * MS);
    set_periodic(context, 63, 0, UINT64_MAX);
    return REFLOW_OK;
}

static void test_idle(const rig_mode *mode) {
    if (simulated(mode)) return; /* time jumps there */
    begin(mode, NULL, far, 0);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 2, &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    CHECK(at.count == 0);
    end();
}

/* ---- a source that ends takes its timers with it */

static reflow_status ticks(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (reflow_context_timers(context) == 0) set_periodic(context, 0, 0, MS);
    return REFLOW_OK;
}

static void test_source(const rig_mode *mode) {
    runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Ticks";
    component.outports = "o";
    component.run = ticks;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Ticks");
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    at.count = at.others = 0;
    WORKS(reflow_network_start(network, &e));
    for (bool more = true; !rig_threaded(mode) && at.count < 3;) {
        if (mode->mode == REFLOW_MODE_LENT) {
            WORKS(reflow_runtime_work(runtime, 1, &e));
        } else {
            WORKS(reflow_runtime_run(runtime, 0 + (simulated(mode) ? 5 : 0), &more, &e));
        }
    }
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    while (at.count < 3) CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    WORKS(reflow_network_end_sources(network, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(at.others == 1); /* the start */
    end();
}

/* ---- failures: an attempt sees the same timers, a restart begins without any */

static reflow_status failing(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (count != 0) {
        set(context, 5, MS);
        return REFLOW_OK;
    }
    return ++at.fails < 3 ? REFLOW_ERROR_FAILED : REFLOW_OK;
}

static void test_attempts(const rig_mode *mode) {
    begin(mode, "{\"failure\": {\"retries\": 5, \"backoff_ms\": 1}}", failing, 0);
    run_out();
    CHECK(at.count == 3 && at.others == 0);
    for (size_t i = 0; i < 3; ++i) CHECK(at.bits[i] == 0x20);
    end();
}

static reflow_status restarting(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    set(context, 5, MS);
    set_periodic(context, 6, MS, MS);
    return REFLOW_ERROR_FAILED;
}

static void test_restart(const rig_mode *mode) {
    begin(mode, "{\"failure\": {\"then\": \"restart\"}}", restarting, 0);
    run_out();
    CHECK(at.count == 0 && at.others == 0);
    end();
}

/* ---- more packets come behind a timer that has fired */

static reflow_status between(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state;
    note(context, count);
    if (count != 0 && rig_integer(inputs[0].message) == 0) set(context, 0, 0);
    return REFLOW_OK;
}

static void test_first(const rig_mode *mode) {
    runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Timed";
    component.inports = "a";
    component.run = between;
    rig_register(runtime, &component);
    reflow_graph *graph = graph_of(NULL);
    for (int64_t i = 1; i < 500; ++i) rig_initial(graph, "t.a", reflow_message_integer(i));
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    at.count = at.others = 0;
    WORKS(reflow_network_start(network, &e));
    run_out();
    CHECK(at.count == 1 && at.bits[0] == 1 && at.others == 0);
    CHECK(rig_counters(network, "t").fired >= 500);
    end();
}

/* ---- snapshots */

static reflow_status saved(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state, (void)inputs;
    note(context, count);
    if (count != 0) {
        set(context, 4, 2 * MS);
        set_periodic(context, 5, 0, 5 * MS);
    }
    if (at.count >= 4) cancel(context, 5);
    return REFLOW_OK;
}

/* The snapshot with other timers is refused, and the network is as it was. */
static void bad_timers(reflow_message taken) {
    static const char *const bad[] = {"[64,0,1]", "[1,0,1],[1,0,1]", "[1]", "[1,-1,1]", "[1,0,\"x\"]"};
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(taken, REFLOW_JSON_PLAIN, &buffer, &e));
    const char *text = reflow_buffer_get(buffer).data;
    const char *from = strstr(text, "\"timers\":[") + strlen("\"timers\":[");
    const char *to = strstr(from, "]]") + 1;
    reflow_graph *graph = graph_of(NULL);
    reflow_network *other = rig_network(runtime, graph);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        char changed[4000];
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(from - text), text, bad[i], to);
        reflow_message message = json(changed);
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_PARSE, reflow_network_restore(other, message, &error));
        CHECK(strstr(reflow_error_text(error).data, "timers") != NULL);
        reflow_error_destroy(error);
        reflow_message_unref(message);
    }
    WORKS(reflow_network_restore(other, taken, &e));
    reflow_network_destroy(other);
    reflow_graph_destroy(graph);
    reflow_buffer_destroy(buffer);
}

static void test_snapshot(void) {
    if (!reflow_feature(text_of("snapshots"))) return;
    const rig_mode mode = {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0};
    begin(&mode, NULL, saved, REFLOW_COMPONENT_STATELESS);
    WORKS(reflow_runtime_run(runtime, 1, NULL, &e));
    reflow_message taken;
    WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
    reflow_network_destroy(network);
    CHECK(at.count == 0);
    reflow_graph *graph = graph_of(NULL);
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_restore(network, taken, &e));
    WORKS(reflow_network_start(network, &e));
    uint64_t start = 0;
    while (at.count < 4) WORKS(reflow_runtime_run(runtime, 1, NULL, &e));
    run_out();
    CHECK(at.count == 4 && at.bits[0] == 0x10 && at.bits[1] == 0x20 && at.bits[3] == 0x20);
    start = at.now[1];
    for (size_t i = 2; i < 4; ++i) CHECK((at.now[i] - start) / (MS / 10) == (i - 1) * 50);
    bad_timers(taken);
    reflow_message_unref(taken);
    end();
}

/* ---- misuse */

static reflow_status misused(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state, (void)inputs, (void)count;
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_set_periodic(context, 0, MS, 0, &error));
    CHECK(strstr(reflow_error_text(error).data, "a timer of zero") != NULL);
    reflow_error_destroy(error);
    FAILS(REFLOW_ERROR_LIMIT, reflow_context_set_timer(context, REFLOW_MAX_TIMERS, 1, &e));
    FAILS(REFLOW_ERROR_LIMIT, reflow_context_set_periodic(context, UINT32_MAX, 1, 1, &e));
    FAILS(REFLOW_ERROR_LIMIT, reflow_context_cancel_timer(context, REFLOW_MAX_TIMERS, &e));
    CHECK(reflow_context_timers(context) == 0);
    ++at.fails;
    return REFLOW_OK;
}

static reflow_status outside(reflow_context *context, void *state) {
    (void)state;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_context_set_timer(context, 0, 1, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_context_set_periodic(context, 0, 1, 1, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_context_cancel_timer(context, 0, &e));
    CHECK(reflow_context_timers(context) == 0);
    ++at.fails;
    return REFLOW_OK;
}

static void test_misuse(void) {
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_set_timer(NULL, 0, 1, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_set_periodic(NULL, 0, 1, 1, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_cancel_timer(NULL, 0, &e));
    CHECK(reflow_context_timers(NULL) == 0);
    at.fails = 0;
    runtime = rig_runtime(&rig_inline);
    rig_component component = {0};
    component.id = "Timed";
    component.inports = "a";
    component.run = misused;
    component.setup = component.finish = outside;
    rig_register(runtime, &component);
    reflow_graph *graph = graph_of(NULL);
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(at.fails == 3);
    end();
}

int main(void) {
    check_time_limit(120);
    for (size_t i = 0; i < RIG_MODES + RIG_TINY_MODES; ++i) {
        const rig_mode *mode = i < RIG_MODES ? &rig_modes[i] : &rig_tiny_modes[i - RIG_MODES];
        test_several(mode);
        test_periodic(mode);
        test_replaced(mode);
        test_idle(mode);
        test_source(mode);
        test_attempts(mode);
        test_restart(mode);
        if (i < RIG_MODES) test_first(mode);
    }
    test_late();
    test_snapshot();
    test_misuse();
    return 0;
}
