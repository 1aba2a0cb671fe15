/* Section 17 of reflow.h: firings that are over when a snapshot is taken and that their node has not taken over
 * yet. They have happened: nothing of them comes twice, and nothing is lost. */
#include "check.h"

#include "rig.h"

static const rig_mode simulated = {"simulated", REFLOW_MODE_SIMULATED, 0, 1, false, 0};

enum { INPUTS = 12, MARK = 1000 };

/* Memory that runs out once. */
static uint64_t allocations, fail_at = UINT64_MAX;

static void *allocate(void *user_data, size_t size, size_t alignment) {
    void *memory = NULL;
    (void)user_data;
    if (allocations++ == fail_at) return NULL;
    const size_t least = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    return posix_memalign(&memory, least, size) == 0 ? memory : NULL;
}

static void release(void *user_data, void *memory, size_t size, size_t alignment) {
    (void)user_data;
    (void)size;
    (void)alignment;
    free(memory);
}

/* How the node is, and how many attempts of each input fail. */
typedef struct plan {
    bool ordered, hold, carries;
    bool failing_emit; /* an attempt that fails emits MARK + input before */
    bool at_once;      /* each third input is answered inside run */
    bool early;        /* run emits MARK + input before it leaves the firing open */
    bool fallback;     /* MARK + 7 comes out instead of a failure */
    bool breaks;       /* a circuit breaker opens after two failures in a row */
    uint32_t concurrency, retries;
    uint32_t fails[INPUTS];
} plan;

/* What has happened, by input. */
static struct {
    plan how;
    uint32_t attempts[INPUTS]; /* that have ended */
    uint32_t calls[INPUTS], reopened[INPUTS];
    uint32_t out[INPUTS], marks[INPUTS];
    bool open[INPUTS];
    reflow_completion completion[INPUTS];
    uint32_t last; /* the highest input that came out */
} now;

typedef struct life {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_inport in;
    reflow_output *out;
} life;

static bool fails_now(int value) { return now.attempts[value] < now.how.fails[value]; }

static reflow_status run(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)state;
    for (size_t i = 0; i < count; ++i) {
        const int value = (int)rig_integer(inputs[i].message);
        CHECK(value >= 0 && value < INPUTS && !now.open[value]);
        ++now.calls[value];
        if (i == 0) CHECK(reflow_context_attempts(context) == now.attempts[value]);
        if (now.how.at_once && count == 1 && value % 3 == 0) {
            const bool fails = fails_now(value);
            ++now.attempts[value];
            if (!fails || now.how.failing_emit) {
                const int emitted = fails ? MARK + value : value;
                CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(emitted)));
            }
            return fails ? reflow_context_fail(context, REFLOW_ERROR_IO, text_of("at once"), text_of("")) : REFLOW_OK;
        }
        if (now.how.early) {
            CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(MARK + value)));
        }
        CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, i, &now.completion[value]));
        now.open[value] = true;
    }
    return REFLOW_OK;
}

static void turns(life *at, uint64_t count) { WORKS(reflow_runtime_run(at->runtime, count, NULL, &e)); }

static life open_life(reflow_message taken, bool restores) {
    const plan *how = &now.how;
    life at = {0};
    at.runtime = rig_runtime(&simulated);
    rig_component component = {0};
    component.id = "Later";
    component.inports = "a";
    component.outports = "o";
    component.max_batch = 3;
    component.max_concurrency = how->concurrency;
    component.flags = how->ordered ? REFLOW_COMPONENT_ORDERED : 0;
    component.run = run;
    rig_register(at.runtime, &component);
    char config[200] = "null";
    if (how->retries != 0 || how->hold || how->breaks || how->fallback) {
        snprintf(config, sizeof config,
                 "{\"failure\":{\"retries\":%u,\"backoff_ms\":10,\"jitter\":0,\"hold\":%s%s%s}}",
                 (unsigned)how->retries, how->hold ? "true" : "false",
                 how->breaks ? ",\"breaker\":{\"threshold\":2,\"cooldown_ms\":1000}" : "",
                 how->fallback ? ",\"fallback\":{\"value\":1007,\"port\":\"o\"}" : "");
    }
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("n"), text_of("Later"), json(config), &e));
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    if (how->carries) WORKS(reflow_network_carry_envelopes(at.network, &e));
    at.in = rig_inport(at.network, "n.a");
    at.out = rig_output(at.network, "n.o", 1000);
    if (restores) WORKS(reflow_network_restore(at.network, taken, &e));
    WORKS(reflow_network_start(at.network, &e));
    return at;
}

