// What a Stream object has, and what the files of its type share: stream.cpp, stream_write.cpp.
#pragma once

#include "stream.hpp"
#include "stream_side.hpp"

namespace reflowpy {

using Writer = Side<reflow_stream_writer, reflow_stream_writer_destroy, reflow_stream_on_writable>;
using Reader = Side<reflow_stream_reader, reflow_stream_reader_destroy, reflow_stream_on_readable>;

struct Sides {
    Writer writer;
    Reader reader;
    std::string failure; // the text of an ERROR that was read
    bool failed = false;
    bool ended = false; // of the reader: behind END or ERROR
    bool finished = false; // of the writer: end or fail has been called
    bool made = false;   // its writer was made with it
    bool sent = false;   // of one that was made: its handle has gone into a message
};

struct Stream {
    PyObject_HEAD
    PyObject *runtime; // a Runtime
    PyObject *fields;  // what its handle tells, a dict
    reflow_message handle;
    uint32_t generation;
    bool holds; // the handle of the runtime, so that what was received can be read when that has been closed
    Sides *sides;
};

inline Stream *stream_in(PyObject *self) { return reinterpret_cast<Stream *>(self); }
inline Sides &sides_of(PyObject *self) { return *stream_in(self)->sides; }

// False with ForkedError in a child of the process that made it.
bool of_this_process(PyObject *self);
void drop_handle(Stream *stream);

// What a status says to whoever reads or writes; waiting is the text for one that has to wait.
const char *told_of(reflow_status status, const char *waiting);
// Raises what a side has answered; nothing for interrupted, with which an exception is set.
PyObject *raise_side(reflow_status status, const char *text);
// A timeout that is over.
Timeout at_once();

// Methods of the type (stream_write.cpp).
const PyMethodDef *stream_write_methods();

} // namespace reflowpy
