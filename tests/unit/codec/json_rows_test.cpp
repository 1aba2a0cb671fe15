// What the JSON reader remembers from one object to the next (rows of keys, texts, slabs of
// memory), against documents that were made together with what they mean.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "codec/json.hpp"
#include "failing_memory.hpp"
#include "random.hpp"

namespace reflow {
namespace {

using codec::Duplicates;
using codec::read_json;
using testing::memory_use;
using testing::MemoryUse;
using testing::Random;

// A value as the test knows it.
struct Model {
    enum Kind { integer, text, array, object } kind = integer;
    std::int64_t number = 0;
    std::string string;
    std::vector<Model> elements;
    std::vector<std::string> keys;
};

// Makes text and meaning together. Most objects take the keys of one row, from its front on; some
// leave one out, add one, write one with an escape, or have one twice.
class Documents {
public:
    explicit Documents(std::uint64_t seed) : random_(seed), strays_(seed % 2 == 0) {}
    bool twice = false;  // whether some object had a key twice

    Model value(std::string& json, unsigned depth) {
        std::uint64_t choice = depth == 0 ? random_.below(2) : random_.below(6);
        if (choice == 0) return number(json);
        if (choice == 1) return text(json);
        return choice == 2 ? array(json, depth) : object(json, depth);
    }

private:
    Model number(std::string& json) {
        Model model;
        model.number = static_cast<std::int64_t>(random_.below(1000)) - 500;
        json += std::to_string(model.number);
        return model;
    }
    Model text(std::string& json) {
        Model model;
        model.kind = Model::text;
        model.string = "key" + std::to_string(random_.below(40));
        if (random_.one_in(4)) model.string.append(random_.below(60), 'x');
        json += "\"" + model.string + "\"";
        return model;
    }
    Model array(std::string& json, unsigned depth) {
        Model model;
        model.kind = Model::array;
        json += "[";
        for (std::uint64_t left = random_.below(5); left > 0; --left) {
            if (!model.elements.empty()) json += random_.one_in(2) ? ", " : ",";
            model.elements.push_back(value(json, depth - 1));
        }
        json += "]";
        return model;
    }
    Model object(std::string& json, unsigned depth) {
        Model model;
        model.kind = Model::object;
        json += "{";
        std::uint64_t row = random_.below(12);
        std::uint64_t count = random_.below(random_.one_in(8) ? 30 : 7);
        bool first = true;
        for (std::uint64_t at = 0; at < count; ++at) {
            std::uint64_t other = strays_ && random_.one_in(12) ? random_.below(40) : row * 3 + at;
            std::string name = "key" + std::to_string(other);
            if (!first) json += ",";
            first = false;
            if (random_.one_in(16)) {
                json += " \"\\u006bey" + std::to_string(other) + "\" :\n";
            } else {
                json += "\"" + name + "\":";
            }
            set(model, name, value(json, depth - 1));
        }
        json += "}";
        return model;
    }
    void set(Model& model, const std::string& name, Model value) {
        for (std::size_t i = 0; i < model.keys.size(); ++i) {
            if (model.keys[i] != name) continue;
            model.elements[i] = std::move(value);
            twice = true;
            return;
        }
        model.keys.push_back(name);
        model.elements.push_back(std::move(value));
    }

