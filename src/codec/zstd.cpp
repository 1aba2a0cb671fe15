// zstd, one frame at a time, with contexts that are kept; see zstd.hpp. How much memory a context has
// depends on the level, not on what comes.
#include "codec/zstd.hpp"

#include <zstd.h>

#include "base/text.hpp"

namespace reflow::codec {

Compressor::~Compressor() { ZSTD_freeCCtx(context_); }

bool Compressor::compress(std::string_view from, int level, String& to) {
    if (context_ == nullptr) context_ = ZSTD_createCCtx();
    if (context_ == nullptr) return false;
    const std::size_t before = to.size();
    const std::size_t room = from.size() - from.size() / 8;
    to.resize(before + room);
    // What does not fit is an error, as any other.
    std::size_t size =
        ZSTD_compressCCtx(context_, to.data() + before, room, from.data(), from.size(), level);
    bool fine = ZSTD_isError(size) == 0;
    to.resize(before + (fine ? size : 0));
    return fine;
}

Decompressor::~Decompressor() { ZSTD_freeDCtx(context_); }

Result<void> Decompressor::decompress(std::string_view from, std::size_t most, String& to) {
    unsigned long long size = ZSTD_getFrameContentSize(from.data(), from.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
        return Failure(REFLOW_ERROR_PROTOCOL, "it is no zstd that tells its size");
    }
    if (size > most) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("it becomes ", std::uint64_t{size}, " bytes, at most are ", most));
    }
    if (context_ == nullptr) context_ = ZSTD_createDCtx();
    if (context_ == nullptr) return Failure(REFLOW_ERROR_OUT_OF_MEMORY, "no memory for zstd");
    to.resize(static_cast<std::size_t>(size));
    std::size_t got =
        ZSTD_decompressDCtx(context_, to.data(), to.size(), from.data(), from.size());
    if (ZSTD_isError(got) != 0) {
        return Failure(REFLOW_ERROR_PROTOCOL,
                       concat("zstd: ", std::string_view(ZSTD_getErrorName(got))));
    }
    if (got != size) {
        return Failure(REFLOW_ERROR_PROTOCOL,
                       concat("it says ", std::uint64_t{size}, " bytes and has ", got));
    }
    return {};
}

}  // namespace reflow::codec
