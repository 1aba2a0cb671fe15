// Values of Python as messages.
#include <algorithm>
#include <climits>
#include <cstring>
#include <vector>

#include "errors.hpp"
#include "lend.hpp"
#include "stream.hpp"
#include "values.hpp"

namespace reflowpy {

namespace {

// From this size on strings and bytes are lent: below it a copy costs less than the bookkeeping.
constexpr Py_ssize_t lend_from = 4096;

// The way from the value that was given to the one that is looked at.
struct Path {
    const Path *parent = nullptr;
    PyObject *container = nullptr;
    PyObject *key = nullptr; // or an index, if it is NULL
    Py_ssize_t index = 0;
};

std::string text_of_step(const Path *step)
{
    if (step->key == nullptr) return "[" + std::to_string(step->index) + "]";
    reflow_view key{};
    if (!view_from(step->key, "key", &key)) {
        PyErr_Clear();
        return ".?";
    }
    return "." + std::string(text_of(key));
}

// The steps from the value that was given, the first one first.
std::vector<const Path *> steps_of(const Path *path)
{
    std::vector<const Path *> steps;
    for (; path != nullptr; path = path->parent) steps.push_back(path);
    std::reverse(steps.begin(), steps.end());
    return steps;
}

// "$.rows[3].when"; of a long way the middle is left out.
std::string text_of_path(const Path *path)
{
    constexpr size_t most = 24;
    constexpr size_t end = 4;
    const std::vector<const Path *> steps = steps_of(path);
    std::string text = "$";
    for (size_t i = 0; i < steps.size(); ++i) {
        if (steps.size() > most && i == most - end) {
            text += "...";
            i = steps.size() - end;
        }
        text += text_of_step(steps[i]);
    }
    return text;
}

bool refuse(const Path *path, const std::string &fact, const std::string &hint = "")
{
    Ref function;
    Ref module(PyImport_ImportModule("reflow.errors"));
    if (module) function = Ref(PyObject_GetAttrString(module.get(), "ConversionError"));
    if (!function) return false;
    const std::string place = text_of_path(path);
    const std::string message = place + ": " + fact;
    Ref arguments(Py_BuildValue("(s#)", message.data(), static_cast<Py_ssize_t>(message.size())));
    Ref keywords(Py_BuildValue("{s:s#,s:s#}", "path", place.data(),
                               static_cast<Py_ssize_t>(place.size()), "hint", hint.data(),
                               static_cast<Py_ssize_t>(hint.size())));
    if (!arguments || !keywords) return false;
    Ref error(PyObject_Call(function.get(), arguments.get(), keywords.get()));
    if (error) PyErr_SetObject(function.get(), error.get());
    return false;
}

std::string type_of(PyObject *value) { return Py_TYPE(value)->tp_name; }

class Converter {
public:
    bool convert(PyObject *value, reflow_message *out, const Path *path, int depth);

private:
    bool integer(PyObject *value, reflow_message *out, const Path *path);
    bool string(PyObject *value, reflow_message *out, const Path *path);
    bool bytes(PyObject *value, reflow_message *out);
    bool sequence(PyObject *value, reflow_message *out, const Path *path, int depth);
    bool packed(PyObject *const *items, Py_ssize_t size, reflow_message *out, bool *done);
    bool object(PyObject *value, reflow_message *out, const Path *path, int depth);
    bool buffer(PyObject *value, reflow_message *out, const Path *path, int depth);
    bool plain_buffer(Py_buffer *view, PyObject *value, reflow_message *out, const Path *path,
                      int depth);
    bool elements(PyObject *value, const char *format, reflow_message *out, const Path *path, int depth);
    bool times(PyObject *array, reflow_message *out, const Path *path, int depth);
    bool rows(const Py_buffer &view, int dimension, const char *data, reflow_number type,
              reflow_message *out);
    bool scalar(const Py_buffer &view, reflow_number type, reflow_message *out, const Path *path);
    bool other(PyObject *value, reflow_message *out, const Path *path, int depth);
    bool too_deep(PyObject *value, const Path *path);
};

bool Converter::integer(PyObject *value, reflow_message *out, const Path *path)
{
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0) {
        return refuse(path, "an int beyond 64 bits: the limits are -2**63 and 2**63 - 1",
                      "send it as str, or as float if its last digits do not matter");
    }
    if (number == -1 && PyErr_Occurred() != nullptr) return false;
    *out = reflow_message_integer(number);
    return true;
}

bool Converter::string(PyObject *value, reflow_message *out, const Path *path)
{
    Py_ssize_t size = 0;
    const char *data = PyUnicode_AsUTF8AndSize(value, &size);
    if (data == nullptr) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) == 0) return false;
        PyErr_Clear();
        return refuse(path, "a str that is no Unicode text: it has lone surrogates",
                      "encode it with errors='surrogateescape' and send the bytes");
    }
    // Others make their UTF-8 on the side, so it lives as long as they do, too.
    if (size >= lend_from && PyUnicode_CheckExact(value) != 0) {
        return lend_object(value, REFLOW_KIND_STRING, data, static_cast<size_t>(size), out);
    }
    Failure error;
    return check(reflow_message_string({data, static_cast<size_t>(size)}, out, error.out()), error);
}

