/* The components that every runner brings, as ../README.md describes them. */
#include <pthread.h>

#include "runner.h"

static reflow_status fail(reflow_context *context, const char *message, const char *hint) {
    return reflow_context_fail(context, REFLOW_ERROR_FAILED, reflow_str(message), reflow_str(hint));
}

static reflow_status fail_number(reflow_context *context, const char *what, int64_t number,
                                 const char *hint) {
    char text[64];
    snprintf(text, sizeof text, "%s: %lld", what, (long long)number);
    return fail(context, text, hint);
}

static reflow_message taken(reflow_packet *packet) { return reflow_message_take(&packet->message); }

static reflow_status run_pass(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)count;
    return reflow_context_emit(context, 0, taken(inputs));
}

static reflow_status run_double(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state;
    (void)count;
    int64_t integer = 0;
    double number = 0;
    if (reflow_message_get_integer(inputs->message, &integer) == REFLOW_OK) {
        return reflow_context_emit(context, 0, reflow_message_integer(2 * integer));
    }
    if (reflow_message_get_float(inputs->message, &number) == REFLOW_OK) {
        return reflow_context_emit(context, 0, reflow_message_float(2 * number));
    }
    return fail(context, "not a number", "send an integer or a float");
}

static reflow_status run_add(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)state;
    (void)count;
    int64_t a = 0, b = 0;
    if (reflow_message_get_integer(inputs[0].message, &a) != REFLOW_OK ||
        reflow_message_get_integer(inputs[1].message, &b) != REFLOW_OK) {
        return fail(context, "not two integers", "");
    }
    return reflow_context_emit(context, 0, reflow_message_integer(a + b));
}

/* Emits an object of two values, which are taken. */
static reflow_status emit_pair(reflow_context *context, const char *first, reflow_message a,
                               const char *second, reflow_message b) {
    reflow_object_builder *builder = NULL;
    reflow_message object = {0, 0};
    reflow_status status = reflow_object_builder_create(2, &builder, NULL);
    if (status == REFLOW_OK) {
        status = reflow_object_builder_set(builder, reflow_str(first), a, NULL);
        reflow_status second_status =
            reflow_object_builder_set(builder, reflow_str(second), b, NULL);
        if (status == REFLOW_OK) status = second_status;
    }
    if (status != REFLOW_OK) {
        reflow_object_builder_destroy(builder);
        return status;
    }
    status = reflow_object_builder_finish(builder, &object, NULL);
    return status == REFLOW_OK ? reflow_context_emit(context, 0, object) : status;
}

static reflow_status run_latest(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state;
    (void)count;
    reflow_message b = reflow_message_kind(inputs[1].message) == REFLOW_KIND_NONE
                           ? reflow_message_null()
                           : reflow_message_ref(inputs[1].message);
    return emit_pair(context, "a", taken(&inputs[0]), "b", b);
}

static reflow_status run_fail_on_odd(reflow_context *context, void *state, reflow_packet *inputs,
                                     size_t count) {
    (void)state;
    (void)count;
    int64_t number = 0;
    if (reflow_message_get_integer(inputs->message, &number) != REFLOW_OK) {
        return fail(context, "not an integer", "send even numbers");
    }
    if (number % 2 != 0) return fail_number(context, "odd", number, "send even numbers");
    return reflow_context_emit(context, 0, taken(inputs));
}

static reflow_status run_emit_then_fail(reflow_context *context, void *state, reflow_packet *inputs,
                                        size_t count) {
    (void)state;
    (void)count;
    reflow_status status = reflow_context_emit(context, 0, reflow_message_ref(inputs->message));
    return status == REFLOW_OK ? fail(context, "failed after its output", "") : status;
}

static reflow_status run_split(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)count;
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; status == REFLOW_OK && i < reflow_message_count(inputs->message); ++i) {
        status = reflow_context_emit(context, 0, reflow_message_ref(at(inputs->message, i)));
    }
    return status;
}

