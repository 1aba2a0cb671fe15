/* Plays conformance scenarios through the C interface. Usage: conformance_c FILE... */
#include <unistd.h>

#include "runner.h"

static bool read_file(const char *path, reflow_message *out) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, got = 0;
    reflow_error *error = NULL;
    reflow_read_options options = {.struct_size = sizeof options, .unique_keys = 1};
    if (file == NULL) {
        perror(path);
        return false;
    }
    do {
        text = realloc(text, size + 65536);
        if (text == NULL) break;
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got > 0);
    fclose(file);
    reflow_view view = {text, size};
    if (text == NULL || reflow_message_from_json(view, &options, out, &error) != REFLOW_OK) {
        fprintf(stderr, "%s: %s\n", path, reflow_error_text(error).data);
        reflow_error_destroy(error);
        free(text);
        return false;
    }
    free(text);
    return true;
}

/* Keys that nobody reads are typing errors. */
static void check_keys(scenario_run *run) {
    static const char *const known[] = {"name",   "about",   "graph",     "document",
                                        "format", "runtime", "envelopes", "outputs",
                                        "events", "refused", "steps"};
    for (size_t i = 0; i < reflow_message_count(run->scenario); ++i) {
        reflow_view key = {"", 0};
        bool found = false;
        (void)reflow_message_get_key(run->scenario, i, &key);
        for (size_t j = 0; j < sizeof known / sizeof known[0]; ++j) {
            found = found || strcmp(known[j], key.data) == 0;
        }
        if (!found) complain(run, "a scenario has no key '%s'", key.data);
    }
}

static void make_runtime(scenario_run *run) {
    reflow_message about = get(run->scenario, "runtime");
    reflow_runtime_options options;
    reflow_error *error = NULL;
    bool check_types = false;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.workers = 2;
    options.port_capacity = (uint32_t)integer_at(about, "port_capacity", 0);
    (void)reflow_message_get_boolean(get(about, "check_types"), &check_types);
    options.check_types = check_types;
    reflow_status status = reflow_runtime_create(&options, &run->runtime, &error);
    if (check_works(run, "runtime", status, error)) register_components(run);
}

static reflow_status load(scenario_run *run, reflow_error **error) {
    reflow_view name = {"", 0};
    if (has(run->scenario, "document")) {
        bool yaml = strcmp(text_at(run->scenario, "format"), "yaml") == 0;
        return reflow_graph_load(reflow_str(text_at(run->scenario, "document")),
                                 yaml ? REFLOW_FORMAT_YAML : REFLOW_FORMAT_JSON, name, &run->graph,
                                 error);
    }
    reflow_buffer *document = NULL;
    reflow_status status =
        reflow_message_to_json(get(run->scenario, "graph"), REFLOW_JSON_PLAIN, &document, error);
    if (status == REFLOW_OK) {
        status = reflow_graph_load(reflow_buffer_get(document), REFLOW_FORMAT_JSON, name,
                                   &run->graph, error);
    }
    reflow_buffer_destroy(document);
    return status;
}

/* Opens what the scenario reads. */
static void listen(scenario_run *run) {
    reflow_message outputs = get(run->scenario, "outputs"),
                   carried = get(run->scenario, "envelopes");
    bool envelopes = false;
    reflow_error *error = NULL;
    for (size_t i = 0; i < reflow_message_count(outputs) && !run->failed; ++i) {
        reflow_view place = {"", 0};
        reflow_status status = REFLOW_OK;
        (void)reflow_message_get_text(at(outputs, i), &place);
        if (!open_output(run, place.data, &error, &status)) {
            check_works(run, place.data, status, error);
        }
    }
    if (reflow_message_get_boolean(carried, &envelopes) == REFLOW_OK && envelopes) {
        reflow_status status = reflow_network_carry_envelopes(run->network, &error);
        check_works(run, "envelopes", status, error);
    }
    if (has(run->scenario, "events")) subscribe_events(run, get(run->scenario, "events"));
}

/* Makes the network; false if the scenario ends here. */
static bool prepare(scenario_run *run) {
    static const char *const phases[] = {"load", "create", "start"};
    reflow_message refused = get(run->scenario, "refused");
    for (int phase = 0; phase < 3 && !run->failed; ++phase) {
        reflow_error *error = NULL;
        reflow_status status = REFLOW_OK;
        if (phase == 0) status = load(run, &error);
        if (phase == 1) {
            status = reflow_network_create(run->runtime, run->graph, &run->network, &error);
        }
        if (phase == 2) {
            listen(run);
            if (!run->failed) status = reflow_network_start(run->network, &error);
        }
        if (strcmp(text_at(refused, "at"), phases[phase]) == 0) {
            check_refusal(run, refused, status, error);
            return false;
        }
        check_works(run, phases[phase], status, error);
    }
    return !run->failed;
}

static bool play(const char *path) {
    scenario_run run;
    memset(&run, 0, sizeof run);
    run.name = path;
    if (!read_file(path, &run.scenario)) return false;
    run.name = text_at(run.scenario, "name");
    check_keys(&run);
    if (!run.failed) make_runtime(&run);
    if (!run.failed && prepare(&run)) play_steps(&run, get(run.scenario, "steps"));
    for (size_t i = 0; i < run.output_count; ++i) reflow_output_destroy(run.outputs[i].output);
    reflow_subscription_destroy(run.subscription);
    reflow_network_destroy(run.network);
    reflow_graph_destroy(run.graph);
    reflow_runtime_destroy(run.runtime);
    if (!run.failed) printf("ok %s\n", run.name);
    reflow_message_unref(run.scenario);
    return !run.failed;
}

int main(int argc, char **argv) {
    int failed = 0;
    alarm(getenv("REFLOW_SANITIZED") != NULL ? 800 : 100); /* what hangs ends as a failure */
    for (int i = 1; i < argc; ++i) failed += !play(argv[i]);
    end_components();
    printf("%d scenarios, %d failed\n", argc - 1, failed);
    return argc > 1 && failed == 0 ? 0 : 1;
}
