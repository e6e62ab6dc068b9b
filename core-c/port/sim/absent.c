/* SPDX-License-Identifier: MIT */
/* What the simulated machine does not have: files, queues for them, sets of ready fds, rings of polls. */
#include "port/port-io.h"

PortReadySet *port_ready_new(PortWatcher *watcher)
{
    (void)watcher;
    return NULL;
}

void port_ready_free(PortReadySet *set)
{
    (void)set;
}

int port_ready_update(PortReadySet *set, int fd, int events)
{
    (void)set;
    (void)fd;
    (void)events;
    return -ENOSYS;
}

int port_ready_wait(PortReadySet *set, PortPollFd *ready, unsigned n, int notifier_fd, int64_t timeout_ns)
{
    (void)set;
    (void)ready;
    (void)n;
    (void)notifier_fd;
    (void)timeout_ns;
    return -ENOSYS;
}

int port_ready_fd(PortReadySet *set)
{
    (void)set;
    return -1;
}

PortPollRing *port_poll_ring_new(PortWatcher *watcher, int *error)
{
    (void)watcher;
    *error = -ENOSYS;
    return NULL;
}

void port_poll_ring_free(PortPollRing *ring)
{
    (void)ring;
}

bool port_poll_ring_reserve(PortPollRing *ring, int fd)
{
    (void)ring;
    (void)fd;
    return false;
}

void port_poll_ring_arm(PortPollRing *ring, int fd, int events)
{
    (void)ring;
    (void)fd;
    (void)events;
}

void port_poll_ring_rearm(PortPollRing *ring)
{
    (void)ring;
}

bool port_poll_ring_pending(PortPollRing *ring)
{
    (void)ring;
    return false;
}

int port_poll_ring_fd(PortPollRing *ring)
{
    (void)ring;
    return -1;
}

int port_poll_ring_wait(PortPollRing *ring, PortPollFd *ready, unsigned n, int64_t timeout_ns)
{
    (void)ring;
    (void)ready;
    (void)n;
    (void)timeout_ns;
    return -ENOSYS;
}

int port_io_run(PortIo *io)
{
    (void)io;
    return -EBADF;
}

PortQueue *port_queue_new(PortQueueKind kind, unsigned entries, int event_fd, int *error)
{
    (void)kind;
    (void)entries;
    (void)event_fd;
    *error = -ENOSYS;
    return NULL;
}

void port_queue_free(PortQueue *queue)
{
    (void)queue;
}

void port_queue_abandon(PortQueue *queue, void (*ended)(void *opaque), void *opaque)
{
    (void)queue;
    (void)ended;
    (void)opaque;
}

int port_queue_submit(PortQueue *queue, PortIo **ios, unsigned n)
{
    (void)queue;
    (void)ios;
    (void)n;
    return -ENOSYS;
}

unsigned port_queue_reap(PortQueue *queue, PortIo **ios, unsigned n)
{
    (void)queue;
    (void)ios;
    (void)n;
    return 0;
}

bool port_queue_ready(PortQueue *queue)
{
    (void)queue;
    return false;
}

bool port_queue_cancel(PortQueue *queue, PortIo *io)
{
    (void)queue;
    (void)io;
    return false;
}

uint64_t port_queue_kicks(PortQueue *queue)
{
    (void)queue;
    return 0;
}
