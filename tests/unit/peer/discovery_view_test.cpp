// What a peer makes of the answers of discovery servers, and what it registers.
#include "peer/discovery_view.hpp"

#include <gtest/gtest.h>

#include <string>

#include "peer/discovery_registry.hpp"
#include "peer/fixed_clock.hpp"
#include "peer/http.hpp"
#include "random.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

DiscoveryEntry entry(std::string_view network, std::string_view instance, std::string_view endpoint,
                     std::int64_t last_seen_ms = 0) {
    return {String(network), String(instance), String(endpoint), {"actor_messaging"}, last_seen_ms};
}

// "+studio[studio-1=h:1] ~... -..." of events.
std::string words(const Vector<DiscoveryEvent>& events) {
    std::string out;
    for (const DiscoveryEvent& event : events) {
        if (!out.empty()) out += ' ';
        out += event.kind == DiscoveryEvent::Kind::added     ? '+'
               : event.kind == DiscoveryEvent::Kind::removed ? '-'
                                                             : '~';
        out += event.network.network_id;
        char before = '[';
        for (const DiscoveryEntry& one : event.network.instances) {
            out += before;
            out += std::string(one.instance_id) + "=" + std::string(one.endpoint);
            before = ',';
        }
        out += ']';
    }
    return out;
}

class View {
public:
    explicit View(std::size_t servers = 1) : view({"kiln", servers}) {}
    std::string answered(std::size_t server, Vector<DiscoveryEntry> entries) {
        return words(view.answered(server, entries, now));
    }
    std::string failed(std::size_t server) { return words(view.failed(server, now)); }
    std::uint64_t now = second;
    DiscoveryView view;
};

TEST(DiscoveryView, AddedAndRemovedOnce) {
    View v;
    auto a = entry("studio", "1", "h:1"), b = entry("atelier", "1", "h:2");
    EXPECT_EQ(v.answered(0, {a}), "+studio[1=h:1]");
    EXPECT_EQ(v.answered(0, {a}), "");
    EXPECT_EQ(v.answered(0, {b, a}), "+atelier[1=h:2]");
    EXPECT_EQ(v.answered(0, {b}), "-studio[1=h:1]");
    EXPECT_EQ(v.answered(0, {b}), "");
    EXPECT_EQ(v.view.known().size(), 1u);
    EXPECT_EQ(v.view.find("studio"), nullptr);
    EXPECT_EQ(v.view.find("atelier")->instances[0].endpoint, "h:2");
    EXPECT_EQ(v.answered(0, {}), "-atelier[1=h:2]");
    EXPECT_TRUE(v.view.known().empty());
}

TEST(DiscoveryView, UpdatedByPlaceAndNotByTime) {
    View v;
    EXPECT_EQ(v.answered(0, {entry("studio", "1", "h:1", 10)}), "+studio[1=h:1]");
    v.now += 15 * second;
    EXPECT_EQ(v.answered(0, {entry("studio", "1", "h:1", 20)}), "");
    EXPECT_EQ(v.view.find("studio")->instances[0].last_seen_ms, 20);
    EXPECT_EQ(v.answered(0, {entry("studio", "1", "h:9", 30)}), "~studio[1=h:9]");
    EXPECT_EQ(v.answered(0, {entry("studio", "1", "h:9", 40)}), "");
    auto more = entry("studio", "1", "h:9", 50);
    more.capabilities.push_back("ack");
    EXPECT_EQ(v.answered(0, {more}), "~studio[1=h:9]");
    EXPECT_EQ(v.answered(0, {more}), "");
}

TEST(DiscoveryView, OwnNetworkIsNotReported) {
    View v;
    EXPECT_EQ(v.answered(0, {entry("kiln", "kiln-a", "h:1"), entry("kiln", "kiln-b", "h:2")}), "");
    EXPECT_TRUE(v.view.known().empty());
}

TEST(DiscoveryView, SeveralInstances) {
    View v;
    auto a = entry("studio", "a", "h:1"), b = entry("studio", "b", "h:2");
    EXPECT_EQ(v.answered(0, {b, a}), "+studio[a=h:1,b=h:2]");
    EXPECT_EQ(v.answered(0, {b}), "~studio[b=h:2]");
    EXPECT_EQ(v.answered(0, {b, a}), "~studio[a=h:1,b=h:2]");
    EXPECT_EQ(v.answered(0, {a, b}), "");
    EXPECT_EQ(v.answered(0, {}), "-studio[a=h:1,b=h:2]");
}

