// The type Output: a reader of an outport.
#include "envelope.hpp"
#include "network_parts.hpp"
#include "stream_object.hpp"
#include "turn.hpp"

namespace reflowpy {

namespace {

PyTypeObject *output_type = nullptr;

// So many messages are taken from the engine at once when one is wanted.
constexpr size_t most_at_once = 256;
constexpr const char *closed_text = "the stream is closed";

OutputObject *self_of(PyObject *self) { return reinterpret_cast<OutputObject *>(self); }

// Output(network, port, capacity=0, arrays=0)
PyObject *output_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"network", "port", "capacity", "arrays", nullptr};
    PyObject *network = nullptr;
    PyObject *port = nullptr;
    unsigned int capacity = 0;
    int arrays = 0;
    PortName name;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O|Ii:Output", const_cast<char **>(names),
                                    network_type, &network, &port, &capacity, &arrays) == 0 ||
        !name.parse(port)) {
        return nullptr;
    }
    if (name.index != REFLOW_NO_INDEX) {
        raise_text(REFLOW_ERROR_UNSUPPORTED, "an element of an array port cannot be read by its index",
                   "read the port, which has the packets of all elements, or connect the element");
        return nullptr;
    }
    reflow_network *handle = network_handle(network);
    Ref self(handle != nullptr ? type->tp_alloc(type, 0) : nullptr);
    if (!self) return nullptr;
    OutputObject *output = self_of(self.get());
    output->network = Py_NewRef(network);
    output->arrays = static_cast<Arrays>(arrays);
    output->held = static_cast<reflow_message *>(PyMem_RawCalloc(most_at_once, sizeof(reflow_message)));
    if (output->held == nullptr) return PyErr_NoMemory();
    Failure error;
    Using using_network(reinterpret_cast<NetworkObject *>(network));
    const reflow_status status = unlocked([&] {
        return reflow_network_open_output(handle, name.node, name.port, capacity, &output->handle,
                                          error.out());
    });
    return check(status, error) ? self.release() : nullptr;
}

int output_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self_of(self)->network);
    return 0;
}

int output_clear(PyObject *self)
{
    Py_CLEAR(self_of(self)->network);
    return 0;
}

void drop_held(OutputObject *output)
{
    while (output->first < output->count) reflow_message_unref(output->held[output->first++]);
    output->first = output->count = 0;
}

void output_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    OutputObject *output = self_of(self);
    destroy_handle(output);
    drop_held(output);
    PyMem_RawFree(output->held);
    delete output->watch;
    Py_CLEAR(output->network);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *output_close(PyObject *self, PyObject *)
{
    OutputObject *output = self_of(self);
    output->closed = true;
    if (output->users == 0) {
        destroy_handle(output);
        drop_held(output);
    }
    Py_RETURN_NONE;
}

bool is_open(OutputObject *output)
{
    if (output->handle != nullptr && !output->closed) return true;
    raise_text(REFLOW_ERROR_CLOSED, closed_text);
    return false;
}

bool with_envelopes(const OutputObject *output)
{
    const auto *network = reinterpret_cast<const NetworkObject *>(output->network);
    return network != nullptr && network->carries;
}

template <typename Call>
reflow_status wait_of(const OutputObject *output, const Timeout &timeout, Call &&call)
{
    const auto *network = reinterpret_cast<const NetworkObject *>(output->network);
    // close() on another thread ends the wait with the slice in which it comes.
    const auto slice = [&](int64_t ms) {
        return output->closed ? reflow_status{REFLOW_ERROR_CLOSED} : call(ms);
    };
    if (network == nullptr || network->runtime == nullptr) return wait_in_slices(timeout, slice);
    const Ref runtime = Ref::borrow(network->runtime);
    return wait_with_coroutines(runtime.get(), timeout, slice);
}

// Whether an output has ended while its network goes on.
bool node_has_gone(const OutputObject *output)
{
    const auto *network = reinterpret_cast<const NetworkObject *>(output->network);
    return network != nullptr && !network->closed && network->handle != nullptr &&
           reflow_network_get_state(network->handle) == REFLOW_NETWORK_RUNNING;
}

// As wait_of, where what would wait for coroutines on the thread of their own loop is refused.
template <typename Call>
reflow_status wait_here(const OutputObject *output, const Timeout &timeout, Call &&call)
{
    const reflow_status status = wait_of(output, at_once(), call);
    if ((status != REFLOW_ERROR_TIMEOUT && status != REFLOW_ERROR_WOULD_BLOCK) || timeout.over()) return status;
    Ref network(Py_XNewRef(output->network));
    if (network && PyObject_HasAttrString(network.get(), "_check_reads_here") != 0) {
        Ref checked(PyObject_CallMethod(network.get(), "_check_reads_here", nullptr));
        if (!checked) return interrupted;
    }
    return wait_of(output, timeout, call);
}

