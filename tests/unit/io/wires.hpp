// What tests of wires share: handlers that note what they are told and can be waited for, and plain
// sockets for those who do not keep to the rules.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/wire.hpp"

namespace wires {

using namespace reflow;
using namespace reflow::io;

inline constexpr auto patience = std::chrono::seconds(240);

// What a busy machine does late is not what a test looks for that does not say so.
inline WireOptions patient_wire() {
    WireOptions options;
    options.connect_ns = options.upgrade_ns = 200'000'000'000;
    return options;
}
inline PortOptions patient_port() {
    PortOptions options;
    options.first_bytes_ns = 200'000'000'000;
    options.wire = patient_wire();
    return options;
}

// One mutex and condition for all handlers of a test: any change can be waited for.
struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
    template <typename Done>
    bool wait(Done done) {
        std::unique_lock lock(mutex);
        return rung.wait_for(lock, patience, done);
    }
};

struct Ear : WireHandler {
    explicit Ear(Bell& shared) : bell(shared) {}
    Bell& bell;
    bool echoes = false;
    std::uint64_t quiet_until = 0;  // so many frames wake nobody, where time is measured
    bool keeps = true;  // the frames, not their number alone
    std::function<void(Wire&)> on_open;
    std::function<void(Wire&, std::span<const std::byte>)> on_frame;
    std::function<void(Wire&)> on_closing;

    // Under the mutex of the bell.
    Ref<Wire> wire;
    int opened_count = 0, closed_count = 0;
    std::uint64_t frames_count = 0, bytes = 0, drained_count = 0;
    std::deque<std::string> frames;
    std::deque<bool> texts;
    std::vector<std::uint64_t> pongs;
    std::uint16_t code = 0;
    reflow_status status = REFLOW_OK;
    std::string reason;

    void opened(Wire& opened_wire) override {
        {
            std::lock_guard lock(bell.mutex);
            wire = Ref<Wire>::share(&opened_wire);
            ++opened_count;
            EXPECT_EQ(closed_count, 0);
            bell.rung.notify_all();
        }
        if (on_open) on_open(opened_wire);
    }
    void received(Wire& from, std::span<const std::byte> frame, bool text) override {
        if (echoes) {
            reflow_status sent =
                from.send(String(reinterpret_cast<const char*>(frame.data()), frame.size()), text);
            EXPECT_TRUE(sent == REFLOW_OK || sent == REFLOW_ERROR_CLOSED);
        }
        if (on_frame) on_frame(from, frame);
        // Told under the lock: the ear may be gone as soon as it is free.
        {
            std::lock_guard lock(bell.mutex);
            ++frames_count;
            bytes += frame.size();
            EXPECT_EQ(closed_count, 0);
            if (keeps) {
                frames.emplace_back(reinterpret_cast<const char*>(frame.data()), frame.size());
                texts.push_back(text);
            }
            if (frames_count >= quiet_until) bell.rung.notify_all();
        }
    }
    void closing(Wire& from) override {
        if (on_closing) on_closing(from);
    }
    void drained(Wire&) override {
        {
            std::lock_guard lock(bell.mutex);
            ++drained_count;
            bell.rung.notify_all();
        }
    }
    void ponged(Wire&, std::uint64_t number) override {
        std::lock_guard lock(bell.mutex);
        pongs.push_back(number);
        bell.rung.notify_all();
    }
    void closed(Wire&, std::uint16_t told, reflow_status how, std::string_view why) override {
        {
            std::lock_guard lock(bell.mutex);
            ++closed_count;
            code = told;
            status = how;
            reason = std::string(why);
            EXPECT_EQ(closed_count, 1);
            bell.rung.notify_all();
        }
    }
    bool wait_open() {
        return bell.wait([&] { return opened_count + closed_count > 0; }) && opened_count == 1;
    }
    bool wait_closed() {
        return bell.wait([&] { return closed_count > 0; });
    }
    bool wait_frames(std::uint64_t count) {
        bool all = false;
        (void)bell.wait([&] { return (all = frames_count >= count) || closed_count > 0; });
        return all;
    }
};

// Gives every wire an ear of its own.
struct Door : PortHandler {
    explicit Door(Bell& shared) : bell(shared) {}
    Bell& bell;
    bool refuses = false;
    std::function<void(Ear&)> prepare;
    std::function<HttpResponse(const HttpRequest&)> on_request;
    std::deque<std::unique_ptr<Ear>> ears;  // under the mutex of the bell

    WireHandler* accepted(Wire& wire) override {
        EXPECT_FALSE(wire.remote().empty());
        if (refuses) return nullptr;
        auto ear = std::make_unique<Ear>(bell);
        if (prepare) prepare(*ear);
        std::lock_guard lock(bell.mutex);
        ears.push_back(std::move(ear));
        bell.rung.notify_all();
        return ears.back().get();
    }
    HttpResponse request(const HttpRequest& request) override {
        if (on_request) return on_request(request);
        HttpResponse response;
        response.body = "{}";
        return response;
    }
    Ear* wait_ear(std::size_t index = 0) {
        if (!bell.wait([&] { return ears.size() > index; })) return nullptr;
        std::lock_guard lock(bell.mutex);
        return ears[index].get();
    }
};

// A socket without any help.
class Plain {
public:
    explicit Plain(std::uint16_t port) {
        number_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ok_ = connect(number_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    Plain(const Plain&) = delete;
    ~Plain() { close(number_); }
    bool ok() const { return ok_; }
    int number() const { return number_; }
    void say(std::string_view words) {
        while (!words.empty()) {
            ssize_t sent = ::send(number_, words.data(), words.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            words.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // Until the other side ends it, or the text is there.
    std::string hear(std::string_view until = {}) {
        std::string all;
        char buffer[65536];
        for (;;) {
            if (!until.empty() && all.find(until) != std::string::npos) return all;
            pollfd wait{number_, POLLIN, 0};
            if (poll(&wait, 1, 240'000) != 1) return all + "(nothing came)";
            ssize_t got = recv(number_, buffer, sizeof buffer, 0);
            if (got <= 0) return all;
            all.append(buffer, static_cast<std::size_t>(got));
        }
    }

private:
    int number_ = -1;
    bool ok_ = false;
};

inline int descriptors() {
    int count = 0;
    DIR* folder = opendir("/proc/self/fd");
    while (folder != nullptr && readdir(folder) != nullptr) ++count;
    closedir(folder);
    return count;
}

inline std::unique_ptr<WireHost> host() {
    auto made = WireHost::create({});
    return std::move(made).take();
}

inline WireAddress at(std::string_view scheme, std::uint16_t port, std::string_view path = {}) {
    auto parsed = WireAddress::parse(std::string(scheme) + "://127.0.0.1:" + std::to_string(port) +
                                     std::string(path));
    EXPECT_TRUE(parsed.ok());
    return std::move(parsed).take();
}

}  // namespace wires
