// Messages as values of Python.
#include <cstring>

#include "errors.hpp"
#include "lend.hpp"
#include "stream.hpp"
#include "values.hpp"

namespace reflowpy {

namespace {

struct Number {
    reflow_number type;
    const char *format;
    const char *dtype;
    Py_ssize_t size;
};

constexpr Number numbers[] = {
    {REFLOW_NUMBER_I8, "b", "int8", 1},    {REFLOW_NUMBER_U8, "B", "uint8", 1},
    {REFLOW_NUMBER_I16, "h", "int16", 2},  {REFLOW_NUMBER_U16, "H", "uint16", 2},
    {REFLOW_NUMBER_I32, "i", "int32", 4},  {REFLOW_NUMBER_U32, "I", "uint32", 4},
    {REFLOW_NUMBER_I64, "q", "int64", 8},  {REFLOW_NUMBER_U64, "Q", "uint64", 8},
    {REFLOW_NUMBER_F32, "f", "float32", 4}, {REFLOW_NUMBER_F64, "d", "float64", 8},
};

const Number *number(reflow_number type)
{
    for (const Number &n : numbers) {
        if (n.type == type) return &n;
    }
    return nullptr;
}

PyObject *array_of(reflow_message message, Arrays arrays);

PyObject *list_of(reflow_message message, Arrays arrays)
{
    const size_t count = reflow_message_count(message);
    Ref list(PyList_New(static_cast<Py_ssize_t>(count)));
    if (!list) return nullptr;
    for (size_t i = 0; i < count; ++i) {
        reflow_message element{};
        if (const reflow_status status = reflow_message_get_at(message, i, &element)) {
            return raise_status(status, nullptr, "reading an array");
        }
        PyObject *value = from_message(element, arrays);
        if (value == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), value);
    }
    return list.release();
}

PyObject *packed_list(reflow_number type, const void *data, size_t count)
{
    Ref list(PyList_New(static_cast<Py_ssize_t>(count)));
    if (!list) return nullptr;
    for (size_t i = 0; i < count; ++i) {
        PyObject *value = nullptr;
        switch (type) {
        case REFLOW_NUMBER_I64: value = PyLong_FromLongLong(static_cast<const int64_t *>(data)[i]); break;
        case REFLOW_NUMBER_U64: // those beyond integers of messages, too
            value = PyLong_FromUnsignedLongLong(static_cast<const uint64_t *>(data)[i]);
            break;
        default: value = PyFloat_FromDouble(static_cast<const double *>(data)[i]); break;
        }
        if (value == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), value);
    }
    return list.release();
}

PyObject *array_of(reflow_message message, Arrays arrays)
{
    reflow_number type = 0;
    const void *data = nullptr;
    size_t count = 0;
    if (reflow_message_get_numbers(message, &type, &data, &count) != REFLOW_OK) {
        return list_of(message, arrays);
    }
    const bool wide = type == REFLOW_NUMBER_I64 || type == REFLOW_NUMBER_F64;
    if (arrays == Arrays::automatic) {
        PyObject *lender = count != 0 ? lender_of(data) : nullptr;
        if (lender != nullptr && is_ndarray(lender)) arrays = Arrays::numpy;
        else if (lender != nullptr || !wide) arrays = Arrays::view;
        else arrays = Arrays::list;
    }
    if (arrays == Arrays::numpy) return array_of_message(message);
    if (arrays == Arrays::view) return wrap_message(reflow_message_ref(message));
    if (wide || type == REFLOW_NUMBER_U64) return packed_list(type, data, count);
    return list_of(message, arrays);
}

// How many that want a list in any case are at work on this thread.
thread_local int lenient = 0;

