/* Priorities of nodes: who goes first, how often one is passed over, settings; and that an actor looks at
 * what controls it before it takes more packets. */
#include "check.h"

#include "rig.h"

enum { MOST = 4000 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open; /* the gate */
    bool inside;
    size_t count;
    char order[MOST + 1]; /* first letters of the nodes, as they fired */
    reflow_network *network;
    reflow_completion held;
} at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0, {0}, NULL, {0}};

static void lock(void) { CHECK(pthread_mutex_lock(&at.mutex) == 0); }
static void unlock(void) { CHECK(pthread_mutex_unlock(&at.mutex) == 0); }

/* Notes which node fires. One call for each packet. */
static reflow_status note(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs;
    lock();
    for (size_t i = 0; i < count && at.count < MOST; ++i) {
        at.order[at.count++] = reflow_context_node(context).data[0];
    }
    unlock();
    return REFLOW_OK;
}

/* Keeps its worker until the gate is opened. */
static reflow_status gate(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    lock();
    at.inside = true;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    while (!at.open) CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    unlock();
    return REFLOW_OK;
}

static void add(reflow_runtime *runtime, const char *id, uint32_t flags, reflow_run_fn run) {
    rig_component component = {0};
    component.id = id;
    component.inports = "a";
    component.flags = flags;
    component.run = run;
    rig_register(runtime, &component);
}

static void node(reflow_graph *graph, const char *id, const char *component, const char *metadata) {
    WORKS(reflow_graph_add_node(graph, text_of(id), text_of(component),
                                metadata == NULL ? reflow_message_null() : json(metadata), &e));
}

static const char *const priorities[] = {"{\"firing\": {\"priority\": \"low\"}}",
                                         "{\"firing\": {\"priority\": \"normal\"}}",
                                         "{\"firing\": {\"priority\": \"high\"}}"};

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
} bench;

/* Nodes l, n and h by metadata, x and y by flags of their components, z against them, and a gate. */
static bench open_bench(const rig_mode *mode, uint32_t batch) {
    bench b = {NULL, rig_graph()};
    reflow_runtime_options options = rig_options(mode);
    options.batch_packets = batch;
    WORKS(reflow_runtime_create(&options, &b.runtime, &e));
    rig_lend(b.runtime, mode);
    add(b.runtime, "Note", 0, note);
    add(b.runtime, "High", REFLOW_COMPONENT_HIGH, note);
    add(b.runtime, "Low", REFLOW_COMPONENT_LOW, note);
    add(b.runtime, "Gate", 0, gate);
    node(b.graph, "l", "Note", priorities[0]);
    node(b.graph, "n", "Note", priorities[1]);
    node(b.graph, "h", "Note", priorities[2]);
    node(b.graph, "x", "High", NULL);
    node(b.graph, "y", "Low", NULL);
    node(b.graph, "z", "High", priorities[1]);
    node(b.graph, "gate", "Gate", NULL);
    at.network = rig_network(b.runtime, b.graph);
    at.count = 0;
    at.open = !rig_threaded(mode);
    at.inside = false;
    WORKS(reflow_network_start(at.network, &e));
    return b;
}

static void send_many(const char *place, int count) {
    reflow_inport in = rig_inport(at.network, place);
    for (int i = 0; i < count; ++i) rig_send(at.network, in, i);
}

/* Everything waits when the gate is opened, so the order is exact with one worker. */
static void shut(const rig_mode *mode) {
    if (!rig_threaded(mode)) return;
    send_many("gate.a", 1);
    lock();
    while (!at.inside) {
        CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
    }
    unlock();
}
static void open_gate(void) {
    lock();
    at.open = true;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    unlock();
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    at.order[at.count] = 0;
}

static void close_bench(bench *b) {
    reflow_network_destroy(at.network);
    reflow_graph_destroy(b->graph);
    reflow_runtime_destroy(b->runtime);
}

static bool one_worker(const rig_mode *mode) {
    return mode->workers <= 1 || (mode->mode == REFLOW_MODE_LENT && mode->lent <= 1);
}

static void test_order(const rig_mode *mode) {
    for (uint32_t batch = 1; batch <= 64; batch += 63) {
        bench b = open_bench(mode, batch);
        shut(mode);
        send_many("l.a", 2);
        send_many("n.a", 2);
        send_many("h.a", 2);
        open_gate();
        CHECK(at.count == 6);
        if (one_worker(mode) && strcmp(at.order, "hhnnll") != 0) {
            check_failed(__FILE__, __LINE__, mode->name, at.order);
        }
        close_bench(&b);
    }
}

/* Components tell a default, and the node has the last word. */
static void test_defaults(const rig_mode *mode) {
    bench b = open_bench(mode, 64);
    shut(mode);
    send_many("y.a", 1);
    send_many("z.a", 1);
    send_many("x.a", 1);
    open_gate();
    CHECK(at.count == 3);
    if (one_worker(mode)) CHECK(strcmp(at.order, "xzy") == 0);
    close_bench(&b);
}

/* So many turns pass over one that waits, and not one more. */
static void test_starvation(const rig_mode *mode) {
    bench b = open_bench(mode, 1);
    shut(mode);
    send_many("l.a", 4);
    send_many("n.a", 4);
    send_many("h.a", 300);
    open_gate();
    CHECK(at.count == 308);
    size_t low = 0, normal = 0; /* turns of higher classes since the last one */
    size_t lows = 0, normals = 0;
    for (size_t i = 0; i < at.count && one_worker(mode); ++i) {
        if (at.order[i] == 'l') {
            CHECK(lows == 3 || low == REFLOW_MAX_OVERTAKES);
            low = 0;
            ++lows;
        } else if (at.order[i] == 'n') {
            CHECK(normal == REFLOW_MAX_OVERTAKES);
            normal = 0;
            ++normals;
            ++low;
        } else {
            ++low, ++normal;
            CHECK(lows == 4 || low <= REFLOW_MAX_OVERTAKES);
            CHECK(normals == 4 || normal <= REFLOW_MAX_OVERTAKES);
        }
    }
    if (one_worker(mode)) {
        CHECK(lows == 4 && normals == 4);
        CHECK(at.order[at.count - 1] == 'h'); /* nobody waited until the end */
    }
    close_bench(&b);
}

