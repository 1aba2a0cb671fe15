// Frames as links pack them: every kind of message, around every size that something depends on, comes
// back the same through MessagePack and zstd, whatever is in it.
#include "peer/packer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "message/message.hpp"

namespace reflow::peer {
namespace {

// Those of the original's two thresholds, 1 KiB and 1 MiB, and what lies about them.
constexpr std::size_t kib = 1024;
constexpr std::size_t mib = kib * kib;
constexpr std::size_t sizes[] = {0, 1, kib - 1, kib, kib + 1, mib - 1, mib, mib + 1, 16 * mib};

// xorshift64: nothing in it to be found by zstd.
class Noise {
public:
    explicit Noise(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        return state_ ^= state_ << 17;
    }

private:
    std::uint64_t state_;
};

std::string plain_bytes(std::size_t size) {
    std::string made;
    made.reserve(size + 32);
    for (int i = 0; made.size() < size; ++i) made += "row " + std::to_string(i % 10) + "; ";
    made.resize(size);
    return made;
}

std::string noise_bytes(std::size_t size) {
    Noise noise(size + 1);
    std::string made((size + 7) / 8 * 8, '\0');
    for (std::size_t at = 0; at < made.size(); at += 8) {
        std::uint64_t word = noise.next();
        std::memcpy(made.data() + at, &word, sizeof word);
    }
    made.resize(size);
    return made;
}

// Six bits in each character: UTF-8, and a quarter smaller at the best.
std::string noise_text(std::size_t size) {
    std::string made = noise_bytes(size);
    for (char& c : made) c = static_cast<char>('0' + (static_cast<unsigned char>(c) & 63));
    return made;
}

template <typename Number>
std::vector<Number> numbers(std::size_t bytes, bool compressible) {
    const std::size_t count = bytes / sizeof(Number);
    std::vector<Number> made(count);
    if (compressible) {
        for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<Number>(i % 50);
        return made;
    }
    Noise noise(count + 1);
    for (Number& each : made) {
        // 52 bits after the point: a number, whatever they are.
        std::uint64_t bits = noise.next();
        if constexpr (std::is_same_v<Number, double>) bits = (bits >> 12) | (1023ULL << 52);
        std::memcpy(&each, &bits, sizeof each);
    }
    return made;
}

// Through the way of a link; how many bytes went over the wire, and how many there were.
struct Way {
    std::size_t packed = 0;
    std::size_t plain = 0;
};
Way there_and_back(Packer& packer, const Message& message) {
    Way way;
    String frame;
    EXPECT_TRUE(codec::write_msgpack(frame, message).ok());
    const String before = frame;
    PackMemory memory;
    packer.pack(frame, memory);
    way = {frame.size(), before.size()};
    const bool packed = !frame.empty() && frame.front() == packed_mark;
    EXPECT_EQ(packed, way.packed != way.plain);
    String back = packed ? String() : frame;
    if (packed) {
        EXPECT_LT(way.packed, way.plain);
        Result<void> unpacked = packer.unpack(frame, back);
        EXPECT_TRUE(unpacked.ok()) << unpacked.error().describe();
    }
    EXPECT_TRUE(back == before);
    Result<Message> read = codec::read_msgpack(back);
    EXPECT_TRUE(read.ok());
    EXPECT_TRUE(read.ok() && equal(read.value(), message));
    return way;
}

Message wrap(reflow_kind kind, Message content) {
    return Message::wrap(kind, std::move(content)).take();
}

Message array_of(const Message& one, std::size_t count) {
    ArrayBuilder builder(count);
    for (std::size_t i = 0; i < count; ++i) builder.append(Message(one));
    return builder.finish().take();
}

Message object_of(const Message& one) {
    ObjectBuilder builder;
    builder.set("payload", Message(one));
    builder.set("", Message::null());
    return builder.finish().take();
}

// Every kind that has a payload, with one of this size.
std::vector<Message> messages(std::size_t size, bool compressible) {
    const std::string text = compressible ? plain_bytes(size) : noise_text(size);
    const std::string bytes = compressible ? plain_bytes(size) : noise_bytes(size);
    const Message string = Message::string(text);
    std::vector<Message> all{string,
                             Message::bytes(bytes),
                             Message::encoded(bytes),
                             Message::error(text),
                             Message::numbers(numbers<double>(size, compressible)),
                             Message::numbers(numbers<std::int64_t>(size, compressible))};
    if (size > 2 * mib) return all;  // the rest holds one of these
    const reflow_kind around[] = {REFLOW_KIND_EVENT, REFLOW_KIND_ANY, REFLOW_KIND_OPTIONAL};
    for (reflow_kind kind : around) all.push_back(wrap(kind, Message(string)));
    all.push_back(Message::network_event(text, Message::bytes(bytes)).take());
    all.push_back(array_of(string, 2));
    all.push_back(object_of(Message::bytes(bytes)));
    MessageRef::Stream stream;
    stream.stream_id = 7;
    stream.origin_actor = text;
    all.push_back(Message::stream(stream));
    all.push_back(Message::remote(text, "actor", "port"));
    // Small messages, as many as make this size.
    all.push_back(array_of(compressible ? Message::null() : Message::real(0.1), size / 9));
    return all;
}

TEST(Packer, EveryKindAndSizeComesBack) {
    Packer packer({});
    for (std::size_t size : sizes) {
        for (bool compressible : {true, false}) {
            SCOPED_TRACE(concat(std::uint64_t{size}, compressible ? " of text" : " of noise"));
            for (const Message& message : messages(size, compressible)) {
                SCOPED_TRACE(message.kind_name());
                Way way = there_and_back(packer, message);
                if (HasFailure()) return;
                if (way.plain < kib) {
                    EXPECT_EQ(way.packed, way.plain);
                } else if (compressible) {
                    EXPECT_LT(way.packed, way.plain / 2);
                }
            }
        }
    }
}

TEST(Packer, ScalarsComeBack) {
    for (std::size_t threshold : {std::size_t{0}, std::size_t{1024}}) {
        Packer packer({threshold, 1});
        const Message scalars[] = {Message::null(),
                                   Message::flow(),
                                   Message::boolean(true),
                                   Message::boolean(false),
                                   Message::integer(0),
                                   Message::integer(INT64_MIN),
                                   Message::integer(INT64_MAX),
                                   Message::real(-0.0),
                                   Message::real(1e308),
                                   wrap(REFLOW_KIND_OPTIONAL, Message())};
        for (const Message& scalar : scalars) {
            SCOPED_TRACE(scalar.kind_name());
            there_and_back(packer, scalar);
        }
    }
}

// Noise goes as it is: what was made of it would be larger.
TEST(Packer, NoiseGoesAsItIs) {
    Packer packer({});
    for (std::size_t size : {kib, mib, 16 * mib}) {
        Way way = there_and_back(packer, Message::bytes(noise_bytes(size)));
        EXPECT_EQ(way.packed, way.plain);
    }
}

TEST(Packer, EveryLevelComesBack) {
    for (int level = 1; level <= 19; ++level) {
        SCOPED_TRACE(level);
        Packer packer({0, level});
        Way way = there_and_back(packer, Message::string(plain_bytes(100'000)));
        EXPECT_LT(way.packed, way.plain / 10);
        there_and_back(packer, Message::bytes(noise_bytes(10'000)));
    }
    Packer never({0, 0});
    Way way = there_and_back(never, Message::string(plain_bytes(100'000)));
    EXPECT_EQ(way.packed, way.plain);
}

// Frames of one link, one after the other: some that were in vain are followed by some that are not tried, and
// all come back.
TEST(Packer, ALinkRemembersWhatWasInVain) {
    Packer packer({});
    PackMemory memory;
    const std::string noise = noise_bytes(4096), text = plain_bytes(4096);
    int packed = 0;
    for (int i = 0; i < 400; ++i) {
        const bool smooth = i >= 200;
        String frame(smooth ? text : noise);
        packer.pack(frame, memory);
        if (frame.front() != packed_mark || frame.size() == text.size()) {
            EXPECT_TRUE(std::string_view(frame) == (smooth ? text : noise));
            continue;
        }
        ++packed;
        String back;
        ASSERT_TRUE(packer.unpack(frame, back).ok());
        ASSERT_TRUE(std::string_view(back) == text);
    }
    EXPECT_GE(packed, 200 - 64);
}

// What is cut or changed is refused, or is at least what it says.
TEST(Packer, DamagedFramesAreRefused) {
    Packer packer({});
    PackMemory memory;
    String frame(plain_bytes(5000)), back;
    packer.pack(frame, memory);
    ASSERT_EQ(frame.front(), packed_mark);
    for (std::size_t size = 1; size < frame.size(); ++size) {
        EXPECT_FALSE(packer.unpack(std::string_view(frame).substr(0, size), back).ok()) << size;
    }
    String longer = frame + "x";
    EXPECT_FALSE(packer.unpack(longer, back).ok());
    for (std::size_t at = 1; at < frame.size(); ++at) {
        String changed = frame;
        changed[at] = static_cast<char>(changed[at] ^ 0x20);
        Result<void> done = packer.unpack(changed, back);
        if (!done.ok()) {
            EXPECT_TRUE(done.error().status == REFLOW_ERROR_PROTOCOL ||
                        done.error().status == REFLOW_ERROR_LIMIT);
        }
    }
    EXPECT_TRUE(packer.unpack(frame, back).ok());
    EXPECT_TRUE(std::string_view(back) == plain_bytes(5000));
}

}  // namespace
}  // namespace reflow::peer
