/* Nodes that go, or are replaced, while something of theirs is under way: pending firings, attempts,
 * streams, timers, breakpoints; and changes that come at once. In every mode. */
#include "check.h"

#include "rig.h"

/* ---- a component that keeps firings open */

enum { MOST = 64 };
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    reflow_completion open[MOST];
    size_t begun;
    int cancelled, ended; /* calls of hooks, and ends of their data */
} at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {{0}}, 0, 0, 0};

static void on_cancel(void *user_data, reflow_completion completion) {
    (void)user_data;
    CHECK(reflow_completion_cancelled(completion));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(completion));
    __atomic_add_fetch(&at.cancelled, 1, __ATOMIC_SEQ_CST);
}
static void on_end(void *user_data) {
    (void)user_data;
    __atomic_add_fetch(&at.ended, 1, __ATOMIC_SEQ_CST);
}

static reflow_status open_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    CHECK(count == 1);
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    CHECK(at.begun < MOST);
    reflow_completion *open = &at.open[at.begun++];
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, open));
    CHECK_STATUS(REFLOW_OK, reflow_completion_on_cancel(*open, on_cancel, NULL, on_end));
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    return REFLOW_OK;
}

static reflow_status fails_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("as planned"), text_of(""));
}

/* ---- a network of one such node, t, whose outport is read */

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *output;
    reflow_inport in;
} bench;

static void register_all(reflow_runtime *runtime) {
    static const char *const ids[] = {"Open", "Fails"};
    reflow_port in, out;
    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    in.name = text_of("a");
    out.name = text_of("o");
    for (int i = 0; i < 2; ++i) {
        reflow_component component = {0};
        component.struct_size = sizeof component;
        component.port_size = sizeof(reflow_port);
        component.id = text_of(ids[i]);
        component.inports = &in;
        component.outports = &out;
        component.inport_count = component.outport_count = 1;
        component.max_concurrency = i == 0 ? 3 : 0;
        component.run = i == 0 ? open_run : fails_run;
        WORKS(reflow_runtime_register(runtime, &component, &e));
    }
    rig_register_pass(runtime);
}

static bench open_bench(const rig_mode *mode, const char *component, const char *settings) {
    bench b = {rig_runtime(mode), NULL, NULL, {0}};
    register_all(b.runtime);
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("t"), text_of(component), json(settings), &e));
    b.network = rig_network(b.runtime, graph);
    reflow_graph_destroy(graph);
    b.in = rig_inport(b.network, "t.a");
    b.output = rig_output(b.network, "t.o", 100);
    WORKS(reflow_network_start(b.network, &e));
    at.begun = 0;
    at.cancelled = at.ended = 0;
    return b;
}

static void close_bench(bench *b) {
    reflow_output_destroy(b->output);
    reflow_network_destroy(b->network);
    reflow_runtime_destroy(b->runtime);
}

/* Sends 0, 1, 2, ... and waits until the first of them are open. */
static void send_open(bench *b, const rig_mode *mode, int packets, size_t open) {
    for (int i = 0; i < packets; ++i) rig_send(b->network, b->in, i);
    if (mode->mode == REFLOW_MODE_LENT && mode->lent == 0) {
        while (at.begun < open) WORKS(reflow_runtime_work(b->runtime, 0, &e)); /* for a batch_us each */
    } else if (!rig_threaded(mode)) {
        WORKS(reflow_runtime_run(b->runtime, 0, NULL, &e));
    }
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    while (at.begun < open) CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

static reflow_change_options leaving(reflow_leftover leftover) {
    reflow_change_options options = {0};
    options.struct_size = sizeof options;
    options.leftover = leftover;
    options.drain_ms = 1;
    return options;
}

/* t goes, or gets another configuration; how many packets were dropped. */
static uint64_t change(bench *b, reflow_leftover leftover, const char *component,
                       const char *settings) {
    reflow_graph *graph = rig_graph();
    if (component != NULL) {
        WORKS(reflow_graph_add_node(graph, text_of("t"), text_of(component), json(settings), &e));
    }
    reflow_change_options options = leaving(leftover);
    reflow_change done = {0};
    done.struct_size = sizeof done;
    WORKS(reflow_network_apply(b->network, graph, &options, &done, &e));
    CHECK(done.nodes_removed == (component == NULL ? 1 : 0));
    CHECK(done.nodes_replaced == (component != NULL ? 1 : 0));
    reflow_graph_destroy(graph);
    return done.packets_dropped;
}

/* The letters, as many as there should be: 0, 1, 2, ... in this order, tried so many times. */
static void check_letters(bench *b, int count, int attempts_of_first) {
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(b->network, text_of(""), 0, 100, &list, &e));
    CHECK(reflow_message_count(list) == (size_t)count);
    for (int i = 0; i < count; ++i) {
        reflow_message letter, packets, status, attempts;
        char expected[80];
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, (size_t)i, &letter));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("packets"), &packets));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("status"), &status));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("attempts"), &attempts));
        snprintf(expected, sizeof expected, "[{\"port\":\"a\",\"message\":%d}]", i);
        CHECK(is_json(packets, expected));
        CHECK(is_json(status, "\"REFLOW_ERROR_CANCELLED\""));
        if (i == 0) CHECK(rig_integer(attempts) == attempts_of_first);
    }
    reflow_message_unref(list);
}

