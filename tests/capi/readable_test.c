/* Hosts that are called when an output has messages, in every mode: nothing is missed, nobody waits. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

enum { ALL = 500 };

typedef struct host {
    reflow_output *output;
    int64_t next; /* that is expected */
    int called, destroyed;
    bool takes; /* inside the callback */
    pthread_mutex_t lock;
    pthread_cond_t told;
} host;

/* Takes what is there; each message is the next number. Under the lock. */
static void take(host *own) {
    reflow_message got[7];
    size_t count = 0;
    while (reflow_output_recv_many(own->output, got, 7, 0, &count, NULL) == REFLOW_OK) {
        for (size_t i = 0; i < count; ++i) CHECK(rig_integer(got[i]) == own->next++);
    }
}

static void readable(void *user_data) {
    host *own = user_data;
    pthread_mutex_lock(&own->lock);
    ++own->called;
    if (own->takes) take(own);
    pthread_cond_broadcast(&own->told);
    pthread_mutex_unlock(&own->lock);
}

static void destroyed(void *user_data) {
    host *own = user_data;
    ++own->destroyed;
}

static void takes_all(const rig_mode *mode, bool inside) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "p", "Pass");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    host own = {.takes = inside};
    pthread_mutex_init(&own.lock, NULL);
    pthread_cond_init(&own.told, NULL);
    own.output = rig_output(network, "p.o", 0);
    reflow_inport inport = rig_inport(network, "p.a");
    WORKS(reflow_output_on_readable(own.output, readable, &own, destroyed, &e));
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 0; i < ALL; ++i) {
        rig_send(network, inport, i);
        if (inside || rig_threaded(mode)) continue;
        rig_idle(network);
        take(&own);
    }
    rig_idle(network);
    pthread_mutex_lock(&own.lock);
    /* The last call comes behind the last message, and in another thread perhaps later. */
    while (own.next < ALL) {
        if (!inside) take(&own);
        if (own.next < ALL) pthread_cond_wait(&own.told, &own.lock);
    }
    CHECK(own.called > 0);
    int before = own.called;
    pthread_mutex_unlock(&own.lock);

    /* Another one takes its place, and then none. */
    host other = {.output = own.output};
    pthread_mutex_init(&other.lock, NULL);
    pthread_cond_init(&other.told, NULL);
    WORKS(reflow_output_on_readable(own.output, readable, &other, destroyed, &e));
    CHECK(own.destroyed == 1);
    WORKS(reflow_output_on_readable(own.output, NULL, NULL, NULL, &e));
    CHECK(other.destroyed == 1);
    rig_send(network, inport, 0);
    rig_idle(network);
    CHECK(own.called == before && other.called == 0);

    /* With the output it ends, too. */
    WORKS(reflow_output_on_readable(own.output, readable, &own, destroyed, &e));
    reflow_output_destroy(own.output);
    CHECK(own.destroyed == 2);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_output_on_readable(NULL, readable, &own, destroyed, &e));
    CHECK(own.destroyed == 3);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* The end is told as well: of a drain, of a stop, and of a node that goes. */
static void tells_the_end(const rig_mode *mode, int how) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "p", "Pass");
    rig_node(graph, "q", "Pass");
    reflow_network *network = rig_network(runtime, graph);
    host own = {.takes = true};
    pthread_mutex_init(&own.lock, NULL);
    pthread_cond_init(&own.told, NULL);
    own.output = rig_output(network, "p.o", 0);
    WORKS(reflow_output_on_readable(own.output, readable, &own, destroyed, &e));
    WORKS(reflow_network_start(network, &e));
    rig_send(network, rig_inport(network, "p.a"), 0);
    rig_idle(network);
    pthread_mutex_lock(&own.lock);
    while (own.next < 1) pthread_cond_wait(&own.told, &own.lock);
    const int before = own.called;
    pthread_mutex_unlock(&own.lock);
    if (how == 0) WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    if (how == 1) WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    if (how == 2) {
        WORKS(reflow_graph_remove_node(graph, text_of("p"), &e));
        WORKS(reflow_network_apply(network, graph, NULL, NULL, &e));
    }
    /* What tells has returned by now, or is another thread that has a last call to make. */
    pthread_mutex_lock(&own.lock);
    while (own.called == before) pthread_cond_wait(&own.told, &own.lock);
    pthread_mutex_unlock(&own.lock);
    reflow_message none;
    size_t count = 0;
    FAILS(REFLOW_ERROR_CLOSED, reflow_output_recv_many(own.output, &none, 1, 0, &count, &e));
    reflow_output_destroy(own.output);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* A callback that stops its own network is not called inside of itself. */
static struct {
    reflow_network *network;
    int inside, called;
} stops;

static void stop_it(void *user_data) {
    (void)user_data;
    CHECK(++stops.inside == 1);
    ++stops.called;
    CHECK_STATUS(REFLOW_OK, reflow_network_stop(stops.network, 0, NULL));
    --stops.inside;
}

static void stops_inside(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "p", "Pass");
    stops.network = rig_network(runtime, graph);
    stops.called = 0;
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(stops.network, "p.o", 0);
    WORKS(reflow_output_on_readable(output, stop_it, NULL, NULL, &e));
    WORKS(reflow_network_start(stops.network, &e));
    rig_send(stops.network, rig_inport(stops.network, "p.a"), 0);
    (void)reflow_network_wait_idle(stops.network, REFLOW_FOREVER, NULL);
    WORKS(reflow_network_stop(stops.network, REFLOW_FOREVER, &e));
    CHECK(stops.called >= 1);
    reflow_output_destroy(output);
    reflow_network_destroy(stops.network);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    for (size_t i = 0; i < sizeof rig_modes / sizeof *rig_modes; ++i) {
        takes_all(&rig_modes[i], true);
        takes_all(&rig_modes[i], false);
        for (int how = 0; how < 3; ++how) tells_the_end(&rig_modes[i], how);
        stops_inside(&rig_modes[i]);
    }
    return 0;
}
