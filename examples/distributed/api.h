/* The web side of api_instance: what its actors and its HTTP handler share. */
#ifndef EXAMPLE_API_H
#define EXAMPLE_API_H

#include "shared.h"

typedef struct site site;

/* page is the text of the live page; it stays the caller's. */
site *site_create(reflow_view page);
void site_destroy(site *all); /* after the network and the peer */
reflow_status register_api(reflow_runtime *runtime, site *all, reflow_error **error);
/* Where requests go, and whose links are shown. Before the peer starts. */
reflow_status site_open(site *all, reflow_network *network, reflow_peer *peer, reflow_error **error);
/* Answers GET /, /api/state, /api/model and POST /predict, and 404 to all else. */
void site_serve(site *all, const reflow_http_request *request, reflow_http_reply *reply);

/* For other handlers. */
void answer_error(reflow_http_reply *reply, uint32_t status, const char *text);
void answer_object(reflow_http_reply *reply, uint32_t status, maker *object);
/* The links of a peer as its metric: {actor: "links", instance, links}. */
reflow_status links_metric(const reflow_peer *peer, const char *instance, reflow_message *out);

#endif
