/* reflow.h - the C interface of reflow, an embeddable engine for dataflow programs.
 *
 * This file is the reference manual. A program is a graph: nodes, each an instance of a
 * component, joined port to port by connections. A running graph is a network: each node is an
 * actor that fires when packets arrive at its inports, keeps private state, and emits packets on
 * its outports. The sections stand in the order of learning:
 *
 *   1 version and features     5 messages          9 graphs
 *   2 status codes             6 codecs           10 networks
 *   3 text and buffers         7 runtimes         11 inputs and outputs of a network
 *   4 errors                   8 components       12 events
 *  13 allocator  14 metrics  15 streams  16 frame pools  17 state  18 live change
 *  19 failure  20 recordings  21 peers
 *
 * The smallest complete program is examples/c/hello.c.
 *
 * How to read the comments. Each function says, in this order, what it does and then
 *   Ownership  who owns arguments and results. The words:
 *     borrowed       the library looks at it until the call returns and keeps nothing;
 *     taken          it belongs to the library from now on, also when the call fails;
 *     taken-if-ok    it belongs to the library if the call returns REFLOW_OK, else it stays yours;
 *     new            the caller owns the result and ends it with the function that is named;
 *     borrowed-until a result that you may look at until what is named: "the next call on this
 *                    handle", "the callback returns", or "the handle is destroyed".
 *   Threads    any: callable from any thread, also at the same time on one handle;
 *              one-at-a-time: any thread, but not two at once on one handle;
 *              callback: only inside a callback of the context that is passed.
 *   Blocking   never; bounded (it may wait for a lock held for a short time or run user code); or
 *              "until ..." with a timeout.
 *   Errors     the statuses that a caller may want to tell apart. Every function that can fail
 *              also answers REFLOW_ERROR_INVALID_ARGUMENT for a NULL that is not allowed,
 *              REFLOW_ERROR_OUT_OF_MEMORY when memory is exhausted, and, in debug of our own
 *              faults, REFLOW_ERROR_INTERNAL. A failed call changes nothing but its
 *              out-parameters, which are zeroed.
 *   Since      the first version that has it.
 *
 * Verbs: create/destroy make and end a handle that has one owner; ref/unref share; get borrows;
 * take moves. destroy and unref accept NULL. Handles may be destroyed in any order: each keeps
 * what it still needs. The library never prints, aborts, reads the environment, or touches
 * signals, locale or the working directory.
 *
 * Text is UTF-8, given as pointer and length, and may contain NUL. Invalid UTF-8 is refused with
 * the byte offset. Times are in nanoseconds if the name ends in _ns, milliseconds if in _ms.
 *
 * Callbacks may throw C++ exceptions: of components a failure of the call, with the text of what(); of teardown, destroy_state
 * and all others a line of the log, as if they had returned (docs/embedding.md has what becomes of what they should have
 * returned). The functions of an allocator must not throw, and none may longjmp across the library.
 *
 * fork. In a child, all that belongs to a runtime of the parent answers REFLOW_ERROR_FORKED at once, or
 * with the value of a NULL handle if it gives no status; destroy lets go of descriptors and of nothing
 * else, and calls nobody. Messages, graphs, buffers and errors go on, and the child may create runtimes
 * of its own. A child that was forked inside a callback must not return from it.
 */
#ifndef REFLOW_H
#define REFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define REFLOW_API
#elif defined(__GNUC__)
#define REFLOW_API __attribute__((visibility("default")))
#else
#define REFLOW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1 version and features ---------------------------------------------------------------- */

#define REFLOW_VERSION_MAJOR 0
#define REFLOW_VERSION_MINOR 1
#define REFLOW_VERSION_PATCH 0

/* major * 1000000 + minor * 1000 + patch of this header. */
#define REFLOW_VERSION 1000

/* The generation of the binary interface: the number in the name libreflow.so.1. */
#define REFLOW_ABI 1

/* A run of bytes, usually text. It owns nothing. A size of REFLOW_NUL_TERMINATED in an argument
 * means that data ends with a NUL. Views that the library returns always carry their size; data
 * is never NULL in them and text is followed by a NUL that is not counted. */
typedef struct reflow_view {
    const char *data;
    size_t size;
} reflow_view;

#define REFLOW_NUL_TERMINATED SIZE_MAX

/* The version of the library that is running, as REFLOW_VERSION is of the header.
 * Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint32_t reflow_version(void);

/* The same as text, such as "0.1.0".
 * Ownership: borrowed-until the process ends. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_view reflow_version_text(void);

/* Whether a program built with the given REFLOW_ABI may use this library.
 * Threads: any. Blocking: never. Errors: REFLOW_ERROR_UNSUPPORTED if not.
 * Since: 0.1.0 */
REFLOW_API int32_t reflow_abi_check(uint32_t abi);

/* Whether this build contains a part: "json", "msgpack", "files", "simulated"; "components" (the
 * built-in ones), "cron", "drawing", "environment", "recording", "snapshots" and "yaml" can be left out when it is built:
 * their functions answer REFLOW_ERROR_UNSUPPORTED then. Unknown names are false.
 * Ownership: name borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_feature(reflow_view name);

/* ---- 2 status codes ------------------------------------------------------------------------ */

/* Zero is success and every failure is negative. Numbers are never reused. */
typedef int32_t reflow_status;

enum {
    REFLOW_OK = 0,

    /* The call itself is wrong: mend the program. */
    REFLOW_ERROR_INVALID_ARGUMENT = -1, /* NULL, a bad size, an unknown flag, a dirty struct tail */
    REFLOW_ERROR_INVALID_STATE = -2,    /* not in this state: send before start, start twice */
    REFLOW_ERROR_NOT_FOUND = -3,        /* no such node, port, component, key or index */
    REFLOW_ERROR_ALREADY_EXISTS = -4,   /* the name is in use */
    REFLOW_ERROR_INVALID_UTF8 = -5,     /* text is not UTF-8; the error carries the offset */
    REFLOW_ERROR_WRONG_KIND = -6,       /* the message is of another kind */
    REFLOW_ERROR_WOULD_DEADLOCK = -7,   /* a call that waits, made on a thread it waits for */
    REFLOW_ERROR_UNSUPPORTED = -8,      /* this build or mode does not have it */
    REFLOW_ERROR_FORKED = -9,           /* the handle is of the process that this one is a fork of */

    /* A resource ran out or time did: try later, or raise the limit that is named. */
    REFLOW_ERROR_OUT_OF_MEMORY = -20,
    REFLOW_ERROR_LIMIT = -21,       /* a named limit was reached */
    REFLOW_ERROR_WOULD_BLOCK = -22, /* full or empty now */
    REFLOW_ERROR_TIMEOUT = -23,
    REFLOW_ERROR_CANCELLED = -24, /* the network was stopped meanwhile */
    REFLOW_ERROR_CLOSED = -25,    /* it takes no more, or has no more to give, for ever */

    /* Data from outside is wrong: mend the data. */
    REFLOW_ERROR_PARSE = -40,  /* not JSON, YAML, MessagePack or an expression; see the place */
    REFLOW_ERROR_GRAPH = -41,  /* a graph that cannot run; the error names node and port */
    REFLOW_ERROR_CONFIG = -42, /* the configuration of a node is not what its component wants */
    REFLOW_ERROR_TYPE = -43,   /* a packet or connection of a type the port does not take */

    /* The world outside. */
    REFLOW_ERROR_IO = -60, /* the operating system refused; the message has its reason */
    REFLOW_ERROR_REFUSED = -61,    /* the other side does not want this connection or request */
    REFLOW_ERROR_UNRESOLVED = -62, /* no address is known for the name of a host or a peer */
    REFLOW_ERROR_PROTOCOL = -63,   /* the other side breaks the rules of what is spoken */
    REFLOW_ERROR_AUTH = -64,       /* one side does not accept who the other one says it is */

    /* Code behind a callback. */
    REFLOW_ERROR_FAILED = -80, /* a component failed; the usual status of its own errors */
    REFLOW_ERROR_HOST = -81,   /* reserved for hosts: carried through the engine untouched */

    REFLOW_ERROR_INTERNAL = -99 /* a fault of the library: please report it */
};

/* The name of a status, such as "REFLOW_ERROR_TIMEOUT"; "unknown status" for other numbers.
 * Ownership: borrowed-until the process ends. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_view reflow_status_name(reflow_status status);

/* ---- 3 text and buffers -------------------------------------------------------------------- */

/* A view of a NUL-terminated text; NULL gives the empty view.
 * Ownership: the text stays yours. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_str(const char *text);

/* Bytes that the library made for you. Created by functions that say so, ended by
 * reflow_buffer_destroy, independent of every other handle. */
typedef struct reflow_buffer reflow_buffer;

/* The content of a buffer; the empty view for NULL.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_buffer_get(const reflow_buffer *buffer);

/* Ends a buffer.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_buffer_destroy(reflow_buffer *buffer);

/* ---- 4 errors ------------------------------------------------------------------------------ */

/* What went wrong and where. Most functions that can fail have as last parameter a
 * reflow_error **: NULL if you are not interested, otherwise it is set to NULL on success and to
 * a new error on failure. An error is immutable. */
typedef struct reflow_error reflow_error;

/* The place that an error is about. Views are empty and numbers 0 where they do not apply. */
typedef struct reflow_place {
    uint32_t struct_size; /* set to sizeof(reflow_place) before the call */
    uint32_t line;        /* from 1 */
    uint32_t column;      /* from 1, in bytes */
    uint32_t has_offset;  /* 1 if offset is known, also of the first byte */
    uint64_t offset;      /* bytes from the start of the text or data */
    reflow_view file;     /* name of the file */
    reflow_view path;     /* path in the document, such as "$.processes.read" */
    reflow_view node;     /* id of the node, "outer/inner" inside subgraphs */
    reflow_view port;     /* name of the port */
} reflow_place;

/* The status; REFLOW_OK for NULL.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_error_status(const reflow_error *error);

/* The fact, lower case, without a final stop: "no component named 'Filtre'".
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_error_message(const reflow_error *error);

/* What to try, such as "did you mean 'Filter'?"; often empty.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_error_hint(const reflow_error *error);

/* The place that the error is about, into *place.
 * Ownership: the views are borrowed-until the handle is destroyed. Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for a wrong struct_size.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_error_place(const reflow_error *error, reflow_place *place);

/* The error that caused this one, or NULL.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API const reflow_error *reflow_error_cause(const reflow_error *error);

/* Where it came from in the words of its language, such as the trace of an exception; often empty. It
 * may have many lines, and is not part of reflow_error_text.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_error_trace(const reflow_error *error);

/* Everything on one line for a person: "f.json:3:9: node 'a': no component named 'X' (did you
 * mean 'Y'?)".
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_error_text(const reflow_error *error);

/* Ends an error.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_error_destroy(reflow_error *error);

/* ---- 5 messages ---------------------------------------------------------------------------- */

/* A value that travels between actors. It is immutable, and 16 bytes that you may copy like a
 * number: scalars hold everything in them and allocate nothing; other kinds hold one counted
 * pointer. Do not look inside; two messages with equal bytes are the same value, unequal bytes
 * say nothing. A zeroed message is "none": no value at all, safe to unref, and not allowed
 * where a value is wanted.
 *
 * A function that makes a message gives you one reference, which you end with
 * reflow_message_unref or hand over to a function that takes it. reflow_message_ref adds one.
 * For none and scalars all of these do nothing, so generic code need not ask for the kind.
 * Messages need no runtime, may move between runtimes, and may be used by several threads. */
typedef struct reflow_message {
    uint64_t tag;
    uint64_t payload;
} reflow_message;

/* Kinds of messages. */
typedef int32_t reflow_kind;
enum {
    REFLOW_KIND_NONE = 0, /* no value: an absent input, a zeroed message */
    REFLOW_KIND_NULL = 1,
    REFLOW_KIND_FLOW = 2, /* a signal without content */
    REFLOW_KIND_BOOLEAN = 3,
    REFLOW_KIND_INTEGER = 4, /* signed, 64 bits */
    REFLOW_KIND_FLOAT = 5,   /* IEEE 754 double */
    REFLOW_KIND_STRING = 16, /* UTF-8 text */
    REFLOW_KIND_BYTES = 17,
    REFLOW_KIND_ARRAY = 18,  /* of messages, or packed: numbers of one type side by side */
    REFLOW_KIND_OBJECT = 19, /* keys are text and unique, order is kept */
    REFLOW_KIND_EVENT = 20,  /* carries a message */
    REFLOW_KIND_ERROR = 21,  /* an error as text; what error ports send */
    REFLOW_KIND_OPTIONAL = 22, /* carries a message, or nothing */
    REFLOW_KIND_ANY = 23,      /* carries a message of a kind that is not declared */
    REFLOW_KIND_ENCODED = 24,  /* bytes that are an encoded message */
    REFLOW_KIND_STREAM = 25,   /* handle of a stream */
    REFLOW_KIND_REMOTE = 26,   /* reference to an actor in another network */
    REFLOW_KIND_NETWORK_EVENT = 27
};

/* Types of packed numbers. */
typedef int32_t reflow_number;
enum {
    REFLOW_NUMBER_I8 = 1,
    REFLOW_NUMBER_U8 = 2,
    REFLOW_NUMBER_I16 = 3,
    REFLOW_NUMBER_U16 = 4,
    REFLOW_NUMBER_I32 = 5,
    REFLOW_NUMBER_U32 = 6,
    REFLOW_NUMBER_I64 = 7,
    REFLOW_NUMBER_U64 = 8,
    REFLOW_NUMBER_F32 = 9,
    REFLOW_NUMBER_F64 = 10
};

/* Called exactly once when lent memory is no longer used, on whatever thread drops the last
 * reference. It may call the message functions but nothing that waits. */
typedef void (*reflow_release_fn)(void *user_data);

/* Scalars. They cannot fail and need no unref.
 * Ownership: none. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_message reflow_message_null(void);
REFLOW_API reflow_message reflow_message_flow(void);
REFLOW_API reflow_message reflow_message_boolean(bool value);
REFLOW_API reflow_message reflow_message_integer(int64_t value);
REFLOW_API reflow_message reflow_message_float(double value);

/* A string from text that is copied.
 * Ownership: text borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_LIMIT beyond 2^32-1 bytes. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_string(reflow_view text, reflow_message *out,
                                               reflow_error **error);

/* Bytes that are copied.
 * Ownership: data borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_bytes(const void *data, size_t size, reflow_message *out,
                                              reflow_error **error);

/* A string or bytes whose memory you lend: nothing is copied; it must not change until release
 * is called. kind is REFLOW_KIND_STRING or REFLOW_KIND_BYTES.
 * Ownership: data lent until release(user_data), which is called exactly once, also when this
 * call fails; *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_WRONG_KIND for another kind.
 * Callbacks: release, as reflow_release_fn says; NULL for memory that lives for ever.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_lend(reflow_kind kind, const void *data, size_t size,
                                             reflow_release_fn release, void *user_data,
                                             reflow_message *out, reflow_error **error);

/* An array of count numbers of one type, copied into one piece of memory.
 * Ownership: data borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for an unknown type, REFLOW_ERROR_LIMIT if the size
 * overflows. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_numbers(reflow_number type, const void *data, size_t count,
                                                reflow_message *out, reflow_error **error);

/* The same with memory that you lend; data must be aligned for its type.
 * Ownership: data lent until release(user_data), which is called exactly once, also when this
 * call fails; *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for an unknown type or bad alignment.
 * Callbacks: release, as reflow_release_fn says. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_lend_numbers(reflow_number type, const void *data,
                                                     size_t count, reflow_release_fn release,
                                                     void *user_data, reflow_message *out,
                                                     reflow_error **error);

/* An error message: what an actor sends on an error port.
 * Ownership: text borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_error(reflow_view text, reflow_message *out,
                                              reflow_error **error);

/* A message that carries another: kind is REFLOW_KIND_EVENT, REFLOW_KIND_ANY or
 * REFLOW_KIND_OPTIONAL. Only an optional may carry none.
 * Ownership: content taken, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND for another kind, REFLOW_ERROR_LIMIT beyond the depth of
 * REFLOW_MAX_DEPTH. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_wrap(reflow_kind kind, reflow_message content,
                                             reflow_message *out, reflow_error **error);

/* Bytes that are an encoded message (MessagePack, as reflow_message_to_msgpack writes). They are
 * not looked at.
 * Ownership: data borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_encoded(const void *data, size_t size, reflow_message *out,
                                                reflow_error **error);

/* The handle of a stream, as it travels in a packet. Handles that lead to a stream are made by
 * section 15; one of reflow_message_stream, or of a codec, only tells its fields. */
typedef struct reflow_stream_info {
    uint32_t struct_size; /* sizeof(reflow_stream_info) */
    uint32_t has_size_hint;
    uint64_t stream_id;
    uint64_t size_hint; /* bytes, if has_size_hint is not 0 */
    reflow_view origin_actor;
    reflow_view origin_port;
    reflow_view content_type; /* empty: not known */
} reflow_stream_info;

/* A message that names a stream.
 * Ownership: info borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_stream(const reflow_stream_info *info, reflow_message *out,
                                               reflow_error **error);

/* A reference to a port of an actor in another network.
 * Ownership: views borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_remote(reflow_view network_id, reflow_view actor_id,
                                               reflow_view port, reflow_message *out,
                                               reflow_error **error);

/* A network event as a packet: a type such as "HeartbeatMissed" and its data.
 * Ownership: type borrowed, data taken, *out new (reflow_message_unref). Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_LIMIT. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_network_event(reflow_view type, reflow_message data,
                                                      reflow_message *out, reflow_error **error);

/* Adds a reference and returns the same message.
 * Ownership: the result is new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_message reflow_message_ref(reflow_message message);

/* Drops a reference. Deep messages are freed without recursion.
 * Ownership: taken. Threads: any. Blocking: never. Errors: none.
 * Callbacks: may call the release function of lent memory. Since: 0.1.0 */
REFLOW_API void reflow_message_unref(reflow_message message);

/* Moves a message out of a variable: returns *from and sets *from to none. What a component uses
 * to pass an input on without touching its count.
 * Ownership: the reference moves to the result. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_message reflow_message_take(reflow_message *from);

/* The kind of a message.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_kind reflow_message_kind(reflow_message message);

/* The name of a kind: "Integer", "Object", ...; "None" for none and "unknown" for other numbers.
 * Ownership: borrowed-until the process ends. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_view reflow_kind_name(reflow_kind kind);

/* Whether two messages have the same value: same kind and content, numbers of different kinds
 * are different, packed and plain arrays with equal elements are the same, the order of keys does
 * not matter, NaN equals NaN.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_message_equal(reflow_message a, reflow_message b);

/* How many bytes of payload a message carries: text and bytes by their length, packed numbers by
 * that of their elements, other scalars as 8, containers as the sum of their keys and elements.
 * Ownership: borrowed. Threads: any. Blocking: never, but it looks at every element. Errors: none.
 * Since: 0.1.0 */
REFLOW_API uint64_t reflow_message_payload_size(reflow_message message);

/* Readers of scalars. reflow_message_get_float also reads an integer, rounded to nearest.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_WRONG_KIND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_boolean(reflow_message message, bool *out);
REFLOW_API reflow_status reflow_message_get_integer(reflow_message message, int64_t *out);
REFLOW_API reflow_status reflow_message_get_float(reflow_message message, double *out);

/* The text of a string or error.
 * Ownership: *out borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_text(reflow_message message, reflow_view *out);

/* The bytes of bytes, encoded, string or error.
 * Ownership: *out borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_bytes(reflow_message message, reflow_view *out);

/* How many elements an array has, or keys an object; 0 for other kinds.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API size_t reflow_message_count(reflow_message message);

/* Element number index of an array, or the value of key number index of an object. Elements of
 * packed arrays come as scalars.
 * Ownership: *out borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND, REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_at(reflow_message message, size_t index,
                                               reflow_message *out);

/* Key number index of an object, in the order of insertion.
 * Ownership: *out borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND, REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_key(reflow_message message, size_t index,
                                                reflow_view *out);

/* The value of a key of an object.
 * Ownership: key borrowed; *out borrowed-until the message is released. Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_WRONG_KIND, REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get(reflow_message message, reflow_view key,
                                            reflow_message *out);

/* The numbers of a packed array, without a copy. An array that is not packed is
 * REFLOW_ERROR_WRONG_KIND; so is every other kind.
 * Ownership: *data borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_numbers(reflow_message message, reflow_number *type,
                                                    const void **data, size_t *count);

/* What an event, any, optional or network event carries; none for an empty optional.
 * Ownership: *out borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_content(reflow_message message, reflow_message *out);

/* The fields of a stream handle; info->struct_size is set before the call.
 * Ownership: views borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_stream(reflow_message message,
                                                   reflow_stream_info *info);

/* The fields of a remote reference.
 * Ownership: views borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_remote(reflow_message message, reflow_view *network_id,
                                                   reflow_view *actor_id, reflow_view *port);

/* The type of a network event, such as "HeartbeatMissed"; its data is reflow_message_get_content.
 * Ownership: *out borrowed-until the message is released. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_get_event_type(reflow_message message, reflow_view *out);

/* Builders: the only way to make arrays of mixed messages and objects. A builder is yours until
 * finish or destroy, and used by one thread at a time. */
typedef struct reflow_array_builder reflow_array_builder;
typedef struct reflow_object_builder reflow_object_builder;

/* A new builder of an array; expected is a guess of the number of elements, or 0.
 * Ownership: *out new (finish or destroy). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_array_builder_create(size_t expected, reflow_array_builder **out,
                                                     reflow_error **error);

/* Appends an element. Arrays whose elements are all integers or all floats become packed.
 * Ownership: element taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for none, REFLOW_ERROR_LIMIT beyond the depth of
 * REFLOW_MAX_DEPTH or 2^32-1 elements. Since: 0.1.0 */
REFLOW_API reflow_status reflow_array_builder_append(reflow_array_builder *builder,
                                                     reflow_message element, reflow_error **error);

/* Makes the array and ends the builder.
 * Ownership: builder taken, *out new (reflow_message_unref). Threads: one-at-a-time.
 * Blocking: never. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_array_builder_finish(reflow_array_builder *builder,
                                                     reflow_message *out, reflow_error **error);

/* Ends a builder without a result.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_array_builder_destroy(reflow_array_builder *builder);

/* A new builder of an object; expected is a guess of the number of keys, or 0.
 * Ownership: *out new (finish or destroy). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_object_builder_create(size_t expected, reflow_object_builder **out,
                                                      reflow_error **error);

/* Sets a key; setting it again replaces the value and keeps its place.
 * Ownership: key borrowed, value taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_INVALID_ARGUMENT for none, REFLOW_ERROR_LIMIT
 * beyond the depth of REFLOW_MAX_DEPTH or 2^32-1 keys. Since: 0.1.0 */
REFLOW_API reflow_status reflow_object_builder_set(reflow_object_builder *builder, reflow_view key,
                                                   reflow_message value, reflow_error **error);

/* Makes the object and ends the builder.
 * Ownership: builder taken, *out new (reflow_message_unref). Threads: one-at-a-time.
 * Blocking: never. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_object_builder_finish(reflow_object_builder *builder,
                                                      reflow_message *out, reflow_error **error);

/* Ends a builder without a result.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_object_builder_destroy(reflow_object_builder *builder);

/* ---- 6 codecs ------------------------------------------------------------------------------ */

/* Three encodings. Plain JSON is what other programs write and read; some kinds turn into others
 * on the way (bytes into an array of numbers). Tagged JSON, {"type":"Integer","data":5}, and
 * MessagePack keep every kind. Plain JSON reads: integers of 64 bits exactly, larger ones as a
 * float if that is exact and as an error otherwise; the last of duplicate keys wins; nothing but
 * RFC 8259 is accepted, and an error carries line, column and offset. NaN and infinities are
 * written in plain JSON as null, in tagged JSON as the strings "NaN", "Infinity" and
 * "-Infinity". */

/* How deep arrays, objects and wrapped messages may nest, in every codec and builder. */
#define REFLOW_MAX_DEPTH 128

/* Limits for reading. Zero in a field means the default. */
typedef struct reflow_read_options {
    uint32_t struct_size; /* sizeof(reflow_read_options) */
    uint32_t max_depth;   /* default and most: REFLOW_MAX_DEPTH */
    uint64_t max_bytes;   /* size of the input; default 1 GiB */
    uint64_t max_elements; /* elements and keys in all; default 100,000,000 */
    uint32_t unique_keys;  /* 1: plain JSON with a key twice in an object is an error */
    uint32_t reserved;     /* 0 */
} reflow_read_options;

/* Styles of written JSON. */
typedef int32_t reflow_json_style;
enum {
    REFLOW_JSON_PLAIN = 0,       /* plain, on one line */
    REFLOW_JSON_PLAIN_PRETTY = 1, /* plain, two spaces for each level */
    REFLOW_JSON_TAGGED = 2        /* {"type":...,"data":...} */
};

/* Reads plain JSON text into a message. options may be NULL.
 * Ownership: text and options borrowed, *out new (reflow_message_unref). Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_PARSE with the place, REFLOW_ERROR_LIMIT.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_from_json(reflow_view text,
                                                  const reflow_read_options *options,
                                                  reflow_message *out, reflow_error **error);

/* Reads tagged JSON text into a message. options may be NULL.
 * Ownership: text and options borrowed, *out new (reflow_message_unref). Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_PARSE with the place or path, REFLOW_ERROR_LIMIT.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_from_tagged_json(reflow_view text,
                                                         const reflow_read_options *options,
                                                         reflow_message *out, reflow_error **error);

/* Writes a message as JSON text.
 * Ownership: message borrowed, *out new (reflow_buffer_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_PARSE for an encoded message that does not decode. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_to_json(reflow_message message, reflow_json_style style,
                                                reflow_buffer **out, reflow_error **error);

/* Reads one message from MessagePack; bytes after it are an error. options may be NULL.
 * Ownership: data and options borrowed, *out new (reflow_message_unref). Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_PARSE with the offset, REFLOW_ERROR_LIMIT.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_from_msgpack(const void *data, size_t size,
                                                     const reflow_read_options *options,
                                                     reflow_message *out, reflow_error **error);

/* Writes a message as MessagePack, without loss.
 * Ownership: message borrowed, *out new (reflow_buffer_destroy). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_message_to_msgpack(reflow_message message, reflow_buffer **out,
                                                   reflow_error **error);

/* ---- 7 runtimes ---------------------------------------------------------------------------- */

/* A runtime owns threads, clock, registered components and limits; networks run on it, several
 * at a time if you like. It lives until it is destroyed and the last network on it is too. */
typedef struct reflow_runtime reflow_runtime;

/* Where actors run. */
typedef int32_t reflow_mode;
enum {
    REFLOW_MODE_OWN = 0,      /* threads of its own: the default */
    REFLOW_MODE_INLINE = 1,   /* no threads: actors run inside reflow_runtime_run and inside the
                                 calls that wait (send, wait_idle, drain, stop, recv) */
    REFLOW_MODE_HOSTED = 2,   /* like inline, for a host with an event loop of its own: it watches
                                 one descriptor, or takes a wake callback, and calls
                                 reflow_runtime_run when there is something to do */
    REFLOW_MODE_LENT = 3,     /* threads of the host: each that calls reflow_runtime_work is a
                                 worker until that returns */
    REFLOW_MODE_SIMULATED = 4 /* like inline, but the order of steps is drawn from a seed and time
                                 is logical: a run is a pure function of seed and program */
};

/* Levels of log lines. */
typedef int32_t reflow_log_level;
enum {
    REFLOW_LOG_ERROR = 1,
    REFLOW_LOG_WARN = 2,
    REFLOW_LOG_INFO = 3,
    REFLOW_LOG_DEBUG = 4,
    REFLOW_LOG_TRACE = 5
};

