/* SPDX-License-Identifier: MIT */
#ifndef AIO_SYS_TIMERFD_H
#define AIO_SYS_TIMERFD_H
/* Timers that are file descriptors, as in Linux. */
#include <fcntl.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TFD_NONBLOCK O_NONBLOCK
#define TFD_CLOEXEC O_CLOEXEC
#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)

struct itimerspec;

/* Opens a timer. read() gives how often it has expired, as a uint64_t, and waits while that is 0. */
int timerfd_create(int, int);
/* Arms the timer, or disarms it if it_value is 0. */
int timerfd_settime(int, int, const struct itimerspec *, struct itimerspec *);
int timerfd_gettime(int, struct itimerspec *);

#ifdef __cplusplus
}
#endif
#endif
