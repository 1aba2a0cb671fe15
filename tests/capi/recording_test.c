/* Recordings of simulated runs, and their replays. */
#include "check.h"

#include "rig.h"

static char folder[] = "/tmp/reflow-recording-XXXXXX";
static char path_text[64];
static const char *file(const char *name) {
    snprintf(path_text, sizeof path_text, "%s/%s", folder, name);
    return path_text;
}

/* ---- components: a source from outside, and one that adds up */

static int outside_calls;
static int64_t outside_next;
static int played_back; /* dead letters */

static reflow_envelope envelope_of(uint8_t trace) {
    reflow_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    envelope.trace_id[3] = trace;
    envelope.correlation = text_of("some order");
    return envelope;
}
/* Where no envelopes are carried that does nothing. */
static void set_trace(reflow_context *context, uint8_t trace) {
    reflow_envelope envelope = envelope_of(trace);
    CHECK_STATUS(REFLOW_OK, reflow_context_set_envelope(context, &envelope));
}

static reflow_status outside(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    ++outside_calls;
    int64_t value = outside_next++ * 7 % 11;
    if (value % 3 != 0) set_trace(context, (uint8_t)value);
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(value)));
    if (outside_next % 5 == 0) { /* and a timer goes on */
        CHECK_STATUS(REFLOW_OK, reflow_context_wake_after(context, 2500));
        return reflow_context_fail(context, REFLOW_ERROR_IO, text_of("no more"), text_of("wait"));
    }
    if (outside_next >= 12) return REFLOW_OK;
    return outside_next % 3 == 0 ? reflow_context_wake_after(context, 5000)
                                 : reflow_context_again(context);
}

static uint8_t added_trace = 100; /* of what Add emits, in some of its calls */
static int64_t added = 1; /* what Add adds: a change is a changed component */

static reflow_status add(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    int64_t *sum = state;
    for (size_t i = 0; i < count; ++i) {
        *sum += rig_integer(inputs[i].message) + added;
        if (*sum % 4 == 0) set_trace(context, added_trace);
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(*sum)));
    }
    return *sum % 13 == 0 ? REFLOW_ERROR_FAILED : REFLOW_OK;
}
static reflow_status add_create(reflow_context *context, void *user_data, void **state) {
    (void)context;
    (void)user_data;
    *state = calloc(1, sizeof(int64_t));
    return REFLOW_OK;
}
static reflow_status add_finish(reflow_context *context, void *state) {
    return reflow_context_emit(context, 0, reflow_message_integer(-*(int64_t *)state));
}

static reflow_status picky(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    (void)count;
    int64_t value = rig_integer(inputs[0].message);
    if (value % 2 == 0) return REFLOW_ERROR_FAILED;
    return reflow_context_emit(context, 0, reflow_message_integer(value));
}

static void register_all(reflow_runtime *runtime) {
    rig_register_pass(runtime);
    rig_component source = {0};
    source.id = "Outside";
    source.outports = "o";
    source.flags = REFLOW_COMPONENT_EXTERNAL;
    source.run = outside;
    rig_register(runtime, &source);
    rig_component sum = {0};
    sum.id = "Add";
    sum.inports = "a";
    sum.outports = "o";
    sum.max_batch = 8;
    sum.create = add_create;
    sum.destroy_state = free;
    sum.run = add;
    sum.finish = add_finish;
    rig_register(runtime, &sum);
    rig_component some = {.id = "Picky", .inports = "a", .outports = "o", .max_batch = 1, .run = picky};
    rig_register(runtime, &some);
}

static reflow_runtime *runtime_with(reflow_runtime_options *options) {
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(options, &runtime, &e));
    register_all(runtime);
    return runtime;
}
static reflow_runtime_options simulated(uint64_t seed) {
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_SIMULATED;
    options.seed = seed;
    return options;
}

/* A source and a host feed a sum over two ways, whose ports are small; errors go their own way. */
static reflow_graph *graph_of(void) {
    reflow_graph *graph = rig_graph();
    static const char *const nodes[] = {"l", "r", "join", "errors"};
    rig_node(graph, "s", "Outside");
    for (int i = 0; i < 4; ++i) rig_node(graph, nodes[i], i == 2 ? "Add" : "Pass");
    rig_connect(graph, "s.o", "l.a", "{\"capacity\":2}");
    rig_connect(graph, "s.o", "r.a", NULL);
    rig_connect(graph, "l.o", "join.a", "{\"capacity\":3}");
    rig_connect(graph, "r.o", "join.a", NULL);
    rig_connect(graph, "s.error", "errors.a", "{\"kind\":\"latest\"}");
    rig_initial(graph, "r.a", reflow_message_integer(40));
    return graph;
}

