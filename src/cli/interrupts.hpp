// Ctrl-C, SIGTERM and SIGHUP, for the one command that runs long.
// Neighbours: console (writes that may block give up by it), run. Thread: any; the handler itself
// does only what is safe in a signal handler.
#pragma once

#include <termios.h>

#include <chrono>
#include <string_view>

namespace cli::interrupts {

// How long a network may go on after the first interrupt.
inline constexpr std::chrono::seconds grace{2};

// Installs the handlers. Until defer() a signal ends the process at once with 128 + its number,
// after writing `last_words` (which must live for ever) to standard output.
void install(std::string_view last_words);

// From now on signals are counted; the third ends the process at once.
void defer();

// What a signal that ends the process at once does to the terminal before: standard input gets these
// settings (NULL: none) and standard output this text; both must live until that is taken back.
void set_restore(const termios* settings, std::string_view text);

int count();

// Until one has come; behind defer().
void wait();

// As if none had come: whoever asked has been heard.
void forget();

// The number of the first signal, or 0.
int signal_number();

// The time after which nobody waits for a reader any more.
void set_deadline(std::chrono::steady_clock::time_point deadline);

// Whether a write that blocks should be given up: the deadline or the grace is over, or the user
// has asked twice.
bool given_up();

}  // namespace cli::interrupts
