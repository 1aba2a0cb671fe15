// Greetings of peers and frames of the original, which are JSON texts: whatever is read can be written and
// reads back the same; what is refused has a reason. Thread: one.
#include <cstdint>

#include "codec_fuzz.hpp"
#include "peer/frame.hpp"
#include "peer/greeting.hpp"

namespace {

using namespace reflow;
using fuzz::require;

// What is read is written and read again: from then on it stays as ours writes it.
template <typename Read, typename Write>
void there_and_back(std::string_view text, Read read, Write write) {
    auto first = read(text);
    if (!first.ok()) return require(!first.error().message.empty(), "no reason");
    String written = write(first.value());
    auto second = read(written);
    require(second.ok(), "not read again", written);
    require(write(second.value()) == written, "is not written the same again", written);
}

void old_frames(std::string_view text) {
    auto first = peer::read_old(text);
    if (!first.ok()) return require(!first.error().message.empty(), "no reason");
    auto written = peer::write_old(first.value());
    if (!written.ok()) return;  // it has something that plain JSON has no word for
    auto second = peer::read_old(written.value());
    require(second.ok(), "not read again", written.value());
    auto again = peer::write_old(second.value());
    require(again.ok() && again.value() == written.value(), "is not written the same again",
            written.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view text(reinterpret_cast<const char*>(data), size);
    there_and_back(text, peer::read_hello, peer::write_hello);
    there_and_back(text, peer::read_welcome, peer::write_welcome);
    there_and_back(text, peer::read_proof,
                   [](const String& proof) { return peer::write_proof(proof); });
    there_and_back(text, peer::read_verdict, [](const std::optional<String>& error) {
        return peer::write_verdict(error ? std::optional<std::string_view>(*error) : std::nullopt);
    });
    old_frames(text);
    return 0;
}
