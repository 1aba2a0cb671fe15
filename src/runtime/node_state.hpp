// What a node keeps by name: its keys and its pools. An actor has none until it uses it.
// Neighbours: actor (owns it), image (saves it), capi. Thread: that of the actor.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::runtime {

// How much of its limits a node has used.
struct StateUse {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
};

// Values by name, in the order in which the names came in.
class StateTable {
public:
    [[nodiscard]] MessageRef find(std::string_view name) const noexcept;
    // name is UTF-8. REFLOW_OK or REFLOW_ERROR_LIMIT; throws bad_alloc, and then nothing has
    // changed.
    reflow_status set(std::string_view name, Message value, StateUse& use);
    [[nodiscard]] bool remove(std::string_view name, StateUse& use) noexcept;
    void clear(StateUse& use) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return positions_.size(); }
    // visit(name, value) for each, in order.
    template <typename Visit>
    void each(Visit visit) const {
        for (const Entry& entry : entries_) {
            if (!entry.name.none()) visit(entry.name, entry.value);
        }
    }
    [[nodiscard]] Result<Message> object() const;

private:
    struct Entry {
        Message name;  // a string; none: removed
        Message value;
        std::uint64_t bytes = 0;
    };
    void compact() noexcept;

    Vector<Entry> entries_;
    HashMap<std::string_view, std::size_t> positions_;  // names are those of the entries
};

class NodeState : public Allocated {
public:
    [[nodiscard]] MessageRef get(std::string_view key) const noexcept { return keys_.find(key); }
    reflow_status set(std::string_view key, Message value) {
        return keys_.set(key, std::move(value), use_);
    }
    [[nodiscard]] bool remove(std::string_view key) noexcept { return keys_.remove(key, use_); }
    void clear() noexcept { keys_.clear(use_); }
    [[nodiscard]] const StateTable& keys() const noexcept { return keys_; }

    reflow_status upsert(std::string_view pool, std::string_view id, Message value);
    [[nodiscard]] bool remove(std::string_view pool, std::string_view id) noexcept;
    void clear(std::string_view pool) noexcept;
    // NULL if nothing is in it.
    [[nodiscard]] const StateTable* pool(std::string_view name) const noexcept;
    // By name; what is in one is in its own order.
    [[nodiscard]] const Map<String, StateTable>& pools() const noexcept { return pools_; }
    [[nodiscard]] bool empty() const noexcept { return use_.entries == 0; }
    [[nodiscard]] std::unique_ptr<NodeState> copy() const;

private:
    StateTable keys_;
    Map<String, StateTable> pools_;  // none of them is empty
    StateUse use_;
};

}  // namespace reflow::runtime
