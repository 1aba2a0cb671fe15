// Steering a network: sources, drain, pause, step, breakpoints.
#include "network_use.hpp"
#include "operations.hpp"
#include "waiting.hpp"

namespace reflowpy {

namespace {

// Calls that go on where the slice before has ended.
template <typename Call>
void sliced(const py::object &network, const py::object &timeout, Call &&function)
{
    const NetworkUse use(network);
    Failure error;
    const reflow_status status =
        wait_sliced(timeout, error, [&](int64_t slice, reflow_error **out) {
            return function(use.get(), slice, out);
        });
    must(check(status, error));
}

void pause(const py::object &network, const std::string &path, const py::object &timeout)
{
    sliced(network, timeout, [&](reflow_network *handle, int64_t slice, reflow_error **error) {
        return reflow_network_pause(handle, view(path), slice, error);
    });
}

void resume(const py::object &network, const std::string &path)
{
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_resume(use.get(), view(path), error);
    });
}

uint64_t step(const py::object &network, const std::string &path, uint64_t firings,
              const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    return interruptible<uint64_t>(
        std::make_shared<NetworkUse>(network),
        [=](const std::shared_ptr<NetworkUse> &use, uint64_t &fired, reflow_error **error) {
            return reflow_network_step(use->get(), view(path), firings, limit, &fired, error);
        },
        drop_nothing<uint64_t>);
}

// ---- breakpoints ---------------------------------------------------------------------------------

// A function of Python that decides. The engine ends it on any thread.
struct Condition : Deferred {
    PyObject *function = nullptr;
};

bool holds(void *user_data, reflow_message message)
{
    if (ending()) return false;
    const Gil gil;
    auto *condition = static_cast<Condition *>(user_data);
    const bool empty = reflow_message_kind(message) == REFLOW_KIND_NONE;
    Ref value(empty ? Ref::borrow(Py_None).release() : from_message(message));
    Ref result(value ? PyObject_CallOneArg(condition->function, value.get()) : nullptr);
    const int truth = result ? PyObject_IsTrue(result.get()) : -1;
    if (truth < 0) PyErr_WriteUnraisable(condition->function); // and the breakpoint does not stop
    return truth == 1;
}

void end_condition(void *user_data)
{
    auto *condition = static_cast<Condition *>(user_data);
    condition->finish = [](Deferred *item) {
        auto *ended = static_cast<Condition *>(item);
        Py_XDECREF(ended->function);
        delete ended;
    };
    defer(condition);
}

uint64_t set_breakpoint(const py::object &network, const std::string &node,
                        const std::string &inport, const std::string &outport,
                        const std::string &peer, const std::string &peer_port, uint64_t ignore,
                        const std::string &expression, const py::object &condition, bool once,
                        bool node_only)
{
    reflow_break_options options{};
    options.struct_size = sizeof options;
    options.flags = (once ? REFLOW_BREAK_ONCE : 0) | (node_only ? REFLOW_BREAK_NODE_ONLY : 0);
    options.node = view(node);
    options.inport = view(inport);
    options.outport = view(outport);
    options.peer = view(peer);
    options.peer_port = view(peer_port);
    options.ignore = ignore;
    options.expression = view(expression);
    const NetworkUse use(network);
    if (!condition.is_none()) {
        auto *held = new Condition;
        held->function = condition.inc_ref().ptr();
        options.condition = &holds;
        options.user_data = held;
        options.destroy = &end_condition;
    }
    reflow_breakpoint out{};
    call_unlocked([&](reflow_error **error) {
        return reflow_network_break(use.get(), &options, &out, error);
    });
    return out.id;
}

void remove_breakpoint(const py::object &network, uint64_t id)
{
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_unbreak(use.get(), {id}, error);
    });
}

py::object breakpoints(const py::object &network)
{
    const NetworkUse use(network);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_network_breakpoints(use.get(), out, error);
    });
}

} // namespace

void bind_control(py::module_ &module)
{
    module.def("network_pause", &pause);
    module.def("network_resume", &resume);
    module.def("network_step", &step);
    module.def("network_break", &set_breakpoint);
    module.def("network_unbreak", &remove_breakpoint);
    module.def("network_breakpoints", &breakpoints);
}

} // namespace reflowpy
