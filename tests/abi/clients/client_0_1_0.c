/* A program of release 0.1.0, compiled once and kept: every later library of generation 1 has to run it as
 * it is. It goes through structs of each sort (filled by the host, filled by the library, passed by value), callbacks,
 * completions, events and errors, and checks what it gets. Its source must not change: a later release
 * that wants more to be held adds a program of its own. */
#include <reflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #condition), exit(1)))

typedef struct counts {
    int created, ended, runs;
} counts;

static reflow_status create(reflow_context *context, void *user_data, void **state) {
    reflow_message factor = {0, 0};
    int64_t *kept = malloc(sizeof *kept);
    CHECK(kept != NULL);
    CHECK(reflow_message_get(reflow_context_config(context), reflow_str("factor"), &factor) ==
          REFLOW_OK);
    CHECK(reflow_message_get_integer(factor, kept) == REFLOW_OK);
    ++((counts *)user_data)->created;
    *state = kept;
    return REFLOW_OK;
}

/* Even numbers times the factor at once, odd ones by a completion, text fails. */
static reflow_status run(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        int64_t number = 0;
        if (reflow_message_get_integer(inputs[i].message, &number) != REFLOW_OK) {
            return reflow_context_fail(context, REFLOW_ERROR_FAILED, reflow_str("not a number"),
                                       reflow_str("send an integer"));
        }
        CHECK(inputs[i].port == 0 && inputs[i].index == REFLOW_NO_INDEX);
        number *= *(const int64_t *)state;
        if (number % 2 == 0) {
            CHECK(reflow_context_emit(context, 0, reflow_message_integer(number)) == REFLOW_OK);
        } else {
            reflow_completion completion;
            CHECK(reflow_context_defer(context, i, &completion) == REFLOW_OK);
            CHECK(reflow_completion_emit(completion, 0, reflow_message_integer(number), 0) ==
                  REFLOW_OK);
            CHECK(reflow_completion_resolve(completion) == REFLOW_OK);
        }
        CHECK(reflow_context_advance(context, i + 1) == REFLOW_OK);
    }
    return REFLOW_OK;
}

static void end(void *user_data) { ++((counts *)user_data)->ended; }

static void register_scale(reflow_runtime *runtime, counts *all) {
    reflow_error *error = NULL;
    reflow_port in = {0}, out = {0};
    reflow_component component = {0};
    in.name = reflow_str("in");
    out.name = reflow_str("out");
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = reflow_str("Scale");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.max_concurrency = 4;
    component.create = create;
    component.run = run;
    component.destroy_state = free;
    component.user_data = all;
    component.destroy = end;
    CHECK(reflow_runtime_register(runtime, &component, &error) == REFLOW_OK && error == NULL);
}

static reflow_network *make_network(reflow_runtime *runtime) {
    static const char document[] =
        "{\"processes\": {\"s\": {\"component\": \"Scale\", \"metadata\": {\"factor\": 3}}},"
        " \"connections\": []}";
    reflow_view text = {document, sizeof document - 1};
    reflow_graph *graph = NULL;
    reflow_network *network = NULL;
    CHECK(reflow_graph_load(text, REFLOW_FORMAT_JSON, reflow_str("client"), &graph, NULL) ==
          REFLOW_OK);
    CHECK(reflow_network_create(runtime, graph, &network, NULL) == REFLOW_OK);
    reflow_graph_destroy(graph);
    return network;
}

static void check_errors(reflow_network *network) {
    reflow_error *error = NULL;
    reflow_inport inport = {0};
    reflow_place place = {0};
    CHECK(reflow_network_find_inport(network, reflow_str("s"), reflow_str("inn"), &inport, &error) ==
          REFLOW_ERROR_NOT_FOUND);
    CHECK(reflow_error_status(error) == REFLOW_ERROR_NOT_FOUND);
    CHECK(strcmp(reflow_error_hint(error).data, "did you mean 'in'?") == 0);
    place.struct_size = sizeof place;
    CHECK(reflow_error_place(error, &place) == REFLOW_OK);
    CHECK(place.node.size == 1 && memcmp(place.node.data, "s", 1) == 0);
    reflow_error_destroy(error);
}

