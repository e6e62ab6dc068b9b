/* SPDX-License-Identifier: MIT */
#ifndef WASM_FD_OBJECT_H
#define WASM_FD_OBJECT_H
/* The table of fds, for the files that implement it. */
#include "fd-table.h"
#include "qemu/atomic.h"

enum { MAX_WATCHERS = WASM_MAX_WATCHERS, WATCHER_WORDS = MAX_WATCHERS / 32, FD_CHUNK = 1024 };

/* FD_HOST: a descriptor of WASI, which JavaScript knows. FD_OWN: one of the library's own, of
 * which WASI knows only the number. */
typedef enum { FD_FREE, FD_EVENT, FD_HOST, FD_OWN } FdKind;

typedef struct FdObject {
    uint16_t kind;
    uint16_t timed;                       /* FD_EVENT: its loop watches timers */
    uint32_t word;                        /* FD_EVENT: EVENT_... */
    uint32_t watchers[WATCHER_WORDS];
    WasmOwn *own;                         /* FD_OWN; under the lock of the table */
} FdObject;
_Static_assert(sizeof(FdObject) == 64, "one cache line");

extern FdObject *fd_chunks[WASM_MAX_FDS / FD_CHUNK];

FdObject *fd_get(int fd);
/* Returns the object of an fd, of this kind if it was free; NULL if there is no memory. */
FdObject *fd_make(int fd, FdKind kind);
/* Nobody watches it any more. Under the lock of the table. */
void fd_free(FdObject *object);
void fd_lock_table(void);
void fd_unlock_table(void);
/* Some of the events may be true of fd now: tells those that watch it. */
void fd_wake(FdObject *object, int fd, int events);
/* fd-own.c: wasm_fd_revents() of an FD_OWN. */
int fd_own_revents(int fd, int events);

#endif
