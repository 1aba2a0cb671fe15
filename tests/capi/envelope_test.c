/* Section 8 of reflow.h: envelopes, in every mode: which one goes with what is emitted, what a component
 * may set, who sees it, and that nobody else does. */
#include "check.h"

#include "rig.h"

typedef struct place {
    const rig_mode *mode;
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
} place;

static uint64_t open_completion;
static int acted; /* calls of "Acts" */

static reflow_envelope envelope_of(uint8_t trace, const char *correlation) {
    reflow_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    envelope.trace_id[0] = trace;
    envelope.span_id[7] = (uint8_t)(trace + 1);
    envelope.deadline_ms = INT64_C(4102444800000) + trace * 1000; /* in the year 2100 */
    envelope.correlation = text_of(correlation);
    return envelope;
}

static reflow_envelope empty_envelope(void) {
    reflow_envelope envelope;
    memset(&envelope, 0x55, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    return envelope;
}

/* Keeps its firing open; the last one is left to the host. */
static reflow_status defers(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t count) {
    (void)state;
    CHECK(count == 1);
    reflow_completion completion;
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &completion));
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(
                                completion, 0, reflow_message_take(&inputs[0].message), 0));
    if (reflow_context_attempts(context) == 0 && inputs[0].envelope != NULL) {
        reflow_envelope own = empty_envelope();
        CHECK_STATUS(REFLOW_OK, reflow_packet_envelope(&inputs[0], &own));
        if (same_text(own.correlation, "host")) {
            __atomic_store_n(&open_completion, completion.id, __ATOMIC_RELEASE);
            return REFLOW_OK;
        }
    }
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
    return REFLOW_OK;
}

/* "sets": its own; "clears": none; "fails". Everything on both outports. */
static reflow_status acts(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    CHECK(count == 1); /* one firing in a call, though max_batch is 16 */
    __atomic_add_fetch(&acted, 1, __ATOMIC_RELAXED);
    reflow_envelope own = empty_envelope(), current = empty_envelope();
    reflow_status has = reflow_packet_envelope(&inputs[0], &own);
    CHECK((has == REFLOW_OK) == (inputs[0].envelope != NULL));
    CHECK(reflow_context_envelope(context, &current) == has);
    CHECK(memcmp(own.trace_id, current.trace_id, 16) == 0);
    CHECK(reflow_message_kind(inputs[0].message) == REFLOW_KIND_INTEGER);
    if (same_text(own.correlation, "sets")) {
        reflow_envelope other = envelope_of(99, "another");
        CHECK_STATUS(REFLOW_OK, reflow_context_set_envelope(context, &other));
    }
    if (same_text(own.correlation, "clears")) {
        CHECK_STATUS(REFLOW_OK, reflow_context_set_envelope(context, NULL));
        CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_context_envelope(context, &current));
    }
    if (same_text(own.correlation, "fails")) return REFLOW_ERROR_FAILED;
    for (uint32_t port = 0; port < 2; ++port) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, port, inputs[0].message));
    }
    return REFLOW_OK;
}

/* Keeps its firing open, and nobody ends it. */
static reflow_status keeps(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    (void)inputs;
    CHECK(count == 1 && reflow_context_deadline_ns(context) != UINT64_MAX);
    reflow_completion completion;
    return reflow_context_defer(context, 0, &completion);
}

static reflow_status adds(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    CHECK(count == 2);
    int64_t sum = rig_integer(inputs[0].message) + rig_integer(inputs[1].message);
    return reflow_context_emit(context, 0, reflow_message_integer(sum));
}

static place open_place(const rig_mode *mode) {
    place at;
    memset(&at, 0, sizeof at);
    at.mode = mode;
    at.runtime = rig_runtime(mode);
    rig_register_pass(at.runtime);
    rig_component component = {0};
    component.id = "Defers";
    component.inports = "a";
    component.outports = "o";
    component.run = defers;
    rig_register(at.runtime, &component);
    component.id = "Acts";
    component.outports = "op";
    component.max_batch = 16;
    component.run = acts;
    rig_register(at.runtime, &component);
    component.id = "Keeps";
    component.max_concurrency = 8;
    component.run = keeps;
    rig_register(at.runtime, &component);
    component.max_concurrency = 0;
    component.id = "Adds";
    component.inports = "ab";
    component.outports = "o";
    component.await = REFLOW_AWAIT_ALL;
    component.run = adds;
    rig_register(at.runtime, &component);
    at.graph = rig_graph();
    return at;
}

