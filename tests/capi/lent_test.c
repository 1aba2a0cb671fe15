/* Mode lent: threads of the host come and go, and calls that wait work meanwhile. */
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "entries.h"
#include "rig.h"

static const rig_mode lent = {"lent", REFLOW_MODE_LENT, 4, 0, false, 0};
static const rig_mode lent_small = {"lent 1", REFLOW_MODE_LENT, 1, 0, false, 0};

static double now_ms(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
} bench;

static bench open_bench(const rig_mode *mode, reflow_run_fn run) {
    bench at;
    at.runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Do";
    component.inports = "a";
    component.outports = "o";
    component.run = run;
    rig_register(at.runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Do");
    rig_node(graph, "b", "Do");
    rig_connect(graph, "a.o", "b.a", NULL);
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "a.a");
    WORKS(reflow_network_start(at.network, &e));
    return at;
}
static void close_bench(bench *at) {
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
}

static void test_timeouts(void) {
    bench at = open_bench(&lent, rig_pass);
    CHECK(reflow_runtime_workers(at.runtime) == 0);
    WORKS(reflow_runtime_work(at.runtime, 0, &e)); /* nothing is ready */
    rig_send(at.network, at.inport, 1);
    CHECK(rig_counters(at.network, "a").fired == 0); /* nobody works */
    /* A slow machine may need more than the time of one. */
    while (rig_counters(at.network, "b").fired == 0) {
        WORKS(reflow_runtime_work(at.runtime, 0, &e));
    }
    double before = now_ms();
    WORKS(reflow_runtime_work(at.runtime, 20, &e));
    CHECK(now_ms() - before >= 19.9);
    /* A wait works, and an end of the time of one that nothing ends is its timeout. */
    rig_send(at.network, at.inport, 2);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "b").fired == 2);
    close_bench(&at);
}

static reflow_status go_on_for_ever(reflow_context *context, void *state, reflow_packet *inputs,
                                    size_t count) {
    (void)state, (void)inputs, (void)count;
    return reflow_context_again(context);
}
static void test_endless(void) {
    bench at = open_bench(&lent, go_on_for_ever);
    rig_send(at.network, at.inport, 1);
    WORKS(reflow_runtime_work(at.runtime, 0, &e)); /* ends although something is ready */
    WORKS(reflow_runtime_work(at.runtime, 5, &e));
    WORKS(reflow_runtime_interrupt(at.runtime, 1, &e));
    WORKS(reflow_runtime_work(at.runtime, REFLOW_FOREVER, &e));
    close_bench(&at);
}

/* ---- interrupts */