static void no_more(bench *b) {
    reflow_message message;
    size_t count = 0;
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_output_recv_many(b->output, &message, 1, REFLOW_FOREVER, &count, &e));
}

/* ---- pending firings */

static void test_pending(const rig_mode *mode) {
    for (reflow_leftover how = 0; how <= REFLOW_LEFTOVER_DEAD_LETTER; ++how) {
        bench b = open_bench(mode, "Open", "{}");
        send_open(&b, mode, 5, 3); /* two wait */
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(at.open[1], 0, reflow_message_integer(7), 0));
        CHECK(change(&b, how, NULL, NULL) == 5);
        CHECK(at.begun == 3 && at.cancelled == 3 && at.ended == 3);
        check_letters(&b, how == REFLOW_LEFTOVER_DEAD_LETTER ? 5 : 0, 1);
        rig_idle(b.network);
        for (int i = 0; i < 3; ++i) {
            reflow_message text = json("\"of mine\"");
            CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_emit(at.open[i], 0, text, 0));
            reflow_message_unref(text);
            CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[i]));
        }
        WORKS(reflow_network_drain(b.network, REFLOW_FOREVER, &e));
        close_bench(&b);
    }
}

/* What firings have emitted has been emitted, whether they have ended or are cancelled: it arrives. */
static void test_emitted(const rig_mode *mode) {
    for (int i = 0; i < 4; ++i) {
        bool replaced = i % 2 != 0, deals = i >= 2;
        bench b = {rig_runtime(mode), NULL, NULL, {0}};
        register_all(b.runtime);
        at.begun = 0;
        at.cancelled = at.ended = 0;
        reflow_graph *graph = rig_graph();
        const char *settings = deals ? "{\"distribute\":{\"o\":\"round-robin\"}}" : "{}";
        WORKS(reflow_graph_add_node(graph, text_of("t"), text_of("Open"), json(settings), &e));
        rig_node(graph, "u", "Pass");
        rig_connect(graph, "t.o", "u.a", "{\"capacity\":1}");
        b.network = rig_network(b.runtime, graph);
        b.in = rig_inport(b.network, "t.a");
        b.output = rig_output(b.network, "u.o", 100);
        WORKS(reflow_network_start(b.network, &e));
        send_open(&b, mode, 3, 3);
        for (int k = 0; k < 3; ++k) {
            for (int n = 0; n < 2; ++n) {
                CHECK_STATUS(REFLOW_OK, reflow_completion_emit(
                                            at.open[k], 0, reflow_message_integer(k * 2 + n), 0));
            }
            if (k < 2) CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[k]));
        }
        WORKS(reflow_graph_remove_node(graph, text_of("t"), &e));
        if (replaced) {
            rig_node(graph, "t", "Pass");
            rig_connect(graph, "t.o", "u.a", NULL);
        }
        reflow_change_options options = leaving(REFLOW_LEFTOVER_DROP);
        reflow_change done = {0};
        done.struct_size = sizeof done;
        WORKS(reflow_network_apply(b.network, graph, &options, &done, &e));
        reflow_graph_destroy(graph);
        CHECK(done.packets_dropped == 1 && at.cancelled == 1 && at.ended == 3);
        rig_idle(b.network);
        for (int k = 0; k < 6; ++k) CHECK(rig_recv(b.output) == k);
        close_bench(&b);
    }
}

/* One that takes its place gets what waits; what is open is cancelled. */
static void test_pending_replaced(const rig_mode *mode) {
    bench b = open_bench(mode, "Open", "{}");
    send_open(&b, mode, 5, 3);
    CHECK(change(&b, REFLOW_LEFTOVER_DEAD_LETTER, "Pass", "{}") == 3);
    CHECK(at.begun == 3 && at.cancelled == 3 && at.ended == 3);
    check_letters(&b, 3, 1);
    rig_idle(b.network);
    CHECK(rig_recv(b.output) == 3 && rig_recv(b.output) == 4);
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.received == 5 && counters.fired == 2 && counters.waiting == 0);
    close_bench(&b);
}

