// How work gets from one worker to another, checked over all interleavings: the bounded queue that
// its owner and thieves take from (ready_queue.hpp), and who wakes and watches whom, so that
// nothing waits behind a callback that does not return while a worker sleeps (worker_pool.cpp).
// Each model has faults to switch on, which the search must find: otherwise it would prove nothing.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "runtime/explorer.hpp"

namespace reflow::testing {
namespace {

// ---- the queue: its owner puts in and takes out, two thieves take halves

enum class QueueFault : std::uint8_t {
    none,
    owner_without_exchange,  // the owner moves the head by a store
    thief_without_exchange,  // a thief does
    no_bound,                // the owner puts in without looking at the head
    copy_behind              // a thief copies after it has moved the head
};

struct Stealing {
    static constexpr int threads = 3;  // the owner first
    static constexpr std::uint8_t most = 3;
    static constexpr std::uint8_t items = 4;
    enum : std::uint8_t { choose, put_slot, put_tail, pop_slot, pop_head };
    enum : std::uint8_t { t_head, t_tail, t_copy, t_head_on, t_late_copy, t_done };

    std::uint8_t head = 0;
    std::uint8_t tail = 0;
    std::uint8_t put = 0;
    QueueFault fault = QueueFault::none;
    std::array<std::uint8_t, most> slots{};
    std::array<std::uint8_t, items + 1> taken{};
    std::array<std::uint8_t, threads> at{};
    std::array<std::uint8_t, threads> seen_head{};
    std::array<std::uint8_t, threads> count{};
    std::array<std::uint8_t, threads> copied{};
    std::array<std::array<std::uint8_t, most>, threads> copy{};
    std::array<std::uint8_t, threads> rounds{};

