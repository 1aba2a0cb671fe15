// Streams: a bounded queue of frames from one writer to one reader and to observers.
// Neighbours: tether (actors that wait), message (handles), capi. Thread: any, one lock for each
// stream.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "base/queue.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "message/message.hpp"
#include "runtime/stream_count.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {

class Environment;
class Scheduler;
class Stream;

// Keeps a runtime alive.
class Keep {
public:
    Keep() noexcept = default;
    Keep(Environment& environment, Scheduler& scheduler) noexcept;
    Keep(Keep&& other) noexcept
        : environment_(std::exchange(other.environment_, nullptr)), scheduler_(other.scheduler_) {}
    Keep& operator=(Keep&&) = delete;
    ~Keep();
    [[nodiscard]] Scheduler& scheduler() const noexcept { return *scheduler_; }

private:
    Environment* environment_ = nullptr;
    Scheduler* scheduler_ = nullptr;
};

// Who is told that an end can go on, and is neither an actor nor a thread that waits: a link, or a callback
// of the host. Called without locks, on the thread of whoever has made that so.
class StreamWatcher : public RefCounted<StreamWatcher> {
public:
    virtual ~StreamWatcher() = default;
    virtual void ready() noexcept = 0;
    using RefCounted::operator new;
    using RefCounted::operator delete;
};

// Who uses an end of a stream: the host, or an actor, and what he waits for.
struct StreamSide {
    Ref<Tether> tether;          // of the actor
    Wait wait = Wait::none;      // of the actor, armed there
    Scheduler* host = nullptr;   // of a thread that waits
    Ref<StreamWatcher> watcher;  // NULL with a tether
    // It was refused and has not been told since. A refusal, and what makes an end go on, are both
    // found under the lock of the stream, so that no call gets lost between the two.
    bool armed = false;
    // Of an actor: among its others, see there.
    Stream* stream = nullptr;
    StreamSide* next = nullptr;
    StreamSide** before = nullptr;

    // From now on; what waits for it already is counted with it.
    void begin(Stream& in, Ref<Tether> of, std::size_t frames, std::uint64_t bytes) noexcept;
    // Of the actor: see Tether::count().
    void count(std::int64_t frames, std::int64_t bytes) const noexcept {
        if (tether) tether->count(frames, bytes);
    }
};

struct StreamLimits {
    std::uint32_t frames = 0;
    std::uint64_t bytes = 0;
};

// What waits for one reader.
struct StreamInbox {
    Queue<reflow_message> frames;  // data
    std::uint64_t bytes = 0;
    StreamLimits most;
    bool reliable = true;  // holds the writer back
    bool begun = false;    // has got its BEGIN
    bool over = false;     // has got its END or ERROR
    std::uint64_t missed = 0;
    StreamSide side;
    StreamInbox* next = nullptr;  // of the observers

    // A frame comes, or one that came is gone.
    void push(Message frame, std::uint64_t size) noexcept;
    [[nodiscard]] Message pop() noexcept;
    // All go; they are dropped without the lock of the stream.
    void give_up(Queue<reflow_message>& dropped) noexcept;
    [[nodiscard]] bool fits(std::uint64_t size) const noexcept {
        bool room = bytes == 0 || (bytes <= most.bytes && size <= most.bytes - bytes);
        return frames.size() < most.frames && room;
    }
};

// How long a call of a host may wait, in all.
class Patience {
public:
    explicit Patience(std::int64_t timeout_ms) noexcept : timeout_ms_(timeout_ms) {}
    [[nodiscard]] bool none() const noexcept { return timeout_ms_ == 0; }
    [[nodiscard]] std::uint64_t deadline(const Scheduler& scheduler) noexcept;

private:
    const std::int64_t timeout_ms_;
    bool begun_ = false;
    std::uint64_t deadline_ns_ = 0;
};

class StreamWriter : public Allocated {
public:
    StreamWriter(Ref<Stream> stream, Keep keep) noexcept;
    ~StreamWriter();
    // Takes the message if it returns REFLOW_OK.
    reflow_status write(reflow_message data, Patience& patience);
    reflow_status write_chunks(MessageRef data, std::size_t chunk, std::size_t& offset,
                               Patience& patience);
    reflow_status end() noexcept;
    reflow_status fail(Message text) noexcept;
    // Waits until a frame would go; REFLOW_OK, or as write().
    reflow_status wait_for_room(Patience& patience);
    // Without a look at the limits.
    reflow_status push(Message data);
    // What waits for the slowest of those who hold the writer back.
    [[nodiscard]] StreamLimits waiting() const noexcept;
    // Who is told of room after a refusal, and when nobody can read any more; NULL: nobody. What there is
    // already is told at once. False for a writer of an actor, which is woken.
    [[nodiscard]] bool watch(Ref<StreamWatcher> watcher) noexcept;
    [[nodiscard]] bool forked() const noexcept;

private:
    const Ref<Stream> stream_;
    const Keep keep_;
};