    Random random_;
    bool strays_;  // keys that are not of the row
};

// Recursion is fine here: the documents are shallow.
void expect_same(MessageRef message, const Model& model) {
    switch (model.kind) {
        case Model::integer:
            ASSERT_TRUE(message.is(REFLOW_KIND_INTEGER));
            ASSERT_EQ(message.integer(), model.number);
            return;
        case Model::text:
            ASSERT_TRUE(message.is(REFLOW_KIND_STRING));
            ASSERT_EQ(message.text(), model.string);
            ASSERT_EQ(message.text().data()[message.text().size()], '\0');
            return;
        default:
            break;
    }
    ASSERT_TRUE(message.is(model.kind == Model::array ? REFLOW_KIND_ARRAY : REFLOW_KIND_OBJECT));
    ASSERT_EQ(message.size(), model.elements.size());
    for (std::size_t i = 0; i < model.elements.size(); ++i) {
        if (model.kind == Model::object) {
            ASSERT_EQ(message.key_at(i), model.keys[i]);
            MessageRef found = message.get(model.keys[i]);
            ASSERT_EQ(found.raw().payload, message.at(i).raw().payload);
        }
        expect_same(message.at(i), model.elements[i]);
    }
    if (model.kind == Model::object) {
        ASSERT_FALSE(message.has("no such key"));
    }
}

TEST(JsonRows, DocumentsMeanWhatTheyWereMadeFrom) {
    auto [first, count] = testing::seeds(400);
    unsigned with_twice = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(seed);
        MemoryUse before = memory_use();
        {
            Documents documents(seed);
            std::string json = "[";
            Model model;
            model.kind = Model::array;
            for (int i = 0; i < 40; ++i) {
                if (i != 0) json += ",";
                model.elements.push_back(documents.value(json, 4));
            }
            json += "]";
            Result<Message> result = read_json(json);
            ASSERT_TRUE(result.ok()) << result.error().describe();
            expect_same(result.value(), model);
            EXPECT_EQ(read_json(json, {}, Duplicates::refuse).ok(), !documents.twice);
            with_twice += documents.twice ? 1 : 0;
            // Each part outlives the rest.
            std::vector<Message> parts;
            for (std::size_t i = 0; i < result.value().size(); ++i) {
                parts.push_back(result.value().at(i).own());
            }
            result = Message();
            for (std::size_t i = 0; i < parts.size(); ++i) {
                expect_same(parts[i], model.elements[i]);
                parts[i] = Message();
            }
        }
        ASSERT_EQ(memory_use(), before);
    }
    if (count > 100) {
        EXPECT_GT(with_twice, 0u);
        EXPECT_LT(with_twice, count);
    }
}

TEST(JsonRows, ADuplicateInALaterRowOfTheSameKeys) {
    std::string json = R"([{"a":1,"b":2},{"a":1,"b":2,"a":[3]},{"a":1,"b":2},{"b":1,"b":2}])";
    Message message = read_json(json).take();
    EXPECT_EQ(message.at(0).size(), 2u);
    EXPECT_EQ(message.at(1).size(), 2u);
    EXPECT_EQ(message.at(1).key_at(0), "a");
    EXPECT_EQ(message.at(1).get("a").at(0).integer(), 3);
    EXPECT_EQ(message.at(2).get("b").integer(), 2);
    EXPECT_EQ(message.at(3).size(), 1u);
    EXPECT_EQ(message.at(3).get("b").integer(), 2);
    Result<Message> refused = read_json(json, {}, Duplicates::refuse);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().describe(),
              "line 1, column 29: duplicate key 'a', first at line 1, column 17");
}

TEST(JsonRows, AKeyThatNeedsAnEscapeIsNotTakenForItsBytes) {
    // The second key of the second object would be that of the first, if bytes were compared.
    Message message = read_json("[{\"a\\\"b\":1},{\"a\\u0022b\":2},{\"a\\\\b\":3}]").take();
    EXPECT_EQ(message.at(0).key_at(0), "a\"b");
    EXPECT_EQ(message.at(1).key_at(0), "a\"b");
    EXPECT_EQ(message.at(2).key_at(0), "a\\b");
    EXPECT_FALSE(read_json("[{\"a\\\"b\":1},{\"a\"b\":2}]").ok());
    EXPECT_FALSE(read_json("[{\"a\":1},{\"a").ok());
    EXPECT_FALSE(read_json("[{\"a\":1},{\"a\"").ok());
    EXPECT_FALSE(read_json("[{\"a\":1},{a\":2}]").ok());
    EXPECT_EQ(read_json("[{\"a\":1},{\"ab\":2}]").take().at(1).key_at(0), "ab");
}

