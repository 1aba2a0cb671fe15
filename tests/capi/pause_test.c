/* Pausing, resuming and stepping nodes, and looking into their inports; in every mode. */
#include "check.h"

#include "rig.h"

static const reflow_message none;

/* a -> b -> c of Pass, with room for 10 between them. */
static reflow_network *chain(reflow_runtime *runtime, int initials) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    rig_node(graph, "c", "Pass");
    rig_connect(graph, "a.o", "b.a", "{\"capacity\":10}");
    rig_connect(graph, "b.o", "c.a", "{\"capacity\":10}");
    for (int i = 1; i <= initials; ++i) rig_initial(graph, "a.a", reflow_message_integer(i));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}

static void pause_at(reflow_network *network, const char *path) {
    WORKS(reflow_network_pause(network, text_of(path), REFLOW_FOREVER, &e));
}
static void resume_at(reflow_network *network, const char *path) {
    WORKS(reflow_network_resume(network, text_of(path), &e));
}
static uint64_t step(reflow_network *network, const char *path, uint64_t firings) {
    uint64_t fired = 77;
    WORKS(reflow_network_step(network, text_of(path), firings, REFLOW_FOREVER, &fired, &e));
    return fired;
}
static uint64_t fired(reflow_network *network, const char *node) {
    return rig_counters(network, node).fired;
}

/* The port holds the numbers first to last, and looking does not take them. */
static void check_waiting(reflow_network *network, const char *node, int64_t first, int64_t last) {
    reflow_message messages[20];
    for (size_t max = 0; max <= 20; max += 4) {
        size_t count = 99, all = (size_t)(last - first + 1);
        WORKS(reflow_network_peek(network, text_of(node), text_of("a"), messages, max, &count, &e));
        CHECK(count == (max < all ? max : all));
        for (size_t i = 0; i < count; ++i) {
            CHECK(rig_integer(messages[i]) == first + (int64_t)i);
            reflow_message_unref(messages[i]);
        }
    }
}

static void test_keeps(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 5);
    reflow_output *output = rig_output(network, "c.o", 10);
    pause_at(network, "b");
    WORKS(reflow_network_start(network, &e));
    rig_quiet(network);
    CHECK(fired(network, "a") == 5 && fired(network, "b") == 0);
    CHECK(rig_counters(network, "b").held_back == 0);
    check_waiting(network, "b", 1, 5);
    check_waiting(network, "c", 1, 0);
    resume_at(network, "b");
    rig_idle(network);
    CHECK(fired(network, "c") == 5);
    for (int i = 1; i <= 5; ++i) CHECK(rig_recv(output) == i);
    /* Once more, now that the actors have run: nothing is handed over to a paused one. */
    reflow_inport inport = rig_inport(network, "a.a");
    pause_at(network, "b");
    for (int i = 6; i <= 9; ++i) rig_send(network, inport, i);
    rig_quiet(network);
    check_waiting(network, "b", 6, 9);
    pause_at(network, "");
    pause_at(network, "");
    check_waiting(network, "b", 6, 9);
    resume_at(network, "b");
    rig_quiet(network);
    check_waiting(network, "c", 6, 9);
    resume_at(network, "");
    rig_idle(network);
    for (int i = 6; i <= 9; ++i) CHECK(rig_recv(output) == i);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Full inports hold senders back, up to the host, without growth and without a stall. */
static void test_back_pressure(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 0);
    reflow_inport inport = rig_inport(network, "a.a");
    WORKS(reflow_network_start(network, &e));
    pause_at(network, "b");
    uint64_t sent = 0;
    for (bool full = false; !full;) {
        uint64_t before = fired(network, "a");
        reflow_status status =
            reflow_network_try_send(network, inport, reflow_message_integer(1), NULL);
        if (status == REFLOW_OK) {
            ++sent;
            continue;
        }
        CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, status);
        rig_quiet(network);
        full = before == fired(network, "a");
    }
    CHECK(sent <= 10 + 1000 + 2 * 128);
    CHECK(rig_counters(network, "a").held_back == 1);
    CHECK(rig_counters(network, "b").waiting == 10 && fired(network, "b") == 0);
    resume_at(network, "b");
    rig_idle(network);
    CHECK(fired(network, "c") == sent);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_steps(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 3);
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_network_step(network, text_of(""), 1, REFLOW_FOREVER, NULL, &e));
    pause_at(network, "");
    WORKS(reflow_network_start(network, &e));
    static const char *const nodes[] = {"a", "b", "c"};
    for (uint64_t round = 0; round < 3; ++round) {
        for (uint64_t k = 0; k < 3; ++k) {
            CHECK(step(network, "", 1) == 1);
            for (uint64_t i = 0; i < 3; ++i) {
                CHECK(fired(network, nodes[i]) == round + (i <= k ? 1 : 0));
            }
        }
    }
    CHECK(step(network, "", 1) == 0);
    rig_idle(network);
    reflow_inport inport = rig_inport(network, "a.a");
    for (int i = 0; i < 4; ++i) {
        rig_send(network, inport, i);
        CHECK(step(network, "c", 5) == 0 && step(network, "a", 5) == 1 && step(network, "b", 0) == 0);
    }
    CHECK(step(network, "b", 3) == 3);
    CHECK(step(network, "b", 3) == 1);
    check_waiting(network, "c", 0, 3);
    resume_at(network, "b");
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_network_step(network, text_of("b"), 1, REFLOW_FOREVER, NULL, &e));
    CHECK(step(network, "", UINT64_MAX) == 4);
    resume_at(network, "");
    rig_idle(network);
    CHECK(fired(network, "c") == 7);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* A source that never ends. */
