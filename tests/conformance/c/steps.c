/* The steps of a scenario: what is done with the network, and what comes out of it. */
#include "runner.h"

bool open_output(scenario_run *run, const char *place, reflow_error **error,
                 reflow_status *status) {
    place_parts parts = split_place(place);
    if (run->output_count == MAX_OUTPUTS) return complain(run, "too many outputs");
    opened_output *opened = &run->outputs[run->output_count];
    *status =
        reflow_network_open_output(run->network, parts.node, parts.port, 0, &opened->output, error);
    if (*status != REFLOW_OK) return false;
    snprintf(opened->place, sizeof opened->place, "%s", place);
    ++run->output_count;
    return true;
}

static reflow_output *find_output(scenario_run *run, const char *place) {
    for (size_t i = 0; i < run->output_count; ++i) {
        if (strcmp(run->outputs[i].place, place) == 0) return run->outputs[i].output;
    }
    complain(run, "the output '%s' is not open", place);
    return NULL;
}

/* The result of a call: what the step expects, or success. */
static bool settle(scenario_run *run, reflow_message step, const char *what, reflow_status status,
                   reflow_error *error) {
    if (has(step, "refused")) return check_refusal(run, get(step, "refused"), status, error);
    return check_works(run, what, status, error);
}

static reflow_status send_one(scenario_run *run, reflow_message step, reflow_inport inport,
                              reflow_message notation, reflow_error **error) {
    reflow_message message = {0, 0};
    reflow_status status = make_value(notation, &message, error);
    if (status != REFLOW_OK) return status;
    if (has(step, "envelope")) {
        reflow_message about = get(step, "envelope");
        reflow_envelope envelope;
        memset(&envelope, 0, sizeof envelope);
        envelope.struct_size = sizeof envelope;
        envelope.correlation = reflow_str(text_at(about, "correlation"));
        envelope.deadline_ms = integer_at(about, "deadline_ms", 0);
        status =
            reflow_network_send_enveloped(run->network, inport, message, &envelope, WAIT_MS, error);
    } else {
        status = reflow_network_send(run->network, inport, message, WAIT_MS, error);
    }
    if (status != REFLOW_OK) reflow_message_unref(message);
    return status;
}

static bool do_send(scenario_run *run, reflow_message step) {
    place_parts parts = split_place(text_at(step, "send"));
    reflow_message values = get(step, "values");
    reflow_inport inport = {0};
    reflow_error *error = NULL;
    reflow_status status =
        reflow_network_find_inport(run->network, parts.node, parts.port, &inport, &error);
    for (size_t i = 0; status == REFLOW_OK && i < reflow_message_count(values); ++i) {
        status = send_one(run, step, inport, at(values, i), &error);
    }
    return settle(run, step, "send", status, error);
}

/* ---- receive ---- */

static bool check_envelope(scenario_run *run, reflow_message expected,
                           const reflow_envelope *envelope) {
    if (strcmp(text_at(expected, "correlation"), envelope->correlation.data) == 0 &&
        integer_at(expected, "deadline_ms", 0) == envelope->deadline_ms) {
        return true;
    }
    return complain(run, "the envelope has correlation '%s' and deadline %lld",
                    envelope->correlation.data, (long long)envelope->deadline_ms);
}

/* Finds a value among those that are expected and have not come yet. */
static bool check_value(scenario_run *run, reflow_message got, reflow_message values,
                        bool any_order, size_t index, bool *used) {
    for (size_t i = any_order ? 0 : index; i < reflow_message_count(values); ++i) {
        reflow_message value = {0, 0};
        if (make_value(at(values, i), &value, NULL) != REFLOW_OK) {
            return complain(run, "value %zu that is expected cannot be made", i + 1);
        }
        bool same = !used[i] && reflow_message_equal(value, got);
        reflow_message_unref(value);
        if (same) return used[i] = true;
        if (!any_order) break;
    }
    return complain(run, "message %zu is %s, which is not expected", index + 1, show(got));
}

static bool nothing_more(scenario_run *run, reflow_output *output, const char *place,
                         bool has_to_be_closed) {
    reflow_message more = {0, 0};
    size_t count = 0;
    reflow_error *error = NULL;
    reflow_status status = reflow_output_recv_many(output, &more, 1, 0, &count, &error);
    reflow_error_destroy(error);
    if (status == REFLOW_OK) {
        complain(run, "'%s' has %s too", place, show(more));
        reflow_message_unref(more);
        return false;
    }
    if (status == REFLOW_ERROR_CLOSED ||
        (status == REFLOW_ERROR_WOULD_BLOCK && !has_to_be_closed)) {
        return true;
    }
    return complain(run, "'%s' answers %s", place, reflow_status_name(status).data);
}

