// See deliveries.hpp. Thread: any.
#include "peer/deliveries.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "peer/limits.hpp"

namespace reflow::peer {

// A thread that sends for a way: the others leave it to that one.
class Deliveries::Pumping {
public:
    Pumping(Deliveries& of, Way& way, Lock& lock) : of_(of), way_(way), lock_(lock) {
        way_.pumping = true;
    }
    Pumping(const Pumping&) = delete;
    Pumping& operator=(const Pumping&) = delete;
    ~Pumping() {
        if (!lock_.owns_lock()) lock_.lock();
        way_.pumping = false;
        if (way_.waiting.empty()) of_.ways_.erase(way_.key);
    }

private:
    Deliveries& of_;
    Way& way_;
    Lock& lock_;
};

// A thread that gives a letter to a link: what is said of its packets meanwhile is kept.
class Deliveries::Inside {
public:
    Inside(Deliveries& of, const TrackKey& key, const Ref<Way>& way) : of_(of), key_(key) {
        Lock lock(of_.mutex_);
        Track& track = of_.tracks_[key_];
        track.way = way;
        ++track.sending;
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
        Lock lock(of_.mutex_);
        Track& track = of_.tracks_[key_];
        if (--track.sending != 0) return;
        track.early.clear();
        const bool over = track.ended || key_.first->stage() == Stage::closed;
        if (over && track.sent.empty()) of_.tracks_.erase(key_);
    }

private:
    Deliveries& of_;
    const TrackKey key_;
};

Deliveries::~Deliveries() = default;

Result<void> Deliveries::send(const Address& to, Message message, std::uint64_t timeout_ns,
                              OutcomeFn told) {
    auto letter = make_ref<Letter>();
    letter->message = std::move(message);
    letter->told = std::move(told);
    const std::uint64_t now = carrier_.delivery_now_ns();
    Ref<Way> way;
    {
        Lock lock(mutex_);
        if (stopped_) return Failure(REFLOW_ERROR_CLOSED, "the peer has stopped");
        if (waiting_ >= limits::peer_deliveries_count) {
            return Failure(REFLOW_ERROR_LIMIT, concat(limits::peer_deliveries_count,
                                                      " messages of this peer wait for room"));
        }
        String key = concat(to.network_id, '\0', to.actor, '\0', to.port, '\0', to.source_actor);
        Ref<Way>& place = ways_[key];
        if (!place) {
            place = make_ref<Way>();
            place->key = std::move(key);
            place->network_id = to.network_id;
            place->actor = to.actor;
            place->port = to.port;
            place->source_actor = to.source_actor;
        }
        way = place;
        letter->way = way;
        letter->deadline = {timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX, ++last_};
        if (letter->deadline.first != UINT64_MAX) deadlines_.emplace(letter->deadline, letter);
        way->waiting.push_back(letter);
        ++waiting_;
    }
    Result<void> sent = pump(way, letter.get());
    if (sent.ok()) arm();
    return sent;
}

// ---- to links

Result<void> Deliveries::pump(const Ref<Way>& way, const Letter* first) {
    Verdicts verdicts;
    Result<void> result;
    {
        Lock lock(mutex_);
        if (way->pumping) {
            way->again = true;
            return {};
        }
        const Pumping pumping(*this, *way, lock);
        do {
            way->again = false;
            while (!way->waiting.empty()) {
                const Ref<Letter> letter = way->waiting.front();
                if (letter->state == State::over) {  // its time was over
                    way->waiting.pop_front();
                    continue;
                }
                letter->state = State::busy;
                lock.unlock();
                Result<bool> sent = send_one(letter, verdicts);
                lock.lock();
                if (sent.ok() && !sent.value()) {
                    letter->state = State::waiting;
                    if (!letter->late) break;
                    sent = Failure(REFLOW_ERROR_TIMEOUT, "not sent: no room within its time");
                }
                way->waiting.pop_front();
                --waiting_;
                if (sent.ok()) continue;
                if (letter.get() == first) {
                    result = sent.take_error();
                    letter->state = State::over;
                    deadlines_.erase(letter->deadline);
                } else {
                    judge_locked(letter, Outcome::lost, sent.error().status, sent.error().message,
                                 verdicts);
                }
            }
        } while (way->again);
    }
    tell(verdicts);
    return result;
}

Result<bool> Deliveries::send_one(const Ref<Letter>& letter, Verdicts& verdicts) {
    const Way& way = *letter->way;
    for (;;) {
        Ref<Link> link = carrier_.link_for(way.network_id);
        if (!link) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("No connection to network: ", way.network_id));
        }
        if (!link->confirms()) {
            return Failure(REFLOW_ERROR_UNSUPPORTED, concat("a peer of ", way.network_id,
                                                            " does not tell of deliveries"));
        }
        Result<std::uint64_t> channel = link->open_channel(way.source_actor, way.actor, way.port);
        Result<bool> given = false;
        if (channel.ok()) {
            given = give(letter, *link, channel.value(), verdicts);
        } else {
            given = channel.take_error();
        }
        // One that was closed in between is not chosen again.
        const bool again = !given.ok() && given.error().status == REFLOW_ERROR_CLOSED &&
                           !link->open_to(way.network_id);
        if (!again) return given;
    }
}

