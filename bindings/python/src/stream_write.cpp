// The side of a Stream that is written to.
#include "lend.hpp"
#include "stream_object.hpp"
#include "values.hpp"

namespace reflowpy {

namespace {

bool raise_no_frame(PyObject *data)
{
    raise_text(REFLOW_ERROR_WRONG_KIND,
               std::string("a frame of a stream is bytes, or another buffer of bytes, not ") +
                   Py_TYPE(data)->tp_name,
               PyUnicode_Check(data) != 0 ? "text.encode()" : "");
    return false;
}

// Data for a frame. What can be changed is copied, the rest is lent.
bool frame_of(PyObject *data, reflow_message *out)
{
    if (Py_TYPE(data) == message_type) {
        if (reflow_message_kind(message_in(data)) != REFLOW_KIND_BYTES) return raise_no_frame(data);
        *out = reflow_message_ref(message_in(data));
        return true;
    }
    if (PyBytes_CheckExact(data) != 0) return to_message(data, out);
    if (PyObject_CheckBuffer(data) == 0) return raise_no_frame(data);
    Py_buffer view{};
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) { // not one piece of memory
        PyErr_Clear();
        Ref copy(PyBytes_FromObject(data));
        return copy && to_message(copy.get(), out);
    }
    constexpr Py_ssize_t lend_from = 4096;
    if (view.readonly != 0 && view.len >= lend_from) return lend_buffer(&view, 0, out);
    Failure error;
    const bool good =
        check(reflow_message_bytes(view.buf, static_cast<size_t>(view.len), out, error.out()), error);
    PyBuffer_Release(&view);
    return good;
}

// The writer for a call; false with an exception if there is none.
bool writes(PyObject *self)
{
    Sides &sides = sides_of(self);
    if (!of_this_process(self)) return false;
    if (!sides.made) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "this stream was received, and can be read only",
                   "ctx.open_stream() makes one to write to");
        return false;
    }
    if (sides.finished) {
        raise_text(REFLOW_ERROR_CLOSED, "the stream has ended");
        return false;
    }
    // Whoever has received the handle decides from now on whether anybody reads.
    if (sides.sent) drop_handle(stream_in(self));
    return true;
}

// Writes a frame. The status; interrupted with an exception set.
reflow_status write_frame(PyObject *self, PyObject *data, const Timeout &timeout)
{
    reflow_message frame{};
    if (!writes(self)) return interrupted;
    const auto *runtime = reinterpret_cast<const RuntimeObject *>(stream_in(self)->runtime);
    if (runtime != nullptr && runtime->closed) return network_closed;
    Writer &writer = sides_of(self).writer;
    const Writer::Use use(writer);
    if (!use.good("write") || !frame_of(data, &frame)) return interrupted;
    const reflow_status status = writer.go_on(
        stream_in(self)->runtime, timeout, [&](int64_t ms) { return reflow_stream_write(writer.get(), frame, ms); });
    if (status != REFLOW_OK) reflow_message_unref(frame);
    return status;
}

PyObject *stream_write(PyObject *self, PyObject *arguments)
{
    PyObject *data = nullptr;
    PyObject *seconds = Py_None;
    Timeout timeout;
    if (PyArg_ParseTuple(arguments, "O|O:_write", &data, &seconds) == 0 || !timeout.parse(seconds)) {
        return nullptr;
    }
    const reflow_status status = write_frame(self, data, timeout);
    if (status == REFLOW_OK) Py_RETURN_NONE;
    return raise_side(status, told_of(status, "the stream is full"));
}

PyObject *stream_try_write(PyObject *self, PyObject *data)
{
    const reflow_status status = write_frame(self, data, at_once());
    if (status == REFLOW_OK) Py_RETURN_TRUE;
    if (status == REFLOW_ERROR_WOULD_BLOCK || status == REFLOW_ERROR_TIMEOUT) Py_RETURN_FALSE;
    return raise_side(status, told_of(status, ""));
}

PyObject *stream_frame(PyObject *, PyObject *data)
{
    reflow_message frame{};
    return frame_of(data, &frame) ? wrap_message(frame) : nullptr;
}

// Ends the stream from the side of its writer. False with an exception.
template <typename Ending> PyObject *finish(PyObject *self, Ending &&end_with)
{
    if (!writes(self)) return nullptr;
    Sides &sides = sides_of(self);
    reflow_status status = REFLOW_OK;
    {
        const Writer::Use use(sides.writer);
        if (!use.good("write")) return nullptr;
        status = unlocked([&] { return end_with(sides.writer.get()); });
    }
    sides.finished = true;
    sides.writer.close();
    return PyBool_FromLong(status == REFLOW_OK ? 1 : 0);
}

PyObject *stream_end(PyObject *self, PyObject *) { return finish(self, reflow_stream_end); }

PyObject *stream_fail(PyObject *self, PyObject *text)
{
    reflow_view view{};
    if (!view_from(text, "what an error says", &view)) return nullptr;
    return finish(self, [&](reflow_stream_writer *writer) { return reflow_stream_fail(writer, view); });
}

const PyMethodDef methods[] = {
    {"_write", stream_write, METH_VARARGS, "Writes a frame, and waits for room."},
    {"_frame", stream_frame, METH_O | METH_STATIC, "Data of a frame as a message."},
    {"try_write", stream_try_write, METH_O,
     "try_write(data) -> bool\n\nWrites a frame if there is room now; False if there is none."},
    {"_end", stream_end, METH_NOARGS, "Ends it; whether somebody can still read it."},
    {"_fail", stream_fail, METH_O, "Ends it with an error; whether somebody can still read it."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

const PyMethodDef *stream_write_methods() { return methods; }

} // namespace reflowpy
