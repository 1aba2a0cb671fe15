// Cuts the text of an expression into tokens.
// Neighbours: expression_parser. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::components {

// Bytes of the text of an expression.
struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

enum class TokenKind : std::uint8_t {
    end,
    number,
    string,
    name,    // keywords as well
    config,  // $name; the span is that of the name alone
    plus,
    minus,
    star,
    slash,
    slashes,
    percent,
    stars,
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal,
    and_also,
    or_else,
    bang,  // && || !
    question,
    questions,
    colon,
    comma,
    dot,
    open_round,
    close_round,
    open_square,
    close_square,
    open_curly,
    close_curly,
};

struct Token {
    TokenKind kind = TokenKind::end;
    Span span;
    Message value;  // of number and string; none for the integer 2^63, which only -2^63 may use
};

// The place of a byte for an error: "column 8", or "line 2, column 8".
[[nodiscard]] String place_text(std::string_view text, std::uint32_t offset);

// An error of compilation: "<message> at column 8".
[[nodiscard]] Failure parse_failure(std::string_view text, std::uint32_t offset,
                                    std::string_view message);

class Lexer {
public:
    explicit Lexer(std::string_view text) noexcept : text_(text) {}
    [[nodiscard]] Result<Token> next();

private:
    [[nodiscard]] Result<Token> number();
    [[nodiscard]] Result<Token> string();
    [[nodiscard]] Result<void> escape(String& to);
    [[nodiscard]] Result<std::uint32_t> code_unit();
    [[nodiscard]] Token symbol(TokenKind kind, std::uint32_t size) noexcept;
    [[nodiscard]] Result<Token> symbol();
    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    [[nodiscard]] Failure failure(std::size_t offset, std::string_view message) const {
        return parse_failure(text_, static_cast<std::uint32_t>(offset), message);
    }

    std::string_view text_;
    std::uint32_t at_ = 0;
};

}  // namespace reflow::components
