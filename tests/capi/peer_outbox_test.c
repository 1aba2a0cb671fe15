/* Section 21 of reflow.h: messages that are kept while there is no link, and come once over links that end. */
#include "check.h"

#include <sched.h>
#include <time.h>

#include "ports.h"
#include "rig.h"

#define EVENTUALLY(condition) RIG_EVENTUALLY(120, condition)

typedef rig_side side;

static side open_side_with(const char *name, uint32_t port, uint32_t heartbeat_ms) {
    side s;
    s.runtime = rig_runtime(&rig_own);
    rig_register_pass(s.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    s.network = rig_network(s.runtime, graph);
    reflow_graph_destroy(graph);
    s.output = rig_output(s.network, "recorder.o", 100);
    WORKS(reflow_network_start(s.network, &e));
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.flags = REFLOW_PEER_RECONNECT_FOREVER;
    options.network_id = text_of(name);
    options.instance_id = text_of("the one");
    options.bind_address = text_of("127.0.0.1");
    options.bind_port = port;
    options.heartbeat_interval_ms = heartbeat_ms;
    rig_start_peer(&s, &options);
    return s;
}
static side open_side(const char *name, uint32_t port) { return open_side_with(name, port, 1000); }

static void join(side *from, const side *to) {
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", reflow_peer_port(to->peer));
    WORKS(reflow_peer_connect(from->peer, text_of(text), 60000, NULL, &e));
}

/* What the host is told of. */
typedef struct told {
    int count, ends;
    int64_t sum;
    reflow_status status;
    char reason[128];
} told;

static void undelivered(void *user_data, reflow_view port, reflow_message message,
                        reflow_status status, reflow_view reason) {
    told *to = user_data;
    CHECK(same_text(port, "a"));
    if (reflow_message_kind(message) == REFLOW_KIND_INTEGER) to->sum += rig_integer(message);
    to->status = status;
    snprintf(to->reason, sizeof to->reason, "%.*s", (int)reason.size, reason.data);
    __atomic_add_fetch(&to->count, 1, __ATOMIC_RELEASE);
}
static void end_told(void *user_data) { ++((told *)user_data)->ends; }

static reflow_delivery_options delivery(reflow_delivery how, told *to) {
    reflow_delivery_options options = {0};
    options.struct_size = sizeof options;
    options.delivery = how;
    if (to != NULL) {
        memset(to, 0, sizeof *to);
        options.undelivered = undelivered;
        options.user_data = to;
        options.destroy = end_told;
    }
    return options;
}

static void keep(side *from, const char *actor, const reflow_delivery_options *options) {
    WORKS(reflow_peer_set_delivery(from->peer, text_of("alpha"), text_of(actor), options, &e));
}

static reflow_status put(side *from, const char *actor, int64_t value, int64_t timeout_ms) {
    reflow_error *error = NULL;
    reflow_status status =
        reflow_peer_send(from->peer, text_of("alpha"), text_of(actor), text_of("a"),
                         reflow_message_integer(value), text_of("test"), timeout_ms, &error);
    reflow_error_destroy(error);
    return status;
}

/* A number of the first outbox. */
static int64_t books(const side *s, const char *key) {
    reflow_message status, all, one, value;
    WORKS(reflow_peer_status(s->peer, &status, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("outboxes"), &all));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(all, 0, &one));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(one, text_of(key), &value));
    int64_t number = rig_integer(value);
    reflow_message_unref(status);
    return number;
}

/* What is sent before there is a link comes when there is one, in its order. */
static void test_kept(void) {
    for (int how = 0; how < 2; ++how) {
        side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
        reflow_delivery_options options = delivery((reflow_delivery)how, NULL);
        keep(&beta, "recorder", &options);
        FAILS(REFLOW_ERROR_ALREADY_EXISTS,
              reflow_peer_set_delivery(beta.peer, text_of("alpha"), text_of("recorder"), &options, &e));
        for (int64_t i = 0; i < 500; ++i) CHECK_STATUS(REFLOW_OK, put(&beta, "recorder", i, 0));
        CHECK(books(&beta, "waiting") == 500 && books(&beta, "accepted") == 500);
        /* For others nothing is kept. */
        CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, put(&beta, "other", 1, 0));
        join(&beta, &alpha);
        for (int64_t i = 0; i < 500; ++i) CHECK(rig_recv(alpha.output) == i);
        EVENTUALLY(books(&beta, "delivered") == 500);
        CHECK(books(&beta, "waiting") == 0 && books(&beta, "unconfirmed") == 0 &&
              books(&beta, "bytes") == 0 && books(&beta, "lost") == 0);
        rig_end_side(&beta);
        rig_end_side(&alpha);
    }
}

