/* reflow in a loop of libuv, beside a timer of the host that brings a number each millisecond. */
#define _POSIX_C_SOURCE 200809L

#include <uv.h>

#include "squares.h"

static squares at;
static uv_timer_t timer;
static uv_poll_t watcher;

static void on_timer(uv_timer_t *handle) {
    squares_send(&at, at.sent + 1);
    if (at.sent == 20) uv_close((uv_handle_t *)handle, NULL);
}

static void on_readable(uv_poll_t *handle, int status, int events) {
    (void)status, (void)events;
    squares_run(&at);
    if (at.sent == 20 && at.received == at.sent) uv_close((uv_handle_t *)handle, NULL);
}

int main(void) {
    uv_loop_t *loop = uv_default_loop();
    at = squares_open();
    if (uv_timer_init(loop, &timer) != 0 || uv_poll_init(loop, &watcher, at.descriptor) != 0 ||
        uv_timer_start(&timer, on_timer, 1, 1) != 0 ||
        uv_poll_start(&watcher, UV_READABLE, on_readable) != 0) {
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT); /* until nothing is watched any more */
    uv_loop_close(loop);
    return squares_close(&at);
}
