// What an actor has as an image, both ways.
// Neighbours: actor, image.hpp. Thread: that of who takes the snapshot; before the start, of who
// starts.
#include "runtime/image.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "message/envelope.hpp"
#include "runtime/actor.hpp"
#include "runtime/dealer.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/supervisor.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {

namespace {

// Each of these with a reference.
void share(Vector<Packet>& to, const Packet& packet) {
    to.reserve(to.size() + 1);
    to.push_back(packet);
    (void)MessageRef(packet.message).own().leak();
}

Failure unsaved(const Actor& actor, reflow_status status, std::string_view text) {
    return Failure(status, text).node(actor.id);
}

// The other way: a queue gets references of its own.
void take(Queue<Packet>& to, const PacketList& from) {
    to.reserve(from.all.size());
    for (Packet packet : from.all) {
        packet.message = MessageRef(packet.message).own().leak();
        to.push_unchecked(packet);
    }
}

// A time of a clock as what is left until then, and back.
std::uint64_t left_until(std::uint64_t due_ns, std::uint64_t now_ns) noexcept {
    return due_ns > now_ns ? due_ns - now_ns : 0;
}
std::uint64_t due_after(std::uint64_t left_ns, std::uint64_t now_ns) noexcept {
    return now_ns + std::min<std::uint64_t>(left_ns, INT64_MAX);
}

// What others are told of it.
std::unique_ptr<Error> copy_of(const Error& error) {
    std::unique_ptr<Error> to = Failure(error.status, error.message).hint(error.hint).take();
    to->trace = error.trace;
    return to;
}

// A firing that comes again needs all of its inputs.
bool whole(const Actor& actor, std::span<const Packet> inputs) noexcept {
    for (const Packet& packet : inputs) {
        if (!MessageRef(packet.message).none()) continue;
        const bool any = actor.component->await == REFLOW_AWAIT_ANY;
        if (any || actor.mailbox.waits_for(packet.port)) return false;
    }
    return true;
}

}  // namespace

// The parts of that; what is of the turn is the caller's.
class Imager {
public:
    explicit Imager(Actor& actor) noexcept : actor_(actor) {}
    Result<void> capture_firings(ActorImage& to);
    void capture_packets(ActorImage& to);
    void capture_timers(ActorImage& to);
    void capture_failures(ActorImage& to, bool restarts);
    void restore_failures(const ActorImage& from);
    void restore_firings(const ActorImage& from);

private:
    Result<void> capture_pending(ActorImage& to);
    void capture_ended(const Deferred& firing, ActorImage& to);
    void restore_ended(const ActorImage::Kept& kept);

    Actor& actor_;
};

Result<void> Actor::capture(ActorImage& to) {
    const Component& kind = *component;
    const bool down = supervisor() != nullptr && supervisor()->down;  // there is no state
    if (kind.save != nullptr && !down) {
        Context context{*this, Phase::save};
        reflow_message saved{};
        reflow_status status =
            shielded(context, [&] { return kind.save(&context, state, &saved); });
        if (status != REFLOW_OK) return result_of(context, status, "save");
        to.state = Message::adopt(saved);
        to.version = kind.state_version;
    } else if (kind.save == nullptr && kind.create != nullptr && !kind.stateless) {
        return unsaved(*this, REFLOW_ERROR_UNSUPPORTED,
                       concat("the component '", kind.id, "' has a state and no save"))
            .hint("give it save and load, or the flag for components without state");
    }
    if (const Tether* own = tether(); own && own->shared() && !kind.keeps_tether) {
        return unsaved(*this, REFLOW_ERROR_WOULD_BLOCK, "a stream of the node is open")
            .hint("take the snapshot when it has ended");
    }
    if (named_state() != nullptr && !named_state()->empty()) {
        to.named_state = named_state()->copy();
    }
    Imager imager(*this);
    if (Result<void> done = imager.capture_firings(to); !done.ok()) return done;
    imager.capture_packets(to);
    // First the timer and then the bits: one that fires in between is seen twice and not missed.
    const ActorTimers* own = timers();
    std::uint64_t timer = own == nullptr ? UINT64_MAX : group.scheduler.timers.due(own->wake);
    imager.capture_timers(to);
    std::uint32_t asked = wanted_ | (word_.load(std::memory_order_acquire) & ~state_mask);
    to.again = again_;
    to.again_finishes = again_ && again_phase_ == Phase::finish;
    to.rests = (resting_ & timer_rest) != 0;
    to.ended = ended_ || (asked & end_bit) != 0;
    to.starts = to.starts || (asked & start_bit) != 0;
    to.finishes = (asked & finish_bit) != 0;
    to.wakes = (asked & wake_bit) != 0;
    if (timer != UINT64_MAX && !to.wakes) {
        to.timer_ns = left_until(timer, group.scheduler.clock().now_ns());
    }
    imager.capture_failures(to, (asked & restart_bit) != 0);
    to.fired = fired.get();
    to.received = received.get();
    to.sent = sent.get();
    to.failed = failed.get();
    to.dropped = mailbox.dropped();
    return {};
}

