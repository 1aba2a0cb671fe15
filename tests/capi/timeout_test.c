/* Timeouts and cancellation of firings: deadlines, tokens, hooks, what a callback can ask. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { MOST = 64 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    reflow_completion open[MOST];
    size_t begun;
    int told, destroyed;
    uint64_t told_id;
} at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {{0}}, 0, 0, 0, 0};

static void lock(void) { CHECK(pthread_mutex_lock(&at.mutex) == 0); }
static void unlock(void) { CHECK(pthread_mutex_unlock(&at.mutex) == 0); }
static void changed(void) { CHECK(pthread_cond_broadcast(&at.changed) == 0); }

/* A hook looks at its completion and tells; what it calls does not wait. */
static void told(void *user_data, reflow_completion completion) {
    CHECK(user_data == &at);
    CHECK(reflow_completion_cancelled(completion));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(completion));
    lock();
    CHECK(at.destroyed >= at.told);
    ++at.told;
    at.told_id = completion.id;
    changed();
    unlock();
}

static void destroyed(void *user_data) {
    CHECK(user_data == &at);
    lock();
    ++at.destroyed;
    changed();
    unlock();
}

static reflow_status open_hooked(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state, (void)inputs;
    for (size_t i = 0; i < count; ++i) {
        reflow_completion completion;
        CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &completion));
        reflow_status status = reflow_completion_on_cancel(completion, told, &at, destroyed);
        lock();
        /* On a busy machine the deadline may have passed by now. */
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
        if (status != REFLOW_OK) ++at.told;
        CHECK(at.begun < MOST);
        at.open[at.begun++] = completion;
        changed();
        unlock();
    }
    return REFLOW_OK;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
    reflow_inport in;
    reflow_output *errors;
} bench;

static reflow_component component_of(reflow_port *in, reflow_port *out, reflow_run_fn run) {
    memset(in, 0, sizeof *in);
    *out = *in;
    in->name = text_of("a");
    out->name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Later");
    component.inports = in;
    component.outports = out;
    component.inport_count = component.outport_count = 1;
    component.max_batch = component.max_concurrency = 4;
    component.run = run;
    return component;
}

static bench open_bench(const rig_mode *mode, uint64_t timeout_ms, const char *metadata,
                        reflow_run_fn run) {
    bench b = {rig_runtime(mode), rig_graph(), NULL, {0}, NULL};
    reflow_port in, out;
    reflow_component component = component_of(&in, &out, run);
    component.timeout_ms = timeout_ms;
    WORKS(reflow_runtime_register(b.runtime, &component, &e));
    rig_register_pass(b.runtime);
    WORKS(reflow_graph_add_node(b.graph, text_of("t"), text_of("Later"),
                                metadata == NULL ? reflow_message_null() : json(metadata), &e));
    rig_node(b.graph, "p", "Pass");
    rig_connect(b.graph, "t.error", "p.a", NULL);
    b.network = rig_network(b.runtime, b.graph);
    b.in = rig_inport(b.network, "t.a");
    b.errors = rig_output(b.network, "p.o", 100);
    at.begun = 0;
    at.told = at.destroyed = 0;
    WORKS(reflow_network_start(b.network, &e));
    return b;
}

static void close_bench(bench *b) {
    reflow_output_destroy(b->errors);
    reflow_network_destroy(b->network);
    reflow_graph_destroy(b->graph);
    reflow_runtime_destroy(b->runtime);
}

/* Runs a turn, where the test has to. */
static void run_turn(bench *b, const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_LENT) {
        WORKS(reflow_runtime_work(b->runtime, 0, &e));
    } else {
        WORKS(reflow_runtime_run(b->runtime, 1, NULL, &e));
    }
}

/* Turns alone: time does not jump to a deadline. */
static void wait_begun(bench *b, const rig_mode *mode, size_t count) {
    for (int i = 0; i < 20 && !rig_threaded(mode) && at.begun < count; ++i) {
        run_turn(b, mode);
    }
    lock();
    while (at.begun < count && rig_threaded(mode)) {
        CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    }
    CHECK(at.begun == count);
    unlock();
}

static void expect_error(bench *b, const char *part) {
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(b->errors, &message, 1, REFLOW_FOREVER, &count, &e));
    CHECK(count == 1 && reflow_message_kind(message) == REFLOW_KIND_ERROR);
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(message, REFLOW_JSON_PLAIN, &buffer, &e));
    if (strstr(reflow_buffer_get(buffer).data, part) == NULL) {
        check_failed(__FILE__, __LINE__, part, reflow_buffer_get(buffer).data);
    }
    reflow_buffer_destroy(buffer);
    reflow_message_unref(message);
}

