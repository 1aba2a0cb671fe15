// The life of an actor in Python: create, setup, finish, teardown, destroy. Calls of run are in calls.cpp.
#include "actor.hpp"

#include "errors.hpp"
#include "forked.hpp"
#include "turn.hpp"

namespace reflowpy {

int Spec::traverse(visitproc visit, void *arg)
{
    for (PyObject *object : {function, factory, dispatch, on_error, inports, outports, runtime}) {
        Py_VISIT(object);
    }
    for (Node *node = nodes; node != nullptr; node = node->next) {
        if (const int result = node->traverse(visit, arg)) return result;
    }
    return 0;
}

void Spec::clear()
{
    Py_CLEAR(function);
    Py_CLEAR(factory);
    Py_CLEAR(dispatch);
    Py_CLEAR(on_error);
    // Each step may run code that ends a node, so the list is looked at anew.
    bool cleared = true;
    while (cleared) {
        cleared = false;
        for (Node *node = nodes; node != nullptr && !cleared; node = node->next) {
            if (node->run == nullptr && node->info == nullptr && node->context == nullptr) continue;
            node->clear();
            cleared = true;
        }
    }
    Py_CLEAR(inports);
    Py_CLEAR(outports);
    Py_CLEAR(runtime);
}

int Node::traverse(visitproc visit, void *arg)
{
    for (PyObject *object : {info, run, setup, finish, teardown, context, generator, streams, lost}) {
        Py_VISIT(object);
    }
    return 0;
}

void Node::clear()
{
    Py_CLEAR(generator);
    Py_CLEAR(streams);
    Py_CLEAR(lost);
    Py_CLEAR(context);
    Py_CLEAR(run);
    Py_CLEAR(setup);
    Py_CLEAR(finish);
    Py_CLEAR(teardown);
    Py_CLEAR(info);
}

Entered::Entered(Node *node, reflow_context *native) : node_(node)
{
    if (node->context != nullptr) {
        context_ = reinterpret_cast<Context *>(std::exchange(node->context, nullptr));
    } else if (node->info != nullptr) {
        context_ = new_context(node->info);
    } else {
        raise_text(REFLOW_ERROR_CLOSED, "the runtime of this actor has been collected");
    }
    if (context_ == nullptr) return;
    context_->native = native;
    context_->packet = nullptr;
    context_->port = -1;
}

Entered::~Entered()
{
    if (context_ == nullptr) return;
    end_if_forked(context_->native);
    context_->native = nullptr;
    context_->packet = nullptr;
    PyObject *object = reinterpret_cast<PyObject *>(context_);
    // A generator goes on with the context that it has.
    const bool reusable = Py_REFCNT(object) == 1 || node_->generator != nullptr;
    if (reusable && node_->info != nullptr && node_->context == nullptr) node_->context = object;
    else Py_DECREF(object);
}

// Whether the exception that is set says no more than that the network stops, as waits for streams do.
static bool only_stops(reflow_context *native)
{
    if (!reflow_context_stopping(native)) return false;
    static PyObject *type = nullptr; // lives for ever
    if (type == nullptr) {
        PyObject *held[3] = {};
        PyErr_Fetch(&held[0], &held[1], &held[2]);
        Ref module(PyImport_ImportModule("reflow.errors"));
        type = module ? PyObject_GetAttrString(module.get(), "CancelledError") : nullptr;
        PyErr_Restore(held[0], held[1], held[2]);
    }
    return type != nullptr && PyErr_ExceptionMatches(type) != 0;
}

reflow_status fail_with_exception(reflow_context *native, Node *node, std::string *message)
{
    end_if_forked(native);
    if (only_stops(native)) { // no failure that anybody has to hear of
        PyErr_Clear();
        return REFLOW_OK;
    }
    PyObject *raised = nullptr;
    const Told told = tell_exception(&raised);
    Ref exception(raised);
    keep_interrupt(exception.get());
    if (message != nullptr) *message = told.message;
    PyObject *on_error = node != nullptr ? node->spec->on_error : nullptr;
    if (on_error != nullptr && exception) {
        Ref name(str_of(reflow_context_node(native)));
        Ref kept = Ref::borrow(on_error);
        Ref result(name ? in_python([&] {
            return PyObject_CallFunctionObjArgs(on_error, name.get(), exception.get(), nullptr);
        })
                        : nullptr);
        if (!result) PyErr_Clear();
    }
    const reflow_failure failure = told.failure();
    return reflow_context_fail_with(native, &failure);
}

namespace {

PyObject *from_tuple(PyObject *tuple, Py_ssize_t index)
{
    PyObject *item = PyTuple_GET_ITEM(tuple, index);
    return item == Py_None ? nullptr : Py_NewRef(item);
}

bool make_parts(Node *node, reflow_context *native)
{
    if (node->spec->factory == nullptr) {
        node->run = Py_XNewRef(node->spec->function);
        return true;
    }
    const Entered context(node, native);
    if (!context) return false;
    Ref kept = Ref::borrow(node->spec->factory);
    Ref parts(
        in_python([&] { return PyObject_CallFunctionObjArgs(kept.get(), context.object(), nullptr); }));
    if (!parts) return false;
    if (PyTuple_Check(parts.get()) == 0 || PyTuple_GET_SIZE(parts.get()) != 4) {
        PyErr_SetString(PyExc_TypeError, "a factory of an actor gives (run, setup, finish, teardown)");
        return false;
    }
    node->run = from_tuple(parts.get(), 0);
    node->setup = from_tuple(parts.get(), 1);
    node->finish = from_tuple(parts.get(), 2);
    node->teardown = from_tuple(parts.get(), 3);
    return true;
}

void unlink_node(Node *node)
{
    if (node->previous == nullptr) return;
    *node->previous = node->next;
    if (node->next != nullptr) node->next->previous = node->previous;
    node->previous = nullptr;
}

reflow_status create(reflow_context *native, void *user_data, void **state)
{
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    drain_deferred();
    auto &spec = *static_cast<std::shared_ptr<Spec> *>(user_data);
    if (spec->inports == nullptr) {
        return reflow_context_fail(native, REFLOW_ERROR_CLOSED,
                                   view_of("the runtime of this actor has been collected"), view_of(""));
    }
    const Turn turn(spec->runtime, native, false);
    auto *node = new Node;
    node->spec = spec;
    Ref component(str_of(view_of(spec->id)));
    node->info = component ? new_info(reflow_context_node(native), component.get(), spec->inports,
                                      spec->outports, spec->runtime, spec->hooks)
                           : nullptr;
    if (node->info == nullptr || !make_parts(node, native)) {
        const reflow_status status = fail_with_exception(native, node);
        node->clear();
        delete node;
        return status;
    }
    node->next = spec->nodes;
    node->previous = &spec->nodes;
    if (node->next != nullptr) node->next->previous = &node->next;
    spec->nodes = node;
    *state = node;
    return REFLOW_OK;
}

// Calls one of the parts with the context, and emits what it returns if it may.
reflow_status call_method(reflow_context *native, Node *node, PyObject *part, bool emits,
                          std::string *message = nullptr)
{
    // Only run and finish are called beside the workers.
    const Turn turn(node->spec->runtime, native, emits && node->spec->may_wait);
    const Entered context(node, native);
    Ref kept = Ref::borrow(part);
    Ref result(context ? in_python([&] {
        return PyObject_CallFunctionObjArgs(part, context.object(), nullptr);
    })
                       : nullptr);
    const bool good = result && (!emits || emit_result(context.get(), result.get()));
    if (good) return REFLOW_OK;
    if (emits && context) fail_opened(context.get());
    return fail_with_exception(native, node, message);
}

// What is raised where the actor has ended fails no firing: the log tells of it.
void tell_log(reflow_context *native, const std::string &message)
{
    if (message.empty()) return;
    const std::string line = "teardown: " + message;
    unlocked([&] {
        reflow_context_log(native, REFLOW_LOG_WARN, view_of(line));
        return 0;
    });
}

reflow_status setup(reflow_context *native, void *state)
{
    auto *node = static_cast<Node *>(state);
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    drain_deferred();
    node->started = false;
    node->alone = node->lost_firings = 0;
    Py_CLEAR(node->lost);
    Py_CLEAR(node->generator);
    return node->setup == nullptr ? REFLOW_OK : call_method(native, node, node->setup, false);
}

reflow_status finish(reflow_context *native, void *state)
{
    auto *node = static_cast<Node *>(state);
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    drain_deferred();
    if (node->finish == nullptr) return REFLOW_OK;
    return call_method(native, node, node->finish, true);
}

void teardown(reflow_context *native, void *state)
{
    auto *node = static_cast<Node *>(state);
    if (ending()) return;
    Gil gil;
    drain_deferred();
    Py_CLEAR(node->generator); // its finally blocks run
    if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(nullptr);
    if (node->teardown == nullptr) return;
    std::string message;
    call_method(native, node, node->teardown, false, &message);
    tell_log(native, message);
}

void destroy_state(void *state)
{
    auto *node = static_cast<Node *>(state);
    if (ending()) return; // Python objects cannot be ended any more
    Gil gil;
    unlink_node(node);
    node->clear();
    delete node;
}

// The Runtime object has cleared the spec, or will: here is nothing of Python.
void destroy_spec(void *user_data) { delete static_cast<std::shared_ptr<Spec> *>(user_data); }

} // namespace

void fill_callbacks(reflow_component *component, const std::shared_ptr<Spec> &spec)
{
    component->create = &create;
    component->setup = &setup;
    component->run = &run_actor;
    component->finish = &finish;
    component->teardown = &teardown;
    component->destroy_state = &destroy_state;
    component->user_data = new std::shared_ptr<Spec>(spec);
    component->destroy = &destroy_spec;
}

} // namespace reflowpy
