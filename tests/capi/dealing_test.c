/* Outports that deal their packets over their connections: in turn, to the least loaded, by key; in
 * every mode. */
#include "check.h"

#include "rig.h"

/* ---- Work: keeps what it gets; the node is "w0" to "w9", wherever it stands */

#define SEEN_MAX 2000
typedef struct worker {
    size_t count;
    int64_t seen[SEEN_MAX];
} worker;
static worker workers[10];

static int64_t number_in(reflow_message message) {
    reflow_message inner;
    if (reflow_message_kind(message) == REFLOW_KIND_INTEGER) return rig_integer(message);
    CHECK_STATUS(REFLOW_OK, reflow_message_get(message, text_of("n"), &inner));
    return rig_integer(inner);
}

static reflow_status work_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    reflow_view node = reflow_context_node(context);
    worker *own = &workers[node.data[node.size - 1] - '0'];
    for (size_t i = 0; i < count; ++i) {
        CHECK(own->count < SEEN_MAX);
        own->seen[own->count++] = number_in(inputs[i].message);
    }
    return REFLOW_OK;
}

static reflow_runtime *runtime_of(const rig_mode *mode) {
    memset(workers, 0, sizeof workers);
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    rig_component work = {.id = "Work", .inports = "a", .outports = "o", .run = work_run};
    rig_register(runtime, &work);
    return runtime;
}

/* "deal" (Pass), whose outport deals in this way to w0 ... of Work. */
static reflow_graph *dealt(const char *how, int count, const char *metadata) {
    char text[200];
    reflow_graph *graph = rig_graph();
    snprintf(text, sizeof text, "{\"distribute\":{\"o\":%s}}", how);
    WORKS(reflow_graph_add_node(graph, text_of("deal"), text_of("Pass"), json(text), &e));
    for (int i = 0; i < count; ++i) {
        char node[] = "w0", port[] = "w0.a";
        node[1] = port[1] = (char)('0' + i);
        rig_node(graph, node, "Work");
        rig_connect(graph, "deal.o", port, metadata);
    }
    return graph;
}

/* The graph is ended. */
static reflow_network *made(reflow_runtime *runtime, reflow_graph *graph) {
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}