Result<bool> Deliveries::give(const Ref<Letter>& letter, Link& link, std::uint64_t channel,
                              Verdicts& verdicts) {
    const TrackKey key{&link, channel};
    const Inside inside(*this, key, letter->way);
    Link::Sending sending;
    sending.confirm = true;
    const MessageRef packet = letter->message;
    Result<std::size_t> sent = link.send(channel, std::span(&packet, 1), sending);
    if (!sent.ok()) return sent.take_error();
    if (sent.value() == 0) return false;
    Lock lock(mutex_);
    place_locked(letter, key, sending.first, verdicts);
    return true;
}

// It has gone; what has been said of it so far counts.
void Deliveries::place_locked(const Ref<Letter>& letter, const TrackKey& key, std::uint64_t number,
                              Verdicts& verdicts) {
    Track& track = tracks_[key];
    if (auto found = track.early.find(number); found != track.early.end()) {
        judge_locked(letter, Outcome::lost, found->second.first, found->second.second, verdicts);
    } else if (track.confirmed > number) {
        judge_locked(letter, Outcome::delivered, REFLOW_OK, {}, verdicts);
    } else if (track.ended) {
        judge_locked(letter, Outcome::in_doubt, REFLOW_ERROR_CLOSED,
                     concat("sent, and not confirmed: ", *track.ended), verdicts);
    } else if (letter->late) {
        judge_locked(letter, Outcome::in_doubt, REFLOW_ERROR_TIMEOUT,
                     "sent, and not confirmed within its time", verdicts);
    } else {
        letter->state = State::sent;
        letter->link = key.first;
        letter->channel = key.second;
        letter->number = number;
        track.sent.emplace(number, letter);
    }
}

void Deliveries::judge_locked(const Ref<Letter>& letter, Outcome outcome, reflow_status status,
                              String reason, Verdicts& verdicts) {
    letter->state = State::over;
    deadlines_.erase(letter->deadline);
    verdicts.push_back({letter, outcome, status, std::move(reason)});
}

// Letters end here as well: the last reference to a message may call its host.
void Deliveries::tell(Verdicts& verdicts) {
    for (Verdict& one : verdicts) {
        one.letter->told(one.outcome, one.status, one.reason);
    }
    verdicts.clear();
}

// ---- from the peer

void Deliveries::writable(const Link& link, std::uint64_t channel) {
    Ref<Way> way;
    {
        Lock lock(mutex_);
        auto found = tracks_.find({&link, channel});
        if (found == tracks_.end()) return;
        way = found->second.way;
    }
    (void)pump(way, nullptr);
}

void Deliveries::confirmed(const Link& link, std::uint64_t channel, std::uint64_t packets) {
    Verdicts verdicts;
    {
        Lock lock(mutex_);
        auto found = tracks_.find({&link, channel});
        if (found == tracks_.end()) return;
        Track& track = found->second;
        track.confirmed = std::max(track.confirmed, packets);
        while (!track.sent.empty() && track.sent.begin()->first < packets) {
            judge_locked(track.sent.begin()->second, Outcome::delivered, REFLOW_OK, {}, verdicts);
            track.sent.erase(track.sent.begin());
        }
    }
    tell(verdicts);
}

