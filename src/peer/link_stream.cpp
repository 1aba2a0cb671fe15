// A link as far as streams cross it: who reads here sends frames as there is credit, who writes here tells
// how much may come. Neighbours: link.cpp (the rest of it), runtime/stream. Thread: see link.hpp.
//
// Credit is counted from the beginning of a stream, in frames and in bytes, and told once half of the window
// is free. The stream at the receiving end has half of the window as its limits, so that it tells of room
// at just that moment; what is beyond them waits there all the same, since it was allowed to come.
//
// Streams are never read, written or ended under the lock of the link: that tells others, which may
// be this link. Looking at one, and accepting one, tells nobody.
#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"
#include "peer/link.hpp"
#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::peer {
namespace {

using runtime::Keep;
using runtime::Patience;
using runtime::Stream;
using runtime::StreamReader;
using runtime::StreamWriter;

// Read at once, if they are small.
constexpr std::size_t most_read = 16;
constexpr std::size_t small_bytes = std::size_t{16} << 10;

}  // namespace

// How a stream calls its link. Without memory for what is to be done the link ends, as it does on its own.
class Link::StreamCall final : public runtime::StreamWatcher {
public:
    using Which = void (Link::*)(std::uint64_t number);
    StreamCall(Ref<Link> link, Which which, std::uint64_t number) noexcept
        : link_(std::move(link)), which_(which), number_(number) {}
    void ready() noexcept override {
        try {
            (link_.get()->*which_)(number_);
        } catch (const std::bad_alloc&) {
            link_->cut();
        }
    }
    [[nodiscard]] static Ref<runtime::StreamWatcher> make(Link& link, Which which,
                                                          std::uint64_t number) {
        return Ref<runtime::StreamWatcher>::adopt(
            new StreamCall(Ref<Link>::share(&link), which, number));
    }

private:
    const Ref<Link> link_;
    const Which which_;
    const std::uint64_t number_;
};

StreamsBegun::~StreamsBegun() {
    for (One& one : all) {
        runtime::Tether::tell(one.held, true);
        (void)one.flow->reader->watch(std::move(one.call));
    }
}

// ---- streams that go

Result<std::size_t> Link::data_locked(std::uint64_t channel, const Outgoing& to, MessageRef packet,
                                      StreamsBegun& begun) {
    MessageRef payload = payload_of(packet);
    if (!payload.counted() || !payload.holds_stream()) [[likely]] {
        return batch_.data(channel, to.sent, packet);
    }
    Result<Vector<MessageRef>> handles = live_streams_in(payload);
    if (!handles.ok()) return handles.take_error();
    if (Result<void> fine = check_streams_locked(handles.value()); !fine.ok()) {
        return fine.take_error();
    }
    const std::uint64_t first = next_outflow_;
    Result<void> told = announce_streams_locked(channel, to.sent, handles.value());
    Result<std::size_t> bytes = told.ok() ? batch_.data(channel, to.sent, packet)
                                          : Result<std::size_t>(told.take_error());
    try {
        for (std::uint64_t number = first; number < next_outflow_; ++number) {
            if (bytes.ok()) {
                accept_stream_locked(handles.value()[number - first], number, begun);
            } else {
                batch_.stream_end(number, true, "its message could not be sent");
            }
        }
    } catch (const std::bad_alloc&) {
        wire_->cut();  // the other side waits for what was announced
        throw;
    }
    return bytes;
}

Result<void> Link::announce_streams_locked(std::uint64_t channel, std::uint64_t packet,
                                           const Vector<MessageRef>& handles) {
    for (MessageRef handle : handles) {
        StreamRecord record{channel, packet, next_outflow_, handle.stream(), {}};
        record.metadata = Stream::of(handle)->begin().get("metadata");
        if (record.fields.size_hint > INT64_MAX) record.fields.has_size_hint = false;
        if (Result<void> told = batch_.stream(record); !told.ok()) return told;
        ++next_outflow_;
    }
    return {};
}

