/* Section 21 of reflow.h: actors of other networks as nodes of a graph. */
#include "remote.h"

static void check_doubled(reflow_network *network, reflow_output *output, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        feed(network, "before.a", i);
        if (i % 64 == 63) {
            for (int64_t k = i - 63; k <= i; ++k) CHECK(rig_recv(output) == 2 * k);
        }
    }
}

/* The same graph, with the actor here and over there, gives the same. */
static void test_round_trip(void) {
    reflow_runtime *runtime = new_runtime();
    {
        reflow_graph *graph = near_graph("Twice");
        reflow_network *network = rig_network(runtime, graph);
        reflow_graph_destroy(graph);
        reflow_output *output = rig_output(network, "after.o", 0);
        WORKS(reflow_network_start(network, &e));
        check_doubled(network, output, 6400);
        reflow_output_destroy(output);
        reflow_network_destroy(network);
    }
    side far_side = new_side(runtime, "far", far_graph());
    side near_side = new_side(runtime, "near", near_graph("twice@far"));
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    check_doubled(near_side.network, output, 6400);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* Without a link what is sent waits, and goes when there is one; in order, nothing twice. */
static void test_waits_for_link(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    side near_side = new_side(runtime, "near", near_graph("twice@far"));
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    WORKS(reflow_network_start(near_side.network, &e));
    for (int64_t i = 0; i < 300; ++i) feed(near_side.network, "before.a", i);
    WORKS(reflow_network_start(far_side.network, &e));
    dial(&near_side, &far_side);
    for (int64_t i = 0; i < 300; ++i) CHECK(rig_recv(output) == 2 * i);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* More than all windows and queues hold, and nobody reads: everything waits, and nothing is lost. */
static void test_held_back(void) {
    pair p = new_pair(4);
    reflow_inport in;
    WORKS(reflow_network_find_inport(p.near.network, text_of("before"), text_of("a"), &in, &e));
    int64_t sent = 0, got = 0;
    for (int round = 0; round < 3; ++round) {
        for (;;) {
            reflow_error *error = NULL;
            reflow_status status = reflow_network_send(p.near.network, in,
                                                       reflow_message_integer(sent), 200, &error);
            reflow_error_destroy(error);
            if (status == REFLOW_ERROR_TIMEOUT) break;
            CHECK_STATUS(REFLOW_OK, status);
            ++sent;
            CHECK(sent < 200000);
        }
        for (int64_t until = got + (sent - got) / 2; got < until; ++got) {
            CHECK(rig_recv(p.output) == 2 * got);
        }
    }
    for (; got < sent; ++got) CHECK(rig_recv(p.output) == 2 * got);
    end_pair(&p);
}

/* With an outbox: what is sent before there is a link waits there and not in the node, and what it
 * causes is heard. */
static void test_outbox(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    side near_side = new_side(runtime, "near", near_graph("twice@far"));
    reflow_delivery_options options = {0};
    options.struct_size = sizeof options;
    options.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
    WORKS(reflow_peer_set_delivery(near_side.peer, text_of("far"), text_of("twice"), &options, &e));
    reflow_output *output = rig_output(near_side.network, "after.o", 4096);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    for (int64_t i = 0; i < 3000; ++i) feed(near_side.network, "before.a", i);
    WORKS(reflow_network_wait_idle(near_side.network, 20000, &e));
    dial(&near_side, &far_side);
    for (int64_t i = 0; i < 3000; ++i) CHECK(rig_recv(output) == 2 * i);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

static void next_error(reflow_output *output, char copy[400]) {
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, &message, 1, 20000, &count, &e));
    reflow_view text = {NULL, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &text));
    snprintf(copy, 400, "%.*s", (int)text.size, text.data);
    reflow_message_unref(message);
}

