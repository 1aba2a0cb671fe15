/* Section 13 of reflow.h: the allocator hook, and what happens when memory runs out.
 * A whole life is lived again and again, and each time one allocation later fails. The call that
 * it hits answers REFLOW_ERROR_OUT_OF_MEMORY and changes nothing: made once more it works. What
 * is hit inside of turns fails a firing or is tried again, and no packet is lost or doubled. At
 * the end of each life nothing is left. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

/* ---- the hook: counts, remembers sizes, and fails when it is told to */

typedef struct block {
    size_t size, alignment;
    char *start;
    uint64_t mark;
} block;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t allocations, fail_at, fail_count, failed;
static size_t live, live_bytes;

static void *hook_allocate(void *user_data, size_t size, size_t alignment) {
    CHECK(user_data == &mutex && size != 0);
    CHECK(alignment != 0 && (alignment & (alignment - 1)) == 0);
    pthread_mutex_lock(&mutex);
    uint64_t number = allocations++;
    bool fails = number >= fail_at && number - fail_at < fail_count;
    failed += fails ? 1 : 0;
    if (!fails) ++live, live_bytes += size;
    pthread_mutex_unlock(&mutex);
    if (fails) return NULL;
    char *start = malloc(size + alignment + sizeof(block));
    CHECK(start != NULL);
    uintptr_t place = (uintptr_t)start + sizeof(block);
    place = (place + alignment - 1) / alignment * alignment;
    block of = {size, alignment, start, UINT64_C(0x5eed5eed5eed5eed)};
    memcpy((char *)place - sizeof of, &of, sizeof of);
    memset((char *)place, 0xa5, size);
    return (char *)place;
}

static void hook_release(void *user_data, void *memory, size_t size, size_t alignment) {
    block of;
    CHECK(user_data == &mutex && memory != NULL);
    memcpy(&of, (char *)memory - sizeof of, sizeof of);
    CHECK(of.mark == UINT64_C(0x5eed5eed5eed5eed));
    CHECK(of.size == size && of.alignment == alignment);
    memset(memory, 0xdd, size);
    memset((char *)memory - sizeof of, 0, sizeof of);
    free(of.start);
    pthread_mutex_lock(&mutex);
    --live, live_bytes -= size;
    pthread_mutex_unlock(&mutex);
}

static void test_set(void) {
    struct {
        reflow_allocator allocator;
        uint64_t tail;
    } large;
    memset(&large, 0, sizeof large);
    reflow_allocator *allocator = &large.allocator;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_set_allocator(NULL));
    allocator->user_data = &mutex;
    allocator->allocate = hook_allocate;
    allocator->release = hook_release;
    static const uint32_t wrong[] = {0, 8, sizeof(reflow_allocator) - 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        allocator->struct_size = wrong[i];
        CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_set_allocator(allocator));
    }
    allocator->struct_size = sizeof *allocator;
    allocator->allocate = NULL;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_set_allocator(allocator));
    allocator->allocate = hook_allocate;
    allocator->release = NULL;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_set_allocator(allocator));
    allocator->release = hook_release;
    allocator->struct_size = sizeof large;
    large.tail = 1;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_set_allocator(allocator));
    large.tail = 0;
    /* What needs no memory does not make it too late. */
    (void)reflow_version();
    (void)reflow_feature(text_of("json"));
    reflow_message_unref(reflow_message_integer(5));
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(allocator));
    memset(&large, 0, sizeof large);
    large.allocator.struct_size = sizeof *allocator;
    large.allocator.allocate = hook_allocate;
    large.allocator.release = hook_release;
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_set_allocator(allocator));
    reflow_message message;
    WORKS(reflow_message_string(text_of("text"), &message, &e));
    CHECK(live == 1 && live_bytes > 4);
    reflow_message_unref(message);
    CHECK(live == 0 && live_bytes == 0);
    CHECK_STATUS(REFLOW_ERROR_INVALID_STATE, reflow_set_allocator(allocator));
}

/* ---- a call that is made again if memory ran out */

static int calls_again;

