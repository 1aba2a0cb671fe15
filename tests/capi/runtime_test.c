/* Section 7 of reflow.h: runtimes, their options, hooks and threads. */
#include "check.h"

#include <pthread.h>

#include "entries.h"
#include "rig.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int thread_starts, thread_stops, ends, logs, prints;
static char last_log[256], last_print[256];

static void note(int *what) {
    pthread_mutex_lock(&mutex);
    ++*what;
    pthread_mutex_unlock(&mutex);
}
static void on_thread_start(void *user_data) { note(user_data == &mutex ? &thread_starts : NULL); }
static void on_thread_stop(void *user_data) { note(user_data == &mutex ? &thread_stops : NULL); }
static void on_end(void *user_data) { note(user_data == &mutex ? &ends : NULL); }
static void on_log(void *user_data, reflow_log_level level, reflow_view subsystem,
                   reflow_view node, reflow_view text) {
    CHECK(user_data == &mutex);
    pthread_mutex_lock(&mutex);
    ++logs;
    snprintf(last_log, sizeof last_log, "%d %.*s %.*s %.*s", (int)level, (int)subsystem.size,
             subsystem.data, (int)node.size, node.data, (int)text.size, text.data);
    pthread_mutex_unlock(&mutex);
}
static reflow_status on_print(void *user_data, reflow_view node, reflow_view text) {
    CHECK(user_data == &mutex);
    pthread_mutex_lock(&mutex);
    ++prints;
    snprintf(last_print, sizeof last_print, "%.*s %.*s", (int)node.size, node.data,
             (int)text.size, text.data);
    pthread_mutex_unlock(&mutex);
    return prints == 2 ? REFLOW_ERROR_HOST : REFLOW_OK;
}

static reflow_runtime_options all_options(const rig_mode *mode) {
    reflow_runtime_options options = rig_options(mode);
    options.log = on_log;
    options.print = on_print;
    options.thread_start = on_thread_start;
    options.thread_stop = on_thread_stop;
    options.user_data = &mutex;
    options.destroy = on_end;
    thread_starts = thread_stops = ends = logs = prints = 0;
    return options;
}

static void test_threads(void) {
    for (uint32_t workers = 1; workers <= 8; workers *= 2) {
        size_t before = threads_now();
        rig_mode mode = {"own", REFLOW_MODE_OWN, workers, 0, false, 0};
        reflow_runtime_options options = all_options(&mode);
        reflow_runtime *runtime = NULL;
        WORKS(reflow_runtime_create(&options, &runtime, &e));
        CHECK(reflow_runtime_workers(runtime) == workers);
        CHECK(threads_now() == before + workers);
        reflow_runtime_destroy(runtime);
        threads_end(before);
        CHECK(thread_starts == (int)workers && thread_stops == (int)workers && ends == 1);
    }
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(NULL, &runtime, &e));
    CHECK(reflow_runtime_workers(runtime) >= 1);
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_run(runtime, 0, NULL, &e));
    reflow_runtime_destroy(runtime);
    CHECK(reflow_runtime_workers(NULL) == 0);
    reflow_runtime_destroy(NULL);
}

/* Taken means taken: destroy is called once whatever happens. */
static void test_taken(void) {
    reflow_runtime_options options = all_options(&rig_inline);
    reflow_runtime *runtime = (reflow_runtime *)(uintptr_t)1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_create(&options, NULL, &e));
    CHECK(ends == 1);
    static const reflow_mode modes[] = {5, 6, 255, -1, 77};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
        options.mode = modes[i];
        FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_runtime_create(&options, &runtime, &e));
        CHECK(runtime == NULL && ends == 2 + (int)i);
    }
    options = all_options(&rig_own);
    options.workers = 257;
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_create(&options, &runtime, &e));
    CHECK(ends == 1);
    options = all_options(&rig_own);
    options.log_level = 6;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_create(&options, &runtime, &e));
    CHECK(ends == 1);
    options = all_options(&rig_inline);
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    CHECK(ends == 0);
    reflow_runtime_destroy(runtime);
    CHECK(ends == 1 && thread_starts == 0);
}

