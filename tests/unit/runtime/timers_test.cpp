#include "runtime/timers.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "failing_memory.hpp"
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
    void failed(const Actor&, const Error&, std::uint64_t) override {}
    void emitted(const Actor&, std::uint32_t, MessageRef) override {}
    void sent(const Actor&, std::uint32_t, const Actor&, std::uint32_t, MessageRef) override {}
    void idle() override { ++idles; }
    void stalled(std::string_view) override {}
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
            actors.emplace_back(new Actor(group, component, "a", {}, 1));
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

// Arms, moves, cancels and fires at random, beside a map that is searched from end to end.
void against_model(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reflow::testing::Random random(seed);
    World world;
    struct Armed {
        std::uint64_t due;
        std::uint64_t order;
    };
    std::map<Actor*, Armed> model;
    std::uint64_t order = 0;
    std::uint64_t now = 0;
    for (int step = 0; step < 1000; ++step) {
        Actor& actor = *world.actors[random.below(world.actors.size())];
        switch (random.below(4)) {
            case 0:
            case 1: {
                std::uint64_t due = now + random.below(30);
                world.group.enter();  // as the turn that arms
                bool next = world.scheduler.timers.arm(actor, due);
                model[&actor] = {due, order++};
                bool expected = true;
                for (auto& [other, armed] : model) {
                    if (other != &actor) expected = expected && armed.due > due;
                }
                ASSERT_EQ(next, expected);
                world.group.leave();
                break;
            }
            case 2:
                world.scheduler.timers.cancel(actor);
                model.erase(&actor);
                break;
            default: {
                now += random.below(10);
                std::size_t fired = world.scheduler.timers.fire(now);
                std::map<std::pair<std::uint64_t, std::uint64_t>, Actor*> expected;
                for (auto& [other, armed] : model) {
                    if (armed.due <= now) expected[{armed.due, armed.order}] = other;
                }
                std::vector<Actor*> ran = world.run();
                ASSERT_EQ(fired, expected.size());
                ASSERT_EQ(ran.size(), expected.size());
                std::size_t at = 0;
                for (auto& [key, other] : expected) {
                    ASSERT_EQ(ran[at++], other);
                    model.erase(other);
                }
            }
        }
        std::uint64_t next = UINT64_MAX;
        for (auto& [other, armed] : model) next = std::min(next, armed.due);
        ASSERT_EQ(world.scheduler.timers.next_due(), next);
    }
    int idles = world.watcher.idles;
    world.group.request_stop();
    EXPECT_EQ(world.scheduler.timers.next_due(), UINT64_MAX);
    EXPECT_EQ(world.watcher.stops, 1);
    EXPECT_EQ(world.watcher.idles, idles);
}

TEST(Timers, BehaveAsAMapDoes) {
    auto [first, count] = reflow::testing::seeds(100);
    for (std::uint64_t seed = first; seed < first + count; ++seed) against_model(seed);
}

TEST(Timers, KeepTheGroupFromBeingIdle) {
    World world;
    world.group.enter();
    (void)world.scheduler.timers.arm(*world.actors[0], 5);
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 0);
    world.scheduler.timers.cancel(*world.actors[0]);
    EXPECT_EQ(world.watcher.idles, 1);
    world.scheduler.timers.cancel(*world.actors[0]);
    EXPECT_EQ(world.watcher.idles, 1);
    world.group.request_stop();
}

TEST(Timers, AreNotArmedInAGroupThatStops) {
    World world;
    world.group.enter();  // a turn that runs
    world.group.request_stop();
    EXPECT_FALSE(world.scheduler.timers.arm(*world.actors[0], 5));
    EXPECT_EQ(world.scheduler.timers.next_due(), UINT64_MAX);
    EXPECT_EQ(world.watcher.stops, 0);
    world.group.leave();
    EXPECT_EQ(world.watcher.stops, 1);
}

TEST(Timers, AFailedArmLeavesNothing) {
    World world;
    world.group.enter();
    {
        reflow::testing::FailOnce fail(0);
        EXPECT_THROW((void)world.scheduler.timers.arm(*world.actors[0], 5), std::bad_alloc);
    }
    EXPECT_EQ(world.scheduler.timers.next_due(), UINT64_MAX);
    world.group.leave();
    EXPECT_EQ(world.watcher.idles, 1);
    world.group.request_stop();
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
