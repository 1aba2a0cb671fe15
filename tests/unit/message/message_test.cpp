#include "message/message.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "failing_memory.hpp"
#include "random.hpp"

namespace reflow {
namespace {

using testing::FailOnce;
using testing::memory_use;
using testing::MemoryUse;

Message object(std::initializer_list<std::pair<std::string_view, std::int64_t>> pairs) {
    ObjectBuilder builder;
    for (auto& [key, value] : pairs) builder.set(key, Message::integer(value));
    return builder.finish().take();
}

Message array(std::initializer_list<Message> elements) {
    ArrayBuilder builder;
    for (const Message& element : elements) builder.append(element);
    return builder.finish().take();
}

// Arrays in arrays, so many levels.
Message nested(std::uint32_t levels) {
    Message message = Message::string("leaf");
    for (std::uint32_t i = 0; i < levels; ++i) message = array({message});
    return message;
}

TEST(Message, ScalarsAllocateNothing) {
    MemoryUse before = memory_use();
    Message all[] = {Message::null(),        Message::flow(),
                     Message::boolean(true), Message::integer(INT64_MIN),
                     Message::real(-0.5),    Message()};
    Message copies[6];
    for (int i = 0; i < 6; ++i) copies[i] = all[i];
    EXPECT_EQ(memory_use(), before);
    EXPECT_TRUE(copies[2].MessageRef::boolean());
    EXPECT_EQ(copies[3].MessageRef::integer(), INT64_MIN);
    EXPECT_EQ(copies[4].MessageRef::real(), -0.5);
    EXPECT_TRUE(copies[5].none());
    reflow_message zeroed{};
    EXPECT_TRUE(MessageRef(zeroed).none());
    EXPECT_EQ(MessageRef(zeroed).kind_name(), "None");
}

TEST(Message, ReadersOfTheWrongKindGiveNothing) {
    Message all[] = {Message(),
                     Message::null(),
                     Message::flow(),
                     Message::boolean(true),
                     Message::integer(7),
                     Message::real(2.5),
                     Message::string("text"),
                     Message::bytes("bytes"),
                     array({Message::integer(1)}),
                     object({{"k", 1}}),
                     Message::wrap(REFLOW_KIND_EVENT, Message::integer(3)).take(),
                     Message::error("error"),
                     Message::wrap(REFLOW_KIND_OPTIONAL, Message()).take(),
                     Message::wrap(REFLOW_KIND_ANY, Message::null()).take(),
                     Message::encoded("enc"),
                     Message::stream({1, 2, true, "a", "p", ""}),
                     Message::remote("n", "a", "p"),
                     Message::network_event("Type", Message::null()).take()};
    std::map<std::string, int> names;
    for (const Message& message : all) {
        names[std::string(message.kind_name())] += 1;
        reflow_kind kind = message.kind();
        bool text = kind == REFLOW_KIND_STRING || kind == REFLOW_KIND_ERROR;
        bool bytes = text || kind == REFLOW_KIND_BYTES || kind == REFLOW_KIND_ENCODED;
        EXPECT_EQ(message.text().empty(), !text);
        EXPECT_EQ(message.MessageRef::bytes().empty(), !bytes);
        EXPECT_EQ(message.size() == 1, kind == REFLOW_KIND_ARRAY || kind == REFLOW_KIND_OBJECT);
        EXPECT_EQ(message.has("k"), kind == REFLOW_KIND_OBJECT);
        EXPECT_EQ(message.key_at(0).empty(), kind != REFLOW_KIND_OBJECT);
        EXPECT_EQ(message.key_message_at(0).none(), kind != REFLOW_KIND_OBJECT);
        EXPECT_EQ(message.at(0).none(), message.size() == 0);
        EXPECT_TRUE(message.at(1).none());
        EXPECT_EQ(message.MessageRef::stream().stream_id == 1, kind == REFLOW_KIND_STREAM);
        EXPECT_EQ(message.MessageRef::remote().actor_id == "a", kind == REFLOW_KIND_REMOTE);
        EXPECT_EQ(message.event_type().empty(), kind != REFLOW_KIND_NETWORK_EVENT);
        EXPECT_EQ(message.MessageRef::integer() == 7, kind == REFLOW_KIND_INTEGER);
        EXPECT_EQ(message.nothing(), kind == REFLOW_KIND_NULL || kind == REFLOW_KIND_OPTIONAL);
    }
    EXPECT_EQ(names.size(), std::size(all));  // each kind has a name of its own
}

TEST(Message, TextIsCopiedAndHasANulBehindIt) {
    std::string with_nul("a\0b", 3);
    Message message = Message::string(with_nul);
    with_nul = "changed";
    EXPECT_EQ(message.text(), std::string_view("a\0b", 3));
    EXPECT_EQ(message.text().data()[3], '\0');
    Result<Message> bad = Message::checked_string("ab\xff");
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().status, REFLOW_ERROR_INVALID_UTF8);
    EXPECT_EQ(bad.error().offset, 2u);
    EXPECT_EQ(Message::checked_string("gr\xc3\xbcn").value().text(), "gr\xc3\xbcn");
}

TEST(Message, LentMemoryIsGivenBackOnce) {
    static int released = 0;
    released = 0;
    auto release = [](void* data) { released += *static_cast<int*>(data); };
    int one = 1;
    const char text[] = "lent text";
    double values[] = {1, 2, 3};
    {
        Message lent = Message::lend(REFLOW_KIND_STRING, text, release, &one);
        EXPECT_EQ(lent.text().data(), text);  // no copy
        Message numbers = Message::lend_numbers(REFLOW_NUMBER_F64, values, 3, release, &one);
        EXPECT_EQ(numbers.numbers_data(), values);
        EXPECT_EQ(numbers.at(2).real(), 3.0);
        Message holder = array({lent, numbers});
        lent = Message();
        numbers = Message();
        EXPECT_EQ(released, 0);
    }
    EXPECT_EQ(released, 2);
    {
        // For ever, and a failure to lend: that does not release, its caller does.
        Message eternal = Message::lend(REFLOW_KIND_BYTES, text, nullptr, nullptr);
        FailOnce fail(0);
        EXPECT_THROW((void)Message::lend(REFLOW_KIND_BYTES, text, release, &one), std::bad_alloc);
    }
    EXPECT_EQ(released, 2);
}

TEST(Message, PackedNumbersOfEachType) {
    auto check = [](reflow_number type, auto value, auto expected) {
        using T = decltype(value);
        T values[] = {value, T{}, value};
        Message packed = Message::numbers(type, values, 3);
        ASSERT_EQ(packed.numbers_type(), type);
        EXPECT_EQ(Message::number_size(type), sizeof(T));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(packed.numbers_data()) % 16, 0u);
        EXPECT_EQ(std::memcmp(packed.numbers_data(), values, sizeof values), 0);
        EXPECT_EQ(packed.size(), 3u);
        MessageRef last = packed.at(2);
        if constexpr (std::is_floating_point_v<decltype(expected)>) {
            ASSERT_TRUE(last.is(REFLOW_KIND_FLOAT));
            EXPECT_EQ(last.real(), expected);
        } else {
            ASSERT_TRUE(last.is(REFLOW_KIND_INTEGER));
            EXPECT_EQ(last.integer(), expected);
        }
    };
    check(REFLOW_NUMBER_I8, std::int8_t{-128}, std::int64_t{-128});
    check(REFLOW_NUMBER_U8, std::uint8_t{255}, std::int64_t{255});
    check(REFLOW_NUMBER_I16, std::int16_t{-32768}, std::int64_t{-32768});
    check(REFLOW_NUMBER_U16, std::uint16_t{65535}, std::int64_t{65535});
    check(REFLOW_NUMBER_I32, INT32_MIN, std::int64_t{INT32_MIN});
    check(REFLOW_NUMBER_U32, UINT32_MAX, std::int64_t{UINT32_MAX});
    check(REFLOW_NUMBER_I64, INT64_MIN, INT64_MIN);
    check(REFLOW_NUMBER_U64, std::uint64_t{INT64_MAX}, INT64_MAX);
    check(REFLOW_NUMBER_U64, UINT64_MAX, 18446744073709551616.0);
    check(REFLOW_NUMBER_F32, 0.1f, static_cast<double>(0.1f));
    check(REFLOW_NUMBER_F64, 0.1, 0.1);
    EXPECT_EQ(Message::number_size(0), 0u);
    EXPECT_EQ(Message::number_size(11), 0u);
    EXPECT_EQ(Message::numbers(REFLOW_NUMBER_F64, nullptr, 0).size(), 0u);
}

