// Rows of text as a table for a terminal.
// Neighbours: report.cpp (TablePrint). Thread: one at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"

namespace reflow::components {

enum class TableStyle : std::uint8_t { box, ascii, plain, markdown };

struct TableColumn {
    String title;
    bool right = false;  // numbers
};

// Draws the table, line ends included. Each row has as many cells as there are columns. Cells wider
// than max_cell columns of the terminal are cut and end with "…" ("..." in plain ASCII); line
// ends, tabs and other controls in them become spaces.
[[nodiscard]] String draw_table(TableStyle style, const Vector<TableColumn>& columns,
                                const Vector<Vector<String>>& rows, std::size_t max_cell);

// A number with that many digits behind the point; at most `most_decimals`. NaN and infinities
// are "nan", "inf", "-inf".
inline constexpr int most_decimals = 15;
[[nodiscard]] String fixed_number(double value, int decimals);

}  // namespace reflow::components
