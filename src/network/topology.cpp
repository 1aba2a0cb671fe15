// Finding actors and ports by name, and the numbers of inports.
// Thread: any.
#include "network/topology.hpp"

#include <algorithm>
#include <bit>

#include "base/text.hpp"
#include "network/paths.hpp"

namespace reflow::network {

using runtime::Actor;

Topology::~Topology() {
    for (Initial& initial : initials) (void)Message::adopt(initial.packet.message);
}

// At most three quarters of the slots are taken, so that there is always an empty one to end at.
void Topology::index_actors(bool plain) {
    if (plain && graph->graph().dense()) return;
    positions_.assign(std::bit_ceil(actors.size() + actors.size() / 3 + 1), 0);
    for (std::uint32_t i = 0; i < actors.size(); ++i) {
        std::size_t at = TextHash()(actors[i]->id);
        while (positions_[at & (positions_.size() - 1)] != 0) ++at;
        positions_[at & (positions_.size() - 1)] = i + 1;
    }
}

std::optional<std::uint32_t> Topology::find_position(std::string_view id) const noexcept {
    if (positions_.empty()) {
        std::uint32_t position = graph->graph().position_of(id);
        return position < actors.size() ? std::optional(position) : std::nullopt;
    }
    for (std::size_t at = TextHash()(id);; ++at) {
        std::uint32_t position = positions_[at & (positions_.size() - 1)];
        if (position == 0) return std::nullopt;
        if (actors[position - 1]->id == id) return position - 1;
    }
}

Actor* Topology::find_actor(std::string_view id) const noexcept {
    std::optional<std::uint32_t> position = find_position(id);
    return position ? actors[*position].get() : nullptr;
}

Failure Topology::no_node(std::string_view id) const {
    Vector<std::string_view> ids;
    ids.reserve(actors.size());
    for (const auto& actor : actors) ids.push_back(actor->id);
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no node '", id, "' in the network"))
        .hint(did_you_mean(id, ids));
}

// A port that the graph exposes, or a subgraph if node is its path.
Result<Topology::Place> Topology::resolve_exposed(std::string_view node, std::string_view port,
                                                  bool in) const {
    const Vector<Exposed>& all = in ? inports : outports;
    auto of_node = [&](const Exposed& exposed) { return exposed.node == node; };
    Vector<std::string_view> names;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!of_node(all[i])) continue;
        names.push_back(all[i].name);
        if (all[i].name != port) continue;
        std::size_t end = i + 1;  // ends of one port stand together
        while (end < all.size() && of_node(all[end]) && all[end].name == port) ++end;
        return Place{all[i].actor, all[i].port, std::span(all).subspan(i, end - i)};
    }
    const Vector<Exposed>& others = in ? outports : inports;
    bool known =
        node.empty() || !names.empty() || std::any_of(others.begin(), others.end(), of_node);
    if (!known) return no_node(node);
    Failure failure(REFLOW_ERROR_NOT_FOUND,
                    concat(node.empty() ? "the graph" : "the subgraph", " exposes no ",
                           in ? "inport '" : "outport '", port, "'"));
    return std::move(failure).node(node).port(port).hint(did_you_mean(port, names));
}

Result<Topology::Place> Topology::resolve(std::string_view node, std::string_view port,
                                          bool in) const {
    Actor* actor = node.empty() ? nullptr : find_actor(node);
    if (actor == nullptr) return resolve_exposed(node, port, in);
    Vector<std::string_view> names;
    const Vector<runtime::Port>& ports =
        in ? actor->component->inports : actor->component->outports;
    for (std::uint32_t number = 0; number < ports.size(); ++number) {
        names.push_back(ports[number].name);
        if (graph::same_port(port, ports[number].name, case_sensitive)) {
            return Place{actor, number, {}};
        }
    }
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no ", in ? "inport '" : "outport '", port, "'"))
        .node(node)
        .port(port)
        .hint(did_you_mean(port, names));
}

// The nodes that a path means: one, those of a subgraph, or all.
Result<Vector<Actor*>> Topology::select(std::string_view path) const {
    Vector<Actor*> found;
    if (Actor* actor = path.empty() ? nullptr : find_actor(path)) {
        found.push_back(actor);
        return found;
    }
    found.reserve(path.empty() ? actors.size() : 0);
    for (const auto& actor : actors) {
        if (path.empty() || lies_in(actor->id, path)) found.push_back(actor.get());
    }
    if (found.empty() && !path.empty()) return no_node(path);
    return found;
}

Result<std::uint64_t> Topology::number_of(const Place& place) const {
    if (place.ends.size() > 1) {
        const Exposed& first = place.ends.front();
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       concat("the exposed inport '", first.name, "' leads to ", place.ends.size(),
                              " ports, and a host sends to one"))
            .hint(concat("send to each of them, from ", place.actor->id, ".",
                         place.actor->component->inports[place.port].name, " on"));
    }
    std::size_t position = *find_position(place.actor->id);
    std::uint64_t slot = slots.empty() ? position : slot_of_actor[position];
    // One element of an array port can only be meant by an exposed inport: those come behind the
    // actors.
    if (!place.ends.empty() && place.ends[0].index != REFLOW_NO_INDEX) {
        position = static_cast<std::size_t>(&place.ends[0] - inports.data());
        slot = slots.empty() ? actors.size() + position : slot_of_exposed[position];
    }
    if (slot > max_slot) {
        return Failure(REFLOW_ERROR_LIMIT, concat("no more than ", max_slot,
                                                  " actors and exposed inports have numbers"));
    }
    std::uint64_t mark = slots.empty() ? tag : slots[slot].tag;
    return mark << 40 | slot << 16 | place.port;
}

}  // namespace reflow::network
