// CsvWrite: quoting as RFC 4180 asks, columns configured or those of the first row.
// Thread: see runtime/context.
#include "components/csv_write.hpp"

#include <algorithm>

#include "codec/json.hpp"

namespace reflow::components {

CsvWrite::CsvWrite(const Config& config)
    : sink_(config),
      header_(config.flag("header", true)),
      line_end_(config.choice("line_end", {"lf", "crlf"}, 0) == 0 ? "\n" : "\r\n") {
    std::string_view delimiter = config.text("delimiter", ",");
    delimiter_ = delimiter.size() == 1 ? delimiter.front() : '\n';
    if (delimiter_ == '\n' || delimiter_ == '\r' || delimiter_ == '"' || delimiter_ < 0) {
        config.fail("delimiter", concat("expected one ASCII letter that is no line end and no "
                                        "quote, found '",
                                        delimiter, "'"));
    }
    for (std::string_view name : config.texts("columns")) columns_.emplace_back(name);
    fixed_ = !columns_.empty();
}

Result<std::unique_ptr<CsvWrite>> CsvWrite::create(Context& context) {
    Config config(context);
    std::unique_ptr<CsvWrite> made(new CsvWrite(config));
    if (!config.ok()) return config.take_error();
    return made;
}

Result<void> CsvWrite::setup(Context& context) {
    started_ = false;
    if (!fixed_) columns_.clear();
    if (!loaded_.none()) {
        started_ = loaded_.get("started").boolean();
        MessageRef columns = loaded_.get("columns");
        for (std::size_t i = 0; !fixed_ && i < columns.size(); ++i) {
            columns_.emplace_back(columns.at(i).text());
        }
    }
    return sink_.open(context);
}

Result<Message> CsvWrite::save(Context&) {
    ObjectBuilder object(8);
    if (Result<void> saved = sink_.save(object); !saved.ok()) return saved.take_error();
    object.set("started", Message::boolean(started_));
    ArrayBuilder columns(columns_.size());
    for (const String& column : columns_) columns.append(Message::string(column));
    Result<Message> made = columns.finish();
    if (!made.ok()) return made;
    object.set("columns", std::move(made).take());
    return object.finish();
}

Result<void> CsvWrite::load(Context& context, MessageRef saved, std::uint32_t) {
    if (!saved.get("columns").is(REFLOW_KIND_ARRAY)) return bad_state("it has no columns");
    if (Result<void> loaded = sink_.load(context, saved); !loaded.ok()) return loaded;
    if (sink_.goes_on()) loaded_ = saved.own();
    return {};
}

Result<void> CsvWrite::run(Context& context, std::span<Packet> inputs) {
    loaded_ = Message();
    return sink_.run(context, inputs, [&](MessageRef row) { return write(context, row); });
}

Result<void> CsvWrite::write(Context& context, MessageRef row) {
    if (!row.is(REFLOW_KIND_OBJECT)) {
        return Failure(REFLOW_ERROR_TYPE,
                       concat("expected a row as an object, found ", kind_with_article(row)));
    }
    if (!started_) {
        if (!fixed_) {
            for (std::size_t i = 0; i < row.size(); ++i) columns_.emplace_back(row.key_at(i));
        }
        started_ = true;
        if (Result<void> done = write_header(context); !done.ok()) return done;
    }
    std::size_t start = sink_.buffer().size();
    std::size_t known = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) sink_.buffer().push_back(delimiter_);
        MessageRef value = row.get(columns_[i]);
        if (value.none()) continue;
        ++known;
        if (Result<void> done = append_value(value); !done.ok()) {
            sink_.buffer().resize(start);
            return done;
        }
    }
    // Every key but those of the columns would be lost without a word.
    for (std::size_t i = 0; !fixed_ && known < row.size() && i < row.size(); ++i) {
        if (std::find(columns_.begin(), columns_.end(), row.key_at(i)) != columns_.end()) continue;
        sink_.buffer().resize(start);
        return Failure(REFLOW_ERROR_FAILED,
                       concat("the key '", row.key_at(i), "' is none of the columns"))
            .hint("the columns are the keys of the first row; name all of them with 'columns'");
    }
    end_row(start);
    return sink_.end_line(context);
}

Result<void> CsvWrite::write_header(Context& context) {
    if (!header_) return {};
    std::size_t start = sink_.buffer().size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) sink_.buffer().push_back(delimiter_);
        append_text(columns_[i]);
    }
    end_row(start);
    return sink_.end_line(context);
}

Result<void> CsvWrite::append_value(MessageRef value) {
    String& to = sink_.buffer();
    switch (value.kind()) {
        case REFLOW_KIND_NULL:
            break;
        case REFLOW_KIND_BOOLEAN:
            append(to, value.boolean() ? "true" : "false");
            break;
        case REFLOW_KIND_INTEGER:
            append(to, value.integer());
            break;
        case REFLOW_KIND_FLOAT:
            append(to, value.real());
            break;
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_ERROR:
            append_text(value.text());
            break;
        default:
            scratch_.clear();
            if (value.nothing()) break;
            if (Result<void> done = codec::write_json(scratch_, value); !done.ok()) return done;
            append_text(scratch_);
    }
    return {};
}

void CsvWrite::append_text(std::string_view text) {
    String& to = sink_.buffer();
    const char special[] = {delimiter_, '"', '\n', '\r'};
    if (text.find_first_of(std::string_view(special, sizeof special)) == std::string_view::npos) {
        append(to, text);
        return;
    }
    to.push_back('"');
    for (char letter : text) {
        if (letter == '"') to.push_back('"');
        to.push_back(letter);
    }
    to.push_back('"');
}

// An empty row of one column would read back as an empty line.
void CsvWrite::end_row(std::size_t start) {
    if (sink_.buffer().size() == start) append(sink_.buffer(), "\"\"");
    append(sink_.buffer(), line_end_);
}

}  // namespace reflow::components
