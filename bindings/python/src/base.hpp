// What all files of the native module share: owned references, views, and the interpreter lock.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <reflow.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sharing.hpp"

namespace reflowpy {

// An owned reference to a Python object. It is made, moved and ended with the lock of the interpreter
// held.
class Ref {
public:
    Ref() = default;
    explicit Ref(PyObject *owned) : object_(owned) {}
    Ref(const Ref &) = delete;
    Ref &operator=(const Ref &) = delete;
    Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref &operator=(Ref &&other) noexcept
    {
        PyObject *old = std::exchange(object_, std::exchange(other.object_, nullptr));
        Py_XDECREF(old);
        return *this;
    }
    ~Ref() { Py_XDECREF(object_); }

    static Ref borrow(PyObject *object)
    {
        Py_XINCREF(object);
        return Ref(object);
    }

    [[nodiscard]] PyObject *get() const { return object_; }
    PyObject *release() { return std::exchange(object_, nullptr); }
    explicit operator bool() const { return object_ != nullptr; }

private:
    PyObject *object_ = nullptr;
};

inline reflow_view view_of(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view text_of(reflow_view view) { return {view.data, view.size}; }

inline PyObject *str_of(reflow_view view)
{
    return PyUnicode_DecodeUTF8(view.data, static_cast<Py_ssize_t>(view.size), "replace");
}

// The text of a str; false with an exception set if it is none or not UTF-8.
bool view_from(PyObject *text, const char *what, reflow_view *out);

// The interpreter is about to end, or has ended: no thread of the engine may ask for its lock.
bool ending();
void set_ending();

// Threads of the engine keep the state that Python makes for a thread: making it for each call is a
// hundred times slower than keeping it. These two are the hooks of the runtime.
void thread_started(void *);
void thread_stopped(void *);

// Holds the lock of the interpreter on any thread. Never under a lock of the engine.
class Gil {
public:
    Gil();
    ~Gil();
    Gil(const Gil &) = delete;
    Gil &operator=(const Gil &) = delete;

private:
    PyGILState_STATE state_;
    int64_t since_;
};

// When the interpreter ends, Python ends other threads where they ask for its lock, by unwinding them:
// through frames of ours, whose destructors need that lock, and of the engine, which must not be unwound.
// A thread that is unwound through a Stay sleeps there instead, until the process has ended.
class Stay {
public:
    Stay() = default;
    ~Stay()
    {
        if (!left_) stay_for_ever();
    }
    Stay(const Stay &) = delete;
    Stay &operator=(const Stay &) = delete;
    void leave() { left_ = true; }

private:
    static void stay_for_ever();
    bool left_ = false;
};

// Calls what may run code of Python, and so may ask for the lock of the interpreter.
template <typename Call> auto in_python(Call &&call)
{
    Stay stay;
    auto result = call();
    stay.leave();
    return result;
}

// Runs a call without the lock of the interpreter.
template <typename Call> auto unlocked(Call &&call)
{
    PyThreadState *state = PyEval_SaveThread();
    auto result = [&] {
        const Away away;
        return call();
    }();
    Stay stay;
    PyEval_RestoreThread(state);
    stay.leave();
    return result;
}

// Objects that the engine lets go of on its threads, possibly under its locks, are put here and ended
// later by whoever holds the lock of the interpreter at a place where any Python code may run.
struct Deferred {
    Deferred *next = nullptr;
    void (*finish)(Deferred *) = nullptr; // with the lock of the interpreter held
};
void defer(Deferred *item);
void drain_deferred_slow();
extern std::atomic<Deferred *> deferred_items;

inline void drain_deferred()
{
    if (deferred_items.load(std::memory_order_relaxed) != nullptr) drain_deferred_slow();
}

// The number of this process in a line of forks: rises in each child.
uint32_t fork_generation();

// Called once, when the module is imported.
void init_base();

} // namespace reflowpy

// What Python 3.9 does not have yet.
#if PY_VERSION_HEX < 0x030A0000
inline PyObject *Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}
inline PyObject *Py_XNewRef(PyObject *object)
{
    Py_XINCREF(object);
    return object;
}
inline int PyModule_AddObjectRef(PyObject *module, const char *name, PyObject *value)
{
    Py_XINCREF(value);
    const int result = value == nullptr ? -1 : PyModule_AddObject(module, name, value);
    if (result != 0) Py_XDECREF(value);
    return result;
}
#endif
