/* Section 10 of reflow.h: stalls, in every mode: what a network does about them ("on_stall"), the event
 * for each, the circle that it names, and how many are told. */
#include "check.h"

#include "rig.h"

typedef struct place {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
    reflow_subscription *events;
} place;

/* Each packet becomes two: what counts down ends. */
static reflow_status twice(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        int64_t value = rig_integer(inputs[i].message);
        for (int copy = 0; copy < 2 && value > 0; ++copy) {
            reflow_status status =
                reflow_context_emit(context, 0, reflow_message_integer(value - 1));
            if (status != REFLOW_OK) return status;
        }
    }
    return REFLOW_OK;
}

/* n packets to the left, and the last one to the right as well. */
static reflow_status left_then_right(reflow_context *context, void *state, reflow_packet *inputs,
                                     size_t count) {
    (void)state;
    (void)count;
    int64_t n = rig_integer(inputs[0].message);
    for (int64_t i = 0; i < n; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(i)));
    }
    return reflow_context_emit(context, 1, reflow_message_integer(n));
}

static reflow_status both(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    for (size_t i = 0; i + 1 < count; i += 2) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, inputs[i].message));
        inputs[i].message = reflow_message_null();
    }
    return REFLOW_OK;
}

static place open_place(const rig_mode *mode, uint64_t max_growth, const char *on_stall) {
    place at;
    memset(&at, 0, sizeof at);
    reflow_runtime_options options = rig_options(mode);
    options.max_growth = max_growth;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_lend(at.runtime, mode);
    rig_register_pass(at.runtime);
    rig_component component = {0};
    component.id = "Twice";
    component.inports = "a";
    component.outports = "o";
    component.run = twice;
    rig_register(at.runtime, &component);
    component.id = "Split";
    component.outports = "lr";
    component.run = left_then_right;
    rig_register(at.runtime, &component);
    component.id = "Both";
    component.inports = "ab";
    component.outports = "o";
    component.await = REFLOW_AWAIT_ALL;
    component.run = both;
    rig_register(at.runtime, &component);
    at.graph = rig_graph();
    if (on_stall != NULL) {
        WORKS(reflow_graph_set_property(at.graph, text_of("on_stall"),
                                        json(on_stall), &e));
    }
    return at;
}

static void go(place *at) {
    at->network = rig_network(at->runtime, at->graph);
    reflow_event_options options = rig_event_options(0, 1u << REFLOW_EVENT_NETWORK_STALLED);
    WORKS(reflow_network_subscribe(at->network, &options, &at->events, &e));
    WORKS(reflow_network_start(at->network, &e));
}

static void close_place(place *at) {
    reflow_subscription_destroy(at->events);
    reflow_network_destroy(at->network);
    reflow_graph_destroy(at->graph);
    reflow_runtime_destroy(at->runtime);
}

/* All events so far; each is looked at by `look`. Returns how many. */
static size_t each_event(place *at, void (*look)(const reflow_event *event, void *data),
                         void *data) {
    reflow_event_batch *batch = NULL;
    if (reflow_subscription_poll(at->events, 1000, 0, &batch, NULL, NULL) != REFLOW_OK) return 0;
    size_t count = reflow_event_batch_count(batch);
    for (size_t i = 0; i < count; ++i) {
        reflow_event event = {0};
        event.struct_size = sizeof event;
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, i, &event));
        CHECK(event.kind == REFLOW_EVENT_NETWORK_STALLED);
        CHECK(event.stalls >= i + 1);
        reflow_buffer *text = NULL;
        WORKS(reflow_event_batch_json(batch, i, &text, &e));
        const char *resolved = event.state == REFLOW_STALL_GREW      ? "\"resolved\":\"grow\""
                               : event.state == REFLOW_STALL_DROPPED ? "\"resolved\":\"drop-oldest\""
                                                                     : "\"resolved\":\"none\"";
        CHECK(strstr(reflow_buffer_get(text).data, resolved) != NULL);
        CHECK(strstr(reflow_buffer_get(text).data, "\"path\":") != NULL);
        reflow_buffer_destroy(text);
        look(&event, data);
    }
    reflow_event_batch_destroy(batch);
    return count;
}

