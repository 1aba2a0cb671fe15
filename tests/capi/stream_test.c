/* Section 15 of reflow.h: streams, of hosts and through networks in every mode. */
#include "check.h"

#include <pthread.h>
#include <sys/resource.h>

#include "rig.h"

/* ---- short ways */

static reflow_message bytes(const char *data, size_t size) {
    reflow_message made;
    WORKS(reflow_message_bytes(data, size, &made, &e));
    return made;
}

typedef struct ends {
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    reflow_message handle;
} ends;

static reflow_stream_options limits_of(uint32_t max_frames, uint64_t max_bytes) {
    reflow_stream_options options = {0};
    options.struct_size = sizeof options;
    options.max_frames = max_frames;
    options.max_bytes = max_bytes;
    return options;
}

static ends open_ends(reflow_runtime *runtime, uint32_t max_frames) {
    ends at;
    reflow_stream_options options = limits_of(max_frames, 0);
    WORKS(reflow_stream_create(runtime, &options, &at.writer, &at.handle, &e));
    WORKS(reflow_stream_accept(runtime, at.handle, &at.reader, &e));
    return at;
}

static void close_ends(ends *at) {
    reflow_stream_writer_destroy(at->writer);
    reflow_stream_reader_destroy(at->reader);
    reflow_message_unref(at->handle);
}

static reflow_status put(reflow_stream_writer *writer, const char *text, int64_t timeout_ms) {
    reflow_message data = bytes(text, strlen(text));
    reflow_status status = reflow_stream_write(writer, data, timeout_ms);
    if (status != REFLOW_OK) reflow_message_unref(data);
    return status;
}

/* Takes one frame: of this kind and, for DATA and ERROR, with this text. */
static void next_is(reflow_stream_reader *reader, reflow_frame_kind kind, const char *text) {
    reflow_stream_frame frame;
    size_t count = 0;
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, &frame, 1, 10000, &count));
    CHECK(count == 1 && frame.kind == kind && frame.reserved == 0);
    if (kind == REFLOW_FRAME_BEGIN) {
        CHECK(reflow_message_kind(frame.message) == REFLOW_KIND_OBJECT);
    } else if (kind == REFLOW_FRAME_END) {
        CHECK(reflow_message_kind(frame.message) == REFLOW_KIND_NONE);
    } else {
        reflow_view view;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frame.message, &view));
        CHECK(view.size == strlen(text) && memcmp(view.data, text, view.size) == 0);
    }
    reflow_message_unref(frame.message);
}

static void is_over(reflow_stream_reader *reader) {
    reflow_stream_frame frame;
    size_t count = 7;
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_stream_read(reader, &frame, 1, 1000, &count));
    CHECK(count == 0);
}

static bool is_text(reflow_message message, const char *text) {
    reflow_view view;
    return reflow_message_get_bytes(message, &view) == REFLOW_OK && view.size == strlen(text) &&
           memcmp(view.data, text, view.size) == 0;
}

/* ---- of a host alone */

