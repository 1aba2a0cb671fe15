// A port of wires that sends back what comes, frame by frame: what a suite of WebSocket tests talks to.
// echo [certificate key]: listens on a free port of 127.0.0.1, says its number on standard output, and
// ends with standard input. Neighbours: src/io/wire.hpp, tests/peer/autobahn_long_test.py.
#include <unistd.h>

#include <cstdio>

#include "io/wire.hpp"

namespace {

using namespace reflow;
using namespace reflow::io;

// One for all wires: an echo remembers nothing.
struct Echo final : WireHandler, PortHandler {
    void opened(Wire& /*wire*/) override {}
    void received(Wire& wire, std::span<const std::byte> frame, bool text) override {
        String copy(reinterpret_cast<const char*>(frame.data()), frame.size());
        // Who does not read what it has asked for hears no more.
        if (wire.send(std::move(copy), text) == REFLOW_ERROR_WOULD_BLOCK) wire.cut();
    }
    void drained(Wire& /*wire*/) override {}
    void closed(Wire& /*wire*/, std::uint16_t /*code*/, reflow_status /*status*/,
                std::string_view /*reason*/) override {}
    WireHandler* accepted(Wire& /*wire*/) override { return this; }
    HttpResponse request(const HttpRequest& /*request*/) override { return {404, {}, {}, {}}; }
};

}  // namespace

int main(int count, char** arguments) {
    Echo echo;
    Result<std::unique_ptr<WireHost>> host = WireHost::create({});
    if (!host.ok()) return 1;
    PortOptions options;
    if (count == 3) {
        options.wire.tls.certificate_file = arguments[1];
        options.wire.tls.key_file = arguments[2];
    }
    std::uint16_t port = 0;
    if (!host.value()->listen("127.0.0.1", 0, options, echo, &port).ok()) return 1;
    std::printf("%d\n", port);
    std::fflush(stdout);
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}
