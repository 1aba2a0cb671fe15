// Memory of Python objects that messages use without a copy. The engine lets go of it on any thread, also
// where it holds locks, so the objects are put on the list of what is to be ended (base.hpp).
#include "lend.hpp"

#include <mutex>
#include <new>
#include <unordered_map>

#include "errors.hpp"

namespace reflowpy {

namespace {

struct Lent : Deferred {
    Py_buffer buffer{}; // buffer.obj is NULL if only owner is kept
    PyObject *owner = nullptr;
    const void *data = nullptr;
};

// What is lent, by its address: so an array that was sent is an array again where it arrives. One
// address may be lent several times.
std::mutex lent_mutex;
std::unordered_multimap<const void *, Lent *> &lent_map()
{
    static auto *map = new std::unordered_multimap<const void *, Lent *>; // lives for ever
    return *map;
}

void finish_lent(Deferred *item)
{
    auto *lent = static_cast<Lent *>(item);
    if (lent->buffer.obj != nullptr) PyBuffer_Release(&lent->buffer);
    Py_XDECREF(lent->owner);
    delete lent;
}

void release_lent(void *user_data)
{
    auto *lent = static_cast<Lent *>(user_data);
    {
        std::lock_guard lock(lent_mutex);
        auto range = lent_map().equal_range(lent->data);
        for (auto it = range.first; it != range.second; ++it) {
            if (it->second != lent) continue;
            lent_map().erase(it);
            break;
        }
    }
    defer(lent);
}

void remember(Lent *lent)
{
    std::lock_guard lock(lent_mutex);
    lent_map().emplace(lent->data, lent);
}

bool made(reflow_status status, const Failure &error) { return check(status, error, "lending memory"); }

} // namespace

bool lend_buffer(Py_buffer *buffer, reflow_number type, reflow_message *out)
{
    auto *lent = new Lent;
    lent->finish = &finish_lent;
    lent->buffer = *buffer;
    lent->data = buffer->buf;
    remember(lent);
    Failure error;
    const auto size = static_cast<size_t>(buffer->len);
    if (type == 0) {
        return made(reflow_message_lend(REFLOW_KIND_BYTES, lent->data, size, &release_lent, lent, out,
                                        error.out()),
                    error);
    }
    const size_t count = size / static_cast<size_t>(buffer->itemsize);
    return made(reflow_message_lend_numbers(type, lent->data, count, &release_lent, lent, out,
                                            error.out()),
                error);
}

// Keeps the owner until the message that is made of its data has gone.
static Lent *lend_from(PyObject *owner, const void *data)
{
    auto *lent = new Lent;
    lent->finish = &finish_lent;
    lent->owner = owner;
    Py_INCREF(owner);
    lent->data = data;
    remember(lent);
    return lent;
}

bool lend_part(PyObject *owner, const void *data, size_t count, reflow_number type,
               reflow_message *out)
{
    Lent *lent = lend_from(owner, data);
    Failure error;
    return made(
        reflow_message_lend_numbers(type, data, count, &release_lent, lent, out, error.out()), error);
}

bool lend_object(PyObject *owner, reflow_kind kind, const void *data, size_t size,
                 reflow_message *out)
{
    Lent *lent = lend_from(owner, data);
    Failure error;
    return made(reflow_message_lend(kind, data, size, &release_lent, lent, out, error.out()), error);
}

PyObject *lender_of(const void *data)
{
    std::lock_guard lock(lent_mutex);
    auto found = lent_map().find(data);
    if (found == lent_map().end()) return nullptr;
    return found->second->buffer.obj != nullptr ? found->second->buffer.obj : found->second->owner;
}

size_t lent_count()
{
    std::lock_guard lock(lent_mutex);
    return lent_map().size();
}

} // namespace reflowpy
