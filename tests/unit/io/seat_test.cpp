// Threads that stand in for that of a host of wires (io/seat.hpp): who reads what comes, who does
// what is for its own thread alone, and that a thread which stands in may stay away.
#include <gtest/gtest.h>

#include <thread>

#include "base/clock.hpp"
#include "io/lookout.hpp"
#include "io/seat.hpp"
#include "io/wires.hpp"

namespace {

using namespace wires;

Seat& seat_of(const Ref<Lookout>& place) { return static_cast<Seat&>(*place); }

// A thread that waits in the lookout whenever it may, until it is told to go.
class StandIn final : public Lookout::Waiter {
public:
    explicit StandIn(Ref<Lookout> place)
        : Waiter{count}, place_(std::move(place)), thread_([this] { run(); }) {}
    ~StandIn() { end(); }
    StandIn(const StandIn&) = delete;
    [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }
    [[nodiscard]] int wakes() const { return wakes_.load(); }
    // Whether it might not wait for links though it does not wait in the place.
    [[nodiscard]] bool may_not_wait() const { return may_not_wait_.load(); }
    // It leaves the place with its next wait, and does not come back.
    void stay_away() { away_.store(true); }
    [[nodiscard]] bool is_away() const { return gone_.load(); }
    void end() {
        stay_away();
        if (!thread_.joinable()) return;
        while (!gone_.load()) seat_of(place_).interrupt();
        thread_.join();
    }

private:
    static void count(Waiter& self) noexcept { static_cast<StandIn&>(self).wakes_.fetch_add(1); }
    void run() {
        Seat& seat = seat_of(place_);
        while (!away_.load()) {
            if (!seat.take()) {
                std::this_thread::yield();
                continue;
            }
            while (!away_.load() && seat.wait(UINT64_MAX, *this)) {
                if (on_thread_of_peers()) may_not_wait_.store(true);
            }
            seat.leave();
        }
        gone_.store(true);
    }
    const Ref<Lookout> place_;
    std::atomic<int> wakes_{0};
    std::atomic<bool> away_{false}, gone_{false}, may_not_wait_{false};
    std::thread thread_;
};

class SeatTest : public ::testing::Test {
protected:
    SeatTest() {
        door.prepare = [](Ear& each) { each.echoes = true; };
        auto listening = far->listen("127.0.0.1", 0, {}, door, &port);
        EXPECT_TRUE(listening.ok());
        ear.on_frame = [this](Wire&, std::span<const std::byte>) {
            reader.store(std::this_thread::get_id());
            if (!on_thread_of_peers()) might_wait.store(true);
        };
    }
    ~SeatTest() override {
        near.reset();
        far.reset();
        ear.wire = nullptr;
        for (auto& each : door.ears) each->wire = nullptr;
    }
    void dial(std::string_view scheme) {
        auto made = near->dial(at(scheme, port), {}, ear);
        ASSERT_TRUE(made.ok());
        ASSERT_TRUE(ear.wait_open());
    }
    // There and back.
    void ask() {
        ++asked;
        ASSERT_EQ(ear.wire->send("ball", false), REFLOW_OK);
        ASSERT_TRUE(ear.wait_frames(asked));
    }
    // Until the answer is read by this thread, or not by it.
    [[nodiscard]] bool ask_until(std::thread::id who, bool by_it) {
        auto end = std::chrono::steady_clock::now() + patience;
        do {
            ask();
            if ((reader.load() == who) == by_it) return true;
        } while (!HasFatalFailure() && std::chrono::steady_clock::now() < end);
        return false;
    }
    Bell bell;
    Door door{bell};
    Ear ear{bell};
    // Long enough for a thread that is ready to come, however busy the machine is.
    Ref<Lookout> place = make_lookout(300'000'000);
    std::unique_ptr<WireHost> far = host();
    std::unique_ptr<WireHost> near = std::move(make_host({}, place)).take();
    std::uint16_t port = 0;
    std::uint64_t asked = 0;
    std::atomic<std::thread::id> reader{};
    std::atomic<bool> might_wait{false};  // a reader, for links
};

TEST_F(SeatTest, AThreadThatWaitsThereReadsWhatComes) {
    StandIn other(place);
    for (const char* scheme : {"tcp", "ws"}) {
        asked = 0;
        ear.opened_count = 0;
        ear.frames_count = 0;
        dial(scheme);
        EXPECT_TRUE(ask_until(other.id(), true)) << scheme;
        EXPECT_GT(other.wakes(), 0);
        EXPECT_FALSE(might_wait.load() || other.may_not_wait());
        ear.wire->close(WIRE_NORMAL, "");
        ASSERT_TRUE(ear.wait_closed());
        EXPECT_EQ(ear.status, REFLOW_OK);
        ear.closed_count = 0;
    }
}

TEST_F(SeatTest, WithoutItTheThreadOfTheHostGoesOn) {
    dial("tcp");
    for (int round = 0; round < 3; ++round) {
        StandIn other(place);
        ASSERT_TRUE(ask_until(other.id(), true)) << round;
        other.stay_away();
        // It sees that with the next frame, if it waits.
        ASSERT_TRUE(ask_until(other.id(), false)) << round;
        for (int i = 0; i < 100 && !HasFatalFailure(); ++i) ask();
        EXPECT_NE(reader.load(), other.id());
    }
}

// Two threads are better then: the loop's own takes it back, though the other one is never away.
TEST(Seat, WhoNeverHasToWaitGivesItUp) {
    struct Flood final : Seat::Place {
        explicit Flood(Seat& of) : seat(of) {}
        void turn(std::uint64_t) noexcept override {
            seat.stirred();
            SystemClock clock;
            for (std::uint64_t end = clock.now_ns() + 100'000; clock.now_ns() < end;) {
            }
        }
        void rouse() noexcept override {}
        Seat& seat;
    };
    Seat seat;
    Flood flood(seat);
    Lookout::Waiter never{[](Lookout::Waiter& self) noexcept { self.rested_ns = 0; }};
    ASSERT_TRUE(seat.claim());
    seat.offer(flood);
    std::thread other([&] {
        if (!seat.take()) return;
        while (seat.wait(UINT64_MAX, never)) {
        }
        seat.leave();
    });
    seat.look_after();
    EXPECT_FALSE(seat.take());
    other.join();
    seat.give_up();
}

TEST_F(SeatTest, TimersAndWhatMayWaitAreNotItsAffair) {
    StandIn other(place);
    dial("tcp");
    std::thread::id of_host, of_call, of_timer;
    std::uint64_t done = 0;  // under the mutex of the bell
    auto note = [&](std::thread::id& to) {
        std::lock_guard lock(bell.mutex);
        to = std::this_thread::get_id();
        ++done;
        bell.rung.notify_all();
    };
    near->after(0, [&] { note(of_host); });
    ASSERT_TRUE(bell.wait([&] { return done == 1; }));
    EXPECT_NE(of_host, other.id());
    ASSERT_TRUE(ask_until(other.id(), true));
    near->after(1'000'000, [&] { note(of_timer); });
    ASSERT_TRUE(bell.wait([&] { return done == 2; }));
    EXPECT_EQ(of_timer, of_host);

    ASSERT_TRUE(ask_until(other.id(), true));
    bool asked_there = false;
    ear.on_frame = [&](Wire&, std::span<const std::byte>) {
        if (std::this_thread::get_id() != other.id() || std::exchange(asked_there, true)) return;
        call_at_home(*near, [&] { note(of_call); });
    };
    auto end = std::chrono::steady_clock::now() + patience;
    for (bool over = false; !over && std::chrono::steady_clock::now() < end;) {
        ask();
        std::lock_guard lock(bell.mutex);
        over = done == 3;
    }
    EXPECT_EQ(of_call, of_host);
}

// It is due before the wait begins, and nothing else comes that would end that.
TEST_F(SeatTest, ATimerThatIsDueBeforeTheWaitEndsIt) {
    constexpr std::uint64_t delay_ns = 200'000'000;
    dial("tcp");
    auto end = std::chrono::steady_clock::now() + patience;
    for (bool was_due = false; !was_due && !HasFatalFailure();) {
        ASSERT_LT(std::chrono::steady_clock::now(), end);
        std::atomic<bool> called{false}, taken{false}, over{false};
        SystemClock clock;
        const std::uint64_t due_ns = clock.now_ns() + delay_ns;
        near->after(delay_ns, [&] {
            std::lock_guard lock(bell.mutex);
            called.store(true);
            bell.rung.notify_all();
        });
        Lookout::Waiter waiter{[](Lookout::Waiter&) noexcept {}};
        std::thread late([&] {
            while (!taken.load() && !called.load()) {
                taken.store(seat_of(place).take());
                std::this_thread::yield();
            }
            if (!taken.load()) return;
            // A little more than libuv's milliseconds, so that the timer is due for it as well.
            while (clock.now_ns() < due_ns + 3'000'000) std::this_thread::yield();
            was_due = !called.load();
            (void)seat_of(place).wait(UINT64_MAX, waiter);
            seat_of(place).leave();
        });
        // Its answer has come when the place is offered, so nothing is on its way behind that.
        ask();
        EXPECT_TRUE(bell.wait([&] { return called.load(); }));
        if (!called.load()) seat_of(place).interrupt();
        late.join();
    }
}

TEST_F(SeatTest, AnInterruptEndsAWaitWithoutTraffic) {
    StandIn other(place);
    dial("tcp");
    ASSERT_TRUE(ask_until(other.id(), true));
    for (int i = 0; i < 3; ++i) {
        int before = other.wakes();
        auto end = std::chrono::steady_clock::now() + patience;
        while (other.wakes() == before && std::chrono::steady_clock::now() < end) {
            seat_of(place).interrupt();
        }
        EXPECT_GT(other.wakes(), before);
    }
}

// As a worker of a pool waits, with links that are silent: whoever brings it work wakes it.
TEST_F(SeatTest, WhoBringsWorkWakesWhoStandsInWithoutTraffic) {
    struct Sleeper : Lookout::Waiter {
        Sleeper() : Waiter{[](Waiter& self) noexcept { static_cast<Sleeper&>(self).up(); }} {}
        void up() noexcept { sleep.cancel(); }
        void run() {
            for (;;) {
                EventCount::Ticket ticket = sleep.prepare();
                if (work.exchange(0) != 0) return sleep.cancel();
                if (place->stand_in(sleep, ticket, UINT64_MAX, *this)) continue;
                sleep.cancel();
                std::this_thread::yield();
            }
        }
        EventCount sleep;
        std::atomic<int> work{0};
        Lookout* place = nullptr;
    } sleeper;
    sleeper.place = place.get();
    dial("tcp");
    for (int round = 0; round < 10 && !HasFatalFailure(); ++round) {
        std::thread other([&] { sleeper.run(); });
        EXPECT_TRUE(ask_until(other.get_id(), true));
        sleeper.work.store(1);
        if (sleeper.sleep.wake() == EventCount::Woken::nobody) place->recall();
        other.join();
        place->stand_down(sleeper);
    }
}

TEST_F(SeatTest, TheOtherSideEndsWhileItWaits) {
    StandIn other(place);
    dial("tcp");
    ASSERT_TRUE(ask_until(other.id(), true));
    Ear* accepted = door.wait_ear();
    ASSERT_NE(accepted, nullptr);
    accepted->wire->cut();
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.status, REFLOW_ERROR_IO);
}

