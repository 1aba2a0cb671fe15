// Section 17 of reflow.h: snapshots and checkpoints. A build that leaves them out
// (REFLOW_WITH_SNAPSHOTS) has functions that say so. Thread: any.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"
#include "network/snapshot.hpp"

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_SNAPSHOTS

namespace {

network::Makers makers() noexcept { return {modules.condition, modules.cron}; }

}  // namespace

extern "C" {

reflow_status reflow_network_snapshot(reflow_network* network, int64_t timeout_ms,
                                      reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return give(network_of(network)->snapshot(timeout_ms), out);
    });
}

reflow_status reflow_network_restore(reflow_network* network, reflow_message snapshot,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->restore(MessageRef(snapshot), makers());
    });
}

// ---- files

reflow_status reflow_network_snapshot_file(reflow_network* network, reflow_view path,
                                           int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        return network_of(network)->snapshot_file(text.value(), 0, timeout_ms);
    });
}

reflow_status reflow_network_restore_file(reflow_network* network, reflow_view path,
                                          reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        return network_of(network)->restore_file(text.value(), makers());
    });
}

reflow_status reflow_network_checkpoint(reflow_network* network,
                                        const reflow_checkpoint_options* options,
                                        reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (options == nullptr) return network_of(network)->end_checkpoints();
        Result<reflow_checkpoint_options> read = read_options(options, "reflow_checkpoint_options");
        if (!read.ok()) return read.take_error();
        const reflow_checkpoint_options& given = read.value();
        Result<std::string_view> path = text_argument(given.path, "path");
        if (!path.ok()) return path.take_error();
        if (path.value().empty()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the path of the checkpoints is empty");
        }
        if (given.keep > limits::checkpoints_count) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("keep ", given.keep, " is beyond ", limits::checkpoints_count));
        }
        if (given.interval_ms > limits::timeout_ms || given.timeout_ms > limits::timeout_ms) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("interval_ms or timeout_ms is beyond ", limits::timeout_ms));
        }
        auto or_default = [](std::uint64_t ms) { return ms == 0 ? limits::checkpoint_ms : ms; };
        return network_of(network)->begin_checkpoints(
            path.value(), given.keep, or_default(given.interval_ms),
            static_cast<std::int64_t>(or_default(given.timeout_ms)));
    });
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_network_snapshot(reflow_network*, int64_t, reflow_message* out,
                                      reflow_error** error) {
    if (out != nullptr) *out = {};
    return left_out(error, "snapshots");
}

reflow_status reflow_network_restore(reflow_network*, reflow_message, reflow_error** error) {
    return left_out(error, "snapshots");
}

reflow_status reflow_network_snapshot_file(reflow_network*, reflow_view, int64_t,
                                           reflow_error** error) {
    return left_out(error, "snapshots");
}

reflow_status reflow_network_restore_file(reflow_network*, reflow_view, reflow_error** error) {
    return left_out(error, "snapshots");
}

reflow_status reflow_network_checkpoint(reflow_network*, const reflow_checkpoint_options*,
                                        reflow_error** error) {
    return left_out(error, "snapshots");
}

}  // extern "C"

#endif
