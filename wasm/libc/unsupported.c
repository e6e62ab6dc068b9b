/* SPDX-License-Identifier: MIT */
/* What libc's stubs say they have done, or fail with for another reason. Most that
 * WASI has no means for is not there at all: programs that call it do not link. */
#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "weak.h"

static int no_such_call(void)
{
    errno = ENOSYS;
    return -1;
}

LIBC_WEAK
int flock(int fd, int operation)
{
    (void)fd;
    (void)operation;
    return no_such_call();
}

LIBC_WEAK
int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path;
    (void)argv;
    (void)envp;
    return no_such_call();
}
