/* Firings that a host pulls: what the queue gives, how firings end, what is refused. */
#include "rig.h"

typedef struct pull {
    reflow_runtime *runtime;
    reflow_firing_queue *queue;
} pull;

static pull open_queue(const rig_mode *mode) {
    pull to = {rig_runtime(mode), NULL};
    WORKS(reflow_firing_queue_create(to.runtime, &to.queue, &e));
    return to;
}

static void close_queue(pull at) {
    reflow_firing_queue_destroy(at.queue);
    reflow_runtime_destroy(at.runtime);
}

/* Ports as in rig_ports. */
static void add(pull at, const char *id, const char *ins, const char *outs, reflow_await await,
                uint32_t concurrency, uint32_t flags) {
    reflow_port inports[16], outports[16];
    reflow_component component = {.struct_size = sizeof component,
                                  .port_size = sizeof(reflow_port),
                                  .id = text_of(id),
                                  .inports = inports,
                                  .outports = outports,
                                  .await = await,
                                  .flags = flags,
                                  .max_concurrency = concurrency};
    component.inport_count = rig_ports(inports, ins, true);
    component.outport_count = rig_ports(outports, outs, false);
    WORKS(reflow_firing_queue_register(at.queue, &component, &e));
}

static reflow_firing *next(pull at) {
    reflow_firing *firing = NULL;
    size_t count = 0;
    WORKS(reflow_firing_queue_next(at.queue, &firing, 1, 10000, &count, &e));
    CHECK(count == 1 && firing != NULL);
    return firing;
}

/* Ends a firing with an output. */
static void answer(reflow_firing *firing, reflow_message output) {
    reflow_completion completion = reflow_firing_completion(firing);
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(completion, 0, output, REFLOW_FOREVER));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(completion));
    reflow_firing_destroy(firing);
}

static int64_t input_of(const reflow_firing *firing, size_t number) {
    size_t count = 0;
    const reflow_packet *inputs = reflow_firing_inputs(firing, &count);
    CHECK(number < count);
    return rig_integer(inputs[number].message);
}

static reflow_network *one_node(pull at, const char *component, const char *config) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("n"), text_of(component), json(config), &e));
    reflow_network *network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}

/* The end of an actor is the last that comes of it. */
static void expect_end(pull at, uint64_t actor) {
    reflow_firing *end = next(at);
    size_t count = 1;
    CHECK(reflow_firing_get_kind(end) == REFLOW_FIRING_END);
    CHECK(reflow_firing_actor(end) == actor);
    CHECK(reflow_firing_completion(end).id == 0);
    (void)reflow_firing_inputs(end, &count);
    CHECK(count == 0);
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_firing_again(end));
    reflow_firing_destroy(end);
}

/* What the queue keeps for a node is not shown to those who look at its state. */
static reflow_status look(reflow_context *context, void *state, void *user_data) {
    CHECK(state == NULL && same_text(reflow_context_node(context), "n"));
    ++*(int *)user_data;
    return REFLOW_OK;
}

static void test_one_by_one(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Twice", "a", "o", REFLOW_AWAIT_ANY, 0, 0);
    reflow_network *network = one_node(at, "Twice", "{\"k\":5}");
    reflow_inport inport = rig_inport(network, "n.a");
    reflow_output *output = rig_output(network, "n.o", 0);
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 0; i < 20; ++i) rig_send(network, inport, i);
    uint64_t actor = 0;
    for (int64_t i = 0; i < 20; ++i) {
        reflow_firing *firing = next(at), *more = NULL;
        size_t count = 9;
        CHECK(reflow_firing_get_kind(firing) == REFLOW_FIRING_RUN);
        CHECK(same_text(reflow_firing_node(firing), "n"));
        CHECK(same_text(reflow_firing_component(firing), "Twice"));
        CHECK(is_json(reflow_firing_config(firing), "{\"k\":5}"));
        CHECK(actor == 0 || actor == reflow_firing_actor(firing));
        actor = reflow_firing_actor(firing);
        CHECK(input_of(firing, 0) == i);
        CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_firing_again(firing));
        /* One at a time: the next comes when this one has ended. */
        FAILS(REFLOW_ERROR_WOULD_BLOCK,
              reflow_firing_queue_next(at.queue, &more, 1, 0, &count, &e));
        CHECK(count == 0);
        answer(firing, reflow_message_integer(2 * i));
    }
    for (int64_t i = 0; i < 20; ++i) CHECK(rig_recv(output) == 2 * i);
    rig_idle(network);
    int looks = 0;
    WORKS(reflow_network_with_state(network, text_of("n"), text_of("Twice"), look, &looks, 10000, &e));
    CHECK(looks == 1);
    CHECK(rig_counters(network, "n").fired == 20);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    expect_end(at, actor);
    close_queue(at);
}

