// See stream_actor.hpp.
// Thread: that of the callback.
#include "runtime/stream_actor.hpp"

#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {
namespace {

Result<Ref<Stream>> stream_of(MessageRef handle) {
    if (!handle.is(REFLOW_KIND_STREAM)) {
        return Failure(REFLOW_ERROR_WRONG_KIND, concat("a message of kind ", handle.kind_name(),
                                                       " is no handle of a stream"));
    }
    Ref<Stream> stream = Stream::of(handle);
    if (stream) return stream;
    return Failure(REFLOW_ERROR_NOT_FOUND,
                   concat("the handle of stream ", handle.stream().stream_id, " leads nowhere"))
        .hint("a handle that was written out and read again has no stream behind it");
}

Result<Ref<Tether>> tether_of(Context& context) {
    if (context.phase != Phase::run && context.phase != Phase::finish) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "streams belong to run and finish");
    }
    Tether* tether = context.actor.make_tether();
    if (tether == nullptr) return Failure(REFLOW_ERROR_CANCELLED, "the network stops");
    return Ref<Tether>::share(tether);
}

Keep keep_of(Context& context) noexcept {
    return Keep(context.actor.group.environment, context.actor.group.scheduler);
}

}  // namespace

Result<std::unique_ptr<StreamWriter>> open_stream(Context& context, std::uint32_t outport,
                                                  Stream::Options options, Message& handle) {
    Result<Ref<Tether>> tether = tether_of(context);
    if (!tether.ok()) return tether.take_error();
    const Component& component = *context.actor.component;
    if (outport >= component.outports.size()) {
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("no outport ", outport));
    }
    options.fields.origin_actor = context.node();
    options.fields.origin_port = component.outports[outport].name;
    Message made;
    Result<Ref<Stream>> stream = Stream::create(*context.actor.group.scheduler.streams, options,
                                                std::move(tether).take(), made);
    if (!stream.ok()) return stream.take_error();
    std::unique_ptr<StreamWriter> writer(
        new StreamWriter(std::move(stream).take(), keep_of(context)));
    handle = std::move(made);
    return writer;
}

Result<std::unique_ptr<StreamReader>> accept_stream(Context& context, MessageRef handle) {
    Result<Ref<Tether>> tether = tether_of(context);
    if (!tether.ok()) return tether.take_error();
    return accept_stream(handle, keep_of(context), std::move(tether).take());
}

Result<std::unique_ptr<StreamReader>> observe_stream(Context& context, MessageRef handle,
                                                     StreamLimits most, bool reliable) {
    Result<Ref<Tether>> tether = tether_of(context);
    if (!tether.ok()) return tether.take_error();
    return observe_stream(handle, keep_of(context), std::move(tether).take(), most, reliable);
}

Result<std::unique_ptr<StreamReader>> accept_stream(MessageRef handle, Keep keep,
                                                    Ref<Tether> tether) {
    Result<Ref<Stream>> stream = stream_of(handle);
    if (!stream.ok()) return stream.take_error();
    // Memory first: what is accepted has a reader.
    void* place = Allocated::operator new(sizeof(StreamReader));
    Actor* held = nullptr;
    bool taken = stream.value()->accept(std::move(tether), held);
    Tether::tell(held, true);
    if (!taken) {
        Allocated::operator delete(place, sizeof(StreamReader));
        return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                       concat("stream ", handle.stream().stream_id, " has a reader already"))
            .hint("others observe it");
    }
    return std::unique_ptr<StreamReader>(
        new (place) StreamReader(std::move(stream).take(), std::move(keep)));
}

Result<std::unique_ptr<StreamReader>> observe_stream(MessageRef handle, Keep keep,
                                                     Ref<Tether> tether, StreamLimits most,
                                                     bool reliable) {
    Result<Ref<Stream>> stream = stream_of(handle);
    if (!stream.ok()) return stream.take_error();
    StreamLimits usual = stream.value()->limits();
    if (most.frames == 0) most.frames = usual.frames;
    if (most.bytes == 0) most.bytes = usual.bytes;
    std::unique_ptr<StreamReader> made(
        new StreamReader(stream.value(), std::move(keep), most, reliable));
    stream.value()->observe(*made, std::move(tether));
    return made;
}

}  // namespace reflow::runtime
