/* See shared.h. Thread: any; no state besides that of the actors. */
#include "shared.h"

#include <time.h>

/* ---- messages ------------------------------------------------------------------------------ */

maker make(void) {
    maker to = {NULL, REFLOW_OK};
    to.status = reflow_object_builder_create(8, &to.builder, NULL);
    return to;
}

void put(maker *to, const char *key, reflow_message value) {
    if (to->status == REFLOW_OK) {
        to->status = reflow_object_builder_set(to->builder, reflow_str(key), value, NULL);
    } else {
        reflow_message_unref(value);
    }
}

void put_text(maker *to, const char *key, const char *text) {
    reflow_message value = {0, 0};
    reflow_status status = reflow_message_string(reflow_str(text), &value, NULL);
    if (to->status == REFLOW_OK) to->status = status;
    if (status == REFLOW_OK) put(to, key, value);
}

void put_real(maker *to, const char *key, double value) {
    put(to, key, reflow_message_float(value));
}
void put_whole(maker *to, const char *key, long value) {
    put(to, key, reflow_message_integer(value));
}
void put_flag(maker *to, const char *key, bool value) {
    put(to, key, reflow_message_boolean(value));
}

void put_reals(maker *to, const char *key, const double *values, size_t count) {
    reflow_message value = {0, 0};
    reflow_status status = reflow_message_numbers(REFLOW_NUMBER_F64, values, count, &value, NULL);
    if (to->status == REFLOW_OK) to->status = status;
    if (status == REFLOW_OK) put(to, key, value);
}

void put_now(maker *to, const char *key) {
    char text[32];
    time_text(text, false);
    put_text(to, key, text);
}

void put_other(maker *to, const char *key, reflow_message from) {
    reflow_message value = {0, 0};
    if (get(from, key, &value)) put(to, key, reflow_message_ref(value));
}

reflow_status made(maker *from, reflow_message *out) {
    *out = reflow_message_null();
    if (from->status != REFLOW_OK) {
        reflow_object_builder_destroy(from->builder);
        return from->status;
    }
    return reflow_object_builder_finish(from->builder, out, NULL);
}

reflow_status emit_made(reflow_context *context, uint32_t outport, maker *from) {
    reflow_message message;
    reflow_status status = made(from, &message);
    return status == REFLOW_OK ? reflow_context_emit(context, outport, message) : status;
}

reflow_status emit_text(reflow_context *context, uint32_t outport, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reflow_message message = {0, 0};
    reflow_status status = reflow_message_string(reflow_str(text), &message, NULL);
    return status == REFLOW_OK ? reflow_context_emit(context, outport, message) : status;
}

bool get(reflow_message from, const char *key, reflow_message *value) {
    return reflow_message_get(from, reflow_str(key), value) == REFLOW_OK;
}

bool get_real(reflow_message from, const char *key, double *value) {
    reflow_message found = {0, 0};
    return get(from, key, &found) && reflow_message_get_float(found, value) == REFLOW_OK;
}

bool get_whole(reflow_message from, const char *key, long *value) {
    reflow_message found = {0, 0};
    int64_t whole = 0;
    if (!get(from, key, &found) || reflow_message_get_integer(found, &whole) != REFLOW_OK) {
        return false;
    }
    *value = (long)whole;
    return true;
}

bool get_flag(reflow_message from, const char *key) {
    reflow_message found = {0, 0};
    bool flag = false;
    return get(from, key, &found) && reflow_message_get_boolean(found, &flag) == REFLOW_OK && flag;
}

bool get_text(reflow_message from, const char *key, char text[MAX_NAME]) {
    reflow_message found = {0, 0};
    reflow_view view;
    text[0] = 0;
    if (!get(from, key, &found) || reflow_message_get_text(found, &view) != REFLOW_OK) return false;
    if (view.size >= MAX_NAME) return false;
    memcpy(text, view.data, view.size);
    text[view.size] = 0;
    return true;
}

