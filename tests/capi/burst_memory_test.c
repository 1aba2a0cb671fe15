/* Memory that runs out for a while: in a start of a network that was restored, in a change that takes a node
 * with outputs away, while a letter is played back, and in a replay. Each is done again and again, and each
 * time so many allocations in a row fail from one place later on: one, two, some, or all until the calls are
 * over. A call answers REFLOW_ERROR_OUT_OF_MEMORY or works, nothing ends the process or never returns, what
 * is lost is counted, and in the end nothing is left. */
#include "check.h"

#include "bursts.h"

static void fine_or_without_memory(reflow_status status) {
    CHECK(status == REFLOW_OK || (failed && status == REFLOW_ERROR_OUT_OF_MEMORY));
}

static reflow_runtime *simulated(void) {
    reflow_runtime_options options = {.struct_size = sizeof options, .mode = REFLOW_MODE_SIMULATED};
    options.seed = 1;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    return runtime;
}

static reflow_graph *load(const char *document) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(document), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    return graph;
}

static reflow_dead_letters letters_of(const reflow_network *network) {
    reflow_dead_letters letters = {.struct_size = sizeof letters};
    WORKS(reflow_network_dead_letters(network, &letters, &e));
    return letters;
}

static char *text_of_all(reflow_message message) {
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(message, 0, &buffer, &e));
    reflow_view view = reflow_buffer_get(buffer);
    char *text = malloc(view.size + 1);
    CHECK(text != NULL);
    memcpy(text, view.data, view.size);
    text[view.size] = 0;
    reflow_buffer_destroy(buffer);
    reflow_message_unref(message);
    return text;
}

/* ---- the start of a network that was restored */

/* What is odd fails for good: a letter each. */
static reflow_status odd_fails(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    int64_t value = rig_integer(inputs[0].message);
    (void)state;
    (void)count;
    if (value % 2 != 0) return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("odd"), text_of(""));
    return reflow_context_emit(context, 0, reflow_message_integer(value));
}

#define END(node, port) "{\"nodeId\":\"" node "\",\"portId\":\"" port "\"}"
/* The network is restarted when f fails, so that restarts count in the snapshot; fewer letters are kept where
 * it is restored. */
#define SAVED(letters)                                                                                 \
    "{\"properties\":{\"dead_letters\":" letters ",\"failure\":{\"escalated\":\"restart\","            \
    "\"restarts\":1000,\"within_ms\":100000000}},\"processes\":{\"p\":{\"component\":\"Pass\"},"       \
    "\"f\":{\"component\":\"Odd\",\"metadata\":{\"failure\":{\"then\":\"escalate\"}}},"                \
    "\"g\":{\"component\":\"Odd\"},"             \
    "\"q\":{\"component\":\"Pass\"}},\"connections\":[{\"from\":" END("p", "o") ",\"to\":"             \
    END("f", "a") "},{\"from\":" END("p", "o") ",\"to\":" END("g", "a") "},{\"from\":" END("f", "o")   \
    ",\"to\":" END("q", "a") "}]}"

static reflow_runtime *home;
static reflow_graph *restored_graph;
static reflow_message snapshot;

static reflow_network *restored(reflow_output **output) {
    reflow_network *network = rig_network(home, restored_graph);
    *output = rig_output(network, "q.o", 1000);
    WORKS(reflow_network_restore(network, snapshot, &e));
    return network;
}

