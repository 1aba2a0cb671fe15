// The parser of expressions: where a value is expected.
// Neighbours: expression_parser.hpp. Thread: any.
#include <algorithm>

#include "components/expression_functions.hpp"
#include "components/expression_parser.hpp"
#include "components/text_tools.hpp"

namespace reflow::components::parser {

Result<void> Parser::operand() {
    Span span = token_.span;
    switch (token_.kind) {
        case TokenKind::number:
        case TokenKind::string: {
            Message value = std::move(token_.value);
            if (value.none()) {
                // 2^63 exists only with its sign.
                bool negative = !frames_.empty() && frames_.back().op == Op::negate &&
                                frames_.back().kind == FrameKind::prefix;
                if (Done done = advance(); !done.ok()) return done;
                if (!negative || token_.kind == TokenKind::stars) {
                    return failure(span.begin, "integer 9223372036854775808 is beyond 64 bits");
                }
                span.begin = frames_.back().at;
                frames_.pop_back();
                push_constant(Message::integer(INT64_MIN), span);
                expects_operand_ = false;
                return {};
            }
            push_constant(std::move(value), span);
            expects_operand_ = false;
            return advance();
        }
        case TokenKind::name:
            return name();
        case TokenKind::config:
            return configuration();
        case TokenKind::minus:
            return prefix(Op::negate, sign);
        case TokenKind::plus:
            return prefix(Op::plus, sign);
        case TokenKind::bang:
            return prefix(Op::invert, sign);
        case TokenKind::open_round:
            return open(FrameKind::group, span.begin);
        case TokenKind::open_square:
            return open(FrameKind::list, span.begin);
        case TokenKind::open_curly:
            return open(FrameKind::dictionary, span.begin);
        case TokenKind::close_round:
        case TokenKind::close_square:
            return end_empty();
        default:
            return unexpected("a value");
    }
}

Result<void> Parser::prefix(Op op, Binding binding) {
    Frame frame;
    frame.kind = FrameKind::prefix;
    frame.binding = binding;
    frame.op = op;
    frame.at = frame.begin = token_.span.begin;
    if (Done done = push_frame(std::move(frame)); !done.ok()) return done;
    return advance();
}

// At the opening bracket; begin is where the text of the whole starts.
Result<void> Parser::open(FrameKind kind, std::uint32_t begin) {
    if (++depth_ > expression_limits::depth_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("brackets inside more than ", expression_limits::depth_count,
                              " brackets at ", place_text(text_, token_.span.begin)));
    }
    Frame frame;
    frame.kind = kind;
    frame.at = token_.span.begin;
    frame.begin = begin;
    if (Done done = push_frame(std::move(frame)); !done.ok()) return done;
    if (Done done = advance(); !done.ok()) return done;
    return kind == FrameKind::dictionary ? key() : Done();
}

// At the key of an element of a dictionary, or at its end.
Result<void> Parser::key() {
    Frame& frame = frames_.back();
    if (token_.kind == TokenKind::close_curly && frame.count == 0) return close_frame(frame);
    Message name;
    if (token_.kind == TokenKind::string) {
        name = std::move(token_.value);
    } else if (token_.kind == TokenKind::name) {
        name = Message::string(word(token_.span));
    } else {
        return unexpected("a key");
    }
    for (const Message& other : frame.keys) {
        if (other.text() == name.text()) {
            return failure(token_.span.begin, concat("key '", clip(name.text()), "' comes twice"));
        }
    }
    frame.keys.push_back(std::move(name));
    if (Done done = advance(); !done.ok()) return done;
    if (token_.kind != TokenKind::colon) return unexpected("':' after a key");
    expects_operand_ = true;
    return advance();
}

// A closing bracket where an operand could be: [] or f().
Result<void> Parser::end_empty() {
    bool round = token_.kind == TokenKind::close_round;
    if (frames_.empty()) return unexpected("a value");
    Frame& frame = frames_.back();
    bool call = frame.kind == FrameKind::call || frame.kind == FrameKind::condition ||
                frame.kind == FrameKind::presence;
    bool fits =
        frame.count == 0 && frame.code == here() && (round ? call : frame.kind == FrameKind::list);
    if (!fits) return unexpected("a value");
    return close_frame(frame);
}

Result<void> Parser::name() {
    Span span = token_.span;
    std::string_view found = word(span);
    if (found == "not") return prefix(Op::invert, negation);
    if (found == "and" || found == "or" || found == "in") return unexpected("a value");
    if (Done done = advance(); !done.ok()) return done;
    if (token_.kind == TokenKind::open_round) return call(found, span);
    expects_operand_ = false;
    if (found == "true" || found == "false") {
        push_constant(Message::boolean(found == "true"), span);
    } else if (found == "null") {
        push_constant(Message::null(), span);
    } else if (found == "it") {
        emit(Op::input, 0, 0, {span.begin, span, {}});
        push(span);
    } else {
        // The last of equal names is the one that was set last.
        std::size_t local = names_.locals.size();
        while (local > 0 && names_.locals[local - 1] != found) --local;
        if (local > 0) {
            emit(Op::local, static_cast<std::uint32_t>(local - 1), 0, {span.begin, span, {}});
        } else {
            emit(Op::field, constant(Message::string(found)), program_->fields++,
                 {span.begin, span, {}});
        }
        push(span);
    }
    return {};
}

// At the '(' behind the name of a function.
Result<void> Parser::call(std::string_view name, Span span) {
    FrameKind kind = FrameKind::call;
    std::size_t function = 0;
    if (name == "if") {
        kind = FrameKind::condition;
    } else if (name == "has") {
        kind = FrameKind::presence;
    } else {
        while (function < function_count() && function_at(function).name != name) ++function;
        if (function == function_count()) {
            Vector<std::string_view> known = {"if", "has"};
            for (std::size_t i = 0; i < function_count(); ++i) known.push_back(function_at(i).name);
            return failure(span.begin, concat("unknown function '", clip(name), "'"))
                .hint(did_you_mean(name, known));
        }
    }
    if (Done done = open(kind, span.begin); !done.ok()) return done;
    frames_.back().function = static_cast<std::uint32_t>(function);
    frames_.back().at = span.begin;
    return {};
}

Result<void> Parser::configuration() {
    std::string_view key = word(token_.span);
    Span span = {token_.span.begin - 1, token_.span.end};
    MessageRef value = names_.config.get(key);
    if (value.none()) {
        Vector<std::string_view> keys;
        for (std::size_t i = 0; i < names_.config.size(); ++i) {
            keys.push_back(names_.config.key_at(i));
        }
        return failure(span.begin, concat("no configuration key '", clip(key), "'"))
            .hint(did_you_mean(key, keys));
    }
    auto& used = program_->config_keys;
    if (std::find(used.begin(), used.end(), key) == used.end()) used.emplace_back(key);
    push_constant(value.own(), span);
    expects_operand_ = false;
    return advance();
}

}  // namespace reflow::components::parser
