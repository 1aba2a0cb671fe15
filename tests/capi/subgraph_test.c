/* Graphs as nodes of graphs, in every mode: that they run as if they were flat, how they are named,
 * and what is refused. */
#include "check.h"

#include "rig.h"

/* ---- components: Pass (a to o), Both (a and b, all, sum to o), Fail */

static reflow_status both_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    for (size_t i = 0; i + 1 < count; i += 2) {
        int64_t sum = 0;
        for (size_t k = 0; k < 2; ++k) {
            if (reflow_message_kind(inputs[i + k].message) == REFLOW_KIND_NONE) continue;
            sum += rig_integer(inputs[i + k].message);
        }
        reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(sum));
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

static reflow_status fail_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("refused"), text_of(""));
}

static reflow_status name_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    for (size_t i = 0; i < count; ++i) {
        reflow_message name;
        CHECK_STATUS(REFLOW_OK,
                     reflow_message_string(reflow_context_node(context), &name, NULL));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, name));
    }
    return REFLOW_OK;
}

static reflow_runtime *runtime_with(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    rig_component both = {.id = "Both", .inports = "ab", .outports = "o",
                          .await = REFLOW_AWAIT_ALL, .run = both_run};
    rig_register(runtime, &both);
    rig_component need = {.id = "Need", .inports = "A", .outports = "o", .run = rig_pass};
    rig_register(runtime, &need);
    rig_component name = {.id = "Name", .inports = "a", .outports = "o", .run = name_run};
    rig_register(runtime, &name);
    rig_component fail = {.id = "Fail", .inports = "a", .outports = "o", .run = fail_run};
    rig_register(runtime, &fail);
    return runtime;
}

static reflow_graph *loaded(const char *text) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    return graph;
}

static reflow_network *network_of(reflow_runtime *runtime, const char *text) {
    reflow_graph *graph = loaded(text);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}

static reflow_view string_of(reflow_message message) {
    reflow_view view = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    return view;
}

/* ---- as flat */

#define END(node, port) "{\"nodeId\":\"" node "\",\"portId\":\"" port "\"}"
#define WIRE(a, o, b, i) "{\"from\":" END(a, o) ",\"to\":" END(b, i) "}"
#define INITIAL(value, b, i) "{\"data\":" value ",\"to\":" END(b, i) "}"
#define SUB(text) "{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\"," text "}}}"

/* in -> first -> twice{ p -> q; fan-out of in to p and r; out from q and r } -> last -> out */
static const char inner_text[] =
    "{\"properties\":{\"name\":\"twice\"},"
    "\"inports\":{\"in\":[" END("p", "a") "," END("r", "a") "]},"
    "\"outports\":{\"out\":[" END("q", "o") "," END("r", "o") "],\"copy\":" END("q", "o") "},"
    "\"processes\":{\"p\":{\"component\":\"Pass\"},\"q\":{\"component\":\"Pass\"},"
    "\"r\":{\"component\":\"Pass\"}},"
    "\"connections\":[" WIRE("p", "o", "q", "a") "," INITIAL("1000", "q", "a") "]}";

static char *nested_text(void) {
    static char text[8192];
    int size = snprintf(
        text, sizeof text,
        "{\"inports\":{\"in\":" END("first", "a") "},\"outports\":{\"out\":" END("last", "o") "},"
        "\"processes\":{\"first\":{\"component\":\"Pass\"},"
        "\"mid\":" SUB("\"graph\":{\"inports\":{\"x\":" END("deep", "in") "},"
                       "\"outports\":{\"y\":" END("deep", "out") "},"
                       "\"processes\":{\"deep\":" SUB("\"graph\":%s") "},"
                       "\"connections\":[" INITIAL("7", "deep", "in") "]}")
        ",\"last\":{\"component\":\"Pass\"}},"
        "\"connections\":[{\"from\":" END("first", "o") ",\"to\":" END("mid", "x")
        ",\"metadata\":{\"capacity\":3}}," WIRE("mid", "y", "last", "a") ","
        INITIAL("70", "mid", "x") "]}",
        inner_text);
    CHECK(size > 0 && (size_t)size < sizeof text);
    return text;
}

