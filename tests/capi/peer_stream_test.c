/* Sections 15 and 21 of reflow.h: streams whose reader is in another network. */
/* A link that is cut on a busy machine would end a stream, which does not come again. */
#define SIDE_HEARTBEAT_MS 10000
#include "remote.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { chunk = 64 << 10 };

static reflow_message bytes(const void *data, size_t size) {
    reflow_message made;
    WORKS(reflow_message_bytes(data, size, &made, &e));
    return made;
}

static reflow_status put(reflow_stream_writer *writer, const void *data, size_t size,
                         int64_t timeout_ms) {
    reflow_message message = bytes(data, size);
    reflow_status status = reflow_stream_write(writer, message, timeout_ms);
    if (status != REFLOW_OK) reflow_message_unref(message);
    return status;
}

static reflow_graph *pass_graph(void) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "sink", "Pass");
    return graph;
}

/* Two networks with a link, the second with an output of what came. */
typedef struct rig {
    reflow_runtime *runtime;
    side from, to;
    reflow_output *output;
} rig;

static rig open_rig(void) {
    rig r;
    r.runtime = new_runtime();
    r.from = new_side(r.runtime, "from", pass_graph());
    r.to = new_side(r.runtime, "to", pass_graph());
    r.output = rig_output(r.to.network, "sink.o", 0);
    WORKS(reflow_network_start(r.from.network, &e));
    WORKS(reflow_network_start(r.to.network, &e));
    dial(&r.from, &r.to);
    return r;
}

/* Nothing is left of any stream, whatever happened to it. */
static void close_rig(rig *r) {
    EVENTUALLY(reflow_runtime_streams(r->runtime) == 0);
    reflow_output_destroy(r->output);
    end_side(&r->from);
    end_side(&r->to);
    reflow_runtime_destroy(r->runtime);
}

static reflow_status send_to(rig *r, const char *actor, reflow_message message) {
    reflow_error *error = NULL;
    reflow_status status = reflow_peer_send(r->from.peer, text_of("to"), text_of(actor),
                                            text_of("a"), message, text_of("host"), 60000, &error);
    reflow_error_destroy(error);
    return status;
}

static reflow_message take(reflow_output *output) {
    reflow_message got;
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, &got, 1, 20000, &count, &e));
    CHECK(count == 1);
    return got;
}

static reflow_stream_reader *receive(rig *r) {
    reflow_message got;
    got = take(r->output);
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(r->runtime, got, &reader, &e));
    reflow_message_unref(got);
    return reader;
}

static void open_stream(rig *r, reflow_stream_writer **writer, reflow_stream_reader **reader) {
    reflow_message handle;
    WORKS(reflow_stream_create(r->runtime, NULL, writer, &handle, &e));
    CHECK_STATUS(REFLOW_OK, send_to(r, "sink", handle));
    *reader = receive(r);
}

static reflow_frame_kind next_kind(reflow_stream_reader *reader, char *text, size_t room) {
    reflow_stream_frame frame;
    size_t count = 0;
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, &frame, 1, 20000, &count));
    CHECK(count == 1);
    reflow_view view = {0, 0};
    if (frame.kind == REFLOW_FRAME_DATA) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frame.message, &view));
    } else if (frame.kind == REFLOW_FRAME_ERROR) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(frame.message, &view));
    }
    if (text != NULL) snprintf(text, room, "%.*s", (int)view.size, view.data);
    reflow_message_unref(frame.message);
    return frame.kind;
}

