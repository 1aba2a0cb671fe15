/* Hosts that are called when a network has become idle, instead of waiting for it; in every mode. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

/* ---- a host that waits */

typedef struct waiter {
    reflow_network *network;
    uint64_t id;
    pthread_mutex_t lock; /* of all below that other threads change */
    pthread_cond_t changed;
    int called, destroyed;
    int place;            /* among those that were called */
    reflow_status status; /* of the last call */
    char text[400];
    void (*act)(struct waiter *own); /* inside the callback */
    void *more;
} waiter;

static int places; /* given out so far; by one thread at a time */

static waiter waiter_of(reflow_network *network) {
    waiter made = {0};
    made.network = network;
    CHECK(pthread_mutex_init(&made.lock, NULL) == 0);
    CHECK(pthread_cond_init(&made.changed, NULL) == 0);
    return made;
}

static void told(void *user_data, const reflow_error *error) {
    waiter *own = user_data;
    if (own->act != NULL) own->act(own);
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    CHECK(own->destroyed <= own->called);
    ++own->called;
    own->place = ++places;
    own->status = reflow_error_status(error);
    snprintf(own->text, sizeof own->text, "%s",
             error == NULL ? "" : reflow_error_text(error).data);
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
}

static void ended(void *user_data) {
    waiter *own = user_data;
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    ++own->destroyed;
    CHECK(pthread_cond_broadcast(&own->changed) == 0);
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
}

static void ask(waiter *own) {
    uint64_t id = 0; /* the callback may ask again before this returns */
    WORKS(reflow_network_on_idle(own->network, told, own, ended, &id, &e));
    CHECK(id != 0);
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    own->id = id;
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
}

static int destroyed_of(waiter *own) {
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    int now = own->destroyed;
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
    return now;
}

static int called_of(waiter *own) {
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    int now = own->called;
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
    return now;
}

/* ---- networks: Later keeps its firings open until the test ends them, Sink counts */

static struct {
    pthread_mutex_t lock;
    reflow_completion open[4];
    size_t count;
} later = {.lock = PTHREAD_MUTEX_INITIALIZER};

static reflow_status later_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    CHECK(pthread_mutex_lock(&later.lock) == 0);
    for (size_t i = 0; i < count; ++i) {
        CHECK(later.count < 4);
        CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &later.open[later.count++]));
    }
    CHECK(pthread_mutex_unlock(&later.lock) == 0);
    return REFLOW_OK;
}

static size_t open_firings(void) {
    CHECK(pthread_mutex_lock(&later.lock) == 0);
    size_t count = later.count;
    CHECK(pthread_mutex_unlock(&later.lock) == 0);
    return count;
}

static void end_firing(void) {
    CHECK(pthread_mutex_lock(&later.lock) == 0);
    reflow_completion completion = later.open[--later.count];
    CHECK(pthread_mutex_unlock(&later.lock) == 0);
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(completion, 0, reflow_message_integer(7), 0));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
}

static int sunk;
static reflow_status sink_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    sunk += (int)count; /* one actor, one call at a time */
    return REFLOW_OK;
}

static reflow_status refuse(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("not today"), text_of(""));
}

typedef struct place {
    const rig_mode *mode;
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport in;   /* of l, which keeps firings open and feeds s */
    reflow_inport pass; /* of p, which nobody reads but the host */
    waiter host;
} place;

static void create(place *at, const rig_mode *mode, const char *metadata_of_x) {
    memset(at, 0, sizeof *at);
    at->mode = mode;
    at->runtime = rig_runtime(mode);
    rig_component component = {.id = "Later", .inports = "a", .outports = "o", .run = later_run};
    rig_register(at->runtime, &component);
    component = (rig_component){.id = "Sink", .inports = "a", .run = sink_run};
    rig_register(at->runtime, &component);
    component = (rig_component){.id = "Refuse", .inports = "a", .run = refuse};
    rig_register(at->runtime, &component);
    rig_register_pass(at->runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "l", "Later");
    rig_node(graph, "s", "Sink");
    rig_node(graph, "p", "Pass");
    WORKS(reflow_graph_add_node(graph, text_of("x"), text_of("Refuse"), json(metadata_of_x), &e));
    rig_connect(graph, "l.o", "s.a", NULL);
    at->network = rig_network(at->runtime, graph);
    reflow_graph_destroy(graph);
    at->in = rig_inport(at->network, "l.a");
    at->pass = rig_inport(at->network, "p.a");
    at->host = waiter_of(at->network);
    sunk = places = 0;
    CHECK(later.count == 0);
}

