/* Section 9 of reflow.h: environment variables that nodes ask for. */
#include "check.h"

#include <sys/stat.h>

#include "rig.h"

#define NODES(text) "{\"properties\":{\"name\":\"g\"},\"processes\":{" text "}}"
#define NODE(id, config) "\"" id "\":{\"component\":\"Look\",\"metadata\":" config "}"
#define ASK(wishes) "{\"env_vars\":{" wishes "}}"
#define SUB(id, text) \
    "\"" id "\":{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\"," text "}}}"

static reflow_graph *loaded(const char *text) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    return graph;
}

static bool config_is(const reflow_graph *graph, const char *node, const char *expected) {
    reflow_message config;
    WORKS(reflow_graph_get_config(graph, text_of(node), &config, &e));
    return is_json(config, expected);
}

static void resolve(reflow_graph *graph, const char *environment) {
    WORKS(reflow_graph_resolve_env(graph, json(environment), &e));
}

/* One node that asks for VAR in this way, in an environment without it and one with it. */
static void check_wish(const char *wish, const char *without, const char *with) {
    char document[512];
    snprintf(document, sizeof document, NODES(NODE("a", "{\"rate\":5,\"env_vars\":{\"VAR\":%s}}")),
             wish);
    reflow_graph *graph = loaded(document), *before = loaded(document);
    char expected[512];
    if (without == NULL) {
        FAILS(REFLOW_ERROR_NOT_FOUND, reflow_graph_resolve_env(graph, json("{\"VA\":\"x\"}"), &e));
        CHECK(reflow_graph_equal(graph, before));
    } else {
        resolve(graph, "{\"VA\":\"x\"}");
        snprintf(expected, sizeof expected, "{\"rate\":5,\"env_vars\":{\"VAR\":%s}%s}", wish, without);
        CHECK(config_is(graph, "a", expected));
    }
    resolve(graph, "{\"OTHER\":\"no\",\"VAR\":\"abc\"}");
    snprintf(expected, sizeof expected, "{\"rate\":5,\"env_vars\":{\"VAR\":%s}%s}", wish, with);
    CHECK(config_is(graph, "a", expected));
    reflow_graph_destroy(graph);
    reflow_graph_destroy(before);
}

static void test_wishes(void) {
    const char *set = ",\"VAR\":\"abc\"";
    check_wish("\"required\"", NULL, set);
    check_wish("\"required: the key of the shop\"", NULL, set);
    check_wish("5", NULL, set);
    check_wish("null", NULL, set);
    check_wish("\"optional\"", "", set);
    check_wish("\"anything\"", "", set);
    check_wish("\"optional:eu:west\"", ",\"VAR\":\"eu:west\"", set);
    check_wish("\"optional:\"", ",\"VAR\":\"\"", set);
}

static void test_example(void) {
    reflow_graph *graph = loaded(NODES(
        NODE("a", "{\"rate\":5,\"env_vars\":{\"API_KEY\":\"required\",\"REGION\":\"optional:eu\"}}")));
    resolve(graph, "{\"API_KEY\":\"abc\"}");
    CHECK(config_is(graph, "a",
                    "{\"rate\":5,\"env_vars\":{\"API_KEY\":\"required\",\"REGION\":\"optional:eu\"},"
                    "\"API_KEY\":\"abc\",\"REGION\":\"eu\"}"));
    reflow_graph_destroy(graph);
}

/* A variable that is set wins over what stands there, a default does not; an empty one is set. */
static void test_existing(void) {
    const char *document = NODES(
        NODE("a", "{\"A\":1,\"B\":2,\"env_vars\":{\"A\":\"optional:x\",\"B\":\"optional:x\"}}"));
    reflow_graph *graph = loaded(document);
    resolve(graph, "{\"A\":\"\"}");
    CHECK(config_is(graph, "a",
                    "{\"A\":\"\",\"B\":2,\"env_vars\":{\"A\":\"optional:x\",\"B\":\"optional:x\"}}"));
    reflow_graph_destroy(graph);
    graph = loaded(NODES(NODE("a", "{\"env_vars\":[\"A\"]}") "," NODE("b", "null")));
    reflow_graph *before = NULL;
    WORKS(reflow_graph_copy(graph, &before, &e));
    resolve(graph, "{\"A\":\"x\",\"0\":\"x\"}"); /* nobody asks */
    CHECK(reflow_graph_equal(graph, before));
    reflow_graph_destroy(before);
    reflow_graph_destroy(graph);
}

