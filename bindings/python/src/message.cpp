// The type Message: a value as the engine has it. Kinds that Python has no type for arrive as one, and it
// gives the memory of bytes and packed arrays through the buffer protocol, for as long as it lives.
#include <cstring>

#include "errors.hpp"
#include "values.hpp"

namespace reflowpy {

PyTypeObject *message_type = nullptr;

namespace {

struct Message {
    PyObject_HEAD
    reflow_message message;
    Py_ssize_t shape; // what views point to
    Py_ssize_t stride;
};

Message *self_of(PyObject *self) { return reinterpret_cast<Message *>(self); }

void message_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    reflow_message_unref(self_of(self)->message);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *new_message(PyTypeObject *, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"value", nullptr};
    PyObject *value = nullptr;
    reflow_message message{};
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Message", const_cast<char **>(names),
                                    &value) == 0 ||
        !to_message(value, &message)) {
        return nullptr;
    }
    return wrap_message(message);
}

PyObject *get_kind(PyObject *self, void *)
{
    return str_of(reflow_kind_name(reflow_message_kind(self_of(self)->message)));
}

PyObject *get_value(PyObject *self, void *)
{
    const reflow_message message = self_of(self)->message;
    const reflow_kind kind = reflow_message_kind(message);
    if (kind == REFLOW_KIND_ANY || kind == REFLOW_KIND_OPTIONAL || kind == REFLOW_KIND_EVENT) {
        reflow_message content{};
        reflow_message_get_content(message, &content);
        return from_message(content, Arrays::list);
    }
    return from_message(message, Arrays::list);
}

PyObject *get_content(PyObject *self, void *)
{
    reflow_message content{};
    if (const reflow_status status = reflow_message_get_content(self_of(self)->message, &content)) {
        return raise_status(status, nullptr, "this kind of message carries no other");
    }
    return from_message(content);
}

PyObject *get_text(PyObject *self, void *)
{
    reflow_view text{};
    reflow_status status = reflow_message_get_text(self_of(self)->message, &text);
    if (status != REFLOW_OK) status = reflow_message_get_event_type(self_of(self)->message, &text);
    if (status != REFLOW_OK) return raise_status(status, nullptr, "this kind of message has no text");
    return str_of(text);
}

PyObject *get_payload_size(PyObject *self, void *)
{
    return PyLong_FromUnsignedLongLong(reflow_message_payload_size(self_of(self)->message));
}

PyObject *get_fields(PyObject *self, void *)
{
    const reflow_message message = self_of(self)->message;
    reflow_view network{};
    reflow_view actor{};
    reflow_view port{};
    if (reflow_message_get_remote(message, &network, &actor, &port) == REFLOW_OK) {
        return Py_BuildValue("{s:N,s:N,s:N}", "network", str_of(network), "actor", str_of(actor),
                             "port", str_of(port));
    }
    reflow_stream_info info{};
    info.struct_size = sizeof info;
    if (const reflow_status status = reflow_message_get_stream(message, &info)) {
        return raise_status(status, nullptr, "only streams and remote references have fields");
    }
    return Py_BuildValue("{s:K,s:N,s:N,s:N,s:N}", "stream_id",
                         static_cast<unsigned long long>(info.stream_id), "size_hint",
                         info.has_size_hint != 0 ? PyLong_FromUnsignedLongLong(info.size_hint)
                                                 : Py_NewRef(Py_None),
                         "origin_actor", str_of(info.origin_actor), "origin_port",
                         str_of(info.origin_port), "content_type", str_of(info.content_type));
}

PyObject *to_json(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"tagged", "pretty", nullptr};
    int tagged = 0;
    int pretty = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|$pp:to_json", const_cast<char **>(names),
                                    &tagged, &pretty) == 0) {
        return nullptr;
    }
    Failure error;
    reflow_buffer *buffer = nullptr;
    const reflow_json_style style = tagged != 0   ? REFLOW_JSON_TAGGED
                                    : pretty != 0 ? REFLOW_JSON_PLAIN_PRETTY
                                                  : REFLOW_JSON_PLAIN;
    if (!check(reflow_message_to_json(self_of(self)->message, style, &buffer, error.out()), error)) {
        return nullptr;
    }
    PyObject *text = str_of(reflow_buffer_get(buffer));
    reflow_buffer_destroy(buffer);
    return text;
}

