// Runs a recording once more: what hosts did is done again before the same turn, what came from
// outside is played, and each call is compared.
// Neighbours: recording reads it, network. Thread: one at a time.
#include "network/record.hpp"

#include <algorithm>
#include <new>

#include "base/text.hpp"
#include "graph/hierarchy.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Context;
using runtime::Deferred;
using runtime::Packet;

namespace {

MessageRef part_of(MessageRef entry, std::size_t at) noexcept {
    return at < entry.size() ? entry.at(at) : MessageRef();
}
std::int64_t number(MessageRef entry, std::size_t at) noexcept {
    MessageRef value = part_of(entry, at);
    return value.is(REFLOW_KIND_INTEGER) ? value.integer() : -1;
}
bool is(MessageRef entry, EntryKind kind) noexcept {
    return !entry.none() && number(entry, 0) == static_cast<std::int64_t>(kind);
}
bool is_call(MessageRef entry) noexcept {
    return is(entry, EntryKind::call) || is(entry, EntryKind::played);
}
std::uint64_t turn_of(MessageRef entry) noexcept {
    return static_cast<std::uint64_t>(number(entry, 1));
}
std::uint64_t time_of(MessageRef entry) noexcept {
    return static_cast<std::uint64_t>(number(entry, 2));
}

// Places of a call in an entry.
constexpr std::size_t at_node = 3;
constexpr std::size_t at_phase = 4;
constexpr std::size_t at_in = 5;
constexpr std::size_t at_out = 6;
constexpr std::size_t at_emits = 7;
constexpr std::size_t at_status = 8;
constexpr std::size_t at_advanced = 9;
constexpr std::size_t at_flags = 10;
constexpr std::size_t at_delay = 11;
constexpr std::size_t at_error = 12;
constexpr std::size_t at_messages = 13;
constexpr std::size_t at_number = 14;
constexpr std::size_t at_going = 15;
constexpr std::size_t at_going_of_call = 9;

constexpr std::int64_t stop_ms = 60'000;  // that a stop may take

String messages_out(std::int64_t count, std::uint64_t digest) {
    static constexpr char digits[] = "0123456789abcdef";
    String text = concat(count, count == 1 ? " message (" : " messages (");
    for (int shift = 60; shift >= 0; shift -= 4) text += digits[digest >> shift & 15];
    text += ')';
    return text;
}

std::unique_ptr<Error> error_of(reflow_status status, MessageRef from) {
    auto text = [&](std::size_t at) {
        bool has = at < from.size() && from.at(at).is(REFLOW_KIND_STRING);
        return has ? from.at(at).text() : std::string_view();
    };
    std::unique_ptr<Error> error = Failure(status, text(0)).hint(text(1)).take();
    error->file = text(2);
    error->path = text(3);
    error->node = text(4);
    error->port = text(5);
    error->line = static_cast<std::uint32_t>(number(from, 6));
    error->column = static_cast<std::uint32_t>(number(from, 7));
    error->has_offset = from.size() > 9 && from.at(8).boolean();
    error->offset = static_cast<std::uint64_t>(number(from, 9));
    if (!text(10).empty()) error->cause = Failure(status, text(10)).take();
    return error;
}

// The envelope in an entry; none where there is none.
Message read_kept(MessageRef from) {
    Result<Message> read = load_envelope(from);
    return read.ok() ? std::move(read).take() : Message();
}

std::string_view phase_name(std::int64_t phase) noexcept {
    return phase == static_cast<std::int64_t>(runtime::Phase::finish) ? "its finish" : "a firing";
}

}  // namespace

std::string_view Replay::name_of(std::int64_t position) const noexcept {
    bool known =
        position >= 0 && static_cast<std::size_t>(position) < network_->topology_->actors.size();
    return known ? std::string_view(
                       network_->topology_->actors[static_cast<std::size_t>(position)]->id)
                 : std::string_view("?");
}

