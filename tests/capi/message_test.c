/* Section 5 of reflow.h: messages, their readers, builders and owners. */
#include "check.h"

#include <math.h>

static void test_scalars(void) {
    bool boolean = false;
    int64_t integer = 0;
    double number = 0;
    CHECK(reflow_message_kind(reflow_message_null()) == REFLOW_KIND_NULL);
    CHECK(reflow_message_kind(reflow_message_flow()) == REFLOW_KIND_FLOW);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_boolean(reflow_message_boolean(true), &boolean));
    CHECK(boolean);
    static const int64_t integers[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < 5; ++i) {
        reflow_message message = reflow_message_integer(integers[i]);
        CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(message, &integer));
        CHECK(integer == integers[i]);
        CHECK_STATUS(REFLOW_OK, reflow_message_get_float(message, &number));
        CHECK(number == (double)integers[i]);
    }
    CHECK_STATUS(REFLOW_OK, reflow_message_get_float(reflow_message_float(-0.5), &number));
    CHECK(number == -0.5);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_float(reflow_message_float(NAN), &number));
    CHECK(isnan(number));
    /* Generic code need not ask for the kind. */
    reflow_message_unref(reflow_message_ref(reflow_message_float(1)));
    reflow_message none = {0, 0};
    reflow_message_unref(reflow_message_ref(none));
    CHECK(reflow_message_kind(none) == REFLOW_KIND_NONE);
}

