// Firings that end later, seen from the turns of their actor: which call keeps them open, and what
// they bring when they go on.
// Neighbours: actor, deferred. Thread: that of the turn.
#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"
#include "runtime/actor.hpp"
#include "runtime/envelopes.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::runtime {

DeferredFirings& Actor::allow_deferred(std::uint64_t timeout_ns) {
    Ref<DeferredFirings> made = make_ref<DeferredFirings>(*this, timeout_ns);
    DeferredFirings& firings = *made;
    if (supervisor() != nullptr && supervisor()->policy.hold) firings.hold_emits();
    DeferredFirings* before = extras().deferred.exchange(made.leak(), std::memory_order_seq_cst);
    if (before != nullptr) before->unref();  // while the network is built
    return firings;
}

// ---- a call

void Actor::begin_deferred(Context& context) {
    DeferredFirings& all = *deferred();
    context.deadline = UINT64_MAX;
    if (all.timeout_ns() != 0) {
        std::uint64_t now = group.scheduler.clock().now_ns();
        context.deadline =
            all.timeout_ns() > UINT64_MAX - now ? UINT64_MAX : now + all.timeout_ns();
    }
    all.placed = false;
    if (!all.ordered() || !all.some()) return;
    const Supervisor* own = supervisor();
    const bool comes_again = context.firings != 0 || (own != nullptr && own->in_place && own->inputless);
    all.placed = comes_again && all.places();
    if (all.placed && all.leads()) return;
    // Earlier firings are pending: what this call emits has to wait for them.
    if (!all.spare) {
        Ref<Deferred> made = make_ref<Deferred>(all);
        made->inputs.reserve(firing_size_);  // should the call fail: then there is no memory to be had
        all.spare = std::move(made);
    }
    all.captures = true;
}

reflow_status Actor::defer(Context& context, std::size_t firing, reflow_completion& completion) {
    bool rises = context.last_deferred == nullptr || firing > context.last_deferred->firing;
    bool inside = firing < std::max<std::size_t>(context.firings, 1) &&
                  (firing >= context.advanced || context.firings == 0);
    if (!rises || !inside) return REFLOW_ERROR_INVALID_ARGUMENT;
    DeferredFirings* all = deferred();
    if (all == nullptr) all = &allow_deferred(component->timeout_ns);
    bool timed = group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED);
    std::uint64_t now = timed ? group.scheduler.clock().now_ns() : 0;
    Ref<Deferred> made;
    const std::size_t inputs = context.firings == 0 ? 0u : firing_size_;
    // That of its inputs, which envelope() is unless the component has set another.
    MessageRef cause;
    if (carrier() != nullptr && !carrier()->wrappers.empty()) {
        cause = envelope_of(carrier()->wrappers.front().message);
    }
    reflow_status status = all->open(inputs, now, context.deadline, cause, made);
    if (status != REFLOW_OK) return status;
    made->firing = firing;
    made->envelope = envelope().own();
    completion.id = made->id;
    Deferred* last = std::exchange(context.last_deferred, made.get());
    (last == nullptr ? context.deferred : last->of_call) = made.leak();
    context.unusual = true;
    return REFLOW_OK;
}

reflow_status Actor::capture(std::uint32_t outport, Message message, std::uint32_t index) {
    Queue<Emitted>& captured = deferred()->captured();
    if (captured.size() >= limits::emits_count) return REFLOW_ERROR_LIMIT;
    captured.reserve(1);
    captured.push_unchecked({enveloped(std::move(message), envelope()).leak(), outport, index});
    return REFLOW_OK;
}

// Of the firings that the call has kept open, those before `over` are pending from now on, with
// their inputs; returns how many. Needs no memory.
std::size_t Actor::settle_deferred(Context& context, std::size_t over) {
    DeferredFirings& all = *deferred();
    std::size_t pending = 0;
    Deferred* left = std::exchange(context.deferred, nullptr);
    context.last_deferred = nullptr;
    while (left != nullptr) {
        Ref<Deferred> firing = Ref<Deferred>::adopt(left);
        left = std::exchange(firing->of_call, nullptr);
        if (firing->firing >= over) {
            all.revoke(*firing);
            continue;
        }
        ++pending;
        for (std::size_t i = 0; context.firings != 0 && i < firing_size_; ++i) {
            Packet& packet = inputs_[firing->firing * firing_size_ + i];
            firing->inputs.push_unchecked(packet);
            packet.message = {};
        }
        if (supervisor() != nullptr) firing->attempts = attempts_of(context, firing->firing);
        if (std::exchange(all.captures, false)) {
            // What the call has emitted.
            if (all.enter_spare(firing.get(), false, REFLOW_OK, nullptr)) wanted_ |= completion_bit;
        }
        if (all.settle(*firing)) wanted_ |= completion_bit;
    }
    return pending;
}

