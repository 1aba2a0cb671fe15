// Map, Filter: components that compute a packet from each packet, or choose among them.
// Neighbours: expression.hpp, batch.hpp. Thread: see runtime/context.
#include <algorithm>

#include "components/batch.hpp"
#include "components/config.hpp"
#include "components/expression.hpp"
#include "components/families.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

class Map final : public Actor {
public:
    static Result<std::unique_ptr<Map>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Map> made(new Map(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {0}, [&](Packet& packet) {
            Result<Message> made = map(MessageRef(packet.message));
            if (!made.ok()) return Result<void>(made.take_error());
            return emit(context, 0, std::move(made).take());
        });
    }

private:
    struct Rename {
        String from;
        Message to;
    };

    explicit Map(const Config& config) {
        ExpressionReader expressions(config);
        value_ = expressions.read(config, "value");
        read_set(config.section("set"), expressions);
        Section renames = config.section("rename");
        for (std::size_t i = 0; i < renames.size(); ++i) {
            std::string_view from = renames.key_at(i);
            renames_.push_back({String(from), Message::string(renames.text(from))});
        }
        for (std::string_view name : config.texts("remove")) removed_.emplace_back(name);
        for (std::string_view name : config.texts("select")) {
            selected_.push_back(Message::string(name));
        }
        skips_missing_ = config.choice("missing", {"error", "skip"}, 0) == 1;
        bool other = !sets_.empty() || reshapes() || !selected_.empty();
        if (value_.empty() != other) {
            config.fail({}, value_.empty()
                                ? "expected 'value', or some of 'set', 'rename', 'remove', 'select'"
                                : "'value' makes the whole packet, so nothing else can be given");
        }
        expressions.only({"value", "set", "rename", "remove", "select", "missing"});
    }

    void read_set(const Section& section, ExpressionReader& expressions) {
        Vector<std::string_view> names;
        for (std::size_t i = 0; i < section.size(); ++i) names.push_back(section.key_at(i));
        for (std::size_t i = 0; i < names.size(); ++i) {
            // Each may use what those before it have set.
            expressions.locals(std::span(names).first(i));
            sets_.push_back({Message::string(names[i]),
                             section.has(names[i]) ? expressions.read(section, names[i])
                                                   : Expression::constant(Message::null())});
        }
        expressions.locals({});
        computed_.resize(sets_.size());
    }

    [[nodiscard]] bool reshapes() const noexcept { return !renames_.empty() || !removed_.empty(); }

    Result<Message> map(MessageRef input) {
        if (!value_.empty()) return value_.evaluate({input});
        if (!input.is(REFLOW_KIND_OBJECT)) {
            return Failure(REFLOW_ERROR_FAILED,
                           concat("expected an object, found ", kind_with_article(input)));
        }
        Message object = input.own();
        if (!sets_.empty()) {
            Result<Message> made = set(input);
            if (!made.ok()) return made;
            object = std::move(made).take();
        }
        if (reshapes()) {
            Result<Message> made = reshape(object);
            if (!made.ok()) return made;
            object = std::move(made).take();
        }
        return selected_.empty() ? Result<Message>(std::move(object)) : select(object);
    }

    Result<Message> set(MessageRef input) {
        ObjectBuilder object(input.size() + sets_.size());
        for (std::size_t i = 0; i < input.size(); ++i) {
            object.set(input.key_message_at(i).own(), input.at(i).own());
        }
        for (std::size_t i = 0; i < sets_.size(); ++i) {
            Result<Message> value = sets_[i].value.evaluate({input, computed_});
            if (!value.ok()) return value;
            computed_[i] = std::move(value).take();
        }
        for (std::size_t i = 0; i < sets_.size(); ++i) {
            object.set(sets_[i].name, std::exchange(computed_[i], Message()));
        }
        return object.finish();
    }

    Result<Message> reshape(MessageRef object) {
        for (const Rename& rename : renames_) {
            if (!skips_missing_ && !object.has(rename.from)) {
                return missing(object, rename.from, "rename");
            }
        }
        ObjectBuilder result(object.size());
        for (std::size_t i = 0; i < object.size(); ++i) {
            std::string_view key = object.key_at(i);
            if (std::find(removed_.begin(), removed_.end(), key) != removed_.end()) continue;
            auto rename = std::find_if(renames_.begin(), renames_.end(),
                                       [key](const Rename& one) { return one.from == key; });
            Message name = rename == renames_.end() ? object.key_message_at(i).own() : rename->to;
            if (result.has(name.text())) {
                return Failure(REFLOW_ERROR_FAILED,
                               concat("rename makes two keys '", clip(name.text()), "'"));
            }
            result.set(name, object.at(i).own());
        }
        return result.finish();
    }

