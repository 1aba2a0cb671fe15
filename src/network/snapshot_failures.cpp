// What a snapshot has of failures: attempts that are to come, outputs that wait for them, circuit breakers,
// restarts, and dead letters. Both ways; what is read comes from outside and is checked.
// Neighbours: snapshot_records, snapshot.cpp, snapshot_reader.cpp. Thread: any.
#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/count.hpp"
#include "message/envelope.hpp"
#include "network/snapshot_records.hpp"
#include "runtime/actor.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::network::snapshot {

using runtime::Actor;
using runtime::ActorImage;
using runtime::PacketList;

// ---- nodes, written

namespace {

Message write_failures(Writer& writer, const ActorImage::Failures& all) {
    ObjectBuilder to(5);
    to.set("breaker", writer.list([&](ArrayBuilder& list) {
        list.append(Message::integer(all.breaker));
        list.append(Message::integer(all.failures));
        list.append(count_message(all.left_ns));
    }));
    to.set("counters", writer.list([&](ArrayBuilder& list) {
        list.append(count_message(all.retries));
        list.append(count_message(all.restarts));
    }));
    to.set("restarted", writer.list([&](ArrayBuilder& list) {
        for (std::uint64_t ago : all.window) list.append(count_message(ago));
    }));
    if (all.restarts_now) to.set("restart", Message::boolean(true));
    if (all.source) to.set("source", Message::boolean(true));
    return writer.finish(to);
}

// The status only of one that was open or has failed.
Message write_ended(Writer& writer, const ActorImage::Kept& kept) {
    return writer.list([&](ArrayBuilder& one) {
        one.append(Message::boolean(kept.counts));
        one.append(writer.packets(kept.outputs.all));
        if (kept.status == REFLOW_OK && !kept.open) return;
        one.append(Message::integer(kept.status));
        if (kept.status == REFLOW_OK) return;
        one.append(Message::integer(kept.attempts));
        one.append(writer.packets(kept.inputs.all));
        for (const String Error::*text : {&Error::message, &Error::hint, &Error::trace}) {
            const bool some = kept.error != nullptr;
            one.append(some ? Message::string((*kept.error).*text) : Message::null());
        }
        if (!kept.envelope.none()) one.append(save_envelope(kept.envelope));
    });
}

}  // namespace

void write_attempts(Writer& writer, ObjectBuilder& node, const ActorImage& image) {
    if (!image.retries.empty()) {
        node.set("retries", writer.list([&](ArrayBuilder& list) {
            for (const ActorImage::Retry& retry : image.retries) {
                list.append(writer.list([&](ArrayBuilder& one) {
                    one.append(Message::integer(retry.attempts));
                    one.append(count_message(retry.left_ns));
                    one.append(writer.packets(retry.inputs.all));
                }));
            }
        }));
    }
    if (image.attempt.attempts != 0) {
        node.set("attempt", writer.list([&](ArrayBuilder& one) {
            one.append(Message::integer(image.attempt.attempts));
            one.append(count_message(image.attempt.left_ns));
            one.append(Message::integer(static_cast<std::int64_t>(image.attempt.timers)));
        }));
    }
    if (!image.order.empty()) {
        node.set("order", writer.list([&](ArrayBuilder& list) {
            for (const ActorImage::Kept& kept : image.order) {
                if (kept.place) {
                    list.append(Message::null());
                    continue;
                }
                list.append(write_ended(writer, kept));
            }
        }));
    }
    if (image.failures.some) node.set("failure", write_failures(writer, image.failures));
}

// ---- nodes, read

