// Plain JSON: the functions of json.hpp.
// Neighbours: json_reader.cpp, json_out.cpp, plain.hpp. Thread: any.
#include "codec/json.hpp"

#include "codec/json_out.hpp"
#include "codec/json_reader.hpp"
#include "codec/plain.hpp"

namespace reflow::codec {

Result<Message> read_json(std::string_view text, const ReadLimits& limits, Duplicates duplicates,
                          Places* places) {
    JsonReader::Options options;
    options.limits = limits;
    options.duplicates = duplicates;
    options.places = places;
    return JsonReader(options).read(text);
}

Result<void> write_json(String& to, MessageRef message, unsigned indent) {
    JsonOut out(to, indent);
    Result<void> written = PlainWalk<JsonOut>(out).walk(message);
    if (written.ok()) out.finish();
    return written;
}

}  // namespace reflow::codec
