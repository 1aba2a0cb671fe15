/* Firings that end later: completions from any thread, order, back-pressure, idle, stop, misuse. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { MOST = 4096 };

/* What the component has left open: pushed by run, popped by whoever ends it. */
typedef struct work {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    reflow_completion open[MOST];
    int64_t value[MOST];
    size_t begun, ended;
    size_t at_once, most_at_once;
    bool closing;
} work;

static work at;

static void begin_work(void) {
    memset(&at, 0, sizeof at);
    CHECK(pthread_mutex_init(&at.mutex, NULL) == 0);
    CHECK(pthread_cond_init(&at.changed, NULL) == 0);
}

static void end_work(void) {
    CHECK(pthread_cond_destroy(&at.changed) == 0);
    CHECK(pthread_mutex_destroy(&at.mutex) == 0);
}

static void leave_open(reflow_completion completion, int64_t value) {
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    CHECK(at.begun < MOST);
    at.open[at.begun] = completion;
    at.value[at.begun++] = value;
    if (++at.at_once > at.most_at_once) at.most_at_once = at.at_once;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

/* Keeps every firing open. */
static reflow_status open_all(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        reflow_completion completion = {0};
        CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &completion));
        CHECK(completion.id != 0);
        leave_open(completion, rig_integer(inputs[i].message));
    }
    return REFLOW_OK;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
    reflow_inport in;
    reflow_output *out;
} bench;

static bench open_bench(const rig_mode *mode, uint32_t concurrency, uint32_t batch, uint32_t flags,
                        reflow_run_fn run) {
    bench b = {rig_runtime(mode), rig_graph(), NULL, {0}, NULL};
    reflow_port in = {{0, 0}, {0, 0}, {0, 0}, 0, 0, 0}, out = in;
    in.name = text_of("a");
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Later");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.max_batch = batch;
    component.max_concurrency = concurrency;
    component.flags = flags;
    component.run = run;
    WORKS(reflow_runtime_register(b.runtime, &component, &e));
    rig_register_pass(b.runtime);
    rig_node(b.graph, "t", "Later");
    begin_work();
    return b;
}

static void start(bench *b, uint32_t capacity) {
    b->network = rig_network(b->runtime, b->graph);
    b->in = rig_inport(b->network, "t.a");
    b->out = rig_output(b->network, "t.o", capacity);
    WORKS(reflow_network_start(b->network, &e));
}

static void close_bench(bench *b) {
    reflow_output_destroy(b->out);
    reflow_network_destroy(b->network);
    reflow_graph_destroy(b->graph);
    reflow_runtime_destroy(b->runtime);
    end_work();
}

/* Runs what is ready, where the test has to. */
static void run_ready(bench *b, const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_LENT) {
        WORKS(reflow_runtime_work(b->runtime, 0, &e));
    } else {
        WORKS(reflow_runtime_run(b->runtime, 0, NULL, &e));
    }
}

/* Waits until so many firings have begun. */
static void wait_begun(bench *b, const rig_mode *mode, size_t count) {
    if (!rig_threaded(mode)) {
        /* A call works for a while, on a slow machine not for long enough. */
        while (at.begun < count) run_ready(b, mode);
        return;
    }
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    while (at.begun < count) CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

static void resolve_with(size_t index) {
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(at.open[index], 0,
                                                   reflow_message_integer(at.value[index]), 0));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[index]));
}

static void test_one(const rig_mode *mode) {
    bench b = open_bench(mode, 0, 0, 0, open_all);
    start(&b, 0);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    /* Pending: not idle, and it takes nothing more. */
    if (rig_threaded(mode)) FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(b.network, 0, &e));
    rig_send(b.network, b.in, 2);
    if (!rig_threaded(mode)) run_ready(&b, mode);
    CHECK(at.begun == 1);
    CHECK(rig_counters(b.network, "t").fired == 0);
    CHECK(!reflow_completion_cancelled(at.open[0]));
    /* Several emits, then the end; what is pending has been delivered by then. */
    for (int i = 0; i < 3; ++i) {
        CHECK_STATUS(REFLOW_OK,
                     reflow_completion_emit(at.open[0], 0, reflow_message_integer(i), 0));
    }
    for (int i = 0; i < 3; ++i) CHECK(rig_recv(b.out) == i);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[0]));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_fail(at.open[0], REFLOW_ERROR_FAILED,
                                                             text_of("x"), text_of("")));
    CHECK_STATUS(REFLOW_ERROR_CLOSED,
                 reflow_completion_emit(at.open[0], 0, reflow_message_integer(9), 0));
    CHECK(reflow_completion_cancelled(at.open[0]));
    /* The next one goes on. */
    wait_begun(&b, mode, 2);
    resolve_with(1);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(rig_recv(b.out) == 2);
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.fired == 2 && counters.failed == 0 && counters.received == 2);
    CHECK(counters.sent == 4);
    close_bench(&b);
}