static void test_many_and_all(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Sum", "ab", "o", REFLOW_AWAIT_ALL, 8, REFLOW_COMPONENT_ORDERED);
    reflow_network *network = one_node(at, "Sum", "{}");
    reflow_inport a = rig_inport(network, "n.a"), b = rig_inport(network, "n.b");
    reflow_output *output = rig_output(network, "n.o", 0);
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 0; i < 8; ++i) {
        rig_send(network, a, i);
        rig_send(network, b, 100 * i);
    }
    reflow_firing *firings[8];
    size_t got = 0;
    while (got < 8) {
        size_t count = 0;
        WORKS(reflow_firing_queue_next(at.queue, firings + got, 8 - got, 10000, &count, &e));
        got += count;
    }
    /* Ended from behind, and in order all the same. */
    for (size_t i = 8; i-- > 0;) {
        int64_t sum = input_of(firings[i], 0) + input_of(firings[i], 1);
        answer(firings[i], reflow_message_integer(sum));
    }
    for (int64_t i = 0; i < 8; ++i) CHECK(rig_recv(output) == 101 * i);
    rig_idle(network);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    close_queue(at);
}

/* Envelopes of inputs are there for as long as the handle, and go on with what is emitted. */
static void test_envelopes(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Sum", "ab", "o", REFLOW_AWAIT_ALL, 2, 0);
    reflow_network *network = one_node(at, "Sum", "{}");
    WORKS(reflow_network_carry_envelopes(network, &e));
    reflow_inport a = rig_inport(network, "n.a"), b = rig_inport(network, "n.b");
    reflow_output *output = rig_output(network, "n.o", 0);
    WORKS(reflow_network_start(network, &e));
    reflow_envelope sent = {.struct_size = sizeof sent}, got = {.struct_size = sizeof got};
    reflow_firing *firings[2];
    for (int i = 0; i < 2; ++i) {
        char text[] = "order 0";
        text[6] = (char)('0' + i);
        sent.correlation = text_of(text);
        sent.trace_id[15] = (uint8_t)(i + 1);
        rig_send(network, a, i);
        WORKS(reflow_network_send_enveloped(network, b, reflow_message_integer(i), &sent, 10000, &e));
        memset(text, 'x', sizeof text - 1); /* it was copied */
        firings[i] = next(at);
    }
    for (int i = 2; i-- > 0;) {
        reflow_completion completion = reflow_firing_completion(firings[i]);
        reflow_message sum = {0, 0};
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(completion, 0, reflow_message_integer(7 + i),
                                                       REFLOW_FOREVER));
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
        WORKS(reflow_output_recv_enveloped(output, &sum, &got, 10000, &e));
        CHECK(rig_integer(sum) == 7 + i && got.trace_id[15] == i + 1);
    }
    rig_idle(network); /* the engine keeps nothing of the firings */
    for (int i = 0; i < 2; ++i) {
        size_t count = 0;
        const reflow_packet *inputs = reflow_firing_inputs(firings[i], &count);
        CHECK(count == 2);
        memset(&got, 0, sizeof got);
        got.struct_size = sizeof got;
        CHECK_STATUS(REFLOW_OK, reflow_packet_envelope(&inputs[1], &got));
        CHECK(same_text(got.correlation, i == 0 ? "order 0" : "order 1"));
        CHECK(got.trace_id[15] == i + 1);
        CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_packet_envelope(&inputs[0], &got));
    }
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    for (int i = 0; i < 2; ++i) reflow_firing_destroy(firings[i]);
    close_queue(at);
}

static void test_source(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Ten", "", "o", REFLOW_AWAIT_ANY, 4, 0); /* a source has one firing at a time */
    reflow_network *network = one_node(at, "Ten", "{}");
    reflow_output *output = rig_output(network, "n.o", 0);
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 0; i < 10; ++i) {
        reflow_firing *firing = next(at);
        size_t count = 1;
        (void)reflow_firing_inputs(firing, &count);
        CHECK(count == 0);
        if (i < 9) CHECK_STATUS(REFLOW_OK, reflow_firing_again(firing));
        answer(firing, reflow_message_integer(i));
    }
    rig_idle(network);
    for (int64_t i = 0; i < 10; ++i) CHECK(rig_recv(output) == i);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    close_queue(at);
}

