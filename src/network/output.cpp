// Readers of a network: how they are opened, and how they end. What they read is in traffic.cpp.
// Thread: any.
#include <functional>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "graph/validate.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;

Result<Ref<Output>> Network::open_output(std::string_view node, std::string_view port,
                                         std::uint32_t capacity, bool patient) {
    Visit visit(*this);
    Right right(*this);
    if (Result<void> taken = right.take(limits::change_ms); !taken.ok()) return taken.take_error();
    const bool created = state() == REFLOW_NETWORK_CREATED;
    Ref<Topology> all = topology();
    Result<Topology::Place> found = all->resolve(node, port, false);
    bool wishes = false;
    if (!found.ok()) {
        const Actor* actor = all->find_actor(node);
        wishes = !patient && actor != nullptr && graph::is_foreign(actor->component->id);
        if (instrument_ || !(patient || wishes)) return found.take_error();
    } else if (created) {
        Result<Ref<Output>> opened = open_before_start(node, port, found.value(), capacity);
        if (opened.ok()) opened.value()->patient = patient;
        return opened;
    }
    if (!created && state() != REFLOW_NETWORK_RUNNING) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network drains or has stopped");
    }
    if (on_own_thread())
        return waited(REFLOW_ERROR_WOULD_DEADLOCK, "opening an output").take_error();
    if (capacity == 0) capacity = runtime_->options().port_capacity;
    auto output = Ref<Output>::adopt(new Output(*this, node, port, capacity));
    output->mailbox.set_outside(group_);
    output->patient = patient;
    output->wishes = wishes;
    reflow_change done{};
    Result<void> changed = change(all->graph, output, {}, done);
    if (!changed.ok()) return changed.take_error();
    // A component of the registry may be called like one of another network.
    if (wishes && output->detached.load(std::memory_order_relaxed)) return found.take_error();
    return output;
}

// It has the topology as it is now.
Result<Ref<Output>> Network::open_before_start(std::string_view node, std::string_view port,
                                               const Topology::Place& place,
                                               std::uint32_t capacity) {
    Vector<OutputEnd> ends;
    if (place.ends.empty()) ends.push_back({place.actor, place.port, REFLOW_NO_INDEX});
    for (const Exposed& end : place.ends) ends.push_back({end.actor, end.port, end.index});
    return add_output(node, port, ends, capacity);
}

// Before the start, by who may change the network.
Result<Ref<Output>> Network::add_output(std::string_view node, std::string_view port,
                                        std::span<const OutputEnd> ends, std::uint32_t capacity) {
    if (capacity == 0) capacity = runtime_->options().port_capacity;
    auto output = Ref<Output>::adopt(new Output(*this, node, port, capacity));
    output->mailbox.set_outside(group_);
    output->number = static_cast<std::int64_t>(outputs_.size());
    outputs_.reserve(outputs_.size() + 1);
    group_.readers.reserve(group_.readers.size() + 1);
    // Memory first: then none of them fails.
    output->mailbox.reserve_senders(0, static_cast<std::uint32_t>(ends.size()));
    output->mailbox.set_connected(0);
    for (const OutputEnd& end : ends) {
        auto& connections = end.actor->outports[end.port];
        connections.reserve(connections.size() + ends.size());
    }
    // The last thing that may fail: what was reserved stays as it is.
    if (Result<void> added = count_packets(counted_packets_ + capacity); !added.ok()) {
        return added.take_error();
    }
    for (const OutputEnd& end : ends) {
        runtime::Connection connection;
        connection.mailbox = &output->mailbox;
        connection.outport = end.port;
        connection.from_index = end.index;
        if (end.port == end.actor->component->error_port) {
            topology_->marks[*topology_->find_position(end.actor->id)] |= Topology::errors_taken;
        }
        end.actor->outports[end.port].push_back(std::move(connection));
    }
    group_.readers.push_back(&output->mailbox);
    outputs_.push_back(output);
    if (instrument_) {
        ArrayBuilder where;
        for (const OutputEnd& end : ends) {
            where.append(Message::integer(position_of(*end.actor)));
            where.append(Message::integer(end.port));
            where.append(Message::integer(end.index));
        }
        note(Step::output, {capacity}, where.finish().take());
    }
    return output;
}

void Network::tell_ends() noexcept {
    runtime::InTurn inside(runtime_->scheduler());  // what is called does not wait
    for (const Ref<Output>& output : outputs_) output->readable.tell();
}

void Output::close() noexcept {
    unread.store(true, std::memory_order_relaxed);
    runtime::Released released;
    auto nobody_runs = network_.still();
    network_.note(Step::close, {number});
    mailbox.close(released);
    network_.let_go(released);
    network_.tell_foreign(false);
}

}  // namespace reflow::network
