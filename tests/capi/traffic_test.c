/* Section 11 of reflow.h: inputs and outputs, room, order, and ports that are full. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
} bench;

static bench open_bench(const rig_mode *mode, uint64_t max_growth) {
    bench at = {NULL, rig_graph(), NULL};
    reflow_runtime_options options = rig_options(mode);
    options.max_growth = max_growth;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_lend(at.runtime, mode);
    rig_register_pass(at.runtime);
    return at;
}
static void start(bench *at) { WORKS(reflow_network_start(at->network, &e)); }
static void close_bench(bench *at) {
    reflow_network_destroy(at->network);
    reflow_graph_destroy(at->graph);
    reflow_runtime_destroy(at->runtime);
}

/* Which port of which node is not there, or gets nothing: named by the place, too. */
static void placed(reflow_status status, reflow_error *error, const char *node, const char *port,
                   const char *text) {
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(reflow_error_status(error), status);
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    CHECK(same_text(place.node, node) && same_text(place.port, port));
    if (strcmp(reflow_error_text(error).data, text) != 0) {
        check_failed(__FILE__, __LINE__, text, reflow_error_text(error).data);
    }
    reflow_error_destroy(error);
}

static void test_places(void) {
    bench at = open_bench(&rig_inline, 0);
    rig_component need = {.id = "Need", .inports = "A", .run = rig_pass};
    rig_register(at.runtime, &need);
    rig_node(at.graph, "a", "Pass");
    rig_node(at.graph, "n", "Need");
    reflow_error *error = NULL;
    reflow_status status = reflow_network_create(at.runtime, at.graph, &at.network, &error);
    CHECK(status == REFLOW_ERROR_GRAPH && at.network == NULL);
    placed(status, error, "n", "A",
           "node 'n', port 'A': required inport 'A' gets nothing: no connection, no initial packet "
           "at $.processes.n (if the host feeds it, expose it as an inport of the graph)");
    reflow_endpoint end = rig_end("n.A");
    WORKS(reflow_graph_add_inport(at.graph, text_of("in"), &end, text_of("any"), &e));
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "n.A"); /* exposed, and sent to by its own name */
    status = reflow_network_find_inport(at.network, text_of("a"), text_of("b"), &inport, &error);
    placed(status, error, "a", "b", "node 'a', port 'b': no inport 'b'");
    reflow_output *output = NULL;
    status = reflow_network_open_output(at.network, text_of("a"), text_of("p"), 0, &output, &error);
    placed(status, error, "a", "p", "node 'a', port 'p': no outport 'p'");
    status = reflow_network_find_inport(at.network, text_of(""), text_of("im"), &inport, &error);
    placed(status, error, "", "im",
           "port 'im': the graph exposes no inport 'im' (did you mean 'in'?)");
    close_bench(&at);
}

static void test_misuse(void) {
    bench at = open_bench(&rig_inline, 0);
    rig_node(at.graph, "a", "Pass");
    reflow_endpoint end = rig_end("a.a");
    WORKS(reflow_graph_add_inport(at.graph, text_of("in"), &end, text_of("any"), &e));
    end = rig_end("a.o");
    WORKS(reflow_graph_add_outport(at.graph, text_of("out"), &end, text_of("any"), &e));
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = {1};
    reflow_output *output = NULL;
    reflow_view a = text_of("a"), o = text_of("o"), none = text_of("");
#define FIND(network, node, port, out) reflow_network_find_inport(network, node, port, out, &e)
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, FIND(NULL, a, a, &inport));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, FIND(at.network, null_view(), a, &inport));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, FIND(at.network, a, null_view(), &inport));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, FIND(at.network, a, a, NULL));
    FAILS(REFLOW_ERROR_INVALID_UTF8, FIND(at.network, text_of("\xff"), a, &inport));
    FAILS(REFLOW_ERROR_INVALID_UTF8, FIND(at.network, a, text_of("\xff"), &inport));
    FAILS(REFLOW_ERROR_NOT_FOUND, FIND(at.network, text_of("x"), a, &inport));
    FAILS(REFLOW_ERROR_NOT_FOUND, FIND(at.network, a, o, &inport));
    FAILS(REFLOW_ERROR_NOT_FOUND, FIND(at.network, none, text_of("inn"), &inport));
    FAILS(REFLOW_ERROR_NOT_FOUND, FIND(at.network, sized("a\0", 2), a, &inport));
    CHECK(inport.id == 0);
