// RulesEngine: which of a list of named conditions hold for a packet.
// Neighbours: expression.hpp, batch.hpp. Thread: see runtime/context.
#include <algorithm>

#include "components/batch.hpp"
#include "components/config.hpp"
#include "components/expression.hpp"
#include "components/families.hpp"

namespace reflow::components {
namespace {

class RulesEngine final : public Actor {
public:
    static Result<std::unique_ptr<RulesEngine>> create(Context& context) {
        Config config(context);
        std::unique_ptr<RulesEngine> made(new RulesEngine(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(
            context, inputs, {matched_port, unmatched_port, out_port}, [&](Packet& packet) {
                // All rules first: a packet for which one fails emits nothing.
                if (Result<void> done = apply(MessageRef(packet.message)); !done.ok()) return done;
                return send(context, take(packet));
            });
    }

private:
    static constexpr std::uint32_t matched_port = 0;
    static constexpr std::uint32_t unmatched_port = 1;
    static constexpr std::uint32_t out_port = 2;
    static constexpr std::size_t most_rules = 1000;

    struct Field {
        Message name;
        Expression value;
    };
    struct Rule {
        Message name;
        Expression when;
        Expression value;  // may be empty
        Vector<Field> fields;
    };

    explicit RulesEngine(const Config& config) {
        ExpressionReader expressions(config);
        for (const Section& section : config.sections("rules")) {
            section.only({"name", "when", "value", "emit"});
            Rule rule;
            rule.name = Message::string(section.text("name"));
            rule.when = expressions.required(section, "when");
            rule.value = expressions.read(section, "value");
            rule.fields = read_fields(section.section("emit"), expressions);
            for (const Rule& other : rules_) {
                if (other.name.text() != rule.name.text()) continue;
                section.fail("name", concat("two rules have the name '", rule.name.text(), "'"));
            }
            rules_.push_back(std::move(rule));
        }
        if (rules_.empty() || rules_.size() > most_rules) {
            config.fail("rules",
                        concat("expected 1 to ", most_rules, " rules, found ", rules_.size()));
        }
        for (std::string_view name : config.texts("copy")) copied_.push_back(Message::string(name));
        fields_ = read_fields(config.section("emit"), expressions);
        first_only_ = config.choice("mode", {"all", "first"}, 0) == 1;
        rule_key_ = Message::string(config.text("rule_key", "rule"));
        value_key_ = Message::string(config.text("value_key", "value"));
        input_key_ = Message::string(config.text("input_key", ""));
        expressions.only({"rules", "copy", "emit", "mode", "rule_key", "value_key", "input_key"});
    }

    static Vector<Field> read_fields(const Section& section, ExpressionReader& expressions) {
        Vector<Field> fields;
        for (std::size_t i = 0; i < section.size(); ++i) {
            std::string_view name = section.key_at(i);
            fields.push_back({Message::string(name), expressions.required(section, name)});
        }
        return fields;
    }

    // What matched_ is to hold for an input.
    Result<void> apply(MessageRef input) {
        matched_.clear();
        for (Rule& rule : rules_) {
            Result<bool> holds = rule.when.test({input});
            if (!holds.ok()) return holds.take_error();
            if (!holds.value()) continue;
            Result<Message> made = describe_match(rule, input);
            if (!made.ok()) return made.take_error();
            matched_.push_back(std::move(made).take());
            if (first_only_) break;
        }
        return {};
    }

    Result<Message> describe_match(Rule& rule, MessageRef input) {
        ObjectBuilder object(copied_.size() + fields_.size() + rule.fields.size() + 3);
        for (const Message& name : copied_) {
            MessageRef value = input.get(name.text());
            if (value.none()) {
                return Failure(REFLOW_ERROR_FAILED, concat("no key '", name.text(), "' to copy"));
            }
            object.set(name, value.own());
        }
        if (Result<void> done = set_fields(object, fields_, input); !done.ok()) {
            return done.take_error();
        }
        if (!rule_key_.text().empty()) object.set(rule_key_, rule.name);
        if (!rule.value.empty() && !value_key_.text().empty()) {
            Result<Message> value = rule.value.evaluate({input});
            if (!value.ok()) return value;
            object.set(value_key_, std::move(value).take());
        }
        if (Result<void> done = set_fields(object, rule.fields, input); !done.ok()) {
            return done.take_error();
        }
        if (!input_key_.text().empty()) object.set(input_key_, input.own());
        return object.finish();
    }

    static Result<void> set_fields(ObjectBuilder& object, Vector<Field>& fields, MessageRef input) {
        for (Field& field : fields) {
            Result<Message> value = field.value.evaluate({input});
            if (!value.ok()) return value.take_error();
            object.set(field.name, std::move(value).take());
        }
        return {};
    }

    Result<void> send(Context& context, Message input) {
        bool none = matched_.empty();
        for (Message& match : matched_) {
            Result<void> sent = emit(context, matched_port, std::move(match));
            if (!sent.ok()) return sent;
        }
        matched_.clear();
        if (none && context.connected(unmatched_port)) {
            if (Result<void> sent = emit(context, unmatched_port, input); !sent.ok()) return sent;
        }
        return emit(context, out_port, std::move(input));
    }

    Vector<Rule> rules_;
    Vector<Message> copied_;
    Vector<Field> fields_;
    Message rule_key_;
    Message value_key_;
    Message input_key_;
    bool first_only_ = false;
    Vector<Message> matched_;  // while one input is handled
};

Result<runtime::ComponentRef> rules_engine() {
    return define<RulesEngine>({
        .id = "RulesEngine",
        .title = "Apply rules",
        .description =
            "Tests each packet against named rules and emits an object on 'matched' for each rule "
            "that holds: the fields of 'copy' and 'emit', the name of the rule, and its value. "
            "Every packet goes on to 'out', and those for which no rule holds to 'unmatched'.",
        .category = "data",
        .inports = {{.name = "in", .description = "packets to test", .required = true}},
        .outports = {{.name = "matched",
                      .type = "object",
                      .description = "an object for each packet and rule that holds"},
                     {.name = "unmatched", .description = "packets for which no rule holds"},
                     {.name = "out", .description = "every packet, unchanged"}},
        .config_schema = R"({
            "type": "object",
            "examples": [{"rules": [{"name": "large", "when": "amount >= $least", "value": "amount"}], "least": 100}],
            "required": ["rules"],
            "description": "further keys can be read as $key by the expressions: thresholds, for instance",
            "properties": {
                "rules": {"type": "array", "minItems": 1, "maxItems": 1000,
                    "description": "the rules, applied in order",
                    "items": {"type": "object", "additionalProperties": false,
                        "required": ["name", "when"], "properties": {
                        "name": {"type": "string", "description": "name of the rule, unique"},
                        "when": {"type": ["string", "boolean"],
                            "description": "expression that is true for packets for which the rule holds"},
                        "value": {"type": ["string", "number", "boolean"],
                            "description": "expression whose value is reported"},
                        "emit": {"type": "object",
                            "description": "further keys of what this rule emits, and the expression of each"}}}},
                "mode": {"type": "string", "enum": ["all", "first"], "default": "all",
                    "description": "report all rules that hold, or the first only"},
                "copy": {"type": ["array", "string"], "items": {"type": "string"},
                    "description": "fields of the packet to put into what is emitted"},
                "emit": {"type": "object",
                    "description": "keys of what every rule emits, and the expression of each"},
                "rule_key": {"type": "string", "default": "rule",
                    "description": "key for the name of the rule; empty leaves it out"},
                "value_key": {"type": "string", "default": "value",
                    "description": "key for the value of the rule; empty leaves it out"},
                "input_key": {"type": "string", "default": "",
                    "description": "key for the whole packet; empty leaves it out"}
            }
        })",
        .stateless = true,
    });
}

}  // namespace

Result<void> rules_family(Components& all) {
    Result<runtime::ComponentRef> made = rules_engine();
    if (!made.ok()) return made.take_error();
    all.push_back(std::move(made).take());
    return {};
}

}  // namespace reflow::components
