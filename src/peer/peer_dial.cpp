// What a peer dials, and dials again. Neighbours: peer.cpp (links), peer_discovery.cpp (what discovery finds).
// Thread: see peer.hpp.
#include <algorithm>
#include <chrono>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "peer/limits.hpp"
#include "peer/peer.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

constexpr std::string_view disconnected_word = "disconnected";

}  // namespace

String reason_of(reflow_status status, std::string_view reason) {
    if (!reason.empty()) return String(reason);
    return status == REFLOW_OK ? String("closed") : String(status_name(status));
}

Result<void> Peer::dial(const Ref<Target>& target) {
    auto link = make_ref<Link>(static_cast<LinkOwner&>(*this), options_.link, true, target->endpoint);
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return Failure(REFLOW_ERROR_CLOSED, "the peer stops");
        auto counts = [](const Ref<Link>& one) {
            return one->dialled() || one->stage() == Stage::open;
        };
        auto count = std::count_if(links_.begin(), links_.end(), counts);
        if (static_cast<std::size_t>(count) >= options_.max_connections) {
            return Failure(REFLOW_ERROR_LIMIT, concat("too many connections: max_connections is ",
                                                      options_.max_connections));
        }
        links_.push_back(link);
        target->link = link;
    }
    Result<Ref<io::Wire>> wire = wires_.dial(target->address, options_.wire, *link);
    if (!wire.ok()) {
        std::lock_guard lock(mutex_);
        std::erase(links_, link);
        target->link = nullptr;
        return wire.take_error();
    }
    link->attach(std::move(wire).take());
    return {};
}

Result<Identity> Peer::connect(std::string_view endpoint, std::int64_t timeout_ms) {
    Result<io::WireAddress> address = io::WireAddress::parse(endpoint);
    if (!address.ok()) return address.take_error();
    // The other side would refuse a link to a peer that it has one to.
    Vector<Ref<Link>> departing;
    {
        std::lock_guard lock(mutex_);
        departing.swap(departing_);
    }
    for (const Ref<Link>& link : departing) link->close(io::WIRE_NORMAL, disconnected_word);
    Result<void> dialled;
    Ref<Target> target = join(address.value());  // which discovery has led to
    if (!target) {
        target = make_ref<Target>();
        target->endpoint = endpoint;
        target->address = std::move(address).take();
        {
            std::lock_guard lock(mutex_);
            targets_.push_back(target);
        }
        dialled = dial(target);
    }
    std::unique_lock lock(mutex_);
    bool in_time = true;
    if (dialled.ok()) {
        in_time = changed_.wait_for(lock, std::chrono::milliseconds(waiting_ms(timeout_ms)),
                                    [&] { return target->done; });
        if (in_time && target->identity) {
            std::erase(not_dialled_, target->identity->network_id);
            return *target->identity;
        }
    }
    std::erase(targets_, target);
    Ref<Link> link = std::exchange(target->link, nullptr);
    reflow_status status = target->status;
    String reason = target->reason;
    lock.unlock();
    if (!dialled.ok()) return dialled.take_error();
    if (link) link->cut();
    if (!in_time) {
        return Failure(REFLOW_ERROR_TIMEOUT,
                       concat("no link to ", endpoint, " within ", timeout_ms, " ms"));
    }
    return Failure(status, reason_of(status, reason));
}

// Who waits in connect() for a target that is dialled no more gets the reason.
void Peer::end_wait_locked(Target& target, reflow_status status, std::string_view reason) {
    if (std::exchange(target.done, true)) return;
    target.identity.reset();
    target.status = status;
    target.reason = reason;
}

Result<void> Peer::disconnect(std::string_view network_id) {
    Vector<Ref<Link>> all;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Link>& link : links_) {
            if (link->open_to(network_id)) all.push_back(link);
        }
        std::size_t before = targets_.size();
        std::erase_if(targets_, [&](const Ref<Target>& target) {
            bool ends = target->identity && target->identity->network_id == network_id;
            if (ends) end_wait_locked(*target, REFLOW_ERROR_CLOSED, "disconnected meanwhile");
            return ends;
        });
        if (all.empty() && before == targets_.size()) {
            return Failure(REFLOW_ERROR_NOT_FOUND, concat("No connection to network: ", network_id));
        }
        std::erase(not_dialled_, network_id);
        not_dialled_.emplace_back(network_id);
    }
    changed_.notify_all();
    for (const Ref<Link>& link : all) {
        link->hush();
        bid_farewell({link, UINT64_MAX, now_ns(), now_ns() + limits::peer_farewell_ns});
    }
    return {};
}

