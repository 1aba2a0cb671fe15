// Who runs the loop of sockets: its own thread, or a thread that would have nothing else to do. One
// that runs it hears of a packet and runs the actor that the packet is for, so that one thread
// wakes where two would have to. Neighbours: loop. Thread: as each line says.
//
//   home --offer--> free --take--> seated --leave--> free --nobody came, or home is wanted--> home
//
// home: the loop's own thread runs it. seated: somebody else does, and that thread only looks after
// it, in steps while there is traffic. free: nobody does; who had the place runs turns and mostly
// comes back within microseconds. If nobody does within a step, the loop's own thread takes the
// loop.
//
// All of it changes under one lock, which is also what hands the loop and all that lives on it from
// one thread to the next.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/lookout.hpp"

namespace reflow::io {

class Seat final : public Lookout {
public:
    // What is run, by who has the right to.
    class Place {
    public:
        // One look, which waits for so long at most; stirred() is called before anything is done.
        virtual void turn(std::uint64_t most_ms) noexcept = 0;
        // Any thread, while somebody is seated: ends a turn() that waits, or the next one.
        virtual void rouse() noexcept = 0;

    protected:
        ~Place() = default;
    };

    // How long nobody may be there before the loop's own thread takes over.
    explicit Seat(std::uint64_t step_ns = 1'000'000) noexcept : step_ns_(step_ns) {}

    // ---- Lookout
    [[nodiscard]] bool stand_in(EventCount& sleep, EventCount::Ticket ticket, std::uint64_t wait_ns,
                                Waiter& waiter) noexcept override;
    void stand_down(Waiter& waiter) noexcept override;
    void recall() noexcept override;

    // ---- what these do

    // Any thread: the place is the caller's until it leaves. False: somebody else has it, and the
    // caller goes to sleep there, if it says where: then it is woken when the place is offered.
    [[nodiscard]] bool take(EventCount* sleep = nullptr) noexcept;
    // Who has the place: waits until something comes, somebody interrupts, or for so long. False:
    // the place has to be left now.
    [[nodiscard]] bool wait(std::uint64_t most_ms, Waiter& waiter) noexcept;
    void leave() noexcept;
    // Any thread: a wait() that goes on returns, or the next one if this one has just ended. Nothing
    // if nobody has the place.
    void interrupt() noexcept;

    // ---- the loop's own thread, at home

    // One loop at a time has it: false if another one still does.
    [[nodiscard]] bool claim() noexcept;
    void give_up() noexcept;
    // Whether somebody who had nothing to do has asked for the place since the last time, and may
    // have it by now.
    [[nodiscard]] bool wanted_by_others(std::uint64_t now_ns) noexcept;
    // From now on others may run it.
    void offer(Place& place) noexcept;
    // After offer(): looks after the place, and returns when it is at home again.
    void look_after() noexcept;

    // ---- who runs the place, before anything is done
    void stirred() noexcept {
        if (waiter_ != nullptr) tell_waiter();
    }
    // ---- any thread: there is something that is done at home alone.
    void want_home() noexcept;
    // So much comes that two threads are better than one: home, and not offered for a while.
    void flooded() noexcept;

private:
    enum class State : std::uint8_t { home, free, seated };
    void tell_waiter() noexcept;
    [[nodiscard]] bool step_over() noexcept;
    void hold_back(std::uint64_t now_ns, bool failed) noexcept;

    const std::uint64_t step_ns_;
    std::mutex mutex_;  // guards what follows; nothing else is taken under it
    std::condition_variable changed_;
    State state_ = State::home;
    Place* place_ = nullptr;
    bool claimed_ = false;
    bool asked_ = false;   // take() came while it was at home
    EventCount* asleep_ = nullptr;  // where who asked has gone to sleep; outlives the loop
    bool wanted_ = false;  // at home: nobody else takes it
    bool quiet_ = false;   // seated, and nothing has moved for a while: no steps until leave()
    std::uint64_t left_ = 0;  // how many times somebody has left it

    // Of who runs the place.
    Waiter* waiter_ = nullptr;
    // Somebody waits there instead of asleep, and nobody has woken it. Sequentially consistent with
    // its event count, see EventCount::stands().
    std::atomic<bool> looking_{false};
    // Whether who is seated waits, and how often it has had to. relaxed: samples, of which only many
    // count; the second is written by who is seated, one after the other.
    std::atomic<bool> waiting_{false};
    std::atomic<std::uint32_t> rests_{0};

    // ---- of the loop's own thread
    std::uint64_t seen_left_ = 0;
    int calm_ = 0;  // steps in which nobody left it
    int busy_ = 0;  // steps in which who had it never had to wait, less those in which it had
    std::uint32_t seen_rests_ = 0;
    std::uint64_t offered_ns_ = 0;
    std::uint64_t next_offer_ns_ = 0;
    std::uint64_t held_ns_ = 0;
};

}  // namespace reflow::io
