/* Sections 10 and 21 of reflow.h: cancelling nodes that stand for actors of other networks. */
#include "remote.h"

#include <pthread.h>

enum { MOST = 64, OURS = 10, THEIRS = 3 };

/* Firings of "later": with the value that each was begun by. */
static struct {
    pthread_mutex_t mutex;
    size_t begun;
    reflow_completion open[MOST];
    int64_t values[MOST];
    int told[MOST];
} at = {PTHREAD_MUTEX_INITIALIZER, 0, {{0}}, {0}, {0}};

static void lock(void) { CHECK(pthread_mutex_lock(&at.mutex) == 0); }
static void unlock(void) { CHECK(pthread_mutex_unlock(&at.mutex) == 0); }

static void told(void *user_data, reflow_completion completion) {
    CHECK(reflow_completion_cancelled(completion));
    lock();
    ++*(int *)user_data;
    unlock();
}

static reflow_status later(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        reflow_completion completion;
        CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &completion));
        lock();
        CHECK(at.begun < MOST);
        CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(inputs[i].message, &at.values[at.begun]));
        at.open[at.begun] = completion;
        CHECK_STATUS(REFLOW_OK, reflow_completion_on_cancel(completion, told, &at.told[at.begun], NULL));
        ++at.begun;
        unlock();
        /* What it was fired by is known even so. */
        reflow_message_unref(reflow_message_take(&inputs[i].message));
    }
    return REFLOW_OK;
}

static size_t begun(void) {
    lock();
    size_t count = at.begun;
    unlock();
    return count;
}

/* How many with values from `from` on, and less than `to`, were told to be cancelled. */
static int cancelled(int64_t from, int64_t to) {
    int count = 0;
    lock();
    for (size_t i = 0; i < at.begun; ++i) {
        CHECK(at.told[i] <= 1);
        if (at.values[i] >= from && at.values[i] < to) count += at.told[i];
    }
    unlock();
    return count;
}

static reflow_graph *loaded(const char *text) {
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    return graph;
}

/* "box/remote" and "beside" stand for the same actor. */
static reflow_graph *boxed_graph(void) {
    return loaded(
        "{\"processes\":{\"beside\":{\"component\":\"later@far\",\"metadata\":{\"inports\":[\"a\"]}},"
        "\"box\":{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\",\"graph\":"
        "{\"processes\":{\"remote\":{\"component\":\"later@far\"}},"
        "\"inports\":{\"a\":{\"nodeId\":\"remote\",\"portId\":\"a\"}}}}}}}}");
}

typedef struct three {
    reflow_runtime *runtime;
    side far, near, other;
} three;

static three new_three(bool carries) {
    three t;
    memset(at.told, 0, sizeof at.told);
    at.begun = 0;
    t.runtime = new_runtime();
    rig_component component = {.id = "Later", .inports = "a", .outports = "o", .max_batch = 4,
                               .max_concurrency = MOST, .run = later};
    rig_register(t.runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "later", "Later");
    t.far = new_side(t.runtime, "far", graph);
    t.near = new_side(t.runtime, "near", boxed_graph());
    t.other = new_side(t.runtime, "other", boxed_graph());
    if (carries) WORKS(reflow_network_carry_envelopes(t.far.network, &e));
    WORKS(reflow_network_start(t.far.network, &e));
    WORKS(reflow_network_start(t.near.network, &e));
    WORKS(reflow_network_start(t.other.network, &e));
    dial(&t.near, &t.far);
    dial(&t.other, &t.far);
    return t;
}

static void end_three(three *t) {
    end_side(&t->near);
    end_side(&t->other);
    end_side(&t->far);
    reflow_runtime_destroy(t->runtime);
}

/* Ours from 0 on by the node in the box, from 100 on by the one beside it, those of the other from 1000 on. */
static void fire(three *t) {
    for (int64_t i = 0; i < OURS; ++i) feed(t->near.network, "box.a", i);
    for (int64_t i = 0; i < THEIRS; ++i) feed(t->near.network, "beside.a", 100 + i);
    for (int64_t i = 0; i < THEIRS; ++i) feed(t->other.network, "box.a", 1000 + i);
    EVENTUALLY(begun() == OURS + 2 * THEIRS);
}

static size_t cancel(side *of, const char *path) {
    size_t count = 77;
    WORKS(reflow_network_cancel(of->network, text_of(path), &count, &e));
    return count;
}

static void test_reaches(const char *path) {
    three t = new_three(true);
    fire(&t);
    CHECK(cancel(&t.near, path) == 0); /* those of this process alone are counted */
    EVENTUALLY(cancelled(0, 100) == OURS);
    CHECK(cancelled(100, 2000) == 0);
    CHECK(cancel(&t.near, "") == 0);
    EVENTUALLY(cancelled(100, 200) == THEIRS);
    CHECK(cancelled(1000, 2000) == 0);
    /* What comes later is nothing of it. */
    feed(t.near.network, "box.a", 50);
    EVENTUALLY(begun() == OURS + 2 * THEIRS + 1);
    CHECK(cancelled(0, 100) == OURS);
    CHECK(cancel(&t.other, path) == 0);
    EVENTUALLY(cancelled(1000, 2000) == THEIRS);
    CHECK(cancelled(50, 51) == 0);
    end_three(&t);
}

/* What was handed over goes on when the side that has sent it stops, and goes. */
static void test_stop(void) {
    three t = new_three(true);
    fire(&t);
    WORKS(reflow_network_stop(t.near.network, 60000, &e));
    end_side(&t.near);
    CHECK(cancel(&t.other, "") == 0);
    EVENTUALLY(cancelled(1000, 2000) == THEIRS);
    CHECK(cancelled(0, 1000) == 0);
    for (size_t i = 0; i < begun(); ++i) {
        const bool ours = at.values[i] < 1000;
        CHECK_STATUS(ours ? REFLOW_OK : REFLOW_ERROR_CLOSED, reflow_completion_resolve(at.open[i]));
    }
    end_side(&t.other);
    end_side(&t.far);
    reflow_runtime_destroy(t.runtime);
}

/* A network that carries no envelopes does not know who has fired its actors: nothing happens there. */
static void test_without_envelopes(void) {
    three t = new_three(false);
    fire(&t);
    CHECK(cancel(&t.near, "box") == 0);
    feed(t.near.network, "box.a", 50); /* behind it, over the same link */
    EVENTUALLY(begun() == OURS + 2 * THEIRS + 1);
    CHECK(cancelled(0, 2000) == 0);
    end_three(&t);
}

int main(void) {
    check_time_limit(400);
    if (!reflow_feature(text_of("peer"))) return 0;
    test_reaches("box/remote");
    test_reaches("box");
    test_stop();
    test_without_envelopes();
    return 0;
}
