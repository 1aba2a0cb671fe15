// Splits text into the rows and fields of RFC 4180, piece by piece and without copying.
// Neighbours: csv_read.cpp feeds it. Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/memory.hpp"

namespace reflow::components {

struct CsvSyntax {
    char delimiter = ',';
    char quote = '"';
    bool quoting = true;  // false: the quote is a letter like any other
    std::size_t max_row_bytes = std::size_t{1} << 20;
    std::size_t max_columns = 10'000;
};

// Rows end with LF, CRLF or CR outside of quotes; the last one needs no end. A byte-order mark of
// UTF-8 at the start is skipped.
//
// A row that cannot be read is refused as the line on which it starts, and reading goes on behind
// that line: a quote that is never closed costs one line and not the rest of the file.
class CsvScanner {
public:
    explicit CsvScanner(const CsvSyntax& syntax);

    // Where the next piece of the input goes, and how many bytes of it there are; 0 is the end.
    [[nodiscard]] std::span<char> space();
    void filled(std::size_t count) noexcept;

    enum class Step : std::uint8_t {
        row,      // fields(), raw(), line()
        refused,  // reason(), raw(), line()
        more,     // fill in the next piece
        end
    };
    [[nodiscard]] Step next();

    // Of the last row; valid until the next call of next() or space().
    [[nodiscard]] std::span<const std::string_view> fields() const noexcept { return views_; }
    // Without the line end. At most shown_bytes of a line that is longer than max_row_bytes.
    [[nodiscard]] std::string_view raw() const noexcept { return raw_; }
    // The line on which the row starts, from 1.
    [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }  // empty for a row

    static constexpr std::size_t shown_bytes = 1000;

    // Where the next row starts, for a scanner that goes on there with the same input: behind so
    // many bytes of it.
    struct Position {
        std::uint64_t bytes = 0;
        std::uint64_t line = 1;
        bool at_start = true;
        bool skip_newline = false;
        bool skipping = false;  // inside of a row that was refused
    };
    [[nodiscard]] Position position() const noexcept {
        return {filled_ - (end_ - row_), next_line_, at_start_, skip_newline_,
                state_ == State::skipping};
    }
    // Of a scanner that is new.
    void resume(const Position& at) noexcept {
        filled_ = at.bytes;
        next_line_ = at.line;
        at_start_ = at.at_start;
        skip_newline_ = at.skip_newline;
        if (at.skipping) state_ = State::skipping;
    }

private:
    enum class State : std::uint8_t {
        field_start,
        plain,
        quoted,
        after_quote,  // a quote inside of quotes: the end, or the first of two
        broken,       // refused; the end of its first line is not there yet
        skipping      // refused and told; the rest of its line is dropped
    };
    struct Field {
        std::uint32_t begin;
        std::uint32_t end;
        bool doubled;  // holds doubled quotes
    };

    [[nodiscard]] std::string_view unread() const noexcept {
        return {buffer_.data() + row_, end_ - row_};
    }
    [[nodiscard]] bool start_of_input() noexcept;
    [[nodiscard]] bool scan();
    [[nodiscard]] bool scan_plain() noexcept;
    [[nodiscard]] bool scan_quoted() noexcept;
    [[nodiscard]] bool scan_after_quote();
    [[nodiscard]] bool end_field(std::size_t end);
    [[nodiscard]] bool break_row(String reason);
    [[nodiscard]] String too_long() const;
    [[nodiscard]] Step take_row();
    [[nodiscard]] Step take_broken();
    [[nodiscard]] Step incomplete();
    void start_row(std::size_t consumed) noexcept;
    void make_views();

    CsvSyntax syntax_;
    std::array<bool, 256> special_{};  // ends a run of plain text
    Vector<char> buffer_;
    std::size_t row_ = 0;  // where the row starts in the buffer
    std::size_t end_ = 0;  // end of what is filled
    bool at_start_ = true;
    bool ended_ = false;
    bool skip_newline_ = false;  // the LF of a CRLF whose CR ended the row before

    // All offsets count from the start of the row, so that the buffer may move.
    State state_ = State::field_start;
    std::size_t at_ = 0;
    std::size_t field_ = 0;
    bool doubled_ = false;
    bool any_quoted_ = false;
    Vector<Field> found_;

    std::uint64_t filled_ = 0;
    std::uint64_t next_line_ = 1;
    std::uint64_t line_ = 0;
    std::string_view raw_;
    Vector<std::string_view> views_;
    Vector<String> unquoted_;
    String reason_;
};

}  // namespace reflow::components
