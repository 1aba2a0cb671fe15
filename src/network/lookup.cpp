// Finding actors and ports by name. Done once by a host that then uses what it found.
// Thread: any.
#include <bit>

#include "base/text.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;

// At most three quarters of the slots are taken, so that there is always an empty one to end at.
void Network::index_actors() {
    positions_.assign(std::bit_ceil(actors_.size() + actors_.size() / 3 + 1), 0);
    for (std::uint32_t i = 0; i < actors_.size(); ++i) {
        std::size_t at = TextHash()(actors_[i]->id);
        while (positions_[at & (positions_.size() - 1)] != 0) ++at;
        positions_[at & (positions_.size() - 1)] = i + 1;
    }
}

std::optional<std::uint32_t> Network::find_position(std::string_view id) const noexcept {
    for (std::size_t at = TextHash()(id);; ++at) {
        std::uint32_t position = positions_[at & (positions_.size() - 1)];
        if (position == 0) return std::nullopt;
        if (actors_[position - 1]->id == id) return position - 1;
    }
}

Actor* Network::find_actor(std::string_view id) const noexcept {
    std::optional<std::uint32_t> position = find_position(id);
    return position ? actors_[*position].get() : nullptr;
}

Failure Network::no_node(std::string_view id) const {
    Vector<std::string_view> ids;
    ids.reserve(actors_.size());
    for (const auto& actor : actors_) ids.push_back(actor->id);
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no node '", id, "' in the network"))
        .hint(did_you_mean(id, ids));
}

Result<Actor*> Network::resolve(std::string_view node, std::string_view port, bool in,
                                std::uint32_t& number, std::uint32_t& index) const {
    Vector<std::string_view> names;
    index = REFLOW_NO_INDEX;
    if (node.empty()) {
        for (const Exposed& exposed : in ? inports_ : outports_) {
            names.push_back(exposed.name);
            if (exposed.name != port) continue;
            number = exposed.port;
            index = exposed.index;
            return exposed.actor;
        }
        return Failure(REFLOW_ERROR_NOT_FOUND,
                       concat("the graph exposes no ", in ? "inport '" : "outport '", port, "'"))
            .hint(did_you_mean(port, names));
    }
    Actor* actor = find_actor(node);
    if (actor == nullptr) return no_node(node);
    const Vector<runtime::Port>& ports =
        in ? actor->component->inports : actor->component->outports;
    for (number = 0; number < ports.size(); ++number) {
        names.push_back(ports[number].name);
        if (graph::same_port(port, ports[number].name, case_sensitive_)) return actor;
    }
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no ", in ? "inport '" : "outport '", port, "'"))
        .node(node)
        .hint(did_you_mean(port, names));
}

// An inport as a number: nonce of the network, position of the actor, port.
Result<std::uint64_t> Network::find_inport(std::string_view node, std::string_view port) {
    std::uint32_t number = 0;
    std::uint32_t index = 0;
    Result<Actor*> found = resolve(node, port, true, number, index);
    if (!found.ok()) return found.take_error();
    found.value()->mailbox.set_connected(number);
    std::uint64_t position = *find_position(found.value()->id);
    // One element of an array port can only be meant by an exposed inport: those come behind the
    // actors.
    for (std::size_t i = 0; index != REFLOW_NO_INDEX && i < inports_.size(); ++i) {
        if (inports_[i].name == port) position = actors_.size() + i;
    }
    return std::uint64_t{nonce_} << 40 | position << 16 | number;
}

}  // namespace reflow::network
