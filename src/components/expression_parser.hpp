// The parser of expressions: operator precedence with an explicit stack, straight to instructions.
//
// A frame is an operator that waits for its right side, or a bracket that waits for its end. When
// an operand is complete, frames that bind tighter than what follows are turned into instructions.
// Neighbours: expression_operands.cpp (what begins an operand), expression_parser.cpp (what follows
// one), expression_lexer, expression_functions. Thread: any.
#pragma once

#include <memory>

#include "components/expression_lexer.hpp"
#include "components/expression_program.hpp"

namespace reflow::components::parser {

// How tight operators bind, loosest first.
enum Binding : std::uint8_t {
    bracket = 0,  // and what else only its own end closes
    conditional,
    disjunction,
    conjunction,
    negation,  // "not"
    comparison,
    coalescing,
    addition,
    multiplication,
    sign,
    exponent,
};

enum class FrameKind : std::uint8_t {
    prefix,
    binary,
    jumping,  // and, or, ??
    then_part,
    else_part,
    group,
    call,
    condition,  // if(
    presence,   // has(
    subscript,
    list,
    dictionary,
};

struct Frame {
    FrameKind kind = FrameKind::group;
    Binding binding = bracket;
    Op op = Op::constant;
    std::uint32_t at = 0;        // of the operator or bracket
    std::uint32_t begin = 0;     // where the text of the operand starts that it will make
    std::uint32_t code = 0;      // number of instructions when it was opened
    std::uint32_t patch = 0;     // a jump that waits for its target
    std::uint32_t function = 0;  // of a call
    Vector<Message> keys;        // of a dictionary
    std::uint32_t count = 0;     // elements or arguments that are complete
};

struct BinaryOperator {
    Op op;
    Binding binding;
};

// The bracket that ends a frame.
[[nodiscard]] std::string_view closing(FrameKind kind) noexcept;

class Parser {
public:
    Parser(std::string_view text, const ExpressionNames& names)
        : text_(text), names_(names), lexer_(text), program_(std::make_unique<Program>()) {
        program_->text = text;
        for (std::string_view name : names.locals) program_->locals.emplace_back(name);
    }
    Result<std::unique_ptr<const Program>> parse(std::string_view label);

private:
    using Done = Result<void>;

    Done advance();
    [[nodiscard]] std::string_view word(Span span) const {
        return text_.substr(span.begin, span.end - span.begin);
    }
    [[nodiscard]] bool keyword(std::string_view name) const {
        return token_.kind == TokenKind::name && word(token_.span) == name;
    }
    [[nodiscard]] Failure failure(std::uint32_t at, std::string_view message) const {
        return parse_failure(text_, at, message);
    }
    [[nodiscard]] Failure unexpected(std::string_view expected) const;

    Done operand();
    Done name();
    Done call(std::string_view name, Span span);
    Done configuration();
    Done open(FrameKind kind, std::uint32_t begin);
    Done prefix(Op op, Binding binding);
    Done key();
    Done end_empty();

    Done after_operand();
    Done binary(BinaryOperator found);
    Done member();
    Done question();
    Done colon();
    Done comma();
    Done close();
    Done close_frame(Frame& frame);
    Done close_presence(const Frame& frame);
    Done finish_call(Frame& frame);

    Done push_frame(Frame frame);
    Done reduce(Binding binding, bool equal_too);
    Done apply(const Frame& frame);
    // Drops the frames above the innermost bracket, which is then on top; fails at a '?' without
    // ':'.
    Done to_bracket();

    std::uint32_t emit(Op op, std::uint32_t a, std::uint32_t b, Origin origin);
    std::uint32_t here() const noexcept {
        return static_cast<std::uint32_t>(program_->code.size());
    }
    void patch(std::uint32_t instruction) noexcept { program_->code[instruction].a = here(); }
    std::uint32_t constant(Message value);
    void push(Span source);
    Span pop() noexcept;
    void push_constant(Message value, Span source);
    void make_array(const Frame& frame, Span source);

    std::string_view text_;
    const ExpressionNames& names_;
    Lexer lexer_;
    Token token_;
    std::unique_ptr<Program> program_;
    Vector<Frame> frames_;
    Vector<Span> operands_;  // what lies on the stack when the program runs, as text
    std::size_t depth_ = 0;  // brackets that are open
    bool expects_operand_ = true;
    std::uint32_t last_end_ = 0;  // of the token before
};

}  // namespace reflow::components::parser
