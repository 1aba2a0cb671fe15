/* Graphs as nodes of graphs: files, and everything that is refused, with its place. */
#include "check.h"

#include <sys/stat.h>

#include "rig.h"

#define END(node, port) "{\"nodeId\":\"" node "\",\"portId\":\"" port "\"}"
#define WIRE(a, o, b, i) "{\"from\":" END(a, o) ",\"to\":" END(b, i) "}"
#define SUB(text) "{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\"," text "}}}"
#define NODES(text) "{\"properties\":{\"name\":\"g\"},\"processes\":{" text "}}"
/* A graph that passes on: in to out. */
#define PASS                                                                              \
    "{\"inports\":{\"in\":" END("p", "a") "},\"outports\":{\"out\":" END("p", "o") "},"   \
    "\"processes\":{\"p\":{\"component\":\"Pass\"}}}"

static char folder[] = "/tmp/reflow-subgraph-XXXXXX";

static const char *path_in(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(path_in(name), "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static reflow_graph *loaded(const char *text) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    return graph;
}

static reflow_graph *loaded_file(const char *name) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load_file(text_of(path_in(name)), &graph, &e));
    return graph;
}

static void register_graph(reflow_runtime *runtime, const char *id, const char *text) {
    reflow_graph *graph = loaded(text);
    WORKS(reflow_runtime_register_graph(runtime, text_of(id), graph, &e));
    reflow_graph_destroy(graph);
}

static reflow_runtime *new_runtime(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    rig_component need = {.id = "Need", .inports = "A", .outports = "o", .run = rig_pass};
    rig_register(runtime, &need);
    return runtime;
}

static bool member_is(reflow_message object, const char *key, const char *expected) {
    reflow_message value = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of(key), &value));
    reflow_view text = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(value, &text));
    bool same = same_text(text, expected);
    if (!same) fprintf(stderr, "%s: not %s but %s\n", key, expected, text.data);
    return same;
}

static bool about_node(const reflow_error *error, const char *node) {
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    return same_text(place.node, node);
}

/* The graph has this finding first, and making a network of it fails with the status. */
typedef struct wrong {
    reflow_status status;
    const char *code, *node, *path, *file;
} wrong;

static void check_wrong(reflow_runtime *runtime, reflow_graph *graph, wrong expected) {
    reflow_message list;
    WORKS(reflow_graph_validate(graph, runtime, &list, &e));
    CHECK(reflow_message_count(list) > 0);
    reflow_message first = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, 0, &first));
    CHECK(member_is(first, "severity", "error"));
    CHECK(member_is(first, "code", expected.code));
    CHECK(member_is(first, "node", expected.node));
    CHECK(member_is(first, "path", expected.path));
    CHECK(member_is(first, "file", expected.file));
    reflow_message_unref(list);
    reflow_network *network = NULL;
    reflow_error *error = NULL;
    CHECK_STATUS(expected.status, reflow_network_create(runtime, graph, &network, &error));
    CHECK(network == NULL);
    CHECK(about_node(error, expected.node));
    reflow_error_destroy(error);
}

static void check_document(reflow_runtime *runtime, const char *text, wrong expected) {
    reflow_graph *graph = loaded(text);
    check_wrong(runtime, graph, expected);
    reflow_graph_destroy(graph);
}

#define SPEC "$.processes.x.metadata.componentSpec"

static void test_wrong_documents(void) {
    reflow_runtime *runtime = new_runtime();
    wrong spec = {REFLOW_ERROR_GRAPH, "bad-subgraph", "x", SPEC, ""};
    static const char *const specs[] = {
        NODES("\"x\":{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\"}}}"),
        NODES("\"x\":" SUB("\"graph\":\"a\",\"file\":\"b\"")), NODES("\"x\":" SUB("\"graph\":5")),
        NODES("\"x\":" SUB("\"graph\":\"\"")),                 NODES("\"x\":" SUB("\"file\":[]")),
        NODES("\"x\":" SUB("\"file\":\"\",\"graph\":null")),
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; ++i) {
        check_document(runtime, specs[i], spec);
    }
    check_document(runtime, NODES("\"x\":" SUB("\"graph\":{\"processes\":{\"a\":5}}")),
                   (wrong){REFLOW_ERROR_GRAPH, "bad-subgraph", "x", SPEC ".graph.processes.a", ""});
    check_document(runtime, NODES("\"x\":" SUB("\"graph\":\"Nothing\"")),
                   (wrong){REFLOW_ERROR_NOT_FOUND, "missing-subgraph", "x", SPEC ".graph", ""});
    check_document(runtime, NODES("\"x\":" SUB("\"file\":\"/nowhere/x.json\"")),
                   (wrong){REFLOW_ERROR_NOT_FOUND, "missing-subgraph", "x", SPEC ".file", ""});
    check_document(runtime,
                   NODES("\"x\":" SUB("\"graph\":" NODES("\"y\":{\"component\":\"Nothing\"}"))),
                   (wrong){REFLOW_ERROR_NOT_FOUND, "unknown-component", "x/y",
                           SPEC ".graph.processes.y.component", ""});
    /* Its own configuration, which it has none of. */
    check_document(runtime,
                   NODES("\"x\":{\"metadata\":{\"color\":\"#fff\",\"rate\":5,\"componentSpec\":"
                         "{\"type\":\"subgraph\",\"graph\":" PASS "}}}"),
                   (wrong){REFLOW_ERROR_CONFIG, "bad-config", "x", "$.processes.x.metadata.rate",
                           ""});
    reflow_runtime_destroy(runtime);
}

