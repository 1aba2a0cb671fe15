// Graph documents: in from JSON, YAML, MessagePack or a message, and back. docs/graphs.md is the
// format. Neighbours: codec below; capi and network above. Thread: any.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "codec/json.hpp"
#include "graph/graph.hpp"
#include "message/message.hpp"

namespace reflow::graph {

// The format that a name tells (".json", ".yaml", ".yml", ".msgpack"), else the content.
// Never REFLOW_FORMAT_AUTO.
[[nodiscard]] reflow_format detect_format(std::string_view name, std::string_view document);

// Reads a document. `name` is the name of its file for errors, for the format if that is
// REFLOW_FORMAT_AUTO, and for the name of a graph that has none; it may be empty. What can be
// represented is loaded, mistakes included: validate() finds them all at once.
// REFLOW_ERROR_PARSE, REFLOW_ERROR_GRAPH for a wrong shape, with file, line, column and path;
// REFLOW_ERROR_LIMIT.
[[nodiscard]] Result<Graph> load(std::string_view document, reflow_format format,
                                 std::string_view name, const codec::ReadLimits& limits = {});

// The places of values by their paths, or of the nearest values around them: an array of objects
// {line, column, offset}, null where nothing is known. REFLOW_ERROR_PARSE if the document does not
// read.
[[nodiscard]] Result<Message> find_places(std::string_view document, reflow_format format,
                                          std::string_view name,
                                          std::span<const std::string_view> paths);

// The same as load() from a document that is a message already. `name` as above.
[[nodiscard]] Result<Graph> from_message(MessageRef document, std::string_view name = {});

// The document as a message: an object. REFLOW_ERROR_LIMIT if it would be too deep.
[[nodiscard]] Result<Message> to_message(const Graph& graph);

// The document as text (JSON is indented) or MessagePack. REFLOW_FORMAT_AUTO is JSON. Values that
// JSON has no word for are written as {"$msgpack": "<base64>"} in JSON and YAML.
[[nodiscard]] Result<String> save(const Graph& graph, reflow_format format);

}  // namespace reflow::graph
