// Keys and pools of a node. A removed entry leaves a gap that is closed when half of all are gaps.
// Thread: that of the actor.
#include "runtime/node_state.hpp"

#include <utility>

#include "base/limits.hpp"

namespace reflow::runtime {

MessageRef StateTable::find(std::string_view name) const noexcept {
    auto found = positions_.find(name);
    return found == positions_.end() ? MessageRef() : MessageRef(entries_[found->second].value);
}

reflow_status StateTable::set(std::string_view name, Message value, StateUse& use) {
    if (name.size() > limits::text_bytes) return REFLOW_ERROR_LIMIT;
    std::uint64_t bytes = name.size() + payload_size(value);
    auto found = positions_.find(name);
    bool anew = found == positions_.end();
    std::uint64_t before = anew ? 0 : entries_[found->second].bytes;
    if (anew && use.entries >= limits::state_entries_count) return REFLOW_ERROR_LIMIT;
    std::uint64_t others = use.bytes - before;
    if (bytes > limits::state_bytes || others > limits::state_bytes - bytes) {
        return REFLOW_ERROR_LIMIT;
    }
    if (anew) {
        Message key = Message::string(name);
        std::string_view text = key.text();  // stays where it is as long as the key lives
        entries_.push_back({std::move(key), std::move(value), bytes});
        try {
            positions_.emplace(text, entries_.size() - 1);
        } catch (const std::bad_alloc&) {
            entries_.pop_back();
            throw;
        }
        ++use.entries;
    } else {
        Entry& entry = entries_[found->second];
        std::swap(entry.value, value);  // the old one ends with the call
        entry.bytes = bytes;
    }
    use.bytes = others + bytes;
    return REFLOW_OK;
}

bool StateTable::remove(std::string_view name, StateUse& use) noexcept {
    auto found = positions_.find(name);
    if (found == positions_.end()) return false;
    Entry gone = std::exchange(entries_[found->second], {});
    positions_.erase(found);
    --use.entries;
    use.bytes -= gone.bytes;
    if (entries_.size() > 2 * positions_.size()) compact();
    return true;
}

void StateTable::clear(StateUse& use) noexcept {
    use.entries -= positions_.size();
    for (const Entry& entry : entries_) use.bytes -= entry.bytes;
    positions_.clear();
    Vector<Entry> gone;
    gone.swap(entries_);
}

void StateTable::compact() noexcept {
    std::size_t to = 0;
    for (Entry& entry : entries_) {
        if (entry.name.none()) continue;
        positions_.find(entry.name.text())->second = to;
        if (&entries_[to] != &entry) entries_[to] = std::exchange(entry, {});
        ++to;
    }
    entries_.resize(to);
}

Result<Message> StateTable::object() const {
    ObjectBuilder object(size());
    each([&](const Message& name, const Message& value) { object.set(name, value); });
    return object.finish();
}

reflow_status NodeState::upsert(std::string_view pool, std::string_view id, Message value) {
    auto found = pools_.find(pool);
    if (found != pools_.end()) return found->second.set(id, std::move(value), use_);
    // The name of a pool counts with what is in it: none is there without.
    StateTable made;
    reflow_status status = made.set(id, std::move(value), use_);
    if (status != REFLOW_OK) return status;
    try {
        pools_.emplace(String(pool), std::move(made));
    } catch (const std::bad_alloc&) {
        made.clear(use_);
        throw;
    }
    return REFLOW_OK;
}

bool NodeState::remove(std::string_view pool, std::string_view id) noexcept {
    auto found = pools_.find(pool);
    if (found == pools_.end() || !found->second.remove(id, use_)) return false;
    if (found->second.size() == 0) pools_.erase(found);
    return true;
}

void NodeState::clear(std::string_view pool) noexcept {
    auto found = pools_.find(pool);
    if (found == pools_.end()) return;
    found->second.clear(use_);
    pools_.erase(found);
}

const StateTable* NodeState::pool(std::string_view name) const noexcept {
    auto found = pools_.find(name);
    return found == pools_.end() ? nullptr : &found->second;
}

std::unique_ptr<NodeState> NodeState::copy() const {
    std::unique_ptr<NodeState> made(new NodeState);
    // All of it is within the limits, as it is here.
    keys_.each(
        [&](const Message& name, const Message& value) { (void)made->set(name.text(), value); });
    for (const auto& [pool, table] : pools_) {
        table.each([&](const Message& id, const Message& value) {
            (void)made->upsert(pool, id.text(), value);
        });
    }
    return made;
}

}  // namespace reflow::runtime
