/* Section 8 of reflow.h, second half: what a callback may do with its context. */
#include "check.h"

#include "rig.h"

/* Each test gives its own run, to the component Test: inport a, outports o and p. */
static reflow_run_fn test_run;
static int runs, message_ends;

static reflow_status run_test(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    ++runs;
    return test_run(context, state, inputs, count);
}

/* Emitting and timing are for run (and finish), and a message is taken even so. */
static reflow_status outside_of_run(reflow_context *context) {
    int ends = 0;
    reflow_message two[2];
    for (int i = 0; i < 2; ++i) two[i] = counted(&ends);
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_emit(context, 0, counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE,
                 reflow_context_emit_at(context, 0, 1, counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_emit_many(context, 0, two, 2));
    CHECK(ends == 4);
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_again(context));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_wake_after(context, 1));
    CHECK(same_text(reflow_context_node(context), "t"));
    CHECK(is_json(reflow_context_config(context), "{\"k\":[1,2]}"));
    return REFLOW_OK;
}
static reflow_status create_outside(reflow_context *context, void *user_data, void **state) {
    *state = user_data;
    return outside_of_run(context);
}
static reflow_status setup_outside(reflow_context *context, void *state) {
    (void)state;
    return outside_of_run(context);
}
static void teardown_outside(reflow_context *context, void *state) {
    (void)state;
    (void)outside_of_run(context);
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
    reflow_output *output;
} bench;

static bench open_bench(const rig_mode *mode, reflow_run_fn run, bool connect) {
    bench at;
    test_run = run;
    runs = message_ends = 0;
    at.runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Test";
    component.inports = "a";
    component.outports = "op";
    component.create = create_outside;
    component.setup = setup_outside;
    component.run = run_test;
    component.teardown = teardown_outside;
    rig_register(at.runtime, &component);
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("t"), text_of("Test"), json("{\"k\":[1,2]}"), &e));
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.inport = rig_inport(at.network, "t.a");
    at.output = connect ? rig_output(at.network, "t.o", 10) : NULL;
    WORKS(reflow_network_start(at.network, &e));
    rig_send(at.network, at.inport, 7);
    return at;
}

static void close_bench(bench *at) {
    WORKS(reflow_network_stop(at->network, REFLOW_FOREVER, &e));
    reflow_output_destroy(at->output);
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
    CHECK(runs == 1);
}

static reflow_status emit_wrongly(reflow_context *context, void *state, reflow_packet *inputs,
                                  size_t count) {
    (void)state;
    CHECK(count == 1 && inputs[0].port == 0 && inputs[0].index == REFLOW_NO_INDEX);
    CHECK(inputs[0].envelope == NULL && rig_integer(inputs[0].message) == 7);
    reflow_message none = {0, 0};
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_context_emit(context, 3, counted(&message_ends)));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_context_emit(context, UINT32_MAX, counted(&message_ends)));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_context_emit_at(context, 3, 0, counted(&message_ends)));
    CHECK(message_ends == 3);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_emit(context, 0, none));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_emit_many(context, 0, NULL, 1));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_emit_many(context, 0, &none, SIZE_MAX));
    CHECK_STATUS(REFLOW_OK, reflow_context_emit_many(context, 0, NULL, 0));
    /* Those before the bad one are emitted, all are taken. */
    reflow_message some[4] = {reflow_message_integer(1), {0, 0}, {0, 0}, {0, 0}};
    some[2] = counted(&message_ends);
    some[3] = counted(&message_ends);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_emit_many(context, 0, some, 4));
    CHECK(message_ends == 5);
    CHECK(reflow_context_connected(context, 0) && !reflow_context_connected(context, 1));
    CHECK(!reflow_context_connected(context, 3));
    CHECK(reflow_context_room(context, 0) == 9); /* one of ten is on its way */
    CHECK(reflow_context_room(context, 1) == SIZE_MAX);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_advance(context, 2));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_advance(context, SIZE_MAX));
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, 0));
    CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, 1));
    CHECK(!reflow_context_stopping(context));
    uint64_t now = reflow_context_now_ns(context);
    CHECK(reflow_context_now_ns(context) >= now);
    return REFLOW_OK;
}

