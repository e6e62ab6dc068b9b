/* SPDX-License-Identifier: MIT */
/*
 * Epoll sets. A set watches its fds as a loop does, by a ring of one-shot polls
 * (wasm/port/poll-ring.c): an fd that becomes ready is put into the ring's list, so waiting takes
 * time for the fds that are ready and not for the others. An item that is reported as long as its
 * fd is ready is armed again at once; one with EPOLLET stays armed; one with EPOLLONESHOT is not.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "fd-calls.h"
#include "port/calls.h"
#include "port/wasm-port.h"
#include "qemu/thread.h"
#include "wait.h"
#include "weak.h"

/* How deep sets may contain each other. */
enum { MAX_NESTS = 4, BATCH = 64 };
#define MODES (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

typedef struct Item {
    uint32_t events;
    bool used;
    /* The fd that was added is closed, but another fd of the same file is still open: it is
     * watched in its place, and epoll_ctl() does not know it. */
    bool orphan;
    epoll_data_t data;
} Item;

/* One for each watcher, and used again, because threads that wake it may still have it. */
typedef struct Epoll {
    WasmOwn own;
    QemuMutex lock;
    /* Under the lock. */
    PortWatcher *watcher;
    PortPollRing *ring;
    Item *items;             /* by fd */
    int n;
    bool open;
} Epoll;

static Epoll *sets[WASM_MAX_WATCHERS];
/* Held while sets are put into each other, so that they never form a circle. */
static QemuMutex nesting;

static int fails(int error)
{
    errno = error;
    return -1;
}

static Item *item_of(Epoll *set, int fd)
{
    return fd < set->n && set->items[fd].used ? &set->items[fd] : NULL;
}

static bool grow(Epoll *set, int fd)
{
    if (fd >= set->n) {
        int n = MAX(fd + 1, 2 * set->n);
        Item *items = realloc(set->items, (size_t)n * sizeof(*items));

        if (!items) {
            return false;
        }
        memset(items + set->n, 0, (size_t)(n - set->n) * sizeof(*items));
        set->items = items;
        set->n = n;
    }
    return true;
}

/* ---- Polls ---- */

static int poll_events(uint32_t events)
{
    return (int)(events & (EPOLLIN | EPOLLOUT | EPOLLRDHUP)) | (events & EPOLLRDNORM ? PORT_POLLIN : 0) |
           (events & EPOLLWRNORM ? PORT_POLLOUT : 0) | PORT_POLLERR | PORT_POLLHUP |
           (events & EPOLLET ? PORT_POLLEDGE : 0);
}

static uint32_t epoll_events(const Item *item, int revents)
{
    uint32_t found = (uint32_t)revents & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);

    found |= (found & EPOLLIN ? EPOLLRDNORM : 0) | (found & EPOLLOUT ? EPOLLWRNORM : 0);
    return found & (item->events | EPOLLERR | EPOLLHUP);
}

static int watch(Epoll *set, int fd, const Item *item)
{
    int ret;

    if (!port_poll_ring_reserve(set->ring, fd)) {
        return -ENOMEM;
    }
    ret = port_fd_watch(fd, set->watcher, true);
    if (ret < 0) {
        return ret;
    }
    port_poll_ring_arm(set->ring, fd, poll_events(item->events));
    return 0;
}

static void unwatch(Epoll *set, int fd)
{
    port_fd_watch(fd, set->watcher, false);
    port_poll_ring_arm(set->ring, fd, 0);
}

/* ---- The set as a descriptor ---- */

static int revents(WasmOwn *own, int events)
{
    Epoll *set = (Epoll *)own;
    bool ready;

    qemu_mutex_lock(&set->lock);
    ready = set->open && wasm_poll_ring_ready(set->ring);
    qemu_mutex_unlock(&set->lock);
    return ready ? events & PORT_POLLIN : 0;
}

/* Called by the thread that made an fd ready; takes no lock. */
static void ready(uint32_t watcher_id)
{
    wasm_own_wake(&sets[watcher_id]->own, PORT_POLLIN);
}

static void release(WasmOwn *own)
{
    Epoll *set = (Epoll *)own;
    PortWatcher *watcher = set->watcher;

    qemu_mutex_lock(&set->lock);
    for (int fd = 0; fd < set->n; fd++) {
        if (set->items[fd].used) {
            unwatch(set, fd);
        }
    }
    free(set->items);
    set->items = NULL;
    set->n = 0;
    set->open = false;
    port_poll_ring_free(set->ring);
    qemu_mutex_unlock(&set->lock);
    port_watcher_free(watcher);
}