/* What it tells of itself, and what comes out. */
static char *lived(reflow_network *network, reflow_output *output) {
    reflow_message letters, breaks, one_break, id;
    WORKS(reflow_network_list_dead_letters(network, text_of(""), 0, SIZE_MAX, &letters, &e));
    WORKS(reflow_network_breakpoints(network, &breaks, &e));
    char *list = text_of_all(letters);
    size_t points = reflow_message_count(breaks);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(breaks, 0, &one_break));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(one_break, text_of("id"), &id));
    WORKS(reflow_network_unbreak(network, (reflow_breakpoint){(uint64_t)rig_integer(id)}, &e));
    reflow_message_unref(breaks);
    WORKS(reflow_network_resume(network, text_of(""), &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_dead_letters count = letters_of(network);
    size_t size = strlen(list) + 200;
    char *all = malloc(size);
    CHECK(all != NULL);
    snprintf(all, size, "%d out, %d letters, %d lost, %d breakpoints, %s", (int)read_all(output),
             (int)count.total, (int)count.lost, (int)points, list);
    free(list);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    return all;
}

static char *wanted;

static void live_restored(uint64_t from, uint64_t count) {
    reflow_output *output = NULL;
    reflow_network *network = restored(&output);
    begin_to_fail(from, count);
    reflow_status status = reflow_network_start(network, NULL);
    end_to_fail();
    fine_or_without_memory(status);
    if (status != REFLOW_OK) {
        CHECK(letters_of(network).waiting == 0 && letters_of(network).total == 0);
        WORKS(reflow_network_start(network, &e));
    }
    char *got = lived(network, output);
    if (strcmp(got, wanted) != 0) check_failed(__FILE__, (int)from, got, wanted);
    free(got);
}

static void test_restored(void) {
    home = simulated();
    rig_register_pass(home);
    rig_component odd = {.id = "Odd", .inports = "a", .outports = "o", .max_batch = 1, .run = odd_fails};
    rig_register(home, &odd);
    reflow_graph *graph = load(SAVED("1000"));
    restored_graph = load(SAVED("3"));
    reflow_network *network = rig_network(home, graph);
    reflow_graph_destroy(graph);
    reflow_break_options stop = {.struct_size = sizeof stop};
    stop.node = text_of("q");
    stop.inport = text_of("a");
    stop.flags = REFLOW_BREAK_NODE_ONLY;
    reflow_breakpoint point;
    WORKS(reflow_network_break(network, &stop, &point, &e));
    WORKS(reflow_network_start(network, &e));
    reflow_inport inport = rig_inport(network, "p.a");
    for (int i = 0; i < 300; ++i) {
        rig_send(network, inport, i);
        if (i < 250) (void)reflow_runtime_run(home, 3, NULL, NULL);
    }
    CHECK(letters_of(network).waiting > 70);
    WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &snapshot, &e));
    reflow_network_destroy(network);
    reflow_output *output = NULL;
    network = restored(&output);
    WORKS(reflow_network_start(network, &e));
    wanted = lived(network, output);
    if (getenv("SHOW") != NULL) fprintf(stderr, "%s\n", wanted);
    test_each(live_restored, 6);
    free(wanted);
    reflow_message_unref(snapshot);
    reflow_graph_destroy(restored_graph);
    reflow_runtime_destroy(home);
}

/* ---- a change that takes a node with firings that are over, and whose outputs nobody has seen */

enum { FIRINGS = 6 };
static reflow_completion open_firings[FIRINGS];
static size_t open_count;

static reflow_status keep_open(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    CHECK(open_count < FIRINGS);
    reflow_status status = reflow_context_defer(context, 0, &open_firings[open_count]);
    open_count += status == REFLOW_OK;
    return status;
}

/* A firing that is over is taken by half when memory runs out; another one ends meanwhile. */
static void live_half(uint64_t from, uint64_t count) {
    reflow_runtime *runtime = simulated();
    rig_component keeps = {.id = "Keeps", .inports = "a", .outports = "o", .max_batch = 1, .run = keep_open};
    keeps.max_concurrency = 2;
    rig_register(runtime, &keeps);
    reflow_graph *graph = load("{\"processes\":{\"a\":{\"component\":\"Keeps\"}}}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_carry_envelopes(network, &e));
    reflow_output *output = rig_output(network, "a.o", 100);
    reflow_inport inport = rig_inport(network, "a.a");
    WORKS(reflow_network_start(network, &e));
    open_count = 0;
    for (int i = 0; i < 4; ++i) {
        reflow_envelope envelope = {.struct_size = sizeof envelope};
        envelope.correlation = text_of("correlation");
        WORKS(reflow_network_send_enveloped(network, inport, reflow_message_integer(i), &envelope, 0, &e));
    }
    (void)reflow_runtime_run(runtime, 10, NULL, NULL);
    CHECK(open_count == 2);
    for (size_t i = 0; i < 2; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(open_firings[i], 0, reflow_message_integer(1), 0));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(open_firings[i]));
        if (i == 0) begin_to_fail(from, count);
        (void)reflow_runtime_run(runtime, 1, NULL, NULL);
        if (i == 0) end_to_fail();
    }
    (void)reflow_runtime_run(runtime, 10, NULL, NULL);
    uint64_t lost = rig_counters(network, "a").failed;
    CHECK(rig_counters(network, "a").waiting == 0 && (failed || lost == 0));
    CHECK(open_count + lost >= 4); /* a call that kept one open may have failed, or be made again */
    for (size_t i = 2; i < open_count; ++i) {
        reflow_status status = reflow_completion_resolve(open_firings[i]);
        CHECK(status == REFLOW_OK || (failed && status == REFLOW_ERROR_CLOSED));
    }
    rig_idle(network);
    CHECK(read_all(output) == 2);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
}

