// Reads what the metadata of a node tells the engine.
// Thread: any.
#include "graph/node_settings.hpp"

#include <algorithm>
#include <iterator>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view timeout_key = "timeout_ms";
constexpr std::string_view priority_key = "priority";
constexpr std::string_view keys[] = {timeout_key, priority_key};
constexpr std::string_view priorities[] = {"normal", "high", "low"};  // as Priority

Failure wrong(std::string_view path, String text) {
    return Failure(REFLOW_ERROR_CONFIG, text).path(path);
}

Result<void> read_timeout(MessageRef timeout, NodeSettings& to) {
    if (timeout.none()) return {};
    bool fits = timeout.is(REFLOW_KIND_INTEGER) && timeout.integer() >= 0 &&
                static_cast<std::uint64_t>(timeout.integer()) <= limits::timeout_ms;
    if (!fits) {
        return wrong(".firing.timeout_ms",
                     concat("timeout_ms is not an integer from 0 to ", limits::timeout_ms));
    }
    to.timeout_ns = static_cast<std::uint64_t>(timeout.integer()) * 1'000'000;
    return {};
}

Result<void> read_priority(MessageRef priority, NodeSettings& to) {
    if (priority.none()) return {};
    const auto* found = std::find(std::begin(priorities), std::end(priorities), priority.text());
    if (!priority.is(REFLOW_KIND_STRING) || found == std::end(priorities)) {
        return wrong(".firing.priority", "priority is not \"high\", \"normal\" or \"low\"")
            .hint(did_you_mean(priority.text(), priorities));
    }
    to.priority = static_cast<Priority>(found - std::begin(priorities));
    return {};
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
        if (std::find(std::begin(keys), std::end(keys), key) != std::end(keys)) continue;
        return wrong(".firing", concat("unknown key '", key, "' in 'firing'"))
            .hint(did_you_mean(key, keys));
    }
    Result<void> fine = read_timeout(firing.get(timeout_key), settings);
    if (fine.ok()) fine = read_priority(firing.get(priority_key), settings);
    if (!fine.ok()) return fine.take_error();
    return settings;
}

}  // namespace reflow::graph
