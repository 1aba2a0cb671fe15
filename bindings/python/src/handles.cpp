// How handles of the engine are used by several threads at once, and how they end.
#include "handles.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace reflowpy {

namespace {

struct Reapers {
    std::mutex mutex;
    std::condition_variable none;
    size_t running = 0;
};

Reapers &reapers()
{
    static auto *all = new Reapers; // lives for ever: threads may end after everything else
    return *all;
}

} // namespace

void reap(void (*work)(void *), void *handle)
{
    {
        const std::lock_guard lock(reapers().mutex);
        ++reapers().running;
    }
    const auto run = [work, handle] {
        work(handle);
        const std::lock_guard lock(reapers().mutex);
        if (--reapers().running == 0) reapers().none.notify_all();
    };
    try {
        std::thread(run).detach();
    } catch (const std::exception &) { // no thread is to be had: then this one waits
        unlocked([&] {
            run();
            return 0;
        });
    }
}

void wait_for_reapers(std::chrono::milliseconds timeout)
{
    std::unique_lock lock(reapers().mutex);
    reapers().none.wait_for(lock, timeout, [] { return reapers().running == 0; });
}

bool Timeout::parse(PyObject *seconds)
{
    forever = seconds == nullptr || seconds == Py_None;
    if (forever) return true;
    double value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred() != nullptr) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) != 0) {
            PyErr_Format(PyExc_TypeError, "a timeout is None or a number of seconds, not %.200s",
                         Py_TYPE(seconds)->tp_name);
        }
        return false;
    }
    if (!(value >= 0)) {
        raise_text(REFLOW_ERROR_INVALID_ARGUMENT, "a timeout is None or a number of seconds from 0");
        return false;
    }
    value = std::min(value, 1e9);
    end = std::chrono::steady_clock::now() +
          std::chrono::nanoseconds(static_cast<int64_t>(value * 1e9));
    return true;
}

int64_t Timeout::slice_ms() const
{
    if (forever) return slice_most_ms;
    const auto left = end - std::chrono::steady_clock::now();
    const int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return std::clamp<int64_t>(ms, 0, slice_most_ms);
}

bool Timeout::over() const { return !forever && std::chrono::steady_clock::now() >= end; }

std::vector<NetworkObject *> &open_networks()
{
    static auto *all = new std::vector<NetworkObject *>;
    return *all;
}

void keep_in_list(NetworkObject *network) { open_networks().push_back(network); }

void drop_from_list(NetworkObject *network)
{
    auto &all = open_networks();
    all.erase(std::remove(all.begin(), all.end(), network), all.end());
}

} // namespace reflowpy
