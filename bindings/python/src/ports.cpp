// Sending into a network, and what can be asked of it.
#include "envelope.hpp"
#include "network_parts.hpp"

namespace reflowpy {

namespace {

NetworkObject *self_of(PyObject *self) { return reinterpret_cast<NetworkObject *>(self); }

// The number of an inport by its name: found once, then kept. False with an exception.
bool find_inport(PyObject *self, PyObject *name, reflow_inport *out)
{
    NetworkObject *network = self_of(self);
    PyObject *known = network->inports != nullptr ? PyDict_GetItemWithError(network->inports, name) : nullptr;
    if (known != nullptr && !network->closed) {
        out->id = PyLong_AsUnsignedLongLong(known);
        return true;
    }
    if (PyErr_Occurred() != nullptr) return false;
    reflow_network *handle = network_handle(self);
    PortName port;
    if (handle == nullptr || !port.parse(name)) return false;
    if (port.index != REFLOW_NO_INDEX) {
        raise_text(REFLOW_ERROR_UNSUPPORTED, "an element of an array port cannot be sent to by its index",
                   "give it a name: net.expose_inport(\"name\", \"node.port[2]\")");
        return false;
    }
    Failure error;
    if (!check(reflow_network_find_inport(handle, port.node, port.port, out, error.out()), error)) {
        return false;
    }
    Ref number(PyLong_FromUnsignedLongLong(out->id));
    return number && PyDict_SetItem(network->inports, name, number.get()) == 0;
}

// The number of an inport may be that of one that has been replaced.
void forget_inport(PyObject *self, PyObject *name)
{
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyDict_DelItem(self_of(self)->inports, name) != 0) PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

// Starts the network if nobody has: so the smallest program needs no start.
bool ensure_running(PyObject *self)
{
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return false;
    if (reflow_network_get_state(handle) != REFLOW_NETWORK_CREATED) return true;
    Ref done(PyObject_CallMethod(self, "start", nullptr));
    return static_cast<bool>(done);
}

// False with an exception on the thread of the event loop that coroutines of the network need: there a
// wait for room would be one for itself.
bool may_wait(PyObject *self)
{
    Ref done(PyObject_CallMethod(self, "_check_not_own_loop", "s", "net.feed(port, values)"));
    return static_cast<bool>(done);
}

// send(port, value, timeout=None, *, envelope=None): what stands behind the value; false with an exception.
// Without a place for an envelope none is taken.
bool send_arguments(PyObject *const *arguments, Py_ssize_t count, PyObject *names, PyObject **timeout,
                    PyObject **envelope)
{
    const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    *timeout = count == 3 ? arguments[2] : Py_None;
    bool good = count == 2 || count == 3;
    for (Py_ssize_t i = 0; good && i < named; ++i) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (count == 2 && PyUnicode_CompareWithASCIIString(name, "timeout") == 0) {
            *timeout = arguments[count + i];
        } else if (envelope != nullptr && PyUnicode_CompareWithASCIIString(name, "envelope") == 0) {
            *envelope = arguments[count + i];
        } else {
            good = false;
        }
    }
    if (good) return true;
    PyErr_SetString(PyExc_TypeError, envelope != nullptr
                                         ? "this takes a port, a value, and perhaps a timeout and envelope="
                                         : "this takes a port, a value, and perhaps a timeout");
    return false;
}

// Sends with an envelope, and starts the network if nobody has. Takes the message.
PyObject *send_enveloped(PyObject *self, reflow_inport inport, reflow_message message, PyObject *dict,
                         const Timeout &timeout)
{
    NetworkObject *network = self_of(self);
    EnvelopeOf envelope;
    Failure error;
    reflow_status status = interrupted;
    const Using using_network(network);
    if (envelope.parse(dict) && ensure_running(self)) {
        const auto attempt = [&](int64_t ms) {
            return reflow_network_send_enveloped(network->handle, inport, message, envelope.get(), ms,
                                                 error.out());
        };
        status = unlocked([&] { return attempt(0); });
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            status = may_wait(self) ? wait_with_coroutines(network->runtime, timeout, attempt)
                                    : interrupted;
        }
    }
    if (status == REFLOW_OK) Py_RETURN_NONE;
    reflow_message_unref(message);
    check_wait(status, error, "sending");
    return nullptr;
}

