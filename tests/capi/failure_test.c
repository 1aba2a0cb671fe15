/* Section 19 of reflow.h: attempts, circuit breaker, fallback, restart, escalation, states. */
#include "check.h"

#include "failure_rig.h"

static const rig_mode simulated = {"simulated", REFLOW_MODE_SIMULATED, 0, 5, false, 0};

static void graph_text(char *to, size_t size, const char *component, const char *failure,
                       const char *properties) {
    snprintf(to, size,
             "{\"properties\": {\"name\": \"shop\"%s%s}, \"processes\": {"
             "\"w\": {\"component\": \"%s\", \"metadata\": {%s%s}},"
             "\"tick\": {\"component\": \"Tick\"}}, \"connections\": []}",
             properties == NULL ? "" : ", ", properties == NULL ? "" : properties, component,
             failure == NULL ? "" : "\"failure\": ", failure == NULL ? "" : failure);
}

static shop open_shop(const rig_mode *mode, const char *component, const char *failure) {
    char text[2000];
    graph_text(text, sizeof text, component, failure, NULL);
    return shop_create(mode, text);
}

/* Where nobody else does it, what is pending has to be answered meanwhile. */
static void send(shop *s, int from, int to) {
    for (int i = from; i < to;) {
        reflow_error *error = NULL;
        reflow_status status = reflow_network_send(s->network, s->in, reflow_message_integer(i),
                                                   20, &error);
        reflow_error_destroy(error);
        if (status == REFLOW_OK) {
            ++i;
        } else {
            CHECK(status == REFLOW_ERROR_WOULD_BLOCK || status == REFLOW_ERROR_TIMEOUT);
            (void)work_answer();
        }
    }
}

static void pass_time(shop *s, int64_t ms) {
    rig_send(s->network, s->tick, ms);
    shop_idle(s);
}

/* In mode simulated each turn takes a microsecond. */
static bool is_ms(uint64_t ns, uint64_t ms) {
    return ns >= ms * 1000000 && ns < ms * 1000000 + 100000;
}

/* AC-A5: a failure is told, others live on, and so does the node. */
static void test_default(const rig_mode *mode) {
    work_reset();
    work.fails[1] = -1;
    shop s = open_shop(mode, "Work", NULL);
    reflow_event_options options = rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_ACTOR_FAILED |
                                                            UINT64_C(1) << REFLOW_EVENT_DEAD_LETTER);
    reflow_subscription *events = NULL;
    WORKS(reflow_network_subscribe(s.network, &options, &events, &e));
    shop_start(&s);
    send(&s, 0, 3);
    shop_idle(&s);
    int counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, NULL) == 2 && counts[0] == 1 && counts[2] == 1);
    CHECK(rig_counters(s.network, "w").failed == 1 && rig_counters(s.network, "w").fired == 3);
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(events, 10, 1000, &batch, NULL, &e));
    CHECK(reflow_event_batch_count(batch) == 2);
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(event.kind == REFLOW_EVENT_DEAD_LETTER && event.count == 1);
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 1, &event));
    CHECK(event.kind == REFLOW_EVENT_ACTOR_FAILED && event.count == 1);
    CHECK(same_text(event.node, "w") && same_text(event.trace, "at work\nat home"));
    reflow_buffer *line = NULL;
    WORKS(reflow_event_batch_json(batch, 1, &line, &e));
    CHECK(strstr(reflow_buffer_get(line).data, "\"trace\":\"at work\\nat home\"") != NULL);
    reflow_buffer_destroy(line);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(events);
    CHECK(shop_letters(&s).waiting == 1 && shop_letters(&s).capacity == 1000);
    shop_close(&s);
}

