/* SPDX-License-Identifier: MIT */
/* fcntl() and flock() locks within one process: whose they are, which conflict, how ranges are cut and joined, and what
 * closing gives up. */
#include "topic.h"
#include <pthread.h>
#include <sys/file.h>

static const char *const TYPES[] = { [F_RDLCK] = "RDLCK", [F_WRLCK] = "WRLCK", [F_UNLCK] = "UNLCK" };

static const char *lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock flock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

    errno = 0;
    return result(fcntl(fd, command, &flock));
}

/* Which lock keeps fd from a lock of this range, for its open file description or for the process. */
static const char *who(int fd, int command, short type, off_t start, off_t length)
{
    static char text[100];
    struct flock flock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

    if (fcntl(fd, command, &flock) < 0) {
        return errno_name(errno);
    }
    snprintf(text, sizeof(text), "%s", TYPES[flock.l_type]);
    if (flock.l_type != F_UNLCK) {
        snprintf(text, sizeof(text), "%s %lld+%lld of %s", TYPES[flock.l_type], (long long)flock.l_start, (long long)flock.l_len,
                 flock.l_pid == -1 ? "a description" : flock.l_pid == getpid() ? "this process" : "another");
    }
    return text;
}

#define LOCK(args...) printf("lock(" #args ") = %s\n", lock(args))
#define WHO(args...) printf("who(" #args ") = %s\n", who(args))

static int waiting_fd;

static void *waits(void *arg)
{
    (void)arg;
    return strdup(lock(waiting_fd, F_OFD_SETLKW, F_WRLCK, 0, 0));
}

static void *waits_flock(void *arg)
{
    (void)arg;
    return strdup(R(flock(waiting_fd, LOCK_EX)));
}