/* One that takes its place has not the port that something waits at, or is on its way to. */
static void test_lost_port(const rig_mode *mode) {
    for (reflow_leftover how = 0; how <= REFLOW_LEFTOVER_DEAD_LETTER; ++how) {
        bench b = open_bench(mode, "Pass", "{}");
        rig_component narrow = {0};
        narrow.id = "Narrow";
        narrow.inports = "b";
        narrow.outports = "o";
        narrow.run = rig_pass;
        rig_register(b.runtime, &narrow);
        rig_pause(b.network, "t");
        for (int i = 0; i < 3; ++i) rig_send(b.network, b.in, i);
        const int kept = how == REFLOW_LEFTOVER_DROP ? 0 : 3;
        CHECK(change(&b, how, "Narrow", "{}") == 3);
        check_letters(&b, kept, 0);
        rig_resume(b.network, "t");
        /* What the sender could not deliver yet. */
        reflow_graph *graph = rig_graph();
        rig_node(graph, "x", "Pass");
        rig_node(graph, "t", "Pass");
        rig_connect(graph, "x.o", "t.a", "{\"capacity\":1}");
        reflow_change_options options = leaving(how);
        WORKS(reflow_network_apply(b.network, graph, &options, NULL, &e));
        rig_pause(b.network, "t");
        for (int i = 3; i < 6; ++i) rig_send(b.network, rig_inport(b.network, "x.a"), i);
        rig_quiet(b.network);
        reflow_graph_destroy(graph);
        graph = rig_graph();
        rig_node(graph, "x", "Pass");
        rig_node(graph, "t", "Narrow");
        reflow_change done = {0};
        done.struct_size = sizeof done;
        WORKS(reflow_network_apply(b.network, graph, &options, &done, &e));
        reflow_graph_destroy(graph);
        /* One waited there and one with the sender, who may not have taken the third yet. */
        const uint64_t lost = done.packets_dropped;
        CHECK(lost == 2 || lost == 3);
        reflow_message list, letter, text;
        WORKS(reflow_network_list_dead_letters(b.network, text_of(""), 0, 100, &list, &e));
        CHECK(reflow_message_count(list) == (kept == 0 ? 0 : 3 + lost));
        for (size_t i = 0; i < reflow_message_count(list); ++i) {
            CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, i, &letter));
            CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("message"), &text));
            CHECK(is_json(text, "\"the node was replaced by one without the inport 'a'\""));
        }
        reflow_message_unref(list);
        close_bench(&b);
    }
}

/* What is worked off is not cancelled, if somebody ends it in time. */
static void *end_all(void *data) {
    (void)data;
    for (size_t i = 0; i < 3; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(at.open[i], 0,
                                                       reflow_message_integer((int64_t)i), 0));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[i]));
    }
    return NULL;
}
static void test_worked_off(const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_SIMULATED) return; /* waits for no other thread */
    bench b = open_bench(mode, "Open", "{}");
    send_open(&b, mode, 3, 3);
    reflow_graph *empty = rig_graph();
    reflow_change_options options = leaving(REFLOW_LEFTOVER_DRAIN);
    options.drain_ms = REFLOW_FOREVER;
    reflow_change done = {0};
    done.struct_size = sizeof done;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, end_all, NULL) == 0);
    WORKS(reflow_network_apply(b.network, empty, &options, &done, &e));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(done.packets_dropped == 0 && at.cancelled == 0 && at.ended == 3);
    for (int i = 0; i < 3; ++i) CHECK(rig_recv(b.output) == i);
    no_more(&b);
    reflow_graph_destroy(empty);
    close_bench(&b);
}

/* A node that is paused works off what waits if it is let go on while the change waits. */
static int change_begun;
static reflow_status tells(reflow_context *context, void *state) {
    (void)context;
    (void)state;
    __atomic_store_n(&change_begun, 1, __ATOMIC_SEQ_CST);
    return REFLOW_OK;
}
static void *resumes(void *network) {
    while (__atomic_load_n(&change_begun, __ATOMIC_SEQ_CST) == 0) sched_yield();
    WORKS(reflow_network_resume(network, text_of("t"), &e));
    return NULL;
}
static void test_paused_worked_off(const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_SIMULATED) return; /* waits for no other thread */
    bench b = open_bench(mode, "Pass", "{}");
    rig_component telling = {0};
    telling.id = "Tells";
    telling.inports = "a";
    telling.run = rig_pass;
    telling.setup = tells;
    rig_register(b.runtime, &telling);
    rig_pause(b.network, "t");
    for (int i = 0; i < 3; ++i) rig_send(b.network, b.in, i);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "new", "Tells");
    reflow_change_options options = leaving(REFLOW_LEFTOVER_DRAIN);
    options.drain_ms = REFLOW_FOREVER;
    reflow_change done = {0};
    done.struct_size = sizeof done;
    change_begun = 0;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, resumes, b.network) == 0);
    WORKS(reflow_network_apply(b.network, graph, &options, &done, &e));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(done.packets_dropped == 0);
    for (int i = 0; i < 3; ++i) CHECK(rig_recv(b.output) == i);
    no_more(&b);
    reflow_graph_destroy(graph);
    close_bench(&b);
}

