/* Random edits of a running network under traffic, by the clock: memory, descriptors and threads stay
 * flat. Nodes pass packets on, block, fail and try again, write streams and read them; now and then a
 * snapshot is taken, and another network goes on from it. REFLOW_SOAK_SECONDS says how long (600), REFLOW_SOAK_SEED repeats a sequence of edits.
 *
 * Three eras, each with a runtime and a network of its own. Within one, what the library has allocated
 * is looked at in intervals while everything goes on, and may not pass twice what the first quarter
 * needed at most; after one, all of it is given back to the byte. */
#include "../capi/check.h"

#include <inttypes.h>
#include <time.h>

#include "../capi/entries.h"
#include "../capi/rig.h"

enum { NODES = 32, ERAS = 3, SLACK = 1 << 20, PAGES_SLACK = 4096 };

/* ---- memory, counted by the hook */

static int64_t live_bytes;

static void *take(void *user_data, size_t size, size_t alignment) {
    (void)user_data;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment < sizeof memory ? sizeof memory : alignment, size) != 0) {
        return NULL;
    }
    __atomic_fetch_add(&live_bytes, (int64_t)size, __ATOMIC_RELAXED);
    return memory;
}

static void give(void *user_data, void *memory, size_t size, size_t alignment) {
    (void)user_data;
    (void)alignment;
    __atomic_fetch_sub(&live_bytes, (int64_t)size, __ATOMIC_RELAXED);
    free(memory);
}

static int64_t live_now(void) { return __atomic_load_n(&live_bytes, __ATOMIC_RELAXED); }

static long resident_pages(void) {
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &all, &resident) == 2);
    fclose(file);
    return resident;
}

/* ---- the graph as it should be: a node has one connection at most, to a later one or to the end */

typedef struct era {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport in;
    reflow_output *out;
    bool there[NODES];
    int to[NODES]; /* -1: none; NODES: the end */
    int feeds;     /* where the head leads, or -1 */
    bool over;
    uint64_t received;
    uint64_t edits;
    uint64_t snapshots;
} era;

static uint64_t state;

static uint32_t pick(uint32_t below) { /* splitmix64: S. Vigna */
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % below);
}

static void *sends(void *data) {
    era *at = data;
    for (int64_t i = 0; !__atomic_load_n(&at->over, __ATOMIC_ACQUIRE); ++i) {
        reflow_message text;
        WORKS(reflow_message_string(text_of("a text that has a block of its own"), &text, &e));
        reflow_message message = i % 4 == 0 ? text : reflow_message_integer(i);
        reflow_status status = reflow_network_send(at->network, at->in, message, 50, NULL);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_TIMEOUT);
        if (status != REFLOW_OK || i % 4 != 0) reflow_message_unref(text);
    }
    return NULL;
}

