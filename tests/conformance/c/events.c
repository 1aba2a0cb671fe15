/* Steps that look at what a network tells: its events and its dead letters. */
#include "runner.h"

static const char *const kind_names[] = {
    "NetworkStarted", "NetworkIdle", "NetworkStalled", "NetworkShutdown", "ActorStarted",
    "ActorCompleted", "ActorFailed", "MessageSent",    "MessageReceived", "ActorEmit",
    "Breakpoint",     "DeadLetter",  "ActorState",     "ActorStuck",
    "CheckpointFailed",
};
enum { KINDS = sizeof kind_names / sizeof kind_names[0] };

static int kind_of(const char *name) {
    for (int i = 0; i < KINDS; ++i) {
        if (strcmp(kind_names[i], name) == 0) return i;
    }
    return -1;
}

bool subscribe_events(scenario_run *run, reflow_message kinds) {
    reflow_event_options options;
    reflow_error *error = NULL;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    for (size_t i = 0; i < reflow_message_count(kinds); ++i) {
        reflow_view name = {"", 0};
        (void)reflow_message_get_text(at(kinds, i), &name);
        int kind = kind_of(name.data);
        if (kind < 0) return complain(run, "there are no events '%s'", name.data);
        options.kinds |= UINT64_C(1) << kind;
    }
    reflow_status status =
        reflow_network_subscribe(run->network, &options, &run->subscription, &error);
    return check_works(run, "subscribe", status, error);
}

/* Whether an event has all that is expected of it; *why is what it has not. */
static bool event_is(const reflow_event *event, reflow_message expected, const char **why) {
    const struct {
        const char *key;
        reflow_view view;
    } texts[] = {{"node", event->node},
                 {"component", event->component},
                 {"port", event->port},
                 {"peer", event->peer},
                 {"peer_port", event->peer_port}};
    *why = "kind";
    if (kind_of(text_at(expected, "kind")) != event->kind) return false;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
        *why = texts[i].key;
        if (has(expected, *why) && strcmp(text_at(expected, *why), texts[i].view.data) != 0) {
            return false;
        }
    }
    *why = "count";
    if (integer_at(expected, "count", (int64_t)event->count) != (int64_t)event->count) return false;
    *why = "error";
    if (has(expected, "error") && strstr(event->error.data, text_at(expected, "error")) == NULL) {
        return false;
    }
    *why = "message";
    if (!has(expected, "message")) return true;
    reflow_message message = {0, 0};
    if (make_value(get(expected, "message"), &message, NULL) != REFLOW_OK) return false;
    bool same = reflow_message_equal(message, event->message);
    reflow_message_unref(message);
    return same;
}

/* Finds the event among those that are expected and not seen yet. */
static bool check_event(scenario_run *run, const reflow_event *event, reflow_message expected,
                        bool any_order, size_t seen, bool *used) {
    const char *why = "number";
    size_t count = reflow_message_count(expected);
    for (size_t i = any_order ? 0 : seen; i < count; ++i) {
        if (!used[i] && event_is(event, at(expected, i), &why)) {
            used[i] = true;
            return true;
        }
        if (!any_order) break;
    }
    return complain(run, "event %zu is %s of '%s' %s: %s; its %s is not expected", seen + 1,
                    kind_names[event->kind], event->node.data, event->error.data,
                    show(event->message), why);
}

bool check_events(scenario_run *run, reflow_message step) {
    reflow_message expected = get(step, "events");
    size_t count = reflow_message_count(expected), seen = 0;
    bool any_order = strcmp(text_at(step, "order"), "any") == 0;
    bool used[256] = {false};
    if (run->subscription == NULL) return complain(run, "the scenario subscribes to no events");
    for (;;) {
        reflow_event_batch *batch = NULL;
        reflow_error *error = NULL;
        uint64_t missed = 0;
        reflow_status status = reflow_subscription_poll(
            run->subscription, 1, seen < count ? WAIT_MS : 0, &batch, &missed, &error);
        if (seen == count &&
            (status == REFLOW_ERROR_WOULD_BLOCK || status == REFLOW_ERROR_CLOSED)) {
            reflow_error_destroy(error);
            return true;
        }
        if (!check_works(run, "event", status, error)) return false;
        reflow_event event;
        memset(&event, 0, sizeof event);
        event.struct_size = sizeof event;
        bool right = reflow_event_batch_get(batch, 0, &event) == REFLOW_OK &&
                     check_event(run, &event, expected, any_order, seen, used);
        reflow_event_batch_destroy(batch);
        if (!right) return false;
        ++seen;
    }
}

/* ---- dead letters ---- */

static bool check_packets(scenario_run *run, reflow_message expected, reflow_message packets) {
    size_t count = reflow_message_count(expected);
    if (reflow_message_count(packets) != count) {
        return complain(run, "the letter has %zu packets", reflow_message_count(packets));
    }
    for (size_t i = 0; i < count; ++i) {
        reflow_message value = {0, 0};
        if (make_value(get(at(expected, i), "message"), &value, NULL) != REFLOW_OK) {
            return complain(run, "a packet that is expected is no value");
        }
        bool same =
            strcmp(text_at(at(expected, i), "port"), text_at(at(packets, i), "port")) == 0 &&
            reflow_message_equal(value, get(at(packets, i), "message"));
        reflow_message_unref(value);
        if (!same) {
            return complain(run, "packet %zu of the letter is %s", i + 1, show(at(packets, i)));
        }
    }
    return true;
}

static bool check_letter(scenario_run *run, reflow_message expected, reflow_message letter) {
    static const char *const exact[] = {"node", "component", "hint"};
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; ++i) {
        if (has(expected, exact[i]) &&
            strcmp(text_at(expected, exact[i]), text_at(letter, exact[i])) != 0) {
            return complain(run, "the %s of the letter is '%s'", exact[i],
                            text_at(letter, exact[i]));
        }
    }
    if (strstr(text_at(letter, "message"), text_at(expected, "message")) == NULL) {
        return complain(run, "the message of the letter is '%s'", text_at(letter, "message"));
    }
    int64_t attempts = integer_at(letter, "attempts", -1);
    if (integer_at(expected, "attempts", attempts) != attempts) {
        return complain(run, "the letter tells of %lld attempts", (long long)attempts);
    }
    return !has(expected, "packets") ||
           check_packets(run, get(expected, "packets"), get(letter, "packets"));
}

bool check_letters(scenario_run *run, reflow_message step) {
    reflow_message expected = get(step, "letters"), letters = {0, 0};
    reflow_error *error = NULL;
    reflow_view all = {"", 0};
    reflow_status status =
        reflow_network_list_dead_letters(run->network, all, 0, 1000, &letters, &error);
    if (!check_works(run, "letters", status, error)) return false;
    size_t count = reflow_message_count(expected);
    bool right = reflow_message_count(letters) == count ||
                 complain(run, "%zu letters wait", reflow_message_count(letters));
    for (size_t i = 0; right && i < count; ++i) {
        right = check_letter(run, at(expected, i), at(letters, i));
    }
    reflow_message_unref(letters);
    return right;
}
