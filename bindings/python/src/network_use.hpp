// Networks and runtimes of the module, for the time of a call.
#pragma once

#include "bind.hpp"
#include "handles.hpp"

namespace reflowpy {

// Keeps the handle of a Network for as long as a call uses it, whoever closes it meanwhile. Throws what
// network_handle raises, such as ClosedError. Made and ended with the interpreter's lock held.
class NetworkUse {
public:
    explicit NetworkUse(const py::handle &network)
        : handle_(find(network)), using_(reinterpret_cast<NetworkObject *>(network.ptr()))
    {
    }
    NetworkUse(const NetworkUse &) = delete;
    NetworkUse &operator=(const NetworkUse &) = delete;
    [[nodiscard]] reflow_network *get() const { return handle_; }

private:
    static reflow_network *find(const py::handle &network)
    {
        if (!PyObject_TypeCheck(network.ptr(), network_type)) {
            PyErr_Format(PyExc_TypeError, "a reflow.Network is wanted, not %.200s",
                         Py_TYPE(network.ptr())->tp_name);
            throw py::error_already_set();
        }
        reflow_network *handle = network_handle(network.ptr());
        must(handle != nullptr);
        return handle;
    }

    reflow_network *handle_;
    Using<NetworkObject> using_;
};

// The same for a Runtime.
class RuntimeUse {
public:
    explicit RuntimeUse(const py::handle &runtime)
        : handle_(find(runtime)), using_(reinterpret_cast<RuntimeObject *>(runtime.ptr()))
    {
    }
    RuntimeUse(const RuntimeUse &) = delete;
    RuntimeUse &operator=(const RuntimeUse &) = delete;
    [[nodiscard]] reflow_runtime *get() const { return handle_; }

private:
    static reflow_runtime *find(const py::handle &runtime)
    {
        if (!PyObject_TypeCheck(runtime.ptr(), runtime_type)) {
            PyErr_Format(PyExc_TypeError, "a reflow.Runtime is wanted, not %.200s",
                         Py_TYPE(runtime.ptr())->tp_name);
            throw py::error_already_set();
        }
        reflow_runtime *handle = runtime_handle(runtime.ptr());
        must(handle != nullptr);
        return handle;
    }

    reflow_runtime *handle_;
    Using<RuntimeObject> using_;
};

} // namespace reflowpy
