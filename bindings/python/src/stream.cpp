// The type Stream: what reflow/stream.py builds reflow.Stream on. Both sides are those of a host, also where
// an actor uses them: so they work in coroutines, on any thread, and for longer than a firing.
#include "stream_object.hpp"
#include "values.hpp"

namespace reflowpy {

thread_local const Turn *Turn::now_ = nullptr;

namespace {

PyTypeObject *base_type = nullptr;

Stream *self_of(PyObject *self) { return stream_in(self); }

// The class of reflow/stream.py; borrowed, and kept for ever.
PyTypeObject *stream_type()
{
    static PyObject *type = nullptr;
    if (type == nullptr) {
        Ref module(PyImport_ImportModule("reflow.stream"));
        type = module ? PyObject_GetAttrString(module.get(), "Stream") : nullptr;
    }
    return reinterpret_cast<PyTypeObject *>(type);
}

// A Stream without sides; takes the handle in any case. runtime is borrowed.
PyObject *new_stream(PyTypeObject *type, PyObject *runtime, reflow_message handle)
{
    Ref self(type->tp_alloc(type, 0));
    if (!self) {
        reflow_message_unref(handle);
        return nullptr;
    }
    Stream *stream = self_of(self.get());
    stream->sides = new Sides;
    stream->handle = handle;
    stream->runtime = Py_NewRef(runtime);
    stream->generation = fork_generation();
    Ref message(wrap_message(reflow_message_ref(handle)));
    stream->fields = message ? PyObject_GetAttrString(message.get(), "fields") : nullptr;
    return stream->fields != nullptr ? self.release() : nullptr;
}

bool has_handle(const Stream *stream)
{
    return reflow_message_kind(stream->handle) == REFLOW_KIND_STREAM;
}

// Stream(runtime, content_type, size_hint, metadata, max_frames, max_bytes): with a writer.
PyObject *stream_new(PyTypeObject *type, PyObject *arguments, PyObject *)
{
    PyObject *runtime = nullptr;
    const char *content_type = "";
    Py_ssize_t size = 0;
    PyObject *size_hint = Py_None;
    PyObject *metadata = Py_None;
    unsigned int frames = 0;
    unsigned long long bytes = 0;
    if (PyArg_ParseTuple(arguments, "O!s#OOIK:Stream", runtime_type, &runtime, &content_type, &size,
                         &size_hint, &metadata, &frames, &bytes) == 0) {
        return nullptr;
    }
    reflow_stream_options options{};
    options.struct_size = sizeof options;
    options.max_frames = frames;
    options.max_bytes = bytes;
    options.content_type = {content_type, static_cast<size_t>(size)};
    if (size_hint != Py_None) {
        options.has_size_hint = 1;
        options.size_hint = PyLong_AsUnsignedLongLong(size_hint);
        if (PyErr_Occurred() != nullptr) return nullptr;
    }
    if (metadata != Py_None && !to_message(metadata, &options.metadata)) return nullptr;
    reflow_runtime *native = runtime_handle(runtime);
    reflow_stream_writer *writer = nullptr;
    reflow_message handle{};
    Failure error;
    const bool good = native != nullptr && check(reflow_stream_create(native, &options, &writer, &handle,
                                                                      error.out()),
                                                 error);
    reflow_message_unref(options.metadata);
    if (!good) return nullptr;
    Ref self(new_stream(type, runtime, handle));
    if (!self) {
        reflow_stream_writer_destroy(writer);
        return nullptr;
    }
    sides_of(self.get()).made = true;
    return sides_of(self.get()).writer.open(writer) ? self.release() : nullptr;
}

RuntimeObject *runtime_in(const Stream *stream) { return reinterpret_cast<RuntimeObject *>(stream->runtime); }

void destroy_native(void *handle) { reflow_runtime_destroy(static_cast<reflow_runtime *>(handle)); }

// Nobody accepts the stream by this object any more.
void let_runtime_go(Stream *stream)
{
    if (!std::exchange(stream->holds, false) || stream->runtime == nullptr) return;
    RuntimeObject *runtime = runtime_in(stream);
    if (--runtime->users != 0 || !runtime->closed || runtime->handle == nullptr || ending()) return;
    reap(&destroy_native, std::exchange(runtime->handle, nullptr));
}

int stream_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self_of(self)->runtime);
    Py_VISIT(self_of(self)->fields);
    return 0;
}