/* Low ones go on behind normal ones alone, too. */
static void test_low(const rig_mode *mode) {
    bench b = open_bench(mode, 1);
    shut(mode);
    send_many("l.a", 3);
    send_many("n.a", 120);
    open_gate();
    CHECK(at.count == 123);
    for (size_t i = 0; i < at.count && one_worker(mode); ++i) {
        bool due = i % (REFLOW_MAX_OVERTAKES + 1) == REFLOW_MAX_OVERTAKES && i < 99;
        CHECK((at.order[i] == 'l') == due);
    }
    close_bench(&b);
}

/* ---- what controls an actor comes before more of its packets */

static reflow_status controlled(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state;
    CHECK(count == 1);
    int64_t value = rig_integer(inputs[0].message);
    if (value == 0) return reflow_context_defer(context, 0, &at.held);
    if (value == 1) {
        CHECK_STATUS(REFLOW_OK,
                     reflow_completion_emit(at.held, 0, reflow_message_integer(100), 0));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.held));
    }
    if (value == 3) WORKS(reflow_network_pause(at.network, text_of("c"), 0, &e));
    if (value == 5) WORKS(reflow_network_stop(at.network, 0, &e));
    lock();
    ++at.count;
    unlock();
    return reflow_context_emit(context, 0, reflow_message_integer(value));
}

static void test_control(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    reflow_port in = {0}, out = {0};
    in.name = text_of("a");
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Controlled");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.max_concurrency = 2;
    component.max_batch = 1;
    component.run = controlled;
    WORKS(reflow_runtime_register(runtime, &component, &e));
    reflow_graph *graph = rig_graph();
    rig_node(graph, "c", "Controlled");
    for (int64_t i = 0; i < 20; ++i) rig_initial(graph, "c.a", reflow_message_integer(i));
    at.network = rig_network(runtime, graph);
    reflow_output *output = rig_output(at.network, "c.o", 100);
    at.count = 0;
    WORKS(reflow_network_start(at.network, &e));
    /* The end of a firing comes before packet 2, and the pause before packet 4. */
    static const int64_t expected[] = {1, 100, 2, 3};
    for (size_t i = 0; i < 4; ++i) CHECK(rig_recv(output) == expected[i]);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(at.count == 3);
    /* And the stop before packet 6. */
    WORKS(reflow_network_resume(at.network, text_of("c"), &e));
    reflow_status status = REFLOW_OK;
    do {
        status = reflow_network_wait_idle(at.network, REFLOW_FOREVER, NULL);
    } while (status == REFLOW_OK && reflow_network_get_state(at.network) == REFLOW_NETWORK_RUNNING);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    CHECK(at.count == 5);
    reflow_output_destroy(output);
    reflow_network_destroy(at.network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- settings */

static void test_bad(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    reflow_component both = {0};
    both.struct_size = sizeof both;
    both.id = text_of("Both");
    both.run = note;
    both.flags = REFLOW_COMPONENT_HIGH | REFLOW_COMPONENT_LOW;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_register(runtime, &both, &e));
    add(runtime, "Note", 0, note);
    static const struct {
        const char *metadata, *finding;
    } cases[] = {
        {"{\"firing\": {\"priority\": \"hihg\"}}",
         "[{\"severity\":\"error\",\"code\":\"bad-config\",\"message\":\"priority is not \\\"high\\\", "
         "\\\"normal\\\" or \\\"low\\\"\",\"hint\":\"did you mean 'high'?\",\"node\":\"n\",\"port\":"
         "\"\",\"path\":\"$.processes.n.metadata.firing.priority\",\"file\":\"\"}]"},
        {"{\"firing\": {\"priority\": 2}}",
         "[{\"severity\":\"error\",\"code\":\"bad-config\",\"message\":\"priority is not \\\"high\\\", "
         "\\\"normal\\\" or \\\"low\\\"\",\"hint\":\"\",\"node\":\"n\",\"port\":"
         "\"\",\"path\":\"$.processes.n.metadata.firing.priority\",\"file\":\"\"}]"},
        {"{\"firing\": {\"prioritty\": \"low\"}}",
         "[{\"severity\":\"error\",\"code\":\"bad-config\",\"message\":\"unknown key 'prioritty' in "
         "'firing'\",\"hint\":\"did you mean 'priority'?\",\"node\":\"n\",\"port\":\"\",\"path\":"
         "\"$.processes.n.metadata.firing\",\"file\":\"\"}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        reflow_graph *graph = rig_graph();
        node(graph, "n", "Note", cases[i].metadata);
        reflow_message findings;
        WORKS(reflow_graph_validate(graph, runtime, &findings, &e));
        CHECK(is_json(findings, cases[i].finding));
        reflow_message_unref(findings);
        reflow_network *network = NULL;
        FAILS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &e));
        reflow_graph_destroy(graph);
    }
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(120);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_order(&rig_modes[i]);
        test_defaults(&rig_modes[i]);
        test_starvation(&rig_modes[i]);
        test_low(&rig_modes[i]);
        test_control(&rig_modes[i]);
    }
    test_bad();
    return 0;
}