/* Receives log lines. subsystem is such as "network" or the id of a component; node is the id of
 * the node, or empty. Views are borrowed until it returns. It may be called on any thread and by
 * several at once, never under a lock of the engine, and may call anything that does not wait. */
typedef void (*reflow_log_fn)(void *user_data, reflow_log_level level, reflow_view subsystem,
                              reflow_view node, reflow_view text);

/* Receives what components print for a person, such as the tables of TablePrint: whole lines with
 * their line ends, one call at a time. What it returns goes back to the component: anything but
 * REFLOW_OK makes its firing fail. */
typedef reflow_status (*reflow_print_fn)(void *user_data, reflow_view node, reflow_view text);

/* Called on each thread that the runtime creates, first and last on it. */
typedef void (*reflow_thread_fn)(void *user_data);

/* Mode hosted: there is something to do. It comes once, on whatever thread brought it, and not again
 * before a run has ended with nothing more to do. It must only see to it that the host's loop calls
 * reflow_runtime_run soon, such as by posting to the loop: called never under a lock of the engine,
 * but also from inside functions that send. */
typedef void (*reflow_wake_fn)(void *user_data);

/* Ends user data: called exactly once, after the last call that gets it has returned, also when
 * the call that received it fails. */
typedef void (*reflow_destroy_fn)(void *user_data);

/* Zero in a field means the default. */
typedef struct reflow_runtime_options {
    uint32_t struct_size; /* sizeof(reflow_runtime_options) */
    reflow_mode mode;
    uint32_t workers;       /* threads in mode own, default one per core; how many threads may work
                               at once in mode lent, default 64; at most 256 */
    uint32_t batch_packets; /* packets that a turn takes, or a source emits in it; default 64 */
    uint32_t batch_us;      /* time of one turn in microseconds; default 1000 */
    uint32_t port_capacity; /* packets an inport holds unless its component or connection says
                               otherwise; default 1000 */
    uint64_t seed;          /* mode simulated */
    uint64_t max_actors;    /* in all networks of this runtime; default 10,000,000 */
    uint64_t max_growth;    /* packets that ports may hold beyond their capacity, in a network,
                               to resolve a stall (section 10); default 1,000,000 */
    reflow_log_fn log;      /* default: silent */
    reflow_print_fn print;  /* default: discarded */
    /* First and last on each thread of the library, those of peers and discovery servers included. */
    reflow_thread_fn thread_start;
    reflow_thread_fn thread_stop;
    void *user_data;           /* for the callbacks of this struct */
    reflow_destroy_fn destroy; /* ends user_data when the runtime has ended */
    reflow_log_level log_level; /* least important level that is logged; default REFLOW_LOG_INFO */
    uint32_t blocking_threads;  /* how many threads there may be for components with the flag
                                   REFLOW_COMPONENT_BLOCKING; default 32, at most 1024 */
    reflow_wake_fn wake; /* mode hosted; not needed by a host that watches the descriptor */
    uint64_t max_packets; /* that all inports and outputs in all networks of this runtime may hold by
                             their capacities, without what max_growth adds; default: no limit but
                             these capacities */
    uint64_t max_completions; /* firings that may be pending in all networks of this runtime;
                                 default 1,000,000, at most 16,000,000 */
    uint64_t max_streams; /* streams that may live at once (section 15); default 1,000,000 */
    uint64_t max_pool_bytes; /* that all frame pools may have by their slots (section 16); default
                                4 GiB */
    uint64_t watchdog_ms; /* a callback that lasts longer is told of (section 10); default: none is. At
                             most 2^32-1 */
    uint64_t port_capacity_bytes; /* payload that the packets of an inport may have together unless its
                                     component or connection says otherwise; default: no limit */
    uint32_t check_types; /* 1: packets have to fit the types of inports while networks run, too.
                             Emitting one that does not fit, and sending it, fails with
                             REFLOW_ERROR_TYPE; nothing goes anywhere then. Each message that is
                             emitted costs a look. Default: only what graphs say is checked */
} reflow_runtime_options;

/* Creates a runtime; options may be NULL.
 * Ownership: options borrowed, options->user_data taken, *out new (reflow_runtime_destroy).
 * Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_UNSUPPORTED for an unknown mode,
 * REFLOW_ERROR_LIMIT, REFLOW_ERROR_IO if a thread cannot be created. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_create(const reflow_runtime_options *options,
                                               reflow_runtime **out, reflow_error **error);

/* Ends a runtime. Networks that still stand on it keep what they need of it; its threads end with
 * the last of them. Called on a thread of the runtime itself, the end is deferred.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded (joins the threads when no network
 * is left). Errors: none. Callbacks: thread_stop, destroy. Since: 0.1.0 */
REFLOW_API void reflow_runtime_destroy(reflow_runtime *runtime);

/* Runs ready actors on the calling thread, at most max_turns turns (0: until nothing is ready),
 * and tells whether more is ready in *more (may be NULL). Modes inline, hosted and simulated only.
 * In mode simulated time jumps to the next timer when nothing else is ready; in the others timers
 * that are due fire, and the rest are left.
 * Ownership: none. Threads: any; two at once: one gets REFLOW_ERROR_INVALID_STATE, and in mode
 * hosted the wake callback comes again if the other leaves something.
 * Blocking: until the turns are done. Errors: REFLOW_ERROR_UNSUPPORTED in modes own and lent,
 * REFLOW_ERROR_WOULD_DEADLOCK from inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_run(reflow_runtime *runtime, uint64_t max_turns, bool *more,
                                            reflow_error **error);

/* The same, and begins no turn after max_ns nanoseconds (0: no such limit): what an event loop may
 * spend on it before it looks after others. A turn itself lasts as batch_us says, or as long as
 * the callback that runs then.
 * Ownership: none. Threads: any; as reflow_runtime_run. Blocking: until that is done or the time
 * is over. Errors: as reflow_runtime_run. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_run_for(reflow_runtime *runtime, uint64_t max_turns,
                                                uint64_t max_ns, bool *more, reflow_error **error);

/* Mode hosted. The host has a loop on one of its threads: the one that created the runtime, or the
 * last one that called reflow_runtime_run. Actors run there only, inside reflow_runtime_run and
 * inside calls that wait. Calls that wait on other threads wait for that one: keep its loop going, or
 * call reflow_runtime_run on a thread that takes over.
 *
 * The descriptor, for poll, epoll, libuv, asyncio and their like. It is readable for as long as
 * something is ready or a timer is due, and reflow_runtime_run makes it unreadable by doing that: do
 * not read it, write it or close it. An idle runtime never makes it readable. On Linux timers make
 * it readable by themselves; elsewhere limit the sleep of the loop by reflow_runtime_next_due_ns.
 * Ownership: *descriptor borrowed-until the runtime has ended. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_UNSUPPORTED in other modes, REFLOW_ERROR_IO if the system has no more
 * descriptors. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_descriptor(reflow_runtime *runtime, int32_t *descriptor,
                                                   reflow_error **error);

/* How many nanoseconds from now there is something to do for reflow_runtime_run: 0 if something
 * is ready, UINT64_MAX if no timer is armed either. For a host that takes the wake callback: ask
 * after each run. UINT64_MAX in modes own and lent.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_runtime_next_due_ns(const reflow_runtime *runtime);

/* Mode lent: makes the calling thread a worker. It runs what is ready, and sleeps without using the
 * processor when nothing is, until the timeout (REFLOW_FOREVER: none), an interrupt, or the end of
 * the runtime. A timeout of 0 runs what is ready and returns, after batch_us at the latest, without
 * sleeping. Any number of threads up to the option workers may be inside at once, and what one leaves
 * behind the others take over. Calls that wait, such as reflow_network_wait_idle, work too while they
 * wait if there is room for one more, so a network never stands still because its only thread waits.
 * thread_start and thread_stop are not called for threads of the host.
 * Ownership: runtime borrowed; it may be destroyed while threads work, and then they return when the
 * last network has ended too. Threads: any. Blocking: until the timeout, an interrupt or the end.
 * Errors: REFLOW_ERROR_CLOSED when the runtime has ended: the handle is not valid any more;
 * REFLOW_ERROR_LIMIT if as many threads work already; REFLOW_ERROR_UNSUPPORTED in other modes;
 * REFLOW_ERROR_WOULD_DEADLOCK from inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_work(reflow_runtime *runtime, int64_t timeout_ms,
                                             reflow_error **error);

/* Mode lent: lets so many calls of reflow_runtime_work return REFLOW_OK, those that are inside now or,
 * if they are fewer, the next ones. So a host that ends its threads interrupts as many calls as it
 * has threads, wherever each of them is. At most 256 are kept for later.
 * Ownership: none. Threads: any. Blocking: never. Errors: REFLOW_ERROR_UNSUPPORTED in other modes.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_interrupt(reflow_runtime *runtime, uint32_t calls,
                                                  reflow_error **error);

/* Changes the number of workers while networks run; 0 is the default number. In mode own threads are
 * started, or end as soon as their callbacks have returned; what waited for them the others do, but
 * what waits behind a callback that runs when a runtime with one worker gets a second stays with
 * the first until that callback returns. In mode lent it is how many threads may work from now on;
 * those inside go on.
 * Ownership: none. Threads: any. Blocking: bounded (starts threads). Errors: REFLOW_ERROR_LIMIT beyond
 * 256, or if that many are still about to end; REFLOW_ERROR_IO if a thread cannot be created, those
 * before it stay; REFLOW_ERROR_UNSUPPORTED in other modes. Callbacks: thread_start, thread_stop.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_set_workers(reflow_runtime *runtime, uint32_t workers,
                                                    reflow_error **error);

/* The number of threads that run actors: in mode own the workers that the runtime has, in mode lent
 * the threads that work now, else 0.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint32_t reflow_runtime_workers(const reflow_runtime *runtime);

/* ---- 8 components -------------------------------------------------------------------------- */

/* A component is a kind of actor. The library has a set of its own (reflow_runtime_components
 * lists them), and a host registers more by callbacks. The life of an actor, one per node:
 *
 *   create -> setup -> run, run, ... -> finish -> teardown -> destroy
 *
 * create makes the state of the node; setup acquires (files, connections) when the network
 * starts; run fires; finish comes once when the network drains, so that an actor that gathers can
 * emit the rest; teardown releases what setup acquired; destroy ends the state. create and setup
 * run on the thread that creates and starts the network, run and finish on a thread of the
 * runtime, teardown on the thread on which the stop completes, destroy on the one that destroys the
 * network. For one actor no two callbacks ever run at once, and each sees the memory effects
 * of the one before.
 *
 * When an actor fires is told by its await rule. A source is a component without inports, or one with the
 * flag REFLOW_COMPONENT_SOURCE none of whose inports is connected or has an initial packet (that the graph exposes
 * one, or a host has found it, does not count here): it fires once at the start with no inputs, goes on as long
 * as it asks for it with reflow_context_again, and fires again for each packet that a host sends to it. */
typedef struct reflow_context reflow_context;

/* One packet on a port. */
typedef struct reflow_packet {
    reflow_message message;
    uint32_t port;  /* number of the inport, as in reflow_component.inports */
    uint32_t index; /* of the connection into an array port, where peers choose any; else REFLOW_NO_INDEX */
    const void *envelope; /* see reflow_packet_envelope; NULL: it has none */
} reflow_packet;

#define REFLOW_NO_INDEX UINT32_MAX

/* What goes with a packet and is none of its content. A network carries envelopes if it was told to
 * (reflow_network_carry_envelopes). What a firing emits gets the envelope of its inputs: that of the
 * first one, in the order of the inports, that has one; or what reflow_context_set_envelope says. That is
 * so for outputs of pending firings, for the outport "error" and for fallbacks, too.
 *
 * A firing whose envelope has a deadline that has passed is not begun: it fails with REFLOW_ERROR_TIMEOUT,
 * which is no attempt and nothing that a circuit breaker counts. One that is kept open ends at the deadline as
 * at its timeout. What then goes to "error" or a fallback, and a dead letter that is played back too
 * late, has no deadline any more. In mode simulated the time is logical and begins with 1970.
 *
 * A packet from another network (section 21) always has one: its last four fields tell who has sent it, as the
 * greeting of the two peers has proved, and what was sent goes on with them. Elsewhere they are empty,
 * unless a host or a component has set them. */
typedef struct reflow_envelope {
    uint32_t struct_size; /* sizeof(reflow_envelope) */
    uint32_t reserved;    /* 0 */
    uint8_t trace_id[16]; /* as in W3C Trace Context; zeros: none */
    uint8_t span_id[8];
    int64_t deadline_ms;     /* milliseconds since 1970 UTC; 0: none */
    reflow_view correlation; /* UTF-8, at most REFLOW_MAX_CORRELATION_BYTES */
    reflow_view source_network;  /* UTF-8, each at most REFLOW_MAX_SOURCE_BYTES; may be empty */
    reflow_view source_instance; /* the process of that network */
    reflow_view source_actor;    /* what the sender calls itself */
    reflow_view message_id;      /* no other message of that instance has it */
} reflow_envelope;

#define REFLOW_MAX_CORRELATION_BYTES 256
#define REFLOW_MAX_SOURCE_BYTES 4096

/* The envelope of an input.
 * Ownership: packet borrowed; the views are borrowed-until the callback returns. Threads: callback.
 * Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND if it has none, REFLOW_ERROR_INVALID_ARGUMENT for a
 * wrong struct_size. Since: 0.1.0 */
REFLOW_API reflow_status reflow_packet_envelope(const reflow_packet *packet,
                                                reflow_envelope *envelope);

/* The envelope of what is emitted now.
 * Ownership: the views are borrowed-until the next call on this handle. Threads: callback.
 * Blocking: never. Errors: as reflow_packet_envelope. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_envelope(const reflow_context *context,
                                                 reflow_envelope *envelope);

/* Sets the envelope of what this call emits from now on, and of firings that it keeps open from now on;
 * NULL: none. Each call begins anew with that of its inputs. In a network that carries none it does
 * nothing, so that components need not ask.
 * Ownership: envelope borrowed. Threads: callback (run, finish). Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT, REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_LIMIT for too long a
 * text, REFLOW_ERROR_INVALID_STATE in other callbacks. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_set_envelope(reflow_context *context,
                                                     const reflow_envelope *envelope);

/* Flags of a port. */
enum {
    REFLOW_PORT_REQUIRED = 1, /* a graph in which it is neither connected nor exposed, and gets no initial
                                 packet, does not run: one that only the host sends to is exposed */
    REFLOW_PORT_ARRAY = 2     /* its connections carry an index */
};

/* A port of a component. */
typedef struct reflow_port {
    reflow_view name;        /* 1 to 256 bytes */
    reflow_view type;        /* "any" (also if empty), "flow", "event", "boolean", "integer",
                                "float", "string", "bytes", "object", "object<Name>", "array",
                                "array<T>", "option<T>", "stream", "encoded" */
    reflow_view description; /* for people; may be empty */
    uint32_t flags;          /* REFLOW_PORT_... */
    uint32_t capacity;       /* packets an inport holds; 0: the default of the runtime */
    uint64_t capacity_bytes; /* payload (reflow_message_payload_size) that these may have together; 0: the
                                default of the runtime */
} reflow_port;

/* Await rules: what has to be there for a firing, and what a firing takes. */
typedef int32_t reflow_await;
enum {
    REFLOW_AWAIT_ANY = 0,     /* a packet on some inport; takes one, in the order of arrival */
    REFLOW_AWAIT_ALL = 1,     /* a packet on every inport that is connected, or exposed; takes one of each */
    REFLOW_AWAIT_REQUIRED = 2 /* a packet on every inport flagged REFLOW_PORT_REQUIRED; takes one
                                 of each of them, the others show their newest packet */
};

/* Flags of a component. */
enum {
    REFLOW_COMPONENT_SOURCE = 1,  /* fires at the start if nothing is connected to it */
    REFLOW_COMPONENT_BLOCKING = 2, /* run and finish may block: in modes own and lent they are called on
                                     threads beside the workers, so nobody else waits for them. The
                                     runtime starts such a thread when all that it has are busy, up
                                     to blocking_threads, and ends it after ten seconds without
                                     work. If none can be started a worker does it. In the other
                                     modes they are called where all are */
    REFLOW_COMPONENT_ORDERED = 4, /* the outputs of firings that end later appear in the order of
                                    the inputs; run then gets one firing in a call */
    REFLOW_COMPONENT_EXTERNAL = 8, /* what it does depends on more than its packets and its configuration,
                                    or changes the world: files, clocks, random numbers. A recording
                                    keeps what it brings, and a replay plays that instead of calling
                                    it (section 20) */
    REFLOW_COMPONENT_STATELESS = 16, /* what create makes comes from the configuration alone and never
                                      changes: a snapshot needs nothing of it (section 17) */
    REFLOW_COMPONENT_HIGH = 32, /* the priority of its actors, unless their nodes tell one (section 10) */
    REFLOW_COMPONENT_LOW = 64   /* likewise; not both */
};

/* Creates the state of a node into *state; the configuration is read from the context.
 * A failure makes reflow_network_create fail. Without this callback the state is the user_data of
 * the component, and destroy_state is not called. */
typedef reflow_status (*reflow_create_fn)(reflow_context *context, void *user_data, void **state);

/* Setup, and finish. A failure of setup makes reflow_network_start fail. */
typedef reflow_status (*reflow_state_fn)(reflow_context *context, void *state);

/* Fires. With REFLOW_AWAIT_ANY each input is a firing. With the other rules a firing is as many
 * inputs as the component has inports, inputs[n] being that of inport n, of kind
 * REFLOW_KIND_NONE if it has none; count is a multiple of that. A batch holds at most max_batch
 * firings, in order. count is 0 when a source starts, and when the actor asked to be called.
 *
 * The inputs are borrowed until return; a message can be moved out with reflow_message_take, its
 * place is then none. Returning REFLOW_OK completes all firings, unless reflow_context_again was
 * called: then those completed by reflow_context_advance, and the rest comes again. Returning a
 * failure fails the first firing that was not completed by reflow_context_advance; those behind it
 * come again. What a failed firing has emitted stays emitted, unless the node holds it back
 * (section 19). */
typedef reflow_status (*reflow_run_fn)(reflow_context *context, void *state, reflow_packet *inputs,
                                       size_t count);

/* Teardown. */
typedef void (*reflow_teardown_fn)(reflow_context *context, void *state);

/* Writes what the state of a node holds into *out, for a snapshot (section 17). Called while the node
 * is at rest, on the thread that takes the snapshot; it must not change what the node does. *out is
 * taken if the callback returns REFLOW_OK; none says that there is nothing to save. */
typedef reflow_status (*reflow_save_fn)(reflow_context *context, void *state, reflow_message *out);

/* Puts what save has written into a state that create has just made; setup comes after it. version
 * is the state_version of the component that saved it: an older one may be read or refused. saved is
 * borrowed until return. Not called if there was nothing to save. A failure makes the restore fail, or
 * the change of the network that replaces the node. */
typedef reflow_status (*reflow_load_fn)(reflow_context *context, void *state, uint32_t version,
                                        reflow_message saved);

/* Zero in a field means the default; only id and run are required. */
typedef struct reflow_component {
    uint32_t struct_size; /* sizeof(reflow_component) */
    uint32_t port_size;   /* sizeof(reflow_port) */
    reflow_view id;       /* PascalCase by custom, 1 to 256 bytes, matched exactly */
    reflow_view title;    /* a few words */
    reflow_view description;
    reflow_view category;      /* such as "data" or "flow"; default "host" */
    reflow_view config_schema; /* JSON Schema of the configuration as JSON text; may be empty.
                                  Checked: type, enum, minimum, maximum, required, properties,
                                  items, and unknown keys if additionalProperties is false */
    const reflow_port *inports;
    const reflow_port *outports;
    uint32_t inport_count;  /* at most 65,535 */
    uint32_t outport_count; /* at most 65,535 */
    reflow_await await;
    uint32_t max_batch; /* firings in one call of run; default 1 */
    uint32_t flags;     /* REFLOW_COMPONENT_... */
    uint32_t max_concurrency; /* firings of one actor that may be pending (reflow_context_defer); if
                                 given, a batch holds no more either. Default 1 */
    reflow_create_fn create;
    reflow_state_fn setup;
    reflow_run_fn run;
    reflow_state_fn finish;
    reflow_teardown_fn teardown;
    reflow_destroy_fn destroy_state; /* called with the state, once for each create */
    void *user_data;
    reflow_destroy_fn destroy; /* ends user_data when the last actor and the runtime have ended */
    uint64_t timeout_ms; /* of a firing; default none. The node has the last word (section 10) */
    reflow_save_fn save; /* this and load: what a snapshot has of the state; both or none */
    reflow_load_fn load;
    uint32_t state_version; /* of what save writes */
} reflow_component;

/* Registers a component. Networks that exist are not touched. Every component has an outport
 * "error" whether it declares one or not (section 10).
 * Ownership: component borrowed, component->user_data taken. Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_ALREADY_EXISTS, REFLOW_ERROR_CONFIG for a bad schema or port type.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_register(reflow_runtime *runtime,
                                                 const reflow_component *component,
                                                 reflow_error **error);

/* Lists the components of a runtime, without graphs, in the order of their ids: an array of objects {id, title,
 * description, category, await, inports, outports, config}, where ports are arrays of {name,
 * type, description, required, array} and config is a JSON Schema.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: bounded.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_components(const reflow_runtime *runtime,
                                                   reflow_message *out, reflow_error **error);

/* What a callback may do with its context. A context is valid until the callback returns. */

/* The id of the node, "outer/inner" inside subgraphs.
 * Ownership: borrowed-until the callback returns. Threads: callback. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_view reflow_context_node(const reflow_context *context);

/* The configuration of the node: its metadata as an object, empty if it has none.
 * Ownership: borrowed-until the callback returns. Threads: callback. Blocking: never.
 * Errors: none. Since: 0.1.0 */
REFLOW_API reflow_message reflow_context_config(const reflow_context *context);

/* Emits a message on an outport, to all of its connections. It is delivered in order after the
 * callback has returned: at the end of the actor's turn, or sooner when its callbacks take long.
 * Full targets do not make it fail: the actor is then held back until there is room.
 * Ownership: message taken. Threads: callback (run and finish). Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for an unknown outport, REFLOW_ERROR_INVALID_ARGUMENT for none,
 * REFLOW_ERROR_INVALID_STATE outside run and finish, REFLOW_ERROR_LIMIT beyond
 * REFLOW_MAX_EMITS in one call. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_emit(reflow_context *context, uint32_t outport,
                                             reflow_message message);

/* How many messages one callback may emit. */
#define REFLOW_MAX_EMITS 1000000

/* The same on one element of an array port: only connections with this index, or without any,
 * get it.
 * Ownership: message taken. Threads: callback (run and finish). Blocking: never.
 * Errors: as reflow_context_emit. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_emit_at(reflow_context *context, uint32_t outport,
                                                uint32_t index, reflow_message message);

/* Emits many messages in order, as many calls of reflow_context_emit would.
 * Ownership: messages taken, all of them, the array itself is borrowed. Threads: callback (run
 * and finish). Blocking: never. Errors: as reflow_context_emit; messages before the one that
 * fails are emitted. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_emit_many(reflow_context *context, uint32_t outport,
                                                  const reflow_message *messages, size_t count);

/* How many messages an outport takes before the actor would be held back; SIZE_MAX if it is not
 * connected.
 * Ownership: none. Threads: callback (run and finish). Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API size_t reflow_context_room(const reflow_context *context, uint32_t outport);

/* Whether anything is connected to an outport: what nobody hears need not be computed.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_context_connected(const reflow_context *context, uint32_t outport);

/* Marks the first count firings of this batch as completed.
 * Ownership: none. Threads: callback (run). Blocking: never. Errors:
 * REFLOW_ERROR_INVALID_ARGUMENT beyond the batch. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_advance(reflow_context *context, size_t count);

/* Asks to be called again when the actor's turn comes and its outputs have room, with the inputs
 * that were not completed, or with none. How a source goes on, and how an actor emits more than
 * fits.
 * Ownership: none. Threads: callback (run and finish). Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE outside run and finish. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_again(reflow_context *context);

/* Asks for a call of run after a delay, with count 0 or with what has arrived by then. One such
 * timer for each actor: a new one replaces it. The network is not idle while it is armed. Asked for
 * together with reflow_context_again, the inputs that were not completed wait for the timer too: how
 * an actor that is full rests.
 * Ownership: none. Threads: callback (run). Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE outside run. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_wake_after(reflow_context *context, uint64_t delay_ns);

/* Timers by number, beside that of reflow_context_wake_after: each actor has REFLOW_MAX_TIMERS, from 0.
 * When some have fired, run is called once, with count 0 or with what has arrived by then, before more
 * packets are taken; reflow_context_timers tells which. Setting one anew, or cancelling it, also takes back
 * that it has fired, unless that was told already. They wait while inputs that were not completed rest for
 * reflow_context_wake_after, or for an attempt. The network is not idle while one is armed, so one that
 * fires again and again has to be cancelled, or its source ended, before a drain can end. A restart of the
 * actor, its removal and a stop cancel all; pausing lets them fire once. Their clock is that of
 * reflow_context_now_ns: setting the time of day does not touch them. */
#define REFLOW_MAX_TIMERS 64

/* Sets timer id to fire once after a delay, which may be 0. It replaces what the timer was.
 * Ownership: none. Threads: callback (run). Blocking: never. Errors: REFLOW_ERROR_LIMIT for an id beyond
 * the last, REFLOW_ERROR_INVALID_STATE outside run. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_set_timer(reflow_context *context, uint32_t id,
                                                  uint64_t delay_ns, reflow_error **error);

/* Sets timer id to fire after first_ns (0: after one period), and from then on after each period. The
 * times are fixed by that, so lateness does not add up; what is late is caught up by one call, however
 * many periods have passed.
 * Ownership: none. Threads: callback (run). Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for a
 * period of zero, and as reflow_context_set_timer. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_set_periodic(reflow_context *context, uint32_t id,
                                                     uint64_t first_ns, uint64_t period_ns,
                                                     reflow_error **error);

/* Cancels timer id; one that is not set is no error.
 * Ownership: none. Threads: callback (run). Blocking: never. Errors: as reflow_context_set_timer.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_cancel_timer(reflow_context *context, uint32_t id,
                                                     reflow_error **error);

/* Sets timer id to fire at times of the wall clock, told by a cron expression: five fields (minute, hour, day
 * of the month, month, day of the week) or six, with the second first. A field is *, a value, a range a-b, a
 * range or * with a step /n, or several of these with commas; months and days of the week have English names
 * of three letters, and 7 is Sunday like 0. If neither field of days begins with *, one of them is enough.
 * @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually are expressions too.
 *
 * zone is a name such as "Europe/Berlin", read from /usr/share/zoneinfo each time, or "UTC" (also if empty). A
 * local time that is skipped when the clocks are put forward fires at that moment, one that comes twice
 * the first time only, and what falls on one moment is one call. When somebody sets the wall clock the timer
 * follows within a minute: times that are jumped over are caught up by one call; set back by up to three
 * hours, what has fired does not fire again; farther back is a correction, and it begins anew there. In mode
 * simulated the wall clock is the logical one, from 1970 on. After a restore it goes on where it stood: what has
 * passed meanwhile is one call, at once.
 * Ownership: views borrowed. Threads: callback (run). Blocking: bounded (reads a file).
 * Errors: REFLOW_ERROR_PARSE for an expression, with the column, or a damaged file of a zone;
 * REFLOW_ERROR_NOT_FOUND for an unknown zone; REFLOW_ERROR_UNSUPPORTED without the feature "cron"; and as
 * reflow_context_set_timer. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_set_cron(reflow_context *context, uint32_t id,
                                                 reflow_view expression, reflow_view zone,
                                                 reflow_error **error);

/* Which timers led to this call: bit 1 << id for each. 0 in calls for packets, for a start, and for
 * reflow_context_wake_after and reflow_context_again.
 * Ownership: none. Threads: callback (run). Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_context_timers(const reflow_context *context);

/* Sets the error that goes with the failure that the callback is about to return, and returns
 * status, so that a callback can say: return reflow_context_fail(...). hint may be empty.
 * Ownership: views borrowed. Threads: callback. Blocking: never.
 * Errors: none; invalid UTF-8 is replaced. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_fail(reflow_context *context, reflow_status status,
                                             reflow_view message, reflow_view hint);

/* The time of the runtime in nanoseconds from an arbitrary start: monotonic, logical in mode
 * simulated.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_context_now_ns(const reflow_context *context);

/* Whether a long callback should return soon: the network is being stopped, or the timeout of the
 * firing has passed. A callback that goes on and ends well has ended well.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_context_stopping(const reflow_context *context);

/* When the timeout of the firings of this call passes or, if that is earlier, the deadline of their
 * envelope, on the clock of reflow_context_now_ns; UINT64_MAX if they have none.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_context_deadline_ns(const reflow_context *context);

/* Writes a log line through the hook of the runtime.
 * Ownership: text borrowed. Threads: callback. Blocking: bounded (the hook). Errors: none.
 * Callbacks: log. Since: 0.1.0 */
