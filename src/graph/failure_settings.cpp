// Reads "failure", "dead_letters" and "on_stall".
// Thread: any.
#include "graph/failure_settings.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view keys[] = {
    "retries",  "backoff_ms", "backoff_factor", "backoff_max_ms", "jitter",    "hold", "breaker",
    "fallback", "then",       "restarts",       "within_ms",      "escalated", "error"};
constexpr std::string_view decisions[] = {"continue", "restart", "stop", "escalate"};

Failure wrong(std::string_view path, String text) {
    return Failure(REFLOW_ERROR_CONFIG, text).path(path);
}

// One object with its place, for messages.
class Reader {
public:
    Reader(MessageRef object, std::string_view path) : object_(object), path_(path) {}

    Result<void> known(std::span<const std::string_view> names) const {
        for (std::size_t i = 0; i < object_.size(); ++i) {
            std::string_view key = object_.key_at(i);
            if (std::find(names.begin(), names.end(), key) != names.end()) continue;
            return wrong(path_, concat("unknown key '", key, "' in '", path_.substr(1), "'"))
                .hint(did_you_mean(key, names));
        }
        return {};
    }

    [[gnu::noinline]] Result<void> whole(std::string_view key, std::uint64_t least,
                                         std::uint64_t most,
                                         std::optional<std::uint64_t>& to) const {
        MessageRef value = object_.get(key);
        if (value.none()) return {};
        bool fits = value.is(REFLOW_KIND_INTEGER) && value.integer() >= 0 &&
                    static_cast<std::uint64_t>(value.integer()) >= least &&
                    static_cast<std::uint64_t>(value.integer()) <= most;
        if (!fits) return bad(key, concat("an integer from ", least, " to ", most));
        to = static_cast<std::uint64_t>(value.integer());
        return {};
    }

    Result<void> real(std::string_view key, double least, double most,
                      std::optional<double>& to) const {
        MessageRef value = object_.get(key);
        if (value.none()) return {};
        bool fits = value.number() && value.real() >= least && value.real() <= most;
        if (!fits) return bad(key, concat("a number from ", least, " to ", most));
        to = value.real();
        return {};
    }

    Result<void> flag(std::string_view key, std::optional<bool>& to) const {
        MessageRef value = object_.get(key);
        if (value.none()) return {};
        if (!value.is(REFLOW_KIND_BOOLEAN)) return bad(key, "true or false");
        to = value.boolean();
        return {};
    }

    // The number of the word among those that are allowed.
    Result<std::optional<std::size_t>> word(std::string_view key,
                                            std::span<const std::string_view> words) const {
        MessageRef value = object_.get(key);
        if (value.none()) return std::optional<std::size_t>();
        auto found = std::find(words.begin(), words.end(), value.text());
        if (!value.is(REFLOW_KIND_STRING) || found == words.end()) {
            String all;
            for (std::size_t i = 0; i < words.size(); ++i) {
                if (i != 0) append(all, i + 1 == words.size() ? " or " : ", ");
                append(all, words[i]);
            }
            return bad(key, all).hint(did_you_mean(value.text(), words));
        }
        return std::optional<std::size_t>(static_cast<std::size_t>(found - words.begin()));
    }

    [[nodiscard]] Failure bad(std::string_view key, std::string_view expected) const {
        return wrong(concat(path_, ".", key), concat(key, " is not ", expected));
    }

private:
    MessageRef object_;
    std::string_view path_;
};

