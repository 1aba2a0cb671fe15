// See address.hpp. Thread: any.
#include "io/address.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/text.hpp"
#include "codec/place.hpp"
#include "io/wire.hpp"

namespace reflow::io {
namespace {

constexpr std::size_t host_bytes = 253;  // of a name, as the DNS has it
constexpr std::size_t path_bytes = 4096;
constexpr std::string_view schemes[] = {"ws", "wss", "tcp", "tls"};  // in the order of WireScheme
constexpr std::uint16_t usual_ports[] = {80, 443, 0, 0};             // 0: there is none

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

Result<std::uint16_t> parse_port(std::string_view text, std::size_t place, std::string_view digits) {
    unsigned port = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65'535) {
        return no_endpoint(text, place, concat("expected a port from 1 to 65535, found '",
                                               shown(digits), "'"));
    }
    return static_cast<std::uint16_t>(port);
}

// host, host:port, [host]:port: what stands in the text from a byte on.
Result<void> parse_authority(std::string_view text, std::size_t place, std::string_view authority,
                             Url& url) {
    std::size_t port = std::string_view::npos;  // in the authority
    if (authority.starts_with('[')) {
        std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return no_endpoint(text, place, "a ']' is missing");
        url.host = authority.substr(1, end - 1);
        if (!good_ipv6(url.host)) {
            return no_endpoint(text, place + 1, "no IPv6 address stands in the brackets");
        }
        if (end + 1 < authority.size()) {
            if (authority[end + 1] != ':') {
                return no_endpoint(text, place + end + 1, "expected ':' behind ']'");
            }
            port = end + 2;
        }
    } else {
        const std::size_t colon = authority.find(':'), user = authority.find('@');
        url.host = authority.substr(0, colon);
        if (user != std::string_view::npos) {
            return no_endpoint(text, place + user, "it cannot carry a user");
        }
        if (colon != authority.rfind(':')) {
            return no_endpoint(text, place,
                               "an IPv6 address stands in brackets, such as [::1]:9100");
        }
        if (!good_host(url.host)) {
            return no_endpoint(text, place,
                               url.host.empty() ? "the host is missing" : "the host is no name");
        }
        if (colon != std::string_view::npos) port = colon + 1;
    }
    if (port == std::string_view::npos) return {};
    Result<std::uint16_t> number = parse_port(text, place + port, authority.substr(port));
    if (!number.ok()) return number.take_error();
    url.port = number.value();
    return {};
}

// What stands behind the authority, from a byte on.
Result<void> parse_path(std::string_view text, std::size_t place, bool queries, Url& url) {
    std::string_view path = text.substr(place);
    if (path.empty()) return {};
    if (path.front() == '#' || (path.front() == '?' && !queries)) {
        return no_endpoint(text, place, "only a path may stand behind the port");
    }
    if (path.size() > path_bytes) {
        return no_endpoint(text, place, concat("its path has more than ", path_bytes, " bytes"));
    }
    auto odd = std::find_if(path.begin(), path.end(), [&](char c) {
        return c <= ' ' || c >= 0x7f || c == '#' || (c == '?' && !queries);
    });
    if (odd != path.end()) {
        return no_endpoint(text, place + static_cast<std::size_t>(odd - path.begin()),
                           "its path is none");
    }
    url.path = concat(path.front() == '?' ? "/" : "", path);
    return {};
}

}  // namespace

Failure no_endpoint(std::string_view text, std::size_t place, std::string_view what) {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                   concat("'", shown(text), "' is no endpoint: ", what))
        .at(1, static_cast<std::uint32_t>(place + 1), place);
}

Result<Url> parse_url(std::string_view text, bool queries) {
    Url url;
    std::size_t place = 0;
    if (std::size_t end = text.find("://"); end != std::string_view::npos) {
        url.scheme = lower(text.substr(0, end));
        if (url.scheme.empty() || !std::all_of(url.scheme.begin(), url.scheme.end(),
                                               [](char c) { return letter_or_digit(c); })) {
            return no_endpoint(text, 0, "no scheme stands before '://'");
        }
        place = end + 3;
    }
    const std::size_t end = std::min(text.find_first_of("/?#", place), text.size());
    Result<void> read = parse_path(text, end, queries, url);
    if (read.ok()) read = parse_authority(text, place, text.substr(place, end - place), url);
    if (!read.ok()) return read.take_error();
    return url;
}

Result<void> check_host(std::string_view host) {
    if (good_host(host) || good_ipv6(host)) return {};
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                   concat("'", shown(host), "' is neither the name of a host nor an address"));
}

std::string_view without_zone(std::string_view host) noexcept {
    return host.substr(0, host.find('%'));
}

String host_and_port(std::string_view host, std::uint16_t port) {
    bool brackets = host.find(':') != std::string_view::npos;
    return brackets ? concat("[", host, "]:", port) : concat(host, ":", port);
}

// ---- of wires

Result<WireAddress> WireAddress::parse(std::string_view text) {
    Result<Url> read = parse_url(text, true);
    if (!read.ok()) return read.take_error();
    Url& url = read.value();
    WireAddress result;
    result.any_form = url.scheme.empty();
    auto scheme = std::begin(schemes);
    if (!result.any_form) scheme = std::find(std::begin(schemes), std::end(schemes), url.scheme);
    if (scheme == std::end(schemes)) {
        return no_endpoint(text, 0, "its scheme is not ws, wss, tcp or tls");
    }
    const auto at = static_cast<std::size_t>(scheme - std::begin(schemes));
    result.scheme = static_cast<WireScheme>(at);
    result.host = std::move(url.host);
    result.port = url.port != 0 ? url.port : usual_ports[at];
    if (result.port == 0) {
        return no_endpoint(text, text.size(), "the port is missing, as in host:9100");
    }
    const bool web = usual_ports[at] != 0;
    if (web) {
        result.path = url.path.empty() ? String("/") : std::move(url.path);
    } else if (!url.path.empty() && url.path != "/") {
        return no_endpoint(text, text.size() - url.path.size(), "tcp and tls have no path");
    }
    return result;
}

String WireAddress::text() const {
    return concat(schemes[static_cast<std::size_t>(scheme)], "://", host_and_port(host, port),
                  path == "/" ? std::string_view{} : std::string_view(path));
}

}  // namespace reflow::io
