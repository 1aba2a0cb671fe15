/* Short ways to runtimes, components, graphs and networks for the conformance programs. */
#ifndef REFLOW_TESTS_RIG_H
#define REFLOW_TESTS_RIG_H

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

/* Waits for what has no call that waits: other threads bring it. */
#define RIG_EVENTUALLY(seconds, condition)                                  \
    do {                                                                    \
        time_t end_ = time(NULL) + (seconds);                               \
        bool is_so_ = false; /* once is enough: it may be over by then */   \
        while (!(is_so_ = (condition)) && time(NULL) < end_) sched_yield(); \
        if (!is_so_) check_failed(__FILE__, __LINE__, #condition, "never"); \
    } while (0)

/* Of a peer on this machine alone. */
static inline reflow_peer_options rig_peer_options(const char *network) {
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(network);
    options.bind_address = text_of("127.0.0.1");
    return options;
}

/* A process of its own as far as links go: a network with its peer, and what comes out of it. */
typedef struct rig_side {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *output;
    reflow_peer *peer;
} rig_side;

static inline void rig_start_peer(rig_side *side, const reflow_peer_options *options) {
    WORKS(reflow_peer_create(side->runtime, options, &side->peer, &e));
    WORKS(reflow_peer_attach(side->peer, side->network, &e));
    WORKS(reflow_peer_start(side->peer, &e));
}

static inline void rig_end_side(rig_side *side) {
    reflow_peer_destroy(side->peer);
    reflow_output_destroy(side->output);
    reflow_network_destroy(side->network);
    reflow_runtime_destroy(side->runtime);
}

/* Each way to run actors. */
typedef struct rig_mode {
    const char *name;
    reflow_mode mode;
    uint32_t workers;
    uint64_t seed;
    bool tiny;     /* turns of one packet, ports of one packet */
    uint32_t lent; /* threads that work all the time, in mode lent */
} rig_mode;
static const rig_mode rig_modes[] = {
    {"own 1", REFLOW_MODE_OWN, 1, 0, false, 0},
    {"own 2", REFLOW_MODE_OWN, 2, 0, false, 0},
    {"own 8", REFLOW_MODE_OWN, 8, 0, false, 0},
    {"inline", REFLOW_MODE_INLINE, 0, 0, false, 0},
    {"simulated 1", REFLOW_MODE_SIMULATED, 0, 1, false, 0},
    {"simulated 2", REFLOW_MODE_SIMULATED, 0, 2, false, 0},
    {"simulated 3", REFLOW_MODE_SIMULATED, 0, 0x9e3779b97f4a7c15u, false, 0},
    {"hosted", REFLOW_MODE_HOSTED, 0, 0, false, 0},
    {"lent 0", REFLOW_MODE_LENT, 4, 0, false, 0}, /* whoever waits works */
    {"lent 2", REFLOW_MODE_LENT, 4, 0, false, 2},
    {"lent 1, full", REFLOW_MODE_LENT, 1, 0, false, 1}, /* whoever waits finds no place */
};
#define RIG_MODES (sizeof rig_modes / sizeof rig_modes[0])
static const rig_mode rig_tiny_modes[] = {
    {"own 1, tiny", REFLOW_MODE_OWN, 1, 0, true, 0},
    {"own 4, tiny", REFLOW_MODE_OWN, 4, 0, true, 0},
    {"inline, tiny", REFLOW_MODE_INLINE, 0, 0, true, 0},
    {"simulated, tiny", REFLOW_MODE_SIMULATED, 0, 7, true, 0},
    {"hosted, tiny", REFLOW_MODE_HOSTED, 0, 0, true, 0},
    {"lent 3, tiny", REFLOW_MODE_LENT, 8, 0, true, 3},
};
#define RIG_TINY_MODES (sizeof rig_tiny_modes / sizeof rig_tiny_modes[0])
static const rig_mode rig_inline = {"inline", REFLOW_MODE_INLINE, 0, 0, false, 0};
static const rig_mode rig_own = {"own 2", REFLOW_MODE_OWN, 2, 0, false, 0};

/* Actors run also while the test does not call the library. */
static inline bool rig_threaded(const rig_mode *mode) {
    return mode->mode == REFLOW_MODE_OWN || mode->lent != 0;
}
/* There may be other threads that bring work, so a wait waits until its timeout. */
static inline bool rig_waits(const rig_mode *mode) {
    return mode->mode == REFLOW_MODE_OWN || mode->mode == REFLOW_MODE_LENT;
}

static inline reflow_runtime_options rig_options(const rig_mode *mode) {
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.mode = mode->mode;
    options.workers = mode->workers;
    options.seed = mode->seed;
    if (mode->tiny) options.batch_packets = options.batch_us = options.port_capacity = 1;
    return options;
}

static inline void *rig_work(void *runtime) {
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_runtime_work(runtime, REFLOW_FOREVER, NULL));
    return NULL;
}