/* The times of attempts, exactly, and what a component is told. */
static void test_backoff(void) {
    work_reset();
    work.fails[1] = 4;
    shop s = open_shop(&simulated, "Work",
                       "{\"retries\": 4, \"backoff_ms\": 100, \"backoff_factor\": 3,"
                       "\"backoff_max_ms\": 1000, \"jitter\": 0}");
    shop_start(&s);
    send(&s, 0, 3);
    WORKS(reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
    CHECK(work.calls[1] == 5 && work.attempts[1] == 4 && work.attempts[2] == 0);
    static const uint64_t delays[] = {100, 300, 900, 1000};
    for (int i = 0; i < 4; ++i) {
        CHECK(is_ms(work.times[1][i + 1] - work.times[1][i], delays[i]));
    }
    int values[VALUES], counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, values) == 3);
    CHECK(values[0] == 0 && values[1] == 1 && values[2] == 2); /* in their order */
    reflow_node_status status = shop_status(&s, "w");
    CHECK(status.state == REFLOW_NODE_RUNNING && status.details == 0 && status.retries == 4);
    CHECK(rig_counters(s.network, "w").failed == 0 && rig_counters(s.network, "w").fired == 3);
    CHECK(shop_letters(&s).total == 0);
    shop_close(&s);
    /* Jitter makes them shorter, and the same in each run of a seed. */
    uint64_t first[2];
    for (int run = 0; run < 2; ++run) {
        work_reset();
        work.fails[1] = 1;
        s = open_shop(&simulated, "Work", "{\"retries\": 1, \"backoff_ms\": 1000, \"jitter\": 1}");
        shop_start(&s);
        send(&s, 1, 2);
        WORKS(reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
        first[run] = work.times[1][1] - work.times[1][0];
        CHECK(first[run] < 1000000000);
        shop_close(&s);
    }
    CHECK(first[0] == first[1]);
}

/* What attempts emit comes once if it is held, and each time if not. */
static void test_hold(const rig_mode *mode, const char *component) {
    for (int hold = 0; hold < 2; ++hold) {
        work_reset();
        work.emits_first = 1;
        work.takes = 1;
        work.later = strcmp(component, "Later") == 0 || strcmp(component, "Ordered") == 0;
        work.fails[1] = 2;
        work.fails[2] = -1;
        char failure[200];
        snprintf(failure, sizeof failure,
                 "{\"retries\": 2, \"backoff_ms\": 1, \"hold\": %s}", hold ? "true" : "false");
        shop s = open_shop(mode, component, failure);
        shop_start(&s);
        send(&s, 0, 4);
        shop_idle(&s);
        int counts[VALUES] = {0}, dead[VALUES] = {0};
        shop_take(s.out, counts, NULL);
        shop_dead(&s, dead);
        CHECK(counts[0] == 1 && counts[3] == 1);
        CHECK(counts[1] == (hold ? 1 : 3) && counts[2] == (hold ? 0 : 3));
        CHECK(dead[1] == 0 && dead[2] == 1);
        CHECK(work.calls[1] == 3 && work.calls[2] == 3);
        shop_close(&s);
    }
}

static void test_breaker(void) {
    work_reset();
    for (int i = 0; i < 6; ++i) work.fails[i] = -1;
    shop s = open_shop(&simulated, "Work",
                       "{\"breaker\": {\"threshold\": 3, \"cooldown_ms\": 1000}, \"retries\": 1,"
                       "\"backoff_ms\": 1}");
    shop_start(&s);
    send(&s, 0, 6);
    shop_idle(&s);
    /* Two attempts of 0, one of 1: then it is open, and nothing is tried again. */
    int calls = 0, dead[VALUES] = {0};
    for (int i = 0; i < 6; ++i) calls += work.calls[i];
    CHECK(calls == 3 && work.calls[0] == 2);
    reflow_node_status status = shop_status(&s, "w");
    CHECK(status.details == REFLOW_NODE_IS_OPEN && status.failures == 3);
    shop_dead(&s, dead);
    for (int i = 0; i < 6; ++i) CHECK(dead[i] == 1);
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(s.network, text_of("w"), 4, 1, &list, &e));
    CHECK(text_is(at_of(list, 0), "message", "the circuit is open after 3 failures in a row"));
    reflow_message_unref(list);
    /* The trial fails: open again. */
    pass_time(&s, 1001);
    send(&s, 5, 6);
    shop_idle(&s);
    CHECK(work.calls[5] == 1 && shop_status(&s, "w").details == REFLOW_NODE_IS_OPEN);
    send(&s, 7, 8);
    shop_idle(&s);
    CHECK(work.calls[7] == 0);
    /* The trial works: closed. */
    pass_time(&s, 1001);
    send(&s, 8, 10);
    shop_idle(&s);
    CHECK(work.calls[8] == 1 && work.calls[9] == 1 && shop_status(&s, "w").details == 0);
    CHECK(shop_status(&s, "w").failures == 0);
    shop_close(&s);
}

