// Dealing: which connection a packet goes to, and what waits until one has room.
// Neighbours: outputs.cpp (emits and delivers), change.cpp, image.cpp. Thread: that of the turn.
#include "runtime/dealer.hpp"

#include <bit>
#include <new>
#include <utility>

#include "message/envelope.hpp"

namespace reflow::runtime {
namespace {

bool member(const Connection& connection, std::uint32_t index) noexcept {
    return connection.target != nullptr &&
           (index == REFLOW_NO_INDEX || connection.from_index == REFLOW_NO_INDEX ||
            connection.from_index == index);
}

bool has_room(const Connection& to) noexcept {
    return to.delivery != Delivery::reliable || to.mailbox->room(to.inport) != 0;
}

// What waits at the port; of two that are equal one whose node has nothing to do has less.
std::uint64_t load(const Connection& to) noexcept {
    return to.mailbox->waiting(to.inport) * 2 + (to.target->busy() ? 1 : 0);
}

// FNV-1a with 64 bits (G. Fowler, L. C. Noll, K.-P. Vo, The FNV Non-Cryptographic Hash Algorithm).
std::uint64_t hash_bytes(std::uint64_t hash, const void* bytes, std::size_t size) noexcept {
    const auto* from = static_cast<const unsigned char*>(bytes);
    for (std::size_t i = 0; i < size; ++i) hash = (hash ^ from[i]) * 0x100000001b3;
    return hash;
}

// The same on every machine: the kind, and the bytes, of numbers the lowest first.
std::uint64_t hash_key(MessageRef key) noexcept {
    std::uint64_t number = 0;
    unsigned char kind = 0;
    std::uint64_t hash = 0xcbf29ce484222325;
    auto of_kind = [&](unsigned char is) {
        kind = is;
        return hash_bytes(hash, &kind, 1);
    };
    switch (key.kind()) {
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_BYTES: {
            std::string_view bytes = key.bytes();
            hash = of_kind(key.is(REFLOW_KIND_STRING) ? 1 : 2);
            return hash_bytes(hash, bytes.data(), bytes.size());
        }
        case REFLOW_KIND_INTEGER:
            hash = of_kind(3);
            number = static_cast<std::uint64_t>(key.integer());
            break;
        case REFLOW_KIND_BOOLEAN:
            hash = of_kind(4);
            number = key.boolean() ? 1 : 0;
            break;
        case REFLOW_KIND_FLOAT: {
            // Equal numbers have one pattern: -0 that of 0, and all that are none the same.
            double real = key.real();
            hash = of_kind(5);
            number = real != real ? UINT64_MAX : std::bit_cast<std::uint64_t>(real + 0.0);
            break;
        }
        default:
            return of_kind(0);
    }
    unsigned char bytes[8];
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(number >> (8 * i));
    return hash_bytes(hash, bytes, sizeof bytes);
}

// J. Lamping, E. Veach, A Fast, Minimal Memory, Consistent Hash Algorithm, 2014: with one
// connection more, only its share of the keys moves.
std::uint32_t jump(std::uint64_t key, std::uint32_t count) noexcept {
    std::int64_t at = 0;
    for (std::int64_t next = 0; next < std::int64_t{count};) {
        at = next;
        key = key * 2862933555777941757u + 1;
        next = static_cast<std::int64_t>(static_cast<double>(at + 1) *
                                         (2147483648.0 / static_cast<double>((key >> 33) + 1)));
    }
    return static_cast<std::uint32_t>(at);
}

}  // namespace

Dealer::Dealer(std::uint32_t outport, Deal how_of, std::string_view key,
               std::unique_ptr<Dealer> more_of)
    : how(how_of) {
    queue.outport = outport;
    queue.delivery = Delivery::drop_newest;  // no port whose room would bound it
    while (how == Deal::by_key) {
        std::size_t dot = std::min(key.find('.'), key.size());
        path.emplace_back(key.substr(0, dot));
        if (dot == key.size()) break;
        key.remove_prefix(dot + 1);
    }
    more = std::move(more_of);
}

Dealer::~Dealer() {
    while (!queue.pending.empty()) (void)Message::adopt(queue.pending.pop().message);
}

std::uint32_t place_of_key(MessageRef payload, const Vector<String>& path,
                           std::uint32_t count) noexcept {
    payload = payload_of(payload);
    for (const String& key : path) payload = payload.get(key);
    return jump(hash_key(payload), count);
}

void Actor::deal(std::uint32_t outport, Deal how, std::string_view key) {
    std::unique_ptr<Dealer>& first = extras().dealers;
    first.reset(new Dealer(outport, how, key, std::move(first)));
}

Dealer* Actor::dealer(std::uint32_t outport) const noexcept {
    Dealer* found = dealers();
    while (found != nullptr && found->queue.outport != outport) found = found->more.get();
    return found;
}

// ---- emitting

// Memory first, as in emit().
void Actor::emit_dealt(Dealer& dealer, Message message, std::uint32_t index) {
    Connections& connections = outports[dealer.queue.outport];
    for (Connection& to : connections) {
        if (to.target == nullptr) to.pending.reserve(1);
    }
    Connection* to = place_dealt(dealer, message, index);
    if (to != nullptr) to->pending.reserve(1);
    ++emitted_;
    for (Connection& reader : connections) {
        bool reads = reader.target == nullptr &&
                     (index == REFLOW_NO_INDEX || reader.from_index == REFLOW_NO_INDEX ||
                      reader.from_index == index);
        if (reads) add_dealt(reader, message, index);
    }
    if (to == nullptr) return;
    add_dealt(*to, std::move(message), to->mailbox == nullptr ? index : to->to_index);
}

// The queue, or by key the connection; NULL if the packet goes to no node.
Connection* Actor::place_dealt(Dealer& dealer, MessageRef message, std::uint32_t index) noexcept {
    Connections& connections = outports[dealer.queue.outport];
    std::uint32_t count = 0;
    for (const Connection& to : connections) count += member(to, index) ? 1u : 0u;
    if (count == 0) return nullptr;
    if (dealer.how != Deal::by_key) return &dealer.queue;
    std::uint32_t left = place_of_key(message, dealer.path, count);
    for (Connection& to : connections) {
        if (member(to, index) && left-- == 0) return &to;
    }
    return nullptr;
}

void Actor::add_dealt(Connection& to, Message message, std::uint32_t index) noexcept {
    if (!to.listed) list(to);
    to.pending.push_unchecked({message.leak(), to.inport, index, nullptr});
    bound(to);
    to.open = 0;  // each of them takes this way
}

// ---- delivering

// The connection for the first packet of the queue: in turn, or with the least load, which ties in
// turn. Its place, or none if all targets are full.
std::uint32_t Actor::choose(const Dealer& dealer, std::uint32_t index, bool& some) const noexcept {
    const Connections& all = outports[dealer.queue.outport];
    std::uint32_t best = Dealer::none;
    std::uint64_t least = UINT64_MAX;
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::size_t at = (dealer.next + i) % all.size();
        if (!member(all[at], index)) continue;
        some = true;
        if (!has_room(all[at])) continue;
        if (dealer.how == Deal::round_robin) return static_cast<std::uint32_t>(at);
        std::uint64_t now = load(all[at]);
        if (now >= least) continue;
        least = now;
        best = static_cast<std::uint32_t>(at);
    }
    return best;
}