typedef struct seen {
    const char *paths[4]; /* one of these, as made by hand */
    int32_t last;
    uint64_t grown; /* the largest capacity */
    uint64_t dropped;
} seen;

static void look(const reflow_event *event, void *data) {
    seen *to = data;
    bool known = false;
    for (int i = 0; i < 4 && to->paths[i] != NULL; ++i) {
        known = known || same_text(event->path, to->paths[i]);
    }
    if (!known) check_failed(__FILE__, __LINE__, "an unexpected path", event->path.data);
    CHECK(strstr(event->error.data, event->path.data) != NULL);
    CHECK(event->node.size != 0 && event->port.size != 0);
    /* The first hop leads to the port. */
    char end[64];
    snprintf(end, sizeof end, "-> %s.%s", event->node.data, event->port.data);
    const char *first = strstr(event->path.data, end);
    CHECK(first != NULL && memchr(event->path.data, ',', (size_t)(first - event->path.data)) == NULL);
    to->last = event->state;
    if (event->state == REFLOW_STALL_GREW) {
        CHECK(event->count > to->grown / 2);
        if (event->count > to->grown) to->grown = event->count;
    }
    if (event->state == REFLOW_STALL_DROPPED) to->dropped += event->count;
}

/* t doubles what p passes back: both wait for each other. 2^depth packets in all. */
static void ring(place *at, int64_t depth) {
    rig_node(at->graph, "t", "Twice");
    rig_node(at->graph, "p", "Pass");
    rig_connect(at->graph, "t.o", "p.a", "{\"capacity\":2}");
    rig_connect(at->graph, "p.o", "t.a", "{\"capacity\":2}");
    rig_initial(at->graph, "t.a", reflow_message_integer(depth));
}
static const seen ring_seen = {
    {"t.o -> p.a, p.o -> t.a", "p.o -> t.a, t.o -> p.a", NULL, NULL}, 0, 0, 0};

static void test_grows(const rig_mode *mode) {
    place at = open_place(mode, 0, NULL);
    seen to = ring_seen;
    ring(&at, 8);
    go(&at);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "t").fired == 511); /* none is lost */
    size_t count = each_event(&at, look, &to);
    CHECK(count >= 1 && count <= REFLOW_MAX_STALL_EVENTS);
    CHECK(to.last == REFLOW_STALL_GREW && to.grown >= 4 && to.grown <= 512);
    close_place(&at);
}

/* What waits to be dealt waits for each of its targets. */
static void test_dealt(const rig_mode *mode) {
    place at = open_place(mode, 0, NULL);
    seen to = {{"t.o -> p.a, p.o -> t.a", "p.o -> t.a, t.o -> p.a", "t.o -> q.a, q.o -> t.a",
                "q.o -> t.a, t.o -> q.a"}, 0, 0, 0};
    WORKS(reflow_graph_add_node(at.graph, text_of("t"), text_of("Twice"),
                                json("{\"distribute\":{\"o\":\"round-robin\"}}"), &e));
    rig_node(at.graph, "p", "Pass");
    rig_node(at.graph, "q", "Pass");
    rig_connect(at.graph, "t.o", "p.a", "{\"capacity\":2}");
    rig_connect(at.graph, "t.o", "q.a", "{\"capacity\":2}");
    rig_connect(at.graph, "p.o", "t.a", "{\"capacity\":2}");
    rig_connect(at.graph, "q.o", "t.a", "{\"capacity\":2}");
    rig_initial(at.graph, "t.a", reflow_message_integer(8));
    go(&at);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "t").fired == 511);
    CHECK(each_event(&at, look, &to) >= 1);
    close_place(&at);
}

static void test_fails(const rig_mode *mode, const char *policy, uint64_t max_growth) {
    place at = open_place(mode, max_growth, policy);
    seen to = ring_seen;
    ring(&at, 30);
    go(&at);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_LIMIT,
                 reflow_network_wait_idle(at.network, REFLOW_FOREVER, &error));
    const char *message = reflow_error_message(error).data;
    CHECK(strstr(message, to.paths[0]) != NULL || strstr(message, to.paths[1]) != NULL);
    CHECK(strstr(message, policy != NULL ? "on_stall" : "max_growth") != NULL);
    reflow_error_destroy(error);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    size_t count = each_event(&at, look, &to);
    CHECK(count >= 1 && to.last == REFLOW_STALL_FAILED);
    CHECK(policy == NULL || count == 1);
    close_place(&at);
}