std::uint64_t Actor::end_deferred(const std::function<void(const Deferred&)>& lost) noexcept {
    DeferredFirings* all = deferred();
    if (all == nullptr) return 0;
    std::uint64_t dropped = 0;
    auto emit_all = [&](Queue<Emitted>& from) {
        emitted_ = 0;
        for (; !from.empty();) {
            Emitted out = from.pop();
            Message message = Message::adopt(out.message);
            try {
                bool fits = check_types(out.outport, message, out.index).ok();
                if (fits) (void)emit(out.outport, std::move(message), out.index);
            } catch (const std::bad_alloc&) {
                ++dropped;
            }
        }
    };
    emit_all(all->taken);
    all->cancel_all([&](Deferred& firing) {
        if (carrier() != nullptr) set_envelope(firing.envelope);
        if (all->keeps_emits(firing)) emit_all(firing.outputs_);
        if (firing.status != REFLOW_OK) lost(firing);
    });
    return dropped;
}

// ---- between calls

std::size_t Actor::serve_deferred() {
    wanted_ &= ~completion_bit;
    if (deferred() == nullptr) return 0;
    DeferredFirings& all = *deferred();
    // What was taken over before memory ran out goes first; what was asked for since comes behind.
    const bool half = all.current.firing != nullptr;
    if (!half) all.current = all.take();
    if (!all.current.firing) return 0;
    emitted_ = 0;
    if (group.observer.carries()) set_envelope(all.current.envelope);
    std::size_t used = 0;
    try {
        for (; !all.taken.empty(); ++used) {
            Emitted& out = all.taken.front();
            Result<void> fits = check_types(out.outport, MessageRef(out.message), out.index);
            if (fits.ok()) {
                (void)emit(out.outport, MessageRef(out.message).own(), out.index);
            } else if (all.current.firing->refused == nullptr) {
                all.current.firing->refused = fits.take_error();
            }
            (void)Message::adopt(all.taken.pop().message);
        }
    } catch (const std::bad_alloc&) {
        wanted_ |= completion_bit;
        throw;
    }
    DeferredFirings::Taken current = std::move(all.current);
    all.current = {};
    if (current.more || half) wanted_ |= completion_bit;
    if (!current.ended) return used;
    finish_deferred(*current.firing);
    return used + 1;
}

void Actor::finish_deferred(Deferred& firing) {
    std::uint64_t ns = 0;
    if (firing.begun_ns != 0) ns = group.scheduler.clock().now_ns() - firing.begun_ns;
    if (firing.refused != nullptr && firing.status == REFLOW_OK) {
        firing.status = firing.refused->status;
        firing.error_ = std::move(firing.refused);
    }
    if (firing.status == REFLOW_OK) {
        if (firing.counts) fired.add(1);
        if (supervisor() != nullptr && firing.id != 0) pending_well();
        if (firing.counts && group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED)) {
            group.observer.completed(*this, 1, ns);
        }
        return;
    }
    // Without memory the firing fails even so: what it was is then not known.
    if (settle_failure(firing, deferred_error(firing), ns)) return;
    if (firing.counts) fired.add(1);
}

std::unique_ptr<Error> Actor::deferred_error(Deferred& firing) noexcept try {
    std::unique_ptr<Error> error = std::move(firing.error_);
    if (error == nullptr && firing.status == REFLOW_ERROR_TIMEOUT) {
        const std::uint64_t timeout_ns = deferred()->timeout_ns();
        const bool dated = timeout_ns == 0 || passed(firing.envelope);
        error = Failure(firing.status,
                        dated ? String("the firing did not end before the deadline of its packet")
                              : concat("the firing did not end within its timeout of ",
                                       timeout_ns / 1'000'000, " ms (timeout_ms)"))
                    .take();
        const String& why = deferred()->waits_for;
        if (!why.empty()) error->message.append(": ").append(why);
    } else if (error == nullptr) {
        bool cancelled = firing.status == REFLOW_ERROR_CANCELLED;
        error =
            Failure(firing.status, cancelled ? "the firing was cancelled" : "the component failed")
                .take();
    }
    error->status = firing.status;
    if (error->node.empty()) error->node = id;
    return error;
} catch (const std::bad_alloc&) {
    return nullptr;
}

void Actor::book(Context& context, reflow_status status, std::size_t ended, std::size_t pending,
                 std::uint64_t ns) {
    if (deferred() != nullptr && std::exchange(deferred()->captures, false)) {
        reflow_status how = status == REFLOW_OK ? status : failure_status(status);
        bool due = deferred()->enter_spare(nullptr, ended != 0, how, std::move(context.error));
        if (due) wanted_ |= completion_bit;
        return;
    }
    fired.add(ended);
    bool well = status == REFLOW_OK && (ended != 0 || pending == 0);
    if (well && group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED)) {
        group.observer.completed(*this, ended, ns);
    }
}

}  // namespace reflow::runtime
