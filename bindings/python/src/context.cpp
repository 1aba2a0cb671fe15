// The type Context: what the function of an actor gets as its first argument. Emitting is here; what else
// a firing may ask is in context_more.cpp.
#include "context.hpp"

#include <structmember.h>

#include <memory>
#include <utility>
#include <vector>

#include "context_more.hpp"
#include "errors.hpp"
#include "forked.hpp"
#include "handles.hpp"
#include "turn.hpp"
#include "values.hpp"

namespace reflowpy {

namespace {

PyTypeObject *info_type = nullptr;
PyTypeObject *context_type = nullptr;

Context *self_of(PyObject *self) { return reinterpret_cast<Context *>(self); }

bool raise_ended(const Context *context)
{
    raise_text(REFLOW_ERROR_INVALID_STATE,
               "node '" + std::string(PyUnicode_AsUTF8(context->info->name)) +
                   "' emits after its firing has ended",
               context->task ? "emit before the coroutine returns"
                             : "what goes on longer is a coroutine (async def) or a generator");
    return false;
}

// The number of an outport by its name; -1 with an exception.
int64_t outport_number(const Context *context, PyObject *name)
{
    PyObject *ports = context->info->outports;
    const Py_ssize_t count = PyTuple_GET_SIZE(ports);
    for (Py_ssize_t i = 0; i < count; ++i) { // names in programs are interned, so this finds most
        if (PyTuple_GET_ITEM(ports, i) == name) return i;
    }
    if (PyUnicode_Check(name) == 0) {
        PyErr_Format(PyExc_TypeError, "the name of an outport is a str, not %.200s",
                     Py_TYPE(name)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(ports, i), name) == 0) return i;
    }
    if (PyErr_Occurred() != nullptr) return -1;
    if (PyUnicode_CompareWithASCIIString(name, "error") == 0) return count; // each node has it
    reflow_view node{};
    reflow_view port{};
    if (!view_from(context->info->name, "node", &node) || !view_from(name, "port", &port)) return -1;
    raise_text(REFLOW_ERROR_NOT_FOUND,
               "node '" + std::string(text_of(node)) + "' has no outport '" +
                   std::string(text_of(port)) + "'",
               suggestion(name, ports));
    return -1;
}

// With check_types: an inport behind the outport does not take the message, of this kind if it is known.
void raise_type(const Context *context, uint32_t number, reflow_kind kind)
{
    PyObject *ports = context->info->outports;
    PyObject *port = number < PyTuple_GET_SIZE(ports) ? PyTuple_GET_ITEM(ports, number) : nullptr;
    reflow_view node{};
    reflow_view name = reflow_str("error"); // each node has it
    if (!view_from(context->info->name, "node", &node)) return;
    if (port != nullptr && !view_from(port, "port", &name)) return;
    const std::string value = kind == REFLOW_KIND_NONE ? "a value" : "a value of kind " +
                                                             std::string(text_of(reflow_kind_name(kind)));
    raise_text(REFLOW_ERROR_TYPE, "node '" + std::string(text_of(node)) + "' emits " + value + " on outport '" +
                                      std::string(text_of(name)) +
                                      "', and an inport that it is connected to takes another type");
}

bool emitted(Context *context, reflow_status status, uint32_t port, reflow_kind kind)
{
    if (status == REFLOW_OK) {
        ++context->emits;
        return true;
    }
    if (status == REFLOW_ERROR_CLOSED || status == REFLOW_ERROR_INVALID_STATE) return raise_ended(context);
    if (status == REFLOW_ERROR_WOULD_BLOCK) {
        raise_text(status, "the outputs of this firing are full", "await ctx.send(port, value)");
    } else if (status == REFLOW_ERROR_TYPE) {
        raise_type(context, port, kind);
    } else {
        raise_status(status, nullptr, "an actor cannot emit");
    }
    return false;
}

// Takes the message in any case.
bool emit_message(Context *context, uint32_t port, uint32_t index, reflow_message message)
{
    const reflow_kind kind = reflow_message_kind(message);
    if (raise_if_of_parent(context)) {
        reflow_message_unref(message);
        return false;
    }
    if (context->native != nullptr) {
        const reflow_status status =
            index == REFLOW_NO_INDEX ? reflow_context_emit(context->native, port, message)
                                     : reflow_context_emit_at(context->native, port, index, message);
        return emitted(context, status, port, kind);
    }
    if (context->completion == 0) {
        reflow_message_unref(message);
        return raise_ended(context);
    }
    const reflow_completion completion{context->completion};
    const reflow_status status =
        index == REFLOW_NO_INDEX ? reflow_completion_emit(completion, port, message, 0)
                                 : reflow_completion_emit_at(completion, port, index, message, 0);
    if (status != REFLOW_OK) reflow_message_unref(message);
    return emitted(context, status, port, kind);
}

bool emit_one(Context *context, PyObject *name, PyObject *value)
{
    const int64_t port = outport_number(context, name);
    reflow_message message{};
    return port >= 0 && to_message(value, &message) &&
           emit_message(context, static_cast<uint32_t>(port), REFLOW_NO_INDEX, message);
}

bool emit_messages(Context *context, uint32_t number, Messages &messages)
{
    if (raise_if_of_parent(context)) return false;
    if (context->native != nullptr) {
        messages.taken(messages.size());
        return emitted(context,
                       reflow_context_emit_many(context->native, number, messages.data(), messages.size()),
                       number, REFLOW_KIND_NONE);
    }
    for (size_t i = 0; i < messages.size(); ++i) {
        messages.taken(i + 1);
        if (!emit_message(context, number, REFLOW_NO_INDEX, messages.data()[i])) return false;
    }
    return true;
}

bool emit_many(Context *context, PyObject *name, PyObject *values)
{
    const int64_t port = outport_number(context, name);
    Messages messages;
    return port >= 0 && messages.fill(values) && emit_messages(context, static_cast<uint32_t>(port), messages);
}

bool raise_wrong_result(const Context *context, PyObject *result)
{
    Ref module(PyImport_ImportModule("reflow.errors"));
    Ref type(module ? PyObject_GetAttrString(module.get(), "ReturnError") : nullptr);
    if (type) {
        const char *hint = "";
        if (PyCoro_CheckExact(result) != 0) {
            hint = " (a decorator hides that this is a coroutine function: make the outer one async def, too)";
            Ref closed(PyObject_CallMethod(result, "close", nullptr)); // nobody awaits it
            if (!closed) PyErr_Clear();
        } else if (PyGen_CheckExact(result) != 0 || PyAsyncGen_CheckExact(result) != 0) {
            hint = " (a decorator hides that this is a generator function: yield in the outer one, too)";
        }
        PyErr_Format(type.get(),
                     "node '%U' returned %.200s; an actor returns None, or a dict from outport to value%s",
                     context->info->name, Py_TYPE(result)->tp_name, hint);
    }
    return false;
}

// All values are converted before the first is emitted: of a wrong dict nothing goes.
bool emit_dict(Context *context, PyObject *result)
{
    constexpr Py_ssize_t most = 16;
    reflow_message messages[most];
    int64_t ports[most];
    const Py_ssize_t size = PyDict_GET_SIZE(result);
    if (size > most) {
        PyObject *key = nullptr;
        PyObject *value = nullptr;
        Py_ssize_t position = 0;
        while (PyDict_Next(result, &position, &key, &value) != 0) {
            if (!emit_one(context, key, value)) return false;
        }
        return true;
    }
    PyObject *key = nullptr;
    PyObject *value = nullptr;
    Py_ssize_t position = 0;
    Py_ssize_t count = 0;
    bool good = true;
    while (good && count < most && PyDict_Next(result, &position, &key, &value) != 0) {
        ports[count] = outport_number(context, key);
        good = ports[count] >= 0 && to_message(value, &messages[count]);
        if (good) ++count;
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (!good) reflow_message_unref(messages[i]);
        else good = emit_message(context, static_cast<uint32_t>(ports[i]), REFLOW_NO_INDEX, messages[i]);
    }
    return good;
}

bool index_from(PyObject *value, uint32_t *index)
{
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0 && number == -1 && PyErr_Occurred() != nullptr) return false;
    if (overflow != 0 || number < 0 || number >= REFLOW_NO_INDEX) {
        raise_text(REFLOW_ERROR_INVALID_ARGUMENT, "an index is a whole number from 0 to 4294967294");
        return false;
    }
    *index = static_cast<uint32_t>(number);
    return true;
}

