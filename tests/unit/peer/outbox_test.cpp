// One outbox, whose link is the test, and what a receiver remembers.
#include "peer/outbox.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "random.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t ms = 1'000'000;

OutboxOptions options(Delivery delivery) {
    OutboxOptions made;
    made.delivery = delivery;
    made.messages = 8;
    made.deadline_ns = 1000 * ms;
    made.ack_timeout_ns = 100 * ms;
    made.ack_retries = 2;
    made.unacknowledged = 4;
    return made;
}

// An outbox and what has become of its messages.
struct Box {
    explicit Box(const OutboxOptions& with) : box(with) {}
    bool put(std::int64_t value, std::uint64_t now = 0, std::uint32_t index = REFLOW_NO_INDEX) {
        Result<bool> taken = box.put(Message::integer(value), {}, now, lost, index);
        EXPECT_TRUE(taken.ok());
        return taken.ok() && taken.value();
    }
    // What it wants to send, as "first: values".
    String next(std::size_t most = 100) {
        Vector<Message> all;
        std::uint64_t number = 0;
        std::uint32_t index = REFLOW_NO_INDEX;
        if (box.next(most, all, number, index) == 0) return "";
        String text = concat(number, ":");
        if (index != REFLOW_NO_INDEX) text = concat("[", index, "] ", text);
        for (const Message& one : all) append(text, concat(" ", one.integer()));
        return text;
    }
    // Sends all that it wants to; returns how many.
    std::size_t send(std::uint64_t packet, std::uint64_t now = 0) {
        Vector<Message> all;
        std::uint64_t number = 0;
        std::uint32_t index = REFLOW_NO_INDEX;
        std::size_t count = box.next(100, all, number, index);
        box.sent(number, count, packet, now, gone);
        return count;
    }
    std::uint64_t lost_by(Loss loss) const {
        return box.books().lost[static_cast<std::size_t>(loss)];
    }
    void balance() const {
        const Outbox::Books& books = box.books();
        std::uint64_t all = books.delivered + box.waiting() + box.unconfirmed();
        for (std::uint64_t one : books.lost) all += one;
        EXPECT_EQ(books.accepted, all);
    }
    Outbox box;
    Losses lost;
    Gone gone;
};

// What is sent together is for one element of an array port.
TEST(OutboxTest, ElementsAreTold) {
    Box box(options(Delivery::at_least_once));
    const std::uint32_t elements[] = {3, 3, REFLOW_NO_INDEX, 0};
    for (std::int64_t i = 0; i < 4; ++i) EXPECT_TRUE(box.put(i, 0, elements[i]));
    EXPECT_EQ(box.next(), "[3] 0: 0 1");
    EXPECT_EQ(box.send(0), 2u);
    EXPECT_EQ(box.next(), "2: 2");
    EXPECT_EQ(box.send(2), 1u);
    EXPECT_EQ(box.next(), "[0] 3: 3");
    box.box.unlinked(box.lost);
    EXPECT_EQ(box.next(1), "[3] 0: 0");
}

TEST(OutboxTest, AtMostOnceIsGoneWhenItIsSent) {
    Box box(options(Delivery::at_most_once));
    for (std::int64_t i = 0; i < 5; ++i) EXPECT_TRUE(box.put(i));
    EXPECT_EQ(box.next(), "0: 0 1 2 3 4");
    EXPECT_EQ(box.next(2), "0: 0 1");
    box.box.sent(0, 2, 0, 0, box.gone);
    EXPECT_EQ(box.gone.size(), 2u);
    EXPECT_EQ(box.next(), "2: 2 3 4");
    box.box.unlinked(box.lost);
    EXPECT_EQ(box.next(), "2: 2 3 4");
    EXPECT_EQ(box.box.books().delivered, 2u);
    box.box.refused(1, REFLOW_ERROR_NOT_FOUND, "nobody", box.lost);
    EXPECT_EQ(box.lost_by(Loss::refused), 1u);
    EXPECT_EQ(box.box.books().delivered, 1u);
    box.balance();
}

