// Fuzz target: an expression is compiled and evaluated. Bytes behind a NUL are its input as JSON.
// What is held: a value or an error with a message, the same each time, and the limits of results.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec_fuzz.hpp"
#include "components/expression.hpp"

namespace {

using namespace reflow;
using namespace reflow::components;

using fuzz::require;

const char* const row = R"({"wind": 4.5, "rain": 0, "date": "2012/01/31", "text": "añ😀",
    "none": null, "yes": true, "temp": {"max": 12.8}, "days": [10, 20, 30],
    "big": 9223372036854775807, "mixed": [1, "a", null, {"b": []}]})";

Message read(std::string_view json) {
    codec::ReadLimits limits;
    limits.bytes = 1 << 16;
    Result<Message> message = codec::read_json(json, limits);
    return message.ok() ? std::move(message).take() : Message::null();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view all(reinterpret_cast<const char*>(data), size);
    std::size_t end = all.find('\0');
    std::string_view text = all.substr(0, end);
    Message input = end == all.npos ? read(row) : read(all.substr(end + 1));
    Message config = read(R"({"limit": 9, "names": ["a", "b"]})");
    Result<Expression> compiled = Expression::compile(text, {config}, "fuzz");
    if (!compiled.ok()) {
        require(!compiled.error().message.empty(), "an error without a message", text);
        return 0;
    }
    Result<Message> first = compiled.value().evaluate({input});
    Result<Message> second = compiled.value().evaluate({input});
    require(first.ok() == second.ok(), "another outcome the second time", text);
    if (!first.ok()) {
        require(!first.error().message.empty(), "a failure without a message", text);
        require(first.error().message == second.error().message, "another failure", text);
        return 0;
    }
    const Message& value = first.value();
    require(!value.none() && equal(value, second.value()), "another value", text);
    // A text of the input is shorter than the limit as well.
    require(value.text().size() <= expression_limits::result_bytes, "too long a text", text);
    return 0;
}
