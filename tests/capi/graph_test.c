/* Section 9 of reflow.h: graphs, their edits, documents and pictures. */
#include "check.h"

#include <sys/stat.h>

#include "rig.h"

static reflow_view name_of(const char *text) { return text_of(text); }

/* One of everything. */
static reflow_graph *rich(void) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, name_of("a"), name_of("Merge"), json("{\"k\":[1,2.5]}"),
                                &e));
    reflow_message none = {0, 0};
    WORKS(reflow_graph_add_node(graph, name_of("b"), name_of("Tee"), none, &e));
    rig_connect(graph, "a.out", "b.in", "{\"capacity\":5}");
    rig_connect(graph, "b.out[2]", "a.in[3]", NULL);
    rig_initial(graph, "b.in", json("{\"x\":null}"));
    rig_initial(graph, "b.in", reflow_message_integer(2));
    reflow_endpoint end = rig_end("a.in");
    WORKS(reflow_graph_add_inport(graph, name_of("input"), &end, name_of("array<integer>"), &e));
    end = rig_end("b.out");
    WORKS(reflow_graph_add_outport(graph, name_of("output"), &end, name_of(""), &e));
    reflow_view nodes[2] = {name_of("a"), name_of("b")};
    WORKS(reflow_graph_add_group(graph, name_of("both"), nodes, 2, &e));
    WORKS(reflow_graph_set_property(graph, name_of("description"), json("\"text\""), &e));
    return graph;
}

static void test_edits(void) {
    reflow_graph *graph = rich(), *copy = NULL;
    CHECK(reflow_graph_node_count(graph) == 2 && reflow_graph_connection_count(graph) == 2);
    CHECK(reflow_graph_initial_count(graph) == 2);
    WORKS(reflow_graph_copy(graph, &copy, &e));
    CHECK(reflow_graph_equal(graph, copy) && reflow_graph_equal(graph, graph));
    WORKS(reflow_graph_rename_node(graph, name_of("a"), name_of("c"), &e));
    CHECK(!reflow_graph_equal(graph, copy));
    reflow_message config;
    WORKS(reflow_graph_get_config(graph, name_of("c"), &config, &e));
    CHECK(is_json(config, "{\"k\":[1,2.5]}"));
    WORKS(reflow_graph_get_config(graph, name_of("b"), &config, &e));
    CHECK(reflow_message_kind(config) == REFLOW_KIND_NULL);
    WORKS(reflow_graph_rename_node(graph, name_of("c"), name_of("a"), &e));
    CHECK(reflow_graph_equal(graph, copy));
    WORKS(reflow_graph_set_component(graph, name_of("a"), name_of("Log"), &e));
    WORKS(reflow_graph_set_config(graph, name_of("a"), json("{\"m\":1}"), &e));
    WORKS(reflow_graph_set_config_value(graph, name_of("a"), name_of("p.q.r"),
                                        reflow_message_boolean(true), &e));
    WORKS(reflow_graph_get_config(graph, name_of("a"), &config, &e));
    CHECK(is_json(config, "{\"m\":1,\"p\":{\"q\":{\"r\":true}}}"));
    reflow_message none = {0, 0};
    WORKS(reflow_graph_set_config_value(graph, name_of("a"), name_of("p"), none, &e));
    WORKS(reflow_graph_get_config(graph, name_of("a"), &config, &e));
    CHECK(is_json(config, "{\"m\":1}"));
    reflow_endpoint a = rig_end("a.out"), b = rig_end("b.in");
    WORKS(reflow_graph_disconnect(graph, &a, &b, &e));
    WORKS(reflow_graph_remove_initials(graph, &b, &e));
    WORKS(reflow_graph_remove_inport(graph, name_of("input"), &e));
    WORKS(reflow_graph_remove_outport(graph, name_of("output"), &e));
    WORKS(reflow_graph_remove_group(graph, name_of("both"), &e));
    WORKS(reflow_graph_set_property(graph, name_of("description"), none, &e));
    CHECK(reflow_graph_connection_count(graph) == 1 && reflow_graph_initial_count(graph) == 0);
    WORKS(reflow_graph_remove_node(graph, name_of("a"), &e));
    CHECK(reflow_graph_node_count(graph) == 1 && reflow_graph_connection_count(graph) == 0);
    CHECK(reflow_graph_node_count(copy) == 2); /* it shares nothing that can change */
    reflow_graph_destroy(graph);
    WORKS(reflow_graph_remove_node(copy, name_of("b"), &e));
    CHECK(reflow_graph_initial_count(copy) == 0 && reflow_graph_connection_count(copy) == 0);
    reflow_graph_destroy(copy);
}

