// Words for errors. Thread: any.
#include "graph/words.hpp"

#include "base/text.hpp"

namespace reflow::graph {

String counted(std::size_t count, std::string_view word) {
    return concat(count, " ", word, count == 1 ? "" : "s");
}

std::string_view shown(std::string_view text) noexcept {
    constexpr std::size_t shown_bytes = 80;
    if (text.size() <= shown_bytes) return text;
    std::size_t cut = shown_bytes;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    return text.substr(0, cut);
}

}  // namespace reflow::graph
