// Patterns of node ids, and samples.
// Thread: see filter.hpp.
#include "network/filter.hpp"

#include "network/events.hpp"

namespace reflow::network {

// A text that does not go on is tried again from the last '*', one byte further, and if that has
// come to a '/', from the last "**". What stands before these needs no other try: they take up
// whatever it would leave.
bool matches(std::string_view pattern, std::string_view text) noexcept {
    constexpr std::size_t none = SIZE_MAX;
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = none, star_text = 0;
    std::size_t deep = none, deep_text = 0;
    while (p < pattern.size() || t < text.size()) {
        if (pattern.substr(p, 2) == "**") {
            deep = p += 2;
            deep_text = t;
            star = none;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (p < pattern.size() && t < text.size() &&
                   (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/'))) {
            ++p;
            ++t;
        } else if (star != none && star_text < text.size() && text[star_text] != '/') {
            p = star;
            t = ++star_text;
        } else if (deep != none && deep_text < text.size()) {
            p = deep;
            t = ++deep_text;
            star = none;
        } else {
            return false;
        }
    }
    return true;
}

EventFilter::EventFilter(std::uint64_t kinds, std::string_view nodes, std::uint32_t sample)
    : kinds_(kinds), nodes_(nodes), sample_(sample == 0 ? 1 : sample) {
    if (nodes.ends_with('/')) nodes_ += "**";
}

bool EventFilter::accepts(const Event& event) noexcept {
    if (!has_kind(event.kind)) return false;
    if (!nodes_.empty() && !event.node.empty() && !matches(nodes_, event.node) &&
        (event.peer.empty() || !matches(nodes_, event.peer))) {
        return false;
    }
    bool sampled = event.kind == REFLOW_EVENT_ACTOR_COMPLETED ||
                   event.kind == REFLOW_EVENT_MESSAGE_SENT ||
                   event.kind == REFLOW_EVENT_MESSAGE_RECEIVED ||
                   event.kind == REFLOW_EVENT_ACTOR_EMIT;
    if (!sampled || sample_ == 1) return true;
    std::uint32_t& left = left_[event.kind];
    if (left == 0) {
        left = sample_ - 1;
        return true;
    }
    --left;
    return false;
}

}  // namespace reflow::network
