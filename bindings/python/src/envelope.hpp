// Envelopes of packets as dicts of Python.
#pragma once

#include "base.hpp"

namespace reflowpy {

// An envelope of a dict, for the time of a call.
class EnvelopeOf {
public:
    // False with an exception: for another object, an unknown key, or a value that is none.
    bool parse(PyObject *dict);
    [[nodiscard]] const reflow_envelope *get() const { return &envelope_; }

private:
    bool text(const char *key, reflow_view *out);
    bool bytes(const char *key, uint8_t *out, size_t size);
    PyObject *value(const char *key);

    Ref dict_; // a copy: the texts live as long
    Py_ssize_t used_ = 0;
    reflow_envelope envelope_{};
};

// All fields of an envelope.
PyObject *dict_of_envelope(const reflow_envelope &envelope);

// Whether nothing is in it.
bool is_empty(const reflow_envelope &envelope);

} // namespace reflowpy