/* What a node keeps for later is worked off too. */
static void test_delayed(const rig_mode *mode) {
    bench b = open_bench(mode, "Pass", "{}");
    reflow_graph *graph = rig_graph(), *without = rig_graph();
    rig_node(graph, "t", "Pass");
    rig_node(without, "t", "Pass");
    WORKS(reflow_graph_add_node(graph, text_of("d"), text_of("Delay"), json("{\"ms\":20}"), &e));
    rig_connect(graph, "d.out", "t.a", "{}");
    const reflow_endpoint delay = rig_end("d.in");
    WORKS(reflow_graph_add_inport(graph, text_of("in"), &delay, text_of(""), &e));
    WORKS(reflow_network_apply(b.network, graph, NULL, NULL, &e));
    reflow_inport in = rig_inport(b.network, "d.in");
    for (int i = 0; i < 3; ++i) rig_send(b.network, in, i);
    reflow_change_options options = leaving(REFLOW_LEFTOVER_DRAIN);
    options.drain_ms = REFLOW_FOREVER;
    reflow_change done = {0};
    done.struct_size = sizeof done;
    WORKS(reflow_network_apply(b.network, without, &options, &done, &e));
    CHECK(done.packets_dropped == 0);
    for (int i = 0; i < 3; ++i) CHECK(rig_recv(b.output) == i);
    reflow_graph_destroy(graph);
    reflow_graph_destroy(without);
    close_bench(&b);
}

/* ---- attempts */

static void wait_retrying(bench *b, const rig_mode *mode, uint32_t failures) {
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    do {
        if (mode->mode == REFLOW_MODE_LENT && mode->lent == 0) {
            WORKS(reflow_runtime_work(b->runtime, 0, &e));
        } else if (mode->mode == REFLOW_MODE_SIMULATED) {
            WORKS(reflow_runtime_run(b->runtime, 1, NULL, &e)); /* and not to the next attempt */
        } else if (!rig_threaded(mode)) {
            WORKS(reflow_runtime_run(b->runtime, 0, NULL, &e));
        }
        WORKS(reflow_network_node_state(b->network, text_of("t"), &status, &e));
    } while (status.retries < failures);
    WORKS(reflow_network_node_state(b->network, text_of("t"), &status, &e)); /* told of by now */
    CHECK((status.details & REFLOW_NODE_IS_RETRYING) != 0);
}

static const char later[] = "{\"failure\":{\"retries\":9,\"backoff_ms\":100000000,"
                            "\"backoff_max_ms\":100000000,\"jitter\":0}}";

static void test_attempts(const rig_mode *mode) {
    for (reflow_leftover how = REFLOW_LEFTOVER_DROP; how <= REFLOW_LEFTOVER_DEAD_LETTER; ++how) {
        bool letters = how == REFLOW_LEFTOVER_DEAD_LETTER;
        bench b = open_bench(mode, "Fails", later);
        for (int i = 0; i < 3; ++i) rig_send(b.network, b.in, i);
        wait_retrying(&b, mode, 1);
        CHECK(change(&b, how, NULL, NULL) == 3);
        check_letters(&b, letters ? 3 : 0, 1);
        rig_idle(b.network);
        close_bench(&b);

        /* The same of firings that failed while they were pending. */
        b = open_bench(mode, "Open", later);
        send_open(&b, mode, 4, 3);
        for (int i = 0; i < 2; ++i) {
            CHECK_STATUS(REFLOW_OK, reflow_completion_fail(at.open[i], REFLOW_ERROR_FAILED,
                                                           text_of("as planned"), text_of("")));
        }
        wait_retrying(&b, mode, 2);
        CHECK(change(&b, how, NULL, NULL) == 4);
        check_letters(&b, letters ? 4 : 0, 1);
        CHECK(at.cancelled == (int)at.begun - 2 && at.ended == (int)at.begun);
        rig_idle(b.network);
        close_bench(&b);
    }
    /* Replaced: what failed in its call, and what waits, is tried by the new one. */
    bench b = open_bench(mode, "Fails", later);
    for (int i = 0; i < 3; ++i) rig_send(b.network, b.in, i);
    wait_retrying(&b, mode, 1);
    CHECK(change(&b, REFLOW_LEFTOVER_DROP, "Pass", "{}") == 0);
    rig_idle(b.network);
    for (int i = 0; i < 3; ++i) CHECK(rig_recv(b.output) == i);
    close_bench(&b);
    /* What had been pending is dropped and counted. */
    b = open_bench(mode, "Open", later);
    send_open(&b, mode, 3, 3);
    for (int i = 0; i < 3; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_completion_fail(at.open[i], REFLOW_ERROR_FAILED,
                                                       text_of("as planned"), text_of("")));
    }
    wait_retrying(&b, mode, 3);
    CHECK(change(&b, REFLOW_LEFTOVER_DROP, "Pass", "{}") == 3);
    rig_idle(b.network);
    close_bench(&b);
}