// It carries nothing more, and stays as long as the other side tells within a heartbeat that more of what was sent has
// been taken.
void Peer::bid_farewell(Farewell of) {
    constexpr std::uint64_t look_ns = 5'000'000;
    const Ref<Link> link = of.link;
    if (link->stage() != Stage::open) return;
    const std::uint64_t open = link->confirms() ? link->counts().unconfirmed : 0, now = now_ns();
    if (std::exchange(of.open, open) > open) of.moved_ns = now;
    const bool stands = now - of.moved_ns > options_.link.heartbeat_ns;
    {
        std::lock_guard lock(mutex_);
        auto found = std::find(departing_.begin(), departing_.end(), link);
        const bool known = found != departing_.end();
        if (open != 0 && !stands && now < of.end_ns) {
            if (!known) departing_.push_back(link);
        } else {
            if (known) departing_.erase(found);
            of.link = {};
        }
    }
    if (!of.link) return link->close(io::WIRE_NORMAL, disconnected_word);
    later(look_ns, [this, of] { bid_farewell(of); });
}

void Peer::plan_attempt(const Ref<Target>& target) {
    std::uint64_t delay = options_.reconnect_first_ns;
    for (std::uint32_t i = 1; i < target->attempt && delay < options_.reconnect_most_ns; ++i) {
        delay *= 2;
    }
    later(std::min(delay, options_.reconnect_most_ns), [this, target] { attempt(target); });
}

void Peer::attempt(const Ref<Target>& target) {
    {
        std::lock_guard lock(mutex_);
        bool wanted = std::find(targets_.begin(), targets_.end(), target) != targets_.end();
        if (stopping_ || !wanted || serves_locked(target)) return;
    }
    Result<void> dialled = dial(target);
    if (dialled.ok()) return;
    // As if the wire had ended at once.
    after_failure(target, dialled.error().status, dialled.error().message, false);
}

// A link that was dialled has ended, or an attempt has failed.
void Peer::after_failure(const Ref<Target>& target, reflow_status status,
                         std::string_view reason, bool final) {
    PeerEvent event;
    {
        std::lock_guard lock(mutex_);
        bool wanted = std::find(targets_.begin(), targets_.end(), target) != targets_.end();
        if (stopping_ || !wanted || !target->identity) return;
        event.remote = *target->identity;
        event.endpoint = target->endpoint;
        event.status = status;
        event.reason = reason;
        event.attempt = target->attempt;
        target->reason = reason_of(status, reason);
        bool last = target->attempt >= options_.reconnect_attempts && !options_.reconnect_forever;
        bool over = last || final;
        event.kind = over ? PeerEventKind::gave_up : PeerEventKind::reconnecting;
        if (over) {
            std::erase(targets_, target);
            end_wait_locked(*target, status, reason);
        } else {
            ++target->attempt;
        }
    }
    const String& id = event.remote.network_id;
    if (event.attempt != 0) {
        String of = options_.reconnect_forever ? String() : concat("/", options_.reconnect_attempts);
        log(REFLOW_LOG_WARN, concat("Reconnect attempt ", event.attempt, of, " for ", id,
                                    " failed: ", reason_of(status, reason)));
    }
    if (event.kind == PeerEventKind::gave_up) {
        log(REFLOW_LOG_ERROR, concat("Reconnect to ", id, " (endpoint ", event.endpoint,
                                     ") gave up after ", event.attempt,
                                     event.attempt == 1 ? " attempt" : " attempts"));
    }
    changed_.notify_all();
    if (listener_) listener_(event);
    if (event.kind == PeerEventKind::reconnecting) plan_attempt(target);
}

}  // namespace reflow::peer
