/* What the programs of this example have in common: options, the graph or a part of it, the peer, and a life
 * until somebody ends it. */
#ifndef EXAMPLE_INSTANCE_H
#define EXAMPLE_INSTANCE_H

#include "api.h"

typedef struct instance {
    const char *title;   /* "Data Instance" */
    const char *name;    /* "data": what metrics and log lines call it */
    const char *network; /* "data_instance": nodes of it run here; NULL: all nodes do */
    bool data, ml, api;  /* whose actors there are */
} instance;

/* Returns what main returns. */
int run_instance(int argc, char **argv, const instance *what);

/* Leaves in a graph what runs in one network: the nodes whose metadata says "network": network, and for each
 * node elsewhere that one of them sends to a remote actor, "node@network", under its own name. */
reflow_status keep_part(reflow_graph *graph, const char *network, reflow_error **error);

#endif
