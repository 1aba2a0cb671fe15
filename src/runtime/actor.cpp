// Turns of an actor: take inputs, call the component, deliver what it emitted, go on or rest.
// The callbacks outside of turns and the context are in context.cpp. Thread: see actor.hpp.
#include "runtime/actor.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/limits.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

Actor::Actor(Group& group_of, ComponentRef component_of, std::string_view name, Message config_of,
             std::uint32_t default_capacity)
    : group(group_of),
      component(std::move(component_of)),
      id(name),
      config(std::move(config_of)),
      mailbox(component->inports.size(), component->await != REFLOW_AWAIT_ANY, default_capacity) {
    outports.resize(component->outports.size());
    if (component->await != REFLOW_AWAIT_ANY) {
        firing_size_ = std::max<std::size_t>(component->inports.size(), 1);
    }
}

Actor::~Actor() {
    consume(firings_kept());
    for (Vector<Connection>& connections : outports) {
        for (Connection& connection : connections) {
            while (!connection.pending.empty()) {
                (void)Message::adopt(connection.pending.pop().message);
            }
        }
    }
    end_state();
}

void Actor::end_state() noexcept {
    if (!std::exchange(created, false)) return;
    if (component->destroy_state != nullptr) component->destroy_state(state);
}

// ---- the state word

void Actor::notify() noexcept {
    std::uint32_t word = word_.load(std::memory_order_seq_cst);
    for (;;) {
        if (word == idle) {
            if (word_.compare_exchange_weak(word, ready, std::memory_order_acq_rel)) {
                group.enter();
                group.scheduler.submit(*this);
                return;
            }
        } else if (word == running) {
            if (word_.compare_exchange_weak(word, notified, std::memory_order_acq_rel)) return;
        } else {
            return;  // a turn is coming (ready, notified), or release() will bring one (held)
        }
    }
}

void Actor::release() noexcept {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    for (;;) {
        if (word == held) {
            if (word_.compare_exchange_weak(word, ready, std::memory_order_acq_rel)) {
                group.enter();
                group.unhold();
                group.scheduler.submit(*this);
                return;
            }
        } else if (word == running) {
            // The turn may be about to end as held: it will look at its outputs once more.
            if (word_.compare_exchange_weak(word, notified, std::memory_order_acq_rel)) return;
        } else {
            return;
        }
    }
}

void Actor::turn(const TurnBudget& budget) noexcept {
    word_.exchange(running, std::memory_order_seq_cst);
    Outcome outcome = Outcome::more;
    try {
        outcome = work(budget);
    } catch (const std::bad_alloc&) {
        // Everything that was emitted or taken is still where it was: the turn is tried again.
        group.environment.log(REFLOW_LOG_ERROR, component->id, id, "out of memory in a turn");
    }
    end_turn(outcome);
}

void Actor::end_turn(Outcome outcome) noexcept {
    std::uint32_t expected = running;
    if (outcome == Outcome::idle || group.stopping()) {
        if (group.stopping()) {
            word_.exchange(idle, std::memory_order_acq_rel);
            return group.leave();
        }
        if (word_.compare_exchange_strong(expected, idle, std::memory_order_acq_rel)) {
            return group.leave();
        }
    } else if (outcome == Outcome::held) {
        group.hold();
        if (word_.compare_exchange_strong(expected, held, std::memory_order_acq_rel)) {
            return group.leave();
        }
        group.unhold();
    }
    word_.exchange(ready, std::memory_order_acq_rel);
    group.scheduler.submit(*this);
}

// ---- a turn

Actor::Outcome Actor::work(const TurnBudget& budget) {
    // The clock costs more than a short callback. It is asked after the first callbacks, so that
    // slow ones do not add up, and then once in so many.
    constexpr std::uint32_t clock_every = 8;
    std::uint64_t end_ns = 0;
    std::size_t left = budget.packets;
    for (std::uint32_t calls = 0;; ++calls) {
        if (!unsent_.empty() && !flush()) return Outcome::held;
        if (group.stopping()) return Outcome::idle;
        if (left == 0) return has_work() ? Outcome::more : Outcome::idle;
        Phase phase = Phase::run;
        if (!prepare(std::min<std::size_t>(component->max_batch, left), phase)) {
            return Outcome::idle;
        }
        left -= std::min(left, std::max<std::size_t>(fire(phase), 1));
        if (calls % clock_every == 0 || std::has_single_bit(calls)) {
            std::uint64_t now = group.scheduler.clock().now_ns();
            if (end_ns == 0) end_ns = now + budget.ns;
            if (now >= end_ns) left = 0;
        }
    }
}

bool Actor::has_work() const {
    if (resting_) return (requests_.load(std::memory_order_acquire) & wake_bit) != 0;
    return again_ || wanted_ != 0 || inputs_at_ != inputs_.size() ||
           requests_.load(std::memory_order_seq_cst) != 0 || mailbox.ready();
}

