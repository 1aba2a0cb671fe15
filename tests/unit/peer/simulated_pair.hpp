// Drives two sides over simulated wires: what happens, in which time. A base of worlds that have a clock, a
// way, and sides with a net each.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace reflow::testing {

template <typename World>
class SimulatedPair {
public:
    // One thing after the other until nothing happens without the clock.
    void settle() {
        while (world().way.step() || work()) {
        }
    }
    bool work() {
        bool some = false;
        for (auto& side : world().sides) {
            some = side.net.runtime->scheduler().run({.turns = 1}).turns != 0 || some;
        }
        return some;
    }
    // So much time, in which all happens that can.
    void pass(std::uint64_t ns) {
        auto& clock = world().clock;
        std::uint64_t until = clock.now_ns() + ns;
        settle();
        while (clock.now_ns() < until) {
            if (!world().way.jump(until - clock.now_ns())) clock.advance(until - clock.now_ns());
            settle();
        }
    }
    // What waits for others does so on a thread of its own; the clock stands still.
    template <typename Call>
    void beside(Call call) {
        std::atomic<bool> done{false};
        std::thread thread([&] {
            call();
            done.store(true, std::memory_order_release);
        });
        while (!done.load(std::memory_order_acquire)) {
            if (!world().way.step() && !work()) std::this_thread::yield();
        }
        thread.join();
        settle();
    }

private:
    World& world() { return static_cast<World&>(*this); }
};

}  // namespace reflow::testing
