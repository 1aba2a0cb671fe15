// What the HTTP answers of peers and of the discovery server share.
// Neighbours: status, discovery_registry. Thread: any.
#pragma once

#include <string_view>

#include "io/wire.hpp"

namespace reflow::peer {

// The path without doubled slashes in front, as a base that ends with one makes them, and without
// one at the end.
[[nodiscard]] std::string_view plain_path(std::string_view path) noexcept;

[[nodiscard]] bool is_read(const io::HttpRequest& request) noexcept;  // GET or HEAD

// {"error":"..."}.
[[nodiscard]] io::HttpResponse error_response(std::uint16_t status, std::string_view message);
[[nodiscard]] io::HttpResponse method_refused(const io::HttpRequest& request,
                                              std::string_view allowed);

// application/json and what ends with +json, whatever parameters follow.
[[nodiscard]] bool is_json(std::string_view content_type) noexcept;

// Whether "Bearer <token>" carries this token.
[[nodiscard]] bool is_bearer(std::string_view authorization, std::string_view token) noexcept;

}  // namespace reflow::peer