static void test_kind_names(void) {
    static const struct {
        reflow_kind kind;
        const char *name;
    } names[] = {
        {REFLOW_KIND_NONE, "None"},         {REFLOW_KIND_NULL, "Null"},
        {REFLOW_KIND_FLOW, "Flow"},         {REFLOW_KIND_BOOLEAN, "Boolean"},
        {REFLOW_KIND_INTEGER, "Integer"},   {REFLOW_KIND_FLOAT, "Float"},
        {REFLOW_KIND_STRING, "String"},     {REFLOW_KIND_BYTES, "Bytes"},
        {REFLOW_KIND_ARRAY, "Array"},       {REFLOW_KIND_OBJECT, "Object"},
        {REFLOW_KIND_EVENT, "Event"},       {REFLOW_KIND_ERROR, "Error"},
        {REFLOW_KIND_OPTIONAL, "Optional"}, {REFLOW_KIND_ANY, "Any"},
        {REFLOW_KIND_ENCODED, "Encoded"},   {6, "unknown"},
        {15, "unknown"},                    {28, "unknown"},
        {-1, "unknown"},                    {256, "unknown"},
        {INT32_MAX, "unknown"},             {INT32_MIN, "unknown"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        CHECK(same_text(reflow_kind_name(names[i].kind), names[i].name));
    }
    for (reflow_kind kind = REFLOW_KIND_STREAM; kind <= REFLOW_KIND_NETWORK_EVENT; ++kind) {
        CHECK(!same_text(reflow_kind_name(kind), "unknown"));
    }
}

static void test_texts(void) {
    reflow_message message;
    reflow_view view;
    WORKS(reflow_message_string(sized("a\0b", 3), &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    CHECK(view.size == 3 && memcmp(view.data, "a\0b", 4) == 0);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(message, &view));
    CHECK(view.size == 3);
    reflow_message_unref(message);
    WORKS(reflow_message_string(sized(NULL, 0), &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    CHECK(same_text(view, ""));
    reflow_message_unref(message);
    WORKS(reflow_message_bytes("\xff\0", 2, &message, &e));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_text(message, &view));
    CHECK(view.size == 0);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(message, &view));
    CHECK(view.size == 2 && memcmp(view.data, "\xff\0", 2) == 0);
    reflow_message_unref(message);
    WORKS(reflow_message_bytes(NULL, 0, &message, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_BYTES);
    reflow_message_unref(message);
    WORKS(reflow_message_error(text_of("bad"), &message, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_ERROR);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    CHECK(same_text(view, "bad"));
    reflow_message_unref(message);
    WORKS(reflow_message_encoded("\x05", 1, &message, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_ENCODED);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(message, &view));
    CHECK(view.size == 1);
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_text(message, &view));
    reflow_message_unref(message);
}

static void test_bad_texts(void) {
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        reflow_view bad = sized(bad_texts[i].data, bad_texts[i].size);
        reflow_view good = text_of("good");
        reflow_message out = {9, 9};
        int ends = 0;
        FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_message_string(bad, &out, &e));
        CHECK(out.tag == 0 && out.payload == 0);
        FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_message_error(bad, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_UTF8,
              reflow_message_lend(REFLOW_KIND_STRING, bad.data, bad.size, count_end, &ends, &out,
                                  &e));
        CHECK(ends == 1);
        FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_message_remote(bad, good, good, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_message_remote(good, bad, good, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_message_remote(good, good, bad, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_UTF8,
              reflow_message_network_event(bad, counted(&ends), &out, &e));
        CHECK(ends == 2);
        reflow_stream_info info = {0};
        info.struct_size = sizeof info;
        reflow_view *texts[] = {&info.origin_actor, &info.origin_port, &info.content_type};
        for (size_t t = 0; t < 3; ++t) {
            *texts[t] = bad;
            FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_message_stream(&info, &out, &e));
            *texts[t] = good;
        }
        reflow_object_builder *builder = NULL;
        WORKS(reflow_object_builder_create(0, &builder, &e));
        FAILS(REFLOW_ERROR_INVALID_UTF8,
              reflow_object_builder_set(builder, bad, counted(&ends), &e));
        CHECK(ends == 3);
        reflow_object_builder_destroy(builder);
    }
}

/* Lent memory comes back exactly once, from whoever drops the last reference. */
static void test_lend(void) {
    static const char text[] = "lent text";
    static const double numbers[] = {1, 2, 3};
    int ends = 0;
    reflow_message message;
    reflow_view view;
    WORKS(reflow_message_lend(REFLOW_KIND_STRING, text, 4, count_end, &ends, &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    CHECK(view.data == text && view.size == 4);
    reflow_message again = reflow_message_ref(message);
    reflow_message_unref(message);
    CHECK(ends == 0);
    reflow_message_unref(again);
    CHECK(ends == 1);
    WORKS(reflow_message_lend(REFLOW_KIND_BYTES, text, 9, NULL, NULL, &message, &e));
    reflow_message_unref(message);
    WORKS(reflow_message_lend(REFLOW_KIND_BYTES, NULL, 0, count_end, &ends, &message, &e));
    reflow_message_unref(message);
    CHECK(ends == 2);
    WORKS(reflow_message_lend_numbers(REFLOW_NUMBER_F64, numbers, 3, count_end, &ends, &message,
                                      &e));
    CHECK(is_json(message, "[1.0,2.0,3.0]"));
    reflow_message_unref(message);
    CHECK(ends == 3);
    FAILS(REFLOW_ERROR_WRONG_KIND,
          reflow_message_lend(REFLOW_KIND_ERROR, text, 4, count_end, &ends, &message, &e));
    CHECK(ends == 4);
    FAILS(REFLOW_ERROR_WRONG_KIND,
          reflow_message_lend(999, text, 4, count_end, &ends, &message, &e));
    CHECK(ends == 5);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_lend(REFLOW_KIND_STRING, NULL, 4, count_end, &ends, &message, &e));
    CHECK(ends == 6);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_lend(REFLOW_KIND_STRING, text, 4, count_end, &ends, NULL, &e));
    CHECK(ends == 7);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_lend_numbers(11, numbers, 3, count_end, &ends, &message, &e));
    CHECK(ends == 8);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_lend_numbers(REFLOW_NUMBER_F64, (const char *)numbers + 4, 1, count_end,
                                      &ends, &message, &e));
    CHECK(ends == 9);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_lend_numbers(REFLOW_NUMBER_F64, NULL, 1, count_end, &ends, &message,
                                      &e));
    CHECK(ends == 10);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_lend_numbers(REFLOW_NUMBER_F64, numbers, 1, count_end, &ends, NULL, &e));
    CHECK(ends == 11);
}

