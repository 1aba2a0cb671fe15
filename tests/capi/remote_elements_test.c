/* Section 21 of reflow.h: elements of array ports of an actor in another network are the same on both sides. */
#include "remote.h"

enum { COUNT = 500, PLAIN = 100, NONE = 9 };

/* Says at the element that it has come to, or at none, what has come and where. */
static reflow_status say_element(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        int64_t value = 0;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(inputs[i].message, &value));
        uint32_t index = inputs[i].index;
        bool none = index == REFLOW_NO_INDEX;
        reflow_message answer = reflow_message_integer(10 * value + (none ? NONE : index));
        reflow_status status = none ? reflow_context_emit(context, 0, answer)
                                    : reflow_context_emit_at(context, 0, index, answer);
        if (status != REFLOW_OK) return status;
        CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i + 1));
    }
    return REFLOW_OK;
}

static reflow_runtime *runtime_of_elements(void) {
    reflow_runtime *runtime = new_runtime();
    rig_component component = {.id = "Where", .inports = "1", .outports = "2", .max_batch = 16,
                               .run = say_element};
    rig_register(runtime, &component);
    return runtime;
}

static reflow_graph *one_node(void) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "where", "Where");
    return graph;
}

static reflow_graph *around(const char *component) {
    reflow_graph *graph = rig_graph();
    static const char *const passes[] = {"first", "third", "plain", "zero", "three", "all"};
    for (size_t i = 0; i < 6; ++i) rig_node(graph, passes[i], "Pass");
    rig_node(graph, "remote", component);
    rig_connect(graph, "first.o", "remote.1[0]", NULL);
    rig_connect(graph, "third.o", "remote.1[3]", NULL);
    rig_connect(graph, "plain.o", "remote.1", NULL);
    rig_connect(graph, "remote.2[0]", "zero.a", NULL);
    rig_connect(graph, "remote.2[3]", "three.a", NULL);
    rig_connect(graph, "remote.2", "all.a", NULL);
    return graph;
}

static void check_network(reflow_network *network, reflow_output *zero, reflow_output *three,
                          reflow_output *all) {
    int64_t next[2] = {0, 0};
    for (int64_t i = 0; i < COUNT; ++i) {
        CHECK(rig_recv(zero) == 10 * i);
        CHECK(rig_recv(three) == 10 * i + 3);
    }
    /* Each element keeps its order; between them there is none. */
    for (int64_t i = 0; i < 2 * COUNT; ++i) {
        int64_t one = rig_recv(all);
        CHECK(one % 10 == 0 || one % 10 == 3);
        CHECK(one / 10 == next[one % 10 == 3]++);
    }
    /* What is at no element comes out of all. */
    for (int64_t i = 0; i < PLAIN; ++i) feed(network, "plain.a", i);
    for (int64_t i = 0; i < PLAIN; ++i) {
        CHECK(rig_recv(zero) == 10 * i + NONE);
        CHECK(rig_recv(three) == 10 * i + NONE);
        CHECK(rig_recv(all) == 10 * i + NONE);
    }
}

static void feed_elements(reflow_network *network, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
        feed(network, "first.a", i);
        feed(network, "third.a", i);
    }
}

static void open_outputs(reflow_network *network, reflow_output *outputs[3]) {
    outputs[0] = rig_output(network, "zero.o", 4096);
    outputs[1] = rig_output(network, "three.o", 4096);
    outputs[2] = rig_output(network, "all.o", 4096);
}

static void end_outputs(reflow_output *outputs[3]) {
    for (size_t i = 0; i < 3; ++i) reflow_output_destroy(outputs[i]);
}

/* In one process, which links have to be like. */
static void test_without_link(void) {
    reflow_output *outputs[3];
    reflow_runtime *runtime = runtime_of_elements();
    reflow_graph *graph = around("Where");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    open_outputs(network, outputs);
    WORKS(reflow_network_start(network, &e));
    feed_elements(network, 0, COUNT);
    check_network(network, outputs[0], outputs[1], outputs[2]);
    end_outputs(outputs);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* envelopes: packets come in them; kept: through an outbox; late: part of them wait for the link. */
static void test_over_a_link(bool envelopes, bool kept, bool late) {
    reflow_output *outputs[3];
    reflow_runtime *runtime = runtime_of_elements();
    side far_side = new_side(runtime, "far", one_node());
    side near_side = new_side(runtime, "near", around("where@far"));
    if (envelopes) {
        WORKS(reflow_network_carry_envelopes(far_side.network, &e));
        WORKS(reflow_network_carry_envelopes(near_side.network, &e));
    }
    if (kept) {
        reflow_delivery_options options = {0};
        options.struct_size = sizeof options;
        options.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
        WORKS(reflow_peer_set_delivery(near_side.peer, text_of("far"), text_of("where"), &options,
                                       &e));
    }
    open_outputs(near_side.network, outputs);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    const int64_t before = late ? COUNT / 10 : 0;
    feed_elements(near_side.network, 0, before);
    dial(&near_side, &far_side);
    feed_elements(near_side.network, before, COUNT);
    check_network(near_side.network, outputs[0], outputs[1], outputs[2]);
    end_outputs(outputs);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    check_time_limit(100);
    test_without_link();
    for (int i = 0; i < 8; ++i) test_over_a_link((i & 1) != 0, (i & 2) != 0, (i & 4) != 0);
    return 0;
}
