// Taking a snapshot: while all nodes are frozen only references are gathered; the message is made
// of them when the nodes go on. Neighbours: freeze, restore.cpp. Thread: that of the caller.
#include "network/snapshot.hpp"

#include "message/count.hpp"
#include "network/freeze.hpp"
#include "network/network.hpp"
#include "network/snapshot_records.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::ActorImage;
using runtime::Packet;
using snapshot::index_message;
using snapshot::Writer;

namespace {

// One node: what it is, and what it has. Keys are left out where there is nothing.
class NodeWriter {
public:
    NodeWriter(Writer& writer, const ActorImage& image) : writer_(writer), image_(image) {}

    void flags(ObjectBuilder& node) {
        if (image_.due != 0) node.set("due", Message::integer(image_.due));
        if (image_.again) {
            node.set("again", Message::string(image_.again_finishes ? "finish" : "run"));
        }
        if (image_.rests) node.set("rests", Message::boolean(true));
        if (image_.ended) node.set("ended", Message::boolean(true));
        if (image_.starts) node.set("start", Message::boolean(true));
        if (image_.finishes) node.set("finish", Message::boolean(true));
        if (image_.wakes) node.set("wake", Message::boolean(true));
        if (image_.timer_ns != UINT64_MAX) node.set("timer_ns", count_message(image_.timer_ns));
        if (!image_.timers.empty()) {
            node.set("timers", writer_.list([&](ArrayBuilder& list) {
                for (const auto& timer : image_.timers) {
                    bool waits = timer.left_ns != UINT64_MAX;
                    if (timer.recurrence != nullptr) {
                        list.append(recurrence(timer));
                        continue;
                    }
                    list.append(writer_.record(
                        {Message::integer(timer.id), count_message(timer.period_ns)},
                        waits ? count_message(timer.left_ns) : Message()));
                }
            }));
        }
        node.set("counters", writer_.list([&](ArrayBuilder& list) {
            for (std::uint64_t count :
                 {image_.fired, image_.received, image_.sent, image_.failed, image_.dropped}) {
                list.append(count_message(count));
            }
        }));
    }
    void states(ObjectBuilder& node) {
        if (!image_.state.none()) {
            node.set("state", writer_.record({Message::integer(image_.version)}, image_.state));
        }
        if (image_.named_state == nullptr) return;
        const runtime::NodeState& state = *image_.named_state;
        if (state.keys().size() != 0) node.set("keys", writer_.table(state.keys()));
        if (state.pools().empty()) return;
        ObjectBuilder pools(state.pools().size());
        for (const auto& [name, table] : state.pools()) pools.set(name, writer_.table(table));
        node.set("pools", writer_.finish(pools));
    }
    // Of each outport that deals, whose turn it is, and what waits for room.
    void dealt(ObjectBuilder& node) {
        if (image_.dealt.empty()) return;
        node.set("dealt", writer_.list([&](ArrayBuilder& list) {
            for (const ActorImage::Dealt& one : image_.dealt) {
                list.append(writer_.list([&](ArrayBuilder& record) {
                    record.append(Message::integer(one.outport));
                    record.append(Message::integer(one.next));
                    record.append(writer_.packets(one.waiting.all));
                }));
            }
        }));
    }
    void packets(ObjectBuilder& node) {
        if (!image_.inputs.all.empty()) node.set("taken", writer_.packets(image_.inputs.all));
        if (!image_.waiting.all.empty()) node.set("waiting", writer_.packets(image_.waiting.all));
        if (image_.newest.all.empty()) return;
        node.set("newest", writer_.list([&](ArrayBuilder& list) {
            for (std::size_t i = 0; i < image_.newest.all.size(); ++i) {
                const Packet& packet = image_.newest.all[i];
                list.append(
                    writer_.record({Message::integer(packet.port), index_message(packet.index),
                                    Message::boolean(image_.fresh[i])},
                                   MessageRef(packet.message).own()));
            }
        }));
    }

private:
    // By the wall clock: where it stands.
    Message recurrence(const ActorImage::Numbered& timer) {
        return writer_.list([&](ArrayBuilder& one) {
            one.append(Message::integer(timer.id));
            one.append(Message::string(timer.recurrence->expression()));
            one.append(Message::string(timer.recurrence->zone()));
            one.append(Message::integer(timer.wall.next_ms));
            one.append(Message::integer(timer.wall.seen_ms));
            one.append(Message::boolean(timer.left_ns == UINT64_MAX));
        });
    }
    Writer& writer_;
    const ActorImage& image_;
};

// Ports of a component, so that a snapshot of another one is told from it.
Message describe(Writer& writer, const runtime::Component& component) {
    auto names = [&](const Vector<runtime::Port>& ports) {
        return writer.list([&](ArrayBuilder& list) {
            for (const runtime::Port& port : ports) list.append(Message::string(port.name));
        });
    };
    ObjectBuilder object(3);
    object.set("state_version", Message::integer(component.state_version));
    object.set("inports", names(component.inports));
    object.set("outports", names(component.outports));
    return writer.finish(object);
}

// Connections of an actor that the graph has, with their numbers.
class Places {
public:
    Message describe(Writer& writer, const Actor& actor) {
        return writer.list([&](ArrayBuilder& list) {
            for (const auto& port : actor.outports) {
                starts_.push_back(numbers_.size());
                for (const runtime::Connection& to : port) {
                    numbers_.push_back(static_cast<std::int64_t>(list.size()));
                    if (to.target == nullptr) continue;
                    list.append(writer.list([&](ArrayBuilder& one) {
                        one.append(Message::integer(to.outport));
                        one.append(index_message(to.from_index));
                        one.append(Message::string(to.target->id));
                        one.append(Message::integer(to.inport));
                        one.append(index_message(to.to_index));
                    }));
                }
            }
        });
    }
    [[nodiscard]] std::int64_t number(const ActorImage::Unsent& of) const noexcept {
        return numbers_[starts_[of.outport] + of.place];
    }

private:
    Vector<std::size_t> starts_;  // of the outports, in numbers_
    Vector<std::int64_t> numbers_;
};

Message describe_outputs(Writer& writer, const Vector<OutputImage>& images) {
    return writer.list([&](ArrayBuilder& list) {
        for (const OutputImage& image : images) {
            ObjectBuilder output(4);
            output.set("node", Message::string(image.output->node));
            output.set("port", Message::string(image.output->port));
            if (!image.waiting.all.empty()) {
                output.set("waiting", writer.packets(image.waiting.all));
            }
            if (!image.unread.empty()) {
                output.set("unread", writer.list([&](ArrayBuilder& unread) {
                    for (const OutputImage::OnItsWay& one : image.unread) {
                        unread.append(writer.record(
                            {Message::integer(one.actor), Message::integer(one.outport)},
                            one.message));
                    }
                }));
            }
            list.append(writer.finish(output));
        }
    });
}

}  // namespace