namespace {

// Of the node with this number. The ports are inports, or outports.
struct Place {
    const Actor& actor;
    std::size_t node;
    bool carries;
};

Result<void> read_packets(const Place& at, MessageRef from, std::string_view key, bool inputs,
                          PacketList& to) {
    const runtime::Component& kind = *at.actor.component;
    const std::size_t ports = inputs ? kind.inports.size() : kind.outports.size();
    if (!from.is(REFLOW_KIND_ARRAY)) return broken_in(at.node, key, "packets are expected");
    for (std::size_t i = 0; i < from.size(); ++i) {
        MessageRef record = from.at(i);
        std::uint32_t port = 0, index = 0;
        bool valid = record.is(REFLOW_KIND_ARRAY) && read_number(record.at(0), ports, port) &&
                     read_index(record.at(1), index);
        if (valid && inputs && at.actor.firing_size() > 1) valid = port == i % ports;
        if (!valid) return broken_in(at.node, key, "a port of the node and an index are expected");
        if (inputs && record.size() == 2) {  // an inport that has none
            to.add(Message(), port, index);
            continue;
        }
        Result<Message> read = read_packet(record, 2, at.carries);
        if (!read.ok()) {
            return broken_in(at.node, key, "the value of a packet cannot be read")
                .because(read.take_error());
        }
        to.add(std::move(read).take(), port, index);
    }
    return {};
}

Result<void> read_retries(const Place& at, MessageRef from, ActorImage& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
        MessageRef one = from.at(i);
        ActorImage::Retry retry{};
        bool valid = one.is(REFLOW_KIND_ARRAY) && one.size() == 3 &&
                     read_number(one.at(0), UINT32_MAX - 1, retry.attempts) &&
                     retry.attempts != 0 && read_count(one.at(1), retry.left_ns);
        if (!valid) {
            return broken_in(at.node, "retries",
                             "a number of attempts, a time and packets are expected");
        }
        Result<void> read = read_packets(at, one.at(2), "retries", true, retry.inputs);
        if (!read.ok()) return read;
        const std::size_t size = retry.inputs.all.size();
        if (size != 0 && size != at.actor.firing_size()) {
            return broken_in(at.node, "retries", "a firing is not whole");
        }
        to.retries.push_back(std::move(retry));
    }
    return {};
}

Result<void> read_ended(const Place& at, MessageRef from, ActorImage::Kept& to) {
    const std::size_t size = from.size();
    const bool failed = size > 3;
    const MessageRef status = from.at(2), envelope = from.at(8);
    bool valid = from.at(0).is(REFLOW_KIND_BOOLEAN) && size >= 2 && size <= 9;
    if (failed) {
        valid = valid && size >= 8 && status.integer() < 0 && status.integer() > -1000 &&
                read_number(from.at(3), UINT32_MAX, to.attempts);
    } else if (size == 3) {
        valid = valid && status.is(REFLOW_KIND_INTEGER) && status.integer() == REFLOW_OK;
    }
    if (!valid) return broken_in(at.node, "order", "a place or outputs are expected");
    to.counts = from.at(0).boolean();
    to.open = size > 2;
    to.status = static_cast<reflow_status>(status.integer());
    Result<void> read = read_packets(at, from.at(1), "order", false, to.outputs);
    if (!failed || !read.ok()) return read;
    read = read_packets(at, from.at(4), "order", true, to.inputs);
    if (!read.ok()) return read;
    const std::size_t inputs = to.inputs.all.size();
    if (inputs != 0 && inputs != at.actor.firing_size()) {
        return broken_in(at.node, "order", "a firing is not whole");
    }
    if (from.at(5).is(REFLOW_KIND_STRING)) {
        to.error = Failure(to.status, from.at(5).text()).hint(from.at(6).text()).take();
        to.error->trace = from.at(7).text();
    }
    if (envelope.none()) return {};
    Result<Message> loaded = load_envelope(envelope);
    if (!loaded.ok()) return loaded.take_error();
    if (at.carries) to.envelope = std::move(loaded).take();
    return {};
}

