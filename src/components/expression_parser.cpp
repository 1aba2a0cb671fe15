// The parser of expressions: what is common, and what may follow a value.
// Neighbours: expression_parser.hpp. Thread: any.
#include "components/expression_parser.hpp"

#include <algorithm>
#include <optional>

#include "components/expression_functions.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace parser {
namespace {

std::optional<BinaryOperator> binary_operator(TokenKind kind) noexcept {
    switch (kind) {
        case TokenKind::plus:
            return BinaryOperator{Op::add, addition};
        case TokenKind::minus:
            return BinaryOperator{Op::subtract, addition};
        case TokenKind::star:
            return BinaryOperator{Op::multiply, multiplication};
        case TokenKind::slash:
            return BinaryOperator{Op::divide, multiplication};
        case TokenKind::slashes:
            return BinaryOperator{Op::divide_floor, multiplication};
        case TokenKind::percent:
            return BinaryOperator{Op::modulo, multiplication};
        case TokenKind::stars:
            return BinaryOperator{Op::power, exponent};
        case TokenKind::equal:
            return BinaryOperator{Op::equal, comparison};
        case TokenKind::unequal:
            return BinaryOperator{Op::unequal, comparison};
        case TokenKind::less:
            return BinaryOperator{Op::less, comparison};
        case TokenKind::less_equal:
            return BinaryOperator{Op::less_equal, comparison};
        case TokenKind::greater:
            return BinaryOperator{Op::greater, comparison};
        case TokenKind::greater_equal:
            return BinaryOperator{Op::greater_equal, comparison};
        case TokenKind::and_also:
            return BinaryOperator{Op::and_else, conjunction};
        case TokenKind::or_else:
            return BinaryOperator{Op::or_else, disjunction};
        case TokenKind::questions:
            return BinaryOperator{Op::coalesce, coalescing};
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string_view closing(FrameKind kind) noexcept {
    if (kind == FrameKind::subscript || kind == FrameKind::list) return "]";
    return kind == FrameKind::dictionary ? "}" : ")";
}

Result<void> Parser::advance() {
    last_end_ = token_.span.end;
    Result<Token> next = lexer_.next();
    if (!next.ok()) return next.take_error();
    token_ = std::move(next).take();
    return {};
}

Failure Parser::unexpected(std::string_view expected) const {
    std::string_view found = word(token_.span);
    if (token_.kind == TokenKind::end) {
        return failure(token_.span.begin, concat("expected ", expected, ", found the end"));
    }
    return failure(token_.span.begin, concat("expected ", expected, ", found '", clip(found), "'"));
}

std::uint32_t Parser::emit(Op op, std::uint32_t a, std::uint32_t b, Origin origin) {
    program_->code.push_back({op, a, b});
    program_->origins.push_back(origin);
    return here() - 1;
}

std::uint32_t Parser::constant(Message value) {
    program_->constants.push_back(std::move(value));
    return static_cast<std::uint32_t>(program_->constants.size() - 1);
}

void Parser::push(Span source) {
    operands_.push_back(source);
    program_->stack_size = std::max(program_->stack_size, operands_.size());
}

Span Parser::pop() noexcept {
    Span top = operands_.back();
    operands_.pop_back();
    return top;
}

void Parser::push_constant(Message value, Span source) {
    emit(Op::constant, constant(std::move(value)), 0, {source.begin, source, {}});
    push(source);
}

Result<void> Parser::push_frame(Frame frame) {
    if (frames_.size() >= expression_limits::operators_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("more than ", expression_limits::operators_count,
                                                  " operators wait for their right side at ",
                                                  place_text(text_, frame.at)));
    }
    frame.code = here();
    frames_.push_back(std::move(frame));
    expects_operand_ = true;
    return {};
}

// ---- what follows an operand

Result<void> Parser::after_operand() {
    if (std::optional<BinaryOperator> found = binary_operator(token_.kind)) return binary(*found);
    if (keyword("and")) return binary({Op::and_else, conjunction});
    if (keyword("or")) return binary({Op::or_else, disjunction});
    if (keyword("in")) return binary({Op::in, comparison});
    if (keyword("not")) {
        std::uint32_t at = token_.span.begin;
        if (Done done = advance(); !done.ok()) return done;
        if (!keyword("in")) return failure(at, "expected an operator, found 'not'");
        token_.span.begin = at;
        return binary({Op::not_in, comparison});
    }
    switch (token_.kind) {
        case TokenKind::dot:
            return member();
        case TokenKind::open_square:
            return open(FrameKind::subscript, operands_.back().begin);
        case TokenKind::question:
            return question();
        case TokenKind::colon:
            return colon();
        case TokenKind::comma:
            return comma();
        case TokenKind::close_round:
        case TokenKind::close_square:
        case TokenKind::close_curly:
            return close();
        default:
            return unexpected("an operator");
    }
}

Result<void> Parser::binary(BinaryOperator found) {
    std::uint32_t at = token_.span.begin;
    // ** groups from the right, the others from the left.
    if (Done done = reduce(found.binding, found.op != Op::power); !done.ok()) return done;
    Frame frame;
    frame.kind = FrameKind::binary;
    frame.binding = found.binding;
    frame.op = found.op;
    frame.at = at;
    frame.begin = operands_.back().begin;
    bool jumps = found.op == Op::and_else || found.op == Op::or_else || found.op == Op::coalesce;
    if (jumps) {
        frame.kind = FrameKind::jumping;
        Span left = pop();
        frame.patch = emit(found.op, 0, 0, {at, left, {}});
    }
    if (Done done = push_frame(std::move(frame)); !done.ok()) return done;
    return advance();
}

Result<void> Parser::member() {
    if (Done done = advance(); !done.ok()) return done;
    if (token_.kind != TokenKind::name) return unexpected("the name of a field after '.'");
    Span object = pop();
    emit(Op::member, constant(Message::string(word(token_.span))), 0,
         {token_.span.begin, object, {}});
    push({object.begin, token_.span.end});
    return advance();
}

Result<void> Parser::question() {
    if (Done done = reduce(conditional, false); !done.ok()) return done;
    Frame frame;
    frame.kind = FrameKind::then_part;
    frame.at = token_.span.begin;
    Span condition = pop();
    frame.begin = condition.begin;
    frame.patch = emit(Op::jump_false, 0, 0, {frame.at, condition, {}});
    if (Done done = push_frame(std::move(frame)); !done.ok()) return done;
    return advance();
}

Result<void> Parser::colon() {
    if (Done done = reduce(conditional, true); !done.ok()) return done;
    if (frames_.empty() || frames_.back().kind != FrameKind::then_part) {
        return failure(token_.span.begin, "':' without a '?' before it");
    }
    Frame& frame = frames_.back();
    (void)pop();  // one of the two parts will lie there
    std::uint32_t over = emit(Op::jump, 0, 0, {frame.at, {}, {}});
    patch(frame.patch);
    frame.patch = over;
    frame.kind = FrameKind::else_part;
    frame.binding = conditional;
    expects_operand_ = true;
    return advance();
}

Result<void> Parser::to_bracket() {
    if (Done done = reduce(conditional, true); !done.ok()) return done;
    if (!frames_.empty() && frames_.back().kind == FrameKind::then_part) {
        return failure(frames_.back().at, "'?' without a ':'");
    }
    return {};
}

Result<void> Parser::comma() {
    if (Done done = to_bracket(); !done.ok()) return done;
    if (frames_.empty()) return unexpected("an operator");
    Frame& frame = frames_.back();
    ++frame.count;
    expects_operand_ = true;
    switch (frame.kind) {
        case FrameKind::list:
        case FrameKind::call:
            return advance();
        case FrameKind::dictionary: {
            if (Done done = advance(); !done.ok()) return done;
            return key();
        }
        case FrameKind::condition: {
            if (frame.count > 2) break;
            Span source = pop();
            if (frame.count == 1) {
                frame.patch = emit(Op::jump_false, 0, 0, {frame.at, source, {}});
            } else {
                std::uint32_t over = emit(Op::jump, 0, 0, {frame.at, {}, {}});
                patch(frame.patch);
                frame.patch = over;
            }
            return advance();
        }
        default:
            break;
    }
    if (frame.kind == FrameKind::condition || frame.kind == FrameKind::presence) {
        return failure(frame.at, concat("too many arguments of ",
                                        frame.kind == FrameKind::condition ? "if()" : "has()"));
    }
    return unexpected(concat("'", closing(frame.kind), "'"));
}

Result<void> Parser::close() {
    if (Done done = to_bracket(); !done.ok()) return done;
    if (frames_.empty()) {
        return failure(token_.span.begin,
                       concat("'", word(token_.span), "' without an opening bracket"));
    }
    Frame& frame = frames_.back();
    if (word(token_.span) != closing(frame.kind)) {
        return unexpected(concat("'", closing(frame.kind), "'"));
    }
    ++frame.count;
    return close_frame(frame);
}

// At the closing bracket of the frame on top, which has all its elements.
Result<void> Parser::close_frame(Frame& frame) {
    Span source = {frame.begin, token_.span.end};
    switch (frame.kind) {
        case FrameKind::group:
            operands_.back() = source;
            break;
        case FrameKind::list:
            make_array(frame, source);
            break;
        case FrameKind::dictionary: {
            auto first = static_cast<std::uint32_t>(program_->constants.size());
            for (Message& name : frame.keys) (void)constant(std::move(name));
            emit(Op::object, first, frame.count, {frame.at, source, {}});
            operands_.resize(operands_.size() - frame.count);
            push(source);
            break;
        }
        case FrameKind::subscript: {
            Span index = pop();
            Span object = pop();
            emit(Op::index, 0, 0, {frame.at, object, index});
            push({object.begin, token_.span.end});
            break;
        }
        default:
            if (Done done = finish_call(frame); !done.ok()) return done;
            push(source);
            break;
    }
    frames_.pop_back();
    --depth_;
    expects_operand_ = false;
    return advance();
}

// Arrays of constants are made once, here.
void Parser::make_array(const Frame& frame, Span source) {
    auto& code = program_->code;
    bool all_constant = code.size() - frame.code == frame.count;
    for (std::size_t i = frame.code; i < code.size(); ++i) {
        all_constant = all_constant && code[i].op == Op::constant;
    }
    operands_.resize(operands_.size() - frame.count);
    if (all_constant) {
        ArrayBuilder elements(frame.count);
        for (std::size_t i = frame.code; i < code.size(); ++i) {
            elements.append(program_->constants[code[i].a]);
        }
        Result<Message> made = elements.finish();
        if (made.ok()) {
            code.resize(frame.code);
            program_->origins.resize(frame.code);
            push_constant(std::move(made).take(), source);
            return;
        }
    }
    emit(Op::array, frame.count, 0, {frame.at, source, {}});
    push(source);
}

// Takes the arguments off the stack of operands.
Result<void> Parser::finish_call(Frame& frame) {
    auto count_failure = [&](std::string_view name, std::string_view wanted) {
        return failure(frame.at, concat(name, "() takes ", wanted, ", not ", frame.count,
                                        frame.count == 1 ? " argument" : " arguments"));
    };
    if (frame.kind == FrameKind::condition) {
        if (frame.count != 3) return count_failure("if", "a condition and two values");
        patch(frame.patch);
        (void)pop();
        return {};
    }
    if (frame.kind == FrameKind::presence) {
        if (frame.count != 1) return count_failure("has", "the name of one field");
        return close_presence(frame);
    }
    const FunctionEntry& entry = function_at(frame.function);
    if (frame.count < entry.least || frame.count > entry.most) {
        return failure(frame.at, concat(entry.name, "() does not take ", frame.count,
                                        frame.count == 1 ? " argument" : " arguments"))
            .hint(concat("it is ", entry.signature));
    }
    Origin origin{frame.at, {}, {}};
    if (frame.count > 0) origin.left = operands_[operands_.size() - frame.count];
    emit(Op::call, frame.function, frame.count, origin);
    operands_.resize(operands_.size() - frame.count);
    return {};
}

// has(temp.max), has('odd name').
Result<void> Parser::close_presence(const Frame& frame) {
    Span argument = pop();
    auto& code = program_->code;
    Instruction& last = code.back();
    bool one = code.size() - frame.code == 1;
    if (one && last.op == Op::constant && program_->constants[last.a].is(REFLOW_KIND_STRING)) {
        std::string_view name = program_->constants[last.a].text();
        bool local =
            std::find(names_.locals.begin(), names_.locals.end(), name) != names_.locals.end();
        // A value of the scope is there: any constant will do.
        if (!local) {
            last.op = Op::field;
            last.b = program_->fields++;
        }
    } else {
        bool path = last.op == Op::field || last.op == Op::local || last.op == Op::member ||
                    last.op == Op::index;
        if (!path) return failure(argument.begin, "has() takes the name of a field");
    }
    emit(Op::has, 0, 0, {frame.at, argument, {}});
    return {};
}

// ---- operators whose right side is complete

Result<void> Parser::reduce(Binding binding, bool equal_too) {
    while (!frames_.empty()) {
        const Frame& top = frames_.back();
        if (top.binding == bracket || top.binding < binding) return {};
        if (top.binding == binding && !equal_too) return {};
        if (binding == comparison && top.binding == comparison) {
            return failure(token_.span.begin, "comparisons cannot be chained")
                .hint("join them by 'and'");
        }
        if (Done done = apply(top); !done.ok()) return done;
        frames_.pop_back();
    }
    return {};
}

Result<void> Parser::apply(const Frame& frame) {
    Span right = pop();
    switch (frame.kind) {
        case FrameKind::prefix:
            emit(frame.op, 0, 0, {frame.at, right, {}});
            break;
        case FrameKind::jumping:
            if (frame.op != Op::coalesce) emit(Op::truth, 0, 0, {frame.at, right, {}});
            patch(frame.patch);
            break;
        case FrameKind::else_part:
            patch(frame.patch);
            break;
        default: {
            Span left = pop();
            emit(frame.op, 0, 0, {frame.at, left, right});
            break;
        }
    }
    push({frame.begin, right.end});
    return {};
}

Result<std::unique_ptr<const Program>> Parser::parse(std::string_view label) {
    program_->label = label;
    if (Done done = advance(); !done.ok()) return done.take_error();
    if (token_.kind == TokenKind::end) return failure(0, "the expression is empty");
    while (expects_operand_ || token_.kind != TokenKind::end) {
        Done done = expects_operand_ ? operand() : after_operand();
        if (!done.ok()) return done.take_error();
    }
    if (Done done = to_bracket(); !done.ok()) return done.take_error();
    if (!frames_.empty()) {
        const Frame& frame = frames_.back();
        return unexpected(
            concat("'", closing(frame.kind), "' for the bracket at ", place_text(text_, frame.at)));
    }
    program_->stack_size += 1;  // room for what a failing instruction leaves
    return std::unique_ptr<const Program>(std::move(program_));
}

}  // namespace parser

Result<std::unique_ptr<const Program>> parse_expression(std::string_view text,
                                                        const ExpressionNames& names,
                                                        std::string_view label) {
    return parser::Parser(text, names).parse(label);
}

}  // namespace reflow::components