Result<Message> Network::snapshot(std::int64_t timeout_ms) {
    if (on_own_thread()) {
        Result<void> refused = waited(REFLOW_ERROR_WOULD_DEADLOCK, "taking a snapshot");
        return refused.take_error();
    }
    if (instrument_) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records or is replayed cannot be saved");
    }
    Visit visit(*this);
    Restored taken;
    Freeze freeze(*this);
    {
        if (Result<void> begun = freeze.begin({}, timeout_ms, false); !begun.ok()) {
            return begun.take_error();
        }
        taken.topology = freeze.topology();
        const auto& actors = taken.topology->actors;
        taken.images.resize(actors.size());
        taken.outputs.reserve(outputs_.size());
        runtime::InTurn inside(runtime_->scheduler());  // a save that waits would wait for ever
        for (std::size_t i = 0; i < actors.size(); ++i) {
            Result<void> done = actors[i]->capture(taken.images[i]);
            if (!done.ok()) return done.take_error();
        }
        Vector<runtime::Mailbox::Sticky> none;
        for (const Ref<Output>& output : outputs_) {
            if (output->patient) continue;
            taken.outputs.emplace_back().output = output;
            output->mailbox.copy(taken.outputs.back().waiting.all, none);
        }
        taken.letters = letters_.save();
        snapshot::save_scopes(*taken.topology, runtime_->scheduler().clock().now_ns(), taken.scopes);
        Result<Message> listed = list_breakpoints(true);
        if (!listed.ok()) return listed;
        taken.breakpoints = std::move(listed).take();
    }
    // The nodes go on; nobody changes the network before it is described.
    freeze.thaw();
    return write_snapshot(*taken.topology, taken);
}

Result<Message> Network::write_snapshot(const Topology& all, Restored& taken) {
    Writer writer;
    // What is on its way to an output goes with that one: a node may have other outputs next time.
    HashMap<const runtime::Mailbox*, std::size_t> readers;
    for (std::size_t i = 0; i < taken.outputs.size(); ++i) {
        readers.emplace(&taken.outputs[i].output->mailbox, i);
    }
    ObjectBuilder components;
    ArrayBuilder nodes(all.actors.size());
    for (std::uint32_t i = 0; i < all.actors.size(); ++i) {
        const Actor& actor = *all.actors[i];
        ActorImage& image = taken.images[i];
        const runtime::Component& component = *actor.component;
        if (!components.has(component.id)) {
            components.set(component.id, describe(writer, component));
        }
        ObjectBuilder node(8);
        node.set("id", Message::string(actor.id));
        node.set("component", Message::string(component.id));
        Places places;
        if (Message connections = places.describe(writer, actor); connections.size() != 0) {
            node.set("connections", std::move(connections));
        }
        NodeWriter own(writer, image);
        own.states(node);
        own.packets(node);
        ArrayBuilder unsent;
        for (const ActorImage::Unsent& one : image.unsent) {
            const runtime::Connection& to = actor.outports[one.outport][one.place];
            if (to.target != nullptr) {
                unsent.append(writer.record({Message::integer(places.number(one))}, one.message));
            } else if (auto at = readers.find(to.mailbox); at != readers.end()) {
                taken.outputs[at->second].unread.push_back({i, to.outport, one.message});
            }
        }
        if (unsent.size() != 0) node.set("unsent", writer.finish(unsent));
        own.dealt(node);
        own.flags(node);
        snapshot::write_attempts(writer, node, image);
        writer.blame(actor.id);
        nodes.append(writer.finish(node));
    }
    ObjectBuilder whole(8);
    whole.set("format", Message::string(snapshot::format));
    whole.set("version", Message::integer(snapshot::version));
    whole.set("components", writer.finish(components));
    whole.set("nodes", writer.finish(nodes));
    whole.set("outputs", describe_outputs(writer, taken.outputs));
    if (taken.letters.total != 0) whole.set("letters", snapshot::write_letters(writer, taken.letters));
    if (!taken.scopes.empty()) whole.set("scopes", snapshot::write_scopes(writer, taken.scopes));
    if (taken.breakpoints.size() != 0) whole.set("breakpoints", taken.breakpoints);
    Message made = writer.finish(whole);
    if (auto error = writer.take_error()) return error;
    return made;
}

}  // namespace reflow::network
