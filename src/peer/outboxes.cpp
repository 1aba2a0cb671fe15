// See outboxes.hpp. Thread: any.
#include "peer/outboxes.hpp"

#include <algorithm>
#include <chrono>
#include <new>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"
#include "peer/confirmations.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t most_at_once = 256;  // messages that are given to a link

String key_of(const Outboxes::Address& to) {
    return concat(to.network_id, '\0', to.actor, '\0', to.port, '\0', to.source_actor);
}

}  // namespace

// A thread that sends for a way: the others leave it to that one.
class Outboxes::Pumping {
public:
    Pumping(Outboxes& of, Way& way, Lock& lock) : of_(of), way_(way), lock_(lock) {
        way_.pumping = true;
    }
    Pumping(const Pumping&) = delete;
    Pumping& operator=(const Pumping&) = delete;
    ~Pumping() {
        if (!lock_.owns_lock()) lock_.lock();
        way_.pumping = false;
        of_.look_at(way_, way_.box.due_ns());
    }

private:
    Outboxes& of_;
    Way& way_;
    Lock& lock_;
};

Outboxes::Way::Way(Ref<Setting> with, const Address& to, String own_id)
    : setting(std::move(with)),
      network_id(to.network_id),
      actor(to.actor),
      port(to.port),
      source_actor(to.source_actor),
      id(std::move(own_id)),
      box(setting->options) {}

Result<void> Outboxes::keep(std::string_view network_id, std::string_view actor,
                            const OutboxOptions& options, Listener listener) {
    auto setting = make_ref<Setting>();
    setting->options = options;
    setting->listener = std::move(listener);
    std::lock_guard lock(mutex_);
    if (settings_.size() >= limits::remote_actors_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a peer keeps messages for at most ",
                                                  limits::remote_actors_count, " actors"));
    }
    if (!settings_.try_emplace({String(network_id), String(actor)}, std::move(setting)).second) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("messages for ", actor, "@", network_id, " are kept already"));
    }
    return {};
}

bool Outboxes::keeps(std::string_view network_id, std::string_view actor) const {
    std::lock_guard lock(mutex_);
    return !settings_.empty() && settings_.contains({String(network_id), String(actor)});
}

bool Outboxes::confirms(std::string_view network_id, std::string_view actor) const {
    std::lock_guard lock(mutex_);
    auto found = settings_.find({String(network_id), String(actor)});
    return found != settings_.end() &&
           found->second->options.delivery == Delivery::at_least_once;
}

Result<Ref<Outboxes::Way>> Outboxes::way_to(const Address& to) {
    String key = key_of(to);
    if (auto found = ways_.find(key); found != ways_.end()) return found->second;
    auto setting = settings_.find({String(to.network_id), String(to.actor)});
    if (setting == settings_.end()) {
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("no messages are kept for ", to.actor, "@",
                                                      to.network_id));
    }
    if (ways_.size() >= limits::peer_outboxes_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a peer has at most ", limits::peer_outboxes_count,
                                                  " outboxes"));
    }
    Result<String> id = make_uuid();
    if (!id.ok()) return id.take_error();
    auto way = make_ref<Way>(setting->second, to, std::move(id).take());
    looks_.emplace(way->look_ns, way.get());
    try {
        ways_.emplace(std::move(key), way);
    } catch (...) {
        looks_.erase({way->look_ns, way.get()});
        throw;
    }
    return way;
}

Result<void> Outboxes::fits_outbox(const Address& to, MessageRef message) const {
    if (!payload_of(message).holds_stream() || !confirms(to.network_id, to.actor)) return {};
    return Failure(REFLOW_ERROR_UNSUPPORTED,
                   "a stream cannot be sent again, as at_least_once may have to")
        .hint("send its handle to an actor without an outbox, or with at_most_once");
}

Result<void> Outboxes::put_told(const Address& to, MessageRef message, std::uint64_t timeout_ns,
                                OutcomeFn told) {
    if (Result<void> fits = fits_outbox(to, message); !fits.ok()) return fits;
    Losses lost;
    Ref<Way> way;
    Ref<Fate> fate = make_ref<Fate>();
    {
        Lock lock(mutex_);
        if (stopped_) return Failure(REFLOW_ERROR_CLOSED, "the peer has stopped");
        Result<Ref<Way>> found = way_to(to);
        if (!found.ok()) return found.take_error();
        way = std::move(found).take();
        const std::uint64_t now = carrier_.carrier_now_ns();
        if (timeout_ns < UINT64_MAX - now) fate->until_ns = now + timeout_ns;
        Result<bool> taken = way->box.put(message.own(), fate, now, lost);
        if (!taken.ok()) return taken.take_error();
        if (!taken.value()) {
            return Failure(REFLOW_ERROR_LIMIT, concat("the outbox of ", to.actor, "@",
                                                      to.network_id, " is full"))
                .port(to.port);
        }
        fate->told = std::move(told);
    }
    fate = {};
    tell(*way, lost);
    pump(way);
    return {};
}

