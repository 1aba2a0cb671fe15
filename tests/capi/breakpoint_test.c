/* Breakpoints before firings, at inports, and before deliveries; in every mode. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

/* a -> b -> c of Pass. */
static reflow_network *chain(reflow_runtime *runtime, int initials) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    rig_node(graph, "c", "Pass");
    rig_connect(graph, "a.o", "b.a", "{\"capacity\":100}");
    rig_connect(graph, "b.o", "c.a", "{\"capacity\":100}");
    for (int i = 1; i <= initials; ++i) rig_initial(graph, "a.a", reflow_message_integer(i));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}

static reflow_break_options at(const char *node) {
    reflow_break_options options = {0};
    options.struct_size = sizeof options;
    options.node = text_of(node);
    return options;
}
static reflow_breakpoint set(reflow_network *network, const reflow_break_options *options) {
    reflow_breakpoint id = {0};
    WORKS(reflow_network_break(network, options, &id, &e));
    CHECK(id.id != 0);
    return id;
}
static void start(reflow_network *network) { WORKS(reflow_network_start(network, &e)); }
static void resume(reflow_network *network) {
    WORKS(reflow_network_resume(network, text_of(""), &e));
}
/* The network comes to rest at a breakpoint. */
static void stops(reflow_network *network) {
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
}
static uint64_t step(reflow_network *network, uint64_t firings) {
    uint64_t fired = 77;
    WORKS(reflow_network_step(network, text_of(""), firings, REFLOW_FOREVER, &fired, &e));
    return fired;
}
static uint64_t fired(reflow_network *network, const char *node) {
    return rig_counters(network, node).fired;
}
static int64_t first_waiting(reflow_network *network, const char *node, const char *port) {
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_network_peek(network, text_of(node), text_of(port), &message, 1, &count, &e));
    if (count == 0) return -1;
    int64_t value = rig_integer(message);
    reflow_message_unref(message);
    return value;
}
/* Packets that fired or wait. */
static uint64_t arrived(reflow_network *network, const char *node) {
    reflow_message messages[20];
    size_t count = 0;
    WORKS(reflow_network_peek(network, text_of(node), text_of("a"), messages, 20, &count, &e));
    for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
    return count + fired(network, node);
}
static reflow_subscription *listen(reflow_network *network) {
    reflow_event_options options = rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_BREAKPOINT);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    return subscription;
}
/* The next event: of this breakpoint, at this node and port, with this number (-1: none). */
static void told(reflow_subscription *subscription, reflow_breakpoint id, const char *node,
                 const char *port, const char *peer, int64_t value) {
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(subscription, 1, 0, &batch, NULL, &e));
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(event.kind == REFLOW_EVENT_BREAKPOINT && event.breakpoint.id == id.id);
    CHECK(same_text(event.node, node) && same_text(event.port, port));
    CHECK(same_text(event.peer, peer) && same_text(event.component, "Pass"));
    if (value >= 0) CHECK(rig_integer(event.message) == value);
    if (value < 0) CHECK(reflow_message_kind(event.message) == REFLOW_KIND_NONE);
    reflow_buffer *buffer = NULL;
    WORKS(reflow_event_batch_json(batch, 0, &buffer, &e));
    CHECK(strncmp(reflow_buffer_get(buffer).data, "{\"_type\":\"Breakpoint\",\"actorId\":\"", 33) ==
          0);
    reflow_buffer_destroy(buffer);
    reflow_event_batch_destroy(batch);
}
static void silent(reflow_subscription *subscription) {
    reflow_event_batch *batch = NULL;
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_subscription_poll(subscription, 1, 0, &batch, NULL, &e));
}
/* One value of a breakpoint in the list, as JSON. */
static void listed(reflow_network *network, size_t index, const char *key, const char *value) {
    reflow_message list, entry, found;
    WORKS(reflow_network_breakpoints(network, &list, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, index, &entry));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(entry, text_of(key), &found));
    CHECK(is_json(found, value));
    reflow_message_unref(list);
}