static reflow_network *started(reflow_runtime *runtime, reflow_graph *graph) {
    reflow_network *network = made(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    return network;
}

static void send_range(reflow_network *network, int64_t first, int64_t last) {
    reflow_inport to = rig_inport(network, "deal.a");
    for (int64_t i = first; i <= last; ++i) rig_send(network, to, i);
}
static uint64_t waiting(reflow_network *network, const char *node) {
    return rig_counters(network, node).waiting;
}
static void end(reflow_runtime *runtime, reflow_network *network) {
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* The numbers first to last are there once each. */
static void check_set(int64_t first, int64_t last) {
    static uint8_t found[SEEN_MAX];
    memset(found, 0, sizeof found);
    size_t count = 0;
    for (size_t w = 0; w < 10; ++w) {
        for (size_t i = 0; i < workers[w].count; ++i) {
            int64_t value = workers[w].seen[i];
            CHECK(value >= first && value <= last && found[value] == 0);
            found[value] = 1;
            ++count;
        }
    }
    CHECK(count == (size_t)(last - first + 1));
}

/* And they rise at each worker. */
static void check_all(int64_t first, int64_t last) {
    check_set(first, last);
    for (size_t w = 0; w < 10; ++w) {
        for (size_t i = 1; i < workers[w].count; ++i) {
            CHECK(workers[w].seen[i] > workers[w].seen[i - 1]);
        }
    }
}

/* ---- tests */

/* With room each gets every third one, exactly. */
static void test_round_robin(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network =
        started(runtime, dealt("\"round-robin\"", 3, "{\"capacity\":1000}"));
    send_range(network, 0, 299);
    rig_idle(network);
    for (int64_t w = 0; w < 3; ++w) {
        CHECK(workers[w].count == 100);
        for (int64_t i = 0; i < 100; ++i) CHECK(workers[w].seen[i] == 3 * i + w);
    }
    CHECK(rig_counters(network, "deal").sent == 300);
    end(runtime, network);
}

/* A full target is passed over; the sender waits only if all are full, and goes on when any has room. */
static void test_full(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = started(runtime, dealt("\"round-robin\"", 3, "{\"capacity\":4}"));
    rig_pause(network, "w0");
    send_range(network, 0, 99);
    rig_quiet(network);
    CHECK(waiting(network, "w0") == 4 && workers[0].count == 0);
    CHECK(workers[1].count + workers[2].count == 96);
    CHECK(rig_counters(network, "deal").held_back == 0);
    rig_pause(network, "w1");
    rig_pause(network, "w2");
    send_range(network, 100, 108);
    rig_quiet(network);
    CHECK(waiting(network, "w1") == 4 && waiting(network, "w2") == 4);
    CHECK(rig_counters(network, "deal").held_back == 1);
    rig_resume(network, "w2"); /* not that whose turn it is */
    rig_quiet(network);
    CHECK(rig_counters(network, "deal").held_back == 0);
    CHECK(waiting(network, "w0") == 4 && waiting(network, "w1") == 4 && waiting(network, "w2") == 0);
    rig_resume(network, "w0");
    rig_resume(network, "w1");
    rig_idle(network);
    check_all(0, 108);
    end(runtime, network);
}

/* Small ports and workers that take turns: nothing is lost, doubled or out of order. */
static void test_conserved(const rig_mode *mode, const char *how) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = started(runtime, dealt(how, 4, "{\"capacity\":1}"));
    send_range(network, 0, 999);
    rig_idle(network);
    check_all(0, 999);
    CHECK(rig_counters(network, "deal").sent == 1000);
    end(runtime, network);
}

/* What has nothing to do comes first, and ties go in turn. */
static void test_least_loaded(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network =
        started(runtime, dealt("\"least-loaded\"", 3, "{\"capacity\":100}"));
    rig_pause(network, "w0");
    rig_pause(network, "w1");
    rig_pause(network, "w2");
    send_range(network, 0, 8);
    rig_quiet(network);
    CHECK(waiting(network, "w0") == 3 && waiting(network, "w1") == 3 && waiting(network, "w2") == 3);
    rig_resume(network, "w1");
    rig_quiet(network);
    CHECK(workers[1].count == 3);
    for (int64_t i = 0; i < 3; ++i) CHECK(workers[1].seen[i] == 3 * i + 1);
    send_range(network, 9, 11);
    rig_quiet(network);
    CHECK(workers[1].count == 6 && waiting(network, "w0") == 3 && waiting(network, "w2") == 3);
    rig_pause(network, "w1");
    send_range(network, 12, 14); /* fills up the one that has none */
    rig_quiet(network);
    CHECK(waiting(network, "w1") == 3 && waiting(network, "w0") == 3 && waiting(network, "w2") == 3);
    for (int w = 0; w < 3; ++w) rig_resume(network, w == 0 ? "w0" : w == 1 ? "w1" : "w2");
    rig_idle(network);
    check_all(0, 14);
    end(runtime, network);
}

/* The formula of docs/graphs.md, written once more. */
static uint64_t fnv(uint64_t hash, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) {
        hash ^= ((const unsigned char *)bytes)[i];
        hash *= UINT64_C(1099511628211);
    }
    return hash;
}
static int place_of(char kind, const void *bytes, size_t size, int count) {
    uint64_t key = fnv(fnv(UINT64_C(14695981039346656037), &kind, 1), bytes, size);
    int64_t at = -1, next = 0;
    while (next < count) {
        at = next;
        key = key * UINT64_C(2862933555777941757) + 1;
        next = (int64_t)((double)(at + 1) *
                         ((double)(INT64_C(1) << 31) / (double)((key >> 33) + 1)));
    }
    return (int)at;
}
static int place_of_integer(int64_t value, int count) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    return place_of(3, bytes, 8, count);
}

static void send_json(reflow_network *network, const char *text) {
    WORKS(reflow_network_send(network, rig_inport(network, "deal.a"), json(text), REFLOW_FOREVER,
                              &e));
}