void Actor::release_senders() noexcept {
    if (host_waits_) {
        host_waits_ = false;
        group.wake_hosts();
    }
    for (Actor* sender : released_) sender->release();
    released_.clear();
}

void Actor::take_inputs(std::size_t max_firings) {
    if (firing_size_ == 1 && component->await == REFLOW_AWAIT_ANY) {
        received.add(mailbox.take(inputs_, max_firings, released_, host_waits_));
    } else {
        received.add(mailbox.take_firings(inputs_, max_firings, released_, host_waits_));
    }
    if (host_waits_ || !released_.empty()) release_senders();
}

// Takes back what would call a source that has ended: a start, going on, a timer, inputs.
void Actor::end_source(std::size_t max_firings) {
    again_ = resting_ = false;
    wanted_ &= ~(start_bit | wake_bit);
    group.scheduler.timers.cancel(*this);
    do {
        consume(firings_kept());
        take_inputs(max_firings);
    } while (!inputs_.empty() && !group.stopping());
}

bool Actor::prepare(std::size_t max_firings, Phase& phase) {
    if (requests_.load(std::memory_order_seq_cst) != 0) {
        wanted_ |= requests_.exchange(0, std::memory_order_seq_cst);
        ended_ = ended_ || (wanted_ & end_bit) != 0;
        wanted_ &= ~end_bit;
    }
    if (ended_ && !(again_ && again_phase_ == Phase::finish)) end_source(max_firings);
    if (resting_) {
        if ((wanted_ & wake_bit) == 0) return false;
        wanted_ &= ~wake_bit;
        resting_ = false;
    }
    if (again_) {
        phase = again_phase_;
        return true;
    }
    if (inputs_at_ != inputs_.size()) return true;
    if ((wanted_ & start_bit) != 0) {
        wanted_ &= ~start_bit;
        return true;
    }
    take_inputs(max_firings);
    if ((wanted_ & wake_bit) != 0) {
        wanted_ &= ~wake_bit;
        return true;
    }
    if (!inputs_.empty()) return true;
    if ((wanted_ & finish_bit) != 0) {
        wanted_ &= ~finish_bit;
        phase = Phase::finish;
        return component->finish != nullptr;
    }
    return false;
}

reflow_status Actor::call(Context& context) {
    if (context.phase == Phase::finish) return component->finish(&context, state);
    return component->run(&context, state, inputs_.data() + inputs_at_,
                          inputs_.size() - inputs_at_);
}

std::size_t Actor::fire(Phase phase) {
    Context context{*this, phase};
    context.firings = phase == Phase::run ? firings_kept() : 0;
    emitted_ = 0;
    again_ = false;
    bool timed = group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED) ||
                 group.observer.wants(REFLOW_EVENT_ACTOR_FAILED);
    std::uint64_t start = timed ? group.scheduler.clock().now_ns() : 0;
    reflow_status status = REFLOW_ERROR_OUT_OF_MEMORY;
    try {
        status = call(context);
    } catch (const std::bad_alloc&) {
        // The component ran out of memory: its firing fails, and the actor lives on.
    }
    std::uint64_t ns = timed ? group.scheduler.clock().now_ns() - start : 0;
    return settle(context, status, ns);
}

std::size_t Actor::settle(Context& context, reflow_status status, std::uint64_t ns) {
    std::size_t done = context.firings;
    if (context.again_asked) {
        done = std::min(context.advanced, done);
        again_ = status == REFLOW_OK;
        resting_ = again_ && context.wake_asked;
        again_phase_ = context.phase;
    }
    if (status != REFLOW_OK) {
        // The first firing that is not completed has failed; those behind it come again.
        done = std::min(context.advanced + 1, context.firings);
        failed.add(1);
    }
    consume(done);
    // A call without inputs (a start, a timer, a finish) is one firing once it does not go on.
    std::size_t ended = done;
    if (context.firings == 0 && context.phase == Phase::run && !again_) ended = 1;
    fired.add(ended);
    if (status != REFLOW_OK) {
        report(error_of(context, status), ns);
    } else if (group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED)) {
        group.observer.completed(*this, ended, ns);
    }
    return ended;
}

void Actor::consume(std::size_t firings) noexcept {
    std::size_t end = inputs_at_ + firings * firing_size_;
    for (; inputs_at_ < end; ++inputs_at_) {
        (void)Message::adopt(std::exchange(inputs_[inputs_at_].message, {}));
    }
    if (inputs_at_ == inputs_.size()) {
        inputs_.clear();
        inputs_at_ = 0;
    }
}

std::unique_ptr<Error> Actor::error_of(Context& context, reflow_status status) const {
    std::unique_ptr<Error> error = std::move(context.error);
    if (error == nullptr) {
        error = Failure(status, status == REFLOW_ERROR_OUT_OF_MEMORY ? "out of memory"
                                                                     : "the component failed")
                    .take();
    }
    error->status = failure_status(status);
    if (error->node.empty()) error->node = id;
    return error;
}