#define OPEN(network, node, port, out) reflow_network_open_output(network, node, port, 0, out, &e)
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, OPEN(NULL, a, o, &output));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, OPEN(at.network, null_view(), o, &output));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, OPEN(at.network, a, null_view(), &output));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, OPEN(at.network, a, o, NULL));
    FAILS(REFLOW_ERROR_INVALID_UTF8, OPEN(at.network, text_of("\xff"), o, &output));
    FAILS(REFLOW_ERROR_INVALID_UTF8, OPEN(at.network, a, text_of("\xff"), &output));
    FAILS(REFLOW_ERROR_NOT_FOUND, OPEN(at.network, a, a, &output));
    FAILS(REFLOW_ERROR_NOT_FOUND, OPEN(at.network, none, text_of("x"), &output));
    reflow_inport exposed;
    WORKS(FIND(at.network, none, text_of("in"), &exposed));
    WORKS(OPEN(at.network, none, text_of("out"), &output));
    start(&at);
    reflow_output *late = NULL;
    WORKS(OPEN(at.network, a, o, &late)); /* it misses what was sent before */
    reflow_output_destroy(late);
    reflow_message one = reflow_message_integer(1), no = {0, 0}, got[2];
    size_t count = 5;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_send(NULL, exposed, one, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_send(at.network, exposed, no, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_try_send(NULL, exposed, one, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_try_send(at.network, exposed, no, &e));
#define MANY(network, messages, n, out) \
    reflow_network_send_many(network, exposed, messages, n, 0, out, &e)
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, MANY(NULL, &one, 1, &count));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, MANY(at.network, NULL, 1, &count));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, MANY(at.network, &one, 1, NULL));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, MANY(at.network, &one, SIZE_MAX, &count));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, MANY(at.network, &one, SIZE_MAX / 16 + 2, &count));
    WORKS(MANY(at.network, NULL, 0, &count));
    CHECK(count == 0);
#define RECV(from, to, max, n) reflow_output_recv_many(from, to, max, 0, n, &e)
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, RECV(NULL, got, 2, &count));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, RECV(output, NULL, 2, &count));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, RECV(output, got, 2, NULL));
    WORKS(RECV(output, NULL, 0, &count));
    FAILS(REFLOW_ERROR_WOULD_BLOCK, RECV(output, got, 2, &count));
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_output_recv_many(output, got, 2, REFLOW_FOREVER, &count, &e));
    /* Values that no network has given. */
    static const uint64_t ids[] = {0, 1, UINT64_MAX, 0xffff, 0xff0000};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; ++i) {
        reflow_inport wrong = {ids[i]};
        int ends = 0;
        reflow_message mine = counted(&ends);
        FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_try_send(at.network, wrong, mine, &e));
        wrong.id = exposed.id ^ (UINT64_C(1) << (i * 13));
        FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_try_send(at.network, wrong, mine, &e));
        CHECK(ends == 0); /* taken only if it went in */
        reflow_message_unref(mine);
    }
    reflow_network *other = rig_network(at.runtime, at.graph);
    reflow_inport foreign = rig_inport(other, "a.a");
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_try_send(at.network, foreign, one, &e));
    reflow_network_destroy(other);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_try_send(at.network, foreign, one, &e));
    rig_send(at.network, exposed, 3);
    CHECK(rig_recv(output) == 3);
    reflow_output_destroy(output);
    reflow_output_destroy(NULL);
    close_bench(&at);
}

/* ---- order and conservation, with host threads that send at the same time */

enum { SENDERS = 4 };
typedef struct sender {
    reflow_network *network;
    reflow_inport inport;
    int64_t first, count;
} sender;

