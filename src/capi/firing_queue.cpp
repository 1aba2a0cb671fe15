// Section 8 of reflow.h: firings that a host pulls. The component that waits in the engine keeps
// each firing open and puts it into a queue; all it does is done through the C interface itself.
// Neighbours: component, completion. Thread: any.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>

#include "base/queue.hpp"
#include "base/told.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "message/envelope.hpp"
#include "runtime/host_wait.hpp"
#include "runtime/scheduler.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

// One life of an actor, shared by its firings.
struct PulledActor : RefCounted<PulledActor> {
    std::uint64_t number = 0;
    String component;
    String node;
    Message config;
    bool began = false;             // the first call without inputs has come
    std::atomic<bool> more{false};  // the host has asked for another one
};

}  // namespace

struct reflow_firing : Allocated {
    reflow_firing_kind kind = REFLOW_FIRING_RUN;
    Ref<PulledActor> actor;
    reflow_completion completion{0};

    reflow_firing() = default;
    reflow_firing(const reflow_firing&) = delete;
    reflow_firing& operator=(const reflow_firing&) = delete;
    ~reflow_firing() {
        for (const reflow_packet& packet : inputs()) {
            reflow_message_unref(packet.message);
            reflow_message_unref(envelope_at(packet.envelope).raw());
        }
    }
    [[nodiscard]] std::span<const reflow_packet> inputs() const noexcept {
        return several_.empty() ? std::span(&one_, count_) : std::span(several_);
    }
    // Once; they are shared.
    void keep(std::span<const reflow_packet> packets) {
        if (packets.size() > 1) several_.resize(packets.size());
        reflow_packet* to = several_.empty() ? &one_ : several_.data();
        for (const reflow_packet& packet : packets) {
            *to = packet;
            (void)reflow_message_ref(envelope_at(packet.envelope).raw());
            (to++)->message = reflow_message_ref(packet.message);
        }
        count_ = packets.size();
    }

private:
    std::size_t count_ = 0;
    reflow_packet one_{};  // most firings have one, and need no more memory for it
    Vector<reflow_packet> several_;
};

namespace {

using FiringPtr = std::unique_ptr<reflow_firing>;
using Firings = Queue<reflow_firing*>;  // which it owns

// What a queue shares with its components, which outlive it.
class FiringQueue : public RefCounted<FiringQueue> {
public:
    ~FiringQueue() {
        while (!waiting_.empty()) delete waiting_.pop();
    }
    // Takes them all, and wakes who waits for some. False if it is closed; they are then still the
    // caller's, as when memory runs out.
    [[nodiscard]] bool push(runtime::Scheduler& scheduler, Firings& firings) {
        bool waited_for = false;
        {
            std::lock_guard lock(mutex_);
            if (closed_) return false;
            waiting_.reserve(firings.size());
            waiting_.move_from(firings, firings.size());
            waited_for = pullers_ != 0;  // who comes later looks first
        }
        if (waited_for) wake(scheduler);
        readable.tell();
        return true;
    }
    [[nodiscard]] bool closed() {
        std::lock_guard lock(mutex_);
        return closed_;
    }
    void close(runtime::Scheduler& scheduler) noexcept;
    // Waits until something is there and takes it; *count is not 0 with REFLOW_OK.
    reflow_status take(runtime::Scheduler& scheduler, std::span<reflow_firing*> to,
                       std::int64_t timeout_ms, std::size_t& count);

    Told readable;  // after each push, and the close

private:
    void wake(runtime::Scheduler& scheduler) noexcept {
        changed_.notify_all();
        scheduler.interrupt();
    }
    std::mutex mutex_;  // guards all below; nothing is called under it
    std::condition_variable changed_;
    Firings waiting_;
    std::size_t pullers_ = 0;  // that wait
    bool closed_ = false;
};

void FiringQueue::close(runtime::Scheduler& scheduler) noexcept {
    Firings left;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        left.swap(waiting_);
    }
    wake(scheduler);
    while (!left.empty()) {
        FiringPtr firing(left.pop());
        if (firing->kind != REFLOW_FIRING_RUN) continue;
        (void)reflow_completion_fail(firing->completion, REFLOW_ERROR_CLOSED,
                                     to_view("the queue of firings is closed"), to_view(""));
    }
    readable.tell();
}

