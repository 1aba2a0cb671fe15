// CsvRead: a file of comma-separated values becomes an object for each row.
// Neighbours: csv.cpp has its definition, csv_scanner the format. Thread: see runtime/context.
#pragma once

#include "components/csv_scanner.hpp"
#include "components/file_source.hpp"

namespace reflow::components {

class CsvRead final : public FileSource {
public:
    static Result<std::unique_ptr<CsvRead>> create(Context& context);

protected:
    void reset() override;
    Result<bool> begin() override;
    Result<Step> next(Next& next) override;
    [[nodiscard]] bool untouched() const noexcept override { return pending_; }
    [[nodiscard]] std::span<char> space() override { return scanner_->space(); }
    void filled(std::size_t count) override { scanner_->filled(count); }
    Result<std::uint64_t> save_place(ObjectBuilder& to) const override;
    Result<std::uint64_t> load_place(MessageRef from) override;

private:
    explicit CsvRead(const Config& config);
    Result<void> take_header();
    Result<void> take_first_row(bool refused);
    Result<void> name_columns(std::span<const std::string_view> names);
    Result<void> rename(Vector<String>& names) const;
    Result<Message> row() const;

    struct Rename {
        String from;
        String to;
    };

    CsvSyntax syntax_;
    bool header_;
    bool auto_types_;
    bool annotate_;
    bool skip_empty_;
    Vector<String> columns_;
    Vector<Rename> renames_;

    std::unique_ptr<CsvScanner> scanner_;
    bool pending_ = false;  // the scanner holds a row that is not taken yet
    Vector<Message> keys_;  // of the columns; every row shares them
    Message key_line_ = Message::string("_line");
    Message key_row_ = Message::string("_row");
    String reason_;
};

// The value of a field with "types": "auto": null for nothing, a boolean, an integer, a float, or
// else the text.
[[nodiscard]] Message typed_field(std::string_view text);

}  // namespace reflow::components