int stream_clear(PyObject *self)
{
    let_runtime_go(self_of(self));
    Py_CLEAR(self_of(self)->runtime);
    return 0;
}

void stream_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Stream *stream = self_of(self);
    // A forked child must not touch what its parent has; what is there leaks in it.
    if (stream->generation == fork_generation()) let_runtime_go(stream);
    if (stream->sides != nullptr && stream->generation == fork_generation()) {
        delete stream->sides;
        drop_handle(stream);
    }
    Py_CLEAR(stream->fields);
    Py_CLEAR(stream->runtime);
    type->tp_free(self);
    Py_DECREF(type);
}

// ---- reading -------------------------------------------------------------------------------------

// The runtime, for a reader; NULL with an exception.
reflow_runtime *runtime_of(Stream *stream)
{
    if (stream->holds) return runtime_in(stream)->handle;
    if (stream->runtime != nullptr) return runtime_handle(stream->runtime);
    raise_text(REFLOW_ERROR_CLOSED, "the runtime of this stream has been collected");
    return nullptr;
}

// Sees to it that there is a reader: the first one who reads accepts the stream.
bool reads(PyObject *self)
{
    Stream *stream = self_of(self);
    Reader &reader = stream->sides->reader;
    if (!of_this_process(self)) return false;
    if (reader.there() || reader.closed()) return true; // Use tells of one that is closed
    if (!has_handle(stream)) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "this stream was sent, so whoever receives it reads");
        return false;
    }
    reflow_runtime *runtime = runtime_of(stream);
    if (runtime == nullptr) return false;
    Failure error;
    reflow_stream_reader *accepted = nullptr;
    if (!check(reflow_stream_accept(runtime, stream->handle, &accepted, error.out()), error)) return false;
    let_runtime_go(stream);
    return reader.open(accepted);
}

PyObject *raise_failure(const Sides &sides)
{
    return raise_text(REFLOW_ERROR_FAILED, "the stream has failed: " + sides.failure);
}

// What a frame is in Python: a view of data, None for END, an exception for ERROR. Takes the frame.
PyObject *value_of_frame(Sides &sides, reflow_stream_frame frame)
{
    if (frame.kind == REFLOW_FRAME_DATA) {
        PyObject *value = from_message(frame.message, Arrays::view);
        reflow_message_unref(frame.message);
        return value;
    }
    sides.ended = true;
    if (frame.kind == REFLOW_FRAME_END) Py_RETURN_NONE;
    reflow_view text{};
    if (reflow_message_get_text(frame.message, &text) == REFLOW_OK) sides.failure = text_of(text);
    sides.failed = true;
    reflow_message_unref(frame.message);
    return raise_failure(sides);
}

// Reads the next frame behind BEGIN. refused tells of REFLOW_ERROR_TIMEOUT, which is not raised then.
PyObject *read_frame(PyObject *self, const Timeout &timeout, bool *refused)
{
    if (!reads(self)) return nullptr;
    Sides &sides = sides_of(self);
    if (sides.failed) return raise_failure(sides);
    if (sides.ended) Py_RETURN_NONE;
    const Reader::Use use(sides.reader);
    if (!use.good("read")) return nullptr;
    reflow_stream_frame frame{};
    const reflow_status status = sides.reader.go_on(self_of(self)->runtime, timeout, [&](int64_t ms) {
        for (;;) {
            size_t count = 0;
            const reflow_status answer = reflow_stream_read(sides.reader.get(), &frame, 1, ms, &count);
            if (answer != REFLOW_OK || frame.kind != REFLOW_FRAME_BEGIN) return answer;
            reflow_message_unref(std::exchange(frame.message, reflow_message{}));
        }
    });
    if (status == REFLOW_OK) return value_of_frame(sides, frame);
    *refused = status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK;
    return *refused ? nullptr
                    : raise_side(status, status == REFLOW_ERROR_CLOSED
                                             ? "the stream is closed"
                                             : told_of(status, "nothing has come through the stream yet"));
}

