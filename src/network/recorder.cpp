// Writes a recording: what hosts did, what each call did, and what came from outside.
// Neighbours: record.hpp, replay reads it. Thread: of turns, and of hosts between turns.
#include <new>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "message/count.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"
#include "network/record.hpp"

namespace reflow::network {

using runtime::Context;
using runtime::Deferred;
using runtime::Packet;

namespace {

void append_u32(String& to, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) to += static_cast<char>(value >> 8 * i & 0xff);
}

std::uint32_t check_sum(std::string_view data) noexcept {
    Digest digest;
    digest.bytes(data);
    return static_cast<std::uint32_t>(digest.value());
}

Message digest_message(std::uint64_t value) {
    return Message::integer(static_cast<std::int64_t>(value));
}

// All that its text is made of.
Message error_message(const Error& error) {
    ArrayBuilder to(11);
    for (std::string_view text : {std::string_view(error.message), std::string_view(error.hint),
                                  std::string_view(error.file), std::string_view(error.path),
                                  std::string_view(error.node), std::string_view(error.port)}) {
        to.append(Message::string(text));
    }
    to.append(Message::integer(error.line));
    to.append(Message::integer(error.column));
    to.append(Message::boolean(error.has_offset));
    to.append(count_message(error.offset));
    String causes;
    for (const Error* next = error.cause.get(); next != nullptr; next = next->cause.get()) {
        append(causes, concat(causes.empty() ? "" : ": ", next->message));
        if (!next->hint.empty()) append(causes, concat(" (", next->hint, ")"));
    }
    to.append(Message::string(causes));
    return to.finish().take();
}

}  // namespace

ArrayBuilder Recorder::entry(EntryKind kind, std::size_t more) const {
    const runtime::Scheduler& scheduler = network_->runtime().scheduler();
    ArrayBuilder to(3 + more);
    to.append(Message::integer(static_cast<std::int64_t>(kind)));
    to.append(count_message(scheduler.turns()));
    to.append(count_message(scheduler.clock().now_ns()));
    return to;
}

// A frame is gathered up to a size; what a crash loses is less than one.
void Recorder::add(ArrayBuilder& entry) {
    Result<Message> made = entry.finish();
    if (!made.ok()) return give_up(made.error().message);
    frame_bytes_ += 32 + payload_size(made.value());
    frame_.append(std::move(made).take());
    if (frame_bytes_ >= limits::recording_frame_bytes) flush();
}

void Recorder::flush() {
    if (frame_.size() == 0 || writer_ == nullptr) return;
    frame_bytes_ = 0;
    Result<Message> made = frame_.finish();
    String data;
    Result<void> written =
        made.ok() ? codec::write_msgpack(data, made.value()) : Result<void>(made.take_error());
    if (!written.ok()) return give_up(written.error().message);
    String frame;
    append_u32(frame, static_cast<std::uint32_t>(data.size()));
    append_u32(frame, check_sum(data));
    append(frame, data);
    std::string_view left = frame;
    while (!left.empty()) {
        Result<std::size_t> took = writer_->write(left);
        if (took.ok() && took.value() == 0) {
            took = Failure(REFLOW_ERROR_IO, "a recording is written into a file, not a pipe");
        }
        if (!took.ok()) {
            error_ = took.take_error();
            writer_ = nullptr;
            return;
        }
        left.remove_prefix(took.value());
    }
    if (Result<void> flushed = writer_->flush(); !flushed.ok()) {
        error_ = flushed.take_error();
        writer_ = nullptr;
    }
}

Result<void> Recorder::begin(std::unique_ptr<Store::Writer> writer, Message header) {
    writer_ = std::move(writer);
    frame_.append(std::move(header));
    Result<std::size_t> magic = writer_->write(recording_magic);
    if (!magic.ok()) return magic.take_error();
    flush();
    return status();
}

void Recorder::give_up(std::string_view why) noexcept {
    if (writer_ == nullptr || error_ != nullptr) return;
    try {
        error_ = Failure(REFLOW_ERROR_UNSUPPORTED, why).take();
        ArrayBuilder last = entry(EntryKind::broken, 1);
        last.append(Message::string(why));
        frame_.append(last.finish().take());
        flush();
    } catch (const std::bad_alloc&) {
        // The file ends without its end, and is told to be cut short.
    }
    writer_ = nullptr;
}

Result<void> Recorder::status() const {
    if (error_ == nullptr) return {};
    return Failure(error_->status, concat("the recording has ended early: ", error_->message))
        .file(error_->file)
        .node(error_->node);
}

