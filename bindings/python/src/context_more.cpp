// What a firing may ask beside emitting: its node, configuration, state, timers, envelope, cancellation.
#include "context_more.hpp"

#include <chrono>
#include <memory>

#include "envelope.hpp"
#include "errors.hpp"
#include "forked.hpp"
#include "handles.hpp"
#include "post.hpp"
#include "turn.hpp"
#include "values.hpp"

namespace reflowpy {

namespace {

Context *self_of(PyObject *self) { return reinterpret_cast<Context *>(self); }

// The context of the engine; NULL with an exception outside a call.
reflow_context *native_of(PyObject *self)
{
    reflow_context *native = self_of(self)->native;
    if (raise_if_of_parent(self_of(self))) return nullptr;
    if (native == nullptr && self_of(self)->task) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "a coroutine cannot do this: it is in no call of the engine",
                   "again, timers, room and connected are for functions, generators and classes; a coroutine "
                   "sleeps by await asyncio.sleep(seconds), and awaits room by await ctx.send(port, value)");
    } else if (native == nullptr) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "this is possible inside a call of an actor only",
                   "before the function returns");
    }
    return native;
}

// The hooks of the runtime for a coroutine, which is in no call; NULL for others.
std::shared_ptr<Hooks> *hooks_of(PyObject *self)
{
    return self_of(self)->native == nullptr && self_of(self)->task ? self_of(self)->info->hooks : nullptr;
}

PyObject *get_node(PyObject *self, void *) { return Py_NewRef(self_of(self)->info->name); }
PyObject *get_component(PyObject *self, void *) { return Py_NewRef(self_of(self)->info->component); }

PyObject *get_config(PyObject *self, void *) { return Py_XNewRef(config_of(self_of(self))); }

PyObject *get_state(PyObject *self, void *)
{
    Info *info = self_of(self)->info;
    if (info->state == nullptr) {
        Ref types(PyImport_ImportModule("types"));
        Ref made(types ? PyObject_CallMethod(types.get(), "SimpleNamespace", nullptr) : nullptr);
        if (!made) return nullptr;
        if (info->state == nullptr) info->state = made.release();
    }
    return Py_NewRef(info->state);
}

int set_state(PyObject *self, PyObject *value, void *)
{
    Info *info = self_of(self)->info;
    PyObject *old = info->state;
    info->state = Py_XNewRef(value);
    Py_XDECREF(old);
    return 0;
}

PyObject *get_port(PyObject *self, void *)
{
    const Context *context = self_of(self);
    if (context->port < 0 || context->port >= PyTuple_GET_SIZE(context->info->inports)) Py_RETURN_NONE;
    for (uint32_t i = 1; context->packet != nullptr && i < context->firings; ++i) {
        if (context->packet[i * context->width].port != context->packet->port) Py_RETURN_NONE;
    }
    return Py_NewRef(PyTuple_GET_ITEM(context->info->inports, context->port));
}

// The inports of all packets of a batch, in their order.
PyObject *get_ports(PyObject *self, void *)
{
    const Context *context = self_of(self);
    PyObject *inports = context->info->inports;
    const bool known = context->packet != nullptr && context->port >= 0;
    if (!known && context->port < 0) return PyTuple_New(0);
    const Py_ssize_t count = known ? context->firings : 1;
    Ref ports(PyTuple_New(count));
    for (Py_ssize_t i = 0; ports && i < count; ++i) {
        const Py_ssize_t port = known ? context->packet[i * context->width].port : context->port;
        PyObject *name = port < PyTuple_GET_SIZE(inports) ? PyTuple_GET_ITEM(inports, port) : Py_None;
        PyTuple_SET_ITEM(ports.get(), i, Py_NewRef(name));
    }
    return ports.release();
}

PyObject *get_index(PyObject *self, void *)
{
    const uint32_t index = self_of(self)->index;
    if (index == REFLOW_NO_INDEX) Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(index);
}

PyObject *get_attempts(PyObject *self, void *)
{
    const Context *context = self_of(self);
    return PyLong_FromUnsignedLong(
        context->native != nullptr ? reflow_context_attempts(context->native) : context->attempts);
}

PyObject *get_stopping(PyObject *self, void *)
{
    const Context *context = self_of(self);
    bool stopping = true;
    if (context->native != nullptr) stopping = reflow_context_stopping(context->native);
    else if (context->completion != 0) stopping = reflow_completion_cancelled({context->completion});
    return PyBool_FromLong(stopping ? 1 : 0);
}