PyObject *stream_read(PyObject *self, PyObject *arguments)
{
    PyObject *seconds = Py_None;
    Timeout timeout;
    bool refused = false;
    if (PyArg_ParseTuple(arguments, "|O:_read", &seconds) == 0 || !timeout.parse(seconds)) return nullptr;
    PyObject *value = read_frame(self, timeout, &refused);
    return refused ? raise_side(REFLOW_ERROR_TIMEOUT, "nothing has come through the stream yet") : value;
}

// As _read, without a wait: NotImplemented where there is nothing.
PyObject *stream_poll(PyObject *self, PyObject *)
{
    bool refused = false;
    PyObject *value = read_frame(self, at_once(), &refused);
    return refused ? Py_NewRef(Py_NotImplemented) : value;
}

// _collect(max_bytes, timeout): NotImplemented where the END has not come.
PyObject *stream_collect(PyObject *self, PyObject *arguments)
{
    unsigned long long most = 0;
    PyObject *seconds = Py_None;
    Timeout timeout;
    if (PyArg_ParseTuple(arguments, "KO:_collect", &most, &seconds) == 0 || !timeout.parse(seconds) ||
        !reads(self)) {
        return nullptr;
    }
    Sides &sides = sides_of(self);
    if (sides.failed) return raise_failure(sides);
    if (sides.ended) return PyBytes_FromStringAndSize("", 0);
    const Reader::Use use(sides.reader);
    if (!use.good("read")) return nullptr;
    reflow_message all{};
    Failure error;
    const reflow_status status = sides.reader.go_on(self_of(self)->runtime, timeout, [&](int64_t ms) {
        return reflow_stream_collect(sides.reader.get(), most, ms, &all, error.out());
    });
    if (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK) {
        return Py_NewRef(Py_NotImplemented);
    }
    if (status == REFLOW_ERROR_FAILED) {
        sides.failed = true;
        sides.failure = text_of(reflow_error_message(error.get()));
        return raise_failure(sides);
    }
    if (status == REFLOW_ERROR_LIMIT) {
        check(status, error);
        return nullptr;
    }
    if (status != REFLOW_OK) return raise_side(status, told_of(status, "the stream has not ended yet"));
    sides.ended = true;
    PyObject *value = from_message(all);
    reflow_message_unref(all);
    return value;
}

PyObject *stream_observe(PyObject *self, PyObject *arguments)
{
    int reliable = 0;
    unsigned int frames = 0;
    unsigned long long bytes = 0;
    Stream *stream = self_of(self);
    if (PyArg_ParseTuple(arguments, "pIK:_observe", &reliable, &frames, &bytes) == 0 ||
        !of_this_process(self)) {
        return nullptr;
    }
    if (!has_handle(stream)) {
        return raise_text(REFLOW_ERROR_INVALID_STATE, "this stream was sent, and is written to",
                          "make observers before, or where it is received");
    }
    reflow_runtime *runtime = runtime_of(stream);
    if (runtime == nullptr) return nullptr;
    reflow_observe_options options{};
    options.struct_size = sizeof options;
    options.max_frames = frames;
    options.max_bytes = bytes;
    options.reliable = reliable != 0 ? 1 : 0;
    reflow_stream_reader *reader = nullptr;
    Failure error;
    if (!check(reflow_stream_observe(runtime, stream->handle, &options, &reader, error.out()), error)) {
        return nullptr;
    }
    Ref made(new_stream(Py_TYPE(self), stream->runtime, reflow_message_ref(stream->handle)));
    if (!made) {
        reflow_stream_reader_destroy(reader);
        return nullptr;
    }
    // An observer keeps no handle: it is none that somebody could still accept the stream by.
    drop_handle(self_of(made.get()));
    return sides_of(made.get()).reader.open(reader) ? made.release() : nullptr;
}

// What BEGIN tells, a dict.
PyObject *stream_begin(PyObject *self, PyObject *)
{
    if (!reads(self)) return nullptr;
    const Reader::Use use(sides_of(self).reader);
    reflow_message begin{};
    if (!use.good("read")) return nullptr;
    const reflow_status status = reflow_stream_get_begin(sides_of(self).reader.get(), &begin);
    if (status != REFLOW_OK) return raise_status(status, nullptr, "reading what a stream begins with");
    return from_message(begin);
}