static void test_drops(const rig_mode *mode) {
    place at = open_place(mode, 0, "\"drop-oldest\"");
    seen to = ring_seen;
    ring(&at, 8);
    go(&at);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    size_t count = each_event(&at, look, &to);
    CHECK(count >= 1 && to.last == REFLOW_STALL_DROPPED && to.grown == 0);
    reflow_node_counters t = rig_counters(at.network, "t"), p = rig_counters(at.network, "p");
    CHECK(t.dropped + p.dropped >= to.dropped && to.dropped != 0);
    /* Each packet was taken or dropped. */
    CHECK(p.received + p.dropped == t.sent && t.received + t.dropped == p.sent + 1);
    close_place(&at);
}

/* A node that feeds itself. */
static void test_self_loop(const rig_mode *mode) {
    place at = open_place(mode, 0, NULL);
    seen to = {{"t.o -> t.a", NULL, NULL, NULL}, 0, 0, 0};
    rig_node(at.graph, "t", "Twice");
    rig_connect(at.graph, "t.o", "t.a", "{\"capacity\":1}");
    rig_initial(at.graph, "t.a", reflow_message_integer(6));
    go(&at);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "t").fired == 127);
    CHECK(each_event(&at, look, &to) >= 1 && to.last == REFLOW_STALL_GREW);
    close_place(&at);
}

/* A diamond: the join has its left side full and waits for its right side, which comes through m. */
static void test_diamond(const rig_mode *mode) {
    place at = open_place(mode, 0, NULL);
    seen to = {{"s.l -> j.a, j.b <- m.o, m.a <- s.r", NULL, NULL, NULL}, 0, 0, 0};
    rig_node(at.graph, "s", "Split");
    rig_node(at.graph, "m", "Pass");
    rig_node(at.graph, "j", "Both");
    rig_connect(at.graph, "s.l", "j.a", "{\"capacity\":3}");
    rig_connect(at.graph, "s.r", "m.a", "{\"capacity\":50}");
    rig_connect(at.graph, "m.o", "j.b", "{\"capacity\":50}");
    rig_initial(at.graph, "s.a", reflow_message_integer(20));
    go(&at);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "j").fired == 1);
    size_t count = each_event(&at, look, &to);
    /* Most of it is delivered when the call ends: if it still fits nowhere, it stalls. */
    CHECK(count >= 1 && to.grown >= 20);
    close_place(&at);
}

static reflow_status fails(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    (void)count;
    return REFLOW_ERROR_FAILED;
}

/* Through a fallback: its connection is on no outport of the component, and told as "error". */
static void test_fallback(const rig_mode *mode) {
    place at = open_place(mode, 100, NULL);
    seen to = {{"t.o -> x.a, x.error -> t.a", "x.error -> t.a, t.o -> x.a", NULL, NULL}, 0, 0, 0};
    rig_component component = {0};
    component.id = "Fails";
    component.inports = "a";
    component.outports = "o";
    component.run = fails;
    rig_register(at.runtime, &component);
    rig_node(at.graph, "t", "Twice");
    WORKS(reflow_graph_add_node(
        at.graph, text_of("x"), text_of("Fails"),
        json("{\"failure\":{\"fallback\":{\"node\":\"t\",\"port\":\"a\"}}}"), &e));
    rig_connect(at.graph, "t.o", "x.a", "{\"capacity\":2}");
    rig_initial(at.graph, "t.a", reflow_message_integer(40));
    go(&at);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    CHECK(each_event(&at, look, &to) >= 1 && to.last == REFLOW_STALL_FAILED);
    close_place(&at);
}

/* ---- changes: what has grown goes with its port */

