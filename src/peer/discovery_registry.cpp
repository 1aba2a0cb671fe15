// The table of a discovery server.
// Thread: one at a time.
#include "peer/discovery_registry.hpp"

#include <charconv>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "codec/json_out.hpp"
#include "io/wire.hpp"
#include "message/kind_words.hpp"
#include "peer/endpoints.hpp"
#include "peer/http.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t ms = 1'000'000;
// Elements of a registration, those of keys that nobody knows included.
constexpr std::uint64_t body_elements = 1000;

bool is_post(const io::HttpRequest& request) noexcept { return request.method == "POST"; }

io::HttpResponse empty_response() { return {}; }

// What nobody could dial is of no use to anybody. Peers of the original tell bind_address:bind_port as these stand in
// their configuration, so "0.0.0.0:0" and ":::9310" are told as well.
Result<void> check_endpoint(std::string_view text) {
    Result<io::WireAddress> address = io::WireAddress::parse(text);
    if (address.ok()) return {};
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !check_host(text.substr(0, colon)).ok())
        return address.take_error();
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    auto [stop, problem] = std::from_chars(text.data() + colon + 1, end, port);
    if (problem == std::errc{} && stop == end) return {};
    return address.take_error();
}

}  // namespace

struct DiscoveryRegistry::Body {
    Message object;  // none: refused
    io::HttpResponse refusal;
};