/* ---- what a network tells, as text */

static reflow_subscription *listen(reflow_network *network) {
    reflow_event_options options = rig_event_options(1000000, REFLOW_EVENTS_ALL);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    return subscription;
}
static char *events_of(reflow_subscription *subscription) {
    size_t size = 0, room = 1 << 20;
    char *text = malloc(room);
    CHECK(text != NULL);
    reflow_event_batch *batch = NULL;
    while (reflow_subscription_poll(subscription, 100, 0, &batch, NULL, NULL) == REFLOW_OK) {
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_buffer *line = NULL;
            WORKS(reflow_event_batch_json(batch, i, &line, &e));
            reflow_view view = reflow_buffer_get(line);
            CHECK(size + view.size + 2 < room);
            memcpy(text + size, view.data, view.size);
            size += view.size;
            text[size++] = '\n';
            reflow_buffer_destroy(line);
        }
        reflow_event_batch_destroy(batch);
    }
    text[size] = 0;
    reflow_subscription_destroy(subscription);
    return text;
}

/* Records a whole life, with a host that sends, reads late, waits by the clock, pauses, drains. */
static char *record(uint64_t seed, uint32_t batch, const char *name) {
    reflow_runtime_options options = simulated(seed);
    options.batch_packets = batch;
    options.port_capacity = 4;
    reflow_runtime *runtime = runtime_with(&options);
    reflow_graph *graph = graph_of();
    reflow_network *network = NULL;
    outside_calls = 0;
    outside_next = 1;
    WORKS(reflow_x_record_create(runtime, graph, text_of(file(name)), &network, &e));
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "join.o", 2);
    reflow_inport inport = rig_inport(network, "l.a");
    reflow_subscription *events = listen(network);
    const bool carries = seed % 3 == 1;
    if (carries) WORKS(reflow_network_carry_envelopes(network, &e));
    WORKS(reflow_network_start(network, &e));
    int64_t next = 100;
    for (int round = 0; round < 30; ++round) {
        if (carries && round % 3 == 1) {
            reflow_envelope envelope = envelope_of((uint8_t)round);
            if (round == 13) envelope.deadline_ms = -1; /* fails, without a call */
            (void)reflow_network_send_enveloped(network, inport, reflow_message_integer(next++),
                                                &envelope, 0, NULL);
        }
        if (round > 15) {
            played_back += reflow_network_replay_dead_letter(network, 1, NULL) == REFLOW_OK;
        }
        if (round % 3 == 0) {
            (void)reflow_network_try_send(network, inport, reflow_message_integer(next++), NULL);
        }
        if (round % 4 == 1) (void)reflow_runtime_run(runtime, 1 + seed % 5, NULL, NULL);
        if (round % 7 == 2) (void)reflow_network_wait_idle(network, 3, NULL);
        if (round == 11) WORKS(reflow_network_pause(network, text_of("r"), REFLOW_FOREVER, &e));
        if (round == 15) (void)reflow_network_step(network, text_of("r"), 2, 10, NULL, NULL);
        if (round == 20) WORKS(reflow_network_resume(network, text_of(""), &e));
        reflow_message messages[2];
        size_t count = 0;
        if (round % 2 == 1) (void)reflow_output_recv_many(output, messages, 2, 0, &count, NULL);
        for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
    }
    for (;;) {
        reflow_status status = reflow_network_drain(network, REFLOW_FOREVER, NULL);
        if (status == REFLOW_OK) break;
        CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, status);
        reflow_message message;
        size_t count = 0;
        while (reflow_output_recv_many(output, &message, 1, 0, &count, NULL) == REFLOW_OK) {
            reflow_message_unref(message);
        }
    }
    CHECK(outside_calls >= 11);
    WORKS(reflow_x_record_flush(network, &e));
    reflow_output_destroy(output);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    char *text = events_of(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    return text;
}

static reflow_x_recording *open_file(const char *name) {
    reflow_x_recording *recording = NULL;
    WORKS(reflow_x_recording_open(text_of(file(name)), &recording, &e));
    return recording;
}

typedef struct replayed {
    reflow_runtime *runtime;
    reflow_x_replay *replay;
    reflow_subscription *events;
} replayed;

