/* Capacities of a billion and beyond, at all places that take one: they are limits and cost nothing until they
 * are used, and what cannot be is refused with a message. */
#include "check.h"

#include <unistd.h>

#include "rig.h"

/* Bytes of this process in memory. */
static long resident(void) {
    long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &all, &pages) == 2 && fclose(file) == 0);
    return pages * sysconf(_SC_PAGESIZE);
}
enum { LITTLE = 8 << 20 };

static void check_refused(reflow_status expected, reflow_status status, reflow_error *error,
                          const char *text) {
    CHECK_STATUS(expected, status);
    if (strstr(reflow_error_text(error).data, text) == NULL) {
        fprintf(stderr, "%s\n", reflow_error_text(error).data);
        CHECK(!"the message names the limit");
    }
    reflow_error_destroy(error);
}

/* Two of Pass with a capacity of the connection. */
static reflow_graph *pair(const char *metadata) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "x", "Pass");
    rig_node(graph, "y", "Pass");
    rig_connect(graph, "x.o", "y.a", metadata);
    return graph;
}

/* What comes in comes out, and no memory is taken for what does not come. */
static void run_through(reflow_runtime *runtime, reflow_graph *graph, uint32_t capacity) {
    const long before = resident();
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "y.o", capacity);
    WORKS(reflow_network_start(network, &e));
    rig_pause(network, "y");
    reflow_inport in = rig_inport(network, "x.a");
    enum { packets = 5000 };
    for (int i = 0; i < packets; ++i) rig_send(network, in, i);
    rig_quiet(network);
    CHECK(rig_counters(network, "y").waiting == packets);
    rig_resume(network, "y");
    rig_idle(network);
    for (int i = 0; i < packets; ++i) CHECK(rig_recv(output) == i);
    if (!check_slow()) CHECK(resident() - before < LITTLE);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
}

static void test_connections(reflow_runtime *runtime) {
    static const char *const good[] = {"{\"capacity\":1000000000}", "{\"capacity\":2147483647}"};
    for (int i = 0; i < 2; ++i) {
        reflow_graph *graph = pair(good[i]);
        run_through(runtime, graph, 1000000000);
        reflow_graph_destroy(graph);
    }
    static const char *const bad[] = {"{\"capacity\":2147483648}", "{\"capacity\":9223372036854775807}",
                                      "{\"capacity\":0}", "{\"capacity\":-1}", "{\"capacity\":1.5}",
                                      "{\"capacity\":\"1000\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        reflow_graph *graph = pair(bad[i]);
        reflow_network *network = NULL;
        reflow_error *error = NULL;
        const reflow_status status = reflow_network_create(runtime, graph, &network, &error);
        check_refused(REFLOW_ERROR_CONFIG, status, error, "is a whole number from 1 to 2147483647");
        reflow_graph_destroy(graph);
    }
}

/* By the runtime, a component and a reader. */
static void test_options(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.port_capacity = UINT32_MAX;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    reflow_port in = {0}, out = {0};
    in.name = text_of("a");
    in.capacity = UINT32_MAX;
    in.capacity_bytes = UINT64_MAX;
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Pass");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.run = rig_pass;
    WORKS(reflow_runtime_register(runtime, &component, &e));
    reflow_graph *graph = pair(NULL);
    run_through(runtime, graph, UINT32_MAX);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* Where a host limits what all ports may hold, a billion is more than that. */
static void test_limited(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_packets = 1000000;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    reflow_graph *graph = pair("{\"capacity\":1000000000}");
    reflow_network *network = NULL;
    reflow_error *error = NULL;
    const reflow_status status = reflow_network_create(runtime, graph, &network, &error);
    check_refused(REFLOW_ERROR_LIMIT, status, error, "max_packets");
    reflow_graph_destroy(graph);
    graph = pair("{\"capacity\":10000}"); /* the runtime goes on */
    run_through(runtime, graph, 10000);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

static void test_streams(reflow_runtime *runtime) {
    reflow_stream_options options = {0};
    options.struct_size = sizeof options;
    options.max_frames = 1000000000;
    reflow_stream_writer *writer = NULL;
    reflow_message handle;
    reflow_error *error = NULL;
    const reflow_status status = reflow_stream_create(runtime, &options, &writer, &handle, &error);
    check_refused(REFLOW_ERROR_LIMIT, status, error, "1000000");
    CHECK(writer == NULL && reflow_runtime_streams(runtime) == 0);
}

int main(void) {
    check_time_limit(60);
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_register_pass(runtime);
    test_connections(runtime);
    test_streams(runtime);
    reflow_runtime_destroy(runtime);
    test_options();
    test_limited();
    return 0;
}
