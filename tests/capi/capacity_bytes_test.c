/* Capacities of inports in bytes of payload: of connections, ports and runtimes; in every mode. */
#include "check.h"

#include "rig.h"

static reflow_runtime *runtime_of(const rig_mode *mode, uint64_t bytes) {
    reflow_runtime_options options = rig_options(mode);
    options.port_capacity_bytes = bytes;
    options.port_capacity = 1000; /* also in tiny modes: bytes are what counts here */
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    rig_register_pass(runtime);
    return runtime;
}

/* Bytes of this size, the first of which is a number. */
static reflow_message sized_message(unsigned char number, size_t size) {
    unsigned char bytes[1000] = {0};
    bytes[0] = number;
    reflow_message message;
    WORKS(reflow_message_bytes(bytes, size, &message, &e));
    return message;
}

static unsigned char taken(reflow_output *output) {
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    reflow_view view = {0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(message, &view));
    unsigned char number = (unsigned char)view.data[0];
    reflow_message_unref(message);
    return number;
}

/* a -> b of Pass, and an output behind b. */
static reflow_network *pair(reflow_runtime *runtime, const char *metadata, reflow_output **output) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    rig_connect(graph, "a.o", "b.a", metadata);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    *output = rig_output(network, "b.o", 1000);
    WORKS(reflow_network_start(network, &e));
    return network;
}

static void send_sized(reflow_network *network, const char *to, int number, size_t size) {
    WORKS(reflow_network_send(network, rig_inport(network, to),
                              sized_message((unsigned char)number, size), REFLOW_FOREVER, &e));
}
static uint64_t waiting(reflow_network *network, const char *node) {
    return rig_counters(network, node).waiting;
}
static void end(reflow_runtime *runtime, reflow_network *network, reflow_output *output) {
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* What does not fit waits with its sender. */
static void test_waits(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 0);
    reflow_output *output;
    reflow_network *network = pair(runtime, "{\"capacity_bytes\":100}", &output);
    rig_pause(network, "b");
    for (int i = 1; i <= 3; ++i) send_sized(network, "a.a", i, 30);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 3 && rig_counters(network, "a").held_back == 0);
    send_sized(network, "a.a", 4, 30);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 3 && rig_counters(network, "a").held_back == 1);
    for (int i = 5; i <= 9; ++i) send_sized(network, "a.a", i, 10);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 3);
    rig_resume(network, "b");
    rig_idle(network);
    for (int i = 1; i <= 9; ++i) CHECK(taken(output) == i);
    /* 0 bytes of payload always fit; numbers have 8. */
    rig_pause(network, "b");
    for (int i = 0; i < 20; ++i) rig_send(network, rig_inport(network, "a.a"), i);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 12);
    rig_resume(network, "b");
    rig_idle(network);
    for (int i = 0; i < 20; ++i) CHECK(rig_recv(output) == i);
    end(runtime, network, output);
}

/* A packet that is larger than all of it goes alone. */
static void test_large(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 0);
    reflow_output *output;
    reflow_network *network = pair(runtime, "{\"capacity_bytes\":100}", &output);
    rig_pause(network, "b");
    send_sized(network, "a.a", 1, 500);
    send_sized(network, "a.a", 2, 1);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 1 && rig_counters(network, "a").held_back == 1);
    rig_resume(network, "b");
    rig_idle(network);
    rig_pause(network, "b");
    send_sized(network, "a.a", 3, 1);
    send_sized(network, "a.a", 4, 500);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 1 && rig_counters(network, "a").held_back == 1);
    rig_resume(network, "b");
    rig_idle(network);
    for (int i = 1; i <= 4; ++i) CHECK(taken(output) == i);
    end(runtime, network, output);
}

/* Connections that drop do so by bytes too. */
static void test_drops(const rig_mode *mode) {
    static const char *const kinds[] = {"drop-oldest", "drop-newest", "latest"};
    static const uint64_t left[] = {2, 3, 1}, first[] = {4, 1, 5};
    for (int kind = 0; kind < 3; ++kind) {
        char metadata[80];
        snprintf(metadata, sizeof metadata, "{\"capacity_bytes\":100,\"kind\":\"%s\"}", kinds[kind]);
        reflow_runtime *runtime = runtime_of(mode, 0);
        reflow_output *output;
        reflow_network *network = pair(runtime, metadata, &output);
        rig_pause(network, "b");
        for (int i = 1; i <= 4; ++i) send_sized(network, "a.a", i, 30);
        send_sized(network, "a.a", 5, 65);
        rig_quiet(network);
        CHECK(waiting(network, "b") == left[kind]);
        CHECK(rig_counters(network, "b").dropped == 5 - left[kind]);
        rig_resume(network, "b");
        rig_idle(network);
        for (uint64_t i = 0; i < left[kind]; ++i) CHECK(taken(output) == first[kind] + i);
        end(runtime, network, output);
    }
}