static void check_traffic(reflow_network *network) {
    reflow_inport inport = {0};
    reflow_output *output = NULL;
    reflow_message text = {0, 0}, got[8];
    size_t count = 0;
    int64_t sum = 0;
    reflow_node_counters counters = {0};
    CHECK(reflow_network_find_inport(network, reflow_str("s"), reflow_str("in"), &inport, NULL) ==
          REFLOW_OK);
    CHECK(reflow_network_open_output(network, reflow_str("s"), reflow_str("out"), 0, &output, NULL) ==
          REFLOW_OK);
    CHECK(reflow_network_start(network, NULL) == REFLOW_OK);
    for (int64_t i = 1; i <= 4; ++i) {
        CHECK(reflow_network_send(network, inport, reflow_message_integer(i), REFLOW_FOREVER, NULL) ==
              REFLOW_OK);
    }
    CHECK(reflow_message_string(reflow_str("x"), &text, NULL) == REFLOW_OK);
    CHECK(reflow_network_send(network, inport, text, REFLOW_FOREVER, NULL) == REFLOW_OK);
    CHECK(reflow_network_wait_idle(network, 10000, NULL) == REFLOW_OK);
    while (sum != 30) { /* 3 + 6 + 9 + 12 */
        CHECK(reflow_output_recv_many(output, got, 8, 10000, &count, NULL) == REFLOW_OK);
        for (size_t i = 0; i < count; ++i) {
            int64_t number = 0;
            CHECK(reflow_message_get_integer(got[i], &number) == REFLOW_OK);
            sum += number;
        }
        CHECK(sum <= 30);
    }
    counters.struct_size = sizeof counters;
    CHECK(reflow_network_counters(network, reflow_str("s"), &counters, NULL) == REFLOW_OK);
    CHECK(counters.fired == 5 && counters.failed == 1 && counters.waiting == 0);
    reflow_output_destroy(output);
}

static void check_events(reflow_subscription *subscription) {
    reflow_event_batch *batch = NULL;
    reflow_event event = {0};
    uint64_t missed = 1;
    CHECK(reflow_subscription_poll(subscription, 9, 10000, &batch, &missed, NULL) == REFLOW_OK);
    CHECK(missed == 0 && reflow_event_batch_count(batch) == 1);
    event.struct_size = sizeof event;
    CHECK(reflow_event_batch_get(batch, 0, &event) == REFLOW_OK);
    CHECK(event.kind == REFLOW_EVENT_ACTOR_FAILED && event.count == 1);
    CHECK(strstr(event.error.data, "not a number") != NULL);
    CHECK(memcmp(event.node.data, "s", 2) == 0 && memcmp(event.component.data, "Scale", 6) == 0);
    reflow_event_batch_destroy(batch);
}

int main(void) {
    counts all = {0, 0, 0};
    reflow_runtime_options options = {0};
    reflow_event_options kinds = {0};
    reflow_runtime *runtime = NULL;
    reflow_subscription *subscription = NULL;
    CHECK(reflow_abi_check(REFLOW_ABI) == REFLOW_OK && reflow_version() >= REFLOW_VERSION);
    options.struct_size = sizeof options;
    options.workers = 2;
    CHECK(reflow_runtime_create(&options, &runtime, NULL) == REFLOW_OK);
    register_scale(runtime, &all);
    reflow_network *network = make_network(runtime);
    kinds.struct_size = sizeof kinds;
    kinds.kinds = UINT64_C(1) << REFLOW_EVENT_ACTOR_FAILED;
    CHECK(reflow_network_subscribe(network, &kinds, &subscription, NULL) == REFLOW_OK);
    check_errors(network);
    check_traffic(network);
    check_events(subscription);
    reflow_subscription_destroy(subscription);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    CHECK(all.created == 1 && all.ended == 1);
    puts("ok");
    return 0;
}
