/* SPDX-License-Identifier: MIT */
/*
 * Makes wasm-ld take those objects of wasm/libc whose functions the toolchain's
 * libraries define, too, weakly and in one object with others. The linker takes an
 * object of an archive when something needs one of its functions. If nothing has needed
 * ours yet when another function of the toolchain's object is needed, the toolchain's
 * definition is used. This file is linked first, and whole. One function of each object
 * is enough; the table itself is left out again, because nothing uses it. Objects with
 * names that C leaves to programs (weak.h) are not listed.
 */
#include <stddef.h>
#include <stdint.h>

int __syscall_fdatasync(int fd);
int __syscall_umask(int mask);
int __syscall_madvise(intptr_t address, size_t length, int advice);
int __syscall_newfstatat(int dirfd, intptr_t path, intptr_t buf, int flags);
/* Beside execve(), whose name is the program's. */
void setjmp_undeclared(void);

const struct {
    int (*file)(int fd);
    int (*mmap)(intptr_t address, size_t length, int advice);
    int (*mode)(int mask);
    int (*stat)(int dirfd, intptr_t path, intptr_t buf, int flags);
    void (*unsupported)(void);
} wasm_libc_first = {
    __syscall_fdatasync, __syscall_madvise, __syscall_umask, __syscall_newfstatat, setjmp_undeclared,
};
