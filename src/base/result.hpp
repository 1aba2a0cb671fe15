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

// The name of a status, such as "REFLOW_ERROR_TIMEOUT"; "unknown status" for other numbers.
[[nodiscard]] std::string_view status_name(reflow_status status) noexcept;

// What went wrong and where. message states the fact, hint says what to try.
class Error : public Allocated {
public:
    // Not inline, like all of Failure: errors are made and ended at thousands of places, and
    // rarely.
    Error() noexcept;
    ~Error();
    Error(const Error&) = delete;
    Error& operator=(const Error&) = delete;

    reflow_status status = REFLOW_ERROR_INTERNAL;
    String message;
    String hint;
    String file;
    String path;
    String node;
    String port;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    bool has_offset = false;
    std::uint64_t offset = 0;
    std::unique_ptr<Error> cause;
    String trace;  // in the words of the language that it comes from; not part of describe()
    String text;   // of seal()

    // Everything on one line for a person.
    [[nodiscard]] String describe() const;
    // Fills text; done once before an error is handed to the host.
    void seal() { text = describe(); }
};

// Makes an error: return Failure(REFLOW_ERROR_PARSE, "bad number").at(line, column, offset);
class [[nodiscard]] Failure {
public:
    Failure(reflow_status status, std::string_view message);
    explicit Failure(std::unique_ptr<Error> error) noexcept;
    Failure(Failure&& other) noexcept;
    Failure& operator=(Failure&& other) noexcept;
    ~Failure();
    Failure&& hint(std::string_view hint) &&;
    Failure&& file(std::string_view file) &&;
    Failure&& path(std::string_view path) &&;
    Failure&& node(std::string_view node) &&;
    Failure&& port(std::string_view port) &&;
    Failure&& at(std::uint32_t line, std::uint32_t column, std::uint64_t offset) &&;
    Failure&& because(std::unique_ptr<Error> cause) &&;
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

    // By the value: one whose error has been taken stays a failure.
    [[nodiscard]] bool ok() const noexcept {
        // The compiler leaves out what would end an error beside a value.
        if (value_.has_value() && error_ != nullptr) __builtin_unreachable();
        return value_.has_value();
    }
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