TEST(OutboxTest, WaitingHasADeadline) {
    Box box(options(Delivery::at_most_once));
    EXPECT_TRUE(box.put(1, 0));
    EXPECT_TRUE(box.put(2, 500 * ms));
    EXPECT_FALSE(box.box.tick(999 * ms, box.lost));
    EXPECT_TRUE(box.lost.empty());
    EXPECT_FALSE(box.box.tick(1000 * ms, box.lost));
    ASSERT_EQ(box.lost.size(), 1u);
    EXPECT_EQ(box.lost[0].message.integer(), 1);
    EXPECT_EQ(box.lost[0].status, REFLOW_ERROR_TIMEOUT);
    EXPECT_EQ(box.lost[0].why, "not sent within 1000 ms");
    EXPECT_EQ(box.next(), "1: 2");
    box.balance();
}

TEST(OutboxTest, WhatIsNotConfirmedGoesAgainInOrder) {
    Box box(options(Delivery::at_least_once));
    for (std::int64_t i = 0; i < 8; ++i) EXPECT_TRUE(box.put(i));
    EXPECT_EQ(box.next(), "0: 0 1 2 3");  // no more unconfirmed at once
    EXPECT_EQ(box.send(10), 4u);
    EXPECT_EQ(box.next(), "");
    box.box.confirmed(12, ms, box.gone);
    EXPECT_EQ(box.box.books().delivered, 2u);
    EXPECT_EQ(box.next(), "4: 4 5");
    EXPECT_EQ(box.send(14), 2u);
    box.box.unlinked(box.lost);
    EXPECT_EQ(box.next(), "2: 2 3 4 5");
    EXPECT_EQ(box.send(0), 4u);
    EXPECT_EQ(box.box.books().resent, 4u);
    box.box.confirmed(4, ms, box.gone);
    EXPECT_EQ(box.send(4), 2u);
    box.box.confirmed(6, ms, box.gone);
    EXPECT_TRUE(box.box.empty());
    EXPECT_EQ(box.box.bytes(), 0u);
    EXPECT_EQ(box.box.books().delivered, 8u);
    EXPECT_TRUE(box.lost.empty());
    box.balance();
}

TEST(OutboxTest, ConfirmationsHaveADeadlineAndAnEnd) {
    Box box(options(Delivery::at_least_once));
    EXPECT_TRUE(box.put(7));
    EXPECT_EQ(box.send(0, 0), 1u);
    EXPECT_FALSE(box.box.tick(100 * ms, box.lost));
    EXPECT_TRUE(box.box.tick(101 * ms, box.lost));
    EXPECT_EQ(box.send(1, 101 * ms), 1u);
    EXPECT_TRUE(box.box.tick(202 * ms, box.lost));
    EXPECT_EQ(box.send(2, 202 * ms), 1u);  // the second retry
    EXPECT_FALSE(box.box.tick(303 * ms, box.lost));
    ASSERT_EQ(box.lost.size(), 1u);
    EXPECT_EQ(box.lost[0].why, "sent 3 times and not confirmed; it may have been delivered");
    EXPECT_EQ(box.lost_by(Loss::link_lost), 1u);
    box.balance();
    // What is confirmed meanwhile begins the wait anew.
    EXPECT_TRUE(box.put(8));
    EXPECT_TRUE(box.put(9));
    EXPECT_EQ(box.send(3, 400 * ms), 2u);
    box.box.confirmed(4, 490 * ms, box.gone);
    EXPECT_FALSE(box.box.tick(580 * ms, box.lost));
    EXPECT_TRUE(box.box.tick(591 * ms, box.lost));
}

TEST(OutboxTest, FullOutboxes) {
    for (OutboxPolicy policy : {OutboxPolicy::block, OutboxPolicy::drop_oldest, OutboxPolicy::fail}) {
        OutboxOptions with = options(Delivery::at_least_once);
        with.policy = policy;
        Box box(with);
        for (std::int64_t i = 0; i < 8; ++i) EXPECT_TRUE(box.put(i));
        EXPECT_EQ(box.send(0), 4u);
        Result<bool> more = box.box.put(Message::integer(8), {}, 0, box.lost);
        if (policy == OutboxPolicy::block) {
            EXPECT_FALSE(more.value());
        } else if (policy == OutboxPolicy::fail) {
            EXPECT_EQ(more.error().status, REFLOW_ERROR_LIMIT);
        } else {
            // The oldest that was never sent.
            EXPECT_TRUE(more.value());
            ASSERT_EQ(box.lost.size(), 1u);
            EXPECT_EQ(box.lost[0].message.integer(), 4);
            box.box.confirmed(4, 0, box.gone);
            EXPECT_EQ(box.next(), "5: 5 6 7 8");
        }
        box.balance();
    }
}