/* The threads of a lent runtime, without signals as those of the library. They end with it. */
static inline void rig_lend(reflow_runtime *runtime, const rig_mode *mode) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 0; i < mode->lent; ++i) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, rig_work, runtime) == 0);
        CHECK(pthread_detach(thread) == 0);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (mode->lent != 0 && reflow_runtime_workers(runtime) != mode->lent) sched_yield();
}

static inline reflow_runtime *rig_runtime(const rig_mode *mode) {
    reflow_runtime_options options = rig_options(mode);
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    return runtime;
}

/* A component: ports are letters, capital ones required inports: "aB" has a and the required B. */
typedef struct rig_component {
    const char *id;
    const char *inports;
    const char *outports;
    reflow_await await;
    uint32_t max_batch;
    uint32_t max_concurrency;
    uint32_t flags;
    reflow_create_fn create;
    reflow_state_fn setup;
    reflow_run_fn run;
    reflow_state_fn finish;
    reflow_teardown_fn teardown;
    reflow_destroy_fn destroy_state;
    void *user_data;
    reflow_destroy_fn destroy;
} rig_component;

static inline uint32_t rig_ports(reflow_port *ports, const char *names, bool in) {
    uint32_t count = 0;
    memset(ports, 0, 16 * sizeof *ports);
    for (; names != NULL && names[count] != 0; ++count) {
        ports[count].name = sized(names + count, 1);
        bool capital = names[count] >= 'A' && names[count] <= 'Z';
        ports[count].flags = in && capital ? REFLOW_PORT_REQUIRED : 0;
        if (names[count] >= '0' && names[count] <= '9') ports[count].flags = REFLOW_PORT_ARRAY;
    }
    return count;
}

static inline void rig_register(reflow_runtime *runtime, const rig_component *from) {
    reflow_port inports[16], outports[16];
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of(from->id);
    component.inports = inports;
    component.outports = outports;
    component.inport_count = rig_ports(inports, from->inports, true);
    component.outport_count = rig_ports(outports, from->outports, false);
    component.await = from->await;
    component.max_batch = from->max_batch;
    component.max_concurrency = from->max_concurrency;
    component.flags = from->flags;
    component.create = from->create;
    component.setup = from->setup;
    component.run = from->run;
    component.finish = from->finish;
    component.teardown = from->teardown;
    component.destroy_state = from->destroy_state;
    component.user_data = from->user_data;
    component.destroy = from->destroy;
    WORKS(reflow_runtime_register(runtime, &component, &e));
}

/* Passes everything on: inport a to outport o. */
static inline reflow_status rig_pass(reflow_context *context, void *state, reflow_packet *inputs,
                                     size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        reflow_status status =
            reflow_context_emit(context, 0, reflow_message_take(&inputs[i].message));
        if (status != REFLOW_OK) {
            (void)reflow_context_advance(context, i); /* those before it are out */
            return status;
        }
    }
    return REFLOW_OK;
}

static inline void rig_register_pass(reflow_runtime *runtime) {
    rig_component pass = {0};
    pass.id = "Pass";
    pass.inports = "a";
    pass.outports = "o";
    pass.max_batch = 16;
    pass.run = rig_pass;
    rig_register(runtime, &pass);
}

static inline reflow_graph *rig_graph(void) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_create(text_of("graph"), &graph, &e));
    return graph;
}

