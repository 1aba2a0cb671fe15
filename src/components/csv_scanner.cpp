// The state machine of CsvScanner. It keeps its place between pieces, so that no byte of a row is
// looked at twice, however small the pieces are.
// Thread: one at a time.
#include "components/csv_scanner.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace reflow::components {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool line_end(char letter) noexcept { return letter == '\n' || letter == '\r'; }

std::size_t find_line_end(std::string_view text) noexcept { return text.find_first_of("\r\n"); }

// Line ends in a row: LF, CRLF and CR count one each.
std::uint64_t count_line_ends(std::string_view text) noexcept {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') {
            ++count;
        } else if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) {
            ++count;
        }
    }
    return count;
}

// The first bytes of a text, not cutting a letter of UTF-8 in two.
std::string_view beginning(std::string_view text, std::size_t bytes) noexcept {
    if (text.size() <= bytes) return text;
    std::size_t cut = bytes;
    while (cut > 0 && bytes - cut < 3 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) {
        --cut;
    }
    return text.substr(0, cut);
}

}  // namespace

CsvScanner::CsvScanner(const CsvSyntax& syntax) : syntax_(syntax) {
    auto mark = [&](char letter) { special_[static_cast<unsigned char>(letter)] = true; };
    mark(syntax.delimiter);
    if (syntax.quoting) mark(syntax.quote);
    mark('\n');
    mark('\r');
}

std::span<char> CsvScanner::space() {
    if (row_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + row_, end_ - row_);
        end_ -= row_;
        row_ = 0;
    }
    // A row that fits is complete before the buffer has grown beyond this.
    std::size_t most = syntax_.max_row_bytes + piece_bytes;
    if (buffer_.size() - end_ < piece_bytes / 2) {
        std::size_t larger = std::max(buffer_.size() * 2, 2 * piece_bytes);
        buffer_.resize(std::max(end_ + piece_bytes, std::min(larger, most)));
    }
    return {buffer_.data() + end_, buffer_.size() - end_};
}

void CsvScanner::filled(std::size_t count) noexcept {
    if (count == 0) ended_ = true;
    end_ += count;
    filled_ += count;
    REFLOW_ASSERT(end_ <= buffer_.size());
}

// Skips the byte-order mark; false while too little is there to tell.
bool CsvScanner::start_of_input() noexcept {
    std::string_view text = unread();
    if (text.size() < byte_order_mark.size() && !ended_ && byte_order_mark.starts_with(text)) {
        return false;
    }
    if (text.starts_with(byte_order_mark)) row_ += byte_order_mark.size();
    at_start_ = false;
    return true;
}

CsvScanner::Step CsvScanner::next() {
    if (at_start_ && !start_of_input()) return Step::more;
    if (state_ == State::skipping) {
        std::size_t end = find_line_end(unread());
        if (end == std::string_view::npos) {
            row_ = end_;
            if (!ended_) return Step::more;
            state_ = State::field_start;
        } else {
            start_row(end);
            ++next_line_;
        }
    }
    if (skip_newline_ && row_ < end_) {
        if (buffer_[row_] == '\n') ++row_;
        skip_newline_ = false;
    }
    line_ = next_line_;
    if (state_ != State::broken) reason_.clear();
    if (state_ == State::broken) return take_broken();
    if (scan()) return state_ == State::broken ? take_broken() : take_row();
    return incomplete();
}

// Looks for the end of the row; false if it is not there yet. True with state broken as well.
bool CsvScanner::scan() {
    while (row_ + at_ < end_) {
        switch (state_) {
            case State::field_start:
                field_ = at_;
                doubled_ = false;
                if (syntax_.quoting && buffer_[row_ + at_] == syntax_.quote) {
                    state_ = State::quoted;
                    any_quoted_ = true;
                    field_ = ++at_;
                } else {
                    state_ = State::plain;
                }
                break;
            case State::plain: {
                if (!scan_plain()) return false;
                char letter = buffer_[row_ + at_];
                if (letter != syntax_.delimiter && !line_end(letter)) {
                    return break_row(concat("a quote inside of field ", found_.size() + 1,
                                            ", which does not begin with one"));
                }
                if (!end_field(at_)) return true;
                if (letter != syntax_.delimiter) return true;
                ++at_;
                state_ = State::field_start;
                break;
            }
            case State::quoted:
                if (!scan_quoted()) return false;
                break;
            case State::after_quote:
                if (scan_after_quote()) return true;
                break;
            case State::broken:
            case State::skipping:
                return true;
        }
        if (at_ > syntax_.max_row_bytes) return false;
    }
    return false;
}

// To the next delimiter, quote or line end.
bool CsvScanner::scan_plain() noexcept {
    const char* letter = buffer_.data() + row_ + at_;
    const char* end = buffer_.data() + end_;
    while (letter != end && !special_[static_cast<unsigned char>(*letter)]) ++letter;
    at_ = static_cast<std::size_t>(letter - (buffer_.data() + row_));
    return letter != end;
}

bool CsvScanner::scan_quoted() noexcept {
    const char* start = buffer_.data() + row_ + at_;
    std::size_t left = end_ - row_ - at_;
    const void* quote = std::memchr(start, syntax_.quote, left);
    if (quote == nullptr) {
        at_ += left;
        return false;
    }
    at_ += static_cast<std::size_t>(static_cast<const char*>(quote) - start) + 1;
    state_ = State::after_quote;
    return true;
}

