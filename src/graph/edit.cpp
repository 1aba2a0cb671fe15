// The graph model: the edits that reflow.h documents. Each checks everything first, and tidies up
// last, so that arguments may be views of the graph itself.
// Neighbours: insert.cpp. Thread: one at a time.
#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {
namespace {

// Configuration and metadata: an object, null, or none, which is null.
Result<Message> checked_object(Message value, std::string_view what) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return Message::null();
    if (value.is(REFLOW_KIND_OBJECT)) return value;
    return Failure(REFLOW_ERROR_WRONG_KIND,
                   concat(what, " is an object or null, not ", value.kind_name()));
}

Result<void> checked_id(std::string_view id, std::string_view what) {
    if (id.empty()) return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat(what, " is empty"));
    if (id.size() > limits::text_bytes) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat(what, " is longer than ", limits::text_bytes, " bytes"));
    }
    return {};
}

String edge_text(const Endpoint& end) {
    String text = concat(end.node, ".", end.port);
    if (end.index != REFLOW_NO_INDEX) append(text, concat("[", end.index, "]"));
    return text;
}

}  // namespace

Result<void> Graph::add_node(std::string_view id, std::string_view component, Message metadata) {
    if (auto fine = checked_id(id, "the id of a node"); !fine.ok()) return fine;
    if (auto fine = checked_id(component, "the component of a node"); !fine.ok()) return fine;
    auto config = checked_object(std::move(metadata), "the configuration of a node");
    if (!config.ok()) return config.take_error();
    if (find(id) != nullptr) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS, concat("there is a node '", id, "' already"))
            .node(id);
    }
    insert_node(intern(id), component, std::move(config).take(), {});
    return {};
}

Result<void> Graph::remove_node(std::string_view id) {
    std::uint32_t name = find_name(id);
    if (name == nowhere || names_[name].node == nowhere) return no_node(id);
    auto each = [&](Use use, auto erase) {
        for (;;) {
            std::uint32_t at = first(use, name);
            if (at == nowhere) return;
            erase(at);
        }
    };
    each(use_from, [&](std::uint32_t at) { erase_connection(at); });
    each(use_to, [&](std::uint32_t at) { erase_connection(at); });
    each(use_initial, [&](std::uint32_t at) { erase_initial(at); });
    each(use_inport, [&](std::uint32_t at) { erase_exposed(true, at); });
    each(use_outport, [&](std::uint32_t at) { erase_exposed(false, at); });
    leave_groups(name);
    Node& node = nodes_[names_[name].node];
    if (node.extras != nowhere) extras_[node.extras] = Extras{};
    node = Node{};
    names_[name].node = nowhere;
    --live_nodes_;
    dead_ += 2;  // its name as well
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::rename_node(std::string_view id, std::string_view new_id) {
    if (auto fine = checked_id(new_id, "the new id of a node"); !fine.ok()) return fine;
    if (find(id) == nullptr) return no_node(id);
    if (id == new_id) return {};
    if (find(new_id) != nullptr) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("there is a node '", new_id, "' already"))
            .node(new_id);
    }
    std::uint32_t from = find_name(id);
    std::uint32_t into = intern(new_id);
    // What mentions the new id already, without there being such a node, means this node now.
    if (names_[from].mentions != nowhere) {
        std::size_t more = mentions_[names_[from].mentions].groups.size();
        Vector<std::uint32_t>& groups = mentions_of(into).groups;
        groups.reserve(groups.size() + more);
    }
    std::uint32_t node = names_[from].node;
    merge_name(from, into);
    names_[from].node = nowhere;
    names_[into].node = node;
    nodes_[node].name = into;
    ++dead_;
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::set_component(std::string_view id, std::string_view component) {
    if (auto fine = checked_id(component, "the component of a node"); !fine.ok()) return fine;
    Node* node = find(id);
    if (node == nullptr) return no_node(id);
    std::uint32_t word = words_.intern(component);
    if (word != node->component) ++dead_;  // perhaps nobody has the old word any more
    node->component = word;
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::set_metadata(std::string_view id, Message metadata) {
    auto config = checked_object(std::move(metadata), "the configuration of a node");
    if (!config.ok()) return config.take_error();
    Node* node = find(id);
    if (node == nullptr) return no_node(id);
    set_metadata(*node, std::move(config).take());
    return {};
}

// An edge whose node exists, without its port: a failed edit adds no words. role: "the port a connection comes from".
Result<Graph::Edge> Graph::edge_for(const Endpoint& end, std::string_view role) {
    if (auto fine = checked_id(end.port, role); !fine.ok()) return fine.take_error();
    std::uint32_t name = find_name(end.node);
    if (name == nowhere || names_[name].node == nowhere) return no_node(end.node).port(end.port);
    Edge edge;
    edge.name = name;
    edge.index = end.index;
    return edge;
}

Result<void> Graph::connect(const Endpoint& from, const Endpoint& to, Message metadata) {
    auto checked = checked_object(std::move(metadata), "the metadata of a connection");
    if (!checked.ok()) return checked.take_error();
    auto source = edge_for(from, "the port that a connection comes from");
    if (!source.ok()) return source.take_error();
    auto target = edge_for(to, "the port that a connection goes to");
    if (!target.ok()) return target.take_error();
    if (find_to_edit(from, to) != nowhere) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat(edge_text(from), " is connected to ", edge_text(to), " already"))
            .node(to.node)
            .port(to.port);
    }
    Connection connection;
    connection.from = std::move(source).take();
    connection.to = std::move(target).take();
    std::uint32_t known = number_of_port(to.port);  // it may be a view of a word
    connection.from.port = intern_port(from.port);
    connection.to.port = known == nowhere ? intern_port(to.port) : known;
    insert_connection(connection, {std::move(checked).take(), {}, {}, {}});
    return {};
}

