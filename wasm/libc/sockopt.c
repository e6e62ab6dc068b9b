/* SPDX-License-Identifier: MIT */
/*
 * Options of sockets. Flags and numbers are kept in the table of WASI's descriptors, where all threads see them. Of
 * these, the time-outs have an effect; the others are what Node does by itself, or what only tunes.
 */
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "fd-calls.h"
#include "port/wasm-port.h"
#include "weak.h"

/* ts/src/wasi/socket.ts knows the last one by its place. */
static const struct {
    int level, name;
} flags[] = {
    { SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT }, { SOL_SOCKET, SO_KEEPALIVE },
    { SOL_SOCKET, SO_BROADCAST }, { SOL_SOCKET, SO_OOBINLINE }, { SOL_SOCKET, SO_DONTROUTE },
    { IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_CORK }, { IPPROTO_TCP, TCP_QUICKACK },
    { IPPROTO_IPV6, IPV6_V6ONLY },
};

typedef enum { PLAIN, TIMEOUT, SIZE, LINGER } Form;

/* The numbers; ts/src/wasi/socket.ts keeps them in this order, and knows the first two, which are in ms. Each is 0 until it
 * is set, which stands for the other one here. */
static const struct {
    int level, name, unset;
    Form form;
} numbers[] = {
    { SOL_SOCKET, SO_RCVTIMEO, 0, TIMEOUT }, { SOL_SOCKET, SO_SNDTIMEO, 0, TIMEOUT },
    { SOL_SOCKET, SO_SNDBUF, 16384, SIZE }, { SOL_SOCKET, SO_RCVBUF, 131072, SIZE },
    { SOL_SOCKET, SO_LINGER, 0, LINGER }, { SOL_SOCKET, SO_PRIORITY, 0, PLAIN },
    { IPPROTO_TCP, TCP_KEEPIDLE, 7200, PLAIN }, { IPPROTO_TCP, TCP_KEEPINTVL, 75, PLAIN },
    { IPPROTO_TCP, TCP_KEEPCNT, 9, PLAIN }, { IPPROTO_TCP, TCP_USER_TIMEOUT, 0, PLAIN },
    { IPPROTO_TCP, TCP_FASTOPEN, 0, PLAIN }, { IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, PLAIN },
    { IPPROTO_IP, IP_TOS, 0, PLAIN },
};

/* The place of an option in a list; -1 if it is not there. */
#define FIND(list, level_, name_)                                            \
    ({                                                                       \
        int found_ = -1;                                                     \
        for (unsigned i_ = 0; i_ < sizeof(list) / sizeof(list[0]); i_++) {   \
            if (list[i_].level == (level_) && list[i_].name == (name_)) {    \
                found_ = (int)i_;                                            \
            }                                                                \
        }                                                                    \
        found_;                                                              \
    })

/* Returns a time-out in ms, 0 for none, or -errno. */
static int timeout_ms(const struct timeval *time)
{
    if (time->tv_usec < 0 || time->tv_usec >= 1000000) {
        return -EDOM;
    }
    if (time->tv_sec < 0 || time->tv_sec >= INT_MAX / 1000 - 1) {
        return 0;
    }
    return (int)time->tv_sec * 1000 + (int)(time->tv_usec + 999) / 1000;
}

/* Returns what is kept of a number, or -errno. */
static int taken(int n, const void *value, socklen_t length)
{
    size_t needed = numbers[n].form == TIMEOUT ? sizeof(struct timeval)
                    : numbers[n].form == LINGER ? sizeof(struct linger) : sizeof(int);
    int number;

    if (length < needed) {
        return -EINVAL;
    }
    number = *(const int *)value;
    switch (numbers[n].form) {
    case TIMEOUT:
        return timeout_ms(value);
    case LINGER: {
        const struct linger *linger = value;
        return (linger->l_onoff != 0) | MIN((unsigned)linger->l_linger, INT_MAX / 2) << 1;
    }
    case SIZE: {
        /* Linux keeps twice the size, between these limits. */
        int least = numbers[n].name == SO_SNDBUF ? 4608 : 2304;
        return MAX(number < 0 || number > 212992 ? 2 * 212992 : 2 * number, least);
    }
    default:
        return number < 0 || (number == 0 && numbers[n].unset) ? -EINVAL : number;
    }
}

LIBC_WEAK
int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int options = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_OPTIONS, 0);
    int flag = FIND(flags, level, name), n = FIND(numbers, level, name), number;

    if (options < 0) {
        return result_of(options);
    }
    if (n >= 0) {
        number = taken(n, value, length);
        return result_of(number < 0 ? number : host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_NUMBER + 2 * n + 1, number) < 0 ? -EBADF : 0);
    }
    if (flag < 0) {
        return result_of(-ENOPROTOOPT);
    }
    if (length < sizeof(int)) {
        return result_of(-EINVAL);
    }
    if (name == IPV6_V6ONLY && level == IPPROTO_IPV6 && socket_has_port(fd)) {
        return result_of(-EINVAL);
    }
    options = *(const int *)value ? options | 1 << flag : options & ~(1 << flag);
    return result_of(host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_SET_OPTIONS, options));
}

/* Stores a value, cut off at the length that was given. */
static int give(void *value, socklen_t *length, const void *found, size_t size)
{
    *length = MIN(*length, size);
    memcpy(value, found, *length);
    return 0;
}

static int get_number(int fd, int n, void *value, socklen_t *length)
{
    int number = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_NUMBER + 2 * n, 0);

    if (number == 0) {
        number = numbers[n].unset;
    }
    switch (numbers[n].form) {
    case TIMEOUT: {
        struct timeval time = { .tv_sec = number / 1000, .tv_usec = number % 1000 * 1000 };
        return give(value, length, &time, sizeof(time));
    }
    case LINGER: {
        struct linger linger = { .l_onoff = number & 1, .l_linger = number >> 1 };
        return give(value, length, &linger, sizeof(linger));
    }
    default:
        return give(value, length, &number, sizeof(number));
    }
}

LIBC_WEAK
int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
    int domain = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_DOMAIN, 0);
    int flag = FIND(flags, level, name), n = FIND(numbers, level, name), found;

    if (domain < 0) {
        return result_of(domain);
    }
    if (n >= 0) {
        return get_number(fd, n, value, length);
    }
    if (flag >= 0) {
        found = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_OPTIONS, 0) >> flag & 1;
    } else if (level != SOL_SOCKET) {
        return result_of(-ENOPROTOOPT);
    } else if (name == SO_ERROR) {
        found = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_ERROR, 0);
    } else if (name == SO_TYPE) {
        found = SOCK_STREAM;
    } else if (name == SO_DOMAIN) {
        found = domain;
    } else if (name == SO_PROTOCOL) {
        found = domain == AF_UNIX ? 0 : IPPROTO_TCP;
    } else if (name == SO_ACCEPTCONN) {
        found = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_LISTENS, 0);
    } else {
        return result_of(-ENOPROTOOPT);
    }
    return give(value, length, &found, sizeof(found));
}
