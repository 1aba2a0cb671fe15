/* Sections 10, 13 and 15 of reflow.h: what ends streams that nobody ends: a stop, the end of sources; and that
 * events hold up none. In every mode. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { room = 3 };

static reflow_status put(reflow_stream_writer *writer) {
    reflow_message data;
    WORKS(reflow_message_bytes("frame", 5, &data, &e));
    reflow_status status = reflow_stream_write(writer, data, 0);
    if (status != REFLOW_OK) reflow_message_unref(data);
    return status;
}

/* The kind of the next frame. */
static reflow_frame_kind next_frame(reflow_stream_reader *reader) {
    reflow_stream_frame frame;
    size_t count = 0;
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, &frame, 1, REFLOW_FOREVER, &count));
    CHECK(count == 1);
    if (frame.kind == REFLOW_FRAME_ERROR) {
        reflow_view text;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(frame.message, &text));
        CHECK(same_text(text, "the producer ended without an end"));
    }
    reflow_message_unref(frame.message);
    return frame.kind;
}

/* ---- actors that keep what they open in their state */

typedef struct state {
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
} state;

static bool stopped;

static reflow_status make_state(reflow_context *context, void *user_data, void **to) {
    (void)context, (void)user_data;
    *to = calloc(1, sizeof(state));
    return REFLOW_OK;
}
/* What has ended answers that. */
static void end_state(void *data) {
    state *at = data;
    if (stopped && at->writer != NULL) {
        CHECK_STATUS(REFLOW_ERROR_CLOSED, put(at->writer));
        CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_stream_end(at->writer));
    }
    reflow_stream_frame frame;
    size_t count = 7;
    if (stopped && at->reader != NULL) {
        CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_stream_read(at->reader, &frame, 1, 0, &count));
        CHECK(count == 0);
    }
    reflow_stream_writer_destroy(at->writer);
    reflow_stream_reader_destroy(at->reader);
    free(at);
}

static reflow_status open_one(reflow_context *context, state *at) {
    reflow_message handle;
    CHECK_STATUS(REFLOW_OK, reflow_context_open_stream(context, 0, NULL, &at->writer, &handle));
    CHECK_STATUS(REFLOW_OK, put(at->writer));
    return reflow_context_emit(context, 0, handle);
}

/* Open: a stream with one frame, which stays open. As a source it goes on for ever. */
static reflow_status run_open(reflow_context *context, void *data, reflow_packet *inputs, size_t count) {
    state *at = data;
    (void)inputs;
    if (at->writer == NULL) (void)open_one(context, at);
    return count == 0 ? reflow_context_wake_after(context, 1000) : REFLOW_OK;
}
static reflow_status end_writer(reflow_context *context, void *data) {
    (void)context;
    state *at = data;
    return at->writer == NULL ? REFLOW_OK : reflow_stream_end(at->writer);
}
static void teardown_writer(reflow_context *context, void *data) { (void)end_writer(context, data); }

/* Keep: its reader. Watch: an observer who wants all. Neither reads. */
static reflow_status run_keep(reflow_context *context, void *data, reflow_packet *inputs, size_t count) {
    state *at = data;
    CHECK(count == 1);
    CHECK_STATUS(REFLOW_OK, reflow_context_accept_stream(context, inputs[0].message, &at->reader));
    return REFLOW_OK;
}
static reflow_status run_watch(reflow_context *context, void *data, reflow_packet *inputs, size_t count) {
    state *at = data;
    CHECK(count == 1);
    reflow_observe_options options = {0};
    options.struct_size = sizeof options;
    options.reliable = 1;
    CHECK_STATUS(REFLOW_OK,
                 reflow_context_observe_stream(context, inputs[0].message, &options, &at->reader));
    return REFLOW_OK;
}
static reflow_status run_sink(reflow_context *context, void *data, reflow_packet *inputs, size_t count) {
    (void)context, (void)data, (void)inputs, (void)count;
    return REFLOW_OK;
}

typedef struct rig {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *output;
} rig;

static void register_one(reflow_runtime *runtime, const char *id, reflow_run_fn run, uint32_t flags,
                         reflow_state_fn finish, reflow_teardown_fn teardown) {
    rig_component component = {0};
    component.id = id;
    component.inports = flags == 0 ? "a" : "";
    component.outports = "o";
    component.flags = flags;
    component.create = make_state;
    component.run = run;
    component.finish = finish;
    component.teardown = teardown;
    component.destroy_state = end_state;
    rig_register(runtime, &component);
}

