// The protocol of a firing that ends later, over all interleavings: a turn that opens it, leaves it
// pending and takes over what it brings, a thread that ends it, a host that stops the group
// (deferred.cpp, actor_deferred.cpp, group.cpp). The state word and the group are those that
// protocol_test.cpp looks at closely: here a change of the word, or a step of the group's count, is
// one step. Faults to switch on are found by the search.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "runtime/explorer.hpp"

namespace reflow::testing {
namespace {

enum class LaterFault : std::uint8_t {
    none,
    open_without_a_look,     // who makes the part of the actor does not look for the stop
    leave_before_telling,    // the firing leaves the group before it makes its actor ready
    count_the_dead,          // a firing that ended before its call returned is counted
    rest_without_looking,    // the turn ends without a look at what came meanwhile
    stop_looks_before_it_is  // the stop looks for the part before it is announced
};

struct Later {
    static constexpr int threads = 3;
    static constexpr std::size_t worker = 0;
    static constexpr std::size_t resolver = 1;
    static constexpr std::size_t host = 2;
    enum Word : std::uint8_t { rest, ready, running, notified };
    enum Step : std::uint8_t {
        pop,
        publish,
        open,
        settle,
        take,
        end_turn,
        leave_turn,
        close,
        tell,
        leave,
        guard,
        announce,
        look,
        cancel,
        unguard,
        over
    };

    std::uint8_t word = running;  // the first turn runs
    std::uint8_t queued = 0;
    std::uint8_t active = 1;
    std::uint8_t called = 0;  // the callback has been here
    std::uint8_t part = 0;    // the actor has its part for such firings
    std::uint8_t alive = 0;   // the firing may be resolved
    std::uint8_t opened = 0;
    std::uint8_t settled = 0;
    std::uint8_t counted = 0;
    std::uint8_t due = 0;  // it has ended, and the turn has not seen it
    std::uint8_t served = 0;
    std::uint8_t closed = 0;
    std::uint8_t stopping = 0;
    std::uint8_t stopped = 0;
    std::uint8_t touched = 0;     // the actor after the end of its group
    std::uint8_t false_idle = 0;  // idle is told while something is due
    LaterFault fault = LaterFault::none;
    std::array<std::uint8_t, threads> at{publish, close, guard};
    std::array<std::uint8_t, threads> owes{};  // counts that it gives back