static void test_order_and_room(reflow_runtime *runtime) {
    reflow_stream_options options = limits_of(2, 0);
    options.content_type = text_of("text/plain");
    options.has_size_hint = 1;
    options.size_hint = 7;
    options.metadata = json("{\"name\":\"x\"}");
    ends at;
    WORKS(reflow_stream_create(runtime, &options, &at.writer, &at.handle, &e));
    reflow_message_unref(options.metadata);
    reflow_stream_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_stream(at.handle, &info));
    CHECK(info.stream_id > 0 && info.has_size_hint == 1 && info.size_hint == 7);
    CHECK(info.content_type.size == 10 && info.origin_actor.size == 0);
    CHECK(reflow_runtime_streams(runtime) == 1);

    WORKS(reflow_stream_accept(runtime, at.handle, &at.reader, &e));
    reflow_stream_reader *second = (reflow_stream_reader *)1;
    FAILS(REFLOW_ERROR_ALREADY_EXISTS, reflow_stream_accept(runtime, at.handle, &second, &e));
    CHECK(second == NULL);
    CHECK_STATUS(REFLOW_OK, put(at.writer, "one", 0));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "two", 0));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(at.writer, "three", 0));
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT, put(at.writer, "three", 20));
    reflow_message begin;
    CHECK_STATUS(REFLOW_OK, reflow_stream_get_begin(at.reader, &begin));
    reflow_message expected =
        json("{\"content_type\":\"text/plain\",\"size_hint\":7,\"metadata\":{\"name\":\"x\"}}");
    CHECK(reflow_message_equal(begin, expected));
    reflow_message_unref(expected);
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(at.writer, "three", 0)); /* BEGIN takes no room */
    next_is(at.reader, REFLOW_FRAME_DATA, "one");
    CHECK_STATUS(REFLOW_OK, put(at.writer, "three", 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(at.writer)); /* although it is full */
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_stream_end(at.writer));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_stream_fail(at.writer, text_of("late")));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(at.writer, "four", 0));
    next_is(at.reader, REFLOW_FRAME_DATA, "two");
    next_is(at.reader, REFLOW_FRAME_DATA, "three");
    next_is(at.reader, REFLOW_FRAME_END, NULL);
    is_over(at.reader);
    close_ends(&at);
    CHECK(reflow_runtime_streams(runtime) == 0);

    /* Bytes: a large frame goes when nothing else waits. */
    options = limits_of(10, 8);
    WORKS(reflow_stream_create(runtime, &options, &at.writer, &at.handle, &e));
    WORKS(reflow_stream_accept(runtime, at.handle, &at.reader, &e));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "0123456789", 0));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(at.writer, "0", 0));
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_DATA, "0123456789");
    CHECK_STATUS(REFLOW_OK, put(at.writer, "0123", 0));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "4567", 0));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(at.writer, "8", 0));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "", 0)); /* what is empty takes no bytes */
    close_ends(&at);
    CHECK(reflow_runtime_streams(runtime) == 0);
}

static int released;
static void count_release(void *user_data) {
    (void)user_data;
    ++released;
}
static reflow_message lent(void) {
    reflow_message made;
    WORKS(reflow_message_lend(REFLOW_KIND_BYTES, "lent", 4, count_release, NULL, &made, &e));
    return made;
}

static void test_ends(reflow_runtime *runtime) {
    /* The writer goes without an end. */
    ends at = open_ends(runtime, 4);
    CHECK_STATUS(REFLOW_OK, put(at.writer, "half", 0));
    reflow_stream_writer_destroy(at.writer);
    at.writer = NULL;
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_DATA, "half");
    next_is(at.reader, REFLOW_FRAME_ERROR, "the producer ended without an end");
    is_over(at.reader);
    close_ends(&at);
    /* It fails, with a text that is no UTF-8. */
    at = open_ends(runtime, 4);
    CHECK_STATUS(REFLOW_OK, reflow_stream_fail(at.writer, sized("bro\xffken", 7)));
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_ERROR, "bro\xef\xbf\xbdken");
    is_over(at.reader);
    close_ends(&at);
    /* The reader goes: what waits is dropped at once. */
    released = 0;
    at = open_ends(runtime, 4);
    CHECK_STATUS(REFLOW_OK, reflow_stream_write(at.writer, lent(), 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_write(at.writer, lent(), 0));
    reflow_stream_reader_destroy(at.reader);
    at.reader = NULL;
    CHECK(released == 2);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(at.writer, "more", REFLOW_FOREVER));
    close_ends(&at);
    /* The last handle goes and nobody has accepted. */
    at = open_ends(runtime, 4);
    close_ends(&at);
    reflow_stream_writer *writer;
    reflow_message handle;
    WORKS(reflow_stream_create(runtime, NULL, &writer, &handle, &e));
    CHECK_STATUS(REFLOW_OK, reflow_stream_write(writer, lent(), 0));
    reflow_message_unref(reflow_message_ref(handle));
    CHECK(released == 2);
    reflow_message_unref(handle);
    CHECK(released == 3);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(writer, "more", REFLOW_FOREVER));
    CHECK(reflow_runtime_streams(runtime) == 1);
    reflow_stream_writer_destroy(writer);
    /* A writer that goes first, and nobody looks. */
    WORKS(reflow_stream_create(runtime, NULL, &writer, &handle, &e));
    CHECK_STATUS(REFLOW_OK, reflow_stream_write(writer, lent(), 0));
    reflow_stream_writer_destroy(writer);
    CHECK(reflow_runtime_streams(runtime) == 1 && released == 3);
    reflow_message_unref(handle);
    CHECK(reflow_runtime_streams(runtime) == 0 && released == 4);
    reflow_stream_writer_destroy(NULL);
    reflow_stream_reader_destroy(NULL);
}

