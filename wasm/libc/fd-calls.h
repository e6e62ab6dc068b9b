/* SPDX-License-Identifier: MIT */
#ifndef LIBC_FD_CALLS_H
#define LIBC_FD_CALLS_H
/* The calls on descriptors that WASI does not know. */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include "port/fd-table.h"
#include "wasi.h"

/* Sets the flag FD_CLOEXEC. */
void fd_set_cloexec(int fd, bool on);
/* Answers those commands of fcntl() that are the library's. Returns 0 if the command is WASI's. */
int fd_own_fcntl(int fd, int command, int arg, int *result);
/* Sets or clears O_NONBLOCK. Returns 0 or -errno. */
int fd_nonblock(int fd, bool on);

/* Opens an fd for a new WasmOwn, with flags O_NONBLOCK and O_CLOEXEC. On failure, calls release
 * and sets errno. */
static inline int fd_open_own(WasmOwn *own, int flags)
{
    int fd;

    own->nonblock = flags & O_NONBLOCK;
    fd = wasm_own_open(own);
    if (fd < 0) {
        errno = -fd;
        return -1;
    }
    fd_set_cloexec(fd, flags & O_CLOEXEC);
    return fd;
}

/* Whether a socket of the internet is bound, connected, or about to be. */
static inline bool socket_has_port(int fd)
{
    struct sockaddr_in6 name;
    socklen_t length = sizeof(name);

    /* The port is at the same place in both families. */
    return getsockname(fd, (struct sockaddr *)&name, &length) == 0 && name.sin6_port != 0;
}

#endif
