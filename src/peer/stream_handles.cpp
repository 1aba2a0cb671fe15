// Handles of streams in messages: see link_stream.hpp. Messages nest at most REFLOW_MAX_DEPTH, so recursion is
// bounded. Thread: any.
#include <algorithm>

#include "base/text.hpp"
#include "message/parts.hpp"
#include "peer/link_stream.hpp"

namespace reflow::peer {
namespace {

Result<void> collect(MessageRef message, Vector<MessageRef>& to) {
    if (message.stream_claim() != nullptr) {
        bool known = std::any_of(to.begin(), to.end(), [&](MessageRef one) {
            return one.stream_claim() == message.stream_claim();
        });
        if (known) return {};
        if (to.size() == limits::peer_message_streams_count) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("a message with more than ", limits::peer_message_streams_count,
                                  " streams does not cross a link"))
                .hint("send the handles in messages of their own");
        }
        to.push_back(message);
        return {};
    }
    for (std::size_t i = 0, count = parts_of(message); i < count; ++i) {
        if (Result<void> done = collect(part_of(message, i), to); !done.ok()) return done;
    }
    return {};
}

Result<Message> replace(MessageRef message, const Vector<NamedStream>& streams);

Result<Message> replace_parts(MessageRef message, const Vector<NamedStream>& streams) {
    const std::size_t count = parts_of(message);
    if (message.is(REFLOW_KIND_ARRAY)) {
        ArrayBuilder made(count);
        for (std::size_t i = 0; i < count; ++i) {
            Result<Message> one = replace(message.element(i), streams);
            if (!one.ok()) return one;
            made.append(std::move(one).take());
        }
        return made.finish();
    }
    if (message.is(REFLOW_KIND_OBJECT)) {
        ObjectBuilder made(count);
        for (std::size_t i = 0; i < count; ++i) {
            Result<Message> one = replace(message.element(i), streams);
            if (!one.ok()) return one;
            made.set(message.key_message_at(i).own(), std::move(one).take());
        }
        return made.finish();
    }
    Result<Message> content = replace(message.content(), streams);
    if (!content.ok()) return content;
    if (message.is(REFLOW_KIND_NETWORK_EVENT)) {
        return Message::network_event(message.event_type(), std::move(content).take());
    }
    return Message::wrap(message.kind(), std::move(content).take());
}

Result<Message> replace(MessageRef message, const Vector<NamedStream>& streams) {
    if (message.is(REFLOW_KIND_STREAM)) {
        for (const NamedStream& one : streams) {
            if (one.id == message.stream().stream_id) return one.handle;
        }
        return message.own();
    }
    return message.holds_stream() ? replace_parts(message, streams) : Result<Message>(message.own());
}

}  // namespace

Result<Vector<MessageRef>> live_streams_in(MessageRef message) {
    Vector<MessageRef> found;
    if (Result<void> done = collect(message, found); !done.ok()) return done.take_error();
    return found;
}

Result<Message> with_streams(MessageRef message, const Vector<NamedStream>& streams) {
    return replace(message, streams);
}

}  // namespace reflow::peer
