/* Section 17 of reflow.h: keys, pools, looking at states, snapshots and restores; in every mode. */
#include "check.h"

#include "entries.h"
#include "rig.h"

static const reflow_message none;

static bool is_none(reflow_message message) {
    return reflow_message_kind(message) == REFLOW_KIND_NONE;
}

/* ---- keys and pools */

static bool all_are(reflow_context *context, const char *pool, const char *expected) {
    reflow_message all;
    CHECK_STATUS(REFLOW_OK, pool == NULL ? reflow_context_state_all(context, &all)
                                         : reflow_context_pool_get(context, text_of(pool), &all));
    bool same = is_json(all, expected);
    reflow_message_unref(all);
    return same;
}

static void keys(reflow_context *c) {
    CHECK(is_none(reflow_context_state_get(c, text_of("a"))));
    CHECK(reflow_context_state_count(c) == 0 && all_are(c, NULL, "{}"));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_context_state_remove(c, text_of("a")));
    int ends = 0;
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, text_of("a"), counted(&ends)));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, text_of("b"), json("[1,\"x\"]")));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, sized("", 0), reflow_message_null()));
    CHECK(reflow_context_state_count(c) == 3);
    CHECK(all_are(c, NULL, "{\"a\":\"lent\",\"b\":[1,\"x\"],\"\":null}"));
    CHECK(ends == 0);
    /* A key set again keeps its place; one removed and set comes last. */
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, text_of("a"), reflow_message_integer(7)));
    CHECK(ends == 1 && rig_integer(reflow_context_state_get(c, text_of("a"))) == 7);
    CHECK_STATUS(REFLOW_OK, reflow_context_state_remove(c, text_of("b")));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, text_of("b"), reflow_message_integer(1)));
    CHECK(all_are(c, NULL, "{\"a\":7,\"\":null,\"b\":1}"));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_clear(c));
    CHECK(reflow_context_state_count(c) == 0 && is_none(reflow_context_state_get(c, text_of("a"))));
}

static void pools(reflow_context *c) {
    CHECK(reflow_context_pool_count(c, text_of("p")) == 0 && all_are(c, "p", "{}"));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_clear(c, text_of("p")));
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_context_pool_remove(c, text_of("p"), text_of("x")));
    static const char *const ids[] = {"z", "y", "x", "y"};
    for (int i = 0; i < 4; ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_context_pool_upsert(c, text_of("p"), text_of(ids[i]),
                                                           reflow_message_integer(i)));
    }
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_upsert(c, text_of("q"), text_of("z"),
                                                       reflow_message_boolean(true)));
    CHECK(all_are(c, "p", "{\"z\":0,\"y\":3,\"x\":2}") && all_are(c, "q", "{\"z\":true}"));
    CHECK(rig_integer(reflow_context_pool_find(c, text_of("p"), text_of("y"))) == 3);
    CHECK(is_none(reflow_context_pool_find(c, text_of("q"), text_of("y"))));
    CHECK(reflow_context_state_count(c) == 0); /* pools are no keys */
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_remove(c, text_of("p"), text_of("z")));
    CHECK(reflow_context_pool_count(c, text_of("p")) == 2 && all_are(c, "p", "{\"y\":3,\"x\":2}"));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_clear(c, text_of("p")));
    CHECK(all_are(c, "p", "{}") && all_are(c, "q", "{\"z\":true}"));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_remove(c, text_of("q"), text_of("z")));
}

static void bad_calls(reflow_context *c) {
    reflow_message out;
    reflow_view key = text_of("k");
    int ends = 0;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_state_set(c, key, none));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_state_set(NULL, key, counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_state_set(c, null_view(), counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT,
                 reflow_context_pool_upsert(NULL, key, key, counted(&ends)));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_pool_upsert(c, key, key, none));
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        reflow_view bad = sized(bad_texts[i].data, bad_texts[i].size);
        CHECK_STATUS(REFLOW_ERROR_INVALID_UTF8, reflow_context_state_set(c, bad, counted(&ends)));
        CHECK_STATUS(REFLOW_ERROR_INVALID_UTF8,
                     reflow_context_pool_upsert(c, bad, key, counted(&ends)));
        CHECK_STATUS(REFLOW_ERROR_INVALID_UTF8,
                     reflow_context_pool_upsert(c, key, bad, counted(&ends)));
        CHECK(is_none(reflow_context_state_get(c, bad)));
        CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_context_state_remove(c, bad));
    }
    CHECK(ends == 3 + 3 * (int)BAD_TEXTS); /* taken, also where it fails */
    CHECK(is_none(reflow_context_state_get(NULL, key)));
    CHECK(is_none(reflow_context_pool_find(NULL, key, key)));
    CHECK(reflow_context_state_count(NULL) == 0 && reflow_context_pool_count(NULL, key) == 0);
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_state_remove(NULL, key));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_state_clear(NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_state_all(NULL, &out));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_state_all(c, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_pool_remove(NULL, key, key));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_pool_get(NULL, key, &out));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_pool_get(c, key, NULL));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_context_pool_clear(NULL, key));
    CHECK(reflow_context_state_count(c) == 0 && reflow_context_pool_count(c, key) == 0);
}

