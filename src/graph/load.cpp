// Graph documents in: the format, the text, the places of errors.
// Neighbours: loader.cpp (from message to graph). Thread: any.
#include "graph/load.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "codec/yaml.hpp"
#include "graph/escape.hpp"
#include "graph/loader.hpp"
#include "graph/locate.hpp"

namespace reflow::graph {
namespace {

// Beyond this size an error in the shape of a YAML document names the path only: the table of
// places would need many times the memory of the text.
constexpr std::size_t yaml_places_bytes = 4 << 20;

bool ends_with(std::string_view name, std::string_view ending) {
    if (name.size() < ending.size()) return false;
    name.remove_prefix(name.size() - ending.size());
    return std::equal(name.begin(), name.end(), ending.begin(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

// "dir/weather.graph.json" -> "weather".
std::string_view stem(std::string_view name) {
    name = name.substr(std::min(name.find_last_of('/') + 1, name.size()));
    for (std::string_view ending : {".json", ".yaml", ".yml", ".msgpack"}) {
        if (ends_with(name, ending)) {
            name.remove_suffix(ending.size());
            break;
        }
    }
    if (ends_with(name, ".graph")) name.remove_suffix(6);
    return name.empty() ? "unnamed" : name;
}

Result<Message> read(std::string_view document, reflow_format format,
                     const codec::ReadLimits& limits) {
    if (format == REFLOW_FORMAT_MSGPACK) {
        return codec::read_msgpack(document, limits, codec::Duplicates::refuse);
    }
    auto value = format == REFLOW_FORMAT_YAML
                     ? codec::read_yaml(document, limits)
                     : codec::read_json(document, limits, codec::Duplicates::refuse);
    // The key of an escape may itself be written with escapes of JSON or YAML, hence the backslash.
    if (!value.ok() || document.find_first_of("$\\") == std::string_view::npos) return value;
    return unescaped(value.value());
}

// Adds line and column to an error that has a path.
void add_place(Error& error, std::string_view document, reflow_format format,
               const codec::ReadLimits& limits) {
    if (error.line != 0 || error.path.empty()) return;
    codec::TextPlace place;
    if (format == REFLOW_FORMAT_JSON) {
        place = locate_json(document, error.path);
    } else if (format == REFLOW_FORMAT_YAML && document.size() <= yaml_places_bytes) {
        codec::Places places;
        auto again = codec::read_yaml(document, limits, &places);
        if (again.ok()) place = locate(places, error.path).value_or(place);
    }
    if (place.line == 0) return;
    error.line = place.line;
    error.column = place.column;
    error.has_offset = true;
    error.offset = place.offset;
}

}  // namespace

reflow_format detect_format(std::string_view name, std::string_view document) {
    if (ends_with(name, ".json")) return REFLOW_FORMAT_JSON;
    if (ends_with(name, ".yaml") || ends_with(name, ".yml")) return REFLOW_FORMAT_YAML;
    if (ends_with(name, ".msgpack")) return REFLOW_FORMAT_MSGPACK;
    if (document.empty()) return REFLOW_FORMAT_JSON;
    // A document is a map: in MessagePack 0x80 to 0x8F, 0xDE or 0xDF, none of which begins text.
    auto first = static_cast<unsigned char>(document[0]);
    if ((first & 0xF0) == 0x80 || first == 0xDE || first == 0xDF) return REFLOW_FORMAT_MSGPACK;
    std::size_t at = document.find_first_not_of(" \t\r\n");
    if (at == std::string_view::npos || document[at] == '{' || document[at] == '[' ||
        first == 0xEF) {
        return REFLOW_FORMAT_JSON;  // also a byte-order mark, which its reader names
    }
    return REFLOW_FORMAT_YAML;
}

Result<Graph> from_message(MessageRef document, std::string_view name) {
    return Loader(stem(name)).run(document);
}

Result<Graph> load(std::string_view document, reflow_format format, std::string_view name,
                   const codec::ReadLimits& limits) {
    if (format == REFLOW_FORMAT_AUTO) format = detect_format(name, document);
    if (format < REFLOW_FORMAT_AUTO || format > REFLOW_FORMAT_MSGPACK) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("no format number ", format));
    }
    auto fail = [&](std::unique_ptr<Error> error) {
        add_place(*error, document, format, limits);
        error->file = name;
        return Result<Graph>(std::move(error));
    };
    auto value = read(document, format, limits);
    if (!value.ok()) return fail(value.take_error());
    auto graph = from_message(value.value(), name);
    if (!graph.ok()) return fail(graph.take_error());
    return graph;
}

}  // namespace reflow::graph
