// Editing a network: before it is created its graph is edited, afterwards the network itself, also while
// it runs.
#include <charconv>

#include "network_parts.hpp"

namespace reflowpy {

bool PortName::parse(PyObject *name)
{
    reflow_view view{};
    if (!view_from(name, "the name of a port", &view)) return false;
    text.assign(view.data, view.size);
    std::string_view rest = text;
    if (rest.ends_with(']')) {
        const size_t open = rest.rfind('[');
        if (open != std::string_view::npos) {
            const char *end = rest.data() + rest.size() - 1;
            const auto [stopped, fault] = std::from_chars(rest.data() + open + 1, end, index);
            if (fault == std::errc() && stopped == end && index != REFLOW_NO_INDEX) {
                rest = rest.substr(0, open);
            } else {
                raise_text(REFLOW_ERROR_INVALID_ARGUMENT, "no index of an array port: '" + text + "'",
                           "such as 'node.port[0]'");
                return false;
            }
        }
    }
    const size_t dot = rest.rfind('.');
    if (dot == std::string_view::npos) {
        port = view_of(rest);
        return true;
    }
    node = view_of(rest.substr(0, dot));
    port = view_of(rest.substr(dot + 1));
    return true;
}

reflow_endpoint PortName::endpoint() const { return {node, port, index, 0}; }

namespace {

NetworkObject *self_of(PyObject *self) { return reinterpret_cast<NetworkObject *>(self); }

// Whether the graph can still be edited; false also with an exception if the network is closed.
bool has_graph(PyObject *self, bool *failed)
{
    NetworkObject *network = self_of(self);
    *failed = network->closed;
    if (network->closed) raise_text(REFLOW_ERROR_CLOSED, "the network is closed");
    return !network->closed && network->graph != nullptr && network->users == 0;
}

// Runs one of two edits: of the graph, or of the network.
template <typename Graph, typename Network>
PyObject *edit(PyObject *self, Graph &&of_graph, Network &&of_network)
{
    bool failed = false;
    Failure error;
    reflow_status status = REFLOW_OK;
    if (has_graph(self, &failed)) {
        status = of_graph(self_of(self)->graph, error.out());
    } else {
        reflow_network *handle = failed ? nullptr : network_handle(self);
        if (handle == nullptr) return nullptr;
        Using using_network(self_of(self));
        status = unlocked([&] { return of_network(handle, error.out()); });
        drain_deferred();
    }
    if (!check(status, error)) return nullptr;
    Py_RETURN_NONE;
}

bool message_or_none(PyObject *value, reflow_message *out)
{
    *out = {};
    return value == Py_None || to_message(value, out);
}

PyObject *add_node(PyObject *self, PyObject *arguments)
{
    const char *id = nullptr;
    const char *component = nullptr;
    Py_ssize_t id_size = 0;
    Py_ssize_t component_size = 0;
    PyObject *config = Py_None;
    reflow_message message{};
    if (PyArg_ParseTuple(arguments, "s#s#|O:add_node", &id, &id_size, &component, &component_size,
                         &config) == 0 ||
        !message_or_none(config, &message)) {
        return nullptr;
    }
    const reflow_view node{id, static_cast<size_t>(id_size)};
    const reflow_view of{component, static_cast<size_t>(component_size)};
    return edit(
        self,
        [&](reflow_graph *graph, reflow_error **error) {
            return reflow_graph_add_node(graph, node, of, message, error);
        },
        [&](reflow_network *network, reflow_error **error) {
            return reflow_network_add_node(network, node, of, message, error);
        });
}

PyObject *remove_node(PyObject *self, PyObject *name)
{
    reflow_view node{};
    if (!view_from(name, "a node", &node)) return nullptr;
    return edit(
        self,
        [&](reflow_graph *graph, reflow_error **error) {
            return reflow_graph_remove_node(graph, node, error);
        },
        [&](reflow_network *network, reflow_error **error) {
            return reflow_network_remove_node(network, node, error);
        });
}

PyObject *replace_node(PyObject *self, PyObject *arguments)
{
    const char *id = nullptr;
    const char *component = nullptr;
    PyObject *config = Py_None;
    reflow_message message{};
    if (PyArg_ParseTuple(arguments, "ss|O:replace", &id, &component, &config) == 0 ||
        !message_or_none(config, &message)) {
        return nullptr;
    }
    return edit(
        self,
        [&](reflow_graph *graph, reflow_error **error) {
            reflow_status status =
                reflow_graph_set_component(graph, reflow_str(id), reflow_str(component), error);
            if (status == REFLOW_OK) return reflow_graph_set_config(graph, reflow_str(id), message, error);
            reflow_message_unref(message);
            return status;
        },
        [&](reflow_network *network, reflow_error **error) {
            return reflow_network_replace_node(network, reflow_str(id), reflow_str(component), message,
                                               error);
        });
}

bool parse_ends(PyObject *arguments, PortName *from, PortName *to, PyObject **metadata)
{
    PyObject *source = nullptr;
    PyObject *target = nullptr;
    *metadata = Py_None;
    return PyArg_ParseTuple(arguments, "OO|O", &source, &target, metadata) != 0 && from->parse(source) &&
           to->parse(target);
}

PyObject *connect(PyObject *self, PyObject *arguments)
{
    PortName from;
    PortName to;
    PyObject *metadata = nullptr;
    reflow_message message{};
    if (!parse_ends(arguments, &from, &to, &metadata) || !message_or_none(metadata, &message)) {
        return nullptr;
    }
    const reflow_endpoint source = from.endpoint();
    const reflow_endpoint target = to.endpoint();
    return edit(
        self,
        [&](reflow_graph *graph, reflow_error **error) {
            return reflow_graph_connect(graph, &source, &target, message, error);
        },
        [&](reflow_network *network, reflow_error **error) {
            return reflow_network_connect(network, &source, &target, message, error);
        });
}

PyObject *disconnect(PyObject *self, PyObject *arguments)
{
    PortName from;
    PortName to;
    PyObject *metadata = nullptr;
    if (!parse_ends(arguments, &from, &to, &metadata)) return nullptr;
    const reflow_endpoint source = from.endpoint();
    const reflow_endpoint target = to.endpoint();
    return edit(
        self,
        [&](reflow_graph *graph, reflow_error **error) {
            return reflow_graph_disconnect(graph, &source, &target, error);
        },
        [&](reflow_network *network, reflow_error **error) {
            return reflow_network_disconnect(network, &source, &target, error);
        });
}

// What can be done to the graph only, before the network is created.
reflow_graph *graph_of(PyObject *self, const char *what)
{
    bool failed = false;
    if (has_graph(self, &failed)) return self_of(self)->graph;
    if (!failed) {
        raise_text(REFLOW_ERROR_INVALID_STATE, std::string(what) + " is possible before the network starts",
                   "say it before start, send and stream");
    }
    return nullptr;
}

PyObject *initial(PyObject *self, PyObject *arguments)
{
    PyObject *port = nullptr;
    PyObject *value = nullptr;
    PortName name;
    reflow_message message{};
    if (PyArg_ParseTuple(arguments, "OO:initial", &port, &value) == 0 || !name.parse(port)) return nullptr;
    reflow_graph *graph = graph_of(self, "an initial packet");
    if (graph == nullptr || !to_message(value, &message)) return nullptr;
    const reflow_endpoint target = name.endpoint();
    Failure error;
    if (!check(reflow_graph_add_initial(graph, &target, message, error.out()), error)) return nullptr;
    Py_RETURN_NONE;
}

using ExposeFunction = reflow_status (*)(reflow_graph *, reflow_view, const reflow_endpoint *, reflow_view,
                                         reflow_error **);

PyObject *expose(PyObject *self, PyObject *arguments, ExposeFunction function)
{
    const char *name = nullptr;
    PyObject *port = nullptr;
    const char *type = "any";
    PortName end;
    if (PyArg_ParseTuple(arguments, "sO|s:expose", &name, &port, &type) == 0 || !end.parse(port)) {
        return nullptr;
    }
    reflow_graph *graph = graph_of(self, "exposing a port");
    if (graph == nullptr) return nullptr;
    const reflow_endpoint endpoint = end.endpoint();
    Failure error;
    if (!check(function(graph, reflow_str(name), &endpoint, reflow_str(type), error.out()), error)) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject *expose_inport(PyObject *self, PyObject *arguments)
{
    return expose(self, arguments, &reflow_graph_add_inport);
}

PyObject *expose_outport(PyObject *self, PyObject *arguments)
{
    return expose(self, arguments, &reflow_graph_add_outport);
}

PyObject *set_property(PyObject *self, PyObject *arguments)
{
    const char *key = nullptr;
    PyObject *value = nullptr;
    reflow_message message{};
    if (PyArg_ParseTuple(arguments, "sO:set_property", &key, &value) == 0) return nullptr;
    reflow_graph *graph = graph_of(self, "a property");
    if (graph == nullptr || !message_or_none(value, &message)) return nullptr;
    Failure error;
    if (!check(reflow_graph_set_property(graph, reflow_str(key), message, error.out()), error)) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject *set_config(PyObject *self, PyObject *arguments)
{
    const char *node = nullptr;
    const char *key = nullptr;
    PyObject *value = nullptr;
    reflow_message message{};
    if (PyArg_ParseTuple(arguments, "ssO:set_config", &node, &key, &value) == 0) return nullptr;
    reflow_graph *graph = graph_of(self, "setting a configuration");
    if (graph == nullptr || !to_message(value, &message)) return nullptr;
    Failure error;
    if (!check(reflow_graph_set_config_value(graph, reflow_str(node), reflow_str(key), message, error.out()),
               error)) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

// The graph as the object of its JSON document.
PyObject *document(PyObject *self, PyObject *)
{
    bool failed = false;
    Failure error;
    reflow_message message{};
    if (has_graph(self, &failed)) {
        if (!check(reflow_graph_to_message(self_of(self)->graph, &message, error.out()), error)) {
            return nullptr;
        }
    } else {
        reflow_network *handle = failed ? nullptr : network_handle(self);
        reflow_graph *graph = nullptr;
        if (handle == nullptr || !check(reflow_network_graph(handle, &graph, error.out()), error)) {
            return nullptr;
        }
        const reflow_status status = reflow_graph_to_message(graph, &message, error.out());
        reflow_graph_destroy(graph);
        if (!check(status, error)) return nullptr;
    }
    PyObject *value = from_message(message, Arrays::list);
    reflow_message_unref(message);
    return value;
}

const PyMethodDef methods[] = {
    {"_add_node", add_node, METH_VARARGS, "Adds a node."},
    {"remove", remove_node, METH_O, "remove(node)\n\nRemoves a node with its connections."},
    {"_replace_node", replace_node, METH_VARARGS, "Gives a node another component and configuration."},
    {"_connect", connect, METH_VARARGS, "Connects an outport to an inport."},
    {"disconnect", disconnect, METH_VARARGS,
     "disconnect(source, target)\n\nRemoves the connection 'node.outport' to 'node.inport'."},
    {"_initial", initial, METH_VARARGS, "Adds an initial packet."},
    {"_expose_inport", expose_inport, METH_VARARGS, "Exposes an inport under a name."},
    {"_expose_outport", expose_outport, METH_VARARGS, "Exposes an outport under a name."},
    {"set_property", set_property, METH_VARARGS,
     "set_property(key, value)\n\nSets a property of the graph before the start; None removes it."},
    {"_set_config", set_config, METH_VARARGS, "Sets one value in the configuration of a node."},
    {"document", document, METH_NOARGS, "document() -> dict\n\nThe graph as its JSON document."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

const PyMethodDef *network_edit_methods() { return methods; }

} // namespace reflowpy
