/* Mode hosted: the descriptor, the wake callback, timers, limits, and calls from other threads. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

#include "entries.h"
#include "rig.h"

static const rig_mode hosted = {"hosted", REFLOW_MODE_HOSTED, 0, 0, false, 0};

static int wakes;
static sem_t woken;
static void on_wake(void *user_data) {
    CHECK(user_data == &woken);
    __atomic_fetch_add(&wakes, 1, __ATOMIC_SEQ_CST);
    CHECK(sem_post(&woken) == 0);
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
    int fd;
} bench;

static int descriptor_of(reflow_runtime *runtime) {
    int32_t fd = -1;
    WORKS(reflow_runtime_descriptor(runtime, &fd, &e));
    return fd;
}

/* Two nodes in a row that pass on; with_fd: asks for the descriptor, else the callback is set. */
static bench open_bench(bool with_fd) {
    bench at;
    reflow_runtime_options options = rig_options(&hosted);
    wakes = 0;
    CHECK(sem_init(&woken, 0, 0) == 0);
    if (!with_fd) options.wake = on_wake;
    options.user_data = &woken;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_register_pass(at.runtime);
    at.fd = with_fd ? descriptor_of(at.runtime) : -1;
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
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

static bool readable(int fd, int timeout_ms) {
    struct pollfd one = {fd, POLLIN, 0};
    int count = poll(&one, 1, timeout_ms);
    CHECK(count == 0 || (count == 1 && one.revents == POLLIN));
    return count == 1;
}
static bool run(const bench *at, uint64_t turns) {
    bool more = true;
    WORKS(reflow_runtime_run(at->runtime, turns, &more, &e));
    return more;
}

static void test_descriptor(void) {
    size_t before = entries_of("/proc/self/fd");
    bench at = open_bench(true);
    CHECK(entries_of("/proc/self/fd") > before);
    CHECK(descriptor_of(at.runtime) == at.fd);
    CHECK((fcntl(at.fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(!readable(at.fd, 0) && reflow_runtime_next_due_ns(at.runtime) == UINT64_MAX);
    CHECK(!run(&at, 0) && !readable(at.fd, 0));
    rig_send(at.network, at.inport, 1);
    CHECK(rig_counters(at.network, "a").fired == 0); /* nobody runs it but the loop */
    CHECK(readable(at.fd, 0) && readable(at.fd, 0) && reflow_runtime_next_due_ns(at.runtime) == 0);
    CHECK(run(&at, 1) && readable(at.fd, 0) && reflow_runtime_next_due_ns(at.runtime) == 0);
    CHECK(rig_counters(at.network, "a").fired == 1 && rig_counters(at.network, "b").fired == 0);
    CHECK(!run(&at, 1) && !readable(at.fd, 0));
    CHECK(rig_counters(at.network, "b").fired == 1);
    WORKS(reflow_network_wait_idle(at.network, 0, &e));
    /* What a call on this thread that waits has run needs no run of the loop any more. */
    rig_send(at.network, at.inport, 2);
    CHECK(readable(at.fd, 0));
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(!readable(at.fd, 0) && rig_counters(at.network, "b").fired == 2);
    close_bench(&at);
    CHECK(entries_of("/proc/self/fd") == before);
    /* Asked for while something is ready. */
    at = open_bench(false);
    rig_send(at.network, at.inport, 1);
    at.fd = descriptor_of(at.runtime);
    CHECK(readable(at.fd, 0) && !run(&at, 0) && !readable(at.fd, 0));
    close_bench(&at);
    CHECK(entries_of("/proc/self/fd") == before);
}

static void test_wake(void) {
    bench at = open_bench(false);
    CHECK(wakes == 0);
    for (int i = 0; i < 3; ++i) rig_send(at.network, at.inport, i);
    CHECK(wakes == 1); /* once until a run has ended with nothing left */
    CHECK(run(&at, 1) && wakes == 1);
    rig_send(at.network, at.inport, 3);
    CHECK(wakes == 1 && !run(&at, 0) && wakes == 1);
    rig_send(at.network, at.inport, 4);
    CHECK(wakes == 2);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(!run(&at, 0) && wakes == 2); /* late, and harmless */
    close_bench(&at);
}

/* ---- timers */

static int ticks;
static reflow_status tick(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state, (void)inputs, (void)count;
    if (++ticks >= 4) return REFLOW_OK;
    return reflow_context_wake_after(context, 10000000);
}

/* The loop sleeps without a timeout, and the descriptor says when a timer is due. */
static void test_timers(bool with_fd) {
    reflow_runtime_options options = rig_options(&hosted);
    CHECK(sem_init(&woken, 0, 0) == 0);
    if (!with_fd) options.wake = on_wake;
    options.user_data = &woken;
    bench at;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_component component = {0};
    component.id = "Tick";
    component.run = tick;
    rig_register(at.runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "t", "Tick");
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.fd = with_fd ? descriptor_of(at.runtime) : -1;
    ticks = 0;
    WORKS(reflow_network_start(at.network, &e));
    int rounds = 0;
    if (with_fd) {
        while (ticks < 4) {
            CHECK(readable(at.fd, -1));
            CHECK(!run(&at, 0));
            ++rounds;
        }
        CHECK(rounds <= 4); /* no wake-up that was for nothing */
        CHECK(!readable(at.fd, 30));
    } else {
        CHECK(sem_wait(&woken) == 0);
        for (; ticks < 4; ++rounds) {
            CHECK(!run(&at, 0));
            uint64_t due = reflow_runtime_next_due_ns(at.runtime);
            CHECK(ticks == 4 ? due == UINT64_MAX : due <= 10000000);
            if (ticks < 4) CHECK(poll(NULL, 0, (int)(due / 1000000) + 1) == 0);
        }
        CHECK(rounds <= 4);
    }
    WORKS(reflow_network_wait_idle(at.network, 0, &e));
    close_bench(&at);
}

/* A timer that a stop takes back costs the loop one run at most. */
static reflow_status rest_long(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state, (void)inputs, (void)count;
    return reflow_context_wake_after(context, 5000000);
}
static void test_timer_taken_back(void) {
    reflow_runtime *runtime = rig_runtime(&hosted);
    int fd = descriptor_of(runtime);
    rig_component component = {0};
    component.id = "Rest";
    component.run = rest_long;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "r", "Rest");
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_runtime_run(runtime, 0, NULL, &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    if (readable(fd, 20)) WORKS(reflow_runtime_run(runtime, 0, NULL, &e));
    CHECK(!readable(fd, 20));
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- limits of a run */

static reflow_status endless(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state, (void)inputs, (void)count;
    return reflow_context_again(context);
}
static void test_limits(void) {
    reflow_runtime *runtime = rig_runtime(&hosted);
    int fd = descriptor_of(runtime);
    rig_component component = {0};
    component.id = "Endless";
    component.run = endless;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "e", "Endless");
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 5; ++i) {
        bool more = false;
        CHECK(readable(fd, 0));
        WORKS(reflow_runtime_run_for(runtime, 0, 1000000, &more, &e));
        CHECK(more);
        more = false;
        WORKS(reflow_runtime_run_for(runtime, 2, UINT64_MAX, &more, &e));
        CHECK(more);
    }
    reflow_network_destroy(network);
    CHECK(!readable(fd, 0));
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- other threads */

enum { SENDERS = 4, SENT = 5000 };
static void *send_many(void *memory) {
    const bench *at = memory;
    for (int i = 0; i < SENT; ++i) {
        WORKS(reflow_network_send(at->network, at->inport, reflow_message_integer(i),
                                  REFLOW_FOREVER, &e));
    }
    return NULL;
}

/* The loop sleeps until it is woken, for ever if a wake-up is lost. */
static void test_senders(bool with_fd) {
    bench at = open_bench(with_fd);
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; ++i) {
        CHECK(pthread_create(&threads[i], NULL, send_many, &at) == 0);
    }
    for (uint64_t turn = 0; rig_counters(at.network, "b").fired < SENDERS * SENT; ++turn) {
        if (with_fd) {
            CHECK(readable(at.fd, -1));
        } else {
            CHECK(sem_wait(&woken) == 0);
        }
        while (run(&at, turn % 4) && !with_fd) {
        }
    }
    for (int i = 0; i < SENDERS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    WORKS(reflow_network_wait_idle(at.network, 0, &e));
    if (with_fd) CHECK(!readable(at.fd, 0));
    close_bench(&at);
}

static void *wait_elsewhere(void *memory) {
    const bench *at = memory;
    /* Actors do not run here, so the wait only ends when the loop has run them. */
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at->network, 5, &e));
    CHECK(rig_counters(at->network, "a").fired == 0);
    CHECK(sem_post(&woken) == 0);
    WORKS(reflow_network_wait_idle(at->network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at->network, "b").fired == 1);
    return NULL;
}
static void test_wait_elsewhere(void) {
    bench at = open_bench(true);
    rig_send(at.network, at.inport, 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_elsewhere, &at) == 0);
    CHECK(sem_wait(&woken) == 0);
    CHECK(readable(at.fd, -1) && !run(&at, 0));
    CHECK(pthread_join(thread, NULL) == 0);
    close_bench(&at);
}

static void *take_over(void *memory) {
    const bench *at = memory;
    CHECK(!run(at, 0));
    rig_send(at->network, at->inport, 2);
    WORKS(reflow_network_wait_idle(at->network, REFLOW_FOREVER, &e)); /* runs them now */
    CHECK(rig_counters(at->network, "b").fired == 2);
    return NULL;
}
static void test_take_over(void) {
    bench at = open_bench(true);
    rig_send(at.network, at.inport, 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, take_over, &at) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(!run(&at, 0)); /* takes it back */
    close_bench(&at);
}

/* A run that is refused was perhaps the answer to the wake callback: it comes again. */
static sem_t entered, go_on;
static reflow_status pause_inside(reflow_context *context, void *state, reflow_packet *inputs,
                                  size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    CHECK(sem_post(&entered) == 0);
    CHECK(sem_wait(&go_on) == 0);
    CHECK(poll(NULL, 0, 5) == 0); /* longer than the wait that runs it may take */
    return REFLOW_OK;
}
static void *run_refused(void *memory) {
    const bench *at = memory;
    CHECK(sem_wait(&entered) == 0);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_runtime_run(at->runtime, 0, NULL, &e));
    CHECK(sem_post(&go_on) == 0);
    return NULL;
}
static void test_refused_run(void) {
    CHECK(sem_init(&woken, 0, 0) == 0 && sem_init(&entered, 0, 0) == 0);
    CHECK(sem_init(&go_on, 0, 0) == 0);
    reflow_runtime_options options = rig_options(&hosted);
    options.wake = on_wake;
    options.user_data = &woken;
    bench at;
    wakes = 0;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_component component = {0};
    component.id = "Pause";
    component.inports = "a";
    component.run = pause_inside;
    rig_register(at.runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "p", "Pause");
    rig_node(graph, "q", "Pause");
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "p.a");
    reflow_inport second = rig_inport(at.network, "q.a");
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, at.inport, 1);
    rig_send(at.network, second, 1);
    CHECK(wakes == 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run_refused, &at) == 0);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 1, &e));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(wakes == 2); /* q is left */
    CHECK(sem_post(&go_on) == 0 && !run(&at, 0));
    WORKS(reflow_network_wait_idle(at.network, 0, &e));
    close_bench(&at);
}

