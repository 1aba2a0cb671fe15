/* Discovery inside a host's own HTTP server. The server here is as small as can be: one request on each connection, one
 * at a time. What comes below /discovery is handed to the library; two peers find each other by it. */
#include <netinet/in.h>
#include <pthread.h>
#include <reflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static const char prefix[] = "/discovery";

typedef struct http_server {
    int listener;
    reflow_discovery *discovery;
} http_server;

/* The value of a header, in a head of lines that end in CRLF; empty if it is not there. */
static reflow_view header(const char *head, const char *name) {
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) != 0 || line[size] != ':') continue;
        const char *value = line + size + 1;
        while (*value == ' ') ++value;
        reflow_view found = {value, strcspn(value, "\r")};
        return found;
    }
    reflow_view none = {"", 0};
    return none;
}

static void send_all(int socket, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return;
        data += sent;
        size -= (size_t)sent;
    }
}

static void answer(const http_server *server, int socket, char *text, char *body, size_t body_size) {
    reflow_http_request request = {0};
    request.struct_size = sizeof request;
    request.method.data = text;
    request.method.size = strcspn(text, " ");
    char *path = text + request.method.size + 1;
    request.path.data = path;
    request.path.size = strcspn(path, " ?");
    request.content_type = header(text, "Content-Type");
    request.authorization = header(text, "Authorization");
    request.body.data = body;
    request.body.size = body_size;
    uint32_t status = 404;
    reflow_view type = {"text/plain", 10};
    reflow_buffer *buffer = NULL;
    if (strncmp(path, prefix, sizeof prefix - 1) == 0) {
        request.path.data += sizeof prefix - 1;
        request.path.size -= sizeof prefix - 1;
        if (reflow_discovery_handle(server->discovery, &request, &status, &type, &buffer, NULL)) {
            status = 500;
        }
    }
    reflow_view content = reflow_buffer_get(buffer);
    char head[256];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %u Answer\r\nContent-Type: %.*s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        status, (int)type.size, type.data, content.size);
    send_all(socket, head, (size_t)size);
    send_all(socket, content.data, content.size);
    reflow_buffer_destroy(buffer);
}

/* Until the listener is shut down. */
static void *serve(void *data) {
    const http_server *server = data;
    for (;;) {
        int socket = accept(server->listener, NULL, NULL);
        if (socket < 0) return NULL;
        static char text[65536];
        size_t size = 0, wanted = 0;
        char *body = NULL;
        while (size + 1 < sizeof text && (body == NULL || size < wanted)) {
            ssize_t got = recv(socket, text + size, sizeof text - 1 - size, 0);
            if (got <= 0) break;
            size += (size_t)got;
            text[size] = 0;
            if (body == NULL && (body = strstr(text, "\r\n\r\n")) != NULL) {
                body += 4;
                wanted = (size_t)(body - text) +
                         (size_t)strtoul(header(text, "Content-Length").data, NULL, 10);
            }
        }
        if (body != NULL && size >= wanted) {
            answer(server, socket, text, body, size - (size_t)(body - text));
        }
        close(socket);
    }
}

static int listen_somewhere(unsigned *port) {
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) != 0 ||
        listen(listener, 16) != 0 || getsockname(listener, (struct sockaddr *)&at, &size) != 0) {
        perror("cannot listen");
        exit(1);
    }
    *port = ntohs(at.sin_port);
    return listener;
}

static reflow_peer *start_peer(reflow_runtime *runtime, const char *network, const char *base,
                               reflow_error **error) {
    reflow_view endpoints[1] = {reflow_str(base)};
    reflow_peer_options options = {0};
    options.struct_size = sizeof options;
    options.network_id = reflow_str(network);
    options.bind_address = reflow_str("127.0.0.1");
    options.discovery_endpoints = endpoints;
    options.discovery_endpoints_count = 1;
    reflow_peer *peer = NULL;
    if (reflow_peer_create(runtime, &options, &peer, error) || reflow_peer_start(peer, error) ||
        reflow_peer_discover(peer, 10000, error)) {
        fprintf(stderr, "%s\n", reflow_error_text(*error).data);
        exit(1);
    }
    return peer;
}

int main(void) {
    reflow_error *error = NULL;
    reflow_runtime *runtime = NULL;
    http_server server;
    unsigned port = 0;
    pthread_t thread;
    server.listener = listen_somewhere(&port);
    if (reflow_runtime_create(NULL, &runtime, &error) ||
        reflow_discovery_create(runtime, NULL, &server.discovery, &error)) {
        fprintf(stderr, "%s\n", reflow_error_text(error).data);
        return 1;
    }
    if (pthread_create(&thread, NULL, serve, &server) != 0) return 1;

    char base[64];
    snprintf(base, sizeof base, "http://127.0.0.1:%u%s", port, prefix);
    reflow_peer *studio = start_peer(runtime, "studio", base, &error);
    reflow_peer *kiln = start_peer(runtime, "kiln", base, &error);

    /* The second has found the first and, if it is not linked yet, dials it: an event tells. */
    reflow_peer_subscription *events = NULL;
    reflow_message event = {0, 0};
    bool failed = reflow_peer_subscribe(kiln, NULL, &events, &error) != REFLOW_OK;
    while (!failed && !reflow_peer_connected(kiln, reflow_str("studio"))) {
        reflow_message_unref(reflow_message_take(&event));
        failed = reflow_peer_subscription_poll(events, 10000, &event, NULL, &error) != REFLOW_OK;
    }
    reflow_message_unref(event);
    printf("%s\n", failed ? "they have not found each other" : "kiln has found studio");
    reflow_peer_subscription_destroy(events);
    reflow_peer_destroy(kiln);
    reflow_peer_destroy(studio);
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(server.listener);
    reflow_discovery_destroy(server.discovery);
    reflow_runtime_destroy(runtime);
    reflow_error_destroy(error);
    return failed ? 1 : 0;
}
