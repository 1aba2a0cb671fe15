/* Section 14 of reflow.h: what is measured of a network, its threads and the process. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "entries.h"
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void busy(uint64_t ns) {
    uint64_t end = clock_ns() + ns;
    while (clock_ns() < end) {
    }
}

/* What the component itself saw of its calls; one actor at a time writes. */
typedef struct seen {
    uint64_t calls;
    uint64_t longest_ns;
    uint64_t sum_ns;
} seen;

/* A call takes as many microseconds as its packet says; a negative one fails. */
static reflow_status work(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    seen *own = state;
    uint64_t start = clock_ns();
    int64_t value = rig_integer(inputs[0].message);
    (void)count;
    busy((uint64_t)(value < 0 ? 0 : value) * 1000);
    reflow_status status = REFLOW_OK;
    if (value < 0) {
        status = reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("below zero"),
                                     text_of(""));
    } else {
        (void)reflow_context_emit(context, 0, inputs[0].message = reflow_message_integer(value));
    }
    uint64_t took = clock_ns() - start;
    ++own->calls;
    own->sum_ns += took;
    if (took > own->longest_ns) own->longest_ns = took;
    return status;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
    seen own;
} bench;

/* work -> pass */
static void open_bench(bench *at, const rig_mode *mode) {
    memset(at, 0, sizeof *at);
    at->runtime = rig_runtime(mode);
    rig_register_pass(at->runtime);
    rig_component component = {0};
    component.id = "Work";
    component.inports = "a";
    component.outports = "o";
    component.run = work;
    component.user_data = &at->own;
    rig_register(at->runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "work", "Work");
    rig_node(graph, "pass", "Pass");
    rig_connect(graph, "work.o", "pass.a", NULL);
    at->network = rig_network(at->runtime, graph);
    reflow_graph_destroy(graph);
    at->inport = rig_inport(at->network, "work.a");
}

static void close_bench(bench *at) {
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
}

static void measure(bench *at, uint32_t sample, bool off) {
    reflow_measure_options options = {0};
    options.struct_size = sizeof options;
    options.sample = sample;
    options.off = off ? 1 : 0;
    WORKS(reflow_network_measure(at->network, &options, &e));
}

static reflow_node_metrics metrics_of(const bench *at, const char *node) {
    reflow_node_metrics metrics = {0};
    metrics.struct_size = sizeof metrics;
    WORKS(reflow_network_node_metrics(at->network, text_of(node), &metrics, &e));
    CHECK(metrics.struct_size == sizeof metrics);
    return metrics;
}

static void idle(const bench *at) {
    WORKS(reflow_network_wait_idle(at->network, REFLOW_FOREVER, &e));
}

static reflow_message get(reflow_message object, const char *key) {
    reflow_message value = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of(key), &value));
    return value;
}

static uint64_t number(reflow_message object, const char *key) {
    return (uint64_t)rig_integer(get(object, key));
}

/* Not measured: the counts are those of the counters, and there are no times. */
static void test_unmeasured(const rig_mode *mode) {
    bench at;
    open_bench(&at, mode);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 6; ++i) rig_send(at.network, at.inport, i == 3 ? -1 : 0);
    idle(&at);
    reflow_node_metrics metrics = metrics_of(&at, "work");
    reflow_node_counters counters = rig_counters(at.network, "work");
    CHECK(metrics.fired == 6 && metrics.fired == counters.fired);
    CHECK(metrics.received == counters.received && metrics.sent == counters.sent);
    CHECK(metrics.failed == 1 && metrics.dropped == 0 && metrics.waiting == 0);
    CHECK(metrics.activity == REFLOW_ACTIVITY_IDLE);
    CHECK(metrics.capacity == (mode->tiny ? 1 : 1000));
    CHECK(metrics.call.count == 0 && metrics.wait.count == 0 && metrics.call.max_ns == 0);
    CHECK(metrics.highest == 0 && metrics.busy_ns == 0);
    reflow_message all;
    WORKS(reflow_network_metrics(at.network, &all, &e));
    reflow_message node = get(get(all, "nodes"), "work");
    CHECK(reflow_message_kind(get(node, "call")) == REFLOW_KIND_NULL);
    double rate = 0;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_float(get(node, "error_rate"), &rate));
    CHECK(rate > 0.1666 && rate < 0.1667);
    bool measured = true;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_boolean(get(all, "measured"), &measured));
    CHECK(!measured);
    reflow_message_unref(all);
    close_bench(&at);
}

