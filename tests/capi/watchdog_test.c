/* Callbacks that do not return are told of: once each, by event, log and count; and nothing is ended. */
#include "check.h"

#include "rig.h"

#include <time.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    int inside, logged, threads;
    bool behind;       /* calls are told of when they have returned */
    uint64_t lasts_ns; /* how long one takes */
} at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0, 0, false, 0};

static uint64_t clock_ns(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static reflow_status gate(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    ++at.inside;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    while (!at.open) CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    for (uint64_t end = clock_ns() + at.lasts_ns; at.lasts_ns != 0 && clock_ns() < end;) continue;
    return REFLOW_OK;
}

static void set_open(bool open) {
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    at.open = open;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

static void on_log(void *user_data, reflow_log_level level, reflow_view subsystem, reflow_view node,
                   reflow_view text) {
    (void)user_data;
    if (strstr(text.data, "watchdog_ms") == NULL) return;
    CHECK(level == REFLOW_LOG_WARN && node.size == 1);
    if (node.data[0] == 'e') {
        CHECK(same_text(subsystem, "Later") && strstr(text.data, "its host has not gone on") == text.data);
        __atomic_fetch_add(&at.logged, 1, __ATOMIC_RELAXED);
        return;
    }
    CHECK(same_text(subsystem, node.data[0] == 'd' ? "Blocking" : "Gate"));
    CHECK(strstr(text.data, at.behind ? "a callback took " : "a callback has not returned for ") ==
          text.data);
    __atomic_fetch_add(&at.logged, 1, __ATOMIC_RELAXED);
}

static void on_thread(void *user_data) {
    (void)user_data;
    __atomic_fetch_add(&at.threads, 1, __ATOMIC_RELAXED);
}

static reflow_runtime *runtime;
static reflow_network *network;
static reflow_subscription *events;
static reflow_run_fn later_run; /* of nodes e and f, if there are such */

static void add_node(reflow_graph *graph, const char *id, const char *component,
                     const char *metadata) {
    WORKS(reflow_graph_add_node(graph, text_of(id), text_of(component),
                                metadata == NULL ? reflow_message_null() : json(metadata), &e));
}

static void begin(const rig_mode *mode, uint64_t watchdog_ms) {
    reflow_runtime_options options = rig_options(mode);
    options.watchdog_ms = watchdog_ms;
    options.log = on_log;
    options.thread_start = options.thread_stop = on_thread;
    at.logged = at.inside = at.threads = 0;
    at.open = false;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    rig_component component = {0};
    component.id = "Gate";
    component.inports = "a";
    component.run = gate;
    rig_register(runtime, &component);
    component.id = "Blocking";
    component.flags = REFLOW_COMPONENT_BLOCKING;
    rig_register(runtime, &component);
    component.id = "Later";
    component.flags = 0;
    component.run = later_run;
    if (later_run != NULL) rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    add_node(graph, "a", "Gate", NULL);
    add_node(graph, "b", "Gate", "{\"firing\": {\"watchdog_ms\": 30}}");
    add_node(graph, "c", "Gate", "{\"firing\": {\"watchdog_ms\": 0}}");
    add_node(graph, "d", "Blocking", NULL);
    if (later_run != NULL) {
        add_node(graph, "e", "Later", NULL);
        add_node(graph, "f", "Later", "{\"firing\": {\"watchdog_ms\": 0}}");
    }
    network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_event_options wanted = rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_ACTOR_STUCK);
    WORKS(reflow_network_subscribe(network, &wanted, &events, &e));
    WORKS(reflow_network_start(network, &e));
}

static void end(void) {
    set_open(true);
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void send(const char *place) { rig_send(network, rig_inport(network, place), 1); }

/* Waits for the next event. */
static void expect(const char *node, const char *component, uint64_t least_ms) {
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(events, 1, REFLOW_FOREVER, &batch, NULL, &e));
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(event.kind == REFLOW_EVENT_ACTOR_STUCK && same_text(event.node, node));
    CHECK(same_text(event.component, component) && event.duration_ns >= least_ms * 1000000);
    reflow_buffer *text = NULL;
    WORKS(reflow_event_batch_json(batch, 0, &text, &e));
    char start[120];
    snprintf(start, sizeof start,
             "{\"_type\":\"ActorStuck\",\"actorId\":\"%s\",\"component\":\"%s\",\"durationNs\":", node,
             component);
    CHECK(strncmp(reflow_buffer_get(text).data, start, strlen(start)) == 0);
    reflow_buffer_destroy(text);
    reflow_event_batch_destroy(batch);
}

static void no_event(void) {
    reflow_event_batch *batch = NULL;
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_subscription_poll(events, 1, 0, &batch, NULL, &e));
}