static replayed begin_replay(const char *name) {
    replayed made = {0};
    reflow_x_recording *recording = open_file(name);
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    WORKS(reflow_x_recording_options(recording, &options, &e));
    made.runtime = runtime_with(&options);
    WORKS(reflow_x_replay_create(made.runtime, recording, &made.replay, &e));
    reflow_x_recording_destroy(recording);
    made.events = listen(reflow_x_replay_network(made.replay));
    return made;
}
static reflow_x_replay_state state_of(replayed *from) {
    reflow_x_replay_state state = {0};
    state.struct_size = sizeof state;
    CHECK_STATUS(REFLOW_OK, reflow_x_replay_get_state(from->replay, &state));
    return state;
}
static char *end_replay(replayed *from) {
    char *text = events_of(from->events);
    reflow_x_replay_destroy(from->replay);
    reflow_runtime_destroy(from->runtime);
    return text;
}

/* The same events, byte for byte, and nothing from outside is called. */
static void test_same(void) {
    char *first = NULL;
    int different = 0;
    for (uint64_t seed = 1; seed <= (check_slow() ? 40u : 100u); ++seed) {
        char *recorded = record(seed, seed % 2 == 0 ? 1 : 0, "run.rec");
        outside_calls = 0;
        replayed again = begin_replay("run.rec");
        bool more = true;
        uint64_t firings = seed % 3;
        while (more) WORKS(reflow_x_replay_run(again.replay, firings, &more, &e));
        reflow_x_replay_state state = state_of(&again);
        CHECK(state.truncated == 0 && state.firings > 30 && state.next.size == 0);
        CHECK(reflow_network_get_state(reflow_x_replay_network(again.replay)) ==
              REFLOW_NETWORK_STOPPED);
        char *repeated = end_replay(&again);
        CHECK(outside_calls == 0);
        if (strcmp(recorded, repeated) != 0) {
            size_t at = 0;
            while (recorded[at] == repeated[at]) ++at;
            while (at > 0 && recorded[at - 1] != '\n') --at;
            fprintf(stderr, "seed %d:\n%.300s\n%.300s\n", (int)seed, recorded + at, repeated + at);
        }
        CHECK(strcmp(recorded, repeated) == 0);
        if (first != NULL) different += strcmp(first, recorded) != 0;
        free(first);
        first = recorded;
        free(repeated);
    }
    free(first);
    CHECK(different > 5 && played_back > 3);
}

/* A node with another one that takes what it has given up. */
static void test_fallback_node(void) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        reflow_runtime_options options = simulated(seed);
        reflow_runtime *runtime = runtime_with(&options);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "p", "Pass");
        WORKS(reflow_graph_add_node(
            graph, text_of("w"), text_of("Picky"),
            json("{\"failure\": {\"fallback\": {\"node\": \"p\"}, \"retries\": 2, \"backoff_ms\": 2}}"), &e));
        reflow_network *network = NULL;
        WORKS(reflow_x_record_create(runtime, graph, text_of(file("run.rec")), &network, &e));
        reflow_graph_destroy(graph);
        reflow_subscription *events = listen(network);
        WORKS(reflow_network_start(network, &e));
        reflow_inport inport = rig_inport(network, "w.a");
        for (int64_t i = 0; i < 12; ++i) {
            WORKS(reflow_network_try_send(network, inport, reflow_message_integer(i), &e));
            if (i % 3 == 1) WORKS(reflow_runtime_run(runtime, 1 + seed % 7, NULL, &e));
        }
        WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
        CHECK(rig_counters(network, "p").fired == 6);
        WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
        char *recorded = events_of(events);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
        replayed again = begin_replay("run.rec");
        WORKS(reflow_x_replay_run(again.replay, 0, NULL, &e));
        char *repeated = end_replay(&again);
        CHECK(strcmp(recorded, repeated) == 0);
        free(recorded);
        free(repeated);
    }
}

/* A run that differs tells so also where the network has stopped by itself, and does not wait for a stop. */
static void test_stopped_by_itself(void) {
    reflow_runtime_options options = simulated(3);
    reflow_runtime *runtime = runtime_with(&options);
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("add"), text_of("Add"),
                                json("{\"failure\": {\"then\": \"stop\"}}"), &e));
    reflow_network *network = NULL;
    WORKS(reflow_x_record_create(runtime, graph, text_of(file("run.rec")), &network, &e));
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(network, &e));
    rig_send(network, rig_inport(network, "add.a"), 11);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    added = 2; /* 13, at which it fails */
    replayed again = begin_replay("run.rec");
    FAILS(REFLOW_ERROR_FAILED, reflow_x_replay_run(again.replay, 0, NULL, &e));
    free(end_replay(&again));
    added = 1;
}

