// What the calling thread does for the engine: which actor it runs, and whose values it makes.
#pragma once

#include "base.hpp"

namespace reflowpy {

// While one is there the thread is in a callback of an actor, or hands out values of an output. Streams
// belong to the runtime of that, and a wait for one may not hold up a worker.
class Turn {
public:
    // runtime is a Runtime object or a weak reference to one, borrowed, or NULL. native is the context of a
    // callback, NULL outside; may_wait tells that nobody else has to wait when that callback does.
    Turn(PyObject *runtime, reflow_context *native, bool may_wait)
        : runtime_(runtime), native_(native), may_wait_(may_wait), before_(now_)
    {
        now_ = this;
    }
    ~Turn() { now_ = before_; }
    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;

    static const Turn *now() { return now_; }
    [[nodiscard]] reflow_context *native() const { return native_; }
    [[nodiscard]] bool may_wait() const { return may_wait_; }
    // The Runtime object as a new reference; NULL without an exception if there is none any more.
    [[nodiscard]] PyObject *runtime() const;

private:
    PyObject *runtime_;
    reflow_context *native_;
    bool may_wait_;
    const Turn *before_;
    static thread_local const Turn *now_;
};

// The object behind a weak reference, or the object itself; NULL without an exception if it has gone.
PyObject *strong(PyObject *object);

} // namespace reflowpy