std::chrono::milliseconds Outboxes::left_of(const Until& until) {
    const std::uint64_t spent = (carrier_.carrier_now_ns() - until.start_ns) / 1'000'000;
    const auto most = static_cast<std::uint64_t>(waiting_ms(until.timeout_ms));
    return std::chrono::milliseconds(most - std::min(most, spent));
}

// What there is room for is put in under one lock, and goes to the link before this waits for more.
Result<void> Outboxes::put_all(const Address& to, std::span<const MessageRef> messages,
                               const Ref<Fate>& fate, const Until& until, std::uint32_t index,
                               std::size_t& accepted) {
    Result<void> result;
    while (result.ok() && accepted < messages.size()) {
        Ref<Way> way;
        Losses lost;
        {
            Lock lock(mutex_);
            if (stopped_) return Failure(REFLOW_ERROR_CLOSED, "the peer has stopped");
            Result<Ref<Way>> found = way_to(to);
            if (!found.ok()) return found.take_error();
            way = std::move(found).take();
            const std::size_t before = accepted;
            for (; accepted < messages.size(); ++accepted) {
                Result<bool> taken = way->box.put(messages[accepted].own(), fate,
                                                  carrier_.carrier_now_ns(), lost, index);
                if (taken.ok() && taken.value()) continue;
                if (!taken.ok()) result = taken.take_error();
                break;
            }
            if (result.ok() && accepted == before) {
                way->full = true;
                if (changed_.wait_for(lock, left_of(until)) == std::cv_status::no_timeout) continue;
                return Failure(REFLOW_ERROR_TIMEOUT,
                               concat("the outbox of ", to.actor, "@", to.network_id,
                                      " has no room within ", until.timeout_ms, " ms"))
                    .port(to.port);
            }
        }
        tell(*way, lost);
        pump(way);
    }
    return result;
}

Result<void> Outboxes::put(const Address& to, std::span<const MessageRef> messages,
                           std::int64_t timeout_ms, std::size_t& accepted, std::uint32_t index) {
    const Until until{timeout_ms, carrier_.carrier_now_ns()};
    accepted = 0;
    std::size_t fit = 0;
    Result<void> fits;
    while (fit < messages.size() && fits.ok()) {
        fits = fits_outbox(to, messages[fit]);
        if (fits.ok()) ++fit;
    }
    Result<void> put = put_all(to, messages.first(fit), {}, until, index, accepted);
    return put.ok() ? std::move(fits) : std::move(put);
}

Result<void> Outboxes::put_confirmed(const Address& to, MessageRef message,
                                     std::int64_t timeout_ms) {
    const Until until{timeout_ms, carrier_.carrier_now_ns()};
    if (Result<void> fits = fits_outbox(to, message); !fits.ok()) return fits;
    const Ref<Fate> fate = make_ref<Fate>();
    std::size_t accepted = 0;
    Result<void> put = put_all(to, std::span(&message, 1), fate, until, REFLOW_NO_INDEX, accepted);
    if (!put.ok()) return put;
    Lock lock(mutex_);
    if (!changed_.wait_for(lock, left_of(until), [&] { return fate->decided; })) {
        return Failure(REFLOW_ERROR_TIMEOUT,
                       concat("in the outbox, and not confirmed within ", timeout_ms, " ms"));
    }
    if (fate->status == REFLOW_OK) return {};
    return Failure(fate->status, fate->why);
}

// ---- to links

// Sends what can be sent. One thread at a time: who finds another at it lets that look again.
void Outboxes::pump(const Ref<Way>& way) {
    Left left;
    bool was_full = false;
    {
        Lock lock(mutex_);
        if (way->pumping) {
            way->again = true;
            return;
        }
        const Pumping pumping(*this, *way, lock);  // until here, also without memory
        do {
            way->again = false;
            while (way->box.waiting() != 0 && find_link(*way, lock, left.lost) &&
                   send_some(*way, lock, left)) {
            }
            take_late(*way, left);
        } while (way->again);
        was_full = std::exchange(way->full, false);
    }
    arm();
    changed_.notify_all();
    if (was_full) carrier_.room(way->network_id);
    tell(*way, left.lost);
}

