/* SPDX-License-Identifier: MIT */
/* poll() and select(), on all descriptors: those of WASI, the library's own, event notifiers. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>

#include "port/fd-table.h"
#include "sync/trace.h"
#include "wait.h"
#include "wasi.h"
#include "weak.h"

_Static_assert(sizeof(struct pollfd) == sizeof(PortPollFd) &&
               offsetof(struct pollfd, revents) == offsetof(PortPollFd, revents) &&
               POLLIN == PORT_POLLIN && POLLOUT == PORT_POLLOUT && POLLERR == PORT_POLLERR &&
               POLLHUP == PORT_POLLHUP && POLLNVAL == PORT_POLLNVAL, "a PortPollFd is a struct pollfd");

enum { ON_STACK = 32 };

/* The events that have two names. */
static short plain(short events)
{
    return (short)(events | (events & POLLRDNORM ? POLLIN : 0) | (events & POLLWRNORM ? POLLOUT : 0));
}

static short reported(const struct pollfd *asked, short revents)
{
    return (short)((revents | (revents & POLLIN ? POLLRDNORM : 0) | (revents & POLLOUT ? POLLWRNORM : 0)) &
                   (asked->events | POLLERR | POLLHUP | POLLNVAL));
}

/* Traces that a call begins or ends, with the descriptors that it waits for or that are ready. */
static void trace_poll(AioTraceType type, const PortPollFd *fds, unsigned n, int64_t value)
{
    char name[AIO_TRACE_NAME] = "";
    size_t used = 0;

    for (unsigned i = 0; i < n && used < sizeof(name); i++) {
        if (fds[i].fd >= 0 && (type == AIO_TRACE_libc_poll_begin || fds[i].revents)) {
            used += (size_t)snprintf(name + used, sizeof(name) - used, "%sfd %d", used ? ", " : "", fds[i].fd);
        }
    }
    trace_write(type, n, (uint64_t)value, name);
}

/* Returns the number of ready descriptors, or -errno. */
static int poll_ns(struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    PortPollFd some[ON_STACK], *copy = some;
    int ready;

    if (n > WASM_MAX_FDS) {
        return -EINVAL;
    }
    if (n > ON_STACK && !(copy = malloc(n * sizeof(*copy)))) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < n; i++) {
        copy[i] = (PortPollFd){ .fd = fds[i].fd, .events = plain(fds[i].events) };
    }
    if (trace_is_on()) {
        trace_poll(AIO_TRACE_libc_poll_begin, copy, n, timeout_ns);
    }
    ready = wasm_fd_poll(copy, n, timeout_ns);
    if (trace_is_on()) {
        trace_poll(AIO_TRACE_libc_poll_end, copy, n, ready);
    }
    for (unsigned i = 0; ready >= 0 && i < n; i++) {
        fds[i].revents = reported(&fds[i], copy[i].revents);
    }
    if (copy != some) {
        free(copy);
    }
    return ready;
}

LIBC_WEAK
int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    return result_of(poll_ns(fds, (unsigned)n, timeout < 0 ? -1 : timeout * INT64_C(1000000)));
}

static int select_ns(int n, fd_set *reads, fd_set *writes, fd_set *errors,
                     int64_t timeout_ns)
{
    struct pollfd fds[FD_SETSIZE];
    int used = 0, ready = 0, ret;

    if (n < 0 || n > FD_SETSIZE) {
        return -EINVAL;
    }
    for (int fd = 0; fd < n; fd++) {
        short events = (short)((reads && FD_ISSET(fd, reads) ? POLLIN : 0) |
                               (writes && FD_ISSET(fd, writes) ? POLLOUT : 0));
        if (events) {
            fds[used++] = (struct pollfd){ .fd = fd, .events = events };
        }
    }
    ret = poll_ns(fds, (unsigned)used, timeout_ns);
    for (int i = 0; ret >= 0 && i < used; i++) {
        if (fds[i].revents & POLLNVAL) {
            ret = -EBADF;
        }
    }
    if (ret < 0) {
        return ret;
    }
    if (reads) {
        FD_ZERO(reads);
    }
    if (writes) {
        FD_ZERO(writes);
    }
    if (errors) {
        FD_ZERO(errors);             /* there are no exceptional conditions */
    }
    for (int i = 0; i < used; i++) {
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR) && fds[i].events & POLLIN) {
            FD_SET(fds[i].fd, reads);
            ready++;
        }
        if (fds[i].revents & (POLLOUT | POLLHUP | POLLERR) && fds[i].events & POLLOUT) {
            FD_SET(fds[i].fd, writes);
            ready++;
        }
    }
    return ready;
}

LIBC_WEAK
int select(int n, fd_set *restrict reads, fd_set *restrict writes,
           fd_set *restrict errors, struct timeval *restrict tv)
{
    if (tv && (tv->tv_sec < 0 || tv->tv_usec < 0)) {
        return result_of(-EINVAL);
    }
    return result_of(select_ns(
        n, reads, writes, errors,
        tv ? ns_of(tv->tv_sec, tv->tv_usec * INT64_C(1000)) : -1));
}

/* The signal masks are ignored: there are no signals. */
LIBC_WEAK
int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *mask)
{
    (void)mask;
    if (ts && (ts->tv_sec < 0 || bad_time(ts))) {
        return result_of(-EINVAL);
    }
    return result_of(poll_ns(fds, (unsigned)n, ts ? ns_of(ts->tv_sec, ts->tv_nsec) : -1));
}

LIBC_WEAK
int pselect(int n, fd_set *restrict reads, fd_set *restrict writes,
            fd_set *restrict errors, const struct timespec *restrict ts,
            const sigset_t *restrict mask)
{
    (void)mask;
    if (ts && (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= 1000000000)) {
        return result_of(-EINVAL);
    }
    return result_of(select_ns(n, reads, writes, errors,
                               ts ? ns_of(ts->tv_sec, ts->tv_nsec) : -1));
}