// The first difference is what counts.
void Replay::differs(std::uint32_t position, String text) {
    if (difference_ != nullptr) return;
    difference_ =
        Failure(REFLOW_ERROR_FAILED,
                concat("the run differs from its recording at firing ", calls_ + 1, ": ", text))
            .node(name_of(position))
            .hint("has a component changed since?")
            .take();
}

void Replay::lay(graph::Flat& flat) {
    MessageRef scopes = recording_->header().get("scopes");
    if (scopes.size() < 6) return;  // an older file
    flat.case_sensitive = scopes.at(0).boolean();
    flat.scopes.clear();
    flat.origins.clear();
    auto known = [&](MessageRef list, std::size_t at) {
        auto scope = static_cast<std::uint32_t>(number(list, at));
        return scope < flat.scopes.size() ? scope : 0;
    };
    for (std::size_t i = 2; i + 4 <= scopes.size(); i += 4) {
        flat.scopes.push_back(
            {scopes.at(i).text(), known(scopes, i + 1), scopes.at(i + 2), scopes.at(i + 3)});
    }
    for (std::size_t i = 0; i < flat.nodes.size(); ++i) {
        flat.origins.push_back({{}, true, known(scopes.at(1), i)});
    }
}

// ---- calls

reflow_status Replay::call(Instrumented& node, Context& context, Packet* inputs,
                           std::size_t count) {
    bool seen = see({inputs, count});
    auto beside = [&] { return node.plays ? REFLOW_OK : node.call(context, inputs, count); };
    if (over_ || difference_ != nullptr || !seen) return beside();
    Result<MessageRef> next = recording_->next();
    if (!next.ok()) {
        difference_ = next.take_error();
        return beside();
    }
    MessageRef entry = next.value();
    if (entry.none()) {  // the recording ends in the middle of a turn
        over_ = true;
        return beside();
    }
    if (is(entry, EntryKind::broken)) return beside();
    std::uint64_t turn = network_->runtime().scheduler().turns();
    if (!is_call(entry) || turn_of(entry) != turn) {
        differs(node.position, concat("expected no firing here, got ",
                                      phase_name(static_cast<std::int64_t>(context.phase))));
        return beside();
    }
    std::int64_t phase = static_cast<std::int64_t>(context.phase);
    if (number(entry, at_node) != node.position || number(entry, at_phase) != phase) {
        differs(node.position,
                concat("expected ", phase_name(number(entry, at_phase)), " of node '",
                       name_of(number(entry, at_node)), "', got ", phase_name(phase)));
        return beside();
    }
    if (static_cast<std::uint64_t>(number(entry, at_in)) != seen_.in) {
        differs(node.position, "expected other packets at its inports");
        return beside();
    }
    const bool played = is(entry, EntryKind::played);
    if (played != node.plays && number(entry, at_number) <= 0) {
        differs(node.position, node.plays ? "expected a component that is not external"
                                          : "expected an external component");
        return beside();
    }
    Message kept = entry.own();  // the frame may go
    inside_ = true;
    reflow_status status = played ? play(kept, context) : node.call(context, inputs, count);
    see_captured(context);
    inside_ = false;
    if (!played) go_on_all(part_of(kept, at_going_of_call), nullptr);
    see_result(context, status);
    compare(kept, status);
    recording_->take();
    ++calls_;
    return status;
}

void Replay::compare(MessageRef entry, reflow_status status) {
    auto position = static_cast<std::uint32_t>(number(entry, at_node));
    std::int64_t expected = number(entry, at_status);
    auto name = [](std::int64_t of) { return reflow_status_name(static_cast<reflow_status>(of)); };
    if (expected != status) {
        reflow_view wanted = name(expected), got = name(status);
        return differs(position, concat("expected ", std::string_view(wanted.data, wanted.size),
                                        ", got ", std::string_view(got.data, got.size)));
    }
    auto digest = static_cast<std::uint64_t>(number(entry, at_out));
    if (digest == seen_.out.value() && number(entry, at_emits) == seen_.emits) return;
    differs(position, concat("expected ", messages_out(number(entry, at_emits), digest), ", got ",
                             messages_out(seen_.emits, seen_.out.value())));
}