// As check_wait, in words that tell an end from what is late.
bool check_recv(const OutputObject *output, reflow_status status, const Failure &error)
{
    if (status == REFLOW_ERROR_CLOSED) {
        if (output->closed) return raise_text(status, closed_text) != nullptr;
        raise_text(status, node_has_gone(output) ? "the node of this output has been removed, and all of it was read"
                                                 : "the network has ended, and all of this output was read");
        return false;
    }
    if (status == REFLOW_ERROR_TIMEOUT) {
        raise_text(status, "nothing has come to this output within the timeout");
        return false;
    }
    return check_wait(status, error, "nothing has arrived yet");
}

// Takes messages from the engine if none are held. The status; interrupted with an exception set.
reflow_status fetch(OutputObject *output, const Timeout &timeout, Failure *error)
{
    if (output->first < output->count) return REFLOW_OK;
    reflow_message got[most_at_once];
    size_t count = 0;
    const size_t most = with_envelopes(output) ? 1 : most_at_once; // recv_enveloped may come next
    Using using_output(output);
    const reflow_status status = wait_here(output, timeout, [&](int64_t ms) {
        return reflow_output_recv_many(output->handle, got, most, ms, &count, error->out());
    });
    if (count == 0) return status;
    // Another thread may have put some there meanwhile: these come behind, if there is room for them.
    if (output->first < output->count || output->closed) {
        for (size_t i = 0; i < count; ++i) reflow_message_unref(got[i]);
        if (output->closed) return REFLOW_ERROR_CLOSED;
        return raise_text(REFLOW_ERROR_INVALID_STATE, "two threads read one stream at once") == nullptr
                   ? interrupted
                   : REFLOW_OK;
    }
    std::copy(got, got + count, output->held);
    output->first = 0;
    output->count = count;
    return status == interrupted ? interrupted : REFLOW_OK;
}

// The value of a message of an output; takes the message.
PyObject *value_of(OutputObject *output, reflow_message message)
{
    const auto *network = reinterpret_cast<NetworkObject *>(output->network);
    const Turn turn(network != nullptr ? network->runtime : nullptr, nullptr, false);
    PyObject *value = from_message(message, output->arrays);
    reflow_message_unref(message);
    return value;
}

PyObject *next_value(OutputObject *output)
{
    return value_of(output, output->held[output->first++]);
}

PyObject *recv(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"timeout", nullptr};
    PyObject *seconds = Py_None;
    Timeout timeout;
    OutputObject *output = self_of(self);
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:recv", const_cast<char **>(names), &seconds) ==
            0 ||
        !timeout.parse(seconds) || !is_open(output)) {
        return nullptr;
    }
    Failure error;
    const reflow_status status = fetch(output, timeout, &error);
    if (status == REFLOW_OK) return next_value(output);
    check_recv(output, status, error);
    return nullptr;
}

// (value, envelope), where an envelope with nothing in it is None.
PyObject *recv_enveloped(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"timeout", nullptr};
    PyObject *seconds = Py_None;
    Timeout timeout;
    OutputObject *output = self_of(self);
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:recv_enveloped", const_cast<char **>(names),
                                    &seconds) == 0 ||
        !timeout.parse(seconds) || !is_open(output)) {
        return nullptr;
    }
    if (output->first < output->count) {
        return raise_text(REFLOW_ERROR_INVALID_STATE, "recv has taken messages without their envelopes",
                          "carry_envelopes() before the start, or recv_enveloped from the first one on");
    }
    Failure error;
    reflow_message message{};
    reflow_envelope envelope{};
    envelope.struct_size = sizeof envelope;
    Using using_output(output);
    const reflow_status status = wait_here(output, timeout, [&](int64_t ms) {
        return reflow_output_recv_enveloped(output->handle, &message, &envelope, ms, error.out());
    });
    if (!check_recv(output, status, error)) return nullptr;
    Ref dict(is_empty(envelope) ? Py_NewRef(Py_None) : dict_of_envelope(envelope));
    Ref value(value_of(output, message));
    return dict && value ? PyTuple_Pack(2, value.get(), dict.get()) : nullptr;
}

PyObject *recv_many(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"max", "timeout", nullptr};
    Py_ssize_t most = 256;
    PyObject *seconds = Py_None;
    Timeout timeout;
    OutputObject *output = self_of(self);
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|nO:recv_many", const_cast<char **>(names), &most,
                                    &seconds) == 0 ||
        !timeout.parse(seconds) || !is_open(output)) {
        return nullptr;
    }
    Ref list(PyList_New(0));
    if (!list) return nullptr;
    Timeout now;
    now.forever = false;
    now.end = {};
    while (PyList_GET_SIZE(list.get()) < most) {
        Failure error;
        const bool first = PyList_GET_SIZE(list.get()) == 0;
        const reflow_status status = fetch(output, first ? timeout : now, &error);
        if (status != REFLOW_OK) {
            if (!first && status != interrupted) break;
            check_recv(output, status, error);
            return nullptr;
        }
        while (output->first < output->count && PyList_GET_SIZE(list.get()) < most) {
            const size_t place = output->first;
            const reflow_message kept = reflow_message_ref(output->held[place]);
            Ref value(next_value(output));
            const bool good = value && PyList_Append(list.get(), value.get()) == 0;
            // Those before it are not lost: it stays for the next call, which raises what it has raised here.
            const bool waits = !good && PyList_GET_SIZE(list.get()) != 0 && !output->closed &&
                               output->first == place + 1;
            if (waits) {
                output->held[--output->first] = kept;
                PyErr_Clear();
                return list.release();
            }
            reflow_message_unref(kept);
            if (!good) return nullptr;
        }
    }
    return list.release();
}

