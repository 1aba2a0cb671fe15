// The protocols between threads, checked over all interleavings: sleeping (base/event_count.hpp),
// the state word of actors with hand-over and a full mailbox between two of them (actor.cpp,
// mailbox.cpp), counts in the hands of lanes (lane.hpp), and the end of groups (group.cpp). Each
// model has faults to switch on, which the search must find: otherwise it would prove nothing.
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

// ---- two actors: a sender with packets for a receiver whose port is small, run by two workers;
// a host that tells of an initial packet and asks the receiver for something besides

enum class TurnFault : std::uint8_t {
    none,
    notify_ignores_running,
    rest_without_looking,  // end_turn stores idle instead of exchanging it for running
    hold_without_looking,  // the same for held
    release_ignores_running,
    hand_over_at_rest,    // also to an actor whose mailbox nobody has looked into
    look_before_running,  // a turn looks into the mailbox, and changes the word then
    forget_the_second,    // a word that is read in the middle of a turn brings no second look
    lose_bits             // what was asked for is not kept when the turn ends
};

struct Turns {
    static constexpr int threads = 3;  // two workers and the host
    static constexpr std::size_t workers = 2;
    static constexpr std::size_t sender = 0;
    static constexpr std::size_t receiver = 1;
    enum Word : std::uint8_t { idle, rest, ready, running, notified, held, asked = 8 };
    enum Step : std::uint8_t {
        w_pop,
        w_run,
        emit,
        flush,
        hand_over,
        push,
        notify_load,
        notify_swap,
        end_idle,
        end_held,
        end_ready,
        look,
        handle,
        again,
        release_load,
        release_swap,
        late_run,
        over
    };

    std::array<std::uint8_t, 2> word{};
    std::array<std::uint8_t, 2> queued{};  // times in the queue of the scheduler
    std::array<std::uint8_t, 2> inside{};  // workers in a turn
    std::uint8_t capacity = 1;
    std::uint8_t left = 0;     // packets that the sender will emit
    std::uint8_t pending = 0;  // emitted, not delivered
    std::uint8_t port = 0;     // packets of the sender in the mailbox
    std::uint8_t initial = 1;  // the initial packet is in the mailbox, in front of them
    std::uint8_t inputs = 0;   // taken by the receiver or handed over to it
    std::uint8_t listed = 0;   // the sender waits for the port
    std::uint8_t looked = 0;   // of the receiver
    std::uint8_t wanted = 0;   // the receiver has seen what was asked for
    std::uint8_t served = 0;   // and has done it
    std::uint8_t overtaken = 0;
    TurnFault fault = TurnFault::none;
    // Of each thread.
    std::array<std::uint8_t, threads> at{};
    std::array<std::uint8_t, threads> actor{};
    std::array<std::uint8_t, threads> next{};     // handed over to this worker
    std::array<std::uint8_t, threads> seen{};     // the word that was loaded
    std::array<std::uint8_t, threads> blocked{};  // the push left something

    static Turns start(std::uint8_t packets, std::uint8_t room, TurnFault fault) {
        Turns model;
        model.left = packets;
        model.capacity = room;
        model.fault = fault;
        model.word[sender] = ready;
        model.queued[sender] = 1;
        model.word[receiver] = rest;
        model.at[workers] = notify_load;
        return model;
    }

    bool step(int thread, std::vector<Turns>& states) const {
        auto t = static_cast<std::size_t>(thread);
        if (at[t] == w_pop) return pop(t, states);
        Turns to = *this;
        if (at[t] == emit) {
            for (std::uint8_t more = 1; more <= std::min<std::uint8_t>(left, 2); ++more) {
                Turns one = *this;
                one.left = static_cast<std::uint8_t>(left - more);
                one.pending = static_cast<std::uint8_t>(pending + more);
                one.at[t] = flush;
                states.push_back(one);
            }
            if (left != 0) return true;
            to.at[t] = flush;
        } else if (at[t] == flush) {
            // At the end of a turn the packets may be handed over; in the middle they are not.
            if (pending != 0 && pending <= capacity) {
                Turns tries = *this;
                tries.at[t] = hand_over;
                states.push_back(tries);
            }
            to.at[t] = pending != 0 ? std::uint8_t{push} : after_flush();
        } else if (!send(t, to) && !receive(t, to) && !end(t, to)) {
            return false;
        }
        states.push_back(to);
        return true;
    }
    bool pop(std::size_t t, std::vector<Turns>& states) const {
        if (next[t] != 0) {
            Turns handed = *this;
            handed.next[t] = 0;
            handed.actor[t] = receiver;
            ++handed.inside[receiver];
            handed.looked = 1;
            handed.at[t] = handle;
            states.push_back(handed);
            return true;
        }
        for (std::uint8_t which = 0; which < 2; ++which) {
            if (queued[which] == 0) continue;
            Turns popped = *this;
            --popped.queued[which];
            popped.actor[t] = which;
            popped.at[t] = w_run;
            if (which == receiver && fault == TurnFault::look_before_running) popped.at[t] = look;
            states.push_back(popped);
        }
        return !states.empty();
    }
    std::uint8_t after_flush() const {
        return left != 0 ? std::uint8_t{end_ready} : std::uint8_t{end_idle};
    }

