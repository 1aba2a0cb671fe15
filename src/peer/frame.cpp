// Batches of records in MessagePack; see frame.hpp. Thread: any.
#include "peer/frame.hpp"


#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "message/envelope.hpp"
#include "peer/fields.hpp"
#include "peer/limits.hpp"

namespace reflow::peer {
namespace {

// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): what frames need beside
// messages. Counts that are not known yet take the form of four bytes.
constexpr char array_32 = static_cast<char>(0xdd);
constexpr std::size_t count_bytes = 4;
constexpr std::uint32_t levels_around = 1;  // of a message, as the record is read

void put_count(char* to, std::uint32_t value) noexcept {
    for (std::size_t i = 0; i < count_bytes; ++i) {
        to[i] = static_cast<char>(value >> (8 * (count_bytes - 1 - i)));
    }
}

// The beginning of a reason, without half a character at its end.
std::string_view short_text(std::string_view text) noexcept {
    if (text.size() <= limits::peer_name_bytes) return text;
    std::size_t size = limits::peer_name_bytes;
    while (size != 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    return text.substr(0, size);
}

constexpr std::string_view names[] = {
    "",     "open",     "data",     "credit", "report", "ping", "pong", "follow", "unfollow", "followed",
    "ask",  "told",     "",         "",       "",       "",     "",     "",       "",         "",
    "note", "confirm",  "confirmed", "mark", "stream", "stream_data", "stream_end", "stream_credit",
    "stream_cancel", "element", "cancel"};

Result<void> read_stream(Fields& from, FrameVisitor& to) {
    StreamRecord record;
    record.channel = from.number();
    record.packet = from.number();
    record.number = from.number();
    record.fields.stream_id = from.number();
    record.fields.origin_actor = from.text();
    record.fields.origin_port = from.text();
    record.fields.content_type = from.text();
    std::optional<std::uint64_t> size = from.number_or_nothing();
    record.fields.has_size_hint = size.has_value();
    record.fields.size_hint = size.value_or(0);
    record.metadata = from.anything();
    return from.fine() ? to.stream(record) : from.failure();
}

// What belongs to a stream that has begun.
Result<void> read_of_stream(Kind kind, Fields& from, FrameVisitor& to) {
    std::uint64_t number = from.number();
    if (kind == Kind::stream_data) {
        MessageRef data = from.data();
        return from.fine() ? to.stream_data(number, data) : from.failure();
    }
    if (kind == Kind::stream_credit) {
        std::uint64_t frames = from.number();
        std::uint64_t bytes = from.number();
        return from.fine() ? to.stream_credit(number, frames, bytes) : from.failure();
    }
    bool failed = kind == Kind::stream_end && from.boolean();
    std::string_view text = from.text();
    if (!from.fine()) return from.failure();
    return kind == Kind::stream_end ? to.stream_end(number, failed, text)
                                    : to.stream_cancel(number, text);
}

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

Result<void> read_element(Fields& from, FrameVisitor& to) {
    std::uint64_t channel = from.number();
    std::uint64_t number = from.number();
    std::uint64_t element = from.number();  // 0 wraps to REFLOW_NO_INDEX
    if (!from.fine()) return from.failure();
    if (element > REFLOW_NO_INDEX) return wrong("element", "it is none of an array port");
    return to.element(channel, number, static_cast<std::uint32_t>(element - 1));
}

// bytes: of the record in its frame.
Result<void> read_record(MessageRef record, std::size_t bytes, FrameVisitor& to) {
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
            return from.fine() ? to.data(channel, first, payloads, bytes) : from.failure();
        }
        case Kind::credit: {
            std::uint64_t channel = from.number();
            std::uint64_t packets = from.number();
            std::uint64_t of_payloads = from.number();
            return from.fine() ? to.credit(channel, packets, of_payloads) : from.failure();
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
        case Kind::unfollow:
        case Kind::ask: {
            std::uint64_t number = from.number();
            if (!from.fine()) return from.failure();
            return kind == static_cast<std::int64_t>(Kind::ask) ? to.ask(number)
                                                                : to.unfollow(number);
        }
        case Kind::followed: {
            std::uint64_t number = from.number();
            std::optional<std::uint64_t> channel = from.number_or_nothing();
            std::string_view text = from.text();
            return from.fine() ? to.followed(number, channel, text) : from.failure();
        }
        case Kind::told: {
            std::uint64_t number = from.number();
            MessageRef actors = from.array();
            return from.fine() ? to.told(number, actors) : from.failure();
        }
        case Kind::note:
            return read_note(from, to);
        case Kind::stream:
            return read_stream(from, to);
        case Kind::stream_data:
        case Kind::stream_end:
        case Kind::stream_credit:
        case Kind::stream_cancel:
            return read_of_stream(static_cast<Kind>(kind), from, to);
        case Kind::mark: {
            std::uint64_t channel = from.number();
            std::uint64_t number = from.number();
            std::string_view outbox = from.text();
            std::uint64_t message = from.number();
            return from.fine() ? to.mark(channel, number, outbox, message) : from.failure();
        }
        case Kind::element:
            return read_element(from, to);
        case Kind::cancel: {
            std::string_view actor = from.text();
            std::string_view source = from.text();
            return from.fine() ? to.cancel(actor, source) : from.failure();
        }
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
    for (std::string_view value : {source_actor, actor, port}) text(value);
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

Result<std::size_t> Batch::data(std::uint64_t channel, std::uint64_t first, MessageRef packet) {
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
    const std::size_t begin_of_it = text_.size();
    Result<void> done;
    if (payload.depth() + levels_around > ::reflow::limits::depth_count) {
        done = Failure(REFLOW_ERROR_LIMIT,
                       concat("a message nested ", payload.depth(), " levels: over a link go at most ",
                              ::reflow::limits::depth_count - levels_around));
    } else {
        done = codec::write_msgpack(text_, payload);
    }
    const std::size_t bytes = text_.size() - begin_of_it;
    if (done.ok() && bytes > limits::peer_message_bytes) {
        done = Failure(REFLOW_ERROR_LIMIT, concat("a message of ", bytes, " bytes: over a link goes "
                                                  "at most ", limits::peer_message_bytes));
    }
    if (!done.ok()) {
        text_.resize(before);
        records_ = records_before;
        if (opens) count_at_ = 0;  // the one before has been closed, which is as well
        return done.take_error();
    }
    ++count_;
    ++packets_;
    next_ = first + 1;
    return bytes;
}

void Batch::credit(std::uint64_t channel, std::uint64_t packets, std::uint64_t bytes) {
    begin(Kind::credit, 3);
    for (std::uint64_t value : {channel, packets, bytes}) number(value);
}

void Batch::report(std::uint64_t channel, std::uint64_t packet, reflow_status status,
                   std::string_view why) {
    begin(Kind::report, 4);
    number(channel);
    number(packet);
    number(static_cast<std::uint64_t>(-static_cast<std::int64_t>(status)));
    text(short_text(why));
}

void Batch::confirm(std::uint64_t channel, std::uint64_t packet) {
    begin(Kind::confirm, 2);
    for (std::uint64_t value : {channel, packet}) number(value);
}
void Batch::confirmed(std::uint64_t channel, std::uint64_t packets) {
    begin(Kind::confirmed, 2);
    for (std::uint64_t value : {channel, packets}) number(value);
}

void Batch::mark(std::uint64_t channel, std::uint64_t packet, std::string_view outbox,
                 std::uint64_t message) {
    begin(Kind::mark, 4);
    number(channel);
    number(packet);
    text(outbox);
    number(message);
}

void Batch::element(std::uint64_t channel, std::uint64_t packet, std::uint32_t index) {
    begin(Kind::element, 3);
    for (std::uint64_t value : {channel, packet, std::uint64_t{index + 1}}) number(value);
}

void Batch::cancel(std::string_view actor, std::string_view source_actor) {
    begin(Kind::cancel, 2);
    for (std::string_view value : {actor, source_actor}) text(value);
}

Result<void> Batch::stream(const StreamRecord& record) {
    const std::size_t before = text_.size();
    begin(Kind::stream, 9);
    for (std::uint64_t value : {record.channel, record.packet, record.number,
                                record.fields.stream_id}) {
        number(value);
    }
    text(record.fields.origin_actor);
    text(record.fields.origin_port);
    text(record.fields.content_type);
    if (record.fields.has_size_hint) {
        number(record.fields.size_hint);
    } else {
        (void)codec::write_msgpack(text_, Message::null());
    }
    const std::size_t fields = text_.size();
    Result<void> done = codec::write_msgpack(text_, record.metadata);
    if (done.ok() && text_.size() - fields > limits::peer_stream_metadata_bytes) {
        done = Failure(REFLOW_ERROR_LIMIT,
                       concat("metadata of a stream of ", text_.size() - fields,
                              " bytes: over a link go at most ",
                              limits::peer_stream_metadata_bytes));
    }
    if (done.ok()) return done;
    text_.resize(before);
    --records_;
    return done;
}

void Batch::stream_data(std::uint64_t stream, MessageRef data) {
    begin(Kind::stream_data, 2);
    number(stream);
    (void)codec::write_msgpack(text_, data);
}
void Batch::stream_end(std::uint64_t stream, bool failed, std::string_view why) {
    begin(Kind::stream_end, 3);
    number(stream);
    (void)codec::write_msgpack(text_, Message::boolean(failed));
    text(short_text(why));
}
void Batch::stream_credit(std::uint64_t stream, std::uint64_t frames, std::uint64_t bytes) {
    begin(Kind::stream_credit, 3);
    for (std::uint64_t value : {stream, frames, bytes}) number(value);
}
void Batch::stream_cancel(std::uint64_t stream, std::string_view why) {
    begin(Kind::stream_cancel, 2);
    number(stream);
    text(short_text(why));
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
    for (std::string_view value : {actor, port, replies_to}) text(value);
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

void Batch::use(String&& memory) {
    text_ = std::move(memory);
    clear();
}

String Batch::take() {
    close_data();
    put_count(text_.data() + 1, records_);
    String frame = std::move(text_);
    text_ = String();
    clear();
    return frame;
}

// ---- reading

namespace {

// What stands at the beginning of a text is taken off it; nothing if it is something else.
std::optional<std::uint64_t> take_bytes(std::string_view& from, std::size_t count) noexcept {
    if (from.size() < count) return {};
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        value = value << 8 | static_cast<unsigned char>(from[i]);
    }
    from.remove_prefix(count);
    return value;
}

std::optional<std::uint64_t> take_number(std::string_view& from) noexcept {
    std::optional<std::uint64_t> mark = take_bytes(from, 1);
    if (!mark || *mark <= 0x7f) return mark;
    if (*mark < 0xcc || *mark > 0xcf) return {};
    return take_bytes(from, std::size_t{1} << (*mark - 0xcc));
}

std::optional<std::uint64_t> take_array_head(std::string_view& from) noexcept {
    std::optional<std::uint64_t> mark = take_bytes(from, 1);
    if (!mark) return {};
    if ((*mark & 0xf0) == 0x90) return *mark & 0x0f;
    if (*mark == 0xdc) return take_bytes(from, 2);
    return *mark == 0xdd ? take_bytes(from, 4) : std::nullopt;
}

// A record of data as ours write it, field by field, since what its payloads take is counted. False
// if it is another record, or has another form.
Result<bool> read_data(std::string_view& from, FrameVisitor& to) {
    std::string_view at = from;
    if (take_array_head(at) != 4 || take_number(at) != static_cast<std::uint64_t>(Kind::data)) {
        return false;
    }
    std::optional<std::uint64_t> channel = take_number(at);
    std::optional<std::uint64_t> first = take_number(at);
    if (!channel || !first) return false;
    std::string_view payloads = at;
    if (!take_array_head(payloads)) return false;
    std::size_t used = 0;
    Result<Message> read = codec::read_first_msgpack(at, &used);
    if (!read.ok()) return read.take_error();
    const std::size_t head = at.size() - payloads.size();
    Result<void> done = to.data(*channel, *first, read.value(), used - head);
    if (!done.ok()) return done.take_error();
    from = at.substr(used);
    return true;
}

}  // namespace

Result<void> read_frame(std::string_view frame, FrameVisitor& to) {
    std::string_view left = frame;
    std::optional<std::uint64_t> records = take_array_head(left);
    if (!records) return wrong("", "the frame is not an array");
    for (std::uint64_t i = 0; i < *records; ++i) {
        Result<bool> data = read_data(left, to);
        if (!data.ok()) return data.take_error();
        if (data.value()) continue;
        std::size_t used = 0;
        Result<Message> read = codec::read_first_msgpack(left, &used);
        if (!read.ok()) return read.take_error();
        if (!read.value().is(REFLOW_KIND_ARRAY)) return wrong(concat(i), "it is not an array");
        if (Result<void> done = read_record(read.value(), used, to); !done.ok()) return done;
        left.remove_prefix(used);
    }
    if (!left.empty()) return wrong("", concat(left.size(), " bytes behind the last of them"));
    return {};
}

}  // namespace reflow::peer