static void test_key(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network =
        started(runtime, dealt("{\"key\":\"user.id\"}", 5, "{\"capacity\":2}"));
    size_t expected[5] = {0};
    for (int i = 0; i < 100; ++i) {
        char text[80], name[8];
        snprintf(name, sizeof name, "u%d", i % 20);
        snprintf(text, sizeof text, "{\"user\":{\"id\":\"%s\"},\"n\":%d}", name, i);
        send_json(network, text);
        ++expected[place_of(1, name, strlen(name), 5)];
        snprintf(text, sizeof text, "{\"user\":{\"id\":%d},\"n\":%d}", i % 10 - 5, 100 + i);
        send_json(network, text);
        ++expected[place_of_integer(i % 10 - 5, 5)];
    }
    /* Without such a key, and with one that is no key: as one key more. */
    static const char *const without[] = {"{\"n\":%d}", "{\"user\":1,\"n\":%d}",
                                          "{\"user\":{\"id\":null},\"n\":%d}",
                                          "{\"user\":{\"id\":[1]},\"n\":%d}"};
    for (int i = 0; i < 4; ++i) {
        char text[80];
        snprintf(text, sizeof text, without[i], 200 + i);
        send_json(network, text);
        ++expected[place_of(0, "", 0, 5)];
    }
    rig_idle(network);
    size_t used = 0;
    for (int w = 0; w < 5; ++w) {
        CHECK(workers[w].count == expected[w]);
        used += expected[w] != 0 ? 1 : 0;
    }
    CHECK(used == 5);
    check_set(0, 203);
    end(runtime, network);
}

/* Its own target is waited for, also if others have room; what was dealt to others arrives. */
static void test_key_waits(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network =
        started(runtime, dealt("{\"key\":\"k\"}", 2, "{\"capacity\":2}"));
    int64_t first = -1, second = -1; /* keys of w0 and of w1 */
    for (int64_t i = 0; first < 0 || second < 0; ++i) {
        *(place_of_integer(i, 2) == 0 ? &first : &second) = i;
    }
    rig_pause(network, "w0");
    for (int i = 0; i < 5; ++i) {
        char text[80];
        snprintf(text, sizeof text, "{\"k\":%d,\"n\":%d}", (int)(i == 2 || i == 3 ? second : first), i);
        send_json(network, text);
    }
    rig_quiet(network);
    CHECK(waiting(network, "w0") == 2 && rig_counters(network, "deal").held_back == 1);
    rig_resume(network, "w0");
    rig_idle(network);
    CHECK(workers[0].count == 3 && workers[1].count == 2);
    check_all(0, 4);
    end(runtime, network);
}

/* Connections come and go while the network runs: the next packet is dealt over those there are. */
static void test_change(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_graph *graph = dealt("\"round-robin\"", 2, "{\"capacity\":1000}");
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    send_range(network, 0, 4); /* w1 is next */
    rig_idle(network);
    CHECK(workers[0].count == 3 && workers[1].count == 2);
    rig_node(graph, "w2", "Work");
    rig_connect(graph, "deal.o", "w2.a", "{\"capacity\":1000}");
    WORKS(reflow_network_apply(network, graph, NULL, NULL, &e));
    send_range(network, 5, 7);
    rig_idle(network);
    CHECK(workers[1].seen[2] == 5 && workers[2].seen[0] == 6 && workers[0].seen[3] == 7);
    WORKS(reflow_graph_remove_node(graph, text_of("w1"), &e));
    WORKS(reflow_network_apply(network, graph, NULL, NULL, &e)); /* its turn goes to w2 */
    send_range(network, 8, 11);
    rig_idle(network);
    CHECK(workers[2].count == 3 && workers[2].seen[1] == 8 && workers[0].seen[4] == 9);
    check_all(0, 11);
    reflow_graph_destroy(graph);
    end(runtime, network);
}

/* What waits to be dealt while its targets are full goes to those that come, and is not lost if none
 * is left. */
