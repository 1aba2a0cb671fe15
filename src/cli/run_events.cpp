// Two readers of the network's events: the failures that are told at the end, and --events FILE.
// Thread: main; the file may have a thread of its own.
#include "cli/run_events.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "cli/interrupts.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::size_t failures_kept = 100;
constexpr std::uint64_t failures_shown = 10;
constexpr std::size_t batch = 1024;
constexpr std::uint32_t file_capacity = 1 << 16;
constexpr int wait_ms = 100;

constexpr std::uint64_t bit(reflow_event_kind kind) { return std::uint64_t{1} << kind; }

Subscription subscribed(reflow_network* network, std::uint64_t kinds, std::uint32_t capacity) {
    reflow_event_options options{};
    options.struct_size = sizeof options;
    options.capacity = capacity;
    options.kinds = kinds;
    Subscription subscription;
    Error error;
    const reflow_status status =
        reflow_network_subscribe(network, &options, Out(subscription), Out(error));
    check(status, error, exit_failed);
    return subscription;
}

// A named pipe is waited for until somebody reads it or time is up; it never blocks.
int open_file(const std::string& path) {
    for (;;) {
        const int file =
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
        if (file >= 0 || errno != ENXIO || interrupts::given_up()) return file;
        ::poll(nullptr, 0, 10);
    }
}

}  // namespace

void Failures::subscribe(reflow_network* network) {
    subscription_ =
        subscribed(network, bit(REFLOW_EVENT_ACTOR_FAILED) | bit(REFLOW_EVENT_NETWORK_STALLED), 0);
}

void Failures::pump() {
    for (;;) {
        EventBatch events;
        // What is missed here is known by the counters in the end, see settle().
        const reflow_status status =
            reflow_subscription_poll(subscription_.get(), batch, 0, Out(events), nullptr, nullptr);
        if (status != REFLOW_OK) return;
        const std::size_t count = reflow_event_batch_count(events.get());
        for (std::size_t i = 0; i < count; ++i) {
            reflow_event event{};
            event.struct_size = sizeof event;
            if (reflow_event_batch_get(events.get(), i, &event) == REFLOW_OK) take(event);
        }
    }
}

void Failures::take(const reflow_event& event) {
    if (event.kind == REFLOW_EVENT_NETWORK_STALLED) {
        const bool resolved =
            event.state == REFLOW_STALL_GREW || event.state == REFLOW_STALL_DROPPED;
        if (resolved) return;
        stalled_ = true;
    } else if (ignored_(text_of(event.node))) {
        return;
    }
    if (first_.size() >= failures_kept) {
        ++count_;
        return;
    }
    Problem problem;
    problem.code = event.kind == REFLOW_EVENT_NETWORK_STALLED ? "NetworkStalled" : "ActorFailed";
    problem.node = text_of(event.node);
    problem.component = text_of(event.component);
    problem.port = text_of(event.port);
    problem.message = text_of(event.error);
    const std::string place = "node '" + problem.node + "'";
    const bool named = problem.node.empty() || problem.message.find(place) != std::string::npos;
    problem.text = named ? problem.message : place + ": " + problem.message;
    add(std::move(problem));
}

void Failures::add(Problem problem) {
    ++count_;
    if (show_ && shown_ < failures_shown) {
        ++shown_;
        console_.error(problem.text);
    }
    if (first_.size() < failures_kept) first_.push_back(std::move(problem));
}

EventFile::~EventFile() {
    ending_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    if (file_ > STDERR_FILENO) ::close(file_);
}

void EventFile::open(reflow_network* network, const std::string& path) {
    path_ = path;
    file_ = path == "-" ? STDERR_FILENO : open_file(path);
    if (file_ < 0 && errno == ENXIO) {
        fail(exit_timeout, "cannot write events to '" + path + "': nobody reads the pipe");
    }
    if (file_ < 0) {
        fail(exit_failed, "cannot write events to '" + path + "': " + system_reason(errno));
    }
    subscription_ = subscribed(network, shown_events, file_capacity);
}

void EventFile::start_thread() {
    if (!subscription_) return;
    thread_ = std::thread([this] {
        while (take(wait_ms)) {
        }
    });
}

void EventFile::pump() {
    if (!subscription_ || thread_.joinable()) return;
    while (take(0)) {
    }
}

bool EventFile::take(std::int64_t timeout_ms) {
    EventBatch events;
    std::uint64_t missed = 0;
    const reflow_status status = reflow_subscription_poll(subscription_.get(), batch, timeout_ms,
                                                          Out(events), &missed, nullptr);
    missed_ += missed;
    if (status == REFLOW_ERROR_TIMEOUT) return !ending_.load(std::memory_order_relaxed);
    if (status != REFLOW_OK) return false;
    lines_.clear();
    const std::size_t count = reflow_event_batch_count(events.get());
    for (std::size_t i = 0; i < count; ++i) {
        Buffer line;
        if (reflow_event_batch_json(events.get(), i, Out(line), nullptr) != REFLOW_OK) continue;
        lines_ += text_of(line);
        lines_ += '\n';
    }
    write(lines_);
    return true;
}

void EventFile::write(std::string_view text) {
    if (file_ == STDERR_FILENO) {
        console_.note(text);
        return;
    }
    while (error_ == 0 && !text.empty()) {
        const ssize_t written = ::write(file_, text.data(), text.size());
        if (written < 0 && errno == EAGAIN) {
            // A pipe that is full, until nobody waits for it any more.
            pollfd asked{file_, POLLOUT, 0};
            if (::poll(&asked, 1, wait_ms) == 0 && interrupts::given_up()) error_ = ETIMEDOUT;
            continue;
        }
        if (written < 0) {
            if (errno != EINTR) error_ = errno;
            continue;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

bool EventFile::finish() {
    if (!subscription_) return true;
    ending_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    while (take(0)) {
    }
    if (missed_ > 0) {
        write("{\"_type\":\"EventsMissed\",\"count\":" + std::to_string(missed_) + "}\n");
        console_.warning(grouped(missed_) + " events came too fast and are missing in '" + path_ +
                         "'");
    }
    if (file_ > STDERR_FILENO) {
        if (::close(file_) != 0 && error_ == 0) error_ = errno;
        file_ = -1;
    }
    subscription_.reset();
    if (error_ == 0) return true;
    console_.error("cannot write events to '" + path_ + "': " + system_reason(error_));
    return false;
}

}  // namespace cli
