/* Memory that runs out while it is looked whether a network is stalled, which nobody has asked for: a network
 * that waits for its host goes on, and one that is stalled is relieved when there is memory again. */
#include "check.h"

#include "bursts.h"

static const rig_mode *mode;

/* While some allocations fail somebody waits; nothing else is asked of it. */
static void wait_without_memory(reflow_network *network, uint64_t from, uint64_t count) {
    begin_to_fail(from, count);
    (void)reflow_network_wait_idle(network, 5, NULL);
    end_to_fail();
}

static void is_fine(reflow_network *network, uint64_t from) {
    reflow_error *error = NULL;
    if (reflow_network_wait_idle(network, 60000, &error) == REFLOW_OK) return;
    check_failed(mode->name, (int)from, "the network is not idle", reflow_error_text(error).data);
}

#define END(node, port) "{\"nodeId\":\"" node "\",\"portId\":\"" port "\"}"

/* The last node waits for a host that does not read. */
static void live_unread(uint64_t from, uint64_t count) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    rig_connect(graph, "a.o", "b.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "b.o", 1);
    reflow_inport inport = rig_inport(network, "a.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 4; ++i) rig_send(network, inport, i);
    wait_without_memory(network, from, count);
    uint64_t out = 0, lost = 0;
    /* Each has come out or failed for want of memory; only then it may be idle. */
    for (int i = 0; i < 10000 && out + lost < 4; ++i) {
        (void)reflow_network_wait_idle(network, 1, NULL);
        out += read_all(output);
        lost = rig_counters(network, "a").failed + rig_counters(network, "b").failed;
    }
    is_fine(network, from);
    CHECK(out + lost == 4 && (failed || lost == 0));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
}

static reflow_status sorts(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    int64_t value = rig_integer(inputs[0].message);
    (void)state;
    (void)count;
    return reflow_context_emit(context, value < 3 ? 0 : 1, reflow_message_integer(value));
}
static reflow_status joins(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    CHECK(count == 2);
    return REFLOW_OK;
}

/* The first three go to one port of a node that waits for both, and the others to the other port. */
static void live_stalled(uint64_t from, uint64_t count) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component one = {.id = "Sorts", .inports = "a", .outports = "op", .max_batch = 1, .run = sorts};
    rig_register(runtime, &one);
    rig_component two = {.id = "Joins", .inports = "ab", .outports = "", .max_batch = 1, .run = joins};
    two.await = REFLOW_AWAIT_ALL;
    rig_register(runtime, &two);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Sorts");
    rig_node(graph, "j", "Joins");
    rig_connect(graph, "s.o", "j.a", "{\"capacity\":1}");
    rig_connect(graph, "s.p", "j.b", "{\"capacity\":1}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_event_options options = rig_event_options(100, UINT64_C(1) << REFLOW_EVENT_NETWORK_STALLED);
    reflow_subscription *events = NULL; /* that it is told, with who waits for whom */
    WORKS(reflow_network_subscribe(network, &options, &events, &e));
    reflow_inport inport = rig_inport(network, "s.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < 6; ++i) rig_send(network, inport, i);
    wait_without_memory(network, from, count);
    is_fine(network, from);
    reflow_node_counters sorted = rig_counters(network, "s");
    CHECK(sorted.fired == 6 && sorted.waiting == 0);
    /* Packets that failed for want of memory have no partner. */
    uint64_t joined = rig_counters(network, "j").fired, alone = rig_counters(network, "j").waiting;
    CHECK(2 * joined + alone + sorted.failed == 6 && (failed || joined == 3));
    reflow_subscription_destroy(events);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(50);
    set_failing_allocator();
    static const rig_mode modes[] = {{"own 1", REFLOW_MODE_OWN, 1, 0, false, 0},
                                     {"inline", REFLOW_MODE_INLINE, 0, 0, false, 0},
                                     {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
        mode = &modes[i];
        test_each(live_unread, rig_threaded(mode) ? 0 : 2);
        test_each(live_stalled, rig_threaded(mode) ? 0 : 2);
    }
    CHECK(live_blocks() == 0);
    return 0;
}
