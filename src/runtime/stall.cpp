// Stalls of a group: who waits for whom, and which port is enlarged. Runs only when all is quiet.
// Thread: any, under the lock of the group.
#include <algorithm>
#include <new>
#include <span>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "runtime/actor.hpp"
#include "runtime/dealer.hpp"
#include "runtime/group.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/stall.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {

namespace {

struct Blocked {
    Actor* target;
    std::uint32_t port;
    Mailbox::Full full;
    Vector<Actor*> senders;

    // In packets: of one that is full of bytes what it holds.
    [[nodiscard]] std::uint64_t size() const noexcept {
        return full.of_bytes ? std::max<std::uint64_t>(full.packets, 1) : full.capacity;
    }
    // What it gets if that is to be so many packets more: its share of the bytes, and enough for one.
    [[nodiscard]] std::uint64_t bytes_for(std::uint64_t packets) const noexcept {
        if (!full.of_bytes || packets == 0) return 0;
        std::uint64_t share = packets >= size() ? full.capacity : full.capacity / size() * packets;
        return std::max(share, full.needed_bytes);
    }
};

// All ports with senders that are held back, those of one actor together; Actor::mark is
// the first. A sender that found room later is still in the list of the port, but is not held.
Vector<Blocked> collect_blocked(const Group& group) {
    Vector<Blocked> blocked;
    for (Actor* actor : group.actors) {
        actor->mark = static_cast<std::uint32_t>(blocked.size());
        actor->mailbox.visit_blocked(
            [&](std::uint32_t port, std::uint32_t, const Released& senders) {
                Blocked entry{actor, port, {}, {}};
                for (Actor* sender : senders) {
                    if (sender->held_back()) entry.senders.push_back(sender);
                }
                if (!entry.senders.empty()) blocked.push_back(std::move(entry));
            });
        for (std::size_t i = actor->mark; i < blocked.size(); ++i) {
            blocked[i].full = actor->mailbox.full(blocked[i].port);
        }
    }
    return blocked;
}

// Whoever waits for the host, directly or through others, is not stalled: the host may read on.
// Returns whether somebody waits for it directly.
bool mark_host_blocked(const Group& group, const Vector<Blocked>& blocked) {
    Vector<Actor*> reached;
    auto reach = [&](std::span<Actor* const> senders) {
        for (Actor* sender : senders) {
            if (!std::exchange(sender->host_blocked, true)) reached.push_back(sender);
        }
    };
    bool host_reads = false;
    for (Actor* actor : group.actors) actor->host_blocked = false;
    // Who waits for room in a stream gets it from its reader, and from no port that grows.
    for (Actor* actor : group.actors) {
        const Tether* tether = actor->tether();
        if (tether != nullptr && tether->waits_for_room()) reach({&actor, 1});
    }
    for (Mailbox* reader : group.readers) {
        reader->visit_blocked([&](std::uint32_t, std::uint32_t, const Released& senders) {
            host_reads = host_reads || !senders.empty();
            reach(senders);
        });
    }
    while (!reached.empty()) {
        Actor* actor = reached.back();
        reached.pop_back();
        for (std::size_t i = actor->mark; i < blocked.size() && blocked[i].target == actor; ++i) {
            reach(blocked[i].senders);
        }
    }
    return host_reads;
}

// Senders come back when a port is half empty. If a partner is late that may never be: whoever has
// room by now goes on without any growth.
bool release_where_room(const Vector<Blocked>& blocked) {
    bool some = false;
    for (const Blocked& entry : blocked) {
        Released released;
        some = entry.target->mailbox.grow(entry.port, 0, released) || some;
        for (Actor* sender : released) sender->release();
    }
    return some;
}

// The smallest full port among those whose owner could go on otherwise; in a cycle, where each
// owner is itself held back, the smallest of all.
const Blocked* choose(const Vector<Blocked>& blocked) {
    const Blocked* best = nullptr;
    for (const Blocked& entry : blocked) {
        if (entry.target->host_blocked) continue;
        bool better = best == nullptr;
        if (!better && entry.target->held_back() != best->target->held_back()) {
            better = best->target->held_back();
        } else if (!better) {
            better = entry.size() < best->size();
        }
        if (better) best = &entry;
    }
    return best;
}

// ---- the path: who waits for whom

// One step: `from` waits for room at the port of `to`, or, backwards, `to` has nothing at the port as
// long as `from` brings nothing.
struct Hop {
    const Actor* waits;
    const Actor* at;   // for whom
    String text;
    std::size_t before;  // the step that led to who waits; that of the start is itself
};
constexpr std::size_t no_step = SIZE_MAX;

String out_of(const Actor& from, const Connection& by) {
    return concat(from.id, ".", from.outport_name(by.outport));
}
String into(const Connection& by) {
    return concat(by.target->id, ".", by.target->component->inports[by.inport].name);
}

// Looks for the shortest way from the owner of the full port to one of those who wait for it.
class PathSearch {
public:
    PathSearch(const Group& group, const Blocked& full) : group_(group), full_(full) {}

