/* What an idle actor takes, so that it does not grow again unnoticed: the graph that its network
 * keeps, the actor with its ports and a connection, its place in the network. Counted through the
 * allocator of the library, so it is the same on every machine. */
#include "check.h"

/* With one more, which the graph keeps for the empty id, a power of two, so that no array has room
 * that is not used. */
#define NODES 16383

/* Of one thread: the runtime is simulated. */
static long long bytes, blocks;

static void *allocate(void *user_data, size_t size, size_t alignment) {
    (void)user_data;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment < sizeof memory ? sizeof memory : alignment, size) != 0) {
        return NULL;
    }
    bytes += (long long)size;
    ++blocks;
    return memory;
}

static void release(void *user_data, void *memory, size_t size, size_t alignment) {
    (void)user_data;
    (void)alignment;
    if (memory == NULL) return;
    bytes -= (long long)size;
    --blocks;
    free(memory);
}

static reflow_status run(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    (void)count;
    return REFLOW_OK;
}

static reflow_runtime *make_runtime(void) {
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_SIMULATED;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    reflow_port in = {0}, out = {0};
    in.name = reflow_str("in");
    out.name = reflow_str("out");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = reflow_str("Idle");
    component.inports = &in;
    component.inport_count = 1;
    component.outports = &out;
    component.outport_count = 1;
    component.run = run;
    WORKS(reflow_runtime_register(runtime, &component, &e));
    return runtime;
}

static reflow_graph *make_chain(void) {
    const reflow_message none = {0, 0};
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_create(reflow_str("chain"), &graph, &e));
    char id[16] = "", before[16] = "";
    for (int i = 0; i < NODES; ++i) {
        snprintf(id, sizeof id, "a%d", i);
        WORKS(reflow_graph_add_node(graph, reflow_str(id), reflow_str("Idle"), none, &e));
        reflow_endpoint from = {reflow_str(before), reflow_str("out"), REFLOW_NO_INDEX, 0};
        reflow_endpoint to = {reflow_str(id), reflow_str("in"), REFLOW_NO_INDEX, 0};
        if (i > 0) WORKS(reflow_graph_connect(graph, &from, &to, none, &e));
        memcpy(before, id, sizeof id);
    }
    return graph;
}

int main(void) {
    reflow_allocator allocator = {0};
    allocator.struct_size = sizeof allocator;
    allocator.allocate = allocate;
    allocator.release = release;
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(&allocator));
    reflow_runtime *runtime = make_runtime();
    long long first_bytes = bytes, first_blocks = blocks;
    reflow_graph *graph = make_chain();
    long long graph_bytes = bytes - first_bytes;
    reflow_network *network = NULL;
    WORKS(reflow_network_create(runtime, graph, &network, &e));
    WORKS(reflow_network_start(network, &e));
    reflow_graph_destroy(graph);
    double each = (double)(bytes - first_bytes) / NODES;
    double each_block = (double)(blocks - first_blocks) / NODES;
    printf("an idle actor: %.1f bytes, of which its graph %.1f, in %.2f blocks\n", each,
           (double)graph_bytes / NODES, each_block);
    if (sizeof(void *) == 8 && !check_slow()) { /* sanitizers make mutexes larger, and want a block for each actor */
        CHECK(graph_bytes <= 101LL * NODES);
        CHECK(each <= 490);
        CHECK(each_block <= 0.05); /* so that malloc adds nothing to that */
    }
    reflow_network_destroy(network);
    CHECK(bytes - first_bytes < 100000 && blocks - first_blocks < 100);
    reflow_runtime_destroy(runtime);
    return 0;
}
