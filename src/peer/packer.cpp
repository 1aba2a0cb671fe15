// Packing frames with contexts that links share; see packer.hpp.
#include "peer/packer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "peer/limits.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint32_t most_passed_over = 64;

// One that nobody uses; it comes back with give().
template <typename Context>
std::unique_ptr<Context> borrow(std::mutex& mutex, Vector<std::unique_ptr<Context>>& all) {
    {
        std::lock_guard lock(mutex);
        if (!all.empty()) {
            std::unique_ptr<Context> one = std::move(all.back());
            all.pop_back();
            return one;
        }
    }
    return std::unique_ptr<Context>(new Context);
}

template <typename Context>
void give(std::mutex& mutex, Vector<std::unique_ptr<Context>>& all, std::unique_ptr<Context> one) {
    std::lock_guard lock(mutex);
    all.push_back(std::move(one));
}

}  // namespace

void Packer::pack(String& frame, PackMemory& memory) {
    if (options_.level == 0 || frame.size() < std::max<std::size_t>(options_.threshold, 1)) return;
    if (memory.pass_over != 0) {
        --memory.pass_over;
        return;
    }
    auto compressor = borrow(mutex_, compressors_);
    String packed(1, packed_mark);
    bool smaller = compressor->compress(frame, options_.level, packed);
    give(mutex_, compressors_, std::move(compressor));
    if (smaller) {
        frame = std::move(packed);
        memory.next = 0;
    } else {
        memory.next = std::min(memory.next * 2 + 1, most_passed_over);
        memory.pass_over = memory.next;
    }
}

Result<void> Packer::unpack(std::string_view frame, String& to) {
    auto decompressor = borrow(mutex_, decompressors_);
    Result<void> done = decompressor->decompress(frame.substr(1), limits::peer_frame_bytes, to);
    give(mutex_, decompressors_, std::move(decompressor));
    if (done.ok()) return done;
    return Failure(done.error().status, concat("a packed frame: ", done.error().message));
}

}  // namespace reflow::peer
