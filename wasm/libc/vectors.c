/* SPDX-License-Identifier: MIT */
/* Reading and writing that Linux has besides POSIX: preadv2(), pwritev2(), copy_file_range(), sendfile(). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fails.h"
#include "qemu/osdep.h"
#include "weak.h"

/* There are no flags. */
LIBC_WEAK
ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
    if (flags != 0) {
        return fails(ENOTSUP);
    }
    return offset == -1 ? readv(fd, iov, n) : preadv(fd, iov, n, offset);
}

LIBC_WEAK
ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
    if (flags != 0) {
        return fails(ENOTSUP);
    }
    return offset == -1 ? writev(fd, iov, n) : pwritev(fd, iov, n, offset);
}

/* Returns 0 if there may be copied between these, otherwise an errno. */
static int cannot_copy(int from, int to)
{
    struct stat one, other;
    int reads = fcntl(from, F_GETFL), writes = fcntl(to, F_GETFL);

    if (reads < 0 || writes < 0 || fstat(from, &one) < 0 || fstat(to, &other) < 0) {
        return errno;
    }
    if (S_ISDIR(one.st_mode) || S_ISDIR(other.st_mode)) {
        return EISDIR;
    }
    if (!S_ISREG(one.st_mode) || !S_ISREG(other.st_mode)) {
        return EINVAL;
    }
    return (reads & O_ACCMODE) == O_WRONLY || (writes & O_ACCMODE) == O_RDONLY || writes & O_APPEND ? EBADF : 0;
}

/* Copies up to size bytes, from and to these offsets, or the descriptors' own, which it advances. Returns how many. */
static ssize_t copy(int from, off_t *from_offset, int to, off_t *to_offset, size_t size)
{
    char data[8192];
    ssize_t done = 0;

    size = MIN(size, 0x7ffff000);
    while ((size_t)done < size) {
        size_t part = MIN(size - (size_t)done, sizeof(data));
        ssize_t got = from_offset ? pread(from, data, part, *from_offset) : read(from, data, part), put;

        if (got <= 0) {
            return done > 0 ? done : got;
        }
        put = to_offset ? pwrite(to, data, (size_t)got, *to_offset) : write(to, data, (size_t)got);
        if (put < got && !from_offset) {
            int error = errno;

            /* What was read and not written is read again. */
            lseek(from, MAX(put, 0) - got, SEEK_CUR);
            errno = error;
        }
        if (put <= 0) {
            return done > 0 ? done : put;
        }
        done += put;
        if (from_offset) {
            *from_offset += put;
        }
        if (to_offset) {
            *to_offset += put;
        }
    }
    return done;
}

LIBC_WEAK
ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t size, unsigned flags)
{
    int error = flags != 0 ? EINVAL : cannot_copy(from, to);

    return error ? fails(error) : copy(from, from_offset, to, to_offset, size);
}

/* Only files can be sent, as on Linux. */
LIBC_WEAK
ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    struct stat stat;
    int reads = fcntl(from, F_GETFL), writes = fcntl(to, F_GETFL);

    if (reads < 0 || writes < 0 || fstat(from, &stat) < 0) {
        return -1;
    }
    if ((reads & O_ACCMODE) == O_WRONLY || (writes & O_ACCMODE) == O_RDONLY) {
        return fails(EBADF);
    }
    if (!S_ISREG(stat.st_mode) || writes & O_APPEND || (offset && *offset < 0)) {
        return fails(EINVAL);
    }
    return copy(from, offset, to, NULL, size);
}
