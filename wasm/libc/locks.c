/* SPDX-License-Identifier: MIT */
/*
 * Locks of files: fcntl() and flock(). They are kept here, because WASI and Node have none, so they hold among
 * the program's own threads and descriptors only.
 *
 * A lock belongs to the program (F_SETLK), which does not conflict with itself, or to an open file description
 * (F_OFD_SETLK, flock()), whose number the host knows. Those of flock() do not see the others.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "locks.h"
#include "port/fd-table.h"
#include "port/wasm-port.h"

/* The owner of what F_SETLK locks; others are the numbers of open file descriptions. */
#define THE_PROGRAM (-1)
#define END_OF_ALL INT64_MAX

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct Lock {
    struct Lock *next;
    FileId file;
    bool flock;
    int owner;
    short type;                      /* F_RDLCK or F_WRLCK */
    off_t start, end;                /* the first and the last byte */
} Lock;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t removed = PTHREAD_COND_INITIALIZER;
static Lock *locks;

/* Finds out what fd is. Returns 0 or -errno. */
static int identify(int fd, FileId *file, int *description)
{
    struct stat stat;
    int ret = __syscall_fstat64(fd, (intptr_t)&stat);

    *description = ret < 0 ? ret : host_fd_call(HOST_FD_SERIAL, fd, 0, 0);
    if (*description < 0) {
        return *description;
    }
    /* What is no file, such as a pipe, has no inode. */
    *file = stat.st_ino ? (FileId){ stat.st_dev, stat.st_ino } : (FileId){ UINT64_MAX, (uint64_t)*description };
    return 0;
}

static bool about(const Lock *lock, const Lock *other)
{
    return lock->flock == other->flock && lock->file.dev == other->file.dev && lock->file.ino == other->file.ino;
}

/* Returns the first lock that keeps its owner from having this one, or NULL. */
static Lock *conflict(const Lock *wanted)
{
    Lock *found = NULL;

    for (Lock *lock = locks; lock; lock = lock->next) {
        if (about(lock, wanted) && lock->owner != wanted->owner && lock->start <= wanted->end &&
            wanted->start <= lock->end && (lock->type == F_WRLCK || wanted->type == F_WRLCK) &&
            (!found || lock->start < found->start)) {
            found = lock;
        }
    }
    return found;
}

static void add(Lock *lock)
{
    lock->next = locks;
    locks = lock;
}

/* Sets the type of a range, or frees it (F_UNLCK). Returns 0 or -ENOLCK. */
static int set(Lock change)
{
    /* The lock itself, and what is left behind a hole in another one. */
    Lock *made = malloc(sizeof(*made)), *rest = malloc(sizeof(*rest));

    if (!made || !rest) {
        free(made);
        free(rest);
        return -ENOLCK;
    }
    for (Lock **at = &locks, *lock; (lock = *at);) {
        bool same = about(lock, &change) && lock->owner == change.owner;
        if (same && lock->type == change.type &&
            (lock->start <= change.start ? lock->end >= change.start - 1
                                         : change.end == END_OF_ALL || lock->start <= change.end + 1)) {
            /* Joins what it touches. */
            change.start = lock->start < change.start ? lock->start : change.start;
            change.end = lock->end > change.end ? lock->end : change.end;
        } else if (!same || lock->end < change.start || change.end < lock->start) {
            at = &lock->next;
            continue;
        } else if (lock->start < change.start && change.end < lock->end) {
            *rest = *lock;
            rest->start = change.end + 1;
            lock->end = change.start - 1;
            add(rest);
            rest = NULL;
            break;
        } else if (lock->start < change.start || change.end < lock->end) {
            if (lock->start < change.start) {
                lock->end = change.start - 1;
            } else {
                lock->start = change.end + 1;
            }
            at = &lock->next;
            continue;
        }
        *at = lock->next;
        free(lock);
    }
    free(rest);
    if (change.type == F_UNLCK) {
        free(made);
    } else {
        *made = change;
        add(made);
    }
    pthread_cond_broadcast(&removed);
    return 0;
}

/* Locks or unlocks; waits if it must not fail. Returns 0 or -errno. */
static int apply(const Lock *wanted, bool wait)
{
    int ret = 0;

    pthread_mutex_lock(&mutex);
    while (wanted->type != F_UNLCK && conflict(wanted)) {
        if (!wait) {
            ret = -EAGAIN;
            break;
        }
        pthread_cond_wait(&removed, &mutex);
    }
    ret = ret < 0 ? ret : set(*wanted);
    pthread_mutex_unlock(&mutex);
    return ret;
}

