// What the components that read files share: which file, where it is looked for, and emitting no
// more than there is room for.
// Neighbours: csv_read.cpp, jsonl_read.cpp. Thread: see runtime/context.
#pragma once

#include <memory>
#include <string_view>

#include "base/store.hpp"
#include "components/actor.hpp"
#include "components/backoff.hpp"
#include "components/config.hpp"

namespace reflow::components {

// The part of the configuration schema that file sources share.
#define REFLOW_FILE_SOURCE_SCHEMA                                                                                                                   \
    R"("path": {"type": "string", "description": "file to read once at the start, unless the inport 'path' is connected; '-' is standard input"},)" \
    R"("base_dir": {"type": "string", "x-graph-directory": true, "description": "where a relative path is looked for if it is not found from the working directory; by default the folder of the graph file"},)"

// Reads files row by row. While a pipe is silent the actor rests, so that it holds up nobody and
// can be stopped. Ports: path | out, rejected, done.
class FileSource : public Actor {
public:
    Result<void> setup(Context& context) final;
    Result<void> run(Context& context, std::span<Packet> inputs) final;
    void teardown(Context& context) final;
    // The file and the place in it. Of a pipe that was opened there is none.
    Result<Message> save(Context& context) final;
    Result<void> load(Context& context, MessageRef saved, std::uint32_t version) final;
    static constexpr std::uint32_t state_version = 1;

    static constexpr std::uint32_t out_port = 0;
    static constexpr std::uint32_t rejected_port = 1;
    static constexpr std::uint32_t done_port = 2;

protected:
    explicit FileSource(const Config& config);

    // What a format adds.
    enum class Step : std::uint8_t {
        row,      // row holds it
        refused,  // line, reason and raw hold it
        skip,     // nothing to emit
        more,     // fill in the next piece
        end
    };
    struct Next {
        Message row;
        std::uint64_t line = 0;
        std::string_view reason;
        std::string_view raw;  // any bytes
    };
    // A new file begins: forget the one before.
    virtual void reset() = 0;
    // Reads what comes before the rows, once the file is open; false: fill in the next piece.
    virtual Result<bool> begin() { return true; }
    virtual Result<Step> next(Next& next) = 0;
    // Begun, and yet all rows are to come.
    [[nodiscard]] virtual bool untouched() const noexcept { return false; }
    // What the format needs to go on behind so many bytes of the file; to a state that is reset().
    virtual Result<std::uint64_t> save_place(ObjectBuilder& to) const = 0;
    virtual Result<std::uint64_t> load_place(MessageRef from) = 0;
    [[nodiscard]] virtual std::span<char> space() = 0;
    virtual void filled(std::size_t count) = 0;

    // The name of the open file, for errors.
    [[nodiscard]] std::string_view file() const noexcept { return file_; }

private:
    // Where a file stands after a call.
    enum class State : std::uint8_t {
        going,   // there is more
        silent,  // the other end of a pipe has sent nothing yet
        ended
    };

    Result<void> open(Context& context, std::string_view path);
    Result<void> reopen(Context& context);
    void close() noexcept;
    // The next piece of the file into space(); going or silent.
    Result<State> fill();
    // Everything up to the rows; going when that is done, or silent.
    Result<State> prepare();
    // Emits rows while there is room.
    Result<State> pump(Context& context);
    Result<State> proceed(Context& context);
    Result<void> refuse(Context& context, const Next& next);
    Result<void> report(Context& context);

    String path_;
    String base_dir_;
    std::unique_ptr<Store::Reader> reader_;
    String file_;
    bool own_ = false;         // the file is the configured one
    bool from_setup_ = false;  // the open file is the configured one, and nothing is read of it
    bool begun_ = false;       // what comes before the rows is read
    Message loaded_;           // the place to go on at, for setup; until the first run
    Backoff backoff_;
    std::uint64_t rows_ = 0;
    std::uint64_t rejected_ = 0;
    Message key_line_ = Message::string("line");
    Message key_reason_ = Message::string("reason");
    Message key_row_ = Message::string("row");
};

}  // namespace reflow::components