reflow_status FiringQueue::take(runtime::Scheduler& scheduler, std::span<reflow_firing*> to,
                                std::int64_t timeout_ms, std::size_t& count) {
    const bool inside = runtime::current_scheduler() == &scheduler;
    const std::uint64_t deadline = runtime::deadline_of(scheduler, timeout_ms);
    while (count == 0) {
        std::unique_lock lock(mutex_);
        auto something = [&] { return closed_ || !waiting_.empty(); };
        if (!something()) {
            if (timeout_ms == 0) return REFLOW_ERROR_WOULD_BLOCK;
            if (inside) return REFLOW_ERROR_WOULD_DEADLOCK;
            ++pullers_;
            reflow_status status = runtime::host_wait(
                scheduler, lock, changed_, deadline, [] { return false; }, something);
            --pullers_;
            if (status != REFLOW_OK) return status;
        }
        if (closed_) return REFLOW_ERROR_CLOSED;
        std::size_t taken = std::min(to.size(), waiting_.size());
        for (std::size_t i = 0; i < taken; ++i) to[i] = waiting_.pop();
        lock.unlock();
        // Work that nobody waits for any more is not handed out.
        for (std::size_t i = 0; i < taken; ++i) {
            FiringPtr firing(std::exchange(to[i], nullptr));
            bool over = firing->kind == REFLOW_FIRING_RUN &&
                        reflow_completion_cancelled(firing->completion);
            if (!over) to[count++] = firing.release();
        }
    }
    return REFLOW_OK;
}

// Numbers of actors, over all queues of the process.
std::atomic<std::uint64_t> actor_numbers{0};

// The user data of a registered component.
struct PulledComponent : Allocated {
    Ref<FiringQueue> queue;
    runtime::Scheduler* scheduler = nullptr;  // of the runtime that has the component
    String id;
    std::size_t firing_size = 1;      // packets of a firing
    reflow_state_fn setup = nullptr;  // of the host, with its user data as state
    reflow_state_fn finish = nullptr;
    reflow_teardown_fn teardown = nullptr;
    network::HostData host;
};

// The state of a node.
struct PulledState : Allocated {
    PulledComponent* component = nullptr;
    Ref<PulledActor> actor;
    FiringPtr end;  // made beforehand, since the end must not fail
    Firings kept;   // of the call that goes on, on their way to the queue: it keeps its memory

    // Ends what has not come into the queue, when the call is over.
    struct Rest {
        ~Rest() {
            while (!kept.empty()) delete kept.pop();
        }
        Firings& kept;
    };
};

reflow_status create_pulled(reflow_context* context, void* user_data, void** state) {
    return guarded_status([&] {
        auto* component = static_cast<PulledComponent*>(user_data);
        auto made = std::unique_ptr<PulledState>(new PulledState);
        made->component = component;
        made->actor = make_ref<PulledActor>();
        made->actor->number = actor_numbers.fetch_add(1, std::memory_order_relaxed) + 1;
        made->actor->component = component->id;
        made->actor->node = view_of(reflow_context_node(context));
        made->actor->config = MessageRef(reflow_context_config(context)).own();
        made->end = FiringPtr(new reflow_firing);
        made->end->kind = REFLOW_FIRING_END;
        made->end->actor = made->actor;
        *state = made.release();
        return REFLOW_OK;
    });
}

void destroy_pulled(void* state) {
    std::unique_ptr<PulledState> ended(static_cast<PulledState*>(state));
    PulledComponent& component = *ended->component;
    try {
        Firings one;
        one.push(ended->end.get());
        if (component.queue->push(*component.scheduler, one)) (void)ended->end.release();
    } catch (const std::bad_alloc&) {  // the host keeps what it has for that actor a while longer
    }
}

// Keeps one firing open.
reflow_status keep_firing(reflow_context* context, PulledState& state, std::size_t number,
                          std::span<const reflow_packet> inputs) {
    auto firing = FiringPtr(new reflow_firing);
    firing->actor = state.actor;
    firing->keep(inputs);
    reflow_status status = reflow_context_defer(context, number, &firing->completion);
    if (status != REFLOW_OK) return status;
    state.kept.push(firing.get());
    (void)firing.release();
    return REFLOW_OK;
}

reflow_status run_source(reflow_context* context, PulledState& state) {
    PulledActor& actor = *state.actor;
    if (std::exchange(actor.began, true) && !actor.more.exchange(false)) return REFLOW_OK;
    reflow_status status = reflow_context_again(context);
    return status == REFLOW_OK ? keep_firing(context, state, 0, {}) : status;
}

