/* Section 15 of reflow.h: streams of actors, in every mode: order, room, idle, stalls, the end. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { room = 3 };

static reflow_stream_options small_room(void) {
    reflow_stream_options options = {0};
    options.struct_size = sizeof options;
    options.max_frames = room;
    return options;
}

static reflow_status put_number(reflow_stream_writer *writer, int64_t number, int64_t timeout_ms) {
    char text[32];
    int size = snprintf(text, sizeof text, "%lld", (long long)number);
    reflow_message data;
    WORKS(reflow_message_bytes(text, (size_t)size, &data, &e));
    reflow_status status = reflow_stream_write(writer, data, timeout_ms);
    if (status != REFLOW_OK) reflow_message_unref(data);
    return status;
}

/* ---- components. Each has a state of its own */

typedef struct state {
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    int64_t next;
} state;

static reflow_status make_state(reflow_context *context, void *user_data, void **to) {
    (void)user_data;
    reflow_stream_writer *writer;
    reflow_message handle;
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE,
                 reflow_context_open_stream(context, 0, NULL, &writer, &handle));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_rest(context));
    *to = calloc(1, sizeof(state));
    return REFLOW_OK;
}
static void end_state(void *data) {
    state *at = data;
    reflow_stream_writer_destroy(at->writer);
    reflow_stream_reader_destroy(at->reader);
    free(at);
}

static int refusals;

/* The inputs from `done` on wait until a stream can go on. */
static reflow_status rest(reflow_context *context, size_t done) {
    __atomic_fetch_add(&refusals, 1, __ATOMIC_RELAXED);
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, done));
    CHECK_STATUS(REFLOW_OK, reflow_context_again(context));
    CHECK_STATUS(REFLOW_OK, reflow_context_rest(context));
    return REFLOW_OK;
}

static reflow_status open_writer(reflow_context *context, state *at) {
    reflow_stream_options options = small_room();
    reflow_message handle;
    reflow_status status = reflow_context_open_stream(context, 0, &options, &at->writer, &handle);
    if (status != REFLOW_OK) return status;
    at->next = 0;
    return reflow_context_emit(context, 0, handle);
}

static void close_writer(state *at) {
    reflow_stream_writer_destroy(at->writer);
    at->writer = NULL;
}

/* Make: for each integer a stream of so many frames; a negative one ends without an end. */
static reflow_status run_make(reflow_context *context, void *data, reflow_packet *inputs,
                              size_t count) {
    state *at = data;
    for (size_t i = 0; i < count; ++i) {
        int64_t frames = rig_integer(inputs[i].message);
        if (at->writer == NULL) {
            reflow_status status = open_writer(context, at);
            if (status != REFLOW_OK) return status;
        }
        reflow_status status = REFLOW_OK;
        for (; status == REFLOW_OK && at->next < (frames < 0 ? -frames : frames); ++at->next) {
            status = put_number(at->writer, at->next, 0);
            if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
        }
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
        if (frames >= 0) (void)reflow_stream_end(at->writer);
        close_writer(at);
    }
    return REFLOW_OK;
}

/* Gather: all integers in one stream, which finish ends. */
static reflow_status run_gather(reflow_context *context, void *data, reflow_packet *inputs,
                                size_t count) {
    state *at = data;
    if (at->writer == NULL && count != 0) {
        reflow_status status = open_writer(context, at);
        if (status != REFLOW_OK) return status;
    }
    for (size_t i = 0; i < count; ++i) {
        reflow_status status = put_number(at->writer, rig_integer(inputs[i].message), 0);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
        CHECK_STATUS(REFLOW_OK, status);
    }
    return REFLOW_OK;
}
static reflow_status finish_gather(reflow_context *context, void *data) {
    (void)context;
    state *at = data;
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(at->writer));
    return REFLOW_OK;
}

