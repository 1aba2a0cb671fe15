/* Section 21 of reflow.h: HTTP of a host on the port of its peer, asked over plain sockets. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "rig.h"

typedef struct site {
    reflow_runtime *runtime;
    reflow_peer *peer;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    reflow_http_reply *kept; /* of "/later" */
    char said[512];          /* what the last request was */
    int ended;               /* calls of destroy */
} site;

static void answer(reflow_http_reply *reply, uint32_t status, const char *type, const char *body) {
    WORKS(reflow_http_reply_send(reply, status, text_of(type), text_of(body), &e));
}

static void handle(void *user_data, const reflow_http_request *request, reflow_http_reply *reply) {
    site *s = user_data;
    CHECK(request->struct_size == sizeof *request);
    pthread_mutex_lock(&s->mutex);
    snprintf(s->said, sizeof s->said, "%.*s %.*s?%.*s [%.*s] [%.*s] %.*s", (int)request->method.size,
             request->method.data, (int)request->path.size, request->path.data,
             (int)request->query.size, request->query.data, (int)request->content_type.size,
             request->content_type.data, (int)request->authorization.size,
             request->authorization.data, (int)request->body.size, request->body.data);
    if (same_text(request->path, "/later")) {
        CHECK(s->kept == NULL);
        s->kept = reply;
    } else if (same_text(request->path, "/none")) {
        reflow_http_reply_destroy(reply);
    } else if (same_text(request->path, "/odd")) {
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_http_reply_send(reply, 200, text_of("text/plain\r\nX: y"), text_of(""), &e));
    } else if (same_text(request->path, "/info")) {
        FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
              reflow_http_reply_send(reply, 101, text_of(""), text_of(""), &e));
    } else if (same_text(request->path, "/empty")) {
        answer(reply, 204, "", "");
    } else {
        answer(reply, 200, "text/plain; charset=utf-8", s->said);
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

static void ended(void *user_data) {
    site *s = user_data;
    ++s->ended;
}

static void open_site_as(site *s, const reflow_http_options *options,
                         const reflow_peer_options *named) {
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->runtime = rig_runtime(&rig_own);
    WORKS(reflow_peer_create(s->runtime, named, &s->peer, &e));
    WORKS(reflow_peer_on_http(s->peer, handle, s, ended, options, &e));
    WORKS(reflow_peer_start(s->peer, &e));
}

static void open_site(site *s, const reflow_http_options *options) {
    reflow_peer_options named = rig_peer_options("site");
    open_site_as(s, options, &named);
}

static void close_site(site *s) {
    reflow_peer_destroy(s->peer);
    CHECK(s->ended == 1);
    reflow_runtime_destroy(s->runtime);
}

static int dial(const site *s) {
    struct sockaddr_in to = {0};
    struct timeval patience = {30, 0};
    int number = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t)reflow_peer_port(s->peer));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(number, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    return number;
}

