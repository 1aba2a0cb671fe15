/* Calls back into the library from inside every callback: ends of every handle, waits, stops.
 * Each callback kind meets each action in each mode; afterwards everything has ended once. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { IN_CREATE, IN_SETUP, IN_RUN, IN_FINISH, IN_TEARDOWN, IN_LOG, IN_PRINT, IN_STATE_END, PLACES };
static const char *const place_names[] = {"create",   "setup", "run",   "finish",
                                          "teardown", "log",   "print", "destroy_state"};

enum {
    DESTROY_NETWORK,
    DESTROY_RUNTIME,
    DESTROY_GRAPH,
    DESTROY_OUTPUT,
    DESTROY_SUBSCRIPTION,
    DESTROY_BATCH,
    DESTROY_ALL,
    STOP,
    WAIT,
    START,
    OPEN,
    ACTIONS
};
static const char *const action_names[] = {
    "destroy network", "destroy runtime", "destroy graph", "destroy output",
    "destroy subscription", "destroy batch", "destroy all", "stop", "wait", "start", "open"};

static struct {
    const rig_mode *mode;
    int place, action;
    bool done;
    bool acting;
    bool may_act; /* the main thread is in no call that the action would pull the handle from */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int states, set_ups, ends, runtime_ends;
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
    reflow_output *output;
    reflow_subscription *subscription;
    reflow_event_batch *batch;
    reflow_inport inport;
} at;

static void destroy_network(void) {
    reflow_network *network = at.network;
    at.network = NULL;
    reflow_network_destroy(network);
}
static void destroy_runtime(void) {
    reflow_runtime *runtime = at.runtime;
    at.runtime = NULL;
    reflow_runtime_destroy(runtime);
}
static void destroy_graph(void) {
    reflow_graph *graph = at.graph;
    at.graph = NULL;
    reflow_graph_destroy(graph);
}
static void destroy_output(void) {
    reflow_output *output = at.output;
    at.output = NULL;
    reflow_output_destroy(output);
}
static void destroy_subscription(void) {
    reflow_subscription *subscription = at.subscription;
    at.subscription = NULL;
    reflow_subscription_destroy(subscription);
}
static void destroy_batch(void) {
    reflow_event_batch *batch = at.batch;
    at.batch = NULL;
    reflow_event_batch_destroy(batch);
}

/* A wait inside a callback either has nothing to wait for or is refused: it never hangs. */
static void wait_for_everything(void) {
    reflow_message message;
    size_t count = 0;
    if (at.network != NULL) {
        reflow_network_state state = reflow_network_get_state(at.network);
        reflow_status status = reflow_network_wait_idle(at.network, REFLOW_FOREVER, NULL);
        bool running = state == REFLOW_NETWORK_RUNNING || state == REFLOW_NETWORK_DRAINING;
        if (state == REFLOW_NETWORK_CREATED) CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, status);
        if (running) CHECK_STATUS(REFLOW_ERROR_WOULD_DEADLOCK, status);
        status = reflow_network_drain(at.network, REFLOW_FOREVER, NULL);
        if (state == REFLOW_NETWORK_CREATED) CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, status);
        if (running) CHECK_STATUS(REFLOW_ERROR_WOULD_DEADLOCK, status);
        CHECK(reflow_network_get_state(at.network) == state); /* a failed call changes nothing */
    }
    if (at.output != NULL) {
        reflow_status status;
        do {
            status = reflow_output_recv_many(at.output, &message, 1, REFLOW_FOREVER, &count, NULL);
            for (size_t i = 0; i < count; ++i) reflow_message_unref(message);
        } while (status == REFLOW_OK);
        CHECK(status == REFLOW_ERROR_WOULD_DEADLOCK || status == REFLOW_ERROR_CLOSED);
    }
    if (at.subscription != NULL) {
        reflow_status status;
        do {
            reflow_event_batch *batch = NULL;
            status = reflow_subscription_poll(at.subscription, 100, REFLOW_FOREVER, &batch, NULL,
                                              NULL);
            reflow_event_batch_destroy(batch);
        } while (status == REFLOW_OK);
        CHECK(status == REFLOW_ERROR_WOULD_DEADLOCK || status == REFLOW_ERROR_CLOSED);
    }
    if (at.runtime != NULL && at.place != IN_CREATE && at.place != IN_STATE_END) {
        reflow_status wanted =
            rig_waits(at.mode) ? REFLOW_ERROR_UNSUPPORTED : REFLOW_ERROR_WOULD_DEADLOCK;
        FAILS(wanted, reflow_runtime_run(at.runtime, 1, NULL, &e));
    }
}

