// The methods of the type Network by subject.
#pragma once

#include "handles.hpp"

namespace reflowpy {

const PyMethodDef *network_edit_methods();
const PyMethodDef *network_port_methods();

// "node.port", "node.port[3]" or the name of an exposed port, as node, port and index.
struct PortName {
    std::string text;
    reflow_view node{"", 0};
    reflow_view port{"", 0};
    uint32_t index = REFLOW_NO_INDEX;

    bool parse(PyObject *name);
    [[nodiscard]] reflow_endpoint endpoint() const;
};

} // namespace reflowpy
