// Streams of the engine (section 15 of reflow.h) as objects of Python: their two sides, and how they wait.
#pragma once

#include "base.hpp"

namespace reflowpy {

bool init_stream(PyObject *module);

// A reflow.Stream for a handle that has arrived, which is borrowed; a Message where nobody knows for which
// runtime it is. NULL with an exception.
PyObject *stream_of(reflow_message handle);

bool is_stream(PyObject *object);

// The received streams among values, as a tuple; NULL without an exception if there are none.
PyObject *streams_among(PyObject *const *values, size_t count);

// Ends what a firing that has failed was given: nobody is going to read it, though its exception, which is
// kept, still knows it. streams is what streams_among has told, or NULL. An exception that is set stays.
void close_streams(PyObject *streams);

// The handle that a Stream travels as; the caller owns it. False with an exception if it has none any more.
bool handle_of_stream(PyObject *stream, reflow_message *out);

} // namespace reflowpy
