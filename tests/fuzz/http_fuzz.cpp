// Heads of HTTP, and bodies in chunks: what is read from a text is read from it however it comes in pieces, lies inside of it, and
// is nothing that could be two things to two readers. Thread: one.
#include <cstdint>

#include "codec_fuzz.hpp"
#include "io/frame.hpp"
#include "io/http.hpp"

namespace {

using namespace reflow;
using fuzz::require;
using io::HttpHead;
using io::HttpRead;

void inside(std::string_view part, std::string_view text) {
    if (part.empty()) return;
    require(part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size(),
            "a part that is not of the text");
    for (char letter : part) {
        require(letter != '\r' && letter != '\n' && letter != 0, "a line end inside of a part");
    }
}

template <typename Read>
void heads(std::string_view text, Read read) {
    HttpHead whole;
    HttpRead end = read(text, whole);
    if (end == HttpRead::done) {
        require(whole.bytes >= 4 && whole.bytes <= text.size() && whole.bytes <= io::http_head_bytes,
                "a wrong length");
        require(text.substr(whole.bytes - 4, 4) == "\r\n\r\n", "no empty line at the end");
        require(whole.headers.size() <= io::http_headers_count, "too many headers");
        inside(whole.method, text);
        inside(whole.target, text);
        for (const auto& header : whole.headers) {
            inside(header.name, text);
            inside(header.value, text);
            require(!header.name.empty(), "a header without a name");
        }
        (void)whole.has("Connection", "Upgrade");
        (void)io::wrong_in_upgrade(whole, "dGhlIHNhbXBsZSBub25jZQ==");
    }
    // A beginning says the same, or that there has to be more.
    for (std::size_t size = 0; size < text.size() && size < 300; ++size) {
        HttpHead part;
        HttpRead said = read(text.substr(0, size), part);
        if (said == HttpRead::more) continue;
        require(said == end, "a beginning says something else", text.substr(0, size));
        require(said != HttpRead::done || part.bytes == whole.bytes, "another length");
    }
}

// A body in chunks is the same in however many pieces it comes.
void chunks(std::string_view text) {
    constexpr std::uint64_t most = 1000;
    auto take = [](std::string_view all, std::size_t first, String& body, std::size_t& left) {
        io::HttpChunks chunks;
        HttpRead read = HttpRead::more;
        for (std::string_view part : {all.substr(0, first), all.substr(first)}) {
            if (read == HttpRead::more) read = chunks.take(part, body, most);
            left = read == HttpRead::more ? 0 : part.size() + (part.end() == all.end() ? 0 : all.size() - first);
            if (read != HttpRead::more) break;
        }
        require(body.size() <= most, "more of a body than may come");
        return read;
    };
    String whole;
    std::size_t left = 0;
    const HttpRead end = take(text, text.size(), whole, left);
    for (std::size_t size = 0; size < text.size() && size < 300; ++size) {
        String body;
        std::size_t rest = 0;
        require(take(text, size, body, rest) == end, "in pieces it is something else");
        if (end == HttpRead::done) require(body == whole && rest == left, "another body");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view text(reinterpret_cast<const char*>(data), size);
    heads(text, io::read_http_request);
    heads(text, io::read_http_answer);
    chunks(text);
    if (io::is_websocket_key(text)) require(text.size() == 24, "a key of another length");
    return 0;
}