TEST(OutboxTest, BytesCountToo) {
    OutboxOptions with = options(Delivery::at_most_once);
    with.bytes = 10'000;
    Box box(with);
    Message large = Message::bytes(String(6000, 'x')), larger = Message::bytes(String(10'001, 'x'));
    EXPECT_TRUE(box.box.put(large, {}, 0, box.lost).value());
    EXPECT_FALSE(box.box.put(large, {}, 0, box.lost).value());
    EXPECT_EQ(box.box.put(larger, {}, 0, box.lost).error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(box.send(0), 1u);
    EXPECT_TRUE(box.box.put(large, {}, 0, box.lost).value());
}

// Dropped while the link has them: numbers, not places, tell what was sent.
TEST(OutboxTest, DroppedWhileTheyAreSent) {
    OutboxOptions with = options(Delivery::at_least_once);
    with.policy = OutboxPolicy::drop_oldest;
    with.unacknowledged = 100;
    Box box(with);
    for (std::int64_t i = 0; i < 8; ++i) EXPECT_TRUE(box.put(i));
    EXPECT_EQ(box.next(3), "0: 0 1 2");
    EXPECT_TRUE(box.put(8));  // drops 0
    box.box.sent(0, 3, 50, 0, box.gone);
    EXPECT_EQ(box.box.unconfirmed(), 2u);
    box.box.confirmed(52, 0, box.gone);
    EXPECT_EQ(box.box.books().delivered, 1u);
    EXPECT_EQ(box.next(), "3: 3 4 5 6 7 8");
    box.balance();
}

TEST(OutboxTest, RefusedIsToldWithItsMessage) {
    Box box(options(Delivery::at_least_once));
    for (std::int64_t i = 0; i < 3; ++i) EXPECT_TRUE(box.put(i));
    EXPECT_EQ(box.send(0), 3u);
    box.box.refused(1, REFLOW_ERROR_TYPE, "no integer", box.lost);
    box.box.refused(1, REFLOW_ERROR_TYPE, "no integer", box.lost);
    ASSERT_EQ(box.lost.size(), 1u);
    EXPECT_EQ(box.lost[0].message.integer(), 1);
    EXPECT_EQ(box.lost[0].status, REFLOW_ERROR_TYPE);
    box.box.confirmed(3, 0, box.gone);
    EXPECT_TRUE(box.box.empty());
    EXPECT_TRUE(box.put(5));
    box.box.unfit(3, REFLOW_ERROR_LIMIT, "too long", box.lost);
    EXPECT_EQ(box.lost_by(Loss::invalid), 1u);
    box.balance();
}

TEST(OutboxTest, FatesAreTold) {
    Outbox box(options(Delivery::at_least_once));
    Losses lost;
    auto good = make_ref<Fate>(), bad = make_ref<Fate>();
    EXPECT_TRUE(box.put(Message::integer(1), good, 0, lost).value());
    EXPECT_TRUE(box.put(Message::integer(2), bad, 0, lost).value());
    Gone gone;
    box.sent(0, 2, 0, 0, gone);
    EXPECT_FALSE(good->decided);
    box.confirmed(1, 0, gone);
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].message.integer(), 1);
    EXPECT_TRUE(good->decided);
    EXPECT_EQ(good->status, REFLOW_OK);
    box.end("the peer stops", lost);
    EXPECT_TRUE(bad->decided);
    EXPECT_EQ(bad->status, REFLOW_ERROR_CLOSED);
    EXPECT_EQ(bad->why, "the peer stops; it may have been delivered");
}

// The time of one message, beside those of the outbox; nobody else is in its way.
TEST(OutboxTest, OneMessageMayHaveLessTime) {
    Outbox box(options(Delivery::at_least_once));
    Losses lost;
    Gone gone;
    EXPECT_EQ(box.due_ns(), UINT64_MAX);
    Vector<Ref<Fate>> fates;
    for (std::uint64_t until : {UINT64_MAX, 90 * ms, 40 * ms, 95 * ms}) {
        fates.push_back(make_ref<Fate>());
        fates.back()->until_ns = until;
        EXPECT_TRUE(box.put(Message::integer(static_cast<std::int64_t>(fates.size())), fates.back(), 0, lost).value());
    }
    EXPECT_EQ(box.due_ns(), 40 * ms);
    EXPECT_FALSE(box.tick(40 * ms - 1, lost));
    EXPECT_TRUE(lost.empty());
    EXPECT_FALSE(box.tick(40 * ms, lost));
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].message.integer(), 3);
    EXPECT_TRUE(fates[2]->decided);
    EXPECT_FALSE(fates[2]->doubt);
    EXPECT_EQ(lost[0].why, "not sent within its time");
    // Packets 7 and 8 of the link; what has come back of the first one is not the others'.
    box.sent(0, 2, 7, 50 * ms, gone);
    EXPECT_EQ(box.due_ns(), 90 * ms);
    EXPECT_FALSE(box.tick(90 * ms, lost));
    ASSERT_EQ(lost.size(), 2u);
    EXPECT_EQ(lost[1].message.integer(), 2);
    EXPECT_TRUE(fates[1]->doubt);
    EXPECT_EQ(lost[1].why, "not confirmed within its time; it may have been delivered");
    EXPECT_EQ(box.unconfirmed(), 1u);
    EXPECT_EQ(box.waiting(), 1u);
    box.confirmed(9, 91 * ms, gone);
    EXPECT_TRUE(fates[0]->decided);
    EXPECT_EQ(box.due_ns(), 95 * ms);
    box.sent(3, 1, 9, 92 * ms, gone);
    box.confirmed(10, 93 * ms, gone);
    EXPECT_TRUE(fates[3]->decided);
    EXPECT_EQ(fates[3]->status, REFLOW_OK);
    EXPECT_TRUE(box.empty());
    EXPECT_EQ(box.due_ns(), UINT64_MAX);
    EXPECT_EQ(box.books().delivered, 2u);
}

