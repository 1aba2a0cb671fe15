/* Section 17 of reflow.h: what a snapshot has of failures. Dead letters, attempts that are to come, circuit
 * breakers, nodes that wait for a restart, outputs that wait for firings before them, breakpoints. */
#include "check.h"

#include "failure_rig.h"

static const rig_mode simulated = {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0};

static void run_turns(shop *s, uint64_t turns) { WORKS(reflow_runtime_run(s->runtime, turns, NULL, &e)); }

static void send(shop *s, int value) { rig_send(s->network, s->in, value); }

/* The snapshot of what a shop has, which ends; through its bytes. */
static reflow_message closed(shop *s) {
    reflow_message taken, read;
    reflow_buffer *bytes = NULL;
    WORKS(reflow_network_snapshot(s->network, REFLOW_FOREVER, &taken, &e));
    WORKS(reflow_message_to_msgpack(taken, &bytes, &e));
    reflow_message_unref(taken);
    shop_close(s);
    reflow_view view = reflow_buffer_get(bytes);
    WORKS(reflow_message_from_msgpack(view.data, view.size, NULL, &read, &e));
    reflow_buffer_destroy(bytes);
    return read;
}

/* Another shop that goes on with it. */
static shop opened(const rig_mode *mode, const char *document, reflow_message taken) {
    shop s = shop_create(mode, document);
    WORKS(reflow_network_restore(s.network, taken, &e));
    reflow_message_unref(taken);
    shop_start(&s);
    return s;
}

static shop moved(shop *s, const rig_mode *mode, const char *document) {
    return opened(mode, document, closed(s));
}

static char *json_of(reflow_message message) {
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(message, REFLOW_JSON_PLAIN, &buffer, &e));
    reflow_view view = reflow_buffer_get(buffer);
    char *text = malloc(view.size + 1);
    CHECK(text != NULL);
    memcpy(text, view.data, view.size + 1);
    reflow_buffer_destroy(buffer);
    reflow_message_unref(message);
    return text;
}

static char *letters_of(shop *s) {
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(s->network, text_of(""), 0, 100, &list, &e));
    return json_of(list);
}

#define NODES(of, config) \
    "{\"processes\":{\"w\":{\"component\":\"" of "\",\"metadata\":{" config "}},\"tick\":{\"component\":\"Tick\"}}," \
    "\"connections\":[]}"

/* ---- dead letters: all of them, with their numbers; they can be played back and dropped */

static void test_letters(const rig_mode *mode) {
    const char *document = NODES("Work", "");
    work_reset();
    work.host = 1; /* errors with a trace */
    shop s = shop_create(mode, document);
    shop_start(&s);
    for (int value = 1; value <= 3; ++value) {
        work.fails[value] = 1;
        send(&s, value);
        rig_idle(s.network);
    }
    size_t dropped = 0;
    WORKS(reflow_network_drop_dead_letters(s.network, 2, text_of(""), &dropped, &e));
    CHECK(dropped == 1);
    char *before = letters_of(&s);
    CHECK(strstr(before, "at work\\nat home") != NULL);
    s = moved(&s, mode, document);
    char *after = letters_of(&s);
    CHECK(strcmp(before, after) == 0);
    CHECK(shop_letters(&s).waiting == 2 && shop_letters(&s).total == 3 && shop_letters(&s).lost == 0);
    WORKS(reflow_network_replay_dead_letter(s.network, 3, &e));
    work.fails[4] = 1;
    send(&s, 4);
    rig_idle(s.network);
    int counts[VALUES] = {0}, dead[VALUES] = {0};
    CHECK(shop_take(s.out, counts, NULL) == 1 && counts[3] == 1);
    shop_dead(&s, dead);
    CHECK(dead[1] == 1 && dead[3] == 0 && dead[4] == 1 && shop_letters(&s).total == 4);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_replay_dead_letter(s.network, 3, &e));
    WORKS(reflow_network_replay_dead_letter(s.network, 4, &e)); /* the next number */
    rig_idle(s.network);
    shop_close(&s);
    free(before);
    free(after);
}

/* ---- attempts: as many as there would have been, at the times at which they would have come */

#define RETRIES "\"failure\":{\"retries\":5,\"backoff_ms\":1000,\"backoff_factor\":1,\"jitter\":0}"