/* Ends what begins, in an order of its own, on a thread of its own. */
static void *end_all(void *unused) {
    (void)unused;
    for (;;) {
        CHECK(pthread_mutex_lock(&at.mutex) == 0);
        while (at.ended == at.begun && !at.closing) {
            CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
        }
        if (at.ended == at.begun) break;
        /* The newest first. */
        size_t last = at.begun - 1, next = at.ended++;
        reflow_completion completion = at.open[last];
        int64_t value = at.value[last];
        at.open[last] = at.open[next];
        at.value[last] = at.value[next];
        --at.at_once;
        CHECK(pthread_mutex_unlock(&at.mutex) == 0);
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(completion, 0, reflow_message_integer(value),
                                                       REFLOW_FOREVER));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
    }
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    return NULL;
}

/* Many firings, ended by two threads: each gives one output, in order if that is asked for. */
static void test_threads(const rig_mode *mode, uint32_t flags) {
    if (mode->mode == REFLOW_MODE_SIMULATED) return; /* it does not wait for other threads */
    enum { COUNT = 2000, WIDTH = 7 };
    bench b = open_bench(mode, WIDTH, 3, flags, open_all);
    rig_node(b.graph, "p", "Pass");
    rig_connect(b.graph, "t.o", "p.a", NULL);
    b.network = rig_network(b.runtime, b.graph);
    b.in = rig_inport(b.network, "t.a");
    b.out = rig_output(b.network, "p.o", COUNT);
    WORKS(reflow_network_start(b.network, &e));
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, end_all, NULL) == 0);
    for (int i = 0; i < COUNT; ++i) {
        for (;;) {
            reflow_status status =
                reflow_network_send(b.network, b.in, reflow_message_integer(i), 100, NULL);
            if (status == REFLOW_OK) break;
            CHECK(status == REFLOW_ERROR_WOULD_BLOCK || status == REFLOW_ERROR_TIMEOUT);
        }
    }
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    at.closing = true;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    for (int i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(at.begun == COUNT && at.ended == COUNT);
    CHECK(at.most_at_once <= WIDTH);
    static bool got[COUNT];
    memset(got, 0, sizeof got);
    for (int i = 0; i < COUNT; ++i) {
        int64_t value = rig_recv(b.out);
        CHECK(value >= 0 && value < COUNT && !got[value]);
        got[value] = true;
        if (flags != 0) CHECK(value == i);
    }
    reflow_message none;
    size_t count = 0;
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_output_recv_many(b.out, &none, 1, 0, &count, &e));
    CHECK(rig_counters(b.network, "t").fired == COUNT);
    close_bench(&b);
}

/* Even numbers stay open; odd ones end at once, with what they emit or with a failure. */
static reflow_status open_even(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    CHECK(count == 1);
    int64_t value = rig_integer(inputs[0].message);
    if (value == 0 || value % 2 == 0) return open_all(context, state, inputs, count);
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(value)));
    if (value == 3)
        return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("three"), text_of(""));
    return REFLOW_OK;
}

static void test_ordered(const rig_mode *mode) {
    bench b = open_bench(mode, 8, 5, REFLOW_COMPONENT_ORDERED, open_even);
    rig_node(b.graph, "p", "Pass");
    rig_connect(b.graph, "t.error", "p.a", NULL);
    b.network = rig_network(b.runtime, b.graph);
    b.in = rig_inport(b.network, "t.a");
    b.out = rig_output(b.network, "t.o", 100);
    reflow_output *errors = rig_output(b.network, "p.o", 100);
    WORKS(reflow_network_start(b.network, &e));
    for (int i = 0; i < 7; ++i) rig_send(b.network, b.in, i);
    wait_begun(&b, mode, 4);
    /* 0, 2, 4 and 6 are open; the last one ends first. */
    reflow_message none;
    size_t count = 0;
    for (size_t i = 4; i-- > 1;) resolve_with(i);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_output_recv_many(b.out, &none, 1, 0, &count, &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_output_recv_many(errors, &none, 1, 0, &count, &e));
    resolve_with(0);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    for (int i = 0; i < 7; ++i) CHECK(rig_recv(b.out) == i);
    WORKS(reflow_output_recv_many(errors, &none, 1, 0, &count, &e));
    CHECK(reflow_message_kind(none) == REFLOW_KIND_ERROR);
    reflow_message_unref(none);
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.fired == 7 && counters.failed == 1);
    reflow_output_destroy(errors);
    close_bench(&b);
}

