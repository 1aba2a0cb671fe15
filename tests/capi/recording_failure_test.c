/* Recordings of networks whose graph, or a subgraph, says what is done when a firing fails: their replays
 * are the same run. Each graph is run with many seeds by a host that sends what fails; what the replay's
 * network tells is compared with what that of the recording told, event by event and letter by letter. */
#include "check.h"

#include "replays.h"

static char file[] = "/tmp/reflow-failures-XXXXXX";

/* ---- components: one that fails for good, one that fails at times, and one that makes two of one */

static reflow_status work(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    int64_t *calls = state, value = rig_integer(inputs[0].message);
    (void)count;
    ++*calls;
    if (value % 4 == 0 || (value % 4 == 1 && *calls % 3 != 0)) {
        return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("not this one"), text_of(""));
    }
    return reflow_context_emit(context, 0, reflow_message_integer(value * 100 + *calls));
}
static reflow_status work_create(reflow_context *context, void *user_data, void **state) {
    (void)context;
    (void)user_data;
    *state = calloc(1, sizeof(int64_t));
    return *state == NULL ? REFLOW_ERROR_OUT_OF_MEMORY : REFLOW_OK;
}
static reflow_status twice(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    int64_t value = rig_integer(inputs[0].message);
    (void)state;
    (void)count;
    for (int i = 0; i < 2 && value % 8 != 7; ++i) {
        reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(value + 1));
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

static void register_all(reflow_runtime *runtime) {
    rig_register_pass(runtime);
    rig_component one = {.id = "Work", .inports = "a", .outports = "o", .max_batch = 1, .run = work};
    one.create = work_create;
    one.destroy_state = free;
    rig_register(runtime, &one);
    /* Its inport has to be fed, be it by a fallback alone. */
    rig_component needs = {.id = "Needs", .inports = "A", .outports = "o", .run = rig_pass};
    rig_register(runtime, &needs);
    rig_component two = {.id = "Twice", .inports = "a", .outports = "o", .max_batch = 1, .run = twice};
    rig_register(runtime, &two);
}

static reflow_runtime *runtime_with(const reflow_runtime_options *options) {
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(options, &runtime, &e));
    register_all(runtime);
    return runtime;
}

static bool stopped;