bool Converter::bytes(PyObject *value, reflow_message *out)
{
    const Py_ssize_t size = PyBytes_GET_SIZE(value);
    if (size >= lend_from) {
        return lend_object(value, REFLOW_KIND_BYTES, PyBytes_AS_STRING(value),
                           static_cast<size_t>(size), out);
    }
    Failure error;
    return check(reflow_message_bytes(PyBytes_AS_STRING(value), static_cast<size_t>(size), out,
                                      error.out()),
                 error);
}

// Lists of ints alone or floats alone are packed at once.
bool Converter::packed(PyObject *const *items, Py_ssize_t size, reflow_message *out, bool *done)
{
    *done = false;
    if (size < 4) return true;
    Failure error;
    const auto count = static_cast<size_t>(size);
    if (PyFloat_CheckExact(items[0]) != 0) {
        for (size_t i = 0; i < count; ++i) {
            if (PyFloat_CheckExact(items[i]) == 0) return true;
        }
        std::vector<double> numbers(count);
        for (size_t i = 0; i < count; ++i) numbers[i] = PyFloat_AS_DOUBLE(items[i]);
        *done = true;
        return check(reflow_message_numbers(REFLOW_NUMBER_F64, numbers.data(), count, out,
                                            error.out()),
                     error);
    }
    if (PyLong_CheckExact(items[0]) == 0) return true;
    std::vector<int64_t> numbers(count);
    for (size_t i = 0; i < count; ++i) {
        if (PyLong_CheckExact(items[i]) == 0) return true;
        int overflow = 0;
        numbers[i] = PyLong_AsLongLongAndOverflow(items[i], &overflow);
        if (overflow != 0) return true; // the slow way says where
    }
    *done = true;
    return check(reflow_message_numbers(REFLOW_NUMBER_I64, numbers.data(), count, out, error.out()),
                 error);
}

bool Converter::sequence(PyObject *value, reflow_message *out, const Path *path, int depth)
{
    Ref held(PySequence_Fast(value, "a sequence"));
    if (!held) return false;
    Py_ssize_t size = PySequence_Fast_GET_SIZE(held.get());
    bool done = false;
    if (!packed(PySequence_Fast_ITEMS(held.get()), size, out, &done)) return false;
    if (done) return true;
    Failure error;
    reflow_array_builder *builder = nullptr;
    if (!check(reflow_array_builder_create(static_cast<size_t>(size), &builder, error.out()), error)) {
        return false;
    }
    // A converter may be code of the program that changes the list: the size is asked for each time.
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(held.get()); ++i) {
        Ref item = Ref::borrow(PySequence_Fast_GET_ITEM(held.get(), i));
        const Path here{path, value, nullptr, i};
        reflow_message element{};
        if (!convert(item.get(), &element, &here, depth + 1) ||
            !check(reflow_array_builder_append(builder, element, error.out()), error)) {
            reflow_array_builder_destroy(builder);
            return false;
        }
    }
    return check(reflow_array_builder_finish(builder, out, error.out()), error);
}