REFLOW_API void reflow_context_log(reflow_context *context, reflow_log_level level,
                                   reflow_view text);

/* Prints text for a person through the hook of the runtime.
 * Ownership: text borrowed. Threads: callback. Blocking: bounded (the hook).
 * Errors: what the hook returns. Callbacks: print. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_print(reflow_context *context, reflow_view text);

/* Firings that end later. Inside run a component may keep a firing open beyond its return: that is how
 * a promise, a task of an event loop or a request over the network ends a firing. The completion of
 * such a firing is a plain value that means it on any thread, for ever: when the firing is over, and
 * also when its network and runtime have ended, every call answers REFLOW_ERROR_CLOSED. A value that no
 * call has given is answered with REFLOW_ERROR_NOT_FOUND.
 *
 * A firing is pending from the return of run until it is resolved or fails. Its inputs live that
 * long: messages of theirs may be read on any thread. The context does not. If the firing is not over
 * when run returns (it comes again, or it is the one that fails), its completion is dead and what was
 * emitted through it is dropped.
 *
 * While max_concurrency firings of an actor are pending it takes no more inputs, and run is called for
 * nothing but a timer. Pending firings keep the network from being idle, so that a drain waits for
 * them. A stop cancels them. A firing that is pending when its timeout passes fails with
 * REFLOW_ERROR_TIMEOUT; what it has emitted stays emitted. */
typedef struct reflow_completion {
    uint64_t id;
} reflow_completion;

/* Keeps a firing of this call open. firing counts from 0 in the batch; in a call without inputs it is
 * 0. Of several firings the earlier ones are asked for first.
 * Ownership: none. Threads: callback (run). Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for a firing beyond the batch, before the last one asked for, or
 * completed by reflow_context_advance; REFLOW_ERROR_INVALID_STATE outside run; REFLOW_ERROR_LIMIT beyond
 * max_concurrency or max_completions; REFLOW_ERROR_CANCELLED when the network stops. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_defer(reflow_context *context, size_t firing,
                                              reflow_completion *out);

/* Emits a message on an outport on behalf of a firing that is not over. What one completion emits is
 * delivered in order. The actor takes it over when it has its turn and its outputs have room: until
 * then REFLOW_MAX_COMPLETION_EMITS messages may wait in a completion. Of several firings that have
 * something waiting the one goes first that has emitted first, with all it has; with
 * REFLOW_COMPONENT_ORDERED the order is that of the inputs. Beyond the limit a call waits up to the
 * timeout. In modes inline, hosted and simulated it does not wait: there is nobody but the host to run
 * the actor.
 * Ownership: message taken-if-ok. Threads: any. Blocking: until there is room or the timeout.
 * Errors: REFLOW_ERROR_CLOSED if the firing is over, REFLOW_ERROR_WOULD_BLOCK with a timeout of 0 or
 * without threads, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_DEADLOCK if it would wait inside a
 * callback, REFLOW_ERROR_NOT_FOUND for an unknown outport or a foreign completion,
 * REFLOW_ERROR_INVALID_ARGUMENT for none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_emit(reflow_completion completion, uint32_t outport,
                                                reflow_message message, int64_t timeout_ms);

/* How many messages may wait in one completion. */
#define REFLOW_MAX_COMPLETION_EMITS 256

/* The same on one element of an array port, as reflow_context_emit_at.
 * Ownership: message taken-if-ok. Threads: any. Blocking: until there is room or the timeout.
 * Errors: as reflow_completion_emit. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_emit_at(reflow_completion completion, uint32_t outport,
                                                   uint32_t index, reflow_message message,
                                                   int64_t timeout_ms);

/* Ends a firing well. Of several threads that end one firing exactly one gets REFLOW_OK.
 * Ownership: none. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_CLOSED if it is over, REFLOW_ERROR_NOT_FOUND for a foreign completion.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_resolve(reflow_completion completion);

/* Ends a firing as failed, as a return of status from run does: see section 10. hint may be empty.
 * Ownership: views borrowed. Threads: any. Blocking: never.
 * Errors: as reflow_completion_resolve; REFLOW_ERROR_INVALID_ARGUMENT for a status that is no failure;
 * invalid UTF-8 is replaced. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_fail(reflow_completion completion, reflow_status status,
                                                reflow_view message, reflow_view hint);

/* Whether nobody waits for what the work of a firing would give: it was cancelled, its timeout has
 * passed, or it was ended. True also for a foreign completion.
 * Ownership: none. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_completion_cancelled(reflow_completion completion);

/* Called at most once, when a firing is cancelled: by its timeout, reflow_network_cancel, or a stop. It
 * runs on the thread on which that happens, inside the engine: it may call anything that does not
 * wait, and the functions for completions; its own one is over. */
typedef void (*reflow_cancel_fn)(void *user_data, reflow_completion completion);

/* Asks to be told when a firing is cancelled; once for each firing. destroy ends user_data when the
 * firing is over, or the call fails.
 * Ownership: user_data taken. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_CLOSED if the firing is over, REFLOW_ERROR_ALREADY_EXISTS the second time,
 * REFLOW_ERROR_NOT_FOUND for a foreign completion. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_on_cancel(reflow_completion completion,
                                                     reflow_cancel_fn cancelled, void *user_data,
                                                     reflow_destroy_fn destroy);

/* Told that a firing takes messages again, or is over. */
typedef void (*reflow_room_fn)(void *user_data, reflow_completion completion);

/* Asks to be called once, as soon as reflow_completion_emit would take a message of this firing that it has
 * refused with REFLOW_ERROR_WOULD_BLOCK, or the firing is over: so that an event loop can await room without
 * a thread that waits. If there is room now, the callback comes inside this call; none comes for a firing
 * that is over already. Of a firing that has asked before, the later one is told.
 *
 * It runs on the thread on which the actor takes over what was emitted, or the firing ends, never under a lock of
 * the engine; it may call anything that does not wait, and the functions for completions. destroy ends
 * user_data when the callback has returned, when another one takes its place, or when this fails.
 * Ownership: user_data taken. Threads: any. Blocking: never, but for the callback.
 * Errors: REFLOW_ERROR_CLOSED if the firing is over, REFLOW_ERROR_NOT_FOUND for a foreign completion.
 * Callbacks: callback, destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_on_writable(reflow_completion completion,
                                                       reflow_room_fn callback, void *user_data,
                                                       reflow_destroy_fn destroy);

/* Sets the envelope of what a firing that is not over emits from now on, and of its error if it fails; NULL: none.
 * It begins with that of its call (reflow_context_set_envelope). What it has emitted before keeps its own, but what
 * waits in the completion and has none yet gets this one. In a network that carries none it does nothing. The
 * deadline of the firing stays what it is.
 * Ownership: envelope borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_CLOSED if the firing is over, REFLOW_ERROR_NOT_FOUND for a foreign completion,
 * REFLOW_ERROR_INVALID_ARGUMENT, REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_LIMIT for too long a text. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_set_envelope(reflow_completion completion,
                                                        const reflow_envelope *envelope);

/* Tells that the code of the host that works at a firing has not gone on for duration_ns, for instance since the
 * event loop that it waits for is blocked: the engine sees calls of run alone, and this one has returned. If that is
 * watchdog_ms of the node or more, the firing is told of as the watchdog tells of a call (section 10), once.
 * Ownership: none. Threads: any. Blocking: never, but for what is called.
 * Errors: REFLOW_ERROR_WOULD_BLOCK if it is not as long yet, REFLOW_ERROR_UNSUPPORTED for a node without a watchdog,
 * REFLOW_ERROR_ALREADY_EXISTS if this firing was told of, REFLOW_ERROR_CLOSED if it is over,
 * REFLOW_ERROR_NOT_FOUND for a foreign completion. Callbacks: log, events. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_stuck(reflow_completion completion, uint64_t duration_ns);

/* The watchdog_ms of a node (section 10): 0 if it has none. It does not change.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_context_watchdog_ms(const reflow_context *context);

/* Firings that a host pulls. A component of a host needs no run: its firings may wait in a queue, and
 * threads of the host take them from there, many at once, and end each by its completion, in whatever
 * order. That is for languages that are called back slowly or not at all from threads they do not know,
 * such as Go, and for hosts that bring their own pool of threads. A queue serves any number of components.
 *
 *   create the queue -> register components on it -> next, next, ... -> close -> destroy
 *
 * A pulled firing is a pending one, with all that is said above: it holds its network, has a timeout, may
 * be cancelled. max_concurrency says how many firings of an actor may be in the queue and with the host
 * together; with the default of 1 they come one after the other, so their outputs are in order. What is
 * cancelled before the host has taken it is left out. */
typedef struct reflow_firing_queue reflow_firing_queue;

/* What a queue gives: a firing, or the news that an actor has ended. */
typedef struct reflow_firing reflow_firing;

typedef int32_t reflow_firing_kind;
enum {
    REFLOW_FIRING_RUN = 0, /* a firing, which the host has to end by its completion */
    REFLOW_FIRING_END = 1  /* the actor has ended: no firing of it comes after this; what the host keeps
                              for it can go. There is nothing to resolve */
};

/* Makes a queue.
 * Ownership: runtime borrowed (the queue keeps what it needs), *out new (reflow_firing_queue_destroy).
 * Threads: any. Blocking: never. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_firing_queue_create(reflow_runtime *runtime,
                                                    reflow_firing_queue **out,
                                                    reflow_error **error);

/* Registers a component whose firings come to the queue, on the runtime of the queue. All is as with
 * reflow_runtime_register, but for its callbacks: run, create, destroy_state, save and load have to be
 * NULL, so setup, finish and teardown, if they are given, get the user_data as state. max_batch is
 * max_concurrency if it is 0. A component without inports, or with the flag REFLOW_COMPONENT_SOURCE, has
 * one firing at a time.
 * Ownership: component borrowed, component->user_data taken. Threads: any. Blocking: bounded.
 * Errors: as reflow_runtime_register; REFLOW_ERROR_INVALID_ARGUMENT for a callback that has to be NULL,
 * REFLOW_ERROR_CLOSED for a queue that is closed. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_firing_queue_register(reflow_firing_queue *queue,
                                                      const reflow_component *component,
                                                      reflow_error **error);

/* Takes up to max of what waits, the oldest first, waiting up to the timeout for the first. *count tells
 * how many. In modes without threads it runs the actors meanwhile, and no other thread is woken.
 * Ownership: each firing is new (reflow_firing_destroy). Threads: any. Blocking: until there is one or the
 * timeout. Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK with a timeout of 0 or if nothing is
 * left that could bring one (section 10, Waiting), REFLOW_ERROR_CLOSED when the queue is closed,
 * REFLOW_ERROR_WOULD_DEADLOCK if it would wait inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_firing_queue_next(reflow_firing_queue *queue,
                                                  reflow_firing **firings, size_t max,
                                                  int64_t timeout_ms, size_t *count,
                                                  reflow_error **error);

/* Told that there is something to take, or that nothing comes any more: in a queue of firings, an output of a
 * network, a subscription to a peer. */
typedef void (*reflow_readable_fn)(void *user_data);

/* Asks to be called after something has come to a queue, and when it was closed, instead of waiting in
 * reflow_firing_queue_next: so that an event loop takes firings as it takes all else. It comes in the turn that has
 * brought it, and perhaps when it was taken already. What came before is not told of: so ask first, and then take
 * what is there with a timeout of 0.
 *
 * It runs on a thread of the runtime or, in modes without, of the host, and holds up the turn meanwhile. It may take
 * firings and call whatever does not wait, but neither this function nor reflow_firing_queue_destroy for this queue.
 * Another callback takes its place, NULL ends it; both wait for a call that goes on. destroy ends user_data then, or
 * with the queue, or when this fails.
 * Ownership: user_data taken. Threads: any. Blocking: until its callback has returned. Errors: none beyond
 * the common ones. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_firing_queue_on_readable(reflow_firing_queue *queue,
                                                         reflow_readable_fn callback, void *user_data,
                                                         reflow_destroy_fn destroy,
                                                         reflow_error **error);

/* Closes a queue: whoever waits in reflow_firing_queue_next gets REFLOW_ERROR_CLOSED, firings that nobody
 * has taken fail with that status, and so do those that would come. What has been taken goes on.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_firing_queue_close(reflow_firing_queue *queue);

/* Ends a queue, closing it first. Nobody may wait in it any more. Its components stay registered.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_firing_queue_destroy(reflow_firing_queue *queue);

/* What it is. REFLOW_FIRING_END for NULL.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_firing_kind reflow_firing_get_kind(const reflow_firing *firing);

/* The completion that ends it; 0, which means no firing, for REFLOW_FIRING_END.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_completion reflow_firing_completion(const reflow_firing *firing);

/* A number of the actor, from 1, which no other actor of this process has, nor the same node after a
 * restart: what a host keeps for an actor it finds by that.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_firing_actor(const reflow_firing *firing);

/* The id of its component, and that of its node.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_view reflow_firing_component(const reflow_firing *firing);
REFLOW_API reflow_view reflow_firing_node(const reflow_firing *firing);

/* The configuration of the node, as reflow_context_config.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_message reflow_firing_config(const reflow_firing *firing);

/* The inputs of one firing, as run gets them: one packet with REFLOW_AWAIT_ANY, else one for each inport;
 * *count is 0 when a source starts or goes on. reflow_packet_envelope tells their envelopes, on any thread
 * and for as long as the handle.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API const reflow_packet *reflow_firing_inputs(const reflow_firing *firing, size_t *count);

/* Asks for one more firing without inputs when this one, which has none, has ended well: how a source
 * goes on. It comes when the outputs of the actor have room, and not after reflow_network_end_sources.
 * Ownership: borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE for a firing with inputs. Since: 0.1.0 */
REFLOW_API reflow_status reflow_firing_again(const reflow_firing *firing);

/* Ends the handle, and not the firing: that is for its completion, now or later.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_firing_destroy(reflow_firing *firing);

/* ---- 9 graphs ------------------------------------------------------------------------------ */

/* A graph is a document: nodes with configuration, connections, initial packets, exposed ports,
 * groups and properties. It has no threads and needs no runtime; one thread at a time may use it.
 * A network copies what it needs, so a graph may change or end afterwards.
 *
 * Subgraphs. A node may be a graph: its component is the id of a registered one, or its metadata
 * (the configuration) has "componentSpec": {"type": "subgraph"} with "graph", a whole document or the
 * id of a registered graph, or with "file", a path from the folder of the document that names it. It
 * has the ports that its graph exposes and no others. A network is made of the components alone, with
 * ids such as "outer/inner/node", as if they stood in one graph: a subgraph costs nothing when it
 * runs. Errors, events, counters and reports name nodes by these paths, and functions that take a node
 * find it by its path; exposed ports of a subgraph are found by the path of its node.
 * REFLOW_MAX_SUBGRAPH_DEPTH levels are allowed; a graph that holds itself is an error.
 *
 * An edit that cannot be made is an error and changes nothing. Port names in a graph that is not
 * case sensitive are folded to lower case on entry (ASCII letters). */
typedef struct reflow_graph reflow_graph;

/* Levels of subgraphs. */
#define REFLOW_MAX_SUBGRAPH_DEPTH 1000

/* Formats of graph documents. */
typedef int32_t reflow_format;
enum {
    REFLOW_FORMAT_AUTO = 0, /* by the name: .json, .yaml, .yml, .msgpack; else by the content */
    REFLOW_FORMAT_JSON = 1,
    REFLOW_FORMAT_YAML = 2,
    REFLOW_FORMAT_MSGPACK = 3
};

/* Kinds of pictures. */
typedef int32_t reflow_picture;
enum {
    REFLOW_PICTURE_TEXT = 1,    /* lines for a terminal */
    REFLOW_PICTURE_MERMAID = 2, /* text for Mermaid */
    REFLOW_PICTURE_DOT = 3,     /* text for Graphviz */
    REFLOW_PICTURE_SVG = 4,     /* a drawing, complete in itself */
    REFLOW_PICTURE_HTML = 5     /* a page with the drawing, complete in itself */
};

/* Where values of a graph document stand: for each path, as findings and errors have them
 * ("$.connections[3].tgt"), an object {line, column, offset} of its value, or of the nearest one
 * around it; null where nothing is known: in MessagePack, and in YAML beyond 4 MiB. As many as
 * paths, in their order; line and column from 1, offset and column in bytes. name tells the format
 * with REFLOW_FORMAT_AUTO; it may be empty.
 * Ownership: arguments borrowed, *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_PARSE if the document does not read. Since: 0.1.0 */
REFLOW_API reflow_status reflow_document_places(reflow_view document, reflow_format format,
                                                reflow_view name, const reflow_view *paths,
                                                size_t count, reflow_message *out,
                                                reflow_error **error);

/* An empty graph. Ports are case sensitive.
 * Ownership: name borrowed, *out new (reflow_graph_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_create(reflow_view name, reflow_graph **out,
                                             reflow_error **error);

/* A copy that shares nothing that can change.
 * Ownership: graph borrowed, *out new (reflow_graph_destroy). Threads: one-at-a-time.
 * Blocking: never. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_copy(const reflow_graph *graph, reflow_graph **out,
                                           reflow_error **error);

/* Reads a graph from a document in memory. name is used in errors and, with
 * REFLOW_FORMAT_AUTO, tells the format; it may be empty.
 * Ownership: arguments borrowed, *out new (reflow_graph_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_PARSE, REFLOW_ERROR_GRAPH with file, line, column and path;
 * REFLOW_ERROR_LIMIT. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_load(reflow_view document, reflow_format format,
                                           reflow_view name, reflow_graph **out,
                                           reflow_error **error);

/* Reads a graph from a file. The graph remembers its folder: components that read files, such as
 * CsvRead, look for a relative path there if it is not found from the working directory.
 * Ownership: path borrowed, *out new (reflow_graph_destroy). Threads: any. Blocking: bounded
 * (reads the file). Errors: REFLOW_ERROR_IO, and as reflow_graph_load. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_load_file(reflow_view path, reflow_graph **out,
                                                reflow_error **error);

/* Writes a graph as a document, complete: loading it gives an equal graph.
 * REFLOW_FORMAT_AUTO is JSON.
 * Ownership: graph borrowed, *out new (reflow_buffer_destroy). Threads: one-at-a-time.
 * Blocking: never. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_save(const reflow_graph *graph, reflow_format format,
                                           reflow_buffer **out, reflow_error **error);

/* Writes a graph into a file, which is replaced as a whole or not at all.
 * Ownership: graph and path borrowed. Threads: one-at-a-time. Blocking: bounded (writes the
 * file). Errors: REFLOW_ERROR_IO. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_save_file(const reflow_graph *graph, reflow_view path,
                                                reflow_format format, reflow_error **error);

/* The graph as a message: the object of the JSON document.
 * Ownership: graph borrowed, *out new (reflow_message_unref). Threads: one-at-a-time.
 * Blocking: never. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_to_message(const reflow_graph *graph, reflow_message *out,
                                                 reflow_error **error);

/* Whether two graphs are equal: the same nodes, connections, initial packets, ports, groups,
 * properties and other sections; the order of connections and initial packets counts, that of
 * nodes and keys does not.
 * Ownership: borrowed. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_graph_equal(const reflow_graph *a, const reflow_graph *b);

/* Ends a graph.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_graph_destroy(reflow_graph *graph);

/* Nodes. config is an object, null or none.
 * Ownership: views borrowed, config taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_ALREADY_EXISTS, REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_WRONG_KIND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_add_node(reflow_graph *graph, reflow_view id,
                                               reflow_view component, reflow_message config,
                                               reflow_error **error);
/* Removes a node with its connections, initial packets, exposed ports and group memberships.
 * Ownership: id borrowed. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_remove_node(reflow_graph *graph, reflow_view id,
                                                  reflow_error **error);
/* Gives a node another id everywhere.
 * Ownership: views borrowed. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_ALREADY_EXISTS. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_rename_node(reflow_graph *graph, reflow_view id,
                                                  reflow_view new_id, reflow_error **error);
/* Gives a node another component.
 * Ownership: views borrowed. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_set_component(reflow_graph *graph, reflow_view id,
                                                    reflow_view component, reflow_error **error);
/* Replaces the whole configuration of a node.
 * Ownership: id borrowed, config taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_set_config(reflow_graph *graph, reflow_view id,
                                                 reflow_message config, reflow_error **error);
/* Sets one value in the configuration of a node. key is a path with dots, such as "rules.0.when";
 * objects on the way are made, arrays must have the index or be one short of it. A value of none
 * removes the key.
 * Ownership: views borrowed, value taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for an unknown node or a path that cannot be followed.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_set_config_value(reflow_graph *graph, reflow_view id,
                                                       reflow_view key, reflow_message value,
                                                       reflow_error **error);

/* One end of a connection. */
typedef struct reflow_endpoint {
    reflow_view node;
    reflow_view port;
    uint32_t index; /* of an array port; REFLOW_NO_INDEX otherwise */
    uint32_t reserved;
} reflow_endpoint;

/* Connects an outport to an inport. metadata is an object, null or none; its keys "capacity" and
 * "kind" are those of section 10.
 * Ownership: endpoints borrowed, metadata taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for an unknown node, REFLOW_ERROR_ALREADY_EXISTS,
 * REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_connect(reflow_graph *graph, const reflow_endpoint *from,
                                              const reflow_endpoint *to, reflow_message metadata,
                                              reflow_error **error);
/* Removes a connection.
 * Ownership: borrowed. Threads: one-at-a-time. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_disconnect(reflow_graph *graph, const reflow_endpoint *from,
                                                 const reflow_endpoint *to, reflow_error **error);

/* Adds an initial packet: it is sent to the inport when the network starts. A port may have
 * several; they arrive in order.
 * Ownership: to borrowed, data taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for an unknown node, REFLOW_ERROR_INVALID_ARGUMENT for none.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_add_initial(reflow_graph *graph, const reflow_endpoint *to,
                                                  reflow_message data, reflow_error **error);
/* Removes all initial packets of an inport.
 * Ownership: borrowed. Threads: one-at-a-time. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_remove_initials(reflow_graph *graph,
                                                      const reflow_endpoint *to,
                                                      reflow_error **error);

/* Exposes a port of a node under a public name; type is as in reflow_port.type.
 * Ownership: arguments borrowed. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_ALREADY_EXISTS, REFLOW_ERROR_CONFIG for a bad
 * type. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_add_inport(reflow_graph *graph, reflow_view name,
                                                 const reflow_endpoint *to, reflow_view type,
                                                 reflow_error **error);
REFLOW_API reflow_status reflow_graph_add_outport(reflow_graph *graph, reflow_view name,
                                                  const reflow_endpoint *from, reflow_view type,
                                                  reflow_error **error);
/* Hides a port again.
 * Ownership: name borrowed. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_remove_inport(reflow_graph *graph, reflow_view name,
                                                    reflow_error **error);
REFLOW_API reflow_status reflow_graph_remove_outport(reflow_graph *graph, reflow_view name,
                                                     reflow_error **error);

/* Groups: named sets of nodes for people and editors. nodes has node_count ids.
 * Ownership: arguments borrowed. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_ALREADY_EXISTS. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_add_group(reflow_graph *graph, reflow_view id,
                                                const reflow_view *nodes, size_t node_count,
                                                reflow_error **error);
REFLOW_API reflow_status reflow_graph_remove_group(reflow_graph *graph, reflow_view id,
                                                   reflow_error **error);

/* Sets a property of the graph, such as "description"; "name" is the name. A value of none
 * removes it.
 * Ownership: key borrowed, value taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_WRONG_KIND for a name that is not a string. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_set_property(reflow_graph *graph, reflow_view key,
                                                   reflow_message value, reflow_error **error);

/* Numbers of nodes, connections and initial packets.
 * Ownership: borrowed. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API size_t reflow_graph_node_count(const reflow_graph *graph);
REFLOW_API size_t reflow_graph_connection_count(const reflow_graph *graph);
REFLOW_API size_t reflow_graph_initial_count(const reflow_graph *graph);

/* The configuration of a node: an object, or null.
 * Ownership: id borrowed, *out borrowed-until the next call on this handle.
 * Threads: one-at-a-time. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_get_config(const reflow_graph *graph, reflow_view id,
                                                 reflow_message *out, reflow_error **error);

/* Puts environment variables into the configuration of the nodes that ask for them. "env_vars" in it is an
 * object: the name of a variable -> "required", "optional" or "optional:DEFAULT"; what begins with
 * "required" or is no string is required. environment is an object of all that are set, name -> string, as the
 * host has looked them up: the library reads no environment by itself. A variable that is set becomes
 * the value of its name, a string, whatever stood there; a DEFAULT does only if nothing is there.
 * Nodes of subgraphs whose documents stand in the graph have theirs likewise. The graph keeps
 * environment for those that stand in files: they are resolved whenever they are read for it, and what
 * they miss is a finding of reflow_graph_validate. Graphs that are registered are to be resolved before.
 * All is resolved or, with an error that names each node and variable, nothing. Documents, recordings and
 * snapshots that are made of the graph have the values in them, which may be secrets; what it keeps is
 * in none, and not looked at by reflow_graph_equal.
 * Ownership: graph borrowed, environment taken. Threads: one-at-a-time. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for required variables that are not set, REFLOW_ERROR_INVALID_UTF8 for bytes
 * in place of a string (no text), REFLOW_ERROR_WRONG_KIND, REFLOW_ERROR_UNSUPPORTED (no such part). Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_resolve_env(reflow_graph *graph, reflow_message environment,
                                                  reflow_error **error);

/* Registers a graph under an id: a node whose component is this id is a subgraph. The id
 * is one that no component has; 1 to 256 bytes, matched exactly. Networks that exist are not touched.
 * What the graph names, such as components, may be registered later.
 * Ownership: graph copied. Threads: any, one-at-a-time for the graph. Blocking: bounded.
 * Errors: REFLOW_ERROR_ALREADY_EXISTS, REFLOW_ERROR_INVALID_UTF8. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_register_graph(reflow_runtime *runtime, reflow_view id,
                                                       const reflow_graph *graph,
                                                       reflow_error **error);

/* Checks a graph against the components of a runtime and lists what it finds: an array of objects
 * {severity, code, message, hint, node, port, path, file}, those of its subgraphs too. file is that of
 * a subgraph, as it was opened, or "" where path is one in the document itself. severity is "error" (the graph does not
 * run), "warning" (it runs, but look) or "note" (such as a cycle, which is allowed). An empty array
 * means that there is nothing to say. runtime may be NULL: then components are not checked, and
 * registered graphs are not known.
 * Ownership: arguments borrowed, *out new (reflow_message_unref). Threads: one-at-a-time.
 * Blocking: bounded. Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_validate(const reflow_graph *graph,
                                               const reflow_runtime *runtime, reflow_message *out,
                                               reflow_error **error);

/* Options of pictures. Zero in a field means the default. */
typedef struct reflow_picture_options {
    uint32_t struct_size; /* sizeof(reflow_picture_options) */
    uint32_t depth;       /* levels of subgraphs that are expanded; default none */
    uint32_t dark;        /* not 0: for a dark background */
    uint32_t reserved;
} reflow_picture_options;

