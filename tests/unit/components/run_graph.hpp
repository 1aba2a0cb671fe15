// Runs a small graph on a runtime of its own and keeps what came out: for tests of components that
// need more than one call, such as files and timers.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "codec/json.hpp"
#include "components/actor.hpp"
#include "graph/load.hpp"
#include "io/files.hpp"
#include "network/network.hpp"
#include "network/runtime.hpp"

namespace reflow::test {

class RunGraph {
public:
    explicit RunGraph(const std::string& graph_json, reflow_mode mode = REFLOW_MODE_INLINE,
                      std::uint32_t port_capacity = 1000) {
        network::RuntimeOptions options;
        options.scheduler.mode = mode;
        options.scheduler.workers = 2;
        options.scheduler.budget = {64, 1'000'000};
        options.port_capacity = port_capacity;
        options.max_actors = 1000;
        options.max_growth = 1000;
        options.log = [](void* self, reflow_log_level level, reflow_view, reflow_view node,
                         reflow_view text) {
            static_cast<RunGraph*>(self)->logged.push_back(std::to_string(level) + " " +
                                                           std::string(view_of(node)) + ": " +
                                                           std::string(view_of(text)));
        };
        options.print = [](void* self, reflow_view, reflow_view text) {
            auto& run = *static_cast<RunGraph*>(self);
            if (run.print_status == REFLOW_OK) run.printed += view_of(text);
            return run.print_status;
        };
        auto library = components::library();
        if (!keep(library)) return;
        auto runtime = network::Runtime::create(options, network::HostData(this, nullptr),
                                                io::make_file_store(), std::move(library).take());
        if (!keep(runtime)) return;
        runtime_ = std::move(runtime).take();
        auto graph = graph::load(graph_json, REFLOW_FORMAT_JSON, "test.graph.json");
        if (!keep(graph)) return;
        auto made = network::Network::create(runtime_, graph.value());
        if (!keep(made)) return;
        network_ = std::move(made).take();
    }
    ~RunGraph() {
        outputs_.clear();
        if (network_) network_.leak()->abandon();  // which drops the reference
    }
    RunGraph(const RunGraph&) = delete;
    RunGraph& operator=(const RunGraph&) = delete;

    // Keeps what a port emits; before start.
    RunGraph& collect(const std::string& node, const std::string& port,
                      std::uint32_t capacity = 1'000'000) {
        if (!network_) return *this;
        auto output = network_->open_output(node, port, capacity);
        if (keep(output)) outputs_[node + "." + port] = std::move(output).take();
        return *this;
    }
    bool start() { return network_ && keep(network_->start()); }
    bool wait_idle(std::int64_t timeout_ms = 30'000) {
        return keep(network_->wait_idle(timeout_ms));
    }
    bool drain() { return keep(network_->drain(30'000)); }
    bool stop() { return keep(network_->stop(30'000)); }
    // All of it.
    bool run() { return start() && drain() && stop(); }

    bool send(const std::string& node, const std::string& port, const std::string& json) {
        auto message = codec::read_json(json);
        if (!keep(message)) return false;
        auto inport = network_->find_inport(node, port);
        if (!keep(inport)) return false;
        reflow_message raw = message.value().leak();
        std::size_t accepted = 0;
        bool sent = keep(network_->send(inport.value(), {&raw, 1}, 30'000, accepted));
        if (accepted == 0) (void)Message::adopt(raw);
        return sent;
    }
    // What came out of a port since the last call, as JSON.
    std::vector<std::string> got(const std::string& node, const std::string& port) {
        std::vector<std::string> all;
        auto& output = outputs_.at(node + "." + port);
        for (;;) {
            reflow_message raw{};
            std::size_t count = 0;
            if (output->recv({&raw, 1}, 0, count) != REFLOW_OK || count == 0) return all;
            Message message = Message::adopt(raw);
            String text;
            EXPECT_TRUE(codec::write_json(text, message).ok());
            all.emplace_back(text);
        }
    }
    // Lines of the log from this level on, "2 node: text".
    std::vector<std::string> logs(reflow_log_level least = REFLOW_LOG_WARN) const {
        std::vector<std::string> some;
        for (const std::string& line : logged) {
            if (line[0] - '0' <= least) some.push_back(line);
        }
        return some;
    }

    std::string error;  // of what failed last, for a person
    reflow_status status = REFLOW_OK;
    std::string printed;
    reflow_status print_status = REFLOW_OK;  // what the hook for people answers
    std::vector<std::string> logged;
    network::Network& network() { return *network_; }

private:
    template <typename T>
    bool keep(const Result<T>& result) {
        if (result.ok()) return true;
        error = std::string(result.error().describe());
        status = result.error().status;
        return false;
    }

    Ref<network::Runtime> runtime_;
    Ref<network::Network> network_;
    std::map<std::string, Ref<network::Output>> outputs_;
};

// A folder that is removed with everything in it.
class Folder {
public:
    Folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "reflow-test-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    std::string put(const std::string& name, const std::string& content) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << content;
        return *this / name;
    }
    std::string get(const std::string& name) const {
        std::ifstream file(path_ / name, std::ios::binary);
        std::ostringstream content;
        content << file.rdbuf();
        return content.str();
    }

private:
    std::filesystem::path path_;
};

// A graph of one node; the inport is fed from outside.
inline std::string one_node(const std::string& component, const std::string& config,
                            const std::string& inport = {}) {
    std::string exposed;
    if (!inport.empty()) {
        exposed = R"("inports":{")" + inport + R"(":{"nodeId":"n","portId":")" + inport + "\"}},";
    }
    return R"({"properties":{"name":"test"},)" + exposed + R"("processes":{"n":{"component":")" +
           component + R"(","metadata":)" + config + "}}}";
}

using Lines = std::vector<std::string>;

}  // namespace reflow::test
