// Snapshots into files and back, once and on an interval.
// Thread: see checkpoint.hpp and network.hpp.
#include "network/checkpoint.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "network/network.hpp"

namespace reflow::network {

Checkpointer::Checkpointer(Network& network, Runtime& runtime, std::string_view path,
                           std::uint32_t keep, std::uint64_t interval_ms, std::int64_t timeout_ms)
    : network_(network),
      runtime_(runtime),
      group_(runtime.scheduler(), runtime, *this, 0),
      path_(path),
      keep_(keep),
      interval_ns_(interval_ms * 1'000'000),
      timeout_ms_(timeout_ms) {
    auto component = make_ref<runtime::Component>();
    component->id = "checkpoint";
    component->run = run;
    component->user_data = this;
    component->blocking = true;
    actor_.reset(new (component, component->id)
                     runtime::Actor(group_, component, component->id, Message(), 1));
    actor_->state = this;
    // Its timer needs no memory later.
    actor_->extras().timers.reset(new runtime::ActorTimers(*actor_));
    group_.actors.push_back(actor_.get());
}

Checkpointer::~Checkpointer() = default;

void Checkpointer::begin() noexcept {
    group_.from_outside([this] {
        std::uint64_t now = runtime_.scheduler().clock().now_ns();
        runtime_.scheduler().arm(actor_->timers()->wake, now + interval_ns_);
    });
}

reflow_status Checkpointer::run(reflow_context* context, void* self, reflow_packet*, std::size_t) {
    static_cast<Checkpointer*>(self)->write(*context);
    return REFLOW_OK;
}

// On a thread beside the workers: to wait for them is no deadlock, so the callback does not count
// as one of theirs.
void Checkpointer::write(reflow_context& context) {
    reflow_network_state before = network_.state();
    if (before > REFLOW_NETWORK_RUNNING) return;
    if (before == REFLOW_NETWORK_RUNNING) {
        struct Back {
            ~Back() { host_log() = inside; }
            const HostLog* inside;
        } back{std::exchange(host_log(), nullptr)};
        String why;
        try {
            Result<void> written = network_.snapshot_file(path_, keep_, timeout_ms_);
            if (!written.ok()) why = written.error().describe();
        } catch (const std::bad_alloc&) {
            why = "no memory";  // short enough to need none
        }
        // What ends with the network is no failure.
        if (network_.state() > REFLOW_NETWORK_RUNNING) return;
        if (!why.empty()) {
            context.log(REFLOW_LOG_ERROR, concat("no checkpoint was written: ", why));
            network_.tell_failed_checkpoint(std::move(why));
        }
    }
    (void)context.wake_after(interval_ns_);
}

// The network is there: its handle, or the reference that is taken here, keeps it.
void Checkpointer::end() noexcept {
    bool inside = runtime::current_scheduler() == &runtime_.scheduler();
    bool before = false;
    group_.publish([&] {
        before = std::exchange(ending_, true);
        if (before || !inside) return;
        holds_network_ = true;
        network_.ref();
    });
    if (!before) group_.request_stop();
    if (inside) return;
    while (group_.wait(REFLOW_FOREVER, [this] { return stopped_; }) != REFLOW_OK) {
    }
}

void Checkpointer::stopped() {
    // Who waits for this ends it as soon as it is told; without anybody the network is let go here.
    Ref<Runtime> runtime;
    Network& network = network_;
    bool holds = false;
    group_.publish([&] {
        stopped_ = true;
        holds = holds_network_;
        if (holds) runtime = Ref<Runtime>::share(&runtime_);  // ends after the network
    });
    if (holds) network.unref();  // may end this
}

// ---- of a network

Result<void> Network::snapshot_file(std::string_view path, std::uint32_t keep,
                                    std::int64_t timeout_ms) {
    Store* files = runtime_->files();
    if (files == nullptr) return Failure(REFLOW_ERROR_UNSUPPORTED, "the runtime has no files");
    Result<Message> taken = snapshot(timeout_ms);
    if (!taken.ok()) return taken.take_error();
    String bytes;
    if (Result<void> made = codec::write_msgpack(bytes, taken.value()); !made.ok()) return made;
    if (keep != 0) {
        if (Result<void> kept = files->keep_versions(path, keep); !kept.ok()) return kept;
    }
    return files->write_durable(path, bytes);
}

void Network::tell_failed_checkpoint(String why) noexcept {
    auto event = new_event(REFLOW_EVENT_CHECKPOINT_FAILED);
    if (event) event->error = std::move(why);
    post(event);
}

Result<void> Network::restore_file(std::string_view path, const Makers& makers) {
    Store* files = runtime_->files();
    if (files == nullptr) return Failure(REFLOW_ERROR_UNSUPPORTED, "the runtime has no files");
    Result<String> bytes = files->read_file(path, limits::read_bytes);
    if (!bytes.ok()) return bytes.take_error();
    Result<Message> read = codec::read_msgpack(bytes.value());
    Result<void> restored = read.ok() ? restore(read.value(), makers) : Result<void>(read.take_error());
    if (!restored.ok() && restored.error().file.empty()) restored.error().file = path;
    return restored;
}

Result<void> Network::begin_checkpoints(std::string_view path, std::uint32_t keep,
                                        std::uint64_t interval_ms, std::int64_t timeout_ms) {
    if (!runtime_->scheduler().threaded()) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "checkpoints on an interval need a runtime with threads")
            .hint("take snapshots with reflow_network_snapshot_file");
    }
    if (state() > REFLOW_NETWORK_RUNNING) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network drains or has stopped");
    }
    if (Result<void> ended = end_checkpoints(); !ended.ok()) return ended;
    auto* made = new Checkpointer(*this, *runtime_, path, keep, interval_ms, timeout_ms);
    checkpointer_.reset(made);
    made->begin();
    return {};
}

Result<void> Network::end_checkpoints() {
    if (on_own_thread()) return waited(REFLOW_ERROR_WOULD_DEADLOCK, "ending checkpoints");
    if (checkpointer_ == nullptr) return {};
    Visit visit(*this);
    checkpointer_->end();
    checkpointer_.reset();
    return {};
}

}  // namespace reflow::network
