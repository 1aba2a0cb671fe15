/* The actors of api_instance: the prediction service, which has the newest model; the responder, which answers
 * HTTP requests that wait; and monitoring, which gathers what the page shows. Thread: one actor at a time. */
#include "site.h"

#include <math.h>

/* ---- prediction service -------------------------------------------------------------------- */

enum { WINDOW = 20, WINDOW_LEAST = 5 }; /* requests that the error rate is of */

typedef struct service {
    site *shared;
    char version[MAX_NAME], classes[2][MAX_NAME];
    double weights[MAX_FEATURES], mean[MAX_FEATURES], deviation[MAX_FEATURES], bias;
    size_t features; /* 0: there is no model yet */
    bool failed[WINDOW];
    unsigned long requests;
    long served;
} service;

enum { SERVICE_MODEL, SERVICE_REQUEST };
enum { SERVICE_RESPONSE, SERVICE_METRICS, SERVICE_LOG };

static reflow_status update(reflow_context *context, service *all, reflow_message model) {
    size_t mean = 0, deviation = 0;
    double accuracy = 0;
    reflow_message bytes = {0, 0}, data = {0, 0}, metrics = {0, 0};
    reflow_view view = {NULL, 0};
    if (!get(model, "model_data", &bytes) || reflow_message_get_bytes(bytes, &view) != REFLOW_OK ||
        reflow_message_from_msgpack(view.data, view.size, NULL, &data, NULL) != REFLOW_OK) {
        return refuse(context, REFLOW_ERROR_WRONG_KIND, "not a trained model");
    }
    bool good = get_reals(data, "weights", all->weights, &all->features) &&
                get_real(data, "bias", &all->bias) && get_reals(data, "mean", all->mean, &mean) &&
                get_reals(data, "deviation", all->deviation, &deviation) &&
                get_text(data, "class_0", all->classes[0]) &&
                get_text(data, "class_1", all->classes[1]) &&
                get_text(model, "model_id", all->version) && mean == all->features &&
                deviation == all->features;
    if (!good) all->features = 0;
    pthread_mutex_lock(&all->shared->mutex);
    reflow_message_unref(all->shared->model);
    reflow_message_unref(all->shared->contents);
    all->shared->model = reflow_message_ref(model);
    all->shared->contents = data;
    pthread_mutex_unlock(&all->shared->mutex);
    if (!good) return refuse(context, REFLOW_ERROR_WRONG_KIND, "not a trained model");
    if (get(model, "performance_metrics", &metrics)) (void)get_real(metrics, "accuracy", &accuracy);
    return emit_text(context, SERVICE_LOG, "Updated prediction model to %s (accuracy: %.3f)",
                     all->version, accuracy);
}

/* What is wrong with a request: a status of HTTP and its text; 0 if nothing is. */
static uint32_t find_fault(const service *all, reflow_message request, double *values, char *text,
                           size_t room) {
    char version[MAX_NAME];
    size_t count = 0;
    reflow_message asked = {0, 0};
    if (all->features == 0) {
        snprintf(text, room, "there is no model yet");
        return 503;
    }
    if (!get_reals(request, "features", values, &count)) {
        snprintf(text, room, "'features' is not an array of at most %d numbers", MAX_FEATURES);
        return 422;
    }
    if (count != all->features) {
        snprintf(text, room, "'features' has %zu numbers, the model needs %zu", count, all->features);
        return 422;
    }
    for (size_t i = 0; i < count; ++i) {
        if (isfinite(values[i])) continue;
        snprintf(text, room, "'features' has a number that is not finite at %zu", i);
        return 422;
    }
    if (!get(request, "model_version", &asked) || reflow_message_kind(asked) == REFLOW_KIND_NULL) {
        return 0;
    }
    if (get_text(request, "model_version", version) && strcmp(version, all->version) == 0) return 0;
    snprintf(text, room, "the model is %s, and no other is kept", all->version);
    return 409;
}

static reflow_status tell_rate(reflow_context *context, service *all, bool failed) {
    double failures = 0;
    all->failed[all->requests++ % WINDOW] = failed;
    size_t seen = all->requests < WINDOW ? (size_t)all->requests : WINDOW;
    for (size_t i = 0; i < seen; ++i) failures += all->failed[i];
    maker metric = make();
    put_text(&metric, "actor", "prediction_service");
    put_whole(&metric, "predictions_served", all->served);
    if (seen >= WINDOW_LEAST) put_real(&metric, "error_rate", failures / (double)seen);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "api");
    return emit_made(context, SERVICE_METRICS, &metric);
}

static reflow_status predict(reflow_context *context, service *all, reflow_message request) {
    double values[MAX_FEATURES], begin = milliseconds(), sum = all->bias;
    char fault[MAX_NAME + 64];
    uint32_t status = find_fault(all, request, values, fault, sizeof fault);
    maker response = make();
    put_other(&response, "ticket", request);
    put_other(&response, "request_id", request);
    if (status != 0) {
        put_whole(&response, "status", (long)status);
        put_text(&response, "error", fault);
    } else {
        for (size_t i = 0; i < all->features; ++i) {
            sum += all->weights[i] * (values[i] - all->mean[i]) / all->deviation[i];
        }
        double probable = 1 / (1 + exp(-sum));
        bool positive = probable >= 0.5;
        ++all->served;
        put_real(&response, "prediction", positive ? 1 : 0);
        put_text(&response, "label", all->classes[positive]);
        put_real(&response, "confidence", positive ? probable : 1 - probable);
        put_text(&response, "model_version", all->version);
        put_real(&response, "processing_time_ms", milliseconds() - begin);
    }
    reflow_status sent = emit_made(context, SERVICE_RESPONSE, &response);
    if (sent == REFLOW_OK && status != 0) {
        sent = emit_text(context, SERVICE_LOG, "Refused prediction request: %s", fault);
    }
    return sent == REFLOW_OK ? tell_rate(context, all, status != 0) : sent;
}