// What the component has done then.
reflow_status Replay::play(MessageRef entry, Context& context) {
    MessageRef messages = part_of(entry, at_messages);
    const std::int64_t open = number(entry, at_number);
    const Open* own = nullptr;
    if (open > 0) own = keep_open(open, static_cast<std::uint32_t>(number(entry, at_node)), context);
    go_on_all(part_of(entry, at_going), own);
    for (std::size_t i = 0; i + 4 <= messages.size(); i += 4) {
        // Where no envelopes are carried nobody looks at it.
        if (network_->carries_envelopes()) {
            context.actor.set_envelope(read_kept(messages.at(i + 3)));
        }
        reflow_status status =
            context.emit(static_cast<std::uint32_t>(number(messages, i)), messages.at(i + 2).own(),
                         static_cast<std::uint32_t>(number(messages, i + 1)));
        if (status != REFLOW_OK) return status;
    }
    (void)context.advance(
        static_cast<std::size_t>(std::max<std::int64_t>(number(entry, at_advanced), 0)));
    std::int64_t flags = number(entry, at_flags);
    if ((flags & 1) != 0) (void)context.again();
    if ((flags & 2) != 0) {
        (void)context.wake_after(static_cast<std::uint64_t>(number(entry, at_delay)));
    }
    auto status = static_cast<reflow_status>(number(entry, at_status));
    if ((flags & 4) == 0) return status;
    return context.fail(error_of(status, entry.at(at_error)));
}

// ---- open firings

const Replay::Open* Replay::keep_open(std::int64_t number, std::uint32_t position,
                                      Context& context) {
    reflow_completion completion;
    if (context.defer(0, completion) != REFLOW_OK) {
        differs(position, "it can keep no more firings open, and could then");
        return nullptr;
    }
    if (open_.size() == open_.capacity()) {
        std::erase_if(open_, [](const Open& each) { return each.firing->home->over(*each.firing); });
    }
    open_.push_back({number, position, Ref<Deferred>::share(context.last_deferred)});
    return &open_.back();
}

void Replay::go_on_all(MessageRef list, const Open* own) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        MessageRef going = list.at(i);
        const std::int64_t wanted = number(going, 1);
        const Open* with = own;
        if (wanted != 0) {
            auto found = std::ranges::lower_bound(open_, wanted, {}, &Open::number);
            with = found != open_.end() && found->number == wanted ? &*found : nullptr;
        }
        if (with == nullptr) return differs(0, "a firing that was open then is over");
        go_on(going, *with);
    }
}

void Replay::go_on(MessageRef going, const Open& with) {
    runtime::DeferredFirings& home = *with.firing->home;
    reflow_status status = REFLOW_ERROR_PARSE;
    switch (static_cast<Going>(number(going, 0))) {
        case Going::emit: {
            Message message = part_of(going, 4).own();
            status = home.emit(*with.firing, static_cast<std::uint32_t>(number(going, 2)),
                               static_cast<std::uint32_t>(number(going, 3)), message.raw(), 0);
            if (status == REFLOW_OK) (void)message.leak();
            break;
        }
        case Going::end: {
            auto how = static_cast<reflow_status>(number(going, 2));
            MessageRef error = part_of(going, 3);
            bool has = error.is(REFLOW_KIND_ARRAY);
            status = home.end(*with.firing, how, has ? error_of(how, error) : nullptr);
            break;
        }
        case Going::envelope:
            status = home.set_envelope(*with.firing, read_kept(part_of(going, 2)));
            break;
    }
    if (status == REFLOW_OK) return;
    reflow_view name = reflow_status_name(status);
    differs(with.position, concat("what went on with an open firing gives ",
                                  std::string_view(name.data, name.size)));
}

