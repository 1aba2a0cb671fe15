// Putting a snapshot back: states that are made anew, and the start of a network that goes on.
// Neighbours: snapshot_reader.cpp has checked it. Thread: that of who restores, or starts.
#include "network/snapshot.hpp"

#include <algorithm>
#include <new>

#include "base/limits.hpp"
#include "network/network.hpp"
#include "network/snapshot_records.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::ActorImage;

Result<void> Network::restore(MessageRef from, const Makers& makers) {
    Visit alive(*this);
    if (instrument_) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records, or is replayed, begins anew and is not restored");
    }
    // Whatever is thrown, the network is as it was.
    Unstarted edit(*this);
    if (Result<void> begun = edit.begin(limits::change_ms); !begun.ok()) return begun;
    auto read = read_snapshot(*this, from, makers);
    if (!read.ok()) return read.take_error();
    std::unique_ptr<Restored> restored = std::move(read).take();
    if (Result<void> loaded = restored->load_states(runtime_->scheduler()); !loaded.ok()) return loaded;
    restored_ = std::move(restored);
    return {};
}

namespace {

// A state made anew, until all of them are.
struct Fresh {
    Actor* actor = nullptr;
    void* state = nullptr;
    bool created = false;
    std::unique_ptr<runtime::NodeState> named_state;

    Fresh() = default;
    Fresh(Fresh&& other) noexcept
        : actor(other.actor),
          state(other.state),
          created(std::exchange(other.created, false)),
          named_state(std::move(other.named_state)) {}
    ~Fresh() {
        if (!created || actor->component->destroy_state == nullptr) return;
        runtime::Context context{*actor, runtime::Phase::teardown};
        (void)runtime::shielded(context, [&] {
            actor->component->destroy_state(state);
            return REFLOW_OK;
        });
    }
    // The actor has what is fresh while its callbacks make it, and then what it had.
    void swap() noexcept { std::swap(actor->extras().named_state, named_state); }

    Result<void> make(const ActorImage& from) {
        const runtime::Component& kind = *actor->component;
        (void)actor->extras();  // memory first: swap() finds them
        swap();
        struct Back {
            ~Back() { fresh.swap(); }
            Fresh& fresh;
        } back{*this};
        state = kind.user_data;
        if (kind.create != nullptr) {
            runtime::Context context{*actor, runtime::Phase::create};
            reflow_status status = runtime::shielded(
                context, [&] { return kind.create(&context, kind.user_data, &state); });
            created = status == REFLOW_OK;
            if (!created) return runtime::result_of(context, status, "create");
        }
        actor->extras().named_state =
            from.named_state != nullptr ? from.named_state->copy() : nullptr;
        if (from.state.none()) return {};
        runtime::Context context{*actor, runtime::Phase::load};
        reflow_status status = runtime::shielded(context, [&] {
            return kind.load(&context, state, from.version, from.state.raw());
        });
        return runtime::result_of(context, status, "load");
    }
};

}  // namespace

// All states that can be loaded are made anew, so that a failure leaves those that were there.
Result<void> Restored::load_states(runtime::Scheduler& scheduler) {
    runtime::InTurn inside(scheduler);
    const auto& actors = topology->actors;
    Vector<Fresh> all;
    all.reserve(actors.size());
    for (std::size_t i = 0; i < actors.size(); ++i) {
        if (actors[i]->component->load == nullptr) {
            if (images[i].named_state != nullptr) (void)actors[i]->extras();  // memory first
            continue;
        }
        all.emplace_back();
        all.back().actor = actors[i].get();
        if (Result<void> made = all.back().make(images[i]); !made.ok()) return made;
    }
    for (std::size_t i = 0; i < actors.size(); ++i) {
        bool some = images[i].named_state != nullptr || actors[i]->named_state() != nullptr;
        if (some && actors[i]->component->load == nullptr) {
            std::swap(actors[i]->extras().named_state, images[i].named_state);
        }
    }
    for (Fresh& fresh : all) {
        std::swap(fresh.actor->state, fresh.state);
        std::swap(fresh.actor->created, fresh.created);
        fresh.swap();
    }
    return {};
}

// ---- breakpoints