#define TWO(wires)                                                                        \
    "{\"properties\":{\"name\":\"g\"},\"processes\":{\"a\":{\"component\":\"Pass\"},\"x\":" \
    SUB("\"graph\":" PASS) "},\"connections\":[" wires "]}"

static void test_ports(void) {
    reflow_runtime *runtime = new_runtime();
    check_document(runtime, TWO(WIRE("a", "o", "x", "a")),
                   (wrong){REFLOW_ERROR_GRAPH, "unknown-port", "x", "$.connections[0]", ""});
    check_document(runtime, TWO(WIRE("x", "error", "a", "a")),
                   (wrong){REFLOW_ERROR_GRAPH, "unknown-port", "x", "$.connections[0]", ""});
    check_document(runtime, TWO(WIRE("x/p", "o", "a", "a")),
                   (wrong){REFLOW_ERROR_GRAPH, "unknown-node", "x/p", "$.connections[0]", ""});
    /* What the port inside must get, the one outside must. */
    register_graph(runtime, "Needs",
                   "{\"inports\":{\"in\":" END("n", "A") "},"
                   "\"processes\":{\"n\":{\"component\":\"Need\"}}}");
    check_document(runtime, NODES("\"x\":{\"component\":\"Needs\"}"),
                   (wrong){REFLOW_ERROR_GRAPH, "required-port", "x", "$.processes.x", ""});
    register_graph(runtime, "Fed",
                   "{\"inports\":{\"in\":" END("n", "A") "},"
                   "\"processes\":{\"n\":{\"component\":\"Need\"}},"
                   "\"connections\":[{\"data\":1,\"to\":" END("n", "A") "}]}");
    reflow_graph *graph = loaded(NODES("\"x\":{\"component\":\"Fed\"}"));
    reflow_network_destroy(rig_network(runtime, graph));
    reflow_graph_destroy(graph);
    /* Types of exposed ports, given or those inside. */
    register_graph(runtime, "Typed",
                   "{\"inports\":{\"in\":{\"nodeId\":\"p\",\"portId\":\"a\",\"portType\":\"string\"}},"
                   "\"outports\":{\"bad\":" END("p", "error") "},"
                   "\"processes\":{\"p\":{\"component\":\"Pass\"}}}");
    check_document(runtime,
                   "{\"properties\":{\"name\":\"g\"},\"processes\":{\"x\":{\"component\":\"Typed\"}},"
                   "\"connections\":[{\"data\":5,\"to\":" END("x", "in") "}]}",
                   (wrong){REFLOW_ERROR_TYPE, "type-mismatch", "x", "$.connections[0]", ""});
    /* Ids with slashes, as long as no path can be meant. */
    check_document(runtime,
                   NODES("\"x\":" SUB("\"graph\":" PASS) ",\"x/p\":{\"component\":\"Pass\"}"),
                   (wrong){REFLOW_ERROR_GRAPH, "ambiguous-id", "x/p", "$.processes[\"x/p\"]", ""});
    graph = loaded(NODES("\"x\":" SUB("\"graph\":" PASS) ",\"y/p\":{\"component\":\"Pass\"}"));
    reflow_network *network = rig_network(runtime, graph);
    rig_inport(network, "y/p.a");
    rig_inport(network, "x/p.a");
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- files */

static void test_files(void) {
    reflow_runtime *runtime = new_runtime();
    CHECK(mkdir(path_in("parts"), 0700) == 0);
    write_file("main.json", "{\"inports\":{\"in\":" END("x", "in") "},\"processes\":{\"x\":"
               SUB("\"file\":\"parts/../parts/./outer.json\"") ",\"again\":"
               SUB("\"file\":\"parts/outer.json\"") "}}");
    write_file("parts/outer.json", "{\"inports\":{\"in\":" END("y", "in") "},\"processes\":{\"y\":"
               SUB("\"file\":\"leaf.yaml\"") ",\"z\":" SUB("\"graph\":" NODES("\"up\":"
               SUB("\"file\":\"../up.json\""))) "}}");
    write_file("parts/leaf.yaml", "inports: {in: {nodeId: p, portId: a}}\n"
               "processes: {p: {component: Pass}}\n");
    write_file("up.json", PASS);
    reflow_graph *graph = loaded_file("main.json");
    reflow_network *network = rig_network(runtime, graph);
    CHECK(rig_inport(network, "x/y/p.a").id == rig_inport(network, ".in").id);
    static const char *const nodes[] = {"x/y/p", "x/z/up/p", "again/y/p", "again/z/up/p"};
    for (size_t i = 0; i < 4; ++i) CHECK(rig_counters(network, nodes[i]).fired == 0);
    reflow_message report;
    WORKS(reflow_network_report(network, &report, &e));
    CHECK(reflow_message_count(report) == 4);
    reflow_message_unref(report);
    reflow_network_destroy(network);

    char file[600];
    snprintf(file, sizeof file, "%s/parts/outer.json", folder);
    CHECK(unlink(path_in("parts/leaf.yaml")) == 0);
    check_wrong(runtime, graph, (wrong){REFLOW_ERROR_NOT_FOUND, "missing-subgraph", "x/y",
                                        "$.processes.y.metadata.componentSpec.file", file});
    write_file("parts/leaf.yaml", "processes: [\n");
    check_wrong(runtime, graph, (wrong){REFLOW_ERROR_PARSE, "bad-subgraph", "x/y",
                                        "$.processes.y.metadata.componentSpec.file", file});
    write_file("parts/leaf.yaml", "processes: {p: {component: Pass}}\n");
    check_wrong(runtime, graph, (wrong){REFLOW_ERROR_GRAPH, "unknown-port", "x/y", "$.inports.in",
                                        file});
    reflow_graph_destroy(graph);

    /* A graph that holds itself, found wherever it begins. */
    write_file("a.json", NODES("\"b\":" SUB("\"file\":\"parts/b.json\"")));
    write_file("parts/b.json", NODES("\"c\":" SUB("\"graph\":" NODES("\"a\":"
               SUB("\"file\":\"../a.json\"")))));
    graph = loaded_file("a.json");
    snprintf(file, sizeof file, "%s/parts/b.json", folder);
    reflow_network *none = NULL;
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_GRAPH, reflow_network_create(runtime, graph, &none, &error));
    CHECK(about_node(error, "b/c/a/b"));
    const char *text = reflow_error_text(error).data;
    CHECK(strstr(text, "holds itself") != NULL && strstr(text, "b.json -> inline -> ") != NULL);
    reflow_error_destroy(error);
    reflow_graph_destroy(graph);
    const char *files[] = {"main.json", "parts/outer.json", "parts/leaf.yaml", "up.json",
                           "a.json", "parts/b.json"};
    for (size_t i = 0; i < 6; ++i) CHECK(unlink(path_in(files[i])) == 0);
    CHECK(rmdir(path_in("parts")) == 0);
    reflow_runtime_destroy(runtime);
}

