// Children of forks that are made inside of a call of an actor. There the callback must not return into the engine,
// whose threads, and the locks that they had, are those of the parent.
#pragma once

#include "context.hpp"

namespace reflowpy {

// In the child, before anything else runs there.
void note_fork();

// Whether the firing of a context is one of the parent, which goes on there.
bool of_parent(const Context *context);
// The same, with ForkedError.
bool raise_if_of_parent(const Context *context);

// Ends the process if this call is one of the parent: with the traceback of the exception that is set, or with a
// message, and status 1; SystemExit gives another one.
void end_if_forked(const reflow_context *native);

} // namespace reflowpy
