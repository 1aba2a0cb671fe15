// The packets of the exposed outports: printed as they come, or kept for the JSON object.
// Thread: main, and readers of its own.
#include "cli/run_outputs.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

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

bool Outputs::is_open(std::string_view name) const {
    return std::any_of(ports_.begin(), ports_.end(), [&](const Port& port) {
        return port.name == name && port.open.load(std::memory_order_acquire);
    });
}

void Outputs::open(reflow_network* network, const std::vector<std::string_view>& names) {
    Ports late;
    for (std::string_view name : names) {
        if (is_open(name)) continue;
        Output output;
        Error error;
        const reflow_status status = reflow_network_open_output(
            network, view_of(""), view_of(name), capacity, Out(output), Out(error));
        check(status, error, exit_failed);
        Port& port = ports_.emplace_back();
        port.name = name;
        port.output = std::move(output);
        late.push_back(&port);
    }
    if (!threaded_ || late.empty()) return;
    {
        std::lock_guard lock(late_mutex_);
        late_.insert(late_.end(), late.begin(), late.end());
    }
    late_changed_.notify_one();
    if (!std::exchange(late_reader_, true)) threads_.emplace_back([this] { read_late(); });
}

void Outputs::start_threads() {
    threaded_ = true;
    std::vector<Ports> shares(std::min(ports_.size(), max_threads));
    std::size_t next = 0;
    for (Port& port : ports_) shares[next++ % shares.size()].push_back(&port);
    for (Ports& share : shares) {
        threads_.emplace_back([this, share = std::move(share)] {
            while (read_turn(share)) {
            }
        });
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
    {
        std::lock_guard lock(late_mutex_);
        ending_.store(true, std::memory_order_relaxed);
    }
    late_changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

// Waits for each of the ports for a moment; false when all of them are closed.
bool Outputs::read_turn(const Ports& ports) {
    bool open = false;
    for (Port* port : ports) {
        if (!port->open) continue;
        const std::size_t count = take(*port, ports.size() == 1 ? wait_ms : turn_ms);
        if (count == 0 && ending_.load(std::memory_order_relaxed)) port->open = false;
        open = open || port->open;
    }
    return open;
}

void Outputs::read_late() {
    Ports ports;
    for (bool open = false;;) {
        {
            std::unique_lock lock(late_mutex_);
            if (!open) {
                late_changed_.wait(lock, [this] { return !late_.empty() || ending_.load(); });
                ports.clear();
                if (late_.empty()) return;
            }
            ports.insert(ports.end(), late_.begin(), late_.end());
            late_.clear();
        }
        open = read_turn(ports);
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
    // A port that went and came again with changes of the graph has several readers.
    std::map<std::string_view, std::string> kept;
    std::vector<std::string_view> names;
    for (const Port& port : ports_) {
        const auto [at, added] = kept.try_emplace(port.name);
        if (added) names.push_back(port.name);
        if (!at->second.empty() && !port.kept.empty()) at->second += ',';
        at->second += port.kept;
    }
    bool first = true;
    for (std::string_view name : names) {
        if (!first) json += ',';
        first = false;
        append_json(json, name);
        json += ":[" + kept[name] + "]";
    }
}

}  // namespace cli