/* The host is refused and waits like any sender; runtime, port and connection in this order. */
static void test_host(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 100);
    reflow_port inports[1], outports[1];
    memset(inports, 0, sizeof inports);
    memset(outports, 0, sizeof outports);
    inports[0].name = text_of("a");
    inports[0].capacity_bytes = 40;
    outports[0].name = text_of("o");
    reflow_component own = {0};
    own.struct_size = sizeof own;
    own.port_size = sizeof(reflow_port);
    own.id = text_of("Own");
    own.inports = inports;
    own.outports = outports;
    own.inport_count = own.outport_count = 1;
    own.run = rig_pass;
    WORKS(reflow_runtime_register(runtime, &own, &e));
    reflow_graph *graph = rig_graph();
    rig_node(graph, "plain", "Pass");
    rig_node(graph, "own", "Own");
    rig_node(graph, "more", "Own");
    rig_node(graph, "from", "Pass");
    rig_connect(graph, "from.o", "more.a", "{\"capacity_bytes\":70}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "plain.o", 1000);
    WORKS(reflow_network_start(network, &e));
    static const char *const places[] = {"plain.a", "own.a", "more.a"};
    static const size_t fit[] = {100, 40, 70};
    for (int i = 0; i < 3; ++i) {
        reflow_inport to = rig_inport(network, places[i]);
        WORKS(reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
        send_sized(network, places[i], 1, fit[i] - 1);
        send_sized(network, places[i], 2, 1);
        reflow_message more = sized_message(3, 1);
        FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_try_send(network, to, more, &e));
        reflow_message_unref(more);
        WORKS(reflow_network_resume(network, text_of(""), &e));
        if (i != 0) continue;
        /* Each of these is more than the half at which waiting hosts are told. */
        for (int k = 3; k < 60; ++k) send_sized(network, places[i], k, k % 2 == 0 ? 60 : 200);
        rig_idle(network);
        for (int k = 1; k < 60; ++k) CHECK(taken(output) == k);
    }
    rig_idle(network);
    end(runtime, network, output);
}

/* A cycle of full inports is resolved: bytes grow as packets do. */
static reflow_status halve_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        int64_t left = rig_integer(inputs[i].message);
        for (int k = 0; k < 2 && left > 0; ++k) {
            reflow_status status =
                reflow_context_emit(context, 0, reflow_message_integer(left - 1));
            if (status != REFLOW_OK) return status;
        }
    }
    return REFLOW_OK;
}
static void test_stall(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 0);
    rig_component halve = {.id = "Halve", .inports = "a", .outports = "o", .run = halve_run};
    rig_register(runtime, &halve);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "h", "Halve");
    rig_node(graph, "p", "Pass");
    rig_connect(graph, "h.o", "p.a", "{\"capacity_bytes\":16}");
    rig_connect(graph, "p.o", "h.a", "{\"capacity_bytes\":20}");
    rig_initial(graph, "h.a", reflow_message_integer(7));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(network, &e));
    rig_idle(network);
    CHECK(rig_counters(network, "h").fired == 255 && rig_counters(network, "p").fired == 254);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* A capacity that comes and goes while packets wait. */
static void test_change(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode, 0);
    reflow_output *output;
    reflow_network *network = pair(runtime, NULL, &output);
    rig_pause(network, "b");
    for (int i = 1; i <= 5; ++i) send_sized(network, "a.a", i, 30);
    rig_quiet(network);
    CHECK(waiting(network, "b") == 5);
    reflow_endpoint from = rig_end("a.o"), to = rig_end("b.a");
    for (int limit = 0; limit < 2; ++limit) {
        reflow_graph *graph = NULL;
        WORKS(reflow_network_graph(network, &graph, &e));
        WORKS(reflow_graph_disconnect(graph, &from, &to, &e));
        rig_connect(graph, "a.o", "b.a", limit == 0 ? "{\"capacity_bytes\":100}" : NULL);
        WORKS(reflow_network_apply(network, graph, NULL, NULL, &e));
        reflow_graph_destroy(graph);
        if (limit == 0) send_sized(network, "a.a", 6, 30);
        rig_quiet(network);
        CHECK(waiting(network, "b") == (limit == 0 ? 5 : 6));
        CHECK(rig_counters(network, "a").held_back == (limit == 0 ? 1 : 0));
    }
    rig_resume(network, "b");
    rig_idle(network);
    for (int i = 1; i <= 6; ++i) CHECK(taken(output) == i);
    end(runtime, network, output);
}

static void test_refused(void) {
    static const char *const wrong[] = {"0", "-1", "1.5", "\"1\"", "1125899906842625"};
    reflow_runtime *runtime = runtime_of(&rig_inline, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        char metadata[80];
        snprintf(metadata, sizeof metadata, "{\"capacity_bytes\":%s}", wrong[i]);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "a", "Pass");
        rig_connect(graph, "a.o", "a.a", metadata);
        reflow_network *network = NULL;
        FAILS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &e));
        reflow_graph_destroy(graph);
    }
    reflow_runtime_destroy(runtime);
}

static void test_mode(const rig_mode *mode) {
    test_waits(mode);
    test_large(mode);
    test_drops(mode);
    test_host(mode);
    test_stall(mode);
    test_change(mode);
}

int main(void) {
    check_time_limit(55);
    for (size_t i = 0; i < RIG_MODES; ++i) test_mode(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_mode(&rig_tiny_modes[i]);
    test_refused();
    return 0;
}
