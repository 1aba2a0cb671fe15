// See frame_pool.hpp. A slot that a message looks into is held: no writer takes it, so a reader
// needs no lock while it reads, and a ticket is checked once. Thread: any.
#include "runtime/frame_pool.hpp"

#include <cstring>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::runtime {

FramePool::FramePool(Ref<PoolBytes> bytes, std::uint32_t slots, std::uint64_t frame_size)
    : bytes_(std::move(bytes)), frame_size_(frame_size) {
    slots_.resize(slots);
    for (Slot& slot : slots_) slot.pool = this;
}

FramePool::~FramePool() {
    for (Slot& slot : slots_) release(slot.data, slot.data == nullptr ? 0 : frame_size_);
    bytes_->taken.fetch_sub(slots_.size() * frame_size_, std::memory_order_relaxed);
}

// ---- slots

FramePool::Slot* FramePool::claim() noexcept {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        Slot& slot = slots_[next_];
        next_ = next_ + 1 == slots_.size() ? 0 : next_ + 1;
        if (slot.held != 0 || slot.state == State::writing) continue;
        slot.state = State::writing;
        slot.number = ++begun_;
        return &slot;
    }
    return nullptr;
}

std::int64_t FramePool::ticket_of(const Slot& slot) const noexcept {
    return static_cast<std::int64_t>(slot.number << slot_bits |
                                     static_cast<std::uint64_t>(&slot - slots_.data()));
}

FramePool::Slot* FramePool::find(std::int64_t ticket, State wanted, reflow_status& why) noexcept {
    std::uint64_t bits = static_cast<std::uint64_t>(ticket);
    std::uint64_t number = bits >> slot_bits;
    std::size_t at = bits & ((std::uint64_t{1} << slot_bits) - 1);
    why = REFLOW_ERROR_NOT_FOUND;
    if (ticket <= 0 || number == 0 || number > begun_ || at >= slots_.size()) return nullptr;
    why = REFLOW_ERROR_CLOSED;
    Slot& slot = slots_[at];
    if (slot.number != number || slot.state != wanted) return nullptr;
    why = REFLOW_OK;
    return &slot;
}

// ---- writing

reflow_status FramePool::begin(void*& data, std::int64_t& ticket) {
    Slot* slot = nullptr;
    {
        std::lock_guard lock(mutex_);
        slot = claim();
        if (slot == nullptr) return REFLOW_ERROR_WOULD_BLOCK;
        ticket = ticket_of(*slot);
    }
    // From here on the slot is ours.
    try {
        if (slot->data == nullptr) slot->data = static_cast<char*>(allocate(frame_size_));
    } catch (const std::bad_alloc&) {
        (void)abandon(std::exchange(ticket, 0));
        throw;
    }
    data = slot->data;
    return REFLOW_OK;
}

reflow_status FramePool::commit(std::int64_t ticket, std::uint64_t size) noexcept {
    std::lock_guard lock(mutex_);
    reflow_status why = REFLOW_OK;
    Slot* slot = find(ticket, State::writing, why);
    if (slot == nullptr) return why;
    if (size > frame_size_) return REFLOW_ERROR_LIMIT;
    slot->size = size;
    slot->state = State::readable;
    ++written_;
    return REFLOW_OK;
}

reflow_status FramePool::abandon(std::int64_t ticket) noexcept {
    std::lock_guard lock(mutex_);
    reflow_status why = REFLOW_OK;
    Slot* slot = find(ticket, State::writing, why);
    if (slot != nullptr) slot->state = State::empty;
    return why;
}

reflow_status FramePool::write(std::string_view bytes, std::int64_t& ticket) {
    if (bytes.size() > frame_size_) return REFLOW_ERROR_LIMIT;
    void* data = nullptr;
    reflow_status status = begin(data, ticket);
    if (status != REFLOW_OK) return status;
    if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
    return commit(ticket, bytes.size());
}

// ---- reading

void FramePool::let_go(Slot& slot) noexcept {
    if (forked()) return;  // of a message that ends in a child
    {
        std::lock_guard lock(mutex_);
        --slot.held;
    }
    unref();
}

