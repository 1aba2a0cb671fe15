// The type Network: a graph that runs. Its life and its waits are here; sending and reading in ports.cpp,
// editing in edits.cpp.
#include "network_parts.hpp"

namespace reflowpy {

PyTypeObject *network_type = nullptr;

namespace {

NetworkObject *self_of(PyObject *self) { return reinterpret_cast<NetworkObject *>(self); }

PyObject *network_new(PyTypeObject *type, PyObject *, PyObject *)
{
    PyObject *self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    self_of(self)->closed = true; // until __init__ has been called
    return self;
}

// __init__(runtime, document=None, format=0, name=""): document is bytes, a capsule of a graph, or None.
int network_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"runtime", "document", "format", "name", nullptr};
    PyObject *runtime = nullptr;
    PyObject *document = Py_None;
    int format = REFLOW_FORMAT_AUTO;
    const char *name = "";
    NetworkObject *network = self_of(self);
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O!|Ois:Network", const_cast<char **>(names),
                                    runtime_type, &runtime, &document, &format, &name) == 0) {
        return -1;
    }
    if (network->runtime != nullptr) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "a network is made once");
        return -1;
    }
    Failure error;
    reflow_status status = REFLOW_OK;
    if (document == Py_None) {
        status = reflow_graph_create(reflow_str(name), &network->graph, error.out());
    } else if (PyCapsule_CheckExact(document) != 0) {
        auto *graph = static_cast<reflow_graph *>(PyCapsule_GetPointer(document, "reflow.graph"));
        if (graph == nullptr) return -1;
        status = reflow_graph_copy(graph, &network->graph, error.out());
    } else if (PyUnicode_Check(document) != 0) { // the path of a file
        reflow_view path{};
        if (!view_from(document, "a path", &path)) return -1;
        status = unlocked([&] { return reflow_graph_load_file(path, &network->graph, error.out()); });
    } else {
        Py_buffer view{};
        if (PyObject_GetBuffer(document, &view, PyBUF_SIMPLE) != 0) return -1;
        status = reflow_graph_load({static_cast<const char *>(view.buf), static_cast<size_t>(view.len)},
                                   format, reflow_str(name), &network->graph, error.out());
        PyBuffer_Release(&view);
    }
    if (!check(status, error, "making a graph")) return -1;
    network->inports = PyDict_New();
    if (network->inports == nullptr) return -1;
    network->runtime = Py_NewRef(runtime);
    network->generation = fork_generation();
    network->closed = false;
    keep_in_list(network);
    return 0;
}

int network_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self_of(self)->runtime);
    Py_VISIT(self_of(self)->inports);
    return 0;
}

int network_clear(PyObject *self)
{
    Py_CLEAR(self_of(self)->inports);
    return 0;
}

void destroy_network(void *handle) { reflow_network_destroy(static_cast<reflow_network *>(handle)); }

void network_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    NetworkObject *network = self_of(self);
    drop_from_list(network);
    reflow_network *handle = std::exchange(network->handle, nullptr);
    if (handle != nullptr && !ending()) reap(&destroy_network, handle);
    reflow_graph_destroy(std::exchange(network->graph, nullptr));
    delete network->rooms;
    Py_CLEAR(network->inports);
    Py_CLEAR(network->record);
    Py_CLEAR(network->runtime);
    type->tp_free(self);
    Py_DECREF(type);
}

// ---- states ---------------------------------------------------------------------------------------

PyObject *network_create(PyObject *self, PyObject *)
{
    if (network_handle(self) == nullptr) return nullptr;
    Py_RETURN_NONE;
}

PyObject *network_start(PyObject *self, PyObject *)
{
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    Using using_network(self_of(self));
    const reflow_status status = unlocked([&] { return reflow_network_start(handle, error.out()); });
    drain_deferred();
    if (raise_interrupt()) return nullptr;
    if (!check(status, error)) return nullptr;
    Py_RETURN_NONE;
}