/* ---- misuse */

static void test_misuse(void) {
    int32_t fd = 5;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_descriptor(NULL, &fd, &e));
    CHECK(fd == -1);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        if (rig_modes[i].mode == REFLOW_MODE_HOSTED) continue;
        reflow_runtime *runtime = rig_runtime(&rig_modes[i]);
        FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_descriptor(runtime, &fd, &e));
        CHECK(reflow_runtime_next_due_ns(runtime) == UINT64_MAX);
        reflow_runtime_destroy(runtime);
    }
    CHECK(reflow_runtime_next_due_ns(NULL) == UINT64_MAX);
    bool more = true;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_run_for(NULL, 0, 0, &more, &e));
    CHECK(!more);
    bench at = open_bench(true);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_descriptor(at.runtime, NULL, &e));
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_work(at.runtime, 0, &e));
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_interrupt(at.runtime, 1, &e));
    CHECK(reflow_runtime_workers(at.runtime) == 0);
    close_bench(&at);
}

int main(void) {
    check_time_limit(50);
    test_descriptor();
    test_wake();
    test_timers(true);
    test_timers(false);
    test_timer_taken_back();
    test_limits();
    test_senders(true);
    test_senders(false);
    test_wait_elsewhere();
    test_take_over();
    test_refused_run();
    test_misuse();
    return 0;
}