static void topic(void)
{
    int a = open("file", O_CREAT | O_RDWR, 0666), b = open("file", O_RDWR), reads = open("file", O_RDONLY);
    int writes = open("file", O_WRONLY), other = open("other", O_CREAT | O_RDWR, 0666), copy = dup(a), pipe_fds[2];
    struct flock flock_;
    pthread_t thread;
    void *value;

    pipe(pipe_fds);
    write(a, "0123456789", 10);

    printf("-- locks of the process\n");
    LOCK(a, F_SETLK, F_WRLCK, 0, 10);
    LOCK(b, F_SETLK, F_WRLCK, 5, 10);
    LOCK(b, F_SETLK, F_RDLCK, 3, 2);
    WHO(b, F_GETLK, F_WRLCK, 0, 0);
    WHO(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    WHO(b, F_OFD_GETLK, F_RDLCK, 0, 0);
    WHO(b, F_OFD_GETLK, F_RDLCK, 3, 2);
    WHO(b, F_OFD_GETLK, F_WRLCK, 3, 2);
    WHO(b, F_OFD_GETLK, F_WRLCK, 5, 0);
    WHO(b, F_OFD_GETLK, F_WRLCK, 15, 0);
    LOCK(b, F_OFD_SETLK, F_RDLCK, 0, 1);
    LOCK(a, F_SETLK, F_UNLCK, 7, 2);
    WHO(b, F_OFD_GETLK, F_WRLCK, 7, 2);
    WHO(b, F_OFD_GETLK, F_WRLCK, 6, 0);
    WHO(b, F_OFD_GETLK, F_WRLCK, 7, 0);
    LOCK(a, F_SETLK, F_WRLCK, 0, 0);
    WHO(b, F_OFD_GETLK, F_RDLCK, 100, 1);
    WHO(other, F_OFD_GETLK, F_WRLCK, 0, 0);
    printf("-- closing any descriptor of the file gives them up\n");
    SHOW(close(reads));
    WHO(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    reads = open("file", O_RDONLY);

    printf("-- locks of a description\n");
    LOCK(a, F_OFD_SETLK, F_WRLCK, 10, 10);
    LOCK(copy, F_OFD_SETLK, F_WRLCK, 15, 10);
    LOCK(b, F_OFD_SETLK, F_WRLCK, 24, 2);
    LOCK(b, F_OFD_SETLK, F_WRLCK, 25, 2);
    LOCK(b, F_OFD_SETLK, F_RDLCK, 12, 1);
    LOCK(b, F_SETLK, F_WRLCK, 12, 1);
    LOCK(b, F_SETLK, F_WRLCK, 0, 10);
    WHO(b, F_GETLK, F_WRLCK, 0, 0);
    WHO(b, F_OFD_GETLK, F_WRLCK, 10, 0);
    WHO(a, F_OFD_GETLK, F_WRLCK, 20, 0);
    LOCK(a, F_OFD_SETLK, F_RDLCK, 14, 2);
    WHO(b, F_OFD_GETLK, F_RDLCK, 10, 0);
    WHO(b, F_OFD_GETLK, F_RDLCK, 14, 0);
    WHO(b, F_OFD_GETLK, F_WRLCK, 14, 1);
    LOCK(b, F_OFD_SETLK, F_RDLCK, 14, 2);
    LOCK(a, F_OFD_SETLK, F_WRLCK, 14, 2);
    LOCK(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    WHO(b, F_OFD_GETLK, F_WRLCK, 10, 5);
    printf("-- they remain until the last descriptor is closed\n");
    LOCK(a, F_OFD_SETLK, F_WRLCK, 100, 1);
    SHOW(close(a));
    WHO(b, F_OFD_GETLK, F_WRLCK, 100, 1);
    SHOW(dup2(other, copy) == copy);
    WHO(b, F_OFD_GETLK, F_WRLCK, 100, 1);
    a = open("file", O_RDWR);

    printf("-- ranges from the offset, from the end, and of negative length\n");
    SHOW(lseek(a, 4, SEEK_SET));
    flock_ = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -1, .l_len = 3 };
    SHOW(fcntl(a, F_OFD_SETLK, &flock_));
    WHO(b, F_OFD_GETLK, F_WRLCK, 0, 10);
    flock_ = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = 0, .l_len = -2 };
    SHOW(fcntl(a, F_OFD_SETLK, &flock_));
    WHO(b, F_OFD_GETLK, F_WRLCK, 6, 10);
    flock_ = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -5, .l_len = 1 };
    SHOW(fcntl(a, F_OFD_SETLK, &flock_));
    flock_ = (struct flock){ .l_type = F_WRLCK, .l_whence = 9, .l_start = 0, .l_len = 1 };
    SHOW(fcntl(a, F_OFD_SETLK, &flock_));
    LOCK(a, F_OFD_SETLK, F_WRLCK, 0, -1);
    LOCK(a, F_OFD_SETLK, F_WRLCK, 5000000000, 5000000000);
    WHO(b, F_OFD_GETLK, F_WRLCK, 9000000000, 1);
    LOCK(a, F_OFD_SETLK, F_WRLCK, INT64_MAX, 2);

    printf("-- what cannot be locked\n");
    LOCK(reads, F_SETLK, F_WRLCK, 0, 1);
    LOCK(writes, F_SETLK, F_RDLCK, 0, 1);
    LOCK(reads, F_SETLK, F_RDLCK, 0, 1);
    LOCK(a, F_SETLK, 17, 0, 1);
    LOCK(a, F_GETLK, F_UNLCK, 0, 1);
    LOCK(99, F_SETLK, F_RDLCK, 0, 1);
    flock_ = (struct flock){ .l_type = F_WRLCK, .l_len = 1, .l_pid = 1 };
    SHOW(fcntl(a, F_OFD_SETLK, &flock_));
    SHOW(lockf(other, F_LOCK, 5));
    SHOW(lockf(other, F_TEST, 5));
    SHOW(lockf(other, F_ULOCK, 5));

    printf("-- flock\n");
    SHOW(flock(a, LOCK_EX));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(a, LOCK_SH | LOCK_NB));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_UN));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(reads, LOCK_EX | LOCK_NB));
    SHOW(flock(a, 0));
    SHOW(flock(a, LOCK_EX | LOCK_SH));
    SHOW(flock(99, LOCK_EX));
    SHOW(flock(pipe_fds[0], LOCK_EX | LOCK_NB));
    SHOW(flock(other, LOCK_EX | LOCK_NB));

    printf("-- a thread that waits\n");
    waiting_fd = b;
    LOCK(a, F_SETLK, F_UNLCK, 0, 0);
    LOCK(a, F_OFD_SETLK, F_WRLCK, 0, 0);
    pthread_create(&thread, NULL, waits, NULL);
    LOCK(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    pthread_join(thread, &value);
    printf("after it was unlocked = %s\n", (const char *)value);
    WHO(a, F_OFD_GETLK, F_WRLCK, 0, 0);
    pthread_create(&thread, NULL, waits_flock, NULL);
    SHOW(close(a));
    pthread_join(thread, &value);
    printf("after the descriptor was closed = %s\n", (const char *)value);
}
