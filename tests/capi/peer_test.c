/* Section 21 of reflow.h: peers in one process, over the loopback. */
#include "check.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

#include "ports.h"
#include "rig.h"

/* One peer with a network: a node "recorder" whose packets the host reads. */
typedef rig_side side;

static reflow_peer_options named(const char *network) {
    reflow_peer_options options = rig_peer_options(network);
    options.heartbeat_interval_ms = 1000; /* a busy machine is silent for a while */
    return options;
}

/* Attempts to reconnect that have failed, as the log tells. */
static int failed_attempts;
static void count_attempts(void *user_data, reflow_log_level level, reflow_view subsystem,
                           reflow_view node, reflow_view text) {
    (void)user_data, (void)level, (void)subsystem, (void)node;
    if (strncmp(text.data, "Reconnect attempt ", 18) == 0) {
        __atomic_add_fetch(&failed_attempts, 1, __ATOMIC_RELAXED);
    }
}

static side open_side(const reflow_peer_options *options, uint32_t capacity) {
    side s;
    reflow_runtime_options with_log = rig_options(&rig_own);
    with_log.log = count_attempts;
    WORKS(reflow_runtime_create(&with_log, &s.runtime, &e));
    rig_register_pass(s.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    s.network = rig_network(s.runtime, graph);
    reflow_graph_destroy(graph);
    s.output = rig_output(s.network, "recorder.o", capacity);
    WORKS(reflow_network_start(s.network, &e));
    rig_start_peer(&s, options);
    return s;
}

static const char *endpoint_of(char text[64], const char *scheme, uint32_t port) {
    snprintf(text, 64, "%s127.0.0.1:%u", scheme, port);
    return text;
}

static void join(side *from, const side *to, const char *scheme, const char *network) {
    char text[64];
    reflow_message there = {0, 0};
    WORKS(reflow_peer_connect(from->peer, text_of(endpoint_of(text, scheme, reflow_peer_port(to->peer))),
                              60000, &there, &e));
    reflow_view id = {NULL, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(there, &id));
    CHECK(same_text(id, network));
    reflow_message_unref(there);
    CHECK(reflow_peer_connected(from->peer, text_of(network)));
}

static reflow_status put(side *from, const char *network, const char *actor, int64_t value,
                         int64_t timeout_ms) {
    reflow_error *error = NULL;
    reflow_status status =
        reflow_peer_send(from->peer, text_of(network), text_of(actor), text_of("a"),
                         reflow_message_integer(value), text_of("test"), timeout_ms, &error);
    reflow_error_destroy(error);
    return status;
}

static int64_t status_of(const side *s, const char *key) {
    reflow_message status, value;
    WORKS(reflow_peer_status(s->peer, &status, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of(key), &value));
    int64_t number = rig_integer(value);
    reflow_message_unref(status);
    return number;
}

#define EVENTUALLY(condition) RIG_EVENTUALLY(120, condition)

static const char *const schemes[] = {"", "ws://", "tcp://"};

static void test_both_ways(const char *scheme) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    a.auth_token = b.auth_token = text_of("shared-secret");
    side alpha = open_side(&a, 20000), beta = open_side(&b, 20000);
    join(&beta, &alpha, scheme, "alpha");
    EVENTUALLY(reflow_peer_connected(alpha.peer, text_of("beta")));
    for (int64_t i = 0; i < 10000; ++i) {
        CHECK_STATUS(REFLOW_OK, put(&beta, "alpha", "recorder", i, 60000));
        CHECK_STATUS(REFLOW_OK, put(&alpha, "beta", "recorder", -i, 60000));
    }
    for (int64_t i = 0; i < 10000; ++i) {
        CHECK(rig_recv(alpha.output) == i);
        CHECK(rig_recv(beta.output) == -i);
    }
    CHECK(status_of(&alpha, "lost") == 0);
    rig_end_side(&beta);
    EVENTUALLY(!reflow_peer_connected(alpha.peer, text_of("beta")));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, put(&alpha, "beta", "recorder", 1, 0));
    rig_end_side(&alpha);
}

