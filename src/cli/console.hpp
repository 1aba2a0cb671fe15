// Standard output, standard error and the progress line, and how they keep out of each other's way.
// Neighbours: interrupts (a blocked write gives up), used by every command.
// Thread: any; the library's callbacks write here while the main thread draws.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

namespace cli {

// The standing of a command, as the process returns it.
enum ExitCode : int {
    exit_ok = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_invalid = 3,
    exit_timeout = 4,
    exit_signal = 128,  // plus the number of the signal
    exit_pipe = 141,    // 128 + SIGPIPE: the reader of standard output went away
};

class Console {
public:
    Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    // Appends to standard output. It is buffered unless it is a terminal. False after it failed.
    bool write(std::string_view text);
    // Writes what is buffered; if another thread is writing, `wait` tells whether to wait for it.
    bool flush(bool wait = true);
    // The error number that ended standard output, or 0. EPIPE: nobody reads any more.
    [[nodiscard]] int output_error() const { return error_.load(std::memory_order_relaxed); }

    // Writes to standard error, above the progress line.
    void note(std::string_view text);
    // "reflow: error: text", "reflow: warning: text", "reflow: text", each on a line of its own.
    void error(std::string_view text);
    void warning(std::string_view text);
    void remark(std::string_view text);

    // Draws the progress line, cut to the width of the terminal if that is asked for. Skipped while
    // others write.
    void draw(std::string_view line, bool cut_to_width);
    // Removes the progress line for good.
    void end_progress();

    // Whether a line that is redrawn makes sense on standard error.
    [[nodiscard]] bool can_redraw() const { return redraw_; }
    [[nodiscard]] bool error_is_terminal() const { return error_terminal_; }
    [[nodiscard]] bool output_is_terminal() const { return output_terminal_; }
    // The text in a colour (an SGR parameter such as "31"), if the stream takes colours.
    [[nodiscard]] std::string on_error(std::string_view sgr, std::string_view text) const;
    [[nodiscard]] std::string on_output(std::string_view sgr, std::string_view text) const;
    // The width of the terminal behind a descriptor, 80 if it is not known.
    [[nodiscard]] static std::size_t width(int descriptor);

    // Ends the output of the command: flushes, complains about a failure that is not a closed pipe,
    // and turns the exit code into the one that fits.
    [[nodiscard]] int finish(int code);

private:
    bool flush_locked();
    void clear_locked();

    const bool output_terminal_;
    const bool error_terminal_;
    bool output_colour_ = false;
    bool error_colour_ = false;
    bool redraw_ = false;
    bool output_pieces_ = true;
    bool error_pieces_ = true;

    // Guards buffer_, and error_ against two writers. Taken before terminal_mutex_, and held while a
    // write waits for a reader.
    std::mutex output_mutex_;
    std::string buffer_;
    // Read without the lock, which may be held for long; relaxed: a number that stands for itself.
    std::atomic<int> error_{0};

    // Guards drawn_ and standard error.
    std::mutex terminal_mutex_;
    bool drawn_ = false;
};

}  // namespace cli