    // The whole circle, or nothing.
    String find() {
        visit(full_.target, nullptr, {}, no_step);
        for (std::size_t i = 0; i < steps_.size() && end_ == no_step; ++i) follow(i);
        if (end_ == no_step) return {};
        String text;
        const Actor& last = *steps_[end_].at;
        for (const auto& port : last.outports) {
            for (const Connection& by : port) {
                bool full = by.target == full_.target && by.inport == full_.port;
                if (full && text.empty()) text = concat(out_of(last, by), " -> ", into(by));
            }
        }
        Vector<std::size_t> way;
        for (std::size_t at = end_; steps_[at].before != no_step; at = steps_[at].before) {
            way.push_back(at);
        }
        while (!way.empty()) {
            append(text, concat(", ", steps_[way.back()].text));
            way.pop_back();
        }
        return text;
    }

private:
    [[gnu::cold]] void visit(const Actor* at, const Actor* waits, String text, std::size_t before) {
        if (end_ != no_step || steps_.size() >= limits::stall_path_count) return;
        for (const Hop& step : steps_) {
            if (step.at == at) return;
        }
        steps_.push_back({waits, at, std::move(text), before});
        const auto& senders = full_.senders;
        if (std::find(senders.begin(), senders.end(), at) != senders.end()) {
            end_ = steps_.size() - 1;
        }
    }

    void follow(std::size_t number) {
        const Actor& waits = *steps_[number].at;
        if (!waits.held_back()) return follow_up(waits, number);
        for (const auto& port : waits.outports) {
            for (const Connection& by : port) {
                // What is to be dealt waits for any of the targets.
                const Dealer* deals = waits.dealer(by.outport);
                // A timer may wake it at this moment: its queues may move, while this stays.
                bool waits_here = by.listed || (deals != nullptr && deals->queue.listed);
                if (by.target == nullptr || !waits_here) continue;
                visit(by.target, &waits, concat(out_of(waits, by), " -> ", into(by)), number);
            }
        }
    }

    // Waits for a partner of what it has: whoever could bring it.
    void follow_up(const Actor& waits, std::size_t number) {
        for (const Actor* from : group_.actors) {
            for (const auto& port : from->outports) {
                for (const Connection& by : port) {
                    if (by.target != &waits || waits.mailbox.waiting(by.inport) != 0) continue;
                    visit(from, &waits, concat(into(by), " <- ", out_of(*from, by)), number);
                }
            }
        }
    }

    const Group& group_;
    const Blocked& full_;
    Vector<Hop> steps_;
    std::size_t end_ = no_step;
};

String describe(const Blocked& full, std::string_view why, std::string_view path) {
    String bytes;
    if (full.full.of_bytes) {
        bytes = concat(full.full.bytes, " bytes (capacity_bytes ", full.full.capacity, ") in ");
    }
    return concat("every actor that could go on waits for a full port; port '",
                  full.target->component->inports[full.port].name, "' of node '", full.target->id,
                  "' holds ", bytes, full.full.packets,
                  full.full.packets == 1 ? " packet, " : " packets, ", why,
                  path.empty() ? "" : ": ", path);
}

// By stalls, beyond what the graph says, of the ports that are there.
std::uint64_t growth_of(const Group& group) noexcept {
    std::uint64_t sum = 0;
    for (const Actor* actor : group.actors) sum += actor->mailbox.growth();
    return sum;
}

}  // namespace

