/* Section 21 of reflow.h: actors inside of subgraphs of other networks, and breakpoints at nodes that stand
 * for actors elsewhere. */
#include "remote.h"

static reflow_graph *loaded(const char *text) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    return graph;
}

/* A node of a subgraph is reached by its path, and what it emits is heard. */
static void test_inner(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", loaded(
        "{\"processes\":{\"outer\":{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\",\"graph\":"
        "{\"processes\":{\"twice\":{\"component\":\"Twice\"},\"rest\":{\"component\":\"Pass\"}},"
        "\"connections\":[{\"from\":{\"nodeId\":\"twice\",\"portId\":\"o\"},"
        "\"to\":{\"nodeId\":\"rest\",\"portId\":\"a\"}}]}}}}}}"));
    side near_side = new_side(runtime, "near", near_graph("outer/twice@far"));
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    for (int64_t i = 0; i < 300; ++i) {
        feed(near_side.network, "before.a", i);
        CHECK(rig_recv(output) == 2 * i);
    }
    /* The connection over there has them too. */
    EVENTUALLY(rig_counters(far_side.network, "outer/rest").fired == 300);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

static int64_t hits(reflow_network *network) {
    reflow_message list, entry, value;
    WORKS(reflow_network_breakpoints(network, &list, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, 0, &entry));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(entry, text_of("hits"), &value));
    int64_t number = rig_integer(value);
    reflow_message_unref(list);
    return number;
}

static bool empty(reflow_output *output) {
    reflow_message message;
    size_t count = 0;
    reflow_error *error = NULL;
    (void)reflow_output_recv_many(output, &message, 1, 0, &count, &error);
    reflow_error_destroy(error);
    return count == 0;
}

/* A breakpoint takes effect for each node with its next turn. What has come out may be from one that goes
 * on, and would take what is fed next without stopping. */
static reflow_breakpoint set_break(const pair *p, const reflow_break_options *options) {
    reflow_breakpoint id;
    WORKS(reflow_network_wait_idle(p->near.network, 60000, &e));
    WORKS(reflow_network_break(p->near.network, options, &id, &e));
    return id;
}

/* Before a firing nothing has gone over the link; before a delivery nothing has come out. */
static void test_breakpoints(void) {
    pair p = new_pair(0);
    feed(p.near.network, "before.a", 50);
    CHECK(rig_recv(p.output) == 100);
    reflow_break_options options = {0};
    options.struct_size = sizeof options;
    options.node = text_of("remote");
    options.inport = text_of("a");
    reflow_breakpoint id = set_break(&p, &options);
    feed(p.near.network, "before.a", 1);
    EVENTUALLY(hits(p.near.network) == 1);
    WORKS(reflow_network_pause(p.near.network, text_of(""), REFLOW_FOREVER, &e));
    CHECK(rig_counters(p.far.network, "twice").received == 1);
    WORKS(reflow_network_resume(p.near.network, text_of(""), &e));
    EVENTUALLY(rig_counters(p.far.network, "twice").received == 2);
    /* What comes back may have been stopped for, too. */
    WORKS(reflow_network_unbreak(p.near.network, id, &e));
    (void)reflow_network_resume(p.near.network, text_of(""), NULL);
    CHECK(rig_recv(p.output) == 2);
    options.inport = text_of("");
    options.outport = text_of("o");
    (void)set_break(&p, &options);
    feed(p.near.network, "before.a", 4);
    EVENTUALLY(hits(p.near.network) == 1);
    WORKS(reflow_network_pause(p.near.network, text_of(""), REFLOW_FOREVER, &e));
    CHECK(rig_counters(p.far.network, "twice").fired == 3);
    CHECK(empty(p.output));
    WORKS(reflow_network_resume(p.near.network, text_of(""), &e));
    CHECK(rig_recv(p.output) == 8);
    end_pair(&p);
}

int main(void) {
    check_time_limit(100);
    if (!reflow_feature(text_of("peer"))) return 0;
    test_inner();
    test_breakpoints();
    return 0;
}
