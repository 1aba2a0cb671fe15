// The three forms of a peer's status.
#include "peer/status.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "codec/json.hpp"
#include "peer/http.hpp"
#include "io/secret.hpp"

namespace reflow::peer {
namespace {

Status sample() {
    Status status;
    status.network_id = "kiln";
    status.instance_id = "kiln-a";
    status.version = "0.1.0";
    status.listening = "127.0.0.1:9310";
    status.uptime_ns = 2'500'000'000;
    status.actors = {"glaze", "recorder"};
    status.remote_actors.push_back({"studio_mixer", "mixer", "studio", true});
    status.max_connections = 32;
    status.refused_connections = 1;
    status.pending_handshakes = 3;
    status.failed_handshakes = 2;
    LinkStatus link;
    link.network_id = "studio";
    link.instance_id = "studio-1";
    link.endpoint = "127.0.0.1:9311";
    link.scheme = "tcp";
    link.dialled = true;
    link.state = LinkState::connected;
    link.round_trip_ns = 82'500;
    link.connected_ns = 1'000'000'000;
    link.reconnects = 3;
    link.sent = {10, 2, 999};
    link.received = {20, 4, 1999};
    link.queued_messages = 5;
    link.queued_bytes = 500;
    link.unconfirmed = 11;
    link.streams = 9;
    status.links.push_back(link);
    status.lost[static_cast<std::size_t>(Loss::not_connected)] = 8;
    status.lost[static_cast<std::size_t>(Loss::deadline)] = 7;
    status.messages = {100, 80, 6, 3, 11};
    return status;
}

TEST(PeerStatus, Health) {
    Status status = sample();
    EXPECT_EQ(health_json(status),
              R"({"status":"ok","network_id":"kiln","instance_id":"kiln-a","version":"0.1.0",)"
              R"("uptime_seconds":2.5,"connected_networks":["studio"]})");
    status.links.push_back(status.links[0]);
    status.links[1].network_id = "atelier";
    status.links[1].state = LinkState::reconnecting;
    EXPECT_NE(health_json(status).find(R"("status":"degraded")"), String::npos);
    status.links[1].state = LinkState::closed;
    EXPECT_NE(health_json(status).find(R"("status":"ok")"), String::npos);
    status.stopping = true;
    EXPECT_NE(health_json(status).find(R"("status":"stopping")"), String::npos);
}

TEST(PeerStatus, Status) {
    EXPECT_EQ(
        status_json(sample()),
        R"({"status":"ok","network_id":"kiln","instance_id":"kiln-a","version":"0.1.0",)"
        R"("uptime_seconds":2.5,"listening":"127.0.0.1:9310","max_connections":32,)"
        R"("refused_connections":1,"pending_handshakes":3,"failed_handshakes":2,"connected_networks":["studio"],)"
        R"("links":[{"network_id":"studio","instance_id":"studio-1","endpoint":"127.0.0.1:9311",)"
        R"("scheme":"tcp","direction":"out","state":"connected","attempt":0,"round_trip_us":82.5,)"
        R"("connected_seconds":1.0,"reconnects":3,)"
        R"("sent":{"messages":10,"frames":2,"bytes":999},)"
        R"("received":{"messages":20,"frames":4,"bytes":1999},"queued_messages":5,)"
        R"("queued_bytes":500,"unconfirmed":11,"streams":9,)"
        R"("error":null}],"actors":["glaze","recorder"],"remote_actors":[{"alias":"studio_mixer",)"
        R"("actor_id":"mixer","network_id":"studio","reachable":true}],"lost":{"not_connected":8,)"
        R"("outbox_full":0,"deadline":7,"link_lost":0,"refused":0,"invalid":0,"duplicate":0},)"
        R"("messages":{"sent":100,"delivered":80,"refused":6,"in_doubt":3,"unconfirmed":11}})");
}

TEST(PeerStatus, OddTextStaysJson) {
    Status status = sample();
    status.links[0].error = "\"\\\n\xff";
    status.links[0].round_trip_ns.reset();
    Result<Message> read = codec::read_json(status_json(status));
    ASSERT_TRUE(read.ok());
    MessageRef link = read.value().get("links").at(0);
    EXPECT_EQ(link.get("error").text(), "\"\\\n\xEF\xBF\xBD");
    EXPECT_TRUE(link.get("round_trip_us").nothing());
}

// Reads the text as Prometheus does, roughly: HELP and TYPE before each family, once; no sample is
// there twice.
std::map<std::string, std::string> read_metrics(const String& text) {
    std::map<std::string, std::string> samples;
    std::set<std::string> families;
    std::string family, type;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string first, second;
        words >> first >> second;
        if (first == "#") {
            std::string name;
            words >> name;
            if (second == "HELP") {
                EXPECT_TRUE(families.insert(name).second) << name << " twice";
                family = name;
            } else {
                EXPECT_EQ(second, "TYPE");
                EXPECT_EQ(name, family);
                words >> type;
            }
            continue;
        }
        std::string name = line.substr(0, line.find_first_of("{ "));
        EXPECT_EQ(name, family);
        EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
        std::size_t space = line.rfind(' ');
        EXPECT_TRUE(samples.emplace(line.substr(0, space), line.substr(space + 1)).second) << line;
    }
    EXPECT_TRUE(text.ends_with('\n'));
    return samples;
}

TEST(PeerStatus, Metrics) {
    auto samples = read_metrics(metrics_text(sample()));
    const std::string link =
        R"({network_id="studio",instance_id="studio-1",endpoint="127.0.0.1:9311",direction="out")";
    const std::string info =
        R"(reflow_peer_info{network_id="kiln",instance_id="kiln-a",version="0.1.0"})";
    EXPECT_EQ(samples[info], "1");
    EXPECT_EQ(samples["reflow_peer_uptime_seconds"], "2.5");
    EXPECT_EQ(samples["reflow_peer_actors"], "2");
    EXPECT_EQ(samples["reflow_peer_pending_handshakes"], "3");
    EXPECT_EQ(samples["reflow_peer_failed_handshakes_total"], "2");
    EXPECT_EQ(samples["reflow_peer_link_up" + link + "}"], "1");
    EXPECT_EQ(samples["reflow_peer_link_round_trip_seconds" + link + "}"], "8.25e-05");
    EXPECT_EQ(samples["reflow_peer_link_messages_total" + link + R"(,way="sent"})"], "10");
    EXPECT_EQ(samples["reflow_peer_link_bytes_total" + link + R"(,way="received"})"], "1999");
    EXPECT_EQ(samples["reflow_peer_link_queued_bytes" + link + "}"], "500");
    EXPECT_EQ(samples["reflow_peer_link_unconfirmed_messages" + link + "}"], "11");
    EXPECT_EQ(samples["reflow_peer_sent_messages_total"], "100");
    EXPECT_EQ(samples[R"(reflow_peer_sent_messages_fate_total{fate="delivered"})"], "80");
    EXPECT_EQ(samples[R"(reflow_peer_sent_messages_fate_total{fate="refused"})"], "6");
    EXPECT_EQ(samples[R"(reflow_peer_sent_messages_fate_total{fate="in_doubt"})"], "3");
    EXPECT_EQ(samples["reflow_peer_unconfirmed_messages"], "11");
    EXPECT_EQ(samples["reflow_peer_link_streams" + link + "}"], "9");
    EXPECT_EQ(samples[R"(reflow_peer_lost_messages_total{reason="deadline"})"], "7");
    EXPECT_EQ(samples[R"(reflow_peer_lost_messages_total{reason="not_connected"})"], "8");
}

TEST(PeerStatus, MetricsEscapeAndMerge) {
    Status status = sample();
    status.links.push_back(status.links[0]);
    status.links[1].state = LinkState::failed;
    status.network_id = "a\"b\\c\nd";
    auto samples = read_metrics(metrics_text(status));
    const std::string info =
        R"(reflow_peer_info{network_id="a\"b\\c\nd",instance_id="kiln-a",version="0.1.0"})";
    EXPECT_EQ(samples.count(info), 1u);
    const std::string link =
        R"({network_id="studio",instance_id="studio-1",endpoint="127.0.0.1:9311",direction="out")";
    EXPECT_EQ(samples["reflow_peer_link_messages_total" + link + R"(,way="sent"})"], "20");
    EXPECT_EQ(samples["reflow_peer_link_streams" + link + "}"], "18");
    EXPECT_EQ(samples["reflow_peer_link_up" + link + "}"], "1");
    EXPECT_EQ(samples[R"(reflow_peer_lost_messages_total{reason="deadline"})"], "7");
}