static void test_option_sizes(void) {
    struct {
        reflow_runtime_options options;
        uint64_t tail[4];
    } large;
    reflow_runtime *runtime = NULL;
    memset(&large, 0, sizeof large);
    large.options = all_options(&rig_inline);
    large.options.struct_size = sizeof large;
    WORKS(reflow_runtime_create(&large.options, &runtime, &e));
    reflow_runtime_destroy(runtime);
    large.tail[3] = UINT64_C(1) << 63;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_create(&large.options, &runtime, &e));
    CHECK(ends == 2);
    static const uint32_t wrong[] = {0, 1, 7, 5000, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        large.options.struct_size = wrong[i];
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_runtime_create(&large.options, &runtime, &e));
    }
    reflow_runtime_options small = rig_options(&rig_inline);
    small.struct_size = (uint32_t)offsetof(reflow_runtime_options, workers);
    small.workers = 1000000; /* not read */
    WORKS(reflow_runtime_create(&small, &runtime, &e));
    CHECK(reflow_runtime_workers(runtime) == 0);
    reflow_runtime_destroy(runtime);
}

static reflow_status talk(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state, (void)inputs, (void)count;
    reflow_context_log(context, REFLOW_LOG_DEBUG, text_of("not heard"));
    reflow_context_log(context, REFLOW_LOG_WARN, text_of("heard"));
    reflow_context_log(context, 0, text_of("no such level"));
    reflow_context_log(context, 6, text_of("no such level"));
    CHECK(logs == 0 || strstr(last_log, "heard") != NULL);
    CHECK_STATUS(REFLOW_ERROR_INVALID_UTF8, reflow_context_print(context, text_of("\xff")));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_print(context, null_view()));
    return reflow_context_print(context, text_of("a table\n"));
}

static void test_hooks(const rig_mode *mode) {
    reflow_runtime_options options = all_options(mode);
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    rig_component component = {0};
    component.id = "Talk";
    component.inports = "a";
    component.run = talk;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "t", "Talk");
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "t.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(logs == 1 && strcmp(last_log, "2 Talk t heard") == 0);
    CHECK(prints == 1 && strcmp(last_print, "t a table\n") == 0);
    rig_send(network, inport, 2); /* the hook refuses this one: the firing fails */
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "t").failed == 1 && prints == 2);
    reflow_runtime_destroy(runtime);
    CHECK(ends == 0); /* the network stands on it */
    rig_send(network, inport, 3);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(prints == 3);
    reflow_network_destroy(network);
    CHECK(ends == 1 && thread_starts == thread_stops);
    reflow_graph_destroy(graph);
}

/* Many print at once, and the hook is called for one after the other. */
static int printing, lines;
static reflow_status print_line(void *user_data, reflow_view node, reflow_view text) {
    (void)user_data, (void)node;
    CHECK(__atomic_fetch_add(&printing, 1, __ATOMIC_SEQ_CST) == 0);
    CHECK(text.size == 2);
    ++lines;
    __atomic_fetch_sub(&printing, 1, __ATOMIC_SEQ_CST);
    return REFLOW_OK;
}
static reflow_status print_often(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state, (void)inputs, (void)count;
    for (int i = 0; i < 100; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_print(context, text_of("x\n")));
    }
    return REFLOW_OK;
}

