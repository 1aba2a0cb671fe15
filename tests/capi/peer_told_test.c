/* Section 21 of reflow.h: the fate of messages told by a call, the books of what was sent, and that a peer which has
 * stopped has told the end of its links. */
#include "check.h"

#include <sched.h>
#include <time.h>

#include "rig.h"

typedef rig_side side;

#define EVENTUALLY(condition) RIG_EVENTUALLY(120, condition)

static side open_side(const char *name, uint32_t window) {
    side s;
    s.runtime = rig_runtime(&rig_own);
    rig_register_pass(s.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    s.network = rig_network(s.runtime, graph);
    reflow_graph_destroy(graph);
    s.output = rig_output(s.network, "recorder.o", 100000);
    WORKS(reflow_network_start(s.network, &e));
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(name);
    options.instance_id = text_of("1");
    options.bind_address = text_of("127.0.0.1");
    options.heartbeat_interval_ms = 5000; /* no link ends by itself on a busy machine */
    options.window_packets = window;
    rig_start_peer(&s, &options);
    return s;
}

static void join(side *from, const side *to) {
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%u", reflow_peer_port(to->peer));
    WORKS(reflow_peer_connect(from->peer, text_of(text), 60000, NULL, &e));
}

/* What was told of one message. */
typedef struct answer {
    int told;
    reflow_peer_fate fate;
    reflow_status status;
    char reason[200];
} answer;

static void on_fate(void *user_data, reflow_peer_fate fate, reflow_status status,
                    reflow_view reason) {
    answer *to = user_data;
    to->fate = fate;
    to->status = status;
    snprintf(to->reason, sizeof to->reason, "%.*s", (int)reason.size, reason.data);
    __atomic_add_fetch(&to->told, 1, __ATOMIC_RELEASE);
}

static int told(const answer *one) { return __atomic_load_n(&one->told, __ATOMIC_ACQUIRE); }

static reflow_status try_send(side *from, const char *actor, int64_t value, int64_t timeout_ms,
                              answer *to, reflow_error **error) {
    reflow_peer_send_options options = {0};
    options.struct_size = sizeof options;
    options.source = text_of("wheel");
    options.timeout_ms = timeout_ms;
    return reflow_peer_send_told(from->peer, text_of("alpha"), text_of(actor), text_of("a"),
                                 reflow_message_integer(value), &options, on_fate, to, error);
}

static void send(side *from, const char *actor, int64_t value, int64_t timeout_ms, answer *to) {
    reflow_error *e = NULL;
    CHECK_STATUS(REFLOW_OK, try_send(from, actor, value, timeout_ms, to, &e));
}

static int64_t number(const reflow_peer *peer, const char *key) {
    reflow_message status, books, value;
    WORKS(reflow_peer_status(peer, &status, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("messages"), &books));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(books, text_of(key), &value));
    int64_t found = rig_integer(value);
    reflow_message_unref(status);
    return found;
}

static void books(const side *of, int64_t sent, int64_t delivered, int64_t refused, int64_t in_doubt,
                  int64_t unconfirmed) {
    CHECK(number(of->peer, "sent") == sent);
    CHECK(number(of->peer, "delivered") == delivered);
    CHECK(number(of->peer, "refused") == refused);
    CHECK(number(of->peer, "in_doubt") == in_doubt);
    CHECK(number(of->peer, "unconfirmed") == unconfirmed);
}

enum { MANY = 20000 };

/* More than the window has room for, from one thread that never waits: each is told once, all arrive in order. */
static void test_delivered(void) {
    side alpha = open_side("alpha", 64), beta = open_side("beta", 0);
    join(&beta, &alpha);
    answer *all = calloc(MANY, sizeof *all);
    for (int64_t i = 0; i < MANY; ++i) send(&beta, "recorder", i, REFLOW_FOREVER, &all[i]);
    for (int64_t i = 0; i < MANY; ++i) CHECK(rig_recv(alpha.output) == i);
    for (int64_t i = 0; i < MANY; ++i) {
        EVENTUALLY(told(&all[i]) != 0);
        CHECK(all[i].fate == REFLOW_PEER_FATE_DELIVERED && all[i].status == REFLOW_OK);
    }
    answer refused = {0};
    send(&beta, "nobody", 1, REFLOW_FOREVER, &refused);
    EVENTUALLY(told(&refused) != 0);
    CHECK(refused.fate == REFLOW_PEER_FATE_LOST && refused.status == REFLOW_ERROR_NOT_FOUND);
    CHECK(strstr(refused.reason, "nobody") != NULL);
    books(&beta, MANY + 1, MANY, 1, 0, 0);
    rig_end_side(&beta);
    rig_end_side(&alpha);
    for (int64_t i = 0; i < MANY; ++i) CHECK(told(&all[i]) == 1);
    CHECK(told(&refused) == 1);
    free(all);
}