static void go(place *at) {
    WORKS(reflow_network_carry_envelopes(at->network, &e));
    WORKS(reflow_network_start(at->network, &e));
}

static void close_place(place *at) {
    reflow_network_destroy(at->network);
    reflow_graph_destroy(at->graph);
    reflow_runtime_destroy(at->runtime);
}

static void send(place *at, const char *to, int64_t value, const reflow_envelope *envelope) {
    reflow_inport inport = rig_inport(at->network, to);
    reflow_message message = reflow_message_integer(value);
    if (envelope == NULL) {
        WORKS(reflow_network_send(at->network, inport, message, REFLOW_FOREVER, &e));
    } else {
        WORKS(reflow_network_send_enveloped(at->network, inport, message, envelope,
                                            REFLOW_FOREVER, &e));
    }
}

/* The next message has this envelope; NULL: none. */
static void expect(reflow_output *output, int64_t value, const reflow_envelope *envelope) {
    reflow_message message;
    reflow_envelope got = empty_envelope();
    WORKS(reflow_output_recv_enveloped(output, &message, &got, REFLOW_FOREVER, &e));
    CHECK(rig_integer(message) == value);
    static const uint8_t zeros[16];
    CHECK(memcmp(got.trace_id, envelope != NULL ? envelope->trace_id : zeros, 16) == 0);
    CHECK(memcmp(got.span_id, envelope != NULL ? envelope->span_id : zeros, 8) == 0);
    CHECK(got.deadline_ms == (envelope != NULL ? envelope->deadline_ms : 0));
    CHECK(same_text(got.correlation, envelope != NULL ? envelope->correlation.data : ""));
}

/* Through a queue, a firing that ends later, and a fan-out; each with its own, and some with none. */
static void test_carried(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "pass", "Pass");
    rig_node(at.graph, "later", "Defers");
    rig_node(at.graph, "acts", "Acts");
    rig_connect(at.graph, "pass.o", "later.a", NULL);
    rig_connect(at.graph, "later.o", "acts.a", NULL);
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *one = rig_output(at.network, "acts.o", 100);
    reflow_output *two = rig_output(at.network, "acts.p", 100);
    go(&at);
    char text[20][8];
    for (int i = 0; i < 20; ++i) {
        snprintf(text[i], sizeof text[i], "c%d", i);
        reflow_envelope envelope = envelope_of((uint8_t)i, text[i]);
        send(&at, "pass.a", i, i % 3 == 0 ? NULL : &envelope);
    }
    for (int i = 0; i < 20; ++i) {
        reflow_envelope envelope = envelope_of((uint8_t)i, text[i]);
        expect(one, i, i % 3 == 0 ? NULL : &envelope);
        if (i % 2 == 0) expect(two, i, i % 3 == 0 ? NULL : &envelope);
        if (i % 2 != 0) CHECK(rig_recv(two) == i); /* without looking at it */
    }
    reflow_envelope sets = envelope_of(7, "sets"), clears = envelope_of(8, "clears");
    reflow_envelope another = envelope_of(99, "another");
    send(&at, "acts.a", 1, &sets);
    send(&at, "acts.a", 2, &clears);
    send(&at, "acts.a", 3, NULL);
    expect(one, 1, &another);
    expect(one, 2, NULL);
    expect(one, 3, NULL);
    /* Ended by the host, on its own thread, and after other firings of the node. */
    reflow_envelope host = envelope_of(5, "host");
    send(&at, "later.a", 50, &host);
    expect(one, 50, &host);
    reflow_completion completion = {__atomic_load_n(&open_completion, __ATOMIC_ACQUIRE)};
    CHECK_STATUS(REFLOW_OK,
                 reflow_completion_emit(completion, 0, reflow_message_integer(51), 0));
    /* And set by it: what was emitted before keeps its own. */
    CHECK_STATUS(REFLOW_OK, reflow_completion_set_envelope(completion, &another));
    CHECK_STATUS(REFLOW_OK,
                 reflow_completion_emit(completion, 0, reflow_message_integer(52), 0));
    CHECK_STATUS(REFLOW_OK, reflow_completion_set_envelope(completion, NULL));
    CHECK_STATUS(REFLOW_OK,
                 reflow_completion_emit(completion, 0, reflow_message_integer(53), 0));
    expect(one, 51, &host);
    expect(one, 52, &another);
    expect(one, 53, NULL);
    reflow_envelope bad = another;
    bad.struct_size = 1;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_completion_set_envelope(completion, &bad));
    bad = another;
    bad.correlation = (reflow_view){"\xff", 1};
    CHECK_STATUS(REFLOW_ERROR_INVALID_UTF8, reflow_completion_set_envelope(completion, &bad));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_set_envelope(completion, NULL));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_completion_set_envelope((reflow_completion){~UINT64_C(0)}, NULL));
    reflow_output_destroy(one);
    reflow_output_destroy(two);
    close_place(&at);
}

