// Numbers of the MessagePack extension types that carry our kinds. They are part of the format
// (docs/messages.md) and never change. Neighbours: the MessagePack reader and writer.
#pragma once

#include <cstdint>

namespace reflow::codec {

enum class Extension : std::int8_t {
    flow = 1,           // no payload
    event = 2,          // a value
    error = 3,          // text
    optional = 4,       // nothing, or a value
    any = 5,            // a value
    encoded = 6,        // the bytes
    stream = 7,         // values: id, size hint or nil, actor, port, content type or nil
    remote = 8,         // values: network, actor, port
    network_event = 9,  // values: type, data
    numbers = 10        // a byte that is the reflow_number, the numbers in little-endian order
};

}  // namespace reflow::codec
