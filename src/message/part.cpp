// Parts of messages of bytes: they look into the whole, and keep it.
// Neighbours: message. Thread: any.
#include <memory>

#include "message/message.hpp"

namespace reflow {
namespace {

struct Part : Allocated {
    Message whole;
};

void end_part(void* data) { delete static_cast<Part*>(data); }

}  // namespace

Message Message::part(MessageRef whole, std::size_t offset, std::size_t size) {
    std::string_view data = whole.bytes().substr(offset, size);
    // A part of a part keeps the whole of that: chains of them would end by recursion.
    auto* text = reinterpret_cast<const heap::Text*>(whole.raw().payload);
    if (text->form == heap::far_text) {
        auto* far = static_cast<const heap::FarText*>(text);
        if (far->release_lent == end_part) whole = static_cast<const Part*>(far->user_data)->whole;
    }
    std::unique_ptr<Part> part(new Part);
    part->whole = whole.own();
    Message made = lend(REFLOW_KIND_BYTES, data, end_part, part.get());
    (void)part.release();
    return made;
}

}  // namespace reflow
