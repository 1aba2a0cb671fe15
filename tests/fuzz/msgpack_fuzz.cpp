// MessagePack: whatever is read can be written, reads back equal, and is written the same again;
// reading takes memory in proportion to the input; every other codec takes the message too.
// Thread: one.
#include <cstdint>

#include "codec/msgpack.hpp"
#include "codec/yaml.hpp"
#include "codec_fuzz.hpp"

namespace {

using namespace reflow;
using fuzz::require;

// Plain forms lose kinds, and an encoded message may be none; all else is written.
void plain_forms(MessageRef message) {
    String json;
    Result<void> written = codec::write_json(json, message);
    if (!written.ok()) {
        bool known = written.error().status == REFLOW_ERROR_PARSE ||
                     written.error().status == REFLOW_ERROR_LIMIT;
        require(known, "no JSON");
    }
    String yaml;
    require(codec::write_yaml(yaml, message).ok() == written.ok(), "YAML differs from JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::size_t before = fuzz::counted().now;
    Result<Message> first = codec::read_msgpack(bytes);
    fuzz::require_bounded(before, size);
    Result<Message> strict = codec::read_msgpack(bytes, {}, codec::Duplicates::refuse);
    require(first.ok() || !strict.ok(), "strict reading reads more");
    if (!first.ok()) {
        require(first.error().offset <= size, "an offset behind the end");
        return 0;
    }
    String written;
    require(codec::write_msgpack(written, first.value()).ok(), "not written");
    Result<Message> second = codec::read_msgpack(written);
    require(second.ok() && equal(first.value(), second.value()), "reads back differently");
    String again;
    require(codec::write_msgpack(again, second.value()).ok() && again == written,
            "is not written the same again");
    String tagged;
    require(codec::write_tagged_json(tagged, first.value()).ok(), "not written as tagged JSON");
    Result<Message> back = codec::read_tagged_json(tagged);
    require(back.ok() && equal(first.value(), back.value()), "tagged: reads back differently",
            tagged);
    plain_forms(first.value());
    return 0;
}
