// Parts of HTTP answers.
// Thread: any.
#include "peer/http.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "codec/json_out.hpp"
#include "io/secret.hpp"

namespace reflow::peer {
namespace {

// Names of HTTP have no case.
bool same_word(std::string_view text, std::string_view lower) noexcept {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::string_view plain_path(std::string_view path) noexcept {
    while (path.starts_with("//")) path.remove_prefix(1);
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

bool is_read(const io::HttpRequest& request) noexcept {
    return request.method == "GET" || request.method == "HEAD";
}

io::HttpResponse error_response(std::uint16_t status, std::string_view message) {
    io::HttpResponse response;
    response.status = status;
    String valid = repair_utf8(message);
    codec::JsonOut out(response.body, 0);
    out.begin_object();
    out.key("error");
    out.string(valid);
    out.end_object();
    out.finish();
    return response;
}

io::HttpResponse method_refused(const io::HttpRequest& request, std::string_view allowed) {
    io::HttpResponse response = error_response(
        405, concat(request.method, " is not allowed for '", request.path, "'; use ", allowed));
    response.allow = allowed;
    return response;
}

bool is_json(std::string_view content_type) noexcept {
    std::string_view type = trim(content_type.substr(0, content_type.find(';')));
    constexpr std::string_view application = "application/", suffix = "+json";
    if (same_word(type, "application/json")) return true;
    return type.size() > application.size() + suffix.size() &&
           same_word(type.substr(0, application.size()), application) &&
           same_word(type.substr(type.size() - suffix.size()), suffix);
}

bool is_bearer(std::string_view authorization, std::string_view token) noexcept {
    constexpr std::string_view scheme = "bearer ";
    return authorization.size() > scheme.size() &&
           same_word(authorization.substr(0, scheme.size()), scheme) &&
           io::same_secret(trim(authorization.substr(scheme.size())), token);
}

}  // namespace reflow::peer