/* Pass: each stream into a new one. */
static reflow_status run_pass(reflow_context *context, void *data, reflow_packet *inputs,
                              size_t count) {
    state *at = data;
    for (size_t i = 0; i < count; ++i) {
        if (at->reader == NULL) {
            reflow_status status =
                reflow_context_accept_stream(context, inputs[i].message, &at->reader);
            if (status == REFLOW_OK) status = open_writer(context, at);
            if (status != REFLOW_OK) return status;
        }
        reflow_status status = reflow_stream_transform(at->reader, at->writer, NULL, NULL, 1000);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_FAILED ||
              status == REFLOW_ERROR_CLOSED);
        close_writer(at);
        reflow_stream_reader_destroy(at->reader);
        at->reader = NULL;
    }
    return REFLOW_OK;
}

/* Count: emits the number of frames of each stream, -1 - number for one that fails. Reads a few
 * frames in a call, without keeping its inputs: they wait in a queue of the actor as its handle
 * does. */
static reflow_status run_count(reflow_context *context, void *data, reflow_packet *inputs,
                               size_t count) {
    state *at = data;
    for (size_t i = 0; i < count; ++i) {
        if (at->reader == NULL) {
            reflow_status status =
                reflow_context_accept_stream(context, inputs[i].message, &at->reader);
            if (status != REFLOW_OK) return status;
            at->next = 0;
        }
        for (bool over = false; !over;) {
            reflow_stream_frame frames[2];
            size_t got = 0;
            reflow_status status = reflow_stream_read(at->reader, frames, 2, 1000, &got);
            if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
            CHECK_STATUS(REFLOW_OK, status);
            for (size_t k = 0; k < got; ++k) {
                reflow_view view;
                if (frames[k].kind == REFLOW_FRAME_DATA) {
                    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frames[k].message, &view));
                    CHECK(strtoll(view.data, NULL, 10) == at->next); /* in order, none is lost */
                    ++at->next;
                } else if (frames[k].kind != REFLOW_FRAME_BEGIN) {
                    over = true;
                    bool ended = frames[k].kind == REFLOW_FRAME_END;
                    CHECK_STATUS(
                        REFLOW_OK,
                        reflow_context_emit(
                            context, 0, reflow_message_integer(ended ? at->next : -1 - at->next)));
                }
                reflow_message_unref(frames[k].message);
            }
        }
        reflow_stream_reader_destroy(at->reader);
        at->reader = NULL;
    }
    return REFLOW_OK;
}

/* Keep: accepts and does not read; an integer ends the reader. */
static reflow_status run_keep(reflow_context *context, void *data, reflow_packet *inputs,
                              size_t count) {
    state *at = data;
    for (size_t i = 0; i < count; ++i) {
        if (reflow_message_kind(inputs[i].message) == REFLOW_KIND_STREAM) {
            CHECK_STATUS(REFLOW_OK,
                         reflow_context_accept_stream(context, inputs[i].message, &at->reader));
        } else {
            reflow_stream_reader_destroy(at->reader);
            at->reader = NULL;
        }
    }
    return REFLOW_OK;
}

static void register_one(reflow_runtime *runtime, const char *id, reflow_run_fn run,
                         reflow_state_fn finish) {
    rig_component component = {0};
    component.id = id;
    component.inports = "a";
    component.outports = "o";
    component.max_batch = 4;
    component.create = make_state;
    component.run = run;
    component.finish = finish;
    component.destroy_state = end_state;
    rig_register(runtime, &component);
}

static reflow_runtime *runtime_with_all(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    register_one(runtime, "Make", run_make, NULL);
    register_one(runtime, "Gather", run_gather, finish_gather);
    register_one(runtime, "Pass", run_pass, NULL);
    register_one(runtime, "Count", run_count, NULL);
    register_one(runtime, "Keep", run_keep, NULL);
    return runtime;
}

/* A chain of nodes n0, n1, ... of these components. */
static reflow_network *chain(reflow_runtime *runtime, const char *const *components) {
    reflow_graph *graph = rig_graph();
    for (int i = 0; components[i] != NULL; ++i) {
        char id[16], from[16], to[16];
        snprintf(id, sizeof id, "n%d", i);
        rig_node(graph, id, components[i]);
        if (i == 0) continue;
        snprintf(from, sizeof from, "n%d.o", i - 1);
        snprintf(to, sizeof to, "n%d.a", i);
        rig_connect(graph, from, to, NULL);
    }
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}
#define CHAIN(runtime, ...) chain(runtime, (const char *const[]){__VA_ARGS__, NULL})

