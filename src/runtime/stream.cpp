// The state of a stream: what may be written, who is woken, how it ends.
// Neighbours: stream_ends (what the two sides do with it), tether. Thread: any.
#include "runtime/stream.hpp"

#include "runtime/context.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/stream_wait.hpp"

namespace reflow::runtime {
namespace {

void drop(Queue<reflow_message>& frames) noexcept {
    while (!frames.empty()) (void)Message::adopt(frames.pop());
}

Result<Message> make_begin(const Stream::Options& options) {
    const MessageRef::Stream& fields = options.fields;
    ObjectBuilder begin(3);
    begin.set("content_type",
              fields.content_type.empty() ? Message::null() : Message::string(fields.content_type));
    bool fits = fields.has_size_hint && fields.size_hint <= INT64_MAX;
    begin.set("size_hint", fits ? Message::integer(static_cast<std::int64_t>(fields.size_hint))
                                : Message::null());
    begin.set("metadata", options.metadata.none() ? Message::null() : options.metadata);
    return begin.finish();
}

}  // namespace

Keep::Keep(Environment& environment, Scheduler& scheduler) noexcept
    : environment_(&environment), scheduler_(&scheduler) {
    environment.keep();
}

Keep::~Keep() {
    if (environment_ != nullptr) environment_->let_go();
}

// ---- what waits for a reader

void StreamSide::begin(Stream& in, Ref<Tether> of, std::size_t frames, std::uint64_t bytes) noexcept {
    tether = std::move(of);
    if (!tether) return;
    stream = &in;
    tether->add(*this);
    count(static_cast<std::int64_t>(frames), static_cast<std::int64_t>(bytes));
}

void StreamInbox::push(Message frame, std::uint64_t size) noexcept {
    frames.push_unchecked(frame.leak());
    bytes += size;
    side.count(1, static_cast<std::int64_t>(size));
}

Message StreamInbox::pop() noexcept {
    Message frame = Message::adopt(frames.pop());
    std::uint64_t size = frame.content_bytes().size();
    bytes -= size;
    side.count(-1, -static_cast<std::int64_t>(size));
    return frame;
}

void StreamInbox::give_up(Queue<reflow_message>& dropped) noexcept {
    side.count(-static_cast<std::int64_t>(frames.size()), -static_cast<std::int64_t>(bytes));
    dropped.swap(frames);
    bytes = 0;
    over = true;
}

// ---- life

Result<Ref<Stream>> Stream::create(StreamCount& count, const Options& options, Ref<Tether> tether,
                                   Message& handle) {
    // A handle in there could make a chain of streams that end each other, or a circle.
    if (options.metadata.holds_stream()) {
        return Failure(REFLOW_ERROR_WRONG_KIND, "the metadata of a stream has a stream in it")
            .hint("send the handle in a packet of its own");
    }
    Result<Message> begin = make_begin(options);
    if (!begin.ok()) return begin.take_error();
    Ref<Stream> made = make_ref<Stream>(count);
    std::uint64_t live = count.live.fetch_add(1, std::memory_order_relaxed);
    if (live >= count.most) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("more than ", count.most, " streams live (max_streams)"))
            .hint("end streams, and destroy their readers");
    }
    made->begin_ = std::move(begin).take();
    made->main_.most = options.most;
    made->writer_.begin(*made, std::move(tether), 0, 0);
    MessageRef::Stream fields = options.fields;
    fields.stream_id = count.last_id.fetch_add(1, std::memory_order_relaxed) + 1;
    handle = Message::stream(fields, made.get());
    made->ref();  // of the handle
    return made;
}

Stream::~Stream() {
    if (writer_.tether) writer_.tether->remove(writer_);  // there was no memory for the writer
    drop(main_.frames);
    count_->live.fetch_sub(1, std::memory_order_relaxed);
}

