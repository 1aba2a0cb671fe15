// What peers say to each other once they have met: in the JSON of the published original, a text each,
// or between ours in batches of MessagePack. Neighbours: link. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::peer {

// ---- the original's

struct RemoteMessage {
    String message_id;
    String source_network;
    String source_actor;
    String target_network;
    String target_actor;
    String target_port;
    Message payload;
    String timestamp;
    Message trace;  // null or an object
};
struct Heartbeat {
    String network_id;
    String timestamp;
};
struct ActorsAsked {
    String request_id;
    String network_id;
};
struct RemoteActor {
    String id;
    Vector<String> capabilities;
    Message description;  // null or a text
};
struct ActorsTold {
    String request_id;
    String network_id;
    Vector<RemoteActor> actors;
};
using OldFrame = std::variant<RemoteMessage, Heartbeat, ActorsAsked, ActorsTold>;

[[nodiscard]] Result<String> write_old(const OldFrame& frame);
// Which one it is, is told by the keys that only one of them has. REFLOW_ERROR_PROTOCOL.
[[nodiscard]] Result<OldFrame> read_old(std::string_view text);
// What is told of actors, as the records of ours have it.
[[nodiscard]] Result<Message> message_of(const ActorsTold& told);
[[nodiscard]] ActorsTold actors_of(MessageRef actors);

// ---- ours: a frame is an array of records, each an array that begins with its kind

enum class Kind : std::uint8_t {
    open = 1,      // channel, source actor, target actor, target port
    data = 2,      // channel, number of the first, payloads
    credit = 3,    // channel, packets in all that may come, bytes of payloads in all
    report = 4,    // channel, number of the packet, status, text: it was not delivered
    ping = 5,      // a number that comes back
    pong = 6,      //
    follow = 7,    // number, actor, outport, whose replies or "": what comes there is wanted
    unfollow = 8,  // number
    followed = 9,  // number, channel or null, text: packets of that will come there, or why not
    ask = 10,      // number: which actors are there
    told = 11,     // number, actors
    // What goes with the next packet of a channel: number of that, trace and span, deadline, correlation.
    note = 20,
    confirm = 21,    // channel, number of a packet: how far the channel is, until that is through
    confirmed = 22,  // channel, packets in all that have been delivered or reported
    // From that packet on: those of which outbox, and which message of it the first is; "": of none.
    mark = 23,  // channel, number, outbox, message
    // A stream whose handle is in the next packet of a channel: channel, number of that, number of the
    // stream, id in the handle, actor, port, content type, size or null, metadata. Then its frames, and its end.
    stream = 24,
    stream_data = 25,    // number of the stream, bytes
    stream_end = 26,     // number, whether it is an error, text
    stream_credit = 27,  // number, frames in all that may come, bytes in all
    stream_cancel = 28,  // number, text: nobody reads it any more
    // From that packet on: those of which element of the array port. Channel, number, element + 1; 0: of none.
    element = 29,
    // Actor, source actor: what is pending of the former, and packets of the latter have caused, is cancelled.
    cancel = 30,
};

// What a record of kind stream says.
struct StreamRecord {
    std::uint64_t channel = 0;
    std::uint64_t packet = 0;  // that has the handle
    std::uint64_t number = 0;  // of the stream, counted by who sends it
    MessageRef::Stream fields{};
    MessageRef metadata{};     // or null
};

// Makes frames. Records of one kind for one channel grow together.
class Batch {
public:
    Batch() { clear(); }
    void open(std::uint64_t channel, std::string_view source_actor, std::string_view actor,
              std::string_view port);
    // The next packet of a channel, with its envelope if it is in one; how many bytes it takes. An error
    // leaves the batch as it was: REFLOW_ERROR_LIMIT for one that no frame has room for.
    Result<std::size_t> data(std::uint64_t channel, std::uint64_t number, MessageRef packet);
    void credit(std::uint64_t channel, std::uint64_t packets, std::uint64_t bytes);
    void report(std::uint64_t channel, std::uint64_t number, reflow_status status,
                std::string_view text);
    void confirm(std::uint64_t channel, std::uint64_t number);
    void confirmed(std::uint64_t channel, std::uint64_t packets);
    void mark(std::uint64_t channel, std::uint64_t number, std::string_view outbox,
              std::uint64_t message);
    // index: REFLOW_NO_INDEX for none.
    void element(std::uint64_t channel, std::uint64_t number, std::uint32_t index);
    void cancel(std::string_view actor, std::string_view source_actor);
    // An error, of metadata that cannot be written, leaves the batch as it was.
    Result<void> stream(const StreamRecord& record);
    void stream_data(std::uint64_t number, MessageRef data);
    void stream_end(std::uint64_t number, bool failed, std::string_view text);
    void stream_credit(std::uint64_t number, std::uint64_t frames, std::uint64_t bytes);
    void stream_cancel(std::uint64_t number, std::string_view text);
    void ping(std::uint64_t number);
    void pong(std::uint64_t number);
    void follow(std::uint64_t number, std::string_view actor, std::string_view port, std::string_view replies_to);
    void unfollow(std::uint64_t number);
    void followed(std::uint64_t number, std::optional<std::uint64_t> channel,
                  std::string_view text);
    void ask(std::uint64_t number);
    Result<void> told(std::uint64_t number, MessageRef actors);

