// Equality of messages, without recursion.
// Thread: any.
#include <cmath>

#include "message/message.hpp"

namespace reflow {
namespace {

struct Pair {
    MessageRef a;
    MessageRef b;
};

bool equal_texts(MessageRef a, MessageRef b) { return a.bytes() == b.bytes(); }

bool equal_streams(MessageRef a, MessageRef b) {
    MessageRef::Stream x = a.stream();
    MessageRef::Stream y = b.stream();
    return x.stream_id == y.stream_id && x.has_size_hint == y.has_size_hint &&
           (!x.has_size_hint || x.size_hint == y.size_hint) &&
           x.origin_actor == y.origin_actor && x.origin_port == y.origin_port &&
           x.content_type == y.content_type;
}

bool equal_remotes(MessageRef a, MessageRef b) {
    MessageRef::Remote x = a.remote();
    MessageRef::Remote y = b.remote();
    return x.network_id == y.network_id && x.actor_id == y.actor_id && x.port == y.port;
}

// Compares what is on this level; what is inside goes on the list.
bool equal_level(MessageRef a, MessageRef b, Vector<Pair>& rest) {
    if (a.kind() != b.kind()) return false;
    if (a.raw().tag == b.raw().tag && a.raw().payload == b.raw().payload) return true;
    switch (a.kind()) {
        case REFLOW_KIND_FLOAT:
            return a.real() == b.real() || (std::isnan(a.real()) && std::isnan(b.real()));
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_BYTES:
        case REFLOW_KIND_ERROR:
        case REFLOW_KIND_ENCODED: return equal_texts(a, b);
        case REFLOW_KIND_ARRAY:
            if (a.size() != b.size()) return false;
            for (std::size_t i = 0; i < a.size(); ++i) rest.push_back({a.at(i), b.at(i)});
            return true;
        case REFLOW_KIND_OBJECT:
            if (a.size() != b.size()) return false;
            for (std::size_t i = 0; i < a.size(); ++i) {
                MessageRef other = b.get(a.key_at(i));
                if (other.none()) return false;
                rest.push_back({a.at(i), other});
            }
            return true;
        case REFLOW_KIND_EVENT:
        case REFLOW_KIND_ANY:
        case REFLOW_KIND_OPTIONAL:
        case REFLOW_KIND_NETWORK_EVENT:
            rest.push_back({a.content(), b.content()});
            return a.event_type() == b.event_type();
        case REFLOW_KIND_STREAM: return equal_streams(a, b);
        case REFLOW_KIND_REMOTE: return equal_remotes(a, b);
        default: return a.raw().payload == b.raw().payload;
    }
}

}  // namespace

bool equal(MessageRef a, MessageRef b) {
    Vector<Pair> rest;
    rest.push_back({a, b});
    while (!rest.empty()) {
        Pair pair = rest.back();
        rest.pop_back();
        if (!equal_level(pair.a, pair.b, rest)) return false;
    }
    return true;
}

}  // namespace reflow