static void limits(reflow_context *c) {
    static const char byte[1];
    reflow_view key = text_of("k");
    reflow_message large; /* bytes that nobody reads */
    WORKS(reflow_message_lend(REFLOW_KIND_BYTES, byte, REFLOW_MAX_STATE_BYTES - 1, NULL, NULL,
                              &large, &e));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, key, reflow_message_ref(large)));
    /* Nothing more fits, but what takes its place does. */
    CHECK_STATUS(REFLOW_ERROR_LIMIT,
                 reflow_context_state_set(c, text_of(""), reflow_message_integer(1)));
    CHECK_STATUS(REFLOW_ERROR_LIMIT,
                 reflow_context_pool_upsert(c, key, key, reflow_message_integer(1)));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, key, reflow_message_ref(large)));
    CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, key, reflow_message_integer(1)));
    CHECK_STATUS(REFLOW_ERROR_LIMIT,
                 reflow_context_state_set(c, text_of("kk"), reflow_message_ref(large)));
    CHECK(reflow_context_state_count(c) == 1 && reflow_context_pool_count(c, key) == 0);
    CHECK_STATUS(REFLOW_OK, reflow_context_state_clear(c));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_upsert(c, key, key, large));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_remove(c, key, key));
    int entries = check_slow() ? 0 : REFLOW_MAX_STATE_ENTRIES;
    for (int i = 0; i < entries; ++i) {
        char name[16];
        int size = snprintf(name, sizeof name, "%d", i);
        reflow_view id = sized(name, (size_t)size);
        reflow_status status = i % 2 == 0
                                   ? reflow_context_state_set(c, id, reflow_message_null())
                                   : reflow_context_pool_upsert(c, key, id, reflow_message_null());
        CHECK_STATUS(REFLOW_OK, status);
    }
    if (entries != 0) {
        CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_context_state_set(c, key, reflow_message_null()));
        CHECK_STATUS(REFLOW_ERROR_LIMIT,
                     reflow_context_pool_upsert(c, text_of("q"), key, reflow_message_null()));
        CHECK(reflow_context_pool_count(c, text_of("q")) == 0);
        CHECK_STATUS(REFLOW_OK, reflow_context_state_remove(c, text_of("500000")));
        CHECK_STATUS(REFLOW_OK, reflow_context_state_set(c, key, reflow_message_null()));
    }
    CHECK_STATUS(REFLOW_OK, reflow_context_state_clear(c));
    CHECK_STATUS(REFLOW_OK, reflow_context_pool_clear(c, key));
}

static reflow_status look_at_names(reflow_context *context, void *state, void *user_data) {
    (void)state;
    keys(context);
    pools(context);
    bad_calls(context);
    if (*(bool *)user_data) limits(context);
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE,
                 reflow_context_emit(context, 0, reflow_message_null()));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_again(context));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_context_wake_after(context, 1));
    return REFLOW_OK;
}

/* ---- a component with a state: adds up, emits the sum, and counts in a key and a pool */

typedef struct adder {
    int64_t sum;
} adder;

static int adders; /* that live */

static reflow_status adder_create(reflow_context *context, void *user_data, void **state) {
    (void)context;
    (void)user_data;
    *state = calloc(1, sizeof(adder));
    __atomic_fetch_add(&adders, 1, __ATOMIC_RELAXED);
    return REFLOW_OK;
}
static void adder_destroy(void *state) {
    free(state);
    __atomic_fetch_sub(&adders, 1, __ATOMIC_RELAXED);
}
static reflow_status adder_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    adder *self = state;
    for (size_t i = 0; i < count; ++i) {
        self->sum += rig_integer(inputs[i].message);
        reflow_message seen = reflow_context_state_get(context, text_of("seen"));
        int64_t before = is_none(seen) ? 0 : rig_integer(seen);
        CHECK_STATUS(REFLOW_OK, reflow_context_state_set(context, text_of("seen"),
                                                         reflow_message_integer(before + 1)));
        char id[32];
        snprintf(id, sizeof id, "%lld", (long long)self->sum);
        CHECK_STATUS(REFLOW_OK, reflow_context_pool_upsert(context, text_of("sums"), text_of(id),
                                                           reflow_message_integer(before)));
        CHECK_STATUS(REFLOW_OK, reflow_context_emit(context, 0, reflow_message_integer(self->sum)));
    }
    return REFLOW_OK;
}
static reflow_status adder_save(reflow_context *context, void *state, reflow_message *out) {
    CHECK(is_none(*out) && same_text(reflow_context_node(context), "b"));
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE,
                 reflow_context_emit(context, 0, reflow_message_null()));
    *out = reflow_message_integer(((adder *)state)->sum);
    return REFLOW_OK;
}
static reflow_status adder_load(reflow_context *context, void *state, uint32_t version,
                                reflow_message saved) {
    CHECK(version <= 3 && ((adder *)state)->sum == 0);
    CHECK(reflow_context_state_count(context) <= 1);
    int64_t sum = 0;
    if (reflow_message_get_integer(saved, &sum) != REFLOW_OK) {
        return reflow_context_fail(context, REFLOW_ERROR_PARSE, text_of("the sum is no integer"),
                                   text_of(""));
    }
    ((adder *)state)->sum = sum;
    return REFLOW_OK;
}

static void register_adder(reflow_runtime *runtime, const char *id, bool saves, uint32_t flags) {
    reflow_port in = {text_of("a"), {0, 0}, {0, 0}, 0, 0, 0}, out = in;
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = text_of(id);
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.flags = flags;
    component.create = adder_create;
    component.run = adder_run;
    component.destroy_state = adder_destroy;
    component.state_version = 3;
    if (saves) component.save = adder_save;
    if (saves) component.load = adder_load;
    WORKS(reflow_runtime_register(runtime, &component, &e));
    component.id = text_of("Half");
    component.save = adder_save;
    component.load = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_register(runtime, &component, &e));
    component.save = NULL;
    component.load = adder_load;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_register(runtime, &component, &e));
}

/* a -> b (adder) -> c, with room for 3 between them and initial packets 1 to 10. */
static reflow_graph *sums_graph(const char *last) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "a", "Pass");
    rig_node(graph, "b", "Adder");
    rig_node(graph, last, "Pass");
    rig_connect(graph, "a.o", "b.a", "{\"capacity\":3}");
    char to[8];
    snprintf(to, sizeof to, "%s.a", last);
    rig_connect(graph, "b.o", to, "{\"capacity\":3}");
    for (int i = 1; i <= 10; ++i) rig_initial(graph, "a.a", reflow_message_integer(i));
    return graph;
}
static reflow_network *sums(reflow_runtime *runtime) {
    reflow_graph *graph = sums_graph("c");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}
static reflow_runtime *sums_runtime(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    register_adder(runtime, "Adder", true, 0);
    return runtime;
}

