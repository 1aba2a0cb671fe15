// Making errors, and their one-line text.
// Thread: any.
#include "base/result.hpp"

namespace reflow {

std::string_view status_name(reflow_status status) noexcept {
#define REFLOW_CASE(name) \
    case name:            \
        return #name
    switch (status) {
        REFLOW_CASE(REFLOW_OK);
        REFLOW_CASE(REFLOW_ERROR_INVALID_ARGUMENT);
        REFLOW_CASE(REFLOW_ERROR_INVALID_STATE);
        REFLOW_CASE(REFLOW_ERROR_NOT_FOUND);
        REFLOW_CASE(REFLOW_ERROR_ALREADY_EXISTS);
        REFLOW_CASE(REFLOW_ERROR_INVALID_UTF8);
        REFLOW_CASE(REFLOW_ERROR_WRONG_KIND);
        REFLOW_CASE(REFLOW_ERROR_WOULD_DEADLOCK);
        REFLOW_CASE(REFLOW_ERROR_UNSUPPORTED);
        REFLOW_CASE(REFLOW_ERROR_FORKED);
        REFLOW_CASE(REFLOW_ERROR_OUT_OF_MEMORY);
        REFLOW_CASE(REFLOW_ERROR_LIMIT);
        REFLOW_CASE(REFLOW_ERROR_WOULD_BLOCK);
        REFLOW_CASE(REFLOW_ERROR_TIMEOUT);
        REFLOW_CASE(REFLOW_ERROR_CANCELLED);
        REFLOW_CASE(REFLOW_ERROR_CLOSED);
        REFLOW_CASE(REFLOW_ERROR_PARSE);
        REFLOW_CASE(REFLOW_ERROR_GRAPH);
        REFLOW_CASE(REFLOW_ERROR_CONFIG);
        REFLOW_CASE(REFLOW_ERROR_TYPE);
        REFLOW_CASE(REFLOW_ERROR_IO);
        REFLOW_CASE(REFLOW_ERROR_REFUSED);
        REFLOW_CASE(REFLOW_ERROR_UNRESOLVED);
        REFLOW_CASE(REFLOW_ERROR_PROTOCOL);
        REFLOW_CASE(REFLOW_ERROR_AUTH);
        REFLOW_CASE(REFLOW_ERROR_FAILED);
        REFLOW_CASE(REFLOW_ERROR_HOST);
        REFLOW_CASE(REFLOW_ERROR_INTERNAL);
        default:
            return "unknown status";
    }
#undef REFLOW_CASE
}

Error::Error() noexcept = default;
Error::~Error() = default;

Failure::Failure(reflow_status status, std::string_view message) : error_(new Error) {
    error_->status = status;
    error_->message = message;
}
Failure::Failure(std::unique_ptr<Error> error) noexcept : error_(std::move(error)) {}
Failure::Failure(Failure&& other) noexcept = default;
Failure& Failure::operator=(Failure&& other) noexcept = default;
Failure::~Failure() = default;

Failure&& Failure::hint(std::string_view hint) && {
    error_->hint = hint;
    return std::move(*this);
}
Failure&& Failure::file(std::string_view file) && {
    error_->file = file;
    return std::move(*this);
}
Failure&& Failure::path(std::string_view path) && {
    error_->path = path;
    return std::move(*this);
}
Failure&& Failure::node(std::string_view node) && {
    error_->node = node;
    return std::move(*this);
}
Failure&& Failure::port(std::string_view port) && {
    error_->port = port;
    return std::move(*this);
}
Failure&& Failure::at(std::uint32_t line, std::uint32_t column, std::uint64_t offset) && {
    error_->line = line;
    error_->column = column;
    error_->has_offset = true;
    error_->offset = offset;
    return std::move(*this);
}
Failure&& Failure::because(std::unique_ptr<Error> cause) && {
    error_->cause = std::move(cause);
    return std::move(*this);
}

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
