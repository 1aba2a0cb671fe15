// Who has come to a port and is not a wire (yet): what it says is told apart, and its requests are answered.
// Neighbours: port.cpp, which has all of it. Thread: on the loop, but for answers that come later.
#pragma once

#include <netinet/in.h>

#include <mutex>
#include <optional>

#include "io/http.hpp"
#include "io/port.hpp"

namespace reflow::io {

// An answer that comes later.
class Later final : public HttpReply {
public:
    explicit Later(Guest& guest) noexcept : guest_(&guest) {}
    void ref() noexcept override { refs_.add(); }
    void unref() noexcept override {
        if (refs_.drop()) delete this;
    }
    reflow_status send(HttpResponse&& response) override;
    // On the loop: nobody waits any more.
    void forget() noexcept {
        std::lock_guard lock(mutex_);
        guest_ = nullptr;
    }

private:
    RefCount refs_;
    std::mutex mutex_;  // guards what follows; the lock of the loop is taken under it, no other
    Guest* guest_;      // NULL once answered or forgotten
};

// Somebody who has come and is not a wire (yet).
class Guest final : public RefCounted<Guest>, private HttpAsker {
public:
    Guest(Port& port, Channel&& channel, const sockaddr_storage& from, unsigned length)
        : port_(Ref<Port>::share(&port)),
          channel_(std::move(channel)),
          from_(from),
          from_bytes_(length) {}
    void begin();
    void end() noexcept;
    [[nodiscard]] String remote() const;
    [[nodiscard]] Loop& loop() noexcept { return *port_->loop_; }

private:
    friend class Port;
    friend class Later;
    // waiting: the answer comes later; nothing is read until then.
    enum class State : std::uint8_t { unknown, securing, asking, waiting, answering, leaving, ended };

    void event(bool in);
    void readable();
    void secure();
    void look();
    void look_at_request();
    void begin_chunks(const HttpHead& head);
    [[nodiscard]] bool take_chunks();
    void ask_for_body(const HttpHead& head);
    void cut(std::size_t used);
    void serve(const HttpHead& head, std::string_view body);
    Ref<HttpReply> later() override;
    void wait();
    void no_later() noexcept;
    void replied(const Later& from, HttpResponse&& response) noexcept;
    void respond(HttpResponse&& response);
    void go_on();
    [[nodiscard]] bool lets_in(const HttpHead& head) const;
    void upgrade(const HttpHead& head);
    void become(Form form, WireScheme scheme, std::string_view answer, std::size_t used);
    void answer(std::uint16_t status, std::string_view type, std::string_view body, bool keep,
                std::string_view extra = {});
    void refuse(std::uint16_t code, std::string_view why) { answer(code, "text/plain", why, false); }
    void say(std::string_view words);
    void write();
    void deadline();

    Ref<Port> port_;
    Channel channel_;
    // As it was when it came: the system forgets it when the other side cuts the connection.
    const sockaddr_storage from_;
    const unsigned from_bytes_;
    Watch* watch_ = nullptr;
    State state_ = State::unknown;
    std::uint64_t timer_ = 0;
    Bytes came_;
    // A request whose body comes in chunks: its head, and what has come of the body.
    std::optional<HttpChunks> chunks_;
    Bytes head_;
    String body_;
    std::size_t wanted_ = 1;  // bytes before it is worth to look again
    String out_;
    std::size_t sent_ = 0;
    bool keep_ = false;
    bool head_only_ = false;
    bool asked_ = false;  // for the body of this request
    Ref<Later> later_;
    Guest* before_ = nullptr;
    Guest* after_ = nullptr;
};

}  // namespace reflow::io
