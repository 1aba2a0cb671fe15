// Thread creation. Signals are blocked before the thread starts, so that the host's handlers run
// on the host's threads. Thread: any.
#include "base/thread.hpp"

#include <csignal>
#include <cstring>

#include "base/limits.hpp"

namespace reflow {
namespace {

struct Start : Allocated {
    void (*body)(void*);
    void* argument;
};

void* enter(void* memory) {
    Start* start = static_cast<Start*>(memory);
    auto body = start->body;
    void* argument = start->argument;
    delete start;
    body(argument);
    return nullptr;
}

}  // namespace

Result<void> Thread::start(std::string_view name, void (*body)(void*), void* argument) {
    auto start = std::unique_ptr<Start>(new Start);
    start->body = body;
    start->argument = argument;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, limits::worker_stack_bytes);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&handle_, &attributes, enter, start.get());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (failed != 0) {
        char reason[128] = "";
        const char* text = strerror_r(failed, reason, sizeof reason);
        return Failure(REFLOW_ERROR_IO, concat("cannot create a thread: ", text));
    }
    (void)start.release();
    running_ = true;
    char short_name[16] = "";
    std::memcpy(short_name, name.data(), std::min<std::size_t>(name.size(), 15));
    pthread_setname_np(handle_, short_name);
    return {};
}

void Thread::join() noexcept {
    if (!running_) return;
    pthread_join(handle_, nullptr);
    running_ = false;
}

}  // namespace reflow
