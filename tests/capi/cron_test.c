/* Timers by cron expressions, and the component Schedule. The wall clock of mode simulated begins with 1970. */
#include "check.h"

#include "rig.h"

enum { MOST = 100 };

static struct {
    size_t count;
    uint64_t bits[MOST];
    uint64_t now[MOST];
} at;

static const rig_mode simulated = {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0};
static reflow_runtime *runtime;
static reflow_network *network;

static void set_cron(reflow_context *context, uint32_t id, const char *expression,
                     const char *zone) {
    WORKS(reflow_context_set_cron(context, id, text_of(expression), text_of(zone), &e));
}

static reflow_status timed(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs;
    uint64_t bits = reflow_context_timers(context);
    if (count != 0) {
        set_cron(context, 1, "*/20 * * * * *", "");
        set_cron(context, 2, "30 1 * * *", "UTC");
        set_cron(context, 3, "* * * * *", "UTC"); /* replaced */
        WORKS(reflow_context_set_timer(context, 3, 1, &e));
        set_cron(context, 4, "* * * * *", "UTC");
        WORKS(reflow_context_cancel_timer(context, 4, &e));
        return REFLOW_OK;
    }
    CHECK(bits != 0); /* a look at the wall clock is no call */
    if (at.count < MOST) {
        at.bits[at.count] = bits;
        at.now[at.count++] = reflow_context_now_ns(context);
    }
    if (at.count == 7) WORKS(reflow_context_cancel_timer(context, 1, &e));
    if ((bits & 4) != 0) WORKS(reflow_context_cancel_timer(context, 2, &e));
    return REFLOW_OK;
}

static reflow_status thirds(reflow_context *, void *, reflow_packet *, size_t);

static reflow_network *timed_network(reflow_run_fn run) {
    rig_component component = {0};
    component.id = run == thirds ? "Thirds" : "Timed";
    component.inports = "a";
    component.run = run;
    component.flags = REFLOW_COMPONENT_STATELESS;
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "t", component.id);
    rig_initial(graph, "t.a", reflow_message_integer(0));
    reflow_network *made = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return made;
}
static void begin_stopped(reflow_run_fn run) {
    runtime = rig_runtime(&simulated);
    network = timed_network(run);
    at.count = 0;
}
static void begin(reflow_run_fn run) {
    begin_stopped(run);
    WORKS(reflow_network_start(network, &e));
}
static void end(void) {
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

static void test_times(void) {
    begin(timed);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(at.count == 8 && at.bits[0] == 8 && at.bits[7] == 4);
    for (size_t i = 1; i < 7; ++i) {
        CHECK(at.bits[i] == 2 && at.now[i] / 1000000 == i * 20000); /* to the millisecond */
    }
    CHECK(at.now[7] / 1000000 == 90 * 60 * 1000);
    end();
}

static reflow_status never(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs, (void)count;
    static const struct {
        const char *expression, *zone;
        reflow_status status;
        uint32_t column;
        const char *says;
    } bad[] = {
        {"* 25 * * *", "UTC", REFLOW_ERROR_PARSE, 3, "25 is no hour"},
        {"* * * *", "UTC", REFLOW_ERROR_PARSE, 1, "5 fields or 6, and this one has 4"},
        {"* * * * *", "Europe/Berlinn", REFLOW_ERROR_NOT_FOUND, 0, "no time zone 'Europe/Berlinn'"},
        {"* * * * *", "../x", REFLOW_ERROR_NOT_FOUND, 0, "no name of a time zone"},
        {"* * * * *", "\xff", REFLOW_ERROR_INVALID_UTF8, 0, ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        reflow_error *error = NULL;
        CHECK_STATUS(bad[i].status,
                     reflow_context_set_cron(context, 0, text_of(bad[i].expression),
                                             text_of(bad[i].zone), &error));
        reflow_place place = {0};
        place.struct_size = sizeof place;
        CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
        CHECK(place.column == bad[i].column);
        CHECK(strstr(reflow_error_text(error).data, bad[i].says) != NULL);
        reflow_error_destroy(error);
    }
    FAILS(REFLOW_ERROR_LIMIT, reflow_context_set_cron(context, REFLOW_MAX_TIMERS, text_of("@daily"),
                                                      text_of(""), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_context_set_cron(context, 0, null_view(), text_of(""), &e));
    ++at.count;
    return REFLOW_OK;
}

static void test_bad(void) {
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_context_set_cron(NULL, 0, text_of("@daily"), text_of(""), &e));
    begin(never);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e)); /* nothing was armed */
    CHECK(at.count == 1);
    end();
}

static reflow_status thirds(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state, (void)inputs;
    if (count != 0) {
        set_cron(context, 9, "*/20 * * * * *", "Europe/Berlin");
        return REFLOW_OK;
    }
    CHECK(reflow_context_timers(context) == 1 << 9);
    at.now[at.count++] = reflow_context_now_ns(context);
    if (at.count == 3) WORKS(reflow_context_cancel_timer(context, 9, &e));
    return REFLOW_OK;
}

/* Lets the clock go on by 100 s. */
static reflow_status clock_only(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    (void)state, (void)inputs;
    if (count != 0) WORKS(reflow_context_set_timer(context, 1, UINT64_C(100000000000), &e));
    return REFLOW_OK;
}

