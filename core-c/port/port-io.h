/* SPDX-License-Identifier: MIT */
#ifndef PORT_IO_H
#define PORT_IO_H
/* What the block engines need of the machine besides port.h: an operation at an offset of
 * a file, done at once or submitted together with others. */
#include "port/port.h"

#include <sys/uio.h>

typedef enum {
    PORT_IO_READ,
    PORT_IO_WRITE,
    PORT_IO_FDATASYNC,
    /* The machine does not have these; an NBD server may. */
    PORT_IO_DISCARD,
    PORT_IO_WRITE_ZEROES,
    PORT_IO_BLOCK_STATUS,
} PortIoOp;

/* The number of iovecs that one operation may have. */
enum { PORT_IO_MAX_IOV = 1024 };

typedef struct PortIo {
    uint32_t op;
    int fd;                    /* the file, as the machine names it */
    const struct iovec *iov;   /* reads and writes */
    unsigned niov;
    int64_t offset;            /* bytes */
    int64_t length;            /* of DISCARD, WRITE_ZEROES, BLOCK_STATUS, in bytes */
    bool fua;                  /* a flush has to follow; whoever makes it unnecessary clears this */
    bool may_unmap;            /* WRITE_ZEROES may make a hole */
    int result;                /* bytes or -errno, once it has ended */
    uint32_t state;            /* the port's; 0 before submission */
} PortIo;

/* Does the operation in the calling thread, which blocks meanwhile. Returns the number of
 * bytes, which may be less than asked for, or -errno. */
int port_io_run(PortIo *io);

/*
 * A queue between one loop and the kernel or thread that does the work. All calls are
 * made by the home thread. PORT_QUEUE_NATIVE is kernel AIO or a host I/O thread;
 * PORT_QUEUE_RING is io_uring, or the same thread with its rings in shared memory.
 */
typedef enum { PORT_QUEUE_NATIVE, PORT_QUEUE_RING } PortQueueKind;
typedef struct PortQueue PortQueue;

/* Makes a queue that sets event_fd (port_event_open) when operations have ended. Returns
 * NULL and sets *error to -errno if the machine refuses. */
PortQueue *port_queue_new(PortQueueKind kind, unsigned entries, int event_fd,
                          int *error);
/* Frees a queue that has nothing in flight. */
void port_queue_free(PortQueue *queue);
/* Called when the home thread is lost, whatever is in flight. ended(opaque) is called, in
 * any thread, when nobody sets event_fd or works on the requests any more; the queue is
 * then freed. */
void port_queue_abandon(PortQueue *queue, void (*ended)(void *opaque),
                        void *opaque);
/*
 * Submits as many of the n operations as are taken, in order. Returns their number, or
 * -errno if none is (-EAGAIN: try later). The operations and what they point to must stay
 * until they have been reaped. At most `entries` are in flight.
 */
int port_queue_submit(PortQueue *queue, PortIo **ios, unsigned n);
/* Stores at most n operations that have ended in ios, with their results set, and returns
 * their number. Never waits. */
unsigned port_queue_reap(PortQueue *queue, PortIo **ios, unsigned n);
/* Returns true if operations have ended; only reads memory. */
bool port_queue_ready(PortQueue *queue);
/* Cancels an operation. Returns true if it has not begun and never will; it is then
 * reaped with -ECANCELED. */
bool port_queue_cancel(PortQueue *queue, PortIo *io);
/* Returns the number of system calls, or wake-ups of the other thread, that submitting
 * took. */
uint64_t port_queue_kicks(PortQueue *queue);

#endif
