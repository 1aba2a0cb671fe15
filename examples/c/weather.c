/* Runs the graph of examples/weather with one of its actors replaced by C code: the rules that the
 * node "alerts" applies are a function here. Usage: weather [GRAPH [OUTPUT_FOLDER]].
 *
 * The program checks its own result: what its actor emitted has to be in the file that the graph
 * writes, and every row has to have arrived. */
#include <reflow.h>
#include <stdio.h>

/* What all callbacks of the component share. One actor runs on one thread at a time, and main
 * reads the counts only after the network has been drained. */
typedef struct alerts {
    double wind, precipitation; /* thresholds, from the configuration of the node */
    long rows, sent;
} alerts;

static int fail(const char *what, reflow_error *error) {
    fprintf(stderr, "%s: %s\n", what, reflow_error_text(error).data);
    reflow_error_destroy(error);
    return 1;
}

/* The number under a key of an object; 0 and a false *ok if there is none. */
static double number_of(reflow_message object, const char *key, bool *ok) {
    reflow_message value = {0, 0};
    double number = 0;
    if (reflow_message_get(object, reflow_str(key), &value) != REFLOW_OK ||
        reflow_message_get_float(value, &number) != REFLOW_OK) {
        *ok = false;
    }
    return number;
}

static reflow_status create(reflow_context *context, void *user_data, void **state) {
    alerts *all = user_data;
    bool ok = true;
    all->wind = number_of(reflow_context_config(context), "wind", &ok);
    all->precipitation = number_of(reflow_context_config(context), "precipitation", &ok);
    *state = all;
    if (ok) return REFLOW_OK;
    return reflow_context_fail(context, REFLOW_ERROR_CONFIG,
                               reflow_str("'wind' and 'precipitation' are not both numbers"),
                               reflow_str(""));
}

/* Emits {date, rule, value}. */
static reflow_status alert(reflow_context *context, reflow_message row, const char *rule,
                           double value) {
    reflow_object_builder *builder = NULL;
    reflow_message date = {0, 0}, name = {0, 0}, object = {0, 0};
    reflow_status status = reflow_message_get(row, reflow_str("date"), &date);
    if (status == REFLOW_OK) status = reflow_message_string(reflow_str(rule), &name, NULL);
    if (status == REFLOW_OK) status = reflow_object_builder_create(3, &builder, NULL);
    if (status != REFLOW_OK) {
        reflow_message_unref(name);
        return status;
    }
    /* Values are taken, also if that fails; the row keeps its date, so the object gets a reference
     * of its own. finish reports what could not be set. */
    status = reflow_object_builder_set(builder, reflow_str("date"), reflow_message_ref(date), NULL);
    if (status == REFLOW_OK) {
        status = reflow_object_builder_set(builder, reflow_str("rule"), name, NULL);
    } else {
        reflow_message_unref(name);
    }
    if (status == REFLOW_OK) {
        status = reflow_object_builder_set(builder, reflow_str("value"),
                                           reflow_message_float(value), NULL);
    }
    if (status != REFLOW_OK) {
        reflow_object_builder_destroy(builder);
        return status;
    }
    status = reflow_object_builder_finish(builder, &object, NULL);
    return status == REFLOW_OK ? reflow_context_emit(context, 0, object) : status;
}

static reflow_status run(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    alerts *all = state;
    for (size_t i = 0; i < count; ++i) {
        reflow_message row = inputs[i].message;
        bool ok = true;
        double wind = number_of(row, "wind", &ok);
        double precipitation = number_of(row, "precipitation", &ok);
        reflow_status status = ok ? REFLOW_OK : REFLOW_ERROR_WRONG_KIND;
        ++all->rows;
        if (status == REFLOW_OK && wind >= all->wind) {
            status = alert(context, row, "wind", wind);
            ++all->sent;
        }
        if (status == REFLOW_OK && precipitation >= all->precipitation) {
            status = alert(context, row, "precipitation", precipitation);
            ++all->sent;
        }
        if (status != REFLOW_OK) return status; /* this row fails, the ones behind it come again */
        reflow_context_advance(context, i + 1);
    }
    return REFLOW_OK;
}

static reflow_status print(void *user_data, reflow_view node, reflow_view text) {
    (void)user_data;
    (void)node;
    return fwrite(text.data, 1, text.size, stdout) == text.size ? REFLOW_OK : REFLOW_ERROR_IO;
}

/* Puts the output of every node that writes a file into a folder. */
static reflow_status set_folder(reflow_graph *graph, const char *folder, reflow_error **error) {
    static const char *const writers[] = {"summary", "alerts_file", "rejects", "chart"};
    for (size_t i = 0; i < sizeof writers / sizeof *writers; ++i) {
        reflow_message text = {0, 0};
        reflow_status status = reflow_message_string(reflow_str(folder), &text, error);
        if (status == REFLOW_OK) {
            status = reflow_graph_set_config_value(graph, reflow_str(writers[i]),
                                                   reflow_str("folder"), text, error);
        }
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

/* Lines of a file; -1 if it cannot be read. */
static long count_lines(const char *folder, const char *name) {
    char path[4096];
    long lines = 0;
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "r");
    if (file == NULL) return -1;
    for (int c = getc(file); c != EOF; c = getc(file)) lines += c == '\n';
    fclose(file);
    return lines;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "examples/weather/weather.graph.json";
    const char *folder = argc > 2 ? argv[2] : "build/run/weather-c";
    alerts all = {0, 0, 0, 0};
    reflow_error *error = NULL;
    reflow_runtime *runtime = NULL;
    reflow_graph *graph = NULL;
    reflow_network *network = NULL;
    reflow_node_counters check = {.struct_size = sizeof check};
    reflow_runtime_options options = {.struct_size = sizeof options, .print = print};
    reflow_port in = {.name = reflow_str("in"), .type = reflow_str("object")};
    reflow_port out = {.name = reflow_str("matched"), .type = reflow_str("object")};
    reflow_component component = {.struct_size = sizeof component,
                                  .port_size = sizeof(reflow_port),
                                  .id = reflow_str("AlertsInC"),
                                  .inports = &in,
                                  .inport_count = 1,
                                  .outports = &out,
                                  .outport_count = 1,
                                  .max_batch = 64,
                                  .create = create,
                                  .run = run,
                                  .user_data = &all};
    if (reflow_runtime_create(&options, &runtime, &error) ||
        reflow_runtime_register(runtime, &component, &error) ||
        reflow_graph_load_file(reflow_str(path), &graph, &error) ||
        set_folder(graph, folder, &error) ||
        reflow_graph_set_component(graph, reflow_str("alerts"), component.id, &error) ||
        reflow_network_create(runtime, graph, &network, &error) ||
        reflow_network_start(network, &error) || reflow_network_drain(network, 60000, &error) ||
        reflow_network_counters(network, reflow_str("check"), &check, &error)) {
        int code = fail(path, error);
        reflow_network_destroy(network);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
        return code;
    }
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);

    long written = count_lines(folder, "alerts.jsonl");
    long rejected = count_lines(folder, "rejects.jsonl");
    printf("%ld rows, %ld alerts in %s/alerts.jsonl\n", all.rows, written, folder);
    if (written != all.sent || all.sent == 0 || count_lines(folder, "summary.jsonl") <= 0 ||
        all.rows + rejected < (long)check.fired || check.failed != 0) {
        fprintf(stderr, "%s: %ld alerts were sent, %ld of %ld rows arrived\n", path, all.sent,
                all.rows, (long)check.fired);
        return 1;
    }
    return 0;
}
