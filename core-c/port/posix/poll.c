/* SPDX-License-Identifier: MIT */
/* The kernel knows which loop watches which fd, so a watcher is only its
 * place. */
#include "port/port.h"
#include "port/posix/timespec.h"

#include <poll.h>

_Static_assert(sizeof(PortPollFd) == sizeof(struct pollfd) &&
               offsetof(PortPollFd, events) == offsetof(struct pollfd, events) &&
               offsetof(PortPollFd, revents) == offsetof(struct pollfd, revents),
               "PortPollFd is a struct pollfd");
_Static_assert(PORT_POLLIN == POLLIN && PORT_POLLOUT == POLLOUT &&
               PORT_POLLERR == POLLERR && PORT_POLLHUP == POLLHUP &&
               PORT_POLLNVAL == POLLNVAL, "and so are its bits");

struct PortWatcher {
    char place[PORT_WATCHER_PLACE] __attribute__((aligned(64)));
};

PortWatcher *port_watcher_new(int notifier_fd, int *error)
{
    PortWatcher *watcher = aligned_alloc(64, sizeof(*watcher));

    (void)notifier_fd;
    if (watcher) {
        memset(watcher, 0, sizeof(*watcher));
    } else {
        *error = -ENOMEM;
    }
    return watcher;
}

void port_watcher_free(PortWatcher *watcher)
{
    /* No fd points to it in this port. */
    free(watcher);
}

void *port_watcher_place(PortWatcher *watcher)
{
    return watcher->place;
}

int port_fd_watch(int fd, PortWatcher *watcher, bool on)
{
    (void)watcher;
    return on && fcntl(fd, F_GETFD) < 0 ? -errno : 0;
}

int port_fd_poll(PortPollFd *fds, unsigned nfds, int notifier_fd,
                 int64_t timeout_ns)
{
    struct timespec ts;

    (void)notifier_fd;
    int count = ppoll((struct pollfd *)fds, nfds,
                      posix_timeout(&ts, timeout_ns), NULL);
    if (count < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    return count;
}
