// Stalls of a group: who waits for whom, and which port is enlarged. Runs only when all is quiet.
// Thread: any, under the lock of the group.
#include <algorithm>
#include <new>

#include "base/text.hpp"
#include "runtime/actor.hpp"
#include "runtime/group.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {

namespace {

struct Blocked {
    Actor* target;
    std::uint32_t port;
    std::uint32_t capacity;
    Vector<Actor*> senders;
};

// All ports with senders that are held back, those of one actor together; Actor::mark is
// the first. A sender that found room later is still in the list of the port, but is not held.
Vector<Blocked> collect_blocked(const Group& group) {
    Vector<Blocked> blocked;
    for (Actor* actor : group.actors) {
        actor->mark = static_cast<std::uint32_t>(blocked.size());
        actor->mailbox.visit_blocked(
            [&](std::uint32_t port, std::uint32_t capacity, const Vector<Actor*>& senders) {
                Blocked entry{actor, port, capacity, {}};
                for (Actor* sender : senders) {
                    if (sender->held_back()) entry.senders.push_back(sender);
                }
                if (!entry.senders.empty()) blocked.push_back(std::move(entry));
            });
    }
    return blocked;
}

// Whoever waits for the host, directly or through others, is not stalled: the host may read on.
// Returns whether somebody waits for it directly.
bool mark_host_blocked(const Group& group, const Vector<Blocked>& blocked) {
    Vector<Actor*> reached;
    auto reach = [&](const Vector<Actor*>& senders) {
        for (Actor* sender : senders) {
            if (!std::exchange(sender->host_blocked, true)) reached.push_back(sender);
        }
    };
    bool host_reads = false;
    for (Actor* actor : group.actors) actor->host_blocked = false;
    // Who waits for room in a stream gets it from its reader, and from no port that grows.
    for (Actor* actor : group.actors) {
        const Tether* tether = actor->tether();
        if (tether != nullptr && tether->waits_for_room()) reach({actor});
    }
    for (Mailbox* reader : group.readers) {
        reader->visit_blocked([&](std::uint32_t, std::uint32_t, const Vector<Actor*>& senders) {
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
            better = entry.capacity < best->capacity;
        }
        if (better) best = &entry;
    }
    return best;
}

String describe_stall(const Vector<Blocked>& blocked, const Blocked& full, std::uint64_t limit) {
    String text = concat("every actor that could go on waits for a full port; port '",
                         full.target->component->inports[full.port].name, "' of node '",
                         full.target->id, "' holds ", full.capacity,
                         " packets, and ports may grow by ", limit, " in all (max_growth): ");
    std::size_t shown = 0;
    for (const Blocked& entry : blocked) {
        for (const Actor* sender : entry.senders) {
            if (shown == 8) return text + ", ...";
            append(text, concat(shown == 0 ? "" : ", ", sender->id, " -> ", entry.target->id));
            ++shown;
        }
    }
    return text;
}

}  // namespace

// Artificial deadlocks of bounded queues are resolved by enlarging the smallest full one:
// T. M. Parks, Bounded Scheduling of Process Networks, UC Berkeley 1995, section 4.
void Group::resolve_stall() noexcept try {
    Vector<Blocked> blocked = collect_blocked(*this);
    host_reads_ = mark_host_blocked(*this, blocked);
    // A host that has just taken from a full reader became active before its senders left the
    // list there: if it did, what we have seen may be no stall.
    if (active() || release_where_room(blocked)) return;
    const Blocked* full = choose(blocked);
    if (full == nullptr) return;  // the host has to read
    std::uint64_t left = max_growth_ - growth_;
    std::uint32_t by = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({full->capacity, left, UINT32_MAX - full->capacity}));
    if (by == 0) {
        stall_text_ = describe_stall(blocked, *full, max_growth_);
        failed_.store(true, std::memory_order_release);
        return;
    }
    Released released;
    if (!full->target->mailbox.grow(full->port, by, released)) return;
    growth_ += by;
    for (Actor* sender : released) sender->release();
} catch (const std::bad_alloc&) {
    failed_.store(true, std::memory_order_release);
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
    observer.stalled(describe_stream_stall());
} catch (const std::bad_alloc&) {
    observer.stalled("streams are full, and nothing goes on that would read them");
}

}  // namespace reflow::runtime
