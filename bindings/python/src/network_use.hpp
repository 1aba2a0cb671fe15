// Networks and runtimes of the module, for the time of a call.
#pragma once

#include <cstring>

#include "bind.hpp"
#include "handles.hpp"

namespace reflowpy {

// Keeps the handle of a Network or a Runtime for as long as a call uses it, whoever closes it meanwhile.
// Throws what find raises, such as ClosedError. Made and ended with the interpreter's lock held.
template <typename Object, typename Handle, PyTypeObject *&type, Handle *(*find)(PyObject *)>
class Use {
public:
    explicit Use(const py::handle &object)
        : handle_(handle_of(object)), using_(reinterpret_cast<Object *>(object.ptr()))
    {
    }
    Use(const Use &) = delete;
    Use &operator=(const Use &) = delete;
    [[nodiscard]] Handle *get() const { return handle_; }

private:
    static Handle *handle_of(const py::handle &object)
    {
        if (!PyObject_TypeCheck(object.ptr(), type)) {
            const char *dot = std::strrchr(type->tp_name, '.'); // people know it as one of reflow
            PyErr_Format(PyExc_TypeError, "a reflow.%.200s is wanted, not %.200s",
                         dot != nullptr ? dot + 1 : type->tp_name, Py_TYPE(object.ptr())->tp_name);
            throw py::error_already_set();
        }
        Handle *handle = find(object.ptr());
        must(handle != nullptr);
        return handle;
    }

    Handle *handle_;
    Using<Object> using_;
};

using NetworkUse = Use<NetworkObject, reflow_network, network_type, network_handle>;
using RuntimeUse = Use<RuntimeObject, reflow_runtime, runtime_type, runtime_handle>;

} // namespace reflowpy
