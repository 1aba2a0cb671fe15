/* A program as a user would write it against the installed library: it builds a message, writes it
 * as JSON and checks the text, and that header and library are of one version. */
#include <reflow.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const char wanted[] = "{\"answer\":42}";
    reflow_object_builder *builder = NULL;
    reflow_message object;
    reflow_buffer *json = NULL;
    reflow_view text;
    int good;

    if (reflow_version() != REFLOW_VERSION || reflow_abi_check(REFLOW_ABI) != REFLOW_OK) {
        fprintf(stderr, "header and library are of different versions\n");
        return 1;
    }
    if (reflow_object_builder_create(0, &builder, NULL) != REFLOW_OK ||
        reflow_object_builder_set(builder, reflow_str("answer"), reflow_message_integer(42),
                                  NULL) != REFLOW_OK ||
        reflow_object_builder_finish(builder, &object, NULL) != REFLOW_OK ||
        reflow_message_to_json(object, REFLOW_JSON_PLAIN, &json, NULL) != REFLOW_OK) {
        fprintf(stderr, "a message could not be made\n");
        return 1;
    }
    text = reflow_buffer_get(json);
    good = text.size == sizeof wanted - 1 && memcmp(text.data, wanted, text.size) == 0;
    printf("%.*s\n", (int)text.size, text.data);
    reflow_buffer_destroy(json);
    reflow_message_unref(object);
    return good ? 0 : 1;
}