PyObject *output_next(PyObject *self)
{
    OutputObject *output = self_of(self);
    if (output->first < output->count) return next_value(output);
    if (output->closed || output->handle == nullptr) return nullptr;
    Failure error;
    const reflow_status status = fetch(output, Timeout(), &error);
    if (status == REFLOW_OK) return next_value(output);
    if (status != REFLOW_ERROR_CLOSED) check_wait(status, error, "reading a stream");
    return nullptr;
}

// _watch(post, number): the number is put there when something comes after a call of _arm, and at the end.
PyObject *output_watch(PyObject *self, PyObject *arguments)
{
    PyObject *post = nullptr;
    unsigned long long number = 0;
    OutputObject *output = self_of(self);
    if (PyArg_ParseTuple(arguments, "OK:_watch", &post, &number) == 0 || !is_open(output)) return nullptr;
    auto watch = std::make_shared<Watch>();
    watch->box = box_of(post);
    watch->number = number;
    if (watch->box == nullptr) return nullptr;
    Failure error;
    Using using_output(output);
    const reflow_status status = unlocked([&] {
        return reflow_output_on_readable(output->handle, &Watch::came, new std::shared_ptr<Watch>(watch),
                                         &Watch::forget, error.out());
    });
    if (!check(status, error)) return nullptr;
    delete output->watch;
    output->watch = new std::shared_ptr<Watch>(std::move(watch));
    Py_RETURN_NONE;
}

PyObject *output_network(PyObject *self, PyObject *) 
{
    PyObject *network = self_of(self)->network;
    return Py_NewRef(network != nullptr ? network : Py_None);
}

PyObject *output_arm(PyObject *self, PyObject *)
{
    const OutputObject *output = self_of(self);
    if (output->watch != nullptr) (*output->watch)->armed.store(true);
    Py_RETURN_NONE;
}

PyCFunction with_keywords(PyCFunctionWithKeywords function)
{
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(function));
}

PyMethodDef methods[] = {
    {"recv", with_keywords(recv), METH_VARARGS | METH_KEYWORDS,
     "recv(timeout=None)\n\nThe next value; waits up to timeout seconds. Raises TimeoutError, and\n"
     "ClosedError when the network is drained or stopped and nothing is left."},
    {"recv_many", with_keywords(recv_many), METH_VARARGS | METH_KEYWORDS,
     "recv_many(max=256, timeout=None) -> list\n\nWaits for the first value, and takes what is there."},
    {"recv_enveloped", with_keywords(recv_enveloped), METH_VARARGS | METH_KEYWORDS,
     "recv_enveloped(timeout=None) -> (value, envelope)\n\nAs recv, with the envelope of the packet: a\n"
     "dict, or None if it has none."},
    {"_network", output_network, METH_NOARGS, "The network that it is of."},
    {"_watch", output_watch, METH_VARARGS, "Has a Post object told of what comes."},
    {"_arm", output_arm, METH_NOARGS, "Asks to be told once."},
    {"close", output_close, METH_NOARGS, "close()\n\nEnds the reader; it holds nobody back any more."},
    {nullptr, nullptr, 0, nullptr},
};

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

PyType_Slot slots[] = {
    {Py_tp_new, slot(output_new)},           {Py_tp_dealloc, slot(output_dealloc)},
    {Py_tp_traverse, slot(output_traverse)}, {Py_tp_clear, slot(output_clear)},
    {Py_tp_iter, slot(PyObject_SelfIter)},   {Py_tp_iternext, slot(output_next)},
    {Py_tp_methods, methods},                {0, nullptr},
};
PyType_Spec spec = {"reflow._reflow.Output", sizeof(OutputObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

} // namespace

bool init_output(PyObject *module)
{
    output_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return output_type != nullptr &&
           PyModule_AddObjectRef(module, "Output", reinterpret_cast<PyObject *>(output_type)) == 0;
}

void destroy_handle(OutputObject *output)
{
    reflow_output *handle = std::exchange(output->handle, nullptr);
    if (handle == nullptr || ending()) return;
    unlocked([&] {
        reflow_output_destroy(handle);
        return 0;
    });
}

} // namespace reflowpy