bool get_reals(reflow_message from, const char *key, double *values, size_t *count) {
    reflow_message found = {0, 0};
    if (!get(from, key, &found) || reflow_message_kind(found) != REFLOW_KIND_ARRAY) return false;
    *count = reflow_message_count(found);
    if (*count > MAX_FEATURES) return false;
    for (size_t i = 0; i < *count; ++i) {
        reflow_message one = {0, 0};
        if (reflow_message_get_at(found, i, &one) != REFLOW_OK ||
            reflow_message_get_float(one, &values[i]) != REFLOW_OK) {
            return false;
        }
    }
    return true;
}

/* ---- time and settings --------------------------------------------------------------------- */

void time_text(char text[32], bool plain) {
    struct timespec now;
    struct tm parts;
    char day[24];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(day, sizeof day, plain ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, 32, "%s.%03d%s", day, (int)(now.tv_nsec / 1000000), plain ? "" : "Z");
}

double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

reflow_status refuse(reflow_context *context, reflow_status status, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return reflow_context_fail(context, status, reflow_str(text), reflow_str(""));
}

double setting(const reflow_context *context, const char *key, double otherwise) {
    double value = otherwise;
    return get_real(reflow_context_config(context), key, &value) ? value : otherwise;
}

/* ---- components ---------------------------------------------------------------------------- */

/* In front of each state: what it is, for its end. */
typedef union front {
    const kind *what;
    long double aligned;
} front;

