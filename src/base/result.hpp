// Errors as values: Error, Failure (a way to make one) and Result<T>.
// Neighbours: everything. Thread: a value belongs to one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/memory.hpp"
#include "base/text.hpp"

namespace reflow {

// What went wrong and where. message states the fact, hint says what to try.
class Error : public Allocated {
public:
    reflow_status status = REFLOW_ERROR_INTERNAL;
    String message;
    String hint;
    String file;
    String path;
    String node;
    String port;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint64_t offset = 0;
    std::unique_ptr<Error> cause;
    String text;  // of seal()

    // Everything on one line for a person.
    [[nodiscard]] String describe() const;
    // Fills text; done once before an error is handed to the host.
    void seal() { text = describe(); }
};

// Makes an error: return Failure(REFLOW_ERROR_PARSE, "bad number").at(line, column, offset);
class [[nodiscard]] Failure {
public:
    Failure(reflow_status status, std::string_view message) : error_(new Error) {
        error_->status = status;
        error_->message = message;
    }
    explicit Failure(std::unique_ptr<Error> error) noexcept : error_(std::move(error)) {}
    Failure&& hint(std::string_view hint) && {
        error_->hint = hint;
        return std::move(*this);
    }
    Failure&& file(std::string_view file) && {
        error_->file = file;
        return std::move(*this);
    }
    Failure&& path(std::string_view path) && {
        error_->path = path;
        return std::move(*this);
    }
    Failure&& node(std::string_view node) && {
        error_->node = node;
        return std::move(*this);
    }
    Failure&& port(std::string_view port) && {
        error_->port = port;
        return std::move(*this);
    }
    Failure&& at(std::uint32_t line, std::uint32_t column, std::uint64_t offset) && {
        error_->line = line;
        error_->column = column;
        error_->offset = offset;
        return std::move(*this);
    }
    Failure&& because(std::unique_ptr<Error> cause) && {
        error_->cause = std::move(cause);
        return std::move(*this);
    }
    [[nodiscard]] std::unique_ptr<Error> take() && noexcept { return std::move(error_); }

private:
    std::unique_ptr<Error> error_;
};

// A value or an error. Ignoring one is a compile error.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : value_(std::move(value)) {}
    Result(Failure&& failure) : error_(std::move(failure).take()) {}
    Result(std::unique_ptr<Error> error) : error_(std::move(error)) {}

    [[nodiscard]] bool ok() const noexcept { return error_ == nullptr; }
    [[nodiscard]] T& value() & noexcept {
        REFLOW_ASSERT(ok());
        return *value_;
    }
    [[nodiscard]] const T& value() const& noexcept {
        REFLOW_ASSERT(ok());
        return *value_;
    }
    [[nodiscard]] T take() && {
        REFLOW_ASSERT(ok());
        return std::move(*value_);
    }
    [[nodiscard]] const Error& error() const noexcept { return *error_; }
    [[nodiscard]] Error& error() noexcept { return *error_; }
    // Moves the error out, to pass it on: if (!r.ok()) return r.take_error();
    [[nodiscard]] std::unique_ptr<Error> take_error() noexcept { return std::move(error_); }

private:
    std::optional<T> value_;
    std::unique_ptr<Error> error_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() noexcept = default;
    Result(Failure&& failure) noexcept : error_(std::move(failure).take()) {}
    Result(std::unique_ptr<Error> error) noexcept : error_(std::move(error)) {}
    [[nodiscard]] bool ok() const noexcept { return error_ == nullptr; }
    [[nodiscard]] const Error& error() const noexcept { return *error_; }
    [[nodiscard]] Error& error() noexcept { return *error_; }
    [[nodiscard]] std::unique_ptr<Error> take_error() noexcept { return std::move(error_); }

private:
    std::unique_ptr<Error> error_;
};

}  // namespace reflow