/* Before a firing: nothing has happened, all else has come to rest, and it goes on from there. */
static void test_firing(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 3);
    reflow_output *output = rig_output(network, "c.o", 10);
    reflow_subscription *events = listen(network);
    reflow_break_options options = at("b");
    reflow_breakpoint id = set(network, &options);
    start(network);
    for (int64_t i = 1; i <= 3; ++i) {
        stops(network);
        CHECK(fired(network, "b") == (uint64_t)i - 1);
        CHECK(first_waiting(network, "b", "a") == i);
        told(events, id, "b", "a", "", i);
        silent(events);
        resume(network);
    }
    rig_idle(network);
    for (int i = 1; i <= 3; ++i) CHECK(rig_recv(output) == i);
    listed(network, 0, "hits", "3");
    listed(network, 0, "node", "\"b\"");
    /* Removed: it does not stop any more, also where it has just stopped. */
    reflow_inport inport = rig_inport(network, "a.a");
    rig_send(network, inport, 4);
    stops(network);
    WORKS(reflow_network_unbreak(network, id, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_unbreak(network, id, &e));
    CHECK(fired(network, "b") == 3);
    resume(network);
    rig_send(network, inport, 5);
    rig_idle(network);
    CHECK(rig_recv(output) == 4 && rig_recv(output) == 5);
    /* And set again: the next one stops, whatever was passed before. */
    set(network, &options);
    rig_send(network, inport, 6);
    stops(network);
    CHECK(fired(network, "b") == 5);
    reflow_output_destroy(output);
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Before a delivery: the packet is with its sender, and nobody else has it. */
static void test_delivery(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 3);
    reflow_output *output = rig_output(network, "b.o", 10);
    reflow_subscription *events = listen(network);
    reflow_break_options options = at("b");
    options.outport = text_of("o");
    options.peer = text_of("c");
    options.peer_port = text_of("a");
    reflow_breakpoint id = set(network, &options);
    start(network);
    for (int64_t i = 1; i <= 3; ++i) {
        stops(network);
        /* c has those before it, whether it has fired yet or was paused first. */
        CHECK(fired(network, "b") >= (uint64_t)i);
        CHECK(arrived(network, "c") == (uint64_t)i - 1);
        told(events, id, "b", "o", "c", i);
        silent(events);
        if (i == 2) {
            /* A step makes the delivery, and comes to the next one, which b has made in one call. */
            CHECK(step(network, 1) == 1);
            CHECK(arrived(network, "c") == 2);
            if (fired(network, "b") == 3) told(events, id, "b", "o", "c", ++i);
        }
        resume(network);
    }
    rig_idle(network);
    for (int i = 1; i <= 3; ++i) CHECK(rig_recv(output) == i);
    WORKS(reflow_network_unbreak(network, id, &e));
    /* On the outport it stops for each connection, the one of the host too. */
    options.peer = options.peer_port = text_of("");
    id = set(network, &options);
    rig_send(network, rig_inport(network, "a.a"), 4);
    stops(network);
    told(events, id, "b", "o", "c", 4);
    resume(network);
    stops(network);
    told(events, id, "b", "o", "", 4);
    resume(network);
    rig_idle(network);
    CHECK(rig_recv(output) == 4);
    reflow_output_destroy(output);
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

typedef struct asked {
    reflow_network *network;
    int calls;
    int ends;
    int inside;
    reflow_breakpoint id;
    bool misbehaves;
} asked;

static bool is_even(void *user_data, reflow_message message) {
    asked *from = user_data;
    CHECK(__atomic_fetch_add(&from->inside, 1, __ATOMIC_ACQ_REL) == 0);
    ++from->calls;
    if (from->misbehaves) {
        FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
              reflow_network_wait_idle(from->network, REFLOW_FOREVER, &e));
        FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
              reflow_network_step(from->network, text_of(""), 1, REFLOW_FOREVER, NULL, &e));
        resume(from->network);
        (void)reflow_network_unbreak(from->network, from->id, NULL);
        reflow_break_options options = at("c");
        options.flags = REFLOW_BREAK_ONCE;
        set(from->network, &options);
    }
    __atomic_fetch_sub(&from->inside, 1, __ATOMIC_ACQ_REL);
    return reflow_message_kind(message) == REFLOW_KIND_INTEGER && rig_integer(message) % 2 == 0;
}
static void end_asked(void *user_data) { ++((asked *)user_data)->ends; }

