/* What a network tells as text, so that a recorded run and its replay can be compared. */
#ifndef REFLOW_TESTS_REPLAYS_H
#define REFLOW_TESTS_REPLAYS_H

#include "rig.h"

typedef struct told {
    char *text;
    size_t size, room;
} told;

static inline void add(told *to, reflow_view view) {
    while (to->size + view.size + 2 > to->room) {
        to->room = to->room * 2 + 4096;
        to->text = realloc(to->text, to->room);
        CHECK(to->text != NULL);
    }
    memcpy(to->text + to->size, view.data, view.size);
    to->size += view.size;
    to->text[to->size++] = '\n';
    to->text[to->size] = 0;
}
static inline reflow_subscription *listen(reflow_network *network) {
    reflow_event_options options = rig_event_options(1000000, REFLOW_EVENTS_ALL);
    reflow_subscription *subscription = NULL;
    WORKS(reflow_network_subscribe(network, &options, &subscription, &e));
    return subscription;
}
static inline told tell(reflow_network *network, reflow_subscription *events) {
    told all = {0};
    reflow_event_batch *batch = NULL;
    while (reflow_subscription_poll(events, 100, 0, &batch, NULL, NULL) == REFLOW_OK) {
        for (size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
            reflow_buffer *line = NULL;
            WORKS(reflow_event_batch_json(batch, i, &line, &e));
            add(&all, reflow_buffer_get(line));
            reflow_buffer_destroy(line);
        }
        reflow_event_batch_destroy(batch);
    }
    reflow_subscription_destroy(events);
    reflow_dead_letters letters = {.struct_size = sizeof letters};
    WORKS(reflow_network_dead_letters(network, &letters, &e));
    char counts[200];
    snprintf(counts, sizeof counts, "%d letters, %d of %d waiting, %d lost", (int)letters.total,
             (int)letters.waiting, (int)letters.capacity, (int)letters.lost);
    add(&all, sized(counts, strlen(counts)));
    reflow_message list;
    WORKS(reflow_network_list_dead_letters(network, text_of(""), 0, SIZE_MAX, &list, &e));
    reflow_buffer *json_text = NULL;
    WORKS(reflow_message_to_json(list, 0, &json_text, &e));
    add(&all, reflow_buffer_get(json_text));
    reflow_buffer_destroy(json_text);
    reflow_message_unref(list);
    return all;
}

/* Ends both, which have to be the same. */
static inline void same(told *recorded, told *repeated, const char *where) {
    if (strcmp(recorded->text, repeated->text) != 0) {
        size_t at = 0;
        while (recorded->text[at] == repeated->text[at]) ++at;
        while (at > 0 && recorded->text[at - 1] != '\n') --at;
        fprintf(stderr, "%s:\n%.400s\n\n%.400s\n", where, recorded->text + at, repeated->text + at);
        CHECK(!"the replay differs");
    }
    free(recorded->text);
    free(repeated->text);
}

#endif