TEST(ArrayBuilder, PacksWhatIsOfOneKindOfNumber) {
    EXPECT_EQ(array({Message::integer(1), Message::integer(2)}).numbers_type(), REFLOW_NUMBER_I64);
    EXPECT_EQ(array({Message::real(1), Message::real(2)}).numbers_type(), REFLOW_NUMBER_F64);
    Message mixed = array({Message::integer(1), Message::real(2)});
    EXPECT_EQ(mixed.numbers_type(), 0);
    EXPECT_EQ(mixed.at(0).integer(), 1);
    EXPECT_EQ(mixed.at(1).real(), 2.0);
    EXPECT_EQ(array({}).size(), 0u);
    EXPECT_EQ(array({}).numbers_type(), 0);
    EXPECT_TRUE(array({}).is(REFLOW_KIND_ARRAY));
}

TEST(ObjectBuilder, KeepsOrderAndReplacesInPlaceAroundTheTable) {
    // 8 keys are searched one by one, from 9 on there is a table; both while it is built and after.
    for (std::int64_t count : {0, 1, 7, 8, 9, 10, 50, 1000}) {
        ObjectBuilder builder(count % 2 == 0 ? 0 : 4);
        for (std::int64_t i = 0; i < count; ++i) builder.set(concat("key", i), Message::integer(i));
        for (std::int64_t i = 0; i < count; i += 3) {
            builder.set(concat("key", i), Message::integer(-i));
        }
        ASSERT_EQ(builder.size(), static_cast<std::size_t>(count));
        EXPECT_FALSE(builder.has("none"));
        Message made = builder.finish().take();
        EXPECT_EQ(builder.size(), 0u);
        ASSERT_EQ(made.size(), static_cast<std::size_t>(count));
        for (std::int64_t i = 0; i < count; ++i) {
            auto at = static_cast<std::size_t>(i);
            ASSERT_EQ(made.key_at(at), concat("key", i));
            ASSERT_EQ(made.get(concat("key", i)).integer(), i % 3 == 0 ? -i : i);
            ASSERT_TRUE(equal(made.at(at), made.get(made.key_at(at))));
        }
        EXPECT_TRUE(made.get("none").none());
        EXPECT_TRUE(made.get("").none());
        // The builder is empty and may be used again.
        builder.set("x", Message::integer(1));
        EXPECT_EQ(builder.finish().value().size(), 1u);
    }
}

