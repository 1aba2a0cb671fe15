/* Section 8 of reflow.h, first half: registration and listing of components. */
#include "check.h"

#include "rig.h"

static int ends;
static void on_end(void *user_data) {
    CHECK(user_data == &ends);
    ++ends;
}

static reflow_status nothing(reflow_context *context, void *state, reflow_packet *inputs,
                             size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    return REFLOW_OK;
}

static reflow_component good(void) {
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Good");
    component.run = nothing;
    component.user_data = &ends;
    component.destroy = on_end;
    ends = 0;
    return component;
}

static reflow_runtime *runtime;

/* Refused, and the user data has been ended once. */
#define REFUSED(status, component)                                          \
    do {                                                                    \
        ends = 0;                                                           \
        FAILS(status, reflow_runtime_register(runtime, &(component), &e));  \
        CHECK(ends == 1);                                                   \
    } while (0)

static void test_refused(void) {
    reflow_component component = good();
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_register(NULL, &component, &e));
    CHECK(ends == 1);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_register(runtime, NULL, &e));
    component = good(), component.run = NULL;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.id = text_of("");
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.id = null_view();
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.await = 3;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.await = -1;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.flags = 1u << 30;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.port_size = 8;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.inport_count = 1;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.outport_count = 1;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    component = good(), component.inport_count = UINT32_MAX;
    REFUSED(REFLOW_ERROR_LIMIT, component);
    component = good(), component.outport_count = 65536;
    REFUSED(REFLOW_ERROR_LIMIT, component);
    component = good(), component.id = text_of("Map");
    REFUSED(REFLOW_ERROR_ALREADY_EXISTS, component);
    char name[300];
    memset(name, 'x', sizeof name);
    component = good(), component.id = sized(name, 257);
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    static const char *const schemas[] = {"{", "[]", "5", "{\"type\":5}", "{\"type\":\"word\"}",
                                          "{\"a\":1,\"a\":2}", "{\"enum\":1}"};
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; ++i) {
        component = good(), component.config_schema = text_of(schemas[i]);
        REFUSED(REFLOW_ERROR_CONFIG, component);
    }
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        reflow_view bad = sized(bad_texts[i].data, bad_texts[i].size);
        component = good(), component.id = bad;
        REFUSED(REFLOW_ERROR_INVALID_UTF8, component);
        component = good(), component.title = bad;
        REFUSED(REFLOW_ERROR_INVALID_UTF8, component);
        component = good(), component.description = bad;
        REFUSED(REFLOW_ERROR_INVALID_UTF8, component);
        component = good(), component.category = bad;
        REFUSED(REFLOW_ERROR_INVALID_UTF8, component);
        component = good(), component.config_schema = bad;
        REFUSED(REFLOW_ERROR_INVALID_UTF8, component);
    }
}

static void test_refused_ports(void) {
    reflow_port port = {{0, 0}, {0, 0}, {0, 0}, 0, 0, 0};
    reflow_component component = good();
    component.inports = &port;
    component.inport_count = 1;
    port.name = text_of("");
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    port.name = text_of("a");
    port.flags = 4;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, component);
    port.flags = 0;
    static const char *const types[] = {"int", "array<", "array<>", "option<integer",
                                        "array<integer>x", "Integer"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i) {
        port.type = text_of(types[i]);
        REFUSED(REFLOW_ERROR_CONFIG, component);
    }
    port.type = text_of("");
    for (size_t i = 0; i < BAD_TEXTS; ++i) {
        reflow_view bad = sized(bad_texts[i].data, bad_texts[i].size);
        reflow_view *texts[] = {&port.name, &port.type, &port.description};
        for (size_t t = 0; t < 3; ++t) {
            reflow_view before = *texts[t];
            *texts[t] = bad;
            REFUSED(REFLOW_ERROR_INVALID_UTF8, component);
            *texts[t] = before;
        }
    }
    reflow_port twice[2];
    memset(twice, 0, sizeof twice);
    twice[0].name = twice[1].name = text_of("a");
    component.inports = twice;
    component.inport_count = 2;
    REFUSED(REFLOW_ERROR_ALREADY_EXISTS, component);
}

