/* SPDX-License-Identifier: MIT */
/* timerfd: relative, absolute, intervals, overrun counts, readiness; nothing that depends on how long anything takes. */
#include "topic.h"
#include <poll.h>
#include <pthread.h>
#include <sys/timerfd.h>
#include <time.h>

#define MS 1000000L

static struct itimerspec in(long sec, long nsec, long interval_nsec)
{
    return (struct itimerspec){ .it_value = { sec, nsec }, .it_interval = { 0, interval_nsec } };
}

static const char *take(int fd)
{
    static char text[32];
    uint64_t count = 77;

    errno = 0;
    if (read(fd, &count, sizeof(count)) != sizeof(count)) {
        return errno_name(errno);
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
    return text;
}

static int ready(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

    return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

static const char *set(int fd, int flags, struct itimerspec spec)
{
    return R(timerfd_settime(fd, flags, &spec, NULL));
}

static void *arms(void *arg)
{
    struct timespec nap = { 0, 5 * MS };

    nanosleep(&nap, NULL);
    set(*(int *)arg, 0, in(0, MS, 0));
    return NULL;
}

static void topic(void)
{
    struct itimerspec spec, old;
    struct timespec now, later;
    pthread_t thread;
    uint64_t count;
    char bytes[8];
    int fd, real, other;

    printf("a clock that does not exist = %s\n", R(timerfd_create(77, 0)));
    printf("a wrong flag = %s\n", R(timerfd_create(CLOCK_MONOTONIC, 1)));
    printf("monotonic = %s\n", FD(fd, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)));
    printf("realtime = %s\n", FD(real, timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK)));
    SHOW(fcntl(fd, F_GETFD));
    SHOW((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    printf("disarmed, take = %s\n", take(fd));
    SHOW(ready(fd, 0));
    SHOW(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec + old.it_value.tv_nsec);
    SHOW(write(fd, bytes, 8));

    /* Far away. */
    printf("in an hour = %s\n", set(fd, 0, in(3600, 0, 0)));
    SHOW(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec >= 3500 && old.it_value.tv_sec <= 3600);
    printf("take = %s\n", take(fd));
    SHOW(ready(fd, 0));
    spec = in(7200, 0, 3);
    SHOW(timerfd_settime(fd, 0, &spec, &old));
    SHOW(old.it_value.tv_sec >= 3500 && old.it_value.tv_sec <= 3600);
    SHOW(old.it_interval.tv_nsec);
    spec = in(0, 0, 0);
    SHOW(timerfd_settime(fd, 0, &spec, &old));
    SHOW(old.it_value.tv_sec >= 7100 && old.it_value.tv_sec <= 7200);
    SHOW(old.it_interval.tv_nsec);
    SHOW(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec + old.it_value.tv_nsec + old.it_interval.tv_nsec);

    /* Once. */
    printf("in 1 ns = %s\n", set(fd, 0, in(0, 1, 0)));
    SHOW(ready(fd, -1));
    SHOW(read(fd, bytes, 7));
    SHOW(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec + old.it_value.tv_nsec);
    printf("take = %s\n", take(fd));
    printf("take = %s\n", take(fd));
    SHOW(ready(fd, 0));
    printf("in 3 ms = %s\n", set(fd, 0, in(0, 3 * MS, 0)));
    SHOW(ready(fd, -1));
    printf("set again before it was read = %s\n", set(fd, 0, in(3600, 0, 0)));
    printf("take = %s\n", take(fd));

    /* At a time. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("at a time that is over = %s\n", set(fd, TFD_TIMER_ABSTIME, in(0, 1, 0)));
    SHOW(ready(fd, -1));
    printf("take = %s\n", take(fd));
    printf("now = %s\n", set(fd, TFD_TIMER_ABSTIME, (struct itimerspec){ .it_value = now }));
    SHOW(ready(fd, -1));
    printf("take = %s\n", take(fd));
    clock_gettime(CLOCK_REALTIME, &later);
    later.tv_sec += 1000;
    printf("later = %s\n", set(real, TFD_TIMER_ABSTIME, (struct itimerspec){ .it_value = later }));
    SHOW(timerfd_gettime(real, &old));
    SHOW(old.it_value.tv_sec > 900 && old.it_value.tv_sec <= 1000);
    SHOW(ready(real, 0));
    clock_gettime(CLOCK_REALTIME, &later);
    printf("now = %s\n", set(real, TFD_TIMER_ABSTIME, (struct itimerspec){ .it_value = later }));
    SHOW(ready(real, -1));
    printf("take = %s\n", take(real));

    /* Intervals: the times between that nobody has seen are counted. (The monotonic clock may have begun
     * less than 1001 s ago.) */
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= 10;
    printf("each second since 10 s = %s\n",
           set(real, TFD_TIMER_ABSTIME, (struct itimerspec){ .it_value = now, .it_interval = { 3600, 0 } }));
    printf("take = %s\n", take(real));
    SHOW(timerfd_gettime(real, &old));
    SHOW(old.it_value.tv_sec >= 3500 && old.it_value.tv_sec <= 3590);
    SHOW(old.it_interval.tv_sec);
    now.tv_sec -= 1001 - 10;
    printf("each 100 s since 1001 s = %s\n",
           set(real, TFD_TIMER_ABSTIME, (struct itimerspec){ .it_value = now, .it_interval = { 100, 0 } }));
    printf("take = %s\n", take(real));
    printf("take = %s\n", take(real));
    printf("each 2 ms = %s\n", set(fd, 0, in(0, 2 * MS, 2 * MS)));
    count = 0;
    for (int i = 0; i < 5; i++) {
        uint64_t some;
        if (ready(fd, -1) != POLLIN || read(fd, &some, 8) != 8 || some == 0) {
            printf("no tick\n");
        } else {
            count++;
        }
    }
    SHOW(count);

    /* Waiting in read(), for a timer that is armed meanwhile, and by another fd. */
    printf("blocking = %s\n", FD(other, timerfd_create(CLOCK_MONOTONIC, 0)));
    printf("in 2 ms = %s\n", set(other, 0, in(0, 2 * MS, 0)));
    printf("take = %s\n", take(other));
    pthread_create(&thread, NULL, arms, &other);
    printf("take of a timer that another thread arms = %s\n", take(other));
    pthread_join(thread, NULL);
    printf("in an hour = %s\n", set(other, 0, in(3600, 0, 0)));
    pthread_create(&thread, NULL, arms, &other);
    SHOW(ready(other, -1));
    pthread_join(thread, NULL);
    printf("dup = %s\n", FD(fd, dup(other)));
    SHOW(close(other));
    SHOW(ready(fd, 0));
    printf("take = %s\n", take(fd));

    /* Errors. */
    printf("nanoseconds = %s\n", set(fd, 0, in(0, 1000000000, 0)));
    printf("nanoseconds of the interval = %s\n", set(fd, 0, in(1, 0, -1)));
    printf("negative = %s\n", set(fd, 0, in(-1, 0, 0)));
    printf("a wrong flag = %s\n", set(fd, 64, in(1, 0, 0)));
    printf("standard output = %s\n", set(1, 0, in(1, 0, 0)));
    printf("no fd = %s\n", set(999, 0, in(1, 0, 0)));
    SHOW(timerfd_gettime(1, &old));
    SHOW(timerfd_gettime(999, &old));
}
