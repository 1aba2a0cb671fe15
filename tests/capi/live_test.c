/* Changes of networks that run or have not been started: apply, the single edits, and what becomes
 * of numbers, readers, counters, pauses and events; in every mode. */
#include "check.h"

#include "rig.h"

static const reflow_message none;

/* ---- components that count what is made and ended of them */

static int alive, set_up, runs_after_end;
static bool refuse_create, refuse_setup;

typedef struct relay {
    bool up;
} relay;

static reflow_status relay_create(reflow_context *context, void *user_data, void **state) {
    (void)user_data;
    (void)context;
    if (refuse_create) return REFLOW_ERROR_CONFIG;
    *state = calloc(1, sizeof(relay));
    __atomic_add_fetch(&alive, 1, __ATOMIC_SEQ_CST);
    return REFLOW_OK;
}
static reflow_status relay_setup(reflow_context *context, void *state) {
    (void)context;
    if (refuse_setup) return REFLOW_ERROR_IO;
    ((relay *)state)->up = true;
    __atomic_add_fetch(&set_up, 1, __ATOMIC_SEQ_CST);
    return REFLOW_OK;
}
static reflow_status relay_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    if (!((relay *)state)->up) __atomic_add_fetch(&runs_after_end, 1, __ATOMIC_SEQ_CST);
    return rig_pass(context, state, inputs, count);
}
static void relay_teardown(reflow_context *context, void *state) {
    (void)context;
    ((relay *)state)->up = false;
    __atomic_sub_fetch(&set_up, 1, __ATOMIC_SEQ_CST);
}
static void relay_destroy(void *state) {
    free(state);
    __atomic_sub_fetch(&alive, 1, __ATOMIC_SEQ_CST);
}

/* A source that emits 7 at its start, and no more. */
static reflow_status once_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    return count == 0 ? reflow_context_emit(context, 0, reflow_message_integer(7)) : REFLOW_OK;
}

static void register_all(reflow_runtime *runtime) {
    static const char *const ids[] = {"Relay", "Other"};
    for (int i = 0; i < 2; ++i) {
        rig_component component = {0};
        component.id = ids[i];
        component.inports = i == 0 ? "a" : "ab";
        component.outports = "o";
        component.max_batch = i == 0 ? 1 : 16;
        component.create = relay_create;
        component.setup = relay_setup;
        component.run = relay_run;
        component.teardown = relay_teardown;
        component.destroy_state = relay_destroy;
        rig_register(runtime, &component);
    }
    rig_component once = {0};
    once.id = "Once";
    once.outports = "o";
    once.run = once_run;
    rig_register(runtime, &once);
}

/* x -> y -> z of Relay. */
static reflow_graph *three(void) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "x", "Relay");
    rig_node(graph, "y", "Relay");
    rig_node(graph, "z", "Relay");
    rig_connect(graph, "x.o", "y.a", NULL);
    rig_connect(graph, "y.o", "z.a", NULL);
    return graph;
}

static reflow_change apply(reflow_network *network, const reflow_graph *graph) {
    reflow_change change = {0};
    change.struct_size = sizeof change;
    WORKS(reflow_network_apply(network, graph, NULL, &change, &e));
    return change;
}

static void ended(reflow_runtime *runtime, reflow_network *network) {
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    CHECK(alive == 0 && set_up == 0 && runs_after_end == 0);
}

/* ---- tests */