TEST(ObjectBuilder, BehavesAsAMapDoes) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        testing::Random random(seed);
        ObjectBuilder builder;
        std::map<std::string, std::int64_t> model;
        std::vector<std::string> order;
        std::uint64_t keys = 1 + random.below(40);
        for (int step = 0; step < 200; ++step) {
            std::string key(random.below(keys), 'k');
            auto value = static_cast<std::int64_t>(random.next());
            if (model.find(key) == model.end()) order.push_back(key);
            model[key] = value;
            if (random.one_in(2)) {
                builder.set(key, Message::integer(value));
            } else {
                builder.set(Message::string(key), Message::integer(value));
            }
        }
        Message made = builder.finish().take();
        ASSERT_EQ(made.size(), order.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            ASSERT_EQ(made.key_at(i), order[i]);
            ASSERT_EQ(made.get(order[i]).integer(), model[order[i]]);
        }
    }
}

TEST(ObjectBuilder, SharesKeysThatAreMessages) {
    Message key = Message::string("a key");
    ObjectBuilder builder;
    builder.set(key, Message::null());
    Message made = builder.finish().take();
    EXPECT_EQ(made.key_at(0).data(), key.text().data());
    Message other = with_key(made, "b", Message::integer(1)).take();
    EXPECT_EQ(other.key_at(0).data(), key.text().data());
    EXPECT_EQ(other.size(), 2u);
    EXPECT_EQ(with_key(other, "a key", Message()).value().size(), 1u);
    EXPECT_EQ(with_key(other, "b", Message::integer(2)).value().get("b").integer(), 2);
    EXPECT_EQ(made.size(), 1u);
}

