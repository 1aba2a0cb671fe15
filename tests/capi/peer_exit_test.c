/* Section 21 of reflow.h: peers go on while their process exits. A host may call exit() at any moment, and then
 * functions of atexit run beside the threads of links, the latest first: what a library has registered when
 * peers began to use it has ended by the time that the first of the program's own is called. There, links
 * still have to be made. */
#include "check.h"

#include "rig.h"

static reflow_runtime *runtime;
static reflow_peer *there, *here;

static reflow_peer *open_peer(const char *network) {
    reflow_peer_options options = rig_peer_options(network);
    options.auth_token = text_of("secret");
    reflow_peer *peer = NULL;
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    WORKS(reflow_peer_start(peer, &e));
    return peer;
}

/* With a proof of the token and an upgrade to WebSocket, which are OpenSSL's work. */
static void link_them(reflow_peer *from, reflow_peer *to) {
    char text[64];
    snprintf(text, sizeof text, "ws://127.0.0.1:%u", reflow_peer_port(to));
    WORKS(reflow_peer_connect(from, text_of(text), 10000, NULL, &e));
}

static void at_the_end(void) {
    reflow_peer *late = open_peer("late");
    link_them(late, there);
    CHECK(reflow_peer_connected(late, text_of("there")));
    reflow_peer_destroy(late);
    reflow_peer_destroy(here);
    reflow_peer_destroy(there);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    CHECK(atexit(at_the_end) == 0);
    runtime = rig_runtime(&rig_own);
    there = open_peer("there");
    here = open_peer("here");
    link_them(here, there);
    exit(0);
}