bool Converter::object(PyObject *value, reflow_message *out, const Path *path, int depth)
{
    Failure error;
    reflow_object_builder *builder = nullptr;
    if (!check(reflow_object_builder_create(static_cast<size_t>(PyDict_GET_SIZE(value)), &builder,
                                            error.out()),
               error)) {
        return false;
    }
    PyObject *key = nullptr;
    PyObject *item = nullptr;
    Py_ssize_t position = 0;
    bool good = true;
    while (good && PyDict_Next(value, &position, &key, &item) != 0) {
        Ref held_key = Ref::borrow(key);
        Ref held_item = Ref::borrow(item);
        reflow_view name{};
        if (PyUnicode_Check(key) == 0) {
            good = refuse(path, "a dict with a key of type " + type_of(key) + "; keys are str",
                          "make the keys str, or send a list of pairs");
            break;
        }
        const Path here{path, value, key, 0};
        reflow_message element{};
        if (!view_from(key, "a key", &name)) {
            PyErr_Clear();
            good = refuse(path, "a dict with a key that has lone surrogates");
            break;
        }
        good = convert(item, &element, &here, depth + 1) &&
               check(reflow_object_builder_set(builder, name, element, error.out()), error);
    }
    if (!good) {
        reflow_object_builder_destroy(builder);
        return false;
    }
    return check(reflow_object_builder_finish(builder, out, error.out()), error);
}

bool Converter::scalar(const Py_buffer &view, reflow_number type, reflow_message *out, const Path *path)
{
    uint64_t natural = 0;
    if (type == REFLOW_NUMBER_U64) std::memcpy(&natural, view.buf, sizeof natural);
    if (natural > INT64_MAX) {
        return refuse(path, "a uint64 beyond 2**63 - 1, the largest integer of a message",
                      "an array of them goes as it is; or send str(value)");
    }
    // One element of an array gives the message that it would have in a packed array.
    Failure error;
    reflow_message packed_one{};
    reflow_message element{};
    if (!check(reflow_message_numbers(type, view.buf, 1, &packed_one, error.out()), error)) return false;
    const reflow_status status = reflow_message_get_at(packed_one, 0, &element);
    *out = reflow_message_ref(element);
    reflow_message_unref(packed_one);
    return check(status, error, "reading a number");
}

// The rows of an array with several dimensions are arrays; the last dimension is lent, and so is one without
// rows. Where they arrive in Python they are the array again.
bool Converter::rows(const Py_buffer &view, int dimension, const char *data, reflow_number type,
                     reflow_message *out)
{
    const auto count = static_cast<size_t>(view.shape[dimension]);
    const bool last = dimension == view.ndim - 1;
    if (last || count == 0) {
        if (!lend_part(view.obj, data, count, type, out)) return false;
        if (!last) remember_whole(*out, *out, dimension);
        return true;
    }
    Py_ssize_t stride = view.itemsize;
    for (int d = dimension + 1; d < view.ndim; ++d) stride *= view.shape[d];
    Failure error;
    reflow_array_builder *builder = nullptr;
    if (!check(reflow_array_builder_create(count, &builder, error.out()), error)) return false;
    reflow_message first{};
    for (size_t i = 0; i < count; ++i) {
        reflow_message row{};
        if (!rows(view, dimension + 1, data + static_cast<Py_ssize_t>(i) * stride, type, &row) ||
            !check(reflow_array_builder_append(builder, row, error.out()), error)) {
            reflow_array_builder_destroy(builder);
            return false;
        }
        if (i == 0) first = row; // which the array keeps
    }
    if (!check(reflow_array_builder_finish(builder, out, error.out()), error)) return false;
    remember_whole(first, *out, dimension);
    return true;
}

