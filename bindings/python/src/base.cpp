// The lock of the interpreter on threads of the engine, and what they let go of.
#include "base.hpp"

#include "forked.hpp"

#include <pthread.h>
#include <unistd.h>

namespace reflowpy {

namespace {

std::atomic<bool> ending_flag{false};
std::atomic<uint32_t> generation{0};
std::atomic<bool> drain_requested{false};

// What the runtime's hooks know of a thread.
thread_local bool engine_thread = false;
thread_local bool attached = false;
thread_local PyGILState_STATE attached_state;

bool finalizing()
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

int drain_pending(void *)
{
    drain_requested.store(false, std::memory_order_relaxed);
    drain_deferred();
    return 0;
}

void after_fork_in_child()
{
    generation.fetch_add(1, std::memory_order_relaxed);
    // The threads that had put these requests are not here.
    drain_requested.store(false, std::memory_order_relaxed);
    engine_thread = false;
    attached = false;
    share_forked();
    note_fork();
}

} // namespace

std::atomic<Deferred *> deferred_items{nullptr};

bool view_from(PyObject *text, const char *what, reflow_view *out)
{
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "%s is a str, not %.200s", what, Py_TYPE(text)->tp_name);
        return false;
    }
    Py_ssize_t size = 0;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == nullptr) return false;
    *out = {data, static_cast<size_t>(size)};
    return true;
}

bool ending() { return ending_flag.load(std::memory_order_relaxed) || finalizing(); }
void set_ending() { ending_flag.store(true); }

void thread_started(void *) { engine_thread = true; }

void thread_stopped(void *)
{
    engine_thread = false;
    if (!attached || ending()) return;
    Stay stay;
    PyEval_RestoreThread(PyGILState_GetThisThreadState());
    attached = false;
    share_attached(-1);
    PyGILState_Release(attached_state);
    stay.leave();
}

void Stay::stay_for_ever()
{
    for (;;) pause();
}

Gil::Gil()
{
    Stay stay;
    if (engine_thread && !attached) {
        attached_state = PyGILState_Ensure();
        attached = true;
        share_attached(1);
        PyEval_SaveThread();
    }
    share_enter();
    state_ = PyGILState_Ensure();
    since_ = share_entered();
    stay.leave();
}

Gil::~Gil()
{
    share_leave(since_);
    PyGILState_Release(state_);
    share_left();
}

void defer(Deferred *item)
{
    Deferred *head = deferred_items.load(std::memory_order_relaxed);
    do {
        item->next = head;
    } while (!deferred_items.compare_exchange_weak(head, item, std::memory_order_release,
                                                   std::memory_order_relaxed));
    if (ending()) return; // the items stay: nobody can end them any more
    // Whoever takes the lock next drains them; if nobody does, the main thread is asked to.
    if (!drain_requested.exchange(true, std::memory_order_relaxed)) {
        if (Py_AddPendingCall(&drain_pending, nullptr) != 0) drain_requested.store(false);
    }
}

void drain_deferred_slow()
{
    Deferred *item = deferred_items.exchange(nullptr, std::memory_order_acquire);
    while (item != nullptr) {
        Deferred *next = item->next;
        item->finish(item);
        item = next;
    }
}

uint32_t fork_generation() { return generation.load(std::memory_order_relaxed); }

void init_base()
{
    static bool done = false;
    if (!done) pthread_atfork(nullptr, nullptr, &after_fork_in_child);
    done = true;
}

} // namespace reflowpy