class StreamReader : public Allocated {
public:
    // The reader itself, or an observer.
    StreamReader(Ref<Stream> stream, Keep keep) noexcept;
    StreamReader(Ref<Stream> stream, Keep keep, StreamLimits most, bool reliable);
    ~StreamReader();
    reflow_status read(std::span<reflow_stream_frame> frames, Patience& patience,
                       std::size_t& count);
    // The next frame without taking it: its message is none for END. Then pop(), if it was data.
    reflow_status front(Patience& patience, reflow_frame_kind& kind, Message& message);
    void pop() noexcept;
    Result<Message> collect(std::uint64_t max_bytes, Patience& patience);
    reflow_status transform(StreamWriter& to, reflow_transform_fn function, void* user_data,
                            Patience& patience);
    [[nodiscard]] MessageRef begin() const noexcept;
    [[nodiscard]] std::uint64_t missed() const noexcept;
    [[nodiscard]] bool forked() const noexcept;
    // As that of a writer: who is told of frames after a refusal.
    [[nodiscard]] bool watch(Ref<StreamWatcher> watcher) noexcept;

private:
    friend class Stream;
    const Ref<Stream> stream_;
    const Keep keep_;
    const bool observes_;
    StreamInbox own_;  // of an observer
    StreamInbox* inbox_;
    String gathered_;  // of collect()
};

// A writer that is destroyed, a reader that is, and a handle that ends unaccepted all leave their
// mark in the state; nothing waits for anybody.
class Stream final : public RefCounted<Stream>, public heap::StreamClaim {
public:
    struct Options {
        StreamLimits most;
        MessageRef::Stream fields;  // but for the id
        Message metadata;           // or none
    };
    // tether: of the actor that writes. handle gets the one message that leads to it.
    static Result<Ref<Stream>> create(StreamCount& count, const Options& options,
                                      Ref<Tether> tether, Message& handle);
    // Of a handle: NULL if it leads nowhere.
    [[nodiscard]] static Ref<Stream> of(MessageRef handle) noexcept;
    explicit Stream(StreamCount& count) noexcept : count_(Ref<StreamCount>::share(&count)) {}
    ~Stream();

    // For a reader: from then on it is accepted. False if it was before. *held: for Tether::tell().
    [[nodiscard]] bool accept(Ref<Tether> tether, Actor*& held) noexcept;
    [[nodiscard]] bool accepted() const noexcept;
    [[nodiscard]] MessageRef begin() const noexcept { return begin_; }
    // For an observer, when nothing can fail any more.
    void observe(StreamReader& reader, Ref<Tether> tether) noexcept;
    [[nodiscard]] StreamLimits limits() const noexcept { return main_.most; }
    // See Runtime::forked().
    [[nodiscard]] bool forked() const noexcept { return !process::is_here(count_->life); }

    void drop_claim() noexcept override;

    // Whether that is the end that writes.
    [[nodiscard]] bool writes(const StreamSide& side) const noexcept { return &side == &writer_; }
    // As if the actor had destroyed this end, if it has not.
    void cut(const StreamSide& side, const Tether& of) noexcept;

private:
    friend class StreamWriter;
    friend class StreamReader;
    using Lock = std::unique_lock<std::mutex>;
    enum class End : std::uint8_t { open, ended, failed, dropped, unread };

    // All with the lock.
    [[nodiscard]] bool has_room(std::uint64_t size) const noexcept;
    [[nodiscard]] bool readable(const StreamInbox& inbox) const noexcept;
    [[nodiscard]] Wait wait_for_room() const noexcept;
    [[nodiscard]] Wait wait_for_frame(const StreamSide& reader) const noexcept;
    // What no inbox takes is left to the caller.
    void put(Message& data);
    reflow_status finish(End how, Message text) noexcept;
    // Waits until done(), or arranges a call of the actor; leaves the lock meanwhile.
    template <typename Done, typename Kind>
    reflow_status wait(Lock& lock, StreamSide& side, const StreamSide* other, const Keep& keep,
                       Patience& patience, Kind kind, Done done);
    // Until that may be written, or something read; REFLOW_ERROR_CLOSED if it never will.
    reflow_status wait_to_write(Lock& lock, std::uint64_t size, const Keep& keep, Patience& patience);
    reflow_status wait_to_read(Lock& lock, StreamInbox& inbox, const Keep& keep, Patience& patience);
    // Whose doing makes room: NULL as long as nobody has accepted.
    [[nodiscard]] const StreamSide* taker() const noexcept {
        return accepted_ ? &main_.side : nullptr;
    }
    [[nodiscard]] Message end_message() const;
    // Leaves the lock, and tells all who can go on.
    void leave(Lock& lock) noexcept;
    [[nodiscard]] Actor* next_wake() noexcept;
    [[nodiscard]] static Actor* unarm(StreamSide& side) noexcept;
    [[nodiscard]] Ref<StreamWatcher> next_told() noexcept;
    [[nodiscard]] bool watch(StreamSide& side, Ref<StreamWatcher> watcher) noexcept;
    void tell_hosts() noexcept;
    // Nobody reads there any more. What waited goes to `dropped`.
    void give_up(StreamInbox& inbox, Queue<reflow_message>& dropped) noexcept;
    // Ends what an end has waited for; leaves the lock.
    void leave_side(Lock& lock, StreamSide& side) noexcept;

    const Ref<StreamCount> count_;
    Message begin_;             // an object; constant
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    StreamSide writer_;
    std::uint64_t wanted_ = 0;  // bytes of the frame that was refused last
    StreamInbox main_;
    StreamInbox* observers_ = nullptr;
    End end_ = End::open;
    Message text_;  // of a failure
    bool accepted_ = false;
};

}  // namespace reflow::runtime
