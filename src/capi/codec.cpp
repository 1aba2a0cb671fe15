// Section 6 of reflow.h: codecs.
// Thread: any.
#include "capi/guard.hpp"
#include "codec/json.hpp"
#include "codec/msgpack.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

Result<codec::ReadLimits> limits_of(const reflow_read_options* given) {
    Result<reflow_read_options> read = read_options(given, "reflow_read_options");
    if (!read.ok()) return read.take_error();
    const reflow_read_options& options = read.value();
    codec::ReadLimits limits;
    if (options.max_depth > limits.depth) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("max_depth ", options.max_depth, " is above ", limits.depth));
    }
    if (options.max_depth != 0) limits.depth = options.max_depth;
    if (options.max_bytes != 0) limits.bytes = options.max_bytes;
    if (options.max_elements != 0) limits.elements = options.max_elements;
    if (options.unique_keys > 1) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unique_keys is ", options.unique_keys, "; 0 and 1 have a meaning"));
    }
    return limits;
}

// Of options that limits_of() has found to be right.
codec::Duplicates duplicates_of(const reflow_read_options* given) {
    Result<reflow_read_options> read = read_options(given, "reflow_read_options");
    return read.ok() && read.value().unique_keys == 1 ? codec::Duplicates::refuse
                                                      : codec::Duplicates::last_wins;
}

// What the three readers share: arguments, limits, the out-parameter.
template <typename Read>
reflow_status read_with(const void* data, std::size_t size, const reflow_read_options* options,
                        reflow_message* out, reflow_error** error, Read read) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (data == nullptr && size != 0) return null_argument("data");
        Result<codec::ReadLimits> limits = limits_of(options);
        if (!limits.ok()) return limits.take_error();
        std::string_view text = view_of({static_cast<const char*>(data), size});
        return give(read(text, limits.value()), out);
    });
}

}  // namespace

extern "C" {

reflow_status reflow_message_from_json(reflow_view text, const reflow_read_options* options,
                                       reflow_message* out, reflow_error** error) {
    return read_with(text.data, text.size, options, out, error,
                     [options](std::string_view json, const codec::ReadLimits& limits) {
                         return codec::read_json(json, limits, duplicates_of(options));
                     });
}

reflow_status reflow_message_from_tagged_json(reflow_view text, const reflow_read_options* options,
                                              reflow_message* out, reflow_error** error) {
    return read_with(text.data, text.size, options, out, error,
                     [](std::string_view json, const codec::ReadLimits& limits) {
                         return codec::read_tagged_json(json, limits);
                     });
}

reflow_status reflow_message_to_json(reflow_message message, reflow_json_style style,
                                     reflow_buffer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (MessageRef(message).none()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "argument 'message' is none");
        }
        String text;
        Result<void> written;
        if (style == REFLOW_JSON_TAGGED) {
            written = codec::write_tagged_json(text, MessageRef(message));
        } else if (style == REFLOW_JSON_PLAIN || style == REFLOW_JSON_PLAIN_PRETTY) {
            written = codec::write_json(text, MessageRef(message),
                                        style == REFLOW_JSON_PLAIN ? 0 : 2);
        } else {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown JSON style ", style));
        }
        if (!written.ok()) return written;
        return give_buffer(std::move(text), out);
    });
}

reflow_status reflow_message_from_msgpack(const void* data, size_t size,
                                          const reflow_read_options* options, reflow_message* out,
                                          reflow_error** error) {
    // REFLOW_NUL_TERMINATED is for text; bytes of that size cannot be.
    if (size == REFLOW_NUL_TERMINATED) data = nullptr;
    return read_with(data, size, options, out, error,
                     [](std::string_view bytes, const codec::ReadLimits& limits) {
                         return codec::read_msgpack(bytes, limits);
                     });
}

reflow_status reflow_message_to_msgpack(reflow_message message, reflow_buffer** out,
                                        reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (MessageRef(message).none()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "argument 'message' is none");
        }
        String bytes;
        Result<void> written = codec::write_msgpack(bytes, MessageRef(message));
        if (!written.ok()) return written;
        return give_buffer(std::move(bytes), out);
    });
}

}  // extern "C"
