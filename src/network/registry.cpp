// The components of a runtime.
// Thread: any; no lock is held while a schema is checked or a list is built from outside data.
#include "network/registry.hpp"

#include "base/limits.hpp"
#include "graph/config_schema.hpp"

namespace reflow::network {
namespace {

using runtime::Component;
using runtime::Port;

Result<void> check_name(std::string_view what, std::string_view name) {
    if (name.empty() || name.size() > limits::name_bytes) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat(what, " '", name.substr(0, limits::name_bytes), "' has ", name.size(),
                              " bytes, not 1 to ", limits::name_bytes));
    }
    if (auto offset = invalid_utf8(name)) {
        return Failure(REFLOW_ERROR_INVALID_UTF8,
                       concat(what, " is not UTF-8: invalid byte at ", *offset))
            .at(0, 0, *offset);
    }
    return {};
}

Result<void> check_ports(std::string_view component, const Vector<Port>& ports) {
    if (ports.size() > limits::ports_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("component '", component, "' has ", ports.size(), " ports, at most ",
                              limits::ports_count, " are possible"));
    }
    TextMap<bool> seen;
    for (const Port& port : ports) {
        if (Result<void> named = check_name("port name", port.name); !named.ok()) return named;
        if (!seen.emplace(port.name, true).second) {
            return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                           concat("component '", component, "' has two ports of one name"))
                .port(port.name);
        }
    }
    return {};
}

Failure graph_exists(std::string_view id) {
    return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                   concat("'", id, "' is registered already, as a graph"));
}

Message list_ports(const Vector<Port>& ports) {
    ArrayBuilder array(ports.size());
    for (const Port& port : ports) {
        ObjectBuilder object(5);
        object.set("name", Message::string(port.name));
        object.set("type", Message::string(port.type.text()));
        object.set("description", Message::string(port.description));
        object.set("required", Message::boolean(port.required));
        object.set("array", Message::boolean(port.array));
        array.append(object.finish().take());
    }
    return array.finish().take();
}

std::string_view await_name(reflow_await await) noexcept {
    if (await == REFLOW_AWAIT_ALL) return "all";
    return await == REFLOW_AWAIT_REQUIRED ? "required" : "any";
}

Vector<graph::PortInfo> describe_ports(const Vector<Port>& ports) {
    Vector<graph::PortInfo> infos;
    infos.reserve(ports.size());
    for (const Port& port : ports) {
        infos.push_back({port.name, &port.type, port.required, port.array});
    }
    return infos;
}

}  // namespace

Result<void> Registry::add(runtime::ComponentRef component) {
    Component& added = *component;
    if (Result<void> named = check_name("component id", added.id); !named.ok()) return named;
    if (!added.find_outport(runtime::error_port_name)) {
        Port error;
        error.name = runtime::error_port_name;
        error.type = PortType::parse("string").take();
        error.description = "errors of firings that failed";
        added.outports.push_back(std::move(error));
    }
    added.error_port = *added.find_outport(runtime::error_port_name);
    if (Result<void> in = check_ports(added.id, added.inports); !in.ok()) return in;
    if (Result<void> out = check_ports(added.id, added.outports); !out.ok()) return out;
    Result<void> schema = graph::check_schema(added.config_schema);
    if (!schema.ok()) {
        return Failure(REFLOW_ERROR_CONFIG, concat("config schema of component '", added.id, "'"))
            .because(schema.take_error());
    }
    if (added.inports.empty()) added.source = true;
    std::lock_guard lock(mutex_);
    if (graphs_.find(added.id) != graphs_.end()) return graph_exists(added.id);
    if (!components_.emplace(added.id, component).second) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("component '", added.id, "' is registered already"));
    }
    return {};
}

Result<void> Registry::add_graph(std::string_view id, graph::Graph graph) {
    if (Result<void> named = check_name("graph id", id); !named.ok()) return named;
    auto shared = make_ref<graph::SharedGraph>(std::move(graph));
    std::lock_guard lock(mutex_);
    if (components_.find(id) != components_.end()) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("'", id, "' is registered already, as a component"));
    }
    if (!graphs_.emplace(id, std::move(shared)).second) return graph_exists(id);
    any_graphs_.store(true, std::memory_order_relaxed);
    return {};
}

Ref<graph::SharedGraph> Registry::graph(std::string_view id) const {
    if (!any_graphs_.load(std::memory_order_relaxed)) return {};
    std::lock_guard lock(mutex_);
    auto found = graphs_.find(id);
    return found == graphs_.end() ? Ref<graph::SharedGraph>() : found->second;
}

runtime::ComponentRef Registry::find(std::string_view id) const {
    std::lock_guard lock(mutex_);
    auto found = components_.find(id);
    return found == components_.end() ? runtime::ComponentRef() : found->second;
}

Result<Message> Registry::list() const {
    std::lock_guard lock(mutex_);
    ArrayBuilder array(components_.size());
    for (const auto& [id, component] : components_) {
        ObjectBuilder object(8);
        object.set("id", Message::string(id));
        object.set("title", Message::string(component->title));
        object.set("description", Message::string(component->description));
        object.set("category", Message::string(component->category));
        object.set("await", Message::string(await_name(component->await)));
        object.set("source", Message::boolean(component->source));
        object.set("inports", list_ports(component->inports));
        object.set("outports", list_ports(component->outports));
        object.set("config", component->config_schema.none() ? ObjectBuilder().finish().take()
                                                             : component->config_schema);
        Result<Message> finished = object.finish();
        if (!finished.ok()) return finished;
        array.append(std::move(finished).take());
    }
    return array.finish();
}

bool Registry::describe(std::string_view component, graph::ComponentInfo& info) const {
    runtime::ComponentRef found = find(component);
    if (!found) return false;
    info.inports = describe_ports(found->inports);
    info.outports = describe_ports(found->outports);
    info.config_schema = found->config_schema;
    return true;
}

Vector<std::string_view> Registry::ids() const {
    std::lock_guard lock(mutex_);
    Vector<std::string_view> ids;
    for (const auto& [id, component] : components_) ids.push_back(id);
    for (const auto& [id, graph] : graphs_) ids.push_back(id);
    return ids;
}

}  // namespace reflow::network
