// Envelopes of packets as dicts of Python: trace_id and span_id are bytes, deadline_ms an int, the rest str.
#include "envelope.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "errors.hpp"

namespace reflowpy {

PyObject *EnvelopeOf::value(const char *key)
{
    PyObject *found = PyDict_GetItemString(dict_.get(), key);
    if (found != nullptr) ++used_;
    return found;
}

bool EnvelopeOf::text(const char *key, reflow_view *out)
{
    *out = {"", 0};
    PyObject *found = value(key);
    return found == nullptr || view_from(found, key, out);
}

bool EnvelopeOf::bytes(const char *key, uint8_t *out, size_t size)
{
    PyObject *found = value(key);
    if (found == nullptr) return true;
    if (PyBytes_Check(found) == 0 || static_cast<size_t>(PyBytes_GET_SIZE(found)) != size) {
        raise_text(REFLOW_ERROR_INVALID_ARGUMENT, std::string("the ") + key + " of an envelope is " +
                                                      std::to_string(size) + " bytes");
        return false;
    }
    std::memcpy(out, PyBytes_AS_STRING(found), size);
    return true;
}

bool EnvelopeOf::parse(PyObject *dict)
{
    if (PyDict_Check(dict) == 0) {
        PyErr_Format(PyExc_TypeError, "an envelope is a dict, not %.200s", Py_TYPE(dict)->tp_name);
        return false;
    }
    dict_ = Ref(PyDict_Copy(dict));
    if (!dict_) return false;
    envelope_.struct_size = sizeof envelope_;
    if (!bytes("trace_id", envelope_.trace_id, sizeof envelope_.trace_id) ||
        !bytes("span_id", envelope_.span_id, sizeof envelope_.span_id) ||
        !text("correlation", &envelope_.correlation) ||
        !text("source_network", &envelope_.source_network) ||
        !text("source_instance", &envelope_.source_instance) ||
        !text("source_actor", &envelope_.source_actor) || !text("message_id", &envelope_.message_id)) {
        return false;
    }
    if (PyObject *deadline = value("deadline_ms")) {
        envelope_.deadline_ms = PyLong_AsLongLong(deadline);
        if (PyErr_Occurred() != nullptr) return false;
    }
    if (used_ == PyDict_GET_SIZE(dict_.get())) return true;
    raise_text(REFLOW_ERROR_INVALID_ARGUMENT, "an envelope has a key that there is not",
               "there are trace_id, span_id, deadline_ms, correlation, source_network, "
               "source_instance, source_actor and message_id");
    return false;
}

PyObject *dict_of_envelope(const reflow_envelope &envelope)
{
    return Py_BuildValue(
        "{s:y#,s:y#,s:L,s:N,s:N,s:N,s:N,s:N}", "trace_id", envelope.trace_id,
        static_cast<Py_ssize_t>(sizeof envelope.trace_id), "span_id", envelope.span_id,
        static_cast<Py_ssize_t>(sizeof envelope.span_id), "deadline_ms",
        static_cast<long long>(envelope.deadline_ms), "correlation", str_of(envelope.correlation),
        "source_network", str_of(envelope.source_network), "source_instance",
        str_of(envelope.source_instance), "source_actor", str_of(envelope.source_actor), "message_id",
        str_of(envelope.message_id));
}

bool is_empty(const reflow_envelope &envelope)
{
    const auto zero = [](uint8_t byte) { return byte == 0; };
    return std::all_of(std::begin(envelope.trace_id), std::end(envelope.trace_id), zero) &&
           std::all_of(std::begin(envelope.span_id), std::end(envelope.span_id), zero) &&
           envelope.deadline_ms == 0 && envelope.correlation.size == 0 &&
           envelope.source_network.size == 0 && envelope.source_instance.size == 0 &&
           envelope.source_actor.size == 0 && envelope.message_id.size == 0;
}

} // namespace reflowpy
