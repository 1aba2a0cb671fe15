/* Section 18 of reflow.h: the counters of a node that is replaced go on, those of its failures and what was
 * measured of it as well; in every mode. */
#include "check.h"

#include "failure_rig.h"

#include <pthread.h>

typedef struct numbers {
    reflow_node_metrics metrics;
    reflow_node_status status;
} numbers;

static numbers numbers_of(const reflow_network *network, const char *node) {
    numbers to;
    memset(&to, 0, sizeof to);
    to.metrics.struct_size = sizeof to.metrics;
    to.status.struct_size = sizeof to.status;
    WORKS(reflow_network_node_metrics(network, text_of(node), &to.metrics, &e));
    WORKS(reflow_network_node_state(network, text_of(node), &to.status, &e));
    return to;
}

static bool same_latency(const reflow_latency *a, const reflow_latency *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

static void check_same(const numbers *was, const numbers *is) {
    const reflow_node_metrics *a = &was->metrics, *b = &is->metrics;
    CHECK(a->fired == b->fired && a->received == b->received && a->sent == b->sent);
    CHECK(a->failed == b->failed && a->dropped == b->dropped && a->stuck == b->stuck);
    CHECK(a->highest == b->highest && a->busy_ns == b->busy_ns);
    CHECK(same_latency(&a->call, &b->call) && same_latency(&a->wait, &b->wait));
    CHECK(was->status.retries == is->status.retries);
    CHECK(was->status.restarts == is->status.restarts);
}

/* s -> w -> k, where w drops what is too much. round: of the configurations of w and k. */
static reflow_graph *line(int round, const char *component) {
    char config[160];
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Pass");
    snprintf(config, sizeof config,
             "{\"round\":%d,\"failure\":{\"retries\":1,\"backoff_ms\":1,\"then\":\"restart\","
             "\"restarts\":100}}", round);
    WORKS(reflow_graph_add_node(graph, text_of("w"), text_of(component), json(config), &e));
    WORKS(reflow_graph_add_node(graph, text_of("k"), text_of("Pass"), json(config), &e));
    rig_connect(graph, "s.o", "w.a", "{\"kind\":\"drop-newest\",\"capacity\":4}");
    rig_connect(graph, "w.o", "k.a", "{\"capacity\":100}");
    return graph;
}

/* Each call must leave these numbers as they were. */
static void replace(reflow_network *network, int round, const char *component) {
    numbers w = numbers_of(network, "w"), k = numbers_of(network, "k");
    reflow_graph *graph = line(round, component);
    reflow_change done = {0};
    done.struct_size = sizeof done;
    WORKS(reflow_network_apply(network, graph, NULL, &done, &e));
    CHECK(done.nodes_replaced == 2 && done.nodes_kept == 1 && done.packets_dropped == 0);
    reflow_graph_destroy(graph);
    numbers w_now = numbers_of(network, "w"), k_now = numbers_of(network, "k");
    check_same(&w, &w_now);
    check_same(&k, &k_now);
}

/* Ten packets, six of which are dropped; 1 is tried again, 2 until w restarts. */
static void feed(reflow_network *network, reflow_inport in) {
    work.fails[1] = 1;
    work.fails[2] = 2;
    rig_pause(network, "w");
    for (int i = 0; i < 10; ++i) rig_send(network, in, i);
    rig_quiet(network);
    rig_resume(network, "w");
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
}

static void test_all_go_on(const rig_mode *mode) {
    work_reset();
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    rig_component component = {0};
    component.id = "Work";
    component.inports = "a";
    component.outports = "o";
    component.max_batch = 1;
    component.create = work_create;
    component.setup = work_setup;
    component.run = work_run;
    component.teardown = work_teardown;
    component.destroy_state = work_destroy;
    rig_register(runtime, &component);
    reflow_graph *graph = line(0, "Work");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_measure_options every = {0};
    every.struct_size = sizeof every;
    every.sample = 1;
    WORKS(reflow_network_measure(network, &every, &e));
    WORKS(reflow_network_start(network, &e));
    reflow_inport in = rig_inport(network, "s.a");
    for (int round = 1; round <= 3; ++round) {
        feed(network, in);
        numbers w = numbers_of(network, "w"), k = numbers_of(network, "k");
        uint64_t rounds = (uint64_t)round;
        CHECK(w.metrics.dropped == 6 * rounds && w.metrics.received == 4 * rounds);
        CHECK(w.status.retries == 2 * rounds && w.status.restarts == rounds);
        CHECK(w.metrics.failed == rounds && w.metrics.highest >= 1 && w.metrics.highest <= 4);
        /* Of each packet one, and two more that were tried again. */
        CHECK(w.metrics.call.count == 6 * rounds);
        CHECK(k.metrics.received == 3 * rounds && k.metrics.call.count >= rounds);
        CHECK(k.metrics.wait.count >= rounds);
        replace(network, round, "Work");
    }
    /* By another component, and while nothing is measured. */
    every.off = 1;
    WORKS(reflow_network_measure(network, &every, &e));
    replace(network, 4, "Pass");
    replace(network, 5, "Work");
    CHECK(numbers_of(network, "w").metrics.call.count == 18);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Somebody reads meanwhile: what he reads does not end, and counters do not go back. */
typedef struct reading {
    const reflow_network *network;
    bool stop;
} reading;
static void *read_on(void *argument) {
    reading *to = argument;
    numbers before = numbers_of(to->network, "w");
    do {
        numbers now = numbers_of(to->network, "w");
        CHECK(now.metrics.call.count >= before.metrics.call.count);
        CHECK(now.metrics.highest >= before.metrics.highest);
        before = now;
    } while (!__atomic_load_n(&to->stop, __ATOMIC_SEQ_CST));
    return NULL;
}
static void test_read_meanwhile(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    rig_register_pass(runtime);
    reflow_graph *graph = line(0, "Pass");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_measure(network, NULL, &e));
    WORKS(reflow_network_start(network, &e));
    reflow_inport in = rig_inport(network, "s.a");
    reading to = {network, false};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, read_on, &to) == 0);
    for (int round = 1; round <= 200; ++round) {
        rig_send(network, in, round);
        reflow_graph *next = line(round, "Pass");
        WORKS(reflow_network_apply(network, next, NULL, NULL, &e));
        reflow_graph_destroy(next);
    }
    __atomic_store_n(&to.stop, true, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(thread, NULL) == 0);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(60);
    for (size_t i = 0; i < RIG_MODES; ++i) test_all_go_on(&rig_modes[i]);
    test_read_meanwhile();
    return 0;
}