// Its buffer has what the mask hides.
static bool is_masked(PyObject *array)
{
    return std::strcmp(Py_TYPE(array)->tp_name, "MaskedArray") == 0 ||
           std::strcmp(Py_TYPE(array)->tp_name, "MaskedConstant") == 0;
}

// An array of NumPy in a form that messages have, of the same values: a copy in the order of bytes of the
// machine, aligned; half floats as float32. None if there is none.
static PyObject *native_array(PyObject *array, const char *format)
{
    const char *letter = format + (std::strchr("@=<>!", format[0]) != nullptr ? 1 : 0);
    if (letter[0] == 0 || letter[1] != 0) Py_RETURN_NONE;
    if (letter[0] == 'e') return PyObject_CallMethod(array, "astype", "s", "float32");
    if (std::strchr("bhilqnBHILQNfd", letter[0]) == nullptr) Py_RETURN_NONE;
    Ref type(PyObject_GetAttrString(array, "dtype"));
    Ref native(type ? PyObject_CallMethod(type.get(), "newbyteorder", "s", "=") : nullptr);
    return native ? PyObject_CallMethod(array, "astype", "O", native.get()) : nullptr;
}

bool Converter::plain_buffer(Py_buffer *view, PyObject *value, reflow_message *out, const Path *path,
                             int depth)
{
    const char *format = view->format != nullptr ? view->format : "B";
    const bool of_bytes = view->itemsize == 1 && std::strchr("Bbc", format[0]) != nullptr &&
                          format[1] == 0 && view->ndim == 1 && !is_ndarray(value) &&
                          std::strcmp(Py_TYPE(value)->tp_name, "array.array") != 0;
    if (of_bytes && !(PyMemoryView_Check(value) != 0 && format[0] == 'b')) {
        if (PyByteArray_Check(value) == 0) return lend_buffer(view, 0, out);
        // A bytearray is there to be changed, so it is copied.
        Failure error;
        const bool good = check(
            reflow_message_bytes(view->buf, static_cast<size_t>(view->len), out, error.out()), error);
        PyBuffer_Release(view);
        return good;
    }
    const reflow_number type = number_of_format(format, view->itemsize);
    const bool aligned = type == 0 || view->ndim == 0 ||
                         reinterpret_cast<uintptr_t>(view->buf) % static_cast<uintptr_t>(view->itemsize) == 0;
    if (is_ndarray(value) && (type == 0 || !aligned)) {
        const std::string kept = format; // of the buffer
        PyBuffer_Release(view);
        Ref native(native_array(value, kept.c_str()));
        if (!native) return false;
        if (native.get() != Py_None) return convert(native.get(), out, path, depth);
        return elements(value, kept.c_str(), out, path, depth);
    }
    if (type == 0 || (!aligned && view->ndim > 1)) {
        const std::string kept = format;
        PyBuffer_Release(view);
        return elements(value, kept.c_str(), out, path, depth);
    }
    if (!aligned) { // of what is no array of NumPy: copied
        Ref copy(PyBytes_FromStringAndSize(static_cast<const char *>(view->buf), view->len));
        PyBuffer_Release(view);
        Ref bytes(copy ? PyMemoryView_FromObject(copy.get()) : nullptr);
        const char letters[] = {format_of_number(type)[0], 0};
        Ref numbers(bytes ? PyObject_CallMethod(bytes.get(), "cast", "s", letters) : nullptr);
        return numbers && convert(numbers.get(), out, path, depth);
    }
    if (view->ndim == 1) return lend_buffer(view, type, out);
    bool good = false;
    if (view->ndim == 0) good = scalar(*view, type, out, path);
    else good = rows(*view, 0, static_cast<const char *>(view->buf), type, out);
    PyBuffer_Release(view);
    return good;
}

