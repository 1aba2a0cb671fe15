// Who waits for room at the inports of a network.
#pragma once

#include <map>

#include "post.hpp"

namespace reflowpy {

class Asked;

// By the number of the inport. Used with the lock of the interpreter held.
using Rooms = std::map<uint64_t, std::shared_ptr<Asked>>;

// Has a number put into a Post object when the inport takes messages again: once, after a message that is
// refused from now on. False with an exception.
bool ask_room(Rooms *&rooms, reflow_network *network, reflow_inport inport, PyObject *post, uint64_t number);

} // namespace reflowpy
