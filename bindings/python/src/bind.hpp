// What the files that use pybind11 share: from failures to exceptions, handles with one owner, text.
// The files of the hot path use Python's own interface and do without.
#pragma once

#include "base.hpp"
#include "errors.hpp"
#include "values.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

namespace reflowpy {

namespace py = pybind11;

// Throws the exception that is set if the call before has not gone well.
inline void must(bool good)
{
    if (!good) throw py::error_already_set();
}

// Makes a call of the engine that has an error as its last argument, with the interpreter's lock held.
template <typename Call> void call(Call &&function)
{
    Failure error;
    must(check(function(error.out()), error));
}

// The same without the lock: for all that may wait or run code of others.
template <typename Call> void call_unlocked(Call &&function)
{
    Failure error;
    const reflow_status status = unlocked([&] { return function(error.out()); });
    must(check(status, error));
}

// A handle of the engine with one owner.
template <typename Handle, void (*Destroy)(Handle *)> struct Ending {
    void operator()(Handle *handle) const { Destroy(handle); }
};
template <typename Handle, void (*Destroy)(Handle *)>
using Owned = std::unique_ptr<Handle, Ending<Handle, Destroy>>;

using Buffer = Owned<reflow_buffer, reflow_buffer_destroy>;
using GraphOwned = Owned<reflow_graph, reflow_graph_destroy>;

inline reflow_view view(const std::string &text) { return {text.data(), text.size()}; }
inline py::str text(reflow_view of) { return py::reinterpret_steal<py::str>(str_of(of)); }

// A message as a value, whose arrays are lists; the message is ended. For documents, reports and the like.
inline py::object value_of(reflow_message owned)
{
    PyObject *value = from_message(owned, Arrays::list);
    reflow_message_unref(owned);
    must(value != nullptr);
    return py::reinterpret_steal<py::object>(value);
}

// A message of a value, for a call that takes it.
inline reflow_message message_from(const py::handle &value)
{
    reflow_message message{};
    must(to_message(value.ptr(), &message));
    return message;
}

// A message that a call of the engine makes, as a value.
template <typename Call> py::object message_of(Call &&function)
{
    reflow_message message{};
    call([&](reflow_error **error) { return function(&message, error); });
    return value_of(message);
}

inline py::bytes bytes_of(const Buffer &buffer)
{
    const reflow_view content = reflow_buffer_get(buffer.get());
    return {content.data, content.size};
}

} // namespace reflowpy
