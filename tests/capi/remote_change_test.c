/* Actors of other networks while something around them changes: peers, nodes over there, who watches. */
#include "remote.h"

/* Of two peers of one network the one that was attached last carries, also when the other has gone. */
static void test_two_peers(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    side near_side = new_side(runtime, "near", near_graph("twice@far"));
    reflow_peer *first = near_side.peer;
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of("nearer");
    options.bind_address = text_of("127.0.0.1");
    WORKS(reflow_peer_create(runtime, &options, &near_side.peer, &e));
    WORKS(reflow_peer_attach(near_side.peer, near_side.network, &e));
    WORKS(reflow_peer_start(near_side.peer, &e));
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    reflow_peer_destroy(first);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    feed(near_side.network, "before.a", 3);
    CHECK(rig_recv(output) == 6);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* Feeds until the actor is heard (what it emits before the other side follows it is not), and then until
 * nothing but the end comes. */
static void feed_until_heard(reflow_network *network, reflow_output *output) {
    reflow_message got;
    reflow_status status = REFLOW_ERROR_TIMEOUT;
    for (int tries = 0; status == REFLOW_ERROR_TIMEOUT && tries < 200; ++tries) {
        size_t count = 0;
        reflow_error *error = NULL;
        feed(network, "before.a", 50);
        status = reflow_output_recv_many(output, &got, 1, 100, &count, &error);
        reflow_error_destroy(error);
    }
    CHECK_STATUS(REFLOW_OK, status);
    CHECK(rig_integer(got) == 100);
    feed(network, "before.a", 60);
    int64_t next = 100;
    while (next == 100) next = rig_recv(output);
    CHECK(next == 120);
}

/* The actor leaves its network and comes back: it is sent to again, and heard again. */
static void test_comes_back(void) {
    pair p = new_pair(0);
    for (int64_t round = 0; round < 3; ++round) {
        feed(p.near.network, "before.a", round);
        CHECK(rig_recv(p.output) == 2 * round);
        WORKS(reflow_network_remove_node(p.far.network, text_of("twice"), &e));
        WORKS(reflow_network_add_node(p.far.network, text_of("twice"), text_of("Twice"),
                                      reflow_message_null(), &e));
        reflow_output *there = rig_output(p.far.network, "twice.o", 0);
        feed(p.near.network, "before.a", 50);
        CHECK(rig_recv(there) == 100); /* it is sent to by the same link */
        reflow_output_destroy(there);
        feed_until_heard(p.near.network, p.output);
    }
    end_pair(&p);
}

/* It is not there yet when the link is. */
static void test_comes_later(void) {
    reflow_runtime *runtime = new_runtime();
    reflow_graph *graph = rig_graph();
    rig_node(graph, "other", "Pass");
    side far_side = new_side(runtime, "far", graph);
    graph = near_graph("twice@far");
    rig_node(graph, "errors", "Pass");
    rig_connect(graph, "remote.error", "errors.a", NULL);
    side near_side = new_side(runtime, "near", graph);
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    reflow_output *errors = rig_output(near_side.network, "errors.o", 0);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    /* That there is nothing to be heard, of each outport. */
    for (int told = 0; told < 2; ++told) {
        reflow_message text;
        size_t count = 0;
        WORKS(reflow_output_recv_many(errors, &text, 1, 20000, &count, &e));
        reflow_message_unref(text);
    }
    WORKS(reflow_network_add_node(far_side.network, text_of("twice"), text_of("Twice"),
                                  reflow_message_null(), &e));
    feed_until_heard(near_side.network, output);
    reflow_output_destroy(errors);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

static bool has_letters(reflow_network *network) {
    reflow_message all, first;
    WORKS(reflow_network_list_dead_letters(network, text_of("twice"), 0, 1, &all, &e));
    bool some = reflow_message_get_at(all, 0, &first) == REFLOW_OK;
    reflow_message_unref(all);
    return some;
}

/* Errors are asked for since something here is connected to them; until then they are dead letters over there. */
static void test_errors_later(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    reflow_graph *graph = near_graph("twice@far");
    rig_node(graph, "errors", "Pass");
    side near_side = new_side(runtime, "near", graph);
    reflow_output *errors = rig_output(near_side.network, "errors.o", 0);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    feed(near_side.network, "before.a", -1);
    EVENTUALLY(has_letters(far_side.network));
    reflow_endpoint from = rig_end("remote.error"), to = rig_end("errors.a");
    reflow_message none = {0, 0};
    WORKS(reflow_network_connect(near_side.network, &from, &to, none, &e));
    /* Those that fail until the other side has looked are not heard. */
    reflow_message got = {0, 0};
    size_t count = 0;
    for (int i = 0; i < 400 && count == 0; ++i) {
        feed(near_side.network, "before.a", -1);
        reflow_error *error = NULL;
        (void)reflow_output_recv_many(errors, &got, 1, 50, &count, &error);
        reflow_error_destroy(error);
    }
    CHECK(count == 1);
    reflow_view text;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(got, &text));
    CHECK(strstr(text.data, "below zero") != NULL);
    reflow_message_unref(got);
    WORKS(reflow_network_disconnect(near_side.network, &from, &to, &e));
    reflow_output_destroy(errors);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

static void nothing(void *user_data, reflow_inport inport) {
    (void)user_data;
    (void)inport;
}

/* A host that watches the inport that a link waits for takes nothing from the link. */
static void test_host_watches(void) {
    pair p = new_pair(0);
    rig_pause(p.far.network, "twice");
    reflow_inport in = rig_inport(p.near.network, "before.a");
    int64_t sent = 0;
    for (;; ++sent) {
        reflow_error *error = NULL;
        reflow_status status = reflow_network_send(p.near.network, in,
                                                   reflow_message_integer(sent), 300, &error);
        reflow_error_destroy(error);
        if (status == REFLOW_ERROR_TIMEOUT) break;
        CHECK_STATUS(REFLOW_OK, status);
    }
    WORKS(reflow_network_on_writable(p.far.network, rig_inport(p.far.network, "twice.a"),
                                     nothing, NULL, NULL, &e));
    rig_resume(p.far.network, "twice");
    for (int64_t i = 0; i < sent; ++i) {
        reflow_message got;
        size_t count = 0;
        WORKS(reflow_output_recv_many(p.output, &got, 1, 20000, &count, &e));
        CHECK(rig_integer(got) == 2 * i);
    }
    end_pair(&p);
}

/* A snapshot has what waits in the node, and another network goes on with it. */
static void test_snapshot(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    side near_side = new_side(runtime, "near", near_graph("twice@far"));
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    reflow_message snapshot;
    WORKS(reflow_network_snapshot(near_side.network, 20000, &snapshot, &e));
    reflow_message_unref(snapshot);
    for (int64_t i = 0; i < 300; ++i) feed(near_side.network, "before.a", i);
    WORKS(reflow_network_snapshot(near_side.network, 20000, &snapshot, &e));
    end_side(&near_side);
    near_side = new_side(runtime, "near", near_graph("twice@far"));
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    WORKS(reflow_network_restore(near_side.network, snapshot, &e));
    reflow_message_unref(snapshot);
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    for (int64_t i = 0; i < 300; ++i) CHECK(rig_recv(output) == 2 * i);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_two_peers();
    test_comes_back();
    test_comes_later();
    test_errors_later();
    test_host_watches();
    test_snapshot();
    return 0;
}