Result<void> read_order(const Place& at, MessageRef from, ActorImage& to) {
    // Each place is that of a firing that comes again.
    std::size_t places = to.inputs.all.size() / at.actor.firing_size() +
                         (to.attempt.attempts != 0 ? 1 : 0);
    bool some_places = false;
    for (std::size_t i = 0; i < from.size(); ++i) {
        MessageRef one = from.at(i);
        if (one.is(REFLOW_KIND_NULL)) {
            if (places-- == 0) return broken_in(at.node, "order", "it has more places than firings");
            some_places = true;
            to.order.emplace_back().place = true;
            continue;
        }
        if (Result<void> read = read_ended(at, one, to.order.emplace_back()); !read.ok()) return read;
    }
    if (!some_places || at.actor.component->ordered) return {};
    return Failure(REFLOW_ERROR_GRAPH,
                   "the snapshot is of another graph: there outputs keep the order of inputs")
        .node(at.actor.id);
}

Result<void> read_failures(const Place& at, MessageRef from, ActorImage::Failures& to) {
    MessageRef breaker = from.get("breaker"), counters = from.get("counters");
    MessageRef window = from.get("restarted");
    std::uint32_t state = 0;
    bool valid = from.is(REFLOW_KIND_OBJECT) && read_number(breaker.at(0), 3, state) &&
                 read_number(breaker.at(1), std::uint64_t{UINT32_MAX} + 1, to.failures) &&
                 read_count(breaker.at(2), to.left_ns) && read_count(counters.at(0), to.retries) &&
                 read_count(counters.at(1), to.restarts) && window.is(REFLOW_KIND_ARRAY) &&
                 window.size() <= limits::restarts_count;
    for (std::size_t i = 0; valid && i < window.size(); ++i) {
        std::uint64_t ago = 0;
        valid = read_count(window.at(i), ago);
        to.window.push_back(ago);
    }
    if (!valid) {
        return broken_in(at.node, "failure", "a breaker, counters and times of restarts are expected");
    }
    to.some = true;
    to.breaker = static_cast<std::uint8_t>(state);
    to.restarts_now = from.get("restart").boolean();
    to.source = from.get("source").boolean();
    return {};
}

}  // namespace

Result<void> read_attempts(MessageRef from, const Actor& actor, std::size_t node, bool carries,
                           ActorImage& to) {
    const Place at{actor, node, carries};
    for (std::string_view key : {"retries", "order", "attempt"}) {
        MessageRef list = from.get(key);
        if (list.none() || list.is(REFLOW_KIND_ARRAY)) continue;
        return broken_in(node, key, "a list is expected");
    }
    if (MessageRef attempt = from.get("attempt"); !attempt.none()) {
        bool valid = attempt.size() == 3 && to.again &&
                     read_number(attempt.at(0), UINT32_MAX - 1, to.attempt.attempts) &&
                     read_count(attempt.at(1), to.attempt.left_ns) &&
                     attempt.at(2).is(REFLOW_KIND_INTEGER);
        if (!valid) {
            return broken_in(node, "attempt",
                             "attempts, a time and timers of a call that comes again are expected");
        }
        to.attempt.timers = static_cast<std::uint64_t>(attempt.at(2).integer());
    }
    Result<void> done = read_retries(at, from.get("retries"), to);
    if (done.ok()) done = read_order(at, from.get("order"), to);
    MessageRef failure = from.get("failure");
    if (!done.ok() || failure.none()) return done;
    return read_failures(at, failure, to.failures);
}

// ---- restarts of the network and of subgraphs

namespace {

// Each once: the network, and what is around a node that has settings for failures.
template <typename Each>
void each_scope(const Topology& all, Each each) {
    HashMap<const runtime::FailureScope*, bool> seen;
    for (const Ref<Actor>& actor : all.actors) {
        if (actor->supervisor() == nullptr) continue;
        runtime::FailureScope* scope = actor->supervisor()->scope.get();
        for (; scope != nullptr && seen.emplace(scope, true).second; scope = scope->outer.get()) {
            each(*scope);
        }
    }
}

const ScopeImage* find_scope(const Vector<ScopeImage>& all, std::string_view path) noexcept {
    for (const ScopeImage& one : all) {
        if (one.path == path) return &one;
    }
    return nullptr;
}

}  // namespace

