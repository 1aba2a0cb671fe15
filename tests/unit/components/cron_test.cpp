// Cron expressions and time zones against an independent truth: Python's zoneinfo, which looks at every
// minute; damaged files of zones; clocks that are set.
#include "components/cron.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "random.hpp"

namespace reflow::components {
namespace {

using reflow::testing::Random;

class Files final : public Store {
public:
    Result<std::unique_ptr<Reader>> open_reader(std::string_view) override { return no(); }
    Result<std::unique_ptr<Writer>> open_writer(std::string_view, bool) override { return no(); }
    Result<String> read_file(std::string_view path, std::uint64_t) override {
        std::ifstream file{std::string(path), std::ios::binary};
        std::stringstream content;
        content << file.rdbuf();
        if (!file) return no();
        return String(std::string_view(content.str()));
    }
    Result<void> write_file(std::string_view, std::string_view) override { return no(); }

private:
    static Failure no() { return Failure(REFLOW_ERROR_IO, "not there"); }
};

using Times = std::vector<std::int64_t>;

Times ours(const std::string& expression, const std::string& zone, std::int64_t from,
           std::int64_t until) {
    Files files;
    auto made = CronTimes::make(expression, zone, files);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().describe().c_str());
    Times times;
    if (!made.ok()) return times;
    for (std::int64_t at = from * 1000;;) {
        at = made.value()->after(at);
        if (at > until * 1000) return times;
        EXPECT_EQ(at % 1000, 0);
        times.push_back(at / 1000);
    }
}

Times truth(const std::string& expression, const std::string& zone, std::int64_t from,
            std::int64_t until) {
    std::string command = "python3 '" REFLOW_SOURCE_DIR "/tests/unit/components/cron_truth.py' '" +
                          expression + "' '" + zone + "' " + std::to_string(from) + " " +
                          std::to_string(until);
    Times times;
    FILE* output = popen(command.c_str(), "r");
    EXPECT_NE(output, nullptr);
    long long time = 0;
    while (std::fscanf(output, "%lld", &time) == 1) times.push_back(time);
    EXPECT_EQ(pclose(output), 0) << command;
    return times;
}

bool zones_are_there() { return std::ifstream("/usr/share/zoneinfo/Europe/Berlin").good(); }

void compare(const std::string& expression, const std::string& zone, std::int64_t from,
             std::int64_t until, bool some = true) {
    SCOPED_TRACE(expression + " " + zone + " from " + std::to_string(from));
    Times expected = truth(expression, zone, from, until);
    if (some) {
        EXPECT_FALSE(expected.empty());
    }
    EXPECT_EQ(ours(expression, zone, from, until), expected);
}

// Some days around changes of the clocks: forward and back, in the north and in the south, by half an
// hour, of the past, and of a year for which the files have a rule alone.
struct Around {
    const char* zone;
    std::int64_t from;
};
constexpr std::int64_t three_days = 3 * 86'400;
constexpr Around changes[] = {
    {"Europe/Berlin", 1774600000},       {"Europe/Berlin", 1792750000},
    {"America/New_York", 1772880000},    {"America/New_York", 1793430000},
    {"Australia/Lord_Howe", 1775150000}, {"Australia/Lord_Howe", 1790900000},
    {"Europe/Berlin", 2500100000},       {"America/New_York", 2498500000},
    {"Australia/Lord_Howe", 2501000000}, {"UTC", 1774600000},
};

TEST(Cron, FiresWhenTheClocksAreChanged) {
    if (!zones_are_there()) GTEST_SKIP() << "no time zones on this system";
    for (const Around& at : changes) {
        compare("* * * * *", at.zone, at.from, at.from + three_days);
        compare("30 2 * * *", at.zone, at.from, at.from + three_days);
        compare("*/7 1-3 * * *", at.zone, at.from, at.from + three_days);
    }
}

TEST(Cron, CountsSeconds) {
    if (!zones_are_there()) GTEST_SKIP() << "no time zones on this system";
    compare("*/20 * * * * *", "Europe/Berlin", 1774656000, 1774666000);
    compare("59 59 1,2,3 * * *", "America/New_York", 1772880000, 1772880000 + three_days);
    compare("5-8 0 2 * * *", "Australia/Lord_Howe", 1775150000, 1775150000 + three_days);
}

TEST(Cron, TakesDaysAsCronDoes) {
    constexpr std::int64_t from = 1767225600, quarter = 91 * 86'400;  // of 2026
    compare("0 0 29 2 *", "UTC", 1834000000, 1838000000);
    compare("30 4 1,15 * 5", "UTC", from, from + quarter);  // one of them is enough
    compare("0 12 */2 * mon", "UTC", from, from + quarter);
    compare("0 12 13 * */5", "UTC", from, from + quarter);
    compare("0 0 31 * *", "UTC", from, from + quarter);
    compare("0 0 * jan-mar,DEC 7", "UTC", from, from + quarter);
    compare("0 0 * * sat-7", "UTC", from, from + quarter);
    compare("0,30 23 28-31 feb *", "UTC", from, from + quarter);
}

std::string random_field(Random& random, std::uint64_t least, std::uint64_t most) {
    std::string text;
    for (std::uint64_t parts = 1 + random.below(3); parts > 0; --parts) {
        if (!text.empty()) text += ',';
        std::uint64_t first = least + random.below(most - least + 1);
        std::uint64_t last = first + random.below(most - first + 1);
        switch (random.below(4)) {
            case 0:
                text += "*/" + std::to_string(1 + random.below(most));
                break;
            case 1:
                text += std::to_string(first) + "-" + std::to_string(last);
                break;
            case 2:
                text += std::to_string(first) + "-" + std::to_string(last) + "/" +
                        std::to_string(1 + random.below(5));
                break;
            default:
                text += std::to_string(first);
        }
    }
    return text;
}

TEST(Cron, RandomOnesAreThoseOfTheTruth) {
    if (!zones_are_there()) GTEST_SKIP() << "no time zones on this system";
    auto [first, count] = testing::seeds(15);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        Random random(seed);
        const Around& at = changes[random.below(std::size(changes))];
        std::string expression = random_field(random, 0, 59) + " " + random_field(random, 0, 23) +
                                 " " + (random.one_in(2) ? "*" : random_field(random, 1, 28)) +
                                 " " + (random.one_in(2) ? "*" : random_field(random, 1, 12)) +
                                 " " + (random.one_in(2) ? "*" : random_field(random, 0, 7));
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        compare(expression, at.zone, at.from, at.from + three_days, false);
    }
}

