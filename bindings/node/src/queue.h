// A bounded queue from threads of the engine to JavaScript: what comes while it is full is counted as
// missed, and JavaScript is woken once for all that has gathered.
#pragma once

#include <napi.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace reflow_node {

class Environment;

// What waits in a queue.
class Item {
public:
    virtual ~Item() = default;
    virtual Napi::Object make(Napi::Env env) = 0;  // JS
    std::uint64_t missed = 0;                      // just before it
};

class Queue : public std::enable_shared_from_this<Queue> {
public:
    // JS. ready is called when there is something to take, once until it is taken.
    Queue(Napi::Env env, Napi::Function ready, std::size_t capacity);

    // ---- any thread
    void push(std::unique_ptr<Item> item);
    // Wakes JavaScript if there is a reason: after one or several of these.
    void wake();

    // ---- JS
    // Up to max items as an array, each with its count `missed`.
    Napi::Array take(Napi::Env env, std::size_t max);

private:
    std::weak_ptr<Environment> environment_;
    Napi::FunctionReference ready_;  // JS
    const std::size_t capacity_;
    std::mutex mutex_;  // guards the rest
    std::deque<std::unique_ptr<Item>> items_;
    std::uint64_t missed_ = 0;
    bool woken_ = false;  // and has not taken yet
};

}  // namespace reflow_node