/* The error names everything that is missing, also in subgraphs, and nothing has changed. */
static void test_missing(void) {
    reflow_graph *graph = loaded(NODES(NODE("a", ASK("\"ONE\":\"required\",\"SET\":\"required\"")) ","
        SUB("sub", "\"graph\":" NODES(NODE("b", ASK("\"TWO\":5")))) ","
        NODE("c", ASK("\"BAD\":\"optional:x\""))));
    reflow_graph *before = NULL;
    WORKS(reflow_graph_copy(graph, &before, &e));
    reflow_object_builder *builder = NULL;
    reflow_message bytes, environment;
    WORKS(reflow_object_builder_create(0, &builder, &e));
    WORKS(reflow_message_bytes("\xff\xfe", 2, &bytes, &e));
    WORKS(reflow_object_builder_set(builder, text_of("BAD"), bytes, &e));
    WORKS(reflow_object_builder_set(builder, text_of("SET"), json("\"s3cret\""), &e));
    WORKS(reflow_object_builder_finish(builder, &environment, &e));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_graph_resolve_env(graph, reflow_message_ref(environment), &error));
    CHECK(same_text(reflow_error_message(error),
                    "environment variables: 'ONE' of node 'a' is not set, "
                    "'TWO' of node 'sub/b' is not set, 'BAD' of node 'c' is not UTF-8"));
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    CHECK(same_text(place.node, "a"));
    reflow_error_destroy(error);
    CHECK(reflow_graph_equal(graph, before));
    /* Alone it is an error of its own. */
    reflow_graph *bad = loaded(NODES(NODE("c", ASK("\"BAD\":\"optional\""))));
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_graph_resolve_env(bad, environment, &e));
    reflow_graph_destroy(bad);
    reflow_graph_destroy(before);
    reflow_graph_destroy(graph);
}

/* However many there are. */
static void test_many(void) {
    reflow_graph *graph = rig_graph();
    for (int i = 0; i < 1000; ++i) {
        char id[16];
        snprintf(id, sizeof id, "n%d", i);
        WORKS(reflow_graph_add_node(graph, text_of(id), text_of("Look"),
                                    json(ASK("\"VAR\":\"required\"")), &e));
    }
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_graph_resolve_env(graph, json("{}"), &error));
    reflow_view text = reflow_error_message(error);
    int named = 0;
    for (const char *at = text.data; (at = strstr(at, "of node")) != NULL; ++at) ++named;
    CHECK(named == 1000);
    reflow_error_destroy(error);
    resolve(graph, "{\"VAR\":\"x\"}");
    CHECK(config_is(graph, "n999", "{\"env_vars\":{\"VAR\":\"required\"},\"VAR\":\"x\"}"));
    reflow_graph_destroy(graph);
}

/* What the component Look has seen, by the order of creation. */
typedef struct seen {
    char text[8][32];
    int count;
} seen;

static reflow_status look(reflow_context *context, void *user_data, void **state) {
    seen *all = user_data;
    reflow_message value;
    reflow_view text = {"-", 1};
    if (reflow_message_get(reflow_context_config(context), text_of("VAR"), &value) == REFLOW_OK) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(value, &text));
    }
    CHECK(all->count < 8 && text.size < sizeof all->text[0]);
    memcpy(all->text[all->count++], text.data, text.size);
    *state = NULL;
    return REFLOW_OK;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Documents that stand in a document, and files: what components see when a network is made. */
