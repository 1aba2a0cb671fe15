// JsonlRead: a file with a JSON value on each line becomes a message for each line.
// Neighbours: jsonl.cpp has its definition, codec/json reads the values. Thread: see
// runtime/context.
#pragma once

#include "codec/json.hpp"
#include "components/file_source.hpp"

namespace reflow::components {

// Cuts text into lines, piece by piece and without copying. Lines end with LF or CRLF.
class LineScanner {
public:
    explicit LineScanner(std::size_t max_line_bytes) noexcept : max_(max_line_bytes) {}
    [[nodiscard]] std::span<char> space();
    void filled(std::size_t count) noexcept;

    enum class Step : std::uint8_t {
        line,
        too_long,  // text() is its beginning; the rest is skipped
        more,
        end
    };
    [[nodiscard]] Step next();
    // Of the last line, without its end; valid until the next call of next() or space().
    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    // Where the next line starts, for a scanner that goes on there with the same input.
    struct Position {
        std::uint64_t bytes = 0;
        std::uint64_t line = 0;
        bool skipping = false;  // inside of a line that was too long
    };
    [[nodiscard]] Position position() const noexcept {
        return {filled_ - (end_ - start_), number_, skipping_};
    }
    void resume(const Position& at) noexcept {
        filled_ = at.bytes;
        number_ = at.line;
        skipping_ = at.skipping;
    }

private:
    std::size_t max_;
    Vector<char> buffer_;
    std::size_t start_ = 0;  // of the line
    std::size_t seen_ = 0;   // bytes of the line without a line end
    std::size_t end_ = 0;
    bool ended_ = false;
    bool skipping_ = false;
    std::uint64_t number_ = 0;
    std::uint64_t filled_ = 0;
    std::string_view text_;
};

class JsonlRead final : public FileSource {
public:
    static Result<std::unique_ptr<JsonlRead>> create(Context& context);

protected:
    void reset() override;
    Result<Step> next(Next& next) override;
    [[nodiscard]] std::span<char> space() override { return scanner_->space(); }
    void filled(std::size_t count) override { scanner_->filled(count); }
    Result<std::uint64_t> save_place(ObjectBuilder& to) const override;
    Result<std::uint64_t> load_place(MessageRef from) override;

private:
    explicit JsonlRead(const Config& config);

    std::size_t max_line_bytes_;
    codec::ReadLimits limits_;
    std::unique_ptr<LineScanner> scanner_;
    String reason_;
};

}  // namespace reflow::components