PyObject *context_emit(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Context *context = self_of(self);
    const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    uint32_t index = REFLOW_NO_INDEX;
    if (count != 2 || named > 1) {
        PyErr_SetString(PyExc_TypeError, "emit takes a port, a value, and perhaps index=");
        return nullptr;
    }
    if (named == 1) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "index") != 0) {
            PyErr_Format(PyExc_TypeError, "emit has no argument '%U'", PyTuple_GET_ITEM(names, 0));
            return nullptr;
        }
        if (arguments[2] != Py_None && !index_from(arguments[2], &index)) return nullptr;
    }
    const int64_t port = outport_number(context, arguments[0]);
    reflow_message message{};
    if (port < 0 || !to_message(arguments[1], &message) ||
        !emit_message(context, static_cast<uint32_t>(port), index, message)) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject *context_emit_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "emit_many takes a port and a sequence of values");
        return nullptr;
    }
    if (!emit_many(self_of(self), arguments[0], arguments[1])) return nullptr;
    Py_RETURN_NONE;
}

// ---- the end of a firing that ends later ----------------------------------------------------------

// The number of the firing, which is over now.
reflow_completion end_firing(Context *context)
{
    const reflow_completion completion{std::exchange(context->completion, 0)};
    if (completion.id != 0) (*context->info->hooks)->ended();
    return completion;
}

