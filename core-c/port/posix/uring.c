/* SPDX-License-Identifier: MIT */
/* io_uring through its three system calls: io_uring_setup(2), _enter(2),
 * _register(2). */
#include "port/posix/queue.h"
#include "port/posix/uring.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static void *map(int fd, size_t size, off_t what)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE, fd, what);

    return p == MAP_FAILED ? NULL : p;
}

void uring_close(Uring *ring)
{
    if (ring->sqes) {
        munmap(ring->sqes, ring->sqes_size);
    }
    if (ring->rings) {
        munmap(ring->rings, ring->rings_size);
    }
    if (ring->fd >= 0) {
        close(ring->fd);
    }
}

int uring_open(Uring *ring, unsigned entries)
{
    struct io_uring_params p = { .flags = 0 };
    char *base;

    *ring = (Uring){ .fd = (int)syscall(SYS_io_uring_setup, entries, &p) };
    if (ring->fd < 0) {
        return -errno;
    }
    if (!(p.features & IORING_FEAT_SINGLE_MMAP) ||
        !(p.features & IORING_FEAT_NODROP)) {
        uring_close(ring);
        return -ENOSYS;        /* a kernel before 5.5 */
    }
    ring->rings_size =
        MAX(p.sq_off.array + p.sq_entries * sizeof(unsigned),
            p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe));
    ring->sqes_size = p.sq_entries * sizeof(struct io_uring_sqe);
    base = ring->rings = map(ring->fd, ring->rings_size, IORING_OFF_SQ_RING);
    ring->sqes = map(ring->fd, ring->sqes_size, IORING_OFF_SQES);
    if (!ring->rings || !ring->sqes) {
        uring_close(ring);
        return -ENOMEM;
    }
    ring->sq_head = (unsigned *)(base + p.sq_off.head);
    ring->sq_tail = (unsigned *)(base + p.sq_off.tail);
    ring->sq_mask = *(unsigned *)(base + p.sq_off.ring_mask);
    ring->sq_entries = p.sq_entries;
    ring->sq_flags = (unsigned *)(base + p.sq_off.flags);
    ring->cq_head = (unsigned *)(base + p.cq_off.head);
    ring->cq_tail = (unsigned *)(base + p.cq_off.tail);
    ring->cq_mask = *(unsigned *)(base + p.cq_off.ring_mask);
    ring->cqes = (struct io_uring_cqe *)(base + p.cq_off.cqes);
    for (unsigned i = 0; i < p.sq_entries; i++) {
        ((unsigned *)(base + p.sq_off.array))[i] = i;
    }
    return 0;
}

struct io_uring_sqe *uring_sqe(Uring *ring)
{
    unsigned head = qatomic_load_acquire(ring->sq_head);
    struct io_uring_sqe *sqe;

    if (ring->next - head >= ring->sq_entries) {
        return NULL;
    }
    sqe = &ring->sqes[ring->next++ & ring->sq_mask];
    memset(sqe, 0, sizeof(*sqe));
    return sqe;
}

int uring_enter(Uring *ring, unsigned wait_for)
{
    unsigned n = ring->next - qatomic_load_acquire(ring->sq_head);
    long ret;

    /* Pairs with the load in the kernel, which then sees the entries. */
    qatomic_store_release(ring->sq_tail, ring->next);
    ret = syscall(SYS_io_uring_enter, ring->fd, n, wait_for,
                  wait_for ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
    return ret < 0 ? -errno : (int)ret;
}

/* Returns true if the kernel keeps completions for which the ring had no room. */
static bool has_overflow(Uring *ring)
{
    return qatomic_read(ring->sq_flags) &
           IORING_SQ_CQ_OVERFLOW;
}

static bool is_empty(Uring *ring)
{
    return *ring->cq_head == qatomic_load_acquire(ring->cq_tail);
}

bool uring_has_cqe(Uring *ring)
{
    return !is_empty(ring) || has_overflow(ring);
}

bool uring_take_cqe(Uring *ring, struct io_uring_cqe *cqe)
{
    unsigned head = *ring->cq_head;

    if (is_empty(ring)) {
        if (!has_overflow(ring)) {
            return false;
        }
        syscall(SYS_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS,
                NULL, 0);
        if (is_empty(ring)) {
            return false;
        }
    }
    *cqe = ring->cqes[head & ring->cq_mask];
    qatomic_store_release(ring->cq_head, head + 1);
    return true;
}

/* ---- As a queue ---- */

typedef struct UringPort {
    PortQueue common;
    Uring ring;
} UringPort;

static void queue_destroy(PortQueue *queue)
{
    UringPort *port = container_of(queue, UringPort, common);

    uring_close(&port->ring);
    free(port);
}

static int queue_submit(PortQueue *queue, PortIo **ios, unsigned n)
{
    static const uint8_t opcodes[] = {
        [PORT_IO_READ] = IORING_OP_READV,
        [PORT_IO_WRITE] = IORING_OP_WRITEV,
        [PORT_IO_FDATASYNC] = IORING_OP_FSYNC,
    };
    UringPort *port = container_of(queue, UringPort, common);
    Uring *ring = &port->ring;
    unsigned before = ring->next;
    int ret;

    for (unsigned i = 0; i < n; i++) {
        /* The ring is empty, and has as many entries as a batch has at most. */
        struct io_uring_sqe *sqe = uring_sqe(ring);
        PortIo *io = ios[i];

        sqe->opcode = opcodes[io->op];
        sqe->fd = io->fd;
        sqe->user_data = (uintptr_t)io;
        if (io->op == PORT_IO_FDATASYNC) {
            sqe->fsync_flags = IORING_FSYNC_DATASYNC;
        } else {
            sqe->addr = (uintptr_t)io->iov;
            sqe->len = io->niov;
            sqe->off = (uint64_t)io->offset;
        }
    }
    do {
        ret = uring_enter(ring, 0);
    } while (ret == -EINTR);
    queue->kicks++;
    if (ret < 0 || (unsigned)ret < n) {
        /* Takes back the entries that the kernel has not taken. */
        ring->next = before + (unsigned)MAX(ret, 0);
        qatomic_store_release(ring->sq_tail, ring->next);
    }
    return ret == -EBUSY || ret == 0 ? -EAGAIN : ret;
}

static unsigned queue_reap(PortQueue *queue, PortIo **ios, unsigned n)
{
    UringPort *port = container_of(queue, UringPort, common);
    struct io_uring_cqe cqe;
    unsigned count = 0;

    while (count < n && uring_take_cqe(&port->ring, &cqe)) {
        PortIo *io = (PortIo *)(uintptr_t)cqe.user_data;

        io->result = cqe.res;
        ios[count++] = io;
    }
    return count;
}

static bool queue_ready(PortQueue *queue)
{
    return uring_has_cqe(&container_of(queue, UringPort, common)->ring);
}

PortQueue *posix_uring_new(unsigned entries, int event_fd, int *error)
{
    UringPort *port = calloc(1, sizeof(*port));

    if (!port) {
        *error = -ENOMEM;
        return NULL;
    }
    *error = uring_open(&port->ring, entries);
    if (*error < 0) {
        free(port);
        return NULL;
    }
    if (syscall(SYS_io_uring_register, port->ring.fd, IORING_REGISTER_EVENTFD,
                &event_fd, 1) < 0) {
        *error = -errno;
        queue_destroy(&port->common);
        return NULL;
    }
    port->common.destroy = queue_destroy;
    port->common.submit = queue_submit;
    port->common.reap = queue_reap;
    port->common.ready = queue_ready;
    return &port->common;
}