Result<void> Link::check_streams_locked(const Vector<MessageRef>& handles) const {
    if (handles.empty()) return {};
    if (!streams_) return Failure(REFLOW_ERROR_UNSUPPORTED, "the peer there takes no streams");
    if (outflows_.size() + handles.size() > limits::peer_streams_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("more than ", limits::peer_streams_count,
                                                  " streams go over one link"))
            .hint("end some, or wait for their ends");
    }
    for (MessageRef handle : handles) {
        const MessageRef::Stream fields = handle.stream();
        if (Stream::of(handle)->accepted()) {
            return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                           concat("stream ", fields.stream_id,
                                  " has a reader already: it cannot go to another network"))
                .hint("send each handle once");
        }
        for (std::string_view text : {fields.content_type, fields.origin_actor,
                                      fields.origin_port}) {
            if (text.size() <= limits::peer_name_bytes) continue;
            return Failure(REFLOW_ERROR_LIMIT, concat("a text of ", text.size(), " bytes in stream ",
                                                      fields.stream_id, ": over a link go at most ",
                                                      limits::peer_name_bytes));
        }
    }
    return {};
}

void Link::accept_stream_locked(MessageRef handle, std::uint64_t number, StreamsBegun& begun) {
    begun.all.reserve(begun.all.size() + 1);
    StreamsBegun::One one;
    one.call = StreamCall::make(*this, &Link::pump_stream, number);
    one.flow = make_ref<Outflow>();
    one.flow->number = number;
    one.flow->allowed = options_.stream_window;
    Ref<Stream> stream = Stream::of(handle);
    // Memory first: what is accepted has a reader, which ends without the lock.
    outflows_.emplace(number, one.flow);
    void* place = Allocated::operator new(sizeof(StreamReader));
    if (!stream->accept(nullptr, one.held)) {  // somebody has been faster, just now
        Allocated::operator delete(place, sizeof(StreamReader));
        outflows_.erase(number);
        return batch_.stream_end(number, true, "the stream has another reader");
    }
    one.flow->reader.reset(
        new (place) StreamReader(std::move(stream), Keep(*options_.environment, *options_.scheduler)));
    begun.all.push_back(std::move(one));
}

// What was read, as far as it may go.
Link::Go Link::send_frames_locked(Outflow& flow, Vector<Message>& used) {
    for (;;) {
        if (flow.over || stage_.load(std::memory_order_relaxed) != Stage::open) return Go::over;
        if (flow.gone == flow.left.size()) {
            flow.left.clear();
            flow.gone = 0;
        }
        const bool some = !flow.left.empty();
        Outflow::Frame* next = some ? &flow.left[flow.gone] : nullptr;
        if (some && next->kind != REFLOW_FRAME_DATA) {
            if (next->kind != REFLOW_FRAME_BEGIN) {
                const bool failed = next->kind == REFLOW_FRAME_ERROR;
                batch_.stream_end(flow.number, failed, failed ? next->message.text() : "");
                return Go::over;
            }
            used.push_back(std::move(next->message));
            ++flow.gone;
            continue;
        }
        if (!flow.open()) return Go::wait;  // stream_credit comes
        if (crowded()) {                    // drained() comes
            held_flows_.push_back(flow.number);
            return Go::wait;
        }
        if (!some) return Go::read;
        const std::size_t bytes = flow.last_bytes = next->message.bytes().size();
        if (bytes > limits::peer_message_bytes) {
            batch_.stream_end(flow.number, true,
                              concat("a frame of ", bytes, " bytes: over a link go at most ",
                                     limits::peer_message_bytes));
            return Go::over;
        }
        if (batch_.empty()) batch_.use(wire_->spare());
        batch_.stream_data(flow.number, next->message);
        used.push_back(std::move(next->message));
        ++flow.gone;
        ++flow.sent.packets;
        flow.sent.bytes += bytes;
    }
}

