// The payload of a message in bytes, without recursion and without memory.
// Neighbours: message. Thread: any.
#include "base/limits.hpp"
#include "message/envelope.hpp"
#include "message/message.hpp"

namespace reflow {
namespace {

bool has_children(MessageRef message) noexcept {
    switch (message.kind()) {
        case REFLOW_KIND_ARRAY: return message.numbers_type() == 0;
        case REFLOW_KIND_OBJECT:
        case REFLOW_KIND_EVENT:
        case REFLOW_KIND_ANY:
        case REFLOW_KIND_OPTIONAL:
        case REFLOW_KIND_NETWORK_EVENT: return true;
        default: return false;
    }
}

// Of what has no children; of a stream or remote reference what names it.
std::uint64_t flat_size(MessageRef message) noexcept {
    switch (message.kind()) {
        case REFLOW_KIND_NONE: return 0;
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_BYTES:
        case REFLOW_KIND_ERROR:
        case REFLOW_KIND_ENCODED: return message.bytes().size();
        case REFLOW_KIND_ARRAY:
            return message.size() * Message::number_size(message.numbers_type());
        case REFLOW_KIND_STREAM: {
            MessageRef::Stream stream = message.stream();
            return 8 + stream.origin_actor.size() + stream.origin_port.size() +
                   stream.content_type.size();
        }
        case REFLOW_KIND_REMOTE: {
            MessageRef::Remote remote = message.remote();
            return remote.network_id.size() + remote.actor_id.size() + remote.port.size();
        }
        default: return 8;
    }
}

}  // namespace

std::uint64_t payload_size(MessageRef whole) noexcept {
    MessageRef message = payload_of(whole);
    if (!has_children(message)) return flat_size(message);
    struct Level {
        MessageRef container;
        std::size_t next;
    };
    Level levels[limits::depth_count + 2];  // messages nest at most depth_count containers
    std::size_t depth = 0;
    std::uint64_t sum = 0;
    levels[0] = {message, 0};
    for (;;) {
        Level& level = levels[depth];
        MessageRef container = level.container;
        bool lists = container.is(REFLOW_KIND_ARRAY) || container.is(REFLOW_KIND_OBJECT);
        if (level.next == (lists ? container.size() : 1)) {
            if (depth == 0) return sum;
            --depth;
            continue;
        }
        std::size_t index = level.next++;
        if (container.is(REFLOW_KIND_OBJECT)) sum += container.key(index).size();
        if (container.is(REFLOW_KIND_NETWORK_EVENT)) sum += container.event_type().size();
        MessageRef child = lists ? container.element(index) : container.content();
        if (!has_children(child)) {
            sum += flat_size(child);
            continue;
        }
        REFLOW_ASSERT(depth + 1 < limits::depth_count + 2);
        levels[++depth] = {child, 0};
    }
}

}  // namespace reflow