static void start(reflow_network *network) { WORKS(reflow_network_start(network, &e)); }

static reflow_message snapshot(reflow_network *network) {
    reflow_message taken;
    WORKS(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
    return taken;
}

/* Through the bytes. */
static reflow_message copied(reflow_message snapshot) {
    reflow_buffer *bytes = NULL;
    WORKS(reflow_message_to_msgpack(snapshot, &bytes, &e));
    reflow_message copy;
    WORKS(reflow_message_from_msgpack(reflow_buffer_get(bytes).data, reflow_buffer_get(bytes).size,
                                      NULL, &copy, &e));
    CHECK(reflow_message_equal(snapshot, copy));
    reflow_buffer_destroy(bytes);
    return copy;
}

/* Reads `count` sums from the first-th on: each is that of all numbers up to its own. */
static void read_sums(reflow_output *output, int first, int count) {
    for (int i = first; i < first + count; ++i) CHECK(rig_recv(output) == i * (i + 1) / 2);
}

static reflow_status look_at_sum(reflow_context *context, void *state, void *user_data) {
    CHECK(((adder *)state)->sum == *(int64_t *)user_data);
    CHECK(rig_integer(reflow_context_state_get(context, text_of("seen"))) == 10);
    CHECK(reflow_context_pool_count(context, text_of("sums")) == 10);
    return REFLOW_OK;
}

/* A run that is cut in two: one network reads some of the sums, the other the rest. */
static void test_cut(const rig_mode *mode) {
    for (int read = 0; read <= 10; read += 2) {
        reflow_runtime *runtime = sums_runtime(mode);
        reflow_network *network = sums(runtime);
        reflow_output *output = rig_output(network, "c.o", 2);
        start(network);
        read_sums(output, 1, read);
        reflow_message taken = snapshot(network);
        reflow_network_destroy(network);
        reflow_output_destroy(output);
        reflow_runtime_destroy(runtime);

        reflow_message copy = copied(taken);
        reflow_message_unref(taken);
        runtime = sums_runtime(mode);
        network = sums(runtime);
        output = rig_output(network, "c.o", 2);
        WORKS(reflow_network_restore(network, copy, &e));
        WORKS(reflow_network_restore(network, copy, &e)); /* and once more */
        reflow_message_unref(copy);
        start(network);
        read_sums(output, read + 1, 10 - read);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        CHECK(rig_counters(network, "b").fired == 10 && rig_counters(network, "b").sent == 10);
        CHECK(rig_counters(network, "a").received == 10 && rig_counters(network, "c").sent == 10);
        int64_t sum = 55;
        WORKS(reflow_network_with_state(network, text_of("b"), text_of("Adder"), look_at_sum, &sum,
                                        REFLOW_FOREVER, &e));
        reflow_message more;
        size_t count = 0;
        FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_output_recv_many(output, &more, 1, 0, &count, &e));
        reflow_message empty = json("{}");
        FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_restore(network, empty, &e));
        reflow_message_unref(empty);
        reflow_network_destroy(network);
        reflow_output_destroy(output);
        reflow_runtime_destroy(runtime);
        CHECK(adders == 0);
    }
}

/* A callback that moves all its inputs out, fails the first of them, and pauses its node: what comes
 * again has no values, and stays so in a snapshot. */
