// Memory of Python objects that messages use without a copy. The engine lets go of it on any thread, also
// where it holds locks, so the objects are put on the list of what is to be ended (base.hpp).
#include "lend.hpp"

#include <atomic>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "errors.hpp"

namespace reflowpy {

namespace {

struct Larger {
    reflow_message message;
    int dimension;
};

struct Lent : Deferred {
    Py_buffer buffer{}; // buffer.obj is NULL if only owner is kept
    PyObject *owner = nullptr;
    const void *data = nullptr;
    reflow_message message{};   // what it was lent to, without a reference
    std::vector<Larger> larger; // arrays of arrays that begin with that one, likewise
    [[nodiscard]] PyObject *lender() const { return buffer.obj != nullptr ? buffer.obj : owner; }
};

// Whether any array of arrays was lent at all, so that others are not looked for.
std::atomic<size_t> larger_lent{0};

bool same(reflow_message a, reflow_message b) { return a.tag == b.tag && a.payload == b.payload; }

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
        larger_lent -= lent->larger.size();
    }
    defer(lent);
}

void remember(Lent *lent)
{
    std::lock_guard lock(lent_mutex);
    lent_map().emplace(lent->data, lent);
}

// Nobody else has the message yet. What was not lent has been released, and lent may be no more.
bool made(reflow_status status, const Failure &error, Lent *lent, const reflow_message *out)
{
    if (!check(status, error, "lending memory")) return false;
    std::lock_guard lock(lent_mutex);
    lent->message = *out;
    return true;
}

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
                    error, lent, out);
    }
    const size_t count = size / static_cast<size_t>(buffer->itemsize);
    return made(reflow_message_lend_numbers(type, lent->data, count, &release_lent, lent, out,
                                            error.out()),
                error, lent, out);
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
        reflow_message_lend_numbers(type, data, count, &release_lent, lent, out, error.out()), error, lent,
        out);
}

bool lend_object(PyObject *owner, reflow_kind kind, const void *data, size_t size,
                 reflow_message *out)
{
    Lent *lent = lend_from(owner, data);
    Failure error;
    return made(reflow_message_lend(kind, data, size, &release_lent, lent, out, error.out()), error, lent, out);
}

PyObject *lender_of(reflow_message message, const void *data)
{
    std::lock_guard lock(lent_mutex);
    const auto range = lent_map().equal_range(data);
    PyObject *other = nullptr; // a message that the engine has made over the same memory
    for (auto it = range.first; it != range.second; ++it) {
        other = it->second->lender();
        if (same(it->second->message, message)) return other;
    }
    return other;
}

bool first_packed(reflow_message message, reflow_message *packed, const void **data)
{
    for (*packed = message; reflow_message_kind(*packed) == REFLOW_KIND_ARRAY;) {
        reflow_number type = 0;
        size_t count = 0;
        if (reflow_message_get_numbers(*packed, &type, data, &count) == REFLOW_OK) return true;
        if (reflow_message_get_at(*packed, 0, packed) != REFLOW_OK) return false;
    }
    return false;
}

void remember_whole(reflow_message first, reflow_message whole, int dimension)
{
    reflow_message packed{};
    const void *data = nullptr;
    if (!first_packed(first, &packed, &data)) return;
    std::lock_guard lock(lent_mutex);
    const auto range = lent_map().equal_range(data);
    for (auto it = range.first; it != range.second; ++it) {
        if (!same(it->second->message, packed)) continue;
        it->second->larger.push_back({whole, dimension});
        ++larger_lent;
        return;
    }
}

bool find_whole(reflow_message message, Whole *out)
{
    reflow_message packed{};
    const void *data = nullptr;
    if (larger_lent == 0 || !first_packed(message, &packed, &data)) return false;
    std::lock_guard lock(lent_mutex);
    const auto range = lent_map().equal_range(data);
    for (auto it = range.first; it != range.second; ++it) {
        if (!same(it->second->message, packed)) continue;
        for (const Larger &larger : it->second->larger) {
            if (!same(larger.message, message)) continue;
            *out = {it->second->lender(), larger.dimension};
            return true;
        }
    }
    return false;
}

size_t lent_count()
{
    std::lock_guard lock(lent_mutex);
    return lent_map().size();
}

} // namespace reflowpy
