/* The actors of ml_instance: a feature engineer that makes batches, a trainer (logistic regression by gradient
 * descent) and an evaluator. Thread: one actor at a time.
 *
 * The arithmetic depends on the order of records alone, so that one process and three give the same model,
 * bit by bit. */
#include "shared.h"

#include <math.h>

/* ---- feature engineer ---------------------------------------------------------------------- */

typedef struct pile {
    double *features; /* BATCH times MAX_FEATURES */
    double labels[BATCH];
    size_t count;
} pile;

typedef struct engineer {
    pile train, held_out;
    size_t features;
    long records;
    char source[MAX_NAME];
} engineer;

enum { ENGINEER_OUTPUT, ENGINEER_HELD_OUT, ENGINEER_METRICS, ENGINEER_LOG };

static void engineer_clear(void *state) {
    engineer *all = state;
    free(all->train.features);
    free(all->held_out.features);
}

/* A batch as the records of the original have it: features, labels and metadata. */
static reflow_status send_batch(reflow_context *context, engineer *all, uint32_t outport) {
    pile *from = outport == ENGINEER_OUTPUT ? &all->train : &all->held_out;
    if (from->count == 0) return REFLOW_OK;
    reflow_array_builder *rows = NULL;
    reflow_status status = reflow_array_builder_create(from->count, &rows, NULL);
    if (status != REFLOW_OK) return status;
    for (size_t i = 0; i < from->count; ++i) {
        reflow_message row = {0, 0};
        status = reflow_message_numbers(REFLOW_NUMBER_F64, from->features + i * MAX_FEATURES,
                                        all->features, &row, NULL);
        if (status == REFLOW_OK) status = reflow_array_builder_append(rows, row, NULL);
        if (status == REFLOW_OK) continue;
        reflow_array_builder_destroy(rows);
        return status;
    }
    reflow_message features = {0, 0}, metadata = {0, 0};
    status = reflow_array_builder_finish(rows, &features, NULL);
    if (status != REFLOW_OK) return status;
    maker about = make();
    put_whole(&about, "total_samples", (long)from->count);
    put_whole(&about, "feature_count", (long)all->features);
    put_now(&about, "training_timestamp");
    put_text(&about, "data_source", all->source);
    status = made(&about, &metadata);
    maker batch = make();
    put(&batch, "features", features);
    put_reals(&batch, "labels", from->labels, from->count);
    put(&batch, "metadata", metadata);
    reflow_status sent = emit_made(context, outport, &batch);
    if (status == REFLOW_OK) status = sent;
    if (status == REFLOW_OK) {
        status = emit_text(context, ENGINEER_LOG,
                           outport == ENGINEER_OUTPUT ? "Generated training batch with %zu samples"
                                                      : "Generated held-out batch with %zu samples",
                           from->count);
    }
    from->count = 0;
    return status;
}

static reflow_status add_record(reflow_context *context, engineer *all, reflow_message record) {
    double values[MAX_FEATURES], label = 0;
    size_t count = 0;
    uint32_t outport = get_flag(record, "held_out") ? ENGINEER_HELD_OUT : ENGINEER_OUTPUT;
    pile *to = outport == ENGINEER_OUTPUT ? &all->train : &all->held_out;
    if (!get_reals(record, "processed_features", values, &count) || count == 0 ||
        !get_real(record, "label", &label)) {
        return refuse(context, REFLOW_ERROR_WRONG_KIND, "not a processed record");
    }
    if (all->features != 0 && count != all->features) {
        return refuse(context, REFLOW_ERROR_WRONG_KIND, "%zu features instead of %zu", count,
                      all->features);
    }
    all->features = count;
    if (to->features == NULL) to->features = calloc(BATCH * MAX_FEATURES, sizeof(double));
    if (to->features == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    memcpy(to->features + to->count * MAX_FEATURES, values, count * sizeof *values);
    to->labels[to->count++] = label;
    ++all->records;
    reflow_status status = to->count == BATCH ? send_batch(context, all, outport) : REFLOW_OK;
    if (status != REFLOW_OK) return status;
    maker metric = make();
    put_text(&metric, "actor", "feature_engineer");
    put_whole(&metric, "features_processed", 1);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "ml");
    return emit_made(context, ENGINEER_METRICS, &metric);
}