/* Two firings meet their deadline; the third is resolved before it, and its hook is not called. */
static void test_timeout(const rig_mode *mode) {
    bench b = open_bench(mode, 20, NULL, open_hooked);
    rig_send(b.network, b.in, 1);
    rig_send(b.network, b.in, 2);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(at.begun == 2 && at.told == 2 && at.destroyed == 2);
    for (int i = 0; i < 2; ++i) {
        expect_error(&b, "timeout of 20 ms (timeout_ms)");
        CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[i]));
    }
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.fired == 2 && counters.failed == 2);
    close_bench(&b);
    /* No deadline is left when all is resolved: the network is idle at once. */
    b = open_bench(mode, 1000000, NULL, open_hooked);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    CHECK(at.told == 0 && at.destroyed == 1);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(b.network, "t").failed == 0);
    close_bench(&b);
}

/* The node has the last word; 0 is none. */
static void test_node(const rig_mode *mode) {
    bench b = open_bench(mode, 1000000, "{\"firing\": {\"timeout_ms\": 5}}", open_hooked);
    rig_send(b.network, b.in, 1);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    expect_error(&b, "timeout of 5 ms");
    close_bench(&b);
    b = open_bench(mode, 1, "{\"firing\": {\"timeout_ms\": 0}}", open_hooked);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    if (mode->mode == REFLOW_MODE_SIMULATED) {
        FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    } else {
        FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(b.network, 20, &e));
    }
    CHECK(!reflow_completion_cancelled(at.open[0]) && at.told == 0);
    close_bench(&b);
    CHECK(at.told == 1 && at.destroyed == 1); /* by the stop */
}

static void test_cancel(const rig_mode *mode) {
    bench b = open_bench(mode, 0, NULL, open_hooked);
    for (int i = 0; i < 3; ++i) rig_send(b.network, b.in, i);
    wait_begun(&b, mode, 3);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[1]));
    size_t count = 77;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_cancel(b.network, text_of("q"), &count, &e));
    CHECK(count == 0);
    WORKS(reflow_network_cancel(b.network, text_of("p"), &count, &e));
    CHECK(count == 0 && at.told == 0);
    WORKS(reflow_network_cancel(b.network, text_of("t"), &count, &e));
    CHECK(count == 2 && at.told == 2 && at.destroyed == 3);
    CHECK(reflow_completion_cancelled(at.open[0]) && reflow_completion_cancelled(at.open[2]));
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    expect_error(&b, "the firing was cancelled");
    expect_error(&b, "the firing was cancelled");
    CHECK(rig_counters(b.network, "t").fired == 3 && rig_counters(b.network, "t").failed == 2);
    rig_send(b.network, b.in, 3);
    wait_begun(&b, mode, 4);
    WORKS(reflow_network_cancel(b.network, text_of(""), NULL, &e));
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(at.told == 3);
    WORKS(reflow_network_stop(b.network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_cancel(b.network, text_of("t"), &count, &e));
    CHECK(count == 0);
    close_bench(&b);
}