static uint64_t stuck(const char *node) {
    reflow_node_metrics metrics = {0};
    metrics.struct_size = sizeof metrics;
    WORKS(reflow_network_node_metrics(network, text_of(node), &metrics, &e));
    return metrics.stuck;
}

/* Each call once, however long it lasts; others in between show that it was looked at meanwhile. */
static void test_told(const rig_mode *mode) {
    begin(mode, 20);
    send("a.a");
    expect("a", "Gate", 20);
    send("d.a"); /* on a thread of its own */
    expect("d", "Blocking", 20);
    if (mode->workers > 1) {
        send("b.a");
        expect("b", "Gate", 30);
        CHECK(stuck("b") == 1);
    }
    CHECK(stuck("a") == 1 && stuck("c") == 0 && stuck("d") == 1);
    no_event();
    set_open(true);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    /* The next call is another one. */
    set_open(false);
    send("a.a");
    expect("a", "Gate", 20);
    CHECK(stuck("a") == 2 && __atomic_load_n(&at.logged, __ATOMIC_RELAXED) >= 2);
    reflow_message metrics, nodes, node, count;
    WORKS(reflow_network_metrics(network, &metrics, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(metrics, text_of("nodes"), &nodes));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(nodes, text_of("a"), &node));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(node, text_of("stuck"), &count));
    CHECK(rig_integer(count) == 2);
    reflow_message_unref(metrics);
    end();
}

/* A node may ask where the runtime does not, and a short call is none of these. */
static void test_node(const rig_mode *mode) {
    begin(mode, 0);
    set_open(true);
    for (int i = 0; i < 1000; ++i) send("b.a");
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    set_open(false);
    send("b.a");
    expect("b", "Gate", 30);
    CHECK(stuck("a") == 0 && stuck("b") >= 1);
    end();
    /* Its thread is one of the runtime. */
    if (mode->mode == REFLOW_MODE_OWN) CHECK(at.threads == 2 * (int)(mode->workers + 1));
}

/* A stop inside the event's time, and the end of the network behind it. */
static void test_stop(const rig_mode *mode) {
    begin(mode, 1);
    send("a.a");
    expect("a", "Gate", 1);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_stop(network, 5, &e));
    set_open(true);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    CHECK(stuck("a") == 1);
    end();
}

/* Nobody is there who could look: calls are told of behind them, but where no time passes in them. */
static void test_without(const rig_mode *mode) {
    const bool told = mode->mode == REFLOW_MODE_INLINE || mode->mode == REFLOW_MODE_HOSTED;
    at.behind = true;
    begin(mode, 1);
    at.lasts_ns = 2000000;
    set_open(true);
    send("c.a"); /* is not watched */
    send("a.a");
    send("d.a");
    send("b.a"); /* may take 30 ms */
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(at.inside == 4 && at.threads == 0);
    if (told) {
        expect("a", "Gate", 2);
        expect("d", "Blocking", 2);
    }
    CHECK(stuck("a") == (told ? 1 : 0) && stuck("c") == 0 && stuck("d") == stuck("a"));
    at.lasts_ns = 40000000;
    send("b.a");
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(stuck("b") >= (told ? 1 : 0) && at.logged >= (told ? 3 : 0));
    if (!told) no_event();
    at.lasts_ns = 0;
    at.behind = false;
    end();
}