static int without_value, with_value;
static reflow_status move_out(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    reflow_network *network = *(reflow_network **)state;
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        if (is_none(inputs[i].message)) {
            ++without_value;
        } else {
            ++with_value;
            reflow_message_unref(reflow_message_take(&inputs[i].message));
        }
    }
    if (without_value != 0) return REFLOW_OK;
    WORKS(reflow_network_pause(network, text_of("m"), 0, &e));
    return REFLOW_ERROR_HOST;
}
static reflow_network *movers(reflow_runtime *runtime) {
    reflow_graph *graph = rig_graph();
    rig_node(graph, "m", "Mover");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    return network;
}
static void test_moved_out(const rig_mode *mode) {
    without_value = with_value = 0;
    reflow_runtime *runtime = rig_runtime(mode);
    reflow_network *network = NULL;
    rig_component component = {0};
    component.id = "Mover";
    component.inports = "a";
    component.max_batch = 3;
    component.run = move_out;
    component.user_data = &network;
    rig_register(runtime, &component);
    network = movers(runtime);
    reflow_inport inport = rig_inport(network, "m.a");
    WORKS(reflow_network_pause(network, text_of("m"), 0, &e));
    start(network);
    reflow_message three[3];
    for (int i = 0; i < 3; ++i) three[i] = reflow_message_integer(i);
    size_t sent = 0;
    WORKS(reflow_network_send_many(network, inport, three, 3, REFLOW_FOREVER, &sent, &e));
    WORKS(reflow_network_resume(network, text_of("m"), &e));
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(rig_counters(network, "m").failed == 1);
    reflow_message taken = snapshot(network);
    CHECK(with_value == 3 && without_value == 0);
    reflow_network_destroy(network);
    network = movers(runtime);
    WORKS(reflow_network_restore(network, taken, &e));
    reflow_message_unref(taken);
    start(network);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    CHECK(with_value == 3 && without_value == 2);
    CHECK(rig_counters(network, "m").fired == 3 && rig_counters(network, "m").failed == 1);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- looking at a state */


static void test_names(const rig_mode *mode, bool large) {
    reflow_runtime *runtime = sums_runtime(mode);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 100);
    /* Before the start, while it runs, and in the end. */
    WORKS(reflow_network_with_state(network, text_of("a"), text_of(""), look_at_names, &large, 0,
                                    &e));
    start(network);
    WORKS(reflow_network_with_state(network, text_of("a"), text_of("Pass"), look_at_names, &large,
                                    REFLOW_FOREVER, &e));
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    large = false;
    WORKS(reflow_network_with_state(network, text_of("a"), text_of("Pass"), look_at_names, &large,
                                    REFLOW_FOREVER, &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE,
          reflow_network_with_state(network, text_of("a"), text_of("Pass"), look_at_names, &large,
                                    REFLOW_FOREVER, &e));
    read_sums(output, 1, 10);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
}

static reflow_status look_and_call(reflow_context *context, void *state, void *user_data) {
    (void)context;
    (void)state;
    reflow_network *network = user_data;
    reflow_message out;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_network_snapshot(network, REFLOW_FOREVER, &out, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_network_with_state(network, text_of("b"), text_of(""),
                                                                 look_and_call, network, 0, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_network_step(network, text_of(""), 1, REFLOW_FOREVER, NULL, &e));
    WORKS(reflow_network_pause(network, text_of("b"), REFLOW_FOREVER, &e));
    WORKS(reflow_network_resume(network, text_of("c"), &e));
    return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("seen enough"), text_of(""));
}
static reflow_status look_and_resume(reflow_context *context, void *state, void *user_data) {
    (void)context;
    (void)state;
    WORKS(reflow_network_resume(user_data, text_of("b"), &e));
    return REFLOW_OK;
}
static reflow_status look_and_destroy(reflow_context *context, void *state, void *user_data) {
    (void)state;
    reflow_network_destroy(user_data);
    CHECK(same_text(reflow_context_node(context), "b"));
    return REFLOW_OK;
}

static void test_looking(const rig_mode *mode) {
    reflow_runtime *runtime = sums_runtime(mode);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 100);
    start(network);
    reflow_view b = text_of("b");
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_with_state(network, text_of("x"), text_of(""),
                                                            look_and_call, network, 0, &e));
    FAILS(REFLOW_ERROR_TYPE,
          reflow_network_with_state(network, b, text_of("Pass"), look_and_call, network, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_with_state(NULL, b, text_of(""), look_and_call, network, 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_with_state(network, b, text_of(""), NULL, network, 0, &e));
    /* What is paused inside stays so, and what was paused before is resumed inside only then. */
    FAILS(REFLOW_ERROR_HOST, reflow_network_with_state(network, b, text_of("Adder"), look_and_call,
                                                       network, REFLOW_FOREVER, &e));
    rig_send(network, rig_inport(network, "a.a"), 11);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    WORKS(reflow_network_with_state(network, b, text_of("Adder"), look_and_resume, network,
                                    REFLOW_FOREVER, &e));
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    read_sums(output, 1, 11);
    WORKS(reflow_network_with_state(network, b, text_of("Adder"), look_and_destroy, network,
                                    REFLOW_FOREVER, &e));
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
    CHECK(adders == 0);
}

/* ---- while a network drains */

static reflow_status look_beside(reflow_context *context, void *state, void *user_data) {
    (void)user_data;
    CHECK(state != NULL);
    return reflow_context_state_set(context, text_of("looked"),
                                    reflow_message_integer(((adder *)state)->sum));
}

static void test_draining(const rig_mode *mode) {
    reflow_runtime *runtime = sums_runtime(mode);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 2); /* which holds the drain up */
    start(network);
    reflow_status status = reflow_network_drain(network, 1, NULL);
    CHECK(status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK);
    CHECK(reflow_network_get_state(network) == REFLOW_NETWORK_DRAINING);
    WORKS(reflow_network_with_state(network, text_of("b"), text_of("Adder"), look_beside, NULL,
                                    REFLOW_FOREVER, &e));
    reflow_message out;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_snapshot(network, REFLOW_FOREVER, &out, &e));
    read_sums(output, 1, 10);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    int64_t sum = 55;
    WORKS(reflow_network_with_state(network, text_of("b"), text_of("Adder"), look_at_sum, &sum,
                                    REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
    CHECK(adders == 0);
}

static void *look_all_the_time(void *network) {
    reflow_status status = REFLOW_OK;
    while (status == REFLOW_OK) {
        status = reflow_network_with_state(network, text_of("n"), text_of(""), look_beside, NULL,
                                           REFLOW_FOREVER, NULL);
    }
    CHECK(status == REFLOW_ERROR_INVALID_STATE || status == REFLOW_ERROR_CANCELLED);
    return NULL;
}
static reflow_status last_sum(reflow_context *context, void *state) {
    return reflow_context_emit(context, 0, reflow_message_integer(-((adder *)state)->sum));
}

/* The drain and its finish go on whenever nobody looks, and what is looked at loses nothing. */
static void test_drained_beside(void) {
    for (int round = 0; round < (check_slow() ? 10 : 200); ++round) {
        reflow_runtime *runtime = rig_runtime(&rig_own);
        rig_component sum = {.id = "Sum", .inports = "a", .outports = "o", .run = adder_run};
        sum.create = adder_create;
        sum.destroy_state = adder_destroy;
        sum.finish = last_sum;
        rig_register(runtime, &sum);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "n", "Sum");
        reflow_network *network = rig_network(runtime, graph);
        reflow_graph_destroy(graph);
        reflow_output *output = rig_output(network, "n.o", 100);
        reflow_inport inport = rig_inport(network, "n.a");
        start(network);
        pthread_t looks;
        CHECK(pthread_create(&looks, NULL, look_all_the_time, network) == 0);
        for (int64_t i = 1; i <= 10; ++i) rig_send(network, inport, i);
        WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
        read_sums(output, 1, 10);
        CHECK(rig_recv(output) == -55);
        WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
        CHECK(pthread_join(looks, NULL) == 0);
        reflow_network_destroy(network);
        reflow_output_destroy(output);
        reflow_runtime_destroy(runtime);
        CHECK(adders == 0);
    }
}

/* ---- what cannot be saved, and when */