/* A path is that of a subgraph as well, at any depth; a node whose id only begins like it is none of it. */
static void test_cancel_subgraph(const rig_mode *mode) {
#define SUB(text) "{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\",\"graph\":" text "}}}"
#define IN(node) "\"inports\":{\"a\":{\"nodeId\":\"" node "\",\"portId\":\"a\"}}"
#define LATER "{\"component\":\"Later\"}"
    static const char document[] =
        "{\"inports\":{\"x\":{\"nodeId\":\"out\",\"portId\":\"a\"},"
        "\"y\":{\"nodeId\":\"outer\",\"portId\":\"a\"}},\"processes\":{\"out\":"
        SUB("{\"processes\":{\"in\":" SUB("{\"processes\":{\"t\":" LATER "}," IN("t") "}") "},"
            IN("in") "}") ",\"outer\":" LATER "}}";
    static const char *const paths[] = {"out", "out/in", "out/in/t", ""};
    static const size_t cancelled[] = {1, 1, 1, 2};
    bench b = {rig_runtime(mode), NULL, NULL, {0}, NULL};
    reflow_port in, out;
    reflow_component component = component_of(&in, &out, open_hooked);
    WORKS(reflow_runtime_register(b.runtime, &component, &e));
    WORKS(reflow_graph_load(text_of(document), REFLOW_FORMAT_JSON, text_of(""), &b.graph, &e));
    b.network = rig_network(b.runtime, b.graph);
    WORKS(reflow_network_start(b.network, &e));
    for (size_t i = 0; i < 4; ++i) {
        at.begun = 0;
        at.told = at.destroyed = 0;
        rig_send(b.network, rig_inport(b.network, "out.a"), 1);
        wait_begun(&b, mode, 1);
        rig_send(b.network, rig_inport(b.network, "outer.a"), 2);
        wait_begun(&b, mode, 2);
        size_t count = 77;
        FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_cancel(b.network, text_of("ou"), &count, &e));
        CHECK(count == 0);
        WORKS(reflow_network_cancel(b.network, text_of(paths[i]), &count, &e));
        CHECK(count == cancelled[i] && (size_t)at.told == count);
        WORKS(reflow_network_cancel(b.network, text_of(""), &count, &e));
        CHECK(count == 2 - cancelled[i]);
        WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    }
    reflow_network_destroy(b.network);
    reflow_graph_destroy(b.graph);
    reflow_runtime_destroy(b.runtime);
}

/* The first one emits more than its output takes, before its call returns. */
static reflow_status open_emitting(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    size_t first = at.begun; /* only this actor writes it */
    reflow_status status = open_hooked(context, state, inputs, count);
    for (int i = 0; i < 5 && first == 0; ++i) {
        CHECK_STATUS(REFLOW_OK,
                     reflow_completion_emit(at.open[0], 0, reflow_message_integer(i), 0));
    }
    return status;
}

/* The deadline passes also while the actor is held back by an output that nobody reads. */
static void test_held(const rig_mode *mode) {
    bench b = open_bench(mode, 200, NULL, open_emitting);
    reflow_network_destroy(b.network);
    reflow_output_destroy(b.errors);
    b.network = rig_network(b.runtime, b.graph);
    b.in = rig_inport(b.network, "t.a");
    b.errors = rig_output(b.network, "p.o", 100);
    reflow_output *out = rig_output(b.network, "t.o", 1);
    at.begun = 0;
    at.told = at.destroyed = 0;
    WORKS(reflow_network_start(b.network, &e));
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    /* Who waits runs what is due, where no thread does. */
    int told = 0;
    while (told == 0) {
        reflow_status status = reflow_network_wait_idle(b.network, 20, NULL);
        CHECK(status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK);
        lock();
        told = at.told;
        unlock();
    }
    CHECK(told == 1);
    for (int i = 0; i < 5; ++i) CHECK(rig_recv(out) == i);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    expect_error(&b, "timeout of 200 ms");
    reflow_output_destroy(out);
    close_bench(&b);
}

/* A callback that looks: told to stop by its deadline; it ends well all the same. */
static reflow_status look(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state, (void)inputs, (void)count;
    uint64_t now = reflow_context_now_ns(context);
    uint64_t deadline = reflow_context_deadline_ns(context);
    CHECK(deadline + 3000000000 > now && deadline <= now + 10000000);
    while (rig_integer(inputs[0].message) == 1 && !reflow_context_stopping(context)) {
        CHECK(reflow_context_now_ns(context) <= deadline + 60000000000u);
    }
    if (rig_integer(inputs[0].message) == 1) CHECK(reflow_context_now_ns(context) >= deadline);
    return REFLOW_OK;
}

static reflow_status look_none(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state, (void)inputs, (void)count;
    CHECK(reflow_context_deadline_ns(context) == UINT64_MAX);
    CHECK(!reflow_context_stopping(context));
    return REFLOW_OK;
}

static void test_callback(const rig_mode *mode) {
    bench b = open_bench(mode, 10, NULL, look);
    /* Logical time stands still inside a callback. */
    rig_send(b.network, b.in, mode->mode == REFLOW_MODE_SIMULATED ? 0 : 1);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.fired == 1 && counters.failed == 0);
    close_bench(&b);
    b = open_bench(mode, 0, NULL, look_none);
    rig_send(b.network, b.in, 1);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    close_bench(&b);
    CHECK(reflow_context_deadline_ns(NULL) == UINT64_MAX);
}

