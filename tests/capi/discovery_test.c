/* Discovery of section 21 of reflow.h: the server and what it answers, peers that find each other, events. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "rig.h"

#define EVENTUALLY(condition) RIG_EVENTUALLY(200, condition)

/* ---- the server */

static reflow_discovery *make_server(reflow_runtime *runtime, const char *token) {
    reflow_discovery_options options = {0};
    options.struct_size = sizeof options;
    options.token = text_of(token);
    reflow_discovery *server = NULL;
    WORKS(reflow_discovery_create(runtime, &options, &server, &e));
    return server;
}

/* The status of a request; the body is compared unless it is NULL. */
static uint32_t ask(reflow_discovery *server, const char *method, const char *path,
                    const char *type, const char *token, const char *body, const char *expected) {
    reflow_http_request request = {0};
    request.struct_size = sizeof request;
    request.method = text_of(method);
    request.path = text_of(path);
    request.content_type = text_of(type);
    request.authorization = text_of(token);
    request.body = text_of(body);
    uint32_t status = 0;
    reflow_view content = {NULL, 0};
    reflow_buffer *answer = NULL;
    WORKS(reflow_discovery_handle(server, &request, &status, &content, &answer, &e));
    reflow_view text = reflow_buffer_get(answer);
    CHECK(same_text(content, text.size == 0 ? "" : "application/json"));
    if (expected != NULL && !same_text(text, expected)) {
        check_failed(__FILE__, __LINE__, expected, text.data);
    }
    if (status >= 400) CHECK(strstr(text.data, "{\"error\":\"") == text.data);
    reflow_buffer_destroy(answer);
    return status;
}

#define ALPHA                                                                        \
    "{\"network_id\":\"alpha\",\"instance_id\":\"a1\",\"endpoint\":\"10.0.0.1:9100\"," \
    "\"capabilities\":[\"actor_messaging\"]}"

static void test_answers(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    reflow_discovery *server = make_server(runtime, "");
    const char *json_type = "application/json; charset=utf-8";
    CHECK(ask(server, "GET", "/networks", "", "", "", "[]") == 200);
    CHECK(ask(server, "POST", "/register", json_type, "", ALPHA, "") == 200);
    CHECK(ask(server, "GET", "/networks?all", "", "", "", NULL) == 200);
    CHECK(ask(server, "POST", "/register", json_type, "", "{", NULL) == 400);
    CHECK(ask(server, "POST", "/register", "text/plain", "", ALPHA, NULL) == 415);
    CHECK(ask(server, "POST", "/register", json_type, "", "{\"network_id\":1}", NULL) == 422);
    CHECK(ask(server, "POST", "/register", json_type, "", "[\xff]", NULL) == 400);
    CHECK(ask(server, "PUT", "/register", json_type, "", ALPHA, NULL) == 405);
    CHECK(ask(server, "GET", "/\xff", "", "", "", NULL) == 404);
    /* What no peer can dial is refused, by name. */
    static const char *odd[] = {"http://10.0.0.1:9100", "10.0.0.1:65536", "10.0.0.1:x", "tcp://10.0.0.1",
                                "[::1:9100", "a@b:1", "ws://", "10.0.0.1:9100#a"};
    static const char *good[] = {"10.0.0.1:9100", "ws://a.example/path", "tls://[::1]:1", "a.example",
                                 /* of the original, whatever it is bound to */
                                 "0.0.0.0:9310", "0.0.0.0:0", ":::9310", "::1:9310"};
    char body[300];
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
        snprintf(body, sizeof body, "{\"network_id\":\"odd\",\"instance_id\":\"o\",\"capabilities\":[],"
                 "\"endpoint\":\"%s\"}", odd[i]);
        CHECK(ask(server, "POST", "/register", json_type, "", body, NULL) == 422);
        snprintf(body, sizeof body, "{\"network_id\":\"alpha\",\"instance_id\":\"a1\",\"capabilities\":[],"
                 "\"endpoint\":\"%s\"}", good[i]);
        CHECK(ask(server, "POST", "/register", json_type, "", body, "") == 200);
    }
    const char *key = "{\"network_id\":\"alpha\",\"instance_id\":\"a1\"}";
    CHECK(ask(server, "POST", "/unregister", json_type, "", key, "") == 200);
    CHECK(ask(server, "POST", "/unregister", json_type, "", key, NULL) == 404);
    CHECK(ask(server, "GET", "/networks", "", "", "", "[]") == 200);
    reflow_discovery_destroy(server);

    server = make_server(runtime, "secret");
    CHECK(ask(server, "GET", "/networks", "", "", "", NULL) == 401);
    CHECK(ask(server, "GET", "/networks", "", "Bearer wrong", "", NULL) == 401);
    CHECK(ask(server, "GET", "/networks", "", "Bearer secret", "", "[]") == 200);
    CHECK(ask(server, "GET", "/health", "", "", "", NULL) == 200);
    reflow_discovery_destroy(server);
    reflow_runtime_destroy(runtime);
}

