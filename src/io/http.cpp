// Reading is strict where laxness has been used to smuggle requests: no folded headers, no spaces
// before a colon, one length. Thread: any.
#include "io/http.hpp"

#include <charconv>

#include "base/text.hpp"

namespace reflow::io {
namespace {

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool token(std::string_view text) noexcept {
    if (text.empty()) return false;
    for (char letter : text) {
        bool alphanumeric =
            (letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z');
        if (!alphanumeric &&
            std::string_view("!#$%&'*+-.^_`|~").find(letter) == std::string_view::npos)
            return false;
    }
    return true;
}

bool printable(std::string_view text, bool spaces) noexcept {
    for (char letter : text) {
        auto byte = static_cast<unsigned char>(letter);
        if (byte == 0x7f || byte < 0x20) {
            if (!spaces || letter != '\t') return false;
        } else if (letter == ' ' && !spaces) {
            return false;
        }
    }
    return true;
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// The next line without its end.
std::string_view next_line(std::string_view& text) noexcept {
    std::size_t end = text.find("\r\n");
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
}

HttpRead read_headers(std::string_view rest, HttpHead& head) {
    while (!rest.empty()) {
        std::string_view line = next_line(rest);
        std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return HttpRead::wrong;
        HttpHead::Header header{line.substr(0, colon), trimmed(line.substr(colon + 1))};
        if (!token(header.name) || !printable(header.value, true)) return HttpRead::wrong;
        if (head.headers.size() == http_headers_count) return HttpRead::too_large;
        head.headers.push_back(header);
    }
    return HttpRead::done;
}

// Of "http://host/path", as clients ask proxies, the path (RFC 9112, 3.2.2); others as they are.
std::string_view path_of(std::string_view target) noexcept {
    for (std::string_view scheme : {"http://", "https://"}) {
        if (!same_letters(target.substr(0, scheme.size()), scheme)) continue;
        std::size_t begin = target.find_first_of("/?", scheme.size());
        return begin == std::string_view::npos ? "/" : target.substr(begin);
    }
    return target;
}

// Cuts the first line, which begins there, and the headers off the text.
HttpRead split(std::string_view text, HttpHead& head, std::string_view& first,
               std::string_view& rest, std::size_t begin = 0) {
    head = {};
    std::size_t end = text.substr(0, http_head_bytes).find("\r\n\r\n", begin);
    if (end == std::string_view::npos) {
        return text.size() >= http_head_bytes ? HttpRead::too_large : HttpRead::more;
    }
    head.bytes = end + 4;
    rest = text.substr(begin, end + 2 - begin);
    first = next_line(rest);
    return HttpRead::done;
}

}  // namespace

namespace {

// Of "127.0.0.1:80", "[::1]:80" and "localhost": not a name that leads anywhere.
bool leads_here(std::string_view host) noexcept {
    if (host.starts_with('[')) return true;
    host = host.substr(0, host.find(':'));
    if (same_letters(host, "localhost")) return true;
    return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

bool may_come_from(std::string_view origin, std::string_view host,
                   const Vector<String>& allowed) noexcept {
    if (origin.empty()) return true;
    for (const String& one : allowed) {
        if (one == "*" || same_letters(one, origin)) return true;
    }
    for (std::string_view scheme : {"http://", "https://"}) {
        if (!origin.starts_with(scheme)) continue;
        return same_letters(origin.substr(scheme.size()), host) && leads_here(host);
    }
    return false;
}

bool is_led_here(const HttpHead& head, const Vector<String>& allowed) noexcept {
    std::string_view host = head.find("Host");
    const bool browser =
        head.count("Accept-Language") != 0 || head.find("User-Agent").starts_with("Mozilla/");
    if (!browser || host.empty() || leads_here(host)) return false;
    for (std::string_view one : allowed) {
        const std::size_t scheme = one.find("//");
        if (one == "*") return false;
        if (scheme != std::string_view::npos && same_letters(one.substr(scheme + 2), host)) return false;
    }
    return true;
}

bool same_letters(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

std::string_view HttpHead::find(std::string_view name) const noexcept {
    for (const Header& header : headers) {
        if (same_letters(header.name, name)) return header.value;
    }
    return {};
}

bool HttpHead::has(std::string_view name, std::string_view word) const {
    for (const Header& header : headers) {
        if (!same_letters(header.name, name)) continue;
        std::string_view rest = header.value;
        while (!rest.empty()) {
            std::size_t comma = rest.find(',');
            if (same_letters(trimmed(rest.substr(0, comma)), word)) return true;
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        }
    }
    return false;
}

std::size_t HttpHead::count(std::string_view name) const noexcept {
    std::size_t times = 0;
    for (const Header& header : headers) {
        if (same_letters(header.name, name)) ++times;
    }
    return times;
}

HttpRead read_http_request(std::string_view text, HttpHead& head) {
    std::string_view line;
    std::string_view rest;
    // Empty lines in front are none of it (RFC 9112, 2.2).
    std::size_t begin = 0;
    while (text.substr(begin).starts_with("\r\n")) begin += 2;
    HttpRead read = split(text, head, line, rest, begin);
    if (read != HttpRead::done) return read;
    std::size_t one = line.find(' ');
    std::size_t two = line.rfind(' ');
    if (one == std::string_view::npos || one == two) return HttpRead::wrong;
    head.method = line.substr(0, one);
    head.target = line.substr(one + 1, two - one - 1);
    std::string_view version = line.substr(two + 1);
    head.version_1_1 = version == "HTTP/1.1";
    if (!head.version_1_1 && version != "HTTP/1.0") return HttpRead::wrong;
    if (!token(head.method) || head.target.empty() || !printable(head.target, false))
        return HttpRead::wrong;
    head.target = path_of(head.target);
    read = read_headers(rest, head);
    if (read != HttpRead::done) return read;
    const std::size_t hosts = head.count("Host");
    return hosts > 1 || (hosts == 0 && head.version_1_1) ? HttpRead::wrong : read;
}

HttpRead read_http_answer(std::string_view text, HttpHead& head) {
    std::string_view line;
    std::string_view rest;
    // Told at once, before there is an empty line that may never come.
    std::string_view begin = "HTTP/1.";
    if (text.substr(0, begin.size()) != begin.substr(0, text.size())) return HttpRead::wrong;
    HttpRead read = split(text, head, line, rest);
    if (read != HttpRead::done) return read;
    if (line.size() < 12 || line[8] != ' ') return HttpRead::wrong;
    for (char digit : line.substr(9, 3)) {
        if (digit < '0' || digit > '9') return HttpRead::wrong;
        head.status = static_cast<std::uint16_t>(head.status * 10 + (digit - '0'));
    }
    head.status_text = line.substr(9);
    head.version_1_1 = line[7] == '1';
    if (!printable(line, true)) return HttpRead::wrong;
    return read_headers(rest, head);
}

// ---- bodies

// A length beside chunks, an HTTP/1.0 with chunks and a list that does not end with them have been used to make two
// readers see different ends.
HttpBody read_http_framing(const HttpHead& head) {
    constexpr HttpBody wrong{HttpFraming::wrong, 0};
    const std::size_t lengths = head.count("Content-Length");
    if (head.count("Transfer-Encoding") != 0) {
        if (lengths != 0 || !head.version_1_1) return wrong;
        std::size_t codings = 0, chunked = 0;
        bool last = false;
        for (const HttpHead::Header& header : head.headers) {
            if (!same_letters(header.name, "Transfer-Encoding")) continue;
            std::string_view rest = header.value;
            for (bool more = true; more; ++codings) {
                std::size_t comma = rest.find(',');
                last = same_letters(trimmed(rest.substr(0, comma)), "chunked");
                if (last) ++chunked;
                more = comma != std::string_view::npos;
                if (more) rest = rest.substr(comma + 1);
            }
        }
        if (!last || chunked != 1) return wrong;
        return {codings == 1 ? HttpFraming::chunked : HttpFraming::unknown_coding, 0};
    }
    HttpBody body;
    if (lengths == 0) return body;
    std::string_view length = head.find("Content-Length");
    const char* end = length.data() + length.size();
    auto [stop, problem] = std::from_chars(length.data(), end, body.bytes);
    return lengths > 1 || problem != std::errc{} || stop != end ? wrong : body;
}

// A digit or what ends the size. It has 16 digits at most, and its line not many letters more: there is no use for
// extensions here.
bool HttpChunks::take_size(char letter) noexcept {
    constexpr std::size_t most_digits = 16, most_letters = 256;
    if (++letters_ > most_letters) return false;
    if (at_ == At::extension) {
        if (letter == '\r') at_ = At::size_lf;
        return letter == '\r' || printable({&letter, 1}, true);
    }
    unsigned digit = 16;
    if (letter >= '0' && letter <= '9') digit = static_cast<unsigned>(letter - '0');
    if (lower(letter) >= 'a' && lower(letter) <= 'f') digit = static_cast<unsigned>(lower(letter) - 'a') + 10;
    if (digit < 16 && at_ == At::size) {
        left_ = left_ << 4 | digit;
        return letters_ <= most_digits;
    }
    if (letters_ == 1) return false;
    const bool blank = letter == ' ' || letter == '\t';
    if (letter == '\r' && at_ == At::size) {
        at_ = At::size_lf;
    } else {
        at_ = blank ? At::blank : At::extension;
    }
    return letter == ';' || blank || at_ == At::size_lf;
}

HttpRead HttpChunks::take_trailers(std::string_view& text) {
    while (!text.empty()) {
        trailers_.push_back(text.front());
        text.remove_prefix(1);
        const bool over = trailers_.ends_with("\r\n\r\n");
        if (!over && trailers_.size() >= http_head_bytes) return HttpRead::too_large;
        if (!over) continue;
        HttpHead thrown_away;
        std::string_view lines = trailers_;
        return read_headers(lines.substr(2, lines.size() - 4), thrown_away);
    }
    return HttpRead::more;
}

HttpRead HttpChunks::take(std::string_view& text, String& body, std::uint64_t most) {
    while (!text.empty()) {
        if (at_ == At::trailers) return take_trailers(text);
        if (at_ == At::data) {
            std::string_view some = text.substr(0, left_);
            append(body, some);
            text.remove_prefix(some.size());
            left_ -= some.size();
            if (left_ == 0) at_ = At::data_cr;
            continue;
        }
        const char letter = text.front();
        text.remove_prefix(1);
        if (at_ <= At::extension) {
            if (!take_size(letter)) return HttpRead::wrong;
            continue;
        }
        if (letter != (at_ == At::data_cr ? '\r' : '\n')) return HttpRead::wrong;
        if (at_ == At::data_cr) {
            at_ = At::data_lf;
        } else if (at_ == At::data_lf) {
            at_ = At::size;
        } else {
            letters_ = 0;
            if (left_ > most - body.size()) return HttpRead::too_large;
            at_ = left_ == 0 ? At::trailers : At::data;
            if (left_ == 0) trailers_ = "\r\n";
        }
    }
    return HttpRead::more;
}

std::string_view http_reason(std::uint16_t status) noexcept {
    switch (status) {
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Status";
    }
}

String http_answer_head(std::uint16_t status, std::string_view content_type, std::size_t body_bytes,
                        bool keep, std::string_view extra) {
    String head = concat("HTTP/1.1 ", status, " ", http_reason(status), "\r\n");
    if (body_bytes > 0) append(head, concat("Content-Type: ", content_type, "\r\n"));
    bool bare = status == 204 || status == 304;  // these end with their head
    if (!bare) append(head, concat("Content-Length: ", body_bytes, "\r\n"));
    append(head, concat(extra, keep ? "" : "Connection: close\r\n", "\r\n"));
    return head;
}

}  // namespace reflow::io