static void test_print(void) {
    reflow_runtime_options options = rig_options(&rig_modes[2]);
    options.print = print_line;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_component component = {0};
    component.id = "Print";
    component.run = print_often;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    char id[8];
    for (int i = 0; i < 20; ++i) {
        snprintf(id, sizeof id, "p%d", i);
        rig_node(graph, id, "Print");
    }
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(lines == 2000);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- runs of the host */

static void test_run(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    rig_connect(graph, "a.o", "b.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "a.a");
    bool more = true;
    WORKS(reflow_runtime_run(runtime, 0, &more, &e));
    CHECK(!more);
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    CHECK(rig_counters(network, "a").fired == 0); /* nobody runs it but us */
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 0, &e));
    CHECK(rig_counters(network, "a").fired == 0);
    WORKS(reflow_runtime_run(runtime, 1, &more, &e));
    CHECK(more && rig_counters(network, "a").fired == 1 && rig_counters(network, "b").fired == 0);
    WORKS(reflow_runtime_run(runtime, 1, &more, &e));
    CHECK(!more && rig_counters(network, "b").fired == 1);
    WORKS(reflow_network_wait_idle(network, 0, &e));
    WORKS(reflow_runtime_run(runtime, 0, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_run(NULL, 0, &more, &e));
    CHECK(!more);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* Sources without end, of each kind, are ended; what they emitted arrives, and they finish. */
typedef struct source {
    int64_t sent;
    bool finished;
} source;
static source sources[3];
static reflow_status count_up(reflow_context *context, void *state, source *of) {
    (void)state;
    CHECK(!of->finished);
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(of->sent++)));
    return REFLOW_OK;
}
static reflow_status go_on(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)inputs, (void)count;
    CHECK_STATUS(REFLOW_OK, count_up(context, state, &sources[0]));
    return reflow_context_again(context);
}
static reflow_status tick(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)inputs, (void)count;
    CHECK_STATUS(REFLOW_OK, count_up(context, state, &sources[1]));
    return reflow_context_wake_after(context, 1000);
}
static reflow_status keep_input(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)inputs;
    if (count == 0) return REFLOW_OK; /* the start */
    CHECK_STATUS(REFLOW_OK, count_up(context, state, &sources[2]));
    return reflow_context_again(context);
}
static reflow_status finish_source(reflow_context *context, void *state) {
    (void)state;
    int at = (int)(reflow_context_node(context).data[0] - '0');
    CHECK(!sources[at].finished);
    sources[at].finished = true;
    return REFLOW_OK;
}

static void test_end_sources(const rig_mode *mode) {
    static const reflow_run_fn runs[] = {go_on, tick, keep_input};
    static const char *const ids[] = {"0", "1", "2"}, *const sums[] = {"s0", "s1", "s2"};
    memset(sources, 0, sizeof sources);
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    for (int i = 0; i < 3; ++i) {
        rig_component component = {0};
        component.id = ids[i];
        component.inports = i == 2 ? "a" : NULL;
        component.outports = "o";
        component.flags = REFLOW_COMPONENT_SOURCE;
        component.run = runs[i];
        component.finish = finish_source;
        rig_register(runtime, &component);
        rig_node(graph, ids[i], ids[i]);
        rig_node(graph, sums[i], "Pass");
        char from[8], to[8];
        snprintf(from, sizeof from, "%d.o", i);
        snprintf(to, sizeof to, "s%d.a", i);
        rig_connect(graph, from, to, NULL);
    }
    rig_initial(graph, "2.a", reflow_message_integer(0));
    reflow_network *network = rig_network(runtime, graph);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_end_sources(NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_end_sources(network, &e));
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 3; ++i) {
        while (rig_counters(network, sums[i]).fired < 100) {
            FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 1, &e));
        }
    }
    WORKS(reflow_network_end_sources(network, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_end_sources(network, &e));
    reflow_inport late = rig_inport(network, "2.a");
    WORKS(reflow_network_send(network, late, reflow_message_integer(1), REFLOW_FOREVER, &e));
    int64_t sent = sources[2].sent;
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(sources[2].sent == sent);
    for (int i = 0; i < 3; ++i) {
        CHECK(sources[i].finished);
        CHECK(rig_counters(network, sums[i]).fired == (uint64_t)sources[i].sent);
        CHECK(rig_counters(network, ids[i]).waiting == 0);
    }
    WORKS(reflow_network_end_sources(network, &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_end_sources(network, &e));
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* A source without end does not keep the end of its runtime's handle from returning. */
static reflow_status endless(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state, (void)inputs, (void)count;
    return reflow_context_again(context);
}

static void test_endless(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Endless";
    component.run = endless;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "e", "Endless");
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 5, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_drain(network, 5, &e));
    reflow_runtime_destroy(runtime);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
}

/* ---- two threads run one runtime */

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool inside, leave;

