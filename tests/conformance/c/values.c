/* Reading of scenarios: keys, the notation of values, places and refusals. */
#include <stdarg.h>

#include "runner.h"

bool complain(scenario_run *run, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s, step %zu: ", run->name, run->step);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    run->failed = true;
    return false;
}

reflow_message get(reflow_message object, const char *key) {
    reflow_message value = {0, 0};
    (void)reflow_message_get(object, reflow_str(key), &value);
    return value;
}

bool has(reflow_message object, const char *key) {
    return reflow_message_kind(get(object, key)) != REFLOW_KIND_NONE;
}

const char *text_at(reflow_message object, const char *key) {
    reflow_view view = {"", 0};
    (void)reflow_message_get_text(get(object, key), &view);
    return view.data != NULL ? view.data : "";
}

int64_t integer_at(reflow_message object, const char *key, int64_t otherwise) {
    int64_t value = 0;
    reflow_status status = reflow_message_get_integer(get(object, key), &value);
    return status == REFLOW_OK ? value : otherwise;
}

reflow_message at(reflow_message array, size_t index) {
    reflow_message value = {0, 0};
    (void)reflow_message_get_at(array, index, &value);
    return value;
}

static reflow_status make_bytes(const char *hex, reflow_message *out, reflow_error **error) {
    unsigned char bytes[512];
    size_t count = strlen(hex) / 2;
    for (size_t i = 0; i < count && i < sizeof bytes; ++i) {
        unsigned value = 0;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1) return REFLOW_ERROR_PARSE;
        bytes[i] = (unsigned char)value;
    }
    return reflow_message_bytes(bytes, count, out, error);
}

static reflow_status make_deep(int64_t levels, reflow_message *out, reflow_error **error) {
    reflow_message inner = {0, 0};
    reflow_status status = REFLOW_OK;
    for (int64_t i = 0; i < levels; ++i) {
        reflow_array_builder *builder = NULL;
        status = reflow_array_builder_create(1, &builder, error);
        if (status == REFLOW_OK && i > 0) {
            status = reflow_array_builder_append(builder, inner, error); /* taken in any case */
        }
        if (status == REFLOW_OK) {
            status = reflow_array_builder_finish(builder, &inner, error);
        } else {
            reflow_array_builder_destroy(builder);
        }
        if (status != REFLOW_OK) return status;
    }
    *out = inner;
    return REFLOW_OK;
}

static reflow_status make_repeated(reflow_message pair, reflow_message *out, reflow_error **error) {
    reflow_view part = {"", 0};
    int64_t times = 0;
    (void)reflow_message_get_text(at(pair, 0), &part);
    (void)reflow_message_get_integer(at(pair, 1), &times);
    char *text = malloc(part.size * (size_t)times + 1);
    if (text == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < times; ++i) memcpy(text + (size_t)i * part.size, part.data, part.size);
    reflow_view whole = {text, part.size * (size_t)times};
    reflow_status status = reflow_message_string(whole, out, error);
    free(text);
    return status;
}

/* The values that JSON has no word for. */
static reflow_status make_special(const char *key, reflow_message data, reflow_message *out,
                                  reflow_error **error) {
    reflow_view text = {"", 0};
    int64_t levels = 0;
    (void)reflow_message_get_text(data, &text);
    if (strcmp(key, "$integer") == 0) {
        *out = reflow_message_integer(strtoll(text.data, NULL, 10));
        return REFLOW_OK;
    }
    if (strcmp(key, "$float") == 0) {
        *out = reflow_message_float(strtod(text.data, NULL)); /* knows NaN and Infinity */
        return REFLOW_OK;
    }
    if (strcmp(key, "$bytes") == 0) return make_bytes(text.data, out, error);
    if (strcmp(key, "$error") == 0) return reflow_message_error(text, out, error);
    if (strcmp(key, "$text") == 0) return make_repeated(data, out, error);
    if (strcmp(key, "$flow") == 0) {
        *out = reflow_message_flow();
        return REFLOW_OK;
    }
    if (strcmp(key, "$deep") == 0) {
        (void)reflow_message_get_integer(data, &levels);
        return make_deep(levels, out, error);
    }
    return REFLOW_ERROR_INVALID_ARGUMENT;
}

static reflow_status make_array(reflow_message notation, reflow_message *out,
                                reflow_error **error) {
    reflow_array_builder *builder = NULL;
    size_t count = reflow_message_count(notation);
    reflow_status status = reflow_array_builder_create(count, &builder, error);
    for (size_t i = 0; status == REFLOW_OK && i < count; ++i) {
        reflow_message element = {0, 0};
        status = make_value(at(notation, i), &element, error);
        if (status == REFLOW_OK) status = reflow_array_builder_append(builder, element, error);
    }
    if (status == REFLOW_OK) return reflow_array_builder_finish(builder, out, error);
    reflow_array_builder_destroy(builder);
    return status;
}

