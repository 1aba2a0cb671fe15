// Batches of records in MessagePack; see frame.hpp. Thread: any.
#include "peer/frame.hpp"

#include <cstring>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "message/envelope.hpp"

namespace reflow::peer {
namespace {

// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): what frames need beside
// messages. Counts that are not known yet take the form of four bytes.
constexpr char array_32 = static_cast<char>(0xdd);
constexpr std::size_t count_bytes = 4;

void put_count(char* to, std::uint32_t value) noexcept {
    for (std::size_t i = 0; i < count_bytes; ++i) {
        to[i] = static_cast<char>(value >> (8 * (count_bytes - 1 - i)));
    }
}

Failure wrong(std::string_view record, std::string_view what) {
    return Failure(REFLOW_ERROR_PROTOCOL, concat("record ", record, ": ", what));
}

// The fields of a record, checked one after the other.
class Fields {
public:
    Fields(MessageRef record, std::string_view name) : record_(record), name_(name) {}
    [[nodiscard]] std::uint64_t number() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_INTEGER) || value.integer() < 0) {
            fail("is not a number");
            return 0;
        }
        return static_cast<std::uint64_t>(value.integer());
    }
    [[nodiscard]] std::string_view text() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_STRING)) {
            fail("is not a text");
        } else if (value.text().size() > limits::peer_name_bytes) {
            fail("is too long a text");
        }
        return value.text();
    }
    [[nodiscard]] bool boolean() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_BOOLEAN)) fail("is not true or false");
        return value.boolean();
    }
    [[nodiscard]] MessageRef array() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_ARRAY)) fail("is not an array");
        return value;
    }
    [[nodiscard]] std::int64_t integer() {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_INTEGER)) fail("is not an integer");
        return value.integer();
    }
    // Exactly so many.
    void bytes(std::span<std::uint8_t> to) {
        MessageRef value = next();
        if (!value.is(REFLOW_KIND_BYTES) || value.bytes().size() != to.size()) {
            return fail(concat("is not ", to.size(), " bytes"));
        }
        std::memcpy(to.data(), value.bytes().data(), to.size());
    }
    [[nodiscard]] std::optional<std::uint64_t> number_or_nothing() {
        if (at_ < record_.size() && record_.at(at_).nothing()) {
            ++at_;
            return std::nullopt;
        }
        return number();
    }
    [[nodiscard]] bool fine() const noexcept { return problem_.empty(); }
    [[nodiscard]] Failure failure() const { return wrong(name_, problem_); }

private:
    MessageRef next() {
        if (at_ >= record_.size()) fail("is missing");
        return record_.at(at_++);
    }
    void fail(std::string_view what) {
        if (problem_.empty()) problem_ = concat("field ", at_, " ", what);
    }
    MessageRef record_;
    std::string_view name_;
    std::size_t at_ = 1;
    String problem_;
};

constexpr std::string_view names[] = {
    "",     "open",     "data",     "credit", "report", "ping", "pong", "follow", "unfollow", "followed",
    "ask",  "told",     "",         "",       "",       "",     "",     "",       "",         "",
    "note", "confirm",  "confirmed"};

Result<void> read_note(Fields& from, FrameVisitor& to) {
    std::uint64_t channel = from.number();
    std::uint64_t number = from.number();
    reflow_envelope envelope{};
    from.bytes(envelope.trace_id);
    from.bytes(envelope.span_id);
    envelope.deadline_ms = from.integer();
    std::string_view correlation = from.text();
    if (!from.fine()) return from.failure();
    if (correlation.size() > REFLOW_MAX_CORRELATION_BYTES) {
        return wrong("note", concat("a correlation of more than ", REFLOW_MAX_CORRELATION_BYTES,
                                    " bytes"));
    }
    envelope.correlation = to_view(correlation);
    return to.note(channel, number, write_envelope(envelope));
}

