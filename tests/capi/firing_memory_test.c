/* Firings that a host pulls, when memory runs out: a life is lived again and again, and each time
 * one allocation later fails. A call that it hits works when it is made once more; a firing that it
 * hits fails, and is counted; nothing is lost without a word, and nothing is left. */
#include "check.h"

#include "rig.h"

static uint64_t allocations, fail_at = UINT64_MAX, live;

static void *allocate(void *user_data, size_t size, size_t alignment) {
    void *memory = NULL;
    (void)user_data;
    if (allocations++ == fail_at) return NULL;
    if (posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) !=
        0) {
        return NULL;
    }
    ++live;
    return memory;
}

static void release(void *user_data, void *memory, size_t size, size_t alignment) {
    (void)user_data;
    (void)size;
    (void)alignment;
    free(memory);
    --live;
}

/* Makes a call once more if memory has run out in it. */
#define TWICE(call)                                                \
    do {                                                           \
        reflow_status first_ = (call);                             \
        if (first_ == REFLOW_ERROR_OUT_OF_MEMORY) first_ = (call); \
        CHECK_STATUS(REFLOW_OK, first_);                           \
    } while (0)

static reflow_network *begin(reflow_runtime *runtime, reflow_firing_queue *queue) {
    reflow_port in = {.name = text_of("in")}, out = {.name = text_of("out")};
    reflow_component component = {.struct_size = sizeof component,
                                  .port_size = sizeof in,
                                  .id = text_of("Own"),
                                  .inports = &in,
                                  .inport_count = 1,
                                  .outports = &out,
                                  .outport_count = 1,
                                  .max_concurrency = 4};
    reflow_graph *graph = NULL;
    reflow_network *network = NULL;
    reflow_message none = {0, 0};
    TWICE(reflow_firing_queue_register(queue, &component, NULL));
    TWICE(reflow_graph_create(text_of("g"), &graph, NULL));
    TWICE(reflow_graph_add_node(graph, text_of("n"), text_of("Own"), none, NULL));
    TWICE(reflow_network_create(runtime, graph, &network, NULL));
    reflow_graph_destroy(graph);
    TWICE(reflow_network_start(network, NULL));
    return network;
}

/* Takes firings until nothing is left to run; returns how many it ended. */
static uint64_t serve(reflow_firing_queue *queue) {
    uint64_t ended = 0;
    for (;;) {
        reflow_firing *firings[4];
        size_t count = 0;
        reflow_status status = reflow_firing_queue_next(queue, firings, 4, 1000, &count, NULL);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return ended;
        if (status == REFLOW_ERROR_OUT_OF_MEMORY) continue;
        CHECK_STATUS(REFLOW_OK, status);
        for (size_t i = 0; i < count; ++i) {
            if (reflow_firing_get_kind(firings[i]) == REFLOW_FIRING_RUN) {
                reflow_completion completion = reflow_firing_completion(firings[i]);
                CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(completion));
                ++ended;
            }
            reflow_firing_destroy(firings[i]);
        }
    }
}

static void live_once(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    reflow_runtime *runtime = NULL;
    reflow_firing_queue *queue = NULL;
    reflow_inport inport = {0};
    TWICE(reflow_runtime_create(&options, &runtime, NULL));
    TWICE(reflow_firing_queue_create(runtime, &queue, NULL));
    reflow_network *network = begin(runtime, queue);
    TWICE(reflow_network_find_inport(network, text_of("n"), text_of("in"), &inport, NULL));
    for (int64_t i = 0; i < 6; ++i) {
        TWICE(reflow_network_send(network, inport, reflow_message_integer(i), 1000, NULL));
    }
    uint64_t ended = serve(queue);
    reflow_node_counters counters = {.struct_size = sizeof counters};
    TWICE(reflow_network_counters(network, text_of("n"), &counters, NULL));
    CHECK(ended + counters.failed == 6 && counters.fired == 6);
    reflow_network_destroy(network);
    (void)serve(queue);
    reflow_firing_queue_destroy(queue);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    reflow_allocator allocator = {
        .struct_size = sizeof allocator, .allocate = allocate, .release = release};
    check_time_limit(50);
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(&allocator));
    live_once();
    uint64_t all = allocations;
    CHECK(all > 20 && live == 0);
    for (uint64_t i = 0; i < all; ++i) {
        allocations = 0;
        fail_at = i;
        live_once();
        CHECK(live == 0);
    }
    return 0;
}
