/* Components that block: threads beside the workers, as many as are allowed, and the same order, idle
 * and end as for others. Also the number of workers that changes while networks run. */
#include "check.h"

#include <pthread.h>
#include <semaphore.h>

#include "entries.h"
#include "rig.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside, most_inside, arrived, wanted;
static int hooks;
static pthread_t normal_thread, blocking_thread;

static void on_start(void *user_data) {
    (void)user_data;
    __atomic_fetch_add(&hooks, 1, __ATOMIC_SEQ_CST);
}
static void on_stop(void *user_data) {
    (void)user_data;
    __atomic_fetch_sub(&hooks, 1, __ATOMIC_SEQ_CST);
}

/* Waits until as many as are wanted have been inside at once. */
static reflow_status meet(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    pthread_mutex_lock(&mutex);
    blocking_thread = pthread_self();
    if (++inside > most_inside) most_inside = inside;
    ++arrived;
    pthread_cond_broadcast(&changed);
    while (arrived < wanted) pthread_cond_wait(&changed, &mutex);
    --inside;
    pthread_mutex_unlock(&mutex);
    return rig_pass(context, state, inputs, count);
}
static reflow_status note_thread(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    pthread_mutex_lock(&mutex);
    normal_thread = pthread_self();
    pthread_mutex_unlock(&mutex);
    return rig_pass(context, state, inputs, count);
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
} bench;

static bench open_bench(const rig_mode *mode, uint32_t blocking_threads) {
    bench at = {NULL, rig_graph(), NULL};
    reflow_runtime_options options = rig_options(mode);
    options.blocking_threads = blocking_threads;
    options.thread_start = on_start;
    options.thread_stop = on_stop;
    hooks = inside = most_inside = arrived = wanted = 0;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_lend(at.runtime, mode);
    rig_component component = {0};
    component.inports = "a";
    component.outports = "o";
    component.id = "Note";
    component.run = note_thread;
    rig_register(at.runtime, &component);
    component.id = "Block";
    component.run = meet;
    component.flags = REFLOW_COMPONENT_BLOCKING;
    rig_register(at.runtime, &component);
    return at;
}
static void close_bench(bench *at) {
    reflow_network_destroy(at->network);
    reflow_graph_destroy(at->graph);
    reflow_runtime_destroy(at->runtime);
    CHECK(__atomic_load_n(&hooks, __ATOMIC_SEQ_CST) == 0);
}

/* A node that passes on to so many that block. */
static reflow_inport fan(bench *at, int count) {
    rig_node(at->graph, "in", "Note");
    for (int i = 0; i < count; ++i) {
        char name[16], end[16];
        snprintf(name, sizeof name, "b%d", i);
        snprintf(end, sizeof end, "b%d.a", i);
        rig_node(at->graph, name, "Block");
        rig_connect(at->graph, "in.o", end, NULL);
    }
    at->network = rig_network(at->runtime, at->graph);
    reflow_inport inport = rig_inport(at->network, "in.a");
    WORKS(reflow_network_start(at->network, &e));
    return inport;
}

/* More callbacks inside at once than there are workers, and the workers go on meanwhile. */
static void test_beside(const rig_mode *mode) {
    enum { COUNT = 10 };
    bench at = open_bench(mode, 0);
    size_t before = threads_now();
    reflow_inport inport = fan(&at, COUNT);
    CHECK(threads_now() == before); /* none before it is needed */
    wanted = COUNT;
    rig_send(at.network, inport, 1);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(most_inside == COUNT && inside == 0);
    CHECK(!pthread_equal(normal_thread, blocking_thread));
    CHECK(threads_now() >= before + COUNT);
    for (int i = 0; i < 20; ++i) {
        wanted += COUNT;
        rig_send(at.network, inport, i);
        WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    }
    CHECK(threads_now() <= before + 32); /* they are used again */
    wanted = arrived + COUNT + 1;           /* they stay inside until we say */
    rig_send(at.network, inport, 1);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 5, &e));
    uint64_t fired = rig_counters(at.network, "in").fired;
    rig_send(at.network, inport, 2);
    /* Whoever waits works in mode lent, and in mode own the worker does. */
    while (rig_counters(at.network, "in").fired == fired) {
        FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 1, &e));
    }
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_stop(at.network, 0, &e));
    pthread_mutex_lock(&mutex);
    wanted = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    close_bench(&at);
}

static void test_bound(const rig_mode *mode) {
    bench at = open_bench(mode, 2);
    size_t before = threads_now();
    reflow_inport inport = fan(&at, 7);
    for (int i = 0; i < 50; ++i) rig_send(at.network, inport, i);
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    CHECK(arrived == 350 && most_inside <= 2 && threads_now() <= before + 2);
    close_bench(&at);
}

