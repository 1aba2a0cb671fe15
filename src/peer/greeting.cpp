// Hello, welcome and proof as JSON; see greeting.hpp. Thread: any.
#include "peer/greeting.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"
#include "io/secret.hpp"
#include "peer/names.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t nonce_bytes = 32;

bool listed(const Vector<String>& capabilities, std::string_view capability) noexcept {
    return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
}

// An object that is written key by key.
class Writer {
public:
    void text(std::string_view key, std::string_view value) {
        name(key);
        codec::write_json_string(to_, value);
    }
    void text_or_null(std::string_view key, const std::optional<String>& value) {
        if (value) return text(key, *value);
        name(key);
        append(to_, "null");
    }
    void boolean(std::string_view key, bool value) {
        name(key);
        append(to_, value ? "true" : "false");
    }
    void number(std::string_view key, std::uint64_t value) {
        name(key);
        append(to_, value);
    }
    void texts(std::string_view key, const Vector<String>& values) {
        name(key);
        to_.push_back('[');
        for (const String& value : values) {
            if (&value != values.data()) to_.push_back(',');
            codec::write_json_string(to_, value);
        }
        to_.push_back(']');
    }
    [[nodiscard]] String finish() {
        append(to_, first_ ? "{}" : "}");
        return std::move(to_);
    }

private:
    void name(std::string_view key) {
        to_.push_back(first_ ? '{' : ',');
        first_ = false;
        codec::write_json_string(to_, key);
        to_.push_back(':');
    }
    String to_;
    bool first_ = true;
};

// The usual one is not told.
void write_window(Writer& to, const Window& window) {
    if (window.packets != Window().packets) to.number("window_packets", window.packets);
    if (window.bytes != Window().bytes) to.number("window_bytes", window.bytes);
}

Failure wrong(std::string_view what, std::string_view key, std::string_view wanted) {
    return Failure(REFLOW_ERROR_PROTOCOL, concat(what, ": '", key, "' is not ", wanted));
}

// What a peer has said first; it has not proved who it is, so it may say little.
Result<Message> read_object(std::string_view text, std::string_view what) {
    codec::ReadLimits limits;
    limits.bytes = limits::greeting_bytes;
    limits.depth = 4;
    limits.elements = 1000;
    Result<Message> read = codec::read_json(text, limits, codec::Duplicates::refuse);
    if (!read.ok()) {
        return Failure(REFLOW_ERROR_PROTOCOL, concat("the ", what, " is not JSON"))
            .because(read.take_error());
    }
    if (!read.value().is(REFLOW_KIND_OBJECT)) {
        return Failure(REFLOW_ERROR_PROTOCOL, concat("the ", what, " is not an object"));
    }
    return read;
}

Result<String> name_of(MessageRef object, std::string_view what, std::string_view key) {
    MessageRef value = object.get(key);
    if (!value.is(REFLOW_KIND_STRING)) return wrong(what, key, "a text");
    if (value.text().empty() || value.text().size() > limits::peer_name_bytes) {
        return wrong(what, key, concat("of 1 to ", limits::peer_name_bytes, " bytes"));
    }
    auto control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
    if (std::any_of(value.text().begin(), value.text().end(), control)) {
        return wrong(what, key, "without control characters");
    }
    return String(value.text());
}

Result<std::optional<String>> text_or_nothing(MessageRef object, std::string_view what,
                                              std::string_view key) {
    MessageRef value = object.get(key);
    if (value.none() || value.nothing()) return std::optional<String>();
    if (!value.is(REFLOW_KIND_STRING)) return wrong(what, key, "a text or null");
    return std::optional<String>(String(value.text()));
}

Result<Vector<String>> texts_of(MessageRef object, std::string_view what, std::string_view key) {
    Vector<String> all;
    MessageRef value = object.get(key);
    if (value.none()) return all;
    if (!value.is(REFLOW_KIND_ARRAY)) return wrong(what, key, "an array of texts");
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (!value.at(i).is(REFLOW_KIND_STRING)) return wrong(what, key, "an array of texts");
        all.emplace_back(value.at(i).text());
    }
    return all;
}

