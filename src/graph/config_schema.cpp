// Checks values against JSON Schema, level by level: a list of what is still to be looked at
// instead of recursion. Thread: any.
#include "graph/config_schema.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "codec/place.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

// A value and the schema it has to meet, or a schema alone. The path is made only for problems.
struct Item {
    MessageRef value;
    MessageRef schema;
    std::uint32_t parent = 0;  // of the first: itself
    std::string_view key;      // below the parent, or
    std::size_t index = 0;
    bool indexed = false;
};

String path_of(const Vector<Item>& items, std::uint32_t at) {
    Vector<std::uint32_t> chain;
    for (; items[at].parent != at; at = items[at].parent) chain.push_back(at);
    codec::Path path;
    for (auto each = chain.rbegin(); each != chain.rend(); ++each) {
        const Item& item = items[*each];
        if (item.indexed) {
            path.add_index(item.index);
        } else {
            path.add_key(item.key);
        }
    }
    return String(std::string_view(path.text()).substr(1));  // without the $
}

String json(MessageRef value) {
    String text;
    // A value that cannot be written is described by its kind.
    if (!codec::write_json(text, value).ok()) return String(kind_with_article(value));
    if (text.size() <= 60) return text;
    return concat(shown(text), "...");
}

// Whether the value is of a type that JSON Schema names; false for unknown names.
bool is_type(MessageRef value, std::string_view type) {
    switch (value.kind()) {
        case REFLOW_KIND_NULL:
            return type == "null";
        case REFLOW_KIND_BOOLEAN:
            return type == "boolean";
        case REFLOW_KIND_INTEGER:
            return type == "integer" || type == "number";
        case REFLOW_KIND_FLOAT:
            return type == "number";
        case REFLOW_KIND_STRING:
            return type == "string";
        case REFLOW_KIND_ARRAY:
            return type == "array";
        case REFLOW_KIND_OBJECT:
            return type == "object";
        default:
            return false;
    }
}

constexpr std::string_view type_names[] = {"null",   "boolean", "integer", "number",
                                           "string", "array",   "object"};

std::string_view with_article(std::string_view type) {
    constexpr std::string_view texts[] = {"null",     "a boolean", "an integer", "a number",
                                          "a string", "an array",  "an object"};
    for (std::size_t i = 0; i < std::size(type_names); ++i) {
        if (type_names[i] == type) return texts[i];
    }
    return type;
}

