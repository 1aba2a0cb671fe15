// Components that read streams to their end: into a file, and into one message.
// Neighbours: streams.cpp (their definitions), runtime/stream_actor. Thread: see runtime/context.
#pragma once

#include <memory>

#include "base/store.hpp"
#include "components/actor.hpp"
#include "components/backoff.hpp"
#include "components/config.hpp"
#include "runtime/stream_actor.hpp"

namespace reflow::components {

// One stream after the other; the handles of those behind it wait in the inport.
class StreamSink : public Actor {
public:
    Result<void> run(Context& context, std::span<Packet> inputs) final;

protected:
    // What a component does with the stream that is open; later: it has asked to be called again.
    enum class Step : std::uint8_t { done, later };
    virtual void begin() noexcept {}  // a stream has been accepted
    virtual Result<Step> step(Context& context, runtime::StreamReader& reader) = 0;
    // The actor rests until the stream goes on.
    static void rest(Context& context) noexcept;

    std::unique_ptr<runtime::StreamReader> reader_;
};

class StreamCollect final : public StreamSink {
public:
    static Result<std::unique_ptr<StreamCollect>> create(Context& context);

private:
    explicit StreamCollect(const Config& config);
    Result<Step> step(Context& context, runtime::StreamReader& reader) override;

    const std::uint64_t max_bytes_;
    const bool text_;
};

class StreamWrite final : public StreamSink {
public:
    static Result<std::unique_ptr<StreamWrite>> create(Context& context);
    Result<void> setup(Context& context) override;
    Result<void> finish(Context& context) override;
    void teardown(Context& context) override;
    // Which file, and how long it is, between streams.
    Result<Message> save(Context& context) override;
    Result<void> load(Context& context, MessageRef saved, std::uint32_t version) override;
    static constexpr std::uint32_t state_version = 2;

private:
    explicit StreamWrite(const Config& config);
    void begin() noexcept override { taken_ = written_ = 0; }
    Result<Step> step(Context& context, runtime::StreamReader& reader) override;
    Result<void> report(Context& context, runtime::StreamReader& reader);

    String path_;
    const bool append_;
    std::unique_ptr<Store::Writer> file_;
    Message loaded_;  // the length to go on at, or null: it is closed; until the first stream
    std::size_t taken_ = 0;      // bytes of the frame at the front that are written
    std::uint64_t written_ = 0;  // of this stream
    Backoff backoff_;
};

}  // namespace reflow::components
