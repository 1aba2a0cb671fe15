// Files, as the layers without I/O see them. io/ implements it, capi hands it in.
// Thread: any; a Reader or Writer belongs to one thread at a time. Blocking: yes, all of it.
#pragma once

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
        // Fills the buffer as far as there is data; 0 at the end.
        virtual Result<std::size_t> read(std::span<char> buffer) = 0;
    };
    // Writes a file from start to end. What write() took is in the file after flush().
    class Writer : public Allocated {
    public:
        virtual ~Writer() = default;
        virtual Result<void> write(std::string_view data) = 0;
        virtual Result<void> flush() = 0;
        // Flushes and closes; reports what only closing can show (a full disk over a network).
        virtual Result<void> close() = 0;
    };

    virtual ~Store() = default;
    // Directories, missing files and others that cannot be read are REFLOW_ERROR_IO with file set.
    virtual Result<std::unique_ptr<Reader>> open_reader(std::string_view path) = 0;
    // Creates or truncates; missing parent folders are created.
    virtual Result<std::unique_ptr<Writer>> open_writer(std::string_view path, bool append) = 0;
    // The whole file, refused with REFLOW_ERROR_LIMIT beyond max_bytes.
    virtual Result<String> read_file(std::string_view path, std::uint64_t max_bytes) = 0;
    // Replaces a file as a whole or not at all (temporary file beside it, then rename).
    virtual Result<void> write_file(std::string_view path, std::string_view data) = 0;
};

}  // namespace reflow