void Recorder::settle() noexcept try { flush(); } catch (const std::bad_alloc&) {
    give_up("out of memory");
}

void Recorder::end() noexcept {
    if (writer_ == nullptr) return;
    try {
        ArrayBuilder last = entry(EntryKind::end, 1);
        last.append(Message::integer(calls_));
        add(last);
        flush();
        if (writer_ != nullptr) {
            if (Result<void> closed = writer_->close(); !closed.ok()) error_ = closed.take_error();
        }
    } catch (const std::bad_alloc&) {
        // As above.
    }
    writer_ = nullptr;
}

void Recorder::host(Step step, std::initializer_list<std::int64_t> numbers, Message more) noexcept {
    if (writer_ == nullptr) return;
    try {
        ArrayBuilder to = entry(EntryKind::host, 2 + numbers.size());
        to.append(Message::integer(static_cast<std::int64_t>(step)));
        for (std::int64_t number : numbers) to.append(Message::integer(number));
        if (!more.none()) to.append(std::move(more));
        add(to);
    } catch (const std::bad_alloc&) {
        give_up("out of memory");
    }
}

namespace {

void append_packet(ArrayBuilder& to, std::uint32_t port, std::uint32_t index, MessageRef message) {
    MessageRef envelope = envelope_of(message);
    to.append(Message::integer(port));
    to.append(Message::integer(index));
    to.append(payload_of(message).own());
    to.append(envelope.none() ? Message::null() : save_envelope(envelope));
}

}  // namespace

void Recorder::sent(std::int64_t node, std::uint32_t port, std::uint32_t index,
                    std::span<const Message> messages) noexcept try {
    ArrayBuilder all(messages.size() * 4);
    for (const Message& message : messages) append_packet(all, port, index, message);
    note(Step::send, node, all, 0);
} catch (const std::bad_alloc&) {
    give_up("out of memory");
}

void Recorder::put(std::int64_t node, std::span<const Packet> packets,
                   std::uint64_t letter) noexcept try {
    ArrayBuilder all(packets.size() * 4);
    for (const Packet& packet : packets) {
        append_packet(all, packet.port, packet.index, MessageRef(packet.message));
    }
    note(Step::put, node, all, static_cast<std::int64_t>(letter));
} catch (const std::bad_alloc&) {
    give_up("out of memory");
}

void Recorder::note(Step step, std::int64_t node, ArrayBuilder& packets, std::int64_t letter) {
    Result<Message> made = packets.finish();
    if (!made.ok()) return give_up(made.error().message);
    host(step, {node, letter}, std::move(made).take());
}

reflow_decision Recorder::decided(std::int64_t node, reflow_decision by_host) noexcept try {
    if (writer_ != nullptr) {
        ArrayBuilder to = entry(EntryKind::decided, 2);
        to.append(Message::integer(node));
        to.append(Message::integer(by_host));
        add(to);
    }
    return by_host;
} catch (const std::bad_alloc&) {
    give_up("out of memory");
    return by_host;
}

// Nobody knows what he has changed; where the state lies in the memory of the component, a replay cannot.
void Recorder::visited(runtime::Actor& actor) noexcept try {
    ArrayBuilder kept(2);
    if (const runtime::NodeState* state = actor.named_state()) {
        ObjectBuilder pools;
        for (const auto& [name, table] : state->pools()) pools.set(name, table.object().take());
        kept.append(state->keys().object().take());
        kept.append(pools.finish().take());
    }
    Message made = kept.finish().take();
    if (made.holds_stream()) return give_up("a state has a stream");
    host(Step::visit, {network_->position_of(actor)}, std::move(made));
} catch (const std::bad_alloc&) {
    give_up("out of memory");
}

// ---- what goes on with open firings

void Recorder::attach(Network& network) noexcept {
    Instrument::attach(network);
    runtime_ = network.runtime_;
    network.group_.interceptor = this;
}

// Threads of the host do it between turns, and are in the recording as what else a host does. What a node
// does with firings of others, or with its own before it has returned, stands with its call.
reflow_status Recorder::go_on(Deferred& firing, Going kind,
                              const std::function<reflow_status()>& done,
                              const std::function<void(ArrayBuilder&)>& more) {
    runtime::Scheduler& scheduler = runtime_->scheduler();
    const bool in_turn = runtime::current_scheduler() == &scheduler;
    std::unique_lock nobody_runs(scheduler);  // nothing in a turn
    reflow_status status = REFLOW_OK;
    {
        runtime::InTurn inside(scheduler);  // so are hooks that this calls
        status = done();
    }
    if (status != REFLOW_OK || writer_ == nullptr) return status;
    if (in_turn && !inside_) {
        give_up("a firing that was kept open goes on inside of a callback that is none of a node");
        return status;
    }
    try {
        ArrayBuilder going(5);
        going.append(Message::integer(static_cast<std::int64_t>(kind)));
        going.append(count_message(firing.number));
        more(going);
        ArrayBuilder alone;
        ArrayBuilder& to = in_turn ? going_ : alone;
        to.append(going.finish().take());
        if (!in_turn) host(Step::go_on, {}, alone.finish().take());
    } catch (const std::bad_alloc&) {
        give_up("out of memory");
    }
    return status;
}

