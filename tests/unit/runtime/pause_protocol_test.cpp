// Pausing an actor (runtime/pause.cpp) checked over all interleavings: a sender that brings packets
// or hands them over, two workers, and a host that pauses, steps and resumes. Each fault that can
// be switched on has to be found by the search.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <utility>

#include "runtime/explorer.hpp"

namespace reflow::testing {
namespace {

enum class PauseFault : std::uint8_t {
    none,
    ignore_running,      // pause() takes an actor in a turn to be at rest
    stay_idle,           // pause() leaves it idle, so that packets may be handed over
    park_blindly,        // a turn stores parked without looking whether somebody came
    resume_looks_first,  // resume() reads the word before it writes that the actor goes on
    grant_apart          // what a step grants outlives a resume
};

struct Pausing {
    static constexpr int threads = 4;
    static constexpr std::size_t workers = 2;
    static constexpr std::size_t sender = 2;
    static constexpr std::size_t host = 3;
    enum Word : std::uint8_t { idle, rest, ready, running, notified, parked };
    enum Byte : std::uint8_t { unpaused, pausing, resting, stepping };
    // Worker.
    enum : std::uint8_t {
        w_pop,
        w_run,
        w_begin,
        w_look,
        w_swap,
        w_seen,
        w_take,
        w_fire,
        w_end,
        w_work,
        w_calm,
        w_park,
        w_again,
        w_still,
        w_idle,
        w_ready
    };
    // Sender.
    enum : std::uint8_t { s_choose, s_push, s_load, s_swap, s_hand, s_done };
    // Host.
    enum : std::uint8_t {
        h_pause,
        h_touch,
        h_calm,
        h_wait,
        h_step,
        h_stepped,
        h_peek,
        h_look,
        h_resume,
        h_touch_again,
        h_wake,
        h_next,
        h_done
    };

    std::uint8_t word = rest;
    std::uint8_t byte = unpaused;
    std::uint8_t granted = 0;  // only with the fault that keeps it apart
    std::uint8_t rounds = 0;   // of the host
    std::uint8_t queued = 0;
    std::uint8_t handed = 0;  // in the hand of a worker, running already
    std::uint8_t mailbox = 0;
    std::uint8_t inputs = 0;  // kept by the actor
    std::uint8_t to_send = 2;
    std::uint8_t fired = 0;
    std::uint8_t firing = 0;
    std::uint8_t inside = 0;
    std::uint8_t parks = 0;    // the count of the group
    std::uint8_t watched = 0;  // the host takes it to be at rest
    std::uint8_t touched = 0;  // and somebody gave it inputs
    std::uint8_t before = 0;   // fired, before the step
    PauseFault fault = PauseFault::none;
    std::array<std::uint8_t, threads> at{};
    std::array<std::uint8_t, threads> seen{};
    std::array<std::uint8_t, workers> was_paused{};
    std::array<std::uint8_t, workers> left{};
    std::array<std::uint8_t, workers> work{};

    bool step(int thread, std::vector<Pausing>& next) const {
        auto t = static_cast<std::size_t>(thread);
        Pausing to = *this;
        if (t == host && at[t] == h_stepped) {  // it may as well not wait for the firing
            Pausing other = *this;
            other.at[t] = h_look;
            next.push_back(other);
        }
        bool can = t < workers ? to.work_on(t) : t == sender ? to.send(t, next) : to.control(t);
        if (can) next.push_back(to);
        return can || !next.empty();
    }

    void enqueue() {
        word = ready;
        ++queued;
    }

    bool work_on(std::size_t t) {
        switch (at[t]) {
            case w_pop:
                if (handed != 0) {
                    --handed, ++inside, at[t] = w_begin;
                } else if (queued != 0) {
                    --queued, at[t] = w_run;
                } else {
                    return false;
                }
                return true;
            case w_run:
                word = running, ++inside, at[t] = w_begin;
                return true;
            case w_begin:
                was_paused[t] = byte != unpaused;
                left[t] = was_paused[t] == 0 ? 9 : byte == stepping || granted != 0 ? 1 : 0;
                if (byte == stepping) byte = pausing;
                if (was_paused[t] != 0) granted = 0;
                at[t] = left[t] == 0 ? w_end : w_look;
                return true;
            case w_look:
                at[t] = word != running ? w_swap : w_take;
                return true;
            case w_swap:
                word = running, at[t] = w_seen;
                return true;
            case w_seen:
                at[t] = was_paused[t] == 0 && byte != unpaused ? w_end : w_take;
                return true;
            case w_take:
                if (inputs == 0) inputs = std::exchange(mailbox, std::uint8_t{0});
                at[t] = inputs == 0 ? w_end : w_fire;
                if (inputs != 0) firing = 1;
                return true;
            case w_fire:
                firing = 0, --inputs, ++fired, --left[t];
                at[t] = left[t] == 0 ? w_end : w_look;
                return true;
            case w_end:
                if (byte != unpaused) {
                    at[t] = w_work;
                } else {
                    at[t] = inputs != 0 || mailbox != 0 ? w_ready : w_idle;
                }
                return true;
            case w_work:
                work[t] = inputs != 0 || mailbox != 0;
                if (work[t] != 0) ++parks;
                at[t] = w_calm;
                return true;
            case w_calm:
                if (byte == pausing) byte = resting;
                at[t] = w_park;
                return true;
            case w_park:
                if (word == running || fault == PauseFault::park_blindly) {
                    word = work[t] != 0 ? parked : rest;
                    --inside, at[t] = w_pop;
                } else {
                    if (work[t] != 0) --parks;
                    at[t] = w_again;
                }
                return true;
            case w_again:
                word = running, at[t] = w_still;
                return true;
            case w_still:
                at[t] = byte != unpaused ? w_work : w_ready;
                return true;
            case w_idle:
                if (word != running) {
                    at[t] = w_ready;
                } else {
                    word = idle, --inside, at[t] = w_pop;
                }
                return true;
            default:
                --inside, at[t] = w_pop;
                enqueue();
                return true;
        }
    }