PyObject *get_now(PyObject *self, void *)
{
    if (const std::shared_ptr<Hooks> *hooks = hooks_of(self)) {
        const Context *context = self_of(self);
        uint64_t now = context->now_ns;
        if ((*hooks)->mode != REFLOW_MODE_SIMULATED) { // whose clock stands still while it waits for coroutines
            const auto since = std::chrono::steady_clock::now().time_since_epoch().count();
            now += static_cast<uint64_t>(since) - context->begun_ns;
        }
        return PyFloat_FromDouble(static_cast<double>(now) * 1e-9);
    }
    reflow_context *native = native_of(self);
    if (native == nullptr) return nullptr;
    return PyFloat_FromDouble(static_cast<double>(reflow_context_now_ns(native)) * 1e-9);
}

PyObject *get_deadline(PyObject *self, void *)
{
    uint64_t deadline = self_of(self)->deadline_ns;
    if (hooks_of(self) == nullptr) {
        reflow_context *native = native_of(self);
        if (native == nullptr) return nullptr;
        deadline = reflow_context_deadline_ns(native);
    }
    if (deadline == UINT64_MAX) Py_RETURN_NONE;
    return PyFloat_FromDouble(static_cast<double>(deadline) * 1e-9);
}

PyObject *get_timers(PyObject *self, void *)
{
    reflow_context *native = native_of(self);
    if (native == nullptr) return nullptr;
    const uint64_t bits = reflow_context_timers(native);
    Ref list(PyList_New(0));
    for (int id = 0; list && id < REFLOW_MAX_TIMERS; ++id) {
        if ((bits >> id & 1U) == 0) continue;
        Ref number(PyLong_FromLong(id));
        if (!number || PyList_Append(list.get(), number.get()) != 0) return nullptr;
    }
    return list.release();
}

PyObject *get_envelope(PyObject *self, void *)
{
    const Context *context = self_of(self);
    if (context->envelope != nullptr) return Py_NewRef(context->envelope);
    if (context->packet == nullptr || context->packet->envelope == nullptr) Py_RETURN_NONE;
    return envelope_dict(context->packet);
}

// The level of the engine for a name, or a number of logging; 0 with an exception.
reflow_log_level log_level(PyObject *level)
{
    constexpr const char *names[] = {"error", "warning", "info", "debug", "trace"};
    if (PyLong_Check(level) != 0) {
        int overflow = 0;
        const long number = PyLong_AsLongAndOverflow(level, &overflow);
        if (overflow > 0 || number >= 40) return REFLOW_LOG_ERROR;
        if (overflow == 0 && number >= 0) {
            return number >= 30   ? REFLOW_LOG_WARN
                   : number >= 20 ? REFLOW_LOG_INFO
                   : number >= 10 ? REFLOW_LOG_DEBUG
                                  : REFLOW_LOG_TRACE;
        }
    } else if (PyUnicode_Check(level) != 0) {
        for (int i = 0; i < 5; ++i) {
            if (PyUnicode_CompareWithASCIIString(level, names[i]) == 0) return i + 1;
        }
        if (PyUnicode_CompareWithASCIIString(level, "warn") == 0) return REFLOW_LOG_WARN;
        if (PyUnicode_CompareWithASCIIString(level, "critical") == 0) return REFLOW_LOG_ERROR;
    }
    Ref text(PyObject_Repr(level));
    const char *name = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    if (name == nullptr) PyErr_Clear();
    raise_text(REFLOW_ERROR_INVALID_ARGUMENT, std::string("no log level ") + (name != nullptr ? name : ""),
               "error, warning, info, debug or trace, or a number of logging");
    return 0;
}

PyObject *context_log(PyObject *self, PyObject *arguments)
{
    const char *text = nullptr;
    Py_ssize_t size = 0;
    PyObject *level = nullptr;
    if (PyArg_ParseTuple(arguments, "Os#:log", &level, &text, &size) == 0) return nullptr;
    const reflow_log_level number = log_level(level);
    if (number == 0 || raise_if_of_parent(self_of(self))) return nullptr;
    if (std::shared_ptr<Hooks> *hooks = hooks_of(self)) {
        Context *context = self_of(self);
        reflow_view node{};
        reflow_view component{};
        if (!view_from(context->info->name, "a node", &node) ||
            !view_from(context->info->component, "a component", &component)) {
            return nullptr;
        }
        unlocked([&] {
            Hooks::log_line(*hooks, number, component, node, {text, static_cast<size_t>(size)});
            return 0;
        });
        Py_RETURN_NONE;
    }
    reflow_context *native = native_of(self);
    if (native == nullptr) return nullptr;
    unlocked([&] {
        reflow_context_log(native, number, {text, static_cast<size_t>(size)});
        return 0;
    });
    Py_RETURN_NONE;
}

