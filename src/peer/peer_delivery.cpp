// How what a peer gets comes to actors, once, and what becomes of what it has sent.
// Neighbours: peer.cpp (the rest of it), source, confirmations, outboxes, arrivals. Thread: see peer.hpp.
#include <algorithm>
#include <numeric>

#include "base/text.hpp"
#include "peer/peer.hpp"
#include "peer/source.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t most_taken = 256;  // packets that go into an inport at once

// Of the packet at a place of a parcel: that of the original's message, of the outbox, or of the link.
String id_of(const Link& link, const Parcel& parcel, std::uint64_t channel, std::size_t at) {
    if (!parcel.message_id.empty()) return String(parcel.message_id);
    if (!parcel.outbox.empty()) return concat(parcel.outbox, '-', parcel.message + at);
    return link.message_id(channel, parcel.first + at);
}

}  // namespace

void Peer::confirmed(Link& link, std::uint64_t channel, std::uint64_t packets) {
    confirmations_.confirmed(link, channel, packets);
    deliveries_.confirmed(link, channel, packets);
    outboxes_.confirmed(link, channel, packets);
}

void Peer::undelivered(const OutboxAddress& to, const Undelivered& what) {
    // A node that has sent it tells at its outport "error".
    if (proxies_) {
        for (const Ref<Proxy>& one : proxies_->of(to.network_id)) {
            bool sender = one->node == to.source_actor && one->name.actor_id == to.actor;
            if (sender) one->complain(what.why);
        }
    }
    log(REFLOW_LOG_WARN, concat("a message to ", to.actor, "@", to.network_id, ", ", to.port,
                                ", was not delivered: ", what.why));
}

std::optional<OutboxStatus> Peer::outbox_status() const {
    const Vector<Outboxes::State> all = outboxes_.states();
    if (all.empty()) return std::nullopt;
    OutboxStatus sum;
    for (const Outboxes::State& one : all) {
        sum.accepted += one.books.accepted;
        sum.delivered += one.books.delivered;
        sum.resent += one.books.resent;
        sum.waiting += one.waiting;
        sum.unconfirmed += one.unconfirmed;
        sum.bytes += one.bytes;
    }
    return sum;
}

std::array<std::uint64_t, losses_count> Peer::losses() const {
    std::array<std::uint64_t, losses_count> all{};
    for (const Outboxes::State& one : outboxes_.states()) {
        for (std::size_t i = 0; i < losses_count; ++i) all[i] += one.books.lost[i];
    }
    all[static_cast<std::size_t>(Loss::refused)] += lost_.load(std::memory_order_relaxed);
    all[static_cast<std::size_t>(Loss::invalid)] += invalid_.load(std::memory_order_relaxed);
    all[static_cast<std::size_t>(Loss::duplicate)] += arrivals_.duplicates();
    all[static_cast<std::size_t>(Loss::link_lost)] += books().in_doubt;
    return all;
}

MessageBooks Peer::books() const {
    MessageBooks sum;
    std::lock_guard lock(mutex_);
    Link::Books all = ended_;
    sum.in_doubt = ended_.sent - ended_.through;
    for (const Ref<Link>& link : links_) {
        const Link::Books one = link->books();
        all.add(one);
        sum.unconfirmed += one.sent - one.through;
    }
    sum.sent = all.sent;
    sum.refused = all.refused;
    sum.delivered = all.through - all.refused;
    return sum;
}

// What was to be delivered and was not; a duplicate was.
std::uint64_t Peer::lost_packets() const {
    std::array<std::uint64_t, losses_count> all = losses();
    return std::accumulate(all.begin(), all.end(), std::uint64_t{0}) -
           all[static_cast<std::size_t>(Loss::duplicate)];
}

void Peer::room(std::string_view network_id) {
    if (!proxies_) return;
    for (const Ref<Proxy>& one : proxies_->of(network_id)) one->wake();
}