// Hexadecimal digits of a nonce or a proof, or nothing.
Result<String> digits_of(MessageRef object, std::string_view what, std::string_view key) {
    MessageRef value = object.get(key);
    if (value.none() || value.nothing()) return String();
    auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    std::string_view text = value.text();
    if (text.size() != 2 * nonce_bytes || !std::all_of(text.begin(), text.end(), digit)) {
        return wrong(what, key, "of 64 hexadecimal digits");
    }
    return String(text);
}

Result<std::uint64_t> number_of(MessageRef object, std::string_view what, std::string_view key,
                                std::uint64_t most, std::uint64_t otherwise) {
    MessageRef value = object.get(key);
    if (value.none()) return otherwise;
    if (!value.is(REFLOW_KIND_INTEGER) || value.integer() < 1 ||
        static_cast<std::uint64_t>(value.integer()) > most) {
        return wrong(what, key, concat("from 1 to ", most));
    }
    return static_cast<std::uint64_t>(value.integer());
}

// What hello and welcome have in common.
template <typename Greeting>
Result<void> read_common(MessageRef object, std::string_view what, Greeting& to) {
    Result<String> network = name_of(object, what, "network_id");
    if (!network.ok()) return network.take_error();
    if (!check_network_id(network.value(), "network_id").ok()) {
        return wrong(what, "network_id", concat("of at most ", limits::name_bytes, " bytes without '@'"));
    }
    Result<String> instance = name_of(object, what, "instance_id");
    if (!instance.ok()) return instance.take_error();
    Result<Vector<String>> capabilities = texts_of(object, what, "capabilities");
    if (!capabilities.ok()) return capabilities.take_error();
    Result<String> nonce = digits_of(object, what, "nonce");
    if (!nonce.ok()) return nonce.take_error();
    constexpr std::uint64_t day_ms = 24 * 3600 * 1000;
    Result<std::uint64_t> interval = number_of(object, what, "heartbeat_interval_ms", day_ms, 0);
    if (!interval.ok()) return interval.take_error();
    const Window window;
    Result<std::uint64_t> packets = number_of(object, what, "window_packets",
                                              limits::most_peer_window_packets, window.packets);
    if (!packets.ok()) return packets.take_error();
    Result<std::uint64_t> bytes = number_of(object, what, "window_bytes",
                                            limits::most_peer_window_bytes, window.bytes);
    if (!bytes.ok()) return bytes.take_error();
    to.from = {std::move(network).take(), std::move(instance).take()};
    to.capabilities = std::move(capabilities).take();
    to.nonce = std::move(nonce).take();
    to.heartbeat_ms = interval.value();
    to.window = {packets.value(), bytes.value()};
    return {};
}

void add_part(String& to, std::string_view part) {
    append(to, part.size());
    to.push_back(':');
    append(to, part);
}

}  // namespace

bool Hello::can(std::string_view capability) const noexcept {
    return listed(capabilities, capability);
}
bool Welcome::can(std::string_view capability) const noexcept {
    return listed(capabilities, capability);
}

String write_hello(const Hello& hello) {
    Writer to;
    to.text("network_id", hello.from.network_id);
    to.text("instance_id", hello.from.instance_id);
    to.text("protocol_version", hello.version);
    to.text_or_null("auth_token", hello.token);
    to.texts("capabilities", hello.capabilities);
    if (!hello.nonce.empty()) to.text("nonce", hello.nonce);
    if (hello.heartbeat_ms != 0) to.number("heartbeat_interval_ms", hello.heartbeat_ms);
    write_window(to, hello.window);
    return to.finish();
}

String write_welcome(const Welcome& welcome) {
    Writer to;
    to.boolean("success", welcome.success);
    to.text("network_id", welcome.from.network_id);
    to.text("instance_id", welcome.from.instance_id);
    to.text_or_null("error", welcome.error);
    if (!welcome.nonce.empty()) {
        to.texts("capabilities", welcome.capabilities);
        to.text("nonce", welcome.nonce);
        if (!welcome.proof.empty()) to.text("proof", welcome.proof);
        to.boolean("wants_proof", welcome.wants_proof);
        if (welcome.heartbeat_ms != 0) to.number("heartbeat_interval_ms", welcome.heartbeat_ms);
        write_window(to, welcome.window);
    }
    return to.finish();
}

