// How a subject of the addon hands its functions to lib/: one export_<subject> for each file.
#pragma once

#include <napi.h>

namespace reflow_node {

using Exported = Napi::Value (*)(const Napi::CallbackInfo& info);

inline void export_function(Napi::Object exports, const char* name, Exported function) {
    exports.Set(name, Napi::Function::New(exports.Env(), function, name));
}

void export_asking(Napi::Object exports);
void export_network(Napi::Object exports);
void export_inspect(Napi::Object exports);
void export_change(Napi::Object exports);
void export_graph(Napi::Object exports);
void export_log(Napi::Object exports);
void export_peers(Napi::Object exports);
void export_frame_pools(Napi::Object exports);
void export_state(Napi::Object exports);
void export_streams(Napi::Object exports);

}  // namespace reflow_node
