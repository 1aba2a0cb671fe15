// A network with its engine: what stands behind the class Network of lib/network.cjs.
// Thread: JS, unless a function says otherwise. A core lives as long as somebody uses it; what it has of
// the engine ends by end(), never on the JS thread while that could wait for it.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "envelope.h"
#include "environment.h"
#include "errors.h"
#include "values.h"

namespace reflow_node {

// A kind of actor that a network knows: a component of the engine.
struct ActorType {
    Core* core = nullptr;
    std::uint32_t index = 0;  // in `types` of the network in JavaScript
    std::string id;
    std::uint32_t inports = 0;
    std::uint32_t outports = 0;
    std::uint32_t firing_size = 1;  // inputs of a firing
    bool async = false;             // each firing is kept open
    bool typed = false;
    bool indexed = false;  // it has array ports inwards
};

// What waits for room at an inport.
struct Waiting {
    Message message;
    std::shared_ptr<Envelope> envelope;  // none for nearly all
};

// An inport that the host sends to, and what waits for room there.
struct Inport {
    reflow_inport id{};
    std::deque<Waiting> waiting;
    bool watched = false;
};

struct Output;
class EventsHandle;
class Queue;

class Core : public std::enable_shared_from_this<Core> {
public:
    static std::shared_ptr<Core> create(Napi::Env env, Napi::Object self, Napi::Object options);
    explicit Core(std::shared_ptr<Environment> given) : environment(std::move(given)) {
        ++environment->cores;
    }
    ~Core();
    // The core of the first argument of a call; throws if that is none.
    static std::shared_ptr<Core> of(const Napi::CallbackInfo& info);

    // Throws ERR_REFLOW_INVALID_STATE or ERR_REFLOW_CLOSED unless there is a network.
    reflow_network* running(Napi::Env env) const;
    // Throws if the network is built already.
    void check_building(Napi::Env env, const char* what) const;
    // The graph that is made; of a network that is built a copy of its own, which apply() brings into effect.
    reflow_graph* edited(Napi::Env env);
    void check_open(Napi::Env env) const;

    // The object in JavaScript; NULL if it was collected.
    napi_value self(Napi::Env env) const;
    // Something goes on from now on: the process does not end before it is over.
    void busy(Napi::Env env);
    // Looks whether it is over.
    void look_idle(Napi::Env env);
    // In a mode without threads: who waits for events gets what has come, in a job of its own.
    void tell_later();
    // Who asks for events is told of its end from now on.
    reflow_status watch_end(reflow_error** error);

    // Runs work that waits and then done: elsewhere, or, in modes without threads, on this thread, behind a
    // call of the engine that may be going on.
    void task(std::function<void()> work, std::function<void(Napi::Env)> done);

    // Any thread; wait. Nothing of JavaScript is needed.
    Failure build();
    // Calls of the engine that wait, with the network; none after its end.
    template <typename Function>
    Failure with_network(Function call) {
        std::shared_lock lock(users_);
        if (network == nullptr) {
            Failure failure;
            failure.status = REFLOW_ERROR_CLOSED;
            failure.message = "the network is closed";
            return failure;
        }
        reflow_error* error = nullptr;
        reflow_status status = call(network, &error);
        return failure_of(status, error);
    }
    // A call of the engine on the JS thread that runs actors, in modes without threads.
    template <typename Function>
    auto in_call(Function call) {
        const bool outer = std::exchange(calling_, true);
        auto result = call();
        calling_ = outer;
        return result;
    }
    // At most so many turns; 0: until nothing is ready. JS.
    reflow_status turn(std::uint64_t max, bool* more, reflow_error** error);
    // Mode simulated: so much time passes, and what is due by then happens. JS.
    void pass(std::int64_t milliseconds);
    // Mode hosted, any thread: there is something to run.
    void woken();
    // Runs it, for a while, and sees to it that the rest comes. JS.
    void pump(Napi::Env env);
    // What waits for a turn of the network, in a mode without threads: it tries again behind one. JS.
    void retry_stalled(Napi::Env env);
    void forget(Napi::Env env);  // the object in JavaScript goes
    void stop_now() noexcept;
    // Asks for a stop, or waits for it so long; nothing if somebody ends it already.
    void try_stop(std::int64_t timeout_ms) noexcept;
    void end() noexcept;
    // end() has nothing left to do. Any thread, without a wait: false also while it is going on.
    bool ended() noexcept {
        std::shared_lock lock(users_, std::try_to_lock);
        return lock.owns_lock() && ended_;
    }

    std::shared_ptr<Environment> environment;
    reflow_runtime* runtime = nullptr;
    reflow_graph* graph = nullptr;
    reflow_network* network = nullptr;
    std::atomic<bool> built{false};
    bool closing = false;
    bool editing = false;  // graph has what apply() brings into effect
    bool envelopes = false;  // carried by the network; set before it is built
    bool single = false;     // modes inline and simulated: nothing runs but inside of calls on the JS thread
    bool simulated = false;  // mode simulated: time is that of its timers, but while firings are open
    bool hosted = false;     // mode hosted: actors run on the JS thread, in jobs of its loop
    std::string record;      // a file that gets a recording
    std::weak_ptr<Queue> lines;  // what it logs and prints, for actors that are in no call; JS
    reflow_log_level log_level = REFLOW_LOG_INFO;
    // Firings that go on after their call, of this network. Any thread.
    std::atomic<std::int64_t> open_firings{0};
    std::vector<std::weak_ptr<Pending>> stalled;  // of a mode without threads: they try again behind a turn
    reflow_x_recording* recording = nullptr;  // of a network that repeats one
    reflow_x_replay* replay = nullptr;
    std::vector<std::unique_ptr<ActorType>> types;
    std::deque<Inport> inports;
    std::vector<std::weak_ptr<Output>> outputs;
    std::vector<EventsHandle*> events;  // that are open; JS
    // release and acquire: who sees it has all events of the network before it. Set by any thread.
    std::atomic<bool> shut{false};
    std::atomic<std::uint32_t> next_node{0};

private:
    static void told_idle(void* user_data, const reflow_event_batch* batch, std::uint64_t missed);
    static void told_end(void* user_data, const reflow_event_batch* batch, std::uint64_t missed);
    bool tell_events(Napi::Env env);

    void look_again();
    void ask_idle();
    reflow_status make_network(reflow_error** error);
    reflow_status watch_idle(reflow_error** error);
    void end_network() noexcept;
    void arm(Napi::Env env);
    bool calling_ = false;  // in a call of task
    // A job that pumps is on its way. Set before the job is posted and cleared before it runs the network: who finds
    // it set has made ready what that run will find, since the exchanges on it are in one order.
    std::atomic<bool> pump_posted_{false};
    std::mutex pumping_;  // held while the JS thread runs a hosted runtime, and to end that
    bool armed_ = false;  // a timer of JavaScript will pump

    napi_ref self_ = nullptr;
    bool looking_again_ = false;
    bool idle_asked_ = false;
    bool busy_ = false;
    bool tells_ = false;  // a job that tells events is on its way
    std::atomic<bool> look_posted_{false};
    reflow_subscription* idle_ = nullptr;
    reflow_subscription* end_ = nullptr;
    std::shared_mutex users_;  // shared: uses the engine; alone: ends it
    bool ended_ = false;
};

}  // namespace reflow_node
