// Values of Python as messages, and back. docs/python.md has the table.
#pragma once

#include "base.hpp"

namespace reflowpy {

// What packed arrays become.
enum class Arrays {
    automatic, // an array where one was lent, a memoryview of another buffer, else a list
    list,
    numpy,
    view, // a Message, which has the buffer protocol; bytes too
};

// Makes a message of a value; the caller owns it. False with an exception set; a ConversionError names
// the place below "$".
bool to_message(PyObject *value, reflow_message *out);

// While it lives, what a converter cannot make again stays as it has travelled, on this thread.
struct AsTheyTravel {
    AsTheyTravel();
    ~AsTheyTravel();
};

// Makes a value of a message, which is borrowed. NULL with an exception set.
PyObject *from_message(reflow_message message, Arrays arrays = Arrays::automatic);

// Makes one message for each element of a sequence or of an array of numbers; the caller owns them.
// False with an exception set, and then nothing is owned. An error tells places from offset on.
class Messages {
public:
    Messages() = default;
    Messages(const Messages &) = delete;
    Messages &operator=(const Messages &) = delete;
    ~Messages();
    bool fill(PyObject *values, size_t offset = 0);
    [[nodiscard]] const reflow_message *data() const { return items_; }
    [[nodiscard]] size_t size() const { return size_; }
    // The first count messages belong to somebody else now.
    void taken(size_t count) { first_ = count; }

private:
    bool reserve(size_t size);
    bool fill_numbers(const Py_buffer &buffer, reflow_number type);
    reflow_message *items_ = nullptr;
    size_t size_ = 0;
    size_t first_ = 0;
};

// The reflow_number for a format of the buffer protocol; 0 if there is none.
reflow_number number_of_format(const char *format, Py_ssize_t itemsize);
const char *format_of_number(reflow_number type);
Py_ssize_t size_of_number(reflow_number type);
const char *dtype_of_number(reflow_number type);

// numpy, if the program has imported it; borrowed. NULL without an exception otherwise.
PyObject *numpy_if_loaded();
bool is_ndarray(PyObject *object);

// The Message type of the module (message.cpp).
extern PyTypeObject *message_type;
bool init_message(PyObject *module);
PyObject *wrap_message(reflow_message owned);
reflow_message message_in(PyObject *message); // borrowed

// A read-only array of NumPy over a packed message, without a copy. The message is borrowed.
PyObject *array_of_message(reflow_message message);

} // namespace reflowpy