PyObject *send(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *seconds = nullptr;
    PyObject *envelope = Py_None;
    reflow_inport inport{};
    Timeout timeout;
    reflow_message message{};
    if (!send_arguments(arguments, count, names, &seconds, &envelope) ||
        !find_inport(self, arguments[0], &inport) ||
        !timeout.parse(seconds) || !to_message(arguments[1], &message)) {
        return nullptr;
    }
    if (envelope != Py_None) return send_enveloped(self, inport, message, envelope, timeout);
    NetworkObject *network = self_of(self);
    Using using_network(network);
    reflow_status status = reflow_network_try_send(network->handle, inport, message, nullptr);
    if (status == REFLOW_OK) {
        drain_deferred();
        Py_RETURN_NONE;
    }
    Failure error;
    bool good = true;
    if (status == REFLOW_ERROR_INVALID_STATE) {
        good = ensure_running(self);
        status = good ? reflow_network_try_send(network->handle, inport, message, nullptr) : status;
        if (status == REFLOW_OK) Py_RETURN_NONE;
    }
    if (good && status == REFLOW_ERROR_WOULD_BLOCK) good = may_wait(self);
    if (!good) {
        reflow_message_unref(message);
        return nullptr;
    }
    status = wait_with_coroutines(network->runtime, timeout, [&](int64_t ms) {
        return reflow_network_send(network->handle, inport, message, ms, error.out());
    });
    if (status == REFLOW_OK) Py_RETURN_NONE;
    reflow_message_unref(message);
    check_wait(status, error, "sending");
    if (status == REFLOW_ERROR_NOT_FOUND) forget_inport(self, arguments[0]);
    return nullptr;
}

PyObject *try_send(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    reflow_inport inport{};
    reflow_message message{};
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "try_send takes a port and a value");
        return nullptr;
    }
    if (!find_inport(self, arguments[0], &inport) || !ensure_running(self) ||
        !to_message(arguments[1], &message)) {
        return nullptr;
    }
    NetworkObject *network = self_of(self);
    Failure error;
    Using using_network(network);
    const reflow_status status = reflow_network_try_send(network->handle, inport, message, error.out());
    if (status == REFLOW_OK) Py_RETURN_TRUE;
    reflow_message_unref(message);
    if (status == REFLOW_ERROR_WOULD_BLOCK) Py_RETURN_FALSE;
    check(status, error);
    return nullptr;
}

// _ask_room(port, post, number)
PyObject *ask_for_room(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    reflow_inport inport{};
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_ask_room takes a port, a Post object and a number");
        return nullptr;
    }
    const unsigned long long number = PyLong_AsUnsignedLongLong(arguments[2]);
    if (PyErr_Occurred() != nullptr || !find_inport(self, arguments[0], &inport)) return nullptr;
    NetworkObject *network = self_of(self);
    const Using using_network(network);
    if (!ask_room(network->rooms, network->handle, inport, arguments[1], number)) return nullptr;
    Py_RETURN_NONE;
}

// Sends messages, and waits for room; *sent tells how many more went. False with an exception.
bool send_messages(PyObject *self, reflow_inport inport, Messages &messages, const Timeout &timeout, size_t *sent)
{
    NetworkObject *network = self_of(self);
    Failure error;
    size_t taken = 0;
    reflow_status status = reflow_network_send_many(network->handle, inport, messages.data(),
                                                    messages.size(), 0, &taken, error.out());
    messages.taken(taken);
    const bool waits = status != REFLOW_OK && (status != REFLOW_ERROR_WOULD_BLOCK || may_wait(self));
    if (waits) {
        status = wait_with_coroutines(network->runtime, timeout, [&](int64_t ms) {
            size_t accepted = 0;
            const reflow_status answer =
                reflow_network_send_many(network->handle, inport, messages.data() + taken,
                                         messages.size() - taken, ms, &accepted, error.out());
            taken += accepted;
            return answer;
        });
        messages.taken(taken);
    }
    *sent += taken;
    return status == REFLOW_OK || (waits && check_wait(status, error, "sending"));
}

// What is there as a whole, and converted as a whole; other iterables may be of any length.
bool is_whole(PyObject *values)
{
    return PyList_Check(values) != 0 || PyTuple_Check(values) != 0 || is_ndarray(values) ||
           Py_TYPE(values)->tp_iter == nullptr || PyUnicode_Check(values) != 0 || PyBytes_Check(values) != 0 ||
           PyDict_Check(values) != 0;
}

// Takes at most so many values of an iterator; NULL with an exception.
PyObject *next_portion(PyObject *iterator)
{
    constexpr Py_ssize_t most = 4096;
    Ref list(PyList_New(0));
    while (list && PyList_GET_SIZE(list.get()) < most) {
        Ref item(PyIter_Next(iterator));
        if (!item) break;
        if (PyList_Append(list.get(), item.get()) != 0) return nullptr;
    }
    return PyErr_Occurred() == nullptr ? list.release() : nullptr;
}