static void test_arguments(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    reflow_discovery *server = NULL;
    reflow_discovery_options options = {0};
    options.struct_size = sizeof options;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_discovery_create(NULL, &options, &server, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_discovery_create(runtime, &options, NULL, &e));
    options.flags = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_discovery_create(runtime, &options, &server, &e));
    options.flags = 0;
    options.max_entries = 100001;
    FAILS(REFLOW_ERROR_LIMIT, reflow_discovery_create(runtime, &options, &server, &e));
    options.max_entries = 0;
    options.certificate_file = text_of("c.pem");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_discovery_create(runtime, &options, &server, &e));
    WORKS(reflow_discovery_create(runtime, NULL, &server, &e));
    uint32_t status = 0;
    reflow_buffer *body = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_discovery_handle(server, NULL, &status, NULL, &body, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_discovery_serve(NULL, text_of(""), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_discovery_serve(server, text_of("127.0.0.1"), 70000, &e));
    FAILS(REFLOW_ERROR_IO, reflow_discovery_serve(server, text_of("203.0.113.77"), 0, &e));
    CHECK(reflow_discovery_port(server) == 0 && reflow_discovery_port(NULL) == 0);
    WORKS(reflow_discovery_serve(server, text_of("127.0.0.1"), 0, &e));
    CHECK(reflow_discovery_port(server) != 0);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_discovery_serve(server, text_of("127.0.0.1"), 0, &e));
    WORKS(reflow_discovery_stop(server, &e));
    WORKS(reflow_discovery_stop(server, &e));
    CHECK(reflow_discovery_port(server) == 0);
    reflow_discovery_destroy(server);
    reflow_discovery_destroy(NULL);
    reflow_runtime_destroy(runtime);
}

/* ---- peers that use it */

typedef struct world {
    reflow_runtime *runtime;
    reflow_discovery *server;
    uint32_t port;
    char endpoint[64];
    reflow_view endpoints[1];
} world;

static void open_world(world *w, const char *token) {
    w->runtime = rig_runtime(&rig_own);
    w->server = make_server(w->runtime, token);
    WORKS(reflow_discovery_serve(w->server, text_of("127.0.0.1"), 0, &e));
    w->port = reflow_discovery_port(w->server);
    snprintf(w->endpoint, sizeof w->endpoint, "http://127.0.0.1:%u/", w->port);
    w->endpoints[0] = text_of(w->endpoint);
}

static void close_world(world *w) {
    reflow_discovery_destroy(w->server);
    reflow_runtime_destroy(w->runtime);
}

static reflow_peer_options named(const world *w, const char *network) {
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(network);
    options.instance_id = text_of("one");
    options.bind_address = text_of("127.0.0.1");
    options.heartbeat_interval_ms = check_slow() ? 5000 : 1000;
    options.discovery_endpoints = w->endpoints;
    options.discovery_endpoints_count = 1;
    options.discovery_refresh_ms = 100;
    return options;
}

static reflow_peer *make_peer(const world *w, const reflow_peer_options *options) {
    reflow_peer *peer = NULL;
    WORKS(reflow_peer_create(w->runtime, options, &peer, &e));
    return peer;
}

static reflow_peer *start_peer(const world *w, const reflow_peer_options *options) {
    reflow_peer *peer = make_peer(w, options);
    WORKS(reflow_peer_start(peer, &e));
    return peer;
}

static reflow_message member_of(reflow_message object, const char *key) {
    reflow_message value = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of(key), &value));
    return value;
}

static bool is_text(reflow_message message, const char *text) {
    reflow_view view = {NULL, 0};
    return reflow_message_get_text(message, &view) == REFLOW_OK && same_text(view, text);
}

