// Section 5 of reflow.h: messages.
// Thread: any.
#include "base/host.hpp"
#include "base/limits.hpp"
#include "capi/guard.hpp"

using namespace reflow;
using namespace reflow::capi;

struct reflow_array_builder : ArrayBuilder {
    using ArrayBuilder::ArrayBuilder;
};
struct reflow_object_builder : ObjectBuilder {
    using ObjectBuilder::ObjectBuilder;
};

namespace {

// Gives lent memory back unless the message has taken it over.
class Lent {
public:
    Lent(reflow_release_fn release, void* user_data) noexcept
        : release_(release), user_data_(user_data) {}
    ~Lent() {
        tell_host("release", release_, user_data_);
    }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    void taken() noexcept { release_ = nullptr; }

private:
    reflow_release_fn release_;
    void* user_data_;
};

// A guess of the host is only a guess: it does not make us allocate without end.
std::size_t bounded_guess(std::size_t expected) noexcept {
    return std::min<std::size_t>(expected, 1 << 20);
}

Result<void> check_numbers(reflow_number type, const void* data, std::size_t count) {
    std::size_t size = Message::number_size(type);
    if (size == 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown number type ", type));
    }
    if (data == nullptr && count != 0) return null_argument("data");
    if (count > (SIZE_MAX / 2) / size) {
        return Failure(REFLOW_ERROR_LIMIT, concat(count, " numbers of ", size,
                                                  " bytes are too many"));
    }
    return {};
}

Result<void> check_value(const Message& message, std::string_view name) {
    if (message.none()) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("argument '", name, "' is none"));
    }
    if (message.depth() >= limits::depth_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("nested deeper than ", limits::depth_count, " levels"));
    }
    return {};
}

MessageRef look(reflow_message message) noexcept { return MessageRef(message); }

// Zeroes an out-parameter; false if it is NULL.
template <typename T>
bool clear(T* out) noexcept {
    if (out == nullptr) return false;
    *out = T{};
    return true;
}

}  // namespace

extern "C" {

reflow_message reflow_message_null(void) { return Message::null().leak(); }
reflow_message reflow_message_flow(void) { return Message::flow().leak(); }
reflow_message reflow_message_boolean(bool value) { return Message::boolean(value).leak(); }
reflow_message reflow_message_integer(int64_t value) { return Message::integer(value).leak(); }
reflow_message reflow_message_float(double value) { return Message::real(value).leak(); }

reflow_status reflow_message_string(reflow_view text, reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (text.data == nullptr && text.size != 0) return null_argument("text");
        return give(Message::checked_string(view_of(text)), out);
    });
}

reflow_status reflow_message_bytes(const void* data, size_t size, reflow_message* out,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (Result<void> fine = check_bytes(data, size, "data"); !fine.ok()) return fine;
        *out = Message::bytes({static_cast<const char*>(data), size}).leak();
        return {};
    });
}

reflow_status reflow_message_lend(reflow_kind kind, const void* data, size_t size,
                                  reflow_release_fn release, void* user_data, reflow_message* out,
                                  reflow_error** error) {
    Lent lent(release, user_data);
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (Result<void> fine = check_bytes(data, size, "data"); !fine.ok()) return fine;
        if (kind != REFLOW_KIND_STRING && kind != REFLOW_KIND_BYTES) {
            return Failure(REFLOW_ERROR_WRONG_KIND, "only strings and bytes are lent");
        }
        std::string_view view(static_cast<const char*>(data), size);
        if (kind == REFLOW_KIND_STRING) {
            if (auto offset = invalid_utf8(view)) {
                return Failure(REFLOW_ERROR_INVALID_UTF8,
                               concat("invalid UTF-8 at byte ", *offset))
                    .at(0, 0, *offset);
            }
        }
        *out = Message::lend(kind, view, release, user_data).leak();
        lent.taken();
        return {};
    });
}

reflow_status reflow_message_numbers(reflow_number type, const void* data, size_t count,
                                     reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (Result<void> fine = check_numbers(type, data, count); !fine.ok()) return fine;
        *out = Message::numbers(type, data, count).leak();
        return {};
    });
}