/* The snapshot with another one in place of the timer is refused. */
static void refuses(reflow_message taken, const char *by) {
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(taken, REFLOW_JSON_PLAIN, &buffer, &e));
    const char *text = reflow_buffer_get(buffer).data;
    const char *from = strstr(text, "[9,\"*/20");
    CHECK(from != NULL);
    char bad[4000];
    snprintf(bad, sizeof bad, "%.*s%s%s", (int)(from - text), text, by, strchr(from, ']') + 1);
    reflow_message message = json(bad);
    FAILS(REFLOW_ERROR_PARSE, reflow_network_restore(network, message, &e));
    reflow_message_unref(message);
    reflow_buffer_destroy(buffer);
}

static void test_snapshot(void) {
    if (!reflow_feature(text_of("snapshots"))) return;
    begin(thirds);
    while (at.count < 1) WORKS(reflow_runtime_run(runtime, 1, NULL, &e));
    reflow_message taken;
    WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
    end();
    begin_stopped(thirds); /* whose clock begins with 1970, too */
    at.count = 1;
    refuses(taken, "[9,\"* 25 * * *\",\"\",0,0,false]");
    refuses(taken, "[9,\"@daily\",\"No/where\",0,0,false]");
    refuses(taken, "[9,\"@daily\",\"\",0,0,7]");
    refuses(taken, "[64,\"@daily\",\"\",0,0,false]");
    WORKS(reflow_network_restore(network, taken, &e));
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(at.count == 3 && at.now[1] / 1000000 == 40000 && at.now[2] / 1000000 == 60000);
    end();
    /* One that has passed meanwhile comes once, at once. */
    begin_stopped(clock_only);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e)); /* 100 s have passed */
    reflow_network_destroy(network);
    network = timed_network(thirds);
    at.count = 1;
    WORKS(reflow_network_restore(network, taken, &e));
    reflow_message_unref(taken);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(at.count == 3 && at.now[1] / 1000000 == 100000 && at.now[2] / 1000000 == 120000);
    end();
}

/* ---- Schedule */

static reflow_network *scheduled(const char *metadata, reflow_output **output) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("s"), text_of("Schedule"), json(metadata), &e));
    reflow_network *made = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    *output = rig_output(made, "s.out", 100);
    return made;
}

static void test_schedule(void) {
    runtime = rig_runtime(&simulated);
    reflow_output *output = NULL;
    network = scheduled("{\"cron\": \"*/15 * * * *\", \"limit\": 4}", &output);
    WORKS(reflow_network_start(network, &e));
    for (int64_t i = 1; i <= 4; ++i) CHECK(rig_recv(output) == i * 15 * 60 * 1000);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e)); /* it has ended by itself */
    CHECK(rig_counters(network, "s").sent == 4);
    reflow_output_destroy(output);
    end();
}

/* What is between a snapshot and the start that goes on is not missed, nor is the limit. */
static void test_saved(void) {
    if (!reflow_feature(text_of("snapshots"))) return;
    const char *metadata = "{\"cron\": \"0 * * * *\", \"limit\": 3, \"payload\": {\"x\": 1}}";
    runtime = rig_runtime(&simulated);
    reflow_output *output = NULL;
    network = scheduled(metadata, &output);
    WORKS(reflow_network_start(network, &e));
    reflow_message message;
    size_t count = 0;
    for (int i = 0; i < 1; ++i) {
        WORKS(reflow_output_recv_many(output, &message, 1, REFLOW_FOREVER, &count, &e));
        CHECK(is_json(message, "{\"x\":1}"));
        reflow_message_unref(message);
    }
    reflow_message taken;
    WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    network = scheduled(metadata, &output);
    WORKS(reflow_network_restore(network, taken, &e));
    reflow_message_unref(taken);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "s").sent == 3);
    reflow_output_destroy(output);
    end();
}

/* Sources are ended: it never ends by itself. */
static void test_ended(const rig_mode *mode) {
    runtime = rig_runtime(mode);
    reflow_output *output = NULL;
    network = scheduled("{\"cron\": \"0 0 1 jan *\", \"zone\": \"UTC\"}", &output);
    WORKS(reflow_network_start(network, &e));
    WORKS(reflow_network_end_sources(network, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "s").sent == 0);
    reflow_output_destroy(output);
    end();
}

static void test_bad_schedule(void) {
    runtime = rig_runtime(&rig_inline);
    static const struct {
        const char *metadata, *says;
    } bad[] = {
        {"{}", "cron"},
        {"{\"cron\": \"* 25 * * *\"}", "column 3: 25 is no hour"},
        {"{\"cron\": \"@daily\", \"zone\": \"Mars\"}", "no time zone 'Mars'"},
        {"{\"cron\": \"@daily\", \"limit\": -1}", "limit"},
        {"{\"cron\": \"@daily\", \"zoon\": \"UTC\"}", "unknown key 'zoon'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        reflow_graph *graph = rig_graph();
        WORKS(reflow_graph_add_node(graph, text_of("s"), text_of("Schedule"),
                                    json(bad[i].metadata), &e));
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_CONFIG, reflow_network_create(runtime, graph, &network, &error));
        if (strstr(reflow_error_text(error).data, bad[i].says) == NULL) {
            check_failed(__FILE__, __LINE__, bad[i].says, reflow_error_text(error).data);
        }
        reflow_error_destroy(error);
        reflow_graph_destroy(graph);
    }
    reflow_runtime_destroy(runtime);
}

int main(void) {
    check_time_limit(60);
    CHECK(reflow_feature(text_of("cron")));
    test_times();
    test_bad();
    test_snapshot();
    test_schedule();
    test_saved();
    for (size_t i = 0; i < RIG_MODES; ++i) test_ended(&rig_modes[i]);
    test_bad_schedule();
    return 0;
}