/* In half open one firing may try; the others fail meanwhile. */
static void test_half_open(void) {
    work_reset();
    work.later = 1;
    work.fails[0] = 1;
    shop s = open_shop(&simulated, "Later",
                       "{\"breaker\": {\"threshold\": 1, \"cooldown_ms\": 10}}");
    shop_start(&s);
    send(&s, 0, 1);
    shop_idle(&s);
    CHECK(shop_status(&s, "w").details == REFLOW_NODE_IS_OPEN);
    pass_time(&s, 11);
    send(&s, 1, 4);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
    CHECK(work.opened == 1 && work.calls[1] == 1 && work.calls[2] == 0 && work.calls[3] == 0);
    CHECK(shop_status(&s, "w").details == REFLOW_NODE_IS_HALF_OPEN);
    CHECK(shop_letters(&s).waiting == 3);
    shop_idle(&s);
    CHECK(shop_status(&s, "w").details == 0);
    shop_close(&s);
}

static void test_fallback(const rig_mode *mode) {
    work_reset();
    work.fails[1] = -1;
    work.takes = 1;
    shop s = open_shop(mode, "Work", "{\"fallback\": {\"value\": 60, \"port\": \"o\"}}");
    shop_start(&s);
    send(&s, 0, 3);
    shop_idle(&s);
    int values[VALUES], counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, values) == 3);
    CHECK(values[0] == 0 && values[1] == 60 && values[2] == 2);
    CHECK(shop_letters(&s).total == 0 && rig_counters(s.network, "w").failed == 1);
    shop_close(&s);
    /* A node instead. */
    work_reset();
    work.fails[1] = work.fails[2] = -1;
    work.takes = 1;
    s = shop_create(mode,
                    "{\"processes\": {"
                    "\"w\": {\"component\": \"Work\", \"metadata\": {\"failure\":"
                    "  {\"fallback\": {\"node\": \"spare\"}}}},"
                    "\"spare\": {\"component\": \"Pass\"}, \"after\": {\"component\": \"Pass\"},"
                    "\"tick\": {\"component\": \"Tick\"}}, \"connections\": ["
                    "{\"from\": {\"nodeId\": \"spare\", \"portId\": \"o\"},"
                    " \"to\": {\"nodeId\": \"after\", \"portId\": \"a\"}}]}");
    reflow_output *after = rig_output(s.network, "after.o", 100);
    shop_start(&s);
    send(&s, 0, 5);
    WORKS(reflow_network_drain(s.network, REFLOW_FOREVER, &e));
    memset(counts, 0, sizeof counts);
    CHECK(shop_take(s.out, counts, NULL) == 3 && counts[1] == 0 && counts[2] == 0);
    CHECK(shop_take(after, counts, values) == 2 && values[0] == 1 && values[1] == 2);
    CHECK(shop_letters(&s).total == 0);
    reflow_message report;
    WORKS(reflow_network_report(s.network, &report, &e));
    bool taken = false;
    reflow_message_get_boolean(get_of(get_of(report, "w"), "errors_taken"), &taken);
    CHECK(taken);
    reflow_message_unref(report);
    reflow_output_destroy(after);
    shop_close(&s);
}

static void test_restart(const rig_mode *mode) {
    work_reset();
    work.fails[1] = work.fails[3] = -1;
    shop s = open_shop(mode, "Work", "{\"then\": \"restart\", \"restarts\": 5}");
    shop_start(&s);
    send(&s, 0, 5);
    shop_idle(&s);
    int counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, NULL) == 3);
    CHECK(work.created == 3 && work.destroyed == 2 && work.set_up == 3 && work.torn_down == 2);
    CHECK(shop_status(&s, "w").restarts == 2 && shop_status(&s, "w").state == REFLOW_NODE_RUNNING);
    CHECK(shop_letters(&s).waiting == 2);
    shop_close(&s);
}