// One by one, as a list.
bool Converter::elements(PyObject *value, const char *format, reflow_message *out, const Path *path, int depth)
{
    Ref list(PyObject_CallMethod(value, "tolist", nullptr));
    if (!list) {
        PyErr_Clear();
        return refuse(path, "a buffer of the format '" + std::string(format) + "' (" + type_of(value) +
                                ") cannot be packed");
    }
    // A number of NumPy that no number of Python can hold gives itself, again and again.
    if (Py_TYPE(list.get()) == Py_TYPE(value)) {
        return refuse(path, "no message can hold a value of type " + type_of(value),
                      "send float(value), or array.astype('float64')");
    }
    return convert(list.get(), out, path, depth);
}

// Their buffers are bytes without a meaning.
static bool is_numpy_time(PyObject *value)
{
    return std::strcmp(Py_TYPE(value)->tp_name, "numpy.datetime64") == 0 ||
           std::strcmp(Py_TYPE(value)->tp_name, "numpy.timedelta64") == 0;
}

// Texts of Arrow have a buffer, too.
static bool is_arrow_scalar(PyObject *value)
{
    const std::string_view name = Py_TYPE(value)->tp_name;
    return name.starts_with("pyarrow.lib.") && name.ends_with("Scalar");
}

// Whether an array of NumPy has dates or times, which it gives no buffer of.
static bool has_times(PyObject *array)
{
    Ref type(PyObject_GetAttrString(array, "dtype"));
    Ref kind(type ? PyObject_GetAttrString(type.get(), "kind") : nullptr);
    if (!kind) PyErr_Clear();
    return kind && PyUnicode_Check(kind.get()) != 0 &&
           (PyUnicode_CompareWithASCIIString(kind.get(), "M") == 0 ||
            PyUnicode_CompareWithASCIIString(kind.get(), "m") == 0);
}

// As a list of its elements, which travel as those of Python.
bool Converter::times(PyObject *array, reflow_message *out, const Path *path, int depth)
{
    Ref list(PySequence_List(array));
    if (list) return convert(list.get(), out, path, depth);
    PyErr_Clear(); // one of no dimension
    Ref nothing(PyTuple_New(0));
    Ref element(nothing ? PyObject_GetItem(array, nothing.get()) : nullptr);
    return element && other(element.get(), out, path, depth);
}

// A view of a packed message, all of it: that message again. It has given its buffer, so it is not released.
static bool message_behind(PyObject *value, const Py_buffer &view, reflow_message *out)
{
    PyObject *base = PyMemoryView_Check(value) != 0 ? PyMemoryView_GET_BASE(value) : nullptr;
    if (base == nullptr || Py_TYPE(base) != message_type || view.ndim != 1) return false;
    reflow_number type = 0;
    const void *data = nullptr;
    size_t count = 0;
    const reflow_message message = message_in(base);
    if (reflow_message_get_numbers(message, &type, &data, &count) != REFLOW_OK || data != view.buf ||
        view.len != static_cast<Py_ssize_t>(count) * view.itemsize ||
        number_of_format(view.format, view.itemsize) != type) {
        return false;
    }
    *out = reflow_message_ref(message);
    return true;
}

bool Converter::buffer(PyObject *value, reflow_message *out, const Path *path, int depth)
{
    if (is_numpy_time(value) || is_arrow_scalar(value)) return other(value, out, path, depth);
    if (is_ndarray(value) && is_masked(value)) {
        Ref list(PyObject_CallMethod(value, "tolist", nullptr)); // None where it is masked
        return list && convert(list.get(), out, path, depth);
    }
    Py_buffer view{};
    if (PyObject_GetBuffer(value, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) == 0) {
        if (message_behind(value, view, out)) {
            PyBuffer_Release(&view);
            return true;
        }
        const int dimensions = view.ndim;
        if (depth + dimensions > REFLOW_MAX_DEPTH) {
            PyBuffer_Release(&view);
            return too_deep(value, path);
        }
        return plain_buffer(&view, value, out, path, depth);
    }
    PyErr_Clear();
    // Not one piece of memory: a copy is. Objects that cannot be read as a buffer at all (dates of
    // NumPy) are for the converters.
    if (is_ndarray(value)) {
        if (has_times(value)) return times(value, out, path, depth);
        Ref copy(PyObject_CallMethod(value, "copy", "s", "C"));
        if (!copy) return false;
        if (PyObject_GetBuffer(copy.get(), &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) == 0) {
            return plain_buffer(&view, copy.get(), out, path, depth);
        }
        PyErr_Clear();
        return refuse(path, "an array of NumPy whose elements no message can hold",
                      "send array.astype('int64'), .astype('float64') or .tolist()");
    }
    if (PyMemoryView_Check(value) != 0) {
        Ref copy(PyMemoryView_GetContiguous(value, PyBUF_READ, 'C'));
        if (copy && PyObject_GetBuffer(copy.get(), &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) == 0) {
            return plain_buffer(&view, copy.get(), out, path, depth);
        }
        PyErr_Clear();
    }
    return other(value, out, path, depth);
}