reflow_decision Replay::decided(std::int64_t node, reflow_decision by_host) noexcept try {
    if (over_ || difference_ != nullptr) return by_host;
    Result<MessageRef> next = recording_->next();
    if (!next.ok() || next.value().none() || is(next.value(), EntryKind::broken)) return by_host;
    if (!is(next.value(), EntryKind::decided) || number(next.value(), 3) != node) {
        differs(static_cast<std::uint32_t>(node), "a failure is left to the host, and was not then");
        return by_host;
    }
    auto decision = static_cast<reflow_decision>(number(next.value(), 4));
    recording_->take();
    return decision;
} catch (const std::bad_alloc&) {
    return by_host;
}

// ---- what hosts did

Result<void> Replay::apply_port(Step step, MessageRef entry) {
    constexpr std::size_t first = 4;
    std::int64_t position = number(entry, first);
    auto broken = [&] {
        return Failure(REFLOW_ERROR_PARSE, "broken recording: no such node or port")
            .file(recording_->path());
    };
    if (step == Step::take || step == Step::close) {
        if (position < 0 || static_cast<std::size_t>(position) >= network_->outputs_.size())
            return broken();
        Ref<Output> output = network_->outputs_[static_cast<std::size_t>(position)];
        if (step == Step::close) return output->close(), Result<void>();
        Vector<reflow_message> taken(
            static_cast<std::size_t>(std::max<std::int64_t>(number(entry, first + 1), 0)));
        std::size_t count = 0;
        (void)output->recv(taken, 0, count);
        for (std::size_t i = 0; i < count; ++i) (void)Message::adopt(taken[i]);
        return {};
    }
    if (step == Step::output) {
        MessageRef list = part_of(entry, first + 1);
        Vector<Network::OutputEnd> ends;
        for (std::size_t i = 0; i + 3 <= list.size(); i += 3) {
            std::int64_t at = number(list, i), port = number(list, i + 1);
            if (at < 0 || static_cast<std::size_t>(at) >= network_->topology_->actors.size())
                return broken();
            Actor* actor = network_->topology_->actors[static_cast<std::size_t>(at)].get();
            if (port < 0 || static_cast<std::size_t>(port) >= actor->outports.size())
                return broken();
            ends.push_back({actor, static_cast<std::uint32_t>(port),
                            static_cast<std::uint32_t>(number(list, i + 2))});
        }
        auto added = network_->add_output("", "", ends, static_cast<std::uint32_t>(position));
        if (!added.ok()) return added.take_error();
        return {};
    }
    if (position < 0 || static_cast<std::size_t>(position) >= network_->topology_->actors.size())
        return broken();
    Actor& actor = *network_->topology_->actors[static_cast<std::size_t>(position)];
    if (step == Step::grant) {
        network_->grant_again(actor);
        return {};
    }
    if (step == Step::visit) return apply_visit(actor, part_of(entry, first + 1));
    if (step == Step::finish) {
        network_->group_.from_outside([&] { actor.request_finish(); });
        return {};
    }
    if (step == Step::send || step == Step::put) {
        if (std::int64_t letter = number(entry, first + 1); letter > 0) {
            (void)network_->letters_.take(static_cast<std::uint64_t>(letter));
        }
        return apply_packets(step, actor, part_of(entry, first + 2));
    }
    std::int64_t port = number(entry, first + 1);
    if (port < 0 || static_cast<std::size_t>(port) >= actor.component->inports.size())
        return broken();
    actor.mailbox.set_found(static_cast<std::uint32_t>(port));
    return {};
}