static void test_attempts(void) {
    const char *document = NODES("Work", RETRIES);
    work_reset();
    work.fails[7] = 4;
    shop s = shop_create(&simulated, document);
    shop_start(&s);
    send(&s, 7);
    send(&s, 8);
    while (work.calls[7] < 2) run_turns(&s, 1);
    s = moved(&s, &simulated, document); /* whose time begins with 0 */
    CHECK((shop_status(&s, "w").details & REFLOW_NODE_IS_RETRYING) != 0);
    CHECK(shop_status(&s, "w").retries == 2 && work.calls[7] == 2);
    rig_idle(s.network);
    CHECK(work.calls[7] == 5 && work.attempts[7] == 4 && work.calls[8] == 1);
    CHECK(shop_status(&s, "w").retries == 4 && shop_status(&s, "w").details == 0);
    for (int call = 2; call < 5; ++call) {
        CHECK(work.times[7][call] / 1000000 == (uint64_t)(call - 1) * 1000);
    }
    int values[VALUES], counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, values) == 2 && values[0] == 7 && values[1] == 8);
    shop_close(&s);
}

/* Of firings that failed when they were pending; one of them is open again when the snapshot is taken. */
static void test_pending_attempts(void) {
    const char *document = NODES("Later", RETRIES);
    for (int open = 0; open < 2; ++open) {
        work_reset();
        work.later = 1;
        work.fails[7] = 2;
        shop s = shop_create(&simulated, document);
        shop_start(&s);
        send(&s, 7);
        while (work.opened == 0) run_turns(&s, 1);
        CHECK(work_answer() == 1);
        while (open != 0 && work.opened == 0) run_turns(&s, 1);
        if (open == 0) run_turns(&s, 1);
        CHECK(work.calls[7] == 1 + open);
        reflow_message taken = closed(&s);
        work.opened = 0; /* they have ended with the network */
        if (open != 0) work.fails[7] = 1;
        s = opened(&simulated, document, taken);
        shop_idle(&s);
        CHECK(work.calls[7] == 3 + open && work.attempts[7] == 2);
        int counts[VALUES] = {0};
        CHECK(shop_take(s.out, counts, NULL) == 1 && counts[7] == 1);
        shop_close(&s);
    }
}

/* ---- circuit breakers: open for the rest of their time, and then as always */

static void test_breaker(void) {
    const char *document =
        NODES("Work", "\"failure\":{\"breaker\":{\"threshold\":2,\"cooldown_ms\":10000}}");
    work_reset();
    work.fails[1] = 3;
    shop s = shop_create(&simulated, document);
    shop_start(&s);
    send(&s, 1);
    rig_idle(s.network);
    s = moved(&s, &simulated, document);
    CHECK(shop_status(&s, "w").failures == 1 && shop_status(&s, "w").details == 0);
    send(&s, 1); /* the second in a row */
    rig_idle(s.network);
    CHECK(shop_status(&s, "w").details == REFLOW_NODE_IS_OPEN);
    rig_send(s.network, s.tick, 4000);
    rig_idle(s.network);
    s = moved(&s, &simulated, document);
    CHECK(shop_status(&s, "w").details == REFLOW_NODE_IS_OPEN);
    rig_send(s.network, s.tick, 5999);
    rig_idle(s.network);
    send(&s, 2);
    rig_idle(s.network);
    CHECK(work.calls[2] == 0); /* refused */
    rig_send(s.network, s.tick, 1);
    rig_idle(s.network);
    send(&s, 3);
    rig_idle(s.network);
    CHECK(work.calls[3] == 1 && shop_status(&s, "w").details == 0 && shop_status(&s, "w").failures == 0);
    shop_close(&s);
}

/* ---- letters that nobody keeps: that they were lost is not forgotten */

static void test_lost_letters(void) {
    const char *document = "{\"properties\":{\"dead_letters\":0},\"processes\":{\"w\":{\"component\":\"Work\"},"
                           "\"tick\":{\"component\":\"Tick\"}},\"connections\":[]}";
    work_reset();
    work.fails[1] = work.fails[2] = -1;
    shop s = shop_create(&simulated, document);
    shop_start(&s);
    send(&s, 1);
    send(&s, 2);
    rig_idle(s.network);
    CHECK(shop_letters(&s).lost == 2);
    s = moved(&s, &simulated, document);
    CHECK(shop_letters(&s).lost == 2 && shop_letters(&s).total == 2 && shop_letters(&s).waiting == 0);
    shop_close(&s);
}