/* Draws a graph. options may be NULL.
 * Ownership: arguments borrowed, *out new (reflow_buffer_destroy). Threads: one-at-a-time.
 * Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for an unknown kind,
 * REFLOW_ERROR_UNSUPPORTED without the feature "drawing". Since: 0.1.0 */
REFLOW_API reflow_status reflow_graph_render(const reflow_graph *graph, reflow_picture kind,
                                             const reflow_picture_options *options,
                                             reflow_buffer **out, reflow_error **error);

/* ---- 10 networks --------------------------------------------------------------------------- */

/* A network is a graph that runs.
 *
 *   created -- start --> running -- drain --> draining --> drained -- stop --> stopped
 *                           |                                            ^
 *                           +---------------------- stop ----------------+
 *
 * Ports. Every inport is a bounded queue. Its capacity is that of the connection's metadata
 * ("capacity"), of the component's port, or the default of the runtime. The kind of a connection
 * ("kind" in its metadata) says what happens when the queue is full: "reliable" (default) holds
 * the sender back, "latest" replaces what waits by the newest, "drop-oldest" and "drop-newest"
 * drop. A sender that is held back occupies no thread. There may be a capacity in bytes of payload beside that in
 * packets ("capacity_bytes"): a packet for which not enough is left waits, or drops others, as if the queue was
 * full; one that is larger than all of it goes when nothing else waits.
 *
 * Stalls. If every actor that could go on is held back by a full port, the smallest full port of them is
 * enlarged until something can go on (T. Parks, Bounded Scheduling of Process Networks, 1995): cycles, self-loops
 * and diamonds do not lock up. What all ports of a network hold in this way beyond their capacity is limited by
 * max_growth (a port that is full of bytes gets bytes, and counts by its packets); beyond it the network fails. The property
 * "on_stall" of the graph says something else if it is wanted: "grow" (default), "fail" (the first
 * stall ends the network) or "drop-oldest" (the older half of what that port holds is dropped, and
 * counted as dropped; nothing grows). Each is told by the event NetworkStalled.
 *
 * Idle. A network is idle when no actor is ready or running, none is held back, no firing is pending,
 * and no timer is armed: nothing happens until something comes from outside. Packets that wait for a partner do not
 * count. An actor that is held back by an output that the host does not read keeps the network
 * from being idle.
 *
 * Waiting. In modes inline and simulated, and on the thread of the loop in mode hosted, there is
 * nobody but the caller to run the actors: a call that waits runs them, and a wait that nothing left to
 * run can end answers REFLOW_ERROR_WOULD_BLOCK at once. In mode lent a call that waits works
 * meanwhile. In mode own, and on other threads in mode hosted, it only waits. Where a wait would answer
 * that nothing is left, it goes on as long as firings are pending, which another thread may end; in
 * mode simulated it does not. Where another thread runs the actors meanwhile a wait ends in time all the
 * same, though a callback has not returned; in mode simulated, whose time then stands still, by the clock of
 * the system.
 *
 * Failure. When a firing fails the actor lives on. The error goes to the node's outport "error" if
 * that is connected, else with the packets of the firing to the dead letters of the network; and to the
 * event ActorFailed in any case. Nodes, subgraphs and graphs may ask for more: section 19.
 *
 * Timeout. "firing": {"timeout_ms": 500} in the metadata of a node is the timeout of its firings instead
 * of that of the component; 0 is none.
 *
 * Priority. "firing": {"priority": "high"} in the metadata of a node, or "normal" or "low", says
 * which of several ready actors has its turn first, on each worker; without it the flags of the
 * component do. A turn that has begun goes on to its end: batch_packets and batch_us say how long
 * that is. An actor that is ready is passed over by turns of higher classes at most
 * REFLOW_MAX_OVERTAKES times in a row on a worker, then one of its class has a turn, so low is slow
 * and never starved. Whatever its class, an actor looks at a stop, a pause, a timer, an ended
 * firing and a restart before it takes more packets. Actors of a network with such nodes always go
 * through a queue, which costs some nanoseconds a turn.
 *
 * Watchdog. A call of run or finish that has not returned after watchdog_ms of the runtime, or of "firing":
 * {"watchdog_ms": 2000} in the metadata of its node (0: never), is told of once, while it lasts: by the
 * event ActorStuck, a log line of level warning, and the count stuck in the metrics (section 14). Nothing
 * is ended: only the callback itself can return. It takes a thread that looks while callbacks run, each
 * quarter of that time, so modes own and lent have it; in modes inline and hosted a call is told of when
 * it has returned. In mode simulated no time passes in a call, and the setting does nothing.
 * A firing that goes on after its call is told of by its host (reflow_completion_stuck), in all other modes.
 *
 * The end. drain refuses new input, waits for idle, then calls finish of the actors in the
 * order of the data, each after what feeds it, and waits for idle again. stop ends at once: ready
 * actors do not run any more, running callbacks end, queues are dropped, teardown is called. */
typedef struct reflow_network reflow_network;

/* How many turns of higher classes may pass over a ready actor, on one worker. */
#define REFLOW_MAX_OVERTAKES 32

typedef int32_t reflow_network_state;
enum {
    REFLOW_NETWORK_CREATED = 0,
    REFLOW_NETWORK_RUNNING = 1,
    REFLOW_NETWORK_DRAINING = 2,
    REFLOW_NETWORK_DRAINED = 3,
    REFLOW_NETWORK_STOPPING = 4,
    REFLOW_NETWORK_STOPPED = 5
};

/* Waits for ever, as a timeout. */
#define REFLOW_FOREVER INT64_C(-1)

/* Makes a network of a graph on a runtime. The graph is checked as reflow_graph_validate does, and
 * the state of each node is created.
 * Ownership: runtime and graph borrowed (the network keeps what it needs), *out new
 * (reflow_network_destroy). Threads: any. Blocking: bounded (reads the files of subgraphs).
 * Errors: REFLOW_ERROR_GRAPH, REFLOW_ERROR_NOT_FOUND for an unknown component, REFLOW_ERROR_CONFIG, REFLOW_ERROR_LIMIT
 * beyond max_actors or max_packets, what a create callback returns. Callbacks: create.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_create(reflow_runtime *runtime, const reflow_graph *graph,
                                               reflow_network **out, reflow_error **error);

/* Ends a network, stopping it first. Called inside a callback of the network, the end is deferred
 * until that returns.
 * Ownership: taken. Threads: one-at-a-time. Blocking: until running callbacks have ended.
 * Errors: none. Callbacks: teardown, destroy_state. Since: 0.1.0 */
REFLOW_API void reflow_network_destroy(reflow_network *network);

/* Starts: calls setup of every actor, sends the initial packets, fires the sources. If a setup
 * fails, those before it are torn down and the network is as it was.
 * Ownership: none. Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_INVALID_STATE if not
 * created, REFLOW_ERROR_CANCELLED if somebody stops it meanwhile, what a setup callback returns.
 * Callbacks: setup. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_start(reflow_network *network, reflow_error **error);

/* The state now.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_network_state reflow_network_get_state(const reflow_network *network);

/* Waits until the network is idle. timeout_ms 0 only asks, REFLOW_FOREVER waits without limit.
 * Ownership: none. Threads: any. Blocking: until idle or the timeout.
 * Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_DEADLOCK inside a callback,
 * REFLOW_ERROR_WOULD_BLOCK if what is left waits at paused nodes,
 * REFLOW_ERROR_INVALID_STATE before start, REFLOW_ERROR_LIMIT if the network has failed with a
 * stall. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_wait_idle(reflow_network *network, int64_t timeout_ms,
                                                  reflow_error **error);

/* Whether a completion means a firing of this network that is not over: code that works at one waits for ever if it
 * waits for the network to be idle or drained.
 * Ownership: network borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_network_has_firing(const reflow_network *network, reflow_completion completion);

/* Told that a network has become idle, instead of waiting for it. error is NULL then, and also when the network
 * has been stopped; otherwise it is what reflow_network_wait_idle would answer: REFLOW_ERROR_WOULD_BLOCK if what
 * is left waits at paused nodes, REFLOW_ERROR_LIMIT if the network has failed with a stall or waits for room in
 * streams, or the error of the node that the network failed with. It is borrowed until the callback returns. */
typedef void (*reflow_idle_fn)(void *user_data, const reflow_error *error);

/* Asks to be called once, as soon as reflow_network_wait_idle would return: so that an event loop can await an
 * idle network without a thread that waits. If that is so now, the callback comes inside this call. Each call
 * of this function asks for one callback more, with user data of its own; whoever wants to know each time
 * subscribes to NETWORK_IDLE. *id (may be NULL) is its number, which is there before the callback comes.
 *
 * What made the network idle is over when the callback comes, and others may have sent since. It comes on the
 * thread that did the last step: of the runtime, of links, or of the host inside a call, as in modes inline,
 * hosted and simulated; after the event NETWORK_IDLE, never under a lock of the engine, and several one
 * after the other, in the order in which they were asked for. It may call anything that does not wait, stop and
 * destroy the network too. Asked again inside of it, the answer comes once it has returned: at once if nothing
 * has begun. A stop, reflow_network_destroy too, calls those that are left when the last teardown has returned.
 *
 * destroy ends user_data when the callback has returned, or when it is removed or this fails.
 * Ownership: user_data taken. Threads: any. Blocking: never, but for the callback.
 * Errors: REFLOW_ERROR_INVALID_STATE before start, REFLOW_ERROR_LIMIT beyond 4096 that wait,
 * REFLOW_ERROR_UNSUPPORTED in a network that is recorded. Callbacks: callback, destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_on_idle(reflow_network *network, reflow_idle_fn callback,
                                                void *user_data, reflow_destroy_fn destroy,
                                                uint64_t *id, reflow_error **error);

/* Takes back what reflow_network_on_idle has asked for: the callback does not come any more. If it is not found,
 * it has come, or is running on another thread now, and destroy tells when it has returned.
 * Ownership: none. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND. Callbacks: destroy.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_remove_on_idle(reflow_network *network, uint64_t id,
                                                       reflow_error **error);

/* Ends the sources (see reflow_component): run is not called for them any more, neither again, nor
 * by a timer, nor for inputs, which are dropped. What they have emitted goes on its way, so that a
 * drain ends that would otherwise take as long as a source goes on. Streams that a source without finish
 * writes end with an ERROR, unless a firing of it is pending. Doing it again does nothing, nor in a network
 * that has stopped.
 * Ownership: none. Threads: any. Blocking: never, a running callback is not waited for.
 * Errors: REFLOW_ERROR_INVALID_STATE before start. Callbacks: none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_end_sources(reflow_network *network, reflow_error **error);

/* Refuses new input, lets everything run out, and finishes the actors. After a timeout the network
 * is still draining; call drain again or stop. In a network that is drained or stopped it does
 * nothing.
 * Ownership: none. Threads: any. Blocking: until drained or the timeout.
 * Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_DEADLOCK inside a callback,
 * REFLOW_ERROR_INVALID_STATE before start, REFLOW_ERROR_LIMIT if the network has failed with a
 * stall. Callbacks: finish. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_drain(reflow_network *network, int64_t timeout_ms,
                                              reflow_error **error);

/* Stops at once and tears the actors down. Stopping again does nothing. After a timeout (a callback
 * does not return) the network is still stopping; call stop again. Inside a callback of the network
 * it only asks for the stop and returns. While the network starts, the stop comes when its setup
 * callbacks have returned. Streams of actors that are open behind the last teardown end (section 15).
 * Ownership: none. Threads: any. Blocking: until stopped or the timeout.
 * Errors: REFLOW_ERROR_TIMEOUT. Callbacks: teardown. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_stop(reflow_network *network, int64_t timeout_ms,
                                             reflow_error **error);

/* Cancels the pending firings of a node, of all nodes of a subgraph ("outer/inner"), or of all nodes if
 * path is empty: they fail with REFLOW_ERROR_CANCELLED. *count (may be NULL) tells how many.
 * Ownership: path borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND,
 * REFLOW_ERROR_INVALID_STATE before start. Callbacks: reflow_cancel_fn. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_cancel(reflow_network *network, reflow_view path,
                                               size_t *count, reflow_error **error);

/* Pausing. A paused node fires no more: packets stay in its inports, and when those are full its
 * senders are held back. What it has emitted is still delivered; a timer runs on, and what it would
 * call waits. path is that of a node, that of a subgraph (all nodes in it), or empty for the whole
 * network; the last word for a node counts, so a part of a paused network can be resumed by itself.
 *
 * While something waits at a paused node and nothing else is going on, the network is neither idle
 * nor stalled: reflow_network_wait_idle answers REFLOW_ERROR_WOULD_BLOCK. A pending firing of a paused
 * node is something that goes on; what it has brought when it has ended waits. Sending goes on as long as
 * there is room. drain resumes everything when it begins, stop and destroy need nothing. */

/* Pauses, before the start too. A callback of these nodes that is running ends first, and is waited
 * for, up to the timeout; after that the nodes are still paused. Inside a callback of the runtime
 * it only asks. Doing it again does nothing.
 * Ownership: path borrowed. Threads: any. Blocking: until running callbacks of these nodes have ended
 * or the timeout. Errors: REFLOW_ERROR_NOT_FOUND for a path that nothing has,
 * REFLOW_ERROR_INVALID_STATE after drain or stop, REFLOW_ERROR_TIMEOUT. Callbacks: none.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_pause(reflow_network *network, reflow_view path,
                                              int64_t timeout_ms, reflow_error **error);

/* Lets paused nodes go on with what waits.
 * Ownership: path borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_resume(reflow_network *network, reflow_view path,
                                               reflow_error **error);

/* Lets paused nodes fire so many times in all: one after the other in the order of the graph, each
 * once, round and round, and those without work not at all. *fired (may be NULL) tells how many
 * there were; they are fewer than asked for if nothing is left to do. A call of run without inputs (a
 * start, a timer, going on) counts as one, and so does finish. Each firing has ended, and what it
 * emitted has arrived as far as there is room, when the next one begins. One thread at a time steps;
 * others wait.
 * Ownership: path borrowed. Threads: any. Blocking: until the firings have ended or the timeout.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_INVALID_STATE if none of the nodes is paused or the
 * network neither runs nor drains, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_DEADLOCK inside a callback.
 * Callbacks: run. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_step(reflow_network *network, reflow_view path,
                                             uint64_t firings, int64_t timeout_ms, uint64_t *fired,
                                             reflow_error **error);

/* Copies the first packets that wait at an inport of a node, the next one to be taken first, without
 * taking them. *count tells how many, at most max. Of a node that is not paused, packets that it has
 * taken for a turn under way are not seen.
 * Ownership: views borrowed, each message new (reflow_message_unref). Threads: any.
 * Blocking: bounded. Errors: REFLOW_ERROR_NOT_FOUND with a hint. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_peek(const reflow_network *network, reflow_view node,
                                             reflow_view port, reflow_message *messages,
                                             size_t max, size_t *count, reflow_error **error);

/* Breakpoints. A network stops at a breakpoint before something happens: before a firing of a node,
 * before a firing takes a packet that waits at an inport, or before a packet that was emitted on an
 * outport is delivered, on all connections of the outport or on one. At that point all nodes are
 * paused (above), or only the one that stands there: that firing has not begun, that packet is still
 * the first one in its inport, or with its sender. The event REFLOW_EVENT_BREAKPOINT tells where,
 * reflow_network_wait_idle answers REFLOW_ERROR_WOULD_BLOCK, and reflow_network_pause waits until
 * callbacks that were running have ended. From there the host looks around, steps, or resumes: then
 * what stood at the breakpoint goes on, without stopping there again.
 *
 * A step stops at breakpoints too: it then has fired less often than asked for. The first step behind a
 * stop is for the node that stands there. If that is before a delivery, the step makes the delivery and
 * counts as one firing.
 *
 * A call of run without inputs (a start, a timer, going on) and one of finish are firings as well. Where
 * a call takes several firings at once, nodes with a breakpoint take one. What a connection drops when
 * its port is full is met where it is delivered, and not at the inport. While there is a breakpoint, all nodes of the network deliver after each call, as for events of
 * calls; without one it costs nothing.
 *
 * A breakpoint takes effect for each node with its next turn, at once for those that are paused. Whoever
 * resumes, drains or stops at the same time as a breakpoint is hit may win: then the event tells of a
 * stop that is over already. Breakpoints are also met while the network drains, where a drain does
 * not end before the nodes are resumed. */
typedef struct reflow_breakpoint {
    uint64_t id;
} reflow_breakpoint;

/* Whether a breakpoint is to stop for this message: that of the packet, or the first one of a firing;
 * none if the firing has none. It is called in a turn of the runtime, without locks, at most once at a
 * time for a breakpoint that names a node; it may call anything that does not wait. The message is
 * borrowed until it returns. */
typedef bool (*reflow_condition_fn)(void *user_data, reflow_message message);

/* Flags of a breakpoint. */
enum {
    REFLOW_BREAK_ONCE = 1,     /* it is removed when it has stopped once */
    REFLOW_BREAK_NODE_ONLY = 2 /* only the node that stands there is paused */
};

/* Zero in a field means the default. */
typedef struct reflow_break_options {
    uint32_t struct_size; /* sizeof(reflow_break_options) */
    uint32_t flags;       /* REFLOW_BREAK_... */
    reflow_view node;     /* default: each node, and then no port */
    reflow_view inport;   /* of the node; default: before a firing of the node */
    reflow_view outport;  /* of the node, instead of an inport */
    reflow_view peer;     /* node and inport at the other end of one connection of the outport; */
    reflow_view peer_port; /* default: all its connections, those to outputs of the host too */
    uint64_t ignore;      /* so many times it does not stop at first */
    reflow_view expression; /* in the language of docs/expressions.md, on the message: it stops
                               where this is true. Default: always. It is not true without a
                               message, or if it cannot be evaluated */
    reflow_condition_fn condition; /* instead of an expression */
    void *user_data;
    reflow_destroy_fn destroy; /* ends user_data when no call comes any more */
} reflow_break_options;

/* How many breakpoints a network may have. */
#define REFLOW_MAX_BREAKPOINTS 1000

/* Sets a breakpoint, before the start or later.
 * Ownership: options borrowed, options->user_data taken. Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_NOT_FOUND for a node, port or connection with a hint, REFLOW_ERROR_PARSE for an
 * expression, REFLOW_ERROR_LIMIT beyond REFLOW_MAX_BREAKPOINTS, REFLOW_ERROR_UNSUPPORTED for an
 * expression without the feature "components" or an exposed port that leads to several ports.
 * Callbacks: condition, destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_break(reflow_network *network,
                                              const reflow_break_options *options,
                                              reflow_breakpoint *out, reflow_error **error);

/* Removes a breakpoint; a node that stands there stays paused. Its condition may still be running on
 * another thread when this returns; destroy tells.
 * Ownership: none. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND. Callbacks: destroy.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_unbreak(reflow_network *network,
                                                reflow_breakpoint breakpoint,
                                                reflow_error **error);

/* Lists the breakpoints in the order of their setting: an array of {id, node, inport, outport, peer,
 * peer_port, expression, ignore, once, node_only, hits, faults}; texts are empty where they do not
 * apply. hits counts how often it was met, those that were ignored too, and faults how often its
 * expression could not be evaluated.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: bounded.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_breakpoints(const reflow_network *network,
                                                    reflow_message *out, reflow_error **error);

/* Counts of a node since the start. */
typedef struct reflow_node_counters {
    uint32_t struct_size; /* sizeof(reflow_node_counters), set before the call */
    uint32_t held_back;   /* 1 while full targets hold it back */
    uint64_t fired;       /* firings that ended, well or not */
    uint64_t received;    /* packets that were taken from its inports */
    uint64_t sent;        /* packets that were delivered to connections of its outports */
    uint64_t failed;      /* firings that failed */
    uint64_t dropped;     /* packets that a connection into it dropped by its kind */
    uint64_t waiting;     /* packets in its inports now */
} reflow_node_counters;

/* Reads the counters of a node; exact when the network is idle, else a moment's view.
 * Ownership: node borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_counters(const reflow_network *network, reflow_view node,
                                                 reflow_node_counters *counters,
                                                 reflow_error **error);

/* All nodes: an object from node id to {component, source, fired, received, sent, failed,
 * dropped, waiting, errors_taken}, in the order of the graph; source is true for nodes without
 * incoming connections, errors_taken for nodes whose outport "error" is connected.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: bounded.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_report(const reflow_network *network, reflow_message *out,
                                               reflow_error **error);

/* ---- 11 inputs and outputs of a network ---------------------------------------------------- */

/* An inport of a network, found once by name and then used by number. It belongs to one network; a
 * value of another network or of none is refused. */
typedef struct reflow_inport {
    uint64_t id;
} reflow_inport;

/* Finds an inport: a port of a node, or, if node is empty or the path of a subgraph, an exposed
 * inport of the graph or of that. From then on the port counts as connected for the await rule of its actor, as
 * one that the graph exposes does from the beginning: so nothing fires before the host has found its inports.
 * Ownership: views borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND with a hint, REFLOW_ERROR_UNSUPPORTED for an exposed inport that
 * leads to several ports. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_find_inport(reflow_network *network, reflow_view node,
                                                    reflow_view port, reflow_inport *out,
                                                    reflow_error **error);

/* The network carries envelopes, from its start on. Its actors then have one firing in a call and deliver
 * after each, as if they were watched (section 12), which is several times slower; without it envelopes
 * cost nothing.
 * Ownership: none. Threads: any. Blocking: never. Errors: REFLOW_ERROR_INVALID_STATE after the start,
 * REFLOW_ERROR_UNSUPPORTED for a replay, whose recording says it. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_carry_envelopes(reflow_network *network,
                                                        reflow_error **error);

/* Sends a message with an envelope, as reflow_network_send.
 * Ownership: message taken-if-ok, envelope borrowed. Threads: any. Blocking: until there is room or the
 * timeout. Errors: as reflow_network_send; REFLOW_ERROR_INVALID_STATE if the network carries none,
 * REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_LIMIT for too long a text. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_send_enveloped(reflow_network *network,
                                                       reflow_inport inport,
                                                       reflow_message message,
                                                       const reflow_envelope *envelope,
                                                       int64_t timeout_ms, reflow_error **error);

/* Sends a message, waiting for room up to the timeout; section 10 tells what waiting means.
 * Ownership: message taken-if-ok. Threads: any. Blocking: until there is room or the timeout.
 * Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_DEADLOCK if it would wait inside a callback,
 * REFLOW_ERROR_INVALID_STATE before start, REFLOW_ERROR_CLOSED after drain or stop,
 * REFLOW_ERROR_NOT_FOUND for a foreign inport, REFLOW_ERROR_TYPE with check_types: of many none goes
 * then. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_send(reflow_network *network, reflow_inport inport,
                                             reflow_message message, int64_t timeout_ms,
                                             reflow_error **error);

/* Sends a message if there is room now; reflow_network_on_writable tells when there is some again.
 * Ownership: message taken-if-ok. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WOULD_BLOCK, and as reflow_network_send. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_try_send(reflow_network *network, reflow_inport inport,
                                                 reflow_message message, reflow_error **error);

/* Sends many messages in order. *accepted tells how many went in, also on failure: those are
 * taken, the rest stays yours.
 * Ownership: the first *accepted messages taken. Threads: any. Blocking: until there is room or
 * the timeout. Errors: as reflow_network_send. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_send_many(reflow_network *network, reflow_inport inport,
                                                  const reflow_message *messages, size_t count,
                                                  int64_t timeout_ms, size_t *accepted,
                                                  reflow_error **error);

/* Told that an inport takes messages again. */
typedef void (*reflow_writable_fn)(void *user_data, reflow_inport inport);

/* Asks to be called when an inport that has refused a message takes some again. The callback comes once
 * after a refusal (REFLOW_ERROR_WOULD_BLOCK with a timeout of 0, also of a part of many), when half
 * of the inport is free, and not again before the next refusal. So a host sends until it is
 * refused, goes on with something else, and sends again when it is called, or inside the callback. No room is missed,
 * whenever it comes. It may also come when there is none yet, or no more: when two threads send, after a change of the network, and when it drains or
 * stops, where sending answers REFLOW_ERROR_CLOSED. No callback comes for a network that was destroyed.
 *
 * It runs in the turn of the node that has taken packets, on a thread of the runtime or, in modes without,
 * of the host; after a change, drain or stop on the thread of that call. Never under a lock of the engine, and
 * never twice at a time. It may call anything that does not wait; the node stands still meanwhile.
 *
 * Each inport has one callback: another one takes its place, NULL ends it. destroy ends user_data when it is
 * replaced or the network ends, once no call runs any more, or when this fails.
 * Ownership: user_data taken. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for a foreign inport, REFLOW_ERROR_LIMIT beyond 4096 inports of a
 * network, REFLOW_ERROR_UNSUPPORTED in one that is recorded. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_on_writable(reflow_network *network, reflow_inport inport,
                                                    reflow_writable_fn callback, void *user_data,
                                                    reflow_destroy_fn destroy,
                                                    reflow_error **error);

/* A reader of an outport: a bounded queue of its own. */
typedef struct reflow_output reflow_output;

/* Opens a reader of an outport of a node or, if node is empty or the path of a subgraph, of an
 * exposed outport. It gets every
 * packet sent from then on; when its capacity (0: the default of the runtime) is reached it holds
 * the sender back. Open it before start to miss nothing; in a network that runs it is a change
 * (section 18), since its node has to come to rest.
 * Ownership: views borrowed, *out new (reflow_output_destroy). Threads: any. Blocking: bounded; in a
 * network that runs until the node is at rest, as reflow_network_apply.
 * Errors: REFLOW_ERROR_NOT_FOUND with a hint, REFLOW_ERROR_INVALID_STATE while it drains or stops,
 * REFLOW_ERROR_LIMIT beyond max_packets; in a network that runs those of reflow_network_apply.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_open_output(reflow_network *network, reflow_view node,
                                                    reflow_view port, uint32_t capacity,
                                                    reflow_output **out, reflow_error **error);

/* Takes up to max messages, waiting up to the timeout for the first. *count tells how many.
 * Ownership: each message is new (reflow_message_unref). Threads: any. Blocking: until there is
 * one or the timeout. Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK with a timeout of 0,
 * REFLOW_ERROR_CLOSED when it is empty and the network is drained or stopped, or its node has gone,
 * REFLOW_ERROR_WOULD_DEADLOCK if it would wait inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_output_recv_many(reflow_output *output, reflow_message *messages,
                                                 size_t max, int64_t timeout_ms, size_t *count,
                                                 reflow_error **error);

/* Takes one message with its envelope, waiting up to the timeout. The envelope is zeros, with empty
 * texts, if it has none.
 * Ownership: *message is new (reflow_message_unref), the views are borrowed-until the next call on this
 * handle. Threads: one-at-a-time. Blocking: until there is one or the timeout.
 * Errors: as reflow_output_recv_many. Since: 0.1.0 */
REFLOW_API reflow_status reflow_output_recv_enveloped(reflow_output *output,
                                                      reflow_message *message,
                                                      reflow_envelope *envelope,
                                                      int64_t timeout_ms, reflow_error **error);

