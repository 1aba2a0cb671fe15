// The codec shapes of the contender "reflow": documents in and out through the header, and the
// checksum of what was read. Main thread.
#include "codec/documents.hpp"
#include "host.hpp"

namespace bench {
namespace {

struct Place {
    reflow_message message;
    std::size_t next;
};

void enter(reflow_message message, Checksum& sum, std::vector<Place>& path) {
    reflow_view text;
    bool truth = false;
    double number = 0;
    switch (reflow_message_kind(message)) {
        case REFLOW_KIND_NULL:
            sum.null();
            break;
        case REFLOW_KIND_BOOLEAN:
            must(reflow_message_get_boolean(message, &truth), "boolean");
            sum.boolean(truth);
            break;
        case REFLOW_KIND_INTEGER:
        case REFLOW_KIND_FLOAT:
            must(reflow_message_get_float(message, &number), "number");
            sum.number(number);
            break;
        case REFLOW_KIND_STRING:
            must(reflow_message_get_text(message, &text), "text");
            sum.text({text.data, text.size});
            break;
        case REFLOW_KIND_ARRAY:
            sum.array(reflow_message_count(message));
            path.push_back({message, 0});
            break;
        case REFLOW_KIND_OBJECT:
            sum.object(reflow_message_count(message));
            path.push_back({message, 0});
            break;
        default:
            must(REFLOW_ERROR_WRONG_KIND, "a kind that the document does not have");
    }
}

std::int64_t checksum(reflow_message message) {
    Checksum sum;
    std::vector<Place> path;
    enter(message, sum, path);
    while (!path.empty()) {
        Place& place = path.back();
        if (place.next == reflow_message_count(place.message)) {
            path.pop_back();
            continue;
        }
        if (reflow_message_kind(place.message) == REFLOW_KIND_OBJECT) {
            reflow_view key;
            must(reflow_message_get_key(place.message, place.next, &key), "key");
            sum.text({key.data, key.size});
        }
        reflow_message element;
        must(reflow_message_get_at(place.message, place.next++, &element), "element");
        enter(element, sum, path);
    }
    return sum.value();
}

reflow_message read(bool json, reflow_view text) {
    reflow_message message;
    Error error;
    must(json ? reflow_message_from_json(text, nullptr, &message, error)
              : reflow_message_from_msgpack(text.data, text.size, nullptr, &message, error),
         "read", error);
    return message;
}

reflow_buffer* write(bool json, reflow_message message) {
    reflow_buffer* buffer = nullptr;
    Error error;
    must(json ? reflow_message_to_json(message, REFLOW_JSON_PLAIN, &buffer, error)
              : reflow_message_to_msgpack(message, &buffer, error),
         "write", error);
    return buffer;
}

}  // namespace

// size is the number of the document. What was written is read again for its checksum.
int run_codec(const Call& call) {
    bool json = call.shape.starts_with("json-");
    // As in a host: while there is a runtime, memory that documents have left is used again.
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_INLINE;
    reflow_runtime* runtime = nullptr;
    Error failed;
    must(reflow_runtime_create(&options, &runtime, failed), "runtime", failed);
    const std::string& source = json ? document(call.size).json : document(call.size).msgpack;
    reflow_message message = read(json, view(source));
    reflow_buffer* buffer = nullptr;
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        if (call.shape.ends_with("-read")) {
            reflow_message_unref(message);
            message = read(json, view(source));
        } else {
            reflow_buffer_destroy(buffer);
            buffer = write(json, message);
        }
    }
    std::uint64_t took = now_ns() - begin;
    if (buffer != nullptr) {
        reflow_message_unref(message);
        message = read(json, reflow_buffer_get(buffer));
        reflow_buffer_destroy(buffer);
    }
    std::int64_t sum = checksum(message);
    reflow_message_unref(message);
    reflow_runtime_destroy(runtime);
    return answer(took, call.n, sum);
}

}  // namespace bench
