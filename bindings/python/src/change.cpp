// Changing a network while it runs, and keeping what it holds: live change, snapshots, checkpoints.
#include "network_use.hpp"
#include "operations.hpp"
#include "waiting.hpp"

namespace reflowpy {

namespace {

py::dict told(const reflow_change &change)
{
    py::dict out;
    out["nodes_added"] = change.nodes_added;
    out["nodes_removed"] = change.nodes_removed;
    out["nodes_replaced"] = change.nodes_replaced;
    out["nodes_kept"] = change.nodes_kept;
    out["connections_added"] = change.connections_added;
    out["connections_removed"] = change.connections_removed;
    out["packets_dropped"] = change.packets_dropped;
    return out;
}

// The graph is copied, so that it may change while the network takes it over.
py::dict apply(const py::object &network, const Graph &graph, int32_t leftover,
               const py::object &timeout, const py::object &drain, bool new_state)
{
    reflow_change_options options{};
    options.struct_size = sizeof options;
    options.leftover = leftover;
    options.timeout_ms = milliseconds(timeout);
    options.drain_ms = milliseconds(drain);
    options.replaced_state = new_state ? REFLOW_REPLACED_STATE_NEW : REFLOW_REPLACED_STATE_KEPT;
    reflow_graph *copy = nullptr;
    call([&](reflow_error **error) { return reflow_graph_copy(graph.handle.get(), &copy, error); });
    const std::shared_ptr<reflow_graph> held(copy, reflow_graph_destroy);
    return told(interruptible<reflow_change>(
        std::make_shared<NetworkUse>(network),
        [=](const std::shared_ptr<NetworkUse> &use, reflow_change &change, reflow_error **error) {
            change.struct_size = sizeof change;
            return reflow_network_apply(use->get(), held.get(), &options, &change, error);
        },
        drop_nothing<reflow_change>));
}

Graph graph_of(const py::object &network)
{
    const NetworkUse use(network);
    reflow_graph *out = nullptr;
    call([&](reflow_error **error) { return reflow_network_graph(use.get(), &out, error); });
    return {GraphOwned(out)};
}

// ---- snapshots -----------------------------------------------------------------------------------

// As MessagePack, which loses nothing.
py::bytes snapshot(const py::object &network, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    const reflow_message taken = interruptible<reflow_message>(
        std::make_shared<NetworkUse>(network),
        [=](const std::shared_ptr<NetworkUse> &use, reflow_message &out, reflow_error **error) {
            return reflow_network_snapshot(use->get(), limit, &out, error);
        },
        drop_message);
    reflow_buffer *buffer = nullptr;
    Failure error;
    const reflow_status status = reflow_message_to_msgpack(taken, &buffer, error.out());
    reflow_message_unref(taken);
    must(check(status, error));
    return bytes_of(Buffer(buffer));
}

void restore(const py::object &network, const py::bytes &snapshot)
{
    char *data = nullptr;
    Py_ssize_t size = 0;
    must(PyBytes_AsStringAndSize(snapshot.ptr(), &data, &size) == 0);
    reflow_message message{};
    call([&](reflow_error **error) {
        return reflow_message_from_msgpack(data, static_cast<size_t>(size), nullptr, &message,
                                           error);
    });
    const NetworkUse use(network);
    Failure error;
    const reflow_status status =
        unlocked([&] { return reflow_network_restore(use.get(), message, error.out()); });
    reflow_message_unref(message);
    must(check(status, error));
}

void snapshot_file(const py::object &network, const std::string &path, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    interruptible<int>(
        std::make_shared<NetworkUse>(network),
        [=](const std::shared_ptr<NetworkUse> &use, int &, reflow_error **error) {
            return reflow_network_snapshot_file(use->get(), view(path), limit, error);
        },
        drop_nothing<int>);
}

void restore_file(const py::object &network, const std::string &path)
{
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_restore_file(use.get(), view(path), error);
    });
}

// path None ends checkpoints.
void checkpoint(const py::object &network, const py::object &path, double interval, uint32_t keep,
                const py::object &timeout)
{
    const NetworkUse use(network);
    if (path.is_none()) {
        call_unlocked([&](reflow_error **error) {
            return reflow_network_checkpoint(use.get(), nullptr, error);
        });
        return;
    }
    const auto name = path.cast<std::string>();
    reflow_checkpoint_options options{};
    options.struct_size = sizeof options;
    options.keep = keep;
    options.path = view(name);
    options.interval_ms = static_cast<uint64_t>(std::max(interval * 1000.0, 1.0));
    options.timeout_ms = static_cast<uint64_t>(std::max<int64_t>(milliseconds(timeout), 1));
    call_unlocked([&](reflow_error **error) {
        return reflow_network_checkpoint(use.get(), &options, error);
    });
}

} // namespace

void bind_change(py::module_ &module)
{
    module.def("network_apply", &apply);
    module.def("network_graph", &graph_of);
    module.def("network_snapshot", &snapshot);
    module.def("network_restore", &restore);
    module.def("network_snapshot_file", &snapshot_file);
    module.def("network_restore_file", &restore_file);
    module.def("network_checkpoint", &checkpoint);
}

} // namespace reflowpy