// ---- both ----------------------------------------------------------------------------------------

// _watch(post, number, writing): number is put there when that side can go on after it was refused.
PyObject *stream_watch(PyObject *self, PyObject *arguments)
{
    PyObject *post = nullptr;
    unsigned long long number = 0;
    int writing = 0;
    if (PyArg_ParseTuple(arguments, "OKp:_watch", &post, &number, &writing) == 0) return nullptr;
    std::shared_ptr<PostBox> box = box_of(post);
    if (box == nullptr) return nullptr;
    Sides &sides = sides_of(self);
    Bell &bell = writing != 0 ? sides.writer.bell() : sides.reader.bell();
    bell.tell(std::move(box), number);
    Py_RETURN_NONE;
}

void close_sides(PyObject *self)
{
    Sides &sides = sides_of(self);
    sides.writer.close();
    sides.reader.close();
    drop_handle(self_of(self));
    let_runtime_go(self_of(self));
}

PyObject *stream_close(PyObject *self, PyObject *)
{
    if (!of_this_process(self)) return nullptr;
    close_sides(self);
    Py_RETURN_NONE;
}

// _close_all(values): ends the received streams among them.
PyObject *stream_close_all(PyObject *, PyObject *values)
{
    Ref held(PySequence_Tuple(values));
    if (!held) return nullptr;
    Ref streams(streams_among(reinterpret_cast<PyTupleObject *>(held.get())->ob_item,
                              static_cast<size_t>(PyTuple_GET_SIZE(held.get()))));
    close_streams(streams.get());
    Py_RETURN_NONE;
}

PyObject *get_fields(PyObject *self, void *) { return Py_NewRef(self_of(self)->fields); }

PyObject *get_missed(PyObject *self, void *)
{
    return PyLong_FromUnsignedLongLong(reflow_stream_missed(sides_of(self).reader.get()));
}

PyObject *get_state(PyObject *self, void *)
{
    const Sides &sides = sides_of(self);
    const char *state = "received";
    if (sides.failed) state = "failed";
    else if (sides.ended || sides.finished) state = "ended";
    else if (sides.reader.closed()) state = "closed";
    else if (sides.reader.there()) state = "reading";
    else if (sides.made) state = "writing";
    return PyUnicode_FromString(state);
}

// None when it has been collected.
PyObject *get_runtime(PyObject *self, void *)
{
    PyObject *runtime = self_of(self)->runtime;
    return Py_NewRef(runtime != nullptr ? runtime : Py_None);
}

PyObject *get_made(PyObject *self, void *) { return PyBool_FromLong(sides_of(self).made ? 1 : 0); }

