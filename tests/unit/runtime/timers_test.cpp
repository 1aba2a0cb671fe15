#include "runtime/timers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "random.hpp"
#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {
namespace {

class Silent final : public Environment {
public:
    bool logs(reflow_log_level) const noexcept override { return false; }
    void log(reflow_log_level, std::string_view, std::string_view,
             std::string_view) noexcept override {}
    reflow_status print(std::string_view, std::string_view) noexcept override { return REFLOW_OK; }
    Store& store() noexcept override { __builtin_trap(); }
};

class Watcher final : public Observer {
public:
    void completed(const Actor&, std::uint64_t, std::uint64_t) override {}
    void failed(const FailedFiring&) override {}
    void letter(const FailedFiring&) noexcept override {}
    AfterFailure escalated(const FailedFiring&, std::uint64_t) noexcept override {
        return AfterFailure::go_on;
    }
    void stop_for(const FailedFiring&) noexcept override {}
    void state(const Actor&, std::int32_t, std::uint32_t) override {}
    void emitted(const Actor&, std::uint32_t, std::uint32_t, MessageRef) override {}
    void sent(const Actor&, std::uint32_t, const Actor&, std::uint32_t, MessageRef) override {}
    void idle() override { ++idles; }
    void stalled(const runtime::Stall&) override {}
    void stopped() override { ++stops; }
    int idles = 0;
    int stops = 0;
};

// A scheduler that only notes who became ready.
class Noting final : public Scheduler {
public:
    void submit(Actor& actor, Lane*) noexcept override { submitted.push_back(&actor); }
    const Clock& clock() const noexcept override { return clock_; }
    bool threaded() const noexcept override { return true; }
    std::uint32_t workers() const noexcept override { return 0; }
    Ran run(const Limits&) override { return {}; }
    void interrupt() noexcept override {}
    std::uint64_t interrupts() const noexcept override { return 0; }
    void request_shutdown() noexcept override {}
    void shutdown() noexcept override {}
    void rearmed() noexcept override {}
    std::vector<Actor*> submitted;

private:
    SystemClock clock_;
};

struct World {
    World() : group(scheduler, silent, watcher, 0) {
        auto component = make_ref<Component>();
        component->id = "Nothing";
        component->run = [](Context*, void*, Packet*, std::size_t) {
            return reflow_status{REFLOW_OK};
        };
        for (int i = 0; i < 20; ++i) {
            actors.emplace_back(new (component, "a") Actor(group, component, "a", {}, 1));
            group.actors.push_back(actors.back().get());
        }
    }
    // Runs the turns of those who are ready.
    std::vector<Actor*> run() {
        std::vector<Actor*> ran = std::exchange(scheduler.submitted, {});
        Lane lane(scheduler.clock(), true);
        for (Actor* actor : ran) actor->turn(lane, {1, 1});
        lane.settle();
        return ran;
    }
    Silent silent;
    Watcher watcher;
    Noting scheduler;
    Group group;
    std::vector<std::unique_ptr<Actor>> actors;
};

// An entry of a test: notes that it has fired, and may do something then.
struct Entry : Timer {
    Entry(World& world_of, bool counts) : Timer(kind, &world_of.group, counts), world(world_of) {}
    World& world;
    std::function<void(std::uint64_t)> then;
    static std::vector<Entry*> fired;
    static const TimerKind kind;
};
std::vector<Entry*> Entry::fired;
const TimerKind Entry::kind{nullptr, [](Timer& timer, std::uint64_t now) noexcept {
                                Entry& entry = static_cast<Entry&>(timer);
                                fired.push_back(&entry);
                                if (entry.then) entry.then(now);
                            }};

// Sets as a turn does, which keeps its group.
bool set(Entry& entry, std::uint64_t due) {
    entry.world.group.enter();
    bool next = entry.world.scheduler.timers.set(entry, due);
    entry.world.group.leave();
    return next;
}

// What the wheel has to do, searched from end to end.
struct Model {
    struct Armed {
        std::uint64_t due;
        std::uint64_t order;
    };
    std::map<Entry*, Armed> armed;
    std::uint64_t order = 0;