static void close_life(life *at) {
    reflow_output_destroy(at->out);
    reflow_network_destroy(at->network);
    reflow_runtime_destroy(at->runtime);
}

/* Another life goes on with the snapshot, through its bytes. What is open has not happened. */
static void cut(life *at) {
    reflow_message taken, read;
    reflow_buffer *bytes = NULL;
    WORKS(reflow_network_snapshot(at->network, REFLOW_FOREVER, &taken, &e));
    for (int value = 0; value < INPUTS; ++value) {
        now.reopened[value] += now.open[value];
        now.open[value] = false;
    }
    close_life(at);
    WORKS(reflow_message_to_msgpack(taken, &bytes, &e));
    reflow_message_unref(taken);
    reflow_view view = reflow_buffer_get(bytes);
    WORKS(reflow_message_from_msgpack(view.data, view.size, NULL, &read, &e));
    reflow_buffer_destroy(bytes);
    *at = open_life(read, true);
    reflow_message_unref(read);
}

static void send(life *at, int value) {
    if (!now.how.carries) {
        rig_send(at->network, at->in, value);
        return;
    }
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    reflow_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    envelope.correlation = text_of(text);
    WORKS(reflow_network_send_enveloped(at->network, at->in, reflow_message_integer(value), &envelope,
                                        REFLOW_FOREVER, &e));
}

static void take(life *at) {
    for (;;) {
        reflow_message message;
        reflow_envelope envelope;
        envelope.struct_size = sizeof envelope;
        reflow_error *error = NULL;
        reflow_status status = reflow_output_recv_enveloped(at->out, &message, &envelope, 0, &error);
        reflow_error_destroy(error);
        if (status != REFLOW_OK) return;
        const uint32_t emitted = (uint32_t)rig_integer(message), value = emitted % MARK;
        CHECK(value < INPUTS);
        ++(emitted < MARK ? now.out : now.marks)[value];
        if (now.how.ordered) CHECK(value >= now.last);
        now.last = value;
        if (!now.how.carries) continue;
        CHECK(envelope.correlation.size != 0 && (uint32_t)atoi(envelope.correlation.data) == value);
    }
}

static void emit(int value) {
    const int emitted = fails_now(value) ? MARK + value : value;
    if (fails_now(value) && !now.how.failing_emit) return;
    CHECK_STATUS(REFLOW_OK,
                 reflow_completion_emit(now.completion[value], 0, reflow_message_integer(emitted), 0));
}

static void end(int value) {
    const bool fails = fails_now(value);
    reflow_failure failure = {0};
    failure.struct_size = sizeof failure;
    failure.status = REFLOW_ERROR_IO;
    failure.message = text_of("no \"answer\"");
    failure.hint = text_of("ask again");
    failure.trace = text_of("there\nhere");
    ++now.attempts[value];
    now.open[value] = false;
    CHECK_STATUS(REFLOW_OK, fails ? reflow_completion_fail_with(now.completion[value], &failure)
                                  : reflow_completion_resolve(now.completion[value]));
}

static uint64_t draw(uint64_t *seed, uint64_t below) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % below;
}

/* One of those that are open, or -1. */
static int some_open(uint64_t *seed) {
    int open[INPUTS], count = 0;
    for (int value = 0; value < INPUTS; ++value) {
        if (now.open[value]) open[count++] = value;
    }
    return count == 0 ? -1 : open[draw(seed, (uint64_t)count)];
}

/* How often an input was tried in the end, and whether it was given up. */
static uint32_t tries(int value) {
    const uint32_t most = now.how.retries + 1, fails = now.how.fails[value];
    return fails < most ? fails + 1 : most;
}
static bool given_up(int value) { return now.how.fails[value] > now.how.retries; }