/* The first input that has one, in the order of the ports. */
static void test_joined(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "sum", "Adds");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *out = rig_output(at.network, "sum.o", 0);
    go(&at);
    reflow_envelope left = envelope_of(1, "left"), right = envelope_of(2, "right");
    for (int i = 0; i < 4; ++i) {
        send(&at, "sum.b", 10, i & 1 ? &right : NULL);
        send(&at, "sum.a", i, i & 2 ? &left : NULL);
        expect(out, 10 + i, i & 2 ? &left : i & 1 ? &right : NULL);
    }
    reflow_output_destroy(out);
    close_place(&at);
}

static bool event_json_has(reflow_subscription *events, const char *kind, const char *what) {
    reflow_event_batch *batch = NULL;
    bool found = false;
    WORKS(reflow_subscription_poll(events, 1000, REFLOW_FOREVER, &batch, NULL, &e));
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_buffer *text = NULL;
        WORKS(reflow_event_batch_json(batch, i, &text, &e));
        const char *json_text = reflow_buffer_get(text).data;
        found = found || (strstr(json_text, kind) != NULL && strstr(json_text, what) != NULL);
        reflow_buffer_destroy(text);
    }
    reflow_event_batch_destroy(batch);
    return found;
}

/* Failures: a dead letter keeps it, and so does what is played back; events tell it. */
static void test_failures(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "pass", "Pass");
    rig_node(at.graph, "acts", "Acts");
    rig_connect(at.graph, "pass.o", "acts.a", "{\"kind\":\"latest\"}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_subscription *events = NULL;
    reflow_event_options options = rig_event_options(0, REFLOW_EVENTS_ALL);
    WORKS(reflow_network_subscribe(at.network, &options, &events, &e));
    go(&at);
    reflow_envelope fails = envelope_of(0xab, "fails");
    send(&at, "pass.a", 1, &fails);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_message letters;
    WORKS(reflow_network_list_dead_letters(at.network, text_of(""), 0, 9, &letters, &e));
    reflow_buffer *text = NULL;
    WORKS(reflow_message_to_json(letters, REFLOW_JSON_PLAIN, &text, &e));
    CHECK(strstr(reflow_buffer_get(text).data, "\"message\":1}") != NULL);
    reflow_buffer_destroy(text);
    reflow_message_unref(letters);
    WORKS(reflow_network_replay_dead_letter(at.network, 1, &e)); /* and fails again */
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "acts").failed == 2);
    CHECK(event_json_has(events, "\"DeadLetter\"",
                         "\"traceId\":\"ab000000000000000000000000000000\",\"spanId\":"
                         "\"00000000000000ac\",\"correlation\":\"fails\",\"deadlineMs\":4102444971000"));
    send(&at, "pass.a", 2, &fails);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(event_json_has(events, "\"MessageSent\"", "\"correlation\":\"fails\""));
    send(&at, "pass.a", 3, &fails);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(event_json_has(events, "\"MessageReceived\"", "\"value\":3"));
    reflow_subscription_destroy(events);
    close_place(&at);
}

/* Attempts, and the outport "error": the envelope of the firing. */
static void test_attempts(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "pass", "Pass");
    WORKS(reflow_graph_add_node(at.graph, text_of("acts"), text_of("Acts"),
                                json("{\"failure\":{\"retries\":2,\"backoff_ms\":1}}"), &e));
    rig_connect(at.graph, "pass.o", "acts.a", NULL);
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *errors = rig_output(at.network, "acts.error", 0);
    go(&at);
    reflow_envelope fails = envelope_of(3, "fails");
    send(&at, "pass.a", 1, &fails);
    reflow_message message;
    reflow_envelope got = empty_envelope();
    WORKS(reflow_output_recv_enveloped(errors, &message, &got, REFLOW_FOREVER, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_ERROR && same_text(got.correlation, "fails"));
    reflow_message_unref(message);
    reflow_output_destroy(errors);
    close_place(&at);
}

static int acted_now(void) { return __atomic_load_n(&acted, __ATOMIC_RELAXED); }

