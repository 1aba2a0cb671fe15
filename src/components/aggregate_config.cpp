// GroupAggregate: its configuration and its definition.
// Neighbours: aggregate.hpp. Thread: that of create.
#include <algorithm>

#include "components/aggregate.hpp"

namespace reflow::components {
namespace {

bool simple_name(std::string_view text) noexcept {
    auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               static_cast<unsigned char>(c) >= 0x80;
    };
    auto part = [letter](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), part);
}

}  // namespace

GroupAggregate::GroupAggregate(const Config& config) {
    ExpressionReader expressions(config);
    read_keys(config, expressions);
    read_outputs(config, expressions);
    skips_missing_ = config.choice("missing", {"skip", "error"}, 0) == 0;
    sorts_ = config.choice("order", {"key", "first"}, 0) == 0;
    constexpr std::int64_t most = 100'000'000;
    max_groups_ = static_cast<std::size_t>(config.integer("max_groups", 100'000, 1, most));
    max_values_ = static_cast<std::size_t>(config.integer("max_values", 10'000'000, 1, most));
    expressions.only({"by", "as", "aggregates", "missing", "order", "max_groups", "max_values"});
    key_values_.resize(keys_.size());
    values_.resize(sources_.size());
}

void GroupAggregate::read_keys(const Config& config, ExpressionReader& expressions) {
    Vector<std::string_view> texts = config.texts("by");
    Vector<std::string_view> names = config.texts("as");
    if (!names.empty() && names.size() != texts.size()) {
        config.fail("as", concat("expected as many names as keys in 'by', ", texts.size(),
                                 ", found ", names.size()));
        return;
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::string_view name = "key";
        if (!names.empty()) {
            name = names[i];
        } else if (simple_name(texts[i])) {
            name = texts[i];
        } else if (texts.size() > 1) {
            config.fail("by", "several keys that are not plain names need names in 'as'");
        }
        for (const Key& other : keys_) {
            if (other.name.text() == name) {
                config.fail("by", concat("two keys have the name '", name, "'"));
            }
        }
        keys_.push_back({Message::string(name), expressions.element(config, "by", i)});
    }
}

void GroupAggregate::read_outputs(const Config& config, ExpressionReader& expressions) {
    MessageRef found = config.find("aggregates");
    if (found.is(REFLOW_KIND_ARRAY)) {
        for (const Section& section : config.sections("aggregates")) {
            read_general(section, expressions);
        }
    } else if (found.none()) {
        add_output(config, "count", Aggregate::count, rows);
    } else {
        read_compact(config.section("aggregates"));
    }
    if (outputs_.empty()) config.fail("aggregates", "expected something to compute");
}

void GroupAggregate::read_compact(const Section& section) {
    section.only({"count", "columns", "functions", "mode"});
    if (section.find("count").is(REFLOW_KIND_BOOLEAN)) {
        if (section.flag("count", false)) add_output(section, "count", Aggregate::count, rows);
    } else if (section.has("count")) {
        add_output(section, section.text("count"), Aggregate::count, rows);
    }
    Vector<Aggregate> functions;
    for (std::string_view name : section.texts("functions")) {
        auto at = std::find(std::begin(aggregate_names), std::end(aggregate_names), name);
        if (at == std::end(aggregate_names)) {
            section.fail("functions", concat("no function named '", name, "'"),
                         did_you_mean(name, aggregate_names));
            return;
        }
        functions.push_back(static_cast<Aggregate>(at - std::begin(aggregate_names)));
    }
    Vector<std::string_view> columns = section.texts("columns");
    if (columns.empty() != functions.empty()) {
        section.fail({}, "'columns' and 'functions' need each other");
    }
    for (std::string_view column : columns) {
        for (Aggregate function : functions) {
            std::string_view name = aggregate_names[static_cast<std::size_t>(function)];
            add_output(section, concat(column, "_", name), function, field_source(column));
        }
    }
    for (std::string_view column : section.texts("mode")) {
        add_output(section, concat(column, "_mode"), Aggregate::mode, field_source(column));
    }
}

void GroupAggregate::read_general(const Section& section, ExpressionReader& expressions) {
    section.only({"name", "function", "field", "expression"});
    std::string_view name = section.text("name");
    if (!section.has("function")) section.fail({}, "missing configuration key 'function'");
    auto function = static_cast<Aggregate>(section.choice("function", aggregate_names, 0));
    bool counts_rows =
        function == Aggregate::count && !section.has("field") && !section.has("expression");
    add_output(section, name, function, counts_rows ? rows : source_of(section, expressions));
}

std::size_t GroupAggregate::source_of(const Section& section, ExpressionReader& expressions) {
    if (section.has("field") == section.has("expression")) {
        section.fail({}, "expected either 'field' or 'expression'");
        return rows;
    }
    if (section.has("field")) return field_source(section.text("field"));
    MessageRef text = section.find("expression");
    Source source;
    source.text = text.is(REFLOW_KIND_STRING) ? String(text.text()) : String("the expression");
    source.value = expressions.read(section, "expression");
    sources_.push_back(std::move(source));
    return sources_.size() - 1;
}

// The same field is gathered once, whatever is computed of it.
std::size_t GroupAggregate::field_source(std::string_view field) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!sources_[i].field.none() && sources_[i].field.text() == field) return i;
    }
    Source source;
    source.text = field;
    source.field = Message::string(field);
    sources_.push_back(std::move(source));
    return sources_.size() - 1;
}

