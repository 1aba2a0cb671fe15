// How what a peer gets comes to actors, and what it hears of what it has sent.
// Neighbours: peer.cpp (the rest of it), source, confirmations. Thread: see peer.hpp.
#include <algorithm>

#include "base/text.hpp"
#include "peer/peer.hpp"
#include "peer/source.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t most_taken = 256;  // packets that go into an inport at once

}  // namespace

void Peer::confirmed(Link& link, std::uint64_t channel, std::uint64_t packets) {
    confirmations_.confirmed(link, channel, packets);
}

void Peer::tell_message(const Link& link, const Parcel& parcel) {
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
        String id = carries ? link.message_id(channel, parcel.first + i) : String();
        whole.push_back(carries
                            ? with_source(packets[i], {remote, parcel.source_actor, id})
                            : payload_of(packets[i]).own());
    }
    return proxy.take(outport, whole, Ref<Link>::share(&link), channel);
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
            const bool told = !parcel.message_id.empty();
            String own = told ? String() : link.message_id(channel, parcel.first + i);
            raw.push_back(with_source(packets[i], {remote, parcel.source_actor,
                                                   told ? parcel.message_id : own})
                              .leak());
        }
    } else {
        for (const Message& one : packets) raw.push_back(payload_of(one).own().leak());
    }
    std::size_t accepted = 0;
    Result<void> sent = network_->send(inport, raw, 0, accepted);
    for (std::size_t i = accepted; i < raw.size(); ++i) (void)Message::adopt(raw[i]);
    if (!sent.ok() && sent.error().status != REFLOW_ERROR_WOULD_BLOCK) return sent.take_error();
    return accepted;
}

}  // namespace reflow::peer
