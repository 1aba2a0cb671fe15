// One instance of a network as discovery tells of it.
// Thread: any.
#include "peer/discovery_entry.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/json_out.hpp"
#include "message/kind_words.hpp"
#include "peer/names.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

Failure wrong(reflow_status status, std::string_view message) { return Failure(status, message); }

Result<String> read_text(MessageRef object, std::string_view key) {
    MessageRef found = object.get(key);
    if (found.none()) return wrong(REFLOW_ERROR_TYPE, concat("missing key '", key, "'"));
    if (!found.is(REFLOW_KIND_STRING)) {
        return wrong(REFLOW_ERROR_TYPE,
                     concat("'", key, "' is not a string but ", kind_with_article(found)));
    }
    return String(found.text());
}

Result<Vector<String>> read_capabilities(MessageRef object) {
    constexpr std::string_view key = "capabilities";
    MessageRef found = object.get(key);
    if (found.none()) return wrong(REFLOW_ERROR_TYPE, concat("missing key '", key, "'"));
    auto not_strings = [&] {
        return wrong(REFLOW_ERROR_TYPE, concat("'", key, "' is not an array of strings"));
    };
    if (!found.is(REFLOW_KIND_ARRAY)) return not_strings();
    if (found.size() > limits::capabilities_count) {
        return wrong(REFLOW_ERROR_LIMIT, concat("'", key, "' has ", found.size(),
                                                " elements; at most ", limits::capabilities_count,
                                                " are allowed"));
    }
    Vector<String> all;
    all.reserve(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        MessageRef element = found.at(i);
        if (!element.is(REFLOW_KIND_STRING)) return not_strings();
        if (Result<void> good = check_id(element.text(), "a capability"); !good.ok()) {
            return wrong(REFLOW_ERROR_TYPE, good.error().message);
        }
        all.emplace_back(element.text());
    }
    return all;
}

// An id that is there and can be one; what it is told as a wrong value of the document.
Result<String> read_id(MessageRef object, std::string_view key, bool network) {
    Result<String> text = read_text(object, key);
    if (!text.ok()) return text;
    Result<void> good = network ? check_network_id(text.value(), key) : check_id(text.value(), key);
    if (good.ok()) return text;
    return wrong(REFLOW_ERROR_TYPE, good.error().message);
}

}  // namespace

Result<DiscoveryEntry> read_discovery_entry(MessageRef object) {
    if (!object.is(REFLOW_KIND_OBJECT)) return wrong(REFLOW_ERROR_TYPE, "expected an object");
    DiscoveryEntry entry;
    Result<String> network = read_id(object, "network_id", true);
    if (!network.ok()) return network.take_error();
    Result<String> instance = read_id(object, "instance_id", false);
    if (!instance.ok()) return instance.take_error();
    Result<String> endpoint = read_text(object, "endpoint");
    if (!endpoint.ok()) return endpoint.take_error();
    if (endpoint.value().empty()) return wrong(REFLOW_ERROR_TYPE, "endpoint is empty");
    if (endpoint.value().size() > limits::discovery_endpoint_bytes) {
        return wrong(REFLOW_ERROR_LIMIT,
                     concat("endpoint has ", endpoint.value().size(), " bytes; at most ",
                            limits::discovery_endpoint_bytes, " are allowed"));
    }
    if (std::any_of(endpoint.value().begin(), endpoint.value().end(),
                    [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) {
        return wrong(REFLOW_ERROR_TYPE, "endpoint holds a space or a control character");
    }
    Result<Vector<String>> capabilities = read_capabilities(object);
    if (!capabilities.ok()) return capabilities.take_error();
    entry.network_id = std::move(network).take();
    entry.instance_id = std::move(instance).take();
    entry.endpoint = std::move(endpoint).take();
    entry.capabilities = std::move(capabilities).take();
    entry.last_seen_ms = read_time(object.get("last_seen").text());
    return entry;
}

void write_discovery_entry(String& to, const DiscoveryEntry& entry) {
    codec::JsonOut out(to, 0);
    out.begin_object();
    out.key("network_id");
    out.string(entry.network_id);
    out.key("instance_id");
    out.string(entry.instance_id);
    out.key("endpoint");
    out.string(entry.endpoint);
    out.key("capabilities");
    out.begin_array();
    for (const String& capability : entry.capabilities) out.string(capability);
    out.end_array();
    if (entry.last_seen_ms) {
        out.key("last_seen");
        out.string(write_time(*entry.last_seen_ms, true));
    }
    out.end_object();
    out.finish();
}

void write_discovery_key(String& to, std::string_view network_id, std::string_view instance_id) {
    codec::JsonOut out(to, 0);
    out.begin_object();
    out.key("network_id");
    out.string(network_id);
    out.key("instance_id");
    out.string(instance_id);
    out.end_object();
    out.finish();
}

}  // namespace reflow::peer