/* A changed component is found at its first firing, and from then on always. */
static void test_difference(void) {
    free(record(7, 1, "run.rec"));
    added = 2;
    replayed again = begin_replay("run.rec");
    for (int i = 0; i < 2; ++i) {
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_FAILED, reflow_x_replay_run(again.replay, 0, NULL, &error));
        reflow_place place = {0};
        place.struct_size = sizeof place;
        CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
        CHECK(same_text(place.node, "join"));
        reflow_view text = reflow_error_message(error);
        CHECK(strstr(text.data, "differs from its recording at firing ") != NULL);
        CHECK(strstr(text.data, "expected 1 message (") != NULL && strstr(text.data, "got 1 message (") != NULL);
        reflow_error_destroy(error);
    }
    free(end_replay(&again));
    added = 1;
}

/* Whatever the timeout, and whatever its nodes do. */
static void check_unsaved(reflow_network *network) {
    for (int64_t timeout = REFLOW_FOREVER; timeout <= 0; ++timeout) {
        reflow_message taken;
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED, reflow_network_snapshot(network, timeout, &taken, &error));
        CHECK(strstr(reflow_error_text(error).data, "records or is replayed") != NULL);
        reflow_error_destroy(error);
    }
}

/* Envelopes are compared, too, and a host cannot add any. */
static void test_other_envelopes(void) {
    free(record(7, 1, "run.rec"));
    added_trace = 101;
    replayed again = begin_replay("run.rec");
    FAILS(REFLOW_ERROR_UNSUPPORTED,
          reflow_network_carry_envelopes(reflow_x_replay_network(again.replay), &e));
    if (reflow_feature(text_of("snapshots"))) check_unsaved(reflow_x_replay_network(again.replay));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_FAILED, reflow_x_replay_run(again.replay, 0, NULL, &error));
    CHECK(strstr(reflow_error_message(error).data, "differs from its recording") != NULL);
    reflow_error_destroy(error);
    free(end_replay(&again));
    added_trace = 100;
}

static char *read_all(const char *name, size_t *size) {
    FILE *stream = fopen(file(name), "rb");
    CHECK(stream != NULL);
    char *data = malloc(1 << 20);
    *size = fread(data, 1, 1 << 20, stream);
    fclose(stream);
    return data;
}
static void write_all(const char *name, const char *data, size_t size) {
    FILE *stream = fopen(file(name), "wb");
    CHECK(stream != NULL && fwrite(data, 1, size, stream) == size);
    fclose(stream);
}

/* A recording that was cut off anywhere is replayed as far as it goes; others are refused. */
static void test_damaged(void) {
    char *recorded = record(3, 1, "run.rec");
    size_t size = 0;
    char *data = read_all("run.rec", &size);
    size_t steps = check_slow() ? 20 : 150, refused = 0, cut = 0;
    for (size_t i = 0; i < steps; ++i) {
        size_t length = size * i / steps;
        write_all("cut.rec", data, length);
        reflow_x_recording *recording = NULL;
        if (reflow_x_recording_open(text_of(file("cut.rec")), &recording, NULL) != REFLOW_OK) {
            FAILS(REFLOW_ERROR_PARSE,
                  reflow_x_recording_open(text_of(file("cut.rec")), &recording, &e));
            ++refused;
            continue;
        }
        reflow_x_recording_destroy(recording);
        replayed again = begin_replay("cut.rec");
        bool more = true;
        WORKS(reflow_x_replay_run(again.replay, 0, &more, &e));
        CHECK(!more && state_of(&again).truncated == 1);
        ++cut;
        char *text = end_replay(&again);
        free(text);
    }
    CHECK(refused != 0 && cut != 0);
    /* Each byte of the second half changed: an error, never a crash or another run. */
    for (size_t i = 0; i < steps; ++i) {
        size_t at = size / 2 + size / 2 * i / steps;
        data[at] = (char)(data[at] ^ 0x20);
        write_all("bad.rec", data, size);
        data[at] = (char)(data[at] ^ 0x20);
        replayed again = begin_replay("bad.rec");
        reflow_status status = reflow_x_replay_run(again.replay, 0, NULL, NULL);
        CHECK(status == REFLOW_ERROR_PARSE || (status == REFLOW_OK && state_of(&again).truncated == 1));
        free(end_replay(&again));
    }
    free(data);
    free(recorded);
    reflow_x_recording *recording = NULL;
    FAILS(REFLOW_ERROR_IO, reflow_x_recording_open(text_of(file("none.rec")), &recording, &e));
    FAILS(REFLOW_ERROR_IO, reflow_x_recording_open(text_of(folder), &recording, &e));
    static const char *const garbage[] = {"", "{}", "reflow recording\n", "reflow recording\nxxxxyyyy",
                                          "reflow recording\n\xff\xff\xff\xff\xff\xff\xff\xff"};
    for (size_t i = 0; i < 5; ++i) {
        write_all("bad.rec", garbage[i], strlen(garbage[i]));
        FAILS(REFLOW_ERROR_PARSE, reflow_x_recording_open(text_of(file("bad.rec")), &recording, &e));
        CHECK(recording == NULL);
    }
}