reflow_status Recorder::emit(Deferred& firing, std::uint32_t outport, std::uint32_t index,
                             reflow_message message) {
    Message kept = MessageRef(message).own();
    return go_on(
        firing, Going::emit,
        [&] { return firing.home->emit(firing, outport, index, message, 0, this); },
        [&](ArrayBuilder& to) {
            to.append(Message::integer(outport));
            to.append(Message::integer(index));
            if (kept.holds_stream()) give_up("a firing that was kept open has sent a stream");
            to.append(std::move(kept));
        });
}

reflow_status Recorder::end(Deferred& firing, reflow_status status,
                            std::unique_ptr<Error> error) noexcept try {
    Message kept = error == nullptr ? Message::null() : error_message(*error);
    return go_on(
        firing, Going::end,
        [&] { return firing.home->end(firing, status, std::move(error), this); },
        [&](ArrayBuilder& to) {
            to.append(Message::integer(status));
            to.append(std::move(kept));
        });
} catch (const std::bad_alloc&) {
    return REFLOW_ERROR_OUT_OF_MEMORY;
}

reflow_status Recorder::set_envelope(Deferred& firing, Message envelope) {
    Message kept = envelope.none() ? Message::null() : save_envelope(envelope);
    return go_on(
        firing, Going::envelope,
        [&] { return firing.home->set_envelope(firing, std::move(envelope), this); },
        [&](ArrayBuilder& to) { to.append(std::move(kept)); });
}

// ---- calls

reflow_status Recorder::call(Instrumented& node, Context& context, Packet* inputs,
                             std::size_t count) {
    if (writer_ == nullptr) return node.call(context, inputs, count);
    bool external = node.original->external;
    ArrayBuilder emits;
    bool seen = see({inputs, count});
    going_ = ArrayBuilder();
    inside_ = true;
    emits_ = &emits;
    reflow_status status = node.call(context, inputs, count);
    see_captured(context);
    inside_ = false;
    emits_ = nullptr;
    ++calls_;
    // What goes on with a firing that is kept open comes from elsewhere: it is played back, as that
    // of an external component.
    const bool open = context.deferred != nullptr;
    if (open) context.deferred->number = ++opened_;
    const bool played = external || open;
    try {
        ArrayBuilder to = entry(played ? EntryKind::played : EntryKind::call, 14);
        see_result(context, status);
        to.append(Message::integer(node.position));
        to.append(Message::integer(static_cast<std::int64_t>(context.phase)));
        to.append(digest_message(seen_.in));
        to.append(digest_message(seen_.out.value()));
        to.append(Message::integer(seen_.emits));
        to.append(Message::integer(status));
        if (played) {
            std::uint64_t now = context.now_ns();
            std::uint64_t delay = context.wake_due_ns > now ? context.wake_due_ns - now : 0;
            const Error* error = status == REFLOW_OK ? nullptr : context.error.get();
            to.append(count_message(context.advanced));
            to.append(Message::integer((context.again_asked ? 1 : 0) |
                                       (context.wake_asked ? 2 : 0) | (error != nullptr ? 4 : 0)));
            to.append(count_message(delay));
            to.append(error == nullptr ? Message::null() : error_message(*error));
            Result<Message> messages = emits.finish();
            if (!messages.ok()) unseen_ = true;
            if (messages.ok()) to.append(std::move(messages).take());
            to.append(count_message(open ? opened_ : 0));
        }
        if (going_.size() != 0) to.append(going_.finish().take());
        if (!seen || unseen_) {
            give_up(
                concat("node '", context.node(), "' has a message that a recording cannot hold"));
        } else if (played && context.timers_asked) {
            give_up(concat("node '", context.node(),
                           open ? "' keeps a firing open and sets timers by number"
                                : "' depends on the world and sets timers by number"));
        } else {
            add(to);
        }
    } catch (const std::bad_alloc&) {
        give_up("out of memory");
    }
    return status;
}

}  // namespace reflow::network