    // The sender: flush(), then notify() of the receiver.
    bool send(std::size_t t, Turns& to) const {
        switch (at[t]) {
            case hand_over: {
                bool takes = word[receiver] == idle ||
                             (word[receiver] == rest && fault == TurnFault::hand_over_at_rest);
                if (!takes) {
                    to.at[t] = push;
                    return true;
                }
                to.overtaken = initial != 0 || port != 0;
                to.word[receiver] = running;
                to.inputs = static_cast<std::uint8_t>(inputs + pending);
                to.pending = 0;
                to.next[t] = 1;
                to.at[t] = after_flush();
                return true;
            }
            case push: {
                std::uint8_t room = static_cast<std::uint8_t>(capacity - port);
                std::uint8_t fits = std::min(pending, room);
                to.port = static_cast<std::uint8_t>(port + fits);
                to.pending = static_cast<std::uint8_t>(pending - fits);
                to.blocked[t] = to.pending != 0;
                if (to.blocked[t] != 0) to.listed = 1;
                to.at[t] = fits != 0 ? std::uint8_t{notify_load} : after_notify(t, to);
                return true;
            }
            case notify_load:
                to.seen[t] = word[receiver];
                to.at[t] = notify_swap;
                return true;
            case notify_swap: {
                // The host brings a packet and then asks for something; packets need no bit.
                bool asks = t == workers && blocked[t] != 0;
                std::uint8_t bit = asks ? std::uint8_t{asked} : std::uint8_t{0};
                std::uint8_t now = seen[t] & 7;
                bool wakes = now == idle || now == rest;
                bool marks = now == running && fault != TurnFault::notify_ignores_running;
                std::uint8_t wish = static_cast<std::uint8_t>(seen[t] | bit);
                if (wakes) wish = static_cast<std::uint8_t>((wish & asked) | ready);
                if (marks) wish = static_cast<std::uint8_t>((wish & asked) | notified);
                if (wish != seen[t] && word[receiver] != seen[t]) {
                    to.at[t] = notify_load;  // the exchange failed: once more
                    return true;
                }
                if (wish != seen[t]) to.word[receiver] = wish;
                if (wakes) ++to.queued[receiver];
                to.at[t] = after_notify(t, to);
                if (t == workers) to.blocked[t] = 1;
                return true;
            }
            default:
                return false;
        }
    }
    std::uint8_t after_notify(std::size_t t, const Turns& to) const {
        if (t == workers) return blocked[t] != 0 ? over : notify_load;
        return to.blocked[t] != 0 ? std::uint8_t{end_held} : after_flush();
    }

    // The receiver: one look with the lock, the callbacks, then release() of the sender.
    bool receive(std::size_t t, Turns& to) const {
        switch (at[t]) {
            case look:
                to.inputs = static_cast<std::uint8_t>(inputs + port);
                to.initial = to.port = 0;
                to.looked = 1;
                to.at[t] = fault == TurnFault::look_before_running && inside[receiver] == 0
                               ? late_run
                               : handle;
                if (listed != 0) {
                    to.listed = 0;
                    if (to.at[t] == handle) to.at[t] = release_load;
                }
                return true;
            case late_run:
                run(to, t);
                to.at[t] = handle;
                return true;
            case release_load:
                to.seen[t] = word[sender];
                to.at[t] = release_swap;
                return true;
            case release_swap: {
                bool wakes = seen[t] == held;
                bool marks = seen[t] == running && fault != TurnFault::release_ignores_running;
                if ((wakes || marks) && word[sender] != seen[t]) {
                    to.at[t] = release_load;
                    return true;
                }
                if (wakes) to.word[sender] = ready, ++to.queued[sender];
                if (marks) to.word[sender] = notified;
                to.at[t] = handle;
                return true;
            }
            case handle:
                to.inputs = 0;
                if (wanted != 0) to.served = 1;
                to.wanted = 0;
                to.at[t] = again;
                return true;
            case again:  // between two callbacks the word is looked at once more
                if (word[receiver] != running) {
                    take_word(to);
                    to.looked = fault == TurnFault::forget_the_second ? looked : 0;
                }
                to.at[t] = to.looked == 0 ? look : to.wanted != 0 ? handle : end_idle;
                return true;
            default:
                return false;
        }
    }
    static void take_word(Turns& to) {
        if ((to.word[receiver] & asked) != 0) to.wanted = 1;
        to.word[receiver] = running;
    }
    void run(Turns& to, std::size_t t) const {
        ++to.inside[actor[t]];
        if (actor[t] == receiver) {
            take_word(to);
        } else {
            to.word[sender] = running;
        }
    }