/* A file of this shape with another header: other versions are refused by name. */
static void append_frame(char *to, size_t *size, const char *header) {
    reflow_buffer *buffer = NULL;
    reflow_message message = json(header);
    WORKS(reflow_message_to_msgpack(message, &buffer, &e));
    reflow_message_unref(message);
    reflow_view view = reflow_buffer_get(buffer);
    uint64_t value = UINT64_C(0x9e3779b97f4a7c15);
    size_t words = (view.size + 7) / 8;
    for (size_t i = 0; i <= words; ++i) {
        uint64_t word = i == 0 ? view.size : 0;
        for (size_t k = 0; i > 0 && k < 8 && (i - 1) * 8 + k < view.size; ++k) {
            word |= (uint64_t)(unsigned char)view.data[(i - 1) * 8 + k] << 8 * k;
        }
        uint64_t z = (value ^ word) + UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        value = z ^ (z >> 31);
    }
    for (int i = 0; i < 4; ++i) to[(*size)++] = (char)(view.size >> 8 * i);
    for (int i = 0; i < 4; ++i) to[(*size)++] = (char)(value >> 8 * i);
    memcpy(to + *size, view.data, view.size);
    *size += view.size;
    reflow_buffer_destroy(buffer);
}

static void test_versions(void) {
    static const struct {
        const char *header;
        reflow_status status;
        const char *words;
    } wrong[] = {
        {"[{\"format\":2}]", REFLOW_ERROR_UNSUPPORTED, "format 2"},
        {"[{\"format\":3,\"engine\":2003004}]", REFLOW_ERROR_UNSUPPORTED, "reflow 2.3.4"},
        {"[{\"format\":3,\"engine\":1000}]", REFLOW_ERROR_PARSE, "not a recording"},
        {"[{\"format\":\"1\"}]", REFLOW_ERROR_PARSE, "not a recording"},
        {"[]", REFLOW_ERROR_PARSE, "not a recording"},
        {"{}", REFLOW_ERROR_PARSE, "no list"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        char data[1000] = "reflow recording\n";
        size_t size = strlen(data);
        append_frame(data, &size, wrong[i].header);
        write_all("old.rec", data, size);
        reflow_x_recording *recording = NULL;
        reflow_error *error = NULL;
        CHECK_STATUS(wrong[i].status,
                     reflow_x_recording_open(text_of(file("old.rec")), &recording, &error));
        CHECK(strstr(reflow_error_message(error).data, wrong[i].words) != NULL);
        reflow_error_destroy(error);
    }
}

static reflow_status counts(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t count) {
    (void)state;
    (void)inputs;
    return count == 0 ? REFLOW_OK : reflow_context_set_timer(context, 3, 1000, 0);
}
static void never(void *user_data, const reflow_event_batch *batch, uint64_t missed) {
    (void)user_data;
    (void)batch;
    (void)missed;
}

static void test_misuse(void) {
    reflow_runtime *inline_runtime = rig_runtime(&rig_inline);
    register_all(inline_runtime);
    reflow_graph *graph = graph_of();
    reflow_network *network = NULL;
    reflow_view path = text_of(file("misuse.rec"));
    FAILS(REFLOW_ERROR_UNSUPPORTED,
          reflow_x_record_create(inline_runtime, graph, path, &network, &e));
    reflow_runtime_options options = simulated(1);
    options.check_types = 1;
    options.max_completions = 77;
    reflow_runtime *runtime = runtime_with(&options);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_x_record_create(NULL, graph, path, &network, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_x_record_create(runtime, NULL, path, &network, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_x_record_create(runtime, graph, path, NULL, &e));
    FAILS(REFLOW_ERROR_IO, reflow_x_record_create(runtime, graph, text_of(folder), &network, &e));
    rig_component later = {0};
    later.id = "Later";
    later.inports = "a";
    later.flags = REFLOW_COMPONENT_EXTERNAL;
    later.run = counts;
    rig_register(runtime, &later);
    rig_node(graph, "later", "Later");
    rig_connect(graph, "join.o", "later.a", NULL);
    outside_next = 1;
    WORKS(reflow_x_record_create(runtime, graph, path, &network, &e));
    reflow_event_options events = rig_event_options(0, 0);
    events.callback = never;
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_network_restore(network, reflow_message_null(), &e));
    reflow_subscription *subscription = NULL;
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_network_subscribe(network, &events, &subscription, &e));
    reflow_break_options options_of_break = {0};
    options_of_break.struct_size = sizeof options_of_break;
    reflow_breakpoint breakpoint;
    FAILS(REFLOW_ERROR_UNSUPPORTED,
          reflow_network_break(network, &options_of_break, &breakpoint, &e));
    if (reflow_feature(text_of("snapshots"))) check_unsaved(network);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_runtime_run(runtime, 1, NULL, &e));
    if (reflow_feature(text_of("snapshots"))) check_unsaved(network);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    if (reflow_feature(text_of("snapshots"))) check_unsaved(network);
    /* What sets such timers and is not called in a replay cannot be recorded: said by the flush, and by the file. */
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_x_record_flush(network, &e));
    reflow_network_destroy(network);
    reflow_x_recording *recording = open_file("misuse.rec");
    reflow_x_replay *replay = NULL;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_x_replay_create(inline_runtime, recording, &replay, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_x_replay_create(runtime, recording, &replay, &e));
    reflow_runtime_options of_then = {0};
    of_then.struct_size = sizeof of_then;
    WORKS(reflow_x_recording_options(recording, &of_then, &e));
    CHECK(of_then.check_types == 1 && of_then.max_completions == 77);
    for (int i = 0; i < 2; ++i) { /* others are refused */
        reflow_runtime_options other = of_then;
        if (i == 0) other.check_types = 0;
        else other.max_completions = 78;
        reflow_runtime *wrong = runtime_with(&other);
        FAILS(REFLOW_ERROR_INVALID_STATE, reflow_x_replay_create(wrong, recording, &replay, &e));
        reflow_runtime_destroy(wrong);
    }
    reflow_runtime *fresh = runtime_with(&of_then);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_x_replay_create(fresh, recording, &replay, &e));
    rig_register(fresh, &later);
    WORKS(reflow_x_replay_create(fresh, recording, &replay, &e));
    reflow_x_replay *second = NULL;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_x_replay_create(fresh, recording, &second, &e));
    WORKS(reflow_x_replay_run(replay, 0, NULL, &e));
    reflow_x_replay_state state = {0};
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_x_replay_get_state(replay, &state));
    state.struct_size = sizeof state;
    CHECK_STATUS(REFLOW_OK, reflow_x_replay_get_state(replay, &state));
    CHECK(strstr(state.reason.data, "sets timers by number") != NULL);
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_x_record_flush(reflow_x_replay_network(replay), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_x_replay_run(NULL, 0, NULL, &e));
    reflow_message header;
    WORKS(reflow_x_recording_header(recording, &header, &e));
    reflow_message seed;
    CHECK_STATUS(REFLOW_OK, reflow_message_get(header, text_of("seed"), &seed));
    CHECK(is_json(seed, "\"1\""));
    reflow_message_unref(header);
    reflow_x_replay_destroy(replay);
    reflow_x_replay_destroy(NULL);
    reflow_x_recording_destroy(recording);
    reflow_x_recording_destroy(NULL);
    CHECK(reflow_x_replay_network(NULL) == NULL);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(fresh);
    reflow_runtime_destroy(runtime);
    reflow_runtime_destroy(inline_runtime);
}

int main(void) {
    check_time_limit(60);
    CHECK(mkdtemp(folder) != NULL);
    test_same();
    test_fallback_node();
    test_stopped_by_itself();
    test_difference();
    test_other_envelopes();
    test_damaged();
    test_versions();
    test_misuse();
    static const char *const names[] = {"run.rec", "cut.rec", "bad.rec", "old.rec", "misuse.rec"};
    for (int i = 0; i < 5; ++i) (void)unlink(file(names[i]));
    (void)rmdir(folder);
    return 0;
}
