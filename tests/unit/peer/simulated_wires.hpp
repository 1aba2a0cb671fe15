// Wires in memory, under a clock and a chance of their own: what sockets, the system and the way between
// may do to peers, one step at a time, so that a seed is a whole history.
// Neighbours: peer_simulation_test.cpp. Thread: one runs step(); others may call hosts and wires meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "io/wire.hpp"
#include "random.hpp"

namespace reflow::testing {

class SimulatedClock final : public Clock {
public:
    [[nodiscard]] std::uint64_t now_ns() const noexcept override {
        return ns_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override {
        return 1'777'889'472'100 + static_cast<std::int64_t>(now_ns() / 1'000'000);
    }
    void advance(std::uint64_t ns) noexcept { ns_.fetch_add(ns, std::memory_order_relaxed); }

private:
    // relaxed: a time alone.
    std::atomic<std::uint64_t> ns_{1'000'000'000};
};

class Way;

// One end. All its fields are under the mutex of the way.
class SimulatedWire final : public io::Wire {
public:
    enum class Stage { dialling, waiting, open, closing, over };
    struct Piece {
        String bytes;
        bool text = false;
        bool goodbye = false;  // the close frame, whose reason is in bytes
        std::uint16_t code = 0;
    };
    SimulatedWire(Way& way, std::uint64_t which, io::WireHandler* told, const io::WireOptions& given)
        : way_(way), number(which), handler(told), options(given) {}

    void ref() noexcept override { refs_.add(); }
    void unref() noexcept override {
        if (refs_.drop()) delete this;
    }
    reflow_status send(String&& frame, bool text) override;
    void close(std::uint16_t with, std::string_view why) override;
    void cut() noexcept override;
    void read(bool wanted) noexcept override;
    [[nodiscard]] std::size_t queued_bytes() const noexcept override;
    [[nodiscard]] std::uint64_t bytes_in() const noexcept override { return 0; }
    [[nodiscard]] std::uint64_t bytes_out() const noexcept override { return 0; }
    [[nodiscard]] io::WireScheme scheme() const noexcept override { return of_scheme; }
    [[nodiscard]] String remote() const override { return "memory"; }
    [[nodiscard]] std::uint64_t frames_written() const noexcept override { return 0; }

private:
    RefCount refs_;
    Way& way_;

public:
    const std::uint64_t number;
    io::WireHandler* handler;
    const io::WireOptions options;
    Stage stage = Stage::dialling;
    std::uint16_t port = 0;          // that is dialled
    io::WireScheme of_scheme = io::WireScheme::tcp;  // fixed before anybody has it
    SimulatedWire* other = nullptr;  // while that is not over
    std::deque<Piece> queue;         // what send() took and the system has not
    std::deque<Piece> inbox;         // what the system has for this end, in order
    std::size_t queue_bytes = 0, inbox_bytes = 0;
    bool shut = false, owes = false, in_call = false, wanted = true;
    bool wish_close = false, wish_cut = false;
    bool broken = false;  // the connection is gone: what is in the inbox is the last
    bool goodbye_heard = false;
    std::uint64_t deadline_ns = UINT64_MAX;
    std::uint64_t stalled = 0;  // so many looks nothing arrives here
    std::uint16_t code = 0;
    reflow_status status = REFLOW_OK;
    String reason;
};

class SimulatedHost final : public io::WireHost {
public:
    explicit SimulatedHost(Way& way) : way_(way) {}
    ~SimulatedHost() override;
    Result<std::uint64_t> listen(std::string_view address, std::uint16_t port,
                                 const io::PortOptions& options, io::PortHandler& handler,
                                 std::uint16_t* bound) override;
    void unlisten(std::uint64_t listener) override;
    Result<Ref<io::Wire>> dial(const io::WireAddress& to, const io::WireOptions& options,
                               io::WireHandler& handler) override;
    std::uint64_t after(std::uint64_t delay_ns, std::function<void()> call) override;
    void cancel(std::uint64_t timer) noexcept override;
    void settle() override {}  // everything happens in one thread

private:
    Way& way_;
};

struct Faults {
    std::uint64_t cut = 0, stall = 0, hole = 0;  // one step in so many; 0: never
    std::uint64_t refusal = 0;                   // one dial in so many
};

class Way {
public:
    Way(SimulatedClock& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}
    ~Way() { EXPECT_TRUE(wires_.empty()); }

    Faults faults;
    std::size_t system_bytes = 4096;  // that the system takes for each direction
    // Every frame that an end was handed and has put on its way; and what was read of it.
    std::function<void(const SimulatedWire&, std::string_view frame)> on_sent;
    std::uint64_t cuts = 0, holes = 0, stalls = 0, refusals = 0, steps = 0, drains = 0;

    // Something that may happen happens. False if nothing can without the clock.
    bool step();
    // To the next timer. False if there is none.
    bool jump(std::uint64_t at_most_ns = UINT64_MAX);
    [[nodiscard]] std::size_t open_wires() const {
        std::lock_guard lock(mutex_);
        return wires_.size();
    }
    // All holes are closed.
    void heal() {
        std::lock_guard lock(mutex_);
        for (auto& wire : wires_) wire->stalled = 0;
    }
    // Everything that is connected now breaks.
    void break_all();

private:
    friend class SimulatedWire;
    friend class SimulatedHost;
    struct Timer {
        SimulatedHost* host;
        std::uint64_t number;
        std::function<void()> call;
    };
    struct Listener {
        SimulatedHost* host;
        io::PortHandler* handler;
        std::uint64_t number;
        io::WireOptions options;
    };
    using Lock = std::unique_lock<std::mutex>;
    using Stage = SimulatedWire::Stage;
    static constexpr std::uint64_t hole = UINT64_MAX;
    static constexpr std::uint64_t answer_ns = 5'000'000'000;
    bool act(const Ref<SimulatedWire>& wire, Lock& lock);
    bool read_one(const Ref<SimulatedWire>& wire, Lock& lock);
    bool connect(const Ref<SimulatedWire>& wire, Lock& lock);
    bool write_some(SimulatedWire& wire);
    void fault(SimulatedWire& wire);
    void lose_some(SimulatedWire& wire);
    void break_pair(SimulatedWire& wire);
    void finish(Ref<SimulatedWire> wire, std::uint16_t code, reflow_status status, String reason,
                Lock& lock);
    template <typename Call>
    void outside(SimulatedWire& wire, Lock& lock, Call call);

    SimulatedClock& clock_;
    mutable std::mutex mutex_;
    Random random_;
    std::vector<Ref<SimulatedWire>> wires_;  // that are not over
    std::map<std::pair<std::uint64_t, std::uint64_t>, Timer> timers_;  // due, number
    std::map<std::uint16_t, Listener> listeners_;
    std::uint64_t last_ = 0;
};

// ---- wires

inline reflow_status SimulatedWire::send(String&& frame, bool text) {
    std::lock_guard lock(way_.mutex_);
    if (shut || stage == Stage::over) return REFLOW_ERROR_CLOSED;
    if (queue_bytes != 0 && queue_bytes + frame.size() > options.queue_bytes) {
        owes = true;
        return REFLOW_ERROR_WOULD_BLOCK;
    }
    queue_bytes += frame.size();
    queue.push_back({std::move(frame), text, false, 0});
    // Who sends writes by itself if the system takes it all at once, and is told nothing then.
    if (stage == Stage::open && !in_call && queue.size() == 1 && way_.write_some(*this) &&
        queue.empty()) {
        return REFLOW_OK;
    }
    owes = true;
    return REFLOW_OK;
}

inline void SimulatedWire::close(std::uint16_t with, std::string_view why) {
    std::lock_guard lock(way_.mutex_);
    if (shut || stage == Stage::over) return;
    shut = wish_close = true;
    code = with;
    reason = why;
}
inline void SimulatedWire::cut() noexcept {
    std::lock_guard lock(way_.mutex_);
    if (stage != Stage::over) shut = wish_cut = true;
}
inline void SimulatedWire::read(bool wants) noexcept {
    std::lock_guard lock(way_.mutex_);
    wanted = wants;
}
inline std::size_t SimulatedWire::queued_bytes() const noexcept {
    std::lock_guard lock(way_.mutex_);
    return queue_bytes;
}

// ---- hosts

inline SimulatedHost::~SimulatedHost() {
    std::lock_guard lock(way_.mutex_);
    std::erase_if(way_.timers_, [&](const auto& one) { return one.second.host == this; });
    std::erase_if(way_.listeners_, [&](const auto& one) { return one.second.host == this; });
}
inline Result<std::uint64_t> SimulatedHost::listen(std::string_view, std::uint16_t port,
                                                   const io::PortOptions& options,
                                                   io::PortHandler& handler, std::uint16_t* bound) {
    std::lock_guard lock(way_.mutex_);
    if (way_.listeners_.count(port) != 0) return Failure(REFLOW_ERROR_IO, "address in use");
    std::uint64_t number = ++way_.last_;
    way_.listeners_[port] = {this, &handler, number, options.wire};
    if (bound != nullptr) *bound = port;
    return number;
}
inline void SimulatedHost::unlisten(std::uint64_t listener) {
    std::lock_guard lock(way_.mutex_);
    std::erase_if(way_.listeners_, [&](const auto& one) { return one.second.number == listener; });
}
inline Result<Ref<io::Wire>> SimulatedHost::dial(const io::WireAddress& to,
                                                 const io::WireOptions& options,
                                                 io::WireHandler& handler) {
    std::lock_guard lock(way_.mutex_);
    auto wire = Ref<SimulatedWire>::adopt(new SimulatedWire(way_, ++way_.last_, &handler, options));
    wire->port = to.port;
    wire->of_scheme = to.scheme;
    wire->deadline_ns = way_.clock_.now_ns() + options.connect_ns;
    way_.wires_.push_back(wire);
    return Ref<io::Wire>::share(wire.get());
}
inline std::uint64_t SimulatedHost::after(std::uint64_t delay_ns, std::function<void()> call) {
    std::lock_guard lock(way_.mutex_);
    std::uint64_t number = ++way_.last_;
    way_.timers_[{way_.clock_.now_ns() + delay_ns, number}] = {this, number, std::move(call)};
    return number;
}
inline void SimulatedHost::cancel(std::uint64_t timer) noexcept {
    std::function<void()> ended;
    std::lock_guard lock(way_.mutex_);
    for (auto at = way_.timers_.begin(); at != way_.timers_.end(); ++at) {
        if (at->second.number != timer) continue;
        ended.swap(at->second.call);
        way_.timers_.erase(at);
        return;
    }
}

// ---- the way between

template <typename Call>
void Way::outside(SimulatedWire& wire, Lock& lock, Call call) {
    wire.in_call = true;
    lock.unlock();
    call();
    lock.lock();
    wire.in_call = false;
}

inline bool Way::write_some(SimulatedWire& wire) {
    bool some = false;
    while (!wire.queue.empty()) {
        SimulatedWire::Piece& piece = wire.queue.front();
        SimulatedWire* to = wire.other;
        if (to != nullptr && to->inbox_bytes >= system_bytes) break;
        wire.queue_bytes -= piece.bytes.size();
        if (to != nullptr) {
            if (!piece.goodbye && on_sent) on_sent(wire, piece.bytes);
            to->inbox_bytes += piece.bytes.size();
            to->inbox.push_back(std::move(piece));
        }
        wire.queue.pop_front();
        some = true;
    }
    return some;
}

inline void Way::finish(Ref<SimulatedWire> wire, std::uint16_t code, reflow_status status,
                        String reason, Lock& lock) {
    if (wire->stage == Stage::over) return;
    wire->stage = Stage::over;
    wire->shut = true;
    wire->queue.clear();
    wire->queue_bytes = 0;
    if (SimulatedWire* other = std::exchange(wire->other, nullptr)) {
        other->other = nullptr;
        if (other->stalled != hole) {
            other->broken = true;
            // A reset takes away what was not read, or comes too late for that.
            if (code == io::WIRE_ABNORMAL) lose_some(*other);
        }
    }
    std::erase(wires_, wire);
    outside(*wire, lock, [&] { wire->handler->closed(*wire, code, status, reason); });
}

inline void Way::lose_some(SimulatedWire& wire) {
    std::size_t kept = random_.below(wire.inbox.size() + 1);
    while (wire.inbox.size() > kept) {
        wire.inbox_bytes -= wire.inbox.back().bytes.size();
        wire.inbox.pop_back();
    }
}

inline void Way::break_pair(SimulatedWire& wire) {
    for (SimulatedWire* end : {&wire, wire.other}) {
        if (end == nullptr) continue;
        lose_some(*end);
        end->broken = true;
        end->stalled = 0;
    }
    if (wire.other != nullptr) wire.other->other = nullptr;
    wire.other = nullptr;
}

inline void Way::break_all() {
    std::lock_guard lock(mutex_);
    for (auto& wire : wires_) break_pair(*wire);
}

inline void Way::fault(SimulatedWire& wire) {
    if (wire.stage != Stage::open && wire.stage != Stage::closing) return;
    if (faults.cut != 0 && random_.one_in(faults.cut)) {
        ++cuts;
        break_pair(wire);
    }
    if (faults.stall != 0 && random_.one_in(faults.stall)) {
        ++stalls;
        wire.stalled = std::max<std::uint64_t>(wire.stalled, 1 + random_.below(200));
    }
    if (faults.hole != 0 && random_.one_in(faults.hole)) {
        ++holes;
        wire.stalled = hole;
        if (wire.other != nullptr && !random_.one_in(3)) wire.other->stalled = hole;
    }
}

inline bool Way::connect(const Ref<SimulatedWire>& wire, Lock& lock) {
    auto found = listeners_.find(wire->port);
    if (found == listeners_.end() || (faults.refusal != 0 && random_.one_in(faults.refusal))) {
        ++refusals;
        finish(wire, io::WIRE_ABNORMAL, REFLOW_ERROR_REFUSED, "connection refused", lock);
        return true;
    }
    io::PortHandler* port = found->second.handler;
    auto there = Ref<SimulatedWire>::adopt(
        new SimulatedWire(*this, ++last_, nullptr, found->second.options));
    there->of_scheme = wire->of_scheme;
    there->other = wire.get();
    wire->other = there.get();
    wire->stage = Stage::waiting;
    wire->deadline_ns = UINT64_MAX;
    there->stage = Stage::open;
    io::WireHandler* handler = nullptr;
    outside(*there, lock, [&] { handler = port->accepted(*there); });
    if (handler == nullptr) {
        there->stage = Stage::over;
        wire->other = nullptr;
        wire->broken = true;
        return true;
    }
    there->handler = handler;
    wires_.push_back(there);
    outside(*there, lock, [&] { handler->opened(*there); });
    return true;
}

// One frame from the inbox.
inline bool Way::read_one(const Ref<SimulatedWire>& wire, Lock& lock) {
    if (wire->stalled != 0) {
        if (wire->stalled != hole) --wire->stalled;
        return wire->stalled != hole;
    }
    if (wire->stage == Stage::open && !wire->wanted) return false;
    if (wire->inbox.empty()) {
        if (!wire->broken) return false;
        if (wire->goodbye_heard || wire->stage == Stage::closing) {
            finish(wire, wire->code, wire->status, wire->reason, lock);
        } else {
            finish(wire, io::WIRE_ABNORMAL, REFLOW_ERROR_IO, "the other side cut it", lock);
        }
        return true;
    }
    SimulatedWire::Piece piece = std::move(wire->inbox.front());
    wire->inbox.pop_front();
    wire->inbox_bytes -= piece.bytes.size();
    if (!piece.goodbye) {
        // Who goes first hears on, until the other side's goodbye.
        const bool hears = wire->stage == Stage::open ||
                           (wire->stage == Stage::closing && !wire->goodbye_heard);
        if (!hears) return true;
        outside(*wire, lock, [&] {
            wire->handler->received(
                *wire, std::as_bytes(std::span(piece.bytes.data(), piece.bytes.size())), piece.text);
        });
        return true;
    }
    if (wire->stage != Stage::closing) {
        outside(*wire, lock, [&] { wire->handler->closing(*wire); });
        if (wire->stage == Stage::over) return true;
    }
    wire->goodbye_heard = true;
    if (wire->stage == Stage::closing) return true;
    wire->stage = Stage::closing;
    wire->shut = true;
    wire->code = piece.code;
    wire->status = REFLOW_OK;
    wire->reason = piece.bytes;
    wire->deadline_ns = clock_.now_ns() + answer_ns;
    wire->queue.push_back({{}, false, true, piece.code});
    return true;
}

inline bool Way::act(const Ref<SimulatedWire>& wire, Lock& lock) {
    if (wire->wish_cut) {
        finish(wire, io::WIRE_ABNORMAL, REFLOW_ERROR_CANCELLED, "cut on this side", lock);
        return true;
    }
    if (wire->deadline_ns <= clock_.now_ns()) {
        bool closing = wire->stage == Stage::closing;
        finish(wire, closing ? wire->code : std::uint16_t{io::WIRE_ABNORMAL},
               closing ? wire->status : reflow_status{REFLOW_ERROR_TIMEOUT}, "too late", lock);
        return true;
    }
    if (wire->stage == Stage::dialling || wire->stage == Stage::waiting) {
        if (wire->wish_close) {
            finish(wire, wire->code, REFLOW_OK, wire->reason, lock);
            return true;
        }
        if (wire->stage == Stage::dialling) return connect(wire, lock);
        wire->stage = Stage::open;
        outside(*wire, lock, [&] { wire->handler->opened(*wire); });
        return true;
    }
    if (std::exchange(wire->wish_close, false)) {
        wire->stage = Stage::closing;
        wire->deadline_ns = clock_.now_ns() + answer_ns;
        wire->queue.push_back({wire->reason.substr(0, 123), false, true, wire->code});
        wire->queue_bytes += wire->queue.back().bytes.size();
        return true;
    }
    // Writes, tells that all is written, or reads.
    bool writes = random_.one_in(2);
    if (writes && write_some(*wire)) return true;
    if (wire->queue.empty() && wire->owes) {
        wire->owes = false;
        if (wire->stage != Stage::open) return true;
        ++drains;
        outside(*wire, lock, [&] { wire->handler->drained(*wire); });
        return true;
    }
    if (wire->stage == Stage::closing && wire->queue.empty() && wire->goodbye_heard) {
        finish(wire, wire->code, wire->status, wire->reason, lock);
        return true;
    }
    return read_one(wire, lock) || write_some(*wire);
}

inline bool Way::step() {
    Lock lock(mutex_);
    ++steps;
    // From somewhere on, the first that can do something.
    std::vector<Ref<SimulatedWire>> all = wires_;
    std::size_t first = all.empty() ? 0 : random_.below(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Ref<SimulatedWire>& wire = all[(first + i) % all.size()];
        fault(*wire);
        if (wire->stage != Stage::over && act(wire, lock)) return true;
    }
    auto due = timers_.begin();
    if (due == timers_.end() || due->first.first > clock_.now_ns()) return false;
    std::function<void()> call = std::move(due->second.call);
    timers_.erase(due);
    lock.unlock();
    call();
    return true;
}

inline bool Way::jump(std::uint64_t at_most_ns) {
    std::lock_guard lock(mutex_);
    std::uint64_t due = timers_.empty() ? UINT64_MAX : timers_.begin()->first.first;
    for (const auto& wire : wires_) due = std::min(due, wire->deadline_ns);
    std::uint64_t now = clock_.now_ns();
    if (due == UINT64_MAX) return false;
    if (due > now) clock_.advance(std::min(due - now, at_most_ns));
    return true;
}

}  // namespace reflow::testing