static reflow_status engineer_run(reflow_context *context, void *state, reflow_packet *inputs,
                                  size_t count) {
    engineer *all = state;
    long rows = 0, rejected = 0;
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < count && status == REFLOW_OK; ++i) {
        reflow_message record = inputs[i].message;
        bool end = get_flag(record, "end");
        if (!end && !get_flag(record, "scaling")) {
            status = add_record(context, all, record);
            continue;
        }
        if (!end) (void)get_text(record, "source", all->source);
        if (end && (!get_whole(record, "rows", &rows) || !get_whole(record, "rejected", &rejected) ||
                    rows - rejected != all->records)) {
            /* A link that breaks loses what was on its way: nothing is trained with a part. */
            return refuse(context, REFLOW_ERROR_FAILED, "%ld records have come of %ld", all->records,
                          rows - rejected);
        }
        /* Both have to know the scaling, and the end behind what is left. */
        for (uint32_t outport = 0; outport <= ENGINEER_HELD_OUT && status == REFLOW_OK; ++outport) {
            if (end) status = send_batch(context, all, outport);
            if (status == REFLOW_OK) {
                status = reflow_context_emit(context, outport, reflow_message_ref(record));
            }
        }
    }
    return status;
}

/* ---- trainer ------------------------------------------------------------------------------- */

typedef struct trainer {
    double *rows; /* of all batches: features, and the label behind them */
    size_t count, room, features;
    double weights[MAX_FEATURES], bias;
    double gradient[MAX_FEATURES];
    double loss; /* summed up over the epoch */
    long epoch;
    reflow_message scaling; /* none until it has come */
    bool complete;
} trainer;

enum { TRAINER_OUTPUT, TRAINER_METRICS, TRAINER_LOG };

static void trainer_clear(void *state) {
    trainer *all = state;
    free(all->rows);
    reflow_message_unref(all->scaling);
}

static double probability(const double *weights, double bias, const double *values, size_t count) {
    double sum = bias;
    for (size_t i = 0; i < count; ++i) sum += weights[i] * values[i];
    return 1 / (1 + exp(-sum));
}

static double cross_entropy(double probable, double label) {
    static const double least = 1e-12; /* no logarithm of zero */
    return -log(fmax(label > 0.5 ? probable : 1 - probable, least));
}

/* One step against the gradient of the mean cross entropy of some rows. */
static void step(trainer *all, const double *rows, size_t count, double rate, double decay) {
    size_t width = all->features + 1;
    double bias = 0;
    memset(all->gradient, 0, all->features * sizeof *all->gradient);
    for (size_t i = 0; i < count; ++i) {
        const double *row = rows + i * width;
        double label = row[all->features];
        double probable = probability(all->weights, all->bias, row, all->features);
        all->loss += cross_entropy(probable, label);
        bias += probable - label;
        for (size_t j = 0; j < all->features; ++j) {
            all->gradient[j] += (probable - label) * row[j];
        }
    }
    for (size_t j = 0; j < all->features; ++j) {
        all->weights[j] -= rate * (all->gradient[j] / (double)count + decay * all->weights[j]);
    }
    all->bias -= rate * bias / (double)count;
}