static void test_subgraphs(void) {
    seen all = {0};
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {
        .id = "Look", .inports = "a", .outports = "o", .run = rig_pass, .create = look,
        .user_data = &all};
    rig_register(runtime, &component);
    char folder[] = "/tmp/reflow-env-XXXXXX", path[64], document[1024];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/part.json", folder);
    write_file(path, NODES(NODE("c", ASK("\"VAR\":\"required\""))));
    snprintf(document, sizeof document,
             NODES(NODE("a", ASK("\"VAR\":\"optional:d\"")) "," SUB(
                 "in", "\"graph\":" NODES(SUB("deep", "\"graph\":" NODES(
                           NODE("b", ASK("\"VAR\":\"optional\"")))))) "," SUB("file", "\"file\":\"%s\"")),
             path);
    reflow_graph *graph = loaded(document), *copy = NULL;
    reflow_network *network = NULL;

    resolve(graph, "{}"); /* what a file lacks shows when it is read */
    reflow_message found, first = {0, 0}, code;
    WORKS(reflow_graph_validate(graph, runtime, &found, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(found, 0, &first));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(first, text_of("code"), &code));
    CHECK(is_json(code, "\"missing-variable\""));
    reflow_message_unref(found);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_create(runtime, graph, &network, &e));
    CHECK(all.count == 0);

    resolve(graph, "{\"VAR\":\"v\"}");
    WORKS(reflow_graph_copy(graph, &copy, &e));
    reflow_graph_destroy(graph);
    network = rig_network(runtime, copy);
    CHECK(all.count == 3);
    for (int i = 0; i < 3; ++i) CHECK(strcmp(all.text[i], "v") == 0);
    reflow_network_destroy(network);

    /* The document has what stands in it, and not what is in the file. */
    reflow_buffer *saved = NULL;
    WORKS(reflow_graph_save(copy, REFLOW_FORMAT_JSON, &saved, &e));
    WORKS(reflow_graph_load(reflow_buffer_get(saved), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    CHECK(reflow_graph_equal(graph, copy));
    reflow_buffer_destroy(saved);
    network = rig_network(runtime, graph);
    CHECK(all.count == 6);
    int without = 0;
    for (int i = 3; i < 6; ++i) without += strcmp(all.text[i], "-") == 0;
    CHECK(without == 1);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_graph_destroy(copy);
    reflow_runtime_destroy(runtime);
    CHECK(remove(path) == 0 && rmdir(folder) == 0);
}

/* A network that was made before keeps what it had. */
static void test_network(void) {
    seen all = {0};
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {
        .id = "Look", .inports = "a", .outports = "o", .run = rig_pass, .create = look,
        .user_data = &all};
    rig_register(runtime, &component);
    reflow_graph *graph = loaded(NODES(NODE("a", ASK("\"VAR\":\"required\"")))), *inside = NULL;
    reflow_network *network = rig_network(runtime, graph); /* nobody has resolved it */
    resolve(graph, "{\"VAR\":\"v\"}");
    WORKS(reflow_network_graph(network, &inside, &e));
    CHECK(config_is(inside, "a", ASK("\"VAR\":\"required\"")));
    CHECK(all.count == 1 && strcmp(all.text[0], "-") == 0);
    reflow_network_destroy(network);
    reflow_graph_destroy(inside);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_misuse(void) {
    reflow_graph *graph = rig_graph();
    reflow_message none = {0, 0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_graph_resolve_env(NULL, json("{}"), &e));
    FAILS(REFLOW_ERROR_WRONG_KIND, reflow_graph_resolve_env(graph, none, &e));
    FAILS(REFLOW_ERROR_WRONG_KIND, reflow_graph_resolve_env(graph, json("[\"a\"]"), &e));
    CHECK_STATUS(REFLOW_ERROR_WRONG_KIND, reflow_graph_resolve_env(graph, none, NULL));
    reflow_graph_destroy(graph);
}

int main(void) {
    check_time_limit(30);
    test_wishes();
    test_example();
    test_existing();
    test_missing();
    test_many();
    test_subgraphs();
    test_network();
    test_misuse();
    return 0;
}
