/* One side of a link under test, as a process that can be killed:
 *
 *   flood receive <port> <ms>            takes numbers and writes them to standard output, one a line,
 *                                        until standard input ends
 *   flood send <endpoint> <count> <ms>   sends 0, 1, ... to it, each until the peer has taken it, dialling
 *                                        again as often as it needs; says goodbye and ends
 *
 * <ms> is the interval of heartbeats: a link that is silent for three of them ends, also one whose other
 * side has no turn on a busy machine. "ready <port>" comes first, and the books of the sender last, as JSON. A receiver
 * holds at most HELD numbers that it has taken and not written. */
#include "../capi/rig.h"

#include <inttypes.h>
#include <poll.h>

static void look(const char *what, int64_t number) {
    printf("%s %" PRId64 "\n", what, number);
    fflush(stdout);
}

static uint32_t heartbeat_ms;

static reflow_peer *make_peer(reflow_runtime *runtime, const char *network, uint32_t port,
                              uint32_t flags) {
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = text_of(network);
    options.instance_id = text_of("1");
    options.bind_address = text_of("127.0.0.1");
    options.bind_port = port;
    options.auth_token = text_of("shared-secret");
    options.heartbeat_interval_ms = heartbeat_ms;
    options.flags = flags;
    reflow_peer *peer;
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    return peer;
}

enum { STEP = 64 };
enum { HELD = 4 * STEP }; /* in the inport, in a turn, in the output, and in the hand; faults_test.py knows it */

static void receive(uint32_t port) {
    reflow_runtime_options options = rig_options(&rig_own);
    options.port_capacity = STEP;
    options.batch_packets = STEP;
    reflow_runtime *runtime;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    rig_register_pass(runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "sink", "Pass");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_output *output = rig_output(network, "sink.o", STEP);
    WORKS(reflow_network_start(network, &e));
    reflow_peer *peer = make_peer(runtime, "alpha", port, 0);
    WORKS(reflow_peer_attach(peer, network, &e));
    WORKS(reflow_peer_start(peer, &e));
    look("ready", reflow_peer_port(peer));
    struct pollfd in = {0, POLLIN, 0};
    int quiet = 0;
    /* After the end of standard input what has come is taken still. */
    while (quiet < 20) {
        reflow_message messages[STEP];
        size_t count = 0;
        (void)reflow_output_recv_many(output, messages, STEP, 20, &count, NULL);
        for (size_t i = 0; i < count; ++i) {
            printf("%" PRId64 "\n", rig_integer(messages[i]));
            reflow_message_unref(messages[i]);
        }
        fflush(stdout);
        char byte;
        bool ended = poll(&in, 1, 0) == 1 && read(0, &byte, 1) == 0;
        quiet = ended && count == 0 ? quiet + 1 : 0;
    }
    reflow_peer_destroy(peer);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void tell_books(const reflow_peer *peer) {
    reflow_message status, books;
    reflow_buffer *text;
    WORKS(reflow_peer_status(peer, &status, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("messages"), &books));
    WORKS(reflow_message_to_json(books, REFLOW_JSON_PLAIN, &text, &e));
    printf("%.*s\n", (int)reflow_buffer_get(text).size, reflow_buffer_get(text).data);
    fflush(stdout);
    reflow_buffer_destroy(text);
    reflow_message_unref(status);
}

static void send_all(const char *endpoint, int64_t count) {
    reflow_runtime_options options = rig_options(&rig_own);
    reflow_runtime *runtime;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    reflow_peer *peer =
        make_peer(runtime, "beta", 0, REFLOW_PEER_NO_PORT | REFLOW_PEER_RECONNECT_FOREVER);
    WORKS(reflow_peer_start(peer, &e));
    while (reflow_peer_connect(peer, text_of(endpoint), 5000, NULL, NULL) != REFLOW_OK) {
        poll(NULL, 0, 10);
    }
    look("ready", 0);
    for (int64_t number = 0; number < count;) {
        reflow_status status =
            reflow_peer_send(peer, text_of("alpha"), text_of("sink"), text_of("a"),
                             reflow_message_integer(number), text_of("flood"), 1000, NULL);
        if (status == REFLOW_OK) {
            ++number;
        } else {
            CHECK(status == REFLOW_ERROR_NOT_FOUND || status == REFLOW_ERROR_CLOSED ||
                  status == REFLOW_ERROR_TIMEOUT);
            poll(NULL, 0, 5);
        }
    }
    WORKS(reflow_peer_stop(peer, 20000, &e));
    tell_books(peer);
    reflow_peer_destroy(peer);
    reflow_runtime_destroy(runtime);
}

int main(int count, char **words) {
    heartbeat_ms = (uint32_t)strtoul(words[count - 1], NULL, 10);
    if (count == 4 && strcmp(words[1], "receive") == 0) {
        receive((uint32_t)strtoul(words[2], NULL, 10));
    } else if (count == 5 && strcmp(words[1], "send") == 0) {
        send_all(words[2], strtoll(words[3], NULL, 10));
    } else {
        fputs("flood receive PORT MS | flood send ENDPOINT COUNT MS\n", stderr);
        return 2;
    }
    return 0;
}
