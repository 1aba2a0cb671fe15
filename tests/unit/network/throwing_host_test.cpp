// Callbacks that tell a host something, or end what it gave, and throw: a line of the log tells it, unless that
// throws as well, and all goes on. Through the C interface, as a host in C++ has it.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "../host_rig.hpp"
#include "reflow.h"

namespace {

using host_rig::name;
using host_rig::seen;
using host_rig::text;
using host_rig::throws;
using host_rig::view;

// The firing that was kept open last.
class Kept {
public:
    void put(reflow_completion open) {
        std::lock_guard lock(mutex_);
        open_ = open;
        changed_.notify_all();
    }
    reflow_completion take() {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(2), [&] { return open_.id != 0; }));
        return std::exchange(open_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    reflow_completion open_{};
} kept;

void log(void*, reflow_log_level, reflow_view subsystem, reflow_view, reflow_view of) {
    if (text(subsystem) == "host") seen.log(of);
    seen.throws("log");
}
reflow_status print(void*, reflow_view, reflow_view) { seen.throws("print"); }
void thread_start(void*) { seen.throws("thread_start"); }
void thread_stop(void*) { seen.throws("thread_stop"); }
void wake(void*) { seen.throws("wake"); }
void end_runtime(void*) { seen.throws("end of the runtime"); }
void idle(void*, const reflow_error*) { seen.throws("on_idle"); }
void writable(void*, reflow_inport) { seen.throws("on_writable"); }
void events(void*, const reflow_event_batch*, uint64_t) { seen.throws("events"); }
bool condition(void*, reflow_message) { seen.throws("condition"); }
void cancelled(void*, reflow_completion) { seen.throws("on_cancel"); }
void room(void*, reflow_completion) { seen.throws("room"); }
reflow_decision decide(void*, const reflow_escalation*) { seen.throws("failures"); }
reflow_status transform(void*, reflow_message, reflow_message* out) {
    *out = reflow_message_integer(1);
    seen.throws("transform");
}

enum : std::int64_t { PASS = 1, FAIL = 2, KEEP = 3, PRINT = 4 };

reflow_status run(reflow_context* context, void*, reflow_packet* inputs, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        std::int64_t number = 0;
        (void)reflow_message_get_integer(inputs[i].message, &number);
        if (number == FAIL) return reflow_context_fail(context, REFLOW_ERROR_FAILED, view("no"), view(""));
        if (number == PRINT) {
            reflow_status status = reflow_context_print(context, view("line\n"));
            if (status != REFLOW_OK) return status;
        }
        if (number == KEEP) {
            reflow_completion opened{};
            EXPECT_EQ(REFLOW_OK, reflow_context_defer(context, i, &opened));
            EXPECT_EQ(REFLOW_OK, reflow_completion_on_cancel(opened, cancelled, name("end of on_cancel"), throws));
            kept.put(opened);
        }
        if (number == PASS) (void)reflow_context_emit(context, 0, reflow_message_take(&inputs[i].message));
    }
    return REFLOW_OK;
}

