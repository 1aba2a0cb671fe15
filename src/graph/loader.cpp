// Builds a graph from a document: sections, nodes, exposed ports, groups.
// What can be represented is loaded; validate.cpp judges it. Neighbours: loader_edges.cpp.
// Thread: one at a time.
#include "graph/loader.hpp"

#include <utility>

#include "base/text.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t remarks_count = 100;

Result<Message> finish(std::optional<ObjectBuilder>& extra) {
    if (!extra) return Message();
    return extra->finish();
}

}  // namespace

void Loader::keep(std::optional<ObjectBuilder>& extra, std::string_view key, MessageRef value) {
    if (!extra) extra.emplace();
    extra->set(key, value.own());
}

Failure Loader::wrong(std::string_view expected, MessageRef found) {
    return Failure(REFLOW_ERROR_GRAPH,
                   concat("expected ", expected, ", found ", kind_with_article(found)))
        .path(path_.text());
}

Failure Loader::wrong_at(std::string_view key, std::string_view expected, MessageRef found) {
    path_.add_key(key);
    return wrong(expected, found);
}

Failure Loader::twice(std::string_view key) {
    path_.add_key(key);
    return Failure(REFLOW_ERROR_GRAPH,
                   concat("'", key, "' is given twice, under two names that mean the same"))
        .path(path_.text());
}

void Loader::remark(std::string_view code, String message, std::string_view hint) {
    if (graph_.remarks_.size() == remarks_count) return;
    graph_.remarks_.push_back({code, std::move(message), String(hint), path_.text()});
}

Loader::Key Loader::key_of(std::string_view name) noexcept {
    constexpr struct {
        std::string_view name;
        Key key;
    } names[] = {
        {"processes", key_processes},
        {"connections", key_connections},
        {"properties", key_properties},
        {"inports", key_inports},
        {"outports", key_outports},
        {"groups", key_groups},
        {"caseSensitive", key_case_sensitive},
        {"case_sensitive", key_case_sensitive},
        {"graphDependencies", key_graph_dependencies},
        {"graph_dependencies", key_graph_dependencies},
        {"externalConnections", key_external_connections},
        {"external_connections", key_external_connections},
        {"providedInterfaces", key_provided_interfaces},
        {"provided_interfaces", key_provided_interfaces},
        {"requiredInterfaces", key_required_interfaces},
        {"required_interfaces", key_required_interfaces},
    };
    for (const auto& each : names) {
        if (each.name == name) return each.key;
    }
    return key_count;
}

Result<Graph> Loader::run(MessageRef document) {
    if (!document.is(REFLOW_KIND_OBJECT)) {
        return wrong("an object, the document of a graph", document);
    }
    if (auto fine = collect(document); !fine.ok()) return fine.take_error();
    if (auto fine = take_case_sensitive(sections_[key_case_sensitive]); !fine.ok()) {
        return fine.take_error();
    }
    if (auto fine = take_properties(sections_[key_properties]); !fine.ok()) {
        return fine.take_error();
    }
    for (std::size_t i = 0; i < section_count; ++i) {
        if (auto fine = take_section(i, sections_[key_graph_dependencies + i]); !fine.ok()) {
            return fine.take_error();
        }
    }
    if (auto fine = take_processes(sections_[key_processes]); !fine.ok()) return fine.take_error();
    if (auto fine = take_connections(sections_[key_connections]); !fine.ok()) {
        return fine.take_error();
    }
    for (bool in : {true, false}) {
        auto fine = take_exposed(in, sections_[in ? key_inports : key_outports]);
        if (!fine.ok()) return fine.take_error();
    }
    if (auto fine = take_groups(sections_[key_groups]); !fine.ok()) return fine.take_error();
    return std::move(graph_);
}

// Sorts the sections; the order in which they stand does not matter.
Result<void> Loader::collect(MessageRef document) {
    std::optional<ObjectBuilder> extra;
    for (std::size_t i = 0; i < document.size(); ++i) {
        Key key = key_of(document.key_at(i));
        if (key == key_count) {
            keep(extra, document.key_at(i), document.at(i));
            continue;
        }
        if (!sections_[key].none()) return twice(document.key_at(i));
        sections_[key] = document.at(i);
    }
    auto made = finish(extra);
    if (!made.ok()) return made.take_error();
    graph_.extra_ = std::move(made).take();
    return {};
}

