// Cancelled firings, told to an event loop by a descriptor.
#include "cancel.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <vector>

#include "errors.hpp"

namespace reflowpy {

namespace {

PyTypeObject *cancels_type = nullptr;

// Shared with the engine, which may tell of a firing when the Cancels object has gone.
struct Shared {
    std::mutex mutex;
    std::vector<uint64_t> cancelled;
    int descriptor = -1;

    Shared() : descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~Shared()
    {
        if (descriptor >= 0) close(descriptor);
    }
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
};

struct Cancels {
    PyObject_HEAD
    std::shared_ptr<Shared> *shared;
};

void cancelled(void *user_data, reflow_completion completion)
{
    const auto &shared = *static_cast<std::shared_ptr<Shared> *>(user_data);
    const std::lock_guard lock(shared->mutex);
    shared->cancelled.push_back(completion.id);
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(shared->descriptor, &one, sizeof one);
}

void forget(void *user_data) { delete static_cast<std::shared_ptr<Shared> *>(user_data); }

Cancels *self_of(PyObject *self) { return reinterpret_cast<Cancels *>(self); }

PyObject *cancels_new(PyTypeObject *type, PyObject *, PyObject *)
{
    PyObject *self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    self_of(self)->shared = new std::shared_ptr<Shared>(std::make_shared<Shared>());
    if ((*self_of(self)->shared)->descriptor >= 0) return self;
    Py_DECREF(self);
    return PyErr_SetFromErrno(PyExc_OSError);
}

void cancels_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    delete self_of(self)->shared;
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *cancels_fileno(PyObject *self, PyObject *)
{
    return PyLong_FromLong((*self_of(self)->shared)->descriptor);
}

PyObject *cancels_take(PyObject *self, PyObject *)
{
    Shared &shared = **self_of(self)->shared;
    std::vector<uint64_t> numbers;
    {
        const std::lock_guard lock(shared.mutex);
        numbers.swap(shared.cancelled);
        uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = read(shared.descriptor, &count, sizeof count);
    }
    Ref list(PyList_New(static_cast<Py_ssize_t>(numbers.size())));
    if (!list) return nullptr;
    for (size_t i = 0; i < numbers.size(); ++i) {
        PyObject *number = PyLong_FromUnsignedLongLong(numbers[i]);
        if (number == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), number);
    }
    return list.release();
}

PyMethodDef methods[] = {
    {"fileno", cancels_fileno, METH_NOARGS, "The descriptor that is readable when there is something."},
    {"take", cancels_take, METH_NOARGS, "The numbers of firings that were cancelled since the last time."},
    {nullptr, nullptr, 0, nullptr},
};

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

PyType_Slot slots[] = {
    {Py_tp_new, slot(cancels_new)},
    {Py_tp_dealloc, slot(cancels_dealloc)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"reflow._reflow.Cancels", sizeof(Cancels), 0, Py_TPFLAGS_DEFAULT, slots};

} // namespace

bool init_cancel(PyObject *module)
{
    cancels_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return cancels_type != nullptr &&
           PyModule_AddObjectRef(module, "Cancels", reinterpret_cast<PyObject *>(cancels_type)) == 0;
}

PyObject *watch_cancel(PyObject *cancels, uint64_t completion)
{
    if (Py_TYPE(cancels) != cancels_type) {
        PyErr_SetString(PyExc_TypeError, "a Cancels object is needed");
        return nullptr;
    }
    auto *shared = new std::shared_ptr<Shared>(*self_of(cancels)->shared);
    const reflow_status status =
        reflow_completion_on_cancel({completion}, &cancelled, shared, &forget);
    return PyBool_FromLong(status == REFLOW_OK ? 1 : 0);
}

} // namespace reflowpy
