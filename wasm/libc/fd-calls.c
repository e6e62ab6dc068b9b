/* SPDX-License-Identifier: MIT */
/*
 * The WASI calls on descriptors that libc makes, in read(), write(), close() and stdio (wasm-ld
 * --wrap). For the library's own descriptors they are answered here, the others go on to WASI.
 */
#include <limits.h>
#include <sys/ioctl.h>

#include "fd-calls.h"
#include "port/calls.h"
#include "port/wasm-port.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_read")))
__wasi_errno_t wasi_fd_read(int fd, const __wasi_iovec_t *iovs, size_t n, __wasi_size_t *done);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write")))
__wasi_errno_t wasi_fd_write(int fd, const __wasi_ciovec_t *iovs, size_t n, __wasi_size_t *done);

__wasi_errno_t __wrap___wasi_fd_read(int fd, const __wasi_iovec_t *iovs, size_t n,
                                     __wasi_size_t *done);
__wasi_errno_t __wrap___wasi_fd_write(int fd, const __wasi_ciovec_t *iovs, size_t n,
                                      __wasi_size_t *done);
__wasi_errno_t __wrap___wasi_fd_close(int fd);

typedef int Transfer(WasmOwn *own, void *data, size_t size);

/* All that the library's own descriptors transfer is a number of 8 bytes, from the first buffer that
 * is not empty. Waits unless the descriptor must not. */
static int transfer(WasmOwn *own, Transfer *fn, const __wasi_iovec_t *iovs, size_t n)
{
    int ret;

    while (n > 1 && iovs->buf_len == 0) {
        iovs++;
        n--;
    }
    if (!fn || n == 0) {
        return -EINVAL;
    }
    for (;;) {
        uint32_t seen = qatomic_mb_read(&own->changed);

        ret = CALL_OWN(fn, own, iovs->buf, iovs->buf_len);
        if (ret != -EAGAIN || qatomic_read(&own->nonblock)) {
            return ret;
        }
        wasm_own_sleep(own, seen, own->ops->timed ? wasm_until_timer(-1) : -1);
    }
}

static __wasi_errno_t answer(WasmOwn *own, Transfer *fn, const __wasi_iovec_t *iovs, size_t n,
                             __wasi_size_t *done)
{
    int ret = transfer(own, fn, iovs, n);

    wasm_own_put(own);
    *done = (__wasi_size_t)MAX(ret, 0);
    return (__wasi_errno_t)MAX(-ret, 0);
}

__wasi_errno_t __wrap___wasi_fd_read(int fd, const __wasi_iovec_t *iovs, size_t n,
                                     __wasi_size_t *done)
{
    WasmOwn *own = wasm_own_get(fd);

    return own ? answer(own, own->ops->read, iovs, n, done)
           : n > IOV_MAX ? __WASI_ERRNO_INVAL : wasi_read_error(fd, wasi_fd_read(fd, iovs, n, done));
}

__wasi_errno_t __wrap___wasi_fd_write(int fd, const __wasi_ciovec_t *iovs, size_t n,
                                      __wasi_size_t *done)
{
    WasmOwn *own = wasm_own_get(fd);

    return own ? answer(own, (Transfer *)own->ops->write, (const __wasi_iovec_t *)iovs, n, done)
           : n > IOV_MAX ? __WASI_ERRNO_INVAL : wasi_fd_write(fd, iovs, n, done);
}

__wasi_errno_t __wrap___wasi_fd_close(int fd)
{
    fd_set_cloexec(fd, false);
    wasm_fd_closing(fd);
    return wasi_fd_close(fd);
}

/* ---- dup, and FD_CLOEXEC, which only F_GETFD sees: there is no exec() ---- */

static uint32_t cloexec[WASM_FIRST_EVENT_FD / 32];

void fd_set_cloexec(int fd, bool on)
{
    uint32_t bit = 1u << (fd % 32);

    if (fd < 0 || fd >= WASM_FIRST_EVENT_FD) {
        return;
    }
    if (on) {
        qatomic_or(&cloexec[fd / 32], bit);
    } else if (qatomic_read(&cloexec[fd / 32]) & bit) {
        qatomic_and(&cloexec[fd / 32], ~bit);
    }
}

static bool has_cloexec(int fd)
{
    return qatomic_read(&cloexec[fd / 32]) & 1u << (fd % 32);
}

static int dup_fd(int fd, int minimum, int to, bool close_on_exec)
{
    int made = wasm_fd_dup(fd, minimum, to);

    if (made >= 0) {
        fd_set_cloexec(made, close_on_exec);
    }
    return made;
}

int __syscall_dup(int fd)
{
    return dup_fd(fd, 0, -1, false);
}

int __syscall_dup3(int from, int to, int flags)
{
    if (from == to || flags & ~O_CLOEXEC) {
        return -EINVAL;
    }
    if (to < 0 || to >= WASM_FIRST_EVENT_FD) {
        return -EBADF;
    }
    return dup_fd(from, 0, to, flags & O_CLOEXEC);
}

int fd_own_fcntl(int fd, int command, int arg, int *result)
{
    WasmOwn *own;

    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        *result = dup_fd(fd, arg, -1, command == F_DUPFD_CLOEXEC);
        return 1;
    case F_GETFD:
        *result = wasm_fd_revents(fd, 0) == PORT_POLLNVAL ? -EBADF
                  : has_cloexec(fd) ? FD_CLOEXEC : 0;
        return 1;
    case F_SETFD:
        *result = wasm_fd_revents(fd, 0) == PORT_POLLNVAL ? -EBADF : 0;
        if (*result == 0) {
            fd_set_cloexec(fd, arg & FD_CLOEXEC);
        }
        return 1;
    default:
        break;
    }
    own = wasm_own_get(fd);
    if (!own) {
        return 0;
    }
    switch (command) {
    case F_GETFL:
        *result = O_RDWR | (qatomic_read(&own->nonblock) ? O_NONBLOCK : 0);
        break;
    case F_SETFL:
        qatomic_set(&own->nonblock, arg & O_NONBLOCK);
        *result = 0;
        break;
    default:
        *result = -EINVAL;
        break;
    }
    wasm_own_put(own);
    return 1;
}

int fd_nonblock(int fd, bool on)
{
    WasmOwn *own = wasm_own_get(fd);
    __wasi_fdstat_t stat;
    __wasi_errno_t error;

    if (own) {
        qatomic_set(&own->nonblock, on);
        wasm_own_put(own);
        return 0;
    }
    error = __wasi_fd_fdstat_get(fd, &stat);
    if (!error) {
        error = __wasi_fd_fdstat_set_flags(
            fd, (__wasi_fdflags_t)(on ? stat.fs_flags | __WASI_FDFLAGS_NONBLOCK
                                      : stat.fs_flags & ~__WASI_FDFLAGS_NONBLOCK));
    }
    return wasi_result(error);
}