/* More than the limit within the time: it escalates, and as nobody takes it the network stops. */
static void test_restart_limit(void) {
    work_reset();
    for (int i = 0; i < VALUES; ++i) work.fails[i] = -1;
    shop s = open_shop(&simulated, "Work",
                       "{\"then\": \"restart\", \"restarts\": 2, \"within_ms\": 1000}");
    shop_start(&s);
    for (int i = 0; i < 4; ++i) {
        send(&s, i, i + 1);
        shop_idle(&s);
        pass_time(&s, 600); /* two within each second: that is allowed */
    }
    CHECK(work.created == 5);
    send(&s, 4, 6);
    FAILS(REFLOW_ERROR_FAILED, reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
    CHECK(reflow_network_get_state(s.network) == REFLOW_NETWORK_STOPPED);
    CHECK(work.created == 6 && shop_status(&s, "w").state == REFLOW_NODE_STOPPED);
    CHECK(shop_letters(&s).waiting == 6); /* can be read when all is over */
    FAILS(REFLOW_ERROR_CLOSED, reflow_network_replay_dead_letter(s.network, 1, &e));
    shop_close(&s);
}

/* A restart that fails comes again, later and later. */
static void test_restart_fails(void) {
    work_reset();
    work.fails[1] = -1;
    shop s = open_shop(&simulated, "Work",
                       "{\"then\": \"restart\", \"restarts\": 4, \"backoff_ms\": 10, \"jitter\": 0}");
    shop_start(&s);
    work.create_fails = 1;
    work.setup_fails = 1;
    send(&s, 0, 4);
    shop_idle(&s);
    int counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, NULL) == 3 && counts[1] == 0);
    CHECK(work.created == 3 && work.destroyed == 2 && work.set_up == 2);
    CHECK(is_ms(work.times[2][0] - work.times[1][0], 30)); /* 10 and 20 ms */
    CHECK(shop_status(&s, "w").restarts == 1);
    shop_close(&s);
}

static struct {
    reflow_decision answer;
    int asked, ended;
    uint32_t attempts;
    char text[200];
} host;

static reflow_decision decide(void *user_data, const reflow_escalation *escalation) {
    CHECK(user_data == &host && escalation->struct_size == sizeof *escalation);
    CHECK(same_text(escalation->node, "w") && same_text(escalation->component, "Work"));
    ++host.asked;
    host.attempts = escalation->attempts;
    snprintf(host.text, sizeof host.text, "%s", reflow_error_text(escalation->error).data);
    CHECK(same_text(reflow_error_trace(escalation->error), "at work\nat home") ||
          escalation->attempts == 0);
    return host.answer;
}
static void host_ended(void *user_data) {
    CHECK(user_data == &host);
    ++host.ended;
}

static void test_host(const rig_mode *mode) {
    static const reflow_decision answers[] = {REFLOW_DECISION_CONTINUE, REFLOW_DECISION_RESTART,
                                              REFLOW_DECISION_STOP, 77};
    for (int i = 0; i < 4; ++i) {
        work_reset();
        memset(&host, 0, sizeof host);
        host.answer = answers[i];
        work.fails[1] = -1;
        work.host = 1;
        shop s = open_shop(mode, "Work",
                           "{\"then\": \"escalate\", \"retries\": 1, \"backoff_ms\": 1}");
        WORKS(reflow_network_on_failure(s.network, decide, &host, host_ended, &e));
        FAILS(REFLOW_ERROR_ALREADY_EXISTS,
              reflow_network_on_failure(s.network, decide, &host, host_ended, &e));
        CHECK(host.ended == 1);
        shop_start(&s);
        FAILS(REFLOW_ERROR_INVALID_STATE,
              reflow_network_on_failure(s.network, decide, &host, host_ended, &e));
        CHECK(host.ended == 2);
        send(&s, 0, 2);
        if (i < 2) {
            shop_idle(&s);
            send(&s, 2, 3);
            shop_idle(&s);
            CHECK(work.calls[2] == 1 && work.created == 1 + i);
        } else {
            FAILS(REFLOW_ERROR_HOST, reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
        }
        CHECK(host.asked == 1 && host.attempts == 2);
        CHECK(strstr(host.text, "no 1 today (come back tomorrow)") != NULL);
        shop_close(&s);
        CHECK(host.ended == 3);
    }
}

/* From the node to the subgraph around it, and to the graph. */
static void test_scopes(const rig_mode *mode) {
    static const char *document =
        "{\"properties\": {\"failure\": {\"escalated\": \"%s\", \"retries\": 0}}, \"processes\": {"
        "\"w\": {\"component\": \"Work\"}, \"tick\": {\"component\": \"Tick\"},"
        "\"sub\": {\"metadata\": {\"failure\": {\"then\": \"escalate\", \"escalated\": \"%s\"},"
        "\"componentSpec\": {\"type\": \"subgraph\", \"graph\": {\"processes\": {"
        "\"x\": {\"component\": \"Work\"}, \"y\": {\"component\": \"Work\"}},"
        "\"connections\": []}}}}}, \"connections\": []}";
    for (int i = 0; i < 3; ++i) {
        static const char *graph_says[] = {"stop", "continue", "restart"};
        static const char *sub_says[] = {"restart", "escalate", "escalate"};
        char text[2000];
        snprintf(text, sizeof text, document, graph_says[i], sub_says[i]);
        work_reset();
        work.fails[1] = -1;
        shop s = shop_create(mode, text);
        reflow_inport x = rig_inport(s.network, "sub/x.a");
        reflow_inport y = rig_inport(s.network, "sub/y.a");
        shop_start(&s);
        CHECK(work.created == 3);
        rig_send(s.network, x, 1);
        rig_send(s.network, y, 2);
        rig_send(s.network, s.in, 3);
        shop_idle(&s);
        /* The subgraph restarts its two nodes; the graph all four. */
        CHECK(work.created == (i == 0 ? 5 : i == 1 ? 3 : 6));
        rig_send(s.network, x, 4);
        shop_idle(&s);
        CHECK(work.calls[4] == 1);
        shop_close(&s);
    }
}

static void test_stop(const rig_mode *mode) {
    work_reset();
    work.fails[1] = -1;
    shop s = open_shop(mode, "Work", "{\"then\": \"stop\"}");
    shop_start(&s);
    send(&s, 0, 2);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_FAILED, reflow_network_wait_idle(s.network, REFLOW_FOREVER, &error));
    CHECK(strstr(reflow_error_text(error).data, "node 'w': no 1 today") != NULL);
    reflow_error_destroy(error);
    WORKS(reflow_network_stop(s.network, REFLOW_FOREVER, &e));
    CHECK(shop_letters(&s).waiting == 1);
    shop_close(&s);
}