static void open_place(place *at, const rig_mode *mode) {
    create(at, mode, "{}");
    WORKS(reflow_network_start(at->network, &e));
}

static void close_place(place *at) {
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
}

/* What the loop of a host does, where nobody else runs the actors. */
static void run_ready(place *at) {
    if (rig_threaded(at->mode)) {
        sched_yield();
    } else if (at->mode->mode == REFLOW_MODE_LENT) {
        WORKS(reflow_runtime_work(at->runtime, 0, &e));
    } else {
        WORKS(reflow_runtime_run(at->runtime, 0, NULL, &e));
    }
}

/* Active until end_firing(). */
static void open_firing(place *at) {
    size_t before = open_firings();
    rig_send(at->network, at->in, 1);
    while (open_firings() == before) run_ready(at);
}

static void until_destroyed(place *at, waiter *own, int times) {
    while (destroyed_of(own) < times) run_ready(at);
    CHECK(own->destroyed == times);
}

/* ---- tests */

/* A network that is idle already: inside the call, each time, and that is no new idle time. */
static void test_at_once(const rig_mode *mode) {
    place at;
    open_place(&at, mode);
    rig_idle(at.network);
    reflow_subscription *events = NULL;
    reflow_event_options options = rig_event_options(0, 1u << REFLOW_EVENT_NETWORK_IDLE);
    WORKS(reflow_network_subscribe(at.network, &options, &events, &e));
    for (int i = 1; i < 4; ++i) {
        ask(&at.host);
        CHECK(at.host.called == i && at.host.destroyed == i && at.host.status == REFLOW_OK);
        FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_remove_on_idle(at.network, at.host.id, &e));
    }
    reflow_event_batch *batch = NULL;
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_subscription_poll(events, 1, 0, &batch, NULL, &e));
    reflow_subscription_destroy(events);
    close_place(&at);
}

static void look_inside(waiter *own) {
    CHECK(sunk == 1); /* it comes when all has been done */
    CHECK(reflow_network_get_state(own->network) == REFLOW_NETWORK_RUNNING);
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_network_wait_idle(own->network, REFLOW_FOREVER, &e));
}

/* Once, when what goes on has ended; in the order of asking, but for one that was taken back. */
static void test_later(const rig_mode *mode) {
    place at;
    open_place(&at, mode);
    open_firing(&at);
    waiter second = waiter_of(at.network), third = waiter_of(at.network);
    at.host.act = third.act = look_inside;
    ask(&at.host);
    ask(&second);
    ask(&third);
    CHECK(at.host.id < second.id && second.id < third.id);
    WORKS(reflow_network_remove_on_idle(at.network, second.id, &e));
    CHECK(second.destroyed == 1 && second.called == 0);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_remove_on_idle(at.network, second.id, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_remove_on_idle(at.network, 0, &e));
    CHECK_STATUS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 0, NULL));
    CHECK(called_of(&at.host) == 0 && called_of(&third) == 0);
    end_firing();
    until_destroyed(&at, &third, 1);
    CHECK(at.host.called == 1 && at.host.destroyed == 1 && at.host.status == REFLOW_OK);
    CHECK(at.host.place == 1 && third.place == 2 && third.called == 1 && second.called == 0);
    rig_send(at.network, at.pass, 1); /* the next idle time is nobody's */
    rig_idle(at.network);
    CHECK(at.host.called == 1 && third.called == 1 && second.called == 0);
    close_place(&at);
}

enum { ROUNDS = 20 };

