// Chart: gathers rows and draws them into a file at the end.
// Neighbours: report.cpp has its definition, chart_svg draws. Thread: see runtime/context.
#pragma once

#include "components/actor.hpp"
#include "components/chart_svg.hpp"
#include "components/config.hpp"

namespace reflow::components {

class Chart final : public Actor {
public:
    static Result<std::unique_ptr<Chart>> create(Context& context);
    // Draws an empty chart, so that a place that cannot be written to is told at the start.
    Result<void> setup(Context& context) override;
    Result<void> run(Context& context, std::span<Packet> inputs) override;
    Result<void> finish(Context& context) override;
    // A run that is stopped leaves a chart of what came so far.
    void teardown(Context& context) override;
    Result<Message> save(Context& context) override;
    Result<void> load(Context& context, MessageRef saved, std::uint32_t version) override;
    static constexpr std::uint32_t state_version = 1;

private:
    explicit Chart(const Config& config);
    void read_series(const Section& section);
    Result<void> add(MessageRef row);
    Result<void> draw(Context& context);

    struct Keys {
        String value;  // of a band: the upper edge
        String lower;  // of a band
    };
    String path_;
    String x_key_;
    std::size_t max_rows_;
    std::uint64_t left_out_ = 0;
    bool drawn_ = true;    // the file shows all rows
    bool loaded_ = false;  // has the rows of a snapshot, and no other yet
    Vector<Keys> keys_;    // of the series
    ChartPicture picture_;
};

}  // namespace reflow::components
