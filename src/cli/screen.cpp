// See screen.hpp. The alternate screen of xterm, which every terminal of today has.
// Thread: main.
#include "cli/screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/interrupts.hpp"

namespace cli {

namespace {

constexpr std::string_view entering = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
constexpr std::string_view leaving = "\x1b[0m\x1b[?25h\x1b[?1049l";

void put(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return;  // nobody looks any more: the run goes on to its end
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

struct Sequence {
    std::string_view text;
    Key key;
};
constexpr Sequence sequences[] = {
    {"\x1b[A", Key::up},         {"\x1b[B", Key::down}, {"\x1b[C", Key::right},
    {"\x1b[D", Key::left},       {"\x1bOA", Key::up},   {"\x1bOB", Key::down},
    {"\x1bOC", Key::right},      {"\x1bOD", Key::left}, {"\x1b[5~", Key::page_up},
    {"\x1b[6~", Key::page_down}, {"\x1b[H", Key::home}, {"\x1b[F", Key::end},
    {"\x1bOH", Key::home},       {"\x1bOF", Key::end},  {"\x1b[1~", Key::home},
    {"\x1b[4~", Key::end},
};

}  // namespace

bool Screen::possible() {
    if (isatty(STDOUT_FILENO) != 1) return false;
    const char* terminal = std::getenv("TERM");
    return terminal != nullptr && std::string_view(terminal) != "dumb" && *terminal != '\0';
}

void Screen::enter() {
    if (entered_) return;
    keys_ = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before_) == 0;
    interrupts::set_restore(keys_ ? &before_ : nullptr, leaving);
    if (keys_) {
        termios now = before_;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        // Ctrl-C comes as a signal, as ever. What would leave the terminal as it is does not come.
        now.c_cc[VQUIT] = now.c_cc[VSUSP] = _POSIX_VDISABLE;
        now.c_cc[VMIN] = 0;
        now.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    entered_ = true;
    put(entering);
}

void Screen::leave() {
    if (!entered_) return;
    entered_ = false;
    put(leaving);
    if (keys_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    interrupts::set_restore(nullptr, {});
}

Screen::Size Screen::size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2 || size.ws_row < 2) {
        return {};
    }
    return {size.ws_col, size.ws_row};
}

void Screen::draw(std::string_view frame) {
    std::string text = "\x1b[H";
    while (!frame.empty()) {
        const std::size_t end = frame.find('\n');
        text += frame.substr(0, end);
        text += "\x1b[K";
        if (end == std::string_view::npos) break;
        frame.remove_prefix(end + 1);
        if (!frame.empty()) text += "\r\n";
    }
    put(text += "\x1b[J");
}

Key Screen::key(int wait_ms) {
    if (Key known = take(); known != Key::none) return known;
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    // Without keys it only waits.
    if (poll(&ready, keys_ ? 1 : 0, wait_ms) <= 0) {
        typed_.clear();  // an escape that nothing follows is none of ours
        return Key::none;
    }
    char bytes[64];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) {
        if (count == 0 || errno != EINTR) keys_ = false;  // the terminal has gone
        return Key::none;
    }
    typed_.append(bytes, static_cast<std::size_t>(count));
    return take();
}

Key Screen::take() {
    while (!typed_.empty()) {
        const std::string_view typed = typed_;
        bool begins = false;
        for (const Sequence& sequence : sequences) {
            if (typed.substr(0, sequence.text.size()) == sequence.text) {
                typed_.erase(0, sequence.text.size());
                return sequence.key;
            }
            begins = begins || sequence.text.substr(0, typed.size()) == typed;
        }
        if (begins) return Key::none;  // the rest is on its way
        const char first = typed.front();
        typed_.erase(0, 1);
        switch (first) {
            case 'q':
            case 'Q':
                return Key::quit;
            case 'p':
            case 'P':
            case ' ':
                return Key::pause;
            case 'r':
            case 'R':
                return Key::reverse;
            default:
                break;
        }
    }
    return Key::none;
}

}  // namespace cli
