// Networks that become idle, told to an event loop instead of a thread that waits.
#include "network_use.hpp"
#include "operations.hpp"
#include "post.hpp"

#include <mutex>

namespace reflowpy {

namespace {

// What the engine tells, for as long as one of the two sides has it.
struct Idle {
    std::shared_ptr<PostBox> box;
    uint64_t number = 0;
    std::mutex mutex;
    bool done = false;
    reflow_status status = REFLOW_OK;
    std::string message, hint, node;
};

struct IdleWait {
    std::shared_ptr<Idle> told;
    py::object network;
    uint64_t id = 0;
};

void idle_came(void *user_data, const reflow_error *error)
{
    Idle &told = **static_cast<std::shared_ptr<Idle> *>(user_data);
    {
        const std::lock_guard lock(told.mutex);
        told.done = true;
        if (error != nullptr) {
            reflow_place place{};
            place.struct_size = sizeof place;
            told.status = reflow_error_status(error);
            told.message = text_of(reflow_error_message(error));
            told.hint = text_of(reflow_error_hint(error));
            if (reflow_error_place(error, &place) == REFLOW_OK) told.node = text_of(place.node);
        }
    }
    put(*told.box, told.number);
}

void forget(void *user_data) { delete static_cast<std::shared_ptr<Idle> *>(user_data); }

IdleWait on_idle(const py::object &network, const py::object &post, uint64_t number)
{
    IdleWait wait;
    wait.told = std::make_shared<Idle>();
    wait.told->box = box_of(post.ptr());
    must(wait.told->box != nullptr);
    wait.told->number = number;
    wait.network = network;
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_on_idle(use.get(), &idle_came, new std::shared_ptr<Idle>(wait.told),
                                      &forget, &wait.id, error);
    });
    return wait;
}

// Raises what the network has failed with; false if it is not idle yet.
bool done(const IdleWait &wait)
{
    const std::lock_guard lock(wait.told->mutex);
    if (!wait.told->done) return false;
    if (wait.told->status == REFLOW_OK) return true;
    const std::string where = wait.told->node.empty() ? "" : "node '" + wait.told->node + "': ";
    raise_text(wait.told->status, where + wait.told->message, wait.told->hint);
    throw py::error_already_set();
}

// Nobody waits any more.
void cancel(const IdleWait &wait)
{
    if (reinterpret_cast<NetworkObject *>(wait.network.ptr())->closed) return; // that has called all
    const NetworkUse use(wait.network);
    unlocked([&] { return reflow_network_remove_on_idle(use.get(), wait.id, nullptr); });
}

} // namespace

void bind_idle(py::module_ &module)
{
    py::class_<IdleWait>(module, "IdleWait").def("done", &done).def("cancel", &cancel);
    module.def("network_on_idle", &on_idle);
    module.def("network_has_firing", [](const py::object &network, uint64_t completion) {
        const NetworkUse use(network);
        return reflow_network_has_firing(use.get(), {completion});
    });
}

} // namespace reflowpy
