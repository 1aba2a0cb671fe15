// The discovery server without sockets.
#include "peer/discovery_registry.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/json.hpp"
#include "peer/fixed_clock.hpp"
#include "random.hpp"

namespace reflow::peer {
namespace {

constexpr std::string_view json = "application/json";
constexpr std::string_view studio =
    R"({"network_id":"studio","instance_id":"studio-1","endpoint":"127.0.0.1:9311",)"
    R"("capabilities":["actor_messaging"]})";

class Server {
public:
    explicit Server(DiscoveryRegistry::Options options = {})
        : registry(std::move(options), clock) {}
    io::HttpResponse ask(std::string_view method, std::string_view path, std::string_view body = {},
                         std::string_view type = json, std::string_view authorization = {}) {
        return registry.answer({method, path, {}, body, type, authorization});
    }
    std::string list() { return std::string(ask("GET", "/networks").body); }
    std::uint16_t add(std::string_view network, std::string_view instance) {
        std::string body = R"({"network_id":")" + std::string(network) + R"(","instance_id":")" +
                           std::string(instance) + R"(","endpoint":"h:1","capabilities":[]})";
        return ask("POST", "/register", body).status;
    }
    FixedClock clock;
    DiscoveryRegistry registry;
};

TEST(DiscoveryRegistry, UpsertThenListRoundTrips) {
    Server server;
    EXPECT_EQ(server.list(), "[]");
    io::HttpResponse answer = server.ask("POST", "/register", studio);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(server.list(),
              R"([{"network_id":"studio","instance_id":"studio-1","endpoint":"127.0.0.1:9311",)"
              R"("capabilities":["actor_messaging"],"last_seen":"2026-05-04T10:11:12.100Z"}])");
    EXPECT_EQ(server.ask("GET", "/networks").content_type, "application/json");
    server.clock.advance_ms(1000);
    server.ask("POST", "/register", studio);
    EXPECT_EQ(server.registry.size(), 1u);
    EXPECT_NE(server.list().find("10:11:13.100Z"), std::string::npos);
}

TEST(DiscoveryRegistry, InstancesOfOneNetworkStandSideBySide) {
    Server server;
    EXPECT_EQ(server.add("studio", "b"), 200);
    EXPECT_EQ(server.add("studio", "a"), 200);
    EXPECT_EQ(server.add("stud", "ioa"), 200);
    EXPECT_EQ(server.registry.size(), 3u);
    std::string list = server.list();
    EXPECT_LT(list.find(R"("instance_id":"a")"), list.find(R"("instance_id":"b")"));
}

