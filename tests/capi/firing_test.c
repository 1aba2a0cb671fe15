/* Await rules, batches and sources: what fires when, with what, in every mode. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

/* What the calls of run got, as text: "[1 2][3 .]". Written by one actor at a time. */
static char seen[4096];
static int calls;

static void see_call(const reflow_packet *inputs, size_t count) {
    size_t at = strlen(seen);
    at += (size_t)snprintf(seen + at, sizeof seen - at, "[");
    for (size_t i = 0; i < count; ++i) {
        const char *gap = i == 0 ? "" : " ";
        if (reflow_message_kind(inputs[i].message) == REFLOW_KIND_NONE) {
            at += (size_t)snprintf(seen + at, sizeof seen - at, "%s.", gap);
        } else {
            at += (size_t)snprintf(seen + at, sizeof seen - at, "%s%d", gap,
                                   (int)rig_integer(inputs[i].message));
        }
    }
    snprintf(seen + at, sizeof seen - at, "]");
    ++calls;
}

static reflow_status see(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    (void)context, (void)state;
    see_call(inputs, count);
    return REFLOW_OK;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
} bench;

/* One node "t" of a component with these inports and the outport o. */
static bench open_bench(const rig_mode *mode, const char *inports, reflow_await await,
                        uint32_t max_batch, uint32_t flags, reflow_run_fn run,
                        reflow_state_fn finish) {
    bench at = {rig_runtime(mode), rig_graph(), NULL};
    rig_component component = {0};
    component.id = "Test";
    component.inports = inports;
    component.outports = "o";
    component.await = await;
    component.max_batch = max_batch;
    component.flags = flags;
    component.run = run;
    component.finish = finish;
    rig_register(at.runtime, &component);
    rig_register_pass(at.runtime);
    rig_node(at.graph, "t", "Test");
    seen[0] = 0;
    calls = 0;
    return at;
}

static void settle(bench *at) {
    WORKS(reflow_network_wait_idle(at->network, REFLOW_FOREVER, &e));
}

static void close_bench(bench *at, const char *expected) {
    settle(at);
    if (strcmp(seen, expected) != 0) check_failed(__FILE__, __LINE__, expected, seen);
    reflow_network_destroy(at->network);
    reflow_graph_destroy(at->graph);
    reflow_runtime_destroy(at->runtime);
}

/* Initial packets wait together, so what a batch holds is known. */
static void start_with(bench *at, const char *ports, int count) {
    for (int i = 0; i < count; ++i) {
        char place[8];
        snprintf(place, sizeof place, "t.%c", ports[i]);
        rig_initial(at->graph, place, reflow_message_integer(i + 1));
    }
    at->network = rig_network(at->runtime, at->graph);
    WORKS(reflow_network_start(at->network, &e));
}

static void test_any(const rig_mode *mode) {
    bench at = open_bench(mode, "ab", REFLOW_AWAIT_ANY, 0, 0, see, NULL);
    start_with(&at, "abba", 4);
    close_bench(&at, "[1][2][3][4]");
    at = open_bench(mode, "ab", REFLOW_AWAIT_ANY, 3, 0, see, NULL);
    start_with(&at, "abbab", 5);
    close_bench(&at, "[1 2 3][4 5]");
}