/* What the reader there gets is what was written here, with all that the handle and the BEGIN say. */
static void test_content(void) {
    rig r = open_rig();
    reflow_stream_options options = {0};
    options.struct_size = sizeof options;
    options.content_type = text_of("text/csv");
    options.has_size_hint = 1;
    options.size_hint = 11;
    options.metadata = json("{\"name\":\"orders\",\"rows\":[1,2.5,\"three\"]}");
    reflow_stream_writer *writer;
    reflow_message handle, parts[2];
    WORKS(reflow_stream_create(r.runtime, &options, &writer, &handle, &e));
    reflow_message_unref(options.metadata);
    CHECK_STATUS(REFLOW_OK, put(writer, "hello ", 6, 0)); /* before it has gone */
    /* Inside of another message, twice. */
    parts[0] = handle;
    parts[1] = reflow_message_ref(handle);
    reflow_message array, again;
    reflow_array_builder *builder;
    WORKS(reflow_array_builder_create(2, &builder, &e));
    for (int i = 0; i < 2; ++i) WORKS(reflow_array_builder_append(builder, parts[i], &e));
    WORKS(reflow_array_builder_finish(builder, &array, &e));
    again = reflow_message_ref(array);
    CHECK_STATUS(REFLOW_OK, send_to(&r, "sink", array));
    CHECK_STATUS(REFLOW_ERROR_ALREADY_EXISTS, send_to(&r, "sink", again));
    reflow_message_unref(again);
    reflow_message got, first, second;
    got = take(r.output);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(got, 0, &first));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(got, 1, &second));
    reflow_stream_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_stream(second, &info));
    CHECK(same_text(info.content_type, "text/csv") && info.size_hint == 11);
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(r.runtime, second, &reader, &e));
    reflow_stream_reader *other;
    FAILS(REFLOW_ERROR_ALREADY_EXISTS, reflow_stream_accept(r.runtime, first, &other, &e));
    reflow_message_unref(got);
    reflow_message begin;
    CHECK_STATUS(REFLOW_OK, reflow_stream_get_begin(reader, &begin));
    CHECK(is_json(begin, "{\"content_type\":\"text/csv\",\"size_hint\":11,"
                         "\"metadata\":{\"name\":\"orders\",\"rows\":[1,2.5,\"three\"]}}"));
    CHECK_STATUS(REFLOW_OK, put(writer, "there", 5, 0));
    CHECK_STATUS(REFLOW_OK, put(writer, "", 0, 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    reflow_stream_writer_destroy(writer);
    char text[64];
    CHECK(next_kind(reader, NULL, 0) == REFLOW_FRAME_BEGIN);
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_DATA && !strcmp(text, "hello "));
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_DATA && !strcmp(text, "there"));
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_DATA && !strcmp(text, ""));
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_END);
    reflow_stream_reader_destroy(reader);
    close_rig(&r);
}

/* Every way in which one side ends a stream is heard by the other. */
static void test_ends(void) {
    rig r = open_rig();
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    char text[256];
    open_stream(&r, &writer, &reader);
    CHECK_STATUS(REFLOW_OK, put(writer, "x", 1, 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_fail(writer, text_of("the disk is full")));
    CHECK(next_kind(reader, NULL, 0) == REFLOW_FRAME_BEGIN);
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_DATA && !strcmp(text, "x"));
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_ERROR);
    CHECK(!strcmp(text, "the disk is full"));
    reflow_stream_writer_destroy(writer);
    reflow_stream_reader_destroy(reader);

    open_stream(&r, &writer, &reader);
    reflow_stream_writer_destroy(writer);
    CHECK(next_kind(reader, NULL, 0) == REFLOW_FRAME_BEGIN);
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_ERROR);
    CHECK(!strcmp(text, "the producer ended without an end"));
    reflow_stream_reader_destroy(reader);

    /* The reader leaves. */
    open_stream(&r, &writer, &reader);
    reflow_stream_reader_destroy(reader);
    EVENTUALLY(put(writer, "x", 1, 0) == REFLOW_ERROR_CLOSED);
    reflow_stream_writer_destroy(writer);

    /* Nobody takes the packet, and nobody accepts the handle. */
    reflow_message handle, got;
    for (int i = 0; i < 2; ++i) {
        WORKS(reflow_stream_create(r.runtime, NULL, &writer, &handle, &e));
        CHECK_STATUS(REFLOW_OK, send_to(&r, i == 0 ? "nobody" : "sink", handle));
        if (i == 1) {
            got = take(r.output);
            reflow_message_unref(got);
        }
        EVENTUALLY(put(writer, "x", 1, 0) == REFLOW_ERROR_CLOSED);
        reflow_stream_writer_destroy(writer);
    }
    close_rig(&r);
}

static void set_flag(void *data) { __atomic_store_n((int *)data, 1, __ATOMIC_RELEASE); }

/* A link that ends, ends streams on both sides, those that wait too. */
static void test_link_ends(void) {
    rig r = open_rig();
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    open_stream(&r, &writer, &reader);
    CHECK_STATUS(REFLOW_OK, put(writer, "last", 4, 0));
    char text[256];
    CHECK(next_kind(reader, NULL, 0) == REFLOW_FRAME_BEGIN);
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_DATA && !strcmp(text, "last"));
    int told = 0;
    WORKS(reflow_stream_on_writable(writer, set_flag, &told, NULL, &e));
    __atomic_store_n(&told, 0, __ATOMIC_RELEASE);
    WORKS(reflow_peer_disconnect(r.from.peer, text_of("to"), &e));
    CHECK(next_kind(reader, text, sizeof text) == REFLOW_FRAME_ERROR);
    CHECK(strstr(text, "the link to from has ended") != NULL);
    EVENTUALLY(__atomic_load_n(&told, __ATOMIC_ACQUIRE));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(writer, "x", 1, 0));
    reflow_stream_writer_destroy(writer);
    reflow_stream_reader_destroy(reader);
    close_rig(&r);
}

