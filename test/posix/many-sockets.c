/* SPDX-License-Identifier: MIT */
/* Sockets, epoll sets, counters and timers that come and go, more often than there are places for them. */
#include "topic.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

static int failures;

static int ok(int value)
{
    failures += value < 0;
    return value;
}

static void transfer(int from, int to)
{
    char text[8];

    failures += write(from, "abc", 3) != 3 || recv(to, text, 3, MSG_WAITALL) != 3;
}

static void connections(int domain, const struct sockaddr *name, socklen_t length, int rounds)
{
    int server = ok(socket(domain, SOCK_STREAM, 0));
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);

    ok(bind(server, name, length));
    ok(listen(server, 100));
    ok(getsockname(server, (struct sockaddr *)&bound, &size));
    for (int i = 0; i < rounds; i++) {
        int client = ok(socket(domain, SOCK_STREAM, 0)), accepted;

        ok(connect(client, (struct sockaddr *)&bound, size));
        accepted = ok(accept(server, NULL, NULL));
        transfer(client, accepted);
        transfer(accepted, client);
        if (i % 2) {
            ok(close(client));
            failures += read(accepted, &size, 1) != 0;
            ok(close(accepted));
        } else {
            ok(shutdown(accepted, SHUT_WR));
            failures += read(client, &(char){ 0 }, 1) != 0;
            ok(close(accepted));
            ok(close(client));
        }
    }
    /* Connections that nobody accepts. */
    for (int i = 0; i < 20; i++) {
        int client = ok(socket(domain, SOCK_STREAM, 0));
        ok(connect(client, (struct sockaddr *)&bound, size));
        ok(close(client));
    }
    ok(close(server));
}

static void topic(void)
{
    struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct sockaddr_un hidden = { .sun_family = AF_UNIX };
    socklen_t hidden_length;

    /* Such names belong to the whole machine. */
    hidden_length = (socklen_t)(sizeof(sa_family_t) + 1 +
                                (size_t)snprintf(hidden.sun_path + 1, 20, "many-%d", (int)getpid()));

    for (int i = 0; i < 5000; i++) {
        ok(close(ok(socket(i % 2 ? AF_INET : AF_UNIX, SOCK_STREAM, 0))));
    }
    printf("sockets that were never connected = %d failures\n", failures);
    connections(AF_UNIX, (struct sockaddr *)&hidden, hidden_length, 3000);
    printf("AF_UNIX = %d failures\n", failures);
    connections(AF_INET, (struct sockaddr *)&tcp, sizeof(tcp), 300);
    printf("TCP = %d failures\n", failures);
    for (int i = 0; i < 30; i++) {
        connections(AF_UNIX, (struct sockaddr *)&hidden, hidden_length, 1);
    }
    printf("listeners = %d failures\n", failures);
    for (int i = 0; i < 3000; i++) {
        struct epoll_event event = { .events = EPOLLIN };
        struct itimerspec soon = { .it_value = { 3600, 0 } };
        int set = ok(epoll_create1(0)), counter = ok(eventfd(1, 0)), timer = ok(timerfd_create(CLOCK_MONOTONIC, 0));

        ok(epoll_ctl(set, EPOLL_CTL_ADD, counter, &event));
        ok(epoll_ctl(set, EPOLL_CTL_ADD, timer, &event));
        ok(timerfd_settime(timer, 0, &soon, NULL));
        failures += epoll_wait(set, &event, 1, 0) != 1;
        ok(close(i % 2 ? set : counter));
        ok(close(i % 2 ? counter : set));
        ok(close(timer));
    }
    printf("epoll sets, counters and timers = %d failures\n", failures);
    {
        int fds[2];
        for (int i = 0; i < 3000; i++) {
            ok(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
            transfer(fds[0], fds[1]);
            ok(dup2(fds[1], fds[0]) == fds[0] ? 0 : -1);
            ok(close(fds[0]));
            ok(close(fds[1]));
        }
    }
    printf("pairs = %d failures\n", failures);
}
