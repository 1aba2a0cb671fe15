/* reflow in a loop of poll(2): numbers come on the standard input, one in a line, and their squares
 * go to the standard output. Try: seq 20 | poll */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <unistd.h>

#include "squares.h"

int main(void) {
    squares at = squares_open();
    struct pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {at.descriptor, POLLIN, 0}};
    int64_t number = 0;
    /* The end of the input is a descriptor that is not watched any more. */
    while (watched[0].fd >= 0 || at.received < at.sent) {
        if (poll(watched, 2, -1) < 0) return 1;
        if (watched[0].revents != 0) {
            char text[256];
            ssize_t size = read(STDIN_FILENO, text, sizeof text);
            if (size <= 0) watched[0].fd = -1;
            for (ssize_t i = 0; i < size; ++i) {
                if (text[i] == '\n') {
                    squares_send(&at, number);
                    number = 0;
                } else if (text[i] >= '0' && text[i] <= '9') {
                    number = number * 10 + (text[i] - '0');
                }
            }
        }
        if (watched[1].revents != 0) squares_run(&at);
    }
    return squares_close(&at);
}
