// Tagged JSON: its fixed forms, and that every kind survives.
#include <gtest/gtest.h>

#include <limits>

#include "codec/json.hpp"
#include "random_message.hpp"

namespace reflow {
namespace {

using codec::read_json;
using codec::read_tagged_json;
using codec::write_tagged_json;

std::string written(MessageRef message) {
    String text;
    EXPECT_TRUE(write_tagged_json(text, message).ok());
    return std::string(text);
}

Message wrap(reflow_kind kind, Message content) {
    return Message::wrap(kind, std::move(content)).take();
}

// The text of embedded JSON as its bytes.
std::string bytes_of(std::string_view text) {
    std::string result = "{\"data\":[";
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i != 0) result += ",";
        result += std::to_string(static_cast<unsigned char>(text[i]));
    }
    return result + "]}";
}

void both_ways(const Message& message, const std::string& text) {
    EXPECT_EQ(written(message), text);
    Result<Message> read = read_tagged_json(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.error().describe();
    EXPECT_TRUE(equal(read.value(), message)) << text;
}

TEST(TaggedJson, FixedForms) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    both_ways(Message::flow(), R"({"type":"Flow"})");
    both_ways(Message::boolean(true), R"({"type":"Boolean","data":true})");
    both_ways(Message::integer(-7), R"({"type":"Integer","data":-7})");
    both_ways(Message::real(2.5), R"({"type":"Float","data":2.5})");
    both_ways(Message::real(infinity), R"({"type":"Float","data":"Infinity"})");
    both_ways(Message::real(-infinity), R"({"type":"Float","data":"-Infinity"})");
    both_ways(Message::real(std::nan("")), R"({"type":"Float","data":"NaN"})");
    both_ways(Message::string("hé"), R"({"type":"String","data":"hé"})");
    both_ways(read_json(R"({"k":1})").take(),
              R"({"type":"Object","data":{"data":[123,34,107,34,58,49,125]}})");
    both_ways(read_json(R"([1,"b"])").take(),
              R"({"type":"Array","data":[{"data":[49]},{"data":[34,98,34]}]})");
    both_ways(wrap(REFLOW_KIND_EVENT, Message::null()),
              R"({"type":"Event","data":{"data":[110,117,108,108]}})");
    both_ways(wrap(REFLOW_KIND_ANY, read_json("[]").take()),
              R"({"type":"Any","data":{"data":[91,93]}})");
    both_ways(wrap(REFLOW_KIND_OPTIONAL, Message()), R"({"type":"Optional","data":null})");
    both_ways(wrap(REFLOW_KIND_OPTIONAL, Message::integer(42)),
              R"({"type":"Optional","data":{"data":[52,50]}})");
    both_ways(Message::null(), R"({"type":"Optional"})");
    both_ways(Message::bytes(std::string_view("\0\xFF\x10", 3)),
              R"({"type":"Bytes","data":[0,255,16]})");
    both_ways(Message::encoded("\x03\x01\x04"), R"({"type":"Encoded","data":[3,1,4]})");
    both_ways(Message::error("disk full"), R"({"type":"Error","data":"disk full"})");
    both_ways(Message::remote("edge", "cam", "frames"),
              R"({"type":"RemoteReference","data":{"network_id":"edge","actor_id":"cam",)"
              R"("port":"frames"}})");
    both_ways(Message::network_event("HeartbeatMissed", read_json("{}").take()).take(),
              R"({"type":"NetworkEvent","data":{"event_type":"HeartbeatMissed",)"
              R"("data":{"data":[123,125]}}})");
    MessageRef::Stream stream;
    stream.stream_id = 12;
    stream.origin_actor = "cam";
    stream.origin_port = "frames";
    both_ways(Message::stream(stream),
              R"({"type":"StreamHandle","data":{"stream_id":12,"origin_actor":"cam",)"
              R"("origin_port":"frames","content_type":null,"size_hint":null}})");
    stream.stream_id = UINT64_MAX;
    stream.has_size_hint = true;
    stream.size_hint = UINT64_MAX - 1;
    both_ways(Message::stream(stream),
              R"({"type":"StreamHandle","data":{"stream_id":18446744073709551615,)"
              R"("origin_actor":"cam","origin_port":"frames","content_type":null,)"
              R"("size_hint":18446744073709551614}})");
    std::uint64_t large[] = {1, UINT64_MAX};
    both_ways(Message::numbers(REFLOW_NUMBER_U64, large, 2),
              R"({"type":"Numbers","data":{"number":"u64","values":["1",)"
              R"("18446744073709551615"]}})");
}

