// Bodies of discovery: registrations, which a server answers with a status that it knows and keeps within its
// limits, and answers with networks, which a peer reads. Thread: one.
#include <cstdint>

#include "base/clock.hpp"
#include "codec_fuzz.hpp"
#include "peer/discovery_registry.hpp"

namespace {

using namespace reflow;
using fuzz::require;

class Still final : public Clock {
public:
    [[nodiscard]] std::uint64_t now_ns() const noexcept override { return 1'000'000'000; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return 1'777'889'472'100; }
};

io::HttpResponse ask(peer::DiscoveryRegistry& registry, std::string_view method,
                     std::string_view path, std::string_view body) {
    io::HttpRequest request{};
    request.method = method;
    request.path = path;
    request.body = body;
    request.content_type = "application/json";
    return registry.answer(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view body(reinterpret_cast<const char*>(data), size);
    Still clock;
    peer::DiscoveryRegistry registry({}, clock);
    io::HttpResponse added = ask(registry, "POST", "/register", body);
    bool known = added.status == 200 || added.status == 400 || added.status == 413 ||
                 added.status == 422 || added.status == 503;
    require(known, "another status", added.body);
    require((added.status == 200) == (registry.size() == 1), "added and not there, or the other way");
    require(added.status == 200 || codec::read_json(added.body).ok(), "no reason", added.body);
    io::HttpResponse list = ask(registry, "GET", "/networks", {});
    auto read = codec::read_json(list.body);
    require(list.status == 200 && read.ok(), "no list", list.body);
    require(read.value().size() == registry.size(), "another number");
    if (added.status == 200) {
        // What it lists can be registered, and the same body takes it away.
        String one;
        require(codec::write_json(one, read.value().at(0)).ok(), "not written");
        require(ask(registry, "POST", "/register", one).status == 200, "refused what it lists", one);
        require(registry.size() == 1, "another entry");
        require(ask(registry, "POST", "/unregister", body).status == 200, "not taken away");
        require(registry.size() == 0, "still there");
    }
    (void)ask(registry, "POST", "/unregister", body);
    (void)ask(registry, body.substr(0, 8), body, body);
    return 0;
}