/* ---- through networks */

static void test_through(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with_all(mode);
    reflow_network *network = CHAIN(runtime, "Make", "Pass", "Pass", "Count");
    reflow_output *output = rig_output(network, "n3.o", 16);
    reflow_inport inport = rig_inport(network, "n0.a");
    WORKS(reflow_network_start(network, &e));
    refusals = 0;
    static const int64_t frames[] = {0, 5, -7, 400, 1, -1, 60};
    enum { streams = sizeof frames / sizeof frames[0] };
    for (int i = 0; i < streams; ++i) rig_send(network, inport, frames[i]);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(reflow_runtime_streams(runtime) == 0);
    for (int i = 0; i < streams; ++i) {
        int64_t got = rig_recv(output), expected = frames[i] < 0 ? -1 + frames[i] : frames[i];
        if (got != expected) fprintf(stderr, "stream %d: %lld\n", i, (long long)got);
        CHECK(got == expected);
    }
    CHECK(refusals > 100); /* nobody held more than its room */
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* A stream that stays open: idle, and the drain ends it through finish. */
static void test_gather(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with_all(mode);
    reflow_network *network = CHAIN(runtime, "Gather", "Pass", "Count");
    reflow_output *output = rig_output(network, "n2.o", 0);
    reflow_inport inport = rig_inport(network, "n0.a");
    WORKS(reflow_network_start(network, &e));
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) rig_send(network, inport, 10 * round + i);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(reflow_runtime_streams(runtime) == 2);
    }
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(rig_recv(output) == 30);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_runtime_destroy(runtime);
}

/* From a host: the network is not idle before the end, and the drain waits for it. */
static void *write_rest(void *argument) {
    reflow_stream_writer *writer = argument;
    for (int i = 10; i < 300; ++i) CHECK_STATUS(REFLOW_OK, put_number(writer, i, REFLOW_FOREVER));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    reflow_stream_writer_destroy(writer);
    return NULL;
}
static void test_from_host(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with_all(mode);
    reflow_network *network = CHAIN(runtime, "Pass", "Count");
    reflow_output *output = rig_output(network, "n1.o", 0);
    reflow_inport inport = rig_inport(network, "n0.a");
    WORKS(reflow_network_start(network, &e));
    for (int threads = 0; threads < 2; ++threads) {
        reflow_stream_options options = small_room();
        reflow_stream_writer *writer;
        reflow_message handle;
        WORKS(reflow_stream_create(runtime, &options, &writer, &handle, &e));
        WORKS(reflow_network_send(network, inport, handle, REFLOW_FOREVER, &e));
        for (int i = 0; i < 10; ++i) {
            CHECK_STATUS(REFLOW_OK, put_number(writer, i, REFLOW_FOREVER));
        }
        bool simulated = mode->mode == REFLOW_MODE_SIMULATED;
        FAILS(simulated ? REFLOW_ERROR_WOULD_BLOCK : REFLOW_ERROR_TIMEOUT,
              reflow_network_wait_idle(network, simulated ? REFLOW_FOREVER : 10, &e));
        if (threads == 0 || simulated) {
            CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
            reflow_stream_writer_destroy(writer);
            WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
            CHECK(rig_recv(output) == 10);
            continue;
        }
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, write_rest, writer) == 0);
        WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(rig_recv(output) == 300);
    }
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static reflow_message recv_message(reflow_output *output) {
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    CHECK(count == 1);
    return message;
}

/* What a node has open, and what waits until it reads it. */
static void check_open(const reflow_network *network, const char *node, uint64_t streams,
                       uint64_t frames, uint64_t bytes) {
    reflow_node_metrics metrics = {0};
    metrics.struct_size = sizeof metrics;
    WORKS(reflow_network_node_metrics(network, text_of(node), &metrics, &e));
    CHECK(metrics.streams == streams);
    CHECK(metrics.stream_frames == frames && metrics.stream_bytes == bytes);
}