/* Asks to be called after something has come to an output, instead of waiting in reflow_output_recv_many:
 * in the turn that has brought it, and perhaps when it was taken already; and when nothing comes any more, since
 * the network is drained, stops, or its node has gone: what is taken then ends with REFLOW_ERROR_CLOSED. What came
 * before is not told of, nor an end: so ask first, and then take what is there with a timeout of 0.
 *
 * It runs on a thread of the runtime or, in modes without, of the host, and holds up the turn meanwhile; of an end,
 * on the thread of whoever drains, stops or changes the network. It
 * may take from the output and call whatever does not wait, but neither this function nor
 * reflow_output_destroy for this output. Another callback takes its place, NULL ends it; both wait for a
 * call that goes on. destroy ends user_data then, or with the output, or when this fails.
 * Ownership: user_data taken. Threads: any. Blocking: until its callback has returned. Errors: none beyond
 * the common ones. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_output_on_readable(reflow_output *output,
                                                   reflow_readable_fn callback, void *user_data,
                                                   reflow_destroy_fn destroy,
                                                   reflow_error **error);

/* Ends a reader; what it holds is dropped, and it holds nobody back any more.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_output_destroy(reflow_output *output);

/* ---- 12 events ----------------------------------------------------------------------------- */

/* What a network does, as a stream. Events are built only for kinds that somebody asked for. Each
 * subscription has a bounded queue of its own: a slow reader loses events, is told how many, and
 * slows nobody. Events are read by polling, or handed to a callback.
 *
 * Asking for ACTOR_COMPLETED, MESSAGE_SENT, ACTOR_EMIT or ACTOR_STATE makes all actors of the network
 * deliver after each call, whatever the filters of the subscription are. */
typedef int32_t reflow_event_kind;
enum {
    REFLOW_EVENT_NETWORK_STARTED = 0,
    REFLOW_EVENT_NETWORK_IDLE = 1, /* each time it becomes idle */
    REFLOW_EVENT_NETWORK_STALLED = 2, /* section 10; not each of very many: see stalls */
    REFLOW_EVENT_NETWORK_SHUTDOWN = 3,
    REFLOW_EVENT_ACTOR_STARTED = 4,
    REFLOW_EVENT_ACTOR_COMPLETED = 5,  /* a call of run ended: count firings of it ended well, also
                                          where a later firing of the same call failed */
    REFLOW_EVENT_ACTOR_FAILED = 6,     /* a firing failed */
    REFLOW_EVENT_MESSAGE_SENT = 7,     /* a packet was delivered from node to peer */
    REFLOW_EVENT_MESSAGE_RECEIVED = 8, /* a packet came in from outside */
    REFLOW_EVENT_ACTOR_EMIT = 9,       /* an actor emitted a message, before its delivery */
    REFLOW_EVENT_BREAKPOINT = 10,      /* a node stands at a breakpoint (section 10) */
    REFLOW_EVENT_DEAD_LETTER = 11,     /* a dead letter was kept: section 19 */
    REFLOW_EVENT_ACTOR_STATE = 12,     /* the state of an actor changed: section 19 */
    REFLOW_EVENT_ACTOR_STUCK = 13,     /* a callback has not returned: section 10, Watchdog */
    REFLOW_EVENT_CHECKPOINT_FAILED = 14 /* one on an interval was not written: section 17 */
};

/* Bits for reflow_event_options.kinds: 1 << kind. */
#define REFLOW_EVENTS_ALL UINT64_C(0x7fff)

/* What a stall has come to. */
enum {
    REFLOW_STALL_FAILED = 0,  /* the network has failed */
    REFLOW_STALL_GREW = 1,    /* the port holds more from now on */
    REFLOW_STALL_DROPPED = 2, /* what waited there longest was dropped */
    REFLOW_STALL_STREAMS = 3  /* streams are full that nobody reads: nothing was done */
};

/* So many events NETWORK_STALLED in a second of the runtime's clock at most, but for the last one of a
 * network that fails. */
#define REFLOW_MAX_STALL_EVENTS 16

typedef struct reflow_subscription reflow_subscription;
typedef struct reflow_event_batch reflow_event_batch;

/* Receives events in their order, instead of a poll. missed tells how many were lost since the
 * last call; the batch is empty if that is all there is to tell. The batch is borrowed until it
 * returns. It is called in a turn of the runtime: in mode own on one of its threads, in the others
 * inside reflow_runtime_run and the calls that wait; never under a lock of the engine, and for one
 * subscription one call at a time. It may call anything that does not wait, and end its own
 * subscription. While it runs it occupies a thread of the runtime: what takes long is better done
 * by a thread of the host that polls. */
typedef void (*reflow_event_fn)(void *user_data, const reflow_event_batch *batch, uint64_t missed);

/* Zero in a field means the default. */
typedef struct reflow_event_options {
    uint32_t struct_size; /* sizeof(reflow_event_options) */
    uint32_t capacity;    /* events that may wait; default 4096 */
    uint64_t kinds;       /* bits; default all but MESSAGE_SENT, ACTOR_EMIT, ACTOR_COMPLETED and
                             ACTOR_STATE */
    /* Only events of nodes with such an id, at most 256 bytes; default all. '*' stands for any text
     * without '/', "**" for any text, '?' for one byte other than '/', and "outer/" for all nodes
     * inside the subgraph outer. MESSAGE_SENT comes if either of its nodes has such an id. Events
     * of the network as a whole always come. */
    reflow_view nodes;
    uint32_t sample;    /* of ACTOR_COMPLETED, MESSAGE_... and ACTOR_EMIT only one in so many, of
                           each kind for itself, beginning with the first; default 1 */
    uint32_t max_batch; /* events in one call of the callback; default 256 */
    reflow_event_fn callback; /* default: the subscription is polled */
    void *user_data;
    reflow_destroy_fn destroy; /* ends user_data when no call comes any more */
} reflow_event_options;

/* One event. Views and the message are those of the batch; empty where they do not apply. */
typedef struct reflow_event {
    uint32_t struct_size; /* sizeof(reflow_event), set before the call */
    reflow_event_kind kind;
    uint64_t sequence;     /* counts up in a network, over all kinds that are built */
    int64_t timestamp_ms;  /* milliseconds since 1970 UTC; logical in mode simulated */
    /* ACTOR_COMPLETED, ACTOR_FAILED: time in run; of ACTOR_FAILED 0 unless somebody has subscribed
     * to ACTOR_COMPLETED or the turn is measured (section 14), since a clock that is read for each
     * call costs more than a short one. ACTOR_STUCK: for how long it has been seen inside, a little less
     * than it is; in modes inline and hosted, how long it took. */
    uint64_t duration_ns;
    uint64_t count;        /* ACTOR_COMPLETED: firings; ACTOR_FAILED: attempts; DEAD_LETTER: its id;
                              NETWORK_STALLED: packets that the port holds at most from now on, or that
                              were dropped */
    reflow_view node;      /* the actor; the sender for MESSAGE_SENT; NETWORK_STALLED: of the port */
    reflow_view component; /* ACTOR_..., BREAKPOINT, DEAD_LETTER */
    reflow_view port;      /* BREAKPOINT: the outport before a delivery, an inport, or empty;
                              NETWORK_STALLED: the full one that was enlarged or relieved */
    reflow_view peer;      /* MESSAGE_SENT, BREAKPOINT before a delivery: the receiver */
    reflow_view peer_port; /* its inport */
    reflow_view error;     /* ACTOR_FAILED, DEAD_LETTER, NETWORK_STALLED, CHECKPOINT_FAILED */
    /* MESSAGE_..., ACTOR_EMIT, BREAKPOINT. A handle of a stream in it, or in outputs, leads nowhere, so that
     * an event that nobody reads holds up no stream. */
    reflow_message message;
    uint64_t size;    /* MESSAGE_..., ACTOR_EMIT: bytes of the payload, see reflow_message_payload_size;
                         NETWORK_STALLED: bytes that a port holds at most from now on that was full of them */
    uint64_t waiting; /* MESSAGE_...: packets in the inport then; ACTOR_COMPLETED, ACTOR_FAILED:
                         packets in all inports of the node */
    /* ACTOR_COMPLETED: an object with the last message that the call emitted on each outport that
     * is connected; none if there is no such message. */
    reflow_message outputs;
    reflow_breakpoint breakpoint; /* BREAKPOINT: which one; 0 in all others */
    reflow_view trace; /* ACTOR_FAILED: see reflow_error_trace */
    int32_t state;     /* ACTOR_STATE: REFLOW_NODE_...; NETWORK_STALLED: REFLOW_STALL_... */
    uint32_t details;  /* ACTOR_STATE: bits REFLOW_NODE_IS_... */
    /* NETWORK_STALLED: who waits for whom, round in a circle, such as "a.o -> b.i, b.o -> a.i": a waits
     * for room at b.i, and b for room at a.i. "b.j <- c.o" is a node that waits for a packet from c.
     * Empty if none was found among the first 64 nodes. */
    reflow_view path;
    /* MESSAGE_..., ACTOR_EMIT of what was emitted with one, DEAD_LETTER of its first packet; zeros if
     * there is none. */
    reflow_envelope envelope;
    uint64_t stalls; /* NETWORK_STALLED: of the network so far, those included that were not told */
} reflow_event;

/* Subscribes to events; options may be NULL.
 * Ownership: options borrowed, options->user_data taken, *out new (reflow_subscription_destroy).
 * Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_INVALID_ARGUMENT for unknown kinds,
 * REFLOW_ERROR_LIMIT for too long a pattern of nodes. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_subscribe(reflow_network *network,
                                                  const reflow_event_options *options,
                                                  reflow_subscription **out, reflow_error **error);

/* Takes up to max events, waiting up to the timeout for the first. *missed (may be NULL) tells how
 * many were lost since the last poll.
 * Ownership: *out new (reflow_event_batch_destroy). Threads: any. Blocking: until there is one or
 * the timeout. Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK with a timeout of 0,
 * REFLOW_ERROR_CLOSED when it is empty and the network is stopped, REFLOW_ERROR_WOULD_DEADLOCK
 * if it would wait inside a callback, REFLOW_ERROR_INVALID_STATE if it has a callback.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_subscription_poll(reflow_subscription *subscription, size_t max,
                                                  int64_t timeout_ms, reflow_event_batch **out,
                                                  uint64_t *missed, reflow_error **error);

/* Ends a subscription. With a callback: what waits is handed over first. Inside a callback of the
 * runtime that comes later, otherwise before it returns.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded; until its callback has returned.
 * Errors: none. Callbacks: callback, destroy. Since: 0.1.0 */
REFLOW_API void reflow_subscription_destroy(reflow_subscription *subscription);

/* How many events a batch has; 0 for NULL.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API size_t reflow_event_batch_count(const reflow_event_batch *batch);

/* Event number index of a batch.
 * Ownership: *event is borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_INVALID_ARGUMENT for a wrong struct_size.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_event_batch_get(const reflow_event_batch *batch, size_t index,
                                                reflow_event *event);

/* Event number index of a batch as JSON on one line: {"_type":"ActorFailed","actorId":...}. Bytes
 * in MESSAGE_SENT and ACTOR_EMIT are shown as "[binary]".
 * Ownership: *out new (reflow_buffer_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_event_batch_json(const reflow_event_batch *batch, size_t index,
                                                 reflow_buffer **out, reflow_error **error);

/* Ends a batch.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_event_batch_destroy(reflow_event_batch *batch);

/* ---- 13 allocator -------------------------------------------------------------------------- */

/* Where the library gets memory. Both functions may be called by several threads at once. */
typedef struct reflow_allocator {
    uint32_t struct_size; /* sizeof(reflow_allocator) */
    uint32_t reserved;
    /* size bytes with the given alignment (a power of two), or NULL. */
    void *(*allocate)(void *user_data, size_t size, size_t alignment);
    /* Ends what allocate returned for the same size and alignment. */
    void (*release)(void *user_data, void *memory, size_t size, size_t alignment);
    void *user_data;
} reflow_allocator;

/* Replaces malloc for this library in the whole process, once, before any other function that
 * allocates. Libraries that this one uses (libyaml, msgpack-c) keep their own.
 * Ownership: allocator borrowed; its functions and user_data must live for ever. Threads: any.
 * Blocking: never. Errors: REFLOW_ERROR_INVALID_STATE if memory was allocated before.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_set_allocator(const reflow_allocator *allocator);

/* ---- 14 metrics ---------------------------------------------------------------------------- */

/* Counters of nodes (section 10) are always kept. How long calls take and how long packets wait is
 * measured from reflow_network_measure on, by samples: in one of so many turns of each actor the
 * clock is read around each call. */

/* Zero in a field means the default. */
typedef struct reflow_measure_options {
    uint32_t struct_size; /* sizeof(reflow_measure_options) */
    uint32_t sample;      /* one in so many turns of each actor is measured; default 16 */
    uint32_t off;         /* not 0: ends measuring; what was measured so far can still be read */
    uint32_t reserved;
} reflow_measure_options;

/* Begins to measure, or changes or ends it; options may be NULL. What was measured stays. It needs
 * some 100 bytes for each actor at once, and 10 KiB for each one that has run. In mode simulated
 * calls take no time, since the clock is logical.
 * Ownership: options borrowed. Threads: any. Blocking: bounded.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_measure(reflow_network *network,
                                                const reflow_measure_options *options,
                                                reflow_error **error);

/* How long something took, in nanoseconds: quantiles that are right to 1 in 32, and the exact
 * highest. All 0 if count is. */
typedef struct reflow_latency {
    uint64_t count; /* samples */
    uint64_t mean_ns;
    uint64_t p50_ns;
    uint64_t p90_ns;
    uint64_t p99_ns;
    uint64_t p999_ns;
    uint64_t max_ns;
} reflow_latency;

/* What an actor does. */
typedef int32_t reflow_activity;
enum {
    REFLOW_ACTIVITY_IDLE = 0,    /* has nothing to do */
    REFLOW_ACTIVITY_READY = 1,   /* waits for its turn */
    REFLOW_ACTIVITY_RUNNING = 2, /* has its turn */
    REFLOW_ACTIVITY_HELD = 3     /* is held back by a full port that it feeds */
};

/* Counts and times of a node. */
typedef struct reflow_node_metrics {
    uint32_t struct_size;     /* sizeof(reflow_node_metrics), set before the call */
    reflow_activity activity; /* a moment's view */
    uint64_t fired;           /* this and the next five as in reflow_node_counters */
    uint64_t received;
    uint64_t sent;
    uint64_t failed;
    uint64_t dropped;
    uint64_t waiting;
    uint64_t capacity; /* packets that its inports hold, together */
    uint64_t highest;  /* most packets that waited when a turn began, since measuring */
    uint64_t busy_ns;  /* time in calls, as the samples let expect for all turns since measuring */
    reflow_latency call; /* of a call of run, with max_batch firings at most */
    reflow_latency wait; /* of the newest packet that waited when a turn began: from when the actor
                            became ready until it was handed to run. Await rule any only, and not
                            behind connections that drop */
    uint64_t stuck;      /* calls that the watchdog has told of (section 10) */
    uint64_t streams;       /* ends of streams (section 15) that it has open, to read or to write */
    uint64_t stream_frames; /* that wait in streams until it reads them: from when it has accepted them on */
    uint64_t stream_bytes;  /* of these */
} reflow_node_metrics;

/* Reads counts and times of a node; times are 0 unless they are measured.
 * Ownership: node borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_node_metrics(const reflow_network *network,
                                                     reflow_view node,
                                                     reflow_node_metrics *metrics,
                                                     reflow_error **error);

/* What a thread of the runtime has done. */
typedef struct reflow_worker_metrics {
    uint32_t struct_size; /* sizeof(reflow_worker_metrics), set before the call */
    uint32_t asleep;      /* 1 while it waits for work */
    uint64_t rounds;      /* actors that it took off a queue; those handed over count with them */
    uint64_t lifetime_ns; /* since it began */
    uint64_t asleep_ns;   /* of that, without work */
} reflow_worker_metrics;

/* Reads what thread number worker, from 0, has done. Threads that hosts lend take places one after
 * the other, as many as there were at once so far; a place that nobody has counts as asleep.
 * Ownership: runtime borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND beyond the last. Since: 0.1.0 */
REFLOW_API reflow_status reflow_runtime_worker_metrics(const reflow_runtime *runtime,
                                                       uint32_t worker,
                                                       reflow_worker_metrics *metrics,
                                                       reflow_error **error);

/* What the whole process uses; what the system does not tell is 0. */
typedef struct reflow_usage {
    uint32_t struct_size; /* sizeof(reflow_usage), set before the call */
    uint32_t threads;
    uint64_t memory_bytes;      /* resident now */
    uint64_t memory_peak_bytes; /* resident at most */
    uint64_t user_ns;           /* time of the processors */
    uint64_t system_ns;
    uint64_t read_bytes; /* by read calls, pipes and caches included */
    uint64_t written_bytes;
    uint64_t page_faults; /* that had to read */
    uint64_t yields;      /* times that a thread gave up its processor */
    uint64_t preemptions; /* times that it was taken from one */
} reflow_usage;

/* Reads what the process uses.
 * Ownership: usage borrowed. Threads: any. Blocking: bounded (reads from the kernel).
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for a wrong struct_size. Since: 0.1.0 */
REFLOW_API reflow_status reflow_process_usage(reflow_usage *usage, reflow_error **error);

/* Everything at once: an object {time_ns, state, measured, nodes, total, workers, process}.
 * time_ns is the time of the runtime, for rates between two of them; measured tells whether times
 * are measured. nodes goes from node id to {component, source, activity, fired, received, sent,
 * failed, dropped, error_rate, waiting, capacity, highest, busy_ns, stuck, streams, stream_frames,
 * stream_bytes, call, wait}, in the order of the graph. call and wait are {count, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns}, or null
 * without samples. total has the sums and the quantiles over all nodes; workers is an array of
 * {asleep, rounds, lifetime_ns, asleep_ns, utilisation}; process has the fields of reflow_usage.
 * Rates and utilisation are from 0 to 1.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: bounded.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_metrics(const reflow_network *network, reflow_message *out,
                                                reflow_error **error);

/* ---- 15 streams ---------------------------------------------------------------------------- */

/* A stream carries what is too large for one message, or what is not there as a whole yet: a bounded
 * queue of frames beside the ports, with one writer, one reader, and observers. What travels in packets
 * is its handle, a message of kind REFLOW_KIND_STREAM: who receives it accepts the stream and reads.
 *
 *   BEGIN   DATA DATA ... DATA   END or ERROR
 *
 * Every reader gets that: first a BEGIN, then all data in order, then one END or ERROR, and nothing
 * behind it.
 *
 * Life. A stream lives as long as its writer, its reader, an observer, or a handle that is on its way. A
 * writer that is destroyed without an end leaves an ERROR, "the producer ended without an end". When the
 * reader is destroyed, or the last handle has gone before anybody accepted it, nobody can read any more:
 * writing answers REFLOW_ERROR_CLOSED, and what waits is dropped. A handle that has been written out and
 * read again by a codec leads nowhere; links between two peers of this library (section 21) carry streams.
 * When a network stops, or a change takes an actor away, what the actor has open ends behind teardown, as if
 * it had destroyed its writers and readers; the handles are still to be destroyed. A dead letter keeps the
 * handles in its packets.
 *
 * In actors. A writer of reflow_context_open_stream and a reader of reflow_context_accept_stream are those
 * of their actor. In callbacks they never wait: a call that could not go on answers
 * REFLOW_ERROR_WOULD_BLOCK, and run is called once more when there is room, or a frame, with count 0 or
 * with what has arrived by then. That may also come without need: the callback tries again and gets the
 * same answer. An actor whose inputs have to wait meanwhile asks for it with reflow_context_again and
 * reflow_context_rest. On threads that are in no callback (those of firings that end later) the same
 * handles wait up to the timeout.
 *
 * Idle. An actor that waits for room holds the network back as a full port does: the network is not idle.
 * If nothing else goes on and the reader is an actor of the same network, or nobody has accepted and no
 * host reads outputs, nothing inside can end that: the event NetworkStalled tells it, and
 * reflow_network_wait_idle and reflow_network_drain answer REFLOW_ERROR_LIMIT until somebody reads. An
 * actor that waits for a frame whose writer is not an actor of its own network keeps the network from
 * being idle until the stream has ended, so a drain reads streams of the host to their end. If the writer
 * is an actor of the same network, and nothing else goes on, the network is idle, as with packets that
 * wait for a partner; a drain then calls finish of the writer's actor, which is where to end a stream
 * that gathers.
 *
 * Writers and readers are used by one thread at a time; the two sides are independent of each other. */
typedef struct reflow_stream_writer reflow_stream_writer;
typedef struct reflow_stream_reader reflow_stream_reader;

/* Kinds of frames. */
typedef int32_t reflow_frame_kind;
enum {
    REFLOW_FRAME_BEGIN = 1, /* message: an object {content_type, size_hint, metadata}, null where not
                               given */
    REFLOW_FRAME_DATA = 2,  /* message: bytes */
    REFLOW_FRAME_END = 3,   /* no message; the data is complete */
    REFLOW_FRAME_ERROR = 4  /* message: an error; the data is not complete */
};

/* One frame. */
typedef struct reflow_stream_frame {
    reflow_frame_kind kind;
    uint32_t reserved;
    reflow_message message;
} reflow_stream_frame;

/* Zero in a field means the default. */
typedef struct reflow_stream_options {
    uint32_t struct_size;  /* sizeof(reflow_stream_options) */
    uint32_t max_frames;   /* of data that may wait for a reader; default 64, at most 1,000,000 */
    uint64_t max_bytes;    /* likewise, default 4 MiB; a larger frame goes when nothing else waits */
    uint64_t size_hint;    /* bytes of all data, if has_size_hint is not 0 */
    uint32_t has_size_hint;
    uint32_t reserved;
    reflow_view content_type; /* such as "text/csv"; may be empty */
    reflow_message metadata;  /* whatever the reader should know; no handles of streams in it; none */
} reflow_stream_options;

/* Zero in a field means the default. */
typedef struct reflow_observe_options {
    uint32_t struct_size; /* sizeof(reflow_observe_options) */
    uint32_t max_frames;  /* that may wait for it; default that of the stream */
    uint64_t max_bytes;
    uint32_t reliable; /* 0: what is new is dropped and counted while it is full; not 0: it gets
                          everything, and holds the writer back when it is full */
    uint32_t reserved;
} reflow_observe_options;

/* Makes a stream for a host. options may be NULL. The handle is to be sent into a network, or accepted.
 * Ownership: options borrowed, *writer new (reflow_stream_writer_destroy), *handle new
 * (reflow_message_unref). Threads: any. Blocking: never. Errors: REFLOW_ERROR_LIMIT beyond max_streams or
 * the limits of options, REFLOW_ERROR_WRONG_KIND for metadata with a stream in it,
 * REFLOW_ERROR_INVALID_UTF8. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_create(reflow_runtime *runtime,
                                              const reflow_stream_options *options,
                                              reflow_stream_writer **writer, reflow_message *handle,
                                              reflow_error **error);

/* Makes a stream whose writer belongs to the actor; outport is where the caller is going to emit the
 * handle, and is told in it.
 * Ownership: options borrowed, *writer new (reflow_stream_writer_destroy), *handle new
 * (reflow_message_unref). Threads: callback (run and finish). Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND for an unknown outport, REFLOW_ERROR_INVALID_STATE outside run and
 * finish, REFLOW_ERROR_CANCELLED when the network stops, and as reflow_stream_create. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_open_stream(reflow_context *context, uint32_t outport,
                                                    const reflow_stream_options *options,
                                                    reflow_stream_writer **writer,
                                                    reflow_message *handle);

/* Writes a frame of data, waiting for room up to the timeout; section 10 tells what waiting means.
 * Ownership: data taken-if-ok. Threads: one-at-a-time. Blocking: until there is room or the timeout; in
 * a callback never. Errors: REFLOW_ERROR_WOULD_BLOCK when it is full, REFLOW_ERROR_TIMEOUT,
 * REFLOW_ERROR_CLOSED when nobody can read it or it has ended, REFLOW_ERROR_WRONG_KIND unless data is
 * bytes, REFLOW_ERROR_WOULD_DEADLOCK if a writer that is not the actor's would wait in a callback.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_write(reflow_stream_writer *writer, reflow_message data,
                                             int64_t timeout_ms);

/* Writes bytes as frames of chunk bytes each (0: 64 KiB), from *offset on, which it moves: so a call that
 * could not go on is repeated with the same arguments. The frames look into data and copy nothing.
 * Ownership: data borrowed, its memory shared by the frames. Threads: one-at-a-time. Blocking: until all
 * is written or the timeout; in a callback never. Errors: as reflow_stream_write,
 * REFLOW_ERROR_INVALID_ARGUMENT for an offset behind the end. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_write_chunks(reflow_stream_writer *writer,
                                                    reflow_message data, size_t chunk,
                                                    size_t *offset, int64_t timeout_ms);

/* Ends a stream: the data is complete. There is always room for that.
 * Ownership: borrowed. Threads: one-at-a-time. Blocking: never. Errors: REFLOW_ERROR_CLOSED when nobody
 * can read it or it has ended. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_end(reflow_stream_writer *writer);

/* Ends a stream with an error: the data is not complete.
 * Ownership: text borrowed. Threads: one-at-a-time. Blocking: never. Errors: as reflow_stream_end;
 * invalid UTF-8 is replaced. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_fail(reflow_stream_writer *writer, reflow_view text);

/* Ends a writer.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_stream_writer_destroy(reflow_stream_writer *writer);

/* Accepts a stream for a host. It can be accepted once.
 * Ownership: handle borrowed, *out new (reflow_stream_reader_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_ALREADY_EXISTS if somebody has accepted it, REFLOW_ERROR_NOT_FOUND if the handle
 * leads to no stream, REFLOW_ERROR_WRONG_KIND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_accept(reflow_runtime *runtime, reflow_message handle,
                                              reflow_stream_reader **out, reflow_error **error);

/* Accepts a stream; the reader belongs to the actor.
 * Ownership: handle borrowed, *out new (reflow_stream_reader_destroy). Threads: callback (run and
 * finish). Blocking: never. Errors: REFLOW_ERROR_INVALID_STATE outside run and finish,
 * REFLOW_ERROR_CANCELLED when the network stops, and as reflow_stream_accept. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_accept_stream(reflow_context *context,
                                                      reflow_message handle,
                                                      reflow_stream_reader **out);

/* Makes an observer for a host: a reader with a queue of its own, which gets a BEGIN and what is written
 * from now on. There may be any number, before and after the stream is accepted. options may be NULL.
 * Ownership: arguments borrowed, *out new (reflow_stream_reader_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND if the handle leads to no stream, REFLOW_ERROR_WRONG_KIND,
 * REFLOW_ERROR_LIMIT. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_observe(reflow_runtime *runtime, reflow_message handle,
                                               const reflow_observe_options *options,
                                               reflow_stream_reader **out, reflow_error **error);

/* The same for an actor.
 * Ownership: arguments borrowed, *out new (reflow_stream_reader_destroy). Threads: callback (run and
 * finish). Blocking: never. Errors: REFLOW_ERROR_INVALID_STATE outside run and finish, and as
 * reflow_stream_observe. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_observe_stream(reflow_context *context,
                                                       reflow_message handle,
                                                       const reflow_observe_options *options,
                                                       reflow_stream_reader **out);

/* Takes up to max frames, waiting up to the timeout for the first. *count tells how many.
 * Ownership: each message is new (reflow_message_unref). Threads: one-at-a-time. Blocking: until there is
 * one or the timeout; in a callback never. Errors: REFLOW_ERROR_WOULD_BLOCK when there is none,
 * REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_CLOSED behind END or ERROR, REFLOW_ERROR_WOULD_DEADLOCK if a
 * reader that is not the actor's would wait in a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_read(reflow_stream_reader *reader,
                                            reflow_stream_frame *frames, size_t max,
                                            int64_t timeout_ms, size_t *count);

/* What the frame BEGIN carries, at any time.
 * Ownership: *out borrowed-until the handle is destroyed. Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_get_begin(const reflow_stream_reader *reader,
                                                 reflow_message *out);

/* How many frames an observer has missed because it was full; 0 for others and NULL.
 * Ownership: borrowed. Threads: any. Blocking: bounded. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_stream_missed(const reflow_stream_reader *reader);

/* Gathers all data up to the END into one message of bytes, waiting up to the timeout in all. What has
 * been read stays with the reader: a call that could not go on is repeated.
 * Ownership: *out new (reflow_message_unref). Threads: one-at-a-time. Blocking: until the END or the
 * timeout; in a callback never. Errors: REFLOW_ERROR_FAILED with the text of an ERROR,
 * REFLOW_ERROR_LIMIT beyond max_bytes (0: 64 MiB), and as reflow_stream_read. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_collect(reflow_stream_reader *reader, uint64_t max_bytes,
                                               int64_t timeout_ms, reflow_message *out,
                                               reflow_error **error);

/* Makes a frame of data from another one. data is borrowed, and *out, which is none before, is a new
 * reference; none means that nothing is written for it. Another status than REFLOW_OK ends the pass. */
