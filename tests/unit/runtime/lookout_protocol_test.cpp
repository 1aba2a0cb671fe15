// The loop of sockets that is run by whoever has nothing else to do (io/seat.cpp, Loop::run and
// turn, the lookout of runtime/worker_pool.cpp), checked over all interleavings: two workers that
// sleep or look out, the loop's own thread, a host that brings work, one that pokes the loop, and
// packets that come. A turn may never return. Faults can be switched on, which the search must
// find.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "runtime/explorer.hpp"

namespace reflow::testing {
namespace {

enum class SeatFault : std::uint8_t {
    none,
    look_before_looking,  // a worker compares the epoch before it says that it looks out
    no_interrupt,         // a waker that finds nobody asleep does not look who looks out
    offer_blindly,        // the seat is offered while there is something for home
    leave_quietly,        // who leaves does not tell a thread that sleeps without steps
    ignore_home,          // who looks out goes on though home is wanted
    ask_home_late,        // who pokes ends the wait, and then says that home is wanted
    take_any,             // the seat is taken without a look whose it is
    last
};

struct SeatModel {
    static constexpr int threads = 6;
    static constexpr int workers = 2;
    enum : std::uint8_t { home_thread = workers, host, poker, packet_source };
    enum Seat : std::uint8_t { home, free, seated };
    enum : std::uint8_t {
        w_find,
        w_prepare,
        w_ticket,
        w_look,
        w_cancel,
        w_take,
        w_looking,
        w_stands,
        w_poll,
        w_woke,
        w_up,
        w_serve,
        w_after,
        w_futex,
        w_asleep,
        w_rise,
        w_run,
        w_turn,
        w_for_ever
    };
    // The loop's own thread, and whoever wakes workers: a_look to a_interrupt, then at `then`.
    enum : std::uint8_t { h_poll, h_serve, h_packets, h_offer, h_watch, h_home };
    enum : std::uint8_t { a_publish = 20, a_look, a_epoch, a_notify, a_interrupt, done };
    enum : std::uint8_t { k_lock, k_home, k_send, k_unlock };

    SeatFault fault = SeatFault::none;
    std::uint8_t seat = home, wanted = 0, quiet = 0, moved = 0;
    std::uint8_t async = 0;   // the loop's wake is on its way
    std::uint8_t locked = 0;  // the lock of the loop
    std::uint8_t left_word = 0;  // a poke
    std::uint8_t packets = 0;  // one has come and is done, as the search begins
    std::uint8_t items = 0, waiters = 0, epoch = 0, looking = 0;
    std::array<std::uint8_t, workers> ticket{}, has_seat{}, own{};
    std::array<std::uint8_t, threads> at{w_find, w_find, h_offer, a_publish, k_lock, 0};
    std::uint8_t sent = 0;

    bool step(int thread, std::vector<SeatModel>& next) const {
        auto t = static_cast<std::size_t>(thread);
        if (thread < workers) return work(t, next);
        if (at[t] >= a_publish) return wake(t, h_offer, next);
        if (thread == home_thread) return at_home(next);
        return thread == poker ? poke(next) : send(next);
    }

    // Publishes work and wakes somebody for it.
    bool wake(std::size_t t, std::uint8_t then, std::vector<SeatModel>& next) const {
        SeatModel to = *this;
        std::uint8_t after = t == home_thread ? then : static_cast<std::uint8_t>(done);
        switch (at[t]) {
            case a_publish:
                ++to.items, to.at[t] = a_look;
                break;
            case a_look:
                to.at[t] = waiters == 0 ? after : static_cast<std::uint8_t>(a_epoch);
                break;
            case a_epoch:
                ++to.epoch, to.at[t] = a_notify;
                break;
            case a_notify:
                for (std::size_t w = 0; w < workers; ++w) {
                    if (at[w] != w_asleep) continue;
                    SeatModel one = to;
                    one.at[w] = w_rise;
                    one.at[t] = after;
                    next.push_back(one);
                }
                if (!next.empty()) return true;
                to.at[t] = a_interrupt;
                if (fault == SeatFault::no_interrupt) to.at[t] = after;
                break;
            case a_interrupt:
                if (looking != 0 && seat == seated) to.async = 1;
                to.looking = 0, to.at[t] = after;
                break;
            default:
                return false;
        }
        next.push_back(to);
        return true;
    }

