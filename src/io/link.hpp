// One wire on a socket, whatever its form of frames: queue, writing, reading, the end; and how a
// link is dialed. Neighbours: loop, ports, the host of wires. Thread: as wire.hpp says of a Wire;
// the rest on the loop, unless a line says otherwise.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>

#include "io/channel.hpp"
#include "io/frame.hpp"
#include "io/loop.hpp"
#include "io/resolve.hpp"
#include "io/wire.hpp"

namespace reflow::io {

// Bytes that are not cleared before they are written to.
class Bytes {
public:
    Bytes() noexcept = default;
    Bytes(Bytes&& other) noexcept { swap(other); }
    Bytes(const Bytes&) = delete;
    ~Bytes() { reflow::release(data_, room_); }
    void swap(Bytes& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(room_, other.room_);
    }
    [[nodiscard]] std::byte* data() noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<std::byte> all() noexcept { return {data_, size_}; }
    void reserve(std::size_t room);
    void append(const std::byte* from, std::size_t size);
    void grew(std::size_t by) noexcept { size_ += by; }
    // Keeps some memory for the next time.
    void clear() noexcept;

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t room_ = 0;
};

//   resolving -> connecting -> securing -> upgrading -> open -> closing -> ended
//
// A dialed link goes through all of it, an accepted one begins open. closing: a close frame is in
// the queue, from us or in answer; what comes is thrown away but for the other's close frame, and for frames
// in front of that if we are the first and close for no fault. Every state can go to ended, which is told once.
class Link final : public Wire, public Member {
public:
    Link(Ref<Loop> loop, WireScheme scheme, Form form, const WireOptions& options) noexcept;
    ~Link();