PyObject *context_resolve(PyObject *self, PyObject *result)
{
    Context *context = self_of(self);
    if (raise_if_of_parent(context) || !emit_result(context, result)) return nullptr;
    const reflow_completion completion{context->completion};
    const reflow_status status = reflow_completion_resolve(completion);
    end_firing(context);
    // A firing that was cancelled meanwhile is over already.
    return PyBool_FromLong(status == REFLOW_OK ? 1 : 0);
}

PyObject *context_fail(PyObject *self, PyObject *exception)
{
    Context *context = self_of(self);
    if (raise_if_of_parent(context)) return nullptr;
    const reflow_completion completion{context->completion};
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception)), exception);
    fail_opened(context);
    const Told told = tell_exception(nullptr);
    const reflow_failure failure = told.failure();
    const reflow_status status = reflow_completion_fail_with(completion, &failure);
    end_firing(context);
    return PyBool_FromLong(status == REFLOW_OK ? 1 : 0);
}

PyMethodDef own_methods[] = {
    {"emit", reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(context_emit)),
     METH_FASTCALL | METH_KEYWORDS,
     "emit(port, value, *, index=None)\n\nEmits a value on an outport, any number of times. index is the\n"
     "element of an array port. Arrays and other buffers are lent, not copied: who fills the same one again\n"
     "emits a copy of it (array.copy()). Raises NotFoundError with a hint for an unknown port, ConversionError for\n"
     "a value that cannot travel, InvalidStateError when the firing has ended."},
    {"emit_many", reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(context_emit_many)),
     METH_FASTCALL,
     "emit_many(port, values)\n\nEmits each element of a sequence, or of an array of NumPy with one\n"
     "dimension, as a packet of its own."},
    {"_resolve", context_resolve, METH_O, "Ends the firing of a coroutine with its result."},
    {"_fail", context_fail, METH_O, "Ends the firing of a coroutine with an exception."},
    {nullptr, nullptr, 0, nullptr},
};

// ---- types -----------------------------------------------------------------------------------------

int info_traverse(PyObject *self, visitproc visit, void *arg)
{
    auto *info = reinterpret_cast<Info *>(self);
    for (PyObject *object :
         {info->name, info->component, info->inports, info->outports, info->config, info->state,
                             info->runtime}) {
        Py_VISIT(object);
    }
    Py_VISIT(Py_TYPE(self));
    return 0;
}

int info_clear(PyObject *self)
{
    auto *info = reinterpret_cast<Info *>(self);
    Py_CLEAR(info->config);
    Py_CLEAR(info->state);
    return 0;
}

void info_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    info_clear(self);
    auto *info = reinterpret_cast<Info *>(self);
    Py_CLEAR(info->name);
    Py_CLEAR(info->component);
    Py_CLEAR(info->inports);
    Py_CLEAR(info->outports);
    Py_CLEAR(info->runtime);
    delete info->hooks;
    type->tp_free(self);
    Py_DECREF(type);
}

int context_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(reinterpret_cast<PyObject *>(self_of(self)->info));
    Py_VISIT(self_of(self)->envelope);
    Py_VISIT(self_of(self)->opened);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

void context_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self_of(self)->envelope);
    Py_CLEAR(self_of(self)->opened);
    if (self_of(self)->completion != 0) end_firing(self_of(self)); // nobody ends it any more
    Py_CLEAR(self_of(self)->info);
    type->tp_free(self);
    Py_DECREF(type);
}

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

