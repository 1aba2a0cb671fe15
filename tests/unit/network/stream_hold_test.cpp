// Handles of streams that rest with nobody who may take them: in a network that has stopped, wherever its packets
// were, and in dead letters. Their writers, hosts, are not to wait.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../host_rig.hpp"
#include "reflow.h"

namespace {

using host_rig::view;

// Keeps what it is given.
reflow_status keep(reflow_context* context, void*, reflow_packet*, size_t) {
    (void)reflow_context_wake_after(context, UINT64_C(3'600'000'000'000));
    return reflow_context_again(context);
}
// Emits what is in an array.
reflow_status spread(reflow_context* context, void*, reflow_packet* inputs, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        for (size_t n = 0; n < reflow_message_count(inputs[i].message); ++n) {
            reflow_message one{};
            (void)reflow_message_get_at(inputs[i].message, n, &one);
            reflow_message_ref(one);
            if (reflow_context_emit(context, 0, one) != REFLOW_OK) reflow_message_unref(one);
        }
    }
    return REFLOW_OK;
}
reflow_status fail(reflow_context* context, void*, reflow_packet*, size_t) {
    return reflow_context_fail(context, REFLOW_ERROR_FAILED, view("no"), view(""));
}
// Is pending when it fails, or for ever.
reflow_status later(reflow_context* context, void* state, reflow_packet*, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        reflow_completion opened{};
        EXPECT_EQ(REFLOW_OK, reflow_context_defer(context, i, &opened));
        if (state != nullptr) {
            EXPECT_EQ(REFLOW_OK, reflow_completion_fail(opened, REFLOW_ERROR_FAILED, view("no"), view("")));
        }
    }
    return REFLOW_OK;
}

