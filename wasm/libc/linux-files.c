/* SPDX-License-Identifier: MIT */
/* Calls on files that Linux has beside POSIX's, and Emscripten's libc lacks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "fails.h"
#include "syscalls.h"
#include "weak.h"

/* Converts to the times of utimensat(). Returns false if a number of microseconds is none. */
static bool times_of(const struct timeval from[2], struct timespec to[2])
{
    for (int i = 0; i < 2; i++) {
        if (from[i].tv_usec < 0 || from[i].tv_usec >= 1000000) {
            return false;
        }
        to[i] = (struct timespec){ from[i].tv_sec, from[i].tv_usec * 1000 };
    }
    return true;
}

LIBC_WEAK
int futimes(int fd, const struct timeval when[2])
{
    struct timespec times[2];

    return when && !times_of(when, times) ? fails(EINVAL) : futimens(fd, when ? times : NULL);
}

LIBC_WEAK
int lutimes(const char *path, const struct timeval when[2])
{
    struct timespec times[2];

    return when && !times_of(when, times) ? fails(EINVAL)
           : utimensat(AT_FDCWD, path, when ? times : NULL, AT_SYMLINK_NOFOLLOW);
}

LIBC_WEAK
int fallocate(int fd, int mode, off_t offset, off_t length)
{
    int ret = __syscall_fallocate(fd, mode, offset, length);

    return ret < 0 ? fails(-ret) : 0;
}

/* Whether an fd is open for this: 0, or -1 and errno. */
static int check(int fd, bool files_only)
{
    struct stat found;

    if (fstat(fd, &found) < 0) {
        return -1;
    }
    return S_ISREG(found.st_mode) || !files_only ? 0 : fails(S_ISDIR(found.st_mode) ? EINVAL : ESPIPE);
}

/* Advice, which is not followed. */
LIBC_WEAK
ssize_t readahead(int fd, off_t offset, size_t length)
{
    (void)offset;
    (void)length;
    return check(fd, true) < 0 ? fails(errno == ESPIPE ? EINVAL : errno) : 0;
}

LIBC_WEAK
int sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
    if (offset < 0 || length < 0 ||
        flags & ~(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)) {
        return fails(EINVAL);
    }
    return check(fd, true) < 0 ? -1 : fdatasync(fd);
}

/* What was written is with the host already, as it is after sync(). */
LIBC_WEAK
int syncfs(int fd)
{
    return check(fd, false);
}
