// Recordings: what a simulated run was given and what it did, written as it goes, and run once
// more. A network that records, or is replayed, has an instrument between its actors and their
// components, which sees each call. docs/internals/network.md tells the format. Neighbours:
// network, build (wraps components), capi. Thread: that of the turns, and hosts between turns
// (Scheduler::lock).
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "base/store.hpp"
#include "message/message.hpp"
#include "runtime/component.hpp"
#include "runtime/context.hpp"
#include "runtime/deferred.hpp"

namespace reflow::graph {
struct Flat;
}

namespace reflow::network {

class Network;
class Runtime;
class Instrument;

// The format of recordings that this version writes and reads.
inline constexpr std::int64_t recording_format = 3;
inline constexpr std::string_view recording_magic = "reflow recording\n";
// A replay is exact in the same version only.
inline constexpr std::int64_t recording_engine = REFLOW_VERSION;

// What an entry of a recording tells. Each is an array: kind, turns before it, logical time, and
// more.
enum class EntryKind : std::int64_t {
    end = 0,     // the network has stopped: calls
    call = 1,    // node, phase, digest of the inputs, digest of the outputs, messages out, status;
                 // and what went on with open firings meanwhile, if something did: [[Going, ...], ...]
    played = 2,  // the same without the last, and what came in: completed, flags, delay, error,
                 // [outport, index, message, envelope or null, ...]; and of a firing that is kept open
                 // its number, and what went on meanwhile
    host = 3,    // what a host did: Step, arguments
    broken = 4,  // why nothing more was recorded
    decided = 5  // what a host has decided about a failure: node, reflow_decision
};

// What a host did.
enum class Step : std::int64_t {
    connect = 1,  // node, inport
    output = 2,   // capacity, [node, outport, index, ...]
    start = 3,
    send = 4,  // node, [inport, index, message, envelope or null, ...]
    take = 5,  // output, count
    close = 6,
    drain = 7,
    finish = 8,  // node
    drained = 9,
    sources = 10,
    cancel = 11,  // node, or -1
    pause = 12,   // path
    resume = 13,  // path
    grant = 14,   // node
    stop = 15,
    carry = 16,  // envelopes
    put = 17,      // as send, and the dead letter that is played back by it or 0
    discard = 18,  // of dead letters: one, or 0; path
    go_on = 19,    // with an open firing: [Going, ...]
    visit = 20     // the state of a node: node, [keys, pools] as it was then
};

// What goes on with an open firing. Each is an array: kind, number of the firing or 0 for that of the call
// which is running, and more.
enum class Going : std::int64_t {
    emit = 1,     // outport, index, message
    end = 2,      // status, error or null
    envelope = 3  // envelope or null
};

// 64 bits of what was seen, for a comparison. Of messages it takes the bytes of their MessagePack;
// handles of streams have none that would be the same again.
class Digest {
public:
    void number(std::uint64_t value) noexcept;
    void bytes(std::string_view data) noexcept;
    Result<void> message(MessageRef message, String& scratch);
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0x9e3779b97f4a7c15u;
};

// One node of an instrumented network: what its component was.
struct Instrumented : Allocated {
    runtime::ComponentRef original;
    Ref<Instrument> instrument;
    std::uint32_t position = 0;
    bool plays = false;  // the original is not called
    void* state = nullptr;
    bool created = false;

