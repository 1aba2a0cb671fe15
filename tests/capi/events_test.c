/* Section 12 of reflow.h: events and their readers. */
#include "check.h"

#include <sched.h>

#include "rig.h"

static reflow_status sometimes(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    if (rig_integer(inputs[0].message) < 0) {
        return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("below zero"),
                                   text_of(""));
    }
    return rig_pass(context, state, inputs, count);
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
} bench;

static bench open_bench(const rig_mode *mode) {
    bench at;
    at.runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Some";
    component.inports = "a";
    component.outports = "o";
    component.run = sometimes;
    rig_register(at.runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Some");
    rig_node(graph, "m", "Some");
    rig_connect(graph, "n.o", "m.a", NULL);
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "n.a");
    return at;
}

static void close_bench(bench *at) {
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
}

static reflow_subscription *subscribe(bench *at, uint64_t kinds, uint32_t capacity) {
    reflow_event_options options = rig_event_options(capacity, kinds);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(at->network, &options, &subscription, &e));
    return subscription;
}

static reflow_event event_at(const reflow_event_batch *batch, size_t index) {
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, index, &event));
    const reflow_view views[] = {event.node, event.component, event.port,
                                 event.peer, event.peer_port, event.error};
    for (size_t i = 0; i < 6; ++i) CHECK(views[i].data != NULL && views[i].data[views[i].size] == 0);
    return event;
}

static size_t count_kind(const reflow_event_batch *batch, reflow_event_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        count += event_at(batch, i).kind == kind ? 1 : 0;
    }
    return count;
}

/* Every kind there is, with the fields that belong to it. */
static void test_kinds(const rig_mode *mode) {
    bench at = open_bench(mode);
    reflow_subscription *all = subscribe(&at, REFLOW_EVENTS_ALL, 0);
    reflow_subscription *usual = NULL;
    WORKS(reflow_network_subscribe(at.network, NULL, &usual, &e));
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, at.inport, 5);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    rig_send(at.network, at.inport, -5);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch *batch = NULL;
    uint64_t missed = 5;
    WORKS(reflow_subscription_poll(all, 1000, REFLOW_FOREVER, &batch, &missed, &e));
    CHECK(missed == 0);
    CHECK(event_at(batch, 0).kind == REFLOW_EVENT_NETWORK_STARTED);
    for (size_t i = 1; i < reflow_event_batch_count(batch); ++i) {
        CHECK(event_at(batch, i).sequence > event_at(batch, i - 1).sequence);
    }
    CHECK(count_kind(batch, REFLOW_EVENT_NETWORK_STARTED) == 1);
    CHECK(count_kind(batch, REFLOW_EVENT_NETWORK_SHUTDOWN) == 1);
    CHECK(count_kind(batch, REFLOW_EVENT_NETWORK_STALLED) == 0);
    CHECK(count_kind(batch, REFLOW_EVENT_NETWORK_IDLE) >= 1);
    CHECK(count_kind(batch, REFLOW_EVENT_ACTOR_STARTED) == 2);
    CHECK(count_kind(batch, REFLOW_EVENT_ACTOR_COMPLETED) == 2);
    CHECK(count_kind(batch, REFLOW_EVENT_ACTOR_EMIT) == 2);
    CHECK(count_kind(batch, REFLOW_EVENT_MESSAGE_SENT) == 1);
    CHECK(count_kind(batch, REFLOW_EVENT_MESSAGE_RECEIVED) == 2);
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event = event_at(batch, i);
        if (event.kind == REFLOW_EVENT_MESSAGE_SENT) {
            CHECK(same_text(event.node, "n") && same_text(event.port, "o"));
            CHECK(same_text(event.peer, "m") && same_text(event.peer_port, "a"));
            CHECK(rig_integer(event.message) == 5 && event.size == 8);
            CHECK(event.waiting <= 1);
        } else if (event.kind == REFLOW_EVENT_ACTOR_COMPLETED) {
            CHECK(event.count == 1 && same_text(event.component, "Some"));
            /* What went to a connection: "m" has none. */
            reflow_message output = {0, 0};
            bool has = same_text(event.node, "n");
            CHECK_STATUS(has ? REFLOW_OK : REFLOW_ERROR_WRONG_KIND,
                         reflow_message_get(event.outputs, text_of("o"), &output));
            if (has) CHECK(rig_integer(output) == 5);
        } else if (event.kind == REFLOW_EVENT_ACTOR_FAILED) {
            CHECK(strstr(event.error.data, "below zero") != NULL && same_text(event.node, "n"));
        } else if (event.kind == REFLOW_EVENT_MESSAGE_RECEIVED) {
            CHECK(same_text(event.node, "n") && same_text(event.port, "a"));
        } else if (event.kind == REFLOW_EVENT_ACTOR_EMIT) {
            CHECK(same_text(event.port, "o") && rig_integer(event.message) == 5);
        }
    }
    reflow_event_batch_destroy(batch);
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_subscription_poll(all, 10, REFLOW_FOREVER, &batch, &missed, &e));
    CHECK(batch == NULL && missed == 0);
    WORKS(reflow_subscription_poll(usual, 1000, 0, &batch, NULL, &e));
    CHECK(count_kind(batch, REFLOW_EVENT_ACTOR_COMPLETED) == 0);
    CHECK(count_kind(batch, REFLOW_EVENT_MESSAGE_SENT) == 0);
    CHECK(count_kind(batch, REFLOW_EVENT_ACTOR_EMIT) == 0);
    CHECK(count_kind(batch, REFLOW_EVENT_MESSAGE_RECEIVED) == 2);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(all);
    reflow_subscription_destroy(usual);
    close_bench(&at);
}