TEST(Builders, AFailureOfMemoryLosesNothing) {
    MemoryUse before = memory_use();
    {
        bool done = false;
        for (std::int64_t n = 0; !done; ++n) {
            ObjectBuilder builder;
            ArrayBuilder list;
            std::size_t set = 0;
            std::size_t appended = 0;
            FailOnce fail(n);
            try {
                for (; set < 20; ++set) {
                    builder.set(concat("a key with some length ", set), Message::string("value"));
                }
                for (; appended < 20; ++appended) list.append(Message::string("element"));
                Message object = builder.finish().take();
                Message elements = list.finish().take();
                EXPECT_EQ(object.size() + elements.size(), 40u);
                done = true;
            } catch (const std::bad_alloc&) {
                // As it was before the step that failed; finish() empties only what it made.
                ASSERT_TRUE(builder.size() == set || (set == 20 && builder.size() == 0));
                ASSERT_EQ(list.size(), appended);
                for (std::size_t i = 0; i < builder.size(); ++i) {
                    ASSERT_TRUE(builder.has(concat("a key with some length ", i)));
                }
            }
        }
    }
    EXPECT_EQ(memory_use(), before);
}

TEST(Messages, AFailureOfMemoryLeavesNothingBehind) {
    MemoryUse before = memory_use();
    bool done = false;
    for (std::int64_t n = 0; !done; ++n) {
        FailOnce fail(n);
        try {
            (void)Message::stream({1, 2, true, "actor", "port", "type"});
            (void)Message::remote("network", "actor", "port");
            (void)Message::network_event("type", Message::string("data"));
            (void)Message::wrap(REFLOW_KIND_ANY, Message::bytes("data"));
            (void)with_key(object({{"a", 1}, {"b", 2}}), "c", Message::string("x"));
            done = true;
        } catch (const std::bad_alloc&) {
        }
        ASSERT_EQ(memory_use(), before) << n;
    }
}

TEST(Depth, IsLimitedInEveryBuilderAndFreedWithoutRecursion) {
    MemoryUse before = memory_use();
    {
        Message deep = nested(REFLOW_MAX_DEPTH);
        EXPECT_EQ(deep.depth(), static_cast<std::uint32_t>(REFLOW_MAX_DEPTH));
        auto refused = [](const Result<Message>& result) {
            ASSERT_FALSE(result.ok());
            EXPECT_EQ(result.error().status, REFLOW_ERROR_LIMIT);
            EXPECT_EQ(result.error().message, "nested deeper than 128 levels");
        };
        ArrayBuilder list;
        list.append(deep);
        refused(list.finish());
        ObjectBuilder builder;
        builder.set("k", deep);
        refused(builder.finish());
        refused(Message::wrap(REFLOW_KIND_EVENT, deep));
        refused(Message::network_event("t", deep));
        Message almost = nested(REFLOW_MAX_DEPTH - 1);
        EXPECT_TRUE(Message::wrap(REFLOW_KIND_OPTIONAL, almost).ok());
        EXPECT_TRUE(equal(deep, nested(REFLOW_MAX_DEPTH)));
        EXPECT_FALSE(equal(deep, almost));
        // Streams and references are a level of their own.
        EXPECT_EQ(Message::remote("n", "a", "p").depth(), 1u);
    }
    EXPECT_EQ(memory_use(), before);
}

TEST(Depth, OfAllContainersAtOnce) {
    MemoryUse before = memory_use();
    {
        Message message = Message::stream({1, 0, false, "a", "p", "t"});
        while (message.depth() < REFLOW_MAX_DEPTH - 4) {
            message = array({message, Message::string("x")});
            ObjectBuilder builder;
            for (int i = 0; i < 9; ++i) builder.set(concat("k", i), message);
            message = builder.finish().take();
            message = Message::wrap(REFLOW_KIND_ANY, std::move(message)).take();
            message = Message::network_event("t", std::move(message)).take();
        }
        EXPECT_GT(message.depth(), 120u);
    }
    EXPECT_EQ(memory_use(), before);
}