static bool do_receive(scenario_run *run, reflow_message step) {
    const char *place = text_at(step, "receive");
    reflow_output *output = find_output(run, place);
    reflow_message values = get(step, "values"), envelopes = get(step, "envelopes");
    bool any_order = strcmp(text_at(step, "order"), "any") == 0, used[MAX_STARTED] = {false};
    if (output == NULL) return false;
    for (size_t i = 0; i < reflow_message_count(values); ++i) {
        reflow_message message = {0, 0};
        reflow_envelope envelope;
        reflow_error *error = NULL;
        memset(&envelope, 0, sizeof envelope);
        envelope.struct_size = sizeof envelope;
        reflow_status status =
            reflow_output_recv_enveloped(output, &message, &envelope, WAIT_MS, &error);
        if (!check_works(run, "receive", status, error)) return false;
        bool right = check_value(run, message, values, any_order, i, used) &&
                     (!has(step, "envelopes") || check_envelope(run, at(envelopes, i), &envelope));
        reflow_message_unref(message);
        if (!right) return false;
    }
    return nothing_more(run, output, place, false);
}

/* ---- what a network has come to ---- */

static bool do_counters(scenario_run *run, reflow_message step) {
    reflow_node_counters counters;
    reflow_error *error = NULL;
    memset(&counters, 0, sizeof counters);
    counters.struct_size = sizeof counters;
    reflow_status status = reflow_network_counters(
        run->network, reflow_str(text_at(step, "counters")), &counters, &error);
    if (has(step, "refused") || status != REFLOW_OK) {
        return settle(run, step, "counters", status, error);
    }
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"fired", counters.fired},     {"received", counters.received},
                  {"sent", counters.sent},       {"failed", counters.failed},
                  {"dropped", counters.dropped}, {"waiting", counters.waiting}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        int64_t got = (int64_t)counts[i].value;
        if (integer_at(step, counts[i].key, got) != got) {
            return complain(run, "%s is %lld", counts[i].key, (long long)got);
        }
    }
    return true;
}

static bool do_state(scenario_run *run, reflow_message step) {
    static const char *const names[] = {"created", "running",  "draining",
                                        "drained", "stopping", "stopped"};
    reflow_network_state state = reflow_network_get_state(run->network);
    if (strcmp(names[state], text_at(step, "state")) == 0) return true;
    return complain(run, "the network is %s", names[state]);
}

static bool counted(scenario_run *run, reflow_message step, const char *key, uint64_t got) {
    if (integer_at(step, key, (int64_t)got) == (int64_t)got) return true;
    return complain(run, "there were %llu", (unsigned long long)got);
}

/* ---- changes ---- */

static reflow_endpoint end_of(const char *place) {
    place_parts parts = split_place(place);
    reflow_endpoint end = {parts.node, parts.port, REFLOW_NO_INDEX, 0};
    return end;
}

static bool do_connection(scenario_run *run, reflow_message step, bool connect) {
    reflow_message places = get(step, connect ? "connect" : "disconnect"), none = {0, 0};
    reflow_view from = {"", 0}, to = {"", 0};
    reflow_error *error = NULL;
    (void)reflow_message_get_text(at(places, 0), &from);
    (void)reflow_message_get_text(at(places, 1), &to);
    reflow_endpoint sender = end_of(from.data), receiver = end_of(to.data);
    reflow_status status =
        connect ? reflow_network_connect(run->network, &sender, &receiver, none, &error)
                : reflow_network_disconnect(run->network, &sender, &receiver, &error);
    return settle(run, step, "connection", status, error);
}

static bool do_node(scenario_run *run, reflow_message step, const char *verb) {
    reflow_view id = reflow_str(text_at(step, verb));
    reflow_view component = reflow_str(text_at(step, "component"));
    reflow_message config = reflow_message_ref(get(step, "metadata"));
    reflow_error *error = NULL;
    reflow_status status =
        strcmp(verb, "add_node") == 0
            ? reflow_network_add_node(run->network, id, component, config, &error)
            : reflow_network_replace_node(run->network, id, component, config, &error);
    return settle(run, step, verb, status, error);
}

static bool do_apply(scenario_run *run, reflow_message step) {
    reflow_buffer *document = NULL;
    reflow_graph *graph = NULL;
    reflow_error *error = NULL;
    reflow_view name = {"", 0};
    reflow_change change;
    memset(&change, 0, sizeof change);
    change.struct_size = sizeof change;
    reflow_status status =
        reflow_message_to_json(get(step, "apply"), REFLOW_JSON_PLAIN, &document, &error);
    if (status == REFLOW_OK) {
        status = reflow_graph_load(reflow_buffer_get(document), REFLOW_FORMAT_JSON, name, &graph,
                                   &error);
    }
    if (status == REFLOW_OK) {
        status = reflow_network_apply(run->network, graph, NULL, &change, &error);
    }
    reflow_graph_destroy(graph);
    reflow_buffer_destroy(document);
    reflow_message expected = get(step, "change");
    return settle(run, step, "apply", status, error) &&
           counted(run, expected, "nodes_added", change.nodes_added) &&
           counted(run, expected, "nodes_removed", change.nodes_removed) &&
           counted(run, expected, "nodes_replaced", change.nodes_replaced) &&
           counted(run, expected, "nodes_kept", change.nodes_kept);
}

