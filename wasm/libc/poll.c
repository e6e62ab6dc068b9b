/* SPDX-License-Identifier: MIT */
/* poll() and select() by poll_oneoff, with a subscription for each direction of each
 * descriptor and one for the time. */
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>

#include "wait.h"
#include "wasi.h"
#include "weak.h"

enum { ON_STACK = 32 };

static __wasi_errno_t poll_once(struct pollfd *fds, int n, int64_t timeout_ns,
                                __wasi_subscription_t *in, __wasi_event_t *out,
                                int *ready)
{
    unsigned wanted = 0;
    __wasi_size_t count = 0;
    __wasi_errno_t error;

    for (int i = 0; i < n; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0) {
            continue;
        }
        /* A descriptor without events still reports errors, so it is subscribed for
         * reading. */
        if (fds[i].events & (POLLIN | POLLRDNORM)) {
            in[wanted++] = (__wasi_subscription_t){
                .userdata = (__wasi_userdata_t)i, .type = __WASI_EVENTTYPE_FD_READ,
                .u.fd_readwrite.file_descriptor = (__wasi_fd_t)fds[i].fd,
            };
        }
        if (fds[i].events & (POLLOUT | POLLWRNORM)) {
            in[wanted++] = (__wasi_subscription_t){
                .userdata = (__wasi_userdata_t)i, .type = __WASI_EVENTTYPE_FD_WRITE,
                .u.fd_readwrite.file_descriptor = (__wasi_fd_t)fds[i].fd,
            };
        }
    }
    if (timeout_ns >= 0 || wanted == 0) {
        in[wanted++] = (__wasi_subscription_t){
            .type = __WASI_EVENTTYPE_CLOCK,
            .u.clock = { .id = __WASI_CLOCKID_MONOTONIC,
                         .timeout = timeout_ns >= 0 ? (uint64_t)timeout_ns
                                                    : UINT64_MAX / 2 },
        };
    }
    error = __wasi_poll_oneoff(in, out, wanted, &count);
    for (unsigned i = 0; !error && i < count; i++) {
        struct pollfd *fd = &fds[out[i].userdata];
        bool reads = out[i].type == __WASI_EVENTTYPE_FD_READ;
        if (out[i].type == __WASI_EVENTTYPE_CLOCK) {
            continue;
        }
        if (out[i].error == __WASI_ERRNO_BADF) {
            fd->revents |= POLLNVAL;
        } else if (out[i].error) {
            fd->revents |= POLLERR;
        } else if (out[i].u.fd_readwrite.flags & __WASI_EVENTRWFLAGS_FD_READWRITE_HANGUP) {
            /* What was sent before can still be read, followed by the end. */
            fd->revents |= POLLHUP | (reads ? POLLIN : 0);
        } else {
            fd->revents |= reads ? POLLIN : POLLOUT;
        }
        fd->revents &= (short)(fd->events | POLLERR | POLLHUP | POLLNVAL);
    }
    *ready = 0;
    for (int i = 0; i < n; i++) {
        *ready += fds[i].revents != 0;
    }
    return error;
}

/* Returns the number of ready descriptors, or -errno. */
static int poll_ns(struct pollfd *fds, int n, int64_t timeout_ns)
{
    __wasi_subscription_t some_in[ON_STACK], *in = some_in;
    __wasi_event_t some_out[ON_STACK], *out = some_out;
    size_t most = 2 * (size_t)n + 1;
    __wasi_errno_t error;
    int ready;

    if (n < 0) {
        return -EINVAL;
    }
    if (most > ON_STACK) {
        in = malloc(most * sizeof(*in));
        out = malloc(most * sizeof(*out));
    }
    error = in && out ? poll_once(fds, n, timeout_ns, in, out, &ready)
                      : __WASI_ERRNO_NOMEM;
    if (most > ON_STACK) {
        free(in);
        free(out);
    }
    return error ? wasi_result(error) : ready;
}

int __syscall_poll(intptr_t fds, int n, int timeout)
{
    return poll_ns((struct pollfd *)fds, n,
                   timeout < 0 ? -1 : timeout * INT64_C(1000000));
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
    ret = poll_ns(fds, used, timeout_ns);
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

static int result_of(int ret)
{
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return ret;
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

/* The signal mask is ignored: there are no signals. */
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
