// Which ports the nodes of another network have: those that the graph uses.
// Thread: that of the caller of Network::create, or of a change.
#include "network/foreign.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "network/build.hpp"

namespace reflow::network {
namespace {

// The inport of a node that the graph uses nowhere.
constexpr std::string_view only_inport = "in";

Result<void> add(Foreign::Names& to, std::string_view name, std::string_view component) {
    if (std::find(to.begin(), to.end(), name) != to.end()) return {};
    if (to.size() == limits::ports_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("component '", component, "' has more than ", limits::ports_count,
                              " ports"));
    }
    to.push_back(name);
    return {};
}

}  // namespace

Result<Ref<Foreign>> Network::foreign() {
    std::lock_guard lock(mutex_);
    if (!foreign_) {
        if (runtime_->make_foreign == nullptr) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           "this build of the library has no part 'peer', which actors of other "
                           "networks need");
        }
        foreign_ = runtime_->make_foreign();
    }
    return foreign_;
}

void Network::tell_foreign(std::string_view cancelled) noexcept {
    Ref<Foreign> foreign;
    {
        std::lock_guard lock(mutex_);
        foreign = foreign_;
    }
    if (foreign) foreign->cancelled(cancelled);
}

void Network::tell_foreign(bool changed) noexcept {
    Ref<Foreign> foreign;
    {
        std::lock_guard lock(mutex_);
        foreign = foreign_;
    }
    if (foreign) foreign->look(changed);
}

Result<runtime::ComponentRef> Builder::foreign_component(std::string_view component) {
    Result<Ref<Foreign>> foreign = network_.foreign();
    if (!foreign.ok()) return foreign.take_error();
    return foreign.value()->component(component, *this);
}

// What a host reads counts as well, but for outports that others have asked for: they make no ports here.
Result<void> Builder::foreign_ports(std::string_view component, Foreign::Names (&names)[2]) const {
    Result<void> done;
    auto use = [&](const graph::EdgeItem& edge, std::size_t out) {
        bool of_it = view_.nodes[edge.position].component == component;
        if (of_it && done.ok()) done = add(names[out], edge.port, component);
    };
    for (const graph::NodeItem& node : view_.nodes) {
        if (node.component != component) continue;
        for (std::size_t out = 0; out < 2; ++out) {
            MessageRef told = node.metadata.get(out == 0 ? "inports" : "outports");
            for (std::size_t i = 0; i < told.size() && done.ok(); ++i) {
                std::string_view name = told.at(i).text();
                if (!name.empty()) done = add(names[out], name, component);
            }
        }
    }
    for (const graph::ConnectionItem& one : view_.connections) {
        use(one.from, 1);
        use(one.to, 0);
    }
    for (const graph::InitialItem& one : view_.initials) use(one.to, 0);
    for (const graph::FlatExposed& one : view_.inports) use(one.edge, 0);
    for (const graph::FlatExposed& one : view_.outports) use(one.edge, 1);
    auto read = [&](const Output& output) {
        if (!output.wishes || output.unread.load(std::memory_order_relaxed)) return;
        for (const graph::NodeItem& node : view_.nodes) {
            bool of_it = node.id == output.node && node.component == component;
            if (of_it && done.ok()) done = add(names[1], output.port, component);
        }
    };
    for (const Ref<Output>& output : network_.outputs_) read(*output);
    if (added_output != nullptr) read(*added_output);
    if (names[0].empty()) names[0].push_back(only_inport);
    return done;
}

}  // namespace reflow::network