/* ---- what was shown, and what had not arrived */

/* Fires for each packet at A, and shows the newest one at b. */
static reflow_status show_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    (void)count;
    return REFLOW_OK;
}

static void test_shown(const rig_mode *mode) {
    for (int shown = 0; shown < 2; ++shown) {
        reflow_runtime *runtime = rig_runtime(mode);
        rig_component show = {0};
        show.id = "Show";
        show.inports = "Ab";
        show.await = REFLOW_AWAIT_REQUIRED;
        show.run = show_run;
        rig_register(runtime, &show);
        rig_register_pass(runtime);
        reflow_graph *graph = rig_graph(), *empty = rig_graph();
        rig_node(graph, "s", "Pass");
        rig_node(graph, "t", "Show");
        rig_connect(graph, "s.o", "t.A", NULL);
        reflow_network *network = rig_network(runtime, graph);
        reflow_inport a = rig_inport(network, "s.a"), b = rig_inport(network, "t.b");
        WORKS(reflow_network_start(network, &e));
        rig_send(network, b, 5);
        if (shown) rig_send(network, a, 1);
        rig_idle(network);
        reflow_change_options options = leaving(REFLOW_LEFTOVER_DEAD_LETTER);
        reflow_change done = {0};
        done.struct_size = sizeof done;
        WORKS(reflow_network_apply(network, empty, &options, &done, &e));
        reflow_dead_letters letters = {0};
        letters.struct_size = sizeof letters;
        WORKS(reflow_network_dead_letters(network, &letters, &e));
        CHECK(done.packets_dropped == (shown ? 0 : 1) && letters.total == done.packets_dropped);
        reflow_graph_destroy(graph);
        reflow_graph_destroy(empty);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
    }
}

/* What its sender could not deliver to a node that goes is a letter too. */
static void test_not_arrived(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Pass");
    rig_node(graph, "t", "Pass");
    rig_connect(graph, "s.o", "t.a", "{\"capacity\":1}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport in = rig_inport(network, "s.a");
    WORKS(reflow_network_start(network, &e));
    rig_pause(network, "t");
    for (int i = 0; i < 5; ++i) rig_send(network, in, i);
    rig_quiet(network);
    WORKS(reflow_graph_remove_node(graph, text_of("t"), &e));
    reflow_change_options options = leaving(REFLOW_LEFTOVER_DEAD_LETTER);
    reflow_change done = {0};
    done.struct_size = sizeof done;
    WORKS(reflow_network_apply(network, graph, &options, &done, &e));
    rig_idle(network);
    reflow_node_counters counters = rig_counters(network, "s");
    CHECK(counters.received == 5 && counters.waiting == 0);
    reflow_dead_letters letters = {0};
    letters.struct_size = sizeof letters;
    WORKS(reflow_network_dead_letters(network, &letters, &e));
    /* The first one has arrived; of the others those that were emitted before the change. */
    CHECK(done.packets_dropped >= 2 && letters.total == done.packets_dropped);
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(network, text_of(""), 0, 100, &list, &e));
    CHECK(reflow_message_count(list) == letters.total);
    reflow_message_unref(list);
    reflow_graph_destroy(graph);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- timers */

static reflow_status ticks(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    for (uint32_t id = 0; id < REFLOW_MAX_TIMERS && reflow_context_timers(context) == 0; ++id) {
        WORKS(reflow_context_set_periodic(context, id, 1 + id, UINT64_C(3600000000000), &e));
    }
    CHECK_STATUS(REFLOW_OK, reflow_context_wake_after(context, UINT64_C(3600000000000)));
    return REFLOW_OK;
}

static void test_timers(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component tick = {0};
    tick.id = "Tick";
    tick.outports = "o";
    tick.run = ticks;
    rig_register(runtime, &tick);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "t", "Tick");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(network, &e));
    if (mode->mode == REFLOW_MODE_LENT) {
        (void)reflow_runtime_work(runtime, 0, NULL);
    } else if (mode->mode != REFLOW_MODE_OWN) {
        WORKS(reflow_runtime_run(runtime, 3, NULL, &e));
    }
    WORKS(reflow_network_remove_node(network, text_of("t"), &e));
    rig_idle(network);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- breakpoints */

/* s -> t, which stands before a firing, or s before a delivery; then one of them goes, or the
 * connection. */