static void say(int number, const char *text) {
    CHECK(send(number, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Reads up to the end, or until the text is there as often as that. */
static const char *hear(int number, const char *until, int times) {
    static char text[16384];
    size_t size = 0;
    for (;;) {
        text[size] = 0;
        int found = 0;
        for (const char *at = text; until != NULL && (at = strstr(at, until)) != NULL; ++at) ++found;
        if (until != NULL && found >= times) return text;
        ssize_t got = recv(number, text + size, sizeof text - 1 - size, 0);
        CHECK(got >= 0);
        if (got == 0) break;
        size += (size_t)got;
    }
    if (until != NULL) check_failed(__FILE__, __LINE__, until, text);
    return text;
}

/* One request on a connection of its own, and whether the answer has both texts. */
static void ask(const site *s, const char *request, const char *first, const char *second) {
    int number = dial(s);
    say(number, request);
    const char *text = hear(number, NULL, 0);
    if (strstr(text, first) == NULL) check_failed(__FILE__, __LINE__, first, text);
    if (strstr(text, second) == NULL) check_failed(__FILE__, __LINE__, second, text);
    close(number);
}

static reflow_http_reply *take_kept(site *s) {
    pthread_mutex_lock(&s->mutex);
    while (s->kept == NULL) pthread_cond_wait(&s->changed, &s->mutex);
    reflow_http_reply *kept = s->kept;
    s->kept = NULL;
    pthread_mutex_unlock(&s->mutex);
    return kept;
}

#define END "Host: x\r\nConnection: close\r\n\r\n"

static void test_at_once(void) {
    site s;
    open_site(&s, NULL);
    ask(&s, "GET /a%20b?x=1&y HTTP/1.1\r\nAuthorization: Bearer t\r\n" END, "HTTP/1.1 200 OK",
        "\r\n\r\nGET /a%20b?x=1&y [] [Bearer t] ");
    ask(&s,
        "POST /p HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 7\r\n" END "{\"a\":1}",
        "Content-Type: text/plain; charset=utf-8\r\n", "POST /p? [application/json] [] {\"a\":1}");
    ask(&s, "HEAD /h HTTP/1.1\r\n" END, "Content-Length: ", "Connection: close\r\n\r\n");
    ask(&s, "GET /none HTTP/1.1\r\n" END, "500 Internal", "not answered");
    ask(&s, "GET /odd HTTP/1.1\r\n" END, "500 Internal", "not answered");
    ask(&s, "GET /info HTTP/1.1\r\n" END, "500 Internal", "not answered");
    ask(&s, "GET /empty HTTP/1.1\r\n" END, "204 No Content", "");
    /* What is the peer's stays so. */
    ask(&s, "GET /health HTTP/1.1\r\n" END, "200 OK", "\"network_id\":\"site\"");
    ask(&s, "POST /status HTTP/1.1\r\n" END, "405 ", "");
    close_site(&s);
}

#define CHUNKS "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Bodies in chunks (RFC 9112, 7.1), and that what is behind them is the next request, never part of one. */
static void test_chunks(void) {
    site s;
    open_site(&s, NULL);
    int number = dial(&s);
    say(number, "POST /c HTTP/1.1\r\n" CHUNKS "3\r\nabc\r\nA ;x=\"y\"\r\n0123456789\r\n0\r\n"
                "Trailer: GET /no HTTP/1.1\r\n\r\n"
                "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = hear(number, "GET /next?", 1);
    CHECK(strstr(text, "POST /c? [] [] abc0123456789") != NULL);
    /* Letter by letter. */
    static const char slow[] = "POST /slow HTTP/1.1\r\n" CHUNKS "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";
    for (const char *at = slow; *at != 0; ++at) say(number, (char[]){*at, 0});
    (void)hear(number, "POST /slow? [] [] abc", 1);
    /* Who waits to be asked for the body is asked. */
    say(number, "POST /ask HTTP/1.1\r\nExpect: 100-continue\r\n" CHUNKS);
    (void)hear(number, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    say(number, "1\r\nz\r\n0\r\n\r\n");
    (void)hear(number, "POST /ask? [] [] z", 1);
    close(number);
    /* What two readers could take for two things is refused, and nothing behind it is heard. */
    static const char *wrong[] = {
        "POST /p HTTP/1.1\r\nContent-Length: 3\r\n" CHUNKS "0\r\n\r\n",
        "POST /p HTTP/1.0\r\n" CHUNKS "0\r\n\r\n",
        "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CHUNKS "0\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "POST /p HTTP/1.1\r\n" CHUNKS "1\r\nab\r\n0\r\n\r\n",
        "POST /p HTTP/1.1\r\n" CHUNKS "-1\r\n", "POST /p HTTP/1.1\r\n" CHUNKS "1\n",
        "POST /p HTTP/1.1\r\n" CHUNKS "10000000000000000\r\n",
        "POST /p HTTP/1.1\r\n" CHUNKS "0\r\nno trailer\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: 0\r\n\r\n", /* no Host */
    };
    s.said[0] = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        char request[600];
        snprintf(request, sizeof request, "%sGET /no HTTP/1.1\r\nHost: x\r\n\r\n", wrong[i]);
        ask(&s, request, "400 Bad Request", "Connection: close");
    }
    ask(&s, "POST /p HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" CHUNKS, "501 ", "chunked");
    CHECK(s.said[0] == 0); /* the handler has heard of none of them */
    close_site(&s);
}

static void test_head_has_no_body(void) {
    site s;
    open_site(&s, NULL);
    int number = dial(&s);
    say(number, "HEAD /h HTTP/1.1\r\n" END);
    const char *text = hear(number, NULL, 0);
    CHECK(strcmp(strstr(text, "\r\n\r\n"), "\r\n\r\n") == 0);
    close(number);
    close_site(&s);
}

static void *answer_later(void *user_data) {
    answer(take_kept(user_data), 200, "text/plain", "at last");
    return NULL;
}

/* Requests that come together are answered in their order, also if the first waits for a thread; and
 * one that has closed its way in still gets its answer. */
static void test_later(void) {
    site s;
    pthread_t thread;
    open_site(&s, NULL);
    CHECK(pthread_create(&thread, NULL, answer_later, &s) == 0);
    int number = dial(&s);
    say(number, "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = hear(number, "GET /next?", 1);
    CHECK(strstr(text, "at last") != NULL && strstr(text, "at last") < strstr(text, "GET /next?"));
    CHECK(pthread_join(thread, NULL) == 0);
    say(number, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(number, SHUT_WR);
    answer(take_kept(&s), 200, "text/plain", "to a deaf one");
    (void)hear(number, "to a deaf one", 1);
    close(number);
    close_site(&s);
}

/* Nobody waits: the time is over, the peer has stopped. */
static void test_too_late(void) {
    site s;
    reflow_http_options options = {0};
    options.struct_size = sizeof options;
    options.timeout_ms = 20;
    open_site(&s, &options);
    int number = dial(&s);
    say(number, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)hear(number, "504 Gateway Timeout", 1);
    FAILS(REFLOW_ERROR_CLOSED,
          reflow_http_reply_send(take_kept(&s), 200, text_of(""), text_of("late"), &e));
    say(number, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection is as good as before */
    (void)hear(number, "GET /again?", 1);
    close(number);
    close_site(&s);

    open_site(&s, NULL);
    number = dial(&s);
    say(number, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    reflow_http_reply *kept = take_kept(&s);
    WORKS(reflow_peer_stop(s.peer, 1000, &e));
    CHECK(*hear(number, NULL, 0) == 0);
    FAILS(REFLOW_ERROR_CLOSED, reflow_http_reply_send(kept, 200, text_of(""), text_of("late"), &e));
    close(number);
    close_site(&s);
}

/* A reply outlives peer and runtime. */
static void test_reply_outlives(void) {
    site s;
    open_site(&s, NULL);
    int number = dial(&s);
    say(number, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    reflow_http_reply *kept = take_kept(&s);
    close_site(&s);
    FAILS(REFLOW_ERROR_CLOSED, reflow_http_reply_send(kept, 200, text_of(""), text_of("x"), &e));
    close(number);
}

/* A forked child has the reply too, and cannot send it. */
static void test_fork(void) {
    site s;
    int status = 0;
    open_site(&s, NULL);
    int number = dial(&s);
    say(number, "GET /later HTTP/1.1\r\n" END);
    reflow_http_reply *kept = take_kept(&s);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(REFLOW_ERROR_FORKED,
              reflow_http_reply_send(kept, 200, text_of(""), text_of("from the child"), &e));
        _Exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    answer(kept, 200, "", "from the parent");
    (void)hear(number, "from the parent", 1);
    close(number);
    close_site(&s);
}

static void test_limits(void) {
    site s;
    reflow_http_options options = {0};
    options.struct_size = sizeof options;
    options.max_body_bytes = 10;
    options.max_waiting = 1;
    open_site(&s, &options);
    ask(&s, "POST /p HTTP/1.1\r\nContent-Length: 11\r\n" END "01234567890", "413 Content Too", "");
    ask(&s, "POST /p HTTP/1.1\r\nContent-Length: 10\r\n" END "0123456789", "200 OK", "0123456789");
    ask(&s, "POST /p HTTP/1.1\r\n" CHUNKS "6\r\n012345\r\n5\r\n", "413 Content Too", "close");
    ask(&s, "POST /p HTTP/1.1\r\nConnection: close\r\n" CHUNKS "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n",
        "200 OK", "0123456789");
    int number = dial(&s);
    say(number, "GET /later HTTP/1.1\r\n" END);
    reflow_http_reply *kept = take_kept(&s);
    ask(&s, "GET /p HTTP/1.1\r\n" END, "503 Service", "too many requests wait");
    ask(&s, "GET /health HTTP/1.1\r\n" END, "200 OK", "site");
    answer(kept, 200, "", "free again");
    (void)hear(number, "free again", 1);
    close(number);
    ask(&s, "GET /p HTTP/1.1\r\n" END, "200 OK", "GET /p?");
    close_site(&s);
}

/* ---- pages in browsers */

#define EVIL "Origin: http://evil.example\r\n"
#define GOOD "Origin: https://good.example\r\n"
#define UPGRADE                                                                       \
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nHost: x\r\n"                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\n\r\n"

/* Up to the end of the headers: a link stays open. */
static void upgrade(const site *s, const char *request, const char *first) {
    int number = dial(s);
    say(number, request);
    const char *text = hear(number, "\r\n\r\n", 1);
    if (strncmp(text, first, strlen(first)) != 0) {
        check_failed(__FILE__, __LINE__, first, text);
    }
    close(number);
}

static void test_pages(void) {
    site s;
    char own[300];
    open_site(&s, NULL);
    ask(&s, "POST /p HTTP/1.1\r\n" EVIL END, "403 Forbidden", "this origin");
    ask(&s, "GET /health HTTP/1.1\r\n" EVIL END, "403 Forbidden", "this origin");
    ask(&s, "GET /p HTTP/1.1\r\nOrigin: null\r\n" END, "403 Forbidden", "this origin");
    unsigned port = reflow_peer_port(s.peer);
    snprintf(own, sizeof own,
             "GET /p HTTP/1.1\r\nOrigin: http://127.0.0.1:%u\r\n"
             "Origin: http://127.0.0.1:%u\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n",
             port, port, port);
    ask(&s, own, "403 Forbidden", "this origin");
    CHECK(s.said[0] == 0); /* the handler has heard of none of them */
    snprintf(own, sizeof own,
             "GET /own HTTP/1.1\r\nOrigin: http://127.0.0.1:%u\r\nHost: 127.0.0.1:%u\r\n"
             "Connection: close\r\n\r\n", port, port);
    ask(&s, own, "200 OK", "GET /own?");
    upgrade(&s, "GET / HTTP/1.1\r\n" GOOD UPGRADE, "HTTP/1.1 403");
    close_site(&s);

    reflow_view good[] = {text_of("http://other.example:81"), text_of("https://good.example")};
    reflow_peer_options named = rig_peer_options("site");
    named.allowed_origins = good;
    named.allowed_origins_count = 2;
    open_site_as(&s, NULL, &named);
    ask(&s, "POST /p HTTP/1.1\r\n" EVIL END, "403 Forbidden", "this origin");
    ask(&s, "GET /p HTTP/1.1\r\n" GOOD END, "200 OK", "GET /p?");
    ask(&s, "GET /no-page HTTP/1.1\r\n" END, "200 OK", "GET /no-page?");
    upgrade(&s, "GET / HTTP/1.1\r\n" GOOD UPGRADE, "HTTP/1.1 101");
    upgrade(&s, "GET / HTTP/1.1\r\n" EVIL UPGRADE, "HTTP/1.1 403");
    close_site(&s);

    good[0] = text_of("*");
    named.allowed_origins_count = 1;
    open_site_as(&s, NULL, &named);
    ask(&s, "POST /p HTTP/1.1\r\n" EVIL END, "200 OK", "POST /p?");
    upgrade(&s, "GET / HTTP/1.1\r\n" EVIL UPGRADE, "HTTP/1.1 101");
    close_site(&s);

    /* A host that was built before there was this field. */
    named.struct_size = (uint32_t)offsetof(reflow_peer_options, allowed_origins);
    open_site_as(&s, NULL, &named);
    ask(&s, "POST /p HTTP/1.1\r\n" EVIL END, "403 Forbidden", "this origin");
    close_site(&s);
}

static void test_wrong_pages(void) {
    static const char *wrong[] = {"https://a/", "https://a/b", "evil.example", "", "\xff"};
    reflow_runtime *runtime = rig_runtime(&rig_own);
    reflow_peer_options named = rig_peer_options("site");
    reflow_peer *peer = NULL;
    named.allowed_origins_count = 1;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &named, &peer, &e));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        reflow_view page = text_of(wrong[i]);
        named.allowed_origins = &page;
        reflow_error *error = NULL;
        reflow_status status = reflow_peer_create(runtime, &named, &peer, &error);
        CHECK_STATUS(wrong[i][0] == '\xff' ? REFLOW_ERROR_INVALID_UTF8
                                           : REFLOW_ERROR_INVALID_ARGUMENT, status);
        CHECK(strstr(reflow_error_text(error).data, "allowed_origins") != NULL);
        CHECK(peer == NULL);
        reflow_error_destroy(error);
    }
    reflow_runtime_destroy(runtime);
}

static void test_arguments(void) {
    site s;
    open_site(&s, NULL);
    s.ended = 0;
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_peer_on_http(s.peer, handle, &s, ended, NULL, &e));
    CHECK(s.ended == 1); /* taken, also if it fails */
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_on_http(NULL, handle, &s, ended, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_on_http(s.peer, NULL, &s, ended, NULL, &e));
    CHECK(s.ended == 3);
    reflow_http_options options = {0};
    options.struct_size = sizeof options;
    options.max_waiting = 65536;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_on_http(s.peer, handle, &s, NULL, &options, &e));
    options.max_waiting = 0;
    options.max_body_bytes = (1u << 30) + 1;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_on_http(s.peer, handle, &s, NULL, &options, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_http_reply_send(NULL, 200, text_of(""), text_of(""), &e));
    reflow_http_reply_destroy(NULL);
    s.ended = 0;
    close_site(&s);

    reflow_runtime *runtime = rig_runtime(&rig_own);
    reflow_peer_options named = rig_peer_options("quiet");
    site quiet = {0};
    quiet.runtime = runtime;
    WORKS(reflow_peer_create(runtime, &named, &quiet.peer, &e));
    WORKS(reflow_peer_start(quiet.peer, &e));
    ask(&quiet, "GET /predict HTTP/1.1\r\n" END, "404 Not Found", "/predict");
    reflow_peer_destroy(quiet.peer);
    WORKS(reflow_peer_create(runtime, &named, &quiet.peer, &e));
    WORKS(reflow_peer_on_http(quiet.peer, handle, &quiet, NULL, NULL, &e));
    FAILS(REFLOW_ERROR_ALREADY_EXISTS,
          reflow_peer_on_http(quiet.peer, handle, &quiet, NULL, NULL, &e));
    reflow_peer_destroy(quiet.peer);
    reflow_runtime_destroy(runtime);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_at_once();
    test_chunks();
    test_head_has_no_body();
    test_later();
    test_too_late();
    test_reply_outlives();
    test_fork();
    test_limits();
    test_pages();
    test_wrong_pages();
    test_arguments();
    return 0;
}
