/* Actors of other networks while something around them changes: peers, nodes over there, who watches. */
#include "remote.h"

#include <pthread.h>

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

/* Feeds until the actor is heard, since what is sent to one that is not there is lost, and then until nothing but the
 * end comes. */
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
        /* It is heard from its first packet on, whoever has caused it, and sent to by the same link. */
        feed(p.far.network, "twice.a", 50);
        CHECK(rig_recv(p.output) == 100);
        feed(p.near.network, "before.a", 60);
        CHECK(rig_recv(p.output) == 120);
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
    /* Heard at once, before anything was sent to it. */
    feed(far_side.network, "twice.a", 7);
    CHECK(rig_recv(output) == 14);
    feed_until_heard(near_side.network, output);
    reflow_output_destroy(errors);
    reflow_output_destroy(output);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

static uint64_t letters_of(reflow_network *network) {
    reflow_dead_letters letters = {0};
    letters.struct_size = sizeof letters;
    WORKS(reflow_network_dead_letters(network, &letters, &e));
    return letters.total;
}

/* Errors that were on their way when nobody listened any more are nobody's. */
static bool fed_a_letter(reflow_network *near_one, reflow_network *far_one, uint64_t before) {
    feed(near_one, "before.a", -1);
    return letters_of(far_one) > before;
}

static void check_error(reflow_output *errors) {
    reflow_message got;
    size_t count = 0;
    WORKS(reflow_output_recv_many(errors, &got, 1, 20000, &count, &e));
    reflow_view text;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(got, &text));
    CHECK(strstr(text.data, "below zero") != NULL);
    reflow_message_unref(got);
}

/* Errors are asked for while something here is connected to them; before and after they are dead letters over there. */
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
    EVENTUALLY(letters_of(far_side.network) == 1);
    reflow_endpoint from = rig_end("remote.error"), to = rig_end("errors.a");
    reflow_message none = {0, 0};
    for (int round = 0; round < 3; ++round) {
        WORKS(reflow_network_connect(near_side.network, &from, &to, none, &e));
        /* The first one that is sent from now on, and all others. */
        for (int i = 0; i < 5; ++i) feed(near_side.network, "before.a", -1);
        for (int i = 0; i < 5; ++i) check_error(errors);
        if (round == 0) CHECK(letters_of(far_side.network) == 1);
        WORKS(reflow_network_disconnect(near_side.network, &from, &to, &e));
        const uint64_t before = letters_of(far_side.network);
        EVENTUALLY(fed_a_letter(near_side.network, far_side.network, before));
    }
    /* The same of a host that reads them. */
    reflow_output *read = rig_output(near_side.network, "remote.error", 0);
    feed(near_side.network, "before.a", -1);
    check_error(read);
    reflow_output_destroy(read);
    const uint64_t before = letters_of(far_side.network);
    EVENTUALLY(fed_a_letter(near_side.network, far_side.network, before));
    reflow_output_destroy(errors);
    end_side(&near_side);
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

/* A host reads an outport that the graph does not use: before the start, and while it runs. */
static void test_host_reads(void) {
    reflow_runtime *runtime = new_runtime();
    side far_side = new_side(runtime, "far", far_graph());
    for (int late = 0; late < 2; ++late) {
        reflow_graph *graph = rig_graph();
        rig_node(graph, "before", "Pass");
        rig_node(graph, "remote", "twice@far");
        rig_connect(graph, "before.o", "remote.a", NULL);
        side near_side = new_side(runtime, late ? "late" : "near", graph);
        reflow_output *output = late ? NULL : rig_output(near_side.network, "remote.o", 0);
        if (!late) WORKS(reflow_network_start(far_side.network, &e));
        WORKS(reflow_network_start(near_side.network, &e));
        dial(&near_side, &far_side);
        if (late) {
            feed(near_side.network, "before.a", 1);
            output = rig_output(near_side.network, "remote.o", 0);
        }
        int64_t got = 0;
        for (int64_t i = 0; i < 100; ++i) feed(near_side.network, "before.a", 1000 + i);
        do got = rig_recv(output); while (got == 2);
        for (int64_t i = 0; i < 100; ++i) {
            CHECK(got == 2000 + 2 * i);
            if (i < 99) got = rig_recv(output);
        }
        /* Still only nodes that stand for others have what they are asked for. */
        reflow_output *none = NULL;
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                     reflow_network_open_output(near_side.network, text_of("before"), text_of("x"), 0,
                                                &none, &error));
        reflow_error_destroy(error);
        reflow_output_destroy(output);
        end_side(&near_side);
    }
    end_side(&far_side);
    reflow_runtime_destroy(runtime);
}

typedef struct far_feed {
    reflow_network *network;
    int64_t count;
} far_feed;

static void *feed_far(void *data) {
    const far_feed *of = data;
    for (int64_t i = 0; i < of->count; ++i) feed(of->network, "twice.a", i);
    return NULL;
}

/* A node whose ports change is replaced while the actor over there goes on emitting: nothing is missed, and nothing
 * comes twice. */
static void test_replaced(void) {
    pair p = new_pair(0);
    WORKS(reflow_network_add_node(p.near.network, text_of("sink"), text_of("Pass"), reflow_message_null(), &e));
    feed(p.near.network, "before.a", 1); /* answered: it is heard from now on */
    CHECK(rig_recv(p.output) == 2);
    far_feed of = {p.far.network, 20000};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, feed_far, &of) == 0);
    const reflow_message none = {0, 0};
    int64_t got = 0;
    for (int change = 0; change < 40; ++change) {
        char port[32];
        snprintf(port, sizeof port, "remote.x%d", change / 2);
        reflow_endpoint from = rig_end(port), to = rig_end("sink.a");
        if (change % 2 == 0) {
            WORKS(reflow_network_connect(p.near.network, &from, &to, none, &e));
        } else {
            WORKS(reflow_network_disconnect(p.near.network, &from, &to, &e));
        }
        for (int i = 0; i < 250; ++i) CHECK(rig_recv(p.output) == 2 * got++);
    }
    for (; got < of.count; ++got) CHECK(rig_recv(p.output) == 2 * got);
    CHECK(pthread_join(thread, NULL) == 0);
    /* And what is sent is still answered. */
    feed(p.near.network, "before.a", -7);
    feed(p.near.network, "before.a", 7);
    CHECK(rig_recv(p.output) == 14);
    end_pair(&p);
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
    test_host_reads();
    test_replaced();
    test_host_watches();
    test_snapshot();
    return 0;
}