/* ---- a node without a state: the restore is its restart, and the restarts of before count */

static void test_down(void) {
    const char *document = NODES("Work", "\"failure\":{\"then\":\"restart\",\"restarts\":2,"
                                         "\"within_ms\":100000,\"backoff_ms\":1000}");
    work_reset();
    work.fails[1] = 1;
    shop s = shop_create(&simulated, document);
    shop_start(&s);
    work.setup_fails = 1;
    send(&s, 1);
    send(&s, 2);
    while (work.setup_fails != 0) run_turns(&s, 1);
    CHECK((shop_status(&s, "w").details & (REFLOW_NODE_IS_DOWN | REFLOW_NODE_IS_RESTARTING)) != 0);
    /* What was made and never set up has no teardown. */
    reflow_message taken;
    WORKS(reflow_network_snapshot(s.network, REFLOW_FOREVER, &taken, &e));
    reflow_output_destroy(s.out);
    reflow_network_destroy(s.network);
    reflow_runtime_destroy(s.runtime);
    CHECK(work.created == work.destroyed);
    s = opened(&simulated, document, taken);
    rig_idle(s.network);
    CHECK(work.calls[2] == 1 && shop_status(&s, "w").details == 0);
    reflow_output_destroy(s.out);
    reflow_network_destroy(s.network);
    reflow_runtime_destroy(s.runtime);
    CHECK(work.created == work.destroyed);
}

/* ---- restarts of the whole network: those of before count, and no others */

static const char *const restarting =
    "{\"properties\":{\"failure\":{\"escalated\":\"restart\",\"restarts\":2,\"within_ms\":100000}},"
    "\"processes\":{\"w\":{\"component\":\"Work\",\"metadata\":{\"failure\":{\"then\":\"escalate\"}}},"
    "\"tick\":{\"component\":\"Tick\"}},\"connections\":[]}";

static void test_restarts_of_all(void) {
    for (int before = 1; before <= 2; ++before) {
        work_reset();
        for (int value = 1; value <= 3; ++value) work.fails[value] = -1;
        shop s = shop_create(&simulated, restarting);
        shop_start(&s);
        for (int value = 1; value <= before; ++value) {
            send(&s, value);
            rig_idle(s.network);
        }
        CHECK(reflow_network_get_state(s.network) == REFLOW_NETWORK_RUNNING);
        s = moved(&s, &simulated, restarting);
        send(&s, 3);
        (void)reflow_network_wait_idle(s.network, REFLOW_FOREVER, NULL);
        CHECK((reflow_network_get_state(s.network) == REFLOW_NETWORK_RUNNING) == (before == 1));
        reflow_output_destroy(s.out);
        reflow_network_destroy(s.network);
        reflow_runtime_destroy(s.runtime);
    }
}

/* ---- order: outputs that waited for firings before them still do, and come once */

/* 1 and 3 are pending, 2 and 4 have ended. */
static shop half_done(const char *document) {
    work_reset();
    shop s = shop_create(&simulated, document);
    shop_start(&s);
    for (int value = 1; value <= 4; ++value) {
        work.later = value % 2;
        send(&s, value);
        while (work.calls[value] == 0) run_turns(&s, 1);
    }
    CHECK(work.opened == 2);
    return s;
}

static void check_order(shop *s) {
    int values[VALUES], counts[VALUES] = {0};
    CHECK(shop_take(s->out, counts, values) == 4);
    for (int i = 0; i < 4; ++i) CHECK(values[i] == i + 1);
    CHECK(work.calls[1] == 2 && work.calls[2] == 1 && work.calls[3] == 2 && work.calls[4] == 1);
    CHECK(rig_counters(s->network, "w").fired == 4);
}