/* A host sends what the seed says, and runs some turns in between. */
static told record(const char *document, uint64_t seed) {
    reflow_runtime_options options = {.struct_size = sizeof options, .mode = REFLOW_MODE_SIMULATED};
    options.seed = seed;
    options.port_capacity = 3;
    reflow_runtime *runtime = runtime_with(&options);
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(document), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    reflow_network *network = NULL;
    WORKS(reflow_x_record_create(runtime, graph, text_of(file), &network, &e));
    reflow_graph_destroy(graph);
    reflow_subscription *events = listen(network);
    reflow_inport x = rig_inport(network, "sub/x.a"), y = rig_inport(network, "sub/y.a");
    reflow_inport w = rig_inport(network, "w.a");
    WORKS(reflow_network_start(network, &e));
    uint64_t dice = seed * 7919 + 1;
    for (int i = 0; i < 40; ++i) {
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
        reflow_inport to = dice >> 60 < 5 ? x : dice >> 60 < 10 ? y : w;
        (void)reflow_network_try_send(network, to, reflow_message_integer((int64_t)(dice >> 33 & 63)), NULL);
        if (i % 2 == 1) (void)reflow_runtime_run(runtime, 1 + (dice >> 40 & 7), NULL, NULL);
    }
    stopped = reflow_network_get_state(network) != REFLOW_NETWORK_RUNNING;
    (void)reflow_network_drain(network, REFLOW_FOREVER, NULL);
    (void)reflow_network_stop(network, REFLOW_FOREVER, NULL);
    told all = tell(network, events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    return all;
}

static told replay(void) {
    reflow_x_recording *recording = NULL;
    WORKS(reflow_x_recording_open(text_of(file), &recording, &e));
    reflow_runtime_options options = {.struct_size = sizeof options};
    WORKS(reflow_x_recording_options(recording, &options, &e));
    reflow_runtime *runtime = runtime_with(&options);
    reflow_x_replay *again = NULL;
    WORKS(reflow_x_replay_create(runtime, recording, &again, &e));
    reflow_x_recording_destroy(recording);
    reflow_network *network = reflow_x_replay_network(again);
    reflow_subscription *events = listen(network);
    WORKS(reflow_x_replay_run(again, 0, NULL, &e));
    told all = tell(network, events);
    reflow_x_replay_destroy(again);
    reflow_runtime_destroy(runtime);
    return all;
}

/* All graphs have the nodes w, sub/x and sub/y. P: more properties of the graph, M: what the node of the
 * subgraph says, S: properties of the subgraph, X: what its node x says, N: more nodes in it. */
#define GRAPH(P, M, S, X, N)                                                                            \
    "{\"caseSensitive\": false, \"properties\": {\"name\": \"g\"" P "}, \"processes\": {"               \
    "\"w\": {\"component\": \"Work\"}, \"t\": {\"component\": \"Twice\"}, \"p\": {\"component\": \"Pass\"}," \
    "\"sub\": {\"metadata\": {" M "\"componentSpec\": {\"type\": \"subgraph\", \"graph\": {"            \
    "\"caseSensitive\": false, "                                                                        \
    "\"properties\": {" S "}, \"processes\": {\"x\": {\"component\": \"Work\", \"metadata\": {" X "}}," \
    "\"y\": {\"component\": \"Work\"}" N "}, \"connections\": []}}}}},"                                 \
    "\"connections\": [{\"from\": {\"nodeId\": \"w\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"t\", \"portId\": \"a\"}}," \
    "{\"from\": {\"nodeId\": \"t\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"p\", \"portId\": \"a\"}}," \
    "{\"from\": {\"nodeId\": \"p\", \"portId\": \"o\"}, \"to\": {\"nodeId\": \"t\", \"portId\": \"a\"}}]}"
#define DEEP                                                                                             \
    ", \"deep\": {\"metadata\": {\"componentSpec\": {\"type\": \"subgraph\", \"graph\": {\"processes\": {" \
    "\"z\": {\"component\": \"Work\", \"metadata\": {\"failure\": {\"fallback\": {\"node\": \"n\"}}}},"  \
    "\"n\": {\"component\": \"Needs\"}}, \"inports\": {\"in\": {\"nodeId\": \"z\", \"portId\": \"a\"}},"  \
    "\"connections\": []}}}}"

static const struct {
    const char *document;
    const char *shows; /* what has to be in what a run tells, at some seed; NULL: it stops by itself */
} cases[] = {
    {GRAPH("", "", "", "", ""), "\"attempts\":1"},
    {GRAPH(", \"failure\": {\"retries\": 3, \"backoff_ms\": 2}", "", "", "", ""), "\"attempts\":4"},
    {GRAPH(", \"failure\": {\"breaker\": {\"threshold\": 2, \"cooldown_ms\": 5}}", "", "", "", ""), "[\"open\"]"},
    {GRAPH("", "\"failure\": {\"retries\": 2, \"backoff_ms\": 3},", "", "", ""), "\"attempts\":3"},
    {GRAPH("", "", "\"failure\": {\"then\": \"restart\", \"restarts\": 9}", "", ""), "restarting"},
    {GRAPH(", \"failure\": {\"escalated\": \"restart\", \"restarts\": 2}", "\"failure\": {\"then\": \"escalate\"},",
           "\"failure\": {\"escalated\": \"escalate\"}", "", ""), "restarting"},
    {GRAPH(", \"failure\": {\"escalated\": \"continue\"}", "\"failure\": {\"then\": \"escalate\"},",
           "\"failure\": {\"escalated\": \"restart\", \"restarts\": 2, \"within_ms\": 1000}", "", ""), "restarting"},
    {GRAPH(", \"failure\": {\"escalated\": \"stop\"}", "", "\"failure\": {\"retries\": 1}",
           "\"failure\": {\"then\": \"escalate\"}", ""), NULL},
    {GRAPH("", "", "", "\"failure\": {\"fallback\": {\"node\": \"n\"}}", ", \"n\": {\"component\": \"Needs\"}"),
     "sub/n"},
    {GRAPH("", "", "", "\"failure\": {\"fallback\": {\"node\": \"n\", \"port\": \"a\"}}",
           ", \"n\": {\"component\": \"Needs\"}"), "sub/n"},
    {GRAPH("", "", "\"failure\": {\"fallback\": {\"node\": \"n\"}, \"retries\": 1}", "",
           ", \"n\": {\"component\": \"Needs\"}"), "sub/n"},
    {GRAPH("", "\"failure\": {\"fallback\": {\"node\": \"p\"}},", "", "", DEEP), "\"p\""},
    {GRAPH(", \"failure\": {\"fallback\": {\"value\": 5, \"port\": \"O\"}}", "", "", "", ""), "0 letters"},
    {GRAPH(", \"dead_letters\": 3", "", "", "", ""), "of 3 waiting"},
    {GRAPH(", \"dead_letters\": 0", "", "", "", ""), "of 0 waiting"},
    {GRAPH(", \"on_stall\": \"fail\"", "", "", "", ""), "NetworkStalled"},
    {GRAPH(", \"on_stall\": \"drop-oldest\"", "", "", "", ""), "drop-oldest"},
    {GRAPH(", \"failure\": {\"error\": \"object\", \"retries\": 1, \"jitter\": 1}", "", "", "", ""), "\"attempts\":2"},
};

int main(void) {
    check_time_limit(120);
    int made = mkstemp(file);
    CHECK(made >= 0);
    close(made);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        bool shown = false;
        for (uint64_t seed = 1; seed <= (check_slow() ? 3u : 12u); ++seed) {
            told recorded = record(cases[i].document, seed);
            const char *shows = cases[i].shows;
            shown = shown || (shows == NULL ? stopped : strstr(recorded.text, shows) != NULL);
            told repeated = replay();
            char where[40];
            snprintf(where, sizeof where, "case %d, seed %d", (int)i, (int)seed);
            same(&recorded, &repeated, where);
        }
        if (!shown) fprintf(stderr, "case %d does not show what it is for\n", (int)i);
        CHECK(shown);
    }
    (void)unlink(file);
    return 0;
}
