// The definitions of CsvRead and CsvWrite: ports and configuration.
// Thread: any.
#include "components/csv_read.hpp"
#include "components/csv_write.hpp"
#include "components/families.hpp"

namespace reflow::components {
namespace {

Result<runtime::ComponentRef> csv_read() {
    return define<CsvRead>({
        .id = "CsvRead",
        .title = "Read CSV",
        .description =
            "Reads files of comma-separated values (RFC 4180) and emits an object for each row, "
            "with the names of the header as keys. A byte-order mark and empty lines are "
            "skipped; rows end with LF, CRLF or CR. Rows that cannot be read (another number of "
            "fields than columns, bad quoting, invalid UTF-8, too long) go to 'rejected'.",
        .category = "data",
        .inports = {{.name = "path",
                     .type = "string",
                     .description =
                         "files to read, one after the other, instead of the configured one",
                     .capacity = 16}},
        .outports = {{.name = "out", .type = "object", .description = "a row"},
                     {.name = "rejected",
                      .type = "object",
                      .description = "a row that cannot be read: {line, reason, row}"},
                     {.name = "done",
                      .type = "object",
                      .description = "the end of a file: {path, rows, rejected}"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false,
        "examples": [{"path": "rows.csv"}], "properties": {)" REFLOW_FILE_SOURCE_SCHEMA
            R"("header": {"type": "boolean", "default": true, "description": "the first line has the names of the columns"},
        "columns": {"type": "array", "items": {"type": "string"}, "description": "names of the columns, instead of those of the header; without both they are column_1, column_2, ..."},
        "rename": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}, "description": "new names of columns: {name in the file: name in the rows}"},
        "types": {"type": "string", "enum": ["text", "auto"], "default": "text", "description": "text: all values are strings; auto: numbers, true, false and null (an empty field) as such, the rest as strings"},
        "annotate": {"type": "boolean", "default": false, "description": "add _line (number of the row's first line, the header is line 1) and _row (its text) to each row"},
        "skip_empty": {"type": "boolean", "default": true, "description": "pass over empty lines"},
        "delimiter": {"type": "string", "default": ",", "minLength": 1, "maxLength": 1, "description": "what separates fields"},
        "quote": {"type": "string", "default": "\"", "maxLength": 1, "description": "what encloses fields; empty: quotes are letters like any other"},
        "max_row_bytes": {"type": "integer", "default": 1048576, "minimum": 1, "maximum": 1073741824, "description": "longer rows are rejected"},
        "max_columns": {"type": "integer", "default": 10000, "minimum": 1, "maximum": 1000000, "description": "rows with more fields are rejected"}}})",
        .source = true,
        .external = true,
    });
}

Result<runtime::ComponentRef> csv_write() {
    return define<CsvWrite>({
        .id = "CsvWrite",
        .title = "Write CSV",
        .description =
            "Writes each object as a row of comma-separated values (RFC 4180). Missing keys and "
            "null are empty fields; arrays and objects are written as JSON. When a write fails, "
            "that row fails, the rows behind it are dropped, and the end tells how many were not "
            "written.",
        .category = "data",
        .inports = {{.name = "in", .type = "object", .description = "a row", .required = true}},
        .outports = {},
        .config_schema =
            R"({"type": "object", "additionalProperties": false, "required": ["path"],
        "examples": [{"path": "amounts.csv"}], "properties": {)" REFLOW_LINE_SINK_SCHEMA
            R"(, "columns": {"type": "array", "items": {"type": "string"}, "description": "keys to write, in order; other keys are left out. By default the keys of the first row, and other keys are an error"},
        "header": {"type": "boolean", "default": true, "description": "write the names of the columns first"},
        "delimiter": {"type": "string", "default": ",", "minLength": 1, "maxLength": 1, "description": "what separates fields"},
        "line_end": {"type": "string", "enum": ["lf", "crlf"], "default": "lf", "description": "how rows end"}}})",
        .external = true,
    });
}

}  // namespace

Result<void> csv_family(Components& all) {
    for (auto make : {csv_read, csv_write}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