/* A source that always goes on ends with the others. */
static void test_end_of_sources(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Endless", "", "o", REFLOW_AWAIT_ANY, 0, 0);
    reflow_network *network = one_node(at, "Endless", "{}");
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 0; i < 5; ++i) {
        reflow_firing *firing = next(at);
        CHECK_STATUS(REFLOW_OK, reflow_firing_again(firing));
        if (i == 4) WORKS(reflow_network_end_sources(network, &e));
        answer(firing, reflow_message_integer(i));
    }
    WORKS(reflow_network_drain(network, 10000, &e));
    reflow_network_destroy(network);
    close_queue(at);
}

static void test_failure_and_restart(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Fails", "a", "o", REFLOW_AWAIT_ANY, 0, 0);
    reflow_network *network =
        one_node(at, "Fails", "{\"failure\":{\"then\":\"restart\",\"backoff_ms\":1}}");
    reflow_inport inport = rig_inport(network, "n.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    rig_send(network, inport, 2);
    reflow_firing *firing = next(at);
    uint64_t before = reflow_firing_actor(firing);
    CHECK_STATUS(REFLOW_OK,
                 reflow_completion_fail(reflow_firing_completion(firing), REFLOW_ERROR_HOST,
                                        text_of("broken"), text_of("mend it")));
    reflow_firing_destroy(firing);
    expect_end(at, before);
    firing = next(at);
    CHECK(reflow_firing_actor(firing) != before && input_of(firing, 0) == 2);
    answer(firing, reflow_message_null());
    rig_idle(network);
    reflow_message letters = {0, 0};
    WORKS(reflow_network_list_dead_letters(network, text_of(""), 0, 9, &letters, &e));
    reflow_message letter = {0, 0}, text = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(letters, 0, &letter));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("hint"), &text));
    CHECK(is_json(text, "\"mend it\""));
    reflow_message_unref(letters);
    reflow_network_destroy(network);
    close_queue(at);
}

/* What nobody waits for any more is not handed out, and its completion is dead. */
static void test_cancelled(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Slow", "a", "o", REFLOW_AWAIT_ANY, 4, 0);
    reflow_network *network = one_node(at, "Slow", "{}");
    reflow_inport inport = rig_inport(network, "n.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    reflow_firing *held = next(at);
    rig_send(network, inport, 2);
    WORKS(reflow_network_stop(network, 10000, &e));
    CHECK(reflow_completion_cancelled(reflow_firing_completion(held)));
    CHECK(input_of(held, 0) == 1); /* its inputs can still be read */
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(reflow_firing_completion(held)));
    uint64_t actor = reflow_firing_actor(held);
    reflow_firing_destroy(held);
    reflow_network_destroy(network);
    expect_end(at, actor);
    close_queue(at);
}