static void test_deadline(void) {
    side beta = open_side("beta", 0);
    told host;
    reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_MOST_ONCE, &host);
    options.deadline_ms = 50;
    keep(&beta, "recorder", &options);
    for (int64_t i = 1; i <= 3; ++i) CHECK_STATUS(REFLOW_OK, put(&beta, "recorder", i, 0));
    EVENTUALLY(__atomic_load_n(&host.count, __ATOMIC_ACQUIRE) == 3);
    CHECK(host.sum == 6 && host.status == REFLOW_ERROR_TIMEOUT);
    CHECK(strcmp(host.reason, "not sent within 50 ms") == 0);
    CHECK(books(&beta, "lost") == 3 && books(&beta, "accepted") == 3);
    CHECK(host.ends == 0);
    rig_end_side(&beta);
    CHECK(host.ends == 1 && host.count == 3);
}

/* Deadlines are told when they are over, however seldom there are heartbeats. */
static void test_long_heartbeats(void) {
    enum { HOUR = 3600 * 1000 };
    side alpha = open_side_with("alpha", 0, HOUR), beta = open_side_with("beta", 0, HOUR);
    told lost, late;
    reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_MOST_ONCE, &lost);
    options.deadline_ms = 50;
    keep(&beta, "nobody", &options);
    for (int64_t i = 1; i <= 3; ++i) CHECK_STATUS(REFLOW_OK, put(&beta, "nobody", i, 0));
    EVENTUALLY(__atomic_load_n(&lost.count, __ATOMIC_ACQUIRE) == 3);
    CHECK_STATUS(REFLOW_OK, put(&beta, "nobody", 4, 0));
    EVENTUALLY(__atomic_load_n(&lost.count, __ATOMIC_ACQUIRE) == 4);
    CHECK(lost.sum == 10 && lost.status == REFLOW_ERROR_TIMEOUT);
    /* What is not confirmed is sent again, so often. */
    options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, &late);
    options.ack_timeout_ms = 20;
    options.ack_retries = 2;
    keep(&beta, "recorder", &options);
    join(&beta, &alpha);
    rig_pause(alpha.network, "recorder");
    const reflow_inport inport = rig_inport(alpha.network, "recorder.a");
    while (reflow_network_send(alpha.network, inport, reflow_message_integer(0), 0, NULL) == REFLOW_OK) {
    }
    CHECK_STATUS(REFLOW_OK, put(&beta, "recorder", 7, 0));
    EVENTUALLY(__atomic_load_n(&late.count, __ATOMIC_ACQUIRE) == 1);
    CHECK(late.sum == 7 && late.status == REFLOW_ERROR_TIMEOUT);
    CHECK(strcmp(late.reason, "sent 3 times and not confirmed; it may have been delivered") == 0);
    rig_resume(alpha.network, "recorder");
    rig_end_side(&beta);
    rig_end_side(&alpha);
    CHECK(lost.ends == 1 && late.ends == 1);
}

typedef struct sender {
    side *from;
    int64_t count;
} sender;
static void *send_all(void *data) {
    sender *one = data;
    for (int64_t i = 0; i < one->count; ++i) {
        CHECK_STATUS(REFLOW_OK, put(one->from, "recorder", i, 60000));
    }
    return NULL;
}

