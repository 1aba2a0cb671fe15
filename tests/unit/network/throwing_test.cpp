// Callbacks of a host that throw: a failure of that call, with the text and the node, and the network
// goes on. Through the C interface, as a host in C++ has it.
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../host_rig.hpp"
#include "reflow.h"

namespace {

using host_rig::text;
using host_rig::view;

enum class At { nowhere, create, setup, run, finish, teardown, destroy_state, save, load, visit };

At where = At::nowhere;
std::function<void()> what;

void pass(At at) {
    if (at == where) what();
}

reflow_status create(reflow_context*, void*, void** state) {
    *state = &where;
    pass(At::create);
    return REFLOW_OK;
}
reflow_status setup(reflow_context*, void*) {
    pass(At::setup);
    return REFLOW_OK;
}
reflow_status run(reflow_context* context, void*, reflow_packet* inputs, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        std::int64_t number = 0;
        (void)reflow_message_get_integer(inputs[i].message, &number);
        if (number == 1) pass(At::run);
        (void)reflow_context_emit(context, 0, reflow_message_take(&inputs[i].message));
    }
    return REFLOW_OK;
}
reflow_status finish(reflow_context*, void*) {
    pass(At::finish);
    return REFLOW_OK;
}
void teardown(reflow_context*, void*) { pass(At::teardown); }
void destroy_state(void*) { pass(At::destroy_state); }
reflow_status save(reflow_context*, void*, reflow_message* saved) {
    *saved = reflow_message_integer(7);
    pass(At::save);
    return REFLOW_OK;
}
reflow_status load(reflow_context*, void*, uint32_t, reflow_message) {
    pass(At::load);
    return REFLOW_OK;
}
reflow_status visit(reflow_context*, void*, void*) {
    pass(At::visit);
    return REFLOW_OK;
}

std::vector<std::string> logged;
void log(void*, reflow_log_level level, reflow_view, reflow_view node, reflow_view of) {
    if (level == REFLOW_LOG_ERROR) logged.push_back(text(node) + ": " + text(of));
}

// Ends with the error of a call, as a text with status and node.
struct Error {
    ~Error() { reflow_error_destroy(raw); }
    std::string take() {
        reflow_place place{};
        place.struct_size = sizeof place;
        if (raw == nullptr || reflow_error_place(raw, &place) != REFLOW_OK) return {};
        std::string all = text(place.node) + ": " + text(reflow_error_message(raw));
        reflow_error_destroy(raw);
        raw = nullptr;
        return all;
    }
    reflow_error* raw = nullptr;
};