static void test_handles(reflow_runtime *runtime) {
    ends at = open_ends(runtime, 4);
    reflow_buffer *encoded;
    WORKS(reflow_message_to_msgpack(at.handle, &encoded, &e));
    reflow_view view = reflow_buffer_get(encoded);
    reflow_message copy;
    WORKS(reflow_message_from_msgpack(view.data, view.size, NULL, &copy, &e));
    reflow_buffer_destroy(encoded);
    CHECK(reflow_message_equal(copy, at.handle));
    reflow_stream_reader *reader;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_stream_accept(runtime, copy, &reader, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_stream_observe(runtime, copy, NULL, &reader, &e));
    reflow_message_unref(copy);
    FAILS(REFLOW_ERROR_WRONG_KIND,
          reflow_stream_accept(runtime, reflow_message_integer(1), &reader, &e));
    /* No stream inside of a stream. */
    reflow_object_builder *builder;
    WORKS(reflow_object_builder_create(0, &builder, &e));
    reflow_message list;
    reflow_array_builder *array;
    WORKS(reflow_array_builder_create(0, &array, &e));
    WORKS(reflow_array_builder_append(array, reflow_message_null(), &e));
    WORKS(reflow_array_builder_append(array, reflow_message_ref(at.handle), &e));
    WORKS(reflow_array_builder_finish(array, &list, &e));
    WORKS(reflow_object_builder_set(builder, text_of("deep"), list, &e));
    reflow_stream_options options = limits_of(0, 0);
    WORKS(reflow_object_builder_finish(builder, &options.metadata, &e));
    reflow_stream_writer *writer;
    reflow_message handle;
    FAILS(REFLOW_ERROR_WRONG_KIND, reflow_stream_create(runtime, &options, &writer, &handle, &e));
    CHECK(writer == NULL && reflow_message_kind(handle) == REFLOW_KIND_NONE);
    reflow_message_unref(options.metadata);
    close_ends(&at);
    CHECK(reflow_runtime_streams(runtime) == 0);
}

