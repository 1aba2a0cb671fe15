// getaddrinfo behind a queue. Thread: as resolve.hpp says.
#include "io/resolve.hpp"

#include <netdb.h>

#include <cstring>

#include "base/text.hpp"
#include "io/wire.hpp"

namespace reflow::io {
namespace {

Resolved ask(const String& host, std::uint16_t port, int flags) {
    Resolved result;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    String service = concat(port);
    int failed = getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
    if (failed != 0) {
        result.problem = String(gai_strerror(failed));
        return result;
    }
    for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
        if (each->ai_addrlen > sizeof(sockaddr_storage)) continue;
        Address address;
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.length = each->ai_addrlen;
        result.addresses.push_back(address);
    }
    freeaddrinfo(list);
    if (result.addresses.empty()) result.problem = "no address";
    return result;
}

}  // namespace

Resolved resolve_number(const String& host, std::uint16_t port) {
    return ask(host, port, AI_NUMERICHOST);
}

void Resolver::resolve(String host, std::uint16_t port, Done done) {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    questions_.push_back({std::move(host), port, std::move(done)});
    if (questions_.size() > idle_ && started_ < threads_count &&
        threads_[started_].start("rf-names", enter, this).ok()) {
        ++started_;
    }
    asked_.notify_one();
}

void Resolver::enter(void* self) {
    Resolver& resolver = *static_cast<Resolver*>(self);
    be_thread_of_peers();
    HookedThread inside(resolver.hooks_);
    std::unique_lock lock(resolver.mutex_);
    for (;;) {
        ++resolver.idle_;
        while (resolver.questions_.empty() && !resolver.stopped_) resolver.asked_.wait(lock);
        --resolver.idle_;
        if (resolver.stopped_) return;
        Question question = std::move(resolver.questions_.front());
        resolver.questions_.pop_front();
        lock.unlock();
        Resolved resolved;
        try {
            resolved = ask(question.host, question.port, 0);
            question.done(std::move(resolved));
        } catch (...) {
            // No memory: whoever asked hears of its deadline.
        }
        question = {};
        lock.lock();
    }
}

void Resolver::stop() noexcept {
    {
        std::lock_guard lock(mutex_);
        stopped_ = true;
        questions_.clear();
        asked_.notify_all();
    }
    for (Thread& thread : threads_) thread.join();
}

}  // namespace reflow::io