// False: there is none now, and linked() comes when there is.
bool Outboxes::find_link(Way& way, Lock& lock, Losses& lost) {
    if (way.link && way.link->stage() == Stage::open) return true;
    if (way.link) return false;  // unlinked() comes
    lock.unlock();
    Ref<Link> link = carrier_.link_to(way.network_id);
    bool can = way.setting->options.delivery == Delivery::at_most_once;
    bool opened = false;
    std::uint64_t channel = 0;
    if (link) {
        can = can || link->confirms();
        Result<std::uint64_t> made = link->open_channel(way.source_actor, way.actor, way.port);
        opened = made.ok();
        if (opened) channel = made.value();
    }
    lock.lock();
    if (!opened) return false;
    if (!can) {
        Vector<Message> first;
        std::uint64_t number = 0;
        std::uint32_t index = REFLOW_NO_INDEX;
        while (way.box.next(1, first, number, index) != 0) {
            way.box.unfit(number, REFLOW_ERROR_UNSUPPORTED,
                          concat("a peer of ", way.network_id, " does not tell of deliveries"),
                          lost);
        }
        return false;
    }
    if (link->stage() != Stage::open) return false;  // unlinked() may have been here already
    way.link = link;
    way.channel = channel;
    senders_[{link.get(), way.channel}] = Ref<Way>::share(&way);
    return true;
}

// False: no more now; writable(), confirmed() or linked() come.
bool Outboxes::send_some(Way& way, Lock& lock, Left& left) {
    const Ref<Link> link = way.link;
    Vector<Message> messages;
    Link::Sending sending;
    sending.confirm = way.setting->options.delivery == Delivery::at_least_once;
    sending.only_idle = !sending.confirm;
    std::size_t count = way.box.next(most_at_once, messages, sending.number, sending.index);
    if (count == 0) return false;
    Vector<MessageRef> packets(messages.begin(), messages.end());
    if (sending.confirm) sending.outbox = way.id;
    const std::uint64_t channel = way.channel;
    lock.unlock();
    Result<std::size_t> sent = link->send(channel, packets, sending);
    messages.clear();
    lock.lock();
    // What was sent at most once may have come, wherever the link is now.
    const bool there = way.link == link;
    if (sent.ok() && (there || !sending.confirm)) {
        way.box.sent(sending.number, sent.value(), sending.first, carrier_.carrier_now_ns(),
                     left.gone);
    }
    if (!there) return true;
    take_late(way, left);
    if (sent.ok()) return sent.value() == count;
    if (sent.error().status == REFLOW_ERROR_CLOSED) return false;
    way.box.unfit(sending.number, sent.error().status, sent.error().message, left.lost);
    return true;
}

void Outboxes::take_late(Way& way, Left& left) {
    Late late = std::exchange(way.late, {});
    for (const Refusal& one : late.refused) {
        way.box.refused(one.packet, one.status, one.why, left.lost);
    }
    if (late.confirmed != 0) {
        way.box.confirmed(late.confirmed, carrier_.carrier_now_ns(), left.gone);
    }
}

// What its link says from now on is not heard.
void Outboxes::leave(Way& way) {
    way.link = {};
    way.late = {};
}

Ref<Outboxes::Way> Outboxes::find(const Link& link, std::uint64_t channel) const {
    auto found = senders_.find({&link, channel});
    return found == senders_.end() ? Ref<Way>() : found->second;
}

// ---- from the peer

void Outboxes::linked(std::string_view network_id) {
    Vector<Ref<Way>> all;
    {
        Lock lock(mutex_);
        for (const auto& [key, way] : ways_) {
            if (way->network_id == network_id && !way->box.empty()) all.push_back(way);
        }
    }
    for (const Ref<Way>& way : all) pump(way);
}

void Outboxes::unlinked(const Link& link) {
    Vector<std::pair<Ref<Way>, Losses>> all;
    {
        Lock lock(mutex_);
        for (auto it = senders_.begin(); it != senders_.end();) {
            if (it->first.first != &link) {
                ++it;
                continue;
            }
            Ref<Way> way = std::move(it->second);
            it = senders_.erase(it);
            leave(*way);
            Losses lost;
            way->box.unlinked(lost);
            all.emplace_back(std::move(way), std::move(lost));
        }
    }
    for (const auto& [way, lost] : all) {
        tell(*way, lost);
        pump(way);  // there may be another instance
    }
}

void Outboxes::writable(const Link& link, std::uint64_t channel) {
    Ref<Way> way;
    {
        Lock lock(mutex_);
        way = find(link, channel);
    }
    if (way) pump(way);
}