// Gives the first packet of the queue to this connection; false if that has no room, or stops.
bool Actor::deal_one(Dealer& dealer, std::uint32_t place, Lane& lane) {
    Connections& all = outports[dealer.queue.outport];
    Connection& to = all[place];
    to.pending.reserve(1);
    Packet packet = dealer.queue.pending.front();
    packet.port = to.inport;
    packet.index = to.to_index;
    to.pending.push_unchecked(packet);
    Mailbox::Pushed pushed;
    try {
        pushed = push(to, lane);
    } catch (const std::bad_alloc&) {
        (void)to.pending.pop();  // it is in the queue
        throw;
    }
    if (pushed.accepted == 0) {
        (void)to.pending.pop();
        dealer.chosen = stopped_ ? place : Dealer::none;
        if (!stopped_) to.passed = false;
        return false;
    }
    dealer.chosen = Dealer::none;
    dealer.next = (place + 1) % static_cast<std::uint32_t>(all.size());
    (void)dealer.queue.pending.pop();
    sent.add(1);
    to.target->notify(&lane);
    return true;
}

// A push enters the sender at a full port, under the lock of that. So if all are full it is entered
// at each, and whichever has room first lets it go on; who looked before is looked at again.
bool Actor::deal(Dealer& dealer, Lane& lane) {
    Connections& all = outports[dealer.queue.outport];
    while (!dealer.queue.pending.empty()) {
        std::uint32_t index = dealer.queue.pending.front().index;
        bool some = false;
        std::uint32_t place = dealer.chosen;
        if (place == Dealer::none) place = choose(dealer, index, some);
        if (place != Dealer::none) {
            some = true;
            if (deal_one(dealer, place, lane)) continue;
            if (stopped_) return false;
        }
        bool went = false;
        for (std::size_t i = 0; i < all.size() && !went; ++i) {
            auto at = static_cast<std::uint32_t>((dealer.next + i) % all.size());
            if (!member(all[at], index)) continue;
            some = true;
            went = deal_one(dealer, at, lane);
            if (stopped_) return false;
        }
        if (went) continue;
        if (some) return false;
        // No connection has its index any more.
        (void)Message::adopt(dealer.queue.pending.pop().message);
    }
    return true;
}

