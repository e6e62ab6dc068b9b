/* SPDX-License-Identifier: MIT */
#ifndef AIO_SYS_EVENTFD_H
#define AIO_SYS_EVENTFD_H
/* Event counters, as in Linux. */
#include <fcntl.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

typedef uint64_t eventfd_t;

/* Opens a counter with this value. read() takes it, or 1 of it with EFD_SEMAPHORE, and waits while it is 0;
 * write() adds to it. */
int eventfd(unsigned int, int);
/* The same as read() and write() of 8 bytes; return 0 or -1. */
int eventfd_read(int, eventfd_t *);
int eventfd_write(int, eventfd_t);

#ifdef __cplusplus
}
#endif
#endif
