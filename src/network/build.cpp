// From a graph to actors and connections.
// Thread: that of the caller of Network::create.
#include <algorithm>

#include "base/limits.hpp"
#include "graph/hierarchy.hpp"
#include "graph/node_settings.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Component;
using runtime::Connection;
using runtime::Delivery;

namespace {

std::optional<std::uint32_t> find_port(const Vector<runtime::Port>& ports, std::string_view name,
                                       bool case_sensitive) noexcept {
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        if (graph::same_port(name, ports[i].name, case_sensitive)) return i;
    }
    return std::nullopt;
}

// "kind" and "capacity" in the metadata of a connection.
struct ConnectionConfig {
    Delivery delivery = Delivery::reliable;
    std::uint32_t capacity = 0;  // 0: not given
};

Result<ConnectionConfig> read_config(const graph::ConnectionItem& connection) {
    ConnectionConfig config;
    MessageRef kind = connection.metadata.get("kind");
    MessageRef capacity = connection.metadata.get("capacity");
    static constexpr std::string_view kinds[] = {"reliable", "latest", "drop-oldest",
                                                 "drop-newest"};
    auto wrong = [&](String text) {
        return Failure(REFLOW_ERROR_CONFIG, text).node(connection.to.node).port(connection.to.port);
    };
    if (!kind.none()) {
        auto found = std::find(std::begin(kinds), std::end(kinds), kind.text());
        if (found == std::end(kinds)) {
            return wrong(concat("connection kind '", kind.text(),
                                "' is not reliable, latest, drop-oldest or drop-newest"))
                .hint(did_you_mean(kind.text(), kinds));
        }
        config.delivery = static_cast<Delivery>(found - std::begin(kinds));
    }
    if (!capacity.none()) {
        if (!capacity.is(REFLOW_KIND_INTEGER) || capacity.integer() < 1 ||
            capacity.integer() > INT32_MAX) {
            return wrong(concat("connection capacity is not an integer from 1 to ", INT32_MAX));
        }
        config.capacity = static_cast<std::uint32_t>(capacity.integer());
    }
    return config;
}

}  // namespace

class Builder {
public:
    Builder(Network& network, const graph::Graph& graph, const graph::Flat& flat)
        : network_(network), graph_(graph), view_(flat) {}

