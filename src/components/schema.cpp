// SchemaCheck: rows of the right types go on, the others are rejected with the reason.
// Neighbours: schema_field.hpp, expression.hpp, batch.hpp. Thread: see runtime/context.
#include <algorithm>

#include "codec/json.hpp"
#include "components/batch.hpp"
#include "components/config.hpp"
#include "components/expression.hpp"
#include "components/families.hpp"
#include "components/schema_field.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

class SchemaCheck final : public Actor {
public:
    static Result<std::unique_ptr<SchemaCheck>> create(Context& context) {
        Config config(context);
        std::unique_ptr<SchemaCheck> made(new SchemaCheck(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {out_port, rejected_port}, [&](Packet& packet) {
            MessageRef row(packet.message);
            if (!row.is(REFLOW_KIND_OBJECT)) {
                return Result<void>(
                    Failure(REFLOW_ERROR_FAILED,
                            concat("expected an object, found ", kind_with_article(row))));
            }
            reason_.clear();
            Result<Message> made = check(row);
            if (!made.ok()) return Result<void>(made.take_error());
            if (reason_.empty()) return emit(context, out_port, std::move(made).take());
            Result<Message> rejected = reject(row);
            if (!rejected.ok()) return Result<void>(rejected.take_error());
            return emit(context, rejected_port, std::move(rejected).take());
        });
    }

private:
    static constexpr std::uint32_t out_port = 0;
    static constexpr std::uint32_t rejected_port = 1;
    enum class Unknown : std::uint8_t { keep, drop, reject };

    struct Check {
        String name;
        String text;
        Expression when;
    };

    explicit SchemaCheck(const Config& config) {
        ExpressionReader expressions(config);
        bool trims = config.flag("trim", false);
        Section fields = config.section("fields");
        for (std::size_t i = 0; i < fields.size() && config.ok(); ++i) {
            std::string_view name = fields.key_at(i);
            fields_.emplace_back(name, fields.section(name), trims);
        }
        if (fields_.empty()) config.fail("fields", "expected the fields of a row");
        for (const Section& section : config.sections("checks")) {
            section.only({"name", "when", "reason"});
            Check check;
            check.name = section.text("name");
            check.when = expressions.required(section, "when");
            check.text = section.text("reason", "");
            if (check.text.empty()) {
                check.text = concat("not true: ", clip(section.text("when", ""), 200));
            }
            checks_.push_back(std::move(check));
        }
        unknown_ = static_cast<Unknown>(config.choice("unknown", {"keep", "drop", "reject"}, 0));
        reports_all_ = config.choice("report", {"first", "all"}, 0) == 1;
        line_field_ = config.text("line_field", "_line");
        text_field_ = config.text("text_field", "_row");
        expressions.only(
            {"fields", "checks", "unknown", "report", "trim", "line_field", "text_field"});
        for (std::size_t i = 0; i < fields_.size(); ++i) positions_[String(fields_[i].name())] = i;
        seen_.resize(fields_.size());
    }

    // The typed row, or something in reason_.
    Result<Message> check(MessageRef row) {
        ObjectBuilder object(row.size());
        std::fill(seen_.begin(), seen_.end(), false);
        for (std::size_t i = 0; i < row.size() && goes_on(); ++i) {
            std::string_view key = row.key_at(i);
            if (key == line_field_ || key == text_field_) continue;
            std::size_t position = find(key, i);
            if (position < fields_.size()) {
                seen_[position] = true;
                add(object, fields_[position], row.at(i));
            } else if (unknown_ == Unknown::keep) {
                object.set(row.key_message_at(i).own(), row.at(i).own());
            } else if (unknown_ == Unknown::reject) {
                begin_reason();
                append(reason_, concat(clip(key), ": not a field of the schema"));
            }
        }
        for (std::size_t i = 0; i < fields_.size() && goes_on(); ++i) {
            if (!seen_[i]) add(object, fields_[i], MessageRef());
        }
        if (!reason_.empty()) return Message::null();
        Result<Message> made = object.finish();
        if (made.ok()) apply_checks(made.value());
        return made;
    }

    [[nodiscard]] bool goes_on() const noexcept { return reason_.empty() || reports_all_; }
    void begin_reason() {
        if (!reason_.empty()) append(reason_, "; ");
    }

    // Rows mostly have their fields where the row before had them.
    std::size_t find(std::string_view key, std::size_t place) {
        if (place < places_.size() && places_[place] < fields_.size() &&
            fields_[places_[place]].name() == key) {
            return places_[place];
        }
        auto found = positions_.find(key);
        std::size_t position = found == positions_.end() ? fields_.size() : found->second;
        if (place >= places_.size()) places_.resize(place + 1, fields_.size());
        places_[place] = position;
        return position;
    }

    void add(ObjectBuilder& object, const FieldRule& field, MessageRef value) {
        fault_.clear();
        Message converted = field.check(value, fault_);
        if (!fault_.empty()) {
            begin_reason();
            append(reason_, fault_);
        } else if (!converted.none()) {
            object.set(field.key(), std::move(converted));
        }
    }

    void apply_checks(MessageRef row) {
        for (Check& check : checks_) {
            if (!goes_on()) return;
            Result<bool> holds = check.when.test({row});
            if (holds.ok() && holds.value()) continue;
            begin_reason();
            append(reason_,
                   concat(check.name, ": ",
                          holds.ok() ? std::string_view(check.text) : holds.error().message));
        }
    }

    Result<Message> reject(MessageRef row) const {
        ObjectBuilder object(3);
        MessageRef line = row.get(line_field_);
        object.set("line", line.none() ? Message::null() : line.own());
        object.set("reason", Message::string(reason_));
        MessageRef text = row.get(text_field_);
        if (text.none()) {
            String json;
            if (Result<void> done = codec::write_json(json, row); !done.ok()) {
                return done.take_error();
            }
            object.set("row", Message::string(json));
        } else {
            object.set("row", text.own());
        }
        return object.finish();
    }

    Vector<FieldRule> fields_;
    TextMap<std::size_t> positions_;
    Vector<Check> checks_;
    Unknown unknown_ = Unknown::keep;
    bool reports_all_ = false;
    String line_field_;
    String text_field_;

    Vector<std::size_t> places_;  // of keys in a row: the fields they were
    Vector<char> seen_;           // while one row is handled, by fields_
    String reason_;
    String fault_;
};

Result<runtime::ComponentRef> schema_check() {
    return define<SchemaCheck>({
        .id = "SchemaCheck",
        .title = "Check rows",
        .description =
            "Checks the fields of each object and gives them their types: text such as '4.5' "
            "becomes a number. Rows that fit go to 'out'; the others go to 'rejected' with the "
            "reason, the number of their line and their text.",
        .category = "data",
        .inports = {{.name = "in",
                     .type = "object",
                     .description = "rows, as CsvRead with 'annotate' emits them",
                     .required = true}},
        .outports = {{.name = "out", .type = "object", .description = "rows that fit, typed"},
                     {.name = "rejected",
                      .type = "object",
                      .description = "{line, reason, row} of each of the others"}},
        .config_schema = R"({
            "type": "object",
            "examples": [{"fields": {"month": {"type": "string"}, "amount": {"type": "number", "minimum": 0}}}],
            "required": ["fields"],
            "description": "further keys can be read as $key by the expressions",
            "properties": {
                "fields": {"type": "object",
                    "description": "the fields of a row and what is wanted of them",
                    "additionalProperties": {"type": "object", "additionalProperties": false, "properties": {
                        "type": {"type": "string", "enum": ["any", "string", "integer", "number", "boolean", "date"], "default": "string",
                            "description": "type of the value; text is converted, and numbers become floats"},
                        "required": {"type": "boolean", "default": true,
                            "description": "a row without it is rejected; an empty text is no number, date or boolean"},
                        "default": {"description": "value where it is missing; makes the field not required"},
                        "minimum": {"description": "least number or date"},
                        "maximum": {"description": "greatest number or date"},
                        "enum": {"type": "array", "description": "the values that are allowed"},
                        "min_length": {"type": "integer", "minimum": 0, "default": 0, "description": "least number of characters"},
                        "max_length": {"type": "integer", "minimum": 0, "description": "greatest number of characters"},
                        "format": {"type": "string",
                            "description": "form of a date, such as yyyy/mm/dd or %d.%m.%Y; default yyyy-mm-dd or yyyy/mm/dd, with a time or without"},
                        "trim": {"type": "boolean", "description": "take spaces off both ends of text first"},
                        "description": {"type": "string", "description": "for people"}}}},
                "checks": {"type": "array", "description": "conditions on the typed row as a whole",
                    "items": {"type": "object", "additionalProperties": false, "required": ["name", "when"], "properties": {
                        "name": {"type": "string", "description": "name, which begins the reason"},
                        "when": {"type": ["string", "boolean"], "description": "expression that is true for rows that fit"},
                        "reason": {"type": "string", "description": "what to say otherwise"}}}},
                "unknown": {"type": "string", "enum": ["keep", "drop", "reject"], "default": "keep",
                    "description": "what to do with fields that are not in 'fields'"},
                "report": {"type": "string", "enum": ["first", "all"], "default": "first",
                    "description": "give the first reason, or all"},
                "trim": {"type": "boolean", "default": false, "description": "'trim' of fields that do not say"},
                "line_field": {"type": "string", "default": "_line",
                    "description": "field with the number of the line; taken off rows that fit"},
                "text_field": {"type": "string", "default": "_row",
                    "description": "field with the text of the row; taken off rows that fit"}
            }
        })",
        .stateless = true,
    });
}

}  // namespace

Result<void> schema_family(Components& all) {
    Result<runtime::ComponentRef> made = schema_check();
    if (!made.ok()) return made.take_error();
    all.push_back(std::move(made).take());
    return {};
}

}  // namespace reflow::components
