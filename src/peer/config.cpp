// Reads the configuration of a peer from TOML: types and keys. What values mean is looked at by
// config_check.cpp.
// Thread: any.
#include "peer/config.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "codec/place.hpp"
#include "message/kind_words.hpp"
#include "peer/config_fields.hpp"
#include "peer/toml.hpp"

namespace reflow::peer {
namespace {

constexpr std::string_view deliveries[] = {"at_most_once", "at_least_once"};
constexpr std::string_view policies[] = {"block", "drop_oldest", "fail"};

// "'a', 'b' or 'c'"
String join(std::span<const std::string_view> names) {
    String out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
        append(out, concat("'", names[i], "'"));
    }
    return out;
}

// Where the first problem is kept. The place is looked up at the end, by its path.
struct Report {
    std::unique_ptr<Error> error;
    bool at_key = false;  // it stands at the key and not at the value
};

// A table of the document, read key by key. After a problem nothing more is told.
class Table {
public:
    Table(MessageRef value, codec::Path path, Report& report)
        : value_(value), path_(std::move(path)), report_(&report) {}

    [[nodiscard]] bool ok() const noexcept { return report_->error == nullptr; }
    [[nodiscard]] bool has(std::string_view key) const noexcept { return value_.has(key); }
    [[nodiscard]] MessageRef get(std::string_view key) const noexcept { return value_.get(key); }

    void fail(std::string_view path, std::string_view message, std::string_view hint = {}) {
        if (!ok()) return;
        report_->error = Failure(REFLOW_ERROR_CONFIG, message).hint(hint).path(path).take();
    }
    void expected(std::string_view path, std::string_view what, MessageRef found) {
        std::string_view kind =
            found.is(REFLOW_KIND_OBJECT) ? "a table" : kind_with_article(found);
        fail(path, concat("expected ", what, ", found ", kind));
    }
    [[nodiscard]] String path(std::string_view key) const {
        codec::Path path = path_;
        path.add_key(key);
        return path.text();
    }
    [[nodiscard]] const String& path() const noexcept { return path_.text(); }

    // The keys of `fields` and those of `more`, and no others; then the values of `fields`. not_needed: a key that is
    // required else.
    template <typename T, std::size_t N>
    void read(const std::array<Field<T>, N>& fields, std::initializer_list<std::string_view> more,
              T& to, std::string_view not_needed = {}) {
        Vector<std::string_view> known(more);
        for (const Field<T>& field : fields) known.push_back(field.key);
        only(known);
        for (const Field<T>& field : fields) {
            MessageRef found = value_.get(field.key);
            if (found.none()) {
                if (field.required && field.key != not_needed) {
                    fail(path(), concat("missing key '", field.key, "'"), field.hint);
                }
                continue;
            }
            std::visit([&](auto member) { value(field.key, found, field.low, field.high,
                                                to.*member); },
                       field.member);
            // An empty token would be none, and an empty name is never one.
            if (found.is(REFLOW_KIND_STRING) && found.text().empty()) {
                fail(path(field.key), concat("'", field.key, "' is empty"),
                     field.required ? "" : "leave it out");
            }
        }
    }

    void only(std::span<const std::string_view> known) {
        for (std::size_t i = 0; i < value_.size() && ok(); ++i) {
            std::string_view key = value_.key_at(i);
            if (std::find(known.begin(), known.end(), key) != known.end()) continue;
            fail(path(key), concat("unknown key '", codec::show_text(key), "'"),
                 did_you_mean(key, known));
            report_->at_key = true;
        }
    }

    // The table of a key; an empty one if there is none.
    [[nodiscard]] Table table(std::string_view key) {
        MessageRef found = value_.get(key);
        codec::Path inner = path_;
        inner.add_key(key);
        if (!found.none() && !found.is(REFLOW_KIND_OBJECT)) {
            expected(inner.text(), "a table", found);
            found = MessageRef();
        }
        return {found, std::move(inner), *report_};
    }

