// Numbers of the MessagePack extension types that carry our kinds. They are part of the format
// (docs/messages.md) and never change; the low ones are left to other programs, which like them.
// Neighbours: the MessagePack reader and writer.
#pragma once

#include <cstdint>

namespace reflow::codec {

enum class Extension : std::int8_t {
    flow = 80,           // no payload
    event = 81,          // a value
    error = 82,          // text
    optional = 83,       // nothing, or a value
    any = 84,            // a value
    encoded = 85,        // the bytes
    stream = 86,         // values: id, size hint or nil, actor, port, content type or nil
    remote = 87,         // values: network, actor, port
    network_event = 88,  // values: type, data
    numbers = 89         // a byte that is the reflow_number, the numbers in little-endian order
};

}  // namespace reflow::codec