/* A message for nobody ends at once or with the callback, and is no error. */
static reflow_status emit_for_nobody(reflow_context *context, void *state, reflow_packet *inputs,
                                     size_t count) {
    (void)state, (void)inputs, (void)count;
    for (int i = 0; i < 1000; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 1, counted(&message_ends)));
    }
    return REFLOW_OK;
}

static reflow_status emit_too_much(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    (void)state, (void)inputs, (void)count;
    for (int i = 0; i < REFLOW_MAX_EMITS; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 1, reflow_message_null()));
    }
    CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_context_emit(context, 1, counted(&message_ends)));
    CHECK(message_ends == 1);
    return REFLOW_OK;
}

static void test_emit(const rig_mode *mode) {
    bench at = open_bench(mode, emit_wrongly, true);
    CHECK(rig_recv(at.output) == 1);
    close_bench(&at);
    at = open_bench(mode, emit_for_nobody, false);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    CHECK(message_ends == 1000);
    close_bench(&at);
}

static void test_null_context(void) {
    int ends = 0;
    reflow_message one = counted(&ends);
    CHECK(same_text(reflow_context_node(NULL), ""));
    CHECK(reflow_context_config(NULL).tag == 0);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_emit(NULL, 0, counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_emit_at(NULL, 0, 0, counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_emit_many(NULL, 0, &one, 1));
    CHECK(ends == 3);
    CHECK(reflow_context_room(NULL, 0) == 0 && !reflow_context_connected(NULL, 0));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_advance(NULL, 0));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_again(NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_wake_after(NULL, 0));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_fail(NULL, REFLOW_ERROR_FAILED, text_of("x"), text_of("")));
    CHECK(reflow_context_now_ns(NULL) == 0 && !reflow_context_stopping(NULL));
    reflow_context_log(NULL, REFLOW_LOG_ERROR, text_of("x"));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_print(NULL, text_of("x")));
}

/* ---- failures */

static reflow_status failure_status;
static const char *failure_text;

static reflow_status fail_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state, (void)inputs, (void)count;
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(1)));
    if (failure_text == NULL) return failure_status;
    return reflow_context_fail(context, failure_status, text_of(failure_text), text_of("hint"));
}

static void test_failure(const rig_mode *mode, reflow_status status, const char *text,
                         const char *expected) {
    failure_status = status;
    failure_text = text;
    test_run = fail_run;
    runs = 0;
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Test";
    component.inports = "a";
    component.outports = "op";
    component.run = run_test;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "t", "Test");
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport inport = rig_inport(network, "t.a");
    reflow_output *errors = rig_output(network, "t.error", 0);
    reflow_output *output = rig_output(network, "t.o", 0);
    reflow_subscription *subscription = NULL;
    reflow_event_options options = rig_event_options(0, 1u << REFLOW_EVENT_ACTOR_FAILED);
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(rig_recv(output) == 1); /* what a failed firing has emitted stays emitted */
    reflow_message message;
    reflow_view view;
    size_t count = 0;
    WORKS(reflow_output_recv_many(errors, &message, 1, 0, &count, &e));
    CHECK(reflow_message_kind(message) == REFLOW_KIND_ERROR);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(message, &view));
    CHECK(strstr(view.data, expected) != NULL);
    reflow_message_unref(message);
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(subscription, 10, 0, &batch, NULL, &e));
    CHECK(reflow_event_batch_count(batch) == 1);
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(event.kind == REFLOW_EVENT_ACTOR_FAILED && same_text(event.node, "t"));
    CHECK(same_text(event.component, "Test") && strstr(event.error.data, expected) != NULL);
    reflow_node_counters counters = rig_counters(network, "t");
    CHECK(counters.failed == 1 && counters.fired == 1 && counters.received == 1);
    /* The actor lives on. */
    rig_send(network, inport, 2);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(runs == 2 && rig_counters(network, "t").failed == 2);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(subscription);
    reflow_output_destroy(errors);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- the statuses of create and setup come out of create and start */