Result<void> read_breaker(MessageRef value, FailureSettings& to) {
    if (value.none()) return {};
    if (value.is(REFLOW_KIND_NULL)) {
        to.breaker = FailureBreaker();
        return {};
    }
    if (!value.is(REFLOW_KIND_OBJECT)) {
        return wrong(".failure.breaker",
                     "breaker is not an object such as {\"threshold\": 5, \"cooldown_ms\": 30000}");
    }
    constexpr std::string_view known[] = {"threshold", "cooldown_ms"};
    Reader reader(value, ".failure.breaker");
    if (Result<void> fine = reader.known(known); !fine.ok()) return fine;
    std::optional<std::uint64_t> threshold, cooldown;
    if (Result<void> fine = reader.whole("threshold", 1, limits::retries_count, threshold);
        !fine.ok()) {
        return fine;
    }
    if (Result<void> fine = reader.whole("cooldown_ms", 0, limits::timeout_ms, cooldown);
        !fine.ok()) {
        return fine;
    }
    to.breaker = FailureBreaker{static_cast<std::uint32_t>(threshold.value_or(5)),
                                cooldown.value_or(30'000)};
    return {};
}

Result<void> read_fallback(MessageRef value, FailureSettings& to) {
    if (value.none()) return {};
    if (value.is(REFLOW_KIND_NULL)) {
        to.fallback = value;
        return {};
    }
    if (!value.is(REFLOW_KIND_OBJECT)) {
        return wrong(".failure.fallback",
                     "fallback is not an object such as {\"value\": 0, \"port\": \"out\"} or "
                     "{\"node\": \"other\"}");
    }
    constexpr std::string_view known[] = {"value", "port", "node"};
    Reader reader(value, ".failure.fallback");
    if (Result<void> fine = reader.known(known); !fine.ok()) return fine;
    if (value.has("value") == value.has("node")) {
        return wrong(".failure.fallback", "a fallback has either 'value' or 'node'");
    }
    for (std::string_view key : {"port", "node"}) {
        bool text = value.get(key).is(REFLOW_KIND_STRING) && !value.get(key).text().empty();
        if (value.has(key) && !text) return reader.bad(key, "a name");
    }
    to.fallback = value;
    return {};
}

Result<void> read_attempts(const Reader& reader, FailureSettings& to) {
    Result<void> fine = reader.whole("retries", 0, limits::retries_count, to.retries);
    if (fine.ok()) fine = reader.whole("backoff_ms", 0, limits::timeout_ms, to.backoff_ms);
    if (fine.ok()) fine = reader.real("backoff_factor", 1, 1000, to.backoff_factor);
    if (fine.ok()) fine = reader.whole("backoff_max_ms", 0, limits::timeout_ms, to.backoff_max_ms);
    if (fine.ok()) fine = reader.real("jitter", 0, 1, to.jitter);
    if (fine.ok()) fine = reader.flag("hold", to.hold);
    if (fine.ok()) fine = reader.whole("restarts", 0, limits::restarts_count, to.restarts);
    if (fine.ok()) fine = reader.whole("within_ms", 1, limits::timeout_ms, to.within_ms);
    return fine;
}

Result<void> read_words(const Reader& reader, FailureSettings& to, FailurePlace place,
                        MessageRef object) {
    auto then = reader.word("then", decisions);
    if (!then.ok()) return then.take_error();
    if (then.value()) to.then = static_cast<AfterFailure>(*then.value());
    auto escalated = reader.word("escalated", decisions);
    if (!escalated.ok()) return escalated.take_error();
    if (escalated.value()) to.escalated = static_cast<AfterFailure>(*escalated.value());
    if (place == FailurePlace::node && object.has("escalated")) {
        return wrong(".failure.escalated", "'escalated' is for subgraphs and graphs")
            .hint("a node has 'then'");
    }
    constexpr std::string_view forms[] = {"text", "object"};
    auto form = reader.word("error", forms);
    if (!form.ok()) return form.take_error();
    if (form.value()) to.object = *form.value() == 1;
    return {};
}

template <typename T>
void take_over(std::optional<T>& here, const std::optional<T>& farther) noexcept {
    if (!here) here = farther;
}

}  // namespace

void FailureSettings::inherit(const FailureSettings& farther) noexcept {
    if (!fallback && farther.fallback) scope = farther.scope;
    take_over(retries, farther.retries);
    take_over(backoff_ms, farther.backoff_ms);
    take_over(backoff_factor, farther.backoff_factor);
    take_over(backoff_max_ms, farther.backoff_max_ms);
    take_over(jitter, farther.jitter);
    take_over(hold, farther.hold);
    take_over(breaker, farther.breaker);
    take_over(fallback, farther.fallback);
    take_over(then, farther.then);
    take_over(restarts, farther.restarts);
    take_over(within_ms, farther.within_ms);
    take_over(object, farther.object);
    given = given || farther.given;
}

Result<FailureSettings> read_failure_settings(MessageRef from, FailurePlace place) {
    FailureSettings settings;
    MessageRef object = from.get("failure");
    if (object.none()) return settings;
    if (!object.is(REFLOW_KIND_OBJECT)) {
        return wrong(".failure", "'failure' is not an object such as {\"retries\": 3}");
    }
    settings.given = true;
    Reader reader(object, ".failure");
    Result<void> fine = reader.known(keys);
    if (fine.ok()) fine = read_attempts(reader, settings);
    if (fine.ok()) fine = read_words(reader, settings, place, object);
    if (fine.ok()) fine = read_breaker(object.get("breaker"), settings);
    if (fine.ok()) fine = read_fallback(object.get("fallback"), settings);
    if (!fine.ok()) return fine.take_error();
    return settings;
}

Result<OnStall> read_on_stall(MessageRef properties) {
    MessageRef value = properties.get("on_stall");
    if (value.none()) return OnStall::grow;
    std::string_view word = value.is(REFLOW_KIND_STRING) ? value.text() : std::string_view();
    if (word == "grow") return OnStall::grow;
    if (word == "fail") return OnStall::fail;
    if (word == "drop-oldest") return OnStall::drop_oldest;
    return wrong(".on_stall", "on_stall is not \"grow\", \"fail\" or \"drop-oldest\"");
}

Result<std::uint32_t> read_dead_letters(MessageRef properties) {
    MessageRef value = properties.get("dead_letters");
    if (value.none()) return std::uint32_t{limits::dead_letters_count};
    bool fits = value.is(REFLOW_KIND_INTEGER) && value.integer() >= 0 &&
                value.integer() <= std::int64_t{limits::most_dead_letters_count};
    if (!fits) {
        return wrong(".dead_letters", concat("dead_letters is not an integer from 0 to ",
                                             limits::most_dead_letters_count));
    }
    return static_cast<std::uint32_t>(value.integer());
}

}  // namespace reflow::graph