/* A network of one node n of that component. */
static rig open_rig(const rig_mode *mode, const char *component) {
    rig at;
    stopped = false;
    at.runtime = rig_runtime(mode);
    register_one(at.runtime, "Open", run_open, 0, NULL, NULL);
    register_one(at.runtime, "Ends", run_open, 0, NULL, teardown_writer);
    register_one(at.runtime, "Source", run_open, REFLOW_COMPONENT_SOURCE, NULL, NULL);
    register_one(at.runtime, "Finish", run_open, REFLOW_COMPONENT_SOURCE, end_writer, NULL);
    register_one(at.runtime, "Keep", run_keep, 0, NULL, NULL);
    register_one(at.runtime, "Watch", run_watch, 0, NULL, NULL);
    register_one(at.runtime, "Sink", run_sink, 0, NULL, NULL);
    rig_register_pass(at.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", component);
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.output = rig_output(at.network, "n.o", 4);
    return at;
}
static void close_rig(rig *at) {
    reflow_output_destroy(at->output);
    reflow_network_destroy(at->network);
    CHECK(reflow_runtime_streams(at->runtime) == 0);
    reflow_runtime_destroy(at->runtime);
}
static void stop(rig *at) {
    WORKS(reflow_network_stop(at->network, REFLOW_FOREVER, &e));
    stopped = true;
}

/* The reader of the stream that comes out, which has read its first frame. */
static reflow_stream_reader *accept_first(rig *at) {
    reflow_message handle;
    size_t count = 0;
    WORKS(reflow_output_recv_many(at->output, &handle, 1, REFLOW_FOREVER, &count, &e));
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(at->runtime, handle, &reader, &e));
    reflow_message_unref(handle);
    CHECK(next_frame(reader) == REFLOW_FRAME_BEGIN);
    CHECK(next_frame(reader) == REFLOW_FRAME_DATA);
    return reader;
}

static void check_over(reflow_stream_reader *reader, reflow_frame_kind kind) {
    CHECK(next_frame(reader) == kind);
    reflow_stream_frame frame;
    size_t count = 7;
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_stream_read(reader, &frame, 1, REFLOW_FOREVER, &count));
    reflow_stream_reader_destroy(reader);
}

/* ---- a stop */

static void test_writer(const rig_mode *mode, const char *component, reflow_frame_kind kind) {
    rig at = open_rig(mode, component);
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, rig_inport(at.network, "n.a"), 1);
    reflow_stream_reader *reader = accept_first(&at);
    stop(&at);
    check_over(reader, kind);
    close_rig(&at);
}

static void *read_end(void *reader) {
    check_over(reader, REFLOW_FRAME_ERROR);
    return NULL;
}
/* Somebody waits for it already. */
static void test_waiting(const rig_mode *mode) {
    rig at = open_rig(mode, "Open");
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, rig_inport(at.network, "n.a"), 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, read_end, accept_first(&at)) == 0);
    stop(&at);
    CHECK(pthread_join(thread, NULL) == 0);
    close_rig(&at);
}

static reflow_stream_writer *open_host(const rig *at, reflow_message *handle) {
    reflow_stream_options options = {0};
    options.struct_size = sizeof options;
    options.max_frames = room;
    reflow_stream_writer *writer;
    WORKS(reflow_stream_create(at->runtime, &options, &writer, handle, &e));
    return writer;
}

/* A host that writes to a node hears that nobody reads. */
static void test_reader(const rig_mode *mode) {
    rig at = open_rig(mode, "Keep");
    WORKS(reflow_network_start(at.network, &e));
    reflow_message handle;
    reflow_stream_writer *writer = open_host(&at, &handle);
    reflow_inport inport = rig_inport(at.network, "n.a");
    WORKS(reflow_network_send(at.network, inport, handle, REFLOW_FOREVER, &e));
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    for (int i = 0; i < room; ++i) CHECK_STATUS(REFLOW_OK, put(writer));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(writer));
    stop(&at);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(writer));
    reflow_stream_writer_destroy(writer);
    close_rig(&at);
}