#define CAPACITY ",\"metadata\":{\"capacity\":3}}"
static const char flat_text[] =
    "{\"inports\":{\"in\":" END("first", "a") "},\"outports\":{\"out\":" END("last", "o") "},"
    "\"processes\":{\"first\":{\"component\":\"Pass\"},\"mid/deep/p\":{\"component\":\"Pass\"},"
    "\"mid/deep/q\":{\"component\":\"Pass\"},\"mid/deep/r\":{\"component\":\"Pass\"},"
    "\"last\":{\"component\":\"Pass\"}},"
    "\"connections\":["
    "{\"from\":" END("first", "o") ",\"to\":" END("mid/deep/p", "a") CAPACITY ","
    "{\"from\":" END("first", "o") ",\"to\":" END("mid/deep/r", "a") CAPACITY ","
    WIRE("mid/deep/q", "o", "last", "a") "," WIRE("mid/deep/r", "o", "last", "a") ","
    WIRE("mid/deep/p", "o", "mid/deep/q", "a") "," INITIAL("1000", "mid/deep/q", "a") ","
    INITIAL("7", "mid/deep/p", "a") "," INITIAL("7", "mid/deep/r", "a") ","
    INITIAL("70", "mid/deep/p", "a") "," INITIAL("70", "mid/deep/r", "a") "]}";

/* What a run shows: the report, the sum and number of what came out, and the events. */
typedef struct shown {
    reflow_message report;
    int64_t sum;
    size_t count;
    char *events;
    size_t size;
} shown;

static void read_events(reflow_subscription *subscription, shown *to) {
    reflow_event_batch *batch = NULL;
    uint64_t missed = 0;
    while (reflow_subscription_poll(subscription, 1000, 0, &batch, &missed, NULL) == REFLOW_OK) {
        CHECK(missed == 0);
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_buffer *line = NULL;
            WORKS(reflow_event_batch_json(batch, i, &line, &e));
            reflow_view view = reflow_buffer_get(line);
            /* Without the time, which is that of the wall. */
            const char *time = strstr(view.data, ",\"timestamp\"");
            size_t size = time == NULL ? view.size : (size_t)(time - view.data);
            to->events = realloc(to->events, to->size + size + 2);
            CHECK(to->events != NULL);
            memcpy(to->events + to->size, view.data, size);
            to->size += size;
            to->events[to->size++] = '\n';
            to->events[to->size] = 0;
            reflow_buffer_destroy(line);
        }
        reflow_event_batch_destroy(batch);
    }
}

static shown run_shown(const rig_mode *mode, const char *text) {
    shown result = {{0, 0}, 0, 0, NULL, 0};
    reflow_runtime *runtime = runtime_with(mode);
    reflow_network *network = network_of(runtime, text);
    reflow_event_options options = rig_event_options(100000, REFLOW_EVENTS_ALL);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    reflow_output *output = rig_output(network, ".out", 1000);
    reflow_inport inport = rig_inport(network, ".in");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 50; ++i) rig_send(network, inport, i);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_message message;
    size_t count = 0;
    while (reflow_output_recv_many(output, &message, 1, 0, &count, NULL) == REFLOW_OK) {
        result.sum += rig_integer(message);
        ++result.count;
    }
    WORKS(reflow_network_report(network, &result.report, &e));
    read_events(subscription, &result);
    reflow_subscription_destroy(subscription);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    return result;
}

static void test_as_flat(const rig_mode *mode) {
    shown nested = run_shown(mode, nested_text());
    shown flat = run_shown(mode, flat_text);
    /* 50 packets twice, 7 and 70 twice, 1000 once. */
    CHECK(nested.count == 105 && flat.count == 105);
    CHECK(nested.sum == 2 * (49 * 50 / 2 + 77) + 1000 && nested.sum == flat.sum);
    CHECK(reflow_message_equal(nested.report, flat.report));
    /* A simulated run is the same to the step. */
    if (mode->mode == REFLOW_MODE_SIMULATED) {
        CHECK(nested.size == flat.size && memcmp(nested.events, flat.events, flat.size) == 0);
    }
    CHECK(strstr(nested.events, "\"mid/deep/q\"") != NULL);
    reflow_message_unref(nested.report);
    reflow_message_unref(flat.report);
    free(nested.events);
    free(flat.events);
}

/* ---- names */