void Outboxes::confirmed(const Link& link, std::uint64_t channel, std::uint64_t packets) {
    Ref<Way> way;
    Gone gone;
    {
        Lock lock(mutex_);
        way = find(link, channel);
        if (!way) return;
        if (way->pumping) {
            way->late.confirmed = std::max(way->late.confirmed, packets);
        } else {
            way->box.confirmed(packets, carrier_.carrier_now_ns(), gone);
        }
    }
    pump(way);
}

bool Outboxes::lost(const Link& link, std::uint64_t channel, std::uint64_t packet,
                    reflow_status status, std::string_view why) {
    Ref<Way> way;
    Losses lost;
    {
        Lock lock(mutex_);
        way = find(link, channel);
        if (!way) return false;
        if (way->pumping) {
            way->late.refused.push_back({packet, status, String(why)});
        } else {
            way->box.refused(packet, status, why, lost);
        }
    }
    tell(*way, lost);
    pump(way);
    return true;
}

// ---- deadlines

// Its place changes without memory, so that no deadline is forgotten for want of it.
void Outboxes::look_at(Way& way, std::uint64_t at_ns) noexcept {
    if (way.look_ns == at_ns) return;
    auto place = looks_.extract({way.look_ns, &way});
    way.look_ns = at_ns;
    place.value().first = at_ns;
    looks_.insert(std::move(place));
}

void Outboxes::arm() noexcept {
    std::uint64_t next = UINT64_MAX;
    try {
        {
            Lock lock(mutex_);
            if (stopped_ || looks_.empty()) return;
            const std::uint64_t at = looks_.begin()->first;
            if (at == UINT64_MAX || !alarm_.wants(at)) return;
            next = at;
        }
        const std::uint64_t now = carrier_.carrier_now_ns();
        carrier_.call_later(next - std::min(next, now), [this, next] {
            {
                Lock lock(mutex_);
                alarm_.came(next);
            }
            tick();
        });
    } catch (const std::bad_alloc&) {
        // The next heartbeat looks.
        Lock lock(mutex_);
        alarm_.came(next);
    }
}

void Outboxes::tick() {
    Vector<std::pair<Ref<Way>, Losses>> all;
    {
        Lock lock(mutex_);
        const std::uint64_t now = carrier_.carrier_now_ns();
        while (!looks_.empty() && looks_.begin()->first <= now) {
            Way& way = *looks_.begin()->second;
            if (way.box.empty() || way.pumping) {  // who sends looks when he is done
                look_at(way, UINT64_MAX);
                continue;
            }
            Losses lost;
            bool goes_again = way.box.tick(now, lost);
            look_at(way, way.box.due_ns());
            if (goes_again && way.link) {
                // Over another link, if there is one.
                senders_.erase({way.link.get(), way.channel});
                leave(way);
            }
            if (goes_again || !lost.empty()) all.emplace_back(Ref<Way>::share(&way), std::move(lost));
        }
    }
    for (const auto& [way, lost] : all) {
        tell(*way, lost);
        pump(way);
    }
    arm();
}

void Outboxes::stop(std::int64_t timeout_ms) {
    Vector<std::pair<Ref<Way>, Losses>> all;
    {
        Lock lock(mutex_);
        auto done = [&] {
            return std::all_of(ways_.begin(), ways_.end(), [](const auto& one) {
                return !one.second->link || (one.second->box.empty() && !one.second->pumping);
            });
        };
        (void)changed_.wait_for(lock, std::chrono::milliseconds(waiting_ms(timeout_ms)), done);
        stopped_ = true;
        for (const auto& [key, way] : ways_) {
            Losses lost;
            leave(*way);
            way->box.end("the peer stops", lost);
            all.emplace_back(way, std::move(lost));
        }
        senders_.clear();
    }
    changed_.notify_all();
    for (const auto& [way, lost] : all) tell(*way, lost);
}

void Outboxes::tell(const Way& way, const Losses& lost) {
    for (const Undelivered& one : lost) {
        carrier_.undelivered({way.network_id, way.actor, way.port, way.source_actor}, one);
        if (way.setting->listener) way.setting->listener(way.port, one);
    }
    if (!lost.empty()) changed_.notify_all();
}

Vector<Outboxes::State> Outboxes::states() const {
    Vector<State> all;
    Lock lock(mutex_);
    for (const auto& [key, way] : ways_) {
        all.push_back({way->network_id, way->actor, way->port, way->source_actor,
                       way->box.books(), way->box.waiting(), way->box.unconfirmed(),
                       way->box.bytes()});
    }
    return all;
}

}  // namespace reflow::peer