/* Edits that cannot be made: an error, and nothing has changed. */
static void test_refused(void) {
    reflow_graph *graph = rich(), *before = NULL;
    WORKS(reflow_graph_copy(graph, &before, &e));
    reflow_view a = name_of("a"), x = name_of("x");
    reflow_message none = {0, 0}, object = json("{}");
    reflow_endpoint ao = rig_end("a.out"), bi = rig_end("b.in"), xo = rig_end("x.out");
#define SAME(status, call)                          \
    do {                                            \
        FAILS(status, call);                        \
        CHECK(reflow_graph_equal(graph, before));   \
    } while (0)
    SAME(REFLOW_ERROR_ALREADY_EXISTS, reflow_graph_add_node(graph, a, x, none, &e));
    SAME(REFLOW_ERROR_WRONG_KIND,
         reflow_graph_add_node(graph, x, x, reflow_message_integer(1), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_node(graph, x, &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_rename_node(graph, x, a, &e));
    SAME(REFLOW_ERROR_ALREADY_EXISTS, reflow_graph_rename_node(graph, a, name_of("b"), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_set_component(graph, x, a, &e));
    SAME(REFLOW_ERROR_NOT_FOUND,
         reflow_graph_set_config(graph, x, reflow_message_ref(object), &e));
    SAME(REFLOW_ERROR_WRONG_KIND,
         reflow_graph_set_config(graph, a, reflow_message_boolean(true), &e));
    SAME(REFLOW_ERROR_NOT_FOUND,
         reflow_graph_set_config_value(graph, x, a, reflow_message_null(), &e));
    SAME(REFLOW_ERROR_NOT_FOUND,
         reflow_graph_set_config_value(graph, a, name_of("k.7"), reflow_message_null(), &e));
    SAME(REFLOW_ERROR_NOT_FOUND,
         reflow_graph_set_config_value(graph, a, name_of("k.0.y"), reflow_message_null(), &e));
    SAME(REFLOW_ERROR_ALREADY_EXISTS, reflow_graph_connect(graph, &ao, &bi, none, &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_connect(graph, &xo, &bi, none, &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_connect(graph, &ao, &xo, none, &e));
    reflow_endpoint ai = rig_end("a.in");
    SAME(REFLOW_ERROR_WRONG_KIND,
         reflow_graph_connect(graph, &ao, &ai, reflow_message_integer(1), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_disconnect(graph, &ao, &ai, &e));
    SAME(REFLOW_ERROR_NOT_FOUND,
         reflow_graph_add_initial(graph, &xo, reflow_message_null(), &e));
    SAME(REFLOW_ERROR_INVALID_ARGUMENT, reflow_graph_add_initial(graph, &bi, none, &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_initials(graph, &ao, &e));
    SAME(REFLOW_ERROR_ALREADY_EXISTS,
         reflow_graph_add_inport(graph, name_of("input"), &ai, name_of("any"), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_add_inport(graph, x, &xo, name_of("any"), &e));
    SAME(REFLOW_ERROR_CONFIG, reflow_graph_add_inport(graph, x, &ai, name_of("int"), &e));
    SAME(REFLOW_ERROR_ALREADY_EXISTS,
         reflow_graph_add_outport(graph, name_of("output"), &ao, name_of("any"), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_add_outport(graph, x, &xo, name_of("any"), &e));
    SAME(REFLOW_ERROR_CONFIG, reflow_graph_add_outport(graph, x, &ao, name_of("array<"), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_inport(graph, name_of("output"), &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_outport(graph, name_of("input"), &e));
    SAME(REFLOW_ERROR_ALREADY_EXISTS,
         reflow_graph_add_group(graph, name_of("both"), &a, 1, &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_add_group(graph, x, &x, 1, &e));
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_group(graph, x, &e));
    SAME(REFLOW_ERROR_WRONG_KIND,
         reflow_graph_set_property(graph, name_of("name"), reflow_message_integer(1), &e));
    reflow_message config = reflow_message_integer(1);
    SAME(REFLOW_ERROR_NOT_FOUND, reflow_graph_get_config(graph, x, &config, &e));
    CHECK(config.tag == 0);
    reflow_message_unref(object);
    reflow_graph_destroy(graph);
    reflow_graph_destroy(before);
}

/* Messages are taken also by a call that fails. */
static void test_taken(void) {
    reflow_graph *graph = rich();
    reflow_view a = name_of("a"), bad = name_of("\xff");
    reflow_endpoint ao = rig_end("a.out"), bi = rig_end("b.in");
    int ends = 0, calls = 0;
#define TAKES(status, call)           \
    do {                              \
        FAILS(status, call);          \
        CHECK(ends == ++calls);       \
    } while (0)
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT, reflow_graph_add_node(NULL, a, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_UTF8, reflow_graph_add_node(graph, bad, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_WRONG_KIND, reflow_graph_add_node(graph, a, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT, reflow_graph_set_config(NULL, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_WRONG_KIND, reflow_graph_set_config(graph, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_set_config_value(NULL, a, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_UTF8,
          reflow_graph_set_config_value(graph, a, bad, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_connect(NULL, &ao, &bi, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_connect(graph, NULL, &bi, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_connect(graph, &ao, NULL, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_add_initial(NULL, &bi, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_add_initial(graph, NULL, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_graph_set_property(NULL, a, counted(&ends), &e));
    TAKES(REFLOW_ERROR_INVALID_UTF8,
          reflow_graph_set_property(graph, bad, counted(&ends), &e));
    WORKS(reflow_graph_add_initial(graph, &bi, counted(&ends), &e));
    CHECK(ends == calls);
    reflow_graph_destroy(graph);
    CHECK(ends == calls + 1);
}

static void test_misuse(void) {
    reflow_graph *graph = rich(), *out = NULL;
    reflow_view a = name_of("a"), b = name_of("b"), null = null_view();
    reflow_endpoint ao = rig_end("a.out"), bi = rig_end("b.in");
    reflow_message message;
    reflow_buffer *buffer = NULL;
#define WRONG(call) FAILS(REFLOW_ERROR_INVALID_ARGUMENT, call)
    WRONG(reflow_graph_create(null, &out, &e));
    WRONG(reflow_graph_create(a, NULL, &e));
    WRONG(reflow_graph_copy(NULL, &out, &e));
    WRONG(reflow_graph_copy(graph, NULL, &e));
    WRONG(reflow_graph_load(null, 0, a, &out, &e));
    WRONG(reflow_graph_load(name_of("{}"), 0, null, &out, &e));
    WRONG(reflow_graph_load(name_of("{}"), 0, a, NULL, &e));
    WRONG(reflow_graph_load(name_of("{}"), 4, a, &out, &e));
    WRONG(reflow_graph_load(name_of("{}"), -1, a, &out, &e));
    WRONG(reflow_graph_load_file(null, &out, &e));
    WRONG(reflow_graph_load_file(sized(NULL, 0), &out, &e));
    WRONG(reflow_graph_load_file(a, NULL, &e));
    WRONG(reflow_graph_save(NULL, 0, &buffer, &e));
    WRONG(reflow_graph_save(graph, 0, NULL, &e));
    WRONG(reflow_graph_save(graph, 4, &buffer, &e));
    WRONG(reflow_graph_save(graph, -1, &buffer, &e));
    WRONG(reflow_graph_save_file(NULL, a, 0, &e));
    WRONG(reflow_graph_save_file(graph, null, 0, &e));
    WRONG(reflow_graph_to_message(NULL, &message, &e));
    WRONG(reflow_graph_to_message(graph, NULL, &e));
    WRONG(reflow_graph_add_node(graph, null, a, reflow_message_null(), &e));
    WRONG(reflow_graph_add_node(graph, name_of("n"), null, reflow_message_null(), &e));
    WRONG(reflow_graph_remove_node(NULL, a, &e));
    WRONG(reflow_graph_remove_node(graph, null, &e));
    WRONG(reflow_graph_rename_node(NULL, a, b, &e));
    WRONG(reflow_graph_rename_node(graph, null, b, &e));
    WRONG(reflow_graph_rename_node(graph, a, null, &e));
    WRONG(reflow_graph_set_component(NULL, a, b, &e));
    WRONG(reflow_graph_set_component(graph, null, b, &e));
    WRONG(reflow_graph_set_component(graph, a, null, &e));
    WRONG(reflow_graph_set_config(graph, null, reflow_message_null(), &e));
    WRONG(reflow_graph_set_config_value(graph, null, a, reflow_message_null(), &e));
    WRONG(reflow_graph_set_config_value(graph, a, null, reflow_message_null(), &e));
    WRONG(reflow_graph_disconnect(NULL, &ao, &bi, &e));
    WRONG(reflow_graph_disconnect(graph, NULL, &bi, &e));
    WRONG(reflow_graph_disconnect(graph, &ao, NULL, &e));
    WRONG(reflow_graph_remove_initials(NULL, &bi, &e));
    WRONG(reflow_graph_remove_initials(graph, NULL, &e));
    WRONG(reflow_graph_add_inport(NULL, a, &bi, a, &e));
    WRONG(reflow_graph_add_inport(graph, null, &bi, name_of("any"), &e));
    WRONG(reflow_graph_add_inport(graph, a, NULL, name_of("any"), &e));
    WRONG(reflow_graph_add_inport(graph, a, &bi, null, &e));
    WRONG(reflow_graph_add_outport(NULL, a, &ao, name_of("any"), &e));
    WRONG(reflow_graph_add_outport(graph, null, &ao, name_of("any"), &e));
    WRONG(reflow_graph_add_outport(graph, a, NULL, name_of("any"), &e));
    WRONG(reflow_graph_add_outport(graph, a, &ao, null, &e));
    WRONG(reflow_graph_remove_inport(NULL, a, &e));
    WRONG(reflow_graph_remove_inport(graph, null, &e));
    WRONG(reflow_graph_remove_outport(NULL, a, &e));
    WRONG(reflow_graph_remove_outport(graph, null, &e));
    WRONG(reflow_graph_add_group(NULL, a, &a, 1, &e));
    WRONG(reflow_graph_add_group(graph, null, &a, 1, &e));
    WRONG(reflow_graph_add_group(graph, b, NULL, 1, &e));
    WRONG(reflow_graph_add_group(graph, b, &null, 1, &e));
    WRONG(reflow_graph_add_group(graph, b, &a, SIZE_MAX, &e));
    WRONG(reflow_graph_remove_group(NULL, a, &e));
    WRONG(reflow_graph_remove_group(graph, null, &e));
    WRONG(reflow_graph_set_property(graph, null, reflow_message_null(), &e));
    WRONG(reflow_graph_get_config(NULL, a, &message, &e));
    WRONG(reflow_graph_get_config(graph, null, &message, &e));
    WRONG(reflow_graph_get_config(graph, a, NULL, &e));
    WRONG(reflow_graph_validate(NULL, NULL, &message, &e));
    WRONG(reflow_graph_validate(graph, NULL, NULL, &e));
    WRONG(reflow_graph_render(NULL, REFLOW_PICTURE_TEXT, NULL, &buffer, &e));
    WRONG(reflow_graph_render(graph, REFLOW_PICTURE_TEXT, NULL, NULL, &e));
    WRONG(reflow_graph_render(graph, 0, NULL, &buffer, &e));
    WRONG(reflow_graph_render(graph, 6, NULL, &buffer, &e));
    CHECK(out == NULL && buffer == NULL);
    CHECK(reflow_graph_node_count(NULL) == 0 && reflow_graph_connection_count(NULL) == 0);
    CHECK(reflow_graph_initial_count(NULL) == 0);
    CHECK(!reflow_graph_equal(NULL, graph) && !reflow_graph_equal(graph, NULL));
    reflow_graph_destroy(NULL);
    reflow_graph_destroy(graph);
}

static void test_bad_texts(void) {
    reflow_graph *graph = rich(), *before = NULL;
    WORKS(reflow_graph_copy(graph, &before, &e));
    reflow_view a = name_of("a"), b = name_of("b");
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        reflow_view bad = sized(bad_texts[i].data, bad_texts[i].size);
        reflow_endpoint good = rig_end("a.out"), node = good, port = good;
        reflow_graph *out = NULL;
        reflow_message message, none = {0, 0};
        node.node = bad;
        port.port = bad;
#define NOT_TEXT(call) SAME(REFLOW_ERROR_INVALID_UTF8, call)
        NOT_TEXT(reflow_graph_load(name_of("{}"), REFLOW_FORMAT_JSON, bad, &out, &e));
        NOT_TEXT(reflow_graph_load_file(bad, &out, &e));
        NOT_TEXT(reflow_graph_save_file(graph, bad, REFLOW_FORMAT_JSON, &e));
        NOT_TEXT(reflow_graph_add_node(graph, bad, a, none, &e));
        NOT_TEXT(reflow_graph_add_node(graph, name_of("n"), bad, none, &e));
        NOT_TEXT(reflow_graph_remove_node(graph, bad, &e));
        NOT_TEXT(reflow_graph_rename_node(graph, bad, b, &e));
        NOT_TEXT(reflow_graph_rename_node(graph, a, bad, &e));
        NOT_TEXT(reflow_graph_set_component(graph, bad, a, &e));
        NOT_TEXT(reflow_graph_set_component(graph, a, bad, &e));
        NOT_TEXT(reflow_graph_set_config(graph, bad, none, &e));
        NOT_TEXT(reflow_graph_set_config_value(graph, bad, a, none, &e));
        NOT_TEXT(reflow_graph_connect(graph, &node, &good, none, &e));
        NOT_TEXT(reflow_graph_connect(graph, &port, &good, none, &e));
        NOT_TEXT(reflow_graph_connect(graph, &good, &node, none, &e));
        NOT_TEXT(reflow_graph_connect(graph, &good, &port, none, &e));
        NOT_TEXT(reflow_graph_disconnect(graph, &node, &good, &e));
        NOT_TEXT(reflow_graph_disconnect(graph, &good, &port, &e));
        NOT_TEXT(reflow_graph_add_initial(graph, &node, reflow_message_null(), &e));
        NOT_TEXT(reflow_graph_add_initial(graph, &port, reflow_message_null(), &e));
        NOT_TEXT(reflow_graph_remove_initials(graph, &node, &e));
        NOT_TEXT(reflow_graph_add_inport(graph, bad, &good, name_of("any"), &e));
        NOT_TEXT(reflow_graph_add_inport(graph, a, &port, name_of("any"), &e));
        NOT_TEXT(reflow_graph_add_inport(graph, a, &good, bad, &e));
        NOT_TEXT(reflow_graph_add_outport(graph, bad, &good, name_of("any"), &e));
        NOT_TEXT(reflow_graph_add_outport(graph, a, &node, name_of("any"), &e));
        NOT_TEXT(reflow_graph_add_outport(graph, a, &good, bad, &e));
        NOT_TEXT(reflow_graph_remove_inport(graph, bad, &e));
        NOT_TEXT(reflow_graph_remove_outport(graph, bad, &e));
        NOT_TEXT(reflow_graph_add_group(graph, bad, &a, 1, &e));
        NOT_TEXT(reflow_graph_add_group(graph, a, &bad, 1, &e));
        NOT_TEXT(reflow_graph_remove_group(graph, bad, &e));
        NOT_TEXT(reflow_graph_get_config(graph, bad, &message, &e));
    }
    reflow_graph_destroy(graph);
    reflow_graph_destroy(before);
}

/* ---- documents */

static void test_round_trips(void) {
    reflow_graph *graph = rich(), *back = NULL;
    for (reflow_format format = REFLOW_FORMAT_AUTO; format <= REFLOW_FORMAT_MSGPACK; ++format) {
        reflow_buffer *buffer = NULL;
        WORKS(reflow_graph_save(graph, format, &buffer, &e));
        WORKS(reflow_graph_load(reflow_buffer_get(buffer), format, name_of(""), &back, &e));
        CHECK(reflow_graph_equal(graph, back));
        reflow_graph_destroy(back);
        WORKS(reflow_graph_load(reflow_buffer_get(buffer), REFLOW_FORMAT_AUTO, name_of(""), &back,
                                &e));
        CHECK(reflow_graph_equal(graph, back));
        reflow_graph_destroy(back);
        reflow_buffer_destroy(buffer);
    }
    reflow_message message;
    WORKS(reflow_graph_to_message(graph, &message, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_OBJECT);
    reflow_graph_destroy(graph);
    CHECK(reflow_message_count(message) > 0);
    reflow_message_unref(message);
}

static void test_bad_documents(void) {
    static const struct {
        const char *text;
        reflow_status status;
    } documents[] = {
        {"", REFLOW_ERROR_PARSE},
        {"{", REFLOW_ERROR_PARSE},
        {"[]", REFLOW_ERROR_GRAPH},
        {"{\"processes\":5}", REFLOW_ERROR_GRAPH},
        {"{\"processes\":{\"a\":{}},\"processes\":{}}", REFLOW_ERROR_PARSE},
        {"\xef\xbb\xbf{}", REFLOW_ERROR_PARSE},
        {"{}\x80", REFLOW_ERROR_PARSE},
    };
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; ++i) {
        reflow_graph *graph = (reflow_graph *)(uintptr_t)1;
        reflow_error *error = NULL;
        reflow_status status = reflow_graph_load(name_of(documents[i].text), REFLOW_FORMAT_JSON,
                                                 name_of("doc.json"), &graph, &error);
        bool fine = status == REFLOW_ERROR_PARSE || status == REFLOW_ERROR_GRAPH;
        CHECK(fine && graph == NULL);
        if (status != documents[i].status) {
            check_failed(__FILE__, __LINE__, documents[i].text, reflow_error_text(error).data);
        }
        reflow_place place = {0};
        place.struct_size = sizeof place;
        CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
        CHECK(same_text(place.file, "doc.json"));
        reflow_error_destroy(error);
    }
}

/* The places of values, counted by hand; the nearest one around what is not there. */
static void test_places(void) {
    static const char *const yaml = "processes:\n  a: {component: Log}\nlist:\n  - x\n  - y\n";
    static const struct {
        const char *document, *path;
        int64_t line, column, offset;
    } cases[] = {
        {"{\"a\": [1,\n {\"b c\": \"\\\"}\"} , true]}", "$", 1, 1, 0},
        {"{\"a\": [1,\n {\"b c\": \"\\\"}\"} , true]}", "$.a", 1, 7, 6},
        {"{\"a\": [1,\n {\"b c\": \"\\\"}\"} , true]}", "$.a[1][\"b c\"]", 2, 10, 19},
        {"{\"a\": [1,\n {\"b c\": \"\\\"}\"} , true]}", "$.a[2]", 2, 19, 28},
        {"{\"a\": [1,\n {\"b c\": \"\\\"}\"} , true]}", "$.a[1].nothing", 2, 2, 11},
        {yaml, "$.processes.a", 2, 6, 16},
        {yaml, "$.list[1]", 5, 5, 49},
        {yaml, "$.list[7]", 4, 3, 41},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        /* Alone, and among more than are looked for one by one. */
        for (size_t count = 1; count <= 9; count += 8) {
            reflow_view paths[9];
            for (size_t k = 0; k < count; ++k) paths[k] = text_of(cases[i].path);
            reflow_message list, place, value;
            WORKS(reflow_document_places(text_of(cases[i].document), REFLOW_FORMAT_AUTO,
                                         text_of(""), paths, count, &list, &e));
            CHECK(reflow_message_count(list) == count);
            CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, count - 1, &place));
            const int64_t expected[] = {cases[i].line, cases[i].column, cases[i].offset};
            static const char *const keys[] = {"line", "column", "offset"};
            for (size_t k = 0; k < 3; ++k) {
                CHECK_STATUS(REFLOW_OK, reflow_message_get(place, text_of(keys[k]), &value));
                CHECK(rig_integer(value) == expected[k]);
            }
            reflow_message_unref(list);
        }
    }
    reflow_view path = text_of("$.a"), bad = text_of("\xff"), none = text_of("");
    reflow_message list = reflow_message_null(), first;
#define PLACES(document, format, name, paths, count, out) \
    reflow_document_places(document, format, name, paths, count, out, &e)
    WORKS(PLACES(text_of("\x81\xa1" "a\x01"), REFLOW_FORMAT_AUTO, none, &path, 1, &list));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, 0, &first));
    CHECK(reflow_message_kind(first) == REFLOW_KIND_NULL);
    reflow_message_unref(list);
    WORKS(PLACES(text_of("{}"), REFLOW_FORMAT_JSON, none, NULL, 0, &list));
    CHECK(reflow_message_count(list) == 0);
    reflow_message_unref(list);
    FAILS(REFLOW_ERROR_PARSE, PLACES(text_of("{"), REFLOW_FORMAT_JSON, none, &path, 1, &list));
    CHECK(reflow_message_kind(list) == REFLOW_KIND_NONE);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, PLACES(text_of("{}"), 9, none, &path, 1, &list));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, PLACES(null_view(), 1, none, NULL, 1, &list));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, PLACES(text_of("{}"), 1, none, NULL, 1, &list));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, PLACES(text_of("{}"), 1, none, &path, 1, NULL));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, PLACES(text_of("{}"), 1, none, &path, SIZE_MAX, &list));
    FAILS(REFLOW_ERROR_INVALID_UTF8, PLACES(text_of("{}"), 1, bad, &path, 1, &list));
    FAILS(REFLOW_ERROR_INVALID_UTF8, PLACES(text_of("{}"), 1, none, &bad, 1, &list));
}

static void test_files(void) {
    char folder[] = "/tmp/reflow-graph-XXXXXX", path[64];
    CHECK(mkdtemp(folder) != NULL);
    reflow_graph *graph = rich(), *back = NULL;
    static const char *const names[] = {"g.json", "g.yaml", "g.yml", "g.msgpack", "g"};
    for (size_t i = 0; i < 5; ++i) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        WORKS(reflow_graph_save_file(graph, name_of(path), REFLOW_FORMAT_AUTO, &e));
        WORKS(reflow_graph_load_file(name_of(path), &back, &e));
        CHECK(reflow_graph_equal(graph, back));
        reflow_graph_destroy(back);
        CHECK(unlink(path) == 0);
    }
    back = (reflow_graph *)(uintptr_t)1;
    snprintf(path, sizeof path, "%s/none.json", folder);
    FAILS(REFLOW_ERROR_IO, reflow_graph_load_file(name_of(path), &back, &e));
    CHECK(back == NULL);
    FAILS(REFLOW_ERROR_IO, reflow_graph_load_file(name_of(folder), &back, &e));
    FAILS(REFLOW_ERROR_IO, reflow_graph_load_file(name_of(""), &back, &e));
    snprintf(path, sizeof path, "%s/file", folder);
    WORKS(reflow_graph_save_file(graph, name_of(path), 0, &e));
    snprintf(path, sizeof path, "%s/file/g.json", folder); /* in a folder that is none */
    FAILS(REFLOW_ERROR_IO, reflow_graph_save_file(graph, name_of(path), 0, &e));
    snprintf(path, sizeof path, "%s/file", folder);
    CHECK(unlink(path) == 0);
    FAILS(REFLOW_ERROR_IO, reflow_graph_save_file(graph, name_of(folder), 0, &e));
    /* A NUL does not cut a name short. */
    snprintf(path, sizeof path, "%s/cut", folder);
    size_t length = strlen(path);
    path[length + 1] = 'x';
    reflow_status status = reflow_graph_save_file(graph, sized(path, length + 2), 0, NULL);
    struct stat found;
    CHECK(status != REFLOW_OK && stat(path, &found) != 0);
    CHECK(rmdir(folder) == 0); /* nothing is left behind */
    reflow_graph_destroy(graph);
}

static void test_validate(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    reflow_message findings;
    WORKS(reflow_graph_validate(graph, NULL, &findings, &e));
    CHECK(reflow_message_kind(findings) == REFLOW_KIND_ARRAY);
    reflow_message_unref(findings);
    rig_node(graph, "b", "Nothing");
    rig_connect(graph, "a.o", "a.a", NULL);
    WORKS(reflow_graph_validate(graph, runtime, &findings, &e));
    size_t errors = 0, notes = 0;
    for (size_t i = 0; i < reflow_message_count(findings); ++i) {
        reflow_message finding, value;
        reflow_view text;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(findings, i, &finding));
        static const char *const keys[] = {"severity", "code", "message", "hint", "node", "port",
                                           "path"};
        for (size_t k = 0; k < 7; ++k) {
            CHECK_STATUS(REFLOW_OK, reflow_message_get(finding, name_of(keys[k]), &value));
            CHECK_STATUS(REFLOW_OK, reflow_message_get_text(value, &text));
            errors += k == 0 && same_text(text, "error") ? 1 : 0;
            notes += k == 0 && same_text(text, "note") ? 1 : 0;
        }
    }
    CHECK(errors == 1 && notes == 1); /* no component Nothing; a cycle */
    reflow_message_unref(findings);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_render(void) {
    reflow_graph *graph = rich(), *empty = rig_graph();
    reflow_picture_options options = {sizeof options, 2, 1, 0};
    for (reflow_picture kind = REFLOW_PICTURE_TEXT; kind <= REFLOW_PICTURE_HTML; ++kind) {
        reflow_buffer *buffer = NULL;
        WORKS(reflow_graph_render(graph, kind, NULL, &buffer, &e));
        CHECK(strstr(reflow_buffer_get(buffer).data, "Merge") != NULL);
        reflow_buffer_destroy(buffer);
        WORKS(reflow_graph_render(graph, kind, &options, &buffer, &e));
        reflow_buffer_destroy(buffer);
        WORKS(reflow_graph_render(empty, kind, NULL, &buffer, &e));
        reflow_buffer_destroy(buffer);
    }
    reflow_buffer *buffer = NULL;
    options.reserved = 1;
    WRONG(reflow_graph_render(graph, REFLOW_PICTURE_SVG, &options, &buffer, &e));
    options.reserved = 0;
    options.struct_size = 2;
    WRONG(reflow_graph_render(graph, REFLOW_PICTURE_SVG, &options, &buffer, &e));
    reflow_graph_destroy(graph);
    reflow_graph_destroy(empty);
}

int main(void) {
    check_time_limit(30);
    test_edits();
    test_refused();
    test_taken();
    test_misuse();
    test_bad_texts();
    test_round_trips();
    test_bad_documents();
    test_places();
    test_files();
    test_validate();
    test_render();
    return 0;
}