static void test_closed(const rig_mode *mode) {
    pull at = open_queue(mode);
    add(at, "Left", "a", "o", REFLOW_AWAIT_ANY, 0, 0);
    reflow_network *network = one_node(at, "Left", "{}");
    reflow_inport inport = rig_inport(network, "n.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, inport, 1);
    rig_send(network, inport, 2);
    reflow_firing *firing = next(at);
    reflow_firing_queue_close(at.queue);
    reflow_firing_queue_close(at.queue);
    reflow_firing *none = firing;
    size_t count = 1;
    FAILS(REFLOW_ERROR_CLOSED, reflow_firing_queue_next(at.queue, &none, 1, 1000, &count, &e));
    CHECK(count == 0);
    answer(firing, reflow_message_null()); /* what was taken goes on */
    rig_idle(network);
    CHECK(rig_counters(network, "n").failed == 1);
    reflow_component late = {.struct_size = sizeof late, .id = text_of("Late")};
    FAILS(REFLOW_ERROR_CLOSED, reflow_firing_queue_register(at.queue, &late, &e));
    reflow_network_destroy(network);
    close_queue(at);
}

/* An event loop that is told: it takes until it is refused, and is called again. */
typedef struct loop {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int called, destroyed;
} loop;

static void queue_readable(void *user_data) {
    loop *own = user_data;
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    ++own->called;
    CHECK(pthread_cond_broadcast(&own->told) == 0);
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
}

static void loop_destroyed(void *user_data) { ++((loop *)user_data)->destroyed; }

static void test_readable(const rig_mode *mode) {
    enum { ALL = 100 };
    pull at = open_queue(mode);
    add(at, "Twice", "a", "o", REFLOW_AWAIT_ANY, 4, 0);
    reflow_network *network = one_node(at, "Twice", "{}");
    reflow_inport inport = rig_inport(network, "n.a");
    reflow_output *output = rig_output(network, "n.o", ALL);
    loop own = {.called = 0};
    CHECK(pthread_mutex_init(&own.lock, NULL) == 0 && pthread_cond_init(&own.told, NULL) == 0);
    WORKS(reflow_firing_queue_on_readable(at.queue, queue_readable, &own, loop_destroyed, &e));
    WORKS(reflow_network_start(network, &e));
    int seen = 0;
    for (int64_t sent = 0, taken = 0; taken < ALL;) {
        if (sent < ALL) rig_send(network, inport, sent++);
        reflow_firing *firing = NULL;
        size_t count = 0;
        while (reflow_firing_queue_next(at.queue, &firing, 1, 0, &count, NULL) == REFLOW_OK) {
            CHECK(input_of(firing, 0) == taken++);
            answer(firing, reflow_message_integer(1));
        }
        if (sent < ALL || taken == ALL) continue;
        /* Refused: nothing more comes without a call, once the actors have run. */
        if (!rig_threaded(mode)) {
            if (mode->mode == REFLOW_MODE_LENT) (void)reflow_runtime_work(at.runtime, 0, NULL);
            else (void)reflow_runtime_run(at.runtime, 0, NULL, NULL);
        }
        CHECK(pthread_mutex_lock(&own.lock) == 0);
        while (own.called == seen) CHECK(pthread_cond_wait(&own.told, &own.lock) == 0);
        seen = own.called;
        CHECK(pthread_mutex_unlock(&own.lock) == 0);
    }
    rig_idle(network);
    /* The close is told, too; another callback takes the place of the first. */
    loop other = {.called = 0};
    CHECK(pthread_mutex_init(&other.lock, NULL) == 0 && pthread_cond_init(&other.told, NULL) == 0);
    WORKS(reflow_firing_queue_on_readable(at.queue, queue_readable, &other, loop_destroyed, &e));
    CHECK(own.destroyed == 1 && other.called == 0);
    reflow_firing_queue_close(at.queue);
    CHECK(other.called == 1);
    WORKS(reflow_firing_queue_on_readable(at.queue, NULL, NULL, NULL, &e));
    CHECK(other.destroyed == 1);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_firing_queue_on_readable(NULL, queue_readable, &own, loop_destroyed, &e));
    CHECK(own.destroyed == 2);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    close_queue(at);
}

static reflow_status refuse_run(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    (void)count;
    return REFLOW_ERROR_FAILED;
}

/* The other callbacks get the user data as state. */
static reflow_status set_up(reflow_context *context, void *state) {
    CHECK(same_text(reflow_context_node(context), "n"));
    *(int *)state += 1;
    return *(int *)state == 1 ? reflow_context_fail(context, REFLOW_ERROR_FAILED,
                                                    text_of("not ready"), text_of(""))
                              : REFLOW_OK;
}
static reflow_status finish(reflow_context *context, void *state) {
    *(int *)state += 10;
    return reflow_context_emit(context, 0, reflow_message_integer(*(int *)state));
}
static void tear_down(reflow_context *context, void *state) {
    (void)context;
    *(int *)state += 100;
}

static void test_other_callbacks(const rig_mode *mode) {
    pull at = open_queue(mode);
    int calls = 0;
    reflow_port out = {.name = text_of("o")}, in = {.name = text_of("a")};
    reflow_component component = {.struct_size = sizeof component,
                                  .id = text_of("Calls"),
                                  .inports = &in,
                                  .inport_count = 1,
                                  .outports = &out,
                                  .outport_count = 1,
                                  .setup = set_up,
                                  .finish = finish,
                                  .teardown = tear_down,
                                  .user_data = &calls};
    WORKS(reflow_firing_queue_register(at.queue, &component, &e));
    reflow_network *network = one_node(at, "Calls", "{}");
    reflow_output *output = rig_output(network, "n.o", 0);
    FAILS(REFLOW_ERROR_FAILED, reflow_network_start(network, &e));
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_drain(network, 10000, &e));
    CHECK(rig_recv(output) == 12);
    WORKS(reflow_network_stop(network, 10000, &e));
    CHECK(calls == 112);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    close_queue(at);
}