static void *receives(void *data) {
    era *at = data;
    while (!__atomic_load_n(&at->over, __ATOMIC_ACQUIRE)) {
        reflow_message messages[64];
        size_t count = 0;
        reflow_status status = reflow_output_recv_many(at->out, messages, 64, 50, &count, NULL);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_TIMEOUT);
        for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
        __atomic_fetch_add(&at->received, count, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* ---- components */

static uint64_t failed, ended_streams, broken_streams;

/* Some integers fail the first time, and where nothing is tried again for good; seldom enough for the
 * limit of restarts. */
static reflow_status fails(reflow_context *context, void *unused, reflow_packet *inputs, size_t count) {
    int64_t value = 0;
    (void)reflow_message_get_integer(inputs[0].message, &value);
    if (value % 50 == 1 && reflow_context_attempts(context) == 0) {
        __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
        return reflow_context_fail(context, REFLOW_ERROR_FAILED, text_of("not this one"), text_of(""));
    }
    return rig_pass(context, unused, inputs, count);
}

typedef struct ends {
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    int left;
} ends;

static reflow_status make_ends(reflow_context *context, void *user_data, void **made) {
    (void)context;
    (void)user_data;
    *made = calloc(1, sizeof(ends));
    return *made == NULL ? REFLOW_ERROR_OUT_OF_MEMORY : REFLOW_OK;
}
static void close_ends(reflow_context *context, void *of) {
    ends *at = of;
    (void)context;
    reflow_stream_writer_destroy(at->writer);
    reflow_stream_reader_destroy(at->reader);
    memset(at, 0, sizeof *at);
}

/* A stream of five frames for each packet. */
static reflow_status writes(reflow_context *context, void *of, reflow_packet *inputs, size_t count) {
    ends *at = of;
    (void)inputs;
    if (at->writer == NULL) {
        if (count == 0) return REFLOW_OK;
        reflow_message handle;
        reflow_stream_options options = {0};
        options.struct_size = sizeof options;
        options.max_frames = 2;
        reflow_status opened = reflow_context_open_stream(context, 0, &options, &at->writer, &handle);
        if (opened != REFLOW_OK) return opened;
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, handle));
        at->left = 5;
    }
    for (; at->left != 0; --at->left) {
        reflow_message bytes;
        WORKS(reflow_message_bytes("some bytes that have a block of their own", 40, &bytes, &e));
        reflow_status status = reflow_stream_write(at->writer, bytes, 0);
        if (status == REFLOW_OK) continue;
        reflow_message_unref(bytes);
        if (status == REFLOW_ERROR_CLOSED) break;
        CHECK(status == REFLOW_ERROR_WOULD_BLOCK);
        (void)reflow_context_again(context);
        return reflow_context_rest(context);
    }
    (void)reflow_stream_end(at->writer);
    reflow_stream_writer_destroy(at->writer);
    at->writer = NULL;
    return REFLOW_OK;
}

/* Reads streams to their end, and passes everything else on. */
static reflow_status reads(reflow_context *context, void *of, reflow_packet *inputs, size_t count) {
    ends *at = of;
    if (at->reader == NULL) {
        if (count == 0) return REFLOW_OK;
        if (reflow_message_kind(inputs[0].message) != REFLOW_KIND_STREAM) {
            return rig_pass(context, of, inputs, count);
        }
        reflow_status status = reflow_context_accept_stream(context, inputs[0].message, &at->reader);
        if (status != REFLOW_OK) return status;
    }
    for (;;) {
        reflow_stream_frame frame;
        size_t some = 0;
        reflow_status status = reflow_stream_read(at->reader, &frame, 1, 0, &some);
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            (void)reflow_context_again(context);
            return reflow_context_rest(context);
        }
        CHECK(status == REFLOW_OK && some == 1);
        reflow_message_unref(frame.message);
        if (frame.kind < REFLOW_FRAME_END) continue;
        __atomic_fetch_add(frame.kind == REFLOW_FRAME_END ? &ended_streams : &broken_streams, 1,
                           __ATOMIC_RELAXED);
        reflow_stream_reader_destroy(at->reader);
        at->reader = NULL;
        return REFLOW_OK;
    }
}

static void register_all(reflow_runtime *runtime) {
    rig_register_pass(runtime);
    rig_component component = {0};
    component.inports = "a";
    component.outports = "o";
    component.id = "Slow";
    component.flags = REFLOW_COMPONENT_BLOCKING;
    component.run = rig_pass;
    rig_register(runtime, &component);
    component.flags = 0;
    component.id = "Fails";
    component.run = fails;
    rig_register(runtime, &component);
    component.flags = REFLOW_COMPONENT_STATELESS; /* a snapshot is taken only where none is open */
    component.create = make_ends;
    component.teardown = close_ends;
    component.destroy_state = free;
    component.id = "Writes";
    component.run = writes;
    rig_register(runtime, &component);
    component.id = "Reads";
    component.run = reads;
    rig_register(runtime, &component);
}

/* ---- edits */

static reflow_endpoint end_of(int node, bool out, char name[8]) {
    snprintf(name, 8, node < 0 ? "head" : node == NODES ? "end" : "n%d", node);
    reflow_endpoint end = {text_of(name), text_of(out ? "o" : "a"), REFLOW_NO_INDEX, 0};
    return end;
}