/* Open links to a network. */
static size_t links_to(const reflow_peer *peer, const char *network) {
    reflow_message status;
    WORKS(reflow_peer_status(peer, &status, &e));
    reflow_message links = member_of(status, "links"), link;
    size_t open = 0;
    for (size_t i = 0; i < reflow_message_count(links); ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(links, i, &link));
        if (is_text(member_of(link, "network_id"), network) &&
            is_text(member_of(link, "state"), "connected")) {
            ++open;
        }
    }
    reflow_message_unref(status);
    return open;
}

/* What reflow_peer_networks tells of one: 1 connected, 2 discovered. */
static int known(const reflow_peer *peer, const char *network) {
    reflow_message all, one;
    WORKS(reflow_peer_networks(peer, &all, &e));
    int found = 0;
    for (size_t i = 0; i < reflow_message_count(all); ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(all, i, &one));
        if (!is_text(member_of(one, "network_id"), network)) continue;
        bool connected = false, discovered = false;
        CHECK_STATUS(REFLOW_OK,
                     reflow_message_get_boolean(member_of(one, "connected"), &connected));
        CHECK_STATUS(REFLOW_OK,
                     reflow_message_get_boolean(member_of(one, "discovered"), &discovered));
        found = (connected ? 1 : 0) + (discovered ? 2 : 0);
    }
    reflow_message_unref(all);
    return found;
}

/* The next event has this kind and network. */
static void expect(reflow_peer_subscription *events, const char *kind, const char *network) {
    reflow_message event;
    uint64_t missed = 0;
    WORKS(reflow_peer_subscription_poll(events, 20000, &event, &missed, &e));
    reflow_view got = {NULL, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(member_of(event, "kind"), &got));
    if (!same_text(got, kind)) check_failed(__FILE__, __LINE__, kind, got.data);
    CHECK(is_text(member_of(event, "network_id"), network));
    CHECK(missed == 0);
    reflow_message_unref(event);
}

/* As many links begin as end, of whoever dialled; what is dialled again is told besides. */
static void expect_all_ended(reflow_peer_subscription *events, const char *network) {
    int open = 0;
    bool any = false;
    while (!any || open > 0) {
        reflow_message event;
        WORKS(reflow_peer_subscription_poll(events, 20000, &event, NULL, &e));
        reflow_message kind = member_of(event, "kind");
        CHECK(is_text(member_of(event, "network_id"), network));
        if (is_text(kind, "connected")) ++open, any = true;
        if (is_text(kind, "disconnected")) --open;
        CHECK(open >= 0);
        reflow_message_unref(event);
    }
}

static reflow_peer_subscription *subscribe(reflow_peer *peer, uint64_t kinds) {
    reflow_peer_event_options options = {0};
    options.struct_size = sizeof options;
    options.kinds = kinds;
    reflow_peer_subscription *events = NULL;
    WORKS(reflow_peer_subscribe(peer, &options, &events, &e));
    return events;
}

static const uint64_t of_discovery =
    1u << REFLOW_PEER_ADDED | 1u << REFLOW_PEER_UPDATED | 1u << REFLOW_PEER_REMOVED;

/* One finds the other, dials it, hears once of each change, and is told that it has gone. */
static void test_find_each_other(void) {
    world w;
    open_world(&w, "secret");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    a.discovery_token = b.discovery_token = text_of("secret");
    reflow_peer *alpha = make_peer(&w, &a);
    reflow_peer_subscription *found = subscribe(alpha, of_discovery);
    reflow_peer_subscription *links = subscribe(alpha, ~of_discovery & REFLOW_PEER_EVENTS_ALL);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_peer_discover(alpha, 0, &e));
    WORKS(reflow_peer_start(alpha, &e));
    WORKS(reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "alpha") == 0 && known(alpha, "beta") == 0);
    reflow_peer *beta = start_peer(&w, &b);
    WORKS(reflow_peer_discover(beta, 20000, &e));
    CHECK((known(beta, "alpha") & 2) != 0);
    expect(found, "added", "beta");
    EVENTUALLY(known(alpha, "beta") == 3 && known(beta, "alpha") == 3);
    /* Rounds that bring nothing new tell nothing. */
    for (int i = 0; i < 5; ++i) WORKS(reflow_peer_discover(alpha, 20000, &e));
    reflow_message event;
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK,
                 reflow_peer_subscription_poll(found, 0, &event, NULL, NULL));
    EVENTUALLY(links_to(alpha, "beta") == 1 && links_to(beta, "alpha") == 1);

    reflow_peer_destroy(beta); /* takes its entry back */
    expect(found, "removed", "beta");
    expect_all_ended(links, "beta");
    CHECK(ask(w.server, "GET", "/health", "", "", "", NULL) == 200);
    WORKS(reflow_peer_stop(alpha, 5000, &e));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_CLOSED,
                 reflow_peer_subscription_poll(found, 20000, &event, NULL, &error));
    reflow_error_destroy(error);
    CHECK(ask(w.server, "GET", "/networks", "", "Bearer secret", "", "[]") == 200);
    reflow_peer_subscription_destroy(found);
    reflow_peer_destroy(alpha);
    reflow_peer_subscription_destroy(links);
    close_world(&w);
}