TEST_F(SeatTest, AHostEndsWhileSomebodyWaitsThere) {
    StandIn other(place);
    dial("tcp");
    ASSERT_TRUE(ask_until(other.id(), true));
    ear.wire = nullptr;
    near.reset();
    EXPECT_EQ(ear.closed_count, 1);
    // The place serves the next host.
    near = std::move(make_host({}, place)).take();
    asked = 0;
    ear.opened_count = ear.closed_count = 0;
    ear.frames_count = 0;
    dial("tcp");
    EXPECT_TRUE(ask_until(other.id(), true));
}

TEST_F(SeatTest, TwoHostsWithOnePlaceDoNotShareIt) {
    StandIn other(place);
    dial("tcp");
    ASSERT_TRUE(ask_until(other.id(), true));
    std::unique_ptr<WireHost> second = std::move(make_host({}, place)).take();
    Ear hearer(bell);
    std::atomic<bool> by_other{false};
    hearer.on_frame = [&](Wire&, std::span<const std::byte>) {
        if (std::this_thread::get_id() == other.id()) by_other.store(true);
    };
    auto made = second->dial(at("tcp", port), {}, hearer);
    ASSERT_TRUE(made.ok());
    ASSERT_TRUE(hearer.wait_open());
    for (std::uint64_t i = 1; i <= 100; ++i) {
        ASSERT_EQ(hearer.wire->send("ball", false), REFLOW_OK);
        ASSERT_TRUE(hearer.wait_frames(i));
        ask();
    }
    EXPECT_FALSE(by_other.load());
    hearer.wire = nullptr;
    second.reset();
}

}  // namespace