void save_scopes(const Topology& all, std::uint64_t now_ns, Vector<ScopeImage>& to) {
    each_scope(all, [&](runtime::FailureScope& scope) {
        Vector<std::uint64_t> ages;
        scope.save(ages, now_ns);
        // Nodes that came later have one of their own, with the same path.
        if (!ages.empty() && find_scope(to, scope.path) == nullptr) to.push_back({scope.path, std::move(ages)});
    });
}

void load_scopes(const Topology& all, std::uint64_t now_ns, const Vector<ScopeImage>& from) {
    each_scope(all, [&](runtime::FailureScope& scope) {
        const ScopeImage* found = find_scope(from, scope.path);
        scope.load(found == nullptr ? Vector<std::uint64_t>() : found->ages, now_ns);
    });
}

void forget_scopes(const Topology& all) noexcept {
    for (const Ref<Actor>& actor : all.actors) {
        if (actor->supervisor() == nullptr) continue;
        runtime::FailureScope* scope = actor->supervisor()->scope.get();
        for (; scope != nullptr; scope = scope->outer.get()) scope->load({}, 0);
    }
}

Message write_scopes(Writer& writer, const Vector<ScopeImage>& scopes) {
    return writer.list([&](ArrayBuilder& list) {
        for (const ScopeImage& scope : scopes) {
            list.append(writer.list([&](ArrayBuilder& one) {
                one.append(Message::string(scope.path));
                for (std::uint64_t ago : scope.ages) one.append(count_message(ago));
            }));
        }
    });
}

Result<void> read_scopes(MessageRef from, Vector<ScopeImage>& to) {
    if (from.none()) return {};
    for (std::size_t i = 0; i < std::max<std::size_t>(from.size(), 1); ++i) {
        MessageRef one = from.is(REFLOW_KIND_ARRAY) && i < from.size() ? from.at(i) : MessageRef();
        bool valid = one.is(REFLOW_KIND_ARRAY) && one.size() > 1 &&
                     one.size() - 1 <= limits::restarts_count && one.at(0).is(REFLOW_KIND_STRING);
        ScopeImage image{String(valid ? one.at(0).text() : ""), {}};
        for (std::size_t k = 1; valid && k < one.size(); ++k) {
            valid = read_count(one.at(k), image.ages.emplace_back());
        }
        if (!valid) return broken_at(concat("$.scopes[", i, "]"), "a path and times are expected");
        if (find_scope(to, image.path) == nullptr) to.push_back(std::move(image));
    }
    return {};
}

// ---- dead letters