/* A node with a number as its state. */
static reflow_status create_number(reflow_context *context, const char *key, void **state) {
    int64_t *number = malloc(sizeof *number);
    if (number == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    *number = integer_at(reflow_context_config(context), key, 0);
    *state = number;
    return REFLOW_OK;
}
static reflow_status create_start(reflow_context *context, void *user_data, void **state) {
    (void)user_data;
    return create_number(context, "start", state);
}
static reflow_status create_times(reflow_context *context, void *user_data, void **state) {
    (void)user_data;
    return create_number(context, "times", state);
}
static reflow_status create_zero(reflow_context *context, void *user_data, void **state) {
    (void)user_data;
    return create_number(context, "", state);
}

static reflow_status run_total(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)count;
    int64_t *sum = state, number = 0;
    if (reflow_message_get_integer(inputs->message, &number) != REFLOW_OK) {
        return fail(context, "not an integer", "");
    }
    *sum += number;
    return reflow_context_emit(context, 0, reflow_message_integer(*sum));
}

static reflow_status run_fail_first(reflow_context *context, void *state, reflow_packet *inputs,
                                    size_t count) {
    (void)count;
    int64_t *left = state;
    if (*left > 0) {
        --*left;
        return fail(context, "not yet", "");
    }
    return reflow_context_emit(context, 0, taken(inputs));
}

static reflow_status run_count(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)inputs;
    (void)count;
    int64_t *next = state, end = integer_at(reflow_context_config(context), "n", 0);
    if (*next >= end) return REFLOW_OK;
    reflow_status status = reflow_context_emit(context, 0, reflow_message_integer((*next)++));
    return status == REFLOW_OK ? reflow_context_again(context) : status;
}

static reflow_status run_endless(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)inputs;
    (void)count;
    int64_t *next = state;
    reflow_status status = reflow_context_emit(context, 0, reflow_message_integer((*next)++));
    return status == REFLOW_OK ? reflow_context_again(context) : status;
}

static reflow_status run_indexed(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state;
    (void)count;
    reflow_message index = inputs->index == REFLOW_NO_INDEX ? reflow_message_null()
                                                            : reflow_message_integer(inputs->index);
    return emit_pair(context, "index", index, "value", taken(inputs));
}

static reflow_status run_config(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    return reflow_context_emit(context, 0, reflow_message_ref(reflow_context_config(context)));
}

static reflow_status setup_fails(reflow_context *context, void *state) {
    (void)state;
    return fail(context, "no such device", "");
}

static reflow_status run_never(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    (void)count;
    reflow_completion completion;
    return reflow_context_defer(context, 0, &completion);
}

/* ---- firings that end on another thread ---- */

typedef struct late_firing {
    reflow_completion completion;
    reflow_message message;
} late_firing;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    late_firing waiting[4096];
    size_t count;
    bool started, ended;
} late = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void end_late(const late_firing *firing) {
    int64_t number = 0;
    char text[64];
    if (reflow_message_get_integer(firing->message, &number) == REFLOW_OK && number < 0) {
        snprintf(text, sizeof text, "negative: %lld", (long long)number);
        (void)reflow_completion_fail(firing->completion, REFLOW_ERROR_FAILED, reflow_str(text),
                                     reflow_str("send numbers from 0 up"));
        reflow_message_unref(firing->message);
        return;
    }
    if (reflow_completion_emit(firing->completion, 0, firing->message, REFLOW_FOREVER) !=
        REFLOW_OK) {
        reflow_message_unref(firing->message);
    }
    (void)reflow_completion_resolve(firing->completion);
}

static void *work_late(void *unused) {
    (void)unused;
    pthread_mutex_lock(&late.mutex);
    while (!late.ended || late.count > 0) {
        if (late.count == 0) {
            pthread_cond_wait(&late.changed, &late.mutex);
            continue;
        }
        late_firing first = late.waiting[0];
        memmove(late.waiting, late.waiting + 1, --late.count * sizeof first);
        pthread_mutex_unlock(&late.mutex);
        end_late(&first);
        pthread_mutex_lock(&late.mutex);
    }
    pthread_mutex_unlock(&late.mutex);
    return NULL;
}

