/* Section 12 of reflow.h: events and their readers. */
#include "check.h"

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
    reflow_event_options options = {sizeof options, capacity, kinds};
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
            CHECK(rig_integer(event.message) == 5);
        } else if (event.kind == REFLOW_EVENT_ACTOR_COMPLETED) {
            CHECK(event.count == 1 && same_text(event.component, "Some"));
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
                                        "ActorEmit"};
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

static void test_misuse(void) {
    bench at = open_bench(&rig_inline);
    reflow_subscription *out = (reflow_subscription *)(uintptr_t)1;
    reflow_event_options options = {sizeof options, 0, REFLOW_EVENTS_ALL + 1};
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

int main(void) {
    check_time_limit(50);
    test_misuse();
    test_json();
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_kinds(&rig_modes[i]);
        test_missed(&rig_modes[i]);
        test_unsubscribe(&rig_modes[i]);
        test_idle(&rig_modes[i]);
    }
    return 0;
}