namespace {

constexpr std::string_view texts[] = {"node", "component", "message", "hint", "trace"};

Message write_letter(Writer& writer, const DeadLetter& letter) {
    ObjectBuilder to(10);
    to.set("id", count_message(letter.id));
    to.set("node", Message::string(letter.node));
    to.set("component", Message::string(letter.component->id));
    to.set("time_ms", Message::integer(letter.time_ms));
    to.set("attempts", Message::integer(letter.attempts));
    to.set("status", Message::integer(letter.status));
    to.set("message", Message::string(letter.message));
    to.set("hint", Message::string(letter.hint));
    to.set("trace", Message::string(letter.trace));
    to.set("packets", writer.list([&](ArrayBuilder& list) {
        for (const LetterPacket& packet : letter.packets) {
            // The handle of a stream leads nowhere from elsewhere, and nobody can read it from here.
            if (payload_of(packet.message).holds_stream()) continue;
            std::string_view port = letter.component->inports[packet.port].name;
            list.append(writer.record({Message::string(port), index_message(packet.index)},
                                      packet.message));
        }
    }));
    return writer.finish(to);
}

// Components as letters know them: an id, and names of inports. Those of the network may be others.
class LetterComponents {
public:
    runtime::Component& get(std::string_view id) {
        for (const auto& one : all_) {
            if (one->id == id) return *one;
        }
        auto made = make_ref<runtime::Component>();
        made->id = id;
        all_.push_back(std::move(made));
        return *all_.back();
    }
    static std::uint32_t port(runtime::Component& of, std::string_view name) {
        if (auto found = of.find_inport(name)) return *found;
        runtime::Port made;
        made.name = name;
        of.inports.push_back(std::move(made));
        return static_cast<std::uint32_t>(of.inports.size() - 1);
    }

private:
    Vector<Ref<runtime::Component>> all_;
};

Result<Ref<DeadLetter>> read_letter(LetterComponents& components, MessageRef from,
                                    std::string_view path, bool carries) {
    bool valid = from.is(REFLOW_KIND_OBJECT) && from.get("packets").is(REFLOW_KIND_ARRAY);
    for (std::string_view key : texts) valid = valid && from.get(key).is(REFLOW_KIND_STRING);
    for (std::string_view key : {"id", "time_ms", "attempts", "status"}) {
        valid = valid && from.get(key).is(REFLOW_KIND_INTEGER);
    }
    std::uint32_t attempts = 0;
    valid = valid && read_number(from.get("attempts"), UINT32_MAX, attempts) &&
            from.get("status").integer() < 0 && from.get("status").integer() > -1000 &&
            from.get("id").integer() > 0;
    if (!valid) return broken_at(path, "a dead letter is expected");
    runtime::Component& component = components.get(from.get("component").text());
    auto letter = make_ref<DeadLetter>(
        from.get("node").text(), runtime::ComponentRef::share(&component),
        from.get("time_ms").integer(), attempts,
        static_cast<reflow_status>(from.get("status").integer()));
    letter->id = static_cast<std::uint64_t>(from.get("id").integer());
    letter->message = from.get("message").text();
    letter->hint = from.get("hint").text();
    letter->trace = from.get("trace").text();
    MessageRef packets = from.get("packets");
    for (std::size_t i = 0; i < packets.size(); ++i) {
        MessageRef record = packets.at(i);
        std::uint32_t index = 0;
        if (!record.at(0).is(REFLOW_KIND_STRING) || !read_index(record.at(1), index)) {
            return broken_at(path, "a packet has no port and index");
        }
        Result<Message> read = read_packet(record, 2, carries);
        if (!read.ok()) {
            return broken_at(path, "the value of a packet cannot be read").because(read.take_error());
        }
        letter->packets.push_back({std::move(read).take(),
                                   LetterComponents::port(component, record.at(0).text()), index});
    }
    return letter;
}

}  // namespace

Message write_letters(Writer& writer, const DeadLetters::Saved& letters) {
    ObjectBuilder to(4);
    to.set("last", count_message(letters.ids));
    to.set("total", count_message(letters.total));
    to.set("lost", count_message(letters.lost));
    to.set("list", writer.list([&](ArrayBuilder& list) {
        for (const auto& letter : letters.all) list.append(write_letter(writer, *letter));
    }));
    return writer.finish(to);
}

Result<void> read_letters(MessageRef from, bool carries, DeadLetters::Saved& to) {
    if (from.none()) return {};
    MessageRef list = from.get("list");
    bool valid = read_count(from.get("last"), to.ids) && read_count(from.get("total"), to.total) &&
                 read_count(from.get("lost"), to.lost) && list.is(REFLOW_KIND_ARRAY) &&
                 list.size() <= limits::most_dead_letters_count;
    if (!valid) return broken_at("$.letters", "numbers and a list of letters are expected");
    LetterComponents components;
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        String path = concat("$.letters.list[", i, "]");
        Result<Ref<DeadLetter>> read = read_letter(components, list.at(i), path, carries);
        if (!read.ok()) return read.take_error();
        const std::uint64_t id = read.value()->id;
        if (id <= last || id > to.ids) return broken_at(path, "its id is not behind that of the one before");
        last = id;
        to.all.push_back(std::move(read).take());
    }
    return {};
}

}  // namespace reflow::network::snapshot
