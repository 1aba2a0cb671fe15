/* Section 21 of reflow.h: peers, meshes and discovery servers that their own callbacks destroy. Each kind of callback
 * has a case; that a peer has ended is seen by the destroy of its HTTP handler, and that all has by that of its
 * runtime, which whatever stands on it keeps. Whatever thread that is on, the hooks for threads frame it. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "rig.h"

#define EVENTUALLY(condition) RIG_EVENTUALLY(120, condition)

typedef enum how {
    by_nothing,
    by_event,
    by_http,
    by_lost,
    by_log,
    by_follower,
    by_actor,
    by_discovery
} how;

typedef struct stage {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_peer *victim; /* exchanged: only one callback destroys it */
    reflow_peer_subscription *watch;
    reflow_discovery *server; /* destroyed beside the victim, if it is there */
    how kind;
    bool runtime_too;
    uint32_t port;
    int struck; /* the destroy has returned, inside the callback */
    int ended;  /* calls of destroy of the victim's handler */
    int over;   /* and of the runtime */
    int begun, left; /* its threads */
} stage;

/* ---- the hooks for threads */

static const char *const thread_names[] = {"rf-w0", "rf-wires", "rf-names", "rf-http", "rf-follow", "rf-end"};
enum { NAMES = sizeof thread_names / sizeof *thread_names };
static int ended_threads[NAMES]; /* by name */
static __thread const stage *hooked; /* of what stage this is a thread */
static __thread bool is_main;

static void on_thread_start(void *user_data) {
    CHECK(hooked == NULL && !is_main);
    hooked = user_data;
    __atomic_add_fetch(&((stage *)user_data)->begun, 1, __ATOMIC_RELEASE);
}
static void on_thread_stop(void *user_data) {
    char name[16] = "";
    CHECK(hooked == user_data);
    hooked = NULL;
    CHECK(prctl(PR_GET_NAME, name) == 0);
    for (int i = 0; i < NAMES; ++i) {
        if (strcmp(name, thread_names[i]) == 0) __atomic_add_fetch(&ended_threads[i], 1, __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&((stage *)user_data)->left, 1, __ATOMIC_RELEASE);
}
/* Callbacks come on the thread of the test, which has no hooks, or on one that has begun and not ended. */
static void check_thread(const stage *s) { CHECK(is_main ? hooked == NULL : hooked == s); }

static void strike(stage *s, how kind) {
    check_thread(s);
    if (__atomic_load_n(&s->kind, __ATOMIC_ACQUIRE) != kind) return;
    reflow_peer *victim = __atomic_exchange_n(&s->victim, NULL, __ATOMIC_ACQ_REL);
    if (victim == NULL) return;
    reflow_peer_destroy(victim);
    reflow_discovery_destroy(s->server);
    if (s->runtime_too) reflow_runtime_destroy(s->runtime);
    __atomic_store_n(&s->struck, 1, __ATOMIC_RELEASE);
}

static void on_event(void *user_data, reflow_message event, uint64_t missed) {
    (void)event;
    (void)missed;
    strike(user_data, by_event);
    strike(user_data, by_discovery);
}

static void on_request(void *user_data, const reflow_http_request *request,
                       reflow_http_reply *reply) {
    (void)request;
    reflow_error *error = NULL;
    strike(user_data, by_http);
    /* Whether somebody still waits is left open. */
    (void)reflow_http_reply_send(reply, 200, text_of(""), text_of("here"), &error);
    reflow_error_destroy(error);
}
static void on_end(void *user_data) {
    check_thread(user_data);
    __atomic_add_fetch(&((stage *)user_data)->ended, 1, __ATOMIC_RELEASE);
}
static void on_over(void *user_data) {
    __atomic_add_fetch(&((stage *)user_data)->over, 1, __ATOMIC_RELEASE);
}

static void count_end_of(void *user_data) {
    __atomic_add_fetch((int *)user_data, 1, __ATOMIC_RELEASE);
}
static int number_of(const int *count) { return __atomic_load_n(count, __ATOMIC_ACQUIRE); }

static void on_lost(void *user_data, reflow_view port, reflow_message message,
                    reflow_status status, reflow_view reason) {
    (void)port;
    (void)message;
    (void)status;
    (void)reason;
    strike(user_data, by_lost);
}

static bool has_text(reflow_view text, const char *part) {
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= text.size; ++i) {
        if (memcmp(text.data + i, part, size) == 0) return true;
    }
    return false;
}