static void test_change_full(const rig_mode *mode, bool all_go) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_graph *graph = dealt("\"round-robin\"", 2, "{\"capacity\":2}");
    if (all_go) { /* the nodes stay, and what was emitted to them comes */
        rig_node(graph, "other", "Pass");
        rig_connect(graph, "other.o", "w0.a", NULL);
        rig_connect(graph, "other.o", "w1.a", NULL);
    }
    reflow_network *network = rig_network(runtime, graph);
    WORKS(reflow_network_start(network, &e));
    rig_pause(network, "w0");
    rig_pause(network, "w1");
    reflow_inport to = rig_inport(network, "deal.a");
    int sent = 0;
    while (sent < 12 && reflow_network_send(network, to, reflow_message_integer(sent), 0, NULL) ==
                            REFLOW_OK) {
        ++sent;
        rig_quiet(network);
    }
    CHECK(sent > 4 && rig_counters(network, "deal").held_back == 1);
    reflow_endpoint from = rig_end("deal.o"), first = rig_end("w0.a"), second = rig_end("w1.a");
    if (all_go) {
        WORKS(reflow_graph_disconnect(graph, &from, &first, &e));
        WORKS(reflow_graph_disconnect(graph, &from, &second, &e));
    } else {
        rig_node(graph, "w2", "Work");
        rig_connect(graph, "deal.o", "w2.a", NULL);
    }
    reflow_change change = {0};
    change.struct_size = sizeof change;
    WORKS(reflow_network_apply(network, graph, NULL, &change, &e));
    CHECK(change.packets_dropped == 0);
    rig_quiet(network);
    if (!all_go) CHECK(workers[2].count != 0 && rig_counters(network, "deal").held_back == 0);
    rig_resume(network, "w0");
    rig_resume(network, "w1");
    rig_idle(network);
    if (!all_go) check_all(0, sent - 1);
    if (all_go) CHECK(workers[0].count + workers[1].count >= 5);
    reflow_graph_destroy(graph);
    end(runtime, network);
}

/* A snapshot has what waits to be dealt, and whose turn it is. */
static void test_snapshot(const rig_mode *mode) {
    reflow_message taken;
    int sent = 0;
    for (int life = 0; life < 2; ++life) {
        reflow_runtime *runtime = runtime_of(mode);
        reflow_network *network =
            made(runtime, dealt("\"round-robin\"", 3, "{\"capacity\":2}"));
        if (life == 1) WORKS(reflow_network_restore(network, taken, &e));
        if (life == 1) reflow_message_unref(taken);
        WORKS(reflow_network_start(network, &e));
        if (life == 0) {
            rig_pause(network, "w0");
            rig_pause(network, "w1");
            rig_pause(network, "w2");
            reflow_inport to = rig_inport(network, "deal.a");
            while (sent < 20 && reflow_network_send(network, to, reflow_message_integer(sent), 0,
                                                    NULL) == REFLOW_OK) {
                ++sent;
                rig_quiet(network);
            }
            CHECK(sent > 6);
            WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
        } else {
            rig_idle(network);
            check_all(0, sent - 1);
        }
        end(runtime, network);
    }
}

/* It goes on with the one whose turn it was. */
static void test_snapshot_turn(const rig_mode *mode) {
    reflow_message taken;
    for (int life = 0; life < 2; ++life) {
        reflow_runtime *runtime = runtime_of(mode);
        reflow_network *network =
            made(runtime, dealt("\"round-robin\"", 3, "{\"capacity\":100}"));
        if (life == 1) WORKS(reflow_network_restore(network, taken, &e));
        if (life == 1) reflow_message_unref(taken);
        WORKS(reflow_network_start(network, &e));
        send_range(network, life == 0 ? 0 : 4, life == 0 ? 3 : 8);
        rig_idle(network);
        if (life == 0) WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
        if (life == 1) {
            CHECK(workers[1].count == 2 && workers[1].seen[0] == 4 && workers[1].seen[1] == 7);
            CHECK(workers[2].count == 2 && workers[0].count == 1);
        }
        end(runtime, network);
    }
}

/* Connections that drop are never full, and get their share. */
static void test_dropping(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = started(
        runtime, dealt("\"round-robin\"", 2, "{\"capacity\":3,\"kind\":\"drop-oldest\"}"));
    rig_pause(network, "w0");
    rig_pause(network, "w1");
    send_range(network, 0, 19);
    rig_quiet(network);
    rig_resume(network, "w0");
    rig_resume(network, "w1");
    rig_idle(network);
    for (int w = 0; w < 2; ++w) {
        CHECK(workers[w].count == 3);
        for (int i = 0; i < 3; ++i) CHECK(workers[w].seen[i] == 14 + 2 * i + w);
    }
    end(runtime, network);
}

