/* SPDX-License-Identifier: MIT */
/* Functions for which libc's stubs report success, or a misleading error. Most of
 * what WASI has no means for is missing altogether: programs that call it do not
 * link. */
#include <errno.h>
#include <stddef.h>
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
int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path;
    (void)argv;
    (void)envp;
    return no_such_call();
}

/* What a call of setjmp or longjmp becomes that was not declared with its types: a probe of
 * configure, which links it and does not run it. */
void setjmp_undeclared(void);
void setjmp_undeclared(void)
{
    port_panic("setjmp and longjmp must be declared: include <setjmp.h>");
}
