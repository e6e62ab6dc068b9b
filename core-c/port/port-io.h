/* SPDX-License-Identifier: MIT */
#ifndef PORT_IO_H
#define PORT_IO_H
/*
 * What the block engines ask of the machine, beside port.h: one positional
 * operation on a file, done here and now or handed over with others.
 */
#include "port/port.h"

#include <sys/uio.h>

typedef enum { PORT_IO_READ, PORT_IO_WRITE, PORT_IO_FDATASYNC } PortIoOp;

/* As many iovecs as one operation may have. */
enum { PORT_IO_MAX_IOV = 1024 };

typedef struct PortIo {
    uint32_t op;
    int fd;                    /* the machine's name of the file */
    const struct iovec *iov;   /* reads and writes */
    unsigned niov;
    int64_t offset;            /* bytes */
    int result;                /* bytes or -errno, once it has ended */
    uint32_t state;            /* the port's; 0 before it is handed over */
} PortIo;

/* Does it in the calling thread, which blocks meanwhile. Bytes or -errno; fewer
 * bytes than asked for where the machine says so. */
int port_io_run(PortIo *io);

/*
 * A queue between one loop and whoever does the work. All calls are the home
 * thread's. Native: kernel AIO, or a host-I/O thread; ring: io_uring, or the
 * same with its rings in shared memory.
 */
typedef enum { PORT_QUEUE_NATIVE, PORT_QUEUE_RING } PortQueueKind;
typedef struct PortQueue PortQueue;

/* event_fd (port_event_open's) is set when operations have ended. NULL and
 * *error = -errno if the machine refuses. */
PortQueue *port_queue_new(PortQueueKind kind, unsigned entries, int event_fd,
                          int *error);
/* Nothing is in flight. */
void port_queue_free(PortQueue *queue);
/* Its home thread is lost, whatever is in flight. ended(opaque) is called, in any thread,
 * when nobody sets event_fd or works on its requests any more; the queue is freed. */
void port_queue_abandon(PortQueue *queue, void (*ended)(void *opaque),
                        void *opaque);
/*
 * Hands over the first of n, as many as are taken: their number, or -errno if
 * none is (-EAGAIN: later). They and what they point to stay until they have
 * been reaped. At most `entries` are in flight.
 */
int port_queue_submit(PortQueue *queue, PortIo **ios, unsigned n);
/* Those that have ended, at most n; their results are set. Never waits. */
unsigned port_queue_reap(PortQueue *queue, PortIo **ios, unsigned n);
/* Whether there are such; a look at memory. */
bool port_queue_ready(PortQueue *queue);
/* True: nobody has begun it nor will; it is reaped with -ECANCELED. */
bool port_queue_cancel(PortQueue *queue, PortIo *io);
/* System calls, or wake-ups of the other thread, that submitting took. */
uint64_t port_queue_kicks(PortQueue *queue);

#endif
