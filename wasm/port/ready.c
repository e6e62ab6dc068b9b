/* SPDX-License-Identifier: MIT */
/*
 * The ready set: a bit per fd, set by whoever makes it ready, and two levels of
 * bits above, so that the loop finds the set ones without looking at the others.
 *
 * A producer sets leaf, middle, top in this order, the loop takes them in the
 * other one: it may find an upper bit without a lower one, never the reverse,
 * except where the producer is on its way, and then its notification is still to
 * come. A bit says only "look": the loop asks the fd itself. What was ready at the
 * last wait is looked at again, bit or not, which makes this level-triggered.
 */
#include "fd-table.h"
#include "wasm-port.h"

enum { LEAVES = WASM_MAX_FDS / 32, MIDDLES = LEAVES / 32, TOPS = MIDDLES / 32 };
enum { MAX_REPORTED = 128 };

struct PortReadySet {
    uint32_t top[TOPS];
    uint32_t middle[MIDDLES];
    uint32_t leaf[LEAVES];
    int turn;                        /* the fd whose turn it is; home thread */
    uint8_t events[WASM_MAX_FDS];    /* what the loop waits for; under its lock */

    /* The home thread's: which were ready at the last wait, and a bit for each. */
    int reported[MAX_REPORTED];
    unsigned reported_count;
    uint32_t is_reported[LEAVES];
};

/* By watcher. A set stays its watcher's for ever, as producers may be in it. */
static PortReadySet *sets[WASM_MAX_WATCHERS];

static void mark(PortReadySet *set, int fd)
{
    uint32_t leaf = (uint32_t)fd / 32, middle = leaf / 32, top = middle / 32;

    /* Whoever set a bit of the leaf before sees to the levels above. */
    if (qatomic_fetch_or(&set->leaf[leaf], 1u << (fd % 32)) == 0) {
        qatomic_or(&set->middle[middle], 1u << (leaf % 32));
        qatomic_or(&set->top[top], 1u << (middle % 32));
    }
}

void wasm_ready_mark(uint32_t watcher_id, int fd)
{
    PortReadySet *set = qatomic_load_acquire(&sets[watcher_id]);

    if (set) {
        mark(set, fd);
    }
}

void wasm_ready_mark_upper(void)
{
    for (int id = 0; id < WASM_MAX_WATCHERS; id++) {
        PortReadySet *set = qatomic_load_acquire(&sets[id]);
        for (uint32_t leaf = 0; set && leaf < LEAVES; leaf++) {
            if (qatomic_mb_read(&set->leaf[leaf])) {
                qatomic_or(&set->middle[leaf / 32], 1u << (leaf % 32));
                qatomic_or(&set->top[leaf / 1024], 1u << (leaf / 32 % 32));
            }
        }
    }
}

PortReadySet *port_ready_new(PortWatcher *watcher)
{
    PortReadySet *set = sets[watcher->id];

    if (!set) {
        set = calloc(1, sizeof(*set));
        qatomic_store_release(&sets[watcher->id], set);
    }
    return set;
}

void port_ready_free(PortReadySet *set)
{
    if (set) {
        memset(set->events, 0, sizeof(set->events));
        memset(set->is_reported, 0, sizeof(set->is_reported));
        set->reported_count = 0;
    }
}

int port_ready_update(PortReadySet *set, int fd, int events)
{
    set->events[fd] = (uint8_t)events;
    if (events) {
        mark(set, fd);               /* it may be ready already */
    }
    return 0;
}

/* Takes the bits of *word; most of the time there are none. */
static uint32_t take(uint32_t *word)
{
    return qatomic_mb_read(word) ? qatomic_xchg(word, 0) : 0;
}

/* Looks at an fd whose bit was taken; true if it is ready. */
static bool look(PortReadySet *set, int fd, PortPollFd *found)
{
    int events = qatomic_read(&set->events[fd]);

    *found = (PortPollFd){ .fd = fd, .events = (short)events };
    if (events) {
        found->revents = (short)wasm_fd_revents(fd, events);
    }
    return found->revents;
}

static bool is_reported(PortReadySet *set, int fd)
{
    return set->is_reported[fd / 32] >> (fd % 32) & 1;
}

/* Appends fd if it is ready; those of the last wait have their own turn. */
static unsigned report(PortReadySet *set, int fd, PortPollFd *ready,
                       unsigned count)
{
    if (!is_reported(set, fd) && look(set, fd, &ready[count])) {
        set->is_reported[fd / 32] |= 1u << (fd % 32);
        count++;
    }
    return count;
}

/* Appends those that are ready from fd `from` on, as many as there is room for.
 * set->turn becomes the first that there was none for, or 0. */
static unsigned collect_from(PortReadySet *set, int from, PortPollFd *ready,
                             unsigned count, unsigned n)
{
    set->turn = 0;
    for (int t = 0; t < TOPS; t++) {
        for (uint32_t top = take(&set->top[t]); top; top &= top - 1) {
            int m = 32 * t + __builtin_ctz(top);
            for (uint32_t mid = take(&set->middle[m]); mid; mid &= mid - 1) {
                int l = 32 * m + __builtin_ctz(mid);
                for (uint32_t leaf = take(&set->leaf[l]); leaf;
                     leaf &= leaf - 1) {
                    int fd = 32 * l + __builtin_ctz(leaf);
                    if (fd < from || count == n) {
                        mark(set, fd);           /* for a later one */
                        if (fd >= from && !set->turn) {
                            set->turn = fd;
                        }
                    } else {
                        count = report(set, fd, ready, count);
                    }
                }
            }
        }
    }
    return count;
}

/* Appends what was ready at the last wait and still is: without the atomic
 * operations of a bit that is set and taken again. */
static unsigned look_again(PortReadySet *set, PortPollFd *ready,
                           unsigned count, unsigned n)
{
    for (unsigned i = 0; i < set->reported_count; i++) {
        int fd = set->reported[i];

        if (count < n && look(set, fd, &ready[count])) {
            count++;
            continue;
        }
        set->is_reported[fd / 32] &= ~(1u << (fd % 32));
        if (count == n) {
            mark(set, fd);
        }
    }
    return count;
}

/* Those that there was no room for come first in the next wait, or fds that stay
 * ready would keep the others from ever having their turn. */
static unsigned collect(PortReadySet *set, PortPollFd *ready, unsigned n,
                        int notifier_fd)
{
    int turn = set->turn;
    /* Setting a loop's own notifier wakes the loop and marks nothing. */
    unsigned count = report(set, notifier_fd, ready, 0);

    count = collect_from(set, turn, ready, count, n);
    if (turn && count < n) {
        count = collect_from(set, 0, ready, count, n);
    }
    count = look_again(set, ready, count, n);
    for (unsigned i = 0; i < count; i++) {
        set->reported[i] = ready[i].fd;
    }
    set->reported_count = count;
    return count;
}

int port_ready_wait(PortReadySet *set, PortPollFd *ready, unsigned n,
                    int notifier_fd, int64_t timeout_ns)
{
    unsigned count;

    n = MIN(n, (unsigned)MAX_REPORTED);
    count = collect(set, ready, n, notifier_fd);
    if (count || timeout_ns == 0) {
        return (int)count;
    }
    if (wasm_event_arm(notifier_fd)) {
        wasm_event_sleep(notifier_fd, timeout_ns);
    }
    return (int)collect(set, ready, n, notifier_fd);
}

int port_ready_fd(PortReadySet *set)
{
    (void)set;
    return -1;
}
