/* SPDX-License-Identifier: MIT */
/* Reading a directory: EBADF for WASI, EISDIR for POSIX. */
#include <limits.h>

#include "port/calls.h"
#include "port/wasm-port.h"
#include "wasi.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_pread")))
__wasi_errno_t wasi_fd_pread(int fd, const __wasi_iovec_t *iovs, size_t n, __wasi_filesize_t offset,
                             __wasi_size_t *done);

__wasi_errno_t __wrap___wasi_fd_pread(int fd, const __wasi_iovec_t *iovs, size_t n,
                                      __wasi_filesize_t offset, __wasi_size_t *done);

/* open() sets it. So a program that opens no files does not contain that function and WASI's call. */
bool (*wasi_is_directory)(int fd);

__wasi_errno_t wasi_read_error(int fd, __wasi_errno_t error)
{
    bool directory = error == __WASI_ERRNO_BADF && wasi_is_directory &&
                     CALL_OWN(wasi_is_directory, fd);

    return directory ? __WASI_ERRNO_ISDIR : error;
}

/* Takes the place of WASI's call in libc's pread() and preadv(); fd-calls.c has that of fd_read. */
__wasi_errno_t __wrap___wasi_fd_pread(int fd, const __wasi_iovec_t *iovs, size_t n,
                                      __wasi_filesize_t offset, __wasi_size_t *done)
{
    return n > IOV_MAX ? __WASI_ERRNO_INVAL : wasi_read_error(fd, wasi_fd_pread(fd, iovs, n, offset, done));
}
