// Lays a hierarchy flat: components stand in place of subgraphs, and connections lead from
// component to component. Walks with stacks of its own, and counts what it makes, since a few
// graphs that hold each other twice are a very large one. Neighbours: hierarchy.cpp. Thread: one at
// a time.
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "graph/hierarchy.hpp"

namespace reflow::graph {

class Flattener {
public:
    Flattener(Hierarchy& hierarchy, std::uint64_t max_nodes)
        : definitions_(hierarchy.definitions_), max_nodes_(max_nodes) {}

    Result<Flat> run() {
        flat_.case_sensitive = definitions_[0]->graph->case_sensitive();
        if (definitions_[0]->children.empty()) return plain();
        if (Result<void> made = place_nodes(); !made.ok()) return made.take_error();
        for (std::uint32_t i = 0; i < instances_.size(); ++i) {
            if (Result<void> made = connect(i); !made.ok()) return made.take_error();
        }
        // The packets of a subgraph come before those that are meant for it from outside.
        for (std::size_t i = instances_.size(); i-- > 0;) {
            if (Result<void> made = feed(static_cast<std::uint32_t>(i)); !made.ok()) {
                return made.take_error();
            }
        }
        for (std::uint32_t i = 0; i < instances_.size(); ++i) {
            if (Result<void> made = expose(i); !made.ok()) return made.take_error();
        }
        return std::move(flat_);
    }

private:
    using Definition = Hierarchy::Definition;

    // One use of a definition.
    struct Instance {
        std::uint32_t definition = 0;
        std::string_view path;        // "outer/inner"; empty: the graph itself
        Vector<std::uint32_t> slots;  // by node: its flat position, or the instance
    };
    // An end of a connection, as it stands in an instance.
    struct End {
        std::uint32_t instance = 0;
        const EdgeItem* edge = nullptr;
        std::uint32_t index = REFLOW_NO_INDEX;
    };

    Result<Flat> plain() {
        View& view = definitions_[0]->view;
        flat_.scopes.push_back({{}, 0, {}, definitions_[0]->graph->properties()});
        flat_.nodes = std::move(view.nodes);
        flat_.connections = std::move(view.connections);
        flat_.initials = std::move(view.initials);
        for (const ExposedItem& item : view.inports) {
            flat_.inports.push_back({{}, item.name, item.edge});
        }
        for (const ExposedItem& item : view.outports) {
            flat_.outports.push_back({{}, item.name, item.edge});
        }
        return std::move(flat_);
    }