static void test_breakpoints(const rig_mode *mode) {
    static const struct {
        bool delivery;
        const char *gone; /* NULL: the connection */
        uint32_t flags;
        uint64_t dropped;
    } cases[] = {
        {false, "t", 0, 1},
        {false, "t", REFLOW_BREAK_NODE_ONLY, 1},
        {false, "s", 0, 0},
        {false, NULL, 0, 0},
        {true, "t", 0, 1},
        {true, "s", 0, 0}, /* what it had emitted arrives */
        {true, "s", REFLOW_BREAK_ONCE, 0},
        {true, NULL, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        reflow_runtime *runtime = rig_runtime(mode);
        rig_register_pass(runtime);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "s", "Pass");
        rig_node(graph, "t", "Pass");
        rig_connect(graph, "s.o", "t.a", NULL);
        reflow_network *network = rig_network(runtime, graph);
        reflow_inport in = rig_inport(network, "s.a");
        reflow_break_options options = {0};
        options.struct_size = sizeof options;
        options.flags = cases[i].flags;
        options.node = text_of(cases[i].delivery ? "s" : "t");
        if (cases[i].delivery) options.outport = text_of("o");
        reflow_breakpoint breakpoint;
        WORKS(reflow_network_break(network, &options, &breakpoint, &e));
        WORKS(reflow_network_start(network, &e));
        rig_send(network, in, 1);
        rig_quiet(network);
        if (cases[i].gone != NULL) {
            WORKS(reflow_graph_remove_node(graph, text_of(cases[i].gone), &e));
        } else {
            reflow_endpoint from = rig_end("s.o"), to = rig_end("t.a");
            WORKS(reflow_graph_disconnect(graph, &from, &to, &e));
        }
        reflow_change_options how = leaving(REFLOW_LEFTOVER_DROP);
        reflow_change done = {0};
        done.struct_size = sizeof done;
        WORKS(reflow_network_apply(network, graph, &how, &done, &e));
        CHECK(done.packets_dropped == cases[i].dropped);
        rig_resume(network, "");
        if (cases[i].gone == NULL || cases[i].gone[0] == 's') {
            rig_idle(network);
            reflow_node_counters counters = rig_counters(network, "t");
            CHECK(counters.received == 1 && counters.fired == 1 && counters.waiting == 0);
        } else {
            rig_idle(network);
        }
        reflow_message list;
        WORKS(reflow_network_breakpoints(network, &list, &e));
        bool ended = cases[i].gone != NULL && (cases[i].gone[0] == 's') == cases[i].delivery;
        CHECK(reflow_message_count(list) == (ended || cases[i].flags == REFLOW_BREAK_ONCE ? 0 : 1));
        reflow_message_unref(list);
        WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
        reflow_graph_destroy(graph);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
    }
}

/* ---- streams */

static reflow_stream_writer *writer;
static reflow_stream_reader *reader;
static int written, read_frames, writer_closed, reader_error;

/* Writes until it is full, for ever. */
static reflow_status write_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    if (count != 0) {
        reflow_message handle;
        reflow_stream_options options = {0};
        options.struct_size = sizeof options;
        options.max_frames = 2;
        CHECK_STATUS(REFLOW_OK, reflow_context_open_stream(context, 0, &options, &writer, &handle));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, handle));
    }
    for (int i = 0; i < 8; ++i) {
        reflow_message bytes;
        WORKS(reflow_message_bytes("x", 1, &bytes, &e));
        reflow_status status = reflow_stream_write(writer, bytes, 0);
        if (status != REFLOW_OK) reflow_message_unref(bytes);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return REFLOW_OK; /* run is called when there is room */
        if (status == REFLOW_ERROR_CLOSED) {
            __atomic_add_fetch(&writer_closed, 1, __ATOMIC_SEQ_CST);
            return REFLOW_OK;
        }
        CHECK(status == REFLOW_OK);
        __atomic_add_fetch(&written, 1, __ATOMIC_SEQ_CST);
    }
    return reflow_context_again(context);
}
static void write_teardown(reflow_context *context, void *state) {
    (void)context;
    (void)state;
    reflow_stream_writer_destroy(writer);
    writer = NULL;
}

/* Reads six frames, and then only what tells an end. */
static reflow_status read_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    if (count != 0) {
        CHECK_STATUS(REFLOW_OK, reflow_context_accept_stream(context, inputs[0].message, &reader));
    }
    while (__atomic_load_n(&read_frames, __ATOMIC_SEQ_CST) < 6 || writer == NULL) {
        reflow_stream_frame frame;
        size_t got = 0;
        reflow_status status = reflow_stream_read(reader, &frame, 1, 0, &got);
        if (status == REFLOW_ERROR_WOULD_BLOCK || status == REFLOW_ERROR_CLOSED) return REFLOW_OK;
        CHECK(status == REFLOW_OK && got == 1);
        if (frame.kind == REFLOW_FRAME_ERROR) __atomic_add_fetch(&reader_error, 1, __ATOMIC_SEQ_CST);
        reflow_message_unref(frame.message);
        __atomic_add_fetch(&read_frames, 1, __ATOMIC_SEQ_CST);
    }
    return REFLOW_OK;
}
static void read_teardown(reflow_context *context, void *state) {
    (void)context;
    (void)state;
    reflow_stream_reader_destroy(reader);
    reader = NULL;
}

