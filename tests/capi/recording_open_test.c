/* Recordings of nodes that keep firings open, of what hosts decide about failures and do with dead letters, and
 * of states that they change. A host ends firings between turns, from another thread, in the call itself, or from the call of
 * another node, or lets their time pass; a replay calls none of them and tells the same, event by event. */
#include "check.h"

#include <pthread.h>

#include "replays.h"

static char file[] = "/tmp/reflow-open-XXXXXX";

/* ---- what is open, for whoever goes on with it */

typedef struct firing {
    reflow_completion completion;
    int64_t value;
} firing;
typedef struct line {
    firing all[256];
    size_t count;
} line;
static line of_host, of_node;

static void put_in(line *to, firing one) {
    CHECK(to->count < 256);
    to->all[to->count++] = one;
}

/* A thread that ends what it is given; the host waits for that. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    line todo;
    bool quit;
} worker = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* What has been seen, that all was tried. */
static struct {
    int calls, by_host, by_thread, in_call, by_node, failed, over, cancelled, decided, played, dropped, stopped, visits;
} seen;

static void go_on(firing one, int *count) {
    reflow_completion to = one.completion;
    reflow_status status = REFLOW_OK;
    if (one.value % 7 == 3) {
        reflow_envelope envelope = {.struct_size = sizeof envelope};
        envelope.trace_id[2] = (uint8_t)one.value;
        envelope.correlation = text_of("later");
        status = reflow_completion_set_envelope(to, &envelope);
    }
    for (int64_t i = 0; status == REFLOW_OK && i < one.value % 3; ++i) {
        reflow_message message = reflow_message_integer(one.value * 10 + i);
        status = reflow_completion_emit(to, 0, message, 0);
        if (status != REFLOW_OK) reflow_message_unref(message);
    }
    if (status == REFLOW_OK && one.value % 6 == 5) {
        status = reflow_completion_fail(to, REFLOW_ERROR_HOST, text_of("not now"), text_of("later"));
        seen.failed += status == REFLOW_OK;
    } else if (status == REFLOW_OK) {
        status = reflow_completion_resolve(to);
    }
    CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
    *count += status == REFLOW_OK;
    seen.over += status == REFLOW_ERROR_CLOSED;
}

static void *work(void *data) {
    (void)data;
    CHECK(pthread_mutex_lock(&worker.mutex) == 0);
    while (!worker.quit) {
        if (worker.todo.count == 0) {
            CHECK(pthread_cond_wait(&worker.changed, &worker.mutex) == 0);
            continue;
        }
        firing one = worker.todo.all[worker.todo.count - 1];
        CHECK(pthread_mutex_unlock(&worker.mutex) == 0);
        go_on(one, &seen.by_thread);
        CHECK(pthread_mutex_lock(&worker.mutex) == 0);
        worker.todo.count = 0; /* one by one: the host waits */
        CHECK(pthread_cond_broadcast(&worker.changed) == 0);
    }
    CHECK(pthread_mutex_unlock(&worker.mutex) == 0);
    return NULL;
}
static void let_work(firing one) {
    CHECK(pthread_mutex_lock(&worker.mutex) == 0);
    worker.todo.all[0] = one;
    worker.todo.count = 1;
    CHECK(pthread_cond_broadcast(&worker.changed) == 0);
    while (worker.todo.count != 0) CHECK(pthread_cond_wait(&worker.changed, &worker.mutex) == 0);
    CHECK(pthread_mutex_unlock(&worker.mutex) == 0);
}

/* ---- components */

static reflow_status later(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    CHECK(count == 1);
    ++seen.calls;
    int64_t value = rig_integer(inputs[0].message);
    firing one = {{0}, value};
    if (value % 4 == 1) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(-value)));
    }
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &one.completion));
    if (value % 5 == 0) {
        go_on(one, &seen.in_call);
    } else {
        put_in(value % 5 == 1 ? &of_node : &of_host, one);
    }
    return value % 11 == 10 ? REFLOW_ERROR_FAILED : REFLOW_OK;
}
/* Ends a firing of the other one, if there is any. */
static reflow_status ender(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        if (of_node.count != 0) go_on(of_node.all[--of_node.count], &seen.by_node);
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_take(&inputs[i].message)));
    }
    return REFLOW_OK;
}
static reflow_status picky(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    (void)count;
    int64_t value = rig_integer(inputs[0].message);
    if (value % 4 == 0) return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("no"), text_of(""));
    return reflow_context_emit(context, 0, reflow_message_integer(value));
}

