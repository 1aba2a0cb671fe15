// CsvWrite: objects become rows of comma-separated values.
// Neighbours: csv.cpp has its definition. Thread: see runtime/context.
#pragma once

#include "components/line_sink.hpp"

namespace reflow::components {

class CsvWrite final : public Actor {
public:
    static Result<std::unique_ptr<CsvWrite>> create(Context& context);
    Result<void> setup(Context& context) override;
    Result<void> run(Context& context, std::span<Packet> inputs) override;
    Result<void> finish(Context& context) override { return sink_.finish(context); }
    void teardown(Context& context) override { sink_.close(context); }
    Result<Message> save(Context& context) override;
    Result<void> load(Context& context, MessageRef saved, std::uint32_t version) override;
    static constexpr std::uint32_t state_version = 1;

private:
    explicit CsvWrite(const Config& config);
    Result<void> write(Context& context, MessageRef row);
    Result<void> write_header(Context& context);
    Result<void> append_value(MessageRef value);
    void append_text(std::string_view text);
    void end_row(std::size_t start);

    LineSink sink_;
    char delimiter_;
    bool header_;
    std::string_view line_end_;
    bool fixed_;            // the columns are configured: other keys are left out
    bool started_ = false;  // the header is written, if there is one
    Vector<String> columns_;
    Message loaded_;  // for setup, until the first run
    String scratch_;
};

}  // namespace reflow::components