// -1, 0 or 1; exact for two integers.
int compare(MessageRef a, MessageRef b) {
    if (a.is(REFLOW_KIND_INTEGER) && b.is(REFLOW_KIND_INTEGER)) {
        return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
    }
    return a.real() < b.real() ? -1 : a.real() > b.real();
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

class Checker {
public:
    Checker(MessageRef value, MessageRef schema, bool config) : config_(config) {
        items_.push_back({value, schema, 0, {}, 0, false});
    }

    Vector<SchemaProblem> run() {
        for (std::uint32_t at = 0; at < items_.size(); ++at) {
            Item item = items_[at];  // the list grows meanwhile
            if (item.schema.is(REFLOW_KIND_BOOLEAN) && !item.schema.boolean()) {
                add(at, "no value is allowed here");
            }
            if (!item.schema.is(REFLOW_KIND_OBJECT)) continue;
            MessageRef type = item.schema.get("type");
            if (!type.none() && !check_type(at, item.value, type)) continue;
            for (std::size_t i = 0; i < item.schema.size(); ++i) {
                check_keyword(at, item.value, item.schema.key_at(i), item.schema.at(i));
            }
            if (item.value.is(REFLOW_KIND_OBJECT)) check_object(at, item.value, item.schema);
        }
        return std::move(problems_);
    }

private:
    void add(std::uint32_t at, String message, String hint = {}) {
        problems_.push_back({path_of(items_, at), std::move(message), std::move(hint)});
    }

    bool check_type(std::uint32_t at, MessageRef value, MessageRef type) {
        if (type.is(REFLOW_KIND_STRING) && is_type(value, type.text())) return true;
        bool integer = type.text() == "integer";
        String wanted(with_article(type.text()));
        for (std::size_t i = 0; i < type.size(); ++i) {
            std::string_view one = type.at(i).text();
            if (is_type(value, one)) return true;
            integer = integer || one == "integer";
            if (i > 0) wanted += i + 1 < type.size() ? ", " : " or ";
            append(wanted, with_article(one));
        }
        String hint;
        if (integer && value.is(REFLOW_KIND_FLOAT) && std::trunc(value.real()) == value.real() &&
            std::fabs(value.real()) < 9e18) {
            hint = concat("write ", static_cast<std::int64_t>(value.real()));
        }
        add(at, concat("expected ", wanted, ", found ", kind_with_article(value)), std::move(hint));
        return false;
    }

    void check_keyword(std::uint32_t at, MessageRef value, std::string_view keyword,
                       MessageRef limit) {
        if (keyword == "enum") return check_enum(at, value, limit);
        if (keyword == "const" && !reflow::equal(value, limit)) {
            return add(at, concat("expected ", json(limit), ", found ", json(value)));
        }
        if (value.number() && limit.number()) return check_number(at, value, keyword, limit);
        if (!limit.is(REFLOW_KIND_INTEGER) || limit.integer() < 0) {
            if (keyword == "items" && value.is(REFLOW_KIND_ARRAY)) {
                for (std::size_t i = 0; i < value.size(); ++i) {
                    items_.push_back({value.at(i), limit, at, {}, i, true});
                }
            }
            return;
        }
        auto bound = static_cast<std::uint64_t>(limit.integer());
        if (value.is(REFLOW_KIND_STRING)) {
            if (keyword == "minLength" && characters(value.text()) < bound) {
                add(at, concat("the text has ", counted(characters(value.text()), "character"),
                               ", the least is ", bound));
            } else if (keyword == "maxLength" && characters(value.text()) > bound) {
                add(at, concat("the text has ", counted(characters(value.text()), "character"),
                               ", the most is ", bound));
            }
        } else if (value.is(REFLOW_KIND_ARRAY)) {
            if (keyword == "minItems" && value.size() < bound) {
                add(at, concat("the array has ", counted(value.size(), "element"),
                               ", the least is ", bound));
            } else if (keyword == "maxItems" && value.size() > bound) {
                add(at, concat("the array has ", counted(value.size(), "element"), ", the most is ",
                               bound));
            }
        }
    }

    void check_enum(std::uint32_t at, MessageRef value, MessageRef allowed) {
        String list;
        Vector<std::string_view> candidates;
        for (std::size_t i = 0; i < allowed.size(); ++i) {
            if (reflow::equal(allowed.at(i), value)) return;
            if (i > 0) list += ", ";
            append(list, json(allowed.at(i)));
            if (allowed.at(i).is(REFLOW_KIND_STRING)) candidates.push_back(allowed.at(i).text());
        }
        add(at, concat(json(value), " is not one of ", list),
            value.is(REFLOW_KIND_STRING) ? did_you_mean(value.text(), candidates) : String());
    }

    void check_number(std::uint32_t at, MessageRef value, std::string_view keyword,
                      MessageRef limit) {
        int order = compare(value, limit);
        if (std::isnan(value.real()) || std::isnan(limit.real())) order = 2;  // fails them all
        std::string_view text;
        if (keyword == "minimum" && (order < 0 || order == 2)) text = "less than the minimum ";
        if (keyword == "maximum" && order > 0) text = "greater than the maximum ";
        if (keyword == "exclusiveMinimum" && (order <= 0 || order == 2)) text = "not greater than ";
        if (keyword == "exclusiveMaximum" && order >= 0) text = "not less than ";
        if (!text.empty()) add(at, concat(json(value), " is ", text, json(limit)));
    }

    void check_object(std::uint32_t at, MessageRef value, MessageRef schema) {
        MessageRef required = schema.get("required");
        for (std::size_t i = 0; i < required.size(); ++i) {
            std::string_view key = required.at(i).text();
            if (!value.has(key)) add(at, concat("'", key, "' is required and missing"));
        }
        MessageRef properties = schema.get("properties");
        MessageRef others = schema.get("additionalProperties");
        for (std::size_t i = 0; i < value.size(); ++i) {
            std::string_view key = value.key_at(i);
            MessageRef own = properties.get(key);
            if (!own.none()) {
                items_.push_back({value.at(i), own, at, key, 0, false});
            } else if (config_ && at == 0 &&
                       (editor_key(key) || value.get("env_vars").has(key))) {
                continue;
            } else if (others.is(REFLOW_KIND_BOOLEAN) && !others.boolean()) {
                unknown_key(at, value.at(i), key, properties);
            } else if (others.is(REFLOW_KIND_OBJECT)) {
                items_.push_back({value.at(i), others, at, key, 0, false});
            }
        }
    }

    void unknown_key(std::uint32_t at, MessageRef value, std::string_view key,
                     MessageRef properties) {
        Vector<std::string_view> known;
        for (std::size_t i = 0; i < properties.size(); ++i) known.push_back(properties.key_at(i));
        items_.push_back({value, {}, at, key, 0, false});
        add(static_cast<std::uint32_t>(items_.size() - 1), concat("unknown key '", key, "'"),
            did_you_mean(key, known));
    }

    Vector<Item> items_;
    Vector<SchemaProblem> problems_;
    bool config_;
};

// What a keyword of a schema has to be; nothing to say for keywords that are ignored.
std::string_view keyword_problem(std::string_view keyword, MessageRef value) {
    auto count = [&] { return value.is(REFLOW_KIND_INTEGER) && value.integer() >= 0; };
    auto texts = [&] {
        if (!value.is(REFLOW_KIND_ARRAY)) return false;
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (!value.at(i).is(REFLOW_KIND_STRING)) return false;
        }
        return true;
    };
    if (keyword == "enum" && !(value.is(REFLOW_KIND_ARRAY) && value.size() > 0)) {
        return "an array of the values that are allowed";
    }
    if (keyword == "minimum" || keyword == "maximum" || keyword == "exclusiveMinimum" ||
        keyword == "exclusiveMaximum") {
        return value.number() ? std::string_view() : "a number";
    }
    if (keyword == "minLength" || keyword == "maxLength" || keyword == "minItems" ||
        keyword == "maxItems") {
        return count() ? std::string_view() : "a whole number of 0 or more";
    }
    if (keyword == "required" && !texts()) return "an array of keys";
    if (keyword == "properties" && !value.is(REFLOW_KIND_OBJECT)) return "an object of schemas";
    if (keyword != "type") return {};
    if (!value.is(REFLOW_KIND_STRING) && !(texts() && value.size() > 0)) {
        return "the name of a type or an array of them";
    }
    for (std::size_t i = 0; i < std::max<std::size_t>(value.size(), 1); ++i) {
        std::string_view name = value.is(REFLOW_KIND_STRING) ? value.text() : value.at(i).text();
        if (std::find(std::begin(type_names), std::end(type_names), name) == std::end(type_names)) {
            return "null, boolean, integer, number, string, array or object";
        }
    }
    return {};
}

