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
    // Between files; while a stream is open the engine refuses a snapshot anyway.
    Result<Message> save(Context&) override { return Message::boolean(begun_); }
    Result<void> load(Context&, MessageRef saved, std::uint32_t) override {
        if (!saved.is(REFLOW_KIND_BOOLEAN))
            return bad_state("it does not tell whether it has begun");
        begun_ = saved.boolean();
        return {};
    }
    static constexpr std::uint32_t state_version = 1;

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
