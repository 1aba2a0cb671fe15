// Firings that end later: a promise stands for each. Thread: JS, but for the completion itself.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <chrono>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "core.h"
#include "envelope.h"

namespace reflow_node {

// What is known of a firing when it is kept open, for questions that only a call of the engine could answer
// (asking.cc). Made inside of that call; with a clock that stands the time does not go on, as in mode simulated.
struct Known {
    Known(const reflow_context* context, std::uint32_t outports, bool clock_stands);
    [[nodiscard]] std::uint64_t now_ns() const;

    std::uint32_t attempts;
    std::uint64_t deadline_ns;
    std::vector<bool> connected;  // by outport

private:
    std::uint64_t then_ns_;
    std::chrono::steady_clock::time_point begun_;
    bool clock_stands_;
};

class Pending : public std::enable_shared_from_this<Pending> {
public:
    Pending(std::shared_ptr<Core> core, std::uint32_t number, std::shared_ptr<const Known> known);
    ~Pending();
    // Makes one and puts it into the table of the environment.
    static std::shared_ptr<Pending> create(std::shared_ptr<Core> core, std::shared_ptr<const Known> known);

    // The engine has given the completion; what has gathered goes on its way.
    void bind(Napi::Env env, reflow_completion completion);
    // The call that should have kept it open has ended otherwise.
    void lose(Napi::Env env);
    // 1: accepted; 0: it waits, and kDrained will tell; -1: the firing is over.
    int emit(Napi::Env env, std::uint32_t port, Message message);
    // Of what is emitted from now on; NULL: none.
    void set_envelope(Napi::Env env, std::shared_ptr<Envelope> envelope);
    void finish(Napi::Env env, Failure failure);
    // Behind a turn of a network without threads.
    void try_again(Napi::Env env) {
        stalled_ = false;
        push(env);
    }
    // It takes messages again, or is over.
    void room_came(Napi::Env env);
    // Whether the engine waits for its end: it does not once its time is over, or somebody has cancelled it.
    [[nodiscard]] bool open() const;
    // Tells kCancelled when the firing is cancelled.
    void watch(Napi::Env env);

    const std::uint32_t number;
    const std::shared_ptr<const Known> known;

private:
    void push(Napi::Env env);
    bool ask_room();
    void close(Napi::Env env);

    std::shared_ptr<Core> core_;
    reflow_completion completion_{};
    bool bound_ = false;
    bool over_ = false;
    bool pumping_ = false;   // it has asked to be told of room
    bool stalled_ = false;   // it waits for the next turn
    bool finishing_ = false;
    bool told_ = false;     // somebody waits for kDrained
    bool watching_ = false;
    Failure failure_;
    struct Item {
        std::uint32_t port = 0;
        Message message;  // none: what follows has another envelope
        std::shared_ptr<Envelope> envelope;
    };
    std::deque<Item> waiting_;
};

// Calls of JavaScript; the first argument is the number.
Napi::Value pending_emit(const Napi::CallbackInfo& info);
Napi::Value pending_envelope(const Napi::CallbackInfo& info);
Napi::Value pending_finish(const Napi::CallbackInfo& info);
Napi::Value pending_open(const Napi::CallbackInfo& info);
Napi::Value pending_watch(const Napi::CallbackInfo& info);

}  // namespace reflow_node