/* Stop, destroy, drain and pause while something waits for its next attempt. */
static void test_meanwhile(const rig_mode *mode, const char *component) {
    static const char *failure = "{\"retries\": 3, \"backoff_ms\": %d, \"jitter\": 0}";
    for (int i = 0; i < 4; ++i) {
        work_reset();
        work.later = strcmp(component, "Later") == 0;
        work.fails[1] = 2;
        char text[200];
        snprintf(text, sizeof text, failure, i < 2 ? 1000000 : 5);
        shop s = open_shop(mode, component, text);
        shop_start(&s);
        send(&s, 1, 4);
        for (int k = 0; k < 1000000 && shop_status(&s, "w").retries == 0; ++k) {
            if (mode->mode == REFLOW_MODE_INLINE) {
                WORKS(reflow_runtime_run(s.runtime, 1, NULL, &e));
            }
            (void)work_answer();
            sched_yield();
        }
        CHECK(shop_status(&s, "w").retries != 0);
        if (i == 0) {
            CHECK((shop_status(&s, "w").details & REFLOW_NODE_IS_RETRYING) != 0);
            WORKS(reflow_network_stop(s.network, REFLOW_FOREVER, &e));
        } else if (i == 2) {
            reflow_status status;
            do {
                reflow_error *error = NULL;
                status = reflow_network_drain(s.network, 10, &error);
                reflow_error_destroy(error);
                CHECK(status == REFLOW_OK || status == REFLOW_ERROR_TIMEOUT ||
                      status == REFLOW_ERROR_WOULD_BLOCK);
                (void)work_answer();
            } while (status != REFLOW_OK);
            int counts[VALUES] = {0};
            CHECK(shop_take(s.out, counts, NULL) == 3);
            CHECK(counts[1] == 1 && counts[2] == 1 && counts[3] == 1);
        } else if (i == 3) {
            WORKS(reflow_network_pause(s.network, text_of("w"), REFLOW_FOREVER, &e));
            CHECK((shop_status(&s, "w").details & REFLOW_NODE_IS_PAUSED) != 0);
            WORKS(reflow_network_resume(s.network, text_of("w"), &e));
            shop_idle(&s);
            int counts[VALUES] = {0};
            CHECK(shop_take(s.out, counts, NULL) == 3 && counts[1] == 1);
        }
        shop_close(&s);
    }
}

