// How threads that run actors share the lock of the interpreter with the other threads of the program.
//
// Python has a thread that holds the lock give it to one that waits when that one has waited for a whole switch
// interval (5 ms) without a release in between. Callbacks of the engine release it after each batch, which begins
// the interval anew, and take it for the next batch before whoever waits has woken up: so it would wait for seconds.
// Therefore they leave the lock alone for a moment when together they have held it for a switch interval.
#pragma once

#include <cstdint>

namespace reflowpy {

// Before a callback asks for the lock, and when it has it. The time then, for share_leave.
void share_enter();
int64_t share_entered();
// Before it releases the lock, and afterwards: here the thread may sleep for a moment.
void share_leave(int64_t since);
void share_left();

// A thread of the engine has a state of Python from now on, or has it no more.
void share_attached(int more);

// While one is there the thread does not want the lock that it has released.
class Away {
public:
    Away();
    ~Away();
    Away(const Away &) = delete;
    Away &operator=(const Away &) = delete;
};

// In a child of a fork, which has none of these threads but its own.
void share_forked();

} // namespace reflowpy