    // The beginning and the end of turns.
    bool end(std::size_t t, Turns& to) const {
        std::size_t me = actor[t];
        switch (at[t]) {
            case w_run:
                run(to, t);
                if (me == receiver) to.looked = 0;
                // Who was held back delivers first what it has.
                to.at[t] = me == receiver ? look : pending != 0 ? flush : emit;
                return true;
            case end_idle:
            case end_held: {
                bool idles = at[t] == end_idle;
                bool blindly = fault == (idles ? TurnFault::rest_without_looking
                                               : TurnFault::hold_without_looking);
                to.blocked[t] = 0;
                if (word[me] != running && !blindly) {
                    to.at[t] = end_ready;
                    return true;
                }
                to.word[me] = idles ? idle : held;
                --to.inside[me];
                to.at[t] = w_pop;
                return true;
            }
            case end_ready:
                if (me == receiver && (word[me] & asked) != 0 && fault != TurnFault::lose_bits) {
                    to.wanted = 1;
                }
                to.word[me] = ready;
                ++to.queued[me];
                --to.inside[me];
                to.at[t] = w_pop;
                return true;
            default:
                return false;
        }
    }
    std::string check() const {
        if (inside[0] > 1 || inside[1] > 1) return "an actor runs twice at once";
        if (queued[0] > 1 || queued[1] > 1) return "an actor is queued twice";
        if (port > capacity) return "the port holds more than its capacity";
        if (overtaken != 0) return "a packet that is handed over overtakes another";
        return {};
    }
    std::string at_end() const {
        if (left != 0 || pending != 0) return "packets are not delivered, and nobody runs";
        if (port != 0 || initial != 0 || inputs != 0) return "packets wait, and nobody runs";
        if (served == 0) return "what was asked for is not done";
        return {};
    }
};

TEST(Protocol, NoPacketIsForgottenBetweenActors) {
    for (std::uint8_t capacity = 1; capacity <= 3; ++capacity) {
        Explored explored = explore(Turns::start(3, capacity, TurnFault::none));
        EXPECT_EQ(explored.fault, "");
        EXPECT_GT(explored.states, 2000u);
        EXPECT_GT(explored.ends, 0u);
    }
    for (TurnFault fault : {TurnFault::notify_ignores_running, TurnFault::rest_without_looking,
                            TurnFault::hold_without_looking, TurnFault::release_ignores_running,
                            TurnFault::hand_over_at_rest, TurnFault::look_before_running,
                            TurnFault::forget_the_second, TurnFault::lose_bits}) {
        EXPECT_NE(explore(Turns::start(3, 1, fault)).fault, "") << static_cast<int>(fault);
    }
}

// ---- counts in the hands of lanes: two workers wake actors, and a host stops the group

enum class LaneFault : std::uint8_t {
    none,
    from_an_empty_hand,  // a lane wakes somebody without a count
    sleep_with_counts,   // a lane sleeps before it gives back what it has
    back_before_the_end  // it gives back its own count before its turn has ended
};

struct Lanes {
    static constexpr int threads = 3;
    static constexpr std::size_t host = 2;
    enum Step : std::uint8_t {
        pop,
        wake,
        enter,
        end_turn,
        settle,
        look_active,
        lock,
        subtract,
        report,
        guard,
        stop,
        over
    };
    std::uint8_t active = 1;  // the actor that is ready
    std::uint8_t locked = 0;
    std::uint8_t stopping = 0;
    std::uint8_t ended = 0;
    std::uint8_t touched = 0;  // the group after its end
    std::uint8_t wakes = 3;    // that will still happen
    std::uint8_t queued = 1;   // actors that are ready
    std::uint8_t asleep = 2;   // idle actors
    LaneFault fault = LaneFault::none;
    std::array<std::uint8_t, threads> at{pop, pop, guard};
    std::array<std::uint8_t, threads> hand{};
    std::array<std::uint8_t, threads> runs{};  // in a turn
    std::array<std::uint8_t, threads> gives{};

