// Sections 1 to 4 of reflow.h: version, status codes, text and buffers, errors; and the allocator.
// Thread: any.
#include <cstring>

#include "capi/guard.hpp"
#include "capi/modules.hpp"

namespace reflow::capi {
namespace {

// Errors that cannot be allocated are addresses that mean themselves.
constexpr char memory_note = 0;
constexpr char fault_note = 0;

reflow_error* note(const char& address) noexcept {
    return reinterpret_cast<reflow_error*>(const_cast<char*>(&address));
}

const Error* error_of(const reflow_error* error) noexcept {
    if (error == note(memory_note) || error == note(fault_note)) return nullptr;
    return reinterpret_cast<const Error*>(error);
}

std::string_view fixed_message(const reflow_error* error) noexcept {
    if (error == note(memory_note)) return "out of memory";
    return error == note(fault_note) ? "internal fault" : "";
}

}  // namespace

reflow_status hand_out(std::unique_ptr<Error> made, reflow_error** error) noexcept {
    reflow_status status = made->status;
    if (error == nullptr) return status;
    try {
        for (Error* each = made.get(); each != nullptr; each = each->cause.get()) each->seal();
    } catch (const std::bad_alloc&) {
        return out_of_memory(error);
    }
    *error = reinterpret_cast<reflow_error*>(made.release());
    return status;
}

reflow_status out_of_memory(reflow_error** error) noexcept {
    if (error != nullptr) *error = note(memory_note);
    return REFLOW_ERROR_OUT_OF_MEMORY;
}

reflow_status internal_fault(reflow_error** error) noexcept {
    if (error != nullptr) *error = note(fault_note);
    return REFLOW_ERROR_INTERNAL;
}

Result<void> check_bytes(const void* data, std::size_t size, std::string_view name) {
    return check_array(data, size, 1, name);
}

Result<void> check_array(const void* data, std::size_t count, std::size_t element,
                         std::string_view name) {
    if (data == nullptr && count != 0) return null_argument(name);
    if (count > static_cast<std::size_t>(PTRDIFF_MAX) / element) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("size ", count, " of argument '", name, "' is more than memory has"));
    }
    return {};
}

Result<std::string_view> text_argument(reflow_view view, std::string_view name) {
    std::string_view text = view_of(view);
    std::size_t size = view.data == nullptr ? view.size : text.size();
    if (Result<void> fine = check_bytes(view.data, size, name); !fine.ok()) {
        return fine.take_error();
    }
    if (auto offset = invalid_utf8(text)) {
        return Failure(REFLOW_ERROR_INVALID_UTF8,
                       concat("argument '", name, "' is not UTF-8: invalid byte at ", *offset))
            .at(0, 0, *offset);
    }
    return text;
}

}  // namespace reflow::capi

using namespace reflow;
using namespace reflow::capi;

extern "C" {

// ---- 1 version and features

uint32_t reflow_version(void) { return REFLOW_VERSION; }

#define REFLOW_TEXT(number) #number
#define REFLOW_TEXT_OF(number) REFLOW_TEXT(number)
reflow_view reflow_version_text(void) {
    return to_view(REFLOW_TEXT_OF(REFLOW_VERSION_MAJOR) "." REFLOW_TEXT_OF(
        REFLOW_VERSION_MINOR) "." REFLOW_TEXT_OF(REFLOW_VERSION_PATCH));
}

int32_t reflow_abi_check(uint32_t abi) {
    return abi == REFLOW_ABI ? REFLOW_OK : REFLOW_ERROR_UNSUPPORTED;
}

bool reflow_feature(reflow_view name) { return name.data != nullptr && has_feature(view_of(name)); }

// ---- 2 status codes

reflow_view reflow_status_name(reflow_status status) { return to_view(status_name(status)); }

// ---- 3 text and buffers

reflow_view reflow_str(const char* text) {
    return text == nullptr ? to_view({}) : to_view(std::string_view(text));
}

reflow_view reflow_buffer_get(const reflow_buffer* buffer) {
    return buffer == nullptr ? to_view({}) : to_view(buffer->text);
}

void reflow_buffer_destroy(reflow_buffer* buffer) { delete buffer; }

// ---- 4 errors

reflow_status reflow_error_status(const reflow_error* error) {
    if (error == nullptr) return REFLOW_OK;
    if (const Error* made = error_of(error)) return made->status;
    return error == note(memory_note) ? REFLOW_ERROR_OUT_OF_MEMORY : REFLOW_ERROR_INTERNAL;
}

reflow_view reflow_error_message(const reflow_error* error) {
    const Error* made = error_of(error);
    return to_view(made != nullptr ? std::string_view(made->message) : fixed_message(error));
}

reflow_view reflow_error_hint(const reflow_error* error) {
    const Error* made = error_of(error);
    return to_view(made != nullptr ? std::string_view(made->hint) : std::string_view());
}

reflow_status reflow_error_place(const reflow_error* error, reflow_place* place) {
    if (place == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_place from{};
    from.file = from.path = from.node = from.port = to_view({});
    if (const Error* made = error_of(error)) {
        from.line = made->line;
        from.column = made->column;
        from.has_offset = made->has_offset ? 1 : 0;
        from.offset = made->offset;
        from.file = to_view(made->file);
        from.path = to_view(made->path);
        from.node = to_view(made->node);
        from.port = to_view(made->port);
    }
    return fill_struct(place, from) ? REFLOW_OK : REFLOW_ERROR_INVALID_ARGUMENT;
}

const reflow_error* reflow_error_cause(const reflow_error* error) {
    const Error* made = error_of(error);
    return made == nullptr ? nullptr : reinterpret_cast<const reflow_error*>(made->cause.get());
}

reflow_view reflow_error_trace(const reflow_error* error) {
    const Error* made = error_of(error);
    return to_view(made != nullptr ? std::string_view(made->trace) : std::string_view());
}

reflow_view reflow_error_text(const reflow_error* error) {
    const Error* made = error_of(error);
    return to_view(made != nullptr ? std::string_view(made->text) : fixed_message(error));
}

void reflow_error_destroy(reflow_error* error) { delete error_of(error); }

// ---- 13 allocator

reflow_status reflow_set_allocator(const reflow_allocator* allocator) {
    if (allocator == nullptr || allocator->struct_size < sizeof(reflow_allocator) ||
        allocator->allocate == nullptr || allocator->release == nullptr) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    // As read_options(), which would need memory to say what is wrong.
    const char* bytes = reinterpret_cast<const char*>(allocator);
    if (allocator->struct_size > 4096 ||
        !std::all_of(bytes + sizeof *allocator, bytes + allocator->struct_size,
                     [](char byte) { return byte == 0; })) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    return set_allocator(*allocator) ? REFLOW_OK : REFLOW_ERROR_INVALID_STATE;
}

}  // extern "C"
