// A change of a network, planned: what there is compared with what the graph wants. All memory that
// the step needs is had here. Thread: that of the caller; the network runs meanwhile.
#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "message/heap.hpp"
#include "network/change.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Connection;
using runtime::Connections;

Result<void> Change::prepare(Ref<graph::SharedGraph> graph) {
    Runtime& runtime = *network_.runtime_;
    graph::Hierarchy hierarchy(graph->graph(), &runtime.registry, runtime.files(),
                               graph::Checks::errors);
    auto findings = hierarchy.take_findings();
    if (Result<void> valid = graph::first_error(findings); !valid.ok()) return valid;
    auto flat = hierarchy.flatten(runtime.options().max_actors);
    if (!flat.ok()) return flat.take_error();
    next_ = make_ref<Topology>();
    next_->graph = std::move(graph);
    next_->tag = before_->tag;
    builder_.reset(new Builder(network_, *next_, flat.value(), before_.get()));
    builder_->added_output = added_output_.get();
    if (Result<void> built = builder_->build(); !built.ok()) return built;
    made_.reserve(builder_->made.size());
    for (std::uint32_t position : builder_->made) {
        made_.push_back(next_->actors[position]);
        (void)made_.back()->claim();  // whatever wakes it meanwhile
    }
    compare_nodes();
    wish_links();
    wish_readers();
    if (Result<void> counted = count(); !counted.ok()) return counted;
    compare_connections();
    compare_ports();
    compare_initials();
    number_inports();
    find_drained();
    return builder_->create_states();
}

// Only what is more counts before the step, and what is less behind it: there is room for either.
Result<void> Change::count() {
    actors_before_ = network_.counted_actors_;
    packets_before_ = network_.counted_packets_;
    packets_after_ = builder_->capacity;
    for (const Ref<Output>& output : outputs_) packets_after_ += output->mailbox.capacity(0);
    std::uint64_t actors = next_->actors.size();
    if (actors > actors_before_) {
        Result<void> counted = network_.count_actors(actors);
        if (!counted.ok()) return counted;
    }
    counted_ = true;
    if (packets_after_ <= packets_before_) return {};
    return network_.count_packets(packets_after_);
}

Change::Touched* Change::find_touched(const Actor& actor) noexcept {
    auto found = touched_at_.find(std::string_view(actor.id));
    return found == touched_at_.end() ? nullptr : &touched_[found->second];
}

Change::Touched& Change::touch(Actor& actor) {
    if (Touched* found = find_touched(actor)) return *found;
    touched_.reserve(touched_.size() + 1);
    touched_at_.emplace(String(actor.id), static_cast<std::uint32_t>(touched_.size()));
    Touched& made = touched_.emplace_back();
    made.actor = Ref<Actor>::share(&actor);
    std::optional<std::uint32_t> position = next_->find_position(actor.id);
    made.stays = position && next_->actors[*position].get() == &actor;
    if (made.stays) made.position = *position;
    return made;
}

void Change::compare_nodes() {
    std::uint64_t removed = 0;
    for (const Ref<Actor>& actor : before_->actors) {
        const Actor* now = next_->find_actor(actor->id);
        if (now == actor.get()) {
            ++done_.nodes_kept;
            continue;
        }
        (now == nullptr ? removed : done_.nodes_replaced) += 1;
        gone_.push_back(actor);
        touch(*actor);
    }
    done_.nodes_removed = removed;
    done_.nodes_added = made_.size() - done_.nodes_replaced;
    TextMap<std::uint32_t> places;
    for (std::uint32_t i = 0; i < gone_.size(); ++i) places.emplace(String(gone_[i]->id), i);
    replaces_.reserve(made_.size());
    for (const Ref<Actor>& actor : made_) {
        auto found = places.find(std::string_view(actor->id));
        replaces_.push_back(found == places.end() ? nowhere : found->second);
    }
    group_actors_.reserve(next_->actors.size());
    for (const Ref<Actor>& actor : next_->actors) group_actors_.push_back(actor.get());
}

// ---- what goes out of each actor

void Change::wish_links() {
    wishes_.reserve(builder_->links.size() + network_.outputs_.size() + 1);
    for (const Builder::Link& link : builder_->links) {
        wishes_.push_back({link.from, builder_->connection_of(link)});
    }
}