    // Those of an array of tables: [[key]].
    [[nodiscard]] Vector<Table> tables(std::string_view key, std::size_t most) {
        Vector<Table> all;
        MessageRef found = value_.get(key);
        if (found.none()) return all;
        if (!found.is(REFLOW_KIND_ARRAY)) {
            expected(path(key), concat("an array of tables, [[", key, "]]"), found);
            return all;
        }
        if (found.size() > most) {
            fail(path(key), concat("[[", key, "]] stands there ", found.size(), " times; at most ",
                                   most, " are allowed"));
            return all;
        }
        for (std::size_t i = 0; i < found.size() && ok(); ++i) {
            codec::Path inner = path_;
            inner.add_key(key);
            inner.add_index(i);
            if (!found.at(i).is(REFLOW_KIND_OBJECT)) {
                expected(inner.text(), "a table", found.at(i));
                break;
            }
            all.push_back(Table(found.at(i), std::move(inner), *report_));
        }
        return all;
    }

    template <typename Enum>
    void choice(std::string_view key, std::span<const std::string_view> words, Enum& to) {
        MessageRef found = value_.get(key);
        if (found.none()) return;
        if (!found.is(REFLOW_KIND_STRING)) return expected(path(key), join(words), found);
        auto at = std::find(words.begin(), words.end(), found.text());
        if (at == words.end()) {
            return fail(path(key),
                        concat("expected ", join(words), ", found '",
                               codec::show_text(found.text()), "'"),
                        did_you_mean(found.text(), words));
        }
        to = static_cast<Enum>(at - words.begin());
    }

private:
    void value(std::string_view key, MessageRef found, std::uint64_t low, std::uint64_t high,
               std::uint64_t& to) {
        if (!found.is(REFLOW_KIND_INTEGER)) return expected(path(key), "an integer", found);
        bool fits = found.integer() >= 0 && static_cast<std::uint64_t>(found.integer()) >= low &&
                    static_cast<std::uint64_t>(found.integer()) <= high;
        if (!fits) {
            return fail(path(key), concat("expected an integer from ", low, " to ", high,
                                          ", found ", found.integer()));
        }
        to = static_cast<std::uint64_t>(found.integer());
    }
    void value(std::string_view key, MessageRef found, std::uint64_t low, std::uint64_t high,
               std::uint16_t& to) {
        std::uint64_t wide = to;
        value(key, found, low, high, wide);
        to = static_cast<std::uint16_t>(wide);
    }
    void value(std::string_view key, MessageRef found, std::uint64_t, std::uint64_t, double& to) {
        if (!found.number()) return expected(path(key), "a number", found);
        to = found.real();
    }
    void value(std::string_view key, MessageRef found, std::uint64_t, std::uint64_t, bool& to) {
        if (!found.is(REFLOW_KIND_BOOLEAN)) return expected(path(key), "true or false", found);
        to = found.boolean();
    }
    void value(std::string_view key, MessageRef found, std::uint64_t, std::uint64_t, String& to) {
        if (!found.is(REFLOW_KIND_STRING)) return expected(path(key), "a string", found);
        to = found.text();
    }
    void value(std::string_view key, MessageRef found, std::uint64_t, std::uint64_t,
               Vector<String>& to) {
        if (!found.is(REFLOW_KIND_ARRAY)) {
            return expected(path(key), "an array of strings", found);
        }
        to.clear();
        for (std::size_t i = 0; i < found.size(); ++i) {
            MessageRef element = found.at(i);
            if (!element.is(REFLOW_KIND_STRING)) {
                return expected(concat(path(key), "[", i, "]"), "a string", element);
            }
            to.emplace_back(element.text());
        }
    }