static void *send_all(void *argument) {
    sender *of = argument;
    int64_t at = 0;
    for (int turn = 0; at < of->count; ++turn) {
        reflow_message message = reflow_message_integer(of->first + at);
        if (turn % 3 == 0) {
            WORKS(reflow_network_send(of->network, of->inport, message, REFLOW_FOREVER, &e));
            ++at;
        } else if (turn % 3 == 1) {
            reflow_status status = reflow_network_try_send(of->network, of->inport, message, NULL);
            CHECK(status == REFLOW_OK || status == REFLOW_ERROR_WOULD_BLOCK);
            at += status == REFLOW_OK ? 1 : 0;
        } else {
            reflow_message many[7];
            size_t accepted = 0, size = 0;
            for (; size < 7 && at + (int64_t)size < of->count; ++size) {
                many[size] = reflow_message_integer(of->first + at + (int64_t)size);
            }
            reflow_status status = reflow_network_send_many(of->network, of->inport, many, size,
                                                            turn % 2, &accepted, NULL);
            CHECK((status == REFLOW_OK) == (accepted == size));
            at += (int64_t)accepted;
        }
    }
    return NULL;
}

typedef struct reader {
    reflow_output *output;
    int64_t each;
} reader;

static void *read_all(void *argument) {
    reader *of = argument;
    int64_t next[SENDERS] = {0}, left = of->each * SENDERS;
    while (left > 0) {
        reflow_message messages[16];
        size_t count = 0;
        WORKS(reflow_output_recv_many(of->output, messages, 1 + (size_t)(left % 16), REFLOW_FOREVER,
                                      &count, &e));
        for (size_t i = 0; i < count; ++i, --left) {
            int64_t value = rig_integer(messages[i]), from = value / of->each;
            CHECK(value % of->each == next[from]); /* each sender's come in order, once */
            ++next[from];
        }
    }
    return NULL;
}