// What has been taken, and what comes again: firings that go on, attempts, and those that are pending.
// An attempt that is due next is like one that waited while its firing was pending.
Result<void> Imager::capture_firings(ActorImage& to) {
    const Supervisor* own = actor_.supervisor();
    const std::uint64_t now = actor_.group.scheduler.clock().now_ns();
    std::size_t front = actor_.due_ * actor_.firing_size_;
    if (own != nullptr && own->in_place) {
        const std::uint64_t left_ns = own->waits ? left_until(own->due_ns, now) : 0;
        if (own->inputless) {
            to.attempt = {own->attempts, left_ns, own->timers};
        } else {
            to.retries.push_back({own->attempts, left_ns, {}});
            PacketList& inputs = to.retries[0].inputs;
            for (std::size_t i = 0; i < actor_.firing_size_; ++i) {
                share(inputs.all, actor_.inputs_[i]);
            }
            front = actor_.firing_size_;
        }
    } else {
        to.due = actor_.due_;
        for (std::size_t i = 0; i < front; ++i) share(to.inputs.all, actor_.inputs_[i]);
    }
    for (const Deferred* firing = own == nullptr ? nullptr : own->pending; firing != nullptr;
         firing = firing->of_call) {
        to.retries.push_back({firing->attempts, left_until(firing->due_ns, now), {}});
        for (std::size_t i = 0; i < firing->inputs.size(); ++i) {
            share(to.retries.back().inputs.all, firing->inputs[i]);
        }
    }
    if (Result<void> done = capture_pending(to); !done.ok()) return done;
    for (std::size_t i = front; i < actor_.inputs_.size(); ++i) {
        share(to.inputs.all, actor_.inputs_[i]);
    }
    return {};
}

// Those that are over have happened, whether the actor has heard of it or not; those that are pending have
// not, and come again.
Result<void> Imager::capture_pending(ActorImage& to) {
    DeferredFirings* firings = actor_.deferred();
    if (firings == nullptr) return {};
    const Supervisor* own = actor_.supervisor();
    // The place of a firing whose next attempt is told by itself.
    bool skips = !to.retries.empty();
    bool waits = skips, inputless = false, lost = false;
    std::size_t ended = 0;
    const std::size_t begin = to.inputs.all.size();
    firings->each([&](const Deferred& firing) {
        if (!firing.place_ && !firing.alive_) {
            // What a call has emitted before it left its firing open comes again with that.
            if (!firing.weighs_ && firing.next_ != nullptr && firing.next_->alive_) return;
            // Places are those of packets that come again, and firings that go on come before these.
            lost = lost || (firings->ordered() && waits && (inputless || begin != 0));
            capture_ended(firing, to);
            ended = to.order.size();
            return;
        }
        waits = true;
        if (firing.place_) {
            if (!std::exchange(skips, false)) to.order.emplace_back().place = true;
            return;
        }
        inputless = inputless || firing.inputs.empty();
        const bool again = own != nullptr && firing.attempts != 0 && firing.attempts < UINT32_MAX - 1;
        if (again) to.retries.push_back({firing.attempts, 0, {}});
        if (firing.inputs.empty() && !again) to.starts = true;
        for (std::size_t i = 0; i < firing.inputs.size(); ++i) {
            share(again ? to.retries.back().inputs.all : to.inputs.all, firing.inputs[i]);
        }
        if (!again && firings->ordered()) to.order.emplace_back().place = true;
    });
    // Nobody waits for the last ones.
    while (to.order.size() > ended) to.order.pop_back();
    if (lost) {
        return unsaved(actor_, REFLOW_ERROR_WOULD_BLOCK,
                       "outputs of the node wait for an earlier firing that cannot come again")
            .hint("take the snapshot when that has ended");
    }
    bool complete = whole(actor_, std::span<const Packet>(to.inputs.all).subspan(begin));
    for (const auto& retry : to.retries) complete = complete && whole(actor_, retry.inputs.all);
    if (complete) return {};
    return unsaved(actor_, REFLOW_ERROR_WOULD_BLOCK,
                   "a pending firing has taken its inputs, so they cannot come again")
        .hint("take the snapshot when it has ended, or let run look at inputs that it defers");
}