// _record(path): the network writes what it does into a file, from its beginning on.
PyObject *network_record(PyObject *self, PyObject *path)
{
    NetworkObject *network = self_of(self);
    if (network->closed) return raise_text(REFLOW_ERROR_CLOSED, "the network is closed");
    if (network->handle != nullptr) {
        return raise_text(REFLOW_ERROR_INVALID_STATE, "a network records from its beginning on",
                          "call record before it is started, sent to, or a stream of it is opened");
    }
    PyObject *old = network->record;
    network->record = Py_NewRef(path);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

PyObject *network_state(PyObject *self, void *)
{
    constexpr const char *names[] = {"created", "running", "draining", "drained", "stopping", "stopped"};
    NetworkObject *network = self_of(self);
    if (network->closed) return PyUnicode_FromString("closed");
    if (network->handle == nullptr) return PyUnicode_FromString("created");
    const reflow_network_state state = reflow_network_get_state(network->handle);
    return PyUnicode_FromString(state >= 0 && state < 6 ? names[state] : "unknown");
}

using WaitFunction = reflow_status (*)(reflow_network *, int64_t, reflow_error **);

PyObject *wait_for(PyObject *self, PyObject *arguments, PyObject *keywords, WaitFunction function,
                   const char *doing)
{
    static const char *names[] = {"timeout", nullptr};
    PyObject *seconds = Py_None;
    Timeout timeout;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|O", const_cast<char **>(names), &seconds) == 0 ||
        !timeout.parse(seconds)) {
        return nullptr;
    }
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    Using using_network(self_of(self));
    const reflow_status status = wait_with_coroutines(
        self_of(self)->runtime, timeout, [&](int64_t ms) { return function(handle, ms, error.out()); });
    if (raise_interrupt() || !check_wait(status, error, doing)) return nullptr;
    Py_RETURN_NONE;
}

PyObject *network_wait_idle(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    return wait_for(self, arguments, keywords, &reflow_network_wait_idle, "the network is not idle yet");
}

PyObject *network_drain(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    return wait_for(self, arguments, keywords, &reflow_network_drain, "the network is not drained yet");
}

PyObject *network_stop(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    self_of(self)->stopping = true;
    return wait_for(self, arguments, keywords, &reflow_network_stop,
                    "the network is not stopped yet: an actor does not return");
}

PyObject *network_end_sources(PyObject *self, PyObject *)
{
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    if (!check(reflow_network_end_sources(handle, error.out()), error)) return nullptr;
    Py_RETURN_NONE;
}

// Ends the handle. Calls of other threads that still use it answer that it was stopped.
PyObject *network_close(PyObject *self, PyObject *)
{
    NetworkObject *network = self_of(self);
    if (network->closed) Py_RETURN_NONE;
    network->closed = true;
    drop_from_list(network);
    reflow_graph_destroy(std::exchange(network->graph, nullptr));
    if (network->handle != nullptr && network->users != 0) {
        Failure error;
        Using using_network(network);
        reflow_network *handle = network->handle;
        unlocked([&] { return reflow_network_stop(handle, 0, error.out()); });
    }
    if (network->users == 0) destroy_handle(network);
    drain_deferred();
    if (raise_interrupt()) return nullptr;
    Py_RETURN_NONE;
}

// Gives the handle up: it ends when the callbacks that run have returned, on a thread beside.
PyObject *network_abandon(PyObject *self, PyObject *)
{
    NetworkObject *network = self_of(self);
    network->closed = true;
    drop_from_list(network);
    if (network->users == 0 && network->handle != nullptr) {
        reap(&destroy_network, std::exchange(network->handle, nullptr));
    }
    Py_RETURN_NONE;
}

PyObject *network_cancel(PyObject *self, PyObject *arguments)
{
    const char *node = "";
    Py_ssize_t size = 0;
    if (PyArg_ParseTuple(arguments, "|s#:cancel", &node, &size) == 0) return nullptr;
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return nullptr;
    size_t count = 0;
    Failure error;
    Using using_network(self_of(self));
    const reflow_status status = unlocked([&] {
        return reflow_network_cancel(handle, {node, static_cast<size_t>(size)}, &count, error.out());
    });
    return check(status, error) ? PyLong_FromSize_t(count) : nullptr;
}

PyObject *network_closed(PyObject *self, void *) { return PyBool_FromLong(self_of(self)->closed ? 1 : 0); }

PyObject *network_runtime(PyObject *self, void *)
{
    PyObject *runtime = self_of(self)->runtime;
    return Py_NewRef(runtime != nullptr ? runtime : Py_None);
}

PyCFunction with_keywords(PyCFunctionWithKeywords function)
{
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(function));
}

