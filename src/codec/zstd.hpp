// zstd: bytes made smaller, and back within a limit. The only layer that includes zstd.h; part of a
// build with peers. Thread: one at a time for each object.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace reflow::codec {

class Compressor : public Allocated {
public:
    Compressor() = default;
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;
    ~Compressor();
    // Appends what is made of `from` if that is at least an eighth smaller; false: to is as it was.
    [[nodiscard]] bool compress(std::string_view from, int level, String& to);

private:
    ZSTD_CCtx_s* context_ = nullptr;
};

class Decompressor : public Allocated {
public:
    Decompressor() = default;
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;
    ~Decompressor();
    // All of it, in the place of `to`. REFLOW_ERROR_LIMIT if it says that it is more than `most`,
    // REFLOW_ERROR_PROTOCOL for what says nothing, lies, or is no zstd.
    [[nodiscard]] Result<void> decompress(std::string_view from, std::size_t most, String& to);

private:
    ZSTD_DCtx_s* context_ = nullptr;
};

}  // namespace reflow::codec