static void test_misuse(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    reflow_port in, out;
    reflow_component component = component_of(&in, &out, open_hooked);
    component.timeout_ms = UINT64_MAX;
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_register(runtime, &component, &e));
    reflow_runtime_destroy(runtime);
    at.told = at.destroyed = 0;
    reflow_completion foreign = {1};
    CHECK(reflow_completion_on_cancel(foreign, told, &at, destroyed) < 0);
    CHECK(at.told == 0 && at.destroyed == 1);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_completion_on_cancel(foreign, NULL, &at, destroyed));
    CHECK(at.destroyed == 2);
    bench b = open_bench(&rig_inline, 0, NULL, open_hooked);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, &rig_inline, 1);
    CHECK_STATUS(REFLOW_ERROR_ALREADY_EXISTS,
                 reflow_completion_on_cancel(at.open[0], told, &at, destroyed));
    CHECK(at.destroyed == 1 && at.told == 0);
    at.destroyed = 0;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_cancel(NULL, text_of(""), NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_cancel(b.network, null_view(), NULL, &e));
    WORKS(reflow_network_cancel(b.network, text_of("t"), NULL, &e));
    CHECK_STATUS(REFLOW_ERROR_CLOSED,
                 reflow_completion_on_cancel(at.open[0], told, &at, destroyed));
    CHECK(at.told == 1 && at.destroyed == 2);
    reflow_network *unstarted = rig_network(b.runtime, b.graph);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_cancel(unstarted, text_of("t"), NULL, &e));
    reflow_network_destroy(unstarted);
    close_bench(&b);
}

/* What is wrong in a graph is told by node and path. */
static void test_metadata(void) {
    static const struct {
        const char *metadata, *part;
    } wrong[] = {
        {"{\"firing\": 5}", "'firing' is not an object"},
        {"{\"firing\": {\"timeout\": 5}}", "unknown key 'timeout'"},
        {"{\"firing\": {\"timeout_ms\": -1}}", "not an integer from 0"},
        {"{\"firing\": {\"timeout_ms\": 1.5}}", "not an integer from 0"},
        {"{\"firing\": {\"timeout_ms\": \"1\"}}", "not an integer from 0"},
        {"{\"firing\": {\"timeout_ms\": 9000000000000}}", "not an integer from 0"},
    };
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        reflow_graph *graph = rig_graph();
        WORKS(reflow_graph_add_node(graph, text_of("n"), text_of("Pass"), json(wrong[i].metadata),
                                    &e));
        reflow_network *network = NULL;
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &error));
        CHECK(network == NULL);
        CHECK(strstr(reflow_error_text(error).data, wrong[i].part) != NULL);
        CHECK(strstr(reflow_error_text(error).data, "node 'n'") != NULL);
        reflow_error_destroy(error);
        reflow_graph_destroy(graph);
    }
    reflow_runtime_destroy(runtime);
}

/* Deadlines, resolves and cancels at once: each firing ends once, with its hook told once or not.
 */
static void *resolve_some(void *unused) {
    (void)unused;
    for (size_t i = 0; i < MOST / 2; ++i) {
        lock();
        while (at.begun <= i) CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
        reflow_completion completion = at.open[i];
        unlock();
        if (i % 3 == 0) (void)reflow_completion_resolve(completion);
    }
    return NULL;
}

static void test_race(const rig_mode *mode) {
    if (!rig_threaded(mode)) return;
    bench b = open_bench(mode, 1, NULL, open_hooked);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, resolve_some, NULL) == 0);
    for (int i = 0; i < MOST / 2; ++i) {
        rig_send(b.network, b.in, i);
        if (i % 4 == 0) WORKS(reflow_network_cancel(b.network, text_of("t"), NULL, &e));
    }
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(pthread_join(thread, NULL) == 0);
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.fired == MOST / 2);
    CHECK((uint64_t)at.told == counters.failed);
    close_bench(&b);
    CHECK(at.destroyed == MOST / 2);
}

int main(void) {
    check_time_limit(100);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_timeout(&rig_modes[i]);
        test_node(&rig_modes[i]);
        test_cancel(&rig_modes[i]);
        test_cancel_subgraph(&rig_modes[i]);
        test_held(&rig_modes[i]);
        test_callback(&rig_modes[i]);
        test_race(&rig_modes[i]);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) {
        test_timeout(&rig_tiny_modes[i]);
        test_cancel(&rig_tiny_modes[i]);
        test_race(&rig_tiny_modes[i]);
    }
    test_misuse();
    test_metadata();
    return 0;
}