static void test_all(const rig_mode *mode) {
    /* b is not connected: its place is there, and empty. */
    bench at = open_bench(mode, "abc", REFLOW_AWAIT_ALL, 0, 0, see, NULL);
    start_with(&at, "acca", 4);
    close_bench(&at, "[1 . 2][4 . 3]");
    at = open_bench(mode, "ab", REFLOW_AWAIT_ALL, 2, 0, see, NULL);
    start_with(&at, "aaaabbb", 7);
    settle(&at);
    CHECK(rig_counters(at.network, "t").waiting == 1);
    CHECK(rig_counters(at.network, "t").fired == 3);
    CHECK(rig_counters(at.network, "t").received == 6);
    close_bench(&at, "[1 5 2 6][3 7]");
    /* A port that has only an initial packet counts as connected: one firing, then none. */
    at = open_bench(mode, "ab", REFLOW_AWAIT_ALL, 0, 0, see, NULL);
    rig_initial(at.graph, "t.b", reflow_message_integer(9));
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "t.a");
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 1; i <= 3; ++i) rig_send(at.network, inport, i);
    settle(&at);
    CHECK(rig_counters(at.network, "t").waiting == 2);
    close_bench(&at, "[1 9]");
    /* Several connections into one port are one queue. */
    at = open_bench(mode, "ab", REFLOW_AWAIT_ALL, 0, 0, see, NULL);
    rig_node(at.graph, "p", "Pass");
    rig_node(at.graph, "q", "Pass");
    rig_connect(at.graph, "p.o", "t.a", NULL);
    rig_connect(at.graph, "q.o", "t.a", NULL);
    rig_connect(at.graph, "q.o", "t.b", NULL);
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport p = rig_inport(at.network, "p.a"), q = rig_inport(at.network, "q.a");
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, p, 1);
    settle(&at);
    rig_send(at.network, q, 2);
    settle(&at);
    rig_send(at.network, q, 3);
    close_bench(&at, "[1 2][2 3]");
}

static void test_required(const rig_mode *mode) {
    /* A and C are required; b shows its newest packet, once it has one. */
    bench at = open_bench(mode, "AbC", REFLOW_AWAIT_REQUIRED, 0, 0, see, NULL);
    rig_node(at.graph, "p", "Pass");
    rig_node(at.graph, "q", "Pass");
    rig_node(at.graph, "r", "Pass");
    rig_connect(at.graph, "p.o", "t.A", NULL);
    rig_connect(at.graph, "q.o", "t.C", NULL);
    rig_connect(at.graph, "r.o", "t.b", NULL);
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport p = rig_inport(at.network, "p.a"), q = rig_inport(at.network, "q.a");
    reflow_inport r = rig_inport(at.network, "r.a");
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, p, 1);
    rig_send(at.network, q, 2);
    settle(&at);
    rig_send(at.network, r, 3);
    settle(&at);
    rig_send(at.network, r, 4);
    settle(&at);
    CHECK(calls == 1); /* a packet that is not required fires nothing */
    for (int i = 0; i < 2; ++i) {
        rig_send(at.network, p, 5 + 2 * i);
        rig_send(at.network, q, 6 + 2 * i);
        settle(&at);
    }
    reflow_node_counters counters = rig_counters(at.network, "t");
    CHECK(counters.dropped == 1);  /* 3, which 4 replaced before it was shown */
    CHECK(counters.received == 7); /* 1, 2, 4, 5, 6, 7, 8 */
    close_bench(&at, "[1 . 2][5 4 6][7 4 8]");
}

/* ---- batches */

static size_t inputs_of_firing;
static reflow_status advance_one(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state;
    see_call(inputs, count);
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, 1));
    return count > inputs_of_firing ? reflow_context_again(context) : REFLOW_OK;
}

/* The third and the fourth firing fail; those before are completed. */
static reflow_status fail_in_the_middle(reflow_context *context, void *state,
                                        reflow_packet *inputs, size_t count) {
    (void)state;
    see_call(inputs, count);
    for (size_t i = 0; i < count; ++i) {
        int64_t value = rig_integer(inputs[i].message);
        if (value == 3 || value == 4) return REFLOW_ERROR_FAILED;
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(value)));
        CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i + 1));
    }
    return REFLOW_OK;
}

static bool first_call;
static reflow_status again_with_nothing_done(reflow_context *context, void *state,
                                             reflow_packet *inputs, size_t count) {
    (void)state;
    see_call(inputs, count);
    if (first_call) {
        first_call = false;
        return reflow_context_again(context);
    }
    return REFLOW_OK;
}

/* Moves inputs out, and then fails: the others come again, these do not. */
static reflow_status take_and_fail(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    (void)state;
    size_t done = 0;
    for (size_t i = 0; i < count && done < 2; ++i, ++done) {
        reflow_message_unref(reflow_message_take(&inputs[i].message));
    }
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, done - 1));
    return REFLOW_ERROR_FAILED;
}