TEST(DiscoveryView, AnOutageRemovesNothingBeforeItsTime) {
    View v(2);
    auto a = entry("studio", "1", "h:1"), b = entry("atelier", "1", "h:2");
    EXPECT_EQ(v.answered(0, {a}), "+studio[1=h:1]");
    EXPECT_EQ(v.answered(1, {b}), "+atelier[1=h:2]");
    v.now += 60 * second;
    EXPECT_EQ(v.failed(0), "");
    EXPECT_EQ(v.failed(1), "");
    EXPECT_EQ(v.view.known().size(), 2u);
    EXPECT_EQ(v.answered(1, {b}), "");
    v.now += 1;
    EXPECT_EQ(v.failed(0), "-studio[1=h:1]");
    EXPECT_EQ(v.failed(0), "");
    EXPECT_EQ(v.answered(0, {a}), "+studio[1=h:1]");
    v.now += 61 * second;
    EXPECT_EQ(v.failed(1), "-atelier[1=h:2] -studio[1=h:1]");
}

TEST(DiscoveryView, OneServerOfTwo) {
    View v(2);
    auto a = entry("studio", "1", "h:1");
    EXPECT_EQ(v.answered(0, {a}), "+studio[1=h:1]");
    EXPECT_EQ(v.answered(1, {a}), "");
    EXPECT_EQ(v.answered(0, {}), "");  // the other one still lists it
    EXPECT_EQ(v.failed(1), "");
    EXPECT_EQ(v.answered(1, {}), "-studio[1=h:1]");
    // One that never knew it says nothing by not listing it.
    EXPECT_EQ(v.answered(0, {a}), "+studio[1=h:1]");
    EXPECT_EQ(v.answered(1, {}), "");
    EXPECT_EQ(v.answered(7, {a}), "");  // there is no such server
}

TEST(DiscoveryView, TheNewerWordCounts) {
    View v(2);
    EXPECT_EQ(v.answered(0, {entry("studio", "1", "old:1", 10)}), "+studio[1=old:1]");
    EXPECT_EQ(v.answered(1, {entry("studio", "1", "new:1", 20)}), "~studio[1=new:1]");
    for (int i = 0; i < 3; ++i) {  // and no to and fro
        v.now += second;
        EXPECT_EQ(v.answered(0, {entry("studio", "1", "old:1", 10)}), "");
        EXPECT_EQ(v.answered(1, {entry("studio", "1", "new:1", 20)}), "");
    }
    // Without times it is what was said last for the first time.
    View w(2);
    auto timeless = [](std::string_view endpoint) {
        DiscoveryEntry one = entry("studio", "1", endpoint);
        one.last_seen_ms.reset();
        return one;
    };
    EXPECT_EQ(w.answered(0, {timeless("old:1")}), "+studio[1=old:1]");
    w.now += second;
    EXPECT_EQ(w.answered(1, {timeless("new:1")}), "~studio[1=new:1]");
    w.now += second;
    EXPECT_EQ(w.answered(0, {timeless("old:1")}), "");
    // Twice in one answer.
    View x;
    EXPECT_EQ(x.answered(0, {entry("s", "1", "new:1", 20), entry("s", "1", "old:1", 10)}),
              "+s[1=new:1]");
}

TEST(DiscoveryView, Bounded) {
    DiscoveryView view({"kiln", 1, 60 * second, 2});
    Vector<DiscoveryEntry> three{entry("a", "1", "h"), entry("b", "1", "h"), entry("c", "1", "h")};
    EXPECT_EQ(words(view.answered(0, three, second)), "+a[1=h] +b[1=h]");
    EXPECT_EQ(view.dropped(), 1u);
    Vector<DiscoveryEntry> one{three[2]};
    EXPECT_EQ(words(view.answered(0, one, second)), "-a[1=h] -b[1=h]");
    EXPECT_EQ(words(view.answered(0, one, second)), "+c[1=h]");
}