/* A slow reader loses the newest, is told how many, and slows nobody. */
static void test_missed(const rig_mode *mode) {
    bench at = open_bench(mode);
    reflow_subscription *slow = subscribe(&at, 1u << REFLOW_EVENT_MESSAGE_RECEIVED, 3);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 10; ++i) rig_send(at.network, at.inport, i);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(at.network, "m").fired == 10);
    reflow_event_batch *batch = NULL;
    uint64_t missed = 0;
    WORKS(reflow_subscription_poll(slow, 2, 0, &batch, &missed, &e));
    CHECK(missed == 7 && reflow_event_batch_count(batch) == 2);
    CHECK(rig_integer(event_at(batch, 0).message) == 0);
    reflow_event_batch_destroy(batch);
    WORKS(reflow_subscription_poll(slow, 2, 0, &batch, &missed, &e));
    CHECK(missed == 0 && reflow_event_batch_count(batch) == 1);
    reflow_event_batch_destroy(batch);
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_subscription_poll(slow, 2, 0, &batch, &missed, &e));
    reflow_subscription_destroy(slow);
    close_bench(&at);
}

/* A subscription ends in the middle: the others go on. */
static void test_unsubscribe(const rig_mode *mode) {
    bench at = open_bench(mode);
    reflow_subscription *first = subscribe(&at, REFLOW_EVENTS_ALL, 0);
    reflow_subscription *second = subscribe(&at, 1u << REFLOW_EVENT_NETWORK_IDLE, 0);
    WORKS(reflow_network_start(at.network, &e));
    reflow_subscription_destroy(first);
    rig_send(at.network, at.inport, 1);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(second, 100, 0, &batch, NULL, &e));
    CHECK(count_kind(batch, REFLOW_EVENT_NETWORK_IDLE) == reflow_event_batch_count(batch));
    CHECK(reflow_event_batch_count(batch) >= 1);
    reflow_subscription_destroy(second);
    reflow_event_batch_destroy(batch);
    close_bench(&at);
}