static void test_threads(const rig_mode *mode) {
    bench at = open_bench(mode, 0);
    static const char *const nodes[] = {"in", "b", "c", "d"};
    for (int i = 0; i < 4; ++i) rig_node(at.graph, nodes[i], "Pass");
    rig_connect(at.graph, "in.o", "b.a", "{\"capacity\":1}");
    rig_connect(at.graph, "in.o", "c.a", "{\"capacity\":3}");
    rig_connect(at.graph, "c.o", "d.a", NULL);
    at.network = rig_network(at.runtime, at.graph);
    int64_t each = check_slow() ? 300 : 3000;
    reader readers[2] = {{rig_output(at.network, "b.o", 5), each},
                         {rig_output(at.network, "d.o", 0), each}};
    sender senders[SENDERS];
    pthread_t threads[SENDERS + 2];
    reflow_inport inport = rig_inport(at.network, "in.a");
    start(&at);
    for (int i = 0; i < 2; ++i) {
        CHECK(pthread_create(&threads[SENDERS + i], NULL, read_all, &readers[i]) == 0);
    }
    for (int i = 0; i < SENDERS; ++i) {
        senders[i] = (sender){at.network, inport, i * each, each};
        CHECK(pthread_create(&threads[i], NULL, send_all, &senders[i]) == 0);
    }
    for (int i = 0; i < SENDERS + 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    uint64_t all = (uint64_t)each * SENDERS;
    for (int i = 0; i < 4; ++i) {
        reflow_node_counters counters = rig_counters(at.network, nodes[i]);
        CHECK(counters.received == all && counters.fired == all && counters.waiting == 0);
        CHECK(counters.sent == (i == 0 ? 2 * all : all));
        CHECK(counters.failed == 0 && counters.dropped == 0 && counters.held_back == 0);
    }
    for (int i = 0; i < 2; ++i) reflow_output_destroy(readers[i].output);
    close_bench(&at);
}

/* The same without threads of the library: one host sends and reads in turns. */
static void test_alone(const rig_mode *mode) {
    bench at = open_bench(mode, 0);
    rig_node(at.graph, "a", "Pass");
    rig_node(at.graph, "b", "Pass");
    rig_connect(at.graph, "a.o", "b.a", "{\"capacity\":1}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "a.a");
    reflow_output *output = rig_output(at.network, "b.o", 1);
    start(&at);
    int64_t sent = 0, got = 0;
    while (got < 500) {
        while (sent < got + 3) rig_send(at.network, inport, sent++);
        CHECK(rig_recv(output) == got++);
    }
    while (got < sent) CHECK(rig_recv(output) == got++);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    close_bench(&at);
}

/* ---- connection kinds: five packets at once for a port of two */

static char seen[256];
static reflow_status see(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    (void)context, (void)state;
    for (size_t i = 0; i < count; ++i) {
        size_t length = strlen(seen);
        snprintf(seen + length, sizeof seen - length, "%d ", (int)rig_integer(inputs[i].message));
    }
    return REFLOW_OK;
}

static void test_kinds(const rig_mode *mode) {
    static const struct {
        const char *metadata, *expected;
        uint64_t dropped;
    } kinds[] = {
        {"{\"capacity\":2}", "1 2 3 4 5 ", 0},
        {"{\"capacity\":2,\"kind\":\"reliable\"}", "1 2 3 4 5 ", 0},
        {"{\"capacity\":2,\"kind\":\"latest\"}", "5 ", 4},
        {"{\"capacity\":2,\"kind\":\"drop-oldest\"}", "4 5 ", 3},
        {"{\"capacity\":2,\"kind\":\"drop-newest\"}", "1 2 ", 3},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
        bench at = open_bench(mode, 0);
        rig_component component = {0};
        component.id = "See";
        component.inports = "a";
        component.run = see;
        rig_register(at.runtime, &component);
        rig_node(at.graph, "p", "Pass");
        rig_node(at.graph, "s", "See");
        rig_connect(at.graph, "p.o", "s.a", kinds[i].metadata);
        for (int value = 1; value <= 5; ++value) {
            rig_initial(at.graph, "p.a", reflow_message_integer(value));
        }
        at.network = rig_network(at.runtime, at.graph);
        seen[0] = 0;
        start(&at);
        WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
        if (strcmp(seen, kinds[i].expected) != 0) {
            check_failed(mode->name, __LINE__, kinds[i].metadata, seen);
        }
        reflow_node_counters counters = rig_counters(at.network, "s");
        CHECK(counters.dropped == kinds[i].dropped);
        CHECK(rig_counters(at.network, "p").sent == counters.received + counters.dropped);
        close_bench(&at);
    }
}

/* ---- readers that hold back */

static void test_held_back(const rig_mode *mode) {
    bench at = open_bench(mode, 0);
    rig_node(at.graph, "a", "Pass");
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "a.a");
    reflow_output *slow = rig_output(at.network, "a.o", 2);
    reflow_output *other = rig_output(at.network, "a.o", 100);
    start(&at);
    for (int i = 0; i < 10; ++i) rig_send(at.network, inport, i);
    /* Not idle while nobody reads; without threads there is nothing that could end the wait. */
    do {
        rig_never_idle(mode, at.network, 20);
    } while (rig_counters(at.network, "a").held_back == 0);
    CHECK(rig_counters(at.network, "a").held_back == 1);
    FAILS(rig_waits(mode) ? REFLOW_ERROR_TIMEOUT : REFLOW_ERROR_WOULD_BLOCK,
          reflow_network_drain(at.network, rig_waits(mode) ? 5 : REFLOW_FOREVER, &e));
    CHECK(rig_recv(slow) == 0 && rig_recv(slow) == 1);
    reflow_output_destroy(slow); /* holds nobody back any more, and what it held is dropped */
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    for (int i = 0; i < 10; ++i) CHECK(rig_recv(other) == i);
    CHECK(rig_counters(at.network, "a").held_back == 0);
    close_bench(&at);
    reflow_output_destroy(other);
}

/* A stop lets nobody wait, and every message ends. */
static void test_stop_while_held(const rig_mode *mode) {
    int ends = 0;
    bench at = open_bench(mode, 0);
    rig_node(at.graph, "a", "Pass");
    rig_node(at.graph, "b", "Pass");
    rig_connect(at.graph, "a.o", "b.a", "{\"capacity\":1}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "a.a");
    reflow_output *output = rig_output(at.network, "b.o", 1);
    start(&at);
    int count_sent = mode->tiny ? 3 : 40; /* as many as there is room for */
    for (int i = 0; i < count_sent; ++i) {
        WORKS(reflow_network_send(at.network, inport, counted(&ends), REFLOW_FOREVER, &e));
    }
    while (rig_counters(at.network, "b").held_back == 0) {
        (void)reflow_network_wait_idle(at.network, 1, NULL);
    }
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    reflow_message_unref(message);
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    reflow_output_destroy(output);
    close_bench(&at);
    CHECK(ends == count_sent);
}

/* ---- graphs that would lock up */

/* Sends what it gets on both of its outports, until it is one. */
static reflow_status collatz(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        int64_t value = rig_integer(inputs[i].message);
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 1, reflow_message_integer(value)));
        if (value == 1) continue;
        value = value % 2 == 0 ? value / 2 : 3 * value + 1;
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(value)));
    }
    return REFLOW_OK;
}

