// Streams and frame pools for callbacks of actors.
// Neighbours: context, stream. Thread: that of the callback.
#pragma once

#include <memory>

#include "runtime/context.hpp"
#include "runtime/frame_pool.hpp"
#include "runtime/stream.hpp"

namespace reflow::runtime {

// options.fields get the actor and the port.
[[nodiscard]] Result<std::unique_ptr<StreamWriter>> open_stream(Context& context,
                                                                std::uint32_t outport,
                                                                Stream::Options options,
                                                                Message& handle);
[[nodiscard]] Result<std::unique_ptr<StreamReader>> accept_stream(Context& context,
                                                                  MessageRef handle);
[[nodiscard]] Result<std::unique_ptr<StreamReader>> observe_stream(Context& context,
                                                                   MessageRef handle,
                                                                   StreamLimits most,
                                                                   bool reliable);

// For hosts. What is 0 in most is that of the stream.
[[nodiscard]] Result<std::unique_ptr<StreamReader>> accept_stream(MessageRef handle, Keep keep,
                                                                  Ref<Tether> tether);
[[nodiscard]] Result<std::unique_ptr<StreamReader>> observe_stream(MessageRef handle, Keep keep,
                                                                   Ref<Tether> tether,
                                                                   StreamLimits most,
                                                                   bool reliable);

}  // namespace reflow::runtime