/* Each packet comes out once: processed, as a dead letter, or through the fallback. */
static void test_conservation(const rig_mode *mode, uint64_t seed) {
    static const char *components[] = {"Work", "Later", "Ordered", "Blocks"};
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
#define NEXT(most) ((int)((random = random * 6364136223846793005u + 1442695040888963407u) >> 33) % (most))
    work_reset();
    int component = NEXT(4), hold = 1, retries = NEXT(4), fallback = NEXT(3), then = NEXT(2);
    work.later = component == 1 || component == 2;
    work.takes = NEXT(2);
    work.emits_first = hold && NEXT(2);
    for (int i = 0; i < VALUES; ++i) work.fails[i] = NEXT(3) == 0 ? NEXT(6) : 0;
    static const char *fallbacks[] = {"null", "{\"node\": \"spare\"}", "{\"node\": \"spare\", \"port\": \"a\"}"};
    char text[2000];
    snprintf(text, sizeof text,
             "{\"properties\": {\"failure\": {\"backoff_ms\": 1, \"jitter\": 0.5}}, \"processes\": {"
             "\"w\": {\"component\": \"%s\", \"metadata\": {\"failure\": {\"retries\": %d,"
             "\"hold\": %s, \"fallback\": %s, \"then\": \"%s\", \"restarts\": 1000}}},"
             "\"spare\": {\"component\": \"Pass\"}, \"tick\": {\"component\": \"Tick\"}},"
             "\"connections\": []}",
             components[component], retries, hold ? "true" : "false", fallbacks[fallback],
             then ? "restart" : "continue");
    shop s = shop_create(mode, text);
    reflow_output *spare = rig_output(s.network, "spare.o", 100);
    shop_start(&s);
    send(&s, 0, 40);
    shop_idle(&s);
    int out[VALUES] = {0}, other[VALUES] = {0}, dead[VALUES] = {0}, values[VALUES];
    int count = shop_take(s.out, out, values);
    shop_take(spare, other, NULL);
    shop_dead(&s, dead);
    for (int i = 0; i < 40; ++i) {
        if (out[i] + other[i] + dead[i] != 1) {
            fprintf(stderr, "seed %llu, %s: %d: %d out, %d by the fallback, %d dead\n%s\n",
                    (unsigned long long)seed, mode->name, i, out[i], other[i], dead[i], text);
            CHECK(0);
        }
    }
    /* What is not pending together keeps its order. */
    for (int i = 1; i < count && component != 1 && component != 2; ++i) {
        CHECK(values[i] > values[i - 1]);
    }
    reflow_output_destroy(spare);
    shop_close(&s);
}

static void test_states(void) {
    work_reset();
    work.fails[1] = 1;
    shop s = open_shop(&simulated, "Work", "{\"retries\": 1, \"backoff_ms\": 1}");
    CHECK(shop_status(&s, "w").state == REFLOW_NODE_CREATED);
    reflow_event_options options = rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_ACTOR_STATE);
    options.nodes = text_of("w");
    reflow_subscription *events = NULL;
    WORKS(reflow_network_subscribe(s.network, &options, &events, &e));
    shop_start(&s);
    send(&s, 1, 2);
    WORKS(reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_stop(s.network, REFLOW_FOREVER, &e));
    static const int32_t expected[] = {
        REFLOW_NODE_INITIALIZED, REFLOW_NODE_RUNNING, REFLOW_NODE_PROCESSING, REFLOW_NODE_ERROR,
        REFLOW_NODE_PROCESSING,  REFLOW_NODE_RUNNING, REFLOW_NODE_STOPPING,   REFLOW_NODE_STOPPED};
    reflow_event_batch *batch = NULL;
    WORKS(reflow_subscription_poll(events, 100, 1000, &batch, NULL, &e));
    CHECK(reflow_event_batch_count(batch) == 8);
    for (size_t i = 0; i < 8; ++i) {
        reflow_event event = {0};
        event.struct_size = sizeof event;
        CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, i, &event));
        CHECK(event.state == expected[i]);
    }
    reflow_buffer *line = NULL;
    WORKS(reflow_event_batch_json(batch, 4, &line, &e));
    CHECK(strstr(reflow_buffer_get(line).data,
                 "\"_type\":\"ActorState\",\"actorId\":\"w\",\"component\":\"Work\","
                 "\"state\":\"Processing\",\"details\":[\"retrying\"]") != NULL);
    reflow_buffer_destroy(line);
    reflow_event_batch_destroy(batch);
    reflow_subscription_destroy(events);
    CHECK(same_text(reflow_node_state_name(REFLOW_NODE_STOPPING), "Stopping"));
    CHECK(same_text(reflow_node_state_name(99), "unknown"));
    shop_close(&s);
}

/* The outport "error" as an object. */
/* The first packet is left open, the second call goes on once more, and meanwhile the first one fails:
 * its attempt waits, whatever becomes of the second. */
