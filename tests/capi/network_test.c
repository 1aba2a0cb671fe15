/* Section 10 of reflow.h: the life of networks, in every mode. */
#include "check.h"

#include <pthread.h>
#include <sched.h>

#include "rig.h"

/* What happened to the nodes of one component, in order of the callbacks. */
typedef struct life {
    pthread_mutex_t mutex;
    int created, set_up, run, finished, torn_down, state_ended, ended;
    int fail_create_at, fail_setup_at;
    char order[64];
} life;

static void life_note(life *of, int *what, char letter) {
    pthread_mutex_lock(&of->mutex);
    ++*what;
    size_t at = strlen(of->order);
    if (at + 1 < sizeof of->order) of->order[at] = letter;
    pthread_mutex_unlock(&of->mutex);
}

static reflow_status life_create(reflow_context *context, void *user_data, void **state) {
    life *of = user_data;
    CHECK(reflow_context_node(context).size != 0);
    if (of->created + 1 == of->fail_create_at) {
        return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("create refuses"),
                                   text_of(""));
    }
    life_note(of, &of->created, 'c');
    *state = of;
    return REFLOW_OK;
}
static reflow_status life_setup(reflow_context *context, void *state) {
    life *of = state;
    (void)context;
    if (of->set_up + 1 == of->fail_setup_at) return REFLOW_ERROR_HOST;
    life_note(of, &of->set_up, 's');
    return REFLOW_OK;
}
static reflow_status life_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    life *of = state;
    life_note(of, &of->run, 'r');
    return rig_pass(context, state, inputs, count);
}
static reflow_status life_finish(reflow_context *context, void *state) {
    life *of = state;
    life_note(of, &of->finished, 'f');
    return reflow_context_emit(context, 0, reflow_message_integer(-1));
}
static void life_teardown(reflow_context *context, void *state) {
    life *of = state;
    CHECK(reflow_context_node(context).size != 0);
    life_note(of, &of->torn_down, 't');
}
static void life_end_state(void *state) {
    life *of = state;
    life_note(of, &of->state_ended, 'd');
}
static void life_end(void *user_data) {
    life *of = user_data;
    life_note(of, &of->ended, 'e');
}

static void life_begin(life *of) {
    memset(of, 0, sizeof *of);
    pthread_mutex_init(&of->mutex, NULL);
}

static void life_register(reflow_runtime *runtime, life *of) {
    rig_component component = {0};
    component.id = "Life";
    component.inports = "a";
    component.outports = "o";
    component.create = life_create;
    component.setup = life_setup;
    component.run = life_run;
    component.finish = life_finish;
    component.teardown = life_teardown;
    component.destroy_state = life_end_state;
    component.user_data = of;
    component.destroy = life_end;
    rig_register(runtime, &component);
}

static reflow_graph *chain(int nodes) {
    reflow_graph *graph = rig_graph();
    char id[16], from[32], to[32];
    for (int i = 0; i < nodes; ++i) {
        snprintf(id, sizeof id, "n%d", i);
        rig_node(graph, id, "Life");
        if (i == 0) continue;
        snprintf(from, sizeof from, "n%d.o", i - 1);
        snprintf(to, sizeof to, "n%d.a", i);
        rig_connect(graph, from, to, NULL);
    }
    return graph;
}