/* An actor that takes nothing parks its sender: memory stays, nothing is lost, others go on. */
static void test_slow_actor(void) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    b.window_packets = a.window_packets = 100;
    side alpha = open_side(&a, 10), beta = open_side(&b, 10);
    join(&beta, &alpha, "tcp://", "alpha");
    rig_pause(alpha.network, "recorder");
    int64_t sent = 0;
    while (put(&beta, "alpha", "recorder", sent, sent < 100 ? 60000 : 200) == REFLOW_OK) ++sent;
    /* The window, the inport, and what was on its way. */
    CHECK(sent >= 100 && sent <= 2000);
    CHECK(status_of(&alpha, "lost") == 0);
    rig_resume(alpha.network, "recorder");
    for (int64_t i = 0; i < sent; ++i) CHECK(rig_recv(alpha.output) == i);
    CHECK_STATUS(REFLOW_OK, put(&beta, "alpha", "recorder", 7, 60000));
    CHECK(rig_recv(alpha.output) == 7);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

static reflow_status put_many(side *from, const reflow_message *messages, size_t count,
                              int64_t timeout_ms, size_t *accepted) {
    reflow_error *error = NULL;
    reflow_status status = reflow_peer_send_many(from->peer, text_of("alpha"), text_of("recorder"),
                                                 text_of("a"), messages, count, text_of("test"),
                                                 timeout_ms, accepted, &error);
    reflow_error_destroy(error);
    return status;
}

enum { MANY = 10000 };

/* Many in one call, more than the window; those that do not go stay the caller's. */
static void test_many(const char *scheme) {
    static reflow_message messages[MANY];
    reflow_peer_options a = named("alpha"), b = named("beta");
    a.window_packets = 100;
    side alpha = open_side(&a, 20000), beta = open_side(&b, 10);
    join(&beta, &alpha, scheme, "alpha");
    for (int64_t i = 0; i < MANY; ++i) messages[i] = reflow_message_integer(i);
    size_t accepted = 0;
    CHECK_STATUS(REFLOW_OK, put_many(&beta, messages, MANY, 60000, &accepted));
    CHECK(accepted == MANY);
    for (int64_t i = 0; i < MANY; ++i) CHECK(rig_recv(alpha.output) == i);
    CHECK_STATUS(REFLOW_OK, put_many(&beta, messages, 0, 0, &accepted));
    CHECK(accepted == 0);
    rig_pause(alpha.network, "recorder");
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT, put_many(&beta, messages, MANY, 500, &accepted));
    CHECK(accepted >= 50 && accepted < MANY); /* half of a window is told of at least */
    rig_resume(alpha.network, "recorder");
    for (size_t i = 0; i < accepted; ++i) CHECK(rig_recv(alpha.output) == (int64_t)i);
    messages[1] = (reflow_message){0, 0};
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, put_many(&beta, messages, 2, 5000, &accepted));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, put_many(&beta, NULL, 2, 5000, &accepted));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, put_many(&beta, messages, 1, 5000, NULL));
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* More than sockets, queues and windows hold together, as fast as it goes. */
static void test_large(const char *scheme) {
    static char bytes[100 * 1024];
    reflow_peer_options a = named("alpha"), b = named("beta");
    side alpha = open_side(&a, 1000), beta = open_side(&b, 10);
    join(&beta, &alpha, scheme, "alpha");
    rig_pause(alpha.network, "recorder");
    int64_t sent = 0;
    reflow_message message;
    size_t one = 1;
    for (;; ++sent) {
        memset(bytes, (int)(sent % 251), sizeof bytes);
        WORKS(reflow_message_bytes(bytes, sizeof bytes, &message, &e));
        if (put_many(&beta, &message, 1, sent < 160 ? 60000 : 300, &one) != REFLOW_OK) break;
    }
    reflow_message_unref(message);
    /* A window of 16 MiB, the inport and what is on its way; not all of the world. */
    CHECK(sent >= 160 && sent < 2000);
    rig_resume(alpha.network, "recorder");
    for (int64_t i = 0; i < sent; ++i) {
        size_t count = 0;
        reflow_view view = {NULL, 0};
        WORKS(reflow_output_recv_many(alpha.output, &message, 1, 10000, &count, &e));
        CHECK(count == 1 && reflow_message_get_bytes(message, &view) == REFLOW_OK);
        CHECK(view.size == sizeof bytes && (unsigned char)view.data[77] == i % 251);
        reflow_message_unref(message);
    }
    CHECK(reflow_peer_connected(beta.peer, text_of("alpha")));
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

static void test_nobody(void) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    side alpha = open_side(&a, 10), beta = open_side(&b, 10);
    join(&beta, &alpha, "", "alpha");
    CHECK_STATUS(REFLOW_OK, put(&beta, "alpha", "nobody", 1, 60000));
    CHECK_STATUS(REFLOW_OK, put(&beta, "alpha", "recorder", 2, 60000));
    CHECK(rig_recv(alpha.output) == 2);
    EVENTUALLY(status_of(&beta, "lost") == 1);
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, put(&beta, "gamma", "recorder", 2, 0));
    rig_end_side(&alpha);
    rig_end_side(&beta);
}

