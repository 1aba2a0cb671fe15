// Memory of Python objects that messages use without a copy.
#pragma once

#include "base.hpp"

namespace reflowpy {

// Lends a buffer to a new message: bytes, or packed numbers if type is not 0. The buffer is taken in any
// case; it is released when the engine has let go of the message, by a thread that holds the lock of the
// interpreter. False with an exception set if the engine refuses.
bool lend_buffer(Py_buffer *buffer, reflow_number type, reflow_message *out);

// Lends count numbers that stand in the buffer of an object, such as a row of a matrix.
bool lend_part(PyObject *owner, const void *data, size_t count, reflow_number type,
               reflow_message *out);

// Lends the content of a bytes or an ASCII str object.
bool lend_object(PyObject *owner, reflow_kind kind, const void *data, size_t size,
                 reflow_message *out);

// The object whose memory a message uses, borrowed, or NULL if it is not memory of ours. The message
// must be alive, and the lock of the interpreter held.
PyObject *lender_of(const void *data);

// How many buffers are lent now, for tests.
size_t lent_count();

} // namespace reflowpy