std::size_t Actor::room_dealt(const Dealer& dealer) const noexcept {
    std::size_t least = SIZE_MAX;  // of outputs, and by key of all
    std::size_t sum = 0;
    bool members = false;
    for (const Connection& to : outports[dealer.queue.outport]) {
        bool dealt = to.target != nullptr && dealer.how != Deal::by_key;
        std::size_t free = SIZE_MAX;
        if (to.delivery == Delivery::reliable) {
            free = to.mailbox->room(to.inport);
            if (free != SIZE_MAX) free -= std::min(free, to.pending.size());
        }
        members = members || dealt;
        if (!dealt) least = std::min(least, free);
        if (dealt) sum = free > SIZE_MAX - sum ? SIZE_MAX : sum + free;
    }
    if (!members) return least;
    if (sum != SIZE_MAX) sum -= std::min(sum, dealer.queue.pending.size());
    return std::min(least, sum);
}

MessageRef Actor::last_emitted(std::uint32_t outport) const noexcept {
    auto last = [](const Connection& from) {
        std::size_t count = from.pending.size();
        return count == 0 ? MessageRef() : MessageRef(from.pending[count - 1].message);
    };
    for (const Connection& connection : outports[outport]) {
        if (MessageRef found = last(connection); !found.none()) return found;
    }
    const Dealer* deals = dealer(outport);
    return deals == nullptr ? MessageRef() : last(deals->queue);
}

// ---- a change of the network

bool Actor::has_member(const Connections& connections) noexcept {
    for (const Connection& to : connections) {
        if (to.target != nullptr) return true;
    }
    return false;
}

// The connections are new ones, and the old ones are in `old`. It goes on with the connection whose
// turn it was, or the first behind it that is still there. What waits for a connection, if none is
// left, goes to one that was: the change delivers that.
void Actor::rewire_dealer(Dealer& dealer, Rewired& old) noexcept {
    auto moved = [&](std::uint32_t place) {
        return place < old.to_new.size() ? old.to_new[place] : no_slot;
    };
    dealer.chosen = moved(dealer.chosen);
    std::size_t count = old.to_new.size();
    std::uint32_t turn = no_slot;
    for (std::size_t i = 0; i < count && turn == no_slot; ++i) {
        turn = moved(static_cast<std::uint32_t>((dealer.next + i) % count));
    }
    dealer.next = turn == no_slot ? 0 : turn;
    if (dealer.queue.pending.empty() || has_member(outports[dealer.queue.outport])) return;
    for (Connection& to : old.connections) {
        if (to.target == nullptr || !to.pending.empty()) continue;
        to.pending.swap(dealer.queue.pending);
        for (std::size_t i = 0; i < to.pending.size(); ++i) to.pending[i].index = to.to_index;
        return;
    }
}

std::uint64_t Actor::deal_left() noexcept {
    std::uint64_t dropped = 0;
    for (Dealer* each = dealers(); each != nullptr; each = each->more.get()) {
        Connections& all = outports[each->queue.outport];
        for (; !each->queue.pending.empty(); ++each->next) {
            Packet packet = each->queue.pending.pop();
            std::size_t tried = 0;
            while (tried < all.size() && !member(all[each->next % all.size()], packet.index)) {
                ++tried;
                ++each->next;
            }
            if (tried >= all.size()) {
                (void)Message::adopt(packet.message);
                continue;
            }
            Connection& to = all[each->next % all.size()];
            packet.index = to.to_index;
            try {
                to.pending.push(packet);
            } catch (const std::bad_alloc&) {
                ++dropped;
                (void)Message::adopt(packet.message);
            }
        }
    }
    return dropped;
}

}  // namespace reflow::runtime