static void refused(side *from, const char *endpoint, reflow_status expected, const char *words) {
    reflow_error *error = NULL;
    CHECK_STATUS(expected,
                 reflow_peer_connect(from->peer, text_of(endpoint), 60000, NULL, &error));
    CHECK(strstr(reflow_error_text(error).data, words) != NULL);
    reflow_error_destroy(error);
}

static void test_refusals(void) {
    char text[64];
    reflow_peer_options a = named("alpha"), wrong = named("beta");
    a.auth_token = text_of("shared-secret");
    const reflow_view friends[] = {text_of("beta")};
    a.allowed_networks = friends;
    a.allowed_networks_count = 1;
    wrong.auth_token = text_of("wrong");
    side alpha = open_side(&a, 10), liar = open_side(&wrong, 10);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; ++i) {
        endpoint_of(text, schemes[i], reflow_peer_port(alpha.peer));
        refused(&liar, text, REFLOW_ERROR_AUTH, "handshake refused: auth_token mismatch");
    }
    rig_end_side(&liar);
    reflow_peer_options g = named("gamma");
    g.auth_token = a.auth_token;
    side gamma = open_side(&g, 10);
    refused(&gamma, text, REFLOW_ERROR_REFUSED, "allowed_networks");
    refused(&gamma, "127.0.0.1:1", REFLOW_ERROR_REFUSED, "127.0.0.1");
    refused(&gamma, "nowhere..invalid:9", REFLOW_ERROR_UNRESOLVED, "nowhere..invalid");
    refused(&gamma, "127.0.0.1:x", REFLOW_ERROR_INVALID_ARGUMENT, "port");
    refused(&gamma, "", REFLOW_ERROR_INVALID_ARGUMENT, "the host is missing");
    rig_end_side(&gamma);
    rig_end_side(&alpha);
}

/* A peer that comes back is dialled again, and what is sent then arrives. */
static void test_restart(void) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    __atomic_store_n(&failed_attempts, 0, __ATOMIC_RELAXED);
    a.bind_port = free_port();
    side alpha = open_side(&a, 10), beta = open_side(&b, 10);
    join(&beta, &alpha, "", "alpha");
    rig_end_side(&alpha);
    EVENTUALLY(!reflow_peer_connected(beta.peer, text_of("alpha")));
    EVENTUALLY(__atomic_load_n(&failed_attempts, __ATOMIC_RELAXED) >= 2);
    alpha = open_side(&a, 10);
    EVENTUALLY(reflow_peer_connected(beta.peer, text_of("alpha")));
    CHECK_STATUS(REFLOW_OK, put(&beta, "alpha", "recorder", 5, 60000));
    CHECK(rig_recv(alpha.output) == 5);
    WORKS(reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    EVENTUALLY(!reflow_peer_connected(beta.peer, text_of("alpha")));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_peer_disconnect(beta.peer, text_of("alpha"), &e));
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* Says that there is a link already, which is not so, and nothing at all when it is dialled again. */
typedef struct forgetful {
    int number;
    uint32_t port;
    int silent; /* written by its thread: it has been dialled again */
} forgetful;