PyObject *from_json(PyObject *, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"text", "tagged", nullptr};
    const char *data = nullptr;
    Py_ssize_t size = 0;
    int tagged = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "s#|$p:from_json",
                                    const_cast<char **>(names), &data, &size, &tagged) == 0) {
        return nullptr;
    }
    Failure error;
    reflow_message message{};
    const reflow_view text{data, static_cast<size_t>(size)};
    const reflow_status status =
        tagged != 0 ? reflow_message_from_tagged_json(text, nullptr, &message, error.out())
                    : reflow_message_from_json(text, nullptr, &message, error.out());
    return check(status, error) ? wrap_message(message) : nullptr;
}

PyObject *to_msgpack(PyObject *self, PyObject *)
{
    Failure error;
    reflow_buffer *buffer = nullptr;
    if (!check(reflow_message_to_msgpack(self_of(self)->message, &buffer, error.out()), error)) {
        return nullptr;
    }
    const reflow_view data = reflow_buffer_get(buffer);
    PyObject *bytes = PyBytes_FromStringAndSize(data.data, static_cast<Py_ssize_t>(data.size));
    reflow_buffer_destroy(buffer);
    return bytes;
}

PyObject *from_msgpack(PyObject *, PyObject *data)
{
    Py_buffer view{};
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) return nullptr;
    Failure error;
    reflow_message message{};
    const reflow_status status = reflow_message_from_msgpack(
        view.buf, static_cast<size_t>(view.len), nullptr, &message, error.out());
    PyBuffer_Release(&view);
    return check(status, error) ? wrap_message(message) : nullptr;
}

PyObject *wrapped(PyObject *value, reflow_kind kind)
{
    reflow_message content{};
    reflow_message message{};
    if (!to_message(value, &content)) return nullptr;
    Failure error;
    return check(reflow_message_wrap(kind, content, &message, error.out()), error)
               ? wrap_message(message)
               : nullptr;
}

PyObject *make_event(PyObject *, PyObject *value) { return wrapped(value, REFLOW_KIND_EVENT); }
PyObject *make_any(PyObject *, PyObject *value) { return wrapped(value, REFLOW_KIND_ANY); }

PyObject *make_optional(PyObject *, PyObject *arguments)
{
    PyObject *value = nullptr;
    if (PyArg_ParseTuple(arguments, "|O:optional", &value) == 0) return nullptr;
    if (value != nullptr) return wrapped(value, REFLOW_KIND_OPTIONAL);
    Failure error;
    reflow_message message{};
    return check(reflow_message_wrap(REFLOW_KIND_OPTIONAL, {}, &message, error.out()), error)
               ? wrap_message(message)
               : nullptr;
}

PyObject *make_flow(PyObject *, PyObject *) { return wrap_message(reflow_message_flow()); }

PyObject *make_error(PyObject *, PyObject *text)
{
    reflow_view view{};
    if (!view_from(text, "the text of an error", &view)) return nullptr;
    Failure error;
    reflow_message message{};
    return check(reflow_message_error(view, &message, error.out()), error) ? wrap_message(message)
                                                                           : nullptr;
}

PyObject *make_encoded(PyObject *, PyObject *data)
{
    Py_buffer view{};
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) return nullptr;
    Failure error;
    reflow_message message{};
    const reflow_status status =
        reflow_message_encoded(view.buf, static_cast<size_t>(view.len), &message, error.out());
    PyBuffer_Release(&view);
    return check(status, error) ? wrap_message(message) : nullptr;
}

PyObject *make_network_event(PyObject *, PyObject *arguments)
{
    const char *type = nullptr;
    Py_ssize_t size = 0;
    PyObject *value = Py_None;
    reflow_message data{};
    reflow_message message{};
    if (PyArg_ParseTuple(arguments, "s#|O:network_event", &type, &size, &value) == 0 ||
        !to_message(value, &data)) {
        return nullptr;
    }
    Failure error;
    return check(reflow_message_network_event({type, static_cast<size_t>(size)}, data, &message,
                                              error.out()),
                 error)
               ? wrap_message(message)
               : nullptr;
}

PyObject *make_remote(PyObject *, PyObject *arguments)
{
    const char *parts[3] = {};
    Py_ssize_t sizes[3] = {};
    if (PyArg_ParseTuple(arguments, "s#s#s#:remote", &parts[0], &sizes[0], &parts[1], &sizes[1],
                         &parts[2], &sizes[2]) == 0) {
        return nullptr;
    }
    reflow_view views[3];
    for (int i = 0; i < 3; ++i) views[i] = {parts[i], static_cast<size_t>(sizes[i])};
    Failure error;
    reflow_message message{};
    return check(reflow_message_remote(views[0], views[1], views[2], &message, error.out()), error)
               ? wrap_message(message)
               : nullptr;
}

