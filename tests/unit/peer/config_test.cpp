// The configuration of a peer: the files of the tutorial, every kind of mistake, and back to TOML.
#include "peer/config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "peer/config_fields.hpp"
#include "peer/fixed_clock.hpp"
#include "random.hpp"

namespace reflow::peer {
namespace {

// As the tutorial gives them.
constexpr std::string_view alpha = R"(network_id   = "alpha"
instance_id  = "alpha-1"
bind_address = "127.0.0.1"
bind_port    = 9100
discovery_endpoints = ["http://127.0.0.1:9000"]
auth_token   = "shared-secret"
)";
constexpr std::string_view beta = R"(network_id   = "beta"
instance_id  = "beta-1"
bind_address = "127.0.0.1"
bind_port    = 9101
discovery_endpoints = ["http://127.0.0.1:9000"]
auth_token   = "shared-secret"

[[connect]]
endpoint = "127.0.0.1:9100"
)";
constexpr std::string_view minimal = "network_id = \"n\"\nbind_port = 1\n";

// Every key once, and none with its default.
constexpr std::string_view full = R"(# a comment
network_id = "kiln"
instance_id = "kiln-a"
bind_address = "::"
bind_port = 9_310
discovery_endpoints = ["http://127.0.0.1:9300", "https://discovery.example.com/base/"]
auth_token = "correct-horse \"\u0394\""
max_connections = 100
heartbeat_interval_ms = 500
allowed_networks = ["studio"]
allowed_origins = ["https://example.org", "http://[::1]:8080"]
legacy_auth = true
connect_timeout_ms = 1
handshake_timeout_ms = 2
send_timeout_ms = 3
batch_bytes = 4
batch_linger_us = 5
compression_threshold = 6
compression_level = 7
reconnect_attempts = 8
reconnect_first_ms = 9
reconnect_most_ms = 10
reconnect_forever = true
auto_dial = false
advertise_address = "kiln.example:443"
capabilities = ["actor_messaging", "ack"]
discovery_refresh_ms = 200
discovery_timeout_ms = 12
discovery_ttl_ms = 13
discovery_token = 'battery\staple'

[tls]
certificate_file = "/etc/kiln/a.pem"
key_file = "/etc/kiln/a.key"
ca_file = "/etc/kiln/ca.pem"
verify = false

[local_network_config.compression]
size_threshold = 1
streaming_threshold = 2
enabled = false
level = 3
type_strategies = { Bytes = "Never", "odd kind" = "Always" }

[local_network_config.tracing]
server_url = "ws://trace.example:1"
batch_size = 4
batch_timeout = { secs = 5, nanos = 6 }
enable_compression = false
enabled = false
capture_checksum = false
capture_content = true
enable_perf_sampling = true

[local_network_config.tracing.retry_config]
max_retries = 7
initial_delay = { secs = 8, nanos = 9 }
max_delay = { secs = 10, nanos = 11 }
backoff_multiplier = 1.5

[[connect]]
endpoint = "127.0.0.1:9311"

[[connect]]
endpoint = "tcp://[::1]:9312"

[[remote_actor]]
actor_id = "glaze"
network_id = "studio"

[[remote_actor]]
actor_id = "mixer"
network_id = "studio"
alias = "desk"
capabilities = ["paint"]
delivery = "at_least_once"
outbox_policy = "drop_oldest"
outbox_messages = 1
outbox_bytes = 2
deadline_ms = 3
ack_timeout_ms = 4
ack_retries = 6
unacknowledged_messages = 5

[[remote_actor]]
actor_id = "press"
network_id = "studio"
strategy = "fully_qualified"
)";

Result<Config> read(std::string_view text) { return read_config(text, "peer.toml", FixedClock()); }

std::string problem(std::string_view text) {
    Result<Config> config = read(text);
    if (config.ok()) return "none";
    EXPECT_EQ(config.error().file, "peer.toml");
    EXPECT_GT(config.error().line, 0u) << text;
    return std::string(config.error().describe());
}

// The minimal file and more lines, which begin at line 3.
std::string more(std::string_view lines) {
    return problem(std::string(minimal) + std::string(lines));
}

