// The definitions of StreamRead, StreamCollect and StreamWrite: ports and configuration.
// Neighbours: stream_read, stream_write. Thread: any.
#include "components/families.hpp"
#include "components/line_sink.hpp"
#include "components/stream_read.hpp"
#include "components/stream_write.hpp"

namespace reflow::components {
namespace {

Result<runtime::ComponentRef> stream_read() {
    return define<StreamRead>({
        .id = "StreamRead",
        .title = "Read a file as a stream",
        .description = "Opens files and emits, for each of them, the handle of a stream of its "
                       "bytes. No more of a file is in memory than the reader of the stream has "
                       "room for.",
        .category = "stream",
        .inports = {{.name = "path",
                     .type = "string",
                     .description =
                         "files to read, one after the other, instead of the configured one",
                     .capacity = 16}},
        .outports = {{.name = "out",
                      .type = "stream",
                      .description = "the stream of a file; its metadata has {path}"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false,
        "examples": [{"path": "rows.csv", "content_type": "text/csv"}], "properties": {
        "path": {"type": "string", "description": "file to read once at the start, unless the inport 'path' is connected; '-' is standard input"},
        "base_dir": {"type": "string", "x-graph-directory": true, "description": "where a relative path is looked for if it is not found from the working directory; by default the folder of the graph file"},
        "content_type": {"type": "string", "default": "", "description": "what is told to the reader, such as text/csv"},
        "chunk_bytes": {"type": "integer", "default": 65536, "minimum": 1, "maximum": 1073741824, "description": "bytes of a frame"}}})",
        .source = true,
    });
}

Result<runtime::ComponentRef> stream_collect() {
    return define<StreamCollect>({
        .id = "StreamCollect",
        .title = "Gather a stream",
        .description = "Reads each stream to its end and emits all its bytes as one message. A "
                       "stream that breaks off, or is too long, fails.",
        .category = "stream",
        .inports = {{.name = "in",
                     .type = "stream",
                     .description = "streams to read, one after the other",
                     .required = true}},
        .outports = {{.name = "out", .description = "the bytes of a stream, or its text"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false,
        "examples": [{"text": true}], "properties": {
        "max_bytes": {"type": "integer", "default": 67108864, "minimum": 1, "description": "longer streams fail"},
        "text": {"type": "boolean", "default": false, "description": "emit a string; bytes that are not UTF-8 are an error"}}})",
        .stateless = true,  // what it reads is an open stream
    });
}

Result<runtime::ComponentRef> stream_write() {
    return define<StreamWrite>({
        .id = "StreamWrite",
        .title = "Write streams into a file",
        .description = "Writes the bytes of each stream into the file, one stream behind the "
                       "other. A stream that breaks off fails, and what came of it stays in the "
                       "file.",
        .category = "stream",
        .inports = {{.name = "in",
                     .type = "stream",
                     .description = "streams to write, one after the other",
                     .required = true}},
        .outports = {{.name = "done",
                      .type = "object",
                      .description = "a stream is written: {path, bytes, content_type}"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false, "required": ["path"],
        "examples": [{"path": "copy.bin"}], "properties": {
        "path": {"type": "string", "description": "file to write, emptied at the start"},
        "append": {"type": "boolean", "default": false, "description": "add to the file instead of emptying it"},)" REFLOW_FOLDER_SCHEMA
            "}}",
    });
}

}  // namespace

Result<void> stream_family(Components& all) {
    for (auto make : {stream_read, stream_collect, stream_write}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
