// Whether a message has a stream handle inside, without recursion and without memory.
// Neighbours: message, size. Thread: any.
#include "base/limits.hpp"
#include "message/parts.hpp"

namespace reflow {

std::size_t parts_of(MessageRef message) noexcept {
    switch (message.kind()) {
        case REFLOW_KIND_ARRAY:
            return message.numbers_type() == 0 ? message.size() : 0;
        case REFLOW_KIND_OBJECT:
            return message.size();
        case REFLOW_KIND_EVENT:
        case REFLOW_KIND_ANY:
        case REFLOW_KIND_OPTIONAL:
        case REFLOW_KIND_NETWORK_EVENT:
            return 1;
        default:
            return 0;
    }
}

MessageRef part_of(MessageRef message, std::size_t at) noexcept {
    const bool lists = message.is(REFLOW_KIND_ARRAY) || message.is(REFLOW_KIND_OBJECT);
    return lists ? message.element(at) : message.content();
}

bool MessageRef::holds_stream() const noexcept {
    struct Level {
        MessageRef container;
        std::size_t next;
    };
    if (is(REFLOW_KIND_STREAM)) return true;
    Level levels[limits::depth_count + 2];  // messages nest at most depth_count containers
    std::size_t depth = 0;
    levels[0] = {*this, 0};
    for (;;) {
        Level& level = levels[depth];
        if (level.next == parts_of(level.container)) {
            if (depth == 0) return false;
            --depth;
            continue;
        }
        MessageRef child = part_of(level.container, level.next);
        ++level.next;
        if (child.is(REFLOW_KIND_STREAM)) return true;
        if (parts_of(child) == 0) continue;
        REFLOW_ASSERT(depth + 1 < limits::depth_count + 2);
        levels[++depth] = {child, 0};
    }
}

}  // namespace reflow