static void register_streams(reflow_runtime *runtime) {
    rig_component component = {0};
    component.id = "Writes";
    component.inports = "a";
    component.outports = "o";
    component.run = write_run;
    component.teardown = write_teardown;
    rig_register(runtime, &component);
    component.id = "Reads";
    component.run = read_run;
    component.teardown = read_teardown;
    rig_register(runtime, &component);
}

/* One side goes while the writer waits for room, which the reader does not make. */
static void test_streams(const rig_mode *mode) {
    for (int i = 0; i < 4; ++i) {
        bool reader_goes = i % 2 == 0, drains = i < 2;
        written = read_frames = writer_closed = reader_error = 0;
        reflow_runtime *runtime = rig_runtime(mode);
        register_streams(runtime);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "w", "Writes");
        rig_node(graph, "r", "Reads");
        rig_connect(graph, "w.o", "r.a", NULL);
        reflow_network *network = rig_network(runtime, graph);
        reflow_inport in = rig_inport(network, "w.a");
        WORKS(reflow_network_start(network, &e));
        rig_send(network, in, 1);
        /* Nothing inside ends that. */
        FAILS(REFLOW_ERROR_LIMIT, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(read_frames == 6 && written == 5 + 2);
        WORKS(reflow_graph_remove_node(graph, text_of(reader_goes ? "r" : "w"), &e));
        reflow_change_options options = leaving(drains ? REFLOW_LEFTOVER_DRAIN : REFLOW_LEFTOVER_DROP);
        reflow_change done = {0};
        done.struct_size = sizeof done;
        WORKS(reflow_network_apply(network, graph, &options, &done, &e));
        CHECK(done.packets_dropped == 0);
        rig_idle(network);
        if (reader_goes) {
            CHECK(writer_closed == 1 && reader == NULL);
        } else {
            /* The reader has not waited for a frame, so it is not called. */
            CHECK(writer == NULL && read_frames == 6);
            reflow_stream_frame frames[8];
            size_t got = 0;
            CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, frames, 8, 0, &got));
            CHECK(got == 3 && frames[2].kind == REFLOW_FRAME_ERROR);
            for (size_t k = 0; k < got; ++k) reflow_message_unref(frames[k].message);
        }
        reflow_graph_destroy(graph);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
        CHECK(writer == NULL && reader == NULL);
    }
}

/* ---- two changes at once */

static struct {
    reflow_network *network;
    int done;
} both;

enum { ROUNDS = 12 };
static void *changes(void *data) {
    int who = *(int *)data;
    char name[16], other[16];
    snprintf(name, sizeof name, "n%d", who);
    snprintf(other, sizeof other, "m%d", who);
    reflow_message none = {0, 0};
    for (int i = 0; i < ROUNDS; ++i) {
        WORKS(reflow_network_add_node(both.network, text_of(name), text_of("Pass"), none, &e));
        WORKS(reflow_network_add_node(both.network, text_of(other), text_of("Pass"), none, &e));
        reflow_endpoint from = {text_of("head"), text_of("o"), REFLOW_NO_INDEX, 0};
        reflow_endpoint to = {text_of(name), text_of("a"), REFLOW_NO_INDEX, 0};
        reflow_endpoint out = {text_of(name), text_of("o"), REFLOW_NO_INDEX, 0};
        reflow_endpoint in = {text_of(other), text_of("a"), REFLOW_NO_INDEX, 0};
        WORKS(reflow_network_connect(both.network, &from, &to, none, &e));
        WORKS(reflow_network_connect(both.network, &out, &in, none, &e));
        WORKS(reflow_network_replace_node(both.network, text_of(name), text_of("Pass"),
                                          json("{\"k\":1}"), &e));
        if (i + 1 == ROUNDS) break;
        WORKS(reflow_network_remove_node(both.network, text_of(other), &e));
        WORKS(reflow_network_remove_node(both.network, text_of(name), &e));
    }
    __atomic_add_fetch(&both.done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void test_at_once(const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_SIMULATED) return; /* waits for no other thread */
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "head", "Pass");
    both.network = rig_network(runtime, graph);
    both.done = 0;
    reflow_graph_destroy(graph);
    reflow_inport in = rig_inport(both.network, "head.a");
    WORKS(reflow_network_start(both.network, &e));
    pthread_t threads[3];
    int who[3] = {0, 1, 2};
    for (int i = 0; i < 3; ++i) CHECK(pthread_create(&threads[i], NULL, changes, &who[i]) == 0);
    int64_t sent = 0;
    do {
        reflow_status status = reflow_network_send(both.network, in, reflow_message_integer(sent),
                                                   rig_waits(mode) ? REFLOW_FOREVER : 0, NULL);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_WOULD_BLOCK);
        sent += status == REFLOW_OK;
        if (status != REFLOW_OK) (void)reflow_network_wait_idle(both.network, 0, NULL);
        /* A run of another thread may be under way. */
        if (!rig_waits(mode)) (void)reflow_runtime_run(runtime, 10, NULL, NULL);
    } while (__atomic_load_n(&both.done, __ATOMIC_SEQ_CST) < 3);
    for (int i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    rig_idle(both.network);
    CHECK(rig_counters(both.network, "head").fired == (uint64_t)sent);
    WORKS(reflow_network_graph(both.network, &graph, &e));
    CHECK(reflow_graph_node_count(graph) == 7 && reflow_graph_connection_count(graph) == 6);
    reflow_graph_destroy(graph);
    for (int i = 0; i < 3; ++i) {
        char name[16], other[16];
        snprintf(name, sizeof name, "n%d", i);
        snprintf(other, sizeof other, "m%d", i);
        reflow_node_counters first = rig_counters(both.network, name);
        reflow_node_counters last = rig_counters(both.network, other);
        CHECK(first.received == first.fired && first.sent + first.failed >= last.received);
        CHECK(last.received == last.fired && first.waiting == 0 && last.waiting == 0);
    }
    reflow_network_destroy(both.network);
    reflow_runtime_destroy(runtime);
}

