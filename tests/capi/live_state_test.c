/* Changes of networks: what becomes of the state of a node that is replaced, and of what waits at one
 * that is removed and becomes dead letters; in every mode. */
#include "check.h"

#include "rig.h"

/* ---- a component that adds up, with save and load */

static int sums, setups;
static bool refuse_save, refuse_load;

static reflow_status sum_create(reflow_context *context, void *user_data, void **state) {
    (void)context;
    (void)user_data;
    *state = calloc(1, sizeof(int64_t));
    __atomic_add_fetch(&sums, 1, __ATOMIC_SEQ_CST);
    return *state == NULL ? REFLOW_ERROR_OUT_OF_MEMORY : REFLOW_OK;
}
/* The state is there before setup. */
static int64_t seen_by_setup;
static reflow_status sum_setup(reflow_context *context, void *state) {
    (void)context;
    seen_by_setup = *(int64_t *)state;
    ++setups;
    return REFLOW_OK;
}
static reflow_status sum_run(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    int64_t *sum = state;
    for (size_t i = 0; i < count; ++i) {
        *sum += rig_integer(inputs[i].message);
        reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(*sum));
        if (status != REFLOW_OK) return status;
        CHECK_STATUS(REFLOW_OK, reflow_context_state_set(context, text_of("key"),
                                                         reflow_message_integer(*sum * 10)));
    }
    return REFLOW_OK;
}
static reflow_status sum_save(reflow_context *context, void *state, reflow_message *out) {
    if (refuse_save) {
        return reflow_context_fail(context, REFLOW_ERROR_HOST, text_of("not now"), text_of(""));
    }
    *out = reflow_message_integer(*(int64_t *)state);
    return REFLOW_OK;
}
static reflow_status sum_load(reflow_context *context, void *state, uint32_t version,
                              reflow_message saved) {
    CHECK(version == 3);
    if (refuse_load) {
        return reflow_context_fail(context, REFLOW_ERROR_TYPE, text_of("another shape"), text_of(""));
    }
    *(int64_t *)state = rig_integer(saved);
    return REFLOW_OK;
}
static void sum_destroy(void *state) {
    free(state);
    __atomic_sub_fetch(&sums, 1, __ATOMIC_SEQ_CST);
}

static void register_sums(reflow_runtime *runtime) {
    static const char *const ids[] = {"Sum", "OtherSum"};
    for (int i = 0; i < 2; ++i) {
        reflow_port in, out;
        memset(&in, 0, sizeof in);
        memset(&out, 0, sizeof out);
        in.name = text_of("a");
        out.name = text_of("o");
        reflow_component sum = {0};
        sum.struct_size = sizeof sum;
        sum.port_size = sizeof(reflow_port);
        sum.id = text_of(ids[i]);
        sum.config_schema = text_of("{\"type\":\"object\",\"properties\":{\"k\":{}}}");
        sum.inports = &in;
        sum.outports = &out;
        sum.inport_count = sum.outport_count = 1;
        sum.max_batch = 1;
        sum.create = sum_create;
        sum.setup = sum_setup;
        sum.run = sum_run;
        sum.destroy_state = sum_destroy;
        sum.save = sum_save;
        sum.load = sum_load;
        sum.state_version = 3;
        WORKS(reflow_runtime_register(runtime, &sum, &e));
    }
}

static reflow_status look_at_key(reflow_context *context, void *state, void *user_data) {
    reflow_message key = reflow_context_state_get(context, text_of("key"));
    (void)state;
    *(int64_t *)user_data = reflow_message_kind(key) == REFLOW_KIND_NONE ? -1 : rig_integer(key);
    return REFLOW_OK;
}
static int64_t key_of(reflow_network *network, const char *node) {
    int64_t key = 0;
    WORKS(reflow_network_with_state(network, text_of(node), text_of(""), look_at_key, &key,
                                    REFLOW_FOREVER, &e));
    return key;
}

typedef struct bench {
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_output *output;
} bench;

static bench open_bench(const rig_mode *mode) {
    bench at = {rig_runtime(mode), NULL, NULL};
    register_sums(at.runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "s", "Sum");
    at.network = rig_network(at.runtime, graph);
    reflow_graph_destroy(graph);
    at.output = rig_output(at.network, "s.o", 100);
    return at;
}
static void close_bench(bench *at) {
    reflow_network_destroy(at->network);
    reflow_output_destroy(at->output);
    reflow_runtime_destroy(at->runtime);
    CHECK(sums == 0);
}
static int64_t add(bench *at, int value) {
    rig_send(at->network, rig_inport(at->network, "s.a"), value);
    WORKS(reflow_network_wait_idle(at->network, REFLOW_FOREVER, &e));
    return rig_recv(at->output);
}
static reflow_status replace(bench *at, const char *component, const char *config,
                             const reflow_change_options *options, reflow_error **error) {
    reflow_graph *graph = rig_graph();
    WORKS(reflow_graph_add_node(graph, text_of("s"), text_of(component), json(config), &e));
    reflow_status status = reflow_network_apply(at->network, graph, options, NULL, error);
    reflow_graph_destroy(graph);
    return status;
}

