// Log lines of the engine: written by its threads into a queue, read by one thread of Python
// (reflow/_logging.py), which hands them to logging.
#include "log.hpp"

#include "bind.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace reflowpy {

namespace {

struct Line {
    reflow_log_level level;
    std::string subsystem;
    std::string node;
    std::string text;
};

constexpr reflow_log_level printed = 0; // no level of the engine
constexpr size_t most_lines = 10'000;
constexpr size_t most_printed = size_t{64} << 20;

struct Queue {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Line> lines;
    size_t logged = 0;        // how many of them are log lines
    size_t printed_bytes = 0; // in the others
    uint64_t lost = 0;
};

// Never ended: threads of the engine may log until the process is gone.
std::atomic<Queue *> current{new Queue};

// In a child of a fork the lock of the queue may be held by a thread that is not there.
void reset() { current.store(new Queue); }

// Waits until there is something to take.
void wait(double seconds)
{
    Queue *queue = current.load();
    unlocked([&] {
        std::unique_lock lock(queue->mutex);
        queue->changed.wait_for(lock, std::chrono::duration<double>(seconds),
                                [&] { return !queue->lines.empty() || queue->lost != 0; });
        return 0;
    });
}

py::object take()
{
    Queue *queue = current.load();
    std::deque<Line> lines;
    uint64_t lost = 0;
    unlocked([&] {
        const std::lock_guard lock(queue->mutex);
        lines.swap(queue->lines);
        queue->logged = 0;
        queue->printed_bytes = 0;
        lost = std::exchange(queue->lost, 0);
        return 0;
    });
    py::list out;
    for (const Line &line : lines) {
        out.append(py::make_tuple(line.level, text(view(line.subsystem)), text(view(line.node)),
                                  text(view(line.text))));
    }
    return py::make_tuple(out, lost);
}

} // namespace

void log_line(void *, reflow_log_level level, reflow_view subsystem, reflow_view node,
              reflow_view text)
{
    try {
        Line line{level, std::string(text_of(subsystem)), std::string(text_of(node)),
                  std::string(text_of(text))};
        Queue *queue = current.load();
        const std::lock_guard lock(queue->mutex);
        if (queue->logged >= most_lines) {
            ++queue->lost;
        } else {
            queue->lines.push_back(std::move(line));
            ++queue->logged;
        }
        queue->changed.notify_one();
    } catch (const std::bad_alloc &) { // a line that there is no memory for is not told
    }
}

reflow_status print_line(void *, reflow_view node, reflow_view text)
{
    try {
        Line line{printed, std::string(), std::string(text_of(node)), std::string(text_of(text))};
        Queue *queue = current.load();
        const std::lock_guard lock(queue->mutex);
        if (queue->printed_bytes + text.size > most_printed) return REFLOW_ERROR_LIMIT;
        queue->printed_bytes += text.size;
        queue->lines.push_back(std::move(line));
        queue->changed.notify_one();
        return REFLOW_OK;
    } catch (const std::bad_alloc &) {
        return REFLOW_ERROR_OUT_OF_MEMORY;
    }
}

void bind_log(py::module_ &module)
{
    module.def("log_wait", &wait);
    module.def("log_take", &take);
    module.def("log_reset", &reset);
}

} // namespace reflowpy