/* An actor that is taken out of a network while the link to it has taken packets before, and comes back. */
static void test_removed(void) {
    side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
    join(&beta, &alpha);
    for (int round = 0; round < 3; ++round) {
        answer before = {0}, gone[3] = {0};
        send(&beta, "recorder", round, REFLOW_FOREVER, &before);
        EVENTUALLY(told(&before) != 0);
        CHECK(before.fate == REFLOW_PEER_FATE_DELIVERED);
        WORKS(reflow_network_remove_node(alpha.network, text_of("recorder"), &e));
        for (int i = 0; i < 3; ++i) send(&beta, "recorder", i, REFLOW_FOREVER, &gone[i]);
        for (int i = 0; i < 3; ++i) {
            EVENTUALLY(told(&gone[i]) != 0);
            CHECK(gone[i].fate == REFLOW_PEER_FATE_LOST && gone[i].status == REFLOW_ERROR_NOT_FOUND);
        }
        WORKS(reflow_network_add_node(alpha.network, text_of("recorder"), text_of("Pass"),
                                      reflow_message_null(), &e));
    }
    books(&beta, 12, 3, 9, 0, 0);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* The actor takes nothing from now on, and its inport is full. */
static void hold_up(const side *at) {
    rig_pause(at->network, "recorder");
    const reflow_inport inport = rig_inport(at->network, "recorder.a");
    while (reflow_network_send(at->network, inport, reflow_message_integer(3), 0, NULL) == REFLOW_OK) {
    }
}

/* An actor that takes nothing: what is on its way when the link ends is in doubt, what has not gone is lost, and
 * what has waited for too long is told so; the books of the sender know the former to the number. */
static void test_end_of_link(void) {
    enum { WINDOW = 16, LATE = 3 };
    side alpha = open_side("alpha", WINDOW), beta = open_side("beta", 0);
    join(&beta, &alpha);
    hold_up(&alpha);
    answer sent[WINDOW] = {0}, waiting = {0}, late[LATE] = {0};
    for (int i = 0; i < WINDOW; ++i) send(&beta, "recorder", i, REFLOW_FOREVER, &sent[i]);
    for (int i = 0; i < LATE; ++i) send(&beta, "recorder", i, 50 + i, &late[i]);
    send(&beta, "recorder", 1, REFLOW_FOREVER, &waiting);
    for (int i = 0; i < LATE; ++i) {
        EVENTUALLY(told(&late[i]) != 0);
        CHECK(late[i].fate == REFLOW_PEER_FATE_LOST && late[i].status == REFLOW_ERROR_TIMEOUT);
    }
    books(&beta, WINDOW, 0, 0, 0, WINDOW);
    for (int i = 0; i < WINDOW; ++i) CHECK(told(&sent[i]) == 0);
    CHECK(told(&waiting) == 0);
    reflow_peer_event_options kinds = {0};
    kinds.struct_size = sizeof kinds;
    kinds.kinds = 1 << REFLOW_PEER_DISCONNECTED;
    reflow_peer_subscription *events;
    WORKS(reflow_peer_subscribe(beta.peer, &kinds, &events, &e));
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    reflow_message event, in_doubt;
    WORKS(reflow_peer_subscription_poll(events, 60000, &event, NULL, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(event, text_of("in_doubt"), &in_doubt));
    CHECK(rig_integer(in_doubt) == WINDOW);
    reflow_message_unref(event);
    reflow_peer_subscription_destroy(events);
    for (int i = 0; i < WINDOW; ++i) {
        EVENTUALLY(told(&sent[i]) != 0);
        CHECK(sent[i].fate == REFLOW_PEER_FATE_IN_DOUBT && sent[i].status == REFLOW_ERROR_CLOSED);
    }
    EVENTUALLY(told(&waiting) != 0);
    CHECK(waiting.fate == REFLOW_PEER_FATE_LOST && waiting.status == REFLOW_ERROR_NOT_FOUND);
    books(&beta, WINDOW, 0, 0, WINDOW, 0);
    rig_resume(alpha.network, "recorder");
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* Who waits for room when the link ends is told so: there was one. */
typedef struct batch {
    side *from;
    reflow_status status;
    size_t accepted;
} batch;
static void *send_batch(void *data) {
    batch *one = data;
    reflow_message all[8];
    for (int64_t i = 0; i < 8; ++i) all[i] = reflow_message_integer(i);
    one->status = reflow_peer_send_many(one->from->peer, text_of("alpha"), text_of("recorder"), text_of("a"), all, 8,
                                        text_of("wheel"), REFLOW_FOREVER, &one->accepted, NULL);
    return NULL;
}
static void test_end_of_wait(void) {
    enum { WINDOW = 4 };
    side alpha = open_side("alpha", WINDOW), beta = open_side("beta", 0);
    join(&beta, &alpha);
    hold_up(&alpha);
    batch waiting = {&beta, REFLOW_OK, 0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, send_batch, &waiting) == 0);
    EVENTUALLY(number(beta.peer, "sent") == WINDOW); /* of eight in one call */
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, waiting.status);
    CHECK(waiting.accepted == WINDOW);
    rig_resume(alpha.network, "recorder");
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* A link that is disconnected waits for what the actor there takes within a moment, and nobody waits for it. */
static void test_disconnect(void) {
    enum { WINDOW = 16 };
    side alpha = open_side("alpha", WINDOW), beta = open_side("beta", 0);
    join(&beta, &alpha);
    hold_up(&alpha);
    answer sent[WINDOW] = {0}, late = {0};
    for (int i = 0; i < WINDOW; ++i) send(&beta, "recorder", i, REFLOW_FOREVER, &sent[i]);
    books(&beta, WINDOW, 0, 0, 0, WINDOW);
    reflow_peer_event_options kinds = {0};
    kinds.struct_size = sizeof kinds;
    kinds.kinds = 1 << REFLOW_PEER_DISCONNECTED;
    reflow_peer_subscription *events;
    WORKS(reflow_peer_subscribe(beta.peer, &kinds, &events, &e));
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    CHECK(!reflow_peer_connected(beta.peer, text_of("alpha")));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, try_send(&beta, "recorder", 7, 1000, &late, &e));
    /* It stays as long as it may. */
    reflow_message event, in_doubt;
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_peer_subscription_poll(events, 200, &event, NULL, &e));
    rig_resume(alpha.network, "recorder");
    WORKS(reflow_peer_subscription_poll(events, 60000, &event, NULL, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(event, text_of("in_doubt"), &in_doubt));
    CHECK(rig_integer(in_doubt) == 0);
    reflow_message_unref(event);
    for (int i = 0; i < WINDOW; ++i) {
        EVENTUALLY(told(&sent[i]) != 0);
        CHECK(sent[i].fate == REFLOW_PEER_FATE_DELIVERED);
    }
    CHECK(told(&late) == 0);
    books(&beta, WINDOW, WINDOW, 0, 0, 0);
    /* Who connects again does not wait for a link that goes: the other side has one to each peer. */
    join(&beta, &alpha);
    hold_up(&alpha);
    answer again = {0};
    send(&beta, "recorder", 1, REFLOW_FOREVER, &again);
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    join(&beta, &alpha);
    WORKS(reflow_peer_subscription_poll(events, 60000, &event, NULL, &e));
    reflow_message_unref(event);
    EVENTUALLY(told(&again) != 0);
    CHECK(reflow_peer_connected(beta.peer, text_of("alpha")));
    reflow_peer_subscription_destroy(events);
    rig_resume(alpha.network, "recorder");
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* A stop tells all that is open, and what was sent just before it is known to have arrived. */
static void test_stop(void) {
    side alpha = open_side("alpha", 8), beta = open_side("beta", 0);
    join(&beta, &alpha);
    for (int64_t i = 0; i < 8; ++i) {
        WORKS(reflow_peer_send(beta.peer, text_of("alpha"), text_of("recorder"), text_of("a"),
                               reflow_message_integer(i), text_of("wheel"), 60000, &e));
    }
    reflow_peer_subscription *events;
    WORKS(reflow_peer_subscribe(beta.peer, NULL, &events, &e));
    WORKS(reflow_peer_stop(beta.peer, 60000, &e));
    books(&beta, 8, 8, 0, 0, 0);
    /* Others may be told before it, such as of a heartbeat that came late. */
    bool disconnected = false;
    reflow_message event, kind;
    while (reflow_peer_subscription_poll(events, 0, &event, NULL, NULL) == REFLOW_OK) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get(event, text_of("kind"), &kind));
        reflow_view text;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(kind, &text));
        disconnected = same_text(text, "disconnected");
        reflow_message_unref(event);
    }
    CHECK(disconnected);
    FAILS(REFLOW_ERROR_CLOSED, reflow_peer_subscription_poll(events, 0, &event, NULL, &e));
    reflow_peer_subscription_destroy(events);
    answer none = {0};
    FAILS(REFLOW_ERROR_CLOSED, try_send(&beta, "recorder", 1, 0, &none, &e));
    CHECK(told(&none) == 0);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* The end of a link that a stop brings is told before the stop returns, also where a callback is told. */
