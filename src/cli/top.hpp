// `reflow top`: what a network does now, as a table that is drawn again and again.
// Neighbours: run (asks it at each tick), top_table (the words), screen. Thread: main, but for
// say().
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"
#include "cli/screen.hpp"
#include "cli/top_table.hpp"

namespace cli {

struct TopOptions {
    double interval_seconds = 1;
    Sort sort = Sort::cpu;
    bool once = false;
    bool json = false;
};

class Top {
public:
    using Clock = std::chrono::steady_clock;

    Top(const TopOptions& options, Console& console) : options_(options), console_(console) {}

    // The network is about to start. Throws a Failure.
    void begin(reflow_network* network, std::string_view graph);
    // Looks at the keys and the clock; false if the run is to end. Waits a moment while the network
    // is paused.
    [[nodiscard]] bool tick();
    // The run winds up: the terminal is as it was before.
    void leave();
    // The last look, once the network has stopped.
    void conclude(std::string_view word);
    // Whether the terminal is taken: nobody else may write on it.
    [[nodiscard]] bool live() const { return live_; }
    // A line of a log, shown at the bottom. From any thread.
    void say(std::string line);

private:
    [[nodiscard]] bool look(bool whole);
    void print(std::string_view word, bool whole);
    void print_json(bool last);
    void draw();
    [[nodiscard]] bool press(Key key);
    void scroll(std::ptrdiff_t lines);
    void turn_pause();

    const TopOptions options_;
    Console& console_;
    reflow_network* network_ = nullptr;
    std::string graph_;
    Screen screen_;
    bool live_ = false;
    bool shown_ = false;  // --once has had its look
    bool quit_ = false;
    bool paused_ = false;
    bool reverse_ = false;
    Sort sort_ = Sort::cpu;
    Clock::time_point next_{};
    Screen::Size size_;
    std::size_t first_ = 0;  // row that is shown first
    Message metrics_;
    TopSample start_, before_, now_;

    std::mutex said_mutex_;  // guards said_
    std::string said_;
};

}  // namespace cli
