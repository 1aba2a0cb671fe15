// Ports against those who do not keep to the rules, HTTP on the same port, timers and addresses.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "io/frame.hpp"
#include "io/http.hpp"
#include "io/wires.hpp"

using namespace wires;

namespace {

class PortTest : public ::testing::Test {
protected:
    void listen(const PortOptions& options = patient_port()) {
        auto listening = all->listen("127.0.0.1", 0, options, door, &port);
        ASSERT_TRUE(listening.ok()) << listening.error().message;
        listener = listening.value();
    }
    ~PortTest() override {
        all.reset();
        ear.wire = nullptr;
        for (auto& each : door.ears) each->wire = nullptr;
    }
    // An echo over a fresh wire: the port serves others.
    void expect_alive(const char* scheme = "ws") {
        Ear mine(bell);
        auto wire = all->dial(at(scheme, port), {}, mine);
        ASSERT_TRUE(wire.ok());
        ASSERT_EQ(wire.value()->send("alive", true), REFLOW_OK);
        ASSERT_TRUE(mine.wait_frames(1)) << mine.reason;
        wire.value()->cut();
        ASSERT_TRUE(mine.wait_closed());
        mine.wire = nullptr;
    }
    std::string upgrade(std::string_view path = "/") {
        return "GET " + std::string(path) +
               " HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    }
    // What a client sends: masked by a mask of zeros, which is one as well.
    static std::string masked(int first, std::string_view body) {
        std::string frame;
        frame.push_back(static_cast<char>(first));
        frame.push_back(static_cast<char>(0x80 | body.size()));
        frame.append(4, '\0');
        return frame.append(body);
    }
    // The code of the close frame that a server sends to these bytes.
    int code_for(const std::string& bytes) {
        Plain socket(port);
        socket.say(upgrade());
        std::string answer = socket.hear("\r\n\r\n");
        EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 101");
        socket.say(bytes);
        shutdown(socket.number(), SHUT_WR);
        std::string said = answer.substr(answer.find("\r\n\r\n") + 4) + socket.hear();
        if (said.size() < 4 || static_cast<unsigned char>(said[0]) != 0x88) return -1;
        return static_cast<unsigned char>(said[2]) << 8 | static_cast<unsigned char>(said[3]);
    }
    Bell bell;
    Door door{bell};
    Ear ear{bell};
    std::unique_ptr<WireHost> all = host();
    std::uint16_t port = 0;
    std::uint64_t listener = 0;
};

TEST_F(PortTest, AcceptKeyOfTheStandardsExample) {
    EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    listen();
    Plain socket(port);
    socket.say(upgrade("/any/path?with=query"));
    std::string answer = socket.hear("\r\n\r\n");
    EXPECT_NE(answer.find("101 Switching Protocols"), std::string::npos);
    EXPECT_NE(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
    ASSERT_NE(door.wait_ear(), nullptr);
    EXPECT_TRUE(door.wait_ear()->wait_open());
}

// Browsers let any page dial this port: those of others are refused. What says no origin is no browser.
TEST_F(PortTest, PagesOfOthersAreNotLetIn) {
    struct Case {
        std::string_view origin, host;
        bool comes, named;
    };
    const Case cases[] = {
        {"", "127.0.0.1:80", true, true},
        {"http://127.0.0.1:80", "127.0.0.1:80", true, true},
        {"https://localhost:80", "LOCALHOST:80", true, true},
        {"http://[::1]:80", "[::1]:80", true, true},
        {"http://127.0.0.1:81", "127.0.0.1:80", false, false},
        {"http://evil.example", "127.0.0.1:80", false, false},
        // A name of theirs that leads here.
        {"http://evil.example:80", "evil.example:80", false, false},
        {"http://127.0.0.1.evil.example", "127.0.0.1.evil.example", false, false},
        {"null", "127.0.0.1:80", false, false},
        {"file://", "", false, false},
        {"ws://127.0.0.1:80", "127.0.0.1:80", false, false},
        {"https://good.example", "peer.example", false, true},
        {"HTTPS://GOOD.example", "peer.example", false, true},
        {"https://good.example.evil.example", "peer.example", false, false},
    };
    const Vector<String> named{"https://good.example"}, everybody{"*"};
    for (const Case& one : cases) {
        EXPECT_EQ(may_come_from(one.origin, one.host, {}), one.comes) << one.origin;
        EXPECT_EQ(may_come_from(one.origin, one.host, named), one.named) << one.origin;
        EXPECT_TRUE(may_come_from(one.origin, one.host, everybody)) << one.origin;
    }
    listen();
    auto answer = [this](std::string more) {
        Plain socket(port);
        std::string words = upgrade();
        words.insert(words.find("\r\n") + 2, more);
        socket.say(words);
        return socket.hear("\r\n\r\n").substr(0, 12);
    };
    EXPECT_EQ(answer("Origin: http://evil.example\r\n"), "HTTP/1.1 403");
    EXPECT_EQ(answer("Origin: http://a\r\nOrigin: http://b\r\n"), "HTTP/1.1 403");
    EXPECT_EQ(answer(""), "HTTP/1.1 101");
    PortOptions options = patient_port();
    options.origins = named;
    listen(options);
    EXPECT_EQ(answer("Origin: https://good.example\r\n"), "HTTP/1.1 101");
}

TEST_F(PortTest, FramesWithTheUpgradeAndInPartsAndPings) {
    listen();
    Plain socket(port);
    // Frames come with the upgrade, split anywhere.
    std::string words = upgrade() + masked(0x01, "par") + masked(0x89, "ping!") +
                        masked(0x00, "ts ") + masked(0x8a, "unasked") + masked(0x80, "join") +
                        masked(0x82, "");
    for (char letter : words) socket.say({&letter, 1});
    std::string heard = socket.hear("ping!");
    EXPECT_NE(heard.find(std::string("\x8a\x05ping!", 7)), std::string::npos);
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_frames(2));
    EXPECT_EQ(server->frames, (std::deque<std::string>{"parts join", ""}));
    EXPECT_EQ(server->texts, (std::deque<bool>{true, false}));
    socket.say(masked(0x88, std::string("\x03\xe9", 2) + "bye"));
    EXPECT_EQ(socket.hear(), std::string("\x88\x05\x03\xe9"
                                         "bye",
                                         7));
    ASSERT_TRUE(server->wait_closed());
    EXPECT_EQ(server->code, WIRE_GOING_AWAY);
    EXPECT_EQ(server->reason, "bye");
}

// Others take no frame of more than 16 MiB, and ours takes what comes in parts as one.
TEST_F(PortTest, LongMessagesGoInParts) {
    listen();
    Plain socket(port);
    socket.say(upgrade());
    std::string came = socket.hear("\r\n\r\n");
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_open());
    constexpr std::size_t part = std::size_t{16} << 20;
    std::string longest(2 * part + 5, 'a');
    for (std::size_t i = 0; i < longest.size(); i += 1000) longest[i] = static_cast<char>('b' + i / 1000 % 20);
    ASSERT_EQ(server->wire->send(String(longest), true), REFLOW_OK);
    server->wire->close(WIRE_NORMAL, "bye");
    came = socket.hear();
    auto head = [](int first, std::uint64_t size) {
        std::string bytes(1, static_cast<char>(first));
        if (size < 126) return bytes + static_cast<char>(size);
        bytes += static_cast<char>(127);
        for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
        return bytes;
    };
    std::string expected = head(0x01, part) + longest.substr(0, part) + head(0x00, part) + longest.substr(part, part) +
                           head(0x80, 5) + longest.substr(2 * part);
    ASSERT_GT(came.size(), expected.size());
    EXPECT_TRUE(came.compare(0, expected.size(), expected) == 0);