/* Adds what a host has put under a key, and counts in a pool. */
static reflow_status keyed(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    (void)count;
    reflow_message kept = reflow_context_state_get(context, text_of("k"));
    int64_t value = rig_integer(inputs[0].message) + (reflow_message_kind(kept) == REFLOW_KIND_NONE ? 0 : rig_integer(kept));
    char id[30];
    snprintf(id, sizeof id, "%d", (int)(value % 7));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_upsert(context, text_of("seen"), text_of(id), reflow_message_integer(value)));
    value += (int64_t)reflow_context_pool_count(context, text_of("seen")) * 1000;
    return reflow_context_emit(context, 0, reflow_message_integer(value));
}
static reflow_status visit(reflow_context *context, void *state, void *user_data) {
    const int64_t *value = user_data;
    (void)state;
    ++seen.visits;
    if (*value % 3 == 0) return REFLOW_OK; /* only a look */
    if (*value % 5 == 0) CHECK_STATUS(REFLOW_OK, reflow_context_pool_clear(context, text_of("seen")));
    return reflow_context_state_set(context, text_of("k"), reflow_message_integer(*value * 100));
}

static reflow_runtime *runtime_with(const reflow_runtime_options *options, uint32_t concurrency, bool ordered) {
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(options, &runtime, &e));
    rig_register_pass(runtime);
    rig_component one = {.id = "Later", .inports = "a", .outports = "o", .max_batch = 4, .run = later};
    one.max_concurrency = concurrency;
    one.flags = ordered ? REFLOW_COMPONENT_ORDERED : 0;
    rig_register(runtime, &one);
    rig_component two = {.id = "Ender", .inports = "a", .outports = "o", .run = ender};
    rig_register(runtime, &two);
    rig_component three = {.id = "Picky", .inports = "a", .outports = "o", .max_batch = 1, .run = picky};
    rig_register(runtime, &three);
    rig_component four = {.id = "Keyed", .inports = "a", .outports = "o", .max_batch = 1, .run = keyed};
    rig_register(runtime, &four);
    return runtime;
}

static reflow_decision decide(void *user_data, const reflow_escalation *escalation) {
    int *asked = user_data;
    CHECK(escalation->error != NULL);
    ++seen.decided;
    ++*asked;
    return *asked % 9 == 8 ? REFLOW_DECISION_STOP : *asked % 3 == 0 ? REFLOW_DECISION_CONTINUE : REFLOW_DECISION_RESTART;
}

/* ---- a life, and the same once more */

#define DOCUMENT(P, L)                                                                                     \
    "{\"properties\": {\"name\": \"g\"" P "}, \"processes\": {"                                            \
    "\"l\": {\"component\": \"Later\", \"metadata\": {\"firing\": {\"timeout_ms\": 4}" L "}},"              \
    "\"e\": {\"component\": \"Ender\"}, \"k\": {\"component\": \"Picky\", \"metadata\": {\"failure\": {\"then\": \"escalate\"}}},"    \
    "\"d\": {\"component\": \"Picky\"}, \"p\": {\"component\": \"Pass\"}, \"y\": {\"component\": \"Keyed\"}}, \"connections\": ["              \
    "{\"from\": {\"nodeId\": \"l\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"p\", \"portId\": \"a\"}},"   \
    "{\"from\": {\"nodeId\": \"e\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"y\", \"portId\": \"a\"}},"   \
    "{\"from\": {\"nodeId\": \"e\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"p\", \"portId\": \"a\"}},"   \
    "{\"from\": {\"nodeId\": \"p\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"k\", \"portId\": \"a\"}}]}"
static const char *const documents[] = {
    DOCUMENT("", ""),
    DOCUMENT("", ", \"failure\": {\"retries\": 2, \"backoff_ms\": 2}"),
    DOCUMENT(", \"dead_letters\": 5", ", \"failure\": {\"breaker\": {\"threshold\": 2, \"cooldown_ms\": 5}}"),
};