/* ---- firings that are cancelled twice at once */

enum { FIRINGS = 200 };
static int many_begun;

static reflow_status many_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    for (size_t i = 0; i < count; ++i) {
        reflow_completion open;
        CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &open));
        CHECK_STATUS(REFLOW_OK, reflow_completion_on_cancel(open, on_cancel, NULL, on_end));
        __atomic_add_fetch(&many_begun, 1, __ATOMIC_SEQ_CST);
    }
    return REFLOW_OK;
}
static void *cancels(void *network) {
    (void)reflow_network_cancel(network, text_of(""), NULL, NULL);
    return NULL;
}

/* By a host, and by a stop, or a change that removes the node. */
static void test_cancelled_twice(const rig_mode *mode) {
    if (!rig_threaded(mode)) return;
    reflow_graph *graph = rig_graph(), *empty = rig_graph();
    rig_node(graph, "t", "Many");
    for (int round = 0; round < 20; ++round) {
        many_begun = at.cancelled = at.ended = 0;
        reflow_runtime *runtime = rig_runtime(mode);
        reflow_port in;
        memset(&in, 0, sizeof in);
        in.name = text_of("a");
        reflow_component many = {0};
        many.struct_size = sizeof many;
        many.port_size = sizeof in;
        many.id = text_of("Many");
        many.inports = &in;
        many.inport_count = 1;
        many.max_concurrency = many.max_batch = FIRINGS;
        many.run = many_run;
        WORKS(reflow_runtime_register(runtime, &many, &e));
        reflow_network *network = rig_network(runtime, graph);
        reflow_inport to = rig_inport(network, "t.a");
        WORKS(reflow_network_start(network, &e));
        for (int i = 0; i < FIRINGS; ++i) rig_send(network, to, i);
        while (__atomic_load_n(&many_begun, __ATOMIC_SEQ_CST) < FIRINGS) sched_yield();
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, cancels, network) == 0);
        while (round % 4 != 0 && __atomic_load_n(&at.cancelled, __ATOMIC_SEQ_CST) == 0) sched_yield();
        if (round % 2 == 0) {
            WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
        } else {
            reflow_change_options options = leaving(REFLOW_LEFTOVER_DROP);
            WORKS(reflow_network_apply(network, empty, &options, NULL, &e));
        }
        CHECK(pthread_join(thread, NULL) == 0);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
        CHECK(at.cancelled == FIRINGS && at.ended == FIRINGS);
    }
    reflow_graph_destroy(graph);
    reflow_graph_destroy(empty);
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        test_cancelled_twice(mode);
        test_shown(mode);
        test_not_arrived(mode);
        test_timers(mode);
        test_breakpoints(mode);
        test_streams(mode);
        test_at_once(mode);
        test_pending(mode);
        test_emitted(mode);
        test_pending_replaced(mode);
        test_lost_port(mode);
        test_worked_off(mode);
        test_paused_worked_off(mode);
        test_delayed(mode);
        test_attempts(mode);
    }
    return 0;
}
