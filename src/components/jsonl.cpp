// JsonlWrite, and the definitions of JsonlRead and JsonlWrite: ports and configuration.
// Neighbours: jsonl_read, line_sink. Thread: see runtime/context.
#include "codec/json.hpp"
#include "components/families.hpp"
#include "components/jsonl_read.hpp"
#include "components/line_sink.hpp"

namespace reflow::components {
namespace {

class JsonlWrite final : public Actor {
public:
    static Result<std::unique_ptr<JsonlWrite>> create(Context& context) {
        Config config(context);
        std::unique_ptr<JsonlWrite> made(new JsonlWrite(config));
        if (!config.ok()) return config.take_error();
        return made;
    }
    Result<void> setup(Context& context) override { return sink_.open(context); }
    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return sink_.run(context, inputs, [&](MessageRef value) { return write(context, value); });
    }
    Result<void> finish(Context& context) override { return sink_.finish(context); }
    void teardown(Context& context) override { sink_.close(context); }
    Result<Message> save(Context&) override {
        ObjectBuilder object(8);
        if (Result<void> saved = sink_.save(object); !saved.ok()) return saved.take_error();
        return object.finish();
    }
    Result<void> load(Context& context, MessageRef saved, std::uint32_t) override {
        return sink_.load(context, saved);
    }
    static constexpr std::uint32_t state_version = 1;

private:
    explicit JsonlWrite(const Config& config) : sink_(config) {}

    Result<void> write(Context& context, MessageRef value) {
        String& to = sink_.buffer();
        std::size_t start = to.size();
        if (Result<void> done = codec::write_json(to, value); !done.ok()) {
            to.resize(start);
            return done;
        }
        to.push_back('\n');
        return sink_.end_line(context);
    }

    LineSink sink_;
};

Result<runtime::ComponentRef> jsonl_read() {
    return define<JsonlRead>({
        .id = "JsonlRead",
        .title = "Read JSON lines",
        .description = "Reads files with a JSON value on each line and emits each value. Empty "
                       "lines are skipped. Lines that are not JSON, or too long, go to "
                       "'rejected'.",
        .category = "data",
        .inports = {{.name = "path",
                     .type = "string",
                     .description =
                         "files to read, one after the other, instead of the configured one",
                     .capacity = 16}},
        .outports = {{.name = "out", .description = "the value of a line"},
                     {.name = "rejected",
                      .type = "object",
                      .description = "a line that cannot be read: {line, reason, row}"},
                     {.name = "done",
                      .type = "object",
                      .description = "the end of a file: {path, rows, rejected}"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false,
        "examples": [{"path": "rows.jsonl"}], "properties": {)" REFLOW_FILE_SOURCE_SCHEMA
            R"("max_line_bytes": {"type": "integer", "default": 16777216, "minimum": 1, "maximum": 1073741824, "description": "longer lines are rejected"},
        "max_depth": {"type": "integer", "default": 128, "minimum": 1, "maximum": 128, "description": "values that nest deeper are rejected"}}})",
        .source = true,
        .external = true,
    });
}

Result<runtime::ComponentRef> jsonl_write() {
    return define<JsonlWrite>({
        .id = "JsonlWrite",
        .title = "Write JSON lines",
        .description = "Writes each message as JSON on a line of its own. When a write fails, that "
                       "row fails, the rows behind it are dropped, and the end tells how many "
                       "were not written.",
        .category = "data",
        .inports = {{.name = "in", .description = "what to write", .required = true}},
        .outports = {},
        .config_schema =
            R"({"type": "object", "additionalProperties": false, "required": ["path"],
        "examples": [{"path": "amounts.jsonl"}], "properties": {)" REFLOW_LINE_SINK_SCHEMA "}}",
        .external = true,
    });
}

}  // namespace

Result<void> jsonl_family(Components& all) {
    for (auto make : {jsonl_read, jsonl_write}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