static reflow_status make_object(reflow_message notation, reflow_message *out,
                                 reflow_error **error) {
    reflow_object_builder *builder = NULL;
    size_t count = reflow_message_count(notation);
    reflow_status status = reflow_object_builder_create(count, &builder, error);
    for (size_t i = 0; status == REFLOW_OK && i < count; ++i) {
        reflow_view key = {"", 0};
        reflow_message value = {0, 0};
        (void)reflow_message_get_key(notation, i, &key);
        status = make_value(at(notation, i), &value, error);
        if (status == REFLOW_OK) status = reflow_object_builder_set(builder, key, value, error);
    }
    if (status == REFLOW_OK) return reflow_object_builder_finish(builder, out, error);
    reflow_object_builder_destroy(builder);
    return status;
}

reflow_status make_value(reflow_message notation, reflow_message *out, reflow_error **error) {
    reflow_view key = {"", 0};
    switch (reflow_message_kind(notation)) {
        case REFLOW_KIND_ARRAY:
            return make_array(notation, out, error);
        case REFLOW_KIND_OBJECT:
            break;
        default:
            *out = reflow_message_ref(notation);
            return REFLOW_OK;
    }
    if (reflow_message_count(notation) == 1 &&
        reflow_message_get_key(notation, 0, &key) == REFLOW_OK && key.size > 0 &&
        key.data[0] == '$') {
        return make_special(key.data, at(notation, 0), out, error);
    }
    return make_object(notation, out, error);
}

const char *show(reflow_message message) {
    static char text[4096];
    reflow_buffer *buffer = NULL;
    const char *kind = reflow_kind_name(reflow_message_kind(message)).data;
    if (reflow_message_to_json(message, REFLOW_JSON_PLAIN, &buffer, NULL) != REFLOW_OK) return kind;
    snprintf(text, sizeof text, "%s %.3900s", kind, reflow_buffer_get(buffer).data);
    reflow_buffer_destroy(buffer);
    return text;
}

place_parts split_place(const char *place) {
    place_parts parts = {{"", 0}, {place, strlen(place)}};
    const char *dot = strrchr(place, '.');
    if (dot == NULL) return parts;
    parts.node.data = place;
    parts.node.size = (size_t)(dot - place);
    parts.port.data = dot + 1;
    parts.port.size = strlen(dot + 1);
    return parts;
}

bool check_works(scenario_run *run, const char *what, reflow_status status, reflow_error *error) {
    if (status == REFLOW_OK) return true;
    complain(run, "%s: %s: %s", what, reflow_status_name(status).data,
             error != NULL ? reflow_error_text(error).data : "no error");
    reflow_error_destroy(error);
    return false;
}

static bool contains(scenario_run *run, reflow_message part, const char *text) {
    reflow_view view = {"", 0};
    (void)reflow_message_get_text(part, &view);
    if (strstr(text, view.data) != NULL) return true;
    return complain(run, "the message '%s' has no '%s'", text, view.data);
}

static bool check_message(scenario_run *run, reflow_message parts, const char *text) {
    if (reflow_message_kind(parts) != REFLOW_KIND_ARRAY) return contains(run, parts, text);
    for (size_t i = 0; i < reflow_message_count(parts); ++i) {
        if (!contains(run, at(parts, i), text)) return false;
    }
    return true;
}

static bool check_place(scenario_run *run, reflow_message refusal, const reflow_error *error) {
    reflow_place place;
    memset(&place, 0, sizeof place);
    place.struct_size = sizeof place;
    (void)reflow_error_place(error, &place);
    const struct {
        const char *key;
        reflow_view view;
    } texts[] = {{"node", place.node}, {"port", place.port}, {"path", place.path}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
        if (has(refusal, texts[i].key) &&
            strcmp(text_at(refusal, texts[i].key), texts[i].view.data)) {
            return complain(run, "the error tells the %s '%s' and not '%s'", texts[i].key,
                            texts[i].view.data, text_at(refusal, texts[i].key));
        }
    }
    if (integer_at(refusal, "line", place.line) != (int64_t)place.line ||
        integer_at(refusal, "column", place.column) != (int64_t)place.column) {
        return complain(run, "the error tells line %u, column %u", place.line, place.column);
    }
    return true;
}

bool check_refusal(scenario_run *run, reflow_message refusal, reflow_status status,
                   reflow_error *error) {
    const char *expected = text_at(refusal, "status");
    const char *got = reflow_status_name(status).data;
    bool right = status != REFLOW_OK && (expected[0] == 0 || strcmp(expected, got) == 0);
    if (!right) {
        complain(run, "%s instead of %s: %s", status == REFLOW_OK ? "REFLOW_OK" : got, expected,
                 error != NULL ? reflow_error_text(error).data : "");
    } else if (error != NULL) {
        right = (!has(refusal, "message") ||
                 check_message(run, get(refusal, "message"), reflow_error_message(error).data)) &&
                check_place(run, refusal, error);
        if (right && has(refusal, "hint") &&
            strcmp(text_at(refusal, "hint"), reflow_error_hint(error).data) != 0) {
            right = complain(run, "the hint is '%s' and not '%s'", reflow_error_hint(error).data,
                             text_at(refusal, "hint"));
        }
    }
    reflow_error_destroy(error);
    return right;
}