/* Each turn measured: as many samples as calls, and times that agree with what the component saw. */
static void test_calls(const rig_mode *mode) {
    bool logical = mode->mode == REFLOW_MODE_SIMULATED;
    bench at;
    open_bench(&at, mode);
    measure(&at, 1, false);
    WORKS(reflow_network_start(at.network, &e));
    uint64_t start = clock_ns();
    for (int i = 0; i < 40; ++i) rig_send(at.network, at.inport, i == 20 ? 3000 : 100);
    idle(&at);
    uint64_t elapsed = clock_ns() - start;
    reflow_node_metrics metrics = metrics_of(&at, "work");
    reflow_latency call = metrics.call;
    CHECK(at.own.calls == 40 && call.count == 40);
    CHECK(metrics_of(&at, "pass").call.count >= 3); /* sixteen packets in a call at most */
    if (logical) {
        CHECK(call.max_ns == 0 && metrics.busy_ns == 0);
    } else {
        CHECK(call.max_ns >= at.own.longest_ns && call.max_ns <= elapsed);
        CHECK(call.mean_ns >= at.own.sum_ns / 40 && call.mean_ns * 40 <= elapsed);
        CHECK(metrics.busy_ns >= at.own.sum_ns && metrics.busy_ns <= elapsed);
        CHECK(call.p50_ns >= 100000 * 31 / 32 && call.p50_ns <= call.p90_ns);
        CHECK(call.p90_ns <= call.p99_ns && call.p99_ns <= call.p999_ns);
        CHECK(call.p999_ns <= call.max_ns && call.p999_ns >= 3000000u / 32 * 31);
    }
    CHECK(metrics.wait.count >= 1 && metrics.wait.count <= 40);
    CHECK(metrics.highest >= 1 && metrics.highest <= 40);
    reflow_message all;
    WORKS(reflow_network_metrics(at.network, &all, &e));
    reflow_message nodes = get(all, "nodes");
    CHECK(reflow_message_count(nodes) == 2);
    CHECK(number(get(nodes, "work"), "busy_ns") == metrics.busy_ns);
    CHECK(number(get(get(nodes, "work"), "call"), "p99_ns") == call.p99_ns);
    reflow_message total = get(all, "total");
    CHECK(number(total, "fired") == 80 && number(total, "failed") == 0);
    CHECK(number(get(total, "call"), "count") ==
          call.count + number(get(get(nodes, "pass"), "call"), "count"));
    CHECK(number(get(total, "call"), "max_ns") >= call.max_ns);
    size_t workers = reflow_message_count(get(all, "workers"));
    if (mode->mode == REFLOW_MODE_LENT) {
        CHECK(workers >= 1 && workers <= mode->workers);
    } else {
        CHECK(workers == reflow_runtime_workers(at.runtime));
    }
    CHECK(number(get(all, "process"), "memory_bytes") > 0);
    CHECK(number(all, "time_ns") > 0);
    reflow_view state;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(get(all, "state"), &state));
    CHECK(same_text(state, "running"));
    reflow_message_unref(all);
    close_bench(&at);
}

/* Packets that wait: how many at most, and for how long. */
static void test_waiting(void) {
    bench at;
    open_bench(&at, &rig_inline);
    measure(&at, 1, false);
    WORKS(reflow_network_start(at.network, &e));
    uint64_t start = clock_ns();
    for (int i = 0; i < 10; ++i) rig_send(at.network, at.inport, 0);
    reflow_node_metrics before = metrics_of(&at, "work");
    CHECK(before.waiting == 10 && before.activity == REFLOW_ACTIVITY_READY);
    busy(2000000);
    idle(&at);
    uint64_t elapsed = clock_ns() - start;
    reflow_node_metrics metrics = metrics_of(&at, "work");
    CHECK(metrics.waiting == 0 && metrics.highest == 10);
    CHECK(metrics.wait.count == 1);
    CHECK(metrics.wait.max_ns >= 2000000 && metrics.wait.max_ns <= elapsed);
    close_bench(&at);
}

