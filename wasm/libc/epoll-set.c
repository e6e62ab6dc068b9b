/* SPDX-License-Identifier: MIT */
/*
 * Epoll sets. A set watches its fds as a loop does, by a ring of one-shot polls
 * (wasm/port/poll-ring.c): an fd that becomes ready is put into the ring's list, so waiting takes
 * time for the fds that are ready and not for the others. An item that is reported as long as its
 * fd is ready is armed again at once; one with EPOLLET stays armed; one with EPOLLONESHOT is not.
 */
#include <stdlib.h>

#include "epoll-set.h"
#include "fails.h"
#include "port/calls.h"
#include "weak.h"

static EpollSet *sets[WASM_MAX_WATCHERS];

/* ---- Items ---- */

static bool grow(EpollSet *set, int fd)
{
    if (fd >= set->n) {
        int n = MAX(fd + 1, 2 * set->n);
        EpollItem *items = realloc(set->items, (size_t)n * sizeof(*items));

        if (!items) {
            return false;
        }
        memset(items + set->n, 0, (size_t)(n - set->n) * sizeof(*items));
        set->items = items;
        set->n = n;
    }
    return true;
}

static int poll_events(uint32_t events)
{
    return (int)(events & (EPOLLIN | EPOLLOUT | EPOLLRDHUP)) | (events & EPOLLRDNORM ? PORT_POLLIN : 0) |
           (events & EPOLLWRNORM ? PORT_POLLOUT : 0) | PORT_POLLERR | PORT_POLLHUP |
           (events & EPOLLET ? PORT_POLLEDGE : 0);
}

void epoll_set_arm(EpollSet *set, int fd, const EpollItem *item)
{
    port_poll_ring_arm(set->ring, fd, poll_events(item->events));
}

int epoll_set_add(EpollSet *set, int fd, const EpollItem *item)
{
    int ret;

    if (!grow(set, fd) || !port_poll_ring_reserve(set->ring, fd)) {
        return -ENOMEM;
    }
    /* It may be found ready as soon as it is watched. */
    set->items[fd] = *item;
    ret = port_fd_watch(fd, set->watcher, true);
    if (ret < 0) {
        set->items[fd].used = false;
        return ret;
    }
    epoll_set_arm(set, fd, item);
    return 0;
}

void epoll_set_remove(EpollSet *set, int fd)
{
    port_fd_watch(fd, set->watcher, false);
    port_poll_ring_arm(set->ring, fd, 0);
    set->items[fd].used = false;
}

/* ---- The set as a descriptor ---- */

static int revents(WasmOwn *own, int events)
{
    EpollSet *set = (EpollSet *)own;
    bool ready;

    qemu_mutex_lock(&set->lock);
    ready = set->open && wasm_poll_ring_ready(set->ring);
    qemu_mutex_unlock(&set->lock);
    return ready ? events & PORT_POLLIN : 0;
}

/* Called by the thread that made an fd ready; takes no lock. There is no set yet if that thread found the
 * last user of the watcher on the fd. */
static void ready(uint32_t watcher_id)
{
    EpollSet *set = qatomic_load_acquire(&sets[watcher_id]);

    if (set) {
        wasm_own_wake(&set->own, PORT_POLLIN);
    }
}

static void release(WasmOwn *own)
{
    EpollSet *set = (EpollSet *)own;
    PortWatcher *watcher = set->watcher;

    qemu_mutex_lock(&set->lock);
    for (int fd = 0; fd < set->n; fd++) {
        if (set->items[fd].used) {
            epoll_set_remove(set, fd);
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
        EpollSet *set = qatomic_load_acquire(&sets[i]);
        EpollItem *item;

        if (!set || !qatomic_read(&set->open)) {
            continue;
        }
        qemu_mutex_lock(&set->lock);
        item = set->open ? epoll_set_item(set, fd) : NULL;
        if (item) {
            int alias = wasm_fd_alias(fd);
            EpollItem moved = *item;

            epoll_set_remove(set, fd);
            moved.orphan = true;
            if (alias >= 0 && !epoll_set_item(set, alias)) {
                epoll_set_add(set, alias, &moved);
            }
        }
        qemu_mutex_unlock(&set->lock);
    }
}

static const WasmOwnOps ops = { .revents = revents, .release = release, .timed = true };

bool epoll_set_is(const WasmOwn *own)
{
    return own->ops == &ops;
}

EpollSet *epoll_set_get(int fd)
{
    WasmOwn *own;

    if (wasm_fd_revents(fd, 0) == PORT_POLLNVAL) {
        errno = EBADF;
        return NULL;
    }
    own = wasm_own_get(fd);
    if (own && !epoll_set_is(own)) {
        wasm_own_put(own);
        own = NULL;
    }
    if (!own) {
        errno = EINVAL;
    }
    return (EpollSet *)own;
}

/* ---- epoll_create ---- */

LIBC_WEAK
int epoll_create1(int flags)
{
    PortWatcher *watcher;
    EpollSet *set;
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
