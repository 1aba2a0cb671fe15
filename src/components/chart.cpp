// Chart: configuration, rows, and the file.
// Thread: see runtime/context.
#include "components/chart.hpp"

#include <cmath>
#include <limits>

#include "components/line_sink.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

bool safe_color(std::string_view text) noexcept {
    constexpr std::string_view letters =
        "#(),.% -0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return text.size() <= 64 && text.find_first_not_of(letters) == std::string_view::npos;
}

String x_text(MessageRef value) {
    String text;
    if (value.is(REFLOW_KIND_STRING)) {
        text = value.text();
    } else if (value.is(REFLOW_KIND_INTEGER)) {
        append(text, value.integer());
    } else if (value.is(REFLOW_KIND_FLOAT)) {
        append(text, value.real());
    }
    return text;
}

}  // namespace

Chart::Chart(const Config& config)
    : path_(output_path(config.text("folder", ""), config.text("path"))),
      x_key_(config.text("x")),
      max_rows_(static_cast<std::size_t>(config.integer("max_rows", 10'000, 1, 1'000'000))) {
    if (config.ok() && config.text("path").empty()) config.fail("path", "the path is empty");
    picture_.title = config.text("title", "");
    picture_.subtitle = config.text("subtitle", "");
    picture_.x_label = config.text("x_label", "");
    picture_.y_label = config.text("y_label", "");
    picture_.width = static_cast<double>(config.integer("width", 960, 200, 10'000));
    picture_.height = static_cast<double>(config.integer("height", 480, 150, 10'000));
    for (const Section& section : config.sections("series")) read_series(section);
    if (keys_.empty()) config.fail("series", "a chart needs one series at least");
}

void Chart::read_series(const Section& section) {
    section.only({"kind", "key", "low", "high", "label", "palette", "color"});
    ChartSeries series;
    constexpr ChartKind kinds[] = {ChartKind::line, ChartKind::band, ChartKind::bar};
    series.kind = kinds[section.choice("kind", {"line", "band", "bar"}, 0)];
    Keys keys;
    if (series.kind == ChartKind::band) {
        keys.value = section.text("high");
        keys.lower = section.text("low");
        series.label = section.text("label", "");
    } else {
        keys.value = section.text("key");
        series.label = section.text("label", keys.value);
    }
    series.palette = static_cast<std::size_t>(
        section.integer("palette", static_cast<std::int64_t>(keys_.size()), 0, 1000));
    series.color = section.text("color", "");
    if (!safe_color(series.color)) {
        section.fail("color", concat("expected a colour of CSS, found '", series.color, "'"));
    }
    keys_.push_back(std::move(keys));
    picture_.series.push_back(std::move(series));
}

Result<std::unique_ptr<Chart>> Chart::create(Context& context) {
    Config config(context);
    std::unique_ptr<Chart> made(new Chart(config));
    if (!config.ok()) return config.take_error();
    return made;
}

Result<void> Chart::setup(Context& context) {
    if (loaded_) return draw(context);
    left_out_ = 0;
    picture_.x.clear();
    for (ChartSeries& series : picture_.series) {
        series.values.clear();
        series.lower.clear();
    }
    return draw(context);
}

// Rows as columns: the x of all, and of each series its values.
Result<Message> Chart::save(Context&) {
    ArrayBuilder x(picture_.x.size());
    for (const String& text : picture_.x) x.append(Message::string(text));
    ArrayBuilder series(picture_.series.size());
    for (const ChartSeries& one : picture_.series) {
        ArrayBuilder both(2);
        both.append(Message::numbers(std::span<const double>(one.values)));
        both.append(Message::numbers(std::span<const double>(one.lower)));
        Result<Message> made = both.finish();
        if (!made.ok()) return made;
        series.append(std::move(made).take());
    }
    Result<Message> all_x = x.finish();
    Result<Message> all_series = series.finish();
    if (!all_x.ok()) return all_x;
    if (!all_series.ok()) return all_series;
    ObjectBuilder object(3);
    object.set("x", std::move(all_x).take());
    object.set("series", std::move(all_series).take());
    object.set("left_out", count_message(left_out_));
    return object.finish();
}

Result<void> Chart::load(Context&, MessageRef saved, std::uint32_t) {
    MessageRef x = saved.get("x");
    MessageRef series = saved.get("series");
    std::uint64_t left_out = 0;
    bool valid = x.is(REFLOW_KIND_ARRAY) && x.size() <= max_rows_ &&
                 series.size() == picture_.series.size() &&
                 saved_count(saved.get("left_out"), left_out);
    for (std::size_t i = 0; valid && i < series.size(); ++i) {
        std::size_t lower = keys_[i].lower.empty() ? 0 : x.size();
        valid = series.at(i).at(0).size() == x.size() && series.at(i).at(1).size() == lower;
    }
    if (!valid) return bad_state("its rows are not those of this chart");
    for (std::size_t i = 0; i < x.size(); ++i) picture_.x.emplace_back(x.at(i).text());
    for (std::size_t i = 0; i < series.size(); ++i) {
        ChartSeries& to = picture_.series[i];
        for (std::size_t row = 0; row < x.size(); ++row) {
            to.values.push_back(series.at(i).at(0).at(row).real());
            if (!keys_[i].lower.empty()) to.lower.push_back(series.at(i).at(1).at(row).real());
        }
    }
    left_out_ = left_out;
    loaded_ = true;
    return {};
}

Result<void> Chart::run(Context& context, std::span<Packet> inputs) {
    loaded_ = false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (Result<void> done = add(MessageRef(inputs[i].message)); !done.ok()) return done;
        (void)context.advance(i + 1);  // within the batch, so it cannot fail
    }
    return {};
}

Result<void> Chart::add(MessageRef row) {
    if (!row.is(REFLOW_KIND_OBJECT)) {
        return Failure(REFLOW_ERROR_TYPE,
                       concat("expected a row as an object, found ", kind_with_article(row)));
    }
    if (picture_.x.size() == max_rows_) {
        ++left_out_;
        return {};
    }
    constexpr double gap = std::numeric_limits<double>::quiet_NaN();
    // Everything is looked at before anything is kept.
    for (const Keys& keys : keys_) {
        for (const String& key : {keys.value, keys.lower}) {
            MessageRef value = row.get(key);
            if (key.empty() || value.none() || value.nothing() || value.number()) continue;
            return Failure(REFLOW_ERROR_TYPE, concat("expected a number as '", key, "', found ",
                                                     kind_with_article(value)));
        }
    }
    auto number = [&](const String& key) {
        MessageRef value = row.get(key);
        return value.number() ? value.real() : gap;
    };
    picture_.x.push_back(x_text(row.get(x_key_)));
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        picture_.series[i].values.push_back(number(keys_[i].value));
        if (!keys_[i].lower.empty()) picture_.series[i].lower.push_back(number(keys_[i].lower));
    }
    drawn_ = false;
    return {};
}

Result<void> Chart::draw(Context& context) {
    drawn_ = true;
    return context.store().write_file(path_, draw_chart(picture_));
}

Result<void> Chart::finish(Context& context) {
    if (left_out_ > 0) {
        context.log(REFLOW_LOG_WARN, concat(left_out_, left_out_ == 1 ? " row is" : " rows are",
                                            " not in the chart (max_rows ", max_rows_, ")"));
    }
    return drawn_ ? Result<void>() : draw(context);
}

void Chart::teardown(Context& context) {
    if (drawn_) return;
    Result<void> done = draw(context);
    if (!done.ok()) context.log(REFLOW_LOG_ERROR, done.error().describe());
}

}  // namespace reflow::components
