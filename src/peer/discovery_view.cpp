// What is known of other networks.
// Thread: one at a time.
#include "peer/discovery_view.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace reflow::peer {
namespace {

// last_seen changes each time and tells nothing.
bool same_place(const DiscoveryEntry& a, const DiscoveryEntry& b) noexcept {
    return a.instance_id == b.instance_id && a.endpoint == b.endpoint &&
           a.capabilities == b.capabilities;
}

bool same_places(const DiscoveredNetwork& a, const DiscoveredNetwork& b) noexcept {
    return std::equal(a.instances.begin(), a.instances.end(), b.instances.begin(),
                      b.instances.end(), same_place);
}

}  // namespace

DiscoveryView::DiscoveryView(Options options) : options_(std::move(options)) {}

Vector<DiscoveryEvent> DiscoveryView::answered(std::size_t server,
                                               std::span<const DiscoveryEntry> entries,
                                               std::uint64_t now_ns) {
    if (server >= options_.servers) return {};
    for (auto& [id, network] : networks_) {
        for (auto& [instance_id, instance] : network.instances) {
            instance.offers[server].listed = false;
        }
    }
    for (const DiscoveryEntry& entry : entries) take(server, entry, now_ns);
    return settle(now_ns);
}

Vector<DiscoveryEvent> DiscoveryView::failed(std::size_t server, std::uint64_t now_ns) {
    // What it said before counts until its time is over.
    static_cast<void>(server);
    return settle(now_ns);
}

void DiscoveryView::take(std::size_t server, const DiscoveryEntry& entry, std::uint64_t now_ns) {
    if (entry.network_id == options_.network_id) return;
    auto network = networks_.find(entry.network_id);
    bool known =
        network != networks_.end() && network->second.instances.contains(entry.instance_id);
    if (!known) {
        if (instances_ >= options_.entries) {
            ++dropped_;
            return;
        }
        if (network == networks_.end()) network = networks_.try_emplace(entry.network_id).first;
        network->second.instances[entry.instance_id].offers.resize(options_.servers);
        ++instances_;
    }
    Offer& offer = network->second.instances.find(entry.instance_id)->second.offers[server];
    if (offer.listed && offer.seen_ns == now_ns && offer.entry.last_seen_ms > entry.last_seen_ms) {
        return;  // twice in one answer: the newer one counts
    }
    if (offer.changed_ns == 0 || !same_place(offer.entry, entry)) offer.changed_ns = now_ns;
    offer.listed = true;
    offer.seen_ns = now_ns;
    offer.entry = entry;
}

// Of servers that say different things, the one that heard from the instance last is right. Where
// none tells when that was, it is the one whose word is newer.
const DiscoveryView::Offer* DiscoveryView::best(const Instance& instance) const noexcept {
    const Offer* best = nullptr;
    for (const Offer& offer : instance.offers) {
        if (!offer.listed) continue;
        bool better = best == nullptr || offer.entry.last_seen_ms > best->entry.last_seen_ms ||
                      (offer.entry.last_seen_ms == best->entry.last_seen_ms &&
                       offer.changed_ns > best->changed_ns);
        if (better) best = &offer;
    }
    return best;
}

void DiscoveryView::expire(Network& network, std::uint64_t now_ns) {
    for (auto& [id, instance] : network.instances) {
        for (Offer& offer : instance.offers) {
            if (offer.listed && now_ns - offer.seen_ns > options_.ttl_ns) offer.listed = false;
        }
    }
    instances_ -= std::erase_if(network.instances,
                                [&](const auto& item) { return best(item.second) == nullptr; });
}

DiscoveredNetwork DiscoveryView::merged(const String& id, const Network& network) const {
    DiscoveredNetwork result{id, {}};
    result.instances.reserve(network.instances.size());
    for (const auto& [instance_id, instance] : network.instances) {
        if (const Offer* offer = best(instance)) result.instances.push_back(offer->entry);
    }
    return result;
}

Vector<DiscoveryEvent> DiscoveryView::settle(std::uint64_t now_ns) {
    using Kind = DiscoveryEvent::Kind;
    Vector<DiscoveryEvent> events;
    for (auto at = networks_.begin(); at != networks_.end();) {
        Network& network = at->second;
        expire(network, now_ns);
        DiscoveredNetwork now = merged(at->first, network);
        bool was = !network.reported.instances.empty(), is = !now.instances.empty();
        if (was && !is) {
            events.push_back({Kind::removed, std::move(network.reported)});
        } else if (is && (!was || !same_places(network.reported, now))) {
            events.push_back({was ? Kind::updated : Kind::added, now});
        }
        network.reported = std::move(now);
        at = is ? std::next(at) : networks_.erase(at);
    }
    return events;
}

Vector<DiscoveredNetwork> DiscoveryView::known() const {
    Vector<DiscoveredNetwork> all;
    all.reserve(networks_.size());
    for (const auto& [id, network] : networks_) all.push_back(network.reported);
    return all;
}

const DiscoveredNetwork* DiscoveryView::find(std::string_view network_id) const {
    auto found = networks_.find(network_id);
    return found == networks_.end() ? nullptr : &found->second.reported;
}

}  // namespace reflow::peer
