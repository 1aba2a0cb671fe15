// What comes over a link: frames of the original, batches of ours, and packets on their way to the owner.
// Neighbours: link.cpp (the rest of it). Thread: see link.hpp.
#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "message/envelope.hpp"
#include "peer/link.hpp"

namespace reflow::peer {

Link::Counts Link::counts() const {
    std::lock_guard lock(mutex_);
    return counts_locked();
}

Link::Counts Link::counts_locked() const {
    Counts now;
    now.round_trip_ns = round_trip_ns_.load(std::memory_order_relaxed);
    now.packets_in = packets_in_.load(std::memory_order_relaxed);
    now.packets_out = packets_out_.load(std::memory_order_relaxed);
    now.frames_in = frames_in_.load(std::memory_order_relaxed);
    now.frames_out = frames_out_.load(std::memory_order_relaxed);
    if (wire_) {
        now.bytes_in = wire_->bytes_in();
        now.bytes_out = wire_->bytes_out();
        now.queued_bytes = wire_->queued_bytes();
        now.scheme = wire_->scheme();
    }
    if (opened_ns_ != 0) now.open_ns = owner_.now_ns() - opened_ns_;
    now.queued_packets = batch_.packets();
    now.streams = outflows_.size() + inflows_.size();
    const Books books = books_locked();
    now.unconfirmed = books.sent - books.through;
    for (const auto& [number, channel] : incoming_) {
        now.queued_packets += channel.waiting.size() - channel.taken;
    }
    return now;
}

// Parts of a long frame, and pings that the wire answers by itself, come as bytes alone.
void Link::hear_bytes() {
    Ref<io::Wire> on = wire();
    if (!on) return;
    std::uint64_t bytes = on->bytes_in();
    if (std::exchange(bytes_heard_, bytes) != bytes) heard();
}

void Link::hear_old(std::string_view text) {
    Result<OldFrame> read = read_old(text);
    if (!read.ok()) {
        return lose_old(REFLOW_ERROR_PROTOCOL, concat("a frame of ", remote().network_id,
                                                      " is passed over: ",
                                                      read.error().message));
    }
    if (auto* message = std::get_if<RemoteMessage>(&read.value())) {
        if (message->target_network != options_.self.network_id ||
            message->source_network != remote().network_id) {
            return lose_old(REFLOW_ERROR_PROTOCOL,
                            concat("a message from ", message->source_network, " to ",
                                   message->target_network, " came over the link of ",
                                   remote().network_id, ": passed over"));
        }
        return hear_message(std::move(*message));
    }
    if (auto* asked = std::get_if<ActorsAsked>(&read.value())) {
        ActorsTold told = actors_of(owner_.actors());
        told.request_id = asked->request_id;
        told.network_id = options_.self.network_id;
        Result<String> text_of_it = write_old(std::move(told));
        std::lock_guard lock(mutex_);
        if (text_of_it.ok()) write(std::move(text_of_it).take(), true);
        return;
    }
    if (auto* told = std::get_if<ActorsTold>(&read.value())) {
        Result<Message> actors = message_of(*told);
        std::uint64_t number = 0;
        std::from_chars(told->request_id.data(), told->request_id.data() + told->request_id.size(),
                        number);
        if (actors.ok()) owner_.actors_told(*this, number, actors.value());
    }
}

// What a batch says is taken down under the lock, and told to the owner behind it.
class Link::Reader final : public FrameVisitor {
public:
    explicit Reader(Link& link) : link_(link) {}
    Result<void> open(std::uint64_t channel, std::string_view source_actor, std::string_view actor,
                      std::string_view port) override {
        std::lock_guard lock(link_.mutex_);
        if (link_.incoming_.size() >= link_.options_.channels_count) {
            return Failure(REFLOW_ERROR_LIMIT, concat("more than ", link_.options_.channels_count,
                                                      " channels"));
        }
        Incoming made{String(source_actor), String(actor), String(port), {}};
        made.allowed = link_.options_.window;
        if (!link_.incoming_.emplace(channel, std::move(made)).second) {
            return Failure(REFLOW_ERROR_PROTOCOL, concat("channel ", channel, " is there already"));
        }
        return {};
    }
    Result<void> data(std::uint64_t channel, std::uint64_t first, MessageRef payloads,
                      std::uint64_t bytes) override {
        Vector<NamedStream> streams;  // end without the lock: the last of a handle tells the link
        {
            std::lock_guard lock(link_.mutex_);
            auto found = link_.incoming_.find(channel);
            if (found == link_.incoming_.end()) {
                return Failure(REFLOW_ERROR_PROTOCOL, concat("there is no channel ", channel));
            }
            Incoming& to = found->second;
            std::size_t count = payloads.size();
            std::uint64_t next = to.first + (to.waiting.size() - to.taken);
            if (first != next) {
                return Failure(REFLOW_ERROR_PROTOCOL, concat("channel ", channel, " goes on with ",
                                                             first, " instead of ", next));
            }
            if (count > to.allowed.packets - next || to.bytes >= to.allowed.bytes) {
                return Failure(REFLOW_ERROR_PROTOCOL,
                               concat("channel ", channel, " has more than its credit"));
            }
            to.bytes += bytes;
            for (std::size_t i = 0; i < count; ++i) to.waiting.push_back(payloads.at(i).own());
            if (count != 0 && !to.streams.empty()) [[unlikely]] {
                streams.swap(to.streams);
                Result<Message> whole = with_streams(payloads.at(0), streams);
                if (!whole.ok()) return whole.take_error();
                to.waiting[to.waiting.size() - count] = std::move(whole).take();
            }
            if (count != 0 && !to.note.none()) [[unlikely]] {
                Message& first_one = to.waiting[to.waiting.size() - count];
                first_one = enveloped(std::move(first_one), std::exchange(to.note, Message()));
            }
            link_.packets_in_.fetch_add(count, std::memory_order_relaxed);
        }
        link_.offer(channel);
        return {};
    }
    Result<void> credit(std::uint64_t channel, std::uint64_t packets,
                        std::uint64_t bytes) override {
        {
            std::lock_guard lock(link_.mutex_);
            if (channel >= link_.outgoing_.size()) return {};
            link_.credited_locked(channel, packets);
            Outgoing& to = link_.outgoing_[channel];
            to.allowed.packets = std::max(to.allowed.packets, packets);
            to.allowed.bytes = std::max(to.allowed.bytes, bytes);
            if (!to.open() || !std::exchange(to.full, false)) return {};
        }
        link_.owner_.writable(link_, channel);
        return {};
    }
    Result<void> report(std::uint64_t channel, std::uint64_t number, reflow_status status,
                        std::string_view text) override {
        link_.hear_report(channel, number, status, text);
        return {};
    }
    Result<void> ping(std::uint64_t number) override {
        std::unique_lock lock(link_.mutex_);
        link_.batch_.pong(number);
        link_.flush_locked(lock);
        return {};
    }
    Result<void> pong(std::uint64_t number) override {
        link_.hear_pong(number);
        return {};
    }
    Result<void> follow(std::uint64_t number, std::string_view actor, std::string_view port,
                        std::string_view replies_to) override {
        link_.owner_.follow(link_, number, actor, port, replies_to);
        return {};
    }
    Result<void> unfollow(std::uint64_t number) override {
        link_.owner_.unfollow(link_, number);
        return {};
    }
    Result<void> followed(std::uint64_t number, std::optional<std::uint64_t> channel,
                          std::string_view text) override {
        link_.owner_.followed(link_, number, channel, text);
        return {};
    }
    Result<void> cancel(std::string_view actor, std::string_view source_actor) override {
        link_.owner_.cancel(link_, actor, source_actor);
        return {};
    }
    Result<void> ask(std::uint64_t number) override {
        Message actors = link_.owner_.actors();
        std::unique_lock lock(link_.mutex_);
        Result<void> done = link_.batch_.told(number, actors);
        link_.flush_locked(lock);
        return done;
    }
    Result<void> told(std::uint64_t number, MessageRef actors) override {
        link_.owner_.actors_told(link_, number, actors);
        return {};
    }
    Result<void> note(std::uint64_t channel, std::uint64_t number, Message envelope) override {
        std::lock_guard lock(link_.mutex_);
        Result<Incoming*> next = next_locked(channel, number, "a note of packet");
        if (!next.ok()) return next.take_error();
        if (Incoming* to = next.value()) to->note = std::move(envelope);
        return {};
    }
    Result<void> mark(std::uint64_t channel, std::uint64_t number, std::string_view outbox,
                      std::uint64_t message) override {
        std::lock_guard lock(link_.mutex_);
        Result<Incoming*> next = next_locked(channel, number, "a mark at packet");
        if (!next.ok()) return next.take_error();
        if (Incoming* to = next.value()) to->marks.add({number, String(outbox), message});
        return {};
    }
    Result<void> element(std::uint64_t channel, std::uint64_t number,
                         std::uint32_t index) override {
        std::lock_guard lock(link_.mutex_);
        Result<Incoming*> next = next_locked(channel, number, "an element of packet");
        if (!next.ok()) return next.take_error();
        if (Incoming* to = next.value()) to->elements.add({number, index});
        return {};
    }
    Result<void> confirm(std::uint64_t channel, std::uint64_t number) override {
        std::unique_lock lock(link_.mutex_);
        auto found = link_.incoming_.find(channel);
        if (found == link_.incoming_.end()) return {};
        Incoming& to = found->second;
        to.wanted = std::max(to.wanted, number < UINT64_MAX ? number + 1 : number);
        link_.tell_confirmed(channel, to);
        link_.flush_locked(lock);
        return {};
    }
    Result<void> stream(const StreamRecord& record) override {
        return link_.begin_inflow(record);
    }
    Result<void> stream_data(std::uint64_t number, MessageRef data) override {
        return link_.hear_stream_data(number, data);
    }
    Result<void> stream_end(std::uint64_t number, bool failed, std::string_view text) override {
        link_.end_inflow(number, failed, text);
        return {};
    }
    Result<void> stream_credit(std::uint64_t number, std::uint64_t frames,
                               std::uint64_t bytes) override {
        {
            std::lock_guard lock(link_.mutex_);
            auto found = link_.outflows_.find(number);
            if (found == link_.outflows_.end()) return {};
            Window& allowed = found->second->allowed;
            allowed.packets = std::max(allowed.packets, frames);
            allowed.bytes = std::max(allowed.bytes, bytes);
        }
        link_.pump_stream(number);
        return {};
    }
    Result<void> stream_cancel(std::uint64_t number, std::string_view) override {
        link_.cancel_outflow(number);
        return {};
    }
    Result<void> confirmed(std::uint64_t channel, std::uint64_t packets) override {
        link_.hear_confirmed(channel, packets);
        return {};
    }

private:
    // The channel whose next packet something is said of; NULL for one that is not known.
    Result<Incoming*> next_locked(std::uint64_t channel, std::uint64_t number,
                                  std::string_view what) {
        auto found = link_.incoming_.find(channel);
        if (found == link_.incoming_.end()) return nullptr;
        Incoming& to = found->second;
        const std::uint64_t next = to.first + (to.waiting.size() - to.taken);
        if (number == next) return &to;
        return Failure(REFLOW_ERROR_PROTOCOL, concat(what, " ", number, " of channel ", channel,
                                                     " comes before ", next));
    }
    Link& link_;
};

void Link::hear_packed(std::string_view frame, bool last) {
    String unpacked;
    Result<void> done = Failure(REFLOW_ERROR_PROTOCOL, "a packed frame, which was not agreed on");
    if (options_.packer) done = options_.packer->unpack(frame, unpacked);
    if (!done.ok()) return refuse(done.error().status, done.error().message, io::WIRE_PROTOCOL);
    last ? hear_last(unpacked) : hear_batch(unpacked);
}

void Link::hear_batch(std::string_view frame) {
    Reader reader(*this);
    Result<void> read = read_frame(frame, reader);
    if (!read.ok()) refuse(read.error().status, read.error().message, io::WIRE_PROTOCOL);
}

// How far a channel is, if the sender wants to know and it is further than it has been.
void Link::tell_confirmed(std::uint64_t channel, Incoming& of) {
    if (of.told >= of.wanted || of.first <= of.told) return;
    of.told = of.first;
    batch_.confirmed(channel, of.first);
}

// On whose thread ever there is room: without memory for it the link ends, as it does on its own.
void Link::resume(std::uint64_t channel) noexcept {
    try {
        channel == UINT64_MAX ? offer_parked() : offer(channel);
    } catch (const std::bad_alloc&) {
        cut();
    }
}

// So many at once, since they are copied for it.
constexpr std::size_t most_offered = 4096;

// Gives the owner what waits on a channel. One thread at a time: who finds another at it lets that
// look again.
void Link::offer(std::uint64_t channel) {
    // What comes meanwhile would move them. They end without the lock: the last handle of a stream tells the
    // link that nobody will read it.
    Vector<Message> all;
    std::unique_lock lock(mutex_);
    auto found = incoming_.find(channel);
    if (found == incoming_.end()) return;
    Incoming& from = found->second;  // stays: channels end with the link
    if (from.busy) {
        from.again = true;
        return;
    }
    from.busy = true;
    Parcel parcel{from.source_actor, from.actor, from.port, {}, 0};
    for (;;) {
        from.again = false;
        if (from.taken == from.waiting.size()) break;
        const std::size_t waiting = from.waiting.size() - from.taken;
        std::size_t run = std::min(waiting, most_offered);
        const std::uint64_t first = parcel.first = from.first;
        const std::uint64_t came_bytes = from.bytes;
        const auto* mark = from.marks.find(first, run);
        const String outbox = mark != nullptr ? mark->outbox : String();
        parcel.outbox = outbox;
        parcel.message = mark != nullptr ? mark->message + (first - mark->number) : 0;
        const auto* element = from.elements.find(first, run);
        parcel.index = element != nullptr ? element->index : REFLOW_NO_INDEX;
        const auto begin = from.waiting.begin() + static_cast<std::ptrdiff_t>(from.taken);
        Vector<Message> next(begin, begin + static_cast<std::ptrdiff_t>(run));
        all.swap(next);
        lock.unlock();
        next.clear();
        Result<std::size_t> taken = owner_.take(*this, parcel, channel, all);
        lock.lock();
        std::size_t count = taken.ok() ? taken.value() : 1;
        if (!taken.ok()) {
            batch_.report(channel, first, taken.error().status, taken.error().message);
        }
        // What each of them took in its frame is not kept: those that wait share it.
        from.taken_bytes += (came_bytes - from.taken_bytes) / waiting * count;
        if (count == waiting) from.taken_bytes = came_bytes;
        for (std::size_t i = 0; i < count; ++i) from.waiting[from.taken + i] = Message();
        from.taken += count;
        from.first += count;
        // An actor that is always a little behind never takes the last one.
        if (from.taken * 2 >= from.waiting.size()) {
            from.waiting.erase(from.waiting.begin(),
                               from.waiting.begin() + static_cast<std::ptrdiff_t>(from.taken));
            from.taken = 0;
        }
        if (count == 0 && !from.again) break;
    }
    from.busy = false;
    tell_credit(channel, from);
    tell_confirmed(channel, from);
    flush_locked(lock);
}

// Once half of the window is free again, so that few words are needed.
void Link::tell_credit(std::uint64_t channel, Incoming& from) {
    const Window& window = options_.window;
    Window may{from.first + window.packets, from.taken_bytes + window.bytes};
    if (may.packets - from.allowed.packets < std::max<std::uint64_t>(window.packets / 2, 1) &&
        may.bytes - from.allowed.bytes < std::max<std::uint64_t>(window.bytes / 2, 1)) {
        return;
    }
    from.allowed = may;
    batch_.credit(channel, may.packets, may.bytes);
}

}  // namespace reflow::peer
