// Random networks, simulated and on real schedulers. A failure names its seed; REFLOW_TEST_SEED
// runs that one alone, REFLOW_TEST_SEEDS and REFLOW_TEST_FIRST set how many there are and where they begin.
#include "network/simulation.hpp"

#include <gtest/gtest.h>

namespace reflow::testing {
namespace {

void no_faults(const Outcome& outcome) {
    for (const std::string& fault : outcome.faults) ADD_FAILURE() << fault;
}

// What runs have met, so that none of it is missing.
struct Met {
    StreamBook::Counts streams;
    void add(const Outcome& one) {
        const StreamBook::Counts& from = one.streams;
        streams.streams += from.streams;
        streams.ended += from.ended;
        streams.failed += from.failed;
        streams.dropped += from.dropped;
        streams.unread += from.unread;
        streams.left += from.left;
        streams.frames += from.frames;
        streams.discarded += from.discarded;
        streams.observed += from.observed;
        streams.waits += from.waits;
    }
    // All ways in which a stream may end.
    void check() const {
        EXPECT_TRUE(streams.ended != 0 && streams.failed != 0 && streams.dropped != 0);
        EXPECT_TRUE(streams.unread != 0 && streams.left != 0 && streams.discarded != 0);
        EXPECT_TRUE(streams.observed != 0 && streams.waits != 0 && streams.frames != 0);
    }
};

// The first line in which two traces differ.
std::string difference(const std::string& a, const std::string& b) {
    std::size_t at = 0;
    while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
    std::size_t from = a.rfind('\n', at == 0 ? 0 : at - 1);
    from = from == std::string::npos ? 0 : from + 1;
    return a.substr(from, 80) + "\n---\n" + b.substr(from, 80);
}

void simulated(std::uint64_t count) {
    auto [first, seeds_count] = seeds(count);
    std::size_t other_orders = 0;
    Outcome met;
    Met streams;
    for (std::uint64_t seed = first; seed < first + seeds_count; ++seed) {
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        Plan plan = make_plan(seed);
        How how;
        how.seed = seed;
        Outcome one = run(plan, how);
        no_faults(one);
        met.retries += one.retries;
        met.letters += one.letters;
        met.envelopes += one.envelopes;
        met.later += one.later;
        met.retried_later += one.retried_later;
        met.refused += one.refused;
        met.stalled = met.stalled || one.stalled;
        streams.add(one);
        Outcome same = run(plan, how);
        if (one.trace != same.trace) {
            ADD_FAILURE() << "the same seed, another run:\n" << difference(one.trace, same.trace);
        }
        how.seed = seed + 1'000'000;
        Outcome other = run(plan, how);
        no_faults(other);
        other_orders += one.trace != other.trace ? 1u : 0u;
        if (plan.confluent) {
            EXPECT_EQ(one.sum, other.sum);
            EXPECT_EQ(one.arrivals, other.arrivals);
        }
        how.stop_early = true;
        no_faults(run(plan, how));
        if (::testing::Test::HasFailure()) return;
    }
    // The seed of the scheduler does choose the order.
    if (seeds_count > 20) {
        EXPECT_GT(other_orders, seeds_count / 4);
        EXPECT_TRUE(met.retries != 0 && met.letters != 0 && met.envelopes != 0 && met.later != 0);
        EXPECT_TRUE(met.retried_later != 0 && met.refused != 0);
        streams.check();
    }
    if (seeds_count >= 1000) {
        EXPECT_TRUE(met.stalled);
    }
}

void all_schedulers(std::uint64_t count) {
    auto [first, seeds_count] = seeds(count);
    for (std::uint64_t seed = first; seed < first + seeds_count; ++seed) {
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        Plan plan = make_plan(seed);
        How how;
        how.seed = seed;
        Outcome reference = run(plan, how);
        no_faults(reference);
        auto compare = [&](const Outcome& outcome) {
            no_faults(outcome);
            if (!plan.confluent) return;
            EXPECT_EQ(outcome.sum, reference.sum);
            EXPECT_EQ(outcome.arrivals, reference.arrivals);
        };
        how.mode = REFLOW_MODE_INLINE;
        compare(run(plan, how));
        how.mode = REFLOW_MODE_HOSTED;
        compare(run(plan, how));
        how.mode = REFLOW_MODE_LENT;  // the threads that send and receive work while they wait
        how.workers = 3;
        compare(run(plan, how));
        how.mode = REFLOW_MODE_OWN;
        for (std::uint32_t workers : {1u, 2u, 8u}) {
            SCOPED_TRACE(std::to_string(workers) + " workers");
            how.workers = workers;
            compare(run(plan, how));
        }
        how.stop_early = true;
        how.workers = 2;
        no_faults(run(plan, how));
        if (::testing::Test::HasFailure()) return;
    }
}

// A run that is cut in two, or more, by snapshots is like one that is not.
void cut(std::uint64_t count) {
    auto [first, seeds_count] = seeds(count);
    std::uint64_t ended = 0, failed = 0, kept = 0, unsaved = 0;
    for (std::uint64_t seed = first; seed < first + seeds_count; ++seed) {
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        Plan plan = make_plan(seed);
        How how;
        how.seed = seed;
        Outcome whole = run(plan, how);
        auto compare = [&](const Outcome& outcome) {
            no_faults(outcome);
            ended += outcome.ended;
            failed += outcome.failed;
            kept += outcome.kept;
            unsaved += outcome.unsaved;
            if (!plan.confluent) return;
            EXPECT_EQ(outcome.sum, whole.sum);
            EXPECT_EQ(outcome.arrivals, whole.arrivals);
        };
        how.cuts = 1;
        compare(run(plan, how));
        how.cuts = 4;
        how.seed = seed + 1'000'000;
        compare(run(plan, how));
        how.mode = REFLOW_MODE_INLINE;
        compare(run(plan, how));
        how.mode = REFLOW_MODE_HOSTED;
        compare(run(plan, how));
        if (::testing::Test::HasFailure()) return;
    }
    if (seeds_count > 20) {
        EXPECT_GT(ended, 0u);
        EXPECT_GT(failed, 0u);
        EXPECT_GT(kept, 0u);
        EXPECT_GT(unsaved, 0u);  // streams were open
    }
}

// Snapshots of networks that run on threads: each is whole, and they do not notice.
void watched(std::uint64_t count) {
    auto [first, seeds_count] = seeds(count);
    for (std::uint64_t seed = first; seed < first + seeds_count; ++seed) {
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        Plan plan = make_plan(seed);
        How how;
        how.seed = seed;
        Outcome whole = run(plan, how);
        how.cuts = 1;
        how.mode = seed % 3 == 0 ? REFLOW_MODE_LENT : REFLOW_MODE_OWN;
        how.workers = 1 + static_cast<std::uint32_t>(seed % 3);
        Outcome outcome = run(plan, how);
        no_faults(outcome);
        if (plan.confluent) {
            EXPECT_EQ(outcome.sum, whole.sum);
            EXPECT_EQ(outcome.arrivals, whole.arrivals);
        }
        how.stop_early = true;
        no_faults(run(plan, how));
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(Simulation, TheSameSeedIsTheSameRun) { simulated(300); }
TEST(Schedulers, AllRunTheSameNetworks) { all_schedulers(100); }
TEST(Simulation, ASnapshotCutsARunInTwo) { cut(150); }
TEST(Schedulers, SnapshotsOfRunningNetworksAreWhole) { watched(60); }
TEST(LongSimulation, ASnapshotCutsARunInTwo) { cut(5'000); }
TEST(LongSchedulers, SnapshotsOfRunningNetworksAreWhole) { watched(2'000); }
TEST(LongSimulation, TheSameSeedIsTheSameRun) { simulated(5'000); }
TEST(LongSchedulers, AllRunTheSameNetworks) { all_schedulers(2'000); }

}  // namespace
}  // namespace reflow::testing