/* fd is about to be closed: it leaves all sets, unless the file has another fd. */
static void closing(int fd)
{
    for (int i = 0; i < WASM_MAX_WATCHERS; i++) {
        Epoll *set = qatomic_load_acquire(&sets[i]);
        Item *item;

        if (!set || !qatomic_read(&set->open)) {
            continue;
        }
        qemu_mutex_lock(&set->lock);
        item = set->open ? item_of(set, fd) : NULL;
        if (item) {
            int alias = wasm_fd_alias(fd);
            Item moved = *item;

            unwatch(set, fd);
            item->used = false;
            moved.orphan = true;
            if (alias >= 0 && grow(set, alias) && !set->items[alias].used &&
                watch(set, alias, &moved) == 0) {
                set->items[alias] = moved;
            }
        }
        qemu_mutex_unlock(&set->lock);
    }
}

static const WasmOwnOps ops = { .revents = revents, .release = release, .timed = true };

/* ---- epoll_create ---- */

LIBC_WEAK
int epoll_create1(int flags)
{
    PortWatcher *watcher;
    Epoll *set;
    int fd, error;

    if (flags & ~EPOLL_CLOEXEC) {
        return fails(EINVAL);
    }
    watcher = wasm_watcher_new(WATCHER_EPOLL, -1, &error);
    if (!watcher) {
        return fails(-error);
    }
    qatomic_set(&wasm_fd_hooks.epoll_ready, ready);
    qatomic_set(&wasm_fd_hooks.epoll_closing, closing);
    set = sets[watcher->id];
    if (!set) {
        set = calloc(1, sizeof(*set));
        qatomic_store_release(&sets[watcher->id], set);
    }
    if (!set || !(set->ring = port_poll_ring_new(watcher, &error))) {
        port_watcher_free(watcher);
        return fails(ENOMEM);
    }
    set->own.ops = &ops;
    set->watcher = watcher;
    qatomic_mb_set(&set->open, true);
    fd = fd_open_own(&set->own, flags);
    if (fd < 0) {
        release(&set->own);
    }
    return fd;
}

LIBC_WEAK
int epoll_create(int size)
{
    return size <= 0 ? fails(EINVAL) : epoll_create1(0);
}

/* ---- epoll_ctl ---- */

/* Returns how deep sets are nested in set, or more than MAX_NESTS if `sought` is among them. */
static int depth_of(Epoll *set, const Epoll *sought, int so_far)
{
    int deepest = so_far;

    if (set == sought || so_far > MAX_NESTS) {
        return MAX_NESTS + 1;
    }
    qemu_mutex_lock(&set->lock);
    for (int fd = 0; fd < set->n; fd++) {
        WasmOwn *own = set->items[fd].used ? wasm_own_get(fd) : NULL;
        if (own) {
            if (own->ops == &ops) {
                deepest = MAX(deepest, depth_of((Epoll *)own, sought, so_far + 1));
            }
            wasm_own_put(own);
        }
    }
    qemu_mutex_unlock(&set->lock);
    return deepest;
}

/* Returns -EPERM for files and directories, which are always ready. */
static int can_watch(int fd)
{
    WasmOwn *own = wasm_own_get(fd);
    __wasi_fdstat_t stat;

    if (own) {
        wasm_own_put(own);
        return 0;
    }
    if (__wasi_fd_fdstat_get(fd, &stat) == 0 &&
        (stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE ||
         stat.fs_filetype == __WASI_FILETYPE_DIRECTORY)) {
        return -EPERM;
    }
    return 0;
}

static int change(Epoll *set, int op, int fd, const struct epoll_event *event)
{
    Item *item = item_of(set, fd), made;
    int ret = 0;

    if (item && item->orphan) {
        item = NULL;
    }
    if (op == EPOLL_CTL_ADD ? item != NULL : item == NULL) {
        return op == EPOLL_CTL_ADD ? -EEXIST : -ENOENT;
    }
    if (op == EPOLL_CTL_DEL) {
        unwatch(set, fd);
        item->used = false;
        return 0;
    }
    made = (Item){ .events = event->events, .used = true, .data = event->data };
    if (op == EPOLL_CTL_MOD) {
        if (item->events & EPOLLEXCLUSIVE) {
            return -EINVAL;
        }
        *item = made;
        port_poll_ring_arm(set->ring, fd, poll_events(made.events));
        return 0;
    }
    if (!grow(set, fd)) {
        return -ENOMEM;
    }
    set->items[fd] = made;
    ret = watch(set, fd, &made);
    if (ret < 0) {
        set->items[fd].used = false;
    }
    return ret;
}