/* Off: nothing more is measured, and what was can be read; on again: it goes on. */
static void test_off(const rig_mode *mode) {
    bench at;
    open_bench(&at, mode);
    measure(&at, 1, true); /* nothing to end */
    WORKS(reflow_network_start(at.network, &e));
    measure(&at, 1, false);
    for (int i = 0; i < 5; ++i) rig_send(at.network, at.inport, 0);
    idle(&at);
    measure(&at, 0, true);
    for (int i = 0; i < 7; ++i) rig_send(at.network, at.inport, 0);
    idle(&at);
    CHECK(metrics_of(&at, "work").call.count == 5 && metrics_of(&at, "work").fired == 12);
    measure(&at, 1, false);
    measure(&at, 1, false);
    for (int i = 0; i < 3; ++i) rig_send(at.network, at.inport, 0);
    idle(&at);
    CHECK(metrics_of(&at, "work").call.count == 8);
    close_bench(&at);
}

/* One in four turns: each send is a turn of its own here, since it runs to the end first. */
static void test_sample(void) {
    bench at;
    open_bench(&at, &rig_inline);
    measure(&at, 4, false);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 40; ++i) {
        rig_send(at.network, at.inport, 0);
        idle(&at);
    }
    reflow_node_metrics metrics = metrics_of(&at, "work");
    CHECK(metrics.fired == 40 && metrics.call.count == 10);
    /* Four times what the samples took, but for rounding. */
    CHECK(metrics.busy_ns / 40 >= metrics.call.mean_ns - 1);
    CHECK(metrics.busy_ns / 40 <= metrics.call.mean_ns + 1);
    close_bench(&at);
}

static void test_workers(void) {
    bench at;
    open_bench(&at, &rig_own);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 20; ++i) rig_send(at.network, at.inport, 200);
    idle(&at);
    uint64_t rounds = 0, awake = 0;
    for (uint32_t i = 0; i < 2; ++i) {
        reflow_worker_metrics worker = {0};
        worker.struct_size = sizeof worker;
        WORKS(reflow_runtime_worker_metrics(at.runtime, i, &worker, &e));
        CHECK(worker.asleep_ns <= worker.lifetime_ns && worker.asleep <= 1);
        rounds += worker.rounds;
        awake += worker.lifetime_ns - worker.asleep_ns;
    }
    CHECK(rounds >= 1 && awake >= at.own.sum_ns);
    reflow_worker_metrics worker = {0};
    worker.struct_size = sizeof worker;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_runtime_worker_metrics(at.runtime, 2, &worker, &e));
    close_bench(&at);
    open_bench(&at, &rig_inline);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_runtime_worker_metrics(at.runtime, 0, &worker, &e));
    close_bench(&at);
}

static reflow_usage usage_now(void) {
    reflow_usage usage = {0};
    usage.struct_size = sizeof usage;
    WORKS(reflow_process_usage(&usage, &e));
    return usage;
}

static uint64_t user_ns(void) {
    struct rusage own;
    CHECK(getrusage(RUSAGE_SELF, &own) == 0);
    return (uint64_t)own.ru_utime.tv_sec * 1000000000u + (uint64_t)own.ru_utime.tv_usec * 1000u;
}

static void test_process(void) {
    size_t threads = 0; /* one that ended stays listed for a moment */
    reflow_usage first;
    uint64_t before;
    do {
        threads = threads_now() - 2; /* "." and ".." are listed too */
        before = user_ns();
        first = usage_now();
    } while (first.threads != threads);
    CHECK(first.user_ns >= before && first.user_ns <= user_ns());
    CHECK(first.memory_bytes > 100000 && first.memory_bytes <= first.memory_peak_bytes);
    char text[5000];
    int file = open("/dev/zero", O_RDONLY);
    CHECK(file >= 0 && read(file, text, sizeof text) == (ssize_t)sizeof text);
    close(file);
    file = open("/dev/null", O_WRONLY);
    CHECK(file >= 0 && write(file, text, sizeof text) == (ssize_t)sizeof text);
    close(file);
    reflow_usage second = usage_now();
    CHECK(second.user_ns >= first.user_ns && second.system_ns >= first.system_ns);
    if (first.read_bytes != 0) CHECK(second.read_bytes >= first.read_bytes + sizeof text);
    if (first.written_bytes != 0) CHECK(second.written_bytes >= first.written_bytes + sizeof text);
    size_t size = 64u << 20;
    char *memory = malloc(size);
    CHECK(memory != NULL);
    for (size_t i = 0; i < size; i += 4096) memory[i] = (char)i;
    reflow_usage third = usage_now();
    CHECK(third.memory_peak_bytes >= second.memory_bytes + size / 2 + (size_t)(memory[4096] & 0));
    free(memory);
}