    bool step(int thread, std::vector<Lanes>& states) const {
        auto t = static_cast<std::size_t>(thread);
        Lanes to = *this;
        bool uses = at[t] == enter || at[t] == look_active || at[t] == lock || at[t] == guard ||
                    at[t] == subtract;
        if (uses && ended != 0 && (t != host || at[t] != guard)) to.touched = 1;
        switch (at[t]) {
            case pop:
                if (queued == 0) {
                    bool sleeps = hand[t] == 0 || fault == LaneFault::sleep_with_counts;
                    if (sleeps) return false;
                    to.at[t] = settle;
                    break;
                }
                --to.queued;
                to.runs[t] = 1;
                to.at[t] = wake;
                break;
            case wake: {
                // A turn wakes somebody, or does not.
                Lanes quiet = *this;
                quiet.at[t] = end_turn;
                states.push_back(quiet);
                if (wakes == 0 || asleep == 0 || stopping != 0) return true;
                --to.wakes;
                --to.asleep;
                to.at[t] = enter;
                break;
            }
            case enter:
                if (hand[t] != 0) {
                    --to.hand[t];
                } else if (fault != LaneFault::from_an_empty_hand) {
                    ++to.active;
                }
                ++to.queued;
                to.at[t] = wake;
                break;
            case end_turn:
                if (fault == LaneFault::back_before_the_end && runs[t] != 0 && gives[t] == 0) {
                    to.gives[t] = 1;
                    to.at[t] = look_active;
                    break;
                }
                to.runs[t] = 0;
                ++to.asleep;
                if (fault != LaneFault::back_before_the_end) ++to.hand[t];
                to.at[t] = pop;
                break;
            case settle:
                to.gives[t] = hand[t];
                to.hand[t] = 0;
                to.at[t] = look_active;
                break;
            case guard:
                if (ended != 0) return false;
                ++to.active;
                to.at[t] = stop;
                break;
            case stop:
                to.stopping = 1;
                to.gives[t] = 1;
                to.at[t] = look_active;
                break;
            default:
                if (!leave(t, to)) return false;
        }
        states.push_back(to);
        return true;
    }
    // Group::leave().
    bool leave(std::size_t t, Lanes& to) const {
        switch (at[t]) {
            case look_active:
                if (active > gives[t]) {
                    to.active = static_cast<std::uint8_t>(active - gives[t]);
                    left(t, to);
                } else {
                    to.at[t] = lock;
                }
                return true;
            case lock:
                if (locked != 0) return false;
                to.locked = static_cast<std::uint8_t>(t + 1);
                to.at[t] = subtract;
                return true;
            case subtract:
                to.active = static_cast<std::uint8_t>(active - gives[t]);
                if (to.active != 0) {
                    to.locked = 0;
                    left(t, to);
                } else {
                    to.at[t] = report;
                }
                return true;
            case report:
                if (stopping != 0 && active == 0) ++to.ended;
                to.locked = 0;
                left(t, to);
                return true;
            default:
                return false;
        }
    }
    void left(std::size_t t, Lanes& to) const {
        to.at[t] = t == host ? over : runs[t] != 0 ? end_turn : pop;
        if (runs[t] == 0) to.gives[t] = 0;
    }
    std::string check() const {
        if (touched != 0) return "a lane uses a group that has ended";
        if (ended > 1) return "the end is told twice";
        if (ended != 0 && (queued != 0 || runs[0] != 0 || runs[1] != 0)) {
            return "the end is told while an actor is ready or runs";
        }
        return {};
    }
    std::string at_end() const {
        if (at[host] != over) return "the host never comes to an end";
        return ended == 1 ? "" : "the end is never told";
    }
};

TEST(Protocol, CountsInTheHandsOfLanesAreNotLost) {
    Explored explored = explore(Lanes{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 500u);
    EXPECT_GT(explored.ends, 0u);
    for (LaneFault fault : {LaneFault::from_an_empty_hand, LaneFault::sleep_with_counts,
                            LaneFault::back_before_the_end}) {
        Lanes broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
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