void Change::wish_reader(Output& output, const Actor& from, std::uint32_t port,
                         std::uint32_t index) {
    Connection connection;
    connection.mailbox = &output.mailbox;
    connection.outport = port;
    connection.from_index = index;
    std::uint32_t position = *next_->find_position(from.id);
    if (port == from.component->error_port) next_->marks[position] |= Topology::errors_taken;
    wishes_.push_back({position, std::move(connection)});
    output.mailbox.reserve_senders(0, static_cast<std::uint32_t>(++readers_senders_));
}

// Readers stay where the graph still has what they read.
void Change::wish_readers() {
    Vector<Ref<Output>> all = network_.outputs_;
    if (added_output_) all.push_back(added_output_);
    for (Ref<Output>& output : all) {
        if (output->unread.load(std::memory_order_relaxed)) {
            closed_.push_back(std::move(output));
            continue;
        }
        Result<Topology::Place> found = next_->resolve(output->node, output->port, false);
        if (!found.ok()) {
            if (output->patient) readers_.push_back(&output->mailbox);
            (output->patient ? outputs_ : closed_).push_back(std::move(output));
            continue;
        }
        readers_senders_ = 0;
        const Topology::Place& place = found.value();
        if (place.ends.empty()) wish_reader(*output, *place.actor, place.port, REFLOW_NO_INDEX);
        for (const Exposed& end : place.ends) wish_reader(*output, *end.actor, end.port, end.index);
        readers_.push_back(&output->mailbox);
        outputs_.push_back(std::move(output));
    }
}

void Change::compare_connections() {
    std::uint64_t old_links = 0;
    auto count = [&](const Actor& actor) {
        for (const auto& connections : actor.outports) {
            for (const Connection& each : connections) old_links += each.target != nullptr ? 1 : 0;
        }
    };
    for (const Ref<Actor>& actor : before_->actors) count(*actor);
    for (const Ref<Actor>& actor : gone_) touch_lost(*actor);
    // By sender, readers behind the others; otherwise in the order of the graph.
    Vector<std::uint32_t> order(wishes_.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return wishes_[a].from < wishes_[b].from;
    });
    std::size_t first = 0;
    for (std::uint32_t at = 0; at < next_->actors.size(); ++at) {
        std::size_t end = first;
        while (end < order.size() && wishes_[order[end]].from == at) ++end;
        compare_actor(at, std::span(order).subspan(first, end - first));
        first = end;
    }
    done_.connections_added = builder_->links.size() - matched_;
    done_.connections_removed = old_links - matched_;
}

// Whoever had connections from an actor that goes: its turns may know that.
void Change::touch_lost(const Actor& gone) {
    for (const auto& connections : gone.outports) {
        for (const Connection& connection : connections) touch_target(connection);
    }
}

void Change::touch_target(const Connection& connection) {
    if (connection.target == nullptr) return;
    bool old = before_->find_actor(connection.target->id) == connection.target;
    if (old) touch(*connection.target);
}