Py_ssize_t message_length(PyObject *self)
{
    const reflow_message message = self_of(self)->message;
    const reflow_kind kind = reflow_message_kind(message);
    if (kind == REFLOW_KIND_ARRAY || kind == REFLOW_KIND_OBJECT) {
        return static_cast<Py_ssize_t>(reflow_message_count(message));
    }
    reflow_view data{};
    if (reflow_message_get_bytes(message, &data) == REFLOW_OK) {
        return static_cast<Py_ssize_t>(data.size);
    }
    PyErr_SetString(PyExc_TypeError, "this kind of message has no length");
    return -1;
}

PyObject *message_subscript(PyObject *self, PyObject *key)
{
    const reflow_message message = self_of(self)->message;
    reflow_message element{};
    if (PyUnicode_Check(key) != 0) {
        reflow_view name{};
        if (!view_from(key, "a key", &name)) return nullptr;
        if (reflow_message_get(message, name, &element) != REFLOW_OK) {
            PyErr_SetObject(PyExc_KeyError, key);
            return nullptr;
        }
        return from_message(element);
    }
    if (PySlice_Check(key) != 0) {
        Ref list(from_message(message, Arrays::list));
        return list ? PyObject_GetItem(list.get(), key) : nullptr;
    }
    Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred() != nullptr) return nullptr;
    if (index < 0) index += static_cast<Py_ssize_t>(reflow_message_count(message));
    if (index < 0 ||
        reflow_message_get_at(message, static_cast<size_t>(index), &element) != REFLOW_OK) {
        PyErr_SetString(PyExc_IndexError, "index out of range");
        return nullptr;
    }
    return from_message(element);
}

PyObject *message_item(PyObject *self, Py_ssize_t index)
{
    Ref key(PyLong_FromSsize_t(index));
    return key ? message_subscript(self, key.get()) : nullptr;
}

PyObject *message_compare(PyObject *self, PyObject *other, int operation)
{
    if (operation != Py_EQ && operation != Py_NE) Py_RETURN_NOTIMPLEMENTED;
    bool same = false;
    if (Py_TYPE(other) == message_type) {
        same = reflow_message_equal(self_of(self)->message, self_of(other)->message);
    } else {
        reflow_message message{};
        if (!to_message(other, &message)) {
            PyErr_Clear();
            Py_RETURN_NOTIMPLEMENTED;
        }
        same = reflow_message_equal(self_of(self)->message, message);
        reflow_message_unref(message);
    }
    return PyBool_FromLong(same == (operation == Py_EQ) ? 1 : 0);
}

PyObject *message_repr(PyObject *self)
{
    const reflow_message message = self_of(self)->message;
    Ref kind(get_kind(self, nullptr));
    if (!kind) return nullptr;
    const uint64_t size = reflow_message_payload_size(message);
    Ref text(size > 200 ? nullptr : PyObject_CallMethod(self, "to_json", nullptr));
    if (!text) {
        PyErr_Clear();
        return PyUnicode_FromFormat("<reflow.Message %U of %llu bytes>", kind.get(), size);
    }
    return PyUnicode_FromFormat("<reflow.Message %U %U>", kind.get(), text.get());
}

int message_buffer(PyObject *self, Py_buffer *view, int flags)
{
    Message *m = self_of(self);
    reflow_number type = REFLOW_NUMBER_U8;
    const void *data = nullptr;
    size_t count = 0;
    reflow_view bytes{};
    if (reflow_message_get_bytes(m->message, &bytes) == REFLOW_OK) {
        data = bytes.data;
        count = bytes.size;
    } else if (reflow_message_get_numbers(m->message, &type, &data, &count) != REFLOW_OK) {
        PyErr_SetString(PyExc_BufferError, "only text, bytes and packed arrays have a buffer");
        return -1;
    }
    m->stride = size_of_number(type);
    m->shape = static_cast<Py_ssize_t>(count);
    if (PyBuffer_FillInfo(view, self, const_cast<void *>(data), m->shape * m->stride, 1, flags) != 0) {
        return -1;
    }
    view->itemsize = m->stride;
    view->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char *>(format_of_number(type)) : nullptr;
    if ((flags & PyBUF_ND) != 0) view->shape = &m->shape;
    if ((flags & PyBUF_STRIDES) == PyBUF_STRIDES) view->strides = &m->stride;
    return 0;
}