static const char whole[] = "{\"processes\":{\"a\":{\"component\":\"Keeps\"},\"b\":{\"component\":\"Pass\"}},"
                            "\"connections\":[{\"from\":" END("a", "o") ",\"to\":" END("b", "a") "}]}";
static const char half[] = "{\"processes\":{\"b\":{\"component\":\"Pass\"}}}";

static reflow_leftover leftover;

static void live_changed(uint64_t from, uint64_t count) {
    reflow_runtime *runtime = simulated();
    rig_register_pass(runtime);
    rig_component keeps = {.id = "Keeps", .inports = "a", .outports = "o", .max_batch = 1, .run = keep_open};
    keeps.max_concurrency = FIRINGS;
    rig_register(runtime, &keeps);
    reflow_graph *graph = load(whole), *next = load(half);
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_carry_envelopes(network, &e));
    reflow_output *output = rig_output(network, "b.o", 100);
    WORKS(reflow_network_start(network, &e));
    reflow_inport inport = rig_inport(network, "a.a");
    open_count = 0;
    for (int i = 0; i < FIRINGS; ++i) {
        reflow_envelope envelope = {.struct_size = sizeof envelope};
        envelope.correlation = text_of("a text that is too long to be kept inside of a string");
        WORKS(reflow_network_send_enveloped(network, inport, reflow_message_integer(i), &envelope, 0, &e));
    }
    (void)reflow_runtime_run(runtime, 100, NULL, NULL);
    CHECK(open_count == FIRINGS);
    rig_pause(network, "a");
    for (int i = 0; i < FIRINGS; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(open_firings[i], 0, reflow_message_integer(i), 0));
        /* One is cancelled by the change: its packet is a letter. */
        if (i != 0) CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(open_firings[i]));
    }
    reflow_change_options options = {.struct_size = sizeof options, .leftover = leftover};
    reflow_change change = {.struct_size = sizeof change};
    begin_to_fail(from, count);
    reflow_status status = reflow_network_apply(network, next, &options, &change, NULL);
    end_to_fail();
    fine_or_without_memory(status);
    if (status != REFLOW_OK) WORKS(reflow_network_apply(network, next, &options, &change, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    uint64_t out = read_all(output), gone = change.packets_dropped;
    reflow_dead_letters letters = letters_of(network);
    CHECK(letters.waiting + letters.lost == letters.total);
    if (leftover == REFLOW_LEFTOVER_DEAD_LETTER) CHECK(letters.total == gone);
    /* All outputs, and the packet of the one that was cancelled. */
    if (out + gone + rig_counters(network, "b").failed != FIRINGS + 1) {
        char text[100];
        snprintf(text, sizeof text, "%d out, %d dropped, %d letters", (int)out, (int)gone, (int)letters.total);
        check_failed(__FILE__, (int)from, "outputs are neither out nor counted", text);
    }
    if (!failed) CHECK(out == FIRINGS);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    reflow_graph_destroy(next);
    reflow_runtime_destroy(runtime);
}

/* ---- a letter of two packets that is played back, whose deadlines are over */

static reflow_status both(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    CHECK(count == 2 && rig_integer(inputs[0].message) == 1 && rig_integer(inputs[1].message) == 2);
    return reflow_context_emit(context, 0, reflow_message_integer(3));
}

static void live_letter(uint64_t from, uint64_t count) {
    reflow_runtime *runtime = simulated();
    rig_register_pass(runtime);
    rig_component pair = {.id = "Both", .inports = "ab", .outports = "o", .max_batch = 1, .run = both};
    pair.await = REFLOW_AWAIT_ALL;
    rig_register(runtime, &pair);
    reflow_graph *graph = load("{\"processes\":{\"n\":{\"component\":\"Both\"},\"p\":{\"component\":\"Pass\"}}}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_carry_envelopes(network, &e));
    reflow_output *output = rig_output(network, "n.o", 100);
    reflow_inport inports[] = {rig_inport(network, "n.a"), rig_inport(network, "n.b")};
    reflow_inport other = rig_inport(network, "p.a");
    WORKS(reflow_network_start(network, &e));
    rig_pause(network, "n");
    for (int i = 0; i < 2; ++i) {
        reflow_envelope envelope = {.struct_size = sizeof envelope, .deadline_ms = 1};
        WORKS(reflow_network_send_enveloped(network, inports[i], reflow_message_integer(i + 1), &envelope, 0, &e));
    }
    for (int i = 0; i < 1200; ++i) { /* a millisecond goes by: one for each thousand turns */
        rig_send(network, other, i);
        (void)reflow_runtime_run(runtime, 1, NULL, NULL);
    }
    rig_resume(network, "n");
    rig_idle(network);
    CHECK(letters_of(network).waiting == 1);
    size_t played = 0;
    begin_to_fail(from, count);
    reflow_status status = reflow_network_replay_dead_letters(network, text_of("n"), &played, NULL);
    end_to_fail();
    fine_or_without_memory(status);
    if (letters_of(network).waiting != 0) {
        CHECK(failed && played == 0 && rig_counters(network, "n").waiting == 0);
        WORKS(reflow_network_replay_dead_letters(network, text_of("n"), &played, &e));
    }
    rig_idle(network);
    uint64_t out = read_all(output), lost = letters_of(network).lost;
    CHECK(out + lost == 1 && (failed || out == 1));
    CHECK(rig_counters(network, "n").waiting == 0);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
}

/* ---- replays */

static char file[] = "/tmp/reflow-burst-XXXXXX";

static reflow_runtime *register_all(reflow_runtime *runtime) {
    rig_register_pass(runtime);
    rig_component odd = {.id = "Odd", .inports = "a", .outports = "o", .max_batch = 1, .run = odd_fails};
    rig_register(runtime, &odd);
    return runtime;
}

static void record(void) {
    reflow_runtime *runtime = register_all(simulated());
    reflow_graph *graph = load(SAVED("1000"));
    reflow_network *network = NULL;
    WORKS(reflow_x_record_create(runtime, graph, text_of(file), &network, &e));
    reflow_graph_destroy(graph);
    WORKS(reflow_network_carry_envelopes(network, &e));
    reflow_inport inport = rig_inport(network, "p.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 5; ++i) {
        reflow_envelope envelope = {.struct_size = sizeof envelope};
        envelope.correlation = text_of("a text that is too long to be kept inside of a string");
        WORKS(reflow_network_send_enveloped(network, inport, reflow_message_integer(i), &envelope, 0, &e));
        if (i % 2 != 0) (void)reflow_runtime_run(runtime, 3, NULL, NULL);
    }
    size_t count = 0;
    WORKS(reflow_network_replay_dead_letters(network, text_of(""), &count, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void live_replayed(uint64_t from, uint64_t count) {
    reflow_x_recording *recording = NULL;
    reflow_x_replay *replay = NULL;
    reflow_runtime_options options = {.struct_size = sizeof options};
    reflow_runtime *runtime = NULL;
    WORKS(reflow_x_recording_open(text_of(file), &recording, &e));
    WORKS(reflow_x_recording_options(recording, &options, &e));
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    register_all(runtime);
    begin_to_fail(from, count);
    reflow_status status = reflow_x_replay_create(runtime, recording, &replay, NULL);
    fine_or_without_memory(status);
    bool more = false;
    /* Without memory a firing fails that did not. */
    if (status == REFLOW_OK) {
        status = reflow_x_replay_run(replay, 0, &more, NULL);
        CHECK(status == REFLOW_OK || failed);
    }
    end_to_fail();
    reflow_x_replay_destroy(replay); /* it returns */
    reflow_x_recording_destroy(recording);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(50);
    set_failing_allocator();
    test_restored();
    for (leftover = REFLOW_LEFTOVER_DRAIN; leftover <= REFLOW_LEFTOVER_DEAD_LETTER; ++leftover) {
        test_each(live_changed, 6);
    }
    test_each(live_half, 1);
    test_each(live_letter, 6);
    if (reflow_feature(text_of("recording"))) {
        int descriptor = mkstemp(file);
        CHECK(descriptor >= 0);
        close(descriptor);
        record();
        test_each(live_replayed, 6);
        unlink(file);
    }
    CHECK(live_blocks() == 0);
    return 0;
}
