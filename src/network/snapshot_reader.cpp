// Reading a snapshot for the network that it is to be put into. All of it is checked: it comes from
// outside. Neighbours: snapshot.cpp wrote it, restore.cpp puts it back. Thread: one at a time.
#include "network/snapshot.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "network/network.hpp"
#include "network/snapshot_records.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::ActorImage;
using runtime::Connection;
using snapshot::broken_at;
using snapshot::read_index;
using snapshot::read_number;
using snapshot::read_packet;
using snapshot::read_value;

// Reads the message for the network that it is to be put into.
class SnapshotReader {
public:
    // In a network that nobody changes meanwhile.
    SnapshotReader(Network& network, const Makers& makers)
        : network_(network),
          makers_(makers),
          carries_(network.carries_envelopes()),
          all_(network.topology()),
          actors_(all_->actors) {}

    Result<std::unique_ptr<Restored>> read(MessageRef all) {
        if (Result<void> done = head(all); !done.ok()) return done.take_error();
        std::unique_ptr<Restored> made(new Restored);
        made->topology = all_;
        MessageRef nodes = all.get("nodes");
        made->images.resize(actors_.size());
        for (std::size_t i = 0; i < made->images.size(); ++i) {
            node_ = i;
            Result<void> done = this->node(nodes.at(i), all.get("components"), made->images[i]);
            if (!done.ok()) return done.take_error();
        }
        MessageRef outputs = all.get("outputs");
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            Result<void> done = output(outputs, i, *made);
            if (!done.ok()) return done.take_error();
        }
        made->network = &network_;
        Result<void> rest = snapshot::read_letters(all.get("letters"), carries_, made->letters);
        if (rest.ok()) rest = snapshot::read_scopes(all.get("scopes"), made->scopes);
        if (rest.ok()) rest = breakpoints(all.get("breakpoints"), made->breaks);
        if (!rest.ok()) return rest.take_error();
        return made;
    }