TEST(TaggedJson, EscapesOfWhatJsonHasNoWordFor) {
    auto in_array = [](Message message) {
        ArrayBuilder array;
        array.append(Message::string("x"));
        array.append(std::move(message));
        return array.finish().take();
    };
    auto form = [](std::string_view inner) {
        return R"({"type":"Array","data":[)" + bytes_of("\"x\"") + "," + bytes_of(inner) + "]}";
    };
    both_ways(in_array(Message::flow()), form(R"({"$reflow":{"type":"Flow"}})"));
    both_ways(in_array(Message::real(std::nan(""))),
              form(R"({"$reflow":{"type":"Float","data":"NaN"}})"));
    both_ways(in_array(Message::bytes("\x01\x02")),
              form(R"({"$reflow":{"type":"Bytes","data":[1,2]}})"));
    both_ways(in_array(Message::null()), form("null"));
    both_ways(in_array(wrap(REFLOW_KIND_OPTIONAL, Message())),
              form(R"({"$reflow":{"type":"Optional"}})"));
    both_ways(in_array(wrap(REFLOW_KIND_OPTIONAL, Message::null())),
              form(R"({"$reflow":{"type":"Optional","data":null}})"));
    both_ways(in_array(wrap(REFLOW_KIND_EVENT, wrap(REFLOW_KIND_ANY, Message::integer(1)))),
              form(R"({"$reflow":{"type":"Event","data":{"$reflow":{"type":"Any","data":1}}}})"));
    both_ways(in_array(Message::network_event("e", Message::integer(1)).take()),
              form(R"({"$reflow":{"type":"NetworkEvent","event_type":"e","data":1}})"));
    both_ways(in_array(read_json(R"({"$reflow":1})").take()),
              form(R"({"$reflow":{"type":"Object","data":["$reflow",1]}})"));
}

TEST(TaggedJson, LenientWhereOtherWritersDiffer) {
    auto reads_as = [](std::string_view text, const Message& message) {
        Result<Message> read = read_tagged_json(text);
        ASSERT_TRUE(read.ok()) << text << ": " << read.error().describe();
        EXPECT_TRUE(equal(read.value(), message)) << text;
    };
    reads_as(R"({"type":"Stream","data":[1,2]})", Message::bytes("\x01\x02"));
    reads_as(R"( { "data" : [ 1, 2 ], "type" : "Bytes" } )", Message::bytes("\x01\x02"));
    reads_as(R"({"type":"Float","data":2})", Message::real(2));
    reads_as(R"({"type":"Float","data":18446744073709551615})",
             Message::real(18446744073709551616.0));
    reads_as(R"({"type":"Float","data":null})", Message::real(std::nan("")));
    reads_as(R"({"type":"Flow","data":null})", Message::flow());
    reads_as(R"({"type":"Flow","more":{"a":[18446744073709551615]}})", Message::flow());
    // An object with the key of escapes beside others is an ordinary one.
    reads_as(R"({"type":"Object","data":)" + bytes_of(R"({"$reflow":1,"a":2})") + "}",
             read_json(R"({"$reflow":1,"a":2})").take());
}

