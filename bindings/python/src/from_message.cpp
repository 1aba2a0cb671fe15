// Messages as values of Python.
#include <cstring>
#include <type_traits>

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

// ---- arrays of several dimensions ----------------------------------------------------------------

struct Shaped {
    Py_buffer view{};
    ~Shaped()
    {
        if (view.obj != nullptr) PyBuffer_Release(&view);
    }
};

// Whether a message has the rows of a buffer from a dimension on, all of them, where they are. *next is where
// the next row is.
bool has_rows(reflow_message message, const Py_buffer &view, int dimension, const char **next)
{
    reflow_number type = 0;
    const void *data = nullptr;
    size_t count = 0;
    const auto wanted = static_cast<size_t>(view.shape[dimension]);
    if (reflow_message_get_numbers(message, &type, &data, &count) == REFLOW_OK) {
        const bool last = dimension == view.ndim - 1 || wanted == 0;
        const bool here = count == 0 || data == *next;
        *next += count * static_cast<size_t>(view.itemsize);
        return last && here && count == wanted && type == number_of_format(view.format, view.itemsize);
    }
    if (dimension >= view.ndim - 1 || reflow_message_count(message) != wanted) return false;
    for (size_t i = 0; i < wanted; ++i) {
        reflow_message row{};
        if (reflow_message_get_at(message, i, &row) != REFLOW_OK || !has_rows(row, view, dimension + 1, next)) {
            return false;
        }
    }
    return true;
}

// A read-only array of NumPy over a part of an array or of another buffer.
PyObject *array_over(PyObject *owner, Py_ssize_t first, Py_ssize_t count, PyObject *shape)
{
    Ref numpy(PyImport_ImportModule("numpy"));
    Ref whole(numpy ? PyObject_CallMethod(numpy.get(), "asarray", "O", owner) : nullptr);
    Ref flat(whole ? PyObject_CallMethod(whole.get(), "reshape", "i", -1) : nullptr);
    Ref part(flat ? PySequence_GetSlice(flat.get(), first, first + count) : nullptr);
    Ref shaped(part ? PyObject_CallMethod(part.get(), "reshape", "O", shape) : nullptr);
    Ref done(shaped ? PyObject_CallMethod(shaped.get(), "setflags", "O", Py_False) : nullptr);
    return done ? shaped.release() : nullptr;
}

PyObject *memory_over(const Py_buffer &view, Py_ssize_t first, Py_ssize_t count, PyObject *shape)
{
    Ref whole(PyMemoryView_FromObject(view.obj));
    Ref bytes(whole ? PyObject_CallMethod(whole.get(), "cast", "s", "B") : nullptr);
    Ref part(bytes ? PySequence_GetSlice(bytes.get(), first * view.itemsize, (first + count) * view.itemsize)
                   : nullptr);
    const char *format = format_of_number(number_of_format(view.format, view.itemsize));
    Ref shaped(part ? PyObject_CallMethod(part.get(), "cast", "sO", format, shape) : nullptr);
    return shaped ? PyObject_CallMethod(shaped.get(), "toreadonly", nullptr) : nullptr;
}

