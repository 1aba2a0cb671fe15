// A bare engine, the limit beside the rows: actors with a ring each, a list of those that have
// something, one thread. It has no await rules, failures, events, checks, names or locks. It lives in
// a shared library and the callbacks in a program, as with the real one.
#ifndef BENCH_LIMITS_ENGINE_HPP
#define BENCH_LIMITS_ENGINE_HPP

#include <cstddef>
#include <cstdint>

#define BARE_API __attribute__((visibility("default")))

namespace bare {

struct Message {
    std::uint64_t tag;  // TAG_INTEGER, or TAG_COUNTED for a Payload
    std::uint64_t payload;
};

inline constexpr std::uint64_t TAG_INTEGER = 1;
inline constexpr std::uint64_t TAG_COUNTED = 2;

struct Payload {
    std::uint64_t references;
    const char* data;
    std::size_t size;
};

inline constexpr std::size_t BATCH = 64;

class Context;
// Called with one message, or with what is there up to BATCH; with none for a source.
using Callback = void (*)(Context& context, void* state, Message* messages, std::size_t count);

class Engine;

// How many messages each ring takes; a power of two.
inline constexpr std::size_t RING = 1024;
// Of very many actors that have next to nothing to do: the bytes of the smallest queue of the real one.
inline constexpr std::size_t SMALL_RING = 8;

BARE_API Engine* create(bool batches, std::size_t ring);
BARE_API void destroy(Engine* engine);
BARE_API std::uint32_t add(Engine* engine, Callback callback, void* state);
BARE_API void connect(Engine* engine, std::uint32_t from, std::uint32_t to);
BARE_API void send(Engine* engine, std::uint32_t to, Message message);
BARE_API void run(Engine* engine);
BARE_API Context& context(Engine* engine, std::uint32_t actor);

BARE_API void emit(Context& context, Message message);
BARE_API void emit_many(Context& context, const Message* messages, std::size_t count);
// How many messages every target takes now.
BARE_API std::size_t room(Context& context);
// Asks for another call with no message.
BARE_API void again(Context& context);
BARE_API void release(Message message);
// Calls the only target at once: no ring, no list, nothing but the two calls of a hop.
BARE_API void forward(Context& context, Message message);

}  // namespace bare

#endif