reflow_status reflow_message_lend_numbers(reflow_number type, const void* data, size_t count,
                                          reflow_release_fn release, void* user_data,
                                          reflow_message* out, reflow_error** error) {
    Lent lent(release, user_data);
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (Result<void> fine = check_numbers(type, data, count); !fine.ok()) return fine;
        if (reinterpret_cast<std::uintptr_t>(data) % Message::number_size(type) != 0) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("data is not aligned to ", Message::number_size(type),
                                  " bytes"));
        }
        *out = Message::lend_numbers(type, data, count, release, user_data).leak();
        lent.taken();
        return {};
    });
}

reflow_status reflow_message_error(reflow_view text, reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        Result<std::string_view> checked = text_argument(text, "text");
        if (!checked.ok()) return checked.take_error();
        *out = Message::error(checked.value()).leak();
        return {};
    });
}

reflow_status reflow_message_wrap(reflow_kind kind, reflow_message content, reflow_message* out,
                                  reflow_error** error) {
    Message taken = Message::adopt(content);
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        bool known = kind == REFLOW_KIND_EVENT || kind == REFLOW_KIND_ANY ||
                     kind == REFLOW_KIND_OPTIONAL;
        if (!known) {
            return Failure(REFLOW_ERROR_WRONG_KIND,
                           "only event, any and optional carry a message");
        }
        if (!(taken.none() && kind == REFLOW_KIND_OPTIONAL)) {
            if (Result<void> fine = check_value(taken, "content"); !fine.ok()) return fine;
        }
        return give(Message::wrap(kind, std::move(taken)), out);
    });
}

reflow_status reflow_message_encoded(const void* data, size_t size, reflow_message* out,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (Result<void> fine = check_bytes(data, size, "data"); !fine.ok()) return fine;
        *out = Message::encoded({static_cast<const char*>(data), size}).leak();
        return {};
    });
}

reflow_status reflow_message_stream(const reflow_stream_info* info, reflow_message* out,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (info == nullptr) return null_argument("info");
        Result<reflow_stream_info> read = read_options(info, "reflow_stream_info");
        if (!read.ok()) return read.take_error();
        const reflow_stream_info& given = read.value();
        MessageRef::Stream fields;
        fields.stream_id = given.stream_id;
        fields.size_hint = given.size_hint;
        fields.has_size_hint = given.has_size_hint != 0;
        struct {
            reflow_view from;
            std::string_view name;
            std::string_view* to;
        } texts[] = {{given.origin_actor, "origin_actor", &fields.origin_actor},
                     {given.origin_port, "origin_port", &fields.origin_port},
                     {given.content_type, "content_type", &fields.content_type}};
        for (auto& text : texts) {
            Result<std::string_view> checked = text_argument(text.from, text.name);
            if (!checked.ok()) return checked.take_error();
            *text.to = checked.value();
        }
        *out = Message::stream(fields).leak();
        return {};
    });
}

reflow_status reflow_message_remote(reflow_view network_id, reflow_view actor_id, reflow_view port,
                                    reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        Result<std::string_view> network = text_argument(network_id, "network_id");
        if (!network.ok()) return network.take_error();
        Result<std::string_view> actor = text_argument(actor_id, "actor_id");
        if (!actor.ok()) return actor.take_error();
        Result<std::string_view> name = text_argument(port, "port");
        if (!name.ok()) return name.take_error();
        *out = Message::remote(network.value(), actor.value(), name.value()).leak();
        return {};
    });
}

reflow_status reflow_message_network_event(reflow_view type, reflow_message data,
                                           reflow_message* out, reflow_error** error) {
    Message taken = Message::adopt(data);
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        Result<std::string_view> name = text_argument(type, "type");
        if (!name.ok()) return name.take_error();
        if (Result<void> fine = check_value(taken, "data"); !fine.ok()) return fine;
        return give(Message::network_event(name.value(), std::move(taken)), out);
    });
}

reflow_message reflow_message_ref(reflow_message message) { return look(message).own().leak(); }
void reflow_message_unref(reflow_message message) { (void)Message::adopt(message); }
reflow_message reflow_message_take(reflow_message* from) {
    return from == nullptr ? reflow_message{} : std::exchange(*from, {});
}