static int beside_calls;
static reflow_completion beside_open;
static reflow_status beside(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    CHECK(inputs != NULL && count == 1);
    switch (beside_calls++) {
        case 0:
            return reflow_context_defer(context, 0, &beside_open);
        case 1:
            CHECK_STATUS(REFLOW_OK, reflow_completion_fail(beside_open, REFLOW_ERROR_FAILED,
                                                           text_of("no"), text_of("")));
            return reflow_context_again(context);
        default:
            return REFLOW_OK;
    }
}
static void test_beside(void) {
    beside_calls = 0;
    reflow_runtime *runtime = rig_runtime(&simulated);
    reflow_port in;
    memset(&in, 0, sizeof in);
    in.name = text_of("a");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = text_of("Beside");
    component.inports = &in;
    component.inport_count = 1;
    component.max_concurrency = 4;
    component.run = beside;
    WORKS(reflow_runtime_register(runtime, &component, &e));
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("n"), text_of("Beside"),
                                json("{\"failure\": {\"retries\": 1, \"backoff_ms\": 60000}}"), &e));
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport to = rig_inport(network, "n.a");
    WORKS(reflow_network_start(network, &e));
    rig_send(network, to, 0);
    rig_send(network, to, 1);
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    while (beside_calls < 3) WORKS(reflow_runtime_run(runtime, 1, NULL, &e));
    WORKS(reflow_network_node_state(network, text_of("n"), &status, &e));
    CHECK(status.retries == 1 && (status.details & REFLOW_NODE_IS_RETRYING) != 0);
    rig_idle(network);
    WORKS(reflow_network_node_state(network, text_of("n"), &status, &e));
    CHECK(beside_calls == 4 && (status.details & REFLOW_NODE_IS_RETRYING) == 0);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_error_object(void) {
    work_reset();
    work.fails[1] = -1;
    work.takes = 1;
    shop s = shop_create(&simulated,
                         "{\"processes\": {"
                         "\"w\": {\"component\": \"Work\", \"metadata\": {\"failure\":"
                         "  {\"error\": \"object\", \"retries\": 1, \"backoff_ms\": 0}}},"
                         "\"p\": {\"component\": \"Pass\"},"
                         "\"tick\": {\"component\": \"Tick\"}}, \"connections\": ["
                         "{\"from\": {\"nodeId\": \"w\", \"portId\": \"error\"},"
                         " \"to\": {\"nodeId\": \"p\", \"portId\": \"a\"}}]}");
    reflow_output *errors = rig_output(s.network, "p.o", 10);
    shop_start(&s);
    send(&s, 1, 2);
    shop_idle(&s);
    reflow_message message;
    size_t count = 0;
    WORKS(reflow_output_recv_many(errors, &message, 1, 1000, &count, &e));
    CHECK(text_is(message, "status", "REFLOW_ERROR_FAILED") && text_is(message, "node", "w"));
    CHECK(text_is(message, "message", "no 1 today") && text_is(message, "trace", "at work\nat home"));
    CHECK(rig_integer(get_of(message, "attempts")) == 2);
    CHECK(is_json(get_of(message, "inputs"), "[{\"port\":\"a\",\"message\":1}]"));
    reflow_message_unref(message);
    CHECK(shop_letters(&s).total == 0);
    reflow_output_destroy(errors);
    shop_close(&s);
}