static void test_state_goes_on(const rig_mode *mode) {
    bench at = open_bench(mode);
    setups = 0;
    WORKS(reflow_network_start(at.network, &e));
    CHECK(add(&at, 5) == 5);
    WORKS(replace(&at, "Sum", "{\"k\":1}", NULL, &e));
    CHECK(setups == 2 && seen_by_setup == 5 && sums == 1);
    CHECK(key_of(at.network, "s") == 50);
    CHECK(add(&at, 2) == 7);
    /* Another component has a state of its own. */
    WORKS(replace(&at, "OtherSum", "{\"k\":1}", NULL, &e));
    CHECK(seen_by_setup == 0 && key_of(at.network, "s") == -1);
    CHECK(add(&at, 3) == 3);
    /* And so has the same one, if that is asked for. */
    reflow_change_options options = {0};
    options.struct_size = sizeof options;
    options.replaced_state = REFLOW_REPLACED_STATE_NEW;
    WORKS(replace(&at, "OtherSum", "{\"k\":2}", &options, &e));
    CHECK(seen_by_setup == 0 && key_of(at.network, "s") == -1);
    CHECK(add(&at, 4) == 4);
    options.replaced_state = 2;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, replace(&at, "OtherSum", "{\"k\":3}", &options, &e));
    options.replaced_state = -1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, replace(&at, "OtherSum", "{\"k\":3}", &options, &e));
    options.replaced_state = 0;
    options.reserved = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, replace(&at, "OtherSum", "{\"k\":3}", &options, &e));
    close_bench(&at);
}

/* What save or load refuses leaves the network as it was. */
static void test_refused(const rig_mode *mode) {
    bench at = open_bench(mode);
    WORKS(reflow_network_start(at.network, &e));
    CHECK(add(&at, 5) == 5);
    setups = 0;
    for (int i = 0; i < 2; ++i) {
        refuse_save = i == 0;
        refuse_load = i == 1;
        reflow_error *error = NULL;
        CHECK(replace(&at, "Sum", "{\"k\":1}", NULL, &error) ==
              (i == 0 ? REFLOW_ERROR_HOST : REFLOW_ERROR_TYPE));
        reflow_place place = {0};
        place.struct_size = sizeof place;
        CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
        CHECK(same_text(place.node, "s"));
        CHECK(same_text(reflow_error_hint(error),
                        "REFLOW_REPLACED_STATE_NEW replaces the node without its state"));
        reflow_error_destroy(error);
        CHECK(setups == 0 && sums == 1);
        CHECK(key_of(at.network, "s") == 50 + 10 * i);
        CHECK(add(&at, 1) == 6 + i);
    }
    refuse_save = refuse_load = false;
    close_bench(&at);
}

/* Before the start nothing is set up, but a state that was restored goes on. */
static void test_before_start(const rig_mode *mode) {
    bench at = open_bench(mode);
    WORKS(reflow_network_start(at.network, &e));
    CHECK(add(&at, 9) == 9);
    reflow_message taken;
    WORKS(reflow_network_snapshot(at.network, REFLOW_FOREVER, &taken, &e));
    close_bench(&at);
    at = open_bench(mode);
    WORKS(reflow_network_restore(at.network, taken, &e));
    reflow_message_unref(taken);
    setups = 0;
    WORKS(replace(&at, "Sum", "{\"k\":1}", NULL, &e));
    CHECK(setups == 0 && sums == 1 && key_of(at.network, "s") == 90);
    close_bench(&at);
}

static void test_letters(const rig_mode *mode) {
    bench at = open_bench(mode);
    WORKS(reflow_network_start(at.network, &e));
    WORKS(reflow_network_pause(at.network, text_of("s"), REFLOW_FOREVER, &e));
    for (int i = 0; i < 3; ++i) rig_send(at.network, rig_inport(at.network, "s.a"), i);
    reflow_graph *empty = rig_graph();
    reflow_change_options options = {0};
    options.struct_size = sizeof options;
    options.leftover = REFLOW_LEFTOVER_DEAD_LETTER;
    reflow_change change = {0};
    change.struct_size = sizeof change;
    /* One that goes on takes them along: none is written. */
    reflow_dead_letters letters = {0};
    letters.struct_size = sizeof letters;
    WORKS(replace(&at, "Sum", "{\"k\":1}", &options, &e));
    WORKS(reflow_network_dead_letters(at.network, &letters, &e));
    CHECK(letters.total == 0);
    WORKS(reflow_network_apply(at.network, empty, &options, &change, &e));
    CHECK(change.nodes_removed == 1 && change.packets_dropped == 3);
    WORKS(reflow_network_dead_letters(at.network, &letters, &e));
    CHECK(letters.total == 3 && letters.waiting == 3 && letters.lost == 0);
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(at.network, text_of(""), 0, 10, &list, &e));
    for (int i = 0; i < 3; ++i) {
        char expected[200];
        reflow_message letter, packets, node;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, (size_t)i, &letter));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("packets"), &packets));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(letter, text_of("node"), &node));
        snprintf(expected, sizeof expected, "[{\"port\":\"a\",\"message\":%d}]", i);
        CHECK(is_json(packets, expected));
        CHECK(is_json(node, "\"s\""));
    }
    reflow_message_unref(list);
    options.leftover = 3;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_apply(at.network, empty, &options, &change, &e));
    reflow_graph_destroy(empty);
    close_bench(&at);
}

int main(void) {
    check_time_limit(50);
    for (size_t i = 0; i < RIG_MODES; ++i) {
        test_state_goes_on(&rig_modes[i]);
        test_refused(&rig_modes[i]);
        test_before_start(&rig_modes[i]);
        test_letters(&rig_modes[i]);
    }
    return 0;
}