    Result<void> build() {
        network_.case_sensitive_ = graph_.case_sensitive();
        if (Result<void> made = make_actors(); !made.ok()) return made;
        network_.index_actors();
        if (Result<void> made = make_connections(); !made.ok()) return made;
        if (Result<void> made = make_initials(); !made.ok()) return made;
        if (Result<void> made = make_exposed(view_.inports, true); !made.ok()) return made;
        if (Result<void> made = make_exposed(view_.outports, false); !made.ok()) return made;
        if (Result<void> counted = count_packets(); !counted.ok()) return counted;
        settle_awaits();
        mark_shared_targets();
        order_finishes();
        for (auto& actor : network_.actors_) {
            if (Result<void> created = actor->create(); !created.ok()) return created;
        }
        return {};
    }

private:
    Result<void> make_actors() {
        Runtime& runtime = *network_.runtime_;
        std::size_t count = view_.nodes.size();
        if (!runtime.add_actors(count)) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("a graph of ", count, " nodes exceeds max_actors, ",
                                  runtime.options().max_actors, " in all networks"));
        }
        network_.counted_actors_ = count;
        network_.actors_.reserve(count);
        network_.group_.actors.reserve(count);
        network_.fed_.resize(count);
        TextMap<runtime::ComponentRef> components;
        const std::pair<const String, runtime::ComponentRef>* last = nullptr;
        Message empty = ObjectBuilder().finish().take();
        for (std::size_t at = 0; at < count; ++at) {
            const graph::NodeItem& node = view_.nodes[at];
            if (last == nullptr || last->first != node.component) {
                auto found = components.find(node.component);
                if (found == components.end()) {
                    found = components
                                .emplace(String(node.component),
                                         runtime.registry.find(node.component))
                                .first;
                }
                last = &*found;
            }
            const runtime::ComponentRef& component = last->second;
            REFLOW_ASSERT(component);  // validated
            Message config = node.metadata.is(REFLOW_KIND_OBJECT) ? node.metadata.own() : empty;
            if (Result<void> placed = place(config, *component, at); !placed.ok()) {
                return placed;
            }
            network_.actors_.emplace_back(new Actor(network_.group_, component, node.id,
                                                    std::move(config),
                                                    runtime.options().port_capacity));
            Actor& actor = *network_.actors_.back();
            network_.group_.actors.push_back(&actor);
            Result<graph::NodeSettings> settings = graph::read_node_settings(actor.config);
            if (!settings.ok()) return settings.take_error();
            if (auto timeout = settings.value().timeout_ns) actor.allow_deferred(*timeout);
            for (std::uint32_t i = 0; i < actor.component->inports.size(); ++i) {
                std::uint32_t capacity = actor.component->inports[i].capacity;
                if (capacity != 0) actor.mailbox.set_capacity(i, capacity);
            }
        }
        return {};
    }

    // Tells a node the folder of the graph's file, if its component asks for it by a configuration
    // key marked "x-graph-directory" and the graph does not set that key.
    Result<void> place(Message& config, const Component& component, std::size_t node) const {
        std::string_view folder =
            view_.origins.empty() ? graph_.directory() : view_.origins[node].directory;
        if (folder.empty()) return {};
        MessageRef keys = component.config_schema.get("properties");
        for (std::size_t i = 0; i < keys.size(); ++i) {
            bool wanted = keys.at(i).get("x-graph-directory").boolean();
            if (!wanted || config.has(keys.key_at(i))) continue;
            Result<Message> placed = with_key(config, keys.key_at(i), Message::string(folder));
            if (!placed.ok()) return placed.take_error();
            config = std::move(placed).take();
        }
        return {};
    }

    Result<std::uint32_t> port_of(const graph::EdgeItem& edge, bool in) const {
        const Component& component = *network_.actors_[edge.position]->component;
        bool case_sensitive = view_.origins.empty() ? graph_.case_sensitive()
                                                    : view_.origins[edge.position].case_sensitive;
        auto found =
            find_port(in ? component.inports : component.outports, edge.port, case_sensitive);
        if (!found) {
            return Failure(REFLOW_ERROR_GRAPH,
                           concat("no ", in ? "inport" : "outport", " of this name"))
                .node(edge.node)
                .port(edge.port);
        }
        return *found;
    }

    // What the ports may hold.
    Result<void> count_packets() {
        std::uint64_t count = 0;
        for (const auto& actor : network_.actors_) {
            for (std::uint32_t i = 0; i < actor->component->inports.size(); ++i) {
                count += actor->mailbox.capacity(i);
            }
        }
        if (Result<void> added = network_.runtime_->add_packets(count); !added.ok()) return added;
        network_.counted_packets_ = count;
        return {};
    }

    Result<void> make_connections() {
        // Connections of one port stand together in a vector, whose size is known first.
        for (const graph::ConnectionItem& item : view_.connections) {
            Result<std::uint32_t> from = port_of(item.from, false);
            if (!from.ok()) return from.take_error();
            Result<std::uint32_t> to = port_of(item.to, true);
            if (!to.ok()) return to.take_error();
            Result<ConnectionConfig> config = read_config(item);
            if (!config.ok()) return config.take_error();
            Actor& sender = *network_.actors_[item.from.position];
            Actor& target = *network_.actors_[item.to.position];
            if (config.value().capacity != 0) {
                target.mailbox.set_capacity(to.value(), config.value().capacity);
            }
            target.mailbox.add_sender(to.value());
            network_.fed_[item.to.position] |= Network::by_connection;
            Connection connection;
            connection.mailbox = &target.mailbox;
            connection.target = &target;
            connection.outport = from.value();
            connection.inport = to.value();
            connection.from_index = item.from.index;
            connection.to_index = item.to.index;
            connection.delivery = config.value().delivery;
            if (connection.delivery != Delivery::reliable) target.mailbox.set_late();
            sender.outports[from.value()].push_back(std::move(connection));
        }
        return {};
    }

    Result<void> make_initials() {
        network_.initials_.reserve(view_.initials.size());
        for (const graph::InitialItem& item : view_.initials) {
            Result<std::uint32_t> to = port_of(item.to, true);
            if (!to.ok()) return to.take_error();
            Actor* actor = network_.actors_[item.to.position].get();
            actor->mailbox.set_connected(to.value());
            network_.fed_[item.to.position] |= Network::otherwise;
            network_.initials_.push_back(
                {actor, {item.data.own().leak(), to.value(), item.to.index, nullptr}});
        }
        return {};
    }

    Result<void> make_exposed(const Vector<graph::FlatExposed>& items, bool in) {
        for (const graph::FlatExposed& item : items) {
            Result<std::uint32_t> port = port_of(item.edge, in);
            if (!port.ok()) return port.take_error();
            Actor* actor = network_.actors_[item.edge.position].get();
            if (in && item.node.empty()) {  // what a subgraph exposes may be left alone
                actor->mailbox.set_connected(port.value());
                network_.fed_[item.edge.position] |= Network::otherwise;
            }
            (in ? network_.inports_ : network_.outports_)
                .push_back(
                    {String(item.node), String(item.name), actor, port.value(), item.edge.index});
        }
        return {};
    }

    // Which ports a firing waits for, and which show their newest packet.
    void settle_awaits() {
        for (auto& actor : network_.actors_) {
            const Component& component = *actor->component;
            if (component.await == REFLOW_AWAIT_ANY) continue;
            bool some = false;
            for (std::uint32_t i = 0; i < component.inports.size(); ++i) {
                bool required = component.inports[i].required;
                if (component.await == REFLOW_AWAIT_REQUIRED && !required) {
                    actor->mailbox.set_sticky(i);
                } else if (component.await == REFLOW_AWAIT_REQUIRED) {
                    actor->mailbox.set_connected(i);
                }
                some = some || actor->mailbox.connected(i);
            }
            // A node that only the host feeds, port by port: it waits for all of them.
            for (std::uint32_t i = 0; !some && i < component.inports.size(); ++i) {
                actor->mailbox.set_connected(i);
            }
        }
    }

    // Who has two connections into one actor, or one into itself, delivers after each call: what
    // the calls emitted arrives in their order.
    void mark_shared_targets() {
        std::uint32_t number = 0;  // of the sender, from 1
        for (auto& sender : network_.actors_) {
            sender->mark = ++number;
            for (const auto& connections : sender->outports) {
                for (const Connection& connection : connections) {
                    if (std::exchange(connection.target->mark, number) == number) {
                        sender->keep_order_of_calls();
                    }
                }
            }
        }
    }

    // Each node after what feeds it (A. B. Kahn, Topological sorting of large networks, 1962), the
    // first of the graph first; in a cycle the first node that is left.
    void order_finishes() {
        std::size_t count = network_.actors_.size();
        bool some = false;
        for (const auto& actor : network_.actors_) {
            some = some || actor->component->finish != nullptr;
        }
        if (!some) return;
        // Targets of node n stand from first[n] on.
        Vector<std::uint32_t> feeders(count, 0);
        Vector<std::size_t> first(count + 1, 0);
        for (const graph::ConnectionItem& item : view_.connections) {
            ++feeders[item.to.position];
            ++first[item.from.position];
        }
        std::size_t sum = 0;
        for (std::size_t& at : first) sum += std::exchange(at, sum);
        Vector<std::uint32_t> targets(sum);
        for (const graph::ConnectionItem& item : view_.connections) {
            targets[first[item.from.position]++] = item.to.position;
        }
        // Now each begins where the one before ends.
        auto later = [](std::uint32_t a, std::uint32_t b) { return a > b; };
        Vector<std::uint32_t> free;  // a heap, the smallest position on top
        Vector<std::uint8_t> done(count, 0);
        for (std::uint32_t i = 0; i < count; ++i) {
            if (feeders[i] == 0) free.push_back(i);
        }
        std::make_heap(free.begin(), free.end(), later);
        std::uint32_t first_left = 0;
        for (std::size_t ordered = 0; ordered < count; ++ordered) {
            std::uint32_t next = 0;
            if (free.empty()) {
                while (done[first_left] != 0) ++first_left;
                next = first_left;
            } else {
                std::pop_heap(free.begin(), free.end(), later);
                next = free.back();
                free.pop_back();
                if (done[next] != 0) {
                    --ordered;
                    continue;
                }
            }
            done[next] = 1;
            if (network_.actors_[next]->component->finish != nullptr) {
                network_.finish_order_.push_back(next);
            }
            for (std::size_t at = next == 0 ? 0 : first[next - 1]; at < first[next]; ++at) {
                std::uint32_t target = targets[at];
                if (--feeders[target] != 0 || done[target] != 0) continue;
                free.push_back(target);
                std::push_heap(free.begin(), free.end(), later);
            }
        }
    }

    Network& network_;
    const graph::Graph& graph_;
    const graph::Flat& view_;
};

Result<Ref<Network>> Network::create(Ref<Runtime> runtime, const graph::Graph& graph) {
    graph::Hierarchy hierarchy(graph, &runtime->registry, runtime->files(), graph::Checks::errors);
    auto findings = hierarchy.take_findings();
    if (Result<void> valid = graph::first_error(findings); !valid.ok()) return valid.take_error();
    auto flat = hierarchy.flatten(runtime->options().max_actors);
    if (!flat.ok()) return flat.take_error();
    auto network = Ref<Network>::adopt(new Network(std::move(runtime)));
    if (Result<void> built = Builder(*network, graph, flat.value()).build(); !built.ok()) {
        return built.take_error();
    }
    return network;
}

}  // namespace reflow::network