static reflow_status create_state(reflow_context *context, void *user_data, void **state) {
    const kind *what = user_data;
    (void)context;
    front *block = calloc(1, sizeof *block + what->size);
    if (block == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    block->what = what;
    *state = block + 1;
    if (what->shared != NULL) memcpy(*state, &what->shared, sizeof what->shared);
    return REFLOW_OK;
}

static void destroy_state(void *state) {
    front *block = (front *)state - 1;
    if (block->what->clear != NULL) block->what->clear(state);
    free(block);
}

reflow_status register_kind(reflow_runtime *runtime, const kind *what, reflow_error **error) {
    reflow_component component = {.struct_size = sizeof component, .port_size = sizeof(reflow_port)};
    kind *kept = malloc(sizeof *kept);
    if (kept == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    *kept = *what;
    component.id = reflow_str(what->id);
    component.title = component.id;
    component.description = reflow_str(what->description);
    component.category = reflow_str("example");
    component.inports = what->inports;
    component.inport_count = what->inport_count;
    component.outports = what->outports;
    component.outport_count = what->outport_count;
    component.flags = what->flags;
    component.create = create_state;
    component.setup = what->setup;
    component.run = what->run;
    component.destroy_state = destroy_state;
    component.user_data = kept;
    component.destroy = free;
    return reflow_runtime_register(runtime, &component, error);
}

/* ---- logger -------------------------------------------------------------------------------- */

/* Prints "[time] [instance] [LEVEL]: text", objects as indented JSON below such a line. The level is
 * that of the configuration, or the severity that an object tells. */
static reflow_status log_run(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    reflow_message config = reflow_context_config(context);
    char instance[MAX_NAME], level[MAX_NAME], time[32];
    (void)state;
    if (!get_text(config, "instance_name", instance)) strcpy(instance, "unknown");
    for (size_t i = 0; i < count; ++i) {
        reflow_message message = inputs[i].message;
        reflow_view text = {NULL, 0};
        reflow_buffer *json = NULL;
        if (!get_text(message, "severity", level) && !get_text(config, "log_level", level)) {
            strcpy(level, "info");
        }
        for (char *at = level; *at != 0; ++at) {
            if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
        }
        bool plain = reflow_message_get_text(message, &text) == REFLOW_OK;
        if (!plain) {
            reflow_status status =
                reflow_message_to_json(message, REFLOW_JSON_PLAIN_PRETTY, &json, NULL);
            if (status != REFLOW_OK) return status;
            text = reflow_buffer_get(json);
        }
        time_text(time, true);
        size_t size = text.size + 256;
        char *line = malloc(size);
        if (line != NULL) {
            int length = snprintf(line, size, "[%s] [%.60s] [%.60s]:%s%.*s\n", time, instance, level,
                                  plain ? " " : "\n", (int)text.size, text.data);
            (void)reflow_context_print(context, (reflow_view){line, (size_t)length});
        }
        free(line);
        reflow_buffer_destroy(json);
    }
    return REFLOW_OK;
}

/* ---- metrics ------------------------------------------------------------------------------- */

enum { METRICS_KEPT = 100, ACTORS_WATCHED = 16 };
static const double error_rate_limit = 0.1;

typedef struct metrics {
    reflow_message kept[METRICS_KEPT]; /* the last ones, in a ring */
    unsigned long total;
    struct {
        char actor[MAX_NAME];
        bool high; /* its error rate was above the limit */
    } watched[ACTORS_WATCHED];
} metrics;

static void metrics_clear(void *state) {
    metrics *all = state;
    for (size_t i = 0; i < METRICS_KEPT; ++i) reflow_message_unref(all->kept[i]);
}

/* Whether the error rate of an actor has passed the limit just now; it is told once each time. */
static bool passes(metrics *all, reflow_message metric, double *rate) {
    char actor[MAX_NAME];
    if (!get_real(metric, "error_rate", rate) || !get_text(metric, "actor", actor)) return false;
    for (size_t i = 0; i < ACTORS_WATCHED; ++i) {
        if (all->watched[i].actor[0] == 0) strcpy(all->watched[i].actor, actor);
        if (strcmp(all->watched[i].actor, actor) != 0) continue;
        bool was_high = all->watched[i].high;
        all->watched[i].high = *rate > error_rate_limit;
        return all->watched[i].high && !was_high;
    }
    return *rate > error_rate_limit;
}

enum { METRICS_OUTPUT, METRICS_ALERT };

static reflow_status metrics_run(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    metrics *all = state;
    for (size_t i = 0; i < count; ++i) {
        double rate = 0;
        reflow_message metric = reflow_message_take(&inputs[i].message);
        reflow_message *place = &all->kept[all->total++ % METRICS_KEPT];
        reflow_message_unref(*place);
        *place = metric;
        if (passes(all, metric, &rate)) {
            maker alert = make();
            put_text(&alert, "type", "high_error_rate");
            put_real(&alert, "error_rate", rate);
            put_now(&alert, "timestamp");
            put_text(&alert, "severity", "warning");
            put_other(&alert, "actor", metric);
            put_other(&alert, "instance", metric);
            reflow_status status = emit_made(context, METRICS_ALERT, &alert);
            if (status != REFLOW_OK) return status;
        }
        reflow_status status =
            reflow_context_emit(context, METRICS_OUTPUT, reflow_message_ref(metric));
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

reflow_status register_shared(reflow_runtime *runtime, reflow_error **error) {
    static const reflow_port input[] = {PORT("Input")};
    static const reflow_port outputs[] = {PORT("Output"), PORT("Alert")};
    const kind logger = {.id = "DistributedLogger",
                         .description = "Prints what it gets, with time, instance and level.",
                         .inports = input,
                         .inport_count = COUNT(input),
                         .run = log_run};
    const kind collector = {
        .id = "MetricsCollector",
        .description = "Keeps the last 100 metrics, and tells when an error rate passes 0.1.",
        .inports = input,
        .inport_count = COUNT(input),
        .outports = outputs,
        .outport_count = COUNT(outputs),
        .size = sizeof(metrics),
        .run = metrics_run,
        .clear = metrics_clear};
    reflow_status status = register_kind(runtime, &logger, error);
    return status == REFLOW_OK ? register_kind(runtime, &collector, error) : status;
}
