/* SPDX-License-Identifier: MIT */
/*
 * Makes wasm-ld take the objects of wasm/libc that hold functions which the toolchain's
 * libraries define, too, weakly and in one object with others. An archive's object is
 * taken when something asks for one of its functions; if nothing has asked for ours yet
 * when another function of the toolchain's object is needed, theirs is the definition.
 * This file is linked whole and first. One function of each object is enough; the table
 * itself is left out again, as nobody uses it. Such objects have no names that C leaves
 * to programs (weak.h).
 */
#include <stdint.h>

int __syscall_fdatasync(int fd);
int __syscall_faccessat(int dirfd, intptr_t path, int mode, int flags);

const struct {
    int (*file)(int fd);
    int (*stat)(int dirfd, intptr_t path, int mode, int flags);
} wasm_libc_first = { __syscall_fdatasync, __syscall_faccessat };