void GroupAggregate::add_output(const Section& section, std::string_view name, Aggregate aggregate,
                                std::size_t source) {
    bool used = false;
    for (const Key& key : keys_) used = used || key.name.text() == name;
    for (const Output& output : outputs_) used = used || output.name.text() == name;
    if (used) section.fail({}, concat("two results have the name '", name, "'"));
    if (!section.ok()) return;
    if (source != rows) sources_[source].needs.add(aggregate);
    outputs_.push_back({Message::string(name), aggregate, source});
}

Result<runtime::ComponentRef> group_aggregate() {
    return define<GroupAggregate>({
        .id = "GroupAggregate",
        .title = "Aggregate by group",
        .description =
            "Gathers packets in groups of equal keys and emits an object for each group: its keys "
            "and what was computed of its packets. It emits when the network drains and for each "
            "packet on 'flush', and then begins anew.",
        .category = "data",
        .inports =
            {{.name = "in", .type = "object", .description = "packets to gather", .required = true},
             {.name = "flush", .description = "any packet: emit and begin anew"}},
        .outports = {{.name = "out", .type = "object", .description = "an object for each group"}},
        .config_schema = R"({
            "type": "object",
            "examples": [{"by": "month", "aggregates": [{"name": "total", "function": "sum", "field": "amount"}]}],
            "description": "further keys can be read as $key by the expressions",
            "properties": {
                "by": {"type": ["string", "array"], "items": {"type": "string"},
                    "description": "expression, or several, whose values are the key of the group; without it all packets are one group"},
                "as": {"type": ["string", "array"], "items": {"type": "string"},
                    "description": "names of the keys in what is emitted; by default a plain name is its own, and others are 'key'"},
                "aggregates": {"type": ["object", "array"], "default": {"count": true},
                    "description": "what to compute: an array of {name, function, field or expression}, or an object {count, columns, functions, mode} for all functions of all columns, named column_function. Functions: count, sum, mean, min, max, first, last, mode, distinct, stddev, median"},
                "missing": {"type": "string", "enum": ["skip", "error"], "default": "skip",
                    "description": "what to do with a value that is missing, null or not a number: leave it out, or fail"},
                "order": {"type": "string", "enum": ["key", "first"], "default": "key",
                    "description": "order of the groups: by their keys, or as they came"},
                "max_groups": {"type": "integer", "default": 100000, "minimum": 1, "maximum": 100000000,
                    "description": "a packet that would begin one more group fails"},
                "max_values": {"type": "integer", "default": 10000000, "minimum": 1, "maximum": 100000000,
                    "description": "values that are kept for mode, distinct and median; a packet that would need more fails"}
            }
        })",
    });
}

}  // namespace reflow::components
