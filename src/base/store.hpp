// Files, as the layers without I/O see them. io/ implements it, capi hands it in.
// Thread: any; a Reader or Writer belongs to one thread at a time. Blocking: as long as the medium
// takes; for somebody at the other end of a pipe only read_file() waits, see there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"

namespace reflow {

class Store {
public:
    // Reads a file from start to end.
    class Reader : public Allocated {
    public:
        virtual ~Reader() = default;
        // Fills the buffer as far as there is data; 0 at the end; nothing_yet if a pipe, or another
        // file with somebody at its other end, has nothing at the moment. Who asks again at once
        // is held up for some milliseconds, so that a loop does not spin.
        virtual Result<std::size_t> read(std::span<char> buffer) = 0;
        static constexpr std::size_t nothing_yet = SIZE_MAX;
        // Whether another reader of the same file would get the same once more: not of a pipe.
        [[nodiscard]] virtual bool repeatable() const noexcept { return true; }
        // Goes on behind so many bytes; a file that is shorter is an error. Of one that is
        // repeatable().
        virtual Result<void> skip(std::uint64_t bytes);
    };
    // Writes a file from start to end. What write() took is in the file after flush().
    // A pipe takes less than all while it is full, and nothing while nobody has opened it for
    // reading; asking again is as with read(). Any other file takes all or fails.
    class Writer : public Allocated {
    public:
        virtual ~Writer() = default;
        // How many bytes it took, from the first.
        virtual Result<std::size_t> write(std::string_view data) = 0;
        // Whether it may take less than all. Who reads it also wants to have it soon.
        [[nodiscard]] virtual bool waits() const noexcept { return false; }
        virtual Result<void> flush() = 0;
        // Where the file ends that open_writer_at() can go on with; a pipe has no such place.
        virtual Result<std::uint64_t> position();
        // Flushes and closes; reports what only closing can show (a full disk over a network).
        virtual Result<void> close() = 0;
    };

    virtual ~Store() = default;
    // Directories, missing files and others that cannot be read are REFLOW_ERROR_IO with file set.
    virtual Result<std::unique_ptr<Reader>> open_reader(std::string_view path) = 0;
    // Creates or truncates; missing parent folders are created.
    virtual Result<std::unique_ptr<Writer>> open_writer(std::string_view path, bool append) = 0;
    // An existing file, cut to so many bytes, to be written on behind them. A shorter one is an
    // error.
    virtual Result<std::unique_ptr<Writer>> open_writer_at(std::string_view path,
                                                           std::uint64_t position);
    // The whole file, refused with REFLOW_ERROR_LIMIT beyond max_bytes. Of a pipe it is what
    // comes until the other end closes it, however long that takes.
    virtual Result<String> read_file(std::string_view path, std::uint64_t max_bytes) = 0;
    // Replaces a file as a whole or not at all (temporary file beside it, then rename). A pipe is
    // written into, and it fails if nobody reads it for a second.
    virtual Result<void> write_file(std::string_view path, std::string_view data) = 0;
    // Before a file is replaced: what is there stays as PATH.1, the one of that name as PATH.2, and
    // so on up to `keep`. The file itself stays too.
    virtual Result<void> keep_versions(std::string_view path, std::uint32_t keep);
    // The same, and it is on the disk when this returns.
    virtual Result<void> write_durable(std::string_view path, std::string_view data) {
        return write_file(path, data);
    }
};

}  // namespace reflow