static void open_more(void) {
    reflow_output *output = NULL;
    reflow_subscription *subscription = NULL;
    reflow_network *network = NULL;
    if (at.network != NULL) {
        (void)reflow_network_open_output(at.network, text_of("a"), text_of("o"), 0, &output, NULL);
        WORKS(reflow_network_subscribe(at.network, NULL, &subscription, &e));
        reflow_output_destroy(output);
        reflow_subscription_destroy(subscription);
    }
    /* Another network on the same runtime, all of its life inside the callback. */
    if (at.runtime != NULL && at.graph != NULL) {
        WORKS(reflow_network_create(at.runtime, at.graph, &network, &e));
        WORKS(reflow_network_start(network, &e));
        reflow_network_destroy(network);
    }
}

static void act(void) {
    switch (at.action) {
        case DESTROY_NETWORK: destroy_network(); break;
        case DESTROY_RUNTIME: destroy_runtime(); break;
        case DESTROY_GRAPH: destroy_graph(); break;
        case DESTROY_OUTPUT: destroy_output(); break;
        case DESTROY_SUBSCRIPTION: destroy_subscription(); break;
        case DESTROY_BATCH: destroy_batch(); break;
        case DESTROY_ALL:
            destroy_graph();
            destroy_runtime();
            destroy_network();
            destroy_output();
            destroy_subscription();
            destroy_batch();
            break;
        case STOP:
            if (at.network != NULL) {
                WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
            }
            break;
        case WAIT: wait_for_everything(); break;
        case START:
            if (at.network != NULL) {
                FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_start(at.network, &e));
            }
            break;
        default: open_more(); break;
    }
}

static void inside(int place) {
    pthread_mutex_lock(&at.mutex);
    bool mine = place == at.place && !at.done;
    at.done = at.done || mine;
    while (mine && !at.may_act) pthread_cond_wait(&at.changed, &at.mutex);
    at.acting = at.acting || mine;
    pthread_mutex_unlock(&at.mutex);
    if (!mine) return;
    act();
    pthread_mutex_lock(&at.mutex);
    at.may_act = at.acting = false;
    pthread_cond_broadcast(&at.changed);
    pthread_mutex_unlock(&at.mutex);
}

static void count(int *what) {
    pthread_mutex_lock(&at.mutex);
    ++*what;
    pthread_mutex_unlock(&at.mutex);
}

static reflow_status on_create(reflow_context *context, void *user_data, void **state) {
    (void)context, (void)user_data;
    *state = &at;
    count(&at.states);
    inside(IN_CREATE);
    return REFLOW_OK;
}
static reflow_status on_setup(reflow_context *context, void *state) {
    (void)context, (void)state;
    inside(IN_SETUP);
    count(&at.set_ups);
    return REFLOW_OK;
}
static reflow_status on_run(reflow_context *context, void *state, reflow_packet *inputs,
                            size_t inputs_count) {
    inside(IN_RUN);
    reflow_context_log(context, REFLOW_LOG_WARN, text_of("line"));
    CHECK_STATUS(REFLOW_OK, reflow_context_print(context, text_of("table\n")));
    return rig_pass(context, state, inputs, inputs_count);
}
static reflow_status on_finish(reflow_context *context, void *state) {
    (void)context, (void)state;
    inside(IN_FINISH);
    return REFLOW_OK;
}
static void on_teardown(reflow_context *context, void *state) {
    (void)context, (void)state;
    pthread_mutex_lock(&at.mutex);
    --at.set_ups;
    pthread_mutex_unlock(&at.mutex);
    inside(IN_TEARDOWN);
}
static void on_state_end(void *state) {
    (void)state;
    pthread_mutex_lock(&at.mutex);
    --at.states;
    pthread_mutex_unlock(&at.mutex);
    inside(IN_STATE_END);
}
static void on_end(void *user_data) {
    (void)user_data;
    count(&at.ends);
}
static void on_log(void *user_data, reflow_log_level level, reflow_view subsystem,
                   reflow_view node, reflow_view text) {
    (void)user_data, (void)level, (void)subsystem, (void)node, (void)text;
    inside(IN_LOG);
}
static reflow_status on_print(void *user_data, reflow_view node, reflow_view text) {
    (void)user_data, (void)node, (void)text;
    inside(IN_PRINT);
    return REFLOW_OK;
}
static void on_runtime_end(void *user_data) {
    (void)user_data;
    count(&at.runtime_ends);
}

