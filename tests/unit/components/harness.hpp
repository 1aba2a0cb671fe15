// Runs components in real networks for tests: feed packets in as JSON, read packets out as JSON.
// Single-threaded (mode inline, or simulated by a seed), files in memory.
//
//     Harness map("Map", R"({"set": {"b": "a + 1"}})");
//     map.send("in", R"({"a": 1})");
//     EXPECT_EQ(map.take("out"), Lines({R"({"a":1,"b":2})"}));
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/store.hpp"
#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "components/actor.hpp"
#include "graph/load.hpp"
#include "network/network.hpp"
#include "network/runtime.hpp"
#include "network/snapshot.hpp"

namespace reflow::components::testing {

using Lines = std::vector<std::string>;

inline Message from_json(std::string_view text) {
    Result<Message> message = codec::read_json(text);
    EXPECT_TRUE(message.ok()) << (message.ok() ? "" : message.error().message) << ": " << text;
    return message.ok() ? std::move(message).take() : Message();
}

inline std::string to_json(MessageRef message) {
    String text;
    Result<void> written = codec::write_json(text, message);
    EXPECT_TRUE(written.ok());
    return std::string(text);
}

// Files as a map from path to content. Shared with the store inside the runtime, so that a test
// can fill in and look at them; a path in `refused` cannot be opened.
struct Files {
    std::map<std::string, std::string, std::less<>> contents;
    std::map<std::string, std::string, std::less<>> refused;  // path to reason
    // Behind so many bytes reading fails, and writing does.
    std::map<std::string, std::size_t, std::less<>> breaks;
    std::map<std::string, std::size_t, std::less<>> full;
};

class MemoryStore final : public Store {
public:
    explicit MemoryStore(std::shared_ptr<Files> files) : files_(std::move(files)) {}

    Result<std::unique_ptr<Reader>> open_reader(std::string_view path) override {
        Result<std::string*> found = find(path);
        if (!found.ok()) return found.take_error();
        auto breaks = files_->breaks.find(path);
        std::size_t most = breaks == files_->breaks.end() ? SIZE_MAX : breaks->second;
        return std::unique_ptr<Reader>(new MemoryReader(*found.value(), most));
    }
    Result<std::unique_ptr<Writer>> open_writer(std::string_view path, bool append) override {
        if (Result<void> allowed = check(path); !allowed.ok()) return allowed.take_error();
        std::string& content = files_->contents[std::string(path)];
        if (!append) content.clear();
        return std::unique_ptr<Writer>(new MemoryWriter(content, append, files_, path));
    }
    Result<std::unique_ptr<Writer>> open_writer_at(std::string_view path,
                                                   std::uint64_t position) override {
        Result<std::string*> found = find(path);
        if (!found.ok()) return found.take_error();
        if (found.value()->size() < position) return Failure(REFLOW_ERROR_IO, "it is shorter");
        found.value()->resize(position);
        return std::unique_ptr<Writer>(new MemoryWriter(*found.value(), false, files_, path));
    }
    Result<String> read_file(std::string_view path, std::uint64_t) override {
        Result<std::string*> found = find(path);
        if (!found.ok()) return found.take_error();
        return String(*found.value());
    }
    Result<void> write_file(std::string_view path, std::string_view data) override {
        if (Result<void> allowed = check(path); !allowed.ok()) return allowed;
        files_->contents[std::string(path)] = data;
        return {};
    }

private:
    class MemoryReader final : public Reader {
    public:
        MemoryReader(std::string content, std::size_t most)
            : content_(std::move(content)), most_(most) {}
        Result<std::size_t> read(std::span<char> buffer) override {
            std::size_t count = std::min(buffer.size(), content_.size() - at_);
            if (at_ == most_) return Failure(REFLOW_ERROR_IO, "the disk is broken");
            count = std::min(count, most_ - at_);
            content_.copy(buffer.data(), count, at_);
            at_ += count;
            return count;
        }

    private:
        std::string content_;
        const std::size_t most_;
        std::size_t at_ = 0;
    };
    // One that appends writes at the end, any other where it stands, as files do.
    class MemoryWriter final : public Writer {
    public:
        MemoryWriter(std::string& content, bool append, std::shared_ptr<Files> files,
                     std::string_view path)
            : content_(content),
              append_(append),
              at_(content.size()),
              files_(std::move(files)),
              path_(path) {}
        Result<std::size_t> write(std::string_view data) override {
            if (append_) at_ = content_.size();
            auto full = files_->full.find(path_);
            if (full != files_->full.end() && at_ + data.size() > full->second) {
                return Failure(REFLOW_ERROR_IO, "the disk is full");
            }
            if (content_.size() < at_) content_.resize(at_);
            content_.replace(at_, data.size(), data);
            at_ += data.size();
            return data.size();
        }
        Result<void> flush() override { return {}; }
        Result<std::uint64_t> position() override { return std::uint64_t{at_}; }
        Result<void> close() override { return {}; }

