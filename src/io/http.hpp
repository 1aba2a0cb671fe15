// HTTP/1.1 as far as a port needs it: the head of a request or an answer, bodies in chunks, and an answer to
// write. No compression. Neighbours: ports, the upgrade of wires. Thread: any; no state but that of a body.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"

namespace reflow::io {

inline constexpr std::size_t http_head_bytes = 16 * 1024;
inline constexpr std::size_t http_headers_count = 100;

// Views into the text that was read.
struct HttpHead {
    struct Header {
        std::string_view name, value;
    };
    std::string_view method, target;  // of a request
    std::uint16_t status = 0;         // of an answer
    std::string_view status_text;
    bool version_1_1 = false;
    Vector<Header> headers;
    std::size_t bytes = 0;  // of the head, its empty line included

    // How often it is there; letters are alike in all of these.
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    // The first; empty if it is not there.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept;
    // Whether a list such as "keep-alive, Upgrade" has the word.
    [[nodiscard]] bool has(std::string_view name, std::string_view word) const;
};

enum class HttpRead : std::uint8_t { more, done, wrong, too_large };
// Empty lines in front of a request are part of its head.
[[nodiscard]] HttpRead read_http_request(std::string_view text, HttpHead& head);
[[nodiscard]] HttpRead read_http_answer(std::string_view text, HttpHead& head);

// How the end of a request's body is known (RFC 9112, 6). wrong: in no way that all readers take alike.
enum class HttpFraming : std::uint8_t { length, chunked, wrong, unknown_coding };
struct HttpBody {
    HttpFraming framing = HttpFraming::length;
    std::uint64_t bytes = 0;  // of length
};
[[nodiscard]] HttpBody read_http_framing(const HttpHead& head);

// A body that comes in chunks (RFC 9112, 7.1), taken as it comes. Extensions and trailers are read and thrown away.
class HttpChunks {
public:
    // Cuts off the text what belongs to the body, and appends its data, of at most so many bytes. more: the
    // text is empty, and the body goes on.
    [[nodiscard]] HttpRead take(std::string_view& text, String& body, std::uint64_t most);

private:
    enum class At : std::uint8_t { size, blank, extension, size_lf, data, data_cr, data_lf, trailers };
    [[nodiscard]] bool take_size(char letter) noexcept;
    [[nodiscard]] HttpRead take_trailers(std::string_view& text);

    At at_ = At::size;
    std::uint64_t left_ = 0;   // of the chunk
    std::size_t letters_ = 0;  // of the line with its size
    String trailers_;          // with the line end before them
};

// Whether a page may open a WebSocket here, or ask for something: browsers say in Origin (RFC 6454) where a page comes from, and let
// any page dial any address, so that one of somebody else would reach what listens on this machine. Those
// may that are named, and those of the same address, if that is a number or localhost: a name could
// be made to lead here by somebody else. Without an origin none opens a WebSocket; of what
// is asked for, see is_led_here(). host: as the request has it.
[[nodiscard]] bool may_come_from(std::string_view origin, std::string_view host,
                                 const Vector<String>& allowed) noexcept;

// Whether a browser has been led here by a name that somebody else has made to lead here (DNS rebinding): to
// it the page that it shows is of this port then, and it says no Origin. Browsers tell themselves by Accept-Language,
// which no page can leave out, and by the first word of User-Agent.
[[nodiscard]] bool is_led_here(const HttpHead& head, const Vector<String>& allowed) noexcept;

[[nodiscard]] std::string_view http_reason(std::uint16_t status) noexcept;
// The head of an answer that has so many bytes of body.
[[nodiscard]] String http_answer_head(std::uint16_t status, std::string_view content_type,
                                      std::size_t body_bytes, bool keep, std::string_view extra);
[[nodiscard]] bool same_letters(std::string_view a, std::string_view b) noexcept;

}  // namespace reflow::io