    door.prepare = [](Ear& each) { each.echoes = true; };
    Ear mine(bell);
    auto wire = all->dial(at("ws", port), {}, mine);
    ASSERT_TRUE(wire.ok());
    ASSERT_EQ(wire.value()->send(String(longest), true), REFLOW_OK);
    ASSERT_TRUE(mine.wait_frames(1)) << mine.reason;
    EXPECT_TRUE(mine.frames[0] == longest);
    wire.value()->cut();
    ASSERT_TRUE(mine.wait_closed());
    mine.wire = nullptr;
}

TEST_F(PortTest, BreakingTheRulesIsToldByItsCode) {
    PortOptions options = patient_port();
    options.wire.frame_bytes = 200;
    listen(options);
    EXPECT_EQ(code_for("\x82\x01x"), 1002);                               // no mask
    EXPECT_EQ(code_for(masked(0xc2, "x")), 1002);                         // a reserved bit
    EXPECT_EQ(code_for(masked(0x83, "x")), 1002);                         // an unknown kind
    EXPECT_EQ(code_for(masked(0x80, "x")), 1002);                         // a part of nothing
    EXPECT_EQ(code_for(masked(0x02, "x") + masked(0x82, "y")), 1002);     // one inside another
    EXPECT_EQ(code_for(masked(0x09, "x")), 1002);                         // a ping in parts
    EXPECT_EQ(code_for(masked(0x88, "x")), 1002);                         // half a code
    EXPECT_EQ(code_for(masked(0x88, std::string("\x03\xed", 2))), 1002);  // 1005 is never sent
    EXPECT_EQ(code_for(masked(0x88, std::string("\x03\xe8\xff", 3))),
              1002);  // a reason that is no text
    EXPECT_EQ(code_for(masked(0x81, "\xff")), 1007);
    EXPECT_EQ(code_for(masked(0x01, "\xe2\x82") + masked(0x80, "\xac") +
                       masked(0x88, std::string("\x0f\xa0", 2))),
              4000);
    EXPECT_EQ(code_for(std::string("\x82\xfe\x00\xc9\0\0\0\0", 8)), 1009);  // 201 bytes
    EXPECT_EQ(code_for(std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14)), 1009);
    EXPECT_EQ(code_for(masked(0x02, std::string(120, 'a')) + masked(0x80, std::string(120, 'b'))),
              1009);
}

