// Calls that wait, so that Ctrl-C ends them: in slices, with a look at signals between them.
#pragma once

#include "bind.hpp"
#include "handles.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace reflowpy {

// Milliseconds of a timeout in seconds as Python has it; None is for ever.
inline int64_t milliseconds(const py::object &timeout)
{
    if (timeout.is_none()) return REFLOW_FOREVER;
    Timeout read;
    must(read.parse(timeout.ptr()));
    const auto left = read.end - std::chrono::steady_clock::now();
    return std::max<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0);
}

// wait_in_slices of handles.hpp with an error: function(slice in ms, error). Throws what a handler of a
// signal raises.
template <typename Call>
reflow_status wait_sliced(const py::object &timeout, Failure &error, Call &&function)
{
    Timeout limit;
    must(limit.parse(timeout.ptr()));
    const reflow_status status =
        wait_in_slices(limit, [&](int64_t slice) { return function(slice, error.out()); });
    must(status != interrupted);
    return status;
}

// Signals are seen to on the main thread alone.
inline bool on_main_thread()
{
    const py::object main = py::module_::import("threading").attr("main_thread")();
    const py::object ident = main.attr("ident");
    return ident.equal(py::int_(PyThread_get_thread_ident()));
}

// A call that waits and cannot be cut into slices, such as dialling.
template <typename Result> struct Job {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    reflow_status status = REFLOW_OK;
    Failure error;
    Result result{};
};

// Lets go of what a call has kept, with the lock of the interpreter held.
template <typename Kept> struct Release : Deferred {
    explicit Release(Kept &&of) : kept(std::move(of)) {}
    Kept kept;
};

// Calls function(kept, result, error), which waits without slices, so that Ctrl-C ends the wait: on the
// main thread it runs on a thread beside it. What it uses has to be in kept or in its captures by value,
// since it goes on when the wait has been ended. A result that nobody waits for any more is dropped by
// drop(result).
template <typename Result, typename Kept, typename Call, typename Drop>
Result interruptible(Kept kept, Call function, Drop drop)
{
    if (!on_main_thread()) {
        Result result{};
        call_unlocked([&](reflow_error **error) { return function(kept, result, error); });
        return result;
    }
    const auto job = std::make_shared<Job<Result>>();
    const auto abandoned = std::make_shared<std::atomic<bool>>(false);
    auto *held = new Release<Kept>(std::move(kept));
    held->finish = [](Deferred *item) { delete static_cast<Release<Kept> *>(item); };
    std::thread([job, abandoned, held, function, drop] {
        const reflow_status status = function(held->kept, job->result, job->error.out());
        const std::lock_guard lock(job->mutex);
        job->status = status;
        job->done = true;
        if (abandoned->load() && status == REFLOW_OK) drop(job->result);
        job->changed.notify_all();
        defer(held);
    }).detach();
    bool done = false;
    while (!done) {
        done = unlocked([&] {
            std::unique_lock lock(job->mutex);
            return job->changed.wait_for(lock, std::chrono::milliseconds(slice_most_ms),
                                         [&] { return job->done; });
        });
        if (!done && PyErr_CheckSignals() != 0) {
            const std::lock_guard lock(job->mutex);
            abandoned->store(true);
            if (job->done && job->status == REFLOW_OK) drop(job->result);
            throw py::error_already_set();
        }
    }
    drain_deferred();
    must(check(job->status, job->error));
    return job->result;
}

inline void drop_message(reflow_message message) { reflow_message_unref(message); }
template <typename Result> void drop_nothing(const Result &) {}

} // namespace reflowpy