Result<void> read_record(MessageRef record, FrameVisitor& to) {
    std::int64_t kind = record.at(0).integer();
    if (kind < 1 || kind >= static_cast<std::int64_t>(std::size(names)) || names[kind].empty()) {
        return {};  // of a later version: passed over
    }
    Fields from(record, names[kind]);
    // The fields stand in the order of the calls, so they are read before.
    switch (static_cast<Kind>(kind)) {
        case Kind::open: {
            std::uint64_t channel = from.number();
            std::string_view source = from.text();
            std::string_view actor = from.text();
            std::string_view port = from.text();
            return from.fine() ? to.open(channel, source, actor, port) : from.failure();
        }
        case Kind::data: {
            std::uint64_t channel = from.number();
            std::uint64_t first = from.number();
            MessageRef payloads = from.array();
            return from.fine() ? to.data(channel, first, payloads) : from.failure();
        }
        case Kind::credit: {
            std::uint64_t channel = from.number();
            std::uint64_t packets = from.number();
            return from.fine() ? to.credit(channel, packets) : from.failure();
        }
        case Kind::report: {
            std::uint64_t channel = from.number();
            std::uint64_t number = from.number();
            auto status = static_cast<reflow_status>(-static_cast<std::int64_t>(from.number()));
            std::string_view text = from.text();
            return from.fine() ? to.report(channel, number, status, text) : from.failure();
        }
        case Kind::ping:
        case Kind::pong: {
            std::uint64_t number = from.number();
            if (!from.fine()) return from.failure();
            return kind == static_cast<std::int64_t>(Kind::ping) ? to.ping(number)
                                                                 : to.pong(number);
        }
        case Kind::follow: {
            std::uint64_t number = from.number();
            std::string_view actor = from.text();
            std::string_view port = from.text();
            std::string_view replies_to = from.text();
            return from.fine() ? to.follow(number, actor, port, replies_to) : from.failure();
        }
        case Kind::unfollow: {
            std::uint64_t number = from.number();
            return from.fine() ? to.unfollow(number) : from.failure();
        }
        case Kind::followed: {
            std::uint64_t number = from.number();
            std::optional<std::uint64_t> channel = from.number_or_nothing();
            std::string_view text = from.text();
            return from.fine() ? to.followed(number, channel, text) : from.failure();
        }
        case Kind::ask: {
            std::uint64_t number = from.number();
            return from.fine() ? to.ask(number) : from.failure();
        }
        case Kind::told: {
            std::uint64_t number = from.number();
            MessageRef actors = from.array();
            return from.fine() ? to.told(number, actors) : from.failure();
        }
        case Kind::note:
            return read_note(from, to);
        case Kind::confirm:
        case Kind::confirmed: {
            std::uint64_t channel = from.number();
            std::uint64_t number = from.number();
            if (!from.fine()) return from.failure();
            return kind == static_cast<std::int64_t>(Kind::confirm) ? to.confirm(channel, number)
                                                                    : to.confirmed(channel, number);
        }
    }
    return {};
}

}  // namespace

void Batch::clear() {
    text_.clear();
    text_.push_back(array_32);
    text_.append(count_bytes, '\0');
    records_ = 0;
    packets_ = 0;
    count_at_ = 0;
}

void Batch::close_data() noexcept {
    if (count_at_ != 0) put_count(text_.data() + count_at_, count_);
    count_at_ = 0;
}

void Batch::begin(Kind kind, std::size_t fields) {
    close_data();
    text_.push_back(static_cast<char>(0x90 | (fields + 1)));  // an array of less than 16
    text_.push_back(static_cast<char>(kind));
    ++records_;
}

void Batch::number(std::uint64_t value) {
    (void)codec::write_msgpack(text_, Message::integer(static_cast<std::int64_t>(value)));
}

void Batch::text(std::string_view value) {
    (void)codec::write_msgpack(text_, Message::string(value));
}

void Batch::open(std::uint64_t channel, std::string_view source_actor, std::string_view actor,
                 std::string_view port) {
    begin(Kind::open, 4);
    number(channel);
    text(source_actor);
    text(actor);
    text(port);
}

// In front of the packet that it belongs to.
void Batch::note(std::uint64_t channel, std::uint64_t packet, MessageRef envelope) {
    reflow_envelope from = read_envelope(envelope);
    auto bytes = [this](std::span<const std::uint8_t> of) {
        std::string_view view(reinterpret_cast<const char*>(of.data()), of.size());
        (void)codec::write_msgpack(text_, Message::bytes(view));
    };
    begin(Kind::note, 6);
    number(channel);
    number(packet);
    bytes(from.trace_id);
    bytes(from.span_id);
    (void)codec::write_msgpack(text_, Message::integer(from.deadline_ms));
    text(view_of(from.correlation));
}

