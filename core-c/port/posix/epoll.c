/* SPDX-License-Identifier: MIT */
/* The ready set, by epoll(7). */
#include "port/port.h"

#include <poll.h>
#include <sys/epoll.h>

#include "port/posix/timespec.h"

_Static_assert(EPOLLIN == PORT_POLLIN && EPOLLOUT == PORT_POLLOUT &&
               EPOLLERR == PORT_POLLERR && EPOLLHUP == PORT_POLLHUP,
               "epoll's bits are poll's");

struct PortReadySet {
    int fd;
};

PortReadySet *port_ready_new(PortWatcher *watcher)
{
    PortReadySet *set = malloc(sizeof(*set));

    (void)watcher;
    if (set) {
        set->fd = epoll_create1(EPOLL_CLOEXEC);
        if (set->fd < 0) {
            free(set);
            set = NULL;
        }
    }
    return set;
}

void port_ready_free(PortReadySet *set)
{
    if (set) {
        close(set->fd);
        free(set);
    }
}

int port_ready_update(PortReadySet *set, int fd, int events)
{
    struct epoll_event event = { .events = (uint32_t)events, .data.fd = fd };

    if (!events) {
        /* Fails if the fd was closed before, which took it out of the set. */
        epoll_ctl(set->fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (epoll_ctl(set->fd, EPOLL_CTL_MOD, fd, &event) == 0 ||
        (errno == ENOENT &&
         epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event) == 0)) {
        return 0;
    }
    return -errno;
}

int port_ready_wait(PortReadySet *set, PortPollFd *ready, unsigned n,
                    int notifier_fd, int64_t timeout_ns)
{
    struct epoll_event events[128];
    int count, timeout_ms = timeout_ns < 0 ? -1 : 0;

    (void)notifier_fd;
    if (timeout_ns > 0) {
        /* epoll_wait() has a time-out in milliseconds, ppoll() in
         * nanoseconds. */
        struct pollfd self = { .fd = set->fd, .events = POLLIN };
        struct timespec ts;
        if (ppoll(&self, 1, posix_timeout(&ts, timeout_ns), NULL) <= 0) {
            return 0;
        }
    }
    count = epoll_wait(set->fd, events, (int)MIN(n, ARRAY_SIZE(events)),
                       timeout_ms);
    for (int i = 0; i < count; i++) {
        ready[i] = (PortPollFd){ .fd = events[i].data.fd,
                                 .revents = (short)events[i].events };
    }
    return MAX(count, 0);
}

int port_ready_fd(PortReadySet *set)
{
    return set->fd;
}