static void test_refused(void) {
    pull at = open_queue(&rig_inline);
    int ended = 0;
    reflow_component component = {.struct_size = sizeof component,
                                  .id = text_of("Refused"),
                                  .run = refuse_run,
                                  .user_data = &ended,
                                  .destroy = count_end};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_firing_queue_register(at.queue, &component, &e));
    CHECK(ended == 1);
    component.run = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_firing_queue_register(NULL, &component, &e));
    CHECK(ended == 2);
    component.id = text_of("");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_firing_queue_register(at.queue, &component, &e));
    CHECK(ended == 3);
    component.id = text_of("Fine");
    WORKS(reflow_firing_queue_register(at.queue, &component, &e));
    FAILS(REFLOW_ERROR_ALREADY_EXISTS, reflow_firing_queue_register(at.queue, &component, &e));
    CHECK(ended == 4);
    reflow_firing *firing = NULL;
    size_t count = 0;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_firing_queue_next(at.queue, &firing, 0, 0, &count, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_firing_queue_next(at.queue, NULL, 1, 0, &count, &e));
    /* Nothing is left to run that could bring one. */
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_firing_queue_next(at.queue, &firing, 1, REFLOW_FOREVER, &count, &e));
    CHECK(reflow_firing_inputs(NULL, &count) == NULL && count == 0);
    CHECK(reflow_firing_get_kind(NULL) == REFLOW_FIRING_END);
    CHECK(reflow_firing_actor(NULL) == 0 && reflow_firing_completion(NULL).id == 0);
    CHECK(same_text(reflow_firing_node(NULL), ""));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_firing_again(NULL));
    reflow_firing_destroy(NULL);
    reflow_firing_queue_close(NULL);
    reflow_firing_queue_destroy(NULL);
    close_queue(at);
    CHECK(ended == 5);
    pull own = open_queue(&rig_own);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_firing_queue_next(own.queue, &firing, 1, 5, &count, &e));
    close_queue(own);
}

/* Threads that pull, as a host with a pool would. */
static void *pull_all(void *queue) {
    for (;;) {
        reflow_firing *firings[16];
        size_t count = 0;
        if (reflow_firing_queue_next(queue, firings, 16, REFLOW_FOREVER, &count, NULL) !=
            REFLOW_OK) {
            return NULL;
        }
        for (size_t i = 0; i < count; ++i) {
            if (reflow_firing_get_kind(firings[i]) == REFLOW_FIRING_END) {
                reflow_firing_destroy(firings[i]);
            } else {
                answer(firings[i], reflow_message_integer(input_of(firings[i], 0) + 1));
            }
        }
    }
}

static void test_threads(void) {
    pull at = open_queue(&rig_own);
    pthread_t threads[3];
    int64_t sum = 0;
    add(at, "Next", "a", "o", REFLOW_AWAIT_ANY, 64, 0);
    for (size_t i = 0; i < 3; ++i) {
        CHECK(pthread_create(&threads[i], NULL, pull_all, at.queue) == 0);
    }
    reflow_network *network = one_node(at, "Next", "{}");
    reflow_inport inport = rig_inport(network, "n.a");
    reflow_output *output = rig_output(network, "n.o", 2000);
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 0; i < 2000; ++i) rig_send(network, inport, i);
    for (int64_t i = 0; i < 2000; ++i) sum += rig_recv(output);
    CHECK(sum == 2000 * 1999 / 2 + 2000);
    WORKS(reflow_network_drain(network, 10000, &e));
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_firing_queue_close(at.queue);
    for (size_t i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    close_queue(at);
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_one_by_one(&rig_modes[i]);
        test_many_and_all(&rig_modes[i]);
        test_envelopes(&rig_modes[i]);
        test_source(&rig_modes[i]);
        test_end_of_sources(&rig_modes[i]);
        test_failure_and_restart(&rig_modes[i]);
        test_cancelled(&rig_modes[i]);
        test_closed(&rig_modes[i]);
        test_readable(&rig_modes[i]);
        test_other_callbacks(&rig_modes[i]);
    }
    test_refused();
    test_threads();
    return 0;
}
