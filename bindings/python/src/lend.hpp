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

// The object whose memory a message uses, which is at data; borrowed, or NULL if it is not memory of ours. The
// message must be alive, and the lock of the interpreter held.
PyObject *lender_of(reflow_message message, const void *data);

// An array of several dimensions as a message has it: the object that it was made of, and from which of its
// dimensions on.
struct Whole {
    PyObject *owner; // borrowed
    int dimension;
};

// Says that whole was made of the owner of first, from a dimension on; first is its first packed array.
void remember_whole(reflow_message first, reflow_message whole, int dimension);

// What a message was made of, by those; false if it is none of them. Whether it has all of its rows, and no
// others, is for the caller to see. As for lender_of.
bool find_whole(reflow_message message, Whole *out);

// The first packed array in a message that is an array of arrays; false if there is none.
bool first_packed(reflow_message message, reflow_message *packed, const void **data);

// How many buffers are lent now, for tests.
size_t lent_count();

} // namespace reflowpy