    reflow_status call(runtime::Context& context, runtime::Packet* inputs, std::size_t count);
};

// What one call did.
struct CallSeen {
    std::uint64_t in = 0;
    Digest out;
    std::int64_t emits = 0;
};

// Nothing of it is called but by its table, so that a library without recordings has none of it.
class Instrument : public runtime::Interceptor {
public:
    // A component that stands for this one at the actor of this position.
    [[nodiscard]] virtual runtime::ComponentRef wrap(const runtime::ComponentRef& component,
                                                     std::uint32_t position);
    // Run or finish of a node.
    virtual reflow_status call(Instrumented& node, runtime::Context& context,
                               runtime::Packet* inputs, std::size_t count) = 0;
    // A message was emitted, with this envelope or none.
    virtual void emitted(std::uint32_t outport, std::uint32_t index, MessageRef message,
                         MessageRef envelope) noexcept;
    // A host does something; only a recorder cares.
    virtual void host(Step, std::initializer_list<std::int64_t>, Message) noexcept {}
    // It has sent these, or played them back.
    virtual void sent(std::int64_t, std::uint32_t, std::uint32_t,
                      std::span<const Message>) noexcept {}
    virtual void put(std::int64_t, std::span<const runtime::Packet>, std::uint64_t) noexcept {}
    // The host has decided so about the failure of a node; the answer is what counts.
    virtual reflow_decision decided(std::int64_t node, reflow_decision by_host) noexcept = 0;
    // What goes on with open firings, if the group has this one for it.
    reflow_status emit(runtime::Deferred& firing, std::uint32_t outport, std::uint32_t index,
                       reflow_message message) override;
    reflow_status end(runtime::Deferred& firing, reflow_status status,
                      std::unique_ptr<Error> error) noexcept override;
    reflow_status set_envelope(runtime::Deferred& firing, Message envelope) override;
    // A host has had the state of this node in its hands.
    virtual void visited(runtime::Actor&) noexcept {}
    // What was gathered goes to the file.
    virtual void settle() noexcept {}
    // The network has stopped.
    virtual void end() noexcept {}
    void lose(std::string_view) noexcept override {}
    [[nodiscard]] virtual Result<void> status() const { return {}; }
    [[nodiscard]] virtual bool replays() const noexcept { return false; }
    // Before the network is made: what the graph and its subgraphs say of failures, which a graph
    // laid flat has no place for, is kept, or is put there again.
    virtual void lay(graph::Flat& flat) = 0;
    // Before the first turn.
    virtual void attach(Network& network) noexcept { network_ = &network; }

protected:
    // False if it could not be digested.
    [[nodiscard]] bool see(std::span<const runtime::Packet> inputs);
    // What the call has emitted behind firings that are pending, which is not told yet.
    void see_captured(const runtime::Context& context) noexcept;
    void see_result(const runtime::Context& context, reflow_status status);

    Network* network_ = nullptr;
    CallSeen seen_;                  // of the call that is running
    bool inside_ = false;            // one is running
    bool unseen_ = false;            // a message could not be digested
    ArrayBuilder* emits_ = nullptr;  // where its messages are kept, if they are
    String scratch_;
};

// Writes a recording.
class Recorder final : public Instrument {
public:
    // The first frame. Nothing is recorded before.
    Result<void> begin(std::unique_ptr<Store::Writer> writer, Message header);
    void lay(graph::Flat& flat) override;
    // Whether the case of names counts; [of each node its scope, ...]; then of the graph, first,
    // and its subgraphs, each behind the one that it is in: path, the scope around it, what its
    // node says of failures, its properties, ...
    [[nodiscard]] const Message& scopes() const noexcept { return scopes_; }
    reflow_status call(Instrumented& node, runtime::Context& context, runtime::Packet* inputs,
                       std::size_t count) override;
    void host(Step step, std::initializer_list<std::int64_t> numbers,
              Message more) noexcept override;
    void sent(std::int64_t node, std::uint32_t port, std::uint32_t index,
              std::span<const Message> messages) noexcept override;
    void put(std::int64_t node, std::span<const runtime::Packet> packets,
             std::uint64_t letter) noexcept override;
    reflow_decision decided(std::int64_t node, reflow_decision by_host) noexcept override;
    void visited(runtime::Actor& actor) noexcept override;
    void attach(Network& network) noexcept override;
    reflow_status emit(runtime::Deferred& firing, std::uint32_t outport, std::uint32_t index,
                       reflow_message message) override;
    reflow_status end(runtime::Deferred& firing, reflow_status status,
                      std::unique_ptr<Error> error) noexcept override;
    reflow_status set_envelope(runtime::Deferred& firing, Message envelope) override;
    void settle() noexcept override;
    // The last frame. Later calls do nothing.
    void end() noexcept override;
    void lose(std::string_view why) noexcept override { give_up(why); }
    // Whether all was written.
    [[nodiscard]] Result<void> status() const override;

private:
    [[nodiscard]] ArrayBuilder entry(EntryKind kind, std::size_t more) const;
    void add(ArrayBuilder& entry);
    void note(Step step, std::int64_t node, ArrayBuilder& packets, std::int64_t letter);
    reflow_status go_on(runtime::Deferred& firing, Going kind,
                        const std::function<reflow_status()>& done,
                        const std::function<void(ArrayBuilder&)>& more);
    void flush();
    // Nothing more is recorded.
    void give_up(std::string_view why) noexcept;

