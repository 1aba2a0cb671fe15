/* A forked child: what belongs to the parent's runtimes is told as forked at once, destroy waits for
 * nothing, the end is silent, a runtime of its own works; and the parent goes on unharmed. */
#include "check.h"

#include <sys/wait.h>

#include "entries.h"
#include "rig.h"

typedef struct world {
    const rig_mode *mode;
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport inport;
    reflow_output *output;
    reflow_subscription *subscription;
    reflow_event_batch *batch;
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    reflow_message handle; /* of a stream that nobody has accepted */
    reflow_stream_writer *writer_of_handle;
    reflow_frame_pool *pool;
    reflow_message frame;
    int64_t ticket;
    reflow_graph *graph;
} world;

static uint64_t last_completion; /* by whatever thread */

/* Keeps a firing open and ends it at once: hands and locks of the table of completions are busy. */
static reflow_status later(reflow_context *context, void *state, reflow_packet *inputs,
                           size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        reflow_completion completion;
        reflow_status opened = reflow_context_defer(context, i, &completion);
        CHECK(opened == REFLOW_OK || opened == REFLOW_ERROR_CANCELLED);
        if (opened != REFLOW_OK) return opened; /* it stops */
        __atomic_store_n(&last_completion, completion.id, __ATOMIC_RELAXED);
        reflow_message message = reflow_message_take(&inputs[i].message);
        reflow_status status =
            reflow_completion_emit(completion, 0, message, REFLOW_FOREVER);
        if (status == REFLOW_OK) status = reflow_completion_resolve(completion);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_CLOSED ||
              status == REFLOW_ERROR_CANCELLED);
    }
    return REFLOW_OK;
}

static void open_streams(world *at) {
    reflow_message handle;
    WORKS(reflow_stream_create(at->runtime, NULL, &at->writer, &handle, &e));
    WORKS(reflow_stream_accept(at->runtime, handle, &at->reader, &e));
    reflow_message_unref(handle);
    WORKS(reflow_stream_create(at->runtime, NULL, &at->writer_of_handle, &at->handle, &e));
    reflow_frame_pool_options options = {0};
    options.struct_size = sizeof options;
    options.frame_size = 16;
    WORKS(reflow_frame_pool_open(at->runtime, text_of("pool"), &options, &at->pool, &e));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_write(at->pool, "abc", 3, &at->ticket));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_read(at->pool, at->ticket, &at->frame));
}

/* A ring in which packets go round as long as anybody runs them. */
static world open_world(const rig_mode *mode, bool running) {
    world at;
    memset(&at, 0, sizeof at);
    at.mode = mode;
    at.runtime = rig_runtime(mode);
    rig_register_pass(at.runtime);
    rig_component component = {0};
    component.id = "Later";
    component.inports = "a";
    component.outports = "o";
    component.run = later;
    rig_register(at.runtime, &component);
    at.graph = rig_graph();
    rig_node(at.graph, "pass", "Pass");
    rig_node(at.graph, "later", "Later");
    rig_node(at.graph, "alone", "Pass");
    rig_connect(at.graph, "pass.o", "later.a", NULL);
    rig_connect(at.graph, "later.o", "pass.a", NULL);
    at.network = rig_network(at.runtime, at.graph);
    at.inport = rig_inport(at.network, "pass.a");
    at.output = rig_output(at.network, "alone.o", 0);
    WORKS(reflow_network_subscribe(at.network, NULL, &at.subscription, &e));
    open_streams(&at);
    if (running) WORKS(reflow_network_start(at.network, &e));
    for (int i = 0; running && i < 8; ++i) rig_send(at.network, at.inport, i);
    if (running) {
        WORKS(reflow_subscription_poll(at.subscription, 1, REFLOW_FOREVER, &at.batch, NULL, &e));
    }
    while (running && rig_threaded(mode) && rig_counters(at.network, "later").fired < 100) {
        sched_yield();
    }
    return at;
}

static void close_world(world *at) {
    reflow_event_batch_destroy(at->batch);
    reflow_subscription_destroy(at->subscription);
    reflow_output_destroy(at->output);
    reflow_network_destroy(at->network);
    reflow_message_unref(at->frame);
    reflow_frame_pool_destroy(at->pool);
    reflow_message_unref(at->handle);
    reflow_stream_writer_destroy(at->writer_of_handle);
    reflow_stream_writer_destroy(at->writer);
    reflow_stream_reader_destroy(at->reader);
    reflow_graph_destroy(at->graph);
    reflow_runtime_destroy(at->runtime);
}

/* ---- in the child */

