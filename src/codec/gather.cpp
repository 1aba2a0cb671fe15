// The steps of a Gather that are not for each byte.
// Thread: one.
#include "codec/gather.hpp"

#include <algorithm>
#include <new>

namespace reflow::codec {

// What was written since the last piece is one.
void Gather::end_run() {
    auto bytes = static_cast<std::size_t>(at_ - run_);
    if (bytes == 0) return;
    piece({run_, bytes});
    passed_ += bytes;
    run_ = at_;
}

void Gather::next_block() {
    end_run();
    block_ = new (spare_.take()) Block{block_};
    at_ = run_ = reinterpret_cast<char*>(block_ + 1);
    limit_ = reinterpret_cast<char*>(block_) + Spare::block_bytes;
}

void Gather::put_long(std::string_view text) {
    while (!text.empty()) {
        if (at_ == limit_) next_block();
        std::size_t bytes = std::min(text.size(), static_cast<std::size_t>(limit_ - at_));
        std::memcpy(at_, text.data(), bytes);
        at_ += bytes;
        text.remove_prefix(bytes);
    }
}

void Gather::join() {
    end_run();
    to_.reserve(to_.size() + passed_);
    for (std::size_t i = 0; i < pieces_.size(); ++i) to_.append(pieces_.data()[i]);
}

}  // namespace reflow::codec