static void open_runtime(void) {
    reflow_runtime_options options = rig_options(at.mode);
    options.log = on_log;
    options.print = on_print;
    options.destroy = on_runtime_end;
    WORKS(reflow_runtime_create(&options, &at.runtime, &e));
    rig_lend(at.runtime, at.mode);
    rig_component component = {0};
    component.id = "Actor";
    component.inports = "a";
    component.outports = "o";
    component.create = on_create;
    component.setup = on_setup;
    component.run = on_run;
    component.finish = on_finish;
    component.teardown = on_teardown;
    component.destroy_state = on_state_end;
    component.destroy = on_end;
    rig_register(at.runtime, &component);
    at.graph = rig_graph();
    rig_node(at.graph, "a", "Actor");
    rig_node(at.graph, "b", "Actor");
    rig_connect(at.graph, "a.o", "b.a", NULL);
}

/* In threads of its own, lets the callback act and waits for that; else it is run by a wait. */
static void let_act(void) {
    pthread_mutex_lock(&at.mutex);
    at.may_act = true;
    pthread_cond_broadcast(&at.changed);
    while (rig_threaded(at.mode) && at.may_act) pthread_cond_wait(&at.changed, &at.mutex);
    pthread_mutex_unlock(&at.mutex);
}

static void run_scene(void) {
    bool in_turn = at.place == IN_RUN || at.place == IN_LOG || at.place == IN_PRINT;
    at.may_act = !in_turn || !rig_threaded(at.mode);
    open_runtime();
    reflow_status status = reflow_network_create(at.runtime, at.graph, &at.network, NULL);
    CHECK_STATUS(REFLOW_OK, status);
    at.inport = rig_inport(at.network, "a.a");
    at.output = rig_output(at.network, "b.o", 0);
    WORKS(reflow_network_subscribe(at.network, NULL, &at.subscription, &e));
    status = reflow_network_start(at.network, NULL);
    bool stopped = at.place == IN_SETUP &&
                   (at.action == STOP || at.action == DESTROY_NETWORK || at.action == DESTROY_ALL);
    CHECK_STATUS(stopped ? REFLOW_ERROR_CANCELLED : REFLOW_OK, status);
    if (at.network == NULL) return;
    if (stopped) CHECK(reflow_network_get_state(at.network) == REFLOW_NETWORK_STOPPED);
    if (stopped) return;
    if (at.subscription != NULL) {
        WORKS(reflow_subscription_poll(at.subscription, 100, 0, &at.batch, NULL, &e));
    }
    for (int i = 0; i < 3; ++i) rig_send(at.network, at.inport, i);
    if (in_turn) let_act();
    if (at.network == NULL) return;
    if (reflow_network_wait_idle(at.network, REFLOW_FOREVER, NULL) != REFLOW_OK) return;
    if (at.network == NULL) return;
    (void)reflow_network_drain(at.network, REFLOW_FOREVER, NULL);
    if (at.network == NULL) return;
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
}

/* The handles are those of the callback until it has acted. */
static void wait_until_acted(void) {
    pthread_mutex_lock(&at.mutex);
    while (at.acting) pthread_cond_wait(&at.changed, &at.mutex);
    pthread_mutex_unlock(&at.mutex);
}

static bool all_ended(void) {
    pthread_mutex_lock(&at.mutex);
    bool ended = at.ends != 0 && at.runtime_ends != 0;
    pthread_mutex_unlock(&at.mutex);
    return ended || !rig_threaded(at.mode);
}

static void test(const rig_mode *mode, int place, int action) {
    memset(&at, 0, sizeof at);
    pthread_mutex_init(&at.mutex, NULL);
    pthread_cond_init(&at.changed, NULL);
    at.mode = mode;
    at.place = place;
    at.action = action;
    if (getenv("REFLOW_TEST_VERBOSE") != NULL) {
        fprintf(stderr, "%s: %s in %s\n", mode->name, action_names[action], place_names[place]);
    }
    run_scene();
    wait_until_acted();
    destroy_batch();
    destroy_output();
    destroy_network();
    destroy_subscription();
    destroy_graph();
    destroy_runtime();
    /* What was deferred ends on a thread of the runtime, which a later call of a host joins. */
    while (!all_ended()) reflow_runtime_destroy(rig_runtime(&rig_inline));
    CHECK(at.done);
    CHECK(at.states == 0 && at.set_ups == 0);
    CHECK(at.ends == 1 && at.runtime_ends == 1);
}

int main(int argc, char **argv) {
    check_time_limit(50);
    static const size_t modes[] = {0, 2, 3, 4, 6, 7, 8, 9, 10};
    for (int place = 0; place < PLACES; ++place) {
        for (int action = 0; action < ACTIONS; ++action) {
            if (argc == 3 && (atoi(argv[1]) != place || atoi(argv[2]) != action)) continue;
            for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
                test(&rig_modes[modes[i]], place, action);
            }
        }
    }
    return 0;
}