void Imager::capture_ended(const Deferred& firing, ActorImage& to) {
    DeferredFirings& firings = *actor_.deferred();
    ActorImage::Kept& kept = to.order.emplace_back();
    kept.counts = firing.counts;
    kept.open = firing.id != 0;
    auto copy = [&](const Queue<Emitted>& outputs) {
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const Emitted& one = outputs[i];
            Message message = enveloped(MessageRef(one.message).own(), firing.envelope);
            kept.outputs.add(std::move(message), one.outport, one.index);
        }
    };
    if (&firing == firings.current.firing.get()) copy(firings.taken);
    if (firings.keeps_emits(firing)) copy(firing.outputs_);
    const Error* error = firing.error_.get();
    kept.status = firing.status;
    if (kept.status == REFLOW_OK && firing.refused != nullptr) {
        error = firing.refused.get();
        kept.status = error->status;
    }
    if (kept.status == REFLOW_OK) return;
    kept.attempts = firing.attempts;
    for (std::size_t i = 0; i < firing.inputs.size(); ++i) share(kept.inputs.all, firing.inputs[i]);
    if (error != nullptr) kept.error = copy_of(*error);
    kept.envelope = firing.envelope;
}

// What waits for the actor, and what it has emitted.
void Imager::capture_packets(ActorImage& to) {
    Vector<Mailbox::Sticky> newest;
    actor_.mailbox.copy(to.waiting.all, newest);
    to.newest.all.reserve(newest.size());
    to.fresh.reserve(newest.size());
    for (const Mailbox::Sticky& sticky : newest) {
        to.newest.all.push_back(sticky.packet);
        to.fresh.push_back(sticky.fresh);
    }
    // Connections by their places; those with something in them stand in a list.
    for (const Connection* from = actor_.unsent_; from != nullptr; from = from->next_unsent) {
        if (from->mailbox == nullptr) continue;
        auto place = static_cast<std::uint32_t>(from - actor_.outports[from->outport].data());
        for (std::size_t i = 0; i < from->pending.size(); ++i) {
            to.unsent.push_back({from->outport, place, MessageRef(from->pending[i].message).own()});
        }
    }
    for (Dealer* deals = actor_.dealers(); deals != nullptr; deals = deals->more.get()) {
        if (deals->how == Deal::by_key) continue;
        Queue<Packet>& queue = deals->queue.pending;
        to.dealt.push_back({deals->queue.outport, deals->next, {}});
        for (std::size_t i = 0; i < queue.size(); ++i) share(to.dealt.back().waiting.all, queue[i]);
    }
}

void Imager::capture_failures(ActorImage& to, bool restarts) {
    const Supervisor* own = actor_.supervisor();
    if (own == nullptr) return;
    const std::uint64_t now = actor_.group.scheduler.clock().now_ns();
    ActorImage::Failures& all = to.failures;
    all.breaker = static_cast<std::uint8_t>(own->breaker.state());
    all.failures = own->breaker.failures();
    const bool open = own->breaker.state() == Breaker::State::open;
    if (open) all.left_ns = left_until(own->breaker.until_ns(), now);
    all.retries = own->retries.get();
    all.restarts = own->restarts.get();
    for (std::uint64_t time : own->window.times()) all.window.push_back(now - std::min(time, now));
    all.restarts_now = restarts && !own->down;
    all.source = own->starts;
    // It is made anew before the start, which is its restart: a source begins anew then.
    if (own->down && own->starts && !to.ended && !own->in_place) to.starts = true;
    all.some = all.breaker != 0 || all.failures != 0 || all.retries != 0 || all.restarts != 0 ||
               !all.window.empty() || all.restarts_now || all.source;
}

void Imager::capture_timers(ActorImage& to) {
    if (actor_.timers() == nullptr) return;
    Timers& all = actor_.group.scheduler.timers;
    std::uint64_t now = actor_.group.scheduler.clock().now_ns();
    for (const auto& timer : actor_.timers()->numbered()) {
        std::uint64_t due = all.due(*timer);
        bool fired_now = (actor_.timers()->fired() & timer->bit()) != 0;
        if (due == UINT64_MAX && !fired_now) continue;
        std::uint64_t left = fired_now ? UINT64_MAX : left_until(due, now);
        to.timers.push_back({timer->id, left, timer->period_ns});
        if (timer->recurrence == nullptr) continue;
        to.timers.back().recurrence = timer->recurrence->copy();
        to.timers.back().wall = timer->wall;
    }
}

