// The extension types of MessagePack that carry our kinds: docs/messages.md.
// Neighbours: msgpack_reader.cpp. Thread: any.
#include <algorithm>
#include <bit>

#include "base/text.hpp"
#include "codec/limits.hpp"
#include "codec/msgpack_reader.hpp"

namespace reflow::codec {

MsgpackReader::Step MsgpackReader::extension(std::uint64_t size) {
    if (!need(size + 1, "an extension")) return Step::fail;
    int type = static_cast<signed char>(*at_++);
    return known_extension(type, at_ + size);
}

MsgpackReader::Step MsgpackReader::known_extension(int type, const char* end) {
    std::string_view payload(at_, static_cast<std::size_t>(end - at_));
    bool ok = true;
    switch (type) {
        case static_cast<int>(Extension::flow):
            if (!payload.empty()) return failed(start_, "a flow extension is not empty");
            return done(Message::flow());
        case static_cast<int>(Extension::error): {
            std::string_view view;
            if (!text(payload.size(), &view)) return Step::fail;
            return done(Message::error(view));
        }
        case static_cast<int>(Extension::encoded):
            at_ = end;
            return done(Message::encoded(payload));
        case static_cast<int>(Extension::event):
            return wrap(Extension::event, end);
        case static_cast<int>(Extension::optional):
            return wrap(Extension::optional, end);
        case static_cast<int>(Extension::any):
            return wrap(Extension::any, end);
        case static_cast<int>(Extension::network_event):
            return network_event(end);
        case static_cast<int>(Extension::stream):
            ok = stream(end);
            break;
        case static_cast<int>(Extension::remote):
            ok = remote(end);
            break;
        case static_cast<int>(Extension::numbers):
            ok = numbers(payload);
            break;
        case -1:
            return failed(start_, "there is no kind of message for a MessagePack timestamp");
        default:
            return failed(start_, concat("extension type ", type, " is not known"));
    }
    return ok ? Step::done : Step::fail;
}

MsgpackReader::Step MsgpackReader::wrap(Extension type, const char* end) {
    if (depth_ >= levels_max_) return failed(start_, over_levels(limits_), REFLOW_ERROR_LIMIT);
    if (type == Extension::optional && at_ == end) {
        Result<Message> empty = Message::wrap(REFLOW_KIND_OPTIONAL, Message());
        if (!empty.ok()) return failed(start_, empty.error().message, empty.error().status);
        return done(std::move(empty).take());
    }
    Level& level = push(Shape::wrap, 1);
    level.type = type;
    bound_ = end;
    return Step::open;
}

MsgpackReader::Step MsgpackReader::network_event(const char* end) {
    Step step = wrap(Extension::network_event, end);
    if (step == Step::fail) return step;
    std::string_view name;
    if (!text_value(&name)) return Step::fail;
    values_.room(1);
    values_.push(texts_.key(name));
    return Step::open;
}

bool MsgpackReader::stream(const char* end) {
    const char* outer = std::exchange(bound_, end);
    MessageRef::Stream fields;
    if (!unsigned_value(&fields.stream_id)) return false;
    fields.has_size_hint = !nil();
    if (fields.has_size_hint && !unsigned_value(&fields.size_hint)) return false;
    if (!text_value(&fields.origin_actor) || !text_value(&fields.origin_port)) return false;
    if (!nil() && !text_value(&fields.content_type)) return false;
    if (!ended(end, "a stream handle")) return false;
    bound_ = outer;
    put(Message::stream(fields));
    return true;
}

bool MsgpackReader::remote(const char* end) {
    const char* outer = std::exchange(bound_, end);
    MessageRef::Remote fields;
    if (!text_value(&fields.network_id) || !text_value(&fields.actor_id) ||
        !text_value(&fields.port)) {
        return false;
    }
    if (!ended(end, "a remote reference")) return false;
    bound_ = outer;
    put(Message::remote(fields.network_id, fields.actor_id, fields.port));
    return true;
}

bool MsgpackReader::ended(const char* end, std::string_view what) {
    return at_ == end || fail(at_, concat("bytes behind the parts of ", what));
}

bool MsgpackReader::numbers(std::string_view payload) {
    reflow_number type = payload.empty() ? 0 : static_cast<unsigned char>(payload.front());
    std::size_t item = Message::number_size(type);
    if (item == 0) return fail(start_, concat("packed numbers of the unknown type ", type));
    payload.remove_prefix(1);
    if (payload.size() % item != 0) {
        return fail(start_,
                    concat("packed numbers: ", payload.size(), " bytes are no multiple of ", item));
    }
    std::size_t count = payload.size() / item;
    if (count > elements_left_) return fail(start_, over_elements(limits_), REFLOW_ERROR_LIMIT);
    elements_left_ -= count;
    if constexpr (std::endian::native == std::endian::little) {
        put(Message::numbers(type, payload.data(), count));
    } else {
        String swapped(payload);
        for (std::size_t at = 0; at < swapped.size(); at += item) {
            std::reverse(swapped.data() + at, swapped.data() + at + item);
        }
        put(Message::numbers(type, swapped.data(), count));
    }
    at_ = payload.data() + payload.size();
    return true;
}

}  // namespace reflow::codec
