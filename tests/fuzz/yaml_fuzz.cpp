// YAML: whatever is read can be written and reads back equal; reading takes memory in proportion
// to the input (libyaml's own memory is not seen here). Thread: one.
#include <cstdint>

#include "codec/yaml.hpp"
#include "codec_fuzz.hpp"

using namespace reflow;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::size_t before = fuzz::counted().now;
    Result<Message> first = codec::read_yaml(text);
    fuzz::require_bounded(before, size);
    codec::Places places;
    require(codec::read_yaml(text, {}, &places).ok() == first.ok(), "places change the result");
    if (!first.ok()) {
        require(first.error().line >= 1 && first.error().offset <= size, "no place", text);
        return 0;
    }
    String written;
    require(codec::write_yaml(written, first.value()).ok(), "not written", text);
    Result<Message> second = codec::read_yaml(written);
    require(second.ok(), "does not read back", written);
    require(equal(first.value(), second.value()), "reads back differently", written);
    String again;
    require(codec::write_yaml(again, second.value()).ok() && again == written,
            "is not written the same again", written);
    return 0;
}
