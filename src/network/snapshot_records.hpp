// The records that snapshots are made of: values, packets with their envelopes, numbers; and the parts of a
// snapshot that few networks have. Neighbours: snapshot.cpp writes, snapshot_reader.cpp reads.
// Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "message/message.hpp"
#include "network/dead_letters.hpp"
#include "network/topology.hpp"
#include "runtime/image.hpp"

namespace reflow::network::snapshot {

[[nodiscard]] Message index_message(std::uint32_t index) noexcept;
// Appends a value or, if it is nested too deep for that, its bytes and true.
Result<void> append_value(ArrayBuilder& to, const Message& value);
// What stands in a record behind its head of so many.
[[nodiscard]] Result<Message> read_value(MessageRef record, std::size_t head, std::size_t end);
// The same of a packet, behind which its envelope may stand; carries: that is wanted.
[[nodiscard]] Result<Message> read_packet(MessageRef record, std::size_t head, bool carries);

// A number below a bound; and one of nanoseconds, or a count.
[[nodiscard]] bool read_number(MessageRef from, std::uint64_t bound, std::uint32_t& to) noexcept;
[[nodiscard]] bool read_count(MessageRef from, std::uint64_t& to) noexcept;
[[nodiscard]] bool read_index(MessageRef from, std::uint32_t& to) noexcept;

[[nodiscard]] Failure broken_at(std::string_view path, std::string_view text);
[[nodiscard]] Failure broken_in(std::size_t node, std::string_view key, std::string_view text);

// The lists and objects of a snapshot. The first error is kept.
class Writer {
public:
    // A list of what each(writer) appends.
    template <typename Each>
    Message list(Each each) {
        ArrayBuilder list;
        each(list);
        return finish(list);
    }
    Message finish(ArrayBuilder& list) { return keep(list.finish()); }
    Message finish(ObjectBuilder& object) { return keep(object.finish()); }
    // Numbers, a value, and its envelope if it has one.
    Message record(std::initializer_list<Message> heads, const Message& whole);
    Message packets(const Vector<runtime::Packet>& packets);
    Message table(const runtime::StateTable& table);
    // An error without a node is of this one.
    void blame(std::string_view node) {
        if (error_ != nullptr && error_->node.empty()) error_->node = node;
    }
    [[nodiscard]] std::unique_ptr<Error> take_error() noexcept { return std::move(error_); }

private:
    Message keep(Result<Message> made);
    std::unique_ptr<Error> error_;
};

// Attempts, kept outputs and settings of failures of a node, both ways; the number of the node is for
// the place of an error.
void write_attempts(Writer& writer, ObjectBuilder& node, const runtime::ActorImage& image);
Result<void> read_attempts(MessageRef from, const runtime::Actor& actor, std::size_t node, bool carries,
                           runtime::ActorImage& to);

// Restarts of the whole network, which has an empty path, and of subgraphs: how many nanoseconds ago each was
// that counts.
struct ScopeImage {
    String path;
    Vector<std::uint64_t> ages;
};
void save_scopes(const Topology& all, std::uint64_t now_ns, Vector<ScopeImage>& to);
// Those that are not among them have none.
void load_scopes(const Topology& all, std::uint64_t now_ns, const Vector<ScopeImage>& from);
void forget_scopes(const Topology& all) noexcept;
[[nodiscard]] Message write_scopes(Writer& writer, const Vector<ScopeImage>& scopes);
Result<void> read_scopes(MessageRef from, Vector<ScopeImage>& to);

[[nodiscard]] Message write_letters(Writer& writer, const DeadLetters::Saved& letters);
Result<void> read_letters(MessageRef from, bool carries, DeadLetters::Saved& to);

}  // namespace reflow::network::snapshot
