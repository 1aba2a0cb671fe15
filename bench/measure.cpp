// Measuring a group: how much each contender gets to do, the runs in turns, the checks.
#include "measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "codec/documents.hpp"
#include "contender.hpp"

namespace bench {
namespace {

constexpr double TARGET_NS = 100e6;  // how long a run should take
constexpr double ENOUGH_NS = 20e6;   // what tells how long a longer one would take
constexpr std::int64_t MOST = 1'000'000'000;
constexpr int TIMEOUT_S = 100;

struct Arrived {
    std::int64_t count, sum;
};

std::int64_t row_sum(std::int64_t n) { return n * (n - 1) / 2; }

Arrived expected(const Group& group, const Contender& contender, std::int64_t n) {
    if (contender.shape == "memcpy") return {n, group.size};
    switch (group.law) {
        case Law::SEQUENCE:
            return {n, row_sum(n)};
        case Law::FAN_OUT:
            return {n * group.size, group.size * row_sum(n)};
        case Law::FAN_IN:
            return {n, group.size * row_sum(n / group.size)};
        case Law::PAYLOAD:
            return {n * PAYLOAD_TARGETS, n * PAYLOAD_TARGETS * (group.size + 1)};
        case Law::IDLE:
            return {n, n};
        case Law::GRAPH:
            return {n * group.size, n * group.size};
        case Law::SLOW:
            return {n, n * 1024};
        case Law::START:
            return {1, 0};
        case Law::DOCUMENT:
            return {n, document(group.size).checksum};
        case Law::BYTES:
            return {n, n * (group.size + 1)};
        case Law::QUEUED:
            return {n * QUEUED, row_sum(n) * QUEUED};
        case Law::TOKENS:
        case Law::ROUNDS:
            return {n, n};
    }
    return {-1, -1};
}

double figure_of(const Group& group, Figure figure, std::int64_t n, const Outcome& outcome) {
    double ns = outcome.number("ns");
    auto times = static_cast<double>(n);
    switch (figure) {
        case Figure::RATE:
            return times * group.operations / ns * 1e9;
        case Figure::EACH:
            return ns / times;
        case Figure::P50:
            return outcome.number("p50");
        case Figure::BYTES:
            return outcome.number("bytes");
        case Figure::PERCENT:
            return outcome.number("percent");
        case Figure::CREATED:
            return times / ns * 1e9;
        case Figure::WALL:
            return outcome.wall_ns;
        case Figure::FILE:
            break;
    }
    return 0;
}

std::vector<std::string> peers_of(const Group& group) {
    if (group.shape.starts_with("json-")) return {"cjson"};
    if (group.shape.starts_with("msgpack-")) return {"msgpack-c"};
    if (group.shape.starts_with("link-")) return {"zeromq", "nats", "lws"};
    for (const char* own : {"wake", "graph-load", "slow", "events", "stream", "frame-pool",
                            "failure-", "snapshot"}) {
        if (group.shape.starts_with(own)) return {};
    }
    std::vector<std::string> names = peer_names();
    const std::set<std::string> others = {"cjson", "msgpack-c", "zeromq", "nats", "lws"};
    std::erase_if(names, [&](const std::string& name) { return others.contains(name); });
    return names;
}

}  // namespace

Contender contender_named(const std::string& name) {
    if (name == "reflow-batch") return {name, "reflow", "", "batch"};
    if (name == "bare-batch") return {name, "bare", "", "batch"};
    if (name == "calls" || name == "memcpy") return {name, "bare", name};
    bool own = name == "reflow" || name == "bare";
    return {name, name, "", "one", !own};
}

Measurement::Measurement(Settings settings, Progress progress)
    : settings_(std::move(settings)), progress_(std::move(progress)) {
    for (const std::string& name : peer_names()) {
        if (settings_.peers.contains(name) && !present(contender_named(name))) {
            notes_.push_back(name + ": not built, left out (make bench-deps)");
        }
    }
}

bool Measurement::present(const Contender& contender) const {
    return access((settings_.contenders + "/" + contender.program).c_str(), X_OK) == 0;
}

std::vector<std::string> Measurement::peers(const std::string& group) const {
    std::vector<std::string> names;
    auto found = groups_.find(group);
    if (found == groups_.end()) return names;
    for (const Entry& entry : found->second) {
        if (entry.contender.peer && !entry.out) names.push_back(entry.contender.name);
    }
    return names;
}

std::uint32_t Measurement::turns(double microseconds) {
    if (microseconds <= 0) return 0;
    if (turns_of_a_microsecond_ <= 0) {
        Outcome outcome = run_program(
            {settings_.contenders + "/bare", "turns", "0", "300", "1", "0", "one"}, TIMEOUT_S);
        turns_of_a_microsecond_ = std::max(1.0, outcome.number("turns"));
    }
    return static_cast<std::uint32_t>(turns_of_a_microsecond_ * microseconds);
}

Outcome Measurement::call(const Group& group, const Contender& contender, std::int64_t n) {
    const std::string& shape = contender.shape.empty() ? group.shape : contender.shape;
    return run_program(
        {settings_.contenders + "/" + contender.program, shape, std::to_string(group.size),
         std::to_string(n), std::to_string(group.workers), std::to_string(turns(group.spin_us)),
         contender.variant},
        TIMEOUT_S);
}

// Whether a run counts. If not, a peer is left out with a note; ours is a fault.
bool Measurement::accept(const Group& group, Entry& entry, Outcome& outcome, std::int64_t n) {
    std::string problem;
    if (outcome.state == Outcome::State::UNSUPPORTED) {
        entry.out = true;
        if (entry.contender.peer || group.optional) return false;
        problem = "does not have the shape";
    } else if (outcome.state == Outcome::State::FAILED) {
        problem = outcome.problem;
    } else {
        Arrived want = expected(group, entry.contender, n);
        auto count = static_cast<std::int64_t>(outcome.number("count"));
        auto sum = static_cast<double>(want.sum);
        if (count != want.count || std::abs(outcome.number("sum") - sum) > 1e-12 * sum) {
            problem = "wrong result: \"" + outcome.line +
                      "\" instead of count=" + std::to_string(want.count) +
                      " sum=" + std::to_string(want.sum);
        }
    }
    if (problem.empty()) return true;
    entry.out = true;
    (entry.contender.peer ? notes_ : faults_)
        .push_back(entry.contender.name + ": " + group.id + ": " + problem);
    return false;
}

// Finds an n whose run takes about TARGET_NS, beginning with one that takes next to no time.
void Measurement::calibrate(const Group& group, Entry& entry) {
    std::int64_t n = group.quick_n;
    if (settings_.quick || group.fixed_n != 0) {
        if (!settings_.quick) n = group.fixed_n;
        entry.series.n = n;
        return;
    }
    for (;;) {
        Outcome outcome = call(group, entry.contender, n);
        if (!accept(group, entry, outcome, n)) return;
        double ns = std::max(1.0, outcome.number("ns"));
        double factor = TARGET_NS / ns;
        bool last = ns >= ENOUGH_NS || factor <= 1 || n >= MOST;
        // A short run tells little: come near in steps.
        double next = static_cast<double>(n) * (last ? factor : std::min(factor / 2, 50.0));
        n = static_cast<std::int64_t>(
            std::clamp(next, static_cast<double>(group.quick_n), static_cast<double>(MOST)));
        n = std::max(n - n % group.parts, group.parts);
        if (last) break;
    }
    entry.series.n = n;
}

std::vector<Measurement::Entry> Measurement::line_up(const Group& group,
                                                     const std::set<std::string>& wanted) const {
    std::vector<Entry> entries;
    for (const std::string& name : wanted) {
        Contender contender = contender_named(name);
        if (!contender.peer) entries.push_back({std::move(contender), {}, false});
    }
    for (const std::string& name : peers_of(group)) {
        Contender contender = contender_named(name);
        if (settings_.peers.contains(name) && present(contender)) {
            entries.push_back({std::move(contender), {}, false});
        }
    }
    return entries;
}

void Measurement::run(const Group& group, const std::set<std::string>& wanted) {
    std::vector<Entry> entries = line_up(group, wanted);
    Disturbance disturbance;
    for (Entry& entry : entries) {
        progress_(group.id + ": how fast is " + entry.contender.name);
        calibrate(group, entry);
    }
    int runs = settings_.quick ? 1 : settings_.runs;
    for (int round = 0; round < runs; ++round) {
        for (Entry& entry : entries) {
            if (entry.out) continue;
            progress_(group.id + ": run " + std::to_string(round + 1) + " of " +
                      std::to_string(runs) + ", " + entry.contender.name);
            Outcome outcome = call(group, entry.contender, entry.series.n);
            if (accept(group, entry, outcome, entry.series.n)) {
                entry.series.runs.push_back(std::move(outcome));
            }
        }
    }
    groups_[group.id] = std::move(entries);
    disturbances_[group.id] = disturbance.share();
}

double Measurement::disturbance(const std::string& group) const {
    auto found = disturbances_.find(group);
    return found == disturbances_.end() ? 0 : found->second;
}

bool Measurement::figure(const Group& group, const Row& row, const std::string& contender,
                         double* value) const {
    auto found = groups_.find(group.id);
    if (found == groups_.end()) return false;
    for (const Entry& entry : found->second) {
        if (entry.contender.name != contender || entry.out || entry.series.runs.empty()) continue;
        std::vector<double> values;
        for (const Outcome& outcome : entry.series.runs) {
            values.push_back(figure_of(group, row.figure, entry.series.n, outcome));
        }
        auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        *value = *middle;
        return true;
    }
    return false;
}

}  // namespace bench
