// Turns the definition of a built-in component into the form that the registry takes.
// Thread: any.
#include "components/actor.hpp"

#include "codec/json.hpp"

namespace reflow::components {
namespace {

Result<void> add_ports(Vector<runtime::Port>& ports, std::initializer_list<PortText> texts) {
    ports.reserve(texts.size());
    for (const PortText& text : texts) {
        Result<PortType> type = PortType::parse(text.type);
        if (!type.ok()) return type.take_error();
        runtime::Port port;
        port.name = text.name;
        port.type = std::move(type).take();
        port.description = text.description;
        port.required = text.required;
        port.array = text.array;
        port.capacity = text.capacity;
        ports.push_back(std::move(port));
    }
    return {};
}

}  // namespace

Failure bad_state(std::string_view what) {
    return Failure(REFLOW_ERROR_PARSE,
                   concat("the saved state is not one of this component: ", what));
}

bool saved_count(MessageRef value, std::uint64_t& to) noexcept {
    to = static_cast<std::uint64_t>(value.integer());
    return value.is(REFLOW_KIND_INTEGER) && value.integer() >= 0;
}

bool of_other_file(const Context& context, MessageRef saved_path, std::string_view path) noexcept {
    return context.phase == runtime::Phase::replace && saved_path.text() != path;
}

Result<runtime::ComponentRef> describe(const Definition& definition) {
    runtime::ComponentRef component = make_ref<runtime::Component>();
    component->id = definition.id;
    component->title = definition.title;
    component->description = definition.description;
    component->category = definition.category;
    component->await = definition.await;
    component->max_batch = definition.max_batch;
    component->external = definition.external;
    component->stateless = definition.stateless;
    component->private_state = true;
    component->source = definition.source || definition.inports.size() == 0;
    Result<void> added = add_ports(component->inports, definition.inports);
    if (added.ok()) added = add_ports(component->outports, definition.outports);
    if (!added.ok()) return added.take_error();
    if (!definition.config_schema.empty()) {
        Result<Message> schema =
            codec::read_json(definition.config_schema, {}, codec::Duplicates::refuse);
        if (!schema.ok()) {
            return Failure(REFLOW_ERROR_CONFIG,
                           concat("the schema of component '", definition.id, "' is not JSON"))
                .because(schema.take_error());
        }
        component->config_schema = std::move(schema).take();
    }
    return component;
}

}  // namespace reflow::components