// Counts it, and decides whether it is told.
void Group::begin_stall() {
    auto stall = std::unique_ptr<Stall>(new Stall);
    stall->number = ++stalls_;
    std::uint64_t second = scheduler.clock().now_ns() / 1'000'000'000;
    if (std::exchange(told_second_, second) != second) told_in_it_ = 0;
    stall->tell = observer.wants(REFLOW_EVENT_NETWORK_STALLED) &&
                  told_in_it_ < REFLOW_MAX_STALL_EVENTS;
    if (stall->tell) ++told_in_it_;
    told_ = std::move(stall);
}

// Artificial deadlocks of bounded queues are resolved by enlarging the smallest full one:
// T. M. Parks, Bounded Scheduling of Process Networks, UC Berkeley 1995, section 4.
// False if there was no memory to find out: nothing has been done then.
[[gnu::cold]] bool Group::resolve_stall() noexcept try {
    Vector<Blocked> blocked = collect_blocked(*this);
    host_reads_ = mark_host_blocked(*this, blocked);
    // A host that has just taken from a full reader became active before its senders left the
    // list there: if it did, what we have seen may be no stall.
    if (active() || release_where_room(blocked)) return true;
    const Blocked* full = choose(blocked);
    if (full == nullptr) return true;  // the host has to read
    begin_stall();
    Stall& stall = *told_;
    std::uint64_t grown = on_stall == StallPolicy::grow ? growth_of(*this) : max_growth_;
    std::uint64_t left = max_growth_ - std::min(grown, max_growth_);
    std::uint32_t by = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({full->size(), left, UINT32_MAX - full->size()}));
    std::uint64_t bytes = full->bytes_for(by);
    bool drops = on_stall == StallPolicy::drop_oldest;
    bool fails = by == 0 && !drops;
    if (stall.tell || fails) {
        stall.target = Ref<const Actor>::share(full->target);
        stall.port = full->port;
        stall.path = PathSearch(*this, *full).find();
        String why = drops   ? String("and loses the older half (on_stall)")
                     : !fails ? concat("and is enlarged by ", bytes != 0 ? bytes : by,
                                       bytes != 0 ? " bytes" : "")
                     : on_stall == StallPolicy::fail
                         ? String("and on_stall is \"fail\"")
                         : concat("and ports may grow by ", max_growth_,
                                      " packets in all (max_growth)");
        stall.text = describe(*full, why, stall.path);
    }
    if (fails) {
        stall_text_ = stall.text;
        stall.tell = true;
        failed_.store(true, std::memory_order_release);
        return true;
    }
    Released released;
    Mailbox& mailbox = full->target->mailbox;
    if (drops) {
        stall.what = REFLOW_STALL_DROPPED;
        stall.amount = mailbox.relieve(full->port, stall.dropped, released);
    } else if (mailbox.grow(full->port, by, released, bytes)) {
        stall.what = REFLOW_STALL_GREW;
        stall.amount = mailbox.capacity(full->port);
        if (bytes != 0) stall.bytes = full->full.capacity + bytes;
    }
    if (stall.amount == 0) told_ = nullptr;
    for (Actor* sender : released) sender->release();
    return true;
} catch (const std::bad_alloc&) {
    if (told_ != nullptr) {
        --stalls_;
        if (told_->tell) --told_in_it_;
        told_ = nullptr;
    }
    return false;
}

// Without the lock, with a guard.
void Group::tell(std::unique_ptr<Stall> stall) noexcept {
    if (stall->tell) observer.stalled(*stall);
}

String Group::describe_stream_stall() const {
    String text;
    std::size_t shown = 0;
    for (const Actor* actor : actors) {
        const Tether* tether = actor->tether();
        if (tether == nullptr || !tether->waits_for_room()) continue;
        if (shown == 8) return text + ", ...";
        append(text, concat(shown++ == 0 ? "" : ", ", "node '", actor->id, "'"));
    }
    append(text, " waits for room in a stream, and nothing goes on that would read it");
    return text;
}

void Group::tell_stream_stall() noexcept try {
    Stall stall;
    stall.what = REFLOW_STALL_STREAMS;
    stall.text = describe_stream_stall();
    observer.stalled(stall);
} catch (const std::bad_alloc&) {
    Stall stall;
    stall.what = REFLOW_STALL_STREAMS;
    observer.stalled(stall);
}

}  // namespace reflow::runtime
