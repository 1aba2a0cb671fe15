// Section 8 of reflow.h: components of the host. Their contexts are in context.cpp.
// Thread: any.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "codec/json.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

Result<void> copy_text(String& to, reflow_view from, std::string_view name) {
    Result<std::string_view> text = text_argument(from, name);
    if (!text.ok()) return text.take_error();
    to = text.value();
    return {};
}

Result<void> copy_ports(Vector<runtime::Port>& to, const reflow_port* from, std::size_t count,
                        std::size_t port_size) {
    if (count > limits::ports_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat(count, " ports, at most ", limits::ports_count, " are possible"));
    }
    if (from == nullptr && count != 0) return null_argument("ports");
    for (std::size_t i = 0; i < count; ++i) {
        // The host's ports may be larger than ours: the stride is its own.
        const char* at = reinterpret_cast<const char*>(from) + i * port_size;
        reflow_port given{};  // or smaller: what is missing is zero
        std::size_t known_size = std::min(port_size, sizeof given);
        std::memcpy(&given, at, known_size);
        if (!std::all_of(at + known_size, at + port_size, [](char byte) { return byte == 0; })) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("port ", i, " has a field that this version does not know"));
        }
        constexpr std::uint32_t known = REFLOW_PORT_REQUIRED | REFLOW_PORT_ARRAY;
        runtime::Port port;
        if (Result<void> name = copy_text(port.name, given.name, "port name"); !name.ok()) {
            return name;
        }
        if (Result<void> text = copy_text(port.description, given.description, "description");
            !text.ok()) {
            return text;
        }
        if ((given.flags & ~known) != 0) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("unknown port flags ", given.flags & ~known))
                .port(port.name);
        }
        Result<std::string_view> type_text = text_argument(given.type, "port type");
        if (!type_text.ok()) return type_text.take_error();
        Result<PortType> type = PortType::parse(type_text.value());
        if (!type.ok()) {
            type.error().port = port.name;
            return type.take_error();
        }
        port.type = std::move(type).take();
        port.required = (given.flags & REFLOW_PORT_REQUIRED) != 0;
        port.array = (given.flags & REFLOW_PORT_ARRAY) != 0;
        port.capacity = given.capacity;
        port.capacity_bytes = std::min(given.capacity_bytes, limits::port_bytes);
        to.push_back(std::move(port));
    }
    return {};
}

Result<Message> read_schema(reflow_view schema) {
    Result<std::string_view> text = text_argument(schema, "config_schema");
    if (!text.ok()) return text.take_error();
    if (text.value().empty()) return Message();
    Result<Message> parsed = codec::read_json(text.value(), {}, codec::Duplicates::refuse);
    if (!parsed.ok()) {
        return Failure(REFLOW_ERROR_CONFIG, "config_schema is not JSON")
            .because(parsed.take_error());
    }
    return parsed;
}