/* A full output holds the actor back; what is emitted beyond the limit is refused. */
static void test_pressure(const rig_mode *mode) {
    bench b = open_bench(mode, 1, 0, 0, open_all);
    start(&b, 2);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    int64_t sent = 0;
    /* The reader takes 2, the actor keeps what it has taken over, and the completion its limit. */
    for (;; ++sent) {
        reflow_status status =
            reflow_completion_emit(at.open[0], 0, reflow_message_integer(sent), 0);
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            if (rig_threaded(mode) || sent > REFLOW_MAX_COMPLETION_EMITS) break;
            run_ready(&b, mode);
            if (reflow_completion_emit(at.open[0], 0, reflow_message_integer(sent), 0) !=
                REFLOW_OK) {
                break;
            }
            continue;
        }
        CHECK_STATUS(REFLOW_OK, status);
        CHECK(sent < 3 * REFLOW_MAX_COMPLETION_EMITS);
    }
    CHECK(sent >= REFLOW_MAX_COMPLETION_EMITS);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    for (int64_t i = 0; i < sent; ++i) CHECK(rig_recv(b.out) == i);
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(b.network, "t").sent == (uint64_t)sent);
    close_bench(&b);
}

/* A completion that emits into its own actor through a port of one: a stall, which is resolved. */
static void test_cycle(const rig_mode *mode) {
    bench b = open_bench(mode, 1, 0, 0, open_all);
    rig_connect(b.graph, "t.o", "t.a", "{\"capacity\": 1}");
    start(&b, 5000);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    enum { COUNT = 600 };
    for (int i = 0; i < COUNT; ++i) {
        for (;;) {
            reflow_status status = reflow_completion_emit(at.open[0], 0, reflow_message_integer(i),
                                                          rig_threaded(mode) ? REFLOW_FOREVER : 0);
            if (status == REFLOW_OK) break;
            CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, status);
            run_ready(&b, mode);
        }
    }
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    for (int i = 0; i < COUNT; ++i) CHECK(rig_recv(b.out) == i);
    for (size_t i = 1; i <= COUNT; ++i) {
        wait_begun(&b, mode, i + 1);
        CHECK(at.value[i] == (int64_t)i - 1);
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[i]));
    }
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    close_bench(&b);
}

static int ends;

static reflow_status open_first(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state, (void)inputs, (void)count;
    reflow_completion completion;
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &completion));
    leave_open(completion, 0);
    return REFLOW_OK;
}

/* Inputs live until the end of the firing, and no longer; a stop ends all that is open. */
static void test_stop(const rig_mode *mode) {
    bench b = open_bench(mode, 3, 0, 0, open_first);
    start(&b, 0);
    ends = 0;
    for (int i = 0; i < 3; ++i) {
        WORKS(reflow_network_send(b.network, b.in, counted(&ends), REFLOW_FOREVER, &e));
    }
    wait_begun(&b, mode, 3);
    CHECK(__atomic_load_n(&ends, __ATOMIC_RELAXED) == 0);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[1]));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_drain(b.network, 0, &e));
    WORKS(reflow_network_stop(b.network, REFLOW_FOREVER, &e));
    for (int i = 0; i < 3; ++i) {
        CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[i]));
        CHECK(reflow_completion_cancelled(at.open[i]));
    }
    reflow_completion late = at.open[0];
    close_bench(&b);
    CHECK(ends == 3);
    /* Also when everything has ended. */
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(late));
    CHECK_STATUS(REFLOW_ERROR_CLOSED,
                 reflow_completion_emit(late, 0, reflow_message_integer(1), REFLOW_FOREVER));
}

/* Drain waits for what is pending. */
static void *resolve_first(void *unused) {
    (void)unused;
    resolve_with(0);
    return NULL;
}

