/* A burst makes queues long; when nodes have worked it off they give that memory back. Counted through the
 * allocator of the library. */
#include "check.h"

#include "rig.h"

enum { PACKETS = 50000 };

static long long bytes; /* of one thread: the runtime is simulated */

static void *allocate(void *user_data, size_t size, size_t alignment) {
    (void)user_data;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment < sizeof memory ? sizeof memory : alignment, size) != 0) {
        return NULL;
    }
    bytes += (long long)size;
    return memory;
}

static void release(void *user_data, void *memory, size_t size, size_t alignment) {
    (void)user_data;
    (void)alignment;
    if (memory == NULL) return;
    bytes -= (long long)size;
    free(memory);
}

static reflow_status adds(reflow_context *context, void *state, reflow_packet *inputs,
                          size_t count) {
    (void)state;
    for (size_t i = 0; i < count; i += 2) {
        int64_t sum = rig_integer(inputs[i].message) + rig_integer(inputs[i + 1].message);
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(sum)));
    }
    return REFLOW_OK;
}

/* One burst through a chain, and through a node that takes from two ports at once. */
static void burst(reflow_network *network, const reflow_inport *inports, int count) {
    rig_pause(network, "");
    for (int i = 0; i < PACKETS; ++i) {
        for (int at = 0; at < count; ++at) rig_send(network, inports[at], i);
    }
    CHECK(bytes > 2 * 32 * (long long)PACKETS); /* they do wait */
    rig_resume(network, "");
    rig_idle(network);
}

int main(void) {
    check_time_limit(50);
    reflow_allocator allocator = {0};
    allocator.struct_size = sizeof allocator;
    allocator.allocate = allocate;
    allocator.release = release;
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(&allocator));
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_SIMULATED;
    options.port_capacity = PACKETS;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    rig_component component = {0};
    component.id = "Adds";
    component.inports = "ab";
    component.outports = "o";
    component.await = REFLOW_AWAIT_ALL;
    component.max_batch = 8;
    component.run = adds;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "first", "Pass");
    rig_node(graph, "sum", "Adds");
    rig_node(graph, "last", "Pass");
    rig_connect(graph, "sum.o", "last.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport inports[] = {rig_inport(network, "first.a"), rig_inport(network, "sum.a"),
                               rig_inport(network, "sum.b"), rig_inport(network, "last.a")};
    WORKS(reflow_network_start(network, &e));
    long long before = bytes;
    for (int i = 0; i < 3; ++i) {
        burst(network, inports, 4);
        CHECK(rig_counters(network, "last").fired == (uint64_t)(i + 1) * 2 * PACKETS);
        if (bytes - before >= 100000) fprintf(stderr, "%lld bytes more\n", bytes - before);
        CHECK(bytes - before < 100000); /* of 6 MB and more */
    }
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    return 0;
}