static reflow_status wait_inside(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    pthread_mutex_lock(&mutex);
    inside = true;
    pthread_cond_broadcast(&changed);
    while (!leave) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return REFLOW_OK;
}

static void *run_all(void *runtime) {
    WORKS(reflow_runtime_run(runtime, 0, NULL, &e));
    return NULL;
}

static void test_two_runners(void) {
    inside = leave = false;
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {0};
    component.id = "Wait";
    component.run = wait_inside;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "w", "Wait");
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run_all, runtime) == 0);
    pthread_mutex_lock(&mutex);
    while (!inside) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_runtime_run(runtime, 0, NULL, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_stop(network, 0, &e));
    pthread_mutex_lock(&mutex);
    leave = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    CHECK(pthread_join(thread, NULL) == 0);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* Two runtimes with different options do not know of each other; messages go between them. */
/* Callbacks that wait for one another, as many as there are workers: no worker may sleep while one
 * of them waits behind another that does not return, whatever the callbacks before took. */
enum { MEETERS = 4 };
static pthread_cond_t met = PTHREAD_COND_INITIALIZER;
static int here, rounds;

static reflow_status meet(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)context, (void)state, (void)inputs;
    CHECK(count == 1);
    pthread_mutex_lock(&mutex);
    int round = rounds;
    if (++here == MEETERS) {
        here = 0;
        ++rounds;
        pthread_cond_broadcast(&met);
    }
    while (round == rounds) pthread_cond_wait(&met, &mutex);
    pthread_mutex_unlock(&mutex);
    return REFLOW_OK;
}

static void test_meeting(void) {
    rig_mode mode = {"own", REFLOW_MODE_OWN, MEETERS, 0, false, 0};
    reflow_runtime *runtime = rig_runtime(&mode);
    rig_register_pass(runtime);
    rig_component component = {0};
    component.id = "Meet";
    component.inports = "a";
    component.run = meet;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "in", "Pass");
    for (int i = 0; i < MEETERS; ++i) {
        char name[8], end[8];
        snprintf(name, sizeof name, "m%d", i);
        snprintf(end, sizeof end, "m%d.a", i);
        rig_node(graph, name, "Meet");
        rig_connect(graph, "in.o", end, NULL);
    }
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "in.a");
    WORKS(reflow_network_start(network, &e));
    rounds = 0;
    for (int i = 0; i < 50; ++i) {
        rig_send(network, inport, i);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(rounds == i + 1);
    }
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_two_runtimes(void) {
    reflow_runtime *runtimes[2] = {rig_runtime(&rig_own), rig_runtime(&rig_inline)};
    reflow_network *networks[2];
    reflow_output *outputs[2];
    reflow_inport inports[2];
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    for (int i = 0; i < 2; ++i) {
        rig_register_pass(runtimes[i]);
        networks[i] = rig_network(runtimes[i], graph);
        inports[i] = rig_inport(networks[i], "a.a");
        outputs[i] = rig_output(networks[i], "a.o", 0);
        WORKS(reflow_network_start(networks[i], &e));
    }
    reflow_graph_destroy(graph);
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_send(networks[0], inports[1], reflow_message_null(), 0, &e));
    for (int64_t i = 0; i < 100; ++i) {
        rig_send(networks[0], inports[0], i);
        reflow_message message;
        size_t count = 0;
        WORKS(reflow_output_recv_many(outputs[0], &message, 1, REFLOW_FOREVER, &count, &e));
        WORKS(reflow_network_send(networks[1], inports[1], message, REFLOW_FOREVER, &e));
        CHECK(rig_recv(outputs[1]) == i);
    }
    for (int i = 0; i < 2; ++i) {
        reflow_runtime_destroy(runtimes[i]);
        reflow_network_destroy(networks[i]);
        reflow_output_destroy(outputs[i]);
    }
}

int main(void) {
    check_time_limit(50);
    test_threads();
    test_taken();
    test_option_sizes();
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_hooks(&rig_modes[i]);
        test_endless(&rig_modes[i]);
        test_end_sources(&rig_modes[i]);
    }
    test_print();
    test_run();
    test_two_runners();
    test_two_runtimes();
    test_meeting();
    return 0;
}
