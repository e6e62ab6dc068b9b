/* SPDX-License-Identifier: MIT */
/*
 * The locks of stdio, and libc's other internal locks.
 *
 * The libc that Emscripten builds without pthreads still calls musl's __lockfile() and
 * __lock() in all the right places, but these do nothing, and every stream is marked as
 * needing no lock. So four things are done here: a lock behind __lockfile() (linked
 * instead of libc's); one behind __lock() (by wasm-ld --wrap, since libc's is in an
 * object with other functions); the marks of the streams; and getc() and putc(), in
 * which musl handles a stream's lock itself, by operations that are not atomic in this
 * libc.
 *
 * Each stream has a lock of its own, so a thread that waits for input keeps no other
 * thread from another stream. A thread that walks the list of all streams, in exit() or
 * fflush(NULL), does not wait for a stream that is being read, since nothing has to be
 * written there. sprintf() and similar functions use a stream of their own, which stays
 * unmarked and takes no lock.
 */
#include <stdio.h>

#include "port/wasm-port.h"
#include "sync/thread.h"
#include "weak.h"

/*
 * The part of musl's struct _IO_FILE that is used here. Its layout has been the same
 * since 2011; mark_streams() checks it by what the three standard streams hold. The
 * last two members are musl's list of the streams that flockfile() has locked, which is
 * not used otherwise.
 */
typedef struct Stream {
    unsigned flags;
    unsigned char *rpos, *rend;
    int (*close)(FILE *file);
    unsigned char *wend;        /* NULL: the stream is not being written */
    unsigned char *wpos, *mustbezero_1, *wbase;
    void *functions[3];
    unsigned char *buf;
    size_t buf_size;
    FILE *prev, *next;
    int fd;
    int pipe_pid;
    long lockcount;             /* calls of flockfile */
    int mode;
    volatile int lock;          /* -1: never locked */
    int lbf;
    void *cookie;
    int64_t off;
    char *getln_buf;
    void *mustbezero_2;
    unsigned char *shend;
    int64_t shlim, shcnt;
    void *owner;                /* the thread that holds the lock */
    QemuMutex mutex;            /* all zeros: unlocked */
} Stream;
_Static_assert(sizeof(QemuMutex) == sizeof(FILE *), "it has the place of a pointer");

/* Called by musl before it uses a stream; returns 1 to have __unlockfile() called. */
int __lockfile(FILE *file);
void __unlockfile(FILE *file);
FILE **__real___ofl_lock(void);
FILE **__wrap___ofl_lock(void);
void __real___ofl_unlock(void);
void __wrap___ofl_unlock(void);
void __wrap___lock(volatile int *word);
void __wrap___unlock(volatile int *word);

/* True while this thread has locked the list of all streams. */
static _Thread_local bool has_list;
static FILE **list;

int __lockfile(FILE *file)
{
    Stream *stream = (Stream *)file;

    if (qatomic_read(&stream->owner) == thread_self()) {
        return 0;
    }
    if (qemu_mutex_trylock(&stream->mutex)) {
        if (has_list && !qatomic_read(&stream->wend)) {
            return 0;
        }
        qemu_mutex_lock(&stream->mutex);
    }
    qatomic_set(&stream->owner, thread_self());
    return 1;
}

void __unlockfile(FILE *file)
{
    Stream *stream = (Stream *)file;

    qatomic_set(&stream->owner, NULL);
    qemu_mutex_unlock(&stream->mutex);
}

FILE **__wrap___ofl_lock(void)
{
    list = __real___ofl_lock();
    has_list = true;
    return list;
}

void __wrap___ofl_unlock(void)
{
    has_list = false;
    __real___ofl_unlock();
}

void __wrap___lock(volatile int *word)
{
    qemu_mutex_lock((QemuMutex *)word);
}

void __wrap___unlock(volatile int *word)
{
    qemu_mutex_unlock((QemuMutex *)word);
}

/*
 * Under their own names, too: otherwise the linker takes in libc's object before it replaces the calls, and that has functions that a
 * program may define itself (sem_wait, for instance).
 */
void __lock(volatile int *word);
void __unlock(volatile int *word);
LIBC_TYPE(__lock);
LIBC_TYPE(__unlock);

static void unlock_own(FILE *file)
{
    if (((Stream *)file)->owner == thread_self()) {
        __unlockfile(file);
    }
}

/* Called when a thread has left by exit(), which has flushed the streams and keeps them
 * locked, as if the program were over: other threads go on. */
void wasm_unlock_after_exit(void)
{
    if (!has_list) {
        return;
    }
    for (FILE *file = *list; file; file = ((Stream *)file)->next) {
        unlock_own(file);
    }
    unlock_own(stdin);
    unlock_own(stdout);
    unlock_own(stderr);
    __wrap___ofl_unlock();
}

/* ---- The program's own functions ---- */

/* libc's would not wait, since it takes all threads for one. */
LIBC_WEAK
void flockfile(FILE *file)
{
    __lockfile(file);
    ((Stream *)file)->lockcount++;
}

LIBC_WEAK
void funlockfile(FILE *file)
{
    if (--((Stream *)file)->lockcount == 0) {
        __unlockfile(file);
    }
}

LIBC_WEAK
int ftrylockfile(FILE *file)
{
    Stream *stream = (Stream *)file;

    if (qatomic_read(&stream->owner) != thread_self()) {
        if (qemu_mutex_trylock(&stream->mutex)) {
            return -1;
        }
        qatomic_set(&stream->owner, thread_self());
    }
    stream->lockcount++;
    return 0;
}

LIBC_WEAK
int fgetc(FILE *file)
{
    int locked = ((Stream *)file)->lock >= 0 ? __lockfile(file) : 0;
    int c = getc_unlocked(file);

    if (locked) {
        __unlockfile(file);
    }
    return c;
}

LIBC_WEAK
int fputc(int c, FILE *file)
{
    int locked = ((Stream *)file)->lock >= 0 ? __lockfile(file) : 0;

    c = putc_unlocked(c, file);
    if (locked) {
        __unlockfile(file);
    }
    return c;
}

LIBC_WEAK
int getc(FILE *file)
{
    return fgetc(file);
}

LIBC_WEAK
int getchar(void)
{
    return fgetc(stdin);
}

LIBC_WEAK
int putc(int c, FILE *file)
{
    return fputc(c, file);
}

LIBC_WEAK
int putchar(int c)
{
    return fputc(c, stdout);
}

/* ---- Marking the streams ---- */

/* The start of musl's struct __libc: streams that are opened while `threaded` is set
 * are marked at once. */
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
