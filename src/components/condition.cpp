// The condition of a breakpoint as an expression.
// Neighbours: network/breakpoints asks it, capi/modules hands it in. Thread: any, one at a time.
#include "components/condition.hpp"

#include <mutex>
#include <new>

#include "components/expression.hpp"

namespace reflow::components {
namespace {

class ExpressionCondition final : public network::Condition {
public:
    ExpressionCondition(std::string_view text, Expression expression)
        : text_(text), expression_(std::move(expression)) {}

    Answer ask(MessageRef message) noexcept override {
        if (message.none()) return Answer::no;
        try {
            std::lock_guard lock(mutex_);
            Result<bool> holds = expression_.test({.input = message});
            if (!holds.ok()) return Answer::fault;
            return holds.value() ? Answer::yes : Answer::no;
        } catch (const std::bad_alloc&) {
            return Answer::fault;
        }
    }
    [[nodiscard]] std::string_view text() const noexcept override { return text_; }

private:
    const String text_;
    // Guards expression_: a breakpoint of each node is asked on several threads.
    std::mutex mutex_;
    Expression expression_;
};

}  // namespace

Result<std::unique_ptr<network::Condition>> make_condition(std::string_view text) {
    Result<Expression> compiled = Expression::compile(text, {}, "the condition");
    if (!compiled.ok()) return compiled.take_error();
    return std::unique_ptr<network::Condition>(
        new ExpressionCondition(text, std::move(compiled).take()));
}

}  // namespace reflow::components
