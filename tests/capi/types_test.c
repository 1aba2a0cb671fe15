/* Types of packets while networks run (check_types), in every mode. */
#include "check.h"

#include "rig.h"

/* ---- components with typed ports: inport a, outport o */

static reflow_message given; /* what Give emits when it fires; borrowed */
static reflow_status emitted;
static int arrived;

static reflow_status give_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    CHECK(count == 1);
    reflow_message_ref(given);
    emitted = reflow_context_emit(context, 0, given);
    return emitted;
}
/* The same later, from the outside. */
static reflow_completion pending;
static reflow_status later_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    CHECK(count == 1);
    return reflow_context_defer(context, 0, &pending);
}
static reflow_status many_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)inputs;
    CHECK(count == 1);
    reflow_message all[3] = {reflow_message_integer(1), given, reflow_message_integer(3)};
    reflow_message_ref(given);
    return reflow_context_emit_many(context, 0, all, 3);
}
static reflow_status take_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    __atomic_add_fetch(&arrived, (int)count, __ATOMIC_SEQ_CST);
    return REFLOW_OK;
}

static void register_typed(reflow_runtime *runtime, const char *id, const char *type,
                           reflow_run_fn run) {
    reflow_port inports[1], outports[1];
    memset(inports, 0, sizeof inports);
    memset(outports, 0, sizeof outports);
    inports[0].name = text_of("a");
    inports[0].type = text_of(type);
    outports[0].name = text_of("o");
    reflow_component own = {0};
    own.struct_size = sizeof own;
    own.port_size = sizeof(reflow_port);
    own.id = text_of(id);
    own.inports = inports;
    own.outports = outports;
    own.inport_count = own.outport_count = 1;
    own.run = run;
    WORKS(reflow_runtime_register(runtime, &own, &e));
}

static reflow_runtime *runtime_of(const rig_mode *mode, uint32_t check_types) {
    arrived = 0;
    reflow_runtime_options options = rig_options(mode);
    options.check_types = check_types;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    register_typed(runtime, "Give", "any", give_run);
    register_typed(runtime, "Later", "any", later_run);
    register_typed(runtime, "Many", "any", many_run);
    register_typed(runtime, "Integers", "integer", take_run);
    register_typed(runtime, "Arrays", "array<integer>", take_run);
    register_typed(runtime, "Any", "any", take_run);
    return runtime;
}

/* g of the giver to t of the taker, and to u of Any. */
static reflow_network *network_of(reflow_runtime *runtime, const char *giver, const char *taker,
                                  const char *metadata) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("g"), text_of(giver), json(metadata), &e));
    rig_node(graph, "t", taker);
    rig_node(graph, "u", "Any");
    rig_connect(graph, "g.o", "t.a", NULL);
    rig_connect(graph, "g.o", "u.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(network, &e));
    return network;
}

static bool holds(const char *text, size_t size, const char *part) {
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= size; ++i) {
        if (memcmp(text + i, part, length) == 0) return true;
    }
    return false;
}

/* The one dead letter of the network tells of the type. */
static void told(reflow_network *network, const char *expected, const char *got) {
    reflow_message letters;
    WORKS(reflow_network_list_dead_letters(network, text_of(""), 0, 10, &letters, &e));
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(letters, REFLOW_JSON_PLAIN, &buffer, &e));
    reflow_view text = reflow_buffer_get(buffer);
    if (!holds(text.data, text.size, expected) || !holds(text.data, text.size, got) ||
        !holds(text.data, text.size, "'o'")) {
        fprintf(stderr, "%.*s\n", (int)text.size, text.data);
        CHECK(false);
    }
    reflow_buffer_destroy(buffer);
    reflow_message_unref(letters);
}

static void end(reflow_runtime *runtime, reflow_network *network) {
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- tests */

static void test_emit(const rig_mode *mode, const char *taker, const char *payload, bool fits,
                      const char *expected, const char *got) {
    for (uint32_t checks = 0; checks < 2; ++checks) {
        reflow_runtime *runtime = runtime_of(mode, checks);
        reflow_network *network = network_of(runtime, "Give", taker, "{}");
        given = json(payload);
        rig_send(network, rig_inport(network, "g.a"), 1);
        rig_idle(network);
        bool goes = fits || checks == 0;
        CHECK(emitted == (goes ? REFLOW_OK : REFLOW_ERROR_TYPE));
        CHECK(arrived == (goes ? 2 : 0)); /* to all or to none */
        CHECK(rig_counters(network, "g").failed == (goes ? 0u : 1u));
        if (!goes) told(network, expected, got);
        reflow_message_unref(given);
        end(runtime, network);
    }
}

/* Of many those before it go. */
static void test_many(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 1);
    reflow_network *network = network_of(runtime, "Many", "Integers", "{}");
    given = json("\"text\"");
    rig_send(network, rig_inport(network, "g.a"), 1);
    rig_idle(network);
    CHECK(rig_counters(network, "g").failed == 1 && arrived == 2);
    told(network, "integer", "string");
    reflow_message_unref(given);
    end(runtime, network);
}