bool Actor::has_work(const ActorImage& image) noexcept {
    bool timer = image.timer_ns != UINT64_MAX;
    return !image.inputs.all.empty() || !image.waiting.all.empty() || !image.unsent.empty() ||
           std::any_of(image.dealt.begin(), image.dealt.end(),
                       [](const auto& one) { return !one.waiting.all.empty(); }) ||
           (image.again && !(image.rests && timer)) || image.due != 0 || image.starts ||
           image.finishes || image.wakes || !image.retries.empty() || !image.order.empty() ||
           image.failures.restarts_now ||
           std::any_of(image.timers.begin(), image.timers.end(),
                       [](const auto& one) { return one.left_ns == UINT64_MAX; });
}

// Nobody else sees the actor yet.
void Actor::restore(const ActorImage& from) {
    bool timed = from.timer_ns != UINT64_MAX || !from.timers.empty();
    if (timed && timers() == nullptr) extras().timers.reset(new ActorTimers(*this));
    std::uint64_t fired_before = 0;
    for (const ActorImage::Numbered& timer : from.timers) {
        if (timer.recurrence != nullptr) {
            timers()->prepare(timer.id, timer.recurrence->copy(), timer.wall);
        } else {
            timers()->prepare(timer.id, timer.period_ns);
        }
        if (timer.left_ns == UINT64_MAX) fired_before |= std::uint64_t{1} << timer.id;
    }
    if (fired_before != 0) timers()->put_back(fired_before);
    due_ = from.due;
    again_ = from.again;
    again_phase_ = from.again_finishes ? Phase::finish : Phase::run;
    resting_ = from.rests ? timer_rest : 0;
    ended_ = from.ended;
    wanted_ = (from.starts ? start_bit : 0) | (from.finishes ? finish_bit : 0) |
              (from.wakes ? wake_bit : 0) | (fired_before != 0 ? timer_bit : 0);
    // A rest without a timer would have no end.
    if (resting_ != 0 && from.timer_ns == UINT64_MAX) wanted_ |= wake_bit;
    Imager imager(*this);
    imager.restore_failures(from);
    imager.restore_firings(from);
    for (Packet packet : from.waiting.all) {
        Message message = MessageRef(packet.message).own();
        mailbox.force(packet);
        (void)message.leak();  // the mailbox has it now
    }
    for (std::size_t i = 0; i < from.newest.all.size(); ++i) {
        Packet packet = from.newest.all[i];
        packet.message = MessageRef(packet.message).own().leak();
        mailbox.restore_newest(packet, from.fresh[i]);
    }
    for (const ActorImage::Unsent& unsent : from.unsent) {
        Connection& to = outports[unsent.outport][unsent.place];
        // Of an outport that did not deal then.
        Dealer* deals = to.target == nullptr ? nullptr : dealer(unsent.outport);
        if (deals != nullptr && deals->how != Deal::by_key) {
            restore_dealt(*deals, unsent.message, to.from_index);
            continue;
        }
        to.pending.reserve(1);
        if (!to.listed) list(to);
        to.pending.push_unchecked({unsent.message.own().leak(), to.inport, to.to_index, nullptr});
    }
    for (const ActorImage::Dealt& one : from.dealt) {
        Dealer* deals = dealer(one.outport);
        if (deals == nullptr) continue;
        deals->next = one.next;
        for (const Packet& packet : one.waiting.all) {
            restore_dealt(*deals, MessageRef(packet.message).own(), packet.index);
        }
    }
    fired.set(from.fired);
    received.set(from.received);
    sent.set(from.sent);
    failed.set(from.failed);
    mailbox.set_dropped(from.dropped);
}

void Imager::restore_failures(const ActorImage& from) {
    Supervisor* some = actor_.supervisor();
    if (some == nullptr) return;
    Supervisor& own = *some;
    const ActorImage::Failures& all = from.failures;
    const std::uint64_t now = actor_.group.scheduler.clock().now_ns();
    own.breaker.restore(static_cast<Breaker::State>(all.breaker), all.failures,
                        due_after(all.left_ns, now));
    own.retries.set(all.retries);
    own.restarts.set(all.restarts);
    for (std::uint64_t ago : all.window) own.window.add(now - std::min(ago, now));
    own.starts = all.source;
    if (all.restarts_now) actor_.wanted_ |= Actor::restart_bit;
    if (from.attempt.attempts != 0 && actor_.again_) {
        own.in_place = own.inputless = own.waits = true;
        own.attempts = from.attempt.attempts;
        own.timers = from.attempt.timers;
        own.due_ns = due_after(from.attempt.left_ns, now);
        actor_.resting_ |= Actor::retry_rest;
    }
    std::uint32_t details = own.in_place || !from.retries.empty() ? REFLOW_NODE_IS_RETRYING : 0;
    own.details.store(details, std::memory_order_relaxed);
    actor_.show(details);
}

