// Things that have happened in the engine, told to an event loop by a descriptor.
#include "post.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <vector>

#include "errors.hpp"

namespace reflowpy {

class PostBox {
public:
    PostBox() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~PostBox()
    {
        if (descriptor_ >= 0) close(descriptor_);
    }
    PostBox(const PostBox &) = delete;
    PostBox &operator=(const PostBox &) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }

    void put(uint64_t number)
    {
        const std::lock_guard lock(mutex_);
        numbers_.push_back(number);
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof one);
    }

    std::vector<uint64_t> take()
    {
        std::vector<uint64_t> numbers;
        const std::lock_guard lock(mutex_);
        numbers.swap(numbers_);
        ++taken_;
        uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = read(descriptor_, &count, sizeof count);
        return numbers;
    }

    uint64_t times_taken()
    {
        const std::lock_guard lock(mutex_);
        return taken_;
    }

private:
    std::mutex mutex_;
    std::vector<uint64_t> numbers_;
    uint64_t taken_ = 0;
    const int descriptor_;
};

namespace {

PyTypeObject *post_type = nullptr;

struct Post {
    PyObject_HEAD
    std::shared_ptr<PostBox> *box;
};

Post *self_of(PyObject *self) { return reinterpret_cast<Post *>(self); }

PyObject *post_new(PyTypeObject *type, PyObject *, PyObject *)
{
    PyObject *self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    self_of(self)->box = new std::shared_ptr<PostBox>(std::make_shared<PostBox>());
    if ((*self_of(self)->box)->descriptor() >= 0) return self;
    Py_DECREF(self);
    return PyErr_SetFromErrno(PyExc_OSError);
}

void post_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    delete self_of(self)->box;
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *post_fileno(PyObject *self, PyObject *)
{
    return PyLong_FromLong((*self_of(self)->box)->descriptor());
}

PyObject *post_take(PyObject *self, PyObject *)
{
    const std::vector<uint64_t> numbers = (*self_of(self)->box)->take();
    Ref list(PyList_New(static_cast<Py_ssize_t>(numbers.size())));
    if (!list) return nullptr;
    for (size_t i = 0; i < numbers.size(); ++i) {
        PyObject *number = PyLong_FromUnsignedLongLong(numbers[i]);
        if (number == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), number);
    }
    return list.release();
}

PyObject *post_put(PyObject *self, PyObject *number)
{
    const unsigned long long value = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred() != nullptr) return nullptr;
    (*self_of(self)->box)->put(value);
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"fileno", post_fileno, METH_NOARGS, "The descriptor that is readable when there is something."},
    {"take", post_take, METH_NOARGS, "The numbers that have been put there since the last time."},
    {"put", post_put, METH_O, "Puts a number there."},
    {nullptr, nullptr, 0, nullptr},
};

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

PyType_Slot slots[] = {
    {Py_tp_new, slot(post_new)},
    {Py_tp_dealloc, slot(post_dealloc)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"reflow._reflow.Post", sizeof(Post), 0, Py_TPFLAGS_DEFAULT, slots};

void cancelled(void *user_data, reflow_completion completion)
{
    (*static_cast<std::shared_ptr<PostBox> *>(user_data))->put(completion.id);
}

void forget(void *user_data) { delete static_cast<std::shared_ptr<PostBox> *>(user_data); }

struct Room {
    std::shared_ptr<PostBox> box;
    uint64_t number;
};

void room_came(void *user_data, reflow_completion)
{
    const Room &room = *static_cast<Room *>(user_data);
    room.box->put(room.number);
}

void forget_room(void *user_data) { delete static_cast<Room *>(user_data); }

} // namespace

bool init_post(PyObject *module)
{
    post_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return post_type != nullptr &&
           PyModule_AddObjectRef(module, "Post", reinterpret_cast<PyObject *>(post_type)) == 0;
}

std::shared_ptr<PostBox> box_of(PyObject *post)
{
    if (Py_TYPE(post) == post_type) return *self_of(post)->box;
    PyErr_SetString(PyExc_TypeError, "a Post object is needed");
    return nullptr;
}

void put(PostBox &box, uint64_t number) { box.put(number); }
uint64_t times_taken(PostBox &box) { return box.times_taken(); }

PyObject *watch_cancel(PyObject *post, uint64_t completion)
{
    std::shared_ptr<PostBox> box = box_of(post);
    if (box == nullptr) return nullptr;
    const reflow_status status = reflow_completion_on_cancel(
        {completion}, &cancelled, new std::shared_ptr<PostBox>(std::move(box)), &forget);
    return PyBool_FromLong(status == REFLOW_OK ? 1 : 0);
}

PyObject *watch_room(PyObject *post, uint64_t number, uint64_t completion)
{
    std::shared_ptr<PostBox> box = box_of(post);
    if (box == nullptr) return nullptr;
    const reflow_status status = reflow_completion_on_writable(
        {completion}, &room_came, new Room{std::move(box), number}, &forget_room);
    return PyBool_FromLong(status == REFLOW_OK ? 1 : 0);
}

} // namespace reflowpy