Result<void> Batch::data(std::uint64_t channel, std::uint64_t first, MessageRef packet) {
    const std::size_t before = text_.size();
    const std::uint32_t records_before = records_;
    MessageRef payload = packet;
    if (is_enveloped(packet)) [[unlikely]] {
        note(channel, first, envelope_of(packet));
        payload = payload_of(packet);
    }
    const bool opens = count_at_ == 0 || channel_ != channel || next_ != first ||
                       count_ == UINT32_MAX;
    if (opens) {
        begin(Kind::data, 3);
        number(channel);
        number(first);
        text_.push_back(array_32);
        count_at_ = text_.size();
        text_.append(count_bytes, '\0');
        count_ = 0;
        channel_ = channel;
    }
    if (Result<void> done = codec::write_msgpack(text_, payload); !done.ok()) {
        text_.resize(before);
        records_ = records_before;
        if (opens) count_at_ = 0;  // the one before has been closed, which is as well
        return done;
    }
    ++count_;
    ++packets_;
    next_ = first + 1;
    return {};
}

void Batch::credit(std::uint64_t channel, std::uint64_t packets) {
    begin(Kind::credit, 2);
    number(channel);
    number(packets);
}

void Batch::report(std::uint64_t channel, std::uint64_t packet, reflow_status status,
                   std::string_view why) {
    begin(Kind::report, 4);
    number(channel);
    number(packet);
    number(static_cast<std::uint64_t>(-static_cast<std::int64_t>(status)));
    text(why.substr(0, limits::peer_name_bytes));
}

void Batch::confirm(std::uint64_t channel, std::uint64_t packet) {
    begin(Kind::confirm, 2);
    number(channel);
    number(packet);
}
void Batch::confirmed(std::uint64_t channel, std::uint64_t packets) {
    begin(Kind::confirmed, 2);
    number(channel);
    number(packets);
}

void Batch::ping(std::uint64_t value) {
    begin(Kind::ping, 1);
    number(value);
}
void Batch::pong(std::uint64_t value) {
    begin(Kind::pong, 1);
    number(value);
}

void Batch::follow(std::uint64_t id, std::string_view actor, std::string_view port,
                   std::string_view replies_to) {
    begin(Kind::follow, 4);
    number(id);
    text(actor);
    text(port);
    text(replies_to);
}
void Batch::unfollow(std::uint64_t id) {
    begin(Kind::unfollow, 1);
    number(id);
}
void Batch::followed(std::uint64_t id, std::optional<std::uint64_t> channel,
                     std::string_view why) {
    begin(Kind::followed, 3);
    number(id);
    if (channel) {
        number(*channel);
    } else {
        (void)codec::write_msgpack(text_, Message::null());
    }
    text(why);
}

void Batch::ask(std::uint64_t id) {
    begin(Kind::ask, 1);
    number(id);
}
Result<void> Batch::told(std::uint64_t id, MessageRef actors) {
    const std::size_t before = text_.size();
    begin(Kind::told, 2);
    number(id);
    Result<void> done = codec::write_msgpack(text_, actors);
    if (!done.ok()) {
        text_.resize(before);
        --records_;
    }
    return done;
}

String Batch::take() {
    close_data();
    put_count(text_.data() + 1, records_);
    String frame = std::move(text_);
    text_ = String();
    clear();
    return frame;
}

Result<void> read_frame(std::string_view frame, FrameVisitor& to) {
    Result<Message> read = codec::read_msgpack(frame);
    if (!read.ok()) return read.take_error();
    MessageRef records = read.value();
    if (!records.is(REFLOW_KIND_ARRAY)) return wrong("", "the frame is not an array");
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (!records.at(i).is(REFLOW_KIND_ARRAY)) {
            return wrong(concat(i), "it is not an array");
        }
        if (Result<void> done = read_record(records.at(i), to); !done.ok()) return done;
    }
    return {};
}

}  // namespace reflow::peer
