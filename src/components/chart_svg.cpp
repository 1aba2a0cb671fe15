// Drawing: places for title, legend and axes first, then the series from back to front.
// Thread: any.
#include "components/chart_svg.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.hpp"
#include "components/chart_scale.hpp"
#include "components/text_width.hpp"

namespace reflow::components {
namespace {

// The palette of Okabe and Ito, which people with colour-blind eyes can tell apart, with lighter
// ones of the same hue for dark backgrounds.
constexpr std::size_t palette_size = 7;
constexpr std::string_view style =
    ".bg{fill:#ffffff}.t{fill:#1f2328}.m{fill:#57606a}"
    ".g{stroke:#e3e6ea;stroke-width:1}.a{stroke:#8c959f;stroke-width:1}"
    ".l{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}"
    ".b{fill-opacity:.22}.h{fill:transparent}.h:hover{fill:#8c959f;fill-opacity:.12}"
    ".s0{color:#0072b2}.s1{color:#d55e00}.s2{color:#009e73}.s3{color:#cc79a7}"
    ".s4{color:#e69f00}.s5{color:#56b4e9}.s6{color:#6e7781}"
    "@media (prefers-color-scheme:dark){"
    ".bg{fill:#0d1117}.t{fill:#e6edf3}.m{fill:#9198a1}.g{stroke:#262c36}.a{stroke:#6e7681}"
    ".s0{color:#4aa8e0}.s1{color:#ff8a3d}.s2{color:#2fc99a}.s3{color:#e59bc6}"
    ".s4{color:#f2b84b}.s5{color:#8ccbf2}.s6{color:#b1bac4}}";

// Hover texts are worth their bytes up to here; points are drawn while they do not touch.
constexpr std::size_t most_hover = 1000;
constexpr std::size_t most_points = 60;

void escape(String& to, std::string_view text) {
    while (!text.empty()) {
        Letter letter = first_letter(text);
        switch (letter.code) {
            case '&':
                append(to, "&amp;");
                break;
            case '<':
                append(to, "&lt;");
                break;
            case '>':
                append(to, "&gt;");
                break;
            case '"':
                append(to, "&quot;");
                break;
            default:
                // XML has no other controls.
                if (letter.code < 0x20 && letter.code != '\t') {
                    to.push_back(' ');
                } else if (letter.code == 0xFFFE || letter.code == 0xFFFF) {
                    append(to, "\uFFFD");
                } else {
                    append(to, text.substr(0, letter.bytes));
                }
        }
        text.remove_prefix(letter.bytes);
    }
}

// A coordinate: two digits behind the point are a hundredth of a pixel.
void number(String& to, double value) {
    char digits[40];
    value = std::clamp(std::round(value * 100) / 100, -1e7, 1e7);
    if (value == 0) value = 0;  // not "-0"
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    to.append(digits, static_cast<std::size_t>(end - digits));
}

void point(String& to, char command, double x, double y) {
    to.push_back(command);
    number(to, x);
    to.push_back(' ');
    number(to, y);
}

void attribute(String& to, std::string_view name, double value) {
    append(to, concat(" ", name, "=\""));
    number(to, value);
    to.push_back('"');
}

String value_text(double value) {
    String text;
    append_float(text, std::round(value * 1000) / 1000);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text;
}

// About the width of a text in a sans-serif font, rather too much than too little.
double width_of(std::string_view text, double size) {
    double width = 0;
    while (!text.empty()) {
        Letter letter = first_letter(text);
        text.remove_prefix(letter.bytes);
        constexpr std::string_view narrow = " .,:;'|!ijlftrI()[]";
        constexpr std::string_view wide = "mwMW@%";
        if (letter.code >= 0x80) {
            width += 0.6 * letter_width(letter.code);
        } else if (narrow.find(static_cast<char>(letter.code)) != std::string_view::npos) {
            width += 0.36;
        } else if (wide.find(static_cast<char>(letter.code)) != std::string_view::npos) {
            width += 0.9;
        } else {
            width += letter.code >= 'A' && letter.code <= 'Z' ? 0.68 : 0.6;
        }
    }
    return width * size;
}

class Picture {
public:
    explicit Picture(const ChartPicture& chart) : chart_(chart) {}