/* The next message of an outport "error": what it says, and the envelope but for the deadline. */
static void expect_late(reflow_output *errors, const char *says, const char *correlation) {
    reflow_message message;
    reflow_envelope got = empty_envelope();
    WORKS(reflow_output_recv_enveloped(errors, &message, &got, REFLOW_FOREVER, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_ERROR);
    reflow_buffer *text = NULL;
    WORKS(reflow_message_to_json(message, REFLOW_JSON_PLAIN, &text, &e));
    CHECK(strstr(reflow_buffer_get(text).data, says) != NULL);
    reflow_buffer_destroy(text);
    CHECK(same_text(got.correlation, correlation) && got.trace_id[0] == 9 && got.deadline_ms == 0);
    reflow_message_unref(message);
}

/* A packet whose deadline has passed fails its firing, and the component is not called. That is no
 * attempt, and nothing that a circuit breaker counts. */
static void test_late(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "plain", "Acts");
    WORKS(reflow_graph_add_node(at.graph, text_of("tries"), text_of("Acts"),
                                json("{\"failure\":{\"retries\":2,\"backoff_ms\":1,"
                                     "\"breaker\":{\"threshold\":1,\"cooldown_ms\":3600000}}}"),
                                &e));
    WORKS(reflow_graph_add_node(at.graph, text_of("else"), text_of("Acts"),
                                json("{\"failure\":{\"fallback\":{\"node\":\"helps\"}}}"), &e));
    rig_node(at.graph, "helps", "Pass");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *plain = rig_output(at.network, "plain.error", 0);
    reflow_output *tries = rig_output(at.network, "tries.error", 0);
    reflow_output *tried = rig_output(at.network, "tries.o", 0);
    reflow_output *helped = rig_output(at.network, "helps.o", 0);
    go(&at);
    reflow_envelope late = envelope_of(9, "late"), undated = envelope_of(9, "late");
    late.deadline_ms = -1; /* long ago, also where time begins with 0 */
    undated.deadline_ms = 0;
    int before = acted_now();
    send(&at, "plain.a", 1, &late);
    expect_late(plain, "deadline", "late");
    for (int i = 0; i < 4; ++i) {
        send(&at, "tries.a", i, &late);
        expect_late(tries, "deadline", "late");
    }
    send(&at, "else.a", 7, &late);
    expect(helped, 7, &undated); /* which would be too late as well */
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(acted_now() == before);
    CHECK(rig_counters(at.network, "plain").failed == 1);
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    WORKS(reflow_network_node_state(at.network, text_of("tries"), &status, &e));
    CHECK(status.failures == 0 && status.retries == 0 && status.details == 0);
    send(&at, "tries.a", 5, &undated); /* the circuit is closed */
    expect(tried, 5, &undated);
    CHECK(acted_now() == before + 1);
    reflow_output_destroy(plain);
    reflow_output_destroy(tries);
    reflow_output_destroy(tried);
    reflow_output_destroy(helped);
    close_place(&at);
}

/* Nobody hears of it: a dead letter, which goes without its deadline when it is played back. */
static void test_late_letter(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "acts", "Acts");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *out = rig_output(at.network, "acts.o", 0);
    go(&at);
    reflow_envelope late = envelope_of(9, "late");
    late.deadline_ms = -1;
    send(&at, "acts.a", 8, &late);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_message letters;
    WORKS(reflow_network_list_dead_letters(at.network, text_of(""), 0, 9, &letters, &e));
    reflow_buffer *text = NULL;
    WORKS(reflow_message_to_json(letters, REFLOW_JSON_PLAIN, &text, &e));
    CHECK(strstr(reflow_buffer_get(text).data, "\"status\":\"REFLOW_ERROR_TIMEOUT\"") != NULL);
    reflow_buffer_destroy(text);
    reflow_message_unref(letters);
    WORKS(reflow_network_replay_dead_letter(at.network, 1, &e));
    late.deadline_ms = 0;
    expect(out, 8, &late);
    reflow_output_destroy(out);
    close_place(&at);
}

/* Firings that are kept open end with the deadlines of their packets, in whatever order these come. */
static void test_open_until(const rig_mode *mode) {
    place at = open_place(mode);
    rig_node(at.graph, "many", "Keeps");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *errors = rig_output(at.network, "many.error", 0);
    go(&at);
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    int64_t begin = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (mode->mode == REFLOW_MODE_SIMULATED) begin = 0;
    reflow_envelope far = envelope_of(9, "far"), near = envelope_of(9, "near");
    send(&at, "many.a", 0, &far); /* to the end of the network */
    static const int64_t after[] = {60, 30, 40}; /* ms */
    for (int i = 0; i < 3; ++i) {
        near.deadline_ms = begin + after[i];
        send(&at, "many.a", after[i], &near);
    }
    for (int i = 0; i < 3; ++i) expect_late(errors, "deadline", "near");
    CHECK(rig_counters(at.network, "many").failed == 3);
    reflow_output_destroy(errors);
    close_place(&at);
}