TEST(TaggedJson, Refused) {
    auto refused = [](std::string_view text) {
        Result<Message> read = read_tagged_json(text);
        return read.ok() ? std::string("was read") : std::string(read.error().describe());
    };
    EXPECT_EQ(refused("5"), "tagged JSON is an object with a string 'type'");
    EXPECT_EQ(refused("{\"data\":5}"), "tagged JSON is an object with a string 'type'");
    EXPECT_EQ(refused(R"({"type":"Intger","data":5})"),
              "no type of message is named 'Intger' at $.type (did you mean 'Integer'?)");
    EXPECT_EQ(refused(R"({"type":"Integer","data":5.0})"),
              "the data of type Integer is not an integer of 64 bits at $.data");
    EXPECT_EQ(refused(R"({"type":"Integer","data":18446744073709551615})"),
              "the data of type Integer is not an integer of 64 bits at $.data");
    EXPECT_EQ(refused(R"({"type":"Integer"})"),
              "the data of type Integer is not an integer of 64 bits at $.data");
    EXPECT_EQ(refused(R"({"type":"Bytes","data":[0,256]})"),
              "the data of type Bytes is not an array of numbers 0 to 255 at $.data");
    EXPECT_EQ(refused(R"({"type":"Bytes","data":[0.5]})"),
              "the data of type Bytes is not an array of numbers 0 to 255 at $.data");
    EXPECT_EQ(refused(R"({"type":"Object","data":{"k":1}})"),
              "the data of type Object is not {\"data\":[bytes of JSON text]} at $.data");
    EXPECT_EQ(refused(R"({"type":"Object","data":)" + bytes_of("[1]") + "}"),
              "the data of type Object is not the JSON of an object at $.data");
    EXPECT_EQ(refused(R"({"type":"Array","data":[{"data":[49]},)" + bytes_of("{\n1}") + "]}"),
              "embedded JSON, line 2, column 1: unexpected '1' where a key in quotes was expected "
              "at $.data[1]");
    EXPECT_EQ(refused(R"({"type":"Any","data":)" + bytes_of(R"({"$reflow":5})") + "}"),
              "embedded JSON, line 1, column 14: an object with the only key '$reflow' has no type "
              "at $.data (the key is kept for kinds that JSON has no word for)");
    EXPECT_EQ(
        refused(R"({"type":"Any","data":)" + bytes_of(R"({"$reflow":{"type":"Boolean"}})") + "}"),
        "embedded JSON, line 1, column 31: no escape is of type 'Boolean' at $.data");
    EXPECT_EQ(refused(R"({"type":"Flow","type":"Flow"})"),
              "line 1, column 16: duplicate key 'type', first at line 1, column 2");
}

TEST(TaggedJson, Limits) {
    codec::ReadLimits limits;
    limits.depth = 2;
    std::string two = R"({"type":"Array","data":[)" + bytes_of("[1]") + "]}";
    std::string three = R"({"type":"Array","data":[)" + bytes_of("[[1]]") + "]}";
    EXPECT_TRUE(read_tagged_json(two, limits).ok());
    Result<Message> deep = read_tagged_json(three, limits);
    ASSERT_FALSE(deep.ok());
    EXPECT_EQ(deep.error().status, REFLOW_ERROR_LIMIT);
    limits = {};
    limits.elements = 10;
    Result<Message> many =
        read_tagged_json(R"({"type":"Bytes","data":[1,2,3,4,5,6,7,8,9,10,11]})", limits);
    ASSERT_FALSE(many.ok());
    EXPECT_EQ(many.error().status, REFLOW_ERROR_LIMIT);
}

TEST(TaggedJson, DeepestMessages) {
    for (reflow_kind kind : {REFLOW_KIND_EVENT, REFLOW_KIND_ANY, REFLOW_KIND_OPTIONAL}) {
        Message message = Message::integer(1);
        while (message.depth() < REFLOW_MAX_DEPTH) message = wrap(kind, std::move(message));
        Result<Message> back = read_tagged_json(written(message));
        ASSERT_TRUE(back.ok()) << back.error().describe();
        EXPECT_TRUE(equal(back.value(), message));
    }
    Message message = Message::integer(1);
    while (message.depth() < REFLOW_MAX_DEPTH) {
        message = Message::network_event("e", std::move(message)).take();
    }
    Result<Message> back = read_tagged_json(written(message));
    ASSERT_TRUE(back.ok()) << back.error().describe();
    EXPECT_TRUE(equal(back.value(), message));
}

TEST(TaggedJson, RandomMessagesSurvive) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        test::RandomMessages random(seed);
        Message message = random.message(6);
        std::string text = written(message);
        Result<Message> back = read_tagged_json(text);
        ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.error().describe();
        ASSERT_TRUE(equal(message, back.value())) << "seed " << seed << ": " << text;
        EXPECT_EQ(written(back.value()), text) << "seed " << seed;
    }
}

}  // namespace
}  // namespace reflow
