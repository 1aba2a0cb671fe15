/* Hosts that are called when an inport which has refused them takes messages again; in every mode. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { ALL = 1000 };

/* ---- a host that sends ALL numbers without waiting */

typedef struct host {
    reflow_network *network;
    reflow_inport inport;
    int64_t next;
    int refused, called, destroyed; /* of called and destroyed: under the lock */
    bool sends;   /* inside the callback; else it only tells */
    bool unsets;  /* inside the callback */
    size_t many;  /* at once; 0: one by one */
    reflow_status last;
    pthread_mutex_t lock;
    pthread_cond_t told;
} host;

static host host_of(reflow_network *network, const char *place) {
    host made = {0};
    made.network = network;
    made.inport = rig_inport(network, place);
    pthread_mutex_init(&made.lock, NULL);
    pthread_cond_init(&made.told, NULL);
    return made;
}

static void pump(host *own) {
    while (own->next < ALL) {
        reflow_message messages[7];
        size_t count = own->many == 0 ? 1 : own->many, accepted = 0;
        if (count > (size_t)(ALL - own->next)) count = (size_t)(ALL - own->next);
        for (size_t i = 0; i < count; ++i) {
            messages[i] = reflow_message_integer(own->next + (int64_t)i);
        }
        if (own->many == 0) {
            own->last = reflow_network_try_send(own->network, own->inport, messages[0], NULL);
            accepted = own->last == REFLOW_OK ? 1 : 0;
        } else {
            own->last = reflow_network_send_many(own->network, own->inport, messages, count, 0,
                                                 &accepted, NULL);
        }
        own->next += (int64_t)accepted;
        if (own->last == REFLOW_OK) continue;
        CHECK(own->last == REFLOW_ERROR_WOULD_BLOCK || own->last == REFLOW_ERROR_CLOSED);
        ++own->refused; /* what it tells is told behind this call, or was before */
        return;
    }
}

static int read_of(host *own, const int *value) {
    pthread_mutex_lock(&own->lock);
    int now = *value;
    pthread_mutex_unlock(&own->lock);
    return now;
}

static void writable(void *user_data, reflow_inport inport) {
    host *own = user_data;
    CHECK(inport.id == own->inport.id);
    if (reflow_network_get_state(own->network) == REFLOW_NETWORK_RUNNING) {
        FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
              reflow_network_wait_idle(own->network, REFLOW_FOREVER, &e));
    }
    if (own->unsets) {
        WORKS(reflow_network_on_writable(own->network, inport, NULL, NULL, NULL, &e));
        CHECK(read_of(own, &own->destroyed) == 0);
    }
    if (own->sends) pump(own);
    pthread_mutex_lock(&own->lock);
    ++own->called;
    pthread_cond_broadcast(&own->told);
    pthread_mutex_unlock(&own->lock);
}

static void destroyed(void *user_data) {
    host *own = user_data;
    pthread_mutex_lock(&own->lock);
    ++own->destroyed;
    pthread_mutex_unlock(&own->lock);
}

static void watch(host *own) {
    WORKS(reflow_network_on_writable(own->network, own->inport, writable, own, destroyed, &e));
}

/* ---- networks */

static int64_t expected; /* by the one sink */
static reflow_status sink_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)context;
    (void)state;
    for (size_t i = 0; i < count; ++i) CHECK(rig_integer(inputs[i].message) == expected++);
    return REFLOW_OK;
}

static reflow_runtime *runtime_of(const rig_mode *mode) {
    expected = 0;
    reflow_runtime_options options = rig_options(mode);
    if (!mode->tiny) options.port_capacity = 5;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_lend(runtime, mode);
    rig_component sink = {.id = "Sink", .inports = "a", .run = sink_run};
    rig_register(runtime, &sink);
    return runtime;
}

static reflow_network *one_sink(reflow_runtime *runtime) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Sink");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    WORKS(reflow_network_start(network, &e));
    return network;
}