/* A firing that goes on after its call: its host tells how long nothing has gone on, and that is told once. */
static reflow_completion later_one;
static uint64_t later_limit;

static reflow_status later(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    reflow_completion made;
    reflow_status status = reflow_context_defer(context, 0, &made);
    __atomic_store_n(&later_limit, reflow_context_watchdog_ms(context), __ATOMIC_RELAXED);
    __atomic_store_n(&later_one.id, made.id, __ATOMIC_RELEASE);
    return status;
}

/* Waits for the firing of a node that was sent something. */
static reflow_completion take_later(const char *place, uint64_t limit_ms) {
    send(place);
    reflow_completion taken;
    while ((taken.id = __atomic_load_n(&later_one.id, __ATOMIC_ACQUIRE)) == 0) {
        (void)reflow_network_wait_idle(network, 1, NULL); /* where the test runs the actors */
    }
    CHECK(__atomic_load_n(&later_limit, __ATOMIC_RELAXED) == limit_ms);
    __atomic_store_n(&later_one.id, 0, __ATOMIC_RELEASE);
    return taken;
}

static void test_pending(const rig_mode *mode) {
    const bool watched = mode->mode != REFLOW_MODE_SIMULATED;
    const uint64_t ms = 1000000;
    later_run = later;
    begin(mode, 3600000);
    reflow_completion first = take_later("e.a", watched ? 3600000 : 0);
    CHECK_STATUS(watched ? REFLOW_ERROR_WOULD_BLOCK : REFLOW_ERROR_UNSUPPORTED,
                 reflow_completion_stuck(first, 3599999 * ms));
    if (watched) {
        CHECK_STATUS(REFLOW_OK, reflow_completion_stuck(first, 3600000 * ms));
        expect("e", "Later", 3600000);
        CHECK_STATUS(REFLOW_ERROR_ALREADY_EXISTS, reflow_completion_stuck(first, 9999999 * ms));
    }
    CHECK(reflow_network_has_firing(network, first) && !reflow_network_has_firing(NULL, first));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(first));
    CHECK(!reflow_network_has_firing(network, first));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_stuck(first, 9999999 * ms));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_completion_stuck((reflow_completion){~UINT64_C(0)}, 9999999 * ms));
    reflow_completion second = take_later("f.a", 0); /* a node that asks for none */
    CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED, reflow_completion_stuck(second, 9999999 * ms));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(second));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(stuck("e") == (watched ? 1 : 0) && stuck("f") == 0 && at.logged == (watched ? 1 : 0));
    no_event();
    end();
    later_run = NULL;
}

static void test_bad(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.watchdog_ms = UINT64_C(1) << 32;
    reflow_runtime *none = NULL;
    FAILS(REFLOW_ERROR_LIMIT, reflow_runtime_create(&options, &none, &e));
    runtime = rig_runtime(&rig_inline);
    rig_component component = {0};
    component.id = "Gate";
    component.inports = "a";
    component.run = gate;
    rig_register(runtime, &component);
    static const char *const bad[] = {"{\"firing\": {\"watchdog_ms\": -1}}",
                                      "{\"firing\": {\"watchdog_ms\": 4294967296}}",
                                      "{\"firing\": {\"watchdog_ms\": \"20\"}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        reflow_graph *graph = rig_graph();
        add_node(graph, "n", "Gate", bad[i]);
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &error));
        CHECK(strstr(reflow_error_text(error).data, "watchdog_ms is not an integer from 0 to") != NULL);
        reflow_error_destroy(error);
        reflow_graph_destroy(graph);
    }
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(60);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_pending(&rig_modes[i]);
        if (rig_modes[i].mode == REFLOW_MODE_LENT && rig_modes[i].lent != rig_modes[i].workers) {
            continue; /* the thread that waits for the event would work, and stay inside */
        }
        if (!rig_threaded(&rig_modes[i])) {
            test_without(&rig_modes[i]);
            continue;
        }
        test_told(&rig_modes[i]);
        test_node(&rig_modes[i]);
        test_stop(&rig_modes[i]);
    }
    test_bad();
    return 0;
}
