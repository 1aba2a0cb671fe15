// The end of counted messages: children are dropped in a loop, never by recursion.
// Thread: any.
#include "message/heap.hpp"

#include "base/limits.hpp"
#include "base/memory.hpp"

namespace reflow::heap {
namespace {

Head* child(reflow_message message) noexcept {
    return (message.tag & counted) != 0 ? reinterpret_cast<Head*>(message.payload) : nullptr;
}

// How many counted things an object of this kind may point to.
std::size_t slots_of(const Head* head) noexcept {
    switch (head->kind) {
        case REFLOW_KIND_ARRAY:
            return head->packed != 0 ? 0 : static_cast<const Array*>(head)->count;
        case REFLOW_KIND_OBJECT: return 2 * std::size_t{static_cast<const Object*>(head)->count};
        case REFLOW_KIND_EVENT:
        case REFLOW_KIND_ANY:
        case REFLOW_KIND_OPTIONAL:
        case REFLOW_KIND_NETWORK_EVENT: return 2;
        case REFLOW_KIND_STREAM:
        case REFLOW_KIND_REMOTE: return 3;
        default: return 0;
    }
}

Head* slot(Head* head, std::size_t index) noexcept {
    switch (head->kind) {
        case REFLOW_KIND_ARRAY: return child(static_cast<Array*>(head)->elements()[index]);
        case REFLOW_KIND_OBJECT: {
            Entry& entry = static_cast<Object*>(head)->entries()[index / 2];
            return index % 2 == 0 ? entry.key : child(entry.value);
        }
        case REFLOW_KIND_STREAM: {
            auto* stream = static_cast<Stream*>(head);
            Text* texts[] = {stream->origin_actor, stream->origin_port, stream->content_type};
            return texts[index];
        }
        case REFLOW_KIND_REMOTE: {
            auto* remote = static_cast<Remote*>(head);
            Text* texts[] = {remote->network_id, remote->actor_id, remote->port};
            return texts[index];
        }
        default: {
            auto* wrap = static_cast<Wrap*>(head);
            return index == 0 ? wrap->type : child(wrap->content);
        }
    }
}

std::size_t block_size(const Head* head) noexcept {
    switch (head->kind) {
        case REFLOW_KIND_ARRAY: {
            if (head->packed == 0) {
                return sizeof(Array) +
                       static_cast<const Array*>(head)->count * sizeof(reflow_message);
            }
            auto* numbers = static_cast<const Numbers*>(head);
            return numbers->lent ? sizeof(Numbers) : numbers_block(head->packed, numbers->count);
        }
        case REFLOW_KIND_OBJECT: {
            auto* object = static_cast<const Object*>(head);
            return sizeof(Object) + object->count * sizeof(Entry) +
                   object->slots * sizeof(std::uint32_t);
        }
        case REFLOW_KIND_STREAM: return sizeof(Stream);
        case REFLOW_KIND_REMOTE: return sizeof(Remote);
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_BYTES:
        case REFLOW_KIND_ERROR:
        case REFLOW_KIND_ENCODED: {
            auto* text = static_cast<const Text*>(head);
            return text->lent ? sizeof(Text) : sizeof(Text) + text->size + 1;
        }
        default: return sizeof(Wrap);
    }
}

template <typename T>
void give_back(const T* lender) noexcept {
    if (lender->lent && lender->release_lent != nullptr) lender->release_lent(lender->user_data);
}

void free_block(Head* head) noexcept {
    switch (head->kind) {
        case REFLOW_KIND_ARRAY:
            if (head->packed != 0) give_back(static_cast<Numbers*>(head));
            break;
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_BYTES:
        case REFLOW_KIND_ERROR:
        case REFLOW_KIND_ENCODED: give_back(static_cast<Text*>(head)); break;
        default: break;
    }
    release(head, block_size(head));
}

}  // namespace

std::size_t numbers_block(std::uint8_t type, std::size_t count) noexcept {
    return numbers_offset + count * number_size(type);
}

std::size_t number_size(reflow_number type) noexcept {
    switch (type) {
        case REFLOW_NUMBER_I8:
        case REFLOW_NUMBER_U8: return 1;
        case REFLOW_NUMBER_I16:
        case REFLOW_NUMBER_U16: return 2;
        case REFLOW_NUMBER_I32:
        case REFLOW_NUMBER_U32:
        case REFLOW_NUMBER_F32: return 4;
        case REFLOW_NUMBER_I64:
        case REFLOW_NUMBER_U64:
        case REFLOW_NUMBER_F64: return 8;
        default: return 0;
    }
}

void unref(Head* head) noexcept {
    if (!head->refs.drop()) return;
    // The way from the root to where we are. Messages nest at most depth_count containers, and a
    // container's text is one level more, so the stack has a fixed size.
    struct Step {
        Head* head;
        std::size_t next;
        std::size_t slots;
    };
    Step steps[limits::depth_count + 2];
    std::size_t top = 0;
    steps[0] = {head, 0, slots_of(head)};
    for (;;) {
        Step& step = steps[top];
        if (step.next == step.slots) {
            free_block(step.head);
            if (top == 0) return;
            --top;
            continue;
        }
        Head* dropped = slot(step.head, step.next++);
        if (dropped == nullptr || !dropped->refs.drop()) continue;
        std::size_t slots = slots_of(dropped);
        if (slots == 0) {
            free_block(dropped);
        } else {
            REFLOW_ASSERT(top + 1 < limits::depth_count + 2);
            steps[++top] = {dropped, 0, slots};
        }
    }
}

}  // namespace reflow::heap