static void test_apply(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "z.o", 0);
    WORKS(reflow_network_start(network, &e));
    reflow_inport x = rig_inport(network, "x.a"), y = rig_inport(network, "y.a");
    for (int i = 1; i <= 10; ++i) rig_send(network, x, i);
    rig_idle(network);

    /* The same graph: nothing happens. */
    reflow_change same = apply(network, graph);
    CHECK(same.nodes_kept == 3 && same.nodes_added == 0 && same.nodes_removed == 0 &&
          same.nodes_replaced == 0 && same.connections_added == 0 &&
          same.connections_removed == 0 && same.packets_dropped == 0);

    /* y goes, n comes: kept nodes keep their counts, new ones begin. */
    WORKS(reflow_graph_remove_node(graph, text_of("y"), &e));
    rig_node(graph, "n", "Other");
    rig_connect(graph, "x.o", "n.b", NULL);
    rig_connect(graph, "n.o", "z.a", NULL);
    reflow_change change = apply(network, graph);
    CHECK(change.nodes_kept == 2 && change.nodes_added == 1 && change.nodes_removed == 1);
    CHECK(change.connections_added == 2 && change.connections_removed == 2);
    CHECK(alive == 3 && set_up == 3);
    for (int i = 11; i <= 20; ++i) rig_send(network, x, i);
    rig_idle(network);
    CHECK(rig_counters(network, "x").fired == 20 && rig_counters(network, "n").fired == 10);
    CHECK(rig_counters(network, "z").fired == 20);
    for (int i = 1; i <= 20; ++i) CHECK(rig_recv(output) == i);

    /* What has gone is not found, by name and by number, also when its place is used again. */
    reflow_node_counters counters = {0};
    counters.struct_size = sizeof counters;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_counters(network, text_of("y"), &counters, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_send(network, y, reflow_message_integer(1), 0, &e));
    reflow_inport n = rig_inport(network, "n.b");
    CHECK(n.id != y.id);
    rig_send(network, n, 21);
    rig_idle(network);
    CHECK(rig_recv(output) == 21);

    /* The graph that runs is the one that was applied, and is not changed by edits of the handle.
     */
    reflow_graph *now = NULL;
    WORKS(reflow_network_graph(network, &now, &e));
    CHECK(reflow_graph_equal(now, graph));
    WORKS(reflow_graph_remove_node(now, text_of("n"), &e));
    CHECK(!reflow_graph_equal(now, graph));
    reflow_graph_destroy(now);
    WORKS(reflow_network_graph(network, &now, &e));
    CHECK(reflow_graph_equal(now, graph));
    reflow_graph_destroy(now);

    /* z goes, and with it what its reader reads: what it holds comes first. */
    rig_send(network, x, 22);
    rig_idle(network);
    WORKS(reflow_network_remove_node(network, text_of("z"), &e));
    CHECK(rig_recv(output) == 22);
    reflow_message message;
    size_t count = 0;
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