// One thread at a time: who finds another at it lets that look again.
void Link::pump_stream(std::uint64_t number) {
    Ref<Outflow> flow;     // these two end without the lock
    Vector<Message> used;
    std::unique_lock lock(mutex_);
    auto found = outflows_.find(number);
    if (found == outflows_.end() || !found->second->reader) return;
    flow = found->second;
    flow->again = true;
    if (std::exchange(flow->busy, true)) return;
    Go next = Go::wait;
    while (std::exchange(flow->again, false) || next == Go::read) {
        next = send_frames_locked(*flow, used);
        if (next == Go::over) break;
        if (batch_.bytes() >= options_.batch_bytes || !busy_) flush_locked(lock);
        if (next == Go::wait) continue;
        const std::size_t most = flow->last_bytes > small_bytes ? 1 : most_read;
        lock.unlock();
        used.clear();
        flow->left.reserve(most);  // it is empty; what is read has its place
        std::array<reflow_stream_frame, most_read> frames;
        std::size_t count = 0;
        Patience none(0);
        reflow_status status = flow->reader->read({frames.data(), most}, none, count);
        for (std::size_t i = 0; i < count; ++i) {
            flow->left.push_back({frames[i].kind, Message::adopt(frames[i].message)});
        }
        lock.lock();
        if (status == REFLOW_ERROR_WOULD_BLOCK) next = Go::wait;  // its call comes
        if (status == REFLOW_ERROR_CLOSED) {
            next = Go::over;
            break;
        }
    }
    if (next == Go::over) {
        outflows_.erase(number);  // and nobody else comes to it
    } else {
        flow->busy = false;
    }
    flush_locked(lock);
}

void Link::cancel_outflow(std::uint64_t number) {
    Ref<Outflow> flow;  // ends without the lock
    std::lock_guard lock(mutex_);
    auto found = outflows_.find(number);
    if (found == outflows_.end()) return;
    flow = std::move(found->second);
    flow->over = true;
    outflows_.erase(found);
}

// ---- streams that come

Result<void> Link::begin_inflow(const StreamRecord& record) {
    Ref<Inflow> flow = make_ref<Inflow>();
    NamedStream named{record.fields.stream_id, {}};
    {
        std::lock_guard lock(mutex_);
        auto to = incoming_.find(record.channel);
        if (!streams_ || to == incoming_.end() || record.number != next_inflow_) {
            return Failure(REFLOW_ERROR_PROTOCOL,
                           concat("stream ", record.number, " of channel ", record.channel,
                                  streams_ ? " comes out of order" : ": streams were not agreed on"));
        }
        const Incoming& from = to->second;
        if (record.packet != from.first + (from.waiting.size() - from.taken) ||
            from.streams.size() == limits::peer_message_streams_count) {
            return Failure(REFLOW_ERROR_PROTOCOL, concat("stream ", record.number, " of packet ",
                                                         record.packet, " comes out of order"));
        }
        if (inflows_.size() >= limits::peer_streams_count) {
            return Failure(REFLOW_ERROR_PROTOCOL, concat("more than ", limits::peer_streams_count,
                                                         " streams at once"));
        }
        ++next_inflow_;
    }
    const Window& window = options_.stream_window;
    Stream::Options options;
    options.most = {static_cast<std::uint32_t>(window.packets / 2), window.bytes / 2};
    options.fields = record.fields;
    if (!record.metadata.nothing()) options.metadata = record.metadata.own();
    Result<Ref<Stream>> made =
        Stream::create(*options_.scheduler->streams, options, nullptr, named.handle);
    if (!made.ok()) {
        if (made.error().status != REFLOW_ERROR_LIMIT) return made.take_error();
        owner_.log(REFLOW_LOG_WARN, concat("a stream of ", remote().network_id,
                                           " is refused: ", made.error().message));
        std::unique_lock lock(mutex_);
        batch_.stream_cancel(record.number, made.error().message);
        flush_locked(lock);
        return {};
    }
    flow->number = record.number;
    flow->allowed = window;
    flow->writer.reset(new StreamWriter(std::move(made).take(),
                                        Keep(*options_.environment, *options_.scheduler)));
    (void)flow->writer->watch(StreamCall::make(*this, &Link::look_after_stream, record.number));
    std::lock_guard lock(mutex_);
    inflows_.emplace(record.number, std::move(flow));
    incoming_.find(record.channel)->second.streams.push_back(std::move(named));
    return {};
}

