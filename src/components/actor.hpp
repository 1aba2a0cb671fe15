// How built-in components are written: a class per component, and a definition with its ports.
// Neighbours: runtime/component. Thread: see runtime/context.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/result.hpp"
#include "runtime/component.hpp"
#include "runtime/context.hpp"

namespace reflow::components {

using runtime::Context;
using runtime::Packet;

// The state of one node. A derived class has
//     static Result<std::unique_ptr<Derived>> create(Context& context);
// which reads and checks the configuration.
class Actor : public Allocated {
public:
    virtual ~Actor() = default;
    virtual Result<void> setup(Context&) { return {}; }
    virtual Result<void> run(Context& context, std::span<Packet> inputs) = 0;
    virtual Result<void> finish(Context&) { return {}; }
    virtual void teardown(Context&) {}
    // Of a class that has a static state_version, these two: what a snapshot has of it. load()
    // comes between create() and setup(), and is given what a save() of that or an older version
    // wrote.
    virtual Result<Message> save(Context&) { return Message(); }
    virtual Result<void> load(Context&, MessageRef, std::uint32_t) { return {}; }
};

// For what load() finds in a snapshot that save() cannot have written.
[[nodiscard]] Failure bad_state(std::string_view what);
// A count in a saved state, as save() wrote it by count_message().
[[nodiscard]] bool saved_count(MessageRef value, std::uint64_t& to) noexcept;
// Whether a state was saved with another file by the node that this one replaces: this one begins anew
// then. A snapshot is restored whatever the configuration says.
[[nodiscard]] bool of_other_file(const Context& context, MessageRef saved_path,
                                 std::string_view path) noexcept;

// Moves the message of an input out; what stays behind is none.
[[nodiscard]] inline Message take(Packet& packet) noexcept {
    return Message::adopt(std::exchange(packet.message, {}));
}

// What a component looks like from outside; turned into a runtime::Component by define<T>().
struct PortText {
    std::string_view name;
    std::string_view type = "any";
    std::string_view description = {};
    bool required = false;
    bool array = false;
    std::uint32_t capacity = 0;
};
struct Definition {
    std::string_view id;
    std::string_view title;
    std::string_view description;
    std::string_view category;
    std::initializer_list<PortText> inports;
    std::initializer_list<PortText> outports;
    // JSON Schema of the configuration as JSON text; every key has a "description" and, where
    // there is one, a "default".
    std::string_view config_schema;
    reflow_await await = REFLOW_AWAIT_ANY;
    std::uint32_t max_batch = 64;
    bool source = false;
    bool external = false;  // reads or writes files
    bool stateless = false;  // nothing changes behind create()
};

// The component of a definition without callbacks; define() adds them.
[[nodiscard]] Result<runtime::ComponentRef> describe(const Definition& definition);

namespace detail {

inline Actor* actor_of(void* state) noexcept { return static_cast<Actor*>(state); }

inline reflow_status status_of(Context& context, Result<void> result) noexcept {
    return result.ok() ? REFLOW_OK : context.fail(result.take_error());
}

inline reflow_status save(Context& context, Actor& actor, reflow_message& out) {
    Result<Message> saved = actor.save(context);
    if (!saved.ok()) return context.fail(saved.take_error());
    out = std::move(saved).take().leak();
    return REFLOW_OK;
}

template <typename T>
reflow_status create(reflow_context* context, void*, void** state) {
    Result<std::unique_ptr<T>> made = T::create(*context);
    if (!made.ok()) return context->fail(made.take_error());
    *state = static_cast<Actor*>(std::move(made).take().release());
    return REFLOW_OK;
}

}  // namespace detail

template <typename T>
[[nodiscard]] Result<runtime::ComponentRef> define(const Definition& definition) {
    Result<runtime::ComponentRef> described = describe(definition);
    if (!described.ok()) return described;
    runtime::Component& component = *described.value();
    component.create = detail::create<T>;
    component.setup = [](reflow_context* context, void* state) {
        return detail::status_of(*context, detail::actor_of(state)->setup(*context));
    };
    component.run = [](reflow_context* context, void* state, reflow_packet* inputs,
                       std::size_t count) {
        return detail::status_of(*context, detail::actor_of(state)->run(*context, {inputs, count}));
    };
    // A drain asks only those that have something to finish.
    if constexpr (!std::is_same_v<decltype(&T::finish), decltype(&Actor::finish)>) {
        component.finish = [](reflow_context* context, void* state) {
            return detail::status_of(*context, detail::actor_of(state)->finish(*context));
        };
    }
    component.teardown = [](reflow_context* context, void* state) {
        detail::actor_of(state)->teardown(*context);
    };
    component.destroy_state = [](void* state) { delete detail::actor_of(state); };
    if constexpr (requires { T::state_version; }) {
        component.state_version = T::state_version;
        component.save = [](reflow_context* context, void* state, reflow_message* out) {
            return detail::save(*context, *detail::actor_of(state), *out);
        };
        component.load = [](reflow_context* context, void* state, std::uint32_t version,
                            reflow_message saved) {
            return detail::status_of(
                *context, detail::actor_of(state)->load(*context, MessageRef(saved), version));
        };
    }
    return described;
}

// All built-in components. Each family has one function in its file; library.cpp calls them.
[[nodiscard]] Result<Vector<runtime::ComponentRef>> library();

}  // namespace reflow::components
