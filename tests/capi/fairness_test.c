/* Actors that are busy without end, one worker: who comes from outside has its turn among them. */
#include "check.h"

#include <time.h>

#include "rig.h"

static int hog_fired[3], passed_at[3], over;

static int load(const int *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }
static void store(int *to, int value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

static uint64_t now_ns(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Two milliseconds of work, and the packet again. */
static reflow_status hog(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    const int which = reflow_context_node(context).data[1] - '0';
    const uint64_t end = now_ns() + 2000000;
    while (now_ns() < end) {
    }
    for (size_t i = 0; i < count; ++i) {
        store(&hog_fired[which], hog_fired[which] + 1);
        if (load(&over) != 0) continue;
        CHECK_STATUS(REFLOW_OK,
                     reflow_context_emit(context, 0, reflow_message_take(&inputs[i].message)));
    }
    return REFLOW_OK;
}

static int all_fired(void) { return load(&hog_fired[0]) + load(&hog_fired[1]); }

/* How much the others had fired when it came. */
static reflow_status pass(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    const int which = reflow_context_node(context).data[1] - '0';
    store(&passed_at[which], all_fired());
    if (which == 2) {
        store(&over, 1);
        return REFLOW_OK;
    }
    return rig_pass(context, NULL, inputs, count);
}

int main(void) {
    check_time_limit(100);
    const rig_mode mode = {"own 1", REFLOW_MODE_OWN, 1, 0, false, 0};
    reflow_runtime *runtime = rig_runtime(&mode);
    rig_component busy = {.id = "Hog", .inports = "a", .outports = "o", .max_batch = 1, .run = hog};
    rig_component free = {.id = "Free", .inports = "a", .outports = "o", .run = pass};
    rig_register(runtime, &busy);
    rig_register(runtime, &free);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "h0", "Hog");
    rig_node(graph, "h1", "Hog");
    for (int i = 0; i < 3; ++i) rig_node(graph, (const char *[]){"p0", "p1", "p2"}[i], "Free");
    rig_connect(graph, "h0.o", "h0.a", NULL);
    rig_connect(graph, "h1.o", "h1.a", NULL);
    rig_connect(graph, "p0.o", "p1.a", NULL);
    rig_connect(graph, "p1.o", "p2.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    const reflow_inport first = rig_inport(network, "h0.a"), second = rig_inport(network, "h1.a");
    const reflow_inport in = rig_inport(network, "p0.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, first, 1);
    while (load(&hog_fired[0]) < 3) {
    }
    rig_send(network, second, 1);
    while (load(&hog_fired[1]) == 0) {
    }
    /* The second one comes from outside as well: it did not wait for sixty turns of the first one. */
    CHECK(load(&hog_fired[0]) < 30);
    const int before = all_fired();
    rig_send(network, in, 1);
    rig_idle(network);
    /* Each of three had to wait for both; a turn that was under way, and a look that is a millisecond old. */
    CHECK(load(&passed_at[2]) - before < 30);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    return 0;
}
