// Looking at a network: reports, counts, times, states of nodes, what waits at inports.
#include "network_use.hpp"
#include "operations.hpp"

namespace reflowpy {

namespace {

py::object metrics(const py::object &network)
{
    const NetworkUse use(network);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_network_metrics(use.get(), out, error);
    });
}

void measure(const py::object &network, uint32_t sample, bool off)
{
    reflow_measure_options options{};
    options.struct_size = sizeof options;
    options.sample = sample;
    options.off = off ? 1 : 0;
    const NetworkUse use(network);
    call([&](reflow_error **error) { return reflow_network_measure(use.get(), &options, error); });
}

// state, details, failures, retries, restarts
py::tuple node_state(const py::object &network, const std::string &node)
{
    reflow_node_status status{};
    status.struct_size = sizeof status;
    const NetworkUse use(network);
    call([&](reflow_error **error) {
        return reflow_network_node_state(use.get(), view(node), &status, error);
    });
    return py::make_tuple(text(reflow_node_state_name(status.state)), status.details,
                          status.failures, status.retries, status.restarts);
}

py::list peek(const py::object &network, const std::string &node, const std::string &port,
              size_t max)
{
    const NetworkUse use(network);
    return values_at(use.get(), node, port, max);
}

// ---- dead letters ------------------------------------------------------------------------------

// capacity, waiting, total, lost
py::tuple dead_letter_counts(const py::object &network)
{
    reflow_dead_letters letters{};
    letters.struct_size = sizeof letters;
    const NetworkUse use(network);
    call([&](reflow_error **error) {
        return reflow_network_dead_letters(use.get(), &letters, error);
    });
    return py::make_tuple(letters.capacity, letters.waiting, letters.total, letters.lost);
}

py::object list_dead_letters(const py::object &network, const std::string &path, uint64_t after,
                             size_t max)
{
    const NetworkUse use(network);
    const AsTheyTravel lenient; // they are often there because of what cannot be converted
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_network_list_dead_letters(use.get(), view(path), after, max, out, error);
    });
}

void replay_dead_letter(const py::object &network, uint64_t id)
{
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_replay_dead_letter(use.get(), id, error);
    });
}

size_t replay_dead_letters(const py::object &network, const std::string &path)
{
    size_t count = 0;
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_replay_dead_letters(use.get(), view(path), &count, error);
    });
    return count;
}

size_t drop_dead_letters(const py::object &network, uint64_t id, const std::string &path)
{
    size_t count = 0;
    const NetworkUse use(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_network_drop_dead_letters(use.get(), id, view(path), &count, error);
    });
    return count;
}

// ---- without a network ---------------------------------------------------------------------------

py::object validate(const Graph &graph, const py::object &runtime)
{
    if (runtime.is_none()) {
        return message_of([&](reflow_message *out, reflow_error **error) {
            return reflow_graph_validate(graph.handle.get(), nullptr, out, error);
        });
    }
    const RuntimeUse use(runtime);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_graph_validate(graph.handle.get(), use.get(), out, error);
    });
}

void register_graph(const py::object &runtime, const std::string &id, const Graph &graph)
{
    const RuntimeUse use(runtime);
    call([&](reflow_error **error) {
        return reflow_runtime_register_graph(use.get(), view(id), graph.handle.get(), error);
    });
}

} // namespace

py::list values_at(const reflow_network *network, const std::string &node, const std::string &port,
                   size_t max)
{
    std::vector<reflow_message> messages(max);
    size_t count = 0;
    call([&](reflow_error **error) {
        return reflow_network_peek(network, view(node), view(port), messages.data(), max, &count,
                                   error);
    });
    py::list out;
    bool good = true;
    for (size_t i = 0; i < count; ++i) {
        PyObject *value = good ? from_message(messages[i]) : nullptr;
        reflow_message_unref(messages[i]);
        good = good && value != nullptr;
        if (good) out.append(py::reinterpret_steal<py::object>(value));
    }
    must(good);
    return out;
}

void bind_observe(py::module_ &module)
{
    module.def("network_metrics", &metrics);
    module.def("network_measure", &measure);
    module.def("network_node_state", &node_state);
    module.def("network_peek", &peek);
    module.def("network_dead_letter_counts", &dead_letter_counts);
    module.def("network_list_dead_letters", &list_dead_letters);
    module.def("network_replay_dead_letter", &replay_dead_letter);
    module.def("network_replay_dead_letters", &replay_dead_letters);
    module.def("network_drop_dead_letters", &drop_dead_letters);
    module.def("runtime_register_graph", &register_graph);
    module.def("validate", &validate);
}

} // namespace reflowpy