static void self_loop(reflow_graph *graph, const char *config, const char *metadata) {
    WORKS(reflow_graph_add_node(graph, text_of("t"), text_of("Twice"), json(config), &e));
    rig_connect(graph, "t.o", "t.a", metadata);
}
static uint64_t capacity_of(reflow_network *network) {
    reflow_node_metrics metrics = {0};
    metrics.struct_size = sizeof metrics;
    WORKS(reflow_network_node_metrics(network, text_of("t"), &metrics, &e));
    return metrics.capacity;
}

/* Each round is fed so much that the port grows; the graph makes it anew then. Not more than max_growth
 * at once, but more in all. */
static void test_growth_goes(const rig_mode *mode, int how) {
    const uint64_t max_growth = 80;
    place at = open_place(mode, max_growth, NULL);
    self_loop(at.graph, "{}", "{\"capacity\":1}");
    go(&at);
    uint64_t in_all = 0;
    for (int round = 1; round <= 12; ++round) {
        rig_send(at.network, rig_inport(at.network, "t.a"), 6);
        WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
        CHECK(rig_counters(at.network, "t").fired == (how == 1 ? 127 : 127 * (uint64_t)round));
        uint64_t capacity = capacity_of(at.network), asked = how == 2 ? 1 + (uint64_t)(round - 1) % 2 : 1;
        CHECK(capacity > asked && capacity - asked <= max_growth);
        in_all += capacity - asked;
        reflow_graph *next = rig_graph();
        if (how == 1) { /* away, and there again */
            WORKS(reflow_network_apply(at.network, next, NULL, NULL, &e));
            self_loop(next, "{}", "{\"capacity\":1}");
        } else if (how == 0) { /* another one in its place */
            char config[40];
            snprintf(config, sizeof config, "{\"round\":%d}", round);
            self_loop(next, config, "{\"capacity\":1}");
        } else { /* the port has another capacity */
            self_loop(next, "{}", round % 2 == 0 ? "{\"capacity\":1}" : "{\"capacity\":2}");
        }
        WORKS(reflow_network_apply(at.network, next, NULL, NULL, &e));
        CHECK(capacity_of(at.network) == (how == 2 ? 1 + (uint64_t)round % 2 : 1));
        reflow_graph_destroy(next);
    }
    CHECK(in_all > max_growth); /* otherwise this has shown nothing */
    /* It counts as before. */
    rig_send(at.network, rig_inport(at.network, "t.a"), 1000);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(capacity_of(at.network) == 1 + max_growth);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    close_place(&at);
}

/* ---- ports that are full of bytes */

/* Each packet becomes two of the same size; the first byte counts down. */
static reflow_status twice_bytes(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        reflow_view view;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(inputs[i].message, &view));
        for (int copy = 0; copy < 2 && view.data[0] != 0; ++copy) {
            char bytes[5000];
            reflow_message message;
            memcpy(bytes, view.data, view.size);
            --bytes[0];
            CHECK_STATUS(REFLOW_OK, reflow_message_bytes(bytes, view.size, &message, NULL));
            reflow_status status = reflow_context_emit(context, 0, message);
            if (status != REFLOW_OK) return status;
        }
    }
    return REFLOW_OK;
}

typedef struct full_of_bytes {
    uint64_t capacity; /* in bytes, before the next stall */
    uint64_t size;     /* of each packet */
    int32_t last;
} full_of_bytes;

static void look_at_bytes(const reflow_event *event, void *data) {
    full_of_bytes *to = data;
    unsigned long long bytes = 0, most = 0, packets = 0, more = 0;
    const char *holds = strstr(event->error.data, "holds ");
    CHECK(holds != NULL && sscanf(holds, "holds %llu bytes (capacity_bytes %llu) in %llu packet",
                                  &bytes, &most, &packets) == 3);
    CHECK(packets != 0 && bytes == packets * to->size && most == to->capacity);
    CHECK(bytes + to->size > most); /* it is full */
    CHECK((strstr(event->error.data, "in 1 packet, ") != NULL) == (packets == 1));
    to->last = event->state;
    if (event->state == REFLOW_STALL_DROPPED) {
        CHECK(event->count == (packets + 1) / 2 && event->size == 0);
        return;
    }
    if (event->state != REFLOW_STALL_GREW) return;
    const char *text = strstr(event->error.data, "enlarged by ");
    CHECK(text != NULL && sscanf(text, "enlarged by %llu bytes", &more) == 1);
    CHECK(strstr(text, " bytes") != NULL);
    CHECK(event->count == 1000000 && event->size == most + more);
    CHECK(event->size >= bytes + to->size); /* one more fits */
    to->capacity = event->size;
}

