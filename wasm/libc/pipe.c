/* SPDX-License-Identifier: MIT */
/* Pipes and pairs of sockets: rings of bytes between threads of the program.
 * WASI has no call for them, but the host of our programs has. */
#include <sys/socket.h>
#include <unistd.h>

#include "port/wasm-port.h"
#include "fd-calls.h"
#include "wasi.h"
#include "weak.h"

static int pair(int *fds, bool sockets, bool nonblock, bool cloexec)
{
    int ret = host_fd_call(HOST_FD_PAIR, (intptr_t)fds, sockets,
                           nonblock ? __WASI_FDFLAGS_NONBLOCK : 0);

    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    fd_set_cloexec(fds[0], cloexec);
    fd_set_cloexec(fds[1], cloexec);
    return 0;
}

LIBC_WEAK
int pipe2(int fds[2], int flags)
{
    if (flags & ~(O_NONBLOCK | O_CLOEXEC)) {
        errno = EINVAL;
        return -1;
    }
    return pair(fds, false, flags & O_NONBLOCK, flags & O_CLOEXEC);
}

LIBC_WEAK
int pipe(int fds[2])
{
    return pair(fds, false, false, false);
}

LIBC_WEAK
int socketpair(int domain, int type, int protocol, int fds[2])
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (domain != AF_UNIX || kind != SOCK_STREAM || (protocol != 0 && protocol != PF_UNIX)) {
        errno = domain == AF_INET || domain == AF_INET6 ? ENOTSUP : domain != AF_UNIX ? EAFNOSUPPORT
                : kind > SOCK_PACKET ? EINVAL : EPROTONOSUPPORT;
        return -1;
    }
    return pair(fds, true, type & SOCK_NONBLOCK, type & SOCK_CLOEXEC);
}
