// TablePrint, and the definitions of TablePrint and Chart: what shows results to a person.
// Neighbours: table, chart. Thread: see runtime/context.
#include <algorithm>

#include "codec/json.hpp"
#include "components/chart.hpp"
#include "components/config.hpp"
#include "components/families.hpp"
#include "components/line_sink.hpp"
#include "components/table.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

constexpr int default_decimals = 2;

// Gathers rows and prints them as a table at the end.
class TablePrint final : public Actor {
public:
    static Result<std::unique_ptr<TablePrint>> create(Context& context) {
        Config config(context);
        std::unique_ptr<TablePrint> made(new TablePrint(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        loaded_ = false;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            MessageRef row(inputs[i].message);
            if (!row.is(REFLOW_KIND_OBJECT)) {
                return Failure(REFLOW_ERROR_TYPE, concat("expected a row as an object, found ",
                                                         kind_with_article(row)));
            }
            if (rows_.size() < max_rows_) {
                rows_.push_back(take(inputs[i]));
            } else {
                ++left_out_;
            }
            (void)context.advance(i + 1);  // within the batch, so it cannot fail
        }
        return {};
    }

    Result<void> finish(Context& context) override {
        loaded_ = false;
        String text;
        if (!title_.empty()) append(text, concat(title_, "\n"));
        if (Result<void> drawn = draw(text); !drawn.ok()) return drawn;
        if (left_out_ > 0) {
            append(text, concat("and ", left_out_, " more ", left_out_ == 1 ? "row" : "rows",
                                " (max_rows ", max_rows_, ")\n"));
        }
        rows_.clear();
        left_out_ = 0;
        reflow_status status = context.print(text);
        if (status != REFLOW_OK) return Failure(status, "cannot print");
        return {};
    }

    // Rows of a snapshot are kept until they have been printed, also if a start fails.
    void teardown(Context&) override {
        if (!loaded_) rows_.clear();
    }
    Result<Message> save(Context&) override {
        ArrayBuilder rows(rows_.size());
        for (const Message& row : rows_) rows.append(row);
        Result<Message> made = rows.finish();
        if (!made.ok()) return made;
        ObjectBuilder object(2);
        object.set("rows", std::move(made).take());
        object.set("left_out", count_message(left_out_));
        return object.finish();
    }
    Result<void> load(Context&, MessageRef saved, std::uint32_t) override {
        MessageRef rows = saved.get("rows");
        if (!rows.is(REFLOW_KIND_ARRAY) || rows.size() > max_rows_ ||
            !saved_count(saved.get("left_out"), left_out_)) {
            return bad_state("its rows are not those of this table");
        }
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (!rows.at(i).is(REFLOW_KIND_OBJECT)) return bad_state("a row is no object");
            rows_.push_back(rows.at(i).own());
        }
        loaded_ = true;
        return {};
    }
    static constexpr std::uint32_t state_version = 1;

private:
    explicit TablePrint(const Config& config)
        : title_(config.text("title", "")),
          style_(static_cast<TableStyle>(
              config.choice("style", {"box", "ascii", "plain", "markdown"}, 0))),
          max_rows_(static_cast<std::size_t>(config.integer("max_rows", 1000, 1, 1'000'000))),
          max_cell_(static_cast<std::size_t>(config.integer("max_cell", 40, 4, 10'000))) {
        for (std::string_view key : config.texts("columns")) columns_.emplace_back(key);
        Section titles = config.section("titles");
        for (std::size_t i = 0; i < titles.size(); ++i) {
            titles_.emplace(String(titles.key_at(i)), String(titles.text(titles.key_at(i))));
        }
        if (!config.find("decimals").is(REFLOW_KIND_OBJECT)) {
            decimals_ =
                static_cast<int>(config.integer("decimals", default_decimals, 0, most_decimals));
            return;
        }
        Section decimals = config.section("decimals");
        for (std::size_t i = 0; i < decimals.size(); ++i) {
            std::string_view key = decimals.key_at(i);
            decimals_of_.emplace(String(key), static_cast<int>(decimals.integer(
                                                  key, default_decimals, 0, most_decimals)));
        }
    }

    Result<void> draw(String& to) const {
        Vector<String> keys = columns_;
        if (keys.empty() && !rows_.empty()) {
            for (std::size_t i = 0; i < rows_.front().size(); ++i) {
                keys.emplace_back(rows_.front().key_at(i));
            }
        }
        if (keys.empty()) {
            append(to, "no rows\n");
            return {};
        }
        Vector<TableColumn> columns;
        for (const String& key : keys) {
            auto title = titles_.find(key);
            columns.push_back({title == titles_.end() ? key : title->second, numbers(key)});
        }
        Vector<Vector<String>> cells;
        cells.reserve(rows_.size());
        for (const Message& row : rows_) {
            Vector<String> line;
            line.reserve(keys.size());
            for (const String& key : keys) {
                Result<String> text = cell(key, row.get(key));
                if (!text.ok()) return text.take_error();
                line.push_back(std::move(text).take());
            }
            cells.push_back(std::move(line));
        }
        append(to, draw_table(style_, columns, cells, max_cell_));
        return {};
    }

    // Whether a column has numbers and nothing else.
    [[nodiscard]] bool numbers(std::string_view key) const {
        bool any = false;
        for (const Message& row : rows_) {
            MessageRef value = row.get(key);
            if (value.none() || value.nothing()) continue;
            if (!value.number()) return false;
            any = true;
        }
        return any;
    }

    [[nodiscard]] Result<String> cell(std::string_view key, MessageRef value) const {
        if (value.none() || value.nothing()) return String();
        if (value.is(REFLOW_KIND_STRING)) return String(value.text());
        if (value.is(REFLOW_KIND_FLOAT)) {
            auto own = decimals_of_.find(key);
            return fixed_number(value.real(), own == decimals_of_.end() ? decimals_ : own->second);
        }
        String text;
        if (Result<void> done = codec::write_json(text, value); !done.ok()) {
            return done.take_error();
        }
        return text;
    }

    String title_;
    TableStyle style_;
    std::size_t max_rows_;
    std::size_t max_cell_;
    Vector<String> columns_;
    TextMap<String> titles_;
    int decimals_ = default_decimals;
    TextMap<int> decimals_of_;
    Vector<Message> rows_;
    std::uint64_t left_out_ = 0;
    bool loaded_ = false;  // the rows are those of a snapshot, and no other yet
};

Result<runtime::ComponentRef> table_print() {
    return define<TablePrint>({
        .id = "TablePrint",
        .title = "Print a table",
        .description =
            "Gathers rows and prints them as a table when the run ends. Columns of numbers are "
            "aligned to the right.",
        .category = "report",
        .inports = {{.name = "in", .type = "object", .description = "a row", .required = true}},
        .outports = {},
        .config_schema = R"({"type": "object", "additionalProperties": false,
            "examples": [{"title": "Amounts", "columns": ["month", "amount"]}], "properties": {
            "title": {"type": "string", "default": "", "description": "a line above the table"},
            "columns": {"type": "array", "items": {"type": "string"}, "description": "keys to show, in order; by default those of the first row"},
            "titles": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}, "description": "what stands above the columns: {key: title}; by default the key"},
            "decimals": {"type": ["integer", "object"], "default": 2, "minimum": 0, "maximum": 15, "description": "digits behind the point of numbers that are not whole: for all columns, or {key: digits}"},
            "style": {"type": "string", "enum": ["box", "ascii", "plain", "markdown"], "default": "box", "description": "how lines are drawn"},
            "max_rows": {"type": "integer", "default": 1000, "minimum": 1, "maximum": 1000000, "description": "rows that are shown; of the others the number is told"},
            "max_cell": {"type": "integer", "default": 40, "minimum": 4, "maximum": 10000, "description": "width at which a cell is cut"}}})",
    });
}