TEST(Message, AMillionElementsComeAndGo) {
    MemoryUse before = memory_use();
    {
        ArrayBuilder list(1'000'000);
        for (int i = 0; i < 1'000'000; ++i) list.append(Message::string("x"));
        Message made = list.finish().take();
        EXPECT_EQ(made.size(), 1'000'000u);
        EXPECT_EQ(made.at(999'999).text(), "x");
    }
    EXPECT_EQ(memory_use(), before);
}

TEST(Equal, ByValueAndNotByForm) {
    double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(equal(Message::real(nan), Message::real(-nan)));
    EXPECT_TRUE(equal(Message::real(0.0), Message::real(-0.0)));
    EXPECT_FALSE(equal(Message::real(1), Message::integer(1)));
    EXPECT_FALSE(equal(Message::null(), Message::flow()));
    EXPECT_FALSE(equal(Message::null(), Message()));
    EXPECT_FALSE(equal(Message::string("a"), Message::bytes("a")));
    std::int32_t small[] = {1, 2};
    EXPECT_TRUE(equal(Message::numbers(REFLOW_NUMBER_I32, small, 2),
                      array({Message::integer(1), Message::integer(2)})));
    EXPECT_FALSE(equal(array({Message::integer(1)}), array({Message::real(1)})));
    EXPECT_TRUE(equal(object({{"a", 1}, {"b", 2}}), object({{"b", 2}, {"a", 1}})));
    EXPECT_FALSE(equal(object({{"a", 1}, {"b", 2}}), object({{"a", 1}, {"c", 2}})));
    EXPECT_FALSE(equal(object({{"a", 1}}), object({{"a", 1}, {"b", 2}})));
    auto wrapped = [](reflow_kind kind, Message content) {
        return Message::wrap(kind, std::move(content)).take();
    };
    EXPECT_FALSE(equal(wrapped(REFLOW_KIND_ANY, Message::null()),
                       wrapped(REFLOW_KIND_EVENT, Message::null())));
    EXPECT_FALSE(equal(wrapped(REFLOW_KIND_OPTIONAL, Message()),
                       wrapped(REFLOW_KIND_OPTIONAL, Message::null())));
    EXPECT_TRUE(
        equal(wrapped(REFLOW_KIND_OPTIONAL, Message()), wrapped(REFLOW_KIND_OPTIONAL, Message())));
    auto event = [](std::string_view type) {
        return Message::network_event(type, Message::null()).take();
    };
    EXPECT_TRUE(equal(event("A"), event("A")));
    EXPECT_FALSE(equal(event("A"), event("B")));
    auto stream = [](bool has_hint, std::uint64_t hint, std::string_view type) {
        return Message::stream({1, hint, has_hint, "a", "p", type});
    };
    EXPECT_TRUE(equal(stream(false, 1, ""), stream(false, 2, "")));
    EXPECT_FALSE(equal(stream(true, 1, ""), stream(true, 2, "")));
    EXPECT_FALSE(equal(stream(true, 1, "t"), stream(true, 1, "")));
    EXPECT_FALSE(equal(Message::remote("n", "a", "p"), Message::remote("n", "a", "q")));
}

TEST(Message, IsSharedByThreads) {
    MemoryUse before = memory_use();
    {
        ObjectBuilder builder;
        for (int i = 0; i < 20; ++i) builder.set(concat("key ", i), Message::string("value"));
        Message shared = builder.finish().take();
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([shared] {
                for (int i = 0; i < 5000; ++i) {
                    Message mine = shared;
                    Message value = mine.get("key 7").own();
                    ASSERT_EQ(value.text(), "value");
                }
            });
        }
        shared = Message();
        for (std::thread& thread : threads) thread.join();
    }
    EXPECT_EQ(memory_use(), before);
}

}  // namespace
}  // namespace reflow
