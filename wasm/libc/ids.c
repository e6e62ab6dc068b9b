/* SPDX-License-Identifier: MIT */
/* Numbers that some versions of Emscripten's libc ask JavaScript for, and others make up as here: a program is user 0, on one CPU. */
#include "syscalls.h"
#include "weak.h"

int emscripten_num_logical_cores(void);

LIBC_WEAK
int __syscall_getuid32(void)
{
    return 0;
}

LIBC_WEAK
int __syscall_geteuid32(void)
{
    return 0;
}

LIBC_WEAK
int __syscall_getgid32(void)
{
    return 0;
}

LIBC_WEAK
int __syscall_getegid32(void)
{
    return 0;
}

LIBC_WEAK
int emscripten_num_logical_cores(void)
{
    return 1;
}
