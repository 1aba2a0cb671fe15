// Endpoints, `--send` and log lines.
// Thread: any.
#include "peer/endpoints.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/text.hpp"
#include "codec/place.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t host_bytes = 255;  // of a name, as the DNS has it

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

String lower(std::string_view text) {
    String out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
    return out;
}

bool letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// For an error: never long, and UTF-8 whatever it is.
String shown(std::string_view text) { return codec::show_text(repair_utf8(text)); }

Failure wrong(std::string_view text, std::string_view what) {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                   concat("'", shown(text), "' is no endpoint: ", what));
}

bool good_host(std::string_view host) noexcept {
    return !host.empty() && host.size() <= host_bytes &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return letter_or_digit(c) || c == '.' || c == '-' || c == '_';
           });
}

bool good_ipv4(std::string_view text) noexcept {
    int parts = 0;
    for (bool last = false; !last; ++parts) {
        std::size_t dot = text.find('.');
        last = dot == std::string_view::npos;
        std::string_view part = text.substr(0, dot);
        unsigned value = 256;
        auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (error != std::errc() || end != part.data() + part.size() || value > 255) return false;
        if (!last) text.remove_prefix(dot + 1);
    }
    return parts == 4;
}

// Groups of up to four hexadecimal digits with colons between: how many these are, an IPv4 number
// at the end counting for two; -1 if it is something else.
int count_groups(std::string_view text) noexcept {
    if (text.empty()) return 0;
    int groups = 0;
    while (true) {
        std::size_t colon = text.find(':');
        std::string_view group = text.substr(0, colon);
        if (colon == std::string_view::npos && good_ipv4(group)) return groups + 2;
        bool hex = !group.empty() && group.size() <= 4 &&
                   group.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
        if (!hex) return -1;
        ++groups;
        if (colon == std::string_view::npos) return groups;
        text.remove_prefix(colon + 1);
    }
}

bool good_ipv6(std::string_view host) noexcept {
    if (host.size() > host_bytes) return false;
    std::size_t zone = host.find('%');  // fe80::1%eth0
    if (zone != std::string_view::npos && !good_host(host.substr(zone + 1))) return false;
    std::string_view number = host.substr(0, zone);
    std::size_t gap = number.find("::");
    if (gap == std::string_view::npos) return count_groups(number) == 8;
    std::string_view before = number.substr(0, gap), behind = number.substr(gap + 2);
    int first = count_groups(before), second = count_groups(behind);
    // An IPv4 number stands at the very end.
    return first >= 0 && second >= 0 && first + second <= 7 &&
           before.find('.') == std::string_view::npos;
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view digits) {
    unsigned port = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65'535) {
        return wrong(text, concat("expected a port from 1 to 65535, found '",
                                  shown(digits), "'"));
    }
    return static_cast<std::uint16_t>(port);
}

// host, host:port, [host]:port.
Result<void> parse_authority(std::string_view text, std::string_view authority, Url& url) {
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return wrong(text, "a ']' is missing");
        std::string_view rest = authority.substr(end + 1);
        url.host = authority.substr(1, end - 1);
        if (!good_ipv6(url.host)) return wrong(text, "no IPv6 address stands in the brackets");
        has_port = !rest.empty();
        if (has_port && rest.front() != ':') return wrong(text, "expected ':' behind ']'");
        if (has_port) port = rest.substr(1);
    } else {
        std::size_t colon = authority.find(':');
        url.host = authority.substr(0, colon);
        if (authority.find('@') != std::string_view::npos) {
            return wrong(text, "it cannot carry a user");
        }
        if (colon != authority.rfind(':')) {
            return wrong(text, "an IPv6 address stands in brackets, such as [::1]:9100");
        }
        if (!good_host(url.host)) {
            return wrong(text, url.host.empty() ? "the host is missing" : "the host is no name");
        }
        has_port = colon != std::string_view::npos;
        if (has_port) port = authority.substr(colon + 1);
    }
    if (!has_port) return {};
    Result<std::uint16_t> number = parse_port(text, port);
    if (!number.ok()) return number.take_error();
    url.port = number.value();
    return {};
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    Url url;
    std::string_view rest = text;
    if (std::size_t end = rest.find("://"); end != std::string_view::npos) {
        url.scheme = lower(rest.substr(0, end));
        if (url.scheme.empty() || !std::all_of(url.scheme.begin(), url.scheme.end(),
                                               [](char c) { return letter_or_digit(c); })) {
            return wrong(text, "no scheme stands before '://'");
        }
        rest.remove_prefix(end + 3);
    }
    std::size_t slash = rest.find_first_of("/?#");
    if (slash != std::string_view::npos) {
        if (rest[slash] != '/') return wrong(text, "only a path may stand behind the port");
        url.path = rest.substr(slash);
        bool plain = std::all_of(url.path.begin(), url.path.end(), [](char c) {
            return c > ' ' && c < 0x7f && c != '?' && c != '#';
        });
        if (!plain) return wrong(text, "its path is none");
    }
    Result<void> parsed = parse_authority(text, rest.substr(0, slash), url);
    if (!parsed.ok()) return parsed.take_error();
    return url;
}

Result<Url> parse_peer_endpoint(std::string_view text) {
    Result<Url> url = parse_url(text);
    if (!url.ok()) return url;
    const Url& found = url.value();
    if (!is_peer_scheme(found.scheme)) {
        return wrong(text, "its scheme is not ws, wss, tcp or tls");
    }
    if (found.port == 0) return wrong(text, "the port is missing, as in host:9100");
    return url;
}

Result<Url> parse_discovery_endpoint(std::string_view text) {
    Result<Url> url = parse_url(text);
    if (!url.ok()) return url;
    if (!one_of(url.value().scheme, {"http", "https"})) {
        return wrong(text, "it does not begin with http:// or https://");
    }
    return url;
}

Result<void> check_host(std::string_view host) {
    if (good_host(host) || good_ipv6(host)) return {};
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                   concat("'", shown(host), "' is neither the name of a host nor an address"));
}

bool is_peer_scheme(std::string_view scheme) noexcept {
    return scheme.empty() || one_of(scheme, {"ws", "wss", "tcp", "tls"});
}

String host_and_port(std::string_view host, std::uint16_t port) {
    bool brackets = host.find(':') != std::string_view::npos;
    return brackets ? concat("[", host, "]:", port) : concat(host, ":", port);
}

}  // namespace reflow::peer