// What stands behind a quote inside of quotes. True if the row ended or broke.
bool CsvScanner::scan_after_quote() {
    char letter = buffer_[row_ + at_];
    if (letter == syntax_.quote) {
        doubled_ = true;
        ++at_;
        state_ = State::quoted;
        return false;
    }
    if (letter != syntax_.delimiter && !line_end(letter)) {
        return break_row(concat("text behind the closing quote of field ", found_.size() + 1));
    }
    if (!end_field(at_ - 1)) return true;
    if (letter != syntax_.delimiter) return true;
    ++at_;
    state_ = State::field_start;
    return false;
}

// False if the row has too many fields and is broken now.
bool CsvScanner::end_field(std::size_t end) {
    if (found_.size() == syntax_.max_columns) {
        (void)break_row(concat("more than ", syntax_.max_columns, " fields (max_columns)"));
        return false;
    }
    found_.push_back(
        {static_cast<std::uint32_t>(field_), static_cast<std::uint32_t>(end), doubled_});
    return true;
}

bool CsvScanner::break_row(String reason) {
    // What comes behind the limit does not count, however far the buffer reaches.
    reason_ = at_ > syntax_.max_row_bytes ? too_long() : std::move(reason);
    state_ = State::broken;
    return true;
}

String CsvScanner::too_long() const {
    bool open = state_ == State::quoted || state_ == State::after_quote;
    return concat(open ? "a quoted field is not closed within " : "longer than ",
                  syntax_.max_row_bytes, " bytes (max_row_bytes)");
}

// The scanner stands on the line end of a row.
CsvScanner::Step CsvScanner::take_row() {
    raw_ = unread().substr(0, at_);
    if (at_ > syntax_.max_row_bytes) {
        (void)break_row(too_long());
        return take_broken();
    }
    if (std::optional<std::size_t> bad = invalid_utf8(raw_); bad.has_value()) {
        reason_ = concat("invalid UTF-8 at byte ", *bad + 1);
        next_line_ += 1 + (any_quoted_ ? count_line_ends(raw_) : 0);
        start_row(at_);
        return Step::refused;
    }
    make_views();
    next_line_ += 1 + (any_quoted_ ? count_line_ends(raw_) : 0);
    start_row(at_);
    return Step::row;
}

// Refuses the first line of the row, as soon as its end is there or it is clearly too long.
CsvScanner::Step CsvScanner::take_broken() {
    std::string_view text = unread();
    std::size_t end = find_line_end(text);
    if (end == std::string_view::npos && !ended_ && text.size() <= syntax_.max_row_bytes) {
        return Step::more;
    }
    raw_ = text.substr(0, end);
    if (raw_.size() > syntax_.max_row_bytes) {
        raw_ = beginning(raw_, std::min(shown_bytes, syntax_.max_row_bytes));
    }
    if (end == std::string_view::npos && !ended_) {
        start_row(text.size());
        skip_newline_ = false;
        state_ = State::skipping;
        return Step::refused;
    }
    ++next_line_;
    start_row(std::min(end, text.size()));
    return Step::refused;
}

// No line end is there: more input, the last row, or one that is too long.
CsvScanner::Step CsvScanner::incomplete() {
    std::size_t size = end_ - row_;
    if (at_ > syntax_.max_row_bytes || size > syntax_.max_row_bytes) {
        (void)break_row(too_long());
        return take_broken();
    }
    if (!ended_) return Step::more;
    if (size == 0) return Step::end;
    if (state_ == State::quoted) {
        (void)break_row("a quoted field is not closed");
        return take_broken();
    }
    if (state_ == State::field_start) {  // behind a delimiter: an empty field
        field_ = at_;
        doubled_ = false;
    }
    if (!end_field(state_ == State::after_quote ? at_ - 1 : at_)) return take_broken();
    return take_row();
}

// The next row starts behind the line end at this offset, if there is one.
void CsvScanner::start_row(std::size_t consumed) noexcept {
    row_ += consumed;
    if (row_ < end_) {
        skip_newline_ = buffer_[row_] == '\r';
        ++row_;
    }
    state_ = State::field_start;
    at_ = 0;
    any_quoted_ = false;
    found_.clear();
}

// Fields as views: into the buffer, or into a copy where doubled quotes become single ones.
void CsvScanner::make_views() {
    views_.clear();
    std::size_t copies = 0;
    const char* row = buffer_.data() + row_;
    for (const Field& field : found_) copies += field.doubled ? 1 : 0;
    if (unquoted_.size() < copies) unquoted_.resize(copies);
    copies = 0;
    for (const Field& field : found_) {
        std::string_view text(row + field.begin, field.end - field.begin);
        if (field.doubled) {
            String& copy = unquoted_[copies++];
            copy.clear();
            for (std::size_t i = 0; i < text.size(); ++i) {
                copy.push_back(text[i]);
                if (text[i] == syntax_.quote) ++i;
            }
            text = copy;
        }
        views_.push_back(text);
    }
}

}  // namespace reflow::components
