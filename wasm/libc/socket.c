/* SPDX-License-Identifier: MIT */
/* Sending and receiving on stream sockets, and accepting. inet.c makes sockets. */
#include <stdlib.h>
#include <sys/socket.h>

#include "fd-calls.h"
#include "port/wasm-port.h"
#include "wasi.h"
#include "weak.h"

/* A recent call of preview1 that libc's header does not have yet. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("sock_accept")))
__wasi_errno_t wasi_sock_accept(__wasi_fd_t fd, __wasi_fdflags_t flags, __wasi_fd_t *result);

/* Our host's flag of sock_recv and sock_send for MSG_DONTWAIT (ts/src/wasi/calls-data.ts). */
enum { DONT_WAIT = 0x4000 };

static int fails(__wasi_errno_t error)
{
    errno = -wasi_result(error);
    return -1;
}

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
    fd_set_cloexec((int)accepted, flags & SOCK_CLOEXEC);
    if (address && length) {
        uint8_t name[HOST_NAME_BYTES];
        int n = host_fd_call(HOST_SOCK_NAME, (intptr_t)accepted, 1, (intptr_t)name);

        if (n > 0) {
            memcpy(address, name, MIN((socklen_t)n, *length));
            *length = (socklen_t)n;
        }
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

static ssize_t receive(int fd, const struct iovec *iov, size_t n, int flags)
{
    __wasi_roflags_t result;
    __wasi_errno_t error;
    __wasi_size_t got;
    unsigned set = (flags & MSG_PEEK ? __WASI_RIFLAGS_RECV_PEEK : 0) |
                   (flags & MSG_WAITALL ? __WASI_RIFLAGS_RECV_WAITALL : 0) |
                   (flags & MSG_DONTWAIT ? DONT_WAIT : 0);

    if (flags & ~(MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)) {
        return fails(__WASI_ERRNO_INVAL);
    }
    error = __wasi_sock_recv((__wasi_fd_t)fd, (const __wasi_iovec_t *)iov, n,
                             (__wasi_riflags_t)set, &got, &result);
    return error ? fails(error) : (ssize_t)got;
}

/* MSG_NOSIGNAL has no effect, because there are no signals; nor has MSG_MORE. */
static ssize_t transmit(int fd, const struct iovec *iov, size_t n, int flags)
{
    __wasi_errno_t error;
    __wasi_size_t sent;

    if (flags & ~(MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE)) {
        return fails(__WASI_ERRNO_INVAL);
    }
    error = __wasi_sock_send((__wasi_fd_t)fd, (const __wasi_ciovec_t *)iov, n,
                             (__wasi_siflags_t)(flags & MSG_DONTWAIT ? DONT_WAIT : 0), &sent);
    return error ? fails(error) : (ssize_t)sent;
}

LIBC_WEAK
ssize_t recv(int fd, void *data, size_t size, int flags)
{
    return receive(fd, &(struct iovec){ data, size }, 1, flags);
}

LIBC_WEAK
ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return transmit(fd, &(struct iovec){ (void *)data, size }, 1, flags);
}

/* A stream has no address with each piece. */
LIBC_WEAK
ssize_t recvfrom(int fd, void *restrict data, size_t size, int flags,
                 struct sockaddr *restrict address, socklen_t *restrict length)
{
    ssize_t got = recv(fd, data, size, flags);

    if (got >= 0 && address && length) {
        *length = 0;
    }
    return got;
}

LIBC_WEAK
ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
               socklen_t length)
{
    (void)length;
    return address ? fails(__WASI_ERRNO_ISCONN) : send(fd, data, size, flags);
}

LIBC_WEAK
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t got = receive(fd, message->msg_iov, (size_t)message->msg_iovlen, flags);

    if (got >= 0) {
        message->msg_namelen = 0;
        message->msg_controllen = 0;
        message->msg_flags = 0;
    }
    return got;
}

/* Descriptors cannot be sent: there is no other process. */
LIBC_WEAK
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (message->msg_controllen) {
        return fails(__WASI_ERRNO_NOTSUP);
    }
    return transmit(fd, message->msg_iov, (size_t)message->msg_iovlen, flags);
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