typedef reflow_status (*reflow_transform_fn)(void *user_data, reflow_message data,
                                             reflow_message *out);

/* Passes frames from a reader to a writer, data through a function (NULL: as it is), until the END, which
 * is passed on too. A call that could not go on on either side is repeated. An ERROR is passed on, and the
 * call answers REFLOW_ERROR_FAILED. If the function fails, the writer fails with it.
 * Ownership: borrowed. Threads: one-at-a-time. Blocking: until the END or the timeout; in a callback
 * never. Errors: REFLOW_ERROR_CLOSED when nobody can read any more or it has been passed already, what the
 * function returns, and as reflow_stream_read and reflow_stream_write. Callbacks: transform.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_transform(reflow_stream_reader *reader,
                                                 reflow_stream_writer *writer,
                                                 reflow_transform_fn transform, void *user_data,
                                                 int64_t timeout_ms);

/* Ends a reader; what waits for it is dropped.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_stream_reader_destroy(reflow_stream_reader *reader);

/* Told that a stream can go on. */
typedef void (*reflow_stream_ready_fn)(void *user_data);

/* Asks to be called when a reader of the host can go on. The callback comes once after a refusal
 * (REFLOW_ERROR_WOULD_BLOCK with a timeout of 0), as soon as there is a frame, an END or an ERROR, and not again
 * before the next refusal; to ask counts as one, so what is there already is told at once, inside this call.
 * So a host reads until it is refused, goes on with something else, and reads again when it is called, or inside
 * the callback. No frame is missed, whenever it comes; a call may also find none.
 *
 * It runs on the thread of whoever writes or ends the stream: of the host, of the runtime or of links; never under
 * a lock of the engine, and never twice at a time. It may call anything that does not wait, and end the reader;
 * who writes stands still meanwhile.
 *
 * Each reader has one callback: another one takes its place, NULL ends it. destroy ends user_data when it is
 * replaced or the reader ends, once no call runs any more, or when this fails.
 * Ownership: user_data taken. Threads: one-at-a-time. Blocking: never. Errors: REFLOW_ERROR_INVALID_STATE for
 * a reader of an actor, which is called by itself. Callbacks: callback, destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_on_readable(reflow_stream_reader *reader,
                                                   reflow_stream_ready_fn callback, void *user_data,
                                                   reflow_destroy_fn destroy, reflow_error **error);

/* The same for a writer of the host: when there is room after a write that was refused, and when nobody can
 * read any more, without a refusal too. It runs on the thread of whoever reads.
 * Ownership: user_data taken. Threads: one-at-a-time. Blocking: never. Errors: REFLOW_ERROR_INVALID_STATE for
 * a writer of an actor. Callbacks: callback, destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_stream_on_writable(reflow_stream_writer *writer,
                                                   reflow_stream_ready_fn callback, void *user_data,
                                                   reflow_destroy_fn destroy, reflow_error **error);

/* Together with reflow_context_again: the inputs that were not completed wait until a stream of this
 * actor that has refused can go on, or its timer fires.
 * Ownership: none. Threads: callback (run and finish). Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE outside run and finish, or if the actor never had a stream.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_rest(reflow_context *context);

/* How many streams live that were made on this runtime.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint64_t reflow_runtime_streams(const reflow_runtime *runtime);

/* ---- 16 frame pools ------------------------------------------------------------------------ */

/* A frame pool is a set of equal pieces of memory (slots) under a name, for large frames that come again
 * and again, such as pictures of a camera: memory is taken once, and readers copy nothing. Who writes gets
 * a ticket, a number that names the frame: a positive integer, which may travel in a packet as it is.
 * Who reads with it gets the frame as a message of bytes that looks into the slot, or
 * REFLOW_ERROR_CLOSED if the slot has been written again since, and never a newer frame.
 *
 * As long as such a message lives its slot is not written: a writer takes the next slot in
 * the round that nobody holds, and gets REFLOW_ERROR_WOULD_BLOCK if all are held. */
typedef struct reflow_frame_pool reflow_frame_pool;

/* Zero in a field means the default. */
typedef struct reflow_frame_pool_options {
    uint32_t struct_size; /* sizeof(reflow_frame_pool_options) */
    uint32_t slots;       /* default 8, at most 65,535 */
    uint64_t frame_size;  /* most bytes of a frame; needed, at most 1 GiB */
} reflow_frame_pool_options;

/* What a pool has done. */
typedef struct reflow_frame_pool_info {
    uint32_t struct_size; /* sizeof(reflow_frame_pool_info), set before the call */
    uint32_t slots;
    uint64_t frame_size;
    uint64_t written; /* frames so far */
    uint32_t held;    /* slots that somebody reads or writes now */
    uint32_t reserved;
} reflow_frame_pool_info;

/* Opens the pool of this name, and makes it if there is none. With options NULL it is only looked for.
 * The pool lives until it is removed, or its runtime ends, and its handles and frames do.
 * Ownership: arguments borrowed, *out new (reflow_frame_pool_destroy). Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_ALREADY_EXISTS if it has other sizes,
 * REFLOW_ERROR_LIMIT beyond max_pool_bytes, 4096 pools, or the limits of options. Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_open(reflow_runtime *runtime, reflow_view name,
                                                const reflow_frame_pool_options *options,
                                                reflow_frame_pool **out, reflow_error **error);

/* The same for an actor: the pool of the runtime that it runs on.
 * Ownership: arguments borrowed, *out new (reflow_frame_pool_destroy). Threads: callback.
 * Blocking: bounded. Errors: as reflow_frame_pool_open; the text of the error goes with the failure
 * that the callback returns. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_frame_pool(reflow_context *context, reflow_view name,
                                                   const reflow_frame_pool_options *options,
                                                   reflow_frame_pool **out);

/* Copies a frame into a slot.
 * Ownership: data borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_LIMIT beyond frame_size,
 * REFLOW_ERROR_WOULD_BLOCK if all slots are held. Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_write(reflow_frame_pool *pool, const void *data,
                                                 size_t size, int64_t *ticket);

/* The same without a copy: begin gives a slot of frame_size bytes, to be filled until commit, which makes
 * the first size bytes of it a frame, or abandon, which gives it back. The content of the slot before
 * that is anything.
 * Ownership: *data borrowed-until commit or abandon. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_WOULD_BLOCK if all slots are held; REFLOW_ERROR_LIMIT beyond frame_size, and then
 * the slot is still yours; REFLOW_ERROR_CLOSED for a ticket that is not being written. Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_begin(reflow_frame_pool *pool, void **data,
                                                 int64_t *ticket);
REFLOW_API reflow_status reflow_frame_pool_commit(reflow_frame_pool *pool, int64_t ticket,
                                                  size_t size);
REFLOW_API reflow_status reflow_frame_pool_abandon(reflow_frame_pool *pool, int64_t ticket);

/* The frame of a ticket, as bytes that hold the slot until the message ends. Nothing is copied.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_CLOSED if the slot has been written again since, REFLOW_ERROR_NOT_FOUND for a
 * ticket that this pool has not given. Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_read(reflow_frame_pool *pool, int64_t ticket,
                                                reflow_message *out);

/* The newest frame, in the same way; *ticket (may be NULL) is its ticket.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND if nothing has been written. Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_latest(reflow_frame_pool *pool, int64_t *ticket,
                                                  reflow_message *out);

/* Sizes and counts of a pool.
 * Ownership: borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for a wrong
 * struct_size. Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_get_info(const reflow_frame_pool *pool,
                                                    reflow_frame_pool_info *info);

/* Takes the name from a pool: it may be used for another one. Handles and frames go on.
 * Ownership: name borrowed. Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_frame_pool_remove(reflow_runtime *runtime, reflow_view name,
                                                  reflow_error **error);

/* Ends a handle; the pool goes on.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_frame_pool_destroy(reflow_frame_pool *pool);

/* ---- 17 state ------------------------------------------------------------------------------ */

/* What a node keeps between its firings is the state that its create made, its keys and its pools. A
 * snapshot has all of that, and what is on its way: docs/state.md tells how it is done.
 *
 * Keys and pools belong to one node, begin empty, cost nothing while they are not used, and are saved
 * and restored with the node. Values are messages. A node holds at most REFLOW_MAX_STATE_ENTRIES
 * values, and REFLOW_MAX_STATE_BYTES of names and payload (reflow_message_payload_size). */
#define REFLOW_MAX_STATE_ENTRIES 1000000
#define REFLOW_MAX_STATE_BYTES (UINT64_C(1) << 28)

/* The value of a key of the node; of kind REFLOW_KIND_NONE if there is none.
 * Ownership: key borrowed, borrowed-until the next call that changes keys, or the callback returns.
 * Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_message reflow_context_state_get(const reflow_context *context, reflow_view key);

/* Sets the value of a key, anew or instead of the one before.
 * Ownership: key borrowed, value taken. Threads: callback. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_INVALID_ARGUMENT for none, REFLOW_ERROR_LIMIT.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_state_set(reflow_context *context, reflow_view key,
                                                  reflow_message value);

/* Removes a key.
 * Ownership: key borrowed. Threads: callback. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND if there is none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_state_remove(reflow_context *context, reflow_view key);

/* Removes all keys; pools stay.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_state_clear(reflow_context *context);

/* How many keys there are.
 * Ownership: none. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API size_t reflow_context_state_count(const reflow_context *context);

/* All keys with their values as an object, in the order in which they were first set.
 * Ownership: *out new (reflow_message_unref). Threads: callback. Blocking: never.
 * Errors: REFLOW_ERROR_LIMIT if a value is nested as deep as a message can be. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_state_all(const reflow_context *context,
                                                  reflow_message *out);

/* Puts a value into a pool of the node under an id: anew, at the end, or instead of the one before,
 * in its place. A pool is there as long as something is in it.
 * Ownership: pool and id borrowed, value taken. Threads: callback. Blocking: never.
 * Errors: as reflow_context_state_set. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_pool_upsert(reflow_context *context, reflow_view pool,
                                                    reflow_view id, reflow_message value);

/* Removes the value with an id from a pool; the order of the others stays.
 * Ownership: pool and id borrowed. Threads: callback. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND if there is none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_pool_remove(reflow_context *context, reflow_view pool,
                                                    reflow_view id);

/* What is in a pool, as an object from id to value, in the order in which the ids came in; empty if
 * there is no such pool.
 * Ownership: pool borrowed, *out new (reflow_message_unref). Threads: callback. Blocking: never.
 * Errors: as reflow_context_state_all. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_pool_get(const reflow_context *context, reflow_view pool,
                                                 reflow_message *out);

/* The value with an id in a pool; of kind REFLOW_KIND_NONE if there is none.
 * Ownership: pool and id borrowed, borrowed-until the next call that changes pools, or the callback
 * returns. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_message reflow_context_pool_find(const reflow_context *context, reflow_view pool,
                                                   reflow_view id);

/* How many values are in a pool.
 * Ownership: pool borrowed. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API size_t reflow_context_pool_count(const reflow_context *context, reflow_view pool);

/* Empties a pool.
 * Ownership: pool borrowed. Threads: callback. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_pool_clear(reflow_context *context, reflow_view pool);

/* Looks at the state of a node, and may change it. state is what create of the component made, its
 * user_data if it has no create, or NULL for the components of the library, those whose firings are pulled,
 * and in a network that is recorded or replayed; keys and pools are reached through the context. The context
 * cannot emit, nor ask for calls. */
typedef reflow_status (*reflow_state_visit_fn)(reflow_context *context, void *state,
                                               void *user_data);

/* Calls visit once with the state of a node, on the calling thread, while no callback of the node runs
 * and none can begin. component, if it is not empty, is the id that the component of the node must
 * have, so that the state is of the type that visit takes it for. Inside visit, calls that would wait
 * for this runtime answer REFLOW_ERROR_WOULD_DEADLOCK.
 * Ownership: views borrowed. Threads: any. Blocking: until a running callback of the node has ended or
 * the timeout, and as long as visit takes.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_TYPE for another component,
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback of the runtime, REFLOW_ERROR_TIMEOUT,
 * REFLOW_ERROR_INVALID_STATE from a stop on, REFLOW_ERROR_CANCELLED if it
 * is stopped meanwhile, what visit returns. Callbacks: visit. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_with_state(reflow_network *network, reflow_view node,
                                                   reflow_view component,
                                                   reflow_state_visit_fn visit, void *user_data,
                                                   int64_t timeout_ms, reflow_error **error);

/* Takes a snapshot of a running network: the states of its nodes, the packets that wait, were taken or
 * are on their way, timers, and what its outputs hold. All nodes rest meanwhile; those that were not
 * paused before go on afterwards. Attempts that are to come, circuit breakers, dead letters and
 * breakpoints (but for those with a function as condition) are in it, too. *out is an object; reflow_message_to_msgpack makes bytes of it that
 * lose nothing, and docs/state.md has the format. Messages are shared and not copied.
 *
 * A pending firing (reflow_context_defer) has not happened as far as a snapshot is concerned: after a restore
 * its inputs come again. One that is over has: what it emitted, or its failure, goes on from there. What a host
 * sends meanwhile is in the snapshot or is not, each message by itself.
 * Ownership: *out new (reflow_message_unref). Threads: any.
 * Blocking: until running callbacks have ended or the timeout, and until every save has returned.
 * Errors: REFLOW_ERROR_UNSUPPORTED for a node whose component has a state and no save, or that cannot
 * be saved, and for a network that records or is replayed; REFLOW_ERROR_WOULD_BLOCK if a node cannot be
 * saved at the moment, both with the node; what a save returns; REFLOW_ERROR_INVALID_STATE if the network does not run, REFLOW_ERROR_TIMEOUT,
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback, REFLOW_ERROR_CANCELLED. Callbacks: save.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_snapshot(reflow_network *network, int64_t timeout_ms,
                                                 reflow_message *out, reflow_error **error);

/* Makes a network that is created and not started what it was when the snapshot was taken. It has to be
 * one of the same graph with the same components (of configurations, each load is the judge), and
 * outputs with messages in them have to be open again. start then sends no initial packets and fires
 * no sources again; it goes on. A restore that fails changes nothing.
 * Ownership: snapshot borrowed. Threads: one-at-a-time with start. Blocking: bounded.
 * Errors: REFLOW_ERROR_INVALID_STATE after start, REFLOW_ERROR_PARSE for what is not a snapshot,
 * with the path in it, REFLOW_ERROR_UNSUPPORTED for a format of another version or a network that records, REFLOW_ERROR_GRAPH
 * for another graph, with the first node that differs, what a create or load returns, with the node.
 * Callbacks: create, load, destroy_state. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_restore(reflow_network *network, reflow_message snapshot,
                                                reflow_error **error);

/* Takes a snapshot and writes it into a file as MessagePack, in the place of the one before as a whole
 * or not at all: a temporary file beside it, brought to the disk, and renamed. The network goes on as
 * soon as the snapshot is taken.
 * Ownership: path borrowed. Threads: any. Blocking: until it is taken, as reflow_network_snapshot, and
 * written. Errors: those, and REFLOW_ERROR_IO. Callbacks: save. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_snapshot_file(reflow_network *network, reflow_view path,
                                                      int64_t timeout_ms, reflow_error **error);

/* Restores from such a file.
 * Ownership: path borrowed. Threads: one-at-a-time with start. Blocking: bounded (reads the file).
 * Errors: as reflow_network_restore, REFLOW_ERROR_IO, and REFLOW_ERROR_PARSE for a file that is no
 * MessagePack or was cut off. Callbacks: create, load, destroy_state. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_restore_file(reflow_network *network, reflow_view path,
                                                     reflow_error **error);

/* Zero in a field means the default. */
typedef struct reflow_checkpoint_options {
    uint32_t struct_size; /* sizeof(reflow_checkpoint_options) */
    uint32_t keep;        /* files of before that stay, as PATH.1 (the newest of them), PATH.2, ...;
                             default none, at most 1000 */
    reflow_view path;
    uint64_t interval_ms; /* default 10,000 */
    uint64_t timeout_ms;  /* how long a checkpoint waits for running callbacks; default 10,000 */
} reflow_checkpoint_options;

/* From now on writes a snapshot into a file each time that the interval has passed, as
 * reflow_network_snapshot_file does, on a thread beside the workers, until the network drains or
 * stops. May be called before the start. Called again it goes on with the new options; options NULL
 * ends it, and waits for one that is being written. One that cannot be taken or written is told by the
 * event CHECKPOINT_FAILED and logged as an error; the file of before stays, the network goes on, and so does
 * the interval.
 * Ownership: options borrowed. Threads: one-at-a-time. Blocking: until one that is being written is.
 * Errors: REFLOW_ERROR_UNSUPPORTED in modes without threads (call reflow_network_snapshot_file there),
 * REFLOW_ERROR_LIMIT for a longer list of files, REFLOW_ERROR_INVALID_STATE after drain or stop,
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback of the runtime. Callbacks: save, log.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_checkpoint(reflow_network *network,
                                                   const reflow_checkpoint_options *options,
                                                   reflow_error **error);

/* ---- 18 live change ------------------------------------------------------------------------ */

/* A network can be changed while it runs, as one step: all of the change or nothing. Everything is
 * checked and made first (the graph, create, setup and limits); then the nodes that the
 * change touches come to rest, and only these; the change is made; they go on. If anything fails
 * before that, the network runs on as it was, and what was made for the change is torn down.
 *
 * Nodes. A node of the new graph that the network has, with the same id, component and
 * configuration, is kept: state, counters, queues, timers, pending firings and the
 * numbers of its inports stay. With another component or configuration it is replaced: create and
 * setup make a new one, what waits at its inports goes to the ports of the same names, its counters go
 * on, and setup of the new one comes before teardown of the old one. If the component is the same, the
 * state goes on too, unless reflow_replaced_state says otherwise: keys and pools, and what save of the
 * old one gives to load of the new one, before setup; a component without them starts anew. A failure
 * of save or load is one of the change. Other nodes are added or removed.
 * Nodes in subgraphs have the ids that the other functions know ("outer/inner"). teardown and
 * destroy_state of what has gone are called, on the calling thread, before the call returns; finish
 * is not called.
 *
 * Packets. What has arrived at a kept node stays there, in its order, and what was emitted on a
 * connection that goes is still delivered if its target is kept. What waits at nodes that are removed
 * is told by reflow_leftover. What waits at, or comes to, a port that a replacing node has not is a dead
 * letter, unless that says drop. Initial packets are sent to new nodes, and of those of kept nodes only
 * what the old graph had not. Sources that are new or were replaced are fired.
 *
 * From outside. A reflow_inport of a kept node goes on; that of a removed one answers
 * REFLOW_ERROR_NOT_FOUND, as does that of a replaced one whose inports are others. A reader of
 * an exposed outport follows it to where it leads now; one whose node or exposed port has gone
 * gets what it holds, and then REFLOW_ERROR_CLOSED. Subscriptions see new nodes at once. Breakpoints
 * at nodes that are removed or replaced end. A new node
 * is paused if its subgraph, or else the network, had nodes and all of them were paused.
 *
 * When. In states created (then no setup is called) and running; otherwise the answer is
 * REFLOW_ERROR_INVALID_STATE. One change at a time: others wait. Inside callbacks of the runtime a
 * change would wait for itself: REFLOW_ERROR_WOULD_DEADLOCK. */

/* What becomes of packets that wait at nodes that are removed. */
typedef int32_t reflow_leftover;
enum {
    /* They are worked off first: the nodes that feed these rest meanwhile, removed sources stop.
     * After drain_ms what is left is dropped. */
    REFLOW_LEFTOVER_DRAIN = 0,
    REFLOW_LEFTOVER_DROP = 1,       /* dropped at once */
    REFLOW_LEFTOVER_DEAD_LETTER = 2 /* the same, each into a dead letter; cancelled firings too */
};

/* What becomes of the state of nodes that are replaced by one of the same component. */
typedef int32_t reflow_replaced_state;
enum {
    REFLOW_REPLACED_STATE_KEPT = 0,
    REFLOW_REPLACED_STATE_NEW = 1 /* as if the node were removed and added */
};

/* Zero in a field means the default. */
typedef struct reflow_change_options {
    uint32_t struct_size; /* sizeof(reflow_change_options) */
    reflow_leftover leftover;
    int64_t timeout_ms; /* for running callbacks of the nodes that are touched to return, and for
                           other changes to be over; default 10000; REFLOW_FOREVER */
    int64_t drain_ms;   /* for what waits at removed nodes to be worked off; default 1000;
                           REFLOW_FOREVER */
    reflow_replaced_state replaced_state;
    uint32_t reserved;
} reflow_change_options;

/* What a change has done. Nodes are those of the graph laid flat. */
typedef struct reflow_change {
    uint32_t struct_size; /* sizeof(reflow_change), set before the call */
    uint32_t reserved;
    uint64_t nodes_added;
    uint64_t nodes_removed;
    uint64_t nodes_replaced;
    uint64_t nodes_kept;
    uint64_t connections_added;
    uint64_t connections_removed;
    uint64_t packets_dropped; /* waiting at nodes or ports that have gone, or of cancelled firings */
} reflow_change;

/* Makes a network that of another graph, as one step. options and change may be NULL.
 * Ownership: arguments borrowed (the network keeps what it needs). Threads: any.
 * Blocking: until the nodes that are touched are at rest or the timeout; user code runs.
 * Errors: those of reflow_network_create, what a setup callback returns, REFLOW_ERROR_TIMEOUT if a
 * callback does not return, REFLOW_ERROR_INVALID_STATE while the network drains or stops,
 * REFLOW_ERROR_CANCELLED if it is stopped meanwhile, REFLOW_ERROR_WOULD_DEADLOCK inside a callback.
 * Callbacks: create, save, load, setup, teardown, destroy_state, reflow_cancel_fn; those of the
 * network where the caller runs them. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_apply(reflow_network *network, const reflow_graph *graph,
                                              const reflow_change_options *options,
                                              reflow_change *change, reflow_error **error);

/* The graph that runs now, subgraphs as they were written.
 * Ownership: *out new (reflow_graph_destroy). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_graph(const reflow_network *network, reflow_graph **out,
                                              reflow_error **error);

/* Single edits: the edit of the graph of the same name, applied with default options; replace_node gives
 * a node of the graph another component and configuration. A graph that cannot run for a moment, such as
 * one with a required port that is not connected yet, needs reflow_network_apply.
 * Ownership: views and endpoints borrowed, config and metadata taken. Threads: any.
 * Blocking: until the nodes are at rest, as reflow_network_apply. Errors: those of the graph's edit and
 * of reflow_network_apply. Callbacks: as reflow_network_apply. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_add_node(reflow_network *network, reflow_view id,
                                                 reflow_view component, reflow_message config,
                                                 reflow_error **error);
REFLOW_API reflow_status reflow_network_remove_node(reflow_network *network, reflow_view id,
                                                    reflow_error **error);
REFLOW_API reflow_status reflow_network_replace_node(reflow_network *network, reflow_view id,
                                                     reflow_view component, reflow_message config,
                                                     reflow_error **error);
REFLOW_API reflow_status reflow_network_connect(reflow_network *network,
                                                const reflow_endpoint *from,
                                                const reflow_endpoint *to, reflow_message metadata,
                                                reflow_error **error);
REFLOW_API reflow_status reflow_network_disconnect(reflow_network *network,
                                                   const reflow_endpoint *from,
                                                   const reflow_endpoint *to, reflow_error **error);

/* ---- 20 recordings: experimental ----------------------------------------------------------- */

/* A run in mode simulated is a function of its seed, of its components and of what comes from outside. A recording is a file that
 * has all of that but the components: the graph, laid flat, the options of the runtime, what the host did and between which
 * turns, what components with the flag REFLOW_COMPONENT_EXTERNAL brought in, and for each firing a digest of its packets, in and
 * out. A replay does it all again and compares: the same firings, packets and events, byte for byte. External components are not
 * called, so a replay reads and writes no files. Nor is run called again for a firing that is kept open (reflow_context_defer):
 * what went on with its completion is done at the same place as then. What reflow_network_on_failure decided is recorded, too: a
 * replay asks its own host, if there is one, and goes by what was decided then.
 *
 * The file is written as the run goes, a piece of some 32 KiB at a time and whenever the network is idle; after a crash it can be
 * replayed as far as it goes. While a network records, each call of run gets one firing, and actors deliver after each call. It
 * must be the only one on its runtime. What other threads do with it happens between turns. It has no breakpoints, its events
 * are polled, and it is not changed while it runs. A stream that a node sends ends the recording, and so does a completion that
 * goes on inside of a callback that is none of a node. What an external component does to the network from inside of its
 * callbacks is not known.
 *
 * The names begin with reflow_x_: this section may still change between releases. Without the feature
 * "recording" its functions answer REFLOW_ERROR_UNSUPPORTED. */

/* Makes a network that records into a file, which is replaced. Outputs are opened, inports found and the
 * network is started as always.
 * Ownership: runtime, graph and path borrowed, *out new (reflow_network_destroy). Threads: any.
 * Blocking: bounded (writes the file). Errors: as reflow_network_create; REFLOW_ERROR_UNSUPPORTED in
 * other modes, REFLOW_ERROR_INVALID_STATE if the runtime has run something, REFLOW_ERROR_IO.
 * Callbacks: create, destroy_state. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_record_create(reflow_runtime *runtime, const reflow_graph *graph,
                                                reflow_view path, reflow_network **out,
                                                reflow_error **error);

/* Writes what was gathered so far, and tells whether everything was recorded. The last piece is written
 * when the network has stopped.
 * Ownership: none. Threads: any. Blocking: bounded (writes the file). Errors: REFLOW_ERROR_INVALID_STATE
 * if the network does not record, REFLOW_ERROR_IO if the file could not be written,
 * REFLOW_ERROR_UNSUPPORTED if something cannot be recorded. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_record_flush(reflow_network *network, reflow_error **error);

/* A recording that was opened. Created by reflow_x_recording_open, ended by
 * reflow_x_recording_destroy; a replay keeps what it needs. */
typedef struct reflow_x_recording reflow_x_recording;

/* Opens a recording.
 * Ownership: path borrowed, *out new (reflow_x_recording_destroy). Threads: any. Blocking: bounded
 * (reads the file). Errors: REFLOW_ERROR_IO, REFLOW_ERROR_PARSE if it is none,
 * REFLOW_ERROR_UNSUPPORTED if another version or format wrote it. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_recording_open(reflow_view path, reflow_x_recording **out,
                                                 reflow_error **error);

/* What stands first in it: an object {format, engine, seed, batch_packets, batch_ns, port_capacity,
 * max_growth, max_completions, check_types, graph}, where seed is text and graph the document of the flat graph.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: never.
 * Errors: none beyond the common ones. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_recording_header(const reflow_x_recording *recording,
                                                   reflow_message *out, reflow_error **error);

/* Sets the options that a runtime needs for the replay: mode, seed, batch_packets, batch_us,
 * port_capacity, port_capacity_bytes, max_growth, max_completions, check_types; the others stay as they are.
 * Ownership: none. Threads: any. Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for a
 * struct_size without these fields. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_recording_options(const reflow_x_recording *recording,
                                                    reflow_runtime_options *options,
                                                    reflow_error **error);

/* Ends the handle of a recording.
 * Ownership: taken. Threads: one-at-a-time. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_x_recording_destroy(reflow_x_recording *recording);

/* A run that is repeated. Created by reflow_x_replay_create, ended by reflow_x_replay_destroy. */
typedef struct reflow_x_replay reflow_x_replay;

