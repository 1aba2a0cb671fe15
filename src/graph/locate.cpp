// Finds values in a text by their path. Thread: any.
#include "graph/locate.hpp"

#include <charconv>

#include "codec/place.hpp"

namespace reflow::graph {
namespace {

// A string literal, quotes included, as text.
String unquoted(std::string_view literal) {
    std::string_view inner = literal.substr(1, literal.size() - 2);
    if (inner.find('\\') == std::string_view::npos) return String(inner);
    auto read = codec::read_json(literal);
    return read.ok() ? String(read.value().text()) : String();
}

// Length of the string literal at the start of the text, both quotes included.
std::size_t literal_size(std::string_view text) {
    std::size_t at = 1;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2U : 1U;
    return std::min(at + 1, text.size());
}

// Walks over text that is JSON.
class Skimmer {
public:
    explicit Skimmer(std::string_view text) : text_(text) { skip_space(); }
    [[nodiscard]] std::size_t at() const { return at_; }

    // Goes into a container, to the value with this key or index; false if there is none.
    bool enter(std::string_view key) {
        if (peek() != '{') return false;
        ++at_;
        for (skip_space(); peek() == '"'; next_item()) {
            std::string_view literal = text_.substr(at_, literal_size(text_.substr(at_)));
            at_ += literal.size();
            skip_space();
            ++at_;  // the colon
            skip_space();
            if (unquoted(literal) == key) return true;
            skip_value();
        }
        return false;
    }
    bool enter(std::size_t index) {
        if (peek() != '[') return false;
        ++at_;
        skip_space();
        for (; peek() != ']' && peek() != 0; next_item()) {
            if (index-- == 0) return true;
            skip_value();
        }
        return false;
    }

private:
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
    }
    void next_item() {
        skip_space();
        if (peek() == ',') ++at_;
        skip_space();
    }
    void skip_value() {
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            char letter = peek();
            if (letter == '"') {
                at_ += literal_size(text_.substr(at_));
            } else if (letter == '{' || letter == '[') {
                ++depth;
                ++at_;
            } else if (letter == '}' || letter == ']') {
                if (depth == 0) return;
                --depth;
                ++at_;
            } else if (letter == ',' && depth == 0) {
                return;
            } else {
                ++at_;
                continue;
            }
            if (depth == 0 && letter != ',') return;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

codec::TextPlace locate_json(std::string_view text, std::string_view path) {
    Skimmer skimmer(text);
    std::size_t found = skimmer.at();
    for (std::size_t at = 1; at < path.size();) {
        bool entered = false;
        if (path[at] == '.') {
            std::size_t end = std::min(path.find_first_of(".[", at + 1), path.size());
            entered = skimmer.enter(path.substr(at + 1, end - at - 1));
            at = end;
        } else if (path[at] == '[' && at + 1 < path.size() && path[at + 1] == '"') {
            std::string_view literal = path.substr(at + 1);
            literal = literal.substr(0, literal_size(literal));
            entered = skimmer.enter(unquoted(literal));
            at += literal.size() + 2;
        } else {
            std::size_t index = 0;
            std::from_chars(path.data() + at + 1, path.data() + path.size(), index);
            entered = skimmer.enter(index);
            at = std::min(path.find(']', at), path.size() - 1) + 1;
        }
        if (!entered) break;
        found = skimmer.at();
    }
    return codec::PlaceCounter(text).at(found);
}

std::optional<codec::TextPlace> locate(const codec::Places& places, std::string_view path) {
    while (!path.empty()) {
        if (auto found = places.find(path); found != places.end()) return found->second;
        std::size_t cut = path.find_last_of(".[");
        if (cut == std::string_view::npos) break;
        path = path.substr(0, cut);
    }
    return std::nullopt;
}

}  // namespace reflow::graph