static void join(era *at, int from, int to, bool connect) {
    char names[2][8];
    reflow_endpoint a = end_of(from, true, names[0]), b = end_of(to, false, names[1]);
    static const char *const kinds[] = {"{\"capacity\":4}", "{\"capacity\":100}",
                                        "{\"kind\":\"latest\"}", "{\"kind\":\"drop-oldest\"}"};
    if (connect) {
        WORKS(reflow_network_connect(at->network, &a, &b, json(kinds[pick(4)]), &e));
    } else {
        WORKS(reflow_network_disconnect(at->network, &a, &b, &e));
    }
    int *place = from < 0 ? &at->feeds : &at->to[from];
    *place = connect ? to : -1;
}

static int later_node(const era *at, int from) {
    for (int tries = 0; tries < 8; ++tries) {
        int node = from + 1 + (int)pick((uint32_t)(NODES - from));
        if (node == NODES || at->there[node]) return node;
    }
    return NODES;
}

static void edit(era *at) {
    char name[8];
    int node = (int)pick(NODES);
    reflow_view id = end_of(node, true, name).node;
    ++at->edits;
    if (!at->there[node]) {
        WORKS(reflow_network_add_node(at->network, id, text_of("Pass"), reflow_message_null(), &e));
        at->there[node] = true;
        return;
    }
    switch (pick(6)) {
        case 0:
            WORKS(reflow_network_remove_node(at->network, id, &e));
            at->there[node] = false;
            at->to[node] = -1;
            for (int i = 0; i < NODES; ++i) at->to[i] = at->to[i] == node ? -1 : at->to[i];
            if (at->feeds == node) at->feeds = -1;
            return;
        case 1: {
            static const char *const components[] = {"Slow", "Fails", "Fails", "Writes", "Reads", "Reads"};
            static const char *const settings[] = {
                "{}", "{\"failure\":{\"retries\":2,\"backoff_ms\":1}}",
                "{\"failure\":{\"then\":\"restart\",\"restarts\":1000,\"within_ms\":1}}"};
            WORKS(reflow_network_replace_node(at->network, id, text_of(components[pick(6)]),
                                              json(settings[pick(3)]), &e));
            return;
        }
        case 2:
            if (at->feeds >= 0) join(at, -1, at->feeds, false);
            join(at, -1, later_node(at, -1), true);
            return;
        default:
            if (at->to[node] >= 0) {
                join(at, node, at->to[node], false);
            } else {
                join(at, node, later_node(at, node), true);
            }
            return;
    }
}

/* ---- an era */

static era open_era(void) {
    era at;
    memset(&at, 0, sizeof at);
    at.feeds = NODES;
    for (int i = 0; i < NODES; ++i) at.to[i] = -1;
    at.runtime = rig_runtime(&rig_own);
    register_all(at.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "head", "Pass");
    rig_node(graph, "end", "Reads");
    rig_connect(graph, "head.o", "end.a", NULL);
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.in = rig_inport(at.network, "head.a");
    at.out = rig_output(at.network, "end.o", 0);
    WORKS(reflow_network_start(at.network, &e));
    return at;
}