TEST(Cron, KnowsNicknames) {
    constexpr std::int64_t from = 1767225600;
    EXPECT_EQ(ours(" @Daily ", "", from, from + three_days),
              ours("0 0 * * *", "UTC", from, from + three_days));
    EXPECT_EQ(ours("@hourly", "UTC", from, from + 7200), (Times{from + 3600, from + 7200}));
}

struct Bad {
    const char* expression;
    std::uint32_t column;
    const char* message;
};

TEST(Cron, TellsWhereAnExpressionIsWrong) {
    constexpr Bad cases[] = {
        {"", 1, "has 0"},
        {"* * * *", 1, "has 4"},
        {"* * * * * * *", 1, "has 7"},
        {"60 * * * *", 1, "60 is no minute: they are 0 to 59"},
        {"* 24 * * *", 3, "24 is no hour: they are 0 to 23"},
        {"* * 0 * *", 5, "0 is no day of the month"},
        {"* * * 13 *", 7, "13 is no month"},
        {"* * * * 8", 9, "8 is no day of the week: they are 0 to 7"},
        {"* * * * moo", 9, "'moo' is no day of the week"},
        {"1,2,,3 * * * *", 5, "a value of the field 'minute' is missing here"},
        {"1- * * * *", 3, "a value of the field 'minute' is missing here"},
        {"5/2 * * * *", 2, "a step stands behind a range or *"},
        {"*/0 * * * *", 3, "0 is no step"},
        {"*/ * * * *", 3, "a value of the field 'step' is missing here"},
        {"* 9-3 * * *", 5, "the range ends before it begins"},
        {"* *x * * *", 4, "unexpected 'x' in the field 'hour'"},
        {"0 0 31 2 *", 5, "no day of the calendar is one of these"},
        {"0 0 30-31 feb *", 5, "no day of the calendar is one of these"},
        {"61 * * * * *", 1, "61 is no second"},
        {"@reboot", 1, "'@reboot' is no expression"},
        {"99999999999999999999 * * * *", 1, "is no minute"},
    };
    for (const Bad& bad : cases) {
        SCOPED_TRACE(bad.expression);
        Result<Cron> parsed = Cron::parse(bad.expression);
        ASSERT_FALSE(parsed.ok());
        EXPECT_EQ(parsed.error().status, REFLOW_ERROR_PARSE);
        EXPECT_EQ(parsed.error().line, 1u);
        EXPECT_EQ(parsed.error().column, bad.column) << parsed.error().describe();
        EXPECT_NE(parsed.error().message.find(bad.message), String::npos)
            << parsed.error().describe();
    }
}