static reflow_status endless(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(1));
    return status != REFLOW_OK ? status : reflow_context_again(context);
}

/* One subgraph rests while the rest of the network goes on. */
static void test_subgraph(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    rig_component source = {0};
    source.id = "Source";
    source.outports = "o";
    source.run = endless;
    rig_register(runtime, &source);
    reflow_graph *inner = rig_graph();
    rig_node(inner, "s", "Source");
    rig_node(inner, "p", "Pass");
    rig_connect(inner, "s.o", "p.a", NULL);
    WORKS(reflow_runtime_register_graph(runtime, text_of("Inner"), inner, &e));
    reflow_graph_destroy(inner);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "x", "Inner");
    rig_node(graph, "xx", "Pass");
    rig_node(graph, "y", "Inner");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport other = rig_inport(network, "xx.a");
    pause_at(network, "y");
    WORKS(reflow_network_start(network, &e));
    /* x runs, y does not. */
    for (uint64_t past = 0; past < 50; past = rig_counters(network, "x/p").received) {
        FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 1, &e)); /* runs, or waits */
    }
    CHECK(rig_counters(network, "y/s").sent == 0 && fired(network, "y/p") == 0);
    pause_at(network, "x");
    /* Nobody fires any more; what was emitted still finds its way. */
    uint64_t calls = fired(network, "x/s"), got = fired(network, "x/p");
    rig_quiet(network);
    uint64_t sent = rig_counters(network, "x/s").sent;
    rig_quiet(network);
    CHECK(fired(network, "x/s") == calls && fired(network, "x/p") == got);
    CHECK(rig_counters(network, "x/s").sent == sent && sent >= got);
    rig_send(network, other, 5);
    rig_quiet(network);
    CHECK(fired(network, "xx") == 1);
    CHECK(step(network, "y", 1) == 1);
    CHECK(rig_counters(network, "y/s").sent == 1);
    CHECK(step(network, "y/p", 5) == 1);
    resume_at(network, "y/p");
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Nothing is lost by stop, destroy and drain, whoever is paused. */
static void test_ends(const rig_mode *mode) {
    for (int how = 0; how < 3; ++how) {
        int ends = 0;
        reflow_runtime *runtime = rig_runtime(mode);
        rig_register_pass(runtime);
        reflow_network *network = chain(runtime, 0);
        reflow_inport inport = rig_inport(network, "a.a");
        WORKS(reflow_network_start(network, &e));
        pause_at(network, how == 0 ? "" : "c");
        WORKS(reflow_network_send(network, inport, counted(&ends), REFLOW_FOREVER, &e));
        rig_quiet(network);
        reflow_message seen = none;
        size_t count = 0;
        const char *node = how == 0 ? "a" : "c";
        WORKS(reflow_network_peek(network, text_of(node), text_of("a"), &seen, 1, &count, &e));
        CHECK(count == 1 && ends == 0);
        if (how == 0) {
            WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
            FAILS(REFLOW_ERROR_INVALID_STATE,
                  reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
            WORKS(reflow_network_resume(network, text_of(""), &e));
        } else if (how == 1) {
            WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
            CHECK(fired(network, "c") == 1);
            FAILS(REFLOW_ERROR_INVALID_STATE,
                  reflow_network_pause(network, text_of("a"), REFLOW_FOREVER, &e));
            FAILS(REFLOW_ERROR_INVALID_STATE,
                  reflow_network_step(network, text_of("a"), 1, REFLOW_FOREVER, NULL, &e));
        }
        reflow_network_destroy(network);
        CHECK(ends == 0);
        reflow_message_unref(seen);
        CHECK(ends == 1);
        reflow_runtime_destroy(runtime);
    }
}

/* ---- inside callbacks */

typedef struct inside {
    reflow_network *network;
    int calls;
} inside;

static reflow_status pauses(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t count) {
    inside *at = state;
    (void)context;
    (void)inputs;
    CHECK(count == 1);
    ++at->calls;
    WORKS(reflow_network_pause(at->network, text_of(""), REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_network_step(at->network, text_of(""), 1, REFLOW_FOREVER, NULL, &e));
    reflow_message seen[2];
    size_t seen_count = 0;
    WORKS(reflow_network_peek(at->network, text_of("n"), text_of("a"), seen, 2, &seen_count, &e));
    for (size_t i = 0; i < seen_count; ++i) reflow_message_unref(seen[i]);
    return REFLOW_OK;
}

static void test_inside(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    inside at = {NULL, 0};
    rig_component component = {0};
    component.id = "Pauses";
    component.inports = "a";
    component.run = pauses;
    component.user_data = &at;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Pauses");
    for (int i = 0; i < 3; ++i) rig_initial(graph, "n.a", reflow_message_integer(i));
    at.network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(at.network, &e));
    rig_quiet(at.network);
    CHECK(at.calls == 1);
    check_waiting(at.network, "n", 1, 2);
    CHECK(step(at.network, "n", 1) == 1);
    CHECK(at.calls == 2);
    resume_at(at.network, "");
    rig_idle(at.network);
    CHECK(at.calls == 3);
    reflow_network_destroy(at.network);
    reflow_runtime_destroy(runtime);
}

/* A callback that is running is waited for. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int entered;

static reflow_status gated(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    __atomic_store_n(&entered, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return rig_pass(context, state, inputs, count);
}

static void test_waits(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    rig_component component = {0};
    component.id = "Gated";
    component.inports = "a";
    component.outports = "o";
    component.run = gated;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Gated");
    rig_initial(graph, "n.a", reflow_message_integer(1));
    rig_initial(graph, "n.a", reflow_message_integer(2));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    pthread_mutex_lock(&gate);
    WORKS(reflow_network_start(network, &e));
    while (__atomic_load_n(&entered, __ATOMIC_SEQ_CST) == 0) sched_yield();
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_pause(network, text_of("n"), 0, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_pause(network, text_of("n"), 5, &e));
    pthread_mutex_unlock(&gate);
    pause_at(network, "n");
    CHECK(fired(network, "n") == 1);
    check_waiting(network, "n", 2, 2);
    pthread_mutex_lock(&gate);
    uint64_t count = 9;
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_step(network, text_of(""), 2, 5, &count, &e));
    CHECK(count == 1);
    pthread_mutex_unlock(&gate);
    pause_at(network, "n");
    rig_idle(network);
    CHECK(fired(network, "n") == 2);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- traffic while nodes are paused, stepped and resumed by others */

enum { PACKETS = 400 };

typedef struct meddler {
    pthread_t thread;
    reflow_network *network;
    uint64_t random;
    int *end;
} meddler;

static void *meddle(void *argument) {
    meddler *self = argument;
    static const char *const paths[] = {"", "a", "b", "c"};
    while (__atomic_load_n(self->end, __ATOMIC_SEQ_CST) == 0) {
        self->random = self->random * 6364136223846793005u + 1442695040888963407u;
        reflow_view path = text_of(paths[self->random >> 40 & 3]);
        reflow_message seen[4];
        size_t count = 0;
        switch (self->random >> 33 & 3) {
            case 0:
                WORKS(reflow_network_pause(self->network, path, REFLOW_FOREVER, &e));
                break;
            case 1:
                WORKS(reflow_network_peek(self->network, text_of("b"), text_of("a"), seen, 4,
                                          &count, &e));
                for (size_t i = 0; i < count; ++i) reflow_message_unref(seen[i]);
                break;
            case 2:
                /* Others may have resumed all of them. */
                (void)reflow_network_step(self->network, path, 3, REFLOW_FOREVER, NULL, NULL);
                break;
            default:
                WORKS(reflow_network_resume(self->network, text_of(""), &e));
        }
    }
    return NULL;
}

static void test_traffic(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 0);
    reflow_output *output = rig_output(network, "c.o", 0);
    reflow_inport inport = rig_inport(network, "a.a");
    WORKS(reflow_network_start(network, &e));
    int end = 0, count = check_slow() ? PACKETS / 10 : PACKETS;
    meddler meddlers[2];
    for (unsigned i = 0; i < 2; ++i) {
        meddlers[i] = (meddler){.network = network, .random = i + 1, .end = &end};
        CHECK(pthread_create(&meddlers[i].thread, NULL, meddle, &meddlers[i]) == 0);
    }
    int64_t next = 0;
    for (int64_t i = 0; next < count; sched_yield()) { /* seldom: on a busy machine that takes long */
        while (i < count && reflow_network_try_send(network, inport, reflow_message_integer(i),
                                                    NULL) == REFLOW_OK) {
            ++i;
        }
        reflow_message message;
        size_t got = 0;
        while (reflow_output_recv_many(output, &message, 1, 0, &got, NULL) == REFLOW_OK) {
            CHECK(rig_integer(message) == next++);
        }
    }
    __atomic_store_n(&end, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 2; ++i) CHECK(pthread_join(meddlers[i].thread, NULL) == 0);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(fired(network, "a") == (uint64_t)count && fired(network, "c") == (uint64_t)count);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_misuse(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 0);
    reflow_view a = text_of("a"), bad = text_of("\xff");
    reflow_message message;
    size_t count = 5;
    uint64_t steps = 5;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_pause(NULL, a, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_pause(network, null_view(), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_network_pause(network, bad, 0, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_pause(network, text_of("x"), 0, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_pause(network, text_of("a/"), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_resume(NULL, a, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_network_resume(network, bad, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_resume(network, text_of("x"), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_step(NULL, a, 1, 0, &steps, &e));
    CHECK(steps == 0);
    WORKS(reflow_network_start(network, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_step(network, text_of("x"), 1, 0, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_network_step(network, bad, 1, 0, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_step(network, a, 1, 0, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_peek(network, a, a, &message, 1, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_peek(NULL, a, a, &message, 1, &count, &e));
    CHECK(count == 0);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_peek(network, a, a, NULL, 1, &count, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_network_peek(network, bad, a, &message, 1, &count, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_peek(network, text_of("x"), a, &message, 1, &count, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_peek(network, a, text_of("o"), &message, 1, &count, &e));
    WORKS(reflow_network_peek(network, a, a, NULL, 0, &count, &e));
    resume_at(network, "a");
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* A pending firing of a paused node goes on; when it has ended what it brought waits. Nobody else is left to
 * end it in mode simulated. */
static reflow_completion pendings[2];
static size_t pendings_count;
static reflow_status defer_run(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &pendings[pendings_count]));
    ++pendings_count;
    return REFLOW_OK;
}
static void test_pending(const rig_mode *mode, const char *path) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component defer = {0};
    defer.id = "Defer";
    defer.inports = "a";
    defer.outports = "o";
    defer.max_concurrency = 2;
    defer.run = defer_run;
    rig_register(runtime, &defer);
    rig_register_pass(runtime);
    reflow_graph *inner = rig_graph();
    rig_node(inner, "n", "Defer");
    rig_node(inner, "p", "Pass");
    rig_connect(inner, "n.o", "p.a", NULL);
    WORKS(reflow_runtime_register_graph(runtime, text_of("Inner"), inner, &e));
    reflow_graph_destroy(inner);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "x", "Inner");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "x/p.o", 4);
    pendings_count = 0;
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 2; ++i) rig_send(network, rig_inport(network, "x/n.a"), i);
    while (rig_counters(network, "x/n").received != 2) {
        (void)reflow_network_wait_idle(network, 1, NULL);
    }
    pause_at(network, path); /* the calls have returned */
    const bool simulated = mode->mode == REFLOW_MODE_SIMULATED;
    const reflow_status goes_on = simulated ? REFLOW_ERROR_WOULD_BLOCK : REFLOW_ERROR_TIMEOUT;
    for (int i = 0; i < 2; ++i) {
        FAILS(goes_on, reflow_network_wait_idle(network, 2, &e));
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(pendings[i], 0, reflow_message_integer(i), 0));
        FAILS(goes_on, reflow_network_wait_idle(network, 2, &e));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(pendings[i]));
    }
    rig_quiet(network);
    CHECK(fired(network, "x/n") == 0);
    FAILS(mode->mode == REFLOW_MODE_OWN || mode->mode == REFLOW_MODE_LENT ? REFLOW_ERROR_TIMEOUT
                                                                          : REFLOW_ERROR_WOULD_BLOCK,
          reflow_output_recv_many(output, &(reflow_message){0, 0}, 1, 1, &(size_t){0}, &e));
    CHECK(step(network, "x/n", 1) == 1);
    rig_quiet(network);
    CHECK(fired(network, "x/n") == 1);
    resume_at(network, "x");
    rig_idle(network);
    CHECK(fired(network, "x/n") == 2);
    for (int i = 0; i < 2; ++i) CHECK(rig_recv(output) == i);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_mode(const rig_mode *mode) {
    test_keeps(mode);
    test_pending(mode, "x/n");
    test_pending(mode, "x");
    test_back_pressure(mode);
    test_steps(mode);
    test_subgraph(mode);
    test_ends(mode);
    test_inside(mode);
    if (rig_threaded(mode)) test_traffic(mode);
}

int main(void) {
    check_time_limit(110);
    for (size_t i = 0; i < RIG_MODES; ++i) test_mode(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_mode(&rig_tiny_modes[i]);
    test_waits();
    test_misuse();
    return 0;
}
