// The client of HTTP against a port of ours, and against sockets that answer nothing.
#include "io/http_client.hpp"

#include "base/text.hpp"
#include "io/wires.hpp"

namespace {

using namespace wires;

// Answers with what was asked; "/long" with many bytes, "/missing" with 404.
struct Mirror : PortHandler {
    WireHandler* accepted(Wire&) override { return nullptr; }
    HttpResponse request(const HttpRequest& request) override {
        HttpResponse response;
        if (request.path == "/missing") response.status = 404;
        response.body = request.path == "/long"
                            ? String(100'000, 'x')
                            : concat(request.method, " ", request.path, " ", request.content_type,
                                     " ", request.authorization, " ", request.body);
        return response;
    }
};

// A listener that nobody accepts from: who connects waits.
struct Deaf {
    Deaf() {
        descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(listen(descriptor, 16), 0);
        socklen_t size = sizeof at;
        EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr*>(&at), &size), 0);
        port = ntohs(at.sin_port);
    }
    ~Deaf() { ::close(descriptor); }
    int descriptor;
    std::uint16_t port = 0;
};

class HttpClientTest : public ::testing::Test {
protected:
    HttpClientTest() {
        auto host = WireHost::create({});
        EXPECT_TRUE(host.ok());
        all = std::move(host).take();
        EXPECT_TRUE(all->listen("127.0.0.1", 0, {}, mirror, &port).ok());
        auto made = HttpClient::create({});
        EXPECT_TRUE(made.ok());
        client = std::move(made).take();
    }
    HttpCall call(std::string_view path) const {
        HttpCall to;
        to.url = concat("http://127.0.0.1:", port, path);
        return to;
    }
    HttpAnswer ask(HttpCall to) {
        HttpAnswer answer;
        bool there = false;
        EXPECT_TRUE(client->ask(std::move(to), [&](HttpAnswer came) {
            std::lock_guard lock(bell.mutex);
            answer = std::move(came);
            there = true;
            bell.rung.notify_all();
        }));
        EXPECT_TRUE(bell.wait([&] { return there; }));
        return answer;
    }
    Bell bell;
    Mirror mirror;
    std::unique_ptr<WireHost> all;
    std::uint16_t port = 0;
    std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientTest, SaysWhatItIsToldAndHearsTheAnswer) {
    HttpAnswer answer = ask(call("/a"));
    EXPECT_EQ(answer.status, REFLOW_OK) << answer.problem;
    EXPECT_EQ(answer.code, 200);
    EXPECT_EQ(answer.body, "GET /a   ");
    for (std::string_view method : {"POST", "DELETE", "PUT"}) {
        HttpCall post = call("/b");
        post.method = method;
        post.content_type = "application/json";
        post.body = "{\"a\":1}";
        post.token = "secret";
        answer = ask(post);
        EXPECT_EQ(answer.body, concat(method, " /b application/json Bearer secret {\"a\":1}"));
    }
    answer = ask(call("/missing"));
    EXPECT_EQ(answer.status, REFLOW_OK);
    EXPECT_EQ(answer.code, 404);
}

TEST_F(HttpClientTest, LongAnswersAreRefused) {
    HttpCall to = call("/long");
    to.answer_bytes = 100'000;
    EXPECT_EQ(ask(to).body.size(), 100'000u);
    to.answer_bytes = 99'999;
    HttpAnswer answer = ask(to);
    EXPECT_EQ(answer.status, REFLOW_ERROR_LIMIT);
    EXPECT_NE(answer.problem.find("99999 bytes"), String::npos) << answer.problem;
    EXPECT_EQ(answer.body, "");
}

TEST_F(HttpClientTest, FailuresSayWhatTheyAre) {
    std::uint16_t gone = 0;
    { gone = Deaf().port; }
    HttpCall nobody;
    nobody.url = concat("http://127.0.0.1:", gone, "/");
    EXPECT_EQ(ask(nobody).status, REFLOW_ERROR_REFUSED);
    Deaf deaf;
    HttpCall late;
    late.url = concat("http://127.0.0.1:", deaf.port, "/");
    late.timeout_ms = 50;
    HttpAnswer answer = ask(late);
    EXPECT_EQ(answer.status, REFLOW_ERROR_TIMEOUT);
    EXPECT_NE(answer.problem, "");
    HttpCall secure = call("/");
    secure.url.replace(0, 4, "https");
    EXPECT_EQ(ask(secure).status, REFLOW_ERROR_IO);
    HttpCall other;
    other.url = "file:///etc/passwd";
    EXPECT_EQ(ask(other).status, REFLOW_ERROR_IO);
}

TEST_F(HttpClientTest, ManyAtOnceAndOneFromInsideOfAnother) {
    constexpr int count = 64;
    int there = 0;
    for (int i = 0; i < count; ++i) {
        client->ask(call("/first"), [&](HttpAnswer) {
            client->ask(call("/second"), [&](HttpAnswer answer) {
                std::lock_guard lock(bell.mutex);
                there += answer.body.starts_with("GET /second");
                bell.rung.notify_all();
            });
        });
    }
    EXPECT_TRUE(bell.wait([&] { return there == count; }));
}

TEST_F(HttpClientTest, WhatIsUnderWayIsCancelled) {
    Deaf deaf;
    HttpCall never;
    never.url = concat("http://127.0.0.1:", deaf.port, "/");
    never.timeout_ms = 3'600'000;
    int cancelled = 0;
    for (int i = 0; i < 5; ++i) {
        client->ask(never, [&](HttpAnswer answer) {
            cancelled += answer.status == REFLOW_ERROR_CANCELLED;
        });
    }
    client.reset();
    EXPECT_EQ(cancelled, 5);
}

}  // namespace
