/* Section 6 of reflow.h: codecs, through the interface only. The grammars have tests of their own. */
#include "check.h"

static reflow_read_options read_options(void) {
    reflow_read_options options = {0};
    options.struct_size = sizeof options;
    return options;
}

/* Every kind there is. */
static reflow_message everything(void) {
    reflow_array_builder *array = NULL;
    WORKS(reflow_array_builder_create(0, &array, &e));
    reflow_message message;
    reflow_stream_info info = {0};
    info.struct_size = sizeof info;
    info.has_size_hint = 1;
    info.size_hint = UINT64_MAX;
    info.origin_actor = info.origin_port = info.content_type = text_of("x");
    static const double doubles[] = {0.5, -1e300};
#define APPEND(call)                                              \
    do {                                                          \
        WORKS(call);                                              \
        WORKS(reflow_array_builder_append(array, message, &e));   \
    } while (0)
    APPEND(reflow_message_string(sized("a\0\xc3\xa9", 4), &message, &e));
    APPEND(reflow_message_bytes("\xff\0\x80", 3, &message, &e));
    APPEND(reflow_message_error(text_of("bad"), &message, &e));
    APPEND(reflow_message_numbers(REFLOW_NUMBER_F64, doubles, 2, &message, &e));
    APPEND(reflow_message_wrap(REFLOW_KIND_EVENT, json("{\"k\":null}"), &message, &e));
    APPEND(reflow_message_wrap(REFLOW_KIND_ANY, json("[true,false]"), &message, &e));
    reflow_message none = {0, 0};
    APPEND(reflow_message_wrap(REFLOW_KIND_OPTIONAL, none, &message, &e));
    APPEND(reflow_message_wrap(REFLOW_KIND_OPTIONAL, reflow_message_flow(), &message, &e));
    APPEND(reflow_message_stream(&info, &message, &e));
    APPEND(reflow_message_remote(text_of("n"), text_of("a"), text_of("p"), &message, &e));
    APPEND(reflow_message_network_event(text_of("T"), json("[1]"), &message, &e));
    WORKS(reflow_array_builder_append(array, reflow_message_integer(INT64_MIN), &e));
    WORKS(reflow_array_builder_append(array, reflow_message_float(1e-320), &e));
    WORKS(reflow_array_builder_finish(array, &message, &e));
    return message;
}

static void test_round_trips(void) {
    reflow_message message = everything(), back;
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_msgpack(message, &buffer, &e));
    reflow_view view = reflow_buffer_get(buffer);
    WORKS(reflow_message_from_msgpack(view.data, view.size, NULL, &back, &e));
    CHECK(reflow_message_equal(message, back));
    reflow_message_unref(back);
    FAILS(REFLOW_ERROR_PARSE,
          reflow_message_from_msgpack(view.data, view.size - 1, NULL, &back, &e));
    CHECK(back.tag == 0);
    reflow_buffer_destroy(buffer);
    WORKS(reflow_message_to_json(message, REFLOW_JSON_TAGGED, &buffer, &e));
    WORKS(reflow_message_from_tagged_json(reflow_buffer_get(buffer), NULL, &back, &e));
    CHECK(reflow_message_equal(message, back));
    reflow_message_unref(back);
    reflow_buffer_destroy(buffer);
    WORKS(reflow_message_to_json(message, REFLOW_JSON_PLAIN_PRETTY, &buffer, &e));
    CHECK(strchr(reflow_buffer_get(buffer).data, '\n') != NULL);
    reflow_buffer_destroy(buffer);
    reflow_message_unref(message);
}

static void test_places(void) {
    reflow_message out;
    reflow_error *error = NULL;
    reflow_place place = {0};
    CHECK_STATUS(REFLOW_ERROR_PARSE,
                 reflow_message_from_json(text_of("{\n \"a\": tru }"), NULL, &out, &error));
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    CHECK(place.line == 2 && place.column >= 7 && place.column <= 10);
    CHECK(place.offset == (uint64_t)place.column + 1);
    reflow_error_destroy(error);
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_json(text_of(""), NULL, &out, &e));
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_json(sized(NULL, 0), NULL, &out, &e));
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_json(sized("1\0", 2), NULL, &out, &e));
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_json(text_of("\xef\xbb\xbf" "1"), NULL, &out, &e));
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_tagged_json(text_of("{}"), NULL, &out, &e));
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_msgpack("\xc1", 1, NULL, &out, &e));
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_msgpack("", 0, NULL, &out, &e));
    reflow_message encoded;
    reflow_buffer *buffer = (reflow_buffer *)(uintptr_t)1;
    WORKS(reflow_message_encoded("\xc1", 1, &encoded, &e));
    FAILS(REFLOW_ERROR_PARSE,
          reflow_message_to_json(encoded, REFLOW_JSON_PLAIN, &buffer, &e));
    CHECK(buffer == NULL);
    reflow_message_unref(encoded);
}