static void test_self_loop(const rig_mode *mode) {
    bench at = open_bench(mode, 0);
    rig_component component = {0};
    component.id = "Collatz";
    component.inports = "a";
    component.outports = "on";
    component.run = collatz;
    component.max_batch = 4;
    rig_register(at.runtime, &component);
    rig_node(at.graph, "c", "Collatz");
    rig_connect(at.graph, "c.o", "c.a", "{\"capacity\":1}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *output = rig_output(at.network, "c.n", 100000);
    reflow_inport inport = rig_inport(at.network, "c.a");
    start(&at);
    size_t expected = 0;
    for (int64_t value = 1; value <= 30; ++value) {
        rig_send(at.network, inport, value);
        for (int64_t n = value; n != 1; n = n % 2 == 0 ? n / 2 : 3 * n + 1) ++expected;
        ++expected;
    }
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    size_t got = 0;
    reflow_message messages[64];
    for (;;) {
        size_t count = 0;
        reflow_status status = reflow_output_recv_many(output, messages, 64, 0, &count, NULL);
        if (status != REFLOW_OK) break;
        got += count;
    }
    CHECK(got == expected);
    reflow_output_destroy(output);
    close_bench(&at);
}

static reflow_status burst(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state, (void)inputs, (void)count;
    for (int i = 0; i < 100; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(i)));
    }
    for (int i = 0; i < 100; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 1, reflow_message_integer(i)));
    }
    return REFLOW_OK;
}
static reflow_status join(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    for (size_t i = 0; i < count; i += 2) {
        CHECK(rig_integer(inputs[i].message) == rig_integer(inputs[i + 1].message));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, inputs[i].message));
    }
    return REFLOW_OK;
}

/* All of one branch comes before all of the other, and the join takes one of each. */
static void test_diamond(const rig_mode *mode) {
    bench at = open_bench(mode, 0);
    rig_component component = {0};
    component.id = "Burst";
    component.outports = "xy";
    component.run = burst;
    rig_register(at.runtime, &component);
    component.id = "Join";
    component.inports = "ab";
    component.outports = "o";
    component.await = REFLOW_AWAIT_ALL;
    component.max_batch = 3;
    component.run = join;
    rig_register(at.runtime, &component);
    rig_node(at.graph, "burst", "Burst");
    rig_node(at.graph, "join", "Join");
    rig_node(at.graph, "p", "Pass");
    rig_connect(at.graph, "burst.x", "join.a", "{\"capacity\":1}");
    rig_connect(at.graph, "burst.x", "p.a", "{\"capacity\":1}");
    rig_connect(at.graph, "p.o", "join.b", "{\"capacity\":1}");
    at.network = rig_network(at.runtime, at.graph);
    reflow_output *output = rig_output(at.network, "join.o", 0);
    start(&at);
    for (int i = 0; i < 100; ++i) CHECK(rig_recv(output) == i);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    close_bench(&at);
}

static reflow_status twice(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, inputs[i].message));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, inputs[i].message));
    }
    return REFLOW_OK;
}