TEST_F(PortTest, TcpMarkAndRules) {
    PortOptions options = patient_port();
    options.wire.frame_bytes = 200;
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen(options);
    Plain socket(port);
    for (char letter : std::string_view("RFW1")) socket.say({&letter, 1});
    EXPECT_EQ(socket.hear("RFW1"), "RFW1");
    std::string frame("\x02\0\0\0\x01\0\0\0hi", 10);
    for (char letter : frame) socket.say({&letter, 1});
    EXPECT_EQ(socket.hear("hi"), frame);
    socket.say(std::string("\x01\0\0\0\x04\0\0\0p", 9));
    EXPECT_EQ(socket.hear("p"), std::string("\x01\0\0\0\x08\0\0\0p", 9));
    for (auto bytes :
         {std::string("\x01\0\0\0\x40\0\0\0p", 9), std::string("\x01\0\0\0\0\x01\0\0p", 9),
          std::string("\xc9\0\0\0\0\0\0\0", 8), std::string("\xff\xff\xff\xff\0\0\0\0", 8)}) {
        Plain bad(port);
        bad.say("RFW1");
        EXPECT_EQ(bad.hear("RFW1"), "RFW1");
        bad.say(bytes);
        shutdown(bad.number(), SHUT_WR);
        std::string said = bad.hear();
        ASSERT_GE(said.size(), 10U);
        EXPECT_EQ(said[4], 2);
        EXPECT_EQ(static_cast<unsigned char>(said[9]), bytes.size() == 9 ? 0xea : 0xf1);
    }
}