static reflow_status wanted_status;
static bool wanted_fail;

static reflow_status create_status(reflow_context *context, void *user_data, void **state) {
    (void)user_data, (void)state;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_fail(context, REFLOW_OK, text_of("x"), text_of("")));
    if (!wanted_fail) return wanted_status;
    (void)reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("why \xff not"), text_of("h"));
    return wanted_status;
}
static reflow_status nothing(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    return REFLOW_OK;
}

static void test_statuses(void) {
    static const struct {
        reflow_status returned, status;
        bool fail;
    } cases[] = {
        {REFLOW_ERROR_HOST, REFLOW_ERROR_HOST, false},
        {REFLOW_ERROR_HOST, REFLOW_ERROR_HOST, true},
        {-4711, -4711, false},
        {5, REFLOW_ERROR_FAILED, false},
        {5, REFLOW_ERROR_FAILED, true},
        {REFLOW_OK, REFLOW_OK, true},
    };
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {0};
    component.id = "Test";
    component.create = create_status;
    component.run = nothing;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "t", "Test");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        wanted_status = cases[i].returned;
        wanted_fail = cases[i].fail;
        reflow_network *network = NULL;
        reflow_error *error = NULL;
        CHECK_STATUS(cases[i].status, reflow_network_create(runtime, graph, &network, &error));
        CHECK_STATUS(cases[i].status, reflow_error_status(error));
        if (wanted_fail && error != NULL) {
            CHECK(same_text(reflow_error_message(error), "why \xef\xbf\xbd not"));
        }
        reflow_error_destroy(error);
        reflow_network_destroy(network);
    }
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* ---- one emission to many: each gets all of it, in order, and each message ends once */

enum { COPIES = 300 };

typedef struct reader {
    int64_t next;
    int texts;
} reader;

/* Integers from 0, and a text behind each. */
static void read_one(reader *self, reflow_message message) {
    if (reflow_message_kind(message) == REFLOW_KIND_STRING) {
        CHECK(++self->texts == self->next);
    } else {
        CHECK(rig_integer(message) == self->next++ && self->texts + 1 == self->next);
    }
}
static reflow_status read_copies(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)context;
    for (size_t i = 0; i < count; ++i) read_one(state, inputs[i].message);
    return REFLOW_OK;
}
static reflow_status create_reader(reflow_context *context, void *user_data, void **state) {
    reader *readers = user_data;
    *state = &readers[reflow_context_node(context).data[0] - 'a'];
    return REFLOW_OK;
}
/* The message goes to the targets while the sender still holds it, and they may be done at any time. */
static reflow_status emit_copies(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state, (void)inputs, (void)count;
    for (int i = 0; i < COPIES; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(i)));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, counted(&message_ends)));
    }
    return REFLOW_OK;
}

static void test_copies(const rig_mode *mode) {
    reader readers[3];
    memset(readers, 0, sizeof readers);
    message_ends = 0;
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Emit";
    component.inports = "a";
    component.outports = "o";
    component.run = emit_copies;
    rig_register(runtime, &component);
    component.id = "Read";
    component.outports = "";
    component.create = create_reader;
    component.user_data = readers;
    component.run = read_copies;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "emit", "Emit");
    const char *names[] = {"a", "b", "c"}, *places[] = {"a.a", "b.a", "c.a"};
    for (int i = 0; i < 3; ++i) {
        rig_node(graph, names[i], "Read");
        /* One of them takes few at a time. */
        rig_connect(graph, "emit.o", places[i], i == 1 ? "{\"capacity\":2}" : NULL);
    }
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "emit.o", 7);
    reflow_inport inport = rig_inport(network, "emit.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    reader host = {0, 0};
    for (int i = 0; i < 2 * COPIES; ++i) {
        reflow_message message;
        size_t count = 0;
        WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
        CHECK(count == 1);
        read_one(&host, message);
        reflow_message_unref(message);
    }
    rig_idle(network);
    CHECK(message_ends == COPIES);
    for (int i = 0; i < 3; ++i) CHECK(readers[i].next == COPIES && readers[i].texts == COPIES);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    CHECK(message_ends == COPIES);
}

