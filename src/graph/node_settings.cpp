// Reads what the metadata of a node tells the engine.
// Thread: any.
#include "graph/node_settings.hpp"

#include <algorithm>
#include <iterator>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/place.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view timeout_key = "timeout_ms";
constexpr std::string_view priority_key = "priority";
constexpr std::string_view watchdog_key = "watchdog_ms";
constexpr std::string_view keys[] = {timeout_key, priority_key, watchdog_key};
constexpr std::string_view priorities[] = {"normal", "high", "low"};  // as Priority

Failure wrong(std::string_view path, std::string_view text) {
    return Failure(REFLOW_ERROR_CONFIG, text).path(path);
}

// A time of the object in milliseconds; nothing if it is not there.
Result<std::optional<std::uint64_t>> read_ms(MessageRef firing, std::string_view key,
                                             std::uint64_t most) {
    MessageRef value = firing.get(key);
    if (value.none()) return std::optional<std::uint64_t>();
    bool fits = value.is(REFLOW_KIND_INTEGER) && value.integer() >= 0 &&
                static_cast<std::uint64_t>(value.integer()) <= most;
    if (!fits) {
        return wrong(concat(".firing.", key), concat(key, " is not an integer from 0 to ", most));
    }
    return std::optional<std::uint64_t>(static_cast<std::uint64_t>(value.integer()));
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

Result<void> read_firing(MessageRef firing, NodeSettings& settings) {
    if (firing.none()) return {};
    if (!firing.is(REFLOW_KIND_OBJECT)) {
        return wrong(".firing", "'firing' is not an object such as {\"timeout_ms\": 500}");
    }
    for (std::size_t i = 0; i < firing.size(); ++i) {
        std::string_view key = firing.key_at(i);
        if (std::find(std::begin(keys), std::end(keys), key) != std::end(keys)) continue;
        return wrong(".firing", concat("unknown key '", key, "' in 'firing'"))
            .hint(did_you_mean(key, keys));
    }
    auto timeout = read_ms(firing, timeout_key, limits::timeout_ms);
    if (!timeout.ok()) return timeout.take_error();
    if (timeout.value()) settings.timeout_ns = *timeout.value() * 1'000'000;
    auto watchdog = read_ms(firing, watchdog_key, UINT32_MAX);
    if (!watchdog.ok()) return watchdog.take_error();
    if (watchdog.value()) settings.watchdog_ms = static_cast<std::uint32_t>(*watchdog.value());
    return read_priority(firing.get(priority_key), settings);
}

// {"key": "user.id"}, the only object.
Result<void> read_key(MessageRef from, Distribution& to) {
    MessageRef key = from.get("key");
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (from.key_at(i) == "key") continue;
        return wrong(distribution_path(to.outport),
                     concat("unknown key '", from.key_at(i), "' where only 'key' is known"));
    }
    std::string_view path = key.text();
    std::size_t parts = 1;
    bool empty = path.empty() || path.back() == '.' || path.front() == '.';
    for (std::size_t i = 1; i < path.size(); ++i) {
        parts += path[i] == '.' ? 1u : 0u;
        empty = empty || (path[i] == '.' && path[i - 1] == '.');
    }
    if (!key.is(REFLOW_KIND_STRING) || empty || parts > limits::depth_count) {
        return wrong(concat(distribution_path(to.outport), ".key"),
                     concat("the key is not the name of a field, or a path such as 'user.id' of up "
                            "to ",
                            limits::depth_count, " names"));
    }
    to.how = Distribution::by_key;
    to.key = path;
    return {};
}

Result<void> read_distributions(MessageRef from, NodeSettings& settings) {
    if (from.none()) return {};
    if (!from.is(REFLOW_KIND_OBJECT)) {
        return wrong(".distribute",
                     "'distribute' is not an object such as {\"out\": \"round-robin\"}");
    }
    constexpr std::string_view words[] = {"round-robin", "least-loaded"};
    settings.distributions.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
        Distribution& one = settings.distributions.emplace_back();
        one.outport = from.key_at(i);
        MessageRef how = from.at(i);
        if (how.is(REFLOW_KIND_OBJECT)) {
            if (Result<void> done = read_key(how, one); !done.ok()) return done;
        } else if (how.text() == words[1]) {
            one.how = Distribution::least_loaded;
        } else if (how.text() != words[0]) {
            String found = how.is(REFLOW_KIND_STRING) ? concat("'", how.text(), "'")
                                                      : String(kind_with_article(how));
            return wrong(distribution_path(one.outport),
                         concat("packets are dealt round-robin, least-loaded or by "
                                "{\"key\": \"...\"}, not ",
                                found))
                .hint(did_you_mean(how.text(), words));
        }
    }
    return {};
}

}  // namespace

String distribution_path(std::string_view outport) {
    codec::Path path;
    path.add_key("distribute");
    path.add_key(outport);
    return String(std::string_view(path.text()).substr(1));
}

Result<NodeSettings> read_node_settings(MessageRef metadata) {
    NodeSettings settings;
    if (metadata.size() == 0) return settings;  // most have none
    Result<void> done = read_firing(metadata.get("firing"), settings);
    if (done.ok()) done = read_distributions(metadata.get("distribute"), settings);
    if (!done.ok()) return done.take_error();
    return settings;
}

}  // namespace reflow::graph