// Whatever comes, the events add up to what is known, and nothing is told twice.
TEST(DiscoveryView, EventsAddUp) {
    testing::Seeds seeds = testing::seeds(300);
    for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
        testing::Random random(seed);
        View v(3);
        Map<String, DiscoveredNetwork> told;
        for (int step = 0; step < 60; ++step) {
            v.now += random.below(30) * second;
            Vector<DiscoveryEntry> entries;
            for (std::uint64_t i = 0; i < random.below(6); ++i) {
                std::string network(1, static_cast<char>('a' + random.below(3)));
                std::string endpoint(1, static_cast<char>('x' + random.below(2)));
                entries.push_back(entry(network, random.one_in(2) ? "1" : "2", endpoint,
                                        static_cast<std::int64_t>(random.below(4))));
            }
            std::size_t server = random.below(3);
            auto events = random.one_in(3) ? v.view.failed(server, v.now)
                                           : v.view.answered(server, entries, v.now);
            for (const DiscoveryEvent& event : events) {
                const String& id = event.network.network_id;
                bool was = told.contains(id);
                ASSERT_EQ(was, event.kind != DiscoveryEvent::Kind::added) << "seed " << seed;
                if (event.kind == DiscoveryEvent::Kind::removed) {
                    told.erase(id);
                } else {
                    told.insert_or_assign(id, event.network);
                }
            }
            Vector<DiscoveredNetwork> known = v.view.known();
            ASSERT_EQ(known.size(), told.size()) << "seed " << seed;
            for (const DiscoveredNetwork& network : known) {
                const DiscoveredNetwork& other = told.at(network.network_id);
                ASSERT_EQ(network.instances.size(), other.instances.size());
                for (std::size_t i = 0; i < other.instances.size(); ++i) {
                    ASSERT_EQ(network.instances[i].endpoint, other.instances[i].endpoint);
                }
            }
        }
    }
}

TEST(DiscoveryClient, TwoPeersSeeEachOtherThroughARegistry) {
    FixedClock clock;
    DiscoveryRegistry registry({}, clock);
    auto post = [&](const DiscoveryEntry& one) {
        String body;
        write_discovery_entry(body, one);
        return registry.answer({"POST", "/register", {}, body, "application/json", {}}).status;
    };
    EXPECT_EQ(post(entry("kiln", "kiln-a", "h:1")), 200);
    EXPECT_EQ(post(entry("studio", "studio-1", "h:2")), 200);
    io::HttpResponse answer = registry.answer({"GET", "/networks", {}, {}, {}, {}});
    std::size_t skipped = 1;
    auto list = read_networks("http://h/networks", answer.status, answer.body, &skipped);
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(skipped, 0u);
    EXPECT_EQ(list.value()[0].last_seen_ms, clock.wall_ms());
    View v;
    EXPECT_EQ(v.answered(0, list.value()), "+studio[studio-1=h:2]");
    String body;
    write_discovery_key(body, "studio", "studio-1");
    EXPECT_EQ(registry.answer({"POST", "/unregister", {}, body, "application/json", {}}).status,
              200);
    answer = registry.answer({"GET", "/networks", {}, {}, {}, {}});
    EXPECT_EQ(v.answered(0, read_networks("u", answer.status, answer.body, &skipped).value()),
              "-studio[studio-1=h:2]");
}

TEST(DiscoveryClient, BadAnswers) {
    std::size_t skipped = 0;
    auto problem = [&](std::uint16_t status, std::string_view body) {
        auto list = read_networks("http://h/networks", status, body, &skipped);
        return list.ok() ? std::string("none") : std::string(list.error().describe());
    };
    EXPECT_EQ(problem(401, R"({"error":"the bearer token is missing or wrong"})"),
              "discovery at http://h/networks: status 401: the bearer token is missing or wrong");
    EXPECT_EQ(problem(502, "<html>"), "discovery at http://h/networks: status 502: <html>");
    EXPECT_EQ(problem(503, ""), "discovery at http://h/networks: status 503");
    EXPECT_EQ(problem(301, "[]"), "discovery at http://h/networks: status 301: []");
    EXPECT_EQ(problem(200, "{}"),
              "discovery at http://h/networks: the answer is not an array but an object");
    EXPECT_EQ(problem(200, "[").find("discovery at http://h/networks: the answer cannot be read: "),
              0u);
    EXPECT_EQ(problem(200, R"([1,{"network_id":"a"},{"network_id":"a","instance_id":"b",)"
                           R"("endpoint":"c","capabilities":[],"more":1,"last_seen":5}])"),
              "none");
    EXPECT_EQ(skipped, 2u);
    EXPECT_TRUE(check_registered("u", 204, "").ok());
    EXPECT_EQ(check_registered("u", 422, R"({"error":"x"})").error().message,
              "discovery at u: status 422: x");
}

