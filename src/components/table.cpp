// Widths first, then lines.
// Thread: one at a time.
#include "components/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "components/text_width.hpp"

namespace reflow::components {
namespace {

struct Letters {
    std::string_view left, middle, right, line;
};

struct Frame {
    Letters top, below_title, bottom;
    std::string_view side;   // at both ends of a row
    std::string_view inner;  // between cells
    std::string_view dots;   // where a cell is cut
};

constexpr Frame box{
    {"┌", "┬", "┐", "─"}, {"├", "┼", "┤", "─"}, {"└", "┴", "┘", "─"}, "│", "│", "…"};
constexpr Frame ascii{
    {"+", "+", "+", "-"}, {"+", "+", "+", "-"}, {"+", "+", "+", "-"}, "|", "|", "..."};
constexpr Frame plain{{}, {"", "  ", "", "-"}, {}, "", "  ", "..."};
constexpr Frame markdown{{}, {"|", "|", "|", "-"}, {}, "|", "|", "…"};

const Frame& frame_of(TableStyle style) noexcept {
    switch (style) {
        case TableStyle::ascii:
            return ascii;
        case TableStyle::plain:
            return plain;
        case TableStyle::markdown:
            return markdown;
        case TableStyle::box:
            break;
    }
    return box;
}

// A cell on one line: controls become spaces, and it is cut to the width.
String clean(std::string_view text, std::size_t width, const Frame& frame, TableStyle style) {
    String result;
    result.reserve(text.size());
    while (!text.empty()) {
        Letter letter = first_letter(text);
        bool control = letter.code < 0x20 || (letter.code >= 0x7F && letter.code < 0xA0);
        if (style == TableStyle::markdown && letter.code == '|') result.push_back('\\');
        if (control) {
            result.push_back(' ');
        } else {
            append(result, text.substr(0, letter.bytes));
        }
        text.remove_prefix(letter.bytes);
    }
    if (text_width(result) <= width) return result;
    std::size_t dots = text_width(frame.dots);
    result.resize(fitting(result, width > dots ? width - dots : 0).size());
    append(result, frame.dots);
    return result;
}

void repeat(String& to, std::string_view text, std::size_t count) {
    for (; count > 0; --count) append(to, text);
}

class Drawing {
public:
    Drawing(TableStyle style, const Vector<TableColumn>& columns,
            const Vector<Vector<String>>& rows, std::size_t max_cell)
        : style_(style), frame_(frame_of(style)), columns_(columns), max_cell_(max_cell) {
        for (const TableColumn& column : columns) {
            widths_.push_back(text_width(cell(column.title)));
        }
        for (const Vector<String>& row : rows) {
            for (std::size_t i = 0; i < row.size(); ++i) {
                widths_[i] = std::max(widths_[i], text_width(cell(row[i])));
            }
        }
        // Markdown wants three dashes at least.
        if (style == TableStyle::markdown) {
            for (std::size_t& width : widths_) width = std::max<std::size_t>(width, 3);
        }
    }

    void rule(const Letters& letters) {
        if (letters.line.empty()) return;
        append(out_, letters.left);
        for (std::size_t i = 0; i < widths_.size(); ++i) {
            if (i > 0) append(out_, letters.middle);
            std::size_t width = widths_[i] + 2 * padding();
            bool colon = style_ == TableStyle::markdown && columns_[i].right;
            repeat(out_, letters.line, colon ? width - 1 : width);
            if (colon) out_.push_back(':');
        }
        append(out_, letters.right);
        out_.push_back('\n');
    }

    void row(const Vector<String>& cells) {
        append(out_, frame_.side);
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i > 0) append(out_, frame_.inner);
            String text = cell(cells[i]);
            std::size_t free = widths_[i] - text_width(text);
            out_.append(padding() + (columns_[i].right ? free : 0), ' ');
            append(out_, text);
            // No blanks at the end of a line.
            bool last = frame_.side.empty() && i + 1 == cells.size();
            if (!last) out_.append(padding() + (columns_[i].right ? 0 : free), ' ');
        }
        append(out_, frame_.side);
        out_.push_back('\n');
    }

    [[nodiscard]] String take() { return std::move(out_); }
    [[nodiscard]] const Frame& frame() const noexcept { return frame_; }

private:
    [[nodiscard]] String cell(std::string_view text) const {
        return clean(text, max_cell_, frame_, style_);
    }
    [[nodiscard]] std::size_t padding() const noexcept { return frame_.side.empty() ? 0 : 1; }

    TableStyle style_;
    const Frame& frame_;
    const Vector<TableColumn>& columns_;
    std::size_t max_cell_;
    Vector<std::size_t> widths_;
    String out_;
};

}  // namespace

String draw_table(TableStyle style, const Vector<TableColumn>& columns,
                  const Vector<Vector<String>>& rows, std::size_t max_cell) {
    Drawing drawing(style, columns, rows, max_cell);
    Vector<String> titles;
    for (const TableColumn& column : columns) titles.push_back(column.title);
    drawing.rule(drawing.frame().top);
    drawing.row(titles);
    drawing.rule(drawing.frame().below_title);
    for (const Vector<String>& row : rows) drawing.row(row);
    drawing.rule(drawing.frame().bottom);
    return drawing.take();
}

String fixed_number(double value, int decimals) {
    if (std::isnan(value)) return String("nan");
    if (std::isinf(value)) return String(value > 0 ? "inf" : "-inf");
    char digits[400];  // the largest double has 309 before the point
    auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed,
                             std::clamp(decimals, 0, most_decimals))
                   .ptr;
    std::string_view text(digits, static_cast<std::size_t>(end - digits));
    // "-0.0" is what rounding leaves of a small negative number.
    if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string_view::npos) {
        text.remove_prefix(1);
    }
    return String(text);
}

}  // namespace reflow::components