static reflow_status service_run(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < count && status == REFLOW_OK; ++i) {
        status = inputs[i].port == SERVICE_MODEL ? update(context, state, inputs[i].message)
                                                 : predict(context, state, inputs[i].message);
    }
    return status;
}

/* ---- responder ----------------------------------------------------------------------------- */

static reflow_status responder_run(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    site *all = *(site **)state;
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        reflow_message response = inputs[i].message, value = {0, 0};
        reflow_http_reply *reply = NULL;
        long ticket = 0, status = 200;
        (void)get_whole(response, "status", &status);
        (void)get_whole(response, "ticket", &ticket);
        pthread_mutex_lock(&all->mutex);
        for (size_t j = 0; j < PENDING && ticket != 0; ++j) {
            if (all->pending[j].ticket != ticket) continue;
            all->pending[j].ticket = 0;
            reply = all->pending[j].reply;
        }
        *(status == 200 ? &all->predictions : &all->failures) += 1;
        pthread_mutex_unlock(&all->mutex);
        if (reply == NULL) continue;
        maker body = make();
        static const char *const keys[] = {"request_id", "prediction",    "label",
                                           "confidence", "model_version", "processing_time_ms",
                                           "error"};
        for (size_t j = 0; j < COUNT(keys); ++j) {
            if (get(response, keys[j], &value)) put(&body, keys[j], reflow_message_ref(value));
        }
        answer_object(reply, (uint32_t)status, &body);
    }
    return REFLOW_OK;
}

/* ---- monitoring ---------------------------------------------------------------------------- */

enum { MONITORING_METRICS, MONITORING_MODELS, MONITORING_ALERTS };

static void note_metric(site *all, reflow_message metric) {
    char actor[MAX_NAME], instance[MAX_NAME], known[MAX_NAME];
    (void)get_text(metric, "actor", actor);
    if (strcmp(actor, "links") != 0) ++all->metrics;
    if (strcmp(actor, "data_processor") == 0) ++all->records;
    if (strcmp(actor, "feature_engineer") == 0) ++all->features;
    if (strcmp(actor, "links") != 0 || !get_text(metric, "instance", instance)) return;
    if (strcmp(instance, "api") == 0) return; /* its own links are asked for when they are shown */
    for (size_t i = 0; i < INSTANCES; ++i) {
        bool free_place = reflow_message_kind(all->links[i]) == REFLOW_KIND_NONE;
        (void)get_text(all->links[i], "instance", known);
        if (!free_place && strcmp(known, instance) != 0) continue;
        reflow_message_unref(all->links[i]);
        all->links[i] = reflow_message_ref(metric);
        return;
    }
}

static void note_model(site *all, reflow_message model) {
    reflow_message metrics = {0, 0};
    if (all->point_count == POINTS || !get(model, "performance_metrics", &metrics)) return;
    point *to = &all->points[all->point_count++];
    (void)get_whole(model, "epoch", &to->epoch);
    (void)get_real(model, "loss", &to->loss);
    (void)get_real(metrics, "accuracy", &to->accuracy);
    (void)get_real(metrics, "precision", &to->precision);
    (void)get_real(metrics, "recall", &to->recall);
    (void)get_real(metrics, "f1_score", &to->f1_score);
}

static reflow_status monitoring_run(reflow_context *context, void *state, reflow_packet *inputs,
                                    size_t count) {
    site *all = *(site **)state;
    (void)context;
    pthread_mutex_lock(&all->mutex);
    for (size_t i = 0; i < count; ++i) {
        reflow_message message = inputs[i].message;
        if (inputs[i].port == MONITORING_METRICS) {
            note_metric(all, message);
        } else if (inputs[i].port == MONITORING_MODELS) {
            note_model(all, message);
        } else {
            reflow_message *place = &all->alerts[all->alert_count++ % ALERTS];
            reflow_message_unref(*place);
            *place = reflow_message_ref(message);
        }
    }
    pthread_mutex_unlock(&all->mutex);
    return REFLOW_OK;
}

reflow_status register_api(reflow_runtime *runtime, site *all, reflow_error **error) {
    static const reflow_port asked[] = {PORT("ModelUpdate"), PORT("PredictionRequest")};
    static const reflow_port told[] = {PORT("PredictionResponse"), PORT("Metrics"), PORT("Log")};
    static const reflow_port input[] = {PORT("Input")};
    static const reflow_port watched[] = {PORT("Input"), PORT("Models"), PORT("Alerts")};
    const kind kinds[] = {
        {.id = "PredictionService",
         .description = "Has the newest model and predicts with it.",
         .inports = asked,
         .inport_count = COUNT(asked),
         .outports = told,
         .outport_count = COUNT(told),
         .size = sizeof(service),
         .run = service_run,
         .shared = all},
        {.id = "HttpResponder",
         .description = "Answers the request that a prediction is for.",
         .inports = input,
         .inport_count = COUNT(input),
         .size = sizeof(site *),
         .run = responder_run,
         .shared = all,
         .flags = REFLOW_COMPONENT_EXTERNAL},
        {.id = "Monitoring",
         .description = "Gathers what the live page shows.",
         .inports = watched,
         .inport_count = COUNT(watched),
         .size = sizeof(site *),
         .run = monitoring_run,
         .shared = all,
         .flags = REFLOW_COMPONENT_EXTERNAL}};
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < COUNT(kinds) && status == REFLOW_OK; ++i) {
        status = register_kind(runtime, &kinds[i], error);
    }
    return status;
}
