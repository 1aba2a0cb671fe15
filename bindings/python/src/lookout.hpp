// Tells the engine of firings that an event loop does not go on with: the engine has called for them long ago, and
// its watchdog sees calls alone. A thread that needs nothing of Python asks the loop, through its post, and a loop that
// has not answered for as long as the watchdog of a node allows is told of, once for each node.
#pragma once

#include "base.hpp"

#include <memory>

namespace reflowpy {

class PostBox;

class Lookout {
public:
    Lookout();
    ~Lookout(); // waits for nothing
    Lookout(const Lookout &) = delete;
    Lookout &operator=(const Lookout &) = delete;

    // A firing of a node that waits for the loop, and how long that may not answer.
    void watch(const void *node, uint64_t completion, uint64_t limit_ms);
    // Where the loop is asked.
    void use(std::shared_ptr<PostBox> box);

private:
    struct State;
    static void look(const std::shared_ptr<State> &state);
    std::shared_ptr<State> state_; // the thread has it, too
    uint32_t generation_;          // of the process, which a fork ends
};

} // namespace reflowpy