    String draw() {
        measure();
        head();
        if (axis_.ticks.empty() || chart_.x.empty()) {
            text(chart_.width / 2, chart_.height / 2, 16, "m", "middle", "no data");
        } else {
            axes();
            for (ChartKind kind : {ChartKind::band, ChartKind::bar, ChartKind::line}) {
                for (std::size_t i = 0; i < chart_.series.size(); ++i) {
                    if (chart_.series[i].kind == kind) series(i);
                }
            }
            hover();
        }
        append(out_, "</svg>\n");
        return std::move(out_);
    }

private:
    // ---- where everything stands

    void measure() {
        measure_values();
        measure_x();
        top_ = 20;
        if (!chart_.title.empty()) top_ += 26;
        if (!chart_.subtitle.empty()) top_ += 20;
        legend_y_ = top_ + 14;
        if (legend_shown()) top_ += 14 + 20.0 * static_cast<double>(legend_lines());
        top_ += chart_.y_label.empty() ? 14 : 24;
        bottom_ = chart_.height - 30 - (two_lines() ? 16 : 0) - (chart_.x_label.empty() ? 0 : 22);
        bottom_ = std::max(bottom_, top_ + 20);
        right_ = chart_.width - 28;
        double labels = 0;
        for (const Tick& tick : axis_.ticks) {
            labels = std::max(labels, width_of(tick.label, 12.5));
        }
        left_ = 24 + labels + 10;
        right_ = std::max(right_, left_ + 20);
        place_x();
    }

    void measure_values() {
        double low = std::numeric_limits<double>::infinity();
        double high = -low;
        auto see = [&](double value) {
            if (!std::isfinite(value)) return;
            low = std::min(low, value);
            high = std::max(high, value);
        };
        for (const ChartSeries& series : chart_.series) {
            for (double value : series.values) see(value);
            for (double value : series.lower) see(value);
            if (series.kind == ChartKind::bar) see(0);
        }
        if (low > high) return;
        // About 55 pixels for a step.
        auto target = static_cast<std::size_t>(std::clamp(chart_.height / 70, 2.0, 12.0));
        axis_ = number_axis(low, high, target);
    }

    void measure_x() {
        bars_ = 0;
        for (const ChartSeries& series : chart_.series) {
            bars_ += series.kind == ChartKind::bar ? 1U : 0U;
        }
        if (bars_ > 0 || chart_.x.empty()) return;
        if (read_times()) {
            scale_ = Scale::time;
        } else if (read_numbers()) {
            scale_ = Scale::number;
        }
    }

    static std::optional<double> number_value(std::string_view text) {
        double value = 0;
        auto read = std::from_chars(text.data(), text.data() + text.size(), value);
        bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
        if (!whole || !std::isfinite(value)) return std::nullopt;
        return value;
    }

    bool read_numbers() {
        positions_.clear();
        for (const String& text : chart_.x) {
            std::optional<double> value = number_value(text);
            if (!value) break;
            positions_.push_back(*value);
        }
        if (positions_.size() != chart_.x.size()) positions_.clear();
        return !positions_.empty();
    }

    // What stands for a month or year has its place in the middle of it.
    bool read_times() {
        positions_.clear();
        start_ = std::numeric_limits<double>::infinity();
        end_ = -start_;
        bool spans = true;
        for (const String& text : chart_.x) {
            std::optional<TimeSpan> span = time_span(text);
            if (!span) break;
            start_ = std::min(start_, span->start);
            end_ = std::max(end_, span->end);
            spans = spans && span->end > span->start;
            positions_.push_back((span->start + span->end) / 2);
        }
        if (positions_.size() != chart_.x.size()) positions_.clear();
        // Moments have half a step of the data around them.
        auto count = static_cast<double>(positions_.size());
        double half = count > 1 ? (end_ - start_) / (count - 1) / 2 : 0.5;
        if (!spans) start_ -= half;
        if (!spans) end_ += half;
        return !positions_.empty();
    }