static void test_drain(const rig_mode *mode) {
    bench b = open_bench(mode, 0, 0, 0, open_all);
    start(&b, 0);
    rig_send(b.network, b.in, 7);
    wait_begun(&b, mode, 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, resolve_first, NULL) == 0);
    if (mode->mode == REFLOW_MODE_SIMULATED) CHECK(pthread_join(thread, NULL) == 0);
    WORKS(reflow_network_drain(b.network, REFLOW_FOREVER, &e));
    if (mode->mode != REFLOW_MODE_SIMULATED) CHECK(pthread_join(thread, NULL) == 0);
    CHECK(rig_recv(b.out) == 7);
    CHECK(reflow_network_get_state(b.network) == REFLOW_NETWORK_DRAINED);
    close_bench(&b);
}

/* A batch of 4: 0 ends, 1 stays open, 2 fails though it was kept open, 3 comes again. */
static reflow_status partly(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t count) {
    (void)state;
    int64_t value = rig_integer(inputs[0].message);
    if (count != 4) {
        CHECK(count == 1 && value == 3);
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(30)));
        return REFLOW_OK;
    }
    CHECK(value == 0);
    reflow_completion first, failed, again, wrong = {7};
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, 1));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 0, &wrong));
    CHECK(wrong.id == 0);
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 1, &first));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 1, &wrong));
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 2, &failed));
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 3, &again));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 4, &wrong));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 2, &wrong));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 2, NULL));
    leave_open(first, 10);
    leave_open(failed, 20);
    leave_open(again, 30);
    /* Emitted before the call has returned: kept or dropped with the firing. */
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(first, 0, reflow_message_integer(10), 0));
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(failed, 0, reflow_message_integer(20), 0));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(again));
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, 2));
    return REFLOW_ERROR_FAILED;
}

static void test_partly(const rig_mode *mode) {
    bench b = open_bench(mode, 8, 4, 0, partly);
    for (int i = 0; i < 4; ++i) rig_initial(b.graph, "t.a", reflow_message_integer(i));
    start(&b, 0);
    wait_begun(&b, mode, 3);
    int64_t sum = rig_recv(b.out) + rig_recv(b.out);
    CHECK(sum == 40);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[1]));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[2]));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    reflow_node_counters counters = rig_counters(b.network, "t");
    CHECK(counters.fired == 4 && counters.failed == 1 && counters.sent == 2);
    close_bench(&b);
}

/* A failure that comes later is one like any other. */
static void test_fail(const rig_mode *mode) {
    bench b = open_bench(mode, 2, 0, 0, open_all);
    rig_node(b.graph, "p", "Pass");
    rig_connect(b.graph, "t.error", "p.a", NULL);
    b.network = rig_network(b.runtime, b.graph);
    b.in = rig_inport(b.network, "t.a");
    b.out = rig_output(b.network, "p.o", 0);
    reflow_event_options options = {0};
    options.struct_size = sizeof options;
    options.kinds = 1 << REFLOW_EVENT_ACTOR_FAILED | 1 << REFLOW_EVENT_ACTOR_COMPLETED;
    reflow_subscription *events = NULL;
    WORKS(reflow_network_subscribe(b.network, &options, &events, &e));
    WORKS(reflow_network_start(b.network, &e));
    rig_send(b.network, b.in, 1);
    wait_begun(&b, mode, 1);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_completion_fail(at.open[0], REFLOW_OK, text_of(""), text_of("")));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_completion_fail(at.open[0], REFLOW_ERROR_IO, null_view(), text_of("")));
    CHECK_STATUS(REFLOW_OK, reflow_completion_fail(at.open[0], REFLOW_ERROR_HOST,
                                                   text_of("no answer"), text_of("ask again")));
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    reflow_message error;
    size_t count = 0;
    WORKS(reflow_output_recv_many(b.out, &error, 1, REFLOW_FOREVER, &count, &e));
    CHECK(reflow_message_kind(error) == REFLOW_KIND_ERROR);
    reflow_message_unref(error);
    reflow_event_batch *batch = NULL;
    uint64_t missed = 0;
    bool found = false;
    WORKS(reflow_subscription_poll(events, 10, REFLOW_FOREVER, &batch, &missed, &e));
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event = {0};
        event.struct_size = sizeof event;
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, i, &event));
        if (event.kind == REFLOW_EVENT_ACTOR_COMPLETED) CHECK(!same_text(event.node, "t"));
        if (event.kind != REFLOW_EVENT_ACTOR_FAILED) continue;
        CHECK(!found && same_text(event.node, "t"));
        CHECK(strstr(event.error.data, "no answer") != NULL);
        CHECK(strstr(event.error.data, "ask again") != NULL);
        found = true;
    }
    CHECK(found);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(events);
    CHECK(rig_counters(b.network, "t").failed == 1 && rig_counters(b.network, "t").fired == 1);
    close_bench(&b);
}

