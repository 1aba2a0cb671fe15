/* Ports for peers that listen on the same one again. */
#ifndef REFLOW_TESTS_PORTS_H
#define REFLOW_TESTS_PORTS_H

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Not of those that the system gives to connections, so that nobody else has it meanwhile. */
static inline uint32_t free_port(void) {
    enum { FIRST = 12000, COUNT = 20000 };
    for (uint32_t tries = 0;; ++tries) {
        uint32_t port = FIRST + ((uint32_t)getpid() * 97 + tries * 31) % COUNT;
        struct sockaddr_in address = {0};
        address.sin_family = AF_INET;
        address.sin_port = htons((uint16_t)port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int probe = socket(AF_INET, SOCK_STREAM, 0), one = 1;
        CHECK(probe >= 0 && setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
        int failed = bind(probe, (struct sockaddr *)&address, sizeof address);
        CHECK(close(probe) == 0);
        if (failed == 0) return port;
        CHECK(tries < COUNT);
    }
}

#endif