/* A server that is away removes nothing, and is told of once; a token that is wrong is, too. */
static void test_outage(void) {
    world w;
    open_world(&w, "secret");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    a.discovery_token = b.discovery_token = text_of("secret");
    b.flags = REFLOW_PEER_NO_AUTO_DIAL;
    a.flags = REFLOW_PEER_NO_AUTO_DIAL;
    reflow_peer *alpha = make_peer(&w, &a), *beta = start_peer(&w, &b);
    reflow_peer_subscription *found = subscribe(alpha, of_discovery);
    WORKS(reflow_peer_discover(beta, 20000, &e));
    WORKS(reflow_peer_start(alpha, &e));
    expect(found, "added", "beta");
    WORKS(reflow_discovery_stop(w.server, &e));
    FAILS(REFLOW_ERROR_IO, reflow_peer_discover(alpha, 20000, &e));
    FAILS(REFLOW_ERROR_IO, reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "beta") == 2); /* nobody was dialled either */
    WORKS(reflow_discovery_serve(w.server, text_of("127.0.0.1"), w.port, &e));
    WORKS(reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "beta") == 2);
    reflow_message event;
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK,
                 reflow_peer_subscription_poll(found, 0, &event, NULL, NULL));

    reflow_peer_options c = named(&w, "gamma");
    c.discovery_token = text_of("wrong");
    reflow_peer *gamma = start_peer(&w, &c);
    FAILS(REFLOW_ERROR_IO, reflow_peer_discover(gamma, 20000, &e));
    WORKS(reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "gamma") == 0);
    reflow_peer_destroy(gamma);
    reflow_peer_destroy(beta);
    reflow_peer_subscription_destroy(found);
    reflow_peer_destroy(alpha);
    close_world(&w);
}

/* One of two servers is enough, whichever it is. */
static void test_two_servers(void) {
    world w, other;
    open_world(&w, "");
    open_world(&other, "");
    const reflow_view both[] = {w.endpoints[0], other.endpoints[0]};
    reflow_peer_options a = named(&w, "alpha"), b = named(&other, "beta");
    a.flags = b.flags = REFLOW_PEER_NO_AUTO_DIAL;
    a.discovery_endpoints = both;
    a.discovery_endpoints_count = 2;
    reflow_peer *alpha = start_peer(&w, &a), *beta = start_peer(&other, &b);
    WORKS(reflow_discovery_stop(w.server, &e));
    WORKS(reflow_peer_discover(beta, 20000, &e));
    WORKS(reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "beta") == 2);
    WORKS(reflow_peer_discover(beta, 20000, &e));
    CHECK(known(beta, "alpha") == 2);
    WORKS(reflow_discovery_serve(w.server, text_of("127.0.0.1"), w.port, &e));
    WORKS(reflow_discovery_stop(other.server, &e));
    WORKS(reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "beta") == 2);
    CHECK(ask(w.server, "GET", "/networks", "", "", "", NULL) == 200);
    reflow_peer_destroy(alpha);
    reflow_peer_destroy(beta);
    CHECK(ask(w.server, "GET", "/networks", "", "", "", "[]") == 200);
    close_world(&other);
    close_world(&w);
}