const PyMethodDef life_methods[] = {
    {"_create", network_create, METH_NOARGS, "Makes the network of its graph, if that is still to do."},
    {"_start", network_start, METH_NOARGS, "Starts the network."},
    {"_wait_idle", with_keywords(network_wait_idle), METH_VARARGS | METH_KEYWORDS, "Waits until idle."},
    {"_drain", with_keywords(network_drain), METH_VARARGS | METH_KEYWORDS, "Drains."},
    {"_stop", with_keywords(network_stop), METH_VARARGS | METH_KEYWORDS, "Stops."},
    {"_record", network_record, METH_O, "Records into a file."},
    {"_close", network_close, METH_NOARGS, "Ends the handle."},
    {"_abandon", network_abandon, METH_NOARGS, "Gives the handle up."},
    {"end_sources", network_end_sources, METH_NOARGS,
     "end_sources()\n\nEnds the sources: they are not called any more, and a drain can end."},
    {"cancel", network_cancel, METH_VARARGS,
     "cancel(node='') -> int\n\nCancels the pending firings of a node, or of all; tells how many."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"state", network_state, nullptr,
     "'created', 'running', 'draining', 'drained', 'stopping', 'stopped' or 'closed'.", nullptr},
    {"closed", network_closed, nullptr, "Whether close has been called.", nullptr},
    {"runtime", network_runtime, nullptr, "The runtime that it stands on.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef *all_methods()
{
    static PyMethodDef all[64];
    size_t count = 0;
    for (const PyMethodDef *part : {life_methods, network_edit_methods(), network_port_methods()}) {
        for (; part->ml_name != nullptr && count < 63; ++part) all[count++] = *part;
    }
    return all;
}

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

} // namespace

bool init_network(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, slot(network_new)},
        {Py_tp_init, slot(network_init)},
        {Py_tp_dealloc, slot(network_dealloc)},
        {Py_tp_traverse, slot(network_traverse)},
        {Py_tp_clear, slot(network_clear)},
        {Py_tp_methods, all_methods()},
        {Py_tp_getset, properties},
        {0, nullptr},
    };
    static PyType_Spec spec = {"reflow._reflow.Network", sizeof(NetworkObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    network_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return network_type != nullptr &&
           PyModule_AddObjectRef(module, "Network", reinterpret_cast<PyObject *>(network_type)) == 0;
}

// Whether the network can be made after all; the exception that is set is gone then.
static bool mended(PyObject *object)
{
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    Ref done(PyObject_CallMethod(object, "_expose_required", nullptr));
    if (!done) PyErr_Clear();
    if (done.get() != Py_True) {
        PyErr_Restore(type, value, traceback);
        return false;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return true;
}

// What an actor of the runtime has raised last, of those that it keeps; None, or NULL, if there is none.
static Ref newest_failure(PyObject *runtime)
{
    Ref failures(PyObject_GetAttrString(runtime, "errors"));
    const Py_ssize_t size = failures ? PySequence_Size(failures.get()) : -1;
    Ref newest(size > 0 ? PySequence_GetItem(failures.get(), size - 1) : nullptr);
    if (!newest) PyErr_Clear();
    return newest;
}

// The error that is set is from the exception of an actor that could not be made, if one has raised since.
static void set_cause(PyObject *runtime, const Ref &before)
{
    Ref error(take_exception());
    Ref failure(newest_failure(runtime));
    Ref cause(failure && failure.get() != before.get() ? PyObject_GetAttrString(failure.get(), "exception")
                                                       : nullptr);
    if (!cause) PyErr_Clear();
    Ref known(PyException_GetCause(error.get()));
    if (cause && !known && PyExceptionInstance_Check(cause.get()) != 0 && cause.get() != error.get()) {
        PyException_SetCause(error.get(), cause.release());
    }
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.get())), error.get());
}

reflow_network *network_handle(PyObject *object)
{
    NetworkObject *network = self_of(object);
    if (network->closed) {
        raise_text(REFLOW_ERROR_CLOSED, "the network is closed");
        return nullptr;
    }
    if (network->handle != nullptr) return network->handle;
    if (network->generation != fork_generation()) {
        raise_text(REFLOW_ERROR_FORKED, "the network belongs to the process that this one is a fork of",
                   "make a network in this process, or start it by multiprocessing's 'spawn'");
        return nullptr;
    }
    reflow_runtime *runtime = runtime_handle(network->runtime);
    if (runtime == nullptr) return nullptr;
    Failure error;
    reflow_network *handle = nullptr;
    reflow_view file{};
    if (network->record != nullptr && !view_from(network->record, "a file", &file)) return nullptr;
    reflow_status status = REFLOW_OK;
    Ref before(newest_failure(network->runtime));
    {
        Using using_network(network);
        status = unlocked([&] {
            return network->record != nullptr
                       ? reflow_x_record_create(runtime, network->graph, file, &handle, error.out())
                       : reflow_network_create(runtime, network->graph, &handle, error.out());
        });
    }
    if (!check(status, error)) {
        if (status == REFLOW_ERROR_GRAPH && mended(object)) return network_handle(object);
        set_cause(network->runtime, before);
        return nullptr;
    }
    if (network->handle != nullptr || network->closed) { // another thread was faster
        unlocked([&] {
            reflow_network_destroy(handle);
            return 0;
        });
        return network_handle(object);
    }
    network->handle = handle;
    reflow_graph_destroy(std::exchange(network->graph, nullptr));
    return handle;
}

void destroy_handle(NetworkObject *network)
{
    reflow_network *handle = std::exchange(network->handle, nullptr);
    if (handle == nullptr) return;
    unlocked([&] {
        reflow_network_destroy(handle);
        return 0;
    });
}

} // namespace reflowpy