class StreamHold : public testing::TestWithParam<reflow_mode> {
protected:
    void SetUp() override {
        reflow_runtime_options options{};
        options.struct_size = sizeof options;
        options.mode = GetParam();
        options.workers = GetParam() == REFLOW_MODE_OWN ? 2 : 0;
        ASSERT_EQ(REFLOW_OK, reflow_runtime_create(&options, &runtime, nullptr));
        add("Keep", keep, nullptr, 1);
        add("KeepAll", keep, nullptr, 64);
        add("Spread", spread, nullptr, 1);
        add("Fail", fail, nullptr, 1);
        add("Pending", later, nullptr, 1);
        add("FailLater", later, this, 1);
    }
    void TearDown() override {
        for (reflow_stream_writer* writer : writers) reflow_stream_writer_destroy(writer);
        reflow_network_destroy(network);
        reflow_runtime_destroy(runtime);
    }
    void add(const char* id, reflow_run_fn run, void* state, std::uint32_t batch) {
        reflow_component component{};
        component.run = run;
        component.max_batch = batch;
        component.user_data = state;
        host_rig::register_one_way(runtime, id, component);
    }
    void start(std::string_view document) {
        reflow_graph* graph = nullptr;
        ASSERT_EQ(REFLOW_OK, reflow_graph_load(view(document), REFLOW_FORMAT_JSON, view("g"), &graph, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_create(runtime, graph, &network, nullptr));
        reflow_graph_destroy(graph);
        ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    }
    reflow_message open() {
        reflow_message handle{};
        writers.emplace_back();
        EXPECT_EQ(REFLOW_OK, reflow_stream_create(runtime, nullptr, &writers.back(), &handle, nullptr));
        return handle;
    }
    void send(const char* node, reflow_message message) {
        reflow_inport inport{};
        ASSERT_EQ(REFLOW_OK, reflow_network_find_inport(network, view(node), view("in"), &inport, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_send(network, inport, message, 100'000, nullptr));
    }
    // Those of a node so far; it runs if somebody has to see to that.
    reflow_node_counters counters(const char* node) {
        reflow_node_counters now{};
        now.struct_size = sizeof now;
        bool more = GetParam() != REFLOW_MODE_OWN;
        while (more) EXPECT_EQ(REFLOW_OK, reflow_runtime_run(runtime, 1, &more, nullptr));
        EXPECT_EQ(REFLOW_OK, reflow_network_counters(network, view(node), &now, nullptr));
        return now;
    }
    template <typename Is>
    void eventually(Is is) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
        while (!is()) {
            ASSERT_LT(std::chrono::steady_clock::now(), end);
            std::this_thread::yield();
        }
    }
    [[nodiscard]] reflow_status write(std::size_t at) {
        reflow_message data{};
        EXPECT_EQ(REFLOW_OK, reflow_message_bytes("abc", 3, &data, nullptr));
        const reflow_status status = reflow_stream_write(writers[at], data, 0);
        if (status != REFLOW_OK) reflow_message_unref(data);
        return status;
    }

    reflow_runtime* runtime = nullptr;
    reflow_network* network = nullptr;
    std::vector<reflow_stream_writer*> writers;
};

TEST_P(StreamHold, AStoppedNetworkLetsThemGo) {
    start(R"({"processes":{
        "spread":{"component":"Spread"}, "full":{"component":"Keep"}, "all":{"component":"KeepAll"},
        "deal":{"component":"Spread","metadata":{"distribute":{"out":"round-robin"}}},
        "one":{"component":"Keep"}, "two":{"component":"Keep"},
        "again":{"component":"Fail","metadata":{"failure":{"retries":3,"backoff_ms":3600000,"backoff_max_ms":3600000}}},
        "pending":{"component":"Pending"},
        "fails":{"component":"FailLater","metadata":{"failure":{"retries":3,"backoff_ms":3600000,"backoff_max_ms":3600000}}}},
      "connections":[
        {"from":{"nodeId":"spread","portId":"out"},"to":{"nodeId":"full","portId":"in"},"metadata":{"capacity":1}},
        {"from":{"nodeId":"deal","portId":"out"},"to":{"nodeId":"one","portId":"in"},"metadata":{"capacity":1}},
        {"from":{"nodeId":"deal","portId":"out"},"to":{"nodeId":"two","portId":"in"},"metadata":{"capacity":1}}]})");
    // Taken, in the inport, and emitted without room: at an outport that copies, and one that deals.
    for (const char* node : {"spread", "deal"}) {
        reflow_array_builder* builder = nullptr;
        ASSERT_EQ(REFLOW_OK, reflow_array_builder_create(8, &builder, nullptr));
        for (int i = 0; i < 8; ++i) ASSERT_EQ(REFLOW_OK, reflow_array_builder_append(builder, open(), nullptr));
        reflow_message all{};
        ASSERT_EQ(REFLOW_OK, reflow_array_builder_finish(builder, &all, nullptr));
        send(node, all);
        eventually([&] { return counters(node).held_back != 0; });
    }
    // Taken as a batch.
    for (int i = 0; i < 3; ++i) send("all", open());
    // Waits for another attempt, is pending, and both.
    send("again", open());
    eventually([&] { return counters("again").received == 1; });
    send("pending", open());
    eventually([&] { return counters("pending").received == 1; });
    send("fails", open());
    eventually([&] { return counters("fails").received == 1; });
    for (std::size_t i = 0; i < writers.size(); ++i) EXPECT_EQ(REFLOW_OK, write(i));
    ASSERT_EQ(REFLOW_OK, reflow_network_stop(network, 100'000, nullptr));
    for (std::size_t i = 0; i < writers.size(); ++i) EXPECT_EQ(REFLOW_ERROR_CLOSED, write(i)) << i;
}

TEST_P(StreamHold, ADeadLetterLetsThemGo) {
    start(R"({"processes":{"fail":{"component":"Fail"}},"connections":[]})");
    // In a packet of its own, and inside another one.
    send("fail", open());
    reflow_array_builder* builder = nullptr;
    ASSERT_EQ(REFLOW_OK, reflow_array_builder_create(2, &builder, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_array_builder_append(builder, reflow_message_integer(7), nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_array_builder_append(builder, open(), nullptr));
    reflow_message all{};
    ASSERT_EQ(REFLOW_OK, reflow_array_builder_finish(builder, &all, nullptr));
    send("fail", all);
    eventually([&] { return counters("fail").failed == 2; });
    ASSERT_EQ(REFLOW_OK, reflow_network_wait_idle(network, 100'000, nullptr));
    EXPECT_EQ(REFLOW_ERROR_CLOSED, write(0));
    EXPECT_EQ(REFLOW_ERROR_CLOSED, write(1));
    // The rest of the packets is there.
    reflow_message list{}, letter{}, packets{}, packet{}, message{}, seven{};
    ASSERT_EQ(REFLOW_OK, reflow_network_list_dead_letters(network, view(""), 0, 10, &list, nullptr));
    ASSERT_EQ(2u, reflow_message_count(list));
    for (size_t i = 0; i < 2; ++i) {
        ASSERT_EQ(REFLOW_OK, reflow_message_get_at(list, i, &letter));
        ASSERT_EQ(REFLOW_OK, reflow_message_get(letter, view("packets"), &packets));
        ASSERT_EQ(REFLOW_OK, reflow_message_get_at(packets, 0, &packet));
        ASSERT_EQ(REFLOW_OK, reflow_message_get(packet, view("message"), &message));
        EXPECT_EQ(i == 0 ? REFLOW_KIND_STREAM : REFLOW_KIND_ARRAY, reflow_message_kind(message));
    }
    ASSERT_EQ(REFLOW_OK, reflow_message_get_at(message, 0, &seven));
    std::int64_t number = 0;
    EXPECT_EQ(REFLOW_OK, reflow_message_get_integer(seven, &number));
    EXPECT_EQ(7, number);
    reflow_message_unref(list);
}

INSTANTIATE_TEST_SUITE_P(Modes, StreamHold,
                         testing::Values(REFLOW_MODE_OWN, REFLOW_MODE_INLINE, REFLOW_MODE_SIMULATED));

}  // namespace