DiscoveryRegistry::DiscoveryRegistry(Options options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      swept_ns_(clock.now_ns()),
      started_ns_(clock.now_ns()) {}

io::HttpResponse DiscoveryRegistry::answer(const io::HttpRequest& request) {
    if (clock_.now_ns() - swept_ns_ >= options_.sweep_ms * ms) sweep();
    std::string_view path = plain_path(request.path);
    if (path == "/health") {
        return is_read(request) ? health() : method_refused(request, "GET, HEAD");
    }
    bool lists = path == "/networks", registers = path == "/register";
    if (!lists && !registers && path != "/unregister") {
        return error_response(404, concat("nothing is served at '", request.path,
                                          "'; there are /register, /unregister, /networks and "
                                          "/health"));
    }
    if (!options_.token.empty() && !is_bearer(request.authorization, options_.token)) {
        return error_response(401, "the bearer token is missing or wrong");
    }
    if (lists) return is_read(request) ? list() : method_refused(request, "GET, HEAD");
    if (!is_post(request)) return method_refused(request, "POST");
    return registers ? add(request) : remove(request);
}

DiscoveryRegistry::Body DiscoveryRegistry::read_body(const io::HttpRequest& request) const {
    Body body;
    auto refuse = [&](std::uint16_t status, std::string_view message) -> Body {
        body.refusal = error_response(status, message);
        return std::move(body);
    };
    if (request.body.size() > limits::discovery_body_bytes) {
        return refuse(413, concat("the body has ", request.body.size(), " bytes; at most ",
                                  limits::discovery_body_bytes, " are allowed"));
    }
    if (!is_json(request.content_type)) {
        return refuse(415, "the content type is not application/json");
    }
    codec::ReadLimits limits;
    limits.elements = body_elements;
    Result<Message> read =
        codec::read_json(request.body, limits, codec::Duplicates::refuse);
    if (!read.ok()) {
        bool limit = read.error().status == REFLOW_ERROR_LIMIT;
        return refuse(limit ? 422 : 400, concat("the body is not JSON that can be read: ",
                                                read.error().describe()));
    }
    if (!read.value().is(REFLOW_KIND_OBJECT)) {
        return refuse(422, concat("expected an object, found ", kind_with_article(read.value())));
    }
    body.object = std::move(read).take();
    return body;
}

io::HttpResponse DiscoveryRegistry::add(const io::HttpRequest& request) {
    Body body = read_body(request);
    if (body.object.none()) return std::move(body.refusal);
    Result<DiscoveryEntry> entry = read_discovery_entry(body.object);
    if (!entry.ok()) return error_response(422, entry.error().message);
    if (Result<void> fine = check_endpoint(entry.value().endpoint); !fine.ok())
        return error_response(422, concat("endpoint: ", fine.error().message));
    Entry fresh{std::move(entry).take(), clock_.now_ns()};
    fresh.entry.last_seen_ms = clock_.wall_ms();
    String key = key_of(fresh.entry.network_id, fresh.entry.instance_id);
    std::size_t bytes = bytes_of(fresh.entry);
    auto place = entries_.find(key);
    bool renewed = place != entries_.end();
    std::size_t before = renewed ? bytes_of(place->second.entry) : 0;
    if (!renewed && !fits(1, bytes)) sweep();
    if (!fits(renewed ? 0 : 1, bytes > before ? bytes - before : 0)) {
        return error_response(503, concat("the table is full: it has ", entries_.size(),
                                          " entries of ", bytes_, " bytes"));
    }
    bytes_ = bytes_ - before + bytes;
    if (renewed) {
        place->second = std::move(fresh);
    } else {
        entries_.emplace(std::move(key), std::move(fresh));
    }
    return empty_response();
}

io::HttpResponse DiscoveryRegistry::remove(const io::HttpRequest& request) {
    Body body = read_body(request);
    if (body.object.none()) return std::move(body.refusal);
    MessageRef ids[2];
    constexpr std::string_view keys[2] = {"network_id", "instance_id"};
    for (std::size_t i = 0; i < 2; ++i) {
        ids[i] = body.object.get(keys[i]);
        if (ids[i].none()) return error_response(422, concat("missing key '", keys[i], "'"));
        if (!ids[i].is(REFLOW_KIND_STRING)) {
            return error_response(422, concat("'", keys[i], "' is not a string but ",
                                              kind_with_article(ids[i])));
        }
    }
    auto place = entries_.find(key_of(ids[0].text(), ids[1].text()));
    if (place == entries_.end() || !lives(place->second, clock_.now_ns())) {
        return error_response(404, concat("instance '", ids[1].text(), "' of network '",
                                          ids[0].text(), "' is not registered"));
    }
    bytes_ -= bytes_of(place->second.entry);
    entries_.erase(place);
    return empty_response();
}

io::HttpResponse DiscoveryRegistry::list() const {
    io::HttpResponse response;
    std::uint64_t now = clock_.now_ns();
    response.body.push_back('[');
    for (const auto& [key, entry] : entries_) {
        if (!lives(entry, now)) continue;
        if (response.body.size() > 1) response.body.push_back(',');
        write_discovery_entry(response.body, entry.entry);
    }
    response.body.push_back(']');
    return response;
}

io::HttpResponse DiscoveryRegistry::health() const {
    io::HttpResponse response;
    codec::JsonOut out(response.body, 0);
    out.begin_object();
    out.key("status");
    out.string("ok");
    out.key("entries");
    out.unsigned_integer(entries_.size());
    out.key("max_entries");
    out.unsigned_integer(options_.entries);
    out.key("uptime_seconds");
    out.real(static_cast<double>(clock_.now_ns() - started_ns_) / 1e9);
    out.end_object();
    out.finish();
    return response;
}

std::size_t DiscoveryRegistry::sweep() {
    swept_ns_ = clock_.now_ns();
    return std::erase_if(entries_, [&](const auto& item) {
        bool goes = !lives(item.second, swept_ns_);
        if (goes) bytes_ -= bytes_of(item.second.entry);
        return goes;
    });
}

String DiscoveryRegistry::key_of(std::string_view network, std::string_view instance) {
    return concat(network, '\0', instance);
}

std::size_t DiscoveryRegistry::bytes_of(const DiscoveryEntry& entry) noexcept {
    constexpr std::size_t entry_bytes = 128, text_bytes = 16;
    std::size_t bytes = entry_bytes + entry.network_id.size() + entry.instance_id.size() +
                        entry.endpoint.size();
    for (const String& capability : entry.capabilities) bytes += text_bytes + capability.size();
    return bytes;
}

bool DiscoveryRegistry::fits(std::size_t entries, std::size_t bytes) const noexcept {
    return entries_.size() + entries <= options_.entries && bytes_ + bytes <= options_.bytes;
}

bool DiscoveryRegistry::lives(const Entry& entry, std::uint64_t now_ns) const noexcept {
    return now_ns - entry.registered_ns <= options_.ttl_ms * ms;
}

}  // namespace reflow::peer