private:
    // ---- what is wrong, and where

    [[nodiscard]] Failure broken(std::string_view key, std::string_view text) const {
        return broken_at(concat("$.nodes[", node_, "].", key), text);
    }
    [[nodiscard]] Failure broken(std::string_view key, std::size_t at,
                                 std::string_view text) const {
        return broken_at(concat("$.nodes[", node_, "].", key, "[", at, "]"), text);
    }
    [[nodiscard]] Failure differs(std::string_view text) const {
        return Failure(REFLOW_ERROR_GRAPH, concat("the snapshot is of another graph: ", text))
            .node(actor().id);
    }
    [[nodiscard]] Actor& actor() const noexcept { return *actors_[node_]; }

    // ---- the whole

    Result<void> head(MessageRef all) {
        if (!all.is(REFLOW_KIND_OBJECT) || all.get("format").text() != snapshot::format) {
            return broken_at(String("$.format"),
                             concat("the key 'format' is not '", snapshot::format, "'"));
        }
        MessageRef version = all.get("version");
        if (!version.is(REFLOW_KIND_INTEGER)) {
            return broken_at(String("$.version"), "the key 'version' is not an integer");
        }
        if (version.integer() < snapshot::first_version || version.integer() > snapshot::version) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           concat("the snapshot has version ", version.integer(),
                                  " of the format, this library reads ", snapshot::first_version,
                                  " to ", snapshot::version))
                .path("$.version");
        }
        static constexpr std::string_view arrays[] = {"nodes", "outputs"};
        for (std::string_view key : arrays) {
            if (!all.get(key).is(REFLOW_KIND_ARRAY)) {
                return broken_at(concat("$.", key), "an array is missing");
            }
        }
        if (!all.get("components").is(REFLOW_KIND_OBJECT)) {
            return broken_at(String("$.components"), "an object is missing");
        }
        return same_nodes(all.get("nodes"));
    }

    // The first node that differs is told.
    Result<void> same_nodes(MessageRef nodes) {
        std::size_t count = actors_.size();
        for (node_ = 0; node_ < std::min(count, nodes.size()); ++node_) {
            MessageRef id = nodes.at(node_).get("id");
            MessageRef component = nodes.at(node_).get("component");
            if (!id.is(REFLOW_KIND_STRING)) return broken("id", "a string is missing");
            if (!component.is(REFLOW_KIND_STRING)) {
                return broken("component", "a string is missing");
            }
            if (id.text() != actor().id) {
                return differs(concat("it has the node '", id.text(), "' in this place"));
            }
            if (component.text() != actor().component->id) {
                return differs(concat("there the node is of component '", component.text(),
                                      "', here of '", actor().component->id, "'"));
            }
        }
        if (count == nodes.size()) return {};
        if (count > nodes.size()) return differs("it does not have this node");
        return Failure(REFLOW_ERROR_GRAPH,
                       concat("the snapshot is of another graph: it has the node '",
                              nodes.at(count).get("id").text(), "' besides"));
    }

    // ---- a node

    Result<void> node(MessageRef from, MessageRef components, ActorImage& to) {
        Result<void> done = same_component(components.get(actor().component->id));
        if (done.ok()) done = same_connections(from.get("connections"));
        if (done.ok()) done = states(from, to);
        if (done.ok()) done = packets(from, to);
        if (done.ok()) done = flags(from, to);
        if (done.ok()) done = snapshot::read_attempts(from, actor(), node_, carries_, to);
        return done;
    }

    Result<void> same_component(MessageRef from) {
        const runtime::Component& kind = *actor().component;
        if (!from.is(REFLOW_KIND_OBJECT)) {
            return broken_at(concat("$.components.", kind.id), "an object is missing");
        }
        auto same = [&](const Vector<runtime::Port>& ports, MessageRef names) {
            if (names.size() != ports.size()) return false;
            for (std::size_t i = 0; i < ports.size(); ++i) {
                if (names.at(i).text() != ports[i].name) return false;
            }
            return true;
        };
        if (!same(kind.inports, from.get("inports")) ||
            !same(kind.outports, from.get("outports"))) {
            return differs(concat("the component '", kind.id, "' has other ports there"));
        }
        std::int64_t version = from.get("state_version").integer();
        if (version > kind.state_version) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           concat("the state of component '", kind.id, "' has version ", version,
                                  ", this one reads up to ", kind.state_version))
                .node(actor().id);
        }
        return {};
    }

    // Each of those there is one of those here, in whatever order: a network that was changed while
    // it ran has them in another one.
    Result<void> same_connections(MessageRef from) {
        Vector<const Connection*> here;
        for (const auto& port : actor().outports) {
            for (const Connection& connection : port) {
                if (connection.target != nullptr) here.push_back(&connection);
            }
        }
        graph_connections_.clear();
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef there = from.at(i);
            auto is_it = [&](const Connection* one) { return one != nullptr && same(there, *one); };
            // Mostly it stands in the same place.
            auto found = here.begin() + static_cast<std::ptrdiff_t>(std::min(i, here.size()));
            if (found == here.end() || !is_it(*found)) {
                found = std::find_if(here.begin(), here.end(), is_it);
            }
            if (found == here.end()) {
                return differs(concat("it has a connection to '", there.at(2).text(), "' there"));
            }
            graph_connections_.push_back(std::exchange(*found, nullptr));
        }
        for (const Connection* left : here) {
            if (left == nullptr) continue;
            return differs(concat("its connection to '", left->target->id, "' is missing there"));
        }
        return {};
    }

    static bool same(MessageRef there, const Connection& here) noexcept {
        return there.size() == 5 && there.at(0).integer() == here.outport &&
               same_index(there.at(1), here.from_index) && there.at(2).text() == here.target->id &&
               there.at(3).integer() == here.inport && same_index(there.at(4), here.to_index);
    }

    static bool same_index(MessageRef there, std::uint32_t here) noexcept {
        return there.is(REFLOW_KIND_INTEGER) &&
               there.integer() == (here == REFLOW_NO_INDEX ? -1 : static_cast<std::int64_t>(here));
    }

    // A packet, with the place of its record.
    Result<Message> packet(MessageRef record, std::size_t head, std::string_view key,
                           std::size_t at) const {
        Result<Message> read = read_packet(record, head, carries_);
        if (read.ok()) return read;
        return broken(key, at, "the value of the record cannot be read").because(read.take_error());
    }

    // ---- states

    Result<void> states(MessageRef from, ActorImage& to) {
        const runtime::Component& kind = *actor().component;
        if (MessageRef record = from.get("state"); !record.none()) {
            bool valid = record.is(REFLOW_KIND_ARRAY) &&
                         read_number(record.at(0), std::uint64_t{UINT32_MAX} + 1, to.version);
            if (!valid) return broken("state", "a record is expected");
            Result<Message> read = read_value(record, 1, record.size());
            if (!read.ok()) {
                return broken("state", "its value cannot be read").because(read.take_error());
            }
            if (kind.load == nullptr) {
                return differs(concat("the component '", kind.id, "' has a saved state there"));
            }
            if (to.version > kind.state_version) {
                return broken("state", "it is newer than its component");
            }
            to.state = std::move(read).take();
        }
        MessageRef keys = from.get("keys");
        MessageRef pools = from.get("pools");
        if (keys.none() && pools.none()) return {};
        to.named_state.reset(new runtime::NodeState);
        auto set_key = [&](std::string_view name, Message value) {
            return to.named_state->set(name, std::move(value));
        };
        if (Result<void> done = table(keys, "keys", set_key); !done.ok()) return done;
        if (!pools.none() && !pools.is(REFLOW_KIND_OBJECT)) {
            return broken("pools", "an object is expected");
        }
        for (std::size_t i = 0; i < pools.size(); ++i) {
            auto upsert = [&](std::string_view id, Message value) {
                return to.named_state->upsert(pools.key_at(i), id, std::move(value));
            };
            if (Result<void> done = table(pools.at(i), "pools", upsert); !done.ok()) return done;
        }
        return {};
    }

    template <typename Set>
    Result<void> table(MessageRef from, std::string_view key, Set set) {
        if (!from.none() && !from.is(REFLOW_KIND_ARRAY)) return broken(key, "a list is expected");
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef record = from.at(i);
            if (!record.is(REFLOW_KIND_ARRAY) || !record.at(0).is(REFLOW_KIND_STRING)) {
                return broken(key, i, "a record with a name is expected");
            }
            Result<Message> read = read_value(record, 1, record.size());
            if (!read.ok()) {
                return broken(key, i, "the value of the record cannot be read")
                    .because(read.take_error());
            }
            if (reflow_status status = set(record.at(0).text(), std::move(read).take());
                status != REFLOW_OK) {
                return Failure(status, "the snapshot has more keys and pools than a node may keep")
                    .node(actor().id);
            }
        }
        return {};
    }

    // ---- packets

    enum class Place : std::uint8_t { taken, waiting };

    Result<void> packet_list(MessageRef from, std::string_view key, Place place,
                             runtime::PacketList& to) {
        if (!from.none() && !from.is(REFLOW_KIND_ARRAY)) return broken(key, "a list is expected");
        const bool firings = place == Place::taken && actor().firing_size() > 1;
        std::size_t size = actor().component->inports.size();
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef record = from.at(i);
            std::uint32_t port = 0;
            std::uint32_t at = 0;
            bool valid = record.is(REFLOW_KIND_ARRAY) && read_number(record.at(0), size, port) &&
                         read_index(record.at(1), at);
            if (!valid) return broken(key, i, "a port of the node and an index are expected");
            bool misplaced = firings ? port != i % size
                                     : place == Place::waiting && actor().mailbox.sticky(port);
            if (misplaced) return broken(key, i, "a packet of this port cannot stand here");
            // A port that has none, or a callback has moved it out and left its firing.
            if (place == Place::taken && record.size() == 2) {
                to.add(Message(), port, at);
                continue;
            }
            Result<Message> read = packet(record, 2, key, i);
            if (!read.ok()) return read.take_error();
            to.add(std::move(read).take(), port, at);
        }
        return {};
    }

    Result<void> packets(MessageRef from, ActorImage& to) {
        Result<void> done = packet_list(from.get("taken"), "taken", Place::taken, to.inputs);
        if (!done.ok()) return done;
        if (to.inputs.all.size() % actor().firing_size() != 0) {
            return broken("taken", "a firing is not whole");
        }
        done = packet_list(from.get("waiting"), "waiting", Place::waiting, to.waiting);
        if (!done.ok()) return done;
        if (done = newest(from.get("newest"), to); !done.ok()) return done;
        if (done = unsent(from.get("unsent"), to); !done.ok()) return done;
        return dealt(from.get("dealt"), to);
    }

    Result<void> newest(MessageRef from, ActorImage& to) {
        if (!from.none() && !from.is(REFLOW_KIND_ARRAY)) {
            return broken("newest", "a list is expected");
        }
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef record = from.at(i);
            std::uint32_t port = 0;
            std::uint32_t at = 0;
            bool valid = record.is(REFLOW_KIND_ARRAY) &&
                         read_number(record.at(0), actor().component->inports.size(), port) &&
                         read_index(record.at(1), at) && record.at(2).is(REFLOW_KIND_BOOLEAN);
            if (!valid || !actor().mailbox.sticky(port)) {
                return broken("newest", i, "a port that shows its newest packet is expected");
            }
            for (const runtime::Packet& other : to.newest.all) {
                if (other.port == port) return broken("newest", i, "the port has two of them");
            }
            Result<Message> read = packet(record, 3, "newest", i);
            if (!read.ok()) return read.take_error();
            to.fresh.push_back(record.at(2).boolean());
            to.newest.add(std::move(read).take(), port, at);
        }
        return {};
    }

    Result<void> unsent(MessageRef from, ActorImage& to) {
        if (!from.none() && !from.is(REFLOW_KIND_ARRAY)) {
            return broken("unsent", "a list is expected");
        }
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef record = from.at(i);
            std::uint32_t connection = 0;
            if (!record.is(REFLOW_KIND_ARRAY) ||
                !read_number(record.at(0), graph_connections_.size(), connection)) {
                return broken("unsent", i, "a connection of the node is expected");
            }
            Result<Message> read = packet(record, 1, "unsent", i);
            if (!read.ok()) return read.take_error();
            const Connection& to_it = *graph_connections_[connection];
            to.unsent.push_back({to_it.outport, place_of(actor(), to_it), std::move(read).take()});
        }
        return {};
    }

    // [outport, place of the connection whose turn it is, packets].
    Result<void> dealt(MessageRef from, ActorImage& to) {
        if (!from.none() && !from.is(REFLOW_KIND_ARRAY))
            return broken("dealt", "a list is expected");
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef record = from.at(i);
            MessageRef waiting = record.at(2);
            ActorImage::Dealt one{};
            bool valid = read_number(record.at(0), actor().component->outports.size(), one.outport) &&
                         read_number(record.at(1), UINT32_MAX, one.next) &&
                         waiting.is(REFLOW_KIND_ARRAY);
            if (!valid) return broken("dealt", i, "an outport, a place and packets are expected");
            if (waiting.size() != 0 && actor().dealer(one.outport) == nullptr) {
                return differs(concat("packets wait there at outport '",
                                      actor().component->outports[one.outport].name,
                                      "' to be dealt, here it deals none"));
            }
            for (std::size_t k = 0; k < waiting.size(); ++k) {
                std::uint32_t at = 0;
                if (!read_index(waiting.at(k).at(1), at)) {
                    return broken("dealt", i, "a packet has no index");
                }
                Result<Message> read = packet(waiting.at(k), 2, "dealt", i);
                if (!read.ok()) return read.take_error();
                one.waiting.add(std::move(read).take(), 0, at);
            }
            to.dealt.push_back(std::move(one));
        }
        return {};
    }

    Result<void> flags(MessageRef from, ActorImage& to) {
        std::uint32_t due = 0;
        std::size_t kept = to.inputs.all.size() / actor().firing_size();
        if (MessageRef given = from.get("due"); !given.none() && !read_number(given, kept + 1, due)) {
            return broken("due", "a number of the firings that are taken is expected");
        }
        to.due = due;
        MessageRef again = from.get("again");
        to.again = !again.none();
        to.again_finishes = again.text() == "finish";
        bool finishes = actor().component->finish != nullptr;
        if (to.again && !(to.again_finishes ? finishes : again.text() == "run")) {
            return broken("again", "a callback of the component is expected");
        }
        to.rests = to.again && from.get("rests").boolean();
        to.ended = from.get("ended").boolean();
        to.starts = from.get("start").boolean();
        to.finishes = from.get("finish").boolean();
        to.wakes = from.get("wake").boolean();
        if (MessageRef timer = from.get("timer_ns"); !timer.none()) {
            if (!timer.is(REFLOW_KIND_INTEGER) || timer.integer() < 0) {
                return broken("timer_ns", "a number of nanoseconds is expected");
            }
            to.timer_ns = static_cast<std::uint64_t>(timer.integer());
        }
        if (Result<void> read = numbered_timers(from.get("timers"), to); !read.ok()) return read;
        MessageRef counters = from.get("counters");
        std::uint64_t* fields[] = {&to.fired, &to.received, &to.sent, &to.failed, &to.dropped};
        for (std::size_t i = 0; i < std::size(fields); ++i) {
            if (!counters.at(i).is(REFLOW_KIND_INTEGER) || counters.at(i).integer() < 0) {
                return broken("counters", "five numbers are expected");
            }
            *fields[i] = static_cast<std::uint64_t>(counters.at(i).integer());
        }
        return {};
    }

    // [number, expression, zone, next time, latest time seen, whether it has fired]
    Result<void> recurrence(MessageRef one, std::uint32_t id, std::size_t at, ActorImage& to) {
        bool valid = one.at(1).is(REFLOW_KIND_STRING) && one.at(2).is(REFLOW_KIND_STRING) &&
                     one.at(3).is(REFLOW_KIND_INTEGER) && one.at(4).is(REFLOW_KIND_INTEGER) &&
                     one.at(5).is(REFLOW_KIND_BOOLEAN);
        if (!valid) return broken("timers", at, "an expression, a zone and times are expected");
        if (makers_.cron == nullptr) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           "the snapshot has a timer by the wall clock, and this build of the library "
                           "has no part 'cron'")
                .node(actor().id);
        }
        auto made = makers_.cron(one.at(1).text(), one.at(2).text(),
                                 actor().group.environment.store());
        if (!made.ok()) return broken("timers", at, "its times cannot be read").because(made.take_error());
        to.timers.push_back({id, one.at(5).boolean() ? UINT64_MAX : 0, 0, std::move(made).take(),
                             {one.at(3).integer(), one.at(4).integer()}});
        return {};
    }

    // [number, period] and, unless it has fired, what is left.
    Result<void> numbered_timers(MessageRef from, ActorImage& to) {
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < from.size(); ++i) {
            MessageRef one = from.at(i);
            std::uint32_t id = 0;
            bool fits = read_number(one.at(0), REFLOW_MAX_TIMERS, id) && (seen >> id & 1) == 0;
            seen |= fits ? std::uint64_t{1} << id : 0;
            if (fits && one.size() == 6) {
                if (Result<void> read = recurrence(one, id, i, to); !read.ok()) return read;
                continue;
            }
            fits = fits && (one.size() == 2 || one.size() == 3);
            for (std::size_t k = 1; fits && k < one.size(); ++k) {
                fits = one.at(k).is(REFLOW_KIND_INTEGER) && one.at(k).integer() >= 0;
            }
            if (!fits) return broken("timers", "a number, a period and what is left are expected");
            bool fired = one.size() == 2;
            to.timers.push_back(
                {id,
                 fired ? UINT64_MAX : static_cast<std::uint64_t>(one.at(2).integer()),
                 static_cast<std::uint64_t>(one.at(1).integer())});
        }
        return {};
    }

    // ---- outputs

    Result<void> output(MessageRef outputs, std::size_t at, Restored& to) {
        MessageRef from = outputs.at(at);
        String path = concat("$.outputs[", at, "]");
        MessageRef node = from.get("node");
        MessageRef port = from.get("port");
        if (!node.is(REFLOW_KIND_STRING) || !port.is(REFLOW_KIND_STRING)) {
            return broken_at(path, "a node and a port are expected");
        }
        MessageRef waiting = from.get("waiting");
        MessageRef unread = from.get("unread");
        if (waiting.size() == 0 && unread.size() == 0) return {};
        // Of several outputs of one port the order counts.
        std::size_t before = 0;
        for (std::size_t i = 0; i < at; ++i) {
            MessageRef other = outputs.at(i);
            bool same =
                other.get("node").text() == node.text() && other.get("port").text() == port.text();
            before += same ? 1 : 0;
        }
        OutputImage image;
        for (const Ref<Output>& open : network_.outputs_) {
            if (open->node != node.text() || open->port != port.text()) continue;
            if (before-- != 0) continue;
            image.output = open;
            break;
        }
        if (!image.output) {
            return Failure(REFLOW_ERROR_INVALID_STATE,
                           "the snapshot has messages for an output that is not open")
                .node(node.text())
                .port(port.text())
                .hint("open it before the restore");
        }
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            Result<Message> read = read_packet(waiting.at(i), 2, carries_);
            if (!read.ok())
                return broken_at(path, "a packet is expected").because(read.take_error());
            image.waiting.add(std::move(read).take(), 0, REFLOW_NO_INDEX);
        }
        for (std::size_t i = 0; i < unread.size(); ++i) {
            MessageRef record = unread.at(i);
            std::uint32_t actor = 0;
            std::uint32_t outport = 0;
            bool valid = read_number(record.at(0), actors_.size(), actor) &&
                         read_number(record.at(1), actors_[actor]->outports.size(), outport);
            const Connection* to_it =
                valid ? connection_to(*image.output, actor, outport) : nullptr;
            Result<Message> read = read_packet(record, 2, carries_);
            if (to_it == nullptr || !read.ok()) {
                return broken_at(path, "a node that feeds the output is expected");
            }
            to.images[actor].unsent.push_back(
                {outport, place_of(*actors_[actor], *to_it), std::move(read).take()});
        }
        to.outputs.push_back(std::move(image));
        return {};
    }

    [[nodiscard]] const Connection* connection_to(const Output& output, std::uint32_t actor,
                                                  std::uint32_t outport) const noexcept {
        for (const Connection& connection : actors_[actor]->outports[outport]) {
            if (connection.mailbox == &output.mailbox) return &connection;
        }
        return nullptr;
    }

    static std::uint32_t place_of(const Actor& from, const Connection& connection) noexcept {
        return static_cast<std::uint32_t>(&connection - from.outports[connection.outport].data());
    }

    Result<void> breakpoints(MessageRef from, Vector<Ref<Breakpoint>>& to) {
        if (!from.none() && !from.is(REFLOW_KIND_ARRAY)) {
            return broken_at("$.breakpoints", "a list is expected");
        }
        for (std::size_t i = 0; i < from.size(); ++i) {
            Result<Ref<Breakpoint>> read = network_.read_breakpoint(from.at(i), makers_);
            if (!read.ok()) {
                return broken_at(concat("$.breakpoints[", i, "]"), "it cannot be set again")
                    .because(read.take_error());
            }
            to.push_back(std::move(read).take());
        }
        return {};
    }

    Network& network_;
    const Makers& makers_;
    const bool carries_;
    const Ref<Topology> all_;
    const Vector<Ref<Actor>>& actors_;
    std::size_t node_ = 0;
    Vector<const Connection*> graph_connections_;  // of the node, by their numbers
};

Result<std::unique_ptr<Restored>> read_snapshot(Network& network, MessageRef from,
                                                const Makers& makers) {
    return SnapshotReader(network, makers).read(from);
}

}  // namespace reflow::network