/* Makes a network of a recording, on a runtime with its options that has run nothing yet and knows
 * its components. A recording is replayed once; open it again for another time.
 * Ownership: runtime and recording borrowed, *out new (reflow_x_replay_destroy). Threads: any.
 * Blocking: bounded. Errors: as reflow_network_create; REFLOW_ERROR_INVALID_STATE for a runtime with other
 * options or one that has run something, and for a recording that was replayed.
 * Callbacks: create. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_replay_create(reflow_runtime *runtime,
                                                reflow_x_recording *recording,
                                                reflow_x_replay **out, reflow_error **error);

/* Its network, for events, counters and looking into inports. Whoever sends to it, reads from it or
 * runs it makes it differ.
 * Ownership: borrowed-until the handle is destroyed. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_network *reflow_x_replay_network(reflow_x_replay *replay);

/* Goes on until so many more firings have ended (0: to the end), and tells in *more (may be NULL)
 * whether the recording goes on. Firings of one turn are not separated: there is one in each if the
 * recording was made with batch_packets 1.
 * Ownership: none. Threads: one-at-a-time. Blocking: until the firings have ended.
 * Errors: REFLOW_ERROR_FAILED at the first firing that differs, with node, number, what was expected and
 * what came; from then on always. REFLOW_ERROR_PARSE if the file is damaged.
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback. Callbacks: as a run. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_replay_run(reflow_x_replay *replay, uint64_t firings, bool *more,
                                             reflow_error **error);

/* How far a replay is. */
typedef struct reflow_x_replay_state {
    uint32_t struct_size; /* sizeof(reflow_x_replay_state), set before the call */
    uint32_t truncated;   /* 1 if the recording has ended before its network did */
    uint64_t firings;     /* so far */
    uint64_t now_ns;      /* logical time */
    reflow_view next;     /* node of the next firing; empty if that is not known */
    reflow_view reason;   /* why no more was recorded; empty if that is not known */
} reflow_x_replay_state;

/* Reads how far it is.
 * Ownership: views are borrowed-until the next call on this handle. Threads: one-at-a-time.
 * Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for a wrong struct_size. Since: 0.1.0 */
REFLOW_API reflow_status reflow_x_replay_get_state(reflow_x_replay *replay,
                                                   reflow_x_replay_state *state);

/* Ends a replay and its network.
 * Ownership: taken. Threads: one-at-a-time. Blocking: bounded. Errors: none.
 * Callbacks: teardown, destroy_state. Since: 0.1.0 */
REFLOW_API void reflow_x_replay_destroy(reflow_x_replay *replay);

/* ---- 19 failure ---------------------------------------------------------------------------- */

/* What happens when a firing fails. A returned failure, a C++ exception, a Python exception and a
 * rejected promise are the same thing by the time they come here. docs/failure.md has the whole of it
 * with an example.
 *
 * Settings. The object "failure" in the metadata of a node; in the metadata of a subgraph's node it is
 * the default for the nodes inside, and as a property of the graph for all nodes. Key by key the
 * nearest one counts. Without any, a failed firing is told of and the node goes on.
 *
 *   retries, backoff_ms, backoff_factor, backoff_max_ms, jitter   the firing is tried again
 *   hold          what an attempt emits is delivered only if it ends well
 *   breaker       {threshold, cooldown_ms}: after so many failures in a row firings fail at once
 *   fallback      {value, port} or {node, port}: instead of the error, when all attempts have failed
 *   then          "continue", "restart", "stop" or "escalate": what the node does after that
 *   restarts, within_ms   how often it may restart; beyond that the failure escalates
 *   escalated     of a subgraph or graph: "escalate", "continue", "restart" or "stop"
 *   error         "text" or "object": what the outport "error" sends
 *
 * An attempt that is tried again is no failed firing: no event, no count. Meanwhile the firing waits in
 * its place, and what comes behind it waits too.
 *
 * Escalation goes from the node to the subgraphs around it, to the graph, and then to the callback of
 * reflow_network_on_failure. If nobody takes it, the network stops. */

/* A failure with all that can be told of it. Views are borrowed and may be empty; invalid UTF-8 is
 * replaced. */
typedef struct reflow_failure {
    uint32_t struct_size; /* sizeof(reflow_failure) */
    reflow_status status; /* a failure; REFLOW_ERROR_HOST and what goes with it is never looked at */
    reflow_view message;
    reflow_view hint;
    reflow_view trace; /* such as the trace of an exception; at most REFLOW_MAX_TRACE_BYTES are kept */
} reflow_failure;

/* How much of a trace is kept: its end, where languages put the newest call. */
#define REFLOW_MAX_TRACE_BYTES 65536

/* Sets the error that goes with the failure that the callback is about to return, and returns its
 * status, as reflow_context_fail does.
 * Ownership: failure borrowed. Threads: callback. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for a wrong struct_size or a status that is no failure.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_context_fail_with(reflow_context *context,
                                                  const reflow_failure *failure);

/* Ends a firing as failed, as reflow_completion_fail does.
 * Ownership: failure borrowed. Threads: any. Blocking: never.
 * Errors: as reflow_completion_fail. Since: 0.1.0 */
REFLOW_API reflow_status reflow_completion_fail_with(reflow_completion completion,
                                                     const reflow_failure *failure);

/* How many attempts of the firing of this call have failed before; 0 unless it is tried again.
 * Ownership: none. Threads: callback (run). Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint32_t reflow_context_attempts(const reflow_context *context);

/* What a failure is that nobody in the graph takes. */
typedef struct reflow_escalation {
    uint32_t struct_size; /* sizeof(reflow_escalation) of the library */
    uint32_t attempts;    /* calls that the firing had; 0 if a restart failed */
    uint64_t restarts;    /* of the node so far */
    reflow_view node;
    reflow_view component;
    const reflow_error *error; /* borrowed-until the callback returns, like the views; NULL if there
                                  was no memory for it */
} reflow_escalation;

/* What to do about it. Other numbers are REFLOW_DECISION_STOP. */
typedef int32_t reflow_decision;
enum {
    REFLOW_DECISION_STOP = 0,     /* the network stops */
    REFLOW_DECISION_CONTINUE = 1, /* the node goes on; one that could not be restarted fails all */
    REFLOW_DECISION_RESTART = 2   /* the node is restarted, whatever its limit */
};

/* Decides about a failure that escalates. Called in the turn of the node, on a thread of the runtime or,
 * in modes without, of the host; for several nodes perhaps at once, never under a lock of the engine.
 * Meanwhile the node stands still. It may call anything that does not wait. */
typedef reflow_decision (*reflow_failure_fn)(void *user_data, const reflow_escalation *escalation);

/* Sets who decides about failures that escalate, once, before the start. destroy ends user_data with
 * the network.
 * Ownership: user_data taken. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE after the start, REFLOW_ERROR_ALREADY_EXISTS the second time.
 * Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_on_failure(reflow_network *network,
                                                   reflow_failure_fn decide, void *user_data,
                                                   reflow_destroy_fn destroy,
                                                   reflow_error **error);

/* Dead letters. A failed firing that neither an outport "error" nor a fallback takes is kept with its
 * packets and its error in a bounded queue of the network: a letter. The property "dead_letters" of the
 * graph says how many; default 1000, 0 none. Beyond that the oldest goes and is counted. They can be
 * read as long as the network is there, also when it has stopped.
 *
 * A letter as a message is an object {id, node, component, time_ms, attempts, status, message, hint,
 * trace, packets}; status is the name of it, packets an array of {port, index, message}, without index
 * if there is none. A packet that run has moved out (reflow_message_take) is missing, unless the node
 * has settings for failure: then it is kept. The handles of streams in it lead nowhere. */

typedef struct reflow_dead_letters {
    uint32_t struct_size; /* sizeof(reflow_dead_letters), set before the call */
    uint32_t capacity;
    uint64_t waiting; /* in the queue now */
    uint64_t total;   /* that came so far */
    uint64_t lost;    /* the oldest, which gave way, and those for which memory ran out */
} reflow_dead_letters;

/* Counts dead letters.
 * Ownership: network borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for a wrong struct_size. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_dead_letters(const reflow_network *network,
                                                     reflow_dead_letters *letters,
                                                     reflow_error **error);

/* The oldest letters with ids above after, at most max, as an array. path is that of a node, of a
 * subgraph, or empty for all. Ids rise from 1.
 * Ownership: path borrowed, *out new (reflow_message_unref). Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_NOT_FOUND for a path that nothing has. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_list_dead_letters(const reflow_network *network,
                                                          reflow_view path, uint64_t after,
                                                          size_t max, reflow_message *out,
                                                          reflow_error **error);

/* Puts the packets of a letter back into the inports of its node, behind what waits there, and ends the
 * letter; all of them or none. It does not wait.
 * Ownership: none. Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_NOT_FOUND for an id that is
 * not there, REFLOW_ERROR_WOULD_BLOCK if there is no room, REFLOW_ERROR_INVALID_STATE for one without
 * packets (of a source, a timer, finish, or moved out) or before the start, REFLOW_ERROR_CLOSED after
 * drain or stop. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_replay_dead_letter(reflow_network *network, uint64_t id,
                                                           reflow_error **error);

/* The same for all letters of a path that have packets, the oldest first; what fails anew while it runs
 * is not among them. *count (may be NULL) tells how many went, also on failure.
 * Ownership: path borrowed. Threads: any. Blocking: bounded. Errors: as
 * reflow_network_replay_dead_letter, for the first that cannot go. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_replay_dead_letters(reflow_network *network,
                                                            reflow_view path, size_t *count,
                                                            reflow_error **error);

/* Does the same with a letter of another network, as reflow_network_list_dead_letters gives it: node,
 * and port and message of each packet count.
 * Ownership: letter borrowed. Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_NOT_FOUND for an
 * unknown node or port, REFLOW_ERROR_WRONG_KIND for what is no letter, and as
 * reflow_network_replay_dead_letter. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_send_dead_letter(reflow_network *network,
                                                         reflow_message letter,
                                                         reflow_error **error);

/* Drops the letter with this id, or all of a path if id is 0. *count (may be NULL) tells how many.
 * Ownership: path borrowed. Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_drop_dead_letters(reflow_network *network, uint64_t id,
                                                          reflow_view path, size_t *count,
                                                          reflow_error **error);

/* States of an actor.
 *
 *   created --> initialized --> running <--> processing
 *                                ^  |            |
 *                                |  |            v
 *                                +--|---------- error
 *                                   v            |
 *                                stopping <------+
 *                                   |
 *                                   v
 *                                stopped
 *
 * processing is a call of run or finish; error is the time in which a failure is seen to: until the
 * next attempt, until it is restarted, or for ever if that was not possible. */
enum {
    REFLOW_NODE_CREATED = 0,
    REFLOW_NODE_INITIALIZED = 1, /* setup has been called */
    REFLOW_NODE_RUNNING = 2,
    REFLOW_NODE_PROCESSING = 3,
    REFLOW_NODE_ERROR = 4,
    REFLOW_NODE_STOPPING = 5,
    REFLOW_NODE_STOPPED = 6
};

/* Details of a state, as bits. */
enum {
    REFLOW_NODE_IS_PAUSED = 1,
    REFLOW_NODE_IS_HELD = 2,       /* back by a full port that it feeds */
    REFLOW_NODE_IS_RETRYING = 4,   /* a firing waits for its next attempt, or has it */
    REFLOW_NODE_IS_RESTARTING = 8, /* or waits for its next restart */
    REFLOW_NODE_IS_OPEN = 16,      /* its circuit breaker: firings fail at once */
    REFLOW_NODE_IS_HALF_OPEN = 32, /* one firing tries whether it works again */
    REFLOW_NODE_IS_DOWN = 64       /* it could not be restarted: firings fail at once */
};

/* How a node is. */
typedef struct reflow_node_status {
    uint32_t struct_size; /* sizeof(reflow_node_status), set before the call */
    int32_t state;        /* REFLOW_NODE_... */
    uint32_t details;     /* bits REFLOW_NODE_IS_... */
    uint32_t failures;    /* in a row, of attempts; 0 without settings for failure */
    uint64_t retries;     /* attempts after the first ones so far */
    uint64_t restarts;    /* so far */
} reflow_node_status;

/* Reads the state of a node: a moment's view, exact when the network is idle.
 * Ownership: node borrowed. Threads: any. Blocking: never. Errors: REFLOW_ERROR_NOT_FOUND.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_network_node_state(const reflow_network *network, reflow_view node,
                                                   reflow_node_status *status,
                                                   reflow_error **error);

/* The name of a state: "Created", "Initialized", ...; "unknown" for other numbers.
 * Ownership: borrowed-until the process ends. Threads: any. Blocking: never. Errors: none.
 * Since: 0.1.0 */
REFLOW_API reflow_view reflow_node_state_name(int32_t state);

/* ---- 21. Peers -----------------------------------------------------------------------------
 *
 * A peer joins a network of this process to networks in others. It listens on one port and dials
 * others; whoever dials, both sides send. What comes for "actor" and "port" is a packet at that inport of
 * the network, as if the host had sent it, and a slow actor holds back those who send to it and nobody
 * else: each sender may have a window of packets and bytes on their way to each inport.
 *
 * A network has an id, which others send to, and each process of it an instance id. Several instances of
 * one network are several links; what is sent goes to them in turn, or to the oldest alone
 * (REFLOW_PEER_FAILOVER) until it breaks.
 *
 * Endpoints are "ws://host:port" (WebSocket, which the published original speaks too), "tcp://host:port" (the
 * same frames without it, faster for much), "wss://" and "tls://" (encrypted), or "host:port": that begins as
 * WebSocket, and goes on as tcp if both sides can (REFLOW_PEER_NO_TCP on either side: it stays).
 *
 * Frames that zstd makes smaller are compressed between two peers of this library. Messages over a link have at
 * most 47 MiB, encoded. All peers of a runtime share one thread for their links.
 *
 * Two peers of this library prove to each other that they know the token; it is never said. A
 * peer of the original says it in clear: such a one is accepted, and told of in the log, but what this
 * side dials gets the token in clear only with REFLOW_PEER_LEGACY_AUTH. Without a token anybody may come.
 *
 * Streams (section 15) cross links: a message with handles, at most 8 in it, takes the readers of their streams
 * along, and who gets it accepts them there. Each may have 256 frames and 4 MiB on its way, beside its own limits; a
 * slow reader holds the writer back. Whatever ends a stream on one side ends it on the other; a link that
 * breaks leaves an ERROR to the reader, "the link to ... has ended", and REFLOW_ERROR_CLOSED to the writer.
 * A frame of data has at most 47 MiB, and the metadata of a stream 64 KiB. A handle goes once, over one link.
 *
 * Delivery is at most once, unless reflow_peer_set_delivery says more: what was given to the socket when a link
 * breaks may be lost, and nothing is sent twice. Packets that an actor there does not take (no such actor, port or type) are counted as lost
 * and told in the log of both sides.
 *
 * The books of what was sent are exact (reflow_peer_status, "messages"): each packet that was given to a link is
 * delivered, refused, unconfirmed while its link lasts, or in doubt once that has ended without a word of it: it
 * may have come or not. A send that fails has given nothing. Peers tell how far they are by themselves, now and then,
 * and are asked for it with each heartbeat and when a link is closed in order; reflow_peer_stop waits for their word as
 * long as more of it comes within a heartbeat. Delivered means that an inport there has it: a killed process loses those. Packets of outboxes that send again are in the books
 * of those, and peers of the original, which confirm nothing, in none.
 *
 * With discovery endpoints it registers itself there with the start and at each refresh, reads who else is
 * there, and dials every network that it is not linked to and that is allowed, unless
 * REFLOW_PEER_NO_AUTO_DIAL says no. Two that dial each other keep one link, the one that was dialled by the peer
 * whose (network id, instance id) is less; where both are open for a moment, what is sent on and on for more than
 * a second may overtake itself once when the other one is left. Servers that cannot be reached remove nothing.
 *
 * A link that was dialled is dialled again when it breaks: after 200 ms, and then after twice as long each
 * time up to 3.2 s, five attempts. A refusal ends that. Each side sends a heartbeat; a link from which
 * nothing has come for three of them, of the side with the longer interval, is cut.
 *
 * Graphs name actors of other networks: a node whose component is "actor@network" (and which no component
 * of that id is registered for) stands for that actor there. It needs no registration, and has the ports
 * that the graph uses; "inports" and "outports" in its metadata, arrays of names, add others, and a node of
 * which the graph uses no inport has one called "in". The network has to be attached to a peer before it starts.
 *
 * What reaches an inport of such a node goes to the inport of that name there, in order. While there is no
 * link, or the actor there has no room, the node keeps up to 256 packets as pending firings and then takes
 * no more, so that those who feed it wait. A packet that could not go within 30 s (the node's metadata may
 * say otherwise: "firing": {"timeout_ms": 500}) fails, as a firing does: its error comes at outport "error", or is a
 * dead letter. Whatever the actor there emits on an outport that the graph uses here comes out of the
 * outport of that name of the node: all of it, whoever it answers, and for each such node of each network that asks. So
 * does what comes at outport "error" there, if that is connected here; and what could not be delivered there (no
 * such actor, port or type) comes at "error" too. Elements of array ports are the same on both sides: what goes to
 * element 3 of an inport here goes to element 3 there, and what the actor emits at an element comes out at it.
 * Messages of the original know no elements.
 *
 * reflow_network_cancel of such a node cancels what waits in it, and then what is pending of the actor there
 * that packets of the node have caused, if the network there carries envelopes; it counts the former alone.
 * A network that stops, and a peer that ends, cancel nothing of what was handed over. */

typedef struct reflow_peer reflow_peer;

/* Flags of a peer. */
enum {
    REFLOW_PEER_NO_PORT = 1,           /* it only dials */
    REFLOW_PEER_LEGACY_AUTH = 2,       /* the token goes in clear to dialled peers of the original */
    REFLOW_PEER_RECONNECT_FOREVER = 4, /* instead of five attempts */
    REFLOW_PEER_TELL_MESSAGES = 8,     /* each message that comes is told in the log, level info */
    REFLOW_PEER_NO_AUTO_DIAL = 16,     /* networks that discovery tells of are not dialled */
    REFLOW_PEER_NO_TCP = 32,  /* endpoints without a scheme stay with the frames of WebSocket */
    REFLOW_PEER_FAILOVER = 64, /* of several instances the link that is oldest is sent to, not all in turn */
    REFLOW_PEER_NO_TLS_VERIFY = 128 /* certificates of dialled peers and discovery servers are not checked */
};

/* Options of a peer; a field that is 0 or empty means the default. */
typedef struct reflow_peer_options {
    uint32_t struct_size; /* sizeof(reflow_peer_options) */
    uint32_t flags;       /* REFLOW_PEER_... */
    reflow_view network_id;   /* has to be given; 1 to 256 bytes */
    reflow_view instance_id;  /* default: "peer-" and the time */
    reflow_view bind_address; /* default 0.0.0.0 */
    uint32_t bind_port;       /* 0: a free one, which reflow_peer_port tells */
    uint32_t max_connections; /* links at once; default 32, at most 65,536 */
    reflow_view auth_token;   /* default none */
    uint32_t heartbeat_interval_ms; /* default 1000 */
    uint32_t connect_timeout_ms;    /* to reach the other side; default 5000 */
    uint32_t handshake_timeout_ms;  /* until both have greeted; default 5000 */
    uint32_t send_timeout_ms; /* a socket that takes nothing for so long ends the link; default 30,000 */
    uint32_t window_packets;  /* on their way from one sender to one inport; default 16,384 */
    uint32_t reconnect_attempts;            /* default 5 */
    const reflow_view *allowed_networks;    /* who may come; NULL: all */
    size_t allowed_networks_count;
    /* Discovery servers, such as "http://127.0.0.1:9000"; https:// too. Each is told of this peer, and asked
     * for others; at most 64. */
    const reflow_view *discovery_endpoints;
    size_t discovery_endpoints_count;
    reflow_view discovery_token;   /* bearer token of these servers; default none */
    reflow_view advertise_address; /* host or host:port that others reach it by; default: the address that
                                      it listens at, or one of this machine */
    uint32_t discovery_refresh_ms; /* between two rounds; default 15,000 */
    uint32_t discovery_timeout_ms; /* of one request; default 5000 */
    uint32_t discovery_ttl_ms;     /* how long what no server answers for is kept; default 60,000 */
    uint32_t discovery_reserved;   /* 0 */
    uint64_t window_bytes;          /* as window_packets, of their encoded messages; default 16 MiB */
    uint32_t batch_bytes;           /* of messages in one frame; default 65,536, at most 16 MiB */
    uint32_t batch_linger_us;       /* so long they wait for others, in steps of a millisecond; default 0 */
    uint32_t compression_threshold; /* frames of fewer bytes go as they are; default 1024 */
    int32_t compression_level;      /* of zstd, 1 to 19; default 1; -1: nothing is compressed */
    /* Pages that browsers may dial and ask for, such as "https://example.org"; "*": all. Without it only those
     * that the peer itself could have served: see docs/peers.md. Requests without an Origin are no page's. */
    const reflow_view *allowed_origins;
    size_t allowed_origins_count;
    /* PEM files, read with the start. With certificate and key, which go together, the port speaks TLS as well; what
     * is dialled with wss://, tls:// or https:// is checked against tls_ca_file, or else the system's. */
    reflow_view tls_certificate_file;
    reflow_view tls_key_file;
    reflow_view tls_ca_file;
} reflow_peer_options;

/* Makes a peer, which neither listens nor dials yet.
 * Ownership: options borrowed, *out new (reflow_peer_destroy). Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT for an id that is none, REFLOW_ERROR_UNSUPPORTED in a build
 * without peers. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_create(reflow_runtime *runtime,
                                            const reflow_peer_options *options, reflow_peer **out,
                                            reflow_error **error);

/* The same from a configuration in TOML, as files of reflow-peer have it (docs/peers.md lists the keys);
 * file_name is for errors alone, and flags are added: with REFLOW_PEER_NO_PORT, as with listen = false, it needs no
 * bind_port. reflow_peer_status tells the endpoints of [[connect]]: the host dials them.
 * Ownership: views borrowed, *out new (reflow_peer_destroy). Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_PARSE, REFLOW_ERROR_CONFIG and REFLOW_ERROR_LIMIT with file, line, column and the
 * path of the key, REFLOW_ERROR_UNSUPPORTED. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_create_from_toml(reflow_runtime *runtime, reflow_view toml,
                                                      reflow_view file_name, uint32_t flags,
                                                      reflow_peer **out, reflow_error **error);

/* Where it listens, instead of what its options say; also if these say that it does not.
 * Ownership: address borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE after the start. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_bind(reflow_peer *peer, reflow_view address, uint32_t port,
                                          reflow_error **error);

/* Ends a peer: as reflow_peer_stop with a timeout of 5 s, if it has not been stopped. The network goes on.
 * Inside a callback (of events, HTTP, lost messages, the log or an actor), and while calls with this peer are
 * under way, it returns at once: the peer ends on a thread of the library, callbacks may come until destroy of their
 * user_data is called, and reflow_runtime_destroy waits for that thread, unless it is inside a callback too.
 * Ownership: peer taken. Threads: any. Blocking: until its links have ended, but for these cases.
 * Errors: none. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API void reflow_peer_destroy(reflow_peer *peer);

/* The network whose actors others reach; it need not run yet, but packets that come before it does are
 * lost, and told as such.
 * Ownership: network borrowed; the peer keeps what it needs. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE after the start, REFLOW_ERROR_INVALID_ARGUMENT for a network of
 * another runtime, REFLOW_ERROR_UNSUPPORTED in mode simulated, whose time waits for no link. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_attach(reflow_peer *peer, reflow_network *network,
                                            reflow_error **error);

/* Listens, unless REFLOW_PEER_NO_PORT says no.
 * Ownership: none. Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_IO with address and reason,
 * REFLOW_ERROR_INVALID_STATE for a second start, REFLOW_ERROR_UNSUPPORTED with discovery endpoints on a machine
 * without libcurl. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_start(reflow_peer *peer, reflow_error **error);

/* The port that it listens on; 0 before the start, or without one.
 * Ownership: none. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint32_t reflow_peer_port(const reflow_peer *peer);

/* Dials, and waits until both have greeted. From then on it is dialled again when it breaks. *network
 * (may be NULL) is the id of the other network, a string.
 * Ownership: endpoint borrowed, *network new (reflow_message_unref). Threads: any. Blocking: until the
 * link is there or the timeout, which is also the longest that dialling goes on.
 * Errors: REFLOW_ERROR_REFUSED (nobody listens, or the other side says no, and why),
 * REFLOW_ERROR_UNRESOLVED for a host that nobody knows, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_AUTH for a token
 * that differs, REFLOW_ERROR_PROTOCOL for what is no peer, REFLOW_ERROR_LIMIT beyond max_connections,
 * REFLOW_ERROR_CLOSED if the peer stops or disconnects from that network meanwhile,
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_connect(reflow_peer *peer, reflow_view endpoint,
                                             int64_t timeout_ms, reflow_message *network,
                                             reflow_error **error);

/* Closes the links to a network, and dials it no more. Nothing is sent over them from now on. What was sent and has
 * not been taken by its inport yet may still be, and so be known as delivered: a link ends as soon as all of it has, at the
 * latest when nothing has for a heartbeat, after 5 s, or with the next reflow_peer_connect.
 * Ownership: network borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_disconnect(reflow_peer *peer, reflow_view network,
                                                reflow_error **error);

/* Whether there is a link to a network.
 * Ownership: network borrowed. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API bool reflow_peer_connected(const reflow_peer *peer, reflow_view network);

/* Sends a message to an inport of an actor of another network. What one thread sends to one inport from one
 * source arrives in its order, as long as the link lasts. source tells the other side who sends; may be
 * empty.
 * Ownership: message taken-if-ok, views borrowed. Threads: any. Blocking: until the window has room or
 * the timeout. Errors: REFLOW_ERROR_NOT_FOUND without a link to the network, REFLOW_ERROR_TIMEOUT,
 * REFLOW_ERROR_CLOSED if the link ends meanwhile, REFLOW_ERROR_WOULD_DEADLOCK inside a callback with a timeout;
 * of streams REFLOW_ERROR_ALREADY_EXISTS if one has a reader, REFLOW_ERROR_LIMIT beyond 8 in a message or 4096
 * over a link, and REFLOW_ERROR_UNSUPPORTED for peers of the original, which take none, and for outboxes that
 * may send again. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_send(reflow_peer *peer, reflow_view network, reflow_view actor,
                                          reflow_view port, reflow_message message,
                                          reflow_view source, int64_t timeout_ms,
                                          reflow_error **error);

/* Sends many messages in order, in as few frames as they fit in. *accepted tells how many have gone, also on
 * failure: those are taken, the rest stays yours.
 * Ownership: the first *accepted messages taken, views borrowed. Threads: any. Blocking: until the window has
 * had room for all or the timeout. Errors: as reflow_peer_send. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_send_many(reflow_peer *peer, reflow_view network,
                                               reflow_view actor, reflow_view port,
                                               const reflow_message *messages, size_t count,
                                               reflow_view source, int64_t timeout_ms,
                                               size_t *accepted, reflow_error **error);
/* Flags of a message that is sent. */
enum {
    REFLOW_PEER_SEND_CONFIRMED = 1 /* wait until the inport has it, or somebody tells why not */
};

/* How a message is sent; a field that is 0 or empty means the default. */
typedef struct reflow_peer_send_options {
    uint32_t struct_size; /* sizeof(reflow_peer_send_options) */
    uint32_t flags;       /* REFLOW_PEER_SEND_... */
    reflow_view source;   /* as that of reflow_peer_send */
    /* Trace, deadline and correlation go with the message, to peers of the original trace and correlation
     * (trace_context: trace_id, parent_span_id, flow_id); NULL: none. Who sends is what this peer is and
     * source, whatever the envelope says. */
    const reflow_envelope *envelope;
    int64_t timeout_ms; /* for room and confirmation together */
} reflow_peer_send_options;

