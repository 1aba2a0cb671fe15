// A kind in the words of JSON, for errors. Thread: any.
#include "message/kind_words.hpp"

namespace reflow {

std::string_view kind_with_article(MessageRef message) noexcept {
    switch (message.kind()) {
        case REFLOW_KIND_NONE:
            return "nothing";
        case REFLOW_KIND_NULL:
            return "null";
        case REFLOW_KIND_FLOW:
            return "a flow signal";
        case REFLOW_KIND_BOOLEAN:
            return "a boolean";
        case REFLOW_KIND_INTEGER:
            return "an integer";
        case REFLOW_KIND_FLOAT:
            return "a float";
        case REFLOW_KIND_STRING:
            return "a string";
        case REFLOW_KIND_BYTES:
            return "bytes";
        case REFLOW_KIND_ARRAY:
            return "an array";
        case REFLOW_KIND_OBJECT:
            return "an object";
        case REFLOW_KIND_EVENT:
            return "an event";
        case REFLOW_KIND_ERROR:
            return "an error";
        case REFLOW_KIND_OPTIONAL:
            return "an optional";
        case REFLOW_KIND_ANY:
            return "an any";
        case REFLOW_KIND_ENCODED:
            return "an encoded message";
        case REFLOW_KIND_STREAM:
            return "a stream handle";
        case REFLOW_KIND_REMOTE:
            return "a remote reference";
        case REFLOW_KIND_NETWORK_EVENT:
            return "a network event";
        default:
            return "a value of an unknown kind";
    }
}

}  // namespace reflow