Result<Ref<Breakpoint>> Network::read_breakpoint(MessageRef from, const Makers& makers) {
    BreakOptions options;
    options.node = from.get("node").text();
    options.inport = from.get("inport").text();
    options.outport = from.get("outport").text();
    options.peer = from.get("peer").text();
    options.peer_port = from.get("peer_port").text();
    options.once = from.get("once").boolean();
    options.node_only = from.get("node_only").boolean();
    std::uint64_t hits = 0, faults = 0;
    bool valid = snapshot::read_count(from.get("ignore"), options.ignore) &&
                 snapshot::read_count(from.get("hits"), hits) &&
                 snapshot::read_count(from.get("faults"), faults);
    if (!valid) return Failure(REFLOW_ERROR_PARSE, "a breakpoint has three numbers");
    if (std::string_view text = from.get("expression").text(); !text.empty()) {
        if (makers.condition == nullptr) {
            return Failure(REFLOW_ERROR_UNSUPPORTED, "this build of the library has no part 'components'");
        }
        auto condition = makers.condition(text);
        if (!condition.ok()) return condition.take_error();
        options.condition = std::move(condition).take();
    }
    Ref<Topology> all = topology();
    Result<BreakPlace> place = place_of(options, all.get());
    if (!place.ok()) return place.take_error();
    std::uint64_t number = 0;
    {
        std::lock_guard lock(mutex_);
        number = ++last_break_;
    }
    auto made = make_ref<Breakpoint>(std::uint64_t{all->tag} << 40 | number, place.value(),
                                     std::move(options));
    made->restore(hits, faults);
    return made;
}

void Network::add_restored(const Vector<Ref<Breakpoint>>& breaks) {
    if (breaks.empty()) return;
    auto next = make_ref<BreakList>();  // ends after the lock
    std::lock_guard lock(mutex_);
    if (breaks_) next->all = breaks_->all;
    for (const Ref<Breakpoint>& one : breaks) {
        // Some may have stayed from a start that failed.
        auto is_it = [&](const Ref<Breakpoint>& other) { return other.get() == one.get(); };
        if (std::none_of(next->all.begin(), next->all.end(), is_it)) next->all.push_back(one);
    }
    replace_breakpoints(next);
}

// ---- the start of a network that was restored

void Restored::apply() {
    const auto& actors = topology->actors;
    for (std::size_t i = 0; i < actors.size(); ++i) actors[i]->restore(images[i]);
    network->letters_.assign(letters);
    snapshot::load_scopes(*topology, network->runtime_->scheduler().clock().now_ns(), scopes);
    network->add_restored(breaks);
    for (const OutputImage& image : outputs) {
        for (runtime::Packet packet : image.waiting.all) {
            Message message = MessageRef(packet.message).own();
            image.output->mailbox.force(packet);
            (void)message.leak();  // the mailbox has it now
        }
    }
}

// Perhaps since memory has run out.
void Restored::forget() noexcept {
    for (const Ref<Actor>& actor : topology->actors) actor->forget();
    network->letters_.forget();
    snapshot::forget_scopes(*topology);
    for (const Ref<Breakpoint>& one : breaks) {
        try {
            (void)network->remove_breakpoint(one->id);
        } catch (const std::bad_alloc&) {
            // It stays, and is there already when the network starts.
        }
    }
    for (const OutputImage& image : outputs) image.output->mailbox.clear();
}

// Those that rest with a timer need no turn before it fires.
void Restored::launch(runtime::Scheduler& scheduler) noexcept {
    std::uint64_t now = scheduler.clock().now_ns();
    const auto& actors = topology->actors;
    for (std::size_t i = 0; i < actors.size(); ++i) {
        const ActorImage& image = images[i];
        if (image.timer_ns != UINT64_MAX) {
            constexpr std::uint64_t last = INT64_MAX;
            std::uint64_t due =
                image.timer_ns > last - std::min(now, last) ? last : now + image.timer_ns;
            scheduler.arm(actors[i]->timers()->wake, due);
        }
        for (const ActorImage::Numbered& timer : image.timers) {
            if (timer.left_ns == UINT64_MAX) continue;
            if (timer.recurrence != nullptr) {
                actors[i]->timers()->aim(timer.id);
                continue;
            }
            actors[i]->timers()->arm(timer.id, now + std::min<std::uint64_t>(timer.left_ns, INT64_MAX));
        }
        if (runtime::Supervisor* own = actors[i]->supervisor()) own->arm();
        if (Actor::has_work(image)) actors[i]->notify();
    }
}

}  // namespace reflow::network