PyObject *context_print(PyObject *self, PyObject *text)
{
    reflow_view view{};
    if (!view_from(text, "what is printed", &view) || raise_if_of_parent(self_of(self))) return nullptr;
    reflow_status status = REFLOW_OK;
    if (std::shared_ptr<Hooks> *hooks = hooks_of(self)) {
        reflow_view node{};
        if (!view_from(self_of(self)->info->name, "a node", &node)) return nullptr;
        status = unlocked([&] { return Hooks::print_line(*hooks, node, view); });
    } else {
        reflow_context *native = native_of(self);
        if (native == nullptr) return nullptr;
        status = unlocked([&] { return reflow_context_print(native, view); });
    }
    if (status != REFLOW_OK) return raise_status(status, nullptr, "printing failed");
    Py_RETURN_NONE;
}

PyObject *context_again(PyObject *self, PyObject *)
{
    reflow_context *native = native_of(self);
    if (native == nullptr) return nullptr;
    if (const reflow_status status = reflow_context_again(native)) {
        return raise_status(status, nullptr, "cannot be called again");
    }
    Py_RETURN_NONE;
}

bool nanoseconds(double seconds, uint64_t *out)
{
    if (!(seconds >= 0) || seconds > 1e9) {
        raise_text(REFLOW_ERROR_INVALID_ARGUMENT, "a time in seconds is from 0 to 1e9");
        return false;
    }
    *out = static_cast<uint64_t>(seconds * 1e9);
    return true;
}

PyObject *context_wake_after(PyObject *self, PyObject *seconds)
{
    reflow_context *native = native_of(self);
    uint64_t delay = 0;
    const double value = PyFloat_AsDouble(seconds);
    if (native == nullptr || PyErr_Occurred() != nullptr || !nanoseconds(value, &delay)) return nullptr;
    if (const reflow_status status = reflow_context_wake_after(native, delay)) {
        return raise_status(status, nullptr, "cannot be woken later");
    }
    Py_RETURN_NONE;
}

PyObject *context_set_timer(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"id", "delay", "period", "cron", "zone", nullptr};
    unsigned int id = 0;
    double delay = 0;
    double period = 0;
    const char *cron = nullptr;
    const char *zone = "";
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "I|d$dzs:set_timer", const_cast<char **>(names),
                                    &id, &delay, &period, &cron, &zone) == 0) {
        return nullptr;
    }
    reflow_context *native = native_of(self);
    uint64_t delay_ns = 0;
    uint64_t period_ns = 0;
    if (native == nullptr || !nanoseconds(delay, &delay_ns) || !nanoseconds(period, &period_ns)) {
        return nullptr;
    }
    Failure error;
    reflow_status status = REFLOW_OK;
    if (cron != nullptr) {
        status = reflow_context_set_cron(native, id, reflow_str(cron), reflow_str(zone), error.out());
    } else if (period_ns != 0) {
        status = reflow_context_set_periodic(native, id, delay_ns, period_ns, error.out());
    } else {
        status = reflow_context_set_timer(native, id, delay_ns, error.out());
    }
    if (!check(status, error)) return nullptr;
    Py_RETURN_NONE;
}