namespace {

using Key = std::tuple<const void*, std::uint32_t, std::uint32_t, std::uint32_t>;
struct Keyed {
    Key key;
    std::uint32_t at;
    bool operator<(const Keyed& other) const noexcept {
        return key != other.key ? key < other.key : at < other.at;
    }
};

bool loops_or_meets(const Actor& from, const Vector<const Actor*>& sorted) noexcept {
    return std::find(sorted.begin(), sorted.end(), &from) != sorted.end() ||
           std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

}  // namespace

void Change::compare_actor(std::uint32_t position, std::span<const std::uint32_t> wishes) {
    Actor& actor = *next_->actors[position];
    Actor* before = before_->find_actor(actor.id);
    std::size_t ports = actor.outports.size();
    Vector<Connections> wanted(ports);
    Vector<const Actor*> targets;
    for (std::uint32_t number : wishes) {
        Wish& wish = wishes_[number];
        if (wish.connection.target != nullptr) targets.push_back(wish.connection.target);
        wanted[wish.connection.outport].push_back(std::move(wish.connection));
    }
    std::sort(targets.begin(), targets.end(), std::less<>());
    bool keeps_order = loops_or_meets(actor, targets);
    bool kept = before == &actor;
    Vector<Actor::Rewired> rewired(ports);
    bool differs = false;
    for (std::uint32_t port = 0; port < ports; ++port) {
        // The port of the same name of the actor that was there: for a replaced one only to count.
        std::uint32_t old = port;
        if (before != nullptr && !kept) {
            bool known = port < actor.component->outports.size();  // else it is to a fallback
            auto same = before->component->find_outport(actor.outport_name(port));
            old = known ? same.value_or(nowhere) : nowhere;
        }
        if (before != nullptr && old != nowhere) {
            compare_port(*before, old, wanted[port], rewired[port], differs);
        }
        rewired[port].connections.swap(wanted[port]);
    }
    if (kept) {
        if (!differs) return;
        Touched& touched = touch(actor);
        touched.outports.swap(rewired);
        touched.keeps_order = keeps_order;
        return;
    }
    for (std::uint32_t port = 0; port < ports; ++port) {
        actor.outports[port].swap(rewired[port].connections);
        for (const Connection& connection : actor.outports[port]) touch_target(connection);
    }
    actor.keep_order_of_calls(keeps_order);
}

// Which of the wanted connections are there already, if only to the actor that is replaced.
void Change::compare_port(const Actor& from, std::uint32_t port, Connections& wanted,
                          Actor::Rewired& made, bool& differs) {
    const Connections& old = from.outports[port];
    Vector<Keyed> left(old.size());
    for (std::uint32_t i = 0; i < old.size(); ++i) {
        const Connection& each = old[i];
        const void* mailbox = each.mailbox;
        std::uint32_t inport = each.inport;
        const Actor* now = each.target == nullptr ? nullptr : next_->find_actor(each.target->id);
        if (now != nullptr && now != each.target) {
            auto same = now->component->find_inport(each.target->component->inports[inport].name);
            if (same) {
                mailbox = &now->mailbox;
                inport = *same;
            }
        }
        left[i] = {Key{mailbox, inport, each.from_index, each.to_index}, i};
    }
    Vector<Keyed> right(wanted.size());
    for (std::uint32_t i = 0; i < wanted.size(); ++i) {
        const Connection& each = wanted[i];
        right[i] = {Key{each.mailbox, each.inport, each.from_index, each.to_index}, i};
    }
    std::sort(left.begin(), left.end());
    std::sort(right.begin(), right.end());
    made.to_new.assign(old.size(), nowhere);
    Vector<std::uint8_t> known(wanted.size(), 0);
    std::size_t at = 0;
    for (const Keyed& one : left) {
        while (at < right.size() && right[at].key < one.key) ++at;
        if (at == right.size() || right[at].key != one.key) continue;
        const Connection& a = old[one.at];
        const Connection& b = wanted[right[at].at];
        made.to_new[one.at] = right[at].at;
        known[right[at].at] = 1;
        matched_ += a.target != nullptr ? 1 : 0;
        bool same = a.mailbox == b.mailbox && a.delivery == b.delivery &&
                    a.capacity == b.capacity && one.at == right[at].at;
        if (!same) {
            differs = true;
            touch_target(a);
            touch_target(b);
        }
        if (a.capacity != b.capacity) resized_.push_back({b.target, b.inport});
        ++at;
    }
    for (std::uint32_t i = 0; i < old.size(); ++i) {
        if (made.to_new[i] != nowhere) continue;
        differs = true;
        touch_target(old[i]);
        if (old[i].capacity != 0) resized_.push_back({old[i].target, old[i].inport});
    }
    for (std::uint32_t i = 0; i < wanted.size(); ++i) {
        if (known[i] != 0) continue;
        differs = true;
        touch_target(wanted[i]);
        if (wanted[i].capacity != 0) resized_.push_back({wanted[i].target, wanted[i].inport});
    }
}

// ---- what comes into each actor

// Ports that were enlarged by stalls stay so, unless the graph says something else than before.
void Change::compare_ports() {
    for (std::uint32_t at = 0; at < next_->actors.size(); ++at) {
        Actor& actor = *next_->actors[at];
        std::span<const runtime::Mailbox::PortPlan> ports = builder_->ports_of(at);
        bool kept = before_->find_actor(actor.id) == &actor;
        actor.mailbox.reserve_bytes(ports);
        for (std::uint32_t i = 0; i < ports.size(); ++i) {
            if (kept && ports[i].capacity_bytes != actor.mailbox.capacity_bytes(i) &&
                !actor.mailbox.sticky(i)) {
                touch(actor);
            }
            if (ports[i].senders != 0) actor.mailbox.reserve_senders(i, ports[i].senders);
            if (!kept || actor.component->await == REFLOW_AWAIT_ANY) continue;
            bool connected = ports[i].connected || actor.mailbox.found(i);
            if (connected != actor.mailbox.connected(i)) touch(actor);
        }
        if (!kept) actor.mailbox.settle(ports, builder_->late[at] != 0);
    }
    Vector<std::uint8_t> sized(builder_->ports.size(), 0);
    for (const Resized& one : resized_) {
        const Actor* actor = one.actor == nullptr ? nullptr : next_->find_actor(one.actor->id);
        if (actor != one.actor || actor == nullptr) continue;
        if (before_->find_actor(actor->id) != actor) continue;  // made, and settled
        std::uint32_t position = *next_->find_position(actor->id);
        sized[builder_->first_port[position] + one.port] = 1;
        touch(*next_->actors[position]);
    }
    for (std::size_t i = 0; i < sized.size(); ++i) {
        if (sized[i] == 0) builder_->ports[i].capacity = 0;
    }
}

namespace {

// Equal messages have the same; what else has it is compared.
std::uint32_t roughly(MessageRef message) noexcept {
    std::uint64_t some = message.is(REFLOW_KIND_INTEGER)  ? message.raw().payload
                         : message.is(REFLOW_KIND_STRING) ? heap::key_hash(message.bytes())
                                                          : payload_size(message);
    return static_cast<std::uint32_t>(some ^ some >> 32);
}

}  // namespace

// What is sent: initial packets of actors that were made, and of others those that are new, wherever
// they stand: each packet that was there takes one of its value away.
void Change::compare_initials() {
    auto items_of = [](const Topology& of) {
        Vector<Keyed> items(of.initials.size());
        for (std::uint32_t i = 0; i < items.size(); ++i) {
            const Topology::Initial& each = of.initials[i];
            std::uint32_t value = roughly(MessageRef(each.packet.message));
            items[i] = {Key{each.actor, each.packet.port, each.packet.index, value}, i};
        }
        std::sort(items.begin(), items.end());
        return items;
    };
    Vector<Keyed> old = items_of(*before_);
    Vector<Keyed> now = items_of(*next_);
    constexpr std::uint32_t taken = nowhere;
    Vector<std::uint8_t> known(next_->initials.size(), 0);
    std::size_t first = 0;
    for (const Keyed& one : now) {
        while (first < old.size() && (old[first].at == taken || old[first].key < one.key)) ++first;
        MessageRef is(next_->initials[one.at].packet.message);
        for (std::size_t i = first; i < old.size() && old[i].key == one.key; ++i) {
            if (old[i].at == taken) continue;
            MessageRef was(before_->initials[old[i].at].packet.message);
            if (!reflow::equal(was, is)) continue;
            old[i].at = taken;
            known[one.at] = 1;
            break;
        }
    }
    if (!running_) return;
    for (std::size_t i = 0; i < next_->initials.size(); ++i) {
        const Topology::Initial& each = next_->initials[i];
        bool fresh = before_->find_actor(each.actor->id) != each.actor;
        if (known[i] != 0 && !fresh) continue;
        if (fresh) {
            Message copy = MessageRef(each.packet.message).own();
            each.actor->mailbox.force(each.packet);
            (void)copy.leak();  // the mailbox has it now
        } else {
            touch(*each.actor);
        }
        sent_.push_back({each.actor, &each.packet, fresh});
    }
}

// ---- the numbers of inports

namespace {

bool same_inports(const Actor& a, const Actor& b) noexcept {
    const auto& left = a.component->inports;
    const auto& right = b.component->inports;
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const auto& x, const auto& y) { return x.name == y.name; });
}

}  // namespace