/* An output of the host has every packet, dealt or not; and alone, without connections. */
static void test_output(const rig_mode *mode, int count) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_graph *graph = dealt("\"round-robin\"", count, "{\"capacity\":1000}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "deal.o", 1000);
    WORKS(reflow_network_start(network, &e));
    send_range(network, 0, 99);
    rig_idle(network);
    for (int i = 0; i < 100; ++i) CHECK(rig_recv(output) == i);
    if (count != 0) check_all(0, 99);
    CHECK(rig_counters(network, "deal").sent == (count != 0 ? 200 : 100));
    reflow_output_destroy(output);
    end(runtime, network);
}

/* The outport of a subgraph is that of a node inside: it deals over all connections that it becomes. */
static void test_subgraph(const rig_mode *mode) {
    static const char *const text =
        "{\"processes\":{\"deal\":{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\",\"graph\":{"
        "\"caseSensitive\":false,"
        "\"processes\":{\"d\":{\"component\":\"Pass\",\"metadata\":{\"distribute\":{\"O\":"
        "\"round-robin\"}}},\"w0\":{\"component\":\"Work\"}},"
        "\"connections\":[{\"from\":{\"nodeId\":\"d\",\"portId\":\"o\"},\"to\":{\"nodeId\":\"w0\","
        "\"portId\":\"a\"},\"metadata\":{\"capacity\":100}}],"
        "\"inports\":{\"a\":{\"nodeId\":\"d\",\"portId\":\"a\"}},"
        "\"outports\":{\"o\":{\"nodeId\":\"d\",\"portId\":\"o\"}}}}}},"
        "\"w1\":{\"component\":\"Work\"},\"w2\":{\"component\":\"Work\"}},"
        "\"connections\":["
        "{\"from\":{\"nodeId\":\"deal\",\"portId\":\"o\"},\"to\":{\"nodeId\":\"w1\",\"portId\":"
        "\"a\"},\"metadata\":{\"capacity\":100}},"
        "{\"from\":{\"nodeId\":\"deal\",\"portId\":\"o\"},\"to\":{\"nodeId\":\"w2\",\"portId\":"
        "\"a\"},\"metadata\":{\"capacity\":100}}]}";
    reflow_runtime *runtime = runtime_of(mode);
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    reflow_network *network = started(runtime, graph);
    send_range(network, 0, 29);
    rig_idle(network);
    for (int w = 0; w < 3; ++w) CHECK(workers[w].count == 10);
    check_all(0, 29);
    end(runtime, network);
}

