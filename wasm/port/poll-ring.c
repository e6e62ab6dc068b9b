/* SPDX-License-Identifier: MIT */
/*
 * One-shot polls in shared memory. A poll is idle, armed, or done. When it is done
 * it is in the list of completions: the thread that makes its fd ready pushes it
 * there, and the loop takes the list as a whole. Only one thread can move a poll
 * from armed to done, so it is never in the list twice; the loop moves it from
 * done to idle.
 */
#include "fd-table.h"
#include "qemu/atomic.h"
#include "wasm-port.h"

enum { CHUNK = 64, CHUNKS = WASM_MAX_FDS / CHUNK };
enum { POLL_IDLE, POLL_ARMED, POLL_DONE };

typedef struct Poll {
    uint32_t state;
    uint32_t next;             /* next in the list: fd + 1; 0 ends it */
    int events;                /* written by the home thread */
    /* The home thread's. */
    uint32_t next_reported;    /* next in the list of polls to re-arm: fd + 1 */
} Poll;

struct PortPollRing {
    Poll *chunks[CHUNKS];
    uint32_t done;             /* head of the list of completions: fd + 1 */
    /* The home thread's. */
    uint32_t taken;            /* oldest completion not reported yet: fd + 1 */
    uint32_t reported;         /* head of the list of polls to re-arm: fd + 1 */
    PortWatcher *watcher;
};

/* One for each watcher, and never freed, as producers may be using it. */
static PortPollRing *rings[WASM_MAX_WATCHERS];

static Poll *poll_of(PortPollRing *ring, int fd)
{
    Poll *chunk = qatomic_load_acquire(&ring->chunks[fd / CHUNK]);

    return chunk ? &chunk[fd % CHUNK] : NULL;
}

static void push_done(PortPollRing *ring, Poll *poll, int fd)
{
    uint32_t first;

    do {
        first = qatomic_mb_read(&ring->done);
        qatomic_set(&poll->next, first);
    } while (qatomic_cmpxchg(&ring->done, first, (uint32_t)fd + 1) != first);
}

static void complete(PortPollRing *ring, Poll *poll, int fd)
{
    if (qatomic_mb_read(&poll->state) != POLL_ARMED) {
        return;
    }
    /* One step: a poll that is done and not in the list would never be armed
     * again. */
    port_thread_holds(1);
    if (qatomic_cmpxchg(&poll->state, POLL_ARMED, POLL_DONE) == POLL_ARMED) {
        push_done(ring, poll, fd);
    }
    port_thread_holds(-1);
}