static void *forget(void *user_data) {
    forgetful *f = user_data;
    static const char text[] = "{\"success\":false,\"network_id\":\"delta\",\"instance_id\":\"1\","
                               "\"error\":\"network beta, instance 1 is connected already\"}";
    char frame[8 + sizeof text - 1] = {0}, got[4096];
    frame[0] = (char)(sizeof text - 1); /* how long; less than 256 */
    frame[4] = 1;                       /* a text */
    memcpy(frame + 8, text, sizeof text - 1);
    CHECK(sizeof text - 1 < 256);
    int first = accept(f->number, NULL, NULL);
    CHECK(first >= 0 && write(first, "RFW1", 4) == 4);
    /* The mark of the other side, and its greeting. */
    for (size_t came = 0; came < 100;) {
        ssize_t some = read(first, got, sizeof got);
        CHECK(some > 0);
        came += (size_t)some;
    }
    CHECK(write(first, frame, sizeof frame) == (ssize_t)sizeof frame);
    /* It closes, and so does this. */
    static const char goodbye[] = {2, 0, 0, 0, 2, 0, 0, 0, 3, (char)0xe8};
    CHECK(read(first, got, sizeof got) > 0);
    CHECK(write(first, goodbye, sizeof goodbye) == (ssize_t)sizeof goodbye);
    close(first);
    int second = accept(f->number, NULL, NULL);
    CHECK(second >= 0);
    __atomic_store_n(&f->silent, 1, __ATOMIC_RELEASE);
    while (read(second, got, sizeof got) > 0) {
    }
    close(second);
    return NULL;
}

static void *connect_to_forgetful(void *user_data) {
    side *beta = ((void **)user_data)[0];
    const forgetful *f = ((void **)user_data)[1];
    char text[64];
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_peer_connect(beta->peer, text_of(endpoint_of(text, "tcp://", f->port)),
                              REFLOW_FOREVER, NULL, &e));
    return NULL;
}

/* Who waits for a link to a network is told when another thread gives it up. */
static void test_disconnected_meanwhile(bool stop) {
    reflow_peer_options b = named("beta");
    b.handshake_timeout_ms = 600000;
    side beta = open_side(&b, 10);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof place;
    forgetful f = {socket(AF_INET, SOCK_STREAM, 0), 0, 0};
    CHECK(f.number >= 0 && bind(f.number, (struct sockaddr *)&place, size) == 0);
    CHECK(listen(f.number, 5) == 0 && getsockname(f.number, (struct sockaddr *)&place, &size) == 0);
    f.port = ntohs(place.sin_port);
    pthread_t server, waiter;
    void *both[2] = {&beta, &f};
    CHECK(pthread_create(&server, NULL, forget, &f) == 0);
    CHECK(pthread_create(&waiter, NULL, connect_to_forgetful, both) == 0);
    EVENTUALLY(__atomic_load_n(&f.silent, __ATOMIC_ACQUIRE) == 1);
    if (stop) {
        WORKS(reflow_peer_stop(beta.peer, 5000, &e));
    } else {
        WORKS(reflow_peer_disconnect(beta.peer, text_of("delta"), &e));
    }
    pthread_join(waiter, NULL);
    pthread_join(server, NULL);
    close(f.number);
    rig_end_side(&beta);
}

/* No link moves while a callback of the peer runs, so nothing there waits for one. */
typedef struct inside {
    reflow_peer *peer;
    reflow_peer_subscription *other;
    int calls;
} inside;