/* ---- array ports */

static uint32_t seen_index[64];
static int seen;

static reflow_status see_index(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)context, (void)state;
    for (size_t i = 0; i < count; ++i) {
        seen_index[rig_integer(inputs[i].message)] = inputs[i].index;
        ++seen;
    }
    return REFLOW_OK;
}
static reflow_status emit_indexed(reflow_context *context, void *state, reflow_packet *inputs,
                                  size_t count) {
    (void)state, (void)inputs, (void)count;
    CHECK_STATUS(REFLOW_OK, reflow_context_emit_at(context, 0, 0, reflow_message_integer(10)));
    CHECK_STATUS(REFLOW_OK, reflow_context_emit_at(context, 0, 1, reflow_message_integer(11)));
    CHECK_STATUS(REFLOW_OK, reflow_context_emit_at(context, 0, 9, reflow_message_integer(19)));
    CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(20)));
    return REFLOW_OK;
}

static void test_array_ports(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {0};
    component.id = "See";
    component.inports = "1";
    component.run = see_index;
    rig_register(runtime, &component);
    component.id = "Emit";
    component.inports = "a";
    component.outports = "2";
    component.run = emit_indexed;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "emit", "Emit");
    rig_node(graph, "see0", "See");
    rig_node(graph, "see1", "See");
    rig_node(graph, "all", "See");
    rig_connect(graph, "emit.2[0]", "see0.1[5]", NULL);
    rig_connect(graph, "emit.2[1]", "see1.1[6]", NULL);
    rig_connect(graph, "emit.2", "all.1[7]", NULL);
    rig_initial(graph, "see0.1[8]", reflow_message_integer(1));
    reflow_endpoint end = rig_end("see1.1[3]");
    WORKS(reflow_graph_add_inport(graph, text_of("third"), &end, text_of("any"), &e));
    reflow_network *network = rig_network(runtime, graph);
    reflow_inport start = rig_inport(network, "emit.a"), third = {0};
    WORKS(reflow_network_find_inport(network, text_of(""), text_of("third"), &third, &e));
    WORKS(reflow_network_start(network, &e));
    rig_send(network, start, 0);
    rig_send(network, third, 2);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(seen_index[1] == 8 && seen_index[2] == 3);
    /* emit goes to all connections, emit_at to those of the index and to those without one. */
    CHECK(rig_counters(network, "see0").fired == 3); /* the initial packet, 10, 20 */
    CHECK(rig_counters(network, "see1").fired == 3); /* from the host, 11, 20 */
    CHECK(rig_counters(network, "all").fired == 4);
    CHECK(seen == 10);
    CHECK(seen_index[19] == 7);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(50);
    test_null_context();
    test_statuses();
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_emit(&rig_modes[i]);
        test_failure(&rig_modes[i], REFLOW_ERROR_FAILED, "went wrong", "went wrong (hint)");
        test_failure(&rig_modes[i], REFLOW_ERROR_HOST, NULL, "node 't'");
        test_failure(&rig_modes[i], 17, NULL, "node 't'");
        test_copies(&rig_modes[i]);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_copies(&rig_tiny_modes[i]);
    bench at = open_bench(&rig_inline, emit_too_much, false);
    WORKS(reflow_network_wait_idle(at.network, REFLOW_FOREVER, &e));
    close_bench(&at);
    test_array_ports();
    return 0;
}
