// One JavaScript environment (the main thread or a worker) seen from the engine: how other threads get
// something done on its thread, what keeps the process alive, and how all of it ends.
// Thread: as each function says; "JS" is the thread of the environment.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lookout.h"

namespace reflow_node {

class Call;
class Core;
class Frames;
class Pending;
struct RunCall;

// Something to do on the JS thread. Exactly one of run and abort is called, unless the environment ends
// while run goes on: then abort comes as well, and run must touch nothing but the job after that.
class Job {
public:
    virtual ~Job() = default;
    virtual void run(Napi::Env env) = 0;  // JS
    virtual void abort() noexcept = 0;    // any thread: the environment has ended
};

class Environment : public std::enable_shared_from_this<Environment> {
public:
    static std::shared_ptr<Environment> create(Napi::Env env, Napi::Object exports);
    static Environment& of(Napi::Env env);  // JS
    explicit Environment(Napi::Env env);
    ~Environment();

    // ---- from any thread

    // Queues a job; if the environment has ended the job is aborted at once.
    void post(std::shared_ptr<Job> job);
    // Queues a job and waits for its end. On the JS thread it is run at once.
    void wait(const std::shared_ptr<Call>& call);
    // The same for a function, which is dropped when the environment has ended.
    void post(std::function<void(Napi::Env)> function);  // a job that runs is told to lookout
    [[nodiscard]] bool alive() const { return alive_.load(std::memory_order_acquire); }

    // ---- JS thread

    // Runs work on a thread of its own kind and then done on the JS thread. The process lives that long.
    void task(std::function<void()> work, std::function<void(Napi::Env)> done);
    // Runs a function on this thread: now, or in a job of its own, for which the process lives.
    void post_kept(std::function<void(Napi::Env)> function, bool later);
    // The same from any thread, without an end that anybody waits for.
    void background(std::function<void()> work);
    // Counts reasons for the process not to end by itself.
    void retain(Napi::Env env);
    void release(Napi::Env env);
    // Refuses everything from now on and lets go of all threads that wait for JavaScript.
    void quit() noexcept;
    // The process is about to exit: quit, and a moment for engines to come to rest.
    void exiting() noexcept;
    // What is done first then, by whom it is of: see exit_hook.h. JS.
    std::unordered_map<const void*, std::function<void()>> at_exit;
    // Stops and ends all networks. After it no thread of ours is left.
    void shut_down() noexcept;

    // What has waited for the next turn of the loop.
    void go_on(Napi::Env env);

    void enter(Core& core);
    void leave(Core& core);

    Napi::FunctionReference make_error;  // JS functions that lib/native.cjs hands over
    Napi::FunctionReference dispatch;
    Napi::FunctionReference unwrap;
    Napi::FunctionReference make_message;
    Napi::FunctionReference as_buffer;
    Napi::FunctionReference rest;  // calls goOn in the next turn of the loop
    Napi::Reference<Napi::Object> object_prototype;
    std::unique_ptr<Frames> frames;  // of the dispatch that goes on
    std::unique_ptr<Frames> io;      // of sending and receiving
    // Array buffers that share the memory of messages, weakly, by that memory.
    std::unordered_map<const void*, napi_ref> shared_buffers;
    // Firings that are pending, by the number that JavaScript knows them by.
    std::unordered_map<std::uint32_t, std::shared_ptr<Pending>> pendings;
    std::uint32_t next_pending = 1;
    RunCall* running = nullptr;  // whose dispatch goes on
    // Calls of setup and the like that JavaScript will answer.
    std::unordered_map<std::uint32_t, std::shared_ptr<Call>> control;
    std::uint32_t next_control = 1;
    bool copy_only = false;  // external buffers are refused here, as in Electron
    // Numbers of things that live, for tests of leaks.
    std::atomic<std::int64_t> cores{0}, nodes{0}, lent{0}, shared{0}, pending{0}, outputs{0};
    std::atomic<std::int64_t> helped{0};  // what was ever given to helpers
    // Over this loop, for firings that wait for it.
    Lookout lookout{[this] { post([](Napi::Env) {}); }};

private:
    friend struct Wake;
    void drain(Napi::Env env);
    std::chrono::steady_clock::duration spent_{};  // of a turn of the loop
    bool resting_ = false;                         // the rest waits for go_on
    void helper();
    std::vector<std::shared_ptr<Core>> cores_now();

    napi_env env_;
    std::thread::id thread_ = std::this_thread::get_id();
    napi_threadsafe_function wake_ = nullptr;
    napi_async_cleanup_hook_handle hook_ = nullptr;
    std::uint64_t kept_ = 0;
    std::atomic<bool> alive_{true};
    std::mutex mutex_;  // guards the four below and calls of wake_
    std::deque<std::shared_ptr<Job>> jobs_;
    std::unordered_set<Call*> waiting_;
    bool scheduled_ = false;
    std::mutex helpers_mutex_;  // guards the helpers
    std::condition_variable helpers_changed_;
    std::deque<std::function<void()>> work_;
    std::vector<std::thread> helpers_;
    std::vector<std::thread> finished_;  // that have ended, to be joined
    std::size_t idle_helpers_ = 0;
    bool ending_ = false;
    std::mutex cores_mutex_;
    std::unordered_set<Core*> all_cores_;
};

// A job that somebody waits for.
class Call : public Job {
public:
    void abort() noexcept override { end(true); }
    // False if the environment has ended before it was done; nothing that it points to may be used then.
    [[nodiscard]] bool done() const { return state_.load(std::memory_order_acquire) == kDone; }
    // How many messages it has for an outport, which the engine does not know of yet.
    [[nodiscard]] virtual std::size_t emitted_to(std::uint32_t) const { return 0; }
    // Of the callback of the engine that waits for it, or NULL. To be used on the JS thread, while the call is not
    // over and the environment lives: then that callback stands still, and its context is this thread's.
    reflow_context* context = nullptr;

protected:
    void end(bool aborted = false) noexcept {
        int open = kOpen;
        if (!state_.compare_exchange_strong(open, aborted ? kAborted : kDone)) return;
        std::lock_guard lock(mutex_);
        ended_.notify_one();
    }

private:
    friend class Environment;
    enum { kOpen, kDone, kAborted };
    void acquire() {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [this] { return state_.load(std::memory_order_acquire) != kOpen; });
    }
    std::atomic<int> state_{kOpen};
    // Not a semaphore of the standard library: that one yields the processor before it sleeps, which on a
    // busy machine costs a time slice for each crossing.
    std::mutex mutex_;
    std::condition_variable ended_;
};

}  // namespace reflow_node
