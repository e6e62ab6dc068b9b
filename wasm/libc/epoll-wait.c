/* SPDX-License-Identifier: MIT */
/* epoll_wait() and its relatives. */
#include "epoll-set.h"
#include "fails.h"
#include "wait.h"
#include "weak.h"

/* How many items are taken out of the ring at once. */
enum { BATCH = 64 };
#define MODES (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

static uint32_t epoll_events(const EpollItem *item, int revents)
{
    uint32_t found = (uint32_t)revents & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);

    found |= (found & EPOLLIN ? EPOLLRDNORM : 0) | (found & EPOLLOUT ? EPOLLWRNORM : 0);
    return found & (item->events | EPOLLERR | EPOLLHUP);
}

static int collect(EpollSet *set, struct epoll_event *events, int most)
{
    PortPollFd found[BATCH];
    int count = 0;

    qemu_mutex_lock(&set->lock);
    /* Those that have been reported so far are armed again only at the end. */
    while (count < most) {
        unsigned want = MIN((unsigned)(most - count), (unsigned)BATCH);
        int got = port_poll_ring_wait(set->ring, found, want, 0);

        for (int i = 0; i < got; i++) {
            EpollItem *item = epoll_set_item(set, found[i].fd);
            if (!item) {
                continue;
            }
            events[count++] = (struct epoll_event){ .events = epoll_events(item, found[i].revents),
                                                    .data = item->data };
            if (item->events & EPOLLONESHOT) {
                item->events &= MODES;
                port_poll_ring_arm(set->ring, found[i].fd, 0);
            }
        }
        if (got < (int)want) {
            break;
        }
    }
    port_poll_ring_rearm(set->ring);
    qemu_mutex_unlock(&set->lock);
    return count;
}

/* Other threads that wait may have something to do, too. */
static void pass_on(EpollSet *set)
{
    if (qatomic_mb_read(&set->own.sleepers) && port_poll_ring_pending(set->ring)) {
        qatomic_inc(&set->own.changed);
        port_notify32(&set->own.changed, UINT32_MAX);
    }
}

static int wait_ns(int epfd, struct epoll_event *events, int most, int64_t timeout_ns)
{
    int64_t deadline = NO_DEADLINE;
    EpollSet *set;
    int count;

    if (timeout_ns >= 0 && __builtin_add_overflow(port_clock_ns(PORT_CLOCK_MONOTONIC),
                                                  timeout_ns, &deadline)) {
        deadline = NO_DEADLINE;
    }
    set = epoll_set_get(epfd);
    if (!set) {
        return -1;
    }
    if (most <= 0) {
        wasm_own_put(&set->own);
        return fails(EINVAL);
    }
    for (;;) {
        uint32_t seen = qatomic_mb_read(&set->own.changed);
        int64_t left = time_until(deadline);

        if (wasm_until_timer(left) == 0) {
            /* What timers have made ready is in the ring now. */
            seen = qatomic_mb_read(&set->own.changed);
        }
        count = collect(set, events, most);
        if (count || left == 0) {
            break;
        }
        wasm_own_sleep(&set->own, seen, wasm_until_timer(left));
    }
    if (count) {
        pass_on(set);
    }
    wasm_own_put(&set->own);
    return count;
}

LIBC_WEAK
int epoll_wait(int epfd, struct epoll_event *events, int most, int timeout_ms)
{
    return wait_ns(epfd, events, most, timeout_ms < 0 ? -1 : timeout_ms * INT64_C(1000000));
}

LIBC_WEAK
int epoll_pwait(int epfd, struct epoll_event *events, int most, int timeout_ms, const sigset_t *mask)
{
    (void)mask;
    return epoll_wait(epfd, events, most, timeout_ms);
}

LIBC_WEAK
int epoll_pwait2(int epfd, struct epoll_event *events, int most, const struct timespec *timeout,
                 const sigset_t *mask)
{
    (void)mask;
    if (timeout && (timeout->tv_sec < 0 || bad_time(timeout))) {
        return fails(EINVAL);
    }
    return wait_ns(epfd, events, most, timeout ? ns_of(timeout->tv_sec, timeout->tv_nsec) : -1);
}