static reflow_status take_batch(reflow_context *context, trainer *all, reflow_message batch) {
    double labels[MAX_FEATURES];
    size_t count = 0;
    reflow_message features = {0, 0};
    if (!get(batch, "features", &features) || !get_reals(batch, "labels", labels, &count) ||
        reflow_message_count(features) != count || count == 0) {
        return refuse(context, REFLOW_ERROR_WRONG_KIND, "not a batch of features and labels");
    }
    for (size_t i = 0; i < count; ++i) {
        reflow_message row = {0, 0};
        (void)reflow_message_get_at(features, i, &row);
        size_t width = reflow_message_count(row) + 1;
        if (all->features == 0) all->features = width - 1;
        if (width != all->features + 1 || width > MAX_FEATURES + 1) {
            return refuse(context, REFLOW_ERROR_WRONG_KIND, "%zu features instead of %zu", width - 1,
                          all->features);
        }
        if (all->count == all->room) {
            size_t room = all->room == 0 ? 1024 : 2 * all->room;
            double *more = realloc(all->rows, room * width * sizeof *more);
            if (more == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
            all->rows = more;
            all->room = room;
        }
        double *to = all->rows + all->count * width;
        for (size_t j = 0; j + 1 < width; ++j) {
            reflow_message value = {0, 0};
            (void)reflow_message_get_at(row, j, &value);
            if (reflow_message_get_float(value, &to[j]) != REFLOW_OK) {
                return refuse(context, REFLOW_ERROR_WRONG_KIND, "a feature is not a number");
            }
        }
        to[width - 1] = labels[i];
        ++all->count;
    }
    return REFLOW_OK;
}

/* The model as bytes: MessagePack of all that a prediction needs. */
static reflow_status model_bytes(const trainer *all, reflow_message *out) {
    reflow_message model;
    reflow_buffer *buffer = NULL;
    maker data = make();
    put_reals(&data, "weights", all->weights, all->features);
    put_real(&data, "bias", all->bias);
    put_other(&data, "mean", all->scaling);
    put_other(&data, "deviation", all->scaling);
    put_other(&data, "class_0", all->scaling);
    put_other(&data, "class_1", all->scaling);
    reflow_status status = made(&data, &model);
    if (status != REFLOW_OK) return status;
    status = reflow_message_to_msgpack(model, &buffer, NULL);
    reflow_message_unref(model);
    if (status != REFLOW_OK) return status;
    reflow_view bytes = reflow_buffer_get(buffer);
    status = reflow_message_bytes(bytes.data, bytes.size, out, NULL);
    reflow_buffer_destroy(buffer);
    return status;
}

static reflow_status publish(reflow_context *context, trainer *all, long epochs) {
    char id[MAX_NAME];
    reflow_message bytes = {0, 0};
    reflow_status status = model_bytes(all, &bytes);
    if (status != REFLOW_OK) return status;
    double loss = all->loss / (double)all->count;
    snprintf(id, sizeof id, "model-epoch-%ld", all->epoch);
    maker model = make();
    put_text(&model, "model_id", id);
    put(&model, "model_data", bytes);
    put_whole(&model, "epoch", all->epoch);
    put_real(&model, "loss", loss);
    put_whole(&model, "training_samples", (long)all->count);
    put_flag(&model, "final", all->epoch == epochs);
    put_now(&model, "training_timestamp");
    status = emit_made(context, TRAINER_OUTPUT, &model);
    if (status == REFLOW_OK) {
        status = emit_text(context, TRAINER_LOG, "Epoch %ld of %ld: loss %.4f", all->epoch, epochs,
                           loss);
    }
    if (status != REFLOW_OK) return status;
    maker metric = make();
    put_text(&metric, "actor", "model_trainer");
    put_text(&metric, "model_id", id);
    put_real(&metric, "loss", loss);
    put_whole(&metric, "training_samples", (long)all->count);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "ml");
    return emit_made(context, TRAINER_METRICS, &metric);
}

/* The first epoch goes along with the batches that come; the others, one in each call, follow the end. */
static reflow_status trainer_run(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    trainer *all = state;
    double rate = setting(context, "rate", 0.05), decay = setting(context, "decay", 0.001);
    long epochs = (long)setting(context, "epochs", 20);
    for (size_t i = 0; i < count; ++i) {
        reflow_message message = inputs[i].message;
        if (get_flag(message, "scaling")) {
            reflow_message_unref(all->scaling);
            all->scaling = reflow_message_take(&inputs[i].message);
        } else if (get_flag(message, "end")) {
            if (all->count == 0) {
                return refuse(context, REFLOW_ERROR_INVALID_STATE, "there was nothing to train with");
            }
            all->complete = true;
            all->epoch = 1;
        } else {
            size_t before = all->count;
            reflow_status status = take_batch(context, all, message);
            if (status != REFLOW_OK) return status;
            step(all, all->rows + before * (all->features + 1), all->count - before, rate, decay);
        }
    }
    (void)reflow_context_advance(context, count);
    if (!all->complete || all->epoch > epochs) return REFLOW_OK;
    if (all->epoch > 1) {
        all->loss = 0;
        for (size_t at = 0; at < all->count; at += BATCH) {
            size_t some = all->count - at < BATCH ? all->count - at : BATCH;
            step(all, all->rows + at * (all->features + 1), some, rate, decay);
        }
    }
    reflow_status status = publish(context, all, epochs);
    if (status != REFLOW_OK || ++all->epoch > epochs) return status;
    double pause_ms = setting(context, "pause_ms", 0);
    return pause_ms > 0 ? reflow_context_wake_after(context, (uint64_t)(pause_ms * 1e6))
                        : reflow_context_again(context);
}