/* Reading, and measuring on and off, while it runs. */
typedef struct traffic {
    bench *at;
    uint64_t sent;
} traffic;

static void *send_all(void *argument) {
    traffic *of = argument;
    for (uint64_t i = 0; i < of->sent; ++i) rig_send(of->at->network, of->at->inport, 0);
    return NULL;
}

static void test_while_running(const rig_mode *mode) {
    bench at;
    open_bench(&at, mode);
    WORKS(reflow_network_start(at.network, &e));
    traffic of = {&at, check_slow() ? 300 : 3000};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, send_all, &of) == 0);
    uint64_t fired = 0;
    for (int i = 0; fired < of.sent; ++i) {
        if (i % 8 == 0) measure(&at, (uint32_t)(i % 3), i % 16 == 8);
        reflow_node_metrics metrics = metrics_of(&at, "work");
        CHECK(metrics.fired >= fired && metrics.fired <= of.sent);
        CHECK(metrics.call.p50_ns <= metrics.call.max_ns);
        fired = metrics.fired;
        reflow_message all;
        WORKS(reflow_network_metrics(at.network, &all, &e));
        reflow_message_unref(all);
        if (rig_threaded(mode)) continue;
        if (mode->mode == REFLOW_MODE_LENT) { /* whoever waits works */
            (void)reflow_network_wait_idle(at.network, 1, NULL);
        } else {
            (void)reflow_runtime_run(at.runtime, 10, NULL, NULL);
        }
    }
    CHECK(pthread_join(thread, NULL) == 0);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    CHECK(metrics_of(&at, "work").fired == of.sent);
    close_bench(&at);
}

static void test_misuse(void) {
    bench at;
    open_bench(&at, &rig_inline);
    reflow_measure_options options = {0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_measure(NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_measure(at.network, &options, &e));
    options.struct_size = sizeof options;
    options.reserved = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_measure(at.network, &options, &e));
    WORKS(reflow_network_measure(at.network, NULL, &e));
    reflow_node_metrics metrics = {0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_node_metrics(at.network, text_of("work"), &metrics, &e));
    metrics.struct_size = sizeof metrics;
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_node_metrics(at.network, text_of("wrk"), &metrics, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_node_metrics(NULL, text_of("work"), &metrics, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_node_metrics(at.network, text_of("work"), NULL, &e));
    /* An older host gets as much as it knows. */
    metrics.struct_size = (uint32_t)offsetof(reflow_node_metrics, failed);
    metrics.failed = 77;
    WORKS(reflow_network_node_metrics(at.network, text_of("work"), &metrics, &e));
    CHECK(metrics.failed == 77);
    reflow_usage usage = {0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_process_usage(&usage, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_process_usage(NULL, &e));
    reflow_worker_metrics worker = {0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_worker_metrics(NULL, 0, &worker, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_worker_metrics(at.runtime, 0, NULL, &e));
    reflow_message all;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_metrics(NULL, &all, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_metrics(at.network, NULL, &e));
    close_bench(&at);
    /* A network without nodes has nothing to measure. */
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    reflow_graph *graph = rig_graph();
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_measure(network, NULL, &e));
    WORKS(reflow_network_metrics(network, &all, &e));
    CHECK(reflow_message_count(get(all, "nodes")) == 0);
    reflow_message_unref(all);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(50);
    test_process();
    test_misuse();
    test_waiting();
    test_sample();
    test_workers();
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_unmeasured(&rig_modes[i]);
        test_calls(&rig_modes[i]);
        test_off(&rig_modes[i]);
        test_while_running(&rig_modes[i]);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) {
        test_unmeasured(&rig_tiny_modes[i]);
        test_while_running(&rig_tiny_modes[i]);
    }
    return 0;
}
