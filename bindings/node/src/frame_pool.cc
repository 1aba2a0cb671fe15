// Frame pools (reflow.h, section 16): slots of memory that are written again and again, and read without a copy.
// lib/pool.cjs makes classes of it. Thread: JS.
#include <cstring>

#include "bridge.h"
#include "core.h"
#include "exports.h"

namespace reflow_node {

namespace {

// A handle of a pool; what is being written keeps it.
struct Pool {
    ~Pool() { reflow_frame_pool_destroy(pool); }
    reflow_frame_pool* pool = nullptr;
    std::string name;
};

// A slot that is being written. The array buffer on its memory has it as long as anybody can see that.
struct Slot {
    ~Slot() { end(); }
    void end() {
        if (!std::exchange(over, true)) (void)reflow_frame_pool_abandon(pool->pool, ticket);
    }
    std::shared_ptr<Pool> pool;
    std::int64_t ticket = 0;
    void* data = nullptr;
    bool copied = false;  // the buffer is another memory
    bool over = false;
};

template <typename T>
Napi::Value hand_out(Napi::Env env, std::shared_ptr<T> what) {
    return Napi::External<std::shared_ptr<T>>::New(
        env, new std::shared_ptr<T>(std::move(what)), [](Napi::Env, std::shared_ptr<T>* held) { delete held; });
}

template <typename T>
std::shared_ptr<T> argument(const Napi::CallbackInfo& info) {
    return *info[0].As<Napi::External<std::shared_ptr<T>>>().Data();
}

Napi::Value ticket_to_js(Napi::Env env, std::int64_t ticket) {
    const Message number(reflow_message_integer(ticket));
    return to_value(env, number.get());
}

std::int64_t ticket_argument(const Napi::CallbackInfo& info) {
    const Napi::Value value = info[1];
    if (value.IsBigInt()) {
        bool exact = false;
        const std::int64_t ticket = value.As<Napi::BigInt>().Int64Value(&exact);
        if (exact) return ticket;
    } else if (value.IsNumber()) {
        const double ticket = value.As<Napi::Number>().DoubleValue();
        if (ticket >= 0 && ticket <= 9007199254740991.0 && ticket == static_cast<double>(static_cast<std::int64_t>(ticket))) {
            return static_cast<std::int64_t>(ticket);
        }
    }
    refuse(info.Env(), "a ticket is the whole number that write() or commit() has given");
}

std::uint64_t frame_size(const Pool& pool) {
    reflow_frame_pool_info info{};
    info.struct_size = sizeof info;
    (void)reflow_frame_pool_get_info(pool.pool, &info);
    return info.frame_size;
}

// What a call has said about a pool, as an error that tells what to do.
void check_pool(Napi::Env env, const Pool& pool, reflow_status status, const std::string& what) {
    if (status == REFLOW_OK) return;
    const std::string which = "pool '" + pool.name + "'";
    if (status == REFLOW_ERROR_WOULD_BLOCK) {
        raise(env, status, "all slots of " + which + " are held", "release frames that are read, or have more slots");
    }
    if (status == REFLOW_ERROR_LIMIT) {
        raise(env, status, what + " is more than a slot of " + which + " has",
              "frameSize is " + std::to_string(frame_size(pool)));
    }
    raise(env, status, what + " is not in " + which,
          status == REFLOW_ERROR_CLOSED ? "its slot has been written again since" : "");
}

// poolOpen(core, name, options or undefined)
Napi::Value open(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto core = Core::of(info);
    core->check_open(env);
    auto pool = std::make_shared<Pool>();
    pool->name = text_argument(info, 1, "the name of a pool");
    reflow_frame_pool_options options{};
    options.struct_size = sizeof options;
    if (!info[2].IsUndefined()) {
        const Options given(env, info[2]);
        options.slots = given.u32("slots");
        options.frame_size = given.u64("frameSize");
    }
    must(env, [&](reflow_error** error) {
        return reflow_frame_pool_open(core->runtime, view_of(pool->name),
                                      info[2].IsUndefined() ? nullptr : &options, &pool->pool, error);
    });
    return hand_out(env, std::move(pool));
}

// poolRemove(core, name)
Napi::Value remove(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->check_open(info.Env());
    const std::string name = text_argument(info, 1, "the name of a pool");
    must(info.Env(), [&](reflow_error** error) {
        return reflow_frame_pool_remove(core->runtime, view_of(name), error);
    });
    return info.Env().Undefined();
}

// poolWrite(pool, bytes): the ticket.
Napi::Value write(const Napi::CallbackInfo& info) {
    const auto pool = argument<Pool>(info);
    const auto bytes = info[1].As<Napi::Uint8Array>();
    std::int64_t ticket = 0;
    const reflow_status status =
        reflow_frame_pool_write(pool->pool, bytes.Data(), bytes.ByteLength(), &ticket);
    check_pool(info.Env(), *pool, status, "a frame of " + std::to_string(bytes.ByteLength()) + " bytes");
    return ticket_to_js(info.Env(), ticket);
}

napi_value slot_buffer(napi_env env, const std::shared_ptr<Slot>& slot, std::size_t size) {
    napi_value buffer = nullptr;
    if (!Environment::of(env).copy_only) {
        auto* held = new std::shared_ptr<Slot>(slot);
        const napi_status status = napi_create_external_arraybuffer(
            env, slot->data, size,
            [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Slot>*>(hint); }, held, &buffer);
        if (status == napi_ok) return buffer;
        delete held;
    }
    slot->copied = true;
    void* memory = nullptr;
    if (napi_create_arraybuffer(env, size, &memory, &buffer) != napi_ok) throw Napi::Error::New(env);
    return buffer;
}

// poolBegin(pool): [slot, array buffer, ticket].
Napi::Value begin(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto pool = argument<Pool>(info);
    auto slot = std::make_shared<Slot>();
    slot->pool = pool;
    slot->over = true;
    check_pool(env, *pool, reflow_frame_pool_begin(pool->pool, &slot->data, &slot->ticket), "a frame");
    slot->over = false;
    const Napi::Value buffer(env, slot_buffer(env, slot, frame_size(*pool)));
    Napi::Array all = Napi::Array::New(env, 3);
    all.Set(1u, buffer);
    all.Set(2u, ticket_to_js(env, slot->ticket));
    all.Set(0u, hand_out(env, std::move(slot)));
    return all;
}

// poolCommit(slot, array buffer, size): makes the frame, and empties the buffer.
Napi::Value commit(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto slot = argument<Slot>(info);
    const auto size = static_cast<std::size_t>(info[2].As<Napi::Number>().Int64Value());
    if (slot->over) raise(env, REFLOW_ERROR_CLOSED, "the slot was committed or abandoned before");
    auto buffer = info[1].As<Napi::ArrayBuffer>();
    if (buffer.IsDetached()) {
        raise(env, REFLOW_ERROR_INVALID_STATE, "the memory of the slot was moved to another buffer");
    }
    if (slot->copied && size <= buffer.ByteLength()) std::memcpy(slot->data, buffer.Data(), size);
    const reflow_status status = reflow_frame_pool_commit(slot->pool->pool, slot->ticket, size);
    check_pool(env, *slot->pool, status, "a frame of " + std::to_string(size) + " bytes");
    slot->over = true;
    buffer.Detach();
    return env.Undefined();
}

// poolAbandon(slot, array buffer): gives the slot back.
Napi::Value abandon(const Napi::CallbackInfo& info) {
    const auto slot = argument<Slot>(info);
    auto buffer = info[1].As<Napi::ArrayBuffer>();
    // Memory that was moved to another buffer may be written there, and is given back when that is collected.
    if (slot->over || buffer.IsDetached()) return info.Env().Undefined();
    buffer.Detach();
    slot->end();
    return info.Env().Undefined();
}

// poolRead(pool, ticket): an array buffer, which holds the slot.
Napi::Value read(const Napi::CallbackInfo& info) {
    const auto pool = argument<Pool>(info);
    const std::int64_t ticket = ticket_argument(info);
    reflow_message made{};
    const reflow_status status = reflow_frame_pool_read(pool->pool, ticket, &made);
    const Message frame(made);
    check_pool(info.Env(), *pool, status, "the frame of ticket " + std::to_string(ticket));
    return Napi::Value(info.Env(), lend_buffer(info.Env(), frame.get()));
}

// poolLatest(pool): [array buffer, ticket], or undefined if nothing was written.
Napi::Value latest(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto pool = argument<Pool>(info);
    reflow_message made{};
    std::int64_t ticket = 0;
    const reflow_status status = reflow_frame_pool_latest(pool->pool, &ticket, &made);
    const Message frame(made);
    if (status == REFLOW_ERROR_NOT_FOUND) return env.Undefined();
    check_pool(env, *pool, status, "the newest frame");
    Napi::Array both = Napi::Array::New(env, 2);
    both.Set(0u, Napi::Value(env, lend_buffer(env, frame.get())));
    both.Set(1u, ticket_to_js(env, ticket));
    return both;
}

// poolRelease(array buffer)
Napi::Value release(const Napi::CallbackInfo& info) {
    release_buffer(info.Env(), info[0]);
    return info.Env().Undefined();
}

// poolInfo(pool)
Napi::Value get_info(const Napi::CallbackInfo& info) {
    const auto pool = argument<Pool>(info);
    reflow_frame_pool_info told{};
    told.struct_size = sizeof told;
    const reflow_status status = reflow_frame_pool_get_info(pool->pool, &told);
    check_pool(info.Env(), *pool, status, "the description");
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("slots", static_cast<double>(told.slots));
    object.Set("frameSize", static_cast<double>(told.frame_size));
    object.Set("written", static_cast<double>(told.written));
    object.Set("held", static_cast<double>(told.held));
    return object;
}

}  // namespace

void export_frame_pools(Napi::Object exports) {
    export_function(exports, "poolOpen", open);
    export_function(exports, "poolRemove", remove);
    export_function(exports, "poolWrite", write);
    export_function(exports, "poolBegin", begin);
    export_function(exports, "poolCommit", commit);
    export_function(exports, "poolAbandon", abandon);
    export_function(exports, "poolRead", read);
    export_function(exports, "poolLatest", latest);
    export_function(exports, "poolRelease", release);
    export_function(exports, "poolInfo", get_info);
}

}  // namespace reflow_node