static inline void rig_node(reflow_graph *graph, const char *id, const char *component) {
    WORKS(reflow_graph_add_node(graph, text_of(id), text_of(component), reflow_message_null(),
                                &e));
}

/* "node.port" or "node.port[3]". */
static inline reflow_endpoint rig_end(const char *place) {
    reflow_endpoint end = {{0, 0}, {0, 0}, REFLOW_NO_INDEX, 0};
    const char *dot = strchr(place, '.');
    end.node = sized(place, (size_t)(dot - place));
    const char *bracket = strchr(dot, '[');
    if (bracket != NULL) {
        end.index = (uint32_t)atoi(bracket + 1);
        end.port = sized(dot + 1, (size_t)(bracket - dot - 1));
    } else {
        end.port = text_of(dot + 1);
    }
    return end;
}

static inline void rig_connect(reflow_graph *graph, const char *from, const char *to,
                               const char *metadata) {
    reflow_endpoint sender = rig_end(from), target = rig_end(to);
    reflow_message none = {0, 0};
    WORKS(reflow_graph_connect(graph, &sender, &target,
                               metadata == NULL ? none : json(metadata), &e));
}

static inline void rig_initial(reflow_graph *graph, const char *to, reflow_message data) {
    reflow_endpoint target = rig_end(to);
    WORKS(reflow_graph_add_initial(graph, &target, data, &e));
}

static inline reflow_network *rig_network(reflow_runtime *runtime, const reflow_graph *graph) {
    reflow_network *network = NULL;
    WORKS(reflow_network_create(runtime, graph, &network, &e));
    return network;
}

static inline reflow_inport rig_inport(reflow_network *network, const char *place) {
    reflow_endpoint end = rig_end(place);
    reflow_inport inport = {0};
    WORKS(reflow_network_find_inport(network, end.node, end.port, &inport, &e));
    return inport;
}

static inline reflow_output *rig_output(reflow_network *network, const char *place,
                                        uint32_t capacity) {
    reflow_endpoint end = rig_end(place);
    reflow_output *output = NULL;
    WORKS(reflow_network_open_output(network, end.node, end.port, capacity, &output, &e));
    return output;
}

static inline void rig_send(reflow_network *network, reflow_inport inport, int64_t value) {
    WORKS(reflow_network_send(network, inport, reflow_message_integer(value), REFLOW_FOREVER,
                              &e));
}

static inline int64_t rig_integer(reflow_message message) {
    int64_t value = 0;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(message, &value));
    return value;
}

/* Takes one integer. */
static inline int64_t rig_recv(reflow_output *output) {
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    CHECK(count == 1);
    int64_t value = rig_integer(message);
    reflow_message_unref(message);
    return value;
}

static inline reflow_node_counters rig_counters(const reflow_network *network, const char *node) {
    reflow_node_counters counters = {0};
    counters.struct_size = sizeof counters;
    WORKS(reflow_network_counters(network, text_of(node), &counters, &e));
    return counters;
}

static inline reflow_event_options rig_event_options(uint32_t capacity, uint64_t kinds) {
    reflow_event_options options = {0};
    options.struct_size = sizeof options;
    options.capacity = capacity;
    options.kinds = kinds;
    return options;
}

/* Until nothing is left to do; and until what is left waits at paused nodes. */
static inline void rig_idle(reflow_network *network) {
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
}
static inline void rig_quiet(reflow_network *network) {
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
}
/* What is left waits for something that the test has not done. Without others that could do it that is
 * known at once, however long that takes. */
static inline void rig_never_idle(const rig_mode *mode, reflow_network *network, int64_t wait_ms) {
    if (rig_waits(mode)) {
        FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, wait_ms, &e));
    } else {
        rig_quiet(network);
    }
}
static inline void rig_pause(reflow_network *network, const char *path) {
    WORKS(reflow_network_pause(network, text_of(path), REFLOW_FOREVER, &e));
}
static inline void rig_resume(reflow_network *network, const char *path) {
    WORKS(reflow_network_resume(network, text_of(path), &e));
}

#endif