/* Conditions of the host, counts, once. */
static void test_conditions(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 9);
    reflow_subscription *events = listen(network);
    asked user = {0};
    user.network = network;
    reflow_break_options options = at("b");
    options.inport = text_of("a");
    options.condition = is_even;
    options.user_data = &user;
    options.destroy = end_asked;
    options.ignore = 1;
    reflow_breakpoint id = set(network, &options);
    start(network);
    for (int64_t i = 4; i <= 8; i += 2) {
        stops(network);
        CHECK(first_waiting(network, "b", "a") == i);
        told(events, id, "b", "a", "", i);
        resume(network);
    }
    rig_idle(network);
    CHECK(user.calls == 9 && user.ends == 0);
    listed(network, 0, "hits", "4");
    listed(network, 0, "ignore", "1");
    WORKS(reflow_network_unbreak(network, id, &e));
    CHECK(user.ends == 1);
    options = at("c");
    options.flags = REFLOW_BREAK_ONCE | REFLOW_BREAK_NODE_ONLY;
    id = set(network, &options);
    reflow_inport inport = rig_inport(network, "a.a");
    rig_send(network, inport, 1);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    told(events, id, "c", "a", "", 1);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_unbreak(network, id, &e));
    /* Only that node rests. */
    rig_send(network, inport, 2);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(fired(network, "b") == 11 && fired(network, "c") == 9);
    resume(network);
    rig_idle(network);
    /* What a condition may call, and what it may not. */
    user.misbehaves = true;
    options = at("b");
    options.condition = is_even;
    options.user_data = &user;
    options.destroy = end_asked;
    user.id = set(network, &options);
    rig_send(network, inport, 3);
    stops(network);
    CHECK(fired(network, "b") == 12 && fired(network, "c") == 11 && user.ends == 2);
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_expressions(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 9);
    reflow_break_options options = at("c");
    options.expression = text_of("it > 6");
    reflow_breakpoint id = {7};
    if (!reflow_feature(text_of("components"))) {
        FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_network_break(network, &options, &id, &e));
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
        return;
    }
    set(network, &options);
    /* One that cannot be evaluated never stops, and says so. */
    options.node = text_of("a");
    options.expression = text_of("it.field > 1");
    set(network, &options);
    options.expression = text_of("it >");
    FAILS(REFLOW_ERROR_PARSE, reflow_network_break(network, &options, &id, &e));
    CHECK(id.id == 0);
    start(network);
    for (int64_t i = 7; i <= 9; ++i) {
        stops(network);
        CHECK(first_waiting(network, "c", "a") == i && fired(network, "c") == (uint64_t)i - 1);
        resume(network);
    }
    rig_idle(network);
    listed(network, 0, "expression", "\"it > 6\"");
    listed(network, 1, "faults", "9");
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Steps stop at breakpoints, pass them, and begin with who stands there. */
static void test_steps(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 3);
    reflow_break_options options = at("c");
    reflow_breakpoint id = set(network, &options);
    WORKS(reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
    start(network);
    CHECK(step(network, 100) == 2); /* a, b; and c stops */
    CHECK(fired(network, "a") == 1 && fired(network, "b") == 1 && fired(network, "c") == 0);
    CHECK(step(network, 1) == 1);
    CHECK(fired(network, "c") == 1);
    CHECK(step(network, 100) == 2);
    CHECK(fired(network, "c") == 1);
    WORKS(reflow_network_unbreak(network, id, &e));
    options.node = text_of("a");
    options.outport = text_of("o");
    set(network, &options);
    CHECK(step(network, 2) == 2);
    CHECK(fired(network, "c") == 2 && fired(network, "a") == 3 && fired(network, "b") == 2);
    CHECK(first_waiting(network, "b", "a") == -1);
    CHECK(step(network, 1) == 1);
    CHECK(first_waiting(network, "b", "a") == 3);
    resume(network);
    rig_idle(network);
    CHECK(fired(network, "c") == 3);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* A source, its timer, and the call that finishes it. */
static reflow_status tick(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)inputs;
    (void)count;
    int *left = state;
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(*left)));
    return --*left > 0 ? reflow_context_wake_after(context, 1000) : REFLOW_OK;
}
static reflow_status last_word(reflow_context *context, void *state) {
    (void)state;
    return reflow_context_emit(context, 0, reflow_message_integer(100));
}

