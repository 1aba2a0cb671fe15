// Writes the configuration of a peer as TOML.
// Thread: any.
#include <algorithm>

#include "base/text.hpp"
#include "peer/config_fields.hpp"
#include "peer/toml.hpp"

namespace reflow::peer {
namespace {

bool bare(std::string_view key) noexcept {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

void write(String& to, std::uint64_t value) { append(to, value); }
void write(String& to, std::uint16_t value) { append(to, value); }
void write(String& to, double value) { append(to, value); }
void write(String& to, bool value) { to += value ? "true" : "false"; }
void write(String& to, const String& value) { write_toml_string(to, value); }
void write(String& to, const Vector<String>& value) {
    to += '[';
    for (const String& element : value) {
        if (to.back() != '[') to += ", ";
        write_toml_string(to, element);
    }
    to += ']';
}

void write_key(String& to, std::string_view key) {
    if (bare(key)) {
        to += key;
    } else {
        write_toml_string(to, key);
    }
    to += " = ";
}

template <typename Value>
void write_pair(String& to, std::string_view key, const Value& value) {
    write_key(to, key);
    write(to, value);
    to += '\n';
}

// Not inline: gcc would warn of padding read where a struct has no member of one of the types.
template <typename T, typename Member>
[[gnu::noinline]] void write_field(String& to, const Field<T>& field, Member T::*member,
                                   const T& from, const T& fresh) {
    if (!field.required && from.*member == fresh.*member) return;
    write_pair(to, field.key, from.*member);
}

// Those that are required or differ from a fresh one.
template <typename T, std::size_t N>
void write_fields(String& to, const std::array<Field<T>, N>& fields, const T& from) {
    const T fresh{};
    for (const Field<T>& field : fields) {
        std::visit([&](auto member) { write_field(to, field, member, from, fresh); }, field.member);
    }
}

void begin_table(String& to, std::string_view name) { append(to, concat("\n[", name, "]\n")); }

void write_remote_actor(String& to, const RemoteActorConfig& actor) {
    to += "\n[[remote_actor]]\n";
    write_fields(to, remote_actor_fields, actor);
    auto word = [&](std::string_view key, std::span<const std::string_view> words, auto value) {
        write_key(to, key);
        write_toml_string(to, words[static_cast<std::size_t>(value)]);
        to += '\n';
    };
    if (actor.strategy) word("strategy", strategy_words(), *actor.strategy);
    if (actor.delivery != Delivery::at_most_once) {
        word("delivery", delivery_words(), actor.delivery);
    }
    if (actor.outbox_policy != OutboxPolicy::block) {
        word("outbox_policy", outbox_policy_words(), actor.outbox_policy);
    }
}

void write_duration(String& to, std::string_view key, const DurationConfig& value) {
    append(to, concat(key, " = { secs = ", value.secs, ", nanos = ", value.nanos, " }\n"));
}

void write_local_network(String& to, const LocalNetworkConfig& local) {
    const LocalNetworkConfig fresh{};
    if (local.compression != fresh.compression) {
        begin_table(to, "local_network_config.compression");
        write_fields(to, local_compression_fields, local.compression);
        if (local.compression.type_strategies != fresh.compression.type_strategies) {
            begin_table(to, "local_network_config.compression.type_strategies");
            for (const auto& [kind, strategy] : local.compression.type_strategies) {
                write_pair(to, kind, strategy);
            }
        }
    }
    if (local.tracing == fresh.tracing) return;
    begin_table(to, "local_network_config.tracing");
    write_fields(to, tracing_fields, local.tracing);
    write_duration(to, "batch_timeout", local.tracing.batch_timeout);
    const TraceRetryConfig& retry = local.tracing.retry_config;
    if (retry == fresh.tracing.retry_config) return;
    begin_table(to, "local_network_config.tracing.retry_config");
    write_fields(to, trace_retry_fields, retry);
    write_duration(to, "initial_delay", retry.initial_delay);
    write_duration(to, "max_delay", retry.max_delay);
}

}  // namespace

String write_config(const Config& config) {
    String to;
    write_fields(to, config_fields, config);
    if (config.tls != TlsConfig()) {
        begin_table(to, "tls");
        write_fields(to, tls_fields, config.tls);
    }
    write_local_network(to, config.local_network_config);
    for (const ConnectConfig& connect : config.connect) {
        to += "\n[[connect]]\n";
        write_fields(to, connect_fields, connect);
    }
    for (const RemoteActorConfig& actor : config.remote_actors) write_remote_actor(to, actor);
    return to;
}

}  // namespace reflow::peer
