/* Event loops that are told of events of a peer: nothing is missed, the end is told, nobody waits. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

typedef struct loop {
    reflow_peer_subscription *events;
    pthread_mutex_t lock;
    pthread_cond_t told;
    int called, destroyed, taken;
    bool ended;
} loop;

/* Takes inside the callback, until it is refused. */
static void readable(void *user_data) {
    loop *own = user_data;
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    ++own->called;
    for (;;) {
        reflow_message event;
        reflow_status status = reflow_peer_subscription_poll(own->events, 0, &event, NULL, NULL);
        own->ended = own->ended || status == REFLOW_ERROR_CLOSED;
        if (status != REFLOW_OK) break;
        reflow_message kind;
        CHECK_STATUS(REFLOW_OK, reflow_message_get(event, text_of("kind"), &kind));
        reflow_view text;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(kind, &text));
        CHECK(same_text(text, own->taken == 0 ? "connected" : "disconnected"));
        ++own->taken;
        reflow_message_unref(event);
    }
    CHECK(pthread_cond_broadcast(&own->told) == 0);
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
}

static void destroyed(void *user_data) { ++((loop *)user_data)->destroyed; }

static void wait_for(loop *own, int taken, bool ended) {
    CHECK(pthread_mutex_lock(&own->lock) == 0);
    while (own->taken < taken || own->ended != ended) {
        CHECK(pthread_cond_wait(&own->told, &own->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&own->lock) == 0);
}

static reflow_peer *make(reflow_runtime *runtime, const char *network) {
    reflow_peer_options options = rig_peer_options(network);
    reflow_peer *peer = NULL;
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    WORKS(reflow_peer_start(peer, &e));
    return peer;
}

static void never(void *user_data, reflow_message event, uint64_t missed) {
    (void)user_data, (void)event, (void)missed;
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    check_time_limit(100);
    reflow_runtime *runtime = rig_runtime(&rig_own);
    reflow_peer *alpha = make(runtime, "alpha"), *beta = make(runtime, "beta");
    loop own = {.called = 0};
    CHECK(pthread_mutex_init(&own.lock, NULL) == 0 && pthread_cond_init(&own.told, NULL) == 0);
    WORKS(reflow_peer_subscribe(beta, NULL, &own.events, &e));
    WORKS(reflow_peer_subscription_on_readable(own.events, readable, &own, destroyed, &e));
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", reflow_peer_port(alpha));
    WORKS(reflow_peer_connect(beta, text_of(endpoint), 60000, NULL, &e));
    wait_for(&own, 1, false);
    WORKS(reflow_peer_disconnect(beta, text_of("alpha"), &e));
    wait_for(&own, 2, false);
    WORKS(reflow_peer_stop(beta, REFLOW_FOREVER, &e));
    wait_for(&own, 2, true);
    /* Another one takes its place, and then none. */
    loop other = {.events = own.events};
    CHECK(pthread_mutex_init(&other.lock, NULL) == 0 && pthread_cond_init(&other.told, NULL) == 0);
    WORKS(reflow_peer_subscription_on_readable(own.events, readable, &other, destroyed, &e));
    CHECK(own.destroyed == 1);
    WORKS(reflow_peer_subscription_on_readable(own.events, NULL, NULL, NULL, &e));
    CHECK(other.destroyed == 1 && other.called == 0);
    WORKS(reflow_peer_subscription_on_readable(own.events, readable, &other, destroyed, &e));
    reflow_peer_subscription_destroy(own.events);
    CHECK(other.destroyed == 2);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_peer_subscription_on_readable(NULL, readable, &other, destroyed, &e));
    CHECK(other.destroyed == 3);
    /* One that is called with each event is not polled. */
    reflow_peer_event_options options = {.struct_size = sizeof options, .callback = never};
    reflow_peer_subscription *called = NULL;
    WORKS(reflow_peer_subscribe(alpha, &options, &called, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_peer_subscription_on_readable(called, readable, &other, destroyed, &e));
    CHECK(other.destroyed == 4);
    reflow_peer_subscription_destroy(called);
    reflow_peer_destroy(beta);
    reflow_peer_destroy(alpha);
    reflow_runtime_destroy(runtime);
    return 0;
}
