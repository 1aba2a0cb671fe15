/* Two networks with a peer each, for the programs about actors of other networks. */
#ifndef REFLOW_TESTS_REMOTE_H
#define REFLOW_TESTS_REMOTE_H

#include "check.h"

#include <sched.h>
#include <time.h>

#include "rig.h"

#ifndef SIDE_HEARTBEAT_MS
#define SIDE_HEARTBEAT_MS 1000
#endif

#define EVENTUALLY(condition) RIG_EVENTUALLY(120, condition)

/* Doubles integers; fails at those below 0. */
static inline reflow_status twice(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        int64_t value = 0;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(inputs[i].message, &value));
        if (value < 0) {
            return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("below zero"),
                                       text_of(""));
        }
        reflow_status status =
            reflow_context_emit(context, 0, reflow_message_integer(2 * value));
        if (status != REFLOW_OK) return status;
        CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i + 1));
    }
    return REFLOW_OK;
}

typedef struct side {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_peer *peer;
} side;

static inline reflow_runtime *new_runtime(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    rig_register_pass(runtime);
    rig_component component = {.id = "Twice", .inports = "a", .outports = "o", .max_batch = 16,
                               .run = twice};
    rig_register(runtime, &component);
    return runtime;
}

/* A peer of a network that has not been started. The graph is taken. */
static inline side new_side(reflow_runtime *runtime, const char *name, reflow_graph *graph) {
    side s = {runtime, NULL, NULL};
    s.network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(name);
    options.bind_address = text_of("127.0.0.1");
    options.heartbeat_interval_ms = SIDE_HEARTBEAT_MS;
    options.flags = REFLOW_PEER_RECONNECT_FOREVER;
    WORKS(reflow_peer_create(runtime, &options, &s.peer, &e));
    WORKS(reflow_peer_attach(s.peer, s.network, &e));
    WORKS(reflow_peer_start(s.peer, &e));
    return s;
}

static inline void end_side(side *s) {
    reflow_peer_destroy(s->peer);
    reflow_network_destroy(s->network);
}

static inline void dial(side *from, const side *to) {
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%u", reflow_peer_port(to->peer));
    WORKS(reflow_peer_connect(from->peer, text_of(text), 60000, NULL, &e));
}

static inline reflow_graph *far_graph(void) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "twice", "Twice");
    return graph;
}

/* before -> remote -> after, with the actor of the other network in the middle. */
static inline reflow_graph *near_graph(const char *component) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "before", "Pass");
    rig_node(graph, "remote", component);
    rig_node(graph, "after", "Pass");
    rig_connect(graph, "before.o", "remote.a", NULL);
    rig_connect(graph, "remote.o", "after.a", NULL);
    return graph;
}

static inline void feed(reflow_network *network, const char *place, int64_t value) {
    WORKS(reflow_network_send(network, rig_inport(network, place), reflow_message_integer(value),
                              20000, &e));
}

/* near_graph("twice@far") linked to far_graph(), both running; what comes out at the end. */
typedef struct pair {
    reflow_runtime *runtime;
    side far, near;
    reflow_output *output;
} pair;

static inline pair new_pair(uint32_t capacity) {
    pair p;
    p.runtime = new_runtime();
    p.far = new_side(p.runtime, "far", far_graph());
    p.near = new_side(p.runtime, "near", near_graph("twice@far"));
    p.output = rig_output(p.near.network, "after.o", capacity);
    WORKS(reflow_network_start(p.far.network, &e));
    WORKS(reflow_network_start(p.near.network, &e));
    dial(&p.near, &p.far);
    return p;
}

static inline void end_pair(pair *p) {
    reflow_output_destroy(p->output);
    end_side(&p->near);
    end_side(&p->far);
    reflow_runtime_destroy(p->runtime);
}

#endif
