// Endpoints, --send, log lines and times as text.
#include "peer/endpoints.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "io/wire.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

template <typename T>
std::string error_of(const Result<T>& result) {
    return result.ok() ? "" : std::string(result.error().message);
}

Url url(std::string_view text) {
    Result<Url> result = parse_url(text);
    EXPECT_TRUE(result.ok()) << text << ": " << error_of(result);
    return result.ok() ? std::move(result).take() : Url();
}

TEST(PeerEndpoints, Urls) {
    EXPECT_EQ(url("127.0.0.1:9100"), (Url{"", "127.0.0.1", 9100, ""}));
    EXPECT_EQ(url("http://127.0.0.1:9000"), (Url{"http", "127.0.0.1", 9000, ""}));
    EXPECT_EQ(url("WS://a_b.example-1.com/x/y"), (Url{"ws", "a_b.example-1.com", 0, "/x/y"}));
    EXPECT_EQ(url("tcp://[::1]:9100"), (Url{"tcp", "::1", 9100, ""}));
    EXPECT_EQ(url("[fe80::1%eth0]:1/"), (Url{"", "fe80::1%eth0", 1, "/"}));
    EXPECT_EQ(url("[2001:db8::7]"), (Url{"", "2001:db8::7", 0, ""}));
    EXPECT_EQ(url("a:65535").port, 65535);
}

TEST(PeerEndpoints, BadUrls) {
    const char* const bad[] = {"",           ":9100",      "http://",      "a:",        "a:0",
                               "a:65536",    "a:-1",       "a:1x",         "a: 1",      "a b:1",
                               "::1:9100",   "[::1",       "[::1]9100",    "[::1]:",    "[]:1",
                               "[x]:1",      "u@h:1",      "://a:1",       "h t://a:1", "a:1?x",
                               "a:1#x",      "a:1/x?y",    "a:1/x y",      "a:1/\x01",  "a:1/x#y",
                               "a\xff:1",    "a:99999999999999999999", "http://a:1:2", "[1]:5"};
    for (const char* text : bad) {
        Result<Url> result = parse_url(text);
        ASSERT_FALSE(result.ok()) << text;
        EXPECT_EQ(result.error().status, REFLOW_ERROR_INVALID_ARGUMENT);
        EXPECT_FALSE(invalid_utf8(result.error().message)) << text;
    }
    EXPECT_FALSE(parse_url(std::string("a\0b:1", 5)).ok());
    EXPECT_FALSE(parse_url(std::string(300, 'a')).ok());
    EXPECT_EQ(error_of(parse_url("::1:9100")),
              "'::1:9100' is no endpoint: an IPv6 address stands in brackets, such as [::1]:9100");
}

