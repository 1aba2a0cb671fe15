/* Section 4 of reflow.h: errors, their place, hint and cause. */
#include "check.h"

/* Fails with a place, and returns the error. */
static reflow_error *parse_error(void) {
    reflow_error *error = NULL;
    reflow_graph *graph = (reflow_graph *)(uintptr_t)1;
    CHECK_STATUS(REFLOW_ERROR_PARSE,
                 reflow_graph_load(text_of("{\n  \"processes\": [,]\n}"), REFLOW_FORMAT_JSON,
                                   text_of("f.json"), &graph, &error));
    CHECK(graph == NULL);
    CHECK(error != NULL);
    return error;
}

static void test_none(void) {
    CHECK(reflow_error_status(NULL) == REFLOW_OK);
    CHECK(same_text(reflow_error_message(NULL), ""));
    CHECK(same_text(reflow_error_hint(NULL), ""));
    CHECK(same_text(reflow_error_text(NULL), ""));
    CHECK(reflow_error_cause(NULL) == NULL);
    reflow_place place = {0};
    place.struct_size = sizeof place;
    place.line = 77;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(NULL, &place));
    CHECK(place.line == 0 && place.file.data != NULL && place.file.size == 0);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_error_place(NULL, NULL));
    reflow_error_destroy(NULL);
}

static void test_place(void) {
    reflow_error *error = parse_error();
    CHECK(reflow_error_status(error) == REFLOW_ERROR_PARSE);
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    CHECK(place.struct_size == sizeof place);
    CHECK(place.line == 2 && place.column == 17);
    CHECK(place.has_offset == 1 && place.offset == 18);
    CHECK(same_text(place.file, "f.json"));
    CHECK(place.node.data != NULL && place.port.data != NULL && place.path.data != NULL);
    CHECK(strncmp(reflow_error_text(error).data, "f.json:2:17: ", 13) == 0);
    CHECK(reflow_error_cause(error) == NULL);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_error_place(error, NULL));
    reflow_error_destroy(error);
}

/* Sizes of other versions: smaller is filled as far as it goes, larger too, absurd is refused. */
static void test_place_sizes(void) {
    reflow_error *error = parse_error();
    static const uint32_t wrong[] = {0, 1, 4, 7, 5000, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        reflow_place place = {0};
        place.struct_size = wrong[i];
        CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_error_place(error, &place));
    }
    reflow_place small;
    memset(&small, 0x5a, sizeof small);
    small.struct_size = (uint32_t)offsetof(reflow_place, offset);
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &small));
    CHECK(small.struct_size == offsetof(reflow_place, offset) && small.line == 2);
    CHECK(small.offset == UINT64_C(0x5a5a5a5a5a5a5a5a));
    struct {
        reflow_place place;
        uint64_t tail[4];
    } large;
    memset(&large, 0x5a, sizeof large);
    large.place.struct_size = sizeof large;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &large.place));
    CHECK(large.place.line == 2 && large.place.struct_size == sizeof large);
    for (size_t i = 0; i < 4; ++i) CHECK(large.tail[i] == 0);
    reflow_error_destroy(error);
}

static reflow_status never(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    return REFLOW_OK;
}

static void test_cause(void) {
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_INLINE;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("X");
    component.run = never;
    component.config_schema = text_of("{\"type\":}");
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_CONFIG, reflow_runtime_register(runtime, &component, &error));
    const reflow_error *cause = reflow_error_cause(error);
    CHECK(cause != NULL && reflow_error_status(cause) == REFLOW_ERROR_PARSE);
    CHECK(reflow_error_message(cause).size != 0 && reflow_error_text(cause).size != 0);
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(cause, &place));
    CHECK(place.line == 1 && place.column == 9);
    /* An error outlives what it is about. */
    reflow_runtime_destroy(runtime);
    CHECK(strstr(reflow_error_text(error).data, reflow_error_message(cause).data) != NULL);
    reflow_error_destroy(error);
}

static void test_hint(void) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_create(text_of("g"), &graph, &e));
    WORKS(reflow_graph_add_node(graph, text_of("reader"), text_of("X"), reflow_message_null(),
                                &e));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_graph_remove_node(graph, text_of("raeder"), &error));
    CHECK(strstr(reflow_error_hint(error).data, "'reader'") != NULL);
    CHECK(strstr(reflow_error_text(error).data, reflow_error_hint(error).data) != NULL);
    reflow_error_destroy(error);
    reflow_graph_destroy(graph);
}

/* Wrong bytes of text are named by their offset, wherever text goes in. */
static void test_offset(void) {
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        reflow_graph *graph = NULL;
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_INVALID_UTF8,
                     reflow_graph_create(sized(bad_texts[i].data, bad_texts[i].size), &graph,
                                         &error));
        reflow_place place = {0};
        place.struct_size = sizeof place;
        CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
        CHECK(place.has_offset == 1 && place.offset == bad_texts[i].offset && place.line == 0);
        char offset[32];
        snprintf(offset, sizeof offset, " %zu", bad_texts[i].offset);
        CHECK(strstr(reflow_error_text(error).data, offset) != NULL);
        reflow_error_destroy(error);
    }
}

int main(void) {
    check_time_limit(30);
    test_none();
    test_place();
    test_place_sizes();
    test_cause();
    test_hint();
    test_offset();
    return 0;
}
