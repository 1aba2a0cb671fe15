// Finding actors and ports by name. Done once by a host that then uses what it found.
// Thread: any.
#include <algorithm>
#include <bit>

#include "base/text.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;

namespace {

constexpr std::uint64_t max_position = 0xffffff;  // what the number of an inport has room for

}  // namespace

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

// A port that the graph exposes, or a subgraph if node is its path.
Result<Network::Place> Network::resolve_exposed(std::string_view node, std::string_view port,
                                                bool in) const {
    const Vector<Exposed>& all = in ? inports_ : outports_;
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
    const Vector<Exposed>& others = in ? outports_ : inports_;
    bool known =
        node.empty() || !names.empty() || std::any_of(others.begin(), others.end(), of_node);
    if (!known) return no_node(node);
    Failure failure(REFLOW_ERROR_NOT_FOUND,
                    concat(node.empty() ? "the graph" : "the subgraph", " exposes no ",
                           in ? "inport '" : "outport '", port, "'"));
    if (!node.empty()) failure = std::move(failure).node(node);
    return std::move(failure).hint(did_you_mean(port, names));
}

Result<Network::Place> Network::resolve(std::string_view node, std::string_view port,
                                        bool in) const {
    Actor* actor = node.empty() ? nullptr : find_actor(node);
    if (actor == nullptr) return resolve_exposed(node, port, in);
    Vector<std::string_view> names;
    const Vector<runtime::Port>& ports =
        in ? actor->component->inports : actor->component->outports;
    for (std::uint32_t number = 0; number < ports.size(); ++number) {
        names.push_back(ports[number].name);
        if (graph::same_port(port, ports[number].name, case_sensitive_)) {
            return Place{actor, number, {}};
        }
    }
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no ", in ? "inport '" : "outport '", port, "'"))
        .node(node)
        .hint(did_you_mean(port, names));
}

// An inport as a number: nonce of the network, position of the actor, port.
Result<std::uint64_t> Network::find_inport(std::string_view node, std::string_view port) {
    Result<Place> found = resolve(node, port, true);
    if (!found.ok()) return found.take_error();
    const Place& place = found.value();
    if (place.ends.size() > 1) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       concat("the exposed inport '", port, "' leads to ", place.ends.size(),
                              " ports, and a host sends to one"))
            .hint(concat("send to each of them, from ", place.actor->id, ".",
                         place.actor->component->inports[place.port].name, " on"));
    }
    place.actor->mailbox.set_connected(place.port);
    std::uint64_t position = *find_position(place.actor->id);
    // One element of an array port can only be meant by an exposed inport: those come behind the
    // actors.
    if (!place.ends.empty() && place.ends[0].index != REFLOW_NO_INDEX) {
        position = actors_.size() + static_cast<std::size_t>(&place.ends[0] - inports_.data());
    }
    if (position > max_position) {
        return Failure(REFLOW_ERROR_LIMIT, concat("no more than ", max_position,
                                                  " actors and exposed inports have numbers"));
    }
    return std::uint64_t{nonce_} << 40 | position << 16 | place.port;
}

}  // namespace reflow::network