static void check_letters(life *at, uint32_t expected) {
    reflow_message list, letter, field;
    WORKS(reflow_network_list_dead_letters(at->network, text_of(""), 0, 100, &list, &e));
    CHECK(reflow_message_count(list) == expected);
    for (size_t i = 0; i < expected; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, i, &letter));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("attempts"), &field));
        CHECK(rig_integer(field) == (int64_t)now.how.retries + 1);
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("packets"), &field));
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(field, 0, &field));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(field, text_of("message"), &field));
        const int value = (int)rig_integer(field);
        CHECK(value >= 0 && value < INPUTS && given_up(value));
        static const char *const keys[] = {"status", "message", "hint", "trace"};
        static const char *const texts[] = {"REFLOW_ERROR_IO", "no \"answer\"", "ask again", "there\nhere"};
        const bool at_once = now.how.at_once && value % 3 == 0;
        for (size_t k = 0; k < (at_once ? 1u : 4u); ++k) {
            reflow_view view;
            CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of(keys[k]), &field));
            CHECK_STATUS(REFLOW_OK, reflow_message_get_text(field, &view));
            CHECK(same_text(view, texts[k]));
        }
    }
    reflow_message_unref(list);
}

static void check_all(life *at) {
    uint32_t letters = 0, again = 0;
    for (int value = 0; value < INPUTS; ++value) {
        const uint32_t tried = tries(value), failed = tried - !given_up(value);
        CHECK(now.attempts[value] == tried);
        CHECK(now.calls[value] == tried + now.reopened[value]);
        CHECK(now.out[value] == !given_up(value));
        CHECK(now.marks[value] == (now.how.failing_emit && !now.how.hold ? failed : 0));
        letters += given_up(value);
        again += tried - 1;
    }
    reflow_node_counters counters = rig_counters(at->network, "n");
    CHECK(counters.fired == INPUTS && counters.received == INPUTS && counters.failed == letters);
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    WORKS(reflow_network_node_state(at->network, text_of("n"), &status, &e));
    CHECK(status.retries == again && status.details == 0);
    check_letters(at, letters);
}

static plan plan_of(uint64_t *seed) {
    plan how = {0};
    how.ordered = draw(seed, 2) != 0;
    how.hold = draw(seed, 2) != 0;
    how.carries = draw(seed, 3) == 0;
    how.failing_emit = draw(seed, 2) != 0;
    how.concurrency = 1 + (uint32_t)draw(seed, 4);
    how.retries = (uint32_t)draw(seed, 3);
    how.at_once = draw(seed, 2) != 0;
    for (int value = 0; value < INPUTS; ++value) {
        if (draw(seed, 3) == 0) how.fails[value] = 1 + (uint32_t)draw(seed, 3);
    }
    return how;
}

/* The host sends, lets turns run, ends what is open in any order, and cuts at any moment: with cuts of 100 in
 * each step. What is open has delivered nothing: it emits as it ends, or the cut comes first. */
static void random_life(uint64_t seed, uint64_t cuts) {
    uint64_t random = seed;
    memset(&now, 0, sizeof now);
    now.how = plan_of(&random);
    reflow_message none = {0, 0};
    life at = open_life(none, false);
    int sent = 0;
    while (true) {
        switch (draw(&random, 4)) {
            case 0:
                if (sent < INPUTS) send(&at, sent++);
                break;
            case 1:
                turns(&at, 1 + draw(&random, 3));
                break;
            case 2: {
                const int value = some_open(&random);
                if (value < 0) break;
                emit(value);
                if (draw(&random, 100) < cuts / 2) {
                    cut(&at);
                } else {
                    end(value);
                }
                break;
            }
            default:
                take(&at);
                break;
        }
        if (draw(&random, 100) < cuts) cut(&at);
        if (sent < INPUTS || some_open(&random) >= 0) continue;
        reflow_error *error = NULL;
        reflow_status status = reflow_network_wait_idle(at.network, 0, &error);
        reflow_error_destroy(error);
        if (status == REFLOW_OK) break;
        turns(&at, 4);
    }
    take(&at);
    check_all(&at);
    close_life(&at);
}