static void test_observers(reflow_runtime *runtime) {
    ends at = open_ends(runtime, 3);
    reflow_observe_options options = {0};
    options.struct_size = sizeof options;
    options.max_frames = 2;
    reflow_stream_reader *lossy, *whole, *late;
    WORKS(reflow_stream_observe(runtime, at.handle, &options, &lossy, &e));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "1", 0));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "2", 0));
    options.reliable = 1;
    WORKS(reflow_stream_observe(runtime, at.handle, &options, &whole, &e));
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_DATA, "1");
    next_is(at.reader, REFLOW_FRAME_DATA, "2");
    CHECK_STATUS(REFLOW_OK, put(at.writer, "3", 0));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "4", 0));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(at.writer, "5", 0)); /* `whole` is full */
    next_is(whole, REFLOW_FRAME_BEGIN, NULL);
    next_is(whole, REFLOW_FRAME_DATA, "3");
    CHECK_STATUS(REFLOW_OK, put(at.writer, "5", 0));
    WORKS(reflow_stream_observe(runtime, at.handle, NULL, &late, &e));
    next_is(whole, REFLOW_FRAME_DATA, "4");
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, put(at.writer, "6", 0)); /* the reader is full */
    next_is(at.reader, REFLOW_FRAME_DATA, "3");
    CHECK_STATUS(REFLOW_OK, put(at.writer, "6", 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(at.writer));
    next_is(lossy, REFLOW_FRAME_BEGIN, NULL);
    next_is(lossy, REFLOW_FRAME_DATA, "1");
    next_is(lossy, REFLOW_FRAME_DATA, "2");
    next_is(lossy, REFLOW_FRAME_END, NULL); /* it is not cut off */
    CHECK(reflow_stream_missed(lossy) == 4 && reflow_stream_missed(whole) == 0);
    next_is(whole, REFLOW_FRAME_DATA, "5");
    next_is(late, REFLOW_FRAME_BEGIN, NULL);
    next_is(late, REFLOW_FRAME_DATA, "6");
    next_is(late, REFLOW_FRAME_END, NULL);
    is_over(late);
    reflow_stream_reader_destroy(late);
    reflow_stream_reader_destroy(lossy);
    reflow_stream_reader_destroy(whole); /* with a frame and the end unread */
    next_is(at.reader, REFLOW_FRAME_DATA, "4");
    close_ends(&at);
    /* The reader leaves: an observer is told. */
    at = open_ends(runtime, 3);
    WORKS(reflow_stream_observe(runtime, at.handle, NULL, &late, &e));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "1", 0));
    reflow_stream_reader_destroy(at.reader);
    at.reader = NULL;
    next_is(late, REFLOW_FRAME_BEGIN, NULL);
    next_is(late, REFLOW_FRAME_DATA, "1");
    next_is(late, REFLOW_FRAME_ERROR, "the consumer left before the end");
    reflow_stream_reader_destroy(late);
    close_ends(&at);
    CHECK(reflow_runtime_streams(runtime) == 0);
}

static reflow_status twice(void *user_data, reflow_message data, reflow_message *out) {
    int *calls = user_data;
    ++*calls;
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(data, &view));
    if (view.size == 1 && view.data[0] == '-') return REFLOW_OK; /* none: nothing is written */
    if (view.size == 1 && view.data[0] == '!') return REFLOW_ERROR_HOST;
    char both[64];
    CHECK(view.size <= 32);
    memcpy(both, view.data, view.size);
    memcpy(both + view.size, view.data, view.size);
    return reflow_message_bytes(both, 2 * view.size, out, NULL);
}