    bool work(std::size_t t, std::vector<SeatModel>& next) const {
        SeatModel to = *this;
        bool early = fault == SeatFault::look_before_looking;
        switch (at[t]) {
            case w_find:
                to.at[t] = own[t] != 0 || items != 0 ? w_run : w_prepare;
                if (own[t] != 0) {
                    --to.own[t];
                } else if (items != 0) {
                    --to.items;
                }
                break;
            case w_prepare:
                ++to.waiters, to.at[t] = w_ticket;
                break;
            case w_ticket:
                to.ticket[t] = epoch, to.at[t] = w_look;
                break;
            case w_look:
                to.at[t] = items != 0 ? w_cancel : w_take;
                break;
            case w_cancel:
                --to.waiters, to.at[t] = w_find;
                break;
            case w_take: {
                // A timer that is due soon is waited for asleep.
                SeatModel soon = to;
                soon.leave(t);
                soon.at[t] = w_futex;
                next.push_back(soon);
                bool mine = has_seat[t] != 0 || (seat == free && wanted == 0) ||
                            fault == SeatFault::take_any;
                if (!mine) return true;
                to.seat = seated, to.has_seat[t] = 1;
                to.at[t] = early ? w_stands : w_looking;
                break;
            }
            case w_looking:
                to.looking = 1, to.at[t] = early ? w_poll : w_stands;
                break;
            case w_stands:
                to.at[t] = epoch != ticket[t] ? w_woke : early ? w_looking : w_poll;
                break;
            case w_poll:
                if (async == 0 && packets == 0) return false;
                to.async = 0, to.at[t] = w_woke;
                break;
            case w_woke:
                to.looking = 0, to.at[t] = w_up;
                break;
            case w_up:
                --to.waiters, to.at[t] = w_serve;
                break;
            case w_serve:
                if (packets != 0) --to.packets, ++to.own[t];
                to.at[t] = w_after;
                break;
            case w_after:
                if (wanted != 0 && fault != SeatFault::ignore_home) to.leave(t);
                to.at[t] = w_find;
                break;
            case w_futex:
                to.at[t] = epoch == ticket[t] ? w_asleep : w_rise;
                break;
            case w_rise:
                --to.waiters, to.at[t] = w_find;
                break;
            case w_run:
                to.leave(t);
                to.at[t] = w_turn;
                break;
            case w_turn: {
                SeatModel never = to;
                never.at[t] = w_for_ever;
                next.push_back(never);
                to.at[t] = w_find;
                break;
            }
            default:
                return false;
        }
        next.push_back(to);
        return true;
    }
    void leave(std::size_t t) {
        if (has_seat[t] == 0) return;
        has_seat[t] = 0, seat = free, moved = 1;
        if (fault != SeatFault::leave_quietly) quiet = 0;
    }

