// Memory that runs out at any allocation of a codec: an exception or a status, never a leak, and
// the next call works.
#include <gtest/gtest.h>

#include <functional>
#include <new>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "codec/yaml.hpp"
#include "failing_memory.hpp"
#include "random_message.hpp"

namespace reflow {
namespace {

using testing::FailOnce;
using testing::memory_use;
using testing::MemoryUse;

// Runs the work with the first allocation failing, then the second, and so on until none fails.
void fail_everywhere(const char* name, const std::function<bool()>& work) {
    ASSERT_TRUE(work()) << name;
    for (std::int64_t successes = 0;; ++successes) {
        ASSERT_LT(successes, 100'000) << name;
        MemoryUse before = memory_use();
        bool failed = false;
        bool done = false;
        {
            FailOnce once(successes);
            try {
                done = work();
            } catch (const std::bad_alloc&) {
                done = false;
            }
            failed = once.failed();
        }
        EXPECT_EQ(memory_use(), before) << name << ", allocation " << successes;
        EXPECT_EQ(done, !failed) << name << ", allocation " << successes;
        if (!failed) break;
    }
    ASSERT_TRUE(work()) << name;
}

TEST(CodecMemory, FailsAtEveryAllocation) {
    test::RandomMessages random(11);
    Message message = random.message(5);
    while (message.size() < 3 || message.depth() < 4) message = random.message(5);
    // Plain JSON decodes what is encoded, so it gets a message of its own.
    random.plain_only = true;
    Message plain = random.message(5);
    while (plain.size() < 3 || plain.depth() < 3) plain = random.message(5);
    String json;
    String tagged;
    String msgpack;
    String yaml;
    ASSERT_TRUE(codec::write_json(json, plain).ok());
    ASSERT_TRUE(codec::write_tagged_json(tagged, message).ok());
    ASSERT_TRUE(codec::write_msgpack(msgpack, message).ok());
    ASSERT_TRUE(codec::write_yaml(yaml, plain).ok());
    fail_everywhere("read_json", [&] { return codec::read_json(json).ok(); });
    fail_everywhere("read_json with places", [&] {
        codec::Places places;
        return codec::read_json(json, {}, codec::Duplicates::refuse, &places).ok();
    });
    fail_everywhere("an error of read_json", [&] { return !codec::read_json("[1,{\"a\":}").ok(); });
    fail_everywhere("read_tagged_json", [&] { return codec::read_tagged_json(tagged).ok(); });
    fail_everywhere("read_msgpack", [&] { return codec::read_msgpack(msgpack).ok(); });
    fail_everywhere("read_yaml", [&] { return codec::read_yaml(yaml).ok(); });
    auto writes = [&](auto write, MessageRef value) {
        return [write, value] {
            String to;
            return write(to, value).ok();
        };
    };
    auto pretty = [](String& to, MessageRef value) { return codec::write_json(to, value, 2); };
    fail_everywhere("write_json", writes(pretty, plain));
    fail_everywhere("write_tagged_json", writes(codec::write_tagged_json, message));
    fail_everywhere("write_msgpack", writes(codec::write_msgpack, message));
    fail_everywhere("write_yaml", writes(codec::write_yaml, plain));
}

}  // namespace
}  // namespace reflow