static void count_ends(void *user_data, reflow_message event, uint64_t missed) {
    (void)missed;
    reflow_message kind;
    reflow_view text;
    CHECK_STATUS(REFLOW_OK, reflow_message_get(event, text_of("kind"), &kind));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(kind, &text));
    for (int i = 0; i < 20; ++i) sched_yield(); /* a stop that does not wait would be faster */
    if (same_text(text, "disconnected")) __atomic_add_fetch((int *)user_data, 1, __ATOMIC_RELEASE);
}

static void test_last_event(void) {
    side alpha = open_side("alpha", 0);
    for (int round = 0; round < 5; ++round) {
        side beta = open_side("beta", 0);
        join(&beta, &alpha);
        int ends = 0;
        reflow_peer_event_options options = {0};
        options.struct_size = sizeof options;
        options.callback = count_ends;
        options.user_data = &ends;
        reflow_peer_subscription *events;
        WORKS(reflow_peer_subscribe(beta.peer, &options, &events, &e));
        WORKS(reflow_peer_stop(beta.peer, 60000, &e));
        CHECK(__atomic_load_n(&ends, __ATOMIC_ACQUIRE) == 1);
        reflow_peer_subscription_destroy(events);
        rig_end_side(&beta);
    }
    rig_end_side(&alpha);
}