/* ---- evaluator ----------------------------------------------------------------------------- */

typedef struct evaluator {
    reflow_message *batches, *models; /* models: those that came before all batches were here */
    size_t batch_count, batch_room, model_count, model_room;
    bool complete;
} evaluator;

enum { EVALUATOR_HELD_OUT, EVALUATOR_MODEL };
enum { EVALUATOR_OUTPUT, EVALUATOR_METRICS, EVALUATOR_LOG };

static void evaluator_clear(void *state) {
    evaluator *all = state;
    for (size_t i = 0; i < all->batch_count; ++i) reflow_message_unref(all->batches[i]);
    for (size_t i = 0; i < all->model_count; ++i) reflow_message_unref(all->models[i]);
    free(all->batches);
    free(all->models);
}

static bool push(reflow_message **list, size_t *count, size_t *room, reflow_message message) {
    if (*count == *room) {
        size_t more = *room == 0 ? 64 : 2 * *room;
        reflow_message *grown = realloc(*list, more * sizeof **list);
        if (grown == NULL) return false;
        *list = grown;
        *room = more;
    }
    (*list)[(*count)++] = message;
    return true;
}

/* Rows of one held-out batch against the model; counts has true and false positives, then negatives. */
static bool judge(reflow_message batch, const double *weights, double bias, size_t features,
                  long counts[4]) {
    double labels[MAX_FEATURES];
    size_t count = 0;
    reflow_message rows = {0, 0};
    if (!get(batch, "features", &rows) || !get_reals(batch, "labels", labels, &count)) return false;
    for (size_t i = 0; i < count; ++i) {
        double values[MAX_FEATURES];
        reflow_message row = {0, 0};
        if (reflow_message_get_at(rows, i, &row) != REFLOW_OK ||
            reflow_message_count(row) != features) {
            return false;
        }
        for (size_t j = 0; j < features; ++j) {
            reflow_message value = {0, 0};
            (void)reflow_message_get_at(row, j, &value);
            if (reflow_message_get_float(value, &values[j]) != REFLOW_OK) return false;
        }
        bool positive = probability(weights, bias, values, features) >= 0.5;
        bool right = positive == (labels[i] > 0.5);
        ++counts[(positive ? 0 : 2) + (right ? 0 : 1)];
    }
    return true;
}

static double share(long part, long rest) {
    return part + rest == 0 ? 0 : (double)part / (double)(part + rest);
}

static reflow_status measure(const evaluator *all, reflow_message model, reflow_message *metrics,
                             double *accuracy) {
    long counts[4] = {0, 0, 0, 0};
    double weights[MAX_FEATURES], bias = 0;
    size_t features = 0;
    reflow_message bytes = {0, 0}, data = {0, 0};
    reflow_view view = {NULL, 0};
    if (!get(model, "model_data", &bytes) ||
        reflow_message_get_bytes(bytes, &view) != REFLOW_OK ||
        reflow_message_from_msgpack(view.data, view.size, NULL, &data, NULL) != REFLOW_OK) {
        return REFLOW_ERROR_WRONG_KIND;
    }
    bool good = get_reals(data, "weights", weights, &features) && get_real(data, "bias", &bias);
    reflow_message_unref(data);
    for (size_t i = 0; good && i < all->batch_count; ++i) {
        good = judge(all->batches[i], weights, bias, features, counts);
    }
    if (!good) return REFLOW_ERROR_WRONG_KIND;
    double precision = share(counts[0], counts[1]), recall = share(counts[0], counts[3]);
    *accuracy = share(counts[0] + counts[2], counts[1] + counts[3]);
    maker found = make();
    put_real(&found, "accuracy", *accuracy);
    put_real(&found, "precision", precision);
    put_real(&found, "recall", recall);
    put_real(&found, "f1_score",
             precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall));
    put_whole(&found, "true_positives", counts[0]);
    put_whole(&found, "false_positives", counts[1]);
    put_whole(&found, "true_negatives", counts[2]);
    put_whole(&found, "false_negatives", counts[3]);
    return made(&found, metrics);
}