static void test_batches(const rig_mode *mode) {
    inputs_of_firing = 1;
    bench at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 4, 0, advance_one, NULL);
    start_with(&at, "aaaaa", 5);
    settle(&at);
    CHECK(rig_counters(at.network, "t").fired == 5);
    close_bench(&at, "[1 2 3 4][2 3 4][3 4][4][5]");
    inputs_of_firing = 2;
    at = open_bench(mode, "ab", REFLOW_AWAIT_ALL, 3, 0, advance_one, NULL);
    start_with(&at, "aaabbb", 6);
    close_bench(&at, "[1 4 2 5 3 6][2 5 3 6][3 6]");
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 8, 0, fail_in_the_middle, NULL);
    start_with(&at, "aaaaaa", 6);
    settle(&at);
    CHECK(rig_counters(at.network, "t").failed == 2 && rig_counters(at.network, "t").fired == 6);
    close_bench(&at, "[1 2 3 4 5 6][4 5 6][5 6]");
    first_call = true;
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 2, 0, again_with_nothing_done, NULL);
    start_with(&at, "aaa", 3);
    close_bench(&at, "[1 2][1 2][3]");
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 8, 0, take_and_fail, NULL);
    int ends = 0;
    for (int i = 0; i < 7; ++i) rig_initial(at.graph, "t.a", counted(&ends));
    at.network = rig_network(at.runtime, at.graph);
    reflow_graph_destroy(at.graph);
    at.graph = NULL;
    WORKS(reflow_network_start(at.network, &e));
    settle(&at);
    CHECK(rig_counters(at.network, "t").failed == 4 && rig_counters(at.network, "t").fired == 7);
    close_bench(&at, "");
    CHECK(ends == 7);
}

/* ---- sources, timers, finish */

static int left;
static reflow_status count_down(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state;
    see_call(inputs, count);
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(left)));
    return --left > 0 ? reflow_context_again(context) : REFLOW_OK;
}

static void test_sources(const rig_mode *mode) {
    left = 3;
    bench at = open_bench(mode, "", REFLOW_AWAIT_ANY, 0, 0, count_down, NULL);
    start_with(&at, "", 0);
    settle(&at);
    CHECK(rig_counters(at.network, "t").fired == 1 && rig_counters(at.network, "t").sent == 0);
    close_bench(&at, "[][][]");
    left = 2;
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 0, REFLOW_COMPONENT_SOURCE, count_down, NULL);
    start_with(&at, "", 0);
    close_bench(&at, "[][]");
    /* With an initial packet, or a connection, it is no source. */
    left = 1;
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 0, REFLOW_COMPONENT_SOURCE, count_down, NULL);
    start_with(&at, "a", 1);
    close_bench(&at, "[1]");
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 0, REFLOW_COMPONENT_SOURCE, count_down, NULL);
    rig_node(at.graph, "p", "Pass");
    rig_connect(at.graph, "p.o", "t.a", NULL);
    start_with(&at, "", 0);
    close_bench(&at, "");
    /* And without the flag a node that nothing is connected to waits. */
    at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 0, 0, count_down, NULL);
    start_with(&at, "", 0);
    close_bench(&at, "");
}

/* An inport that only the graph exposes is fed by nobody, as far as a source is concerned: it fires at the start, and
 * again for each packet that a host sends. What a connection feeds as well is no source. */
static void test_trigger(const rig_mode *mode) {
    for (int connected = 0; connected < 2; ++connected) {
        for (int before = 0; before < 2; ++before) {
            left = 2;
            bench at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 0, REFLOW_COMPONENT_SOURCE, count_down, NULL);
            reflow_endpoint end = rig_end("t.a");
            WORKS(reflow_graph_add_inport(at.graph, text_of("trigger"), &end, text_of(""), &e));
            rig_node(at.graph, "p", "Pass");
            if (connected != 0) rig_connect(at.graph, "p.o", "t.a", NULL);
            reflow_inport trigger = {0};
            at.network = rig_network(at.runtime, at.graph);
            for (int started = 0; started < 2; ++started) {
                if (started == before) {
                    WORKS(reflow_network_find_inport(at.network, text_of(""), text_of("trigger"), &trigger, &e));
                }
                if (started == 0) WORKS(reflow_network_start(at.network, &e));
            }
            settle(&at);
            CHECK(calls == (connected == 0 ? 2 : 0));
            left = 1;
            rig_send(at.network, trigger, 7);
            settle(&at);
            left = 1;
            rig_send(at.network, trigger, 8);
            close_bench(&at, connected == 0 ? "[][][7][8]" : "[7][8]");
        }
    }
}

