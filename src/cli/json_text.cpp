// Places in JSON text that the library has read and found to be right.
// Thread: any.
#include "cli/json_text.hpp"

#include <algorithm>
#include <vector>

#include "cli/handles.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// What the walk tells of, at the place where it begins.
struct Visitor {
    virtual ~Visitor() = default;
    virtual void value(const std::string& path, std::size_t at) {
        static_cast<void>(path);
        static_cast<void>(at);
    }
    virtual void open() {}
    virtual void key(std::string_view text, std::size_t at) {
        static_cast<void>(text);
        static_cast<void>(at);
    }
    virtual void close() {}
};

// The text of a string literal.
std::string unquoted(std::string_view literal) {
    if (literal.find('\\') == std::string_view::npos) {
        return std::string(literal.substr(1, literal.size() - 2));
    }
    Message message;
    reflow_message_from_json(view_of(literal), nullptr, message.out(), nullptr);
    return std::string(text_of(message.get()));
}

bool is_name(std::string_view key) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !key.empty() && letter(key.front()) && std::all_of(key.begin(), key.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9');
    });
}

// Goes through the text once. Paths are made only if they are asked for.
class Walk {
public:
    Walk(std::string_view text, Visitor& visitor, bool paths)
        : text_(text), visitor_(visitor), paths_(paths) {}

    void run() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ':') {
                ++at_;
            } else if (c == ',') {
                ++at_;
                next_member();
            } else if (c == '}' || c == ']') {
                ++at_;
                leave(c == '}');
            } else if (c == '"' && key_next_) {
                take_key();
            } else {
                take_value(c);
            }
        }
    }

private:
    struct Level {
        bool object;
        std::size_t index;
        std::size_t path_size;
    };

    void take_value(char c) {
        visitor_.value(path_, at_);
        if (c == '{' || c == '[') {
            ++at_;
            levels_.push_back({c == '{', 0, path_.size()});
            key_next_ = c == '{';
            if (key_next_) visitor_.open();
            if (!key_next_ && paths_) path_ += "[0]";
        } else if (c == '"') {
            at_ += literal_size();
        } else {
            at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
        }
    }
    void take_key() {
        const std::string_view literal = text_.substr(at_, literal_size());
        const std::string key = unquoted(literal);
        visitor_.key(key, at_);
        if (paths_) {
            path_.resize(levels_.back().path_size);
            path_ += path_step(key);
        }
        at_ += literal.size();
        key_next_ = false;
    }
    void next_member() {
        if (levels_.empty()) return;
        Level& level = levels_.back();
        key_next_ = level.object;
        if (level.object || !paths_) return;
        path_.resize(level.path_size);
        path_ += '[' + std::to_string(++level.index) + ']';
    }
    void leave(bool object) {
        if (object) visitor_.close();
        if (levels_.empty()) return;
        path_.resize(levels_.back().path_size);
        levels_.pop_back();
        key_next_ = false;
    }
    // Both quotes included.
    [[nodiscard]] std::size_t literal_size() const {
        std::size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2U : 1U;
        return std::min(end + 1, text_.size()) - at_;
    }

    const std::string_view text_;
    Visitor& visitor_;
    const bool paths_;
    std::size_t at_ = 0;
    bool key_next_ = false;
    std::string path_ = "$";
    std::vector<Level> levels_;
};

}  // namespace

std::string path_step(std::string_view key) {
    if (is_name(key)) return "." + std::string(key);
    std::string step = "[";
    append_json(step, key);
    return step += ']';
}

void find_places(std::string_view json, std::map<std::string, TextPlace, std::less<>>& paths) {
    struct Finder final : Visitor {
        Finder(std::string_view all, std::map<std::string, TextPlace, std::less<>>& wanted)
            : text(all), paths(wanted) {}
        void value(const std::string& path, std::size_t at) override {
            // Values come in the order of the text, so that each line end is counted once.
            for (; counted < at; ++counted) {
                if (text[counted] != '\n') continue;
                ++line;
                start = counted + 1;
            }
            if (const auto found = paths.find(path); found != paths.end()) {
                found->second = {line, at - start + 1};
            }
        }
        std::string_view text;
        std::map<std::string, TextPlace, std::less<>>& paths;
        std::size_t counted = 0;
        std::size_t start = 0;
        std::uint64_t line = 1;
    } finder(json, paths);
    Walk(json, finder, true).run();
}

std::optional<DuplicateKey> find_duplicate(std::string_view json) {
    struct Finder final : Visitor {
        void open() override { objects.emplace_back(); }
        void close() override {
            if (!objects.empty()) objects.pop_back();
        }
        void key(std::string_view text, std::size_t at) override {
            if (objects.empty() || found) return;
            const auto [first, fresh] = objects.back().emplace(text, at);
            if (!fresh) found = DuplicateKey{std::string(text), first->second, at};
        }
        std::vector<std::map<std::string, std::size_t, std::less<>>> objects;
        std::optional<DuplicateKey> found;
    } finder;
    Walk(json, finder, false).run();
    return finder.found;
}

}  // namespace cli
