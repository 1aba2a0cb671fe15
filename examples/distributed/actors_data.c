/* The actors of data_instance: a collector that reads a data set row by row, a validator, and a processor
 * that scales. Thread: one actor at a time.
 *
 * A data set is a file like breast-cancer.csv: the first line tells rows, features and the names of class 0
 * and class 1; each row is its features and its class. */
#include "shared.h"

#include <errno.h>
#include <math.h>

/* ---- collector ----------------------------------------------------------------------------- */

typedef struct collector {
    FILE *file;
    char path[1024];
    char source[MAX_NAME]; /* the name of the file */
    char classes[2][MAX_NAME];
    size_t features;
    long line, rows;
} collector;

enum { COLLECTOR_OUTPUT, COLLECTOR_METRICS };

static void collector_clear(void *state) {
    collector *all = state;
    if (all->file != NULL) fclose(all->file);
}

/* "569,30,malignant,benign" */
static bool read_head(collector *all, const char *line) {
    long rows = 0, features = 0;
    int end = 0;
    if (sscanf(line, "%ld,%ld,%127[^,\r\n],%127[^,\r\n]%n", &rows, &features, all->classes[0],
               all->classes[1], &end) != 4 ||
        line[end + (int)strspn(line + end, "\r\n")] != 0 || rows < 1 || features < 1 ||
        features > MAX_FEATURES || strcmp(all->classes[0], all->classes[1]) == 0) {
        return false;
    }
    all->features = (size_t)features;
    return true;
}

static reflow_status collector_setup(reflow_context *context, void *state) {
    collector *all = state;
    char line[4096];
    reflow_message path = {0, 0};
    reflow_view text = {NULL, 0};
    if (!get(reflow_context_config(context), "path", &path) ||
        reflow_message_get_text(path, &text) != REFLOW_OK || text.size >= sizeof all->path) {
        return refuse(context, REFLOW_ERROR_CONFIG, "'path' is not the path of a data set");
    }
    snprintf(all->path, sizeof all->path, "%s", text.data);
    const char *slash = strrchr(all->path, '/');
    snprintf(all->source, sizeof all->source, "%.120s", slash == NULL ? all->path : slash + 1);
    all->file = fopen(all->path, "r");
    if (all->file == NULL) {
        return refuse(context, REFLOW_ERROR_IO, "cannot open %s: %s", all->path, strerror(errno));
    }
    all->line = 1;
    if (fgets(line, sizeof line, all->file) == NULL || !read_head(all, line)) {
        return refuse(context, REFLOW_ERROR_PARSE,
                      "%s:1: not a line like '569,30,malignant,benign': rows, features (at most %d) and "
                      "the names of two classes",
                      all->path, MAX_FEATURES);
    }
    return REFLOW_OK;
}

/* Numbers of a line; what is none becomes NaN, which the validator refuses. */
static size_t split(char *line, double *values, size_t most) {
    size_t count = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *at = line; at != NULL && count < most; ++count) {
        char *comma = strchr(at, ',');
        char *end = NULL;
        if (comma != NULL) *comma = 0;
        values[count] = strtod(at, &end);
        if (end == at || *end != 0) values[count] = NAN;
        at = comma == NULL ? NULL : comma + 1;
    }
    return count;
}

static reflow_status collect(reflow_context *context, collector *all, char *line) {
    static const size_t most = MAX_FEATURES + 2;
    double values[MAX_FEATURES + 2];
    char id[MAX_NAME];
    size_t count = split(line, values, most);
    snprintf(id, sizeof id, "row-%ld", ++all->rows);
    maker about = make();
    put_text(&about, "source", all->source);
    put_whole(&about, "line", all->line);
    put_whole(&about, "features", (long)all->features);
    put_text(&about, "class_0", all->classes[0]);
    put_text(&about, "class_1", all->classes[1]);
    put_real(&about, "label", count == 0 ? NAN : values[count - 1]);
    reflow_message metadata;
    reflow_status status = made(&about, &metadata);
    if (status != REFLOW_OK) return status;
    maker record = make();
    put_text(&record, "id", id);
    put_now(&record, "timestamp");
    put_reals(&record, "features", values, count == 0 ? 0 : count - 1);
    put(&record, "metadata", metadata);
    status = emit_made(context, COLLECTOR_OUTPUT, &record);
    if (status != REFLOW_OK) return status;
    maker metric = make();
    put_text(&metric, "actor", "data_collector");
    put_whole(&metric, "records_collected", all->rows);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "data");
    return emit_made(context, COLLECTOR_METRICS, &metric);
}