/* Messages of an outbox that sends again: confirmed, refused, or given up. */
static void test_outbox(void) {
    side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
    reflow_delivery_options delivery = {0};
    delivery.struct_size = sizeof delivery;
    delivery.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
    delivery.outbox_messages = 4;
    delivery.deadline_ms = 600000;
    WORKS(reflow_peer_set_delivery(beta.peer, text_of("alpha"), text_of("recorder"), &delivery, &e));
    answer kept[4] = {0}, more = {0};
    for (int i = 0; i < 4; ++i) send(&beta, "recorder", i, 0, &kept[i]); /* there is no link yet */
    FAILS(REFLOW_ERROR_LIMIT, try_send(&beta, "recorder", 4, 0, &more, &e));
    join(&beta, &alpha);
    for (int i = 0; i < 4; ++i) {
        EVENTUALLY(told(&kept[i]) != 0);
        CHECK(kept[i].fate == REFLOW_PEER_FATE_DELIVERED);
        CHECK(rig_recv(alpha.output) == i);
    }
    books(&beta, 0, 0, 0, 0, 0); /* outboxes have their own */
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    EVENTUALLY(!reflow_peer_connected(beta.peer, text_of("alpha")));
    answer last = {0};
    send(&beta, "recorder", 5, 0, &last);
    CHECK(told(&last) == 0);
    WORKS(reflow_peer_stop(beta.peer, 0, &e));
    CHECK(told(&last) == 1 && last.fate == REFLOW_PEER_FATE_LOST);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, last.status);
    CHECK(told(&more) == 0);
    rig_end_side(&beta);
    rig_end_side(&alpha);
    for (int i = 0; i < 4; ++i) CHECK(told(&kept[i]) == 1);
}

