// The thread that asks the loop of Node whether it still turns.
#include "lookout.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace reflow_node {

namespace {

using Clock = std::chrono::steady_clock;

// So many firings of a node are known at most: one that lasts is enough to tell of the node.
constexpr std::size_t kFirings = 64;

}  // namespace

void Lookout::forget_ended(Firings& firings) {
    auto& open = firings.open;
    open.erase(std::remove_if(open.begin(), open.end(),
                              [](std::uint64_t id) { return reflow_completion_cancelled({id}); }),
               open.end());
}

void Lookout::watch(const void* node, reflow_completion completion, std::uint64_t limit_ms) {
    if (limit_ms == 0) return;
    std::lock_guard lock(mutex_);
    if (ending_) return;
    const bool first = nodes_.empty();
    Firings& firings = nodes_[node];
    firings.limit_ms = limit_ms;
    if (firings.open.size() >= kFirings) forget_ended(firings);
    if (firings.open.size() < kFirings) firings.open.push_back(completion.id);
    if (thread_.joinable()) {
        if (first) changed_.notify_all();
        return;
    }
    try {
        thread_ = std::thread([this] { look(); });
    } catch (const std::system_error&) {  // nobody looks; the next firing tries again
    }
}

void Lookout::end() noexcept {
    std::thread ended;
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
        changed_.notify_all();
        ended.swap(thread_);
    }
    if (ended.joinable()) ended.join();
}

// Drops what has ended; the shortest limit in milliseconds, 0 if nothing waits.
std::uint64_t Lookout::shortest() {
    std::uint64_t least = 0;
    for (auto at = nodes_.begin(); at != nodes_.end();) {
        forget_ended(at->second);
        if (at->second.open.empty()) {
            at = nodes_.erase(at);
            continue;
        }
        if (least == 0 || at->second.limit_ms < least) least = at->second.limit_ms;
        ++at;
    }
    return least;
}

void Lookout::look() {
    std::unique_lock lock(mutex_);
    bool asked = false;  // and the loop has done nothing since
    Clock::time_point since;
    std::uint64_t turns = 0;
    while (!ending_) {
        const std::uint64_t least = shortest();
        if (least == 0) {
            asked = false;
            changed_.wait(lock);
            continue;
        }
        const auto end = Clock::now() + std::chrono::milliseconds(std::max<std::uint64_t>(least / 4, 1));
        if (changed_.wait_until(lock, end) != std::cv_status::timeout) continue;
        const auto now = Clock::now();
        if (asked && turns_.load(std::memory_order_relaxed) == turns) {
            tell(lock, static_cast<std::uint64_t>(
                           std::chrono::duration_cast<std::chrono::nanoseconds>(now - since).count()));
            continue;
        }
        for (auto& node : nodes_) node.second.told = false;
        asked = true;
        since = now;
        turns = turns_.load(std::memory_order_relaxed);
        lock.unlock();
        ask_();
        lock.lock();
    }
}

// Without the lock, since it may call the program.
void Lookout::tell(std::unique_lock<std::mutex>& lock, std::uint64_t ns) {
    std::vector<std::pair<const void*, Firings>> late;
    for (const auto& node : nodes_) {
        if (!node.second.told && ns / 1'000'000 >= node.second.limit_ms) late.push_back(node);
    }
    lock.unlock();
    std::vector<const void*> told;
    for (const auto& [node, firings] : late) {
        const bool one = std::any_of(firings.open.begin(), firings.open.end(), [&](std::uint64_t id) {
            return reflow_completion_stuck({id}, ns) == REFLOW_OK;
        });
        if (one) told.push_back(node);
    }
    lock.lock();
    for (const void* node : told) {
        auto found = nodes_.find(node);
        if (found != nodes_.end()) found->second.told = true;
    }
}

}  // namespace reflow_node
