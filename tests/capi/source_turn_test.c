/* The turn of a source is as long as what it emits: with one thread that runs actors, a source that
 * brings forth a turn's worth in each call is called once, then whoever takes that has its turn. */
#include "check.h"

#include "rig.h"

enum { TURN = 64, CALLS = 40 };

/* On the one thread that runs actors, and read when they are idle. */
static struct {
    int each;  /* emissions in a call of the source */
    int calls; /* of the source */
    int in_a_row, most_in_a_row;
    int taken;
} at;

static reflow_status source(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t count) {
    (void)state, (void)inputs, (void)count;
    if (++at.in_a_row > at.most_in_a_row) at.most_in_a_row = at.in_a_row;
    for (int i = 0; i < at.each; ++i) {
        reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(i));
        if (status != REFLOW_OK) return status;
    }
    return ++at.calls < CALLS ? reflow_context_again(context) : REFLOW_OK;
}

static reflow_status sink(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)context, (void)state, (void)inputs;
    at.in_a_row = 0;
    at.taken += (int)count;
    return REFLOW_OK;
}

static void run(const rig_mode *mode, int each) {
    reflow_runtime_options options = rig_options(mode);
    options.batch_packets = TURN;
    options.batch_us = 1000000; /* however slow the machine is */
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    rig_component from = {.id = "Source", .outports = "o", .run = source};
    rig_component to = {.id = "Sink", .inports = "a", .max_batch = TURN, .run = sink};
    rig_register(runtime, &from);
    rig_register(runtime, &to);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "source", "Source");
    rig_node(graph, "sink", "Sink");
    rig_connect(graph, "source.o", "sink.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    memset(&at, 0, sizeof at);
    at.each = each;
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    CHECK(at.calls == CALLS && at.taken == CALLS * each);
}

int main(void) {
    check_time_limit(60);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        const rig_mode *mode = &rig_modes[i];
        bool one_thread = mode->mode == REFLOW_MODE_INLINE || mode->mode == REFLOW_MODE_HOSTED ||
                          (mode->mode == REFLOW_MODE_OWN && mode->workers == 1);
        if (!one_thread) continue;
        run(mode, TURN);
        CHECK(at.most_in_a_row == 1);
        /* Less of it goes on: a turn is not ended by its first call. */
        run(mode, TURN / 16);
        CHECK(at.most_in_a_row > 1 && at.most_in_a_row <= 16);
    }
    return 0;
}
