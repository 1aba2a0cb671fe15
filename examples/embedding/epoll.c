/* reflow in a loop of epoll(7), beside a timer of the host that brings a number each millisecond. */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "squares.h"

int main(void) {
    squares at = squares_open();
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = at.descriptor}};
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, at.descriptor, &event) != 0) return 1;
    event.data.fd = timer;
    if (timer < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, timer, &event) != 0) return 1;
    timerfd_settime(timer, 0, &every, NULL);
    while (at.sent < 20 || at.received < at.sent) {
        struct epoll_event happened[2];
        int count = epoll_wait(loop, happened, 2, -1);
        if (count < 0) return 1;
        for (int i = 0; i < count; ++i) {
            if (happened[i].data.fd == at.descriptor) {
                squares_run(&at);
            } else {
                uint64_t ticks = 0;
                if (read(timer, &ticks, sizeof ticks) == sizeof ticks && at.sent < 20) {
                    squares_send(&at, at.sent + 1);
                }
            }
        }
    }
    close(timer);
    close(loop);
    return squares_close(&at);
}