static void test_refused(const rig_mode *mode) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    register_adder(runtime, "Adder", false, 0);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 100);
    reflow_message out;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_snapshot(network, 0, &out, &e));
    CHECK(is_none(out));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_snapshot(NULL, 0, &out, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_snapshot(network, 0, NULL, &e));
    start(network);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED,
                 reflow_network_snapshot(network, REFLOW_FOREVER, &out, &error));
    CHECK(is_none(out) && strstr(reflow_error_text(error).data, "b") != NULL);
    reflow_error_destroy(error);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e)); /* it went on */
    read_sums(output, 1, 10);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_snapshot(network, 0, &out, &e));
    WORKS(reflow_network_stop(network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_snapshot(network, 0, &out, &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
    runtime = rig_runtime(mode);
    rig_register_pass(runtime);
    register_adder(runtime, "Adder", false, REFLOW_COMPONENT_STATELESS);
    network = sums(runtime);
    start(network);
    reflow_message_unref(snapshot(network));
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    CHECK(adders == 0);
}

/* ---- bad snapshots: the network is as it was */

static reflow_status restore_fails(reflow_network *network, reflow_message bad, char *text,
                                   size_t size) {
    reflow_error *error = NULL;
    reflow_status status = reflow_network_restore(network, bad, &error);
    CHECK(status != REFLOW_OK && error != NULL);
    snprintf(text, size, "%s", reflow_error_text(error).data);
    reflow_error_destroy(error);
    return status;
}

/* The snapshot with something else instead of the value at a path of keys and positions, which end
 * with a NULL. */
static reflow_message replaced(reflow_message in, const char *const *path, reflow_message by) {
    if (path[0] == NULL) return reflow_message_ref(by);
    reflow_message out;
    size_t size = 0;
    if (reflow_message_kind(in) == REFLOW_KIND_OBJECT) {
        reflow_object_builder *builder = NULL;
        WORKS(reflow_object_builder_create(0, &builder, &e));
        size = reflow_message_count(in);
        for (size_t i = 0; i < size; ++i) {
            reflow_view key;
            reflow_message value;
            CHECK_STATUS(REFLOW_OK, reflow_message_get_key(in, i, &key));
            CHECK_STATUS(REFLOW_OK, reflow_message_get_at(in, i, &value));
            bool here = same_text(key, path[0]);
            WORKS(reflow_object_builder_set(
                builder, key, here ? replaced(value, path + 1, by) : reflow_message_ref(value),
                &e));
        }
        WORKS(reflow_object_builder_finish(builder, &out, &e));
        return out;
    }
    reflow_array_builder *builder = NULL;
    WORKS(reflow_array_builder_create(0, &builder, &e));
    size = reflow_message_count(in);
    for (size_t i = 0; i < size; ++i) {
        reflow_message value;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(in, i, &value));
        bool here = i == (size_t)atoi(path[0]);
        WORKS(reflow_array_builder_append(
            builder, here ? replaced(value, path + 1, by) : reflow_message_ref(value), &e));
    }
    WORKS(reflow_array_builder_finish(builder, &out, &e));
    return out;
}

typedef struct bad_part {
    const char *path[6];
    const char *by;
    reflow_status status;
    const char *says;
} bad_part;
static const bad_part bad_parts[] = {
    {{"format"}, "\"other\"", REFLOW_ERROR_PARSE, "format"},
    {{"version"}, "3", REFLOW_ERROR_UNSUPPORTED, "version 3"},
    {{"version"}, "0", REFLOW_ERROR_UNSUPPORTED, "version 0"},
    {{"version"}, "\"1\"", REFLOW_ERROR_PARSE, "$.version"},
    {{"components"}, "7", REFLOW_ERROR_PARSE, "$.components"},
    {{"components", "Adder"}, "7", REFLOW_ERROR_PARSE, "Adder"},
    {{"components", "Adder", "state_version"}, "4", REFLOW_ERROR_UNSUPPORTED, "version 4"},
    {{"components", "Adder", "inports"}, "[\"b\"]", REFLOW_ERROR_GRAPH, "other ports"},
    {{"nodes"}, "{}", REFLOW_ERROR_PARSE, "$.nodes"},
    {{"nodes"}, "[]", REFLOW_ERROR_GRAPH, "does not have this node"},
    {{"nodes", "1", "id"}, "\"x\"", REFLOW_ERROR_GRAPH, "the node 'x' in this place"},
    {{"nodes", "1", "id"}, "1", REFLOW_ERROR_PARSE, "$.nodes[1].id"},
    {{"nodes", "1", "component"}, "\"Pass\"", REFLOW_ERROR_GRAPH, "component 'Pass'"},
    {{"nodes", "1", "connections"}, "[]", REFLOW_ERROR_GRAPH, "connection to 'c'"},
    {{"nodes", "1", "connections", "0", "2"}, "\"a\"", REFLOW_ERROR_GRAPH, "connection to 'a'"},
    {{"nodes", "1", "state"}, "[3,\"x\"]", REFLOW_ERROR_PARSE, "the sum is no integer"},
    {{"nodes", "1", "state"}, "[3]", REFLOW_ERROR_PARSE, "$.nodes[1].state"},
    {{"nodes", "1", "state"}, "[9,1]", REFLOW_ERROR_PARSE, "newer"},
    {{"nodes", "1", "keys"}, "{}", REFLOW_ERROR_PARSE, "$.nodes[1].keys"},
    {{"nodes", "1", "keys"}, "[[1,2]]", REFLOW_ERROR_PARSE, "$.nodes[1].keys[0]"},
    {{"nodes", "1", "pools"}, "[]", REFLOW_ERROR_PARSE, "$.nodes[1].pools"},
    {{"nodes", "1", "pools", "sums"}, "[[\"a\"]]", REFLOW_ERROR_PARSE, "$.nodes[1].pools[0]"},
    {{"nodes", "1", "counters"}, "[1,2,3,4]", REFLOW_ERROR_PARSE, "counters"},
    {{"nodes", "1", "counters", "0"}, "-1", REFLOW_ERROR_PARSE, "counters"},
    {{"nodes", "2", "waiting"}, "{}", REFLOW_ERROR_PARSE, "$.nodes[2].waiting"},
    {{"nodes", "2", "waiting", "0"}, "[1,-1,0]", REFLOW_ERROR_PARSE, "$.nodes[2].waiting[0]"},
    {{"nodes", "2", "waiting", "0"}, "[0,-2,0]", REFLOW_ERROR_PARSE, "$.nodes[2].waiting[0]"},
    {{"nodes", "2", "waiting", "0"}, "[0,-1]", REFLOW_ERROR_PARSE, "$.nodes[2].waiting[0]"},
    {{"nodes", "2", "waiting", "0"}, "[0,-1,1,2]", REFLOW_ERROR_PARSE, "$.nodes[2].waiting[0]"},
    {{"nodes", "2", "waiting", "0"}, "7", REFLOW_ERROR_PARSE, "$.nodes[2].waiting[0]"},
    {{"outputs"}, "7", REFLOW_ERROR_PARSE, "$.outputs"},
    {{"outputs", "0"}, "7", REFLOW_ERROR_PARSE, "$.outputs[0]"},
    {{"outputs", "0", "port"}, "\"x\"", REFLOW_ERROR_INVALID_STATE, "not open"},
    {{"outputs", "0", "waiting", "0"}, "[]", REFLOW_ERROR_PARSE, "$.outputs[0]"},
};

static void test_bad(void) {
    reflow_runtime *runtime = sums_runtime(&rig_inline);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 1);
    start(network);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    reflow_message taken = snapshot(network);
    reflow_network_destroy(network);
    reflow_output_destroy(output);

    network = sums(runtime);
    output = rig_output(network, "c.o", 1);
    char text[1000];
    for (size_t i = 0; i < sizeof bad_parts / sizeof bad_parts[0]; ++i) {
        const bad_part *part = &bad_parts[i];
        reflow_message by = json(part->by);
        reflow_message bad = replaced(taken, part->path, by);
        if (reflow_message_equal(bad, taken)) fprintf(stderr, "not there: part %zu\n", i);
        CHECK(!reflow_message_equal(bad, taken));
        reflow_status status = restore_fails(network, bad, text, sizeof text);
        if (status != part->status || strstr(text, part->says) == NULL) {
            fprintf(stderr, "part %zu: %s\n", i, text);
        }
        CHECK_STATUS(part->status, status);
        CHECK(strstr(text, part->says) != NULL);
        reflow_message_unref(bad);
        reflow_message_unref(by);
        CHECK(adders == 1);
    }
    static const char *const others[] = {"null", "1", "[]", "{}", "\"reflow.snapshot\""};
    for (size_t i = 0; i < 5; ++i) {
        reflow_message bad = json(others[i]);
        CHECK_STATUS(REFLOW_ERROR_PARSE, restore_fails(network, bad, text, sizeof text));
        reflow_message_unref(bad);
    }
    FAILS(REFLOW_ERROR_PARSE, reflow_network_restore(network, none, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_restore(NULL, taken, &e));
    /* Bytes that were cut off are refused by whoever reads them. */
    reflow_buffer *bytes = NULL;
    WORKS(reflow_message_to_msgpack(taken, &bytes, &e));
    reflow_view all = reflow_buffer_get(bytes);
    for (size_t size = 0; size < all.size; size += 1 + size / 16) {
        reflow_message cut;
        FAILS(REFLOW_ERROR_PARSE, reflow_message_from_msgpack(all.data, size, NULL, &cut, &e));
    }
    reflow_buffer_destroy(bytes);
    /* None of them has changed anything. */
    start(network);
    read_sums(output, 1, 10);
    reflow_network_destroy(network);
    reflow_output_destroy(output);

    /* Another graph: one more node, another name. */
    reflow_graph *graph = sums_graph("d");
    network = rig_network(runtime, graph);
    CHECK_STATUS(REFLOW_ERROR_GRAPH, restore_fails(network, taken, text, sizeof text));
    CHECK(strstr(text, "node 'c'") != NULL);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_message_unref(taken);
    reflow_runtime_destroy(runtime);
    CHECK(adders == 0);
}

/* ---- firings that end later come again, and paused nodes stay paused */

static reflow_completion pending;

static reflow_status defer_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    CHECK(count == 1);
    CHECK_STATUS(REFLOW_OK, reflow_context_defer(context, 0, &pending));
    (void)rig_integer(inputs[0].message); /* looked at, not taken */
    if (rig_integer(inputs[0].message) == 99) (void)reflow_message_take(&inputs[0].message);
    return REFLOW_OK;
}

