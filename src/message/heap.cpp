// The end of counted messages: children are dropped in a loop, never by recursion.
// Thread: any.
#include "message/heap.hpp"

#include <bit>
#include <utility>

#include "base/host.hpp"
#include "base/limits.hpp"
#include "base/memory.hpp"

namespace reflow::heap {
namespace {

Head* child(reflow_message message) noexcept {
    return (message.tag & counted) != 0 ? reinterpret_cast<Head*>(message.payload) : nullptr;
}

// Whether it may point to counted things.
bool holds_others(const Head* head) noexcept {
    return !is_text(head->kind) && (head->kind != REFLOW_KIND_ARRAY || head->form == 0);
}

std::size_t block_size(const Head* head) noexcept {
    switch (head->kind) {
        case REFLOW_KIND_ARRAY: {
            if (head->form == 0) {
                std::size_t count = static_cast<const Array*>(head)->count;
                return sizeof(Array) + count * sizeof(reflow_message);
            }
            auto* numbers = static_cast<const Numbers*>(head);
            return numbers->lent ? sizeof(Numbers) : numbers_block(head->form, numbers->count);
        }
        case REFLOW_KIND_OBJECT:
            return object_bytes(static_cast<const Object*>(head)->count, head->form);
        case keys_kind:
            return sizeof(Keys) + keys_bytes(static_cast<const Keys*>(head)->count);
        case REFLOW_KIND_STREAM: return sizeof(Stream);
        case REFLOW_KIND_REMOTE: return sizeof(Remote);
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_BYTES:
        case REFLOW_KIND_ERROR:
        case REFLOW_KIND_ENCODED: {
            auto* text = static_cast<const Text*>(head);
            if (text->form == near_text) return sizeof(Text) + text->size + 1;
            auto* far = static_cast<const FarText*>(text);
            return far->lent ? sizeof(FarText) : sizeof(FarText) + far->far_size + 1;
        }
        default: return sizeof(Wrap);
    }
}

template <typename T>
void give_back(const T* lender) noexcept {
    if (lender->lent) tell_host("release", lender->release_lent, lender->user_data);
}

void free_block(Head* head) noexcept {
    if (head->kind == REFLOW_KIND_ARRAY && head->form != 0) {
        give_back(static_cast<Numbers*>(head));
    } else if (is_text(head->kind) && head->form != near_text) {
        give_back(static_cast<FarText*>(head));
    }
    std::size_t bytes = block_size(head);
    release(head, head->place == 0 ? bytes : linked_bytes(bytes));
}

// What a linked block leads to.
Head*& link_of(Head* head) noexcept {
    char* behind = reinterpret_cast<char*>(head) + linked_bytes(block_size(head));
    return reinterpret_cast<Head**>(behind)[-1];
}

Slab* slab_of(Head* head) noexcept {
    return reinterpret_cast<Slab*>(reinterpret_cast<char*>(head) - head->offset);
}

// The end of a root: of all that the document has at once, if nobody has taken a part of it.
// Otherwise it becomes a container like others, whose parts end one by one, and the result is
// false.
bool end_document(Head* head, Spare& spare) noexcept {
    bool block = head->offset == 0;
    Slab* slab = block ? reinterpret_cast<Slab*>(link_of(head)) : slab_of(head);
    Head* blocks = slab->blocks;
    bool whole = true;
    for (Slab* each = slab; each != nullptr; each = each->before) {
        if (each->touched.load(std::memory_order_relaxed)) whole = false;
    }
    // Keys are shared inside of a document, and nobody outside has them.
    for (Head* each = blocks; each != nullptr; each = link_of(each)) {
        if (!each->refs.unique() && each->kind != keys_kind) whole = false;
    }
    while (whole && blocks != nullptr) free_block(std::exchange(blocks, link_of(blocks)));
    if (!whole) {
        head->place &= linked;
    } else if (block) {
        free_block(head);
    }
    end_slabs(slab, whole, spare);
    return whole;
}

// The end of a message with all that it holds. Two kinds of atomic steps are collected and done at
// once: those of slabs, whose pieces end one after the other, and those of texts and keys that stand
// in many places.
class End {
public:
    End() noexcept = default;
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() {
        // What is settled may be keys, whose texts are put off then.
        while (in_use_ != 0) {
            unsigned at = static_cast<unsigned>(std::countr_zero(in_use_));
            Put put = puts_[at];
            in_use_ &= in_use_ - 1;
            settle(put);
        }
        settle_slab();
    }

    void run(Head* head) noexcept {
        std::size_t top = 0;
        steps_[0] = {head, 0};
        for (;;) {
            if (Head* inner = next(steps_[top])) {
                REFLOW_ASSERT(top + 1 < limits::depth_count + 3);
                steps_[++top] = {inner, 0};
                continue;
            }
            piece(steps_[top].head);
            if (top == 0) return;
            --top;
        }
    }

private:
    // The way from the root to where we are. Messages nest at most depth_count containers, so it
    // has a fixed size.
    struct Step {
        Head* head;
        std::size_t next;
    };
    struct Put {
        Head* head;
        std::uint32_t count;
    };