static void test_order(const char *document) {
    shop s = half_done(document);
    reflow_message taken = closed(&s);
    work.opened = work.later = 0;
    s = opened(&simulated, document, reflow_message_ref(taken));
    rig_idle(s.network);
    check_order(&s); /* 1 and 3 have ended inside run */
    shop_close(&s);

    s = half_done(document);
    shop_close(&s);
    work.opened = 0;
    work.later = 1;
    s = opened(&simulated, document, taken);
    while (work.opened < 2) run_turns(&s, 1);
    reflow_completion first = work.open[0];
    work.open[0] = work.open[1]; /* 3 ends before 1 */
    work.open_value[0] = work.open_value[1];
    work.opened = 1;
    CHECK(work_answer() == 1);
    run_turns(&s, 10);
    int counts[VALUES] = {0};
    CHECK(shop_take(s.out, counts, NULL) == 0);
    CHECK_STATUS(REFLOW_OK, reflow_completion_emit(first, 0, reflow_message_integer(1), 0));
    CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(first));
    rig_idle(s.network);
    check_order(&s);
    shop_close(&s);
}

/* ---- breakpoints: where they are, and how often they were met; not functions of the host */

static bool always(void *user_data, reflow_message message) {
    (void)user_data;
    (void)message;
    return true;
}

static void test_breakpoints(void) {
    const char *document = NODES("Work", "");
    work_reset();
    shop s = shop_create(&simulated, document);
    reflow_break_options options = {0};
    options.struct_size = sizeof options;
    options.node = text_of("w");
    options.inport = text_of("a");
    options.ignore = 2;
    reflow_breakpoint breakpoint;
    WORKS(reflow_network_break(s.network, &options, &breakpoint, &e));
    options.inport = text_of("");
    options.ignore = 0;
    options.expression = text_of("1 > 2");
    WORKS(reflow_network_break(s.network, &options, &breakpoint, &e));
    options.expression = text_of("");
    options.ignore = 1000;
    options.condition = always;
    WORKS(reflow_network_break(s.network, &options, &breakpoint, &e));
    shop_start(&s);
    send(&s, 1);
    rig_idle(s.network);
    s = moved(&s, &simulated, document);
    reflow_message list;
    WORKS(reflow_network_breakpoints(s.network, &list, &e));
    CHECK(reflow_message_count(list) == 2);
    CHECK(text_is(at_of(list, 0), "inport", "a") && text_is(at_of(list, 1), "expression", "1 > 2"));
    CHECK(rig_integer(get_of(at_of(list, 0), "hits")) == 1);
    reflow_message_unref(list);
    send(&s, 2);
    rig_idle(s.network);
    CHECK(work.calls[2] == 1);
    send(&s, 3); /* the third packet at this inport */
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(s.network, REFLOW_FOREVER, &e));
    CHECK(work.calls[3] == 0);
    rig_resume(s.network, "");
    rig_idle(s.network);
    CHECK(work.calls[3] == 1);
    shop_close(&s);
}

/* ---- what is no such snapshot is refused, and the network can be started as if nothing had been */

static void refuses(const char *document, const char *text, const char *from, const char *to,
                    const char *says) {
    const char *at = strstr(text, from);
    CHECK(at != NULL);
    size_t before = (size_t)(at - text);
    char *bad = malloc(strlen(text) + strlen(to) + 1);
    CHECK(bad != NULL);
    sprintf(bad, "%.*s%s%s", (int)before, text, to, at + strlen(from));
    reflow_message message = json(bad);
    shop s = shop_create(&simulated, document);
    reflow_error *error = NULL;
    reflow_status status = reflow_network_restore(s.network, message, &error);
    if (status == REFLOW_OK) fprintf(stderr, "accepted: %s\n", to);
    CHECK(status == REFLOW_ERROR_PARSE || status == REFLOW_ERROR_GRAPH);
    if (strstr(reflow_error_text(error).data, says) == NULL) {
        fprintf(stderr, "%s\n", reflow_error_text(error).data);
    }
    CHECK(strstr(reflow_error_text(error).data, says) != NULL);
    reflow_error_destroy(error);
    reflow_message_unref(message);
    free(bad);
    shop_start(&s);
    CHECK(shop_letters(&s).total == 0);
    shop_close(&s);
}