/* An observer that has gone holds nobody back; the stream goes on. */
static void test_observer(const rig_mode *mode) {
    rig at = open_rig(mode, "Watch");
    WORKS(reflow_network_start(at.network, &e));
    reflow_message handle;
    reflow_stream_writer *writer = open_host(&at, &handle);
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(at.runtime, handle, &reader, &e));
    reflow_inport inport = rig_inport(at.network, "n.a");
    WORKS(reflow_network_send(at.network, inport, handle, REFLOW_FOREVER, &e));
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(next_frame(reader) == REFLOW_FRAME_BEGIN);
    for (int i = 0; i < room; ++i) {
        CHECK_STATUS(REFLOW_OK, put(writer));
        CHECK(next_frame(reader) == REFLOW_FRAME_DATA);
    }
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(writer));
    stop(&at);
    for (int i = 0; i < 3 * room; ++i) {
        CHECK_STATUS(REFLOW_OK, put(writer));
        CHECK(next_frame(reader) == REFLOW_FRAME_DATA);
    }
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    check_over(reader, REFLOW_FRAME_END);
    reflow_stream_writer_destroy(writer);
    close_rig(&at);
}

/* ---- sources */

static void test_source(const rig_mode *mode, const char *component, reflow_frame_kind kind) {
    rig at = open_rig(mode, component);
    WORKS(reflow_network_start(at.network, &e));
    reflow_stream_reader *reader = accept_first(&at);
    WORKS(reflow_network_end_sources(at.network, &e));
    if (kind == REFLOW_FRAME_END) WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    check_over(reader, kind);
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    stop(&at);
    close_rig(&at);
}

/* ---- events that nobody reads */

static reflow_message in_object(reflow_message handle) {
    reflow_object_builder *builder;
    reflow_message made;
    WORKS(reflow_object_builder_create(2, &builder, &e));
    WORKS(reflow_object_builder_set(builder, text_of("number"), reflow_message_integer(5), &e));
    WORKS(reflow_object_builder_set(builder, text_of("stream"), handle, &e));
    WORKS(reflow_object_builder_finish(builder, &made, &e));
    return made;
}

/* What is in the event leads nowhere, and says of which stream it was. */
static void check_handle(const rig *at, reflow_message message, bool nested) {
    reflow_message handle = message;
    if (nested) {
        reflow_message number;
        CHECK_STATUS(REFLOW_OK, reflow_message_get(message, text_of("number"), &number));
        CHECK(rig_integer(number) == 5);
        CHECK_STATUS(REFLOW_OK, reflow_message_get(message, text_of("stream"), &handle));
    }
    reflow_stream_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_stream(handle, &info));
    CHECK(info.stream_id != 0);
    reflow_stream_reader *reader = NULL;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_stream_accept(at->runtime, handle, &reader, &e));
}

static void test_events(const rig_mode *mode, bool nested) {
    rig at = open_rig(mode, "Pass");
    reflow_event_options options = rig_event_options(0, REFLOW_EVENTS_ALL);
    reflow_subscription *events;
    WORKS(reflow_network_subscribe(at.network, &options, &events, &e));
    WORKS(reflow_network_start(at.network, &e));
    reflow_message handle, back;
    reflow_stream_writer *writer = open_host(&at, &handle);
    reflow_inport inport = rig_inport(at.network, "n.a");
    WORKS(reflow_network_send(at.network, inport, nested ? in_object(handle) : handle, REFLOW_FOREVER, &e));
    size_t count = 0;
    WORKS(reflow_output_recv_many(at.output, &back, 1, REFLOW_FOREVER, &count, &e));
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK_STATUS(REFLOW_OK, put(writer));
    reflow_message_unref(back); /* that was the last one */
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(writer));
    reflow_event_batch *batch;
    WORKS(reflow_subscription_poll(events, 100, 0, &batch, NULL, &e));
    int with = 0;
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event = {0};
        event.struct_size = sizeof event;
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, i, &event));
        if (reflow_message_kind(event.message) != REFLOW_KIND_NONE) {
            check_handle(&at, event.message, nested);
            ++with;
        }
        if (reflow_message_kind(event.outputs) == REFLOW_KIND_NONE) continue;
        reflow_message last;
        CHECK_STATUS(REFLOW_OK, reflow_message_get(event.outputs, text_of("o"), &last));
        check_handle(&at, last, nested);
        ++with;
    }
    CHECK(with >= 3); /* it came, was emitted, and is an output of the call */
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(events);
    reflow_stream_writer_destroy(writer);
    close_rig(&at);
}

int main(void) {
    check_time_limit(60);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        test_writer(mode, "Open", REFLOW_FRAME_ERROR);
        test_writer(mode, "Ends", REFLOW_FRAME_END); /* teardown comes first */
        if (rig_waits(mode)) test_waiting(mode);
        test_reader(mode);
        test_observer(mode);
        test_source(mode, "Source", REFLOW_FRAME_ERROR);
        test_source(mode, "Finish", REFLOW_FRAME_END);
        test_events(mode, false);
        test_events(mode, true);
    }
    return 0;
}