/* Idle is told once for each time, and no wait sees it before the event is there. */
static void test_idle(const rig_mode *mode) {
    bench at = open_bench(mode);
    reflow_subscription *idle = subscribe(&at, 1u << REFLOW_EVENT_NETWORK_IDLE, 0);
    WORKS(reflow_network_start(at.network, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    WORKS(reflow_subscription_poll(idle, 100, 0, &batch, NULL, &e));
    CHECK(reflow_event_batch_count(batch) == 1);
    reflow_event_batch_destroy(batch);
    for (int i = 0; i < (check_slow() ? 20 : 500); ++i) {
        rig_send(at.network, at.inport, i);
        WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
        WORKS(reflow_subscription_poll(idle, 100, 0, &batch, NULL, &e));
        CHECK(reflow_event_batch_count(batch) == 1);
        reflow_event_batch_destroy(batch);
    }
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_subscription_poll(idle, 1, 0, &batch, NULL, &e));
    reflow_subscription_destroy(idle);
    close_bench(&at);
}

static void test_json(void) {
    bench at = open_bench(&rig_inline);
    reflow_subscription *all = subscribe(&at, REFLOW_EVENTS_ALL, 0);
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, at.inport, 5);
    rig_send(at.network, at.inport, -5);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(all, 100, 0, &batch, NULL, &e));
    static const char *const names[] = {"NetworkStarted", "NetworkIdle", "NetworkStalled",
                                        "NetworkShutdown", "ActorStarted", "ActorCompleted",
                                        "ActorFailed", "MessageSent", "MessageReceived",
                                        "ActorEmit", "Breakpoint", "DeadLetter", "ActorState",
                                        "ActorStuck", "CheckpointFailed"};
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event = event_at(batch, i);
        reflow_buffer *buffer = NULL;
        WORKS(reflow_event_batch_json(batch, i, &buffer, &e));
        reflow_view text = reflow_buffer_get(buffer);
        CHECK(strchr(text.data, '\n') == NULL);
        reflow_message object, value;
        reflow_view type;
        WORKS(reflow_message_from_json(text, NULL, &object, &e));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of("_type"), &value));
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(value, &type));
        CHECK(same_text(type, names[event.kind]));
        if (event.kind == REFLOW_EVENT_ACTOR_FAILED) {
            CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of("actorId"), &value));
            CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of("error"), &value));
        }
        reflow_message_unref(object);
        reflow_buffer_destroy(buffer);
    }
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(all);
    close_bench(&at);
}

/* ---- filters */

static reflow_subscription *subscribe_nodes(bench *at, uint64_t kinds, const char *nodes,
                                            uint32_t sample) {
    reflow_event_options options = {0};
    reflow_subscription *subscription = NULL;
    options.struct_size = sizeof options;
    options.kinds = kinds;
    options.nodes = text_of(nodes);
    options.sample = sample;
    WORKS(reflow_network_subscribe(at->network, &options, &subscription, &e));
    return subscription;
}

/* How many events wait, and whether they are about these nodes alone. */
static size_t drain_about(reflow_subscription *subscription, const char *node, const char *peer) {
    reflow_event_batch *batch = NULL;
    reflow_status status = reflow_subscription_poll(subscription, 1000, 0, &batch, NULL, NULL);
    if (status == REFLOW_ERROR_WOULD_BLOCK) return 0;
    CHECK_STATUS(REFLOW_OK, status);
    size_t count = reflow_event_batch_count(batch);
    for (size_t i = 0; i < count; ++i) {
        reflow_event event = event_at(batch, i);
        CHECK(same_text(event.node, node) || same_text(event.peer, peer));
    }
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(subscription);
    return count;
}

static void test_nodes(const rig_mode *mode) {
    bench at = open_bench(mode);
    const uint64_t completed = 1u << REFLOW_EVENT_ACTOR_COMPLETED;
    const uint64_t sent = 1u << REFLOW_EVENT_MESSAGE_SENT;
    reflow_subscription *n = subscribe_nodes(&at, completed, "n", 0);
    reflow_subscription *m = subscribe_nodes(&at, completed | sent, "m", 0);
    reflow_subscription *none = subscribe_nodes(&at, completed, "x*", 0);
    reflow_subscription *inner = subscribe_nodes(&at, completed, "n/", 0);
    reflow_subscription *life = subscribe_nodes(&at, 1u << REFLOW_EVENT_NETWORK_STARTED, "x", 0);
    reflow_subscription *third = subscribe_nodes(&at, completed | sent, "*", 3);
    reflow_subscription *failures =
        subscribe_nodes(&at, 1u << REFLOW_EVENT_ACTOR_FAILED, "?", 1000);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 1; i <= 10; ++i) rig_send(at.network, at.inport, i);
    for (int i = 1; i <= 4; ++i) rig_send(at.network, at.inport, -i);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(drain_about(n, "n", "-") == 10);
    CHECK(drain_about(m, "m", "m") == 20); /* its calls, and what came to it */
    CHECK(drain_about(none, "-", "-") == 0);
    CHECK(drain_about(inner, "-", "-") == 0);
    CHECK(drain_about(life, "", "") == 1);
    CHECK(drain_about(failures, "n", "-") == 4); /* never left out */
    /* Of 20 calls 7, and of 10 deliveries 4. */
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(third, 100, 0, &batch, NULL, &e));
    CHECK(count_kind(batch, REFLOW_EVENT_ACTOR_COMPLETED) == 7);
    CHECK(count_kind(batch, REFLOW_EVENT_MESSAGE_SENT) == 4);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(third);
    reflow_subscription_destroy(none);
    reflow_subscription_destroy(inner);
    close_bench(&at);
}