// Messages are pickled as MessagePack, and unpickled by a function that has a name to be found by.
PyObject *message_reduce(PyObject *self, PyObject *)
{
    Ref module(PyImport_ImportModule("reflow.values"));
    Ref function(module ? PyObject_GetAttrString(module.get(), "_message_of") : nullptr);
    Ref data(function ? PyObject_CallMethod(self, "to_msgpack", nullptr) : nullptr);
    return data ? Py_BuildValue("O(O)", function.get(), data.get()) : nullptr;
}

PyCFunction with_keywords(PyCFunctionWithKeywords function)
{
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(function));
}

PyMethodDef methods[] = {
    {"to_json", with_keywords(to_json), METH_VARARGS | METH_KEYWORDS,
     "to_json(*, tagged=False, pretty=False) -> str\n\nThe message as JSON; tagged keeps every kind."},
    {"from_json", with_keywords(from_json), METH_VARARGS | METH_KEYWORDS | METH_STATIC,
     "from_json(text, *, tagged=False) -> Message\n\nReads JSON. Raises ParseError with the place."},
    {"to_msgpack", to_msgpack, METH_NOARGS, "to_msgpack() -> bytes\n\nMessagePack, without loss."},
    {"from_msgpack", from_msgpack, METH_O | METH_STATIC,
     "from_msgpack(data) -> Message\n\nReads MessagePack. Raises ParseError with the offset."},
    {"__reduce__", message_reduce, METH_NOARGS, "How it is pickled."},
    {"flow", make_flow, METH_NOARGS | METH_STATIC, "flow() -> Message\n\nA signal without content."},
    {"event", make_event, METH_O | METH_STATIC, "event(value) -> Message\n\nAn event with a value."},
    {"any", make_any, METH_O | METH_STATIC, "any(value) -> Message\n\nA value of no declared type."},
    {"optional", make_optional, METH_VARARGS | METH_STATIC,
     "optional([value]) -> Message\n\nAn optional; without a value it is empty."},
    {"error", make_error, METH_O | METH_STATIC, "error(text) -> Message\n\nAn error message."},
    {"encoded", make_encoded, METH_O | METH_STATIC,
     "encoded(data) -> Message\n\nBytes that are an encoded message (MessagePack)."},
    {"network_event", make_network_event, METH_VARARGS | METH_STATIC,
     "network_event(type, value=None) -> Message\n\nAn event of a network as a packet."},
    {"remote", make_remote, METH_VARARGS | METH_STATIC,
     "remote(network, actor, port) -> Message\n\nA reference to an actor in another network."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"kind", get_kind, nullptr, "The name of the kind: 'Integer', 'Array', 'Flow', ...", nullptr},
    {"value", get_value, nullptr, "The value; of a wrapping kind, that of its content. Arrays are lists.",
     nullptr},
    {"content", get_content, nullptr, "What an event, any, optional or network event carries.", nullptr},
    {"text", get_text, nullptr, "The text of a string or error, the type of a network event.", nullptr},
    {"fields", get_fields, nullptr, "The fields of a stream handle or remote reference, a dict.",
     nullptr},
    {"payload_size", get_payload_size, nullptr, "Bytes of payload.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

const char documentation[] =
    "Message(value)\n\nA value as the engine has it: immutable, and cheap to pass on. It has the buffer\n"
    "protocol if it is text, bytes or a packed array: memoryview(m) and numpy.asarray(m) copy nothing.";

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>(documentation)},
    {Py_tp_dealloc, slot(message_dealloc)},
    {Py_tp_new, slot(new_message)},
    {Py_tp_repr, slot(message_repr)},
    {Py_tp_richcompare, slot(message_compare)},
    {Py_tp_hash, slot(PyObject_HashNotImplemented)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_mp_length, slot(message_length)},
    {Py_mp_subscript, slot(message_subscript)},
    {Py_sq_item, slot(message_item)},
    {Py_bf_getbuffer, slot(message_buffer)},
    {0, nullptr},
};

PyType_Spec spec = {"reflow.Message", sizeof(Message), 0, Py_TPFLAGS_DEFAULT, slots};

} // namespace

bool init_message(PyObject *module)
{
    message_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return message_type != nullptr &&
           PyModule_AddObjectRef(module, "Message", reinterpret_cast<PyObject *>(message_type)) == 0;
}

PyObject *wrap_message(reflow_message owned)
{
    PyObject *object = message_type->tp_alloc(message_type, 0);
    if (object == nullptr) {
        reflow_message_unref(owned);
        return nullptr;
    }
    self_of(object)->message = owned;
    return object;
}

reflow_message message_in(PyObject *message) { return self_of(message)->message; }

} // namespace reflowpy