/* Sizes that no memory has. */
static void test_sizes(void) {
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 63, SIZE_MAX / 2 + 1};
    static const uint64_t word = 0;
    reflow_message out;
    int ends = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        size_t size = sizes[i];
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_bytes(&word, size, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_encoded(&word, size, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_message_lend(REFLOW_KIND_BYTES, &word, size, count_end, &ends, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_message_lend(REFLOW_KIND_STRING, &word, size, count_end, &ends, &out, &e));
        FAILS(REFLOW_ERROR_LIMIT, reflow_message_numbers(REFLOW_NUMBER_U64, &word, size, &out, &e));
        FAILS(REFLOW_ERROR_LIMIT, reflow_message_lend_numbers(REFLOW_NUMBER_U64, &word, size,
                                                              count_end, &ends, &out, &e));
        if (size != REFLOW_NUL_TERMINATED) {
            reflow_view wrong = sized("text", size);
            FAILS(REFLOW_ERROR_LIMIT, reflow_message_string(wrong, &out, &e));
            FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_error(wrong, &out, &e));
            FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
                  reflow_message_remote(wrong, wrong, wrong, &out, &e));
        }
    }
    CHECK(ends == 3 * (int)(sizeof sizes / sizeof sizes[0]));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_numbers(REFLOW_NUMBER_U64, &word, (SIZE_MAX >> 3) + 1, &out, &e));
}

static void test_numbers(void) {
    static const uint8_t bytes[] = {1, 255};
    static const uint64_t words[] = {1, UINT64_MAX};
    reflow_message message, element;
    reflow_number type = 0;
    const void *data = NULL;
    size_t count = 0;
    int64_t integer = 0;
    double number = 0;
    WORKS(reflow_message_numbers(REFLOW_NUMBER_U8, bytes, 2, &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_numbers(message, &type, &data, &count));
    CHECK(type == REFLOW_NUMBER_U8 && count == 2 && memcmp(data, bytes, 2) == 0);
    CHECK((const void *)bytes != data);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(message, 1, &element));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(element, &integer));
    CHECK(integer == 255);
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_message_get_at(message, 2, &element));
    CHECK(element.tag == 0);
    reflow_message_unref(message);
    WORKS(reflow_message_numbers(REFLOW_NUMBER_U64, words, 2, &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(message, 1, &element));
    CHECK(reflow_message_kind(element) == REFLOW_KIND_FLOAT);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_float(element, &number));
    CHECK(number == 18446744073709551616.0);
    reflow_message_unref(message);
    for (reflow_number each = REFLOW_NUMBER_I8; each <= REFLOW_NUMBER_F64; ++each) {
        WORKS(reflow_message_numbers(each, words, 1, &message, &e));
        CHECK(reflow_message_count(message) == 1);
        reflow_message_unref(message);
        WORKS(reflow_message_numbers(each, NULL, 0, &message, &e));
        CHECK(is_json(message, "[]"));
        reflow_message_unref(message);
    }
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_numbers(0, words, 1, &message, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_numbers(-1, words, 1, &message, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_numbers(11, words, 1, &message, &e));
    message = json("[1,\"x\"]");
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_message_get_numbers(message, &type, &data, &count));
    CHECK(type == 0 && data == NULL && count == 0);
    reflow_message_unref(message);
}

static void test_wraps(void) {
    static const reflow_kind kinds[] = {REFLOW_KIND_EVENT, REFLOW_KIND_ANY,
                                        REFLOW_KIND_OPTIONAL};
    reflow_message out, content, none = {0, 0};
    int ends = 0;
    for (size_t i = 0; i < 3; ++i) {
        WORKS(reflow_message_wrap(kinds[i], counted(&ends), &out, &e));
        CHECK(reflow_message_kind(out) == kinds[i]);
        CHECK_STATUS(REFLOW_OK, reflow_message_get_content(out, &content));
        CHECK(reflow_message_kind(content) == REFLOW_KIND_STRING);
        reflow_message_unref(out);
        CHECK(ends == (int)i + 1);
    }
    WORKS(reflow_message_wrap(REFLOW_KIND_OPTIONAL, none, &out, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_content(out, &content));
    CHECK(reflow_message_kind(content) == REFLOW_KIND_NONE);
    reflow_message_unref(out);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_wrap(REFLOW_KIND_ANY, none, &out, &e));
    ends = 0;
    FAILS(REFLOW_ERROR_WRONG_KIND,
          reflow_message_wrap(REFLOW_KIND_STRING, counted(&ends), &out, &e));
    FAILS(REFLOW_ERROR_WRONG_KIND, reflow_message_wrap(-5, counted(&ends), &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_wrap(REFLOW_KIND_ANY, counted(&ends), NULL, &e));
    CHECK(ends == 3);
    WORKS(reflow_message_network_event(text_of("HeartbeatMissed"), counted(&ends), &out, &e));
    reflow_view type;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_event_type(out, &type));
    CHECK(same_text(type, "HeartbeatMissed"));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_content(out, &content));
    reflow_message_unref(out);
    CHECK(ends == 4);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_network_event(text_of("x"), counted(&ends), NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_network_event(null_view(), counted(&ends), &out, &e));
    CHECK(ends == 6);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_network_event(text_of("x"), none, &out, &e));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_content(none, &content));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_event_type(none, &type));
}

