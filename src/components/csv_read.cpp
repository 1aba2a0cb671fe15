// CsvRead: names of the columns, and rows as objects that share them.
// Thread: see runtime/context.
#include "components/csv_read.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "message/count.hpp"

namespace reflow::components {
namespace {

constexpr std::int64_t most_row_bytes = std::int64_t{1} << 30;
constexpr std::int64_t most_columns = 1'000'000;

bool digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }

// Whether a text has the form of a number in JSON, and whether it is a whole one.
bool number_form(std::string_view text, bool& whole) noexcept {
    std::size_t i = 0;
    auto digits = [&] {
        std::size_t start = i;
        while (i < text.size() && digit(text[i])) ++i;
        return i - start;
    };
    if (i < text.size() && text[i] == '-') ++i;
    bool zero = i < text.size() && text[i] == '0';
    std::size_t count = digits();
    if (count == 0 || (zero && count > 1)) return false;
    whole = true;
    if (i < text.size() && text[i] == '.') {
        ++i;
        whole = false;
        if (digits() == 0) return false;
    }
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        whole = false;
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
        if (digits() == 0) return false;
    }
    return i == text.size();
}

// One byte of text, given by a string of that length.
char one_letter(const Config& config, std::string_view key, std::string_view fallback) {
    std::string_view text = config.text(key, fallback);
    if (text.size() == 1 && text != "\n" && text != "\r" && text.front() >= 0) return text.front();
    config.fail(key, concat("expected one ASCII letter that is no line end, found '", text, "'"));
    return fallback.front();
}

}  // namespace

Message typed_field(std::string_view text) {
    if (text.empty()) return Message::null();
    if (text == "true") return Message::boolean(true);
    if (text == "false") return Message::boolean(false);
    bool whole = false;
    if ((digit(text.front()) || text.front() == '-') && number_form(text, whole)) {
        const char* end = text.data() + text.size();
        if (whole) {
            std::int64_t value = 0;
            auto read = std::from_chars(text.data(), end, value);
            if (read.ec == std::errc{} && text != "-0") return Message::integer(value);
        } else {
            double value = 0;
            auto read = std::from_chars(text.data(), end, value);
            if (read.ec == std::errc{}) return Message::real(value);
        }
    }
    return Message::string(text);
}

CsvRead::CsvRead(const Config& config)
    : FileSource(config),
      header_(config.flag("header", true)),
      auto_types_(config.choice("types", {"text", "auto"}, 0) == 1),
      annotate_(config.flag("annotate", false)),
      skip_empty_(config.flag("skip_empty", true)) {
    syntax_.delimiter = one_letter(config, "delimiter", ",");
    syntax_.quoting = config.text("quote", "\"") != "";
    if (syntax_.quoting) syntax_.quote = one_letter(config, "quote", "\"");
    if (syntax_.quoting && syntax_.quote == syntax_.delimiter) {
        config.fail("quote", "the quote and the delimiter are the same letter");
    }
    syntax_.max_row_bytes = static_cast<std::size_t>(
        config.integer("max_row_bytes", std::int64_t{1} << 20, 1, most_row_bytes));
    syntax_.max_columns =
        static_cast<std::size_t>(config.integer("max_columns", 10'000, 1, most_columns));
    for (std::string_view name : config.texts("columns")) columns_.emplace_back(name);
    Section renames = config.section("rename");
    for (std::size_t i = 0; i < renames.size(); ++i) {
        std::string_view from = renames.key_at(i);
        renames_.push_back({String(from), String(renames.text(from))});
    }
}

Result<std::unique_ptr<CsvRead>> CsvRead::create(Context& context) {
    Config config(context);
    std::unique_ptr<CsvRead> made(new CsvRead(config));
    if (!config.ok()) return config.take_error();
    return made;
}

void CsvRead::reset() {
    scanner_ = std::unique_ptr<CsvScanner>(new CsvScanner(syntax_));
    pending_ = false;
}

// Reads up to the names of the columns, so that a file that cannot be used is told before anything
// is emitted.
Result<bool> CsvRead::begin() {
    for (;;) {
        CsvScanner::Step step = scanner_->next();
        if (step == CsvScanner::Step::more) return false;
        if (step == CsvScanner::Step::end) {
            // Without a header there is nothing that must be there.
            if (!header_) return true;
            return Failure(REFLOW_ERROR_PARSE, "the file is empty: it has no header line");
        }
        if (step == CsvScanner::Step::row && scanner_->raw().empty()) {
            if (header_ || skip_empty_) continue;
        }
        Result<void> named =
            header_ ? take_header() : take_first_row(step == CsvScanner::Step::refused);
        if (!named.ok()) return named.take_error();
        return true;
    }
}

// Without a header: the row stays with the scanner until it is asked for.
Result<void> CsvRead::take_first_row(bool refused) {
    pending_ = true;
    if (!columns_.empty()) {
        Vector<std::string_view> names(columns_.begin(), columns_.end());
        return name_columns(names);
    }
    if (refused) {
        return Failure(REFLOW_ERROR_PARSE,
                       concat("the first row cannot be read: ", scanner_->reason()))
            .hint("name the columns with 'columns'");
    }
    Vector<String> made;
    for (std::size_t i = 0; i < scanner_->fields().size(); ++i) {
        made.push_back(concat("column_", i + 1));
    }
    Vector<std::string_view> names(made.begin(), made.end());
    return name_columns(names);
}

Result<void> CsvRead::take_header() {
    auto line = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(scanner_->line(), std::numeric_limits<std::uint32_t>::max()));
    std::unique_ptr<Error> problem;
    if (!columns_.empty()) {  // the file's own names do not count
        Vector<std::string_view> names(columns_.begin(), columns_.end());
        return name_columns(names);
    }
    if (!scanner_->reason().empty()) {
        bool wide =
            scanner_->raw().starts_with("\xFF\xFE") || scanner_->raw().starts_with("\xFE\xFF");
        problem = Failure(REFLOW_ERROR_PARSE,
                          concat("the header cannot be read: ",
                                 wide ? std::string_view("the file is UTF-16, not UTF-8")
                                      : scanner_->reason()))
                      .take();
    } else {
        problem = name_columns(scanner_->fields()).take_error();
    }
    if (problem == nullptr) return {};
    if (problem->status == REFLOW_ERROR_PARSE) {
        problem->line = line;
        problem->column = 1;
    }
    return problem;
}

Result<void> CsvRead::name_columns(std::span<const std::string_view> given) {
    Vector<String> names(given.begin(), given.end());
    if (Result<void> renamed = rename(names); !renamed.ok()) return renamed;
    HashMap<std::string_view, std::size_t> seen;
    if (annotate_) {
        seen.emplace(key_line_.text(), 0);
        seen.emplace(key_row_.text(), 0);
    }
    constexpr std::string_view remedy = "name the columns with 'columns' or 'rename'";
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty()) {
            return Failure(REFLOW_ERROR_PARSE, concat("column ", i + 1, " has no name"))
                .hint(remedy);
        }
        auto [at, fresh] = seen.emplace(names[i], i + 1);
        if (fresh) continue;
        if (at->second == 0) {
            return Failure(REFLOW_ERROR_PARSE, concat("column ", i + 1, " is named '", names[i],
                                                      "', which 'annotate' uses"))
                .hint(remedy);
        }
        return Failure(REFLOW_ERROR_PARSE, concat("columns ", at->second, " and ", i + 1,
                                                  " are both named '", names[i], "'"))
            .hint(remedy);
    }
    keys_.clear();
    for (const String& name : names) {
        Result<Message> key = Message::checked_string(name);
        if (!key.ok()) return key.take_error();
        keys_.push_back(std::move(key).take());
    }
    return {};
}