static void test_patterns(void) {
    static const char *const ids[] = {"a", "ab", "outer/a", "outer/in/b", "outer2/a"};
    static const struct {
        const char *pattern;
        unsigned chosen; /* bits of ids */
    } cases[] = {
        {"", 31},          {"a", 1},          {"a*", 3},         {"?", 1},
        {"??", 2},         {"*", 3},          {"**", 31},        {"outer/", 12},
        {"outer/*", 4},    {"outer/**", 12},  {"*/a", 20},       {"**/a", 20},
        {"**a", 21},       {"*b", 2},         {"**b", 10},       {"outer?/a", 16},
        {"outer?a", 0},    {"*/*/*", 8},      {"**/*", 28},      {"o*r/*n/b", 8},
        {"b", 0},          {"*a*", 3},        {"**in**", 8},     {"***", 31},
        {"outer", 0},      {"*ter*/*a", 20},  {"/", 0},          {"a/", 0},
    };
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    for (size_t i = 0; i < 5; ++i) rig_node(graph, ids[i], "Pass");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        bench at = {NULL, rig_network(runtime, graph), {0}};
        reflow_subscription *some =
            subscribe_nodes(&at, 1u << REFLOW_EVENT_ACTOR_STARTED, cases[c].pattern, 0);
        WORKS(reflow_network_start(at.network, &e));
        reflow_event_batch *batch = NULL;
        reflow_status status = reflow_subscription_poll(some, 100, 0, &batch, NULL, NULL);
        CHECK(status == (cases[c].chosen == 0 ? REFLOW_ERROR_WOULD_BLOCK : REFLOW_OK));
        unsigned chosen = 0;
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_event event = event_at(batch, i);
            for (unsigned n = 0; n < 5; ++n) chosen |= same_text(event.node, ids[n]) ? 1u << n : 0;
        }
        if (chosen != cases[c].chosen) fprintf(stderr, "pattern %s\n", cases[c].pattern);
        CHECK(chosen == cases[c].chosen);
        reflow_event_batch_destroy(batch);
        reflow_subscription_destroy(some);
        reflow_network_destroy(at.network);
    }
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- callbacks */

typedef struct listener {
    reflow_subscription *own; /* ended by the first call, if not NULL */
    reflow_network *network;
    size_t most;
    /* Written by turns, read when the subscription has ended. */
    size_t calls;
    size_t events;
    size_t received;
    uint64_t missed;
    uint64_t sequence;
    size_t destroyed;
} listener;

static void listen(void *user_data, const reflow_event_batch *batch, uint64_t missed) {
    listener *self = user_data;
    size_t count = reflow_event_batch_count(batch);
    CHECK(self->destroyed == 0);
    CHECK(count <= self->most && (count != 0 || missed != 0));
    ++self->calls;
    self->missed += missed;
    for (size_t i = 0; i < count; ++i) {
        reflow_event event = event_at(batch, i);
        CHECK(self->events == 0 || event.sequence > self->sequence);
        self->sequence = event.sequence;
        ++self->events;
        if (event.kind == REFLOW_EVENT_MESSAGE_RECEIVED) ++self->received;
    }
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_network_drain(self->network, 1000, &e));
    WORKS(reflow_network_stop(self->network, 1000, &e)); /* only asks for it */
}

static void count_only(void *user_data, const reflow_event_batch *batch, uint64_t missed) {
    listener *self = user_data;
    CHECK(self->destroyed == 0);
    ++self->calls;
    self->missed += missed;
    self->events += reflow_event_batch_count(batch);
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event = event_at(batch, i);
        CHECK(self->sequence <= event.sequence);
        self->sequence = event.sequence + 1;
        if (event.kind == REFLOW_EVENT_MESSAGE_RECEIVED) ++self->received;
    }
    CHECK(reflow_event_batch_count(batch) <= self->most);
    if (self->own != NULL) {
        reflow_subscription_destroy(self->own);
        self->own = NULL;
        CHECK(self->destroyed == 0); /* not before this call has returned */
    }
}

static void end_listener(void *user_data) {
    __atomic_fetch_add(&((listener *)user_data)->destroyed, 1, __ATOMIC_ACQ_REL);
}