static void send_and_ask(waiter *own) {
    place *at = own->more;
    CHECK(own->called < ROUNDS);
    CHECK(rig_counters(own->network, "p").fired == (uint64_t)own->called + 1);
    if (own->called + 1 == ROUNDS) return;
    WORKS(reflow_network_try_send(own->network, at->pass, reflow_message_integer(1), &e));
    ask(own);
}

/* Asked again inside the callback: told of what has begun there, and not of the time before. */
static void test_again(const rig_mode *mode) {
    place at;
    open_place(&at, mode);
    at.host.act = send_and_ask;
    at.host.more = &at;
    rig_send(at.network, at.pass, 1);
    ask(&at.host);
    until_destroyed(&at, &at.host, ROUNDS);
    CHECK(at.host.called == ROUNDS);
    CHECK(rig_counters(at.network, "p").fired == ROUNDS);
    close_place(&at);
}

/* What is left waits at a paused node. */
static void test_paused(const rig_mode *mode) {
    place at;
    open_place(&at, mode);
    rig_pause(at.network, "p");
    rig_send(at.network, at.pass, 1);
    ask(&at.host);
    until_destroyed(&at, &at.host, 1);
    CHECK(at.host.called == 1 && at.host.status == REFLOW_ERROR_WOULD_BLOCK);
    CHECK(strstr(at.host.text, "paused") != NULL);
    rig_resume(at.network, "p");
    rig_idle(at.network);
    close_place(&at);
}

/* Held back by what the host does not read: neither idle nor stalled, until it does. */
static void test_held(const rig_mode *mode) {
    place at;
    create(&at, mode, "{}");
    reflow_output *output = rig_output(at.network, "p.o", 1);
    WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; i < 2; ++i) { /* one for the output, and one that has no room there */
        rig_send(at.network, at.pass, i);
        while (rig_counters(at.network, "p").waiting != 0) run_ready(&at);
    }
    while (rig_counters(at.network, "p").held_back == 0) run_ready(&at);
    ask(&at.host);
    for (int i = 0; i < 50; ++i) run_ready(&at);
    CHECK(called_of(&at.host) == 0);
    CHECK(rig_recv(output) == 0);
    until_destroyed(&at, &at.host, 1);
    CHECK(at.host.called == 1 && at.host.status == REFLOW_OK);
    CHECK(rig_recv(output) == 1);
    reflow_output_destroy(output);
    close_place(&at);
}

/* A network that has failed: with a stall, and with a node. The error is that of a wait. */
static void test_failed(const rig_mode *mode) {
    place at;
    create(&at, mode, "{\"failure\": {\"then\": \"stop\"}}");
    reflow_inport x = rig_inport(at.network, "x.a");
    WORKS(reflow_network_start(at.network, &e));
    open_firing(&at);
    ask(&at.host);
    rig_send(at.network, x, 1);
    until_destroyed(&at, &at.host, 1);
    CHECK(at.host.called == 1 && at.host.status == REFLOW_ERROR_FAILED);
    CHECK(strstr(at.host.text, "not today") != NULL);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_FAILED,
                 reflow_network_wait_idle(at.network, REFLOW_FOREVER, &error));
    CHECK(strcmp(at.host.text, reflow_error_text(error).data) == 0);
    reflow_error_destroy(error);
    ask(&at.host); /* and again, as often as it is asked for */
    until_destroyed(&at, &at.host, 2);
    CHECK(at.host.status == REFLOW_ERROR_FAILED);
    later.count = 0;
    close_place(&at);
}

static reflow_status twice(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    (void)inputs;
    for (size_t i = 0; i < 2 * count; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(1)));
    }
    return REFLOW_OK;
}

static void test_stalled(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {.id = "Twice", .inports = "a", .outports = "o", .run = twice};
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_set_property(graph, text_of("on_stall"), json("\"fail\""), &e));
    rig_node(graph, "t", "Twice");
    rig_connect(graph, "t.o", "t.a", "{\"capacity\":4}");
    rig_initial(graph, "t.a", reflow_message_integer(1));
    place at = {.mode = mode, .runtime = runtime, .network = rig_network(runtime, graph)};
    reflow_graph_destroy(graph);
    at.host = waiter_of(at.network);
    WORKS(reflow_network_start(at.network, &e));
    ask(&at.host);
    until_destroyed(&at, &at.host, 1);
    CHECK(at.host.called == 1 && at.host.status == REFLOW_ERROR_LIMIT);
    CHECK(strstr(at.host.text, "on_stall") != NULL);
    ask(&at.host);
    until_destroyed(&at, &at.host, 2);
    CHECK(at.host.called == 2 && at.host.status == REFLOW_ERROR_LIMIT);
    close_place(&at);
}