// The visit of then, which leaves what that one has left.
Result<void> Replay::apply_visit(Actor& actor, MessageRef kept) {
    struct Visit {
        MessageRef kept;
        static reflow_status run(reflow_context* context, void*, void* user_data) noexcept try {
            MessageRef to = static_cast<Visit*>(user_data)->kept;
            std::unique_ptr<runtime::NodeState>& state = context->actor.extras().named_state;
            state.reset(to.size() == 0 ? nullptr : new runtime::NodeState);
            MessageRef keys = part_of(to, 0), pools = part_of(to, 1);
            for (std::size_t i = 0; i < keys.size(); ++i) {
                (void)state->set(keys.key_at(i), keys.at(i).own());
            }
            for (std::size_t i = 0; i < pools.size(); ++i) {
                MessageRef pool = pools.at(i);
                for (std::size_t k = 0; k < pool.size(); ++k) {
                    (void)state->upsert(pools.key_at(i), pool.key_at(k), pool.at(k).own());
                }
            }
            return REFLOW_OK;
        } catch (const std::bad_alloc&) {
            return REFLOW_ERROR_OUT_OF_MEMORY;
        }
    } visit{kept};
    return network_->with_state(actor.id, "", Visit::run, &visit, stop_ms);
}

Result<void> Replay::apply_packets(Step step, Actor& actor, MessageRef list) {
    Network::Entrance inside(*network_);
    std::size_t went = 0;
    for (; went + 4 <= list.size(); went += 4) {
        auto port = static_cast<std::uint32_t>(number(list, went));
        auto index = static_cast<std::uint32_t>(number(list, went + 1));
        if (port >= actor.component->inports.size()) break;
        Message message = enveloped(list.at(went + 2).own(), read_kept(list.at(went + 3)));
        reflow_message raw = message.raw();
        runtime::Packet packet{raw, port, index, nullptr};
        if (step == Step::put) {
            network_->force_in(actor, {&packet, 1});
            continue;
        }
        if (network_->push_in(actor, port, index, {&raw, 1}, false) == 0) break;
        (void)message.leak();
    }
    if (went != list.size()) {
        differs(static_cast<std::uint32_t>(network_->position_of(actor)),
                "its inport is full, and was not then");
    }
    return {};
}

Result<void> Replay::apply_life(Step step, MessageRef entry) {
    std::string_view path =
        entry.size() > 4 && entry.at(4).is(REFLOW_KIND_STRING) ? entry.at(4).text() : "";
    std::size_t count = 0;
    // It may have stopped by itself here.
    auto turn_to = [&](std::int32_t from, std::int32_t to) {
        if (!network_->state_.compare_exchange_strong(from, to, std::memory_order_acq_rel)) {
            differs(0, "the network is in another state than it was then");
        }
        return difference_ == nullptr;
    };
    switch (step) {
        case Step::start:
            return network_->start();
        case Step::drain:
            if (turn_to(REFLOW_NETWORK_RUNNING, REFLOW_NETWORK_DRAINING)) network_->resume_all();
            return {};
        case Step::drained:
            (void)turn_to(REFLOW_NETWORK_DRAINING, REFLOW_NETWORK_DRAINED);
            return {};
        case Step::sources:
            return network_->end_sources();
        case Step::cancel: {
            std::int64_t position = number(entry, 4);
            return network_->cancel(position < 0 ? std::string_view() : name_of(position), count);
        }
        case Step::pause:
            return network_->pause(path, REFLOW_FOREVER);
        case Step::resume:
            return network_->resume(path);
        case Step::discard:
            path = part_of(entry, 5).text();
            // Whatever came of it then.
            (void)network_->drop_letters(static_cast<std::uint64_t>(number(entry, 4)), path, count);
            return {};
        case Step::go_on:
            return go_on_all(part_of(entry, 4), nullptr), Result<void>();
        case Step::carry: {
            std::lock_guard lock(network_->mutex_);
            network_->carry_now();
            return {};
        }
        default:
            // In logical time, of which each turn takes some: what ends at all ends long before.
            return network_->stop(stop_ms);
    }
}

