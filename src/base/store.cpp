// What a store of files need not have.
// Neighbours: store.hpp. Thread: see there.
#include "base/store.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace reflow {

Result<void> Store::Reader::skip(std::uint64_t bytes) {
    std::array<char, 16 * 1024> piece;
    for (std::uint64_t left = bytes; left > 0;) {
        std::size_t most = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
        Result<std::size_t> got = read({piece.data(), most});
        if (!got.ok()) return got.take_error();
        if (got.value() == 0 || got.value() == nothing_yet) {
            return Failure(REFLOW_ERROR_IO, concat("the file is shorter than ", bytes, " bytes"));
        }
        left -= got.value();
    }
    return {};
}

Result<std::uint64_t> Store::Writer::position() {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "what was written into it cannot be taken back");
}

Result<std::unique_ptr<Store::Writer>> Store::open_writer_at(std::string_view path, std::uint64_t) {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "files cannot be cut here").file(path);
}

Result<void> Store::keep_versions(std::string_view path, std::uint32_t) {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "files of before cannot be kept here").file(path);
}

}  // namespace reflow