reflow_status run_pulled(reflow_context* context, void* user_state, reflow_packet* inputs,
                         std::size_t count) {
    return guarded_status([&] {
        PulledState& state = *static_cast<PulledState*>(user_state);
        PulledComponent& component = *state.component;
        const std::size_t size = component.firing_size;
        PulledState::Rest rest{state.kept};
        reflow_status status =
            count == 0 ? run_source(context, state) : reflow_status{REFLOW_OK};
        for (std::size_t i = 0; status == REFLOW_OK && i < count / size; ++i) {
            status = keep_firing(context, state, i, {inputs + i * size, size});
        }
        const std::size_t kept = state.kept.size();
        if (kept == 0) return status;
        if (!component.queue->push(*component.scheduler, state.kept)) {
            return reflow_context_fail(context, REFLOW_ERROR_CLOSED,
                                       to_view("the queue of firings is closed"), to_view(""));
        }
        if (status != REFLOW_OK) (void)reflow_context_advance(context, kept);
        return status;
    });
}

PulledComponent& component_of(void* user_state) {
    return *static_cast<PulledState*>(user_state)->component;
}
reflow_status setup_pulled(reflow_context* context, void* user_state) {
    return component_of(user_state).setup(context, component_of(user_state).host.get());
}
reflow_status finish_pulled(reflow_context* context, void* user_state) {
    return component_of(user_state).finish(context, component_of(user_state).host.get());
}
void teardown_pulled(reflow_context* context, void* user_state) {
    component_of(user_state).teardown(context, component_of(user_state).host.get());
}

void end_component(void* user_data) { delete static_cast<PulledComponent*>(user_data); }

Result<void> check_callbacks(const reflow_component& component) {
    const struct {
        bool given;
        std::string_view name;
    } callbacks[] = {{component.create != nullptr, "create"},
                     {component.run != nullptr, "run"},
                     {component.destroy_state != nullptr, "destroy_state"},
                     {component.save != nullptr, "save"},
                     {component.load != nullptr, "load"}};
    for (const auto& callback : callbacks) {
        if (!callback.given) continue;
        return Failure(
            REFLOW_ERROR_INVALID_ARGUMENT,
            concat("component->", callback.name, " is given, and its firings are pulled"));
    }
    return {};
}

// What the engine gets in place of the host's component.
reflow_component replaced(reflow_component component, PulledComponent* pulled) {
    const bool source =
        component.inport_count == 0 || (component.flags & REFLOW_COMPONENT_SOURCE) != 0;
    component.struct_size = sizeof component;
    if (source) component.max_concurrency = 1;
    component.max_concurrency = std::max<std::uint32_t>(component.max_concurrency, 1);
    if (component.max_batch == 0) component.max_batch = component.max_concurrency;
    component.flags |= REFLOW_COMPONENT_STATELESS;  // a snapshot needs nothing of ours
    component.create = create_pulled;
    component.run = run_pulled;
    component.destroy_state = destroy_pulled;
    if (component.setup != nullptr) component.setup = setup_pulled;
    if (component.finish != nullptr) component.finish = finish_pulled;
    if (component.teardown != nullptr) component.teardown = teardown_pulled;
    component.user_data = pulled;
    component.destroy = end_component;
    return component;
}

}  // namespace

struct reflow_firing_queue : Allocated {
    Ref<network::Runtime> runtime;
    Ref<FiringQueue> queue;
};

namespace {

Result<void> usable(const reflow_firing_queue* queue) {
    if (queue == nullptr) return null_argument("queue");
    return of_this_process(queue->runtime->forked());
}

}  // namespace

extern "C" {

reflow_status reflow_firing_queue_create(reflow_runtime* runtime, reflow_firing_queue** out,
                                         reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = capi::usable(runtime); !fine.ok()) return fine;
        auto made = std::unique_ptr<reflow_firing_queue>(new reflow_firing_queue);
        made->runtime = Ref<network::Runtime>::share(runtime_of(runtime));
        made->queue = make_ref<FiringQueue>();
        *out = made.release();
        return {};
    });
}