    Message scopes_;
    std::unique_ptr<Store::Writer> writer_;  // NULL: not begun, or over
    ArrayBuilder frame_;
    std::size_t frame_bytes_ = 0;
    std::int64_t calls_ = 0;
    std::uint64_t opened_ = 0;  // firings that were kept open
    ArrayBuilder going_;        // what went on with some during the call that is running
    Ref<Runtime> runtime_;      // for what other threads do, also behind the end of the network
    std::unique_ptr<Error> error_;
};

// Reads a recording, frame by frame.
class Recording : public RefCounted<Recording> {
public:
    // REFLOW_ERROR_IO, REFLOW_ERROR_PARSE if it is none, REFLOW_ERROR_UNSUPPORTED of another
    // version.
    static Result<Ref<Recording>> open(Store& store, std::string_view path);
    [[nodiscard]] MessageRef header() const noexcept { return header_; }
    // The next entry without taking it; none at the end.
    [[nodiscard]] Result<MessageRef> next();
    void take() noexcept { ++at_; }
    // The file ends in the middle of a frame, or without its last one.
    [[nodiscard]] bool truncated() const noexcept { return truncated_; }
    [[nodiscard]] const String& path() const noexcept { return path_; }
    [[nodiscard]] bool used() noexcept { return std::exchange(used_, true); }

private:
    Result<bool> read_frame(Message& to);
    Result<bool> fill(std::size_t size);

    std::unique_ptr<Store::Reader> reader_;
    String path_;
    String bytes_;
    Message header_;
    Message frame_;
    std::size_t at_ = 0;
    std::uint64_t offset_ = 0;
    bool ended_ = false;
    bool truncated_ = false;
    bool complete_ = false;  // the last frame has been read
    bool used_ = false;
};

// Runs a recording once more, and compares.
class Replay final : public Instrument {
public:
    explicit Replay(Ref<Recording> recording) noexcept : recording_(std::move(recording)) {}
    reflow_status call(Instrumented& node, runtime::Context& context, runtime::Packet* inputs,
                       std::size_t count) override;
    [[nodiscard]] bool replays() const noexcept override { return true; }
    reflow_decision decided(std::int64_t node, reflow_decision by_host) noexcept override;
    void lay(graph::Flat& flat) override;
    // Goes on until so many calls have been made; more: the recording goes on. A difference is
    // REFLOW_ERROR_FAILED, from then on always.
    Result<void> run(std::uint64_t calls, bool& more);
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    // The recording ended before its network did.
    [[nodiscard]] bool truncated() const noexcept { return over_ && recording_->truncated(); }
    [[nodiscard]] Network& network() const noexcept { return *network_; }
    // The node whose call comes next, as the recording tells; empty if that is not known.
    [[nodiscard]] std::string_view next_node();
    [[nodiscard]] std::string_view broken() const noexcept { return broken_; }

private:
    void wait_until(std::uint64_t time_ns);
    // A firing that is kept open.
    struct Open {
        std::int64_t number;
        std::uint32_t position;
        Ref<runtime::Deferred> firing;
    };
    Result<void> apply(MessageRef entry);
    Result<void> apply_port(Step step, MessageRef entry);
    Result<void> apply_packets(Step step, runtime::Actor& actor, MessageRef list);
    Result<void> apply_life(Step step, MessageRef entry);
    Result<void> apply_visit(runtime::Actor& actor, MessageRef kept);
    reflow_status play(MessageRef entry, runtime::Context& context);
    // A firing stays open, by this number.
    const Open* keep_open(std::int64_t number, std::uint32_t position, runtime::Context& context);
    // Goes on with open firings; 0 is the number of this one.
    void go_on_all(MessageRef list, const Open* own);
    void go_on(MessageRef going, const Open& with);
    void compare(MessageRef entry, reflow_status status);
    void differs(std::uint32_t position, String text);
    [[nodiscard]] std::string_view name_of(std::int64_t position) const noexcept;

    Ref<Recording> recording_;
    std::uint64_t calls_ = 0;
    Vector<Open> open_;  // in the order of the numbers; also some that are over
    bool over_ = false;
    std::unique_ptr<Error> difference_;
    String broken_;
};

}  // namespace reflow::network