/* A packet at Trigger begins; one row in each call, as long as there is room for more. */
static reflow_status collector_run(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    collector *all = state;
    char line[65536];
    (void)inputs;
    (void)count;
    if (all->file == NULL) return REFLOW_OK; /* triggered again after the end */
    while (fgets(line, sizeof line, all->file) != NULL) {
        ++all->line;
        if (line[strspn(line, " \t\r\n")] == 0) continue;
        reflow_status status = all->rows < MAX_RECORDS
                                   ? collect(context, all, line)
                                   : refuse(context, REFLOW_ERROR_LIMIT, "%s:%ld: more than %d rows",
                                            all->path, all->line, MAX_RECORDS);
        if (status != REFLOW_OK) return status;
        (void)reflow_context_advance(context, count);
        return reflow_context_again(context);
    }
    fclose(all->file);
    all->file = NULL;
    maker end = make();
    put_flag(&end, "end", true);
    put_whole(&end, "rows", all->rows);
    return emit_made(context, COLLECTOR_OUTPUT, &end);
}

/* ---- validator ----------------------------------------------------------------------------- */

typedef struct validator {
    long seen, rejected;
} validator;

enum { VALIDATOR_OUTPUT, VALIDATOR_METRICS, VALIDATOR_LOG };
enum { METRICS_EVERY = 10, HELD_OUT_EVERY = 5 };

/* Why a record is no good; empty if it is. */
static void find_fault(reflow_message record, char text[MAX_NAME]) {
    double values[MAX_FEATURES], label = NAN;
    size_t count = 0;
    long expected = 0;
    reflow_message about = {0, 0};
    text[0] = 0;
    if (!get(record, "metadata", &about) || !get_whole(about, "features", &expected) ||
        !get_reals(record, "features", values, &count)) {
        strcpy(text, "not a record, or too many features");
        return;
    }
    if ((long)count != expected) {
        snprintf(text, MAX_NAME, "%zu features instead of %ld", count, expected);
        return;
    }
    for (size_t i = 0; i < count; ++i) {
        if (isfinite(values[i])) continue;
        snprintf(text, MAX_NAME, "feature %zu is not a number", i + 1);
        return;
    }
    if (!get_real(about, "label", &label) || (label != 0 && label != 1)) {
        strcpy(text, "the class is neither 0 nor 1");
    }
}

static reflow_status tell_errors(reflow_context *context, const validator *all) {
    maker metric = make();
    put_text(&metric, "actor", "data_validator");
    put_whole(&metric, "records_seen", all->seen);
    put_whole(&metric, "records_rejected", all->rejected);
    put_real(&metric, "error_rate", (double)all->rejected / (double)all->seen);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "data");
    return emit_made(context, VALIDATOR_METRICS, &metric);
}

/* Each fifth good record is held out of the training. */
static reflow_status validate(reflow_context *context, validator *all, reflow_message record) {
    char fault[MAX_NAME], id[MAX_NAME];
    long line = 0;
    reflow_message about = {0, 0};
    reflow_status status = REFLOW_OK;
    find_fault(record, fault);
    ++all->seen;
    if (fault[0] != 0) {
        ++all->rejected;
        (void)get_text(record, "id", id);
        if (get(record, "metadata", &about)) (void)get_whole(about, "line", &line);
        status = emit_text(context, VALIDATOR_LOG, "Rejected data record %s (line %ld): %s", id, line,
                           fault);
    } else {
        maker good = make();
        put_other(&good, "id", record);
        put_other(&good, "timestamp", record);
        put_other(&good, "features", record);
        put_other(&good, "metadata", record);
        put_flag(&good, "held_out",
                 (all->seen - all->rejected - 1) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1);
        status = emit_made(context, VALIDATOR_OUTPUT, &good);
    }
    if (status != REFLOW_OK || all->seen % METRICS_EVERY != 0) return status;
    return tell_errors(context, all);
}

