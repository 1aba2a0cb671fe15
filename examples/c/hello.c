/* The smallest complete program: runs a graph of one node, sends numbers in, reads squares. */
#include <reflow.h>
#include <stdio.h>

static const char document[] =
    "{\"processes\": {\"square\":"
    "   {\"component\": \"Map\", \"metadata\": {\"value\": \"it * it\"}}},"
    " \"inports\": {\"number\": {\"nodeId\": \"square\", \"portId\": \"in\"}},"
    " \"outports\": {\"square\": {\"nodeId\": \"square\", \"portId\": \"out\"}}}";

int main(void) {
    reflow_runtime *runtime = NULL;
    reflow_graph *graph = NULL;
    reflow_network *network = NULL;
    reflow_output *squares = NULL;
    reflow_inport number;
    reflow_message got[3];
    reflow_error *error = NULL;
    const reflow_view none = {"", 0};
    size_t count = 0;
    int64_t value = 0, sum = 0;
    if (reflow_runtime_create(NULL, &runtime, &error) ||
        reflow_graph_load(reflow_str(document), REFLOW_FORMAT_JSON, none, &graph, &error) ||
        reflow_network_create(runtime, graph, &network, &error) ||
        reflow_network_find_inport(network, none, reflow_str("number"), &number, &error) ||
        reflow_network_open_output(network, none, reflow_str("square"), 0, &squares, &error) ||
        reflow_network_start(network, &error) ||
        reflow_network_send(network, number, reflow_message_integer(1), 1000, &error) ||
        reflow_network_send(network, number, reflow_message_integer(2), 1000, &error) ||
        reflow_network_send(network, number, reflow_message_integer(3), 1000, &error) ||
        reflow_network_drain(network, 1000, &error) ||
        reflow_output_recv_many(squares, got, 3, 0, &count, &error)) {
        fprintf(stderr, "%s\n", reflow_error_text(error).data);
        return 1;
    }
    for (size_t i = 0; i < count; ++i, sum += value) {
        reflow_message_get_integer(got[i], &value);
        printf("%lld\n", (long long)value);
    }
    reflow_output_destroy(squares);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    return sum == 1 + 4 + 9 ? 0 : 1;
}