static void calls_of_networks(world *at) {
    const reflow_status forked = REFLOW_ERROR_FORKED;
    reflow_network *network = at->network;
    reflow_node_counters counters = {0};
    counters.struct_size = sizeof counters;
    reflow_message message;
    reflow_inport inport;
    reflow_network *other = NULL;
    reflow_subscription *subscription = NULL;
    size_t count = 7;
    FAILS(forked, reflow_network_create(at->runtime, at->graph, &other, &e));
    FAILS(forked, reflow_network_start(network, &e));
    FAILS(forked, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    FAILS(forked, reflow_network_end_sources(network, &e));
    FAILS(forked, reflow_network_drain(network, REFLOW_FOREVER, &e));
    FAILS(forked, reflow_network_stop(network, REFLOW_FOREVER, &e));
    FAILS(forked, reflow_network_cancel(network, text_of(""), &count, &e));
    FAILS(forked, reflow_network_counters(network, text_of("pass"), &counters, &e));
    FAILS(forked, reflow_network_report(network, &message, &e));
    FAILS(forked, reflow_network_find_inport(network, text_of("pass"), text_of("a"), &inport, &e));
    FAILS(forked, reflow_network_send(network, at->inport, reflow_message_null(), 0, &e));
    FAILS(forked, reflow_network_try_send(network, at->inport, reflow_message_null(), &e));
    FAILS(forked, reflow_network_on_writable(network, at->inport, NULL, NULL, NULL, &e));
    FAILS(forked, reflow_network_pause(network, text_of(""), REFLOW_FOREVER, &e));
    FAILS(forked, reflow_network_resume(network, text_of(""), &e));
    FAILS(forked, reflow_network_step(network, text_of(""), 1, REFLOW_FOREVER, NULL, &e));
    FAILS(forked, reflow_network_peek(network, text_of("pass"), text_of("a"), &message, 1, &count,
                                      &e));
    FAILS(forked, reflow_network_apply(network, at->graph, NULL, NULL, &e));
    FAILS(forked, reflow_network_remove_node(network, text_of("alone"), &e));
    FAILS(forked, reflow_network_snapshot(network, REFLOW_FOREVER, &message, &e));
    FAILS(forked, reflow_network_metrics(network, &message, &e));
    FAILS(forked, reflow_network_breakpoints(network, &message, &e));
    FAILS(forked, reflow_network_drop_dead_letters(network, 0, text_of(""), &count, &e));
    FAILS(forked, reflow_network_subscribe(network, NULL, &subscription, &e));
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_STOPPED);
    FAILS(forked, reflow_output_recv_many(at->output, &message, 1, REFLOW_FOREVER, &count, &e));
}

static void calls_of_runtimes(world *at) {
    const reflow_status forked = REFLOW_ERROR_FORKED;
    int32_t descriptor = 0;
    FAILS(forked, reflow_runtime_run(at->runtime, 0, NULL, &e));
    FAILS(forked, reflow_runtime_work(at->runtime, REFLOW_FOREVER, &e));
    FAILS(forked, reflow_runtime_interrupt(at->runtime, 1, &e));
    FAILS(forked, reflow_runtime_descriptor(at->runtime, &descriptor, &e));
    FAILS(forked, reflow_runtime_set_workers(at->runtime, 1, &e));
    CHECK(reflow_runtime_workers(at->runtime) == 0 && reflow_runtime_streams(at->runtime) == 0);
    CHECK(reflow_runtime_next_due_ns(at->runtime) == UINT64_MAX);
    reflow_component real = {0};
    real.struct_size = sizeof real;
    real.port_size = sizeof(reflow_port);
    real.id = text_of("Other");
    real.run = rig_pass;
    FAILS(forked, reflow_runtime_register(at->runtime, &real, &e));
}

static void calls_of_the_rest(world *at) {
    const reflow_status forked = REFLOW_ERROR_FORKED;
    reflow_stream_writer *writer = NULL;
    reflow_stream_reader *reader = NULL;
    reflow_stream_frame frame;
    reflow_message message;
    reflow_event_batch *batch = NULL;
    size_t count = 0;
    int64_t ticket = 0;
    if (at->batch != NULL) CHECK(reflow_event_batch_count(at->batch) == 1);
    reflow_subscription *subscription = at->subscription;
    FAILS(forked, reflow_subscription_poll(subscription, 1, REFLOW_FOREVER, &batch, NULL, &e));
    FAILS(forked, reflow_stream_create(at->runtime, NULL, &writer, &message, &e));
    FAILS(forked, reflow_stream_accept(at->runtime, at->handle, &reader, &e));
    CHECK_STATUS(forked, reflow_stream_read(at->reader, &frame, 1, REFLOW_FOREVER, &count));
    CHECK_STATUS(forked, reflow_stream_end(at->writer));
    CHECK_STATUS(forked, reflow_stream_transform(at->reader, at->writer, NULL, NULL, 0));
    FAILS(forked, reflow_stream_collect(at->reader, 0, REFLOW_FOREVER, &message, &e));
    CHECK_STATUS(forked, reflow_frame_pool_write(at->pool, "a", 1, &ticket));
    CHECK_STATUS(forked, reflow_frame_pool_read(at->pool, at->ticket, &message));
    reflow_completion completion = {__atomic_load_n(&last_completion, __ATOMIC_RELAXED)};
    CHECK_STATUS(forked, reflow_completion_resolve(completion));
    CHECK(reflow_completion_cancelled(completion));
    /* What belongs to no runtime goes on. */
    message = json("[1, {\"a\": \"b\"}]");
    CHECK(is_json(message, "[1,{\"a\":\"b\"}]"));
    reflow_message_unref(message);
    reflow_view bytes;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(at->frame, &bytes));
    CHECK(bytes.size == 3 && memcmp(bytes.data, "abc", 3) == 0);
}

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
/* ThreadSanitizer ends a child that makes some; the allocator of the other may be locked for ever. */
enum { THREADS_IN_CHILD = 0 };
#else
enum { THREADS_IN_CHILD = 1 };
#endif

