// Which parts this build has: with recording.cpp, snapshot.cpp and codec/yaml.cpp the only file that is
// compiled differently when one is left out. The linker drops what is named nowhere else. Thread: constant, any.
#include "capi/modules.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "codec/yaml.hpp"
#if REFLOW_WITH_COMPONENTS
#include "components/actor.hpp"
#include "components/condition.hpp"
#endif

namespace reflow::capi {

constinit const Modules modules = {
#if REFLOW_WITH_COMPONENTS
    .components = components::library,
#else
    .components = nullptr,
#endif
#if REFLOW_WITH_DRAWING
    .render = graph::render,
#else
    .render = nullptr,
#endif
#if REFLOW_WITH_COMPONENTS
    .condition = components::make_condition,
#else
    .condition = nullptr,
#endif
    .recording = REFLOW_WITH_RECORDING != 0,
    .snapshots = REFLOW_WITH_SNAPSHOTS != 0,
};

bool has_feature(std::string_view name) noexcept {
    if (name == "components") return modules.components != nullptr;
    if (name == "drawing") return modules.render != nullptr;
    if (name == "recording") return modules.recording;
    if (name == "snapshots") return modules.snapshots;
    if (name == "yaml") return codec::has_yaml();
    static constexpr std::string_view always[] = {"json", "msgpack", "files", "simulated"};
    return std::find(std::begin(always), std::end(always), name) != std::end(always);
}

Failure left_out(std::string_view feature) {
    return Failure(REFLOW_ERROR_UNSUPPORTED,
                   concat("this build of the library has no part '", feature, "'"));
}

}  // namespace reflow::capi
