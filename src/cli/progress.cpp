// The progress line of `reflow run`, and the summary that stays when it is over.
// Thread: main.
#include "cli/progress.hpp"

#include <algorithm>

#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::chrono::milliseconds period{100};
// More sources than this are not asked one by one ten times a second.
constexpr std::size_t max_sources = 1000;

double seconds(Progress::Time::duration time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

void Progress::begin(const reflow_network* network, const GraphInfo& info, Time start) {
    start_ = start;
    next_ = start + period;
    sources_.clear();
    if (!wanted_ || !console_.error_is_terminal()) return;
    network_ = network;
    Message report;
    if (reflow_network_report(network, report.out(), nullptr) != REFLOW_OK) return;
    for (std::string_view node : info.nodes()) {
        if (!flag_member(member(report.get(), node), "source")) continue;
        sources_.push_back({node, info.fan_out(node)});
        if (sources_.size() == max_sources) break;
    }
}

std::uint64_t Progress::rows() const {
    std::uint64_t sum = 0;
    for (const Source& source : sources_) {
        reflow_node_counters counters{};
        counters.struct_size = sizeof counters;
        if (reflow_network_counters(network_, view_of(source.node), &counters, nullptr) ==
            REFLOW_OK) {
            sum += counters.sent / source.fan_out;
        }
    }
    return sum;
}

std::string Progress::text(Time now, std::uint64_t failures, bool colours) const {
    const double elapsed = seconds(now - start_);
    const std::uint64_t count = rows();
    const double rate = static_cast<double>(count) / std::max(elapsed, 1e-6);
    std::string line = grouped(count) + (count == 1 ? " row" : " rows") + " in " +
                       duration(elapsed) + " (" + grouped(static_cast<std::uint64_t>(rate)) +
                       " rows/s)";
    if (failures > 0) {
        const std::string failed = grouped(failures) + (failures == 1 ? " failure" : " failures");
        line += ", " + (colours ? console_.on_error("1;31", failed) : failed);
    }
    return line;
}

void Progress::draw(Time now, std::uint64_t failures) {
    if (network_ == nullptr || !console_.can_redraw() || now < next_) return;
    next_ = now + period;
    const std::string plain = "reflow: " + text(now, failures, false);
    // A line that has to be cut is cut without colours.
    const bool fits = columns(plain) < Console::width(2);
    console_.draw(fits ? "reflow: " + text(now, failures, true) : plain, !fits);
}

void Progress::end(Time now, std::string_view word, std::uint64_t failures) {
    console_.end_progress();
    if (network_ == nullptr) return;
    console_.note("reflow: " + std::string(word) + ": " + text(now, failures, true) + "\n");
}

}  // namespace cli