class ThrowingHost : public testing::TestWithParam<reflow_mode> {
protected:
    void SetUp() override {
        seen.reset();
        reflow_runtime_options options{};
        options.struct_size = sizeof options;
        options.mode = GetParam();
        options.workers = GetParam() == REFLOW_MODE_OWN ? 2 : 0;
        options.port_capacity = 4;
        options.log = log;
        options.print = print;
        options.thread_start = thread_start;
        options.thread_stop = thread_stop;
        options.wake = GetParam() == REFLOW_MODE_HOSTED ? wake : nullptr;
        options.destroy = end_runtime;
        ASSERT_EQ(REFLOW_OK, reflow_runtime_create(&options, &runtime, nullptr));
        reflow_component component{};
        component.run = run;
        component.user_data = name("end of the component");
        component.destroy = throws;
        host_rig::register_one_way(runtime, "Every", component);
        const std::string_view document =
            R"({"processes":{"a":{"component":"Every","metadata":{"failure":{"then":"escalate"}}}},"connections":[]})";
        ASSERT_EQ(REFLOW_OK, reflow_graph_load(view(document), REFLOW_FORMAT_JSON, view("g"), &graph, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_create(runtime, graph, &network, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_find_inport(network, view("a"), view("in"), &inport, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_open_output(network, view("a"), view("out"), 0, &output, nullptr));
    }
    void TearDown() override {
        reflow_output_destroy(output);
        reflow_network_destroy(network);
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
        seen.wait("end of the component");
        seen.wait("end of the runtime");
        if (GetParam() == REFLOW_MODE_OWN) {
            seen.wait("thread_start", 2);
            seen.wait("thread_stop", 2);
            seen.wait_line("callback thread_start: enough of thread_start");
            seen.wait_line("callback thread_stop: enough of thread_stop");
        }
        if (GetParam() == REFLOW_MODE_HOSTED) seen.wait_line("callback wake: enough of wake");
    }
    void send(std::int64_t number) {
        ASSERT_EQ(REFLOW_OK, reflow_network_send(network, inport, reflow_message_integer(number), 100'000, nullptr));
    }
    void run_some() {
        bool more = GetParam() != REFLOW_MODE_OWN;
        while (more) ASSERT_EQ(REFLOW_OK, reflow_runtime_run(runtime, 100, &more, nullptr));
    }
    void settle() { ASSERT_EQ(REFLOW_OK, reflow_network_wait_idle(network, 100'000, nullptr)); }
    // What goes in comes out.
    void works() {
        send(PASS);
        reflow_message got{};
        size_t count = 0;
        ASSERT_EQ(REFLOW_OK, reflow_output_recv_many(output, &got, 1, 100'000, &count, nullptr));
        settle();
    }

    reflow_runtime* runtime = nullptr;
    reflow_graph* graph = nullptr;
    reflow_network* network = nullptr;
    reflow_output* output = nullptr;
    reflow_inport inport{};
};

TEST_P(ThrowingHost, Listeners) {
    reflow_event_options options{};
    options.struct_size = sizeof options;
    options.callback = events;
    options.user_data = name("end of events");
    options.destroy = throws;
    reflow_subscription* subscription = nullptr;
    ASSERT_EQ(REFLOW_OK, reflow_network_subscribe(network, &options, &subscription, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_output_on_readable(output, throws, name("on_readable"), throws, nullptr));
    works();
    seen.wait("on_readable");
    seen.wait_line("enough of on_readable");
    seen.wait("events");
    seen.wait_line("callback of events: enough of events");

    ASSERT_EQ(REFLOW_OK,
              reflow_network_on_idle(network, idle, name("end of on_idle"), throws, nullptr, nullptr));
    seen.wait("on_idle");
    seen.wait_line("callback on_idle: enough of on_idle");
    seen.wait("end of on_idle");
    seen.wait_line("callback destroy: enough of end of on_idle");

    ASSERT_EQ(REFLOW_OK, reflow_network_on_writable(network, inport, writable, name("end of on_writable"), throws,
                                                    nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_pause(network, view(""), 100'000, nullptr));
    reflow_status status = REFLOW_OK;
    for (int i = 0; i < 100 && status == REFLOW_OK; ++i) {
        status = reflow_network_try_send(network, inport, reflow_message_integer(0), nullptr);
    }
    ASSERT_EQ(REFLOW_ERROR_WOULD_BLOCK, status);
    ASSERT_EQ(REFLOW_OK, reflow_network_resume(network, view(""), nullptr));
    settle();
    seen.wait("on_writable");
    seen.wait_line("callback on_writable: enough of on_writable");
    ASSERT_EQ(REFLOW_OK, reflow_network_on_writable(network, inport, nullptr, nullptr, nullptr, nullptr));
    seen.wait("end of on_writable");
    works();
    reflow_subscription_destroy(subscription);
    seen.wait("end of events");
    works();
}

TEST_P(ThrowingHost, Print) {
    ASSERT_EQ(REFLOW_OK, reflow_network_on_failure(network, decide, name("end of failures"), throws, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    works();
    // The firing fails, and nobody decides.
    send(PRINT);
    EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_network_wait_idle(network, 100'000, nullptr));
    seen.wait("print");
    seen.wait_line("callback print: enough of print");
    seen.wait("failures");
    seen.wait_line("callback of failures: enough of failures");
    EXPECT_EQ(REFLOW_OK, reflow_network_stop(network, 100'000, nullptr));
    reflow_output_destroy(std::exchange(output, nullptr));
    reflow_network_destroy(std::exchange(network, nullptr));
    seen.wait("end of failures");

    // Another network of the runtime goes on.
    ASSERT_EQ(REFLOW_OK, reflow_network_create(runtime, graph, &network, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_find_inport(network, view("a"), view("in"), &inport, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_open_output(network, view("a"), view("out"), 0, &output, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    works();
}

TEST_P(ThrowingHost, Breakpoint) {
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    reflow_break_options options{};
    options.struct_size = sizeof options;
    options.node = view("a");
    options.condition = condition;
    options.user_data = name("end of the condition");
    options.destroy = throws;
    reflow_breakpoint made{};
    ASSERT_EQ(REFLOW_OK, reflow_network_break(network, &options, &made, nullptr));
    send(PASS);
    // It stops there, as it would without a condition.
    EXPECT_EQ(REFLOW_ERROR_WOULD_BLOCK, reflow_network_wait_idle(network, 100'000, nullptr));
    seen.wait("condition");
    seen.wait_line("callback condition: enough of condition");
    ASSERT_EQ(REFLOW_OK, reflow_network_unbreak(network, made, nullptr));
    seen.wait("end of the condition");
    ASSERT_EQ(REFLOW_OK, reflow_network_resume(network, view(""), nullptr));
    settle();
    works();
}

TEST_P(ThrowingHost, Completions) {
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    // Told at once, when there is room.
    send(KEEP);
    run_some();
    reflow_completion open = kept.take();
    EXPECT_EQ(REFLOW_OK, reflow_completion_on_writable(open, room, name("end of room"), throws));
    seen.wait("room");
    seen.wait("end of room");
    // The end of the callback for cancelling.
    EXPECT_EQ(REFLOW_OK, reflow_completion_resolve(open));
    seen.wait("end of on_cancel");
    settle();
    works();
    // Cancelled.
    send(KEEP);
    run_some();
    open = kept.take();
    ASSERT_EQ(REFLOW_OK, reflow_network_stop(network, 100'000, nullptr));
    seen.wait("on_cancel");
    seen.wait("end of on_cancel", 2);
    seen.wait_line("callback of a completion: enough of on_cancel");
}

TEST_P(ThrowingHost, Streams) {
    ASSERT_EQ(REFLOW_OK, reflow_network_start(network, nullptr));
    reflow_stream_options options{};
    options.struct_size = sizeof options;
    options.max_frames = 1;
    reflow_stream_writer* writers[2] = {};
    reflow_stream_reader* readers[2] = {};
    for (int i = 0; i < 2; ++i) {
        reflow_message handle{};
        ASSERT_EQ(REFLOW_OK, reflow_stream_create(runtime, &options, &writers[i], &handle, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_stream_accept(runtime, handle, &readers[i], nullptr));
        reflow_message_unref(handle);
    }
    ASSERT_EQ(REFLOW_OK, reflow_stream_on_writable(writers[0], throws, name("stream writable"), throws, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_stream_on_readable(readers[0], throws, name("stream readable"), throws, nullptr));
    reflow_message data{};
    ASSERT_EQ(REFLOW_OK, reflow_message_lend(REFLOW_KIND_BYTES, "abc", 3, throws, name("release"), &data, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_stream_write(writers[0], data, 0));
    seen.wait("stream readable");
    ASSERT_EQ(REFLOW_OK, reflow_stream_end(writers[0]));
    // The transform throws: its text comes to who reads, and the frame stays where it is.
    EXPECT_EQ(REFLOW_ERROR_FAILED, reflow_stream_transform(readers[0], writers[1], transform, nullptr, 100'000));
    reflow_stream_frame frame{};
    size_t count = 0;
    ASSERT_EQ(REFLOW_OK, reflow_stream_read(readers[1], &frame, 1, 100'000, &count));
    EXPECT_EQ(REFLOW_FRAME_BEGIN, frame.kind);
    reflow_message_unref(frame.message);
    ASSERT_EQ(REFLOW_OK, reflow_stream_read(readers[1], &frame, 1, 100'000, &count));
    EXPECT_EQ(REFLOW_FRAME_ERROR, frame.kind);
    reflow_view why{};
    ASSERT_EQ(REFLOW_OK, reflow_message_get_text(frame.message, &why));
    EXPECT_EQ("enough of transform", text(why));
    reflow_message_unref(frame.message);
    ASSERT_EQ(REFLOW_OK, reflow_stream_read(readers[0], &frame, 1, 100'000, &count));
    EXPECT_EQ(REFLOW_FRAME_DATA, frame.kind);
    reflow_message_unref(frame.message);
    seen.wait("release");
    for (int i = 0; i < 2; ++i) {
        reflow_stream_reader_destroy(readers[i]);
        reflow_stream_writer_destroy(writers[i]);
    }
    // In a turn there is a log for what release throws.
    ASSERT_EQ(REFLOW_OK, reflow_message_lend(REFLOW_KIND_STRING, "abc", 3, throws, name("release here"), &data, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_network_send(network, inport, data, 100'000, nullptr));
    settle();
    seen.wait("release here");
    seen.wait_line("callback release: enough of release here");
    works();
}

INSTANTIATE_TEST_SUITE_P(Modes, ThrowingHost,
                         testing::Values(REFLOW_MODE_OWN, REFLOW_MODE_INLINE, REFLOW_MODE_HOSTED));

}  // namespace