static void test_bad(void) {
    const char *ordered = NODES("Ordered", RETRIES);
    shop s = half_done(ordered);
    char *text = json_of(closed(&s));
    work.opened = work.later = 0;
    refuses(ordered, text, "\"order\":[null", "\"order\":[null,null,null", "more places");
    refuses(ordered, text, "\"order\":[null,[true", "\"order\":[null,[7", "order");
    refuses(ordered, text, "[[0,-1,2]]", "[[9,-1,2]]", "port of the node");
    refuses(ordered, text, "\"order\":[", "\"order\":7,\"x\":[", "a list");
    refuses(NODES("Work", ""), text, "\"Ordered\"", "\"Work\"", "another graph");
    free(text);

    const char *document = NODES("Work", RETRIES);
    work_reset();
    work.fails[7] = work.fails[8] = -1;
    s = shop_create(&simulated, document);
    shop_start(&s);
    send(&s, 7);
    rig_idle(s.network);
    send(&s, 8);
    while (work.calls[8] < 1) run_turns(&s, 1);
    text = json_of(closed(&s));
    refuses(document, text, "\"retries\":[[1,", "\"retries\":[[0,", "retries");
    refuses(document, text, "\"retries\":[[1,", "\"retries\":[[1,-", "retries");
    refuses(document, text, "[[0,-1,8]]", "[[0,-1,8],[0,-1,9]]", "not whole");
    refuses(document, text, "[[0,-1,8]]", "7", "packets");
    refuses(document, text, "\"breaker\":[0,", "\"breaker\":[3,", "breaker");
    refuses(document, text, "\"letters\":{\"last\":1", "\"letters\":{\"last\":0", "id");
    refuses(document, text, "\"letters\":{\"last\":1", "\"letters\":{\"last\":\"1\"", "letters");
    refuses(document, text, "\"attempts\":6", "\"attempts\":-6", "letter");
    refuses(document, text, "[[\"a\",-1,7]]", "[[1,-1,7]]", "letters");
    free(text);

    /* One that has failed, and its node has not taken it over. */
    document = NODES("Later", "");
    work_reset();
    work.later = work.fails[7] = 1;
    s = shop_create(&simulated, document);
    shop_start(&s);
    send(&s, 7);
    while (work.opened == 0) run_turns(&s, 1);
    CHECK(work_answer() == 1);
    text = json_of(closed(&s));
    work.later = 0;
    refuses(document, text, "\"order\":[[true,[],-", "\"order\":[[true,[],", "order");
    refuses(document, text, "\"order\":[[true,[],-", "\"order\":[[true,[],-1000", "order");
    refuses(document, text, ",0,[[0,-1,7]],", ",-1,[[0,-1,7]],", "order");
    refuses(document, text, ",0,[[0,-1,7]],", ",0,[[0,-1,7],[0,-1,8]],", "not whole");
    refuses(document, text, ",0,[[0,-1,7]],", ",0,[[1,-1,7]],", "port of the node");
    refuses(document, text, ",0,[[0,-1,7]],", ",", "order");
    refuses(document, text, "\"later\"]", "\"later\",7]", "envelope");
    refuses(document, text, "\"later\"]", "\"later\",null,7]", "order");
    free(text);

    work_reset();
    work.fails[1] = -1;
    s = shop_create(&simulated, restarting);
    shop_start(&s);
    send(&s, 1);
    rig_idle(s.network);
    text = json_of(closed(&s));
    refuses(restarting, text, "\"scopes\":[[\"\",", "\"scopes\":[[7,", "$.scopes[0]");
    refuses(restarting, text, "\"scopes\":[[\"\",", "\"scopes\":[[\"\",-1,", "$.scopes[0]");
    refuses(restarting, text, "\"scopes\":[", "\"scopes\":7,\"x\":[", "$.scopes[0]");
    free(text);
}

int main(void) {
    check_time_limit(50);
    if (!reflow_feature(text_of("snapshots"))) return 0;
    test_letters(&simulated);
    test_letters(&rig_own);
    test_lost_letters();
    test_attempts();
    test_pending_attempts();
    test_breaker();
    test_down();
    test_restarts_of_all();
    test_order(NODES("Ordered", ""));
    test_order(NODES("Ordered", RETRIES));
    test_breakpoints();
    test_bad();
    return 0;
}