/* A pending firing fails when it ends. */
static void test_pending(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 1);
    reflow_network *network = network_of(runtime, "Later", "Integers", "{}");
    for (int bad = 0; bad < 2; ++bad) {
        rig_send(network, rig_inport(network, "g.a"), 1);
        while (rig_counters(network, "g").received != (uint64_t)bad + 1) {
            if (rig_threaded(mode)) continue;
            (void)reflow_network_wait_idle(network, 1, NULL); /* its firing is pending */
        }
        /* It has been deferred when nothing of it runs any more. */
        WORKS(reflow_network_pause(network, text_of("g"), REFLOW_FOREVER, &e));
        WORKS(reflow_network_resume(network, text_of("g"), &e));
        CHECK_STATUS(REFLOW_OK,
                     reflow_completion_emit(pending, 0, bad == 0 ? reflow_message_integer(5)
                                                                 : json("\"text\""), 0));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(pending));
        rig_idle(network);
        CHECK(rig_counters(network, "g").failed == (uint64_t)bad);
        CHECK(arrived == 2);
    }
    told(network, "integer", "string");
    end(runtime, network);
}

/* Hosts are refused, and of many none goes. */
static void test_host(const rig_mode *mode) {
    for (uint32_t checks = 0; checks < 2; ++checks) {
        reflow_runtime *runtime = runtime_of(mode, checks);
        reflow_network *network = network_of(runtime, "Give", "Integers", "{}");
        reflow_inport to = rig_inport(network, "t.a");
        rig_send(network, to, 1);
        reflow_message all[2] = {reflow_message_integer(2), json("[1]")};
        size_t accepted = 9;
        if (checks == 0) {
            WORKS(reflow_network_send_many(network, to, all, 2, REFLOW_FOREVER, &accepted, &e));
        } else {
            FAILS(REFLOW_ERROR_TYPE, reflow_network_send_many(network, to, all, 2, REFLOW_FOREVER,
                                                              &accepted, &e));
            CHECK(accepted == 0);
            FAILS(REFLOW_ERROR_TYPE, reflow_network_try_send(network, to, all[1], &e));
            reflow_message_unref(all[1]);
        }
        rig_idle(network);
        CHECK(arrived == (checks == 0 ? 3 : 1));
        end(runtime, network);
    }
}

/* Where a packet is dealt it has to fit each inport that it may come to. */
static void test_dealt(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 1);
    reflow_network *network =
        network_of(runtime, "Give", "Integers", "{\"distribute\":{\"o\":\"round-robin\"}}");
    given = json("7");
    rig_send(network, rig_inport(network, "g.a"), 1);
    rig_idle(network);
    CHECK(arrived == 1 && emitted == REFLOW_OK);
    given = json("\"text\"");
    rig_send(network, rig_inport(network, "g.a"), 1);
    rig_idle(network);
    CHECK(arrived == 1 && emitted == REFLOW_ERROR_TYPE);
    reflow_message_unref(given);
    end(runtime, network);
}

static void test_mode(const rig_mode *mode) {
    test_emit(mode, "Integers", "7", true, "", "");
    test_emit(mode, "Integers", "\"text\"", false, "integer", "string");
    test_emit(mode, "Integers", "1.5", false, "integer", "float");
    test_emit(mode, "Arrays", "[1,2]", true, "", "");
    test_emit(mode, "Arrays", "[\"one\"]", false, "array<integer>", "array<string>");
    test_emit(mode, "Arrays", "[1,\"two\"]", true, "", ""); /* array<any> fits */
    test_emit(mode, "Any", "{\"k\":1}", true, "", "");
    test_many(mode);
    test_pending(mode);
    test_host(mode);
    test_dealt(mode);
}

int main(void) {
    check_time_limit(55);
    for (size_t i = 0; i < RIG_MODES; ++i) test_mode(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_mode(&rig_tiny_modes[i]);
    reflow_runtime_options options = rig_options(&rig_inline);
    options.check_types = 2;
    reflow_runtime *runtime = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_create(&options, &runtime, &e));
    return 0;
}