    private:
        std::string& content_;
        const bool append_;
        std::size_t at_;
        std::shared_ptr<Files> files_;
        const std::string path_;
    };

    Result<void> check(std::string_view path) const {
        auto refused = files_->refused.find(path);
        if (refused == files_->refused.end()) return {};
        return Failure(REFLOW_ERROR_IO, refused->second).file(path);
    }
    Result<std::string*> find(std::string_view path) {
        if (Result<void> allowed = check(path); !allowed.ok()) return allowed.take_error();
        auto found = files_->contents.find(path);
        if (found != files_->contents.end()) return &found->second;
        return Failure(REFLOW_ERROR_IO, "no such file or directory").file(path);
    }

    std::shared_ptr<Files> files_;
};

struct HarnessOptions {
    std::uint32_t port_capacity = 0;          // of inports; 0: the default
    std::uint32_t read_capacity = 1'000'000;  // of what take() reads
    bool simulated = false;
    std::uint64_t seed = 1;
    Message restore = {};  // a snapshot to go on with
    std::shared_ptr<Files> files = std::make_shared<Files>();
};

class Harness {
public:
    using Port = std::pair<std::string, std::string>;  // node and port

    // A single node "node" of a component. All its outports are read, "error" as well.
    Harness(std::string_view component, std::string_view config, HarnessOptions options = {})
        : files(options.files), options_(std::move(options)) {
        std::vector<Port> read = {{"node", "error"}};
        create(node_graph(component, config, read), read);
    }

    // A whole graph document (JSON); the outports that are named are read.
    Harness(std::string_view graph, const std::vector<Port>& read, HarnessOptions options = {})
        : files(options.files), options_(std::move(options)) {
        Result<graph::Graph> loaded = graph::load(graph, REFLOW_FORMAT_JSON, "test");
        create(std::move(loaded), read);
    }

    Harness(const Harness&) = delete;
    Harness& operator=(const Harness&) = delete;

    ~Harness() {
        if (network_) network_.leak()->abandon();
    }

    // The error of creation or start as one line; empty if the network runs. `failure` has its
    // parts.
    [[nodiscard]] const std::string& error() const { return error_; }
    std::unique_ptr<Error> failure;

    // Sends a packet and lets the network run until it is idle.
    void send(std::string_view port, std::string_view json) { send("node", port, json); }
    void send(std::string_view node, std::string_view port, std::string_view json) {
        send(node, port, from_json(json));
        idle();
    }
    // Sends a packet and runs nothing, as long as there is room.
    void send(std::string_view node, std::string_view port, Message message) {
        ASSERT_EQ(error_, "");
        Result<std::uint64_t> inport = network_->find_inport(node, port);
        ASSERT_TRUE(inport.ok()) << inport.error().message;
        std::size_t accepted = 0;
        reflow_message raw = message.raw();
        Result<void> sent = network_->send(inport.value(), {&raw, 1}, -1, accepted);
        ASSERT_TRUE(sent.ok()) << sent.error().message;
        if (accepted == 1) (void)message.leak();
    }
    void idle() {
        Result<void> done = network_->wait_idle(-1);
        ASSERT_TRUE(done.ok()) << done.error().message;
    }
    // Runs until nothing is left to do, or only what waits for a reader.
    void settle() { (void)network_->wait_idle(-1).ok(); }
    // Through its bytes.
    [[nodiscard]] Message snapshot() {
        Result<Message> taken = network_->snapshot(-1);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().describe());
        if (!taken.ok()) return {};
        String bytes;
        EXPECT_TRUE(codec::write_msgpack(bytes, taken.value()).ok());
        Result<Message> read = codec::read_msgpack(bytes);
        EXPECT_TRUE(read.ok());
        return read.ok() ? std::move(read).take() : Message();
    }
    // Becomes the network of another document; what goes is dropped at once.
    void change(std::string_view graph) {
        Result<graph::Graph> loaded = graph::load(graph, REFLOW_FORMAT_JSON, "test");
        ASSERT_TRUE(loaded.ok()) << loaded.error().describe();
        network::ChangeOptions how;
        how.timeout_ms = -1;
        reflow_change done{};
        Result<void> changed = network_->apply(
            make_ref<graph::SharedGraph>(std::move(loaded).take()), how, done);
        ASSERT_TRUE(changed.ok()) << changed.error().describe();
    }
    [[nodiscard]] network::Network& network() { return *network_; }
    // Drains: every component finishes.
    void finish() {
        ASSERT_EQ(error_, "");
        Result<void> done = network_->drain(-1);
        ASSERT_TRUE(done.ok()) << done.error().message;
    }