static void own_life(const rig_mode *mode) {
    if (rig_threaded(mode) && !THREADS_IN_CHILD) return;
    world at = open_world(mode, true);
    CHECK(reflow_network_get_state(at.network) == REFLOW_NETWORK_RUNNING);
    reflow_completion completion = {__atomic_load_n(&last_completion, __ATOMIC_RELAXED)};
    if (rig_threaded(mode)) CHECK(completion.id != 0);
    close_world(&at);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_completion_resolve(completion));
}

enum child_kind { QUIET_EXIT, QUICK_EXIT, CALLS, DESTROYS, LIVES, GRANDCHILD, CHILD_KINDS };

static void calls(world *at) {
    calls_of_networks(at);
    calls_of_runtimes(at);
    calls_of_the_rest(at);
}

/* Looking for leaks at the end of a child waits for threads that are not there; the parent looks. */
static bool is_child;
#ifdef __SANITIZE_ADDRESS__
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return is_child; }
#endif

static void in_child(world *at, enum child_kind kind) {
    is_child = true;
    check_time_limit(20); /* alarms are not inherited: whatever hangs is seen */
    if (kind == QUICK_EXIT) _exit(0);
    if (kind == CALLS || kind == LIVES) calls(at);
    if (kind == DESTROYS || kind == LIVES) close_world(at);
    if (kind == LIVES) own_life(at->mode);
    if (kind == GRANDCHILD) {
        if (THREADS_IN_CHILD || !rig_threaded(at->mode)) {
            own_life(at->mode);
            FAILS(REFLOW_ERROR_FORKED, reflow_network_start(at->network, &e));
        }
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            check_time_limit(20);
            calls(at);
            _exit(0);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    if (kind == QUIET_EXIT) exit(0);
    _exit(0);
}

/* ---- in the parent */

static void fork_once(world *at, enum child_kind kind) {
    int ends[2];
    char said[256];
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(dup2(ends[1], 1) == 1 && dup2(ends[1], 2) == 2);
        close(ends[0]);
        close(ends[1]);
        in_child(at, kind);
    }
    close(ends[1]);
    ssize_t size = read(ends[0], said, sizeof said - 1);
    CHECK(size >= 0);
    said[size] = 0;
    close(ends[0]);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0 || size != 0) {
        fprintf(stderr, "mode %s, child %d: status %d, said: %s\n", at->mode->name, (int)kind, status,
                said);
    }
    CHECK(status == 0 && size == 0);
}

/* The parent is as it was: packets go, the stream goes, the end comes. */
static void unharmed(world *at) {
    WORKS(reflow_network_send(at->network, rig_inport(at->network, "alone.a"),
                              reflow_message_integer(42), REFLOW_FOREVER, &e));
    CHECK(rig_recv(at->output) == 42);
    reflow_stream_frame frames[2];
    size_t count = 0;
    reflow_message data;
    WORKS(reflow_message_bytes("xy", 2, &data, &e));
    CHECK_STATUS(REFLOW_OK, reflow_stream_write(at->writer, data, 0));
    CHECK_STATUS(REFLOW_OK, reflow_stream_read(at->reader, frames, 2, 0, &count));
    CHECK(count >= 1);
    for (size_t i = 0; i < count; ++i) reflow_message_unref(frames[i].message);
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_write(at->pool, "abc", 3, &at->ticket));
}

static void fork_in_each_state(const rig_mode *mode) {
    const int rounds = check_slow() ? 1 : 3;
    size_t descriptors = entries_of("/proc/self/fd");
    world at = open_world(mode, false);
    fork_once(&at, CALLS); /* created */
    fork_once(&at, LIVES);
    close_world(&at);
    at = open_world(mode, true);
    for (int round = 0; round < rounds; ++round) { /* running, and in threaded modes busy */
        for (int kind = 0; kind < CHILD_KINDS; ++kind) {
            fork_once(&at, (enum child_kind)kind);
            unharmed(&at);
        }
    }
    WORKS(reflow_network_stop(at.network, REFLOW_FOREVER, &e));
    fork_once(&at, LIVES); /* stopped */
    close_world(&at);
    CHECK(entries_of("/proc/self/fd") == descriptors);
}

int main(void) {
    check_time_limit(55);
    for (size_t i = 0; i < RIG_MODES; ++i) fork_in_each_state(&rig_modes[i]);
    return 0;
}
