// What a firing may ask beside emitting: methods and properties of the type Context.
#pragma once

#include "context.hpp"

namespace reflowpy {

const PyMethodDef *more_context_methods();
PyGetSetDef *more_context_properties();

} // namespace reflowpy