/* Who is not allowed is known and not dialled; who was disconnected stays so. */
static void test_who_is_dialled(void) {
    world w;
    open_world(&w, "");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta"), c = named(&w, "gamma");
    b.flags = c.flags = REFLOW_PEER_NO_AUTO_DIAL;
    const reflow_view allowed[] = {text_of("gamma")};
    a.allowed_networks = allowed;
    a.allowed_networks_count = 1;
    reflow_peer *beta = start_peer(&w, &b), *gamma = start_peer(&w, &c);
    WORKS(reflow_peer_discover(beta, 20000, &e));
    WORKS(reflow_peer_discover(gamma, 20000, &e));
    reflow_peer *alpha = start_peer(&w, &a);
    EVENTUALLY(known(alpha, "gamma") == 3);
    CHECK(known(alpha, "beta") == 2);
    WORKS(reflow_peer_disconnect(alpha, text_of("gamma"), &e));
    EVENTUALLY(known(alpha, "gamma") == 2);
    for (int i = 0; i < 3; ++i) WORKS(reflow_peer_discover(alpha, 20000, &e));
    CHECK(known(alpha, "gamma") == 2);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(gamma));
    WORKS(reflow_peer_connect(alpha, text_of(endpoint), 20000, NULL, &e));
    CHECK(known(alpha, "gamma") == 3);
    /* There is a link already: one that dials once more has it. */
    snprintf(endpoint, sizeof endpoint, "localhost:%u", reflow_peer_port(gamma));
    WORKS(reflow_peer_connect(alpha, text_of(endpoint), 20000, NULL, &e));
    CHECK(links_to(alpha, "gamma") == 1);
    reflow_peer_destroy(alpha);
    reflow_peer_destroy(gamma);
    reflow_peer_destroy(beta);
    close_world(&w);
}

/* ---- races */

static void linked(void *data, reflow_message event, uint64_t missed) {
    (void)event, (void)missed;
    __atomic_store_n((bool *)data, true, __ATOMIC_RELEASE);
}

/* Who connects to where discovery leads just then, with a link that opens in that moment, has that link. */
static void test_connect_to_what_is_found(void) {
    world w;
    open_world(&w, "");
    reflow_peer_options a = named(&w, "alpha");
    a.flags = REFLOW_PEER_NO_AUTO_DIAL;
    reflow_peer *alpha = start_peer(&w, &a);
    WORKS(reflow_peer_discover(alpha, 20000, &e));
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(alpha));
    bool there = false;
    reflow_peer_event_options options = {0};
    options.struct_size = sizeof options;
    options.callback = linked;
    options.user_data = &there;
    options.kinds = 1u << REFLOW_PEER_CONNECTED;
    reflow_peer_subscription *events = NULL;
    WORKS(reflow_peer_subscribe(alpha, &options, &events, &e));
    const int rounds = check_slow() ? 40 : 400;
    for (int round = 0; round < rounds; ++round) {
        char name[16];
        snprintf(name, sizeof name, "beta%d", round);
        reflow_peer_options b = named(&w, name);
        b.discovery_refresh_ms = 60000;
        __atomic_store_n(&there, false, __ATOMIC_RELEASE);
        reflow_peer *beta = start_peer(&w, &b);
        RIG_EVENTUALLY(200, __atomic_load_n(&there, __ATOMIC_ACQUIRE));
        for (volatile int spin = round * 200; spin > 0; --spin) {
        }
        reflow_message network;
        WORKS(reflow_peer_connect(beta, text_of(endpoint), 20000, &network, &e));
        CHECK(is_text(network, "alpha"));
        reflow_message_unref(network);
        WORKS(reflow_peer_ping(beta, text_of("alpha"), 20000, NULL, &e));
        reflow_peer_destroy(beta);
    }
    reflow_peer_subscription_destroy(events);
    reflow_peer_destroy(alpha);
    close_world(&w);
}

enum { crowd = 5 };
typedef struct member {
    const world *w;
    char name[16];
    reflow_peer *peer;
    pthread_barrier_t *together;
} member;

static void *join_crowd(void *data) {
    member *m = data;
    reflow_peer_options options = named(m->w, m->name);
    options.discovery_refresh_ms = 100;
    m->peer = make_peer(m->w, &options);
    pthread_barrier_wait(m->together);
    WORKS(reflow_peer_start(m->peer, &e));
    WORKS(reflow_peer_discover(m->peer, 20000, &e));
    return NULL;
}