static long resident_kib(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    CHECK(file != NULL && fscanf(file, "%ld %ld", &all, &resident) == 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A slow reader holds the writer back: what may be on its way is bounded, and memory flat. */
static void test_held_back(void) {
    rig r = open_rig();
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    open_stream(&r, &writer, &reader);
    static char data[chunk];
    long before = resident_kib();
    uint64_t sent = 0, got = 0;
    while (put(writer, data, chunk, 300) == REFLOW_OK) {
        sent += chunk;
        CHECK(sent < (uint64_t)32 << 20); /* 4 MiB here, 4 MiB there, and sockets between */
    }
    CHECK(sent > (uint64_t)6 << 20);
    CHECK(check_slow() || resident_kib() - before < 40 * 1024);
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    CHECK(next_kind(reader, NULL, 0) == REFLOW_FRAME_BEGIN);
    for (;;) {
        reflow_frame_kind kind = next_kind(reader, NULL, 0);
        if (kind == REFLOW_FRAME_END) break;
        CHECK(kind == REFLOW_FRAME_DATA);
        got += chunk;
    }
    CHECK(got == sent);
    reflow_stream_writer_destroy(writer);
    reflow_stream_reader_destroy(reader);
    close_rig(&r);
}

/* ---- many, of threads that write while others read */

typedef struct job {
    reflow_stream_writer *writer;
    uint64_t bytes;
} job;

/* Bytes that follow from their place in the stream. */
static void fill(unsigned char *to, uint64_t at, size_t size) {
    for (size_t i = 0; i < size; ++i) to[i] = (unsigned char)((at + i) * 2654435761u >> 13);
}

static void *write_all(void *data) {
    job *one = data;
    static __thread unsigned char buffer[chunk];
    size_t step = 1;
    for (uint64_t at = 0; at < one->bytes;) {
        size_t size = one->bytes - at < step ? (size_t)(one->bytes - at) : step;
        fill(buffer, at, size);
        CHECK_STATUS(REFLOW_OK, put(one->writer, buffer, size, 20000));
        at += size;
        step = step * 2 > chunk ? 1 : step * 2;
    }
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(one->writer));
    return NULL;
}

static void *read_all(void *data) {
    reflow_stream_reader *reader = data;
    static __thread unsigned char buffer[chunk];
    uint64_t at = 0;
    for (;;) {
        reflow_stream_frame frames[8];
        size_t count = 0;
        CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, frames, 8, 20000, &count));
        for (size_t i = 0; i < count; ++i) {
            reflow_view view = {0, 0};
            if (frames[i].kind == REFLOW_FRAME_DATA) {
                CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frames[i].message, &view));
                fill(buffer, at, view.size);
                CHECK(memcmp(buffer, view.data, view.size) == 0);
                at += view.size;
            }
            reflow_frame_kind kind = frames[i].kind;
            reflow_message_unref(frames[i].message);
            CHECK(kind != REFLOW_FRAME_ERROR);
            if (kind == REFLOW_FRAME_END) return (void *)(uintptr_t)at;
        }
    }
}

static void test_many(uint64_t each, int streams) {
    rig r = open_rig();
    enum { most = 16 };
    job jobs[most];
    reflow_stream_reader *readers[most];
    pthread_t writing[most], reading[most];
    CHECK(streams <= most);
    for (int i = 0; i < streams; ++i) {
        open_stream(&r, &jobs[i].writer, &readers[i]);
        jobs[i].bytes = each + (uint64_t)i;
    }
    for (int i = 0; i < streams; ++i) {
        CHECK(pthread_create(&writing[i], NULL, write_all, &jobs[i]) == 0);
        CHECK(pthread_create(&reading[i], NULL, read_all, readers[i]) == 0);
    }
    for (int i = 0; i < streams; ++i) {
        void *got = NULL;
        CHECK(pthread_join(writing[i], NULL) == 0);
        CHECK(pthread_join(reading[i], &got) == 0);
        CHECK((uintptr_t)got == jobs[i].bytes);
        reflow_stream_writer_destroy(jobs[i].writer);
        reflow_stream_reader_destroy(readers[i]);
    }
    close_rig(&r);
}

