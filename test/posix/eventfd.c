/* SPDX-License-Identifier: MIT */
/* eventfd: values, EFD_SEMAPHORE, EFD_NONBLOCK, readiness, dup, waiting in threads. */
#include "topic.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static const char *ready(int fd)
{
    static char text[32];
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    int n = poll(&p, 1, 0);

    snprintf(text, sizeof(text), "%d:%s%s%s", n, p.revents & POLLIN ? " in" : "",
             p.revents & POLLOUT ? " out" : "", p.revents & ~(POLLIN | POLLOUT) ? " more" : "");
    return text;
}

static const char *take(int fd)
{
    static char text[32];
    uint64_t value = 77;

    errno = 0;
    if (read(fd, &value, sizeof(value)) != sizeof(value)) {
        return errno_name(errno);
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return text;
}

static const char *add(int fd, uint64_t value)
{
    return R(write(fd, &value, sizeof(value)));
}

static void *adds_later(void *arg)
{
    int *fds = arg;

    /* Waits for the other thread to ask, by another counter. */
    take(fds[1]);
    add(fds[0], 5);
    return NULL;
}

static void *takes(void *arg)
{
    int *fds = arg;
    uint64_t value;

    for (int i = 0; i < 250; i++) {
        if (read(fds[0], &value, sizeof(value)) != sizeof(value) || value != 1) {
            printf("a thread got something else\n");
        }
    }
    return NULL;
}

static void topic(void)
{
    int fd, other, both[2], flags;
    uint64_t value;
    eventfd_t event;
    char bytes[16] = { 0 };
    pthread_t threads[4];

    printf("eventfd with a wrong flag = %s\n", R(eventfd(0, 1 << 20)));
    printf("eventfd = %s\n", FD(fd, eventfd(3, EFD_NONBLOCK)));
    printf("ready = %s\n", ready(fd));
    printf("take = %s\n", take(fd));
    printf("ready = %s\n", ready(fd));
    printf("take = %s\n", take(fd));
    printf("add = %s\n", add(fd, 2));
    printf("add = %s\n", add(fd, 3));
    printf("take = %s\n", take(fd));
    printf("add 0 = %s\n", add(fd, 0));
    printf("take = %s\n", take(fd));
    printf("add the most = %s\n", add(fd, UINT64_MAX - 1));
    printf("ready when full = %s\n", ready(fd));
    printf("add when full = %s\n", add(fd, 1));
    printf("add 0 when full = %s\n", add(fd, 0));
    printf("take when full = %s\n", take(fd));
    printf("add too much = %s\n", add(fd, UINT64_MAX));
    SHOW(read(fd, bytes, 7));
    SHOW(write(fd, bytes, 7));
    SHOW(pread(fd, bytes, 8, 0));
    SHOW(eventfd_write(fd, 9));
    SHOW(eventfd_read(fd, &event));
    SHOW(event);
    SHOW(eventfd_read(fd, &event));

    flags = fcntl(fd, F_GETFL);
    SHOW((flags & O_NONBLOCK) != 0);
    SHOW((flags & O_ACCMODE) == O_RDWR);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
    SHOW((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    SHOW(fcntl(fd, F_SETFL, flags));

    printf("semaphore = %s\n", FD(other, eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)));
    SHOW(fcntl(other, F_GETFD));
    printf("take = %s\n", take(other));
    printf("ready = %s\n", ready(other));
    printf("take = %s\n", take(other));
    printf("take = %s\n", take(other));
    SHOW(close(other));
    printf("take of a closed one = %s\n", take(other));
    printf("ready of a closed one = %d\n", poll(&(struct pollfd){ .fd = other, .events = POLLIN }, 1, 0));

    printf("dup = %s\n", FD(other, dup(fd)));
    printf("add by the first = %s\n", add(fd, 4));
    printf("ready of the second = %s\n", ready(other));
    SHOW(close(fd));
    printf("take by the second = %s\n", take(other));
    SHOW(close(other));

    /* The lowest free number. */
    fd = eventfd(0, 0);
    other = eventfd(0, 0);
    SHOW(other - fd);
    SHOW(close(fd));
    SHOW(eventfd(0, 0) - fd);

    /* Waiting in read() and in poll(). */
    both[0] = fd;
    both[1] = other;
    pthread_create(&threads[0], NULL, adds_later, both);
    eventfd_write(other, 1);
    printf("take that waits = %s\n", take(fd));
    pthread_join(threads[0], NULL);
    pthread_create(&threads[0], NULL, adds_later, both);
    eventfd_write(other, 1);
    {
        struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
        SHOW(poll(p, 2, -1));
        SHOW(p[0].revents);
        SHOW(p[1].revents);
    }
    pthread_join(threads[0], NULL);
    printf("take = %s\n", take(fd));

    /* A write that waits for room. */
    value = UINT64_MAX - 1;
    SHOW(write(fd, &value, 8));
    pthread_create(&threads[0], NULL, adds_later, both);
    eventfd_write(other, 1);
    printf("take the most = %s\n", take(fd));
    printf("take what has waited = %s\n", take(fd));
    pthread_join(threads[0], NULL);
    SHOW(close(fd));

    both[0] = eventfd(0, EFD_SEMAPHORE);
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, takes, both);
    }
    for (int i = 0; i < 100; i++) {
        eventfd_write(both[0], 10);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    fcntl(both[0], F_SETFL, O_NONBLOCK);
    printf("left of the semaphore = %s\n", take(both[0]));
}
