// What the components that write lines share: where they go, buffering, and what happens when
// the disk is full.
// Neighbours: csv_write.cpp, jsonl.cpp. Thread: see runtime/context.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/store.hpp"
#include "components/actor.hpp"
#include "components/backoff.hpp"
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
//
// While a pipe is full, or nobody has opened it for reading yet, the actor rests and its input
// waits, and so do those who send it.
class LineSink {
public:
    explicit LineSink(const Config& config);

    Result<void> open(Context& context);  // in setup
    // The run of a component: write(message) adds a line for each input.
    template <typename Write>
    Result<void> run(Context& context, std::span<Packet> inputs, Write write);
    // A line with its end, to be added to buffer(); then end_line().
    [[nodiscard]] String& buffer() noexcept { return buffer_; }
    Result<void> end_line(Context& context);
    Result<void> finish(Context& context);
    void close(Context& context);  // in teardown

    // For a snapshot: how long the file is, and what is not in it yet. Of a pipe there is none.
    // What load() takes, open() goes on with: it cuts the file to that length. One that replaces one
    // with another file begins anew, since that one ends its file itself: then goes_on() is false.
    Result<void> save(ObjectBuilder& to);
    Result<void> load(Context& context, MessageRef saved);
    [[nodiscard]] bool goes_on() const noexcept { return !loaded_.none(); }

private:
    Result<void> flush(Context& context);
    Result<void> resume(Context& context);
    void rest(Context& context);
    Result<void> end_batch(Context& context);
    // Whether the file takes no more at the moment.
    [[nodiscard]] bool waiting() const noexcept { return written_ < wanted_; }
    [[nodiscard]] Result<void> all_written() const;

    String path_;
    bool append_;
    bool flush_;
    bool print_;
    bool prompt_ = false;  // every batch is written at once
    bool failed_ = false;
    bool kept_ = false;  // the first input is in the buffer already, and waits for it
    std::uint64_t lost_ = 0;
    std::uint64_t lines_ = 0;  // in the buffer
    String buffer_;
    std::size_t wanted_ = 0;   // bytes of the buffer that are to be written
    std::size_t written_ = 0;  // of these
    Backoff backoff_;
    std::unique_ptr<Store::Writer> writer_;
    Message loaded_;  // until something is written
};

template <typename Write>
Result<void> LineSink::run(Context& context, std::span<Packet> inputs, Write write) {
    std::size_t first = 0;
    loaded_ = Message();
    if (waiting()) {
        if (Result<void> done = resume(context); !done.ok() || waiting()) return done;
    }
    if (std::exchange(kept_, false) && !inputs.empty()) first = 1;
    for (std::size_t i = first; i < inputs.size(); ++i) {
        (void)context.advance(i);  // within the batch, so it cannot fail
        if (failed_) {
            ++lost_;
            continue;
        }
        if (Result<void> done = write(MessageRef(inputs[i].message)); !done.ok()) return done;
        if (waiting()) {
            rest(context);
            return {};
        }
    }
    Result<void> done = end_batch(context);
    if (done.ok() && waiting()) rest(context);
    return done;
}

}  // namespace reflow::components