static void on_log(void *user_data, reflow_log_level level, reflow_view subsystem,
                   reflow_view node, reflow_view text) {
    (void)level;
    (void)subsystem;
    (void)node;
    strike(user_data, by_log);
    /* Of a packet that one who follows cannot get. The turn that has emitted it is over or goes on: it is not
     * this thread's, which may wait for it. */
    stage *s = user_data;
    if (__atomic_load_n(&s->kind, __ATOMIC_ACQUIRE) != by_follower ||
        !has_text(text, "cannot go to friend")) {
        return;
    }
    if (__atomic_load_n(&s->victim, __ATOMIC_ACQUIRE) != NULL) {
        WORKS(reflow_network_wait_idle(s->network, 60000, &e));
        WORKS(reflow_peer_disconnect(s->victim, text_of("friend"), &e));
    }
    strike(s, by_follower);
}

static reflow_status on_packets(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)context;
    (void)inputs;
    (void)count;
    strike(state, by_actor);
    return REFLOW_OK;
}
static reflow_status make_state(reflow_context *context, void *user_data, void **state) {
    (void)context;
    *state = user_data;
    return REFLOW_OK;
}

static reflow_status emit_large(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count);

static void open_network(stage *s, const char *of) {
    rig_component component = {0};
    component.id = "Strike";
    component.inports = "a";
    component.create = make_state;
    component.run = on_packets;
    component.user_data = s;
    rig_register(s->runtime, &component);
    rig_component large = {.id = "Large", .inports = "a", .outports = "o", .run = emit_large};
    rig_register(s->runtime, &large);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "node", of);
    s->network = rig_network(s->runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(s->network, &e));
}

/* With a victim that has not been started. */
static void open_stage_of(stage *s, const char *of, const reflow_peer_options *options) {
    reflow_runtime_options with_log = rig_options(&rig_own);
    memset(s, 0, sizeof *s);
    with_log.log = on_log;
    with_log.thread_start = on_thread_start;
    with_log.thread_stop = on_thread_stop;
    with_log.user_data = s;
    with_log.destroy = on_over;
    WORKS(reflow_runtime_create(&with_log, &s->runtime, &e));
    open_network(s, of);
    WORKS(reflow_peer_create(s->runtime, options, &s->victim, &e));
    WORKS(reflow_peer_attach(s->victim, s->network, &e));
    WORKS(reflow_peer_on_http(s->victim, on_request, s, on_end, NULL, &e));
    reflow_peer_event_options watch = {0};
    watch.struct_size = sizeof watch;
    watch.callback = on_event;
    watch.user_data = s;
    WORKS(reflow_peer_subscribe(s->victim, &watch, &s->watch, &e));
}

static void open_stage_with(stage *s, const reflow_peer_options *options) {
    open_stage_of(s, "Strike", options);
}

static void open_stage(stage *s) {
    reflow_peer_options options = rig_peer_options("victim");
    open_stage_with(s, &options);
}

static void start(stage *s) {
    WORKS(reflow_peer_start(s->victim, &e));
    s->port = reflow_peer_port(s->victim);
}

/* Once the callback has returned: what has to be over when the runtime has ended. */
static void close_stage(stage *s) {
    EVENTUALLY(number_of(&s->struck) == 1);
    reflow_peer_subscription_destroy(s->watch);
    reflow_network_destroy(s->network);
    if (s->runtime_too) {
        EVENTUALLY(number_of(&s->over) == 1);
    } else {
        reflow_runtime_destroy(s->runtime);
    }
    CHECK(number_of(&s->ended) == 1 && number_of(&s->over) == 1);
    CHECK(number_of(&s->begun) == number_of(&s->left) && s->begun >= (int)rig_own.workers);
}

/* Somebody who is no part of it, on a runtime of its own. */
typedef struct friend {
    reflow_runtime *runtime;
    reflow_peer *peer;
} friend;

static friend make_friend(const reflow_peer_options *options) {
    friend f;
    f.runtime = rig_runtime(&rig_own);
    WORKS(reflow_peer_create(f.runtime, options, &f.peer, &e));
    WORKS(reflow_peer_start(f.peer, &e));
    return f;
}

static void end_friend(friend *f) {
    reflow_peer_destroy(f->peer);
    reflow_runtime_destroy(f->runtime);
}

/* Connects to the victim, which may have gone before that is done. */
static void visit(friend *f, const stage *s) {
    char text[64];
    reflow_error *error = NULL;
    snprintf(text, sizeof text, "127.0.0.1:%u", s->port);
    (void)reflow_peer_connect(f->peer, text_of(text), 60000, NULL, &error);
    reflow_error_destroy(error);
}