/* ---- registered graphs, depth and size */

/* G0 holds G1 once or twice, which holds G2, and so on to one that passes on. */
static void register_chain(reflow_runtime *runtime, int levels, bool twice) {
    for (int i = 0; i + 1 < levels; ++i) {
        char id[16], text[512], more[64] = "";
        if (twice) snprintf(more, sizeof more, ",\"y\":{\"component\":\"G%d\"}", i + 1);
        snprintf(id, sizeof id, "G%d", i);
        snprintf(text, sizeof text,
                 "{\"inports\":{\"in\":" END("x", "in") "},\"outports\":{\"out\":" END("x", "out")
                 "},\"processes\":{\"x\":{\"component\":\"G%d\"}%s}}", i + 1, more);
        register_graph(runtime, id, text);
    }
    char id[16];
    snprintf(id, sizeof id, "G%d", levels - 1);
    register_graph(runtime, id, PASS);
}

static void test_depth(void) {
    reflow_runtime *runtime = new_runtime();
    register_chain(runtime, REFLOW_MAX_SUBGRAPH_DEPTH, false);
    reflow_graph *graph = loaded(NODES("\"x\":{\"component\":\"G0\"}"));
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "x.in");
    reflow_output *output = rig_output(network, "x.out", 0);
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 5);
    CHECK(rig_recv(output) == 5);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    /* One more, whether the levels were looked at before or not. */
    graph = loaded(NODES("\"g\":{\"component\":\"G0\"},\"x\":" SUB("\"graph\":"
                         NODES("\"y\":{\"component\":\"G0\"}"))));
    check_wrong(runtime, graph, (wrong){REFLOW_ERROR_LIMIT, "subgraph-depth", "x/y",
                                        SPEC ".graph.processes.y.component", ""});
    reflow_graph_destroy(graph);
    graph = loaded(NODES("\"x\":" SUB("\"graph\":" NODES("\"y\":{\"component\":\"G0\"}"))));
    reflow_network *none = NULL;
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_create(runtime, graph, &none, &e));
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_size(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_actors = 100000;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    /* 2^40 nodes, from forty small documents. */
    register_chain(runtime, 41, true);
    reflow_graph *graph = loaded(NODES("\"x\":{\"component\":\"G0\"}"));
    reflow_network *none = NULL;
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_create(runtime, graph, &none, &e));
    reflow_message list;
    WORKS(reflow_graph_validate(graph, runtime, &list, &e));
    reflow_message_unref(list);
    reflow_graph_destroy(graph);
    /* 2^15 fit. */
    graph = loaded(NODES("\"x\":{\"component\":\"G25\"}"));
    reflow_network *network = rig_network(runtime, graph);
    reflow_message report;
    WORKS(reflow_network_report(network, &report, &e));
    CHECK(reflow_message_count(report) == 1 << 15);
    reflow_message_unref(report);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_register(void) {
    reflow_runtime *runtime = new_runtime();
    register_graph(runtime, "Self", NODES("\"x\":{\"component\":\"Other\"}"));
    register_graph(runtime, "Other", NODES("\"y\":" SUB("\"graph\":\"Self\"")));
    check_document(runtime, NODES("\"s\":{\"component\":\"Self\"}"),
                   (wrong){REFLOW_ERROR_GRAPH, "subgraph-recursion", "s/x/y",
                           "$.processes.y.metadata.componentSpec", "graph 'Other'"});
    reflow_graph *graph = loaded(PASS);
    FAILS(REFLOW_ERROR_ALREADY_EXISTS,
          reflow_runtime_register_graph(runtime, text_of("Self"), graph, &e));
    FAILS(REFLOW_ERROR_ALREADY_EXISTS,
          reflow_runtime_register_graph(runtime, text_of("Pass"), graph, &e));
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Self");
    component.run = rig_pass;
    FAILS(REFLOW_ERROR_ALREADY_EXISTS, reflow_runtime_register(runtime, &component, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_runtime_register_graph(runtime, text_of(""), graph, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_runtime_register_graph(runtime, null_view(), graph, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_runtime_register_graph(NULL, text_of("N"), graph, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_runtime_register_graph(runtime, text_of("N"), NULL, &e));
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        FAILS(REFLOW_ERROR_INVALID_UTF8,
              reflow_runtime_register_graph(
                  runtime, sized(bad_texts[i].data, bad_texts[i].size), graph, &e));
    }
    /* The registered one is a copy. */
    WORKS(reflow_runtime_register_graph(runtime, text_of("Copy"), graph, &e));
    WORKS(reflow_graph_remove_node(graph, text_of("p"), &e));
    reflow_graph_destroy(graph);
    graph = loaded(NODES("\"c\":{\"component\":\"Copy\"}"));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    WORKS(reflow_network_start(network, &e));
    CHECK(rig_counters(network, "c/p").fired == 0);
    reflow_network_destroy(network);
    /* Without a runtime, documents and files are looked at, and components are not. */
    graph = loaded(NODES("\"a\":" SUB("\"graph\":\"Copy\"") ",\"b\":" SUB("\"graph\":"
                         NODES("\"c\":{\"component\":\"Any\"}")) ",\"x\":"
                         SUB("\"file\":\"/nowhere/x.json\"")));
    reflow_message list;
    WORKS(reflow_graph_validate(graph, NULL, &list, &e));
    reflow_message first = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, 0, &first));
    CHECK(member_is(first, "code", "missing-subgraph"));
    if (reflow_message_count(list) > 1) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, 1, &first));
        CHECK(member_is(first, "severity", "warning"));
    }
    reflow_message_unref(list);
    reflow_graph_destroy(graph);
}

int main(void) {
    check_time_limit(55);
    CHECK(mkdtemp(folder) != NULL);
    test_wrong_documents();
    test_ports();
    test_files();
    test_register();
    test_depth();
    test_size();
    CHECK(rmdir(folder) == 0);
    return 0;
}
