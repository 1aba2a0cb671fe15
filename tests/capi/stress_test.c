/* Host threads do everything at once that the header allows to be done at once: send, read, poll,
 * subscribe, wait, drain, stop, at random. Nothing hangs, no message is lost or kept, and every
 * answer is one that the header names. A number as argument is the seed of a single round. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

static uint64_t seed_of_round;

/* SplitMix64. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
static int below(uint64_t *state, int bound) {
    return (int)(next_random(state) % (uint64_t)bound);
}

static int made, ended;
static void end_one(void *user_data) {
    (void)user_data;
    __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}
static reflow_message make_one(void) {
    reflow_message message;
    WORKS(reflow_message_lend(REFLOW_KIND_BYTES, "x", 1, end_one, NULL, &message, &e));
    __atomic_fetch_add(&made, 1, __ATOMIC_SEQ_CST);
    return message;
}

/* Passes packets on; no call comes once a stop has returned. */
static int stopped;
static reflow_status run_guarded(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    CHECK(__atomic_load_n(&stopped, __ATOMIC_SEQ_CST) == 0);
    return rig_pass(context, state, inputs, count);
}
static void register_guarded(reflow_runtime *runtime) {
    rig_component component = {0};
    component.id = "Guarded";
    component.inports = "a";
    component.outports = "o";
    component.max_batch = 4;
    component.run = run_guarded;
    rig_register(runtime, &component);
}

typedef struct player {
    reflow_network *network;
    reflow_inport inport;
    reflow_output *output;
    reflow_subscription *subscription;
    uint64_t random;
} player;