// An object {"$type": tag, "value": ...} that a converter has made is given to its other half.
PyObject *restored(PyObject *plain)
{
    static PyObject *tags = nullptr; // the dict of reflow.values, which lives for ever
    if (tags == nullptr) {
        Ref module(PyImport_ImportModule("reflow.values"));
        tags = module ? PyObject_GetAttrString(module.get(), "_FROM") : nullptr;
        if (tags == nullptr) return nullptr;
    }
    Ref held(plain);
    if (PyDict_GET_SIZE(tags) == 0 || PyDict_GET_SIZE(plain) != 2) return held.release();
    PyObject *tag = PyDict_GetItemString(plain, "$type");
    PyObject *value = PyDict_GetItemString(plain, "value");
    if (tag == nullptr || value == nullptr || PyUnicode_Check(tag) == 0) return held.release();
    PyObject *function = PyDict_GetItem(tags, tag);
    if (function == nullptr) return held.release();
    Ref kept = Ref::borrow(function);
    PyObject *made = in_python([&] { return PyObject_CallFunctionObjArgs(function, value, nullptr); });
    if (made != nullptr || lenient == 0 || PyErr_ExceptionMatches(PyExc_Exception) == 0) return made;
    PyErr_Clear();
    return held.release();
}

PyObject *dict_of(reflow_message message, Arrays arrays)
{
    const size_t count = reflow_message_count(message);
    Ref dict(PyDict_New());
    if (!dict) return nullptr;
    for (size_t i = 0; i < count; ++i) {
        reflow_view key{};
        reflow_message element{};
        reflow_status status = reflow_message_get_key(message, i, &key);
        if (status == REFLOW_OK) status = reflow_message_get_at(message, i, &element);
        if (status != REFLOW_OK) return raise_status(status, nullptr, "reading an object");
        Ref name(str_of(key));
        Ref value(name ? from_message(element, arrays) : nullptr);
        if (!value || PyDict_SetItem(dict.get(), name.get(), value.get()) != 0) return nullptr;
    }
    return restored(dict.release());
}

PyObject *text_value(reflow_message message)
{
    reflow_view text{};
    if (const reflow_status status = reflow_message_get_text(message, &text)) {
        return raise_status(status, nullptr, "reading a string");
    }
    PyObject *lender = text.size >= 4096 ? lender_of(text.data) : nullptr;
    if (lender != nullptr && PyUnicode_CheckExact(lender) != 0) {
        Py_INCREF(lender);
        return lender;
    }
    return PyUnicode_DecodeUTF8(text.data, static_cast<Py_ssize_t>(text.size), nullptr);
}

PyObject *bytes_value(reflow_message message, Arrays arrays)
{
    reflow_view data{};
    if (const reflow_status status = reflow_message_get_bytes(message, &data)) {
        return raise_status(status, nullptr, "reading bytes");
    }
    PyObject *lender = data.size >= 4096 ? lender_of(data.data) : nullptr;
    if (lender != nullptr && PyBytes_CheckExact(lender) != 0 && arrays != Arrays::view) {
        Py_INCREF(lender);
        return lender;
    }
    if (arrays == Arrays::view) {
        Ref held(wrap_message(reflow_message_ref(message)));
        return held ? PyMemoryView_FromObject(held.get()) : nullptr;
    }
    return PyBytes_FromStringAndSize(data.data, static_cast<Py_ssize_t>(data.size));
}

} // namespace

reflow_number number_of_format(const char *format, Py_ssize_t itemsize)
{
    if (format == nullptr) return REFLOW_NUMBER_U8;
    if (format[0] == '@' || format[0] == '=' || format[0] == '<') ++format;
    if (format[0] == 0 || format[1] != 0) return 0;
    const bool is_signed = std::strchr("bhilqn", format[0]) != nullptr;
    const bool is_unsigned = std::strchr("BHILQN", format[0]) != nullptr;
    const bool is_float = std::strchr("fd", format[0]) != nullptr;
    if (!is_signed && !is_unsigned && !is_float) return 0;
    for (const Number &n : numbers) {
        const bool same = is_float ? std::strchr("fd", n.format[0]) != nullptr
                                   : std::strchr(is_signed ? "bhiq" : "BHIQ", n.format[0]) != nullptr;
        if (same && n.size == itemsize) return n.type;
    }
    return 0;
}

