// The frames of the published original: JSON texts without a tag, told apart by their keys; see
// frame.hpp. Thread: any.
#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"
#include "peer/frame.hpp"

namespace reflow::peer {
namespace {

Failure wrong(std::string_view frame, std::string_view key, std::string_view what) {
    return Failure(REFLOW_ERROR_PROTOCOL, concat(frame, ": '", key, "' ", what));
}

// One frame, whose keys are read one after the other; the first that is wrong is told.
class Keys {
public:
    Keys(MessageRef frame, std::string_view name) : frame_(frame), name_(name) {}
    [[nodiscard]] String text(std::string_view key) {
        MessageRef value = frame_.get(key);
        if (!value.is(REFLOW_KIND_STRING)) {
            note(key, value.none() ? "is missing" : "is not a text");
        } else if (value.text().size() > limits::peer_name_bytes) {
            note(key, concat("has more than ", limits::peer_name_bytes, " bytes"));
        }
        return String(value.text());
    }
    void note(std::string_view key, std::string_view what) {
        if (!problem_) problem_ = wrong(name_, key, what).take();
    }
    [[nodiscard]] std::unique_ptr<Error> problem() noexcept { return std::move(problem_); }
    [[nodiscard]] bool fine() const noexcept { return problem_ == nullptr; }

private:
    MessageRef frame_;
    std::string_view name_;
    std::unique_ptr<Error> problem_ = nullptr;
};

// {"key":"text","key":"text"
void add_text(String& to, std::string_view key, std::string_view value) {
    to.push_back(to.empty() ? '{' : ',');
    codec::write_json_string(to, key);
    to.push_back(':');
    codec::write_json_string(to, value);
}

Result<String> write(const RemoteMessage& message) {
    String to;
    add_text(to, "message_id", message.message_id);
    add_text(to, "source_network", message.source_network);
    add_text(to, "source_actor", message.source_actor);
    add_text(to, "target_network", message.target_network);
    add_text(to, "target_actor", message.target_actor);
    add_text(to, "target_port", message.target_port);
    append(to, ",\"payload\":");
    if (Result<void> done = codec::write_tagged_json(to, message.payload); !done.ok()) {
        return done.take_error();
    }
    add_text(to, "timestamp", message.timestamp);
    append(to, ",\"trace_context\":");
    Message trace = message.trace.none() ? Message::null() : message.trace;
    if (Result<void> done = codec::write_json(to, trace); !done.ok()) return done.take_error();
    to.push_back('}');
    return to;
}

Result<String> write(const Heartbeat& heartbeat) {
    String to;
    add_text(to, "network_id", heartbeat.network_id);
    add_text(to, "timestamp", heartbeat.timestamp);
    to.push_back('}');
    return to;
}

Result<String> write(const ActorsAsked& asked) {
    String to;
    add_text(to, "request_id", asked.request_id);
    add_text(to, "requesting_network", asked.network_id);
    to.push_back('}');
    return to;
}

Result<String> write(const ActorsTold& told) {
    String to;
    add_text(to, "request_id", told.request_id);
    add_text(to, "network_id", told.network_id);
    append(to, ",\"actors\":[");
    for (const RemoteActor& actor : told.actors) {
        if (&actor != told.actors.data()) to.push_back(',');
        String one;
        add_text(one, "actor_id", actor.id);
        append(one, ",\"capabilities\":[");
        for (const String& capability : actor.capabilities) {
            if (&capability != actor.capabilities.data()) one.push_back(',');
            codec::write_json_string(one, capability);
        }
        append(one, "],\"description\":");
        if (actor.description.is(REFLOW_KIND_STRING)) {
            codec::write_json_string(one, actor.description.text());
        } else {
            append(one, "null");
        }
        append(to, one);
        to.push_back('}');
    }
    append(to, "]}");
    return to;
}

// Tagged JSON that has been read as plain, as part of a frame: data of that type.
Result<Message> read_tagged(std::string_view type, MessageRef data) {
    String text = concat("{\"type\":\"", type, "\",\"data\":");
    if (Result<void> done = codec::write_json(text, data); !done.ok()) return done.take_error();
    text.push_back('}');
    return codec::read_tagged_json(text);
}

// Values stand as the bytes of JSON text, but others write a binary form of their own as well. Such bytes become
// an encoded message: an actor that knows the form may read it.
Result<Message> read_elements(MessageRef values) {
    ArrayBuilder elements(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        Result<Message> read = read_tagged("Any", values.at(i));
        const bool known = read.ok();
        if (!known) read = read_tagged("Encoded", values.at(i).get("data"));
        if (!read.ok()) return read;
        elements.append(known ? MessageRef(read.value()).content().own() : std::move(read).take());
    }
    return elements.finish();
}

Result<Message> read_payload(MessageRef payload) {
    String text;
    if (Result<void> done = codec::write_json(text, payload); !done.ok()) return done.take_error();
    Result<Message> read = codec::read_tagged_json(text);
    if (read.ok() || read.error().status != REFLOW_ERROR_PARSE) return read;
    MessageRef type = payload.get("type"), data = payload.get("data");
    const bool list = type.text() == "Array" && data.is(REFLOW_KIND_ARRAY);
    const bool value = type.text() == "Object" || type.text() == "Any" || type.text() == "Event";
    if (!list && !value) return read;
    Result<Message> opaque = list ? read_elements(data) : read_tagged("Encoded", data.get("data"));
    if (!opaque.ok()) return read;
    return opaque;
}

Result<OldFrame> read_message(MessageRef frame) {
    Keys keys(frame, "message");
    RemoteMessage message;
    message.message_id = keys.text("message_id");
    message.source_network = keys.text("source_network");
    message.source_actor = keys.text("source_actor");
    message.target_network = keys.text("target_network");
    message.target_actor = keys.text("target_actor");
    message.target_port = keys.text("target_port");
    message.timestamp = keys.text("timestamp");
    if (!keys.fine()) return keys.problem();
    MessageRef trace = frame.get("trace_context");
    if (!trace.none() && !trace.nothing() && !trace.is(REFLOW_KIND_OBJECT)) {
        return wrong("message", "trace_context", "is not an object");
    }
    message.trace = trace.none() ? Message::null() : trace.own();
    if (frame.get("payload").none()) return wrong("message", "payload", "is missing");
    Result<Message> read = read_payload(frame.get("payload"));
    if (!read.ok()) {
        return wrong("message", "payload", concat("is not a message: ", read.error().message));
    }
    message.payload = std::move(read).take();
    return OldFrame(std::move(message));
}

Result<OldFrame> read_told(MessageRef frame) {
    Keys keys(frame, "actors");
    MessageRef actors = frame.get("actors");
    if (!actors.is(REFLOW_KIND_ARRAY)) keys.note("actors", "is not an array");
    for (std::size_t i = 0; i < actors.size() && keys.fine(); ++i) {
        Keys of(actors.at(i), "actors");
        (void)of.text("actor_id");
        if (!of.fine()) return of.problem();
    }
    ActorsTold told = actors_of(actors);
    told.request_id = keys.text("request_id");
    told.network_id = keys.text("network_id");
    if (!keys.fine()) return keys.problem();
    return OldFrame(std::move(told));
}

}  // namespace

Result<String> write_old(const OldFrame& frame) {
    return std::visit([](const auto& one) { return write(one); }, frame);
}

Result<OldFrame> read_old(std::string_view text) {
    Result<Message> read = codec::read_json(text);
    if (!read.ok()) return read.take_error();
    MessageRef frame = read.value();
    if (!frame.is(REFLOW_KIND_OBJECT)) {
        return Failure(REFLOW_ERROR_PROTOCOL, "the frame is not an object");
    }
    if (frame.has("message_id")) return read_message(frame);
    if (frame.has("actors")) return read_told(frame);
    if (frame.has("requesting_network")) {
        Keys keys(frame, "actor discovery");
        ActorsAsked asked{keys.text("request_id"), keys.text("requesting_network")};
        if (!keys.fine()) return keys.problem();
        return OldFrame(std::move(asked));
    }
    if (frame.has("network_id")) {
        Keys keys(frame, "heartbeat");
        Heartbeat heartbeat{keys.text("network_id"), keys.text("timestamp")};
        if (!keys.fine()) return keys.problem();
        return OldFrame(std::move(heartbeat));
    }
    return Failure(REFLOW_ERROR_PROTOCOL,
                   "the frame is no message, heartbeat or question for actors");
}

Result<Message> message_of(const ActorsTold& told) {
    ArrayBuilder actors;
    for (const RemoteActor& actor : told.actors) {
        ArrayBuilder capabilities;
        for (const String& capability : actor.capabilities) {
            capabilities.append(Message::string(capability));
        }
        Result<Message> all = capabilities.finish();
        if (!all.ok()) return all.take_error();
        ObjectBuilder one;
        one.set("actor_id", Message::string(actor.id));
        one.set("capabilities", std::move(all).take());
        one.set("description", actor.description.none() ? Message::null() : actor.description);
        Result<Message> made = one.finish();
        if (!made.ok()) return made.take_error();
        actors.append(std::move(made).take());
    }
    return actors.finish();
}

ActorsTold actors_of(MessageRef actors) {
    ActorsTold told;
    for (std::size_t i = 0; i < actors.size(); ++i) {
        MessageRef one = actors.at(i);
        RemoteActor actor{String(one.get("actor_id").text()), {}, one.get("description").own()};
        MessageRef capabilities = one.get("capabilities");
        for (std::size_t j = 0; j < capabilities.size(); ++j) {
            actor.capabilities.emplace_back(capabilities.at(j).text());
        }
        told.actors.push_back(std::move(actor));
    }
    return told;
}

}  // namespace reflow::peer
