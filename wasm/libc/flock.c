/* SPDX-License-Identifier: MIT */
/* flock(), apart from the locks themselves: a program may have a function of that name. */
#include <errno.h>
#include <sys/file.h>

#include "locks.h"
#include "weak.h"

LIBC_WEAK
int flock(int fd, int operation)
{
    short type;
    int ret;

    switch (operation & ~LOCK_NB) {
    case LOCK_SH: type = F_RDLCK; break;
    case LOCK_EX: type = F_WRLCK; break;
    case LOCK_UN: type = F_UNLCK; break;
    default: errno = EINVAL; return -1;
    }
    ret = lock_flock(fd, type, !(operation & LOCK_NB));
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return 0;
}