    MessageRef value_;
    codec::Path path_;
    Report* report_;
};

void read_remote_actor(Table table, RemoteActorConfig& to) {
    table.read(remote_actor_fields, {"strategy", "delivery", "outbox_policy"}, to);
    // An alias says what is meant.
    NameStrategy strategy = NameStrategy::manual_alias;
    table.choice("strategy", strategy_words(), strategy);
    if (table.has("strategy") || table.has("alias")) to.strategy = strategy;
    table.choice("delivery", deliveries, to.delivery);
    table.choice("outbox_policy", policies, to.outbox_policy);
}

void read_duration(Table table, std::string_view key, DurationConfig& to) {
    if (table.has(key)) table.table(key).read(duration_fields, {}, to);
}

void read_strategies(Table table, Map<String, String>& to) {
    constexpr std::string_view key = "type_strategies";
    if (!table.has(key)) return;
    Table inner = table.table(key);
    to.clear();
    MessageRef object = table.get(key);
    for (std::size_t i = 0; i < object.size() && inner.ok(); ++i) {
        std::string_view kind = object.key_at(i);
        std::size_t word = 0;
        inner.choice(kind, type_strategy_words, word);
        to[String(kind)] = type_strategy_words[word];
    }
}

void read_local_network(Table table, LocalNetworkConfig& to) {
    constexpr std::string_view known[] = {"compression", "tracing"};
    table.only(known);
    Table compression = table.table("compression");
    compression.read(local_compression_fields, {"type_strategies"}, to.compression);
    read_strategies(compression, to.compression.type_strategies);
    Table tracing = table.table("tracing");
    tracing.read(tracing_fields, {"batch_timeout", "retry_config"}, to.tracing);
    read_duration(tracing, "batch_timeout", to.tracing.batch_timeout);
    Table retry = tracing.table("retry_config");
    retry.read(trace_retry_fields, {"initial_delay", "max_delay"}, to.tracing.retry_config);
    read_duration(retry, "initial_delay", to.tracing.retry_config.initial_delay);
    read_duration(retry, "max_delay", to.tracing.retry_config.max_delay);
}

void read_tables(Table root, bool listens, Config& to) {
    const MessageRef listen = root.get("listen");
    const bool dials = !listens || (listen.is(REFLOW_KIND_BOOLEAN) && !listen.boolean());
    root.read(config_fields, {"connect", "remote_actor", "tls", "local_network_config"}, to,
              dials ? "bind_port" : "");
    to.listen = !dials;
    for (Table& table : root.tables("connect", limits::peer_connects_count)) {
        table.read(connect_fields, {}, to.connect.emplace_back());
    }
    for (Table& table : root.tables("remote_actor", limits::remote_actors_count)) {
        read_remote_actor(table, to.remote_actors.emplace_back());
    }
    root.table("tls").read(tls_fields, {}, to.tls);
    read_local_network(root.table("local_network_config"), to.local_network_config);
}

// The place of a path; of what is around it if the path itself is not in the text.
void locate(Error& error, const TomlDocument& document, bool at_key) {
    auto find = [](const codec::Places& places, std::string_view path) {
        auto found = places.find(path);
        return found == places.end() ? nullptr : &found->second;
    };
    std::string_view path = error.path;
    const codec::TextPlace* place = at_key ? find(document.keys, path) : nullptr;
    while (place == nullptr && !path.empty()) {
        place = find(document.values, path);
        path = path.substr(0, std::min(path.find_last_of(".["), path.size() - 1));
    }
    if (place == nullptr) return;
    error.line = place->line;
    error.column = place->column;
    error.offset = place->offset;
    error.has_offset = true;
}

}  // namespace

Result<Config> read_config(std::string_view toml, std::string_view file_name, const Clock& clock,
                           bool listens) {
    Result<TomlDocument> document = read_toml(toml);
    if (!document.ok()) {
        document.error().file = file_name;
        return document.take_error();
    }
    Config config;
    Report report;
    read_tables(Table(document.value().value, codec::Path(), report), listens, config);
    if (config.instance_id.empty()) config.instance_id = default_instance_id(clock);
    if (report.error == nullptr) report.error = check_config(config).take_error();
    if (report.error == nullptr) return config;
    locate(*report.error, document.value(), report.at_key);
    report.error->file = file_name;
    return std::move(report.error);
}

String default_instance_id(const Clock& clock) {
    auto us = static_cast<std::uint64_t>(clock.wall_ms()) * 1000 + clock.now_ns() / 1000 % 1000;
    char digits[16];
    auto end = std::to_chars(digits, digits + sizeof digits, us, 16).ptr;
    return concat("peer-", std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

std::span<const std::string_view> delivery_words() noexcept { return deliveries; }
std::span<const std::string_view> outbox_policy_words() noexcept { return policies; }

}  // namespace reflow::peer
