// Standard output, standard error and the progress line, and how they keep out of each other's way.
// Neighbours: interrupts. Thread: any.
#include "cli/console.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "cli/interrupts.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
// Who writes no more than this after poll() said "writable" is not blocked by a pipe (PIPE_BUF).
constexpr std::size_t piece_bytes = 4096;
constexpr int poll_ms = 100;

bool set_and_not_empty(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

bool says(const char* name, std::string_view word) {
    const char* value = std::getenv(name);
    return value != nullptr && word == value;
}

bool wants_colour(bool terminal) {
    if (set_and_not_empty("NO_COLOR")) return false;
    if (set_and_not_empty("CLICOLOR_FORCE") && !says("CLICOLOR_FORCE", "0")) return true;
    return terminal && !says("CLICOLOR", "0") && !says("TERM", "dumb");
}

bool is_regular(int descriptor) {
    struct stat status {};
    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// Writes all of it; the error number, or 0. In pieces, it can be given up while nobody reads.
int write_all(int descriptor, std::string_view text, bool pieces) {
    while (!text.empty()) {
        if (pieces) {
            pollfd ready{descriptor, POLLOUT, 0};
            const int count = poll(&ready, 1, poll_ms);
            if (count == 0 || (count < 0 && errno == EINTR)) {
                if (interrupts::given_up()) return ETIMEDOUT;
                continue;
            }
        }
        const std::size_t size = pieces ? std::min(text.size(), piece_bytes) : text.size();
        const ssize_t written = ::write(descriptor, text.data(), size);
        if (written < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return errno;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

std::string coloured(bool colour, std::string_view sgr, std::string_view text) {
    if (!colour) return std::string(text);
    return "\x1b[" + std::string(sgr) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace

Console::Console()
    : output_terminal_(isatty(STDOUT_FILENO) == 1), error_terminal_(isatty(STDERR_FILENO) == 1) {
    output_colour_ = wants_colour(output_terminal_);
    error_colour_ = wants_colour(error_terminal_);
    redraw_ = error_terminal_ && !says("TERM", "dumb");
    output_pieces_ = !is_regular(STDOUT_FILENO);
    error_pieces_ = !is_regular(STDERR_FILENO);
}

bool Console::write(std::string_view text) {
    const std::lock_guard lock(output_mutex_);
    if (error_ != 0) return false;
    buffer_ += text;
    if (!output_terminal_ && buffer_.size() < buffer_bytes) return true;
    return flush_locked();
}

bool Console::flush(bool wait) {
    std::unique_lock lock(output_mutex_, std::defer_lock);
    if (wait) {
        lock.lock();
    } else if (!lock.try_lock()) {
        return true;
    }
    return flush_locked();
}

bool Console::flush_locked() {
    if (error_ != 0) return false;
    if (buffer_.empty()) return true;
    if (output_terminal_) {
        const std::lock_guard lock(terminal_mutex_);
        clear_locked();
        error_ = write_all(STDOUT_FILENO, buffer_, output_pieces_);
    } else {
        error_ = write_all(STDOUT_FILENO, buffer_, output_pieces_);
    }
    buffer_.clear();
    return error_ == 0;
}

// A failure to write to standard error is nowhere to be told.
void Console::note(std::string_view text) {
    const std::lock_guard lock(terminal_mutex_);
    clear_locked();
    write_all(STDERR_FILENO, text, error_pieces_);
}

void Console::clear_locked() {
    if (!drawn_) return;
    drawn_ = false;
    write_all(STDERR_FILENO, "\r\x1b[K", error_pieces_);
}

void Console::error(std::string_view text) {
    std::string line = "reflow: " + on_error("1;31", "error:") + " ";
    append_safe(line, text);
    note(line += '\n');
}

void Console::warning(std::string_view text) {
    std::string line = "reflow: " + on_error("1;33", "warning:") + " ";
    append_safe(line, text);
    note(line += '\n');
}

void Console::remark(std::string_view text) {
    std::string line = "reflow: ";
    append_safe(line, text);
    note(line += '\n');
}

void Console::draw(std::string_view line, bool cut_to_width) {
    if (!redraw_) return;
    const std::unique_lock lock(terminal_mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    // One column is left free, so that no terminal goes to the next line.
    std::string text = "\r";
    text += cut_to_width ? cut(line, width(STDERR_FILENO) - 1) : line;
    text += "\x1b[K";
    drawn_ = true;
    write_all(STDERR_FILENO, text, error_pieces_);
}

void Console::end_progress() {
    const std::lock_guard lock(terminal_mutex_);
    clear_locked();
    redraw_ = false;
}

std::string Console::on_error(std::string_view sgr, std::string_view text) const {
    return coloured(error_colour_, sgr, text);
}

std::string Console::on_output(std::string_view sgr, std::string_view text) const {
    return coloured(output_colour_, sgr, text);
}

std::size_t Console::width(int descriptor) {
    winsize size{};
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col;
    return 80;
}

int Console::finish(int code) {
    end_progress();
    flush();
    const int failure = output_error();
    if (failure == 0 || code >= exit_signal) return code;
    if (failure == EPIPE) return exit_pipe;
    if (failure == ETIMEDOUT && code != exit_ok) return code;
    error("cannot write to standard output: " + system_reason(failure));
    return code == exit_ok ? exit_failed : code;
}

}  // namespace cli