Result<void> Graph::disconnect(const Endpoint& from, const Endpoint& to) {
    std::uint32_t at = find_to_edit(from, to);
    if (at == nowhere) {
        return Failure(REFLOW_ERROR_NOT_FOUND,
                       concat("no connection from ", edge_text(from), " to ", edge_text(to)))
            .node(to.node)
            .port(to.port);
    }
    erase_connection(at);
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::add_initial(const Endpoint& to, Message data, Message metadata) {
    if (data.none()) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the data of an initial packet is none")
            .node(to.node)
            .port(to.port);
    }
    auto checked = checked_object(std::move(metadata), "the metadata of an initial packet");
    if (!checked.ok()) return checked.take_error();
    auto target = edge_for(to, "the port of an initial packet");
    if (!target.ok()) return target.take_error();
    Initial initial;
    initial.to = std::move(target).take();
    initial.to.port = intern_port(to.port);
    initial.data = std::move(data);
    initial.metadata = std::move(checked).take();
    insert_initial(std::move(initial));
    return {};
}

Result<void> Graph::remove_initials(const Endpoint& to) {
    std::uint32_t name = find_name(to.node);
    if (name == nowhere || names_[name].node == nowhere) return no_node(to.node).port(to.port);
    std::uint32_t port = number_of_port(to.port);
    bool found = false;
    for (std::uint32_t at = first(use_initial, name); at != nowhere;) {
        std::uint32_t next = initials_[at].to.next;
        const Edge& edge = initials_[at].to;
        if (edge.port == port && (to.index == REFLOW_NO_INDEX || to.index == edge.index)) {
            erase_initial(at);
            found = true;
        }
        at = next;
    }
    if (!found) {
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("no initial packet for ", edge_text(to)))
            .node(to.node)
            .port(to.port);
    }
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::expose(bool in, std::string_view name, const Endpoint& end,
                           const PortType& type) {
    std::string_view what = in ? "inport" : "outport";
    if (auto fine = checked_id(name, concat("the name of an exposed ", what)); !fine.ok()) {
        return fine;
    }
    auto edge = edge_for(end, concat("the port of an exposed ", what));
    if (!edge.ok()) return edge.take_error();
    Exposed exposed;
    exposed.name = port_text(name);
    if (find_exposed(in, exposed.name) != nowhere) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("there is an ", what, " '", exposed.name, "' already"))
            .port(name);
    }
    exposed.edge = std::move(edge).take();
    exposed.edge.port = intern_port(end.port);
    Ref<EdgeDetail> detail = make_ref<EdgeDetail>();
    detail->expose = true;
    detail->type = type;
    exposed.detail = std::move(detail);
    insert_exposed(in, std::move(exposed));
    return {};
}

