/* SPDX-License-Identifier: MIT */
#ifndef FAIL_H
#define FAIL_H
/*
 * Makes the n-th call of a kind fail, to prove that whoever made it copes. The linker
 * puts these hooks in the way (--wrap, in the Makefile): the product has none.
 */
#include "qemu/osdep.h"

typedef enum FailKind {
    FAIL_MEMORY,               /* malloc and its kin, natively also mmap: ENOMEM */
    FAIL_THREAD,               /* starting a thread: EAGAIN */
    FAIL_THREAD_LATE,          /* the same, told later in another thread (port_thread_start) */
    FAIL_FD,                   /* making an event, a ready set, a ring, a queue: EMFILE */
    FAIL_IO,                   /* an operation on a file, or handing it over: EIO */
    FAIL_BUSY,                 /* the same, which works when it is tried again: EAGAIN */
    FAIL_KINDS
} FailKind;

/* From now on the n-th call of that kind fails (1: the next one), and with `on` all
 * that follow it. 0: none does. */
void fail_nth(FailKind kind, unsigned n, bool on);
/* Whether that call has come. */
bool fail_has_come(FailKind kind);
/* The errno of what fails since the last fail_nth(), as a caller of the library sees it; 0 if nothing
 * does, or if the library tries again. */
int fail_errno(void);
/* What a hook asks. */
bool fail_now(FailKind kind);
/* What has been got and not given back: pieces, in WebAssembly bytes. */
size_t fail_memory_in_use(void);

#endif
