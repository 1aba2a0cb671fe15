// Heads of frames byte by byte, and the upgrade from HTTP. Thread: any.
#include "io/frame.hpp"

#include <openssl/evp.h>
#include <sys/random.h>

#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "io/crypto.hpp"

namespace reflow::io {
namespace {

std::uint8_t at(std::span<const std::byte> bytes, std::size_t i) noexcept {
    return static_cast<std::uint8_t>(bytes[i]);
}

// Flags of ours.
constexpr std::uint8_t tcp_text = 1, tcp_close = 2, tcp_ping = 4, tcp_pong = 8;

std::optional<std::size_t> read_tcp_head(std::span<const std::byte> bytes, Head& head,
                                         std::string_view& wrong) noexcept {
    if (bytes.size() < 8) return 8;
    for (std::size_t i = 0; i < 4; ++i) head.bytes |= std::uint64_t{at(bytes, i)} << (8 * i);
    head.head_bytes = 8;
    switch (at(bytes, 4)) {
        case 0:
            head.kind = Kind::binary;
            break;
        case tcp_text:
            head.kind = Kind::text;
            break;
        case tcp_close:
            head.kind = Kind::close;
            break;
        case tcp_ping:
            head.kind = Kind::ping;
            break;
        case tcp_pong:
            head.kind = Kind::pong;
            break;
        default:
            wrong = "unknown flags of a frame";
            return {};
    }
    if ((at(bytes, 5) | at(bytes, 6) | at(bytes, 7)) != 0) {
        wrong = "unknown flags of a frame";
        return {};
    }
    return 0;
}

std::optional<std::size_t> read_ws_head(bool from_client, std::span<const std::byte> bytes,
                                        Head& head, std::string_view& wrong) noexcept {
    if (bytes.size() < 2) return 2;
    std::uint8_t first = at(bytes, 0);
    std::uint8_t second = at(bytes, 1);
    head.last = (first & 0x80) != 0;
    head.masked = (second & 0x80) != 0;
    std::uint8_t kind = first & 0x0f;
    std::uint8_t length = second & 0x7f;
    if ((first & 0x70) != 0) {
        wrong = "a bit of an extension that was not agreed on";
    } else if ((kind > 2 && kind < 8) || kind > 10) {
        wrong = "an unknown kind of frame";
    } else if (head.masked != from_client) {
        wrong =
            from_client ? "a frame of a client without a mask" : "a frame of a server with a mask";
    } else if (kind >= 8 && (!head.last || length > control_most_bytes)) {
        wrong = "a control frame that is too long or in parts";
    }
    if (!wrong.empty()) return {};
    head.kind = static_cast<Kind>(kind);
    std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
    head.head_bytes = 2 + wide + (head.masked ? 4 : 0);
    if (bytes.size() < head.head_bytes) return head.head_bytes;
    head.bytes = wide == 0 ? length : 0;
    for (std::size_t i = 0; i < wide; ++i) head.bytes = head.bytes << 8 | at(bytes, 2 + i);
    // Of two ways to say it only the shortest is one (RFC 6455, 5.2).
    if (wide != 0 && head.bytes < (wide == 2 ? 126U : 65536U)) {
        wrong = "a length in more bytes than it needs";
        return {};
    }
    if (head.masked) std::memcpy(head.mask, bytes.data() + 2 + wide, 4);
    return 0;
}

}  // namespace

std::optional<std::size_t> read_head(Form form, std::span<const std::byte> bytes, Head& head,
                                     std::string_view& wrong) noexcept {
    head = {};
    wrong = {};
    if (form == Form::tcp) return read_tcp_head(bytes, head, wrong);
    return read_ws_head(form == Form::ws_server, bytes, head, wrong);
}

std::size_t write_head(Form form, Kind kind, std::uint64_t bytes, const std::uint8_t mask[4],
                       char* to, bool last) noexcept {
    auto put = [&](std::size_t i, std::uint64_t byte) { to[i] = static_cast<char>(byte & 0xff); };
    if (form == Form::tcp) {
        for (std::size_t i = 0; i < 4; ++i) put(i, bytes >> (8 * i));
        put(4, kind == Kind::text    ? tcp_text
               : kind == Kind::close ? tcp_close
               : kind == Kind::ping  ? tcp_ping
               : kind == Kind::pong  ? tcp_pong
                                     : 0);
        for (std::size_t i = 5; i < 8; ++i) put(i, 0);
        return 8;
    }
    bool masked = form == Form::ws_client;
    put(0, (last ? 0x80U : 0U) | static_cast<std::uint64_t>(kind));
    std::size_t wide = bytes < 126 ? 0 : bytes < 65536 ? 2 : 8;
    put(1, (masked ? 0x80U : 0U) | (wide == 0 ? bytes : wide == 2 ? 126 : 127));
    for (std::size_t i = 0; i < wide; ++i) put(2 + i, bytes >> (8 * (wide - 1 - i)));
    if (!masked) return 2 + wide;
    std::memcpy(to + 2 + wide, mask, 4);
    return 2 + wide + 4;
}

std::uint64_t most_bytes(Form form) noexcept {
    return form == Form::tcp ? UINT32_MAX : std::uint64_t{1} << 62;
}

void apply_mask(void* bytes, std::size_t size, const std::uint8_t mask[4]) noexcept {
    auto* at = static_cast<unsigned char*>(bytes);
    std::uint64_t wide = 0;
    std::memcpy(&wide, mask, 4);
    std::memcpy(reinterpret_cast<char*>(&wide) + 4, mask, 4);
    std::size_t i = 0;
    // Four words at a time, which compilers turn into wide registers.
    for (; i + 32 <= size; i += 32) {
        std::uint64_t words[4];
        std::memcpy(words, at + i, 32);
        for (std::uint64_t& word : words) word ^= wide;
        std::memcpy(at + i, words, 32);
    }
    for (; i < size; ++i) at[i] = static_cast<unsigned char>(at[i] ^ mask[i & 3]);
}

// ---- close frames

String close_body(std::uint16_t code, std::string_view reason) {
    String body;
    if (code == 1005 || code == 1006) return body;  // these are never sent
    body.push_back(static_cast<char>(code >> 8));
    body.push_back(static_cast<char>(code & 0xff));
    std::size_t size = std::min(reason.size(), control_most_bytes - 2);
    // Not in the middle of a letter.
    while (size > 0 && size < reason.size() &&
           (static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80)
        --size;
    append(body, reason.substr(0, size));
    return body;
}

std::optional<CloseTold> read_close(std::span<const std::byte> body) noexcept {
    if (body.empty()) return CloseTold{1005, {}};
    if (body.size() < 2) return {};
    auto code = static_cast<std::uint16_t>(at(body, 0) << 8 | at(body, 1));
    bool known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                 (code >= 3000 && code <= 4999);
    std::string_view reason(reinterpret_cast<const char*>(body.data()) + 2, body.size() - 2);
    if (!known || reason.size() > control_most_bytes - 2 || invalid_utf8(reason)) return {};
    return CloseTold{code, reason};
}

// ---- the upgrade

namespace {

String base64(const unsigned char* bytes, std::size_t size) {
    unsigned char text[64];
    int length = EVP_EncodeBlock(text, bytes, static_cast<int>(size));
    return String(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
}

}  // namespace

String websocket_key() {
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return {};
    return base64(random, sizeof random);
}

bool is_websocket_key(std::string_view text) noexcept {
    if (text.size() != 24 || text.substr(22) != "==") return false;
    for (char letter : text.substr(0, 22)) {
        bool known = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
                     (letter >= '0' && letter <= '9') || letter == '+' || letter == '/';
        if (!known) return false;
    }
    return true;
}

String websocket_accept(std::string_view key) {
    String text = concat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    begin_crypto();
    if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) return {};
    return base64(digest, size);
}

// What is said of the form of frames: a line that others pass over.
namespace {
std::string_view tcp_line(bool tcp) noexcept {
    return tcp ? std::string_view("\r\nReflow-Frames: tcp") : std::string_view();
}
}  // namespace

String upgrade_request(std::string_view host, std::string_view path, std::string_view key,
                       bool tcp) {
    return concat("GET ", path, " HTTP/1.1\r\nHost: ", host,
                  "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ", key,
                  "\r\nSec-WebSocket-Version: 13", tcp_line(tcp), "\r\n\r\n");
}

String upgrade_answer(std::string_view key, bool tcp) {
    return concat(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ",
        websocket_accept(key), tcp_line(tcp), "\r\n\r\n");
}

std::string_view wrong_in_upgrade(const HttpHead& answer, std::string_view key) {
    if (!answer.has("Upgrade", "websocket") || !answer.has("Connection", "Upgrade"))
        return "the answer does not upgrade to WebSocket";
    if (answer.find("Sec-WebSocket-Accept") != websocket_accept(key))
        return "the answer is to another key";
    if (!answer.find("Sec-WebSocket-Extensions").empty() ||
        !answer.find("Sec-WebSocket-Protocol").empty())
        return "the answer has an extension or a protocol that nobody asked for";
    return {};
}

}  // namespace reflow::io
