// The compiled form of an expression: instructions for a stack of values, their constants, and for
// errors what each came from. Made by expression_parser, run by expression_evaluator.
// Thread: immutable once compiled, so any.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.hpp"
#include "components/expression.hpp"
#include "components/expression_lexer.hpp"
#include "message/message.hpp"

namespace reflow::components {

// A value on the stack: borrowed from the input or the constants, or owned. A value of kind none
// is missing: its payload is the number of the instruction that looked for it, and whatever uses
// it, but for ?? and has(), fails.
class Value : public MessageRef {
public:
    Value() noexcept = default;
    explicit Value(MessageRef borrowed) noexcept : MessageRef(borrowed) {}
    explicit Value(Message&& owned) noexcept : MessageRef(owned.leak()), owned_(counted()) {}
    Value(Value&& other) noexcept
        : MessageRef(std::exchange(other.raw_, {})), owned_(std::exchange(other.owned_, false)) {}
    Value& operator=(Value&& other) noexcept {
        std::swap(raw_, other.raw_);
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~Value() { drop(); }
    [[nodiscard]] static Value missing(std::size_t instruction) noexcept {
        return Value(MessageRef(reflow_message{REFLOW_KIND_NONE, instruction}));
    }
    void borrow(MessageRef message) noexcept {
        clear();
        raw_ = message.raw();
    }
    void own(Message&& message) noexcept {
        clear();
        owned_ = message.counted();
        raw_ = message.leak();
    }
    [[nodiscard]] bool owned() const noexcept { return owned_; }
    void clear() noexcept {
        drop();
        owned_ = false;
        raw_ = {};
    }
    // A reference of one's own; what stays behind is none.
    [[nodiscard]] Message take() noexcept {
        if (owned_) {
            owned_ = false;
            return Message::adopt(std::exchange(raw_, {}));
        }
        return MessageRef(std::exchange(raw_, {})).own();
    }

private:
    void drop() noexcept {
        if (owned_) (void)Message::adopt(raw_);
    }
    bool owned_ = false;
};

enum class Op : std::uint8_t {
    constant,  // push constant a
    field,     // push the field of the input whose name is constant a; b numbers such instructions
    local,     // push value a of the scope
    input,     // push the input
    member,    // replace the top by its field whose name is constant a
    index,     // replace the two on top by the element of the first that the second names
    negate,
    plus,
    invert,
    add,
    subtract,
    multiply,
    divide,
    divide_floor,
    modulo,
    power,
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    not_in,
    jump,        // to a
    jump_false,  // pop; to a if it was false
    and_else,    // to a if the top is false, otherwise pop
    or_else,     // to a if the top is true, otherwise pop
    truth,       // the top has to be a boolean
    coalesce,    // to a if the top is there and not null, otherwise pop
    has,         // replace the top by whether it is there
    array,       // replace the a on top by an array of them
    object,      // replace the b on top by an object; their keys are constants from a on
    call,        // call function a on the b on top
};

struct Instruction {
    Op op = Op::constant;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

// Where an instruction stands in the text, for errors.
struct Origin {
    std::uint32_t at = 0;  // of the operator or name
    Span left;             // of the operand, or the first of two
    Span right;            // of the second
};

class Program : public Allocated {
public:
    String text;
    String label;
    Vector<Instruction> code;
    Vector<Origin> origins;  // as many
    Vector<Message> constants;
    Vector<String> locals;       // names, for errors
    Vector<String> config_keys;  // that were read
    std::size_t stack_size = 0;
    std::uint32_t fields = 0;  // instructions that look up a field
};

// Compiles a text that is UTF-8.
[[nodiscard]] Result<std::unique_ptr<const Program>> parse_expression(std::string_view text,
                                                                      const ExpressionNames& names,
                                                                      std::string_view label);

// Runs a program; the stack has as many values as it wants, and places one number for each of its
// fields: where the field was the last time, since messages of one kind mostly look alike.
[[nodiscard]] Result<Message> run_program(const Program& program, const ExpressionScope& scope,
                                          std::span<Value> stack, std::span<std::uint32_t> places);

}  // namespace reflow::components
