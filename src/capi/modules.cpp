// Which parts this build has: with environment.cpp, recording.cpp, snapshot.cpp and codec/yaml.cpp the only file that is
// compiled differently when one is left out. The linker drops what is named nowhere else. Thread: constant, any.
#include "capi/modules.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "capi/guard.hpp"
#include "codec/yaml.hpp"
#if REFLOW_WITH_COMPONENTS
#include "components/actor.hpp"
#include "components/condition.hpp"
#endif
#if REFLOW_WITH_CRON
#include "components/cron.hpp"
#include "components/schedule.hpp"
#endif
#if REFLOW_WITH_PEER
#include "capi/ending.hpp"
#include "peer/proxies.hpp"
#endif

namespace reflow::capi {
namespace {

#if REFLOW_WITH_CRON
Result<std::unique_ptr<runtime::Recurrence>> cron(std::string_view expression,
                                                  std::string_view zone, Store& store) {
    auto made = components::CronTimes::make(expression, zone, store);
    if (!made.ok()) return made.take_error();
    return std::unique_ptr<runtime::Recurrence>(std::move(made).take());
}
#endif

#if REFLOW_WITH_COMPONENTS
Result<Vector<runtime::ComponentRef>> built_in() {
    auto all = components::library();
#if REFLOW_WITH_CRON
    if (!all.ok()) return all;
    Result<runtime::ComponentRef> schedule = components::schedule();
    if (!schedule.ok()) return schedule.take_error();
    all.value().push_back(std::move(schedule).take());
#endif
    return all;
}
#endif

}  // namespace

constinit const Modules modules = {
#if REFLOW_WITH_COMPONENTS
    .components = built_in,
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
#if REFLOW_WITH_CRON
    .cron = cron,
#else
    .cron = nullptr,
#endif
#if REFLOW_WITH_PEER
    .foreign = peer::make_proxies,
#else
    .foreign = nullptr,
#endif
    .environment = REFLOW_WITH_ENVIRONMENT != 0,
    .recording = REFLOW_WITH_RECORDING != 0,
    .snapshots = REFLOW_WITH_SNAPSHOTS != 0,
    .peer = REFLOW_WITH_PEER != 0,
#if REFLOW_WITH_PEER
    .join_endings = join_endings,
#else
    .join_endings = nullptr,
#endif
};

bool has_feature(std::string_view name) noexcept {
    if (name == "components") return modules.components != nullptr;
    if (name == "drawing") return modules.render != nullptr;
    if (name == "environment") return modules.environment;
    if (name == "cron") return modules.cron != nullptr;
    if (name == "recording") return modules.recording;
    if (name == "snapshots") return modules.snapshots;
    if (name == "peer") return modules.peer;
    if (name == "yaml") return codec::has_yaml();
    static constexpr std::string_view always[] = {"json", "msgpack", "files", "simulated"};
    return std::find(std::begin(always), std::end(always), name) != std::end(always);
}

Failure left_out(std::string_view feature) {
    return Failure(REFLOW_ERROR_UNSUPPORTED,
                   concat("this build of the library has no part '", feature, "'"));
}

reflow_status left_out(reflow_error** error, std::string_view feature) noexcept {
    return guarded(error, [&]() -> Result<void> { return left_out(feature); });
}

reflow_status no_peers(reflow_error** error) noexcept { return left_out(error, "peer"); }

}  // namespace reflow::capi
