/* Changes a network while packets go through it: puts a node between two others, gives it another
 * expression, takes it out again. Nothing is lost, and the order stays. */
#include <reflow.h>
#include <stdio.h>

enum { ROUND = 1000 };

static reflow_error *error = NULL;

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, reflow_error_text(error).data);
    reflow_error_destroy(error);
    return 1;
}

static reflow_endpoint end(const char *node, const char *port) {
    reflow_endpoint made = {reflow_str(node), reflow_str(port), REFLOW_NO_INDEX, 0};
    return made;
}

/* first -> last, or first -> middle -> last, where middle computes the expression. */
static reflow_graph *make_graph(const char *expression) {
    reflow_graph *graph = NULL;
    reflow_message none = {0, 0};
    reflow_endpoint first = end("first", "out"), last = end("last", "in");
    reflow_endpoint in = end("middle", "in"), out = end("middle", "out");
    if (reflow_graph_create(reflow_str("live"), &graph, &error) ||
        reflow_graph_add_node(graph, reflow_str("first"), reflow_str("Merge"), none, &error) ||
        reflow_graph_add_node(graph, reflow_str("last"), reflow_str("Merge"), none, &error)) {
        return NULL;
    }
    if (expression == NULL) {
        return reflow_graph_connect(graph, &first, &last, none, &error) ? NULL : graph;
    }
    reflow_message text = reflow_message_null();
    if (reflow_message_string(reflow_str(expression), &text, &error) ||
        reflow_graph_add_node(graph, reflow_str("middle"), reflow_str("Map"), none, &error) ||
        reflow_graph_set_config_value(graph, reflow_str("middle"), reflow_str("value"), text,
                                      &error)) {
        return NULL;
    }
    return reflow_graph_connect(graph, &first, &in, none, &error) ||
                   reflow_graph_connect(graph, &out, &last, none, &error)
               ? NULL
               : graph;
}

/* The network becomes that of the graph, in one step. */
static int change(reflow_network *network, const char *expression) {
    reflow_graph *graph = make_graph(expression);
    reflow_change done = {0};
    done.struct_size = sizeof done;
    if (graph == NULL || reflow_network_apply(network, graph, NULL, &done, &error)) return 1;
    printf("%llu added, %llu replaced, %llu removed, %llu packets dropped\n",
           (unsigned long long)done.nodes_added, (unsigned long long)done.nodes_replaced,
           (unsigned long long)done.nodes_removed, (unsigned long long)done.packets_dropped);
    reflow_graph_destroy(graph);
    return done.packets_dropped != 0;
}

/* Sends the numbers of a round and waits for none of them. */
static int send(reflow_network *network, reflow_inport to, int round) {
    for (int i = 0; i < ROUND; ++i) {
        reflow_message number = reflow_message_integer(round * ROUND + i);
        if (reflow_network_send(network, to, number, 10000, &error)) return 1;
    }
    return 0;
}

int main(void) {
    reflow_runtime *runtime = NULL;
    reflow_network *network = NULL;
    reflow_output *output = NULL;
    reflow_inport inport;
    reflow_message got[4 * ROUND];
    size_t count = 0, all = 0;
    reflow_graph *graph = make_graph(NULL);
    if (graph == NULL || reflow_runtime_create(NULL, &runtime, &error) ||
        reflow_network_create(runtime, graph, &network, &error) ||
        reflow_network_open_output(network, reflow_str("last"), reflow_str("out"), 4 * ROUND,
                                   &output, &error) ||
        reflow_network_find_inport(network, reflow_str("first"), reflow_str("in"), &inport,
                                   &error) ||
        reflow_network_start(network, &error)) {
        return complain("start");
    }
    if (send(network, inport, 0) || change(network, "it + 0") || send(network, inport, 1) ||
        change(network, "it * 1") || send(network, inport, 2) || change(network, NULL) ||
        send(network, inport, 3) || reflow_network_drain(network, 10000, &error)) {
        return complain("change");
    }
    while (reflow_output_recv_many(output, got + all, 4 * ROUND - all, 0, &count, NULL) ==
               REFLOW_OK &&
           count != 0) {
        all += count;
    }
    int wrong = all != 4 * ROUND;
    for (size_t i = 0; i < all; ++i) {
        int64_t value = -1;
        if (reflow_message_get_integer(got[i], &value) || value != (int64_t)i) wrong = 1;
        reflow_message_unref(got[i]);
    }
    printf("%zu packets, %s\n", all, wrong ? "not all of them in order" : "all in order");
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    return wrong;
}