// What comes from an outbox may have come before, over a link that has ended.
Result<std::size_t> Peer::take(Link& link, const Parcel& parcel, std::uint64_t channel,
                               std::span<const Message> packets) {
    if (parcel.outbox.empty()) return deliver(link, parcel, channel, packets);
    const Identity from = link.remote();
    Arrivals::Begun begun = arrivals_.begin(from, parcel.outbox, parcel.message, packets.size(),
                                            link, channel);
    if (begun.busy) return std::size_t{0};
    Parcel rest = parcel;
    rest.first += begun.known;
    rest.message += begun.known;
    Result<std::size_t> taken = std::size_t{0};
    try {
        if (begun.known < packets.size()) {
            taken = deliver(link, rest, channel, packets.subspan(begun.known));
        }
    } catch (...) {
        // The link ends; the next one begins with them.
        arrivals_.end(from, parcel.outbox, rest.message);
        throw;
    }
    // One that is refused has had its answer as well, unless it comes again as the first.
    std::size_t count = taken.ok() ? taken.value() : begun.known == 0 ? 1 : 0;
    arrivals_.end(from, parcel.outbox, rest.message + count);
    if (!taken.ok() && begun.known == 0) return taken;
    return begun.known + count;
}

// Its first packet, once, and before an actor can tell what it makes of it.
void Peer::tell_message(const Link& link, const Parcel& parcel, std::uint64_t channel) {
    if (parcel.again) return;
    {
        std::lock_guard lock(mutex_);
        auto found = routes_.find({&link, channel});
        if (found != routes_.end()) {
            if (parcel.first < found->second.told) return;
            found->second.told = parcel.first + 1;
        }
    }
    log(REFLOW_LOG_INFO,
        concat("\U0001F310 BRIDGE: Received remote message from ", link.remote().network_id,
               " to ", options_.link.self.network_id, "::", parcel.actor));
    log(REFLOW_LOG_INFO,
        concat("\u2705 ROUTER: Successfully routed message to local actor ", parcel.actor));
}

// What comes for an outport of a node here, which stands for the actor that has sent it.
std::size_t Peer::emit(Link& link, const Parcel& parcel, std::uint64_t channel, Proxy& proxy,
                       std::uint32_t outport, std::span<const Message> packets) {
    Vector<Message> whole;
    packets = packets.first(std::min(packets.size(), most_taken));
    const bool carries = network_->carries_envelopes();
    const Identity remote = carries ? link.remote() : Identity();
    for (std::size_t i = 0; i < packets.size(); ++i) {
        String id = carries ? id_of(link, parcel, channel, i) : String();
        whole.push_back(carries
                            ? with_source(packets[i], {remote, parcel.source_actor, id})
                            : payload_of(packets[i]).own());
    }
    return proxy.take({outport, parcel.index}, whole, Ref<Link>::share(&link), channel);
}

// As many as there is room for. An actor learns who has sent them if its network carries envelopes; else
// nobody would take off those that packets have come in.
Result<std::size_t> Peer::put(const Link& link, const Parcel& parcel, std::uint64_t channel,
                              std::uint64_t inport, std::span<const Message> packets) {
    Vector<reflow_message> raw;
    packets = packets.first(std::min(packets.size(), most_taken));
    raw.reserve(packets.size());
    if (network_->carries_envelopes()) {
        const Identity remote = link.remote();
        for (std::size_t i = 0; i < packets.size(); ++i) {
            String id = id_of(link, parcel, channel, i);
            raw.push_back(with_source(packets[i], {remote, parcel.source_actor, id}).leak());
        }
    } else {
        for (const Message& one : packets) raw.push_back(payload_of(one).own().leak());
    }
    std::size_t accepted = 0;
    Result<void> sent = network_->send(inport, raw, 0, accepted, parcel.index);
    for (std::size_t i = accepted; i < raw.size(); ++i) (void)Message::adopt(raw[i]);
    if (!sent.ok() && sent.error().status != REFLOW_ERROR_WOULD_BLOCK) return sent.take_error();
    return accepted;
}

}  // namespace reflow::peer