TEST(DiscoveryClient, MutatedAnswers) {
    String list = "[";
    for (const char* instance : {"a", "b", "c"}) {
        if (list.size() > 1) list += ",";
        write_discovery_entry(list, entry("studio", instance, "h:1", 1'777'889'472'100));
    }
    list += "]";
    testing::Seeds seeds = testing::seeds(3000);
    for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
        testing::Random random(seed);
        std::string body(list);
        for (std::uint64_t i = 0; i <= random.below(4); ++i) {
            std::size_t at = random.below(body.size());
            switch (random.below(3)) {
                case 0: body[at] = static_cast<char>(random.below(256)); break;
                case 1: body.erase(at, 1 + random.below(5)); break;
                default: body.insert(at, body.substr(random.below(body.size()), random.below(9)));
            }
        }
        std::size_t skipped = 0;
        auto read = read_networks("u", 200, body, &skipped);
        if (!read.ok()) {
            ASSERT_EQ(read.error().message.find("discovery at u: "), 0u) << "seed " << seed;
            continue;
        }
        View v;
        v.answered(0, read.value());
        std::size_t known = 0;
        for (const DiscoveredNetwork& network : v.view.known()) known += network.instances.size();
        ASSERT_LE(known, read.value().size()) << "seed " << seed;
    }
}

TEST(DiscoveryClient, Urls) {
    EXPECT_EQ(discovery_url("http://127.0.0.1:9300", "register"), "http://127.0.0.1:9300/register");
    EXPECT_EQ(discovery_url("http://h/base//", "networks"), "http://h/base/networks");
}

TEST(DiscoveryClient, ReachableHost) {
    using Address = io::InterfaceAddress;
    Vector<Address> all{{"lo", "127.0.0.1", false, true, false},
                        {"lo", "::1", true, true, false},
                        {"docker0", "172.17.0.1", false, false, false},
                        {"eth0", "fe80::1", true, false, true},
                        {"eth0", "2001:db8::7", true, false, false},
                        {"eth0", "10.1.2.3", false, false, false},
                        {"eth1", "10.9.9.9", false, false, false}};
    EXPECT_EQ(reachable_host("0.0.0.0", all), "10.1.2.3");
    EXPECT_EQ(reachable_host("::", all), "10.1.2.3");
    EXPECT_EQ(reachable_host("192.168.0.9", all), "192.168.0.9");
    EXPECT_EQ(reachable_host("kiln.example", all), "kiln.example");
    all.resize(5);
    EXPECT_EQ(reachable_host("0.0.0.0", all), "172.17.0.1");
    EXPECT_EQ(reachable_host("::", all), "2001:db8::7");
    all.resize(2);
    EXPECT_EQ(reachable_host("0.0.0.0", all), "127.0.0.1");
    EXPECT_EQ(reachable_host("0.0.0.0", {}), "127.0.0.1");
    EXPECT_EQ(reachable_host("::", {}), "::1");
    Address far{"eth0", "169.254.7.7", false, false, true};
    EXPECT_EQ(reachable_host("0.0.0.0", std::span(&far, 1)), "169.254.7.7");
}

TEST(DiscoveryClient, Registration) {
    Config config;
    config.network_id = "kiln";
    config.instance_id = "kiln-a";
    config.bind_address = "127.0.0.1";
    EXPECT_EQ(registration(config, 9310, {}).endpoint, "127.0.0.1:9310");
    String body;
    write_discovery_entry(body, registration(config, 9310, {}));
    EXPECT_EQ(body, R"({"network_id":"kiln","instance_id":"kiln-a","endpoint":"127.0.0.1:9310",)"
                    R"("capabilities":["actor_messaging"]})");
    io::InterfaceAddress six{"eth0", "2001:db8::7", true, false, false};
    config.bind_address = "::";
    EXPECT_EQ(registration(config, 9310, std::span(&six, 1)).endpoint, "[2001:db8::7]:9310");
    config.advertise_address = "kiln.example";
    EXPECT_EQ(registration(config, 9310, {}).endpoint, "kiln.example:9310");
    config.advertise_address = "wss://[::1]:443/peer";
    EXPECT_EQ(registration(config, 9310, {}).endpoint, "wss://[::1]:443/peer");
}

TEST(DiscoveryClient, InterfacesOfThisMachine) {
    auto all = io::interface_addresses();
    ASSERT_TRUE(all.ok());
    for (const io::InterfaceAddress& one : all.value()) {
        EXPECT_FALSE(one.name.empty());
        EXPECT_EQ(one.ipv6, one.address.find(':') != String::npos) << one.address;
        bool known = one.address == "127.0.0.1" || one.address == "::1";
        EXPECT_TRUE(one.loopback || !known);
    }
    String host = reachable_host("0.0.0.0", all.value());
    EXPECT_FALSE(host.empty());
    EXPECT_NE(host, "0.0.0.0");
}

}  // namespace
}  // namespace reflow::peer