static void test_sizes(void) {
    struct {
        reflow_component component;
        uint64_t tail[2];
    } large;
    memset(&large, 0, sizeof large);
    large.component = good();
    large.component.struct_size = sizeof large;
    large.component.id = text_of("Large");
    large.tail[1] = 1;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, large.component);
    /* Ports of a newer version: larger, their new fields zero. */
    struct {
        reflow_port port;
        uint64_t tail[2];
    } ports[2];
    memset(ports, 0, sizeof ports);
    ports[0].port.name = text_of("first");
    ports[1].port.name = text_of("second");
    large.component.port_size = sizeof ports[0];
    large.component.inports = &ports[0].port;
    large.component.inport_count = 2;
    large.tail[1] = 0;
    ports[1].tail[0] = 5;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, large.component);
    ports[1].tail[0] = 0;
    ends = 0;
    WORKS(reflow_runtime_register(runtime, &large.component, &e));
    CHECK(ends == 0);
    reflow_component flags = good();
    flags.flags = 1u << 31;
    REFUSED(REFLOW_ERROR_INVALID_ARGUMENT, flags);
    static const uint32_t wrong[] = {0, 7, 5000, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        reflow_component component = good();
        component.struct_size = wrong[i];
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_register(runtime, &component, &e));
    }
}

static bool has_text(reflow_message object, const char *key, const char *text) {
    reflow_message value;
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get(object, text_of(key), &value));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(value, &view));
    return same_text(view, text);
}

static reflow_message find(reflow_message list, const char *id) {
    reflow_message object = {0, 0};
    for (size_t i = 0; i < reflow_message_count(list); ++i) {
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, i, &object));
        if (has_text(object, "id", id)) return object;
    }
    check_failed(__FILE__, __LINE__, id, "not listed");
    return object;
}

static void test_list(void) {
    reflow_message list, value;
    WORKS(reflow_runtime_components(runtime, &list, &e));
    reflow_message large = find(list, "Large");
    CHECK(has_text(large, "category", "host") && has_text(large, "await", "any"));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(large, text_of("inports"), &value));
    CHECK(is_json(value, "[{\"name\":\"first\",\"type\":\"any\",\"description\":\"\","
                         "\"required\":false,\"array\":false},{\"name\":\"second\","
                         "\"type\":\"any\",\"description\":\"\",\"required\":false,"
                         "\"array\":false}]"));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(large, text_of("outports"), &value));
    CHECK(reflow_message_count(value) == 1); /* error */
    static const char *const built_in[] = {"CsvRead", "CsvWrite", "JsonlRead", "JsonlWrite",
                                           "Map", "Filter", "Switch", "Tee", "Merge",
                                           "GroupAggregate", "RulesEngine", "SchemaCheck",
                                           "Delay", "Log", "Counter", "TablePrint", "Chart"};
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; ++i) {
        reflow_message each = find(list, built_in[i]);
        CHECK(!has_text(each, "title", "") && !has_text(each, "description", ""));
    }
    char before[64] = "";
    for (size_t i = 0; i < reflow_message_count(list); ++i) {
        reflow_message id;
        reflow_view view;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(list, i, &value));
        CHECK_STATUS(REFLOW_OK, reflow_message_get(value, text_of("id"), &id));
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(id, &view));
        CHECK(strcmp(before, view.data) < 0);
        snprintf(before, sizeof before, "%s", view.data);
    }
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_components(NULL, &value, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_runtime_components(runtime, NULL, &e));
    /* The list needs nothing of the runtime. */
    ends = 0;
    reflow_runtime_destroy(runtime);
    CHECK(ends == 1);
    CHECK(has_text(find(list, "Large"), "id", "Large"));
    reflow_message_unref(list);
}

/* User data lives until the last actor and the runtime have ended, in whatever order. */
static void test_user_data(bool runtime_first) {
    runtime = rig_runtime(&rig_inline);
    reflow_component component = good();
    WORKS(reflow_runtime_register(runtime, &component, &e));
    reflow_graph *graph = rig_graph();
    rig_node(graph, "g", "Good");
    reflow_network *network = rig_network(runtime, graph);
    if (runtime_first) reflow_runtime_destroy(runtime);
    if (!runtime_first) reflow_network_destroy(network);
    CHECK(ends == 0);
    if (runtime_first) reflow_network_destroy(network);
    if (!runtime_first) reflow_runtime_destroy(runtime);
    CHECK(ends == 1);
    reflow_graph_destroy(graph);
}

/* A network has the components of its beginning. */
static void test_later(void) {
    runtime = rig_runtime(&rig_inline);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "g", "Good");
    reflow_network *network = NULL;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_create(runtime, graph, &network, &e));
    reflow_component component = good();
    WORKS(reflow_runtime_register(runtime, &component, &e));
    network = rig_network(runtime, graph);
    ends = 0;
    FAILS(REFLOW_ERROR_ALREADY_EXISTS, reflow_runtime_register(runtime, &component, &e));
    CHECK(ends == 1);
    WORKS(reflow_network_start(network, &e));
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
    CHECK(ends == 2);
}

int main(void) {
    check_time_limit(30);
    runtime = rig_runtime(&rig_inline);
    test_refused();
    test_refused_ports();
    test_sizes();
    test_list();
    test_user_data(true);
    test_user_data(false);
    test_later();
    return 0;
}
