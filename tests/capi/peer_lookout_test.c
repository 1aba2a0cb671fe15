/* Section 21 of reflow.h: workers that have nothing to do wait for packets of links. While a
 * callback blocks, somebody else looks after all links; what it may do is what it may do
 * elsewhere. */
#include "check.h"

#include <time.h>

#include "rig.h"

/* An actor that stays in its callback until it is let go. */
typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t inside;
    bool open;
} gate;

static gate the_gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};

static reflow_status stay(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    pthread_mutex_lock(&the_gate.mutex);
    ++the_gate.inside;
    pthread_cond_broadcast(&the_gate.changed);
    while (!the_gate.open) pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    pthread_mutex_unlock(&the_gate.mutex);
    return REFLOW_OK;
}

static void await_inside(void) {
    pthread_mutex_lock(&the_gate.mutex);
    while (the_gate.inside == 0) pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    pthread_mutex_unlock(&the_gate.mutex);
}
static void let_go(void) {
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.open = true;
    pthread_cond_broadcast(&the_gate.changed);
    pthread_mutex_unlock(&the_gate.mutex);
}

typedef rig_side side;

/* Three of these without a byte end a link, and no thread of a busy machine waits so long. */
enum { HEARTBEAT_MS = 500 };

static side open_side(const char *name, uint32_t workers) {
    side s;
    rig_mode mode = {"own", REFLOW_MODE_OWN, workers, 0, false, 0};
    s.runtime = rig_runtime(&mode);
    rig_register_pass(s.runtime);
    rig_component gate_component = {.id = "Stay", .inports = "a", .run = stay};
    rig_register(s.runtime, &gate_component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    rig_node(graph, "blocker", "Stay");
    s.network = rig_network(s.runtime, graph);
    reflow_graph_destroy(graph);
    s.output = rig_output(s.network, "recorder.o", 20000);
    WORKS(reflow_network_start(s.network, &e));
    reflow_peer_options options = rig_peer_options(name);
    options.heartbeat_interval_ms = HEARTBEAT_MS;
    rig_start_peer(&s, &options);
    return s;
}

static void dial(side *from, const side *to) {
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%u", reflow_peer_port(to->peer));
    WORKS(reflow_peer_connect(from->peer, text_of(text), 10000, NULL, &e));
}

static void put(const side *from, const char *network, const char *actor, int64_t value) {
    WORKS(reflow_peer_send(from->peer, text_of(network), text_of(actor), text_of("a"),
                           reflow_message_integer(value), text_of(""), 10000, &e));
}

/* One packet after the other, each when the one before has come through the actor. */
static void volley(const side *from, const side *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        put(from, "alpha", "recorder", i);
        CHECK(rig_recv(to->output) == i);
    }
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A packet leads into a callback that does not return. Both links live on, with heartbeats and
 * questions, for longer than a silent link may, and packets come in. */
static void test_blocked(uint32_t workers) {
    the_gate.inside = 0;
    the_gate.open = false;
    side alpha = open_side("alpha", workers), beta = open_side("beta", 1),
         gamma = open_side("gamma", 1);
    dial(&beta, &alpha);
    dial(&gamma, &alpha);
    volley(&beta, &alpha, 500);
    put(&beta, "alpha", "blocker", 1);
    await_inside();
    uint64_t end = now_ms() + 5 * HEARTBEAT_MS;
    int64_t sent = 0;
    while (now_ms() < end) {
        WORKS(reflow_peer_ping(gamma.peer, text_of("alpha"), 10000, NULL, &e));
        WORKS(reflow_peer_ping(beta.peer, text_of("alpha"), 10000, NULL, &e));
        if (sent < 100) put(&gamma, "alpha", "recorder", sent++);
    }
    CHECK(reflow_peer_connected(beta.peer, text_of("alpha")));
    CHECK(reflow_peer_connected(gamma.peer, text_of("alpha")));
    CHECK(reflow_peer_connected(alpha.peer, text_of("gamma")));
    let_go();
    for (int64_t i = 0; i < sent; ++i) CHECK(rig_recv(alpha.output) == i);
    volley(&beta, &alpha, 500);
    rig_end_side(&gamma);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* Workers come and go, and a host sends, while one of them may wait for packets. */
static void test_workers(void) {
    side alpha = open_side("alpha", 1), beta = open_side("beta", 2);
    dial(&beta, &alpha);
    reflow_inport inport = rig_inport(alpha.network, "recorder.a");
    for (uint32_t round = 0; round < 20; ++round) {
        volley(&beta, &alpha, 50);
        WORKS(reflow_runtime_set_workers(alpha.runtime, 1 + round % 3, &e));
        for (int64_t i = 0; i < 50; ++i) {
            rig_send(alpha.network, inport, 1000 + i);
            CHECK(rig_recv(alpha.output) == 1000 + i);
        }
    }
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* A callback of the host for events is made where it holds up no worker: it may wait for one. */
typedef struct visitor {
    side *alpha;
    reflow_inport inport;
    uint32_t seen; /* with atomics */
} visitor;

static void visit(void *user_data, reflow_message event, uint64_t missed) {
    visitor *v = user_data;
    (void)event, (void)missed;
    rig_send(v->alpha->network, v->inport, 7);
    CHECK(rig_recv(v->alpha->output) == 7);
    __atomic_add_fetch(&v->seen, 1, __ATOMIC_RELEASE);
}

static void test_events(void) {
    side alpha = open_side("alpha", 1);
    visitor v = {&alpha, rig_inport(alpha.network, "recorder.a"), 0};
    reflow_peer_event_options options = {0};
    options.struct_size = sizeof options;
    options.kinds = 1u << REFLOW_PEER_DISCONNECTED;
    options.callback = visit;
    options.user_data = &v;
    reflow_peer_subscription *events = NULL;
    WORKS(reflow_peer_subscribe(alpha.peer, &options, &events, &e));
    for (uint32_t round = 1; round <= 5; ++round) {
        side beta = open_side("beta", 1);
        dial(&beta, &alpha);
        volley(&beta, &alpha, 300);
        rig_end_side(&beta);
        RIG_EVENTUALLY(30, __atomic_load_n(&v.seen, __ATOMIC_ACQUIRE) == round);
    }
    reflow_peer_subscription_destroy(events);
    rig_end_side(&alpha);
}

/* A callback that waits though it must not: on a worker that waits for packets it is refused, since that worker
 * would wait for itself; on the thread of links, or of the call that sends, it may go well. Nothing stands still. */
typedef struct waiter {
    side *alpha;
    reflow_inport inport;
    int64_t told; /* with atomics */
} waiter;

static void wait_inside(void *user_data, reflow_view port, reflow_message message,
                        reflow_status status, reflow_view reason) {
    waiter *w = user_data;
    (void)port, (void)message, (void)status, (void)reason;
    rig_send(w->alpha->network, w->inport, 7); /* what is waited for needs the one worker */
    reflow_error *error = NULL;
    reflow_status waited = reflow_network_wait_idle(w->alpha->network, 20000, &error);
    CHECK(waited == REFLOW_OK || waited == REFLOW_ERROR_WOULD_DEADLOCK);
    reflow_error_destroy(error);
    __atomic_add_fetch(&w->told, 1, __ATOMIC_RELEASE);
}

static void test_undelivered(void) {
    side alpha = open_side("alpha", 1), beta = open_side("beta", 1);
    waiter w = {&alpha, rig_inport(alpha.network, "recorder.a"), 0};
    reflow_delivery_options options = {0};
    options.struct_size = sizeof options;
    options.delivery = REFLOW_DELIVERY_AT_LEAST_ONCE;
    options.undelivered = wait_inside;
    options.user_data = &w;
    WORKS(reflow_peer_set_delivery(alpha.peer, text_of("beta"), text_of("nobody"), &options, &e));
    dial(&beta, &alpha);
    for (int64_t round = 1; round <= 200; ++round) {
        volley(&beta, &alpha, 5);
        put(&alpha, "beta", "nobody", round);
        CHECK(rig_recv(alpha.output) == 7);
        RIG_EVENTUALLY(60, __atomic_load_n(&w.told, __ATOMIC_ACQUIRE) == round);
    }
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

int main(void) {
    test_blocked(1);
    test_blocked(2);
    test_workers();
    test_events();
    test_undelivered();
    puts("peer_lookout_test: ok");
    return 0;
}
