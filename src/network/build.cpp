// From a graph to actors and connections.
// Thread: that of the caller of Network::create.
#include "network/build.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "runtime/dealer.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Component;
using runtime::Connection;
using runtime::Delivery;

namespace {

// A sanitizer of memory is to see the use of actors that have gone.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool one_a_block = true;
#elif defined(__has_feature)
constexpr bool one_a_block = __has_feature(address_sanitizer);
#else
constexpr bool one_a_block = false;
#endif

std::optional<std::uint32_t> find_port(const Vector<runtime::Port>& ports, std::string_view name,
                                       bool case_sensitive) noexcept {
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        if (graph::same_port(name, ports[i].name, case_sensitive)) return i;
    }
    return std::nullopt;
}

// "kind", "capacity" and "capacity_bytes" in the metadata of a connection.
struct ConnectionConfig {
    Delivery delivery = Delivery::reliable;
    std::uint32_t capacity = 0;        // 0: not given
    std::uint64_t capacity_bytes = 0;  // likewise
};

Result<ConnectionConfig> read_config(const graph::ConnectionItem& connection) {
    ConnectionConfig config;
    if (connection.metadata.size() == 0) return config;
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
    // Validated.
    config.capacity_bytes =
        static_cast<std::uint64_t>(connection.metadata.get("capacity_bytes").integer());
    return config;
}

}  // namespace

Result<void> Builder::build() {
    to_.case_sensitive = view_.case_sensitive;
    if (Result<void> done = failures_.read(); !done.ok()) return done;
    if (Result<void> done = make_actors(); !done.ok()) return done;
    to_.index_actors(view_.origins.empty());
    plan_ports();
    if (Result<void> done = make_links(); !done.ok()) return done;
    if (Result<void> done = make_initials(); !done.ok()) return done;
    if (Result<void> done = make_exposed(view_.inports, true); !done.ok()) return done;
    if (Result<void> done = make_exposed(view_.outports, false); !done.ok()) return done;
    settle_awaits();
    order_finishes();
    return {};
}

Result<void> Builder::create_states() {
    const bool all = before_ == nullptr;
    for (std::size_t i = 0; i < (all ? to_.actors.size() : made.size()); ++i) {
        Result<void> created = to_.actors[all ? i : made[i]]->create();
        if (!created.ok()) return created;
    }
    return {};
}

Result<void> Builder::make_actors() {
    const Registry& registry = network_.runtime().registry;
    std::size_t count = view_.nodes.size();
    to_.actors.reserve(count);
    to_.marks.resize(count);
    TextMap<runtime::ComponentRef> components;
    const runtime::ComponentRef* last = nullptr;
    std::string_view last_name;
    Message empty = ObjectBuilder().finish().take();
    for (std::size_t at = 0; at < count; ++at) {
        const graph::NodeItem& node = view_.nodes[at];
        // Names of one graph that are equal mostly stand in one place.
        if (last_name.data() != node.component.data() ||
            last_name.size() != node.component.size()) {
            auto found = components.find(node.component);
            if (found == components.end()) {
                runtime::ComponentRef known = registry.find(node.component);
                if (!known) {  // validated: it is one of another network
                    auto foreign = foreign_component(node.component);
                    if (!foreign.ok()) return Failure(foreign.take_error()).node(node.id);
                    known = std::move(foreign).take();
                }
                found = components.emplace(String(node.component), std::move(known)).first;
            }
            last = &found->second;
            last_name = node.component;
        }
        runtime::ComponentRef component = *last;
        if (Instrument* instrument = network_.instrument()) {
            component = instrument->wrap(component, static_cast<std::uint32_t>(at));
        }
        const bool plain = node.metadata.is(REFLOW_KIND_NULL) && !failures_.some();
        Message config = node.metadata.is(REFLOW_KIND_OBJECT) ? node.metadata.own() : empty;
        if (Result<void> placed = place(config, *component, at); !placed.ok()) return placed;
        Actor* before = before_ == nullptr ? nullptr : before_->find_actor(node.id);
        if (before != nullptr && before->component == component &&
            reflow::equal(before->config, config)) {
            to_.actors.push_back(Ref<Actor>::share(before));
            continue;
        }
        auto actor = make_actor(node, at, component, std::move(config));
        if (!actor.ok()) return actor.take_error();
        Result<void> supervised;
        if (!plain) supervised = failures_.supervise(*actor.value(), at);
        if (!supervised.ok()) return supervised;
        if (before_ != nullptr) made.push_back(static_cast<std::uint32_t>(at));
        to_.actors.push_back(std::move(actor).take());
    }
    return {};
}

