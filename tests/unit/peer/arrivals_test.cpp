// What a receiver remembers of the outboxes of others.
#include "peer/arrivals.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace reflow::peer {
namespace {

// Links that never open: they only wait here.
class Nobody final : public LinkOwner {
public:
    Result<void> admit(Link&, const Hello&) override { return {}; }
    void linked(Link&) override {}
    void unlinked(Link&, reflow_status, std::string_view) override {}
    Result<std::size_t> take(Link&, const Parcel&, std::uint64_t,
                             std::span<const Message>) override {
        return std::size_t{0};
    }
    void writable(Link&, std::uint64_t) override {}
    void lost(Link&, std::uint64_t, std::uint64_t, reflow_status, std::string_view) override {}
    void confirmed(Link&, std::uint64_t, std::uint64_t) override {}
    Message actors() override { return Message::null(); }
    void actors_told(Link&, std::uint64_t, MessageRef) override {}
    void log(reflow_log_level, std::string_view) override {}
    void flush_later(Link&, std::uint64_t) override {}
    std::uint64_t now_ns() const override { return 0; }
};

struct ArrivalsTest : ::testing::Test {
    Ref<Link> link() { return make_ref<Link>(nobody, LinkOptions(), false, "there:1"); }
    // How many of these are known; they are through then.
    std::size_t come(Arrivals& arrivals, const Identity& from, std::string_view outbox,
                     std::uint64_t number, std::size_t count) {
        Ref<Link> by = link();
        Arrivals::Begun begun = arrivals.begin(from, outbox, number, count, *by, 0);
        EXPECT_FALSE(begun.busy);
        arrivals.end(from, outbox, number + count);
        return begun.known;
    }
    Nobody nobody;
    const Identity studio{"studio", "studio-1"};
};

TEST_F(ArrivalsTest, EachIsTakenOnce) {
    Arrivals arrivals;
    EXPECT_EQ(come(arrivals, studio, "a", 0, 10), 0u);
    EXPECT_EQ(come(arrivals, studio, "a", 5, 10), 5u);
    EXPECT_EQ(come(arrivals, studio, "a", 0, 3), 3u);
    EXPECT_EQ(come(arrivals, studio, "a", 15, 1), 0u);
    EXPECT_EQ(come(arrivals, studio, "a", 20, 2), 0u);  // those between were given up
    EXPECT_EQ(come(arrivals, studio, "a", 19, 3), 3u);
    EXPECT_EQ(arrivals.duplicates(), 11u);
}

// A receiver that comes new takes what it gets.
TEST_F(ArrivalsTest, BeginsAnywhere) {
    Arrivals arrivals;
    EXPECT_EQ(come(arrivals, studio, "a", 1000, 1), 0u);
    EXPECT_EQ(come(arrivals, studio, "a", 999, 2), 2u);
}

TEST_F(ArrivalsTest, NobodySpeaksForAnother) {
    Arrivals arrivals;
    EXPECT_EQ(come(arrivals, studio, "a", 0, 10), 0u);
    EXPECT_EQ(come(arrivals, studio, "b", 0, 10), 0u);
    EXPECT_EQ(come(arrivals, {"studio", "studio-2"}, "a", 0, 10), 0u);
    EXPECT_EQ(come(arrivals, {"kiln", "studio-1"}, "a", 0, 10), 0u);
    EXPECT_EQ(arrivals.duplicates(), 0u);
}

// What is refused is not through, and comes again.
TEST_F(ArrivalsTest, OnlyWhatIsThroughIsKnown) {
    Arrivals arrivals;
    Ref<Link> by = link();
    EXPECT_EQ(arrivals.begin(studio, "a", 0, 10, *by, 0).known, 0u);
    arrivals.end(studio, "a", 4);
    EXPECT_EQ(come(arrivals, studio, "a", 0, 10), 4u);
}

TEST_F(ArrivalsTest, OneLinkAtATime) {
    Arrivals arrivals;
    Ref<Link> one = link(), other = link();
    EXPECT_FALSE(arrivals.begin(studio, "a", 0, 10, *one, 0).busy);
    EXPECT_TRUE(arrivals.begin(studio, "a", 0, 10, *other, 3).busy);
    EXPECT_TRUE(arrivals.begin(studio, "a", 0, 10, *other, 3).busy);
    EXPECT_TRUE(other->shared());  // it will be told
    arrivals.end(studio, "a", 10);
    EXPECT_FALSE(other->shared());
    EXPECT_EQ(arrivals.begin(studio, "a", 0, 10, *other, 3).known, 10u);
}

TEST_F(ArrivalsTest, MemoryIsBoundedAndKeepsThoseUsedLast) {
    Arrivals arrivals(4);
    for (int i = 0; i < 4; ++i) come(arrivals, studio, concat("box-", i), 0, 10);
    come(arrivals, studio, "box-0", 10, 1);
    come(arrivals, studio, "new", 0, 1);  // box-1 is forgotten
    EXPECT_EQ(arrivals.size(), 4u);
    EXPECT_EQ(come(arrivals, studio, "box-0", 0, 11), 11u);
    EXPECT_EQ(come(arrivals, studio, "box-1", 0, 10), 0u);
    EXPECT_EQ(arrivals.size(), 4u);
}

}  // namespace
}  // namespace reflow::peer
