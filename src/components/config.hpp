// Typed reading of a node's configuration. The first problem is kept, with its place and what was
// expected and found; after it every getter gives its fallback, so that create() reads all keys
// and asks once at the end.
// Neighbours: every component's create(). Thread: that of create.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "message/kind_words.hpp"
#include "message/message.hpp"
#include "runtime/context.hpp"

namespace reflow::components {

// An object in the configuration: the whole, or one inside it. Views and messages that it gives
// live as long as the configuration, so what outlasts create() is copied. A null is as good as
// absent.
class Section {
public:
    [[nodiscard]] bool has(std::string_view key) const noexcept { return !find(key).none(); }
    // The value of a key, none if it is absent.
    [[nodiscard]] MessageRef find(std::string_view key) const noexcept;
    [[nodiscard]] MessageRef value() const noexcept { return value_; }
    [[nodiscard]] std::size_t size() const noexcept { return value_.size(); }
    [[nodiscard]] std::string_view key_at(std::size_t index) const noexcept {
        return value_.key_at(index);
    }

    // Without a fallback the key is required.
    [[nodiscard]] std::string_view text(std::string_view key) const;
    [[nodiscard]] std::string_view text(std::string_view key, std::string_view fallback) const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback,
                                       std::int64_t low = INT64_MIN,
                                       std::int64_t high = INT64_MAX) const;
    [[nodiscard]] double number(std::string_view key, double fallback) const;
    [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
    // The position of the text among the names.
    [[nodiscard]] std::size_t choice(std::string_view key, std::span<const std::string_view> names,
                                     std::size_t fallback) const;
    [[nodiscard]] std::size_t choice(std::string_view key,
                                     std::initializer_list<std::string_view> names,
                                     std::size_t fallback) const {
        return choice(key, std::span(names.begin(), names.size()), fallback);
    }
    // An array of strings; a single string is an array of one. Absent: empty.
    [[nodiscard]] Vector<std::string_view> texts(std::string_view key) const;
    // An object; absent: empty.
    [[nodiscard]] Section section(std::string_view key) const;
    // An array of objects; absent: empty.
    [[nodiscard]] Vector<Section> sections(std::string_view key) const;

    // Any other key is an error, with a did-you-mean.
    void only(std::initializer_list<std::string_view> keys) const;

    // The path of a key, such as "$.rules[0].when"; of the section itself for the empty key.
    [[nodiscard]] String path(std::string_view key = {}) const;
    // Keeps a problem, unless there is one already. An empty key means the section itself.
    void fail(std::string_view key, std::string_view message, std::string_view hint = {}) const;
    void fail(std::unique_ptr<Error> error) const;
    void expected(std::string_view key, std::string_view what, MessageRef found) const;
    [[nodiscard]] bool ok() const noexcept { return report_->error == nullptr; }

protected:
    struct Report : Allocated {
        String node;
        std::unique_ptr<Error> error;
    };
    Section(MessageRef value, String path, Report* report)
        : value_(value), path_(std::move(path)), report_(report) {}
    [[nodiscard]] bool require(std::string_view key) const;

    MessageRef value_;
    String path_;
    Report* report_;
};

// The whole configuration of a node.
class Config : public Section {
public:
    explicit Config(const runtime::Context& context) : Config(context.config(), context.node()) {}
    Config(MessageRef value, std::string_view node);
    Config(const Config&) = delete;
    Config& operator=(const Config&) = delete;

    // The first problem: REFLOW_ERROR_CONFIG (or what fail() was given) with node and path.
    [[nodiscard]] std::unique_ptr<Error> take_error() noexcept { return std::move(own_.error); }

private:
    Report own_;
};

}  // namespace reflow::components
