/* A node that fails as often as a value says, and all that comes of it. */
#ifndef REFLOW_TESTS_FAILURE_RIG_H
#define REFLOW_TESTS_FAILURE_RIG_H

#include "check.h"

#include "rig.h"

enum { VALUES = 64 };

/* What the nodes named "Work" and "Later" do, and what they have done. */
static struct {
    pthread_mutex_t mutex;
    int fails[VALUES];    /* calls with this value that fail, from now on; -1: all */
    int calls[VALUES];
    int attempts[VALUES]; /* what reflow_context_attempts said at the last call */
    uint64_t times[VALUES][16];
    int emits_first;      /* a failing call emits before it fails */
    int takes;            /* it moves its input out */
    int later;            /* firings end later */
    int host;             /* fails with REFLOW_ERROR_HOST and a trace */
    int create_fails;     /* so many times from now on; -1: always */
    int setup_fails;
    int created, destroyed, set_up, torn_down;
    reflow_completion open[VALUES];
    int open_value[VALUES];
    int opened;
} work = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static inline void work_reset(void) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    memset(&work, 0, sizeof work);
    memcpy(&work.mutex, &mutex, sizeof mutex);
}
static inline void work_lock(void) { CHECK(pthread_mutex_lock(&work.mutex) == 0); }
static inline void work_unlock(void) { CHECK(pthread_mutex_unlock(&work.mutex) == 0); }

static inline bool take_one(int *count) {
    if (*count == 0) return false;
    if (*count > 0) --*count;
    return true;
}

static inline reflow_status work_create(reflow_context *context, void *user_data, void **state) {
    (void)user_data;
    work_lock();
    bool fails = take_one(&work.create_fails);
    if (!fails) ++work.created;
    work_unlock();
    *state = &work;
    return fails ? reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("no state"),
                                       text_of(""))
                 : REFLOW_OK;
}
static inline reflow_status work_setup(reflow_context *context, void *state) {
    CHECK(context != NULL && state == &work);
    work_lock();
    bool fails = take_one(&work.setup_fails);
    if (!fails) ++work.set_up;
    work_unlock();
    return fails ? REFLOW_ERROR_IO : REFLOW_OK;
}
static inline void work_teardown(reflow_context *context, void *state) {
    CHECK(context != NULL && state == &work);
    work_lock();
    ++work.torn_down;
    work_unlock();
}
static inline void work_destroy(void *state) {
    CHECK(state == &work);
    work_lock();
    ++work.destroyed;
    CHECK(work.destroyed <= work.created);
    work_unlock();
}

static inline reflow_status work_fail(reflow_context *context, int value) {
    char text[64];
    snprintf(text, sizeof text, "no %d today", value);
    reflow_failure failure = {0};
    failure.struct_size = sizeof failure;
    failure.status = work.host ? REFLOW_ERROR_HOST : REFLOW_ERROR_FAILED;
    failure.message = text_of(text);
    failure.hint = text_of("come back tomorrow");
    failure.trace = text_of("at work\nat home");
    return reflow_context_fail_with(context, &failure);
}

static inline reflow_status work_run(reflow_context *context, void *state, reflow_packet *inputs,
                                     size_t count) {
    CHECK(state == &work);
    for (size_t i = 0; i < count; ++i) {
        int64_t number = 0;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(inputs[i].message, &number));
        int value = (int)number;
        CHECK(value >= 0 && value < VALUES);
        work_lock();
        bool fails = take_one(&work.fails[value]);
        if (work.calls[value] < 16) {
            work.times[value][work.calls[value]] = reflow_context_now_ns(context);
        }
        ++work.calls[value];
        work.attempts[value] = (int)reflow_context_attempts(context);
        bool later = work.later && work.opened < VALUES;
        if (later) {
            reflow_completion completion;
            CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &completion));
            work.open[work.opened] = completion;
            work.open_value[work.opened++] = fails ? -1 - value : value;
        }
        work_unlock();
        if (work.takes) reflow_message_unref(reflow_message_take(&inputs[i].message));
        if (later) continue;
        if (fails && !work.emits_first) return work_fail(context, value);
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(value)));
        if (fails) return work_fail(context, value);
        CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i + 1));
    }
    return REFLOW_OK;
}

/* Ends all firings that are open; returns how many. */
static inline int work_answer(void) {
    reflow_completion open[VALUES];
    int values[VALUES], count;
    work_lock();
    count = work.opened;
    memcpy(open, work.open, sizeof open);
    memcpy(values, work.open_value, sizeof values);
    work.opened = 0;
    work_unlock();
    for (int i = 0; i < count; ++i) {
        int value = values[i] < 0 ? -1 - values[i] : values[i];
        bool fails = values[i] < 0;
        if (!fails || work.emits_first) {
            reflow_message message = reflow_message_integer(value);
            /* Until there is room: a restart may have ended it. */
            reflow_status status = reflow_completion_emit(open[i], 0, message, 1000);
            CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
        }
        reflow_status status;
        if (fails) {
            char text[64];
            snprintf(text, sizeof text, "no %d today", value);
            reflow_failure failure = {0};
            failure.struct_size = sizeof failure;
            failure.status = REFLOW_ERROR_FAILED;
            failure.message = text_of(text);
            failure.trace = text_of("later");
            status = reflow_completion_fail_with(open[i], &failure);
        } else {
            status = reflow_completion_resolve(open[i]);
        }
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED);
    }
    return count;
}

