// The protocols between threads, checked over all interleavings: sleeping (base/event_count.hpp),
// the state word of actors with a full mailbox between two of them (actor.cpp, mailbox.cpp), and
// the end of groups (group.cpp). Each model has faults to switch on, which the search must find:
// otherwise it would prove nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/explorer.hpp"

namespace reflow::testing {
namespace {

// ---- the event count: one item per wake, consumers that sleep when there is none

enum class SleepFault : std::uint8_t { none, no_second_look, waiters_first, epoch_outside };

struct Sleeping {
    static constexpr int producers = 2;
    static constexpr int consumers = 2;
    static constexpr int threads = producers + consumers;
    enum : std::uint8_t { p_publish, p_look, p_epoch, p_notify, done };
    enum : std::uint8_t { c_take, c_enter, c_ticket, c_look, c_cancel, c_lock, c_wait, c_leave };

    std::uint8_t items = 0;
    std::uint8_t waiters = 0;
    std::uint8_t epoch = 0;
    SleepFault fault = SleepFault::none;
    std::array<std::uint8_t, threads> at{};
    std::array<std::uint8_t, threads> ticket{};
    std::array<std::uint8_t, threads> asleep{};  // in the condition variable
    std::array<std::uint8_t, threads> woken{};

    bool step(int thread, std::vector<Sleeping>& next) const {
        auto t = static_cast<std::size_t>(thread);
        Sleeping to = *this;
        return thread < producers ? produce(t, to, next) : consume(t, to, next);
    }
    bool produce(std::size_t t, Sleeping& to, std::vector<Sleeping>& next) const {
        bool late = fault == SleepFault::waiters_first;  // looks before it publishes
        switch (at[t]) {
            case p_publish:
                if (late) {
                    to.ticket[t] = waiters;
                } else {
                    ++to.items;
                }
                break;
            case p_look:
                if (late) ++to.items;
                if ((late ? ticket[t] : waiters) == 0) {
                    to.at[t] = done;
                    next.push_back(to);
                    return true;
                }
                break;
            case p_epoch:
                ++to.epoch;
                break;  // with the lock, which c_lock takes as well
            case p_notify: {
                bool some = false;
                for (std::size_t other = producers; other < threads; ++other) {
                    if (asleep[other] == 0 || woken[other] != 0) continue;
                    Sleeping one = to;
                    one.woken[other] = 1;
                    one.at[t] = done;
                    next.push_back(one);
                    some = true;
                }
                if (some) return true;
                break;
            }
            default:
                return false;
        }
        ++to.at[t];
        next.push_back(to);
        return true;
    }
    bool consume(std::size_t t, Sleeping& to, std::vector<Sleeping>& next) const {
        switch (at[t]) {
            case c_take:
                if (items != 0) {
                    --to.items;
                } else {
                    to.at[t] = c_enter;
                }
                break;
            case c_enter:
                ++to.waiters, to.at[t] = c_ticket;
                break;
            case c_ticket:
                to.ticket[t] = epoch, to.at[t] = c_look;
                break;
            case c_look:
                to.at[t] = items != 0 && fault != SleepFault::no_second_look ? c_cancel : c_lock;
                break;
            case c_cancel:
                --to.waiters, to.at[t] = c_take;
                break;
            case c_lock:
                if (fault == SleepFault::epoch_outside || epoch == ticket[t]) {
                    to.asleep[t] = 1;
                    to.at[t] = c_wait;
                } else {
                    to.at[t] = c_leave;
                }
                break;
            case c_wait:
                if (woken[t] == 0) return false;
                to.woken[t] = 0;
                if (epoch != ticket[t]) {
                    to.asleep[t] = 0;
                    to.at[t] = c_leave;
                }
                break;
            default:
                --to.waiters, to.at[t] = c_take;
                break;
        }
        next.push_back(to);
        return true;
    }
    std::string check() const { return {}; }
    std::string at_end() const { return items == 0 ? "" : "an item is left, and all sleep"; }
};

TEST(Protocol, NoWakeUpOfTheEventCountIsLost) {
    Explored explored = explore(Sleeping{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 1000u);
    EXPECT_GT(explored.ends, 0u);
    for (SleepFault fault :
         {SleepFault::no_second_look, SleepFault::waiters_first, SleepFault::epoch_outside}) {
        Sleeping broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
    }
}

// ---- two actors: a sender with packets for a receiver whose port is small, run by two workers

enum class TurnFault : std::uint8_t {
    none,
    notify_ignores_running,
    rest_without_looking,  // end_turn stores idle instead of exchanging it for running
    hold_without_looking,  // the same for held
    release_ignores_running
};

struct Turns {
    static constexpr int threads = 2;
    static constexpr std::size_t sender = 0;
    static constexpr std::size_t receiver = 1;
    enum Word : std::uint8_t { idle, ready, running, notified, held };
    enum Step : std::uint8_t {
        w_pop,
        w_run,
        push,
        notify_load,
        notify_swap,
        rest,
        rest_again,
        hold,
        take,
        release_load,
        release_swap
    };

    std::array<std::uint8_t, 2> word{};
    std::array<std::uint8_t, 2> queued{};  // times in the queue of the scheduler
    std::array<std::uint8_t, 2> inside{};  // workers in a turn
    std::uint8_t capacity = 1;
    std::uint8_t port = 0;     // packets in the mailbox
    std::uint8_t listed = 0;   // the sender waits for the port
    std::uint8_t pending = 0;  // emitted, not delivered
    std::uint8_t consumed = 0;
    TurnFault fault = TurnFault::none;
    // Of each worker.
    std::array<std::uint8_t, threads> at{};
    std::array<std::uint8_t, threads> actor{};
    std::array<std::uint8_t, threads> seen{};     // the word that was loaded
    std::array<std::uint8_t, threads> blocked{};  // the push left something

    static Turns start(std::uint8_t packets, std::uint8_t room, TurnFault fault) {
        Turns model;
        model.pending = packets;
        model.capacity = room;
        model.fault = fault;
        model.word[sender] = ready;
        model.queued[sender] = 1;
        return model;
    }

    bool step(int thread, std::vector<Turns>& next) const {
        auto w = static_cast<std::size_t>(thread);
        std::size_t me = actor[w];
        Turns to = *this;
        switch (at[w]) {
            case w_pop:
                for (std::uint8_t which = 0; which < 2; ++which) {
                    if (queued[which] == 0) continue;
                    Turns popped = *this;
                    --popped.queued[which];
                    popped.actor[w] = which;
                    popped.at[w] = w_run;
                    next.push_back(popped);
                }
                return !next.empty();
            case w_run:
                to.word[me] = running;
                ++to.inside[me];
                to.at[w] = me == sender ? push : take;
                break;
            // The sender: flush(), then notify() of the receiver, then the end of the turn.
            case push: {
                auto fits = static_cast<std::uint8_t>(std::min(pending, room()));
                to.port = static_cast<std::uint8_t>(port + fits);
                to.pending = static_cast<std::uint8_t>(pending - fits);
                to.blocked[w] = to.pending != 0;
                if (to.blocked[w] != 0) to.listed = 1;
                to.at[w] = fits != 0 ? notify_load : to.blocked[w] != 0 ? hold : rest;
                break;
            }
            case notify_load:
                to.seen[w] = word[receiver];
                to.at[w] = notify_swap;
                break;
            case notify_swap: {
                bool wakes = seen[w] == idle;
                bool marks = seen[w] == running && fault != TurnFault::notify_ignores_running;
                if ((wakes || marks) && word[receiver] != seen[w]) {
                    to.at[w] = notify_load;  // the exchange failed: once more
                    break;
                }
                if (wakes) submit(to, receiver);
                if (marks) to.word[receiver] = notified;
                to.at[w] = blocked[w] != 0 ? hold : rest;
                break;
            }
            // The receiver: take(), then release() of the sender if it waits.
            case take: {
                if (port == 0) {
                    to.at[w] = rest;
                    break;
                }
                --to.port;
                ++to.consumed;
                bool lets_go = listed != 0 && to.port <= capacity / 2;
                if (lets_go) to.listed = 0;
                to.at[w] = lets_go ? release_load : take;
                break;
            }
            case release_load:
                to.seen[w] = word[sender];
                to.at[w] = release_swap;
                break;
            case release_swap: {
                bool wakes = seen[w] == held;
                bool marks = seen[w] == running && fault != TurnFault::release_ignores_running;
                if ((wakes || marks) && word[sender] != seen[w]) {
                    to.at[w] = release_load;
                    break;
                }
                if (wakes) submit(to, sender);
                if (marks) to.word[sender] = notified;
                to.at[w] = take;
                break;
            }
            case rest:
                end(to, w, idle, fault == TurnFault::rest_without_looking);
                break;
            case hold:
                end(to, w, held, fault == TurnFault::hold_without_looking);
                break;
            default:
                return false;
        }
        next.push_back(to);
        return true;
    }
    std::uint8_t room() const { return static_cast<std::uint8_t>(capacity - port); }
    static void submit(Turns& to, std::size_t which) {
        to.word[which] = ready;
        ++to.queued[which];
    }
    // end_turn(): the word becomes what is asked for, or ready if somebody has called meanwhile.
    void end(Turns& to, std::size_t w, Word wanted, bool blindly) const {
        std::size_t me = actor[w];
        --to.inside[me];
        to.at[w] = w_pop;
        if (word[me] == running || blindly) {
            to.word[me] = wanted;
        } else {
            submit(to, me);
        }
    }
    std::string check() const {
        if (inside[0] > 1 || inside[1] > 1) return "an actor runs twice at once";
        if (queued[0] > 1 || queued[1] > 1) return "an actor is queued twice";
        if (port > capacity) return "the port holds more than its capacity";
        return {};
    }
    std::string at_end() const {
        if (pending != 0) return "packets are not delivered, and nobody runs";
        if (port != 0) return "packets wait, and nobody runs";
        return {};
    }
};

TEST(Protocol, NoPacketIsForgottenBetweenActors) {
    for (std::uint8_t capacity = 1; capacity <= 3; ++capacity) {
        Explored explored = explore(Turns::start(5, capacity, TurnFault::none));
        EXPECT_EQ(explored.fault, "");
        EXPECT_GT(explored.states, 200u);
    }
    for (TurnFault fault : {TurnFault::notify_ignores_running, TurnFault::rest_without_looking,
                            TurnFault::hold_without_looking, TurnFault::release_ignores_running}) {
        EXPECT_NE(explore(Turns::start(5, 1, fault)).fault, "") << static_cast<int>(fault);
    }
}

// ---- the group: a turn that ends, a host that sends, one that stops, one that asks for idle

enum class GroupFault : std::uint8_t {
    none,
    report_without_a_second_look,  // quiescent() does not look at active again
    zero_outside_the_lock,         // leave() steps to zero without it
    idle_reads_active_first,
    act_without_a_guard  // a host submits after a look at stopping alone
};

struct Ending {
    static constexpr int threads = 4;
    // 0: a turn that holds its actor back and leaves. 1: a host that lets that actor go, which then
    // has a turn. 2: a host that stops. 3: a host that asks for idle, once.
    enum Step : std::uint8_t {
        start,
        act,
        work,
        look_active,
        lock,
        subtract,
        read_stopping,
        read_held,
        read_active,
        after,
        finished
    };
    std::int8_t active = 1;  // the turn of thread 0
    std::int8_t held = 0;
    std::uint8_t stopping = 0;
    std::uint8_t locked = 0;  // thread + 1
    std::uint8_t stopped = 0;
    std::uint8_t let_go = 0;  // the actor has been taken out of its list
    std::uint8_t works = 0;   // a turn runs, or is about to
    std::uint8_t false_idle = 0;
    std::uint8_t too_early = 0;
    GroupFault fault = GroupFault::none;
    std::array<std::uint8_t, threads> at{};
    std::array<std::uint8_t, threads> twice{};  // thread 1 leaves for its turn and for its guard
    std::array<std::uint8_t, threads> saw_stopping{};
    std::array<std::uint8_t, threads> saw_held{};
    std::array<std::uint8_t, threads> reserved{};

    bool step(int thread, std::vector<Ending>& next) const {
        auto t = static_cast<std::size_t>(thread);
        Ending to = *this;
        if (at[t] >= look_active ? !leave(t, to) : !begin(t, to)) return false;
        next.push_back(to);
        return true;
    }
    bool begin(std::size_t t, Ending& to) const {
        if (t == 3) return ask(to);
        switch (at[t]) {
            case start:
                if (t == 0) {
                    ++to.held;  // it holds its actor back, and its turn ends
                    to.at[t] = look_active;
                } else if (t == 1) {
                    if (held == 0 || let_go != 0) return false;  // nothing to let go
                    if (fault != GroupFault::act_without_a_guard) ++to.active;
                    to.at[t] = act;
                } else {
                    ++to.active;
                    to.at[t] = act;
                }
                return true;
            case act:
                if (t == 2) {
                    to.stopping = 1;
                    to.at[t] = look_active;
                    return true;
                }
                to.let_go = 1;
                if (stopping != 0) {
                    bool guarded = fault != GroupFault::act_without_a_guard;
                    to.at[t] = guarded ? look_active : finished;
                    return true;
                }
                to.at[t] = work;
                return true;
            case work:
                // release(): counts the turn in, then the actor is held no more.
                if (works == 0) {
                    ++to.active;
                    to.works = 1;
                    return true;
                }
                --to.held;
                to.twice[t] = fault != GroupFault::act_without_a_guard;
                to.at[t] = look_active;
                return true;
            default:
                return false;
        }
    }
    // wait_idle: with the lock it reads held and then active; idle if both are zero.
    bool ask(Ending& to) const {
        bool wrong = fault == GroupFault::idle_reads_active_first;
        switch (at[3]) {
            case start:
                if (locked != 0) return false;
                to.locked = 4;
                to.at[3] = act;
                return true;
            case act:
                to.saw_held[3] = wrong ? active != 0 : held != 0;
                to.reserved[3] = truly_idle();
                to.at[3] = work;
                return true;
            case work: {
                bool zero = wrong ? held == 0 : active == 0;
                if (saw_held[3] == 0 && zero && reserved[3] == 0 && !truly_idle()) {
                    to.false_idle = 1;
                }
                to.locked = 0;
                to.at[3] = finished;
                return true;
            }
            default:
                return false;
        }
    }
    bool truly_idle() const { return active == 0 && held == 0; }

    // Group::leave() and, with the lock, quiescent().
    bool leave(std::size_t t, Ending& to) const {
        bool unlocked = fault == GroupFault::zero_outside_the_lock;
        switch (at[t]) {
            case look_active:
                if (t == 1 && twice[t] != 0) to.works = 0;  // its turn has ended
                if (active > 1) {
                    --to.active;
                    left(t, to);
                } else {
                    to.at[t] = unlocked ? std::uint8_t{subtract} : std::uint8_t{lock};
                }
                return true;
            case lock:
                if (locked != 0) return false;
                to.locked = static_cast<std::uint8_t>(t + 1);
                to.at[t] = subtract;
                return true;
            case subtract:
                --to.active;
                if (t == 1 && fault == GroupFault::act_without_a_guard) to.works = 0;
                if (to.active != 0) {
                    if (!unlocked) to.locked = 0;
                    left(t, to);
                } else if (unlocked) {
                    to.at[t] = after;
                } else {
                    to.at[t] = read_stopping;
                }
                return true;
            case after:
                if (locked != 0) return false;
                to.locked = static_cast<std::uint8_t>(t + 1);
                to.at[t] = read_stopping;
                return true;
            case read_stopping:
                to.saw_stopping[t] = stopping;
                to.at[t] = read_held;
                return true;
            case read_held:
                to.at[t] = read_active;
                return true;
            case read_active: {
                bool again = active != 0 && fault != GroupFault::report_without_a_second_look;
                if (!again && saw_stopping[t] != 0 && stopped == 0) {
                    to.stopped = 1;
                    to.too_early = active != 0;
                }
                to.locked = 0;
                left(t, to);
                return true;
            }
            default:
                return false;
        }
    }
    static void left(std::size_t t, Ending& to) {
        bool more = to.twice[t] != 0;
        to.twice[t] = 0;
        to.at[t] = more ? look_active : finished;
    }
    std::string check() const {
        if (false_idle != 0) return "idle is told of a group that is not";
        if (too_early != 0) return "stopped is told while something is active";
        if (stopped != 0 && works != 0) return "an actor runs after stopped is told";
        return {};
    }
    std::string at_end() const { return stopped != 0 ? "" : "the stop is never reported"; }
};

TEST(Protocol, TheEndOfAGroupIsReportedOnceAndLast) {
    Explored explored = explore(Ending{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 500u);
    for (GroupFault fault :
         {GroupFault::report_without_a_second_look, GroupFault::zero_outside_the_lock,
          GroupFault::idle_reads_active_first, GroupFault::act_without_a_guard}) {
        Ending broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
    }
}

}  // namespace
}  // namespace reflow::testing
