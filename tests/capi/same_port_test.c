/* Several connections of one node to one inport: whatever their kinds and their order, those that wait for
 * room get it, and nothing that is reliable is lost. */
#include "check.h"

#include "rig.h"

enum { PACKETS = 100 };

/* Each packet to both outports, at once. */
static reflow_status both(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    for (int i = 0; i < PACKETS; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(i)));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 1, reflow_message_integer(i)));
    }
    return REFLOW_OK;
}

static reflow_status see(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    return REFLOW_OK;
}

#define BYTES "{\"capacity_bytes\":40}"
#define NARROW "{\"capacity\":1}"
#define WIDE "{\"capacity\":3}"
#define KIND(name) "{\"capacity\":3,\"kind\":\"" name "\"}"

/* outport and metadata of each connection; how many of them lose nothing: the oldest packet of a port, which
 * others drop, may be that of a reliable connection. */
static const struct {
    const char *ports;
    const char *metadata[3];
    uint64_t whole;
} cases[] = {
    {"oo", {NARROW, KIND("drop-newest")}, 1},     {"oo", {KIND("drop-newest"), NARROW}, 1},
    {"oo", {NARROW, KIND("drop-oldest")}, 0},     {"oo", {NARROW, KIND("latest")}, 0},
    {"oo", {BYTES, KIND("drop-newest")}, 1},      {"oo", {BYTES, KIND("drop-oldest")}, 0},
    {"oo", {NARROW, NULL}, 2},                    {"op", {NARROW, KIND("drop-newest")}, 1},
    {"po", {KIND("drop-oldest"), NARROW}, 0},     {"op", {WIDE, WIDE}, 2},
    {"opo", {NARROW, KIND("latest"), WIDE}, 0},   {"opp", {KIND("latest"), NARROW, KIND("drop-newest")}, 0},
    {"ppo", {NARROW, NARROW, KIND("latest")}, 0}, {"oop", {BYTES, KIND("drop-newest"), BYTES}, 2},
};

static void test_case(const rig_mode *mode, size_t which, bool deals, bool watched) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component source = {.id = "Both", .outports = "op", .flags = REFLOW_COMPONENT_SOURCE, .run = both};
    rig_component sink = {.id = "See", .inports = "a", .run = see};
    rig_register(runtime, &source);
    rig_register(runtime, &sink);
    /* Two connections between the same two ports come from documents; edits refuse the second one. */
    char text[1000] = "{\"processes\":{\"s\":{\"component\":\"See\"},\"x\":{\"component\":\"Both\"";
    size_t size = strlen(text);
    const char *const tail = deals ? ",\"metadata\":{\"distribute\":{\"p\":\"round-robin\"}}" : "";
    size += (size_t)snprintf(text + size, sizeof text - size, "%s}},\"connections\":[", tail);
    for (size_t i = 0; cases[which].ports[i] != 0; ++i) {
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "%s{\"from\":{\"nodeId\":\"x\",\"portId\":\"%c\"},"
                                 "\"to\":{\"nodeId\":\"s\",\"portId\":\"a\"},\"metadata\":%s}",
                                 i == 0 ? "" : ",", cases[which].ports[i],
                                 cases[which].metadata[i] == NULL ? "{}" : cases[which].metadata[i]);
    }
    size += (size_t)snprintf(text + size, sizeof text - size, "]}");
    CHECK(size < sizeof text);
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    reflow_network *network = rig_network(runtime, graph);
    reflow_subscription *subscription = NULL;
    if (watched) { /* each packet is delivered by itself then */
        const reflow_event_options options = rig_event_options(16, REFLOW_EVENT_MESSAGE_SENT);
        WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    }
    WORKS(reflow_network_start(network, &e));
    const reflow_status status = reflow_network_wait_idle(network, 60000, NULL);
    const reflow_node_counters counters = rig_counters(network, "s");
    const uint64_t sent = rig_counters(network, "x").sent;
    if (status != REFLOW_OK || sent != counters.received + counters.dropped) {
        snprintf(text, sizeof text, "%d: sent %d, received %d, dropped %d", (int)status, (int)sent,
                 (int)counters.received, (int)counters.dropped);
        check_failed(mode->name, (int)which, cases[which].ports, text);
    }
    if (!deals) CHECK(counters.received >= cases[which].whole * PACKETS);
    reflow_subscription_destroy(subscription);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(100);
    for (size_t which = 0; which < sizeof cases / sizeof cases[0]; ++which) {
        for (size_t i = 0; i < RIG_MODES; ++i) {
            for (int how = 0; how < 4; ++how) test_case(&rig_modes[i], which, how & 1, how & 2);
        }
        for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_case(&rig_tiny_modes[i], which, false, false);
    }
    return 0;
}
