// Recordings and their replay: section 20 of reflow.h.
#include "events.hpp"
#include "network_use.hpp"
#include "operations.hpp"

namespace reflowpy {

namespace {

using RecordingHandle = Guarded<reflow_x_recording, reflow_x_recording_destroy>;
using ReplayHandle = Guarded<reflow_x_replay, reflow_x_replay_destroy>;

std::unique_ptr<RecordingHandle> open_recording(const std::string &path)
{
    reflow_x_recording *opened = nullptr;
    call_unlocked([&](reflow_error **error) {
        return reflow_x_recording_open(view(path), &opened, error);
    });
    return std::make_unique<RecordingHandle>(opened, "recording");
}

py::object header_of(RecordingHandle &recording)
{
    const RecordingHandle::Use use(recording);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_x_recording_header(use.get(), out, error);
    });
}

// What a Runtime has to be made with.
py::dict options_of(RecordingHandle &recording)
{
    const RecordingHandle::Use use(recording);
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    call([&](reflow_error **error) {
        return reflow_x_recording_options(use.get(), &options, error);
    });
    py::dict out;
    out["seed"] = options.seed;
    out["batch_packets"] = options.batch_packets;
    out["batch_us"] = options.batch_us;
    out["port_capacity"] = options.port_capacity;
    out["max_growth"] = options.max_growth;
    return out;
}

std::unique_ptr<ReplayHandle> replay_on(RecordingHandle &recording, const py::object &runtime)
{
    const RecordingHandle::Use use(recording);
    const RuntimeUse on(runtime);
    reflow_x_replay *replay = nullptr;
    call_unlocked([&](reflow_error **error) {
        return reflow_x_replay_create(on.get(), use.get(), &replay, error);
    });
    return std::make_unique<ReplayHandle>(replay, "replay");
}

bool run(ReplayHandle &replay, uint64_t firings)
{
    const ReplayHandle::Use use(replay);
    bool more = false;
    call_unlocked([&](reflow_error **error) {
        return reflow_x_replay_run(use.get(), firings, &more, error);
    });
    return more;
}

// (firings, seconds, next, reason, truncated)
py::tuple state_of(ReplayHandle &replay)
{
    const ReplayHandle::Use use(replay);
    reflow_x_replay_state state{};
    state.struct_size = sizeof state;
    const reflow_status status = reflow_x_replay_get_state(use.get(), &state);
    if (status != REFLOW_OK) {
        raise_status(status, nullptr, "looking at a replay");
        throw py::error_already_set();
    }
    return py::make_tuple(state.firings, static_cast<double>(state.now_ns) * 1e-9, text(state.next),
                          text(state.reason), state.truncated != 0);
}

py::object report_of(ReplayHandle &replay)
{
    const ReplayHandle::Use use(replay);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_network_report(reflow_x_replay_network(use.get()), out, error);
    });
}

py::list peek(ReplayHandle &replay, const std::string &node, const std::string &port, size_t max)
{
    const ReplayHandle::Use use(replay);
    return values_at(reflow_x_replay_network(use.get()), node, port, max);
}

std::unique_ptr<Subscription> subscribe(ReplayHandle &replay, uint64_t event_kinds,
                                        const std::string &nodes, uint32_t capacity, uint32_t sample)
{
    const ReplayHandle::Use use(replay);
    return subscribe_to(reflow_x_replay_network(use.get()), event_kinds, nodes, capacity, sample);
}

void record_flush(const py::object &network)
{
    const NetworkUse use(network);
    call_unlocked(
        [&](reflow_error **error) { return reflow_x_record_flush(use.get(), error); });
}

} // namespace

void bind_recording(py::module_ &module)
{
    py::class_<RecordingHandle>(module, "Recording")
        .def_static("open", &open_recording)
        .def("header", &header_of)
        .def("options", &options_of)
        .def("replay", &replay_on)
        .def("close", &RecordingHandle::close);
    py::class_<ReplayHandle>(module, "Replay")
        .def("run", &run)
        .def("state", &state_of)
        .def("report", &report_of)
        .def("peek", &peek)
        .def("subscribe", &subscribe)
        .def("close", &ReplayHandle::close);
    module.def("network_record_flush", &record_flush);
}

} // namespace reflowpy
