// Switch, Tee, Merge: components that choose the way of packets.
// Neighbours: expression.hpp, batch.hpp. Thread: see runtime/context.
#include "components/batch.hpp"
#include "components/config.hpp"
#include "components/expression.hpp"
#include "components/expression_functions.hpp"
#include "components/families.hpp"

namespace reflow::components {
namespace {

// Sends each packet to the first case that fits.
class Switch final : public Actor {
public:
    static Result<std::unique_ptr<Switch>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Switch> made(new Switch(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {case_port, default_port}, [&](Packet& packet) {
            Result<std::size_t> chosen = choose(MessageRef(packet.message));
            if (!chosen.ok()) return Result<void>(chosen.take_error());
            if (chosen.value() == cases_.size()) return emit(context, default_port, take(packet));
            return emit(context, case_port, take(packet),
                        static_cast<std::uint32_t>(chosen.value()));
        });
    }

private:
    static constexpr std::uint32_t case_port = 0;
    static constexpr std::uint32_t default_port = 1;
    static constexpr std::size_t most_cases = 1000;

    struct Case {
        Expression when;  // or, if empty:
        Message value;
    };

    explicit Switch(const Config& config) {
        ExpressionReader expressions(config);
        value_ = expressions.read(config, "value");
        for (const Section& section : config.sections("cases")) {
            section.only({"when", "equals", "name"});
            Case one;
            one.when = expressions.read(section, "when");
            one.value = section.value().get("equals").own();
            if (one.when.empty() == one.value.none()) {
                section.fail({}, "expected either 'when' or 'equals'");
            } else if (one.when.empty() && value_.empty()) {
                section.fail({}, "'equals' needs the configuration key 'value'");
            }
            cases_.push_back(std::move(one));
        }
        if (cases_.empty() || cases_.size() > most_cases) {
            config.fail("cases",
                        concat("expected 1 to ", most_cases, " cases, found ", cases_.size()));
        }
        expressions.only({"value", "cases"});
    }

    Result<std::size_t> choose(MessageRef input) {
        Message value;
        if (!value_.empty()) {
            Result<Message> computed = value_.evaluate({input});
            if (!computed.ok()) return computed.take_error();
            value = std::move(computed).take();
        }
        for (std::size_t i = 0; i < cases_.size(); ++i) {
            bool fits = false;
            if (cases_[i].when.empty()) {
                fits = same_value(value, cases_[i].value);
            } else {
                Result<bool> holds = cases_[i].when.test({input});
                if (!holds.ok()) return holds.take_error();
                fits = holds.value();
            }
            if (fits) return i;
        }
        return cases_.size();
    }

    Expression value_;
    Vector<Case> cases_;
};

// Passes packets on: what several connections leave from, or arrive at, as one.
class Pass final : public Actor {
public:
    static Result<std::unique_ptr<Pass>> create(Context&) { return std::make_unique<Pass>(); }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {0},
                              [&](Packet& packet) { return emit(context, 0, take(packet)); });
    }
};

Result<runtime::ComponentRef> switch_component() {
    return define<Switch>({
        .id = "Switch",
        .title = "Choose a way",
        .description = "Sends each packet, unchanged, to the first of its cases that fits: to the "
                       "element of the outport 'case' with the number of the case, counted from 0. "
                       "Packets that fit none go to 'default'. A case has a condition, or a value "
                       "that is compared with that of the key 'value'.",
        .category = "flow",
        .inports = {{.name = "in", .description = "packets to send on", .required = true}},
        .outports = {{.name = "case",
                      .description = "the packets of each case, by its number",
                      .array = true},
                     {.name = "default", .description = "packets that fit no case"}},
        .config_schema = R"({
        "type": "object",
        "examples": [{"cases": [{"when": "amount >= 100"}, {"when": "amount >= 10"}]}],
        "required": ["cases"],
        "properties": {
            "value": {"type": ["string", "number", "boolean"],
                "description": "expression whose value is compared with 'equals' of the cases"},
            "cases": {"type": "array", "minItems": 1, "maxItems": 1000,
                "description": "the cases, tried in order",
                "items": {"type": "object", "additionalProperties": false, "properties": {
                    "when": {"type": ["string", "boolean"],
                        "description": "expression that is true for packets of this case"},
                    "equals": {
                        "description": "the value of 'value' that packets of this case have"},
                    "name": {"type": "string", "description": "for people"}}}}},
        "description": "further keys can be read as $key by the expressions"
    })",
        .stateless = true,
    });
}

Result<runtime::ComponentRef> tee() {
    return define<Pass>({
        .id = "Tee",
        .title = "One to many",
        .description =
            "Passes every packet on to each of the connections of its outport. Nothing is "
            "copied: the connections share the packet.",
        .category = "flow",
        .inports = {{.name = "in", .description = "packets to pass on", .required = true}},
        .outports = {{.name = "out", .description = "the same packets"}},
        .config_schema = R"({"type": "object", "additionalProperties": false, "properties": {}})",
        .stateless = true,
    });
}

Result<runtime::ComponentRef> merge() {
    return define<Pass>({
        .id = "Merge",
        .title = "Many to one",
        .description =
            "Passes on the packets of all connections of its inport, in the order of their "
            "arrival. Packets of one connection stay in order.",
        .category = "flow",
        .inports = {{.name = "in",
                     .description = "packets to pass on, from one or several connections",
                     .array = true}},
        .outports = {{.name = "out", .description = "the same packets"}},
        .config_schema = R"({"type": "object", "additionalProperties": false, "properties": {}})",
        .stateless = true,
    });
}

}  // namespace

Result<void> route_family(Components& all) {
    for (auto make : {switch_component, tee, merge}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