PyMemberDef info_members[] = {
    {"name", T_OBJECT, offsetof(Info, name), READONLY, "The id of the node."},
    {"component", T_OBJECT, offsetof(Info, component), READONLY, "The id of its component."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot info_slots[] = {
    {Py_tp_dealloc, slot(info_dealloc)},
    {Py_tp_traverse, slot(info_traverse)},
    {Py_tp_clear, slot(info_clear)},
    {Py_tp_members, info_members},
    {0, nullptr},
};
PyType_Spec info_spec = {"reflow._reflow.NodeInfo", sizeof(Info), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, info_slots};

const char documentation[] =
    "What an actor gets as its first argument: its node, and the firing that goes on.\n\nIt is valid until "
    "the function returns; that of a coroutine until the coroutine has ended.";

PyMethodDef *all_methods()
{
    static PyMethodDef all[64];
    size_t count = 0;
    const PyMethodDef *own = own_methods;
    for (const PyMethodDef *part : {own, more_context_methods()}) {
        for (; part->ml_name != nullptr && count < 63; ++part) all[count++] = *part;
    }
    return all;
}

} // namespace

bool init_context(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char *>(documentation)},
        {Py_tp_dealloc, slot(context_dealloc)},
        {Py_tp_traverse, slot(context_traverse)},
        {Py_tp_methods, all_methods()},
        {Py_tp_getset, more_context_properties()},
        {0, nullptr},
    };
    static PyType_Spec spec = {"reflow.Context", sizeof(Context), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
    info_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&info_spec));
    context_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    if (info_type == nullptr || context_type == nullptr) return false;
    // Both are made by actors only.
    info_type->tp_new = nullptr;
    context_type->tp_new = nullptr;
    return PyModule_AddObjectRef(module, "Context", reinterpret_cast<PyObject *>(context_type)) == 0;
}

PyObject *new_info(reflow_view node, PyObject *component, PyObject *inports, PyObject *outports,
                   PyObject *runtime, const std::shared_ptr<Hooks> &hooks)
{
    PyObject *object = info_type->tp_alloc(info_type, 0);
    if (object == nullptr) return nullptr;
    auto *info = reinterpret_cast<Info *>(object);
    info->name = str_of(node);
    info->component = Py_NewRef(component);
    info->inports = Py_NewRef(inports);
    info->outports = Py_NewRef(outports);
    info->runtime = Py_XNewRef(runtime);
    info->hooks = new std::shared_ptr<Hooks>(hooks);
    if (info->name != nullptr) return object;
    Py_DECREF(object);
    return nullptr;
}

Context *new_context(PyObject *info)
{
    PyObject *object = context_type->tp_alloc(context_type, 0);
    if (object == nullptr) return nullptr;
    Context *context = self_of(object);
    context->info = reinterpret_cast<Info *>(Py_NewRef(info));
    context->port = -1;
    context->index = REFLOW_NO_INDEX;
    return context;
}

void fail_opened(Context *context)
{
    Ref opened(std::exchange(context->opened, nullptr));
    if (!opened) return;
    Ref exception(take_exception());
    for (Py_ssize_t i = 0; exception && i < PyList_GET_SIZE(opened.get()); ++i) {
        Ref stream(strong(PyList_GET_ITEM(opened.get(), i)));
        Ref done(stream ? in_python([&] {
            return PyObject_CallMethod(stream.get(), "fail", "O", exception.get());
        })
                        : nullptr);
        if (!done) PyErr_Clear(); // it has ended already
    }
    if (exception) PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception.get())), exception.get());
}

bool emit_result(Context *context, PyObject *result)
{
    if (result == Py_None) return true;
    if (PyDict_CheckExact(result) != 0) return emit_dict(context, result);
    if (PyDict_Check(result) == 0) return raise_wrong_result(context, result);
    Ref copy(PyDict_Copy(result));
    return copy && emit_dict(context, copy.get());
}

bool emit_results(Context *context, PyObject *result)
{
    if (result == Py_None) return true;
    if (PyDict_Check(result) == 0) return raise_wrong_result(context, result);
    // Of a wrong dict nothing goes.
    std::vector<std::pair<uint32_t, std::unique_ptr<Messages>>> all;
    PyObject *key = nullptr;
    PyObject *values = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(result, &position, &key, &values) != 0) {
        const int64_t port = outport_number(context, key);
        if (port < 0) return false;
        all.emplace_back(static_cast<uint32_t>(port), std::make_unique<Messages>());
        if (!all.back().second->fill(values)) return false;
    }
    for (const auto &[port, messages] : all) {
        if (!emit_messages(context, port, *messages)) return false;
    }
    return true;
}

} // namespace reflowpy