    // ---- Wire
    void ref() noexcept override { refs_.add(); }
    void unref() noexcept override {
        if (refs_.drop()) delete this;
    }
    reflow_status send(String&& frame, bool text) override;
    reflow_status ping(std::uint64_t number) override;
    void close(std::uint16_t code, std::string_view reason) override;
    void cut() noexcept override;
    void limit(std::size_t frame_bytes) noexcept override;
    void read(bool wanted) noexcept override;
    [[nodiscard]] std::size_t queued_bytes() const noexcept override {
        return queued_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t unheard_ns() const noexcept override;
    [[nodiscard]] std::uint64_t bytes_in() const noexcept override {
        return bytes_in_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t bytes_out() const noexcept override {
        return bytes_out_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t frames_written() const noexcept override {
        return frames_written_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] WireScheme scheme() const noexcept override {
        return scheme_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] String remote() const override;
    [[nodiscard]] String spare() noexcept override { return loop_->buffers.take(); }

    // ---- beginnings

    // Any thread, once: opened() or closed() follows. False if the loop has ended.
    bool dial(const WireAddress& to, WireHandler& handler, Ref<Resolver> resolver,
              Ref<TlsContext> tls);
    // On the loop: a socket that has been upgraded, and what it sent beyond that.
    void adopt(Channel&& channel, std::span<std::byte> early, WireHandler& handler,
               std::function<void()> ended);
    void set_remote(String remote);

    // ---- Member
    void hold() noexcept override { ref(); }
    void let_go() noexcept override { unref(); }
    void poked() override;
    void shut_down() noexcept override;

private:
    enum class State : std::uint8_t {
        idle,
        resolving,
        connecting,
        securing,
        upgrading,
        open,
        closing,
        ended
    };
    struct Piece {
        char head[head_most_bytes];
        std::uint8_t head_bytes = 0;
        bool counts = false;  // a frame of send()
        String body;
        [[nodiscard]] std::size_t size() const noexcept { return head_bytes + body.size(); }
    };
    struct Verdict {
        std::uint16_t code = WIRE_ABNORMAL;
        reflow_status status = REFLOW_OK;
        String reason;
    };

    // link_dial.cpp
    void begin();
    void resolved(Resolved names);
    void connect_next();
    void connect_ready();
    void connected();
    void shake();
    void say_hello();
    void hear_hello();
    void take_tcp_form();
    [[nodiscard]] bool check_hello(std::span<std::byte> text, std::size_t* used);
    void deadline(std::uint64_t after_ns, std::string_view what);
    void dial_event(bool in, bool out);

    // link.cpp: reading
    void event(bool in, bool out);
    void readable();
    void feed(std::byte* data, std::size_t size);
    [[nodiscard]] bool feed_rest(std::byte*& data, std::size_t& size);
    void take_held();
    void resume();
    void take(const Head& head, std::span<std::byte> body);
    void take_control(const Head& head, std::span<std::byte> body);
    void deliver(std::span<const std::byte> message, bool text);
    void fail(std::uint16_t code, reflow_status status, std::string_view reason);
    [[nodiscard]] bool paused() const noexcept;
    [[nodiscard]] bool hears() const noexcept;

    // link_write.cpp: writing
    reflow_status put(Kind kind, String&& frame, bool counts);
    void push(Kind kind, String&& body, bool counts);
    void push_part(Kind kind, String&& body, bool last, bool counts);
    [[nodiscard]] std::size_t gather(iovec* parts) noexcept;
    void wrote(std::size_t bytes) noexcept;
    void write_out() noexcept;
    void flush() noexcept;
    void written();
    void start_close(Verdict verdict, bool answer);
    void end_after(std::uint64_t wait_ns, bool in_order);
    void watch_stall();
    void update_watch() noexcept;
    void end(Verdict verdict) noexcept;
    void open_now();

    RefCount refs_;
    const Ref<Loop> loop_;
    // relaxed: a name for people, which changes before it is open.
    std::atomic<WireScheme> scheme_;
    const WireOptions options_;
    static constexpr std::size_t parts_count = 128;  // of one write

    // ---- shared: under mutex_, unless a line says otherwise. It is never held in a call of a
    // handler or of the system.
    mutable std::mutex mutex_;
    Form form_;  // read on the loop without it, where alone it changes, before the link is open
    Deque<Piece> queue_;
    std::size_t sent_ = 0;    // bytes of the first piece that are written
    bool shut_ = false;       // send() takes no more
    bool can_write_ = false;  // open, and the socket was not full
    bool writing_ = false;    // somebody has the right to write; only that one uses channel_ then
    bool owes_ = false;       // drained() has to be told
    bool gone_ = false;       // ended; who writes closes the socket
    bool broken_ = false;     // a write failed
    bool wish_cut_ = false, wish_drained_ = false, wish_read_ = false, wish_write_ = false;
    bool wish_close_ = false;
    Verdict asked_;  // by close()
    std::uint8_t masks_[256];
    std::size_t masks_used_ = sizeof masks_;
    String remote_;
    Channel channel_;  // read on the loop; written by who has the right to
    // Numbers for everybody; each is written under mutex_ or on the loop alone, and orders nothing.
    std::atomic<std::size_t> queued_{0};
    std::atomic<std::uint64_t> bytes_in_{0}, bytes_out_{0}, frames_written_{0};
    // relaxed: the poke that follows a change, whose lock orders it, makes the loop look again.
    std::atomic<bool> wanted_{true};

    // ---- on the loop
    State state_ = State::idle;
    std::size_t frame_limit_ = options_.frame_bytes;
    WireHandler* handler_ = nullptr;
    Watch* watch_ = nullptr;
    std::uint64_t timer_ = 0;
    std::uint64_t stall_timer_ = 0;
    std::uint64_t stall_mark_ = 0;
    bool dispatching_ = false;     // a flush follows
    Moved ending_ = Moved::again;  // what a read has told where it could not be served
    bool close_sent_ = false;      // our close frame is in the queue or written
    bool close_heard_ = false;
    bool told_why_ = false;        // it came first: the verdict is the other side's
    bool answer_awaited_ = false;  // all is written, the other's close frame is to come
    bool deaf_ = false;            // what comes cannot be read any more: the rules are broken
    Verdict verdict_;              // once closing
    bool held_ = false;            // rest_ is what had come by a pause: whole frames, too
    Bytes rest_;                   // else of the one frame that is not whole
    Bytes message_;                // of a message in parts
    bool in_message_ = false, message_text_ = false;
    std::function<void()> ended_;
    // of a dial
    WireAddress to_;
    Ref<Resolver> resolver_;
    Ref<TlsContext> tls_;
    Resolved names_;
    std::size_t next_name_ = 0;
    int connect_error_ = 0;
    String key_;
};

}  // namespace reflow::io