    bool at_home(std::vector<SeatModel>& next) const {
        SeatModel to = *this;
        std::uint8_t& now = to.at[home_thread];
        switch (at[home_thread]) {
            case h_poll:
                if (async == 0 && packets == 0) return false;
                to.async = 0, now = h_serve;
                break;
            case h_serve:
                if (locked != 0) return false;
                to.left_word = 0;
                now = h_packets;
                break;
            case h_packets:
                if (packets != 0) {
                    --to.packets, now = a_publish;
                } else {
                    now = h_poll;
                }
                break;
            case h_offer: {
                SeatModel keeps = to;
                keeps.at[home_thread] = h_poll;
                next.push_back(keeps);
                if (locked != 0) return true;
                if (left_word != 0 && fault != SeatFault::offer_blindly) return true;
                to.seat = free, to.moved = 0, now = h_watch;
                break;
            }
            case h_watch:
                return watch(next);
            default:
                return false;
        }
        next.push_back(to);
        return true;
    }
    // Told, or a step is over; a step that changes nothing is none.
    bool watch(std::vector<SeatModel>& next) const {
        SeatModel to = *this;
        bool takes = seat == free && (wanted != 0 || (quiet == 0 && moved == 0));
        if (takes) {
            to.seat = home, to.wanted = to.quiet = 0;
            to.at[home_thread] = h_serve;
            next.push_back(to);
            return true;
        }
        if (quiet != 0) return false;
        if (seat == seated && wanted == 0) {  // busy for long
            SeatModel busy = to;
            busy.wanted = 1;
            next.push_back(busy);
        }
        if (moved != 0) {
            to.moved = 0;
            next.push_back(to);
        } else if (seat == seated) {
            to.quiet = 1;
            next.push_back(to);
        }
        return !next.empty();
    }

    bool poke(std::vector<SeatModel>& next) const {
        SeatModel to = *this;
        std::uint8_t& now = to.at[poker];
        bool late = fault == SeatFault::ask_home_late;
        switch (at[poker]) {
            case k_lock:
                if (locked != 0) return false;
                to.locked = 1, to.left_word = 1, now = late ? k_send : k_home;
                break;
            case k_home:
                if (seat != home) to.wanted = 1;
                now = late ? k_unlock : k_send;
                break;
            case k_send:
                to.async = 1, now = late ? k_home : k_unlock;
                break;
            case k_unlock:
                to.locked = 0, now = done;
                break;
            default:
                return false;
        }
        next.push_back(to);
        return true;
    }
    bool send(std::vector<SeatModel>& next) const {
        if (sent == 1) return false;
        SeatModel to = *this;
        ++to.sent, ++to.packets;
        next.push_back(to);
        return true;
    }

    std::string check() const {
        int runners = 0;
        for (std::size_t w = 0; w < workers; ++w) {
            runners += (at[w] >= w_looking && at[w] <= w_after) ? 1 : 0;
        }
        runners += at[home_thread] != h_watch ? 1 : 0;
        return runners > 1 ? "two threads run the loop" : "";
    }
    std::string at_end() const {
        if (packets != 0) return "a packet waits, and nobody looks";
        if (left_word != 0) return "what was left for home is not done";
        bool one_works = at[0] != w_for_ever || at[1] != w_for_ever;
        if (one_works && items + own[0] + own[1] != 0) return "an item is left, and all sleep";
        return {};
    }
};

// Two searches, each with what the other leaves out: one worker and a poke, two workers and none.
std::array<SeatModel, 2> beginnings(SeatFault fault) {
    SeatModel one, two;
    one.fault = two.fault = fault;
    one.at[1] = SeatModel::w_for_ever;
    two.at[SeatModel::poker] = SeatModel::done;
    return {one, two};
}

TEST(LookoutProtocol, NothingIsLostWhoeverRunsTheLoop) {
    for (const SeatModel& model : beginnings(SeatFault::none)) {
        Explored explored = explore(model);
        EXPECT_EQ(explored.fault, "");
        EXPECT_GT(explored.states, 2000u);
        EXPECT_GT(explored.ends, 0u);
    }
}

TEST(LookoutProtocol, TheSearchFindsEachFault) {
    for (auto fault = static_cast<int>(SeatFault::none) + 1;
         fault < static_cast<int>(SeatFault::last); ++fault) {
        std::string found;
        for (const SeatModel& model : beginnings(static_cast<SeatFault>(fault))) {
            if (found.empty()) found = explore(model).fault;
        }
        EXPECT_NE(found, "") << fault;
    }
}

}  // namespace
}  // namespace reflow::testing