// Everything else goes through the converters of reflow/values.py, which give a plainer value.
bool Converter::other(PyObject *value, reflow_message *out, const Path *path, int depth)
{
    Ref module(PyImport_ImportModule("reflow.values"));
    Ref function(module ? PyObject_GetAttrString(module.get(), "_to_plain") : nullptr);
    if (!function) return false;
    Ref plain(in_python([&] { return PyObject_CallFunctionObjArgs(function.get(), value, nullptr); }));
    if (!plain) {
        PyObject *raised = nullptr;
        const Told told = tell_exception(&raised);
        Ref held(raised);
        refuse(path, "the converter of " + type_of(value) + " failed: " + told.message);
        return false;
    }
    if (plain.get() == Py_NotImplemented) {
        return refuse(path, "no message can hold a value of type " + type_of(value),
                      "reflow.register_converter(" + type_of(value) + ", ...) says how it travels");
    }
    if (plain.get() == value) {
        return refuse(path, "the converter of " + type_of(value) + " gives the value itself");
    }
    return convert(plain.get(), out, path, depth + 1);
}

// The first container on the way, or the value at its end, that an earlier one of them is, holds itself.
bool Converter::too_deep(PyObject *value, const Path *path)
{
    const std::vector<const Path *> steps = steps_of(path);
    for (size_t i = 1; i <= steps.size(); ++i) {
        PyObject *here = i < steps.size() ? steps[i]->container : value;
        const auto before = [&](const Path *step) { return step->container == here; };
        if (std::none_of(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(i), before)) continue;
        return refuse(steps[i - 1], "a " + type_of(here) + " that holds itself: a cycle");
    }
    return refuse(path, "nested deeper than " + std::to_string(REFLOW_MAX_DEPTH) + " levels");
}

bool Converter::convert(PyObject *value, reflow_message *out, const Path *path, int depth)
{
    if (value == Py_None) *out = reflow_message_null();
    else if (value == Py_True || value == Py_False) *out = reflow_message_boolean(value == Py_True);
    else if (PyLong_CheckExact(value) != 0) return integer(value, out, path);
    else if (PyFloat_Check(value) != 0) *out = reflow_message_float(PyFloat_AS_DOUBLE(value));
    else if (PyUnicode_CheckExact(value) != 0) return string(value, out, path);
    else if (PyBytes_CheckExact(value) != 0) return bytes(value, out);
    else if (Py_TYPE(value) == message_type) *out = reflow_message_ref(message_in(value));
    else if (depth >= REFLOW_MAX_DEPTH) return too_deep(value, path);
    else if (PyList_CheckExact(value) != 0 || PyTuple_CheckExact(value) != 0) {
        return sequence(value, out, path, depth);
    } else if (PyDict_CheckExact(value) != 0) return object(value, out, path, depth);
    else if (PyObject_CheckBuffer(value) != 0) return buffer(value, out, path, depth);
    else if (is_stream(value)) return handle_of_stream(value, out);
    else return other(value, out, path, depth);
    return true;
}

} // namespace