// Actors of a first topology stand in blocks, and those that a change makes alone: they may go alone.
Ref<Actor> Builder::allocate_actor(const graph::NodeItem& node, std::size_t at,
                                   const runtime::ComponentRef& component, Message config) {
    std::uint32_t usual = network_.runtime().options().port_capacity;
    if (before_ != nullptr) {
        return Ref<Actor>::adopt(new (component, node.id) Actor(
            network_.group(), component, node.id, std::move(config), usual));
    }
    std::size_t bytes = Actor::bytes(*component, node.id);
    void* place = block_ ? block_->take(bytes, alignment()) : nullptr;
    if (place == nullptr) {
        std::size_t room = bytes + sizeof(void*) + alignment();
        std::size_t left = one_a_block ? 0 : room * (view_.nodes.size() - at);
        room = std::max(room, std::min(left, runtime::ActorBlock::most_bytes));
        block_ = Ref<runtime::ActorBlock>::adopt(runtime::ActorBlock::make(room));
        place = block_->take(bytes, alignment());
    }
    auto* actor = ::new (place)
        Actor(network_.group(), component, node.id, std::move(config), usual);
    actor->stands_in_block();
    return Ref<Actor>::adopt(actor);
}

Result<Ref<Actor>> Builder::make_actor(const graph::NodeItem& node, std::size_t at,
                                       const runtime::ComponentRef& component, Message config) {
    Ref<Actor> actor = allocate_actor(node, at, component, std::move(config));
    actor->set_rank(component->rank);
    std::uint32_t watchdog_ms = network_.runtime().options().watchdog_ms;
    if (!node.metadata.is(REFLOW_KIND_NULL)) {
        Result<graph::NodeSettings> settings = graph::read_node_settings(actor->config);
        if (!settings.ok()) return settings.take_error();
        watchdog_ms = settings.value().watchdog_ms.value_or(watchdog_ms);
        apply(settings.value(), *actor, at);
    }
    if (watchdog_ms != 0) {
        if (Result<void> done = watch(*actor, watchdog_ms); !done.ok()) return done.take_error();
    }
    if (component->await == REFLOW_AWAIT_REQUIRED) {
        for (std::uint32_t i = 0; i < component->inports.size(); ++i) {
            if (!component->inports[i].required) actor->mailbox.set_sticky(i);
        }
    }
    return actor;
}

void Builder::apply(const graph::NodeSettings& settings, Actor& actor, std::size_t at) const {
    if (settings.timeout_ns) actor.allow_deferred(*settings.timeout_ns);
    if (settings.priority) actor.set_rank(static_cast<runtime::Rank>(*settings.priority));
    bool case_sensitive =
        view_.origins.empty() ? graph_.case_sensitive() : view_.origins[at].case_sensitive;
    for (const graph::Distribution& each : settings.distributions) {
        auto outport = find_port(actor.component->outports, each.outport, case_sensitive);
        if (!outport) continue;  // validated: of another network, and connected to nothing
        actor.deal(*outport, static_cast<runtime::Deal>(each.how), each.key);
    }
}

Result<void> Builder::watch(Actor& actor, std::uint32_t limit_ms) const {
    runtime::Scheduler& scheduler = actor.group.scheduler;
    if (Result<void> done = scheduler.watch(limit_ms); !done.ok()) return done;
    // Logical time does not pass in a call.
    bool passes = network_.runtime().options().scheduler.mode != REFLOW_MODE_SIMULATED;
    if (passes || scheduler.watchdog != nullptr) actor.watch(limit_ms);
    return {};
}

