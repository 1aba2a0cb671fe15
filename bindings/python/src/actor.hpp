// Actors that are written in Python: what a component is, what each node of it has, and how it is called.
#pragma once

#include <memory>
#include <vector>

#include "base.hpp"
#include "context.hpp"
#include "lookout.hpp"
#include "values.hpp"

namespace reflowpy {

// How the function of an actor is called.
enum class Style {
    call = 0,      // a function that returns None or a dict
    batch = 1,     // a function that takes and returns lists
    numpy = 2,     // the same with arrays of NumPy
    generator = 3, // a function that yields dicts
    task = 4,      // a coroutine function: goes to an event loop
};

struct Node;

// A registered component. The engine keeps it until the runtime and the last actor have ended; the
// references to Python objects belong to the Runtime object, so that cycles through it are collected.
struct Spec {
    std::string id;
    Style style = Style::call;
    Arrays arrays = Arrays::automatic;
    uint32_t width = 1;  // inputs of one firing, as the engine hands them over
    uint32_t values = 1; // values that the function gets after its context
    bool await_any = true;
    bool source = false;
    std::vector<bool> floats; // Style::numpy: the inports of the type float, empty if there are none
    PyObject *function = nullptr; // called for each firing, or what factory gives
    PyObject *factory = nullptr;  // factory(ctx) -> (run, setup, finish, teardown), or NULL
    PyObject *dispatch = nullptr; // Style::task: dispatch(run, [(ctx, ...), ...])
    PyObject *on_error = nullptr; // on_error(node, exception)
    PyObject *inports = nullptr;  // tuples of interned str
    PyObject *outports = nullptr;
    PyObject *runtime = nullptr;  // a weak reference to the Runtime object, or NULL
    std::shared_ptr<Lookout> lookout; // Style::task: of the runtime
    std::shared_ptr<Hooks> hooks;     // of the runtime
    bool may_wait = false;        // its callbacks run on threads beside the workers
    Node *nodes = nullptr; // a list, changed with the lock of the interpreter held

    [[nodiscard]] bool takes_floats(uint32_t port) const { return port < floats.size() && floats[port]; }
    int traverse(visitproc visit, void *arg);
    void clear();
};

struct Node {
    std::shared_ptr<Spec> spec;
    Node *next = nullptr;
    Node **previous = nullptr;
    PyObject *info = nullptr; // an Info: what its contexts share
    PyObject *run = nullptr;
    PyObject *setup = nullptr;
    PyObject *finish = nullptr;
    PyObject *teardown = nullptr;
    PyObject *context = nullptr;   // kept between calls
    PyObject *generator = nullptr; // of a source, or of the firing that is not over
    PyObject *streams = nullptr;   // what the generator was given, if streams are among it
    PyObject *lost = nullptr;      // why the batch failed that these firings were in
    size_t lost_firings = 0;       // which fail without a call
    size_t alone = 0;              // firings that come one by one, since a batch with them has failed
    bool started = false;          // a source has been called

    int traverse(visitproc visit, void *arg);
    void clear();
};

// Sets the callbacks of a component for a spec; its user_data is then a new std::shared_ptr<Spec>.
void fill_callbacks(reflow_component *component, const std::shared_ptr<Spec> &spec);

// The callbacks that save and restore the state of its nodes, if they can be saved (saving.cpp).
void fill_saving(reflow_component *component);

// The call of run for each style (calls.cpp).
reflow_status run_actor(reflow_context *native, void *state, reflow_packet *inputs, size_t count);

// The context for the next firing of a node, as long as the firing goes on: the one of the last firing
// unless somebody has kept it, who must see that its firing has ended. False with an exception if there
// is none. While it is here it does not belong to the node, whose objects may be collected meanwhile.
class Entered {
public:
    Entered(Node *node, reflow_context *native);
    ~Entered();
    Entered(const Entered &) = delete;
    Entered &operator=(const Entered &) = delete;

    explicit operator bool() const { return context_ != nullptr; }
    [[nodiscard]] Context *get() const { return context_; }
    Context *operator->() const { return context_; }
    [[nodiscard]] PyObject *object() const { return reinterpret_cast<PyObject *>(context_); }

private:
    Node *node_;
    Context *context_ = nullptr;
};

// Ends a callback with the exception that is set: as the failure of its firing. message, which may be NULL, is
// what it says.
reflow_status fail_with_exception(reflow_context *native, Node *node, std::string *message = nullptr);

} // namespace reflowpy
