// Random messages from a seed, of every kind and any nesting, for round trips.
// Neighbours: the tests of the codecs. Thread: one.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "message/message.hpp"

namespace reflow::test {

class RandomMessages {
public:
    explicit RandomMessages(std::uint64_t seed) : random_(seed) {}

    // Only what JSON has words for: numbers are finite, keys differ from `$reflow`.
    bool plain_only = false;
    bool finite_only = false;

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    std::string text() {
        static const char* pieces[] = {"a",
                                       "node",
                                       " ",
                                       "\"",
                                       "\\",
                                       "/",
                                       "\n",
                                       "\t",
                                       "\r",
                                       "\x01",
                                       "\x7f",
                                       "é",
                                       "€",
                                       "😀",
                                       "yes",
                                       "null",
                                       "1.5",
                                       "- ",
                                       ": ",
                                       " #",
                                       "'",
                                       "true",
                                       "{",
                                       "[",
                                       "&x",
                                       "*",
                                       "%",
                                       "@",
                                       "!",
                                       "|",
                                       ">",
                                       "...",
                                       "---",
                                       "\xC2\x85",
                                       "\xE2\x80\xA8",
                                       "\xEF\xBB\xBF",
                                       "$reflow",
                                       "type",
                                       "0x1f"};
        std::string result;
        for (std::uint64_t i = below(8); i > 0; --i) {
            if (below(40) == 0) {
                result.push_back('\0');
            } else {
                result += pieces[below(std::size(pieces))];
            }
        }
        if (below(60) == 0) result += std::string(5000, 'x');
        if (below(40) == 0) result = "$reflow";
        return result;
    }

    std::int64_t integer() {
        switch (below(4)) {
            case 0:
                return static_cast<std::int64_t>(below(10));
            case 1:
                return -static_cast<std::int64_t>(below(70000));
            case 2:
                return below(2) == 0 ? INT64_MAX : INT64_MIN;
            default:
                return static_cast<std::int64_t>(random_());
        }
    }

    double real() {
        switch (below(plain_only || finite_only ? 4 : 5)) {
            case 0:
                return static_cast<double>(below(1000));
            case 1:
                return static_cast<double>(below(100000)) / 100 - 400;
            case 2:
                return below(2) == 0 ? -0.0 : std::numeric_limits<double>::denorm_min();
            case 3: {
                double value = 0;
                std::uint64_t bits = random_();
                std::memcpy(&value, &bits, sizeof value);
                return std::isfinite(value) ? value : 1e308;
            }
            default: {
                static const double strange[] = {std::numeric_limits<double>::quiet_NaN(),
                                                 std::numeric_limits<double>::infinity(),
                                                 -std::numeric_limits<double>::infinity()};
                return strange[below(3)];
            }
        }
    }

    std::string bytes() {
        std::string result(below(20), '\0');
        for (char& byte : result) byte = static_cast<char>(below(256));
        return result;
    }

    Message numbers() {
        auto type = static_cast<reflow_number>(1 + below(10));
        std::size_t count = below(12);
        std::vector<char> data(count * Message::number_size(type));
        for (char& byte : data) byte = static_cast<char>(below(256));
        bool real = type == REFLOW_NUMBER_F32 || type == REFLOW_NUMBER_F64;
        if (real && (plain_only || finite_only)) {
            // Random bits are often no finite number; whole ones are.
            std::vector<double> values(count);
            for (double& value : values) value = this->real();
            return Message::numbers(std::span<const double>(values));
        }
        if (type == REFLOW_NUMBER_U64 && plain_only) type = REFLOW_NUMBER_I64;
        return Message::numbers(type, data.data(), count);
    }

    Message scalar() {
        switch (below(plain_only ? 6 : 12)) {
            case 0:
                return Message::null();
            case 1:
                return Message::boolean(below(2) == 0);
            case 2:
                return Message::integer(integer());
            case 3:
                return Message::real(real());
            case 4:
                return Message::string(text());
            case 5:
                return numbers();
            case 6:
                return Message::flow();
            case 7:
                return Message::bytes(bytes());
            case 8:
                return Message::error(text());
            case 9:
                return Message::encoded(bytes());
            case 10: {
                std::string actor = text();
                std::string port = text();
                MessageRef::Stream stream;
                stream.stream_id = below(2) == 0 ? random_() : below(100);
                stream.has_size_hint = below(2) == 0;
                stream.size_hint = stream.has_size_hint ? random_() : 0;
                stream.origin_actor = actor;
                stream.origin_port = port;
                stream.content_type = below(2) == 0 ? "" : "text/plain";
                return Message::stream(stream);
            }
            default:
                return Message::remote(text(), text(), text());
        }
    }

    // `levels` bounds the nesting.
    Message message(unsigned levels) {
        if (levels == 0 || below(3) == 0) return scalar();
        switch (below(plain_only ? 2 : 6)) {
            case 0: {
                ArrayBuilder array;
                for (std::uint64_t i = below(6); i > 0; --i) array.append(message(levels - 1));
                return array.finish().take();
            }
            case 1: {
                ObjectBuilder object;
                for (std::uint64_t i = below(below(10) == 0 ? 30 : 6); i > 0; --i) {
                    object.set(text(), message(levels - 1));
                }
                return object.finish().take();
            }
            case 2:
                return Message::wrap(REFLOW_KIND_EVENT, message(levels - 1)).take();
            case 3:
                return Message::wrap(REFLOW_KIND_ANY, message(levels - 1)).take();
            case 4:
                return Message::wrap(REFLOW_KIND_OPTIONAL,
                                     below(2) == 0 ? Message() : message(levels - 1))
                    .take();
            default:
                return Message::network_event(text(), message(levels - 1)).take();
        }
    }

private:
    std::mt19937_64 random_;
};

}  // namespace reflow::test