Ref<Stream> Stream::of(MessageRef handle) noexcept {
    return Ref<Stream>::share(static_cast<Stream*>(handle.stream_claim()));
}

// The last handle has gone. If nobody has accepted, nobody can any more.
void Stream::drop_claim() noexcept {
    if (forked()) return;
    Queue<reflow_message> dropped;
    {
        Lock lock(mutex_);
        if (!std::exchange(accepted_, true)) give_up(main_, dropped);
        leave(lock);
    }
    drop(dropped);
    unref();
}

void Stream::give_up(StreamInbox& inbox, Queue<reflow_message>& dropped) noexcept {
    inbox.give_up(dropped);
    if (&inbox == &main_) return (void)finish(End::unread, {});
    StreamInbox** at = &observers_;
    while (*at != nullptr && *at != &inbox) at = &(*at)->next;
    if (*at != nullptr) *at = inbox.next;
}

void Stream::cut(const StreamSide& side, const Tether& of) noexcept {
    Queue<reflow_message> dropped;
    {
        Lock lock(mutex_);
        if (writes(side)) (void)finish(End::dropped, {});
        StreamInbox* inbox = &main_;
        if (&side != &main_.side) inbox = observers_;
        while (inbox != nullptr && &inbox->side != &side) inbox = inbox->next;
        if (inbox != nullptr && inbox->side.tether.get() == &of) give_up(*inbox, dropped);
        leave(lock);
    }
    drop(dropped);
}

bool Stream::accept(Ref<Tether> tether, Actor*& held) noexcept {
    Lock lock(mutex_);
    held = nullptr;
    if (accepted_) return false;
    accepted_ = true;
    main_.side.begin(*this, std::move(tether), main_.frames.size(), main_.bytes);
    // A writer that waits does so in another way now: it looks again.
    held = unarm(writer_);
    return true;
}

bool Stream::accepted() const noexcept {
    Lock lock(mutex_);
    return accepted_;
}

void Stream::observe(StreamReader& reader, Ref<Tether> tether) noexcept {
    Lock lock(mutex_);
    reader.own_.side.begin(*this, std::move(tether), 0, 0);
    reader.own_.next = std::exchange(observers_, &reader.own_);
}

// ---- what may be written

bool Stream::has_room(std::uint64_t size) const noexcept {
    if (!main_.fits(size)) return false;
    for (const StreamInbox* to = observers_; to != nullptr; to = to->next) {
        if (to->reliable && !to->fits(size)) return false;
    }
    return true;
}

void Stream::put(Message& data) {
    std::uint64_t size = data.content_bytes().size();
    // Memory first, so that a frame comes to all or to none.
    main_.frames.reserve(1);
    for (StreamInbox* to = observers_; to != nullptr; to = to->next) to->frames.reserve(1);
    for (StreamInbox* to = observers_; to != nullptr; to = to->next) {
        if (!to->reliable && !to->fits(size)) {
            ++to->missed;
            continue;
        }
        to->push(data, size);
    }
    main_.push(std::move(data), size);
}

// What is told first stays: an end behind another one changes nothing.
reflow_status Stream::finish(End how, Message text) noexcept {
    if (end_ != End::open) return REFLOW_ERROR_CLOSED;
    end_ = how;
    text_ = std::move(text);
    // Who only watches has not to be refused once more to hear of it.
    writer_.armed = how == End::unread && writer_.watcher;
    return REFLOW_OK;
}

// ---- what may be read

bool Stream::readable(const StreamInbox& inbox) const noexcept {
    if (inbox.over) return true;  // the answer is that it is closed
    return !inbox.begun || !inbox.frames.empty() || end_ != End::open;
}

Message Stream::end_message() const {
    switch (end_) {
        case End::failed:
            return text_;
        case End::dropped:
            return Message::error("the producer ended without an end");
        case End::unread:
            return Message::error("the consumer left before the end");
        default:
            return {};
    }
}