/* ---- one by one: what was delivered, and what was not; then all again from the snapshot */

static void one_life(bool ordered, bool hold, uint32_t concurrency, bool delivered, bool fails) {
    memset(&now, 0, sizeof now);
    now.how = (plan){.ordered = ordered, .hold = hold, .concurrency = concurrency, .failing_emit = true};
    now.how.fails[7] = fails;
    reflow_message none = {0, 0};
    life at = open_life(none, false);
    send(&at, 7);
    turns(&at, 5);
    CHECK(now.open[7]);
    emit(7);
    if (delivered) turns(&at, 5);
    end(7);
    cut(&at);
    rig_idle(at.network);
    CHECK(now.calls[7] == 1 && !now.open[7]);
    take(&at);
    CHECK(now.out[7] == !fails && now.marks[7] == (fails && !hold));
    CHECK(rig_counters(at.network, "n").fired == 1 && rig_counters(at.network, "n").failed == fails);
    check_letters(&at, fails);
    close_life(&at);
}

/* A timeout and a cancellation are failures, too; the host has given no words for them. */
static void cancelled_life(bool ordered) {
    memset(&now, 0, sizeof now);
    now.how = (plan){.ordered = ordered, .concurrency = 2, .retries = 2};
    reflow_message none = {0, 0}, list, letter, status;
    life at = open_life(none, false);
    send(&at, 7);
    turns(&at, 5);
    WORKS(reflow_network_cancel(at.network, text_of("n"), NULL, &e));
    now.open[7] = false;
    cut(&at);
    rig_idle(at.network);
    CHECK(now.calls[7] == 1 && rig_counters(at.network, "n").failed == 1);
    WORKS(reflow_network_list_dead_letters(at.network, text_of(""), 0, 100, &list, &e));
    CHECK(reflow_message_count(list) == 1);
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, 0, &letter));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("status"), &status));
    CHECK(is_json(status, "\"REFLOW_ERROR_CANCELLED\""));
    reflow_message_unref(list);
    close_life(&at);
}

/* What a call has emitted behind a pending firing, before it left its own open, belongs to that one: it comes again with it
 * if that is pending, and if that has ended, once and before what that has emitted. */
static void early_life(bool ends_before) {
    memset(&now, 0, sizeof now);
    now.how = (plan){.ordered = true, .early = true, .concurrency = 3};
    reflow_message none = {0, 0};
    life at = open_life(none, false);
    for (int value = 1; value <= 3; ++value) {
        send(&at, value);
        turns(&at, 5);
        CHECK(now.open[value]);
    }
    take(&at);
    CHECK(now.marks[1] == 1 && now.marks[2] == 0);
    if (ends_before) {
        emit(2);
        end(2);
    }
    cut(&at);
    for (int round = 0; round < 3; ++round) {
        turns(&at, 20);
        for (int value = 3; value >= 1; --value) {
            if (!now.open[value]) continue;
            emit(value);
            end(value);
        }
    }
    rig_idle(at.network);
    take(&at);
    for (int value = 1; value <= 3; ++value) {
        CHECK(now.calls[value] == (value == 2 && ends_before ? 1 : 2) && now.out[value] == 1);
        CHECK(now.marks[value] == (value == 1 ? 2 : 1)); /* that of 1 was delivered before */
    }
    CHECK(rig_counters(at.network, "n").fired == 3);
    close_life(&at);
}

/* What comes instead of a failure has the envelope of its firing. */
static void fallback_life(bool ordered) {
    memset(&now, 0, sizeof now);
    now.how = (plan){.ordered = ordered, .carries = true, .fallback = true};
    now.how.fails[7] = 1;
    reflow_message none = {0, 0};
    life at = open_life(none, false);
    send(&at, 7);
    turns(&at, 5);
    end(7);
    cut(&at);
    rig_idle(at.network);
    take(&at); /* looks at envelopes */
    CHECK(now.calls[7] == 1 && now.marks[7] == 1 && rig_counters(at.network, "n").failed == 1);
    check_letters(&at, 0);
    close_life(&at);
}