reflow_status reflow_firing_queue_register(reflow_firing_queue* queue,
                                           const reflow_component* component,
                                           reflow_error** error) {
    network::HostData host;
    reflow_component engine_side{};
    reflow_status status = guarded(error, [&]() -> Result<void> {
        if (component == nullptr) return null_argument("component");
        Result<reflow_component> read = read_options(component, "reflow_component");
        reflow_component known = read.ok() ? read.value() : known_fields(component);
        host = network::HostData(known.user_data, known.destroy);
        if (!read.ok()) return read.take_error();
        if (Result<void> fine = ::usable(queue); !fine.ok()) return fine;
        if (Result<void> fine = check_callbacks(known); !fine.ok()) return fine;
        if (queue->queue->closed()) {
            return Failure(REFLOW_ERROR_CLOSED, "the queue of firings is closed");
        }
        Result<std::string_view> id = text_argument(known.id, "id");
        if (!id.ok()) return id.take_error();
        auto pulled = std::unique_ptr<PulledComponent>(new PulledComponent);
        pulled->queue = queue->queue;
        pulled->scheduler = &queue->runtime->scheduler();
        pulled->id = id.value();
        if (known.await != REFLOW_AWAIT_ANY) pulled->firing_size = known.inport_count;
        pulled->setup = known.setup;
        pulled->finish = known.finish;
        pulled->teardown = known.teardown;
        pulled->host = std::move(host);
        engine_side = replaced(known, pulled.release());
        return {};
    });
    if (status != REFLOW_OK) return status;
    // Takes the user data in any case.
    auto* runtime = reinterpret_cast<reflow_runtime*>(queue->runtime.get());
    return capi::register_component(runtime, &engine_side, true, error);
}

reflow_status reflow_firing_queue_next(reflow_firing_queue* queue, reflow_firing** firings,
                                       size_t max, int64_t timeout_ms, size_t* count,
                                       reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (count == nullptr) return null_argument("count");
        *count = 0;
        if (Result<void> fine = ::usable(queue); !fine.ok()) return fine;
        if (firings == nullptr || max == 0) return null_argument("firings");
        if (Result<void> fine = check_array(firings, max, sizeof *firings, "firings"); !fine.ok()) {
            return fine;
        }
        std::size_t taken = 0;
        reflow_status status =
            queue->queue->take(queue->runtime->scheduler(), {firings, max}, timeout_ms, taken);
        *count = taken;
        if (status == REFLOW_OK) return {};
        return Failure(status, status == REFLOW_ERROR_CLOSED ? "the queue of firings is closed"
                               : status == REFLOW_ERROR_WOULD_DEADLOCK
                                   ? "it would wait inside a callback"
                                   : "no firing");
    });
}

reflow_status reflow_firing_queue_on_readable(reflow_firing_queue* queue,
                                              reflow_readable_fn callback, void* user_data,
                                              reflow_destroy_fn destroy, reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = ::usable(queue); !fine.ok()) return fine;
        has_told(queue->queue->readable, callback, std::move(data));
        return {};
    });
}

void reflow_firing_queue_close(reflow_firing_queue* queue) {
    if (queue == nullptr || queue->runtime->forked()) return;
    queue->queue->close(queue->runtime->scheduler());
}

void reflow_firing_queue_destroy(reflow_firing_queue* queue) {
    if (queue == nullptr || queue->runtime->forked()) return;
    queue->queue->readable.set({});
    reflow_firing_queue_close(queue);
    delete queue;
}

reflow_firing_kind reflow_firing_get_kind(const reflow_firing* firing) {
    return firing == nullptr ? REFLOW_FIRING_END : firing->kind;
}

reflow_completion reflow_firing_completion(const reflow_firing* firing) {
    return firing == nullptr ? reflow_completion{0} : firing->completion;
}

uint64_t reflow_firing_actor(const reflow_firing* firing) {
    return firing == nullptr ? 0 : firing->actor->number;
}

reflow_view reflow_firing_component(const reflow_firing* firing) {
    return to_view(firing == nullptr ? std::string_view("") : firing->actor->component);
}

reflow_view reflow_firing_node(const reflow_firing* firing) {
    return to_view(firing == nullptr ? std::string_view("") : firing->actor->node);
}

reflow_message reflow_firing_config(const reflow_firing* firing) {
    if (firing == nullptr) return {};
    return firing->actor->config.raw();
}

const reflow_packet* reflow_firing_inputs(const reflow_firing* firing, size_t* count) {
    if (count != nullptr) *count = firing == nullptr ? 0 : firing->inputs().size();
    return firing == nullptr ? nullptr : firing->inputs().data();
}

reflow_status reflow_firing_again(const reflow_firing* firing) {
    if (firing == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (firing->kind != REFLOW_FIRING_RUN || !firing->inputs().empty()) {
        return REFLOW_ERROR_INVALID_STATE;
    }
    firing->actor->more.store(true);
    return REFLOW_OK;
}

void reflow_firing_destroy(reflow_firing* firing) { delete firing; }

}  // extern "C"