static void test_life(const rig_mode *mode) {
    life of;
    life_begin(&of);
    reflow_runtime *runtime = rig_runtime(mode);
    life_register(runtime, &of);
    reflow_graph *graph = chain(2);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    CHECK(of.created == 2 && of.set_up == 0);
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_CREATED);
    reflow_inport inport = rig_inport(network, "n0.a");
    reflow_output *output = rig_output(network, "n1.o", 0);
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_network_send(network, inport, reflow_message_null(), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_wait_idle(network, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_drain(network, 0, &e));
    WORKS(reflow_network_start(network, &e));
    CHECK(of.set_up == 2 && reflow_network_get_state(network) == REFLOW_NETWORK_RUNNING);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_start(network, &e));
    rig_send(network, inport, 5);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_wait_idle(network, 0, &e));
    CHECK(of.run == 2);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_DRAINED);
    WORKS(reflow_network_drain(network, 0, &e));
    WORKS(reflow_network_wait_idle(network, 0, &e));
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_network_send(network, inport, reflow_message_null(), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_start(network, &e));
    CHECK(rig_recv(output) == 5 && rig_recv(output) == -1 && rig_recv(output) == -1);
    reflow_message message;
    size_t count = 9;
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
    CHECK(count == 0 && of.torn_down == 0);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_STOPPED);
    CHECK(of.torn_down == 2 && of.finished == 2);
    WORKS(reflow_network_stop(network, 0, &e));
    WORKS(reflow_network_drain(network, 0, &e));
    WORKS(reflow_network_wait_idle(network, 0, &e));
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_network_send(network, inport, reflow_message_null(), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_start(network, &e));
    reflow_network_destroy(network);
    CHECK(of.state_ended == 2); /* although the reader holds the network */
    reflow_output_destroy(output);
    CHECK(of.state_ended == 2 && of.ended == 0);
    reflow_runtime_destroy(runtime);
    CHECK(of.ended == 1 && of.torn_down == 2 && of.state_ended == 2);
    /* The first finishes first, and what it then sent has run before the second finishes. */
    CHECK(strcmp(of.order, "ccssrrfrfttdde") == 0);
}

/* Destroyed in each state: whatever was begun is ended once. */
static void test_destroy_in_each_state(const rig_mode *mode) {
    for (int state = 0; state < 4; ++state) {
        life of;
        life_begin(&of);
        reflow_runtime *runtime = rig_runtime(mode);
        life_register(runtime, &of);
        reflow_graph *graph = chain(3);
        reflow_network *network = rig_network(runtime, graph);
        reflow_inport inport = rig_inport(network, "n0.a");
        if (state == 1) WORKS(reflow_network_stop(network, 0, &e));
        if (state >= 2) WORKS(reflow_network_start(network, &e));
        if (state >= 2) rig_send(network, inport, 1);
        if (state == 3) WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
        reflow_network_destroy(network);
        CHECK(of.created == 3 && of.state_ended == 3 && of.finished == 0);
        CHECK(of.set_up == (state >= 2 ? 3 : 0) && of.torn_down == of.set_up);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
        CHECK(of.ended == 1);
    }
}

static void test_failing_create(const rig_mode *mode) {
    life of;
    life_begin(&of);
    of.fail_create_at = 2;
    reflow_runtime *runtime = rig_runtime(mode);
    life_register(runtime, &of);
    reflow_graph *graph = chain(3);
    reflow_network *network = (reflow_network *)(uintptr_t)1;
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_HOST, reflow_network_create(runtime, graph, &network, &error));
    CHECK(network == NULL && same_text(reflow_error_message(error), "create refuses"));
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    CHECK(same_text(place.node, "n1"));
    reflow_error_destroy(error);
    CHECK(of.created == 1 && of.state_ended == 1 && of.ended == 0);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    CHECK(of.ended == 1);
}

