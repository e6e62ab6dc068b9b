/* SPDX-License-Identifier: MIT */
/* Operations on files: preadv(2), pwritev(2), fdatasync(2). */
#include "port/posix/queue.h"

int port_io_run(PortIo *io)
{
    ssize_t ret;

    do {
        switch (io->op) {
        case PORT_IO_READ:
            ret = preadv(io->fd, io->iov, (int)io->niov, io->offset);
            break;
        case PORT_IO_WRITE:
            ret = pwritev(io->fd, io->iov, (int)io->niov, io->offset);
            break;
        default:
            ret = fdatasync(io->fd);
        }
    } while (ret < 0 && errno == EINTR);
    return ret < 0 ? -errno : (int)ret;
}

PortQueue *port_queue_new(PortQueueKind kind, unsigned entries, int event_fd,
                          int *error)
{
    return kind == PORT_QUEUE_NATIVE ? posix_aio_new(entries, event_fd, error)
                                     : posix_uring_new(entries, event_fd, error);
}

void port_queue_free(PortQueue *queue)
{
    queue->destroy(queue);
}

/* Never called: a native thread is never lost. */
void port_queue_abandon(PortQueue *queue, void (*ended)(void *opaque),
                        void *opaque)
{
    (void)queue;
    (void)ended;
    (void)opaque;
}

int port_queue_submit(PortQueue *queue, PortIo **ios, unsigned n)
{
    return queue->submit(queue, ios, n);
}

unsigned port_queue_reap(PortQueue *queue, PortIo **ios, unsigned n)
{
    return queue->reap(queue, ios, n);
}

bool port_queue_ready(PortQueue *queue)
{
    return queue->ready(queue);
}

/* The kernel does not cancel operations on files. */
bool port_queue_cancel(PortQueue *queue, PortIo *io)
{
    (void)queue;
    (void)io;
    return false;
}

uint64_t port_queue_kicks(PortQueue *queue)
{
    return queue->kicks;
}