    bool step(int thread, std::vector<Stealing>& next) const {
        return thread == 0 ? owner(next) : thief(static_cast<std::size_t>(thread), next);
    }
    bool owner(std::vector<Stealing>& next) const {
        Stealing to = *this;
        switch (at[0]) {
            case choose: {
                bool fits = static_cast<std::uint8_t>(tail - head) < most;
                if (put < items && (fits || fault == QueueFault::no_bound)) {
                    to.at[0] = put_slot;
                    next.push_back(to);
                }
                if (head != tail) {
                    to = *this;
                    to.seen_head[0] = head;
                    to.at[0] = pop_slot;
                    next.push_back(to);
                }
                return !next.empty();
            }
            case put_slot:
                ++to.put;
                to.slots[tail % most] = to.put;
                to.at[0] = put_tail;
                break;
            case put_tail:
                ++to.tail;
                to.at[0] = choose;
                break;
            case pop_slot:
                to.copy[0][0] = slots[seen_head[0] % most];
                to.at[0] = pop_head;
                break;
            default:
                to.at[0] = choose;
                if (head == seen_head[0] || fault == QueueFault::owner_without_exchange) {
                    to.head = static_cast<std::uint8_t>(seen_head[0] + 1);
                    ++to.taken[copy[0][0]];
                }
                break;
        }
        next.push_back(to);
        return true;
    }
    bool thief(std::size_t t, std::vector<Stealing>& next) const {
        Stealing to = *this;
        switch (at[t]) {
            case t_head:
                if (rounds[t] == 2) return false;
                to.seen_head[t] = head;
                to.at[t] = t_tail;
                break;
            case t_tail: {
                auto size = static_cast<std::uint8_t>(tail - seen_head[t]);
                to.copied[t] = 0;
                to.count[t] = static_cast<std::uint8_t>(size - size / 2);
                to.at[t] = fault == QueueFault::copy_behind ? t_head_on : t_copy;
                if (size == 0) ++to.rounds[t];
                if (size == 0 || size > most) to.at[t] = t_head;
                break;
            }
            case t_copy:
            case t_late_copy:
                to.copy[t][copied[t]] =
                    slots[static_cast<std::size_t>(seen_head[t] + copied[t]) % most];
                if (++to.copied[t] < count[t]) break;
                to.at[t] = t_head_on;
                if (at[t] == t_late_copy) to.finish(t);
                break;
            default:
                if (head != seen_head[t] && fault != QueueFault::thief_without_exchange) {
                    to.at[t] = t_head;
                    break;
                }
                to.head = static_cast<std::uint8_t>(seen_head[t] + count[t]);
                to.at[t] = t_late_copy;
                if (fault != QueueFault::copy_behind) to.finish(t);
                break;
        }
        next.push_back(to);
        return true;
    }
    void finish(std::size_t t) {
        for (std::uint8_t i = 0; i < count[t]; ++i) ++taken[copy[t][i]];
        ++rounds[t];
        at[t] = t_head;
    }
    std::string check() const {
        for (std::uint8_t item = 0; item <= items; ++item) {
            if (taken[item] > (item == 0 ? 0 : 1)) return "an item was taken twice, or none was";
        }
        return {};
    }
    std::string at_end() const {
        for (std::uint8_t item = 1; item <= items; ++item) {
            if (taken[item] != 1) return "an item was lost";
        }
        return {};
    }
};

TEST(Stealing, EachItemIsTakenOnce) {
    Explored explored = explore(Stealing{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 10'000u);
    EXPECT_GT(explored.ends, 0u);
    for (QueueFault fault : {QueueFault::owner_without_exchange, QueueFault::thief_without_exchange,
                             QueueFault::no_bound, QueueFault::copy_behind}) {
        Stealing broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
    }
}

// ---- the watch: callbacks that never return, and whoever waits behind them

enum class WatchFault : std::uint8_t {
    none,
    nobody_leaves_it,  // who gets up with something to do does not wake the next one
    only_watchers_do,  // only who has watched does
    unwatched,         // who makes something wait relies on a watch that nobody keeps
    looks_too_early    // who has watched looks who is awake before it ends its watch
};

// The first item makes others ready on its worker and never returns, nor do those; a host brings
// it, and perhaps one that is short. Whether what waits is enough for another worker is an estimate
// that may say anything. That no wake is lost between prepare and sleep is proven for the event
// count.
struct Watch {
    static constexpr int workers = 3;
    static constexpr int threads = workers + 1;  // the host is the last
    static constexpr std::uint8_t behind = 2;
    enum : std::uint8_t { nothing, parent, blocker, brief };
    enum : std::uint8_t {
        w_start,
        w_find,
        w_found,
        w_awake,
        w_watching,
        w_pass,
        w_run,
        w_share,
        w_share_watch,
        w_share_waking,
        w_share_wake,
        w_prepare,
        w_look,
        w_count,
        w_watch,
        w_commit,
        w_asleep,
        w_up,
        w_up_awake,
        w_up_waking,
        w_rescue,
        w_end_watch,
        w_blocked
    };

    std::array<std::uint8_t, 2> inject{};  // in the order of their coming
    std::array<std::array<std::uint8_t, behind>, workers> queue{};
    std::array<std::uint8_t, workers> at{};
    std::array<std::uint8_t, workers> item{};
    std::array<std::uint8_t, workers> made{};  // by the parent
    std::array<std::uint8_t, workers> rounds{};
    std::array<std::uint8_t, workers> seen{};   // rounds, by who watches
    std::array<std::uint8_t, workers> ready{};  // prepared to sleep, and not yet woken
    std::array<std::uint8_t, workers> risen{};
    std::array<std::uint8_t, workers> watches{};
    std::array<std::uint8_t, workers> saw_awake{};
    std::uint8_t waiters = 0;
    std::uint8_t awake = 0;
    std::uint8_t waking = 0;
    std::uint8_t watching = 0;
    std::uint8_t host = 0;
    std::uint8_t briefs = 0;
    WatchFault fault = WatchFault::none;

    template <std::size_t Size>
    static std::uint8_t pop(std::array<std::uint8_t, Size>& from) {
        std::uint8_t first = from[0];
        for (std::size_t i = 1; i < Size; ++i) from[i - 1] = from[i];
        from[Size - 1] = nothing;
        return first;
    }
    template <std::size_t Size>
    static void push(std::array<std::uint8_t, Size>& to, std::uint8_t one) {
        for (std::uint8_t& place : to) {
            if (place == nothing) {
                place = one;
                return;
            }
        }
    }
    static std::uint8_t u8(std::size_t value) { return static_cast<std::uint8_t>(value); }

    // The epoch moves on for all that have prepared; of those who sleep, one wakes.
    bool wake(std::vector<Watch>& next) const {
        if (waiters == 0) return false;
        Watch moved = *this;
        bool sleeper = false;
        for (std::size_t w = 0; w < workers; ++w) {
            if (ready[w] != 0 && at[w] != w_asleep) moved.ready[w] = 0;
            sleeper = sleeper || (ready[w] != 0 && at[w] == w_asleep);
        }
        if (!sleeper) next.push_back(moved);
        for (std::size_t w = 0; w < workers; ++w) {
            if (ready[w] == 0 || at[w] != w_asleep) continue;
            Watch one = moved;
            one.ready[w] = 0;
            next.push_back(one);
        }
        return true;
    }
    bool step(int thread, std::vector<Watch>& next) const {
        if (thread < workers) return work(static_cast<std::size_t>(thread), next);
        Watch to = *this;
        if (host == 2 + 2 * briefs) return false;
        to.host = u8(host + 1u);
        if (host % 2 == 0) {
            push(to.inject, host == 0 ? parent : brief);
        } else if (to.wake(next)) {
            return true;
        }
        next.push_back(to);
        return true;
    }
    // find(): its own queue, the inject queue, and perhaps those of others.
    void look(std::size_t w, std::uint8_t found_at, std::uint8_t else_at,
              std::vector<Watch>& next) const {
        Watch to = *this;
        if (queue[w][0] != nothing) {
            to.item[w] = pop(to.queue[w]);
        } else if (inject[0] != nothing) {
            to.item[w] = pop(to.inject);
        }
        to.at[w] = to.item[w] != nothing ? found_at : else_at;
        next.push_back(to);
        if (to.item[w] != nothing) return;
        for (std::size_t victim = 0; victim < workers; ++victim) {
            if (victim == w || queue[victim][0] == nothing) continue;
            Watch stolen = *this;
            stolen.steal(victim, w);
            stolen.at[w] = found_at;
            next.push_back(stolen);
        }
    }
    // The older half, and the first of it to be run.
    void steal(std::size_t victim, std::size_t w) {
        std::size_t size = queue[victim][1] != nothing ? 2 : 1;
        item[w] = pop(queue[victim]);
        for (std::size_t more = (size - size / 2) - 1; more > 0; --more) {
            push(queue[w], pop(queue[victim]));
        }
    }
    bool work(std::size_t w, std::vector<Watch>& next) const {
        return at[w] <= w_share_wake ? up(w, next) : down(w, next);
    }
    bool up(std::size_t w, std::vector<Watch>& next) const {
        Watch to = *this;
        switch (at[w]) {
            case w_start:
                ++to.awake, to.risen[w] = 1, to.at[w] = w_find;
                break;
            case w_find:
                look(w, w_found, w_prepare, next);
                return true;
            case w_found: {
                bool passes = risen[w] != 0 && fault != WatchFault::nobody_leaves_it;
                if (fault == WatchFault::only_watchers_do && watches[w] == 0) passes = false;
                to.risen[w] = 0;
                to.at[w] = passes ? w_awake : w_run;
                break;
            }
            case w_awake:
                if (fault != WatchFault::looks_too_early || watches[w] == 0) {
                    to.saw_awake[w] = awake > 1;
                }
                to.at[w] = to.saw_awake[w] != 0 ? w_watching : w_run;
                break;
            case w_watching:
                to.at[w] = watching != 0 ? w_run : w_pass;
                break;
            case w_pass:
                to.at[w] = w_run;
                if (to.wake(next)) return true;
                break;
            case w_run:
                if (item[w] == parent && made[w] < behind) {
                    ++to.made[w];
                    push(to.queue[w], blocker);
                    to.at[w] = w_share;
                } else if (item[w] == brief) {
                    ++to.rounds[w];
                    to.item[w] = nothing;
                    to.at[w] = w_find;
                } else {
                    to.at[w] = w_blocked;
                }
                break;
            case w_share:
                to.at[w] = waiters != 0 ? w_share_watch : w_run;
                break;
            case w_share_watch:
                to.at[w] = w_share_waking;
                if (watching != 0 || fault == WatchFault::unwatched) {
                    next.push_back(to);  // it is enough for two, by the estimate
                    to.at[w] = w_run;
                }
                break;
            case w_share_waking:
                to.at[w] = waking != 0 ? w_run : w_share_wake;
                to.waking = 1;
                break;
            default:
                to.at[w] = w_run;
                if (to.wake(next)) return true;
                to.waking = 0;
                break;
        }
        next.push_back(to);
        return true;
    }
    bool down(std::size_t w, std::vector<Watch>& next) const {
        Watch to = *this;
        switch (at[w]) {
            case w_prepare:
                ++to.waiters, to.ready[w] = 1, to.at[w] = w_look;
                break;
            case w_look:
                look(w, w_found, w_count, next);
                for (Watch& state : next) {
                    if (state.at[w] != w_found) continue;
                    --state.waiters, state.ready[w] = 0, state.waking = 0;
                }
                return true;
            case w_count:
                to.watches[w] = awake > 1;
                --to.awake, to.at[w] = w_watch;
                break;
            case w_watch:
                if (watches[w] != 0) {
                    to.watches[w] = watching == 0;
                    to.watching = 1;
                }
                to.at[w] = w_commit;
                break;
            case w_commit:
                to.at[w] = ready[w] != 0 ? w_asleep : w_up;
                break;
            case w_asleep:
                if (ready[w] != 0 && watches[w] == 0) return false;
                to.ready[w] = 0, to.at[w] = w_up;
                break;
            case w_up:
                --to.waiters, to.at[w] = w_up_awake;
                break;
            case w_up_awake:
                ++to.awake, to.at[w] = w_up_waking;
                break;
            case w_up_waking:
                to.waking = 0, to.risen[w] = 1;
                to.at[w] = watches[w] != 0 ? w_rescue : w_find;
                break;
            case w_rescue:
                if (fault == WatchFault::looks_too_early) to.saw_awake[w] = awake > 1;
                for (std::size_t victim = 0; victim < workers && to.item[w] == nothing; ++victim) {
                    bool same = seen[victim] == rounds[victim];
                    if (victim == w) continue;
                    to.seen[victim] = rounds[victim];
                    if (same && queue[victim][0] != nothing) to.steal(victim, w);
                }
                to.at[w] = w_end_watch;
                break;
            case w_end_watch:
                to.watching = 0;
                to.at[w] = item[w] != nothing ? w_found : w_find;
                break;
            default:
                return false;  // blocked for ever
        }
        next.push_back(to);
        return true;
    }
    std::string check() const { return {}; }
    std::string at_end() const {
        bool waits = inject[0] != nothing;
        bool sleeps = false;
        for (std::size_t w = 0; w < workers; ++w) {
            waits = waits || queue[w][0] != nothing;
            sleeps = sleeps || at[w] == w_asleep;
        }
        return waits && sleeps ? "something waits, and a worker sleeps" : "";
    }
};

TEST(Stealing, NothingWaitsBehindACallbackWhileAWorkerSleeps) {
    Explored explored = explore(Watch{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 10'000u);
    EXPECT_GT(explored.ends, 0u);
    for (WatchFault fault : {WatchFault::nobody_leaves_it, WatchFault::only_watchers_do,
                             WatchFault::unwatched, WatchFault::looks_too_early}) {
        Watch broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
    }
}

TEST(LongStealing, NothingWaitsBehindACallbackWhileShortOnesComeToo) {
    Watch watch;
    watch.briefs = 1;
    Explored explored = explore(watch);
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 100'000u);
}

}  // namespace
}  // namespace reflow::testing