static bool all_linked_once(const member *members) {
    for (int i = 0; i < crowd; ++i) {
        for (int k = 0; k < crowd; ++k) {
            if (i != k && links_to(members[i].peer, members[k].name) != 1) return false;
        }
    }
    return true;
}

/* All start in the same moment and dial each other: one link between any two is left, and stays. */
static void test_crowd(void) {
    world w;
    open_world(&w, "");
    pthread_barrier_t together;
    CHECK(pthread_barrier_init(&together, NULL, crowd) == 0);
    member members[crowd];
    pthread_t threads[crowd];
    for (int i = 0; i < crowd; ++i) {
        members[i].w = &w;
        members[i].together = &together;
        snprintf(members[i].name, sizeof members[i].name, "net%d", i);
        CHECK(pthread_create(&threads[i], NULL, join_crowd, &members[i]) == 0);
    }
    for (int i = 0; i < crowd; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    EVENTUALLY(all_linked_once(members));
    for (int i = 0; i < crowd; ++i) WORKS(reflow_peer_discover(members[i].peer, 20000, &e));
    EVENTUALLY(all_linked_once(members));
    for (int i = 0; i < crowd; ++i) reflow_peer_destroy(members[i].peer);
    pthread_barrier_destroy(&together);
    close_world(&w);
}

typedef struct caller {
    reflow_peer *from;
    uint32_t port;
    pthread_barrier_t *together;
} caller;

static void *call_other(void *data) {
    caller *c = data;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", c->port);
    pthread_barrier_wait(c->together);
    WORKS(reflow_peer_connect(c->from, text_of(endpoint), 20000, NULL, &e));
    return NULL;
}

/* Two hosts that dial each other: both calls succeed, whoever is first, and one link is left. When the one
 * that is left breaks, there is one again. */
static void test_both_dial(void) {
    world w;
    open_world(&w, "");
    for (int round = 0; round < 20; ++round) {
        reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
        a.discovery_endpoints_count = b.discovery_endpoints_count = 0;
        reflow_peer *alpha = start_peer(&w, &a), *beta = start_peer(&w, &b);
        pthread_barrier_t together;
        CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
        caller callers[2] = {{alpha, reflow_peer_port(beta), &together},
                             {beta, reflow_peer_port(alpha), &together}};
        pthread_t threads[2];
        for (int i = 0; i < 2; ++i) {
            CHECK(pthread_create(&threads[i], NULL, call_other, &callers[i]) == 0);
        }
        for (int i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
        EVENTUALLY(links_to(alpha, "beta") == 1 && links_to(beta, "alpha") == 1);
        pthread_barrier_destroy(&together);
        reflow_peer_destroy(round % 2 == 0 ? alpha : beta);
        reflow_peer_destroy(round % 2 == 0 ? beta : alpha);
    }
    close_world(&w);
}

/* A link that has been there for a while stays, whoever dials then. */
static void test_old_link_stays(void) {
    world w;
    open_world(&w, "");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    a.discovery_endpoints_count = b.discovery_endpoints_count = 0;
    reflow_peer *alpha = start_peer(&w, &a), *beta = start_peer(&w, &b);
    reflow_peer_subscription *events = subscribe(alpha, 0);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(alpha));
    WORKS(reflow_peer_connect(beta, text_of(endpoint), 20000, NULL, &e));
    expect(events, "connected", "beta");
    reflow_message event;
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT,
                 reflow_peer_subscription_poll(events, 1500, &event, NULL, NULL));
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(beta));
    WORKS(reflow_peer_connect(alpha, text_of(endpoint), 20000, NULL, &e));
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT,
                 reflow_peer_subscription_poll(events, 500, &event, NULL, NULL));
    CHECK(links_to(alpha, "beta") == 1 && links_to(beta, "alpha") == 1);
    reflow_peer_subscription_destroy(events);
    reflow_peer_destroy(beta);
    reflow_peer_destroy(alpha);
    close_world(&w);
}

