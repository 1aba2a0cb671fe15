/* The memory that the actors of api_instance share with its HTTP handler. All of it is guarded by the mutex,
 * which is held for as long as it takes to copy something. */
#ifndef EXAMPLE_SITE_H
#define EXAMPLE_SITE_H

#include "api.h"

#include <pthread.h>

enum { PENDING = 64, POINTS = 1000, ALERTS = 20, INSTANCES = 3 };

typedef struct point {
    long epoch;
    double accuracy, precision, recall, f1_score, loss;
} point;

struct site {
    pthread_mutex_t mutex;
    reflow_view page;
    reflow_network *network;
    reflow_peer *peer;
    reflow_inport requests; /* of prediction_service */

    /* Under the mutex. */
    struct {
        long ticket; /* 0: free */
        reflow_http_reply *reply;
    } pending[PENDING];
    long last_ticket;
    reflow_message model;    /* the newest trained model; none before the first */
    reflow_message contents; /* what its bytes say */
    point points[POINTS];    /* one for each epoch, the first ones */
    size_t point_count;
    long records, features, metrics, predictions, failures;
    reflow_message alerts[ALERTS]; /* the last ones, in a ring */
    unsigned long alert_count;
    reflow_message links[INSTANCES]; /* of the others, by their order of coming */
};

#endif