static void test_deferred(const rig_mode *mode) {
    for (int life = 0; life < 2; ++life) {
        reflow_runtime *runtime = rig_runtime(mode);
        rig_component later = {0};
        later.id = "Later";
        later.inports = "a";
        later.outports = "o";
        later.run = defer_run;
        rig_register(runtime, &later);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "n", "Later");
        reflow_network *network = rig_network(runtime, graph);
        reflow_inport inport = rig_inport(network, "n.a");
        reflow_output *output = rig_output(network, "n.o", 10);
        start(network);
        for (int i = 1; i <= 3; ++i) rig_send(network, inport, life == 0 ? i : 99);
        while (rig_counters(network, "n").received == 0) {
            (void)reflow_network_wait_idle(network, 0, NULL);
            if (!rig_waits(mode)) WORKS(reflow_runtime_run(runtime, 10, NULL, &e));
            if (mode->mode == REFLOW_MODE_LENT && mode->lent == 0) {
                CHECK_STATUS(REFLOW_OK, reflow_runtime_work(runtime, 0, NULL));
            }
        }
        reflow_message taken;
        if (life == 1) {
            FAILS(REFLOW_ERROR_WOULD_BLOCK,
                  reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
            reflow_network_destroy(network);
            reflow_output_destroy(output);
            reflow_graph_destroy(graph);
            reflow_runtime_destroy(runtime);
            break;
        }
        taken = snapshot(network);
        reflow_network_destroy(network);
        reflow_output_destroy(output);
        CHECK(reflow_completion_cancelled(pending));

        network = rig_network(runtime, graph);
        output = rig_output(network, "n.o", 10);
        WORKS(reflow_network_pause(network, text_of("n"), REFLOW_FOREVER, &e));
        WORKS(reflow_network_restore(network, taken, &e));
        start(network);
        FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        for (int i = 1; i <= 3; ++i) {
            WORKS(reflow_network_step(network, text_of("n"), 1, REFLOW_FOREVER, NULL, &e));
            CHECK_STATUS(REFLOW_OK,
                         reflow_completion_emit(pending, 0, reflow_message_integer(i), 0));
            CHECK_STATUS(REFLOW_OK, reflow_completion_resolve(pending));
            if (i == 3) WORKS(reflow_network_resume(network, text_of(""), &e));
            if (i < 3)
                WORKS(reflow_network_step(network, text_of("n"), 1, REFLOW_FOREVER, NULL, &e));
        }
        for (int i = 1; i <= 3; ++i) CHECK(rig_recv(output) == i);
        WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
        reflow_message_unref(taken);
        reflow_network_destroy(network);
        reflow_output_destroy(output);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
    }
}

