// A chart as SVG, complete in itself.
// Neighbours: chart.cpp collects the data. Thread: any.
#pragma once

#include <cstdint>

#include "base/memory.hpp"

namespace reflow::components {

enum class ChartKind : std::uint8_t { line, band, bar };

struct ChartSeries {
    String label;
    ChartKind kind = ChartKind::line;
    std::size_t palette = 0;  // number of a colour of the palette, counted round
    String color;             // of CSS, instead of the palette
    Vector<double> values;    // one for each x; NaN is a gap. The upper edge of a band
    Vector<double> lower;     // of a band
};

struct ChartPicture {
    String title;
    String subtitle;
    String x_label;
    String y_label;
    double width = 960;
    double height = 480;
    Vector<String> x;
    Vector<ChartSeries> series;
};

// Lines, bands between two values, and bars beside each other. The x axis is one of time if all x
// are dates, months or years, of numbers if all are numbers, and of names otherwise; with bars it
// is always of names. Bands are drawn first, then bars, then lines. Text is escaped; colours are
// checked by the caller.
[[nodiscard]] String draw_chart(const ChartPicture& chart);

}  // namespace reflow::components
