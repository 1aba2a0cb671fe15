// What remote actors are called in the local graph: actor@network, and the aliases that the
// strategies against name conflicts give.
// Neighbours: config, the bridge. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace reflow::peer {

// What alias a remote actor gets, shown for `mixer` of `studio`.
enum class NameStrategy : std::uint8_t {
    auto_alias,       // studio_mixer, if that is taken studio_mixer_2, studio_mixer_3 ...
    network_prefix,   // studio_mixer
    fully_qualified,  // studio::mixer
    manual_alias,     // the text that the caller gives
    fail,             // mixer
};

// The words of a configuration, in the order of the enum.
[[nodiscard]] std::span<const std::string_view> strategy_words() noexcept;

// What a name stands for already.
enum class NameUse : std::uint8_t { free, local_actor, remote_actor, alias };

// Tells of each name whether it is free.
using NameLookup = std::function<NameUse(std::string_view name)>;

struct RemoteName {
    String actor_id;
    String network_id;

    bool operator==(const RemoteName&) const = default;
    // actor@network.
    [[nodiscard]] String text() const;
};

// Whether the text is meant as actor@network.
[[nodiscard]] bool is_remote_name(std::string_view text) noexcept;
// Split at the last '@', since an actor of a graph may have one in its id and a network has none.
// REFLOW_ERROR_INVALID_ARGUMENT, naming what is missing.
[[nodiscard]] Result<RemoteName> parse_remote_name(std::string_view text);

// A network: 1 to limits::name_bytes bytes of UTF-8 without control characters and without '@'.
// `what` begins the message: "network_id". REFLOW_ERROR_INVALID_ARGUMENT.
[[nodiscard]] Result<void> check_network_id(std::string_view id, std::string_view what);
// An actor or an instance: the same, but with '@'.
[[nodiscard]] Result<void> check_id(std::string_view id, std::string_view what);
// An alias: the same without '@', which would make it a remote name, and without '/', which stands
// between a subgraph and its nodes. "invalid alias ...".
[[nodiscard]] Result<void> check_alias(std::string_view alias);

// The alias of an actor. `manual` is that of manual_alias and is not looked at otherwise.
// REFLOW_ERROR_ALREADY_EXISTS "name conflict: ..."; REFLOW_ERROR_INVALID_ARGUMENT for names and an
// alias that are none; REFLOW_ERROR_LIMIT "maximum retries exceeded ...".
[[nodiscard]] Result<String> choose_alias(const RemoteName& actor, NameStrategy strategy,
                                          std::string_view manual, const NameLookup& lookup);
[[nodiscard]] Failure name_conflict(const RemoteName& actor, std::string_view name, NameUse use);

}  // namespace reflow::peer