static reflow_status run_later(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)count;
    late_firing firing;
    reflow_status status = reflow_context_defer(context, 0, &firing.completion);
    if (status != REFLOW_OK) return status;
    firing.message = reflow_message_ref(inputs->message);
    pthread_mutex_lock(&late.mutex);
    late.waiting[late.count++] = firing;
    pthread_cond_signal(&late.changed);
    pthread_mutex_unlock(&late.mutex);
    return REFLOW_OK;
}

void end_components(void) {
    pthread_mutex_lock(&late.mutex);
    late.ended = true;
    pthread_cond_signal(&late.changed);
    pthread_mutex_unlock(&late.mutex);
    if (late.started) pthread_join(late.thread, NULL);
}

/* ---- the table ---- */

typedef struct entry {
    const char *id;
    reflow_run_fn run;
    reflow_create_fn create;
    reflow_state_fn setup;
    uint32_t max_concurrency;
} entry;

static const entry entries[] = {
    {"Pass", run_pass, NULL, NULL, 0},
    {"Double", run_double, NULL, NULL, 0},
    {"Add", run_add, NULL, NULL, 0},
    {"Latest", run_latest, NULL, NULL, 0},
    {"FailOnOdd", run_fail_on_odd, NULL, NULL, 0},
    {"EmitThenFail", run_emit_then_fail, NULL, NULL, 0},
    {"FailFirst", run_fail_first, create_times, NULL, 0},
    {"Split", run_split, NULL, NULL, 0},
    {"Total", run_total, create_start, NULL, 0},
    {"Count", run_count, create_zero, NULL, 0},
    {"Endless", run_endless, create_zero, NULL, 0},
    {"Later", run_later, NULL, NULL, 8},
    {"Never", run_never, NULL, NULL, 8},
    {"Indexed", run_indexed, NULL, NULL, 0},
    {"Config", run_config, NULL, NULL, 0},
    {"SetupFails", run_pass, NULL, setup_fails, 0},
};

static void register_entry(scenario_run *run, const entry *from) {
    reflow_port inports[2], out;
    reflow_component component;
    reflow_error *error = NULL;
    memset(inports, 0, sizeof inports);
    memset(&out, 0, sizeof out);
    memset(&component, 0, sizeof component);
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = reflow_str(from->id);
    component.run = from->run;
    component.create = from->create;
    if (from->create != NULL) component.destroy_state = free;
    component.setup = from->setup;
    component.max_concurrency = from->max_concurrency;
    inports[0].name = reflow_str("in");
    component.inport_count = 1;
    if (from->run == run_add || from->run == run_latest) {
        inports[0].name = reflow_str("a");
        inports[1].name = reflow_str("b");
        component.inport_count = 2;
        component.await = from->run == run_add ? REFLOW_AWAIT_ALL : REFLOW_AWAIT_REQUIRED;
        if (from->run == run_latest) inports[0].flags = REFLOW_PORT_REQUIRED;
    }
    if (from->run == run_indexed) inports[0].flags = REFLOW_PORT_ARRAY;
    if (from->run == run_count || from->run == run_endless) component.inport_count = 0;
    out.name = reflow_str("out");
    component.inports = inports;
    component.outports = &out;
    component.outport_count = 1;
    reflow_status status = reflow_runtime_register(run->runtime, &component, &error);
    check_works(run, from->id, status, error);
}

void register_components(scenario_run *run) {
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; ++i)
        register_entry(run, &entries[i]);
    if (late.started) return;
    late.started = pthread_create(&late.thread, NULL, work_late, NULL) == 0;
    if (!late.started) complain(run, "no thread for late firings");
}