/* 128 levels work and one more does not, whatever makes them; deep messages end well. */
static void test_depth(void) {
    reflow_message message = reflow_message_null(), out;
    for (int depth = 0; depth < REFLOW_MAX_DEPTH; ++depth) {
        if (depth % 3 == 0) {
            WORKS(reflow_message_wrap(REFLOW_KIND_ANY, message, &out, &e));
        } else if (depth % 3 == 1) {
            reflow_array_builder *array = NULL;
            WORKS(reflow_array_builder_create(0, &array, &e));
            WORKS(reflow_array_builder_append(array, message, &e));
            WORKS(reflow_array_builder_finish(array, &out, &e));
        } else {
            reflow_object_builder *object = NULL;
            WORKS(reflow_object_builder_create(0, &object, &e));
            WORKS(reflow_object_builder_set(object, text_of("k"), message, &e));
            WORKS(reflow_object_builder_finish(object, &out, &e));
        }
        message = out;
    }
    reflow_array_builder *array = NULL;
    reflow_object_builder *object = NULL;
    WORKS(reflow_array_builder_create(0, &array, &e));
    WORKS(reflow_object_builder_create(0, &object, &e));
    FAILS(REFLOW_ERROR_LIMIT, reflow_array_builder_append(array, reflow_message_ref(message), &e));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_object_builder_set(object, text_of("k"), reflow_message_ref(message), &e));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_wrap(REFLOW_KIND_EVENT, reflow_message_ref(message), &out, &e));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_network_event(text_of("x"), reflow_message_ref(message), &out, &e));
    CHECK(out.tag == 0);
    /* The builders were not harmed. */
    WORKS(reflow_array_builder_finish(array, &out, &e));
    CHECK(is_json(out, "[]"));
    reflow_message_unref(out);
    WORKS(reflow_object_builder_finish(object, &out, &e));
    CHECK(is_json(out, "{}"));
    reflow_message_unref(out);
    reflow_message_unref(message);
}

static void test_streams(void) {
    reflow_stream_info info = {0}, read = {0};
    reflow_message message, none = {0, 0};
    info.struct_size = sizeof info;
    info.stream_id = 7;
    info.origin_actor = text_of("actor");
    info.origin_port = text_of("out");
    WORKS(reflow_message_stream(&info, &message, &e));
    read.struct_size = sizeof read;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_stream(message, &read));
    CHECK(read.stream_id == 7 && read.has_size_hint == 0);
    CHECK(same_text(read.origin_actor, "actor") && same_text(read.origin_port, "out"));
    CHECK(same_text(read.content_type, ""));
    read.struct_size = 3;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_stream(message, &read));
    read.struct_size = sizeof read;
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_stream(none, &read));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_stream(message, NULL));
    reflow_message_unref(message);
    info.struct_size = 0;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_stream(&info, &message, &e));
    info.struct_size = (uint32_t)offsetof(reflow_stream_info, origin_actor);
    WORKS(reflow_message_stream(&info, &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_stream(message, &read));
    CHECK(same_text(read.origin_actor, ""));
    reflow_message_unref(message);
    reflow_view network, actor, port;
    WORKS(reflow_message_remote(text_of("n"), text_of("a"), text_of("p"), &message, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_remote(message, &network, &actor, &port));
    CHECK(same_text(network, "n") && same_text(actor, "a") && same_text(port, "p"));
    reflow_message_unref(message);
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_message_get_remote(none, &network, &actor, &port));
}