static reflow_subscription *listen_to(bench *at, listener *self, reflow_event_fn callback,
                                      uint64_t kinds, uint32_t capacity) {
    reflow_event_options options = {0};
    reflow_subscription *subscription = NULL;
    options.struct_size = sizeof options;
    options.kinds = kinds;
    options.capacity = capacity;
    options.max_batch = (uint32_t)self->most;
    options.callback = callback;
    options.user_data = self;
    options.destroy = end_listener;
    self->network = at->network;
    WORKS(reflow_network_subscribe(at->network, &options, &subscription, &e));
    return subscription;
}

/* A callback gets what a poll gets, in order, and all of it before its subscription ends. */
static void test_callback(const rig_mode *mode) {
    bench at = open_bench(mode);
    listener self = {0};
    self.most = 7;
    reflow_subscription *called = listen_to(&at, &self, count_only, REFLOW_EVENTS_ALL, 0);
    reflow_subscription *polled = subscribe(&at, REFLOW_EVENTS_ALL, 0);
    reflow_event_batch *batch = NULL;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_subscription_poll(called, 1, 0, &batch, NULL, &e));
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 200; ++i) rig_send(at.network, at.inport, i % 10 - 1);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    reflow_subscription_destroy(called);
    CHECK(self.destroyed == 1 && self.missed == 0 && self.received == 200);
    WORKS(reflow_subscription_poll(polled, 10000, 0, &batch, NULL, &e));
    CHECK(self.events == reflow_event_batch_count(batch));
    CHECK(self.calls >= self.events / 7);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(polled);
    close_bench(&at);
}

/* A callback may end its own subscription: nothing comes after what waited then. */
static void test_callback_ends_itself(const rig_mode *mode) {
    bench at = open_bench(mode);
    listener self = {0};
    listener other = {0};
    self.most = other.most = 4;
    self.own = listen_to(&at, &self, count_only, 1u << REFLOW_EVENT_MESSAGE_RECEIVED, 0);
    reflow_subscription *stays =
        listen_to(&at, &other, count_only, 1u << REFLOW_EVENT_MESSAGE_RECEIVED, 0);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 50; ++i) rig_send(at.network, at.inport, i);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_subscription_destroy(stays);
    CHECK(other.received == 50 && other.destroyed == 1);
    close_bench(&at);
    /* It ended inside a callback, so on a thread of the runtime, which may outlast its handle. */
    while (__atomic_load_n(&self.destroyed, __ATOMIC_ACQUIRE) == 0) sched_yield();
    CHECK(self.destroyed == 1 && self.received >= 1 && self.received <= 50);
}

/* What does not fit is counted, and the others get theirs. */
static void test_callback_misses(void) {
    bench at = open_bench(&rig_inline);
    listener slow = {0};
    listener fast = {0};
    slow.most = 2;
    fast.most = 64;
    const uint64_t kind = 1u << REFLOW_EVENT_MESSAGE_RECEIVED;
    reflow_subscription *a = listen_to(&at, &slow, count_only, kind, 5);
    reflow_subscription *b = listen_to(&at, &fast, count_only, kind, 0);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 20; ++i) rig_send(at.network, at.inport, i); /* nothing runs yet */
    CHECK(slow.calls == 0 && fast.calls == 0);
    WORKS(reflow_runtime_run(at.runtime, 0, NULL, &e));
    CHECK(slow.received == 5 && slow.missed == 15 && slow.calls == 3);
    CHECK(fast.received == 20 && fast.missed == 0 && fast.calls == 1);
    rig_send(at.network, at.inport, 1);
    WORKS(reflow_runtime_run(at.runtime, 0, NULL, &e));
    CHECK(slow.received == 6 && slow.missed == 15);
    reflow_subscription_destroy(a);
    reflow_subscription_destroy(b);
    CHECK(slow.destroyed == 1 && fast.destroyed == 1);
    close_bench(&at);
}

/* A callback is inside a turn: it may ask for the stop, and waits for nothing. */
static void test_callback_acts(const rig_mode *mode) {
    bench at = open_bench(mode);
    listener self = {0};
    self.most = 256;
    reflow_subscription *called =
        listen_to(&at, &self, listen, 1u << REFLOW_EVENT_NETWORK_STARTED, 0);
    WORKS(reflow_network_start(at.network, &e));
    reflow_subscription_destroy(called);
    CHECK(self.events == 1 && self.destroyed == 1);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    close_bench(&at);
}

