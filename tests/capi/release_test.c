/* Handles end in any order: every permutation, in every state of the network, and process exit
 * without any end at all. */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

#include "rig.h"

static int states, ends, message_ends, runtime_ends;

static reflow_status on_create(reflow_context *context, void *user_data, void **state) {
    (void)context, (void)user_data;
    ++states;
    *state = &states;
    return REFLOW_OK;
}
static void on_state_end(void *state) {
    CHECK(state == &states);
    --states;
}
static void on_end(void *user_data) { ++*(int *)user_data; }

enum { RUNTIME, GRAPH, NETWORK, OUTPUT, SUBSCRIPTION, BATCH, MESSAGE, HANDLES };

static reflow_runtime *runtime;
static reflow_graph *graph;
static reflow_network *network;
static reflow_output *output;
static reflow_subscription *subscription;
static reflow_event_batch *batch;
static reflow_message message;

static void open_all(const rig_mode *mode, int state) {
    states = ends = message_ends = runtime_ends = 0;
    reflow_runtime_options options = rig_options(mode);
    options.user_data = &runtime_ends;
    options.destroy = on_end;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_component component = {0};
    component.id = "Node";
    component.inports = "a";
    component.outports = "o";
    component.create = on_create;
    component.run = rig_pass;
    component.destroy_state = on_state_end;
    component.user_data = &ends;
    component.destroy = on_end;
    rig_register(runtime, &component);
    graph = rig_graph();
    rig_node(graph, "n", "Node");
    rig_initial(graph, "n.a", counted(&message_ends));
    network = rig_network(runtime, graph);
    output = rig_output(network, "n.o", 1);
    reflow_event_options kinds = rig_event_options(0, REFLOW_EVENTS_ALL);
    WORKS(reflow_network_subscribe(network, &kinds, &subscription, &e));
    reflow_inport inport = rig_inport(network, "n.a");
    message = counted(&message_ends);
    batch = NULL;
    if (state == 0) return;
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 3; ++i) {
        WORKS(reflow_network_send(network, inport, counted(&message_ends), REFLOW_FOREVER, &e));
    }
    size_t count = 0;
    reflow_message_unref(message);
    WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    WORKS(reflow_subscription_poll(subscription, 3, REFLOW_FOREVER, &batch, NULL, &e));
    if (state == 2) WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
}

static void destroy(int handle) {
    switch (handle) {
        case RUNTIME: reflow_runtime_destroy(runtime); break;
        case GRAPH: reflow_graph_destroy(graph); break;
        case NETWORK: reflow_network_destroy(network); break;
        case OUTPUT: reflow_output_destroy(output); break;
        case SUBSCRIPTION: reflow_subscription_destroy(subscription); break;
        case BATCH: reflow_event_batch_destroy(batch); break;
        default: reflow_message_unref(message); break;
    }
}

/* The next permutation in lexical order; false after the last. */
static bool next_order(int *order) {
    int at = HANDLES - 2;
    while (at >= 0 && order[at] > order[at + 1]) --at;
    if (at < 0) return false;
    int other = HANDLES - 1;
    while (order[other] < order[at]) --other;
    int kept = order[at];
    order[at] = order[other];
    order[other] = kept;
    for (int low = at + 1, high = HANDLES - 1; low < high; ++low, --high) {
        kept = order[low];
        order[low] = order[high];
        order[high] = kept;
    }
    return true;
}

static void test_orders(const rig_mode *mode, int state, int step) {
    int order[HANDLES];
    for (int i = 0; i < HANDLES; ++i) order[i] = i;
    int number = 0;
    do {
        if (number++ % step != 0) continue;
        open_all(mode, state);
        for (int i = 0; i < HANDLES; ++i) {
            destroy(order[i]);
            /* Whatever is left can still be used. */
            bool left[HANDLES] = {false};
            for (int k = i + 1; k < HANDLES; ++k) left[order[k]] = true;
            CHECK(states == (left[NETWORK] ? 1 : 0)); /* an output keeps no state alive */
            if (left[MESSAGE]) CHECK(reflow_message_kind(message) == REFLOW_KIND_STRING);
            if (left[NETWORK]) CHECK(rig_counters(network, "n").failed == 0);
            if (left[GRAPH]) CHECK(reflow_graph_node_count(graph) == 1);
            for (size_t k = 0; left[BATCH] && k < reflow_event_batch_count(batch); ++k) {
                reflow_event event = {0};
                event.struct_size = sizeof event;
                CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, k, &event));
                CHECK(event.kind == REFLOW_EVENT_NETWORK_STARTED || same_text(event.node, "n"));
            }
        }
        CHECK(states == 0 && ends == 1 && runtime_ends == 1);
        CHECK(message_ends == (state == 0 ? 2 : 5));
    } while (next_order(order));
}

/* ---- exit without any end, in the middle of traffic */

static reflow_status forward_for_ever(reflow_context *context, void *state,
                                      reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(1)));
    return reflow_context_again(context);
}

static void begin_endless_traffic(void) {
    reflow_runtime *busy = rig_runtime(&rig_own);
    rig_component component = {0};
    component.id = "Endless";
    component.outports = "o";
    component.run = forward_for_ever;
    rig_register(busy, &component);
    rig_register_pass(busy);
    reflow_graph *traffic = rig_graph();
    rig_node(traffic, "e", "Endless");
    rig_node(traffic, "p", "Pass");
    rig_connect(traffic, "e.o", "p.a", NULL);
    reflow_network *running = rig_network(busy, traffic);
    WORKS(reflow_network_start(running, &e));
    while (rig_counters(running, "p").fired < 1000) {
        (void)reflow_network_wait_idle(running, 1, NULL);
    }
}

static reflow_status exit_inside(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    exit(7);
}

static void begin_exit_inside(void) {
    reflow_runtime *busy = rig_runtime(&rig_own);
    rig_component component = {0};
    component.id = "Exit";
    component.run = exit_inside;
    rig_register(busy, &component);
    reflow_graph *traffic = rig_graph();
    rig_node(traffic, "e", "Exit");
    reflow_network *running = rig_network(busy, traffic);
    WORKS(reflow_network_start(running, &e));
    (void)reflow_network_wait_idle(running, REFLOW_FOREVER, NULL);
    for (;;) pause();
}

static reflow_network *ended_at_exit;
static void destroy_at_exit(void) { reflow_network_destroy(ended_at_exit); }
static void begin_destroy_at_exit(void) {
    reflow_runtime *busy = rig_runtime(&rig_own);
    rig_register_pass(busy);
    reflow_graph *traffic = rig_graph();
    rig_node(traffic, "p", "Pass");
    ended_at_exit = rig_network(busy, traffic);
    WORKS(reflow_network_start(ended_at_exit, &e));
    reflow_runtime_destroy(busy);
    reflow_graph_destroy(traffic);
    CHECK(atexit(destroy_at_exit) == 0);
}

/* The child is made before this process has any threads. */
static void test_exit(void (*begin)(void), int code) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        check_time_limit(20);
        begin();
        exit(code);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

int main(void) {
    check_time_limit(50);
    if (!check_slow()) { /* leaks are the very thing that is done here */
        test_exit(begin_endless_traffic, 5);
        test_exit(begin_exit_inside, 7);
    }
    test_exit(begin_destroy_at_exit, 6);
    int step = check_slow() ? 97 : 1;
    for (int state = 0; state < 3; ++state) {
        test_orders(&rig_inline, state, step);
        test_orders(&rig_own, state, check_slow() ? 211 : 7);
        test_orders(&rig_modes[4], state, check_slow() ? 211 : 7);
    }
    return 0;
}
