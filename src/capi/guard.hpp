// What every function of the C interface shares: the catch-all, errors out, views in, options.
// Neighbours: the other files of capi, one for each section of reflow.h. Thread: any.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>

#include "base/result.hpp"
#include "base/text.hpp"
#include "message/message.hpp"
#include "reflow.h"

namespace reflow::capi {

// Hands an error to the host; returns its status. error may be NULL.
reflow_status hand_out(std::unique_ptr<Error> made, reflow_error** error) noexcept;
// The error of exhausted memory, which needs none.
reflow_status out_of_memory(reflow_error** error) noexcept;
reflow_status internal_fault(reflow_error** error) noexcept;

// Runs the body of an entry point: its Result becomes status and error, and no exception leaves.
template <typename Body>
reflow_status guarded(reflow_error** error, Body body) noexcept {
    if (error != nullptr) *error = nullptr;
    try {
        Result<void> result = body();
        return result.ok() ? REFLOW_OK : hand_out(result.take_error(), error);
    } catch (const std::bad_alloc&) {
        return out_of_memory(error);
    } catch (...) {
        return internal_fault(error);
    }
}

// The same for functions without an error parameter that give a status.
template <typename Body>
reflow_status guarded_status(Body body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return REFLOW_ERROR_OUT_OF_MEMORY;
    } catch (...) {
        return REFLOW_ERROR_INTERNAL;
    }
}

[[nodiscard]] inline Failure null_argument(std::string_view name) {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("argument '", name, "' is NULL"));
}

// Bytes from the host: not NULL with a size, and not more than any object has.
[[nodiscard]] Result<void> check_bytes(const void* data, std::size_t size, std::string_view name);
// The same for an array of count elements.
[[nodiscard]] Result<void> check_array(const void* data, std::size_t count, std::size_t element,
                                       std::string_view name);
// A text argument: UTF-8, and not NULL with a size.
[[nodiscard]] Result<std::string_view> text_argument(reflow_view view, std::string_view name);

// Moves a result into an out-parameter.
template <typename T, typename Handle>
Result<void> give(Result<T> result, Handle* out) {
    if (!result.ok()) return result.take_error();
    *out = std::move(result).take().leak();
    return {};
}

// Options of the host: NULL, shorter or longer than ours (Linux openat2 style). What is missing is
// zero; an unknown tail has to be zero.
template <typename T>
Result<T> read_options(const T* given, std::string_view name) {
    static_assert(std::is_trivially_copyable_v<T>);
    T options{};
    if (given == nullptr) return options;
    std::size_t size = given->struct_size;
    if (size < 2 * sizeof(std::uint32_t) || size > 4096) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("struct_size ", size, " of ", name, " is not its size"));
    }
    const char* bytes = reinterpret_cast<const char*>(given);
    for (std::size_t i = sizeof(T); i < size; ++i) {
        if (bytes[i] != 0) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat(name, " has a field at byte ", i,
                                  " that this version does not know"));
        }
    }
    std::memcpy(&options, bytes, std::min(size, sizeof(T)));
    if constexpr (requires { options.reserved; }) {
        if (options.reserved != 0) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("the field 'reserved' of ", name, " is not 0"));
        }
    }
    return options;
}

// Of a struct that read_options() refused: the fields that we know, if it has them all. What it
// hands over is ended even so.
template <typename T>
[[nodiscard]] T known_fields(const T* given) noexcept {
    T fields{};
    bool whole = given != nullptr && given->struct_size >= sizeof(T) && given->struct_size <= 4096;
    if (whole) std::memcpy(&fields, given, sizeof(T));
    return fields;
}

// Fills a struct of the host as far as it reaches. False for a struct_size that cannot be.
template <typename T>
[[nodiscard]] bool fill_struct(T* to, T from) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    std::size_t size = to->struct_size;
    if (size < 2 * sizeof(std::uint32_t) || size > 4096) return false;
    std::memcpy(to, &from, std::min(size, sizeof(T)));
    // Fields that a newer host knows and we do not are zero.
    if (size > sizeof(T)) std::memset(reinterpret_cast<char*>(to) + sizeof(T), 0, size - sizeof(T));
    to->struct_size = static_cast<std::uint32_t>(size);
    return true;
}

}  // namespace reflow::capi

// A buffer is a text of ours.
struct reflow_buffer : reflow::Allocated {
    explicit reflow_buffer(reflow::String text_of) : text(std::move(text_of)) {}
    const reflow::String text;
};

namespace reflow::capi {

inline Result<void> give_buffer(Result<String> result, reflow_buffer** out) {
    if (!result.ok()) return result.take_error();
    *out = new reflow_buffer(std::move(result).take());
    return {};
}

}  // namespace reflow::capi