    bool step(int thread, std::vector<Later>& next) const {
        Later to = *this;
        if (thread == 1 && at[resolver] == close) {
            Later never = *this;  // nobody ends the firing
            never.at[resolver] = over;
            next.push_back(never);
        }
        bool moves = thread == 0 ? turn(to) : thread == 1 ? resolve(to) : stop(to);
        if (moves) next.push_back(to);
        return !next.empty();
    }
    // A step of Group::leave() that takes so many counts.
    static void drop(Later& to, std::uint8_t counts) {
        if (to.stopped != 0) to.touched = 1;
        to.active = static_cast<std::uint8_t>(to.active - counts);
        if (to.active != 0) return;
        if (to.stopping != 0) {
            to.stopped = 1;
        } else if (to.due != 0 || (to.alive != 0 && to.settled != 0)) {
            to.false_idle = 1;
        }
    }
    static void notify(Later& to) {
        if (to.stopped != 0) to.touched = 1;
        if (to.word == rest) {
            to.word = ready;
            ++to.active;
            ++to.queued;
        } else if (to.word == running) {
            to.word = notified;
        }
    }
    bool turn(Later& to) const {
        switch (at[worker]) {
            case pop:
                if (queued == 0) return false;
                --to.queued;
                to.word = running;
                to.at[worker] = take;
                return true;
            case publish:  // the callback asks for a firing to stay open
                to.part = 1;
                to.called = 1;
                to.at[worker] = open;
                return true;
            case open: {
                bool sees =
                    closed != 0 || (stopping != 0 && fault != LaterFault::open_without_a_look);
                if (!sees) to.alive = to.opened = 1;
                to.at[worker] = sees ? take : settle;
                return true;
            }
            case settle:  // the callback has returned
                if (closed == 0) {
                    to.settled = 1;
                    if (alive != 0 || fault == LaterFault::count_the_dead) {
                        to.counted = 1;
                        ++to.active;
                    }
                    if (alive == 0) to.due = 1;
                }
                to.at[worker] = take;
                return true;
            case take:
                if (stopping == 0 && due != 0) {
                    to.due = 0;
                    ++to.served;
                }
                to.at[worker] = end_turn;
                return true;
            case end_turn:
                if (word == running || stopping != 0 || fault == LaterFault::rest_without_looking) {
                    to.word = rest;
                    to.at[worker] = leave_turn;
                } else {
                    to.word = ready;
                    ++to.queued;
                    to.at[worker] = pop;
                }
                return true;
            case leave_turn:
                drop(to, 1);
                to.at[worker] = pop;
                return true;
            default:
                return false;
        }
    }
    // DeferredFirings::end().
    bool resolve(Later& to) const {
        switch (at[resolver]) {
            case close: {
                if (opened == 0) return false;
                if (alive == 0) {
                    to.at[resolver] = over;
                    return true;
                }
                to.alive = 0;
                if (settled != 0) to.due = 1;
                // Its own count or a guard: the group stays until the actor is told.
                to.owes[resolver] = 1;
                if (counted == 0) ++to.active;
                to.counted = 0;
                to.at[resolver] = tell;
                if (fault == LaterFault::leave_before_telling) to.at[resolver] = leave;
                return true;
            }
            case tell:
                if (settled != 0) notify(to);
                to.at[resolver] = fault == LaterFault::leave_before_telling ? over : leave;
                return true;
            case leave:
                drop(to, owes[resolver]);
                to.at[resolver] = fault == LaterFault::leave_before_telling ? tell : over;
                return true;
            default:
                return false;
        }
    }
    // Group::request_stop().
    bool stop(Later& to) const {
        bool early = fault == LaterFault::stop_looks_before_it_is;
        switch (at[host]) {
            case guard:
                ++to.active;
                to.at[host] = early ? look : announce;
                return true;
            case announce:
                to.stopping = 1;
                to.at[host] = !early ? look : owes[host] != 0 ? cancel : unguard;
                return true;
            case look:
                if (early) to.owes[host] = part;
                to.at[host] = early ? announce : part != 0 ? cancel : unguard;
                return true;
            case cancel:
                to.closed = 1;
                to.alive = to.due = 0;
                to.owes[host] = counted;
                to.counted = 0;
                to.at[host] = unguard;
                return true;
            case unguard:
                drop(to, static_cast<std::uint8_t>(1 + (closed != 0 ? owes[host] : 0)));
                to.at[host] = over;
                return true;
            default:
                return false;
        }
    }
    std::string check() const {
        if (touched != 0) return "somebody touches the actor after the end of its group";
        if (false_idle != 0) return "the group is idle while a firing is pending or has ended";
        if (counted != 0 && alive == 0) return "a firing that has ended is counted";
        if (served > 1) return "a firing ends twice";
        if (stopped != 0 && alive != 0) return "a firing may be resolved after the end";
        if (stopped != 0 && (word == running || queued != 0)) return "an actor runs after the end";
        return {};
    }
    std::string at_end() const {
        if (stopped == 0) return "the end is never told";
        return {};
    }
};

TEST(Protocol, FiringsThatEndLaterEndOnceOrWithTheirGroup) {
    Explored explored = explore(Later{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 200u);
    EXPECT_GT(explored.ends, 0u);
    for (LaterFault fault : {LaterFault::open_without_a_look, LaterFault::leave_before_telling,
                             LaterFault::count_the_dead, LaterFault::rest_without_looking,
                             LaterFault::stop_looks_before_it_is}) {
        Later broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
    }
}

}  // namespace
}  // namespace reflow::testing