TEST(JsonRows, MarkedBytesMayStandAnywhere) {
    struct Piece {
        std::string json;
        std::string meaning;
    };
    const Piece pieces[] = {{"\\\"", "\""},          {"\\u20ac", "€"}, {"é", "é"},      {"€", "€"},
                            {"\\ud83d\\ude00", "😀"}, {"😀", "😀"},       {"\x7f", "\x7f"}};
    for (std::size_t before = 0; before < 150; ++before) {
        for (const Piece& piece : pieces) {
            // Two of them, some bytes apart, and more or less of the document behind.
            for (std::size_t behind : {0u, 1u, 15u, 64u, 120u}) {
                std::string run(before, 'x');
                std::string end(behind, 'y');
                std::string json = "[\"\\n" + run + piece.json + end + piece.json + "\"" +
                                   std::string(behind, ' ') + "]";
                Result<Message> result = read_json(json);
                ASSERT_TRUE(result.ok()) << json << ": " << result.error().describe();
                ASSERT_EQ(result.value().at(0).text(),
                          "\n" + run + piece.meaning + end + piece.meaning)
                    << json;
            }
        }
        for (const char* wrong : {"\xff", "\x1f", "\xC3", "\xE2\x82", "\\x", "\\ud800", "\\u12"}) {
            std::string json =
                "[\"\\n" + std::string(before, 'x') + wrong + "\"" + std::string(100, ' ') + "]";
            Result<Message> result = read_json(json);
            ASSERT_FALSE(result.ok()) << json;
            ASSERT_GE(result.error().offset, before + 4) << json;
            ASSERT_LE(result.error().offset, before + 8) << json;
        }
    }
}

TEST(JsonRows, NumbersOfNineteenDigitsAreRoundedOnce) {
    // Halfway between two doubles, and a little to each side.
    for (const char* text :
         {"9007199254740993.0", "9007199254740993.1", "9007199254740992.9", "9007199254740995.0",
          "4503599627370496.5", "4503599627370497.5", "4503599627370497.51",
          "0.1234567890123456789", "1125899906842624.125", "1125899906842624.375",
          "9999999999999999.999", "9999999999999999999e-1", "9999999999999999999e-19",
          "9007199254740993e-19", "1844674407370955161.5", "-9007199254740993.0",
          "9223372036854775807e-3"}) {
        EXPECT_EQ(read_json(text).take().real(), std::strtod(text, nullptr)) << text;
    }
    Random random(7);
    for (int i = 0; i < 100'000; ++i) {
        std::uint64_t mantissa = random.next() >> random.below(64);
        if (mantissa > 9'999'999'999'999'999'999u) mantissa /= 10;
        std::string text = std::to_string(mantissa) + "e-" + std::to_string(1 + random.below(22));
        if (random.one_in(2)) text = "-" + text;
        double expected = std::strtod(text.c_str(), nullptr);
        Message read = read_json(text).take();
        ASSERT_TRUE(read.is(REFLOW_KIND_FLOAT)) << text;
        ASSERT_EQ(read.real(), expected) << text;
        ASSERT_EQ(std::signbit(read.real()), std::signbit(expected)) << text;
    }
}

TEST(JsonRows, AMessageKeepsLittleOfTheRestOfItsDocument) {
    std::string json = "[";
    for (int i = 0; i < 10'000; ++i) {
        json += (i == 0 ? "{\"id\":\"" : ",{\"id\":\"") + std::to_string(i) + "\"}";
    }
    json += "]";
    MemoryUse before = memory_use();
    Message kept = read_json(json).take().at(5000).get("id").own();
    EXPECT_EQ(kept.text(), "5000");
    EXPECT_LE(memory_use().bytes - before.bytes, 4096u);
    Message object = read_json("{\"id\":7}").take();
    // A small document takes a small block.
    EXPECT_LE(memory_use().bytes - before.bytes, 4096u + 256u);
    kept = Message();
    object = Message();
    EXPECT_EQ(memory_use(), before);
}

TEST(JsonRows, PartsEndOnSeveralThreads) {
    std::string json = "[";
    for (int i = 0; i < 2000; ++i) {
        json += (i == 0 ? "" : ",") + ("{\"name\":\"n" + std::to_string(i % 50)) +
                "\",\"more\":{\"name\":\"x\",\"list\":[null,\"x\"]}}";
    }
    json += "]";
    MemoryUse before = memory_use();
    for (int round = 0; round < 5; ++round) {
        Message document = read_json(json).take();
        std::vector<std::vector<Message>> shares(4);
        for (std::size_t i = 0; i < document.size(); ++i) {
            shares[i % 4].push_back(document.at(i).own());
            shares[(i + 1) % 4].push_back(document.at(i).get("more").own());
            shares[(i + 2) % 4].push_back(document.at(i).get("name").own());
        }
        document = Message();
        std::vector<std::thread> threads;
        for (std::vector<Message>& share : shares) {
            threads.emplace_back([&share] { share.clear(); });
        }
        for (std::thread& thread : threads) thread.join();
        ASSERT_EQ(memory_use(), before);
    }
}

}  // namespace
}  // namespace reflow