PyObject *send_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *seconds = nullptr;
    reflow_inport inport{};
    Timeout timeout;
    Messages messages;
    size_t sent = 0;
    if (!send_arguments(arguments, count, names, &seconds, nullptr) || !find_inport(self, arguments[0], &inport) ||
        !timeout.parse(seconds)) {
        return nullptr;
    }
    const Using using_network(self_of(self));
    if (is_whole(arguments[1])) {
        const bool good = messages.fill(arguments[1]) && ensure_running(self) &&
                          send_messages(self, inport, messages, timeout, &sent);
        return good ? PyLong_FromSize_t(sent) : nullptr;
    }
    Ref iterator(PyObject_GetIter(arguments[1]));
    Ref portion;
    do {
        portion = Ref(iterator && PyErr_CheckSignals() == 0 ? next_portion(iterator.get()) : nullptr);
        if (!portion || !messages.fill(portion.get(), sent) || !ensure_running(self) ||
            !send_messages(self, inport, messages, timeout, &sent)) {
            return nullptr;
        }
    } while (PyList_GET_SIZE(portion.get()) != 0);
    return PyLong_FromSize_t(sent);
}

// ---- questions --------------------------------------------------------------------------------------

PyObject *counters(PyObject *self, PyObject *name)
{
    reflow_view node{};
    reflow_network *handle = network_handle(self);
    if (handle == nullptr || !view_from(name, "a node", &node)) return nullptr;
    reflow_node_counters c{};
    c.struct_size = sizeof c;
    Failure error;
    if (!check(reflow_network_counters(handle, node, &c, error.out()), error)) return nullptr;
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:O}", "fired", c.fired, "received", c.received, "sent",
                         c.sent, "failed", c.failed, "dropped", c.dropped, "waiting", c.waiting,
                         "held_back", c.held_back != 0 ? Py_True : Py_False);
}

PyObject *report(PyObject *self, PyObject *)
{
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    reflow_message message{};
    Using using_network(self_of(self));
    const reflow_status status =
        unlocked([&] { return reflow_network_report(handle, &message, error.out()); });
    if (!check(status, error)) return nullptr;
    PyObject *value = from_message(message, Arrays::list);
    reflow_message_unref(message);
    return value;
}

// The names of the inports that were sent to.
PyObject *sent_to(PyObject *self, PyObject *)
{
    PyObject *known = self_of(self)->inports;
    return known != nullptr ? PySet_New(known) : PySet_New(nullptr);
}

PyObject *carry_envelopes(PyObject *self, PyObject *)
{
    reflow_network *handle = network_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    if (!check(reflow_network_carry_envelopes(handle, error.out()), error)) return nullptr;
    self_of(self)->carries = true;
    Py_RETURN_NONE;
}

PyCFunction fast(void *function) { return reinterpret_cast<PyCFunction>(function); }

const PyMethodDef methods[] = {
    {"send", fast(reinterpret_cast<void *>(send)), METH_FASTCALL | METH_KEYWORDS,
     "send(port, value, timeout=None, *, envelope=None)\n\nSends a value to 'node.port' or an exposed inport,\n"
     "and waits for room up to timeout seconds (None: for ever). Starts the network if it is not running.\n"
     "Arrays and other buffers are lent, not copied: do not change them afterwards, or send a copy\n"
     "(array.copy(), bytes(view), copy.deepcopy(value)).\n"
     "envelope is a dict of trace_id, span_id, deadline_ms, correlation and so on, for a network that\n"
     "carries them.\n\nRaises TimeoutError, NotFoundError with a hint, ConversionError with the path, ClosedError."},
    {"try_send", fast(reinterpret_cast<void *>(try_send)), METH_FASTCALL,
     "try_send(port, value) -> bool\n\nSends if there is room now; False if there is none."},
    {"send_many", fast(reinterpret_cast<void *>(send_many)), METH_FASTCALL | METH_KEYWORDS,
     "send_many(port, values, timeout=None) -> int\n\nSends each element of an iterable, or of an array of NumPy,\n"
     "as a packet. Tells how many went. A list, a tuple and an array are converted as a whole before the\n"
     "first element goes; other iterables in portions of 4096, so what stands before a value that cannot\n"
     "be converted, or before Ctrl-C, may have gone."},
    {"counters", counters, METH_O,
     "counters(node) -> dict\n\nfired, received, sent, failed, dropped, waiting (ints) and held_back."},
    {"report", report, METH_NOARGS, "report() -> dict\n\nThe counters of all nodes, by node."},
    {"_ask_room", fast(reinterpret_cast<void *>(ask_for_room)), METH_FASTCALL,
     "Has a number put into a Post object when a port takes messages again, after one that it refuses."},
    {"_sent_to", sent_to, METH_NOARGS, "The names of the inports that were sent to."},
    {"carry_envelopes", carry_envelopes, METH_NOARGS,
     "carry_envelopes()\n\nBefore the start: packets carry envelopes, which is several times slower."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

const PyMethodDef *network_port_methods() { return methods; }

} // namespace reflowpy