Result<void> fill_component(runtime::Component& to, const reflow_component& from) {
    struct {
        String& to;
        reflow_view from;
        std::string_view name;
    } texts[] = {{to.id, from.id, "id"},
                 {to.title, from.title, "title"},
                 {to.description, from.description, "description"},
                 {to.category, from.category, "category"}};
    for (auto& text : texts) {
        if (Result<void> copied = copy_text(text.to, text.from, text.name); !copied.ok()) {
            return copied;
        }
    }
    if (to.category.empty()) to.category = "host";
    if (from.run == nullptr) return null_argument("component->run");
    if (from.await < REFLOW_AWAIT_ANY || from.await > REFLOW_AWAIT_REQUIRED) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown await rule ", from.await));
    }
    constexpr std::uint32_t known_flags = REFLOW_COMPONENT_SOURCE | REFLOW_COMPONENT_BLOCKING |
                                          REFLOW_COMPONENT_ORDERED | REFLOW_COMPONENT_EXTERNAL |
                                          REFLOW_COMPONENT_STATELESS | REFLOW_COMPONENT_HIGH |
                                          REFLOW_COMPONENT_LOW;
    if ((from.flags & ~known_flags) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown component flags ", from.flags & ~known_flags));
    }
    const bool high = (from.flags & REFLOW_COMPONENT_HIGH) != 0;
    const bool low = (from.flags & REFLOW_COMPONENT_LOW) != 0;
    if (high && low) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       "component flags REFLOW_COMPONENT_HIGH and REFLOW_COMPONENT_LOW together");
    }
    to.rank = high ? runtime::Rank::high : low ? runtime::Rank::low : runtime::Rank::normal;
    Result<Message> schema = read_schema(from.config_schema);
    if (!schema.ok()) return schema.take_error();
    to.config_schema = std::move(schema).take();
    std::size_t stride = from.port_size == 0 ? sizeof(reflow_port) : from.port_size;
    if (stride < offsetof(reflow_port, capacity_bytes) || stride > 4096 ||
        stride % alignof(reflow_port) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("port_size ", stride, " is not that of reflow_port"));
    }
    Result<void> in = copy_ports(to.inports, from.inports, from.inport_count, stride);
    if (!in.ok()) return in;
    Result<void> out = copy_ports(to.outports, from.outports, from.outport_count, stride);
    if (!out.ok()) return out;
    to.await = from.await;
    to.max_batch = std::max<std::uint32_t>(from.max_batch, 1);
    to.source = (from.flags & REFLOW_COMPONENT_SOURCE) != 0;
    to.blocking = (from.flags & REFLOW_COMPONENT_BLOCKING) != 0;
    to.external = (from.flags & REFLOW_COMPONENT_EXTERNAL) != 0;
    to.ordered = (from.flags & REFLOW_COMPONENT_ORDERED) != 0;
    to.max_concurrency = from.max_concurrency;
    // A call gets no more than it may keep open; one of those in order says what its firing emits.
    if (to.max_concurrency != 0) to.max_batch = std::min(to.max_batch, to.max_concurrency);
    if (to.ordered) to.max_batch = 1;
    if (from.timeout_ms > limits::timeout_ms) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("timeout_ms ", from.timeout_ms, " is beyond ", limits::timeout_ms));
    }
    to.timeout_ns = from.timeout_ms * 1'000'000;
    to.create = from.create;
    to.setup = from.setup;
    to.run = from.run;
    to.finish = from.finish;
    to.teardown = from.teardown;
    to.destroy_state = from.destroy_state;
    to.stateless = (from.flags & REFLOW_COMPONENT_STATELESS) != 0;
    if ((from.save == nullptr) != (from.load == nullptr)) {
        return Failure(
            REFLOW_ERROR_INVALID_ARGUMENT,
            concat("component->", from.save == nullptr ? "load" : "save",
                   " is given and component->", from.save == nullptr ? "save" : "load", " is not"));
    }
    to.save = from.save;
    to.load = from.load;
    to.state_version = from.state_version;
    return {};
}

}  // namespace

reflow_status reflow::capi::register_component(reflow_runtime* runtime, const reflow_component* component,
                                               bool private_state, reflow_error** error) {
    network::HostData host;
    return guarded(error, [&]() -> Result<void> {
        if (component == nullptr) return null_argument("component");
        Result<reflow_component> read = read_options(component, "reflow_component");
        if (!read.ok()) {
            reflow_component known = known_fields(component);
            host = network::HostData(known.user_data, known.destroy);
            return read.take_error();
        }
        // From here on the user data is ours, also if something fails.
        host = network::HostData(read.value().user_data, read.value().destroy);
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        auto made = make_ref<runtime::Component>();
        if (Result<void> filled = fill_component(*made, read.value()); !filled.ok()) {
            return filled;
        }
        made->user_data = host.get();
        made->private_state = private_state;
        Result<void> added = runtime_of(runtime)->registry.add(made);
        if (!added.ok()) return added;
        made->destroy = host.release();
        return {};
    });
}

extern "C" {

reflow_status reflow_runtime_register(reflow_runtime* runtime, const reflow_component* component,
                                      reflow_error** error) {
    return register_component(runtime, component, false, error);
}

reflow_status reflow_runtime_components(const reflow_runtime* runtime, reflow_message* out,
                                        reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        return give(runtime_of(runtime)->registry.list(), out);
    });
}

}  // extern "C"
