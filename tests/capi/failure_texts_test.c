/* Section 19 of reflow.h: many firings of one turn, some of which fail after they have moved out what they
 * were called with. The next attempt has all of it. */
#include "check.h"

#include "rig.h"

enum { VALUES = 200 };

static struct {
    int fails[VALUES]; /* so many calls with it */
    int calls[VALUES];
    int attempts[VALUES]; /* what the last call was told */
    size_t size;          /* packets of a firing */
    bool emits_first;     /* before it fails */
} work;

/* Moves a text out and returns its number. */
static int take_number(reflow_packet *packet, reflow_message *text) {
    *text = reflow_message_take(&packet->message);
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(*text, &view));
    CHECK(strncmp(view.data, "a text of the number ", 21) == 0);
    return atoi(view.data + 21);
}

static reflow_status work_run(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    size_t size = work.size;
    CHECK(count % size == 0);
    for (size_t i = 0; i < count; i += size) {
        int value = 0;
        reflow_message text = {0, 0};
        for (size_t k = 0; k < size; ++k) {
            reflow_message other;
            int number = take_number(&inputs[i + k], &other);
            CHECK(k == 0 || number == value);
            value = number;
            reflow_message_unref(text);
            text = other;
        }
        ++work.calls[value];
        work.attempts[value] = (int)reflow_context_attempts(context);
        if (work.fails[value] != 0) {
            --work.fails[value];
            if (work.emits_first) {
                CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, text));
            } else {
                reflow_message_unref(text);
            }
            return REFLOW_ERROR_FAILED;
        }
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, text));
        CHECK_STATUS(REFLOW_OK, reflow_context_advance(context, i / size + 1));
    }
    return REFLOW_OK;
}

typedef struct shop {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *out;
} shop;

static shop open_shop(const rig_mode *mode, const char *component, const char *failure,
                      bool fans_out) {
    shop s;
    s.runtime = rig_runtime(mode);
    rig_component own = {0};
    work.size = strcmp(component, "Pairs") == 0 ? 2 : 1;
    own.outports = "o";
    own.run = work_run;
    own.id = "One";
    own.inports = "a";
    own.max_batch = 1;
    rig_register(s.runtime, &own);
    own.id = "Many";
    own.max_batch = 8;
    rig_register(s.runtime, &own);
    own.id = "Pairs";
    own.inports = "ab";
    own.await = REFLOW_AWAIT_ALL;
    rig_register(s.runtime, &own);
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("w"), text_of(component), json(failure), &e));
    if (fans_out) {
        rig_register_pass(s.runtime);
        rig_node(graph, "p", "Pass");
        rig_connect(graph, "w.o", "p.a", NULL);
    }
    s.network = rig_network(s.runtime, graph);
    reflow_graph_destroy(graph);
    s.out = rig_output(s.network, "w.o", VALUES);
    WORKS(reflow_network_start(s.network, &e));
    /* All of it is there before the first turn of a mode that has no threads. */
    for (const char *port = work.size == 2 ? "ab" : "a"; *port != 0; ++port) {
        char place[] = {'w', '.', *port, 0};
        reflow_inport in = rig_inport(s.network, place);
        for (int i = 0; i < VALUES; ++i) {
            char text[64];
            snprintf(text, sizeof text, "a text of the number %d", i);
            reflow_message message;
            WORKS(reflow_message_string(text_of(text), &message, &e));
            WORKS(reflow_network_send(s.network, in, message, REFLOW_FOREVER, &e));
        }
    }
    rig_idle(s.network);
    return s;
}

/* Whether what came out is all in its order but for what failed for good. */
static void close_shop(shop *s, int failed) {
    int before = -1, all = 0;
    for (;;) {
        reflow_packet packet;
        memset(&packet, 0, sizeof packet);
        size_t count = 0;
        reflow_error *error = NULL;
        reflow_status status =
            reflow_output_recv_many(s->out, &packet.message, 1, 0, &count, &error);
        reflow_error_destroy(error);
        if (status != REFLOW_OK) break;
        reflow_message text;
        int value = take_number(&packet, &text);
        reflow_message_unref(text);
        CHECK(value > before);
        before = value;
        ++all;
    }
    CHECK(all == VALUES - failed);
    reflow_node_counters counters = rig_counters(s->network, "w");
    CHECK(counters.fired == VALUES && counters.failed == (uint64_t)failed);
    reflow_output_destroy(s->out);
    reflow_network_destroy(s->network);
    reflow_runtime_destroy(s->runtime);
}

/* hold: what an attempt has emitted before it fails is taken back. */
static void test_attempts(const rig_mode *mode, const char *component, bool hold, bool fans_out) {
    memset(&work, 0, sizeof work);
    work.emits_first = hold;
    work.fails[0] = 1;
    work.fails[3] = 1;
    work.fails[4] = 2;
    work.fails[17] = 2;
    work.fails[100] = 7; /* for good */
    work.fails[VALUES - 1] = 2;
    char failure[100];
    snprintf(failure, sizeof failure,
             "{\"failure\": {\"retries\": 2, \"backoff_ms\": 0, \"hold\": %s}}",
             hold ? "true" : "false");
    shop s = open_shop(mode, component, failure, fans_out);
    for (int i = 0; i < VALUES; ++i) {
        int failed = i == 0 || i == 3 ? 1 : i == 4 || i == 17 || i == 100 || i == VALUES - 1 ? 2 : 0;
        CHECK(work.attempts[i] == failed && work.calls[i] == failed + 1);
    }
    reflow_message letters;
    WORKS(reflow_network_list_dead_letters(s.network, text_of(""), 0, SIZE_MAX, &letters, &e));
    CHECK(reflow_message_count(letters) == 1);
    reflow_buffer *line = NULL;
    WORKS(reflow_message_to_json(letters, REFLOW_JSON_PLAIN, &line, &e));
    CHECK(strstr(reflow_buffer_get(line).data, "a text of the number 100") != NULL);
    reflow_buffer_destroy(line);
    reflow_message_unref(letters);
    if (fans_out) CHECK(rig_counters(s.network, "p").fired == VALUES - 1);
    close_shop(&s, 1);
}

/* What fails in a row counts, and what ends well between begins anew. */
static void test_breaker(const rig_mode *mode) {
    memset(&work, 0, sizeof work);
    static const int failing[] = {2, 3, 5, 6, 8, 20, 21, 22};
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; ++i) work.fails[failing[i]] = 1;
    shop s = open_shop(mode, "One",
                       "{\"failure\": {\"breaker\": {\"threshold\": 3, \"cooldown_ms\": 3600000}}}",
                       false);
    for (int i = 0; i < VALUES; ++i) CHECK(work.calls[i] == (i <= 22 ? 1 : 0));
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    WORKS(reflow_network_node_state(s.network, text_of("w"), &status, &e));
    CHECK((status.details & REFLOW_NODE_IS_OPEN) != 0);
    close_shop(&s, VALUES - 23 + 8);
}

int main(void) {
    static const char *const components[] = {"One", "Many", "Pairs"};
    for (size_t i = 0; i < 3; ++i) {
        for (size_t m = 0; m < RIG_MODES; ++m) {
            test_attempts(&rig_modes[m], components[i], false, false);
            test_attempts(&rig_modes[m], components[i], true, false);
            test_attempts(&rig_modes[m], components[i], true, true);
        }
    }
    for (size_t m = 0; m < RIG_MODES; ++m) test_breaker(&rig_modes[m]);
    return 0;
}
