// What writers write over many blocks, against the same made plainly.
#include "codec/gather.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "failing_memory.hpp"
#include "random.hpp"

namespace reflow {
namespace {

using codec::Gather;
using codec::read_msgpack;
using testing::memory_use;
using testing::MemoryUse;
using testing::Random;

std::string letters(std::size_t size, std::size_t seed) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (seed + i * 7) % 26);
    return text;
}

TEST(Gather, PiecesOfAllSizesComeOutInTheirOrder) {
    MemoryUse before = memory_use();
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        std::vector<std::string> texts;
        std::string expected = "before";
        String to("before");
        Gather out(to);
        for (std::size_t i = 0; i < 400; ++i) {
            std::size_t size = random.one_in(8) ? random.below(9000) : random.below(40);
            texts.push_back(letters(size, i));
        }
        for (const std::string& text : texts) {
            switch (random.below(4)) {
                case 0:
                    out.put(text);
                    break;
                case 1:
                    out.lend(text);
                    break;
                case 2:
                    for (char byte : text) out.put(byte);
                    break;
                default:
                    for (std::size_t at = 0; at < text.size(); at += 16) {
                        std::size_t bytes = std::min<std::size_t>(16, text.size() - at);
                        char* room = out.room(16);
                        std::memcpy(room, text.data() + at, bytes);
                        out.advance(room + bytes);
                    }
            }
            expected += text;
            ASSERT_EQ(out.size(), expected.size() - 6);
        }
        EXPECT_EQ(to, "before");
        out.finish();
        ASSERT_EQ(std::string_view(to), expected);
    }
    EXPECT_EQ(memory_use(), before);
}

// Documents whose parts begin at every place of a block.
TEST(Gather, WrittenDocumentsAreTheSameWhereverBlocksEnd) {
    for (std::size_t shift = 0; shift < 64; ++shift) {
        ArrayBuilder builder;
        std::string expected = "[\"" + letters(4000 + shift, 0) + "\"";
        builder.append(Message::string(letters(4000 + shift, 0)));
        for (std::size_t i = 0; i < 40; ++i) {
            std::string text = letters(i, i) + "\n" + letters(2 * i, i);
            builder.append(Message::string(text));
            expected += ",\"" + letters(i, i) + "\\n" + letters(2 * i, i) + "\"";
            std::int64_t number = static_cast<std::int64_t>(i) * -123'456'789;
            builder.append(Message::integer(number));
            expected += "," + std::to_string(number);
        }
        Message message = builder.finish().take();
        String json;
        ASSERT_TRUE(codec::write_json(json, message).ok());
        ASSERT_EQ(std::string_view(json), expected + "]");
        String bytes;
        ASSERT_TRUE(codec::write_msgpack(bytes, message).ok());
        EXPECT_TRUE(equal(read_msgpack(bytes).take(), message)) << shift;
    }
}

// The size of an extension is filled in when its content is written, blocks later.
TEST(Gather, SizesOfExtensionsReachTheirHeaders) {
    for (std::size_t size : {0u, 10u, 480u, 511u, 512u, 4000u, 4070u, 4085u, 4096u, 70'000u}) {
        ArrayBuilder builder;
        for (std::size_t i = 0; i < 30; ++i) {
            builder.append(
                Message::wrap(REFLOW_KIND_EVENT, Message::string(letters(size + i, i))).take());
            builder.append(
                Message::network_event("moved", Message::string(letters(i, i))).take());
        }
        Message message = Message::wrap(REFLOW_KIND_ANY, builder.finish().take()).take();
        String bytes("x");
        ASSERT_TRUE(codec::write_msgpack(bytes, message).ok());
        ASSERT_EQ(bytes.front(), 'x');
        EXPECT_TRUE(equal(read_msgpack(std::string_view(bytes).substr(1)).take(), message)) << size;
    }
}

TEST(Gather, NothingIsAppendedIfAMessageCannotBeWritten) {
    ArrayBuilder builder;
    for (int i = 0; i < 2000; ++i) builder.append(Message::string(letters(30, 0)));
    builder.append(Message::encoded("\xC1"));
    Message message = builder.finish().take();
    String to("kept");
    EXPECT_FALSE(codec::write_json(to, message).ok());
    EXPECT_EQ(to, "kept");
}

}  // namespace
}  // namespace reflow
