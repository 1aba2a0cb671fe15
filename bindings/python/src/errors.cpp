// From statuses and errors of the engine to exceptions, and from exceptions to failures of firings.
// The classes are those of reflow/errors.py, which chooses one by the status.
#include "errors.hpp"

#include "turn.hpp"

namespace reflowpy {

namespace {

// Calls a function of reflow.errors.
PyObject *errors_function(const char *name)
{
    Ref module(PyImport_ImportModule("reflow.errors"));
    if (!module) return nullptr;
    return PyObject_GetAttrString(module.get(), name);
}

bool set_text(PyObject *fields, const char *key, reflow_view text)
{
    Ref value(str_of(text));
    return value && PyDict_SetItemString(fields, key, value.get()) == 0;
}

bool set_number(PyObject *fields, const char *key, uint64_t number)
{
    Ref value(PyLong_FromUnsignedLongLong(number));
    return value && PyDict_SetItemString(fields, key, value.get()) == 0;
}

// The fields of an error, as keywords for reflow.errors.make.
Ref fields_of(const reflow_error *error)
{
    Ref fields(PyDict_New());
    if (!fields || error == nullptr) return fields;
    reflow_place place{};
    place.struct_size = sizeof place;
    bool good = set_text(fields.get(), "hint", reflow_error_hint(error)) &&
                set_text(fields.get(), "trace", reflow_error_trace(error)) &&
                set_text(fields.get(), "text", reflow_error_text(error));
    if (good && reflow_error_place(error, &place) == REFLOW_OK) {
        good = set_text(fields.get(), "file", place.file) &&
               set_text(fields.get(), "path", place.path) &&
               set_text(fields.get(), "node", place.node) &&
               set_text(fields.get(), "port", place.port) &&
               set_number(fields.get(), "line", place.line) &&
               set_number(fields.get(), "column", place.column);
    }
    if (!good) return Ref();
    return fields;
}

Ref make(reflow_status status, reflow_view message, PyObject *fields)
{
    Ref function(errors_function("make"));
    if (!function) return Ref();
    Ref name(str_of(reflow_status_name(status)));
    Ref text(str_of(message));
    if (!name || !text) return Ref();
    Ref arguments(Py_BuildValue("(iOO)", static_cast<int>(status), name.get(), text.get()));
    if (!arguments) return Ref();
    return Ref(in_python([&] { return PyObject_Call(function.get(), arguments.get(), fields); }));
}

Ref exception_of(reflow_status status, const reflow_error *error, const char *doing)
{
    Ref fields = fields_of(error);
    if (!fields) return Ref();
    reflow_view message = error != nullptr ? reflow_error_message(error) : reflow_str(doing);
    Ref exception = make(status, message, fields.get());
    const reflow_error *cause = error != nullptr ? reflow_error_cause(error) : nullptr;
    if (exception && cause != nullptr) {
        Ref inner = exception_of(reflow_error_status(cause), cause, "");
        if (!inner) return Ref();
        PyException_SetCause(exception.get(), inner.release());
    }
    return exception;
}

PyObject *set(Ref exception)
{
    if (exception) {
        PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception.get())), exception.get());
    }
    return nullptr;
}


} // namespace

PyObject *raise_status(reflow_status status, const reflow_error *error, const char *doing)
{
    return set(exception_of(status, error, doing));
}

bool check(reflow_status status, const Failure &error, const char *doing)
{
    if (status == REFLOW_OK) return true;
    raise_status(status, error.get(), doing);
    return false;
}

PyObject *raise_text(reflow_status status, const std::string &message, const std::string &hint)
{
    Ref fields(PyDict_New());
    if (!fields || !set_text(fields.get(), "hint", view_of(hint))) return nullptr;
    return set(make(status, view_of(message), fields.get()));
}

reflow_failure Told::failure() const
{
    reflow_failure failure{};
    failure.struct_size = sizeof failure;
    failure.status = status;
    failure.message = view_of(message);
    failure.hint = view_of(hint);
    failure.trace = view_of(trace);
    return failure;
}

PyObject *take_exception()
{
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != nullptr && traceback != nullptr) PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

Told tell_exception(PyObject **exception)
{
    Ref held_value(take_exception());
    PyObject *value = held_value.get();
    Told told;
    Ref function(errors_function("tell"));
    Ref result(function && value != nullptr
                   ? in_python([&] {
                         return PyObject_CallFunctionObjArgs(function.get(), value, nullptr);
                     })
                   : nullptr);
    if (result && PyTuple_Check(result.get()) && PyTuple_GET_SIZE(result.get()) == 4) {
        told.status = static_cast<reflow_status>(PyLong_AsLong(PyTuple_GET_ITEM(result.get(), 0)));
        std::string *texts[] = {&told.message, &told.hint, &told.trace};
        for (Py_ssize_t i = 0; i < 3; ++i) {
            reflow_view view{};
            if (view_from(PyTuple_GET_ITEM(result.get(), i + 1), "text", &view)) {
                texts[i]->assign(view.data, view.size);
            }
        }
    }
    if (PyErr_Occurred() != nullptr) PyErr_Clear();
    if (told.status >= 0) told.status = REFLOW_ERROR_FAILED;
    if (told.message.empty() && value != nullptr) told.message = Py_TYPE(value)->tp_name;
    if (exception != nullptr) *exception = held_value.release();
    return told;
}

PyObject *kept_interrupt = nullptr;

namespace {

unsigned long interrupted_thread = 0;

int raise_pending(void *) { return raise_interrupt() ? -1 : 0; }

} // namespace

void keep_interrupt(PyObject *exception)
{
    if (exception == nullptr || PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt) == 0) return;
    Ref threading(PyImport_ImportModule("threading"));
    Ref main(threading ? PyObject_CallMethod(threading.get(), "main_thread", nullptr) : nullptr);
    Ref ident(main ? PyObject_GetAttrString(main.get(), "ident") : nullptr);
    const unsigned long number = ident ? PyLong_AsUnsignedLong(ident.get()) : 0;
    if (PyErr_Occurred() != nullptr) PyErr_Clear();
    if (number != PyThread_get_thread_ident()) return; // the program raised it itself
    interrupted_thread = number;
    PyObject *old = std::exchange(kept_interrupt, Py_NewRef(exception));
    Py_XDECREF(old);
}

bool raise_interrupt()
{
    if (kept_interrupt == nullptr || interrupted_thread != PyThread_get_thread_ident() ||
        Turn::now() != nullptr) {
        return false;
    }
    Ref exception(std::exchange(kept_interrupt, nullptr));
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception.get())), exception.get());
    return true;
}

void raise_interrupt_soon()
{
    if (kept_interrupt != nullptr && Turn::now() == nullptr) Py_AddPendingCall(&raise_pending, nullptr);
}

std::string suggestion(PyObject *name, PyObject *names)
{
    Ref function(errors_function("suggest"));
    Ref result(function ? PyObject_CallFunctionObjArgs(function.get(), name, names, nullptr) : nullptr);
    reflow_view view{};
    if (result && view_from(result.get(), "hint", &view)) return std::string(text_of(view));
    PyErr_Clear();
    return "";
}

} // namespace reflowpy
