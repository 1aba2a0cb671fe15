// Reads what the metadata of a node tells the engine.
// Thread: any.
#include "graph/node_settings.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view timeout_key = "timeout_ms";

Failure wrong(std::string_view path, String text) {
    return Failure(REFLOW_ERROR_CONFIG, text).path(path);
}

}  // namespace

Result<NodeSettings> read_node_settings(MessageRef metadata) {
    NodeSettings settings;
    MessageRef firing = metadata.get("firing");
    if (firing.none()) return settings;
    if (!firing.is(REFLOW_KIND_OBJECT)) {
        return wrong(".firing", "'firing' is not an object such as {\"timeout_ms\": 500}");
    }
    for (std::size_t i = 0; i < firing.size(); ++i) {
        std::string_view key = firing.key_at(i);
        if (key == timeout_key) continue;
        constexpr std::string_view known[] = {timeout_key};
        return wrong(".firing", concat("unknown key '", key, "' in 'firing'"))
            .hint(did_you_mean(key, known));
    }
    MessageRef timeout = firing.get(timeout_key);
    if (timeout.none()) return settings;
    bool fits = timeout.is(REFLOW_KIND_INTEGER) && timeout.integer() >= 0 &&
                static_cast<std::uint64_t>(timeout.integer()) <= limits::timeout_ms;
    if (!fits) {
        return wrong(".firing.timeout_ms",
                     concat("timeout_ms is not an integer from 0 to ", limits::timeout_ms));
    }
    settings.timeout_ns = static_cast<std::uint64_t>(timeout.integer()) * 1'000'000;
    return settings;
}

}  // namespace reflow::graph