Result<void> Link::hear_stream_data(std::uint64_t number, MessageRef data) {
    Ref<Inflow> flow;
    {
        std::lock_guard lock(mutex_);
        if (number >= next_inflow_) {
            return Failure(REFLOW_ERROR_PROTOCOL, concat("there is no stream ", number));
        }
        auto found = inflows_.find(number);
        if (found == inflows_.end()) return {};  // nobody reads it, which was told
        flow = found->second;
        if (flow->came.packets >= flow->allowed.packets ||
            flow->came.bytes >= flow->allowed.bytes) {
            return Failure(REFLOW_ERROR_PROTOCOL,
                           concat("stream ", number, " has more than its credit"));
        }
        ++flow->came.packets;
        flow->came.bytes += data.bytes().size();
    }
    (void)flow->writer->push(data.own());
    std::unique_lock lock(mutex_);
    look_after_locked(flow);
    flush_locked(lock);
    return {};
}

void Link::look_after_stream(std::uint64_t number) {
    Ref<Inflow> flow;  // ends without the lock
    std::unique_lock lock(mutex_);
    auto found = inflows_.find(number);
    if (found == inflows_.end()) return;
    flow = found->second;
    look_after_locked(flow);
    flush_locked(lock);
}

// Tells of credit, or asks to be called when there is enough of it, or tells that nobody reads. The caller
// has a reference that outlives the lock.
void Link::look_after_locked(const Ref<Inflow>& flow) {
    if (!inflows_.contains(flow->number)) return;
    Patience none(0);
    if (flow->writer->wait_for_room(none) == REFLOW_ERROR_CLOSED) {
        batch_.stream_cancel(flow->number, "the consumer left before the end");
        inflows_.erase(flow->number);
        return;
    }
    const Window& window = options_.stream_window;
    const runtime::StreamLimits waiting = flow->writer->waiting();
    const Window may{flow->came.packets - waiting.frames + window.packets,
                     flow->came.bytes - waiting.bytes + window.bytes};
    auto much = [](std::uint64_t now, std::uint64_t before, std::uint64_t all) {
        return now > before && now - before >= all / 2;
    };
    if (!much(may.packets, flow->allowed.packets, window.packets) &&
        !much(may.bytes, flow->allowed.bytes, window.bytes)) {
        return;
    }
    flow->allowed = {std::max(may.packets, flow->allowed.packets),
                     std::max(may.bytes, flow->allowed.bytes)};
    batch_.stream_credit(flow->number, flow->allowed.packets, flow->allowed.bytes);
}

void Link::end_inflow(std::uint64_t number, bool failed, std::string_view text) {
    Ref<Inflow> flow;
    {
        std::lock_guard lock(mutex_);
        auto found = inflows_.find(number);
        if (found == inflows_.end()) return;
        flow = std::move(found->second);
        inflows_.erase(found);
    }
    (void)(failed ? flow->writer->fail(Message::error(text)) : flow->writer->end());
}

// ---- the end of the link: of all streams on both sides

void Link::end_streams(std::string_view why) {
    Map<std::uint64_t, Ref<Outflow>> out;  // their writers learn that nobody reads
    Map<std::uint64_t, Ref<Inflow>> in;
    Vector<Vector<NamedStream>> handles;
    String network;
    {
        std::lock_guard lock(mutex_);
        out.swap(outflows_);
        in.swap(inflows_);
        held_flows_.clear();
        for (auto& [number, flow] : out) flow->over = true;
        for (auto& [number, from] : incoming_) {
            if (!from.streams.empty()) handles.push_back(std::move(from.streams));
        }
        network = (dials_ ? welcome_.from : hello_.from).network_id;
    }
    if (in.empty()) return;
    const Message text = Message::error(concat("the link to ", network, " has ended: ", why));
    for (auto& [number, flow] : in) (void)flow->writer->fail(text);
}

}  // namespace reflow::peer