/* A source that keeps its firings open goes on when one of them ends. */
static reflow_status open_source(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state, (void)inputs;
    CHECK(count == 0);
    reflow_completion completion, second;
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &completion));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 1, &second));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(context, 0, &second));
    leave_open(completion, (int64_t)at.begun);
    return at.begun < 5 ? reflow_context_again(context) : REFLOW_OK;
}

static void test_source(const rig_mode *mode) {
    bench b = open_bench(mode, 2, 0, REFLOW_COMPONENT_SOURCE, open_source);
    b.network = rig_network(b.runtime, b.graph);
    b.out = rig_output(b.network, "t.o", 0);
    WORKS(reflow_network_start(b.network, &e));
    for (size_t i = 0; i < 5; ++i) {
        wait_begun(&b, mode, i < 4 ? i + 2 : 5);
        CHECK(at.begun <= i + 2);
        resolve_with(i);
        CHECK(rig_recv(b.out) == (int64_t)i);
    }
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(b.network, "t").fired == 5);
    close_bench(&b);
}

static void test_misuse(void) {
    reflow_completion foreign[] = {{0}, {1}, {UINT64_MAX}, {(uint64_t)1 << 24}, {UINT64_MAX >> 1}};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; ++i) {
        reflow_status status = reflow_completion_resolve(foreign[i]);
        CHECK(status == REFLOW_ERROR_NOT_FOUND || status == REFLOW_ERROR_CLOSED);
        CHECK(reflow_completion_cancelled(foreign[i]));
        CHECK_STATUS(status, reflow_completion_emit(foreign[i], 0, reflow_message_integer(1), 0));
        CHECK_STATUS(status, reflow_completion_fail(foreign[i], REFLOW_ERROR_FAILED, text_of("x"),
                                                    text_of("")));
    }
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_completion_resolve(foreign[2]));
    reflow_completion to = {5};
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_defer(NULL, 0, &to));
    CHECK(to.id == 0);
    bench b = open_bench(&rig_inline, 0, 0, 0, open_all);
    start(&b, 0);
    rig_send(b.network, b.in, 1);
    wait_begun(&b, &rig_inline, 1);
    reflow_message none = {0, 0};
    int unused = 0;
    reflow_message lent = counted(&unused);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_completion_emit(at.open[0], 0, none, 0));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_completion_emit(at.open[0], 77, lent, 0));
    CHECK(unused == 0); /* it stays the caller's */
    reflow_message_unref(lent);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    close_bench(&b);
}

/* The limit of a runtime, and that of an actor that does not tell one. */
static size_t refused;

static reflow_status open_most(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    if (at.begun + count >= MOST) return REFLOW_OK; /* only this actor writes it */
    for (size_t i = 0; i < count; ++i) {
        reflow_completion completion;
        reflow_status status = reflow_context_defer(context, i, &completion);
        if (status == REFLOW_ERROR_CANCELLED) return status; /* the network stops */
        if (status != REFLOW_OK) {
            CHECK_STATUS(REFLOW_ERROR_LIMIT, status);
            CHECK(completion.id == 0);
            ++refused;
            CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i));
            return reflow_context_again(context);
        }
        leave_open(completion, rig_integer(inputs[i].message));
    }
    return REFLOW_OK;
}

static void test_limits(const rig_mode *mode) {
    /* A batch of 4, one of which may be pending: the others come again, one after the other. */
    bench b = open_bench(mode, 0, 4, 0, open_most);
    for (int i = 0; i < 4; ++i) rig_initial(b.graph, "t.a", reflow_message_integer(i));
    start(&b, 0);
    refused = 0;
    for (size_t i = 0; i < 4; ++i) {
        wait_begun(&b, mode, i + 1);
        CHECK(at.begun == i + 1 && at.value[i] == (int64_t)i);
        resolve_with(i);
        CHECK(rig_recv(b.out) == (int64_t)i);
    }
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    CHECK(refused >= 1 && refused <= 3);
    CHECK(rig_counters(b.network, "t").fired == 4);
    close_bench(&b);
}

