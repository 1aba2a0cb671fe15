// Frames on sockets, of WebSocket in both directions and of ours: a head that is read is what ours would
// write, or a longer form of it; it is read the same however it comes in pieces; masks undo themselves; close
// frames read back. Thread: one.
#include <cstdint>
#include <vector>

#include "codec_fuzz.hpp"
#include "io/frame.hpp"

namespace {

using namespace reflow;
using fuzz::require;

void heads(io::Form form, std::span<const std::byte> bytes) {
    io::Head head;
    std::string_view wrong;
    std::optional<std::size_t> need = io::read_head(form, bytes, head, wrong);
    if (!need) return require(!wrong.empty(), "no reason");
    if (*need > 0) {
        require(*need > bytes.size() && *need <= io::head_most_bytes, "wants what is there");
        return;
    }
    require(wrong.empty() && head.head_bytes <= bytes.size() &&
                head.head_bytes <= io::head_most_bytes,
            "a wrong head");
    for (std::size_t size = 0; size < head.head_bytes; ++size) {
        io::Head part;
        auto more = io::read_head(form, bytes.first(size), part, wrong);
        require(more && *more > size && *more <= head.head_bytes, "a beginning says something else");
    }
    if (!head.last || head.kind == io::Kind::more || head.bytes > io::most_bytes(form)) return;
    // What one side of WebSocket reads the other has written.
    io::Form from = form == io::Form::ws_client   ? io::Form::ws_server
                    : form == io::Form::ws_server ? io::Form::ws_client
                                                  : form;
    char written[io::head_most_bytes];
    std::size_t size = io::write_head(from, head.kind, head.bytes, head.mask, written);
    require(size <= head.head_bytes, "ours is longer");
    io::Head again;
    auto none = io::read_head(form, std::as_bytes(std::span(written, size)), again, wrong);
    require(none && *none == 0 && again.kind == head.kind && again.bytes == head.bytes &&
                again.masked == head.masked,
            "reads back differently");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    auto bytes = std::as_bytes(std::span(data, size));
    for (io::Form form : {io::Form::tcp, io::Form::ws_client, io::Form::ws_server}) {
        heads(form, bytes);
    }
    if (size >= 4) {
        std::vector<std::uint8_t> copy(data + 4, data + size);
        io::apply_mask(copy.data(), copy.size(), data);
        for (std::size_t i = 0; i < copy.size(); ++i) {
            require(copy[i] == (data[i + 4] ^ data[i & 3]), "a wrong mask");
        }
    }
    if (auto told = io::read_close(bytes)) {
        require(io::close_body(told->code, told->reason).size() <= io::control_most_bytes, "too long");
        String body = io::close_body(told->code, told->reason);
        auto again = io::read_close(std::as_bytes(std::span(body.data(), body.size())));
        require(again && again->code == told->code && again->reason == told->reason,
                "a close frame reads back differently");
    }
    return 0;
}