PyObject *context_cancel_timer(PyObject *self, PyObject *number)
{
    reflow_context *native = native_of(self);
    const unsigned long id = PyLong_AsUnsignedLong(number);
    if (native == nullptr || PyErr_Occurred() != nullptr) return nullptr;
    Failure error;
    if (!check(reflow_context_cancel_timer(native, static_cast<uint32_t>(id), error.out()), error)) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

// The number of an outport, for questions; -1 with an exception.
int64_t port_of(PyObject *self, PyObject *name)
{
    PyObject *ports = self_of(self)->info->outports;
    const Py_ssize_t found = PySequence_Index(ports, name);
    if (found < 0) {
        PyErr_Clear();
        raise_text(REFLOW_ERROR_NOT_FOUND, "no such outport", suggestion(name, ports));
    }
    return found;
}

PyObject *context_room(PyObject *self, PyObject *name)
{
    reflow_context *native = native_of(self);
    if (native == nullptr) return nullptr;
    const int64_t port = port_of(self, name);
    if (port < 0) return nullptr;
    const size_t room = reflow_context_room(native, static_cast<uint32_t>(port));
    if (room == SIZE_MAX) Py_RETURN_NONE;
    return PyLong_FromSize_t(room);
}

PyObject *context_connected(PyObject *self, PyObject *name)
{
    reflow_context *native = native_of(self);
    if (native == nullptr) return nullptr;
    const int64_t port = port_of(self, name);
    if (port < 0) return nullptr;
    return PyBool_FromLong(reflow_context_connected(native, static_cast<uint32_t>(port)) ? 1 : 0);
}

PyObject *context_watch(PyObject *self, PyObject *post)
{
    return raise_if_of_parent(self_of(self)) ? nullptr : watch_cancel(post, self_of(self)->completion);
}

PyObject *context_ask_room(PyObject *self, PyObject *arguments)
{
    PyObject *post = nullptr;
    unsigned long long number = 0;
    if (PyArg_ParseTuple(arguments, "OK:_ask_room", &post, &number) == 0) return nullptr;
    return watch_room(post, number, self_of(self)->completion);
}

PyObject *get_firing(PyObject *self, void *)
{
    return PyLong_FromUnsignedLongLong(self_of(self)->completion);
}

PyObject *context_set_envelope(PyObject *self, PyObject *dict)
{
    Context *context = self_of(self);
    reflow_context *native = context->completion != 0 ? nullptr : native_of(self);
    EnvelopeOf envelope;
    if (raise_if_of_parent(context) || (native == nullptr && context->completion == 0)) return nullptr;
    if (dict != Py_None && !envelope.parse(dict)) return nullptr;
    const reflow_envelope *given = dict == Py_None ? nullptr : envelope.get();
    const reflow_status status = native != nullptr
                                     ? reflow_context_set_envelope(native, given)
                                     : reflow_completion_set_envelope({context->completion}, given);
    if (status == REFLOW_ERROR_CLOSED) {
        return raise_text(status, "the firing has ended: it has no envelope any more");
    }
    if (status != REFLOW_OK) return raise_status(status, nullptr, "setting an envelope");
    if (context->completion != 0) { // what ctx.envelope tells from now on
        PyObject *old = context->envelope;
        context->envelope = dict == Py_None ? nullptr : Py_NewRef(dict);
        Py_XDECREF(old);
    }
    Py_RETURN_NONE;
}

// Calls a function of a module of the package with one more argument in front.
PyObject *call_with(const char *module_name, const char *name, PyObject *first, PyObject *arguments,
                    PyObject *keywords)
{
    Ref module(PyImport_ImportModule(module_name));
    Ref function(module ? PyObject_GetAttrString(module.get(), name) : nullptr);
    Ref all(PyTuple_New(PyTuple_GET_SIZE(arguments) + 1));
    if (!function || !all) return nullptr;
    PyTuple_SET_ITEM(all.get(), 0, Py_NewRef(first));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); ++i) {
        PyTuple_SET_ITEM(all.get(), i + 1, Py_NewRef(PyTuple_GET_ITEM(arguments, i)));
    }
    return PyObject_Call(function.get(), all.get(), keywords);
}

// A coroutine: ctx.send waits where ctx.emit refuses.
PyObject *context_send(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    return call_with("reflow._aio", "send", self, arguments, keywords);
}

PyObject *context_open_stream(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    if (raise_if_of_parent(self_of(self))) return nullptr;
    Ref runtime(strong(self_of(self)->info->runtime));
    if (!runtime) {
        return raise_text(REFLOW_ERROR_CLOSED, "the runtime of this actor has been collected");
    }
    Ref stream(call_with("reflow.stream", "open_stream", runtime.get(), arguments, keywords));
    Ref weak(stream ? PyWeakref_NewRef(stream.get(), nullptr) : nullptr);
    Context *context = self_of(self);
    if (context->opened == nullptr) context->opened = PyList_New(0);
    if (!weak || context->opened == nullptr || PyList_Append(context->opened, weak.get()) != 0) return nullptr;
    return stream.release();
}

PyCFunction with_keywords(PyCFunctionWithKeywords function)
{
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(function));
}