static void test_source(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    int left = 3;
    rig_component source = {0};
    source.id = "Tick";
    source.outports = "o";
    source.run = tick;
    source.finish = last_word;
    source.user_data = &left;
    rig_register(runtime, &source);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Tick");
    rig_node(graph, "p", "Pass");
    rig_connect(graph, "s.o", "p.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "p.o", 10);
    reflow_break_options options = at("s");
    set(network, &options);
    start(network);
    for (int i = 3; i >= 1; --i) {
        stops(network);
        CHECK(left == i);
        resume(network);
    }
    rig_idle(network);
    CHECK(left == 0);
    /* A drain does not end before the breakpoint is passed, and does not pass it by itself. */
    for (int i = 0; i < 3; ++i) {
        reflow_status status = reflow_network_drain(network, 20, NULL);
        CHECK(status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK);
        CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_DRAINING);
    }
    reflow_message waiting;
    size_t count = 0;
    for (int i = 3; i >= 1; --i) CHECK(rig_recv(output) == i);
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_output_recv_many(output, &waiting, 1, 0, &count, &e));
    CHECK(step(network, 1) == 1);
    resume(network);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(rig_recv(output) == 100);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Who ends, drains or stops a network that stands at a breakpoint. */
static void test_ends(const rig_mode *mode) {
    for (int how = 0; how < 4; ++how) {
        reflow_runtime *runtime = rig_runtime(mode);
        rig_register_pass(runtime);
        reflow_network *network = chain(runtime, 3);
        int ends = 0;
        reflow_break_options options = at("b");
        options.destroy = count_end;
        options.user_data = &ends;
        if (how % 2 == 1) options.outport = text_of("o");
        set(network, &options);
        start(network);
        stops(network);
        if (how == 2) WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
        if (how == 3) {
            /* It resumes, and meets the breakpoint again. */
            reflow_status status = reflow_network_drain(network, 20, NULL);
            CHECK(status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK);
        }
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
        CHECK(ends == 1);
    }
}

static void test_misuse(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 1);
    reflow_breakpoint id = {7};
    int ends = 0;
    reflow_break_options options = at("b");
    options.destroy = count_end;
    options.user_data = &ends;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_break(NULL, &options, &id, &e));
    CHECK(id.id == 0 && ends == 1);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_break(network, &options, NULL, &e));
    options.struct_size = 3;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_break(network, &options, &id, &e));
    CHECK(ends == 2);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_unbreak(NULL, id, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_unbreak(network, id, &e));
    reflow_message list;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_breakpoints(NULL, &list, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_breakpoints(network, NULL, &e));
    static const struct {
        const char *node, *inport, *outport, *peer, *peer_port;
        reflow_status status;
        const char *hint;
    } wrong[] = {
        {"bb", "", "", "", "", REFLOW_ERROR_NOT_FOUND, "did you mean"},
        {"b", "aa", "", "", "", REFLOW_ERROR_NOT_FOUND, "did you mean"},
        {"b", "", "oo", "", "", REFLOW_ERROR_NOT_FOUND, "did you mean"},
        {"b", "", "o", "cc", "a", REFLOW_ERROR_NOT_FOUND, "did you mean"},
        {"b", "", "o", "a", "a", REFLOW_ERROR_NOT_FOUND, ""},
        {"b", "", "o", "c", "", REFLOW_ERROR_INVALID_ARGUMENT, ""},
        {"b", "", "", "c", "a", REFLOW_ERROR_INVALID_ARGUMENT, ""},
        {"b", "a", "o", "", "", REFLOW_ERROR_INVALID_ARGUMENT, ""},
        {"", "a", "", "", "", REFLOW_ERROR_INVALID_ARGUMENT, ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        options = at(wrong[i].node);
        options.inport = text_of(wrong[i].inport);
        options.outport = text_of(wrong[i].outport);
        options.peer = text_of(wrong[i].peer);
        options.peer_port = text_of(wrong[i].peer_port);
        reflow_error *error = NULL;
        CHECK_STATUS(wrong[i].status, reflow_network_break(network, &options, &id, &error));
        CHECK(strncmp(reflow_error_hint(error).data, wrong[i].hint, strlen(wrong[i].hint)) == 0);
        reflow_error_destroy(error);
    }
    options = at("b");
    options.flags = 4;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_break(network, &options, &id, &e));
    options.flags = 0;
    options.condition = is_even;
    options.expression = text_of("true");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_break(network, &options, &id, &e));
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        options = at("b");
        options.node = sized(bad_texts[i].data, bad_texts[i].size);
        FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_network_break(network, &options, &id, &e));
    }
    for (int i = 0; i < REFLOW_MAX_BREAKPOINTS; ++i) {
        options = at("b");
        set(network, &options);
    }
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_break(network, &options, &id, &e));
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* Somebody sets and removes breakpoints, and somebody resumes, while packets flow: all arrive. */
typedef struct churn {
    reflow_network *network;
    int over;
} churn;

