// By which names a browser may ask, and bodies of requests: where they end, and those that come in chunks
// (RFC 9112, 6 and 7.1). What is expected is written out here, as the RFC has it.
#include "io/http.hpp"

#include <gtest/gtest.h>

#include <string>

namespace reflow::io {
namespace {

HttpBody framing(const std::string& headers, const char* version = "1.1") {
    HttpHead head;
    const std::string text = std::string("POST / HTTP/") + version + "\r\nHost: x\r\n" + headers + "\r\n";
    EXPECT_EQ(read_http_request(text, head), HttpRead::done) << headers;
    return read_http_framing(head);
}

HttpFraming kind(const std::string& headers, const char* version = "1.1") {
    return framing(headers, version).framing;
}

struct Taken {
    HttpRead read = HttpRead::more;
    std::string body, rest;
    bool operator==(const Taken&) const = default;
};

// All in parts of so many letters; what is behind the body has to stay.
Taken take_in(std::size_t part, std::string_view text, std::uint64_t most) {
    HttpChunks chunks;
    String body;
    Taken taken;
    while (taken.read == HttpRead::more && !text.empty()) {
        std::string_view some = text.substr(0, part);
        text.remove_prefix(some.size());
        taken.read = chunks.take(some, body, most);
        if (taken.read == HttpRead::more) {
            EXPECT_TRUE(some.empty());
        }
        taken.rest = std::string(some) + std::string(text);
    }
    taken.body = std::string(body);
    return taken;
}

Taken take(std::string_view text, std::uint64_t most = 1000) {
    Taken whole = take_in(text.size() + 1, text, most);
    for (std::size_t part : {1U, 2U, 3U, 7U}) {
        Taken parts = take_in(part, text, most);
        EXPECT_EQ(parts.read, whole.read) << text << " in parts of " << part;
        if (whole.read == HttpRead::done) {
            EXPECT_EQ(parts, whole) << text << " in parts of " << part;
        }
    }
    return whole;
}

TEST(HttpHosts, BrowsersAreNotLedHere) {
    struct Case {
        const char* host;
        const char* more;
        bool refused;
    };
    const char* const firefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)\r\n";
    const Case cases[] = {
        {"evil.example:9310", firefox, true},
        {"evil.example", "User-Agent: curl/8\r\nAccept-Language: \r\n", true},
        {"127.0.0.1.evil.example", firefox, true},
        {"good.example", firefox, false},
        {"GOOD.example:9310", firefox, true},
        {"127.0.0.1:9310", firefox, false},
        {"LOCALHOST:9310", firefox, false},
        {"[::1]:9310", firefox, false},
        {"peer.example:9310", "User-Agent: curl/8.5.0\r\n", false},
        {"peer.example:9310", "", false},
    };
    const Vector<String> named{"https://good.example"}, everybody{"*"};
    for (const Case& one : cases) {
        HttpHead head;
        const std::string text = std::string("GET / HTTP/1.1\r\nHost: ") + one.host + "\r\n" + one.more + "\r\n";
        ASSERT_EQ(read_http_request(text, head), HttpRead::done) << text;
        EXPECT_EQ(is_led_here(head, named), one.refused) << text;
        EXPECT_FALSE(is_led_here(head, everybody)) << text;
    }
    HttpHead old;
    ASSERT_EQ(read_http_request("GET / HTTP/1.0\r\nUser-Agent: Mozilla/1\r\n\r\n", old), HttpRead::done);
    EXPECT_FALSE(is_led_here(old, {}));
}

// RFC 9112, 2.2: as some send one behind a body.
TEST(HttpRequestTest, EmptyLinesInFrontArePassedOver) {
    const std::string request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const std::string front : {"\r\n", "\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n"}) {
        HttpHead head;
        const std::string text = front + request;
        for (std::size_t size = 0; size < text.size(); ++size) {
            ASSERT_EQ(read_http_request(text.substr(0, size), head), HttpRead::more) << size;
        }
        const std::string more = text + "rest";
        ASSERT_EQ(read_http_request(more, head), HttpRead::done);
        EXPECT_EQ(head.bytes, text.size());
        EXPECT_EQ(head.method, "GET");
        EXPECT_EQ(head.target, "/a");
        EXPECT_EQ(head.headers.size(), 1U);
        EXPECT_EQ(head.find("Host"), "x");
    }
    HttpHead head;
    for (const char* front : {"\n", "\r", "\r\n\n", "\r\n\r", " \r\n", "\r\n ", "\r\nX\r\n"}) {
        EXPECT_EQ(read_http_request(front + request, head), HttpRead::wrong) << front;
    }
    std::string many;
    while (many.size() < http_head_bytes) many += "\r\n";
    EXPECT_EQ(read_http_request(many.substr(2), head), HttpRead::more);
    EXPECT_EQ(read_http_request(many, head), HttpRead::too_large);
    EXPECT_EQ(read_http_request(many + request, head), HttpRead::too_large);
    // Answers have none.
    EXPECT_EQ(read_http_answer("\r\nHTTP/1.1 200 OK\r\n\r\n", head), HttpRead::wrong);
}

