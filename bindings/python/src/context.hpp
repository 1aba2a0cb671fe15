// What the function of an actor gets as its first argument.
#pragma once

#include "base.hpp"

#include <memory>

namespace reflowpy {

struct Hooks;

// What all contexts of one node share.
struct Info {
    PyObject_HEAD
    PyObject *name;
    PyObject *component;
    PyObject *inports;  // tuples of interned str
    PyObject *outports;
    PyObject *config; // NULL: not looked at yet
    PyObject *state;  // NULL: none yet
    PyObject *runtime; // a weak reference to the Runtime object, or NULL
    std::shared_ptr<Hooks> *hooks; // of the runtime
};

struct Context {
    PyObject_HEAD
    Info *info;
    reflow_context *native; // inside a call; NULL outside
    uint64_t completion;    // of a firing that ends later; 0: none
    const reflow_packet *packet; // the first input of the firing, inside a call
    PyObject *envelope;          // of a firing that ends later; NULL: none
    int32_t port;                // number of its inport, -1: none
    uint32_t index;              // of the element of an array port
    uint32_t attempts;
    uint64_t emits; // how often something was emitted
    uint32_t width;      // inputs of a firing
    uint32_t firings;    // of this call: more than one in a batch
    bool task;           // a firing of a coroutine: these are as its call found them
    uint64_t now_ns;     // on the clock of the runtime,
    uint64_t begun_ns;   // and on that of this process
    uint64_t deadline_ns;
    PyObject *opened; // weak references to the streams that it has opened; NULL: none
};

bool init_context(PyObject *module);
PyObject *new_info(reflow_view node, PyObject *component, PyObject *inports, PyObject *outports,
                   PyObject *runtime, const std::shared_ptr<Hooks> &hooks);
Context *new_context(PyObject *info);

// Ends the streams that a firing has opened with the exception that is set, which stays set.
void fail_opened(Context *context);

// The configuration of the node, read from the context of a call; borrowed.
PyObject *config_of(Context *context);

// The envelope of a packet as a dict, or None.
PyObject *envelope_dict(const reflow_packet *packet);

// Emits what a function returned: None, or a dict from outport to value. False with an exception.
bool emit_result(Context *context, PyObject *result);
// The same with many values for each outport.
bool emit_results(Context *context, PyObject *result);

} // namespace reflowpy