TEST(DiscoveryRegistry, StaleEntriesAreFilteredAndSwept) {
    DiscoveryRegistry::Options options;
    options.sweep_ms = 1'000'000;
    Server server(options);
    server.add("studio", "old");
    server.clock.advance_ms(30'000);
    server.add("studio", "young");
    server.clock.advance_ms(30'000);
    EXPECT_NE(server.list().find("old"), std::string::npos);  // 60 s are not over yet
    server.clock.advance_ms(1);
    EXPECT_EQ(server.list().find("old"), std::string::npos);
    EXPECT_NE(server.list().find("young"), std::string::npos);
    EXPECT_EQ(server.registry.size(), 2u);  // filtered without a sweep
    EXPECT_EQ(server.registry.sweep(), 1u);
    EXPECT_EQ(server.registry.size(), 1u);
    EXPECT_EQ(server.registry.sweep(), 0u);
}

TEST(DiscoveryRegistry, SweepsByItself) {
    Server server;
    server.add("studio", "a");
    server.clock.advance_ms(60'001);
    EXPECT_EQ(server.ask("GET", "/health").status, 200);
    EXPECT_EQ(server.registry.size(), 0u);
}

TEST(DiscoveryRegistry, Unregister) {
    Server server;
    server.add("studio", "a");
    constexpr std::string_view key = R"({"network_id":"studio","instance_id":"a"})";
    io::HttpResponse answer = server.ask("POST", "/unregister", key);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(server.list(), "[]");
    answer = server.ask("POST", "/unregister", key);
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, R"({"error":"instance 'a' of network 'studio' is not registered"})");
    EXPECT_EQ(server.ask("POST", "/unregister", R"({"network_id":"studio"})").status, 422);
    EXPECT_EQ(server.ask("POST", "/unregister", R"({"network_id":1,"instance_id":"a"})").status,
              422);
}

TEST(DiscoveryRegistry, Token) {
    DiscoveryRegistry::Options options;
    options.token = "correct-horse";
    Server server(options);
    auto with = [&](std::string_view authorization) {
        return server.ask("POST", "/register", studio, json, authorization).status;
    };
    EXPECT_EQ(with(""), 401);
    EXPECT_EQ(with("Bearer wrong"), 401);
    EXPECT_EQ(with("correct-horse"), 401);
    EXPECT_EQ(with("Bearer correct-horse"), 200);
    EXPECT_EQ(server.ask("GET", "/networks").status, 401);
    EXPECT_EQ(server.ask("POST", "/unregister", "{}").status, 401);
    EXPECT_EQ(server.ask("GET", "/health").status, 200);
    EXPECT_EQ(server.ask("GET", "/nothing").status, 404);
}

TEST(DiscoveryRegistry, Routes) {
    Server server;
    EXPECT_EQ(server.ask("GET", "/").status, 404);
    EXPECT_EQ(server.ask("GET", "/register").status, 405);
    EXPECT_EQ(server.ask("DELETE", "/unregister").status, 405);
    EXPECT_EQ(server.ask("POST", "/networks", studio).status, 405);
    EXPECT_EQ(server.ask("POST", "/health").status, 405);
    EXPECT_EQ(server.ask("GET", "/register").body,
              R"({"error":"GET is not allowed for '/register'; use POST"})");
    // A base with a slash at its end, as the original joins it.
    EXPECT_EQ(server.ask("POST", "//register", studio).status, 200);
    EXPECT_EQ(server.ask("GET", "//networks/").status, 200);
    EXPECT_EQ(server.ask("GET", "/health").body,
              R"({"status":"ok","entries":1,"max_entries":100000,"uptime_seconds":0.0})");
}

TEST(DiscoveryRegistry, BadBodies) {
    Server server;
    auto post = [&](std::string_view body, std::string_view type = json) {
        io::HttpResponse answer = server.ask("POST", "/register", body, type);
        Result<Message> read = codec::read_json(answer.body);
        EXPECT_TRUE(read.ok()) << answer.body;
        EXPECT_FALSE(read.value().get("error").text().empty()) << answer.body;
        return answer.status;
    };
    EXPECT_EQ(post(studio, "text/plain"), 415);
    EXPECT_EQ(post(studio, ""), 415);
    EXPECT_EQ(post(""), 400);
    EXPECT_EQ(post("{"), 400);
    EXPECT_EQ(post(studio.substr(0, 40)), 400);
    EXPECT_EQ(post("{\"network_id\":\"\xff\"}"), 400);
    EXPECT_EQ(post(std::string(limits::discovery_body_bytes + 1, ' ')), 413);
    EXPECT_EQ(post("[]"), 422);
    EXPECT_EQ(post("null"), 422);
    EXPECT_EQ(post("{}"), 422);
    EXPECT_EQ(post(std::string(200, '[') + std::string(200, ']')), 422);
    std::string many = "[1";
    for (int i = 0; i < 2000; ++i) many += ",1";
    EXPECT_EQ(post(many + "]"), 422);
    EXPECT_EQ(server.registry.size(), 0u);
}

TEST(DiscoveryRegistry, BadShapes) {
    Server server;
    const std::string name(257, 'a'), endpoint(1025, 'a');
    std::string capabilities = "[\"a\"";
    for (int i = 0; i < 64; ++i) capabilities += ",\"a\"";
    capabilities += "]";
    struct Case {
        std::string network, instance, endpoint, capabilities, error;
    };
    const Case cases[] = {
        {"1", R"("i")", R"("e")", "[]", "'network_id' is not a string but an integer"},
        {R"("")", R"("i")", R"("e")", "[]", "network_id is empty"},
        {R"("a@b")", R"("i")", R"("e")", "[]", "network_id 'a@b' holds '@'"},
        {R"("n")", "null", R"("e")", "[]", "'instance_id' is not a string but null"},
        {R"("n")", R"("a\u0000")", R"("e")", "[]", "instance_id holds a control character"},
        {R"("n")", R"("i")", R"("")", "[]", "endpoint is empty"},
        {R"("n")", R"("i")", R"("a\n")", "[]", "endpoint holds a space or a control character"},
        {R"("n")", R"("i")", R"("e")", R"([""])", "a capability is empty"},
        {R"("n")", R"("i")", R"("e")", "{}", "'capabilities' is not an array of strings"},
        {R"("n")", R"("i")", R"("e")", "[1]", "'capabilities' is not an array of strings"},
        {R"("n")", R"("i")", R"("e")", capabilities,
         "'capabilities' has 65 elements; at most 64 are allowed"},
        {R"("n")", R"("i")", R"("e")", "[\"" + name + "\"]",
         "a capability has 257 bytes; at most 256 are allowed"},
        {"\"" + name + "\"", R"("i")", R"("e")", "[]",
         "network_id has 257 bytes; at most 256 are allowed"},
        {R"("n")", R"("i")", "\"" + endpoint + "\"", "[]",
         "endpoint has 1025 bytes; at most 1024 are allowed"},
    };
    for (const Case& one : cases) {
        std::string body = R"({"network_id":)" + one.network + R"(,"instance_id":)" + one.instance +
                           R"(,"endpoint":)" + one.endpoint + R"(,"capabilities":)" +
                           one.capabilities + "}";
        io::HttpResponse answer = server.ask("POST", "/register", body);
        EXPECT_EQ(answer.status, 422) << body;
        EXPECT_EQ(codec::read_json(answer.body).value().get("error").text(), one.error);
    }
    for (std::string_view key : {"network_id", "instance_id", "endpoint", "capabilities"}) {
        std::string body(studio);
        body.replace(body.find(key), 1, "x");
        EXPECT_EQ(server.ask("POST", "/register", body).body,
                  String("{\"error\":\"missing key '") + String(key) + "'\"}");
    }
    std::string more(studio);
    more.insert(1, R"("weight":[1,{"a":2}],)");
    EXPECT_EQ(server.ask("POST", "/register", more).status, 200);
}

TEST(DiscoveryRegistry, Full) {
    DiscoveryRegistry::Options options;
    options.entries = 2;
    Server server(options);
    EXPECT_EQ(server.add("n", "1"), 200);
    EXPECT_EQ(server.add("n", "2"), 200);
    EXPECT_EQ(server.add("n", "3"), 503);
    EXPECT_EQ(server.add("n", "2"), 200);  // one that is there is renewed
    server.clock.advance_ms(60'001);
    EXPECT_EQ(server.add("n", "3"), 200);  // the others have outlived their time
    EXPECT_EQ(server.registry.size(), 1u);
}

TEST(DiscoveryRegistry, FullByBytes) {
    DiscoveryRegistry::Options options;
    options.bytes = 2 * (128 + 1 + 1 + 3);  // two of add()
    Server server(options);
    EXPECT_EQ(server.add("n", "1"), 200);
    EXPECT_EQ(server.add("n", "2"), 200);
    io::HttpResponse full = server.ask("POST", "/register", studio);
    EXPECT_EQ(full.status, 503);
    EXPECT_EQ(full.body, R"({"error":"the table is full: it has 2 entries of 266 bytes"})");
    EXPECT_EQ(server.add("n", "2"), 200);
    constexpr std::string_view larger =
        R"({"network_id":"n","instance_id":"2","endpoint":"hh:1","capabilities":[]})";
    EXPECT_EQ(server.ask("POST", "/register", larger).status, 503);
    EXPECT_NE(server.list().find(R"("endpoint":"h:1")"), std::string::npos);
    constexpr std::string_view key = R"({"network_id":"n","instance_id":"1"})";
    EXPECT_EQ(server.ask("POST", "/unregister", key).status, 200);
    EXPECT_EQ(server.ask("POST", "/register", larger).status, 200);
    server.clock.advance_ms(60'001);
    EXPECT_EQ(server.add("a", "1"), 200);
    EXPECT_EQ(server.add("a", "2"), 200);
    EXPECT_EQ(server.add("a", "3"), 503);
}

TEST(DiscoveryRegistry, MutatedBodies) {
    testing::Seeds seeds = testing::seeds(3000);
    for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
        testing::Random random(seed);
        Server server;
        std::string body(studio);
        for (std::uint64_t i = 0; i <= random.below(4); ++i) {
            std::size_t at = random.below(body.size());
            switch (random.below(3)) {
                case 0: body[at] = static_cast<char>(random.below(256)); break;
                case 1: body.erase(at, 1 + random.below(5)); break;
                default: body.insert(at, body.substr(random.below(body.size()), random.below(9)));
            }
        }
        io::HttpResponse answer = server.ask("POST", "/register", body);
        bool known = answer.status == 200 || answer.status == 400 || answer.status == 422;
        ASSERT_TRUE(known) << "seed " << seed;
        ASSERT_EQ(server.registry.size(), answer.status == 200 ? 1u : 0u) << "seed " << seed;
        ASSERT_TRUE(codec::read_json(server.list()).ok()) << "seed " << seed;
        ASSERT_TRUE(answer.body.empty() || codec::read_json(answer.body).ok());
    }
}

}  // namespace
}  // namespace reflow::peer
