// The expression language of the data components: compiled once, evaluated per message.
// The language is described in docs/expressions.md, the choice in
// docs/decisions/0003-expressions.md. Neighbours: expression_lexer, _parser, _program, _evaluator
// and the functions; used by transform, rules, aggregate, schema, route. Thread: an Expression
// belongs to one actor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "components/config.hpp"
#include "message/message.hpp"

namespace reflow::components {

// What a program may be and make, whoever wrote it.
namespace expression_limits {
inline constexpr std::size_t text_bytes = 64 * 1024;
inline constexpr std::size_t depth_count = 128;          // brackets inside brackets
inline constexpr std::size_t operators_count = 1024;     // waiting for their right side
inline constexpr std::size_t result_bytes = 16 << 20;    // of a text that is made
inline constexpr std::size_t result_elements = 1 << 20;  // of an array that is made
}  // namespace expression_limits

// What the names in an expression may mean beside the fields of the input.
struct ExpressionNames {
    MessageRef config;                              // $key is its value of that key
    std::span<const std::string_view> locals = {};  // each stands for a value of the scope
};

// What an expression is evaluated on. Borrowed while it is.
struct ExpressionScope {
    MessageRef input;
    std::span<const Message> locals = {};  // in the order of ExpressionNames::locals
};

class Program;  // the compiled form
class Value;    // of the evaluator

class Expression : public Allocated {
public:
    Expression() noexcept;  // evaluates to an error; for members that are filled later
    Expression(Expression&&) noexcept;
    Expression& operator=(Expression&&) noexcept;
    ~Expression();

    // label names the expression in errors of its evaluation: "... at column 8 of set.mean".
    // REFLOW_ERROR_PARSE with the column in the message, REFLOW_ERROR_LIMIT.
    [[nodiscard]] static Result<Expression> compile(std::string_view text,
                                                    const ExpressionNames& names,
                                                    std::string_view label);
    [[nodiscard]] static Expression constant(Message value);

    // The value; REFLOW_ERROR_FAILED with the column in the message, REFLOW_ERROR_LIMIT.
    [[nodiscard]] Result<Message> evaluate(const ExpressionScope& scope);
    // The same where only true and false will do.
    [[nodiscard]] Result<bool> test(const ExpressionScope& scope);

    [[nodiscard]] bool empty() const noexcept { return program_ == nullptr; }
    // The keys that the expression reads as $key.
    [[nodiscard]] std::span<const String> config_keys() const noexcept;

private:
    std::unique_ptr<const Program> program_;
    // Kept, so that an evaluation need not allocate.
    Vector<Value> stack_;
    Vector<std::uint32_t> places_;
};

// Reads expressions from a node's configuration. A string is an expression; a number, true, false
// stand for themselves. Remembers which configuration keys are read as $key, so that a key which
// nothing reads can be refused as the slip of the pen that it is.
class ExpressionReader {
public:
    explicit ExpressionReader(const Config& config) : config_(config) {}
    // The names that later expressions may use for values of the scope. They must outlive the
    // call of read().
    void locals(std::span<const std::string_view> names) noexcept { locals_ = names; }
    // An absent key gives an empty expression.
    [[nodiscard]] Expression read(const Section& section, std::string_view key);
    [[nodiscard]] Expression required(const Section& section, std::string_view key);
    // An element of the array of a key; of a single string it is element 0.
    [[nodiscard]] Expression element(const Section& section, std::string_view key,
                                     std::size_t index);
    // Fails for keys of the configuration that are not among these, not read as $key, and not
    // among those that editors keep there.
    void only(std::initializer_list<std::string_view> keys) const;

private:
    Expression compile(const Section& section, MessageRef found, const String& path);

    const Config& config_;
    std::span<const std::string_view> locals_;
    Vector<String> used_;
};

// What optionals and "any" carry, as expressions see them.
[[nodiscard]] MessageRef plain_value(MessageRef message) noexcept;

// The functions that expressions may call, for the documentation and its test: "round(x, digits)".
[[nodiscard]] Vector<std::string_view> expression_function_signatures();

}  // namespace reflow::components