/* A breakpoint before deliveries stops before each of them, whatever connection it is dealt to. */
static void test_breakpoint(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_graph *graph = dealt("\"round-robin\"", 2, "{\"capacity\":100}");
    for (int i = 0; i < 4; ++i) rig_initial(graph, "deal.a", reflow_message_integer(i));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_break_options options = {0};
    options.struct_size = sizeof options;
    options.node = text_of("deal");
    options.outport = text_of("o");
    reflow_breakpoint id = {0};
    WORKS(reflow_network_break(network, &options, &id, &e));
    WORKS(reflow_network_start(network, &e));
    for (uint64_t stop = 0; stop < 4; ++stop) {
        rig_quiet(network);
        WORKS(reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
        CHECK(rig_counters(network, "deal").sent == stop);
        rig_resume(network, "");
    }
    rig_idle(network);
    CHECK(workers[0].count == 2 && workers[1].count == 2);
    check_all(0, 3);
    end(runtime, network);
}

/* A recorded run deals again as it did. */
static void test_recorded(void) {
    char path[] = "/tmp/reflow-dealing-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    static const char *const text =
        "{\"caseSensitive\":false,\"processes\":{"
        "\"deal\":{\"component\":\"Pass\",\"metadata\":{\"distribute\":{\"O\":"
        "\"least-loaded\"}}},\"w0\":{\"component\":\"Work\"},\"w1\":{\"component\":\"Work\"}},"
        "\"connections\":["
        "{\"from\":{\"nodeId\":\"deal\",\"portId\":\"O\"},\"to\":{\"nodeId\":\"w0\",\"portId\":"
        "\"a\"},\"metadata\":{\"capacity\":2}},"
        "{\"from\":{\"nodeId\":\"deal\",\"portId\":\"o\"},\"to\":{\"nodeId\":\"w1\",\"portId\":"
        "\"a\"},\"metadata\":{\"capacity\":2,\"capacity_bytes\":20}}]}";
    worker first[2];
    const rig_mode *mode = &rig_modes[4]; /* simulated */
    {
        reflow_runtime *runtime = runtime_of(mode);
        reflow_graph *graph = NULL;
        WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
        reflow_network *network = NULL;
        WORKS(reflow_x_record_create(runtime, graph, text_of(path), &network, &e));
        reflow_graph_destroy(graph);
        WORKS(reflow_network_start(network, &e));
        send_range(network, 0, 99);
        WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
        WORKS(reflow_x_record_flush(network, &e));
        check_all(0, 99);
        memcpy(first, workers, sizeof first);
        end(runtime, network);
    }
    reflow_x_recording *recording = NULL;
    WORKS(reflow_x_recording_open(text_of(path), &recording, &e));
    reflow_runtime *runtime = runtime_of(mode);
    reflow_x_replay *replay = NULL;
    WORKS(reflow_x_replay_create(runtime, recording, &replay, &e));
    reflow_x_recording_destroy(recording);
    WORKS(reflow_x_replay_run(replay, 0, NULL, &e));
    CHECK(memcmp(first, workers, sizeof first) == 0);
    reflow_x_replay_destroy(replay);
    reflow_runtime_destroy(runtime);
    CHECK(unlink(path) == 0);
}

/* ---- what is refused */

static void refused(const char *metadata, const char *path, const char *says) {
    reflow_runtime *runtime = runtime_of(&rig_inline);
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("deal"), text_of("Pass"), json(metadata), &e));
    reflow_network *network = NULL;
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &error));
    CHECK(network == NULL);
    reflow_view text = reflow_error_text(error);
    char *whole = calloc(1, text.size + 1);
    memcpy(whole, text.data, text.size);
    if (strstr(whole, path) == NULL || strstr(whole, says) == NULL) {
        fprintf(stderr, "%s\nlacks '%s' or '%s'\n", whole, path, says);
        CHECK(false);
    }
    free(whole);
    reflow_error_destroy(error);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_refused(void) {
    refused("{\"distribute\":\"round-robin\"}", "metadata.distribute", "is not an object");
    refused("{\"distribute\":{\"o\":\"round-robbin\"}}", "metadata.distribute.o", "round-robin");
    refused("{\"distribute\":{\"o\":3}}", "metadata.distribute.o", "least-loaded");
    refused("{\"distribute\":{\"out\":\"round-robin\"}}", "metadata.distribute.out",
            "no outport 'out'");
    refused("{\"distribute\":{\"o\":{}}}", "metadata.distribute.o.key", "path");
    refused("{\"distribute\":{\"o\":{\"key\":\"a..b\"}}}", "metadata.distribute.o.key", "path");
    refused("{\"distribute\":{\"o\":{\"key\":\"\"}}}", "metadata.distribute.o.key", "path");
    refused("{\"distribute\":{\"o\":{\"key\":7}}}", "metadata.distribute.o.key", "path");
    refused("{\"distribute\":{\"o\":{\"key\":\"a\",\"by\":1}}}", "metadata.distribute.o", "'by'");
}

static void all_tests(const rig_mode *mode) {
    test_round_robin(mode);
    test_full(mode);
    test_conserved(mode, "\"round-robin\"");
    test_conserved(mode, "\"least-loaded\"");
    test_conserved(mode, "{\"key\":\"n\"}");
    test_least_loaded(mode);
    test_key(mode);
    test_key_waits(mode);
    test_change(mode);
    test_change_full(mode, false);
    test_change_full(mode, true);
    test_snapshot(mode);
    test_snapshot_turn(mode);
    test_dropping(mode);
    test_output(mode, 3);
    test_output(mode, 0);
    test_subgraph(mode);
    test_breakpoint(mode);
}

int main(void) {
    check_time_limit(55);
    test_refused();
    test_recorded();
    for (size_t i = 0; i < RIG_MODES; ++i) all_tests(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) all_tests(&rig_tiny_modes[i]);
    return 0;
}