/* Called before fd is closed: the program's own locks of the file are gone with any of its descriptors, those of a
 * description with its last one. */
static void closing(int fd)
{
    FileId file;
    int description;
    bool last;

    if (identify(fd, &file, &description) < 0) {
        return;
    }
    last = host_fd_call(HOST_FD_ALIAS, fd, 0, 0) < 0;
    pthread_mutex_lock(&mutex);
    for (Lock **at = &locks, *lock; (lock = *at);) {
        if (lock->file.dev == file.dev && lock->file.ino == file.ino &&
            (lock->owner == THE_PROGRAM || (last && lock->owner == description))) {
            *at = lock->next;
            free(lock);
        } else {
            at = &lock->next;
        }
    }
    pthread_cond_broadcast(&removed);
    pthread_mutex_unlock(&mutex);
}

/* Reads the range of a struct flock. Returns 0 or -errno. */
static int range(int fd, const struct flock *from, Lock *lock)
{
    struct stat stat;
    off_t origin = 0;
    int ret = 0;

    switch (from->l_whence) {
    case SEEK_SET: break;
    case SEEK_CUR: origin = lseek(fd, 0, SEEK_CUR); break;
    case SEEK_END: ret = __syscall_fstat64(fd, (intptr_t)&stat); origin = stat.st_size; break;
    default: return -EINVAL;
    }
    if (ret < 0 || origin < 0) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(origin, from->l_start, &lock->start)) {
        return -EOVERFLOW;
    }
    if (from->l_len >= 0) {
        if (from->l_len == 0) {
            lock->end = END_OF_ALL;
        } else if (__builtin_add_overflow(lock->start, from->l_len - 1, &lock->end)) {
            return lock->start < 0 ? -EINVAL : -EOVERFLOW;
        }
    } else {
        lock->end = lock->start - 1;
        lock->start += from->l_len;
    }
    return lock->start < 0 ? -EINVAL : 0;
}

static int query(Lock *wanted, struct flock *answer)
{
    Lock *found;

    pthread_mutex_lock(&mutex);
    found = conflict(wanted);
    answer->l_type = found ? found->type : F_UNLCK;
    if (found) {
        answer->l_whence = SEEK_SET;
        answer->l_start = found->start;
        answer->l_len = found->end == END_OF_ALL ? 0 : found->end - found->start + 1;
        answer->l_pid = found->owner == THE_PROGRAM ? getpid() : -1;
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}

int lock_fcntl(int fd, int command, struct flock *flock, int mode)
{
    bool own = command == F_SETLK || command == F_SETLKW || command == F_GETLK;
    bool asks = command == F_GETLK || command == F_OFD_GETLK;
    Lock wanted = { .type = flock->l_type };
    int description, ret = identify(fd, &wanted.file, &description);

    if (ret < 0) {
        return ret;
    }
    if ((flock->l_type != F_RDLCK && flock->l_type != F_WRLCK && (asks || flock->l_type != F_UNLCK)) ||
        (!own && flock->l_pid != 0)) {
        return -EINVAL;
    }
    ret = range(fd, flock, &wanted);
    if (ret < 0) {
        return ret;
    }
    wanted.owner = own ? THE_PROGRAM : description;
    if (asks) {
        return query(&wanted, flock);
    }
    if ((flock->l_type == F_RDLCK && mode == O_WRONLY) || (flock->l_type == F_WRLCK && mode == O_RDONLY)) {
        return -EBADF;
    }
    qatomic_set(&wasm_fd_hooks.locks_closing, closing);
    return apply(&wanted, command == F_SETLKW || command == F_OFD_SETLKW);
}

int lock_flock(int fd, short type, bool waits)
{
    Lock wanted = { .flock = true, .type = type, .end = END_OF_ALL };
    int ret = identify(fd, &wanted.file, &wanted.owner);

    if (ret == 0) {
        Lock none = wanted;
        qatomic_set(&wasm_fd_hooks.locks_closing, closing);
        /* Changing a lock gives it up first. */
        none.type = F_UNLCK;
        ret = apply(&none, false);
        ret = ret < 0 ? ret : apply(&wanted, waits);
    }
    return ret;
}