    // Positions become pixels, and the ticks of the x axis are chosen.
    void place_x() {
        if (chart_.x.empty()) return;
        double width = right_ - left_;
        auto count = static_cast<double>(chart_.x.size());
        if (scale_ == Scale::names) {
            slot_ = width / count;
            double widest = 0;
            for (std::size_t i = 0; i < chart_.x.size(); ++i) {
                positions_.push_back(left_ + (static_cast<double>(i) + 0.5) * slot_);
                widest = std::max(widest, width_of(chart_.x[i], 12.5));
            }
            widest = std::min(widest, width / 3) + 10;
            auto every = static_cast<std::size_t>(std::max(1.0, std::ceil(widest / slot_)));
            for (std::size_t i = 0; i < chart_.x.size(); i += every) {
                String label(fitting(chart_.x[i], static_cast<std::size_t>(width / 3 / 7)));
                ticks_.push_back({positions_[i], std::move(label), {}});
            }
            return;
        }
        auto [least, most] = std::minmax_element(positions_.begin(), positions_.end());
        double low = *least;
        double high = *most;
        auto target = static_cast<std::size_t>(std::clamp(width / 80, 2.0, 40.0));
        if (scale_ == Scale::time) {
            low = start_;
            high = end_;
            ticks_ = time_ticks(low, high, target);
        } else {
            NumberAxis axis = number_axis(low, high, target);
            low = axis.low;
            high = axis.high;
            ticks_ = std::move(axis.ticks);
        }
        double span = high > low ? high - low : 1;
        auto to_pixel = [&](double value) { return left_ + (value - low) / span * width; };
        for (double& position : positions_) position = to_pixel(position);
        for (Tick& tick : ticks_) tick.at = to_pixel(tick.at);
        slot_ = width / count;
    }

    [[nodiscard]] bool two_lines() const noexcept { return scale_ == Scale::time; }

    [[nodiscard]] double y_of(double value) const {
        double part = (value - axis_.low) / (axis_.high - axis_.low);
        return bottom_ - part * (bottom_ - top_);
    }

    // ---- text and legend

    void text(double x, double y, double size, std::string_view kind, std::string_view anchor,
              std::string_view content, bool bold = false) {
        append(out_, concat("<text class=\"", kind, "\""));
        attribute(out_, "x", x);
        attribute(out_, "y", y);
        attribute(out_, "font-size", size);
        if (anchor != "start") append(out_, concat(" text-anchor=\"", anchor, "\""));
        if (bold) append(out_, " font-weight=\"600\"");
        out_.push_back('>');
        escape(out_, content);
        append(out_, "</text>\n");
    }

    // Class or style that gives a series its colour, for fill or stroke.
    void color(std::size_t index, std::string_view classes, std::string_view property) {
        const String& own = chart_.series[index].color;
        append(out_, concat(" class=\"", classes));
        if (own.empty()) append(out_, concat(" s", chart_.series[index].palette % palette_size));
        append(out_, concat("\" ", property, "=\""));
        if (own.empty()) {
            append(out_, "currentColor");
        } else {
            escape(out_, own);
        }
        out_.push_back('"');
    }

