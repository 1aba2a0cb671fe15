// The stack machine that runs compiled expressions.
// Neighbours: expression_evaluator.cpp (the instructions), expression_failures.cpp (what failures
// say). Thread: that of the actor.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "components/expression_program.hpp"

namespace reflow::components::machine {

class Machine {
public:
    Machine(const Program& program, const ExpressionScope& scope, std::span<Value> stack,
            std::span<std::uint32_t> places) noexcept
        : program_(program),
          scope_(scope),
          places_(places),
          bottom_(stack.data()),
          top_(stack.data()) {}
    Result<Message> run();

private:
    // Each instruction returns false after a failure, which is then in error_.
    bool step(const Instruction& instruction);
    void field(const Instruction& instruction) noexcept;
    bool member(std::string_view name);
    bool element();
    void set_part(Value& whole, MessageRef part) noexcept;
    bool sign(Op op);
    bool arithmetic(Op op);
    bool integers(Op op, std::int64_t a, std::int64_t b);
    bool reals(Op op, double a, double b);
    bool compare(Op op);
    bool contained(bool wanted);
    bool make_array(std::size_t count);
    bool make_object(std::size_t keys, std::size_t count);
    bool call(std::size_t function, std::size_t count);
    bool condition(const Value& value, std::string_view what);
    bool jump(const Instruction& instruction);
    bool replace_two(Message&& result) noexcept;
    void pop() noexcept { (--top_)->clear(); }

    // The place is that of the instruction, unless told.
    bool fail(Failure failure);
    bool fail_at(Failure failure, std::uint32_t offset);
    bool fail_operation(std::string_view fact);  // "integer overflow in 'a * b'"
    bool fail_operand(const Value& value, Span source, std::string_view who,
                      std::string_view expected);
    bool fail_arithmetic(Op op);
    bool fail_compare(Op op);
    bool fail_member(const Value& object, std::string_view name);
    bool fail_missing(const Value& missing);
    [[nodiscard]] MessageRef path_before(std::size_t instruction) const noexcept;
    [[nodiscard]] const Origin& origin() const noexcept { return program_.origins[at_]; }
    [[nodiscard]] String source(Span span) const;

    const Program& program_;
    const ExpressionScope& scope_;
    std::span<std::uint32_t> places_;
    Value* bottom_;
    Value* top_;  // behind the last value
    std::size_t at_ = 0;
    std::unique_ptr<Error> error_;
};

}  // namespace reflow::components::machine