/* What waits is seen without it; messages end once. */
static void test_at_rest(const rig_mode *mode) {
    int ends = 0;
    place at = open_place(mode);
    rig_node(at.graph, "pass", "Pass");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *out = rig_output(at.network, "pass.o", 0);
    go(&at);
    WORKS(reflow_network_pause(at.network, text_of(""), REFLOW_FOREVER, &e));
    reflow_envelope envelope = envelope_of(4, "waits");
    for (int i = 0; i < 3; ++i) {
        WORKS(reflow_network_send_enveloped(at.network, rig_inport(at.network, "pass.a"),
                                            counted(&ends), &envelope, 0, &e));
    }
    reflow_message seen[4];
    size_t count = 0;
    WORKS(reflow_network_peek(at.network, text_of("pass"), text_of("a"), seen, 4, &count, &e));
    CHECK(count == 3);
    for (size_t i = 0; i < count; ++i) {
        CHECK(reflow_message_kind(seen[i]) == REFLOW_KIND_STRING);
        reflow_message_unref(seen[i]);
    }
    reflow_message snapshot;
    WORKS(reflow_network_snapshot(at.network, REFLOW_FOREVER, &snapshot, &e));
    reflow_message_unref(snapshot);
    CHECK(__atomic_load_n(&ends, __ATOMIC_RELAXED) == 0);
    WORKS(reflow_network_resume(at.network, text_of(""), &e));
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    reflow_envelope got = empty_envelope();
    WORKS(reflow_output_recv_enveloped(out, &seen[0], &got, 0, &e));
    CHECK(same_text(got.correlation, "waits"));
    reflow_message_unref(seen[0]);
    reflow_output_destroy(out); /* two of them unread */
    close_place(&at);
    CHECK(__atomic_load_n(&ends, __ATOMIC_RELAXED) == 3);
}

/* A network as the one that test_saved takes its snapshot of; carries: it has what it needs. */
static place restored(const rig_mode *mode, reflow_message snapshot, int carries,
                      reflow_output **out, reflow_status expected) {
    place at = open_place(mode);
    rig_node(at.graph, "pass", "Pass");
    rig_node(at.graph, "last", "Pass");
    rig_connect(at.graph, "pass.o", "last.a", NULL);
    at.network = rig_network(at.runtime, at.graph);
    *out = rig_output(at.network, "last.o", 0);
    if (carries) WORKS(reflow_network_carry_envelopes(at.network, &e));
    if (expected == REFLOW_OK) {
        WORKS(reflow_network_restore(at.network, snapshot, &e));
        WORKS(reflow_network_start(at.network, &e));
        WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    } else {
        FAILS(expected, reflow_network_restore(at.network, snapshot, &e));
    }
    return at;
}

/* The bytes of a snapshot with one text in another's place, read anew. */
static reflow_message forged(reflow_message snapshot, const char *from, size_t from_size,
                             const char *to, size_t to_size) {
    reflow_buffer *buffer;
    WORKS(reflow_message_to_msgpack(snapshot, &buffer, &e));
    reflow_view bytes = reflow_buffer_get(buffer);
    char *made = malloc(bytes.size + to_size);
    CHECK(made != NULL);
    size_t at = 0;
    while (memcmp(bytes.data + at, from, from_size) != 0) CHECK(++at + from_size < bytes.size);
    memcpy(made, bytes.data, at);
    memcpy(made + at, to, to_size);
    memcpy(made + at + to_size, bytes.data + at + from_size, bytes.size - at - from_size);
    reflow_message read;
    WORKS(reflow_message_from_msgpack(made, bytes.size - from_size + to_size, NULL, &read, &e));
    free(made);
    reflow_buffer_destroy(buffer);
    return read;
}