TEST(HttpFramingTest, TheEndOfABodyIsTold) {
    EXPECT_EQ(kind(""), HttpFraming::length);
    EXPECT_EQ(framing("").bytes, 0U);
    EXPECT_EQ(framing("Content-Length: 42\r\n").bytes, 42U);
    EXPECT_EQ(kind("Transfer-Encoding: chunked\r\n"), HttpFraming::chunked);
    EXPECT_EQ(kind("transfer-encoding: \tChunked \r\n"), HttpFraming::chunked);
    EXPECT_EQ(kind("Transfer-Encoding: gzip, chunked\r\n"), HttpFraming::unknown_coding);
    EXPECT_EQ(kind("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
              HttpFraming::unknown_coding);
}

// What one reader takes this way and another one that way.
TEST(HttpFramingTest, TwoWaysToReadItAreRefused) {
    for (const char* headers :
         {"Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n", "Content-Length:\r\n",
          "Content-Length: +1\r\n", "Content-Length: -1\r\n", "Content-Length: 0x1\r\n",
          "Content-Length: 1 \t2\r\n", "Content-Length: 99999999999999999999\r\n",
          "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Transfer-Encoding:\r\n",
          "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: chunked, chunked\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked,\r\n", "Transfer-Encoding: identity\r\n",
          "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked;q=1\r\n"}) {
        EXPECT_EQ(kind(headers), HttpFraming::wrong) << headers;
    }
    EXPECT_EQ(kind("Transfer-Encoding: chunked\r\n", "1.0"), HttpFraming::wrong);
    EXPECT_EQ(framing("Content-Length: 3\r\n", "1.0").bytes, 3U);
}

TEST(HttpChunksTest, WholeBodies) {
    EXPECT_EQ(take("0\r\n\r\nGET"), (Taken{HttpRead::done, "", "GET"}));
    EXPECT_EQ(take("3\r\nabc\r\n0\r\n\r\n"), (Taken{HttpRead::done, "abc", ""}));
    EXPECT_EQ(take("1\r\na\r\n00000000000000B\r\n\r\n0\r\n\r\n1234\r\n000\r\n\r\nxyz"),
              (Taken{HttpRead::done, "a\r\n0\r\n\r\n1234", "xyz"}));
    EXPECT_EQ(take("a;name=\"v;\"\r\n0123456789\r\n0 ;x\r\n\r\n"), (Taken{HttpRead::done, "0123456789", ""}));
    EXPECT_EQ(take("1\r\na\r\n0\r\nExpires: never\r\nContent-Length: 7\r\n\r\nrest"),
              (Taken{HttpRead::done, "a", "rest"}));
}

TEST(HttpChunksTest, UnfinishedBodies) {
    const std::string whole = "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for (std::size_t i = 0; i < whole.size(); ++i)
        EXPECT_EQ(take(whole.substr(0, i)).read, HttpRead::more) << i;
}

TEST(HttpChunksTest, WrongBodies) {
    for (const char* text :
         {"\r\n", "x\r\n", "-1\r\na\r\n", "+1\r\na\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", ";x\r\n", "1\na\r\n",
          "1\r\r\na", "1\ra", "1 2\r\n", "1 \r\na\r\n", "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\r\r\n",
          "1;a\nb\r\n", "11111111111111111\r\n", "0\r\nNo colon\r\n\r\n", "0\r\n : x\r\n\r\n",
          "0\r\nA: \x01\r\n\r\n"}) {
        EXPECT_EQ(take(text).read, HttpRead::wrong) << text;
    }
    EXPECT_EQ(take("1;" + std::string(254, 'x') + "\r\n").read, HttpRead::wrong);
    EXPECT_EQ(take("1;" + std::string(253, 'x') + "\r\na\r\n0\r\n\r\n").read, HttpRead::done);
}

TEST(HttpChunksTest, Limits) {
    EXPECT_EQ(take("4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n", 5).read, HttpRead::done);
    EXPECT_EQ(take("4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n", 5).read, HttpRead::too_large);
    EXPECT_EQ(take("6\r\n", 5).read, HttpRead::too_large);  // before its data comes
    EXPECT_EQ(take("ffffffffffffffff\r\n", 5).read, HttpRead::too_large);
    EXPECT_EQ(take("0\r\nA: " + std::string(20'000, 'a')).read, HttpRead::too_large);
    std::string many;
    for (int i = 0; i < 101; ++i) many += "A: b\r\n";
    EXPECT_EQ(take("0\r\n" + many + "\r\n").read, HttpRead::too_large);
}

}  // namespace
}  // namespace reflow::io
