// The one-line text of an error.
// Thread: any.
#include "base/result.hpp"

namespace reflow {

String Error::describe() const {
    String out;
    if (!file.empty()) {
        out += file;
        if (line != 0) append(out, concat(":", line, ":", column));
        out += ": ";
    } else if (line != 0) {
        append(out, concat("line ", line, ", column ", column, ": "));
    }
    if (!node.empty()) {
        append(out, concat("node '", node, "'"));
        if (!port.empty()) append(out, concat(", port '", port, "'"));
        out += ": ";
    } else if (!port.empty()) {
        append(out, concat("port '", port, "': "));
    }
    out += message;
    if (!path.empty() && path != "$") append(out, concat(" at ", path));
    if (!hint.empty()) append(out, concat(" (", hint, ")"));
    // The chain is as long as code nests causes, never as long as input: still no recursion.
    for (const Error* next = cause.get(); next != nullptr; next = next->cause.get()) {
        append(out, concat(": ", next->message));
        if (!next->hint.empty()) append(out, concat(" (", next->hint, ")"));
    }
    return out;
}

}  // namespace reflow