const PyMethodDef own_methods[] = {
    {"_read", stream_read, METH_VARARGS, "The next frame; None at the end."},
    {"_poll", stream_poll, METH_NOARGS, "The next frame if it is there; otherwise NotImplemented."},
    {"_collect", stream_collect, METH_VARARGS, "All data; NotImplemented if it has not ended in time."},
    {"_observe", stream_observe, METH_VARARGS, "An observer, a Stream of its own."},
    {"_begin", stream_begin, METH_NOARGS, "What the frame BEGIN carries."},
    {"_watch", stream_watch, METH_VARARGS, "Has a Post object told when one side can go on."},
    {"_close_all", stream_close_all, METH_O | METH_STATIC, "Ends the received streams among values."},
    {"_close", stream_close, METH_NOARGS, "Ends both sides."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"fields", get_fields, nullptr,
     "stream_id, size_hint, origin_actor, origin_port and content_type, a dict.", nullptr},
    {"missed", get_missed, nullptr, "How many frames an observer has missed because it was full.", nullptr},
    {"state", get_state, nullptr,
     "'writing', 'received', 'reading', 'ended', 'failed' or 'closed'.", nullptr},
    {"_runtime", get_runtime, nullptr, "The runtime that it is of.", nullptr},
    {"_made", get_made, nullptr, "Whether it was made here, to be written to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

PyMethodDef *all_methods()
{
    static PyMethodDef all[32];
    size_t count = 0;
    const PyMethodDef *own = own_methods;
    for (const PyMethodDef *part : {own, stream_write_methods()}) {
        for (; part->ml_name != nullptr && count < 31; ++part) all[count++] = *part;
    }
    return all;
}

} // namespace

bool of_this_process(PyObject *self)
{
    if (stream_in(self)->generation == fork_generation()) return true;
    raise_text(REFLOW_ERROR_FORKED, "the stream belongs to the process that this one is a fork of");
    return false;
}

void drop_handle(Stream *stream)
{
    reflow_message_unref(std::exchange(stream->handle, reflow_message{}));
}

const char *told_of(reflow_status status, const char *waiting)
{
    switch (status) {
    case REFLOW_ERROR_CLOSED: return "nobody reads the stream any more";
    case REFLOW_ERROR_CANCELLED: return "the network stops";
    default: return waiting;
    }
}

PyObject *raise_side(reflow_status status, const char *text)
{
    if (status == interrupted) return nullptr;
    if (status == network_closed) return raise_text(REFLOW_ERROR_CLOSED, "the network of the stream is closed");
    if (status == REFLOW_ERROR_WOULD_DEADLOCK) {
        return raise_text(status, std::string(text) + ", and a wait would hold up a worker",
                          "make the actor a coroutine and await, or register it with blocking=True");
    }
    return raise_text(status == REFLOW_ERROR_WOULD_BLOCK ? REFLOW_ERROR_TIMEOUT : status, text);
}

Timeout at_once()
{
    Timeout now;
    now.forever = false;
    now.end = {};
    return now;
}

bool init_stream(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, slot(stream_new)},           {Py_tp_dealloc, slot(stream_dealloc)},
        {Py_tp_traverse, slot(stream_traverse)}, {Py_tp_clear, slot(stream_clear)},
        {Py_tp_methods, all_methods()},          {Py_tp_getset, properties},
        {0, nullptr},
    };
    static PyType_Spec spec = {"reflow._reflow.Stream", sizeof(Stream), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    base_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return base_type != nullptr &&
           PyModule_AddObjectRef(module, "Stream", reinterpret_cast<PyObject *>(base_type)) == 0;
}

PyObject *strong(PyObject *object)
{
    if (object == nullptr) return nullptr;
    if (PyWeakref_Check(object) == 0) return Py_NewRef(object);
    Ref found(PyObject_CallNoArgs(object));
    if (!found) PyErr_Clear();
    return !found || found.get() == Py_None ? nullptr : found.release();
}

PyObject *Turn::runtime() const { return strong(runtime_); }

PyObject *stream_of(reflow_message handle)
{
    const Turn *turn = Turn::now();
    Ref runtime(turn != nullptr ? turn->runtime() : nullptr);
    if (!runtime) return wrap_message(reflow_message_ref(handle));
    PyTypeObject *type = stream_type();
    PyObject *made = type != nullptr ? new_stream(type, runtime.get(), reflow_message_ref(handle)) : nullptr;
    if (made == nullptr) return nullptr;
    RuntimeObject *owner = runtime_in(self_of(made));
    self_of(made)->holds = owner->handle != nullptr;
    if (self_of(made)->holds) ++owner->users;
    return made;
}

bool is_stream(PyObject *object) { return PyObject_TypeCheck(object, base_type) != 0; }

PyObject *streams_among(PyObject *const *values, size_t count)
{
    Ref list;
    for (size_t i = 0; i < count; ++i) {
        if (!is_stream(values[i]) || sides_of(values[i]).made) continue;
        if (!list) list = Ref(PyList_New(0));
        if (!list || PyList_Append(list.get(), values[i]) != 0) return nullptr;
    }
    return list ? PyList_AsTuple(list.get()) : nullptr;
}

void close_streams(PyObject *streams)
{
    if (streams == nullptr) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(streams); ++i) close_sides(PyTuple_GET_ITEM(streams, i));
}

bool handle_of_stream(PyObject *object, reflow_message *out)
{
    Stream *stream = self_of(object);
    if (!of_this_process(object)) return false;
    if (!has_handle(stream)) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "this stream was sent already, and is written to",
                   "send it to all who shall have it before the first write");
        return false;
    }
    stream->sides->sent = true;
    *out = reflow_message_ref(stream->handle);
    return true;
}

} // namespace reflowpy