/* The link ends again and again under a stream of messages: each comes once, in its order. */
static void test_once_over_links(void) {
    side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
    reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, NULL);
    options.outbox_messages = 5000;
    options.ack_retries = 100;
    options.deadline_ms = 600000;
    keep(&beta, "recorder", &options);
    join(&beta, &alpha);
    sender one = {&beta, 40000};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, send_all, &one) == 0);
    for (int64_t i = 0; i < one.count; ++i) {
        CHECK(rig_recv(alpha.output) == i);
        if (i % 5000 != 2500) continue;
        EVENTUALLY(reflow_peer_connected(alpha.peer, text_of("beta")));
        WORKS(reflow_peer_disconnect(alpha.peer, text_of("beta"), &e));
    }
    CHECK(pthread_join(thread, NULL) == 0);
    EVENTUALLY(books(&beta, "delivered") == one.count);
    CHECK(books(&beta, "lost") == 0 && books(&beta, "accepted") == one.count);
    reflow_message nothing;
    size_t count = 0;
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_output_recv_many(alpha.output, &nothing, 1, 0, &count, &e));
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* Another receiver under the same name: what the first one has not confirmed comes to it. */
static void test_receiver_comes_back(void) {
    const uint32_t port = free_port();
    side alpha = open_side("alpha", port), beta = open_side("beta", 0);
    told host;
    reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, &host);
    keep(&beta, "recorder", &options);
    join(&beta, &alpha);
    CHECK_STATUS(REFLOW_OK, put(&beta, "recorder", 0, 0));
    CHECK(rig_recv(alpha.output) == 0);
    EVENTUALLY(books(&beta, "delivered") == 1);
    rig_end_side(&alpha);
    for (int64_t i = 1; i < 100; ++i) CHECK_STATUS(REFLOW_OK, put(&beta, "recorder", i, 0));
    alpha = open_side("alpha", port);
    for (int64_t i = 1; i < 100; ++i) CHECK(rig_recv(alpha.output) == i);
    EVENTUALLY(books(&beta, "delivered") == 100);
    /* Waiting for one message. */
    reflow_peer_send_options with = {0};
    with.struct_size = sizeof with;
    with.flags = REFLOW_PEER_SEND_CONFIRMED;
    with.timeout_ms = 20000;
    WORKS(reflow_peer_send_with(beta.peer, text_of("alpha"), text_of("recorder"), text_of("a"),
                                reflow_message_integer(100), &with, &e));
    CHECK(rig_recv(alpha.output) == 100);
    rig_end_side(&alpha);
    with.timeout_ms = 50;
    FAILS(REFLOW_ERROR_TIMEOUT,
          reflow_peer_send_with(beta.peer, text_of("alpha"), text_of("recorder"), text_of("a"),
                                reflow_message_integer(7), &with, &e));
    /* It is still in the outbox, and told when the peer ends. */
    CHECK(host.count == 0);
    rig_end_side(&beta);
    CHECK(host.count == 1 && host.sum == 7 && host.status == REFLOW_ERROR_CLOSED && host.ends == 1);
}

static void *feed(void *data) {
    side *to = data;
    reflow_inport inport = rig_inport(to->network, "before.a");
    for (int64_t i = 0; i < 3000; ++i) {
        WORKS(reflow_network_send(to->network, inport, reflow_message_integer(i), 60000, &e));
    }
    return NULL;
}

/* A node of a graph sends through outboxes too: nothing is lost when links end, and nothing comes twice. */
static void test_node(void) {
    side alpha = open_side("alpha", 0), beta = {0};
    beta.runtime = rig_runtime(&rig_own);
    rig_register_pass(beta.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "before", "Pass");
    rig_node(graph, "remote", "recorder@alpha");
    rig_connect(graph, "before.o", "remote.a", NULL);
    beta.network = rig_network(beta.runtime, graph);
    reflow_graph_destroy(graph);
    reflow_peer_options own = {0};
    own.struct_size = sizeof own;
    own.flags = REFLOW_PEER_NO_PORT | REFLOW_PEER_RECONNECT_FOREVER;
    own.network_id = text_of("beta");
    own.heartbeat_interval_ms = 1000;
    WORKS(reflow_peer_create(beta.runtime, &own, &beta.peer, &e));
    WORKS(reflow_peer_attach(beta.peer, beta.network, &e));
    reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, NULL);
    options.outbox_messages = 100;
    options.ack_retries = 100;
    options.deadline_ms = 600000;
    keep(&beta, "recorder", &options);
    WORKS(reflow_network_start(beta.network, &e));
    WORKS(reflow_peer_start(beta.peer, &e));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, feed, &beta) == 0);
    join(&beta, &alpha);
    for (int64_t i = 0; i < 3000; ++i) {
        CHECK(rig_recv(alpha.output) == i);
        if (i % 1000 != 500) continue;
        EVENTUALLY(reflow_peer_connected(alpha.peer, text_of("beta")));
        WORKS(reflow_peer_disconnect(alpha.peer, text_of("beta"), &e));
    }
    CHECK(pthread_join(thread, NULL) == 0);
    EVENTUALLY(books(&beta, "delivered") == 3000);
    CHECK(books(&beta, "lost") == 0);
    reflow_peer_destroy(beta.peer);
    reflow_network_destroy(beta.network);
    reflow_runtime_destroy(beta.runtime);
    rig_end_side(&alpha);
}