/* To a host, which reads, or leaves in the middle. */
static void test_to_host(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with_all(mode);
    reflow_network *network = CHAIN(runtime, "Make", "Pass");
    reflow_output *output = rig_output(network, "n1.o", 0);
    reflow_inport inport = rig_inport(network, "n0.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 300);
    reflow_message handle = recv_message(output);
    reflow_stream_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_stream(handle, &info));
    CHECK(same_text(info.origin_actor, "n1") && same_text(info.origin_port, "o"));
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(runtime, handle, &reader, &e));
    reflow_message_unref(handle);
    reflow_message all;
    WORKS(reflow_stream_collect(reader, 0, REFLOW_FOREVER, &all, &e));
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(all, &view));
    CHECK(view.size == 10 + 2 * 90 + 3 * 200);
    reflow_message_unref(all);
    reflow_stream_reader_destroy(reader);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(reflow_runtime_streams(runtime) == 0);

    /* Not read: held back, and no stall. Left: everybody goes on. */
    for (int how = 0; how < 2; ++how) {
        rig_send(network, inport, 300);
        rig_never_idle(mode, network, 10);
        handle = recv_message(output);
        reflow_node_metrics pass = {0};
        pass.struct_size = sizeof pass;
        WORKS(reflow_network_node_metrics(network, text_of("n1"), &pass, &e));
        CHECK(pass.streams == 2 && pass.stream_frames <= room); /* one to read and one to write */
        if (how == 0) {
            WORKS(reflow_stream_accept(runtime, handle, &reader, &e));
            reflow_stream_frame frames[2];
            size_t count = 0;
            CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, frames, 2, REFLOW_FOREVER, &count));
            for (size_t i = 0; i < count; ++i) reflow_message_unref(frames[i].message);
            reflow_stream_reader_destroy(reader);
        }
        reflow_message_unref(handle);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(reflow_runtime_streams(runtime) == 0);
    }
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void told(void *user_data, const reflow_error *error) {
    CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_error_status(error));
    CHECK(strstr(reflow_error_text(error).data, "node 'n0' waits for room in a stream"));
    ++*(int *)user_data;
}

/* Nobody inside reads: a stall, which is told, and ends when somebody leaves. */
static void test_stall(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with_all(mode);
    reflow_network *network = CHAIN(runtime, "Make", "Keep");
    reflow_inport inport = rig_inport(network, "n0.a"), keep = rig_inport(network, "n1.a");
    reflow_event_options options =
        rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_NETWORK_STALLED);
    reflow_subscription *events;
    WORKS(reflow_network_subscribe(network, &options, &events, &e));
    WORKS(reflow_network_start(network, &e));
    for (int round = 0; round < 2; ++round) {
        rig_send(network, inport, 100);
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_network_wait_idle(network, REFLOW_FOREVER, &error));
        CHECK(strstr(reflow_error_text(error).data, "node 'n0' waits for room in a stream"));
        reflow_error_destroy(error);
        int calls = 0;
        WORKS(reflow_network_on_idle(network, told, &calls, NULL, NULL, &e));
        CHECK(calls == 1);
        check_open(network, "n0", 1, 0, 0);
        check_open(network, "n1", 1, room, room); /* of a byte each */
        reflow_event_batch *batch;
        WORKS(reflow_subscription_poll(events, 10, 10000, &batch, NULL, &e));
        reflow_event event = {0};
        event.struct_size = sizeof event;
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
        CHECK(reflow_event_batch_count(batch) == 1);
        CHECK(strstr(event.error.data, "node 'n0' waits for room in a stream"));
        reflow_buffer *line = NULL;
        WORKS(reflow_event_batch_json(batch, 0, &line, &e));
        char expected[256];
        snprintf(expected, sizeof expected,
                 "{\"_type\":\"NetworkStalled\",\"resolved\":\"none\",\"stalls\":0,\"error\":"
                 "\"node 'n0' waits for room in a stream, and "
                 "nothing goes on that would read it\",\"sequence\":%llu,\"timestamp\":%lld}",
                 (unsigned long long)event.sequence, (long long)event.timestamp_ms);
        CHECK(same_text(reflow_buffer_get(line), expected));
        reflow_buffer_destroy(line);
        reflow_event_batch_destroy(batch);
        if (round == 1) break;
        rig_send(network, keep, 0);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        check_open(network, "n0", 0, 0, 0);
        check_open(network, "n1", 0, 0, 0);
        CHECK(reflow_runtime_streams(runtime) == 0);
    }
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_DRAINING);
    reflow_subscription_destroy(events);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_runtime_destroy(runtime);
}