static void test_helpers(reflow_runtime *runtime) {
    /* Chunks look into the whole. */
    ends at = open_ends(runtime, 2);
    reflow_message whole = bytes("12345", 5);
    reflow_view all, part;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(whole, &all));
    size_t offset = 6;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_stream_write_chunks(at.writer, whole, 2, &offset, 0));
    offset = 0;
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK,
                 reflow_stream_write_chunks(at.writer, whole, 2, &offset, 0));
    CHECK(offset == 4);
    reflow_stream_frame frames[8];
    size_t count = 0;
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(at.reader, frames, 8, 0, &count));
    CHECK(count == 3 && frames[0].kind == REFLOW_FRAME_BEGIN);
    CHECK(is_text(frames[1].message, "12") && is_text(frames[2].message, "34"));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frames[2].message, &part));
    CHECK(part.data == all.data + 2);
    CHECK_STATUS(REFLOW_OK, reflow_stream_write_chunks(at.writer, whole, 2, &offset, 0));
    CHECK(offset == 5);
    /* A chunk of a chunk keeps the whole, and not the chunk. */
    offset = 1;
    CHECK_STATUS(REFLOW_OK,
                 reflow_stream_write_chunks(at.writer, frames[2].message, 9, &offset, 0));
    reflow_message_unref(whole);
    for (size_t i = 0; i < count; ++i) reflow_message_unref(frames[i].message);
    next_is(at.reader, REFLOW_FRAME_DATA, "5");
    next_is(at.reader, REFLOW_FRAME_DATA, "4");

    /* Collecting, in pieces. */
    reflow_message out;
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_stream_collect(at.reader, 0, 0, &out, &e));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "ab", 0));
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_stream_collect(at.reader, 0, 0, &out, &e));
    CHECK_STATUS(REFLOW_OK, put(at.writer, "cd", 0));
    FAILS(REFLOW_ERROR_LIMIT, reflow_stream_collect(at.reader, 3, 0, &out, &e));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(at.writer));
    WORKS(reflow_stream_collect(at.reader, 4, 0, &out, &e));
    CHECK(is_text(out, "abcd"));
    reflow_message_unref(out);
    FAILS(REFLOW_ERROR_CLOSED, reflow_stream_collect(at.reader, 0, 0, &out, &e));
    close_ends(&at);
    at = open_ends(runtime, 2);
    CHECK_STATUS(REFLOW_OK, reflow_stream_fail(at.writer, text_of("broken")));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_FAILED, reflow_stream_collect(at.reader, 0, 0, &out, &error));
    CHECK(strcmp(reflow_error_message(error).data, "broken") == 0);
    reflow_error_destroy(error);
    is_over(at.reader);
    close_ends(&at);

    /* Transforming. */
    ends from = open_ends(runtime, 8);
    at = open_ends(runtime, 2);
    int calls = 0;
    CHECK_STATUS(REFLOW_OK, put(from.writer, "a", 0));
    CHECK_STATUS(REFLOW_OK, put(from.writer, "-", 0));
    CHECK_STATUS(REFLOW_OK, put(from.writer, "b", 0));
    CHECK_STATUS(REFLOW_OK, put(from.writer, "c", 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(from.writer));
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK,
                 reflow_stream_transform(from.reader, at.writer, twice, &calls, 0));
    CHECK(calls == 3);
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_DATA, "aa");
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK,
                 reflow_stream_transform(from.reader, at.writer, twice, &calls, 0));
    next_is(at.reader, REFLOW_FRAME_DATA, "bb");
    CHECK_STATUS(REFLOW_OK, reflow_stream_transform(from.reader, at.writer, twice, &calls, 0));
    CHECK(calls == 4);
    next_is(at.reader, REFLOW_FRAME_DATA, "cc");
    next_is(at.reader, REFLOW_FRAME_END, NULL);
    CHECK_STATUS(REFLOW_ERROR_CLOSED,
                 reflow_stream_transform(from.reader, at.writer, twice, &calls, 0));
    close_ends(&from);
    close_ends(&at);
    from = open_ends(runtime, 8);
    at = open_ends(runtime, 8);
    CHECK_STATUS(REFLOW_OK, put(from.writer, "a", 0));
    CHECK_STATUS(REFLOW_OK, put(from.writer, "!", 0));
    CHECK_STATUS(REFLOW_ERROR_HOST,
                 reflow_stream_transform(from.reader, at.writer, twice, &calls, 0));
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_DATA, "aa");
    next_is(at.reader, REFLOW_FRAME_ERROR, "the transform failed");
    close_ends(&from);
    close_ends(&at);
    from = open_ends(runtime, 8);
    at = open_ends(runtime, 8);
    CHECK_STATUS(REFLOW_OK, put(from.writer, "as it is", 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_fail(from.writer, text_of("no more")));
    CHECK_STATUS(REFLOW_ERROR_FAILED,
                 reflow_stream_transform(from.reader, at.writer, NULL, NULL, 0));
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(at.reader, REFLOW_FRAME_DATA, "as it is");
    next_is(at.reader, REFLOW_FRAME_ERROR, "no more");
    close_ends(&from);
    close_ends(&at);
    CHECK(reflow_runtime_streams(runtime) == 0);
}