reflow_status FramePool::lend(Slot& slot, std::uint64_t size, Message& to) {
    ref();
    try {
        to = Message::lend(
            REFLOW_KIND_BYTES, {slot.data, size},
            [](void* data) {
                Slot& ended = *static_cast<Slot*>(data);
                ended.pool->let_go(ended);
            },
            &slot);
    } catch (const std::bad_alloc&) {
        let_go(slot);
        throw;
    }
    return REFLOW_OK;
}

reflow_status FramePool::read(std::int64_t ticket, Message& to) {
    Slot* slot = nullptr;
    std::uint64_t size = 0;
    {
        std::lock_guard lock(mutex_);
        reflow_status why = REFLOW_OK;
        slot = find(ticket, State::readable, why);
        if (slot == nullptr) return why;
        ++slot->held;
        size = slot->size;
    }
    return lend(*slot, size, to);
}

reflow_status FramePool::latest(std::int64_t& ticket, Message& to) {
    Slot* newest = nullptr;
    std::uint64_t size = 0;
    {
        std::lock_guard lock(mutex_);
        for (Slot& slot : slots_) {
            if (slot.state != State::readable) continue;
            if (newest == nullptr || slot.number > newest->number) newest = &slot;
        }
        if (newest == nullptr) return REFLOW_ERROR_NOT_FOUND;
        ++newest->held;
        size = newest->size;
        ticket = ticket_of(*newest);
    }
    return lend(*newest, size, to);
}

reflow_frame_pool_info FramePool::info() const noexcept {
    std::lock_guard lock(mutex_);
    reflow_frame_pool_info info{};
    info.slots = slots();
    info.frame_size = frame_size_;
    info.written = written_;
    for (const Slot& slot : slots_) {
        info.held += slot.held != 0 || slot.state == State::writing ? 1 : 0;
    }
    return info;
}

// ---- by name

Result<Ref<FramePool>> FramePools::open(std::string_view name, std::uint32_t slots,
                                        std::uint64_t frame_size) {
    if (name.empty() || name.size() > limits::name_bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("the name of a frame pool has 1 to ",
                                                  limits::name_bytes, " bytes, not ", name.size()));
    }
    bool only_look = frame_size == 0 && slots == 0;
    if (!only_look && frame_size == 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("frame pool '", name, "' has no frame_size"));
    }
    if (slots == 0) slots = limits::pool_slots_count;
    if (slots > limits::pool_most_slots_count || frame_size > limits::pool_frame_bytes) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("frame pool '", name, "' of ", slots, " slots of ", frame_size,
                              " bytes: at most ", limits::pool_most_slots_count, " of ",
                              limits::pool_frame_bytes, " are allowed"));
    }
    std::lock_guard lock(mutex_);
    if (auto found = pools_.find(name); found != pools_.end()) {
        const FramePool& pool = *found->second;
        if (only_look || (pool.slots() == slots && pool.frame_size() == frame_size)) {
            return found->second;
        }
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("frame pool '", name, "' has ", pool.slots(), " slots of ",
                              pool.frame_size(), " bytes, not ", slots, " of ", frame_size));
    }
    if (only_look)
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("no frame pool named '", name, "'"));
    if (pools_.size() >= limits::pools_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("a runtime has at most ", limits::pools_count, " frame pools"));
    }
    std::uint64_t bytes = slots * frame_size;
    std::uint64_t taken = bytes_->taken.load(std::memory_order_relaxed);
    if (bytes > bytes_->most || taken > bytes_->most - bytes) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("frame pool '", name, "' of ", bytes, " bytes beside ", taken,
                              " of others exceeds max_pool_bytes, ", bytes_->most));
    }
    // Its destructor gives them back.
    bytes_->taken.fetch_add(bytes, std::memory_order_relaxed);
    Ref<FramePool> made;
    try {
        made = make_ref<FramePool>(bytes_, slots, frame_size);
    } catch (const std::bad_alloc&) {
        bytes_->taken.fetch_sub(bytes, std::memory_order_relaxed);
        throw;
    }
    pools_.emplace(String(name), made);
    return made;
}

Result<void> FramePools::remove(std::string_view name) {
    Ref<FramePool> removed;  // ends without the lock
    std::lock_guard lock(mutex_);
    auto found = pools_.find(name);
    if (found == pools_.end()) {
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("no frame pool named '", name, "'"));
    }
    removed = std::move(found->second);
    pools_.erase(found);
    return {};
}

}  // namespace reflow::runtime