TEST(PeerEndpoints, OfPeersAndDiscovery) {
    EXPECT_TRUE(check_peer_endpoint("127.0.0.1:9100").ok());
    EXPECT_TRUE(check_peer_endpoint("tls://kiln.example:9100").ok());
    EXPECT_EQ(error_of(check_peer_endpoint("kiln")),
              "'kiln' is no endpoint: the port is missing, as in host:9100");
    EXPECT_EQ(error_of(check_peer_endpoint("http://kiln:1")),
              "'http://kiln:1' is no endpoint: its scheme is not ws, wss, tcp or tls");
    // What passes can be dialled, and the other way round but for a port that is the usual one.
    for (const char* text : {"WS://kiln:9100/x", "[fe80::1%eth0]:9100", "ws://kiln:9100/a?b=c",
                             "wss://kiln:443"}) {
        EXPECT_TRUE(check_peer_endpoint(text).ok()) << text;
        EXPECT_TRUE(io::WireAddress::parse(text).ok()) << text;
    }
    for (const char* text : {"tcp://kiln:9100/x", "kiln,:9100", "tcp://kiln", "ws://[kiln]:1"}) {
        EXPECT_FALSE(check_peer_endpoint(text).ok()) << text;
        EXPECT_FALSE(io::WireAddress::parse(text).ok()) << text;
    }
    EXPECT_FALSE(check_peer_endpoint("ws://kiln").ok());
    EXPECT_TRUE(check_discovery_endpoint("https://discovery.example.com").ok());
    EXPECT_TRUE(check_discovery_endpoint("http://127.0.0.1:9300/base/").ok());
    EXPECT_EQ(error_of(check_discovery_endpoint("127.0.0.1:9300")),
              "'127.0.0.1:9300' is no endpoint: it does not begin with http:// or https://");
    EXPECT_EQ(host_and_port("::1", 9), "[::1]:9");
    EXPECT_EQ(host_and_port("kiln", 9310), "kiln:9310");
    EXPECT_TRUE(check_host("::").ok());
    EXPECT_TRUE(check_host("0.0.0.0").ok());
    for (const char* good : {"::1", "1::", "2001:db8:0:0:0:0:2:1", "::ffff:10.1.2.3", "a.b",
                             "10.1.2.3", "1:2:3:4:5:6:7.7.7.7", "1:2:3:4:5:6:7::",
                             "fe80::1%eth0"}) {
        EXPECT_TRUE(check_host(good).ok()) << good;
    }
    for (const char* bad : {"1:2", "1:2:3:4:5:6:7:8:9", "1::2::3", ":1", "1:", ":::", "12345::",
                            "g::", "::1.2.3", "::1.2.3.256", "1.2.3.4::", "127.0.0.1:5", "::1%",
                            "1:2:3:4:5:6:7:8::", "::1.2.3.4:5", "::1.2..4"}) {
        EXPECT_FALSE(check_host(bad).ok()) << bad;
    }
    EXPECT_FALSE(check_host("[::1]").ok());
    EXPECT_FALSE(check_host("a:1").ok());
    EXPECT_FALSE(check_host("").ok());
}

TEST(PeerTimes, Text) {
    EXPECT_EQ(write_time(0, false), "1970-01-01T00:00:00Z");
    EXPECT_EQ(write_time(-1, true), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(write_time(951'782'400'000, false), "2000-02-29T00:00:00Z");
    EXPECT_EQ(write_time(std::numeric_limits<std::int64_t>::max(), false), "9999-12-31T23:59:59Z");
    EXPECT_EQ(write_time(std::numeric_limits<std::int64_t>::min(), false), "0000-01-01T00:00:00Z");
    for (std::int64_t ms :
         {0LL, 1'777'889'472'100LL, -62'000'000'000'001LL, 253'402'300'799'999LL}) {
        EXPECT_EQ(read_time(write_time(ms, true)), ms);
    }
    EXPECT_EQ(read_time("2026-05-04T10:11:12.1Z"), 1'777'889'472'100);
    EXPECT_EQ(read_time("2026-05-04T10:11:12.123456789Z"), 1'777'889'472'123);
    EXPECT_EQ(read_time("2026-05-04t12:41:12+02:30"), 1'777'889'472'000);
    EXPECT_EQ(read_time("2026-05-04 07:41:12-02:30"), 1'777'889'472'000);
    EXPECT_EQ(read_time("2026-05-04T10:11:12+00:00"), 1'777'889'472'000);
    for (const char* bad : {"", "2026", "2026-05-04", "2026-05-04T10:11:12", "2026-13-04T10:11:12Z",
                            "2026-02-29T10:11:12Z", "2026-05-04T24:11:12Z", "2026-05-04T10:60:12Z",
                            "2026-05-04T10:11:12.Z", "2026-05-04T10:11:12Zx",
                            "x026-05-04T10:11:12Z", "2026-05-04T10:11:12+2:00",
                            "2026-00-04T10:11:12Z"}) {
        EXPECT_EQ(read_time(bad), std::nullopt) << bad;
    }
}

}  // namespace
}  // namespace reflow::peer