static void stop_inside(waiter *own) {
    WORKS(reflow_network_stop(own->network, REFLOW_FOREVER, &e));
}
static void destroy_inside(waiter *own) { reflow_network_destroy(own->network); }

/* A stop, and the end of the handle, call who waits; afterwards the answer comes at once. */
static void test_stop(const rig_mode *mode) {
    place at;
    open_place(&at, mode);
    open_firing(&at);
    ask(&at.host);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    CHECK(at.host.called == 1 && at.host.destroyed == 1 && at.host.status == REFLOW_OK);
    ask(&at.host);
    CHECK(at.host.called == 2 && at.host.destroyed == 2 && at.host.status == REFLOW_OK);
    later.count = 0;
    close_place(&at);

    open_place(&at, mode);
    open_firing(&at);
    ask(&at.host);
    later.count = 0;
    close_place(&at);
    CHECK(at.host.called == 1 && at.host.destroyed == 1 && at.host.status == REFLOW_OK);

    open_place(&at, mode);
    at.host.act = stop_inside;
    ask(&at.host);
    until_destroyed(&at, &at.host, 1);
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    CHECK(at.host.called == 1);
    close_place(&at);

    for (int stops = 0; stops < 2; ++stops) {
        open_place(&at, mode);
        open_firing(&at);
        at.host.act = destroy_inside;
        ask(&at.host);
        if (stops == 0) {
            end_firing();
        } else {
            WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
            later.count = 0;
        }
        until_destroyed(&at, &at.host, 1);
        reflow_runtime_destroy(at.runtime);
        CHECK(at.host.called == 1 && at.host.destroyed == 1);
    }
}

/* A drain waits for idle as well, and so tells who waits for it before it goes on. */
static void test_drain(const rig_mode *mode) {
    place at;
    open_place(&at, mode);
    open_firing(&at);
    ask(&at.host);
    end_firing();
    WORKS(reflow_network_drain(at.network, REFLOW_FOREVER, &e));
    until_destroyed(&at, &at.host, 1);
    CHECK(at.host.status == REFLOW_OK && sunk == 1);
    ask(&at.host);
    CHECK(at.host.called == 2 && at.host.status == REFLOW_OK);
    close_place(&at);
}

static void test_misuse(void) {
    place at;
    create(&at, &rig_inline, "{}");
    waiter *own = &at.host;
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_network_on_idle(at.network, told, own, ended, NULL, &e));
    CHECK(own->destroyed == 1);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_on_idle(NULL, told, own, ended, NULL, &e));
    CHECK(own->destroyed == 2);
    WORKS(reflow_network_start(at.network, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_on_idle(at.network, NULL, own, ended, NULL, &e));
    CHECK(own->destroyed == 3 && own->called == 0);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_remove_on_idle(NULL, 1, &e));
    open_firing(&at);
    own->called = 3; /* as often as it was destroyed */
    for (int i = 0; i < 4096; ++i) ask(own);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_on_idle(at.network, told, own, ended, NULL, &e));
    CHECK(own->destroyed == 4 && own->called == 3);
    WORKS(reflow_network_remove_on_idle(at.network, own->id, &e));
    own->called = 5;
    ask(own);
    end_firing();
    WORKS(reflow_runtime_run(at.runtime, 0, NULL, &e));
    CHECK(own->called == 5 + 4096 && own->destroyed == 5 + 4096);
    close_place(&at);
}