// Places are kept for what stays, and given up by what goes. A place that is used again gets
// another tag.
void Change::number_inports() {
    Topology& to = *next_;
    to.slots = before_->slots;
    Vector<std::uint32_t> of_actor = before_->slot_of_actor;
    Vector<std::uint32_t> of_exposed = before_->slot_of_exposed;
    if (to.slots.empty()) {
        for (const Ref<Actor>& actor : before_->actors) {
            of_actor.push_back(static_cast<std::uint32_t>(to.slots.size()));
            to.slots.push_back({actor.get(), REFLOW_NO_INDEX, before_->tag});
        }
        for (const Exposed& exposed : before_->inports) {
            of_exposed.push_back(static_cast<std::uint32_t>(to.slots.size()));
            to.slots.push_back({exposed.actor, exposed.index, before_->tag});
        }
    }
    to.slot_of_actor.assign(to.actors.size(), nowhere);
    to.slot_of_exposed.assign(to.inports.size(), nowhere);
    for (std::size_t i = 0; i < before_->actors.size(); ++i) {
        const Actor& old = *before_->actors[i];
        std::optional<std::uint32_t> position = to.find_position(old.id);
        Topology::Slot& slot = to.slots[of_actor[i]];
        slot.actor = nullptr;
        if (!position || !same_inports(old, *to.actors[*position])) continue;
        slot.actor = to.actors[*position].get();
        to.slot_of_actor[*position] = of_actor[i];
    }
    for (std::size_t i = 0; i < before_->inports.size(); ++i) {
        const Exposed& old = before_->inports[i];
        Topology::Slot& slot = to.slots[of_exposed[i]];
        slot.actor = nullptr;
        for (std::size_t j = 0; j < to.inports.size(); ++j) {
            const Exposed& now = to.inports[j];
            bool same = now.node == old.node && now.name == old.name && now.port == old.port &&
                        now.index == old.index &&
                        std::string_view(now.actor->id) == old.actor->id &&
                        to.slot_of_exposed[j] == nowhere && same_inports(*old.actor, *now.actor);
            if (!same) continue;
            slot.actor = now.actor;
            to.slot_of_exposed[j] = of_exposed[i];
            break;
        }
    }
    std::uint32_t at = 0;
    auto give = [&](Actor& actor, std::uint32_t index) {
        while (at < to.slots.size() && to.slots[at].actor != nullptr) ++at;
        if (at == to.slots.size()) to.slots.emplace_back();
        to.slots[at] = {&actor, index, Network::next_tag()};
        return at;
    };
    for (std::size_t i = 0; i < to.actors.size(); ++i) {
        if (to.slot_of_actor[i] == nowhere) {
            to.slot_of_actor[i] = give(*to.actors[i], REFLOW_NO_INDEX);
        }
    }
    for (std::size_t i = 0; i < to.inports.size(); ++i) {
        if (to.slot_of_exposed[i] == nowhere) {
            to.slot_of_exposed[i] = give(*to.inports[i].actor, to.inports[i].index);
        }
    }
}

// ---- what is worked off first

void Change::find_drained() {
    if (options_.drop || !running_) return;
    Vector<const Actor*> removed;
    for (const Ref<Actor>& actor : gone_) {
        if (next_->find_actor(actor->id) != nullptr) continue;
        removed.push_back(actor.get());
        if (actor->component->source) {
            feeders_.push_back(actor.get());
        } else {
            drained_.push_back(actor.get());
        }
    }
    if (drained_.empty()) return;
    std::sort(removed.begin(), removed.end(), std::less<>());
    auto goes = [&](const Actor* actor) {
        return std::binary_search(removed.begin(), removed.end(), actor, std::less<>());
    };
    for (const Ref<Actor>& actor : before_->actors) {
        if (goes(actor.get())) continue;
        bool feeds = false;
        for (const auto& connections : actor->outports) {
            for (const Connection& each : connections) feeds = feeds || goes(each.target);
        }
        if (!feeds) continue;
        touch(*actor);
        feeders_.push_back(actor.get());
    }
}

}  // namespace reflow::network