/* A failed start leaves the network as it was: it can be started again. */
static void test_failing_setup(const rig_mode *mode) {
    life of;
    life_begin(&of);
    of.fail_setup_at = 3;
    reflow_runtime *runtime = rig_runtime(mode);
    life_register(runtime, &of);
    reflow_graph *graph = chain(3);
    rig_initial(graph, "n0.a", reflow_message_integer(1));
    reflow_network *network = rig_network(runtime, graph);
    FAILS(REFLOW_ERROR_HOST, reflow_network_start(network, &e));
    CHECK(of.set_up == 2 && of.torn_down == 2 && of.run == 0);
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_CREATED);
    of.fail_setup_at = 0;
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(of.set_up == 5 && of.run == 3);
    reflow_network_destroy(network);
    CHECK(of.torn_down == 5 && of.state_ended == 3);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_create_errors(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    reflow_network *network = NULL;
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pas");
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_network_create(runtime, graph, &network, &error));
    CHECK(strstr(reflow_error_hint(error).data, "Pass") != NULL);
    reflow_error_destroy(error);
    reflow_graph_destroy(graph);
    graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_connect(graph, "a.x", "a.a", NULL);
    FAILS(REFLOW_ERROR_GRAPH, reflow_network_create(runtime, graph, &network, &e));
    reflow_graph_destroy(graph);
    static const char *const wrong[] = {"{\"kind\":\"fast\"}", "{\"kind\":1}",
                                        "{\"capacity\":0}",    "{\"capacity\":-1}",
                                        "{\"capacity\":1.5}",  "{\"capacity\":4294967296}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        graph = rig_graph();
        rig_node(graph, "a", "Pass");
        rig_connect(graph, "a.o", "a.a", wrong[i]);
        FAILS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &e));
        reflow_graph_destroy(graph);
    }
    reflow_runtime_destroy(runtime);
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_actors = 2;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    network = rig_network(runtime, graph);
    reflow_network *second = NULL;
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_create(runtime, graph, &second, &e));
    reflow_network_destroy(network);
    second = rig_network(runtime, graph);
    reflow_network_destroy(second);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* What ports may hold, in all networks of a runtime together. */
