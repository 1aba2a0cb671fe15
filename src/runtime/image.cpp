// What an actor has as an image, both ways.
// Neighbours: actor, image.hpp. Thread: that of who takes the snapshot; before the start, of who
// starts.
#include "runtime/image.hpp"

#include <algorithm>

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

// A firing that comes again needs all of its inputs.
bool whole(const Mailbox& mailbox, const Vector<Packet>& inputs, reflow_await await) noexcept {
    for (const Packet& packet : inputs) {
        if (!MessageRef(packet.message).none()) continue;
        if (await == REFLOW_AWAIT_ANY || mailbox.waits_for(packet.port)) return false;
    }
    return true;
}

}  // namespace

Result<void> Actor::capture(ActorImage& to) {
    const Component& kind = *component;
    if (const Supervisor* attempts = supervisor(); attempts != nullptr && attempts->down) {
        return unsaved(*this, REFLOW_ERROR_WOULD_BLOCK,
                       "the node has no state until it is restarted")
            .hint("take the snapshot when it runs again");
    }
    if (kind.save != nullptr) {
        Context context{*this, Phase::save};
        reflow_message saved{};
        reflow_status status = kind.save(&context, state, &saved);
        if (status != REFLOW_OK) return result_of(context, status, "save");
        to.state = Message::adopt(saved);
        to.version = kind.state_version;
    } else if (kind.create != nullptr && !kind.stateless) {
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
    std::size_t without = 0;
    if (const Supervisor* attempts = supervisor()) {
        // Firings that have failed and wait for their next attempt.
        for (const Deferred* firing = attempts->pending; firing != nullptr;
             firing = firing->of_call) {
            if (firing->inputs.empty()) ++without;
            for (std::size_t i = 0; i < firing->inputs.size(); ++i) {
                share(to.inputs.all, firing->inputs[i]);
            }
        }
        if (attempts->in_place && attempts->inputless) ++without;
    }
    if (DeferredFirings* firings = deferred()) {
        if (!firings->copy_inputs(to.inputs.all, without)) {
            return unsaved(*this, REFLOW_ERROR_WOULD_BLOCK,
                           "outputs of the node wait for an earlier firing that is pending")
                .hint("take the snapshot when that has ended");
        }
        if (!whole(mailbox, to.inputs.all, kind.await)) {
            return unsaved(*this, REFLOW_ERROR_WOULD_BLOCK,
                           "a pending firing has taken its inputs, so they cannot come again")
                .hint(
                    "take the snapshot when it has ended, or let run look at inputs that it "
                    "defers");
        }
    }
    const bool repeats = !to.inputs.all.empty();
    for (std::size_t i = 0; i < inputs_.size(); ++i) share(to.inputs.all, inputs_[i]);
    Vector<Mailbox::Sticky> newest;
    mailbox.copy(to.waiting.all, newest);
    to.newest.all.reserve(newest.size());
    to.fresh.reserve(newest.size());
    for (const Mailbox::Sticky& sticky : newest) {
        to.newest.all.push_back(sticky.packet);
        to.fresh.push_back(sticky.fresh);
    }
    // Connections by their places; those with something in them stand in a list.
    for (const Connection* from = unsent_; from != nullptr; from = from->next_unsent) {
        if (from->mailbox == nullptr) continue;
        auto place = static_cast<std::uint32_t>(from - outports[from->outport].data());
        for (std::size_t i = 0; i < from->pending.size(); ++i) {
            to.unsent.push_back({from->outport, place, MessageRef(from->pending[i].message).own()});
        }
    }
    for (Dealer* deals = dealers(); deals != nullptr; deals = deals->more.get()) {
        if (deals->how == Deal::by_key) continue;
        Queue<Packet>& queue = deals->queue.pending;
        to.dealt.push_back({deals->queue.outport, deals->next, {}});
        for (std::size_t i = 0; i < queue.size(); ++i) share(to.dealt.back().waiting.all, queue[i]);
    }
    // First the timer and then the bits: one that fires in between is seen twice and not missed.
    const ActorTimers* own = timers();
    std::uint64_t timer = own == nullptr ? UINT64_MAX : group.scheduler.timers.due(own->wake);
    if (Result<void> done = capture_timers(to); !done.ok()) return done;
    std::uint32_t asked = wanted_ | (word_.load(std::memory_order_acquire) & ~state_mask);
    to.due = repeats ? 0 : due_;
    to.again = again_;
    to.again_finishes = again_ && again_phase_ == Phase::finish;
    to.rests = resting_;
    to.ended = ended_ || (asked & end_bit) != 0;
    to.starts = (asked & start_bit) != 0 || without != 0;
    to.finishes = (asked & finish_bit) != 0;
    to.wakes = (asked & wake_bit) != 0;
    if (timer != UINT64_MAX && !to.wakes) {
        std::uint64_t now = group.scheduler.clock().now_ns();
        to.timer_ns = timer > now ? timer - now : 0;
    }
    to.fired = fired.get();
    to.received = received.get();
    to.sent = sent.get();
    to.failed = failed.get();
    to.dropped = mailbox.dropped();
    return {};
}

Result<void> Actor::capture_timers(ActorImage& to) const {
    if (timers() == nullptr) return {};
    Timers& all = group.scheduler.timers;
    std::uint64_t now = group.scheduler.clock().now_ns();
    for (const auto& timer : timers()->numbered()) {
        std::uint64_t due = all.due(*timer);
        bool fired_now = (timers()->fired() & timer->bit()) != 0;
        if (due == UINT64_MAX && !fired_now) continue;
        if (timer->recurrence != nullptr) {
            return unsaved(*this, REFLOW_ERROR_UNSUPPORTED,
                           concat("timer ", timer->id, " of the node follows the wall clock"))
                .hint("a snapshot holds timers with a delay or a period, and the component Schedule");
        }
        std::uint64_t left = fired_now ? UINT64_MAX : due > now ? due - now : 0;
        to.timers.push_back({timer->id, left, timer->period_ns});
    }
    return {};
}

bool Actor::has_work(const ActorImage& image) noexcept {
    bool timer = image.timer_ns != UINT64_MAX;
    return !image.inputs.all.empty() || !image.waiting.all.empty() || !image.unsent.empty() ||
           std::any_of(image.dealt.begin(), image.dealt.end(),
                       [](const auto& one) { return !one.waiting.all.empty(); }) ||
           (image.again && !(image.rests && timer)) || image.due != 0 || image.starts ||
           image.finishes || image.wakes ||
           std::any_of(image.timers.begin(), image.timers.end(),
                       [](const auto& one) { return one.left_ns == UINT64_MAX; });
}

// Nobody else sees the actor yet.
void Actor::restore(const ActorImage& from) {
    bool timed = from.timer_ns != UINT64_MAX || !from.timers.empty();
    if (timed && timers() == nullptr) extras().timers.reset(new ActorTimers(*this));
    std::uint64_t fired_before = 0;
    for (const ActorImage::Numbered& timer : from.timers) {
        timers()->prepare(timer.id, timer.period_ns);
        if (timer.left_ns == UINT64_MAX) fired_before |= std::uint64_t{1} << timer.id;
    }
    if (fired_before != 0) timers()->put_back(fired_before);
    inputs_.reserve(from.inputs.all.size());
    for (Packet packet : from.inputs.all) {
        packet.message = MessageRef(packet.message).own().leak();
        inputs_.push_unchecked(packet);
    }
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
    due_ = from.due;
    again_ = from.again;
    again_phase_ = from.again_finishes ? Phase::finish : Phase::run;
    resting_ = from.rests;
    ended_ = from.ended;
    wanted_ = (from.starts ? start_bit : 0) | (from.finishes ? finish_bit : 0) |
              (from.wakes ? wake_bit : 0) | (fired_before != 0 ? timer_bit : 0);
    // A rest without a timer would have no end.
    if (resting_ && from.timer_ns == UINT64_MAX) wanted_ |= wake_bit;
    fired.set(from.fired);
    received.set(from.received);
    sent.set(from.sent);
    failed.set(from.failed);
    mailbox.set_dropped(from.dropped);
}

void Actor::restore_dealt(Dealer& dealer, Message message, std::uint32_t index) {
    Connection* to = place_dealt(dealer, message, index);
    if (to == nullptr) return;
    to->pending.reserve(1);
    add_dealt(*to, std::move(message), to->mailbox == nullptr ? index : to->to_index);
}

void Actor::forget() noexcept {
    consume_all();
    any_queue([](Connection& connection) {
        while (!connection.pending.empty()) {
            (void)Message::adopt(connection.pending.pop().message);
        }
        connection.listed = false;
        connection.open = 0;
        return false;
    });
    unsent_ = last_unsent_ = nullptr;
    due_ = wanted_ = 0;
    if (timers() != nullptr) extras().timers.reset();
    again_ = false;
    resting_ = false;
    ended_ = false;
    fired.set(0);
    received.set(0);
    sent.set(0);
    failed.set(0);
    mailbox.set_dropped(0);
    mailbox.clear();
}

}  // namespace reflow::runtime