TEST_F(PortTest, RequestsOnTheSamePort) {
    std::vector<std::string> seen;
    door.on_request = [&](const HttpRequest& request) {
        std::lock_guard lock(bell.mutex);
        seen.push_back(std::string(request.method) + " " + std::string(request.path) + " " +
                       std::string(request.query) + " " + std::string(request.content_type) + " " +
                       std::string(request.authorization) + " " + std::string(request.body));
        HttpResponse response;
        response.status = request.path == "/health" ? 200 : 404;
        response.body = String(request.path == "/large" ? 3'000'000 : 10, 'r');
        return response;
    };
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    Plain socket(port);
    // Two at once, then one with a body, on one connection.
    socket.say(
        "GET /health?a=1&b=2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\nGET / "
        "HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(socket
                  .hear("404 Not Found\r\nContent-Type: application/json\r\nContent-Length: "
                        "10\r\n\r\nrrrrrrrrrr")
                  .substr(0, 15),
              "HTTP/1.1 200 OK");
    socket.say(
        "POST /run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 5\r\n\r\nab");
    socket.say("cde");
    socket.hear("rrrrrrrrrr");
    // As clients ask proxies.
    socket.say("GET http://x:80/health?c HTTP/1.1\r\nHost: x\r\n\r\n"
               "GET HTTPS://x HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.hear("404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\nrrrrrrrrrr");
    socket.say("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(socket.hear("\r\n\r\n").find("Content-Length: 10"), std::string::npos);
    socket.say("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_GT(socket.hear().size(), 3'000'000U);
    std::lock_guard lock(bell.mutex);
    EXPECT_EQ(seen, (std::vector<std::string>{"GET /health a=1&b=2  Bearer t ", "GET /    ",
                                              "POST /run  application/json  abcde",
                                              "GET /health c   ", "GET /    ",
                                              "HEAD /health    ", "GET /large    "}));
}

// As some clients send one behind a body (RFC 9112, 2.2); links have none in front.
TEST_F(PortTest, EmptyLinesInFrontOfRequests) {
    std::vector<std::string> seen;
    door.on_request = [&](const HttpRequest& request) {
        std::lock_guard lock(bell.mutex);
        seen.push_back(std::string(request.path) + " " + std::string(request.body));
        HttpResponse response;
        response.body = "answered";
        return response;
    };
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    const std::string post = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
    const std::string chunks =
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\r\r\n0\r\n\r\n";
    Plain whole(port);
    whole.say("\r\n" + post + "\r\n" + chunks + "\r\n\r\n" + post + "\r\n");
    whole.say("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string answers = whole.hear();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = answers.find("200 OK", at)) != std::string::npos; ++at) ++count;
    EXPECT_EQ(count, 4U) << answers;
    {
        std::lock_guard lock(bell.mutex);
        EXPECT_EQ(seen, (std::vector<std::string>{"/p ab", "/c \r", "/p ab", "/last "}));
    }
    // Byte by byte; an upgrade is a request like others.
    Plain slow(port);
    for (char letter : "\r\n\r\n" + upgrade()) slow.say(std::string(1, letter));
    EXPECT_EQ(slow.hear("\r\n\r\n").substr(0, 12), "HTTP/1.1 101");
    auto status = [&](const std::string& text) {
        Plain socket(port);
        socket.say(text);
        shutdown(socket.number(), SHUT_WR);
        std::string answer = socket.hear();
        return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
    };
    EXPECT_EQ(status("\r\nRFW1\r\n\r\n"), 400);
    EXPECT_EQ(status("\r\n"), 0);
    EXPECT_EQ(status("\n" + post), 0);
    EXPECT_EQ(status("\rPOST" + post), 0);
    expect_alive("ws");
}

TEST_F(PortTest, WrongRequestsAreAnsweredAndLimited) {
    PortOptions options = patient_port();
    options.http_body_bytes = 100;
    listen(options);
    auto status = [&](const std::string& request) {
        Plain socket(port);
        socket.say(request);
        std::string answer = socket.hear();
        return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
    };
    EXPECT_EQ(status("GET /\r\n\r\n"), 400);
    EXPECT_EQ(status("GET / HTTP/2.0\r\n\r\n"), 400);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n"), 400);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"), 400);
    EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);  // without Host
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"), 200);
    EXPECT_EQ(status("GET / HTTP/1.0\r\n\r\n"), 200);
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    EXPECT_EQ(status(post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
    EXPECT_EQ(status(post + "Content-Length: -1\r\n\r\n"), 400);
    EXPECT_EQ(status(post + "Content-Length:\r\n\r\n"), 400);
    EXPECT_EQ(status(post + "Content-Length: 101\r\n\r\n" + std::string(101, 'x')), 413);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a')), 431);
    EXPECT_EQ(status(post + "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n"), 426);
    EXPECT_EQ(status(post + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"), 400);
    door.refuses = true;
    EXPECT_EQ(status(upgrade()), 403);
    EXPECT_EQ(status(std::string("\x01\x02\x03garbage\r\n\r\n")), 0);
    EXPECT_EQ(status("RFW1"), 0);
}

TEST_F(PortTest, SlowAndSilentOnesEndAndDoNotDisturb) {
    PortOptions options = patient_port();
    options.first_bytes_ns = 200'000'000;
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen(options);
    std::vector<std::unique_ptr<Plain>> slow;
    for (int i = 0; i < 100; ++i) {
        slow.push_back(std::make_unique<Plain>(port));
        if (i % 5 == 1) slow.back()->say("GET / HT");
        if (i % 5 == 2) slow.back()->say("RF");
        if (i % 5 == 3)
            slow.back()->say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
        if (i % 5 == 4) slow.back()->say(upgrade().substr(0, 100));
    }
    expect_alive("ws");
    expect_alive("tcp");
    for (auto& each : slow) EXPECT_EQ(each->hear(), "");
    expect_alive("ws");
}

TEST_F(PortTest, UnlistenKeepsWires) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    auto wire = all->dial(at("ws", port), {}, ear);
    ASSERT_TRUE(wire.ok());
    ASSERT_TRUE(ear.wait_open());
    Plain guest(port);
    all->unlisten(listener);
    all->unlisten(listener);
    EXPECT_EQ(guest.hear(), "");
    EXPECT_FALSE(Plain(port).ok());
    ASSERT_EQ(wire.value()->send("still", true), REFLOW_OK);
    EXPECT_TRUE(ear.wait_frames(1));
}

TEST_F(PortTest, UnlistenInsideOfARequest) {
    WireHost* same = all.get();
    door.on_request = [this, same](const HttpRequest&) {
        same->unlisten(listener);
        return HttpResponse{};
    };
    listen();
    Plain socket(port);
    socket.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(socket.hear(), "");
    EXPECT_FALSE(Plain(port).ok());
}

TEST_F(PortTest, ListenTellsWhatFails) {
    listen();
    std::uint16_t bound = 1;
    auto again = all->listen("127.0.0.1", port, {}, door, &bound);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().status, REFLOW_ERROR_IO);
    EXPECT_NE(again.error().message.find("127.0.0.1:"), String::npos);
    EXPECT_EQ(bound, 0);
    EXPECT_FALSE(all->listen("no number", 0, {}, door, nullptr).ok());
    PortOptions tls = patient_port();
    tls.wire.tls.certificate_file = "/nonexistent.pem";
    auto missing = all->listen("127.0.0.1", 0, tls, door, nullptr);
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().file, "/nonexistent.pem");
    auto six = all->listen("::1", 0, {}, door, &bound);
    EXPECT_TRUE(six.ok() ? bound != 0 : bound == 0);
}

TEST_F(PortTest, TimersRunOnceInOrderAndAreCancelled) {
    std::vector<int> ran;
    auto note = [&](int number) {
        return [&, number] {
            std::lock_guard lock(bell.mutex);
            ran.push_back(number);
            bell.rung.notify_all();
        };
    };
    all->after(30'000'000, note(3));
    std::uint64_t never = all->after(10'000'000, note(9));
    all->after(1'000'000, note(1));
    all->after(20'000'000, note(2));
    all->cancel(never);
    all->cancel(never);
    all->cancel(12345);
    EXPECT_TRUE(bell.wait([&] { return ran.size() == 3; }));
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
    // A cancel waits for the call that is running.
    std::atomic<int> stage{0};
    std::uint64_t slow = all->after(0, [&] {
        std::unique_lock lock(bell.mutex);
        stage = 1;
        bell.rung.notify_all();
        bell.rung.wait_for(lock, std::chrono::milliseconds(50), [&] { return stage == 9; });
        stage = 2;
    });
    EXPECT_TRUE(bell.wait([&] { return stage >= 1; }));
    all->cancel(slow);
    EXPECT_EQ(stage, 2);
    // Inside of itself it does not.
    std::uint64_t own = 0;
    std::mutex known;
    std::unique_lock hold(known);
    own = all->after(0, [&] {
        { std::lock_guard wait(known); }
        all->cancel(own);
        note(4)();
    });
    hold.unlock();
    EXPECT_TRUE(bell.wait([&] { return ran.size() == 4; }));
}

TEST_F(PortTest, AFloodOfPingsDoesNotFillTheQueue) {
    door.prepare = [](Ear& each) { each.keeps = false; };
    listen();
    Plain socket(port);
    socket.say(upgrade());
    socket.hear("\r\n\r\n");
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_open());
    std::string many;
    for (int i = 0; i < 1000; ++i) many += masked(0x89, std::string(100, 'p'));
    // 40 MB, and the answers are not read. The room for them is left as it is: a window that shrinks
    // makes the system pass over what is behind it, confirmations too, and both sides may stand still.
    for (int i = 0; i < 400; ++i) socket.say(many);
    socket.say(masked(0x82, "end"));
    ASSERT_TRUE(server->wait_frames(1));
    EXPECT_LT(server->wire->queued_bytes(), 2'000'000U);
}

TEST_F(PortTest, ProcessIsLeftAsItIs) {
    struct sigaction before {};
    sigaction(SIGPIPE, nullptr, &before);
    listen();
    door.prepare = [](Ear& each) { each.echoes = true; };
    expect_alive("ws");
    struct sigaction after {};
    sigaction(SIGPIPE, nullptr, &after);
    EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(WireAddressTest, ReadsAndWrites) {
    auto check = [](std::string_view text, WireScheme scheme, std::string_view name, int number,
                    std::string_view path, std::string_view written) {
        auto parsed = WireAddress::parse(text);
        ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.error().message;
        EXPECT_EQ(parsed.value().scheme, scheme);
        EXPECT_EQ(parsed.value().host, String(name));
        EXPECT_EQ(parsed.value().port, number);
        EXPECT_EQ(parsed.value().path, String(path));
        EXPECT_EQ(parsed.value().text(), String(written));
    };
    check("ws://host:9000/a/b?c=d", WireScheme::ws, "host", 9000, "/a/b?c=d",
          "ws://host:9000/a/b?c=d");
    check("host:9000", WireScheme::ws, "host", 9000, "/", "ws://host:9000");
    check("host", WireScheme::ws, "host", 80, "/", "ws://host:80");
    check("wss://h", WireScheme::wss, "h", 443, "/", "wss://h:443");
    check("ws://h:1?q", WireScheme::ws, "h", 1, "/?q", "ws://h:1/?q");
    check("WS://h:1", WireScheme::ws, "h", 1, "/", "ws://h:1");
    check("tcp://[::1]:9100", WireScheme::tcp, "::1", 9100, "", "tcp://[::1]:9100");
    check("[fe80::1%lo]:9100", WireScheme::ws, "fe80::1%lo", 9100, "/", "ws://[fe80::1%lo]:9100");
    check("tls://1.2.3.4:65535/", WireScheme::tls, "1.2.3.4", 65535, "", "tls://1.2.3.4:65535");
    for (std::string_view text : {"",
                                  "ws://",
                                  "ftp://h:1",
                                  "tcp://h",
                                  "tcp://h:1/path",
                                  "ws://h:0",
                                  "ws://h:65536",
                                  "ws://h:x",
                                  "ws://h:",
                                  "ws://::1:9000",
                                  "ws://[::1",
                                  "ws://[host]:1",
                                  "ws://[::1]9",
                                  "ws://a b:1",
                                  "ws://h:1/a b",
                                  "ws://h:1/a\r\nX: y",
                                  "ws://user@h:1",
                                  "ws://h:1/#top",
                                  "ws://h\n:1",
                                  "ws://h:1:2",
                                  "h:1,2",
                                  "http://h:1"}) {
        auto parsed = WireAddress::parse(text);
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_EQ(parsed.error().status, REFLOW_ERROR_INVALID_ARGUMENT);
        EXPECT_TRUE(parsed.error().has_offset);
    }
}

TEST(FrameTest, MaskUndoesItselfAtEveryLength) {
    const std::uint8_t mask[4] = {1, 2, 3, 200};
    for (std::size_t size = 0; size < 100; ++size) {
        std::string text(size, 'm');
        apply_mask(text.data(), size, mask);
        for (std::size_t i = 0; i < size; ++i)
            ASSERT_EQ(static_cast<std::uint8_t>(text[i]),
                      static_cast<std::uint8_t>('m' ^ mask[i & 3]));
        apply_mask(text.data(), size, mask);
        EXPECT_EQ(text, std::string(size, 'm'));
    }
}

// ---- TLS

// A certificate for localhost and 127.0.0.1, signed by itself, in one file with its key.
std::string make_certificate(const std::string& file, const char* address) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("reflow test"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, address);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate, key, EVP_sha256());
    FILE* out = fopen(file.c_str(), "w");
    PEM_write_X509(out, certificate);
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return file;
}