static void test_max_packets(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_packets = 25;
    options.port_capacity = 7;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Pass");
    rig_connect(graph, "a.o", "b.a", "{\"capacity\":3}");
    reflow_network *first = rig_network(runtime, graph); /* 7 and 3 */
    reflow_network *second = rig_network(runtime, graph), *third = NULL;
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_network_create(runtime, graph, &third, &error));
    CHECK(third == NULL);
    CHECK(same_text(reflow_error_message(error),
                    "ports for 10 packets beside 20 of all networks exceed max_packets, 25"));
    reflow_error_destroy(error);
    reflow_output *output = rig_output(first, "b.o", 5), *none = NULL;
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_network_open_output(second, text_of("b"), text_of("o"), 1, &none, &e));
    reflow_output_destroy(output);
    reflow_network_destroy(first); /* with its outputs */
    third = rig_network(runtime, graph);
    reflow_output_destroy(rig_output(third, "b.o", 5));
    FAILS(REFLOW_ERROR_LIMIT,
          reflow_network_open_output(second, text_of("b"), text_of("o"), 1, &none, &e));
    CHECK(none == NULL);
    reflow_network_destroy(second);
    reflow_network_destroy(third);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_misuse(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    reflow_network *network = rig_network(runtime, graph), *out = NULL;
    reflow_message message;
    reflow_node_counters counters = {0};
    counters.struct_size = sizeof counters;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_create(NULL, graph, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_create(runtime, NULL, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_create(runtime, graph, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_start(NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_wait_idle(NULL, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_drain(NULL, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_stop(NULL, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_counters(NULL, text_of("a"), &counters, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_counters(network, text_of("a"), NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_counters(network, null_view(), &counters, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8,
          reflow_network_counters(network, text_of("\xff"), &counters, &e));
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_counters(network, text_of("b"), &counters, &e));
    counters.struct_size = 4;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_counters(network, text_of("a"), &counters, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_report(NULL, &message, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_report(network, NULL, &e));
    (void)reflow_network_get_state(NULL);
    reflow_network_destroy(NULL);
    WORKS(reflow_network_report(network, &message, &e));
    CHECK(is_json(message, "{\"a\":{\"component\":\"Pass\",\"source\":true,\"fired\":0,"
                           "\"received\":0,\"sent\":0,\"failed\":0,\"dropped\":0,"
                           "\"waiting\":0,\"errors_taken\":false}}"));
    reflow_message_unref(message);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- timeouts: a callback that does not return until it is told */

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool inside, open;
} gate;

static reflow_status gate_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    gate *at = state;
    (void)context, (void)inputs, (void)count;
    pthread_mutex_lock(&at->mutex);
    at->inside = true;
    pthread_cond_broadcast(&at->changed);
    while (!at->open) pthread_cond_wait(&at->changed, &at->mutex);
    pthread_mutex_unlock(&at->mutex);
    return REFLOW_OK;
}

static void test_timeouts(void) {
    gate at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    reflow_runtime *runtime = rig_runtime(&rig_own);
    rig_component component = {0};
    component.id = "Gate";
    component.inports = "a";
    component.outports = "o";
    component.run = gate_run;
    component.user_data = &at;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "g", "Gate");
    rig_connect(graph, "g.o", "g.a", "{\"capacity\":1}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "g.a");
    reflow_output *output = rig_output(network, "g.o", 0);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, NULL, &subscription, &e));
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    pthread_mutex_lock(&at.mutex);
    while (!at.inside) pthread_cond_wait(&at.changed, &at.mutex);
    pthread_mutex_unlock(&at.mutex);
    rig_send(network, inport, 2); /* fills the port */
    reflow_message message;
    size_t count;
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_network_try_send(network, inport, reflow_message_null(), &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_network_send(network, inport, reflow_message_null(), 0, &e));
    FAILS(REFLOW_ERROR_TIMEOUT,
          reflow_network_send(network, inport, reflow_message_null(), 3, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 0, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(network, 3, &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_output_recv_many(output, &message, 1, 0, &count, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_output_recv_many(output, &message, 1, 3, &count, &e));
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(subscription, 100, 0, &batch, NULL, &e));
    reflow_event_batch_destroy(batch);
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_subscription_poll(subscription, 1, 0, &batch, NULL, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_subscription_poll(subscription, 1, 3, &batch, NULL, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_drain(network, 3, &e));
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_DRAINING);
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_network_try_send(network, inport, reflow_message_null(), &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_stop(network, 3, &e));
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_STOPPING);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_stop(network, 0, &e));
    pthread_mutex_lock(&at.mutex);
    at.open = true;
    pthread_cond_broadcast(&at.changed);
    pthread_mutex_unlock(&at.mutex);
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "g").fired == 1 && rig_counters(network, "g").waiting == 0);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_subscription_destroy(subscription);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* Waits end when another thread stops the network. */
static void *stop_later(void *argument) {
    WORKS(reflow_network_stop(argument, REFLOW_FOREVER, &e));
    return NULL;
}

static void test_waits_end_with_stop(void) {
    for (int round = 0; round < (check_slow() ? 5 : 50); ++round) {
        reflow_runtime *runtime = rig_runtime(&rig_own);
        rig_register_pass(runtime);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "a", "Pass");
        reflow_network *network = rig_network(runtime, graph);
        reflow_output *output = rig_output(network, "a.o", 1);
        reflow_inport inport = rig_inport(network, "a.a");
        WORKS(reflow_network_start(network, &e));
        for (int i = 0; i < 3; ++i) rig_send(network, inport, i); /* held back: never idle */
        while (rig_counters(network, "a").held_back == 0) sched_yield();
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, stop_later, network) == 0);
        reflow_error *error = NULL;
        if (round % 2 == 0) {
            (void)reflow_network_wait_idle(network, REFLOW_FOREVER, &error);
        } else {
            (void)reflow_network_drain(network, REFLOW_FOREVER, &error);
        }
        reflow_error_destroy(error);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_STOPPED);
        CHECK(rig_recv(output) == 0); /* what was delivered can still be read */
        reflow_network_destroy(network);
        reflow_output_destroy(output);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
    }
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_life(&rig_modes[i]);
        test_destroy_in_each_state(&rig_modes[i]);
        test_failing_create(&rig_modes[i]);
        test_failing_setup(&rig_modes[i]);
    }
    test_create_errors();
    test_max_packets();
    test_misuse();
    test_timeouts();
    test_waits_end_with_stop();
    return 0;
}