// Tells a node the folder of the graph's file, if its component asks for it by a configuration
// key marked "x-graph-directory" and the graph does not set that key.
Result<void> Builder::place(Message& config, const Component& component, std::size_t node) const {
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

std::uint32_t Builder::number_of(const graph::EdgeItem& edge, bool in) {
    const Component& component = *to_.actors[edge.position]->component;
    const Vector<runtime::Port>& all = in ? component.inports : component.outports;
    return memo_.find(&all, edge.port, [&] {
        bool case_sensitive = view_.origins.empty() ? graph_.case_sensitive()
                                                    : view_.origins[edge.position].case_sensitive;
        return find_port(all, edge.port, case_sensitive).value_or(graph::nowhere);
    });
}

Result<std::uint32_t> Builder::port_of(const graph::EdgeItem& edge, bool in) {
    std::uint32_t found = number_of(edge, in);
    if (found != graph::nowhere) return found;
    return Failure(REFLOW_ERROR_GRAPH, concat("no ", in ? "inport" : "outport", " of this name"))
        .node(edge.node)
        .port(edge.port);
}

// As the components declare them.
void Builder::plan_ports() {
    first_port.reserve(to_.actors.size() + 1);
    std::size_t count = 0;
    for (const auto& actor : to_.actors) {
        first_port.push_back(static_cast<std::uint32_t>(count));
        count += actor->component->inports.size();
    }
    first_port.push_back(static_cast<std::uint32_t>(count));
    ports.resize(count);
    late.resize(to_.actors.size());
    std::uint32_t usual = network_.runtime().options().port_capacity;
    std::uint64_t usual_bytes = network_.runtime().options().port_capacity_bytes;
    for (std::uint32_t at = 0; at < to_.actors.size(); ++at) {
        const Component& component = *to_.actors[at]->component;
        for (std::uint32_t i = 0; i < component.inports.size(); ++i) {
            std::uint32_t own = component.inports[i].capacity;
            plan(at, i).capacity = std::max<std::uint32_t>(own == 0 ? usual : own, 1);
            std::uint64_t own_bytes = component.inports[i].capacity_bytes;
            plan(at, i).capacity_bytes = own_bytes == 0 ? usual_bytes : own_bytes;
        }
    }
}

Result<void> Builder::make_links() {
    links.reserve(view_.connections.size());
    for (const graph::ConnectionItem& item : view_.connections) {
        std::uint32_t from = number_of(item.from, false);
        std::uint32_t to = number_of(item.to, true);
        if (from == graph::nowhere) return port_of(item.from, false).take_error();
        if (to == graph::nowhere) return port_of(item.to, true).take_error();
        ConnectionConfig config;
        if (!item.metadata.is(REFLOW_KIND_NULL)) {
            Result<ConnectionConfig> read = read_config(item);
            if (!read.ok()) return read.take_error();
            config = read.value();
        }
        links.push_back({item.from.position, item.to.position, from, to, item.from.index,
                         item.to.index, config.capacity, config.delivery});
        runtime::Mailbox::PortPlan& port = plan(item.to.position, to);
        ++port.senders;
        port.connected = true;
        if (config.capacity != 0) port.capacity = config.capacity;
        if (config.capacity_bytes != 0) port.capacity_bytes = config.capacity_bytes;
        // So that what waits there tells how much its node has to do.
        const runtime::Dealer* deals = to_.actors[item.from.position]->dealer(from);
        bool compared = deals != nullptr && deals->how == runtime::Deal::least_loaded;
        if (config.delivery != Delivery::reliable || compared) late[item.to.position] = 1;
        to_.marks[item.to.position] |= Topology::by_connection;
        if (from == to_.actors[item.from.position]->component->error_port) {
            to_.marks[item.from.position] |= Topology::errors_taken;
        }
    }
    for (const runtime::Mailbox::PortPlan& port : ports) capacity += port.capacity;
    return make_fallbacks();
}

Result<void> Builder::make_fallbacks() {
    Result<Vector<FailureBuilder::Fallback>> found = failures_.fallbacks();
    if (!found.ok()) return found.take_error();
    for (std::size_t at = 0; at < to_.actors.size(); ++at) {
        const runtime::Supervisor* own = to_.actors[at]->supervisor();
        if (own != nullptr && own->has_fallback()) to_.marks[at] |= Topology::errors_taken;
    }
    for (const FailureBuilder::Fallback& one : found.value()) {
        std::uint32_t outport = to_.actors[one.from]->supervisor()->fallback_outport;
        for (std::uint32_t i = 0; i < one.inports.size(); ++i) {
            links.push_back({one.from, one.to, outport + i, one.inports[i], REFLOW_NO_INDEX,
                             REFLOW_NO_INDEX, 0, Delivery::reliable});
            runtime::Mailbox::PortPlan& port = plan(one.to, one.inports[i]);
            ++port.senders;
            port.connected = true;
        }
        to_.marks[one.to] |= Topology::by_connection;
    }
    return {};
}

Connection Builder::connection_of(const Link& link) const {
    Actor& target = *to_.actors[link.to];
    Connection connection;
    connection.mailbox = &target.mailbox;
    connection.target = &target;
    connection.outport = link.outport;
    connection.inport = static_cast<std::uint16_t>(link.inport);
    connection.from_index = link.from_index;
    connection.to_index = link.to_index;
    connection.capacity = link.capacity;
    connection.delivery = link.delivery;
    return connection;
}

// Those of all actors stand in one block, which theirs keep.
void Builder::connect() {
    if (links.empty()) return;
    static_assert(sizeof(Connection) % alignof(Connection) == 0);
    std::size_t gap = alignment() - alignof(Connection);
    std::size_t room = links.size() * (sizeof(Connection) + gap) + sizeof(void*) + alignment();
    auto block = Ref<runtime::ActorBlock>::adopt(runtime::ActorBlock::make(room));
    auto* place = static_cast<char*>(block->take(0, alignment()));
    runtime::ActorBlock* last = nullptr;
    for (const Link& link : links) to_.actors[link.from]->outports[link.outport].announce();
    for (auto& actor : to_.actors) {
        runtime::ActorBlock* own = runtime::ActorBlock::owner(actor.get());
        if (own != std::exchange(last, own)) own->connections = block;
        for (runtime::Connections& port : actor->outports) {
            if (port.empty()) continue;
            place = reinterpret_cast<char*>(port.place_at(reinterpret_cast<Connection*>(place)));
            place += -reinterpret_cast<std::uintptr_t>(place) & (alignment() - 1);
        }
    }
    for (const Link& link : links) {
        to_.actors[link.from]->outports[link.outport].put(connection_of(link));
    }
}

Result<void> Builder::make_initials() {
    to_.initials.reserve(view_.initials.size());
    for (const graph::InitialItem& item : view_.initials) {
        Result<std::uint32_t> to = port_of(item.to, true);
        if (!to.ok()) return to.take_error();
        plan(item.to.position, to.value()).connected = true;
        to_.marks[item.to.position] |= Topology::otherwise;
        to_.initials.push_back({to_.actors[item.to.position].get(),
                                {item.data.own().leak(), to.value(), item.to.index, nullptr}});
    }
    return {};
}

Result<void> Builder::make_exposed(const Vector<graph::FlatExposed>& items, bool in) {
    for (const graph::FlatExposed& item : items) {
        Result<std::uint32_t> port = port_of(item.edge, in);
        if (!port.ok()) return port.take_error();
        if (in && item.node.empty()) {  // what a subgraph exposes may be left alone
            plan(item.edge.position, port.value()).connected = true;
        }
        (in ? to_.inports : to_.outports)
            .push_back({String(item.node), String(item.name), to_.actors[item.edge.position].get(),
                        port.value(), item.edge.index});
    }
    return {};
}

// Which ports a firing waits for.
void Builder::settle_awaits() {
    for (std::uint32_t at = 0; at < to_.actors.size(); ++at) {
        const Component& component = *to_.actors[at]->component;
        if (component.await == REFLOW_AWAIT_ANY) continue;
        bool some = false;
        for (std::uint32_t i = 0; i < component.inports.size(); ++i) {
            bool required = component.inports[i].required;
            if (component.await == REFLOW_AWAIT_REQUIRED && !required) {
                late[at] = 1;  // it shows its newest packet
            } else if (component.await == REFLOW_AWAIT_REQUIRED) {
                plan(at, i).connected = true;
            }
            some = some || plan(at, i).connected;
        }
        // A node that only the host feeds, port by port: it waits for all of them.
        for (std::uint32_t i = 0; !some && i < component.inports.size(); ++i) {
            plan(at, i).connected = true;
        }
    }
}

// Each node after what feeds it (A. B. Kahn, Topological sorting of large networks, 1962), the
// first of the graph first; in a cycle the first node that is left.
void Builder::order_finishes() {
    std::size_t count = to_.actors.size();
    bool some = false;
    for (const auto& actor : to_.actors) some = some || actor->component->finish != nullptr;
    if (!some) return;
    // Targets of node n stand from first[n] on.
    Vector<std::uint32_t> feeders(count, 0);
    Vector<std::size_t> first(count + 1, 0);
    for (const Link& link : links) {
        ++feeders[link.to];
        ++first[link.from];
    }
    std::size_t sum = 0;
    for (std::size_t& at : first) sum += std::exchange(at, sum);
    Vector<std::uint32_t> targets(sum);
    for (const Link& link : links) targets[first[link.from]++] = link.to;
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
        if (to_.actors[next]->component->finish != nullptr) {
            to_.finish_order.push_back(next);
        }
        for (std::size_t at = next == 0 ? 0 : first[next - 1]; at < first[next]; ++at) {
            std::uint32_t target = targets[at];
            if (--feeders[target] != 0 || done[target] != 0) continue;
            free.push_back(target);
            std::push_heap(free.begin(), free.end(), later);
        }
    }
}