Result<void> Loader::take_case_sensitive(MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return {};
    if (!value.is(REFLOW_KIND_BOOLEAN)) {
        return wrong_at("caseSensitive", "a boolean for 'caseSensitive'", value);
    }
    graph_.case_sensitive_ = value.boolean();
    return {};
}

Result<void> Loader::take_properties(MessageRef value) {
    if (!value.none() && !value.is(REFLOW_KIND_NULL) && !value.is(REFLOW_KIND_OBJECT)) {
        return wrong_at("properties", "an object for 'properties'", value);
    }
    MessageRef name = value.get("name");
    if (!name.none() && !name.is(REFLOW_KIND_STRING)) {
        path_.add_key("properties");
        return wrong_at("name", "a string for the name of the graph", name);
    }
    if (!name.none()) {
        graph_.properties_ = value.own();
        return {};
    }
    std::size_t size = path_.size();
    path_.add_key("properties");
    remark("missing-name", concat("the graph has no name; it is called '", graph_.name(), "'"),
           "give it one in properties.name");
    path_.cut(size);
    if (!value.is(REFLOW_KIND_OBJECT)) return {};
    auto named = with_key(value, "name", graph_.properties_.get("name").own());
    if (!named.ok()) return named.take_error();
    graph_.properties_ = std::move(named).take();
    return {};
}

Result<void> Loader::take_section(std::size_t number, MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return {};
    Section section = static_cast<Section>(number);
    bool list = section == Section::graph_dependencies || section == Section::external_connections;
    if (!value.is(list ? REFLOW_KIND_ARRAY : REFLOW_KIND_OBJECT)) {
        std::string_view key = section_key(section);
        return wrong_at(key, concat(list ? "an array for '" : "an object for '", key, "'"), value);
    }
    if (value.size() > 0) graph_.sections_[number] = value.own();
    return {};
}

Result<void> Loader::take_processes(MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return {};
    std::size_t size = path_.size();
    path_.add_key("processes");
    if (!value.is(REFLOW_KIND_OBJECT)) {
        return wrong("an object for 'processes', a node under each key", value);
    }
    graph_.ids_.reserve(value.size());
    graph_.names_.reserve(value.size() + 1);
    graph_.nodes_.reserve(value.size());
    std::size_t inner = path_.size();
    for (std::size_t i = 0; i < value.size(); ++i) {
        path_.add_key(value.key_at(i));
        auto fine = take_process(value.key_at(i), value.at(i));
        if (!fine.ok()) return fine;
        path_.cut(inner);
    }
    path_.cut(size);
    return {};
}

Result<void> Loader::take_process(std::string_view id, MessageRef value) {
    if (!value.is(REFLOW_KIND_OBJECT)) return wrong("an object for a node", value);
    std::string_view component;
    Message metadata = Message::null();
    std::optional<ObjectBuilder> extra;
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::string_view key = value.key_at(i);
        MessageRef field = value.at(i);
        if (key == "component") {
            if (!field.is(REFLOW_KIND_STRING)) {
                return wrong_at(key, "a string for the component", field);
            }
            component = field.text();
        } else if (key == "metadata") {
            auto checked = object_or_null(key, field);
            if (!checked.ok()) return checked.take_error();
            metadata = std::move(checked).take();
        } else if (key == "id") {
            auto own = text(key, field);
            if (!own.ok()) return own.take_error();
            if (own.value() != id) {
                remark("id-differs",
                       concat("the node is called '", id, "' by its key and '", own.value(),
                              "' by its 'id'; the key counts"),
                       {});
            }
        } else {
            keep(extra, key, field);
        }
    }
    auto rest = finish(extra);
    if (!rest.ok()) return rest.take_error();
    graph_.insert_node(graph_.intern(id), component, std::move(metadata), std::move(rest).take());
    return {};
}

