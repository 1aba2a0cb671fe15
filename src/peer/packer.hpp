// Frames made smaller on their way: by zstd, where both sides know it. A frame begins with a byte that
// no MessagePack begins with if it is packed. Neighbours: link. Thread: any; one lock, under which
// nobody else is called.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "codec/zstd.hpp"

namespace reflow::peer {

inline constexpr char packed_mark = static_cast<char>(0xc1);

struct PackOptions {
    std::size_t threshold = 1024;  // smaller frames go as they are
    int level = 1;                 // 0: all go as they are
};

// What a link remembers: frames that do not become smaller are rarely alone.
struct PackMemory {
    std::uint32_t pass_over = 0;  // so many are not tried
    std::uint32_t next = 0;
};

class Packer final : public RefCounted<Packer> {
public:
    explicit Packer(PackOptions options) : options_(options) {}
    // Packs a frame, if that is worth it.
    void pack(String& frame, PackMemory& memory);
    // What a packed frame was, in the place of `to`. REFLOW_ERROR_PROTOCOL, _LIMIT.
    [[nodiscard]] Result<void> unpack(std::string_view frame, String& to);

private:
    const PackOptions options_;
    std::mutex mutex_;  // guards both; as many as threads have needed at once
    Vector<std::unique_ptr<codec::Compressor>> compressors_;
    Vector<std::unique_ptr<codec::Decompressor>> decompressors_;
};

}  // namespace reflow::peer