/* What feeds an actor that waits for a stream of the host is held back, and no port grows for it.
 */
static void test_no_growth(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with_all(mode);
    rig_register(runtime,
                 &(rig_component){.id = "Copy", .inports = "a", .outports = "o", .run = rig_pass});
    reflow_graph *graph = rig_graph();
    rig_node(graph, "copy", "Copy");
    rig_node(graph, "gather", "Gather");
    rig_connect(graph, "copy.o", "gather.a", "{\"capacity\":2}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "gather.o", 0);
    reflow_inport inport = rig_inport(network, "copy.a");
    WORKS(reflow_network_start(network, &e));
    /* Until there is no room, and gather has seen that there is none in its stream. */
    refusals = 0;
    int sent = 0;
    reflow_status status = REFLOW_OK;
    while (status == REFLOW_OK || __atomic_load_n(&refusals, __ATOMIC_RELAXED) == 0) {
        status = reflow_network_send(network, inport, reflow_message_integer(sent), 10, NULL);
        if (status == REFLOW_OK) ++sent;
        CHECK(sent < 1100); /* the port before it has room for 1000 */
    }
    rig_never_idle(mode, network, 10);
    reflow_node_metrics metrics = {0};
    metrics.struct_size = sizeof metrics;
    WORKS(reflow_network_node_metrics(network, text_of("gather"), &metrics, &e));
    CHECK(metrics.capacity == 2);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_runtime_destroy(runtime);
}

/* The end comes at any moment. */
static void test_cut_off(const rig_mode *mode) {
    for (int i = 0; i < 12; ++i) {
        reflow_runtime *runtime = runtime_with_all(mode);
        reflow_network *network = CHAIN(runtime, "Make", "Pass", "Pass", "Count");
        reflow_inport inport = rig_inport(network, "n0.a");
        WORKS(reflow_network_start(network, &e));
        rig_send(network, inport, 1000000);
        rig_send(network, inport, 1000000);
        if (mode->mode == REFLOW_MODE_OWN) {
            for (int k = 0; k < i; ++k) sched_yield();
        } else if (mode->mode != REFLOW_MODE_LENT) {
            WORKS(reflow_runtime_run(runtime, (uint64_t)i + 1, NULL, &e));
        }
        if (i % 2 == 0) WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
        reflow_network_destroy(network);
        CHECK(reflow_runtime_streams(runtime) == 0);
        reflow_runtime_destroy(runtime);
    }
}

/* ---- firings that end later, whose threads wait for room */

typedef struct job {
    reflow_completion completion;
    reflow_stream_writer *writer;
} job;

/* Without threads of the runtime a wait ends when nothing is under way that could make room. While the
 * reader has not come to this stream yet, what another thread of the test will do is not known to be
 * under way. */
static bool may_be_told_to_try_again;

static void *work(void *argument) {
    job *at = argument;
    reflow_status status = REFLOW_OK;
    for (int i = 0; i < 500 && status == REFLOW_OK; ++i) {
        do {
            status = put_number(at->writer, i, REFLOW_FOREVER);
        } while (status == REFLOW_ERROR_WOULD_BLOCK && may_be_told_to_try_again &&
                 sched_yield() == 0);
    }
    CHECK_STATUS(REFLOW_OK, status);
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(at->writer));
    reflow_stream_writer_destroy(at->writer);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at->completion));
    free(at);
    return NULL;
}

static reflow_status run_later(reflow_context *context, void *user_data, reflow_packet *inputs,
                               size_t count) {
    (void)user_data, (void)inputs;
    CHECK(count == 1);
    job *at = calloc(1, sizeof *at);
    reflow_stream_options options = small_room();
    reflow_message handle;
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &at->completion));
    CHECK_STATUS(REFLOW_OK, reflow_context_open_stream(context, 0, &options, &at->writer, &handle));
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, handle));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, at) == 0);
    CHECK(pthread_detach(thread) == 0);
    return REFLOW_OK;
}