// What a message was made of, if that was an array of several dimensions: an array of NumPy, or a memoryview of
// what is none; NULL with or without an exception otherwise.
PyObject *whole_of(reflow_message message, Arrays arrays)
{
    Whole found{};
    if ((arrays != Arrays::automatic && arrays != Arrays::numpy) || !find_whole(message, &found)) return nullptr;
    Ref owner = Ref::borrow(found.owner);
    Shaped of;
    if (PyObject_GetBuffer(owner.get(), &of.view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) return nullptr;
    reflow_message packed{};
    const void *data = nullptr;
    // The program may have given the array another shape since.
    if (!first_packed(message, &packed, &data) || found.dimension >= of.view.ndim) return nullptr;
    const char *next = static_cast<const char *>(data);
    if (!has_rows(message, of.view, found.dimension, &next)) return nullptr;
    const int dimensions = of.view.ndim - found.dimension;
    Ref shape(PyTuple_New(dimensions));
    if (!shape) return nullptr;
    Py_ssize_t count = 1;
    for (int d = 0; d < dimensions; ++d) {
        const Py_ssize_t size = of.view.shape[found.dimension + d];
        PyObject *number = PyLong_FromSsize_t(size);
        if (number == nullptr) return nullptr;
        PyTuple_SET_ITEM(shape.get(), d, number);
        count *= size;
    }
    const Py_ssize_t offset = static_cast<const char *>(data) - static_cast<const char *>(of.view.buf);
    const Py_ssize_t first = count != 0 ? offset / of.view.itemsize : 0;
    if (arrays == Arrays::numpy || is_ndarray(owner.get())) {
        return array_over(owner.get(), first, count, shape.get());
    }
    PyObject *made = memory_over(of.view, first, count, shape.get());
    if (made == nullptr) PyErr_Clear(); // a format that views cannot be made with: its rows are
    return made;
}

PyObject *list_of(reflow_message message, Arrays arrays)
{
    PyObject *whole = whole_of(message, arrays);
    if (whole != nullptr || PyErr_Occurred() != nullptr) return whole;
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

template <typename Type> PyObject *list_of_numbers(const void *data, size_t count)
{
    Ref list(PyList_New(static_cast<Py_ssize_t>(count)));
    if (!list) return nullptr;
    const auto *from = static_cast<const Type *>(data);
    for (size_t i = 0; i < count; ++i) {
        PyObject *value = nullptr;
        if constexpr (std::is_floating_point_v<Type>) value = PyFloat_FromDouble(static_cast<double>(from[i]));
        else if constexpr (std::is_signed_v<Type>) value = PyLong_FromLongLong(from[i]);
        else value = PyLong_FromUnsignedLongLong(from[i]); // those beyond integers of messages, too
        if (value == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), value);
    }
    return list.release();
}

PyObject *packed_list(reflow_number type, const void *data, size_t count)
{
    switch (type) {
    case REFLOW_NUMBER_I8: return list_of_numbers<int8_t>(data, count);
    case REFLOW_NUMBER_U8: return list_of_numbers<uint8_t>(data, count);
    case REFLOW_NUMBER_I16: return list_of_numbers<int16_t>(data, count);
    case REFLOW_NUMBER_U16: return list_of_numbers<uint16_t>(data, count);
    case REFLOW_NUMBER_I32: return list_of_numbers<int32_t>(data, count);
    case REFLOW_NUMBER_U32: return list_of_numbers<uint32_t>(data, count);
    case REFLOW_NUMBER_I64: return list_of_numbers<int64_t>(data, count);
    case REFLOW_NUMBER_U64: return list_of_numbers<uint64_t>(data, count);
    case REFLOW_NUMBER_F32: return list_of_numbers<float>(data, count);
    default: return list_of_numbers<double>(data, count);
    }
}

PyObject *memory_of_message(reflow_message message)
{
    Ref held(wrap_message(reflow_message_ref(message)));
    return held ? PyMemoryView_FromObject(held.get()) : nullptr;
}

PyObject *array_of(reflow_message message, Arrays arrays)
{
    reflow_number type = 0;
    const void *data = nullptr;
    size_t count = 0;
    if (reflow_message_get_numbers(message, &type, &data, &count) != REFLOW_OK) {
        return list_of(message, arrays);
    }
    if (count == 0) { // an array without rows, such as one of the shape (0, 3)
        PyObject *whole = whole_of(message, arrays);
        if (whole != nullptr || PyErr_Occurred() != nullptr) return whole;
    }
    if (arrays == Arrays::automatic) {
        PyObject *lender = lender_of(message, data);
        if (lender != nullptr && is_ndarray(lender)) arrays = Arrays::numpy;
        else if (lender != nullptr) return memory_of_message(message);
        else arrays = Arrays::list;
    }
    if (arrays == Arrays::numpy) return array_of_message(message);
    if (arrays == Arrays::view) return wrap_message(reflow_message_ref(message));
    return packed_list(type, data, count);
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
    PyObject *lender = text.size >= 4096 ? lender_of(message, text.data) : nullptr;
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
    PyObject *lender = data.size >= 4096 ? lender_of(message, data.data) : nullptr;
    if (lender != nullptr && PyBytes_CheckExact(lender) != 0 && arrays != Arrays::view) {
        Py_INCREF(lender);
        return lender;
    }
    if (arrays == Arrays::view) return memory_of_message(message);
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
