// Records of snapshots, both ways. What is read comes from outside and is checked.
// Thread: any.
#include "network/snapshot_records.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "message/envelope.hpp"
#include "network/snapshot.hpp"

namespace reflow::network::snapshot {

using runtime::Packet;

// ---- written

Message index_message(std::uint32_t index) noexcept {
    return Message::integer(index == REFLOW_NO_INDEX ? -1 : static_cast<std::int64_t>(index));
}

Result<void> append_value(ArrayBuilder& to, const Message& value) {
    if (value.holds_stream()) {
        return Failure(REFLOW_ERROR_WOULD_BLOCK,
                       "the handle of a stream is on its way, which leads nowhere from elsewhere")
            .hint("take the snapshot when the stream has been read");
    }
    if (value.depth() + levels <= limits::depth_count) {
        to.append(value);
        return {};
    }
    String bytes;
    if (Result<void> written = codec::write_msgpack(bytes, value); !written.ok()) return written;
    to.append(Message::bytes(bytes));
    to.append(Message::boolean(true));
    return {};
}

Message Writer::record(std::initializer_list<Message> heads, const Message& whole) {
    const Message value = payload_of(whole).own();
    ArrayBuilder record(heads.size() + 1);
    for (const Message& head : heads) record.append(head);
    if (!value.none()) {
        if (Result<void> done = append_value(record, value); !done.ok() && error_ == nullptr) {
            error_ = done.take_error();
        }
        if (is_enveloped(whole)) record.append(save_envelope(envelope_of(whole)));
    }
    return finish(record);
}

Message Writer::packets(const Vector<Packet>& packets) {
    return list([&](ArrayBuilder& list) {
        for (const Packet& packet : packets) {
            list.append(record({Message::integer(packet.port), index_message(packet.index)},
                               MessageRef(packet.message).own()));
        }
    });
}

Message Writer::table(const runtime::StateTable& table) {
    return list([&](ArrayBuilder& list) {
        table.each(
            [&](const Message& name, const Message& value) { list.append(record({name}, value)); });
    });
}

Message Writer::keep(Result<Message> made) {
    if (made.ok()) return std::move(made).take();
    if (error_ == nullptr) error_ = made.take_error();
    return Message::null();
}

// ---- read

Failure broken_at(std::string_view path, std::string_view text) {
    return Failure(REFLOW_ERROR_PARSE, concat("not a snapshot: ", text)).path(path);
}
Failure broken_in(std::size_t node, std::string_view key, std::string_view text) {
    return broken_at(concat("$.nodes[", node, "].", key), text);
}

Result<Message> read_value(MessageRef record, std::size_t head, std::size_t end) {
    if (end == head + 1) return record.at(head).own();
    if (end == head + 2 && record.at(head + 1).boolean() && record.at(head).is(REFLOW_KIND_BYTES)) {
        return codec::read_msgpack(record.at(head).bytes());
    }
    return Failure(REFLOW_ERROR_PARSE, "not a snapshot: a record has no value");
}

Result<Message> read_packet(MessageRef record, std::size_t head, bool carries) {
    std::size_t end = record.size();
    const bool wrapped = end > head + 1 && record.at(end - 1).is(REFLOW_KIND_ARRAY);
    if (wrapped) --end;
    Result<Message> read = read_value(record, head, end);
    if (!wrapped || !read.ok()) return read;
    Result<Message> envelope = load_envelope(record.at(end));
    if (!envelope.ok() || !carries) return envelope.ok() ? std::move(read) : std::move(envelope);
    return enveloped(std::move(read).take(), envelope.value());
}

bool read_number(MessageRef from, std::uint64_t bound, std::uint32_t& to) noexcept {
    if (!from.is(REFLOW_KIND_INTEGER) || from.integer() < 0) return false;
    to = static_cast<std::uint32_t>(from.integer());
    return static_cast<std::uint64_t>(from.integer()) < bound;
}
bool read_count(MessageRef from, std::uint64_t& to) noexcept {
    if (!from.is(REFLOW_KIND_INTEGER) || from.integer() < 0) return false;
    to = static_cast<std::uint64_t>(from.integer());
    return true;
}
bool read_index(MessageRef from, std::uint32_t& to) noexcept {
    to = REFLOW_NO_INDEX;
    bool none = from.is(REFLOW_KIND_INTEGER) && from.integer() == -1;
    return none || read_number(from, REFLOW_NO_INDEX, to);
}

}  // namespace reflow::network::snapshot