static void test_runtime_limit(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_completions = 2;
    bench b = open_bench(&rig_inline, 8, 8, 0, open_most);
    reflow_runtime_destroy(b.runtime);
    b.runtime = NULL;
    WORKS(reflow_runtime_create(&options, &b.runtime, &e));
    rig_component later = {0};
    later.id = "Later";
    later.inports = "a";
    later.outports = "o";
    later.max_batch = 8;
    later.run = open_most;
    rig_register(b.runtime, &later);
    rig_node(b.graph, "u", "Later");
    rig_node(b.graph, "v", "Later");
    start(&b, 0);
    reflow_inport u = rig_inport(b.network, "u.a"), v = rig_inport(b.network, "v.a");
    refused = 0;
    rig_send(b.network, b.in, 0);
    rig_send(b.network, u, 1);
    WORKS(reflow_runtime_run(b.runtime, 0, NULL, &e));
    CHECK(at.begun == 2 && refused == 0);
    rig_send(b.network, v, 2);
    WORKS(reflow_runtime_run(b.runtime, 1, NULL, &e));
    CHECK(at.begun == 2 && refused >= 1);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[0]));
    WORKS(reflow_runtime_run(b.runtime, 0, NULL, &e));
    CHECK(at.begun == 3);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[1]));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open[2]));
    WORKS(reflow_network_wait_idle(b.network, REFLOW_FOREVER, &e));
    close_bench(&b);
}

/* A stop while threads resolve and emit: every call has a status, and nothing is left. */
static void *end_until_closed(void *unused) {
    (void)unused;
    for (;;) {
        CHECK(pthread_mutex_lock(&at.mutex) == 0);
        while (at.ended == at.begun && !at.closing) {
            CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
        }
        if (at.ended == at.begun) break;
        reflow_completion completion = at.open[at.ended++];
        CHECK(pthread_mutex_unlock(&at.mutex) == 0);
        reflow_status status =
            reflow_completion_emit(completion, 0, reflow_message_integer(1), REFLOW_FOREVER);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
        status = reflow_completion_resolve(completion);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
    }
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    return NULL;
}

static void test_stop_race(const rig_mode *mode) {
    if (!rig_threaded(mode)) return;
    for (int round = 0; round < 30; ++round) {
        bench b = open_bench(mode, 4, 2, round % 2 != 0 ? REFLOW_COMPONENT_ORDERED : 0, open_most);
        rig_connect(b.graph, "t.o", "t.a", "{\"kind\": \"drop-newest\", \"capacity\": 3}");
        for (int i = 0; i < 3; ++i) rig_initial(b.graph, "t.a", reflow_message_integer(i));
        b.network = rig_network(b.runtime, b.graph);
        pthread_t threads[2];
        for (int i = 0; i < 2; ++i) {
            CHECK(pthread_create(&threads[i], NULL, end_until_closed, NULL) == 0);
        }
        WORKS(reflow_network_start(b.network, &e));
        wait_begun(&b, mode, (size_t)(3 + round));
        WORKS(reflow_network_stop(b.network, REFLOW_FOREVER, &e));
        CHECK(pthread_mutex_lock(&at.mutex) == 0);
        at.closing = true;
        CHECK(pthread_cond_broadcast(&at.changed) == 0);
        CHECK(pthread_mutex_unlock(&at.mutex) == 0);
        for (int i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
        close_bench(&b);
    }
}

int main(void) {
    check_time_limit(100);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        test_one(mode);
        test_threads(mode, 0);
        test_threads(mode, REFLOW_COMPONENT_ORDERED);
        test_ordered(mode);
        test_pressure(mode);
        test_cycle(mode);
        test_stop(mode);
        test_drain(mode);
        test_partly(mode);
        test_fail(mode);
        test_source(mode);
        test_limits(mode);
        test_stop_race(mode);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) {
        const rig_mode *mode = &rig_tiny_modes[i];
        test_threads(mode, 0);
        test_threads(mode, REFLOW_COMPONENT_ORDERED);
        test_cycle(mode);
        test_fail(mode);
        test_stop_race(mode);
    }
    test_misuse();
    test_runtime_limit();
    return 0;
}