static reflow_status validator_run(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    validator *all = state;
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < count && status == REFLOW_OK; ++i) {
        if (!get_flag(inputs[i].message, "end")) {
            status = validate(context, all, inputs[i].message);
            continue;
        }
        if (all->seen != 0) status = tell_errors(context, all);
        if (status != REFLOW_OK) return status;
        maker end = make();
        put_flag(&end, "end", true);
        put_whole(&end, "rows", all->seen);
        put_whole(&end, "rejected", all->rejected);
        status = emit_made(context, VALIDATOR_OUTPUT, &end);
    }
    return status;
}

/* ---- processor ----------------------------------------------------------------------------- */

/* It learns mean and deviation of each feature from what is not held out, so it needs all records before
 * the first can go. */
typedef struct processor {
    reflow_message *records; /* MAX_RECORDS at most */
    size_t count, room, next;
    size_t features, learned;
    double mean[MAX_FEATURES], deviation[MAX_FEATURES];
    reflow_message end; /* none until the end has come */
} processor;

enum { PROCESSOR_OUTPUT, PROCESSOR_METRICS, PROCESSOR_LOG };

static void processor_clear(void *state) {
    processor *all = state;
    for (size_t i = all->next; i < all->count; ++i) reflow_message_unref(all->records[i]);
    reflow_message_unref(all->end);
    free(all->records);
}

