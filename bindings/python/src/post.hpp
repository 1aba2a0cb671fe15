// Things that have happened in the engine, told to an event loop. The engine tells of them inside itself,
// where nobody may wait for the lock of the interpreter: so they are numbers, which are kept in a post, and
// a descriptor becomes readable.
#pragma once

#include "base.hpp"

#include <memory>

namespace reflowpy {

class PostBox;

bool init_post(PyObject *module);

// The box of a Post object, which the engine may keep longer than that; NULL with an exception for another
// object.
std::shared_ptr<PostBox> box_of(PyObject *post);

// Puts a number into a box. On any thread, without the lock of the interpreter.
void put(PostBox &box, uint64_t number);
// How often a loop has looked into it. Likewise.
uint64_t times_taken(PostBox &box);

// Asks for the number of a firing in a Post object when the firing is cancelled. True as a Python value,
// or False if it is over already.
PyObject *watch_cancel(PyObject *post, uint64_t completion);

// Asks for a number in a Post object when a firing that is full takes messages again, or is over. True as a
// Python value, or False if it is over already.
PyObject *watch_room(PyObject *post, uint64_t number, uint64_t completion);

} // namespace reflowpy
