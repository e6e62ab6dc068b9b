/* SPDX-License-Identifier: MIT */
/* One-shot polls by IORING_OP_POLL_ADD. */
#include "port/counter.h"
#include "port/posix/uring.h"
#include "qemu/atomic.h"

#include <linux/time_types.h>

enum { ENTRIES = 128 };

/* user_data is an fd with the serial number of its poll in the upper half, or one of
 * these. */
#define USER_TIMEOUT UINT64_MAX
#define USER_REMOVE (UINT64_MAX - 1)

typedef struct Poll {
    uint32_t serial;
    bool armed;
    int events;
    uint32_t next_reported;    /* next in the list of polls to re-arm: fd + 1 */
} Poll;

enum { CHUNK = 1024, CHUNKS = 16384 };

struct PortPollRing {
    Uring ring;
    Poll *chunks[CHUNKS];      /* indexed by fd */
    uint32_t reported;         /* head of the list of polls to re-arm: fd + 1 */
    struct __kernel_timespec timeout;
};

static uint64_t user_data(int fd, const Poll *poll)
{
    return (uint64_t)(AIO_COUNTER_START + poll->serial) << 32 | (uint32_t)fd;
}

static struct io_uring_sqe *get_sqe(PortPollRing *ring)
{
    struct io_uring_sqe *sqe;

    while (!(sqe = uring_sqe(&ring->ring))) {
        uring_enter(&ring->ring, 0);
    }
    return sqe;
}

static Poll *poll_of(PortPollRing *ring, int fd)
{
    Poll *chunk = qatomic_load_acquire(&ring->chunks[fd / CHUNK]);

    return chunk ? &chunk[fd % CHUNK] : NULL;
}

bool port_poll_ring_reserve(PortPollRing *ring, int fd)
{
    Poll *chunk;

    if (fd / CHUNK >= CHUNKS) {
        return false;
    }
    if (poll_of(ring, fd)) {
        return true;
    }
    chunk = calloc(CHUNK, sizeof(*chunk));
    if (chunk && qatomic_cmpxchg(&ring->chunks[fd / CHUNK], NULL, chunk)) {
        free(chunk);           /* another thread was faster */
    }
    return chunk;
}

void port_poll_ring_arm(PortPollRing *ring, int fd, int events)
{
    Poll *poll = poll_of(ring, fd);
    struct io_uring_sqe *sqe;

    if (poll->armed) {
        sqe = get_sqe(ring);
        sqe->opcode = IORING_OP_POLL_REMOVE;
        sqe->fd = -1;
        sqe->addr = user_data(fd, poll);
        sqe->user_data = USER_REMOVE;
    }
    /* Completions of the poll before are told apart by the serial number. */
    poll->serial++;
    poll->armed = events;
    poll->events = events;
    if (events) {
        sqe = get_sqe(ring);
        sqe->opcode = IORING_OP_POLL_ADD;
        sqe->fd = fd;
        sqe->poll32_events = (uint32_t)events;
        sqe->user_data = user_data(fd, poll);
    }
}

void port_poll_ring_rearm(PortPollRing *ring)
{
    while (ring->reported) {
        int fd = (int)ring->reported - 1;
        Poll *poll = poll_of(ring, fd);

        ring->reported = poll->next_reported;
        if (poll->events) {
            port_poll_ring_arm(ring, fd, poll->events);
        }
    }
}

static bool is_unsubmitted(PortPollRing *ring)
{
    return ring->ring.next !=
           qatomic_load_acquire(ring->ring.sq_head);
}

bool port_poll_ring_pending(PortPollRing *ring)
{
    if (is_unsubmitted(ring)) {
        uring_enter(&ring->ring, 0);
    }
    return uring_has_cqe(&ring->ring);
}

int port_poll_ring_fd(PortPollRing *ring)
{
    return ring->ring.fd;
}

static int collect(PortPollRing *ring, PortPollFd *ready, unsigned n)
{
    struct io_uring_cqe cqe;
    unsigned count = 0;

    while (count < n && uring_take_cqe(&ring->ring, &cqe)) {
        int fd = (int)(uint32_t)cqe.user_data;
        Poll *poll;

        if (cqe.user_data == USER_TIMEOUT || cqe.user_data == USER_REMOVE) {
            continue;
        }
        poll = poll_of(ring, fd);
        if (!poll->armed || cqe.user_data != user_data(fd, poll)) {
            continue;
        }
        poll->armed = false;
        if (cqe.res > 0) {
            ready[count++] = (PortPollFd){ .fd = fd,
                                           .revents = (short)cqe.res };
        }
        /* The kernel cancels the polls of a thread that ends; the context may go on
         * in another one. */
        if (cqe.res > 0 || cqe.res == -ECANCELED) {
            poll->next_reported = ring->reported;
            ring->reported = (uint32_t)fd + 1;
        }
    }
    return (int)count;
}

int port_poll_ring_wait(PortPollRing *ring, PortPollFd *ready, unsigned n,
                        int64_t timeout_ns)
{
    int count = collect(ring, ready, n);

    if (count || timeout_ns == 0) {
        if (is_unsubmitted(ring)) {
            uring_enter(&ring->ring, 0);
            count += collect(ring, ready + count, n - (unsigned)count);
        }
        return count;
    }
    if (timeout_ns > 0) {
        struct io_uring_sqe *sqe = get_sqe(ring);

        ring->timeout.tv_sec = timeout_ns / NANOSECONDS_PER_SECOND;
        ring->timeout.tv_nsec = timeout_ns % NANOSECONDS_PER_SECOND;
        sqe->opcode = IORING_OP_TIMEOUT;
        sqe->fd = -1;
        sqe->addr = (uintptr_t)&ring->timeout;
        sqe->len = 1;
        sqe->off = 1;          /* also ends with the first completion */
        sqe->user_data = USER_TIMEOUT;
    }
    uring_enter(&ring->ring, 1);
    return collect(ring, ready, n);
}

PortPollRing *port_poll_ring_new(PortWatcher *watcher, int *error)
{
    PortPollRing *ring = calloc(1, sizeof(*ring));

    (void)watcher;
    *error = ring ? uring_open(&ring->ring, ENTRIES) : -ENOMEM;
    if (*error < 0) {
        free(ring);
        return NULL;
    }
    return ring;
}

void port_poll_ring_free(PortPollRing *ring)
{
    uring_close(&ring->ring);
    for (int i = 0; i < CHUNKS; i++) {
        free(ring->chunks[i]);
    }
    free(ring);
}
