// JSON: whatever is read can be written, reads back equal, and is written the same again; reading
// takes memory in proportion to the input; wide registers read what narrow ones do; tagged JSON
// likewise. Thread: one.
#include <cstdint>

#include "codec/json_reader.hpp"
#include "codec_fuzz.hpp"

namespace {

using namespace reflow;
using fuzz::require;

void plain(std::string_view text) {
    std::size_t before = fuzz::counted().now;
    Result<Message> first = codec::read_json(text);
    fuzz::require_bounded(before, text.size());
    codec::JsonReader::Options narrow;
    narrow.narrow = true;
    Result<Message> same = codec::JsonReader(narrow).read(text);
    require(first.ok() == same.ok(), "narrow registers read something else", text);
    require(first.ok() ? equal(first.value(), same.value())
                       : first.error().describe() == same.error().describe(),
            "narrow registers read it differently", text);
    codec::Places places;
    Result<Message> strict = codec::read_json(text, {}, codec::Duplicates::refuse, &places);
    require(first.ok() || !strict.ok(), "strict reading reads more", text);
    if (!first.ok()) {
        require(first.error().line >= 1 && first.error().offset <= text.size(), "no place", text);
        return;
    }
    require(!invalid_utf8(text).has_value(), "text that is not UTF-8 was read", text);
    for (unsigned indent : {0u, 2u}) {
        String written;
        require(codec::write_json(written, first.value(), indent).ok(), "not written", text);
        Result<Message> second = codec::read_json(written);
        require(second.ok(), "does not read back", written);
        require(equal(first.value(), second.value()), "reads back differently", written);
        String again;
        require(codec::write_json(again, second.value(), indent).ok(), "not written", written);
        require(again == written, "is not written the same again", written);
    }
    String tagged;
    require(codec::write_tagged_json(tagged, first.value()).ok(), "not written tagged", text);
    Result<Message> back = codec::read_tagged_json(tagged);
    require(back.ok() && equal(first.value(), back.value()), "tagged: reads back differently",
            tagged);
}

void tagged(std::string_view text) {
    std::size_t before = fuzz::counted().now;
    Result<Message> first = codec::read_tagged_json(text);
    fuzz::require_bounded(before, text.size());
    if (!first.ok()) return;
    String written;
    require(codec::write_tagged_json(written, first.value()).ok(), "tagged: not written", text);
    Result<Message> second = codec::read_tagged_json(written);
    require(second.ok(), "tagged: does not read back", written);
    require(equal(first.value(), second.value()), "tagged: reads back differently", written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view text(reinterpret_cast<const char*>(data), size);
    plain(text);
    tagged(text);
    return 0;
}