Failure bad_schema(const Vector<Item>& items, std::uint32_t at, std::string_view keyword,
                   std::string_view expected, MessageRef found) {
    String where = keyword.empty() ? String() : concat(" for '", keyword, "'");
    return Failure(REFLOW_ERROR_CONFIG,
                   concat("bad schema: expected ", expected, where, ", found ", json(found)))
        .path(concat("$", path_of(items, at)));
}

}  // namespace

bool editor_key(std::string_view key) noexcept {
    constexpr std::string_view known[] = {
        "position",  "dimensions",  "title",         "label",          "color",
        "env_vars",  "description", "componentSpec", "estimated_time", "resources",
        "operation", "firing",      "failure",       "distribute"};
    return key.starts_with("dynasb.") ||
           std::find(std::begin(known), std::end(known), key) != std::end(known);
}

Vector<SchemaProblem> check_value(MessageRef value, MessageRef schema) {
    return Checker(value, schema, false).run();
}

Vector<SchemaProblem> check_config(MessageRef config, MessageRef schema) {
    if (!schema.is(REFLOW_KIND_OBJECT)) return {};
    if (!config.none() && !config.is(REFLOW_KIND_NULL)) {
        return Checker(config, schema, true).run();
    }
    auto empty = ObjectBuilder().finish();
    if (!empty.ok()) return {};  // an empty object is never too deep
    return Checker(empty.value(), schema, true).run();
}

Result<void> check_schema(MessageRef schema) {
    if (schema.none()) return {};
    Vector<Item> items;
    items.push_back({{}, schema, 0, {}, 0, false});
    for (std::uint32_t at = 0; at < items.size(); ++at) {
        MessageRef own = items[at].schema;
        if (own.is(REFLOW_KIND_BOOLEAN) && at > 0) continue;
        if (!own.is(REFLOW_KIND_OBJECT)) return bad_schema(items, at, {}, "an object", own);
        for (std::size_t i = 0; i < own.size(); ++i) {
            std::string_view keyword = own.key_at(i);
            MessageRef value = own.at(i);
            std::string_view expected = keyword_problem(keyword, value);
            if (!expected.empty()) return bad_schema(items, at, keyword, expected, value);
            if (keyword == "items" || keyword == "additionalProperties") {
                items.push_back({{}, value, at, keyword, 0, false});
            }
            if (keyword != "properties") continue;
            for (std::size_t k = 0; k < value.size(); ++k) {
                items.push_back({{}, value.at(k), at, value.key_at(k), 0, false});
            }
        }
    }
    return {};
}

}  // namespace reflow::graph