/* Snapshots have envelopes: of what waits at an inport, and of what waits for the host. */
static void test_saved(const rig_mode *mode) {
    reflow_output *out;
    place at = open_place(mode);
    rig_node(at.graph, "pass", "Pass");
    rig_node(at.graph, "last", "Pass");
    rig_connect(at.graph, "pass.o", "last.a", NULL);
    at.network = rig_network(at.runtime, at.graph);
    out = rig_output(at.network, "last.o", 0);
    go(&at);
    reflow_envelope first = envelope_of(4, "first"), second = envelope_of(5, "second");
    second.source_network = text_of("far");
    send(&at, "pass.a", 1, &first);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_pause(at.network, text_of(""), REFLOW_FOREVER, &e));
    send(&at, "pass.a", 2, &second);
    send(&at, "pass.a", 3, NULL);
    reflow_message snapshot;
    WORKS(reflow_network_snapshot(at.network, REFLOW_FOREVER, &snapshot, &e));
    reflow_output_destroy(out);
    close_place(&at);

    at = restored(mode, snapshot, 1, &out, REFLOW_OK);
    WORKS(reflow_network_resume(at.network, text_of(""), &e));
    expect(out, 1, &first);
    expect(out, 2, &second);
    expect(out, 3, NULL);
    reflow_output_destroy(out);
    close_place(&at);

    /* One that carries none has the messages alone. */
    at = restored(mode, snapshot, 0, &out, REFLOW_OK);
    WORKS(reflow_network_resume(at.network, text_of(""), &e));
    for (int64_t i = 1; i <= 3; ++i) expect(out, i, NULL);
    reflow_output_destroy(out);
    close_place(&at);

    static const char *const wrong[][2] = {
        {"\xa6second", "\xc4\x06second"},         /* bytes where a text is expected */
        {"\xa3" "far", "\xc0"},                    /* null */
        {"\xcf\000\000\003\273\054\303\353\210\xa6", "\xcb@@\0\0\0\0\0\0\xa6"}, /* the deadline is a float */
    };
    static const size_t sizes[][2] = {{7, 8}, {4, 1}, {10, 10}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        reflow_message bad =
            forged(snapshot, wrong[i][0], sizes[i][0], wrong[i][1], sizes[i][1]);
        at = restored(mode, bad, 1, &out, REFLOW_ERROR_PARSE);
        reflow_output_destroy(out);
        close_place(&at);
        reflow_message_unref(bad);
    }
    reflow_message_unref(snapshot);
}

static void test_refused(void) {
    place at = open_place(&rig_inline);
    rig_node(at.graph, "pass", "Pass");
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport in = rig_inport(at.network, "pass.a");
    WORKS(reflow_network_start(at.network, &e));
    reflow_envelope envelope = envelope_of(1, "x");
    int ends = 0;
    reflow_message message = counted(&ends);
    reflow_network *network = at.network;
    /* Carries none; and a refused message stays the caller's. */
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_network_send_enveloped(network, in, message, &envelope, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_carry_envelopes(network, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_send_enveloped(network, in, message, NULL, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_send_enveloped(NULL, in, message, &envelope, 0, &e));
    char longer[REFLOW_MAX_CORRELATION_BYTES + 1];
    memset(longer, 'c', sizeof longer);
    envelope.correlation = sized(longer, sizeof longer);
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_network_send_enveloped(network, in, message, &envelope, 0, &e));
    envelope.correlation = text_of("\xff");
    FAILS(REFLOW_ERROR_INVALID_UTF8,
          reflow_network_send_enveloped(network, in, message, &envelope, 0, &e));
    envelope = envelope_of(1, "x");
    envelope.reserved = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_send_enveloped(network, in, message, &envelope, 0, &e));
    CHECK(ends == 0);
    reflow_message_unref(message);
    CHECK(ends == 1);
    reflow_packet packet = {reflow_message_null(), 0, REFLOW_NO_INDEX, NULL};
    envelope = empty_envelope();
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_packet_envelope(&packet, &envelope));
    CHECK(envelope.trace_id[0] == 0 && envelope.correlation.size == 0);
    envelope.struct_size = 1;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_packet_envelope(&packet, &envelope));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_packet_envelope(NULL, &envelope));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_envelope(NULL, &envelope));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_set_envelope(NULL, NULL));
    close_place(&at);
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES + RIG_TINY_MODES; ++i) {
        const rig_mode *mode = i < RIG_MODES ? &rig_modes[i] : &rig_tiny_modes[i - RIG_MODES];
        test_carried(mode);
        test_joined(mode);
        test_failures(mode);
        test_attempts(mode);
        test_late(mode);
        test_late_letter(mode);
        test_open_until(mode);
        if (!mode->tiny) test_at_rest(mode);
        if (!mode->tiny) test_saved(mode);
    }
    test_refused();
    return 0;
}
