/* Packets that come in rounds, with the network idle between them: what an actor emits goes on where
 * it has left off, and whoever begins to watch between two rounds sees all of the next one. */
#include "check.h"

#include "rig.h"

enum { ROUNDS = 6, PACKETS = 40 };

/* Each value goes out twice; even ones by emit_many, odd ones by emit. */
static reflow_status twice(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        int64_t value = rig_integer(inputs[i].message);
        reflow_message both[2] = {reflow_message_integer(value), reflow_message_integer(value)};
        reflow_status status = REFLOW_OK;
        if (value % 2 == 0) {
            status = reflow_context_emit_many(context, 0, both, 2);
        } else {
            for (int j = 0; j < 2 && status == REFLOW_OK; ++j) {
                status = reflow_context_emit(context, 0, both[j]);
            }
        }
        if (status != REFLOW_OK) {
            (void)reflow_context_advance(context, i);
            return status;
        }
    }
    return REFLOW_OK;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
    reflow_output *output;
} bench;

/* first -> second -> the host. */
static bench open_bench(const rig_mode *mode, uint32_t max_batch) {
    bench at;
    at.runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Twice";
    component.inports = "a";
    component.outports = "o";
    component.max_batch = max_batch;
    component.run = twice;
    rig_register(at.runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "first", "Twice");
    rig_node(graph, "second", "Twice");
    rig_connect(graph, "first.o", "second.a", NULL);
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "first.a");
    at.output = rig_output(at.network, "second.o", 4 * PACKETS);
    WORKS(reflow_network_start(at.network, &e));
    return at;
}

static void close_bench(bench *at) {
    reflow_output_destroy(at->output);
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
}

/* All of a round arrives, each value four times, before the network is idle. */
static void play(bench *at, int64_t first, int64_t packets) {
    for (int64_t i = 0; i < packets; ++i) rig_send(at->network, at->inport, first + i);
    rig_idle(at->network);
    for (int64_t i = 0; i < packets; ++i) {
        for (int j = 0; j < 4; ++j) CHECK(rig_recv(at->output) == first + i);
    }
    reflow_message none;
    size_t count = 1;
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_output_recv_many(at->output, &none, 1, 0, &count, &e));
}

static void test_rounds(const rig_mode *mode) {
    for (uint32_t batch = 1; batch <= 16; batch *= 4) {
        bench at = open_bench(mode, batch);
        for (int64_t round = 0; round < ROUNDS; ++round) {
            play(&at, round, 1);
            play(&at, 7 * round, PACKETS);
        }
        close_bench(&at);
    }
}

/* Events of what is emitted and sent, from the next packet on. */
static void test_subscribed_between(const rig_mode *mode) {
    bench at = open_bench(mode, 1);
    for (int64_t round = 0; round < ROUNDS; ++round) {
        play(&at, round, 3);
        uint64_t kinds = (uint64_t)1 << REFLOW_EVENT_ACTOR_EMIT |
                         (uint64_t)1 << REFLOW_EVENT_MESSAGE_SENT;
        reflow_event_options options = rig_event_options(100, kinds);
        reflow_subscription *subscription = NULL;
        WORKS(reflow_network_subscribe(at.network, &options, &subscription, &e));
        play(&at, round, 2);
        reflow_event_batch *batch = NULL;
        uint64_t missed = 1;
        WORKS(reflow_subscription_poll(subscription, 100, 0, &batch, &missed, &e));
        /* Emitted: two packets twice, and those four twice. Sent between nodes: four. */
        size_t emitted = 0, sent = 0;
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_event event = {0};
            event.struct_size = sizeof event;
            CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, i, &event));
            emitted += event.kind == REFLOW_EVENT_ACTOR_EMIT ? 1u : 0u;
            sent += event.kind == REFLOW_EVENT_MESSAGE_SENT ? 1u : 0u;
        }
        CHECK(missed == 0 && emitted == 12 && sent == 4);
        reflow_event_batch_destroy(batch);
        reflow_subscription_destroy(subscription);
    }
    close_bench(&at);
}

/* A breakpoint that is set between rounds stops the first packet of the next one. */
static void test_breakpoint_between(const rig_mode *mode) {
    bench at = open_bench(mode, 1);
    play(&at, 1, 5);
    reflow_break_options options = {0};
    options.struct_size = sizeof options;
    options.node = text_of("second");
    reflow_breakpoint id = {0};
    WORKS(reflow_network_break(at.network, &options, &id, &e));
    rig_send(at.network, at.inport, 8);
    rig_quiet(at.network);
    CHECK(rig_counters(at.network, "second").fired == 10); /* those of the first round */
    WORKS(reflow_network_unbreak(at.network, id, &e));
    rig_resume(at.network, "");
    rig_idle(at.network);
    for (int j = 0; j < 4; ++j) CHECK(rig_recv(at.output) == 8);
    play(&at, 2, PACKETS);
    close_bench(&at);
}

int main(void) {
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_rounds(&rig_modes[i]);
        test_subscribed_between(&rig_modes[i]);
        test_breakpoint_between(&rig_modes[i]);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_rounds(&rig_tiny_modes[i]);
    return 0;
}
