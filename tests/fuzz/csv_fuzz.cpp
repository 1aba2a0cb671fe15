// CSV and lines: the rows do not depend on the pieces in which a text comes in, they rise through
// its lines, and memory is bounded. The first byte chooses delimiter, quoting and limits. Thread:
// one.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "codec_fuzz.hpp"
#include "components/csv_read.hpp"
#include "components/jsonl_read.hpp"

namespace {

using namespace reflow;
using components::CsvScanner;
using components::CsvSyntax;
using components::LineScanner;
using fuzz::require;

// Feeds a text in pieces; everything that comes out, as one text.
template <typename Scanner, typename Take>
String scan(Scanner& scanner, std::string_view text, std::size_t piece, Take take) {
    String out;
    for (;;) {
        auto step = scanner.next();
        if (step == Scanner::Step::end) return out;
        if (step != Scanner::Step::more) {
            take(step, out);
            continue;
        }
        std::span<char> space = scanner.space();
        std::size_t count = std::min({piece, space.size(), text.size()});
        std::memcpy(space.data(), text.data(), count);
        text.remove_prefix(count);
        scanner.filled(count);
    }
}

String rows(std::string_view text, const CsvSyntax& syntax, std::size_t piece) {
    CsvScanner scanner(syntax);
    std::uint64_t last = 0;
    return scan(scanner, text, piece, [&](CsvScanner::Step step, String& out) {
        require(scanner.line() > last, "lines do not rise", text);
        last = scanner.line();
        append(out, concat(scanner.line(), step == CsvScanner::Step::row ? "=" : "!", scanner.raw(),
                           "\x1e"));
        if (step == CsvScanner::Step::refused) {
            require(!scanner.reason().empty(), "refused without a reason", text);
            append(out, scanner.reason());
            return;
        }
        require(!invalid_utf8(scanner.raw()), "a row that is not UTF-8", text);
        require(scanner.fields().size() <= syntax.max_columns, "too many fields", text);
        for (std::string_view field : scanner.fields()) {
            append(out, concat(field, "\x1f"));
            (void)components::typed_field(field);
        }
    });
}

String lines(std::string_view text, std::size_t most, std::size_t piece) {
    LineScanner scanner(most);
    return scan(scanner, text, piece, [&](LineScanner::Step step, String& out) {
        require(scanner.text().size() <= most, "a line beyond the limit", text);
        append(out, concat(scanner.number(), step == LineScanner::Step::line ? "=" : "!",
                           scanner.text(), "\x1e"));
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    fuzz::count_memory();
    std::uint8_t choice = data[0];
    std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    CsvSyntax syntax;
    syntax.delimiter = (choice & 1) != 0 ? ';' : ',';
    syntax.quoting = (choice & 2) == 0;
    if ((choice & 4) != 0) syntax.max_row_bytes = 1 + (choice >> 4);
    if ((choice & 8) != 0) syntax.max_columns = 1 + (choice >> 4);
    std::size_t before = fuzz::counted().now;
    String whole = rows(text, syntax, SIZE_MAX);
    require(fuzz::counted().most - before <= 400'000 + 64 * size, "memory out of proportion");
    for (std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{64}}) {
        require(rows(text, syntax, piece) == whole, "rows depend on the pieces", text);
    }
    whole = lines(text, syntax.max_row_bytes, SIZE_MAX);
    for (std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{64}}) {
        require(lines(text, syntax.max_row_bytes, piece) == whole, "lines depend on the pieces",
                text);
    }
    return 0;
}