Result<Ref<Network>> Network::create(Ref<Runtime> runtime, Ref<graph::SharedGraph> graph,
                                     Ref<Instrument> instrument) {
    const bool replays = instrument && instrument->replays();
    graph::Hierarchy hierarchy(graph->graph(), &runtime->registry, runtime->files(),
                               replays ? graph::Checks::recorded : graph::Checks::errors);
    auto findings = hierarchy.take_findings();
    if (Result<void> valid = graph::first_error(findings); !valid.ok()) return valid.take_error();
    auto flat = hierarchy.flatten(runtime->options().max_actors);
    if (!flat.ok()) return flat.take_error();
    auto network = Ref<Network>::adopt(new Network(std::move(runtime)));
    if (instrument) {
        instrument->attach(*network);
        instrument->lay(flat.value());
        network->instrument_ = std::move(instrument);
    }
    network->update_wanted();
    auto topology = make_ref<Topology>();
    topology->graph = std::move(graph);
    topology->tag = next_tag();
    Topology& to = *topology;
    network->topology_ = std::move(topology);
    network->current_.store(&to, std::memory_order_release);
    if (Result<void> done = network->build_first(flat.value()); !done.ok()) {
        return done.take_error();
    }
    return network;
}

Result<void> Network::count_actors(std::uint64_t count) {
    std::uint64_t now = counted_actors_;
    if (count > now && !runtime_->add_actors(count - now)) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("a graph of ", count, " nodes exceeds max_actors, ",
                              runtime_->options().max_actors, " in all networks"));
    }
    if (count < now) runtime_->remove_actors(now - count);
    counted_actors_ = count;
    return {};
}

