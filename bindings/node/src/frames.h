// How many packets cross at once between the engine and JavaScript: arrays that both sides see. Numbers and
// other scalars cross by memory alone; everything else is converted one by one.
// Thread: JS. One frame is in use at a time, which is so because a dispatch never nests.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <cstdint>
#include <vector>

namespace reflow_node {

// What stands in a place; the same numbers are in lib/frames.cjs.
enum Tag : std::uint8_t {
    kNumber = 0,  // in numbers
    kValue = 1,   // in values (inwards); in the messages (outwards)
    kNull = 2,
    kFalse = 3,
    kTrue = 4,
    kUndefined = 5,
};

// An outport as JavaScript tells it: with an element of an array port, which is one more there, in the
// upper bits; see portNumber in lib/context.cjs.
struct Place {
    explicit Place(std::uint32_t told)
        : port(told & 1023), index(told < 1024 ? REFLOW_NO_INDEX : (told >> 10) - 1) {}
    std::uint32_t port;
    std::uint32_t index;
};

class Frames {
public:
    static constexpr std::size_t kCapacity = 4096;

    explicit Frames(Napi::Object arrays);

    // Puts a message at a place for JavaScript.
    void put(napi_env env, std::size_t at, reflow_message message, bool typed);
    void set_port(std::size_t at, std::uint32_t port) { in_ports_[at] = port; }
    // The element of an array port that it came in at; REFLOW_NO_INDEX for none is -1 there.
    void set_index(std::size_t at, std::uint32_t index) {
        in_indexes_[at] = static_cast<std::int32_t>(index);
    }
    // The messages that JavaScript has put at the first count places, with their ports.
    void take(std::size_t count, std::vector<reflow_message>& messages,
              std::vector<std::uint32_t>& ports);
    // Keeps a message that JavaScript puts out at a place.
    void keep(std::size_t at, reflow_message message);
    // What the last dispatch has said; see lib/dispatch.cjs.
    [[nodiscard]] std::int32_t state(std::size_t at) const { return state_[at]; }
    void set_state(std::size_t at, std::int32_t value) { state_[at] = value; }

private:
    std::uint8_t* in_tags_ = nullptr;
    double* in_numbers_ = nullptr;
    std::uint32_t* in_ports_ = nullptr;
    std::int32_t* in_indexes_ = nullptr;
    std::uint8_t* out_tags_ = nullptr;
    double* out_numbers_ = nullptr;
    std::uint32_t* out_ports_ = nullptr;
    std::int32_t* state_ = nullptr;
    std::vector<reflow_message> out_messages_;
    Napi::ObjectReference arrays_;
    napi_ref values_ = nullptr;
};

}  // namespace reflow_node