// ---- who waits, and who is woken

Wait Stream::wait_for_room() const noexcept {
    auto inside = [&](const StreamSide& side) {
        return side.tether && side.tether->same_group(*writer_.tether);
    };
    bool main_full = !main_.fits(wanted_);
    bool main_inside = accepted_ ? inside(main_.side) : !writer_.tether->read_by_host();
    if (main_full && !main_inside) return Wait::room;
    for (const StreamInbox* to = observers_; to != nullptr; to = to->next) {
        if (to->reliable && !to->fits(wanted_) && !inside(to->side)) return Wait::room;
    }
    return Wait::room_stuck;
}

Wait Stream::wait_for_frame(const StreamSide& reader) const noexcept {
    bool inside = writer_.tether && writer_.tether->same_group(*reader.tether);
    return inside ? Wait::frame : Wait::frame_coming;
}

Actor* Stream::unarm(StreamSide& side) noexcept {
    Wait before = std::exchange(side.wait, Wait::none);
    return before == Wait::none ? nullptr : side.tether->disarm(before, true);
}

Actor* Stream::next_wake() noexcept {
    if (writer_.wait != Wait::none && (end_ != End::open || has_room(wanted_))) {
        if (Actor* held = unarm(writer_)) return held;
    }
    if (main_.side.wait != Wait::none && readable(main_)) {
        if (Actor* held = unarm(main_.side)) return held;
    }
    for (StreamInbox* to = observers_; to != nullptr; to = to->next) {
        if (to->side.wait == Wait::none || !readable(*to)) continue;
        if (Actor* held = unarm(to->side)) return held;
    }
    return nullptr;
}

// They wait with this lock, so their schedulers are there.
void Stream::tell_hosts() noexcept {
    bool some = false;
    auto tell = [&](const StreamSide& side) {
        if (side.host == nullptr) return;
        some = true;
        side.host->interrupt();
    };
    tell(writer_);
    tell(main_.side);
    for (const StreamInbox* to = observers_; to != nullptr; to = to->next) tell(to->side);
    if (some) changed_.notify_all();
}

Ref<StreamWatcher> Stream::next_told() noexcept {
    StreamSide* found = nullptr;
    if (writer_.armed && (end_ != End::open || has_room(wanted_))) found = &writer_;
    auto look = [&](StreamInbox& inbox) {
        if (inbox.side.armed && readable(inbox)) found = &inbox.side;
    };
    look(main_);
    for (StreamInbox* to = observers_; to != nullptr; to = to->next) look(*to);
    if (found == nullptr) return {};
    found->armed = false;
    return found->watcher;
}

bool Stream::watch(StreamSide& side, Ref<StreamWatcher> watcher) noexcept {
    Lock lock(mutex_);
    if (side.tether) return false;
    std::swap(side.watcher, watcher);
    side.armed = static_cast<bool>(side.watcher);
    leave(lock);
    return true;
}

// Whoever calls has a reference besides.
void Stream::leave(Lock& lock) noexcept {
    tell_hosts();
    for (;;) {
        Actor* held = next_wake();
        Ref<StreamWatcher> told = held == nullptr ? next_told() : Ref<StreamWatcher>();
        lock.unlock();
        if (held == nullptr && !told) return;
        Tether::tell(held, true);  // both without the lock: they may call the host
        if (told) told->ready();
        told = nullptr;
        lock.lock();
    }
}

void Stream::leave_side(Lock& lock, StreamSide& side) noexcept {
    Wait before = std::exchange(side.wait, Wait::none);
    Actor* held = before == Wait::none ? nullptr : side.tether->disarm(before, false);
    Ref<Tether> tether = std::move(side.tether);
    if (tether) tether->remove(side);
    Ref<StreamWatcher> watcher = std::move(side.watcher);
    side.armed = false;
    leave(lock);
    Tether::tell(held, false);
}

}  // namespace reflow::runtime