    static Failure too_much(std::string_view what, std::uint64_t limit) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("with its subgraphs the graph has more than ", limit, " ", what));
    }

    [[nodiscard]] const Definition& definition_of(std::uint32_t instance) const {
        return *definitions_[instances_[instance].definition];
    }
    [[nodiscard]] static std::uint32_t child_of(const Definition& definition, std::uint32_t node) {
        return definition.children.empty() ? nowhere : definition.children[node];
    }

    // The id of a node as a path, kept with what is flat.
    Result<std::string_view> path_below(std::string_view path, std::string_view id) {
        if (path.empty()) return id;
        text_bytes_ += path.size() + 1 + id.size();
        if (text_bytes_ > limits::subgraph_ids_bytes) {
            return too_much("bytes of node ids", limits::subgraph_ids_bytes);
        }
        flat_.texts.push_back(std::make_unique<String>(concat(path, "/", id)));
        return std::string_view(*flat_.texts.back());
    }

    // Nodes in the order of the documents, those of a subgraph in its place.
    Result<void> place_nodes() {
        struct Frame {
            std::uint32_t instance = 0;
            std::uint32_t next = 0;
        };
        Vector<Frame> stack;
        instances_.push_back({0, {}, Vector<std::uint32_t>(definitions_[0]->view.nodes.size())});
        flat_.scopes.push_back({{}, 0, {}, definitions_[0]->graph->properties()});
        stack.push_back({});
        while (!stack.empty()) {
            std::uint32_t instance = stack.back().instance;
            const Definition& definition = definition_of(instance);
            if (stack.back().next == definition.view.nodes.size()) {
                stack.pop_back();
                continue;
            }
            std::uint32_t node = stack.back().next++;
            NodeItem item = definition.view.nodes[node];
            Result<std::string_view> path = path_below(instances_[instance].path, item.id);
            if (!path.ok()) return path.take_error();
            std::uint32_t child = child_of(definition, node);
            if (child == nowhere) {
                if (flat_.nodes.size() == max_nodes_) return too_much("nodes", max_nodes_);
                item.id = path.value();
                instances_[instance].slots[node] = static_cast<std::uint32_t>(flat_.nodes.size());
                flat_.nodes.push_back(item);
                flat_.origins.push_back(
                    {definition.directory, definition.graph->case_sensitive(), instance});
                continue;
            }
            if (instances_.size() > limits::subgraphs_count) {
                return too_much("subgraphs", limits::subgraphs_count);
            }
            auto made = static_cast<std::uint32_t>(instances_.size());
            instances_[instance].slots[node] = made;
            instances_.push_back({child, path.value(),
                                  Vector<std::uint32_t>(definitions_[child]->view.nodes.size())});
            flat_.scopes.push_back(
                {path.value(), instance, item.metadata, definitions_[child]->graph->properties()});
            stack.push_back({made, 0});
        }
        return {};
    }

    // The ports of components that an end leads to, in order: those of a node, or what a subgraph
    // exposes under this name.
    Result<void> follow(std::uint32_t instance, const EdgeItem& edge, bool in,
                        Vector<EdgeItem>& found) {
        found.clear();
        open_.clear();
        open_.push_back({instance, &edge, edge.index});
        while (!open_.empty()) {
            if (++ends_count_ > limits::subgraph_ends_count) {
                return too_much("ends of connections", limits::subgraph_ends_count);
            }
            End end = open_.back();
            open_.pop_back();
            const Definition& definition = definition_of(end.instance);
            std::uint32_t slot = instances_[end.instance].slots[end.edge->position];
            std::uint32_t child = child_of(definition, end.edge->position);
            if (child == nowhere) {
                EdgeItem leaf;
                leaf.node = flat_.nodes[slot].id;
                leaf.port = end.edge->port;
                leaf.position = slot;
                leaf.index = end.index;
                found.push_back(leaf);
                continue;
            }
            enter(slot, *definitions_[child], *end.edge, in, end.index);
        }
        return {};
    }

    // The ends of an exposed port, the first on top. The element that the subgraph names counts; if
    // it names none, that of the connection.
    void enter(std::uint32_t instance, const Definition& inner, const EdgeItem& edge, bool in,
               std::uint32_t index) {
        const PortTable& table = in ? *inner.known.inports : *inner.known.outports;
        std::uint32_t port = table.find(edge.port);
        if (port == nowhere) return;  // a hierarchy with errors
        const Vector<ExposedItem>& items = in ? inner.view.inports : inner.view.outports;
        const Vector<std::uint32_t>& first = in ? inner.first_in : inner.first_out;
        std::size_t end = port + 1 < first.size() ? first[port + 1] : items.size();
        for (std::size_t i = end; i-- > first[port];) {
            const EdgeItem& below = items[i].edge;
            open_.push_back(
                {instance, &below, below.index != REFLOW_NO_INDEX ? below.index : index});
        }
    }

    Result<void> connect(std::uint32_t instance) {
        for (const ConnectionItem& item : definition_of(instance).view.connections) {
            Result<void> from = follow(instance, item.from, false, from_);
            if (!from.ok()) return from;
            Result<void> to = follow(instance, item.to, true, to_);
            if (!to.ok()) return to;
            ends_count_ += from_.size() * to_.size();
            if (ends_count_ > limits::subgraph_ends_count) {
                return too_much("ends of connections", limits::subgraph_ends_count);
            }
            for (const EdgeItem& sender : from_) {
                for (const EdgeItem& target : to_) {
                    ConnectionItem made = item;
                    made.from = sender;
                    made.to = target;
                    flat_.connections.push_back(made);
                }
            }
        }
        return {};
    }

    Result<void> feed(std::uint32_t instance) {
        for (const InitialItem& item : definition_of(instance).view.initials) {
            Result<void> to = follow(instance, item.to, true, to_);
            if (!to.ok()) return to;
            for (const EdgeItem& target : to_) flat_.initials.emplace_back(item).to = target;
        }
        return {};
    }

    Result<void> expose(std::uint32_t instance) {
        const View& view = definition_of(instance).view;
        for (bool in : {true, false}) {
            for (const ExposedItem& item : in ? view.inports : view.outports) {
                Result<void> ends = follow(instance, item.edge, in, to_);
                if (!ends.ok()) return ends;
                for (const EdgeItem& end : to_) {
                    (in ? flat_.inports : flat_.outports)
                        .push_back({instances_[instance].path, item.name, end});
                }
            }
        }
        return {};
    }

    Vector<std::unique_ptr<Definition>>& definitions_;
    const std::uint64_t max_nodes_;
    Flat flat_;
    Vector<Instance> instances_;
    Vector<End> open_;
    Vector<EdgeItem> from_;
    Vector<EdgeItem> to_;
    std::uint64_t ends_count_ = 0;
    std::size_t text_bytes_ = 0;
};

Result<Flat> Hierarchy::flatten(std::uint64_t max_nodes) {
    return Flattener(*this, max_nodes).run();
}

}  // namespace reflow::graph