static void test_event(bool runtime_too) {
    stage s;
    reflow_peer_options options = rig_peer_options("friend");
    open_stage(&s);
    s.runtime_too = runtime_too;
    s.kind = by_event;
    start(&s);
    friend f = make_friend(&options);
    visit(&f, &s);
    close_stage(&s);
    end_friend(&f);
}

/* While another thread waits in a call with the victim. */
static void test_event_in_a_call(void) {
    stage s;
    reflow_error *error = NULL;
    reflow_peer_options options = rig_peer_options("friend");
    open_stage(&s);
    friend f = make_friend(&options);
    start(&s);
    s.kind = by_event;
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", reflow_peer_port(f.peer));
    /* It may be there before the peer has gone. */
    reflow_status status = reflow_peer_connect(s.victim, text_of(text), 60000, NULL, &error);
    CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
    reflow_error_destroy(error);
    close_stage(&s);
    end_friend(&f);
}

static void test_http(void) {
    static const char request[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
    stage s;
    char answer[1000];
    open_stage(&s);
    s.kind = by_http;
    start(&s);
    struct sockaddr_in to = {0};
    int number = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t)s.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(number, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(send(number, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    while (recv(number, answer, sizeof answer, 0) > 0) {
    }
    close(number);
    close_stage(&s);
}

static void keep(stage *s, uint32_t messages, uint32_t deadline_ms) {
    reflow_delivery_options options = {0};
    options.struct_size = sizeof options;
    options.outbox_policy = REFLOW_OUTBOX_DROP_OLDEST;
    options.outbox_messages = messages;
    options.deadline_ms = deadline_ms;
    options.undelivered = on_lost;
    options.user_data = s;
    WORKS(reflow_peer_set_delivery(s->victim, text_of("nobody"), text_of("x"), &options, &e));
    s->kind = by_lost;
}

static void put(stage *s) {
    WORKS(reflow_peer_send(s->victim, text_of("nobody"), text_of("x"), text_of("a"),
                           reflow_message_integer(1), text_of(""), 1000, &e));
}

static void test_lost(void) {
    stage s;
    /* The deadline is found on the thread of links. */
    reflow_peer_options options = rig_peer_options("victim");
    options.heartbeat_interval_ms = 20;
    open_stage_with(&s, &options);
    start(&s);
    keep(&s, 100, 1);
    put(&s);
    close_stage(&s);
    /* And the oldest gives way inside of the send. */
    open_stage(&s);
    start(&s);
    keep(&s, 1, 600000);
    put(&s);
    CHECK(s.struck == 0);
    put(&s);
    CHECK(s.struck == 1);
    close_stage(&s);
}

static void test_log(void) {
    stage s;
    reflow_peer_options options = rig_peer_options("friend");
    /* Of the call that starts it. */
    open_stage(&s);
    s.kind = by_log;
    reflow_error *error = NULL;
    (void)reflow_peer_start(s.victim, &error);
    reflow_error_destroy(error);
    CHECK(s.struck == 1);
    close_stage(&s);
    /* Of the thread of links, that somebody has come. */
    open_stage(&s);
    start(&s);
    __atomic_store_n(&s.kind, by_log, __ATOMIC_RELEASE);
    friend f = make_friend(&options);
    visit(&f, &s);
    close_stage(&s);
    end_friend(&f);
}

/* On the thread that serves those who follow outports. */
static reflow_status emit_large(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    enum { SIZE = 48 << 20 }; /* more than a link carries */
    char *data = calloc(1, SIZE);
    reflow_message message = {0, 0};
    CHECK(data != NULL);
    WORKS(reflow_message_bytes(data, SIZE, &message, &e));
    free(data);
    return reflow_context_emit(context, 0, message);
}

static void test_follower_log(void) {
    stage s;
    reflow_peer_options of_victim = rig_peer_options("victim");
    open_stage_of(&s, "Large", &of_victim);
    start(&s);
    friend f;
    f.runtime = rig_runtime(&rig_own);
    rig_register_pass(f.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "remote", "node@victim");
    rig_node(graph, "after", "Pass");
    rig_node(graph, "before", "Pass");
    rig_connect(graph, "before.o", "remote.a", NULL);
    rig_connect(graph, "remote.o", "after.a", NULL);
    reflow_network *network = rig_network(f.runtime, graph);
    reflow_graph_destroy(graph);
    reflow_peer_options options = rig_peer_options("friend");
    WORKS(reflow_peer_create(f.runtime, &options, &f.peer, &e));
    WORKS(reflow_peer_attach(f.peer, network, &e));
    WORKS(reflow_peer_start(f.peer, &e));
    WORKS(reflow_network_start(network, &e));
    visit(&f, &s);
    /* What it sends goes only once its wish to follow has been answered. */
    __atomic_store_n(&s.kind, by_follower, __ATOMIC_RELEASE);
    rig_send(network, rig_inport(network, "before.a"), 1);
    close_stage(&s);
    reflow_peer_destroy(f.peer);
    reflow_network_destroy(network);
    reflow_runtime_destroy(f.runtime);
}

static void test_actor(bool runtime_too) {
    stage s;
    open_stage(&s);
    s.runtime_too = runtime_too;
    start(&s);
    s.kind = by_actor;
    rig_send(s.network, rig_inport(s.network, "node.a"), 1);
    close_stage(&s);
}

/* On the thread that asks discovery servers; one of these ends with the peer. */
static void test_discovery(void) {
    stage s;
    char text[64];
    friend other;
    int over = 0;
    reflow_runtime_options counts = rig_options(&rig_own);
    counts.user_data = &over;
    counts.destroy = count_end_of;
    WORKS(reflow_runtime_create(&counts, &other.runtime, &e));
    reflow_discovery *server = NULL;
    WORKS(reflow_discovery_create(other.runtime, NULL, &server, &e));
    WORKS(reflow_discovery_serve(server, text_of("127.0.0.1"), 0, &e));
    snprintf(text, sizeof text, "http://127.0.0.1:%u", reflow_discovery_port(server));
    reflow_view endpoint = text_of(text);
    reflow_peer_options options = rig_peer_options("friend");
    options.discovery_endpoints = &endpoint;
    options.discovery_endpoints_count = 1;
    options.flags = REFLOW_PEER_NO_AUTO_DIAL;
    WORKS(reflow_peer_create(other.runtime, &options, &other.peer, &e));
    WORKS(reflow_peer_start(other.peer, &e));
    WORKS(reflow_peer_discover(other.peer, 60000, &e));
    options.network_id = text_of("victim");
    open_stage_with(&s, &options);
    s.server = server;
    s.kind = by_discovery;
    WORKS(reflow_peer_start(s.victim, &e)); /* which it may not live to see */
    close_stage(&s);
    reflow_peer_destroy(other.peer);
    reflow_runtime_destroy(other.runtime); /* the server stands on it */
    CHECK(number_of(&over) == 1);
}

/* A discovery server that goes while it tells where it listens. */
typedef struct office {
    reflow_discovery *server;
    int over;
} office;
static void on_office_end(void *user_data) { ++((office *)user_data)->over; }
static void on_office_log(void *user_data, reflow_log_level level, reflow_view subsystem,
                          reflow_view node, reflow_view text) {
    office *o = user_data;
    (void)level;
    (void)node;
    (void)text;
    if (!same_text(subsystem, "discovery")) return;
    reflow_discovery *server = o->server;
    o->server = NULL;
    reflow_discovery_destroy(server);
}

static void test_discovery_log(void) {
    office o = {NULL, 0};
    reflow_runtime *runtime = NULL;
    reflow_runtime_options with_log = rig_options(&rig_own);
    with_log.log = on_office_log;
    with_log.user_data = &o;
    with_log.destroy = on_office_end;
    WORKS(reflow_runtime_create(&with_log, &runtime, &e));
    WORKS(reflow_discovery_create(runtime, NULL, &o.server, &e));
    WORKS(reflow_discovery_serve(o.server, text_of("127.0.0.1"), 0, &e));
    CHECK(o.server == NULL);
    reflow_runtime_destroy(runtime);
    CHECK(o.over == 1);
}

/* On the thread of its port, which finds no descriptor for a guest. */
typedef struct porter {
    reflow_discovery *server; /* exchanged */
    int struck, over;
} porter;
static void on_porter_end(void *user_data) {
    __atomic_add_fetch(&((porter *)user_data)->over, 1, __ATOMIC_RELEASE);
}
static void on_porter_log(void *user_data, reflow_log_level level, reflow_view subsystem,
                          reflow_view node, reflow_view text) {
    porter *p = user_data;
    (void)level;
    (void)node;
    if (!same_text(subsystem, "discovery") || !has_text(text, "cannot accept")) return;
    reflow_discovery *server = __atomic_exchange_n(&p->server, NULL, __ATOMIC_ACQ_REL);
    if (server == NULL) return;
    reflow_discovery_destroy(server);
    __atomic_store_n(&p->struck, 1, __ATOMIC_RELEASE);
}

static void test_discovery_port_log(void) {
    porter p = {NULL, 0, 0};
    reflow_runtime *runtime = NULL;
    reflow_runtime_options with_log = rig_options(&rig_own);
    with_log.log = on_porter_log;
    with_log.user_data = &p;
    with_log.destroy = on_porter_end;
    WORKS(reflow_runtime_create(&with_log, &runtime, &e));
    reflow_discovery *server = NULL; /* the callback's, once it can see it */
    WORKS(reflow_discovery_create(runtime, NULL, &server, &e));
    WORKS(reflow_discovery_serve(server, text_of("127.0.0.1"), 0, &e));
    struct sockaddr_in to = {0};
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t)reflow_discovery_port(server));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    __atomic_store_n(&p.server, server, __ATOMIC_RELEASE);
    /* The last descriptor that there is. */
    int number = socket(AF_INET, SOCK_STREAM, 0);
    struct rlimit before, none;
    CHECK(number >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = (rlim_t)number + 1;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK(connect(number, (struct sockaddr *)&to, sizeof to) == 0);
    EVENTUALLY(number_of(&p.struck) == 1);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    close(number);
    reflow_runtime_destroy(runtime);
    CHECK(number_of(&p.over) == 1);
}

/* A mesh in a callback of one of its peers. */
typedef struct crowd {
    reflow_mesh *mesh;
    int struck;
} crowd;
static void on_crowd(void *user_data, reflow_message event, uint64_t missed) {
    crowd *c = user_data;
    (void)event;
    (void)missed;
    reflow_mesh *mesh = c->mesh;
    c->mesh = NULL;
    if (mesh == NULL) return;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_mesh_teardown(mesh, text_of("one"), &e));
    reflow_mesh_destroy(mesh);
    __atomic_store_n(&c->struck, 1, __ATOMIC_RELEASE);
}

static void test_mesh(void) {
    crowd c = {NULL, 0};
    int over = 0;
    reflow_runtime *runtime = NULL;
    reflow_runtime_options counts = rig_options(&rig_own);
    counts.user_data = &over;
    counts.destroy = count_end_of;
    WORKS(reflow_runtime_create(&counts, &runtime, &e));
    reflow_peer_options of_peers = rig_peer_options("node");
    reflow_mesh_options options = {0};
    options.struct_size = sizeof options;
    options.base_port = 20000 + (uint32_t)(getpid() % 20000);
    options.peer = &of_peers;
    WORKS(reflow_mesh_create(runtime, &options, &c.mesh, &e));
    uint32_t one = 0;
    WORKS(reflow_mesh_assign(c.mesh, text_of("one"), NULL, &one, &e));
    WORKS(reflow_mesh_assign(c.mesh, text_of("two"), NULL, NULL, &e));
    reflow_peer *first = NULL;
    WORKS(reflow_mesh_peer(c.mesh, text_of("one"), &first, &e));
    reflow_peer_event_options watch = {0};
    watch.struct_size = sizeof watch;
    watch.callback = on_crowd;
    watch.user_data = &c;
    reflow_peer_subscription *subscription = NULL;
    WORKS(reflow_peer_subscribe(first, &watch, &subscription, &e));
    reflow_peer_options named = rig_peer_options("friend");
    friend f = make_friend(&named);
    stage at = {0};
    at.port = one;
    visit(&f, &at);
    EVENTUALLY(number_of(&c.struck) == 1);
    reflow_peer_subscription_destroy(subscription);
    reflow_runtime_destroy(runtime);
    CHECK(number_of(&over) == 1);
    end_friend(&f);
}

/* A name is looked up on a thread of its own. */
static void test_name(void) {
    stage s;
    open_stage(&s);
    start(&s);
    reflow_error *error = NULL;
    CHECK(reflow_peer_connect(s.victim, text_of("localhost:1"), 60000, NULL, &error) != REFLOW_OK);
    reflow_error_destroy(error);
    strike(&s, by_nothing);
    close_stage(&s);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    check_time_limit(100);
    is_main = true;
    test_name();
    test_event(false);
    test_event(true);
    test_event_in_a_call();
    test_http();
    test_lost();
    test_log();
    test_follower_log();
    test_actor(false);
    test_actor(true);
    test_discovery();
    test_discovery_log();
    test_discovery_port_log();
    test_mesh();
    for (int i = 0; i < NAMES; ++i) {
        if (ended_threads[i] == 0) check_failed(__FILE__, __LINE__, "no hooks", thread_names[i]);
    }
    return 0;
}