static void test_callback_misuse(void) {
    bench at = open_bench(&rig_inline);
    listener self = {0};
    reflow_event_options options = {0};
    reflow_subscription *out = NULL;
    char name[300];
    memset(name, 'a', sizeof name);
    options.struct_size = sizeof options;
    options.user_data = &self;
    options.destroy = end_listener;
    options.callback = count_only;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_subscribe(NULL, &options, &out, &e));
    CHECK(self.destroyed == 1);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_subscribe(at.network, &options, NULL, &e));
    CHECK(self.destroyed == 2);
    options.nodes = sized(name, 257);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_subscribe(at.network, &options, &out, &e));
    CHECK(self.destroyed == 3);
    options.nodes = text_of("\xff");
    FAILS(REFLOW_ERROR_INVALID_UTF8, reflow_network_subscribe(at.network, &options, &out, &e));
    options.nodes = text_of("");
    options.callback = NULL;
    options.max_batch = 3;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_subscribe(at.network, &options, &out, &e));
    CHECK(self.destroyed == 5);
    /* User data without a callback ends with the call: nobody gets it. */
    options.max_batch = 0;
    WORKS(reflow_network_subscribe(at.network, &options, &out, &e));
    CHECK(self.destroyed == 6);
    reflow_subscription_destroy(out);
    close_bench(&at);
}

/* The line of an event has the fields that other readers of these events know. */
static void test_json_fields(void) {
    bench at = open_bench(&rig_inline);
    reflow_subscription *all = subscribe(&at, REFLOW_EVENTS_ALL, 0);
    reflow_message bytes;
    WORKS(reflow_network_start(at.network, &e));
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    rig_send(at.network, at.inport, 55);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    WORKS(reflow_message_bytes("\x01\x02", 2, &bytes, &e));
    WORKS(reflow_network_send(at.network, rig_inport(at.network, "m.a"), bytes, 0, &e));
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(all, 100, 0, &batch, NULL, &e));
    static const char *const wanted[] = {
        "{\"_type\":\"ActorEmit\",\"actorId\":\"n\",\"port\":\"o\",\"message\":{\"data\":[53,53]},"
        "\"value\":55,\"size\":8,\"sequence\":",
        "{\"_type\":\"ActorCompleted\",\"actorId\":\"n\",\"component\":\"Some\",\"outputs\":{\"o\":"
        "{\"type\":\"Integer\",\"data\":55}},\"firings\":1,\"waiting\":0,\"durationNs\":",
        "{\"_type\":\"ActorCompleted\",\"actorId\":\"m\",\"component\":\"Some\",\"outputs\":null,",
        "{\"_type\":\"MessageSent\",\"fromActor\":\"n\",\"fromPort\":\"o\",\"toActor\":\"m\","
        "\"toPort\":\"a\",\"message\":{\"data\":[53,53]},\"value\":55,\"size\":8,\"waiting\":1,",
        "{\"_type\":\"MessageReceived\",\"actorId\":\"n\",\"port\":\"a\",\"message\":{\"data\":"
        "[53,53]},\"value\":55,\"size\":8,\"waiting\":1,\"sequence\":",
        "{\"_type\":\"ActorStarted\",\"actorId\":\"m\",\"component\":\"Some\",\"sequence\":",
        "{\"_type\":\"NetworkStarted\",\"sequence\":0,\"timestamp\":",
        "{\"_type\":\"NetworkIdle\",\"sequence\":",
        "{\"_type\":\"NetworkShutdown\",\"sequence\":",
    };
    for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; ++w) {
        size_t found = 0;
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_buffer *line = NULL;
            WORKS(reflow_event_batch_json(batch, i, &line, &e));
            const char *text = reflow_buffer_get(line).data;
            found += strncmp(text, wanted[w], strlen(wanted[w])) == 0 ? 1 : 0;
            CHECK(strstr(text, "\"timestamp\":") != NULL);
            reflow_buffer_destroy(line);
        }
        if (found == 0) fprintf(stderr, "no event begins with %s\n", wanted[w]);
        CHECK(found >= 1);
    }
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(all);
    close_bench(&at);
}

static reflow_status fail_always(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state, (void)inputs, (void)count;
    return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("it is \"broken\""),
                               text_of(""));
}