    // Drops what the container holds until something ends that holds others itself.
    Head* next(Step& step) noexcept {
        switch (step.head->kind) {
            case REFLOW_KIND_ARRAY: {
                auto* array = static_cast<Array*>(step.head);
                while (step.next < array->count) {
                    if (Head* inner = drop(child(array->elements()[step.next++]))) return inner;
                }
                return nullptr;
            }
            case REFLOW_KIND_OBJECT: {
                auto* object = static_cast<Object*>(step.head);
                while (step.next < object->count) {
                    std::size_t at = step.next++;
                    if (object->form == own_keys) drop(object->keys[at]);
                    if (Head* inner = drop(child(object->values()[at]))) return inner;
                }
                if (object->form == own_keys || step.next++ != object->count) return nullptr;
                return drop(object->shared());
            }
            case keys_kind: {
                auto* keys = static_cast<Keys*>(step.head);
                for (std::uint32_t i = 0; i < keys->count; ++i) drop(keys->texts()[i]);
                return nullptr;
            }
            default: break;
        }
        return step.next++ == 0 ? fields(step.head) : nullptr;
    }

    // The same for kinds with fields, of which one at most is no text.
    Head* fields(Head* head) noexcept {
        if (head->kind == REFLOW_KIND_STREAM) {
            auto* stream = static_cast<Stream*>(head);
            // No recursion: what a stream holds are bytes, and no handles of streams.
            if (stream->claim != nullptr) stream->claim->drop_claim();
            drop(stream->origin_actor);
            drop(stream->origin_port);
            return drop(stream->content_type);
        }
        if (head->kind == REFLOW_KIND_REMOTE) {
            auto* remote = static_cast<Remote*>(head);
            drop(remote->network_id);
            drop(remote->actor_id);
            return drop(remote->port);
        }
        auto* wrap = static_cast<Wrap*>(head);
        drop(wrap->type);
        return drop(child(wrap->content));
    }

    // Drops one reference; the message if that was the last one and it holds others.
    Head* drop(Head* head) noexcept {
        if (head == nullptr) return nullptr;
        if (!head->refs.unique()) {
            if (is_text(head->kind) || head->kind == keys_kind) {
                put_off(head);
                return nullptr;
            }
            if (!head->refs.drop()) return nullptr;
        }
        if (holds_others(head)) {
            return (head->place & root) != 0 && end_document(head, spare_) ? nullptr : head;
        }
        piece(head);
        return nullptr;
    }

    void put_off(Head* head) noexcept {
        std::uint64_t mixed = reinterpret_cast<std::uintptr_t>(head) * 0x9E3779B97F4A7C15u;
        auto at = static_cast<unsigned>(mixed >> (64 - put_bits));
        Put& put = puts_[at];
        if ((in_use_ >> at & 1) != 0) {
            if (put.head == head) {
                if (!head->refs.holds_all(++put.count)) return;
                in_use_ &= ~(std::uint64_t{1} << at);
                return settle(put);
            }
            // Out of its place first: what is settled may put off others.
            Put before = std::exchange(put, {head, 1});
            return settle(before);
        }
        in_use_ |= std::uint64_t{1} << at;
        put = {head, 1};
    }

    void settle(Put put) noexcept {
        if (!put.head->refs.drop(put.count)) return;
        if (put.head->kind == keys_kind) {
            auto* keys = static_cast<Keys*>(put.head);
            for (std::uint32_t i = 0; i < keys->count; ++i) drop(keys->texts()[i]);
        }
        piece(put.head);
    }

    // Ends the memory of one message.
    void piece(Head* head) noexcept {
        if (head->offset == 0) return free_block(head);
        Slab* slab = slab_of(head);
        if (slab != slab_) {
            settle_slab();
            slab_ = slab;
            pieces_ = 0;
        }
        ++pieces_;
    }

    void settle_slab() noexcept {
        if (slab_ != nullptr && slab_->refs.drop(pieces_)) end_slab(slab_, spare_);
    }

    static constexpr unsigned put_bits = 6;
    std::uint64_t in_use_ = 0;  // a bit for each of puts_
    Put puts_[1u << put_bits];
    Slab* slab_ = nullptr;
    std::uint32_t pieces_ = 0;
    Spare spare_;
    Step steps_[limits::depth_count + 3];  // keys at one end, an envelope at the other
};

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

void ref(Head* head, std::uint32_t more) noexcept {
    head->refs.add(more);
    if (head->offset != 0 && (head->place & root) == 0) {
        slab_of(head)->touched.store(true, std::memory_order_relaxed);
    }
}

bool make_root(Head* head, Slab* slab, Head* blocks) noexcept {
    if (!holds_others(head)) return false;
    head->place |= root;
    if (head->offset == 0) {
        REFLOW_ASSERT(head == blocks);
        blocks = std::exchange(link_of(head), reinterpret_cast<Head*>(slab));
    }
    slab->blocks = blocks;
    return true;
}

void end_slabs(Slab* slab, bool whole, Spare& spare) noexcept {
    while (slab != nullptr) {
        Slab* each = std::exchange(slab, slab->before);
        if (whole || each->refs.drop()) end_slab(each, spare);
    }
}

void unref(Head* head) noexcept {
    if (!head->refs.drop()) return;
    if (holds_others(head)) {
        if ((head->place & root) != 0) {
            Spare spare;
            if (end_document(head, spare)) return;
        }
        return End().run(head);
    }
    if (head->offset == 0) return free_block(head);
    Slab* slab = slab_of(head);
    if (!slab->refs.drop()) return;
    Spare spare;
    end_slab(slab, spare);
}

}  // namespace reflow::heap