const char *format_of_number(reflow_number type) { return number(type)->format; }
const char *dtype_of_number(reflow_number type) { return number(type)->dtype; }
Py_ssize_t size_of_number(reflow_number type) { return number(type)->size; }

PyObject *numpy_if_loaded()
{
    static PyObject *numpy = nullptr;
    if (numpy == nullptr) {
        PyObject *modules = PyImport_GetModuleDict();
        PyObject *found = modules != nullptr ? PyDict_GetItemString(modules, "numpy") : nullptr;
        // A module that is still being imported has no ndarray yet.
        if (found != nullptr && PyObject_HasAttrString(found, "ndarray") != 0) {
            Py_INCREF(found);
            numpy = found;
        }
    }
    return numpy;
}

bool is_ndarray(PyObject *object)
{
    static PyTypeObject *type = nullptr;
    if (type == nullptr) {
        PyObject *numpy = numpy_if_loaded();
        if (numpy == nullptr) return false;
        type = reinterpret_cast<PyTypeObject *>(PyObject_GetAttrString(numpy, "ndarray"));
        if (type == nullptr) {
            PyErr_Clear();
            return false;
        }
    }
    return PyObject_TypeCheck(object, type) != 0;
}

PyObject *array_of_message(reflow_message message)
{
    static PyObject *frombuffer = nullptr;
    static PyObject *dtypes[REFLOW_NUMBER_F64 + 1] = {};
    reflow_number type = 0;
    const void *data = nullptr;
    size_t count = 0;
    if (const reflow_status status = reflow_message_get_numbers(message, &type, &data, &count)) {
        return raise_status(status, nullptr, "an array of NumPy needs a packed array");
    }
    if (frombuffer == nullptr || dtypes[type] == nullptr) {
        Ref numpy(PyImport_ImportModule("numpy"));
        if (!numpy) return nullptr;
        if (frombuffer == nullptr) frombuffer = PyObject_GetAttrString(numpy.get(), "frombuffer");
        dtypes[type] = PyObject_CallMethod(numpy.get(), "dtype", "s", dtype_of_number(type));
        if (frombuffer == nullptr || dtypes[type] == nullptr) return nullptr;
    }
    if (count == 0) { // frombuffer refuses nothing
        Ref numpy(PyImport_ImportModule("numpy"));
        return numpy ? PyObject_CallMethod(numpy.get(), "empty", "iO", 0, dtypes[type]) : nullptr;
    }
    Ref held(wrap_message(reflow_message_ref(message)));
    if (!held) return nullptr;
    return PyObject_CallFunctionObjArgs(frombuffer, held.get(), dtypes[type], nullptr);
}

AsTheyTravel::AsTheyTravel() { ++lenient; }
AsTheyTravel::~AsTheyTravel() { --lenient; }

PyObject *from_message(reflow_message message, Arrays arrays)
{
    switch (reflow_message_kind(message)) {
    case REFLOW_KIND_NONE:
    case REFLOW_KIND_NULL: Py_RETURN_NONE;
    case REFLOW_KIND_BOOLEAN: {
        bool value = false;
        reflow_message_get_boolean(message, &value);
        return PyBool_FromLong(value ? 1 : 0);
    }
    case REFLOW_KIND_INTEGER: {
        int64_t value = 0;
        reflow_message_get_integer(message, &value);
        return PyLong_FromLongLong(value);
    }
    case REFLOW_KIND_FLOAT: {
        double value = 0;
        reflow_message_get_float(message, &value);
        return PyFloat_FromDouble(value);
    }
    case REFLOW_KIND_STRING: return text_value(message);
    case REFLOW_KIND_BYTES: return bytes_value(message, arrays);
    case REFLOW_KIND_ARRAY: return array_of(message, arrays);
    case REFLOW_KIND_OBJECT: return dict_of(message, arrays);
    case REFLOW_KIND_STREAM: return stream_of(message);
    default: return wrap_message(reflow_message_ref(message));
    }
}

} // namespace reflowpy
