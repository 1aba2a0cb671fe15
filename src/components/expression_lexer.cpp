// Cuts the text of an expression into tokens. The text is UTF-8 and shorter than 4 GiB.
// Thread: any.
#include "components/expression_lexer.hpp"

#include <algorithm>
#include <charconv>

#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
// Every letter beyond ASCII may be part of a name.
bool name_start(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool name_part(char c) noexcept { return name_start(c) || digit(c); }
bool space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

String place_text(std::string_view text, std::uint32_t offset) {
    std::string_view before = text.substr(0, offset);
    auto lines = std::count(before.begin(), before.end(), '\n');
    std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    if (lines == 0) return concat("column ", offset + 1);
    return concat("line ", lines + 1, ", column ", offset - start + 1);
}

Failure parse_failure(std::string_view text, std::uint32_t offset, std::string_view message) {
    return Failure(REFLOW_ERROR_PARSE, concat(message, " at ", place_text(text, offset)));
}

Token Lexer::symbol(TokenKind kind, std::uint32_t size) noexcept {
    Token token;
    token.kind = kind;
    token.span = {at_, at_ + size};
    at_ += size;
    return token;
}

Result<Token> Lexer::next() {
    while (at_ < text_.size() && space(text_[at_])) ++at_;
    if (at_ == text_.size()) return symbol(TokenKind::end, 0);
    char first = peek();
    if (digit(first)) return number();
    if (first == '\'' || first == '"') return string();
    bool config = first == '$';
    if (!config && !name_start(first)) return symbol();
    std::uint32_t begin = at_ + (config ? 1 : 0);
    std::uint32_t end = begin;
    if (end < text_.size() && name_start(text_[end])) {
        while (end < text_.size() && name_part(text_[end])) ++end;
    }
    if (end == begin) return failure(at_, "expected a name after '$'");
    Token token;
    token.kind = config ? TokenKind::config : TokenKind::name;
    token.span = {begin, end};
    at_ = end;
    return token;
}

Result<Token> Lexer::number() {
    std::uint32_t begin = at_;
    bool real = false;
    auto digits = [this] {
        while (digit(peek())) ++at_;
    };
    digits();
    if (peek() == '.' && digit(peek(1))) {
        real = true;
        ++at_;
        digits();
    }
    if (peek() == 'e' || peek() == 'E') {
        std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
        if (!digit(peek(sign))) return failure(at_, "expected digits of an exponent after 'e'");
        real = true;
        at_ += static_cast<std::uint32_t>(sign);
        digits();
    }
    if (name_part(peek())) return failure(at_, "a name cannot follow a number without a space");
    Token token;
    token.kind = TokenKind::number;
    token.span = {begin, at_};
    std::string_view written = text_.substr(begin, at_ - begin);
    const char* last = written.data() + written.size();
    if (real) {
        std::optional<double> value = real_in(written);
        if (!value) return failure(begin, concat("number ", clip(written), " is out of range"));
        token.value = Message::real(*value);
        return token;
    }
    std::uint64_t value = 0;
    bool fits = std::from_chars(written.data(), last, value).ec == std::errc();
    constexpr std::uint64_t most = INT64_MAX;
    if (!fits || value > most + 1) {
        return failure(begin, concat("integer ", clip(written), " is beyond 64 bits"));
    }
    if (value <= most) token.value = Message::integer(static_cast<std::int64_t>(value));
    return token;
}

Result<Token> Lexer::string() {
    std::uint32_t begin = at_;
    char quote = text_[at_++];
    String content;
    for (;;) {
        std::size_t stop = std::min(text_.find_first_of("\\'\"", at_), text_.size());
        content.append(text_.substr(at_, stop - at_));
        at_ = static_cast<std::uint32_t>(stop);
        if (at_ == text_.size()) return failure(begin, "a string without an end starts");
        if (text_[at_] == quote) break;
        if (text_[at_] == '\\') {
            if (Result<void> done = escape(content); !done.ok()) return done.take_error();
        } else {
            content += text_[at_++];  // the other quote
        }
    }
    ++at_;
    Token token;
    token.kind = TokenKind::string;
    token.span = {begin, at_};
    token.value = Message::string(content);
    return token;
}

Result<void> Lexer::escape(String& to) {
    std::uint32_t begin = at_;
    ++at_;
    char letter = peek();
    static constexpr std::string_view from = "nrtbf0\\'\"/";
    static constexpr std::string_view into = std::string_view("\n\r\t\b\f\0\\'\"/", 10);
    std::size_t known = letter == '\0' ? from.npos : from.find(letter);
    if (known != from.npos) {
        to += into[known];
        ++at_;
        return {};
    }
    if (letter != 'u') return failure(begin, "unknown escape in a string");
    Result<std::uint32_t> unit = code_unit();
    if (!unit.ok()) return unit.take_error();
    std::uint32_t code = unit.value();
    if (code >= 0xD800 && code < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
        ++at_;
        Result<std::uint32_t> low = code_unit();
        if (!low.ok()) return low.take_error();
        if (low.value() < 0xDC00 || low.value() > 0xDFFF) {
            return failure(begin, "half a surrogate pair in a string");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low.value() - 0xDC00);
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
        return failure(begin, "half a surrogate pair in a string");
    }
    append_code_point(to, code);
    return {};
}

// At the u of \uXXXX.
Result<std::uint32_t> Lexer::code_unit() {
    std::uint32_t value = 0;
    const char* first = text_.data() + at_ + 1;
    const char* last = text_.data() + std::min<std::size_t>(at_ + 5, text_.size());
    if (last - first != 4 || std::from_chars(first, last, value, 16).ptr != last) {
        return failure(at_, "expected four hexadecimal digits after '\\u'");
    }
    at_ += 5;
    return value;
}

Result<Token> Lexer::symbol() {
    struct Symbol {
        std::string_view text;
        TokenKind kind;
    };
    // Longer ones first.
    static constexpr Symbol symbols[] = {
        {"**", TokenKind::stars},       {"//", TokenKind::slashes},
        {"==", TokenKind::equal},       {"!=", TokenKind::unequal},
        {"<=", TokenKind::less_equal},  {">=", TokenKind::greater_equal},
        {"&&", TokenKind::and_also},    {"||", TokenKind::or_else},
        {"??", TokenKind::questions},   {"+", TokenKind::plus},
        {"-", TokenKind::minus},        {"*", TokenKind::star},
        {"/", TokenKind::slash},        {"%", TokenKind::percent},
        {"<", TokenKind::less},         {">", TokenKind::greater},
        {"!", TokenKind::bang},         {"?", TokenKind::question},
        {":", TokenKind::colon},        {",", TokenKind::comma},
        {".", TokenKind::dot},          {"(", TokenKind::open_round},
        {")", TokenKind::close_round},  {"[", TokenKind::open_square},
        {"]", TokenKind::close_square}, {"{", TokenKind::open_curly},
        {"}", TokenKind::close_curly},
    };
    std::string_view rest = text_.substr(at_);
    for (const Symbol& known : symbols) {
        if (rest.starts_with(known.text)) {
            return symbol(known.kind, static_cast<std::uint32_t>(known.text.size()));
        }
    }
    std::unique_ptr<Error> error =
        failure(at_, rest[0] > ' ' && rest[0] != '\x7f'
                         ? concat("unexpected '", rest.substr(0, 1), "'")
                         : concat("unexpected control character ", static_cast<int>(rest[0])))
            .take();
    if (rest[0] == '=') error->hint = "equality is '=='";
    if (rest[0] == '&') error->hint = "both is 'and' or '&&'";
    if (rest[0] == '|') error->hint = "either is 'or' or '||'";
    return error;
}

}  // namespace reflow::components
