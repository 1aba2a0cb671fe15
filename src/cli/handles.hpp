// Handles of the library as C++ objects that end themselves, and views as std::string_view.
// Neighbours: reflow.h below, every other file of this folder above. Thread: as the handle.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "reflow.h"

namespace cli {

inline std::string_view text_of(reflow_view view) noexcept { return {view.data, view.size}; }

inline reflow_view view_of(std::string_view text) noexcept {
    return {text.data() == nullptr ? "" : text.data(), text.size()};
}

template <typename T, void (*End)(T*)>
struct Ender {
    void operator()(T* handle) const noexcept { End(handle); }
};
template <typename T, void (*End)(T*)>
using Handle = std::unique_ptr<T, Ender<T, End>>;

using Error = Handle<reflow_error, reflow_error_destroy>;
using Buffer = Handle<reflow_buffer, reflow_buffer_destroy>;
using Graph = Handle<reflow_graph, reflow_graph_destroy>;
using Runtime = Handle<reflow_runtime, reflow_runtime_destroy>;
using Network = Handle<reflow_network, reflow_network_destroy>;
using Output = Handle<reflow_output, reflow_output_destroy>;
using Subscription = Handle<reflow_subscription, reflow_subscription_destroy>;
using EventBatch = Handle<reflow_event_batch, reflow_event_batch_destroy>;

// An out-parameter: Out(handle) in a call puts the result into the handle when the call is over.
template <typename H>
class Out {
public:
    explicit Out(H& handle) noexcept : handle_(handle) {}
    Out(const Out&) = delete;
    Out& operator=(const Out&) = delete;
    ~Out() { handle_.reset(pointer_); }
    operator typename H::pointer *() noexcept { return &pointer_; }  // NOLINT: meant to be implicit

private:
    H& handle_;
    typename H::pointer pointer_ = nullptr;
};

inline std::string_view text_of(const Buffer& buffer) noexcept {
    return text_of(reflow_buffer_get(buffer.get()));
}

// One reference to a message.
class Message {
public:
    Message() = default;
    explicit Message(reflow_message adopted) noexcept : raw_(adopted) {}
    Message(Message&& other) noexcept : raw_(reflow_message_take(&other.raw_)) {}
    Message& operator=(Message&& other) noexcept {
        if (this != &other) {
            reflow_message_unref(raw_);
            raw_ = reflow_message_take(&other.raw_);
        }
        return *this;
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() { reflow_message_unref(raw_); }

    [[nodiscard]] reflow_message get() const noexcept { return raw_; }
    [[nodiscard]] reflow_message release() noexcept { return reflow_message_take(&raw_); }
    // For an out-parameter; only of an empty message.
    [[nodiscard]] reflow_message* out() noexcept { return &raw_; }
    [[nodiscard]] bool none() const noexcept {
        return reflow_message_kind(raw_) == REFLOW_KIND_NONE;
    }

private:
    reflow_message raw_{};
};

// Events that are shown and written: states change with each call, and would be two more lines for one
// that is told of anyway.
inline constexpr std::uint64_t shown_events =
    REFLOW_EVENTS_ALL & ~(std::uint64_t{1} << REFLOW_EVENT_ACTOR_STATE);

// Readers that give an empty value where there is none of that kind.
inline reflow_message member(reflow_message object, std::string_view key) noexcept {
    reflow_message value{};
    if (reflow_message_get(object, view_of(key), &value) != REFLOW_OK) return {};
    return value;
}
inline std::string_view text_of(reflow_message message) noexcept {
    reflow_view view{};
    if (reflow_message_get_text(message, &view) != REFLOW_OK) return {};
    return text_of(view);
}
inline std::string_view text_member(reflow_message object, std::string_view key) noexcept {
    return text_of(member(object, key));
}
inline bool flag_member(reflow_message object, std::string_view key) noexcept {
    bool value = false;
    return reflow_message_get_boolean(member(object, key), &value) == REFLOW_OK && value;
}
inline int64_t integer_member(reflow_message object, std::string_view key) noexcept {
    int64_t value = 0;
    if (reflow_message_get_integer(member(object, key), &value) != REFLOW_OK) return 0;
    return value;
}
inline reflow_message element(reflow_message container, std::size_t index) noexcept {
    reflow_message value{};
    if (reflow_message_get_at(container, index, &value) != REFLOW_OK) return {};
    return value;
}
inline std::string_view key_at(reflow_message object, std::size_t index) noexcept {
    reflow_view key{};
    if (reflow_message_get_key(object, index, &key) != REFLOW_OK) return {};
    return text_of(key);
}

}  // namespace cli