/* What an outbox gives up comes at "error" of the node that has sent it. */
static void test_outbox_errors(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    reflow_graph *graph = rig_graph();
    rig_node(graph, "before", "Pass");
    rig_node(graph, "remote", "nobody@far");
    rig_node(graph, "errors", "Pass");
    rig_connect(graph, "before.o", "remote.a", NULL);
    rig_connect(graph, "remote.error", "errors.a", NULL);
    side near_side = new_side(runtime, "near", graph);
    reflow_delivery_options options = {0};
    options.struct_size = sizeof options;
    options.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
    WORKS(reflow_peer_set_delivery(near_side.peer, text_of("far"), text_of("nobody"), &options, &e));
    reflow_output *errors = rig_output(near_side.network, "errors.o", 1024);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    for (int64_t i = 0; i < 3; ++i) feed(near_side.network, "before.a", i);
    char text[400];
    for (int told = 0; told < 3;) {
        next_error(errors, text);
        told += strstr(text, "Actor not found") != NULL;
    }
    reflow_output_destroy(errors);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* A packet that has waited too long fails at outport "error", and the node goes on. */
static void test_timeout(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    reflow_graph *graph = rig_graph();
    rig_node(graph, "before", "Pass");
    WORKS(reflow_graph_add_node(graph, text_of("remote"), text_of("twice@far"),
                                json("{\"firing\": {\"timeout_ms\": 50}}"), &e));
    rig_node(graph, "after", "Pass");
    rig_node(graph, "errors", "Pass");
    rig_connect(graph, "before.o", "remote.a", NULL);
    rig_connect(graph, "remote.o", "after.a", NULL);
    rig_connect(graph, "remote.error", "errors.a", NULL);
    side near_side = new_side(runtime, "near", graph);
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    reflow_output *errors = rig_output(near_side.network, "errors.o", 1024);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    /* More than it keeps at once: those behind come when the first have failed. */
    for (int64_t i = 0; i < 600; ++i) feed(near_side.network, "before.a", i);
    for (int i = 0; i < 600; ++i) {
        char text[400];
        next_error(errors, text);
        CHECK(strstr(text, "50 ms") != NULL);
        CHECK(strstr(text, ": No connection to network: far") != NULL); /* and why it has waited */
    }
    dial(&near_side, &far_side);
    /* Until the other side has answered what the node asks for, one may still wait too long. */
    reflow_message got;
    reflow_status status = REFLOW_ERROR_TIMEOUT;
    while (status == REFLOW_ERROR_TIMEOUT) {
        size_t count = 0;
        reflow_error *error = NULL;
        feed(near_side.network, "before.a", 7);
        status = reflow_output_recv_many(output, &got, 1, 1000, &count, &error);
        reflow_error_destroy(error);
    }
    CHECK_STATUS(REFLOW_OK, status);
    CHECK(rig_integer(got) == 14);
    /* And behind a link: the actor takes one packet, and no more before it goes on. */
    WORKS(reflow_network_pause(far_side.network, text_of("twice"), REFLOW_FOREVER, &e));
    for (bool told = false; !told;) {
        reflow_error *error = NULL;
        (void)reflow_network_send(near_side.network, rig_inport(near_side.network, "before.a"),
                                  reflow_message_integer(1), 0, &error);
        reflow_error_destroy(error);
        reflow_message message;
        size_t count = 0;
        error = NULL;
        if (reflow_output_recv_many(errors, &message, 1, 0, &count, &error) == REFLOW_OK) {
            reflow_view view = {NULL, 0};
            CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
            told = strstr(view.data, "actor twice of network far has no room") != NULL;
            reflow_message_unref(message);
        }
        reflow_error_destroy(error);
    }
    WORKS(reflow_network_resume(far_side.network, text_of(""), &e));
    reflow_output_destroy(errors);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}


/* Errors of the other side come at "error": of the actor, and of what was not delivered. */
static void test_errors(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    reflow_graph *graph = near_graph("twice@far");
    rig_node(graph, "errors", "Pass");
    rig_node(graph, "nobody", "nobody@far");
    rig_node(graph, "feeder", "Pass");
    rig_connect(graph, "remote.error", "errors.a", NULL);
    rig_connect(graph, "nobody.error", "errors.a", NULL);
    rig_connect(graph, "feeder.o", "nobody.a", NULL);
    side near_side = new_side(runtime, "near", graph);
    reflow_output *output = rig_output(near_side.network, "after.o", 0);
    reflow_output *errors = rig_output(near_side.network, "errors.o", 0);
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    feed(near_side.network, "before.a", -1);
    /* The one from there, and that there is no "error" of nobody to be heard, in either order. */
    char one[400], other[400];
    next_error(errors, one);
    next_error(errors, other);
    CHECK((strstr(one, "below zero") != NULL) != (strstr(other, "below zero") != NULL));
    CHECK((strstr(one, "proxy:nobody: ") != NULL) != (strstr(other, "proxy:nobody: ") != NULL));
    feed(near_side.network, "before.a", 5);
    CHECK(rig_recv(output) == 10);
    feed(near_side.network, "feeder.a", 1);
    next_error(errors, one);
    CHECK(strstr(one, "proxy:nobody: Actor not found") != NULL);
    reflow_output_destroy(errors);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* Two nodes for one actor, each of which wants to hear only what its own packets have caused. */
static void test_replies(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    reflow_graph *graph = rig_graph();
    static const char *const names[] = {"first", "second"};
    for (int i = 0; i < 2; ++i) {
        WORKS(reflow_graph_add_node(
            graph, text_of(names[i]), text_of("twice@far"),
            json("{\"replies\": true, \"inports\": [\"a\"], \"outports\": [\"o\"]}"), &e));
    }
    side near_side = new_side(runtime, "near", graph);
    WORKS(reflow_network_carry_envelopes(far_side.network, &e));
    WORKS(reflow_network_carry_envelopes(near_side.network, &e));
    reflow_output *outputs[] = {rig_output(near_side.network, "first.o", 0),
                                rig_output(near_side.network, "second.o", 0)};
    WORKS(reflow_network_start(far_side.network, &e));
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    for (int64_t i = 0; i < 100; ++i) {
        feed(near_side.network, i % 2 == 0 ? "first.a" : "second.a", i);
    }
    for (int64_t i = 0; i < 100; ++i) CHECK(rig_recv(outputs[i % 2]) == 2 * i);
    for (int i = 0; i < 2; ++i) reflow_output_destroy(outputs[i]);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

static void expect_text(reflow_message message, const char *text) {
    reflow_view view = {NULL, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    CHECK(same_text(view, text));
    reflow_message_unref(message);
}

/* Nodes that the host registers, before and after the start; names that are taken. */
static void test_register(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    reflow_graph *graph = rig_graph();
    rig_node(graph, "far_twice", "Pass");
    side near_side = new_side(runtime, "near", graph);
    WORKS(reflow_network_start(far_side.network, &e));
    reflow_message node;
    reflow_view in_name = text_of("a"), out_name = text_of("o");
    reflow_remote_actor_options options = {0};
    options.struct_size = sizeof options;
    options.inports = &in_name;
    options.outports = &out_name;
    options.inports_count = options.outports_count = 1;
    WORKS(reflow_peer_register_remote_actor(near_side.peer, text_of("twice"), text_of("far"),
                                            &options, &node, &e));
    expect_text(node, "twice@far");
    reflow_error *taken = NULL;
    CHECK_STATUS(REFLOW_ERROR_ALREADY_EXISTS,
                 reflow_peer_register_remote_actor(near_side.peer, text_of("twice"), text_of("far"),
                                                   &options, &node, &taken));
    const reflow_view why = reflow_error_message(taken);
    CHECK(why.size > 14 && memcmp(why.data, "name conflict:", 14) == 0);
    reflow_error_destroy(taken);
    reflow_output *first = rig_output(near_side.network, "twice@far.o", 0);
    WORKS(reflow_network_start(near_side.network, &e));
    dial(&near_side, &far_side);
    feed(near_side.network, "twice@far.a", 21);
    CHECK(rig_recv(first) == 42);
    options.strategy = REFLOW_NAME_AUTO_ALIAS;
    WORKS(reflow_peer_register_remote_actor(near_side.peer, text_of("twice"), text_of("far"),
                                            &options, &node, &e));
    expect_text(node, "far_twice_2");
    options.strategy = REFLOW_NAME_FULLY_QUALIFIED;
    WORKS(reflow_peer_register_remote_actor(near_side.peer, text_of("twice"), text_of("far"),
                                            &options, &node, &e));
    expect_text(node, "far::twice");
    /* An alias says what is meant, or contradicts what is said. */
    options.alias = text_of("doubler");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_register_remote_actor(near_side.peer, text_of("twice"), text_of("far"),
                                            &options, &node, &e));
    options.strategy = REFLOW_NAME_REMOTE;
    WORKS(reflow_peer_register_remote_actor(near_side.peer, text_of("twice"), text_of("far"),
                                            &options, &node, &e));
    expect_text(node, "doubler");
    reflow_output *second = rig_output(near_side.network, "far_twice_2.o", 0);
    feed(near_side.network, "far_twice_2.a", 4);
    /* Each node that stands for the actor gets all that it emits. */
    CHECK(rig_recv(first) == 8);
    CHECK(rig_recv(second) == 8);
    reflow_output_destroy(first);
    reflow_output_destroy(second);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* A network without a peer says what it lacks, and a link that breaks is used again when it is back. */
static void test_without_peer(void) {
    reflow_runtime *runtime = new_runtime();
    reflow_graph *graph = near_graph("twice@far");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_network_start(network, &error));
    CHECK(strstr(reflow_error_text(error).data, "actor 'twice' of network 'far'") != NULL);
    reflow_error_destroy(error);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_link_comes_back(void) {
    pair p = new_pair(0);
    for (int round = 0; round < 5; ++round) {
        check_doubled(p.near.network, p.output, 64);
        WORKS(reflow_peer_disconnect(p.near.peer, text_of("far"), &e));
        EVENTUALLY(!reflow_peer_connected(p.near.peer, text_of("far")) &&
                   !reflow_peer_connected(p.far.peer, text_of("near")));
        for (int64_t i = 0; i < 10; ++i) feed(p.near.network, "before.a", i);
        dial(&p.near, &p.far);
        for (int64_t i = 0; i < 10; ++i) CHECK(rig_recv(p.output) == 2 * i);
    }
    end_pair(&p);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_round_trip();
    test_waits_for_link();
    test_held_back();
    test_outbox();
    test_outbox_errors();
    test_timeout();
    test_errors();
    test_replies();
    test_register();
    test_without_peer();
    test_link_comes_back();
    return 0;
}