Result<void> CsvRead::rename(Vector<String>& names) const {
    Vector<String> before = names;
    for (const Rename& rename : renames_) {
        auto at = std::find(before.begin(), before.end(), rename.from);
        if (at == before.end()) {
            Vector<std::string_view> known(before.begin(), before.end());
            return Failure(REFLOW_ERROR_CONFIG,
                           concat("no column named '", rename.from, "' to rename"))
                .hint(did_you_mean(rename.from, known))
                .path("$.rename");
        }
        names[static_cast<std::size_t>(at - before.begin())] = rename.to;
    }
    return {};
}

Result<FileSource::Step> CsvRead::next(Next& next) {
    CsvScanner::Step step = CsvScanner::Step::row;
    if (!std::exchange(pending_, false)) {
        step = scanner_->next();
    } else if (!scanner_->reason().empty()) {
        step = CsvScanner::Step::refused;
    }
    if (step == CsvScanner::Step::more) return Step::more;
    if (step == CsvScanner::Step::end) return Step::end;
    next.line = scanner_->line();
    next.raw = scanner_->raw();
    if (step == CsvScanner::Step::refused) {
        next.reason = scanner_->reason();
        return Step::refused;
    }
    if (next.raw.empty() && skip_empty_) return Step::skip;
    std::size_t count = scanner_->fields().size();
    if (count != keys_.size()) {
        reason_ = concat(count, count == 1 ? " field" : " fields", " instead of ", keys_.size());
        next.reason = reason_;
        return Step::refused;
    }
    Result<Message> made = row();
    if (!made.ok()) return made.take_error();
    next.row = std::move(made).take();
    return Step::row;
}

Result<Message> CsvRead::row() const {
    std::span<const std::string_view> fields = scanner_->fields();
    ObjectBuilder object(fields.size() + (annotate_ ? 2 : 0));
    for (std::size_t i = 0; i < fields.size(); ++i) {
        object.set(keys_[i], auto_types_ ? typed_field(fields[i]) : Message::string(fields[i]));
    }
    if (annotate_) {
        object.set(key_line_, Message::integer(static_cast<std::int64_t>(scanner_->line())));
        object.set(key_row_, Message::string(scanner_->raw()));
    }
    return object.finish();
}

// ---- snapshots

Result<std::uint64_t> CsvRead::save_place(ObjectBuilder& to) const {
    CsvScanner::Position at = scanner_->position();
    ArrayBuilder keys(keys_.size());
    for (const Message& key : keys_) keys.append(key);
    Result<Message> made = keys.finish();
    if (!made.ok()) return made.take_error();
    to.set("keys", std::move(made).take());
    to.set("line", count_message(at.line));
    to.set("at_start", Message::boolean(at.at_start));
    to.set("skip_newline", Message::boolean(at.skip_newline));
    to.set("skipping", Message::boolean(at.skipping));
    return at.bytes;
}

Result<std::uint64_t> CsvRead::load_place(MessageRef from) {
    CsvScanner::Position at;
    bool valid = saved_count(from.get("bytes"), at.bytes) && saved_count(from.get("line"), at.line);
    if (!valid) return bad_state("it has no place in the file");
    at.at_start = from.get("at_start").boolean();
    at.skip_newline = from.get("skip_newline").boolean();
    at.skipping = from.get("skipping").boolean();
    scanner_->resume(at);
    keys_.clear();
    for (std::size_t i = 0; i < from.get("keys").size(); ++i) {
        MessageRef key = from.get("keys").at(i);
        if (!key.is(REFLOW_KIND_STRING)) return bad_state("a column has no name");
        keys_.push_back(key.own());
    }
    return at.bytes;
}

}  // namespace reflow::components