static void *resumes(void *data) {
    churn *with = data;
    while (!__atomic_load_n(&with->over, __ATOMIC_ACQUIRE)) {
        (void)reflow_network_resume(with->network, text_of(""), NULL);
        sched_yield();
    }
    return NULL;
}
static void *sets(void *data) {
    churn *with = data;
    static const char *const nodes[] = {"a", "b", "c"};
    for (int i = 0; !__atomic_load_n(&with->over, __ATOMIC_ACQUIRE); ++i) {
        reflow_break_options options = at(nodes[i % 3]);
        if (i % 2 == 0) options.outport = text_of("o");
        reflow_breakpoint id = set(with->network, &options);
        sched_yield();
        WORKS(reflow_network_unbreak(with->network, id, &e));
    }
    return NULL;
}

static void test_churn(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_network *network = chain(runtime, 0);
    reflow_output *output = rig_output(network, "c.o", 10);
    reflow_inport inport = rig_inport(network, "a.a");
    start(network);
    churn with = {network, 0};
    pthread_t threads[2];
    CHECK(pthread_create(&threads[0], NULL, resumes, &with) == 0);
    CHECK(pthread_create(&threads[1], NULL, sets, &with) == 0);
    const int64_t count = check_slow() ? 50 : 200;
    for (int64_t i = 0; i < count; ++i) {
        rig_send(network, inport, i);
        reflow_message message;
        size_t got = 0;
        reflow_status status = REFLOW_OK;
        do {
            status = reflow_output_recv_many(output, &message, 1, 50, &got, NULL);
        } while (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK);
        CHECK_STATUS(REFLOW_OK, status);
        CHECK(rig_integer(message) == i);
    }
    __atomic_store_n(&with.over, 1, __ATOMIC_RELEASE);
    CHECK(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
    resume(network);
    rig_idle(network);
    CHECK(fired(network, "c") == (uint64_t)count);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* In the simulation stops are a function of the seed: all of them, on every node, in their order. */
static void stops_of(uint64_t seed, char *text, size_t size) {
    rig_mode mode = {"simulated", REFLOW_MODE_SIMULATED, 0, seed, false, 0};
    reflow_runtime *runtime = rig_runtime(&mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    static const char *const nodes[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; ++i) rig_node(graph, nodes[i], "Pass");
    rig_connect(graph, "a.o", "b.a", NULL);
    rig_connect(graph, "a.o", "c.a", NULL);
    rig_connect(graph, "b.o", "d.a", NULL);
    rig_connect(graph, "c.o", "d.a", NULL);
    for (int i = 1; i <= 6; ++i) rig_initial(graph, "a.a", reflow_message_integer(i));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_break_options options = at("");
    set(network, &options);
    reflow_subscription *events = listen(network);
    start(network);
    size_t used = 0;
    while (reflow_network_wait_idle(network, REFLOW_FOREVER, NULL) != REFLOW_OK) {
        reflow_event_batch *batch = NULL;
        while (reflow_subscription_poll(events, 1, 0, &batch, NULL, NULL) == REFLOW_OK) {
            reflow_event event = {0};
            event.struct_size = sizeof event;
            CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
            CHECK(event.node.size == 1 && used + 20 < size);
            used += (size_t)sprintf(text + used, "%c%d@%d ", event.node.data[0],
                                    (int)rig_integer(event.message), (int)event.timestamp_ms);
            reflow_event_batch_destroy(batch);
        }
        resume(network);
    }
    CHECK(fired(network, "d") == 12);
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_repeats(void) {
    char first[4096], before[4096] = "", again[4096];
    int different = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        stops_of(seed, first, sizeof first);
        stops_of(seed, again, sizeof again);
        if (strcmp(first, again) != 0) fprintf(stderr, "seed %d: %s not %s\n", (int)seed, again, first);
        CHECK(strcmp(first, again) == 0);
        different += strcmp(first, before) != 0;
        memcpy(before, first, sizeof before);
    }
    CHECK(different > 10);
}

int main(void) {
    check_time_limit(60);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        test_firing(mode);
        test_delivery(mode);
        test_conditions(mode);
        test_expressions(mode);
        test_steps(mode);
        test_source(mode);
        test_ends(mode);
        test_churn(mode);
    }
    test_repeats();
    test_misuse();
    return 0;
}