TEST(PeerStatus, OutboxesIfThereAreSome) {
    Status status = sample();
    EXPECT_EQ(status_json(status).find("outbox\":"), String::npos);
    EXPECT_EQ(metrics_text(status).find("outbox_accepted"), String::npos);
    status.outbox = OutboxStatus{10, 4, 3, 5, 1, 700};
    EXPECT_NE(status_json(status).find(R"("outbox":{"accepted":10,"delivered":4,"resent":3,)"
                                       R"("waiting":5,"unconfirmed":1,"bytes":700})"),
              String::npos)
        << status_json(status);
    String text = metrics_text(status);
    EXPECT_NE(text.find("\nreflow_peer_outbox_delivered_messages_total 4\n"), String::npos);
    EXPECT_NE(text.find("\nreflow_peer_outbox_unconfirmed_messages 1\n"), String::npos);
}

TEST(PeerStatus, Answers) {
    Status status = sample();
    auto ask = [&](std::string_view method, std::string_view path) {
        return answer_status({method, path, {}, {}, {}, {}}, status);
    };
    EXPECT_EQ(ask("GET", "/health").status, 200);
    EXPECT_EQ(ask("GET", "/health").content_type, "application/json");
    EXPECT_EQ(ask("HEAD", "//status/").body, status_json(status));
    EXPECT_EQ(ask("GET", "/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(ask("POST", "/health").status, 405);
    EXPECT_EQ(ask("GET", "/").status, 404);
    EXPECT_EQ(ask("GET", "/\xff").status, 404);
    EXPECT_TRUE(codec::read_json(ask("GET", "/\xff").body).ok());
    status.stopping = true;
    EXPECT_EQ(ask("GET", "/health").status, 503);
    EXPECT_EQ(ask("GET", "/status").status, 200);
}

TEST(PeerHttp, Parts) {
    EXPECT_TRUE(is_json("application/json"));
    EXPECT_TRUE(is_json("Application/JSON; charset=utf-8"));
    EXPECT_TRUE(is_json("application/problem+json"));
    EXPECT_FALSE(is_json(""));
    EXPECT_FALSE(is_json("text/plain"));
    EXPECT_FALSE(is_json("application/+json"));
    EXPECT_FALSE(is_json("application/jsonx"));
    EXPECT_TRUE(is_bearer("Bearer secret", "secret"));
    EXPECT_TRUE(is_bearer("bearer  secret ", "secret"));
    EXPECT_FALSE(is_bearer("Bearer secres", "secret"));
    EXPECT_FALSE(is_bearer("Bearer secre", "secret"));
    EXPECT_FALSE(is_bearer("Basic secret", "secret"));
    EXPECT_FALSE(is_bearer("", "secret"));
    EXPECT_FALSE(is_bearer("Bearer ", ""));
    EXPECT_TRUE(io::same_secret("", ""));
    EXPECT_FALSE(io::same_secret("a", "\xe1"));
}

}  // namespace
}  // namespace reflow::peer