static void end(reflow_runtime *runtime, reflow_network *network) {
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void pause_sink(reflow_network *network) {
    WORKS(reflow_network_pause(network, text_of("s"), REFLOW_FOREVER, &e));
}
static void resume_sink(reflow_network *network) {
    WORKS(reflow_network_resume(network, text_of("s"), &e));
}

/* ---- tests */

/* The host sends inside the callback: all goes through, one call for each refusal. */
static void test_inside(const rig_mode *mode, size_t many) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = one_sink(runtime);
    host own = host_of(network, "s.a");
    own.sends = true;
    own.many = many;
    watch(&own);
    rig_send(network, own.inport, own.next++);
    rig_idle(network);
    CHECK(own.called == 0); /* nobody was refused */
    pause_sink(network);    /* so that there is a refusal */
    pump(&own);
    CHECK(own.refused == 1 && own.called == 0);
    resume_sink(network);
    rig_idle(network);
    CHECK(own.next == ALL && expected == ALL);
    CHECK(own.called == own.refused && own.destroyed == 0);
    end(runtime, network);
    CHECK(own.destroyed == 1);
}

/* The host sends on its own thread when it is told. */
static void test_outside(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = one_sink(runtime);
    host own = host_of(network, "s.a");
    watch(&own);
    for (pump(&own); own.next < ALL; pump(&own)) {
        if (!rig_threaded(mode)) rig_idle(network);
        pthread_mutex_lock(&own.lock);
        while (own.called < own.refused) pthread_cond_wait(&own.told, &own.lock);
        CHECK(own.called == own.refused);
        pthread_mutex_unlock(&own.lock);
    }
    rig_idle(network);
    CHECK(expected == ALL && own.called == own.refused);
    end(runtime, network);
}

/* One for each inport: the last one counts, and NULL ends it, also inside. */
static void test_set(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = one_sink(runtime);
    host first = host_of(network, "s.a"), second = host_of(network, "s.a");
    watch(&first);
    watch(&second);
    CHECK(first.destroyed == 1 && second.destroyed == 0);
    pause_sink(network);
    pump(&second);
    CHECK(second.refused == 1);
    second.unsets = true;
    resume_sink(network);
    rig_idle(network);
    CHECK(second.called == 1 && second.destroyed == 1 && first.called == 0);
    pause_sink(network);
    int64_t before = second.next;
    pump(&second);
    CHECK(second.refused == 2 && second.next > before);
    resume_sink(network);
    rig_idle(network);
    CHECK(second.called == 1);
    WORKS(reflow_network_on_writable(network, second.inport, NULL, NULL, NULL, &e));
    end(runtime, network);
    CHECK(second.destroyed == 1 && first.destroyed == 1);
}

/* A host that was refused hears of a stop too, and that sending is over. */
static void test_stop(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = one_sink(runtime);
    host own = host_of(network, "s.a");
    own.sends = true;
    watch(&own);
    pause_sink(network);
    pump(&own);
    CHECK(own.last == REFLOW_ERROR_WOULD_BLOCK && own.called == 0);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    CHECK(own.called == 1 && own.last == REFLOW_ERROR_CLOSED);
    end(runtime, network);
    CHECK(own.called == 1 && own.destroyed == 1);
}

/* The node that refused is replaced: room or not, the host is called. */
static void test_change(const rig_mode *mode) {
    reflow_runtime *runtime = runtime_of(mode);
    reflow_network *network = one_sink(runtime);
    host own = host_of(network, "s.a");
    own.sends = true;
    watch(&own);
    pause_sink(network);
    pump(&own);
    CHECK(own.refused == 1);
    WORKS(reflow_network_replace_node(network, text_of("s"), text_of("Sink"), json("{\"title\":\"x\"}"), &e));
    CHECK(own.called == 1 && own.refused == 2); /* it has what waited, and is paused as well */
    resume_sink(network);
    rig_idle(network);
    CHECK(own.next == ALL && expected == ALL && own.called == own.refused);
    end(runtime, network);
}

static void test_misuse(void) {
    reflow_runtime *runtime = runtime_of(&rig_inline);
    reflow_network *network = one_sink(runtime);
    host own = host_of(network, "s.a");
    reflow_inport foreign = {own.inport.id ^ (UINT64_C(1) << 40)};
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_on_writable(network, foreign, writable, &own, destroyed, &e));
    CHECK(own.destroyed == 1);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_on_writable(NULL, own.inport, writable, &own, destroyed, &e));
    CHECK(own.destroyed == 2);
    end(runtime, network);
}

static void test_mode(const rig_mode *mode) {
    test_inside(mode, 0);
    test_inside(mode, 7);
    test_outside(mode);
    test_set(mode);
    test_stop(mode);
    test_change(mode);
}

int main(void) {
    check_time_limit(55);
    for (size_t i = 0; i < RIG_MODES; ++i) test_mode(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_mode(&rig_tiny_modes[i]);
    test_misuse();
    return 0;
}
