// Small text tools: JSON strings, did-you-mean, numbers for people, columns.
// Thread: any.
#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <numeric>

namespace cli {

namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

// The length of the UTF-8 sequence at an offset, or 0 if there is none.
std::size_t sequence(std::string_view text, std::size_t at) {
    const unsigned lead = byte_at(text, at);
    if (lead < 0x80) return 1;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || at + size > text.size()) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(text, at + i) & 0xc0) != 0x80) return 0;
    }
    const unsigned second = byte_at(text, at + 1);
    const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
    return bad ? 0 : size;
}

void append_escape(std::string& out, const char* format, unsigned value) {
    std::array<char, 12> text{};
    std::snprintf(text.data(), text.size(), format, value);
    out += text.data();
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
    return result;
}

// Edit distance with transpositions of neighbours (optimal string alignment), three rows.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + differs});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

bool is_name(std::string_view key) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !key.empty() && letter(key.front()) && std::all_of(key.begin(), key.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9');
    });
}

}  // namespace

std::string path_step(std::string_view key) {
    if (is_name(key)) return "." + std::string(key);
    std::string step = "[";
    append_json(step, key);
    return step += ']';
}

void append_json(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = sequence(text, at);
        const char c = text[at];
        if (size == 0) {
            out += "\xef\xbf\xbd";
            ++at;
            continue;
        }
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\r') {
            out += "\\r";
        } else if (byte_at(text, at) < 0x20) {
            append_escape(out, "\\u%04x", byte_at(text, at));
        } else {
            out.append(text, at, size);
        }
        at += size;
    }
    out += '"';
}

void append_safe(std::string& out, std::string_view text, bool lines) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = sequence(text, at);
        const unsigned byte = byte_at(text, at);
        // C1 controls are two bytes in UTF-8: c2 80 to c2 9f.
        const bool control = (byte < 0x20 && byte != '\t' && !(lines && byte == '\n')) ||
                             byte == 0x7f ||
                             (size == 2 && byte == 0xc2 && byte_at(text, at + 1) < 0xa0);
        if (size == 0 || control) {
            for (std::size_t i = 0; i < std::max<std::size_t>(size, 1); ++i) {
                append_escape(out, "\\x%02x", byte_at(text, at + i));
            }
        } else {
            out.append(text, at, size);
        }
        at += std::max<std::size_t>(size, 1);
    }
}

std::string_view closest(std::string_view wrong, const std::vector<std::string_view>& candidates) {
    if (wrong.empty() || wrong.size() > 256) return {};
    const std::string folded = lower(wrong);
    std::size_t best = std::max<std::size_t>(1, wrong.size() / 3) + 1;
    std::string_view found;
    for (std::string_view candidate : candidates) {
        const std::size_t gap = candidate.size() > wrong.size() ? candidate.size() - wrong.size()
                                                                : wrong.size() - candidate.size();
        if (gap >= best) continue;
        const std::size_t steps = distance(folded, lower(candidate));
        if (steps < best) {
            best = steps;
            found = candidate;
        }
    }
    return found;
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& candidates) {
    const std::string_view found = closest(wrong, candidates);
    if (found.empty()) return {};
    return "did you mean '" + std::string(found) + "'?";
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string system_reason(int number) {
    std::string reason = std::strerror(number);
    // "No space", but "RPC failed".
    if (reason.size() > 1 && std::islower(static_cast<unsigned char>(reason[1])) != 0) {
        reason[0] = lower(reason[0]);
    }
    return reason;
}

std::string duration(double seconds) {
    std::array<char, 48> text{};
    if (seconds < 1) {
        std::snprintf(text.data(), text.size(), "%.3f s", seconds);
    } else if (seconds < 60) {
        std::snprintf(text.data(), text.size(), "%.1f s", seconds);
    } else {
        const auto whole = static_cast<std::uint64_t>(seconds);
        std::snprintf(text.data(), text.size(), "%llu min %02llu s",
                      static_cast<unsigned long long>(whole / 60),
                      static_cast<unsigned long long>(whole % 60));
    }
    return text.data();
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::string_view cut(std::string_view text, std::size_t limit) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if ((byte_at(text, at) & 0xc0) == 0x80) continue;
        if (count == limit) return text.substr(0, at);
        ++count;
    }
    return text;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
    std::string out;
    std::size_t used = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty()) continue;
        const std::size_t size = columns(word);
        if (used > 0 && used + 1 + size > width) {
            out += '\n';
            out.append(indent, ' ');
            used = 0;
        } else if (used > 0) {
            out += ' ';
            ++used;
        }
        out += word;
        used += size;
    }
    return out;
}

}  // namespace cli