/* ---- inside callbacks, and while one does not return */

static reflow_network *current;
static int phase; /* 1: the callback runs; 2: it may return */

static reflow_status stuck_run(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    (void)state;
    (void)inputs;
    (void)context;
    (void)count;
    reflow_message out;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_network_snapshot(current, REFLOW_FOREVER, &out, &e));
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK,
          reflow_network_with_state(current, text_of("n"), text_of(""), look_and_call, current,
                                    REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_restore(current, none, &e));
    __atomic_store_n(&phase, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&phase, __ATOMIC_SEQ_CST) != 2) sched_yield();
    return REFLOW_OK;
}

static void test_stuck(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    rig_component stuck = {0};
    stuck.id = "Stuck";
    stuck.inports = "a";
    stuck.run = stuck_run;
    rig_register(runtime, &stuck);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "n", "Stuck");
    current = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport inport = rig_inport(current, "n.a");
    start(current);
    rig_send(current, inport, 1);
    while (__atomic_load_n(&phase, __ATOMIC_SEQ_CST) != 1) sched_yield();
    reflow_message out;
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_snapshot(current, 1, &out, &e));
    FAILS(REFLOW_ERROR_TIMEOUT, reflow_network_with_state(current, text_of("n"), text_of(""),
                                                          look_and_call, current, 1, &e));
    __atomic_store_n(&phase, 2, __ATOMIC_SEQ_CST);
    WORKS(reflow_network_wait_idle(current, REFLOW_FOREVER, &e));
    reflow_message_unref(snapshot(current));
    reflow_network_destroy(current);
    reflow_runtime_destroy(runtime);
}

/* ---- files and checkpoints */

static char folder[] = "/tmp/reflow-state-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[64][200];
    static int next;
    next = (next + 1) % 64;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static reflow_checkpoint_options checkpoints(const char *path, uint64_t interval_ms,
                                             uint32_t keep) {
    reflow_checkpoint_options options = {0};
    options.struct_size = sizeof options;
    options.path = text_of(path);
    options.interval_ms = interval_ms;
    options.keep = keep;
    return options;
}

static int logged; /* lines that say that a checkpoint was not written */
static void count_log(void *user_data, reflow_log_level level, reflow_view subsystem,
                      reflow_view node, reflow_view text) {
    (void)user_data;
    (void)node;
    if (level != REFLOW_LOG_ERROR || !same_text(subsystem, "checkpoint")) return;
    CHECK(strstr(text.data, "no checkpoint was written") != NULL);
    __atomic_fetch_add(&logged, 1, __ATOMIC_SEQ_CST);
}