// Nodes without settings of failures have attempts as any other firings.
void Imager::restore_firings(const ActorImage& from) {
    Supervisor* own = actor_.supervisor();
    const std::uint64_t now = actor_.group.scheduler.clock().now_ns();
    std::span<const ActorImage::Retry> retries = from.retries;
    const bool alone = retries.size() == 1 && !retries[0].inputs.all.empty() && !actor_.again_;
    if (own != nullptr && actor_.deferred() == nullptr && alone && actor_.due_ == 0) {
        take(actor_.inputs_, retries[0].inputs);
        own->in_place = own->waits = true;
        own->attempts = retries[0].attempts;
        own->due_ns = due_after(retries[0].left_ns, now);
        actor_.due_ = 1;
        actor_.resting_ |= Actor::retry_rest;
        retries = {};
    }
    // Firings that go on come first.
    take(actor_.inputs_, from.inputs);
    for (const ActorImage::Retry& retry : retries) {
        if (own == nullptr) {
            take(actor_.inputs_, retry.inputs);
            if (retry.inputs.all.empty()) actor_.wanted_ |= Actor::start_bit;
            continue;
        }
        if (actor_.deferred() == nullptr) (void)actor_.allow_deferred(actor_.component->timeout_ns);
        Ref<Deferred> firing = make_ref<Deferred>(*actor_.deferred());
        take(firing->inputs, retry.inputs);
        firing->attempts = retry.attempts;
        firing->alive_ = false;
        firing->due_ns = due_after(retry.left_ns, now);
        own->enter_pending(*firing);
        if (actor_.component->ordered) actor_.deferred()->keep_place(*firing);
        actor_.resting_ |= Actor::retry_rest;
    }
    for (const ActorImage::Kept& kept : from.order) restore_ended(kept);
}

void Imager::restore_ended(const ActorImage::Kept& kept) {
    if (actor_.deferred() == nullptr) (void)actor_.allow_deferred(actor_.component->timeout_ns);
    Ref<Deferred> firing = make_ref<Deferred>(*actor_.deferred());
    firing->place_ = kept.place;
    firing->counts = kept.counts;
    if (kept.open) firing->id = UINT64_MAX;  // of no completion
    firing->outputs_.reserve(kept.outputs.all.size());
    for (const Packet& one : kept.outputs.all) {
        firing->outputs_.push_unchecked({MessageRef(one.message).own().leak(), one.port, one.index});
    }
    firing->status = kept.status;
    firing->attempts = kept.attempts;
    take(firing->inputs, kept.inputs);
    if (kept.error != nullptr) firing->error_ = copy_of(*kept.error);
    firing->envelope = kept.envelope;
    if (actor_.deferred()->add(*firing)) actor_.wanted_ |= Actor::completion_bit;
}

void Actor::restore_dealt(Dealer& dealer, Message message, std::uint32_t index) {
    Connection* to = place_dealt(dealer, message, index);
    if (to == nullptr) return;
    to->pending.reserve(1);
    add_dealt(*to, std::move(message), to->mailbox == nullptr ? index : to->to_index);
}

void Actor::forget() noexcept {
    drop_packets();
    any_queue([](Connection& connection) {
        connection.listed = false;
        connection.open = 0;
        return false;
    });
    unsent_ = last_unsent_ = nullptr;
    due_ = wanted_ = 0;
    if (timers() != nullptr) extras().timers.reset();
    again_ = false;
    resting_ = 0;
    ended_ = false;
    if (deferred() != nullptr) deferred()->clear();
    if (Supervisor* own = supervisor()) {
        own->in_place = own->waits = own->starts = false;
        own->attempts = 0;
        own->breaker.restore(Breaker::State::closed, 0, 0);
        own->window.clear();
        own->retries.set(0);
        own->restarts.set(0);
        show(0);
    }
    fired.set(0);
    received.set(0);
    sent.set(0);
    failed.set(0);
    mailbox.set_dropped(0);
}

}  // namespace reflow::runtime