reflow_kind reflow_message_kind(reflow_message message) { return look(message).kind(); }
reflow_view reflow_kind_name(reflow_kind kind) {
    bool possible = kind >= 0 && kind <= 0xff;
    if (!possible) return to_view("unknown");
    return to_view(MessageRef({static_cast<std::uint64_t>(kind), 0}).kind_name());
}

bool reflow_message_equal(reflow_message a, reflow_message b) {
    try {
        return equal(look(a), look(b));
    } catch (...) {
        return false;
    }
}

uint64_t reflow_message_payload_size(reflow_message message) {
    return payload_size(look(message));
}

// ---- readers

reflow_status reflow_message_get_boolean(reflow_message message, bool* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).is(REFLOW_KIND_BOOLEAN)) return REFLOW_ERROR_WRONG_KIND;
    *out = look(message).boolean();
    return REFLOW_OK;
}

reflow_status reflow_message_get_integer(reflow_message message, int64_t* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).is(REFLOW_KIND_INTEGER)) return REFLOW_ERROR_WRONG_KIND;
    *out = look(message).integer();
    return REFLOW_OK;
}

reflow_status reflow_message_get_float(reflow_message message, double* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).number()) return REFLOW_ERROR_WRONG_KIND;
    *out = look(message).real();
    return REFLOW_OK;
}

reflow_status reflow_message_get_text(reflow_message message, reflow_view* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_kind kind = look(message).kind();
    if (kind != REFLOW_KIND_STRING && kind != REFLOW_KIND_ERROR) return REFLOW_ERROR_WRONG_KIND;
    *out = to_view(look(message).text());
    return REFLOW_OK;
}

reflow_status reflow_message_get_bytes(reflow_message message, reflow_view* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_kind kind = look(message).kind();
    bool fine = kind == REFLOW_KIND_STRING || kind == REFLOW_KIND_ERROR ||
                kind == REFLOW_KIND_BYTES || kind == REFLOW_KIND_ENCODED;
    if (!fine) return REFLOW_ERROR_WRONG_KIND;
    *out = to_view(look(message).content_bytes());
    return REFLOW_OK;
}

size_t reflow_message_count(reflow_message message) { return look(message).size(); }

reflow_status reflow_message_get_at(reflow_message message, size_t index, reflow_message* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_kind kind = look(message).kind();
    if (kind != REFLOW_KIND_ARRAY && kind != REFLOW_KIND_OBJECT) return REFLOW_ERROR_WRONG_KIND;
    if (index >= look(message).size()) return REFLOW_ERROR_NOT_FOUND;
    *out = look(message).at(index).raw();
    return REFLOW_OK;
}

reflow_status reflow_message_get_key(reflow_message message, size_t index, reflow_view* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).is(REFLOW_KIND_OBJECT)) return REFLOW_ERROR_WRONG_KIND;
    if (index >= look(message).size()) return REFLOW_ERROR_NOT_FOUND;
    *out = to_view(look(message).key_at(index));
    return REFLOW_OK;
}

reflow_status reflow_message_get(reflow_message message, reflow_view key, reflow_message* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (key.data == nullptr && key.size != 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).is(REFLOW_KIND_OBJECT)) return REFLOW_ERROR_WRONG_KIND;
    MessageRef value = look(message).get(view_of(key));
    if (value.none()) return REFLOW_ERROR_NOT_FOUND;
    *out = value.raw();
    return REFLOW_OK;
}

reflow_status reflow_message_get_numbers(reflow_message message, reflow_number* type,
                                         const void** data, size_t* count) {
    bool cleared = clear(type);
    cleared = clear(data) && cleared;
    cleared = clear(count) && cleared;
    if (!cleared) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (look(message).numbers_type() == 0) return REFLOW_ERROR_WRONG_KIND;
    *type = look(message).numbers_type();
    *data = look(message).numbers_data();
    *count = look(message).size();
    return REFLOW_OK;
}

reflow_status reflow_message_get_content(reflow_message message, reflow_message* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_kind kind = look(message).kind();
    bool fine = kind == REFLOW_KIND_EVENT || kind == REFLOW_KIND_ANY ||
                kind == REFLOW_KIND_OPTIONAL || kind == REFLOW_KIND_NETWORK_EVENT;
    if (!fine) return REFLOW_ERROR_WRONG_KIND;
    *out = look(message).content().raw();
    return REFLOW_OK;
}

