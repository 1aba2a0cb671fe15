// The thread that asks an event loop whether it still turns. It takes no lock of the interpreter but in a log hook
// of the program, so the destructor does not wait for it.
#include "lookout.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "handles.hpp"
#include "post.hpp"

namespace reflowpy {

namespace {

using Clock = std::chrono::steady_clock;

// So many firings of a node are known at most: one that lasts is enough to tell of the node.
constexpr size_t most_firings = 64;

struct Firings {
    uint64_t limit_ms = 0;
    std::vector<uint64_t> open;
    bool told = false; // while the loop has not answered

    void forget_ended()
    {
        open.erase(std::remove_if(open.begin(), open.end(),
                                  [](uint64_t id) { return reflow_completion_cancelled({id}); }),
                   open.end());
    }
    // False if there is nothing to tell of, or not yet.
    bool tell(uint64_t ns) const
    {
        return std::any_of(open.begin(), open.end(),
                           [&](uint64_t id) { return reflow_completion_stuck({id}, ns) == REFLOW_OK; });
    }
};

} // namespace

struct Lookout::State {
    std::mutex mutex; // guards all below; of the engine's locks those of firings are taken under it
    std::condition_variable changed;
    std::unordered_map<const void *, Firings> nodes;
    std::shared_ptr<PostBox> box;
    bool asked = false; // the loop, and it has not answered
    bool ending = false;
    bool running = false;

    // Drops what has ended; the shortest limit in milliseconds, 0 if nothing waits.
    uint64_t shortest()
    {
        uint64_t least = 0;
        for (auto at = nodes.begin(); at != nodes.end();) {
            at->second.forget_ended();
            if (at->second.open.empty()) {
                at = nodes.erase(at);
                continue;
            }
            if (least == 0 || at->second.limit_ms < least) least = at->second.limit_ms;
            ++at;
        }
        return least;
    }
};

Lookout::Lookout() : state_(std::make_shared<State>()), generation_(fork_generation()) {}

Lookout::~Lookout()
{
    if (generation_ != fork_generation()) return; // its thread is in the parent, and may have had the lock
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->changed.notify_all();
}

void Lookout::watch(const void *node, uint64_t completion, uint64_t limit_ms)
{
    const std::lock_guard lock(state_->mutex);
    const bool first = state_->nodes.empty();
    Firings &firings = state_->nodes[node];
    firings.limit_ms = limit_ms;
    if (firings.open.size() >= most_firings) firings.forget_ended();
    if (firings.open.size() < most_firings) firings.open.push_back(completion);
    if (state_->running) {
        if (first) state_->changed.notify_all();
        return;
    }
    try {
        std::thread([state = state_] { look(state); }).detach();
        state_->running = true;
    } catch (const std::system_error &) { // nobody looks; the next firing tries again
    }
}

void Lookout::use(std::shared_ptr<PostBox> box)
{
    const std::lock_guard lock(state_->mutex);
    state_->box = std::move(box);
    state_->asked = false;
}

void Lookout::look(const std::shared_ptr<State> &state)
{
    sigset_t all; // signals are for the threads of the program
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::unique_lock lock(state->mutex);
    Clock::time_point since;
    uint64_t takes = 0;
    while (!state->ending) {
        const uint64_t least = state->shortest();
        if (least == 0) {
            state->asked = false;
            state->changed.wait(lock);
            continue;
        }
        const auto end = Clock::now() + std::chrono::milliseconds(std::max<uint64_t>(least / 4, 1));
        if (state->changed.wait_until(lock, end) != std::cv_status::timeout) continue;
        const auto now = Clock::now();
        if (state->asked && state->box != nullptr && times_taken(*state->box) != takes) state->asked = false;
        if (!state->asked) {
            state->asked = true;
            since = now;
            for (auto &node : state->nodes) node.second.told = false;
            if (state->box != nullptr) {
                takes = times_taken(*state->box);
                put(*state->box, 0); // the number of no firing
            }
            continue;
        }
        const auto ns = static_cast<uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(now - since).count());
        std::vector<std::pair<const void *, Firings>> late;
        for (const auto &node : state->nodes) {
            if (!node.second.told && ns / 1'000'000 >= node.second.limit_ms) late.push_back(node);
        }
        lock.unlock(); // what is told may call the program
        std::vector<const void *> told;
        for (const auto &node : late) {
            if (node.second.tell(ns)) told.push_back(node.first);
        }
        lock.lock();
        for (const void *node : told) {
            const auto found = state->nodes.find(node);
            if (found != state->nodes.end()) found->second.told = true;
        }
    }
}

} // namespace reflowpy
