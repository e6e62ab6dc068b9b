/* SPDX-License-Identifier: MIT */
/* Several messages of a socket in one call. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "weak.h"

/* Linux takes no more at once. */
enum { AT_ONCE = 1024, SECOND = 1000000000 };

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

/* As on Linux the time is looked at after each message, and so ends no wait; what is left of it is told to the caller. */
LIBC_WEAK
int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, unsigned flags, struct timespec *timeout)
{
    int64_t end = INT64_MAX;
    unsigned taken = 0;
    bool in_time = true;

    if (timeout) {
        if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= SECOND) {
            errno = EINVAL;
            return -1;
        }
        /* Longer than a century is for ever. */
        if (timeout->tv_sec < INT64_C(1) << 32) {
            end = now_ns() + (int64_t)timeout->tv_sec * SECOND + timeout->tv_nsec;
        }
    }
    for (n = n < AT_ONCE ? n : AT_ONCE; taken < n && in_time; taken++) {
        ssize_t got = recvmsg(fd, &messages[taken].msg_hdr, (int)flags & ~MSG_WAITFORONE);

        if (got < 0) {
            return taken > 0 ? (int)taken : -1;
        }
        messages[taken].msg_len = (unsigned)got;
        if (flags & MSG_WAITFORONE) {
            flags |= MSG_DONTWAIT;
        }
        if (timeout && end != INT64_MAX) {
            int64_t left = end - now_ns();

            in_time = left > 0;
            *timeout = in_time ? (struct timespec){ (time_t)(left / SECOND), (long)(left % SECOND) } : (struct timespec){ 0 };
        }
    }
    return (int)taken;
}

LIBC_WEAK
int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, unsigned flags)
{
    unsigned sent = 0;

    for (n = n < AT_ONCE ? n : AT_ONCE; sent < n; sent++) {
        ssize_t put = sendmsg(fd, &messages[sent].msg_hdr, (int)flags);

        if (put < 0) {
            return sent > 0 ? (int)sent : -1;
        }
        messages[sent].msg_len = (unsigned)put;
    }
    return (int)sent;
}
