// Checks what the values of a configuration mean: ids, endpoints, ranges, and what goes together.
// Thread: any.
#include <algorithm>
#include <functional>
#include <set>

#include "base/text.hpp"
#include "codec/place.hpp"
#include "peer/config_fields.hpp"
#include "peer/endpoints.hpp"

namespace reflow::peer {
namespace {

using Checked = Result<void>;
using TextSet = std::set<std::string_view, std::less<>, Allocator<std::string_view>>;

Failure wrong(std::string_view path, std::string_view message, std::string_view hint = {}) {
    return Failure(REFLOW_ERROR_CONFIG, message).hint(hint).path(path);
}

// An error of another check, as one of the configuration at a path.
Checked at(Checked checked, std::string_view path) {
    if (checked.ok()) return checked;
    return wrong(path, checked.error().message, checked.error().hint);
}
template <typename T>
Checked at(Result<T> result, std::string_view path) {
    if (result.ok()) return {};
    return wrong(path, result.error().message, result.error().hint);
}

String element(std::string_view list, std::size_t index) {
    return concat("$.", list, "[", index, "]");
}

// Numbers of a struct are in their ranges.
template <typename T, std::size_t N>
Checked check_ranges(const std::array<Field<T>, N>& fields, const T& from, std::string_view path) {
    for (const Field<T>& field : fields) {
        auto out_of_range = [&](auto value) -> Checked {
            return wrong(concat(path, ".", field.key), concat("expected ", field.low, " to ",
                                                              field.high, ", found ", value));
        };
        if (auto* integer = std::get_if<std::uint64_t T::*>(&field.member)) {
            std::uint64_t value = from.**integer;
            if (value < field.low || value > field.high) return out_of_range(value);
        } else if (auto* real = std::get_if<double T::*>(&field.member)) {
            double value = from.**real;
            bool fits = value >= static_cast<double>(field.low) &&
                        value <= static_cast<double>(field.high);  // false for NaN
            if (!fits) return out_of_range(value);
        }
    }
    return {};
}

Checked check_list(const Vector<String>& list, std::string_view path, std::size_t most,
                   Checked (*check)(std::string_view)) {
    if (list.size() > most) {
        return wrong(path, concat(list.size(), " elements; at most ", most, " are allowed"));
    }
    TextSet seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
        String place = concat(path, "[", i, "]");
        if (Checked good = at(check(list[i]), place); !good.ok()) return good;
        if (!seen.insert(list[i]).second) {
            return wrong(place, concat("'", codec::show_text(list[i]), "' is there twice"));
        }
    }
    return {};
}

Checked check_capability(std::string_view text) { return check_id(text, "a capability"); }
Checked check_allowed(std::string_view text) { return check_network_id(text, "a network"); }
// As browsers write them: scheme, host, and a port unless it is the usual one.
Checked check_origin(std::string_view text) {
    if (text == "*") return {};
    std::size_t mark = text.find("://");
    std::string_view rest = mark == std::string_view::npos ? "" : text.substr(mark + 3);
    bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (mark != 0 && !rest.empty() && plain && rest.find('/') == std::string_view::npos) return {};
    return Failure(REFLOW_ERROR_CONFIG,
                   concat("'", codec::show_text(text), "' is no origin, such as https://example.org"));
}

// A token goes in a header or a JSON text; empty is none.
Checked check_secret(const String& secret, std::string_view key) {
    String path = concat("$.", key);
    if (secret.size() > limits::secret_bytes) {
        return wrong(path, concat("'", key, "' has ", secret.size(), " bytes; at most ",
                                  limits::secret_bytes, " are allowed"));
    }
    bool control = std::any_of(secret.begin(), secret.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (control) return wrong(path, concat("'", key, "' holds a control character"));
    if (auto bad = invalid_utf8(secret)) {
        return wrong(path, concat("'", key, "' is not UTF-8 at its byte ", *bad));
    }
    return {};
}

Checked check_addresses(const Config& config) {
    if (Checked good = check_host(config.bind_address); !good.ok()) {
        return at(std::move(good), "$.bind_address");
    }
    if (config.advertise_address.empty()) return {};
    Result<Url> url = parse_url(config.advertise_address);
    constexpr std::string_view path = "$.advertise_address";
    if (!url.ok()) return at(std::move(url), path);
    if (url.value().host == "0.0.0.0" || url.value().host == "::") {
        return wrong(path, "nobody can reach a wildcard address");
    }
    if (!is_peer_scheme(url.value().scheme)) {
        return wrong(path, "its scheme is not ws, wss, tcp or tls");
    }
    return {};
}

Checked check_tls(const TlsConfig& tls) {
    for (const auto& [key, file] : {std::pair{"certificate_file", &tls.certificate_file},
                                    std::pair{"key_file", &tls.key_file},
                                    std::pair{"ca_file", &tls.ca_file}}) {
        if (file->find('\0') != String::npos) {
            return wrong(concat("$.tls.", key), "a file name holds a NUL");
        }
    }
    if (tls.certificate_file.empty() == tls.key_file.empty()) return {};
    return wrong("$.tls", "certificate_file and key_file go together");
}

Checked check_connects(const Config& config) {
    TextSet seen;
    for (std::size_t i = 0; i < config.connect.size(); ++i) {
        const String& endpoint = config.connect[i].endpoint;
        String path = concat(element("connect", i), ".endpoint");
        if (Checked good = at(check_peer_endpoint(endpoint), path); !good.ok()) return good;
        if (!seen.insert(endpoint).second) {
            return wrong(path, concat("'", endpoint, "' is there twice"));
        }
    }
    return {};
}

Checked check_remote_alias(const RemoteActorConfig& actor, const String& path) {
    bool manual = actor.strategy == NameStrategy::manual_alias;
    if (manual && actor.alias.empty()) {
        return wrong(path, "the strategy 'manual_alias' needs the key 'alias'");
    }
    if (actor.alias.empty()) return {};
    if (!manual) {
        return wrong(concat(path, ".alias"), "only the strategy 'manual_alias' takes an alias");
    }
    return at(check_alias(actor.alias), concat(path, ".alias"));
}

Checked check_remote_actor(const Config& config, const RemoteActorConfig& actor,
                           const String& path) {
    auto first = [](Checked a, Checked b) { return a.ok() ? std::move(b) : std::move(a); };
    Checked ids = first(at(check_id(actor.actor_id, "actor_id"), concat(path, ".actor_id")),
                        at(check_network_id(actor.network_id, "network_id"),
                           concat(path, ".network_id")));
    if (!ids.ok()) return ids;
    if (actor.network_id == config.network_id) {
        return wrong(concat(path, ".network_id"),
                     concat("'", actor.network_id, "' is this network itself"));
    }
    if (Checked good = check_remote_alias(actor, path); !good.ok()) return good;
    if (Checked good = check_ranges(remote_actor_fields, actor, path); !good.ok()) return good;
    return check_list(actor.capabilities, concat(path, ".capabilities"),
                      limits::capabilities_count, check_capability);
}

Checked check_remote_actors(const Config& config) {
    TextSet aliases;
    Map<String, std::size_t> seen;
    for (std::size_t i = 0; i < config.remote_actors.size(); ++i) {
        const RemoteActorConfig& actor = config.remote_actors[i];
        String path = element("remote_actor", i);
        Checked good = check_remote_actor(config, actor, path);
        if (!good.ok()) return good;
        // A network has no '@', so no two actors have the same text.
        String name = RemoteName{actor.actor_id, actor.network_id}.text();
        if (!seen.try_emplace(name, i).second) return wrong(path, concat(name, " is there twice"));
        if (!actor.alias.empty() && !aliases.insert(actor.alias).second) {
            return wrong(concat(path, ".alias"),
                         concat("name conflict: '", actor.alias, "' is there twice"));
        }
    }
    return {};
}

Checked check_local_network(const LocalNetworkConfig& local) {
    constexpr std::string_view tracing = "$.local_network_config.tracing";
    constexpr std::string_view compression = "$.local_network_config.compression";
    const TraceRetryConfig& retry = local.tracing.retry_config;
    String retry_path = concat(tracing, ".retry_config");
    Checked checks[] = {
        check_ranges(local_compression_fields, local.compression, compression),
        check_ranges(tracing_fields, local.tracing, tracing),
        at(parse_url(local.tracing.server_url), concat(tracing, ".server_url")),
        check_ranges(duration_fields, local.tracing.batch_timeout,
                     concat(tracing, ".batch_timeout")),
        check_ranges(trace_retry_fields, retry, retry_path),
        check_ranges(duration_fields, retry.initial_delay, concat(retry_path, ".initial_delay")),
        check_ranges(duration_fields, retry.max_delay, concat(retry_path, ".max_delay")),
    };
    for (Checked& check : checks) {
        if (!check.ok()) return std::move(check);
    }
    return {};
}

}  // namespace

Result<void> check_config(const Config& config) {
    // In order, and no further than the first problem.
    const std::function<Checked()> checks[] = {
        [&] { return at(check_network_id(config.network_id, "network_id"), "$.network_id"); },
        [&] { return at(check_id(config.instance_id, "instance_id"), "$.instance_id"); },
        [&] { return check_ranges(config_fields, config, "$"); },
        [&] { return check_addresses(config); },
        [&] { return check_secret(config.auth_token, "auth_token"); },
        [&] { return check_secret(config.discovery_token, "discovery_token"); },
        [&] {
            return check_list(config.discovery_endpoints, "$.discovery_endpoints",
                              limits::discovery_servers_count, check_discovery_endpoint);
        },
        [&] {
            return check_list(config.allowed_networks, "$.allowed_networks",
                              limits::remote_actors_count, check_allowed);
        },
        [&] {
            return check_list(config.allowed_origins, "$.allowed_origins",
                              limits::remote_actors_count, check_origin);
        },
        [&] {
            return check_list(config.capabilities, "$.capabilities", limits::capabilities_count,
                              check_capability);
        },
        [&]() -> Checked {
            if (config.reconnect_first_ms <= config.reconnect_most_ms) return {};
            return wrong("$.reconnect_first_ms",
                         concat("reconnect_first_ms is ", config.reconnect_first_ms,
                                ", more than reconnect_most_ms, which is ",
                                config.reconnect_most_ms));
        },
        [&]() -> Checked {
            if (config.instances == "round_robin" || config.instances == "failover") return {};
            return wrong("$.instances", concat("'", config.instances,
                                               "' is neither 'round_robin' nor 'failover'"));
        },
        [&] { return check_tls(config.tls); },
        [&] { return check_connects(config); },
        [&] { return check_remote_actors(config); },
        [&] { return check_local_network(config.local_network_config); },
    };
    for (const auto& check : checks) {
        if (Checked checked = check(); !checked.ok()) return checked;
    }
    return {};
}

}  // namespace reflow::peer
