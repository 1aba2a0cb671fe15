// The whole terminal, for a view that is redrawn: keys in, frames out, and everything as it was
// before in the end, whatever that is. Neighbours: top (draws), interrupts (restores it when a
// signal ends the process). Thread: main.
#pragma once

#include <termios.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

enum class Key { none, quit, pause, reverse, up, down, left, right, page_up, page_down, home, end };

class Screen {
public:
    Screen() = default;
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen() { leave(); }

    // Whether standard output is a terminal that can be redrawn.
    [[nodiscard]] static bool possible();
    void enter();
    void leave();
    [[nodiscard]] bool entered() const { return entered_; }

    struct Size {
        std::size_t columns = 80;
        std::size_t rows = 24;
        bool operator==(const Size&) const = default;
    };
    [[nodiscard]] static Size size();
    // Shows lines that are separated by line ends, each cut to what fits by the caller.
    void draw(std::string_view frame);
    // The next key, waiting for it so long.
    [[nodiscard]] Key key(int wait_ms);

private:
    // Takes a key off the front of what was typed.
    [[nodiscard]] Key take();

    bool entered_ = false;
    bool keys_ = false;  // standard input is a terminal
    termios before_{};
    std::string typed_;
};

}  // namespace cli