reflow_status reflow_message_get_stream(reflow_message message, reflow_stream_info* info) {
    if (info == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    bool right = look(message).is(REFLOW_KIND_STREAM);
    MessageRef::Stream fields = look(message).stream();
    reflow_stream_info from{};
    from.has_size_hint = fields.has_size_hint ? 1 : 0;
    from.stream_id = fields.stream_id;
    from.size_hint = fields.size_hint;
    from.origin_actor = to_view(fields.origin_actor);
    from.origin_port = to_view(fields.origin_port);
    from.content_type = to_view(fields.content_type);
    if (!fill_struct(info, from)) return REFLOW_ERROR_INVALID_ARGUMENT;
    return right ? REFLOW_OK : REFLOW_ERROR_WRONG_KIND;
}

reflow_status reflow_message_get_remote(reflow_message message, reflow_view* network_id,
                                        reflow_view* actor_id, reflow_view* port) {
    bool cleared = clear(network_id);
    cleared = clear(actor_id) && cleared;
    cleared = clear(port) && cleared;
    if (!cleared) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).is(REFLOW_KIND_REMOTE)) return REFLOW_ERROR_WRONG_KIND;
    MessageRef::Remote fields = look(message).remote();
    *network_id = to_view(fields.network_id);
    *actor_id = to_view(fields.actor_id);
    *port = to_view(fields.port);
    return REFLOW_OK;
}

reflow_status reflow_message_get_event_type(reflow_message message, reflow_view* out) {
    if (!clear(out)) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (!look(message).is(REFLOW_KIND_NETWORK_EVENT)) return REFLOW_ERROR_WRONG_KIND;
    *out = to_view(look(message).event_type());
    return REFLOW_OK;
}

// ---- builders

reflow_status reflow_array_builder_create(size_t expected, reflow_array_builder** out,
                                          reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        *out = new reflow_array_builder(bounded_guess(expected));
        return {};
    });
}

reflow_status reflow_array_builder_append(reflow_array_builder* builder, reflow_message element,
                                          reflow_error** error) {
    Message taken = Message::adopt(element);
    return guarded(error, [&]() -> Result<void> {
        if (builder == nullptr) return null_argument("builder");
        if (Result<void> fine = check_value(taken, "element"); !fine.ok()) return fine;
        if (builder->size() >= limits::elements_count) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("array of more than ", limits::elements_count, " elements"));
        }
        builder->append(std::move(taken));
        return {};
    });
}

reflow_status reflow_array_builder_finish(reflow_array_builder* builder, reflow_message* out,
                                          reflow_error** error) {
    std::unique_ptr<reflow_array_builder> taken(builder);
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (taken == nullptr) return null_argument("builder");
        return give(taken->finish(), out);
    });
}

void reflow_array_builder_destroy(reflow_array_builder* builder) { delete builder; }

reflow_status reflow_object_builder_create(size_t expected, reflow_object_builder** out,
                                           reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        *out = new reflow_object_builder(bounded_guess(expected));
        return {};
    });
}

reflow_status reflow_object_builder_set(reflow_object_builder* builder, reflow_view key,
                                        reflow_message value, reflow_error** error) {
    Message taken = Message::adopt(value);
    return guarded(error, [&]() -> Result<void> {
        if (builder == nullptr) return null_argument("builder");
        Result<std::string_view> name = text_argument(key, "key");
        if (!name.ok()) return name.take_error();
        if (Result<void> fine = check_value(taken, "value"); !fine.ok()) return fine;
        if (name.value().size() > limits::text_bytes) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("key longer than ", limits::text_bytes, " bytes"));
        }
        builder->set(name.value(), std::move(taken));
        return {};
    });
}

reflow_status reflow_object_builder_finish(reflow_object_builder* builder, reflow_message* out,
                                           reflow_error** error) {
    std::unique_ptr<reflow_object_builder> taken(builder);
    return guarded(error, [&]() -> Result<void> {
        if (!clear(out)) return null_argument("out");
        if (taken == nullptr) return null_argument("builder");
        return give(taken->finish(), out);
    });
}

void reflow_object_builder_destroy(reflow_object_builder* builder) { delete builder; }

}  // extern "C"