static void test_bad_calls(reflow_runtime *runtime) {
    ends at = open_ends(runtime, 1);
    reflow_stream_frame frame;
    reflow_message out;
    size_t count = 0, offset = 0;
    reflow_stream_options options = limits_of(1000001, 0);
    reflow_stream_writer *writer;
    FAILS(REFLOW_ERROR_LIMIT, reflow_stream_create(runtime, &options, &writer, &out, &e));
    options = limits_of(0, 0);
    options.reserved = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_stream_create(runtime, &options, &writer, &out, &e));
    options = limits_of(0, 0);
    options.content_type = sized("\xff", 1);
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_stream_create(runtime, &options, &writer, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_create(NULL, NULL, &writer, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_create(runtime, NULL, NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_create(runtime, NULL, &writer, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_accept(runtime, at.handle, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_collect(NULL, 0, 0, &out, &e));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, put(NULL, "", 0));
    reflow_message none = {0, 0};
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_write(at.writer, none, 0));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_stream_write(at.writer, reflow_message_integer(1), 0));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_stream_write_chunks(at.writer, reflow_message_null(), 1, &offset, 0));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_end(NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_fail(NULL, text_of("")));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_read(NULL, &frame, 1, 0, &count));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_read(at.reader, NULL, 1, 0, &count));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_read(at.reader, &frame, 1, 0, NULL));
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(at.reader, NULL, 0, 0, &count));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_stream_get_begin(NULL, &out));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_stream_transform(at.reader, NULL, NULL, NULL, 0));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_rest(NULL));
    CHECK(reflow_stream_missed(NULL) == 0 && reflow_runtime_streams(NULL) == 0);
    close_ends(&at);
}

static void test_count_limit(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_streams = 2;
    reflow_runtime *runtime;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    ends a = open_ends(runtime, 1), b = open_ends(runtime, 1);
    reflow_stream_writer *writer;
    reflow_message handle;
    FAILS(REFLOW_ERROR_LIMIT, reflow_stream_create(runtime, NULL, &writer, &handle, &e));
    close_ends(&a);
    a = open_ends(runtime, 1);
    close_ends(&a);
    /* The ends keep what they need of the runtime. */
    reflow_runtime_destroy(runtime);
    CHECK_STATUS(REFLOW_OK, put(b.writer, "still", 0));
    next_is(b.reader, REFLOW_FRAME_BEGIN, NULL);
    next_is(b.reader, REFLOW_FRAME_DATA, "still");
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK,
                 reflow_stream_read(b.reader, &(reflow_stream_frame){0}, 1, 0, &(size_t){0}));
    close_ends(&b);
}

/* ---- two threads of a host */

static void *write_many(void *argument) {
    reflow_stream_writer *writer = argument;
    for (int i = 0; i < 20000; ++i) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        CHECK_STATUS(REFLOW_OK, put(writer, text, REFLOW_FOREVER));
    }
    CHECK_STATUS(REFLOW_OK, reflow_stream_end(writer));
    return NULL;
}

static void test_threads(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    ends at = open_ends(runtime, 3);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, write_many, at.writer) == 0);
    next_is(at.reader, REFLOW_FRAME_BEGIN, NULL);
    for (int i = 0; i < 20000; ++i) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        next_is(at.reader, REFLOW_FRAME_DATA, text);
    }
    next_is(at.reader, REFLOW_FRAME_END, NULL);
    CHECK(pthread_join(thread, NULL) == 0);
    close_ends(&at);
    reflow_runtime_destroy(runtime);
}

static void test_flat(reflow_runtime *runtime, int count) {
    long before = 0;
    for (int i = 0; i < count; ++i) {
        ends at = open_ends(runtime, 0);
        CHECK_STATUS(REFLOW_OK, put(at.writer, "short", 0));
        if (i % 3 == 0) CHECK_STATUS(REFLOW_OK, reflow_stream_end(at.writer));
        close_ends(&at);
        if (i == count / 10) {
            struct rusage use;
            CHECK(getrusage(RUSAGE_SELF, &use) == 0);
            before = use.ru_maxrss;
        }
    }
    struct rusage use;
    CHECK(getrusage(RUSAGE_SELF, &use) == 0);
    /* What watches memory keeps what was freed for a while. */
    CHECK(check_slow() || use.ru_maxrss - before < 4096);
    CHECK(reflow_runtime_streams(runtime) == 0);
}

int main(void) {
    check_time_limit(50);
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    test_order_and_room(runtime);
    test_ends(runtime);
    test_handles(runtime);
    test_observers(runtime);
    test_helpers(runtime);
    test_bad_calls(runtime);
    test_flat(runtime, check_slow() ? 5000 : 200000);
    reflow_runtime_destroy(runtime);
    test_count_limit();
    test_threads(&rig_own);
    test_threads(&rig_inline);
    return 0;
}
