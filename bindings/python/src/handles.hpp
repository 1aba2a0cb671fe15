// The Python objects that own handles of the engine, and how they are used by several threads at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "actor.hpp"
#include "base.hpp"
#include "errors.hpp"
#include "post.hpp"
#include "room.hpp"

namespace reflowpy {

// Hooks of a runtime in Python. The references belong to the Runtime object.
struct Hooks {
    PyObject *log = nullptr;   // log(level, subsystem, node, text)
    PyObject *print = nullptr; // print(node, text); NULL: sys.stdout
    std::atomic<bool> silent{false}; // the Runtime has been collected: what its actors meet tells nobody
    reflow_mode mode = REFLOW_MODE_OWN;
    reflow_log_level level = REFLOW_LOG_INFO;
    int64_t open = 0; // firings of coroutines that have not ended; with the lock of the interpreter held

    // One has ended.
    void ended()
    {
        --open;
        if (mode != REFLOW_MODE_SIMULATED) return;
        const std::lock_guard lock(mutex);
        ++ends;
        changed.notify_all();
    }
    std::mutex mutex;
    std::condition_variable changed;
    uint64_t ends = 0; // with the mutex held

    // What coroutines log and print, which are in no call of the engine. Without the lock of the interpreter.
    static void log_line(std::shared_ptr<Hooks> &hooks, reflow_log_level level, reflow_view subsystem,
                         reflow_view node, reflow_view text);
    static reflow_status print_line(std::shared_ptr<Hooks> &hooks, reflow_view node, reflow_view text);
};

struct RuntimeObject {
    PyObject_HEAD
    reflow_runtime *handle;
    uint32_t generation; // of forks, when it was made
    int users;           // calls that go on without the lock of the interpreter
    std::atomic<bool> closed; // who waits in a stream looks at it without the lock
    reflow_mode mode;
    std::vector<std::shared_ptr<Spec>> *specs;
    std::shared_ptr<Hooks> *hooks;
    std::shared_ptr<Lookout> *lookout; // over the loop of its coroutines
};

struct NetworkObject {
    PyObject_HEAD
    reflow_network *handle; // NULL until it is created
    reflow_graph *graph;    // what it is created of; NULL afterwards
    uint32_t generation;
    int users;
    bool closed;
    bool stopping;
    bool carries; // envelopes
    PyObject *runtime;
    PyObject *inports; // from "node.port" to number
    PyObject *record;  // the file that it is to record into, or NULL
    Rooms *rooms;      // who waits for room, or NULL
};

// Tells an event loop that something has come to an output or a subscription, or its end: once each time when it is
// armed.
struct Watch {
    std::shared_ptr<PostBox> box;
    uint64_t number = 0;
    // Sequentially consistent, here and where it is armed: who arms it looks at what is told of afterwards, and who
    // has brought something looks at this afterwards, so one of the two sees the other.
    std::atomic<bool> armed{false};

