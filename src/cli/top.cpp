// See top.hpp.
// Thread: main, but for say().
#include "cli/top.hpp"

#include <algorithm>

#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// How long a paused network, which nothing else waits for, is left alone between two looks.
constexpr int paused_ms = 50;
// One in so many turns of each node is measured.
constexpr std::uint32_t measured = 4;
// Lines of the heading, of the names of the columns, and at the bottom.
constexpr std::size_t lines_around = 6;
constexpr std::string_view keys =
    "q quit   p pause   up/down scroll   left/right sort by another column   r reverse";

}  // namespace

void Top::begin(reflow_network* network, std::string_view graph) {
    network_ = network;
    graph_ = graph;
    sort_ = options_.sort;
    reflow_measure_options measure{};
    measure.struct_size = sizeof measure;
    measure.sample = measured;
    Error error;
    const reflow_status begun = reflow_network_measure(network, &measure, Out(error));
    check(begun, error, exit_failed);
    if (!look(false)) fail(exit_failed, "out of memory");
    start_ = before_ = now_;
    next_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(options_.interval_seconds));
    live_ = !options_.json && !options_.once && Screen::possible();
    if (!live_) return;
    screen_.enter();
    size_ = Screen::size();
    draw();
}

// Takes a new sample. False if there is no memory: then the old one stays.
bool Top::look(bool whole) {
    Message fresh;
    if (reflow_network_metrics(network_, fresh.out(), nullptr) != REFLOW_OK) return false;
    metrics_ = std::move(fresh);
    before_ = whole ? start_ : std::move(now_);
    now_ = sample_of(metrics_.get());
    return true;
}

bool Top::tick() {
    if (live_) {
        for (Key key = screen_.key(paused_ ? paused_ms : 0); key != Key::none;
             key = screen_.key(0)) {
            if (!press(key)) return false;
        }
        if (const Screen::Size now = Screen::size(); !(now == size_)) {
            size_ = now;
            scroll(0);
            draw();
        }
    }
    const Clock::time_point now = Clock::now();
    if (now < next_) return true;
    // What was missed, because the machine had no time for it, is not made up for.
    const auto interval = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(options_.interval_seconds));
    next_ = std::max(next_ + interval, now);
    if (!look(false)) return true;
    if (live_) {
        draw();
    } else if (options_.json) {
        print_json(false);
    } else {
        print(paused_ ? "paused" : text_member(metrics_.get(), "state"), false);
    }
    shown_ = true;
    return !options_.once;
}

void Top::leave() {
    screen_.leave();
    live_ = false;
}

void Top::conclude(std::string_view word) {
    if (options_.once && shown_) return;
    if (!look(!options_.json)) return;
    options_.json ? print_json(true) : print(word, true);
}

void Top::say(std::string line) {
    const std::lock_guard lock(said_mutex_);
    said_ = std::move(line);
}

// ---- what is shown

void Top::print(std::string_view word, bool whole) {
    TopView view{graph_, word, 0, sort_, reverse_, Console::width(1)};
    if (!console_.output_is_terminal()) view.columns = 200;
    view.seconds = static_cast<double>(now_.time_ns - start_.time_ns) / 1e9;
    const std::vector<TopRow> rows = rows_of(metrics_.get(), before_, now_, view);
    std::string text = heading_of(metrics_.get(), rows, before_, now_, view);
    if (whole && !options_.once) text += "rates are those of the whole run\n";
    console_.write(text + table_of(rows, 0, rows.size(), view, console_) +
                   (whole || options_.once ? "" : "\n"));
    console_.flush();
}

void Top::print_json(bool last) {
    Buffer text;
    if (reflow_message_to_json(metrics_.get(), REFLOW_JSON_PLAIN, Out(text), nullptr) !=
        REFLOW_OK) {
        return;
    }
    const TopView view{graph_, "", 0, Sort::graph, false, 0};
    std::string json(text_of(text));
    if (!json.empty()) json.pop_back();  // its closing brace
    json += ",\"interval_ns\":" + std::to_string(now_.time_ns - before_.time_ns);
    json += ",\"rates\":" + rates_json(rows_of(metrics_.get(), before_, now_, view));
    json += last ? ",\"last\":true}\n" : ",\"last\":false}\n";
    console_.write(json);
    console_.flush();
}

void Top::draw() {
    const std::string_view state = quit_     ? "ending"
                                   : paused_ ? "paused"
                                             : text_member(metrics_.get(), "state");
    TopView view{graph_, state, 0, sort_, reverse_, size_.columns};
    view.seconds = static_cast<double>(now_.time_ns - start_.time_ns) / 1e9;
    const std::vector<TopRow> rows = rows_of(metrics_.get(), before_, now_, view);
    const std::size_t shown =
        size_.rows > lines_around ? size_.rows - lines_around : std::size_t{1};
    first_ = std::min(first_, rows.size() > shown ? rows.size() - shown : 0);
    std::string frame = heading_of(metrics_.get(), rows, before_, now_, view) + "\n" +
                        table_of(rows, first_, shown, view, console_);
    std::string bottom(keys);
    {
        const std::lock_guard lock(said_mutex_);
        if (!said_.empty()) bottom = said_;
    }
    // A frame that is too high would scroll: what does not fit is left out.
    std::size_t lines = static_cast<std::size_t>(std::count(frame.begin(), frame.end(), '\n'));
    while (lines + 1 > size_.rows) {
        frame.erase(frame.rfind('\n', frame.size() - 2) + 1);
        --lines;
    }
    frame.append(size_.rows - lines - 1, '\n');
    screen_.draw(frame + console_.on_output("2", cut(bottom, size_.columns - 1)));
}

// ---- keys

bool Top::press(Key key) {
    const std::size_t page = size_.rows > lines_around ? size_.rows - lines_around : 1;
    const auto pages = static_cast<std::ptrdiff_t>(page);
    constexpr int sorts = static_cast<int>(Sort::cpu) + 1;
    switch (key) {
        case Key::quit:
            quit_ = true;
            draw();
            return false;
        case Key::pause:
            turn_pause();
            break;
        case Key::reverse:
            reverse_ = !reverse_;
            break;
        case Key::left:
        case Key::right: {
            const int step = key == Key::right ? 1 : sorts - 1;
            sort_ = static_cast<Sort>((static_cast<int>(sort_) + step) % sorts);
            break;
        }
        case Key::up:
            scroll(-1);
            break;
        case Key::down:
            scroll(1);
            break;
        case Key::page_up:
            scroll(-pages);
            break;
        case Key::page_down:
            scroll(pages);
            break;
        case Key::home:
            first_ = 0;
            break;
        case Key::end:
            first_ = now_.nodes.size();
            break;  // draw() goes back as far as needed
        case Key::none:
            break;
    }
    draw();
    return true;
}

void Top::scroll(std::ptrdiff_t lines) {
    const auto first = static_cast<std::ptrdiff_t>(first_) + lines;
    first_ = first < 0 ? 0 : static_cast<std::size_t>(first);
}

void Top::turn_pause() {
    Error error;
    if (paused_) {
        reflow_network_resume(network_, view_of(""), nullptr);
        paused_ = false;
        return;
    }
    // A callback that runs may take its time: after that it is paused.
    const reflow_status status = reflow_network_pause(network_, view_of(""), paused_ms, Out(error));
    paused_ = status == REFLOW_OK || status == REFLOW_ERROR_TIMEOUT;
    if (!paused_) say(std::string(text_of(reflow_error_text(error.get()))));
}

}  // namespace cli