    // Each packet goes through the mailbox, or is handed over if the actor is idle.
    bool send(std::size_t t, std::vector<Pausing>& next) {
        switch (at[t]) {
            case s_choose: {
                if (to_send == 0) return false;
                Pausing other = *this;
                other.at[t] = s_hand;
                next.push_back(other);
                at[t] = s_push;
                return true;
            }
            case s_hand:
                at[t] = s_push;
                if (word != idle) return true;
                word = running, ++handed, ++inputs, --to_send, at[t] = s_choose;
                touched = watched;
                return true;
            case s_push:
                ++mailbox, --to_send, at[t] = s_load;
                return true;
            case s_load:
                seen[t] = word;
                at[t] =
                    seen[t] == idle || seen[t] == rest || seen[t] == running ? s_swap : s_choose;
                return true;
            default:
                at[t] = word != seen[t] ? s_load : s_choose;
                if (word != seen[t]) return true;
                if (word == running) {
                    word = notified;
                } else {
                    enqueue();
                }
                return true;
        }
    }

    void touch(std::size_t t) {
        seen[t] = word;
        if (word == running) word = notified;
        if (word == idle && fault != PauseFault::stay_idle) word = rest;
    }
    bool control(std::size_t t) {
        switch (at[t]) {
            case h_pause:
                byte = pausing, at[t] = h_touch;
                return true;
            case h_touch:
                touch(t);
                at[t] = h_calm;
                return true;
            case h_calm: {
                bool in_turn = seen[t] == running || seen[t] == notified;
                bool calm = !in_turn || fault == PauseFault::ignore_running;
                if (calm && byte == pausing) byte = resting;
                at[t] = h_wait;
                return true;
            }
            case h_wait:
                if (byte != resting) return false;
                watched = 1, at[t] = h_step;
                return true;
            case h_step:
                at[t] = h_look;
                if (word != parked) return true;  // nothing to do
                watched = 0, before = fired, --parks;
                byte = fault == PauseFault::grant_apart ? pausing : stepping;
                granted = fault == PauseFault::grant_apart;
                enqueue();
                at[t] = h_stepped;
                return true;
            case h_stepped:
                if (byte != resting || word == ready || word == running || word == notified) {
                    return false;
                }
                watched = 1, at[t] = h_peek;
                return true;
            case h_peek:
                at[t] = h_look;
                return true;
            case h_look:
                watched = 0;
                seen[t] = word;
                at[t] = h_resume;
                return true;
            case h_resume:
                byte = unpaused, at[t] = h_touch_again;
                return true;
            case h_touch_again:
                if (fault != PauseFault::resume_looks_first) touch(t);
                at[t] = seen[t] == parked ? h_wake : h_next;
                return true;
            case h_wake:
                --parks, at[t] = h_next;
                enqueue();
                return true;
            case h_next:
                at[t] = ++rounds == 2 ? h_done : h_pause;
                return true;
            default:
                return false;
        }
    }

    [[nodiscard]] std::string check() const {
        if (inside + handed > 1 || queued > 1) return "two own the actor";
        if (watched != 0 && firing != 0) return "it fires at rest";
        if (touched != 0) return "what it keeps changes at rest";
        if (watched != 0 && at[host] == h_peek && fired != before + 1)
            return "a step is one firing";
        return {};
    }
    [[nodiscard]] std::string at_end() const {
        if (at[host] != h_done) return "the host waits for ever";
        if (fired != 2 || mailbox != 0 || inputs != 0) return "packets are left";
        if (parks != 0) return "the count of parked actors is wrong";
        return word == idle || word == rest ? "" : "the actor does not rest";
    }
};

TEST(PauseProtocol, NobodyFiresAtRestAndNothingIsForgotten) {
    Explored explored = explore(Pausing{});
    EXPECT_EQ(explored.fault, "");
    EXPECT_GT(explored.states, 10'000u);
    EXPECT_GT(explored.ends, 0u);
    for (PauseFault fault :
         {PauseFault::ignore_running, PauseFault::stay_idle, PauseFault::park_blindly,
          PauseFault::resume_looks_first, PauseFault::grant_apart}) {
        Pausing broken;
        broken.fault = fault;
        EXPECT_NE(explore(broken).fault, "") << static_cast<int>(fault);
    }
}

}  // namespace
}  // namespace reflow::testing