/* As reflow_peer_send, with more to say; options may be NULL. The network there hands envelope and sender to its
 * actors if it carries envelopes (reflow_network_carry_envelopes).
 * Ownership: message taken-if-ok, the rest borrowed. Threads: any. Blocking: until the window has room, with
 * REFLOW_PEER_SEND_CONFIRMED until the message is delivered, or the timeout.
 * Errors: as reflow_peer_send, and of the envelope as reflow_network_send_enveloped. With
 * REFLOW_PEER_SEND_CONFIRMED also what the other side answers, such as REFLOW_ERROR_NOT_FOUND for an actor or
 * port that is not there and REFLOW_ERROR_TYPE, and REFLOW_ERROR_UNSUPPORTED for a peer that does not tell of
 * deliveries, as those of the original; after REFLOW_ERROR_TIMEOUT and REFLOW_ERROR_CLOSED the message may have been, or may be
 * delivered all the same. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_send_with(reflow_peer *peer, reflow_view network,
                                               reflow_view actor, reflow_view port,
                                               reflow_message message,
                                               const reflow_peer_send_options *options,
                                               reflow_error **error);

/* What has become of a message. */
typedef int32_t reflow_peer_fate;
enum {
    REFLOW_PEER_FATE_DELIVERED = 0, /* an inport there has it */
    REFLOW_PEER_FATE_LOST = 1,      /* none has it or will have it: it was not sent, or refused there */
    REFLOW_PEER_FATE_IN_DOUBT = 2   /* it was sent, and the link has ended or the time is over: nobody knows */
};

/* Told of the fate of a message, with REFLOW_OK or the reason. It is called on a thread of the peer, of a call that
 * sends, or of the runtime, and must not wait; it may destroy the peer. reason is borrowed until it returns. */
typedef void (*reflow_peer_fate_fn)(void *user_data, reflow_peer_fate fate, reflow_status status,
                                    reflow_view reason);

/* Sends a message as reflow_peer_send_with does with REFLOW_PEER_SEND_CONFIRMED, and waits for nothing: done is called
 * exactly once, when its fate is known, if this returns REFLOW_OK, and never otherwise; that may be before this
 * returns. A message that finds no room waits behind those before it to that inport, and is sent in its turn, over
 * another link if its own has ended; up to 65,536 wait in a peer. What reflow_peer_send sends meanwhile may overtake
 * them. options may be NULL; the timeout is for room and confirmation together, 0 means 30 s, REFLOW_FOREVER none. An
 * outbox that sends again has deadlines beside it, and these alone with 0. A stop of the peer tells all that are open.
 * Ownership: message taken-if-ok, the rest borrowed; user_data stays yours. Threads: any, also in callbacks.
 * Blocking: never. Errors: of the arguments as reflow_peer_send_with; REFLOW_ERROR_NOT_FOUND without a link to the
 * network (and an outbox), REFLOW_ERROR_UNSUPPORTED for a peer that does not tell of deliveries,
 * REFLOW_ERROR_LIMIT if too many wait or the outbox is full, REFLOW_ERROR_CLOSED for a peer that has stopped.
 * Callbacks: done. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_send_told(reflow_peer *peer, reflow_view network,
                                               reflow_view actor, reflow_view port,
                                               reflow_message message,
                                               const reflow_peer_send_options *options,
                                               reflow_peer_fate_fn done, void *user_data,
                                               reflow_error **error);

/* How an alias of a remote actor is made, shown for actor "mixer" of network "studio". */
typedef int32_t reflow_name_strategy;
enum {
    REFLOW_NAME_REMOTE = 0,          /* mixer@studio */
    REFLOW_NAME_AUTO_ALIAS = 1,      /* studio_mixer; if that is taken studio_mixer_2, studio_mixer_3 ... */
    REFLOW_NAME_NETWORK_PREFIX = 2,  /* studio_mixer */
    REFLOW_NAME_FULLY_QUALIFIED = 3, /* studio::mixer */
    REFLOW_NAME_MANUAL_ALIAS = 4,    /* as the host says */
    REFLOW_NAME_FAIL = 5             /* mixer */
};

/* Options of a remote actor; a field that is 0 or empty means the default. */
typedef struct reflow_remote_actor_options {
    uint32_t struct_size; /* sizeof(reflow_remote_actor_options) */
    reflow_name_strategy strategy;
    reflow_view alias;       /* with REFLOW_NAME_MANUAL_ALIAS, which it means by default; refused with others */
    const reflow_view *inports; /* beside those that connections use; none at all: "in" */
    size_t inports_count;
    const reflow_view *outports; /* likewise */
    size_t outports_count;
    const reflow_view *capabilities; /* kept in the metadata of the node */
    size_t capabilities_count;
} reflow_remote_actor_options;

/* Adds a node for an actor of another network to the attached network, as if the graph had it; there may be no
 * link yet. *node (may be NULL) is its id, a string. options may be NULL.
 * Ownership: views and options borrowed, *node new (reflow_message_unref). Threads: any.
 * Blocking: until the nodes that change are at rest. Errors: REFLOW_ERROR_ALREADY_EXISTS "name conflict ..." if the name is
 * taken, REFLOW_ERROR_INVALID_ARGUMENT for a name that is none, REFLOW_ERROR_INVALID_STATE without an
 * attached network, REFLOW_ERROR_LIMIT, and as reflow_network_apply. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_register_remote_actor(
    reflow_peer *peer, reflow_view actor, reflow_view network,
    const reflow_remote_actor_options *options, reflow_message *node, reflow_error **error);

/* How sure a message is to come. */
typedef int32_t reflow_delivery;
enum {
    REFLOW_DELIVERY_AT_MOST_ONCE = 0, /* what was given to a socket is not sent again */
    REFLOW_DELIVERY_AT_LEAST_ONCE = 1 /* sent again until the other side confirms that an inport has it */
};

/* What a full outbox does with one message more. */
typedef int32_t reflow_outbox_policy;
enum {
    REFLOW_OUTBOX_BLOCK = 0,       /* the sender waits */
    REFLOW_OUTBOX_DROP_OLDEST = 1, /* the oldest is lost */
    REFLOW_OUTBOX_FAIL = 2         /* REFLOW_ERROR_LIMIT */
};

/* Told of a message that will not be delivered. message is none if it is not here any more: at most once,
 * and refused there. */
typedef void (*reflow_undelivered_fn)(void *user_data, reflow_view port, reflow_message message,
                                      reflow_status status, reflow_view reason);

/* How messages to one actor are kept; a field that is 0 means the default. */
typedef struct reflow_delivery_options {
    uint32_t struct_size; /* sizeof(reflow_delivery_options) */
    reflow_delivery delivery;
    reflow_outbox_policy outbox_policy;
    uint32_t outbox_messages;         /* of one sender to one inport; default 10,000 */
    uint64_t outbox_bytes;            /* likewise; default 64 MiB */
    uint32_t deadline_ms;             /* then a message that waits is lost; default 30,000 */
    uint32_t ack_timeout_ms;          /* without a confirmation for so long all is sent again; default 5000 */
    uint32_t ack_retries;             /* so often; default 5 */
    uint32_t unacknowledged_messages; /* sent and not confirmed, at once; default 1000 */
    reflow_undelivered_fn undelivered; /* may be NULL; also told in the log and counted */
    void *user_data;
    reflow_destroy_fn destroy; /* ends user_data with peer and network, or if this fails; may be NULL */
} reflow_delivery_options;

/* Keeps what is sent to an actor of another network: reflow_peer_send puts it into an outbox, which sends as
 * soon as there is a link. Each sender has one for each inport, whose order it keeps, over links that end and come
 * again too. Without this, what is sent while there is no link fails.
 *
 * At least once, a message is sent again when a link has ended before it was confirmed, and the receiver takes it
 * once as long as it lives: it knows the numbers of 65,536 outboxes, those used last. Another instance of its
 * network does not know what the first one has had. A message that was sent, not confirmed, and then given up
 * may have been delivered; its reason says so. With REFLOW_PEER_SEND_CONFIRMED a send waits until the message is
 * confirmed or given up; at most once, it goes past the outbox. reflow_peer_stop waits, up to its timeout, until links have confirmed what is in outboxes; what is
 * left then is told as lost. options may be NULL.
 *
 * undelivered runs on a thread of the runtime, of the peer, or of a call that sends, never twice at a time for one
 * message; it must not wait.
 * Ownership: views borrowed, options->user_data taken. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT, REFLOW_ERROR_ALREADY_EXISTS for an actor of which this was said,
 * REFLOW_ERROR_LIMIT beyond 100,000 actors. Callbacks: destroy, if it fails. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_set_delivery(reflow_peer *peer, reflow_view network,
                                                  reflow_view actor,
                                                  const reflow_delivery_options *options,
                                                  reflow_error **error);

/* How the peer is: an object of network_id, instance_id, bind_address, port, lost (packets that were not
 * delivered, as far as is known: those in doubt are among them), duplicates (that came again and were not taken),
 * messages ({sent, delivered, refused, in_doubt, unconfirmed}, over all links since the start, where sent is the sum of the
 * others), outboxes (an array of {network_id, actor_id, port,
 * source, accepted, delivered, lost, resent, waiting, unconfirmed, bytes}, where accepted is delivered + lost +
 * waiting + unconfirmed), connect (endpoints of a configuration that are to be dialled, an array) and links, an array of {network_id, instance_id, endpoint, dialled, scheme, state, round_trip_ns,
 * packets_in, packets_out, queued_packets, unconfirmed, streams, bytes_in, bytes_out}. scheme is "ws", "wss", "tcp" or "tls", state is
 * "connecting", "greeting" or "connected".
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: never. Errors: none besides.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_status(const reflow_peer *peer, reflow_message *out,
                                            reflow_error **error);

/* HTTP of a host, on the port of its peer. The peer answers /health, /status and /metrics itself; all other
 * requests go to a handler of the host, and without one they are answered 404. */

/* A request, for a handler or from one. Views are empty for what is not there; a handler has them borrowed-until
 * it returns. */
typedef struct reflow_http_request {
    uint32_t struct_size; /* sizeof(reflow_http_request) of the library */
    uint32_t reserved;
    reflow_view method;        /* "GET", "POST", ... as it came */
    reflow_view path;          /* "/predict", as it came: %20 and the like are not decoded */
    reflow_view query;         /* what follows the "?" */
    reflow_view content_type;  /* "application/json" */
    reflow_view authorization; /* "Bearer ..." */
    reflow_view body;          /* bytes */
} reflow_http_request;

/* Where an answer goes. Each is ended by reflow_http_reply_send or reflow_http_reply_destroy. */
typedef struct reflow_http_reply reflow_http_reply;

/* Sees to a request: answers it at once, or keeps reply and lets any thread answer it later. It is called
 * on the thread of links, one call at a time, and must not wait: no link moves meanwhile. reply is taken by
 * the handler, also when it does nothing with it. */
typedef void (*reflow_http_fn)(void *user_data, const reflow_http_request *request,
                               reflow_http_reply *reply);

/* Options of a handler; a field that is 0 means the default. */
typedef struct reflow_http_options {
    uint32_t struct_size;    /* sizeof(reflow_http_options) */
    uint32_t timeout_ms;     /* then a request without an answer gets 504; default 30,000 */
    uint32_t max_body_bytes; /* of a request; 413 beyond; default 1 MiB, at most 1 GiB */
    uint32_t max_waiting;    /* requests that are not answered, at once; 503 beyond; default 64, at most
                                65,535. So many connections may be there besides the links */
} reflow_http_options;

/* Sets who answers requests, once, before the start. A request of a page in a browser that is not let in
 * (allowed_origins) gets 403 and does not come here. No call comes after reflow_peer_stop has returned;
 * requests that wait then are cut. destroy ends user_data with the peer.
 * Ownership: options borrowed (may be NULL), user_data taken. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_STATE after the start, REFLOW_ERROR_ALREADY_EXISTS the second time,
 * REFLOW_ERROR_LIMIT for an option beyond its limit, REFLOW_ERROR_UNSUPPORTED in a build without peers.
 * Callbacks: handler (later, on the thread of links), destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_on_http(reflow_peer *peer, reflow_http_fn handler,
                                             void *user_data, reflow_destroy_fn destroy,
                                             const reflow_http_options *options,
                                             reflow_error **error);

/* Answers a request. status is 200 to 599; content_type may be empty, which means application/octet-stream.
 * An answer to HEAD is sent without its body.
 * Ownership: reply taken, views borrowed. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_CLOSED if nobody waits any more (the peer has stopped, the time is over),
 * REFLOW_ERROR_INVALID_ARGUMENT for a status or content type that is none, or a body with status 204 or
 * 304: the request gets 500 then. Since: 0.1.0 */
REFLOW_API reflow_status reflow_http_reply_send(reflow_http_reply *reply, uint32_t status,
                                                reflow_view content_type, reflow_view body,
                                                reflow_error **error);

/* Gives up on a request, which gets 500.
 * Ownership: reply taken. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_http_reply_destroy(reflow_http_reply *reply);

/* Listens no more, closes all links in order, and cuts those that are still there after the timeout.
 * Ownership: none. Threads: any. Blocking: until the links have ended.
 * Errors: REFLOW_ERROR_WOULD_DEADLOCK inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_stop(reflow_peer *peer, int64_t timeout_ms,
                                          reflow_error **error);

/* A mesh has a peer for each of many executions, which are networks of one node: each listens on a port of its
 * own, counting up from a first one, and has links of its own. */
typedef struct reflow_mesh reflow_mesh;

/* Options of a mesh; a field that is 0 means the default. */
typedef struct reflow_mesh_options {
    uint32_t struct_size; /* sizeof(reflow_mesh_options) */
    uint32_t base_port;   /* the first port; has to be given */
    uint32_t ports_count; /* how many from there on are tried; default 1000 */
    uint32_t reserved;
    /* Of each peer; has to be given. network_id is the id of the node, instance_id ("<node>_<execution>") and
     * bind_port are the mesh's. */
    const reflow_peer_options *peer;
} reflow_mesh_options;

/* Makes a mesh without executions.
 * Ownership: options borrowed, *out new (reflow_mesh_destroy). Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_INVALID_ARGUMENT, as reflow_peer_create, REFLOW_ERROR_UNSUPPORTED in a build without
 * peers. Since: 0.1.0 */
REFLOW_API reflow_status reflow_mesh_create(reflow_runtime *runtime,
                                            const reflow_mesh_options *options, reflow_mesh **out,
                                            reflow_error **error);

/* Makes and starts the peer of an execution, on the first port that is free. network is the one whose actors
 * others reach, or NULL. *port (may be NULL) is where it listens.
 * Ownership: views borrowed; network as in reflow_peer_attach. Threads: any. Blocking: bounded.
 * Errors: REFLOW_ERROR_ALREADY_EXISTS for an execution that has one, REFLOW_ERROR_IO if no port is free,
 * REFLOW_ERROR_LIMIT beyond 10,000 executions, REFLOW_ERROR_INVALID_ARGUMENT. Since: 0.1.0 */
REFLOW_API reflow_status reflow_mesh_assign(reflow_mesh *mesh, reflow_view execution,
                                            reflow_network *network, uint32_t *port,
                                            reflow_error **error);

/* The peer of an execution, for everything that peers do: connect, send, remote actors, status.
 * Ownership: *out borrowed-until reflow_mesh_teardown of the execution. Threads: any. Blocking: never.
 * Errors: REFLOW_ERROR_NOT_FOUND. Since: 0.1.0 */
REFLOW_API reflow_status reflow_mesh_peer(const reflow_mesh *mesh, reflow_view execution,
                                          reflow_peer **out, reflow_error **error);

/* Dials for an execution, as reflow_peer_connect. An execution that has no peer yet is assigned one without
 * a network first.
 * Ownership: views borrowed, *network new (reflow_message_unref). Threads: any, but not during the teardown of
 * the execution. Blocking: until the link is there or the timeout. Errors: as reflow_mesh_assign and
 * reflow_peer_connect. Since: 0.1.0 */
REFLOW_API reflow_status reflow_mesh_connect(reflow_mesh *mesh, reflow_view execution,
                                             reflow_view endpoint, int64_t timeout_ms,
                                             reflow_message *network, reflow_error **error);

/* How many executions have a peer.
 * Ownership: none. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API size_t reflow_mesh_count(const reflow_mesh *mesh);

/* Ends the peer of an execution, as reflow_peer_destroy; its port is free again.
 * Ownership: execution borrowed. Threads: any. Blocking: until its links have ended.
 * Errors: REFLOW_ERROR_NOT_FOUND, REFLOW_ERROR_WOULD_DEADLOCK inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_mesh_teardown(reflow_mesh *mesh, reflow_view execution,
                                              reflow_error **error);

/* Ends a mesh and all its peers, each as reflow_peer_destroy does, also inside a callback.
 * Ownership: mesh taken. Threads: any, no other at the same time. Blocking: until all links have ended, but for the
 * cases that reflow_peer_destroy names. Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_mesh_destroy(reflow_mesh *mesh);

/* Asks the discovery servers now, and waits until each has answered or failed. What is wrong with a server is
 * told in the log.
 * Ownership: none. Threads: any. Blocking: until the round is over or the timeout.
 * Errors: REFLOW_ERROR_INVALID_STATE without discovery endpoints, or before the start, REFLOW_ERROR_TIMEOUT,
 * REFLOW_ERROR_IO if none of them has answered, REFLOW_ERROR_CLOSED if the peer stops,
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_discover(reflow_peer *peer, int64_t timeout_ms,
                                              reflow_error **error);

/* The networks that the peer is linked to or that discovery tells of, by id: an array of objects with
 * network_id, connected, discovered (both booleans) and instances, an array of {instance_id, endpoint,
 * capabilities, connected}.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: never. Errors: none besides.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_networks(const reflow_peer *peer, reflow_message *out,
                                              reflow_error **error);

/* Asks a network which actors it has: an array of {actor_id, capabilities, description}.
 * Ownership: network borrowed, *out new (reflow_message_unref). Threads: any. Blocking: until it answers or
 * the timeout. Errors: REFLOW_ERROR_NOT_FOUND without a link to the network, REFLOW_ERROR_TIMEOUT,
 * REFLOW_ERROR_CLOSED if the link ends meanwhile, REFLOW_ERROR_WOULD_DEADLOCK inside a callback.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_actors(reflow_peer *peer, reflow_view network,
                                            int64_t timeout_ms, reflow_message *out,
                                            reflow_error **error);

/* How long a ping over a link to a network and its answer take, in *round_trip_ns (may be NULL). The link of the peer there
 * answers it, whatever its actors do; what waits for the socket goes first. Peers of the original answer too.
 * Ownership: network borrowed. Threads: any. Blocking: until it answers or the timeout.
 * Errors: those of reflow_peer_actors. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_ping(reflow_peer *peer, reflow_view network,
                                          int64_t timeout_ms, int64_t *round_trip_ns,
                                          reflow_error **error);

/* What a subscription to a peer tells of. */
enum {
    REFLOW_PEER_CONNECTED = 0,    /* a link is there */
    REFLOW_PEER_DISCONNECTED = 1, /* it has ended */
    REFLOW_PEER_RECONNECTING = 2, /* it will be dialled, the next attempt is told */
    REFLOW_PEER_GAVE_UP = 3,      /* and will not be dialled any more */
    REFLOW_PEER_ADDED = 4,        /* discovery has found a network */
    REFLOW_PEER_UPDATED = 5,      /* its instances, their endpoints or capabilities have changed */
    REFLOW_PEER_REMOVED = 6       /* no server lists it any more */
};
#define REFLOW_PEER_EVENTS_ALL UINT64_C(0x7f)

/* Receives events in their order, one at a time. event is an object: kind ("connected", "disconnected",
 * "reconnecting", "gave_up", "added", "updated", "removed") and network_id; of links instance_id, endpoint, and
 * of their end status (a name such as "REFLOW_OK"), reason and attempt; of "disconnected" in_doubt, how many of the packets
 * that were sent over it are neither confirmed nor refused; of discovery instances, as reflow_peer_networks has them. missed tells how many were lost since the last call, since the queue was full.
 * event is borrowed until it returns. It is called on a thread of the peer or of a call, which waits for it: it may
 * call anything that does not wait, and end its own subscription. */
typedef void (*reflow_peer_event_fn)(void *user_data, reflow_message event, uint64_t missed);

/* Zero in a field means the default. */
typedef struct reflow_peer_event_options {
    uint32_t struct_size; /* sizeof(reflow_peer_event_options) */
    uint32_t capacity;    /* events that may wait; default 1024, at most 65,536 */
    uint64_t kinds;       /* bits, 1 << kind; default all */
    reflow_peer_event_fn callback; /* default: the subscription is polled */
    void *user_data;               /* for callback */
    reflow_destroy_fn destroy;     /* ends user_data when no call comes any more; may be NULL */
} reflow_peer_event_options;

typedef struct reflow_peer_subscription reflow_peer_subscription;

/* Subscribes to what happens to links and what discovery finds; options may be NULL. At most 1000 at once.
 * Ownership: options borrowed, options->user_data taken, *out new (reflow_peer_subscription_destroy).
 * Threads: any. Blocking: never. Errors: REFLOW_ERROR_INVALID_ARGUMENT for unknown kinds, REFLOW_ERROR_LIMIT.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_subscribe(reflow_peer *peer,
                                               const reflow_peer_event_options *options,
                                               reflow_peer_subscription **out,
                                               reflow_error **error);

/* Takes the next event, an object as reflow_peer_event_fn has it. *missed (may be NULL) tells how many were lost
 * before it.
 * Ownership: *out new (reflow_message_unref). Threads: any. Blocking: until there is one or the timeout.
 * Errors: REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_BLOCK with a timeout of 0, REFLOW_ERROR_CLOSED when it is empty
 * and the peer has stopped, REFLOW_ERROR_WOULD_DEADLOCK inside a callback, REFLOW_ERROR_INVALID_STATE if it has
 * a callback. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_subscription_poll(reflow_peer_subscription *subscription,
                                                       int64_t timeout_ms, reflow_message *out,
                                                       uint64_t *missed, reflow_error **error);

/* Asks to be called after an event has come to a subscription that is polled, and when the peer has stopped, instead
 * of waiting in reflow_peer_subscription_poll. What came before is not told of: so ask first, and then take what is
 * there with a timeout of 0.
 *
 * It runs on a thread of the peer or of a call, which waits for it: it may take events and call whatever does not wait,
 * but neither this function nor reflow_peer_subscription_destroy for this subscription. Another callback takes its
 * place, NULL ends it; both wait for a call that goes on. destroy ends user_data then, or with the subscription, or
 * when this fails.
 * Ownership: user_data taken. Threads: any. Blocking: until its callback has returned.
 * Errors: REFLOW_ERROR_INVALID_STATE for a subscription with a callback. Callbacks: destroy. Since: 0.1.0 */
REFLOW_API reflow_status reflow_peer_subscription_on_readable(
    reflow_peer_subscription *subscription, reflow_readable_fn callback, void *user_data,
    reflow_destroy_fn destroy, reflow_error **error);

/* Ends a subscription; no callback runs any more when it returns, and destroy has been called, but for the
 * callback that it was called in: destroy follows that.
 * Ownership: taken. Threads: one-at-a-time. Blocking: until the callback returns. Errors: none.
 * Since: 0.1.0 */
REFLOW_API void reflow_peer_subscription_destroy(reflow_peer_subscription *subscription);

/* ---- discovery servers
 *
 * A discovery server keeps a table of peers, so that they find each other: each registers itself again and again,
 * and reads who else is there. What has not been registered for a time goes. It answers
 *
 *   POST /register    {"network_id", "instance_id", "endpoint", "capabilities"}
 *   POST /unregister  {"network_id", "instance_id"}
 *   GET  /networks    an array of what was registered, each with "last_seen"
 *   GET  /health
 *
 * on a port of its own, or through a host's own HTTP server, which hands it requests. docs/peers.md has the
 * statuses. */

typedef struct reflow_discovery reflow_discovery;

/* Options of a discovery server; a field that is 0 or empty means the default. */
typedef struct reflow_discovery_options {
    uint32_t struct_size;       /* sizeof(reflow_discovery_options) */
    uint32_t flags;             /* 0 */
    uint32_t entry_ttl_ms;      /* how long an entry is kept that is not renewed; default 60,000 */
    uint32_t prune_interval_ms; /* how often those that are too old are removed; default 15,000 */
    uint32_t max_entries;       /* default 100,000, which is the most */
    uint32_t reserved;          /* 0 */
    reflow_view token;            /* all but /health need "Authorization: Bearer TOKEN"; default none */
    reflow_view certificate_file; /* PEM; the own port speaks HTTPS as well then */
    reflow_view key_file;         /* likewise */
} reflow_discovery_options;

/* Makes a discovery server with an empty table, which listens nowhere. The runtime takes its log lines.
 * Ownership: options borrowed, may be NULL; *out new (reflow_discovery_destroy). Threads: any.
 * Blocking: bounded. Errors: REFLOW_ERROR_INVALID_ARGUMENT, REFLOW_ERROR_LIMIT, REFLOW_ERROR_UNSUPPORTED in a
 * build without peers. Since: 0.1.0 */
REFLOW_API reflow_status reflow_discovery_create(reflow_runtime *runtime,
                                                 const reflow_discovery_options *options,
                                                 reflow_discovery **out, reflow_error **error);

/* Ends a discovery server, and its port. Inside a log callback it returns at once, as reflow_peer_destroy does.
 * Ownership: discovery taken. Threads: any. Blocking: until its port has ended, outside of callbacks.
 * Errors: none. Since: 0.1.0 */
REFLOW_API void reflow_discovery_destroy(reflow_discovery *discovery);

/* What to answer to a request that a host's own HTTP server has read; its path is what is left when the
 * prefix is cut off that discovery is mounted at. The answer is the HTTP status, the type of the body ("application/json", a text that lives as
 * long as the library; empty without a body; may be NULL) and the body, which may be empty. A bad request is no
 * failure of this call but an answer with a status such as 400.
 * Ownership: request borrowed, *body new (reflow_buffer_destroy), *content_type borrowed. Threads: any.
 * Blocking: bounded. Errors: REFLOW_ERROR_INVALID_ARGUMENT. Since: 0.1.0 */
REFLOW_API reflow_status reflow_discovery_handle(reflow_discovery *discovery,
                                                 const reflow_http_request *request,
                                                 uint32_t *http_status, reflow_view *content_type,
                                                 reflow_buffer **body, reflow_error **error);

/* Listens at an address of this machine, "0.0.0.0" if it is empty, and a port; 0 is a free one, which
 * reflow_discovery_port tells.
 * Ownership: address borrowed. Threads: any. Blocking: bounded. Errors: REFLOW_ERROR_IO with address and
 * reason, or for a certificate that cannot be read, REFLOW_ERROR_INVALID_STATE while it listens already.
 * Since: 0.1.0 */
REFLOW_API reflow_status reflow_discovery_serve(reflow_discovery *discovery, reflow_view address,
                                                uint32_t port, reflow_error **error);

/* The port that it listens on; 0 while it does not.
 * Ownership: none. Threads: any. Blocking: never. Errors: none. Since: 0.1.0 */
REFLOW_API uint32_t reflow_discovery_port(const reflow_discovery *discovery);

/* Listens no more; connections that are open end. The table stays.
 * Ownership: none. Threads: any. Blocking: until its port has ended. Errors: REFLOW_ERROR_INVALID_ARGUMENT,
 * REFLOW_ERROR_WOULD_DEADLOCK inside a callback on a thread of links, as the log may be. Since: 0.1.0 */
REFLOW_API reflow_status reflow_discovery_stop(reflow_discovery *discovery, reflow_error **error);

#ifdef __cplusplus
}
#endif

#endif /* REFLOW_H */