    void head() {
        append(out_, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
        attribute(out_, "width", chart_.width);
        attribute(out_, "height", chart_.height);
        append(out_, " viewBox=\"0 0 ");
        number(out_, chart_.width);
        out_.push_back(' ');
        number(out_, chart_.height);
        append(out_,
               "\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, "
               "'DejaVu Sans', sans-serif\" style=\"font-variant-numeric:tabular-nums\">\n");
        append(out_, "<title>");
        escape(out_, chart_.title.empty() ? std::string_view("chart") : chart_.title);
        append(out_, concat("</title>\n<style>", style, "</style>\n"));
        append(out_, "<rect class=\"bg\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n");
        double y = 20;
        if (!chart_.title.empty()) text(24, y += 18, 19, "t", "start", chart_.title, true);
        if (!chart_.subtitle.empty()) text(24, y += 22, 13.5, "m", "start", chart_.subtitle);
        if (legend_shown()) legend();
    }

    [[nodiscard]] bool legend_shown() const {
        return std::any_of(chart_.series.begin(), chart_.series.end(),
                           [](const ChartSeries& series) { return !series.label.empty(); });
    }
    [[nodiscard]] double entry_width(std::size_t i) const {
        return 28 + width_of(chart_.series[i].label, 13) + 14;
    }
    [[nodiscard]] std::size_t legend_lines() const {
        std::size_t lines = 1;
        double x = 24;
        for (std::size_t i = 0; i < chart_.series.size(); ++i) {
            if (x > 24 && x + entry_width(i) > chart_.width - 10) {
                ++lines;
                x = 24;
            }
            x += entry_width(i);
        }
        return lines;
    }

    void legend() {
        double x = 24;
        double y = legend_y_;
        for (std::size_t i = 0; i < chart_.series.size(); ++i) {
            if (x > 24 && x + entry_width(i) > chart_.width - 10) {
                x = 24;
                y += 20;
            }
            const ChartSeries& series = chart_.series[i];
            if (series.kind == ChartKind::line) {
                append(out_, "<path");
                color(i, "l", "stroke");
                append(out_, " d=\"");
                point(out_, 'M', x + 1, y);
                point(out_, 'L', x + 21, y);
                append(out_, "\"/>\n");
            } else {
                append(out_, "<rect");
                color(i, series.kind == ChartKind::band ? "b" : "", "fill");
                attribute(out_, "x", x);
                attribute(out_, "y", y - 6);
                append(out_, " width=\"22\" height=\"12\" rx=\"2\"/>\n");
            }
            text(x + 28, y + 4.5, 13, "t", "start", series.label);
            x += entry_width(i);
        }
    }

    // ---- axes

    void line(std::string_view kind, double x1, double y1, double x2, double y2) {
        append(out_, concat("<path class=\"", kind, "\" d=\""));
        // On half pixels a line of one pixel is sharp.
        point(out_, 'M', std::floor(x1) + 0.5, std::floor(y1) + 0.5);
        point(out_, 'L', std::floor(x2) + 0.5, std::floor(y2) + 0.5);
        append(out_, "\"/>\n");
    }

    void axes() {
        for (const Tick& tick : axis_.ticks) {
            double y = y_of(tick.at);
            line(tick.at == 0 ? "a" : "g", left_, y, right_, y);
            text(left_ - 10, y + 4.5, 12.5, "m", "end", tick.label);
        }
        if (!chart_.y_label.empty()) {
            text(24, top_ - 14, 12.5, "m", "start", chart_.y_label);
        }
        for (const Tick& tick : ticks_) {
            if (scale_ != Scale::names) {
                line(tick.second.empty() ? "g" : "a", tick.at, bottom_, tick.at, bottom_ + 6);
                if (!tick.second.empty()) line("g", tick.at, top_, tick.at, bottom_);
            }
            text(tick.at, bottom_ + 21, 12.5, "m", "middle", tick.label);
            if (!tick.second.empty()) {
                text(tick.at, bottom_ + 38, 12.5, "t", "middle", tick.second, true);
            }
        }
        line("a", left_, bottom_, right_, bottom_);
        if (!chart_.x_label.empty()) {
            text((left_ + right_) / 2, chart_.height - 14, 12.5, "m", "middle", chart_.x_label);
        }
    }

    // ---- series

    [[nodiscard]] bool there(std::size_t index, std::size_t i) const {
        const ChartSeries& series = chart_.series[index];
        return i < series.values.size() && std::isfinite(series.values[i]) &&
               (series.kind != ChartKind::band ||
                (i < series.lower.size() && std::isfinite(series.lower[i])));
    }

    void series(std::size_t index) {
        if (chart_.series[index].kind == ChartKind::bar) return bars(index);
        for (std::size_t start = 0; start < positions_.size();) {
            std::size_t end = start;
            while (end < positions_.size() && there(index, end)) ++end;
            if (end > start) run(index, start, end);
            start = std::max(end, start + 1);
        }
    }

    // A piece of a line or band without a gap.
    void run(std::size_t index, std::size_t start, std::size_t end) {
        const ChartSeries& series = chart_.series[index];
        bool band = series.kind == ChartKind::band;
        append(out_, "<path");
        color(index, band ? "b" : "l", band ? "fill" : "stroke");
        append(out_, " d=\"");
        for (std::size_t i = start; i < end; ++i) {
            point(out_, i == start ? 'M' : 'L', positions_[i], y_of(series.values[i]));
        }
        for (std::size_t i = end; band && i > start; --i) {
            point(out_, 'L', positions_[i - 1], y_of(series.lower[i - 1]));
        }
        append(out_, band ? "Z\"/>\n" : "\"/>\n");
        if (band || (positions_.size() > most_points && end - start > 1)) return;
        for (std::size_t i = start; i < end; ++i) {
            append(out_, "<circle");
            color(index, "", "fill");
            attribute(out_, "cx", positions_[i]);
            attribute(out_, "cy", y_of(series.values[i]));
            append(out_, " r=\"2.6\"/>\n");
        }
    }

    void bars(std::size_t index) {
        std::size_t before = 0;
        for (std::size_t i = 0; i < index; ++i) {
            before += chart_.series[i].kind == ChartKind::bar ? 1U : 0U;
        }
        double group = slot_ * 0.72;
        double width = group / static_cast<double>(bars_);
        double gap = width > 6 ? 1 : 0;
        double zero = y_of(std::clamp(0.0, axis_.low, axis_.high));
        for (std::size_t i = 0; i < positions_.size(); ++i) {
            if (!there(index, i)) continue;
            double y = y_of(chart_.series[index].values[i]);
            append(out_, "<rect");
            color(index, "", "fill");
            attribute(out_, "x",
                      positions_[i] - group / 2 + static_cast<double>(before) * width + gap / 2);
            attribute(out_, "y", std::min(y, zero));
            attribute(out_, "width", std::max(width - gap, 0.5));
            attribute(out_, "height", std::abs(zero - y));
            append(out_, width > 8 ? " rx=\"1.5\"/>\n" : "/>\n");
        }
    }

    // A column for each x, whose title viewers show under the pointer.
    void hover() {
        if (positions_.size() > most_hover) return;
        for (std::size_t i = 0; i < positions_.size(); ++i) {
            append(out_, "<rect class=\"h\"");
            attribute(out_, "x", positions_[i] - slot_ / 2);
            attribute(out_, "y", top_);
            attribute(out_, "width", slot_);
            attribute(out_, "height", bottom_ - top_);
            append(out_, "><title>");
            escape(out_, chart_.x[i]);
            for (std::size_t s = 0; s < chart_.series.size(); ++s) {
                if (!there(s, i)) continue;
                const ChartSeries& series = chart_.series[s];
                append(out_, "&#10;");
                escape(out_, series.label);
                append(out_, series.label.empty() ? "" : ": ");
                if (series.kind == ChartKind::band) {
                    append(out_, concat(value_text(series.lower[i]), " to "));
                }
                append(out_, value_text(series.values[i]));
            }
            append(out_, "</title></rect>\n");
        }
    }

    enum class Scale : std::uint8_t { names, number, time };

    const ChartPicture& chart_;
    String out_;
    NumberAxis axis_{0, 1, {}};
    Scale scale_ = Scale::names;
    std::size_t bars_ = 0;
    Vector<double> positions_;  // of the x, at last in pixels
    Vector<Tick> ticks_;
    double start_ = 0;  // of the time axis, in days
    double end_ = 0;
    double slot_ = 0;  // pixels for one x
    double top_ = 0;
    double bottom_ = 0;
    double left_ = 0;
    double right_ = 0;
    double legend_y_ = 0;
};

}  // namespace

String draw_chart(const ChartPicture& chart) { return Picture(chart).draw(); }

}  // namespace reflow::components