static void test_edits(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    reflow_inport x = rig_inport(network, "x.a");
    WORKS(reflow_network_add_node(network, text_of("n"), text_of("Relay"), none, &e));
    reflow_output *output = rig_output(network, "n.o", 0); /* while it runs */
    reflow_endpoint from = rig_end("z.o"), to = rig_end("n.a");
    WORKS(reflow_network_connect(network, &from, &to, none, &e));
    for (int i = 1; i <= 5; ++i) rig_send(network, x, i);
    rig_idle(network);
    for (int i = 1; i <= 5; ++i) CHECK(rig_recv(output) == i);

    /* Another component: what waits at it stays, its counts go on. */
    WORKS(reflow_network_pause(network, text_of("n"), REFLOW_FOREVER, &e));
    for (int i = 6; i <= 9; ++i) rig_send(network, x, i);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    reflow_inport n = rig_inport(network, "n.a");
    WORKS(reflow_network_replace_node(network, text_of("n"), text_of("Other"), none, &e));
    CHECK(rig_counters(network, "n").waiting == 4 && rig_counters(network, "n").fired == 5);
    FAILS(REFLOW_ERROR_NOT_FOUND, /* it has other inports */
          reflow_network_send(network, n, reflow_message_integer(1), 0, &e));
    WORKS(reflow_network_resume(network, text_of("n"), &e));
    rig_idle(network);
    for (int i = 6; i <= 9; ++i) CHECK(rig_recv(output) == i);
    CHECK(rig_counters(network, "n").fired == 9 && rig_counters(network, "n").received == 9);

    /* Another configuration: the number of its inport stays. */
    n = rig_inport(network, "n.b");
    WORKS(reflow_network_replace_node(network, text_of("n"), text_of("Other"), json("{\"k\":1}"),
                                      &e));
    rig_send(network, n, 10);
    rig_idle(network);
    CHECK(rig_recv(output) == 10);

    WORKS(reflow_network_disconnect(network, &from, &to, &e));
    rig_send(network, x, 11);
    rig_idle(network);
    CHECK(rig_counters(network, "n").fired == 10 && rig_counters(network, "z").fired == 10);

    /* A new source is fired, once. */
    WORKS(reflow_network_add_node(network, text_of("s"), text_of("Once"), none, &e));
    rig_idle(network);
    CHECK(rig_counters(network, "s").fired == 1);
    from = rig_end("s.o");
    WORKS(reflow_network_connect(network, &from, &to, none, &e));
    rig_idle(network);
    CHECK(rig_counters(network, "s").fired == 1 && rig_counters(network, "n").fired == 10);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* Whatever fails leaves everything as it was. */
static void test_failures(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "z.o", 0);
    WORKS(reflow_network_start(network, &e));
    reflow_inport x = rig_inport(network, "x.a");
    reflow_change change = {0};
    change.struct_size = sizeof change;
    reflow_endpoint from = rig_end("x.o"), to = rig_end("z.a"), bad = rig_end("z.q");

    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_add_node(network, text_of("n"), text_of("Relai"), none, &e));
    FAILS(REFLOW_ERROR_ALREADY_EXISTS,
          reflow_network_add_node(network, text_of("x"), text_of("Relay"), none, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_remove_node(network, text_of("q"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_replace_node(network, text_of("q"), text_of("Relay"), none, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_disconnect(network, &from, &to, &e));
    CHECK_STATUS(REFLOW_ERROR_GRAPH, reflow_network_connect(network, &from, &bad, none, NULL));
    refuse_create = true;
    FAILS(REFLOW_ERROR_CONFIG,
          reflow_network_add_node(network, text_of("n"), text_of("Relay"), none, &e));
    FAILS(REFLOW_ERROR_CONFIG,
          reflow_network_replace_node(network, text_of("y"), text_of("Other"), none, &e));
    refuse_create = false;
    refuse_setup = true;
    FAILS(REFLOW_ERROR_IO,
          reflow_network_replace_node(network, text_of("y"), text_of("Other"), none, &e));
    refuse_setup = false;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_apply(NULL, graph, NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_apply(network, NULL, NULL, NULL, &e));
    reflow_change_options options = {0};
    options.struct_size = sizeof options;
    options.leftover = 9;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_apply(network, graph, &options, NULL, &e));
    change.struct_size = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_apply(network, graph, NULL, &change, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_connect(network, NULL, &to, none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_graph(network, NULL, &e));

    CHECK(alive == 3 && set_up == 3);
    reflow_graph *now = NULL;
    WORKS(reflow_network_graph(network, &now, &e));
    CHECK(reflow_graph_equal(now, graph));
    reflow_graph_destroy(now);
    for (int i = 1; i <= 3; ++i) rig_send(network, x, i);
    rig_idle(network);
    for (int i = 1; i <= 3; ++i) CHECK(rig_recv(output) == i);

    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_remove_node(network, text_of("y"), &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_apply(network, graph, NULL, NULL, &e));
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* Before the start nothing is set up, and the start takes the network as it is then. */
static void test_before_start(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "z.o", 0);
    WORKS(reflow_network_remove_node(network, text_of("y"), &e));
    reflow_endpoint from = rig_end("x.o"), to = rig_end("z.a");
    WORKS(reflow_network_connect(network, &from, &to, none, &e));
    CHECK(alive == 2 && set_up == 0);
    WORKS(reflow_network_start(network, &e));
    CHECK(set_up == 2);
    rig_send(network, rig_inport(network, "x.a"), 5);
    rig_idle(network);
    CHECK(rig_recv(output) == 5);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* What waits at a node that goes: worked off, or dropped and counted. */
static void test_leftover(const rig_mode *mode) {
    for (int drop = 0; drop < 2; ++drop) {
        reflow_runtime *runtime = rig_runtime(mode);
        register_all(runtime);
        reflow_graph *graph = three();
        reflow_network *network = rig_network(runtime, graph);
        WORKS(reflow_network_start(network, &e));
        WORKS(reflow_network_pause(network, text_of("y"), REFLOW_FOREVER, &e));
        reflow_inport x = rig_inport(network, "x.a");
        for (int i = 1; i <= 4; ++i) rig_send(network, x, i);
        FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        /* A paused one works nothing off. */
        WORKS(reflow_graph_remove_node(graph, text_of("y"), &e));
        if (drop == 0) WORKS(reflow_network_resume(network, text_of("y"), &e));
        reflow_change_options options = {0};
        options.struct_size = sizeof options;
        options.leftover = drop == 0 ? REFLOW_LEFTOVER_DRAIN : REFLOW_LEFTOVER_DROP;
        options.drain_ms = REFLOW_FOREVER;
        reflow_change change = {0};
        change.struct_size = sizeof change;
        WORKS(reflow_network_apply(network, graph, &options, &change, &e));
        rig_idle(network);
        CHECK(rig_counters(network, "z").fired == (drop == 0 ? 4u : 0u));
        CHECK(change.packets_dropped == (drop == 0 ? 0u : 4u));
        reflow_graph_destroy(graph);
        ended(runtime, network);
    }
}

/* Nodes that come into a paused network or subgraph are paused with it. */
static void test_paused(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
    WORKS(reflow_network_add_node(network, text_of("s"), text_of("Once"), none, &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "s").fired == 0);
    WORKS(reflow_network_resume(network, text_of(""), &e));
    rig_idle(network);
    CHECK(rig_counters(network, "s").fired == 1);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* Initial packets: those of new nodes and new ones of others are sent, the others not again. */
static void test_initials(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "x", "Relay");
    rig_initial(graph, "x.a", reflow_message_integer(1));
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "x.o", 0);
    WORKS(reflow_network_start(network, &e));
    rig_idle(network);
    rig_initial(graph, "x.a", reflow_message_integer(2));
    rig_node(graph, "n", "Relay");
    rig_initial(graph, "n.a", reflow_message_integer(3));
    apply(network, graph);
    rig_idle(network);
    CHECK(rig_counters(network, "x").fired == 2 && rig_counters(network, "n").fired == 1);
    CHECK(rig_recv(output) == 1 && rig_recv(output) == 2);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* x with these initial packets; "a" stands for [1,2], any digit for itself. */
static reflow_graph *with_initials(const char *values, const char *title) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("x"), text_of("Relay"), json(title), &e));
    for (; *values != 0; ++values) {
        rig_initial(graph, "x.a", *values == 'a' ? json("[1,2]")
                                                 : reflow_message_integer(*values - '0'));
    }
    return graph;
}

/* What the old graph had is not sent again, whatever its place is now: each of its packets stands for
 * one of the same value. */
static void test_initials_moved(const rig_mode *mode) {
    static const struct {
        const char *now, *sent;
    } steps[] = {{"123", "123"}, {"23", ""},      {"923", "9"},   {"239", ""},    {"2399", "9"},
                 {"9932", ""},   {"", ""},        {"932", "932"}, {"aa9", "aa"},  {"9aaa", "a"},
                 {"a", ""},      {"1a2a3", "12a3"}, {"32a1a", ""}, {"33aaa1", "3a"}};
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = with_initials(steps[0].now, "{}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "x.o", 0);
    WORKS(reflow_network_start(network, &e));
    uint64_t fired = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; ++i) {
        reflow_graph_destroy(graph);
        graph = with_initials(steps[i].now, "{}");
        if (i != 0) CHECK(apply(network, graph).nodes_kept == 1);
        rig_idle(network);
        fired += strlen(steps[i].sent);
        CHECK(rig_counters(network, "x").fired == fired);
        for (const char *sent = steps[i].sent; *sent != 0; ++sent) {
            CHECK(*sent == 'a' || rig_recv(output) == *sent - '0');
            reflow_message message = none;
            size_t count = 0;
            if (*sent != 'a') continue;
            WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
            CHECK(reflow_message_kind(message) == REFLOW_KIND_ARRAY);
            reflow_message_unref(message);
        }
    }
    /* A node that is replaced is new: it gets all. */
    reflow_graph_destroy(graph);
    graph = with_initials("33aaa1", "{\"title\":\"another\"}");
    CHECK(apply(network, graph).nodes_replaced == 1);
    rig_idle(network);
    CHECK(rig_counters(network, "x").fired == fired + 6);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* A reader of an exposed outport follows it. */
static void test_exposed(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_endpoint z = rig_end("z.o"), y = rig_end("y.o"), x = rig_end("x.a");
    WORKS(reflow_graph_add_outport(graph, text_of("result"), &z, text_of("any"), &e));
    WORKS(reflow_graph_add_inport(graph, text_of("feed"), &x, text_of("any"), &e));
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = NULL;
    WORKS(reflow_network_open_output(network, text_of(""), text_of("result"), 0, &output, &e));
    WORKS(reflow_network_start(network, &e));
    reflow_inport feed = {0};
    WORKS(reflow_network_find_inport(network, text_of(""), text_of("feed"), &feed, &e));
    rig_send(network, feed, 1);
    rig_idle(network);
    CHECK(rig_recv(output) == 1);
    WORKS(reflow_graph_remove_outport(graph, text_of("result"), &e));
    WORKS(reflow_graph_remove_node(graph, text_of("z"), &e));
    WORKS(reflow_graph_add_outport(graph, text_of("result"), &y, text_of("any"), &e));
    apply(network, graph);
    rig_send(network, feed, 2);
    rig_idle(network);
    CHECK(rig_recv(output) == 2);
    WORKS(reflow_graph_remove_outport(graph, text_of("result"), &e));
    apply(network, graph);
    reflow_message message;
    size_t count = 0;
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* ---- inside callbacks, and callbacks that do not return */

static reflow_network *changed_inside;
static reflow_status inside_run(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    (void)count;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_network_add_node(changed_inside, text_of("n"), text_of("Inside"), none, &e));
    reflow_graph *graph = NULL;
    WORKS(reflow_network_graph(changed_inside, &graph, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_network_apply(changed_inside, graph, NULL, NULL, &e));
    reflow_graph_destroy(graph);
    return REFLOW_OK;
}

static void test_inside(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Inside";
    component.inports = "a";
    component.run = inside_run;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "i", "Inside");
    reflow_network *network = changed_inside = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    rig_send(network, rig_inport(network, "i.a"), 1);
    rig_idle(network);
    CHECK(rig_counters(network, "i").fired == 1);
    reflow_graph_destroy(graph);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static int inside, leave;
static reflow_status long_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    __atomic_store_n(&inside, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&leave, __ATOMIC_SEQ_CST) == 0) sched_yield();
    return rig_pass(context, state, inputs, count);
}

/* The change gives up after its timeout, and the network is as it was; others can be changed. */
static void test_timeout(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    register_all(runtime);
    rig_component component = {0};
    component.id = "Long";
    component.inports = "a";
    component.outports = "o";
    component.run = long_run;
    rig_register(runtime, &component);
    reflow_graph *graph = three();
    rig_node(graph, "l", "Long");
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "l.o", 0);
    WORKS(reflow_network_start(network, &e));
    rig_send(network, rig_inport(network, "l.a"), 1);
    while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0) sched_yield();
    WORKS(reflow_network_remove_node(network, text_of("y"), &e));
    WORKS(reflow_graph_remove_node(graph, text_of("l"), &e));
    reflow_change_options options = {0};
    options.struct_size = sizeof options;
    options.leftover = REFLOW_LEFTOVER_DROP;
    options.timeout_ms = 20;
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_apply(network, graph, &options, NULL, &e));
    CHECK(rig_counters(network, "l").fired == 0);
    __atomic_store_n(&leave, 1, __ATOMIC_SEQ_CST);
    rig_idle(network);
    CHECK(rig_recv(output) == 1 && rig_counters(network, "l").fired == 1);
    reflow_change change = apply(network, graph); /* y comes back with it */
    CHECK(change.nodes_removed == 1 && change.nodes_added == 1);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* Events of nodes that have gone can still be read, and patterns see new nodes. */