    // What an outport has sent since the last call.
    [[nodiscard]] std::vector<Message> messages(std::string_view node, std::string_view port) {
        std::vector<Message> all;
        auto output = outputs_.find(Port(node, port));
        EXPECT_NE(output, outputs_.end()) << node << "." << port << " is not read";
        if (output == outputs_.end()) return all;
        for (;;) {
            reflow_message batch[64];
            std::size_t count = 0;
            reflow_status status = output->second->recv(batch, 0, count);
            for (std::size_t i = 0; i < count; ++i) all.push_back(Message::adopt(batch[i]));
            if (status != REFLOW_OK || count == 0) return all;
        }
    }
    [[nodiscard]] std::vector<Message> messages(std::string_view port) {
        return messages("node", port);
    }
    // The same as JSON; of an error its text.
    [[nodiscard]] Lines take(std::string_view node, std::string_view port) {
        Lines lines;
        for (const Message& message : messages(node, port)) {
            bool error = message.is(REFLOW_KIND_ERROR);
            lines.push_back(error ? std::string(message.text()) : to_json(message));
        }
        return lines;
    }
    [[nodiscard]] Lines take(std::string_view port) { return take("node", port); }

    [[nodiscard]] reflow_node_counters counters(std::string_view node = "node") const {
        reflow_node_counters counters{};
        counters.struct_size = sizeof counters;
        Result<void> read = network_->counters(node, counters);
        EXPECT_TRUE(read.ok());
        return counters;
    }

    // What components printed, and logged ("info node: text").
    [[nodiscard]] const std::string& printed() const { return hooks_->printed; }
    [[nodiscard]] const Lines& logged() const { return hooks_->logged; }

    std::shared_ptr<Files> files;

private:
    struct Hooks {
        std::string printed;
        Lines logged;
    };

    // The node with all its inports exposed, and the names of its outports.
    static Result<graph::Graph> node_graph(std::string_view component, std::string_view config,
                                           std::vector<Port>& read) {
        graph::Graph graph("test");
        Result<void> done = graph.add_node("node", component, from_json(config));
        Result<Vector<runtime::ComponentRef>> all = library();
        if (!all.ok()) return all.take_error();
        for (const runtime::ComponentRef& known : all.value()) {
            if (known->id != component) continue;
            for (const runtime::Port& port : known->inports) {
                if (done.ok()) done = graph.add_inport(port.name, {"node", port.name}, port.type);
            }
            for (const runtime::Port& port : known->outports) {
                if (port.name != "error") read.emplace_back("node", port.name);
            }
        }
        if (!done.ok()) return done.take_error();
        return graph;
    }

    void fail(std::unique_ptr<Error> error) {
        error_ = error->describe();
        failure = std::move(error);
    }

    void create(Result<graph::Graph> graph, const std::vector<Port>& read) {
        if (!graph.ok()) return fail(graph.take_error());
        network::RuntimeOptions settings;
        settings.scheduler.mode = options_.simulated ? REFLOW_MODE_SIMULATED : REFLOW_MODE_INLINE;
        settings.scheduler.seed = options_.seed;
        settings.port_capacity =
            options_.port_capacity != 0 ? options_.port_capacity : limits::port_capacity_count;
        settings.max_actors = limits::actors_count;
        settings.max_growth = limits::growth_count;
        settings.scheduler.budget = {limits::batch_packets_count, limits::batch_us * 1000};
        settings.log_level = REFLOW_LOG_TRACE;
        settings.print = [](void* hooks, reflow_view, reflow_view text) {
            static_cast<Hooks*>(hooks)->printed += view_of(text);
            return reflow_status{REFLOW_OK};
        };
        settings.log = [](void* hooks, reflow_log_level level, reflow_view, reflow_view node,
                          reflow_view text) {
            static constexpr const char* names[] = {"", "error", "warn", "info", "debug", "trace"};
            static_cast<Hooks*>(hooks)->logged.push_back(std::string(names[level]) + " " +
                                                         std::string(view_of(node)) + ": " +
                                                         std::string(view_of(text)));
        };
        Result<Vector<runtime::ComponentRef>> components = library();
        if (!components.ok()) return fail(components.take_error());
        Result<Ref<network::Runtime>> runtime = network::Runtime::create(
            settings, network::HostData(hooks_.get(), nullptr),
            std::make_unique<MemoryStore>(files), std::move(components).take());
        if (!runtime.ok()) return fail(runtime.take_error());
        Result<Ref<network::Network>> network =
            network::Network::create(runtime.value(), graph.value());
        if (!network.ok()) return fail(network.take_error());
        network_ = std::move(network).take();
        for (const Port& port : read) {
            Result<Ref<network::Output>> output =
                network_->open_output(port.first, port.second, options_.read_capacity);
            if (!output.ok()) return fail(output.take_error());
            outputs_.emplace(port, std::move(output).take());
        }
        if (!options_.restore.none()) {
            Result<void> restored = network_->restore(options_.restore, {nullptr, nullptr});
            if (!restored.ok()) return fail(restored.take_error());
        }
        if (Result<void> started = network_->start(); !started.ok()) fail(started.take_error());
    }

    HarnessOptions options_;
    std::string error_;
    std::unique_ptr<Hooks> hooks_ = std::make_unique<Hooks>();
    Ref<network::Network> network_;
    std::map<Port, Ref<network::Output>> outputs_;
};

}  // namespace reflow::components::testing
