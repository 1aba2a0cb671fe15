// Section 16 of reflow.h: frame pools.
// Thread: any.
#include "runtime/frame_pool.hpp"

#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "runtime/actor.hpp"

using namespace reflow;
using namespace reflow::capi;
using runtime::FramePool;
using runtime::FramePools;

namespace {

FramePool* pool_of(reflow_frame_pool* handle) noexcept {
    return reinterpret_cast<FramePool*>(handle);
}

Result<void> open(FramePools& pools, reflow_view name, const reflow_frame_pool_options* options,
                  reflow_frame_pool** out) {
    Result<std::string_view> text = text_argument(name, "name");
    if (!text.ok()) return text.take_error();
    Result<reflow_frame_pool_options> given = read_options(options, "reflow_frame_pool_options");
    if (!given.ok()) return given.take_error();
    if (options != nullptr && given.value().frame_size == 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("frame pool '", text.value(), "' has no frame_size"));
    }
    auto pool = pools.open(text.value(), given.value().slots, given.value().frame_size);
    if (!pool.ok()) return pool.take_error();
    *out = reinterpret_cast<reflow_frame_pool*>(std::move(pool).take().leak());
    return {};
}

}  // namespace

extern "C" {

reflow_status reflow_frame_pool_open(reflow_runtime* runtime, reflow_view name,
                                     const reflow_frame_pool_options* options,
                                     reflow_frame_pool** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        return open(runtime_of(runtime)->pools, name, options, out);
    });
}

reflow_status reflow_context_frame_pool(reflow_context* context, reflow_view name,
                                        const reflow_frame_pool_options* options,
                                        reflow_frame_pool** out) {
    if (out != nullptr) *out = nullptr;
    if (context == nullptr || out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] {
        FramePools* pools = context->actor.group.environment.frame_pools();
        if (pools == nullptr) return reflow_status{REFLOW_ERROR_UNSUPPORTED};
        Result<void> opened = open(*pools, name, options, out);
        return opened.ok() ? reflow_status{REFLOW_OK} : context->fail(opened.take_error());
    });
}

reflow_status reflow_frame_pool_write(reflow_frame_pool* pool, const void* data, size_t size,
                                      int64_t* ticket) {
    if (ticket != nullptr) *ticket = 0;
    if (pool == nullptr || ticket == nullptr || (data == nullptr && size != 0)) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    if (pool_of(pool)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        return pool_of(pool)->write({static_cast<const char*>(data), size}, *ticket);
    });
}

reflow_status reflow_frame_pool_begin(reflow_frame_pool* pool, void** data, int64_t* ticket) {
    if (data != nullptr) *data = nullptr;
    if (ticket != nullptr) *ticket = 0;
    if (pool == nullptr || data == nullptr || ticket == nullptr) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    if (pool_of(pool)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] { return pool_of(pool)->begin(*data, *ticket); });
}

reflow_status reflow_frame_pool_commit(reflow_frame_pool* pool, int64_t ticket, size_t size) {
    if (pool == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return pool_of(pool)->forked() ? REFLOW_ERROR_FORKED : pool_of(pool)->commit(ticket, size);
}

reflow_status reflow_frame_pool_abandon(reflow_frame_pool* pool, int64_t ticket) {
    if (pool == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return pool_of(pool)->forked() ? REFLOW_ERROR_FORKED : pool_of(pool)->abandon(ticket);
}

reflow_status reflow_frame_pool_read(reflow_frame_pool* pool, int64_t ticket, reflow_message* out) {
    if (out != nullptr) *out = {};
    if (pool == nullptr || out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (pool_of(pool)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        Message frame;
        reflow_status status = pool_of(pool)->read(ticket, frame);
        *out = frame.leak();
        return status;
    });
}

reflow_status reflow_frame_pool_latest(reflow_frame_pool* pool, int64_t* ticket,
                                       reflow_message* out) {
    if (ticket != nullptr) *ticket = 0;
    if (out != nullptr) *out = {};
    if (pool == nullptr || out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (pool_of(pool)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        Message frame;
        int64_t newest = 0;
        reflow_status status = pool_of(pool)->latest(newest, frame);
        if (ticket != nullptr) *ticket = newest;
        *out = frame.leak();
        return status;
    });
}

reflow_status reflow_frame_pool_get_info(const reflow_frame_pool* pool,
                                         reflow_frame_pool_info* info) {
    if (pool == nullptr || info == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (reinterpret_cast<const FramePool*>(pool)->forked()) return REFLOW_ERROR_FORKED;
    reflow_frame_pool_info now = reinterpret_cast<const FramePool*>(pool)->info();
    return fill_struct(info, now) ? REFLOW_OK : REFLOW_ERROR_INVALID_ARGUMENT;
}

reflow_status reflow_frame_pool_remove(reflow_runtime* runtime, reflow_view name,
                                       reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(name, "name");
        if (!text.ok()) return text.take_error();
        return runtime_of(runtime)->pools.remove(text.value());
    });
}

void reflow_frame_pool_destroy(reflow_frame_pool* pool) {
    if (pool != nullptr && !pool_of(pool)->forked()) pool_of(pool)->unref();
}

}  // extern "C"