static void test_events(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    reflow_event_options options = rig_event_options(100, REFLOW_EVENTS_ALL);
    options.nodes = text_of("?");
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    WORKS(reflow_network_start(network, &e));
    rig_send(network, rig_inport(network, "y.a"), 1);
    rig_idle(network);
    WORKS(reflow_network_remove_node(network, text_of("y"), &e));
    WORKS(reflow_network_add_node(network, text_of("n"), text_of("Relay"), none, &e));
    rig_send(network, rig_inport(network, "n.a"), 1);
    rig_idle(network);
    bool of_y = false, started_n = false, completed_n = false;
    for (;;) {
        reflow_event_batch *batch = NULL;
        if (reflow_subscription_poll(subscription, 100, 0, &batch, NULL, NULL) != REFLOW_OK) break;
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_event event = {0};
            event.struct_size = sizeof event;
            CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, i, &event));
            bool y = event.node.size == 1 && event.node.data[0] == 'y';
            bool n = event.node.size == 1 && event.node.data[0] == 'n';
            of_y = of_y || (y && event.kind == REFLOW_EVENT_ACTOR_COMPLETED);
            started_n = started_n || (n && event.kind == REFLOW_EVENT_ACTOR_STARTED);
            completed_n = completed_n || (n && event.kind == REFLOW_EVENT_ACTOR_COMPLETED);
        }
        reflow_event_batch_destroy(batch);
    }
    CHECK(of_y && started_n && completed_n);
    reflow_subscription_destroy(subscription);
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

/* Limits count what there is, not what was. */
static void test_limits(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_actors = 4;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    register_all(runtime);
    reflow_graph *graph = three();
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 50; ++i) {
        WORKS(reflow_network_add_node(network, text_of("n"), text_of("Relay"), none, &e));
        FAILS(REFLOW_ERROR_LIMIT,
              reflow_network_add_node(network, text_of("m"), text_of("Relay"), none, &e));
        WORKS(reflow_network_replace_node(network, text_of("n"), text_of("Other"), none, &e));
        WORKS(reflow_network_remove_node(network, text_of("n"), &e));
    }
    reflow_graph_destroy(graph);
    ended(runtime, network);
}

int main(void) {
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_apply(&rig_modes[i]);
        test_edits(&rig_modes[i]);
        test_failures(&rig_modes[i]);
        test_before_start(&rig_modes[i]);
        test_leftover(&rig_modes[i]);
        test_paused(&rig_modes[i]);
        test_initials(&rig_modes[i]);
        test_initials_moved(&rig_modes[i]);
        test_exposed(&rig_modes[i]);
        test_inside(&rig_modes[i]);
        test_events(&rig_modes[i]);
    }
    test_timeout();
    test_limits();
    return 0;
}
