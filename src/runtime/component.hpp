// A component: the kind of an actor, with its ports, await rule and callbacks.
// Neighbours: network (registry), capi, components. Thread: immutable once registered, so any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/host.hpp"
#include "base/memory.hpp"
#include "base/ref.hpp"
#include "message/message.hpp"
#include "message/port_type.hpp"
#include "reflow.h"
#include "runtime/rank.hpp"

namespace reflow::runtime {

struct Port {
    String name;
    PortType type;
    String description;
    bool required = false;
    bool array = false;
    std::uint32_t capacity = 0;        // of inports; 0: the default of the runtime
    std::uint64_t capacity_bytes = 0;  // likewise
};

// Every component has an outport of this name; it is added if it is not declared.
inline constexpr std::string_view error_port_name = "error";

class Component : public RefCounted<Component> {
public:
    Component() = default;
    ~Component() {
        if (destroy != nullptr) end_host_data(destroy, user_data);
    }

    String id;
    String title;
    String description;
    String category;
    Message config_schema;  // an object, or none
    Vector<Port> inports;
    Vector<Port> outports;
    reflow_await await = REFLOW_AWAIT_ANY;
    std::uint32_t max_batch = 1;
    std::uint32_t max_concurrency = 0;  // 0: not told, and then one
    std::uint64_t timeout_ns = 0;       // of a firing; 0: none
    bool ordered = false;               // outputs in the order of inputs
    bool source = false;                // no inports, or declared as a source
    Rank rank = Rank::normal;           // of its actors, unless their nodes say otherwise
    bool blocking = false;              // its turns run on threads of their own
    bool external = false;              // what it does depends on the world outside, or changes it
    bool stateless = false;             // a snapshot needs nothing of its states
    bool private_state = false;         // hosts do not see it
    bool keeps_tether = false;          // its states hold that of their actor, without a stream
    std::uint32_t state_version = 0;

    reflow_create_fn create = nullptr;
    reflow_state_fn setup = nullptr;
    reflow_run_fn run = nullptr;
    reflow_state_fn finish = nullptr;
    reflow_teardown_fn teardown = nullptr;
    reflow_destroy_fn destroy_state = nullptr;
    reflow_save_fn save = nullptr;
    reflow_load_fn load = nullptr;
    void* user_data = nullptr;
    reflow_destroy_fn destroy = nullptr;

    [[nodiscard]] std::optional<std::uint32_t> find_inport(std::string_view name) const noexcept {
        return find(inports, name);
    }
    [[nodiscard]] std::optional<std::uint32_t> find_outport(std::string_view name) const noexcept {
        return find(outports, name);
    }
    // The number of the outport "error"; valid once registered.
    std::uint32_t error_port = 0;

private:
    static std::optional<std::uint32_t> find(const Vector<Port>& ports,
                                             std::string_view name) noexcept {
        for (std::uint32_t i = 0; i < ports.size(); ++i) {
            if (ports[i].name == name) return i;
        }
        return std::nullopt;
    }
};

using ComponentRef = Ref<Component>;

}  // namespace reflow::runtime
