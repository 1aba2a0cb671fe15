// The wheel: slots found by the bits of a time, and a pairing heap in each slot.
// Thread: any; owners and groups are told without the lock.
#include "runtime/timers.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"
#include "runtime/group.hpp"

namespace reflow::runtime {
namespace {

// How many entries of a group are cancelled before others get the lock.
constexpr std::int64_t cancelled_at_once = 256;

}  // namespace

// ---- the heap of a slot

Timer* Timers::meld(Timer* one, Timer* other) noexcept {
    if (one == nullptr) return other;
    if (other == nullptr) return one;
    if (other->before(*one)) std::swap(one, other);
    other->next_ = one->child_;
    if (other->next_ != nullptr) other->next_->before_ = other;
    other->before_ = one;
    one->child_ = other;
    return one;
}

// In pairs from the first one on, and these pairs from the last one on: that is what makes taking
// out of the heap logarithmic on average.
Timer* Timers::merge_children(Timer& parent) noexcept {
    Timer* left = std::exchange(parent.child_, nullptr);
    Timer* pairs = nullptr;  // linked by next_, the last pair first
    while (left != nullptr) {
        Timer* one = left;
        Timer* other = one->next_;
        left = other == nullptr ? nullptr : other->next_;
        one->next_ = one->before_ = nullptr;
        if (other != nullptr) other->next_ = other->before_ = nullptr;
        Timer* pair = meld(one, other);
        pair->next_ = std::exchange(pairs, pair);
    }
    Timer* root = nullptr;
    while (pairs != nullptr) {
        Timer* pair = pairs;
        pairs = std::exchange(pair->next_, nullptr);
        root = meld(root, pair);
    }
    return root;
}

// ---- the wheel

void Timers::link(Timer& timer) noexcept {
    std::uint64_t tick = std::max(timer.due_ns_ >> tick_bits, base_);
    std::uint64_t differs = tick ^ base_;
    unsigned level =
        differs == 0 ? 0 : (static_cast<unsigned>(std::bit_width(differs)) - 1) / digit_bits;
    unsigned digit = static_cast<unsigned>(tick >> (level * digit_bits)) % slots;
    Timer*& heap = heaps_[level * slots + digit];
    heap = meld(heap, &timer);
    timer.slot_ = static_cast<std::uint16_t>(level * slots + digit);
    used_slots_[level] |= std::uint64_t{1} << digit;
    used_levels_ |= 1u << level;
}

void Timers::unlink(Timer& timer) noexcept {
    Timer*& heap = heaps_[timer.slot_];
    if (heap == &timer) {
        heap = merge_children(timer);
    } else {
        bool is_first = timer.before_->child_ == &timer;
        (is_first ? timer.before_->child_ : timer.before_->next_) = timer.next_;
        if (timer.next_ != nullptr) timer.next_->before_ = timer.before_;
        timer.next_ = timer.before_ = nullptr;
        heap = meld(heap, merge_children(timer));
    }
    if (heap == nullptr) {
        unsigned level = timer.slot_ / slots;
        used_slots_[level] &= ~(std::uint64_t{1} << timer.slot_ % slots);
        if (used_slots_[level] == 0) used_levels_ &= ~(1u << level);
    }
}

void Timers::disarm(Timer& timer) noexcept {
    unlink(timer);
    timer.slot_ = Timer::nowhere;
    if (timer.group_ == nullptr) return;
    Timer* next = std::exchange(timer.next_of_group_, nullptr);
    Timer* before = std::exchange(timer.before_of_group_, nullptr);
    (before == nullptr ? timer.group_->timers : before->next_of_group_) = next;
    if (next != nullptr) next->before_of_group_ = before;
}

Timer* Timers::first() const noexcept {
    if (used_levels_ == 0) return nullptr;
    unsigned level = static_cast<unsigned>(std::countr_zero(used_levels_));
    unsigned digit = static_cast<unsigned>(std::countr_zero(used_slots_[level]));
    return heaps_[level * slots + digit];
}

// Time has reached a tick, and nothing is armed that is due before. Slots below the highest digit
// that changes were all due by now, and those above it stay where they are.
void Timers::advance(std::uint64_t tick) noexcept {
    if (tick <= base_) return;
    std::uint64_t differs = tick ^ std::exchange(base_, tick);
    unsigned level = (static_cast<unsigned>(std::bit_width(differs)) - 1) / digit_bits;
    unsigned digit = static_cast<unsigned>(tick >> (level * digit_bits)) % slots;
    // Trees left to be moved, linked by next_.
    Timer* left = std::exchange(heaps_[level * slots + digit], nullptr);
    used_slots_[level] &= ~(std::uint64_t{1} << digit);
    if (used_slots_[level] == 0) used_levels_ &= ~(1u << level);
    while (left != nullptr) {
        Timer& timer = *left;
        left = std::exchange(timer.next_, nullptr);
        if (Timer* children = std::exchange(timer.child_, nullptr)) {
            Timer* last = children;
            while (last->next_ != nullptr) last = last->next_;
            last->next_ = left;
            left = children;
        }
        timer.before_ = nullptr;
        link(timer);
    }
}

// Who looks at next_due() without the lock reads it often: it is written only when it changes.
void Timers::publish() noexcept {
    const Timer* next = first();
    std::uint64_t due = next == nullptr ? UINT64_MAX : next->due_ns_;
    if (next_due_.load(std::memory_order_relaxed) == due) return;
    next_due_.store(due, std::memory_order_seq_cst);
}

// ---- for owners

bool Timers::set(Timer& timer, std::uint64_t due_ns) noexcept {
    if (due_ns == UINT64_MAX) {
        cancel(timer);
        return false;
    }
    std::lock_guard lock(mutex_);
    // A stop is announced before cancel_all() takes this lock: a timer that came later would not be
    // cancelled any more, and the stop would wait for it.
    if (timer.group_ != nullptr && timer.group_->stopping()) return false;
    if (timer.slot_ != Timer::nowhere) {
        unlink(timer);
    } else if (Group* group = timer.group_) {
        timer.next_of_group_ = std::exchange(group->timers, &timer);
        if (timer.next_of_group_ != nullptr) timer.next_of_group_->before_of_group_ = &timer;
        if (timer.counts_) group->enter();
    }
    timer.due_ns_ = due_ns;
    timer.order_ = order_++;
    link(timer);
    publish();
    return first() == &timer;
}

std::uint64_t Timers::due(const Timer& timer) noexcept {
    std::lock_guard lock(mutex_);
    return timer.slot_ == Timer::nowhere ? UINT64_MAX : timer.due_ns_;
}

void Timers::cancel(Timer& timer) noexcept {
    {
        std::lock_guard lock(mutex_);
        if (timer.slot_ == Timer::nowhere) return;
        disarm(timer);
        publish();
    }
    if (timer.counts_) timer.group_->leave();
}

void Timers::cancel_all(Group& group) noexcept {
    REFLOW_ASSERT(group.stopping());
    for (bool more = true; more;) {
        std::int64_t counted = 0;
        {
            std::lock_guard lock(mutex_);
            for (std::int64_t i = 0; i < cancelled_at_once && group.timers != nullptr; ++i) {
                counted += group.timers->counts_ ? 1 : 0;
                disarm(*group.timers);
            }
            more = group.timers != nullptr;
            publish();
        }
        if (counted != 0) group.leave(counted);
    }
}

std::size_t Timers::fire(std::uint64_t now_ns) noexcept {
    for (std::size_t fired = 0;; ++fired) {
        Timer* timer = nullptr;
        Group* counted = nullptr;
        {
            std::lock_guard lock(mutex_);
            timer = first();
            if (timer == nullptr || timer->due_ns_ > now_ns) {
                advance(now_ns >> tick_bits);
                return fired;
            }
            disarm(*timer);
            if (timer->counts_) counted = timer->group_;
            if (timer->kind_->hold != nullptr) timer->kind_->hold(*timer);
            publish();
        }
        // The entry still counts as activity until leave(), so its group is alive.
        timer->kind_->fired(*timer, now_ns);
        if (counted != nullptr) counted->leave();
    }
}

}  // namespace reflow::runtime
