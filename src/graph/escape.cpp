// Rewrites a document value by value, with a stack of its own instead of recursion.
// Thread: any.
#include "graph/escape.hpp"

#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "codec/place.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

String to_base64(std::string_view data) {
    String out;
    out.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        std::uint32_t group = 0;
        std::size_t count = std::min<std::size_t>(3, data.size() - i);
        for (std::size_t k = 0; k < 3; ++k) {
            group = group << 8 | (k < count ? static_cast<unsigned char>(data[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out += k <= count ? letters[group >> (18 - 6 * k) & 63] : '=';
        }
    }
    return out;
}

// Canonical base64 only, so that a document has one form.
std::optional<String> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    String out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t count = 4;
        while (count > 2 && i + 4 == text.size() && text[i + count - 1] == '=') --count;
        for (std::size_t k = 0; k < 4; ++k) {
            std::size_t value = k < count ? letters.find(text[i + k]) : 0;
            if (value == std::string_view::npos) return std::nullopt;
            group = group << 6 | static_cast<std::uint32_t>(value);
        }
        for (std::size_t k = 0; k + 1 < count; ++k) {
            out += static_cast<char>(group >> (16 - 8 * k) & 255);
        }
    }
    if (to_base64(out) != text) return std::nullopt;
    return out;
}

template <typename T>
bool all_finite(MessageRef array) {
    const char* at = static_cast<const char*>(array.numbers_data());
    for (std::size_t i = 0; i < array.size(); ++i, at += sizeof(T)) {
        T value;
        std::memcpy(&value, at, sizeof value);
        if (!std::isfinite(value)) return false;
    }
    return true;
}

bool all_signed(MessageRef array) {
    const char* at = static_cast<const char*>(array.numbers_data());
    for (std::size_t i = 0; i < array.size(); ++i, at += sizeof(std::uint64_t)) {
        std::uint64_t value;
        std::memcpy(&value, at, sizeof value);
        if (value > INT64_MAX) return false;
    }
    return true;
}

bool is_escape(MessageRef value) {
    return value.is(REFLOW_KIND_OBJECT) && value.size() == 1 && value.key_at(0) == escape_key;
}

// Whether JSON has a word for the value itself, whatever it contains.
bool plain(MessageRef value) {
    switch (value.kind()) {
        case REFLOW_KIND_NULL:
        case REFLOW_KIND_BOOLEAN:
        case REFLOW_KIND_INTEGER:
        case REFLOW_KIND_STRING:
            return true;
        case REFLOW_KIND_FLOAT:
            return std::isfinite(value.real());
        case REFLOW_KIND_OBJECT:
            return !is_escape(value);
        case REFLOW_KIND_ARRAY:
            if (value.numbers_type() == REFLOW_NUMBER_F32) return all_finite<float>(value);
            if (value.numbers_type() == REFLOW_NUMBER_F64) return all_finite<double>(value);
            if (value.numbers_type() == REFLOW_NUMBER_U64) return all_signed(value);
            return true;
        default:
            return false;
    }
}

bool has_parts(MessageRef value) {
    return (value.is(REFLOW_KIND_ARRAY) && value.numbers_type() == 0) ||
           value.is(REFLOW_KIND_OBJECT);
}

// Whether some value in the document, itself included, is one that must be replaced.
template <typename Test>
bool any_value(MessageRef document, Test test) {
    struct Frame {
        MessageRef value;
        std::size_t next;
    };
    if (test(document)) return true;
    Vector<Frame> stack;
    if (has_parts(document)) stack.push_back({document, 0});
    while (!stack.empty()) {
        Frame& top = stack.back();
        if (top.next == top.value.size()) {
            stack.pop_back();
            continue;
        }
        MessageRef part = top.value.at(top.next++);
        if (test(part)) return true;
        if (has_parts(part) && part.size() > 0) stack.push_back({part, 0});
    }
    return false;
}

// A copy of the document in which replace() has had its way with every value that test() names.
class Rewriter {
public:
    template <typename Test, typename Replace>
    Result<Message> run(MessageRef document, Test test, Replace replace) {
        Message done;
        if (auto fine = visit(document, test, replace, done); !fine.ok()) return fine.take_error();
        while (!stack_.empty()) {
            Frame& top = stack_.back();
            if (!done.none()) put(top, std::move(done));
            done = Message();
            if (top.next == top.value.size()) {
                auto made = top.object ? top.object->finish() : top.array->finish();
                if (!made.ok()) return made;
                done = std::move(made).take();
                path_.cut(top.path_size);
                stack_.pop_back();
                continue;
            }
            path_.cut(top.path_size);
            if (top.object) {
                path_.add_key(top.value.key_at(top.next));
            } else {
                path_.add_index(top.next);
            }
            MessageRef part = top.value.at(top.next++);
            if (auto fine = visit(part, test, replace, done); !fine.ok()) return fine.take_error();
        }
        return done;
    }

private:
    struct Frame : Allocated {
        MessageRef value;
        std::size_t next = 0;
        std::size_t path_size = 0;
        std::optional<ObjectBuilder> object;
        std::optional<ArrayBuilder> array;
    };

    // Either the value is done, or it is on the stack.
    template <typename Test, typename Replace>
    Result<void> visit(MessageRef value, Test test, Replace replace, Message& done) {
        if (test(value)) {
            auto replaced = replace(value, path_);
            if (!replaced.ok()) return replaced.take_error();
            done = std::move(replaced).take();
            return {};
        }
        if (!has_parts(value) || value.size() == 0) {
            done = value.own();
            return {};
        }
        Frame& frame = stack_.emplace_back();
        frame.value = value;
        frame.path_size = path_.size();
        if (value.is(REFLOW_KIND_OBJECT)) {
            frame.object.emplace(value.size());
        } else {
            frame.array.emplace(value.size());
        }
        return {};
    }

    static void put(Frame& frame, Message part) {
        if (frame.object) {
            frame.object->set(frame.value.key_message_at(frame.next - 1).own(), std::move(part));
        } else {
            frame.array->append(std::move(part));
        }
    }

    Deque<Frame> stack_;
    codec::Path path_;
};

}  // namespace

Result<Message> escaped(MessageRef document) {
    auto test = [](MessageRef value) { return !plain(value); };
    if (!any_value(document, test)) return document.own();
    return Rewriter().run(document, test, [](MessageRef value, const codec::Path&) {
        String packed;
        if (auto fine = codec::write_msgpack(packed, value); !fine.ok()) {
            return Result<Message>(fine.take_error());
        }
        ObjectBuilder builder(1);
        builder.set(escape_key, Message::string(to_base64(packed)));
        return builder.finish();
    });
}

Result<Message> unescaped(MessageRef document) {
    if (!any_value(document, is_escape)) return document.own();
    return Rewriter().run(document, is_escape, [](MessageRef value, const codec::Path& path) {
        MessageRef text = value.at(0);
        auto fail = [&](String message) {
            return Result<Message>(Failure(REFLOW_ERROR_GRAPH, message).path(path.text()));
        };
        if (!text.is(REFLOW_KIND_STRING)) {
            return fail(concat("expected a string for '", escape_key, "', found ",
                               kind_with_article(text)));
        }
        auto packed = from_base64(text.text());
        if (!packed) return fail(concat("the text of '", escape_key, "' is not base64"));
        auto read = codec::read_msgpack(*packed);
        if (!read.ok()) {
            return fail(concat("the content of '", escape_key,
                               "' is not MessagePack: ", read.error().message));
        }
        return read;
    });
}

}  // namespace reflow::graph
