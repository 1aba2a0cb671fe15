/* Section 9 of reflow.h, Waiting: several threads of the host wait where one of them runs the actors. */
#include "check.h"

#include <semaphore.h>

#include "rig.h"

static const rig_mode modes[] = {
    {"inline", REFLOW_MODE_INLINE, 0, 0, false, 0},
    {"simulated", REFLOW_MODE_SIMULATED, 0, 5, false, 0},
    {"hosted", REFLOW_MODE_HOSTED, 0, 0, false, 0},
};

typedef struct hold {
    sem_t inside, go;
    reflow_stream_writer *writer; /* the callback writes one frame before it waits */
    bool late;
} hold;

/* True if it came within a minute. */
static bool taken(sem_t *semaphore) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    return sem_timedwait(semaphore, &until) == 0;
}

static reflow_message frame(void) {
    reflow_message made;
    WORKS(reflow_message_bytes("frame", 5, &made, &e));
    return made;
}

static reflow_status run_hold(reflow_context *context, void *data, reflow_packet *inputs, size_t count) {
    (void)context, (void)inputs, (void)count;
    hold *at = data;
    (void)sem_post(&at->inside);
    if (at->writer != NULL) {
        /* So that the other thread most likely waits by now; what follows is right in any case. */
        struct timespec moment = {0, 20 * 1000 * 1000};
        (void)nanosleep(&moment, NULL);
        CHECK_STATUS(REFLOW_OK, reflow_stream_write(at->writer, frame(), 0));
    }
    at->late = !taken(&at->go);
    return REFLOW_OK;
}

typedef struct world {
    hold hold;
    const rig_mode *mode;
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *output;
    pthread_t thread;
} world;

static void *run_actors(void *data) {
    world *at = data;
    WORKS(reflow_runtime_run(at->runtime, 0, NULL, &e));
    return NULL;
}

/* Until the callback is inside. */
static void begin(world *at, const rig_mode *mode) {
    memset(at, 0, sizeof *at);
    CHECK(sem_init(&at->hold.inside, 0, 0) == 0 && sem_init(&at->hold.go, 0, 0) == 0);
    at->mode = mode;
    at->runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Hold";
    component.inports = "a";
    component.outports = "o";
    component.run = run_hold;
    component.user_data = &at->hold;
    rig_register(at->runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Hold");
    at->network = rig_network(at->runtime, graph);
    reflow_graph_destroy(graph);
    at->output = rig_output(at->network, "n.o", 1);
    WORKS(reflow_network_start(at->network, &e));
    rig_send(at->network, rig_inport(at->network, "n.a"), 1);
}
static void run_on_thread(world *at) {
    CHECK(pthread_create(&at->thread, NULL, run_actors, at) == 0);
    CHECK(taken(&at->hold.inside));
}
static void end(world *at) {
    (void)sem_post(&at->hold.go);
    (void)pthread_join(at->thread, NULL);
    CHECK(!at->hold.late);
    reflow_output_destroy(at->output);
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
    (void)sem_destroy(&at->hold.inside);
    (void)sem_destroy(&at->hold.go);
}

/* A wait ends in time though the callback has not returned. */
static void test_timeouts(const rig_mode *mode) {
    world at;
    begin(&at, mode);
    run_on_thread(&at);
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_wait_idle(at.network, 20, &e));
    reflow_message message;
    size_t count = 0;
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_output_recv_many(at.output, &message, 1, 20, &count, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_drain(at.network, 20, &e));
    end(&at);
}

/* A wait that the callback ends does not wait for the callback to return. */
static void test_ended_meanwhile(const rig_mode *mode) {
    world at;
    begin(&at, mode);
    reflow_message handle;
    reflow_stream_reader *reader;
    WORKS(reflow_stream_create(at.runtime, NULL, &at.hold.writer, &handle, &e));
    WORKS(reflow_stream_accept(at.runtime, handle, &reader, &e));
    reflow_message_unref(handle);
    reflow_stream_frame frames[2];
    size_t count = 0;
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, frames, 1, 0, &count));
    CHECK(count == 1 && frames[0].kind == REFLOW_FRAME_BEGIN);
    reflow_message_unref(frames[0].message);
    run_on_thread(&at);
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(reader, frames, 1, REFLOW_FOREVER, &count));
    CHECK(count == 1 && frames[0].kind == REFLOW_FRAME_DATA);
    reflow_message_unref(frames[0].message);
    end(&at);
    reflow_stream_reader_destroy(reader);
    reflow_stream_writer_destroy(at.hold.writer);
}

int main(void) {
    check_time_limit(60);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
        test_timeouts(&modes[i]);
        test_ended_meanwhile(&modes[i]);
    }
    return 0;
}