Result<runtime::ComponentRef> chart() {
    return define<Chart>({
        .id = "Chart",
        .title = "Draw a chart",
        .description =
            "Gathers rows and draws them as an SVG file when the run ends: lines, bands and bars "
            "over time, numbers or names.",
        .category = "report",
        .inports = {{.name = "in", .type = "object", .description = "a row", .required = true}},
        .outports = {},
        .config_schema =
            R"({"type": "object", "additionalProperties": false, "required": ["path", "x", "series"],
            "examples": [{"path": "amounts.svg", "x": "month", "series": [{"key": "amount", "label": "Amount"}]}],
            "properties": {)" REFLOW_FOLDER_SCHEMA R"(,
            "path": {"type": "string", "minLength": 1, "description": "SVG file to write"},
            "title": {"type": "string", "default": "", "description": "title of the chart"},
            "subtitle": {"type": "string", "default": "", "description": "a smaller line under the title"},
            "x": {"type": "string", "description": "key of the x values: dates, months (2012-01), years, numbers or names"},
            "x_label": {"type": "string", "default": "", "description": "text under the x axis"},
            "y_label": {"type": "string", "default": "", "description": "text at the y axis, such as the unit"},
            "series": {"type": "array", "minItems": 1, "description": "what is drawn", "items": {"type": "object", "additionalProperties": false, "properties": {
                "kind": {"type": "string", "enum": ["line", "band", "bar"], "default": "line", "description": "line through the values, band between two values, or bars"},
                "key": {"type": "string", "description": "key of the values of a line or of bars"},
                "low": {"type": "string", "description": "key of the lower edge of a band"},
                "high": {"type": "string", "description": "key of the upper edge of a band"},
                "label": {"type": "string", "description": "text in the legend"},
                "palette": {"type": "integer", "minimum": 0, "maximum": 1000, "description": "number of the colour: 0 blue, 1 vermilion, 2 green, 3 purple, 4 orange, 5 light blue, 6 grey; by default in order"},
                "color": {"type": "string", "description": "colour of CSS, instead of one of the palette"}}}},
            "width": {"type": "integer", "default": 960, "minimum": 200, "maximum": 10000, "description": "pixels"},
            "height": {"type": "integer", "default": 480, "minimum": 150, "maximum": 10000, "description": "pixels"},
            "max_rows": {"type": "integer", "default": 10000, "minimum": 1, "maximum": 1000000, "description": "rows that are drawn; of the others the number is logged"}}})",
        .external = true,
    });
}

}  // namespace

Result<void> report_family(Components& all) {
    for (auto make : {table_print, chart}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