bool to_message(PyObject *value, reflow_message *out)
{
    if (PyLong_CheckExact(value) != 0) { // what the fastest programs send
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow == 0) {
            *out = reflow_message_integer(number);
            return true;
        }
    }
    return Converter().convert(value, out, nullptr, 0);
}

// ---- many at once ----------------------------------------------------------------------------

Messages::~Messages()
{
    for (size_t i = first_; i < size_; ++i) reflow_message_unref(items_[i]);
    PyMem_RawFree(items_);
}

bool Messages::reserve(size_t size)
{
    PyMem_RawFree(items_);
    items_ = static_cast<reflow_message *>(PyMem_RawMalloc((size + 1) * sizeof(reflow_message)));
    if (items_ == nullptr) PyErr_NoMemory();
    return items_ != nullptr;
}

namespace {
template <typename Number>
void integers(const void *data, size_t count, reflow_message *out)
{
    const auto *numbers = static_cast<const Number *>(data);
    for (size_t i = 0; i < count; ++i) out[i] = reflow_message_integer(static_cast<int64_t>(numbers[i]));
}
template <typename Number> void floats(const void *data, size_t count, reflow_message *out)
{
    const auto *numbers = static_cast<const Number *>(data);
    for (size_t i = 0; i < count; ++i) out[i] = reflow_message_float(static_cast<double>(numbers[i]));
}
} // namespace

bool Messages::fill_numbers(const Py_buffer &buffer, reflow_number type)
{
    const size_t count = static_cast<size_t>(buffer.len / buffer.itemsize);
    if (!reserve(count)) return false;
    switch (type) {
    case REFLOW_NUMBER_I8: integers<int8_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_U8: integers<uint8_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_I16: integers<int16_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_U16: integers<uint16_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_I32: integers<int32_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_U32: integers<uint32_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_I64: integers<int64_t>(buffer.buf, count, items_); break;
    case REFLOW_NUMBER_F32: floats<float>(buffer.buf, count, items_); break;
    default: floats<double>(buffer.buf, count, items_); break;
    }
    size_ = count;
    return true;
}

bool Messages::fill(PyObject *values, size_t offset)
{
    for (size_t i = first_; i < size_; ++i) reflow_message_unref(items_[i]); // of what was filled in before
    first_ = size_ = 0;
    if (is_ndarray(values) && !is_masked(values)) {
        Py_buffer buffer{};
        if (PyObject_GetBuffer(values, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) == 0) {
            const reflow_number type = number_of_format(buffer.format, buffer.itemsize);
            if (buffer.ndim == 1 && type != 0 && type != REFLOW_NUMBER_U64) {
                const bool good = fill_numbers(buffer, type);
                PyBuffer_Release(&buffer);
                return good;
            }
            PyBuffer_Release(&buffer);
        } else {
            PyErr_Clear();
        }
    }
    if (PyUnicode_Check(values) != 0 || PyBytes_Check(values) != 0 || PyDict_Check(values) != 0) {
        return refuse(nullptr, "many values are a list or another sequence, not one " + type_of(values));
    }
    Ref held(PySequence_Fast(values, "many values are a list or another iterable"));
    if (!held) return false;
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(held.get());
    if (!reserve(static_cast<size_t>(size))) return false;
    Converter converter;
    for (Py_ssize_t i = 0; i < size && i < PySequence_Fast_GET_SIZE(held.get()); ++i) {
        PyObject *item = PySequence_Fast_GET_ITEM(held.get(), i);
        if ((i & 0xffff) == 0xffff && PyErr_CheckSignals() != 0) return false;
        if (PyLong_CheckExact(item) != 0) {
            int overflow = 0;
            const long long number = PyLong_AsLongLongAndOverflow(item, &overflow);
            if (overflow == 0) {
                items_[size_++] = reflow_message_integer(number);
                continue;
            }
        }
        Ref kept = Ref::borrow(item);
        const Path here{nullptr, values, nullptr, static_cast<Py_ssize_t>(offset) + i};
        if (!converter.convert(item, &items_[size_], &here, 0)) return false;
        ++size_;
    }
    return true;
}

} // namespace reflowpy