static void test_limits(void) {
    reflow_read_options options = read_options();
    reflow_message out;
    options.max_depth = 2;
    WORKS(reflow_message_from_json(text_of("[[1]]"), &options, &out, &e));
    reflow_message_unref(out);
    FAILS(REFLOW_ERROR_LIMIT, reflow_message_from_json(text_of("[[[1]]]"), &options, &out, &e));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_from_msgpack("\x91\x91\x91\x01", 4, &options, &out, &e));
    options = read_options();
    options.max_bytes = 4;
    WORKS(reflow_message_from_json(text_of("1234"), &options, &out, &e));
    FAILS(REFLOW_ERROR_LIMIT, reflow_message_from_json(text_of("12345"), &options, &out, &e));
    options = read_options();
    options.max_elements = 3;
    FAILS(REFLOW_ERROR_LIMIT, reflow_message_from_json(text_of("[1,2,3,4]"), &options, &out, &e));
    options = read_options();
    options.max_depth = REFLOW_MAX_DEPTH;
    char deep[2 * REFLOW_MAX_DEPTH + 3];
    memset(deep, '[', REFLOW_MAX_DEPTH);
    memset(deep + REFLOW_MAX_DEPTH, ']', REFLOW_MAX_DEPTH);
    WORKS(reflow_message_from_json(sized(deep, 2 * REFLOW_MAX_DEPTH), &options, &out, &e));
    reflow_message_unref(out);
    memset(deep, '[', REFLOW_MAX_DEPTH + 1);
    memset(deep + REFLOW_MAX_DEPTH + 1, ']', REFLOW_MAX_DEPTH + 1);
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_from_json(sized(deep, 2 * REFLOW_MAX_DEPTH + 2), NULL, &out, &e));
    /* Keys twice: the last one wins, unless they are refused. */
    options.unique_keys = 1;
    static const char *const twice = "[{\"a\":1},\n {\"a\":1,\"b\":{\"a\":2},\"\\u0061\":3}]";
    WORKS(reflow_message_from_json(text_of(twice), NULL, &out, &e));
    reflow_message_unref(out);
    FAILS(REFLOW_ERROR_PARSE, reflow_message_from_json(text_of(twice), &options, &out, &e));
    WORKS(reflow_message_from_json(text_of("[{\"a\":1},{\"a\":{\"a\":2}}]"), &options, &out, &e));
    reflow_message_unref(out);
    options.unique_keys = 2;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_from_json(text_of("1"), &options, &out, &e));
    options.unique_keys = 0;
    options.max_depth = REFLOW_MAX_DEPTH + 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_from_json(text_of("1"), &options, &out, &e));
}

/* Structs of other versions. */
static void test_options(void) {
    reflow_message out;
    struct {
        reflow_read_options options;
        uint64_t tail[8];
    } large;
    memset(&large, 0, sizeof large);
    large.options.struct_size = sizeof large;
    WORKS(reflow_message_from_json(text_of("1"), &large.options, &out, &e));
    for (size_t at = 0; at < sizeof large.tail; ++at) {
        unsigned char *byte = (unsigned char *)large.tail + at;
        *byte = 1;
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_message_from_json(text_of("1"), &large.options, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_message_from_tagged_json(text_of("null"), &large.options, &out, &e));
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_message_from_msgpack("\x01", 1, &large.options, &out, &e));
        *byte = 0;
    }
    reflow_read_options small = read_options();
    small.struct_size = (uint32_t)offsetof(reflow_read_options, max_bytes);
    small.max_bytes = 1; /* not read */
    WORKS(reflow_message_from_json(text_of("123"), &small, &out, &e));
    static const uint32_t wrong[] = {0, 1, 4, UINT32_MAX};
    for (size_t i = 0; i < 4; ++i) {
        small.struct_size = wrong[i];
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_message_from_json(text_of("1"), &small, &out, &e));
    }
}

static void test_misuse(void) {
    reflow_message out, none = {0, 0}, one = reflow_message_integer(1);
    reflow_buffer *buffer = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_from_json(null_view(), NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_from_json(text_of("1"), NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_from_tagged_json(null_view(), NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_from_tagged_json(text_of("null"), NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_from_msgpack(NULL, 1, NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_from_msgpack("\x01", 1, NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_message_from_msgpack("\x01", SIZE_MAX, NULL, &out, &e));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_from_msgpack("\x01", SIZE_MAX - 1, NULL, &out, &e));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_message_from_json(sized("1", SIZE_MAX - 1), NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_to_json(one, 0, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_to_json(one, 3, &buffer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_to_json(one, -1, &buffer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_to_json(none, 0, &buffer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_to_msgpack(one, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_message_to_msgpack(none, &buffer, &e));
    CHECK(buffer == NULL);
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        char text[16] = "\"";
        memcpy(text + 1, bad_texts[i].data, bad_texts[i].size);
        text[bad_texts[i].size + 1] = '"';
        FAILS(REFLOW_ERROR_PARSE,
              reflow_message_from_json(sized(text, bad_texts[i].size + 2), NULL, &out, &e));
    }
}

int main(void) {
    check_time_limit(30);
    test_round_trips();
    test_places();
    test_limits();
    test_options();
    test_misuse();
    return 0;
}