/* The same for a failure, as a whole but for its numbers. */
static void test_json_failure(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {0};
    component.id = "Fails";
    component.inports = "a";
    component.run = fail_always;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Fails");
    bench at = {runtime, rig_network(runtime, graph), {0}};
    reflow_graph_destroy(graph);
    reflow_subscription *failed = subscribe(&at, UINT64_C(1) << REFLOW_EVENT_ACTOR_FAILED, 0);
    reflow_inport inport = rig_inport(at.network, "n.a");
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, inport, 1);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(failed, 100, 0, &batch, NULL, &e));
    CHECK(reflow_event_batch_count(batch) == 1);
    reflow_event event = event_at(batch, 0);
    char expected[256];
    snprintf(expected, sizeof expected,
             "{\"_type\":\"ActorFailed\",\"actorId\":\"n\",\"component\":\"Fails\","
             "\"error\":\"node 'n': it is \\\"broken\\\"\",\"waiting\":0,\"sequence\":%llu,"
             "\"timestamp\":%lld}",
             (unsigned long long)event.sequence, (long long)event.timestamp_ms);
    reflow_buffer *line = NULL;
    WORKS(reflow_event_batch_json(batch, 0, &line, &e));
    if (!same_text(reflow_buffer_get(line), expected)) {
        fprintf(stderr, "%s\n%s\n", reflow_buffer_get(line).data, expected);
    }
    CHECK(same_text(reflow_buffer_get(line), expected));
    reflow_buffer_destroy(line);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(failed);
    close_bench(&at);
}

/* Bytes are shown when they come in, and not on their way. */
static void test_json_bytes(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Pass");
    rig_node(graph, "m", "Pass");
    rig_connect(graph, "n.o", "m.a", NULL);
    bench at = {runtime, rig_network(runtime, graph), {0}};
    reflow_graph_destroy(graph);
    reflow_subscription *all = subscribe(&at, REFLOW_EVENTS_ALL, 0);
    reflow_message bytes;
    WORKS(reflow_message_bytes("\x01\x02", 2, &bytes, &e));
    WORKS(reflow_network_start(at.network, &e));
    WORKS(reflow_network_send(at.network, rig_inport(at.network, "n.a"), bytes, 0, &e));
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(all, 100, 0, &batch, NULL, &e));
    size_t hidden = 0, shown = 0;
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event = event_at(batch, i);
        if (event.kind != REFLOW_EVENT_MESSAGE_SENT && event.kind != REFLOW_EVENT_ACTOR_EMIT &&
            event.kind != REFLOW_EVENT_MESSAGE_RECEIVED) {
            continue;
        }
        CHECK(event.size == 2);
        reflow_buffer *line = NULL;
        WORKS(reflow_event_batch_json(batch, i, &line, &e));
        const char *text = reflow_buffer_get(line).data;
        if (strstr(text, "\"value\":\"[binary]\"") != NULL) ++hidden;
        if (strstr(text, "\"value\":[1,2]") != NULL) ++shown;
        reflow_buffer_destroy(line);
    }
    CHECK(hidden == 3 && shown == 1);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(all);
    close_bench(&at);
}

static void test_misuse(void) {
    bench at = open_bench(&rig_inline);
    reflow_subscription *out = (reflow_subscription *)(uintptr_t)1;
    reflow_event_options options = {0};
    options.struct_size = sizeof options;
    options.kinds = REFLOW_EVENTS_ALL + 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_subscribe(NULL, NULL, &out, &e));
    CHECK(out == NULL);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_subscribe(at.network, NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_subscribe(at.network, &options, &out, &e));
    options.kinds = UINT64_MAX;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_subscribe(at.network, &options, &out, &e));
    options.kinds = 1;
    static const uint32_t wrong[] = {0, 7, 5000, UINT32_MAX};
    for (size_t i = 0; i < 4; ++i) {
        options.struct_size = wrong[i];
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_network_subscribe(at.network, &options, &out, &e));
    }
    reflow_subscription *subscription = subscribe(&at, 0, 0);
    reflow_event_batch *batch = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_subscription_poll(NULL, 1, 0, &batch, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_subscription_poll(subscription, 1, 0, NULL, NULL, &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_subscription_poll(subscription, 1, 0, &batch, NULL, &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK, /* nobody runs that could bring one */
          reflow_subscription_poll(subscription, 1, REFLOW_FOREVER, &batch, NULL, &e));
    WORKS(reflow_network_start(at.network, &e));
    WORKS(reflow_subscription_poll(subscription, SIZE_MAX, 0, &batch, NULL, &e));
    size_t count = reflow_event_batch_count(batch);
    CHECK(count == 4); /* started, two actors, idle */
    reflow_event event = {0};
    reflow_buffer *buffer = NULL;
    event.struct_size = sizeof event;
    CHECK(reflow_event_batch_count(NULL) == 0);
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_event_batch_get(batch, count, &event));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_event_batch_get(batch, SIZE_MAX, &event));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_event_batch_get(NULL, 0, &event));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_event_batch_get(batch, 0, NULL));
    event.struct_size = 3;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_event_batch_get(batch, 0, &event));
    event.struct_size = (uint32_t)offsetof(reflow_event, node);
    event.node.size = 77;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(event.node.size == 77);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_event_batch_json(batch, count, &buffer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_event_batch_json(NULL, 0, &buffer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_event_batch_json(batch, 0, NULL, &e));
    reflow_event_batch_destroy(batch);
    reflow_event_batch_destroy(NULL);
    reflow_subscription_destroy(subscription);
    reflow_subscription_destroy(NULL);
    close_bench(&at);
}