// What a host did after a wait: the time is that of then, and timers have been told that lead to no turn.
void Replay::wait_until(std::uint64_t time_ns) {
    runtime::Scheduler& scheduler = network_->runtime_->scheduler();
    for (std::uint64_t before = UINT64_MAX; difference_ == nullptr;) {
        const std::uint64_t now = scheduler.clock().now_ns();
        if (now >= time_ns || now == before) break;
        before = now;
        if (scheduler.run({.turns = 1, .deadline_ns = time_ns}).turns != 0) {
            differs(0, "expected no firing while the host waits");
        }
    }
    scheduler.advance_to(time_ns);
}

Result<void> Replay::apply(MessageRef entry) {
    wait_until(time_of(entry));
    auto step = static_cast<Step>(number(entry, 3));
    switch (step) {
        case Step::connect:
        case Step::output:
        case Step::send:
        case Step::put:
        case Step::take:
        case Step::close:
        case Step::finish:
        case Step::grant:
        case Step::visit:
            return apply_port(step, entry);
        case Step::start:
        case Step::drain:
        case Step::drained:
        case Step::sources:
        case Step::cancel:
        case Step::pause:
        case Step::resume:
        case Step::stop:
        case Step::carry:
        case Step::discard:
        case Step::go_on:
            return apply_life(step, entry);
    }
    return Failure(REFLOW_ERROR_PARSE, "broken recording: an unknown step")
        .file(recording_->path());
}

// ---- going on

std::string_view Replay::next_node() {
    if (over_ || difference_ != nullptr) return {};
    Result<MessageRef> next = recording_->next();
    if (!next.ok() || !is_call(next.value())) return {};
    return name_of(number(next.value(), at_node));
}

Result<void> Replay::run(std::uint64_t calls, bool& more) {
    more = false;
    std::uint64_t until = calls == 0 || calls > UINT64_MAX - calls_ ? UINT64_MAX : calls_ + calls;
    runtime::Scheduler& scheduler = network_->runtime_->scheduler();
    while (difference_ == nullptr && !over_) {
        Result<MessageRef> next = recording_->next();
        if (!next.ok()) {
            difference_ = next.take_error();
            break;
        }
        MessageRef entry = next.value();
        if (entry.none() || is(entry, EntryKind::broken)) {
            if (!entry.none() && entry.size() > 3) broken_ = entry.at(3).text();
            over_ = true;
            break;
        }
        std::uint64_t turn = turn_of(entry);
        if (is(entry, EntryKind::end)) {
            recording_->take();
            // By itself, which no host has done: what is left of that comes now.
            if (network_->state() == REFLOW_NETWORK_STOPPING) (void)network_->stop(stop_ms);
            continue;
        }
        if (is_call(entry) && calls_ >= until) {
            more = true;
            return {};
        }
        if (is(entry, EntryKind::host) && turn == scheduler.turns()) {
            Message kept = entry.own();
            recording_->take();
            if (Result<void> applied = apply(kept); !applied.ok()) return applied;
            continue;
        }
        auto position = static_cast<std::uint32_t>(is_call(entry) ? number(entry, at_node) : 0);
        if (scheduler.turns() >= turn) {
            bool left = is(entry, EntryKind::decided);
            differs(position, left ? "expected a failure that is left to the host, and there was none"
                                   : "expected a firing before, and there was none");
            break;
        }
        const std::uint64_t due = time_of(entry);
        // Its frame may go with what is run. A timer may lead to no turn.
        runtime::Scheduler::Ran ran = scheduler.run({.turns = 1});
        bool late = !ran.pending || scheduler.clock().now_ns() > due;
        if (ran.turns == 0 && late) {
            differs(position, "expected a firing, but nothing is left to do");
        }
    }
    if (difference_ == nullptr) return {};
    return Failure(difference_->status, difference_->message)
        .node(difference_->node)
        .hint(difference_->hint)
        .file(difference_->file);
}

}  // namespace reflow::network