static reflow_status evaluate(reflow_context *context, const evaluator *all, reflow_message model) {
    char id[MAX_NAME];
    double accuracy = 0;
    reflow_message metrics;
    reflow_status status = measure(all, model, &metrics, &accuracy);
    if (status != REFLOW_OK) return refuse(context, status, "the model does not fit the batches");
    (void)get_text(model, "model_id", id);
    maker trained = make();
    put_other(&trained, "model_id", model);
    put_other(&trained, "model_data", model);
    put(&trained, "performance_metrics", metrics);
    put_other(&trained, "training_timestamp", model);
    put_other(&trained, "epoch", model);
    put_other(&trained, "loss", model);
    put_other(&trained, "training_samples", model);
    put_other(&trained, "final", model);
    status = emit_made(context, EVALUATOR_OUTPUT, &trained);
    if (status == REFLOW_OK) {
        status = emit_text(context, EVALUATOR_LOG, "Trained model %s with accuracy %.3f", id, accuracy);
    }
    if (status != REFLOW_OK) return status;
    maker metric = make();
    put_text(&metric, "actor", "model_evaluator");
    put_text(&metric, "model_id", id);
    put_real(&metric, "accuracy", accuracy);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "ml");
    return emit_made(context, EVALUATOR_METRICS, &metric);
}

static reflow_status evaluator_run(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    evaluator *all = state;
    for (size_t i = 0; i < count; ++i) {
        reflow_message message = inputs[i].message;
        reflow_status status = REFLOW_OK;
        bool kept = true;
        if (inputs[i].port == EVALUATOR_MODEL) {
            if (all->complete) {
                status = evaluate(context, all, message);
            } else {
                kept = push(&all->models, &all->model_count, &all->model_room,
                            reflow_message_ref(message));
            }
        } else if (get_flag(message, "end")) {
            all->complete = true;
            for (size_t j = 0; j < all->model_count && status == REFLOW_OK; ++j) {
                status = evaluate(context, all, all->models[j]);
            }
        } else if (!get_flag(message, "scaling")) {
            kept = push(&all->batches, &all->batch_count, &all->batch_room,
                        reflow_message_ref(message));
        }
        if (!kept) {
            reflow_message_unref(message);
            return REFLOW_ERROR_OUT_OF_MEMORY;
        }
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

reflow_status register_ml(reflow_runtime *runtime, reflow_error **error) {
    static const reflow_port input[] = {PORT("Input")};
    static const reflow_port engineered[] = {PORT("Output"), PORT("HeldOut"), PORT("Metrics"),
                                             PORT("Log")};
    static const reflow_port judged[] = {PORT("HeldOut"), PORT("Model")};
    static const reflow_port outputs[] = {PORT("Output"), PORT("Metrics"), PORT("Log")};
    const kind kinds[] = {
        {.id = "FeatureEngineer",
         .description = "Gathers records to batches of ten, for training and for evaluation.",
         .inports = input,
         .inport_count = COUNT(input),
         .outports = engineered,
         .outport_count = COUNT(engineered),
         .size = sizeof(engineer),
         .run = engineer_run,
         .clear = engineer_clear},
        {.id = "ModelTrainer",
         .description = "Logistic regression by gradient descent; publishes its model each epoch.",
         .inports = input,
         .inport_count = COUNT(input),
         .outports = outputs,
         .outport_count = COUNT(outputs),
         .size = sizeof(trainer),
         .run = trainer_run,
         .clear = trainer_clear},
        {.id = "ModelEvaluator",
         .description = "Measures models with what was held out.",
         .inports = judged,
         .inport_count = COUNT(judged),
         .outports = outputs,
         .outport_count = COUNT(outputs),
         .size = sizeof(evaluator),
         .run = evaluator_run,
         .clear = evaluator_clear}};
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < COUNT(kinds) && status == REFLOW_OK; ++i) {
        status = register_kind(runtime, &kinds[i], error);
    }
    return status;
}