void wasm_poll_complete(uint32_t watcher_id, int fd, int events)
{
    PortPollRing *ring = qatomic_load_acquire(&rings[watcher_id]);
    Poll *poll = ring ? poll_of(ring, fd) : NULL;

    if (poll && events & (qatomic_read(&poll->events) | PORT_POLLERR | PORT_POLLHUP)) {
        complete(ring, poll, fd);
    }
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
    Poll *poll;

    if (fd == ring->watcher->notifier_fd) {
        return;                /* wait looks at this fd in any case */
    }
    poll = poll_of(ring, fd);
    qatomic_set(&poll->events, events);
    if (!events) {
        qatomic_cmpxchg(&poll->state, POLL_ARMED, POLL_IDLE);
        return;
    }
    /* Pairs with port_event_set. Either the producer sees that the poll is armed,
     * or we see what was produced. */
    qatomic_cmpxchg(&poll->state, POLL_IDLE, POLL_ARMED);
    if (wasm_fd_revents(fd, events)) {
        complete(ring, poll, fd);
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

bool port_poll_ring_pending(PortPollRing *ring)
{
    return ring->taken || qatomic_mb_read(&ring->done);
}

int port_poll_ring_fd(PortPollRing *ring)
{
    return ring->watcher->notifier_fd;
}

/* Takes the completions over, the oldest first. */
static void take_done(PortPollRing *ring)
{
    uint32_t fd1 = qatomic_xchg(&ring->done, 0), older = 0;

    while (fd1) {
        Poll *poll = poll_of(ring, (int)fd1 - 1);
        uint32_t next = qatomic_read(&poll->next);

        qatomic_set(&poll->next, older);
        older = fd1;
        fd1 = next;
    }
    ring->taken = older;
}

/* Takes the oldest completion out of the list. A poll that reports each event is armed before its
 * fd is looked at, so that it misses none. Returns whether it is such a poll. */
static bool take(PortPollRing *ring, Poll *poll)
{
    bool edge = poll->events & PORT_POLLEDGE;

    ring->taken = qatomic_read(&poll->next);
    qatomic_mb_set(&poll->state, edge ? POLL_ARMED : POLL_IDLE);
    return edge;
}

bool wasm_poll_ring_ready(PortPollRing *ring)
{
    while (port_poll_ring_pending(ring)) {
        if (!ring->taken) {
            take_done(ring);
            continue;
        }
        int fd = (int)ring->taken - 1;
        Poll *poll = poll_of(ring, fd);
        if (poll->events && wasm_fd_revents(fd, poll->events)) {
            return true;
        }
        if (!take(ring, poll) && poll->events) {
            port_poll_ring_arm(ring, fd, poll->events);
        }
    }
    return false;
}

static int collect(PortPollRing *ring, PortPollFd *ready, unsigned n)
{
    int notifier_fd = ring->watcher->notifier_fd;
    unsigned count = 0;

    /* Setting a loop's own notifier wakes the loop and completes no poll. */
    if (wasm_fd_revents(notifier_fd, PORT_POLLIN) == PORT_POLLIN) {
        ready[count++] = (PortPollFd){ .fd = notifier_fd,
                                       .revents = PORT_POLLIN };
    }
    if (!ring->taken && qatomic_mb_read(&ring->done)) {
        take_done(ring);
    }
    while (ring->taken && count < n) {
        int fd = (int)ring->taken - 1;
        Poll *poll = poll_of(ring, fd);
        int revents;
        bool edge;

        edge = take(ring, poll);
        if (!poll->events) {
            continue;
        }
        revents = wasm_fd_revents(fd, poll->events);
        if (revents) {
            ready[count++] = (PortPollFd){ .fd = fd, .revents = (short)revents };
            if (!edge) {
                poll->next_reported = ring->reported;
                ring->reported = (uint32_t)fd + 1;
            }
        } else if (!edge) {
            port_poll_ring_arm(ring, fd, poll->events);    /* no longer ready */
        }
    }
    return (int)count;
}

int port_poll_ring_wait(PortPollRing *ring, PortPollFd *ready, unsigned n,
                        int64_t timeout_ns)
{
    int notifier_fd = ring->watcher->notifier_fd;
    int count = collect(ring, ready, n);

    if (count || timeout_ns == 0) {
        return count;
    }
    if (wasm_event_arm(notifier_fd)) {
        wasm_event_sleep(notifier_fd, timeout_ns);
    }
    return collect(ring, ready, n);
}

PortPollRing *port_poll_ring_new(PortWatcher *watcher, int *error)
{
    PortPollRing *ring = rings[watcher->id];

    if (!ring) {
        ring = calloc(1, sizeof(*ring));
        if (!ring) {
            *error = -ENOMEM;
            return NULL;
        }
        qatomic_store_release(&rings[watcher->id], ring);
    }
    ring->watcher = watcher;
    return ring;
}

void port_poll_ring_free(PortPollRing *ring)
{
    ring->reported = 0;
    /* Only a thread that is just completing a poll may still be here. */
    for (int c = 0; c < CHUNKS; c++) {
        for (int i = 0; ring->chunks[c] && i < CHUNK; i++) {
            Poll *poll = &ring->chunks[c][i];
            qatomic_set(&poll->events, 0);
            qatomic_cmpxchg(&poll->state, POLL_ARMED, POLL_IDLE);
        }
    }
}
