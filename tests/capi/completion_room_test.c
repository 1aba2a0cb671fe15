/* Room in a firing that ends later, told by a callback: each refusal is followed by it, an end as well. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    reflow_completion open;
    bool begun;
    size_t told, destroyed;
} at = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, false, 0, 0};

static void bump(size_t *count) {
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    ++*count;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

static size_t read_count(const size_t *count) {
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    size_t now = *count;
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    return now;
}

static reflow_status keep_open(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    CHECK(count == 1);
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &at.open));
    at.begun = true;
    CHECK(pthread_cond_broadcast(&at.changed) == 0);
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
    return REFLOW_OK;
}

static void told(void *user_data, reflow_completion completion) {
    CHECK(user_data == &at && completion.id == at.open.id);
    bump(&at.told);
}

static void destroyed(void *user_data) {
    CHECK(user_data == &at);
    bump(&at.destroyed);
}

static reflow_status ask(void) {
    return reflow_completion_on_writable(at.open, told, &at, destroyed);
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
    reflow_output *out;
} bench;

static void run_ready(bench *b, const rig_mode *mode) {
    if (mode->mode == REFLOW_MODE_LENT) {
        WORKS(reflow_runtime_work(b->runtime, 0, &e));
    } else {
        WORKS(reflow_runtime_run(b->runtime, 0, NULL, &e));
    }
}

/* Runs what is ready, where the test has to, until it has been counted so often; 0: until it has begun. */
static void run_until(bench *b, const rig_mode *mode, const size_t *count, size_t many) {
    CHECK(pthread_mutex_lock(&at.mutex) == 0);
    while (many == 0 ? !at.begun : *count < many) {
        if (rig_threaded(mode)) {
            CHECK(pthread_cond_wait(&at.changed, &at.mutex) == 0);
            continue;
        }
        CHECK(pthread_mutex_unlock(&at.mutex) == 0);
        run_ready(b, mode);
        CHECK(pthread_mutex_lock(&at.mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&at.mutex) == 0);
}

static bench open_bench(const rig_mode *mode) {
    bench b = {rig_runtime(mode), rig_graph(), NULL, NULL};
    rig_component later = {0};
    later.id = "Later";
    later.inports = "a";
    later.outports = "o";
    later.run = keep_open;
    rig_register(b.runtime, &later);
    rig_node(b.graph, "t", "Later");
    at.begun = false;
    at.told = at.destroyed = 0;
    b.network = rig_network(b.runtime, b.graph);
    b.out = rig_output(b.network, "t.o", 4);
    reflow_inport in = rig_inport(b.network, "t.a");
    WORKS(reflow_network_start(b.network, &e));
    rig_send(b.network, in, 1);
    run_until(&b, mode, NULL, 0);
    return b;
}

static void close_bench(bench *b) {
    reflow_output_destroy(b->out);
    reflow_network_destroy(b->network);
    reflow_graph_destroy(b->graph);
    reflow_runtime_destroy(b->runtime);
}

/* Emits what fits; false if it was refused. */
static bool emit_up_to(int64_t *sent, int64_t most) {
    while (*sent < most) {
        reflow_status status =
            reflow_completion_emit(at.open, 0, reflow_message_integer(*sent), 0);
        if (status != REFLOW_OK) {
            CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, status);
            return false;
        }
        ++*sent;
    }
    return true;
}

/* Emits until it is refused, and then not before it was told: all arrives, in order. */
static void test_all_arrives(const rig_mode *mode) {
    enum { COUNT = 3000 };
    bench b = open_bench(mode);
    int64_t sent = 0, got = 0;
    size_t asked = 0;
    bool waits = false;
    while (got < COUNT) {
        if (!waits && !emit_up_to(&sent, COUNT)) {
            CHECK_STATUS(REFLOW_OK, ask());
            ++asked;
            waits = true;
        }
        if (got < sent) {
            CHECK(rig_recv(b.out) == got);
            ++got;
        } else {
            run_until(&b, mode, &at.told, asked);
        }
        waits = waits && read_count(&at.told) != asked;
    }
    CHECK(asked >= COUNT / (2 * REFLOW_MAX_COMPLETION_EMITS));
    run_until(&b, mode, &at.told, asked);
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open));
    rig_idle(b.network);
    CHECK(read_count(&at.told) == asked && read_count(&at.destroyed) == asked);
    close_bench(&b);
}

/* Nobody reads. Who asks takes the place of who asked before, and the end tells the last one, unless what the
 * actor has taken over has made room for them. */
static void test_end(const rig_mode *mode, bool stops) {
    bench b = open_bench(mode);
    int64_t sent = 0;
    CHECK(!emit_up_to(&sent, INT64_MAX));
    for (size_t round = 0; round < 3; ++round) {
        CHECK_STATUS(REFLOW_OK, ask());
        if (round == 0 && !rig_threaded(mode)) run_ready(&b, mode);
        (void)emit_up_to(&sent, INT64_MAX);
    }
    if (stops) {
        WORKS(reflow_network_stop(b.network, REFLOW_FOREVER, &e));
    } else {
        CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open));
    }
    CHECK(read_count(&at.destroyed) == 3 && read_count(&at.told) >= 1);
    CHECK_STATUS(REFLOW_ERROR_CLOSED, ask());
    CHECK(read_count(&at.destroyed) == 4 && read_count(&at.told) <= 3);
    close_bench(&b);
}

static void test_now_and_misuse(void) {
    bench b = open_bench(&rig_inline);
    CHECK_STATUS(REFLOW_OK, ask());
    CHECK(at.told == 1 && at.destroyed == 1);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_completion_on_writable(at.open, NULL, &at, destroyed));
    CHECK(at.destroyed == 2);
    reflow_completion foreign = {~UINT64_C(0)};
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND,
                 reflow_completion_on_writable(foreign, told, &at, destroyed));
    CHECK(at.told == 1 && at.destroyed == 3);
    /* Exactly: the actor holds 4 packets in the output, and 256 wait. */
    int64_t sent = 0;
    CHECK(!emit_up_to(&sent, INT64_MAX) && sent == REFLOW_MAX_COMPLETION_EMITS);
    CHECK_STATUS(REFLOW_OK, ask());
    CHECK(at.told == 1);
    WORKS(reflow_runtime_run(b.runtime, 0, NULL, &e));
    CHECK(at.told == 2); /* it has taken them over, to deliver them one by one */
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(at.open, 0, reflow_message_integer(0), 0));
    CHECK(!emit_up_to(&sent, INT64_MAX));
    CHECK_STATUS(REFLOW_OK, ask());
    CHECK_STATUS(REFLOW_OK, ask()); /* in place of the one before */
    CHECK(at.told == 2 && at.destroyed == 5);
    WORKS(reflow_runtime_run(b.runtime, 0, NULL, &e));
    CHECK(at.told == 2); /* the actor is held back */
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(at.open));
    CHECK(at.told == 3 && at.destroyed == 6);
    close_bench(&b);
}

int main(void) {
    check_time_limit(100);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_all_arrives(&rig_modes[i]);
        test_end(&rig_modes[i], false);
        test_end(&rig_modes[i], true);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_all_arrives(&rig_tiny_modes[i]);
    test_now_and_misuse();
    return 0;
}
