/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets that the program was given, and those that they accept. WASI preview1
 * cannot create any: socket(), bind(), listen() and connect() do not exist, and a program
 * that calls them does not link.
 */
#include <sys/socket.h>

#include "wasi.h"
#include "weak.h"

/* A recent call of preview1 that libc's header does not have yet. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("sock_accept")))
__wasi_errno_t wasi_sock_accept(__wasi_fd_t fd, __wasi_fdflags_t flags, __wasi_fd_t *result);

static int fails(__wasi_errno_t error)
{
    errno = -wasi_result(error);
    return -1;
}

/* WASI does not tell the address of the peer. */
static int take(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    __wasi_fd_t accepted;
    __wasi_errno_t error;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
        return fails(__WASI_ERRNO_INVAL);
    }
    error = wasi_sock_accept((__wasi_fd_t)fd,
                             flags & SOCK_NONBLOCK ? __WASI_FDFLAGS_NONBLOCK : 0,
                             &accepted);
    if (error) {
        return fails(error);
    }
    if (address && length) {
        if (*length >= sizeof(sa_family_t)) {
            address->sa_family = AF_UNSPEC;
        }
        *length = sizeof(sa_family_t);
    }
    return (int)accepted;
}

LIBC_WEAK
int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length,
            int flags)
{
    return take(fd, address, length, flags);
}

LIBC_WEAK
int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return take(fd, address, length, 0);
}

LIBC_WEAK
ssize_t recv(int fd, void *data, size_t size, int flags)
{
    __wasi_iovec_t vector = { data, size };
    __wasi_roflags_t result;
    __wasi_errno_t error;
    __wasi_size_t got;

    if (flags & ~(MSG_PEEK | MSG_WAITALL)) {
        return fails(__WASI_ERRNO_INVAL);
    }
    error = __wasi_sock_recv(
        (__wasi_fd_t)fd, &vector, 1,
        (__wasi_riflags_t)((flags & MSG_PEEK ? __WASI_RIFLAGS_RECV_PEEK : 0) |
                           (flags & MSG_WAITALL ? __WASI_RIFLAGS_RECV_WAITALL : 0)),
        &got, &result);
    return error ? fails(error) : (ssize_t)got;
}

/* MSG_NOSIGNAL has no effect: there are no signals. */
LIBC_WEAK
ssize_t send(int fd, const void *data, size_t size, int flags)
{
    __wasi_ciovec_t vector = { data, size };
    __wasi_errno_t error;
    __wasi_size_t sent;

    if (flags & ~MSG_NOSIGNAL) {
        return fails(__WASI_ERRNO_INVAL);
    }
    error = __wasi_sock_send((__wasi_fd_t)fd, &vector, 1, 0, &sent);
    return error ? fails(error) : (ssize_t)sent;
}

LIBC_WEAK
int shutdown(int fd, int how)
{
    __wasi_errno_t error;

    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) {
        return fails(__WASI_ERRNO_INVAL);
    }
    error = __wasi_sock_shutdown((__wasi_fd_t)fd, (__wasi_sdflags_t)(how + 1));
    return error ? fails(error) : 0;
}