/* The circuit breaker hears of each that has ended, and once: two failures with a success between them do not open
 * it, and two in a row do. */
static void breaker_life(bool ordered, bool well) {
    memset(&now, 0, sizeof now);
    now.how = (plan){.ordered = ordered, .concurrency = 1, .breaks = true};
    now.how.fails[1] = now.how.fails[3] = 1;
    reflow_message none = {0, 0};
    life at = open_life(none, false);
    for (int value = 1; value <= 3; ++value) {
        if (value == 2 && !well) continue;
        send(&at, value);
        turns(&at, 5);
        CHECK(now.open[value]);
        end(value);
        cut(&at);
        rig_idle(at.network);
        CHECK(now.calls[value] == 1);
    }
    reflow_node_status status = {0};
    status.struct_size = sizeof status;
    WORKS(reflow_network_node_state(at.network, text_of("n"), &status, &e));
    CHECK(status.failures == (well ? 1 : 2) && status.details == (well ? 0 : REFLOW_NODE_IS_OPEN));
    close_life(&at);
}

/* Memory runs out while the node takes over what a firing has emitted, and the cut comes then: what is out is out, and
 * the rest comes once. False: memory did not run out. */
static bool half_life(bool ordered, bool ends_before, uint64_t successes) {
    memset(&now, 0, sizeof now);
    now.how = (plan){.ordered = ordered, .carries = true, .concurrency = 2};
    reflow_message none = {0, 0};
    life at = open_life(none, false);
    send(&at, 7);
    turns(&at, 5);
    CHECK(now.open[7]);
    for (int i = 0; i < 3; ++i) {
        const int64_t value = i == 1 ? 7 : MARK + 7;
        CHECK_STATUS(REFLOW_OK, reflow_completion_emit(now.completion[7], 0, reflow_message_integer(value), 0));
    }
    if (ends_before) end(7);
    fail_at = allocations + successes;
    turns(&at, 1);
    const bool failed = allocations > fail_at;
    fail_at = UINT64_MAX;
    if (!ends_before) end(7);
    cut(&at);
    rig_idle(at.network);
    take(&at);
    CHECK(now.calls[7] == 1 && now.out[7] == 1 && now.marks[7] == 2);
    CHECK(rig_counters(at.network, "n").fired == 1 && rig_counters(at.network, "n").failed == 0);
    close_life(&at);
    return failed;
}

int main(void) {
    reflow_allocator allocator = {
        .struct_size = sizeof allocator, .allocate = allocate, .release = release};
    check_time_limit(50);
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(&allocator));
    if (!reflow_feature(text_of("snapshots"))) return 0;
    for (int i = 0; i < 32; ++i) {
        one_life((i & 1) != 0, (i & 2) != 0, (i & 4) != 0 ? 3 : 0, (i & 8) != 0, (i & 16) != 0);
    }
    cancelled_life(false);
    cancelled_life(true);
    fallback_life(false);
    fallback_life(true);
    early_life(false);
    early_life(true);
    for (int i = 0; i < 4; ++i) {
        breaker_life((i & 1) != 0, (i & 2) != 0);
        uint64_t successes = 0;
        while (half_life((i & 1) != 0, (i & 2) != 0, successes)) ++successes;
        CHECK(successes > 2); /* it was tried at each of them */
    }
    const char *only = getenv("REFLOW_TEST_SEED");
    uint64_t first = only == NULL ? 1 : strtoull(only, NULL, 10);
    uint64_t last = only != NULL ? first : check_slow() ? 50 : 1000;
    for (uint64_t seed = first; seed <= last; ++seed) {
        static const uint64_t cuts[] = {0, 5, 30};
        for (int i = 0; i < 3; ++i) {
            if (only != NULL) fprintf(stderr, "seed %d cuts %d\n", (int)seed, (int)cuts[i]);
            random_life(seed, cuts[i]);
        }
    }
    return 0;
}