// Any order of events: numbers grow, but for what begins again when a link or a patience has ended, and
// the books balance.
TEST(OutboxTest, RandomEvents) {
    auto [first, count] = testing::seeds(300);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(seed);
        testing::Random random(seed);
        OutboxOptions with = options(Delivery::at_least_once);
        with.policy = static_cast<OutboxPolicy>(random.below(3));
        Box box(with);
        std::uint64_t now = 0, packets = 0, through = 0;
        std::uint64_t least = 0;  // that may be sent next
        std::size_t fates = 0;
        for (int step = 0; step < 400; ++step) {
            now += random.below(20) * ms;
            switch (random.below(6)) {
                case 0:
                case 1: {
                    auto fate = random.one_in(2) ? make_ref<Fate>() : Ref<Fate>();
                    if (fate && random.one_in(2)) fate->until_ns = now + random.below(300) * ms;
                    (void)box.box.put(Message::integer(step), std::move(fate), now, box.lost);
                    break;
                }
                case 2: {
                    Vector<Message> all;
                    std::uint64_t number = 0;
                    std::uint32_t index = 0;
                    std::size_t some = box.box.next(1 + random.below(5), all, number, index);
                    if (some == 0) break;
                    EXPECT_GE(number, least);
                    least = number + some;
                    box.box.sent(number, some, packets, now, box.gone);
                    packets += some;
                    break;
                }
                case 3:
                    through += random.below(packets - through + 1);
                    box.box.confirmed(through, now, box.gone);
                    break;
                case 4:
                    if (!random.one_in(4)) break;
                    box.box.unlinked(box.lost);
                    packets = through = least = 0;
                    break;
                default: {
                    // What is due is so at that very moment.
                    const std::uint64_t due = box.box.due_ns();
                    const std::size_t before = box.lost.size();
                    if (due > now) {
                        EXPECT_FALSE(box.box.tick(now, box.lost));
                        EXPECT_EQ(box.lost.size(), before);
                        break;
                    }
                    const bool again = box.box.tick(now, box.lost);
                    EXPECT_TRUE(again || box.lost.size() > before);
                    EXPECT_GT(box.box.due_ns(), now);
                    if (again) least = 0;
                }
            }
            EXPECT_LE(box.box.unconfirmed(), with.unacknowledged);
            EXPECT_LE(box.box.waiting() + box.box.unconfirmed(), with.messages);
            box.balance();
            EXPECT_GE(box.lost.size(), fates);
            fates = box.lost.size();
        }
        box.box.end("over", box.lost);
        EXPECT_TRUE(box.box.empty());
        EXPECT_EQ(box.box.bytes(), 0u);
        box.balance();
    }
}

}  // namespace
}  // namespace reflow::peer