Result<void> Graph::hide(bool in, std::string_view name) {
    std::uint32_t at = find_exposed(in, port_text(name));
    if (at == nowhere) {
        Vector<std::string_view> candidates;
        for (const Exposed& each : exposed_[in]) {
            if (each.live) candidates.push_back(each.name);
        }
        return Failure(REFLOW_ERROR_NOT_FOUND,
                       concat("no exposed ", in ? "inport '" : "outport '", name, "'"))
            .hint(did_you_mean(name, candidates))
            .port(name);
    }
    String folded = port_text(name);
    for (; at != nowhere; at = find_exposed(in, folded)) erase_exposed(in, at);
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::add_inport(std::string_view name, const Endpoint& to, const PortType& type) {
    return expose(true, name, to, type);
}
Result<void> Graph::add_outport(std::string_view name, const Endpoint& from, const PortType& type) {
    return expose(false, name, from, type);
}
Result<void> Graph::remove_inport(std::string_view name) { return hide(true, name); }
Result<void> Graph::remove_outport(std::string_view name) { return hide(false, name); }

Result<void> Graph::add_group(std::string_view id, std::span<const std::string_view> nodes) {
    if (auto fine = checked_id(id, "the id of a group"); !fine.ok()) return fine;
    if (find_group(id) != nowhere) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS, concat("there is a group '", id, "' already"));
    }
    Group group;
    group.id = id;
    group.names.reserve(nodes.size());
    for (std::string_view node : nodes) {
        if (find(node) == nullptr) return no_node(node);
        group.names.push_back(find_name(node));
    }
    insert_group(std::move(group));
    return {};
}

Result<void> Graph::remove_group(std::string_view id) {
    std::uint32_t at = find_group(id);
    if (at == nowhere) return Failure(REFLOW_ERROR_NOT_FOUND, concat("no group '", id, "'"));
    erase_group(at);
    compact_if_worthwhile();
    return {};
}

Result<void> Graph::add_to_group(std::string_view id, std::string_view node) {
    std::uint32_t at = find_group(id);
    if (at == nowhere) return Failure(REFLOW_ERROR_NOT_FOUND, concat("no group '", id, "'"));
    if (find(node) == nullptr) return no_node(node);
    std::uint32_t name = find_name(node);
    Vector<std::uint32_t>& names = groups_[at].names;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("group '", id, "' has node '", node, "' already"))
            .node(node);
    }
    Vector<std::uint32_t>& groups = mentions_of(name).groups;
    groups.push_back(at);
    // The second vector may lack memory: then the first is as it was, and the error goes on up.
    struct Undo {
        Vector<std::uint32_t>* groups;
        ~Undo() {
            if (groups != nullptr) groups->pop_back();
        }
    } undo{&groups};
    names.push_back(name);
    undo.groups = nullptr;
    return {};
}

Result<void> Graph::remove_from_group(std::string_view id, std::string_view node) {
    std::uint32_t at = find_group(id);
    if (at == nowhere) return Failure(REFLOW_ERROR_NOT_FOUND, concat("no group '", id, "'"));
    std::uint32_t name = find_name(node);
    if (name == nowhere || std::erase(groups_[at].names, name) == 0) {
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("no node '", node, "' in group '", id, "'"))
            .node(node);
    }
    std::erase(mentions_[names_[name].mentions].groups, at);
    if (groups_[at].names.empty()) erase_group(at);
    return {};
}

Result<void> Graph::set_property(std::string_view key, Message value) {
    if (key == "name" && !value.is(REFLOW_KIND_STRING)) {
        return Failure(REFLOW_ERROR_WRONG_KIND,
                       concat("the name of a graph is a string, not ", value.kind_name()));
    }
    auto changed = with_key(properties_, key, std::move(value));
    if (!changed.ok()) return changed.take_error();
    properties_ = std::move(changed).take();
    if (key == "name") {
        std::erase_if(remarks_, [](const Remark& each) { return each.code == "missing-name"; });
    }
    return {};
}

}  // namespace reflow::graph