/* For the rule `all` it counts as connected, whoever finds it and when. */
static void test_exposed_all(const rig_mode *mode) {
    bench at = open_bench(mode, "ab", REFLOW_AWAIT_ALL, 0, 0, see, NULL);
    rig_node(at.graph, "p", "Pass");
    rig_connect(at.graph, "p.o", "t.a", NULL);
    reflow_endpoint end = rig_end("t.b");
    WORKS(reflow_graph_add_inport(at.graph, text_of("late"), &end, text_of(""), &e));
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport p = rig_inport(at.network, "p.a"), late = {0};
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, p, 1);
    settle(&at);
    CHECK(calls == 0);
    WORKS(reflow_network_find_inport(at.network, text_of(""), text_of("late"), &late, &e));
    rig_send(at.network, late, 2);
    close_bench(&at, "[1 2]");
}

static uint64_t woken_at[8];
static reflow_status tick(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    see_call(inputs, count);
    woken_at[calls - 1] = reflow_context_now_ns(context);
    if (calls >= 3) return REFLOW_OK;
    CHECK_STATUS(REFLOW_OK, reflow_context_wake_after(context, UINT64_MAX));
    return reflow_context_wake_after(context, 2000000); /* replaces the one before */
}

static void test_timers(const rig_mode *mode) {
    bench at = open_bench(mode, "", REFLOW_AWAIT_ANY, 0, 0, tick, NULL);
    start_with(&at, "", 0);
    settle(&at); /* not idle while a timer is armed */
    CHECK(calls == 3);
    for (int i = 1; i < 3; ++i) CHECK(woken_at[i] - woken_at[i - 1] >= 2000000);
    CHECK(rig_counters(at.network, "t").fired == 3);
    close_bench(&at, "[][][]");
}

static reflow_status sleep_for_ever(reflow_context *context, void *state, reflow_packet *inputs,
                                    size_t count) {
    (void)state, (void)inputs, (void)count;
    return reflow_context_wake_after(context, UINT64_MAX);
}

/* A stop does not wait for a timer. */
static void test_stop_with_timer(const rig_mode *mode) {
    bench at = open_bench(mode, "", REFLOW_AWAIT_ANY, 0, 0, sleep_for_ever, NULL);
    start_with(&at, "", 0);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 2, &e));
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    close_bench(&at, "");
}

static int finishes;
static reflow_status finish_thrice(reflow_context *context, void *state) {
    (void)state;
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_wake_after(context, 1));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_advance(context, 0));
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(++finishes)));
    return finishes < 3 ? reflow_context_again(context) : REFLOW_OK;
}

static void test_finish(const rig_mode *mode) {
    finishes = 0;
    bench at = open_bench(mode, "a", REFLOW_AWAIT_ANY, 0, 0, see, finish_thrice);
    rig_node(at.graph, "p", "Pass");
    rig_connect(at.graph, "t.o", "p.a", "{\"capacity\":1}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *output = rig_output(at.network, "p.o", 0);
    WORKS(reflow_network_start(at.network, &e));
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    for (int i = 1; i <= 3; ++i) CHECK(rig_recv(output) == i);
    CHECK(finishes == 3 && rig_counters(at.network, "p").fired == 3);
    CHECK(rig_counters(at.network, "t").fired == 0);
    reflow_output_destroy(output);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    CHECK(finishes == 3);
    close_bench(&at, "");
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_any(&rig_modes[i]);
        test_all(&rig_modes[i]);
        test_required(&rig_modes[i]);
        test_batches(&rig_modes[i]);
        test_sources(&rig_modes[i]);
        test_trigger(&rig_modes[i]);
        test_exposed_all(&rig_modes[i]);
        test_timers(&rig_modes[i]);
        test_stop_with_timer(&rig_modes[i]);
        test_finish(&rig_modes[i]);
    }
    return 0;
}