/* Passes time in mode simulated: a packet of so many milliseconds. */
static inline reflow_status tick_run(reflow_context *context, void *state, reflow_packet *inputs,
                                     size_t count) {
    (void)state;
    if (count == 0) return REFLOW_OK;
    int64_t ms = 0;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(inputs[0].message, &ms));
    return reflow_context_wake_after(context, (uint64_t)ms * 1000000);
}

typedef struct shop {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport in, tick;
    reflow_output *out;
} shop;

static inline void shop_register(reflow_runtime *runtime, const char *id, uint32_t max_batch,
                                 uint32_t concurrency, uint32_t flags) {
    reflow_port in = {0}, out = {0};
    in.name = text_of("a");
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = text_of(id);
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.max_batch = max_batch;
    component.max_concurrency = concurrency;
    component.flags = flags | REFLOW_COMPONENT_STATELESS; /* all is in `work` */
    component.create = work_create;
    component.setup = work_setup;
    component.run = work_run;
    component.teardown = work_teardown;
    component.destroy_state = work_destroy;
    WORKS(reflow_runtime_register(runtime, &component, &e));
}

/* document is a graph with the nodes "w" (Work, Blocks, Later or Ordered) and "tick" (Tick). */
static inline shop shop_create(const rig_mode *mode, const char *document) {
    shop s;
    memset(&s, 0, sizeof s);
    s.runtime = rig_runtime(mode);
    shop_register(s.runtime, "Work", 8, 0, 0);
    shop_register(s.runtime, "Blocks", 8, 0, REFLOW_COMPONENT_BLOCKING);
    shop_register(s.runtime, "Later", 4, 4, 0);
    shop_register(s.runtime, "Ordered", 4, 4, REFLOW_COMPONENT_ORDERED);
    rig_register_pass(s.runtime);
    rig_component tick = {0};
    tick.id = "Tick";
    tick.inports = "a";
    tick.run = tick_run;
    rig_register(s.runtime, &tick);
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(document), REFLOW_FORMAT_JSON, text_of("shop.json"), &graph,
                            &e));
    WORKS(reflow_network_create(s.runtime, graph, &s.network, &e));
    reflow_graph_destroy(graph);
    s.in = rig_inport(s.network, "w.a");
    s.tick = rig_inport(s.network, "tick.a");
    s.out = rig_output(s.network, "w.o", 1000);
    return s;
}

static inline void shop_start(shop *s) { WORKS(reflow_network_start(s->network, &e)); }

/* Waits for idle, and answers what is pending. */
static inline void shop_idle(shop *s) {
    for (;;) {
        reflow_error *error = NULL;
        reflow_status status = reflow_network_wait_idle(s->network, 20, &error);
        reflow_error_destroy(error);
        int answered = work_answer();
        if (status == REFLOW_OK && answered == 0) return;
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_TIMEOUT ||
              status == REFLOW_ERROR_WOULD_BLOCK);
    }
}

/* Ends all, and checks that each state had one end. */
static inline void shop_close(shop *s) {
    reflow_output_destroy(s->out);
    reflow_network_destroy(s->network);
    reflow_runtime_destroy(s->runtime);
    CHECK(work.created == work.destroyed && work.set_up == work.torn_down);
}

static inline reflow_node_status shop_status(shop *s, const char *node) {
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    WORKS(reflow_network_node_state(s->network, text_of(node), &status, &e));
    return status;
}

static inline reflow_dead_letters shop_letters(shop *s) {
    reflow_dead_letters letters = {0};
    letters.struct_size = sizeof letters;
    WORKS(reflow_network_dead_letters(s->network, &letters, &e));
    return letters;
}

/* What an output has, each once more in counts; in their order into values (may be NULL). */
static inline int shop_take(reflow_output *output, int counts[VALUES], int *values) {
    int all = 0;
    for (;;) {
        reflow_message messages[32];
        size_t count = 0;
        reflow_error *error = NULL;
        reflow_status status = reflow_output_recv_many(output, messages, 32, 0, &count, &error);
        reflow_error_destroy(error);
        if (status != REFLOW_OK) return all;
        for (size_t i = 0; i < count; ++i) {
            int64_t value = 0;
            CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(messages[i], &value));
            if (value >= 0) ++counts[value];
            if (values != NULL) values[all] = (int)value;
            ++all;
            reflow_message_unref(messages[i]);
        }
    }
}

static inline reflow_message get_of(reflow_message object, const char *key) {
    reflow_message value = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of(key), &value));
    return value;
}
static inline reflow_message at_of(reflow_message array, size_t index) {
    reflow_message value = {0, 0};
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(array, index, &value));
    return value;
}
static inline bool text_is(reflow_message object, const char *key, const char *text) {
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(get_of(object, key), &view));
    if (!same_text(view, text)) fprintf(stderr, "%s: %s\n", key, view.data);
    return same_text(view, text);
}

/* The values in dead letters, each once more in counts. */
static inline void shop_dead(shop *s, int counts[VALUES]) {
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(s->network, text_of(""), 0, SIZE_MAX, &list, &e));
    for (size_t i = 0; i < reflow_message_count(list); ++i) {
        reflow_message packets = get_of(at_of(list, i), "packets");
        for (size_t k = 0; k < reflow_message_count(packets); ++k) {
            ++counts[rig_integer(get_of(at_of(packets, k), "message"))];
        }
    }
    reflow_message_unref(list);
}

#endif