void Deliveries::lost(const Link& link, std::uint64_t channel, std::uint64_t number,
                      reflow_status status, std::string_view text) {
    Verdicts verdicts;
    {
        Lock lock(mutex_);
        auto found = tracks_.find({&link, channel});
        if (found == tracks_.end()) return;
        Track& track = found->second;
        auto letter = track.sent.find(number);
        if (letter != track.sent.end()) {
            judge_locked(letter->second, Outcome::lost, status, String(text), verdicts);
            track.sent.erase(letter);
        } else if (track.sending != 0) {
            track.early.emplace(number, std::pair(status, String(text)));
        }
    }
    tell(verdicts);
}

void Deliveries::ended(const Link& link, std::string_view reason) {
    Verdicts verdicts;
    Vector<Ref<Way>> ways;
    {
        Lock lock(mutex_);
        auto at = tracks_.lower_bound({&link, 0});
        while (at != tracks_.end() && at->first.first == &link) {
            Track& track = at->second;
            for (auto& [number, letter] : track.sent) {
                judge_locked(letter, Outcome::in_doubt, REFLOW_ERROR_CLOSED,
                             concat("sent, and not confirmed: ", reason), verdicts);
            }
            track.sent.clear();
            track.ended = String(reason);
            ways.push_back(track.way);
            if (track.sending == 0) {
                at = tracks_.erase(at);
            } else {
                ++at;  // that thread sees to it
            }
        }
    }
    tell(verdicts);
    for (const Ref<Way>& way : ways) (void)pump(way, nullptr);  // there may be another link
}

void Deliveries::stop() {
    Verdicts verdicts;
    {
        Lock lock(mutex_);
        stopped_ = true;
        for (auto& [key, way] : ways_) {
            for (const Ref<Letter>& letter : way->waiting) {
                if (letter->state != State::waiting) continue;
                judge_locked(letter, Outcome::lost, REFLOW_ERROR_CLOSED, "not sent: the peer stops",
                             verdicts);
                --waiting_;
            }
            if (!way->pumping) way->waiting.clear();
        }
        std::erase_if(ways_, [](const auto& one) { return !one.second->pumping; });
    }
    tell(verdicts);
}

// ---- deadlines

void Deliveries::arm() {
    const std::uint64_t now = carrier_.delivery_now_ns();
    std::uint64_t next = 0;
    {
        Lock lock(mutex_);
        if (deadlines_.empty()) return;
        next = deadlines_.begin()->first.first;
        if (!alarm_.wants(next)) return;
    }
    try {
        carrier_.call_later(next - std::min(next, now), [this, next] { look_at_deadlines(next); });
    } catch (...) {
        // It does not come, so it must not stand in the way of the next one.
        Lock lock(mutex_);
        alarm_.came(next);
        throw;
    }
}

void Deliveries::look_at_deadlines(std::uint64_t called_for_ns) {
    const std::uint64_t now = carrier_.delivery_now_ns();
    Verdicts verdicts;
    {
        Lock lock(mutex_);
        alarm_.came(called_for_ns);
        while (!deadlines_.empty() && deadlines_.begin()->first.first <= now) {
            const Ref<Letter> letter = deadlines_.begin()->second;
            switch (letter->state) {
                case State::waiting:
                    std::erase(letter->way->waiting, letter);
                    judge_locked(letter, Outcome::lost, REFLOW_ERROR_TIMEOUT,
                                 "not sent: no room within its time", verdicts);
                    --waiting_;
                    break;
                case State::sent: {
                    auto track = tracks_.find({letter->link, letter->channel});
                    if (track != tracks_.end()) track->second.sent.erase(letter->number);
                    judge_locked(letter, Outcome::in_doubt, REFLOW_ERROR_TIMEOUT,
                                 "sent, and not confirmed within its time", verdicts);
                    break;
                }
                default:
                    letter->late = true;
                    deadlines_.erase(deadlines_.begin());
            }
        }
    }
    tell(verdicts);
    arm();
}

}  // namespace reflow::peer
