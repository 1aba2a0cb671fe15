// Ctrl-C, SIGTERM and SIGHUP, for the one command that runs long.
// Thread: any; the handler does only what is safe in a signal handler.
#include "cli/interrupts.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>

namespace cli::interrupts {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// All of them are written by the handler or once by the main thread. `signals` is counted up last
// and read first, with release and acquire, so that who sees a signal sees its number and time; the
// others stand for themselves.
std::atomic<int> signals{0};
std::atomic<int> first_signal{0};
std::atomic<std::int64_t> first_time{never};
std::atomic<std::int64_t> deadline_time{never};
std::atomic<bool> deferred{false};
std::atomic<const char*> words{nullptr};
std::atomic<std::size_t> words_size{0};
std::atomic<const termios*> restored{nullptr};
std::atomic<const char*> restoring{nullptr};
std::atomic<std::size_t> restoring_size{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "used in a signal handler");

std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void handle(int number) {
    const int saved = errno;
    int none = 0;
    if (first_signal.compare_exchange_strong(none, number, std::memory_order_relaxed)) {
        first_time.store(now(), std::memory_order_relaxed);
    }
    const int before = signals.fetch_add(1, std::memory_order_release);
    const bool late = deferred.load(std::memory_order_relaxed);
    if (!late || before >= 2) {
        if (!late && words_size.load(std::memory_order_relaxed) > 0) {
            // Nothing can be done about a failure here.
            [[maybe_unused]] const ssize_t written =
                write(STDOUT_FILENO, words.load(std::memory_order_relaxed),
                      words_size.load(std::memory_order_relaxed));
        }
        if (const std::size_t size = restoring_size.load(std::memory_order_relaxed); size > 0) {
            [[maybe_unused]] const ssize_t written =
                write(STDOUT_FILENO, restoring.load(std::memory_order_relaxed), size);
        }
        if (const termios* settings = restored.load(std::memory_order_relaxed)) {
            tcsetattr(STDIN_FILENO, TCSANOW, settings);
        }
        _exit(128 + number);
    }
    errno = saved;
}

}  // namespace

void install(std::string_view last_words) {
    words.store(last_words.data(), std::memory_order_relaxed);
    words_size.store(last_words.size(), std::memory_order_relaxed);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        if (number == SIGHUP) {
            // What nohup has asked for stays.
            sigaction(number, nullptr, &action);
            if (action.sa_handler == SIG_IGN) continue;
            action = {};
        }
        action.sa_handler = handle;
        sigemptyset(&action.sa_mask);
        action.sa_flags = SA_RESTART;
        sigaction(number, &action, nullptr);
    }
}

void defer() { deferred.store(true, std::memory_order_relaxed); }

void set_restore(const termios* settings, std::string_view text) {
    restored.store(settings, std::memory_order_relaxed);
    restoring.store(text.data(), std::memory_order_relaxed);
    restoring_size.store(text.size(), std::memory_order_relaxed);
}

void forget() {
    first_signal.store(0, std::memory_order_relaxed);
    first_time.store(never, std::memory_order_relaxed);
    signals.store(0, std::memory_order_release);
}

void wait() {
    // Blocked while it is looked whether one has come, so that none slips in between.
    sigset_t ours, before;
    sigemptyset(&ours);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ours, number);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    while (count() == 0) sigsuspend(&before);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

int count() { return signals.load(std::memory_order_acquire); }

int signal_number() { return first_signal.load(std::memory_order_relaxed); }

void set_deadline(std::chrono::steady_clock::time_point deadline) {
    // steady_clock is CLOCK_MONOTONIC here.
    deadline_time.store(std::chrono::nanoseconds(deadline.time_since_epoch()).count(),
                        std::memory_order_relaxed);
}

bool given_up() {
    if (count() >= 2) return true;
    const std::int64_t first = first_time.load(std::memory_order_relaxed);
    const std::int64_t time = now();
    return time >= deadline_time.load(std::memory_order_relaxed) ||
           (first != never && time - first >= std::chrono::nanoseconds(grace).count());
}

}  // namespace cli::interrupts
