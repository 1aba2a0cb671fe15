// JsonlRead: lines, and a value for each.
// Thread: see runtime/context.
#include "components/jsonl_read.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t shown_bytes = 1000;
constexpr std::int64_t most_line_bytes = std::int64_t{1} << 30;

}  // namespace

std::span<char> LineScanner::space() {
    if (start_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
        end_ -= start_;
        start_ = 0;
    }
    if (buffer_.size() - end_ < piece_bytes / 2) {
        std::size_t larger = std::min(buffer_.size() * 2, max_ + piece_bytes);
        buffer_.resize(std::max(end_ + piece_bytes, larger));
    }
    return {buffer_.data() + end_, buffer_.size() - end_};
}

void LineScanner::filled(std::size_t count) noexcept {
    if (count == 0) ended_ = true;
    end_ += count;
    filled_ += count;
    REFLOW_ASSERT(end_ <= buffer_.size());
}

LineScanner::Step LineScanner::next() {
    for (;;) {
        const char* line = buffer_.data() + start_;
        std::size_t size = end_ - start_;
        const void* found = size > seen_ ? std::memchr(line + seen_, '\n', size - seen_) : nullptr;
        std::size_t length = size;
        if (found != nullptr) {
            length = static_cast<std::size_t>(static_cast<const char*>(found) - line);
        }
        bool complete = found != nullptr || ended_;
        if (skipping_) {
            start_ += found != nullptr ? length + 1 : size;
            seen_ = 0;
            if (found == nullptr && !ended_) return Step::more;
            skipping_ = false;
            continue;
        }
        if (!complete && size <= max_) {
            seen_ = size;
            return Step::more;
        }
        if (size == 0) return Step::end;
        ++number_;
        seen_ = 0;
        text_ = std::string_view(line, length);
        start_ += found != nullptr ? length + 1 : size;
        if (length > max_) {
            text_ = text_.substr(0, std::min(shown_bytes, max_));
            skipping_ = !complete;
            return Step::too_long;
        }
        if (text_.ends_with('\r')) text_.remove_suffix(1);
        return Step::line;
    }
}

JsonlRead::JsonlRead(const Config& config)
    : FileSource(config),
      max_line_bytes_(static_cast<std::size_t>(
          config.integer("max_line_bytes", std::int64_t{16} << 20, 1, most_line_bytes))) {
    limits_.bytes = max_line_bytes_;
    limits_.depth = static_cast<std::uint32_t>(
        config.integer("max_depth", REFLOW_MAX_DEPTH, 1, REFLOW_MAX_DEPTH));
}

Result<std::unique_ptr<JsonlRead>> JsonlRead::create(Context& context) {
    Config config(context);
    std::unique_ptr<JsonlRead> made(new JsonlRead(config));
    if (!config.ok()) return config.take_error();
    return made;
}

void JsonlRead::reset() {
    scanner_ = std::unique_ptr<LineScanner>(new LineScanner(max_line_bytes_));
}

Result<FileSource::Step> JsonlRead::next(Next& next) {
    LineScanner::Step step = scanner_->next();
    if (step == LineScanner::Step::more) return Step::more;
    if (step == LineScanner::Step::end) return Step::end;
    next.line = scanner_->number();
    next.raw = scanner_->text();
    if (step == LineScanner::Step::too_long) {
        reason_ = concat("longer than ", max_line_bytes_, " bytes (max_line_bytes)");
        next.reason = reason_;
        return Step::refused;
    }
    if (next.raw.find_first_not_of(" \t\r") == std::string_view::npos) return Step::skip;
    Result<Message> value = codec::read_json(next.raw, limits_);
    if (!value.ok()) {
        const Error& error = value.error();
        // The line is told beside it.
        reason_ = error.line != 0 ? concat("column ", error.column, ": ", error.message)
                                  : String(error.message);
        next.reason = reason_;
        return Step::refused;
    }
    next.row = std::move(value).take();
    return Step::row;
}

// ---- snapshots

Result<std::uint64_t> JsonlRead::save_place(ObjectBuilder& to) const {
    LineScanner::Position at = scanner_->position();
    to.set("line", count_message(at.line));
    to.set("skipping", Message::boolean(at.skipping));
    return at.bytes;
}

Result<std::uint64_t> JsonlRead::load_place(MessageRef from) {
    LineScanner::Position at;
    bool valid = saved_count(from.get("bytes"), at.bytes) && saved_count(from.get("line"), at.line);
    if (!valid) return bad_state("it has no place in the file");
    at.skipping = from.get("skipping").boolean();
    scanner_->resume(at);
    return at.bytes;
}

}  // namespace reflow::components
