// Text helpers.
// Thread: any.
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/utf8.hpp"

namespace reflow {
namespace {

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

// Names longer than this are not compared: the distance costs the product of the lengths.
constexpr std::size_t compared_bytes = 64;

std::size_t distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, compared_bytes + 1>;
    Row before{}, last{}, now{};
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t cost = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + cost});
            bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::size_t> invalid_utf8(std::string_view text) noexcept {
    auto valid =
        static_cast<std::size_t>(valid_utf8(text.data(), text.data() + text.size()) - text.data());
    if (valid == text.size()) return std::nullopt;
    return valid;
}

String repair_utf8(std::string_view text) {
    String result;
    result.reserve(text.size());
    while (!text.empty()) {
        std::size_t length = utf8_length(text);
        if (length == 0) {
            result.append("\xEF\xBF\xBD");
            text.remove_prefix(1);
        } else {
            result.append(text.substr(0, length));
            text.remove_prefix(length);
        }
    }
    return result;
}

void append(String& to, std::string_view text) { to.append(text); }

void append_integer(String& to, std::int64_t value) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    to.append(digits, static_cast<std::size_t>(end - digits));
}

void append_unsigned(String& to, std::uint64_t value) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    to.append(digits, static_cast<std::size_t>(end - digits));
}

void append_float(String& to, double value) {
    char digits[32];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    std::string_view text(digits, static_cast<std::size_t>(end - digits));
    to.append(text);
    // "nan" and "inf" hold an n; a number without any of these would read back as an integer.
    if (text.find_first_of(".en") == std::string_view::npos) to.append(".0");
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates) {
    std::string_view best;
    if (name.empty() || name.size() > compared_bytes) return best;
    // A slip of the pen: about one letter in three.
    std::size_t allowed = std::max<std::size_t>(1, name.size() / 3);
    for (std::string_view candidate : candidates) {
        if (candidate.size() > compared_bytes) continue;
        std::size_t steps = distance(name, candidate);
        if (steps <= allowed && steps < std::max(name.size(), candidate.size())) {
            best = candidate;
            if (steps == 0) break;
            allowed = steps - 1;
        }
    }
    return best;
}

String did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
    std::string_view best = nearest(name, candidates);
    return best.empty() ? String() : concat("did you mean '", best, "'?");
}

}  // namespace reflow