static void expect(const char *call, reflow_status status, const reflow_status *allowed,
                   size_t count) {
    if (status == REFLOW_OK) return;
    for (size_t i = 0; i < count; ++i) {
        if (status == allowed[i]) return;
    }
    char text[96];
    snprintf(text, sizeof text, "%s, seed %llu", reflow_status_name(status).data,
             (unsigned long long)seed_of_round);
    check_failed(__FILE__, __LINE__, call, text);
}
#define EXPECT(status, ...)                                                             \
    do {                                                                                \
        static const reflow_status allowed_[] = {__VA_ARGS__};                          \
        expect(#status, status, allowed_, sizeof allowed_ / sizeof allowed_[0]);        \
    } while (0)

static void *play_sender(void *argument) {
    player *of = argument;
    for (int i = 0; i < 2000; ++i) {
        reflow_message many[5];
        size_t count = (size_t)below(&of->random, 5) + 1, accepted = 0;
        for (size_t k = 0; k < count; ++k) many[k] = make_one();
        reflow_status status = reflow_network_send_many(
            of->network, of->inport, many, count, below(&of->random, 3) - 1, &accepted, NULL);
        EXPECT(status, REFLOW_ERROR_CLOSED, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK);
        CHECK(accepted <= count && (accepted == count) == (status == REFLOW_OK));
        for (size_t k = accepted; k < count; ++k) reflow_message_unref(many[k]);
        if (status == REFLOW_ERROR_CLOSED) break;
    }
    return NULL;
}

static void *play_reader(void *argument) {
    player *of = argument;
    int left = below(&of->random, 4) == 0 ? below(&of->random, 50) : 1000000;
    for (; left > 0; --left) {
        reflow_message messages[8];
        size_t count = 0;
        reflow_status status =
            reflow_output_recv_many(of->output, messages, (size_t)below(&of->random, 8) + 1,
                                    below(&of->random, 3) - 1, &count, NULL);
        EXPECT(status, REFLOW_ERROR_CLOSED, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK);
        for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
        if (status == REFLOW_ERROR_CLOSED) break;
    }
    reflow_output_destroy(of->output);
    return NULL;
}

static void *play_poller(void *argument) {
    player *of = argument;
    for (int i = 0; i < 100000; ++i) {
        reflow_event_batch *batch = NULL;
        uint64_t missed = 0;
        reflow_status status =
            reflow_subscription_poll(of->subscription, (size_t)below(&of->random, 100) + 1,
                                     below(&of->random, 3) - 1, &batch, &missed, NULL);
        EXPECT(status, REFLOW_ERROR_CLOSED, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK);
        reflow_event_batch_destroy(batch);
        if (status == REFLOW_ERROR_CLOSED || below(&of->random, 100) == 0) break;
    }
    reflow_subscription_destroy(of->subscription);
    return NULL;
}

static void *play_watcher(void *argument) {
    player *of = argument;
    for (int i = 0; i < 200; ++i) {
        reflow_message report;
        reflow_subscription *another = NULL;
        reflow_event_options options = rig_event_options(2, 0);
        options.kinds = next_random(&of->random) & REFLOW_EVENTS_ALL;
        switch (below(&of->random, 4)) {
            case 0:
                EXPECT(reflow_network_wait_idle(of->network, below(&of->random, 2), NULL),
                       REFLOW_ERROR_TIMEOUT);
                break;
            case 1:
                WORKS(reflow_network_report(of->network, &report, &e));
                reflow_message_unref(report);
                break;
            case 2:
                WORKS(reflow_network_subscribe(of->network, &options, &another, &e));
                reflow_subscription_destroy(another);
                break;
            default: (void)rig_counters(of->network, "n0"); break;
        }
        if (reflow_network_get_state(of->network) >= REFLOW_NETWORK_STOPPING) break;
    }
    return NULL;
}

static void *play_starter(void *argument) {
    player *of = argument;
    EXPECT(reflow_network_start(of->network, NULL), REFLOW_ERROR_CANCELLED,
           REFLOW_ERROR_INVALID_STATE);
    return NULL;
}

/* Ends the run: by a drain that is given little time, or at once. */
static void *play_ender(void *argument) {
    player *of = argument;
    int enough = __atomic_load_n(&made, __ATOMIC_SEQ_CST) + below(&of->random, 1000);
    for (int i = 0; i < 20 && __atomic_load_n(&made, __ATOMIC_SEQ_CST) < enough; ++i) {
        EXPECT(reflow_network_wait_idle(of->network, 1, NULL), REFLOW_ERROR_TIMEOUT);
    }
    for (int i = below(&of->random, 3); i > 0; --i) {
        EXPECT(reflow_network_drain(of->network, 1, NULL), REFLOW_ERROR_TIMEOUT);
    }
    WORKS(reflow_network_stop(of->network, REFLOW_FOREVER, &e));
    __atomic_store_n(&stopped, 1, __ATOMIC_SEQ_CST);
    CHECK(reflow_network_get_state(of->network) == REFLOW_NETWORK_STOPPED);
    return NULL;
}

/* Layers of nodes, each fed by some of those before it. */
static reflow_graph *random_graph(uint64_t *random, int nodes) {
    static const char *const kinds[] = {"reliable", "reliable", "latest", "drop-oldest",
                                        "drop-newest"};
    reflow_graph *graph = rig_graph();
    char id[16], from[32], to[32], metadata[64];
    for (int i = 0; i < nodes; ++i) {
        snprintf(id, sizeof id, "n%d", i);
        rig_node(graph, id, "Guarded");
        snprintf(to, sizeof to, "n%d.a", i);
        for (int k = i - 1; k >= 0 && k >= i - 2; --k) {
            if (k < i - 1 && below(random, 3) != 0) continue;
            snprintf(from, sizeof from, "n%d.o", k);
            snprintf(metadata, sizeof metadata, "{\"capacity\":%d,\"kind\":\"%s\"}",
                     1 + below(random, 4), kinds[below(random, 5)]);
            rig_connect(graph, from, to, metadata);
        }
    }
    return graph;
}

enum { PLAYERS = 6 };

static void play(uint64_t seed) {
    seed_of_round = seed;
    stopped = 0;
    uint64_t random = seed;
    rig_mode mode = {"own", REFLOW_MODE_OWN, 1u << below(&random, 4), 0, below(&random, 3) == 0, 0};
    reflow_runtime *runtime = rig_runtime(&mode);
    register_guarded(runtime);
    int nodes = 1 + below(&random, 6);
    reflow_graph *graph = random_graph(&random, nodes);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    char place[16];
    snprintf(place, sizeof place, "n%d.o", nodes - 1);
    player players[PLAYERS];
    static void *(*const plays[PLAYERS])(void *) = {play_sender, play_sender,  play_reader,
                                                    play_poller, play_watcher, play_ender};
    reflow_inport inport = rig_inport(network, "n0.a");
    for (int i = 0; i < PLAYERS; ++i) {
        players[i] = (player){network, inport, NULL, NULL, seed * PLAYERS + (uint64_t)i};
    }
    players[2].output = rig_output(network, place, (uint32_t)below(&random, 5));
    reflow_event_options options = rig_event_options(8, REFLOW_EVENTS_ALL);
    WORKS(reflow_network_subscribe(network, &options, &players[3].subscription, &e));
    WORKS(reflow_network_start(network, &e));
    pthread_t threads[PLAYERS];
    for (int i = 0; i < PLAYERS; ++i) {
        CHECK(pthread_create(&threads[i], NULL, plays[i], &players[i]) == 0);
    }
    for (int i = 0; i < PLAYERS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    if (below(&random, 2) == 0) reflow_runtime_destroy(runtime), runtime = NULL;
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    CHECK(made == ended);
}

/* A stop that meets a start. */
static void *stop_only(void *argument) {
    player *of = argument;
    WORKS(reflow_network_stop(of->network, REFLOW_FOREVER, &e));
    return NULL;
}

static void race_start_and_stop(uint64_t seed) {
    seed_of_round = seed;
    stopped = 0;
    reflow_runtime *runtime = rig_runtime(&rig_own);
    register_guarded(runtime);
    uint64_t random = seed;
    reflow_graph *graph = random_graph(&random, 6);
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    player of = {network, {0}, NULL, NULL, seed};
    pthread_t threads[3];
    CHECK(pthread_create(&threads[0], NULL, play_starter, &of) == 0);
    CHECK(pthread_create(&threads[1], NULL, stop_only, &of) == 0);
    CHECK(pthread_create(&threads[2], NULL, stop_only, &of) == 0);
    for (int i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_STOPPED);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

int main(int argc, char **argv) {
    check_time_limit(55);
    int rounds = check_slow() ? 20 : 600;
    uint64_t seed = 1;
    if (argc == 2) seed = strtoull(argv[1], NULL, 10), rounds = 1;
    for (int round = 0; round < rounds; ++round, ++seed) {
        play(seed);
        race_start_and_stop(seed);
    }
    return 0;
}