static int control(Epoll *set, WasmOwn *target, int op, int fd, const struct epoll_event *event)
{
    bool nests = target && target->ops == &ops;
    int ret;

    if (op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE &&
        (op == EPOLL_CTL_MOD || nests ||
         event->events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET |
                           EPOLLEXCLUSIVE))) {
        return -EINVAL;
    }
    if (op != EPOLL_CTL_ADD || !nests) {
        qemu_mutex_lock(&set->lock);
        ret = change(set, op, fd, event);
        qemu_mutex_unlock(&set->lock);
        return ret;
    }
    qemu_mutex_lock(&nesting);
    ret = depth_of((Epoll *)target, set, 1) > MAX_NESTS ? -ELOOP : 0;
    if (ret == 0) {
        qemu_mutex_lock(&set->lock);
        ret = change(set, op, fd, event);
        qemu_mutex_unlock(&set->lock);
    }
    qemu_mutex_unlock(&nesting);
    return ret;
}

LIBC_WEAK
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    WasmOwn *own, *target;
    int ret;

    if (op != EPOLL_CTL_DEL && !event) {
        return fails(EFAULT);
    }
    if (wasm_fd_revents(epfd, 0) == PORT_POLLNVAL || wasm_fd_revents(fd, 0) == PORT_POLLNVAL) {
        return fails(EBADF);
    }
    if (can_watch(fd) < 0) {
        return fails(EPERM);
    }
    own = wasm_own_get(epfd);
    if (!own || own->ops != &ops || epfd == fd ||
        (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)) {
        if (own) {
            wasm_own_put(own);
        }
        return fails(EINVAL);
    }
    target = wasm_own_get(fd);
    ret = own == target ? -EINVAL : control((Epoll *)own, target, op, fd, event);
    if (ret == 0 && op != EPOLL_CTL_DEL) {
        /* It may be ready already, or be ready at a certain time. */
        wasm_own_wake(own, PORT_POLLIN);
    }
    if (target) {
        wasm_own_put(target);
    }
    wasm_own_put(own);
    return ret < 0 ? fails(-ret) : 0;
}

/* ---- epoll_wait ---- */

static int collect(Epoll *set, struct epoll_event *events, int most)
{
    PortPollFd found[BATCH];
    int count = 0;

    qemu_mutex_lock(&set->lock);
    /* Those that have been reported so far are armed again only at the end. */
    while (count < most) {
        unsigned want = MIN((unsigned)(most - count), (unsigned)BATCH);
        int got = port_poll_ring_wait(set->ring, found, want, 0);

        for (int i = 0; i < got; i++) {
            Item *item = item_of(set, found[i].fd);
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
static void pass_on(Epoll *set)
{
    if (qatomic_mb_read(&set->own.sleepers) && port_poll_ring_pending(set->ring)) {
        qatomic_inc(&set->own.changed);
        port_notify32(&set->own.changed, UINT32_MAX);
    }
}

static int wait_ns(int epfd, struct epoll_event *events, int most, int64_t timeout_ns)
{
    int64_t deadline = NO_DEADLINE;
    WasmOwn *own;
    int count;

    if (timeout_ns >= 0 && __builtin_add_overflow(port_clock_ns(PORT_CLOCK_MONOTONIC),
                                                  timeout_ns, &deadline)) {
        deadline = NO_DEADLINE;
    }

    if (wasm_fd_revents(epfd, 0) == PORT_POLLNVAL) {
        return fails(EBADF);
    }
    own = wasm_own_get(epfd);
    if (most <= 0 || !own || own->ops != &ops) {
        if (own) {
            wasm_own_put(own);
        }
        return fails(EINVAL);
    }
    for (;;) {
        uint32_t seen = qatomic_mb_read(&own->changed);
        int64_t left = time_until(deadline);

        if (wasm_until_timer(left) == 0) {
            /* What timers have made ready is in the ring now. */
            seen = qatomic_mb_read(&own->changed);
        }
        count = collect((Epoll *)own, events, most);
        if (count || left == 0) {
            break;
        }
        wasm_own_sleep(own, seen, wasm_until_timer(left));
    }
    if (count) {
        pass_on((Epoll *)own);
    }
    wasm_own_put(own);
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