/* Two processes that call themselves the same: the second is told so, and the first goes on. */
static void test_one_name_twice(void) {
    world w;
    open_world(&w, "");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    a.discovery_endpoints_count = b.discovery_endpoints_count = 0;
    reflow_peer *alpha = start_peer(&w, &a), *beta = start_peer(&w, &b), *twin = start_peer(&w, &b);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(alpha));
    WORKS(reflow_peer_connect(beta, text_of(endpoint), 20000, NULL, &e));
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_REFUSED,
                 reflow_peer_connect(twin, text_of(endpoint), 20000, NULL, &error));
    CHECK(strstr(reflow_error_text(error).data, "is connected already") != NULL);
    reflow_error_destroy(error);
    CHECK(links_to(alpha, "beta") == 1 && links_to(beta, "alpha") == 1);
    reflow_peer_destroy(twin);
    reflow_peer_destroy(beta);
    reflow_peer_destroy(alpha);
    close_world(&w);
}

/* ---- questions and events */

typedef struct heard {
    int events, ends;
    reflow_peer_subscription *own; /* ended by the first call if it is set */
} heard;

static void hear(void *data, reflow_message event, uint64_t missed) {
    heard *h = data;
    CHECK(missed == 0 && reflow_message_kind(event) == REFLOW_KIND_OBJECT);
    __atomic_add_fetch(&h->events, 1, __ATOMIC_RELAXED);
    reflow_peer_subscription *own = __atomic_exchange_n(&h->own, NULL, __ATOMIC_ACQ_REL);
    if (own != NULL) reflow_peer_subscription_destroy(own);
}
static void no_more(void *data) {
    __atomic_add_fetch(&((heard *)data)->ends, 1, __ATOMIC_RELAXED);
}

static void test_questions_and_callbacks(void) {
    world w;
    open_world(&w, "");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    a.discovery_endpoints_count = b.discovery_endpoints_count = 0;
    rig_register_pass(w.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    reflow_network *network = rig_network(w.runtime, graph);
    reflow_graph_destroy(graph);
    reflow_peer *alpha = make_peer(&w, &a), *beta = start_peer(&w, &b);
    WORKS(reflow_peer_attach(alpha, network, &e));
    WORKS(reflow_peer_start(alpha, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_peer_discover(alpha, 0, &e));

    static heard once, all;
    reflow_peer_event_options options = {0};
    options.struct_size = sizeof options;
    options.callback = hear;
    options.destroy = no_more;
    options.user_data = &all;
    reflow_peer_subscription *events = NULL, *ended = NULL;
    WORKS(reflow_peer_subscribe(beta, &options, &events, &e));
    options.user_data = &once;
    WORKS(reflow_peer_subscribe(beta, &options, &ended, &e));
    __atomic_store_n(&once.own, ended, __ATOMIC_RELEASE);
    reflow_message told;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_peer_subscription_poll(events, 0, &told, NULL, &e));
    static heard refused;
    options.user_data = &refused;
    options.kinds = UINT64_C(1) << 40;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_subscribe(beta, &options, &ended, &e));
    CHECK(refused.ends == 1);

    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_peer_ping(beta, text_of("alpha"), 1000, NULL, &e));
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(alpha));
    WORKS(reflow_peer_connect(beta, text_of(endpoint), 20000, NULL, &e));
    int64_t ns = 0;
    WORKS(reflow_peer_ping(beta, text_of("alpha"), 20000, &ns, &e));
    CHECK(ns > 0 && ns < INT64_C(20000000000));
    WORKS(reflow_peer_actors(beta, text_of("alpha"), 20000, &told, &e));
    CHECK(reflow_message_count(told) == 1);
    reflow_message actor;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(told, 0, &actor));
    CHECK(is_text(member_of(actor, "actor_id"), "recorder"));
    reflow_message_unref(told);
    WORKS(reflow_peer_disconnect(beta, text_of("alpha"), &e));
    EVENTUALLY(__atomic_load_n(&all.events, __ATOMIC_RELAXED) == 2);
    CHECK(__atomic_load_n(&once.events, __ATOMIC_RELAXED) == 1);
    EVENTUALLY(__atomic_load_n(&once.ends, __ATOMIC_RELAXED) == 1);
    reflow_peer_subscription_destroy(events);
    CHECK(__atomic_load_n(&all.ends, __ATOMIC_RELAXED) == 1);
    reflow_peer_subscription_destroy(NULL);
    reflow_peer_destroy(beta);
    reflow_peer_destroy(alpha);
    reflow_network_destroy(network);
    close_world(&w);
}

