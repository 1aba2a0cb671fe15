/* Section 21 of reflow.h: who has sent a packet, what goes with it, and whether it was delivered. */
#include "check.h"

#include <sched.h>
#include <time.h>

#include "rig.h"

typedef rig_side side;

static side open_side(const char *name, const char *instance, bool carries) {
    side s;
    s.runtime = rig_runtime(&rig_own);
    rig_register_pass(s.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    rig_node(graph, "next", "Pass");
    rig_connect(graph, "recorder.o", "next.a", NULL);
    s.network = rig_network(s.runtime, graph);
    reflow_graph_destroy(graph);
    s.output = rig_output(s.network, "next.o", 100);
    if (carries) WORKS(reflow_network_carry_envelopes(s.network, &e));
    WORKS(reflow_network_start(s.network, &e));
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(name);
    options.instance_id = text_of(instance);
    options.bind_address = text_of("127.0.0.1");
    options.heartbeat_interval_ms = 1000; /* a busy machine is silent for a while */
    rig_start_peer(&s, &options);
    return s;
}

static void join(side *from, const side *to) {
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", reflow_peer_port(to->peer));
    WORKS(reflow_peer_connect(from->peer, text_of(text), 60000, NULL, &e));
}

static reflow_peer_send_options how(uint32_t flags, const char *source,
                                    const reflow_envelope *envelope) {
    reflow_peer_send_options options = {0};
    options.struct_size = sizeof options;
    options.flags = flags;
    options.source = text_of(source);
    options.envelope = envelope;
    options.timeout_ms = 20000;
    return options;
}

/* The next message, with the texts of its envelope in one. */
static void receive(side *at, int64_t value, const char *correlation, const char *source,
                    char *id, size_t id_size) {
    reflow_message message;
    reflow_envelope envelope;
    memset(&envelope, 0x55, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    WORKS(reflow_output_recv_enveloped(at->output, &message, &envelope, 20000, &e));
    CHECK(rig_integer(message) == value);
    CHECK(same_text(envelope.correlation, correlation));
    bool has = source[0] != 0;
    CHECK(same_text(envelope.source_network, has ? "beta" : ""));
    CHECK(same_text(envelope.source_instance, has ? "beta-1" : ""));
    CHECK(same_text(envelope.source_actor, source));
    CHECK((envelope.message_id.size != 0) == has && envelope.message_id.size < id_size);
    snprintf(id, id_size, "%.*s", (int)envelope.message_id.size, envelope.message_id.data);
}

/* Every packet tells who has sent it, also behind the actor that took it; the envelope of a host goes along
 * and cannot pass for somebody else. */
static void test_source(void) {
    side alpha = open_side("alpha", "alpha-1", true), beta = open_side("beta", "beta-1", false);
    join(&beta, &alpha);
    reflow_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    envelope.correlation = text_of("order 7");
    envelope.source_network = text_of("somebody else");
    reflow_peer_send_options with = how(0, "wheel", &envelope);
    char ids[3][80];
    const reflow_view to[] = {text_of("alpha"), text_of("recorder"), text_of("a")};
    WORKS(reflow_peer_send_with(beta.peer, to[0], to[1], to[2], reflow_message_integer(1), &with, &e));
    WORKS(reflow_peer_send(beta.peer, to[0], to[1], to[2], reflow_message_integer(2),
                           text_of("wheel"), 60000, &e));
    WORKS(reflow_peer_send(beta.peer, to[0], to[1], to[2], reflow_message_integer(3),
                           text_of("kiln"), 60000, &e));
    receive(&alpha, 1, "order 7", "wheel", ids[0], sizeof ids[0]);
    receive(&alpha, 2, "", "wheel", ids[1], sizeof ids[1]);
    receive(&alpha, 3, "", "kiln", ids[2], sizeof ids[2]);
    CHECK(strcmp(ids[0], ids[1]) != 0 && strcmp(ids[1], ids[2]) != 0 && strcmp(ids[0], ids[2]) != 0);
    /* A host may say what it likes in its own network. */
    envelope.source_network = text_of("beta");
    envelope.source_instance = text_of("beta-1");
    envelope.source_actor = text_of("host");
    envelope.message_id = text_of("mine");
    WORKS(reflow_network_send_enveloped(alpha.network, rig_inport(alpha.network, "recorder.a"),
                                        reflow_message_integer(4), &envelope, 60000, &e));
    receive(&alpha, 4, "order 7", "host", ids[0], sizeof ids[0]);
    CHECK(strcmp(ids[0], "mine") == 0);
    char longer[REFLOW_MAX_SOURCE_BYTES + 1];
    memset(longer, 's', sizeof longer);
    envelope.source_actor = sized(longer, sizeof longer);
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_send_with(beta.peer, to[0], to[1], to[2],
                                                    reflow_message_integer(1), &with, &e));
    /* A network that carries none gets the message alone. */
    CHECK(reflow_peer_connected(alpha.peer, text_of("beta")));
    with = how(REFLOW_PEER_SEND_CONFIRMED, "x", NULL);
    envelope.source_actor = text_of("");
    with.envelope = &envelope;
    WORKS(reflow_peer_send_with(alpha.peer, text_of("beta"), to[1], to[2],
                                reflow_message_integer(5), &with, &e));
    receive(&beta, 5, "", "", ids[0], sizeof ids[0]);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* A confirmed message is at the inport when the call is back; what is not delivered is told why. */
static void test_confirmed(void) {
    side alpha = open_side("alpha", "alpha-1", false), beta = open_side("beta", "beta-1", false);
    join(&beta, &alpha);
    const reflow_view to[] = {text_of("alpha"), text_of("recorder"), text_of("a")};
    reflow_peer_send_options with = how(REFLOW_PEER_SEND_CONFIRMED, "wheel", NULL);
    for (int64_t i = 0; i < 50; ++i) {
        WORKS(reflow_peer_send_with(beta.peer, to[0], to[1], to[2], reflow_message_integer(i), &with,
                                    &e));
        CHECK(rig_recv(alpha.output) == i);
    }
    reflow_message kept = reflow_message_integer(1);
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_peer_send_with(beta.peer, to[0], text_of("nobody"), to[2], kept, &with, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_peer_send_with(beta.peer, to[0], to[1], text_of("nowhere"), kept, &with, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_peer_send_with(beta.peer, text_of("gamma"), to[1], to[2], kept, &with, &e));
    /* An actor that takes nothing: when its inport is full, nothing more is delivered. */
    rig_pause(alpha.network, "recorder");
    int64_t sent = 0;
    reflow_status status = REFLOW_OK;
    while (status == REFLOW_OK) {
        reflow_error *error = NULL;
        with.timeout_ms = sent < 100 ? 20000 : 100;
        status = reflow_peer_send_with(beta.peer, to[0], to[1], to[2], reflow_message_integer(sent),
                                       &with, &error);
        reflow_error_destroy(error);
        if (status == REFLOW_OK) ++sent;
    }
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT, status);
    CHECK(sent >= 100);
    rig_resume(alpha.network, "recorder");
    for (int64_t i = 0; i <= sent; ++i) CHECK(rig_recv(alpha.output) == i); /* the last one too */
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

typedef struct sender {
    side *from;
    reflow_status status;
} sender;

static void *send_and_wait(void *data) {
    sender *one = data;
    reflow_peer_send_options with = how(REFLOW_PEER_SEND_CONFIRMED, "wheel", NULL);
    reflow_error *error = NULL;
    one->status = REFLOW_OK;
    while (one->status == REFLOW_OK) {
        one->status = reflow_peer_send_with(one->from->peer, text_of("alpha"), text_of("recorder"),
                                            text_of("a"), reflow_message_integer(1), &with, &error);
    }
    reflow_error_destroy(error);
    return NULL;
}

/* The end of the link ends the wait of a sender. */
static void test_end_of_link(void) {
    side alpha = open_side("alpha", "alpha-1", false), beta = open_side("beta", "beta-1", false);
    join(&beta, &alpha);
    rig_pause(alpha.network, "recorder");
    sender one = {&beta, REFLOW_OK};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, send_and_wait, &one) == 0);
    /* The inport is full, and stays so; and then one packet waits there. */
    const reflow_inport inport = rig_inport(alpha.network, "recorder.a");
    time_t end = time(NULL) + 120;
    for (bool full = false; !full && time(NULL) < end; sched_yield()) {
        reflow_message status, links, link, queued;
        const reflow_message more = reflow_message_integer(2);
        if (reflow_network_send(alpha.network, inport, more, 0, NULL) == REFLOW_OK) continue;
        WORKS(reflow_peer_status(alpha.peer, &status, &e));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("links"), &links));
        if (reflow_message_count(links) == 1) {
            CHECK_STATUS(REFLOW_OK, reflow_message_get_at(links, 0, &link));
            CHECK_STATUS(REFLOW_OK, reflow_message_get(link, text_of("queued_packets"), &queued));
            full = rig_integer(queued) == 1;
        }
        reflow_message_unref(status);
    }
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, one.status);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

static void test_arguments(void) {
    side beta = open_side("beta", "beta-1", false);
    const reflow_view text = text_of("x");
    reflow_message message = reflow_message_integer(1);
    reflow_peer_send_options with = how(0, "wheel", NULL);
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_peer_send_with(beta.peer, text, text, text, message, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_with(NULL, text, text, text, message, &with, &e));
    with.flags = 2;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_with(beta.peer, text, text, text, message, &with, &e));
    with = how(0, "\xff", NULL);
    FAILS(REFLOW_ERROR_INVALID_UTF8,
          reflow_peer_send_with(beta.peer, text, text, text, message, &with, &e));
    with = how(0, "wheel", NULL);
    with.struct_size = 4;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_with(beta.peer, text, text, text, message, &with, &e));
    with.struct_size = sizeof with;
    reflow_message none = {0, 0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_with(beta.peer, text, text, text, none, &with, &e));
    rig_end_side(&beta);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_arguments();
    test_source();
    test_confirmed();
    test_end_of_link();
    return 0;
}