/* What is wrong in settings is told with its place. */
static void test_bad_settings(void) {
    static const char *const bad[][2] = {
        {"7", "'failure' is not an object"},
        {"{\"retrise\": 1}", "unknown key 'retrise' in 'failure' at $.processes.w.metadata.failure"
                           " (did you mean 'retries'?)"},
        {"{\"retries\": -1}", "retries is not an integer from 0 to 1000000"},
        {"{\"jitter\": 2}", "jitter is not a number from 0.0 to 1.0"},
        {"{\"then\": \"restrat\"}", "then is not continue, restart, stop or escalate"},
        {"{\"escalated\": \"stop\"}", "'escalated' is for subgraphs and graphs"},
        {"{\"breaker\": {\"treshold\": 1}}", "(did you mean 'threshold'?)"},
        {"{\"fallback\": {\"value\": 1, \"node\": \"tick\"}}", "either 'value' or 'node'"},
        {"{\"fallback\": {\"node\": \"tik\"}}", "(did you mean 'tick'?)"},
        {"{\"fallback\": {\"node\": \"w\"}}", "is the node itself"},
        {"{\"fallback\": {\"node\": \"tick\", \"port\": \"b\"}}", "has no inport 'b'"},
        {"{\"fallback\": {\"value\": 1, \"port\": \"q\"}}", "no outport 'q'"},
        {"{\"error\": \"objekt\"}", "(did you mean 'object'?)"},
        {"{\"hold\": 1}", "hold is not true or false"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        work_reset();
        char text[2000];
        graph_text(text, sizeof text, "Work", bad[i][0], NULL);
        reflow_runtime *runtime = rig_runtime(&simulated);
        shop_register(runtime, "Work", 1, 0, 0);
        rig_component tick = {0};
        tick.id = "Tick";
        tick.inports = "a";
        tick.run = tick_run;
        rig_register(runtime, &tick);
        reflow_graph *graph = NULL;
        WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
        reflow_network *network = NULL;
        reflow_error *error = NULL;
        reflow_status status = reflow_network_create(runtime, graph, &network, &error);
        if (status >= 0 || strstr(reflow_error_text(error).data, bad[i][1]) == NULL) {
            check_failed(__FILE__, __LINE__, bad[i][1], reflow_error_text(error).data);
        }
        CHECK(network == NULL);
        reflow_error_destroy(error);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
        CHECK(work.created == 0);
    }
    reflow_context *context = NULL;
    reflow_failure failure = {0};
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_fail_with(context, &failure));
    reflow_completion none = {77};
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_completion_fail_with(none, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_completion_fail_with(none, &failure));
    failure.struct_size = sizeof failure;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_completion_fail_with(none, &failure));
    failure.status = REFLOW_ERROR_HOST;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_completion_fail_with(none, &failure));
    CHECK(reflow_context_attempts(NULL) == 0 && reflow_error_trace(NULL).size == 0);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_on_failure(NULL, decide, NULL, NULL, &e));
}

/* Where outputs have the order of inputs, those of a later attempt do, too: also if that ends inside run,
 * and if it is kept open and ends behind others. */
static void test_order_of_attempts(const rig_mode *mode) {
    const char *document =
        "{\"processes\":{\"w\":{\"component\":\"Ordered\",\"metadata\":{\"failure\":{\"retries\":3,"
        "\"backoff_ms\":1}}},\"tick\":{\"component\":\"Tick\"}},\"connections\":[]}";
    for (int later = 0; later < 2; ++later) {
        work_reset();
        work.later = 1;
        work.fails[1] = 2;
        work.fails[3] = 1;
        shop s = shop_create(mode, document);
        shop_start(&s);
        for (int value = 1; value <= 4; ++value) rig_send(s.network, s.in, value);
        for (int opened = 0; opened < 4;) { /* most of them, at once */
            (void)reflow_network_wait_idle(s.network, 1, NULL);
            work_lock();
            opened = work.opened;
            work_unlock();
        }
        CHECK(work_answer() == 4);
        work_lock();
        work.later = later;
        work_unlock();
        shop_idle(&s);
        int values[VALUES], counts[VALUES] = {0};
        CHECK(shop_take(s.out, counts, values) == 4);
        for (int i = 0; i < 4; ++i) CHECK(values[i] == i + 1);
        CHECK(work.calls[1] == 3 && work.calls[2] == 1 && work.calls[3] == 2 && work.calls[4] == 1);
        CHECK(shop_status(&s, "w").retries == 3 && shop_letters(&s).total == 0);
        shop_close(&s);
    }
}

int main(void) {
    check_time_limit(120);
    static const rig_mode *const modes[] = {&rig_inline, &rig_own, &simulated};
    for (size_t i = 0; i < 3; ++i) {
        test_default(modes[i]);
        test_hold(modes[i], "Work");
        test_hold(modes[i], "Blocks");
        test_hold(modes[i], "Later");
        test_hold(modes[i], "Ordered");
        test_order_of_attempts(modes[i]);
        test_fallback(modes[i]);
        test_restart(modes[i]);
        test_host(modes[i]);
        test_scopes(modes[i]);
        test_stop(modes[i]);
    }
    test_meanwhile(&rig_inline, "Work");
    test_meanwhile(&rig_own, "Work");
    test_meanwhile(&rig_own, "Later");
    test_backoff();
    test_breaker();
    test_half_open();
    test_restart_limit();
    test_restart_fails();
    test_states();
    test_error_object();
    test_beside();
    test_bad_settings();
    uint64_t seeds = check_slow() ? 20 : 200;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        rig_mode mode = simulated;
        mode.seed = seed;
        mode.tiny = seed % 3 == 0;
        test_conservation(&mode, seed);
        if (seed % 10 == 0) test_conservation(&rig_own, seed);
    }
    return 0;
}