static void test_bytes(const rig_mode *mode, const char *policy, uint64_t capacity, uint64_t max_growth,
                       char depth) {
    char metadata[80], bytes[5000] = {0};
    place at = open_place(mode, max_growth, policy);
    rig_component component = {0};
    component.id = "TwiceBytes";
    component.inports = "a";
    component.outports = "o";
    component.max_batch = 1;
    component.run = twice_bytes;
    rig_register(at.runtime, &component);
    rig_node(at.graph, "t", "TwiceBytes");
    snprintf(metadata, sizeof metadata, "{\"capacity\":1000000,\"capacity_bytes\":%d}",
             (int)capacity);
    rig_connect(at.graph, "t.o", "t.a", metadata);
    bytes[0] = depth;
    reflow_message message;
    WORKS(reflow_message_bytes(bytes, sizeof bytes, &message, &e));
    rig_initial(at.graph, "t.a", message);
    go(&at);
    full_of_bytes to = {capacity, sizeof bytes, 0};
    if (max_growth == 0) {
        WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
        if (policy == NULL) CHECK(rig_counters(at.network, "t").fired == (2u << depth) - 1);
    } else {
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_LIMIT,
                     reflow_network_wait_idle(at.network, REFLOW_FOREVER, &error));
        const char *text = reflow_error_message(error).data;
        CHECK(strstr(text, " bytes (capacity_bytes ") != NULL);
        CHECK(strstr(text, " packets in all (max_growth)") != NULL);
        reflow_error_destroy(error);
        WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    }
    CHECK(each_event(&at, look_at_bytes, &to) >= 1);
    CHECK(to.last == (max_growth != 0 ? REFLOW_STALL_FAILED
                      : policy == NULL ? REFLOW_STALL_GREW : REFLOW_STALL_DROPPED));
    close_place(&at);
}

/* For ever: only some are told, and the number of all of them. */
static void count_told(const reflow_event *event, void *data) { *(uint64_t *)data = event->stalls; }
static void test_few_are_told(const rig_mode *mode) {
    if (mode->mode != REFLOW_MODE_SIMULATED) return; /* its clock stands still: one second */
    place at = open_place(mode, 0, "\"drop-oldest\"");
    ring(&at, 1000);
    go(&at);
    WORKS(reflow_runtime_run(at.runtime, 20000, NULL, &e));
    uint64_t last = 0;
    CHECK(each_event(&at, count_told, &last) == REFLOW_MAX_STALL_EVENTS);
    CHECK(last == REFLOW_MAX_STALL_EVENTS);
    close_place(&at);
}

static void test_bad_word(void) {
    static const char *const bad[] = {"\"shrink\"", "7", "null", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        place at = open_place(&rig_inline, 0, bad[i]);
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_CONFIG,
                     reflow_network_create(at.runtime, at.graph, &at.network, &error));
        reflow_place where = {0};
        where.struct_size = sizeof where;
        CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &where));
        CHECK(same_text(where.path, "$.properties.on_stall"));
        CHECK(strstr(reflow_error_message(error).data, "drop-oldest") != NULL);
        reflow_error_destroy(error);
        close_place(&at);
    }
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        test_grows(mode);
        test_dealt(mode);
        test_fails(mode, NULL, 100);
        test_fails(mode, "\"fail\"", 0);
        test_drops(mode);
        test_self_loop(mode);
        test_diamond(mode);
        test_fallback(mode);
        test_few_are_told(mode);
        for (int how = 0; how < 3; ++how) test_growth_goes(mode, how);
        test_bytes(mode, NULL, 6000, 0, 5);
        test_bytes(mode, NULL, 11000, 0, 5);
        test_bytes(mode, NULL, 1, 0, 4);
        test_bytes(mode, NULL, 6000, 7, 30);
        test_bytes(mode, "\"drop-oldest\"", 16000, 0, 4);
    }
    test_bad_word();
    return 0;
}
