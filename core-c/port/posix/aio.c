/* SPDX-License-Identifier: MIT */
/* Kernel AIO: io_setup(2), io_submit(2), and the ring of completions. */
#include "port/posix/queue.h"

#include <linux/aio_abi.h>
#include <sys/syscall.h>

/* The head of the memory whose address io_setup() returns. The kernel has not
 * changed it since 2002; the magic number confirms that. */
typedef struct Ring {
    unsigned id;
    unsigned nr;               /* number of events */
    unsigned head;             /* moved by us */
    unsigned tail;             /* moved by the kernel */
    unsigned magic;
    unsigned compat_features;
    unsigned incompat_features;
    unsigned header_length;
    struct io_event events[];
} Ring;
#define RING_MAGIC 0xa10a10a1u

typedef struct AioPort {
    PortQueue common;
    aio_context_t context;
    int event_fd;
    struct iocb **pointers;    /* pointers to cbs */
    struct iocb cbs[];         /* control blocks of one submission */
} AioPort;

static Ring *ring_of(AioPort *port)
{
    return (Ring *)(uintptr_t)port->context;
}

static bool has_ring(AioPort *port)
{
    return ring_of(port)->magic == RING_MAGIC &&
           ring_of(port)->incompat_features == 0;
}

static void aio_destroy(PortQueue *queue)
{
    AioPort *port = container_of(queue, AioPort, common);

    syscall(SYS_io_destroy, port->context);
    free(port->pointers);
    free(port);
}

static int aio_submit(PortQueue *queue, PortIo **ios, unsigned n)
{
    static const uint16_t opcodes[] = {
        [PORT_IO_READ] = IOCB_CMD_PREADV,
        [PORT_IO_WRITE] = IOCB_CMD_PWRITEV,
        [PORT_IO_FDATASYNC] = IOCB_CMD_FDSYNC,
    };
    AioPort *port = container_of(queue, AioPort, common);
    long ret;

    for (unsigned i = 0; i < n; i++) {
        PortIo *io = ios[i];
        bool flush = io->op == PORT_IO_FDATASYNC;

        port->cbs[i] = (struct iocb){
            .aio_data = (uintptr_t)io,
            .aio_lio_opcode = opcodes[io->op],
            .aio_fildes = (uint32_t)io->fd,
            .aio_buf = flush ? 0 : (uintptr_t)io->iov,
            .aio_nbytes = flush ? 0 : io->niov,
            .aio_offset = flush ? 0 : io->offset,
            .aio_flags = IOCB_FLAG_RESFD,
            .aio_resfd = (uint32_t)port->event_fd,
        };
        port->pointers[i] = &port->cbs[i];
    }
    do {
        ret = syscall(SYS_io_submit, port->context, (long)n,
                      port->pointers);
    } while (ret < 0 && errno == EINTR);
    queue->kicks++;
    return ret < 0 ? -errno : (int)ret;
}

static bool aio_ready(PortQueue *queue)
{
    AioPort *port = container_of(queue, AioPort, common);
    Ring *ring = ring_of(port);

    return qatomic_load_acquire(&ring->tail) !=
           qatomic_read(&ring->head);
}

static unsigned aio_reap(PortQueue *queue, PortIo **ios, unsigned n)
{
    AioPort *port = container_of(queue, AioPort, common);
    Ring *ring = ring_of(port);
    unsigned count = 0;
    unsigned head = ring->head;
    /* Pairs with the kernel's store of tail: the events before it are
     * complete. */
    unsigned tail = qatomic_load_acquire(&ring->tail);

    while (head != tail && count < n) {
        struct io_event *event = &ring->events[head];
        PortIo *io = (PortIo *)(uintptr_t)event->data;

        io->result = (int)event->res;
        ios[count++] = io;
        head = (head + 1) % ring->nr;
    }
    qatomic_store_release(&ring->head, head);
    return count;
}

PortQueue *posix_aio_new(unsigned entries, int event_fd, int *error)
{
    AioPort *port = calloc(1, sizeof(*port) + entries * sizeof(struct iocb));

    if (!port ||
        !(port->pointers = calloc(entries, sizeof(*port->pointers)))) {
        free(port);
        *error = -ENOMEM;
        return NULL;
    }
    if (syscall(SYS_io_setup, entries, &port->context) < 0) {
        *error = -errno;
        free(port->pointers);
        free(port);
        return NULL;
    }
    if (!has_ring(port)) {
        *error = -ENOSYS;
        aio_destroy(&port->common);
        return NULL;
    }
    port->event_fd = event_fd;
    port->common.destroy = aio_destroy;
    port->common.submit = aio_submit;
    port->common.reap = aio_reap;
    port->common.ready = aio_ready;
    return &port->common;
}