static void test_files(void) {
    reflow_runtime *runtime = sums_runtime(&rig_inline);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 2);
    const char *path = in_folder("file");
    start(network);
    read_sums(output, 1, 0);
    FAILS(REFLOW_ERROR_IO,
          reflow_network_snapshot_file(network, text_of(folder), REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_snapshot_file(NULL, text_of(path), 0, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_snapshot_file(network, null_view(), 0, &e));
    WORKS(reflow_network_snapshot_file(network, text_of(path), REFLOW_FOREVER, &e));
    reflow_checkpoint_options options = checkpoints(path, 1, 0);
    FAILS(REFLOW_ERROR_UNSUPPORTED, reflow_network_checkpoint(network, &options, &e));
    WORKS(reflow_network_checkpoint(network, NULL, &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);

    network = sums(runtime);
    output = rig_output(network, "c.o", 2);
    FAILS(REFLOW_ERROR_IO, reflow_network_restore_file(network, text_of(in_folder("none")), &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_restore_file(NULL, text_of(path), &e));
    /* Cut off anywhere, the error names the file and nothing has changed. */
    FILE *file = fopen(path, "rb");
    static char bytes[100000];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    CHECK(size > 100 && fclose(file) == 0);
    for (size_t cut = 0; cut < size; cut += 1 + size / 50) {
        const char *shorter = in_folder("cut");
        file = fopen(shorter, "wb");
        CHECK(fwrite(bytes, 1, cut, file) == cut && fclose(file) == 0);
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_PARSE,
                     reflow_network_restore_file(network, text_of(shorter), &error));
        CHECK(strstr(reflow_error_text(error).data, shorter) != NULL);
        reflow_error_destroy(error);
    }
    WORKS(reflow_network_restore_file(network, text_of(path), &e));
    start(network);
    read_sums(output, 1, 10);
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_restore_file(network, text_of(path), &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
}

static void wait_for_file(const char *path) {
    while (access(path, R_OK) != 0) sched_yield();
}

/* The next one, with its reason. */
static void check_failed_checkpoint(reflow_subscription *events) {
    reflow_event_batch *batch;
    WORKS(reflow_subscription_poll(events, 1, REFLOW_FOREVER, &batch, NULL, &e));
    reflow_event event = {0};
    event.struct_size = sizeof event;
    CHECK_STATUS(REFLOW_OK, reflow_event_batch_get(batch, 0, &event));
    CHECK(event.kind == REFLOW_EVENT_CHECKPOINT_FAILED && event.node.size == 0);
    CHECK(strstr(event.error.data, "cp/below") != NULL);
    reflow_buffer *buffer;
    WORKS(reflow_event_batch_json(batch, 0, &buffer, &e));
    static const char begin[] = "{\"_type\":\"CheckpointFailed\",\"error\":\"";
    CHECK(strncmp(reflow_buffer_get(buffer).data, begin, sizeof begin - 1) == 0);
    reflow_buffer_destroy(buffer);
    reflow_event_batch_destroy(batch);
}

static void test_checkpoints(void) {
    logged = 0;
    reflow_runtime_options runtime_options = rig_options(&rig_own);
    runtime_options.log = count_log;
    reflow_runtime *runtime = NULL;
    WORKS(reflow_runtime_create(&runtime_options, &runtime, &e));
    rig_register_pass(runtime);
    register_adder(runtime, "Adder", true, 0);
    reflow_network *network = sums(runtime);
    reflow_output *output = rig_output(network, "c.o", 2);
    reflow_checkpoint_options options = checkpoints(in_folder("cp"), 1, 2);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_checkpoint(NULL, &options, &e));
    options.path = text_of("");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_checkpoint(network, &options, &e));
    options = checkpoints(in_folder("cp"), UINT64_MAX, 2);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_checkpoint(network, &options, &e));
    options = checkpoints(in_folder("cp"), 1, 1001);
    FAILS(REFLOW_ERROR_LIMIT, reflow_network_checkpoint(network, &options, &e));
    options.struct_size = 3;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_checkpoint(network, &options, &e));
    /* Before the start it waits for it. */
    options = checkpoints(in_folder("cp"), 1, 2);
    WORKS(reflow_network_checkpoint(network, &options, &e));
    start(network);
    read_sums(output, 1, 4);
    wait_for_file(in_folder("cp.2"));
    WORKS(reflow_network_checkpoint(network, NULL, &e));
    CHECK(access(in_folder("cp"), R_OK) == 0 && access(in_folder("cp.1"), R_OK) == 0);
    CHECK(access(in_folder("cp.3"), R_OK) != 0);
    WORKS(reflow_network_snapshot_file(network, text_of(in_folder("cp")), REFLOW_FOREVER, &e));
    /* One that cannot be written: the file of before stays, and the network goes on. */
    CHECK(logged == 0);
    reflow_event_options wanted =
        rig_event_options(0, UINT64_C(1) << REFLOW_EVENT_CHECKPOINT_FAILED);
    reflow_subscription *events;
    WORKS(reflow_network_subscribe(network, &wanted, &events, &e));
    options = checkpoints(in_folder("cp/below"), 1, 0);
    WORKS(reflow_network_checkpoint(network, &options, &e));
    for (int i = 0; i < 3; ++i) check_failed_checkpoint(events);
    CHECK(__atomic_load_n(&logged, __ATOMIC_SEQ_CST) >= 3);
    reflow_subscription_destroy(events);
    options = checkpoints(in_folder("last"), 1, 0);
    WORKS(reflow_network_checkpoint(network, &options, &e));
    read_sums(output, 5, 6);
    WORKS(reflow_network_wait_idle(network, REFLOW_FOREVER, &e)); /* its timer is no activity */
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_checkpoint(network, &options, &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    network = sums(runtime);
    output = rig_output(network, "c.o", 2);
    WORKS(reflow_network_restore_file(network, text_of(in_folder("cp")), &e));
    options = checkpoints(in_folder("again"), 1, 0);
    WORKS(reflow_network_checkpoint(network, &options, &e));
    start(network);
    read_sums(output, 5, 6);
    wait_for_file(in_folder("again"));
    reflow_network_destroy(network); /* with its checkpoints */
    reflow_output_destroy(output);
    reflow_runtime_destroy(runtime);
    CHECK(adders == 0);
}

/* A callback of the network ends it while checkpoints are written. */
static reflow_status destroy_run(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)context;
    (void)state;
    (void)inputs;
    (void)count;
    FAILS(REFLOW_ERROR_WOULD_DEADLOCK, reflow_network_checkpoint(current, NULL, &e));
    reflow_network_destroy(current);
    __atomic_store_n(&phase, 3, __ATOMIC_SEQ_CST);
    return REFLOW_OK;
}

static void test_checkpoint_ends(void) {
    size_t before = threads_now();
    for (int i = 0; i < 20; ++i) {
        reflow_runtime *runtime = rig_runtime(&rig_own);
        rig_component ender = {0};
        ender.id = "Ender";
        ender.inports = "a";
        ender.run = destroy_run;
        rig_register(runtime, &ender);
        reflow_graph *graph = rig_graph();
        rig_node(graph, "n", "Ender");
        current = rig_network(runtime, graph);
        reflow_graph_destroy(graph);
        reflow_inport inport = rig_inport(current, "n.a");
        char name[16];
        snprintf(name, sizeof name, "end%d", i);
        reflow_checkpoint_options options = checkpoints(in_folder(name), 1, 0);
        WORKS(reflow_network_checkpoint(current, &options, &e));
        phase = 0;
        start(current);
        if (i % 2 == 0) wait_for_file(in_folder(name));
        rig_send(current, inport, 1);
        while (__atomic_load_n(&phase, __ATOMIC_SEQ_CST) != 3) sched_yield();
        reflow_runtime_destroy(runtime);
    }
    /* The last may have ended on a thread of its own, which a later call of the host joins. */
    while (threads_now() > before) reflow_runtime_destroy(rig_runtime(&rig_inline));
}

int main(void) {
    check_time_limit(120);
    CHECK(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_names(&rig_modes[i], i == 0);
        test_cut(&rig_modes[i]);
        test_moved_out(&rig_modes[i]);
        test_looking(&rig_modes[i]);
        test_draining(&rig_modes[i]);
        test_refused(&rig_modes[i]);
        test_deferred(&rig_modes[i]);
    }
    for (size_t i = 0; i < RIG_TINY_MODES; ++i) test_cut(&rig_tiny_modes[i]);
    test_bad();
    test_drained_beside();
    test_stuck();
    test_files();
    test_checkpoints();
    test_checkpoint_ends();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    return 0;
}
