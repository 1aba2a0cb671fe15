// Fairness of the lock of the interpreter: all is atomic numbers, since it is looked at with the lock and without it.
#include "sharing.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace reflowpy {

namespace {

// A thread that was woken is running again after this time, if there is a processor for it.
constexpr int64_t moment_ns = 100'000;
// Whoever finds the lock left alone for longer goes on: the callback that should have ended this is a long one.
constexpr int64_t patience_ns = 3'000'000;
constexpr int64_t least_interval_ns = 1'000'000;

std::atomic<int64_t> interval_ns{5'000'000};
std::atomic<int64_t> held_ns{0};   // by callbacks, since they have left it alone last
std::atomic<bool> leaving{false};  // none of them asks for it
std::atomic<int> asking{0};        // callbacks that wait for it
std::atomic<int> having{0};        // callbacks that have got it: one holds it, others may have released it meanwhile
std::atomic<int> attached{0};
std::atomic<int> away{0};

int64_t now_ns()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void sleep_ns(int64_t ns)
{
    const timespec time{0, static_cast<long>(ns)};
    nanosleep(&time, nullptr);
}

void look_at_interval()
{
    PyObject *held[3] = {};
    PyErr_Fetch(&held[0], &held[1], &held[2]);
    PyObject *function = PySys_GetObject("getswitchinterval"); // borrowed
    PyObject *seconds = function != nullptr ? PyObject_CallNoArgs(function) : nullptr;
    const double value = seconds != nullptr ? PyFloat_AsDouble(seconds) : -1;
    Py_XDECREF(seconds);
    PyErr_Restore(held[0], held[1], held[2]);
    if (value > 0) interval_ns = std::clamp(static_cast<int64_t>(value * 1e9), least_interval_ns, patience_ns * 10);
}

// Whether there are threads that may wait for the lock: none of those that are in the engine, or in a call of ours
// that waits. With the lock held by this callback.
bool others()
{
    const int known = attached.load() + away.load() - having.load() + 1;
    int count = 0;
    PyThreadState *state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; state != nullptr && count <= known; state = PyThreadState_Next(state)) ++count;
    return count > known;
}

void end_leaving()
{
    held_ns = 0;
    leaving = false;
}

} // namespace

void share_enter()
{
    if (leaving.load() && PyGILState_Check() == 0) {
        const int64_t end = now_ns() + patience_ns;
        while (leaving.load()) {
            sleep_ns(moment_ns / 2);
            if (now_ns() > end) end_leaving();
        }
    }
    ++asking;
}

int64_t share_entered()
{
    --asking;
    ++having;
    return now_ns();
}

void share_leave(int64_t since)
{
    const int64_t held = held_ns += now_ns() - since;
    if (held > interval_ns.load() && !leaving.load()) {
        look_at_interval();
        if (others()) leaving = true;
        else held_ns = 0;
    }
    --having;
}

void share_left()
{
    // While another callback still waits for the lock it would be the one that gets it; it leaves it alone afterwards.
    if (!leaving.load() || asking.load() != 0 || PyGILState_Check() != 0) return;
    sleep_ns(moment_ns);
    end_leaving();
}

void share_attached(int more) { attached += more; }

Away::Away() { ++away; }
Away::~Away() { --away; }

void share_forked()
{
    attached = away = asking = having = 0;
    end_leaving();
}

} // namespace reflowpy