class Throwing : public testing::TestWithParam<reflow_mode> {
protected:
    void SetUp() override {
        where = At::nowhere;
        what = [] { throw std::runtime_error("no more \xff paper"); };
        logged.clear();
        reflow_runtime_options options{};
        options.struct_size = sizeof options;
        options.mode = GetParam();
        options.log = log;
        ASSERT_EQ(REFLOW_OK, reflow_runtime_create(&options, &runtime, nullptr));
        reflow_component component{};
        component.create = create;
        component.setup = setup;
        component.run = run;
        component.finish = finish;
        component.teardown = teardown;
        component.destroy_state = destroy_state;
        component.save = save;
        component.load = load;
        host_rig::register_one_way(runtime, "Thrower", component);
        ASSERT_EQ(REFLOW_OK, reflow_graph_create(view("g"), &graph, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_graph_add_node(graph, view("a"), view("Thrower"), reflow_message{}, nullptr));
    }
    void TearDown() override {
        reflow_output_destroy(output);
        reflow_network_destroy(network);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
    }
    void make() {
        ASSERT_EQ(REFLOW_OK, reflow_network_create(runtime, graph, &network, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_find_inport(network, view("a"), view("in"), &inport, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_open_output(network, view("a"), view("out"), 0, &output, nullptr));
    }
    // The network works: what goes in comes out.
    void works() {
        where = At::nowhere;
        ASSERT_EQ(REFLOW_OK, reflow_network_send(network, inport, reflow_message_integer(5), 1000, nullptr));
        reflow_message got{};
        size_t count = 0;
        ASSERT_EQ(REFLOW_OK, reflow_output_recv_many(output, &got, 1, 10000, &count, nullptr));
        std::int64_t number = 0;
        EXPECT_EQ(REFLOW_OK, reflow_message_get_integer(got, &number));
        EXPECT_EQ(5, number);
        reflow_message_unref(got);
    }

    reflow_runtime* runtime = nullptr;
    reflow_graph* graph = nullptr;
    reflow_network* network = nullptr;
    reflow_output* output = nullptr;
    reflow_inport inport{};
    Error error;
};

constexpr const char* told = "a: no more \xef\xbf\xbd paper";

TEST_P(Throwing, Create) {
    where = At::create;
    EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_network_create(runtime, graph, &network, &error.raw));
    EXPECT_NE(std::string::npos, error.take().find(told));
    EXPECT_EQ(nullptr, network);
    where = At::nowhere;
    make();
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    works();
}

TEST_P(Throwing, Setup) {
    make();
    where = At::setup;
    EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_network_start(network, &error.raw));
    EXPECT_NE(std::string::npos, error.take().find(told));
    where = At::nowhere;
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    works();
}

TEST_P(Throwing, Run) {
    make();
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    std::vector<std::string> texts;
    for (int kind = 0; kind < 3; ++kind) {
        if (kind == 1) what = [] { throw 3; };
        if (kind == 2) what = [] { throw std::bad_alloc(); };
        where = At::run;
        ASSERT_EQ(REFLOW_OK, reflow_network_send(network, inport, reflow_message_integer(1), 1000, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_wait_idle(network, 10000, nullptr));
        works();
    }
    reflow_message list{}, letter{}, message{};
    ASSERT_EQ(REFLOW_OK, reflow_network_list_dead_letters(network, view(""), 0, 10, &list, nullptr));
    ASSERT_EQ(3u, reflow_message_count(list));
    for (size_t i = 0; i < 3; ++i) {
        reflow_view of{};
        ASSERT_EQ(REFLOW_OK, reflow_message_get_at(list, i, &letter));
        ASSERT_EQ(REFLOW_OK, reflow_message_get(letter, view("message"), &message));
        ASSERT_EQ(REFLOW_OK, reflow_message_get_text(message, &of));
        texts.push_back(text(of));
    }
    reflow_message_unref(list);
    EXPECT_EQ("no more \xef\xbf\xbd paper", texts[0]);
    EXPECT_EQ("it threw what is no std::exception", texts[1]);
    EXPECT_NE(std::string::npos, texts[2].find("memory")) << texts[2];
    reflow_node_counters counters{};
    counters.struct_size = sizeof counters;
    ASSERT_EQ(REFLOW_OK, reflow_network_counters(network, view("a"), &counters, nullptr));
    EXPECT_EQ(3u, counters.failed);
}

TEST_P(Throwing, Finish) {
    make();
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    works();
    where = At::finish;
    EXPECT_EQ(REFLOW_OK, reflow_network_drain(network, 10000, nullptr));
    EXPECT_EQ(REFLOW_OK, reflow_network_stop(network, 10000, nullptr));
    reflow_node_counters counters{};
    counters.struct_size = sizeof counters;
    ASSERT_EQ(REFLOW_OK, reflow_network_counters(network, view("a"), &counters, nullptr));
    EXPECT_EQ(1u, counters.failed);
}

TEST_P(Throwing, Ends) {
    for (At at : {At::teardown, At::destroy_state}) {
        logged.clear();
        make();
        ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
        works();
        where = at;
        EXPECT_EQ(REFLOW_OK, reflow_network_stop(network, 10000, nullptr));
        reflow_output_destroy(std::exchange(output, nullptr));
        reflow_network_destroy(std::exchange(network, nullptr));
        where = At::nowhere;
        ASSERT_EQ(1u, logged.size());
        EXPECT_EQ(0u, logged[0].find(std::string("a: ") + (at == At::teardown ? "teardown" : "destroy_state")));
        EXPECT_NE(std::string::npos, logged[0].find("no more"));
    }
}

TEST_P(Throwing, States) {
    make();
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    reflow_message snapshot{};
    where = At::save;
    EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_network_snapshot(network, 1000, &snapshot, &error.raw));
    EXPECT_NE(std::string::npos, error.take().find(told));
    where = At::visit;
    EXPECT_EQ(REFLOW_ERROR_FAILED,
              reflow_network_with_state(network, view("a"), view(""), visit, nullptr, 1000, &error.raw));
    EXPECT_NE(std::string::npos, error.take().find(told));
    works();
    ASSERT_EQ(REFLOW_OK, reflow_network_snapshot(network, 1000, &snapshot, nullptr));
    reflow_output_destroy(std::exchange(output, nullptr));
    reflow_network_destroy(std::exchange(network, nullptr));
    make();
    for (At at : {At::load, At::create}) {
        where = at;
        EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_network_restore(network, snapshot, &error.raw));
        EXPECT_NE(std::string::npos, error.take().find(told));
    }
    where = At::nowhere;
    EXPECT_EQ(REFLOW_OK, reflow_network_restore(network, snapshot, nullptr));
    reflow_message_unref(snapshot);
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    works();
}

TEST_P(Throwing, Change) {
    make();
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    reflow_graph* other = nullptr;
    ASSERT_EQ(REFLOW_OK, reflow_graph_copy(graph, &other, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_graph_set_config_value(other, view("a"), view("key"), reflow_message_integer(1), nullptr));
    for (At at : {At::create, At::save, At::load, At::setup}) {
        where = at;
        EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_network_apply(network, other, nullptr, nullptr, &error.raw));
        EXPECT_NE(std::string::npos, error.take().find(told));
        works();
    }
    EXPECT_EQ(REFLOW_OK, reflow_network_apply(network, other, nullptr, nullptr, nullptr));
    reflow_graph_destroy(other);
    works();
}

INSTANTIATE_TEST_SUITE_P(Modes, Throwing, testing::Values(REFLOW_MODE_OWN, REFLOW_MODE_INLINE, REFLOW_MODE_SIMULATED));

}  // namespace