static void test_recorded(void) {
    char path[] = "/tmp/reflow-idle-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0);
    close(file);
    rig_mode mode = {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0};
    reflow_runtime *runtime = rig_runtime(&mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "p", "Pass");
    reflow_network *network = NULL;
    WORKS(reflow_x_record_create(runtime, graph, text_of(path), &network, &e));
    WORKS(reflow_network_start(network, &e));
    waiter own = waiter_of(network);
    FAILS(REFLOW_ERROR_UNSUPPORTED,
          reflow_network_on_idle(network, told, &own, ended, NULL, &e));
    CHECK(own.destroyed == 1 && own.called == 0);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    CHECK(unlink(path) == 0);
}

/* ---- many threads that send, ask and take back, until the network ends under them */

enum { ASKERS = 3, TIMES = 60 };

typedef struct asked {
    pthread_mutex_t *lock;
    int called, destroyed;
} asked;

static void asked_told(void *user_data, const reflow_error *error) {
    asked *own = user_data;
    CHECK(error == NULL);
    CHECK(pthread_mutex_lock(own->lock) == 0);
    CHECK(own->called == 0 && own->destroyed == 0);
    ++own->called;
    CHECK(pthread_mutex_unlock(own->lock) == 0);
}

static void asked_ended(void *user_data) {
    asked *own = user_data;
    CHECK(pthread_mutex_lock(own->lock) == 0);
    ++own->destroyed;
    CHECK(pthread_mutex_unlock(own->lock) == 0);
}

typedef struct asker {
    place *at;
    pthread_mutex_t lock;
    asked all[TIMES];
    int removed;
} asker;

static void *ask_often(void *argument) {
    asker *own = argument;
    for (int i = 0; i < TIMES; ++i) {
        asked *one = &own->all[i];
        one->lock = &own->lock;
        uint64_t id = 0;
        reflow_status sent = reflow_network_try_send(own->at->network, own->at->pass,
                                                     reflow_message_integer(i), NULL);
        CHECK(sent == REFLOW_OK || sent == REFLOW_ERROR_WOULD_BLOCK ||
              sent == REFLOW_ERROR_CLOSED);
        WORKS(reflow_network_on_idle(own->at->network, asked_told, one, asked_ended, &id, &e));
        if (i % 3 != 0) continue;
        reflow_status removed = reflow_network_remove_on_idle(own->at->network, id, NULL);
        CHECK(removed == REFLOW_OK || removed == REFLOW_ERROR_NOT_FOUND);
        if (removed != REFLOW_OK) continue;
        ++own->removed;
        CHECK(pthread_mutex_lock(&own->lock) == 0);
        CHECK(one->called == 0 && one->destroyed == 1);
        CHECK(pthread_mutex_unlock(&own->lock) == 0);
    }
    return NULL;
}

static void test_race(const rig_mode *mode, bool stops) {
    place at;
    open_place(&at, mode);
    static asker askers[ASKERS];
    pthread_t threads[ASKERS];
    memset(askers, 0, sizeof askers);
    for (int i = 0; i < ASKERS; ++i) {
        askers[i].at = &at;
        CHECK(pthread_mutex_init(&askers[i].lock, NULL) == 0);
        CHECK(pthread_create(&threads[i], NULL, ask_often, &askers[i]) == 0);
    }
    if (stops) WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    for (int i = 0; i < ASKERS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    close_place(&at); /* nobody is left behind it */
    for (int i = 0; i < ASKERS; ++i) {
        int called = 0;
        for (int k = 0; k < TIMES; ++k) {
            CHECK(askers[i].all[k].destroyed == 1);
            called += askers[i].all[k].called;
        }
        CHECK(called + askers[i].removed == TIMES);
    }
}

static void test_mode(const rig_mode *mode) {
    test_at_once(mode);
    test_later(mode);
    test_again(mode);
    test_paused(mode);
    test_held(mode);
    test_failed(mode);
    test_stalled(mode);
    test_stop(mode);
    test_drain(mode);
    test_race(mode, false);
    test_race(mode, true);
}

int main(void) {
    check_time_limit(55);
    for (size_t i = 0; i < RIG_MODES; ++i) test_mode(&rig_modes[i]);
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_mode(&rig_tiny_modes[i]);
    test_misuse();
    test_recorded();
    return 0;
}