    Result<Message> select(MessageRef object) {
        ObjectBuilder result(selected_.size());
        for (const Message& name : selected_) {
            MessageRef value = object.get(name.text());
            if (!value.none()) {
                result.set(name, value.own());
            } else if (!skips_missing_) {
                return missing(object, name.text(), "select");
            }
        }
        return result.finish();
    }

    static Failure missing(MessageRef object, std::string_view name, std::string_view what) {
        Vector<std::string_view> keys;
        for (std::size_t i = 0; i < object.size(); ++i) keys.push_back(object.key_at(i));
        return Failure(REFLOW_ERROR_FAILED, concat("no key '", clip(name), "' to ", what))
            .hint(did_you_mean(name, keys));
    }

    struct Set {
        Message name;
        Expression value;
    };

    Expression value_;
    Vector<Set> sets_;
    Vector<Message> computed_;  // by sets_, while one input is handled
    Vector<Rename> renames_;
    Vector<String> removed_;
    Vector<Message> selected_;
    bool skips_missing_ = false;
};

class Filter final : public Actor {
public:
    static Result<std::unique_ptr<Filter>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Filter> made(new Filter(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {0, 1}, [&](Packet& packet) {
            Result<bool> holds = when_.test({MessageRef(packet.message)});
            if (!holds.ok()) return Result<void>(holds.take_error());
            return emit(context, holds.value() ? 0 : 1, take(packet));
        });
    }

private:
    explicit Filter(const Config& config) {
        ExpressionReader expressions(config);
        when_ = expressions.required(config, "when");
        expressions.only({"when"});
    }

    Expression when_;
};

Result<runtime::ComponentRef> map() {
    return define<Map>({
        .id = "Map",
        .title = "Compute fields",
        .description =
            "Makes a packet of each packet. 'set' computes fields of an object by expressions; "
            "then keys are renamed by 'rename', dropped by 'remove', and chosen by 'select'. Or "
            "'value' computes the whole packet.",
        .category = "data",
        .inports = {{.name = "in", .description = "packets to work on", .required = true}},
        .outports = {{.name = "out", .description = "what was made of them"}},
        .config_schema = R"({
            "type": "object",
            "examples": [{"set": {"mean": "(low + high) / 2"}}],
            "description": "further keys can be read as $key by the expressions",
            "properties": {
                "set": {"type": "object",
                    "description": "keys to set, and the expression of each; later ones may use those before them"},
                "rename": {"type": "object", "description": "old names of keys to new names"},
                "remove": {"type": ["array", "string"], "items": {"type": "string"},
                    "description": "keys to drop"},
                "select": {"type": ["array", "string"], "items": {"type": "string"},
                    "description": "the keys to keep, in this order"},
                "value": {"type": ["string", "number", "boolean"],
                    "description": "expression that makes the whole packet"},
                "missing": {"type": "string", "enum": ["error", "skip"], "default": "error",
                    "description": "what to do when a key of rename or select is not there"}
            }
        })",
        .stateless = true,
    });
}

Result<runtime::ComponentRef> filter() {
    return define<Filter>({
        .id = "Filter",
        .title = "Choose packets",
        .description = "Sends packets for which the expression 'when' is true to 'out', and the "
                       "others to 'rejected'. Packets are not changed.",
        .category = "data",
        .inports = {{.name = "in", .description = "packets to choose from", .required = true}},
        .outports = {{.name = "out", .description = "packets for which 'when' is true"},
                     {.name = "rejected", .description = "the others"}},
        .config_schema = R"({
            "type": "object",
            "examples": [{"when": "amount >= $least", "least": 100}],
            "required": ["when"],
            "description": "further keys can be read as $key by the expression",
            "properties": {
                "when": {"type": ["string", "boolean"],
                    "description": "expression that is true or false"}
            }
        })",
        .stateless = true,
    });
}

}  // namespace

Result<void> transform_family(Components& all) {
    for (auto make : {map, filter}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
