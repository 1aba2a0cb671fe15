// Doorbells: eventfd and timerfd behind one epoll descriptor on Linux, a pipe elsewhere.
// Thread: one at a time, which the scheduler's lock sees to.
#include "io/doorbell.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.hpp"

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <ctime>
#else
#include <fcntl.h>
#endif

namespace reflow::io {
namespace {

class Descriptor {
public:
    Descriptor() noexcept = default;
    ~Descriptor() {
        if (number >= 0) close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number = -1;
};

Failure refused(std::string_view what) {
    char reason[128] = "";
    const char* text = strerror_r(errno, reason, sizeof reason);
    return Failure(REFLOW_ERROR_IO, concat("cannot create ", what, ": ", text));
}

#if defined(__linux__)

class EventDoorbell final : public Doorbell {
public:
    Result<void> open() {
        ring_.number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (ring_.number < 0) return refused("an eventfd");
        timer_.number = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (timer_.number < 0) return refused("a timerfd");
        both_.number = epoll_create1(EPOLL_CLOEXEC);
        if (both_.number < 0) return refused("an epoll descriptor");
        for (const Descriptor* part : {&ring_, &timer_}) {
            epoll_event event{};
            event.events = EPOLLIN;
            if (epoll_ctl(both_.number, EPOLL_CTL_ADD, part->number, &event) != 0) {
                return refused("an epoll descriptor");
            }
        }
        return {};
    }
    [[nodiscard]] int descriptor() const noexcept override { return both_.number; }
    void ring() noexcept override {
        std::uint64_t one = 1;
        (void)!write(ring_.number, &one, sizeof one);
    }
    void silence() noexcept override {
        std::uint64_t count = 0;
        (void)!read(ring_.number, &count, sizeof count);
    }
    void alarm(std::uint64_t due_ns) noexcept override {
        constexpr std::uint64_t second = 1'000'000'000;
        itimerspec when{};
        // Zero would disarm; setting it also takes back that it has fired.
        if (due_ns != UINT64_MAX) {
            due_ns = due_ns == 0 ? 1 : due_ns;
            when.it_value.tv_sec = static_cast<time_t>(due_ns / second);
            when.it_value.tv_nsec = static_cast<long>(due_ns % second);
        }
        timerfd_settime(timer_.number, TFD_TIMER_ABSTIME, &when, nullptr);
    }

private:
    Descriptor ring_;
    Descriptor timer_;
    Descriptor both_;
};

using SystemDoorbell = EventDoorbell;

#else

class PipeDoorbell final : public Doorbell {
public:
    Result<void> open() {
        int ends[2];
        if (pipe(ends) != 0) return refused("a pipe");
        read_.number = ends[0];
        write_.number = ends[1];
        for (int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
        return {};
    }
    [[nodiscard]] int descriptor() const noexcept override { return read_.number; }
    // There is at most one byte in it, so neither of these waits.
    void ring() noexcept override {
        if (std::exchange(rung_, true)) return;
        char byte = 0;
        while (write(write_.number, &byte, 1) < 0 && errno == EINTR) {
        }
    }
    void silence() noexcept override {
        if (!std::exchange(rung_, false)) return;
        char byte = 0;
        while (read(read_.number, &byte, 1) < 0 && errno == EINTR) {
        }
    }
    void alarm(std::uint64_t) noexcept override {}

private:
    Descriptor read_;
    Descriptor write_;
    bool rung_ = false;
};

using SystemDoorbell = PipeDoorbell;

#endif

}  // namespace

Result<std::unique_ptr<Doorbell>> make_doorbell() {
    auto made = std::unique_ptr<SystemDoorbell>(new SystemDoorbell);
    if (Result<void> opened = made->open(); !opened.ok()) return opened.take_error();
    return std::unique_ptr<Doorbell>(std::move(made));
}

}  // namespace reflow::io