/* Each packet becomes two in a cycle: what ports may grow by ends, and the network tells. */
static void test_amplifier(const rig_mode *mode, bool watched) {
    bench at = open_bench(mode, 100);
    rig_component component = {0};
    component.id = "Twice";
    component.inports = "a";
    component.outports = "o";
    component.run = twice;
    rig_register(at.runtime, &component);
    rig_node(at.graph, "t", "Twice");
    rig_node(at.graph, "p", "Pass");
    rig_connect(at.graph, "t.o", "p.a", "{\"capacity\":2}");
    rig_connect(at.graph, "p.o", "t.a", "{\"capacity\":2}");
    rig_initial(at.graph, "t.a", reflow_message_integer(1));
    at.network = rig_network(at.runtime, at.graph);
    reflow_inport inport = rig_inport(at.network, "t.a");
    reflow_subscription *subscription = NULL;
    reflow_event_options options = rig_event_options(0, 1u << REFLOW_EVENT_NETWORK_STALLED);
    WORKS(reflow_network_subscribe(at.network, &options, &subscription, &e));
    reflow_subscription *emits = NULL; /* each call is looked at by itself then */
    reflow_event_options emitted = rig_event_options(1, 1u << REFLOW_EVENT_ACTOR_EMIT);
    if (watched) WORKS(reflow_network_subscribe(at.network, &emitted, &emits, &e));
    start(&at);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_wait_idle(at.network, 0, &e));
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    /* Those that growth has resolved come before: two ports that double from 2 on, to 100 more. */
    reflow_event_batch *batch = NULL;
    reflow_event event = {0};
    event.struct_size = sizeof event;
    for (int told = 1;; ++told) {
        reflow_event_batch_destroy(batch);
        WORKS(reflow_subscription_poll(subscription, 1, REFLOW_FOREVER, &batch, NULL, &e));
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
        CHECK(event.kind == REFLOW_EVENT_NETWORK_STALLED && told <= REFLOW_MAX_STALL_EVENTS + 1);
        if (event.state == REFLOW_STALL_FAILED) break;
        CHECK(event.state == REFLOW_STALL_GREW && event.count <= 102);
    }
    CHECK(strstr(event.error.data, "100") != NULL);
    CHECK(strstr(event.error.data, "'t'") != NULL || strstr(event.error.data, "'p'") != NULL);
    reflow_status status = reflow_network_send(at.network, inport, reflow_message_null(), 5, NULL);
    CHECK(status != REFLOW_OK);
    reflow_node_counters t = rig_counters(at.network, "t"), p = rig_counters(at.network, "p");
    CHECK(t.waiting + p.waiting <= 4 + 100);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(emits);
    reflow_subscription_destroy(subscription);
    close_bench(&at);
}

/* ---- two networks on one runtime */

static void test_two_networks(const rig_mode *mode) {
    bench at = open_bench(mode, 0);
    rig_node(at.graph, "a", "Pass");
    reflow_network *networks[2];
    reflow_output *outputs[2];
    reflow_inport inports[2];
    for (int i = 0; i < 2; ++i) {
        networks[i] = rig_network(at.runtime, at.graph);
        inports[i] = rig_inport(networks[i], "a.a");
        outputs[i] = rig_output(networks[i], "a.o", 20);
        WORKS(reflow_network_start(networks[i], &e));
    }
    reflow_runtime_destroy(at.runtime);
    for (int i = 0; i < 20; ++i) rig_send(networks[i % 2], inports[i % 2], i);
    WORKS(reflow_network_drain(networks[0], REFLOW_FOREVER, &e));
    reflow_network_destroy(networks[0]);
    for (int i = 0; i < 20; ++i) CHECK(rig_recv(outputs[i % 2]) == i);
    rig_send(networks[1], inports[1], 99);
    CHECK(rig_recv(outputs[1]) == 99);
    reflow_network_destroy(networks[1]);
    reflow_output_destroy(outputs[0]);
    reflow_output_destroy(outputs[1]);
    reflow_graph_destroy(at.graph);
}

int main(void) {
    check_time_limit(50);
    test_places();
    test_misuse();
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        if (rig_threaded(mode)) test_threads(mode);
        test_alone(mode);
        test_kinds(mode);
        test_held_back(mode);
        test_stop_while_held(mode);
        test_self_loop(mode);
        test_diamond(mode);
        test_amplifier(mode, false);
        test_amplifier(mode, true);
        test_two_networks(mode);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) {
        const rig_mode *mode = &rig_tiny_modes[i];
        if (rig_threaded(mode)) test_threads(mode);
        test_alone(mode);
        test_stop_while_held(mode);
        test_self_loop(mode);
        test_diamond(mode);
        test_amplifier(mode, false);
        test_amplifier(mode, true);
        test_two_networks(mode);
    }
    return 0;
}
