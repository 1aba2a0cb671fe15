// Configurations of peers in TOML: what is read passes the check of its values, is written, and reads back
// equal; what is refused has a place. Thread: one.
#include <cstdint>

#include "base/clock.hpp"
#include "codec_fuzz.hpp"
#include "peer/config.hpp"

namespace {
class Still final : public reflow::Clock {
public:
    [[nodiscard]] std::uint64_t now_ns() const noexcept override { return 1'000'000'000; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return 1'777'889'472'100; }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace reflow;
    fuzz::count_memory();
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Still clock;
    Result<peer::Config> first = peer::read_config(text, "x.toml", clock);
    if (!first.ok()) {
        fuzz::require(!first.error().message.empty(), "no reason");
        return 0;
    }
    fuzz::require(peer::check_config(first.value()).ok(), "read, and wrong");
    String written = peer::write_config(first.value());
    Result<peer::Config> second = peer::read_config(written, "x.toml", clock);
    fuzz::require(second.ok(), "not read again", written);
    fuzz::require(second.value() == first.value(), "reads back differently", written);
    return 0;
}