Result<void> Network::count_packets(std::uint64_t count) {
    std::uint64_t now = counted_packets_;
    if (count > now) {
        Result<void> added = runtime_->add_packets(count - now);
        if (!added.ok()) return added;
    }
    if (count < now) runtime_->remove_packets(now - count);
    counted_packets_ = count;
    return {};
}

Result<void> Network::build_first(const graph::Flat& flat) {
    Topology& to = *topology_;
    // Before anything is made: a graph that is too large costs nothing.
    if (Result<void> counted = count_actors(flat.nodes.size()); !counted.ok()) return counted;
    Builder builder(*this, to, flat, nullptr);
    if (Result<void> built = builder.build(); !built.ok()) return built;
    if (Result<void> counted = count_packets(builder.capacity); !counted.ok()) return counted;
    group_.actors.reserve(to.actors.size());
    for (std::uint32_t at = 0; at < to.actors.size(); ++at) {
        Actor& actor = *to.actors[at];
        group_.actors.push_back(&actor);
        std::span<const runtime::Mailbox::PortPlan> ports = builder.ports_of(at);
        for (std::uint32_t i = 0; i < ports.size(); ++i) {
            if (ports[i].senders != 0) actor.mailbox.reserve_senders(i, ports[i].senders);
        }
        actor.mailbox.reserve_bytes(ports);
        actor.mailbox.settle(ports, builder.late[at] != 0);
    }
    builder.connect();
    for (auto& actor : to.actors) actor->settle_order_of_calls();
    letters_.set_capacity(builder.dead_letters());
    group_.on_stall = static_cast<runtime::StallPolicy>(builder.on_stall());
    return builder.create_states();
}

static_assert(static_cast<int>(graph::OnStall::fail) == static_cast<int>(runtime::StallPolicy::fail));
static_assert(static_cast<int>(graph::OnStall::drop_oldest) ==
              static_cast<int>(runtime::StallPolicy::drop_oldest));

// relaxed: only distinct.
std::uint32_t Network::next_tag() noexcept {
    static constinit std::atomic<std::uint32_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed) & 0xffffff;
}

}  // namespace reflow::network