const PyMethodDef methods[] = {
    {"log", context_log, METH_VARARGS,
     "log(level, text)\n\nWrites a log line: level is error, warning, info, debug or trace, or a number of\n"
     "logging. Coroutines may do it at any time."},
    {"print", context_print, METH_O, "print(text)\n\nPrints for a person, through the hook of the runtime."},
    {"again", context_again, METH_NOARGS,
     "again()\n\nAsks for another call when the outputs have room: how a source goes on."},
    {"wake_after", context_wake_after, METH_O,
     "wake_after(seconds)\n\nAsks for a call after a time; its values are None if nothing has arrived."},
    {"set_timer", with_keywords(context_set_timer), METH_VARARGS | METH_KEYWORDS,
     "set_timer(id, delay=0.0, *, period=0.0, cron=None, zone='')\n\nSets timer id (0 to 63): once after\n"
     "delay seconds, then each period seconds, or at the times of a cron expression in a time zone."},
    {"cancel_timer", context_cancel_timer, METH_O, "cancel_timer(id)\n\nCancels a timer."},
    {"room", context_room, METH_O,
     "room(port) -> int or None\n\nHow many packets the outport takes now; None: it is not connected."},
    {"connected", context_connected, METH_O, "connected(port) -> bool\n\nWhether anybody hears it."},
    {"send", with_keywords(context_send), METH_VARARGS | METH_KEYWORDS,
     "await send(port, value, *, index=None)\n\nIn coroutines: emits, and waits for room if there is none."},
    {"set_envelope", context_set_envelope, METH_O,
     "set_envelope(envelope)\n\nThe envelope, a dict or None, of what this firing emits from now on, instead of\n"
     "that of its input. Without carry_envelopes it does nothing."},
    {"open_stream", with_keywords(context_open_stream), METH_VARARGS | METH_KEYWORDS,
     "open_stream(*, content_type='', size_hint=None, metadata=None, max_frames=0, max_bytes=0)\n\n"
     "Makes a Stream to write to, which is emitted like a value: see Network.open_stream."},
    {"_watch", context_watch, METH_O, "Has a Post object told when this firing is cancelled."},
    {"_ask_room", context_ask_room, METH_VARARGS,
     "Has a number put into a Post object when this firing, which is full, takes values again."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"node", get_node, nullptr, "The id of the node, 'outer/inner' inside subgraphs.", nullptr},
    {"component", get_component, nullptr, "The id of its component.", nullptr},
    {"config", get_config, nullptr, "The configuration of the node, a dict.", nullptr},
    {"state", get_state, set_state,
     "What the node keeps between firings; a SimpleNamespace unless it was set.", nullptr},
    {"port", get_port, nullptr,
     "The inport of this firing; None if it takes one of each, or its packets came by several.", nullptr},
    {"ports", get_ports, nullptr, "The inport of each packet of a batch, a tuple; empty without any.", nullptr},
    {"index", get_index, nullptr, "The element of an array port that it came by, or None.", nullptr},
    {"attempts", get_attempts, nullptr, "Attempts of this firing that have failed before.", nullptr},
    {"stopping", get_stopping, nullptr, "Whether the function should return soon.", nullptr},
    {"now", get_now, nullptr, "The time of the runtime in seconds; logical in mode simulated.", nullptr},
    {"deadline", get_deadline, nullptr, "When the timeout passes, on the clock of now; or None.", nullptr},
    {"timers", get_timers, nullptr, "The ids of the timers that led to this call.", nullptr},
    {"envelope", get_envelope, nullptr, "The envelope of the input as a dict, or None.", nullptr},
    {"_firing", get_firing, nullptr, "The number of a firing that ends later.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

} // namespace

PyObject *config_of(Context *context)
{
    Info *info = context->info;
    if (info->config == nullptr) {
        if (context->native == nullptr) {
            raise_text(REFLOW_ERROR_INVALID_STATE, "the configuration was not read inside a call");
            return nullptr;
        }
        const reflow_message message = reflow_context_config(context->native);
        PyObject *config = reflow_message_kind(message) == REFLOW_KIND_OBJECT
                               ? from_message(message, Arrays::list)
                               : PyDict_New();
        if (info->config == nullptr) info->config = config;
        else Py_XDECREF(config);
    }
    return info->config;
}

PyObject *envelope_dict(const reflow_packet *packet)
{
    reflow_envelope envelope{};
    envelope.struct_size = sizeof envelope;
    if (reflow_packet_envelope(packet, &envelope) != REFLOW_OK) Py_RETURN_NONE;
    return dict_of_envelope(envelope);
}

const PyMethodDef *more_context_methods() { return methods; }
PyGetSetDef *more_context_properties() { return properties; }

} // namespace reflowpy