void Actor::report(std::unique_ptr<Error> error, std::uint64_t ns) {
    std::uint32_t port = component->error_port;
    bool heard = port < outports.size() && !outports[port].empty();
    emitted_ = 0;  // the error is none of the component's emits, which may be at their limit
    if (heard) (void)emit(port, Message::error(error->describe()), REFLOW_NO_INDEX);
    if (group.observer.wants(REFLOW_EVENT_ACTOR_FAILED)) {
        group.observer.failed(*this, *error, ns);
    }
    // A host that reads the events knows it already.
    bool told = heard || group.observer.wants(REFLOW_EVENT_ACTOR_FAILED);
    reflow_log_level level = told ? REFLOW_LOG_DEBUG : REFLOW_LOG_WARN;
    if (group.environment.logs(level)) {
        group.environment.log(level, component->id, id, error->describe());
    }
}

// ---- emitting

reflow_status Actor::emit(std::uint32_t outport, Message message, std::uint32_t index) {
    if (outport >= outports.size()) return REFLOW_ERROR_NOT_FOUND;
    if (message.none()) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (emitted_ >= limits::emits_count) return REFLOW_ERROR_LIMIT;
    if (group.observer.wants(REFLOW_EVENT_ACTOR_EMIT)) {
        group.observer.emitted(*this, outport, message);
    }
    Vector<Connection>& connections = outports[outport];
    auto matches = [index](const Connection& connection) {
        return index == REFLOW_NO_INDEX || connection.from_index == REFLOW_NO_INDEX ||
               connection.from_index == index;
    };
    // Memory first, so that a message goes to all of its connections or to none.
    std::size_t last = connections.size();
    for (std::size_t i = 0; i < connections.size(); ++i) {
        if (!matches(connections[i])) continue;
        connections[i].pending.reserve(1);
        if (!connections[i].listed) {
            unsent_.push_back(&connections[i]);
            connections[i].listed = true;
        }
        last = i;
    }
    ++emitted_;
    if (last == connections.size()) return REFLOW_OK;
    for (std::size_t i = 0; i <= last; ++i) {
        Connection& to = connections[i];
        if (!matches(to)) continue;
        Message copy = i == last ? std::move(message) : message;
        to.pending.push({copy.leak(), to.inport, to.to_index, nullptr});
    }
    return REFLOW_OK;
}

Mailbox::Pushed Actor::push(Connection& connection) {
    if (!group.observer.wants(REFLOW_EVENT_MESSAGE_SENT) || connection.target == nullptr) {
        return connection.mailbox->push(connection.inport, connection.delivery, connection.pending,
                                        this);
    }
    // Somebody listens: packets go one by one, each with its event.
    Mailbox::Pushed all;
    Ring<Packet> one;
    one.reserve(1);
    while (!connection.pending.empty() && !all.blocked) {
        Message message = MessageRef(connection.pending.front().message).own();
        one.push(connection.pending.pop());
        Mailbox::Pushed pushed;
        try {
            pushed = connection.mailbox->push(connection.inport, connection.delivery, one, this);
        } catch (const std::bad_alloc&) {
            connection.pending.unpop(one.pop());
            sent.add(all.accepted);  // those before it went
            if (all.accepted != 0) connection.target->notify();
            throw;
        }
        all.accepted += pushed.accepted;
        all.blocked = pushed.blocked;
        if (pushed.accepted != 0) {
            group.observer.sent(*this, connection.outport, *connection.target, connection.inport,
                                message);
        } else {
            connection.pending.unpop(one.pop());
        }
    }
    return all;
}

// Delivers what was emitted; false if something has to wait for room.
bool Actor::flush() {
    std::size_t kept = 0;
    std::size_t at = 0;
    try {
        for (; at < unsent_.size(); ++at) {
            Connection& connection = *unsent_[at];
            Mailbox::Pushed pushed = push(connection);
            sent.add(pushed.accepted);
            if (pushed.accepted != 0) {
                if (connection.target != nullptr) {
                    connection.target->notify();
                } else {
                    group.wake_hosts();
                }
            }
            if (pushed.blocked) {
                unsent_[kept++] = &connection;
            } else {
                connection.listed = false;
            }
        }
    } catch (const std::bad_alloc&) {
        // Keep what was not delivered in the list, and try again in another turn.
        while (at < unsent_.size()) unsent_[kept++] = unsent_[at++];
        unsent_.resize(kept);
        throw;
    }
    unsent_.resize(kept);
    return kept == 0;
}

std::size_t Actor::room(std::uint32_t outport) const noexcept {
    if (outport >= outports.size()) return 0;
    std::size_t room = SIZE_MAX;
    for (const Connection& connection : outports[outport]) {
        if (connection.delivery != Delivery::reliable) continue;
        std::size_t free = connection.mailbox->room(connection.inport);
        std::size_t pending = connection.pending.size();
        room = std::min(room, free > pending ? free - pending : 0);
    }
    return room;
}

}  // namespace reflow::runtime