TEST(Zones, RefusesNamesThatAreNone) {
    Files files;
    for (std::string name : {"Europe/Berlinn", "../../etc/passwd", "/etc/localtime", "Europe/",
                             "a b", "Europe"}) {
        Result<Zone> zone = Zone::read(name, files);
        ASSERT_FALSE(zone.ok()) << name;
        bool told = zone.error().status == REFLOW_ERROR_NOT_FOUND ||
                    (name == "Europe" && zone.error().status == REFLOW_ERROR_PARSE);
        EXPECT_TRUE(told) << zone.error().describe();
    }
}

// Each file that is cut or changed is read or refused; nothing is read beyond it (a sanitizer sees that).
TEST(Zones, BearDamage) {
    if (!zones_are_there()) GTEST_SKIP() << "no time zones on this system";
    Files files;
    String data = files.read_file("/usr/share/zoneinfo/Europe/Berlin", UINT64_MAX).take();
    EXPECT_TRUE(Zone::parse(data).ok());
    std::size_t refused = 0;
    for (std::size_t size = 0; size < data.size(); ++size) {
        refused += Zone::parse(std::string_view(data).substr(0, size)).ok() ? 0u : 1u;
    }
    EXPECT_EQ(refused, data.size());  // the footer ends with the last byte
    auto [first, count] = testing::seeds(2000);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        Random random(seed);
        String changed = data;
        for (std::uint64_t i = 1 + random.below(4); i > 0; --i) {
            changed[random.below(changed.size())] = static_cast<char>(random.below(256));
        }
        Result<Zone> zone = Zone::parse(changed);
        if (!zone.ok()) continue;
        // Whatever it says now, it has an answer.
        std::int64_t local = static_cast<std::int64_t>(random.below(4'000'000'000));
        std::int64_t when = zone.value().first(local);
        EXPECT_GE(zone.value().to_local(when), local);
    }
}

// ---- clocks that are set

constexpr std::int64_t minute = 60'000, hour = 3'600'000;

class Hourly final : public runtime::Recurrence {
public:
    std::int64_t after(std::int64_t wall_ms) noexcept override {
        return (wall_ms / hour + 1) * hour;
    }
    std::string_view expression() const noexcept override { return {}; }
    std::string_view zone() const noexcept override { return {}; }
    std::unique_ptr<Recurrence> copy() const override { return nullptr; }
};

TEST(WallTimes, CatchUpOnceWhenTheClockIsSetForward) {
    Hourly hourly;
    runtime::WallTimes times;
    times.begin(hourly, 10 * hour + 5 * minute);
    EXPECT_EQ(times.next_ms, 11 * hour);
    EXPECT_EQ(times.wait_ns(10 * hour + 5 * minute), 60'000'000'000u);  // a minute at most
    EXPECT_EQ(times.wait_ns(11 * hour - 3), 3'000'000u);
    EXPECT_FALSE(times.look(hourly, 10 * hour + 6 * minute));
    EXPECT_TRUE(times.look(hourly, 15 * hour + 7));
    EXPECT_EQ(times.next_ms, 16 * hour);
    EXPECT_FALSE(times.look(hourly, 15 * hour + 8));
}

TEST(WallTimes, FireNothingTwiceWhenTheClockIsSetBackALittle) {
    Hourly hourly;
    runtime::WallTimes times;
    times.begin(hourly, 10 * hour + 5 * minute);
    EXPECT_TRUE(times.look(hourly, 11 * hour));
    for (std::int64_t at = 8 * hour + minute; at < 12 * hour; at += minute) {
        EXPECT_FALSE(times.look(hourly, at)) << at;
    }
    EXPECT_TRUE(times.look(hourly, 12 * hour));
}

TEST(WallTimes, BeginAnewWhenTheClockIsCorrected) {
    Hourly hourly;
    runtime::WallTimes times;
    times.begin(hourly, 100 * hour + 5 * minute);
    EXPECT_FALSE(times.look(hourly, 10 * hour + 5 * minute));
    EXPECT_EQ(times.next_ms, 11 * hour);
    EXPECT_TRUE(times.look(hourly, 11 * hour));
}

}  // namespace
}  // namespace reflow::components