String write_proof(std::string_view proof) {
    Writer to;
    to.text("proof", proof);
    return to.finish();
}

String write_verdict(std::optional<std::string_view> error) {
    Writer to;
    to.boolean("success", !error);
    to.text_or_null("error", error ? std::optional<String>(String(*error)) : std::nullopt);
    return to.finish();
}

Result<Hello> read_hello(std::string_view text) {
    Result<Message> read = read_object(text, "hello");
    if (!read.ok()) return read.take_error();
    MessageRef object = read.value();
    Hello hello;
    if (Result<void> done = read_common(object, "hello", hello); !done.ok()) {
        return done.take_error();
    }
    Result<String> version = name_of(object, "hello", "protocol_version");
    if (!version.ok()) return version.take_error();
    if (object.get("capabilities").none()) return wrong("hello", "capabilities", "there");
    Result<std::optional<String>> token = text_or_nothing(object, "hello", "auth_token");
    if (!token.ok()) return token.take_error();
    hello.version = std::move(version).take();
    hello.token = std::move(token).take();
    return hello;
}

Result<Welcome> read_welcome(std::string_view text) {
    Result<Message> read = read_object(text, "answer to the hello");
    if (!read.ok()) return read.take_error();
    MessageRef object = read.value();
    if (!object.get("success").is(REFLOW_KIND_BOOLEAN)) {
        return wrong("welcome", "success", "true or false");
    }
    Welcome welcome;
    if (Result<void> done = read_common(object, "welcome", welcome); !done.ok()) {
        return done.take_error();
    }
    Result<std::optional<String>> error = text_or_nothing(object, "welcome", "error");
    if (!error.ok()) return error.take_error();
    Result<String> proof = digits_of(object, "welcome", "proof");
    if (!proof.ok()) return proof.take_error();
    welcome.success = object.get("success").boolean();
    welcome.error = std::move(error).take();
    welcome.proof = std::move(proof).take();
    welcome.wants_proof = object.get("wants_proof").boolean();
    return welcome;
}

Result<String> read_proof(std::string_view text) {
    Result<Message> read = read_object(text, "proof");
    if (!read.ok()) return read.take_error();
    Result<String> proof = digits_of(read.value(), "proof", "proof");
    if (proof.ok() && proof.value().empty()) return wrong("proof", "proof", "there");
    return proof;
}

Result<std::optional<String>> read_verdict(std::string_view text) {
    Result<Message> read = read_object(text, "verdict");
    if (!read.ok()) return read.take_error();
    MessageRef success = read.value().get("success");
    if (!success.is(REFLOW_KIND_BOOLEAN)) return wrong("verdict", "success", "true or false");
    if (success.boolean()) return std::optional<String>();
    std::string_view reason = read.value().get("error").text();
    return std::optional<String>(String(reason.empty() ? "(no reason)" : reason));
}

Result<String> make_nonce() {
    unsigned char data[nonce_bytes];
    if (Result<void> filled = io::fill_random(data); !filled.ok()) return filled.take_error();
    return io::to_hex(data);
}

Result<String> make_uuid() {
    unsigned char data[16];
    if (Result<void> filled = io::fill_random(data); !filled.ok()) return filled.take_error();
    data[6] = static_cast<unsigned char>((data[6] & 0x0f) | 0x40);
    data[8] = static_cast<unsigned char>((data[8] & 0x3f) | 0x80);
    String text = io::to_hex(data);
    for (std::size_t at : {8u, 13u, 18u, 23u}) text.insert(at, 1, '-');
    return text;
}

Result<String> make_proof(std::string_view token, Role role, const Hello& hello,
                          const Welcome& welcome) {
    String text;
    add_part(text, "reflow peer proof 1");
    add_part(text, role == Role::dialler ? "dialler" : "acceptor");
    for (const auto* from : {&hello.from, &welcome.from}) {
        add_part(text, from->network_id);
        add_part(text, from->instance_id);
    }
    add_part(text, hello.nonce);
    add_part(text, welcome.nonce);
    return io::hmac_sha256(token, text);
}

}  // namespace reflow::peer