static void test_names(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with(mode);
    reflow_graph *one = loaded(
        "{\"inports\":{\"in\":" END("who", "a") ",\"bad\":" END("bad", "a") "},"
        "\"outports\":{\"name\":" END("who", "o") ",\"error\":" END("bad", "error") "},"
        "\"processes\":{\"who\":{\"component\":\"Name\"},\"bad\":{\"component\":\"Fail\"}}}");
    WORKS(reflow_runtime_register_graph(runtime, text_of("One"), one, &e));
    reflow_graph_destroy(one);
    /* Used twice, by component and by specification. */
    reflow_network *network = network_of(
        runtime, "{\"inports\":{\"deep\":" END("y", "in") "},"
                 "\"processes\":{\"x\":{\"component\":\"One\"},\"y\":" SUB("\"graph\":\"One\"")
                 ",\"sink\":{\"component\":\"Pass\"}},"
                 "\"connections\":[" WIRE("x", "name", "sink", "a") ","
                 WIRE("y", "name", "sink", "a") "]}");
    reflow_output *names = rig_output(network, "sink.o", 10);
    reflow_output *direct = rig_output(network, "x/who.o", 10);
    reflow_output *exposed = rig_output(network, "y.name", 10);
    reflow_output *failed = rig_output(network, "x.error", 10);
    reflow_inport x = rig_inport(network, "x/who.a"), y = rig_inport(network, "y.in");
    reflow_inport deep = rig_inport(network, ".deep"), bad = rig_inport(network, "x.bad");
    CHECK(y.id == deep.id && x.id != y.id);
    reflow_inport none;
    reflow_output *closed = NULL;
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_find_inport(network, text_of("x"), text_of("im"), &none, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_find_inport(network, text_of("x/nobody"), text_of("a"), &none, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_find_inport(network, text_of("x/"), text_of("in"), &none, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_open_output(network, text_of("y"), text_of("o"), 0, &closed, &e));
    reflow_event_options options =
        rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_ACTOR_FAILED);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    WORKS(reflow_network_start(network, &e));
    rig_send(network, x, 1);
    rig_send(network, bad, 1);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    rig_send(network, y, 1);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    reflow_message got[2];
    size_t count = 0;
    WORKS(reflow_output_recv_many(names, got, 2, 0, &count, &e));
    CHECK(count == 2 && same_text(string_of(got[0]), "x/who"));
    CHECK(same_text(string_of(got[1]), "y/who"));
    reflow_message_unref(got[0]);
    reflow_message_unref(got[1]);
    WORKS(reflow_output_recv_many(direct, got, 2, 0, &count, &e));
    CHECK(count == 1 && same_text(string_of(got[0]), "x/who"));
    reflow_message_unref(got[0]);
    WORKS(reflow_output_recv_many(exposed, got, 2, 0, &count, &e));
    CHECK(count == 1 && same_text(string_of(got[0]), "y/who"));
    reflow_message_unref(got[0]);
    WORKS(reflow_output_recv_many(failed, got, 2, 0, &count, &e));
    CHECK(count == 1);
    reflow_message_unref(got[0]);
    CHECK(rig_counters(network, "x/bad").failed == 1);
    CHECK(rig_counters(network, "y/bad").failed == 0);
    reflow_node_counters counters = {0};
    counters.struct_size = sizeof counters;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_counters(network, text_of("x"), &counters, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(subscription, 10, 0, &batch, NULL, &e));
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(same_text(event.node, "x/bad") && reflow_event_batch_count(batch) == 1);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(subscription);
    reflow_output_destroy(names);
    reflow_output_destroy(direct);
    reflow_output_destroy(exposed);
    reflow_output_destroy(failed);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- the boundary: kinds, capacities, await rules of what is left open */

static void test_boundary(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_with(mode);
    reflow_graph *sum = loaded(
        "{\"caseSensitive\":false,"
        "\"inports\":{\"Left\":" END("s", "A") ",\"right\":" END("s", "b") "},"
        "\"outports\":{\"SUM\":" END("s", "O") "},\"processes\":{\"s\":{\"component\":\"Both\"}}}");
    WORKS(reflow_runtime_register_graph(runtime, text_of("Sum"), sum, &e));
    reflow_graph_destroy(sum);
    /* The right one is open in `half`, so it fires for each packet on the left. */
    reflow_network *network = network_of(
        runtime,
        "{\"processes\":{\"src\":{\"component\":\"Pass\"},\"half\":{\"component\":\"Sum\"},"
        "\"full\":{\"component\":\"Sum\"},\"narrow\":{\"component\":\"Sum\"},"
        "\"never\":{\"component\":\"Pass\"}},"
        "\"connections\":[" WIRE("src", "o", "half", "left") "," WIRE("src", "o", "full", "LEFT") ","
        WIRE("half", "sum", "full", "right") ",{\"from\":" END("half", "sum") ",\"to\":"
        END("narrow", "left") ",\"metadata\":{\"kind\":\"drop-newest\",\"capacity\":2}},"
        WIRE("never", "o", "narrow", "right") "]}");
    reflow_inport inport = rig_inport(network, "src.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 1; i <= 5; ++i) rig_send(network, inport, i);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "half/s").fired == 5);
    CHECK(rig_counters(network, "full/s").fired == 5);
    CHECK(rig_counters(network, "full/s").received == 10);
    CHECK(rig_counters(network, "narrow/s").dropped == 3);
    CHECK(rig_counters(network, "narrow/s").waiting == 2);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* An exposed inport of several ports: for connections, not for the host. */
static void test_several(void) {
    reflow_runtime *runtime = runtime_with(&rig_inline);
    reflow_network *network = network_of(runtime, inner_text);
    reflow_inport none;
    FAILS(REFLOW_ERROR_UNSUPPORTED,
          reflow_network_find_inport(network, text_of(""), text_of("in"), &none, &e));
    reflow_output *both = rig_output(network, ".out", 0);
    reflow_inport p = rig_inport(network, "p.a"), r = rig_inport(network, "r.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, p, 1);
    rig_send(network, r, 2);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(rig_recv(both) + rig_recv(both) + rig_recv(both) == 1003);
    reflow_output_destroy(both);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* What is loaded is written back, and a copy is equal. */
static void test_round_trip(void) {
    static const reflow_format formats[] = {REFLOW_FORMAT_JSON, REFLOW_FORMAT_YAML,
                                            REFLOW_FORMAT_MSGPACK};
    reflow_graph *graph = loaded(nested_text());
    reflow_graph *inner = loaded(inner_text);
    reflow_endpoint end = rig_end("q.o");
    FAILS(REFLOW_ERROR_ALREADY_EXISTS,
          reflow_graph_add_outport(inner, text_of("out"), &end, text_of("any"), &e));
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; ++i) {
        reflow_graph *each[] = {graph, inner};
        for (size_t k = 0; k < 2; ++k) {
            reflow_buffer *first = NULL, *second = NULL;
            reflow_graph *back = NULL;
            WORKS(reflow_graph_save(each[k], formats[i], &first, &e));
            WORKS(reflow_graph_load(reflow_buffer_get(first), formats[i], text_of(""), &back, &e));
            CHECK(reflow_graph_equal(each[k], back));
            WORKS(reflow_graph_save(back, formats[i], &second, &e));
            reflow_view a = reflow_buffer_get(first), b = reflow_buffer_get(second);
            CHECK(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
            reflow_buffer_destroy(first);
            reflow_buffer_destroy(second);
            reflow_graph_destroy(back);
        }
    }
    reflow_graph *one = loaded("{\"properties\":{\"name\":\"twice\"},\"inports\":{\"in\":[" END("p", "a")
                               "]},\"processes\":{\"p\":{\"component\":\"Pass\"}}}");
    CHECK(!reflow_graph_equal(one, inner));
    WORKS(reflow_graph_remove_outport(inner, text_of("out"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_outport(inner, text_of("out"), &e));
    WORKS(reflow_graph_remove_node(inner, text_of("r"), &e));
    WORKS(reflow_graph_remove_inport(inner, text_of("in"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_graph_remove_inport(inner, text_of("in"), &e));
    reflow_graph_destroy(one);
    reflow_graph_destroy(inner);
    reflow_graph_destroy(graph);
}

int main(void) {
    check_time_limit(120);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_as_flat(&rig_modes[i]);
        test_names(&rig_modes[i]);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) {
        test_as_flat(&rig_tiny_modes[i]);
        test_names(&rig_tiny_modes[i]);
    }
    test_boundary(&rig_inline);
    test_boundary(&rig_own);
    test_several();
    test_round_trip();
    return 0;
}