static reflow_status keep(reflow_context *context, processor *all, reflow_message record) {
    double values[MAX_FEATURES];
    if (all->count == all->room) {
        size_t room = all->room == 0 ? 1024 : 2 * all->room;
        reflow_message *more = realloc(all->records, room * sizeof *more);
        if (more == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
        all->records = more;
        all->room = room;
    }
    if (!get_reals(record, "features", values, &all->features)) {
        return refuse(context, REFLOW_ERROR_WRONG_KIND, "a record without features");
    }
    all->records[all->count++] = reflow_message_ref(record);
    if (get_flag(record, "held_out")) return REFLOW_OK;
    /* B. P. Welford's way to mean and variance (1962); deviation has the sum of squares until the end. */
    ++all->learned;
    for (size_t i = 0; i < all->features; ++i) {
        double before = values[i] - all->mean[i];
        all->mean[i] += before / (double)all->learned;
        all->deviation[i] += before * (values[i] - all->mean[i]);
    }
    return REFLOW_OK;
}

/* Says how it scales, ahead of the records. */
static reflow_status learn(reflow_context *context, processor *all) {
    for (size_t i = 0; i < all->features; ++i) {
        double variance = all->learned == 0 ? 0 : all->deviation[i] / (double)all->learned;
        all->deviation[i] = variance > 0 ? sqrt(variance) : 1; /* a constant tells nothing */
    }
    reflow_message about = {0, 0};
    maker scaling = make();
    put_flag(&scaling, "scaling", true);
    put_reals(&scaling, "mean", all->mean, all->features);
    put_reals(&scaling, "deviation", all->deviation, all->features);
    if (all->count != 0 && get(all->records[0], "metadata", &about)) {
        put_other(&scaling, "source", about);
        put_other(&scaling, "class_0", about);
        put_other(&scaling, "class_1", about);
    }
    return emit_made(context, PROCESSOR_OUTPUT, &scaling);
}

/* One record: (value - mean) / deviation. Its quality is the share of values within three deviations. */
static reflow_status process(reflow_context *context, processor *all, reflow_message record) {
    double values[MAX_FEATURES], begin = milliseconds(), label = 0;
    size_t count = 0, usual = 0;
    char id[MAX_NAME];
    reflow_message about = {0, 0};
    if (!get_text(record, "id", id) || !get_reals(record, "features", values, &count) ||
        !get(record, "metadata", &about) || !get_real(about, "label", &label)) {
        return refuse(context, REFLOW_ERROR_WRONG_KIND, "not a record");
    }
    for (size_t i = 0; i < count; ++i) {
        values[i] = (values[i] - all->mean[i]) / all->deviation[i];
        usual += fabs(values[i]) <= 3;
    }
    double quality = (double)usual / (double)count;
    maker processed = make();
    put_text(&processed, "record_id", id);
    put_reals(&processed, "processed_features", values, count);
    put_real(&processed, "quality_score", quality);
    put_now(&processed, "processing_timestamp");
    put_real(&processed, "label", label);
    put_other(&processed, "held_out", record);
    reflow_status status = emit_made(context, PROCESSOR_OUTPUT, &processed);
    if (status == REFLOW_OK) {
        status = emit_text(context, PROCESSOR_LOG, "Processed data record %s with quality score %.2f",
                           id, quality);
    }
    if (status != REFLOW_OK) return status;
    maker metric = make();
    put_text(&metric, "actor", "data_processor");
    put_real(&metric, "processing_time_ms", milliseconds() - begin);
    put_real(&metric, "quality_score", quality);
    put_now(&metric, "timestamp");
    put_text(&metric, "instance", "data");
    return emit_made(context, PROCESSOR_METRICS, &metric);
}

static reflow_status processor_run(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    processor *all = state;
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < count; ++i) {
        if (!get_flag(inputs[i].message, "end")) {
            status = keep(context, all, inputs[i].message);
        } else {
            reflow_message_unref(all->end);
            all->end = reflow_message_take(&inputs[i].message);
            status = learn(context, all);
        }
        if (status != REFLOW_OK) return status;
    }
    if (reflow_message_kind(all->end) == REFLOW_KIND_NONE) return REFLOW_OK;
    (void)reflow_context_advance(context, count);
    if (all->next < all->count) {
        reflow_message record = all->records[all->next++];
        status = process(context, all, record);
        reflow_message_unref(record);
        return status == REFLOW_OK ? reflow_context_again(context) : status;
    }
    return reflow_context_emit(context, PROCESSOR_OUTPUT, reflow_message_take(&all->end));
}

reflow_status register_data(reflow_runtime *runtime, reflow_error **error) {
    static const reflow_port trigger[] = {PORT("Trigger")}, input[] = {PORT("Input")};
    static const reflow_port outputs[] = {PORT("Output"), PORT("Metrics"), PORT("Log")};
    const kind kinds[] = {
        {.id = "DataCollector",
         .description = "Reads a data set row by row, once it is triggered.",
         .inports = trigger,
         .inport_count = COUNT(trigger),
         .outports = outputs,
         .outport_count = 2,
         .size = sizeof(collector),
         .setup = collector_setup,
         .run = collector_run,
         .clear = collector_clear,
         .flags = REFLOW_COMPONENT_EXTERNAL},
        {.id = "DataValidator",
         .description = "Rejects records that are not whole, and holds each fifth good one out.",
         .inports = input,
         .inport_count = COUNT(input),
         .outports = outputs,
         .outport_count = COUNT(outputs),
         .size = sizeof(validator),
         .run = validator_run},
        {.id = "DataProcessor",
         .description = "Scales features to mean 0 and deviation 1.",
         .inports = input,
         .inport_count = COUNT(input),
         .outports = outputs,
         .outport_count = COUNT(outputs),
         .size = sizeof(processor),
         .run = processor_run,
         .clear = processor_clear}};
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < COUNT(kinds) && status == REFLOW_OK; ++i) {
        status = register_kind(runtime, &kinds[i], error);
    }
    return status;
}