    bool set(Entry& entry, std::uint64_t due) {
        armed.erase(&entry);
        if (due == UINT64_MAX) return false;
        bool next = next_due() > due;
        armed[&entry] = {due, order++};
        return next;
    }
    std::vector<Entry*> fire(std::uint64_t now) {
        std::map<std::pair<std::uint64_t, std::uint64_t>, Entry*> due;
        for (auto& [entry, at] : armed) {
            if (at.due <= now) due[{at.due, at.order}] = entry;
        }
        std::vector<Entry*> fired;
        for (auto& [at, entry] : due) {
            fired.push_back(entry);
            armed.erase(entry);
        }
        return fired;
    }
    [[nodiscard]] std::uint64_t next_due() const {
        std::uint64_t next = UINT64_MAX;
        for (auto& [entry, at] : armed) next = std::min(next, at.due);
        return next;
    }
};

// From a nanosecond to centuries, each length as likely as another.
std::uint64_t any_length(reflow::testing::Random& random) {
    return random.below(std::uint64_t{1} << random.below(62));
}

// Arms, moves, cancels and fires at random, beside the model.
void against_model(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reflow::testing::Random random(seed);
    World world;
    Timers& timers = world.scheduler.timers;
    std::vector<std::unique_ptr<Entry>> entries;
    for (int i = 0; i < 200; ++i) entries.emplace_back(new Entry(world, i % 2 == 0));
    Model model;
    // Short ones meet in ticks and have equal times, long ones cascade.
    bool is_short = seed % 2 == 0;
    auto length = [&] { return is_short ? random.below(300) * 1000 : any_length(random); };
    std::uint64_t now = is_short ? 0 : any_length(random);
    for (int step = 0; step < 2000; ++step) {
        Entry& entry = *entries[random.below(entries.size())];
        switch (random.below(8)) {
            case 0:
                timers.cancel(entry);
                model.armed.erase(&entry);
                break;
            case 1: {
                std::uint64_t to = random.below(2) == 0 ? timers.next_due() : now + length();
                if (to == UINT64_MAX || to > UINT64_MAX / 2) break;
                now = std::max(now, to);
                Entry::fired.clear();
                std::vector<Entry*> expected = model.fire(now);
                ASSERT_EQ(timers.fire(now), expected.size());
                ASSERT_EQ(Entry::fired, expected);
                break;
            }
            case 2: {
                std::uint64_t due = random.below(2) == 0 ? UINT64_MAX : INT64_MAX;
                ASSERT_EQ(set(entry, due), model.set(entry, due));
                break;
            }
            case 3: {  // what should have been before
                std::uint64_t due = now - std::min(now, length());
                ASSERT_EQ(set(entry, due), model.set(entry, due));
                break;
            }
            default: {
                std::uint64_t due = random.below(8) == 0 ? now : now + length();
                ASSERT_EQ(set(entry, due), model.set(entry, due));
            }
        }
        ASSERT_EQ(timers.next_due(), model.next_due());
        bool counted = false;
        for (std::size_t i = 0; i < entries.size(); i += 2) {  // those that count
            counted = counted || model.armed.count(entries[i].get()) != 0;
        }
        ASSERT_EQ(world.group.idle(), !counted);
    }
    world.group.request_stop();
    EXPECT_EQ(timers.next_due(), UINT64_MAX);
    EXPECT_EQ(world.watcher.stops, 1);
    EXPECT_FALSE(timers.set(*entries[0], now));
    EXPECT_EQ(timers.next_due(), UINT64_MAX);
}

TEST(Timers, BehaveAsAMapDoes) {
    auto [first, count] = reflow::testing::seeds(60);
    for (std::uint64_t seed = first; seed < first + count; ++seed) against_model(seed);
}

// A wheel that has no place for times behind some bit, or loses entries where digits carry.
TEST(Timers, EveryBitOfATimeHasItsPlace) {
    World world;
    Timers& timers = world.scheduler.timers;
    std::vector<std::unique_ptr<Entry>> entries;
    std::vector<std::uint64_t> times;
    for (int bit = 0; bit < 64; ++bit) {
        std::uint64_t time = std::uint64_t{1} << bit;
        for (std::uint64_t at : {time - 1, time, time + 1}) {
            times.push_back(at);
            entries.emplace_back(new Entry(world, true));
        }
    }
    for (std::size_t i = entries.size(); i-- > 0;) (void)set(*entries[i], times[i]);
    std::sort(times.begin(), times.end());
    for (std::size_t i = 0; i < times.size(); ++i) {
        Entry::fired.clear();
        ASSERT_EQ(timers.next_due(), times[i]);
        std::size_t fired = timers.fire(times[i]);
        ASSERT_GE(fired, 1u);
        i += fired - 1;  // equal times
        if (i + 1 < times.size() && times[i + 1] > times[i] + 1) {
            ASSERT_EQ(timers.fire(times[i + 1] - 1), 0u);
        }
    }
    EXPECT_TRUE(world.group.idle());
    world.group.request_stop();
}

// The period is counted from when the timer was due, however late it fires.
TEST(Timers, ATimerThatArmsItselfAgainDoesNotDrift) {
    World world;
    Timers& timers = world.scheduler.timers;
    Entry entry(world, true);
    std::uint64_t due = 1'000;
    entry.then = [&](std::uint64_t) { (void)timers.set(entry, due += 1'000); };
    (void)set(entry, due);
    reflow::testing::Random random(1);
    std::uint64_t now = 0;
    std::size_t fired = 0;
    while (fired < 100'000) {
        now += random.below(3'000);
        fired += timers.fire(now);
        ASSERT_EQ(fired, now / 1'000);
        ASSERT_EQ(timers.next_due(), (now / 1'000 + 1) * 1'000);
    }
    world.group.request_stop();
}

// Many deadlines that are moved all the time before they are due, as those of requests are: each
// move takes the next one out, and must not look at all others for the one behind it.
TEST(Timers, MovingTheNextOfManyIsNoSearch) {
    World world;
    Timers& timers = world.scheduler.timers;
    constexpr std::size_t count = 10'000;
    std::vector<std::unique_ptr<Entry>> entries;
    for (std::size_t i = 0; i < count; ++i) {
        entries.emplace_back(new Entry(world, false));
        (void)timers.set(*entries[i], 10'000'000'000 + i);
    }
    // 80,000 moves: with a search through a slot these were 800,000,000 steps.
    for (std::size_t i = 0; i < 8 * count; ++i) {
        (void)timers.set(*entries[i % count], 10'000'000'000 + count + i);
        ASSERT_EQ(timers.next_due(), 10'000'000'000 + i + 1);
    }
    Entry::fired.clear();
    EXPECT_EQ(timers.fire(UINT64_MAX - 1), count);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(Entry::fired[i], entries[i].get());
    world.group.request_stop();
}

TEST(Timers, KeepTheGroupFromBeingIdleIfTheyCount) {
    World world;
    Entry counted(world, true);
    Entry silent(world, false);
    (void)set(silent, 3);
    EXPECT_EQ(world.watcher.idles, 1);
    world.group.enter();
    (void)world.scheduler.timers.set(counted, 5);
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 1);
    world.scheduler.timers.cancel(counted);
    EXPECT_EQ(world.watcher.idles, 2);
    world.scheduler.timers.cancel(counted);
    EXPECT_EQ(world.watcher.idles, 2);
    EXPECT_EQ(world.scheduler.timers.next_due(), 3u);
    world.group.request_stop();
    EXPECT_EQ(world.scheduler.timers.next_due(), UINT64_MAX);
}

TEST(Timers, AreNotArmedInAGroupThatStops) {
    World world;
    Entry entry(world, true);
    world.group.enter();  // a turn that runs
    world.group.request_stop();
    EXPECT_FALSE(world.scheduler.timers.set(entry, 5));
    EXPECT_EQ(world.scheduler.timers.next_due(), UINT64_MAX);
    EXPECT_EQ(world.watcher.stops, 0);
    world.group.leave();
    EXPECT_EQ(world.watcher.stops, 1);
}

// Arms and cancels on two threads while a third fires and a fourth stops the group.
TEST(Timers, AreForAnyThread) {
    World world;
    Timers& timers = world.scheduler.timers;
    static std::atomic<std::uint64_t> count;
    static const TimerKind counting{nullptr, [](Timer&, std::uint64_t) noexcept { ++count; }};
    struct Counting : Timer {
        explicit Counting(Group& group) : Timer(counting, &group, true) {}
    };
    count = 0;
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> now{0};
    auto arms = [&](std::uint64_t seed) {
        std::vector<std::unique_ptr<Counting>> entries;
        for (int i = 0; i < 30; ++i) entries.emplace_back(new Counting(world.group));
        reflow::testing::Random random(seed);
        world.group.enter();  // a turn
        for (std::uint64_t i = 0; !over; ++i) {
            Counting& entry = *entries[random.below(entries.size())];
            // Behind now: what were due at once again and again would keep fire() for ever.
            (void)timers.set(entry, now + 100'001 + random.below(1'000'000));
            if (i % 7 == 0) timers.cancel(entry);
        }
        world.group.leave();
        for (auto& entry : entries) timers.cancel(*entry);
        return entries;
    };
    std::vector<std::unique_ptr<Counting>> kept[2];
    std::thread one([&] { kept[0] = arms(1); });
    std::thread other([&] { kept[1] = arms(2); });
    for (int i = 0; i < 500 || count == 0; ++i) {
        timers.fire(now += 100'000);
        if (count == 0) std::this_thread::yield();
    }
    std::thread stops([&] { world.group.request_stop(); });
    stops.join();
    over = true;
    one.join();
    other.join();
    timers.fire(UINT64_MAX - 1);
    EXPECT_GT(count, 0u);
    EXPECT_EQ(world.watcher.stops, 1);
    EXPECT_EQ(timers.next_due(), UINT64_MAX);
}

TEST(Group, IsIdleOncePerTimeOfActivity) {
    World world;
    world.group.enter();
    world.group.enter();
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 0);
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 1);
    // A guard that finds nothing to do is no activity.
    world.group.guard();
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 1);
    world.group.guard();
    world.group.began();
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 2);
    world.group.request_stop();
    EXPECT_EQ(world.watcher.stops, 1);
    world.group.from_outside([] { FAIL() << "the group has stopped"; });
    EXPECT_EQ(world.watcher.stops, 1);
    EXPECT_EQ(world.watcher.idles, 2);
}

TEST(Group, AnActorIsSubmittedOnceHoweverOftenItIsNotified) {
    World world;
    Actor& actor = *world.actors[0];
    world.group.enter();
    for (int i = 0; i < 5; ++i) actor.notify();
    EXPECT_EQ(world.scheduler.submitted.size(), 1u);
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 0);
    (void)world.run();
    EXPECT_EQ(world.watcher.idles, 1);
    actor.release();  // it is not held
    EXPECT_TRUE(world.scheduler.submitted.empty());
    world.group.request_stop();
}

}  // namespace
}  // namespace reflow::runtime
