// The end of documents: all at once if nobody has taken a part, and otherwise what is left of them.
// What is compared with is a second reading of the same text, whose root is kept.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "failing_memory.hpp"

namespace reflow {
namespace {

using testing::memory_use;
using testing::MemoryUse;

// Small and large texts, keys in rows and in tables, packed numbers and others, several slabs; if
// it is large, the root is a block of its own.
std::string document(bool large) {
    std::string many;
    for (int i = 0; i < 40; ++i) {
        many +=
            "\"key" + std::to_string(i) + "\":{\"id\":\"n" + std::to_string(i) + "\",\"x\":[1,2],";
        many += "\"y\":[\"a\",{}]},";
    }
    std::string inside = "{" + many + "\"last\":null}";
    std::string text =
        "[" + inside + ",\"" + std::string(300, 'l') + "\",{\"a\":{\"b\":[1.5,2.5]}}";
    text += ",[\"" + std::string(700, 't') + "\",true],{\"" + std::string(400, 'k') + "\":\"v\"}";
    for (int i = 0; large && i < 100; ++i) {
        text += ",{\"id\":" + std::to_string(i) + ",\"t\":\"text\"}";
    }
    return text + "]";
}

using Read = std::function<Message()>;

std::vector<Read> readers() {
    std::vector<Read> made;
    for (bool large : {false, true}) {
        std::string json = document(large);
        String packed;
        EXPECT_TRUE(codec::write_msgpack(packed, codec::read_json(json).take()).ok());
        made.push_back([json] { return codec::read_json(json).take(); });
        made.push_back([packed] { return codec::read_msgpack(packed).take(); });
    }
    return made;
}

// Every value and key below a message.
void all_parts(MessageRef whole, std::vector<MessageRef>& parts) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (whole.is(REFLOW_KIND_OBJECT)) parts.push_back(whole.key_message_at(i));
        parts.push_back(whole.at(i));
        all_parts(whole.at(i), parts);
    }
}

std::vector<MessageRef> parts_of(MessageRef whole) {
    std::vector<MessageRef> parts;
    all_parts(whole, parts);
    return parts;
}

TEST(DocumentEnd, LeavesNothingBehind) {
    for (const Read& read : readers()) {
        MemoryUse before = memory_use();
        Message alone = read();
        EXPECT_NE(memory_use(), before);
        alone = Message();
        EXPECT_EQ(memory_use(), before);
        // Inside of something else, and twice in it.
        ArrayBuilder builder;
        Message one = read();
        builder.append(one);
        builder.append(std::move(one));
        builder.append(read());
        builder.append(builder.finish().take());
        Message around = builder.finish().take();
        around = Message();
        builder = ArrayBuilder();
        EXPECT_EQ(memory_use(), before);
    }
}

TEST(DocumentEnd, LeavesEachPartThatIsHeld) {
    for (const Read& read : readers()) {
        Message kept = read();
        std::vector<MessageRef> expected = parts_of(kept);
        ASSERT_GT(expected.size(), 200U);
        MemoryUse before = memory_use();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            Message whole = read();
            Message part = parts_of(whole)[i].own();
            Message other = parts_of(whole)[(i * 7) % expected.size()].own();
            whole = Message();
            ASSERT_TRUE(equal(part, expected[i])) << i;
            other = Message();
            ASSERT_TRUE(equal(part, expected[i])) << i;
            part = Message();
            ASSERT_EQ(memory_use(), before) << i;
        }
    }
}

TEST(DocumentEnd, ComesWhenAllThreadsHaveLeft) {
    std::vector<Read> all = readers();
    MemoryUse before = memory_use();
    for (const Read& read : all) {
        Message kept = read();
        std::size_t count = parts_of(kept).size();
        for (std::size_t round = 0; round < 50; ++round) {
            Message whole = read();
            std::vector<std::thread> threads;
            for (std::size_t thread = 0; thread < 3; ++thread) {
                threads.emplace_back([whole, &kept, at = (round * 3 + thread) % count]() mutable {
                    // Every second one takes nothing.
                    Message part = at % 2 == 0 ? Message() : parts_of(whole)[at].own();
                    whole = Message();
                    if (!part.none()) {
                        EXPECT_TRUE(equal(part, parts_of(kept)[at]));
                    }
                });
            }
            whole = Message();
            for (std::thread& thread : threads) thread.join();
        }
    }
    EXPECT_EQ(memory_use(), before);
}

// A document that breaks off, and what is read after it.
TEST(DocumentEnd, ComesToHalfADocumentAsWell) {
    std::string json = document(false);
    MemoryUse before = memory_use();
    for (std::size_t size = 0; size < json.size(); size += 61) {
        EXPECT_FALSE(codec::read_json(json.substr(0, size)).ok());
    }
    EXPECT_TRUE(codec::read_json("[" + json + ",{\"a\":1,\"a\":[\"twice\"]}]").ok());
    EXPECT_EQ(memory_use(), before);
}

}  // namespace
}  // namespace reflow