    [[nodiscard]] bool empty() const noexcept { return records_ == 0; }
    [[nodiscard]] std::size_t bytes() const noexcept { return text_.size(); }
    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }
    // An empty batch goes on in this memory.
    void use(String&& memory);
    // The frame; the batch is empty then.
    [[nodiscard]] String take();
    void clear();

private:
    void begin(Kind kind, std::size_t fields);
    void number(std::uint64_t value);
    void text(std::string_view value);
    void close_data() noexcept;
    void note(std::uint64_t channel, std::uint64_t number, MessageRef envelope);

    String text_;
    std::uint32_t records_ = 0;
    std::uint64_t packets_ = 0;
    // The data record that is open: where the count of its payloads stands.
    std::size_t count_at_ = 0;
    std::uint32_t count_ = 0;
    std::uint64_t channel_ = 0;
    std::uint64_t next_ = 0;
};

// What a frame says, in its order; who does not want something passes it over. An error stops reading.
class FrameVisitor {
public:
    virtual ~FrameVisitor() = default;
    virtual Result<void> open(std::uint64_t /*channel*/, std::string_view /*source_actor*/,
                              std::string_view /*actor*/, std::string_view /*port*/) {
        return {};
    }
    // bytes: of all payloads in the frame.
    virtual Result<void> data(std::uint64_t /*channel*/, std::uint64_t /*first*/,
                              MessageRef /*payloads*/, std::uint64_t /*bytes*/) {
        return {};
    }
    virtual Result<void> credit(std::uint64_t /*channel*/, std::uint64_t /*packets*/,
                                std::uint64_t /*bytes*/) {
        return {};
    }
    virtual Result<void> report(std::uint64_t /*channel*/, std::uint64_t /*number*/,
                                reflow_status /*status*/, std::string_view /*text*/) {
        return {};
    }
    virtual Result<void> ping(std::uint64_t /*number*/) { return {}; }
    virtual Result<void> pong(std::uint64_t /*number*/) { return {}; }
    virtual Result<void> follow(std::uint64_t /*number*/, std::string_view /*actor*/,
                                std::string_view /*port*/, std::string_view /*replies_to*/) {
        return {};
    }
    virtual Result<void> unfollow(std::uint64_t /*number*/) { return {}; }
    virtual Result<void> followed(std::uint64_t /*number*/,
                                  std::optional<std::uint64_t> /*channel*/,
                                  std::string_view /*text*/) {
        return {};
    }
    virtual Result<void> ask(std::uint64_t /*number*/) { return {}; }
    virtual Result<void> told(std::uint64_t /*number*/, MessageRef /*actors*/) { return {}; }
    // envelope: as message/envelope.hpp has it.
    virtual Result<void> note(std::uint64_t /*channel*/, std::uint64_t /*number*/,
                              Message /*envelope*/) {
        return {};
    }
    virtual Result<void> confirm(std::uint64_t /*channel*/, std::uint64_t /*number*/) { return {}; }
    virtual Result<void> confirmed(std::uint64_t /*channel*/, std::uint64_t /*packets*/) {
        return {};
    }
    virtual Result<void> mark(std::uint64_t /*channel*/, std::uint64_t /*number*/,
                              std::string_view /*outbox*/, std::uint64_t /*message*/) {
        return {};
    }
    virtual Result<void> element(std::uint64_t /*channel*/, std::uint64_t /*number*/,
                                 std::uint32_t /*index*/) {
        return {};
    }
    virtual Result<void> cancel(std::string_view /*actor*/, std::string_view /*source_actor*/) {
        return {};
    }
    virtual Result<void> stream(const StreamRecord& /*record*/) { return {}; }
    virtual Result<void> stream_data(std::uint64_t /*number*/, MessageRef /*data*/) { return {}; }
    virtual Result<void> stream_end(std::uint64_t /*number*/, bool /*failed*/,
                                    std::string_view /*text*/) {
        return {};
    }
    virtual Result<void> stream_credit(std::uint64_t /*number*/, std::uint64_t /*frames*/,
                                       std::uint64_t /*bytes*/) {
        return {};
    }
    virtual Result<void> stream_cancel(std::uint64_t /*number*/, std::string_view /*text*/) {
        return {};
    }
};
// REFLOW_ERROR_PROTOCOL, _PARSE or _LIMIT with the record; records before it have been told.
[[nodiscard]] Result<void> read_frame(std::string_view frame, FrameVisitor& to);

}  // namespace reflow::peer
