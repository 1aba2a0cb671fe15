// The native module reflow._reflow: the C interface of the engine as types of Python.
#include <pybind11/pybind11.h>

#include "context.hpp"
#include "events.hpp"
#include "graph.hpp"
#include "handles.hpp"
#include "lend.hpp"
#include "log.hpp"
#include "operations.hpp"
#include "peer.hpp"
#include "peer_calls.hpp"
#include "post.hpp"
#include "stream.hpp"
#include "values.hpp"

namespace {

using namespace reflowpy;

bool in_main_interpreter()
{
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

// Stops all networks, at most so long, before the interpreter ends: after that no thread of the engine
// may ask for its lock. reflow/__init__.py calls this at exit.
void end_all(double seconds)
{
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
    const auto left = [&] {
        const auto rest = end - std::chrono::steady_clock::now();
        return std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(rest).count());
    };
    const std::vector<NetworkObject *> all = open_networks();
    std::vector<Ref> kept;
    for (NetworkObject *network : all) kept.push_back(Ref::borrow(reinterpret_cast<PyObject *>(network)));
    for (int pass = 0; pass < 2; ++pass) { // first all are told, then all are waited for
        for (NetworkObject *network : all) {
            if (network->handle == nullptr || network->generation != fork_generation()) continue;
            Using using_network(network);
            reflow_network *handle = network->handle;
            unlocked([&] { return reflow_network_stop(handle, pass == 0 ? 0 : left(), nullptr); });
        }
    }
    unlocked([&] {
        wait_for_reapers(std::chrono::milliseconds(left()));
        return 0;
    });
    drain_deferred();
}

} // namespace

PYBIND11_MODULE(_reflow_parts, module)
{
    if (reflow_abi_check(REFLOW_ABI) != REFLOW_OK) {
        throw pybind11::import_error(
            ("this module of reflow was built for generation " + std::to_string(REFLOW_ABI) +
             " of the interface, and libreflow " + std::string(text_of(reflow_version_text())) +
             " has another")
                .c_str());
    }
    init_base();
    PyObject *raw = module.ptr();
    if (!init_message(raw) || !init_context(raw) || !init_runtime(raw) || !init_network(raw) ||
        !init_output(raw) || !init_post(raw) || !init_stream(raw)) {
        throw pybind11::error_already_set();
    }
    module.def("version_text", [] { return std::string(text_of(reflow_version_text())); });
    module.def("feature", [](const std::string &name) { return reflow_feature(view_of(name)); });
    bind_graph(module);
    bind_events(module);
    bind_observe(module);
    bind_control(module);
    bind_change(module);
    bind_recording(module);
    bind_idle(module);
    bind_peer(module);
    bind_peer_calls(module);
    bind_discovery(module);
    bind_log(module);
    module.def("lent_count", &lent_count, "How many buffers messages use without a copy.");
    module.def("drain_deferred", [] { drain_deferred(); }, "Ends what the engine has let go of.");
    module.def("end_all", &end_all, "Stops all networks.");
    module.def("set_ending", &set_ending, "No thread of the engine asks for the interpreter any more.");
    module.def("fork_generation", &fork_generation, "Rises in each child of a fork.");
}

// What Python calls to import reflow._reflow. pybind11 would wait for ever in a sub-interpreter, so these
// are refused before it is asked.
extern "C" PYBIND11_EXPORT PyObject *PyInit__reflow()
{
    if (in_main_interpreter()) return PyInit__reflow_parts();
    PyErr_SetString(PyExc_ImportError,
                    "reflow works in the main interpreter only, not in sub-interpreters: its threads "
                    "could not tell to which one they belong");
    return nullptr;
}