/* ---- calls with a path ---- */

static bool do_step(scenario_run *run, reflow_message step) {
    uint64_t fired = 0;
    reflow_error *error = NULL;
    reflow_status status =
        reflow_network_step(run->network, reflow_str(text_at(step, "step")),
                            (uint64_t)integer_at(step, "firings", 1), WAIT_MS, &fired, &error);
    return settle(run, step, "step", status, error) && counted(run, step, "fired", fired);
}

static bool do_path(scenario_run *run, reflow_message step, const char *verb) {
    reflow_view path = reflow_str(text_at(step, verb));
    reflow_network *network = run->network;
    reflow_error *error = NULL;
    reflow_status status = REFLOW_OK;
    size_t count = 0;
    if (strcmp(verb, "pause") == 0) {
        status = reflow_network_pause(network, path, WAIT_MS, &error);
    } else if (strcmp(verb, "resume") == 0) {
        status = reflow_network_resume(network, path, &error);
    } else if (strcmp(verb, "cancel") == 0) {
        status = reflow_network_cancel(network, path, &count, &error);
    } else if (strcmp(verb, "replay_letters") == 0) {
        status = reflow_network_replay_dead_letters(network, path, &count, &error);
    } else {
        status = reflow_network_drop_dead_letters(network, 0, path, &count, &error);
    }
    return settle(run, step, verb, status, error) && counted(run, step, "count", count);
}

static bool do_wait(scenario_run *run, reflow_message step, const char *verb) {
    reflow_error *error = NULL;
    reflow_status status = REFLOW_OK;
    if (strcmp(verb, "idle") == 0) status = reflow_network_wait_idle(run->network, WAIT_MS, &error);
    if (strcmp(verb, "drain") == 0) status = reflow_network_drain(run->network, WAIT_MS, &error);
    if (strcmp(verb, "stop") == 0) status = reflow_network_stop(run->network, WAIT_MS, &error);
    if (strcmp(verb, "end_sources") == 0) status = reflow_network_end_sources(run->network, &error);
    return settle(run, step, verb, status, error);
}

static bool do_open(scenario_run *run, reflow_message step) {
    reflow_error *error = NULL;
    reflow_status status = REFLOW_OK;
    (void)open_output(run, text_at(step, "open"), &error, &status);
    return !run->failed && settle(run, step, "open", status, error);
}

static bool do_remove(scenario_run *run, reflow_message step) {
    reflow_error *error = NULL;
    reflow_status status =
        reflow_network_remove_node(run->network, reflow_str(text_at(step, "remove_node")), &error);
    return settle(run, step, "remove_node", status, error);
}

static bool play_step(scenario_run *run, reflow_message step) {
    static const char *const waits[] = {"idle", "drain", "stop", "end_sources"};
    static const char *const paths[] = {"pause", "resume", "cancel", "replay_letters",
                                        "drop_letters"};
    if (has(step, "send")) return do_send(run, step);
    if (has(step, "receive")) return do_receive(run, step);
    if (has(step, "events")) return check_events(run, step);
    if (has(step, "counters")) return do_counters(run, step);
    if (has(step, "letters")) return check_letters(run, step);
    if (has(step, "state")) return do_state(run, step);
    if (has(step, "open")) return do_open(run, step);
    if (has(step, "closed")) {
        reflow_output *output = find_output(run, text_at(step, "closed"));
        return output != NULL && nothing_more(run, output, text_at(step, "closed"), true);
    }
    if (has(step, "apply")) return do_apply(run, step);
    if (has(step, "connect")) return do_connection(run, step, true);
    if (has(step, "disconnect")) return do_connection(run, step, false);
    if (has(step, "add_node")) return do_node(run, step, "add_node");
    if (has(step, "replace_node")) return do_node(run, step, "replace_node");
    if (has(step, "remove_node")) return do_remove(run, step);
    if (has(step, "step")) return do_step(run, step);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; ++i) {
        if (has(step, waits[i])) return do_wait(run, step, waits[i]);
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; ++i) {
        if (has(step, paths[i])) return do_path(run, step, paths[i]);
    }
    return complain(run, "this runner does not know the step %s", show(step));
}

void play_steps(scenario_run *run, reflow_message steps) {
    for (size_t i = 0; i < reflow_message_count(steps) && !run->failed; ++i) {
        run->step = i + 1;
        (void)play_step(run, at(steps, i));
    }
}
