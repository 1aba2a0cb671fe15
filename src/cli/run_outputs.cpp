// The packets of the exposed outports: printed as they come, or kept for the JSON object.
// Thread: main, and readers of its own.
#include "cli/run_outputs.hpp"

#include <algorithm>
#include <array>

#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::size_t batch = 256;
constexpr std::uint32_t capacity = 4096;
constexpr std::size_t max_threads = 16;
constexpr std::int64_t wait_ms = 100;
// How long a thread that reads several outports waits at one of them while the others may fill.
constexpr std::int64_t turn_ms = 2;

}  // namespace

void Outputs::open(reflow_network* network, const std::vector<std::string_view>& names) {
    for (std::string_view name : names) {
        Port port;
        port.name = name;
        Error error;
        const reflow_status status = reflow_network_open_output(
            network, view_of(""), view_of(name), capacity, Out(port.output), Out(error));
        check(status, error, exit_failed);
        ports_.push_back(std::move(port));
    }
}

void Outputs::start_threads() {
    const std::size_t count = std::min(ports_.size(), max_threads);
    for (std::size_t i = 0; i < count; ++i) {
        threads_.emplace_back([this, i, count] { read(i, count); });
    }
}

bool Outputs::pump() {
    bool moved = false;
    for (Port& port : ports_) {
        while (port.open && take(port, 0) > 0) moved = true;
    }
    return moved;
}

void Outputs::join() {
    ending_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

// Reads every step-th port until all of them are closed.
void Outputs::read(std::size_t first, std::size_t step) {
    const bool alone = first + step >= ports_.size();
    for (bool open = true; open;) {
        open = false;
        for (std::size_t i = first; i < ports_.size(); i += step) {
            Port& port = ports_[i];
            if (!port.open) continue;
            const std::size_t count = take(port, alone ? wait_ms : turn_ms);
            if (count == 0 && ending_.load(std::memory_order_relaxed)) port.open = false;
            open = open || port.open;
        }
    }
}

std::size_t Outputs::take(Port& port, std::int64_t timeout_ms) {
    std::array<reflow_message, batch> messages;
    std::size_t count = 0;
    const reflow_status status = reflow_output_recv_many(port.output.get(), messages.data(), batch,
                                                         timeout_ms, &count, nullptr);
    if (status != REFLOW_OK && status != REFLOW_ERROR_TIMEOUT &&
        status != REFLOW_ERROR_WOULD_BLOCK) {
        port.open = false;
    }
    for (std::size_t i = 0; i < count; ++i) put(port, messages[i]);
    return count;
}

void Outputs::put(Port& port, reflow_message raw) {
    const Message message(raw);
    Buffer buffer;
    Error error;
    const reflow_status status =
        reflow_message_to_json(message.get(), REFLOW_JSON_PLAIN, Out(buffer), Out(error));
    if (status != REFLOW_OK) {
        console_.warning("outport '" + port.name +
                         "': a packet cannot be written as JSON: " + Problem::of(error).text);
    }
    const std::string_view text = status == REFLOW_OK ? text_of(buffer) : "null";
    if (keep_) {
        if (!port.kept.empty()) port.kept += ',';
        port.kept += text;
        return;
    }
    std::string line;
    append_safe(line, port.name);
    line += ": ";
    line += text;
    line += '\n';
    console_.write(line);
}

void Outputs::append_to(std::string& json) const {
    bool first = true;
    for (const Port& port : ports_) {
        if (!first) json += ',';
        first = false;
        append_json(json, port.name);
        json += ":[" + port.kept + "]";
    }
}

}  // namespace cli
