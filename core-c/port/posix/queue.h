/* SPDX-License-Identifier: MIT */
#ifndef POSIX_QUEUE_H
#define POSIX_QUEUE_H
/* The two kinds of queues on Linux. */
#include "port/port-io.h"

struct PortQueue {
    void (*destroy)(PortQueue *queue);
    int (*submit)(PortQueue *queue, PortIo **ios, unsigned n);
    unsigned (*reap)(PortQueue *queue, PortIo **ios, unsigned n);
    bool (*ready)(PortQueue *queue);
    uint64_t kicks;
};

/* Makes a queue. Returns NULL and sets *error if the kernel refuses. */
PortQueue *posix_aio_new(unsigned entries, int event_fd, int *error);
PortQueue *posix_uring_new(unsigned entries, int event_fd, int *error);

#endif
