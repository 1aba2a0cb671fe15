// Streams on their way over a link: what a link keeps of each, and the handles in messages.
// Neighbours: link (moves the frames), runtime/stream. Thread: see each.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/ref.hpp"
#include "message/message.hpp"
#include "peer/greeting.hpp"
#include "runtime/stream.hpp"

namespace reflow::peer {

// A stream that is read here and goes over the link. Frames in `left` and the reader are those of the thread
// that has `busy`; the rest is under the lock of the link.
struct Outflow : RefCounted<Outflow> {
    std::uint64_t number = 0;
    std::unique_ptr<runtime::StreamReader> reader;
    struct Frame {
        reflow_frame_kind kind = 0;
        Message message;
    };
    Vector<Frame> left;           // read, and not sent
    std::size_t gone = 0;         // of these
    std::size_t last_bytes = 0;   // of the frame before
    Window sent{0, 0};            // frames and bytes
    Window allowed{};  // in all, by the other side
    bool busy = false;   // a thread moves its frames
    bool again = false;  // and has to look again
    bool over = false;
    [[nodiscard]] bool open() const noexcept {
        return sent.packets < allowed.packets && sent.bytes < allowed.bytes;
    }
};

// A stream that comes over the link and is written here. Under the lock of the link, but for what the writer
// tells others.
struct Inflow : RefCounted<Inflow> {
    std::uint64_t number = 0;
    std::unique_ptr<runtime::StreamWriter> writer;
    Window came{0, 0};
    Window allowed{};  // in all, as was told
};

// Streams that a link has accepted in a call under its lock. They begin to go when this ends, without it.
struct StreamsBegun {
    struct One {
        Ref<Outflow> flow;
        Ref<runtime::StreamWatcher> call;
        runtime::Actor* held = nullptr;  // a writer that looks again
    };
    StreamsBegun() = default;
    StreamsBegun(const StreamsBegun&) = delete;
    StreamsBegun& operator=(const StreamsBegun&) = delete;
    ~StreamsBegun();
    Vector<One> all;
};

// The handles in a message that lead to streams, each stream once. REFLOW_ERROR_LIMIT beyond
// peer_message_streams_count.
[[nodiscard]] Result<Vector<MessageRef>> live_streams_in(MessageRef message);

// The message with other handles in place of those with these ids.
struct NamedStream {
    std::uint64_t id = 0;
    Message handle;
};
[[nodiscard]] Result<Message> with_streams(MessageRef message, const Vector<NamedStream>& streams);

}  // namespace reflow::peer
