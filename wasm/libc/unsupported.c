/* SPDX-License-Identifier: MIT */
/* Functions for which libc's stubs report success, or a misleading error. Most of
 * what WASI has no means for is missing altogether: programs that call it do not
 * link. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "port/port.h"
#include "weak.h"

static int no_such_call(void)
{
    errno = ENOSYS;
    return -1;
}

/* There is no shell. */
LIBC_WEAK
int system(const char *command)
{
    return command ? no_such_call() : 0;
}

LIBC_WEAK
FILE *popen(const char *command, const char *mode)
{
    bool known = (*mode == 'r' || *mode == 'w') && (mode[1] == '\0' || (mode[1] == 'e' && mode[2] == '\0'));

    (void)command;
    errno = known ? ENOSYS : EINVAL;
    return NULL;
}

LIBC_WEAK
int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path;
    (void)argv;
    (void)envp;
    return no_such_call();
}

/* WASI does not tell how large a file system is. */
LIBC_WEAK
int statfs(const char *path, struct statfs *result)
{
    (void)path;
    (void)result;
    return no_such_call();
}

LIBC_WEAK
int fstatfs(int fd, struct statfs *result)
{
    (void)fd;
    (void)result;
    return no_such_call();
}

LIBC_WEAK
int statvfs(const char *restrict path, struct statvfs *restrict result)
{
    (void)path;
    (void)result;
    return no_such_call();
}

LIBC_WEAK
int fstatvfs(int fd, struct statvfs *result)
{
    (void)fd;
    (void)result;
    return no_such_call();
}

/* What a call of setjmp or longjmp becomes that was not declared with its types: a probe of
 * configure, which links it and does not run it. */
void setjmp_undeclared(void);
void setjmp_undeclared(void)
{
    port_panic("setjmp and longjmp must be declared: include <setjmp.h>");
}