TEST(PeerConfig, TheTutorial) {
    Result<Config> a = read(alpha);
    ASSERT_TRUE(a.ok()) << a.error().describe();
    EXPECT_EQ(a.value().network_id, "alpha");
    EXPECT_EQ(a.value().instance_id, "alpha-1");
    EXPECT_EQ(a.value().bind_address, "127.0.0.1");
    EXPECT_EQ(a.value().bind_port, 9100);
    EXPECT_EQ(a.value().discovery_endpoints, Vector<String>{"http://127.0.0.1:9000"});
    EXPECT_EQ(a.value().auth_token, "shared-secret");
    EXPECT_TRUE(a.value().connect.empty());
    Result<Config> b = read(beta);
    ASSERT_TRUE(b.ok()) << b.error().describe();
    EXPECT_EQ(b.value().bind_port, 9101);
    ASSERT_EQ(b.value().connect.size(), 1u);
    EXPECT_EQ(b.value().connect[0].endpoint, "127.0.0.1:9100");
}

TEST(PeerConfig, Defaults) {
    Result<Config> config = read(minimal);
    ASSERT_TRUE(config.ok());
    const Config& c = config.value();
    // The microseconds of the clock: 1777889472100000.
    EXPECT_EQ(c.instance_id, "peer-650fb266f36a0");
    EXPECT_EQ(c.bind_address, "0.0.0.0");
    EXPECT_TRUE(c.discovery_endpoints.empty());
    EXPECT_EQ(c.auth_token, "");
    EXPECT_EQ(c.max_connections, 32u);
    EXPECT_EQ(c.heartbeat_interval_ms, 1000u);
    EXPECT_EQ(c.compression_threshold, 1024u);
    EXPECT_EQ(c.compression_level, 1u);
    EXPECT_EQ(c.reconnect_attempts, 5u);
    EXPECT_EQ(c.reconnect_first_ms, 200u);
    EXPECT_EQ(c.reconnect_most_ms, 3200u);
    EXPECT_FALSE(c.reconnect_forever);
    EXPECT_TRUE(c.auto_dial);
    EXPECT_FALSE(c.legacy_auth);
    EXPECT_EQ(c.discovery_refresh_ms, 15'000u);
    EXPECT_EQ(c.capabilities, Vector<String>{"actor_messaging"});
    EXPECT_EQ(c.local_network_config.compression.level, 6u);
    EXPECT_EQ(c.local_network_config.compression.type_strategies.find("Array")->second, "Adaptive");
    EXPECT_EQ(c.local_network_config.tracing.server_url, "ws://localhost:8080");
    EXPECT_EQ(c.local_network_config.tracing.batch_timeout.nanos, 100'000'000u);
    EXPECT_EQ(read("network_id = \"n\"\nbind_port = 0\n").value().bind_port, 0);
}

TEST(PeerConfig, Full) {
    Result<Config> config = read(full);
    ASSERT_TRUE(config.ok()) << config.error().describe();
    const Config& c = config.value();
    EXPECT_EQ(c.bind_port, 9310);
    EXPECT_EQ(c.auth_token, "correct-horse \"\xce\x94\"");
    EXPECT_EQ(c.discovery_token, "battery\\staple");
    EXPECT_EQ(c.discovery_ttl_ms, 13u);
    EXPECT_FALSE(c.tls.verify);
    EXPECT_EQ(c.local_network_config.tracing.retry_config.max_delay, (DurationConfig{10, 11}));
    EXPECT_EQ(c.local_network_config.tracing.retry_config.backoff_multiplier, 1.5);
    EXPECT_EQ(c.local_network_config.compression.type_strategies.size(), 2u);
    ASSERT_EQ(c.remote_actors.size(), 3u);
    EXPECT_EQ(c.remote_actors[0].strategy, std::nullopt);
    EXPECT_EQ(c.remote_actors[1].strategy, NameStrategy::manual_alias);
    EXPECT_EQ(c.remote_actors[1].delivery, Delivery::at_least_once);
    EXPECT_EQ(c.remote_actors[1].outbox_policy, OutboxPolicy::drop_oldest);
    EXPECT_EQ(c.remote_actors[1].unacknowledged_messages, 5u);
    EXPECT_EQ(c.remote_actors[2].strategy, NameStrategy::fully_qualified);
}

TEST(PeerConfig, RoundTrip) {
    for (std::string_view text : {alpha, beta, minimal, full}) {
        Result<Config> first = read(text);
        ASSERT_TRUE(first.ok());
        String written = write_config(first.value());
        Result<Config> second = read(written);
        ASSERT_TRUE(second.ok()) << second.error().describe() << "\n" << written;
        EXPECT_TRUE(first.value() == second.value()) << written;
        EXPECT_EQ(write_config(second.value()), written);
    }
    EXPECT_EQ(write_config(read(beta).value()), R"(network_id = "beta"
instance_id = "beta-1"
bind_address = "127.0.0.1"
bind_port = 9101
discovery_endpoints = ["http://127.0.0.1:9000"]
auth_token = "shared-secret"

[[connect]]
endpoint = "127.0.0.1:9100"
)");
}

TEST(PeerConfig, RoundTripOfOddTexts) {
    Config config = read(minimal).take();
    config.tls.certificate_file = "a\"b\\c\td\x7f\r\n'''\"\"\"#=[]";
    config.tls.key_file = "\xce\x94\xf0\x9f\x8c\x90";
    config.local_network_config.compression.type_strategies.clear();
    config.capabilities.clear();
    Result<Config> again = read(write_config(config));
    ASSERT_TRUE(again.ok()) << again.error().describe() << write_config(config);
    EXPECT_TRUE(again.value() == config);
}

TEST(PeerConfig, MissingAndUnknownKeys) {
    EXPECT_EQ(problem("bind_port = 1\n"), "peer.toml:1:1: missing key 'network_id'");
    EXPECT_EQ(problem(""), "peer.toml:1:1: missing key 'network_id'");
    EXPECT_EQ(problem("\n\nnetwork_id = \"a\"\n"),
              "peer.toml:1:1: missing key 'bind_port' (0 is a free one; a peer that only dials has "
              "listen = false instead)");
    EXPECT_EQ(more("[[connect]]\nendpoin = 'a:1'"),
              "peer.toml:4:1: unknown key 'endpoin' at $.connect[0].endpoin "
              "(did you mean 'endpoint'?)");
    EXPECT_EQ(more("[[connect]]\n"), "peer.toml:3:1: missing key 'endpoint' at $.connect[0]");
    EXPECT_EQ(more("[[remote_actor]]\nactor_id = 'a'"),
              "peer.toml:3:1: missing key 'network_id' at $.remote_actor[0]");
    EXPECT_EQ(more("  max_conections = 5"),
              "peer.toml:3:3: unknown key 'max_conections' at $.max_conections "
              "(did you mean 'max_connections'?)");
    EXPECT_EQ(more("zzz = 5"), "peer.toml:3:1: unknown key 'zzz' at $.zzz");
    EXPECT_EQ(more("[tls]\nverfy = true"),
              "peer.toml:4:1: unknown key 'verfy' at $.tls.verfy (did you mean 'verify'?)");
    EXPECT_EQ(more("[local_network_config]\ntracng = 1"),
              "peer.toml:4:1: unknown key 'tracng' at $.local_network_config.tracng "
              "(did you mean 'tracing'?)");
    EXPECT_EQ(more("[local_network_config.tracing]\nbatch_timeout = { secs = 1 }").substr(0, 49),
              "peer.toml:4:17: missing key 'nanos' at $.local_ne");
}

TEST(PeerConfig, WrongTypes) {
    EXPECT_EQ(problem("network_id = 5\nbind_port = 1"),
              "peer.toml:1:14: expected a string, found an integer at $.network_id");
    EXPECT_EQ(problem("network_id = 'a'\nbind_port = '1'"),
              "peer.toml:2:13: expected an integer, found a string at $.bind_port");
    EXPECT_EQ(more("discovery_endpoints = 'http://h'"),
              "peer.toml:3:23: expected an array of strings, found a string at "
              "$.discovery_endpoints");
    EXPECT_EQ(more("discovery_endpoints = ['http://h', 5]"),
              "peer.toml:3:36: expected a string, found an integer at $.discovery_endpoints[1]");
    EXPECT_EQ(more("legacy_auth = 1"),
              "peer.toml:3:15: expected true or false, found an integer at $.legacy_auth");
    EXPECT_EQ(more("heartbeat_interval_ms = 1.5"),
              "peer.toml:3:25: expected an integer, found a float at $.heartbeat_interval_ms");
    EXPECT_EQ(more("connect = 1"),
              "peer.toml:3:11: expected an array of tables, [[connect]], found an integer at "
              "$.connect");
    EXPECT_EQ(more("[connect]\nendpoint = 'a:1'"),
              "peer.toml:3:1: expected an array of tables, [[connect]], found a table at "
              "$.connect");
    EXPECT_EQ(more("connect = [1.5]"),
              "peer.toml:3:12: expected a table, found a float at $.connect[0]");
    EXPECT_EQ(more("tls = []"), "peer.toml:3:7: expected a table, found an array at $.tls");
    EXPECT_EQ(more("auth_token = 2026-05-04"),
              "peer.toml:3:14: dates and times are not expected here at $.auth_token");
    EXPECT_EQ(more("[[remote_actor]]\nactor_id='a'\nnetwork_id='b'\nstrategy = true"),
              "peer.toml:6:12: expected 'auto_alias', 'network_prefix', 'fully_qualified', "
              "'manual_alias' or 'fail', found a boolean at $.remote_actor[0].strategy");
    EXPECT_EQ(more("[[remote_actor]]\nactor_id='a'\nnetwork_id='b'\ndelivery = 'at_lest_once'"),
              "peer.toml:6:12: expected 'at_most_once' or 'at_least_once', found 'at_lest_once' at "
              "$.remote_actor[0].delivery (did you mean 'at_least_once'?)");
}

TEST(PeerConfig, Ranges) {
    EXPECT_EQ(problem("network_id = 'a'\nbind_port = 65536"),
              "peer.toml:2:13: expected an integer from 0 to 65535, found 65536 at $.bind_port");
    EXPECT_EQ(problem("network_id = 'a'\nbind_port = -1"),
              "peer.toml:2:13: expected an integer from 0 to 65535, found -1 at $.bind_port");
    EXPECT_EQ(more("max_connections = 0"),
              "peer.toml:3:19: expected an integer from 1 to 65535, found 0 at $.max_connections");
    EXPECT_EQ(more("compression_level = 20"),
              "peer.toml:3:21: expected an integer from 0 to 19, found 20 at $.compression_level");
    EXPECT_EQ(more("reconnect_first_ms = 5000"),
              "peer.toml:3:22: reconnect_first_ms is 5000, more than reconnect_most_ms, which is "
              "3200 at $.reconnect_first_ms");
    EXPECT_EQ(more("[local_network_config.tracing.retry_config]\nbackoff_multiplier = nan"),
              "peer.toml:4:22: expected 1 to 1000, found nan at "
              "$.local_network_config.tracing.retry_config.backoff_multiplier");
    EXPECT_EQ(more("[local_network_config.tracing.retry_config]\nbackoff_multiplier = 3"), "none");
}

// What is said of compression, for links and in the words of the original: what is left out is as usual, and
// what cannot be is refused where it stands.
TEST(PeerConfig, Compression) {
    Result<Config> some = read(concat(minimal, R"(compression_level = 3
[local_network_config.compression]
level = 22
)"));
    ASSERT_TRUE(some.ok()) << some.error().describe();
    EXPECT_EQ(some.value().compression_threshold, 1024u);
    EXPECT_EQ(some.value().compression_level, 3u);
    LocalCompressionConfig usual;
    usual.level = 22;
    EXPECT_TRUE(some.value().local_network_config.compression == usual);
    EXPECT_EQ(more("compression_level = 0\ncompression_threshold = 0"), "none");
    EXPECT_EQ(more("compression_threshold = 4294967295"), "none");
    EXPECT_EQ(more("compression_level = -1"),
              "peer.toml:3:21: expected an integer from 0 to 19, found -1 at $.compression_level");
    EXPECT_EQ(more("compression_level = 'best'"),
              "peer.toml:3:21: expected an integer, found a string at $.compression_level");
    EXPECT_EQ(more("compression_threshold = 4294967296"),
              "peer.toml:3:25: expected an integer from 0 to 4294967295, found 4294967296 at "
              "$.compression_threshold");
    EXPECT_EQ(more("compression_treshold = 1"),
              "peer.toml:3:1: unknown key 'compression_treshold' at $.compression_treshold "
              "(did you mean 'compression_threshold'?)");
    auto local = [](std::string_view line) {
        return more(concat("[local_network_config.compression]\n", line));
    };
    EXPECT_EQ(local("level = 23"),
              "peer.toml:4:9: expected an integer from 0 to 22, found 23 at "
              "$.local_network_config.compression.level");
    EXPECT_EQ(local("size_threshold = true"),
              "peer.toml:4:18: expected an integer, found a boolean at "
              "$.local_network_config.compression.size_threshold");
    EXPECT_EQ(local("enabled = 'no'"),
              "peer.toml:4:11: expected true or false, found a string at "
              "$.local_network_config.compression.enabled");
    EXPECT_EQ(local("streaming_threshold = 1.5"),
              "peer.toml:4:23: expected an integer, found a float at "
              "$.local_network_config.compression.streaming_threshold");
    EXPECT_EQ(local("type_strategies = { Bytes = 'Allways' }"),
              "peer.toml:4:29: expected 'Always', 'Never', 'Adaptive' or 'SizeThreshold', found "
              "'Allways' at $.local_network_config.compression.type_strategies.Bytes "
              "(did you mean 'Always'?)");
    EXPECT_EQ(local("type_strategies = { Bytes = { strategy = 'Always' } }"),
              "peer.toml:4:29: expected 'Always', 'Never', 'Adaptive' or 'SizeThreshold', found a "
              "table at $.local_network_config.compression.type_strategies.Bytes");
    EXPECT_EQ(local("type_strategies = 'Always'"),
              "peer.toml:4:19: expected a table, found a string at "
              "$.local_network_config.compression.type_strategies");
    EXPECT_EQ(local("type_strategies = {}"), "none");
}

TEST(PeerConfig, Meanings) {
    EXPECT_EQ(problem("network_id = 'a@b'\nbind_port = 1"),
              "peer.toml:1:14: network_id 'a@b' holds '@' at $.network_id");
    EXPECT_EQ(more("instance_id = \"a\\u0000\"").substr(0, 56),
              "peer.toml:3:15: instance_id holds a control character at");
    EXPECT_EQ(problem("network_id = ''\nbind_port = 1"),
              "peer.toml:1:14: 'network_id' is empty at $.network_id");
    EXPECT_EQ(more("auth_token = ''"),
              "peer.toml:3:14: 'auth_token' is empty at $.auth_token (leave it out)");
    EXPECT_EQ(more("discovery_token = \"a\\nb\""),
              "peer.toml:3:19: 'discovery_token' holds a control character at $.discovery_token");
    EXPECT_EQ(more("bind_address = '127.0.0.1:5'"),
              "peer.toml:3:16: '127.0.0.1:5' is neither the name of a host nor an address at "
              "$.bind_address");
    EXPECT_EQ(more("advertise_address = '0.0.0.0'"),
              "peer.toml:3:21: nobody can reach a wildcard address at $.advertise_address");
    EXPECT_EQ(more("discovery_endpoints = ['h:1']"),
              "peer.toml:3:24: 'h:1' is no endpoint: it does not begin with http:// or https:// at "
              "$.discovery_endpoints[0]");
    EXPECT_EQ(more("allowed_networks = ['a', 'b', 'a']"),
              "peer.toml:3:31: 'a' is there twice at $.allowed_networks[2]");
    EXPECT_EQ(more("allowed_origins = ['*', 'null', 'https://a']"),
              "peer.toml:3:25: 'null' is no origin, such as https://example.org at "
              "$.allowed_origins[1]");
    EXPECT_EQ(more("allowed_origins = ['https://a/']"),
              "peer.toml:3:20: 'https://a/' is no origin, such as https://example.org at "
              "$.allowed_origins[0]");
    EXPECT_EQ(more("capabilities = ['']"),
              "peer.toml:3:17: a capability is empty at $.capabilities[0]");
    EXPECT_EQ(more("[tls]\nkey_file = 'a'"),
              "peer.toml:3:1: certificate_file and key_file go together at $.tls");
    EXPECT_EQ(more("[[connect]]\nendpoint = 'a'"),
              "peer.toml:4:12: 'a' is no endpoint: the port is missing, as in host:9100 at "
              "$.connect[0].endpoint");
    EXPECT_EQ(more("[[connect]]\nendpoint = 'a:1'\n[[connect]]\nendpoint = 'a:1'"),
              "peer.toml:6:12: 'a:1' is there twice at $.connect[1].endpoint");
}

TEST(PeerConfig, RemoteActors) {
    auto actor = [](std::string_view lines) {
        return more("[[remote_actor]]\nactor_id = 'a'\nnetwork_id = 'b'\n" + std::string(lines));
    };
    EXPECT_EQ(actor("strategy = 'auto_alias'"), "none");
    EXPECT_EQ(actor("strategy = 'manual_alias'"),
              "peer.toml:3:1: the strategy 'manual_alias' needs the key 'alias' at "
              "$.remote_actor[0]");
    EXPECT_EQ(actor("strategy = 'fail'\nalias = 'x'"),
              "peer.toml:7:9: only the strategy 'manual_alias' takes an alias at "
              "$.remote_actor[0].alias");
    EXPECT_EQ(actor("alias = 'x@y'"),
              "peer.toml:6:9: invalid alias: the name 'x@y' holds '@' at $.remote_actor[0].alias");
    EXPECT_EQ(actor("[[remote_actor]]\nactor_id = 'a'\nnetwork_id = 'b'"),
              "peer.toml:6:1: a@b is there twice at $.remote_actor[1]");
    EXPECT_EQ(actor("alias = 'x'\n[[remote_actor]]\nactor_id = 'c'\nnetwork_id = 'b'\nalias = 'x'"),
              "peer.toml:10:9: name conflict: 'x' is there twice at $.remote_actor[1].alias");
    EXPECT_EQ(more("[[remote_actor]]\nactor_id = 'a'\nnetwork_id = 'n'"),
              "peer.toml:5:14: 'n' is this network itself at $.remote_actor[0].network_id");
}

TEST(PeerConfig, Syntax) {
    auto status = [](std::string_view text) { return read(text).error().status; };
    EXPECT_EQ(more("a = ").substr(0, 12), "peer.toml:3:");
    for (std::string_view text : {"a", "= 1", "a = 1 b = 2", "[a", "[[a]", "a = 'b", "a = \"\"\"x",
                                  "a = 1\na = 2", "a = [1,", "a = {b = 1", "a = \"\\x\"", "\x01"}) {
        EXPECT_EQ(status(text), REFLOW_ERROR_PARSE) << text;
        problem(text);
    }
    EXPECT_EQ(status("a = \"\xff\""), REFLOW_ERROR_INVALID_UTF8);
    EXPECT_EQ(problem("\n a = \"\xff\""), "peer.toml:2:7: not UTF-8");
    Result<Config> large = read(std::string(limits::peer_config_bytes + 1, '\n'));
    ASSERT_FALSE(large.ok());
    EXPECT_EQ(large.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(large.error().file, "peer.toml");
    // Columns count bytes, as everywhere.
    EXPECT_EQ(more("capabilities = ['\xc3\xa9', 5]"),
              "peer.toml:3:23: expected a string, found an integer at $.capabilities[1]");
    EXPECT_EQ(problem("\xEF\xBB\xBFnetwork_id = 5\nbind_port = 1").substr(0, 15),
              "peer.toml:1:17:");
    EXPECT_EQ(problem("network_id = 'n'\r\nbind_port = 'x'\r\n").substr(0, 15), "peer.toml:2:13:");
}

TEST(PeerConfig, OneThatOnlyDials) {
    Result<Config> dials = read("network_id = 'n'\nlisten = false\n");
    ASSERT_TRUE(dials.ok()) << dials.error().describe();
    EXPECT_FALSE(dials.value().listen);
    Result<Config> again = read(write_config(dials.value()));
    ASSERT_TRUE(again.ok()) << again.error().describe();
    EXPECT_FALSE(again.value().listen);
    // A program that says so may leave the port out as well.
    EXPECT_FALSE(read_config("network_id = 'n'\n", "peer.toml", FixedClock(), false).value().listen);
    EXPECT_TRUE(read(minimal).value().listen);
    EXPECT_EQ(problem("network_id = 'n'\nlisten = 0\n").substr(0, 20), "peer.toml:2:10: expe");
}

TEST(PeerConfig, DeepTexts) {
    auto status = [](const std::string& text) { return read(text).error().status; };
    std::string key = "a";
    for (int i = 0; i < 100'000; ++i) key += ".a";
    EXPECT_EQ(status(key + " = 1"), REFLOW_ERROR_LIMIT);
    EXPECT_EQ(status("[" + key + "]"), REFLOW_ERROR_LIMIT);
    EXPECT_EQ(status("a = [ \"\"\"x\"\"\"\"\", {" + key + " = 1}]"), REFLOW_ERROR_LIMIT);
    EXPECT_EQ(status("a = [ '''x'''', {" + key + " = 1}]"), REFLOW_ERROR_LIMIT);
    EXPECT_EQ(status("a = [ \"\\\"\", '\\', {" + key + " = 1}]"), REFLOW_ERROR_LIMIT);
    EXPECT_EQ(status("a.a.a.a.a.a.a.a.a.a = 1"), REFLOW_ERROR_LIMIT);
    EXPECT_EQ(status("a = " + std::string(100'000, '[')), REFLOW_ERROR_PARSE);
    // Dots inside of texts and comments are no key.
    std::string dots(1000, '.');
    EXPECT_EQ(more("auth_token = '" + dots + "' # " + dots), "none");
    EXPECT_EQ(more("auth_token = \"\"\"" + dots + "\\\"" + dots + "\"\"\"\"\n"), "none");
}

TEST(PeerConfig, ChecksOfAProgram) {
    Config config;
    EXPECT_EQ(check_config(config).error().message, "network_id is empty");
    EXPECT_EQ(check_config(config).error().path, "$.network_id");
    config.network_id = "n";
    config.instance_id = "i";
    EXPECT_TRUE(check_config(config).ok());
    config.max_connections = 70'000;
    EXPECT_EQ(check_config(config).error().describe(),
              "expected 1 to 65535, found 70000 at $.max_connections");
    config.max_connections = 1;
    config.auth_token = "\xff";
    EXPECT_FALSE(check_config(config).ok());
    config.auth_token = String(limits::secret_bytes + 1, 'a');
    EXPECT_FALSE(check_config(config).ok());
    config.auth_token.clear();
    config.local_network_config.tracing.server_url.clear();
    EXPECT_EQ(check_config(config).error().path, "$.local_network_config.tracing.server_url");
}

template <typename T, std::size_t N>
void expect_keys(const std::string& page, const std::array<Field<T>, N>& fields) {
    for (const Field<T>& field : fields) {
        EXPECT_NE(page.find("`" + std::string(field.key) + "`"), std::string::npos) << field.key;
    }
}

TEST(PeerConfig, ThePageHasEachKeyAndAnExample) {
    std::ifstream file(REFLOW_SOURCE_DIR "/docs/peers.md");
    std::stringstream text;
    text << file.rdbuf();
    std::string page = text.str();
    expect_keys(page, config_fields);
    expect_keys(page, connect_fields);
    expect_keys(page, remote_actor_fields);
    expect_keys(page, tls_fields);
    std::size_t begin = page.find("```toml\n"), end = page.find("```\n", begin + 8);
    ASSERT_NE(end, std::string::npos);
    Result<Config> config = read(page.substr(begin + 8, end - begin - 8));
    ASSERT_TRUE(config.ok()) << config.error().describe();
    EXPECT_EQ(config.value().remote_actors.size(), 1u);
    EXPECT_EQ(page.substr(page.find("    kiln.toml:") + 4 + 5, 90),
              problem("network_id = 'n'\nbind_port = 1\nmax_conections = 5").substr(5, 90));
}

// Mutations of a whole file: each is refused with a place, or read and written back as the same.
TEST(PeerConfig, MutatedTexts) {
    testing::Seeds seeds = testing::seeds(2000);
    std::uint64_t good = 0;
    for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
        testing::Random random(seed);
        std::string text(full);
        for (std::uint64_t i = 0; i <= random.below(3); ++i) {
            constexpr std::string_view letters = "\"'[]{}=.#\n\\,-_ 1a\t\r\0\xff";
            std::size_t at = random.below(text.size());
            switch (random.below(4)) {
                case 0: text[at] = letters[random.below(letters.size())]; break;
                case 1: text.erase(at, 1 + random.below(20)); break;
                case 2: text.insert(at, 1, letters[random.below(letters.size())]); break;
                default: text.insert(at, text.substr(random.below(text.size()), random.below(40)));
            }
        }
        Result<Config> config = read(text);
        if (!config.ok()) {
            ASSERT_GT(config.error().line, 0u) << "seed " << seed << config.error().describe();
            continue;
        }
        ++good;
        Result<Config> again = read(write_config(config.value()));
        ASSERT_TRUE(again.ok()) << "seed " << seed << ": " << again.error().describe();
        ASSERT_TRUE(again.value() == config.value()) << "seed " << seed;
    }
    EXPECT_TRUE(good > 0 || seeds.count < 100);
}

}  // namespace
}  // namespace reflow::peer