Result<void> Loader::take_exposed(bool in, MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return {};
    std::size_t size = path_.size();
    path_.add_key(in ? "inports" : "outports");
    if (!value.is(REFLOW_KIND_OBJECT)) {
        return wrong(in ? "an object for 'inports'" : "an object for 'outports'", value);
    }
    std::size_t inner = path_.size();
    for (std::size_t i = 0; i < value.size(); ++i) {
        path_.add_key(value.key_at(i));
        String name = graph_.port_text(value.key_at(i));
        if (graph_.find_exposed(in, name) != nowhere) {
            return Failure(REFLOW_ERROR_GRAPH,
                           concat("two exposed ", in ? "inports" : "outports", " are called '",
                                  name, "' when case does not count"))
                .path(path_.text())
                .hint("set caseSensitive to true");
        }
        if (auto fine = take_ends(in, name, value.at(i)); !fine.ok()) return fine;
        path_.cut(inner);
    }
    path_.cut(size);
    return {};
}

// What an exposed port leads to: an end, or an array of ends.
Result<void> Loader::take_ends(bool in, std::string_view name, MessageRef value) {
    bool several = value.is(REFLOW_KIND_ARRAY);
    if (several && value.size() == 0) return wrong("an end, or some of them", value);
    std::size_t size = path_.size();
    for (std::size_t i = 0; i < (several ? value.size() : 1); ++i) {
        if (several) path_.add_index(i);
        auto end = edge(several ? value.at(i) : value, true);
        if (!end.ok()) return end.take_error();
        Graph::Exposed exposed;
        exposed.name = name;
        exposed.edge = end.value().edge;
        exposed.detail = end.value().detail;
        graph_.insert_exposed(in, std::move(exposed));
        path_.cut(size);
    }
    return {};
}

Result<void> Loader::take_groups(MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return {};
    std::size_t size = path_.size();
    path_.add_key("groups");
    if (!value.is(REFLOW_KIND_ARRAY)) return wrong("an array for 'groups'", value);
    std::size_t inner = path_.size();
    for (std::size_t i = 0; i < value.size(); ++i) {
        path_.add_index(i);
        if (auto fine = take_group(value.at(i)); !fine.ok()) return fine;
        path_.cut(inner);
    }
    path_.cut(size);
    return {};
}

Result<void> Loader::take_group(MessageRef value) {
    if (!value.is(REFLOW_KIND_OBJECT)) return wrong("an object for a group", value);
    // Tools of flow-based programming call the id "name".
    std::string_view id_key = value.has("id") || !value.has("name") ? "id" : "name";
    auto id = text(id_key, value.get(id_key));
    if (!id.ok()) return id.take_error();
    Graph::Group group;
    group.id = id.value();
    std::optional<ObjectBuilder> extra;
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::string_view key = value.key_at(i);
        MessageRef field = value.at(i);
        if (key == id_key) continue;
        if (key == "metadata") {
            auto checked = object_or_null(key, field);
            if (!checked.ok()) return checked.take_error();
            group.metadata = std::move(checked).take();
        } else if (key == "nodes") {
            if (auto fine = take_members(field, group.names); !fine.ok()) return fine;
        } else {
            keep(extra, key, field);
        }
    }
    auto rest = finish(extra);
    if (!rest.ok()) return rest.take_error();
    group.extra = std::move(rest).take();
    if (graph_.find_group(group.id) != nowhere) {
        return Failure(REFLOW_ERROR_GRAPH, concat("two groups have the id '", group.id, "'"))
            .path(path_.text());
    }
    graph_.insert_group(std::move(group));
    return {};
}

Result<void> Loader::take_members(MessageRef value, Vector<std::uint32_t>& names) {
    if (value.is(REFLOW_KIND_NULL)) return {};
    if (!value.is(REFLOW_KIND_ARRAY)) {
        return wrong_at("nodes", "an array for the nodes of a group", value);
    }
    names.reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        MessageRef member = value.at(i);
        if (!member.is(REFLOW_KIND_STRING)) {
            path_.add_key("nodes");
            path_.add_index(i);
            return wrong("the id of a node", member);
        }
        names.push_back(graph_.intern(member.text()));
    }
    return {};
}

Result<Message> Loader::object_or_null(std::string_view key, MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return Message::null();
    if (value.is(REFLOW_KIND_OBJECT)) return value.own();
    return wrong_at(key, concat("an object or null for '", key, "'"), value);
}

Result<std::string_view> Loader::text(std::string_view key, MessageRef value) {
    if (value.is(REFLOW_KIND_STRING)) return value.text();
    return wrong_at(key, concat("a string for '", key, "'"), value);
}

}  // namespace reflow::graph
