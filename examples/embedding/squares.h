/* What the examples of this folder share: a hosted runtime with a graph that squares numbers, each a
 * few milliseconds after it has come. How the loop of the host knows when to run it is told by
 * poll.c, epoll.c, and libuv.c. */
#ifndef REFLOW_EXAMPLES_SQUARES_H
#define REFLOW_EXAMPLES_SQUARES_H

#include <reflow.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct squares {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *output;
    reflow_inport input;
    int32_t descriptor;
    int64_t sent, received; /* how many */
    int64_t wanted, sum;    /* of the squares */
} squares;

static inline void squares_check(reflow_status status, reflow_error *error) {
    if (status == REFLOW_OK) return;
    fprintf(stderr, "%s\n", reflow_error_text(error).data);
    exit(1);
}

static inline squares squares_open(void) {
    static const char document[] =
        "{\"processes\": {\"later\": {\"component\": \"Delay\", \"metadata\": {\"ms\": 5}},"
        "   \"square\": {\"component\": \"Map\", \"metadata\": {\"value\": \"it * it\"}}},"
        " \"connections\": [{\"from\": {\"nodeId\": \"later\", \"portId\": \"out\"},"
        "   \"to\": {\"nodeId\": \"square\", \"portId\": \"in\"}}],"
        " \"inports\": {\"number\": {\"nodeId\": \"later\", \"portId\": \"in\"}},"
        " \"outports\": {\"square\": {\"nodeId\": \"square\", \"portId\": \"out\"}}}";
    const reflow_view none = {"", 0};
    squares at = {0};
    reflow_runtime_options options = {0};
    reflow_graph *graph = NULL;
    reflow_error *error = NULL;
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_HOSTED;
    reflow_status status = reflow_runtime_create(&options, &at.runtime, &error);
    if (!status) status = reflow_runtime_descriptor(at.runtime, &at.descriptor, &error);
    if (!status) {
        status = reflow_graph_load(reflow_str(document), REFLOW_FORMAT_JSON, none, &graph, &error);
    }
    if (!status) status = reflow_network_create(at.runtime, graph, &at.network, &error);
    if (!status) {
        status = reflow_network_find_inport(at.network, none, reflow_str("number"), &at.input,
                                            &error);
    }
    if (!status) {
        status = reflow_network_open_output(at.network, none, reflow_str("square"), 0, &at.output,
                                            &error);
    }
    if (!status) status = reflow_network_start(at.network, &error);
    squares_check(status, error);
    reflow_graph_destroy(graph);
    return at;
}

/* Sends a number. If there is no room the call runs actors until there is. */
static inline void squares_send(squares *at, int64_t number) {
    reflow_error *error = NULL;
    squares_check(reflow_network_send(at->network, at->input, reflow_message_integer(number), 1000,
                                      &error),
                  error);
    ++at->sent;
    at->wanted += number * number;
}

/* The descriptor is readable: gives reflow up to a millisecond, and prints what has come. If that was
 * not enough the descriptor stays readable. */
static inline void squares_run(squares *at) {
    reflow_error *error = NULL;
    reflow_message got[16];
    size_t count = 0;
    squares_check(reflow_runtime_run_for(at->runtime, 0, 1000000, NULL, &error), error);
    while (reflow_output_recv_many(at->output, got, 16, 0, &count, NULL) == REFLOW_OK) {
        for (size_t i = 0; i < count; ++i) {
            int64_t value = 0;
            reflow_message_get_integer(got[i], &value);
            printf("%lld\n", (long long)value);
            at->sum += value;
            ++at->received;
        }
    }
}

/* The exit code of the program: whether all that was sent has come back. */
static inline int squares_close(squares *at) {
    reflow_output_destroy(at->output);
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
    return at->received == at->sent && at->sum == at->wanted ? 0 : 1;
}

#endif
