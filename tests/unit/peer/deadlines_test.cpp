// Calls for deadlines: each comes in time, and there are few of them however near and far ones come by turns.
// Neighbours: outbox_test (one outbox), link_rig.hpp. Thread: one.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "peer/deliveries.hpp"
#include "peer/link_rig.hpp"
#include "peer/outboxes.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t ms = 1'000'000;

// A clock that stops at each call that is due.
struct Calls {
    std::uint64_t now = 1'000 * ms;
    std::multimap<std::uint64_t, std::function<void()>> open;
    std::size_t most = 0;
    void add(std::uint64_t delay_ns, std::function<void()> call) {
        open.emplace(now + delay_ns, std::move(call));
        most = std::max(most, open.size());
    }
    void pass(std::uint64_t ns) {
        const std::uint64_t until = now + ns;
        while (!open.empty() && open.begin()->first <= until) {
            auto first = open.extract(open.begin());
            now = first.key();
            first.mapped()();
        }
        now = until;
    }
};

class Carrier final : public OutboxCarrier, public DeliveryCarrier {
public:
    Ref<Link> link_to(std::string_view) override { return link; }
    Ref<Link> link_for(std::string_view) override { return link; }
    void undelivered(const OutboxAddress&, const Undelivered& what) override {
        lost.emplace_back(what.message.integer(), calls.now);
    }
    void room(std::string_view) override {}
    void call_later(std::uint64_t delay_ns, std::function<void()> call) override {
        calls.add(delay_ns, std::move(call));
    }
    std::uint64_t carrier_now_ns() override { return calls.now; }
    std::uint64_t delivery_now_ns() override { return calls.now; }

    Calls calls;
    Ref<Link> link;
    std::vector<std::pair<std::int64_t, std::uint64_t>> lost;  // and when
};

OutboxOptions options(std::uint64_t deadline_ns) {
    OutboxOptions made;
    made.delivery = Delivery::at_least_once;
    made.deadline_ns = deadline_ns;
    return made;
}

void put(Outboxes& all, std::string_view actor, std::int64_t value) {
    const Message message = Message::integer(value);
    const MessageRef packet = message;
    std::size_t accepted = 0;
    ASSERT_TRUE(all.put({"far", actor, "in", "wheel"}, std::span(&packet, 1), 0, accepted).ok());
}

TEST(DeadlinesTest, OutboxesAreLookedAtInTime) {
    Carrier carrier;
    Outboxes all(carrier);
    ASSERT_TRUE(all.keep("far", "slow", options(30'000 * ms), {}).ok());
    ASSERT_TRUE(all.keep("far", "quick", options(50 * ms), {}).ok());
    const std::uint64_t start = carrier.calls.now;
    put(all, "slow", 1);
    carrier.calls.pass(7 * ms);
    put(all, "quick", 2);
    carrier.calls.pass(3 * ms);
    put(all, "quick", 3);
    OutcomeFn told = [](Outcome outcome, reflow_status, std::string_view) {
        EXPECT_EQ(outcome, Outcome::lost);
    };
    ASSERT_TRUE(all.put_told({"far", "slow", "in", "wheel"}, Message::integer(4), 20 * ms, told).ok());
    carrier.calls.pass(60'000 * ms);
    const std::vector<std::pair<std::int64_t, std::uint64_t>> expected{
        {4, start + 30 * ms}, {2, start + 57 * ms}, {3, start + 60 * ms}, {1, start + 30'000 * ms}};
    EXPECT_EQ(carrier.lost, expected);
    EXPECT_TRUE(carrier.calls.open.empty());
}

TEST(DeadlinesTest, OutboxesDoNotGatherCalls) {
    Carrier carrier;
    Outboxes all(carrier);
    ASSERT_TRUE(all.keep("far", "slow", options(30'000 * ms), {}).ok());
    ASSERT_TRUE(all.keep("far", "quick", options(5 * ms), {}).ok());
    for (std::int64_t i = 0; i < 10'000; ++i) {
        if (i % 100 == 0) put(all, "slow", i);
        put(all, "quick", i);
        carrier.calls.pass(6 * ms);
    }
    EXPECT_LE(carrier.calls.most, 3u);
    EXPECT_EQ(carrier.lost.size(), 10'000u + 51u);  // the slow ones of the first half
}

TEST(DeadlinesTest, DeliveriesDoNotGatherCalls) {
    Pair pair;  // whose wires the links hold to their end
    Carrier carrier;
    pair.pump();
    carrier.link = pair.a.link;
    pair.b.owner.room = 0;  // nothing is confirmed
    Deliveries all(carrier);
    std::size_t count = 0;
    reflow_status expected = REFLOW_ERROR_TIMEOUT;
    auto send = [&](std::uint64_t within_ns) {
        OutcomeFn told = [&](Outcome outcome, reflow_status status, std::string_view) {
            EXPECT_EQ(outcome, Outcome::in_doubt);
            EXPECT_EQ(status, expected);
            ++count;
        };
        ASSERT_TRUE(all.send({"kiln", "glaze", "in", "wheel"}, Message::integer(1), within_ns, told).ok());
    };
    for (int i = 0; i < 1'000; ++i) {
        if (i % 10 == 0) send(3'000 * ms);
        send(5 * ms);
        carrier.calls.pass(6 * ms);
    }
    EXPECT_LE(carrier.calls.most, 3u);
    EXPECT_EQ(count, 1'000u + 51u);
    expected = REFLOW_ERROR_CLOSED;
    all.ended(*pair.a.link, "over");
    EXPECT_EQ(count, 1'000u + 100u);
}

}  // namespace
}  // namespace reflow::peer