/* In order, each once, and idle is exact, in all modes. */
static void test_order(const rig_mode *mode) {
    bench at = open_bench(mode, 3);
    rig_node(at.graph, "x", "Note");
    rig_node(at.graph, "y", "Block");
    rig_node(at.graph, "z", "Note");
    rig_connect(at.graph, "x.o", "y.a", "{\"capacity\":5}");
    rig_connect(at.graph, "y.o", "z.a", "{\"capacity\":3}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "x.a");
    reflow_output *output = rig_output(at.network, "z.o", 1000);
    WORKS(reflow_network_start(at.network, &e));
    int count = check_slow() ? 60 : 600;
    for (int i = 0; i < count; ++i) rig_send(at.network, inport, i);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(arrived == count && inside == 0 && most_inside == 1);
    for (int i = 0; i < count; ++i) CHECK(rig_recv(output) == i);
    bool beside = mode->mode == REFLOW_MODE_OWN || mode->mode == REFLOW_MODE_LENT;
    CHECK(beside || pthread_equal(blocking_thread, pthread_self()));
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    close_bench(&at);
}

static void test_too_many(void) {
    reflow_runtime_options options = rig_options(&rig_own);
    reflow_runtime *runtime = NULL;
    options.blocking_threads = 1025;
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_create(&options, &runtime, &e));
    options.blocking_threads = 1024;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    reflow_runtime_destroy(runtime);
}

/* ---- the number of workers */

static void test_set_workers(void) {
    size_t before = threads_now();
    bench at = open_bench(&rig_modes[0], 6);
    reflow_inport inport = fan(&at, 6);
    CHECK(reflow_runtime_workers(at.runtime) == 1);
    static const uint32_t numbers[] = {4, 1, 8, 8, 3, 1, 2, 5};
    for (int round = 0; round < 80; ++round) {
        uint32_t count = numbers[round % 8];
        WORKS(reflow_runtime_set_workers(at.runtime, count, &e));
        CHECK(reflow_runtime_workers(at.runtime) == count);
        for (int i = 0; i < 50; ++i) rig_send(at.network, inport, i);
    }
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(arrived == 80 * 50 * 6); /* none is lost */
    WORKS(reflow_runtime_set_workers(at.runtime, 3, &e));
    while (__atomic_load_n(&hooks, __ATOMIC_SEQ_CST) > 3 + 6) sched_yield();
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_set_workers(at.runtime, 257, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_set_workers(NULL, 1, &e));
    CHECK(reflow_runtime_workers(at.runtime) == 3);
    WORKS(reflow_runtime_set_workers(at.runtime, 0, &e));
    CHECK(reflow_runtime_workers(at.runtime) >= 1);
    close_bench(&at);
    threads_end(before);
    reflow_runtime *none = rig_runtime(&rig_inline);
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_set_workers(none, 2, &e));
    reflow_runtime_destroy(none);
}

/* A worker that a callback retires while others wait behind it. */
static sem_t retired, go_on;
static reflow_status retire_all(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)context, (void)inputs, (void)count;
    WORKS(reflow_runtime_set_workers(state, 1, &e));
    CHECK(sem_post(&retired) == 0);
    CHECK(sem_wait(&go_on) == 0);
    return REFLOW_OK;
}
static void test_retire_inside(void) {
    CHECK(sem_init(&retired, 0, 0) == 0 && sem_init(&go_on, 0, 0) == 0);
    for (int round = 0; round < 20; ++round) {
        reflow_runtime *runtime = rig_runtime(&rig_own);
        rig_register_pass(runtime);
        rig_component component = {0};
        component.id = "Retire";
        component.inports = "a";
        component.run = retire_all;
        component.user_data = runtime;
        rig_register(runtime, &component);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "r", "Retire");
        rig_node(graph, "p", "Pass");
        reflow_network *network = rig_network(runtime, graph);
        reflow_graph_destroy(graph);
        reflow_inport first = rig_inport(network, "r.a"), second = rig_inport(network, "p.a");
        WORKS(reflow_network_start(network, &e));
        rig_send(network, first, 1);
        CHECK(sem_wait(&retired) == 0);
        WORKS(reflow_runtime_set_workers(runtime, 2, &e)); /* the other may still be ending */
        rig_send(network, second, 1);
        while (rig_counters(network, "p").fired == 0) sched_yield();
        CHECK(sem_post(&go_on) == 0);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(reflow_runtime_workers(runtime) == 2);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
    }
}

static void test_set_lent(void) {
    rig_mode mode = {"lent", REFLOW_MODE_LENT, 1, 0, false, 0};
    reflow_runtime *runtime = rig_runtime(&mode);
    mode.lent = 1;
    rig_lend(runtime, &mode);
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_work(runtime, 0, &e));
    WORKS(reflow_runtime_set_workers(runtime, 2, &e));
    WORKS(reflow_runtime_work(runtime, 0, &e));
    CHECK(reflow_runtime_workers(runtime) == 1);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(50);
    static const size_t with_threads[] = {0, 1, 8, 9};
    for (size_t i = 0; i < sizeof with_threads / sizeof with_threads[0]; ++i) {
        test_beside(&rig_modes[with_threads[i]]);
        test_bound(&rig_modes[with_threads[i]]);
    }
    for (size_t i = 0; i < RIG_MODES; ++i) test_order(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_order(&rig_tiny_modes[i]);
    test_too_many();
    test_set_workers();
    test_retire_inside();
    test_set_lent();
    return 0;
}