/* Fails at the first value below 0; those before it are completed. */
static reflow_status advances(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        if (rig_integer(inputs[i].message) < 0) return REFLOW_ERROR_FAILED;
        CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i + 1));
    }
    return REFLOW_OK;
}

/* Whoever counts by events counts what the counters have, of calls that fail in the middle as well. */
static void test_completed_before_a_failure(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Advances";
    component.inports = "a";
    component.outports = "o";
    component.max_batch = 4;
    component.run = advances;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Advances");
    bench at = {runtime, rig_network(runtime, graph), {0}};
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "n.a");
    reflow_subscription *all = subscribe(
        &at, 1u << REFLOW_EVENT_ACTOR_COMPLETED | 1u << REFLOW_EVENT_ACTOR_FAILED, 1000);
    WORKS(reflow_network_start(at.network, &e));
    WORKS(reflow_network_pause(at.network, text_of(""), REFLOW_FOREVER, &e));
    for (int i = 0; i < 60; ++i) rig_send(at.network, at.inport, i % 3 == 2 ? -1 : i);
    WORKS(reflow_network_resume(at.network, text_of(""), &e));
    rig_idle(at.network);
    reflow_event_batch *batch = NULL;
    uint64_t completed = 0, failed = 0, missed = 0;
    WORKS(reflow_subscription_poll(all, 1000, 0, &batch, &missed, &e));
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        const reflow_event event = event_at(batch, i);
        if (event.kind == REFLOW_EVENT_ACTOR_COMPLETED) completed += event.count;
        failed += event.kind == REFLOW_EVENT_ACTOR_FAILED;
        /* Each failure comes behind what has ended well before it. */
        CHECK(event.kind == REFLOW_EVENT_ACTOR_COMPLETED || completed == 2 * failed);
    }
    CHECK(missed == 0 && completed == 40 && failed == 20);
    CHECK(rig_counters(at.network, "n").fired == 60);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(all);
    close_bench(&at);
}

static reflow_status emits_too_much(reflow_context *context, void *state, reflow_packet *inputs,
                                    size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    for (;;) {
        reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(1));
        if (status != REFLOW_OK) return status;
    }
}

/* A component that hands on what an emit has answered says nothing itself. */
static void test_limit_of_emits(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Much";
    component.inports = "a";
    component.outports = "o";
    component.run = emits_too_much;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Much");
    bench at = {runtime, rig_network(runtime, graph), {0}};
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "n.a");
    reflow_subscription *all = subscribe(&at, 1u << REFLOW_EVENT_ACTOR_FAILED, 10);
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, at.inport, 1);
    rig_idle(at.network);
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(all, 10, 0, &batch, NULL, &e));
    CHECK(reflow_event_batch_count(batch) == 1);
    CHECK(strstr(event_at(batch, 0).error.data, "a call emits at most 1000000 messages") != NULL);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(all);
    close_bench(&at);
}

int main(void) {
    check_time_limit(50);
    test_misuse();
    test_json();
    test_json_fields();
    test_json_failure();
    test_json_bytes();
    test_patterns();
    test_callback_misses();
    test_callback_misuse();
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_kinds(&rig_modes[i]);
        test_missed(&rig_modes[i]);
        test_unsubscribe(&rig_modes[i]);
        test_idle(&rig_modes[i]);
        test_nodes(&rig_modes[i]);
        test_callback(&rig_modes[i]);
        test_callback_ends_itself(&rig_modes[i]);
        test_callback_acts(&rig_modes[i]);
        test_completed_before_a_failure(&rig_modes[i]);
        test_limit_of_emits(&rig_modes[i]);
    }
    return 0;
}
