// Typed reading of a node's configuration.
// Thread: that of create.
#include "components/config.hpp"

#include <algorithm>

namespace reflow::components {
namespace {

bool plain_name(std::string_view key) noexcept {
    auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    return !key.empty() && std::all_of(key.begin(), key.end(), letter);
}

String join(std::span<const std::string_view> names) {
    String out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
        append(out, concat("'", names[i], "'"));
    }
    return out;
}

}  // namespace

Config::Config(MessageRef value, std::string_view node) : Section(value, "$", &own_) {
    own_.node = node;
    if (value.none() || value.nothing()) {
        value_ = MessageRef();  // reads like an empty object
    } else if (!value.is(REFLOW_KIND_OBJECT)) {
        value_ = MessageRef();
        expected({}, "an object", value);
    }
}

MessageRef Section::find(std::string_view key) const noexcept {
    MessageRef found = value_.get(key);
    return found.nothing() ? MessageRef() : found;
}

String Section::path(std::string_view key) const {
    if (key.empty()) return path_;
    return plain_name(key) ? concat(path_, ".", key) : concat(path_, "['", key, "']");
}

void Section::fail(std::string_view key, std::string_view message, std::string_view hint) const {
    if (!ok()) return;
    report_->error =
        Failure(REFLOW_ERROR_CONFIG, message).hint(hint).node(report_->node).path(path(key)).take();
}

void Section::fail(std::unique_ptr<Error> error) const {
    if (!ok()) return;
    if (error->node.empty()) error->node = report_->node;
    report_->error = std::move(error);
}

void Section::expected(std::string_view key, std::string_view what, MessageRef found) const {
    fail(key, concat("expected ", what, ", found ", kind_with_article(found)));
}

bool Section::require(std::string_view key) const {
    if (has(key)) return true;
    fail({}, concat("missing configuration key '", key, "'"));
    return false;
}

std::string_view Section::text(std::string_view key) const {
    return require(key) ? text(key, {}) : std::string_view();
}

std::string_view Section::text(std::string_view key, std::string_view fallback) const {
    MessageRef found = find(key);
    if (found.none()) return fallback;
    if (found.is(REFLOW_KIND_STRING)) return found.text();
    expected(key, "a string", found);
    return fallback;
}

std::int64_t Section::integer(std::string_view key, std::int64_t fallback, std::int64_t low,
                              std::int64_t high) const {
    MessageRef found = find(key);
    if (found.none()) return fallback;
    std::int64_t value = found.integer();
    if (found.is(REFLOW_KIND_FLOAT)) {
        // A float that is a whole number, as YAML and some writers of JSON give them.
        double real = found.real();
        bool whole = real >= -9007199254740992.0 && real <= 9007199254740992.0 &&
                     real == static_cast<double>(static_cast<std::int64_t>(real));
        if (!whole) {
            expected(key, "an integer", found);
            return fallback;
        }
        value = static_cast<std::int64_t>(real);
    } else if (!found.is(REFLOW_KIND_INTEGER)) {
        expected(key, "an integer", found);
        return fallback;
    }
    if (value >= low && value <= high) return value;
    if (high == INT64_MAX) {
        fail(key, concat("expected at least ", low, ", found ", value));
    } else if (low == INT64_MIN) {
        fail(key, concat("expected at most ", high, ", found ", value));
    } else {
        fail(key, concat("expected ", low, " to ", high, ", found ", value));
    }
    return fallback;
}

double Section::number(std::string_view key, double fallback) const {
    MessageRef found = find(key);
    if (found.none()) return fallback;
    if (found.number()) return found.real();
    expected(key, "a number", found);
    return fallback;
}

bool Section::flag(std::string_view key, bool fallback) const {
    MessageRef found = find(key);
    if (found.none()) return fallback;
    if (found.is(REFLOW_KIND_BOOLEAN)) return found.boolean();
    expected(key, "true or false", found);
    return fallback;
}

std::size_t Section::choice(std::string_view key, std::span<const std::string_view> names,
                            std::size_t fallback) const {
    MessageRef found = find(key);
    if (found.none()) return fallback;
    if (!found.is(REFLOW_KIND_STRING)) {
        expected(key, join(names), found);
        return fallback;
    }
    auto at = std::find(names.begin(), names.end(), found.text());
    if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
    fail(key, concat("expected ", join(names), ", found '", found.text(), "'"),
         did_you_mean(found.text(), names));
    return fallback;
}

Vector<std::string_view> Section::texts(std::string_view key) const {
    Vector<std::string_view> all;
    MessageRef found = find(key);
    if (found.none()) return all;
    if (found.is(REFLOW_KIND_STRING)) {
        all.push_back(found.text());
    } else if (found.is(REFLOW_KIND_ARRAY)) {
        all.reserve(found.size());
        for (std::size_t i = 0; i < found.size() && ok(); ++i) {
            MessageRef element = found.at(i);
            if (element.is(REFLOW_KIND_STRING)) {
                all.push_back(element.text());
            } else {
                Section(found, concat(path(key), "[", i, "]"), report_)
                    .expected({}, "a string", element);
            }
        }
    } else {
        expected(key, "an array of strings", found);
    }
    return all;
}

Section Section::section(std::string_view key) const {
    MessageRef found = find(key);
    if (!found.none() && !found.is(REFLOW_KIND_OBJECT)) {
        expected(key, "an object", found);
        found = MessageRef();
    }
    return Section(found, path(key), report_);
}

Vector<Section> Section::sections(std::string_view key) const {
    Vector<Section> all;
    MessageRef found = find(key);
    if (found.none()) return all;
    if (!found.is(REFLOW_KIND_ARRAY)) {
        expected(key, "an array of objects", found);
        return all;
    }
    all.reserve(found.size());
    for (std::size_t i = 0; i < found.size() && ok(); ++i) {
        MessageRef element = found.at(i);
        Section section(element, concat(path(key), "[", i, "]"), report_);
        if (!element.is(REFLOW_KIND_OBJECT)) section.expected({}, "an object", element);
        all.push_back(std::move(section));
    }
    return all;
}

void Section::only(std::initializer_list<std::string_view> keys) const {
    for (std::size_t i = 0; i < size(); ++i) {
        std::string_view key = key_at(i);
        if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
        fail({}, concat("unknown key '", key, "'"),
             did_you_mean(key, std::span(keys.begin(), keys.size())));
        return;
    }
}

}  // namespace reflow::components