static bool ran_out(reflow_status status, reflow_error *error, const char *call) {
    if (status == REFLOW_OK) return false;
    ++calls_again;
    if (status != REFLOW_ERROR_OUT_OF_MEMORY) {
        check_failed(__FILE__, (int)fail_at, call, reflow_error_text(error).data);
    }
    CHECK(reflow_error_status(error) == REFLOW_ERROR_OUT_OF_MEMORY);
    /* An error of its own, or the one that needs no memory. */
    CHECK(reflow_error_message(error).size != 0 && reflow_error_text(error).size != 0);
    if (same_text(reflow_error_text(error), "out of memory")) {
        CHECK(reflow_error_cause(error) == NULL && reflow_error_hint(error).size == 0);
    }
    reflow_place place = {0};
    place.struct_size = sizeof place;
    CHECK_STATUS(REFLOW_OK, reflow_error_place(error, &place));
    reflow_error_destroy(error);
    return true;
}

#define TRY(call)                             \
    do {                                      \
        reflow_error *e;                      \
        reflow_status status_;                \
        do {                                  \
            e = NULL;                         \
            status_ = (call);                 \
        } while (ran_out(status_, e, #call)); \
        CHECK(e == NULL);                     \
    } while (0)

/* Without memory nothing is equal; with it, it is. */
#define EQUAL(call)                                               \
    do {                                                          \
        bool equal_ = (call);                                     \
        for (uint64_t i_ = 0; !equal_ && i_ < fail_count; ++i_) { \
            equal_ = (call);                                      \
        }                                                         \
        CHECK(equal_);                                            \
    } while (0)

static reflow_message make(const char *text) {
    reflow_message message = {0, 0};
    TRY(reflow_message_from_json(text_of(text), NULL, &message, &e));
    return message;
}

/* ---- messages and codecs */

static void live_messages(void) {
    reflow_message message, back;
    reflow_buffer *buffer = NULL;
    int ends = 0;
    TRY(reflow_message_bytes("12", 2, &message, &e));
    reflow_message_unref(message);
    int before = calls_again;
    TRY(reflow_message_lend(REFLOW_KIND_STRING, "12", 2, count_end, &ends, &message, &e));
    reflow_message_unref(message);
    CHECK(ends == calls_again - before + 1); /* given back by the call that failed as well */
    TRY(reflow_message_network_event(text_of("T"), make("[1,\"a\"]"), &message, &e));
    reflow_message_unref(message);
    TRY(reflow_message_remote(text_of("a"), text_of("b"), text_of("c"), &message, &e));
    reflow_message_unref(message);
    reflow_object_builder *object = NULL;
    TRY(reflow_object_builder_create(0, &object, &e));
    for (int i = 0; i < 20; ++i) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        TRY(reflow_object_builder_set(object, text_of(key), make("{\"x\":[null]}"), &e));
    }
    reflow_error *error = NULL;
    reflow_status status = reflow_object_builder_finish(object, &message, &error);
    if (ran_out(status, error, "finish")) message = make("{\"k0\":{\"x\":[null]}}");
    TRY(reflow_message_to_json(message, REFLOW_JSON_PLAIN_PRETTY, &buffer, &e));
    TRY(reflow_message_from_json(reflow_buffer_get(buffer), NULL, &back, &e));
    EQUAL(reflow_message_equal(message, back));
    reflow_message_unref(back);
    reflow_buffer_destroy(buffer);
    TRY(reflow_message_to_json(message, REFLOW_JSON_TAGGED, &buffer, &e));
    TRY(reflow_message_from_tagged_json(reflow_buffer_get(buffer), NULL, &back, &e));
    reflow_message_unref(back);
    reflow_buffer_destroy(buffer);
    TRY(reflow_message_to_msgpack(message, &buffer, &e));
    reflow_view bytes = reflow_buffer_get(buffer);
    TRY(reflow_message_from_msgpack(bytes.data, bytes.size, NULL, &back, &e));
    reflow_message_unref(back);
    reflow_buffer_destroy(buffer);
    reflow_message_unref(message);
}

/* ---- graphs */

static const char document[] =
    "{\"properties\":{\"name\":\"g\"},\"processes\":{\"a\":{\"component\":\"Node\","
    "\"metadata\":{\"k\":[1,{\"deep\":true}]}},\"b\":{\"component\":\"Node\"}},"
    "\"connections\":[{\"from\":{\"nodeId\":\"a\",\"portId\":\"o\"},"
    "\"to\":{\"nodeId\":\"b\",\"portId\":\"a\"}}]}";

static reflow_graph *live_graph(void) {
    reflow_graph *graph = NULL, *copy = NULL, *back = NULL;
    reflow_message none = {0, 0}, message;
    reflow_buffer *buffer = NULL;
    TRY(reflow_graph_load(text_of(document), REFLOW_FORMAT_JSON, text_of("g.json"), &graph, &e));
    TRY(reflow_graph_add_node(graph, text_of("c"), text_of("Node"), make("{\"x\":\"y\"}"), &e));
    reflow_endpoint bo = rig_end("b.o"), ca = rig_end("c.a"), aa = rig_end("a.a");
    TRY(reflow_graph_connect(graph, &bo, &ca, make("{\"capacity\":1}"), &e));
    TRY(reflow_graph_add_initial(graph, &aa, reflow_message_integer(100), &e));
    TRY(reflow_graph_add_inport(graph, text_of("in"), &aa, text_of("array<integer>"), &e));
    TRY(reflow_graph_remove_inport(graph, text_of("in"), &e));
    TRY(reflow_graph_add_inport(graph, text_of("in"), &aa, text_of("any"), &e));
    reflow_view node = text_of("c");
    TRY(reflow_graph_add_group(graph, text_of("group"), &node, 1, &e));
    TRY(reflow_graph_set_property(graph, text_of("p"), make("[true]"), &e));
    TRY(reflow_graph_set_config_value(graph, text_of("c"), text_of("l.m.n"), make("[1]"), &e));
    TRY(reflow_graph_set_config_value(graph, text_of("c"), text_of("env_vars"),
                                      make("{\"V\":\"required\",\"W\":\"optional:w\"}"), &e));
    TRY(reflow_graph_resolve_env(graph, make("{\"V\":\"v\"}"), &e));
    TRY(reflow_graph_rename_node(graph, text_of("c"), text_of("d"), &e));
    TRY(reflow_graph_rename_node(graph, text_of("d"), text_of("c"), &e));
    TRY(reflow_graph_copy(graph, &copy, &e));
    TRY(reflow_graph_remove_node(copy, text_of("b"), &e));
    TRY(reflow_graph_set_config(copy, text_of("c"), none, &e));
    reflow_graph_destroy(copy);
    for (reflow_format format = REFLOW_FORMAT_JSON; format <= REFLOW_FORMAT_MSGPACK; ++format) {
        TRY(reflow_graph_save(graph, format, &buffer, &e));
        TRY(reflow_graph_load(reflow_buffer_get(buffer), format, text_of("g"), &back, &e));
        EQUAL(reflow_graph_equal(graph, back));
        reflow_graph_destroy(back);
        reflow_buffer_destroy(buffer);
    }
    for (reflow_picture kind = REFLOW_PICTURE_TEXT; kind <= REFLOW_PICTURE_HTML; ++kind) {
        TRY(reflow_graph_render(graph, kind, NULL, &buffer, &e));
        reflow_buffer_destroy(buffer);
    }
    TRY(reflow_graph_to_message(graph, &message, &e));
    reflow_message_unref(message);
    return graph;
}

/* ---- networks */

static int states, ends;

static reflow_status on_create(reflow_context *context, void *user_data, void **state) {
    (void)context;
    *state = user_data;
    pthread_mutex_lock(&mutex);
    ++states;
    pthread_mutex_unlock(&mutex);
    return REFLOW_OK;
}
static void on_state_end(void *state) {
    CHECK(state == &states);
    pthread_mutex_lock(&mutex);
    --states;
    pthread_mutex_unlock(&mutex);
}
static reflow_status on_save(reflow_context *context, void *state, reflow_message *out) {
    (void)context;
    CHECK(state == &states);
    return reflow_message_from_json(text_of("[1,\"two\"]"), NULL, out, NULL);
}
static reflow_status on_load(reflow_context *context, void *state, uint32_t version,
                             reflow_message saved) {
    CHECK(state == &states && version == 2 && reflow_message_count(saved) == 2);
    return reflow_context_state_set(context, text_of("loaded"), reflow_message_null());
}
static void on_end(void *user_data) {
    (void)user_data;
    ++ends;
}

static reflow_runtime *live_runtime(const rig_mode *mode) {
    reflow_runtime *runtime = NULL;
    reflow_runtime_options options = rig_options(mode);
    TRY(reflow_runtime_create(&options, &runtime, &e));
    reflow_port inport, outport;
    memset(&inport, 0, sizeof inport);
    memset(&outport, 0, sizeof outport);
    inport.name = text_of("a");
    outport.name = text_of("o");
    outport.type = text_of("option<array<integer>>");
    inport.type = text_of("any");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Node");
    component.config_schema = text_of("{\"type\":\"object\",\"properties\":{\"k\":{}}}");
    component.inports = &inport;
    component.outports = &outport;
    component.inport_count = component.outport_count = 1;
    component.max_batch = 3;
    component.create = on_create;
    component.run = rig_pass;
    component.destroy_state = on_state_end;
    component.user_data = &states;
    component.destroy = on_end;
    component.save = on_save;
    component.load = on_load;
    component.state_version = 2;
    ends = 0;
    int before = calls_again;
    TRY(reflow_runtime_register(runtime, &component, &e));
    CHECK(ends == calls_again - before);
    ends = 0;
    reflow_message list;
    TRY(reflow_runtime_components(runtime, &list, &e));
    CHECK(reflow_message_count(list) > 10);
    reflow_message_unref(list);
    return runtime;
}

enum { SENT = 8 };

/* Reads to the end; returns how many came, all of them different. */
static int read_all(reflow_output *output) {
    int count = 0;
    bool seen[SENT + 1] = {false};
    for (;;) {
        reflow_message messages[3];
        size_t got = 0;
        reflow_error *error = NULL;
        reflow_status status = reflow_output_recv_many(output, messages, 3, 0, &got, &error);
        if (status == REFLOW_ERROR_CLOSED) {
            reflow_error_destroy(error);
            return count;
        }
        if (ran_out(status, error, "recv")) continue;
        for (size_t i = 0; i < got; ++i, ++count) {
            int64_t value = rig_integer(messages[i]);
            value = value == 100 ? SENT : value;
            CHECK(value >= 0 && value <= SENT && !seen[value]);
            seen[value] = true;
        }
    }
}

static void read_events(reflow_subscription *subscription) {
    reflow_event_batch *batch = NULL;
    TRY(reflow_subscription_poll(subscription, 1000, 0, &batch, NULL, &e));
    for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_buffer *buffer = NULL;
        TRY(reflow_event_batch_json(batch, i, &buffer, &e));
        reflow_buffer_destroy(buffer);
    }
    reflow_event_batch_destroy(batch);
}

