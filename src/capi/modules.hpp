// The parts of the library that a build may leave out (the options REFLOW_WITH_... of CMake), as a
// table: nothing else in capi names them. Neighbours: modules.cpp fills it; environment.cpp,
// recording.cpp, snapshot.cpp and codec/yaml.cpp are parts. Thread: constant, any.
#pragma once

#include <memory>
#include <string_view>

#include "base/store.hpp"
#include "graph/render.hpp"
#include "network/breakpoints.hpp"
#include "network/foreign.hpp"
#include "runtime/actor_timers.hpp"
#include "runtime/component.hpp"

namespace reflow::network {
class Runtime;
}

namespace reflow::capi {

struct Modules {
    Result<Vector<runtime::ComponentRef>> (*components)();  // the built-in ones
    Result<String> (*render)(const graph::Graph& graph, reflow_picture kind,
                             const graph::PictureOptions& options);
    // Of a breakpoint, from an expression.
    Result<std::unique_ptr<network::Condition>> (*condition)(std::string_view text);
    // Of a timer, from a cron expression and a time zone.
    Result<std::unique_ptr<runtime::Recurrence>> (*cron)(std::string_view expression,
                                                         std::string_view zone, Store& store);
    Ref<network::Foreign> (*foreign)();  // of a network whose graph names actors of others
    bool environment;  // environment.cpp is the part
    bool recording;    // recording.cpp is the part
    bool snapshots;    // snapshot.cpp is the part
    bool peer;         // peer.cpp is the part
    // Waits for the threads that end something of the runtime, unless one of them would wait for this thread.
    void (*join_endings)(network::Runtime& runtime) noexcept;
};

// A pointer is NULL if its part was left out.
extern const Modules modules;

// Whether the build has a part, by the name that reflow_feature knows.
[[nodiscard]] bool has_feature(std::string_view name) noexcept;

// For the functions of a part that is missing.
[[nodiscard]] Failure left_out(std::string_view feature);
reflow_status left_out(reflow_error** error, std::string_view feature) noexcept;
reflow_status no_peers(reflow_error** error) noexcept;

}  // namespace reflow::capi
