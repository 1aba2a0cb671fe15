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

// Beyond this size an error in the shape of a YAML document names the path only, and many places in
// JSON are looked for one by one: the table of places needs many times the memory of the text.
constexpr std::size_t places_bytes = 4 << 20;

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

Result<reflow_format> format_of(std::string_view document, reflow_format format,
                                std::string_view name) {
    if (format == REFLOW_FORMAT_AUTO) return detect_format(name, document);
    if (format < REFLOW_FORMAT_AUTO || format > REFLOW_FORMAT_MSGPACK) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("no format number ", format));
    }
    return format;
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

// A document is read once more if there is no faster way to the places.
Result<void> find_places(std::string_view document, reflow_format format,
                         const codec::ReadLimits& limits, std::span<const std::string_view> paths,
                         codec::TextPlace* found) {
    constexpr std::size_t few = 4;  // so many walks over a text cost less than a table of it
    bool json = format == REFLOW_FORMAT_JSON;
    if (json && (paths.size() <= few || document.size() > places_bytes)) {
        for (std::string_view path : paths) *found++ = locate_json(document, path);
        return {};
    }
    if (format == REFLOW_FORMAT_MSGPACK || document.size() > places_bytes) return {};
    codec::Places places;
    auto read = json ? codec::read_json(document, limits, codec::Duplicates::last_wins, &places)
                     : codec::read_yaml(document, limits, &places);
    if (!read.ok()) return read.take_error();
    for (std::string_view path : paths) *found++ = locate(places, path).value_or(codec::TextPlace());
    return {};
}

// Adds line and column to an error that has a path.
void add_place(Error& error, std::string_view document, reflow_format format,
               const codec::ReadLimits& limits) {
    if (error.line != 0 || error.path.empty()) return;
    codec::TextPlace place;
    std::string_view path = error.path;
    if (!find_places(document, format, limits, {&path, 1}, &place).ok() || place.line == 0) return;
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

Result<Message> find_places(std::string_view document, reflow_format given, std::string_view name,
                            std::span<const std::string_view> paths) {
    Result<reflow_format> format = format_of(document, given, name);
    if (!format.ok()) return format.take_error();
    auto value = read(document, format.value(), {});
    if (!value.ok()) return value.take_error();
    Vector<codec::TextPlace> places(paths.size());
    Result<void> found = find_places(document, format.value(), {}, paths, places.data());
    if (!found.ok()) return found.take_error();
    ArrayBuilder list(places.size());
    for (const codec::TextPlace& place : places) {
        if (place.line == 0) {
            list.append(Message::null());
            continue;
        }
        ObjectBuilder each(3);
        each.set("line", Message::integer(place.line));
        each.set("column", Message::integer(place.column));
        each.set("offset", Message::integer(static_cast<std::int64_t>(place.offset)));
        auto made = each.finish();
        if (!made.ok()) return made;
        list.append(std::move(made).take());
    }
    return list.finish();
}

Result<Graph> load(std::string_view document, reflow_format given, std::string_view name,
                   const codec::ReadLimits& limits) {
    Result<reflow_format> known = format_of(document, given, name);
    if (!known.ok()) return known.take_error();
    const reflow_format format = known.value();
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
