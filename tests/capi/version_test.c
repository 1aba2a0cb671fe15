/* Sections 1 to 3 of reflow.h: version, features, status codes, text and buffers. */
#include "check.h"

static void test_version(void) {
    CHECK(reflow_version() == REFLOW_VERSION);
    CHECK(REFLOW_VERSION ==
          REFLOW_VERSION_MAJOR * 1000000 + REFLOW_VERSION_MINOR * 1000 + REFLOW_VERSION_PATCH);
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", REFLOW_VERSION_MAJOR, REFLOW_VERSION_MINOR,
             REFLOW_VERSION_PATCH);
    CHECK(same_text(reflow_version_text(), text));
    CHECK(reflow_version_text().data[reflow_version_text().size] == 0);
    CHECK_STATUS(REFLOW_OK, reflow_abi_check(REFLOW_ABI));
    CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED, reflow_abi_check(REFLOW_ABI + 1));
    CHECK_STATUS(REFLOW_ERROR_UNSUPPORTED, reflow_abi_check(0));
}

static void test_features(void) {
    static const char *const known[] = {"json",       "msgpack", "yaml",
                                        "components", "files",   "simulated"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        CHECK(reflow_feature(text_of(known[i])));
        CHECK(reflow_feature(sized(known[i], strlen(known[i]))));
        CHECK(!reflow_feature(sized(known[i], strlen(known[i]) - 1)));
    }
    CHECK(!reflow_feature(text_of("JSON")));
    CHECK(!reflow_feature(text_of("")));
    CHECK(!reflow_feature(sized("json\0", 5)));
    CHECK(!reflow_feature(sized(NULL, 0)));
    CHECK(!reflow_feature(null_view()));
    CHECK(!reflow_feature(sized(NULL, REFLOW_NUL_TERMINATED)));
}

#define NAME(status) {status, #status}
static const struct {
    reflow_status status;
    const char *name;
} statuses[] = {
    NAME(REFLOW_OK),
    NAME(REFLOW_ERROR_INVALID_ARGUMENT),
    NAME(REFLOW_ERROR_INVALID_STATE),
    NAME(REFLOW_ERROR_NOT_FOUND),
    NAME(REFLOW_ERROR_ALREADY_EXISTS),
    NAME(REFLOW_ERROR_INVALID_UTF8),
    NAME(REFLOW_ERROR_WRONG_KIND),
    NAME(REFLOW_ERROR_WOULD_DEADLOCK),
    NAME(REFLOW_ERROR_UNSUPPORTED),
    NAME(REFLOW_ERROR_OUT_OF_MEMORY),
    NAME(REFLOW_ERROR_LIMIT),
    NAME(REFLOW_ERROR_WOULD_BLOCK),
    NAME(REFLOW_ERROR_TIMEOUT),
    NAME(REFLOW_ERROR_CANCELLED),
    NAME(REFLOW_ERROR_CLOSED),
    NAME(REFLOW_ERROR_PARSE),
    NAME(REFLOW_ERROR_GRAPH),
    NAME(REFLOW_ERROR_CONFIG),
    NAME(REFLOW_ERROR_TYPE),
    NAME(REFLOW_ERROR_IO),
    NAME(REFLOW_ERROR_REFUSED),
    NAME(REFLOW_ERROR_UNRESOLVED),
    NAME(REFLOW_ERROR_PROTOCOL),
    NAME(REFLOW_ERROR_AUTH),
    NAME(REFLOW_ERROR_FAILED),
    NAME(REFLOW_ERROR_HOST),
    NAME(REFLOW_ERROR_FORKED),
    NAME(REFLOW_ERROR_INTERNAL),
};
#define STATUSES (sizeof statuses / sizeof statuses[0])

static void test_status_names(void) {
    for (reflow_status status = -200; status < 50; ++status) {
        const char *name = "unknown status";
        for (size_t i = 0; i < STATUSES; ++i) {
            if (statuses[i].status == status) name = statuses[i].name;
        }
        CHECK(same_text(reflow_status_name(status), name));
    }
    CHECK(same_text(reflow_status_name(INT32_MIN), "unknown status"));
    CHECK(same_text(reflow_status_name(INT32_MAX), "unknown status"));
    for (size_t i = 1; i < STATUSES; ++i) CHECK(statuses[i].status < 0);
}

static void test_text(void) {
    CHECK(same_text(reflow_str("abc"), "abc"));
    CHECK(same_text(reflow_str(""), ""));
    CHECK(reflow_str(NULL).size == 0 && reflow_str(NULL).data != NULL);
    CHECK(reflow_buffer_get(NULL).size == 0 && reflow_buffer_get(NULL).data != NULL);
    reflow_buffer_destroy(NULL);
}

/* A buffer does not need what it was made from. */
static void test_buffer(void) {
    reflow_message message = json("{\"a\":[1,\"b\"]}");
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(message, REFLOW_JSON_PLAIN, &buffer, &e));
    reflow_message_unref(message);
    CHECK(same_text(reflow_buffer_get(buffer), "{\"a\":[1,\"b\"]}"));
    CHECK(reflow_buffer_get(buffer).data[reflow_buffer_get(buffer).size] == 0);
    reflow_buffer_destroy(buffer);
}

int main(void) {
    check_time_limit(30);
    test_version();
    test_features();
    test_status_names();
    test_text();
    test_buffer();
    return 0;
}
