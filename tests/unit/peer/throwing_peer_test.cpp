// Callbacks of peers that throw: a line of the log tells it, and links go on. Through the C interface, as a
// host in C++ has it, with two peers of one runtime on this machine.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "../host_rig.hpp"
#include "reflow.h"

namespace {

using host_rig::name;
using host_rig::seen;
using host_rig::throws;
using host_rig::view;

void log(void*, reflow_log_level, reflow_view, reflow_view, reflow_view of) { seen.log(of); }
void events(void*, reflow_message, uint64_t) { seen.throws("events"); }
void fate(void*, reflow_peer_fate, reflow_status, reflow_view) { seen.throws("fate"); }
void undelivered(void*, reflow_view, reflow_message, reflow_status, reflow_view) { seen.throws("undelivered"); }
void request(void*, const reflow_http_request* of, reflow_http_reply* reply) {
    // The one has answered, the other has not.
    if (std::string_view(of->path.data, of->path.size) == "/answered") {
        EXPECT_EQ(REFLOW_OK, reflow_http_reply_send(reply, 200, view("text/plain"), view("fine"), nullptr));
    } else {
        reflow_http_reply_destroy(reply);
    }
    seen.throws("request");
}

reflow_status pass(reflow_context* context, void*, reflow_packet* inputs, size_t count) {
    for (size_t i = 0; i < count; ++i) (void)reflow_context_emit(context, 0, reflow_message_take(&inputs[i].message));
    return REFLOW_OK;
}

struct Side {
    reflow_network* network = nullptr;
    reflow_output* output = nullptr;
    reflow_peer* peer = nullptr;
};

class ThrowingPeer : public testing::Test {
protected:
    void SetUp() override {
        seen.reset();
        reflow_runtime_options options{};
        options.struct_size = sizeof options;
        options.workers = 2;
        options.log = log;
        ASSERT_EQ(REFLOW_OK, reflow_runtime_create(&options, &runtime, nullptr));
        reflow_component component{};
        component.run = pass;
        host_rig::register_one_way(runtime, "Pass", component);
        ASSERT_EQ(REFLOW_OK, reflow_graph_create(view("g"), &graph, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_graph_add_node(graph, view("a"), view("Pass"), reflow_message{}, nullptr));
    }
    void TearDown() override {
        for (Side* side : {&alpha, &beta}) {
            reflow_peer_destroy(side->peer);
            reflow_output_destroy(side->output);
            reflow_network_destroy(side->network);
        }
        reflow_graph_destroy(graph);
        reflow_runtime_destroy(runtime);
    }
    void open(Side& side, const char* id) {
        ASSERT_EQ(REFLOW_OK, reflow_network_create(runtime, graph, &side.network, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_open_output(side.network, view("a"), view("out"), 0, &side.output, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_network_start(side.network, nullptr));
        reflow_peer_options options{};
        options.struct_size = sizeof options;
        options.network_id = view(id);
        options.instance_id = view("1");
        options.bind_address = view("127.0.0.1");
        options.heartbeat_interval_ms = 5000;  // deadlines are looked at once in a quarter of it
        ASSERT_EQ(REFLOW_OK, reflow_peer_create(runtime, &options, &side.peer, nullptr));
        ASSERT_EQ(REFLOW_OK, reflow_peer_attach(side.peer, side.network, nullptr));
    }
    void send() {
        reflow_peer_send_options options{};
        options.struct_size = sizeof options;
        options.timeout_ms = 100'000;
        ASSERT_EQ(REFLOW_OK, reflow_peer_send_told(beta.peer, view("alpha"), view("a"), view("in"),
                                                   reflow_message_integer(1), &options, fate, nullptr, nullptr));
        reflow_message got{};
        size_t count = 0;
        ASSERT_EQ(REFLOW_OK, reflow_output_recv_many(alpha.output, &got, 1, 100'000, &count, nullptr));
    }
    std::string ask(const char* path) {
        sockaddr_in to{};
        const int number = socket(AF_INET, SOCK_STREAM, 0);
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(reflow_peer_port(alpha.peer)));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval patience{120, 0};
        EXPECT_EQ(0, setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
        EXPECT_EQ(0, connect(number, reinterpret_cast<sockaddr*>(&to), sizeof to));
        const std::string text = std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        EXPECT_EQ(static_cast<ssize_t>(text.size()), ::send(number, text.data(), text.size(), MSG_NOSIGNAL));
        std::string got;
        char some[4096];
        for (ssize_t size = 0; (size = recv(number, some, sizeof some, 0)) > 0;) got.append(some, static_cast<std::size_t>(size));
        close(number);
        return got;
    }

    reflow_runtime* runtime = nullptr;
    reflow_graph* graph = nullptr;
    Side alpha, beta;
};

TEST_F(ThrowingPeer, GoesOn) {
    open(alpha, "alpha");
    open(beta, "beta");
    reflow_peer_event_options watch{};
    watch.struct_size = sizeof watch;
    watch.callback = events;
    watch.user_data = name("end of events");
    watch.destroy = throws;
    reflow_peer_subscription* subscription = nullptr;
    ASSERT_EQ(REFLOW_OK, reflow_peer_subscribe(beta.peer, &watch, &subscription, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_peer_on_http(alpha.peer, request, name("end of requests"), throws, nullptr, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_peer_start(alpha.peer, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_peer_start(beta.peer, nullptr));
    const std::string where = "tcp://127.0.0.1:" + std::to_string(reflow_peer_port(alpha.peer));
    ASSERT_EQ(REFLOW_OK, reflow_peer_connect(beta.peer, view(where), 100'000, nullptr, nullptr));
    seen.wait("events");
    seen.wait_line("callback of events: enough of events");

    send();
    seen.wait("fate");
    seen.wait_line("callback of a fate: enough of fate");
    EXPECT_NE(std::string::npos, ask("/").find(" 500 "));
    seen.wait_line("callback of HTTP requests: enough of request");
    EXPECT_NE(std::string::npos, ask("/answered").find("fine"));
    seen.wait("request", 2);

    reflow_delivery_options kept{};
    kept.struct_size = sizeof kept;
    kept.deadline_ms = 1;
    kept.undelivered = undelivered;
    kept.user_data = name("end of delivery");
    kept.destroy = throws;
    ASSERT_EQ(REFLOW_OK, reflow_peer_set_delivery(beta.peer, view("gamma"), view("a"), &kept, nullptr));
    ASSERT_EQ(REFLOW_OK, reflow_peer_send(beta.peer, view("gamma"), view("a"), view("in"), reflow_message_integer(1),
                                          view("test"), 0, nullptr));
    seen.wait("undelivered");
    seen.wait_line("callback undelivered: enough of undelivered");

    send();
    seen.wait("fate", 2);
    reflow_peer_subscription_destroy(subscription);
    seen.wait("end of events");
    reflow_peer_destroy(std::exchange(beta.peer, nullptr));
    seen.wait("end of delivery");
    reflow_peer_destroy(std::exchange(alpha.peer, nullptr));
    seen.wait("end of requests");
}

}  // namespace
