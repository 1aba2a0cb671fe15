/* Sections 17 and 21 of reflow.h: snapshots of a network whose outports are followed from elsewhere. */
#include "remote.h"

static reflow_peer *new_peer(reflow_runtime *runtime, const char *name, reflow_network *network) {
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(name);
    options.bind_address = text_of("127.0.0.1");
    options.window_packets = 4;
    options.heartbeat_interval_ms = SIDE_HEARTBEAT_MS;
    reflow_peer *peer = NULL;
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    WORKS(reflow_peer_attach(peer, network, &e));
    WORKS(reflow_peer_start(peer, &e));
    return peer;
}

/* More than all queues on the way hold. */
static void fill(reflow_network *network, const char *place) {
    reflow_inport in = rig_inport(network, place);
    for (int64_t sent = 0;; ++sent) {
        reflow_error *error = NULL;
        reflow_status status =
            reflow_network_send(network, in, reflow_message_integer(sent), 300, &error);
        reflow_error_destroy(error);
        if (status == REFLOW_ERROR_TIMEOUT) return;
        CHECK_STATUS(REFLOW_OK, status);
        CHECK(sent < 1000000);
    }
}

static bool came(reflow_output *output) {
    reflow_message message;
    size_t count = 0;
    reflow_error *error = NULL;
    (void)reflow_output_recv_many(output, &message, 1, 10, &count, &error);
    reflow_error_destroy(error);
    if (count != 0) reflow_message_unref(message);
    return count != 0;
}

/* The link is slow, so something waits for it in a queue that the host has not opened and could not. */
static void test_followed(void) {
    reflow_runtime *runtime = new_runtime();
    reflow_graph *graph = rig_graph();
    rig_node(graph, "w", "Pass");
    side far_side = {runtime, rig_network(runtime, graph), NULL};
    far_side.peer = new_peer(runtime, "far", far_side.network);
    reflow_graph *reader = rig_graph();
    rig_node(reader, "remote", "w@far");
    rig_node(reader, "after", "Pass");
    rig_connect(reader, "remote.o", "after.a", "{\"capacity\":4}");
    side near_side = {runtime, rig_network(runtime, reader), NULL};
    near_side.peer = new_peer(runtime, "near", near_side.network);
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    /* It is followed now. */
    reflow_inport in = rig_inport(far_side.network, "w.a");
    while (!came(output)) rig_send(far_side.network, in, 7);
    WORKS(reflow_network_pause(near_side.network, text_of("after"), REFLOW_FOREVER, &e));
    fill(far_side.network, "w.a");

    reflow_message snapshot;
    WORKS(reflow_network_snapshot(far_side.network, 60000, &snapshot, &e));
    reflow_network *again = rig_network(runtime, graph);
    WORKS(reflow_network_restore(again, snapshot, &e));
    reflow_message_unref(snapshot);
    WORKS(reflow_network_start(again, &e));
    /* What the node had not taken has been saved. */
    WORKS(reflow_network_wait_idle(again, 60000, &e));
    CHECK(rig_counters(again, "w").fired > rig_counters(far_side.network, "w").fired);
    reflow_network_destroy(again);

    reflow_graph_destroy(graph);
    reflow_graph_destroy(reader);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(200);
    if (!reflow_feature(text_of("peer")) || !reflow_feature(text_of("snapshots"))) return 0;
    test_followed();
    return 0;
}