static double seconds_now(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Things that come and go beside the edits. */
static void visit(era *at) {
    reflow_subscription *events = NULL;
    reflow_event_options options = rig_event_options(16, REFLOW_EVENTS_ALL);
    WORKS(reflow_network_subscribe(at->network, &options, &events, &e));
    edit(at);
    reflow_subscription_destroy(events);
    reflow_message report;
    WORKS(reflow_network_report(at->network, &report, &e));
    reflow_message_unref(report);
    reflow_output *output = rig_output(at->network, "head.o", 4);
    reflow_output_destroy(output);
    /* Back to their nodes, as far as those are there and have room. */
    reflow_status status =
        pick(2) == 0 ? reflow_network_replay_dead_letters(at->network, text_of(""), NULL, NULL)
                     : reflow_network_drop_dead_letters(at->network, 0, text_of(""), NULL, NULL);
    CHECK(status == REFLOW_OK || status == REFLOW_ERROR_NOT_FOUND ||
          status == REFLOW_ERROR_WOULD_BLOCK);
}

/* Another network goes on from where this one is, for a moment. */
static void go_on(era *at) {
    reflow_message taken, again;
    reflow_status status = reflow_network_snapshot(at->network, 10000, &taken, NULL);
    CHECK(status == REFLOW_OK || status == REFLOW_ERROR_WOULD_BLOCK);
    if (status != REFLOW_OK) return; /* a stream is open, or a node has no state */
    reflow_buffer *bytes = NULL;
    WORKS(reflow_message_to_msgpack(taken, &bytes, &e));
    reflow_message_unref(taken);
    reflow_view view = reflow_buffer_get(bytes);
    WORKS(reflow_message_from_msgpack(view.data, view.size, NULL, &again, &e));
    reflow_buffer_destroy(bytes);
    reflow_graph *graph = NULL;
    WORKS(reflow_network_graph(at->network, &graph, &e));
    reflow_network *other = rig_network(at->runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *out = rig_output(other, "end.o", 0);
    WORKS(reflow_network_restore(other, again, &e));
    reflow_message_unref(again);
    WORKS(reflow_network_start(other, &e));
    reflow_network_destroy(other);
    reflow_output_destroy(out);
    ++at->snapshots;
}

static void run_era(double seconds) {
    int64_t before = live_now();
    size_t descriptors = entries_of("/proc/self/fd"), threads = threads_now();
    era at = open_era();
    pthread_t sender, receiver;
    CHECK(pthread_create(&sender, NULL, sends, &at) == 0);
    CHECK(pthread_create(&receiver, NULL, receives, &at) == 0);
    double start = seconds_now(), passed = 0;
    int64_t most_early = 0, most = 0;
    size_t most_threads = 0, most_descriptors = 0;
    for (uint64_t round = 1; (passed = seconds_now() - start) < seconds; ++round) {
        if (round % 16 == 0) {
            visit(&at);
        } else if (round % 64 == 1) {
            go_on(&at);
        } else {
            edit(&at);
        }
        int64_t now = live_now() - before;
        if (passed < seconds / 4 && now > most_early) most_early = now;
        if (now > most) most = now;
        if (round % 64 != 0) continue;
        size_t some = entries_of("/proc/self/task");
        if (some > most_threads) most_threads = some;
        some = entries_of("/proc/self/fd");
        if (some > most_descriptors) most_descriptors = some;
    }
    __atomic_store_n(&at.over, true, __ATOMIC_RELEASE);
    CHECK(pthread_join(sender, NULL) == 0 && pthread_join(receiver, NULL) == 0);
    printf("%" PRIu64 " edits, %" PRIu64 " packets received, %" PRIu64 " snapshots, %" PRIu64
           " failures, %" PRIu64 " streams and %" PRIu64 " that broke off, %lld bytes at most, %lld in "
           "the first quarter, %zu threads, %zu descriptors\n",
           at.edits, at.received, at.snapshots, failed, ended_streams, broken_streams,
           (long long)most, (long long)most_early, most_threads, most_descriptors);
    CHECK(at.edits != 0 && at.received != 0 && at.snapshots != 0);
    CHECK(failed != 0 && ended_streams != 0);
    CHECK(most <= 2 * most_early + SLACK);
    /* Two workers, two hosts, and those for nodes that block. */
    CHECK(most_threads <= threads + 2 + 2 + 32);
    CHECK(most_descriptors <= descriptors + 1);
    reflow_output_destroy(at.out);
    reflow_network_destroy(at.network);
    reflow_runtime_destroy(at.runtime);
    CHECK(live_now() == before);
    CHECK(entries_of("/proc/self/fd") == descriptors);
    threads_end(threads);
}

int main(void) {
    const char *given = getenv("REFLOW_SOAK_SECONDS"), *seed = getenv("REFLOW_SOAK_SEED");
    double seconds = given != NULL ? atof(given) : 600;
    CHECK(seconds > 0);
    alarm((unsigned)seconds * 2 + 120);
    state = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    printf("REFLOW_SOAK_SEED=%llu\n", (unsigned long long)state);
    fflush(stdout);
    reflow_allocator allocator = {0};
    allocator.struct_size = sizeof allocator;
    allocator.allocate = take;
    allocator.release = give;
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(&allocator));
    long pages = 0;
    for (int i = 0; i < ERAS; ++i) {
        run_era(seconds / ERAS);
        if (i == 0) pages = resident_pages();
    }
    printf("%ld pages resident after the first era, %ld after the last\n", pages, resident_pages());
    CHECK(resident_pages() <= pages + pages / 2 + PAGES_SLACK);
    return 0;
}
