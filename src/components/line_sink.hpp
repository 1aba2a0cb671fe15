// What the components that write lines share: where they go, buffering, and what happens when
// the disk is full.
// Neighbours: csv_write.cpp, jsonl.cpp. Thread: see runtime/context.
#pragma once

#include <memory>
#include <string_view>

#include "base/store.hpp"
#include "components/actor.hpp"
#include "components/config.hpp"

namespace reflow::components {

// The part of the configuration schema that components with an output file share.
#define REFLOW_FOLDER_SCHEMA \
    R"("folder": {"type": "string", "default": "", "x-output-folder": true, "description": "folder that a relative path is below; made if it is missing"})"

#define REFLOW_LINE_SINK_SCHEMA                                                                                    \
    R"("path": {"type": "string", "description": "file to write, emptied at the start; '-' prints"},)"             \
    R"("append": {"type": "boolean", "default": false, "description": "add to the file instead of emptying it"},)" \
    R"("flush": {"type": "boolean", "default": false, "description": "write after every batch, for files that others follow, and not only when 64 KiB are full"},)" REFLOW_FOLDER_SCHEMA

// The folder and a path below it; an absolute path stands alone.
[[nodiscard]] String output_path(std::string_view folder, std::string_view path);

// Whole lines into a file, or to the person.
//
// When a write fails the firing that caused it fails, and later lines are dropped and counted:
// one message and not one for each row. finish() fails with the count. What was written before
// stays, and ends with a whole line.
class LineSink {
public:
    explicit LineSink(const Config& config);

    Result<void> open(Context& context);  // in setup
    // A line with its end, to be added to buffer(); then end_line().
    [[nodiscard]] String& buffer() noexcept { return buffer_; }
    Result<void> end_line(Context& context);
    // Whether lines are dropped from now on: then there is no need to make them.
    [[nodiscard]] bool dropping() const noexcept { return failed_; }
    void drop_line() noexcept { ++lost_; }
    Result<void> end_batch(Context& context);
    Result<void> finish(Context& context);
    void close(Context& context);  // in teardown

private:
    Result<void> flush(Context& context);

    String path_;
    bool append_;
    bool flush_;
    bool print_;
    bool failed_ = false;
    std::uint64_t lost_ = 0;
    std::uint64_t lines_ = 0;  // in the buffer
    String buffer_;
    std::unique_ptr<Store::Writer> writer_;
};

}  // namespace reflow::components
