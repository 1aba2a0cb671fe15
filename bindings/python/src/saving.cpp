// What snapshots and live changes keep of an actor in Python: ctx.state, and what the object of a class
// saves itself. What that is made of is decided in reflow/_saving.py.
#include "actor.hpp"
#include "errors.hpp"

namespace reflowpy {

namespace {

Ref call_saving(const char *name, PyObject *run, PyObject *value)
{
    Ref module(PyImport_ImportModule("reflow._saving"));
    Ref function(module ? PyObject_GetAttrString(module.get(), name) : nullptr);
    Ref kept = Ref::borrow(run != nullptr ? run : Py_None);
    return Ref(function ? in_python([&] {
        return PyObject_CallFunctionObjArgs(function.get(), kept.get(), value, nullptr);
    })
                        : nullptr);
}

reflow_status save(reflow_context *native, void *state, reflow_message *out)
{
    auto *node = static_cast<Node *>(state);
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    drain_deferred();
    const auto *info = reinterpret_cast<Info *>(node->info);
    PyObject *kept = info != nullptr && info->state != nullptr ? info->state : Py_None;
    Ref value = call_saving("save", node->run, kept);
    if (!value) return fail_with_exception(native, node);
    if (value.get() == Py_None) return REFLOW_OK; // there is nothing to save
    return to_message(value.get(), out) ? REFLOW_OK : fail_with_exception(native, node);
}

reflow_status load(reflow_context *native, void *state, uint32_t, reflow_message saved)
{
    auto *node = static_cast<Node *>(state);
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    drain_deferred();
    Ref value(from_message(saved));
    Ref made = value ? call_saving("load", node->run, value.get()) : Ref();
    auto *info = reinterpret_cast<Info *>(node->info);
    if (!made || info == nullptr) return fail_with_exception(native, node);
    if (made.get() != Py_None) {
        PyObject *old = info->state;
        info->state = made.release();
        Py_XDECREF(old);
    }
    return REFLOW_OK;
}

} // namespace

void fill_saving(reflow_component *component)
{
    component->save = &save;
    component->load = &load;
    component->state_version = 1;
}

} // namespace reflowpy
