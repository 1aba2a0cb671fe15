/* Section 15 of reflow.h: callbacks of streams, for hosts that do not wait. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

static reflow_message bytes(const char *data, size_t size) {
    reflow_message made;
    WORKS(reflow_message_bytes(data, size, &made, &e));
    return made;
}

static void open_ends(reflow_runtime *runtime, uint32_t max_frames, reflow_stream_writer **writer,
                      reflow_stream_reader **reader) {
    reflow_stream_options options = {0};
    options.struct_size = sizeof options;
    options.max_frames = max_frames;
    reflow_message handle;
    WORKS(reflow_stream_create(runtime, &options, writer, &handle, &e));
    WORKS(reflow_stream_accept(runtime, handle, reader, &e));
    reflow_message_unref(handle);
}

static reflow_status put(reflow_stream_writer *writer, uint32_t number) {
    reflow_message data = bytes((const char *)&number, sizeof number);
    reflow_status status = reflow_stream_write(writer, data, 0);
    if (status != REFLOW_OK) reflow_message_unref(data);
    return status;
}

typedef struct told {
    int calls, ends;
} told;
static void call_told(void *data) { ++((told *)data)->calls; }
static void end_told(void *data) { ++((told *)data)->ends; }

static reflow_status read_one(reflow_stream_reader *reader, reflow_frame_kind *kind) {
    reflow_stream_frame frame;
    size_t count = 0;
    reflow_status status = reflow_stream_read(reader, &frame, 1, 0, &count);
    if (status != REFLOW_OK) return status;
    *kind = frame.kind;
    reflow_message_unref(frame.message);
    return status;
}

/* One call after each refusal, and none without. */
static void test_edges(reflow_runtime *runtime) {
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    open_ends(runtime, 2, &writer, &reader);
    told r = {0, 0}, w = {0, 0};
    WORKS(reflow_stream_on_readable(reader, call_told, &r, end_told, &e));
    CHECK(r.calls == 1); /* the BEGIN is there */
    WORKS(reflow_stream_on_writable(writer, call_told, &w, end_told, &e));
    CHECK(w.calls == 1); /* there is room */
    reflow_frame_kind kind = 0;
    CHECK_STATUS(REFLOW_OK, read_one(reader, &kind));
    CHECK(kind == REFLOW_FRAME_BEGIN);
    CHECK_STATUS(REFLOW_OK, put(writer, 1));
    CHECK(r.calls == 1); /* nobody was refused */
    CHECK_STATUS(REFLOW_OK, read_one(reader, &kind));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, read_one(reader, &kind));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, read_one(reader, &kind));
    CHECK(r.calls == 1);
    CHECK_STATUS(REFLOW_OK, put(writer, 2));
    CHECK_STATUS(REFLOW_OK, put(writer, 3));
    CHECK(r.calls == 2);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(writer, 4));
    CHECK(w.calls == 1);
    CHECK_STATUS(REFLOW_OK, read_one(reader, &kind));
    CHECK_STATUS(REFLOW_OK, read_one(reader, &kind));
    CHECK(w.calls == 2);
    /* Another one takes the place of the first, and the end is told to who was refused. */
    told other = {0, 0};
    WORKS(reflow_stream_on_readable(reader, call_told, &other, end_told, &e));
    CHECK(r.ends == 1 && other.calls == 0);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, read_one(reader, &kind));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    CHECK(other.calls == 1 && w.calls == 2); /* who ends it hears nothing of that */
    CHECK_STATUS(REFLOW_OK, read_one(reader, &kind));
    CHECK(kind == REFLOW_FRAME_END);
    WORKS(reflow_stream_on_readable(reader, NULL, NULL, NULL, &e));
    CHECK(other.ends == 1);
    reflow_stream_reader_destroy(reader);
    reflow_stream_writer_destroy(writer);
    CHECK(w.ends == 1 && w.calls == 2);
}

/* A writer hears that nobody reads any more, whether it was refused or not. */
static void test_gone(reflow_runtime *runtime) {
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    open_ends(runtime, 2, &writer, &reader);
    told w = {0, 0};
    WORKS(reflow_stream_on_writable(writer, call_told, &w, end_told, &e));
    reflow_stream_reader_destroy(reader);
    CHECK(w.calls == 2);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(writer, 1));
    reflow_stream_writer_destroy(writer);
    CHECK(w.ends == 1);
    /* The last handle has gone. */
    reflow_message handle;
    WORKS(reflow_stream_create(runtime, NULL, &writer, &handle, &e));
    WORKS(reflow_stream_on_writable(writer, call_told, &w, end_told, &e));
    CHECK(w.calls == 3);
    reflow_message_unref(handle);
    CHECK(w.calls == 4);
    reflow_stream_writer_destroy(writer);
    /* Bad calls end what they were given. */
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_stream_on_writable(NULL, call_told, &w, end_told, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_stream_on_readable(NULL, call_told, &w, end_told, &e));
    CHECK(w.ends == 4 && w.calls == 4);
}

/* Two threads that never wait for each other but through callbacks: nothing is missed. */
enum { many = 200000 };
typedef struct flag {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int set;
} flag;
static void raise_signal(void *data) {
    flag *one = data;
    pthread_mutex_lock(&one->mutex);
    one->set = 1;
    pthread_cond_signal(&one->changed);
    pthread_mutex_unlock(&one->mutex);
}
static void await_signal(flag *one) {
    pthread_mutex_lock(&one->mutex);
    while (!one->set) pthread_cond_wait(&one->changed, &one->mutex);
    one->set = 0;
    pthread_mutex_unlock(&one->mutex);
}

static void *write_all(void *data) {
    static flag room = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    WORKS(reflow_stream_on_writable(data, raise_signal, &room, NULL, &e));
    for (uint32_t i = 0; i < many;) {
        reflow_status status = put(data, i);
        if (status == REFLOW_OK) {
            ++i;
            continue;
        }
        CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, status);
        await_signal(&room);
    }
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(data));
    return NULL;
}

static void test_threads(reflow_runtime *runtime) {
    static flag frames = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    open_ends(runtime, 3, &writer, &reader);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, write_all, writer) == 0);
    WORKS(reflow_stream_on_readable(reader, raise_signal, &frames, NULL, &e));
    uint32_t next = 0;
    for (int over = 0; !over;) {
        reflow_stream_frame all[4];
        size_t count = 0;
        reflow_status status = reflow_stream_read(reader, all, 4, 0, &count);
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            await_signal(&frames);
            continue;
        }
        CHECK_STATUS(REFLOW_OK, status);
        for (size_t i = 0; i < count; ++i) {
            over = all[i].kind == REFLOW_FRAME_END;
            if (all[i].kind == REFLOW_FRAME_DATA) {
                reflow_view view;
                CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(all[i].message, &view));
                uint32_t number;
                CHECK(view.size == sizeof number);
                memcpy(&number, view.data, sizeof number);
                CHECK(number == next++);
            }
            reflow_message_unref(all[i].message);
        }
    }
    CHECK(next == many);
    CHECK(pthread_join(thread, NULL) == 0);
    reflow_stream_writer_destroy(writer);
    reflow_stream_reader_destroy(reader);
}

int main(void) {
    check_time_limit(50);
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    test_edges(runtime);
    test_gone(runtime);
    test_threads(runtime);
    CHECK(reflow_runtime_streams(runtime) == 0);
    reflow_runtime_destroy(runtime);
    return 0;
}
