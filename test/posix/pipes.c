/* SPDX-License-Identifier: MIT */
/* Pipes: ends, PIPE_BUF, writes that may not wait, FIONREAD, readiness. */
#include "topic.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

enum { RECORD = 500, EACH = 400, WRITERS = 3 };

static int fds[2];

static const char *ready(int fd)
{
    static char text[64];
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };
    int n = poll(&p, 1, 0);

    snprintf(text, sizeof(text), "%d:%s%s%s%s%s%s", n, p.revents & POLLIN ? " in" : "",
             p.revents & POLLRDNORM ? " rdnorm" : "", p.revents & POLLOUT ? " out" : "",
             p.revents & POLLWRNORM ? " wrnorm" : "", p.revents & POLLHUP ? " hup" : "",
             p.revents & POLLERR ? " err" : "");
    return text;
}

static void *writes(void *arg)
{
    char record[RECORD];

    memset(record, *(char *)arg, RECORD);
    for (int i = 0; i < EACH; i++) {
        if (write(fds[1], record, RECORD) != RECORD) {
            printf("a write was cut off\n");
        }
    }
    return NULL;
}

static void *reads_later(void *arg)
{
    char byte;

    if (read(*(int *)arg, &byte, 1) != 1) {
        printf("no byte\n");
    }
    return NULL;
}

static void topic(void)
{
    char buffer[PIPE_BUF + 1] = { 0 }, record[RECORD];
    pthread_t threads[WRITERS];
    int torn = 0, n, total;
    ssize_t done;

    signal(SIGPIPE, SIG_IGN);
    SHOW(PIPE_BUF);
    SHOW(pipe(fds));
    printf("reader, empty = %s\n", ready(fds[0]));
    printf("writer, empty = %s\n", ready(fds[1]));
    SHOW(write(fds[0], "x", 1));
    SHOW(read(fds[1], buffer, 1));
    SHOW(write(fds[1], "hello", 5));
    printf("reader = %s\n", ready(fds[0]));
    SHOW(ioctl(fds[0], FIONREAD, &n));
    SHOW(n);
    SHOW(read(fds[0], buffer, 2));
    SHOW(ioctl(fds[0], FIONREAD, &n));
    SHOW(n);
    SHOW(read(fds[0], buffer, 0));
    SHOW(read(fds[0], buffer, sizeof(buffer)));
    SHOW(write(fds[1], "", 0));
    SHOW(lseek(fds[0], 0, SEEK_CUR));
    SHOW(pread(fds[0], buffer, 1, 0));
    SHOW(ftruncate(fds[1], 0));
    {
        struct iovec in[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
        struct iovec out[2] = { { buffer, 3 }, { buffer + 10, 10 } };
        SHOW(writev(fds[1], in, 3));
        SHOW(readv(fds[0], out, 2));
        printf("readv = %.3s %.3s\n", buffer, buffer + 10);
    }

    SHOW(fcntl(fds[0], F_SETFL, O_NONBLOCK));
    SHOW(read(fds[0], buffer, 1));
    SHOW(fcntl(fds[0], F_SETFL, 0));

    /* Records of up to PIPE_BUF are never torn. */
    for (int i = 0; i < WRITERS; i++) {
        static char letters[WRITERS] = { 'a', 'b', 'c' };
        pthread_create(&threads[i], NULL, writes, &letters[i]);
    }
    for (int i = 0; i < WRITERS * EACH; i++) {
        for (int got = 0; got < RECORD; got += (int)done) {
            done = read(fds[0], record + got, (size_t)(RECORD - got));
            if (done <= 0) {
                printf("no record\n");
                return;
            }
        }
        for (int k = 1; k < RECORD; k++) {
            torn += record[k] != record[0];
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    SHOW(torn);

    /* A write that may not wait takes all of PIPE_BUF, or nothing. */
    SHOW(fcntl(fds[1], F_SETFL, O_NONBLOCK));
    total = 0;
    while ((done = write(fds[1], buffer, PIPE_BUF)) == PIPE_BUF) {
        total += (int)done;
    }
    SHOW(done);
    SHOW(total > 0 && total % PIPE_BUF == 0);
    printf("writer, full = %s\n", ready(fds[1]));
    SHOW(read(fds[0], buffer, 100));
    SHOW(write(fds[1], buffer, PIPE_BUF));
    SHOW(read(fds[0], buffer, PIPE_BUF));
    printf("writer, room for a page = %s\n", ready(fds[1]));
    SHOW(write(fds[1], buffer, PIPE_BUF));
    for (total = 0; ioctl(fds[0], FIONREAD, &n) == 0 && n > 0; total += n) {
        if (read(fds[0], buffer, PIPE_BUF) <= 0) {
            break;
        }
    }
    printf("reader, emptied = %s\n", ready(fds[0]));

    /* The ends. */
    SHOW(write(fds[1], "last", 4));
    SHOW(close(fds[1]));
    printf("reader, data and no writer = %s\n", ready(fds[0]));
    SHOW(read(fds[0], buffer, 10));
    printf("reader, no writer = %s\n", ready(fds[0]));
    SHOW(read(fds[0], buffer, 10));
    SHOW(read(fds[0], buffer, 10));
    SHOW(close(fds[0]));
    SHOW(close(fds[0]));

    SHOW(pipe(fds));
    SHOW(close(fds[0]));
    printf("writer, no reader = %s\n", ready(fds[1]));
    SHOW(write(fds[1], "x", 1));
    SHOW(close(fds[1]));

    /* A read that waits gets what comes, or the end. */
    SHOW(pipe(fds));
    pthread_create(&threads[0], NULL, reads_later, &fds[0]);
    SHOW(write(fds[1], "x", 1));
    pthread_join(threads[0], NULL);
    SHOW(write(fds[1], "yz", 2));
    SHOW(close(fds[1]));
    SHOW(read(fds[0], buffer, 10));
    SHOW(read(fds[0], buffer, 10));
}