/* A handle that goes on: back over the link that it came over, so that this link feeds itself. */
static void test_back(uint64_t size) {
    rig r = open_rig();
    reflow_output *back = rig_output(r.from.network, "sink.o", 0);
    job one = {NULL, size};
    reflow_message handle;
    WORKS(reflow_stream_create(r.runtime, NULL, &one.writer, &handle, &e));
    CHECK_STATUS(REFLOW_OK, send_to(&r, "sink", handle));
    handle = take(r.output);
    WORKS(reflow_peer_send(r.to.peer, text_of("from"), text_of("sink"), text_of("a"), handle,
                           text_of("host"), 60000, &e));
    handle = take(back);
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(r.runtime, handle, &reader, &e));
    reflow_message_unref(handle);
    pthread_t writing;
    CHECK(pthread_create(&writing, NULL, write_all, &one) == 0);
    CHECK((uintptr_t)read_all(reader) == size);
    CHECK(pthread_join(writing, NULL) == 0);
    reflow_stream_reader_destroy(reader);
    reflow_stream_writer_destroy(one.writer);
    /* And who leaves at its end is heard at its beginning. */
    WORKS(reflow_stream_create(r.runtime, NULL, &one.writer, &handle, &e));
    CHECK_STATUS(REFLOW_OK, send_to(&r, "sink", handle));
    handle = take(r.output);
    WORKS(reflow_peer_send(r.to.peer, text_of("from"), text_of("sink"), text_of("a"), handle,
                           text_of("host"), 60000, &e));
    reflow_message_unref(take(back));
    EVENTUALLY(put(one.writer, "x", 1, 0) == REFLOW_ERROR_CLOSED);
    reflow_stream_writer_destroy(one.writer);
    reflow_output_destroy(back);
    close_rig(&r);
}

/* ---- in graphs: a stream there and one back */

typedef struct ends {
    reflow_stream_reader *reader;
    reflow_stream_writer *writer;
} ends;
static reflow_status make_ends(reflow_context *context, void *user_data, void **to) {
    (void)context;
    (void)user_data;
    *to = calloc(1, sizeof(ends));
    return REFLOW_OK;
}
static void free_ends(void *data) {
    ends *at = data;
    reflow_stream_reader_destroy(at->reader);
    reflow_stream_writer_destroy(at->writer);
    free(at);
}

static reflow_status upper(void *user_data, reflow_message data, reflow_message *out) {
    (void)user_data;
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(data, &view));
    char text[64];
    CHECK(view.size < sizeof text);
    for (size_t i = 0; i < view.size; ++i) text[i] = (char)(view.data[i] & ~0x20);
    *out = bytes(text, view.size);
    return REFLOW_OK;
}

/* Accepts a stream, and emits one with what it says in capitals. */
static reflow_status capitals(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    ends *at = state;
    if (count != 0 && at->reader == NULL) {
        reflow_message handle;
        CHECK_STATUS(REFLOW_OK,
                     reflow_context_accept_stream(context, inputs[0].message, &at->reader));
        CHECK_STATUS(REFLOW_OK,
                     reflow_context_open_stream(context, 0, NULL, &at->writer, &handle));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, handle));
    }
    if (at->reader == NULL) return REFLOW_OK;
    reflow_status status = reflow_stream_transform(at->reader, at->writer, upper, NULL, 0);
    if (status == REFLOW_ERROR_WOULD_BLOCK) return REFLOW_OK;
    CHECK_STATUS(REFLOW_OK, status);
    reflow_stream_reader_destroy(at->reader);
    reflow_stream_writer_destroy(at->writer);
    memset(at, 0, sizeof *at);
    return REFLOW_OK;
}