    // A reflow_readable_fn and what ends its user data, a new std::shared_ptr<Watch>.
    static void came(void *user_data)
    {
        Watch &watch = **static_cast<std::shared_ptr<Watch> *>(user_data);
        if (watch.armed.exchange(false)) put(*watch.box, watch.number);
    }
    static void forget(void *user_data) { delete static_cast<std::shared_ptr<Watch> *>(user_data); }
};

struct OutputObject {
    PyObject_HEAD
    reflow_output *handle;
    int users;
    std::atomic<bool> closed; // who waits for a message looks at it without the lock
    Arrays arrays;
    PyObject *network;
    std::shared_ptr<Watch> *watch; // of an event loop, or NULL
    reflow_message *held; // taken from the engine and not handed out yet
    size_t first;
    size_t count;
};

extern PyTypeObject *runtime_type;
extern PyTypeObject *network_type;
bool init_runtime(PyObject *module);
bool init_network(PyObject *module);
bool init_output(PyObject *module);

// The handle of a Network object, created if it is not yet; NULL with an exception if it is closed. The
// caller keeps a Using for as long as it is used without the lock of the interpreter.
reflow_network *network_handle(PyObject *network);
// The handle of a Runtime object; NULL with an exception.
reflow_runtime *runtime_handle(PyObject *runtime);

void destroy_handle(NetworkObject *network);
void destroy_handle(RuntimeObject *runtime);
void destroy_handle(OutputObject *output);

// While one is there the handle of the object stays, whoever closes it meanwhile: the last one ends it.
template <typename Object> class Using {
public:
    explicit Using(Object *object) : object_(object)
    {
        Py_INCREF(reinterpret_cast<PyObject *>(object_));
        ++object_->users;
    }
    ~Using()
    {
        if (--object_->users == 0 && object_->closed) destroy_handle(object_);
        Py_DECREF(reinterpret_cast<PyObject *>(object_));
    }
    Using(const Using &) = delete;
    Using &operator=(const Using &) = delete;

private:
    Object *object_;
};

// Runs something that waits on a thread of its own: destructors of Python objects must not wait.
void reap(void (*work)(void *), void *handle);
// Waits until all of that is done, at most so long. Without the lock of the interpreter.
void wait_for_reapers(std::chrono::milliseconds timeout);

// A timeout of Python: seconds, or None for ever. False with an exception.
struct Timeout {
    bool forever = true;
    std::chrono::steady_clock::time_point end;

    bool parse(PyObject *seconds);
    [[nodiscard]] int64_t slice_ms() const;
    [[nodiscard]] bool over() const;
};

// Signals are looked at so often while a call waits.
constexpr int64_t slice_most_ms = 100;

// An exception is set already: a handler of a signal has raised it.
constexpr reflow_status interrupted = -1000;

// Calls call(timeout in ms) without the lock of the interpreter until it answers anything but a timeout
// or the time is over. Between two calls signals have their handlers run, so Ctrl-C ends every wait.
template <typename Call> reflow_status wait_in_slices(const Timeout &timeout, Call &&call)
{
    for (;;) {
        const int64_t slice = timeout.slice_ms();
        const reflow_status status = unlocked([&] { return call(slice); });
        drain_deferred();
        if (kept_interrupt != nullptr && status != REFLOW_OK && raise_interrupt()) return interrupted;
        // What has happened has happened, whatever a handler of a signal says.
        if (status == REFLOW_OK) raise_interrupt_soon();
        if (status != REFLOW_ERROR_TIMEOUT && !(status == REFLOW_ERROR_WOULD_BLOCK && slice == 0)) {
            return status;
        }
        if (PyErr_CheckSignals() != 0) return interrupted;
        if (timeout.over()) return REFLOW_ERROR_TIMEOUT;
    }
}

// Mode simulated: the engine says that nothing is left to run while coroutines have not ended, which go on in a
// loop on another thread. How many have ended, and whether this thread may wait for those that have not, or look
// for what those have left that have ended since.
uint64_t coroutines_ended(PyObject *runtime);
bool coroutines_go_on(PyObject *runtime, uint64_t seen);
// Waits a moment, at most until one of them has ended. False with an exception that a signal has raised.
bool await_coroutine(PyObject *runtime, uint64_t seen, const Timeout &timeout);

// wait_in_slices, and where nothing is left to run until coroutines have ended it waits for these.
template <typename Call>
reflow_status wait_with_coroutines(PyObject *runtime, const Timeout &timeout, Call &&call)
{
    for (;;) {
        const uint64_t seen = coroutines_ended(runtime);
        const reflow_status status = wait_in_slices(timeout, call);
        if (status != REFLOW_ERROR_WOULD_BLOCK || !coroutines_go_on(runtime, seen)) return status;
        if (!await_coroutine(runtime, seen, timeout)) return interrupted;
        if (timeout.over()) return REFLOW_ERROR_TIMEOUT;
    }
}

// As check, after wait_in_slices.
inline bool check_wait(reflow_status status, const Failure &error, const char *doing)
{
    return status != interrupted && check(status, error, doing);
}

// All networks and runtimes that are open, for the end of the interpreter.
void keep_in_list(NetworkObject *network);
void drop_from_list(NetworkObject *network);
std::vector<NetworkObject *> &open_networks();

} // namespace reflowpy
