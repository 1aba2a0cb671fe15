/* The HTTP side of api_instance. Requests come on the thread of links, which nobody may hold up: what takes an
 * actor goes to it as a packet, and its answer comes later. Thread: any. */
#include "site.h"

site *site_create(reflow_view page) {
    site *all = calloc(1, sizeof *all);
    if (all == NULL) return NULL;
    pthread_mutex_init(&all->mutex, NULL);
    all->page = page;
    return all;
}

void site_destroy(site *all) {
    if (all == NULL) return;
    for (size_t i = 0; i < PENDING; ++i) {
        if (all->pending[i].ticket != 0) reflow_http_reply_destroy(all->pending[i].reply);
    }
    for (size_t i = 0; i < ALERTS; ++i) reflow_message_unref(all->alerts[i]);
    for (size_t i = 0; i < INSTANCES; ++i) reflow_message_unref(all->links[i]);
    reflow_message_unref(all->model);
    reflow_message_unref(all->contents);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

reflow_status site_open(site *all, reflow_network *network, reflow_peer *peer,
                        reflow_error **error) {
    all->network = network;
    all->peer = peer;
    return reflow_network_find_inport(network, reflow_str("prediction_service"),
                                      reflow_str("PredictionRequest"), &all->requests, error);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* Takes the message. */
static void answer_message(reflow_http_reply *reply, uint32_t status, reflow_message message) {
    reflow_buffer *text = NULL;
    if (reflow_message_to_json(message, REFLOW_JSON_PLAIN, &text, NULL) == REFLOW_OK) {
        (void)reflow_http_reply_send(reply, status, reflow_str("application/json"),
                                     reflow_buffer_get(text), NULL);
    } else {
        reflow_http_reply_destroy(reply);
    }
    reflow_buffer_destroy(text);
    reflow_message_unref(message);
}

void answer_object(reflow_http_reply *reply, uint32_t status, maker *object) {
    reflow_message message;
    if (made(object, &message) == REFLOW_OK) {
        answer_message(reply, status, message);
    } else {
        reflow_http_reply_destroy(reply);
    }
}

void answer_error(reflow_http_reply *reply, uint32_t status, const char *text) {
    maker error = make();
    put_text(&error, "error", text);
    answer_object(reply, status, &error);
}

/* ---- what the page polls ------------------------------------------------------------------- */

reflow_status links_metric(const reflow_peer *peer, const char *instance, reflow_message *out) {
    static const char *const keys[] = {"network_id", "state",       "round_trip_ns", "packets_in",
                                       "bytes_in",   "packets_out", "bytes_out"};
    reflow_message status = {0, 0}, links = {0, 0};
    reflow_array_builder *list = NULL;
    *out = reflow_message_null();
    reflow_status failed = reflow_peer_status(peer, &status, NULL);
    if (failed != REFLOW_OK) return failed;
    failed = reflow_array_builder_create(3, &list, NULL);
    (void)get(status, "links", &links);
    for (size_t i = 0; failed == REFLOW_OK && i < reflow_message_count(links); ++i) {
        reflow_message from = {0, 0}, one = {0, 0};
        (void)reflow_message_get_at(links, i, &from);
        maker link = make();
        for (size_t j = 0; j < COUNT(keys); ++j) put_other(&link, keys[j], from);
        failed = made(&link, &one);
        if (failed == REFLOW_OK) failed = reflow_array_builder_append(list, one, NULL);
    }
    reflow_message_unref(status);
    reflow_message all = {0, 0};
    if (failed != REFLOW_OK) {
        reflow_array_builder_destroy(list);
        return failed;
    }
    failed = reflow_array_builder_finish(list, &all, NULL);
    if (failed != REFLOW_OK) return failed;
    maker metric = make();
    put_text(&metric, "actor", "links");
    put_text(&metric, "instance", instance);
    put(&metric, "links", all);
    put_now(&metric, "timestamp");
    return made(&metric, out);
}

/* Under the mutex: the curve, as an array. */
static reflow_message curve(const site *all) {
    reflow_array_builder *list = NULL;
    reflow_message result = {0, 0};
    if (reflow_array_builder_create(all->point_count, &list, NULL) != REFLOW_OK) {
        return reflow_message_null();
    }
    for (size_t i = 0; i < all->point_count; ++i) {
        const point *from = &all->points[i];
        reflow_message one;
        maker to = make();
        put_whole(&to, "epoch", from->epoch);
        put_real(&to, "accuracy", from->accuracy);
        put_real(&to, "precision", from->precision);
        put_real(&to, "recall", from->recall);
        put_real(&to, "f1_score", from->f1_score);
        put_real(&to, "loss", from->loss);
        if (made(&to, &one) == REFLOW_OK) (void)reflow_array_builder_append(list, one, NULL);
    }
    if (reflow_array_builder_finish(list, &result, NULL) != REFLOW_OK) return reflow_message_null();
    return result;
}

/* Under the mutex: references to some messages that are there, the oldest first. */
static reflow_message list_of(const reflow_message *messages, unsigned long total, size_t room,
                              reflow_message last) {
    reflow_array_builder *list = NULL;
    reflow_message result = {0, 0};
    unsigned long first = total > room ? total - room : 0;
    if (reflow_array_builder_create(room, &list, NULL) != REFLOW_OK) return reflow_message_null();
    for (unsigned long i = first; i < total; ++i) {
        reflow_message one = messages[i % room];
        if (reflow_message_kind(one) == REFLOW_KIND_NONE) continue;
        (void)reflow_array_builder_append(list, reflow_message_ref(one), NULL);
    }
    if (reflow_message_kind(last) != REFLOW_KIND_NONE) {
        (void)reflow_array_builder_append(list, reflow_message_ref(last), NULL);
    }
    if (reflow_array_builder_finish(list, &result, NULL) != REFLOW_OK) return reflow_message_null();
    return result;
}

static void answer_state(site *all, reflow_http_reply *reply) {
    reflow_message own = {0, 0};
    if (links_metric(all->peer, "api", &own) != REFLOW_OK) own = (reflow_message){0, 0};
    maker state = make();
    put_now(&state, "time");
    pthread_mutex_lock(&all->mutex);
    put_other(&state, "model_id", all->model);
    put_other(&state, "performance_metrics", all->model);
    put_other(&state, "training_samples", all->model);
    put_flag(&state, "finished", get_flag(all->model, "final"));
    put(&state, "curve", curve(all));
    put_whole(&state, "records_processed", all->records);
    put_whole(&state, "features_processed", all->features);
    put_whole(&state, "metrics_seen", all->metrics);
    put_whole(&state, "predictions", all->predictions);
    put_whole(&state, "refused_predictions", all->failures);
    put(&state, "alerts",
        list_of(all->alerts, all->alert_count, ALERTS, (reflow_message){0, 0}));
    put(&state, "links", list_of(all->links, INSTANCES, INSTANCES, own));
    pthread_mutex_unlock(&all->mutex);
    reflow_message_unref(own);
    answer_object(reply, 200, &state);
}

static void answer_model(site *all, reflow_http_reply *reply) {
    static const char *const keys[] = {"model_id", "epoch", "loss", "training_samples",
                                       "performance_metrics"};
    static const char *const inside[] = {"weights",   "bias",    "mean",
                                         "deviation", "class_0", "class_1"};
    maker model = make();
    pthread_mutex_lock(&all->mutex);
    bool there = reflow_message_kind(all->model) != REFLOW_KIND_NONE;
    for (size_t i = 0; i < COUNT(keys); ++i) put_other(&model, keys[i], all->model);
    for (size_t i = 0; i < COUNT(inside); ++i) put_other(&model, inside[i], all->contents);
    pthread_mutex_unlock(&all->mutex);
    if (there) {
        answer_object(reply, 200, &model);
    } else {
        reflow_object_builder_destroy(model.builder);
        answer_error(reply, 503, "there is no model yet");
    }
}

/* ---- requests ------------------------------------------------------------------------------ */

/* Keeps the reply; 0 if too many are kept. */
static long keep_reply(site *all, reflow_http_reply *reply) {
    long ticket = 0;
    pthread_mutex_lock(&all->mutex);
    for (size_t i = 0; i < PENDING && ticket == 0; ++i) {
        if (all->pending[i].ticket != 0) continue;
        ticket = ++all->last_ticket;
        all->pending[i].ticket = ticket;
        all->pending[i].reply = reply;
    }
    pthread_mutex_unlock(&all->mutex);
    return ticket;
}

static reflow_http_reply *take_reply(site *all, long ticket) {
    reflow_http_reply *reply = NULL;
    pthread_mutex_lock(&all->mutex);
    for (size_t i = 0; i < PENDING; ++i) {
        if (all->pending[i].ticket != ticket) continue;
        all->pending[i].ticket = 0;
        reply = all->pending[i].reply;
    }
    pthread_mutex_unlock(&all->mutex);
    return reply;
}

static void ask_service(site *all, reflow_message body, reflow_http_reply *reply) {
    reflow_message request, value = {0, 0};
    char name[MAX_NAME];
    long ticket = keep_reply(all, reply);
    if (ticket == 0) {
        answer_error(reply, 503, "too many requests wait");
        return;
    }
    snprintf(name, sizeof name, "request-%ld", ticket);
    maker packet = make();
    put_whole(&packet, "ticket", ticket);
    if (get(body, "request_id", &value)) {
        put(&packet, "request_id", reflow_message_ref(value));
    } else {
        put_text(&packet, "request_id", name);
    }
    put_other(&packet, "features", body);
    put_other(&packet, "model_version", body);
    reflow_status status = made(&packet, &request);
    if (status == REFLOW_OK) {
        status = reflow_network_try_send(all->network, all->requests, request, NULL);
        if (status == REFLOW_OK) return;
        reflow_message_unref(request);
    }
    reply = take_reply(all, ticket);
    if (reply != NULL) answer_error(reply, 503, "the prediction service takes no more");
}

static void serve_predict(site *all, const reflow_http_request *request, reflow_http_reply *reply) {
    reflow_message body = {0, 0};
    reflow_error *error = NULL;
    if (reflow_message_from_json(request->body, NULL, &body, &error) != REFLOW_OK) {
        answer_error(reply, 400, reflow_error_text(error).data);
        reflow_error_destroy(error);
        return;
    }
    if (reflow_message_kind(body) == REFLOW_KIND_OBJECT) {
        ask_service(all, body, reply);
    } else {
        answer_error(reply, 422, "the body is not an object");
    }
    reflow_message_unref(body);
}

static bool is(reflow_view text, const char *other) {
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

static void serve_page(site *all, const reflow_http_request *request, reflow_http_reply *reply) {
    if (!is(request->method, "GET") && !is(request->method, "HEAD")) {
        answer_error(reply, 405, "this is read by GET");
    } else if (is(request->path, "/api/state")) {
        answer_state(all, reply);
    } else if (is(request->path, "/api/model")) {
        answer_model(all, reply);
    } else {
        (void)reflow_http_reply_send(reply, 200, reflow_str("text/html; charset=utf-8"), all->page,
                                     NULL);
    }
}

void site_serve(site *all, const reflow_http_request *request, reflow_http_reply *reply) {
    if (is(request->path, "/predict")) {
        if (is(request->method, "POST")) {
            serve_predict(all, request, reply);
        } else {
            answer_error(reply, 405, "predictions are asked for by POST");
        }
    } else if (is(request->path, "/") || is(request->path, "/api/state") ||
               is(request->path, "/api/model")) {
        serve_page(all, request, reply);
    } else {
        answer_error(reply, 404,
                     "there are /, /predict, /api/state, /api/model, /health, /status and /metrics "
                     "here");
    }
}