/* A queue that is full loses what is newest, and says how much. */
static void test_slow_reader(void) {
    world w;
    open_world(&w, "");
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    a.discovery_endpoints_count = b.discovery_endpoints_count = 0;
    reflow_peer *alpha = start_peer(&w, &a), *beta = start_peer(&w, &b);
    reflow_peer_event_options options = {0};
    options.struct_size = sizeof options;
    options.capacity = 1;
    reflow_peer_subscription *slow = NULL, *other = subscribe(beta, 0);
    WORKS(reflow_peer_subscribe(beta, &options, &slow, &e));
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(alpha));
    WORKS(reflow_peer_connect(beta, text_of(endpoint), 20000, NULL, &e));
    WORKS(reflow_peer_disconnect(beta, text_of("alpha"), &e));
    expect(other, "connected", "alpha");
    expect(other, "disconnected", "alpha");
    EVENTUALLY(!reflow_peer_connected(beta, text_of("alpha")));
    reflow_message event;
    uint64_t missed = 0;
    WORKS(reflow_peer_subscription_poll(slow, 20000, &event, &missed, &e));
    CHECK(is_text(member_of(event, "kind"), "connected"));
    reflow_message_unref(event);
    options.capacity = 65537;
    reflow_peer_subscription *none = NULL;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_subscribe(beta, &options, &none, &e));
    CHECK(missed <= 1);
    reflow_peer_subscription_destroy(slow);
    reflow_peer_subscription_destroy(other);
    reflow_peer_destroy(beta);
    reflow_peer_destroy(alpha);
    close_world(&w);
}

/* What an entry may say that is no peer: it is told of, and disturbs nothing. */
static void test_odd_entries(void) {
    world w;
    open_world(&w, "");
    const char *type = "application/json";
    static const char *const odd[] = {
        "{\"network_id\":\"mute\",\"instance_id\":\"1\",\"endpoint\":\"127.0.0.1:1\",\"capabilities\":[]}",
        "{\"network_id\":\"odd\",\"instance_id\":\"1\",\"endpoint\":\"nonsense\",\"capabilities\":[]}",
        "{\"network_id\":\"wild\",\"instance_id\":\"1\",\"endpoint\":\":::1\",\"capabilities\":[]}"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
        CHECK(ask(w.server, "POST", "/register", type, "", odd[i], "") == 200);
    }
    reflow_peer_options a = named(&w, "alpha"), b = named(&w, "beta");
    reflow_peer *alpha = start_peer(&w, &a), *beta = start_peer(&w, &b);
    /* Somebody else's name for the port of beta. */
    char liar[256];
    snprintf(liar, sizeof liar,
             "{\"network_id\":\"liar\",\"instance_id\":\"1\",\"endpoint\":\"localhost:%u\","
             "\"capabilities\":[]}",
             reflow_peer_port(beta));
    CHECK(ask(w.server, "POST", "/register", type, "", liar, "") == 200);
    EVENTUALLY(links_to(alpha, "beta") == 1);
    for (int i = 0; i < 5; ++i) WORKS(reflow_peer_discover(alpha, 20000, &e));
    EVENTUALLY(links_to(alpha, "beta") == 1 && links_to(beta, "alpha") == 1);
    CHECK(known(alpha, "mute") == 2 && known(alpha, "odd") == 2 && known(alpha, "liar") == 2);
    reflow_peer_options bad = named(&w, "delta");
    const reflow_view wrong[] = {text_of("ftp://127.0.0.1:9000")};
    bad.discovery_endpoints = wrong;
    reflow_peer *none = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(w.runtime, &bad, &none, &e));
    bad = named(&w, "delta");
    bad.advertise_address = text_of("0.0.0.0:1");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(w.runtime, &bad, &none, &e));
    reflow_peer_destroy(beta);
    reflow_peer_destroy(alpha);
    close_world(&w);
}

int main(void) {
    check_time_limit(55);
    if (!reflow_feature(text_of("peer"))) return 0;
    test_arguments();
    test_answers();
    test_find_each_other();
    test_outage();
    test_two_servers();
    test_who_is_dialled();
    test_connect_to_what_is_found();
    test_both_dial();
    test_crowd();
    test_old_link_stays();
    test_one_name_twice();
    test_questions_and_callbacks();
    test_slow_reader();
    test_odd_entries();
    return 0;
}