class TlsTest : public PortTest, public ::testing::WithParamInterface<const char*> {
protected:
    TlsTest() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "reflow-wires-XXXXXX").string();
        folder = mkdtemp(pattern.data());
        good = make_certificate(folder + "/good.pem", "IP:127.0.0.1");
        other = make_certificate(folder + "/other.pem", "IP:127.0.0.2");
    }
    ~TlsTest() override { std::filesystem::remove_all(folder); }
    void listen_with(const std::string& certificate) {
        PortOptions options = patient_port();
        options.wire.tls.certificate_file = String(certificate.c_str());
        door.prepare = [](Ear& each) { each.echoes = true; };
        listen(options);
    }
    Ref<Wire> dial(Ear& hearer, const std::string& trusted, bool verify = true) {
        WireOptions options = patient_wire();
        options.tls.ca_file = String(trusted.c_str());
        options.tls.verify = verify;
        auto made = all->dial(at(GetParam(), port), options, hearer);
        EXPECT_TRUE(made.ok());
        return std::move(made).take();
    }
    std::string folder, good, other;
};

TEST_P(TlsTest, EchoesLargeAndSmallAndCloses) {
    listen_with(good);
    Ref<Wire> wire = dial(ear, good);
    ASSERT_TRUE(ear.wait_open()) << ear.reason;
    for (int i = 0; i < 1000; ++i)
        ASSERT_EQ(wire->send(String(static_cast<std::size_t>(i), 's'), false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_frames(1000));
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(ear.frames[i].size(), i);
    std::string large(10'000'000, 'L');
    for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>(i / 1000);
    ASSERT_EQ(wire->send(String(large.data(), large.size()), false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_frames(1001));
    EXPECT_TRUE(ear.frames.back() == large);
    wire->close(4000, "enough");
    ASSERT_TRUE(ear.wait_closed());
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_closed());
    EXPECT_EQ(server->code, 4000);
    EXPECT_EQ(server->reason, "enough");
    EXPECT_EQ(ear.status, REFLOW_OK);
}

// Whom a port trusts when it dials is no matter of those who dial it.
TEST_P(TlsTest, APortAsksForNoCertificate) {
    PortOptions options = patient_port();
    options.wire.tls.certificate_file = String(good.c_str());
    options.wire.tls.ca_file = String(other.c_str());
    listen(options);
    Ref<Wire> wire = dial(ear, good);
    EXPECT_TRUE(ear.wait_open()) << ear.reason;
    wire->cut();
    EXPECT_TRUE(ear.wait_closed());
}

TEST_P(TlsTest, WhoIsNotTrustedIsNotTalkedTo) {
    listen_with(good);
    Ref<Wire> stranger = dial(ear, other);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.opened_count, 0);
    EXPECT_EQ(ear.status, REFLOW_ERROR_PROTOCOL);
    EXPECT_NE(ear.reason.find("certificate"), std::string::npos) << ear.reason;
    Ear careless(bell);
    Ref<Wire> wire = dial(careless, {}, false);
    EXPECT_TRUE(careless.wait_open()) << careless.reason;
    all.reset();
    careless.wire = nullptr;
}