static void test_graph(void) {
    reflow_runtime *runtime = new_runtime();
    rig_component component = {.id = "Capitals", .inports = "a", .outports = "o",
                               .create = make_ends, .run = capitals, .destroy_state = free_ends};
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "capitals", "Capitals");
    side far_side = new_side(runtime, "far", graph);
    side near_side = new_side(runtime, "near", near_graph("capitals@far"));
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    WORKS(reflow_network_start(near_side.network, &e));
    reflow_stream_writer *writer;
    reflow_message handle, got;
    WORKS(reflow_stream_create(runtime, NULL, &writer, &handle, &e));
    WORKS(reflow_network_send(near_side.network, rig_inport(near_side.network, "before.a"), handle,
                              60000, &e));
    CHECK_STATUS(REFLOW_OK, put(writer, "there was no ", 13, 0));
    WORKS(reflow_network_start(far_side.network, &e));
    dial(&near_side, &far_side); /* what waits, goes */
    got = take(output);
    reflow_stream_reader *reader;
    WORKS(reflow_stream_accept(runtime, got, &reader, &e));
    reflow_message_unref(got);
    CHECK_STATUS(REFLOW_OK, put(writer, "link", 4, 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    reflow_message all;
    WORKS(reflow_stream_collect(reader, 0, 20000, &all, &e));
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(all, &view));
    CHECK(view.size == 17);
    CHECK(!memcmp(view.data, "THERE\0WAS\0NO\0LINK", 17));
    reflow_message_unref(all);
    reflow_stream_reader_destroy(reader);
    reflow_stream_writer_destroy(writer);
    EVENTUALLY(reflow_runtime_streams(runtime) == 0);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* What may go again cannot have a stream in it. */
static void test_outbox(void) {
    rig r = open_rig();
    reflow_delivery_options options = {0};
    options.struct_size = sizeof options;
    options.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
    WORKS(reflow_peer_set_delivery(r.from.peer, text_of("to"), text_of("sink"), &options, &e));
    reflow_stream_writer *writer;
    reflow_message handle;
    WORKS(reflow_stream_create(r.runtime, NULL, &writer, &handle, &e));
    CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED, send_to(&r, "sink", handle));
    reflow_message_unref(handle);
    reflow_stream_writer_destroy(writer);
    close_rig(&r);
}

/* ---- a process that is killed while it writes */

static void write_for_ever(int port_from) {
    uint32_t port = 0;
    CHECK(read(port_from, &port, sizeof port) == sizeof port);
    reflow_runtime *runtime = new_runtime();
    side from = new_side(runtime, "killed", pass_graph());
    WORKS(reflow_network_start(from.network, &e));
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%u", port);
    WORKS(reflow_peer_connect(from.peer, text_of(text), 20000, NULL, &e));
    reflow_stream_writer *writer;
    reflow_message handle;
    WORKS(reflow_stream_create(runtime, NULL, &writer, &handle, &e));
    WORKS(reflow_peer_send(from.peer, text_of("to"), text_of("sink"), text_of("a"), handle,
                           text_of(""), 20000, &e));
    static char data[chunk];
    for (;;) CHECK_STATUS(REFLOW_OK, put(writer, data, chunk, REFLOW_FOREVER));
}

static void test_killed(pid_t child, int port_to) {
    rig r = open_rig();
    uint32_t port = reflow_peer_port(r.to.peer);
    CHECK(write(port_to, &port, sizeof port) == sizeof port);
    reflow_stream_reader *reader = receive(&r);
    for (int i = 0; i < 300; ++i) CHECK(next_kind(reader, NULL, 0) != REFLOW_FRAME_ERROR);
    CHECK(kill(child, SIGKILL) == 0);
    char text[256];
    reflow_frame_kind kind;
    while ((kind = next_kind(reader, text, sizeof text)) == REFLOW_FRAME_DATA) {
    }
    CHECK(kind == REFLOW_FRAME_ERROR && strstr(text, "the link to killed has ended") != NULL);
    CHECK(waitpid(child, NULL, 0) == child);
    reflow_stream_reader_destroy(reader);
    close_rig(&r);
}

int main(int argc, char **argv) {
    check_time_limit(100);
    if (!reflow_feature(text_of("peer"))) return 0;
    int pipes[2];
    CHECK(pipe(pipes) == 0);
    pid_t child = fork(); /* before there are threads */
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(pipes[1]) == 0);
        write_for_ever(pipes[0]);
    }
    if (argc > 1) { /* so many MiB through one stream */
        long before = resident_kib();
        test_many((uint64_t)atoi(argv[1]) << 20, 1);
        struct rusage use;
        CHECK(getrusage(RUSAGE_SELF, &use) == 0);
        printf("%s MiB, %ld KiB more memory at most\n", argv[1], use.ru_maxrss - before);
        CHECK(check_slow() || use.ru_maxrss - before < 64 * 1024);
    }
    test_content();
    test_ends();
    test_link_ends();
    test_held_back();
    test_many(3 << 20, 8);
    test_back(12 << 20);
    test_graph();
    test_outbox();
    test_killed(child, pipes[1]);
    return 0;
}
