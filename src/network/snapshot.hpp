// A network at one moment: what is taken of it, and the words of the format (docs/state.md).
// Neighbours: snapshot.cpp writes, snapshot_reader.cpp reads, restore.cpp puts back. Thread: one at
// a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ref.hpp"
#include "network/breakpoints.hpp"
#include "network/snapshot_records.hpp"

namespace reflow::network {

class Network;
class Output;

// What an output held, and had on its way to it.
struct OutputImage {
    Ref<Output> output;
    runtime::PacketList waiting;
    struct OnItsWay {
        std::uint32_t actor;  // its position
        std::uint32_t outport;
        Message message;
    };
    Vector<OnItsWay> unread;
};

// What a network that has not started goes on with. The network reaches it by this table alone, so
// that a library without snapshots has nothing of them.
struct Restoring : Allocated {
    virtual ~Restoring() = default;
    [[nodiscard]] virtual bool fits(const Topology& all) const noexcept = 0;
    virtual void apply() = 0;  // when its actors are set up
    virtual void forget() noexcept = 0;
    // Under a guard of the network; once.
    virtual void launch(runtime::Scheduler& scheduler) noexcept = 0;
};

// What was read of a snapshot, or is being written.
struct Restored : Restoring {
    Ref<Topology> topology;              // that of the network then
    Vector<runtime::ActorImage> images;  // of its actors, in their order
    Vector<OutputImage> outputs;         // those with something in them
    DeadLetters::Saved letters;
    Vector<snapshot::ScopeImage> scopes;
    Message breakpoints;  // as they are written
    Vector<Ref<Breakpoint>> breaks;
    Network* network = nullptr;  // that has this

    [[nodiscard]] bool fits(const Topology& all) const noexcept override {
        return topology.get() == &all;
    }
    Result<void> load_states(runtime::Scheduler& scheduler);
    void apply() override;
    void forget() noexcept override;
    void launch(runtime::Scheduler& scheduler) noexcept override;
};

// What a snapshot is read with; NULL: the part of the library is not there.
struct Makers {
    Result<std::unique_ptr<Condition>> (*condition)(std::string_view expression);
    Result<std::unique_ptr<runtime::Recurrence>> (*cron)(std::string_view expression,
                                                         std::string_view zone, Store& store);
};

// From outside; checked as a whole, for this network, which nobody changes meanwhile.
[[nodiscard]] Result<std::unique_ptr<Restored>> read_snapshot(Network& network, MessageRef from,
                                                              const Makers& makers);

namespace snapshot {

inline constexpr std::string_view format = "reflow.snapshot";
inline constexpr std::int64_t version = 2;
inline constexpr std::int64_t first_version = 1;  // which has less, and is read, too
// A snapshot puts so many containers around a message. One that is nested too deep for that stands
// in it as bytes of MessagePack.
inline constexpr std::uint32_t levels = 8;

}  // namespace snapshot

}  // namespace reflow::network
