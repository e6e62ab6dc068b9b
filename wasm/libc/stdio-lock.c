/* SPDX-License-Identifier: MIT */
/*
 * The locks of stdio, and libc's other internal locks.
 *
 * The libc that Emscripten builds without pthreads still has musl's calls of
 * __lockfile() and __lock() at every right place, but with nothing behind them,
 * and marks every stream as one that needs no lock. So three things are done
 * here: a lock behind __lockfile (linked in the place of libc's), one behind
 * __lock (wasm-ld --wrap: libc's stands in an object with other functions), and
 * the streams' marks.
 *
 * One recursive lock serves all: a stream's function may call another's
 * (fflush(NULL), exit), and two locks would need an order. sprintf() and its
 * kind work on a stream of their own that stays unmarked and takes no lock.
 */
#include <stdio.h>

#include "port/wasm-port.h"
#include "sync/thread.h"
#include "weak.h"

/* Zero is an unlocked QemuRecMutex. */
static QemuRecMutex libc_lock;

/* musl's; 1 means: call __unlockfile. */
int __lockfile(FILE *stream);
void __unlockfile(FILE *stream);
void __wrap___lock(volatile int *word);
void __wrap___unlock(volatile int *word);

int __lockfile(FILE *stream)
{
    (void)stream;
    qemu_rec_mutex_lock(&libc_lock);
    return 1;
}

void __unlockfile(FILE *stream)
{
    (void)stream;
    qemu_rec_mutex_unlock(&libc_lock);
}

void __wrap___lock(volatile int *word)
{
    (void)word;
    qemu_rec_mutex_lock(&libc_lock);
}

void __wrap___unlock(volatile int *word)
{
    (void)word;
    qemu_rec_mutex_unlock(&libc_lock);
}

/* The program's own: libc's would not wait, all its threads being one to it. */
LIBC_WEAK
void flockfile(FILE *stream)
{
    __lockfile(stream);
}

LIBC_WEAK
void funlockfile(FILE *stream)
{
    __unlockfile(stream);
}

LIBC_WEAK
int ftrylockfile(FILE *stream)
{
    (void)stream;
    return qemu_rec_mutex_trylock(&libc_lock) ? -1 : 0;
}

/* A thread has left by exit(), which has flushed the streams and keeps them locked, for
 * the program would be over: others go on. */
void wasm_unlock_after_exit(void)
{
    while (libc_lock.owner == thread_self()) {
        qemu_rec_mutex_unlock(&libc_lock);
    }
}

/* --- Marking the streams ---------------------------------------------------- */

/*
 * The part of musl's struct _IO_FILE that is used here. The layout has been the
 * same since 2011; that it is still so is seen from what the three standard
 * streams hold.
 */
typedef struct Stream {
    void *before[15];
    int fd;
    int pipe_pid;
    long lockcount;
    int mode;
    volatile int lock;          /* -1: never locked */
} Stream;

/* The start of musl's struct __libc: streams that are opened while `threaded` is
 * set are marked at once. */
extern struct {
    char can_do_threads;
    char threaded;
} __libc;

static void mark(FILE *file, int fd)
{
    Stream *stream = (Stream *)file;

    if (stream->fd != fd || stream->lock != -1) {
        port_panic("libc's FILE is not laid out as wasm/libc/stdio-lock.c expects");
    }
    stream->lock = 0;
}

/* Runs in the first thread, before any other is started. */
__attribute__((constructor)) static void mark_streams(void)
{
    __libc.threaded = 1;
    mark(stdin, 0);
    mark(stdout, 1);
    mark(stderr, 2);
}
