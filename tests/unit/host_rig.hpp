// A host in C++ that uses the C interface, above all for tests of callbacks that throw: texts, a component with one
// inport and one outport, and what was called and logged. Thread: any.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "reflow.h"

namespace host_rig {

inline reflow_view view(std::string_view text) { return {text.data(), text.size()}; }
inline std::string text(reflow_view of) { return {of.data, of.size}; }

// With ports in and out; callbacks says which ones it has.
inline void register_one_way(reflow_runtime* runtime, std::string_view id, reflow_component callbacks) {
    reflow_port in{}, out{};
    in.name = view("in");
    out.name = view("out");
    callbacks.struct_size = sizeof callbacks;
    callbacks.port_size = sizeof(reflow_port);
    callbacks.id = view(id);
    callbacks.inports = &in;
    callbacks.outports = &out;
    callbacks.inport_count = callbacks.outport_count = 1;
    ASSERT_EQ(REFLOW_OK, reflow_runtime_register(runtime, &callbacks, nullptr));
}

// What was called and thrown, and what the log was told.
class Seen {
public:
    void reset() {
        std::lock_guard lock(mutex_);
        calls_.clear();
        lines_.clear();
    }
    void log(reflow_view line) {
        std::lock_guard lock(mutex_);
        lines_.push_back(text(line));
        changed_.notify_all();
    }
    [[noreturn]] void throws(const std::string& name) {
        {
            std::lock_guard lock(mutex_);
            ++calls_[name];
            changed_.notify_all();
        }
        throw std::runtime_error("enough of " + name);
    }
    void wait(const std::string& name, int times = 1) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, patience, [&] { return calls_[name] >= times; })) << name;
    }
    // part: of a line.
    void wait_line(const std::string& part) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, patience, [&] { return has(part); })) << part;
    }

private:
    static constexpr std::chrono::minutes patience{2};
    bool has(const std::string& part) const {
        for (const std::string& line : lines_) {
            if (line.find(part) != std::string::npos) return true;
        }
        return false;
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, int> calls_;
    std::vector<std::string> lines_;
};

inline Seen seen;

// A callback without arguments of its own; the name is the user data of all that have some.
inline void throws(void* name) { seen.throws(static_cast<const char*>(name)); }
inline void* name(const char* of) { return const_cast<char*>(of); }

}  // namespace host_rig