static void *work_for_ever(void *runtime) {
    WORKS(reflow_runtime_work(runtime, REFLOW_FOREVER, &e));
    return NULL;
}
static void test_interrupt(void) {
    bench at = open_bench(&lent, rig_pass);
    for (int round = 0; round < 200; ++round) {
        pthread_t threads[4];
        for (int i = 0; i < 4; ++i) {
            CHECK(pthread_create(&threads[i], NULL, work_for_ever, at.runtime) == 0);
        }
        /* Wherever they are: not begun, looking, asleep. */
        if (round % 3 == 0) {
            while (reflow_runtime_workers(at.runtime) != 4) sched_yield();
        }
        if (round % 3 == 1) rig_send(at.network, at.inport, round);
        WORKS(reflow_runtime_interrupt(at.runtime, 4, &e));
        for (int i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(reflow_runtime_workers(at.runtime) == 0);
    }
    /* More than are kept: 256. */
    WORKS(reflow_runtime_interrupt(at.runtime, UINT32_MAX, &e));
    WORKS(reflow_runtime_interrupt(at.runtime, 1, &e));
    for (int i = 0; i < 256; ++i) WORKS(reflow_runtime_work(at.runtime, REFLOW_FOREVER, &e));
    double before = now_ms();
    WORKS(reflow_runtime_work(at.runtime, 5, &e));
    CHECK(now_ms() - before >= 4.9);
    close_bench(&at);
}

/* ---- threads that come and go in the middle of traffic */

enum { CHAIN = 12, SENT = 20000 };
static bool over;
static void *come_and_go(void *runtime) {
    for (int64_t i = 0; !__atomic_load_n(&over, __ATOMIC_SEQ_CST); ++i) {
        reflow_status status = reflow_runtime_work(runtime, i % 3, NULL);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_LIMIT);
    }
    return NULL;
}
static void test_come_and_go(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    char id[16], from[16], to[16];
    for (int i = 0; i < CHAIN; ++i) {
        snprintf(id, sizeof id, "n%d", i);
        rig_node(graph, id, "Pass");
        snprintf(from, sizeof from, "n%d.o", i - 1);
        snprintf(to, sizeof to, "n%d.a", i);
        if (i > 0) rig_connect(graph, from, to, "{\"capacity\":7}");
    }
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport inport = rig_inport(network, "n0.a");
    reflow_output *output = rig_output(network, "n11.o", 0);
    WORKS(reflow_network_start(network, &e));
    over = false;
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) {
        CHECK(pthread_create(&threads[i], NULL, come_and_go, runtime) == 0);
    }
    int count = check_slow() ? SENT / 20 : SENT;
    for (int i = 0, got = 0; got < count;) {
        for (int k = 0; k < 100 && i < count; ++k) rig_send(network, inport, i++);
        while (got < i) {
            CHECK(rig_recv(output) == got); /* in order, and each once */
            ++got;
        }
    }
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- callbacks that wait for each other: each of the threads has to run one of them */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t met = PTHREAD_COND_INITIALIZER;
static int here, rounds;
static reflow_status meet(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    pthread_mutex_lock(&mutex);
    int round = rounds;
    if (++here == 3) {
        here = 0;
        ++rounds;
        pthread_cond_broadcast(&met);
    }
    while (round == rounds) pthread_cond_wait(&met, &mutex);
    pthread_mutex_unlock(&mutex);
    return REFLOW_OK;
}
static void test_meeting(void) {
    reflow_runtime *runtime = rig_runtime(&lent);
    rig_register_pass(runtime);
    rig_component component = {0};
    component.id = "Meet";
    component.inports = "a";
    component.run = meet;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "in", "Pass");
    for (int i = 0; i < 3; ++i) {
        char name[8], end[8];
        snprintf(name, sizeof name, "m%d", i);
        snprintf(end, sizeof end, "m%d.a", i);
        rig_node(graph, name, "Meet");
        rig_connect(graph, "in.o", end, NULL);
    }
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "in.a");
    WORKS(reflow_network_start(network, &e));
    pthread_t threads[2]; /* and the thread that waits is the third */
    for (int i = 0; i < 2; ++i) {
        CHECK(pthread_create(&threads[i], NULL, work_for_ever, runtime) == 0);
    }
    rounds = 0;
    for (int i = 0; i < 50; ++i) {
        rig_send(network, inport, i);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(rounds == i + 1);
    }
    WORKS(reflow_runtime_interrupt(runtime, 2, &e));
    for (int i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- limits, the end, misuse */

static sem_t entered, leave;
static reflow_status pause_inside(reflow_context *context, void *state, reflow_packet *inputs,
                                  size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    CHECK(sem_post(&entered) == 0);
    CHECK(sem_wait(&leave) == 0);
    return REFLOW_OK;
}
static void test_limit(void) {
    CHECK(sem_init(&entered, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    bench at = open_bench(&lent_small, pause_inside);
    rig_send(at.network, at.inport, 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work_for_ever, at.runtime) == 0);
    CHECK(sem_wait(&entered) == 0);
    CHECK(reflow_runtime_workers(at.runtime) == 1);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_runtime_work(at.runtime, 0, &error));
    CHECK(same_text(reflow_error_message(error), "workers: 1 threads work already"));
    reflow_error_destroy(error);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 5, &e));
    /* Who waits takes the place of one that leaves. */
    WORKS(reflow_runtime_interrupt(at.runtime, 1, &e));
    CHECK(sem_post(&leave) == 0 && sem_post(&leave) == 0);
    rig_send(at.network, at.inport, 2);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "a").fired == 2);
    CHECK(pthread_join(thread, NULL) == 0);
    close_bench(&at);
}

static int hooks;
static void on_thread(void *user_data) {
    (void)user_data;
    __atomic_fetch_add(&hooks, 1, __ATOMIC_SEQ_CST);
}
static void *until_closed(void *runtime) {
    FAILS(REFLOW_ERROR_CLOSED, reflow_runtime_work(runtime, REFLOW_FOREVER, &e));
    return NULL;
}
static void test_end(void) {
    reflow_runtime_options options = rig_options(&lent);
    options.thread_start = options.thread_stop = on_thread;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport inport = rig_inport(network, "a.a");
    WORKS(reflow_network_start(network, &e));
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) {
        CHECK(pthread_create(&threads[i], NULL, until_closed, runtime) == 0);
    }
    while (reflow_runtime_workers(runtime) != 3) sched_yield();
    reflow_runtime_destroy(runtime); /* the network stands on it, and they go on */
    rig_send(network, inport, 1);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    for (int i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(hooks == 0);
}

static reflow_runtime *inside_of;
static reflow_status work_inside(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_runtime_work(inside_of, 0, &e));
    WORKS(reflow_runtime_interrupt(inside_of, 0, &e));
    return REFLOW_OK;
}
static void test_misuse(void) {
    bench at = open_bench(&lent, work_inside);
    inside_of = at.runtime;
    rig_send(at.network, at.inport, 1);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "a").fired == 1);
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_run(at.runtime, 0, NULL, &e));
    close_bench(&at);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_work(NULL, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_interrupt(NULL, 1, &e));
    for (size_t i = 0; i < RIG_MODES; ++i) {
        if (rig_modes[i].mode == REFLOW_MODE_LENT) continue;
        reflow_runtime *runtime = rig_runtime(&rig_modes[i]);
        FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_work(runtime, 0, &e));
        FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_interrupt(runtime, 1, &e));
        reflow_runtime_destroy(runtime);
    }
    reflow_runtime_options options = rig_options(&lent);
    options.workers = 257;
    reflow_runtime *runtime = NULL;
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_create(&options, &runtime, &e));
}

int main(void) {
    check_time_limit(50);
    test_timeouts();
    test_endless();
    test_interrupt();
    test_come_and_go(&lent);
    test_come_and_go(&lent_small);
    test_meeting();
    test_limit();
    test_end();
    test_misuse();
    return 0;
}
