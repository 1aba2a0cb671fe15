// Files as streams: each file is one stream of its bytes.
// Neighbours: streams.cpp (its definition), runtime/stream_actor. Thread: see runtime/context.
#pragma once

#include <memory>

#include "base/store.hpp"
#include "components/actor.hpp"
#include "components/backoff.hpp"
#include "components/config.hpp"
#include "runtime/stream_actor.hpp"

namespace reflow::components {

// Reads no further than the reader of the stream has room for, and rests until then.
class StreamRead final : public Actor {
public:
    static Result<std::unique_ptr<StreamRead>> create(Context& context);
    Result<void> run(Context& context, std::span<Packet> inputs) override;
    Result<void> finish(Context& context) override;

private:
    explicit StreamRead(const Config& config);

    // Where a file stands after a call.
    enum class State : std::uint8_t {
        going,   // there is more
        silent,  // the other end of a pipe has sent nothing yet
        full,    // the reader of the stream has no room
        ended
    };
    Result<void> open(Context& context, std::string_view path);
    void close() noexcept;
    Result<State> pump();
    Result<Message> next_chunk();

    const String path_;
    const String base_dir_;
    const String content_type_;
    Vector<char> chunk_;
    bool begun_ = false;  // the configured file has had its turn
    bool silent_ = false;
    std::unique_ptr<Store::Reader> file_;
    std::unique_ptr<runtime::StreamWriter> writer_;
    Message pending_;  // read and not written
    Backoff backoff_;
};

}  // namespace reflow::components