static told record(const char *document, uint64_t seed) {
    reflow_runtime_options options = {.struct_size = sizeof options, .mode = REFLOW_MODE_SIMULATED};
    options.seed = seed;
    options.port_capacity = 3 + (uint32_t)(seed % 3);
    reflow_runtime *runtime = runtime_with(&options, 1 + seed % 4, seed % 2 == 0);
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(document), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    reflow_network *network = NULL;
    WORKS(reflow_x_record_create(runtime, graph, text_of(file), &network, &e));
    reflow_graph_destroy(graph);
    int asked = 0;
    WORKS(reflow_network_on_failure(network, decide, &asked, NULL, &e));
    if (seed % 3 == 1) WORKS(reflow_network_carry_envelopes(network, &e));
    reflow_subscription *events = listen(network);
    reflow_inport ports[4] = {rig_inport(network, "l.a"), rig_inport(network, "l.a"), rig_inport(network, "e.a"),
                              rig_inport(network, "d.a")};
    int64_t begins = (int64_t)seed;
    WORKS(reflow_network_with_state(network, text_of("y"), text_of(""), visit, &begins, 0, &e));
    WORKS(reflow_network_start(network, &e));
    of_host.count = of_node.count = 0;
    uint64_t dice = seed * 7919 + 1;
    for (int i = 0; i < 80; ++i) {
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
        (void)reflow_network_try_send(network, ports[dice >> 62], reflow_message_integer((int64_t)(dice >> 33 & 63)), NULL);
        if (i % 2 == 1) (void)reflow_runtime_run(runtime, 1 + (dice >> 40 & 7), NULL, NULL);
        if (i % 4 == 1 && of_host.count != 0) {
            firing one = of_host.all[--of_host.count];
            if (dice >> 50 & 1) go_on(one, &seen.by_host);
            else let_work(one);
        }
        if (i % 16 == 9) (void)reflow_network_wait_idle(network, 3, NULL);
        int64_t value = (int64_t)(dice >> 45 & 31);
        if (i % 13 == 7) (void)reflow_network_with_state(network, text_of("y"), text_of(""), visit, &value, 0, NULL);
        uint64_t count = 0;
        if (i % 25 == 24) {
            WORKS(reflow_network_cancel(network, text_of("l"), &count, &e));
            seen.cancelled += (int)count;
        }
        reflow_dead_letters letters = {.struct_size = sizeof letters};
        WORKS(reflow_network_dead_letters(network, &letters, &e));
        /* What comes behind the end of the network is not recorded. */
        const bool runs = reflow_network_get_state(network) == REFLOW_NETWORK_RUNNING;
        if (runs && i % 5 == 4 && letters.total != 0) {
            uint64_t id = letters.total - (dice >> 52) % letters.total;
            if (i % 2 == 0) seen.dropped += reflow_network_drop_dead_letters(network, id, text_of(""), &count, NULL) == REFLOW_OK;
            else seen.played += reflow_network_replay_dead_letter(network, id, NULL) == REFLOW_OK;
        }
        if (runs && i == 60) (void)reflow_network_drop_dead_letters(network, 0, text_of("d"), &count, NULL);
    }
    seen.stopped += reflow_network_get_state(network) != REFLOW_NETWORK_RUNNING;
    (void)reflow_network_drain(network, 50, NULL); /* the time of open firings passes */
    (void)reflow_network_stop(network, REFLOW_FOREVER, NULL);
    WORKS(reflow_x_record_flush(network, &e));
    told all = tell(network, events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    return all;
}

static told replay(uint64_t seed) {
    reflow_x_recording *recording = NULL;
    WORKS(reflow_x_recording_open(text_of(file), &recording, &e));
    reflow_runtime_options options = {.struct_size = sizeof options};
    WORKS(reflow_x_recording_options(recording, &options, &e));
    reflow_runtime *runtime = runtime_with(&options, 1 + seed % 4, seed % 2 == 0);
    reflow_x_replay *again = NULL;
    WORKS(reflow_x_replay_create(runtime, recording, &again, &e));
    reflow_x_recording_destroy(recording);
    reflow_network *network = reflow_x_replay_network(again);
    reflow_subscription *events = listen(network);
    const int calls = seen.calls, decided = seen.decided, visits = seen.visits;
    of_node.count = 0;
    WORKS(reflow_x_replay_run(again, 0, NULL, &e));
    CHECK(seen.calls == calls && seen.decided == decided && seen.visits == visits);
    told all = tell(network, events);
    reflow_x_replay_destroy(again);
    reflow_runtime_destroy(runtime);
    return all;
}

int main(void) {
    check_time_limit(120);
    int made = mkstemp(file);
    CHECK(made >= 0);
    close(made);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    for (size_t i = 0; i < sizeof documents / sizeof *documents; ++i) {
        for (uint64_t seed = 1; seed <= (check_slow() ? 12u : 60u); ++seed) {
            told recorded = record(documents[i], seed);
            told repeated = replay(seed);
            char where[40];
            snprintf(where, sizeof where, "document %d, seed %d", (int)i, (int)seed);
            same(&recorded, &repeated, where);
        }
    }
    CHECK(pthread_mutex_lock(&worker.mutex) == 0);
    worker.quit = true;
    CHECK(pthread_cond_broadcast(&worker.changed) == 0);
    CHECK(pthread_mutex_unlock(&worker.mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    printf("%d calls: %d ended by the host, %d by a thread, %d in the call, %d by a node, %d failed, %d over, %d cancelled; "
           "%d decisions, %d stopped; letters: %d played back, %d dropped; %d visits\n", seen.calls, seen.by_host, seen.by_thread,
           seen.in_call, seen.by_node, seen.failed, seen.over, seen.cancelled, seen.decided, seen.stopped, seen.played, seen.dropped, seen.visits);
    CHECK(seen.by_host > 20 && seen.by_thread > 20 && seen.in_call > 20 && seen.by_node > 5 && seen.failed > 5);
    CHECK(seen.over > 5 && seen.cancelled > 5 && seen.decided > 20 && seen.stopped > 0);
    CHECK(seen.played > 5 && seen.dropped > 5);
    (void)unlink(file);
    return 0;
}