/* The time that a sender gives a message counts beside the deadlines of an outbox: then it is taken out. */
static void test_outbox_timeout(void) {
    side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
    reflow_delivery_options delivery = {0};
    delivery.struct_size = sizeof delivery;
    delivery.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
    delivery.deadline_ms = delivery.ack_timeout_ms = 600000;
    WORKS(reflow_peer_set_delivery(beta.peer, text_of("alpha"), text_of("recorder"), &delivery, &e));
    answer kept[3] = {0}, late[2] = {0}, sent = {0}, last = {0};
    send(&beta, "recorder", 0, 0, &kept[0]);
    send(&beta, "recorder", 10, 60, &late[0]);
    send(&beta, "recorder", 1, REFLOW_FOREVER, &kept[1]);
    send(&beta, "recorder", 11, 30, &late[1]);
    send(&beta, "recorder", 2, INT64_MAX, &kept[2]);
    for (int i = 0; i < 2; ++i) {
        EVENTUALLY(told(&late[i]) != 0);
        CHECK(late[i].fate == REFLOW_PEER_FATE_LOST && late[i].status == REFLOW_ERROR_TIMEOUT);
        CHECK(strcmp(late[i].reason, "not sent within its time") == 0);
    }
    for (int i = 0; i < 3; ++i) CHECK(told(&kept[i]) == 0);
    join(&beta, &alpha);
    for (int i = 0; i < 3; ++i) {
        EVENTUALLY(told(&kept[i]) != 0);
        CHECK(kept[i].fate == REFLOW_PEER_FATE_DELIVERED);
        CHECK(rig_recv(alpha.output) == i);
    }
    /* One that has been sent: nobody knows. */
    hold_up(&alpha);
    send(&beta, "recorder", 4, 50, &sent);
    send(&beta, "recorder", 5, 0, &last);
    EVENTUALLY(told(&sent) != 0);
    CHECK(sent.fate == REFLOW_PEER_FATE_IN_DOUBT && sent.status == REFLOW_ERROR_TIMEOUT);
    CHECK(strcmp(sent.reason, "not confirmed within its time; it may have been delivered") == 0);
    CHECK(told(&last) == 0);
    rig_resume(alpha.network, "recorder");
    int64_t value;
    do value = rig_recv(alpha.output);
    while (value == 3);
    CHECK(value == 4); /* it was on its way, and was there in the end */
    CHECK(rig_recv(alpha.output) == 5);
    EVENTUALLY(told(&last) != 0);
    CHECK(last.fate == REFLOW_PEER_FATE_DELIVERED);
    rig_end_side(&beta);
    rig_end_side(&alpha);
    CHECK(told(&late[0]) == 1 && told(&late[1]) == 1 && told(&sent) == 1);
}

/* The callback ends the peer that calls it. */
static void end_peer(void *user_data, reflow_peer_fate fate, reflow_status status,
                     reflow_view reason) {
    (void)status, (void)reason;
    CHECK(fate == REFLOW_PEER_FATE_DELIVERED);
    reflow_peer **peer = user_data;
    reflow_peer_destroy(*peer);
    __atomic_store_n(peer, NULL, __ATOMIC_RELEASE);
}

static void test_end_inside(void) {
    side alpha = open_side("alpha", 0), beta = open_side("beta", 0);
    join(&beta, &alpha);
    WORKS(reflow_peer_send_told(beta.peer, text_of("alpha"), text_of("recorder"), text_of("a"),
                                reflow_message_integer(1), NULL, end_peer, &beta.peer, &e));
    EVENTUALLY(__atomic_load_n(&beta.peer, __ATOMIC_ACQUIRE) == NULL);
    CHECK(rig_recv(alpha.output) == 1);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

static void test_arguments(void) {
    side beta = open_side("beta", 0);
    answer none = {0};
    const reflow_view text = text_of("x");
    const reflow_message message = reflow_message_integer(1);
    FAILS(REFLOW_ERROR_NOT_FOUND, try_send(&beta, "recorder", 1, 0, &none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, try_send(&beta, "recorder", 1, -2, &none, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8, try_send(&beta, "\xff", 1, 0, &none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_told(NULL, text, text, text, message, NULL, on_fate, &none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_told(beta.peer, text, text, text, message, NULL, NULL, &none, &e));
    const reflow_message nothing = {0, 0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_send_told(beta.peer, text, text, text, nothing, NULL, on_fate, &none, &e));
    rig_end_side(&beta);
    CHECK(told(&none) == 0);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_arguments();
    test_delivered();
    test_removed();
    test_end_of_link();
    test_end_of_wait();
    test_disconnect();
    test_stop();
    test_last_event();
    test_outbox();
    test_outbox_timeout();
    test_end_inside();
    return 0;
}