TEST_P(TlsTest, CertificateOfAnotherHost) {
    listen_with(other);
    Ref<Wire> wire = dial(ear, other);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.opened_count, 0);
    EXPECT_NE(ear.reason.find("certificate"), std::string::npos) << ear.reason;
}

TEST_P(TlsTest, PlainPortIsNotTls) {
    listen();
    Ref<Wire> wire = dial(ear, good);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.opened_count, 0);
    EXPECT_EQ(ear.status, REFLOW_ERROR_PROTOCOL) << ear.reason;
}

TEST_P(TlsTest, ManyAtOnceBothWays) {
    listen_with(good);
    std::vector<std::unique_ptr<Ear>> ears;
    std::vector<Ref<Wire>> many;
    for (int i = 0; i < 20; ++i) {
        ears.push_back(std::make_unique<Ear>(bell));
        many.push_back(dial(*ears.back(), good));
        for (int k = 0; k < 50; ++k)
            ASSERT_EQ(many.back()->send(String(10'000, 'm'), false), REFLOW_OK);
    }
    for (auto& each : ears) EXPECT_TRUE(each->wait_frames(50)) << each->reason;
    all.reset();
    for (auto& each : ears) each->wire = nullptr;
}

INSTANTIATE_TEST_SUITE_P(Forms, TlsTest, ::testing::Values("wss", "tls"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