static void wait_inside(void *user_data, reflow_message event, uint64_t missed) {
    inside *in = user_data;
    reflow_message got = {0, 0};
    (void)event, (void)missed;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_peer_stop(in->peer, 1000, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_peer_connect(in->peer, text_of("127.0.0.1:1"), 1000, NULL, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_peer_actors(in->peer, text_of("alpha"), 1000, &got, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_peer_ping(in->peer, text_of("alpha"), 1000, NULL, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_peer_send(in->peer, text_of("alpha"), text_of("recorder"), text_of("i"),
                           reflow_message_integer(1), text_of(""), 1000, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_peer_subscription_poll(in->other, 1000, &got, NULL, &e));
    WORKS(reflow_peer_status(in->peer, &got, &e));
    reflow_message_unref(got);
    __atomic_add_fetch(&in->calls, 1, __ATOMIC_RELEASE);
}

static void test_inside_a_callback(void) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    side alpha = open_side(&a, 10), beta = open_side(&b, 10);
    inside in = {beta.peer, NULL, 0};
    WORKS(reflow_peer_subscribe(beta.peer, NULL, &in.other, &e));
    reflow_peer_event_options options = {.struct_size = sizeof options,
                                         .callback = wait_inside,
                                         .user_data = &in};
    reflow_peer_subscription *subscription = NULL;
    WORKS(reflow_peer_subscribe(beta.peer, &options, &subscription, &e));
    join(&beta, &alpha, "", "alpha");
    EVENTUALLY(__atomic_load_n(&in.calls, __ATOMIC_ACQUIRE) == 1);
    CHECK_STATUS(REFLOW_OK, put(&beta, "alpha", "recorder", 5, 5000));
    CHECK(rig_recv(alpha.output) == 5);
    reflow_peer_subscription_destroy(subscription);
    reflow_peer_subscription_destroy(in.other);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* Its time would pass at once while a packet waits for a link. */
static void test_simulated(void) {
    reflow_runtime_options of_runtime = {0};
    of_runtime.struct_size = sizeof of_runtime;
    of_runtime.mode = REFLOW_MODE_SIMULATED;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&of_runtime, &runtime, &e));
    reflow_graph *graph = rig_graph();
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_peer_options options = named("alpha");
    reflow_peer *peer = NULL;
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED, reflow_peer_attach(peer, network, &error));
    CHECK(strstr(reflow_error_text(error).data, "simulated") != NULL);
    CHECK(reflow_error_hint(error).size != 0);
    reflow_error_destroy(error);
    reflow_peer_destroy(peer);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_arguments(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    reflow_peer *peer = NULL;
    reflow_peer_options options = named("alpha");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(NULL, &options, &peer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, NULL, &peer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, NULL, &e));
    options.network_id = text_of("");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options.network_id = text_of("a@b");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.flags = 256;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.bind_port = 70000;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.max_connections = UINT32_MAX;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.bind_address = text_of("203.0.113.77"); /* nobody's (RFC 5737) */
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    FAILS(REFLOW_ERROR_IO, reflow_peer_start(peer, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_attach(peer, NULL, &e));
    reflow_peer_destroy(peer);
    test_simulated();
    reflow_peer_destroy(NULL);
    CHECK(reflow_peer_port(NULL) == 0 && !reflow_peer_connected(NULL, text_of("x")));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_start(NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_stop(NULL, 0, &e));
    reflow_runtime_destroy(runtime);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_arguments();
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; ++i) test_both_ways(schemes[i]);
    for (size_t i = 1; i < sizeof schemes / sizeof schemes[0]; ++i) {
        test_many(schemes[i]);
        test_large(schemes[i]);
    }
    test_slow_actor();
    test_nobody();
    test_refusals();
    test_restart();
    test_inside_a_callback();
    test_disconnected_meanwhile(false);
    test_disconnected_meanwhile(true);
    return 0;
}