static void test_nobody(void) {
    side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
    told least, most;
    reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, &least);
    keep(&beta, "nobody", &options);
    options = delivery(REFLOW_DELIVERY_AT_MOST_ONCE, &most);
    keep(&beta, "no one", &options);
    join(&beta, &alpha);
    CHECK_STATUS(REFLOW_OK, put(&beta, "nobody", 5, 0));
    EVENTUALLY(__atomic_load_n(&least.count, __ATOMIC_ACQUIRE) == 1);
    CHECK(least.sum == 5 && least.status == REFLOW_ERROR_NOT_FOUND);
    CHECK_STATUS(REFLOW_OK, put(&beta, "no one", 5, 0));
    EVENTUALLY(__atomic_load_n(&most.count, __ATOMIC_ACQUIRE) == 1);
    CHECK(most.sum == 0 && most.status == REFLOW_ERROR_NOT_FOUND); /* the message has gone */
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

static void test_policies(void) {
    side beta = open_side("beta", 0);
    told hosts[3];
    static const char *const names[] = {"blocks", "drops", "fails"};
    for (uint32_t i = 0; i < 3; ++i) {
        reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, &hosts[i]);
        options.outbox_policy = (reflow_outbox_policy)i;
        options.outbox_messages = 3;
        keep(&beta, names[i], &options);
        for (int64_t k = 1; k <= 3; ++k) CHECK_STATUS(REFLOW_OK, put(&beta, names[i], k, 0));
    }
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT, put(&beta, "blocks", 4, 20));
    CHECK_STATUS(REFLOW_OK, put(&beta, "drops", 4, 0));
    CHECK_STATUS(REFLOW_ERROR_LIMIT, put(&beta, "fails", 4, 0));
    CHECK(hosts[0].count == 0 && hosts[1].count == 1 && hosts[2].count == 0);
    CHECK(hosts[1].sum == 1 && hosts[1].status == REFLOW_ERROR_LIMIT);
    WORKS(reflow_peer_stop(beta.peer, 1000, &e));
    CHECK(hosts[0].count == 3 && hosts[1].count == 4 && hosts[2].count == 3);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, put(&beta, "fails", 4, 0));
    rig_end_side(&beta);
}

static void test_arguments(void) {
    side beta = open_side("beta", 0);
    const reflow_view alpha = text_of("alpha"), actor = text_of("actor");
    told host;
    for (int i = 0; i < 6; ++i) {
        reflow_delivery_options options = delivery(REFLOW_DELIVERY_AT_LEAST_ONCE, &host);
        if (i == 0) options.delivery = 2;
        if (i == 1) options.outbox_policy = 3;
        reflow_view network = i == 2 ? text_of("a@b") : i == 3 ? text_of("") : alpha;
        reflow_view whom = i == 4 ? text_of("") : actor;
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_peer_set_delivery(i == 5 ? NULL : beta.peer, network, whom, &options, &e));
        CHECK(host.ends == 1 && host.count == 0);
    }
    WORKS(reflow_peer_set_delivery(beta.peer, alpha, actor, NULL, &e));
    rig_end_side(&beta);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_arguments();
    test_kept();
    test_deadline();
    test_long_heartbeats();
    test_nobody();
    test_policies();
    test_receiver_comes_back();
    test_once_over_links();
    test_node();
    return 0;
}