static void live_network(reflow_runtime *runtime, const reflow_graph *graph) {
    reflow_network *network = NULL;
    reflow_output *output = NULL;
    reflow_subscription *subscription = NULL;
    reflow_inport inport = {0};
    reflow_message message;
    reflow_event_options options = rig_event_options(0, REFLOW_EVENTS_ALL);
    TRY(reflow_graph_validate(graph, runtime, &message, &e));
    reflow_message_unref(message);
    TRY(reflow_network_create(runtime, graph, &network, &e));
    CHECK(states == 3);
    TRY(reflow_network_open_output(network, text_of("c"), text_of("o"), 100, &output, &e));
    TRY(reflow_network_subscribe(network, &options, &subscription, &e));
    TRY(reflow_network_find_inport(network, text_of(""), text_of("in"), &inport, &e));
    TRY(reflow_network_start(network, &e));
    for (int i = 0; i < SENT; ++i) {
        TRY(reflow_network_send(network, inport, reflow_message_integer(i), REFLOW_FOREVER, &e));
    }
    TRY(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    TRY(reflow_network_report(network, &message, &e));
    reflow_message_unref(message);
    TRY(reflow_network_drain(network, REFLOW_FOREVER, &e));
    int lost = 0;
    static const char *const nodes[] = {"a", "b", "c"};
    for (int i = 0; i < 3; ++i) {
        reflow_node_counters counters = {0};
        counters.struct_size = sizeof counters;
        TRY(reflow_network_counters(network, text_of(nodes[i]), &counters, &e));
        CHECK(counters.waiting == 0 && counters.dropped == 0);
        lost += (int)counters.failed;
    }
    /* A packet comes out, or a firing with it has failed for want of memory. */
    CHECK(lost <= (int)fail_count);
    CHECK(read_all(output) + lost == SENT + 1);
    read_events(subscription);
    TRY(reflow_network_stop(network, REFLOW_FOREVER, &e));
    reflow_subscription_destroy(subscription);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    CHECK(states == 0);
}

static void check_all_ended(const rig_mode *mode) {
    CHECK(ends == 1);
    if (live == 0) return;
    char text[96];
    snprintf(text, sizeof text, "allocation %llu of %llu failed: %zu blocks are left",
             (unsigned long long)fail_at, (unsigned long long)allocations, live);
    check_failed(__FILE__, __LINE__, text, mode->name);
}

static void live_all(const rig_mode *mode) {
    live_messages();
    reflow_graph *graph = live_graph();
    reflow_runtime *runtime = live_runtime(mode);
    live_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    check_all_ended(mode);
}

/* ---- subgraphs, and pausing */

#define END(node, port) "{\"nodeId\":\"" node "\",\"portId\":\"" port "\"}"
static const char registered[] =
    "{\"inports\":{\"a\":" END("m", "a") "},\"outports\":{\"o\":" END("m", "o") "},"
    "\"processes\":{\"m\":{\"component\":\"Node\"}}}";
static const char nested[] =
    "{\"inports\":{\"in\":" END("b", "a") "},\"outports\":{\"out\":" END("b", "o") "},"
    "\"processes\":{\"b\":{\"metadata\":{\"componentSpec\":{\"type\":\"subgraph\",\"graph\":{"
    "\"inports\":{\"a\":[" END("n", "a") "," END("k", "a") "]},"
    "\"outports\":{\"o\":[" END("n", "o") "]},"
    "\"processes\":{\"n\":{\"component\":\"Graph\"},\"k\":{\"component\":\"Node\"}}}}}}},"
    "\"connections\":[{\"data\":7,\"to\":" END("b", "a") "}]}";

static void live_nested(const rig_mode *mode) {
    reflow_runtime *runtime = live_runtime(mode);
    reflow_graph *graph = NULL, *inner = NULL;
    reflow_network *network = NULL;
    reflow_output *output = NULL;
    reflow_message message;
    size_t count = 0;
    TRY(reflow_graph_load(text_of(registered), REFLOW_FORMAT_JSON, text_of(""), &inner, &e));
    TRY(reflow_runtime_register_graph(runtime, text_of("Graph"), inner, &e));
    reflow_graph_destroy(inner);
    TRY(reflow_graph_load(text_of(nested), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    TRY(reflow_graph_validate(graph, runtime, &message, &e));
    reflow_message_unref(message);
    TRY(reflow_network_create(runtime, graph, &network, &e));
    CHECK(states == 2);
    TRY(reflow_network_open_output(network, text_of(""), text_of("out"), 0, &output, &e));
    TRY(reflow_network_pause(network, text_of("b"), REFLOW_FOREVER, &e));
    TRY(reflow_network_start(network, &e));
    TRY(reflow_network_peek(network, text_of("b/n/m"), text_of("a"), &message, 1, &count, &e));
    CHECK(count == 1 && rig_integer(message) == 7);
    uint64_t steps = 0;
    TRY(reflow_network_step(network, text_of("b/n"), 1, REFLOW_FOREVER, &steps, &e));
    TRY(reflow_network_resume(network, text_of(""), &e));
    TRY(reflow_network_drain(network, REFLOW_FOREVER, &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    CHECK(states == 0);
    reflow_runtime_destroy(runtime);
    check_all_ended(mode);
}

/* ---- failures: each packet comes out, or is a dead letter, or one for which memory ran out */

static int tries[SENT];

/* Each value fails at first, and one of them always. */
static reflow_status run_fails(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    CHECK(state == &states && count == 1);
    int64_t value = rig_integer(inputs[0].message);
    reflow_message_unref(reflow_message_take(&inputs[0].message));
    pthread_mutex_lock(&mutex);
    bool fails = ++tries[value] == 1 || value == 5;
    pthread_mutex_unlock(&mutex);
    reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(value));
    if (status != REFLOW_OK || !fails) return status;
    reflow_failure failure = {0};
    failure.struct_size = sizeof failure;
    failure.status = REFLOW_ERROR_HOST;
    failure.message = text_of("a message that is too long to be kept inside of a string");
    failure.trace = text_of("a trace that is too long to be kept inside of a string");
    return reflow_context_fail_with(context, &failure);
}

static const char failing[] =
    "{\"processes\":{\"f\":{\"component\":\"Fails\",\"metadata\":{\"failure\":{"
    "\"retries\":1,\"backoff_ms\":0,\"then\":\"restart\",\"restarts\":1000}}}}}";

static void live_failing(const rig_mode *mode) {
    reflow_runtime *runtime = live_runtime(mode);
    reflow_port in, out;
    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    in.name = text_of("a");
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Fails");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.create = on_create;
    component.run = run_fails;
    component.destroy_state = on_state_end;
    component.user_data = &states;
    TRY(reflow_runtime_register(runtime, &component, &e));
    reflow_graph *graph = NULL;
    reflow_network *network = NULL;
    reflow_output *output = NULL;
    reflow_subscription *subscription = NULL;
    reflow_inport inport = {0};
    reflow_event_options options = rig_event_options(0, REFLOW_EVENTS_ALL);
    TRY(reflow_graph_load(text_of(failing), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    TRY(reflow_network_create(runtime, graph, &network, &e));
    TRY(reflow_network_open_output(network, text_of("f"), text_of("o"), 100, &output, &e));
    TRY(reflow_network_subscribe(network, &options, &subscription, &e));
    TRY(reflow_network_find_inport(network, text_of("f"), text_of("a"), &inport, &e));
    TRY(reflow_network_start(network, &e));
    memset(tries, 0, sizeof tries);
    for (int i = 0; i < SENT; ++i) {
        TRY(reflow_network_send(network, inport, reflow_message_integer(i), REFLOW_FOREVER, &e));
    }
    TRY(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    reflow_message list;
    TRY(reflow_network_list_dead_letters(network, text_of("f"), 0, 100, &list, &e));
    reflow_dead_letters letters = {0};
    letters.struct_size = sizeof letters;
    TRY(reflow_network_dead_letters(network, &letters, &e));
    CHECK(reflow_message_count(list) == letters.waiting && letters.total >= 1);
    CHECK(letters.total <= 1 + fail_count);
    for (size_t i = 0; i < letters.waiting; ++i) {
        reflow_message one = {0, 0}, packets = {0, 0};
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, i, &one));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(one, text_of("packets"), &packets));
        CHECK(reflow_message_count(packets) == 1);
    }
    reflow_message_unref(list);
    /* Those that only memory failed go through now, or fail as they must. */
    size_t count = 0;
    TRY(reflow_network_replay_dead_letters(network, text_of(""), &count, &e));
    TRY(reflow_network_wait_idle(network, REFLOW_FOREVER, &e));
    TRY(reflow_network_dead_letters(network, &letters, &e));
    uint64_t lost = letters.lost;
    TRY(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(read_all(output) + (int)letters.waiting + (int)lost == SENT);
    CHECK(states == 1);
    read_events(subscription);
    reflow_subscription_destroy(subscription);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    CHECK(states == 0);
    reflow_runtime_destroy(runtime);
    check_all_ended(mode);
}

/* ---- states, snapshots and restores */

static reflow_status set_names(reflow_context *context, void *state, void *user_data) {
    (void)state;
    (void)user_data;
    for (int i = 0; i < 9; ++i) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        reflow_status status =
            reflow_context_state_set(context, text_of(name), reflow_message_integer(i));
        if (status != REFLOW_OK) return status;
        status = reflow_context_pool_upsert(context, text_of(i % 2 == 0 ? "p" : "q"), text_of(name),
                                            reflow_message_integer(i));
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}
static reflow_status look_at_names(reflow_context *context, void *state, void *user_data) {
    (void)state;
    (void)user_data;
    CHECK(reflow_context_state_count(context) == 10);
    CHECK(reflow_context_pool_count(context, text_of("p")) == 5);
    CHECK(reflow_context_pool_count(context, text_of("q")) == 4);
    return REFLOW_OK;
}

static const char pair[] =
    "{\"processes\":{\"a\":{\"component\":\"Node\"},\"b\":{\"component\":\"Node\"}},"
    "\"connections\":[{\"from\":" END("a", "o") ",\"to\":" END("b", "a") "}]}";

static void live_saved(const rig_mode *mode) {
    reflow_runtime *runtime = live_runtime(mode);
    reflow_graph *graph = NULL;
    reflow_network *network = NULL;
    reflow_output *output = NULL;
    reflow_inport inport = {0};
    reflow_message taken;
    TRY(reflow_graph_load(text_of(pair), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    TRY(reflow_network_create(runtime, graph, &network, &e));
    TRY(reflow_network_open_output(network, text_of("b"), text_of("o"), 100, &output, &e));
    TRY(reflow_network_find_inport(network, text_of("a"), text_of("a"), &inport, &e));
    TRY(reflow_network_start(network, &e));
    for (int i = 0; i < SENT; ++i) {
        TRY(reflow_network_send(network, inport, reflow_message_integer(i), REFLOW_FOREVER, &e));
        if (!rig_waits(mode)) (void)reflow_runtime_run(runtime, 1, NULL, NULL);
    }
    TRY(reflow_network_with_state(network, text_of("b"), text_of("Node"), set_names, NULL,
                                  REFLOW_FOREVER, &e));
    TRY(reflow_network_snapshot(network, REFLOW_FOREVER, &taken, &e));
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    CHECK(states == 0);
    TRY(reflow_network_create(runtime, graph, &network, &e));
    TRY(reflow_network_open_output(network, text_of("b"), text_of("o"), 100, &output, &e));
    TRY(reflow_network_restore(network, taken, &e));
    reflow_message_unref(taken);
    CHECK(states == 2);
    TRY(reflow_network_start(network, &e));
    TRY(reflow_network_with_state(network, text_of("b"), text_of("Node"), look_at_names, NULL,
                                  REFLOW_FOREVER, &e));
    TRY(reflow_network_drain(network, REFLOW_FOREVER, &e));
    int lost = (int)(rig_counters(network, "a").failed + rig_counters(network, "b").failed);
    CHECK(lost <= (int)fail_count);
    CHECK(read_all(output) + lost == SENT);
    reflow_network_destroy(network);
    reflow_output_destroy(output);
    reflow_graph_destroy(graph);
    CHECK(states == 0);
    reflow_runtime_destroy(runtime);
    check_all_ended(mode);
}

/* Fails the n-th allocation and the count - 1 after it, for n = first, first + step, ... */
static void test_each(void (*life)(const rig_mode *mode), const rig_mode *mode, uint64_t count,
                      uint64_t step) {
    for (uint64_t n = 0;; n += step) {
        allocations = failed = 0;
        fail_at = n;
        fail_count = count;
        life(mode);
        if (failed == 0) return; /* a whole life without a failure */
    }
}

int main(void) {
    check_time_limit(58);
    test_set();
    fail_at = UINT64_MAX;
    live_all(&rig_inline);
    live_all(&rig_own);
    test_each(live_all, &rig_inline, 1, check_slow() ? 37 : 1);
    test_each(live_all, &rig_inline, 3, check_slow() ? 101 : 7);
    test_each(live_all, &rig_modes[4], 1, check_slow() ? 101 : 11);
    test_each(live_all, &rig_own, 2, check_slow() ? 211 : 13);
    test_each(live_nested, &rig_inline, 1, check_slow() ? 31 : 7);
    test_each(live_nested, &rig_own, 2, check_slow() ? 131 : 43);
    test_each(live_failing, &rig_inline, 1, check_slow() ? 61 : 11);
    test_each(live_failing, &rig_own, 2, check_slow() ? 181 : 97);
    test_each(live_saved, &rig_inline, 1, check_slow() ? 31 : 7);
    test_each(live_saved, &rig_own, 2, check_slow() ? 131 : 43);
    static const uint64_t many[] = {2, 7, 40};
    for (size_t i = 0; i < sizeof many / sizeof many[0]; ++i) {
        test_each(live_all, &rig_inline, many[i], 211);
        test_each(live_nested, &rig_inline, many[i], check_slow() ? 61 : 41);
        test_each(live_failing, &rig_inline, many[i], check_slow() ? 61 : 41);
        test_each(live_saved, &rig_inline, many[i], check_slow() ? 61 : 41);
    }
    return 0;
}