static void test_later(const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_SIMULATED) return; /* it does not wait for other threads */
    may_be_told_to_try_again = !rig_waits(mode);
    reflow_runtime *runtime = runtime_with_all(mode);
    rig_register(runtime, &(rig_component){
                              .id = "Later", .inports = "a", .outports = "o", .run = run_later});
    reflow_network *network = CHAIN(runtime, "Later", "Count");
    reflow_output *output = rig_output(network, "n1.o", 0);
    reflow_inport inport = rig_inport(network, "n0.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 4; ++i) rig_send(network, inport, i);
    for (int i = 0; i < 4; ++i) CHECK(rig_recv(output) == 500);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_runtime_destroy(runtime);
}

/* ---- what a callback may not */

static reflow_runtime *seen_runtime;
static bool had_stream;

static reflow_status run_misuse(reflow_context *context, void *user_data, reflow_packet *inputs,
                                size_t count) {
    (void)user_data, (void)inputs, (void)count;
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    reflow_message handle;
    if (!had_stream) CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_rest(context));
    had_stream = true;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_context_open_stream(context, 99, NULL, &writer, &handle));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_open_stream(NULL, 0, NULL, &writer, &handle));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_accept_stream(context, handle, NULL));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_context_accept_stream(context, reflow_message_null(), &reader));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_context_observe_stream(context, reflow_message_null(), NULL, &reader));
    /* What belongs to the host does not wait in here. */
    reflow_stream_frame frame;
    size_t got = 0;
    WORKS(reflow_stream_create(seen_runtime, NULL, &writer, &handle, &e));
    WORKS(reflow_stream_accept(seen_runtime, handle, &reader, &e));
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, &frame, 1, 0, &got));
    reflow_message_unref(frame.message);
    CHECK_STATUS(REFLOW_ERROR_WOULD_DEADLOCK,
                 reflow_stream_read(reader, &frame, 1, REFLOW_FOREVER, &got));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, reflow_stream_read(reader, &frame, 1, 0, &got));
    reflow_stream_reader_destroy(reader);
    reflow_stream_writer_destroy(writer);
    reflow_message_unref(handle);
    /* A stream from the actor to itself, ended in the middle of a wait. */
    CHECK_STATUS(REFLOW_OK, reflow_context_open_stream(context, 0, NULL, &writer, &handle));
    CHECK_STATUS(REFLOW_OK, reflow_context_accept_stream(context, handle, &reader));
    reflow_stream_reader *observer;
    CHECK_STATUS(REFLOW_OK, reflow_context_observe_stream(context, handle, NULL, &observer));
    reflow_message_unref(handle);
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, &frame, 1, 0, &got));
    reflow_message_unref(frame.message);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, reflow_stream_read(reader, &frame, 1, 0, &got));
    reflow_stream_reader_destroy(reader);
    reflow_stream_writer_destroy(writer);
    reflow_stream_reader_destroy(observer);
    return REFLOW_OK;
}

static void test_misuse(const rig_mode *mode) {
    reflow_runtime *runtime = seen_runtime = rig_runtime(mode);
    had_stream = false;
    rig_register(runtime,
                 &(rig_component){.id = "Bad", .inports = "a", .outports = "o", .run = run_misuse});
    reflow_network *network = CHAIN(runtime, "Bad");
    reflow_inport inport = rig_inport(network, "n0.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 3; ++i) rig_send(network, inport, i);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "n0").failed == 0 && rig_counters(network, "n0").fired >= 3);
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_all(const rig_mode *mode) {
    fprintf(stderr, "%s\n", mode->name);
    test_through(mode);
    test_gather(mode);
    test_from_host(mode);
    test_to_host(mode);
    test_stall(mode);
    test_no_growth(mode);
    test_cut_off(mode);
    test_later(mode);
    test_misuse(mode);
}

int main(void) {
    check_time_limit(100);
    for (size_t i = 0; i < RIG_MODES; ++i) test_all(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_all(&rig_tiny_modes[i]);
    return 0;
}