static void test_builders(void) {
    reflow_array_builder *array = NULL;
    reflow_object_builder *object = NULL;
    reflow_message out, value, none = {0, 0};
    reflow_view key;
    int ends = 0;
    WORKS(reflow_array_builder_create(SIZE_MAX, &array, &e));
    WORKS(reflow_array_builder_append(array, counted(&ends), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_array_builder_append(array, none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_array_builder_append(NULL, counted(&ends), &e));
    CHECK(ends == 1);
    reflow_array_builder_destroy(array);
    CHECK(ends == 2);
    WORKS(reflow_array_builder_create(1, &array, &e));
    WORKS(reflow_array_builder_append(array, counted(&ends), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_array_builder_finish(array, NULL, &e));
    CHECK(ends == 3); /* the builder was taken all the same */
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_array_builder_finish(NULL, &out, &e));
    WORKS(reflow_object_builder_create(SIZE_MAX, &object, &e));
    for (int i = 0; i < 100; ++i) {
        char name[8];
        snprintf(name, sizeof name, "k%d", i);
        WORKS(reflow_object_builder_set(object, text_of(name), reflow_message_integer(i), &e));
    }
    WORKS(reflow_object_builder_set(object, text_of("k3"), counted(&ends), &e));
    WORKS(reflow_object_builder_set(object, text_of("k3"), counted(&ends), &e));
    CHECK(ends == 4);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_object_builder_set(object, text_of("k"), none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_object_builder_set(object, null_view(), counted(&ends), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_object_builder_set(NULL, text_of("k"), counted(&ends), &e));
    CHECK(ends == 6);
    WORKS(reflow_object_builder_set(object, sized("a\0b", 3), reflow_message_null(), &e));
    WORKS(reflow_object_builder_finish(object, &out, &e));
    CHECK(reflow_message_count(out) == 101);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_key(out, 3, &key));
    CHECK(same_text(key, "k3"));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(out, sized("a\0b", 3), &value));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_message_get(out, text_of("a"), &value));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_message_get_key(out, 101, &key));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_message_get_at(out, SIZE_MAX, &value));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_message_get(reflow_message_null(), text_of("a"), &value));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_at(reflow_message_null(), 0, &value));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_key(reflow_message_null(), 0, &key));
    CHECK(reflow_message_count(none) == 0);
    CHECK(ends == 6);
    reflow_message_unref(out);
    CHECK(ends == 7);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_object_builder_finish(NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_object_builder_create(0, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_array_builder_create(0, NULL, &e));
    WORKS(reflow_object_builder_create(0, &object, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_object_builder_finish(object, NULL, &e));
    reflow_object_builder_destroy(NULL);
    reflow_array_builder_destroy(NULL);
}

static void test_nulls(void) {
    reflow_message out, one = reflow_message_integer(1);
    reflow_view view;
    reflow_number type;
    const void *data;
    size_t count;
    reflow_stream_info info = {0};
    info.struct_size = sizeof info;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_string(text_of("x"), NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_string(null_view(), &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_bytes("x", 1, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_bytes(NULL, 1, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_numbers(1, "x", 1, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_numbers(1, NULL, 1, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_error(text_of("x"), NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_error(null_view(), &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_encoded(NULL, 1, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_encoded("x", 1, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_stream(NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_stream(&info, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_remote(text_of(""), text_of(""), text_of(""), NULL, &e));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_boolean(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_integer(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_float(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_text(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_bytes(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_at(one, 0, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_key(one, 0, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get(one, text_of("x"), NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get(one, null_view(), &out));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_message_get_numbers(one, NULL, &data, &count));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_message_get_numbers(one, &type, NULL, &count));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_message_get_numbers(one, &type, &data, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_content(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_get_event_type(one, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_message_get_remote(one, NULL, &view, &view));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_message_get_remote(one, &view, NULL, &view));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_message_get_remote(one, &view, &view, NULL));
    CHECK(reflow_message_take(NULL).tag == 0);
}

static void test_wrong_kinds(void) {
    reflow_message text = json("\"1\"");
    bool boolean = true;
    int64_t integer = 5;
    double number = 5;
    reflow_view view;
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_boolean(text, &boolean));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_integer(text, &integer));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND,
                 reflow_message_get_integer(reflow_message_float(1), &integer));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_float(text, &number));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_text(reflow_message_null(), &view));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_message_get_bytes(reflow_message_null(), &view));
    CHECK(!boolean && integer == 0 && number == 0 && view.data == NULL && view.size == 0);
    reflow_message_unref(text);
}

static void test_take_and_equal(void) {
    int ends = 0;
    reflow_message message = counted(&ends);
    reflow_message taken = reflow_message_take(&message);
    CHECK(message.tag == 0 && message.payload == 0);
    reflow_message_unref(message);
    CHECK(ends == 0);
    reflow_message_unref(taken);
    CHECK(ends == 1);
    static const struct {
        const char *a, *b;
        bool equal;
    } pairs[] = {
        {"1", "1", true},          {"1", "1.0", false},     {"\"a\"", "\"a\"", true},
        {"[1,2]", "[1,2]", true},  {"[1,2]", "[2,1]", false}, {"[]", "{}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"[1,2.5]", "[1.0,2.5]", false},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; ++i) {
        reflow_message a = json(pairs[i].a), b = json(pairs[i].b);
        CHECK(reflow_message_equal(a, b) == pairs[i].equal);
        CHECK(reflow_message_equal(b, a) == pairs[i].equal);
        reflow_message_unref(a);
        reflow_message_unref(b);
    }
    CHECK(reflow_message_equal(reflow_message_float(NAN), reflow_message_float(-NAN)));
    static const int8_t small[] = {1, 2};
    reflow_message packed, plain = json("[1,2]");
    WORKS(reflow_message_numbers(REFLOW_NUMBER_I8, small, 2, &packed, &e));
    CHECK(reflow_message_equal(packed, plain));
    reflow_message_unref(packed);
    reflow_message_unref(plain);
}

static void test_payload_size(void) {
    static const struct {
        const char *text;
        uint64_t size;
    } cases[] = {
        {"null", 8},
        {"7", 8},
        {"\"four\"", 4},
        {"\"\"", 0},
        {"[]", 0},
        {"[1,2,3]", 24},
        {"[1.5,true,\"ab\",[4,5],{}]", 8 + 8 + 2 + 16},
        {"{\"key\":\"value\",\"other\":[1,\"x\"]}", 3 + 5 + 5 + 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        reflow_message message = json(cases[i].text);
        CHECK(reflow_message_payload_size(message) == cases[i].size);
        reflow_message_unref(message);
    }
    reflow_message none = {0, 0};
    CHECK(reflow_message_payload_size(none) == 0);
    static const float numbers[3] = {1, 2, 3};
    reflow_message packed, wrapped, deep;
    WORKS(reflow_message_numbers(REFLOW_NUMBER_F32, numbers, 3, &packed, &e));
    CHECK(reflow_message_payload_size(packed) == 12);
    WORKS(reflow_message_wrap(REFLOW_KIND_OPTIONAL, packed, &wrapped, &e));
    CHECK(reflow_message_payload_size(wrapped) == 12);
    WORKS(reflow_message_network_event(text_of("type"), wrapped, &wrapped, &e));
    CHECK(reflow_message_payload_size(wrapped) == 16);
    reflow_message_unref(wrapped);
    char text[2 * REFLOW_MAX_DEPTH + 2];
    memset(text, '[', REFLOW_MAX_DEPTH);
    text[REFLOW_MAX_DEPTH] = '7';
    memset(text + REFLOW_MAX_DEPTH + 1, ']', REFLOW_MAX_DEPTH);
    text[2 * REFLOW_MAX_DEPTH + 1] = 0;
    deep = json(text);
    CHECK(reflow_message_payload_size(deep) == 8);
    reflow_message_unref(deep);
}

int main(void) {
    check_time_limit(30);
    test_scalars();
    test_kind_names();
    test_texts();
    test_bad_texts();
    test_lend();
    test_sizes();
    test_numbers();
    test_wraps();
    test_depth();
    test_streams();
    test_builders();
    test_nulls();
    test_wrong_kinds();
    test_take_and_equal();
    test_payload_size();
    return 0;
}
